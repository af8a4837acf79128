#![no_main]

use qnetwork::fuzzing::tls_records;

const CERTIFICATE: &[u8] = include_bytes!("../../conformance/certs/good-ec.crt");
const KEY: &[u8] = include_bytes!("../../conformance/certs/good-ec.key");

libfuzzer_sys::fuzz_target!(|data: &[u8]| tls_records(data, (CERTIFICATE, KEY)));
