//! From a certificate to those that vouch for it.

use super::{Found, Verifier, signature};
use crate::ssl::{SslError, certificate::Parsed};

/// How many signatures and how many steps the search for a good path may cost: a peer that sends certificates that
/// all could have issued one another is not given more.
const MAX_SIGNATURES: usize = 100;
const MAX_STEPS: usize = 1000;

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
            found.push((SslError::Unspecified, last));
        }
        let error = match (self.certificates[last].is_self_issued_by_name_and_key(), last) {
            (true, 0) => SslError::SelfSignedCertificate,
            (true, _) => SslError::SelfSignedCertificateInChain,
            (false, _) if self.sent < self.certificates.len() => {
                SslError::UnableToGetIssuerCertificate
            }
            (false, _) => SslError::UnableToGetLocalIssuerCertificate,
        };
        found.push((error, last));
    }
}

/// The path that OpenSSL finds: ours first, then what the peer has sent. At each step it takes the first issuer that
/// is valid now, else the one that is valid the longest, and never goes back.
pub(super) fn build<'a>(
    verifier: &Verifier,
    leaf: &'a Parsed,
    sent: &[&'a Parsed],
    trusted: &[&'a Parsed],
) -> Path<'a> {
    let mut path = Path { certificates: vec![leaf], sent: 1, is_trusted: false };
    let mut unused = sent.to_vec();
    // One more than is allowed, so as to see that it is too long.
    let max_length = verifier.max_depth + 1;
    let mut looks_at_sent = true;
    loop {
        let current = path.certificates[path.certificates.len() - 1];
        let is_self_issued = current.is_self_issued_by_name_and_key();
        let has_room = path.certificates.len() <= max_length;
        if has_room
            && let Some(index) = best_issuer(verifier, current, trusted)
            // One that looks like a root of ours has to be it.
            && (!is_self_issued || trusted.iter().any(|root| root.der() == current.der()))
        {
            looks_at_sent = false;
            let issuer = trusted[index];
            let is_root = if is_self_issued {
                if path.sent == path.certificates.len() {
                    path.sent -= 1;
                }
                true
            } else {
                path.certificates.push(issuer);
                issuer.is_self_issued_by_name_and_key()
            };
            if is_root {
                path.is_trusted = true;
                return path;
            }
            continue;
        }
        if !looks_at_sent || !has_room || is_self_issued {
            return path;
        }
        let Some(index) = best_issuer(verifier, current, &unused) else { return path };
        path.certificates.push(unused.remove(index));
        path.sent += 1;
    }
}

/// Among these, who has issued it: by names and what it says about the key.
fn best_issuer(verifier: &Verifier, certificate: &Parsed, issuers: &[&Parsed]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (index, issuer) in issuers.iter().enumerate() {
        if !issuer.is_issuer_of(certificate) {
            continue;
        }
        if verifier.is_in_time(issuer) {
            return Some(index);
        }
        if best.is_none_or(|best| issuer.not_after > issuers[best].not_after) {
            best = Some(index);
        }
    }
    best
}

/// A path with which nothing is wrong, if there is one and it is found with reasonable effort.
pub(super) fn find_good<'a>(
    verifier: &Verifier,
    leaf: &'a Parsed,
    sent: &[&'a Parsed],
    trusted: &[&'a Parsed],
) -> Option<Path<'a>> {
    let mut search =
        Search { verifier, sent, trusted, signatures: MAX_SIGNATURES, steps: MAX_STEPS };
    let mut path = Path { certificates: vec![leaf], sent: 1, is_trusted: false };
    let is_good = search.extend(&mut path);
    #[cfg(test)]
    WORK.set((MAX_SIGNATURES - search.signatures, MAX_STEPS - search.steps));
    is_good.then_some(path)
}

#[cfg(test)]
thread_local! {
    static WORK: std::cell::Cell<(usize, usize)> = const { std::cell::Cell::new((0, 0)) };
}

/// How many signatures and steps the last search of this thread has cost.
#[cfg(test)]
pub(super) fn work_of_last_search() -> (usize, usize) {
    WORK.get()
}

struct Search<'a, 'b> {
    verifier: &'b Verifier,
    sent: &'b [&'a Parsed],
    trusted: &'b [&'a Parsed],
    /// What may still be spent.
    signatures: usize,
    steps: usize,
}

impl<'a> Search<'a, '_> {
    /// Whether the path could be made a good one.
    fn extend(&mut self, path: &mut Path<'a>) -> bool {
        let current = path.certificates[path.certificates.len() - 1];
        if path.certificates.len() > self.verifier.max_depth + 1 {
            return false;
        }
        let candidates = [(self.trusted, false), (self.sent, true)];
        for (issuers, is_sent) in candidates {
            // What comes after one of ours is ours as well.
            if is_sent && path.sent < path.certificates.len() {
                return false;
            }
            for issuer in issuers {
                if !issuer.is_issuer_of(current)
                    || path.certificates.iter().any(|c| std::ptr::eq(*c, *issuer))
                {
                    continue;
                }
                self.steps = match self.steps.checked_sub(1) {
                    Some(steps) => steps,
                    None => return false,
                };
                if !self.verifier.is_in_time(issuer) || !self.has_signed(current, issuer) {
                    continue;
                }
                path.certificates.push(issuer);
                path.sent += usize::from(is_sent);
                path.is_trusted = !is_sent && issuer.is_self_issued_by_name_and_key();
                let is_good = if path.is_trusted {
                    self.spend(path.certificates.len()) && self.verifier.judge(path).is_empty()
                } else {
                    self.extend(path)
                };
                if is_good {
                    return true;
                }
                path.certificates.pop();
                path.sent -= usize::from(is_sent);
                path.is_trusted = false;
            }
        }
        false
    }

    fn has_signed(&mut self, certificate: &Parsed, issuer: &Parsed) -> bool {
        self.spend(1) && signature::verify(certificate, issuer).is_ok()
    }

    /// Whether so many signatures may still be verified.
    fn spend(&mut self, signatures: usize) -> bool {
        let left = self.signatures.checked_sub(signatures);
        self.signatures = left.unwrap_or(0);
        left.is_some()
    }
}
