use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use super::{Case, Keys, Verdict};
use crate::ssl::{
    certificate::QSslCertificate,
    crypto::provider,
    kinds::EncodingFormat,
    verify::{Purpose, Request, verify},
};

/// These take some seconds. `CASES=1000000` in the environment asks for more.
const CASES: u64 = 10_000;

/// Returns pseudo-random bytes for a seed (SplitMix64).
pub(in crate::ssl::verify) fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    (0..64).flat_map(|_| next().to_be_bytes()).collect()
}

pub(in crate::ssl::verify) fn ours_accepts(case: &Case) -> bool {
    let load = |ders: &[Vec<u8>]| -> Vec<QSslCertificate> {
        ders.iter().map(|der| QSslCertificate::new(der, EncodingFormat::Der)).collect()
    };
    let request = Request {
        chain: &load(&case.chain),
        trusted: &load(&case.trusted),
        host: Some(&case.host),
        purpose: if case.is_server { Purpose::Server } else { Purpose::Client },
        depth: 0,
        now: UNIX_EPOCH + Duration::from_secs(case.now),
    };
    verify(&request).is_empty()
}

#[test]
fn what_ours_accepts_webpki_accepts() {
    let keys = Keys::default();
    let algorithms = provider().signature_verification_algorithms.all;
    let (mut verdicts, mut wrong) = (BTreeMap::new(), Vec::new());
    let cases = std::env::var("CASES").map_or(CASES, |n| n.parse().unwrap());
    for seed in 0..cases {
        let case = Case::new(&bytes(seed), &keys);
        let verdict = case.judge(ours_accepts(&case), algorithms);
        let name = match verdict {
            Verdict::BothAccept => "both accept",
            Verdict::Refused => "refused",
            Verdict::Excepted(reason) => reason,
            Verdict::Disagree(error) => {
                wrong.push(format!(
                    "{seed}: {} webpki: {error:?}\n    {}",
                    case.host,
                    case.changes.join("\n    ")
                ));
                "disagree"
            }
        };
        *verdicts.entry(name).or_insert(0) += 1;
    }
    println!("{verdicts:#?}");
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
    // Both results occur often enough.
    let count = |name| verdicts.get(name).copied().unwrap_or_default();
    assert!(count("both accept") > cases / 4 && count("refused") > cases / 4, "{verdicts:#?}");
}
