//! Verifying the signatures of certificates.

use rustls::pki_types::{SignatureVerificationAlgorithm, alg_id};

use crate::ssl::{
    certificate::{Algorithm, KeyKind, Parsed, PublicKeyInfo},
    crypto::{provider, small_rsa::Hash},
    error::SslErrorKind,
};

/// Verifies the issuer's signature.
pub(super) fn verify(certificate: &Parsed, issuer: &Parsed) -> Result<(), SslErrorKind> {
    if certificate.signature_algorithm().0 != certificate.signed_algorithm().0 {
        return Err(SslErrorKind::CertificateSignatureFailed);
    }
    let key = issuer.public_key().ok_or(SslErrorKind::UnableToDecodeIssuerPublicKey)?;
    let (signed, signature) = (certificate.signed(), certificate.signature());
    is_signed(&key, certificate.signature_algorithm(), signed, signature)
        .then_some(())
        .ok_or(SslErrorKind::CertificateSignatureFailed)
}

/// Verifies a signature with the provider's algorithms. MD5, SHA-1 and RSA keys below 2048 bits are
/// not among them, so such signatures fail.
pub(in crate::ssl) fn is_signed(
    key: &PublicKeyInfo<'_>,
    by: Algorithm<'_>,
    signed: &[u8],
    signature: &[u8],
) -> bool {
    let is_right = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
        let kind = algorithm.signature_alg_id();
        kind.as_ref() == by.0
            && (algorithm.public_key_alg_id().as_ref() == key.algorithm.0
                || is_for_pss(key, kind.as_ref()))
    };
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms.all;
    match algorithms.iter().find(is_right) {
        Some(algorithm) => algorithm.verify_signature(key.key, signed, signature).is_ok(),
        None => is_signed_otherwise((by.0, key.algorithm.0), key.key, signed, signature),
    }
}

/// Returns whether a PSS key allows this kind of signature.
fn is_for_pss(key: &PublicKeyInfo<'_>, kind: &[u8]) -> bool {
    let hashes = [
        (alg_id::RSA_PSS_SHA256, Hash::Sha256),
        (alg_id::RSA_PSS_SHA384, Hash::Sha384),
        (alg_id::RSA_PSS_SHA512, Hash::Sha512),
    ];
    let hash = hashes.iter().find(|(id, _)| id.as_ref() == kind).map(|(_, hash)| hash);
    key.kind() == KeyKind::RsaPss
        && hash.is_some_and(|hash| key.allows_pss(hash.oid(), hash.length()))
}

/// Verifies signatures that TLS does not use but aws-lc-rs supports.
#[cfg(feature = "aws-lc-rs")]
fn is_signed_otherwise(
    (signature_kind, key_kind): (&[u8], &[u8]),
    key: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> bool {
    use aws_lc_rs::signature::{
        ECDSA_P256K1_SHA256_ASN1, ECDSA_P521_SHA224_ASN1, EcdsaVerificationAlgorithm,
        UnparsedPublicKey,
    };
    // The algorithms in certificates: ecdsa-with-SHA224, ecdsa-with-SHA256; ecPublicKey with a
    // curve.
    const SHA224: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1];
    const SHA256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    const SECP256K1: &[u8] =
        &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 5, 0x2b, 0x81, 4, 0, 0x0a];
    const SECP521R1: &[u8] =
        &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 5, 0x2b, 0x81, 4, 0, 0x23];
    let algorithm: &EcdsaVerificationAlgorithm = match (signature_kind, key_kind) {
        (SHA256, SECP256K1) => &ECDSA_P256K1_SHA256_ASN1,
        (SHA224, SECP521R1) => &ECDSA_P521_SHA224_ASN1,
        _ => return false,
    };
    UnparsedPublicKey::new(algorithm, key).verify(signed, signature).is_ok()
}

#[cfg(not(feature = "aws-lc-rs"))]
fn is_signed_otherwise(_: (&[u8], &[u8]), _: &[u8], _: &[u8], _: &[u8]) -> bool {
    false
}

/// Returns whether the key is at least as strong as an RSA key of 2048 bits.
pub(super) fn is_strong_key(certificate: &Parsed) -> bool {
    let Some(bits) = certificate.key_bits() else { return false };
    bits.is_rsa && bits.bits >= 2048 || !bits.is_rsa && bits.bits >= 224
}

/// Returns whether the signature's hash is stronger than SHA-1.
pub(super) fn has_strong_hash(certificate: &Parsed) -> bool {
    let oid = certificate.signature_algorithm().oid();
    !matches!(
        oid.as_deref(),
        None | Some(
            "1.2.840.113549.1.1.2"
                | "1.2.840.113549.1.1.3"
                | "1.2.840.113549.1.1.4"
                | "1.2.840.113549.1.1.5"
                | "1.3.14.3.2.29"
                | "1.2.840.10045.4.1"
                | "1.2.840.10040.4.3"
        )
    )
}
