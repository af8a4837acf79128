//! Reading lines.

use super::{
    DeviceBackend, DeviceError, DeviceErrorKind, QIODevice,
    pool::{PIECE, SCRATCH},
    reading::Keep,
    sink::Sink,
};

/// The position of a device after its own `read_line_data` ran. It is unknown, so the device is
/// moved before its next use.
const UNKNOWN: i64 = i64::MIN;

/// # Lines
impl QIODevice {
    /// Returns whether a whole line, including its `\n`, can be read.
    #[doc(alias = "canReadLine")]
    #[must_use]
    pub fn can_read_line(&self) -> bool {
        if !self.reads_a_channel() {
            return false;
        }
        let buffered = self.buffer().find(b'\n', self.start()).is_some();
        buffered || self.backend().can_read_line(self)
    }

    /// Reads a line including its `\n`. If there is no `\n`, reads all bytes that are there.
    ///
    /// In text mode a `\r\n` at the end becomes `\n`.
    #[doc(alias = "readLine")]
    #[must_use = "the bytes are lost if the result is not used"]
    pub fn read_line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        if self.check_readable("read").is_err() {
            return line;
        }
        while let Ok(PIECE) = self.read_line_part(&mut Sink::vec(&mut line, PIECE)) {
            if line.ends_with(b"\n") || !self.is_open() {
                break;
            }
        }
        line
    }

    /// Reads at most `max_size - 1` bytes of a line. Qt reserves one byte for a NUL.
    ///
    /// A longer line is read in several calls. A `max_size` of 0 means no limit. With 1 the
    /// function logs a warning and reads nothing.
    #[doc(alias = "readLine")]
    #[must_use = "the bytes are lost if the result is not used"]
    pub fn read_line_with_max_size(&self, max_size: usize) -> Vec<u8> {
        if max_size == 0 {
            return self.read_line();
        }
        let mut line = Vec::new();
        if self.check_line_size(max_size).is_err() || self.check_readable("read").is_err() {
            return line;
        }
        let _ = self.read_line_part(&mut Sink::vec(&mut line, max_size - 1));
        line
    }

    /// Reads at most `data.len() - 1` bytes of a line into `data`, including its `\n`, and adds a
    /// NUL. Returns the number of bytes without the NUL.
    ///
    /// A longer line is read in several calls. The function allocates nothing.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::InvalidArgument`], with Qt's warning in the log, if `data` is shorter
    /// than 2 bytes. [`Closed`](DeviceErrorKind::Closed) at the end. Otherwise as
    /// [`read_into`](QIODevice::read_into). A sequential device that has nothing to read now
    /// returns `Ok(0)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{DeviceErrorKind, OpenMode, QBuffer};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data("one\ntwo and a half");
    /// buffer.open(OpenMode::READ_ONLY)?;
    /// let mut line = [0; 8];
    /// assert_eq!(buffer.read_line_into(&mut line)?, 4);
    /// assert_eq!(&line[..4], b"one\n");
    /// assert_eq!(buffer.read_line_into(&mut line)?, 7);
    /// assert_eq!(&line, b"two and\0");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[doc(alias = "readLine")]
    pub fn read_line_into(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.check_line_size(data.len())?;
        self.check_readable("read")?;
        let max = data.len() - 1;
        let count = self.read_line_part(&mut Sink::slice(&mut data[..max]));
        data[count.as_ref().map_or(0, |&count| count)] = 0;
        count
    }

    /// Implements [`DeviceBackend::read_line_data`] by default, for derived classes. It reads byte
    /// by byte up to the first `\n`, from the read buffer and, when that is empty, from the device.
    ///
    /// # Errors
    ///
    /// Only if there is not a single byte: the device's error; or, in a device that is not
    /// sequential and reports none, [`DeviceErrorKind::Closed`].
    #[doc(alias = "readLineData")]
    pub fn read_line_data(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.0.read_line_data_called.set(true);
        let text = self.is_text_mode_enabled();
        let mut count = 0;
        let mut last = Ok(0);
        while count < data.len() && self.is_open() {
            let rest = &mut data[count..];
            if !text && self.buffered() > 0 {
                // Has the same effect as reading byte by byte, but is faster.
                count += self.take_line(&mut Sink::slice(rest));
            } else {
                last = self.read_some(&mut Sink::slice(&mut rest[..1]), Keep::No);
                match last {
                    Ok(1) => count += 1,
                    _ => break,
                }
            }
            if data[count - 1] == b'\n' {
                break;
            }
        }
        match last {
            _ if count > 0 => Ok(count),
            Ok(_) if !self.is_sequential() => Err(DeviceErrorKind::Closed.into()),
            last => last,
        }
    }

    fn check_line_size(&self, size: usize) -> Result<(), DeviceError> {
        if size < 2 {
            self.warn("readLine", "Called with maxSize < 2");
            return Err(DeviceErrorKind::InvalidArgument.into());
        }
        Ok(())
    }

    /// Reads a line, or as much of it as `sink` has room for.
    fn read_line_part(&self, sink: &mut Sink<'_>) -> Result<usize, DeviceError> {
        let text = self.is_text_mode_enabled();
        if self.buffered() > 0 {
            self.take_line(sink);
        }
        if !sink.filled().ends_with(b"\n") && self.is_open() {
            match self.reach_position() {
                Err(error) if sink.is_empty() => return Err(error),
                // Returns the bytes that were taken from the read buffer.
                Err(_) => return Ok(sink.len()),
                Ok(()) => {}
            }
            self.0.read_line_data_called.set(false);
            let backend = self.backend();
            match self.read_line_beyond(&*backend, sink) {
                Err(error) if sink.is_empty() => return Err(error),
                Err(_) => {}
                Ok(count) => {
                    let is_own = !self.0.read_line_data_called.get();
                    if is_own && self.is_open() && !self.is_sequential() {
                        self.advance(count as i64);
                        self.0.device_pos.set(UNKNOWN);
                    }
                }
            }
        }
        if text {
            sink.strip_line_end();
        }
        Ok(sink.len())
    }

    /// Takes the part of a line that is in the read buffer. Returns its length.
    fn take_line(&self, sink: &mut Sink<'_>) -> usize {
        let start = self.start();
        let keeps = self.keeps();
        let mut buffer = self.0.buffer.borrow_mut();
        let end = buffer.len().min(start.saturating_add(sink.room()));
        let found = buffer.find_within(b'\n', start, end);
        let count = found.map_or(end, |at| at + 1) - start;
        sink.copy(&buffer, start, count);
        if !keeps {
            buffer.consume(count, &self.0.pool);
        }
        drop(buffer);
        if keeps {
            self.extras().transaction.set(Some(start + count));
        } else {
            self.advance(count as i64);
        }
        self.note_count_read(count);
        self.note_empty();
        count
    }

    /// Reads the part of a line that is not in the read buffer. Returns its length.
    fn read_line_beyond(
        &self,
        backend: &dyn DeviceBackend,
        sink: &mut Sink<'_>,
    ) -> Result<usize, DeviceError> {
        let read = |data: &mut [u8]| {
            let count = if self.keeps() {
                self.read_line_data(data)
            } else {
                backend.read_line_data(self, data)
            };
            count.map(|count| count.min(data.len()))
        };
        if sink.is_slice() {
            return sink.extend_with(sink.room(), read);
        }
        let pool = &self.0.pool;
        let before = sink.len();
        loop {
            let room = sink.room();
            let want = room.min(SCRATCH);
            let is_small = want <= PIECE;
            let mut piece = if is_small { pool.take_piece() } else { pool.take_scratch() };
            let count = read(&mut piece[..want]);
            sink.extend(&piece[..count.as_ref().map_or(0, |&count| count)]);
            if is_small {
                pool.put_piece(piece);
            } else {
                pool.put_scratch(piece);
            }
            let is_over = !matches!(count, Ok(count) if count == want);
            if is_over || want == room || sink.filled().ends_with(b"\n") || !self.is_open() {
                return match count {
                    Err(error) if sink.len() == before => Err(error),
                    _ => Ok(sink.len() - before),
                };
            }
        }
    }
}
