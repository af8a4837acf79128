//! Writing: fields, numbers and the buffer before the device.

use std::fmt;

use super::{
    FieldAlignment, Medium, QTextStream, TextStreamStatus,
    format::{self, ascii},
    settings::Settings,
};

/// How much text to keep before it goes to the device, in bytes.
const KEPT: usize = 16384;

/// # Writing
impl QTextStream {
    /// Sends the written text to the device. While the [status](QTextStream::status) is not `Ok`,
    /// the text stays in the stream.
    ///
    /// The stream flushes itself when it has more than 16 KiB, before it moves or changes its
    /// device, and when it is dropped. If the device does not take all of the text, the rest is
    /// lost and the status becomes [`WriteFailed`](TextStreamStatus::WriteFailed). Flush the stream
    /// before you close its device: unlike in Qt, closing the device does not flush the stream.
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
        if self.status != TextStreamStatus::Ok || self.unflushed.is_empty() {
            return;
        }
        let Medium::Device(input) = &self.medium else { return };
        let mut text = std::mem::take(&mut self.unflushed);
        let (written, size) = if self.encoder.is_plain() {
            (input.device().write(&text), text.len())
        } else {
            let bytes = self.encoder.encode(unflushed_text(&text));
            (input.device().write(&bytes), bytes.len())
        };
        if !written.is_ok_and(|written| written == size) {
            self.set_status(TextStreamStatus::WriteFailed);
        }
        if text.capacity() <= 4 * KEPT {
            text.clear();
            self.unflushed = text;
        }
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
        if let (Medium::Device(_), 0) = (&self.medium, self.settings.width) {
            // Without a field, the number goes right to where it belongs.
            format(&mut self.unflushed, &self.settings, &mut self.digits);
            return self.flush_if_full();
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
        if let (Medium::Device(_), 0) = (&self.medium, self.settings.width) {
            self.unflushed.extend_from_slice(text.as_bytes());
            return self.flush_if_full();
        }
        self.put_in_field(text, false);
    }

    /// Writes a character in its field.
    #[inline]
    pub(super) fn put_char(&mut self, c: char) {
        if let (Medium::Device(_), 0, Ok(byte @ 0..=127)) =
            (&self.medium, self.settings.width, u8::try_from(c))
        {
            self.unflushed.push(byte);
            return self.flush_if_full();
        }
        self.put_in_field(c.encode_utf8(&mut [0; 4]), false);
    }

    #[inline]
    fn flush_if_full(&mut self) {
        if self.unflushed.len() > KEPT {
            self.flush();
        }
    }

    fn put_in_field(&mut self, text: &str, is_number: bool) {
        if !self.has_medium() {
            return;
        }
        if self.settings.width == 0 {
            return self.append(text);
        }
        let padding = self.settings.width.saturating_sub(text.encode_utf16().count());
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
                self.unflushed.extend_from_slice(new.as_bytes());
                self.flush_if_full();
            }
        }
    }
}

/// Returns the written text. The stream keeps it in bytes, as most codecs need it.
fn unflushed_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the stream appends whole texts only")
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
        if self.status == TextStreamStatus::WriteFailed { Err(fmt::Error) } else { Ok(()) }
    }
}
