//! Whether one certificate's key has signed another.

use rustls::pki_types::SignatureVerificationAlgorithm;

use crate::ssl::{SslError, certificate::Parsed, provider};

/// Whether the issuer's key has signed the certificate, by the algorithms of the cryptography at hand. MD5, SHA-1 and
/// RSA keys below 2048 bits are not among them: what they have signed is not signed.
pub(super) fn verify(certificate: &Parsed, issuer: &Parsed) -> Result<(), SslError> {
    if certificate.signature_algorithm().0 != certificate.signed_algorithm().0 {
        return Err(SslError::CertificateSignatureFailed);
    }
    let key = issuer.public_key().ok_or(SslError::UnableToDecodeIssuerPublicKey)?;
    let is_right = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
        algorithm.signature_alg_id().as_ref() == certificate.signature_algorithm().0
            && algorithm.public_key_alg_id().as_ref() == key.algorithm.0
    };
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms.all;
    let algorithm = algorithms.iter().find(is_right).ok_or(SslError::CertificateSignatureFailed)?;
    let (signed, signature) = (certificate.signed(), certificate.signature());
    algorithm
        .verify_signature(key.key, signed, signature)
        .map_err(|_| SslError::CertificateSignatureFailed)
}

/// Whether the key takes as much effort to break as one of RSA with 2048 bits.
pub(super) fn is_strong_key(certificate: &Parsed) -> bool {
    let Some(bits) = certificate.key_bits() else { return false };
    bits.is_rsa && bits.bits >= 2048 || !bits.is_rsa && bits.bits >= 224
}

/// Whether the hash that was signed is better than SHA-1.
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
