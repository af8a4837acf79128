//! Ciphers of encrypted key files.

use aes::{Aes128, Aes192, Aes256};
use cbc::{
    Decryptor, Encryptor,
    cipher::{
        BlockCipherDecrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, KeyIvInit,
        StreamCipher, block_padding::Pkcs7,
    },
};
use des::{Des, TdesEde2, TdesEde3};
use rc2::Rc2;
use rc4::Rc4;
use zeroize::Zeroizing;

/// A cipher. Block ciphers are used in CBC mode, with the padding of PKCS#7.
///
/// All but AES are for reading old files. Nothing is written with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    Des,
    /// Triple DES with two keys.
    TripleDes2,
    /// Triple DES with three keys.
    TripleDes3,
    /// RC2 with keys of this many bits.
    Rc2(u8),
    /// RC4 with keys of this many bits.
    Rc4(u8),
}

impl Cipher {
    /// Returns the cipher with this name in OpenSSL, in any case.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "aes-128-cbc" | "aes128" => Cipher::Aes128,
            "aes-192-cbc" | "aes192" => Cipher::Aes192,
            "aes-256-cbc" | "aes256" => Cipher::Aes256,
            "des-cbc" | "des" => Cipher::Des,
            "des-ede-cbc" => Cipher::TripleDes2,
            "des-ede3-cbc" | "des3" => Cipher::TripleDes3,
            "rc2-cbc" | "rc2" | "rc2-128" => Cipher::Rc2(128),
            "rc2-64-cbc" | "rc2-64" => Cipher::Rc2(64),
            "rc2-40-cbc" | "rc2-40" => Cipher::Rc2(40),
            _ => return None,
        })
    }

    /// Returns the length of a key in bytes.
    pub(super) fn key_length(self) -> usize {
        match self {
            Cipher::Des => 8,
            Cipher::Aes128 | Cipher::TripleDes2 => 16,
            Cipher::Aes192 | Cipher::TripleDes3 => 24,
            Cipher::Aes256 => 32,
            Cipher::Rc2(bits) | Cipher::Rc4(bits) => usize::from(bits / 8),
        }
    }

    /// Returns the length of an initialization vector in bytes.
    pub(super) fn iv_length(self) -> usize {
        match self {
            Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => 16,
            Cipher::Des | Cipher::TripleDes2 | Cipher::TripleDes3 | Cipher::Rc2(_) => 8,
            Cipher::Rc4(_) => 0,
        }
    }

    /// Decrypts data. Returns `None` if the key or the vector has the wrong length, or the padding
    /// is wrong.
    pub(super) fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut data = Zeroizing::new(data.to_vec());
        let length = match self {
            Cipher::Aes128 => cbc::<Aes128>(key, iv, &mut data)?,
            Cipher::Aes192 => cbc::<Aes192>(key, iv, &mut data)?,
            Cipher::Aes256 => cbc::<Aes256>(key, iv, &mut data)?,
            Cipher::Des => cbc::<Des>(key, iv, &mut data)?,
            Cipher::TripleDes2 => cbc::<TdesEde2>(key, iv, &mut data)?,
            Cipher::TripleDes3 => cbc::<TdesEde3>(key, iv, &mut data)?,
            Cipher::Rc2(bits) => {
                let cipher = Rc2::new_with_eff_key_len(key, usize::from(bits));
                let cipher = Decryptor::inner_iv_slice_init(cipher, iv).ok()?;
                cipher.decrypt_padded::<Pkcs7>(&mut data).ok()?.len()
            }
            Cipher::Rc4(_) => {
                Rc4::new_from_slice(key).ok()?.apply_keystream(&mut data);
                data.len()
            }
        };
        data.truncate(length);
        Some(data)
    }
}

fn cbc<C: BlockCipherDecrypt + KeyInit>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Option<usize> {
    let cipher = Decryptor::<C>::new_from_slices(key, iv).ok()?;
    Some(cipher.decrypt_padded::<Pkcs7>(data).ok()?.len())
}

/// Encrypts with AES-256, the only cipher for writing.
pub(super) fn encrypt(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Vec<u8> {
    Encryptor::<Aes256>::new(key.into(), iv.into()).encrypt_padded_vec::<Pkcs7>(data)
}
