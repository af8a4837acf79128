#![no_main]

use std::sync::LazyLock;

use qnetwork::{EncodingFormat, QSslCertificate, fuzzing};

static CHAIN: LazyLock<Vec<QSslCertificate>> = LazyLock::new(|| {
    let pems = [
        &include_bytes!("../../conformance/certs/good.crt")[..],
        include_bytes!("../../conformance/certs/ca.crt"),
    ];
    pems.map(|pem| QSslCertificate::new(pem, EncodingFormat::Pem)).into()
});

// An OCSP response about a certificate. The responses in `crates/qnetwork/tests/data/ocsp` are good
// seeds. None that is valid in 2026 is valid in 2200.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzing::is_valid_response(data, &CHAIN, 1_782_000_000);
    assert!(!fuzzing::is_valid_response(data, &CHAIN, 7_258_118_400));
});
