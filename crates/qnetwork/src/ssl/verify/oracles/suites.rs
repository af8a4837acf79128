//! The cases of x509-limbo, NIST PKITS and BetterTLS.
//!
//! The variable `SUITES` names the file with the cases. Its first line is `{"certificates":
//! [BASE64, ..]}`. Each line after it is a case, a flat object whose `chain` and `roots` are
//! indexes into the certificates. `tests/data/verify/suites.tsv` has our errors for each of them:
//!
//! ```text
//! ID  ERRORS  REASON      a case that ours accepts and somebody else refuses has a reason
//! ```
//!
//! With the variable `BLESS`, the test writes the errors into the table and keeps the reasons.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    env, fs,
    time::{Duration, UNIX_EPOCH},
};

use base64::Engine;

use super::describe;
use crate::ssl::{
    certificate::QSslCertificate,
    kinds::EncodingFormat,
    verify::{Purpose, Request, verify},
};

const TABLE: &str = include_str!("../../../../tests/data/verify/suites.tsv");

/// Why we accept a case that the suite, OpenSSL or Qt rejects.
const REASONS: &[(&str, &str)] = &[
    ("crl", "lists of revoked certificates are not read, as with Qt"),
    ("policy", "policies are not asked for, as with Qt"),
    ("depth", "a depth of 0 is the usual one, as with Qt"),
    ("path", "ours finds another path, and OpenSSL does not"),
    ("text", "constraints of names are compared as text, as with OpenSSL"),
    ("pattern", "a pattern may be for all names below a public suffix, or for a part of a label"),
    ("address", "an address may be written as a name of a host, as with Qt"),
    ("name", "the common name counts for the host, as with Qt"),
    ("unused", "the common name is not the one by which the certificate is for the host"),
    (
        "profile",
        "the suite's rule is for those who issue certificates; OpenSSL checks it if strict",
    ),
];

#[test]
fn the_cases_of_public_suites() {
    let Ok(path) = env::var("SUITES") else {
        println!("skipped: the variable SUITES does not name a file with cases");
        return;
    };
    if cfg!(not(feature = "aws-lc-rs")) {
        println!("skipped: ring verifies fewer signatures than the table has");
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let certificates: Vec<_> = list(lines.next().unwrap(), "certificates").map(load).collect();
    let cases: Vec<_> = lines.map(|line| Case::new(line, &certificates)).collect();
    let found: Vec<_> = cases.iter().map(Case::judge).collect();
    if env::var_os("BLESS").is_some() {
        return bless(&cases, &found);
    }

    let table = rows();
    let reasons: HashMap<_, _> = REASONS.iter().copied().collect();
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::new());
    for (case, found) in cases.iter().zip(&found) {
        let id = case.id;
        let Some((expected, reason)) = table.get(id) else {
            wrong.push(format!("{id}: is not in the table"));
            continue;
        };
        if found != expected {
            wrong.push(format!("{id}: {found:?} in place of {expected:?}"));
        }
        let is_listed = reasons.contains_key(reason);
        if case.is_accepted_here_alone(found) != is_listed {
            let (suite, openssl, qt) = (case.suite, case.openssl, case.qt);
            wrong.push(format!("{id}: {found:?} {reason:?} suite {suite} {openssl} {qt}"));
        }
        *counts.entry(reasons.get(reason).unwrap_or(&"")).or_insert(0) += 1;
    }
    println!("{counts:#?}");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(cases.len(), table.len(), "a case of the table is missing");
}

/// The reasons are known, and each has a case.
#[test]
fn reasons_of_the_table() {
    let used: HashSet<_> = rows().into_values().map(|(_, reason)| reason).collect();
    let listed: HashSet<_> = REASONS.iter().map(|reason| reason.0).chain([""]).collect();
    assert_eq!(used, listed);
}

/// Returns the errors and the reason for each case of the table.
fn rows() -> HashMap<&'static str, (&'static str, &'static str)> {
    let rows = TABLE.lines().map(|line| {
        let [id, errors, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        (id, (errors, reason))
    });
    rows.collect()
}

fn bless(cases: &[Case<'_>], found: &[String]) {
    let table = rows();
    let mut text = String::new();
    for (case, found) in cases.iter().zip(found) {
        let reason = match case.is_accepted_here_alone(found) {
            true => table.get(case.id).map_or("?", |row| row.1),
            false => "",
        };
        text += &format!("{}\t{found}\t{reason}\n", case.id);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/verify/suites.tsv");
    fs::write(path, text).unwrap();
}

struct Case<'a> {
    id: &'a str,
    is_server: bool,
    time: u64,
    host: &'a str,
    depth: usize,
    chain: Vec<QSslCertificate>,
    roots: Vec<QSslCertificate>,
    /// The results of the suite, of OpenSSL, and of Qt's `QSslCertificate::verify`.
    suite: &'a str,
    openssl: &'a str,
    qt: &'a str,
}

impl<'a> Case<'a> {
    fn new(line: &'a str, certificates: &[QSslCertificate]) -> Self {
        let pick = |name| -> Vec<QSslCertificate> {
            let indexes = list(line, name).map(|index| index.parse::<usize>().unwrap());
            indexes.map(|index| certificates[index].clone()).collect()
        };
        Case {
            id: text(line, "id"),
            is_server: text(line, "purpose") == "server",
            time: value(line, "time").parse().unwrap(),
            host: text(line, "host"),
            depth: value(line, "depth").parse().unwrap(),
            chain: pick("chain"),
            roots: pick("roots"),
            suite: text(line, "suite"),
            openssl: text(line, "openssl"),
            qt: value(line, "qt_verify"),
        }
    }

    /// Returns our errors.
    fn judge(&self) -> String {
        let found = verify(&Request {
            chain: &self.chain,
            trusted: &self.roots,
            host: Some(self.host).filter(|host| !host.is_empty()),
            purpose: if self.is_server { Purpose::Server } else { Purpose::Client },
            depth: self.depth,
            now: UNIX_EPOCH + Duration::from_secs(self.time),
        });
        let text = describe(&self.chain, &found);
        // The unreadable certificate may not be needed.
        if found.is_empty() { String::new() } else { text }
    }

    /// Returns whether we accept the case and one of the others does not. Qt was not asked about
    /// all cases.
    fn is_accepted_here_alone(&self, found: &str) -> bool {
        let is_refused = self.suite.ends_with("REJECT")
            || self.openssl != "OK"
            || !matches!(self.qt, "\"OK\"" | "null");
        found.is_empty() && is_refused
    }
}

fn load(base64: &str) -> QSslCertificate {
    let der = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    QSslCertificate::new(der, EncodingFormat::Der)
}

/// Returns the value of an object's member: text with its quotes, a list with its brackets. The
/// cases have no escapes and no nested lists.
fn value<'a>(object: &'a str, name: &str) -> &'a str {
    let (_, after) = object.split_once(&format!("\"{name}\":")).expect("each case has each member");
    let after = after.trim_start();
    let length = match after.as_bytes()[0] {
        b'"' => 2 + after[1..].find('"').unwrap(),
        b'[' => 1 + after.find(']').unwrap(),
        _ => after.find([',', '}']).unwrap(),
    };
    &after[..length]
}

fn text<'a>(object: &'a str, name: &str) -> &'a str {
    value(object, name).trim_matches('"')
}

fn list<'a>(object: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let items = value(object, name).trim_matches(['[', ']']).split(',');
    items.map(|item| item.trim().trim_matches('"')).filter(|item| !item.is_empty())
}
