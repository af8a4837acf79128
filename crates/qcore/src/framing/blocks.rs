//! [`DataBlocks`]: blocks of a data stream.

use std::{fmt, marker::PhantomData};

use super::{Codec, Decoded, FrameError, FrameErrorKind, LengthPrefix, PrefixSize};
use crate::stream::{FromStream, QDataStream, StreamStatus, StreamVersion, ToStream};

/// The largest buffer that is kept for the next block, in bytes.
const KEPT: usize = 64 * 1024;

/// Values in the format of [`QDataStream`], each in a block with its length in front.
///
/// Many Qt programs use this protocol. Those that follow Qt's older fortune example write the
/// length as a `quint16`, others as a `quint32`. If a block has several values, `T` is a tuple, or
/// a type of your own that implements [`FromStream`] and [`ToStream`].
///
/// A block that is shorter or longer than its value is an error of the kind
/// [`Invalid`](FrameErrorKind::Invalid). A block has at most 1 MiB by default.
///
/// # Examples
///
/// ```
/// use qcore::framing::{Codec, DataBlocks, Decoded, PrefixSize};
///
/// let mut blocks = DataBlocks::<String>::new(PrefixSize::U16);
/// let mut out = Vec::new();
/// blocks.encode(&"hi".to_owned(), &mut out)?;
/// assert_eq!(out, b"\0\x08\0\0\0\x04\0h\0i"); // the block's length, the text's, UTF-16
/// assert_eq!(blocks.decode(&out)?, Decoded::Message("hi".to_owned(), 10));
/// # Ok::<(), qcore::framing::FrameError>(())
/// ```
pub struct DataBlocks<T> {
    prefix: LengthPrefix,
    version: StreamVersion,
    /// Holds a block while it is read or written. It is kept for the next one.
    block: Vec<u8>,
    value: PhantomData<fn() -> T>,
}

impl<T> DataBlocks<T> {
    /// Creates a codec with a length of this size in front of each block.
    #[must_use]
    pub fn new(size: PrefixSize) -> Self {
        Self::with_prefix(LengthPrefix::new(size))
    }

    /// Creates a codec with a length in any form. The limit of `prefix` limits a block.
    #[must_use]
    pub fn with_prefix(prefix: LengthPrefix) -> Self {
        let version = StreamVersion::default();
        DataBlocks { prefix, version, block: Vec::new(), value: PhantomData }
    }

    /// Sets the version of the stream format. The default is that of a new [`QDataStream`].
    #[must_use]
    pub fn with_version(mut self, version: StreamVersion) -> Self {
        self.version = version;
        self
    }

    fn stream(&self, bytes: Vec<u8>) -> QDataStream {
        let mut stream = QDataStream::from_bytes(bytes);
        stream.set_version(self.version);
        stream
    }

    /// Keeps the memory of a block for the next one, unless it is large.
    fn keep(&mut self, mut block: Vec<u8>) {
        if block.capacity() <= KEPT {
            block.clear();
            self.block = block;
        }
    }
}

impl<T: FromStream + ToStream + 'static> Codec for DataBlocks<T> {
    type Message = T;
    type Sent = T;

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<T>, FrameError> {
        let (parts, size) = match self.prefix.find(bytes)? {
            Decoded::Message(parts, size) => (parts, size),
            Decoded::Skip(size) => return Ok(Decoded::Skip(size)),
            Decoded::Need(size) => return Ok(Decoded::Need(size)),
        };
        let mut copy = std::mem::take(&mut self.block);
        copy.extend_from_slice(parts.header);
        copy.extend_from_slice(parts.body);
        let mut stream = self.stream(copy);
        let value = stream.read();
        let is_whole = stream.status() == StreamStatus::Ok && stream.at_end();
        self.keep(stream.into_bytes());
        if !is_whole {
            let text = "the block is not a value of the expected type";
            return Err(FrameError::new(FrameErrorKind::Invalid, text));
        }
        Ok(Decoded::Message(value, size))
    }

    fn encode(&mut self, value: &T, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let block = std::mem::take(&mut self.block);
        let mut stream = self.stream(block);
        stream.write(value);
        let status = stream.status();
        let block = stream.into_bytes();
        let encoded = match status {
            StreamStatus::Ok => self.prefix.encode_parts(&[&block], 0, out),
            _ => Err(FrameErrorKind::Invalid.into()),
        };
        self.keep(block);
        encoded
    }
}

impl<T> Clone for DataBlocks<T> {
    fn clone(&self) -> Self {
        DataBlocks::with_prefix(self.prefix.clone()).with_version(self.version)
    }
}

impl<T> fmt::Debug for DataBlocks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataBlocks").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
