//! [`Netstrings`].

use super::{Codec, DEFAULT_LIMIT, Decoded, FrameError, FrameErrorKind};

/// The most digits that a length can have.
const DIGITS: usize = 20;

/// Messages of bytes as netstrings: the length in decimal digits, a colon, the bytes, and a comma.
/// A message has at most 1 MiB by default.
///
/// # Examples
///
/// ```
/// use qcore::framing::{Codec, Decoded, FrameErrorKind, Netstrings};
///
/// let mut codec = Netstrings::new();
/// assert_eq!(codec.decode(b"5:hello,0:,")?, Decoded::Message(b"hello".to_vec(), 8));
/// assert_eq!(codec.decode(b"05:hello,").unwrap_err(), FrameErrorKind::Invalid);
/// assert_eq!(codec.decode(b"9999999").unwrap_err(), FrameErrorKind::TooLong);
/// # Ok::<(), qcore::framing::FrameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Netstrings {
    limit: usize,
}

impl Netstrings {
    /// Creates a codec for messages of at most 1 MiB.
    #[must_use]
    #[allow(clippy::new_without_default)] // as the other codecs
    pub fn new() -> Self {
        Netstrings { limit: DEFAULT_LIMIT }
    }

    /// Sets how many bytes a message has at most. The default is 1 MiB.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl Codec for Netstrings {
    type Message = Vec<u8>;
    type Sent = [u8];

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Vec<u8>>, FrameError> {
        let digits = bytes.iter().take(DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        // Before the limit, so that the error does not depend on how many digits have arrived.
        if digits > 1 && bytes[0] == b'0' {
            return Err(FrameErrorKind::Invalid.into());
        }
        let mut length: usize = 0;
        for digit in &bytes[..digits] {
            let next = length.checked_mul(10);
            let next = next.and_then(|number| number.checked_add(usize::from(digit - b'0')));
            length = next.filter(|&n| n <= self.limit).ok_or(FrameErrorKind::TooLong)?;
        }
        match bytes.get(digits) {
            None => return Ok(Decoded::Need(0)),
            Some(b':') if digits > 0 => {}
            Some(_) => return Err(FrameErrorKind::Invalid.into()),
        }
        let start = digits + 1;
        let end = start.checked_add(length).ok_or(FrameErrorKind::TooLong)?;
        match bytes.get(end) {
            None => Ok(Decoded::Need(end.saturating_add(1))),
            Some(b',') => Ok(Decoded::Message(bytes[start..end].to_vec(), end + 1)),
            Some(_) => Err(FrameErrorKind::Invalid.into()),
        }
    }

    fn encode(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        if message.len() > self.limit {
            return Err(FrameErrorKind::TooLong.into());
        }
        out.extend_from_slice(message.len().to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(message);
        out.push(b',');
        Ok(())
    }
}
