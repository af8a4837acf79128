//! Parses challenges: the value of a `Proxy-Authenticate` header.

use super::{digest::Digest, params::Params};

/// A challenge that this library can answer.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    pub(super) realm: String,
    /// The last answer was right, but its nonce has expired.
    pub(super) stale: bool,
    pub(super) scheme: Scheme,
}

#[derive(Clone, Debug)]
pub(super) enum Scheme {
    Basic,
    Digest(Digest),
}

impl Challenge {
    /// Parses the first challenge of a header. Returns `None` if this library cannot answer it.
    /// Like Qt, it ignores further challenges on the same line; servers usually send each one in a
    /// header of its own.
    pub(super) fn parse(header: &[u8]) -> Option<Challenge> {
        let header = header.trim_ascii();
        let end = header.iter().position(u8::is_ascii_whitespace).unwrap_or(header.len());
        let (scheme, rest) = header.split_at(end);
        let params = Params::parse(rest);
        let realm = params.value("realm").unwrap_or_default();
        let realm = realm.iter().map(|&byte| char::from(byte)).collect();
        let stale = params.value("stale").is_some_and(|stale| stale.eq_ignore_ascii_case(b"true"));
        let scheme = match scheme.to_ascii_lowercase().as_slice() {
            b"basic" => Scheme::Basic,
            b"digest" => Scheme::Digest(Digest::of(&params)?),
            _ => return None,
        };
        Some(Challenge { realm, stale, scheme })
    }

    pub(super) fn strength(&self) -> u8 {
        match &self.scheme {
            Scheme::Basic => 0,
            Scheme::Digest(digest) => digest.strength(),
        }
    }
}
