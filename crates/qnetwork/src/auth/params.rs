//! Parses the parameters of a challenge.

/// The parameters of a challenge: `name=value` pairs separated by commas, with or without quotes.
pub(super) struct Params(Vec<(Vec<u8>, Vec<u8>)>);

impl Params {
    pub(super) fn parse(mut text: &[u8]) -> Params {
        let mut params = Vec::new();
        loop {
            let separates = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
            let start = text.iter().position(|byte| !separates(byte)).unwrap_or(text.len());
            text = &text[start..];
            let Some(equals) = text.iter().position(|byte| matches!(byte, b'=' | b',')) else {
                break;
            };
            let name = text[..equals].trim_ascii();
            if text[equals] == b',' || name.iter().any(u8::is_ascii_whitespace) {
                // Another challenge starts on the same line.
                break;
            }
            let value = text[equals + 1..].trim_ascii_start();
            let (value, rest) = match value.strip_prefix(b"\"") {
                Some(quoted) => unquote(quoted),
                None => {
                    let end = value.iter().position(|byte| *byte == b',').unwrap_or(value.len());
                    (value[..end].trim_ascii_end().to_vec(), &value[end..])
                }
            };
            params.push((name.to_ascii_lowercase(), value));
            text = rest;
        }
        Params(params)
    }

    /// Returns the value of a parameter by its name in lower case. Of several, the last counts, as
    /// in Qt.
    pub(super) fn value(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().rev().find(|(known, _)| known == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }
}

/// Splits a quoted value from the text: returns the value, and the text from the next comma on.
fn unquote(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => break,
            b'\\' if at + 1 < text.len() => {
                at += 1;
                value.push(text[at]);
            }
            _ => value.push(byte),
        }
        at += 1;
    }
    let rest = &text[at.min(text.len())..];
    let comma = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
    (value, &rest[comma..])
}
