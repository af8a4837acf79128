//! Public keys of certificates.

use super::der::{self, Der};

pub(super) const RSA: &str = "1.2.840.113549.1.1.1";
pub(super) const RSA_PSS: &str = "1.2.840.113549.1.1.10";
pub(super) const EC: &str = "1.2.840.10045.2.1";
pub(super) const DSA: &str = "1.2.840.10040.4.1";
const X25519: &str = "1.3.101.110";
const X448: &str = "1.3.101.111";
pub(super) const ED25519: &str = "1.3.101.112";
pub(super) const ED448: &str = "1.3.101.113";

// The same identifiers as DER.
const RSA_DER: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_PSS_DER: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const EC_DER: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const VERSION: u8 = 0xa0;

/// An algorithm: the content of its sequence, with identifier and parameters.
#[derive(Clone, Copy)]
pub(in crate::ssl) struct Algorithm<'a>(pub(in crate::ssl) &'a [u8]);

/// A public key and its algorithm.
#[derive(Clone, Copy)]
pub(in crate::ssl) struct PublicKeyInfo<'a> {
    pub(in crate::ssl) algorithm: Algorithm<'a>,
    pub(in crate::ssl) key: &'a [u8],
}

/// The size of a key.
pub(in crate::ssl) struct KeyBits {
    pub(in crate::ssl) is_rsa: bool,
    pub(in crate::ssl) bits: usize,
}

/// The kinds of keys that signatures must distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ssl) enum KeyKind {
    /// RSA for any padding and for encryption.
    Rsa,
    /// RSA for PSS signatures alone.
    RsaPss,
    Other,
}

impl<'a> PublicKeyInfo<'a> {
    pub(super) fn parse(info: &'a [u8]) -> Option<Self> {
        let mut info = Der::new(info);
        let algorithm = Algorithm(info.read(der::SEQUENCE)?);
        algorithm.check()?;
        let (unused_bits, key) = info.read(der::BIT_STRING)?.split_first()?;
        (*unused_bits == 0 && info.is_empty()).then_some(PublicKeyInfo { algorithm, key })
    }

    /// Finds the key of a certificate without parsing the rest.
    pub(in crate::ssl) fn of_certificate(certificate: &'a [u8]) -> Option<Self> {
        let mut frame = Der::new(Der::new(certificate).read(der::SEQUENCE)?);
        let mut fields = Der::new(frame.read(der::SEQUENCE)?);
        fields.read(VERSION);
        fields.read(der::INTEGER)?;
        // The signature's algorithm, the issuer, the validity, the subject.
        for _ in 0..4 {
            fields.read(der::SEQUENCE)?;
        }
        PublicKeyInfo::parse(fields.read(der::SEQUENCE)?)
    }

    /// Reads a `SubjectPublicKeyInfo`.
    pub(in crate::ssl) fn of_info(info: &'a [u8]) -> Option<Self> {
        PublicKeyInfo::parse(Der::inside(info, der::SEQUENCE)?.rest())
    }

    pub(in crate::ssl) fn kind(&self) -> KeyKind {
        match Der::new(self.algorithm.0).read(der::OID) {
            Some(RSA_DER) => KeyKind::Rsa,
            Some(RSA_PSS_DER) => KeyKind::RsaPss,
            _ => KeyKind::Other,
        }
    }

    /// Returns modulus and exponent of an RSA key without leading zeros.
    pub(in crate::ssl) fn rsa_numbers(&self) -> Option<(&'a [u8], &'a [u8])> {
        let mut numbers = Der::inside(self.key, der::SEQUENCE)?;
        let mut number = || {
            let bytes = numbers.read(der::INTEGER)?;
            let is_positive = bytes.first().is_some_and(|first| first & 0x80 == 0);
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            is_positive.then(|| &bytes[zeros..])
        };
        let found = (number()?, number()?);
        numbers.is_empty().then_some(found)
    }

    /// Returns whether the parameters of a PSS key allow a hash and a salt of this length. A key
    /// without parameters allows all.
    pub(in crate::ssl) fn allows_pss(&self, hash: &[u8], salt: usize) -> bool {
        self.check_pss(hash, salt).is_some()
    }

    fn check_pss(&self, hash: &[u8], salt: usize) -> Option<()> {
        let mut algorithm = Der::new(self.algorithm.0);
        algorithm.read(der::OID)?;
        if algorithm.is_empty() {
            return Some(());
        }
        let mut parameters = Der::inside(algorithm.rest(), der::SEQUENCE)?;
        // The defaults are SHA-1 and a salt of its length.
        let is_hash = |algorithm: &[u8]| Der::new(algorithm).read(der::OID) == Some(hash);
        let named = Der::inside(parameters.read(0xa0)?, der::SEQUENCE)?;
        let mut mask = Der::inside(parameters.read(0xa1)?, der::SEQUENCE)?;
        let is_mgf1 = mask.read(der::OID)? == MGF1;
        let masks_with = Der::inside(mask.rest(), der::SEQUENCE)?;
        let least = match parameters.read(0xa2) {
            Some(least) => der::small_integer(Der::inside(least, der::INTEGER)?.rest())?,
            None => 20,
        };
        if let Some(trailer) = parameters.read(0xa3) {
            // 1 stands for the byte 0xbc, which TLS uses.
            (Der::inside(trailer, der::INTEGER)?.rest() == [1]).then_some(())?;
        }
        let is_right =
            is_mgf1 && is_hash(named.rest()) && is_hash(masks_with.rest()) && parameters.is_empty();
        (is_right && least <= salt as u64).then_some(())
    }

    /// Returns whether two keys are the same, whatever their encoding.
    pub(in crate::ssl) fn is_same(&self, other: &PublicKeyInfo<'_>) -> bool {
        match (self.kind(), other.kind()) {
            (KeyKind::Rsa, KeyKind::Rsa) | (KeyKind::RsaPss, KeyKind::RsaPss) => {
                self.rsa_numbers().is_some() && self.rsa_numbers() == other.rsa_numbers()
            }
            (KeyKind::Other, KeyKind::Other) => {
                let is_kind = self.algorithm.0 == other.algorithm.0;
                is_kind && (self.key == other.key || is_same_point(self, other))
            }
            _ => false,
        }
    }

    /// Returns the algorithm of the key if the key has the right form. The function does not check
    /// that a point is on its curve; a key with such a point verifies no signature.
    pub(super) fn readable_kind(&self) -> Option<String> {
        let kind = self.algorithm.oid()?;
        let has_parameters = self.algorithm.parameters().is_some();
        let is_readable = match &kind[..] {
            RSA | RSA_PSS => {
                let mut numbers = Der::inside(self.key, der::SEQUENCE)?;
                numbers.read(der::INTEGER).and(numbers.read(der::INTEGER))?;
                numbers.is_empty()
            }
            EC => match self.algorithm.parameters()?.tag {
                der::OID => is_point(self.key, &self.algorithm.parameter_oid()?),
                der::SEQUENCE => true,
                _ => false,
            },
            ED25519 => self.key.len() == 32 && !has_parameters,
            ED448 => self.key.len() == 57 && !has_parameters,
            X25519 => self.key.len() == 32 && !has_parameters,
            X448 => self.key.len() == 56 && !has_parameters,
            DSA => Der::inside(self.key, der::INTEGER).is_some() && has_parameters,
            _ => false,
        };
        is_readable.then_some(kind)
    }

    /// Returns the size of the key; `None` if its algorithm is not known.
    pub(super) fn bits(&self) -> Option<KeyBits> {
        let bits = match &self.algorithm.oid()?[..] {
            RSA | RSA_PSS => {
                let modulus = Der::inside(self.key, der::SEQUENCE)?.read(der::INTEGER)?;
                return Some(KeyBits { is_rsa: true, bits: bit_length(modulus) });
            }
            EC => curve_bits(&self.algorithm.parameter_oid()?)?,
            ED25519 => 256,
            ED448 => 456,
            _ => return None,
        };
        Some(KeyBits { is_rsa: false, bits })
    }
}

impl Algorithm<'_> {
    /// Checks that there is an identifier and at most one value behind it.
    pub(super) fn check(self) -> Option<()> {
        let mut inside = Der::new(self.0);
        der::oid_to_string(inside.read(der::OID)?)?;
        if !inside.is_empty() {
            inside.next_value()?;
        }
        inside.is_empty().then_some(())
    }

    /// Returns the identifier of the algorithm.
    pub(in crate::ssl) fn oid(&self) -> Option<String> {
        der::oid_to_string(Der::new(self.0).read(der::OID)?)
    }

    /// Returns the parameters, if there are any.
    pub(super) fn parameters(&self) -> Option<der::Tlv<'_>> {
        let mut inside = Der::new(self.0);
        inside.next_value()?;
        inside.next_value()
    }

    /// Returns the identifier in the parameters, if they are one: the curve.
    pub(in crate::ssl) fn parameter_oid(&self) -> Option<String> {
        let mut inside = Der::new(self.0);
        inside.next_value()?;
        der::oid_to_string(inside.read(der::OID)?)
    }
}

/// Returns whether two keys are the same point of a curve, possibly compressed.
fn is_same_point(one: &PublicKeyInfo<'_>, other: &PublicKeyInfo<'_>) -> bool {
    let is_on_curve =
        |algorithm: Algorithm<'_>| Der::new(algorithm.0).read(der::OID) == Some(EC_DER);
    let compressed = |key: &[u8]| match key {
        [4, point @ ..] if point.len() % 2 == 0 && !point.is_empty() => {
            let mut key = vec![2 + (point[point.len() - 1] & 1)];
            key.extend(&point[..point.len() / 2]);
            key
        }
        _ => key.to_vec(),
    };
    is_on_curve(one.algorithm) && compressed(one.key) == compressed(other.key)
}

/// Returns the number of bits of a positive number.
pub(super) fn bit_length(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = &number[zeros..];
    digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize)
}

/// Returns whether the bytes have the first byte and the length of a point of the curve. Points of
/// standard curves that are not known here may have any length.
fn is_point(bytes: &[u8], curve: &str) -> bool {
    let Some(bits) = curve_bits(curve) else {
        let standards = ["1.2.840.10045.3.", "1.3.132.0.", "1.3.36.3.3.2.8.1.1.", "2.23.43.1.4."];
        return standards.iter().any(|standard| curve.starts_with(standard)) && !bytes.is_empty();
    };
    let size = bits.div_ceil(8);
    match bytes.first() {
        Some(2 | 3) => bytes.len() == 1 + size,
        Some(4 | 6 | 7) => bytes.len() == 1 + 2 * size,
        _ => false,
    }
}

fn curve_bits(curve: &str) -> Option<usize> {
    Some(match curve {
        "1.2.840.10045.3.1.1" => 192,
        "1.3.132.0.33" => 224,
        "1.2.840.10045.3.1.7" | "1.3.132.0.10" => 256,
        "1.3.132.0.34" => 384,
        "1.3.132.0.35" => 521,
        _ => return None,
    })
}
