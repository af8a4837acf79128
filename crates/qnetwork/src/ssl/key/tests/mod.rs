mod goldens;

use proptest::prelude::*;
use zeroize::Zeroize;

use super::*;

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/data/key/pem/", $name, ".pem"))
    };
}

const RSA: KeyAlgorithm = KeyAlgorithm::Rsa;
const EC: KeyAlgorithm = KeyAlgorithm::Ec;
const DSA: KeyAlgorithm = KeyAlgorithm::Dsa;
const OPAQUE: KeyAlgorithm = KeyAlgorithm::Opaque;
const PEM: EncodingFormat = EncodingFormat::Pem;
const DER: EncodingFormat = EncodingFormat::Der;

fn private(pem: &str, algorithm: KeyAlgorithm, pass_phrase: &str) -> Result<QSslKey, SslKeyError> {
    QSslKey::from_data(pem, algorithm, PEM, KeyType::Private, pass_phrase)
}

fn public(pem: &str, algorithm: KeyAlgorithm) -> Result<QSslKey, SslKeyError> {
    QSslKey::from_data(pem, algorithm, PEM, KeyType::Public, "")
}

/// Returns the content of the only block of a PEM.
fn der_of(pem: &str) -> Vec<u8> {
    let label = pem.split("-----").nth(1).unwrap().strip_prefix("BEGIN ").unwrap();
    pem::find(pem.as_bytes(), |found| found == label).unwrap().der.to_vec()
}

#[test]
fn null_keys() {
    let null = QSslKey::default();
    assert!(null.is_null() && null == QSslKey::default());
    assert_eq!((null.algorithm(), null.key_type()), (KeyAlgorithm::Opaque, KeyType::Private));
    assert_eq!(null.length(), None);
    assert!(null.to_pem().is_empty() && null.to_der().is_empty());
    assert_eq!(null.to_pem_with_pass_phrase("1").unwrap_err(), SslKeyErrorKind::NullKey);
    assert!(null.signing_key().is_none());
    assert_eq!(format!("{null:?}"), "QSslKey(null)");
    let mut key = private(data!("rsa"), RSA, "").unwrap();
    let copy = key.clone();
    assert!(key != null && key == copy);
    key.clear();
    assert!(key.is_null() && !copy.is_null());
    let mut other = copy.clone();
    other.swap(&mut key);
    assert!(other.is_null() && key == copy);
}

/// The keys of the folder: algorithm, length, and whether writing returns the same text.
#[test]
fn all_kinds_and_encodings() {
    let privates = [
        (data!("rsa"), RSA, 1024, true),
        (data!("rsa-pkcs8"), RSA, 1024, false),
        (data!("prime256v1"), EC, 256, true),
        (data!("prime256v1-pkcs8"), EC, 256, false),
        (data!("prime256v1-with-parameters"), EC, 256, false),
        (data!("secp384r1"), EC, 384, true),
        (data!("secp384r1-pkcs8"), EC, 384, false),
        (data!("secp521r1"), EC, 521, true),
        (data!("secp521r1-pkcs8"), EC, 521, false),
        (data!("secp256k1"), EC, 256, true),
        (data!("secp256k1-pkcs8"), EC, 256, false),
        (data!("ed25519"), OPAQUE, -1_i32, true),
        (data!("dsa"), DSA, 1024, true),
        (data!("dsa-pkcs8"), DSA, 1024, false),
    ];
    for (pem, algorithm, bits, same) in privates {
        let key = private(pem, algorithm, "").unwrap();
        assert_eq!((key.algorithm(), key.key_type()), (algorithm, KeyType::Private), "{pem}");
        assert_eq!(key.length(), u32::try_from(bits).ok(), "{pem}");
        assert_eq!(key.to_pem() == pem.as_bytes(), same, "{pem}");
        // As with Qt, the pass phrase is ignored.
        assert_eq!(private(pem, algorithm, "not needed").unwrap(), key);
        let from_der =
            QSslKey::from_data(key.to_der(), algorithm, DER, KeyType::Private, "").unwrap();
        assert_eq!(from_der, key);
        for other in [RSA, EC, DSA, KeyAlgorithm::Dh, OPAQUE] {
            if other == algorithm {
                continue;
            }
            assert_eq!(
                private(pem, other, "").unwrap_err(),
                SslKeyErrorKind::OtherAlgorithm,
                "{pem}"
            );
            // DER other than PKCS#8 does not name its algorithm.
            let der = QSslKey::from_data(key.to_der(), other, DER, KeyType::Private, "");
            let says = matches!(algorithm, KeyAlgorithm::Opaque);
            let error =
                if says { SslKeyErrorKind::OtherAlgorithm } else { SslKeyErrorKind::Malformed };
            assert_eq!(der.unwrap_err(), error, "{pem} {other:?}");
        }
        assert!(public(pem, algorithm).is_err());
    }
    let publics = [
        (data!("rsa-public"), RSA, 1024),
        (data!("prime256v1-public"), EC, 256),
        (data!("secp384r1-public"), EC, 384),
        (data!("secp521r1-public"), EC, 521),
        (data!("secp256k1-public"), EC, 256),
        (data!("ed25519-public"), OPAQUE, -1_i32),
        (data!("dsa-public"), DSA, 1024),
    ];
    for (pem, algorithm, bits) in publics {
        let key = public(pem, algorithm).unwrap();
        assert_eq!(
            (key.key_type(), key.length()),
            (KeyType::Public, u32::try_from(bits).ok()),
            "{pem}"
        );
        assert_eq!(key.to_pem(), pem.as_bytes());
        let from_der =
            QSslKey::from_data(key.to_der(), algorithm, DER, KeyType::Public, "").unwrap();
        assert_eq!(from_der, key);
        assert_eq!(QSslKey::of_certificate(&key.to_der()), key);
        assert!(private(pem, algorithm, "").is_err());
        assert!(key.signing_key().is_none());
    }
}

#[test]
fn what_a_key_was_wrapped_in_does_not_count() {
    assert_eq!(private(data!("rsa"), RSA, ""), private(data!("rsa-pkcs8"), RSA, ""));
    for (own, pkcs8) in [
        (data!("prime256v1"), data!("prime256v1-pkcs8")),
        (data!("secp384r1"), data!("secp384r1-pkcs8")),
        (data!("secp521r1"), data!("secp521r1-pkcs8")),
    ] {
        assert_eq!(private(own, EC, ""), private(pkcs8, EC, ""));
        let der = QSslKey::from_data(der_of(pkcs8), EC, DER, KeyType::Private, "");
        assert_eq!(der, private(own, EC, ""));
    }
    let private = private(data!("rsa"), RSA, "").unwrap();
    assert!(private != public(data!("rsa-public"), RSA).unwrap());
}

#[test]
fn pass_phrases() {
    let plain = private(data!("rsa"), RSA, "").unwrap();
    for pem in [
        data!("rsa-encrypted"),
        data!("rsa-scrypt"),
        data!("rsa-pbes1"),
        data!("rsa-old-encryption"),
    ] {
        assert_eq!(private(pem, RSA, "1234").unwrap(), plain);
        for wrong in ["", "123", "12345"] {
            assert_eq!(private(pem, RSA, wrong).unwrap_err(), SslKeyErrorKind::PassPhrase);
        }
        if !pem.contains("DEK-Info") {
            let der = QSslKey::from_data(der_of(pem), RSA, DER, KeyType::Private, "1234");
            assert_eq!(der.unwrap(), plain);
        }
    }
    assert_eq!(
        private(data!("prime256v1-encrypted"), EC, "1234"),
        private(data!("prime256v1"), EC, "")
    );
}

#[test]
fn encrypting() {
    for (pem, algorithm) in [
        (data!("rsa"), RSA),
        (data!("prime256v1-pkcs8"), EC),
        (data!("dsa"), DSA),
        (data!("ed25519"), OPAQUE),
    ] {
        let key = private(pem, algorithm, "").unwrap();
        let locked = String::from_utf8(key.to_pem_with_pass_phrase("1234").unwrap()).unwrap();
        assert!(locked.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        assert_eq!(private(&locked, algorithm, "1234").unwrap(), key);
        assert_eq!(private(&locked, algorithm, "1235").unwrap_err(), SslKeyErrorKind::PassPhrase);
        // Encrypting yields another text each time. Without a pass phrase nothing is encrypted.
        assert_ne!(key.to_pem_with_pass_phrase("1234").unwrap(), locked.as_bytes());
        assert_eq!(key.to_pem_with_pass_phrase("").unwrap(), key.to_pem());
    }
    let public = public(data!("rsa-public"), RSA).unwrap();
    assert_eq!(public.to_pem_with_pass_phrase("1234").unwrap(), public.to_pem());
}

/// Written keys can be read again, here and by Qt. Both use a part of the pass phrase only.
#[test]
fn encrypting_with_odd_pass_phrases() {
    let key = private(data!("prime256v1"), EC, "").unwrap();
    for nul in ["\0", "\x0012", "12\0", "12\x0034"] {
        let error = key.to_pem_with_pass_phrase(nul).unwrap_err();
        assert_eq!(error, SslKeyErrorKind::NulInPassPhrase);
    }
    let long = "a".repeat(1500);
    let locked = String::from_utf8(key.to_pem_with_pass_phrase(&long).unwrap()).unwrap();
    assert_eq!(private(&locked, EC, &long).unwrap(), key);
    assert_eq!(private(&locked, EC, &long[..1024]).unwrap(), key);
    assert_eq!(private(&locked, EC, &long[..1023]).unwrap_err(), SslKeyErrorKind::PassPhrase);
    let locked = key.to_pem_with_pass_phrase([0xff, 0xfe]).unwrap();
    let unlocked = QSslKey::from_data(&locked, EC, PEM, KeyType::Private, [0xff, 0xfe]).unwrap();
    assert_eq!(unlocked, key);
}

/// Which texts with small faults Qt accepts.
#[test]
fn around_the_block() {
    let pem = data!("rsa");
    let taken = [
        format!("junk\n{pem}"),
        format!("{pem}junk"),
        pem.replace('\n', "\r\n"),
        pem.trim_end().to_owned(),
        format!("{pem}\n{}", data!("prime256v1")),
        format!("{}{pem}", data!("rsa-public")),
        format!("\u{feff}{pem}"),
    ];
    for text in taken {
        assert_eq!(private(&text, RSA, ""), private(pem, RSA, ""), "{text}");
    }
    let not_taken = [
        (pem.replace('\n', ""), SslKeyErrorKind::Malformed),
        (pem.replace("RSA PRIVATE", "PRIVATE KEYS"), SslKeyErrorKind::NoPemBlock),
        (pem.replace("-----BEGIN", "  -----BEGIN"), SslKeyErrorKind::NoPemBlock),
        ("-----BEGIN RSA PRIVATE KEY-----\n".to_owned(), SslKeyErrorKind::Malformed),
        (format!("{}{pem}", data!("prime256v1")), SslKeyErrorKind::OtherAlgorithm),
        (data!("rsa-encrypted").replace("ENCRYPTED ", ""), SslKeyErrorKind::Malformed),
    ];
    for (text, error) in not_taken {
        assert_eq!(private(&text, RSA, "1234").unwrap_err(), error, "{text}");
    }
    // PEM in place of DER, and the reverse.
    let key = private(pem, RSA, "").unwrap();
    assert!(QSslKey::new(pem, RSA, DER).is_null());
    assert!(QSslKey::new(key.to_der(), RSA, PEM).is_null());
    // Data behind the key is ignored.
    assert_eq!(QSslKey::new([key.to_der(), b"xx".to_vec()].concat(), RSA, DER), key);
}

#[test]
fn keys_of_diffie_hellman() {
    const DH: KeyAlgorithm = KeyAlgorithm::Dh;
    let (one, other) = (private(data!("dh"), DH, "").unwrap(), public(data!("dh-public"), DH));
    let other = other.unwrap();
    for (key, kind) in [(&one, KeyType::Private), (&other, KeyType::Public)] {
        assert_eq!((key.algorithm(), key.key_type(), key.length()), (DH, kind, Some(512)));
    }
    assert_eq!(one.to_pem(), data!("dh").as_bytes());
    assert_eq!(other.to_pem(), data!("dh-public").as_bytes());
    // A private key is not a public one, nor a key of another algorithm.
    assert!(public(data!("dh"), DH).is_err() && private(data!("dh-public"), DH, "").is_err());
    assert!(private(data!("dh"), RSA, "").is_err());
}

#[test]
fn what_is_not_known() {
    for algorithm in [EC, OPAQUE] {
        let error = private(data!("x25519"), algorithm, "").unwrap_err();
        assert_eq!(error, SslKeyErrorKind::UnsupportedAlgorithm);
    }
    assert!(QSslKey::of_certificate(b"garbage").is_null());
}

#[test]
fn keys_sign() {
    for (pem, algorithm) in [
        (data!("prime256v1"), EC),
        (data!("prime256v1-pkcs8"), EC),
        (data!("secp384r1"), EC),
        (data!("ed25519"), OPAQUE),
    ] {
        assert!(private(pem, algorithm, "").unwrap().signing_key().is_some(), "{pem}");
    }
    // Too short, or of an algorithm that cannot sign.
    assert!(private(data!("dsa"), DSA, "").unwrap().signing_key().is_none());
    assert!(private(data!("secp256k1"), EC, "").unwrap().signing_key().is_none());
}

#[test]
fn secrets_are_not_told_and_not_left() {
    let key = private(data!("rsa"), RSA, "").unwrap();
    assert_eq!(
        format!("{key:?}"),
        "QSslKey { key_type: Private, algorithm: Rsa, length: Some(1024), .. }"
    );
    // Dropping clears the bytes.
    let QSslKey(Some(inner)) = key else { unreachable!() };
    let mut inner = Arc::into_inner(inner).expect("there is no copy");
    assert!(inner.decoded.der.len() > 500);
    inner.decoded.der.zeroize();
    assert!(inner.decoded.der.is_empty());
}

/// Deriving a key from a pass phrase has a limit, whatever the file says.
#[test]
fn work_is_bounded() {
    let der = der_of(data!("rsa-encrypted"));
    // The number of rounds, 2048, in two bytes.
    let at = der.windows(4).position(|bytes| bytes == [0x02, 0x02, 0x08, 0x00]).unwrap();
    let mut rounds = der.clone();
    rounds.splice(at..at + 4, [0x02, 0x04, 0x7f, 0xff, 0xff, 0xff]);
    // The lengths of the enclosing values grow by two.
    for header in 0..at {
        if rounds[header] == 0x30 {
            match rounds[header + 1] {
                0x82 => {
                    let length = u16::from_be_bytes([rounds[header + 2], rounds[header + 3]]) + 2;
                    rounds[header + 2..header + 4].copy_from_slice(&length.to_be_bytes());
                }
                short if short < 0x7e && header + 2 + usize::from(short) >= at => {
                    rounds[header + 1] = short + 2;
                }
                _ => {}
            }
        }
    }
    let error = QSslKey::from_data(&rounds, RSA, DER, KeyType::Private, "1234").unwrap_err();
    assert_eq!(error, SslKeyErrorKind::ExcessiveWork);
}

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        for algorithm in [RSA, EC, DSA, KeyAlgorithm::Dh, OPAQUE] {
            for format in [PEM, DER] {
                for key_type in [KeyType::Private, KeyType::Public] {
                    let _ = QSslKey::from_data(&data, algorithm, format, key_type, "1234");
                }
            }
        }
    }

    /// A key with changed bytes is another key or none.
    #[test]
    fn damaged_keys(
        which in 0..4usize,
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..4),
    ) {
        let (pem, algorithm) = [
            (data!("rsa"), RSA),
            (data!("rsa-pkcs8"), RSA),
            (data!("prime256v1-pkcs8"), EC),
            (data!("ed25519"), OPAQUE),
        ][which];
        let mut der = der_of(pem);
        for (at, byte) in changes {
            let at = usize::from(at) % der.len();
            der[at] = byte;
        }
        if let Ok(key) = QSslKey::from_data(&der, algorithm, DER, KeyType::Private, "") {
            let _ = (key.length(), key.to_pem(), key.signing_key());
        }
    }
}

#[test]
fn the_public_key_of_a_certificate() {
    for (kind, algorithm) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, EC),
        (&rcgen::PKCS_ECDSA_P384_SHA384, EC),
        (&rcgen::PKCS_ED25519, OPAQUE),
    ] {
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let params = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap();
        let certificate = crate::QSslCertificate::new(certificate.der(), DER);
        let pem = pair.public_key_pem();
        let key = QSslKey::from_data(pem, algorithm, PEM, KeyType::Public, "").unwrap();
        assert_eq!(certificate.public_key(), key);
    }
    assert!(crate::QSslCertificate::default().public_key().is_null());
    for (certificate, key, algorithm) in [
        (data!("rsa-certificate"), data!("rsa-public"), RSA),
        (data!("dsa-certificate"), data!("dsa-public"), DSA),
        (data!("prime256v1-certificate"), data!("prime256v1-public"), EC),
        (data!("secp384r1-certificate"), data!("secp384r1-public"), EC),
        (data!("ed25519-certificate"), data!("ed25519-public"), OPAQUE),
    ] {
        let public_key = crate::QSslCertificate::new(certificate, PEM).public_key();
        assert_eq!(public_key, public(key, algorithm).unwrap());
        assert_eq!((public_key.algorithm(), public_key.key_type()), (algorithm, KeyType::Public));
    }
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let length = u8::try_from(value.len()).ok().filter(|length| *length < 0x80);
    [&[tag, length.expect("a short value")], &value[..]].concat()
}

/// The limit also applies to the schemes older than PBES2, and to scrypt.
#[test]
fn work_of_all_kinds_is_bounded() {
    let many: &[u8] = &[0x02, 0x04, 0x7f, 0xff, 0xff, 0xff];
    let salt: &[u8] = &[0x04, 0x01, 0x00];
    let encrypted = |scheme: &[u8]| tlv(0x30, &[scheme, &tlv(0x04, &[&[0; 16]])]);
    let identified = |oid: &[u8], parameters: &[u8]| tlv(0x30, &[&tlv(0x06, &[oid]), parameters]);

    let mut made = Vec::new();
    let md5_des = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x03];
    let sha1_3des = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03];
    for oid in [&md5_des[..], &sha1_3des] {
        made.push(encrypted(&identified(oid, &tlv(0x30, &[salt, many]))));
    }
    let pbes2 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
    let scrypt = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
    let aes = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
    let aes = identified(&aes, &tlv(0x04, &[&[0; 16]]));
    let (one, eight): (&[u8], &[u8]) = (&[0x02, 0x01, 0x01], &[0x02, 0x01, 0x08]);
    let two_to_the_64th: &[u8] = &[0x02, 0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let two_to_the_30th: &[u8] = &[0x02, 0x04, 0x40, 0, 0, 0];
    for [n, r, p] in [
        [two_to_the_30th, eight, one],
        [two_to_the_64th, one, one],
        [&[0x02, 0x01, 0x02], many, one],
        [&[0x02, 0x01, 0x02], eight, many],
    ] {
        let derivation = identified(&scrypt, &tlv(0x30, &[salt, n, r, p]));
        let scheme = identified(&pbes2, &tlv(0x30, &[&derivation, &aes]));
        made.push(encrypted(&scheme));
    }
    for der in made {
        let error = QSslKey::from_data(&der, RSA, DER, KeyType::Private, "1234").unwrap_err();
        assert_eq!(error, SslKeyErrorKind::ExcessiveWork, "{der:02x?}");
    }
}
