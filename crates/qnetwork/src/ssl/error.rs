//! Errors of certificates.

use std::fmt;

use super::certificate::QSslCertificate;

qcore::numbered! {
    /// The kind of a certificate error.
    ///
    /// Stands for Qt's [QSslError::SslError](https://doc.qt.io/qt-5/qsslerror.html#SslError-enum).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SslError {
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
        /// A certificate was revoked. This library does not check revocation.
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

impl SslError {
    /// Returns Qt's text for the error.
    fn text(self) -> &'static str {
        match self {
            SslError::NoError => "No error",
            SslError::UnableToGetIssuerCertificate => "The issuer certificate could not be found",
            SslError::UnableToDecryptCertificateSignature => {
                "The certificate signature could not be decrypted"
            }
            SslError::UnableToDecodeIssuerPublicKey => {
                "The public key in the certificate could not be read"
            }
            SslError::CertificateSignatureFailed => "The signature of the certificate is invalid",
            SslError::CertificateNotYetValid => "The certificate is not yet valid",
            SslError::CertificateExpired => "The certificate has expired",
            SslError::InvalidNotBeforeField => {
                "The certificate's notBefore field contains an invalid time"
            }
            SslError::InvalidNotAfterField => {
                "The certificate's notAfter field contains an invalid time"
            }
            SslError::SelfSignedCertificate => "The certificate is self-signed, and untrusted",
            SslError::SelfSignedCertificateInChain => {
                "The root certificate of the certificate chain is self-signed, and untrusted"
            }
            SslError::UnableToGetLocalIssuerCertificate => {
                "The issuer certificate of a locally looked up certificate could not be found"
            }
            SslError::UnableToVerifyFirstCertificate => "No certificates could be verified",
            SslError::InvalidCaCertificate => "One of the CA certificates is invalid",
            SslError::PathLengthExceeded => {
                "The basicConstraints path length parameter has been exceeded"
            }
            SslError::InvalidPurpose => "The supplied certificate is unsuitable for this purpose",
            SslError::CertificateUntrusted => {
                "The root CA certificate is not trusted for this purpose"
            }
            SslError::CertificateRejected => {
                "The root CA certificate is marked to reject the specified purpose"
            }
            SslError::SubjectIssuerMismatch => {
                "The current candidate issuer certificate was rejected because its subject name \
                 did not match the issuer name of the current certificate"
            }
            SslError::AuthorityIssuerSerialNumberMismatch => {
                "The current candidate issuer certificate was rejected because its issuer name \
                 and serial number was present and did not match the authority key identifier of \
                 the current certificate"
            }
            SslError::NoPeerCertificate => "The peer did not present any certificate",
            SslError::HostNameMismatch => {
                "The host name did not match any of the valid hosts for this certificate"
            }
            // Qt has no text for it.
            SslError::NoSslSupport => "",
            SslError::CertificateBlacklisted => "The peer certificate is blacklisted",
            SslError::OcspNoResponseFound => "No OCSP status response found",
            SslError::OcspMalformedRequest => "The OCSP status request had invalid syntax",
            SslError::OcspMalformedResponse => {
                "OCSP response contains an unexpected number of SingleResponse structures"
            }
            SslError::OcspInternalError => "OCSP responder reached an inconsistent internal state",
            SslError::OcspTryLater => {
                "OCSP responder was unable to return a status for the requested certificate"
            }
            SslError::OcspSigRequired => {
                "The server requires the client to sign the OCSP request in order to construct a \
                 response"
            }
            SslError::OcspUnauthorized => {
                "The client is not authorized to request OCSP status from this server"
            }
            SslError::OcspResponseCannotBeTrusted => "OCSP responder's identity cannot be verified",
            SslError::OcspResponseCertIdUnknown => {
                "The identity of a certificate in an OCSP response cannot be established"
            }
            SslError::OcspResponseExpired => "The certificate status response has expired",
            SslError::OcspStatusUnknown => "The certificate's status is unknown",
            SslError::Unspecified
            | SslError::CertificateRevoked
            | SslError::CertificateStatusUnknown => "Unknown error",
        }
    }
}

impl fmt::Display for SslError {
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
/// use qnetwork::{QSslError, SslError};
///
/// let error = QSslError::new(SslError::SelfSignedCertificate);
/// assert_eq!(error.error_string(), "The certificate is self-signed, and untrusted");
/// assert!(error.certificate().is_null());
/// assert_eq!(error, SslError::SelfSignedCertificate);
///
/// assert_eq!(QSslError::default().error(), SslError::NoError);
/// ```
///
/// Qt's page: [QSslError](https://doc.qt.io/qt-5/qsslerror.html).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QSslError {
    error: SslError,
    certificate: QSslCertificate,
}

impl QSslError {
    /// Creates an error without a certificate.
    #[must_use]
    pub fn new(error: SslError) -> Self {
        QSslError { error, certificate: QSslCertificate::default() }
    }

    /// Creates an error of a certificate.
    #[must_use]
    pub fn with_certificate(error: SslError, certificate: QSslCertificate) -> Self {
        QSslError { error, certificate }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn error(&self) -> SslError {
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

impl PartialEq<SslError> for QSslError {
    /// Whether the error is of this kind, whatever its certificate.
    fn eq(&self, error: &SslError) -> bool {
        self.error == *error
    }
}

impl fmt::Display for QSslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for QSslError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Qt's texts.
    const TEXTS: [(SslError, &str); 38] = [
        (SslError::Unspecified, "Unknown error"),
        (SslError::NoError, "No error"),
        (SslError::UnableToGetIssuerCertificate, "The issuer certificate could not be found"),
        (
            SslError::UnableToDecryptCertificateSignature,
            "The certificate signature could not be decrypted",
        ),
        (
            SslError::UnableToDecodeIssuerPublicKey,
            "The public key in the certificate could not be read",
        ),
        (SslError::CertificateSignatureFailed, "The signature of the certificate is invalid"),
        (SslError::CertificateNotYetValid, "The certificate is not yet valid"),
        (SslError::CertificateExpired, "The certificate has expired"),
        (
            SslError::InvalidNotBeforeField,
            "The certificate's notBefore field contains an invalid time",
        ),
        (
            SslError::InvalidNotAfterField,
            "The certificate's notAfter field contains an invalid time",
        ),
        (SslError::SelfSignedCertificate, "The certificate is self-signed, and untrusted"),
        (
            SslError::SelfSignedCertificateInChain,
            "The root certificate of the certificate chain is self-signed, and untrusted",
        ),
        (
            SslError::UnableToGetLocalIssuerCertificate,
            "The issuer certificate of a locally looked up certificate could not be found",
        ),
        (SslError::UnableToVerifyFirstCertificate, "No certificates could be verified"),
        (SslError::CertificateRevoked, "Unknown error"),
        (SslError::InvalidCaCertificate, "One of the CA certificates is invalid"),
        (
            SslError::PathLengthExceeded,
            "The basicConstraints path length parameter has been exceeded",
        ),
        (SslError::InvalidPurpose, "The supplied certificate is unsuitable for this purpose"),
        (SslError::CertificateUntrusted, "The root CA certificate is not trusted for this purpose"),
        (
            SslError::CertificateRejected,
            "The root CA certificate is marked to reject the specified purpose",
        ),
        (
            SslError::SubjectIssuerMismatch,
            "The current candidate issuer certificate was rejected because its subject name did \
             not match the issuer name of the current certificate",
        ),
        (
            SslError::AuthorityIssuerSerialNumberMismatch,
            "The current candidate issuer certificate was rejected because its issuer name and \
             serial number was present and did not match the authority key identifier of the \
             current certificate",
        ),
        (SslError::NoPeerCertificate, "The peer did not present any certificate"),
        (
            SslError::HostNameMismatch,
            "The host name did not match any of the valid hosts for this certificate",
        ),
        (SslError::NoSslSupport, ""),
        (SslError::CertificateBlacklisted, "The peer certificate is blacklisted"),
        (SslError::CertificateStatusUnknown, "Unknown error"),
        (SslError::OcspNoResponseFound, "No OCSP status response found"),
        (SslError::OcspMalformedRequest, "The OCSP status request had invalid syntax"),
        (
            SslError::OcspMalformedResponse,
            "OCSP response contains an unexpected number of SingleResponse structures",
        ),
        (SslError::OcspInternalError, "OCSP responder reached an inconsistent internal state"),
        (
            SslError::OcspTryLater,
            "OCSP responder was unable to return a status for the requested certificate",
        ),
        (
            SslError::OcspSigRequired,
            "The server requires the client to sign the OCSP request in order to construct a \
             response",
        ),
        (
            SslError::OcspUnauthorized,
            "The client is not authorized to request OCSP status from this server",
        ),
        (SslError::OcspResponseCannotBeTrusted, "OCSP responder's identity cannot be verified"),
        (
            SslError::OcspResponseCertIdUnknown,
            "The identity of a certificate in an OCSP response cannot be established",
        ),
        (SslError::OcspResponseExpired, "The certificate status response has expired"),
        (SslError::OcspStatusUnknown, "The certificate's status is unknown"),
    ];

    #[test]
    fn texts() {
        for (error, text) in TEXTS {
            assert_eq!(QSslError::new(error).error_string(), text);
            assert_eq!(QSslError::new(error).to_string(), text);
            let has_none = error == SslError::NoError;
            assert_eq!(text == "No error", has_none, "{error:?}");
        }
    }

    #[test]
    fn constructing() {
        let none = QSslError::default();
        assert_eq!((none.error(), &none.error_string()[..]), (SslError::NoError, "No error"));
        assert!(none.certificate().is_null());
        assert_eq!(none, QSslError::new(SslError::NoError));
    }

    #[test]
    fn errors_are_equal_if_their_certificates_are() {
        let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
        let certificate = QSslCertificate::new(pem, crate::EncodingFormat::Pem);
        let mut error =
            QSslError::with_certificate(SslError::HostNameMismatch, certificate.clone());
        assert_eq!(error.certificate(), &certificate);
        assert_eq!(error, error.clone());
        assert_eq!(error, SslError::HostNameMismatch);
        assert_ne!(error, QSslError::new(SslError::HostNameMismatch));
        assert_ne!(error, QSslError::with_certificate(SslError::CertificateExpired, certificate));
        let errors = std::collections::HashSet::from([error.clone(), error.clone()]);
        assert_eq!(errors.len(), 1);
        let mut other = QSslError::default();
        error.swap(&mut other);
        assert_eq!((error.error(), other.error()), (SslError::NoError, SslError::HostNameMismatch));
    }
}
