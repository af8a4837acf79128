//! What can be read and written as a whole.

use super::QDataStream;

/// What [`QDataStream::write`] takes: Qt's `operator<<(QDataStream &, const T &)`.
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

    /// Writes many of them with their count in front.
    #[doc(hidden)]
    fn write_list(list: &[Self], stream: &mut QDataStream)
    where
        Self: Sized,
    {
        stream.write_counted(list.iter(), |stream, item| item.write_to(stream));
    }
}

/// What [`QDataStream::read`] gives: Qt's `operator>>(QDataStream &, T &)`.
///
/// There is always a value. If what is read is too short or makes no sense, it is zero, empty or
/// whatever suits, and the [status](QDataStream::status) of the stream tells; where that is not for
/// the parts to find out, [`set_status`](QDataStream::set_status) with
/// [`ReadCorruptData`](super::StreamStatus::ReadCorruptData).
///
/// A type that can contain itself should do so in a list or map: the depth of those is limited.
/// [`ToStream`] has an example.
#[doc(alias = "operator>>")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a `QDataStream`",
    note = "`usize` and `isize` have no size of their own on the wire: read another integer"
)]
pub trait FromStream: Sized {
    /// Reads a value.
    fn read_from(stream: &mut QDataStream) -> Self;

    /// Reads many of them with their count in front.
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
