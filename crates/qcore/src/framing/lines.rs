//! [`Lines`]: lines of text.

use super::{Codec, Decoded, Delimited, FrameError, FrameErrorKind};

/// Lines of text in UTF-8.
///
/// A received line ends with LF or CRLF, which is not part of the message. A line that is not UTF-8
/// is an error of the kind [`Invalid`](FrameErrorKind::Invalid); for other encodings use
/// [`Delimited`]. If the stream ends with text that has no line end, that is an error of the kind
/// [`Incomplete`](FrameErrorKind::Incomplete), unless
/// [`allow_unterminated`](Lines::allow_unterminated) was called.
///
/// # Examples
///
/// ```
/// use qcore::framing::{Codec, Decoded, Lines};
///
/// let mut lines = Lines::new();
/// assert_eq!(lines.decode(b"HELO\r\nMAIL")?, Decoded::Message("HELO".to_owned(), 6));
/// assert_eq!(lines.decode(b"MAIL")?, Decoded::Need(0));
///
/// let mut out = Vec::new();
/// Lines::with_crlf().encode("250 OK", &mut out)?;
/// assert_eq!(out, b"250 OK\r\n");
/// # Ok::<(), qcore::framing::FrameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lines {
    inner: Delimited,
    crlf: bool,
    open_end: bool,
    limit: usize,
}

impl Lines {
    /// Creates a codec that sends lines with LF. A line has at most 1 MiB.
    #[must_use]
    #[allow(clippy::new_without_default)] // there are two kinds of lines
    pub fn new() -> Self {
        let lines = Lines { inner: Delimited::new(b"\n"), crlf: false, open_end: false, limit: 0 };
        lines.with_limit(super::DEFAULT_LIMIT)
    }

    /// Creates a codec that sends lines with CRLF. It receives both kinds.
    #[must_use]
    pub fn with_crlf() -> Self {
        Lines { crlf: true, ..Lines::new() }
    }

    /// Sets how many bytes a line has at most, without its end. The default is 1 MiB.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        // The carriage return before the delimiter.
        self.inner = self.inner.with_limit(limit.saturating_add(1));
        self
    }

    /// When the stream ends, emits the text after the last line end as a message, too, as
    /// [`read_line`](crate::QIODevice::read_line) does. By default such text is an error.
    #[must_use]
    pub fn allow_unterminated(mut self) -> Self {
        self.open_end = true;
        self
    }

    fn text(&self, line: &[u8]) -> Result<String, FrameError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.limit {
            return Err(FrameErrorKind::TooLong.into());
        }
        match std::str::from_utf8(line) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(FrameError::with_source(FrameErrorKind::Invalid, error)),
        }
    }
}

impl Codec for Lines {
    type Message = String;
    type Sent = str;

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<String>, FrameError> {
        Ok(match self.inner.find(bytes)? {
            Some((end, size)) => Decoded::Message(self.text(&bytes[..end])?, size),
            None => Decoded::Need(0),
        })
    }

    fn decode_end(&mut self, bytes: &[u8]) -> Result<Decoded<String>, FrameError> {
        if !self.open_end {
            return Err(FrameErrorKind::Incomplete.into());
        }
        Ok(Decoded::Message(self.text(bytes)?, bytes.len()))
    }

    /// Appends the line and its end. A text that contains LF or ends with CR is
    /// [`Invalid`](FrameErrorKind::Invalid), because the other end would not receive the same line.
    fn encode(&mut self, line: &str, out: &mut Vec<u8>) -> Result<(), FrameError> {
        if line.len() > self.limit {
            return Err(FrameErrorKind::TooLong.into());
        }
        if line.contains('\n') || line.ends_with('\r') {
            let text = "the text contains a line end";
            return Err(FrameError::new(FrameErrorKind::Invalid, text));
        }
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(if self.crlf { b"\r\n" } else { b"\n" });
        Ok(())
    }

    fn reset(&mut self) {
        self.inner.reset();
    }
}
