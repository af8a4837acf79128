//! Verification of a chain of certificates. It finds all errors, in the order in which Qt reports
//! them.
//!
//! Qt has OpenSSL 3 verify the chain and lets it continue after each error. This module finds the
//! same errors in the same order:
//!
//! ```text
//!   mod.rs      known frauds, then the host's name
//!   search.rs   leaf ─► issuer ─► ... ─► root: trusted certificates first, then those that the
//!               peer has sent
//!   path.rs     a path that does not end at a trusted root
//!   judge.rs    from the leaf up: critical extensions, authority, purpose, length of the path;
//!               weak keys and hashes
//!               from the root down: signatures and dates
//!   names.rs    from the root down: names that an issuer does not allow
//! ```
//!
//! An error has a place on the path. As in Qt, its certificate is the one at that place of what
//! *the peer has sent*. That is another certificate if the peer's order is not the path's, and a
//! null one if the peer has sent fewer.
//!
//! The module uses no socket and no clock.

mod budget;
mod host;
mod judge;
mod names;
// Test code: compares this module with OpenSSL, Qt and the suites of others.
#[cfg(test)]
mod oracles;
mod path;
mod purpose;
mod search;
// Test code: makes chains at random and compares this module with rustls-webpki.
#[cfg(test)]
mod second_opinion;
mod signature;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

pub(crate) use self::purpose::Purpose;
pub(in crate::ssl) use self::signature::is_signed;
use self::{budget::Budget, host::Host, judge::Verifier, path::Found};
use super::{
    certificate::{Parsed, QSslCertificate, seconds},
    error::{QSslError, SslErrorKind},
};

/// The default limit of certificates between leaf and root, which is OpenSSL's.
const DEFAULT_DEPTH: usize = 100;

/// A chain and the rules for verifying it.
pub(crate) struct Request<'a> {
    /// The certificates that the peer has sent, its own first.
    pub(crate) chain: &'a [QSslCertificate],
    pub(crate) trusted: &'a [QSslCertificate],
    /// The name that the certificate must be for, if that matters.
    pub(crate) host: Option<&'a str>,
    pub(crate) purpose: Purpose,
    /// The maximum number of certificates between leaf and root. 0 is Qt's value for the default.
    pub(crate) depth: usize,
    pub(crate) now: SystemTime,
}

/// Returns all errors; none if the chain is valid.
pub(crate) fn verify(request: &Request<'_>) -> Vec<QSslError> {
    let Some(leaf) = request.chain.first() else {
        return vec![QSslError::new(match request.purpose {
            Purpose::Any => SslErrorKind::Unspecified,
            _ => SslErrorKind::NoPeerCertificate,
        })];
    };
    let mut errors = Vec::new();
    let mut report = |error, certificate: &QSslCertificate| {
        errors.push(QSslError::with_certificate(error, certificate.clone()));
    };
    let suspects = if request.purpose == Purpose::Any { 1 } else { request.chain.len() };
    for certificate in &request.chain[..suspects] {
        if certificate.is_blacklisted() {
            report(SslErrorKind::CertificateBlacklisted, certificate);
        }
    }
    let host = request.host.map(Host::new);
    let mut found_by = None;
    if let Some(host) = &host {
        found_by = host.find_in(leaf);
        if found_by.is_none() {
            report(SslErrorKind::HostNameMismatch, leaf);
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
        // Qt reports no error for a leaf that cannot be read.
        return vec![(SslErrorKind::Unspecified, 0)];
    };
    let verifier = Verifier {
        purpose: request.purpose,
        host,
        now,
        budget: Budget::default(),
        max_depth: if request.depth == 0 { DEFAULT_DEPTH } else { request.depth },
    };
    // A root that has expired is not trusted.
    let parsed = request.trusted.iter().filter_map(QSslCertificate::parsed);
    let trusted: Vec<_> = parsed.filter(|root| root.not_after > Some(now)).collect();
    let sent: Vec<_> = request.chain[1..].iter().filter_map(QSslCertificate::parsed).collect();

    let first = search::build(&verifier, leaf, &sent, &trusted);
    let mut errors = verifier.judge(&first);
    verifier.budget.spend_signatures(first.certificates.len());
    #[cfg(test)]
    tests::FIRST_PATH.set(errors.clone());
    // An issuer's name may belong to two certificates, and only one of them leads to a valid path.
    if !errors.is_empty() && search::find_good(&verifier, leaf, &sent, &trusted).is_some() {
        errors.clear();
    }
    #[cfg(test)]
    tests::SIGNATURES.set(budget::MAX_SIGNATURES - verifier.budget.signatures.get());
    errors
}

/// Verifies a certificate that has signed something other than a certificate. Returns its issuer,
/// and no issuer for a root; `None` if the certificate is not valid.
pub(in crate::ssl) fn issuer<'a>(
    certificate: &'a Parsed,
    sent: &[&'a Parsed],
    trusted: &'a [QSslCertificate],
    now: SystemTime,
) -> Option<Option<&'a Parsed>> {
    let now = seconds(now);
    let verifier = Verifier {
        purpose: Purpose::Any,
        host: names::Host { ip: None, name: None },
        now,
        budget: Budget::default(),
        max_depth: DEFAULT_DEPTH,
    };
    let trusted = trusted.iter().filter_map(QSslCertificate::parsed);
    let trusted: Vec<_> = trusted.filter(|root| root.not_after > Some(now)).collect();
    let first = search::build(&verifier, certificate, sent, &trusted);
    let errors = verifier.judge(&first);
    verifier.budget.spend_signatures(first.certificates.len());
    let path = if errors.is_empty() {
        first
    } else {
        search::find_good(&verifier, certificate, sent, &trusted)?
    };
    Some(path.certificates.get(1).copied())
}
