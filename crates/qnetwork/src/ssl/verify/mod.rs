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

mod budget;
mod host;
mod judge;
mod names;
#[cfg(test)]
mod oracles;
mod path;
mod purpose;
mod search;
#[cfg(test)]
mod second_opinion;
mod signature;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

pub(crate) use self::purpose::Purpose;
use self::{budget::Budget, host::Host, judge::Verifier, path::Found};
use super::{
    certificate::{QSslCertificate, seconds},
    error::{QSslError, SslErrorKind},
};

/// How many more certificates there may be between the leaf and the root if nobody says so:
/// OpenSSL's.
const DEFAULT_DEPTH: usize = 100;

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

/// All that is wrong; nothing if it is good.
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
        // Qt finds nothing wrong with it.
        return vec![(SslErrorKind::Unspecified, 0)];
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

    let first = search::build(&verifier, leaf, &sent, &trusted);
    let mut errors = verifier.judge(&first);
    verifier.budget.spend_signatures(first.certificates.len());
    #[cfg(test)]
    tests::FIRST_PATH.set(errors.clone());
    // There may be another one: two issuers of a name, of which one is what it should be.
    if !errors.is_empty() && search::find_good(&verifier, leaf, &sent, &trusted).is_some() {
        errors.clear();
    }
    #[cfg(test)]
    tests::SIGNATURES.set(budget::MAX_SIGNATURES - verifier.budget.signatures.get());
    errors
}
