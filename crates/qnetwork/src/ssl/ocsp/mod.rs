//! OCSP: what the authority that issued the server's certificate says of its revocation.
//!
//! A server may send ("staple") such a response in its handshake, and a client may ask for it:
//! [`QSslConfiguration::set_ocsp_stapling_enabled`](super::QSslConfiguration).
//!
//! * `stapled.rs` takes the response out of the handshake
//! * `parse.rs` reads it
//! * `check.rs` finds its errors, in Qt's order

mod check;
mod parse;
mod stapled;
#[cfg(test)]
mod tests;

pub(super) use self::{
    check::{Failure, Request, check},
    stapled::{Stapled, verifier},
};
use super::certificate::QSslCertificate;

qcore::numbered! {
    /// What an OCSP response says of a certificate.
    #[doc(alias = "QOcspCertificateStatus")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum OcspCertificateStatus {
        /// The certificate is not revoked.
        Good = 0,
        /// The certificate is revoked.
        Revoked = 1,
        /// The responder does not know the certificate.
        Unknown = 2,
    }
}

qcore::numbered! {
    /// Why a certificate was revoked.
    #[doc(alias = "QOcspRevocationReason")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum OcspRevocationReason {
        /// The certificate is not revoked, or the response gives no reason.
        None = -1,
        /// A reason without a name of its own.
        Unspecified = 0,
        /// Somebody else may know the certificate's key.
        KeyCompromise = 1,
        /// Somebody else may know the authority's key.
        CACompromise = 2,
        /// The owner's name or another fact in the certificate has changed.
        AffiliationChanged = 3,
        /// Another certificate has replaced this one.
        Superseded = 4,
        /// The owner needs the certificate no longer.
        CessationOfOperation = 5,
        /// The certificate is on hold.
        CertificateHold = 6,
        /// The certificate was on hold and is valid again.
        RemoveFromCRL = 7,
    }
}

/// An OCSP response that a server has sent in its handshake, without its errors.
///
/// [`QSslSocket::ocsp_responses`](super::QSslSocket::ocsp_responses) returns it. Stands for Qt's
/// [QOcspResponse](https://doc.qt.io/qt-5/qocspresponse.html).
///
/// ```
/// use qnetwork::{OcspCertificateStatus, OcspRevocationReason, QOcspResponse};
///
/// let response = QOcspResponse::new();
/// assert_eq!(response.certificate_status(), OcspCertificateStatus::Unknown);
/// assert_eq!(response.revocation_reason(), OcspRevocationReason::None);
/// assert!(response.responder().is_null() && response.subject().is_null());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QOcspResponse {
    status: OcspCertificateStatus,
    reason: OcspRevocationReason,
    responder: QSslCertificate,
    subject: QSslCertificate,
}

impl Default for QOcspResponse {
    fn default() -> Self {
        QOcspResponse {
            status: OcspCertificateStatus::Unknown,
            reason: OcspRevocationReason::None,
            responder: QSslCertificate::default(),
            subject: QSslCertificate::default(),
        }
    }
}

impl QOcspResponse {
    /// Creates a response about no certificate.
    #[must_use]
    pub fn new() -> Self {
        QOcspResponse::default()
    }

    /// Returns what the response says of the certificate.
    #[doc(alias = "certificateStatus")]
    #[must_use]
    pub fn certificate_status(&self) -> OcspCertificateStatus {
        self.status
    }

    /// Returns why the certificate was revoked.
    #[doc(alias = "revocationReason")]
    #[must_use]
    pub fn revocation_reason(&self) -> OcspRevocationReason {
        self.reason
    }

    /// Returns the certificate of the authority that issued the server's certificate. It is null if
    /// the response is about another certificate.
    #[must_use]
    pub fn responder(&self) -> &QSslCertificate {
        &self.responder
    }

    /// Returns the server's certificate.
    #[must_use]
    pub fn subject(&self) -> &QSslCertificate {
        &self.subject
    }

    /// Swaps two responses, as [`std::mem::swap`] does. The name is Qt's.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }
}
