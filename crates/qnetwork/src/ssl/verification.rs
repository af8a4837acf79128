//! Verification of a chain with the default configuration.

use std::time::SystemTime;

use super::{
    certificate::QSslCertificate,
    configuration::QSslConfiguration,
    error::QSslError,
    verify::{Purpose, Request, verify},
};

impl QSslCertificate {
    /// Verifies the first certificate of a chain at the current time. Returns all errors; none if
    /// the certificate is valid.
    ///
    /// The other certificates may be its issuers. The CA certificates of the [default
    /// configuration](QSslConfiguration::default_configuration) are trusted. If the host name is
    /// not empty, the certificate must be for that host. The function does not check the permitted
    /// uses of the certificate.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslCertificate, SslErrorKind};
    ///
    /// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    /// let chain = QSslCertificate::from_data(pem, EncodingFormat::Pem).unwrap();
    /// let errors = QSslCertificate::verify(&chain, "b.example");
    /// assert_eq!(errors.len(), 2);
    /// assert_eq!(errors[0], SslErrorKind::HostNameMismatch);
    /// assert_eq!(errors[1], SslErrorKind::SelfSignedCertificate);
    /// assert_eq!(errors[1].certificate(), &chain[0]);
    /// ```
    #[must_use]
    pub fn verify(chain: &[QSslCertificate], host_name: &str) -> Vec<QSslError> {
        verify(&Request {
            chain,
            trusted: &QSslConfiguration::default_configuration().trusted_certificates(),
            host: Some(host_name).filter(|host| !host.is_empty()),
            purpose: Purpose::Any,
            depth: 0,
            now: SystemTime::now(),
        })
    }
}
