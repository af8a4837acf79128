//! Deriving the key of a cipher from a pass phrase.

use md5::Md5;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use zeroize::Zeroizing;

type Secret = Zeroizing<Vec<u8>>;

fn zeros(length: usize) -> Secret {
    Zeroizing::new(vec![0; length])
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512In224,
    Sha512In256,
}

/// Derives a key with PBKDF2 of RFC 8018, with HMAC.
pub(super) fn pbkdf2(
    hash: Hash,
    pass_phrase: &[u8],
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Secret {
    let derive = match hash {
        Hash::Md5 => pbkdf2_hmac::<Md5>,
        Hash::Sha1 => pbkdf2_hmac::<Sha1>,
        Hash::Sha224 => pbkdf2_hmac::<Sha224>,
        Hash::Sha256 => pbkdf2_hmac::<Sha256>,
        Hash::Sha384 => pbkdf2_hmac::<Sha384>,
        Hash::Sha512 => pbkdf2_hmac::<Sha512>,
        Hash::Sha512In224 => pbkdf2_hmac::<Sha512_224>,
        Hash::Sha512In256 => pbkdf2_hmac::<Sha512_256>,
    };
    let mut key = zeros(length);
    derive(pass_phrase, salt, rounds, &mut key);
    key
}

/// Derives a key with PBKDF1 of RFC 8018. Returns 16 bytes: a key of 8 and an initialization vector
/// of 8.
pub(super) fn pbkdf1(hash: Hash, pass_phrase: &[u8], salt: &[u8], rounds: u32) -> Option<Secret> {
    match hash {
        Hash::Md5 => Some(pbkdf1_of::<Md5>(pass_phrase, salt, rounds)),
        Hash::Sha1 => Some(pbkdf1_of::<Sha1>(pass_phrase, salt, rounds)),
        _ => None,
    }
}

fn pbkdf1_of<D: Digest>(pass_phrase: &[u8], salt: &[u8], rounds: u32) -> Secret {
    let first = D::new().chain_update(pass_phrase).chain_update(salt).finalize();
    let mut value = Zeroizing::new(first.to_vec());
    for _ in 1..rounds {
        let next = D::digest(&*value);
        value.copy_from_slice(&next);
    }
    value.truncate(16);
    value
}

/// Derives a key as OpenSSL does for traditional keys: one round of MD5 for each 16 bytes.
pub(super) fn traditional(pass_phrase: &[u8], salt: &[u8], length: usize) -> Secret {
    // Large enough from the start: reallocation would leave a copy of the key in memory.
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    while key.len() < length {
        let last = &key[key.len().saturating_sub(16)..];
        let block = Md5::new().chain_update(last).chain_update(pass_phrase).chain_update(salt);
        let mut block = block.finalize();
        key.extend_from_slice(&block);
        zeroize::Zeroize::zeroize(block.as_mut_slice());
    }
    key.truncate(length);
    key
}

/// What PKCS#12 derives.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
}

/// The sizes in bytes of a SHA-1 block and a SHA-1 value.
const BLOCK: usize = 64;
const VALUE: usize = 20;

/// Derives a key for PKCS#12 with SHA-1, as RFC 7292 describes it in appendix B.2.
pub(super) fn pkcs12(
    purpose: Purpose,
    pass_phrase: &[u8],
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Secret {
    let pass_phrase = utf16(pass_phrase);
    let repeated = |bytes: &[u8]| bytes.len().div_ceil(BLOCK) * BLOCK;
    let (of_salt, of_phrase) = (repeated(salt), repeated(&pass_phrase));
    let mut input = Zeroizing::new(Vec::with_capacity(of_salt + of_phrase));
    input.extend(salt.iter().cycle().take(of_salt));
    input.extend(pass_phrase.iter().cycle().take(of_phrase));

    let mut key = Zeroizing::new(Vec::with_capacity(length + VALUE));
    let mut value = Zeroizing::new([0; VALUE]);
    loop {
        let first = Sha1::new().chain_update([purpose as u8; BLOCK]).chain_update(&*input);
        value.copy_from_slice(&first.finalize());
        for _ in 1..rounds {
            let next = Sha1::digest(*value);
            value.copy_from_slice(&next);
        }
        key.extend_from_slice(&*value);
        if key.len() >= length {
            key.truncate(length);
            return key;
        }
        for block in input.chunks_exact_mut(BLOCK) {
            add(block, &value);
        }
    }
}

/// Adds the repeated value and 1 to a block, which is a number of 512 bits.
fn add(block: &mut [u8], value: &[u8; VALUE]) {
    let mut carry = 1;
    for (index, byte) in block.iter_mut().enumerate().rev() {
        carry += u16::from(*byte) + u16::from(value[index % VALUE]);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
}

/// Encodes text as UTF-16 with a null at the end. Like OpenSSL, treats text that is not UTF-8 as
/// Latin-1.
fn utf16(text: &[u8]) -> Secret {
    let mut units = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
    match str::from_utf8(text) {
        Ok(text) => text.encode_utf16().for_each(|unit| units.extend(unit.to_be_bytes())),
        Err(_) => text.iter().for_each(|byte| units.extend([0, *byte])),
    }
    units.extend([0, 0]);
    units
}

/// The cost parameters of scrypt (RFC 7914).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// A power of two.
    pub(super) n: u64,
    pub(super) r: u32,
    pub(super) p: u32,
}

/// Derives a key with scrypt of RFC 7914. Returns `None` if the parameters are invalid.
pub(super) fn scrypt(pass_phrase: &[u8], salt: &[u8], cost: Cost, length: usize) -> Option<Secret> {
    let log_n = cost.n.is_power_of_two().then(|| cost.n.trailing_zeros())?;
    let parameters = scrypt::Params::new(u8::try_from(log_n).ok()?, cost.r, cost.p).ok()?;
    let mut key = zeros(length);
    scrypt::scrypt(pass_phrase, salt, &parameters, &mut key).ok()?;
    Some(key)
}
