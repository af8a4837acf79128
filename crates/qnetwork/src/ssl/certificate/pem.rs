//! Certificates as text: base64 between two lines.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// The text has had every character that is not of base64 taken out before, and may end anywhere.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What is in the blocks of the text, decoded, as Qt finds them.
pub(super) struct Blocks<'a>(&'a [u8]);

impl<'a> Blocks<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Blocks(text)
    }
}

impl Iterator for Blocks<'_> {
    type Item = Vec<u8>;

    /// After each of the two lines there is to be the end of the line, spaces before which do not count, or
    /// nothing goes on; at the end of the text there may be none.
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
        // Six bits, which are no byte.
        digits.pop();
    }
    LENIENT.decode(&digits).unwrap_or_default()
}
