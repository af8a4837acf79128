//! What can be wrong with a certificate.

use std::{fmt, io};

use super::certificate::QSslCertificate;

qcore::numbered! {
    /// What is wrong.
    ///
    /// Stands for Qt's [QSslError::SslError](https://doc.qt.io/qt-5/qsslerror.html#SslError-enum).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SslErrorKind {
        /// Something that has no code of its own.
        #[doc(alias = "UnspecifiedError")]
        Unspecified = -1,
        /// Nothing.
        #[default]
        NoError = 0,
        /// The issuer of a certificate that came from the store is not in the store.
        UnableToGetIssuerCertificate = 1,
        /// A signature cannot be decrypted.
        UnableToDecryptCertificateSignature = 2,
        /// An issuer's public key cannot be read.
        UnableToDecodeIssuerPublicKey = 3,
        /// A signature is not the issuer's, or is of a kind that is not trusted.
        CertificateSignatureFailed = 4,
        /// A certificate is not valid yet.
        CertificateNotYetValid = 5,
        /// A certificate is not valid any more.
        CertificateExpired = 6,
        /// A certificate's first moment is no time.
        InvalidNotBeforeField = 7,
        /// A certificate's last moment is no time.
        InvalidNotAfterField = 8,
        /// The certificate was signed with its own key, and is not trusted.
        SelfSignedCertificate = 9,
        /// The chain ends in a certificate that was signed with its own key, and is not trusted.
        SelfSignedCertificateInChain = 10,
        /// Nobody knows the issuer of the last certificate of the chain.
        UnableToGetLocalIssuerCertificate = 11,
        /// There is one certificate, and none to verify it with.
        UnableToVerifyFirstCertificate = 12,
        /// A certificate was revoked. Not found out here.
        CertificateRevoked = 13,
        /// A certificate signed others that was not to.
        InvalidCaCertificate = 14,
        /// A certificate is further from the end of the chain than one above it allows.
        PathLengthExceeded = 15,
        /// A certificate is not for this use.
        InvalidPurpose = 16,
        /// The root is not trusted for this use.
        CertificateUntrusted = 17,
        /// The root is not to be used for this.
        CertificateRejected = 18,
        /// A certificate's issuer has another name.
        SubjectIssuerMismatch = 19,
        /// A certificate's issuer has another serial number.
        AuthorityIssuerSerialNumberMismatch = 20,
        /// The peer has shown no certificate.
        NoPeerCertificate = 21,
        /// The certificate is for other hosts.
        HostNameMismatch = 22,
        /// There is no TLS.
        NoSslSupport = 23,
        /// The certificate is known to be a fraud. See [`QSslCertificate::is_blacklisted`].
        CertificateBlacklisted = 24,
        /// Whether the certificate was revoked is not known.
        CertificateStatusUnknown = 25,
        /// OCSP: no answer.
        OcspNoResponseFound = 26,
        /// OCSP: the question was not understood.
        OcspMalformedRequest = 27,
        /// OCSP: the answer is not understood.
        OcspMalformedResponse = 28,
        /// OCSP: the responder failed.
        OcspInternalError = 29,
        /// OCSP: the responder is busy.
        OcspTryLater = 30,
        /// OCSP: the question has to be signed.
        #[doc(alias = "OcspSigRequred")]
        OcspSigRequired = 31,
        /// OCSP: the question was not allowed.
        OcspUnauthorized = 32,
        /// OCSP: the answer is not the responder's.
        OcspResponseCannotBeTrusted = 33,
        /// OCSP: the answer is about some other certificate.
        OcspResponseCertIdUnknown = 34,
        /// OCSP: the answer is too old.
        OcspResponseExpired = 35,
        /// OCSP: the responder does not know the certificate.
        OcspStatusUnknown = 36,
    }
}

impl SslErrorKind {
    /// Qt's words for it.
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
                "The current candidate issuer certificate was rejected because its subject name did not match \
                 the issuer name of the current certificate"
            }
            SslErrorKind::AuthorityIssuerSerialNumberMismatch => {
                "The current candidate issuer certificate was rejected because its issuer name and serial \
                 number was present and did not match the authority key identifier of the current certificate"
            }
            SslErrorKind::NoPeerCertificate => "The peer did not present any certificate",
            SslErrorKind::HostNameMismatch => {
                "The host name did not match any of the valid hosts for this certificate"
            }
            // Qt has no words for it.
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
                "The server requires the client to sign the OCSP request in order to construct a response"
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

/// Something that is wrong with a certificate, and with which one.
///
/// Two are equal if they say the same of equal certificates. That is what counts when errors are
/// ignored: the error alone, without its certificate, is another one.
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
    /// An error that is of no certificate.
    #[must_use]
    pub fn new(error: SslErrorKind) -> Self {
        QSslError { error, certificate: QSslCertificate::default() }
    }

    /// An error of this certificate.
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

    /// What is wrong, in Qt's words.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> String {
        self.error.to_string()
    }

    /// With which certificate; a null one if it is not about one.
    #[must_use]
    pub fn certificate(&self) -> &QSslCertificate {
        &self.certificate
    }

    /// Exchanges the two.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }
}

impl PartialEq<SslErrorKind> for QSslError {
    /// Whether it is this error, of whichever certificate.
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

    /// As Qt has them.
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
            "The current candidate issuer certificate was rejected because its subject name did not match the issuer name of the current certificate",
        ),
        (
            SslErrorKind::AuthorityIssuerSerialNumberMismatch,
            "The current candidate issuer certificate was rejected because its issuer name and serial number was present and did not match the authority key identifier of the current certificate",
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
            "The server requires the client to sign the OCSP request in order to construct a response",
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
