//! Compares the errors of responses with those that Qt has reported.

use std::{
    collections::HashMap,
    time::{Duration, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::ssl::{error::SslErrorKind, kinds::EncodingFormat};

/// `responses.py` has recorded it.
const RESPONSES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ocsp/responses.tsv"));
/// In the middle of the responses' validity.
const NOW: Duration = Duration::from_secs(1_780_000_000);

/// A case: its name, the server's certificates, the response and what Qt said.
struct Case<'a> {
    name: &'a str,
    chain: Vec<QSslCertificate>,
    response: Vec<u8>,
    qt: &'a str,
}

fn cases() -> (HashMap<&'static str, QSslCertificate>, Vec<Case<'static>>) {
    let (mut certificates, mut cases) = (HashMap::new(), Vec::new());
    for line in RESPONSES.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["certificate", name, data] => {
                let der = STANDARD.decode(data).unwrap();
                certificates.insert(name, QSslCertificate::new(der, EncodingFormat::Der));
            }
            ["case", name, chain, response, qt] => {
                let chain = chain.split(',').map(|name| certificates[name].clone()).collect();
                let response = match response {
                    "-" => Vec::new(),
                    response => STANDARD.decode(response).unwrap(),
                };
                cases.push(Case { name, chain, response, qt });
            }
            _ => panic!("{line}"),
        }
    }
    (certificates, cases)
}

fn trusted(certificates: &HashMap<&str, QSslCertificate>) -> [QSslCertificate; 2] {
    ["ca", "selfsigned"].map(|name| certificates[name].clone())
}

#[test]
fn errors_are_those_of_qt() {
    let (certificates, cases) = cases();
    let trusted = trusted(&certificates);
    assert!(cases.len() > 60);
    for case in cases {
        let (response, chain) = (&case.response[..], &case.chain[..]);
        let request = Request { response, chain, trusted: &trusted, now: UNIX_EPOCH + NOW };
        let said = match check(&request) {
            Err(Failure(text)) => format!(": {text}"),
            Ok(checked) if checked.errors.is_empty() => "-".to_owned(),
            Ok(checked) => {
                for error in &checked.errors {
                    let of_response = (26..34).contains(&(error.error() as i32));
                    assert_eq!(error.certificate().is_null(), of_response, "{}", case.name);
                }
                let numbers = checked.errors.iter().map(|error| (error.error() as i32).to_string());
                numbers.collect::<Vec<_>>().join(",")
            }
        };
        assert_eq!(said, case.qt, "{}", case.name);
    }
}

#[test]
fn what_a_response_says() {
    use {OcspCertificateStatus as Status, OcspRevocationReason as Reason};
    let (certificates, cases) = cases();
    let trusted = trusted(&certificates);
    let (ca, null) = (&certificates["ca"], &QSslCertificate::default());
    let reasons = [
        Reason::Unspecified,
        Reason::KeyCompromise,
        Reason::CACompromise,
        Reason::AffiliationChanged,
        Reason::Superseded,
        Reason::CessationOfOperation,
        Reason::CertificateHold,
        Reason::None,
        Reason::RemoveFromCRL,
        Reason::None,
    ];
    let mut expected = vec![
        ("good by the root, which the server sends".to_owned(), Status::Good, Reason::None, ca),
        ("status unknown".to_owned(), Status::Unknown, Reason::None, ca),
        ("revoked".to_owned(), Status::Revoked, Reason::None, ca),
        ("another number".to_owned(), Status::Good, Reason::None, null),
    ];
    for (number, reason) in reasons.into_iter().enumerate() {
        expected.push((format!("revoked for reason {number}"), Status::Revoked, reason, ca));
    }
    for (name, status, reason, responder) in expected {
        let case = cases.iter().find(|case| case.name == name).expect(&name);
        let (response, chain) = (&case.response[..], &case.chain[..]);
        let request = Request { response, chain, trusted: &trusted, now: UNIX_EPOCH + NOW };
        let responses = check(&request).unwrap().responses;
        let [one] = &responses[..] else { panic!("{name}") };
        assert_eq!((one.certificate_status(), one.revocation_reason()), (status, reason), "{name}");
        assert_eq!((one.responder(), one.subject()), (responder, &chain[0]), "{name}");
    }
    let case = cases.iter().find(|case| case.name == "two answers").unwrap();
    let (response, chain) = (&case.response[..], &case.chain[..]);
    let request = Request { response, chain, trusted: &trusted, now: UNIX_EPOCH + NOW };
    assert_eq!(check(&request).unwrap().responses, []);
}

/// The clocks may differ by a minute.
#[test]
fn the_ends_of_the_validity() {
    let (certificates, cases) = cases();
    let trusted = trusted(&certificates);
    let case = &cases[1];
    // 2022-01-01 and 2119-01-01.
    let (this, next) = (1_640_995_200, 4_701_974_400);
    for (now, is_valid) in [
        (this - 61, false),
        (this - 60, true),
        (this, true),
        (next, true),
        (next + 60, true),
        (next + 61, false),
    ] {
        let (response, chain) = (&case.response[..], &case.chain[..]);
        let now = UNIX_EPOCH + Duration::from_secs(now);
        let checked = check(&Request { response, chain, trusted: &trusted, now }).unwrap();
        let errors: Vec<_> = checked.errors.iter().map(|error| error.error()).collect();
        let expected: &[_] = if is_valid { &[] } else { &[SslErrorKind::OcspResponseExpired] };
        assert_eq!(errors, expected, "{now:?}");
    }
}

/// Whatever a server sends, the check ends: prefixes of the responses, and changes of a bit.
#[test]
fn damaged_responses() {
    let (certificates, cases) = cases();
    let trusted = trusted(&certificates);
    let mut trusting = 0;
    for case in cases.iter().filter(|case| case.qt == "-") {
        for at in (0..case.response.len()).step_by(7) {
            let mut changed = case.response.clone();
            changed[at] ^= 1 << (at % 8);
            for response in [&case.response[..at], &changed] {
                let now = UNIX_EPOCH + NOW;
                let request = Request { response, chain: &case.chain, trusted: &trusted, now };
                if check(&request).is_ok_and(|checked| checked.errors.is_empty()) {
                    trusting += 1;
                    // Nothing that is signed was changed.
                    let basic = parse::Response::parse(response).unwrap();
                    let original = parse::Response::parse(&case.response).unwrap();
                    assert_eq!(
                        basic.basic().unwrap().signed,
                        original.basic().unwrap().signed,
                        "{} at {at}",
                        case.name
                    );
                }
            }
        }
    }
    println!("{trusting} damaged responses are still valid");
}

/// Encodes a value whose length needs up to two bytes.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let mut bytes = vec![tag, 0x82];
    bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(value);
    bytes
}

/// A response that nobody has signed, with so many answers and certificates.
fn unsigned(answers: usize, certificate: &[u8], certificates: usize) -> Vec<u8> {
    let time = tlv(0x18, &[b"20220101000000Z"]);
    let hash = tlv(0x30, &[&tlv(6, &[&[0x2b, 14, 3, 2, 26]])]);
    let id = tlv(0x30, &[&hash, &tlv(4, &[&[0; 20]]), &tlv(4, &[&[0; 20]]), &tlv(2, &[&[1]])]);
    let answer = tlv(0x30, &[&id, &tlv(0x80, &[]), &time]);
    let signer = tlv(0xa2, &[&tlv(4, &[&[0; 20]])]);
    let data = tlv(0x30, &[&signer, &time, &tlv(0x30, &vec![&answer[..]; answers])]);
    let certificates = match certificates {
        0 => Vec::new(),
        count => tlv(0xa0, &[&tlv(0x30, &vec![certificate; count])]),
    };
    let algorithm = tlv(0x30, &[&tlv(6, &[&[0x2b, 0x65, 0x70]])]);
    let basic = tlv(0x30, &[&data, &algorithm, &tlv(3, &[&[0; 65]]), &certificates]);
    let kind = tlv(6, &[&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]]);
    let bytes = tlv(0xa0, &[&tlv(0x30, &[&kind, &tlv(4, &[&basic])])]);
    tlv(0x30, &[&tlv(10, &[&[0]]), &bytes])
}

#[test]
fn answers_and_certificates_are_bounded() {
    let (certificates, _) = cases();
    let ca = certificates["ca"].to_der();
    let chain = [certificates["good"].clone()];
    for (answers, certificates, is_read) in
        [(1, 0, true), (16, 16, true), (17, 0, false), (1, 17, false)]
    {
        let response = &unsigned(answers, &ca, certificates)[..];
        let now = UNIX_EPOCH + NOW;
        let checked = check(&Request { response, chain: &chain, trusted: &[], now });
        assert_eq!(checked.is_ok(), is_read, "{answers} answers, {certificates} certificates");
        if let Ok(checked) = checked {
            assert_eq!(checked.errors[0].error(), SslErrorKind::OcspResponseCannotBeTrusted);
        }
    }
}
