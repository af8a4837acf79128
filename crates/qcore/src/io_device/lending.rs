//! Lending bytes of the read buffer, without a copy.

use super::{DeviceError, DeviceErrorKind, QIODevice, byte_queue::Front};

/// How many bytes the front has at least after it was joined.
const JOINED: usize = 512;

/// The first chunk of a device's read buffer, outside of it. It returns when this is dropped.
struct Lent<'a> {
    device: &'a QIODevice,
    front: Front,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // If the device was closed meanwhile, the bytes are gone as all others are.
        if self.device.is_open() {
            self.device.0.buffer.borrow_mut().put_front(std::mem::take(&mut self.front));
        }
    }
}

impl QIODevice {
    /// Returns whether [`with_front`](QIODevice::with_front) shows the bytes that the program would
    /// read next.
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
        let mut buffer = self.0.buffer.borrow_mut();
        let first = buffer.first_len();
        if first < count {
            buffer.join(count.max(JOINED).max(first.saturating_mul(2)), &self.0.pool);
        }
        let front = buffer.take_front();
        drop(buffer);
        let lent = Lent { device: self, front };
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
    /// [`DeviceErrorKind::Closed`] if no more bytes will arrive. Otherwise the error of the backend.
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
