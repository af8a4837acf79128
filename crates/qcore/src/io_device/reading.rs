//! Taking bytes from a device.

use super::{DeviceError, DeviceErrorKind, OpenMode, QIODevice, channels::no_such_channel};

/// How much is asked of a device at once, as Qt does.
const PIECE: usize = 16_384;
/// What `skip()` drops at once.
const SKIPPED: usize = 4096;
/// What room is made for at first, whatever a device says of itself.
const ROOM: usize = 1 << 20;
/// How long a line is taken to be at first.
const LINE: usize = 128;

/// Whether bytes that are read stay where they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    No,
    Peek,
}

impl QIODevice {
    /// Reads into `data`, as much as there is and fits; how much that was.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::Closed`] at the end of the stream, [`NotOpen`](DeviceErrorKind::NotOpen) or
    /// [`NotReadable`](DeviceErrorKind::NotReadable), with a warning in the log as Qt's; else what the
    /// device says. Where anything was read there is no error.
    #[doc(alias = "read")]
    pub fn read_into(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.check_readable("read")?;
        self.read_some(data, Keep::No)
    }

    /// Reads at most `max_size` bytes; none where there are none or reading fails.
    #[must_use = "what was read is lost"]
    pub fn read(&self, max_size: usize) -> Vec<u8> {
        if self.check_readable("read").is_err() {
            return Vec::new();
        }
        self.collect(max_size, Keep::No)
    }

    /// Reads all that there is now.
    #[doc(alias = "readAll")]
    #[must_use = "what was read is lost"]
    pub fn read_all(&self) -> Vec<u8> {
        if self.check_readable("read").is_err() {
            return Vec::new();
        }
        if !self.is_sequential() {
            let size = self.size();
            if size != 0 {
                return self.collect(
                    usize::try_from(size.saturating_sub(self.pos())).unwrap_or(0),
                    Keep::No,
                );
            }
        }
        let plain =
            self.is_sequential() && !self.is_text_mode_enabled() && !self.is_transaction_started();
        let mut all = if plain {
            self.0.buffer.borrow_mut().take_all(&self.0.pool)
        } else {
            Vec::with_capacity(self.buffered())
        };
        // The device is asked, too, in any case: that is how it learns that there is room.
        let mut piece = [0; 1024];
        while let Ok(count @ 1..) = self.read_some(&mut piece, Keep::No) {
            all.extend_from_slice(&piece[..count]);
        }
        all
    }

    /// Returns at most `max_size` bytes and leaves them to be read.
    #[must_use]
    pub fn peek(&self, max_size: usize) -> Vec<u8> {
        if self.check_readable("peek").is_err() {
            return Vec::new();
        }
        let own = self.backend().peek(self, max_size);
        own.unwrap_or_else(|| self.collect(max_size, Keep::Peek))
    }

    /// Reads at most `max_size` bytes and drops them; how many there were.
    ///
    /// # Errors
    ///
    /// As [`read_into`](QIODevice::read_into).
    pub fn skip(&self, max_size: usize) -> Result<usize, DeviceError> {
        self.check_readable("skip")?;
        let mut skipped = 0;
        let sequential = self.is_sequential();
        if !self.keeps() && !self.is_text_mode_enabled() {
            skipped = self.buffer_len().min(max_size);
            if skipped > 0 {
                self.take(skipped);
                self.note_empty();
            }
            let size = if sequential { 0 } else { self.size() };
            let rest = usize::try_from(size.saturating_sub(self.pos())).unwrap_or(0);
            let rest = rest.min(max_size - skipped);
            if rest > 0 {
                match self.seek(self.pos() + rest as i64) {
                    Ok(()) => skipped += rest,
                    Err(error) if skipped == 0 => return Err(error),
                    Err(_) => return Ok(skipped),
                }
            }
        }
        let mut piece = [0; SKIPPED];
        while skipped < max_size {
            let want = piece.len().min(max_size - skipped);
            match self.read_some(&mut piece[..want], Keep::No) {
                Ok(count) => {
                    skipped += count;
                    if count < want {
                        break;
                    }
                }
                Err(_) if skipped > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(skipped)
    }

    /// Reads one byte, if there is one.
    #[doc(alias = "getChar")]
    #[must_use = "what was read is lost"]
    pub fn get_char(&self) -> Option<u8> {
        let mut byte = [0];
        match self.read_into(&mut byte) {
            Ok(1) => Some(byte[0]),
            _ => None,
        }
    }

    /// Puts a byte back, to be read next. It need not be the one that was read. Not possible during a
    /// transaction: a warning says so.
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
        if self.check_readable("read").is_err() {
            return Vec::new();
        }
        self.line(usize::MAX)
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
        if max_size < 2 {
            self.warn("readLine", "Called with maxSize < 2");
            return Vec::new();
        }
        if self.check_readable("read").is_err() {
            return Vec::new();
        }
        self.line(max_size - 1)
    }

    /// Whether there is nothing to read now.
    #[doc(alias = "atEnd")]
    #[must_use]
    pub fn at_end(&self) -> bool {
        !self.is_open() || self.bytes_available() == 0
    }

    // ---- transactions

    /// From now on what is read is kept, until the transaction is committed or rolled back. For
    /// messages that may have come in part only.
    ///
    /// A second one inside the first is refused with a warning.
    #[doc(alias = "startTransaction")]
    pub fn start_transaction(&self) {
        if self.is_transaction_started() {
            self.warn("startTransaction", "Called while transaction already in progress");
            return;
        }
        self.0.transaction.set(Some(0));
        self.0.transaction_pos.set(self.pos());
    }

    /// Ends the transaction: what was read in it is gone.
    #[doc(alias = "commitTransaction")]
    pub fn commit_transaction(&self) {
        match self.0.transaction.take() {
            Some(read) => self.0.buffer.borrow_mut().consume(read, &self.0.pool),
            None => self.warn("commitTransaction", "Called while no transaction in progress"),
        }
    }

    /// Ends the transaction: what was read in it will be read again.
    #[doc(alias = "rollbackTransaction")]
    pub fn rollback_transaction(&self) {
        if self.0.transaction.take().is_none() {
            self.warn("rollbackTransaction", "Called while no transaction in progress");
        } else if !self.is_sequential() {
            self.seek_buffer(self.0.transaction_pos.get());
        }
    }

    /// Whether a transaction is under way.
    #[doc(alias = "isTransactionStarted")]
    #[must_use]
    pub fn is_transaction_started(&self) -> bool {
        self.0.transaction.get().is_some()
    }

    // ---- in common

    /// Whether what is read has to stay in the buffer.
    fn keeps(&self) -> bool {
        self.is_transaction_started() && self.is_sequential()
    }

    fn advance(&self, by: i64) {
        if !self.is_sequential() {
            self.0.pos.set(self.pos() + by);
        }
    }

    /// Where in the buffer the next byte is.
    fn start(&self) -> usize {
        self.0.transaction.get().unwrap_or(0)
    }

    pub(super) fn buffered(&self) -> usize {
        self.buffer().len().saturating_sub(self.start())
    }

    fn check_readable(&self, function: &str) -> Result<(), DeviceError> {
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

    /// Up to `max_size` bytes as a `Vec`, never much larger than what there is.
    fn collect(&self, max_size: usize, keep: Keep) -> Vec<u8> {
        // One more than there is: so the device is asked, which is how it learns that there is room.
        let there = self.bytes_available().max(self.buffered()).min(ROOM) + 1;
        let mut data = vec![0; max_size.min(there)];
        let mut count = self.read_some(&mut data, keep).unwrap_or(0);
        // What a device did not tell of comes piece by piece, until it gives less than is asked for.
        while count == data.len() && count < max_size {
            let before = count;
            data.resize(count + PIECE.max(count).min(max_size - count), 0);
            // A peek begins anew each time.
            count = match keep {
                Keep::No => before + self.read_some(&mut data[before..], keep).unwrap_or(0),
                Keep::Peek => self.read_some(&mut data, keep).unwrap_or(0),
            };
        }
        data.truncate(count);
        data
    }

    /// Reads until `data` is full or the device has given less than it was asked for. In text mode
    /// carriage returns are left out, and more is read in their place.
    fn read_some(&self, data: &mut [u8], keep: Keep) -> Result<usize, DeviceError> {
        let mode = self.open_mode();
        let text = mode.contains(OpenMode::TEXT);
        let peeking = keep == Keep::Peek;
        let sequential = self.is_sequential();
        let transaction = self.keeps();
        let stays = if sequential {
            peeking || transaction
        } else {
            peeking && !mode.contains(OpenMode::UNBUFFERED)
        };
        let before = self.pos();
        let mut at = self.start();
        let mut done = 0;
        let mut asked = false;
        let mut at_end = false;
        loop {
            let mut count = self.buffer().copy_to(at, &mut data[done..]);
            if stays {
                at += count;
                self.advance(count as i64);
            } else if count > 0 {
                self.take(count);
            }
            if done + count < data.len() && !at_end {
                asked = true;
                let room = &mut data[done + count..];
                match self.fill(room, stays, &mut at_end) {
                    Ok(Filled::Direct(direct)) => count += direct,
                    Ok(Filled::Buffer) if count == 0 => continue,
                    Ok(Filled::Buffer | Filled::Nothing) => {}
                    Err(error) if done + count == 0 => return Err(error),
                    Err(_) => at_end = true,
                }
            }
            if count == 0 {
                break;
            }
            done += if text { strip_returns(&mut data[done..done + count]) } else { count };
        }
        // The device may have been closed meanwhile, by its own hand.
        if !self.is_open() {
            return Ok(done);
        }
        if stays && peeking {
            self.advance(before - self.pos());
        } else if stays && self.is_transaction_started() {
            self.0.transaction.set(Some(at.min(self.buffer_len())));
        } else if peeking {
            self.seek_buffer(before);
        }
        if !asked {
            self.note_empty();
        }
        Ok(done)
    }

    /// Takes bytes off the read buffer.
    fn take(&self, count: usize) {
        self.0.buffer.borrow_mut().consume(count, &self.0.pool);
        self.advance(count as i64);
    }

    /// Tells the device that the read buffer was just read empty: what it had no room for may come.
    fn note_empty(&self) {
        if self.buffered() == 0 {
            let _ = self.backend().read_data(self, &mut []);
        }
    }

    /// Gets more from the device: straight into `data`, or into the buffer if it has to be kept or if
    /// more than is asked for can be had at once.
    fn fill(&self, data: &mut [u8], stays: bool, at_end: &mut bool) -> Result<Filled, DeviceError> {
        let backend = self.backend();
        let sequential = backend.is_sequential();
        if !sequential && self.0.device_pos.get() != self.pos() {
            self.seek(self.pos())?;
        }
        let unbuffered = self.open_mode().contains(OpenMode::UNBUFFERED);
        if !stays && (unbuffered || data.len() >= PIECE) {
            let count = backend.read_data(self, data)?.min(data.len());
            *at_end = count < data.len();
            if self.is_open() {
                self.advance(count as i64);
                self.advance_device(count);
            }
            return Ok(if count == 0 { Filled::Nothing } else { Filled::Direct(count) });
        }
        let want = if unbuffered { data.len().min(PIECE) } else { PIECE };
        let mut piece = self.0.pool.take_scratch();
        let count = backend.read_data(self, &mut piece[..want]);
        let count = count.map(|count| count.min(want));
        if let (Ok(count), true) = (&count, self.is_open()) {
            self.append_to_buffer(&piece[..*count]);
            self.advance_device(*count);
        }
        self.0.pool.put_scratch(piece);
        let count = count?;
        *at_end = count < want;
        Ok(if count == 0 || !self.is_open() { Filled::Nothing } else { Filled::Buffer })
    }

    fn advance_device(&self, by: usize) {
        if !self.is_sequential() {
            self.0.device_pos.set(self.0.device_pos.get() + by as i64);
        }
    }

    /// A line of at most `max_size` bytes.
    fn line(&self, max_size: usize) -> Vec<u8> {
        let text = self.is_text_mode_enabled();
        let start = self.start();
        let found = self.buffer().find(b'\n', start).map(|end| end + 1 - start);
        // A line in the buffer is as it came; what is read beyond it has no carriage returns.
        let mut line = vec![0; found.unwrap_or(self.buffered()).min(max_size)];
        if !line.is_empty() {
            self.buffer().copy_to(start, &mut line);
            if self.keeps() {
                self.0.transaction.set(Some(start + line.len()));
            } else {
                self.take(line.len());
            }
            self.note_empty();
        }
        if line.last() != Some(&b'\n') {
            self.line_beyond(&mut line, max_size);
        }
        if text && line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            line.push(b'\n');
        }
        line
    }

    /// What a line has beyond the read buffer.
    fn line_beyond(&self, line: &mut Vec<u8>, max_size: usize) {
        if !self.is_sequential()
            && self.0.device_pos.get() != self.pos()
            && self.seek(self.pos()).is_err()
        {
            return line.clear();
        }
        let unbuffered = self.open_mode().contains(OpenMode::UNBUFFERED);
        // With positions, what was read too far can be given back.
        let ahead = unbuffered && !self.is_sequential() && !self.is_text_mode_enabled();
        while line.len() < max_size && line.last() != Some(&b'\n') {
            let start = self.start();
            let found = self.buffer().find(b'\n', start).map(|end| end + 1 - start);
            let there = found.unwrap_or(self.buffered());
            let guess = if there == 0 && ahead { LINE } else { there.max(1) };
            // In text mode a read goes on behind what it leaves out, into the next line.
            let guess = if self.is_text_mode_enabled() { 1 } else { guess };
            let before = line.len();
            line.resize(before + guess.min(max_size - before), 0);
            let count = self.read_some(&mut line[before..], Keep::No).unwrap_or(0);
            line.truncate(before + count);
            if count == 0 {
                break;
            }
            if let Some(end) = line[before..].iter().position(|&byte| byte == b'\n') {
                let beyond = (line.len() - before - end - 1) as i64;
                line.truncate(before + end + 1);
                if beyond > 0 && self.seek(self.pos() - beyond).is_err() {
                    break;
                }
            }
        }
    }
}

enum Filled {
    Direct(usize),
    Buffer,
    Nothing,
}

/// Moves the bytes together that are no carriage returns; how many there are.
fn strip_returns(data: &mut [u8]) -> usize {
    let mut kept = 0;
    for at in 0..data.len() {
        if data[at] != b'\r' {
            data[kept] = data[at];
            kept += 1;
        }
    }
    kept
}
