//! The traits of types that a text stream can read and write.

use std::{
    ffi::{CStr, CString},
    fmt,
};

use super::{QTextStream, decode::decode_utf8, settings::NumberFlags};

/// A type that [`QTextStream::write`] can write: Qt's `operator<<(QTextStream &, const T &)`.
///
/// # Examples
///
/// A type of your own:
///
/// ```
/// use qcore::{
///     QTextStream,
///     text_stream::{FromText, ToText},
/// };
///
/// #[derive(Debug, PartialEq)]
/// struct Point {
///     x: i32,
///     y: i32,
/// }
///
/// impl ToText for Point {
///     fn write_to(&self, stream: &mut QTextStream) {
///         stream.write(&self.x).write(&' ').write(&self.y);
///     }
/// }
///
/// impl FromText for Point {
///     fn read_from(stream: &mut QTextStream) -> Self {
///         Point { x: stream.read_value(), y: stream.read_value() }
///     }
/// }
///
/// let mut stream = QTextStream::from_string("");
/// stream.write(&Point { x: 1, y: -2 });
/// assert_eq!(stream.string(), Some("1 -2"));
/// assert_eq!(stream.read_value::<Point>(), Point { x: 1, y: -2 });
/// ```
#[doc(alias = "operator<<")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written to a `QTextStream`",
    note = "`write!(stream, ...)` writes what implements `Display`"
)]
pub trait ToText {
    /// Writes the value.
    fn write_to(&self, stream: &mut QTextStream);
}

/// A type that [`QTextStream::read_value`] can read: Qt's `operator>>(QTextStream &, T &)`.
///
/// Reading always returns a value. If the text is not a value of the type, the result is zero or
/// empty, and the stream's [status](QTextStream::status) reports the error. [`ToText`] has an
/// example.
#[doc(alias = "operator>>")]
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be read from a `QTextStream`")]
pub trait FromText: Sized {
    /// Reads a value.
    fn read_from(stream: &mut QTextStream) -> Self;
}

/// # Values of any type
impl QTextStream {
    /// Reads a value of any type that implements [`FromText`]. A `String` is a word.
    ///
    /// ```
    /// let mut input = qcore::QTextStream::from_string("ada 36 1.5");
    /// assert_eq!(input.read_value::<String>(), "ada");
    /// assert_eq!(input.read_value::<u16>(), 36);
    /// assert_eq!(input.read_value::<f64>(), 1.5);
    /// ```
    #[doc(alias = "operator>>")]
    pub fn read_value<T: FromText>(&mut self) -> T {
        T::read_from(self)
    }

    /// Writes a value of any type that implements [`ToText`]. Returns the stream, so that calls can
    /// be chained.
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::Manipulator};
    ///
    /// let mut out = QTextStream::from_string("");
    /// out.write("x = ").write(&0.1).write(&'\n').write(&Manipulator::Hex).write(&255);
    /// assert_eq!(out.into_string(), "x = 0.1\nff");
    /// ```
    #[doc(alias = "operator<<")]
    #[inline]
    pub fn write<T: ToText + ?Sized>(&mut self, value: &T) -> &mut Self {
        value.write_to(self);
        self
    }
}

impl<T: ToText + ?Sized> ToText for &T {
    fn write_to(&self, stream: &mut QTextStream) {
        (**self).write_to(stream);
    }
}

macro_rules! integers {
    ($($type:ident)*) => {
        $(
            impl ToText for $type {
                fn write_to(&self, stream: &mut QTextStream) {
                    #[allow(unused_comparisons)]
                    let is_negative = *self < 0;
                    let magnitude = *self as i64 as u64;
                    let magnitude = if is_negative { magnitude.wrapping_neg() } else { magnitude };
                    stream.put_integer(magnitude, is_negative);
                }
            }
        )*
    };
}

integers! { i8 u8 i16 u16 i32 u32 i64 u64 isize usize }

macro_rules! read_integers {
    ($($type:ident)*) => {
        $(
            impl FromText for $type {
                fn read_from(stream: &mut QTextStream) -> Self {
                    stream.read_integer() as $type
                }
            }
        )*
    };
}

read_integers! { i16 u16 i32 u32 i64 u64 isize usize }

impl ToText for bool {
    fn write_to(&self, stream: &mut QTextStream) {
        stream.put_integer((*self).into(), false);
    }
}

impl ToText for f32 {
    fn write_to(&self, stream: &mut QTextStream) {
        stream.put_real((*self).into());
    }
}

impl ToText for f64 {
    fn write_to(&self, stream: &mut QTextStream) {
        stream.put_real(*self);
    }
}

impl FromText for f32 {
    fn read_from(stream: &mut QTextStream) -> Self {
        stream.read_float()
    }
}

impl FromText for f64 {
    fn read_from(stream: &mut QTextStream) -> Self {
        stream.read_double()
    }
}

impl ToText for char {
    #[inline]
    fn write_to(&self, stream: &mut QTextStream) {
        stream.put_char(*self);
    }
}

impl FromText for char {
    fn read_from(stream: &mut QTextStream) -> Self {
        stream.read_char()
    }
}

impl ToText for str {
    #[inline]
    fn write_to(&self, stream: &mut QTextStream) {
        stream.put(self);
    }
}

impl ToText for String {
    #[inline]
    fn write_to(&self, stream: &mut QTextStream) {
        stream.put(self);
    }
}

impl FromText for String {
    fn read_from(stream: &mut QTextStream) -> Self {
        stream.read_word()
    }
}

/// Qt's `QByteArray`: the bytes are taken as UTF-8.
impl ToText for [u8] {
    fn write_to(&self, stream: &mut QTextStream) {
        let mut text = String::new();
        let (incomplete, _) = decode_utf8(self, &mut text);
        text.extend(incomplete.iter().map(|_| char::REPLACEMENT_CHARACTER));
        stream.put(&text);
    }
}

impl<const N: usize> ToText for [u8; N] {
    fn write_to(&self, stream: &mut QTextStream) {
        self.as_slice().write_to(stream);
    }
}

impl ToText for Vec<u8> {
    fn write_to(&self, stream: &mut QTextStream) {
        self.as_slice().write_to(stream);
    }
}

/// A word in Latin-1. A character that Latin-1 does not have becomes NUL.
impl FromText for Vec<u8> {
    fn read_from(stream: &mut QTextStream) -> Self {
        stream.read_word().chars().map(|c| u8::try_from(c).unwrap_or(0)).collect()
    }
}

/// Qt's `const char *`: the bytes are taken as Latin-1.
impl ToText for CStr {
    fn write_to(&self, stream: &mut QTextStream) {
        let text: String = self.to_bytes().iter().map(|&byte| char::from(byte)).collect();
        stream.put(&text);
    }
}

impl ToText for CString {
    fn write_to(&self, stream: &mut QTextStream) {
        self.as_c_str().write_to(stream);
    }
}

/// A word in Latin-1, up to the first character that Latin-1 does not have.
impl FromText for CString {
    fn read_from(stream: &mut QTextStream) -> Self {
        let mut bytes = Vec::read_from(stream);
        bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
        CString::new(bytes).unwrap_or_default()
    }
}

/// Formatted text is one value, in one field.
impl ToText for fmt::Arguments<'_> {
    fn write_to(&self, stream: &mut QTextStream) {
        match self.as_str() {
            Some(text) => stream.put(text),
            None => stream.put(&self.to_string()),
        }
    }
}

/// The address, in base 16 with its prefix.
impl<T: ?Sized> ToText for *const T {
    fn write_to(&self, stream: &mut QTextStream) {
        let old = (stream.settings.base, stream.settings.flags);
        stream.settings.base = 16;
        stream.settings.flags.insert(NumberFlags::SHOW_BASE);
        stream.put_integer(self.addr() as u64, false);
        (stream.settings.base, stream.settings.flags) = old;
    }
}

/// The address, in base 16 with its prefix.
impl<T: ?Sized> ToText for *mut T {
    fn write_to(&self, stream: &mut QTextStream) {
        self.cast_const().write_to(stream);
    }
}
