//! [`Fields`]: the fields of a binary message.

use super::{Decoded, LengthPrefix, PrefixSize};

/// Reads the fields of a binary message, one after the other, from borrowed bytes.
///
/// If too few bytes are left, a function returns `None` and reads nothing. No bytes are copied.
/// Numbers are in big endian order. Unlike [`QDataStream`](crate::QDataStream), this type has no
/// format of its own for text and lists.
///
/// # Examples
///
/// ```
/// use qcore::framing::{Fields, PrefixSize};
///
/// /// Returns a name, an age, and a picture: the rest of the message.
/// fn person(message: &[u8]) -> Option<(&str, u8, &[u8])> {
///     let mut fields = Fields::new(message);
///     let name = str::from_utf8(fields.prefixed(PrefixSize::U16)?).ok()?;
///     Some((name, fields.u8()?, fields.rest()))
/// }
///
/// assert_eq!(person(b"\0\x03Ada\x24\x01\x02"), Some(("Ada", 36, &b"\x01\x02"[..])));
/// assert_eq!(person(b"\0\x04Ada"), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Creates a reader of the fields of `message`.
    #[must_use]
    pub const fn new(message: &'a [u8]) -> Self {
        Fields(message)
    }

    /// Reads `count` bytes.
    #[inline]
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        self.0.split_off(..count)
    }

    /// Reads a length and then that many bytes. Returns the bytes without the length.
    #[inline]
    pub fn prefixed(&mut self, size: PrefixSize) -> Option<&'a [u8]> {
        let prefix = LengthPrefix::new(size).with_limit(usize::MAX);
        let Ok(Decoded::Message(parts, taken)) = prefix.find(self.0) else { return None };
        self.bytes(taken)?;
        Some(parts.body)
    }

    /// Reads a number of 1 byte.
    #[inline]
    pub fn u8(&mut self) -> Option<u8> {
        self.0.split_off_first().copied()
    }

    /// Reads a number of 2 bytes.
    #[inline]
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Reads a number of 4 bytes.
    #[inline]
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Reads a number of 8 bytes.
    #[inline]
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Reads all remaining bytes.
    #[inline]
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Returns whether no bytes are left.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many bytes are left.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_short_takes_nothing() {
        let message = [1, 2, 3, 4, 5, 6, 7];
        let mut fields = Fields::new(&message);
        assert_eq!(fields.u64(), None);
        assert_eq!(fields.bytes(8), None);
        assert_eq!(fields.bytes(usize::MAX), None);
        assert_eq!(fields.prefixed(PrefixSize::U16), None);
        assert_eq!(fields.prefixed(PrefixSize::U64), None);
        assert_eq!(fields.len(), 7);
        assert_eq!(fields.u16(), Some(0x0102));
        assert_eq!(fields.u32(), Some(0x0304_0506));
        assert_eq!((fields.u16(), fields.u32()), (None, None));
        assert_eq!(fields.u8(), Some(7));
        assert_eq!((fields.u8(), fields.bytes(0)), (None, Some(&[][..])));
        assert!(fields.is_empty());
    }

    #[test]
    fn lengths_in_front() {
        let mut fields = Fields::new(b"\x02ab\0\x01c\x01d\x80");
        assert_eq!(fields.prefixed(PrefixSize::U8), Some(&b"ab"[..]));
        assert_eq!(fields.prefixed(PrefixSize::U16), Some(&b"c"[..]));
        assert_eq!(fields.prefixed(PrefixSize::Varint(4)), Some(&b"d"[..]));
        assert_eq!(fields.prefixed(PrefixSize::Varint(4)), None);
        assert_eq!(fields.rest(), b"\x80");
        assert_eq!(fields.rest(), b"");
        // A length that no address space has room for.
        assert_eq!(Fields::new(&[0xff; 20]).prefixed(PrefixSize::U64), None);
    }
}
