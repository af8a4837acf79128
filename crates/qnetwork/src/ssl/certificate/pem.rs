//! Reading certificates from PEM.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// Decodes base64 that may end anywhere. Other characters have to be removed first.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An iterator over the decoded blocks of a text, as Qt finds them.
pub(super) struct Blocks<'a>(&'a [u8]);

impl<'a> Blocks<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Blocks(text)
    }
}

impl Iterator for Blocks<'_> {
    type Item = Vec<u8>;

    /// Returns the next block. Only spaces may stand between the BEGIN line and the end of its
    /// line, and likewise after the END line; otherwise the iteration ends. At the end of the text
    /// the line feed may be missing.
    fn next(&mut self) -> Option<Vec<u8>> {
        let text = std::mem::take(&mut self.0);
        let text = &text[find(text, BEGIN)? + BEGIN.len()..];
        let text = after_line_feed(text)?;
        let end = find(text, END)?;
        let rest = &text[end + END.len()..];
        self.0 = if rest.is_empty() { rest } else { after_line_feed(rest)? };
        Some(decode(&text[..end]))
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn after_line_feed(text: &[u8]) -> Option<&[u8]> {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    let text = &text[spaces..];
    text.strip_prefix(b"\n").or_else(|| text.strip_prefix(b"\r\n"))
}

fn decode(text: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .collect();
    if digits.len() % 4 == 1 {
        // Six bits are not a byte.
        digits.pop();
    }
    LENIENT.decode(&digits).unwrap_or_default()
}
