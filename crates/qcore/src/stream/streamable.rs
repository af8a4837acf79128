//! The traits of types that a stream can read and write.

use super::QDataStream;

/// A type that [`QDataStream::write`] can write: Qt's `operator<<(QDataStream &, const T &)`.
///
/// # Examples
///
/// A type of your own:
///
/// ```
/// use qcore::{
///     QDataStream,
///     stream::{FromStream, ToStream},
/// };
///
/// #[derive(Debug, PartialEq)]
/// struct Point {
///     x: i32,
///     y: i32,
/// }
///
/// impl ToStream for Point {
///     fn write_to(&self, stream: &mut QDataStream) {
///         stream.write(&self.x).write(&self.y);
///     }
/// }
///
/// impl FromStream for Point {
///     fn read_from(stream: &mut QDataStream) -> Self {
///         Point { x: stream.read(), y: stream.read() }
///     }
/// }
///
/// let mut stream = QDataStream::from_bytes(Vec::new());
/// stream.write(&[Point { x: 1, y: 2 }][..]);
/// assert_eq!(stream.read::<Vec<Point>>(), [Point { x: 1, y: 2 }]);
/// ```
#[doc(alias = "operator<<")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written to a `QDataStream`",
    note = "`usize` and `isize` have no size of their own on the wire: cast them"
)]
pub trait ToStream {
    /// Writes the value.
    fn write_to(&self, stream: &mut QDataStream);

    /// Writes the number of values, then the values.
    #[doc(hidden)]
    fn write_list(list: &[Self], stream: &mut QDataStream)
    where
        Self: Sized,
    {
        stream.write_counted(list.iter(), |stream, item| item.write_to(stream));
    }
}

/// A type that [`QDataStream::read`] can read: Qt's `operator>>(QDataStream &, T &)`.
///
/// Reading always returns a value. If the data is too short or invalid, the value is zero, empty or
/// another substitute, and the stream's [status](QDataStream::status) reports the error. If an
/// implementation finds an error that reading its parts does not, it calls
/// [`set_status`](QDataStream::set_status) with
/// [`ReadCorruptData`](super::StreamStatus::ReadCorruptData).
///
/// A type that can contain itself should do so in a list or map, because the stream limits the
/// depth of those. [`ToStream`] has an example.
#[doc(alias = "operator>>")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a `QDataStream`",
    note = "`usize` and `isize` have no size of their own on the wire: read another integer"
)]
pub trait FromStream: Sized {
    /// Reads a value.
    fn read_from(stream: &mut QDataStream) -> Self;

    /// Reads the number of values, then the values.
    #[doc(hidden)]
    fn read_list(stream: &mut QDataStream) -> Vec<Self> {
        stream.read_counted(Self::read_from, Vec::push)
    }
}

impl<T: ToStream + ?Sized> ToStream for &T {
    fn write_to(&self, stream: &mut QDataStream) {
        (**self).write_to(stream);
    }
}
