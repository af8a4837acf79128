//! Writing: fields, numbers and the buffer before the device.

use std::fmt;

use super::{
    FieldAlignment, Medium, QTextStream, TextStreamStatus,
    format::{self, ascii},
    settings::{MAX_LENGTH, Settings},
};

/// How much text to keep before it goes to the device, in bytes.
pub(super) const KEPT: usize = 16384;

/// # Writing
impl QTextStream {
    /// Sends the written text to the device. While the [status](QTextStream::status) is not `Ok`,
    /// the text stays in the stream.
    ///
    /// The stream flushes itself when it has more than 16 KiB, before it moves or changes its
    /// device, when the device closes, and when it is dropped. If the device does not take all of
    /// the text, the rest is lost and the status becomes
    /// [`WriteFailed`](TextStreamStatus::WriteFailed).
    ///
    /// When the device closes, a slot of its
    /// [`about_to_close`](crate::io_device::DeviceNode::about_to_close) flushes the stream. The
    /// stream connects this slot when it gets the device. Slots of that signal that are connected
    /// later find the text in the device. Text that they write to the stream is not flushed, and
    /// the next flush fails.
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, QTextStream};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::WRITE_ONLY)?;
    /// let mut out = QTextStream::new(&buffer);
    /// out.write("one");
    /// assert_eq!(buffer.data(), b"");
    /// out.flush();
    /// assert_eq!(buffer.data(), b"one");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    pub fn flush(&mut self) {
        self.output.flush();
    }

    pub(super) fn put_integer(&mut self, magnitude: u64, is_negative: bool) {
        self.put_number(|text, settings, _| {
            format::integer(text, magnitude, is_negative, settings);
        });
    }

    pub(super) fn put_real(&mut self, value: f64) {
        self.put_number(|text, settings, scratch| format::real(text, value, settings, scratch));
    }

    /// Writes the number that `format` appends to bytes.
    #[inline]
    fn put_number(&mut self, format: impl FnOnce(&mut Vec<u8>, &Settings, &mut Vec<u8>)) {
        if let (Some(output), 0) = (self.output.to_device(), self.settings.width) {
            // Without a field, the number goes right to where it belongs.
            return output.append(|text| format(text, &self.settings, &mut self.digits));
        }
        let mut number = std::mem::take(&mut self.number);
        number.clear();
        format(&mut number, &self.settings, &mut self.digits);
        self.put_in_field(ascii(&number), true);
        if number.capacity() <= KEPT {
            self.number = number;
        }
    }

    /// Writes text in its field.
    #[inline]
    pub(super) fn put(&mut self, text: &str) {
        if let (Some(output), 0) = (self.output.to_device(), self.settings.width) {
            return output.append(|unflushed| unflushed.extend_from_slice(text.as_bytes()));
        }
        self.put_in_field(text, false);
    }

    /// Writes a character in its field.
    #[inline]
    pub(super) fn put_char(&mut self, c: char) {
        if let (Some(output), 0, Ok(byte @ 0..=127)) =
            (self.output.to_device(), self.settings.width, u8::try_from(c))
        {
            return output.append(|text| text.push(byte));
        }
        self.put_in_field(c.encode_utf8(&mut [0; 4]), false);
    }

    fn put_in_field(&mut self, text: &str, is_number: bool) {
        if !self.has_medium() {
            return;
        }
        if self.settings.width == 0 {
            return self.append(text);
        }
        let width = self.settings.width.min(MAX_LENGTH);
        let padding = width.saturating_sub(text.encode_utf16().count());
        match self.settings.alignment {
            FieldAlignment::Left => {
                self.append(text);
                self.pad(padding);
            }
            FieldAlignment::Center => {
                self.pad(padding / 2);
                self.append(text);
                self.pad(padding - padding / 2);
            }
            FieldAlignment::AccountingStyle if is_number && text.starts_with(['+', '-']) => {
                let (sign, digits) = text.split_at(1);
                self.append(sign);
                self.pad(padding);
                self.append(digits);
            }
            FieldAlignment::Right | FieldAlignment::AccountingStyle => {
                self.pad(padding);
                self.append(text);
            }
        }
    }

    fn pad(&mut self, mut count: usize) {
        const MOST: usize = 1024;
        if count == 0 {
            return;
        }
        let mut pad = [0; 4];
        let pad = &*self.settings.pad.encode_utf8(&mut pad);
        let pads = pad.repeat(count.min(MOST));
        while count > 0 {
            // A wide field over a device needs no more memory than a narrow one.
            let now = count.min(MOST);
            self.append(&pads[..pad.len() * now]);
            count -= now;
        }
    }

    fn append(&mut self, new: &str) {
        match &mut self.medium {
            Medium::None => {}
            Medium::Text { text, .. } => text.push_str(new),
            Medium::Device(_) => {
                self.output.append(|unflushed| unflushed.extend_from_slice(new.as_bytes()));
            }
        }
    }
}

/// Writes text as it is: without a field. With `write!` a stream takes everything that Rust can
/// format.
///
/// ```
/// use std::fmt::Write;
///
/// let mut out = qcore::QTextStream::from_string("");
/// write!(out, "{:?} {:>4}", [1, 2], "x")?;
/// assert_eq!(out.into_string(), "[1, 2]    x");
/// # Ok::<(), std::fmt::Error>(())
/// ```
impl fmt::Write for QTextStream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.has_medium() {
            return Err(fmt::Error);
        }
        self.append(text);
        if self.status() == TextStreamStatus::WriteFailed { Err(fmt::Error) } else { Ok(()) }
    }
}
