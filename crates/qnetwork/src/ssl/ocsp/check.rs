//! Finds the errors of a response, in the order in which Qt reports them.

use std::time::SystemTime;

use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{
    OcspCertificateStatus, OcspRevocationReason, QOcspResponse,
    parse::{Answer, Basic, Responder, Response, Status},
};
use crate::ssl::{
    certificate::{Parsed, QSslCertificate, seconds},
    error::{QSslError, SslErrorKind},
    verify,
};

/// How many seconds the clocks of this machine and of the responder may differ.
const TOLERANCE: i64 = 60;
/// Marks certificates that may sign responses for the authority that issued them.
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

/// A response and what it is checked against.
pub(in crate::ssl) struct Request<'a> {
    /// What the server has sent; empty if it has sent none.
    pub(in crate::ssl) response: &'a [u8],
    /// The server's certificates, its own first.
    pub(in crate::ssl) chain: &'a [QSslCertificate],
    pub(in crate::ssl) trusted: &'a [QSslCertificate],
    pub(in crate::ssl) now: SystemTime,
}

/// What was found.
#[derive(Debug, Default)]
pub(in crate::ssl) struct Checked {
    /// None if the certificate is valid.
    pub(in crate::ssl) errors: Vec<QSslError>,
    pub(in crate::ssl) responses: Vec<QOcspResponse>,
}

/// The response cannot be read, and so the handshake fails with this text of Qt's.
#[derive(Debug)]
pub(in crate::ssl) struct Failure(pub(in crate::ssl) &'static str);

/// Checks a response.
pub(in crate::ssl) fn check(request: &Request<'_>) -> Result<Checked, Failure> {
    let mut checked = Checked::default();
    let Some(peer) = request.chain.first() else { return Ok(checked) };
    if request.response.is_empty() {
        checked.errors.push(QSslError::new(SslErrorKind::OcspNoResponseFound));
        return Ok(checked);
    }
    let response =
        Response::parse(request.response).ok_or(Failure("Failed to decode OCSP response"))?;
    if let Some(error) = error_of_status(response.status) {
        checked.errors.push(QSslError::new(error));
        return Ok(checked);
    }
    let basic = response.basic().ok_or(Failure("Failed to extract basic OCSP response"))?;
    if !is_trusted(&basic, request) {
        checked.errors.push(QSslError::new(SslErrorKind::OcspResponseCannotBeTrusted));
    }
    let [answer] = basic.answers.as_slice() else {
        checked.errors.push(QSslError::new(SslErrorKind::OcspMalformedResponse));
        return Ok(checked);
    };
    let mut report = |error| {
        checked.errors.push(QSslError::with_certificate(error, peer.clone()));
    };
    let responder = issuer_that_is_asked(answer, request.chain);
    if responder.is_none() {
        report(SslErrorKind::OcspResponseCertIdUnknown);
    }
    if !is_in_time(answer, seconds(request.now)) {
        report(SslErrorKind::OcspResponseExpired);
    }
    let (status, reason) = match answer.status {
        Status::Good => (OcspCertificateStatus::Good, OcspRevocationReason::None),
        Status::Revoked(reason) => {
            report(SslErrorKind::CertificateRevoked);
            (OcspCertificateStatus::Revoked, revocation_reason(reason))
        }
        Status::Unknown => {
            report(SslErrorKind::OcspStatusUnknown);
            (OcspCertificateStatus::Unknown, OcspRevocationReason::None)
        }
    };
    checked.responses.push(QOcspResponse {
        status,
        reason,
        responder: responder.cloned().unwrap_or_default(),
        subject: peer.clone(),
    });
    Ok(checked)
}

/// What the responder says of itself. 4 has no meaning.
fn error_of_status(status: u8) -> Option<SslErrorKind> {
    Some(match status {
        0 => return None,
        1 => SslErrorKind::OcspMalformedRequest,
        3 => SslErrorKind::OcspTryLater,
        5 => SslErrorKind::OcspSigRequired,
        6 => SslErrorKind::OcspUnauthorized,
        _ => SslErrorKind::OcspInternalError,
    })
}

fn revocation_reason(reason: Option<u8>) -> OcspRevocationReason {
    use OcspRevocationReason as Reason;
    match reason {
        Some(0) => Reason::Unspecified,
        Some(1) => Reason::KeyCompromise,
        Some(2) => Reason::CACompromise,
        Some(3) => Reason::AffiliationChanged,
        Some(4) => Reason::Superseded,
        Some(5) => Reason::CessationOfOperation,
        Some(6) => Reason::CertificateHold,
        Some(8) => Reason::RemoveFromCRL,
        _ => Reason::None,
    }
}

fn is_in_time(answer: &Answer<'_>, now: i64) -> bool {
    let Some(this) = answer.this_update else { return false };
    let is_current = match answer.next_update {
        Some(Some(next)) => next >= now - TOLERANCE && next >= this,
        Some(None) => false,
        None => true,
    };
    is_current && this <= now + TOLERANCE
}

// ---- who has signed

/// Returns whether the issuer of the certificates that the answers are about has signed, or a
/// certificate that this issuer has made for signing responses.
fn is_trusted(basic: &Basic<'_>, request: &Request<'_>) -> bool {
    let sent = request.chain.iter().chain(&basic.certificates);
    let sent: Vec<_> = sent.filter_map(QSslCertificate::parsed).collect();
    let Some(signer) = sent.iter().find(|one| is_responder(one, &basic.responder)) else {
        return false;
    };
    let is_signed = signer
        .public_key()
        .is_some_and(|key| verify::is_signed(&key, basic.algorithm, basic.signed, basic.signature));
    if !is_signed {
        return false;
    }
    let Some(issuer) = verify::issuer(signer, &sent, request.trusted, request.now) else {
        return false;
    };
    let is_asked = |authority: &Parsed| {
        let is_of = |answer: &Answer<'_>| is_issuer_of(answer, authority.subject_der(), authority);
        !basic.answers.is_empty() && basic.answers.iter().all(is_of)
    };
    match issuer {
        Some(issuer) if is_asked(issuer) => {
            let uses = signer.uses.extended_key_usage.as_deref();
            uses.is_some_and(|uses| uses.iter().any(|one| one == OCSP_SIGNING))
        }
        _ => is_asked(signer),
    }
}

fn is_responder(certificate: &Parsed, responder: &Responder<'_>) -> bool {
    match responder {
        Responder::Name(name) => certificate.subject.is_same(name),
        Responder::Key(hash) => {
            certificate.public_key().is_some_and(|key| Sha1::digest(key.key)[..] == **hash)
        }
    }
}

// ---- whom it is about

/// Returns the certificate that has issued the server's, if the answer is about the server's.
fn issuer_that_is_asked<'a>(
    answer: &Answer<'_>,
    chain: &'a [QSslCertificate],
) -> Option<&'a QSslCertificate> {
    let own = chain.first()?;
    let peer = own.parsed()?;
    let issuers = if peer.is_self_signed() { &chain[..1] } else { chain };
    issuers.iter().find(|issuer| {
        issuer.parsed().is_some_and(|issuer| {
            peer.has_serial(answer.serial)
                && is_issuer_of(answer, peer.issuer_der(), issuer)
                && issuer.is_issuer_of(peer)
        })
    })
}

/// Returns whether the answer names an issuer with this name and this certificate's key.
fn is_issuer_of(answer: &Answer<'_>, name: &[u8], issuer: &Parsed) -> bool {
    let Some(key) = issuer.public_key() else { return false };
    let is_hash = |hash: &[u8], data: &[u8]| match &answer.hash[..] {
        "1.3.14.3.2.26" => Sha1::digest(data)[..] == *hash,
        "2.16.840.1.101.3.4.2.4" => Sha224::digest(data)[..] == *hash,
        "2.16.840.1.101.3.4.2.1" => Sha256::digest(data)[..] == *hash,
        "2.16.840.1.101.3.4.2.2" => Sha384::digest(data)[..] == *hash,
        "2.16.840.1.101.3.4.2.3" => Sha512::digest(data)[..] == *hash,
        _ => false,
    };
    is_hash(answer.name_hash, name) && is_hash(answer.key_hash, key.key)
}
