//! [`QBitArray`]: an array of bits.

use std::fmt;

/// An array of bits, eight to a byte.
///
/// Stands for Qt's [QBitArray](https://doc.qt.io/qt-5/qbitarray.html), as far as a stream needs it.
///
/// # Examples
///
/// ```
/// use qcore::{QDataStream, stream::QBitArray};
///
/// let mut bits = QBitArray::new(10);
/// bits.set_bit(9, true);
/// let mut stream = QDataStream::from_bytes(Vec::new());
/// stream.write(&bits);
/// assert_eq!(stream.read::<QBitArray>(), bits);
/// assert_eq!(stream.into_bytes(), b"\0\0\0\x0a\x00\x02");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct QBitArray {
    /// The first bit is the lowest one of the first byte. Bits past the end are 0.
    bytes: Vec<u8>,
    len: usize,
}

impl QBitArray {
    /// Creates an array of `len` bits, all 0.
    ///
    /// ```
    /// use qcore::stream::QBitArray;
    ///
    /// let mut bits = QBitArray::new(3);
    /// bits.set_bit(1, true);
    /// assert_eq!(bits, [false, true, false].into_iter().collect());
    /// assert!(!bits.test_bit(100)); // past the end
    /// ```
    #[must_use]
    pub fn new(len: usize) -> Self {
        QBitArray { bytes: vec![0; len.div_ceil(8)], len }
    }

    /// Returns `None` if the number of bytes does not fit `len` or if a bit past the end is 1.
    pub(super) fn from_bytes(bytes: Vec<u8>, len: usize) -> Option<Self> {
        let fits = bytes.len() == len.div_ceil(8);
        let spare = match (bytes.last(), len % 8) {
            (None, _) | (_, 0) => 0,
            (Some(last), used) => last >> used,
        };
        (fits && spare == 0).then_some(QBitArray { bytes, len })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the number of bits.
    #[doc(alias = "size")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the array has no bits.
    #[doc(alias = "isEmpty")]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns whether the bit at `index` is 1. Past the end it returns `false`.
    #[doc(alias = "testBit")]
    #[must_use]
    pub fn test_bit(&self, index: usize) -> bool {
        self.bytes.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }

    /// Sets the bit at `index`.
    ///
    /// # Panics
    ///
    /// If `index` is past the end.
    #[doc(alias = "setBit")]
    #[track_caller]
    pub fn set_bit(&mut self, index: usize, value: bool) {
        assert!(index < self.len, "bit {index} of {}", self.len);
        let mask = 1 << (index % 8);
        match value {
            true => self.bytes[index / 8] |= mask,
            false => self.bytes[index / 8] &= !mask,
        }
    }

    /// Returns an iterator over the bits in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = bool> {
        (0..self.len).map(|index| self.test_bit(index))
    }
}

impl FromIterator<bool> for QBitArray {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let mut array = QBitArray::default();
        for bit in bits {
            if array.len.is_multiple_of(8) {
                array.bytes.push(0);
            }
            array.len += 1;
            array.set_bit(array.len - 1, bit);
        }
        array
    }
}

impl fmt::Debug for QBitArray {
    /// Prints the bits as Qt does: `QBitArray(0110)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QBitArray(")?;
        self.iter().try_for_each(|bit| f.write_str(if bit { "1" } else { "0" }))?;
        f.write_str(")")
    }
}
