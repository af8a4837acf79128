//! What a peer without the key may try: keys that sign everything, and paddings that a lax reader
//! accepts.
//!
//! The keys are products of Mersenne primes, so the test can sign with them. The provider must give
//! the same results as our code for small keys. The test computes with another library than that
//! code.

use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use super::*;

/// The exponents of Mersenne primes whose product is the modulus. The keys have 1279, 1889 and 2203
/// bits. The provider verifies the last one. A PSS encoding for the second one is a byte shorter
/// than its signature.
const KEYS: [&[u32]; 3] = [&[1279], &[89, 521, 1279], &[2203]];

struct Key {
    modulus: BigUint,
    private: BigUint,
    /// A certificate with the key and nothing else of interest.
    certificate: CertificateDer<'static>,
}

impl Key {
    fn new(primes: &[u32]) -> Self {
        let mersenne = |bits: &u32| (BigUint::from(1u8) << *bits) - 1u8;
        let modulus = primes.iter().map(mersenne).product::<BigUint>();
        let order = primes.iter().map(|bits| mersenne(bits) - 1u8).product::<BigUint>();
        let private = BigUint::from(65537u32).modinv(&order).unwrap();
        let certificate = certificate(&modulus, &BigUint::from(65537u32));
        Key { modulus, private, certificate }
    }

    /// Returns the length of a signature in bytes.
    fn length(&self) -> usize {
        self.modulus.to_bytes_be().len()
    }

    fn sign(&self, encoded: &[u8]) -> Vec<u8> {
        let number = BigUint::from_bytes_be(encoded);
        assert!(number < self.modulus);
        padded(&number.modpow(&self.private, &self.modulus), self.length())
    }

    fn is_taken(&self, scheme: SignatureScheme, signature: &[u8]) -> bool {
        is_taken(&self.certificate, scheme, signature)
    }
}

/// Returns data in which the verifier finds the key as in a certificate.
fn certificate(modulus: &BigUint, exponent: &BigUint) -> CertificateDer<'static> {
    let info = rsa_info(&modulus.to_bytes_be(), &exponent.to_bytes_be());
    let empty = value(0x30, &[]);
    let fields = [&value(2, &[&[1]])[..], &empty, &empty, &empty, &empty, &info].concat();
    value(0x30, &[&value(0x30, &[&fields])]).into()
}

fn is_taken(certificate: &CertificateDer<'_>, scheme: SignatureScheme, signature: &[u8]) -> bool {
    let result = verify(certificate, scheme, signature, false);
    let outcome = outcome(&result);
    assert!(matches!(&*outcome, "good" | "BadSignature"), "{outcome}");
    result.is_ok()
}

fn padded(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; length - bytes.len()], bytes].concat()
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    Sha256::digest(parts.concat()).to_vec()
}

/// Returns the correct `DigestInfo` of SHA-256.
fn digest_info() -> Vec<u8> {
    const START: &[u8] =
        &[0x30, 49, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32];
    [START, &hash(&[MESSAGE])].concat()
}

/// Returns a PKCS #1 padding with replaced parts.
fn pkcs1(length: usize, start: &[u8], fill: u8, info: &[u8], behind: &[u8]) -> Vec<u8> {
    let filling = length - start.len() - 1 - info.len() - behind.len();
    [start, &vec![fill; filling], &[0], info, behind].concat()
}

#[test]
fn paddings_of_pkcs1() {
    let scheme = SignatureScheme::RSA_PKCS1_SHA256;
    let info = digest_info();
    let digest = hash(&[MESSAGE]);
    let oid = &info[4..15];
    for primes in KEYS {
        let key = Key::new(primes);
        let length = key.length();
        let good = pkcs1(length, &[0, 1], 0xff, &info, &[]);
        assert!(key.is_taken(scheme, &key.sign(&good)), "{primes:?}");
        // A length with superfluous bytes, no parameters, other parameters, and data behind the
        // hash.
        let long = [&[0x30, 0x81, 49][..], &info[2..]].concat();
        let bare = [&[0x30, 47, 0x30, 11][..], oid, &[4, 32], &digest].concat();
        let other = [&[0x30, 50, 0x30, 14][..], oid, &[5, 1, 0, 4, 32], &digest].concat();
        let longer = [&[0x30, 50][..], &info[2..], &[0]].concat();
        let mut sha384 = info.clone();
        sha384[14] = 2;
        for (what, encoded) in [
            ("garbage behind", pkcs1(length, &[0, 1], 0xff, &info, &[0; 20])),
            ("little filling", pkcs1(length, &[0, 1], 0xff, &info, &vec![7; length - 62])),
            ("a long length", pkcs1(length, &[0, 1], 0xff, &long, &[])),
            ("no parameters", pkcs1(length, &[0, 1], 0xff, &bare, &[])),
            ("other parameters", pkcs1(length, &[0, 1], 0xff, &other, &[])),
            ("a longer sequence", pkcs1(length, &[0, 1], 0xff, &longer, &[])),
            ("another hash", pkcs1(length, &[0, 1], 0xff, &sha384, &[])),
            ("the hash alone", pkcs1(length, &[0, 1], 0xff, &digest, &[])),
            ("block type 2", pkcs1(length, &[0, 2], 0xff, &info, &[])),
            ("block type 0", pkcs1(length, &[0, 0], 0, &info, &[])),
            ("other filling", pkcs1(length, &[0, 1], 0xfe, &info, &[])),
            ("no start", [&vec![0; length - info.len()][..], &info].concat()),
        ] {
            assert!(!key.is_taken(scheme, &key.sign(&encoded)), "{primes:?}: {what}");
        }
        // The same signature plus the modulus, if there is room.
        let signature = BigUint::from_bytes_be(&key.sign(&good));
        let larger = (signature + &key.modulus).to_bytes_be();
        assert!(!key.is_taken(scheme, &larger), "{primes:?}");
    }
}

/// Returns a PSS encoding with SHA-256: zeros and a one, a salt, the hash, unused bits, the
/// trailer.
fn pss(bits: usize, zeros: &[u8], salt: &[u8], masks_with: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let length = (bits - 1).div_ceil(8);
    let digest = hash(&[&[0; 8], &hash(&[MESSAGE]), salt]);
    let filling = length - digest.len() - 1 - salt.len() - zeros.len();
    let mut block = [&vec![0; filling][..], zeros, salt].concat();
    let mut mask = Vec::new();
    for counter in 0u32.. {
        if mask.len() >= block.len() {
            break;
        }
        mask.extend(masks_with(&[&digest[..], &counter.to_be_bytes()].concat()));
    }
    for (byte, mask) in block.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    block[0] &= 0xff >> (8 * length - (bits - 1));
    [block, digest, vec![0xbc]].concat()
}

#[test]
fn paddings_of_pss() {
    let scheme = SignatureScheme::RSA_PSS_SHA256;
    let sha256 = |seed: &[u8]| hash(&[seed]);
    for primes in KEYS {
        let key = Key::new(primes);
        let bits = key.modulus.bits() as usize;
        let good = pss(bits, &[1], &[9; 32], sha256);
        assert!(key.is_taken(scheme, &key.sign(&good)), "{primes:?}");
        let changed = |at: usize, by: u8| {
            let mut encoded = good.clone();
            encoded[at] ^= by;
            encoded
        };
        let last = good.len() - 1;
        let sha384 = |seed: &[u8]| sha2::Sha384::digest(seed).to_vec();
        for (what, encoded) in [
            ("no salt", pss(bits, &[1], &[], sha256)),
            ("a short salt", pss(bits, &[1], &[9; 31], sha256)),
            ("a long salt", pss(bits, &[1], &[9; 33], sha256)),
            ("no one", pss(bits, &[0], &[9; 32], sha256)),
            ("two ones", pss(bits, &[1, 1], &[9; 32], sha256)),
            ("a one before", pss(bits, &[1, 0, 0, 1], &[9; 32], sha256)),
            ("another mask", pss(bits, &[1], &[9; 32], sha384)),
            ("another end", changed(last, 0xbc ^ 0xcc)),
            ("another hash", changed(last - 1, 1)),
        ] {
            assert!(!key.is_taken(scheme, &key.sign(&encoded)), "{primes:?}: {what}");
        }
        // The unused bits.
        for bit in bits as u64 - 1..=bits as u64 {
            let mut number = BigUint::from_bytes_be(&good);
            number.set_bit(bit, true);
            if number < key.modulus {
                let signature = key.sign(&number.to_bytes_be());
                assert!(!key.is_taken(scheme, &signature), "{primes:?}: bit {bit}");
            }
        }
    }
}

/// With an exponent of 1 every signature would be valid. Numbers that are not keys are refused.
#[test]
fn keys_that_are_none() {
    let one = BigUint::from(1u8);
    for bits in [512u64, 1024, 2047, 2048, 3072] {
        let length = bits.div_ceil(8) as usize;
        let encoded = pkcs1(length, &[0, 1], 0xff, &digest_info(), &[]);
        let masked =
            pss(bits as usize, &[1], &[9; 32][..if bits > 527 { 32 } else { 0 }], |seed| {
                hash(&[seed])
            });
        let masked = padded(&BigUint::from_bytes_be(&masked), length);
        let largest = (&one << bits) - &one;
        let power = &one << (bits - 1);
        for modulus in [&largest, &(&largest - 1u8), &power, &(&power + 1u8)] {
            for exponent in [
                BigUint::default(),
                one.clone(),
                BigUint::from(2u8),
                BigUint::from(65536u32),
                modulus - 1u8,
                modulus.clone(),
                modulus + 1u8,
                (&one << 64u8) + 1u8,
            ] {
                let certificate = certificate(modulus, &exponent);
                for (scheme, encoded) in [
                    (SignatureScheme::RSA_PKCS1_SHA256, &encoded),
                    (SignatureScheme::RSA_PSS_SHA256, &masked),
                ] {
                    assert!(!is_taken(&certificate, scheme, encoded), "{bits} {exponent}");
                }
            }
        }
    }
}

/// The time of an exponentiation grows with the exponent, so it has a limit.
#[test]
fn large_exponents() {
    for (primes, bits) in [(KEYS[0], 64), (KEYS[1], 64), (KEYS[2], 33)] {
        let key = Key::new(primes);
        for (bits, expected) in [(bits, true), (bits + 8, false)] {
            let order = primes.iter().map(|bits| (BigUint::from(1u8) << *bits) - 2u8).product();
            let smallest = BigUint::from(1u8) << (bits - 1);
            let invert = |add: u32| {
                let exponent: BigUint = &smallest + add;
                exponent.modinv(&order).map(|private| (exponent, private))
            };
            let (exponent, private) = (1u32..999).step_by(2).find_map(invert).unwrap();
            let certificate = certificate(&key.modulus, &exponent);
            let signer = Key { private, certificate, modulus: key.modulus.clone() };
            let encoded = pkcs1(key.length(), &[0, 1], 0xff, &digest_info(), &[]);
            let signature = signer.sign(&encoded);
            let scheme = SignatureScheme::RSA_PKCS1_SHA256;
            assert_eq!(signer.is_taken(scheme, &signature), expected, "{primes:?} {bits}");
        }
    }
}

/// Numbers whose powers are obvious.
#[test]
fn signatures_that_need_no_key() {
    for primes in KEYS {
        let key = Key::new(primes);
        let length = key.length();
        for number in [0u8, 1, 2] {
            for bytes in [padded(&number.into(), length), padded(&(&key.modulus - number), length)]
            {
                for scheme in [SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme::RSA_PSS_SHA256] {
                    assert!(!key.is_taken(scheme, &bytes), "{primes:?} {number}");
                }
            }
        }
    }
}

/// Bleichenbacher's forgery: the cube root of a padding with garbage behind the hash.
#[test]
fn third_roots() {
    for bits in [1600u64, 2047, 2048, 4096] {
        let length = bits.div_ceil(8) as usize;
        let modulus = (BigUint::from(1u8) << bits) - 1u8;
        let info = digest_info();
        let wanted = pkcs1(length, &[0, 1], 0xff, &info, &vec![0; length - 11 - info.len()]);
        let root = BigUint::from_bytes_be(&wanted).cbrt() + 1u8;
        // A lax reader would accept it.
        assert!(padded(&root.pow(3), length).starts_with(&wanted[..11 + info.len()]));
        let certificate = certificate(&modulus, &BigUint::from(3u8));
        let signature = padded(&root, length);
        assert!(!is_taken(&certificate, SignatureScheme::RSA_PKCS1_SHA256, &signature), "{bits}");
    }
}
