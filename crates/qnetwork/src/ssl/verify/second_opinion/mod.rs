//! A second opinion: where ours finds no fault with a chain, rustls-webpki accepts it too.
//!
//! `verify` alone decides whom TLS trusts, so another implementation is asked about the same
//! chains. `chains.rs` makes them: good ones, with one to several things changed in their names,
//! dates, extensions, keys, order and signatures. `mutation.rs` changes the DER of one certificate
//! and has its issuer sign the result.
//!
//! The reverse does not hold and is not asked for: ours is stricter in many places.
//!
//! The fuzz target `second_opinion` includes this folder, so nothing in it imports from the crate.

mod chains;
mod exceptions;
mod mutation;
#[cfg(test)]
mod rich;
#[cfg(test)]
pub(super) mod tests;

use std::{net::IpAddr, time::Duration};

use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};

pub(crate) use self::chains::Keys;

/// A chain to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// DER, the leaf first.
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) trusted: Vec<Vec<u8>>,
    /// Whether the leaf is a server's; a client's otherwise.
    pub(crate) is_server: bool,
    pub(crate) host: String,
    /// Seconds since 1970.
    pub(crate) now: u64,
    /// What was changed, in words.
    pub(crate) changes: Vec<String>,
}

/// What the two say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    BothAccept,
    /// Ours finds something wrong.
    Refused,
    /// Ours finds nothing wrong, webpki does, for this one of the listed reasons.
    Excepted(&'static str),
    /// The same, for a reason that is not listed.
    Disagree(webpki::Error),
}

impl Case {
    /// The case that these bytes stand for; any bytes do. All zeros are a good chain.
    pub(crate) fn new(bytes: &[u8], keys: &Keys) -> Self {
        chains::make(&mut Choices(bytes), keys)
    }

    /// A good chain with many extensions, and one certificate of it mutated.
    #[cfg(test)]
    pub(crate) fn mutated(bytes: &[u8], keys: &Keys) -> Self {
        rich::make(&mut Choices(bytes), keys)
    }

    /// Whether bytes of a string of bits in the leaf were changed, or of a sequence, which may be
    /// one around such a string. A key is in one.
    #[cfg(test)]
    pub(super) fn may_change_leaf_key(&self) -> bool {
        let changes = ["(0x3) changed", "(0x30) changed"];
        changes.iter().any(|change| self.says_both("0: DER", change))
    }

    /// Compares the two.
    pub(crate) fn judge(
        &self,
        ours_accepts: bool,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Verdict {
        if !ours_accepts {
            return Verdict::Refused;
        }
        match self.ask_webpki(algorithms) {
            Ok(()) => Verdict::BothAccept,
            Err(error) => match exceptions::reason(self, &error) {
                Some(reason) => Verdict::Excepted(reason),
                None => Verdict::Disagree(error),
            },
        }
    }

    fn ask_webpki(
        &self,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), webpki::Error> {
        let ders = |list: &[Vec<u8>]| -> Vec<CertificateDer<'static>> {
            list.iter().map(|der| CertificateDer::from(der.clone())).collect()
        };
        let (chain, trusted) = (ders(&self.chain), ders(&self.trusted));
        let anchors: Vec<_> =
            trusted.iter().filter_map(|root| webpki::anchor_from_trusted_cert(root).ok()).collect();
        let usage = match self.is_server {
            true => webpki::KeyUsage::server_auth(),
            false => webpki::KeyUsage::client_auth(),
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(self.now));
        let leaf = webpki::EndEntityCert::try_from(&chain[0])?;
        leaf.verify_for_usage(algorithms, &anchors, &chain[1..], now, usage, None, None)?;
        let name = match self.host.parse::<IpAddr>() {
            Ok(ip) => ServerName::from(ip),
            Err(_) => ServerName::try_from(&self.host[..])
                .map_err(|_| webpki::Error::MalformedDnsIdentifier)?,
        };
        leaf.verify_is_valid_for_subject_name(&name)
    }
}

/// Decisions, a byte each; 0 once the bytes are used up.
pub(crate) struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below this one, which is at most 256.
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// Yes once in so many times.
    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    fn text<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}
