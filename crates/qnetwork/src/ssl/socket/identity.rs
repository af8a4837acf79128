//! The certificates and keys of both ends, and the negotiated cipher and protocol.

use std::{borrow::Borrow, fs, path::Path};

use zeroize::Zeroizing;

use super::QSslSocket;
use crate::common::owned;
use crate::ssl::{
    certificate::{QSslCertificate, SslCertificateError},
    cipher::QSslCipher,
    key::{QSslKey, SslKeyError},
    kinds::{EncodingFormat, KeyAlgorithm, KeyType, SslProtocol},
};

/// The version of rustls, as far as the workspace determines it.
const LIBRARY: (u32, u32) = (0, 23);

impl QSslSocket {
    /// Returns this end's certificate; a null one if it has none.
    #[doc(alias = "localCertificate")]
    #[must_use]
    pub fn local_certificate(&self) -> QSslCertificate {
        self.configuration.borrow().local_certificate()
    }

    /// Sets this end's certificate.
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
        let data = fs::read(path).map_err(|error| SslCertificateError::reading(&error))?;
        self.set_local_certificate(QSslCertificate::try_new(data, format)?);
        Ok(())
    }

    /// Returns this end's certificate and its issuers.
    #[doc(alias = "localCertificateChain")]
    #[must_use]
    pub fn local_certificate_chain(&self) -> Vec<QSslCertificate> {
        self.configuration.borrow().local_certificate_chain()
    }

    /// Sets this end's certificate and its issuers, in this order. The peer gets all of them.
    #[doc(alias = "setLocalCertificateChain")]
    pub fn set_local_certificate_chain(
        &self,
        chain: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let chain: Vec<QSslCertificate> = owned(chain);
        self.set(|configuration| configuration.set_local_certificate_chain(chain));
    }

    /// Returns the key of this end's certificate; a null one if it has none.
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

    /// Sets the key of this end's certificate to the private key in a file. The pass phrase is
    /// ignored if the key is not encrypted.
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
        let data = fs::read(path).map_err(|error| SslKeyError::reading(&error))?;
        let data = Zeroizing::new(data);
        let key_type = KeyType::Private;
        self.set_private_key(QSslKey::from_data(&data, algorithm, format, key_type, pass_phrase)?);
        Ok(())
    }

    /// Returns the peer's certificate; a null one if it has none or has not sent it yet.
    #[doc(alias = "peerCertificate")]
    #[must_use]
    pub fn peer_certificate(&self) -> QSslCertificate {
        self.configuration.borrow().peer_certificate()
    }

    /// Returns the certificates that the peer has sent, its own first.
    #[doc(alias = "peerCertificateChain")]
    #[must_use]
    pub fn peer_certificate_chain(&self) -> Vec<QSslCertificate> {
        self.configuration.borrow().peer_certificate_chain()
    }

    /// Returns the cipher of the connection; a null one before the handshake has finished.
    #[doc(alias = "sessionCipher")]
    #[must_use]
    pub fn session_cipher(&self) -> QSslCipher {
        self.configuration.borrow().session_cipher()
    }

    /// Returns the TLS version of the connection; [`Unknown`](SslProtocol::Unknown) before the
    /// handshake has finished.
    #[doc(alias = "sessionProtocol")]
    #[must_use]
    pub fn session_protocol(&self) -> SslProtocol {
        self.configuration.borrow().session_protocol()
    }

    // ---- the library

    /// Returns whether sockets can encrypt: always true.
    #[doc(alias = "supportsSsl")]
    #[must_use]
    pub fn supports_ssl() -> bool {
        true
    }

    /// Returns the version of rustls: the major version in the highest byte, the minor version in
    /// the next one.
    #[doc(alias = "sslLibraryVersionNumber")]
    #[must_use]
    pub fn ssl_library_version_number() -> u32 {
        LIBRARY.0 << 24 | LIBRARY.1 << 16
    }

    /// Returns the name and the version of the TLS library.
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

    /// Returns the version of rustls at build time, which is the same.
    #[doc(alias = "sslLibraryBuildVersionNumber")]
    #[must_use]
    pub fn ssl_library_build_version_number() -> u32 {
        Self::ssl_library_version_number()
    }

    /// Returns the name and the version of the TLS library at build time, which are the same.
    #[doc(alias = "sslLibraryBuildVersionString")]
    #[must_use]
    pub fn ssl_library_build_version_string() -> String {
        Self::ssl_library_version_string()
    }
}
