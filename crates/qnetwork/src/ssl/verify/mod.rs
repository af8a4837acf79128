//! What is wrong with a chain of certificates: all of it, in the order in which Qt tells it.
//!
//! Qt leaves the question to OpenSSL 3 and has it go on after each error, so that is what is done
//! here:
//!
//! ```text
//!   Qt          known frauds, then the host's name
//!   path.rs     leaf ─► issuer ─► ... ─► root: trusted if possible, else from what the peer has sent;
//!               not ending at a trusted root is one error
//!   verify      each certificate from the leaf up: critical extensions, authority, purpose, length of the path;
//!               keys and hashes that are too weak
//!               each certificate from the root down: its signature, its dates
//!   names       each certificate from the root down: the names that those above it allow
//! ```
//!
//! An error says at which place of the path it is; the certificate that goes with it is the one at
//! that place of what *the peer has sent*, which is another one if the peer's order is not the
//! path's, and a null one if the peer has sent fewer. That is Qt's way.
//!
//! Nothing here knows a socket or the time of day.

mod host;
mod names;
#[cfg(test)]
mod oracles;
mod path;
mod purpose;
#[cfg(test)]
mod second_opinion;
mod signature;
#[cfg(test)]
mod tests;

use std::{cell::Cell, time::SystemTime};

use self::{host::Host, path::Path};
use super::certificate::{Parsed, seconds};
use crate::ssl::{QSslCertificate, QSslError, SslError};

/// How many more certificates there may be between the leaf and the root if nobody says so:
/// OpenSSL's.
const DEFAULT_DEPTH: usize = 100;

/// How many signatures are verified in all. The first path takes one a certificate in any case; the
/// search for another one has what is left.
const MAX_SIGNATURES: usize = 100;
/// How often a name is compared with a constraint: as often as OpenSSL allows for one certificate
/// and one of those above it.
const MAX_COMPARISONS: usize = 1 << 20;

/// What is to be verified, and by what.
pub(crate) struct Request<'a> {
    /// What the peer has sent, its own certificate first.
    pub(crate) chain: &'a [QSslCertificate],
    pub(crate) trusted: &'a [QSslCertificate],
    /// The name that the certificate has to be for, if that matters.
    pub(crate) host: Option<&'a str>,
    pub(crate) purpose: Purpose,
    /// At most how many certificates there may be between the leaf and the root; 0 is Qt's for "as
    /// many as usual".
    pub(crate) depth: usize,
    pub(crate) now: SystemTime,
}

/// What the leaf is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Anything: as `QSslCertificate::verify`, which does not look at uses, nor at how strong keys
    /// and hashes are, and which looks for known frauds at the leaf alone.
    Any,
    /// It is a server's.
    Server,
    /// It is a client's.
    Client,
}

/// An error, and at which place of the path.
type Found = (SslError, usize);

/// All that is wrong; nothing if it is good.
pub(crate) fn verify(request: &Request<'_>) -> Vec<QSslError> {
    let Some(leaf) = request.chain.first() else {
        return vec![QSslError::new(match request.purpose {
            Purpose::Any => SslError::Unspecified,
            _ => SslError::NoPeerCertificate,
        })];
    };
    let mut errors = Vec::new();
    let mut report = |error, certificate: &QSslCertificate| {
        errors.push(QSslError::with_certificate(error, certificate.clone()));
    };
    let suspects = if request.purpose == Purpose::Any { 1 } else { request.chain.len() };
    for certificate in &request.chain[..suspects] {
        if certificate.is_blacklisted() {
            report(SslError::CertificateBlacklisted, certificate);
        }
    }
    let host = request.host.map(Host::new);
    let mut found_by = None;
    if let Some(host) = &host {
        found_by = host.find_in(leaf);
        if found_by.is_none() {
            report(SslError::HostNameMismatch, leaf);
        }
    }
    let (ip, name) = match (&host, found_by) {
        (Some(host), Some(by)) => host.constrained(by),
        _ => (None, None),
    };
    let constrained = names::Host { ip: ip.as_deref(), name };
    let no_certificate = QSslCertificate::default();
    for (error, place) in verify_chain(request, constrained) {
        report(error, request.chain.get(place).unwrap_or(&no_certificate));
    }
    errors
}

fn verify_chain(request: &Request<'_>, host: names::Host<'_>) -> Vec<Found> {
    let now = seconds(request.now);
    let Some(leaf) = request.chain[0].parsed() else {
        // Qt finds nothing wrong with it.
        return vec![(SslError::Unspecified, 0)];
    };
    let verifier = Verifier {
        purpose: request.purpose,
        host,
        now,
        budget: Budget::default(),
        max_depth: if request.depth == 0 { DEFAULT_DEPTH } else { request.depth },
    };
    // A root that has expired is none.
    let parsed = request.trusted.iter().filter_map(QSslCertificate::parsed);
    let trusted: Vec<_> = parsed.filter(|root| root.not_after > Some(now)).collect();
    let sent: Vec<_> = request.chain[1..].iter().filter_map(QSslCertificate::parsed).collect();

    let first = path::build(&verifier, leaf, &sent, &trusted);
    let mut errors = verifier.judge(&first);
    verifier.budget.spend_signatures(first.certificates.len());
    #[cfg(test)]
    tests::FIRST_PATH.set(errors.clone());
    // There may be another one: two issuers of a name, of which one is what it should be.
    if !errors.is_empty() && path::find_good(&verifier, leaf, &sent, &trusted).is_some() {
        errors.clear();
    }
    #[cfg(test)]
    tests::SIGNATURES.set(MAX_SIGNATURES - verifier.budget.signatures.get());
    errors
}

/// What each path is held against.
struct Verifier<'a> {
    purpose: Purpose,
    host: names::Host<'a>,
    now: i64,
    max_depth: usize,
    budget: Budget,
}

/// What a verification may still cost, all paths together: who sends a chain decides how much there
/// is to be done.
struct Budget {
    signatures: Cell<usize>,
    /// How often a name is compared with a constraint.
    comparisons: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { signatures: Cell::new(MAX_SIGNATURES), comparisons: Cell::new(MAX_COMPARISONS) }
    }
}

impl Budget {
    /// Whether so many signatures may still be verified.
    fn spend_signatures(&self, count: usize) -> bool {
        spend(&self.signatures, count)
    }

    /// Whether so many names may still be compared.
    fn spend_comparisons(&self, count: usize) -> bool {
        spend(&self.comparisons, count)
    }
}

/// What was not enough is used up.
fn spend(left: &Cell<usize>, count: usize) -> bool {
    let rest = left.get().checked_sub(count);
    left.set(rest.unwrap_or(0));
    rest.is_some()
}

impl Verifier<'_> {
    /// All that is wrong with a path.
    fn judge(&self, path: &Path<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        let leaf = path.certificates[0];
        let has_readable_key = leaf.has_readable_key();
        if has_readable_key && self.checks_strength() && !signature::is_strong_key(leaf) {
            found.push((SslError::Unspecified, 0));
        }
        path.missing_trust(self.max_depth, &mut found);
        if !has_readable_key {
            // OpenSSL gives up here, which Qt does not notice if nobody asks for a purpose.
            found.push((SslError::Unspecified, 0));
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

    /// Whether each may be where it is.
    fn check_extensions(&self, path: &Path<'_>, found: &mut Vec<Found>) {
        let count = path.certificates.len();
        let mut length = 0;
        for (place, certificate) in path.certificates.iter().enumerate() {
            let uses = &certificate.uses;
            if uses.has_unknown_critical {
                found.push((SslError::Unspecified, place));
            }
            if uses.is_proxy {
                found.push((SslError::Unspecified, place));
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
                    found.push((SslError::InvalidCaCertificate, place));
                }
            }
            if !purpose::is_for(certificate, self.purpose, place > 0) {
                found.push((SslError::InvalidPurpose, place));
            }
            let allowed = uses.basic_constraints.and_then(|constraints| constraints.path_length);
            if place > 1 && allowed.is_some_and(|allowed| length > allowed) {
                found.push((SslError::PathLengthExceeded, place));
            }
            if place > 0 && !certificate.is_self_issued() {
                length += 1;
            }
        }
    }

    fn check_strength(&self, path: &Path<'_>, found: &mut Vec<Found>) {
        for (place, certificate) in path.certificates.iter().enumerate() {
            if place > 0 && !signature::is_strong_key(certificate) {
                found.push((SslError::Unspecified, place));
            }
            // That of the last one is not what it is trusted for.
            if place + 1 < path.certificates.len() && !signature::has_strong_hash(certificate) {
                found.push((SslError::Unspecified, place));
            }
        }
    }

    fn check_signatures(&self, path: &Path<'_>, found: &mut Vec<Found>) {
        let last = path.certificates.len() - 1;
        let mut top = last;
        if !path.certificates[last].is_self_issued_by_name_and_key() {
            // There is nothing to verify its signature with.
            match last.checked_sub(1) {
                Some(below) => top = below,
                None => found.push((SslError::UnableToVerifyFirstCertificate, 0)),
            }
        }
        for place in (0..=top).rev() {
            let certificate = path.certificates[place];
            if let Some(issuer) = path.certificates.get(place + 1) {
                if !purpose::may_sign(issuer) {
                    found.push((SslError::Unspecified, place + 1));
                }
                if let Err(error) = signature::verify(certificate, issuer) {
                    let is_issuers = error == SslError::UnableToDecodeIssuerPublicKey;
                    found.push((error, if is_issuers { place + 1 } else { place }));
                }
            }
            match certificate.not_before {
                None => found.push((SslError::InvalidNotBeforeField, place)),
                Some(time) if time > self.now => {
                    found.push((SslError::CertificateNotYetValid, place));
                }
                Some(_) => {}
            }
            match certificate.not_after {
                None => found.push((SslError::InvalidNotAfterField, place)),
                // Its last second is over when it has begun, for OpenSSL.
                Some(time) if time <= self.now => found.push((SslError::CertificateExpired, place)),
                Some(_) => {}
            }
        }
    }

    fn is_in_time(&self, certificate: &Parsed) -> bool {
        certificate.not_before.is_some_and(|time| time <= self.now)
            && certificate.not_after.is_some_and(|time| time > self.now)
    }
}
