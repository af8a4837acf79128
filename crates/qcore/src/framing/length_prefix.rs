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
}

impl PrefixSize {
    fn bytes(self) -> usize {
        match self {
            PrefixSize::U8 => 1,
            PrefixSize::U16 => 2,
            PrefixSize::U32 => 4,
            PrefixSize::U64 => 8,
        }
    }
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
///     .counting_itself()
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
    limit: usize,
}

impl LengthPrefix {
    /// Creates a codec for messages of at most 1 MiB.
    #[must_use]
    pub fn new(size: PrefixSize) -> Self {
        let byte_order = ByteOrder::BigEndian;
        LengthPrefix { size, byte_order, counts_itself: false, limit: DEFAULT_LIMIT }
    }

    /// Sets the order of the bytes of the length. The default is big endian, as in `QDataStream`.
    #[must_use]
    pub fn with_byte_order(mut self, byte_order: ByteOrder) -> Self {
        self.byte_order = byte_order;
        self
    }

    /// Makes the length include its own bytes.
    #[must_use]
    pub fn counting_itself(mut self) -> Self {
        self.counts_itself = true;
        self
    }

    /// Sets how many bytes a message has at most, without the length. The default is 1 MiB.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the message and its size including the length, or the number of bytes that are
    /// needed.
    pub(super) fn find<'a>(&self, bytes: &'a [u8]) -> Result<Decoded<&'a [u8]>, FrameError> {
        let prefix = self.size.bytes();
        let Some(head) = bytes.get(..prefix) else { return Ok(Decoded::Need(prefix)) };
        let mut number = [0; 8];
        match self.byte_order {
            ByteOrder::BigEndian => number[8 - prefix..].copy_from_slice(head),
            ByteOrder::LittleEndian => {
                number[8 - prefix..].iter_mut().rev().zip(head).for_each(|(to, &from)| *to = from)
            }
        }
        let mut length = u64::from_be_bytes(number);
        if self.counts_itself {
            length = length.checked_sub(prefix as u64).ok_or_else(|| {
                let text = "the length of the message is less than that of its prefix";
                FrameError::new(FrameErrorKind::Invalid, text)
            })?;
        }
        let end = usize::try_from(length).ok().filter(|&length| length <= self.limit);
        let end = end.and_then(|length| length.checked_add(prefix));
        let end = end.ok_or(FrameErrorKind::TooLong)?;
        Ok(match bytes.get(prefix..end) {
            Some(message) => Decoded::Message(message, end),
            None => Decoded::Need(end),
        })
    }

    /// Makes room for the length. [`finish`](LengthPrefix::finish) writes it.
    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        out.resize(out.len() + self.size.bytes(), 0);
    }

    /// Writes the length of the message whose prefix begins at `start`.
    pub(super) fn finish(&self, start: usize, out: &mut [u8]) -> Result<(), FrameError> {
        let prefix = self.size.bytes();
        let length = out.len() - start - prefix;
        let number = if self.counts_itself { length + prefix } else { length } as u64;
        let fits = prefix == 8 || number >> (8 * prefix) == 0;
        if length > self.limit || !fits {
            return Err(FrameErrorKind::TooLong.into());
        }
        let head = &mut out[start..][..prefix];
        match self.byte_order {
            ByteOrder::BigEndian => head.copy_from_slice(&number.to_be_bytes()[8 - prefix..]),
            ByteOrder::LittleEndian => head.copy_from_slice(&number.to_le_bytes()[..prefix]),
        }
        Ok(())
    }
}

impl Codec for LengthPrefix {
    type Message = Vec<u8>;
    type Sent = [u8];

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Vec<u8>>, FrameError> {
        Ok(self.find(bytes)?.map(<[u8]>::to_vec))
    }

    fn encode(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        let start = out.len();
        self.begin(out);
        out.extend_from_slice(message);
        self.finish(start, out)
    }
}
