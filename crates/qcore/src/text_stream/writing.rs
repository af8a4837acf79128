//! Writing: fields, numbers and the buffer before the device.

use std::fmt;

use super::{FieldAlignment, Medium, QTextStream, TextStreamStatus, format, settings::Settings};

/// How much text to keep before it goes to the device, in bytes.
const KEPT: usize = 16384;

/// # Writing
impl QTextStream {
    /// Sends the written text to the device. While the [status](QTextStream::status) is not `Ok`,
    /// the text stays in the stream.
    ///
    /// The stream flushes itself when it has more than 16 KiB, before it moves or changes its
    /// device, and when it is dropped. If the device does not take all of the text, the rest is
    /// lost and the status becomes [`WriteFailed`](TextStreamStatus::WriteFailed).
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
            let bytes = self.encoder.encode(&text);
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

    /// Writes the number that `format` appends to a string.
    fn put_number(&mut self, format: impl FnOnce(&mut String, &Settings, &mut String)) {
        if self.settings.width > 0 {
            let mut text = String::new();
            format(&mut text, &self.settings, &mut self.digits);
            return self.put(&text, true);
        }
        // Without a field, the number goes right to where it belongs.
        let text = match &mut self.medium {
            Medium::None => return self.put("", true),
            Medium::Text { text, .. } => return format(text, &self.settings, &mut self.digits),
            Medium::Device(_) => &mut self.unflushed,
        };
        format(text, &self.settings, &mut self.digits);
        if self.unflushed.len() > KEPT {
            self.flush();
        }
    }

    /// Writes a value in its field.
    pub(super) fn put(&mut self, text: &str, is_number: bool) {
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
        while count > 0 {
            // A wide field over a device needs no more memory than a narrow one.
            let now = count.min(1024);
            let pad = self.settings.pad;
            self.append_with(|text| text.extend(std::iter::repeat_n(pad, now)));
            count -= now;
        }
    }

    pub(super) fn append(&mut self, text: &str) {
        self.append_with(|all| all.push_str(text));
    }

    fn append_with(&mut self, append: impl FnOnce(&mut String)) {
        match &mut self.medium {
            Medium::None => {}
            Medium::Text { text, .. } => append(text),
            Medium::Device(_) => {
                append(&mut self.unflushed);
                if self.unflushed.len() > KEPT {
                    self.flush();
                }
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
        if self.status == TextStreamStatus::WriteFailed { Err(fmt::Error) } else { Ok(()) }
    }
}
