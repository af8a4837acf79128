//! Distinguished names of subjects and issuers.

use std::collections::BTreeMap;

use super::{
    der::{self, Der},
    oid,
};

const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const VISIBLE_STRING: u8 = 0x1a;
const NUMERIC_STRING: u8 = 0x12;
const UTF8_STRING: u8 = 0x0c;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;
const SET: u8 = 0x31;

const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// A distinguished name.
pub(in crate::ssl) struct DistinguishedName {
    pub(super) attributes: Vec<Attribute>,
    canonical: Vec<u8>,
}

/// An attribute of a name.
pub(super) struct Attribute {
    pub(super) oid: String,
    /// The text as Qt shows it.
    pub(super) text: String,
    /// The bytes as they are written.
    raw: Vec<u8>,
    /// The tag of the string type.
    tag: u8,
    /// Whether the attribute is in one set with the previous one.
    is_joined: bool,
}

impl DistinguishedName {
    /// Reads the content of a name's sequence. As in OpenSSL, a string that is invalid for its type
    /// makes the name invalid.
    pub(in crate::ssl) fn parse(name: &[u8]) -> Option<Self> {
        let mut result = DistinguishedName { attributes: Vec::new(), canonical: Vec::new() };
        let mut sets = Der::new(name);
        while !sets.is_empty() {
            result.push_set(sets.read(SET)?)?;
        }
        Some(result)
    }

    /// Reads the content of one of the sets of a name.
    pub(super) fn parse_set(set: &[u8]) -> Option<Self> {
        let mut result = DistinguishedName { attributes: Vec::new(), canonical: Vec::new() };
        result.push_set(set)?;
        Some(result)
    }

    fn push_set(&mut self, set: &[u8]) -> Option<()> {
        let mut attributes = Der::new(set);
        let mut is_joined = false;
        let mut canonical = Vec::new();
        while !attributes.is_empty() {
            let mut pair = Der::new(attributes.read(der::SEQUENCE)?);
            let (oid, value) = (pair.read(der::OID)?, pair.next_value()?);
            if !pair.is_empty() {
                return None;
            }
            let (text, raw) = match value.tag {
                // Allowed, but not text.
                BIT_STRING => {
                    der::bits(value.value)?;
                    (String::new(), &value.value[1..])
                }
                SEQUENCE => (String::new(), value.raw),
                VISIBLE_STRING => return None,
                tag => (to_text(tag, value.value)?, value.value),
            };
            canonical.push(canonical_attribute(oid, value.tag, value.value));
            self.attributes.push(Attribute {
                oid: der::oid_to_string(oid)?,
                text,
                raw: raw.to_vec(),
                tag: value.tag,
                is_joined,
            });
            is_joined = true;
        }
        // The order within a set does not matter, and an empty set means nothing.
        canonical.sort();
        if !canonical.is_empty() {
            self.canonical.push(b'{');
            self.canonical.extend(canonical.concat());
            self.canonical.push(b'}');
        }
        Some(())
    }

    /// Returns whether two names are the same. Case, string type and spaces do not matter.
    pub(in crate::ssl) fn is_same(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }

    /// Returns the name as in `/C=NO/CN=localhost`.
    pub(super) fn slashes(&self) -> String {
        let part = |a: &Attribute| format!("/{}={}", oid::short_name(&a.oid), printable(&a.raw));
        self.attributes.iter().map(part).collect()
    }

    /// Returns the name as in `C=NO, CN=localhost`. Attributes whose name is one or two capital
    /// letters follow a comma; the others follow a slash.
    pub(super) fn commas(&self) -> String {
        let slashes = self.slashes();
        let text = slashes.strip_prefix('/').unwrap_or_default().as_bytes();
        let mut out = String::with_capacity(text.len());
        for (index, byte) in text.iter().enumerate() {
            let is_short = match &text[index + 1..] {
                [a, b'=', ..] => a.is_ascii_uppercase(),
                [a, b, b'=', ..] => a.is_ascii_uppercase() && b.is_ascii_uppercase(),
                _ => false,
            };
            if *byte == b'/' && is_short {
                out.push_str(", ");
            } else {
                out.push(char::from(*byte));
            }
        }
        out
    }

    /// Returns the name as in `C = NO, CN = localhost`.
    pub(super) fn one_line(&self) -> String {
        let mut out = String::new();
        for (index, attribute) in self.attributes.iter().enumerate() {
            if index > 0 {
                out.push_str(if attribute.is_joined { " + " } else { ", " });
            }
            let name = oid::short_name(&attribute.oid);
            out.push_str(&format!("{name} = {}", quoted(&attribute.text)));
        }
        out
    }

    /// Returns the canonical form of the name. Two names are equal if these bytes are.
    pub(in crate::ssl) fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    pub(in crate::ssl) fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// Returns the texts of an attribute in their order.
    pub(in crate::ssl) fn texts<'a>(&'a self, attribute: &'a str) -> impl Iterator<Item = &'a str> {
        let wanted = self.attributes.iter().filter(move |a| oid::short_name(&a.oid) == attribute);
        wanted.map(|a| &a.text[..])
    }

    /// Returns the email addresses; `None` for one with the wrong string type.
    pub(in crate::ssl) fn mails(&self) -> impl Iterator<Item = Option<&str>> {
        let mails = self.attributes.iter().filter(|a| oid::short_name(&a.oid) == "emailAddress");
        mails.map(|mail| (mail.tag == IA5_STRING).then_some(&mail.text[..]))
    }

    /// Returns all texts of an attribute. As with Qt's `QMultiMap`, the last one comes first.
    pub(super) fn values(&self, attribute: &str) -> Vec<String> {
        let wanted = self.attributes.iter().rev();
        let wanted = wanted.filter(|a| oid::short_name(&a.oid) == attribute);
        wanted.map(|a| a.text.clone()).collect()
    }

    /// Returns the names of the attributes, sorted and without repetition.
    pub(super) fn attribute_names(&self) -> Vec<String> {
        let names = self.attributes.iter().map(|a| (oid::short_name(&a.oid).to_owned(), ()));
        names.collect::<BTreeMap<_, _>>().into_keys().collect()
    }
}

/// Returns the form in which attributes are compared.
fn canonical_attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    let is_text = matches!(
        tag,
        PRINTABLE_STRING
            | TELETEX_STRING
            | IA5_STRING
            | VISIBLE_STRING
            | UTF8_STRING
            | UNIVERSAL_STRING
            | BMP_STRING
    );
    let text = if is_text { to_text(tag, value) } else { None };
    let (tag, bytes) = match text {
        Some(text) => {
            let words = text.split([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            (UTF8_STRING, words.join(" ").to_ascii_lowercase().into_bytes())
        }
        None => (tag, value.to_vec()),
    };
    let mut canonical = Vec::new();
    for part in [oid, &[tag][..], &bytes[..]] {
        canonical.extend_from_slice(&(part.len() as u64).to_be_bytes());
        canonical.extend_from_slice(part);
    }
    canonical
}

/// Returns the text of a string of any type; `None` if the tag is not that of a string, or the
/// bytes are invalid.
pub(super) fn to_text(tag: u8, value: &[u8]) -> Option<String> {
    let wide = |size: usize| {
        let units = value.chunks_exact(size);
        units.remainder().is_empty().then(|| {
            units.map(|unit| unit.iter().fold(0, |unit, byte| unit << 8 | u32::from(*byte)))
        })
    };
    match tag {
        UTF8_STRING => String::from_utf8(value.to_vec()).ok(),
        BMP_STRING => wide(2)?.map(char::from_u32).collect(),
        UNIVERSAL_STRING => wide(4)?.map(char::from_u32).collect(),
        PRINTABLE_STRING | TELETEX_STRING | IA5_STRING | VISIBLE_STRING | NUMERIC_STRING => {
            Some(latin1(value))
        }
        _ => None,
    }
}

/// Decodes Latin-1: each byte is a character.
pub(super) fn latin1(value: &[u8]) -> String {
    value.iter().copied().map(char::from).collect()
}

/// Returns the bytes as text. Bytes other than printable ASCII are in hexadecimal.
fn printable(bytes: &[u8]) -> String {
    let text = |byte: &u8| match byte {
        b'/' | b'+' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02X}"),
    };
    bytes.iter().map(text).collect()
}

/// Returns the text, in quotes if it contains a special character. Characters other than printable
/// ASCII are in hexadecimal.
fn quoted(text: &str) -> String {
    let is_special = |c: char| matches!(c, ',' | '+' | '<' | '>' | ';');
    let needs_quotes =
        text.contains(is_special) || text.starts_with([' ', '#']) || text.ends_with(' ');
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    out.push_str(&format!("\\{byte:02X}"));
                }
            }
        }
    }
    if needs_quotes { format!("\"{out}\"") } else { out }
}
