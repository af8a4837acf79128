//! Decides which certificate may have issued which. Signatures are not checked.

use super::{
    parse::Parsed,
    public_key::{DSA, EC, ED448, ED25519, RSA, RSA_PSS},
};

const CERTIFICATE_SIGN: u32 = 1 << 5;

impl Parsed {
    pub(in crate::ssl) fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns whether this is a version 1 certificate, which has no extensions.
    pub(in crate::ssl) fn is_version_1(&self) -> bool {
        self.version == 1
    }

    /// Returns whether subject and issuer have the same name.
    pub(in crate::ssl) fn is_self_issued(&self) -> bool {
        self.subject.is_same(&self.issuer)
    }

    /// Returns whether the certificate claims to be signed with its own key.
    pub(in crate::ssl) fn is_self_issued_by_name_and_key(&self) -> bool {
        self.is_issuer_of(self)
    }

    /// Returns whether the certificate also allows its key to sign certificates. Qt calls such
    /// certificates self-signed.
    pub(in crate::ssl) fn is_self_signed(&self) -> bool {
        self.is_self_issued_by_name_and_key()
            && self.uses.key_usage.is_none_or(|usage| usage & CERTIFICATE_SIGN != 0)
    }

    /// Returns whether this certificate may have issued the other one, according to the names, the
    /// other one's authority key identifier and the algorithm of its signature. A certificate with
    /// unreadable extensions has no issuer and is not one.
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
}

/// Returns whether the signature is PKCS#1 with MD2, MD4, MD5, SHA-1 or SHA-2.
fn is_rsa_with_hash(signature: &str) -> bool {
    let kind = signature.strip_prefix("1.2.840.113549.1.1.").and_then(|kind| kind.parse().ok());
    matches!(kind, Some(2..=5 | 11..=16))
}
