//! Lending bytes of the read buffer, without a copy.

use std::{cell::RefCell, fmt, ops::Deref};

use super::{DeviceError, DeviceErrorKind, QIODevice, byte_queue::Front, pool::SCRATCH};
use crate::classes::Object;

/// How many bytes the front has at least after it was joined.
const JOINED: usize = 512;
/// How many bytes to copy at least from a device that cannot lend its own.
const COPIED: usize = 4096;

/// The next bytes of a device, as a slice. [`QIODevice::fill_buf`] returns it.
///
/// The slice is a part of the device's read buffer if the device is sequential, is not in text
/// mode, and has no transaction. Otherwise it is a copy.
///
/// [`consume`](FilledBuf::consume) removes bytes from the front, and gives the others back to the
/// device. Dropping the value gives all bytes back. Until then these bytes are not in the device:
/// do not read from it in another way. If the device is closed or opened meanwhile, it discards
/// them like all other unread bytes.
pub struct FilledBuf<'a> {
    device: &'a QIODevice,
    bytes: Bytes<'a>,
}

enum Bytes<'a> {
    Lent(Lent<'a>),
    Copied(Vec<u8>),
}

impl<'a> FilledBuf<'a> {
    /// Has no bytes.
    #[cfg(feature = "tasks")]
    pub(super) fn empty(device: &'a QIODevice) -> Self {
        FilledBuf { device, bytes: Bytes::Copied(Vec::new()) }
    }

    /// Removes the first `count` of these bytes from the device, or all if there are fewer.
    pub fn consume(self, count: usize) {
        let (device, count) = (self.device, count.min(self.len()));
        match &self.bytes {
            Bytes::Lent(lent) => {
                let is_current = lent.is_current();
                drop(self);
                if is_current && count > 0 {
                    device.drop_front(count);
                }
            }
            Bytes::Copied(_) => {
                if count > 0 && device.is_readable() {
                    let _ = device.skip(count);
                }
            }
        }
    }
}

impl Deref for FilledBuf<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Lent(lent) => lent.front.bytes(),
            Bytes::Copied(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for FilledBuf<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for FilledBuf<'_> {
    fn drop(&mut self) {
        if let Bytes::Copied(bytes) = &mut self.bytes {
            self.device.0.pool.put(std::mem::take(bytes));
        }
    }
}

impl fmt::Debug for FilledBuf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FilledBuf").field(&self.len()).finish()
    }
}

/// The first chunk of a device's read buffer, outside of it. It returns when this is dropped.
struct Lent<'a> {
    device: &'a QIODevice,
    front: Front,
    number: u32,
}

impl<'a> Lent<'a> {
    /// Takes the first chunk of the read buffer, with at least `count` bytes if there are as many.
    fn of(device: &'a QIODevice, count: usize) -> Self {
        let mut buffer = device.0.buffer.borrow_mut();
        let first = buffer.first_len();
        if first < count {
            buffer.join(count.max(JOINED).max(first.saturating_mul(2)), &device.0.pool);
        }
        let front = buffer.take_front();
        let number = device.0.lendings.get().wrapping_add(1);
        device.0.lendings.set(number);
        device.0.lent.set(front.bytes().len());
        Lent { device, front, number }
    }

    /// Returns whether the buffer has not been cleared since.
    fn is_current(&self) -> bool {
        self.device.0.lendings.get() == self.number
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if self.is_current() {
            self.device.0.lendings.set(self.number.wrapping_add(1));
            self.device.0.lent.set(0);
            self.device.0.buffer.borrow_mut().put_front(std::mem::take(&mut self.front));
        }
        if let Some(extras) = self.device.0.extras.get() {
            for waiter in extras.waiters.take() {
                Object::life(self.device).dispatcher().post(waiter);
            }
        }
    }
}

/// Functions for the loop to call when lent bytes are back.
pub(super) type Waiters = RefCell<Vec<Box<dyn FnOnce()>>>;

/// # Borrowed reading
impl QIODevice {
    /// Returns the next bytes of the device as a slice, usually without a copy. The slice is
    /// empty if the device has no bytes now.
    ///
    /// The length of the slice depends on how the bytes have arrived. Use
    /// [`fill_buf_with_min_size`](QIODevice::fill_buf_with_min_size) to look at a message that may
    /// have arrived in several pieces.
    ///
    /// # Errors
    ///
    /// Those of [`read_into`](QIODevice::read_into); [`DeviceErrorKind::Busy`] while another
    /// [`FilledBuf`] of the device exists.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data("key=value");
    /// buffer.open(OpenMode::READ_ONLY)?;
    ///
    /// let bytes = buffer.fill_buf()?;
    /// assert_eq!(*bytes, *b"key=value");
    /// let key = bytes.iter().position(|&byte| byte == b'=').unwrap();
    /// bytes.consume(key + 1);
    /// assert_eq!(buffer.read_all(), b"value");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    pub fn fill_buf(&self) -> Result<FilledBuf<'_>, DeviceError> {
        self.fill_buf_with_min_size(1)
    }

    /// Returns the next bytes of the device as a slice: at least `min_size` bytes if the device has
    /// that many now, otherwise all that it has.
    ///
    /// The device joins pieces of its read buffer if necessary, which copies bytes. If a program
    /// calls this function repeatedly for one message, it should at least double `min_size` each
    /// time. Then the device copies each byte only a few times.
    ///
    /// # Errors
    ///
    /// Those of [`fill_buf`](QIODevice::fill_buf).
    pub fn fill_buf_with_min_size(&self, min_size: usize) -> Result<FilledBuf<'_>, DeviceError> {
        self.check_readable("read")?;
        if self.is_lent() {
            return Err(DeviceErrorKind::Busy.into());
        }
        if !self.can_lend() {
            let bytes = self.copy_front(min_size.min(self.bytes_available()))?;
            return Ok(FilledBuf { device: self, bytes: Bytes::Copied(bytes) });
        }
        while self.buffer_len() < min_size {
            match self.pull() {
                Ok(1..) => {}
                Err(error) if self.buffer_len() == 0 => return Err(error),
                Ok(0) | Err(_) => break,
            }
        }
        Ok(FilledBuf { device: self, bytes: Bytes::Lent(Lent::of(self, min_size)) })
    }

    /// Returns a copy of the next bytes of a device that cannot lend its own.
    fn copy_front(&self, size: usize) -> Result<Vec<u8>, DeviceError> {
        if size > SCRATCH {
            // A device may claim to have more bytes than it has.
            return Ok(self.peek(size));
        }
        let mut bytes = self.0.pool.take(size);
        bytes.resize(size.max(COPIED), 0);
        let count = self.peek_into(&mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Returns whether the first bytes of the read buffer are lent.
    pub(crate) fn is_lent(&self) -> bool {
        self.0.lendings.get() % 2 == 1
    }

    /// Makes the loop call a function once the bytes that are lent are back.
    pub(crate) fn when_returned(&self, f: impl FnOnce() + 'static) {
        self.extras().waiters.borrow_mut().push(Box::new(f));
    }

    /// Returns how many bytes the read buffer has and will have again when those that are lent come
    /// back.
    pub(crate) fn held_len(&self) -> usize {
        self.buffer_len() + self.0.lent.get()
    }

    /// The buffer is cleared, so bytes that are lent do not return.
    pub(super) fn recall(&self) {
        if self.is_lent() {
            self.0.lendings.set(self.0.lendings.get().wrapping_add(1));
            self.0.lent.set(0);
        }
    }

    /// Returns whether the read buffer has the bytes that the program would read next.
    pub(crate) fn can_lend(&self) -> bool {
        self.is_sequential()
            && self.current_read_channel() == 0
            && !self.is_text_mode_enabled()
            && !self.is_transaction_started()
    }

    /// Calls `look` with bytes from the front of the read buffer: with at least `count` bytes if
    /// there are as many, else with all, and with more if they happen to be in the same chunk.
    ///
    /// Nothing is borrowed while `look` runs. The device does not have the bytes meanwhile.
    pub(crate) fn with_front<R>(&self, count: usize, look: impl FnOnce(&[u8]) -> R) -> R {
        let lent = Lent::of(self, count);
        look(lent.front.bytes())
    }

    /// Drops bytes from the front of the read buffer.
    pub(crate) fn drop_front(&self, count: usize) {
        self.take(count);
        self.note_empty();
    }

    /// Moves bytes that the backend has into the read buffer, at most 16 KiB. Returns their number.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::Closed`] if no more bytes will arrive. Otherwise the error of the
    /// backend.
    pub(crate) fn pull(&self) -> Result<usize, DeviceError> {
        let backend = self.backend();
        if !backend.is_sequential() || !self.reads_a_channel() {
            return Ok(0);
        }
        let mut piece = self.0.pool.take_piece();
        let count = backend.read_data(self, &mut piece).map(|count| count.min(piece.len()));
        if let (&Ok(count @ 1..), true) = (&count, self.is_open()) {
            self.append_to_buffer(&piece[..count]);
        }
        self.0.pool.put_piece(piece);
        if !self.is_open() {
            return Err(DeviceErrorKind::Closed.into());
        }
        count
    }

    /// Returns the limit of the read buffer in bytes, or `None` if there is none.
    pub(crate) fn read_limit(&self) -> Option<usize> {
        Some(self.backend().read_buffer_size()).filter(|&size| size > 0)
    }
}
