#![no_main]

use qnetwork::{EncodingFormat, KeyAlgorithm, KeyType, QSslKey};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for algorithm in [KeyAlgorithm::Rsa, KeyAlgorithm::Ec, KeyAlgorithm::Dsa] {
        for key_type in [KeyType::Private, KeyType::Public] {
            for format in [EncodingFormat::Pem, EncodingFormat::Der] {
                let _ = QSslKey::new_with(data, algorithm, format, key_type, "");
            }
        }
    }
});
