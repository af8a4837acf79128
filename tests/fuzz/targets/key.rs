#![no_main]

use qnetwork::{EncodingFormat, KeyAlgorithm, KeyType, QSslKey};

// The first byte is the length of the pass phrase, which follows it.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [length, rest @ ..] = data else { return };
    let Some((pass_phrase, data)) = rest.split_at_checked(usize::from(length % 32)) else { return };
    for algorithm in [KeyAlgorithm::Rsa, KeyAlgorithm::Ec, KeyAlgorithm::Dsa] {
        for key_type in [KeyType::Private, KeyType::Public] {
            for format in [EncodingFormat::Pem, EncodingFormat::Der] {
                let key = QSslKey::from_data(data, algorithm, format, key_type, pass_phrase);
                let Ok(key) = key else { continue };
                let _ = format!("{key:?}");
                // The written form, without a pass phrase, is the same key.
                assert_eq!((key.algorithm(), key.key_type()), (algorithm, key_type));
                assert!(key.length() > Some(0));
                let (pem, der) = (key.to_pem(), key.to_der());
                for (written, format) in [(pem, EncodingFormat::Pem), (der, EncodingFormat::Der)] {
                    let again = QSslKey::from_data(written, algorithm, format, key_type, "");
                    assert_eq!(again, Ok(key.clone()));
                }
            }
        }
    }
});
