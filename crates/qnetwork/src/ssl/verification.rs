//! Verification of a chain by the default configuration.

use std::time::SystemTime;

use super::{
    certificate::QSslCertificate,
    configuration::QSslConfiguration,
    error::QSslError,
    verify::{Purpose, Request, verify},
};

impl QSslCertificate {
    /// What is wrong with the first certificate of the chain, as of now: all errors, none if it is
    /// good.
    ///
    /// The others are what it may have been issued by; who is trusted in the end are the CA
    /// certificates of the [default configuration](QSslConfiguration::default_configuration).
    /// Unless the host's name is empty, the certificate has to be for it. What it may be used for
    /// is not looked at.
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
