//! A reader for DER.

use super::hex::hex;

/// The bytes that were not read yet.
#[derive(Clone, Copy)]
pub(in crate::ssl) struct Der<'a>(&'a [u8]);

/// A value with its tag.
#[derive(Clone, Copy)]
pub(in crate::ssl) struct Tlv<'a> {
    pub(in crate::ssl) tag: u8,
    pub(in crate::ssl) value: &'a [u8],
    /// Tag, length and value.
    pub(in crate::ssl) raw: &'a [u8],
}

const BOOLEAN: u8 = 0x01;
pub(in crate::ssl) const INTEGER: u8 = 0x02;
pub(in crate::ssl) const BIT_STRING: u8 = 0x03;
pub(in crate::ssl) const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
pub(in crate::ssl) const OID: u8 = 0x06;
const ENUMERATED: u8 = 0x0a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;
pub(in crate::ssl) const SEQUENCE: u8 = 0x30;

impl<'a> Der<'a> {
    pub(in crate::ssl) fn new(bytes: &'a [u8]) -> Self {
        Der(bytes)
    }

    /// Returns a reader for the content of the only value, which must have this tag.
    pub(in crate::ssl) fn inside(bytes: &'a [u8], tag: u8) -> Option<Self> {
        let mut der = Der(bytes);
        let value = der.read(tag)?;
        der.0.is_empty().then_some(Der(value))
    }

    /// Reads a boolean. Returns `false` if the next value is not a boolean, because DER omits the
    /// default; `None` if the boolean is invalid.
    pub(in crate::ssl) fn read_bool(&mut self) -> Option<bool> {
        match self.0.first() {
            Some(&BOOLEAN) => match self.read(BOOLEAN)? {
                [byte] => Some(*byte != 0),
                _ => None,
            },
            _ => Some(false),
        }
    }

    /// Returns the first remaining value with this tag.
    pub(in crate::ssl) fn find(mut self, tag: u8) -> Option<&'a [u8]> {
        loop {
            let next = self.next_value()?;
            if next.tag == tag {
                return Some(next.value);
            }
        }
    }

    /// Returns all remaining bytes.
    pub(in crate::ssl) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(in crate::ssl) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the next value if it has this tag. Otherwise reads nothing.
    pub(in crate::ssl) fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        (*self.0.first()? == tag).then(|| self.next_value())?.map(|tlv| tlv.value)
    }

    /// Reads the next value. `None` at the end, and if the bytes are invalid. Tags above 30 and
    /// indefinite lengths are not supported; no certificate has them.
    pub(in crate::ssl) fn next_value(&mut self) -> Option<Tlv<'a>> {
        let (&tag, &first) = (self.0.first()?, self.0.get(1)?);
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x81..=0x84 => {
                let header = 2 + usize::from(first & 0x7f);
                let bytes = self.0.get(2..header)?;
                // OpenSSL refuses a long-form length at the very end of the data.
                self.0.get(header)?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), header)
            }
            _ => return None,
        };
        let end = header.checked_add(length)?;
        let raw = self.0.get(..end)?;
        self.0 = &self.0[end..];
        Some(Tlv { tag, value: &raw[header..], raw })
    }
}

/// Reads an integer that is not negative, fits into 64 bits and has no superfluous bytes.
pub(in crate::ssl) fn small_integer(value: &[u8]) -> Option<u64> {
    if matches!(value, [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..]) || value.len() > 8 {
        return None;
    }
    Some(value.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Reads an integer that fits into 64 bits.
pub(in crate::ssl) fn signed_integer(value: &[u8]) -> Option<i64> {
    if value.is_empty() || value.len() > 8 {
        return None;
    }
    let sign = if value[0] & 0x80 != 0 { -1 } else { 0 };
    Some(value.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
}

/// Returns an integer as OpenSSL writes it: large ones in hexadecimal.
pub(in crate::ssl) fn integer_to_string(value: &[u8]) -> String {
    if let Some(number) = signed_integer(value) {
        return number.to_string();
    }
    let (bytes, is_negative) = magnitude(value);
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}0x{}", hex(&bytes, "").to_uppercase())
}

/// Returns the [`magnitude`] of an integer; `None` if it is empty or has superfluous bytes.
pub(in crate::ssl) fn integer(value: &[u8]) -> Option<(Vec<u8>, bool)> {
    match value {
        [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => None,
        _ => Some(magnitude(value)),
    }
}

/// Returns the absolute value of a two's complement number, and whether it is negative.
fn magnitude(value: &[u8]) -> (Vec<u8>, bool) {
    let is_negative = value.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut bytes = value.to_vec();
    if is_negative {
        for byte in &mut bytes {
            *byte = !*byte;
        }
        for byte in bytes.iter_mut().rev() {
            let (sum, carry) = byte.overflowing_add(1);
            *byte = sum;
            if !carry {
                break;
            }
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = if zeros == bytes.len() { vec![0] } else { bytes.split_off(zeros) };
    (bytes, is_negative)
}

/// Returns an object identifier with dots.
pub(in crate::ssl) fn oid_to_string(value: &[u8]) -> Option<String> {
    let mut numbers = Vec::new();
    let mut number: u128 = 0;
    for byte in value {
        if number == 0 && *byte == 0x80 {
            // There are superfluous bytes.
            return None;
        }
        if number >> 120 != 0 {
            return None;
        }
        number = number << 7 | u128::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    if value.last()? & 0x80 != 0 {
        return None;
    }
    let first = numbers[0].min(80) / 40;
    let mut text = format!("{first}.{}", numbers[0] - first * 40);
    for number in &numbers[1..] {
        text.push('.');
        text.push_str(&number.to_string());
    }
    Some(text)
}

/// Returns the first 32 bits of a bit string; its first bit is bit 0. Unused bits count as 0.
/// `None` if the number of unused bits is above 7.
pub(in crate::ssl) fn bits(value: &[u8]) -> Option<u32> {
    let (&unused, bytes) = value.split_first()?;
    if unused > 7 {
        return None;
    }
    let mut bits = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        let mask = if index + 1 == bytes.len() { 0xff << unused } else { 0xff };
        bits |= u32::from((byte & mask).reverse_bits()) << (8 * index);
    }
    Some(bits)
}

/// Returns whether the content of a value fits its tag. The function does not know what sequences,
/// sets and context-specific values contain. Strings may be constructed; numbers may not.
pub(in crate::ssl) fn is_well_formed(tlv: &Tlv<'_>) -> bool {
    let value = tlv.value;
    match tlv.tag {
        0x21 | 0x22 | 0x25 | 0x26 | 0x2a => false,
        0x20..=0x2f | 0x32..=0x3f => {
            let mut parts = Der::new(value);
            while !parts.is_empty() {
                if parts.next_value().is_none() {
                    return false;
                }
            }
            true
        }
        BOOLEAN => value.len() == 1,
        INTEGER | ENUMERATED => !matches!(value, [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]),
        BIT_STRING => bits(value).is_some(),
        NULL => value.is_empty(),
        OID => oid_to_string(value).is_some(),
        UNIVERSAL_STRING => value.len().is_multiple_of(4),
        BMP_STRING => value.len().is_multiple_of(2),
        _ => true,
    }
}
