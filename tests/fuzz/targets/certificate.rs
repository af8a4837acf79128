#![no_main]

use qnetwork::{EncodingFormat, QSslCertificate};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for format in [EncodingFormat::Pem, EncodingFormat::Der] {
        let chain = QSslCertificate::from_data(data, format).unwrap_or_default();
        for certificate in &chain {
            let _ = format!("{certificate:?}");
            assert_eq!(
                QSslCertificate::new(certificate.to_der(), EncodingFormat::Der),
                *certificate
            );
        }
        let _ = QSslCertificate::verify(&chain, "some.example");
    }
});
