use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};

use super::*;
use crate::ssl::{certificate::QSslCertificate, crypto::provider, kinds::EncodingFormat};

/// Certificates and signatures made by `openssl`.
const GOLDENS: &str = include_str!("../../../tests/data/signature/goldens.tsv");
const MESSAGE: &[u8] = b"what is signed";

struct Goldens {
    certificates: HashMap<&'static str, CertificateDer<'static>>,
    signatures: Vec<(&'static str, SignatureScheme, Vec<u8>)>,
}

fn goldens() -> Goldens {
    let mut goldens = Goldens { certificates: HashMap::new(), signatures: Vec::new() };
    for line in GOLDENS.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            [name, der] => {
                goldens.certificates.insert(name, BASE64.decode(der).unwrap().into());
            }
            [name, scheme, signature] => {
                let scheme = u16::from_str_radix(scheme, 16).unwrap().into();
                goldens.signatures.push((name, scheme, BASE64.decode(signature).unwrap()));
            }
            _ => panic!("{line}"),
        }
    }
    goldens
}

fn verify(
    certificate: &CertificateDer<'_>,
    scheme: SignatureScheme,
    signature: &[u8],
    is_tls13: bool,
) -> Result<(), Error> {
    let verifier = AcceptAny(provider());
    verifier.verify(MESSAGE, certificate, (scheme, signature), is_tls13).map(drop)
}

/// Returns the name of the error, or `good`.
fn outcome(result: &Result<(), Error>) -> String {
    match result {
        Ok(()) => "good".to_owned(),
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(error)))) => {
            format!("{:?}", error.downcast_ref::<Refusal>().unwrap())
        }
        Err(Error::InvalidCertificate(error)) => format!("{error:?}"),
        Err(Error::PeerMisbehaved(error)) => format!("{error:?}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn signatures_of_openssl() {
    const BAD: &str = "BadSignature";
    const UNADVERTISED: &str = "SignedHandshakeWithUnadvertisedSigScheme";
    let goldens = goldens();
    let mut salts = HashMap::new();
    let offered = AcceptAny(provider()).schemes();
    assert!(!offered.contains(&SignatureScheme::ED448));
    for (name, scheme, signature) in &goldens.signatures {
        let certificate = &goldens.certificates[name];
        let number = u16::from(*scheme);
        let is_pkcs1 = matches!(number, 0x0401 | 0x0501 | 0x0601);
        // The salt of the second one is too short.
        let is_salted = {
            let count: &mut u32 = salts.entry((name, number)).or_default();
            *count += 1;
            *count > 1
        };
        let curve = match number {
            0x0403 => "P-256",
            0x0503 => "P-384",
            0x0603 => "P-521",
            _ => name,
        };
        let expected = match *name {
            // With `ring`, SHA-512 on a curve too.
            _ if !offered.contains(scheme) => (UNADVERTISED, UNADVERTISED),
            "secp256k1" => ("UnknownKey", "UnknownKey"),
            _ if is_salted => (BAD, BAD),
            _ if is_pkcs1 => ("good", UNADVERTISED),
            // In TLS 1.3 the scheme determines the curve.
            _ if curve != *name => ("good", "OtherKind"),
            _ => ("good", "good"),
        };
        let got = [false, true]
            .map(|is_tls13| outcome(&verify(certificate, *scheme, signature, is_tls13)));
        assert_eq!((&*got[0], &*got[1]), expected, "{name} {scheme:?}");
        if got[0] != "good" {
            continue;
        }
        // Each bit and the length matter.
        for index in [0, signature.len() / 2, signature.len() - 1] {
            let mut other = signature.clone();
            other[index] ^= 1;
            let result = verify(certificate, *scheme, &other, false);
            assert_eq!(outcome(&result), BAD, "{name} {scheme:?} {index}");
        }
        for other in [&signature[1..], &signature[..signature.len() - 1], &[]] {
            assert_eq!(outcome(&verify(certificate, *scheme, other, false)), BAD, "{name}");
        }
        let longer = [&[0][..], signature].concat();
        assert_eq!(outcome(&verify(certificate, *scheme, &longer, false)), BAD, "{name}");
    }
}

/// A signature is invalid for any other scheme.
#[test]
fn schemes_are_not_confused() {
    let goldens = goldens();
    let all: Vec<u16> = goldens.signatures.iter().map(|(_, scheme, _)| (*scheme).into()).collect();
    let more = [0x0201, 0x0203, 0x0202, 0x0402, 0x0301, 0x0708, 0x0900, 0, 0xffff];
    for (name, scheme, signature) in &goldens.signatures {
        for other in all.iter().chain(&more).map(|number| SignatureScheme::from(*number)) {
            if other == *scheme {
                continue;
            }
            for is_tls13 in [false, true] {
                let result = verify(&goldens.certificates[name], other, signature, is_tls13);
                assert_ne!(outcome(&result), "good", "{name} {scheme:?} as {other:?}");
            }
        }
    }
}

/// A PSS key signs with the PSS schemes and its own hash only. Other keys cannot use these schemes.
#[test]
fn keys_for_pss() {
    let goldens = goldens();
    let signature = |name: &str, number: u16| {
        let is_it =
            |one: &&(&str, SignatureScheme, Vec<u8>)| one.0 == name && u16::from(one.1) == number;
        &goldens.signatures.iter().find(is_it).unwrap().2
    };
    for (name, signed_by, scheme, expected) in [
        ("pss", ("pss", 0x0809), 0x0804, "OtherKind"),
        ("pss", ("pss", 0x0809), 0x0401, "SignedHandshakeWithUnadvertisedSigScheme"),
        ("rsa2048", ("rsa2048", 0x0804), 0x0809, "OtherKind"),
        ("pss384", ("pss384", 0x080a), 0x080a, "good"),
        ("pss384", ("pss384", 0x080a), 0x0809, "OtherKind"),
        ("pss384", ("pss384", 0x080a), 0x080b, "OtherKind"),
        ("P-256", ("pss", 0x0809), 0x0809, "OtherKind"),
        ("rsa2048", ("P-256", 0x0403), 0x0403, "OtherKind"),
    ] {
        let signature = signature(signed_by.0, signed_by.1);
        let result = verify(&goldens.certificates[name], scheme.into(), signature, true);
        assert_eq!(outcome(&result), expected, "{name} {scheme:x}");
    }
}

/// The parameters of a PSS key must be those of TLS.
#[test]
fn parameters_for_pss() {
    let oid = |end: &[u8]| value(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1], end]);
    let hash = |last: u8| {
        let oid = value(6, &[&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last]]);
        value(0x30, &[&oid, &[5, 0]])
    };
    let (named, mgf1) = (value(0xa0, &[&hash(1)]), oid(&[8]));
    let mask = |mgf: &[u8], last: u8| value(0xa1, &[&value(0x30, &[mgf, &hash(last)])]);
    let (mask1, salt) = (mask(&mgf1, 1), |length: u8| value(0xa2, &[&[2, 1, length]]));
    for (parameters, expected) in [
        (vec![], true),
        (vec![value(0x30, &[&named, &mask1, &salt(32)])], true),
        (vec![value(0x30, &[&named, &mask1])], true),
        (vec![value(0x30, &[&named, &mask1, &salt(32), &value(0xa3, &[&[2, 1, 1]])])], true),
        (vec![value(0x30, &[&named, &mask1, &salt(33)])], false),
        // The default is SHA-1.
        (vec![value(0x30, &[])], false),
        (vec![value(0x30, &[&named, &salt(32)])], false),
        (vec![value(0x30, &[&mask1, &salt(32)])], false),
        (vec![value(0x30, &[&value(0xa0, &[&hash(2)]), &mask1, &salt(32)])], false),
        (vec![value(0x30, &[&named, &mask(&mgf1, 2), &salt(32)])], false),
        // Another mask function, another trailer, and something behind the parameters.
        (vec![value(0x30, &[&named, &mask(&oid(&[9]), 1), &salt(32)])], false),
        (vec![value(0x30, &[&named, &mask1, &salt(32), &value(0xa3, &[&[2, 1, 2]])])], false),
        (vec![value(0x30, &[&named, &mask1, &salt(32), &[5, 0]])], false),
        (vec![vec![5, 0]], false),
    ] {
        let algorithm = value(0x30, &[&oid(&[10]), &parameters.concat()]);
        let info = value(0x30, &[&algorithm, &value(3, &[&[0]])]);
        let key = PublicKeyInfo::of_info(&info).unwrap();
        assert_eq!(key.kind(), KeyKind::RsaPss);
        assert_eq!(key.allows_pss(Hash::Sha256.oid(), 32), expected, "{parameters:x?}");
    }
}

#[test]
fn what_is_offered() {
    let schemes: Vec<u16> = AcceptAny(provider()).schemes().into_iter().map(u16::from).collect();
    let at = |number: u16| schemes.iter().position(|scheme| *scheme == number).unwrap();
    // Behind the schemes for every key, before those that TLS 1.3 does not have.
    assert_eq!(schemes[at(0x0804) + 1..at(0x0601)], [0x080b, 0x080a, 0x0809]);
    for scheme in schemes {
        let verifier = AcceptAny(provider());
        let result =
            verifier.verify(b"", &CertificateDer::from(vec![]), (scheme.into(), b""), false);
        assert_eq!(outcome(&result.map(drop)), "BadEncoding", "{scheme:x}");
    }
}

/// The quick search finds the same key as the reader of the whole certificate. In invalid
/// certificates it finds none.
#[test]
fn keys_are_found() {
    for (name, der) in goldens().certificates {
        let found = PublicKeyInfo::of_certificate(&der).unwrap();
        let certificate = QSslCertificate::new(&der, EncodingFormat::Der);
        let expected = certificate.parsed().unwrap().public_key().unwrap();
        assert_eq!((found.key, found.algorithm.0), (expected.key, expected.algorithm.0), "{name}");
        assert!(found.is_same(&expected));
        // A truncated certificate has no key, or the same one.
        for length in 0..der.len() {
            assert!(PublicKeyInfo::of_certificate(&der[..length]).is_none(), "{name} {length}");
        }
    }
}

/// A point is the same whether or not it is compressed.
#[test]
fn compressed_points() {
    for (name, der) in goldens().certificates.iter().filter(|(name, _)| name.starts_with("P-")) {
        let key = PublicKeyInfo::of_certificate(der).unwrap();
        let (x, y) = key.key[1..].split_at(key.key.len() / 2);
        let mut compressed = vec![2 | y[y.len() - 1] & 1];
        compressed.extend(x);
        let same = PublicKeyInfo { key: &compressed, ..key };
        assert!(same.is_same(&key) && key.is_same(&same), "{name}");
        compressed[0] ^= 1;
        let opposite = PublicKeyInfo { key: &compressed, ..key };
        assert!(!opposite.is_same(&key), "{name}");
    }
}

/// Encodes a DER value.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let inside = parts.concat();
    let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
    let header = match length {
        [0, short @ ..0x80] => vec![tag, short],
        [0, length] => vec![tag, 0x81, length],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header, inside].concat()
}

/// Encodes an RSA key as `SubjectPublicKeyInfo`.
fn rsa_info(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| value(2, &[&[0][usize::from(bytes[0] < 0x80)..], bytes]);
    let numbers = value(0x30, &[&number(modulus), &number(exponent)]);
    let rsa = [0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    value(0x30, &[&rsa, &value(3, &[&[0], &numbers])])
}

#[test]
fn sizes() {
    let algorithm = provider().signature_verification_algorithms.all[0];
    for (bits, expected) in [
        (511, Err(Refusal::Size(511))),
        (512, Ok(false)),
        (2047, Ok(false)),
        (2048, Ok(false)),
        (8192, Ok(false)),
        (8193, Err(Refusal::Size(8193))),
        (65_536, Err(Refusal::Size(65_536))),
    ] {
        let mut modulus = vec![0xff; usize::div_ceil(bits, 8)];
        modulus[0] >>= modulus.len() * 8 - bits;
        let info = rsa_info(&modulus, &[1, 0, 1]);
        let key = PublicKeyInfo::of_info(&info).unwrap();
        let padding = (Padding::Pss, Hash::Sha256);
        let signature = vec![1; usize::div_ceil(bits, 8)];
        assert_eq!(verify_rsa(algorithm, &key, padding, MESSAGE, &signature), expected, "{bits}");
    }
}

mod forgeries;
