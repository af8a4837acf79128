//! Our own chains, about one for each rule, with the results of OpenSSL and Qt.
//!
//! `tests/data/verify/chains.py` makes them and asks both. Our errors must be the same as theirs.
//! This file lists the differences, and the chains where our result does not follow the rule (RFC
//! 5280, RFC 6125).

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, UNIX_EPOCH},
};

use base64::Engine;

use super::{describe, describe_one, without_numbers};
use crate::ssl::{
    certificate::QSslCertificate,
    kinds::EncodingFormat,
    verify::{Purpose, Request, tests::FIRST_PATH, verify},
};

const TABLE: &str = include_str!("../../../../tests/data/verify/chains.tsv");

/// The time of the table.
const NOW: u64 = 1_782_000_000;

/// Where our result does not follow the rule, and why.
const NOT_BY_RULE: &[(&str, &str)] = &[
    ("root-signed-by-an-unknown-kind", "as OpenSSL: a root says how it is signed"),
    ("leaf-path-length", "as OpenSSL: a length counts with authorities alone"),
    (
        "root-no-basic-constraints",
        "as OpenSSL: a root of version 3 has to say that it is an authority",
    ),
    ("leaf-use-any", "as OpenSSL: any use is not the use of servers and clients"),
    ("mid-use-any", "as OpenSSL: any use is not the use of servers and clients"),
    ("leaf-use-any-of-a-client", "as OpenSSL: any use is not the use of servers and clients"),
    ("leaf-use-gated", "as OpenSSL: servers may be marked for strong cryptography alone"),
    ("mid-use-gated", "as OpenSSL: servers may be marked for strong cryptography alone"),
    ("leaf-use-netscape-gated", "as OpenSSL: servers may be marked for strong cryptography alone"),
    ("mid-use-netscape-gated", "as OpenSSL: servers may be marked for strong cryptography alone"),
    ("root-use-client", "as OpenSSL: the uses of a root count as well"),
    ("limit-mail-of-other-letters-after-a-dot", "as OpenSSL: such a limit allows no such address"),
    ("leaf-own-limits", "as OpenSSL: limits in a leaf say nothing"),
    ("leaf-ends-now", "as OpenSSL: the last second is over when it begins"),
    ("mid-ends-now", "as OpenSSL: the last second is over when it begins"),
    ("root-ends-now", "as OpenSSL: the last second is over when it begins"),
    ("leaf-unknown-extension-twice", "as OpenSSL: it is not looked at"),
    ("leaf-critical-lists", "as OpenSSL: it is known, although it is not used"),
    ("leaf-number-0", "as OpenSSL: any number will do"),
    ("leaf-number-below-0", "as OpenSSL: any number will do"),
    ("leaf-number-of-40-bytes", "as OpenSSL: any number will do"),
    ("leaf-version-1", "as OpenSSL: extensions count in each version"),
    ("leaf-version-2", "as OpenSSL: extensions count in each version"),
    ("leaf-version-4", "as OpenSSL: extensions count in each version"),
    ("mid-version-1", "as OpenSSL: extensions count in each version"),
    ("mid-version-2", "as OpenSSL: extensions count in each version"),
    ("mid-version-4", "as OpenSSL: extensions count in each version"),
    ("leaf-signed-by-ecdsa-sha224", "the cryptography does not have the hash"),
    ("leaf-signed-by-pss-20", "the cryptography takes a salt as long as the hash"),
    ("leaf-signed-by-pss-0", "the cryptography takes a salt as long as the hash"),
    ("leaf-key-garbage", "the key is no point of its curve, so that it verifies nothing"),
    ("host-by-common-name-beside-names", "as Qt: the common name counts for the host"),
    ("host-with-a-dot-at-its-end", "as Qt: a dot at the end counts"),
    ("host-address-as-a-name", "as Qt: an address may be written as a name"),
];

/// How our errors for a chain differ from those of OpenSSL and Qt.
struct Difference {
    chain: &'static str,
    /// Our errors for the chain's purpose, if OpenSSL's differ.
    not_openssl: Option<&'static str>,
    /// Our errors for any purpose, if those of `QSslCertificate::verify` in Qt differ.
    not_qt: Option<&'static str>,
    why: &'static str,
}

const LIMITED_HOST: &str = "constraints apply to the host too";
const WEAK: &str = "signatures by weak keys and hashes are not verified";
const NO_HASH: &str = "the cryptography does not have the hash";
const SALT: &str = "the cryptography takes a salt as long as the hash";

/// A row: the chain, our errors if OpenSSL's differ, our errors if Qt's differ, and the reason.
const DIFFERENCES: &[Difference] = &[
    differs(
        "limit-host-by-pattern-excluded",
        Some("UnspecifiedError@0"),
        Some("UnspecifiedError@0"),
        LIMITED_HOST,
    ),
    differs(
        "limit-host-by-common-name-beside-names",
        Some("UnspecifiedError@0"),
        Some("UnspecifiedError@0"),
        LIMITED_HOST,
    ),
    differs(
        "leaf-proxy",
        Some("UnspecifiedError@0"),
        Some("UnspecifiedError@0"),
        "a proxy with alternative names is malformed for OpenSSL",
    ),
    differs(
        "mid-key-rsa1024",
        Some("UnspecifiedError@1 CertificateSignatureFailed@0"),
        Some("CertificateSignatureFailed@0"),
        WEAK,
    ),
    differs(
        "root-key-rsa1024",
        Some("UnspecifiedError@- CertificateSignatureFailed@1"),
        Some("CertificateSignatureFailed@1"),
        WEAK,
    ),
    differs(
        "mid-key-p192",
        Some("UnspecifiedError@1 CertificateSignatureFailed@0"),
        Some("CertificateSignatureFailed@0"),
        WEAK,
    ),
    differs(
        "root-key-p192",
        Some("UnspecifiedError@- CertificateSignatureFailed@1"),
        Some("CertificateSignatureFailed@1"),
        WEAK,
    ),
    differs(
        "leaf-signed-by-ecdsa-sha1",
        Some("UnspecifiedError@0 CertificateSignatureFailed@0"),
        Some("CertificateSignatureFailed@0"),
        WEAK,
    ),
    differs(
        "leaf-signed-by-ecdsa-sha224",
        Some("CertificateSignatureFailed@0"),
        Some("CertificateSignatureFailed@0"),
        NO_HASH,
    ),
    differs(
        "leaf-signed-by-rsa-md5",
        Some("UnspecifiedError@0 CertificateSignatureFailed@0"),
        Some("CertificateSignatureFailed@0"),
        WEAK,
    ),
    differs(
        "leaf-signed-by-rsa-sha1",
        Some("UnspecifiedError@0 CertificateSignatureFailed@0"),
        Some("CertificateSignatureFailed@0"),
        WEAK,
    ),
    differs(
        "leaf-signed-by-pss-20",
        Some("CertificateSignatureFailed@0"),
        Some("CertificateSignatureFailed@0"),
        SALT,
    ),
    differs(
        "leaf-signed-by-pss-0",
        Some("CertificateSignatureFailed@0"),
        Some("CertificateSignatureFailed@0"),
        SALT,
    ),
    differs(
        "mid-signed-by-ecdsa-sha1",
        Some("UnspecifiedError@1 CertificateSignatureFailed@1"),
        Some("CertificateSignatureFailed@1"),
        WEAK,
    ),
    differs(
        "leaf-key-garbage",
        Some(""),
        Some(""),
        "the key is no point of its curve, so that it verifies nothing",
    ),
    differs(
        "host-address-by-pattern",
        Some("HostNameMismatch@0"),
        None,
        "as Qt: a pattern is for no address",
    ),
    differs(
        "root-dates-of-no-end",
        None,
        Some("UnableToGetLocalIssuerCertificate@1"),
        "a root without an end is not among those trusted",
    ),
];

const fn differs(
    chain: &'static str,
    not_openssl: Option<&'static str>,
    not_qt: Option<&'static str>,
    why: &'static str,
) -> Difference {
    Difference { chain, not_openssl, not_qt, why }
}

struct Case {
    name: &'static str,
    is_good: bool,
    purpose: Purpose,
    host: &'static str,
    depth: usize,
    chain: Vec<QSslCertificate>,
    trusted: Vec<QSslCertificate>,
    openssl: &'static str,
    qt: &'static str,
}

#[test]
fn a_chain_for_each_rule() {
    if cfg!(not(feature = "aws-lc-rs")) {
        println!("skipped: ring verifies fewer signatures than the table has");
        return;
    }
    let cases = cases();
    assert!(cases.len() > 300);
    let by_rule: HashMap<_, _> = NOT_BY_RULE.iter().copied().collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case.name;
        let found = case.judge(case.purpose);
        if (found.is_empty() == case.is_good) == by_rule.contains_key(name) {
            let rule = if case.is_good { "good" } else { "bad" };
            wrong.push(format!("rule\t{name}\t{rule}: {found}"));
        }
        let expected = case.openssl_at_its_places();
        let expected = difference(name).and_then(|one| one.not_openssl).unwrap_or(&expected);
        if found != expected && !(found.is_empty() && first_path() == without_numbers(case.openssl))
        {
            wrong.push(format!("openssl\t{name}\t{found}\t{expected}"));
        }
        if case.qt == "-" {
            continue;
        }
        let found = case.judge(Purpose::Any);
        let expected = difference(name).and_then(|one| one.not_qt).unwrap_or(case.qt);
        if found != expected && !(found.is_empty() && first_path() == expected) {
            wrong.push(format!("qt\t{name}\t{found}\t{expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Every chain of the lists exists, and occurs once.
#[test]
fn lists_of_differences() {
    let cases = cases();
    let names: HashSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
    let lists = [
        NOT_BY_RULE.iter().map(|row| row.0).collect::<Vec<_>>(),
        DIFFERENCES.iter().map(|one| one.chain).collect(),
    ];
    for list in lists {
        assert!(list.iter().all(|name| names.contains(name)), "{list:?}");
        assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len());
    }
    for one in DIFFERENCES {
        assert!(one.not_openssl.or(one.not_qt).is_some() && !one.why.is_empty(), "{}", one.chain);
    }
}

fn difference(name: &str) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|one| one.chain == name)
}

/// Returns the errors of the first path, the one that OpenSSL finds, if our verification has taken
/// a different path.
fn first_path() -> String {
    let errors = FIRST_PATH.take();
    let errors = errors.iter().map(|(error, place)| describe_one(*error, Some(*place)));
    errors.collect::<Vec<_>>().join(" ")
}

impl Case {
    /// Returns OpenSSL's errors with their places. As in Qt, a certificate that was not sent has no
    /// place.
    fn openssl_at_its_places(&self) -> String {
        let errors = without_numbers(self.openssl);
        let place = |error: &str| {
            let Some((error, place)) = error.split_once('@') else { return error.to_owned() };
            let is_sent = place.parse().is_ok_and(|place: usize| place < self.chain.len());
            format!("{error}@{}", if is_sent { place } else { "-" })
        };
        errors.split_whitespace().map(place).collect::<Vec<_>>().join(" ")
    }

    fn judge(&self, purpose: Purpose) -> String {
        let found = verify(&Request {
            chain: &self.chain,
            trusted: &self.trusted,
            host: Some(self.host).filter(|host| !host.is_empty()),
            purpose,
            depth: self.depth,
            now: UNIX_EPOCH + Duration::from_secs(NOW),
        });
        describe(&self.chain, &found)
    }
}

fn cases() -> Vec<Case> {
    let (mut certificates, mut cases) = (HashMap::new(), Vec::new());
    for line in TABLE.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        if let ["certificate", name, der] = fields[..] {
            let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
            certificates.insert(name, QSslCertificate::new(der, EncodingFormat::Der));
            continue;
        }
        let ["case", name, rule, purpose, host, depth, chain, trusted, openssl, qt] = fields[..]
        else {
            panic!("{line}");
        };
        let list = |names: &str| -> Vec<QSslCertificate> {
            let names = names.split(',').filter(|name| !name.is_empty());
            names.map(|name| certificates[name].clone()).collect()
        };
        cases.push(Case {
            name,
            is_good: rule == "good",
            purpose: if purpose == "server" { Purpose::Server } else { Purpose::Client },
            host,
            depth: depth.parse().unwrap(),
            chain: list(chain),
            trusted: list(trusted),
            openssl,
            qt,
        });
    }
    cases
}
