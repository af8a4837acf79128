#![no_main]

use std::sync::LazyLock;

use qnetwork::fuzzing::finds_no_fault;

#[path = "../../../crates/qnetwork/src/ssl/verify/second_opinion/mod.rs"]
mod second_opinion;

use second_opinion::{Case, Keys, Verdict};

static KEYS: LazyLock<Keys> = LazyLock::new(Keys::default);

// The bytes determine how the target makes a chain. webpki accepts every chain in which our
// verification finds no error.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let case = Case::new(data, &KEYS);
    let ours = finds_no_fault(&case.chain, &case.trusted, &case.host, case.is_server, case.now);
    let verdict = case.judge(ours, webpki::ALL_VERIFICATION_ALGS);
    assert!(!matches!(verdict, Verdict::Disagree(_)), "{verdict:?}: {:#?}", case.changes);
});
