//! The settings of a `QSslSocket`. The configuration has all of them except the name to verify.

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
    /// Returns the configuration, including the properties of the current connection, such as the
    /// peer's certificates.
    #[doc(alias = "sslConfiguration")]
    #[must_use]
    pub fn ssl_configuration(&self) -> QSslConfiguration {
        self.configuration.borrow().clone()
    }

    /// Sets the configuration. The socket reads it when encryption starts, except the verify mode
    /// and the trusted certificates, which it reads when the peer's certificates have arrived.
    ///
    /// Sockets with the same configuration share rustls' configuration and resume each other's
    /// sessions.
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

    /// Returns the allowed versions of TLS; [`Secure`](SslProtocol::Secure) by default.
    #[must_use]
    pub fn protocol(&self) -> SslProtocol {
        self.configuration.borrow().protocol()
    }

    /// Sets the allowed versions of TLS.
    #[doc(alias = "setProtocol")]
    pub fn set_protocol(&self, protocol: SslProtocol) {
        self.set(|configuration| configuration.set_protocol(protocol));
    }

    /// Returns how the peer's certificate is verified; [`Auto`](PeerVerifyMode::Auto) by default.
    #[doc(alias = "peerVerifyMode")]
    #[must_use]
    pub fn peer_verify_mode(&self) -> PeerVerifyMode {
        self.configuration.borrow().peer_verify_mode()
    }

    /// Sets how the peer's certificate is verified.
    #[doc(alias = "setPeerVerifyMode")]
    pub fn set_peer_verify_mode(&self, mode: PeerVerifyMode) {
        self.set(|configuration| configuration.set_peer_verify_mode(mode));
    }

    /// Returns how many certificates may be between the peer's certificate and the root; 0 by
    /// default, which means 100.
    #[doc(alias = "peerVerifyDepth")]
    #[must_use]
    pub fn peer_verify_depth(&self) -> i32 {
        self.configuration.borrow().peer_verify_depth()
    }

    /// Sets how many certificates may be between the peer's certificate and the root. The default,
    /// 0, means 100. A negative number changes nothing and logs a warning.
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

    /// Returns the name for which the peer's certificate must be valid. Empty, the default, means
    /// the host's name.
    #[doc(alias = "peerVerifyName")]
    #[must_use]
    pub fn peer_verify_name(&self) -> String {
        self.verify_name.borrow().clone()
    }

    /// Sets the name for which the peer's certificate must be valid, if it is not the host's name.
    /// The client also sends this name to the server (SNI).
    #[doc(alias = "setPeerVerifyName")]
    pub fn set_peer_verify_name(&self, name: impl Into<String>) {
        self.verify_name.replace(name.into());
    }

    // ---- ciphers

    /// Returns the allowed ciphers, the best first.
    #[must_use]
    pub fn ciphers(&self) -> Vec<QSslCipher> {
        self.configuration.borrow().ciphers()
    }

    /// Sets the allowed ciphers, the best first. If the list has no cipher for a version of TLS,
    /// all ciphers of that version are allowed.
    #[doc(alias = "setCiphers")]
    pub fn set_ciphers(&self, ciphers: impl IntoIterator<Item: Borrow<QSslCipher>>) {
        let ciphers = owned(ciphers);
        self.set(|configuration| configuration.set_ciphers(ciphers));
    }

    /// Sets the allowed ciphers like [`set_ciphers`](QSslSocket::set_ciphers), by names separated
    /// by colons. Unknown names are skipped.
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

    /// Returns the allowed ciphers of new sockets.
    #[doc(alias = "defaultCiphers")]
    #[must_use]
    pub fn default_ciphers() -> Vec<QSslCipher> {
        QSslConfiguration::default_configuration().ciphers()
    }

    /// Sets the allowed ciphers of new sockets, in all threads.
    #[doc(alias = "setDefaultCiphers")]
    pub fn set_default_ciphers(ciphers: impl IntoIterator<Item: Borrow<QSslCipher>>) {
        let ciphers = owned(ciphers);
        change_default(|configuration| configuration.set_ciphers(ciphers));
    }

    /// Returns all supported ciphers, the best first.
    #[doc(alias = "supportedCiphers")]
    #[must_use]
    pub fn supported_ciphers() -> Vec<QSslCipher> {
        QSslConfiguration::supported_ciphers()
    }

    // ---- trusted certificates

    /// Returns the trusted certificates that were set or added.
    #[doc(alias = "caCertificates")]
    #[must_use]
    pub fn ca_certificates(&self) -> Vec<QSslCertificate> {
        self.configuration.borrow().ca_certificates()
    }

    /// Sets the trusted certificates. The system's certificates are no longer trusted.
    #[doc(alias = "setCaCertificates")]
    pub fn set_ca_certificates(
        &self,
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let certificates = owned(certificates);
        self.set(|configuration| configuration.set_ca_certificates(certificates));
    }

    /// Adds a trusted certificate.
    #[doc(alias = "addCaCertificate")]
    pub fn add_ca_certificate(&self, certificate: QSslCertificate) {
        self.add_ca_certificates([certificate]);
    }

    /// Adds trusted certificates.
    #[doc(alias = "addCaCertificates")]
    pub fn add_ca_certificates(
        &self,
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        // The iterator is user code: it must not run while the configuration is borrowed.
        let certificates = owned(certificates);
        self.set(|configuration| configuration.add_to_trusted(certificates));
    }

    /// Adds the certificates in a file to the trusted ones. See [`QSslCertificate::from_path`].
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

    /// Adds the certificates in all files whose paths match a pattern to the trusted ones. See
    /// [`QSslCertificate::from_path_with_syntax`].
    ///
    /// # Errors
    ///
    /// [`SslCertificateError`] if there is no certificate in such a file. The socket trusts the
    /// same certificates as before.
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

    /// Returns the trusted certificates of new sockets: those that were set, or the system's.
    #[doc(alias = "defaultCaCertificates")]
    #[must_use]
    pub fn default_ca_certificates() -> Vec<QSslCertificate> {
        QSslConfiguration::default_configuration().trusted_certificates()
    }

    /// Sets the trusted certificates of new sockets, in all threads.
    #[doc(alias = "setDefaultCaCertificates")]
    pub fn set_default_ca_certificates(
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let certificates = owned(certificates);
        change_default(|configuration| configuration.set_ca_certificates(certificates));
    }

    /// Adds a trusted certificate for new sockets, in all threads.
    #[doc(alias = "addDefaultCaCertificate")]
    pub fn add_default_ca_certificate(certificate: QSslCertificate) {
        Self::add_default_ca_certificates([certificate]);
    }

    /// Adds trusted certificates for new sockets, in all threads.
    #[doc(alias = "addDefaultCaCertificates")]
    pub fn add_default_ca_certificates(
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let certificates = owned(certificates);
        change_default(|configuration| configuration.add_to_trusted(certificates));
    }

    /// Adds the certificates in a file to the trusted ones of new sockets, in all threads. See
    /// [`QSslCertificate::from_path`].
    ///
    /// # Errors
    ///
    /// Those of [`add_ca_certificates_from_path`](QSslSocket::add_ca_certificates_from_path).
    #[doc(alias = "addDefaultCaCertificates")]
    pub fn add_default_ca_certificates_from_path(
        path: impl AsRef<Path>,
        format: EncodingFormat,
    ) -> Result<(), SslCertificateError> {
        Self::add_default_ca_certificates(QSslCertificate::from_path(path, format)?);
        Ok(())
    }

    /// Adds the certificates in all files whose paths match a pattern to the trusted ones of new
    /// sockets, in all threads. See [`QSslCertificate::from_path_with_syntax`].
    ///
    /// # Errors
    ///
    /// Those of [`add_ca_certificates_from_path_with_syntax`][other].
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

    /// Returns the certificates that the system trusts. The first call reads them.
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
