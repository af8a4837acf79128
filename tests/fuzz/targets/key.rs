#![no_main]

use qnetwork::{EncodingFormat, KeyAlgorithm, KeyType, QSslKey};

// The first byte says how many of those that follow are the pass phrase.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [length, rest @ ..] = data else { return };
    let Some((pass_phrase, data)) = rest.split_at_checked(usize::from(length % 32)) else { return };
    for algorithm in [KeyAlgorithm::Rsa, KeyAlgorithm::Ec, KeyAlgorithm::Dsa] {
        for key_type in [KeyType::Private, KeyType::Public] {
            for format in [EncodingFormat::Pem, EncodingFormat::Der] {
                let key = QSslKey::new_with(data, algorithm, format, key_type, pass_phrase);
                let _ = format!("{key:?}");
                if key.is_null() {
                    continue;
                }
                // What it is written as is the same key, without a pass phrase.
                assert_eq!((key.algorithm(), key.key_type()), (algorithm, key_type));
                assert!(key.length() > 0);
                let (pem, der) = (key.to_pem(), key.to_der());
                for (written, format) in [(pem, EncodingFormat::Pem), (der, EncodingFormat::Der)] {
                    assert_eq!(QSslKey::new_with(written, algorithm, format, key_type, ""), key);
                }
            }
        }
    }
});
