//! What can be set: all of it is in the configuration but the name to be verified.

use std::{borrow::Borrow, path::Path};

use super::{QSslSocket, SslSocketNode};
use crate::common::owned;
use crate::ssl::{
    certificate::{QSslCertificate, SslCertificateError},
    cipher::QSslCipher,
    configuration::QSslConfiguration,
    kinds::{EncodingFormat, PatternSyntax, PeerVerifyMode, SslProtocol},
    system_certificates::system_ca_certificates,
};

impl QSslSocket {
    /// The configuration, and what is known of the connection.
    #[doc(alias = "sslConfiguration")]
    #[must_use]
    pub fn ssl_configuration(&self) -> QSslConfiguration {
        self.configuration.borrow().clone()
    }

    /// Sets the configuration. It is looked at when encryption begins, but for the peer verify mode and the
    /// certificates that are trusted, which are when the other end has said who it is.
    ///
    /// Sockets with one configuration share what was made of it, and resume one another's sessions.
    ///
    /// ```
    /// use qnetwork::{QSslConfiguration, QSslSocket, SslProtocol};
    ///
    /// let mut configuration = QSslConfiguration::default_configuration();
    /// configuration.set_protocol(SslProtocol::TlsV1_3);
    /// let socket = QSslSocket::new();
    /// socket.set_ssl_configuration(configuration.clone());
    /// assert_eq!(socket.ssl_configuration(), configuration);
    /// ```
    #[doc(alias = "setSslConfiguration")]
    pub fn set_ssl_configuration(&self, configuration: QSslConfiguration) {
        self.configuration.borrow_mut().take_settings(&configuration);
    }

    /// Which versions of TLS may be spoken; [`Secure`](SslProtocol::Secure) by default.
    #[must_use]
    pub fn protocol(&self) -> SslProtocol {
        self.configuration.borrow().protocol()
    }

    /// Sets which versions of TLS may be spoken.
    #[doc(alias = "setProtocol")]
    pub fn set_protocol(&self, protocol: SslProtocol) {
        self.set(|configuration| configuration.set_protocol(protocol));
    }

    /// What is done about the other end's certificate; [`Auto`](PeerVerifyMode::Auto) by default.
    #[doc(alias = "peerVerifyMode")]
    #[must_use]
    pub fn peer_verify_mode(&self) -> PeerVerifyMode {
        self.configuration.borrow().peer_verify_mode()
    }

    /// Sets what is done about the other end's certificate.
    #[doc(alias = "setPeerVerifyMode")]
    pub fn set_peer_verify_mode(&self, mode: PeerVerifyMode) {
        self.set(|configuration| configuration.set_peer_verify_mode(mode));
    }

    /// How many certificates there may be between the other end's and the root; 0, the default, is no limit.
    #[doc(alias = "peerVerifyDepth")]
    #[must_use]
    pub fn peer_verify_depth(&self) -> i32 {
        self.configuration.borrow().peer_verify_depth()
    }

    /// Sets how many certificates there may be between the other end's and the root; 0 is no limit. What is
    /// negative is refused, with a warning.
    ///
    /// ```
    /// let socket = qnetwork::QSslSocket::new();
    /// socket.set_peer_verify_depth(2);
    /// socket.set_peer_verify_depth(-1); // a warning
    /// assert_eq!(socket.peer_verify_depth(), 2);
    /// ```
    #[doc(alias = "setPeerVerifyDepth")]
    pub fn set_peer_verify_depth(&self, depth: i32) {
        if depth < 0 {
            qcore::q_warning!(
                "QSslSocket::setPeerVerifyDepth: cannot set negative depth of {depth}"
            );
            return;
        }
        self.set(|configuration| configuration.set_peer_verify_depth(depth));
    }

    /// The name that the other end's certificate has to be for; empty, the default, for the host's.
    #[doc(alias = "peerVerifyName")]
    #[must_use]
    pub fn peer_verify_name(&self) -> String {
        self.verify_name.borrow().clone()
    }

    /// Sets the name that the other end's certificate has to be for, if it is not the host's. The server is asked
    /// for it, too.
    #[doc(alias = "setPeerVerifyName")]
    pub fn set_peer_verify_name(&self, name: impl Into<String>) {
        self.verify_name.replace(name.into());
    }

    // ---- ciphers

    /// The ciphers that may be used, the best first.
    #[must_use]
    pub fn ciphers(&self) -> Vec<QSslCipher> {
        self.configuration.borrow().ciphers()
    }

    /// Sets the ciphers that may be used, the best first. With none for a version of TLS all may be.
    #[doc(alias = "setCiphers")]
    pub fn set_ciphers(&self, ciphers: impl IntoIterator<Item: Borrow<QSslCipher>>) {
        let ciphers = owned(ciphers);
        self.set(|configuration| configuration.set_ciphers(ciphers));
    }

    /// [`set_ciphers`](QSslSocket::set_ciphers) by names with colons between; those that nobody knows are left
    /// out.
    ///
    /// ```
    /// use qnetwork::QSslSocket;
    ///
    /// let socket = QSslSocket::new();
    /// socket.set_ciphers_by_name("TLS_AES_128_GCM_SHA256:NONE-SUCH");
    /// assert_eq!(socket.ciphers()[0].name(), "TLS_AES_128_GCM_SHA256");
    /// assert_eq!(socket.ciphers().len(), 1);
    /// ```
    #[doc(alias = "setCiphers")]
    pub fn set_ciphers_by_name(&self, names: &str) {
        self.set_ciphers(names.split(':').filter_map(QSslCipher::from_name));
    }

    /// The ciphers that new sockets may use.
    #[doc(alias = "defaultCiphers")]
    #[must_use]
    pub fn default_ciphers() -> Vec<QSslCipher> {
        QSslConfiguration::default_configuration().ciphers()
    }

    /// Sets the ciphers that new sockets may use, in all threads.
    #[doc(alias = "setDefaultCiphers")]
    pub fn set_default_ciphers(ciphers: impl IntoIterator<Item: Borrow<QSslCipher>>) {
        let ciphers = owned(ciphers);
        change_default(|configuration| configuration.set_ciphers(ciphers));
    }

    /// All ciphers that there are, the best first.
    #[doc(alias = "supportedCiphers")]
    #[must_use]
    pub fn supported_ciphers() -> Vec<QSslCipher> {
        QSslConfiguration::supported_ciphers()
    }

    // ---- whom to trust

    /// The certificates that were set or added to be trusted.
    #[doc(alias = "caCertificates")]
    #[must_use]
    pub fn ca_certificates(&self) -> Vec<QSslCertificate> {
        self.configuration.borrow().ca_certificates()
    }

    /// Sets the certificates that are trusted; the system's are not, from now on.
    #[doc(alias = "setCaCertificates")]
    pub fn set_ca_certificates(
        &self,
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let certificates = owned(certificates);
        self.set(|configuration| configuration.set_ca_certificates(certificates));
    }

    /// Trusts one certificate more.
    #[doc(alias = "addCaCertificate")]
    pub fn add_ca_certificate(&self, certificate: QSslCertificate) {
        self.add_ca_certificates([certificate]);
    }

    /// Trusts some certificates more.
    #[doc(alias = "addCaCertificates")]
    pub fn add_ca_certificates(
        &self,
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        // The iterator is user code: it must not run while the configuration is borrowed.
        let certificates = owned(certificates);
        self.set(|configuration| configuration.add_to_trusted(certificates));
    }

    /// Also trusts the certificates in a file. See [`QSslCertificate::from_path`].
    ///
    /// # Errors
    ///
    /// [`SslCertificateError`] if the file cannot be read or contains no certificate. The socket
    /// trusts the same certificates as before.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslSocket};
    ///
    /// let socket = QSslSocket::new();
    /// assert!(socket.add_ca_certificates_from_path("/none/such", EncodingFormat::Pem).is_err());
    /// ```
    #[doc(alias = "addCaCertificates")]
    pub fn add_ca_certificates_from_path(
        &self,
        path: impl AsRef<Path>,
        format: EncodingFormat,
    ) -> Result<(), SslCertificateError> {
        self.add_ca_certificates(QSslCertificate::from_path(path, format)?);
        Ok(())
    }

    /// Also trusts the certificates in the files whose path matches a pattern. See
    /// [`QSslCertificate::from_path_with_syntax`].
    ///
    /// # Errors
    ///
    /// [`SslCertificateError`] if there is no certificate in such a file. The socket trusts the same
    /// certificates as before.
    #[doc(alias = "addCaCertificates")]
    pub fn add_ca_certificates_from_path_with_syntax(
        &self,
        pattern: &str,
        format: EncodingFormat,
        syntax: PatternSyntax,
    ) -> Result<(), SslCertificateError> {
        self.add_ca_certificates(QSslCertificate::from_path_with_syntax(pattern, format, syntax)?);
        Ok(())
    }

    /// The certificates that new sockets trust: those that were set, or the system's.
    #[doc(alias = "defaultCaCertificates")]
    #[must_use]
    pub fn default_ca_certificates() -> Vec<QSslCertificate> {
        QSslConfiguration::default_configuration().trusted_certificates()
    }

    /// Sets the certificates that new sockets trust, in all threads.
    #[doc(alias = "setDefaultCaCertificates")]
    pub fn set_default_ca_certificates(
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let certificates = owned(certificates);
        change_default(|configuration| configuration.set_ca_certificates(certificates));
    }

    /// Has new sockets trust one certificate more, in all threads.
    #[doc(alias = "addDefaultCaCertificate")]
    pub fn add_default_ca_certificate(certificate: QSslCertificate) {
        Self::add_default_ca_certificates([certificate]);
    }

    /// Has new sockets trust some certificates more, in all threads.
    #[doc(alias = "addDefaultCaCertificates")]
    pub fn add_default_ca_certificates(
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let certificates = owned(certificates);
        change_default(|configuration| configuration.add_to_trusted(certificates));
    }

    /// Has new sockets, in all threads, also trust the certificates in a file. See
    /// [`QSslCertificate::from_path`].
    ///
    /// # Errors
    ///
    /// As [`add_ca_certificates_from_path`](QSslSocket::add_ca_certificates_from_path).
    #[doc(alias = "addDefaultCaCertificates")]
    pub fn add_default_ca_certificates_from_path(
        path: impl AsRef<Path>,
        format: EncodingFormat,
    ) -> Result<(), SslCertificateError> {
        Self::add_default_ca_certificates(QSslCertificate::from_path(path, format)?);
        Ok(())
    }

    /// Has new sockets, in all threads, also trust the certificates in the files whose path matches
    /// a pattern. See [`QSslCertificate::from_path_with_syntax`].
    ///
    /// # Errors
    ///
    /// As [`add_ca_certificates_from_path_with_syntax`][other].
    ///
    /// [other]: QSslSocket::add_ca_certificates_from_path_with_syntax
    #[doc(alias = "addDefaultCaCertificates")]
    pub fn add_default_ca_certificates_from_path_with_syntax(
        pattern: &str,
        format: EncodingFormat,
        syntax: PatternSyntax,
    ) -> Result<(), SslCertificateError> {
        let found = QSslCertificate::from_path_with_syntax(pattern, format, syntax)?;
        Self::add_default_ca_certificates(found);
        Ok(())
    }

    /// The certificates that the system trusts. They are read once, when first asked for.
    #[doc(alias = "systemCaCertificates")]
    #[must_use]
    pub fn system_ca_certificates() -> Vec<QSslCertificate> {
        system_ca_certificates().to_vec()
    }
}

fn change_default(change: impl FnOnce(&mut QSslConfiguration)) {
    let mut configuration = QSslConfiguration::default_configuration();
    change(&mut configuration);
    QSslConfiguration::set_default_configuration(configuration);
}

impl SslSocketNode {
    pub(super) fn set(&self, change: impl FnOnce(&mut QSslConfiguration)) {
        change(&mut self.configuration.borrow_mut());
    }
}
