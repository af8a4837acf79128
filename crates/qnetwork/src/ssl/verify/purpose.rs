//! What certificates may be used for.

use crate::ssl::certificate::Parsed;

/// The use of the leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Any use, as for `QSslCertificate::verify`. Uses and the strength of keys and hashes are not
    /// checked, and only the leaf is looked up among known frauds.
    Any,
    /// The leaf is a server's.
    Server,
    /// The leaf is a client's.
    Client,
}

const DIGITAL_SIGNATURE: u32 = 1;
const KEY_ENCIPHERMENT: u32 = 1 << 2;
const KEY_AGREEMENT: u32 = 1 << 4;
const CERTIFICATE_SIGN: u32 = 1 << 5;

const SERVER: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
/// Old marks of servers, from the time when strong cryptography was restricted.
const GATED: [&str; 2] = ["1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"];

const NETSCAPE_CLIENT: u32 = 1;
const NETSCAPE_SERVER: u32 = 1 << 1;
const NETSCAPE_SSL_CA: u32 = 1 << 5;
const NETSCAPE_ANY_CA: u32 = 7 << 5;

/// Whether a certificate may issue others, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Authority {
    None,
    /// Its basic constraints say so.
    Declared,
    /// It is a self-signed certificate of version 1, which has no extensions.
    OldRoot,
    /// Its key usage allows it.
    ByKeyUsage,
    /// Its Netscape type allows it.
    Netscape,
}

pub(super) fn authority(certificate: &Parsed) -> Authority {
    let uses = &certificate.uses;
    if !may_sign(certificate) {
        return Authority::None;
    }
    if let Some(constraints) = uses.basic_constraints {
        return if constraints.is_ca { Authority::Declared } else { Authority::None };
    }
    if certificate.is_version_1() && certificate.is_self_issued_by_name_and_key() {
        Authority::OldRoot
    } else if uses.key_usage.is_some() {
        Authority::ByKeyUsage
    } else if uses.netscape_type.is_some_and(|bits| bits & NETSCAPE_ANY_CA != 0) {
        Authority::Netscape
    } else {
        Authority::None
    }
}

/// Returns whether the key may sign certificates. It may if there is no key usage.
pub(super) fn may_sign(certificate: &Parsed) -> bool {
    allows(certificate.uses.key_usage, CERTIFICATE_SIGN)
}

/// Returns whether a certificate is for this use, or may issue such certificates.
pub(super) fn is_for(certificate: &Parsed, purpose: Purpose, is_issuer: bool) -> bool {
    let uses = &certificate.uses;
    let (wanted, key_usage, netscape) = match purpose {
        Purpose::Any => return true,
        Purpose::Server => {
            (SERVER, DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT, NETSCAPE_SERVER)
        }
        Purpose::Client => (CLIENT, DIGITAL_SIGNATURE | KEY_AGREEMENT, NETSCAPE_CLIENT),
    };
    let is_wanted = |oid: &str| oid == wanted || purpose == Purpose::Server && GATED.contains(&oid);
    if uses.extended_key_usage.as_ref().is_some_and(|uses| !uses.iter().any(|use_| is_wanted(use_)))
    {
        return false;
    }
    if is_issuer {
        return match authority(certificate) {
            Authority::None => false,
            Authority::Netscape => allows(uses.netscape_type, NETSCAPE_SSL_CA),
            _ => true,
        };
    }
    allows(uses.key_usage, key_usage) && allows(uses.netscape_type, netscape)
}

/// Returns whether one of the bits is set, or the extension is missing.
fn allows(said: Option<u32>, bits: u32) -> bool {
    said.is_none_or(|said| said & bits != 0)
}
