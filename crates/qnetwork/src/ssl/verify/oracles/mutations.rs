//! Certificates whose DER was changed and signed again: OpenSSL accepts what we accept.
//!
//! The reverse does not hold: our reader accepts DER only, and we report more errors.

use std::collections::BTreeMap;

use super::{describe_one, openssl, without_numbers};
use crate::ssl::verify::{
    second_opinion::{
        Case, Keys,
        tests::{bytes, ours_accepts},
    },
    tests::FIRST_PATH,
};

/// These take some seconds. `CASES=1000000` in the environment asks for more.
const CASES: u64 = 10_000;

/// This seed differs from those of the second opinion.
const FIRST: u64 = 1 << 40;

type Exception = (&'static str, fn(&Case, &str) -> bool);

/// Why we accept a case for which OpenSSL reports this error.
const EXCEPTIONS: &[Exception] = &[
    (
        "a leaf that is trusted is trusted, whoever else has the name of its issuer",
        |case, errors| errors == "SelfSignedCertificate@0" && case.trusted.contains(&case.chain[0]),
    ),
    ("the leaf's key is no point of its curve, so that it verifies nothing", |case, errors| {
        let no_key = [
            "UnspecifiedError(66)@0 UnspecifiedError@-",
            "UnspecifiedError(66)@0 UnspecifiedError(1)@0 UnspecifiedError@-",
        ];
        no_key.contains(&errors) && case.may_change_leaf_key()
    }),
];

#[test]
fn what_ours_accepts_openssl_accepts() {
    let count = std::env::var("CASES").map_or(CASES, |count| count.parse().unwrap());
    let keys = Keys::default();
    let make = |seed| match seed % 4 {
        0 => Case::new(&bytes(seed), &keys),
        _ => Case::mutated(&bytes(seed), &keys),
    };
    let mut accepted = Vec::new();
    for seed in FIRST..FIRST + count {
        let case = make(seed);
        if ours_accepts(&case) {
            accepted.push((seed, case, FIRST_PATH.take()));
        }
    }
    assert!(accepted.len() as u64 > count / 20, "{}", accepted.len());

    let answers = match openssl::ask(accepted.iter().map(|(_, case, _)| case)) {
        Ok(answers) => answers,
        Err(reason) => {
            println!("skipped: OpenSSL cannot be asked: {reason}");
            return;
        }
    };
    assert_eq!(answers.len(), accepted.len());
    let (mut verdicts, mut wrong) = (BTreeMap::new(), Vec::new());
    for ((seed, case, first_path), errors) in accepted.iter().zip(&answers) {
        let exception = EXCEPTIONS.iter().find(|exception| exception.1(case, errors));
        let first_path = first_path.iter().map(|(error, place)| describe_one(*error, Some(*place)));
        let first_path = first_path.collect::<Vec<_>>().join(" ");
        let verdict = match (&errors[..], exception) {
            ("", _) => "both accept",
            (_, Some((reason, _))) => reason,
            _ if without_numbers(errors) == first_path => {
                "it is what is wrong with the first path, and ours finds another one"
            }
            _ => {
                let changes = case.changes.join("\n    ");
                wrong.push(format!("{seed}: {} OpenSSL: {errors}\n    {changes}", case.host));
                "disagree"
            }
        };
        *verdicts.entry(verdict).or_insert(0) += 1;
    }
    println!("of {count}: {verdicts:#?}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
