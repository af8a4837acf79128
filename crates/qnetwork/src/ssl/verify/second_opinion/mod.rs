//! Test code: rustls-webpki accepts every chain in which our verification finds no error.
//!
//! `verify` alone decides whom TLS trusts, so another implementation checks the same chains.
//! `chains.rs` makes them: valid ones, with changes to names, dates, extensions, keys, order and
//! signatures. `mutation.rs` changes the DER of one certificate, and its issuer signs the result.
//!
//! The reverse does not hold, and is not tested: our verification is stricter in many places.
//!
//! The fuzz target `second_opinion` includes this folder, so it imports nothing from the crate.

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

/// A chain to verify.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// DER, the leaf first.
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) trusted: Vec<Vec<u8>>,
    /// Whether the leaf is a server's. Otherwise it is a client's.
    pub(crate) is_server: bool,
    pub(crate) host: String,
    /// Seconds since 1970.
    pub(crate) now: u64,
    /// Descriptions of the changes.
    pub(crate) changes: Vec<String>,
}

/// The results of both verifications.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    BothAccept,
    /// Ours finds an error.
    Refused,
    /// Only webpki finds an error, for this listed reason.
    Excepted(&'static str),
    /// Only webpki finds an error, and for no listed reason.
    Disagree(webpki::Error),
}

impl Case {
    /// Makes a case from any bytes. All zeros give a valid chain.
    pub(crate) fn new(bytes: &[u8], keys: &Keys) -> Self {
        chains::make(&mut Choices(bytes), keys)
    }

    /// Makes a valid chain with many extensions, and mutates one of its certificates.
    #[cfg(test)]
    pub(crate) fn mutated(bytes: &[u8], keys: &Keys) -> Self {
        rich::make(&mut Choices(bytes), keys)
    }

    /// Returns whether a bit string of the leaf was changed, or a sequence that may contain one.
    /// The key is a bit string.
    #[cfg(test)]
    pub(super) fn may_change_leaf_key(&self) -> bool {
        let changes = ["(0x3) changed", "(0x30) changed"];
        changes.iter().any(|change| self.says_both("0: DER", change))
    }

    /// Compares the two verifications.
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

/// Makes decisions from bytes, one byte each. The decision is 0 once the bytes are used up.
pub(crate) struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Returns a number below `limit`, which is at most 256.
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// Returns `true` once in `count` times.
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
