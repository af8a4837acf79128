#![no_main]

use qnetwork::{EncodingFormat, QSslCertificate, fuzzing};

// Certificates as PEM, one after the other; the first byte says how many of them are trusted, and
// the second whether the leaf is a server's. Sending a refused certificate twice does not make it
// trusted.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [trusted, how, data @ ..] = data else { return };
    let all = QSslCertificate::from_data(data, EncodingFormat::Pem).unwrap_or_default();
    let ders: Vec<Vec<u8>> = all.iter().map(QSslCertificate::to_der).collect();
    let (trusted, chain) = ders.split_at(usize::from(*trusted) % (ders.len() + 1));
    let now = 1_782_000_000;
    let ask = |chain: &[Vec<u8>], trusted: &[Vec<u8>]| {
        fuzzing::finds_no_fault(chain, trusted, "localhost", how & 1 == 1, now)
    };
    if ask(chain, trusted) {
        assert!(!trusted.is_empty() && !chain.is_empty());
    }
    assert!(!ask(chain, &[]));
});
