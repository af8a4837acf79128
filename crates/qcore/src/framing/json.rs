//! [`JsonLines`]: JSON texts, one in each line.

use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, Decoded, Delimited, FrameError, FrameErrorKind};

/// JSON texts, one in each line, as messages of a type that `serde` can read and write.
///
/// With `serde_json::Value` as the type, any JSON is a message. The codec skips blank lines. A line
/// that is not JSON, or not a value of the type, is an error of the kind
/// [`Invalid`](FrameErrorKind::Invalid). Needs the feature `json`.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
/// use qcore::framing::{Codec, Decoded, JsonLines};
///
/// let mut codec = JsonLines::<BTreeMap<String, u32>>::new();
/// let Decoded::Message(message, 8) = codec.decode(b"{\"a\":1}\n")? else { panic!() };
/// assert_eq!(message["a"], 1);
///
/// let mut out = Vec::new();
/// codec.encode(&message, &mut out)?;
/// assert_eq!(out, b"{\"a\":1}\n");
/// # Ok::<(), qcore::framing::FrameError>(())
/// ```
pub struct JsonLines<T> {
    lines: Delimited,
    value: PhantomData<fn() -> T>,
}

impl<T> JsonLines<T> {
    /// Creates a codec for lines of at most 1 MiB.
    #[must_use]
    #[allow(clippy::new_without_default)] // as the other codecs
    pub fn new() -> Self {
        JsonLines { lines: Delimited::new(b"\n"), value: PhantomData }
    }

    /// Sets how many bytes a line has at most, without its end. The default is 1 MiB.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.lines = self.lines.with_limit(limit);
        self
    }
}

impl<T: DeserializeOwned + Serialize + 'static> Codec for JsonLines<T> {
    type Message = T;
    type Sent = T;

    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<T>, FrameError> {
        let Some((end, size)) = self.lines.find(bytes)? else { return Ok(Decoded::Need(0)) };
        let line = bytes[..end].trim_ascii();
        if line.is_empty() {
            return Ok(Decoded::Skip(size));
        }
        let value = serde_json::from_slice(line).map_err(invalid)?;
        Ok(Decoded::Message(value, size))
    }

    fn encode(&mut self, value: &T, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let start = out.len();
        serde_json::to_writer(&mut *out, value).map_err(invalid)?;
        self.lines.finish(start, out)
    }

    fn reset(&mut self) {
        self.lines.reset();
    }
}

#[allow(clippy::needless_pass_by_value)] // for map_err
fn invalid(error: serde_json::Error) -> FrameError {
    FrameError::with_source(FrameErrorKind::Invalid, error)
}

impl<T> Clone for JsonLines<T> {
    fn clone(&self) -> Self {
        JsonLines { lines: self.lines.clone(), value: PhantomData }
    }
}

impl<T> fmt::Debug for JsonLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("lines", &self.lines).finish_non_exhaustive()
    }
}
