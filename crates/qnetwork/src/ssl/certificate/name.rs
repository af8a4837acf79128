//! Who is meant: the names of subjects and issuers.

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

/// A distinguished name.
pub(in crate::ssl) struct DistinguishedName {
    pub(super) attributes: Vec<Attribute>,
    canonical: Vec<u8>,
}

/// One thing that a name says.
pub(super) struct Attribute {
    pub(super) oid: String,
    /// As Qt has it.
    pub(super) text: String,
    /// As it is written, for those who print it; tells how.
    pub(super) tag: u8,
    pub(super) raw: Vec<u8>,
    /// Whether it belongs with the one before.
    pub(super) joined: bool,
}

impl DistinguishedName {
    /// Reads what is inside of the sequence that a name is.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        let mut result = DistinguishedName { attributes: Vec::new(), canonical: Vec::new() };
        let mut sets = Der::new(name);
        while !sets.is_empty() {
            let mut attributes = Der::new(sets.read(SET)?);
            let mut joined = false;
            result.canonical.push(b'{');
            while !attributes.is_empty() {
                let mut pair = Der::new(attributes.read(der::SEQUENCE)?);
                let (oid, value) = (pair.read(der::OID)?, pair.next_value()?);
                result.push_canonical(oid, value.tag, value.value);
                result.attributes.push(Attribute {
                    oid: der::oid_to_string(oid)?,
                    text: to_text(value.tag, value.value).unwrap_or_default(),
                    tag: value.tag,
                    raw: value.value.to_vec(),
                    joined,
                });
                joined = true;
            }
        }
        Some(result)
    }

    /// Whether the two are called the same: the case of letters, the kind of text and spaces do not count.
    pub(in crate::ssl) fn is_same(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }

    /// What two names have to have in common to be the same.
    pub(in crate::ssl) fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    pub(in crate::ssl) fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    pub(in crate::ssl) fn len(&self) -> usize {
        self.attributes.len()
    }

    /// The texts of the attribute of this name, as they come.
    pub(in crate::ssl) fn texts<'a>(&'a self, attribute: &'a str) -> impl Iterator<Item = &'a str> {
        let wanted = self.attributes.iter().filter(move |a| oid::short_name(&a.oid) == attribute);
        wanted.map(|a| &a.text[..])
    }

    /// All texts of the attribute of this name, the last one first, as with Qt's `QMultiMap`.
    pub(super) fn values(&self, attribute: &str) -> Vec<String> {
        let wanted = self.attributes.iter().rev();
        let wanted = wanted.filter(|a| oid::short_name(&a.oid) == attribute);
        wanted.map(|a| a.text.clone()).collect()
    }

    /// The names of the attributes, each once, sorted.
    pub(super) fn attribute_names(&self) -> Vec<String> {
        let names = self.attributes.iter().map(|a| (oid::short_name(&a.oid).to_owned(), ()));
        names.collect::<BTreeMap<_, _>>().into_keys().collect()
    }

    fn push_canonical(&mut self, oid: &[u8], tag: u8, value: &[u8]) {
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
        for part in [oid, &[tag][..], &bytes[..]] {
            self.canonical.extend_from_slice(&(part.len() as u64).to_be_bytes());
            self.canonical.extend_from_slice(part);
        }
    }
}

/// The text of a string of whichever kind; `None` if it is not one, or not text.
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

/// Each byte is a character.
pub(super) fn latin1(value: &[u8]) -> String {
    value.iter().copied().map(char::from).collect()
}
