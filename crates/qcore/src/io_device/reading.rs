//! Reading from a device.

use std::cell::RefMut;

use super::{
    DeviceBackend, DeviceError, DeviceErrorKind, OpenMode, QIODevice,
    byte_queue::ByteQueue,
    channels::no_such_channel,
    pool::{PIECE, SCRATCH},
    sink::Sink,
};

/// How many bytes `skip()` reads and drops at once.
const SKIPPED: usize = 4096;
/// The most bytes to allocate room for at once, however much a device claims to have.
const ROOM: usize = 16 << 20;

/// Whether a read leaves its bytes in the device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    No,
    Peek,
}

/// The result of a call of the device's `read_data`.
enum Asked {
    /// Bytes for the read buffer.
    Buffered,
    /// Bytes for the caller, or none.
    Done,
}

impl QIODevice {
    /// Reads into `data` as many bytes as are there and fit. Returns their number.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::Closed`] at the end of the stream. [`NotOpen`](DeviceErrorKind::NotOpen)
    /// or [`NotReadable`](DeviceErrorKind::NotReadable), with Qt's warning in the log. Otherwise
    /// the device's own error. If at least one byte was read, there is no error.
    #[doc(alias = "read")]
    pub fn read_into(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        if let Some(mut buffer) = self.fed_buffer() {
            let count = buffer.read(data, &self.0.pool);
            drop(buffer);
            self.note_count_read(count);
            return Ok(count);
        }
        self.check_readable("read")?;
        self.read_some(&mut Sink::slice(data), Keep::No)
    }

    /// Reads at most `max_size` bytes. Returns no bytes if there are none or if reading fails.
    ///
    /// For the bytes that are not in the read buffer, the function calls the device's `read_data`
    /// once if at most 256 KiB are missing or the device reports as many. The memory it allocates
    /// is in proportion to the bytes that are there, not to `max_size`.
    #[must_use = "the bytes are lost if the result is not used"]
    pub fn read(&self, max_size: usize) -> Vec<u8> {
        let mut data = Vec::new();
        if self.check_readable("read").is_err() {
            return data;
        }
        let _ = self.read_some(&mut Sink::vec(&mut data, max_size), Keep::No);
        data
    }

    /// Reads all bytes that are there now.
    #[doc(alias = "readAll")]
    #[must_use = "the bytes are lost if the result is not used"]
    pub fn read_all(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if self.check_readable("read").is_err() {
            return all;
        }
        let size = if self.is_sequential() { 0 } else { self.size() };
        if size != 0 {
            let rest = usize::try_from(size.saturating_sub(self.pos())).unwrap_or(0);
            let _ = self.read_some(&mut Sink::vec(&mut all, rest), Keep::No);
            return all;
        }
        // Reads until the device has nothing: this is how it learns that the buffer has room again.
        let mut at_once = PIECE.max(self.buffered());
        while let Ok(1..) = self.read_some(&mut Sink::vec(&mut all, at_once), Keep::No) {
            if !self.is_open() {
                break;
            }
            at_once = PIECE;
        }
        all
    }

    /// Returns at most `max_size` bytes without removing them.
    ///
    /// In a sequential device or one with a read buffer, the bytes are in the read buffer
    /// afterwards. Any other device is moved back with [`seek`](DeviceBackend::seek) before its
    /// next use.
    #[must_use]
    pub fn peek(&self, max_size: usize) -> Vec<u8> {
        if self.check_readable("peek").is_err() {
            return Vec::new();
        }
        self.backend().peek(self, max_size).unwrap_or_else(|| {
            let mut data = Vec::new();
            let _ = self.read_some(&mut Sink::vec(&mut data, max_size), Keep::Peek);
            data
        })
    }

    /// Copies into `data` as many bytes as are there and fit, as [`peek`](QIODevice::peek) does.
    /// Returns their number.
    ///
    /// # Errors
    ///
    /// The same as [`read_into`](QIODevice::read_into).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data("\x7fELF...");
    /// buffer.open(OpenMode::READ_ONLY)?;
    /// let mut magic = [0; 4];
    /// assert_eq!(buffer.peek_into(&mut magic)?, 4);
    /// assert_eq!(&magic, b"\x7fELF");
    /// assert_eq!(buffer.pos(), 0);
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[doc(alias = "peek")]
    pub fn peek_into(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.check_readable("peek")?;
        match self.backend().peek_into(self, data) {
            Some(count) => Ok(count),
            None => self.read_some(&mut Sink::slice(data), Keep::Peek),
        }
    }

    /// Reads at most `max_size` bytes and drops them. Returns their number.
    ///
    /// # Errors
    ///
    /// The same as [`read_into`](QIODevice::read_into).
    pub fn skip(&self, max_size: usize) -> Result<usize, DeviceError> {
        self.check_readable("skip")?;
        if self.keeps() || self.is_text_mode_enabled() {
            return self.skip_by_reading(max_size);
        }
        let mut skipped = self.buffer_len().min(max_size);
        if self.buffer_len() > 0 {
            self.take(skipped);
            self.note_empty();
            if skipped == max_size || !self.is_open() {
                return Ok(skipped);
            }
        }
        if !self.is_sequential() {
            let rest = usize::try_from(self.size().saturating_sub(self.pos())).unwrap_or(0);
            let rest = rest.min(max_size - skipped);
            if rest > 0 {
                match self.seek(self.pos() + rest as i64) {
                    Ok(()) => skipped += rest,
                    Err(error) if skipped == 0 => return Err(error),
                    Err(_) => return Ok(skipped),
                }
                if skipped == max_size {
                    return Ok(skipped);
                }
            }
        }
        match self.skip_by_reading(max_size - skipped) {
            Ok(count) => Ok(skipped + count),
            Err(_) if skipped > 0 => Ok(skipped),
            Err(error) => Err(error),
        }
    }

    fn skip_by_reading(&self, max_size: usize) -> Result<usize, DeviceError> {
        let mut piece = [0; SKIPPED];
        let mut skipped = 0;
        loop {
            let want = piece.len().min(max_size - skipped);
            match self.read_some(&mut Sink::slice(&mut piece[..want]), Keep::No) {
                Ok(count) => {
                    skipped += count;
                    if count < want || skipped == max_size || !self.is_open() {
                        return Ok(skipped);
                    }
                }
                Err(_) if skipped > 0 => return Ok(skipped),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads one byte; `None` if there is none or reading fails.
    #[doc(alias = "getChar")]
    #[must_use = "the bytes are lost if the result is not used"]
    pub fn get_char(&self) -> Option<u8> {
        let mut byte = [0];
        match self.read_into(&mut byte) {
            Ok(1) => Some(byte[0]),
            _ => None,
        }
    }

    /// Puts `byte` back, so that it is read next. It need not be the byte that was read. During a
    /// transaction the function logs a warning and does nothing.
    #[doc(alias = "ungetChar")]
    pub fn unget_char(&self, byte: u8) {
        if self.check_readable("read").is_err() {
            return;
        }
        if self.is_transaction_started() {
            self.warn("ungetChar", "Called while transaction is in progress");
            return;
        }
        self.0.buffer.borrow_mut().unread(byte);
        self.advance(-1);
    }

    /// Returns whether there is nothing to read now.
    #[doc(alias = "atEnd")]
    #[must_use]
    pub fn at_end(&self) -> bool {
        let is_buffered = self.reads_a_channel() && self.buffered() > 0;
        !self.is_open() || (!is_buffered && self.bytes_available() == 0)
    }

    // ---- helpers

    pub(super) fn advance(&self, by: i64) {
        if !self.is_sequential() {
            self.0.pos.set(self.pos() + by);
        }
    }

    pub(super) fn buffered(&self) -> usize {
        self.buffer_len().saturating_sub(self.start())
    }

    pub(super) fn check_readable(&self, function: &str) -> Result<(), DeviceError> {
        if self.is_readable() {
            return if self.reads_a_channel() { Ok(()) } else { Err(no_such_channel()) };
        }
        if self.is_open() {
            self.warn(function, "WriteOnly device");
            Err(DeviceErrorKind::NotReadable.into())
        } else {
            self.warn(function, "device not open");
            Err(DeviceErrorKind::NotOpen.into())
        }
    }

    /// Reads until `sink` is full or the device has returned less than it was asked for. In text
    /// mode the function removes carriage returns and reads more bytes in their place.
    pub(super) fn read_some(&self, sink: &mut Sink<'_>, keep: Keep) -> Result<usize, DeviceError> {
        let mode = self.open_mode();
        let text = mode.contains(OpenMode::TEXT);
        let peeking = keep == Keep::Peek;
        if !peeking && let Some(mut buffer) = self.fed_buffer() {
            let count = sink.drain(&mut buffer, &self.0.pool);
            drop(buffer);
            self.note_count_read(count);
            return Ok(count);
        }
        let backend = self.backend();
        let sequential = backend.is_sequential();
        if sequential
            && !peeking
            && !text
            && !self.is_transaction_started()
            && backend.fills_buffer()
        {
            return self.read_filled(&*backend, sink);
        }
        let stays = if sequential {
            peeking || self.is_transaction_started()
        } else {
            peeking && !mode.contains(OpenMode::UNBUFFERED)
        };
        let before = self.pos();
        let mut at = self.start();
        let mut asked = false;
        let mut at_end = false;
        let outcome = loop {
            let count = if stays {
                sink.copy(&self.buffer(), at, usize::MAX)
            } else {
                sink.drain(&mut self.0.buffer.borrow_mut(), &self.0.pool)
            };
            at += count;
            if !sequential {
                self.0.pos.set(self.pos() + count as i64);
            }
            if sink.room() > 0 && !at_end {
                let reached = if sequential { Ok(()) } else { self.reach_position() };
                let answer = reached.and_then(|()| {
                    asked = true;
                    self.ask(&*backend, sink, stays, &mut at_end)
                });
                let answer = match answer {
                    Err(error) if sink.is_empty() => Err(error),
                    Err(_) => Ok(Asked::Done),
                    answer => answer,
                };
                // The backend may have closed the device while it read.
                if !self.is_open() {
                    return answer.map(|_| sink.len());
                }
                match answer {
                    Ok(Asked::Buffered) => continue,
                    Ok(Asked::Done) => {}
                    Err(error) => break Err(error),
                }
            }
            if !text || !sink.strip_returns() {
                break Ok(());
            }
        };
        if peeking && stays {
            self.0.pos.set(before);
        } else if peeking {
            self.seek_buffer(before);
        } else if stays && outcome.is_ok() && self.is_transaction_started() {
            self.extras().transaction.set(Some(at.min(self.buffer_len())));
        }
        outcome?;
        if !asked && self.buffered() == 0 {
            let _ = backend.read_data(self, &mut []);
        }
        if keep == Keep::No {
            self.note_read();
        }
        Ok(sink.len())
    }

    /// Returns the read buffer if a read only takes bytes from there, and calls nothing of the
    /// backend.
    #[inline]
    fn fed_buffer(&self) -> Option<RefMut<'_, ByteQueue>> {
        let mode = self.open_mode() & (OpenMode::READ_ONLY | OpenMode::TEXT);
        if !self.0.is_fed.get() || mode != OpenMode::READ_ONLY {
            return None;
        }
        if let Some(extras) = self.0.extras.get()
            && (extras.transaction.get().is_some() || extras.current_channels.get().0 != 0)
        {
            return None;
        }
        debug_assert!(self.backend().fills_buffer());
        Some(self.0.buffer.borrow_mut())
    }

    /// Reads from a device that fills its read buffer by itself: a shorter form of
    /// [`read_some`](QIODevice::read_some).
    fn read_filled(
        &self,
        backend: &dyn DeviceBackend,
        sink: &mut Sink<'_>,
    ) -> Result<usize, DeviceError> {
        let (count, is_empty) = {
            let mut buffer = self.0.buffer.borrow_mut();
            (sink.drain(&mut buffer, &self.0.pool), buffer.is_empty())
        };
        self.note_count_read(count);
        if is_empty {
            // The backend hears that the buffer is empty. An error is for the next read if there
            // were bytes, or if the caller wants none.
            let asked = backend.read_data(self, &mut []);
            if count == 0 && sink.room() > 0 {
                asked?;
            }
        }
        Ok(count)
    }

    /// Moves bytes from the device to the end of the read buffer, as many as one call of the
    /// device's `read_data` returns. Returns their number.
    #[cfg(feature = "tasks")]
    pub(super) fn fill(&self) -> Result<usize, DeviceError> {
        let mut piece = self.0.pool.take_piece();
        let count = self.backend().read_data(self, &mut piece).map(|count| count.min(piece.len()));
        if let (&Ok(count @ 1..), true) = (&count, self.is_open()) {
            self.append_to_buffer(&piece[..count]);
            self.advance_device(count);
        }
        self.0.pool.put_piece(piece);
        count
    }

    /// Removes bytes from the read buffer.
    pub(super) fn take(&self, count: usize) {
        self.0.buffer.borrow_mut().consume(count, &self.0.pool);
        self.advance(count as i64);
        self.note_read();
    }

    /// Tells the backend that the read buffer is empty, so that it can fetch bytes that had no
    /// room.
    pub(super) fn note_empty(&self) {
        if self.buffered() == 0 {
            let _ = self.backend().read_data(self, &mut []);
        }
    }

    /// Moves the device to the position of the next byte, if it is elsewhere.
    pub(super) fn reach_position(&self) -> Result<(), DeviceError> {
        if self.is_sequential() || self.0.device_pos.get() == self.pos() {
            return Ok(());
        }
        self.seek(self.pos())
    }

    /// Gets more bytes from the device. They go directly into `sink`; or into the read buffer, if
    /// they must stay there or if the device can deliver more at once than the caller asks for.
    fn ask(
        &self,
        backend: &dyn DeviceBackend,
        sink: &mut Sink<'_>,
        stays: bool,
        at_end: &mut bool,
    ) -> Result<Asked, DeviceError> {
        if backend.fills_buffer() {
            *at_end = true;
            return backend.read_data(self, &mut []).map(|_| Asked::Done);
        }
        let unbuffered = self.open_mode().contains(OpenMode::UNBUFFERED);
        if !stays && (unbuffered || sink.room() >= PIECE) {
            return self.read_directly(backend, sink, at_end);
        }
        let want = if unbuffered { sink.room().min(PIECE) } else { PIECE };
        let mut piece = self.0.pool.take_piece();
        let count = backend.read_data(self, &mut piece[..want]).map(|count| count.min(want));
        if let (&Ok(count @ 1..), true) = (&count, self.is_open()) {
            self.append_to_buffer(&piece[..count]);
            self.advance_device(count);
        }
        self.0.pool.put_piece(piece);
        *at_end = !matches!(count, Ok(count) if count == want);
        Ok(if count? == 0 || !self.is_open() { Asked::Done } else { Asked::Buffered })
    }

    /// Reads from the device into `sink`: at once, or piece by piece if the caller asks for more
    /// than the device has.
    fn read_directly(
        &self,
        backend: &dyn DeviceBackend,
        sink: &mut Sink<'_>,
        at_end: &mut bool,
    ) -> Result<Asked, DeviceError> {
        let pool = &self.0.pool;
        loop {
            let room = sink.room();
            let want = if sink.is_slice() { room } else { self.at_once(room, sink.len()) };
            let count = if sink.is_slice() || want > SCRATCH {
                sink.extend_with(want, |data| backend.read_data(self, data))
            } else {
                // Allocates memory only for bytes that have come.
                let is_small = want <= PIECE;
                let mut piece = if is_small { pool.take_piece() } else { pool.take_scratch() };
                let count = backend.read_data(self, &mut piece[..want]);
                let count = count.map(|count| count.min(want));
                sink.extend(&piece[..count.as_ref().map_or(0, |&count| count)]);
                if is_small {
                    pool.put_piece(piece);
                } else {
                    pool.put_scratch(piece);
                }
                count
            };
            *at_end = !matches!(count, Ok(count) if count == want);
            let count = count?;
            if !self.is_open() {
                return Ok(Asked::Done);
            }
            if count > 0 {
                self.advance(count as i64);
                self.advance_device(count);
            }
            if *at_end || want == room {
                return Ok(Asked::Done);
            }
        }
    }

    /// Returns how many of `room` bytes to ask the device for at once. `so_far` is the number of
    /// bytes that it has already returned in this read, each time as many as were asked for.
    fn at_once(&self, room: usize, so_far: usize) -> usize {
        if room <= SCRATCH {
            return room;
        }
        // Asking for one byte more than is there makes the device return less than was asked for,
        // which ends the read.
        let known = self.bytes_available().saturating_add(1);
        room.min(known.max(so_far).clamp(SCRATCH, ROOM))
    }

    fn advance_device(&self, by: usize) {
        if !self.is_sequential() {
            self.0.device_pos.set(self.0.device_pos.get() + by as i64);
        }
    }
}
