//! From a certificate to those that vouch for it.

use crate::ssl::{certificate::Parsed, error::SslErrorKind};

/// An error, and at which place of the path.
pub(super) type Found = (SslErrorKind, usize);

/// A leaf, its issuer, that one's issuer, as far as they are known.
pub(super) struct Path<'a> {
    pub(super) certificates: Vec<&'a Parsed>,
    /// How many come from the peer; those that follow are ours.
    pub(super) sent: usize,
    /// It ends at a root that is trusted.
    pub(super) is_trusted: bool,
}

impl Path<'_> {
    /// What is wrong if it does not end at a root.
    pub(super) fn missing_trust(&self, max_depth: usize, found: &mut Vec<Found>) {
        if self.is_trusted {
            return;
        }
        let last = self.certificates.len() - 1;
        if last > max_depth {
            found.push((SslErrorKind::Unspecified, last));
        }
        let error = match (self.certificates[last].is_self_issued_by_name_and_key(), last) {
            (true, 0) => SslErrorKind::SelfSignedCertificate,
            (true, _) => SslErrorKind::SelfSignedCertificateInChain,
            (false, _) if self.sent < self.certificates.len() => {
                SslErrorKind::UnableToGetIssuerCertificate
            }
            (false, _) => SslErrorKind::UnableToGetLocalIssuerCertificate,
        };
        found.push((error, last));
    }
}
