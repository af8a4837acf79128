//! Checks that the peer has signed the handshake with the key of its certificate.
//!
//! The handshake needs no more than that. `verify/` judges the certificate afterwards, whatever is
//! wrong with it. rustls' own reader accepts version 3 certificates only, so this file finds the
//! key with this library's reader, which accepts what OpenSSL accepts.

use std::{fmt, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, PeerMisbehaved,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, ServerName, SignatureVerificationAlgorithm as Algorithm, UnixTime,
    },
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::{
    certificate::{KeyKind, PublicKeyInfo},
    crypto::small_rsa::{self, Hash, Padding},
};

/// PSS signatures with keys that are restricted to PSS. rustls has no names for them.
const RSA_PSS_PSS: [(SignatureScheme, SignatureScheme); 3] = [
    (SignatureScheme::Unknown(0x0809), SignatureScheme::RSA_PSS_SHA256),
    (SignatureScheme::Unknown(0x080a), SignatureScheme::RSA_PSS_SHA384),
    (SignatureScheme::Unknown(0x080b), SignatureScheme::RSA_PSS_SHA512),
];

/// A verifier that accepts any certificate but requires the peer to sign the handshake with its
/// key. The certificate is judged afterwards.
#[derive(Debug)]
pub(super) struct AcceptAny(pub(super) Arc<CryptoProvider>);

/// Why a signature is refused, where rustls has no name for the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The certificate has no readable key.
    Unreadable,
    /// The provider does not support keys of this algorithm.
    UnknownKey,
    /// The RSA key has this many bits.
    Size(usize),
    /// The key does not allow signatures of this kind.
    OtherKind,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unreadable => f.write_str("the peer's certificate cannot be read"),
            Refusal::UnknownKey => {
                f.write_str("the key of the peer's certificate is of a kind that is not supported")
            }
            Refusal::Size(bits) => write!(
                f,
                "the peer's certificate has an RSA key of {bits} bits: 512 to 8192 are supported"
            ),
            Refusal::OtherKind => f.write_str(
                "the peer has signed the handshake by an algorithm that its certificate's key is \
                 not for",
            ),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let error = match refusal {
            Refusal::Unreadable => CertificateError::BadEncoding,
            _ => CertificateError::Other(OtherError(Arc::new(refusal))),
        };
        error.into()
    }
}

impl AcceptAny {
    /// Returns the schemes that this end can verify, the best first.
    fn schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.0.signature_verification_algorithms.supported_schemes();
        // These come after the same signatures with unrestricted keys.
        let is_pss = |scheme: &SignatureScheme| RSA_PSS_PSS.iter().any(|(_, one)| one == scheme);
        let after = schemes.iter().rposition(is_pss).map_or(schemes.len(), |last| last + 1);
        schemes.splice(after..after, RSA_PSS_PSS.iter().rev().map(|(scheme, _)| *scheme));
        schemes
    }

    /// Returns the algorithms of a scheme. The first one is that of TLS 1.3.
    fn algorithms(&self, scheme: SignatureScheme) -> Option<&'static [&'static dyn Algorithm]> {
        let mapping = self.0.signature_verification_algorithms.mapping;
        mapping.iter().find(|(one, _)| *one == scheme).map(|(_, algorithms)| *algorithms)
    }

    fn verify(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        (scheme, signature): (SignatureScheme, &[u8]),
        is_tls13: bool,
    ) -> Result<HandshakeSignatureValid, Error> {
        let pss = RSA_PSS_PSS.iter().find(|(one, _)| *one == scheme);
        let scheme = pss.map_or(scheme, |(_, plain)| *plain);
        let padding = padding(scheme);
        let algorithms = self
            .algorithms(scheme)
            // TLS 1.3 allows no padding but PSS.
            .filter(|_| !is_tls13 || !matches!(padding, Some((Padding::Pkcs1, _))))
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let key = PublicKeyInfo::of_certificate(certificate).ok_or(Refusal::Unreadable)?;
        let is_signed = match (key.kind(), padding) {
            (KeyKind::Rsa, Some(padding)) if pss.is_none() => {
                verify_rsa(algorithms[0], &key, padding, message, signature)?
            }
            (KeyKind::RsaPss, Some(padding)) if pss.is_some() => {
                if !key.allows_pss(padding.1.oid(), padding.1.length()) {
                    return Err(Refusal::OtherKind.into());
                }
                verify_rsa(algorithms[0], &key, padding, message, signature)?
            }
            (KeyKind::Rsa | KeyKind::RsaPss, _) => return Err(Refusal::OtherKind.into()),
            (KeyKind::Other, _) => {
                // In TLS 1.3 the scheme also determines the curve of the key.
                let candidates = if is_tls13 { &algorithms[..1] } else { algorithms };
                let is_for_key = |algorithm: &&&dyn Algorithm| {
                    algorithm.public_key_alg_id().as_ref() == key.algorithm.0
                };
                let Some(algorithm) = candidates.iter().find(is_for_key) else {
                    let is_known =
                        |one: &&dyn Algorithm| one.public_key_alg_id().as_ref() == key.algorithm.0;
                    let all = self.0.signature_verification_algorithms.all;
                    let is_known = all.iter().any(is_known);
                    let refusal = if is_known { Refusal::OtherKind } else { Refusal::UnknownKey };
                    return Err(refusal.into());
                };
                algorithm.verify_signature(key.key, message, signature).is_ok()
            }
        };
        if !is_signed {
            return Err(CertificateError::BadSignature.into());
        }
        Ok(HandshakeSignatureValid::assertion())
    }
}

/// Verifies an RSA signature. The provider does not support small keys.
fn verify_rsa(
    algorithm: &dyn Algorithm,
    key: &PublicKeyInfo<'_>,
    padding: (Padding, Hash),
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Refusal> {
    let (modulus, exponent) = key.rsa_numbers().ok_or(Refusal::Unreadable)?;
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    match bits {
        bits if small_rsa::BITS.contains(&bits) => {
            Ok(small_rsa::is_signed(modulus, exponent, padding, message, signature))
        }
        2048..=8192 => Ok(algorithm.verify_signature(key.key, message, signature).is_ok()),
        _ => Err(Refusal::Size(bits)),
    }
}

/// Returns the padding and the hash of an RSA scheme.
fn padding(scheme: SignatureScheme) -> Option<(Padding, Hash)> {
    Some(match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => (Padding::Pkcs1, Hash::Sha256),
        SignatureScheme::RSA_PKCS1_SHA384 => (Padding::Pkcs1, Hash::Sha384),
        SignatureScheme::RSA_PKCS1_SHA512 => (Padding::Pkcs1, Hash::Sha512),
        SignatureScheme::RSA_PSS_SHA256 => (Padding::Pss, Hash::Sha256),
        SignatureScheme::RSA_PSS_SHA384 => (Padding::Pss, Hash::Sha384),
        SignatureScheme::RSA_PSS_SHA512 => (Padding::Pss, Hash::Sha512),
        _ => return None,
    })
}

/// Defines the methods that `ServerCertVerifier` and `ClientCertVerifier` both have.
macro_rules! verify_handshake_signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.verify(message, certificate, (signature.scheme, signature.signature()), false)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.verify(message, certificate, (signature.scheme, signature.signature()), true)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.schemes()
        }
    };
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    verify_handshake_signatures!();
}

impl ClientCertVerifier for AcceptAny {
    fn client_auth_mandatory(&self) -> bool {
        // A missing certificate is reported as an error of the peer.
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    verify_handshake_signatures!();
}

#[cfg(test)]
mod tests;
