//! Signatures by RSA keys of fewer than 2048 bits, which the provider does not support.
//!
//! A peer may sign the handshake with such a key. The socket reports the key as too weak, and
//! continues if the program ignores that error. All numbers here are public, so the code need not
//! run in constant time.

use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The sizes in bits that this file verifies. Smaller keys cannot hold a signature; the provider
/// verifies larger ones.
pub(in crate::ssl) const BITS: std::ops::Range<usize> = 512..2048;

/// The maximum size of an exponent in bytes.
const MAX_EXPONENT: usize = 8;

/// The hash of the signed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ssl) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// How the hash is padded to the size of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ssl) enum Padding {
    Pkcs1,
    /// The salt is as long as the hash.
    Pss,
}

/// Returns whether a key has signed a message. Modulus and exponent are unsigned numbers.
pub(in crate::ssl) fn is_signed(
    modulus: &[u8],
    exponent: &[u8],
    (padding, hash): (Padding, Hash),
    message: &[u8],
    signature: &[u8],
) -> bool {
    let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
    let length = modulus.len();
    let bits = 8 * length - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if !BITS.contains(&bits) || exponent.len() > MAX_EXPONENT {
        return false;
    }
    let exponent = exponent.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    // Both have the same length, so comparing bytes compares numbers.
    let is_number = signature.len() == length && signature < modulus;
    if exponent < 3 || exponent % 2 == 0 || !is_number {
        return false;
    }
    let Some(number) = power(signature, exponent, modulus) else { return false };
    let mut encoded = vec![0; length - number.len()];
    encoded.extend(number);
    match padding {
        Padding::Pkcs1 => hash.pkcs1(length, message).is_some_and(|expected| expected == encoded),
        Padding::Pss => hash.is_pss(bits - 1, message, &encoded).unwrap_or(false),
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// Returns `base` to the power of the exponent, modulo an odd modulus, without leading zeros.
fn power(base: &[u8], exponent: u64, modulus: &[u8]) -> Option<Box<[u8]>> {
    let bits = u32::try_from(8 * modulus.len()).ok()?;
    let number = |bytes| BoxedUint::from_be_slice(bytes, bits).ok();
    let modulus: Odd<BoxedUint> = Odd::new(number(modulus)?).into_option()?;
    let base = number(base)?;
    let parameters = BoxedMontyParams::new_vartime(modulus);
    let power = BoxedMontyForm::new(base, &parameters).pow(&BoxedUint::from(exponent)).retrieve();
    Some(power.to_be_bytes_trimmed_vartime())
}

impl Hash {
    fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            for part in parts {
                digest.update(part);
            }
            digest.finalize().to_vec()
        }
        match self {
            Hash::Sha256 => digest::<Sha256>(parts),
            Hash::Sha384 => digest::<Sha384>(parts),
            Hash::Sha512 => digest::<Sha512>(parts),
        }
    }

    /// Returns the length in bytes.
    pub(in crate::ssl) fn length(self) -> usize {
        match self {
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// Returns the DER of the object identifier.
    pub(in crate::ssl) fn oid(self) -> &'static [u8] {
        match self {
            Hash::Sha256 => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1],
            Hash::Sha384 => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2],
            Hash::Sha512 => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3],
        }
    }

    /// Returns the encoding of the message that PKCS #1 version 1.5 signs (RFC 8017, 9.2), if it
    /// fits into `length` bytes.
    fn pkcs1(self, length: usize, message: &[u8]) -> Option<Vec<u8>> {
        let size = u8::try_from(self.length()).ok()?;
        let mut info = vec![0x30, 17 + size, 0x30, 13, 6, 9];
        info.extend(self.oid());
        info.extend([5, 0, 4, size]);
        info.extend(self.of(&[message]));
        let filling = length.checked_sub(info.len() + 3).filter(|filling| *filling >= 8)?;
        let mut encoded = vec![0, 1];
        encoded.resize(2 + filling, 0xff);
        encoded.push(0);
        encoded.extend(info);
        Some(encoded)
    }

    /// Returns whether the bytes are a PSS encoding of the message with `bits` bits (RFC 8017,
    /// 9.1.2).
    fn is_pss(self, bits: usize, message: &[u8], encoded: &[u8]) -> Option<bool> {
        let size = self.length();
        let length = bits.div_ceil(8);
        // If the number of bits is a multiple of 8, the signature has one byte more.
        let (surplus, encoded) = encoded.split_at_checked(encoded.len().checked_sub(length)?)?;
        let filling = length.checked_sub(2 * size + 2)?;
        let (masked, rest) = encoded.split_at_checked(length - size - 1)?;
        let (hash, end) = rest.split_at_checked(size)?;
        let unused = 0xffu8.checked_shl(u32::try_from(8 - (8 * length - bits)).ok()?).unwrap_or(0);
        if surplus.iter().any(|byte| *byte != 0) || end != [0xbc] || masked[0] & unused != 0 {
            return Some(false);
        }
        let mut block = self.mask(hash, masked.len());
        for (byte, masked) in block.iter_mut().zip(masked) {
            *byte ^= masked;
        }
        block[0] &= !unused;
        let (zeros, rest) = block.split_at_checked(filling)?;
        let (one, salt) = rest.split_first()?;
        if zeros.iter().any(|byte| *byte != 0) || *one != 1 {
            return Some(false);
        }
        Some(self.of(&[&[0; 8], &self.of(&[message]), salt]) == hash)
    }

    /// Derives `length` bytes from a seed with MGF1.
    fn mask(self, seed: &[u8], length: usize) -> Vec<u8> {
        let mut mask = Vec::new();
        for counter in 0u32.. {
            if mask.len() >= length {
                break;
            }
            mask.extend(self.of(&[seed, &counter.to_be_bytes()]));
        }
        mask.truncate(length);
        mask
    }
}
