//! Who the two ends are, and what they have agreed on.

use std::{borrow::Borrow, fs, path::Path};

use zeroize::Zeroizing;

use super::QSslSocket;
use crate::common::owned;
use crate::ssl::{
    certificate::{QSslCertificate, SslCertificateError, SslCertificateErrorKind},
    cipher::QSslCipher,
    key::{QSslKey, SslKeyError, SslKeyErrorKind},
    kinds::{EncodingFormat, KeyAlgorithm, KeyType, SslProtocol},
};

/// The version of rustls, as far as it is the workspace's to choose.
const LIBRARY: (u32, u32) = (0, 23);

impl QSslSocket {
    /// The certificate of this end; a null one if it has none.
    #[doc(alias = "localCertificate")]
    #[must_use]
    pub fn local_certificate(&self) -> QSslCertificate {
        self.configuration.borrow().local_certificate()
    }

    /// Sets the certificate of this end.
    #[doc(alias = "setLocalCertificate")]
    pub fn set_local_certificate(&self, certificate: QSslCertificate) {
        self.set(|configuration| configuration.set_local_certificate(certificate));
    }

    /// Sets the certificate of this end to the first one in a file.
    ///
    /// # Errors
    ///
    /// [`SslCertificateError`] if the file cannot be read or contains no certificate. The socket
    /// keeps its certificate then.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslSocket};
    ///
    /// let socket = QSslSocket::new();
    /// assert!(socket.set_local_certificate_file("/none/such", EncodingFormat::Pem).is_err());
    /// ```
    #[doc(alias = "setLocalCertificate")]
    pub fn set_local_certificate_file(
        &self,
        path: impl AsRef<Path>,
        format: EncodingFormat,
    ) -> Result<(), SslCertificateError> {
        let data = fs::read(path).map_err(|error| SslCertificateErrorKind::Io(error.kind()))?;
        self.set_local_certificate(QSslCertificate::try_new(data, format)?);
        Ok(())
    }

    /// The certificate of this end, and those of who has issued it.
    #[doc(alias = "localCertificateChain")]
    #[must_use]
    pub fn local_certificate_chain(&self) -> Vec<QSslCertificate> {
        self.configuration.borrow().local_certificate_chain()
    }

    /// Sets the certificate of this end and those of who has issued it, in this order: they are all sent.
    #[doc(alias = "setLocalCertificateChain")]
    pub fn set_local_certificate_chain(
        &self,
        chain: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let chain: Vec<QSslCertificate> = owned(chain);
        self.set(|configuration| configuration.set_local_certificate_chain(chain));
    }

    /// The key of this end's certificate; a null one if it has none.
    #[doc(alias = "privateKey")]
    #[must_use]
    pub fn private_key(&self) -> QSslKey {
        self.configuration.borrow().private_key()
    }

    /// Sets the key of this end's certificate.
    #[doc(alias = "setPrivateKey")]
    pub fn set_private_key(&self, key: QSslKey) {
        self.set(|configuration| configuration.set_private_key(key));
    }

    /// Sets the key of this end's certificate to the private key in a file. The pass phrase is ignored
    /// if the key is not encrypted.
    ///
    /// # Errors
    ///
    /// [`SslKeyError`] if the file cannot be read or contains no such key. The socket keeps its key
    /// then.
    #[doc(alias = "setPrivateKey")]
    pub fn set_private_key_file(
        &self,
        path: impl AsRef<Path>,
        algorithm: KeyAlgorithm,
        format: EncodingFormat,
        pass_phrase: impl AsRef<[u8]>,
    ) -> Result<(), SslKeyError> {
        let data = fs::read(path).map_err(|error| SslKeyErrorKind::Io(error.kind()))?;
        let data = Zeroizing::new(data);
        let key_type = KeyType::Private;
        self.set_private_key(QSslKey::from_data(&data, algorithm, format, key_type, pass_phrase)?);
        Ok(())
    }

    /// The other end's certificate; a null one before it has said who it is, and if it did not say.
    #[doc(alias = "peerCertificate")]
    #[must_use]
    pub fn peer_certificate(&self) -> QSslCertificate {
        self.configuration.borrow().peer_certificate()
    }

    /// The certificates that the other end has sent, its own first.
    #[doc(alias = "peerCertificateChain")]
    #[must_use]
    pub fn peer_certificate_chain(&self) -> Vec<QSslCertificate> {
        self.configuration.borrow().peer_certificate_chain()
    }

    /// The cipher that was agreed on; a null one before the handshake is over.
    #[doc(alias = "sessionCipher")]
    #[must_use]
    pub fn session_cipher(&self) -> QSslCipher {
        self.configuration.borrow().session_cipher()
    }

    /// The version of TLS that is spoken; [`Unknown`](SslProtocol::Unknown) before the handshake is over.
    #[doc(alias = "sessionProtocol")]
    #[must_use]
    pub fn session_protocol(&self) -> SslProtocol {
        self.configuration.borrow().session_protocol()
    }

    // ---- the library

    /// Whether sockets can encrypt: always.
    #[doc(alias = "supportsSsl")]
    #[must_use]
    pub fn supports_ssl() -> bool {
        true
    }

    /// The version of the library that encrypts, rustls: its major version in the uppermost byte, its minor one in
    /// the next.
    #[doc(alias = "sslLibraryVersionNumber")]
    #[must_use]
    pub fn ssl_library_version_number() -> u32 {
        LIBRARY.0 << 24 | LIBRARY.1 << 16
    }

    /// The library that encrypts, and its version.
    ///
    /// ```
    /// use qnetwork::QSslSocket;
    /// assert_eq!(QSslSocket::ssl_library_version_string(), "rustls 0.23");
    /// assert_eq!(QSslSocket::ssl_library_version_number(), 0x17_0000);
    /// ```
    #[doc(alias = "sslLibraryVersionString")]
    #[must_use]
    pub fn ssl_library_version_string() -> String {
        format!("rustls {}.{}", LIBRARY.0, LIBRARY.1)
    }

    /// The version of the library that this one was built with: the same.
    #[doc(alias = "sslLibraryBuildVersionNumber")]
    #[must_use]
    pub fn ssl_library_build_version_number() -> u32 {
        Self::ssl_library_version_number()
    }

    /// The library that this one was built with, and its version: the same.
    #[doc(alias = "sslLibraryBuildVersionString")]
    #[must_use]
    pub fn ssl_library_build_version_string() -> String {
        Self::ssl_library_version_string()
    }
}
