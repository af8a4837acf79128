//! [`Delimited`]: messages that end with a delimiter.

use super::{Codec, DEFAULT_LIMIT, Decoded, FrameError, FrameErrorKind};

/// Messages of bytes that end with a delimiter.
///
/// A received message does not include the delimiter. [`send`](super::Framed::send) adds it, and
/// fails with [`FrameErrorKind::Invalid`] if the other end would find the delimiter before the end
/// of the message. [`Lines`](super::Lines) does the same for text.
///
/// # Examples
///
/// ```
/// use qcore::framing::{Codec, Decoded, Delimited, FrameErrorKind};
///
/// let mut codec = Delimited::new(b"\r\n\r\n");
/// let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
/// let Decoded::Message(head, length) = codec.decode(bytes)? else { panic!() };
/// assert_eq!(head, b"GET / HTTP/1.1\r\nHost: a");
/// assert_eq!(&bytes[length..], b"rest");
///
/// let mut short = Delimited::new(b"\0").with_limit(3);
/// assert_eq!(short.decode(b"four").unwrap_err(), FrameErrorKind::TooLong);
/// # Ok::<(), qcore::framing::FrameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Delimited {
    delimiter: Vec<u8>,
    limit: usize,
    /// How many bytes of the message were searched and do not begin a delimiter.
    searched: usize,
}

impl Delimited {
    /// Creates a codec for messages of at most 1 MiB.
    ///
    /// # Panics
    ///
    /// If `delimiter` is empty.
    #[must_use]
    #[track_caller]
    pub fn new(delimiter: impl Into<Vec<u8>>) -> Self {
        let delimiter = delimiter.into();
        assert!(!delimiter.is_empty(), "the delimiter has no bytes");
        Delimited { delimiter, limit: DEFAULT_LIMIT, searched: 0 }
    }

    /// Sets how many bytes a message has at most, without the delimiter. The default is 1 MiB.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Finds the end of the message. Returns its length without and with the delimiter.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
        let size = self.delimiter.len();
        let most = self.limit.saturating_add(size).min(bytes.len());
        let from = self.searched.min(most);
        if let Some(at) = find(&bytes[from..most], &self.delimiter) {
            self.searched = 0;
            return Ok(Some((from + at, from + at + size)));
        }
        self.searched = most.saturating_sub(size - 1);
        if self.searched > self.limit { Err(FrameErrorKind::TooLong.into()) } else { Ok(None) }
    }

    /// Appends the delimiter to the message, which begins at `start`.
    pub(super) fn finish(&self, start: usize, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let size = out.len() - start;
        if size > self.limit {
            return Err(FrameErrorKind::TooLong.into());
        }
        out.extend_from_slice(&self.delimiter);
        if find(&out[start..], &self.delimiter) != Some(size) {
            let text = "the message contains the delimiter";
            return Err(FrameError::new(FrameErrorKind::Invalid, text));
        }
        Ok(())
    }
}

impl Codec for Delimited {
    type Message = Vec<u8>;
    type Sent = [u8];

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Vec<u8>>, FrameError> {
        Ok(match self.find(bytes)? {
            Some((end, size)) => Decoded::Message(bytes[..end].to_vec(), size),
            None => Decoded::Need(0),
        })
    }

    fn encode(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        let start = out.len();
        out.extend_from_slice(message);
        self.finish(start, out)
    }

    fn reset(&mut self) {
        self.searched = 0;
    }
}

/// Returns where `needle` begins in `bytes`.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|&byte| byte == first) {
        let after = from + at + 1;
        if bytes[after..].starts_with(rest) {
            return Some(after - 1);
        }
        from = after;
    }
    None
}
