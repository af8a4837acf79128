//! Writing PEM: base64 between two lines.
//!
//! Certificates and keys are read by rules of their own, as Qt reads them.

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

/// The number of characters in a line.
pub(super) const LINE: usize = 64;

/// Returns the PEM block of a certificate or a key.
pub(super) fn to_pem(label: &str, der: &[u8]) -> Vec<u8> {
    let digits = Zeroizing::new(BASE64_STANDARD.encode(der));
    let mut pem = Vec::with_capacity(digits.len() + digits.len() / LINE + 2 * label.len() + 40);
    pem.extend_from_slice(format!("-----BEGIN {label}-----\n").as_bytes());
    for line in digits.as_bytes().chunks(LINE) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(format!("-----END {label}-----\n").as_bytes());
    pem
}
