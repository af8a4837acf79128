//! [`Codec`]: how messages look in bytes.

use super::{FrameError, FrameErrorKind};

/// How messages look in bytes.
///
/// A codec needs no device: its functions work on bytes alone, so that a test can call them. No
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

    /// Decodes the message at the front of `bytes`, which are never empty. There may be any number
    /// of bytes behind the message.
    ///
    /// If the message is not complete, `decode` returns [`Decoded::Need`]. The next call gets the
    /// same bytes again, and at least one more. So a codec that searches may remember how far it
    /// has searched.
    ///
    /// The bytes come from the other end. Allocate nothing only because they announce a length:
    /// check the length against a limit, and return [`Decoded::Need`].
    ///
    /// # Errors
    ///
    /// If the bytes are not a message. The [`Framed`](super::Framed) then decodes nothing more.
    fn decode(&mut self, bytes: &[u8]) -> Result<Decoded<Self::Message>, FrameError>;

    /// Decodes the last bytes of a stream that has ended. `decode` has seen them all and needs
    /// more.
    ///
    /// # Errors
    ///
    /// By default [`FrameErrorKind::Incomplete`].
    fn decode_end(&mut self, bytes: &[u8]) -> Result<Decoded<Self::Message>, FrameError> {
        let _ = bytes;
        Err(FrameErrorKind::Incomplete.into())
    }

    /// Appends a message to `out`.
    ///
    /// # Errors
    ///
    /// If the message cannot be sent. Nothing is sent then, whatever is in `out`.
    fn encode(&mut self, message: &Self::Sent, out: &mut Vec<u8>) -> Result<(), FrameError>;

    /// Forgets what `decode` has seen of an incomplete message: another stream begins, or the
    /// program may have read bytes. By default it does nothing.
    fn reset(&mut self) {}
}

/// What [`Codec::decode`] has found at the front of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<M> {
    /// A message, and how many bytes it takes up. There is at least one.
    Message(M, usize),
    /// So many bytes that are no message, at least one: a blank line, for example.
    Skip(usize),
    /// The message is not complete. `decode` is called again when there are so many bytes in all.
    /// If the codec does not know how many there will be, 0 means "one more".
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
