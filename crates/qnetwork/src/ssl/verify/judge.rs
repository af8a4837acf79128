//! Finding the errors of one path.

use super::{
    budget::Budget,
    names,
    path::{Found, Path},
    purpose::{self, Purpose},
    signature,
};
use crate::ssl::{certificate::Parsed, error::SslErrorKind};

/// The rules for a path.
pub(super) struct Verifier<'a> {
    pub(super) purpose: Purpose,
    pub(super) host: names::Host<'a>,
    pub(super) now: i64,
    pub(super) max_depth: usize,
    pub(super) budget: Budget,
}

impl Verifier<'_> {
    /// Returns all errors of a path.
    pub(super) fn judge(&self, path: &Path<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        let leaf = path.certificates[0];
        let has_readable_key = leaf.has_readable_key();
        if has_readable_key && self.checks_strength() && !signature::is_strong_key(leaf) {
            found.push((SslErrorKind::Unspecified, 0));
        }
        path.missing_trust(self.max_depth, &mut found);
        if !has_readable_key {
            // OpenSSL stops verifying here. Qt does not notice that if no purpose is checked.
            found.push((SslErrorKind::Unspecified, 0));
        }
        self.check_extensions(path, &mut found);
        if self.checks_strength() {
            self.check_strength(path, &mut found);
        }
        self.check_signatures(path, &mut found);
        names::check(path, self.host, &self.budget, &mut found);
        found
    }

    fn checks_strength(&self) -> bool {
        self.purpose != Purpose::Any
    }

    /// Checks that the extensions of each certificate allow its place.
    fn check_extensions(&self, path: &Path<'_>, found: &mut Vec<Found>) {
        let count = path.certificates.len();
        let mut length = 0;
        for (place, certificate) in path.certificates.iter().enumerate() {
            let uses = &certificate.uses;
            if uses.has_unknown_critical {
                found.push((SslErrorKind::Unspecified, place));
            }
            if uses.is_proxy {
                found.push((SslErrorKind::Unspecified, place));
            }
            if place > 0 {
                let authority = purpose::authority(certificate);
                let is_last = place + 1 == count;
                let is_fine = match authority {
                    purpose::Authority::None => false,
                    purpose::Authority::Declared => true,
                    _ => is_last,
                };
                if !is_fine {
                    found.push((SslErrorKind::InvalidCaCertificate, place));
                }
            }
            if !purpose::is_for(certificate, self.purpose, place > 0) {
                found.push((SslErrorKind::InvalidPurpose, place));
            }
            let allowed = uses.basic_constraints.and_then(|constraints| constraints.path_length);
            if place > 1 && allowed.is_some_and(|allowed| length > allowed) {
                found.push((SslErrorKind::PathLengthExceeded, place));
            }
            if place > 0 && !certificate.is_self_issued() {
                length += 1;
            }
        }
    }

    fn check_strength(&self, path: &Path<'_>, found: &mut Vec<Found>) {
        for (place, certificate) in path.certificates.iter().enumerate() {
            if place > 0 && !signature::is_strong_key(certificate) {
                found.push((SslErrorKind::Unspecified, place));
            }
            // The last certificate is not trusted because of its signature.
            if place + 1 < path.certificates.len() && !signature::has_strong_hash(certificate) {
                found.push((SslErrorKind::Unspecified, place));
            }
        }
    }

    fn check_signatures(&self, path: &Path<'_>, found: &mut Vec<Found>) {
        let last = path.certificates.len() - 1;
        let mut top = last;
        if !path.certificates[last].is_self_issued_by_name_and_key() {
            // There is no key to verify its signature with.
            match last.checked_sub(1) {
                Some(below) => top = below,
                None => found.push((SslErrorKind::UnableToVerifyFirstCertificate, 0)),
            }
        }
        for place in (0..=top).rev() {
            let certificate = path.certificates[place];
            if let Some(issuer) = path.certificates.get(place + 1) {
                if !purpose::may_sign(issuer) {
                    found.push((SslErrorKind::Unspecified, place + 1));
                }
                if let Err(error) = signature::verify(certificate, issuer) {
                    let is_issuers = error == SslErrorKind::UnableToDecodeIssuerPublicKey;
                    found.push((error, if is_issuers { place + 1 } else { place }));
                }
            }
            match certificate.not_before {
                None => found.push((SslErrorKind::InvalidNotBeforeField, place)),
                Some(time) if time > self.now => {
                    found.push((SslErrorKind::CertificateNotYetValid, place));
                }
                Some(_) => {}
            }
            match certificate.not_after {
                None => found.push((SslErrorKind::InvalidNotAfterField, place)),
                // For OpenSSL a certificate expires when its last second begins.
                Some(time) if time <= self.now => {
                    found.push((SslErrorKind::CertificateExpired, place))
                }
                Some(_) => {}
            }
        }
    }

    pub(super) fn is_in_time(&self, certificate: &Parsed) -> bool {
        certificate.not_before.is_some_and(|time| time <= self.now)
            && certificate.not_after.is_some_and(|time| time > self.now)
    }
}
