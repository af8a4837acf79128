//! Which certificate was issued by which, by what they say of each other; signatures are not looked
//! at.

use super::{
    der::{self, Der},
    parse::Parsed,
};

const RSA: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const EC: &str = "1.2.840.10045.2.1";
const DSA: &str = "1.2.840.10040.4.1";
const X25519: &str = "1.3.101.110";
const X448: &str = "1.3.101.111";
const ED25519: &str = "1.3.101.112";
const ED448: &str = "1.3.101.113";
const CERTIFICATE_SIGN: u32 = 1 << 5;

/// How large a key is.
pub(in crate::ssl) struct KeyBits {
    pub(in crate::ssl) is_rsa: bool,
    pub(in crate::ssl) bits: usize,
}

impl Parsed {
    pub(in crate::ssl) fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it is of the first version, which knows no extensions.
    pub(in crate::ssl) fn is_version_1(&self) -> bool {
        self.version == 1
    }

    /// Whether subject and issuer have one name.
    pub(in crate::ssl) fn is_self_issued(&self) -> bool {
        self.subject.is_same(&self.issuer)
    }

    /// Whether it says to have been signed with its own key.
    pub(in crate::ssl) fn is_self_issued_by_name_and_key(&self) -> bool {
        self.is_issuer_of(self)
    }

    /// The same, and its key may sign certificates: what Qt calls self-signed.
    pub(in crate::ssl) fn is_self_signed(&self) -> bool {
        self.is_self_issued_by_name_and_key()
            && self.uses.key_usage.is_none_or(|usage| usage & CERTIFICATE_SIGN != 0)
    }

    /// Whether this may have issued the other: the names, what the other says about its issuer's
    /// key, and the kind of the signature. Nobody has issued one whose extensions cannot be read,
    /// and it has issued none.
    pub(in crate::ssl) fn is_issuer_of(&self, other: &Parsed) -> bool {
        self.subject.is_same(&other.issuer)
            && !self.uses.is_malformed
            && !other.uses.is_malformed
            && self.has_key_id(other)
            && self.can_have_signed(other)
    }

    fn has_key_id(&self, other: &Parsed) -> bool {
        let wanted = &other.uses.authority_key_id;
        let is_id = match (&wanted.key_id, &self.uses.subject_key_id) {
            (Some(wanted), Some(id)) => wanted == id,
            _ => true,
        };
        is_id
            && wanted.serial.as_ref().is_none_or(|serial| serial == self.serial())
            && wanted.issuer.as_ref().is_none_or(|issuer| issuer.is_same(&self.issuer))
    }

    fn can_have_signed(&self, other: &Parsed) -> bool {
        let (Some(key), Some(signature)) = (&self.key_kind, &other.signed_kind) else {
            return false;
        };
        match &signature[..] {
            RSA_PSS => key == RSA || key == RSA_PSS,
            ED25519 | ED448 => key == signature,
            "1.2.840.10040.4.3" => key == DSA,
            "2.16.840.1.101.3.4.3.1" | "2.16.840.1.101.3.4.3.2" => key == DSA,
            "1.2.840.10045.4.1"
            | "1.2.840.10045.4.2"
            | "1.2.840.10045.4.3"
            | "1.2.840.10045.4.3.1"
            | "1.2.840.10045.4.3.2"
            | "1.2.840.10045.4.3.3"
            | "1.2.840.10045.4.3.4" => key == EC,
            "1.3.14.3.2.29" => key == RSA,
            _ => key == RSA && is_rsa_with_hash(signature),
        }
    }

    /// Whether the key is of a kind that is known, and is what that kind of key looks like.
    pub(in crate::ssl) fn has_readable_key(&self) -> bool {
        self.key_kind.is_some()
    }

    /// The kind of the key, if its form is right. Whether a point is on its curve is not looked at:
    /// it verifies nothing if it is not.
    pub(super) fn readable_key_kind(&self) -> Option<String> {
        let key = self.public_key()?;
        let kind = key.algorithm.oid()?;
        let has_parameters = key.algorithm.parameters().is_some();
        let is_readable = match &kind[..] {
            RSA | RSA_PSS => {
                let mut numbers = Der::inside(key.key, der::SEQUENCE)?;
                numbers.read(der::INTEGER).and(numbers.read(der::INTEGER))?;
                numbers.is_empty()
            }
            EC => match key.algorithm.parameters()?.tag {
                der::OID => is_point(key.key, &key.algorithm.parameter_oid()?),
                der::SEQUENCE => true,
                _ => false,
            },
            ED25519 => key.key.len() == 32 && !has_parameters,
            ED448 => key.key.len() == 57 && !has_parameters,
            X25519 => key.key.len() == 32 && !has_parameters,
            X448 => key.key.len() == 56 && !has_parameters,
            DSA => Der::inside(key.key, der::INTEGER).is_some() && has_parameters,
            _ => false,
        };
        is_readable.then_some(kind)
    }

    /// How large the key is; `None` if its kind is not known.
    pub(in crate::ssl) fn key_bits(&self) -> Option<KeyBits> {
        let key = self.public_key()?;
        let bits = match &key.algorithm.oid()?[..] {
            RSA | RSA_PSS => {
                let modulus = Der::inside(key.key, der::SEQUENCE)?.read(der::INTEGER)?;
                return Some(KeyBits { is_rsa: true, bits: bit_length(modulus) });
            }
            EC => curve_bits(&key.algorithm.parameter_oid()?)?,
            ED25519 => 256,
            ED448 => 456,
            _ => return None,
        };
        Some(KeyBits { is_rsa: false, bits })
    }
}

/// Whether it is PKCS#1 with MD2, MD4, MD5, SHA-1 or one of SHA-2.
fn is_rsa_with_hash(signature: &str) -> bool {
    let kind = signature.strip_prefix("1.2.840.113549.1.1.").and_then(|kind| kind.parse().ok());
    matches!(kind, Some(2..=5 | 11..=16))
}

/// How many bits a positive number has.
pub(super) fn bit_length(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = &number[zeros..];
    digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize)
}

/// Whether the bytes are as many as a point of the curve takes, with the first byte that says so.
/// Curves of the standards that are not known here have points of whichever size.
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
