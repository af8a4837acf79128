//! [`Framed`]: a device that sends and receives messages.

use std::{
    fmt,
    ops::Deref,
    rc::{Rc, Weak},
};

use super::{Codec, FrameError, FrameErrorKind, FramedNode, LengthPrefix};
use crate::{
    classes::{Inherits, Life, Object},
    io_device::{Chunk, DeviceError, DeviceErrorKind, QIODevice},
    signal::{Receiver, Strong, shape::OfRc},
};

/// From this size on, in bytes, the device keeps the buffer of a message. A smaller message would
/// keep a buffer that is mostly empty.
const GIVEN: usize = 4096;
/// From this size on, in bytes, devices share an encoded message. A smaller one costs less to copy
/// than to keep as a chunk of its own.
const SHARED: usize = 128;

/// A device that sends and receives messages: a socket, encrypted or not, a buffer, or a device of
/// your own, and a [`Codec`].
///
/// A `Framed` is a handle: a clone refers to the same object. It can be the
/// [receiver](crate::Receiver) of slots, which get it as `&Framed`. The signals
/// [`message`](FramedNode::message) and [`error`](FramedNode::error) are fields of it.
///
/// # Life
///
/// The object behind the handle lives as long as the device, even if no `Framed` is left. A
/// `Framed` keeps the device alive, as any handle of the device does. When the device dies, the
/// slots of `message` and `error` are disconnected.
///
/// The object works for all streams of its device, one after the other: if a socket connects again,
/// the codec begins anew.
///
/// # What slots may do
///
/// In one turn of the loop the object emits all messages that have arrived, one at a time. A slot
/// may [`send`](Framed::send), close or delete the device, [`pause`](Framed::pause), change the
/// codec, or [`detach`](Framed::detach). Each of these takes effect before the next message. Bytes
/// after the current message stay in the device. The program, another codec, or a TLS handshake can
/// read them there.
///
/// Use only one `Framed` at a time with a device. Before your program reads from the device itself,
/// pause or detach the `Framed`.
///
/// # Examples
///
/// ```
/// use qcore::{OpenMode, QBuffer, framing::{Framed, Lines}, wait_until};
///
/// let buffer = QBuffer::new();
/// buffer.open(OpenMode::READ_WRITE)?;
/// buffer.write("one\r\ntwo\nthr")?;
/// buffer.reset()?;
///
/// let framed = Framed::new(&buffer, Lines::new());
/// let lines = qcore::QSignalSpy::new(&framed.message);
/// assert!(wait_until(1000, || lines.count() == 2));
/// assert_eq!(lines.values(), ["one", "two"]);
///
/// let buffer = framed.detach();
/// assert_eq!(buffer.read_all(), b"thr");
/// # Ok::<(), qcore::DeviceError>(())
/// ```
///
/// Two protocols on one connection: the first line decides.
///
/// ```
/// use qcore::{OpenMode, QBuffer, QSignalSpy, wait_until};
/// use qcore::framing::{Framed, LengthPrefix, Lines, PrefixSize};
///
/// let buffer = QBuffer::new();
/// buffer.set_data(b"binary\n\x05hello");
/// buffer.open(OpenMode::READ_ONLY)?;
///
/// let received = qcore::Signal::<Vec<u8>>::new();
/// let spy = QSignalSpy::new(&received);
/// let lines = Framed::new(&buffer, Lines::new());
/// lines.message.connect_to(&lines, move |lines, line| {
///     assert_eq!(line, "binary");
///     let blocks = Framed::new(&lines.detach(), LengthPrefix::new(PrefixSize::U8));
///     blocks.message.connect_signal(&received);
/// });
/// assert!(wait_until(1000, || spy.count() == 1));
/// assert_eq!(spy.values()[0], b"hello");
/// # Ok::<(), qcore::DeviceError>(())
/// ```
pub struct Framed<D: Inherits<QIODevice>, C: Codec> {
    device: D,
    node: Rc<FramedNode<C>>,
}

impl<D: Inherits<QIODevice>, C: Codec> Framed<D, C> {
    /// Creates a `Framed` that splits the bytes of `device` into messages, from the next unread
    /// byte on.
    ///
    /// If the device has bytes already, the event loop emits the messages in its next turn.
    #[must_use]
    pub fn new(device: &D, codec: C) -> Self {
        Framed { device: device.clone(), node: FramedNode::attach(device.as_base(), codec) }
    }

    /// Returns the device.
    #[must_use]
    pub fn device(&self) -> &D {
        &self.device
    }

    /// Sends a message. The bytes of each message follow those of the one before.
    ///
    /// # Errors
    ///
    /// * The error of the codec, if it cannot encode the message. Nothing is sent.
    /// * [`FrameErrorKind::Full`] if the device is full and refuses more bytes. Nothing is sent.
    /// * [`FrameErrorKind::Device`] if the device is not open, or has not taken all bytes. A device
    ///   of your own may take only a part of them. The other end can then not tell where a later
    ///   message begins. A socket takes all bytes, as [`write`](QIODevice::write) does, and sends
    ///   them later.
    /// * [`FrameErrorKind::Busy`] if the codec calls this function.
    pub fn send(&self, message: &C::Sent) -> Result<(), FrameError> {
        self.send_with(|codec, bytes| codec.encode(message, bytes))
    }

    /// Encodes a message without sending it, for [`send_encoded`](Framed::send_encoded).
    ///
    /// # Errors
    ///
    /// The error of the codec, if it cannot encode the message. [`FrameErrorKind::Busy`] if the
    /// codec calls this function.
    pub fn encode(&self, message: &C::Sent) -> Result<Chunk, FrameError> {
        let pool = self.device.as_base().buffer_pool().clone();
        let mut bytes = pool.take(0);
        self.node.encode(|codec| codec.encode(message, &mut bytes))?;
        let shared: Rc<[u8]> = bytes[..].into();
        pool.put(bytes);
        Ok(shared.into())
    }

    /// Sends a message that is already encoded. So a program can encode a message once and send it
    /// to any number of devices. Sequential devices, such as sockets, share the memory of a message
    /// of 128 bytes or more.
    ///
    /// # Errors
    ///
    /// [`FrameErrorKind::Full`] and [`FrameErrorKind::Device`], as [`send`](Framed::send).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, framing::{Framed, Netstrings}};
    ///
    /// let buffers = [QBuffer::new(), QBuffer::new()];
    /// let readers = buffers.each_ref().map(|buffer| Framed::new(buffer, Netstrings::new()));
    /// buffers.iter().try_for_each(|buffer| buffer.open(OpenMode::WRITE_ONLY))?;
    ///
    /// let news = readers[0].encode(b"news")?;
    /// for reader in &readers {
    ///     reader.send_encoded(news.clone())?;
    /// }
    /// assert_eq!(buffers[1].data(), b"4:news,");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_encoded(&self, message: impl Into<Chunk>) -> Result<(), FrameError> {
        let (device, message) = (self.writable()?, message.into());
        if message.len() < SHARED || !device.is_sequential() {
            return self.write(&message);
        }
        let size = message.len();
        if device.write_chunk(message)? == size { Ok(()) } else { Err(refused()) }
    }

    /// Sends the bytes that `encode` appends to a buffer.
    fn send_with(
        &self,
        encode: impl FnOnce(&mut C, &mut Vec<u8>) -> Result<(), FrameError>,
    ) -> Result<(), FrameError> {
        let pool = self.writable()?.buffer_pool().clone();
        let mut bytes = pool.take(0);
        self.node.encode(|codec| encode(codec, &mut bytes))?;
        if bytes.len() >= GIVEN {
            return self.send_encoded(bytes);
        }
        self.write(&bytes)?;
        pool.put(bytes);
        Ok(())
    }

    #[cfg(feature = "tasks")]
    pub(super) fn node(&self) -> &Rc<FramedNode<C>> {
        &self.node
    }

    fn writable(&self) -> Result<&QIODevice, FrameError> {
        let device = self.device.as_base();
        if device.is_deleted() {
            return Err(DeviceError::from(DeviceErrorKind::NotOpen).into());
        }
        Ok(device)
    }

    /// Writes a copy of the bytes.
    fn write(&self, mut bytes: &[u8]) -> Result<(), FrameError> {
        while !bytes.is_empty() {
            match self.device.as_base().write(bytes)? {
                0 => return Err(refused()),
                taken => bytes = &bytes[taken.min(bytes.len())..],
            }
        }
        Ok(())
    }

    /// Emits no more messages until [`resume`](Framed::resume) is called. Bytes that arrive stay in
    /// the device.
    ///
    /// A socket still receives. So that the other end cannot fill the memory meanwhile, limit the
    /// read buffer with `set_read_buffer_size`. The limit must have room for the longest message.
    pub fn pause(&self) {
        self.node.pause();
    }

    /// Emits messages again. In its next turn, the event loop emits the messages that have already
    /// arrived.
    pub fn resume(&self) {
        self.node.resume();
    }

    /// Returns whether [`pause`](Framed::pause) was called, and [`resume`](Framed::resume) was not.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.node.is_paused()
    }

    /// Decodes and encodes with another codec from the next message on. If decoding has failed
    /// before, the new codec begins at the bytes that could not be decoded, if the device still has
    /// them.
    ///
    /// For a codec of another type, call [`detach`](Framed::detach) and make a new `Framed`.
    pub fn set_codec(&self, codec: C) {
        self.node.set_codec(codec);
    }

    /// Stops splitting the device's bytes into messages, and returns the device. All bytes after
    /// the last emitted message are still in the device.
    ///
    /// The handles of this object can still send, but the object emits nothing any more.
    pub fn detach(&self) -> D {
        self.node.detach();
        self.device.clone()
    }

    /// Returns whether neither [`detach`](Framed::detach) was called nor the device has died.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.node.is_attached() && D::is_alive(&self.device.to_weak())
    }
}

impl<D: Inherits<QIODevice>> Framed<D, LengthPrefix> {
    /// Sends one message that consists of several parts, without joining them first. A
    /// [header](LengthPrefix::with_header_size) is at the beginning of the first parts.
    ///
    /// # Errors
    ///
    /// As [`send`](Framed::send).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, framing::{Framed, LengthPrefix, PrefixSize}};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::WRITE_ONLY)?;
    /// let framed = Framed::new(&buffer, LengthPrefix::new(PrefixSize::U8));
    /// framed.send_parts(&[b"#", &7_u16.to_be_bytes(), b"news"])?;
    /// assert_eq!(buffer.data(), b"\x07#\0\x07news");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_parts(&self, parts: &[&[u8]]) -> Result<(), FrameError> {
        self.send_with(|codec, bytes| codec.encode_parts(parts, 0, bytes))
    }

    /// Sends one message that consists of `parts` and, behind them, `chunk`. Sequential devices,
    /// such as sockets, share the memory of a chunk of 128 bytes or more.
    ///
    /// So a program sends the same content to any number of devices, and each of them gets a
    /// beginning of its own. A [header](LengthPrefix::with_header_size) has to be in `parts`.
    ///
    /// # Errors
    ///
    /// As [`send`](Framed::send). If the header is not in `parts`, the kind is
    /// [`Invalid`](FrameErrorKind::Invalid), and nothing was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    /// use qcore::{OpenMode, QBuffer, framing::{Framed, LengthPrefix, PrefixSize}};
    ///
    /// let buffers = [QBuffer::new(), QBuffer::new()];
    /// buffers.iter().try_for_each(|buffer| buffer.open(OpenMode::WRITE_ONLY))?;
    ///
    /// let news: Rc<[u8]> = b"news".as_slice().into();
    /// for (number, buffer) in (1_u16..).zip(&buffers) {
    ///     let reader = Framed::new(buffer, LengthPrefix::new(PrefixSize::U8));
    ///     reader.send_parts_with_chunk(&[b"#", &number.to_be_bytes()], news.clone())?;
    /// }
    /// assert_eq!(buffers[1].data(), b"\x07#\0\x02news");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_parts_with_chunk(
        &self,
        parts: &[&[u8]],
        chunk: impl Into<Chunk>,
    ) -> Result<(), FrameError> {
        let (device, chunk) = (self.writable()?, chunk.into());
        let mut bytes = device.buffer_pool().take(0);
        self.node.encode(|codec| codec.encode_parts(parts, chunk.len(), &mut bytes))?;
        if chunk.len() < SHARED || !device.is_sequential() {
            bytes.extend_from_slice(&chunk);
            self.write(&bytes)?;
        } else {
            let size = bytes.len() + chunk.len();
            if device.write_with_chunk(&bytes, chunk)? != size {
                return Err(refused());
            }
        }
        device.buffer_pool().put(bytes);
        Ok(())
    }
}

fn refused() -> FrameError {
    FrameError::new(FrameErrorKind::Device, "the device has not taken the whole message")
}

impl<D: Inherits<QIODevice>, C: Codec> Deref for Framed<D, C> {
    type Target = FramedNode<C>;

    fn deref(&self) -> &FramedNode<C> {
        &self.node
    }
}

impl<D: Inherits<QIODevice>, C: Codec> Clone for Framed<D, C> {
    fn clone(&self) -> Self {
        Framed { device: self.device.clone(), node: self.node.clone() }
    }
}

impl<D: Inherits<QIODevice>, C: Codec> PartialEq for Framed<D, C> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.node, &other.node)
    }
}

impl<D: Inherits<QIODevice>, C: Codec> Eq for Framed<D, C> {}

impl<D: Inherits<QIODevice>, C: Codec> fmt::Debug for Framed<D, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed").field("node", &self.node).finish_non_exhaustive()
    }
}

impl<D: Inherits<QIODevice>, C: Codec> Strong for Framed<D, C> {
    type Target = Self;

    fn target(&self) -> &Self {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<D: Inherits<QIODevice>, C: Codec> Receiver for Framed<D, C> {
    type Target = Self;
    type Weak = (D::Weak, Weak<FramedNode<C>>);
    type Strong = Self;
    type Kind = OfRc;

    fn downgrade(&self) -> Self::Weak {
        (self.device.to_weak(), Rc::downgrade(&self.node))
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        Some(Framed { device: D::from_weak(&weak.0)?, node: weak.1.upgrade()? })
    }

    fn with<V>(weak: &Self::Weak, f: impl FnOnce(&Self) -> V) -> Option<V> {
        let framed = Self::upgrade(weak)?;
        Some(f(&framed))
    }

    fn is_alive(weak: &Self::Weak) -> bool {
        D::is_alive(&weak.0) && weak.1.strong_count() > 0
    }

    fn identity(&self) -> usize {
        Rc::as_ptr(&self.node).cast::<()>().addr()
    }

    fn object_life(&self) -> Option<&Rc<Life>> {
        Some(Object::life(&self.device))
    }
}
