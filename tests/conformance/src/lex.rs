//! Splits a line into words.

use crate::error::{Error, Result};

/// One word of a line and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) word: Word,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Name(String),
    Number(i64),
    Text(Vec<u8>),
    Symbol(&'static str),
}

/// Longer symbols come first, because `<=` begins with `<`.
const SYMBOLS: [&str; 12] = ["==", "!=", "<=", ">=", "<", ">", "=", "|", "(", ")", ",", "."];

/// Splits a line into tokens.
///
/// # Errors
///
/// If part of the line is not a word of the language.
pub(crate) fn tokens(line: &str) -> Result<Vec<Token>> {
    let mut out = Vec::new();
    let mut start = 0;
    loop {
        start += line[start..].bytes().take_while(|byte| *byte == b' ').count();
        let rest = &line[start..];
        let Some(first) = rest.chars().next() else { return Ok(out) };
        let (word, length) = match first {
            '"' => text(rest)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = rest.bytes().take_while(|byte| is_in_name(*byte)).count();
                (Word::Name(rest[..length].to_owned()), length)
            }
            '0'..='9' | '-' => number(rest)?,
            _ => {
                let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
                let symbol = symbol.ok_or_else(|| Error::new(format!("cannot read `{rest}`")))?;
                (Word::Symbol(symbol), symbol.len())
            }
        };
        out.push(Token { word, start, end: start + length });
        start += length;
    }
}

fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn number(rest: &str) -> Result<(Word, usize)> {
    let sign = usize::from(rest.starts_with('-'));
    let length = sign + rest[sign..].bytes().take_while(|byte| is_in_name(*byte)).count();
    let number = rest[..length].parse();
    let number = number.map_err(|_| Error::new(format!("`{}` is no number", &rest[..length])))?;
    Ok((Word::Number(number), length))
}

fn text(rest: &str) -> Result<(Word, usize)> {
    let open = || Error::new(format!("text without an end: {rest}"));
    let bytes = rest.as_bytes();
    let mut out = Vec::new();
    let mut at = 1;
    loop {
        match *bytes.get(at).ok_or_else(open)? {
            b'"' => return Ok((Word::Text(out), at + 1)),
            b'\\' => {
                let (byte, length) = escape(&rest[at..]).ok_or_else(|| {
                    let sequence: String = rest[at..].chars().take(4).collect();
                    Error::new(format!("no such escape: {sequence}"))
                })?;
                out.push(byte);
                at += length;
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
}

/// Returns the byte that an escape stands for, and the escape's length.
fn escape(rest: &str) -> Option<(u8, usize)> {
    let byte = match rest.as_bytes().get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0' => 0,
        b'\\' => b'\\',
        b'"' => b'"',
        b'x' => {
            let digits = rest.get(2..4).filter(|digits| !digits.starts_with('+'))?;
            return Some((u8::from_str_radix(digits, 16).ok()?, 4));
        }
        _ => return None,
    };
    Some((byte, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Word> {
        tokens(line).unwrap().into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn a_line_falls_into_words() {
        let name = |name: &str| Word::Name(name.to_owned());
        assert_eq!(words("a_1 <= -20"), [name("a_1"), Word::Symbol("<="), Word::Number(-20)]);
        assert_eq!(words("b = c"), [name("b"), Word::Symbol("="), name("c")]);
        assert_eq!(words("  "), []);
    }

    #[test]
    fn texts_know_their_escapes_and_keep_utf_8() {
        let line = r#""a\n\r\t\0\\\"\xfF é""#;
        assert_eq!(words(line), [Word::Text(b"a\n\r\t\0\\\"\xff \xc3\xa9".to_vec())]);
    }

    #[test]
    fn words_know_where_they_stand() {
        let tokens = tokens(r#"x  "é" 1"#).unwrap();
        let places: Vec<_> = tokens.iter().map(|token| (token.start, token.end)).collect();
        assert_eq!(places, [(0, 1), (3, 7), (8, 9)]);
    }

    #[test]
    fn what_is_no_word_is_refused() {
        for line in ["\"open", r#""\q""#, r#""\x1""#, r#""\x+1""#, "1.5x", "12ab", "-", "a\tb", "ä"]
        {
            assert!(tokens(line).is_err(), "{line}");
        }
        // The language has no decimal numbers: this is a number, a dot and a number.
        assert_eq!(words("1.5").len(), 3);
    }
}
