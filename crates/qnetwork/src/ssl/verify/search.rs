//! Searching for the path from a certificate to a trusted root.

use super::{judge::Verifier, path::Path, signature};
use crate::ssl::certificate::Parsed;

/// Builds the path that OpenSSL finds: first from trusted certificates, then from those of the
/// peer. Each step takes the first issuer that is valid now, or else the one that is valid the
/// longest. There is no backtracking.
pub(super) fn build<'a>(
    verifier: &Verifier<'_>,
    leaf: &'a Parsed,
    sent: &[&'a Parsed],
    trusted: &[&'a Parsed],
) -> Path<'a> {
    let mut path = Path { certificates: vec![leaf], sent: 1, is_trusted: false };
    let mut unused = sent.to_vec();
    // One more than allowed, so that the path is seen to be too long.
    let max_length = verifier.max_depth + 1;
    let mut looks_at_sent = true;
    loop {
        let current = path.certificates[path.certificates.len() - 1];
        let is_self_issued = current.is_self_issued_by_name_and_key();
        let has_room = path.certificates.len() <= max_length;
        if has_room
            && let Some(index) = best_issuer(verifier, current, trusted)
            // A certificate that looks like a trusted root must be that root.
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

/// Returns the best issuer according to names and key identifiers.
fn best_issuer(
    verifier: &Verifier<'_>,
    certificate: &Parsed,
    issuers: &[&Parsed],
) -> Option<usize> {
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

/// Searches for a path without errors until the budget is spent. Each step checks one signature and
/// counts against the budget. So a peer cannot cause much work by sending many certificates that
/// could have issued one another.
pub(super) fn find_good<'a>(
    verifier: &Verifier<'_>,
    leaf: &'a Parsed,
    sent: &[&'a Parsed],
    trusted: &[&'a Parsed],
) -> Option<Path<'a>> {
    let search = Search { verifier, sent, trusted };
    let mut path = Path { certificates: vec![leaf], sent: 1, is_trusted: false };
    search.extend(&mut path).then_some(path)
}

struct Search<'a, 'b> {
    verifier: &'b Verifier<'b>,
    sent: &'b [&'a Parsed],
    trusted: &'b [&'a Parsed],
}

impl<'a> Search<'a, '_> {
    /// Extends the path. Returns whether it became one without errors.
    fn extend(&self, path: &mut Path<'a>) -> bool {
        let current = path.certificates[path.certificates.len() - 1];
        if path.certificates.len() > self.verifier.max_depth + 1 {
            return false;
        }
        let budget = &self.verifier.budget;
        let candidates = [(self.trusted, false), (self.sent, true)];
        for (issuers, is_sent) in candidates {
            // Certificates above a trusted one are trusted ones too.
            if is_sent && path.sent < path.certificates.len() {
                return false;
            }
            for issuer in issuers {
                if !issuer.is_issuer_of(current)
                    || path.certificates.iter().any(|c| std::ptr::eq(*c, *issuer))
                {
                    continue;
                }
                if !self.verifier.is_in_time(issuer)
                    || !budget.spend_signatures(1)
                    || signature::verify(current, issuer).is_err()
                {
                    continue;
                }
                path.certificates.push(issuer);
                path.sent += usize::from(is_sent);
                path.is_trusted = !is_sent && issuer.is_self_issued_by_name_and_key();
                let is_good = if path.is_trusted {
                    budget.spend_signatures(path.certificates.len())
                        && self.verifier.judge(path).is_empty()
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
}
