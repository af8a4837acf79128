//! [`Codec`]: converts between messages and bytes.

use super::{FrameError, FrameErrorKind};

/// Converts between messages and bytes. [`Framed`](super::Framed) calls it.
///
/// A codec needs no device: its functions work on bytes only, so that a test can call them. No
/// function of a codec may call the [`Framed`](super::Framed) that uses it.
///
/// # Examples
///
/// A message with a kind, a length and a value:
///
/// ```
/// use qcore::{OpenMode, QBuffer, wait_until};
/// use qcore::framing::{Codec, Decoded, FrameError, FrameErrorKind, Framed};
///
/// struct Tlv;
///
/// impl Codec for Tlv {
///     type Message = (u8, Vec<u8>);
///     type Sent = (u8, Vec<u8>);
///
///     fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Self::Message>, FrameError> {
///         let &[kind, size, ..] = bytes else { return Ok(Decoded::Need(2)) };
///         let end = 2 + usize::from(size);
///         Ok(match bytes.get(2..end) {
///             Some(value) => Decoded::Message((kind, value.to_vec()), end),
///             None => Decoded::Need(end),
///         })
///     }
///
///     fn encode(
///         &mut self,
///         (kind, value): &Self::Sent,
///         out: &mut Vec<u8>,
///     ) -> Result<(), FrameError> {
///         let size = u8::try_from(value.len()).map_err(|_| FrameErrorKind::TooLong)?;
///         out.extend([*kind, size]);
///         out.extend(value);
///         Ok(())
///     }
/// }
///
/// let buffer = QBuffer::new();
/// buffer.set_data(b"\x07\x02hi\x08\x00");
/// buffer.open(OpenMode::READ_ONLY)?;
/// let framed = Framed::new(&buffer, Tlv);
/// let spy = qcore::QSignalSpy::new(&framed.message);
/// assert!(wait_until(1000, || spy.count() == 2));
/// assert_eq!(spy.values()[0], (7, b"hi".to_vec()));
/// # Ok::<(), qcore::DeviceError>(())
/// ```
pub trait Codec: 'static {
    /// A received message.
    type Message: 'static;

    /// A message to be sent, which [`send`](super::Framed::send) takes by reference: for
    /// example `str` if `Message` is `String`.
    type Sent: ?Sized;

    /// Decodes the message at the front of `bytes`, which are never empty. Any number of bytes may
    /// follow the message.
    ///
    /// If the message is not complete, `decode` returns [`Decoded::Need`]. The next call gets the
    /// same bytes again, and at least one more. So a codec that searches for a delimiter may
    /// remember how far it has searched.
    ///
    /// The bytes come from the other end, which may be hostile. Do not allocate memory because the
    /// bytes announce a length: compare the length with a limit, and return [`Decoded::Need`].
    ///
    /// # Errors
    ///
    /// An error if the bytes are not a message. [`Framed`](super::Framed) emits it, and then
    /// decodes no further bytes of this stream.
    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Self::Message>, FrameError>;

    /// Decodes the last bytes of a stream that has ended, after `decode` has seen all of them and
    /// has returned [`Decoded::Need`].
    ///
    /// # Errors
    ///
    /// [`FrameErrorKind::Incomplete`] by default.
    fn decode_end(&mut self, bytes: &[u8]) -> Result<Decoded<Self::Message>, FrameError> {
        let _ = bytes;
        Err(FrameErrorKind::Incomplete.into())
    }

    /// Appends a message to `out`.
    ///
    /// # Errors
    ///
    /// An error if the codec cannot encode the message. Then nothing is sent, whatever is in `out`.
    fn encode(&mut self, message: &Self::Sent, out: &mut Vec<u8>) -> Result<(), FrameError>;

    /// Forgets what `decode` has seen of an incomplete message. [`Framed`](super::Framed) calls
    /// this when another stream begins, or when the program may have read bytes itself. By default
    /// the function does nothing.
    fn reset(&mut self) {}
}

/// What [`Codec::decode`] has found at the start of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<M> {
    /// A message, and its length in bytes, at least 1.
    Message(M, usize),
    /// The number of bytes to skip, at least 1, because they are not a message: a blank line, for
    /// example.
    Skip(usize),
    /// The message is not complete. `decode` is called again when there are this many bytes in all.
    /// 0 means that the codec does not know the number: `decode` is called again when there is at
    /// least one more byte.
    Need(usize),
}

impl<M> Decoded<M> {
    /// Returns the same with another message.
    pub(super) fn map<N>(self, convert: impl FnOnce(M) -> N) -> Decoded<N> {
        match self {
            Decoded::Message(message, size) => Decoded::Message(convert(message), size),
            Decoded::Skip(size) => Decoded::Skip(size),
            Decoded::Need(size) => Decoded::Need(size),
        }
    }
}
