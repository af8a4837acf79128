//! Reading lines.

use super::{
    DeviceBackend, DeviceError, DeviceErrorKind, QIODevice,
    pool::{PIECE, SCRATCH},
    reading::Keep,
    sink::Sink,
};

/// Where a device is that has read a line by itself: nobody knows, so that it is moved before it is
/// used.
const UNKNOWN: i64 = i64::MIN;

/// # Lines
impl QIODevice {
    /// Whether a whole line, with its `\n`, can be read.
    #[doc(alias = "canReadLine")]
    #[must_use]
    pub fn can_read_line(&self) -> bool {
        if !self.reads_a_channel() {
            return false;
        }
        let buffered = self.buffer().find(b'\n', self.start()).is_some();
        buffered || self.backend().can_read_line(self)
    }

    /// Reads a line with its `\n`; or what there is, if there is none.
    ///
    /// In text mode the line ends with `\n` where it ended with `\r\n`.
    #[doc(alias = "readLine")]
    #[must_use = "what was read is lost"]
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

    /// Reads a line of at most `max_size - 1` bytes, as Qt does, which keeps room for a NUL.
    ///
    /// A line that is longer is read in parts. With a `max_size` below 2 nothing is read, and a
    /// warning says so; 0 is no limit.
    #[doc(alias = "readLine")]
    #[must_use = "what was read is lost"]
    pub fn read_line_with(&self, max_size: usize) -> Vec<u8> {
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

    /// Reads a line of at most `data.len() - 1` bytes into `data`, with its `\n`, and puts a NUL
    /// behind it. Returns how many bytes it has, the NUL not counted.
    ///
    /// A line that is longer is read in parts. Nothing is allocated.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::InvalidArgument`], with a warning in the log as Qt's, if `data` is
    /// shorter than 2; [`Closed`](DeviceErrorKind::Closed) at the end; else as
    /// [`read_into`](QIODevice::read_into). If there is nothing now in a sequential device it is
    /// `Ok(0)`.
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

    /// What [`DeviceBackend::read_line_data`] is by default: takes byte after byte, up to the first
    /// `\n`, from the read buffer and, where that is empty, from the device. For derived classes.
    ///
    /// # Errors
    ///
    /// If there is not a single byte: the device's error; in a device that is not sequential
    /// [`DeviceErrorKind::Closed`] if it has none.
    #[doc(alias = "readLineData")]
    pub fn read_line_data(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.0.read_line_data_called.set(true);
        let text = self.is_text_mode_enabled();
        let mut count = 0;
        let mut last = Ok(0);
        while count < data.len() && self.is_open() {
            let rest = &mut data[count..];
            if !text && self.buffered() > 0 {
                // This comes to the same thing as byte after byte, but sooner.
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
                // What was taken from the read buffer is not to be lost.
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

    /// Takes what a line has in the read buffer, where there is something; how much that was.
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
            self.0.transaction.set(Some(start + count));
        } else {
            self.advance(count as i64);
        }
        self.note_empty();
        count
    }

    /// Reads what a line has beyond the read buffer; how much that was.
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
