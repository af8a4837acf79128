//! Keys as text.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

const LINE: usize = 64;

/// A block: whether it is encrypted in the way that is older than PKCS#8, and its bytes.
pub(super) struct Block {
    pub(super) old_encryption: bool,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// The first block of one of these labels. What is no base64 is passed over.
pub(super) fn find(text: &[u8], wanted: &[&str]) -> Option<Block> {
    let mut rest = text;
    loop {
        let start = position(rest, b"-----BEGIN ")? + b"-----BEGIN ".len();
        rest = &rest[start..];
        let label_end = position(rest, b"-----")?;
        let label = str::from_utf8(&rest[..label_end]).unwrap_or_default();
        rest = &rest[label_end + 5..];
        if !wanted.contains(&label) || !ends_line(rest) {
            continue;
        }
        let end = position(rest, format!("-----END {label}-----").as_bytes())?;
        if let Some(block) = decode(&rest[..end]) {
            return Some(block);
        }
    }
}

fn position(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// Whether nothing but spaces comes before the end of the line.
fn ends_line(text: &[u8]) -> bool {
    text.iter().find(|byte| !matches!(byte, b' ' | b'\r')).is_some_and(|byte| *byte == b'\n')
}

fn decode(body: &[u8]) -> Option<Block> {
    let mut old_encryption = false;
    let mut digits = Zeroizing::new(Vec::with_capacity(body.len()));
    for line in body.split(|byte| *byte == b'\n') {
        // Of a header line, nothing but this one matters.
        if line.contains(&b':') {
            old_encryption |=
                line.starts_with(b"Proc-Type:") && position(line, b"ENCRYPTED").is_some();
            continue;
        }
        digits.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
    }
    if old_encryption {
        // The other header has a value with no colon in it.
        return Some(Block { old_encryption, der: Zeroizing::default() });
    }
    let der = Zeroizing::new(STANDARD.decode(&*digits).ok()?);
    Some(Block { old_encryption, der })
}

/// The text, with lines of 64 characters.
pub(super) fn encode(label: &str, der: &[u8]) -> Vec<u8> {
    let digits = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Vec::with_capacity(digits.len() + digits.len() / LINE + 2 * label.len() + 40);
    pem.extend_from_slice(format!("-----BEGIN {label}-----\n").as_bytes());
    for line in digits.as_bytes().chunks(LINE) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(format!("-----END {label}-----\n").as_bytes());
    pem
}
