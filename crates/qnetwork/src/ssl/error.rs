//! Errors of certificates.

use std::{fmt, io};

use super::certificate::QSslCertificate;

qcore::numbered! {
    /// The kind of a certificate error.
    ///
    /// Stands for Qt's [QSslError::SslError](https://doc.qt.io/qt-5/qsslerror.html#SslError-enum).
    #[doc(alias = "QSslError::SslError")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SslErrorKind {
        /// An error without a code of its own.
        #[doc(alias = "UnspecifiedError")]
        Unspecified = -1,
        /// No error.
        #[default]
        NoError = 0,
        /// The store has a certificate but not its issuer.
        UnableToGetIssuerCertificate = 1,
        /// A signature cannot be decrypted.
        UnableToDecryptCertificateSignature = 2,
        /// An issuer's public key cannot be read.
        UnableToDecodeIssuerPublicKey = 3,
        /// A signature is not the issuer's, or its algorithm is not accepted.
        CertificateSignatureFailed = 4,
        /// A certificate is not valid yet.
        CertificateNotYetValid = 5,
        /// A certificate has expired.
        CertificateExpired = 6,
        /// The start of a certificate's validity is not a valid time.
        InvalidNotBeforeField = 7,
        /// The end of a certificate's validity is not a valid time.
        InvalidNotAfterField = 8,
        /// The peer's certificate is self-signed and not trusted.
        SelfSignedCertificate = 9,
        /// The chain ends in a self-signed certificate that is not trusted.
        SelfSignedCertificateInChain = 10,
        /// The issuer of the chain's last certificate is not known.
        UnableToGetLocalIssuerCertificate = 11,
        /// The chain consists of one certificate, and its issuer is not known.
        UnableToVerifyFirstCertificate = 12,
        /// A certificate was revoked. Only [OCSP
        /// stapling](crate::QSslConfiguration::set_ocsp_stapling_enabled) checks that.
        CertificateRevoked = 13,
        /// A certificate that is not an authority has signed another one.
        InvalidCaCertificate = 14,
        /// The chain is longer than one of its authorities allows.
        PathLengthExceeded = 15,
        /// A certificate does not allow this use.
        InvalidPurpose = 16,
        /// The root is not trusted for this use.
        CertificateUntrusted = 17,
        /// The root rejects this use.
        CertificateRejected = 18,
        /// The name of an issuer does not match.
        SubjectIssuerMismatch = 19,
        /// The serial number of an issuer does not match.
        AuthorityIssuerSerialNumberMismatch = 20,
        /// The peer has sent no certificate.
        NoPeerCertificate = 21,
        /// The certificate is for another host.
        HostNameMismatch = 22,
        /// TLS is not available.
        NoSslSupport = 23,
        /// The certificate is known to be fraudulent. See [`QSslCertificate::is_blacklisted`].
        CertificateBlacklisted = 24,
        /// It is not known whether the certificate was revoked.
        CertificateStatusUnknown = 25,
        /// OCSP: there is no response.
        OcspNoResponseFound = 26,
        /// OCSP: the request was malformed.
        OcspMalformedRequest = 27,
        /// OCSP: the response is malformed.
        OcspMalformedResponse = 28,
        /// OCSP: the responder has failed.
        OcspInternalError = 29,
        /// OCSP: the responder is busy.
        OcspTryLater = 30,
        /// OCSP: the request must be signed.
        #[doc(alias = "OcspSigRequred")]
        OcspSigRequired = 31,
        /// OCSP: the request was not authorized.
        OcspUnauthorized = 32,
        /// OCSP: the response is not the responder's.
        OcspResponseCannotBeTrusted = 33,
        /// OCSP: the response is about another certificate.
        OcspResponseCertIdUnknown = 34,
        /// OCSP: the response has expired.
        OcspResponseExpired = 35,
        /// OCSP: the responder does not know the certificate.
        OcspStatusUnknown = 36,
    }
}

impl SslErrorKind {
    /// Returns Qt's text for the error.
    fn text(self) -> &'static str {
        match self {
            SslErrorKind::NoError => "No error",
            SslErrorKind::UnableToGetIssuerCertificate => {
                "The issuer certificate could not be found"
            }
            SslErrorKind::UnableToDecryptCertificateSignature => {
                "The certificate signature could not be decrypted"
            }
            SslErrorKind::UnableToDecodeIssuerPublicKey => {
                "The public key in the certificate could not be read"
            }
            SslErrorKind::CertificateSignatureFailed => {
                "The signature of the certificate is invalid"
            }
            SslErrorKind::CertificateNotYetValid => "The certificate is not yet valid",
            SslErrorKind::CertificateExpired => "The certificate has expired",
            SslErrorKind::InvalidNotBeforeField => {
                "The certificate's notBefore field contains an invalid time"
            }
            SslErrorKind::InvalidNotAfterField => {
                "The certificate's notAfter field contains an invalid time"
            }
            SslErrorKind::SelfSignedCertificate => "The certificate is self-signed, and untrusted",
            SslErrorKind::SelfSignedCertificateInChain => {
                "The root certificate of the certificate chain is self-signed, and untrusted"
            }
            SslErrorKind::UnableToGetLocalIssuerCertificate => {
                "The issuer certificate of a locally looked up certificate could not be found"
            }
            SslErrorKind::UnableToVerifyFirstCertificate => "No certificates could be verified",
            SslErrorKind::InvalidCaCertificate => "One of the CA certificates is invalid",
            SslErrorKind::PathLengthExceeded => {
                "The basicConstraints path length parameter has been exceeded"
            }
            SslErrorKind::InvalidPurpose => {
                "The supplied certificate is unsuitable for this purpose"
            }
            SslErrorKind::CertificateUntrusted => {
                "The root CA certificate is not trusted for this purpose"
            }
            SslErrorKind::CertificateRejected => {
                "The root CA certificate is marked to reject the specified purpose"
            }
            SslErrorKind::SubjectIssuerMismatch => {
                "The current candidate issuer certificate was rejected because its subject name \
                 did not match the issuer name of the current certificate"
            }
            SslErrorKind::AuthorityIssuerSerialNumberMismatch => {
                "The current candidate issuer certificate was rejected because its issuer name \
                 and serial number was present and did not match the authority key identifier of \
                 the current certificate"
            }
            SslErrorKind::NoPeerCertificate => "The peer did not present any certificate",
            SslErrorKind::HostNameMismatch => {
                "The host name did not match any of the valid hosts for this certificate"
            }
            // Qt has no text for it.
            SslErrorKind::NoSslSupport => "",
            SslErrorKind::CertificateBlacklisted => "The peer certificate is blacklisted",
            SslErrorKind::OcspNoResponseFound => "No OCSP status response found",
            SslErrorKind::OcspMalformedRequest => "The OCSP status request had invalid syntax",
            SslErrorKind::OcspMalformedResponse => {
                "OCSP response contains an unexpected number of SingleResponse structures"
            }
            SslErrorKind::OcspInternalError => {
                "OCSP responder reached an inconsistent internal state"
            }
            SslErrorKind::OcspTryLater => {
                "OCSP responder was unable to return a status for the requested certificate"
            }
            SslErrorKind::OcspSigRequired => {
                "The server requires the client to sign the OCSP request in order to construct a \
                 response"
            }
            SslErrorKind::OcspUnauthorized => {
                "The client is not authorized to request OCSP status from this server"
            }
            SslErrorKind::OcspResponseCannotBeTrusted => {
                "OCSP responder's identity cannot be verified"
            }
            SslErrorKind::OcspResponseCertIdUnknown => {
                "The identity of a certificate in an OCSP response cannot be established"
            }
            SslErrorKind::OcspResponseExpired => "The certificate status response has expired",
            SslErrorKind::OcspStatusUnknown => "The certificate's status is unknown",
            SslErrorKind::Unspecified
            | SslErrorKind::CertificateRevoked
            | SslErrorKind::CertificateStatusUnknown => "Unknown error",
        }
    }
}

impl fmt::Display for SslErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// An error of a certificate, and the certificate.
///
/// Two errors are equal if their kinds and their certificates are equal. Ignoring errors compares
/// them in this way, so an error without its certificate matches no error of a certificate.
///
/// # Examples
///
/// ```
/// use qnetwork::{QSslError, SslErrorKind};
///
/// let error = QSslError::new(SslErrorKind::SelfSignedCertificate);
/// assert_eq!(error.error_string(), "The certificate is self-signed, and untrusted");
/// assert!(error.certificate().is_null());
/// assert_eq!(error, SslErrorKind::SelfSignedCertificate);
///
/// assert_eq!(QSslError::default().error(), SslErrorKind::NoError);
/// ```
///
/// Qt's page: [QSslError](https://doc.qt.io/qt-5/qsslerror.html).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QSslError {
    error: SslErrorKind,
    certificate: QSslCertificate,
}

impl QSslError {
    /// Creates an error without a certificate.
    #[must_use]
    pub fn new(error: SslErrorKind) -> Self {
        QSslError { error, certificate: QSslCertificate::default() }
    }

    /// Creates an error of a certificate.
    #[must_use]
    pub fn with_certificate(error: SslErrorKind, certificate: QSslCertificate) -> Self {
        QSslError { error, certificate }
    }

    /// Returns the kind of the error. The same as [`error`](Self::error), with the name that all
    /// errors of this library have.
    #[must_use]
    pub fn kind(&self) -> SslErrorKind {
        self.error
    }

    /// Returns the kind of the error; [`NoError`](SslErrorKind::NoError) of a default value.
    #[must_use]
    pub fn error(&self) -> SslErrorKind {
        self.error
    }

    /// Returns Qt's text for the error.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> String {
        self.error.to_string()
    }

    /// Returns the certificate; a null one if the error concerns no certificate.
    #[must_use]
    pub fn certificate(&self) -> &QSslCertificate {
        &self.certificate
    }

    /// Exchanges two errors.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }
}

impl PartialEq<SslErrorKind> for QSslError {
    /// Returns whether the error is of this kind, whatever its certificate.
    fn eq(&self, error: &SslErrorKind) -> bool {
        self.error == *error
    }
}

impl fmt::Display for QSslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for QSslError {}

/// Creates an error without a certificate.
impl From<SslErrorKind> for QSslError {
    fn from(kind: SslErrorKind) -> Self {
        QSslError::new(kind)
    }
}

impl From<QSslError> for io::Error {
    /// The kind is [`InvalidData`](io::ErrorKind::InvalidData).
    fn from(error: QSslError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Qt's texts.
    const TEXTS: [(SslErrorKind, &str); 38] = [
        (SslErrorKind::Unspecified, "Unknown error"),
        (SslErrorKind::NoError, "No error"),
        (SslErrorKind::UnableToGetIssuerCertificate, "The issuer certificate could not be found"),
        (
            SslErrorKind::UnableToDecryptCertificateSignature,
            "The certificate signature could not be decrypted",
        ),
        (
            SslErrorKind::UnableToDecodeIssuerPublicKey,
            "The public key in the certificate could not be read",
        ),
        (SslErrorKind::CertificateSignatureFailed, "The signature of the certificate is invalid"),
        (SslErrorKind::CertificateNotYetValid, "The certificate is not yet valid"),
        (SslErrorKind::CertificateExpired, "The certificate has expired"),
        (
            SslErrorKind::InvalidNotBeforeField,
            "The certificate's notBefore field contains an invalid time",
        ),
        (
            SslErrorKind::InvalidNotAfterField,
            "The certificate's notAfter field contains an invalid time",
        ),
        (SslErrorKind::SelfSignedCertificate, "The certificate is self-signed, and untrusted"),
        (
            SslErrorKind::SelfSignedCertificateInChain,
            "The root certificate of the certificate chain is self-signed, and untrusted",
        ),
        (
            SslErrorKind::UnableToGetLocalIssuerCertificate,
            "The issuer certificate of a locally looked up certificate could not be found",
        ),
        (SslErrorKind::UnableToVerifyFirstCertificate, "No certificates could be verified"),
        (SslErrorKind::CertificateRevoked, "Unknown error"),
        (SslErrorKind::InvalidCaCertificate, "One of the CA certificates is invalid"),
        (
            SslErrorKind::PathLengthExceeded,
            "The basicConstraints path length parameter has been exceeded",
        ),
        (SslErrorKind::InvalidPurpose, "The supplied certificate is unsuitable for this purpose"),
        (
            SslErrorKind::CertificateUntrusted,
            "The root CA certificate is not trusted for this purpose",
        ),
        (
            SslErrorKind::CertificateRejected,
            "The root CA certificate is marked to reject the specified purpose",
        ),
        (
            SslErrorKind::SubjectIssuerMismatch,
            "The current candidate issuer certificate was rejected because its subject name did \
             not match the issuer name of the current certificate",
        ),
        (
            SslErrorKind::AuthorityIssuerSerialNumberMismatch,
            "The current candidate issuer certificate was rejected because its issuer name and \
             serial number was present and did not match the authority key identifier of the \
             current certificate",
        ),
        (SslErrorKind::NoPeerCertificate, "The peer did not present any certificate"),
        (
            SslErrorKind::HostNameMismatch,
            "The host name did not match any of the valid hosts for this certificate",
        ),
        (SslErrorKind::NoSslSupport, ""),
        (SslErrorKind::CertificateBlacklisted, "The peer certificate is blacklisted"),
        (SslErrorKind::CertificateStatusUnknown, "Unknown error"),
        (SslErrorKind::OcspNoResponseFound, "No OCSP status response found"),
        (SslErrorKind::OcspMalformedRequest, "The OCSP status request had invalid syntax"),
        (
            SslErrorKind::OcspMalformedResponse,
            "OCSP response contains an unexpected number of SingleResponse structures",
        ),
        (SslErrorKind::OcspInternalError, "OCSP responder reached an inconsistent internal state"),
        (
            SslErrorKind::OcspTryLater,
            "OCSP responder was unable to return a status for the requested certificate",
        ),
        (
            SslErrorKind::OcspSigRequired,
            "The server requires the client to sign the OCSP request in order to construct a \
             response",
        ),
        (
            SslErrorKind::OcspUnauthorized,
            "The client is not authorized to request OCSP status from this server",
        ),
        (SslErrorKind::OcspResponseCannotBeTrusted, "OCSP responder's identity cannot be verified"),
        (
            SslErrorKind::OcspResponseCertIdUnknown,
            "The identity of a certificate in an OCSP response cannot be established",
        ),
        (SslErrorKind::OcspResponseExpired, "The certificate status response has expired"),
        (SslErrorKind::OcspStatusUnknown, "The certificate's status is unknown"),
    ];

    #[test]
    fn texts() {
        for (error, text) in TEXTS {
            assert_eq!(QSslError::new(error).error_string(), text);
            assert_eq!(QSslError::new(error).to_string(), text);
            let has_none = error == SslErrorKind::NoError;
            assert_eq!(text == "No error", has_none, "{error:?}");
        }
    }

    #[test]
    fn constructing() {
        let none = QSslError::default();
        assert_eq!((none.error(), &none.error_string()[..]), (SslErrorKind::NoError, "No error"));
        assert!(none.certificate().is_null());
        assert_eq!(none, QSslError::new(SslErrorKind::NoError));
    }

    #[test]
    fn errors_are_equal_if_their_certificates_are() {
        let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
        let certificate = QSslCertificate::new(pem, crate::EncodingFormat::Pem);
        let mut error =
            QSslError::with_certificate(SslErrorKind::HostNameMismatch, certificate.clone());
        assert_eq!(error.certificate(), &certificate);
        assert_eq!(error, error.clone());
        assert_eq!(error, SslErrorKind::HostNameMismatch);
        assert_ne!(error, QSslError::new(SslErrorKind::HostNameMismatch));
        assert_ne!(
            error,
            QSslError::with_certificate(SslErrorKind::CertificateExpired, certificate)
        );
        let errors = std::collections::HashSet::from([error.clone(), error.clone()]);
        assert_eq!(errors.len(), 1);
        let mut other = QSslError::default();
        error.swap(&mut other);
        assert_eq!(
            (error.error(), other.error()),
            (SslErrorKind::NoError, SslErrorKind::HostNameMismatch)
        );
    }
}
