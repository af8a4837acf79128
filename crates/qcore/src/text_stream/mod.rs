//! Text: lines, words, characters and numbers, as `QTextStream` reads and writes them.
//!
//! A [`QTextStream`] works over a device, over bytes in memory, or over a string:
//!
//! ```text
//!   device ─► bytes ─► codec ─► text ─► read_line(), read_word(), read_int32(), ...
//!   device ◄─ codec ◄─ text not flushed ◄─ field ◄─ format ◄─ write()
//! ```
//!
//! * Reading has a function for each kind of value. [`read_value`](QTextStream::read_value) reads
//!   every type that implements [`FromText`].
//! * [`write`](QTextStream::write) writes every type that implements [`ToText`]: numbers,
//!   characters, text, bytes and [`Manipulator`]s. `write!` works as well.
//! * A [`TextCodec`] converts between text and bytes. The stream recognizes byte order marks.
//!
//! # Differences from Qt
//!
//! * There are no locales: numbers are read and written as in Qt's C locale, and the codec is UTF-8
//!   by default.
//! * Text is valid Unicode: the stream reads half of a surrogate pair, or a number that is not a
//!   character, as U+FFFD.
//! * A position in a string counts bytes, as elsewhere in Rust.
//! * [`read`](QTextStream::read) is Qt's `read(maxlen)`. So the generic function that replaces Qt's
//!   `>>` is `read_value`.
//! * Codecs other than Unicode and Latin-1 are those of the Encoding Standard, which web browsers
//!   use. They need the feature `codecs`, which is on by default.
//! * Qt misreads real numbers of more than about 120 characters. This library reads all digits.
//!
//! # Untrusted input
//!
//! No input makes a stream panic. The memory of a stream is in proportion to the bytes that it has
//! read from the device and the program has not taken yet. A line or a word can have any length:
//! for lines from a peer, use [`read_line_with_maxlen`](QTextStream::read_line_with_maxlen).

mod codec;
mod decode;
mod encode;
mod format;
mod input;
mod output;
mod parse;
mod reading;
mod settings;
mod status;
mod values;
mod writing;

use std::fmt;

pub use self::{
    codec::TextCodec,
    settings::{FieldAlignment, Manipulator, NumberFlags, RealNumberNotation},
    status::TextStreamStatus,
    values::{FromText, ToText},
};
use self::{input::Input, output::Output, settings::Settings};
use crate::io_device::{DeviceError, DeviceErrorKind, OpenMode, QBuffer, QIODevice};

/// Reads and writes text, over a device, over bytes or over a string.
///
/// An error sets the [`status`](QTextStream::status). The first error stays until
/// [`reset_status`](QTextStream::reset_status). [The module](crate::text_stream) describes the
/// differences from Qt. Stands for Qt's [QTextStream](https://doc.qt.io/qt-5/qtextstream.html).
///
/// # Examples
///
/// Over a string:
///
/// ```
/// use qcore::{QTextStream, text_stream::Manipulator::*};
///
/// let mut out = QTextStream::from_string("");
/// out.write(&FieldWidth(8)).write("pi").write(&3.14159265).write(&FieldWidth(0)).write(&Endl);
/// assert_eq!(out.into_string(), "      pi 3.14159\n");
///
/// let mut input = QTextStream::from_string("width 80\nheight 0x18");
/// assert_eq!((input.read_word(), input.read_int32()), ("width".to_owned(), 80));
/// assert_eq!((input.read_word(), input.read_int32()), ("height".to_owned(), 24));
/// assert!(input.at_end());
/// ```
///
/// Over a device:
///
/// ```
/// use qcore::{OpenMode, QBuffer, QTextStream};
///
/// let buffer = QBuffer::new();
/// buffer.set_data("one\r\ntwo\r\n");
/// buffer.open(OpenMode::READ_ONLY)?;
/// let mut input = QTextStream::new(&buffer);
/// assert_eq!(input.read_line().as_deref(), Some("one"));
/// assert_eq!(input.pos(), Some(5));
/// assert_eq!(input.lines().collect::<Vec<_>>(), ["two"]);
/// # Ok::<(), qcore::DeviceError>(())
/// ```
///
/// Over a socket, line by line:
///
/// ```
/// # use std::cell::RefCell;
/// # use qcore::{QIODevice, QTextStream};
/// # fn serve(socket: &QIODevice) {
/// let socket_of_slot = socket.clone();
/// socket.ready_read.connect(move |()| {
///     while socket_of_slot.can_read_line() {
///         let line = socket_of_slot.read_line();
///         let mut words = QTextStream::from_bytes(line);
///         let mut answer = QTextStream::new(&socket_of_slot);
///         match words.read_word().as_str() {
///             "add" => answer.write(&(words.read_int32() + words.read_int32())).write("\r\n"),
///             _ => answer.write("what?\r\n"),
///         };
///     }
/// });
/// # }
/// ```
pub struct QTextStream {
    medium: Medium,
    /// The device of a stream over bytes.
    bytes: Option<QBuffer>,
    codec: TextCodec,
    detects: bool,
    output: Output,
    settings: Settings,
    /// Memory for numbers, and for their digits.
    number: Vec<u8>,
    digits: Vec<u8>,
}

/// What a stream is over.
enum Medium {
    None,
    Device(Box<Input>),
    Text {
        text: String,
        /// The position of the next character to read.
        at: usize,
    },
}

impl Default for QTextStream {
    /// Creates a stream without a device and without a string. The program can set one later.
    fn default() -> Self {
        QTextStream::over(Medium::None, Output::default())
    }
}

impl QTextStream {
    /// Creates a stream over a device, which must be open.
    ///
    /// The device has one position for reading and writing. The stream reads ahead, so the device's
    /// position is usually after the text that the program has read. [`pos`](QTextStream::pos)
    /// moves the device to the next character that the program will read.
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, QTextStream};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data("name: ???");
    /// buffer.open(OpenMode::READ_WRITE)?;
    /// let mut stream = QTextStream::new(&buffer);
    /// assert_eq!(stream.read_word(), "name:");
    /// assert_eq!(stream.pos(), Some(5));
    /// stream.write(" Ada").flush();
    /// assert_eq!(buffer.data(), b"name: Ada");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[must_use]
    pub fn new(device: &QIODevice) -> Self {
        let stream = QTextStream::over_device(device);
        stream.output.connect();
        stream
    }

    /// Creates a stream over a string. It reads from the beginning and writes at the end.
    ///
    /// ```
    /// use qcore::QTextStream;
    ///
    /// let mut stream = QTextStream::from_string("one ");
    /// stream.write("two");
    /// assert_eq!(stream.read_word(), "one");
    /// assert_eq!(stream.into_string(), "one two");
    /// ```
    #[must_use]
    pub fn from_string(text: impl Into<String>) -> Self {
        QTextStream::over(Medium::Text { text: text.into(), at: 0 }, Output::default())
    }

    /// Creates a stream over bytes: over a [`QBuffer`] that is open for reading and writing.
    /// Reading and writing begin at the first byte, so written text replaces the bytes.
    ///
    /// ```
    /// use qcore::QTextStream;
    ///
    /// let mut out = QTextStream::from_bytes(Vec::new());
    /// out.write("fünf");
    /// assert_eq!(out.into_bytes(), "fünf".as_bytes());
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let buffer = QBuffer::new();
        buffer.set_data(bytes);
        let _ = buffer.open(OpenMode::READ_WRITE);
        let mut stream = QTextStream::over_device(&buffer);
        stream.bytes = Some(buffer);
        stream
    }

    /// Creates a stream over a device, without a connection to it.
    fn over_device(device: &QIODevice) -> Self {
        let input = Input::new(device, TextCodec::default());
        QTextStream::over(Medium::Device(Box::new(input)), Output::new(device))
    }

    fn over(medium: Medium, output: Output) -> Self {
        QTextStream {
            medium,
            bytes: None,
            codec: TextCodec::default(),
            detects: true,
            output,
            settings: Settings::default(),
            number: Vec::new(),
            digits: Vec::new(),
        }
    }

    /// Returns the string of a stream over a string, including what has been read. Any other stream
    /// returns an empty one.
    #[must_use]
    pub fn into_string(mut self) -> String {
        match &mut self.medium {
            Medium::Text { text, .. } => std::mem::take(text),
            Medium::None | Medium::Device(_) => String::new(),
        }
    }

    /// Flushes the stream and returns the bytes of a stream over bytes, including those that have
    /// been read. Any other stream returns an empty `Vec`.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.flush();
        self.bytes.as_ref().map(|buffer| buffer.data()).unwrap_or_default()
    }

    // ---- what it is over

    /// Returns the device, if the stream is over one.
    #[must_use]
    pub fn device(&self) -> Option<&QIODevice> {
        match &self.medium {
            Medium::Device(input) => {
                // A stream over bytes connects here, because nobody had its device before.
                self.output.connect();
                Some(input.device())
            }
            Medium::None | Medium::Text { .. } => None,
        }
    }

    /// Flushes the stream and makes `device` its device. This resets all settings, the codec and
    /// the status to their defaults, as in Qt.
    #[doc(alias = "setDevice")]
    pub fn set_device(&mut self, device: &QIODevice) {
        self.flush();
        *self = QTextStream::new(device);
    }

    /// Flushes the stream and detaches it from its device or string. From then on, a read returns
    /// nothing, and the stream drops written text. Each such call logs Qt's warning.
    #[doc(alias = "setDevice")]
    pub fn unset_device(&mut self) {
        self.flush();
        *self = QTextStream::default();
    }

    /// Returns the string, if the stream is over one, including what has been read.
    #[must_use]
    pub fn string(&self) -> Option<&str> {
        match &self.medium {
            Medium::Text { text, .. } => Some(text),
            Medium::None | Medium::Device(_) => None,
        }
    }

    /// Returns the string, if the stream is over one. The position does not change with the string.
    ///
    /// ```
    /// use qcore::QTextStream;
    ///
    /// let mut input = QTextStream::from_string("one\n");
    /// assert_eq!(input.read_line().as_deref(), Some("one"));
    /// assert_eq!(input.read_line(), None);
    /// input.string_mut().unwrap().push_str("two\n");
    /// assert_eq!(input.read_line().as_deref(), Some("two"));
    /// ```
    #[doc(alias = "string")]
    pub fn string_mut(&mut self) -> Option<&mut String> {
        match &mut self.medium {
            Medium::Text { text, .. } => Some(text),
            Medium::None | Medium::Device(_) => None,
        }
    }

    /// Flushes the stream and lets it read from `text` and append to it. This resets all settings,
    /// the codec and the status to their defaults, as in Qt.
    #[doc(alias = "setString")]
    pub fn set_string(&mut self, text: impl Into<String>) {
        self.flush();
        *self = QTextStream::from_string(text);
    }

    // ---- position

    /// Returns the position of the next character to read: in a device, the device's position in
    /// bytes; in a string, bytes from its beginning. A sequential device has the position 0.
    ///
    /// The device moves to this position, so the next written text goes there, and the stream drops
    /// the text that it has read ahead. Written text that has not been flushed does not change the
    /// position.
    ///
    /// Returns `None` if the device cannot move. Returns `None` and logs Qt's warning if the stream
    /// has neither a device nor a string.
    ///
    /// ```
    /// let mut input = qcore::QTextStream::from_bytes("fünf sechs");
    /// assert_eq!(input.read_word(), "fünf");
    /// assert_eq!(input.pos(), Some(5));
    /// ```
    pub fn pos(&mut self) -> Option<i64> {
        match &mut self.medium {
            Medium::None => {
                crate::q_warning!("QTextStream::pos: no device");
                None
            }
            Medium::Device(input) => input.synchronize().ok(),
            Medium::Text { at, .. } => Some(*at as i64),
        }
    }

    /// Flushes the stream and moves to a position, as [`pos`](QTextStream::pos) returns it. The
    /// status does not change.
    ///
    /// The stream decodes what follows from the codec's initial state. In ISO-2022-JP, a position
    /// between two escape sequences may have another state, and then the text is wrong.
    ///
    /// ```
    /// let mut input = qcore::QTextStream::from_bytes("one two");
    /// assert_eq!(input.read_all(), "one two");
    /// input.seek(4)?;
    /// assert_eq!(input.read_all(), "two");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The device's error. [`InvalidArgument`](DeviceErrorKind::InvalidArgument) if a string has no
    /// such position or it is inside a character. [`NotOpen`](DeviceErrorKind::NotOpen) if the
    /// stream is over nothing.
    pub fn seek(&mut self, position: i64) -> Result<(), DeviceError> {
        self.flush();
        match &mut self.medium {
            Medium::None => Err(DeviceErrorKind::NotOpen.into()),
            Medium::Device(input) => {
                input.seek(position, self.codec)?;
                self.output.set_marks(false);
                Ok(())
            }
            Medium::Text { text, at } => match usize::try_from(position) {
                Ok(position) if text.is_char_boundary(position) => {
                    *at = position;
                    Ok(())
                }
                _ => Err(DeviceErrorKind::InvalidArgument.into()),
            },
        }
    }

    /// Returns an iterator over the remaining lines, as [`read_line`](QTextStream::read_line)
    /// returns them.
    pub fn lines(&mut self) -> impl Iterator<Item = String> {
        std::iter::from_fn(|| self.read_line())
    }

    // ---- for the readers

    fn has_medium(&self) -> bool {
        let has_one = !matches!(self.medium, Medium::None);
        if !has_one {
            crate::q_warning!("QTextStream: No device");
        }
        has_one
    }

    /// Returns the text that can be read without asking the device.
    #[inline]
    fn rest(&self) -> &str {
        match &self.medium {
            Medium::None => "",
            Medium::Device(input) => input.rest(),
            Medium::Text { text, at } => text.get(*at..).unwrap_or_else(|| after(text, *at)),
        }
    }

    /// Takes `count` bytes of it.
    #[inline]
    fn consume(&mut self, count: usize) {
        match &mut self.medium {
            Medium::None => {}
            Medium::Device(input) => input.consume(count),
            Medium::Text { text, at } => {
                if !text.is_char_boundary(*at) {
                    *at = text.len() - after(text, *at).len();
                }
                *at += count;
            }
        }
    }

    /// Asks the device for more. Returns whether bytes came; they need not be whole characters.
    fn more(&mut self) -> bool {
        let Medium::Device(input) = &mut self.medium else { return false };
        let came = input.fill(&mut self.codec, &mut self.detects);
        self.output.set_codec(self.codec);
        came
    }
}

/// Returns the text after `at`, which the program has left inside a character or beyond the end by
/// changing the string.
fn after(text: &str, at: usize) -> &str {
    let at = (at..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    &text[at..]
}

impl Drop for QTextStream {
    /// Flushes the stream.
    fn drop(&mut self) {
        self.flush();
    }
}

impl fmt::Debug for QTextStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `device()` prepares the stream for a device that others use.
        let device = match &self.medium {
            Medium::Device(input) => Some(input.device()),
            Medium::None | Medium::Text { .. } => None,
        };
        f.debug_struct("QTextStream")
            .field("device", &device)
            .field("codec", &self.codec.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
