//! [`LengthPrefix`]: messages with their length in front.

use super::{Codec, DEFAULT_LIMIT, Decoded, FrameError, FrameErrorKind};
use crate::stream::ByteOrder;

/// How many bytes the length in front of a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrefixSize {
    /// 1 byte, a `quint8`.
    U8,
    /// 2 bytes, a `quint16`.
    U16,
    /// 4 bytes, a `quint32`.
    U32,
    /// 8 bytes, a `quint64`.
    U64,
    /// As many bytes as the number needs, and at most this many: 4 in MQTT, 10 in Protocol Buffers.
    /// Each byte has 7 bits of the number, the low ones first. Its highest bit says whether another
    /// byte follows. A maximum of 0 counts as 1, and one above 10 counts as 10.
    Varint(u8),
}

impl PrefixSize {
    /// Returns the number of bytes of a fixed size.
    fn fixed(self) -> Option<usize> {
        match self {
            PrefixSize::U8 => Some(1),
            PrefixSize::U16 => Some(2),
            PrefixSize::U32 => Some(4),
            PrefixSize::U64 => Some(8),
            PrefixSize::Varint(_) => None,
        }
    }

    /// Returns the number of bytes at most.
    fn most(self) -> usize {
        match self {
            PrefixSize::Varint(most) => most.clamp(1, 10).into(),
            _ => self.fixed().unwrap_or(8),
        }
    }
}

/// The parts of a message, without its length.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) header: &'a [u8],
    pub(super) body: &'a [u8],
}

/// Messages of bytes, each with its length in front.
///
/// By default the length is in big endian order, does not include its own bytes, and is at most 1
/// MiB. A length over the limit is an error of the kind [`TooLong`](FrameErrorKind::TooLong), as
/// soon as the length has arrived. The codec allocates memory for a message only when all its bytes
/// have arrived.
///
/// # Examples
///
/// ```
/// use qcore::framing::{Codec, Decoded, FrameErrorKind, LengthPrefix, PrefixSize};
/// use qcore::stream::ByteOrder;
///
/// let mut codec = LengthPrefix::new(PrefixSize::U16);
/// assert_eq!(codec.decode(b"\0\x05he")?, Decoded::Need(7));
/// assert_eq!(codec.decode(b"\0\x05hello")?, Decoded::Message(b"hello".to_vec(), 7));
///
/// let mut codec = LengthPrefix::new(PrefixSize::U32)
///     .with_byte_order(ByteOrder::LittleEndian)
///     .with_inclusive_length()
///     .with_limit(100);
/// let mut out = Vec::new();
/// codec.encode(b"hello", &mut out)?;
/// assert_eq!(out, b"\x09\0\0\0hello");
/// assert_eq!(codec.decode(b"\xff\xff\xff\xff").unwrap_err(), FrameErrorKind::TooLong);
/// # Ok::<(), qcore::framing::FrameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LengthPrefix {
    size: PrefixSize,
    byte_order: ByteOrder,
    counts_itself: bool,
    header: usize,
    limit: usize,
}

impl LengthPrefix {
    /// Creates a codec for messages of at most 1 MiB.
    #[must_use]
    pub fn new(size: PrefixSize) -> Self {
        let byte_order = ByteOrder::BigEndian;
        LengthPrefix { size, byte_order, counts_itself: false, header: 0, limit: DEFAULT_LIMIT }
    }

    /// Sets the order of the bytes of the length. The default is big endian, as in `QDataStream`.
    #[must_use]
    pub fn with_byte_order(mut self, byte_order: ByteOrder) -> Self {
        self.byte_order = byte_order;
        self
    }

    /// Makes the length include its own bytes.
    #[must_use]
    #[doc(alias = "length_adjustment")]
    pub fn with_inclusive_length(mut self) -> Self {
        self.counts_itself = true;
        self
    }

    /// Sets how many bytes of each message precede the length, 0 by default. These bytes, the
    /// header, are the first bytes of the message, and the length does not include them.
    ///
    /// # Examples
    ///
    /// A packet of MQTT has a byte with its kind, the length of the body, and the body:
    ///
    /// ```
    /// use qcore::framing::{Codec, Decoded, LengthPrefix, PrefixSize};
    ///
    /// let mut codec = LengthPrefix::new(PrefixSize::Varint(4)).with_header_size(1);
    /// let mut out = Vec::new();
    /// codec.encode(b"\x40\0\x07", &mut out)?;
    /// assert_eq!(out, b"\x40\x02\0\x07");
    /// assert_eq!(codec.decode(&out)?, Decoded::Message(b"\x40\0\x07".to_vec(), 4));
    /// # Ok::<(), qcore::framing::FrameError>(())
    /// ```
    #[must_use]
    pub fn with_header_size(mut self, bytes: usize) -> Self {
        self.header = bytes;
        self
    }

    /// Sets how many bytes a message has at most, without the header and the length. The default is
    /// 1 MiB.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the parts of the message and its whole size, or how many bytes are needed.
    pub(super) fn find<'a>(&self, bytes: &'a [u8]) -> Result<Decoded<Parts<'a>>, FrameError> {
        let Some((header, rest)) = bytes.split_at_checked(self.header) else {
            return Ok(Decoded::Need(self.header.saturating_add(1)));
        };
        let read = match self.size.fixed() {
            Some(size) => self.read_fixed(rest, size),
            None => self.read_varint(rest)?,
        };
        let (mut length, prefix) = match read {
            Decoded::Message(length, prefix) => (length, prefix),
            Decoded::Need(needed) | Decoded::Skip(needed) => {
                return Ok(Decoded::Need(self.header + needed));
            }
        };
        if self.counts_itself {
            length = length.checked_sub(prefix as u64).ok_or_else(|| {
                let text = "the length of the message is less than that of its prefix";
                FrameError::new(FrameErrorKind::Invalid, text)
            })?;
        }
        let start = self.header + prefix;
        let end = usize::try_from(length).ok().filter(|&length| length <= self.limit);
        let end = end.and_then(|length| length.checked_add(start));
        let end = end.ok_or(FrameErrorKind::TooLong)?;
        Ok(match bytes.get(start..end) {
            Some(body) => Decoded::Message(Parts { header, body }, end),
            None => Decoded::Need(end),
        })
    }

    /// Returns the length and the number of its bytes, or how many bytes are needed.
    fn read_fixed(&self, bytes: &[u8], size: usize) -> Decoded<u64> {
        let Some(head) = bytes.get(..size) else { return Decoded::Need(size) };
        let mut number = [0; 8];
        match self.byte_order {
            ByteOrder::BigEndian => number[8 - size..].copy_from_slice(head),
            ByteOrder::LittleEndian => {
                number[8 - size..].iter_mut().rev().zip(head).for_each(|(to, &from)| *to = from)
            }
        }
        Decoded::Message(u64::from_be_bytes(number), size)
    }

    /// The same for a length in groups of 7 bits.
    fn read_varint(&self, bytes: &[u8]) -> Result<Decoded<u64>, FrameError> {
        let mut length = 0;
        for at in 0..self.size.most() {
            let Some(&byte) = bytes.get(at) else { return Ok(Decoded::Need(at + 1)) };
            let (group, shift) = (u64::from(byte & 0x7f), 7 * at);
            if group << shift >> shift != group {
                return Err(FrameErrorKind::TooLong.into());
            }
            length |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(Decoded::Message(length, at + 1));
            }
        }
        let text = "the length of the message has too many bytes";
        Err(FrameError::new(FrameErrorKind::Invalid, text))
    }

    /// Appends the length of a body of `length` bytes.
    fn write(&self, length: usize, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let prefix = self.prefix_of(length).ok_or(FrameErrorKind::TooLong)?;
        let mut number = if self.counts_itself { length + prefix } else { length } as u64;
        match (self.size, self.byte_order) {
            (PrefixSize::Varint(_), _) => {
                while number > 0x7f {
                    out.push(number as u8 | 0x80);
                    number >>= 7;
                }
                out.push(number as u8);
            }
            (_, ByteOrder::BigEndian) => out.extend(&number.to_be_bytes()[8 - prefix..]),
            (_, ByteOrder::LittleEndian) => out.extend(&number.to_le_bytes()[..prefix]),
        }
        Ok(())
    }

    /// Returns how many bytes the length of a body takes. Returns `None` if the body is too long.
    fn prefix_of(&self, length: usize) -> Option<usize> {
        let bits = if self.size.fixed().is_some() { 8 } else { 7 };
        let fits = |prefix: &usize| {
            let number = length as u64 + if self.counts_itself { *prefix as u64 } else { 0 };
            bits * prefix >= 64 || number >> (bits * prefix) == 0
        };
        let least = self.size.fixed().unwrap_or(1);
        (least..=self.size.most()).find(fits).filter(|_| length <= self.limit)
    }

    /// Encodes a message that consists of `parts`, and of `more` bytes that are not appended.
    pub(super) fn encode_parts(
        &self,
        parts: &[&[u8]],
        more: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        let size = parts.iter().map(|part| part.len()).sum::<usize>() + more;
        let mut length = size.checked_sub(self.header);
        let mut header = self.header;
        for part in parts {
            let (front, body) = part.split_at(header.min(part.len()));
            header -= front.len();
            out.extend_from_slice(front);
            if header == 0
                && let Some(length) = length.take()
            {
                self.write(length, out)?;
            }
            out.extend_from_slice(body);
        }
        match length {
            None if header == 0 => Ok(()),
            Some(length) if header == 0 => self.write(length, out),
            _ => {
                let text = "the message is shorter than its header";
                Err(FrameError::new(FrameErrorKind::Invalid, text))
            }
        }
    }
}

impl Codec for LengthPrefix {
    type Message = Vec<u8>;
    type Sent = [u8];

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Vec<u8>>, FrameError> {
        Ok(self.find(bytes)?.map(|parts| [parts.header, parts.body].concat()))
    }

    fn encode(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        self.encode_parts(&[message], 0, out)
    }
}
