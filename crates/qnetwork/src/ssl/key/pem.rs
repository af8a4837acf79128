//! Reading keys from PEM.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::{cipher::Cipher, error::SslKeyErrorKind};
use crate::ssl::pem::LINE;

/// As in OpenSSL, bits behind the last byte may have any value.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A PEM block.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    /// The encryption that the block's header describes.
    pub(super) encryption: Option<Encryption>,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// The content of a `DEK-Info` header.
pub(super) struct Encryption {
    pub(super) cipher: Cipher,
    pub(super) iv: Vec<u8>,
}

/// Finds the first block with a wanted label.
///
/// Like OpenSSL, the function stops at the first damaged block, wanted or not.
pub(super) fn find<'a>(
    text: &'a [u8],
    wanted: impl Fn(&str) -> bool,
) -> Result<Block<'a>, SslKeyErrorKind> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut lines = text.split(|byte| *byte == b'\n').map(trim_end);
    while let Some(line) = lines.next() {
        let label = line.strip_prefix(b"-----BEGIN ").and_then(|rest| rest.strip_suffix(b"-----"));
        let Some(label) = label.and_then(|label| str::from_utf8(label).ok()) else { continue };
        let parts = Parts::read(&mut lines, label).ok_or(SslKeyErrorKind::Malformed)?;
        let der = BASE64.decode(&*parts.digits).map_err(|_| SslKeyErrorKind::Malformed)?;
        let der = Zeroizing::new(der);
        if wanted(label) {
            return Ok(Block { label, encryption: encryption(&parts.header)?, der });
        }
    }
    Err(SslKeyErrorKind::NoPemBlock)
}

/// Returns a line without trailing characters that OpenSSL treats as white space.
fn trim_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| (b'!'..0x80).contains(byte));
    &line[..end.map_or(0, |last| last + 1)]
}

/// The lines between BEGIN and END.
#[derive(Default)]
struct Parts<'a> {
    header: Vec<&'a [u8]>,
    digits: Zeroizing<Vec<u8>>,
}

impl<'a> Parts<'a> {
    /// Reads to the end of the block. Returns `None` if there is no end, or a line that is not
    /// allowed.
    ///
    /// A blank line ends the header. The lines behind it have 64 characters, except the last one.
    /// Without a blank line there is no header, and lines may have any length.
    fn read(lines: &mut impl Iterator<Item = &'a [u8]>, label: &str) -> Option<Self> {
        let end = format!("-----END {label}-----");
        let mut read: Vec<&[u8]> = Vec::new();
        let mut header = None;
        let mut was_short = false;
        loop {
            let line = lines.next()?;
            if line.starts_with(b"-----END ") {
                if line != end.as_bytes() {
                    return None;
                }
                break;
            }
            if line.is_empty() {
                if header.is_some() {
                    return None;
                }
                header = Some(std::mem::take(&mut read));
                continue;
            }
            if header.is_some() {
                if was_short || line.len() > LINE {
                    return None;
                }
                was_short = line.len() < LINE;
            }
            read.push(line);
        }
        let length = read.iter().map(|line| line.len()).sum();
        let mut parts = Parts {
            header: header.unwrap_or_default(),
            digits: Zeroizing::new(Vec::with_capacity(length)),
        };
        for line in read {
            parts.digits.extend(line.iter().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r')));
        }
        Some(parts)
    }
}

/// Reads the header of a block: `Proc-Type: 4,ENCRYPTED`, then `DEK-Info`, then anything.
fn encryption(header: &[&[u8]]) -> Result<Option<Encryption>, SslKeyErrorKind> {
    let Some(first) = header.first() else { return Ok(None) };
    let kind = value(first, b"Proc-Type:").and_then(|rest| rest.strip_prefix(b"4,"));
    if kind.map(trim_start) != Some(b"ENCRYPTED") {
        return Err(SslKeyErrorKind::Malformed);
    }
    let info = header.get(1).and_then(|line| value(line, b"DEK-Info:"));
    let info = info.ok_or(SslKeyErrorKind::Malformed)?;
    let name_end = info.iter().position(|byte| matches!(byte, b' ' | b'\t' | b','));
    let (name, rest) = info.split_at(name_end.unwrap_or(info.len()));
    let name = str::from_utf8(name).ok().filter(|name| !name.is_empty());
    let cipher = Cipher::of_name(name.ok_or(SslKeyErrorKind::Malformed)?);
    let cipher = cipher.ok_or(SslKeyErrorKind::UnsupportedEncryption)?;
    let digits = trim_start(rest).strip_prefix(b",").ok_or(SslKeyErrorKind::Malformed)?;
    // Like OpenSSL, ignores what follows the initialization vector.
    let digits = digits.get(..2 * cipher.iv_length()).ok_or(SslKeyErrorKind::Malformed)?;
    let nibble =
        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = digits.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?));
    let iv = bytes.collect::<Option<Vec<u8>>>().ok_or(SslKeyErrorKind::Malformed)?;
    Ok(Some(Encryption { cipher, iv }))
}

/// Returns the value of a header line.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(name).map(trim_start)
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    &text[start.unwrap_or(text.len())..]
}
