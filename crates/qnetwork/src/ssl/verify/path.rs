//! The path from a certificate to its root.

use crate::ssl::{certificate::Parsed, error::SslErrorKind};

/// An error and its place on the path.
pub(super) type Found = (SslErrorKind, usize);

/// The leaf, its issuer, the issuer's issuer, as far as they are known.
pub(super) struct Path<'a> {
    pub(super) certificates: Vec<&'a Parsed>,
    /// How many certificates come from the peer. The others are trusted ones.
    pub(super) sent: usize,
    /// Whether the path ends at a trusted root.
    pub(super) is_trusted: bool,
}

impl Path<'_> {
    /// Adds the error of a path that does not end at a trusted root.
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
