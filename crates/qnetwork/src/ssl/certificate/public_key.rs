//! The public key of a certificate, found without reading the rest.

use super::{
    der::{self, Der},
    parse::{Algorithm, PublicKeyInfo},
};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const VERSION: u8 = 0xa0;

/// Of which kind a key is, as far as signatures by it have to be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ssl) enum KeyKind {
    /// For any padding, encryption included.
    Rsa,
    /// For signatures by PSS alone.
    RsaPss,
    Other,
}

impl<'a> PublicKeyInfo<'a> {
    /// The key of a certificate that is nothing but DER so far.
    pub(in crate::ssl) fn of_certificate(certificate: &'a [u8]) -> Option<Self> {
        let mut frame = Der::new(Der::new(certificate).read(der::SEQUENCE)?);
        let mut fields = Der::new(frame.read(der::SEQUENCE)?);
        fields.read(VERSION);
        fields.read(der::INTEGER)?;
        // The algorithm of the signature, the issuer, the dates, the subject.
        for _ in 0..4 {
            fields.read(der::SEQUENCE)?;
        }
        PublicKeyInfo::parse(fields.read(der::SEQUENCE)?)
    }

    /// The key of a `SubjectPublicKeyInfo`.
    pub(in crate::ssl) fn of_info(info: &'a [u8]) -> Option<Self> {
        PublicKeyInfo::parse(Der::inside(info, der::SEQUENCE)?.rest())
    }

    pub(in crate::ssl) fn kind(&self) -> KeyKind {
        match Der::new(self.algorithm.0).read(der::OID) {
            Some(RSA) => KeyKind::Rsa,
            Some(RSA_PSS) => KeyKind::RsaPss,
            _ => KeyKind::Other,
        }
    }

    /// Modulus and exponent of an RSA key, without leading zeros.
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

    /// Whether a key for PSS may sign with a hash and a salt of that length: those that its
    /// parameters name, if it has any.
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
        // What is left out is SHA-1, and a salt of its length.
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
            // 1 stands for the byte 0xbc, which TLS has.
            (Der::inside(trailer, der::INTEGER)?.rest() == [1]).then_some(())?;
        }
        let is_right =
            is_mgf1 && is_hash(named.rest()) && is_hash(masks_with.rest()) && parameters.is_empty();
        (is_right && least <= salt as u64).then_some(())
    }

    /// Whether it is the same key as another one, however either is written.
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
}

/// Whether two keys are the same point of a curve, one of them compressed.
fn is_same_point(one: &PublicKeyInfo<'_>, other: &PublicKeyInfo<'_>) -> bool {
    let is_on_curve = |algorithm: Algorithm<'_>| Der::new(algorithm.0).read(der::OID) == Some(EC);
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
