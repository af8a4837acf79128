//! Digest authentication (RFC 7616), which never sends the password.

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::params::Params;

/// A challenge of the Digest scheme.
#[derive(Clone, Debug)]
pub(super) struct Digest {
    pub(super) nonce: Vec<u8>,
    opaque: Vec<u8>,
    hash: Hash,
    /// The session variant (`-sess`): hashes the password with the nonces once a session.
    session: bool,
    /// The algorithm as the server wrote it; empty if it named none.
    algorithm: Vec<u8>,
    /// The challenge has a `qop`, so the answers carry a count.
    counted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
}

/// The values that an answer needs in addition to the challenge.
pub(super) struct Who<'a> {
    pub(super) user: &'a [u8],
    pub(super) password: &'a [u8],
    pub(super) realm: &'a [u8],
    /// How many answers this nonce has had, including this one.
    pub(super) count: u32,
    pub(super) client_nonce: &'a str,
}

impl Digest {
    /// Creates the challenge. Returns `None` if its algorithm is unknown or if it does not accept
    /// protection of the request line alone (`qop=auth`).
    pub(super) fn of(params: &Params) -> Option<Digest> {
        let value = |name| params.value(name).unwrap_or_default().to_vec();
        let algorithm = value("algorithm");
        let (hash, session) = match algorithm.to_ascii_lowercase().as_slice() {
            b"" | b"md5" => (Hash::Md5, false),
            b"md5-sess" => (Hash::Md5, true),
            b"sha-256" => (Hash::Sha256, false),
            b"sha-256-sess" => (Hash::Sha256, true),
            _ => return None,
        };
        let qop = value("qop");
        let mut qops = qop.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let counted = !qop.is_empty();
        if counted && !qops.any(|qop| qop.eq_ignore_ascii_case(b"auth")) {
            return None;
        }
        let (nonce, opaque) = (value("nonce"), value("opaque"));
        Some(Digest { nonce, opaque, hash, session, algorithm, counted })
    }

    pub(super) fn strength(&self) -> u8 {
        match self.hash {
            Hash::Md5 => 1,
            Hash::Sha256 => 2,
        }
    }

    /// Returns the value of the header that answers the challenge.
    pub(super) fn answer(&self, who: &Who<'_>, method: &str, uri: &str) -> Vec<u8> {
        let (count, client_nonce) = (format!("{:08x}", who.count), who.client_nonce.as_bytes());
        let mut secret = self.hash(&[who.user, who.realm, who.password]);
        if self.session {
            secret = self.hash(&[secret.as_bytes(), &self.nonce, client_nonce]);
        }
        let request = self.hash(&[method.as_bytes(), uri.as_bytes()]);
        let (secret, request) = (secret.as_bytes(), request.as_bytes());
        let response = match self.counted {
            true => {
                let count = count.as_bytes();
                self.hash(&[secret, &self.nonce, count, client_nonce, b"auth", request])
            }
            false => self.hash(&[secret, &self.nonce, request]),
        };
        let mut header = b"Digest ".to_vec();
        let mut quoted = |name: &str, value: &[u8]| {
            if header.len() > b"Digest ".len() {
                header.extend_from_slice(b", ");
            }
            header.extend_from_slice(name.as_bytes());
            header.extend_from_slice(b"=\"");
            for &byte in value {
                if matches!(byte, b'"' | b'\\') {
                    header.push(b'\\');
                }
                header.push(byte);
            }
            header.push(b'"');
        };
        quoted("username", who.user);
        quoted("realm", who.realm);
        quoted("nonce", &self.nonce);
        quoted("uri", uri.as_bytes());
        if !self.opaque.is_empty() {
            quoted("opaque", &self.opaque);
        }
        quoted("response", response.as_bytes());
        if !self.algorithm.is_empty() {
            header.extend_from_slice(b", algorithm=");
            header.extend_from_slice(&self.algorithm);
        }
        if self.counted {
            header.extend_from_slice(format!(", qop=auth, nc={count}, cnonce=\"").as_bytes());
            header.extend_from_slice(client_nonce);
            header.push(b'"');
        }
        // Removes line breaks, so that no quoted value can start another header.
        header.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        header
    }

    /// Returns the hash of the parts joined by colons, in hexadecimal digits.
    fn hash(&self, parts: &[&[u8]]) -> String {
        let text = parts.join(&b':');
        match self.hash {
            Hash::Md5 => hex(&Md5::digest(text)),
            Hash::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// Returns a random client nonce, or `None` if the system has no random numbers.
pub(super) fn client_nonce() -> Option<String> {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Some(hex(&bytes)),
        Err(error) => {
            qcore::q_warning!("QAuthenticator: no random numbers: {error}");
            None
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
