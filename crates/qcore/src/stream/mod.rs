//! Qt's binary format, as `QDataStream` reads and writes it.
//!
//! [`QDataStream`] has one method for each type, with the name that PySide2 gives it (`read_int32`,
//! `write_qstring`). [`read`](QDataStream::read) and [`write`](QDataStream::write) work for every
//! type that implements [`FromStream`] or [`ToStream`]: numbers, text, lists, maps, pairs,
//! [`QVariant`]s and types of your own.
//!
//! # Format
//!
//! Numbers and counts have the stream's [byte order](QDataStream::set_byte_order).
//!
//! | Rust | Qt | on the wire |
//! |---|---|---|
//! | `bool` | `bool` | a byte, 0 or 1; anything but 0 is read as `true` |
//! | `i8` … `i64`, `u8` … `u64` | `qint8` … `quint64` | 1, 2, 4 or 8 bytes |
//! | `f32`, `f64` | `float`, `double` | 4 or 8 bytes, see [`FloatingPointPrecision`] |
//! | `char` | `QChar` | 2 bytes, UTF-16 |
//! | `String`, `str` | `QString` | the length in bytes in 32 bits, UTF-16 |
//! | `Option<String>` | `QString` | the same; length `0xffffffff` for a null string |
//! | `Vec<u8>` | `QByteArray`, `QVector<quint8>` | the length in 32 bits, the bytes |
//! | `Option<Vec<u8>>` | `QByteArray` | the same; length `0xffffffff` for a null array |
//! | [`QBitArray`] | `QBitArray` | the number of bits in 32 bits, 8 bits to a byte, the lowest bit first |
//! | `Vec<T>`, `[T]` | `QList<T>`, `QVector<T>`, `QStringList` | the count in 32 bits, the elements |
//! | `BTreeMap<K, V>`, `HashMap<K, V>` | `QMap`, `QHash` | the count in 32 bits, then pairs of key and value; a `QMap` starts with the last key |
//! | `Vec<(K, V)>` | `QMultiMap`, `QMultiHash` | the same, in the order given |
//! | `(A, B)` | `QPair` | the first value, then the second |
//! | [`QVariant`] | `QVariant` | the type in 32 bits, a byte that is 1 if the value is null, the value |
//!
//! # Versions
//!
//! The versions of the format differ in these types as follows:
//!
//! | [version](StreamVersion) | what changed |
//! |---|---|
//! | 1.0 | text is in Latin-1; a null text is written as an empty one; a 64-bit integer is two 32-bit halves, the upper half first in either byte order |
//! | 2.0 | text is in UTF-16 |
//! | 2.1 | text may be null |
//! | 3.3 | a byte array may be null; a 64-bit integer is one number |
//! | 4.0 | the types of a [`QVariant`] have new numbers; before, some types have no number and are written as an invalid variant |
//! | 4.2 | a [`QVariant`] has a byte that says whether it is null |
//! | 4.6 | the [precision](FloatingPointPrecision) applies; before, an `f32` has 4 bytes and an `f64` 8 |
//! | 5.0 | the types from `Long` on have new numbers; no null string follows an invalid [`QVariant`] |
//!
//! # Untrusted input
//!
//! No input makes a stream panic. The memory allocated is in proportion to the bytes that are
//! there, not to the lengths and counts that they claim. Lists nested deeper than 128 levels fail
//! with [`StreamStatus::ReadCorruptData`].

mod bit_array;
mod bytes;
mod containers;
mod error;
mod medium;
mod numbers;
mod status;
mod streamable;
mod text;
mod transaction;
mod variant;
mod variant_format;
mod version;

use self::medium::Medium;
pub use self::{
    bit_array::QBitArray,
    error::{StreamError, StreamErrorKind},
    numbers::{ByteOrder, FloatingPointPrecision},
    status::StreamStatus,
    streamable::{FromStream, ToStream},
    variant::{QVariant, VariantType},
    version::StreamVersion,
};
use crate::io_device::QIODevice;

/// The length that marks a null string.
const NULL: u32 = 0xffff_ffff;

/// Reads and writes Qt's binary format, over a device or over bytes in memory.
///
/// As in Qt, a read past the end returns zeros and empty strings and sets the
/// [`status`](QDataStream::status). The first error stays until
/// [`reset_status`](QDataStream::reset_status). Both ends have to use the same
/// [version](QDataStream::set_version), [byte order](QDataStream::set_byte_order) and
/// [precision](QDataStream::set_floating_point_precision). [The module](crate::stream) describes
/// the format. Stands for Qt's [QDataStream](https://doc.qt.io/qt-5/qdatastream.html).
///
/// # Examples
///
/// Over bytes:
///
/// ```
/// use qcore::{QDataStream, stream::StreamStatus};
///
/// let mut out = QDataStream::from_bytes(Vec::new());
/// out.write_uint16(5);
/// out.write_qstring("fünf");
///
/// let mut input = QDataStream::from_bytes(out.into_bytes());
/// assert_eq!(input.read_uint16(), 5);
/// assert_eq!(input.read_qstring(), "fünf");
/// assert_eq!(input.status(), StreamStatus::Ok);
/// assert_eq!(input.read_uint16(), 0);
/// assert_eq!(input.status(), StreamStatus::ReadPastEnd);
/// ```
///
/// With `read` and `write`, which stand for Qt's `>>` and `<<`; the type selects the format:
///
/// ```
/// use std::collections::BTreeMap;
///
/// use qcore::QDataStream;
///
/// let ages = BTreeMap::from([("Ada".to_owned(), 36), ("Grace".to_owned(), 85)]);
/// let mut out = QDataStream::from_bytes(Vec::new());
/// out.write(&1u8).write("ages").write(&ages);
///
/// let mut input = QDataStream::from_bytes(out.into_bytes());
/// assert_eq!(input.read::<u8>(), 1);
/// assert_eq!(input.read::<String>(), "ages");
/// assert_eq!(input.read::<BTreeMap<String, i32>>(), ages);
/// ```
///
/// Over a socket, where a message may have arrived only in part:
///
/// ```
/// # use qcore::{QDataStream, QIODevice};
/// # fn on_ready_read(socket: &QIODevice) -> Result<String, qcore::stream::StreamError> {
/// let mut input = QDataStream::new(socket);
/// input.start_transaction();
/// let text = input.read_qstring();
/// input.commit_transaction().map(|()| text)
/// # }
/// ```
#[derive(Debug, Default)]
pub struct QDataStream {
    medium: Medium,
    version: StreamVersion,
    byte_order: ByteOrder,
    precision: FloatingPointPrecision,
    status: StreamStatus,
    transactions: u32,
    /// How deeply the container that is being read or written is nested.
    depth: u32,
    /// How many bytes this stream has read in all.
    taken: u64,
}

impl QDataStream {
    /// Creates a stream over a device.
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, QDataStream};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::READ_WRITE)?;
    /// let mut stream = QDataStream::new(&buffer);
    /// stream.write_uint16(5);
    /// assert_eq!(buffer.data(), b"\0\x05");
    ///
    /// // A device has one position for reading and writing.
    /// buffer.seek(0)?;
    /// assert_eq!(stream.read_uint16(), 5);
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[must_use]
    pub fn new(device: &QIODevice) -> Self {
        QDataStream { medium: Medium::Device(device.clone()), ..Self::default() }
    }

    /// Creates a stream over bytes. It reads from the beginning and writes at the end.
    ///
    /// `QDataStream::default()` creates a stream over nothing, which can be given a device later.
    ///
    /// ```
    /// use qcore::QDataStream;
    ///
    /// let mut stream = QDataStream::from_bytes(*b"\x01");
    /// stream.write_uint8(2);
    /// assert_eq!((stream.read_uint8(), stream.read_uint8()), (1, 2));
    /// assert_eq!(stream.into_bytes(), b"\x01\x02");
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        QDataStream { medium: Medium::bytes(bytes.into()), ..Self::default() }
    }

    /// Returns the bytes of a stream over bytes, including those already read. A stream over a
    /// device returns none.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.medium.into_bytes()
    }

    // ---- device

    /// Returns the device, if the stream is over one.
    #[must_use]
    pub fn device(&self) -> Option<&QIODevice> {
        match &self.medium {
            Medium::Device(device) => Some(device),
            Medium::None | Medium::Bytes { .. } => None,
        }
    }

    /// Makes `device` the stream's device. The status and the settings do not change.
    #[doc(alias = "setDevice")]
    pub fn set_device(&mut self, device: &QIODevice) {
        self.medium = Medium::Device(device.clone());
    }

    /// Detaches the stream from its device or bytes. From then on reads return zero or empty values
    /// and writes are lost. Neither changes the status.
    ///
    /// ```
    /// use qcore::{QDataStream, stream::StreamStatus};
    ///
    /// let mut stream = QDataStream::from_bytes(*b"\x05");
    /// stream.unset_device();
    /// assert_eq!(stream.read_uint8(), 0);
    /// assert_eq!(stream.status(), StreamStatus::Ok);
    /// ```
    #[doc(alias = "unsetDevice")]
    pub fn unset_device(&mut self) {
        self.medium = Medium::None;
    }

    /// Returns whether there is nothing left to read now.
    #[doc(alias = "atEnd")]
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.medium.at_end()
    }

    // ---- settings

    /// Returns the version of the format.
    #[must_use]
    pub fn version(&self) -> StreamVersion {
        self.version
    }

    /// Sets the version of the format; [`StreamVersion::QT_5_15`] by default.
    #[doc(alias = "setVersion")]
    pub fn set_version(&mut self, version: StreamVersion) {
        self.version = version;
    }

    /// Returns the byte order of numbers.
    #[doc(alias = "byteOrder")]
    #[must_use]
    pub fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// Sets the byte order of numbers; big endian by default.
    ///
    /// ```
    /// use qcore::{QDataStream, stream::ByteOrder};
    ///
    /// let mut out = QDataStream::from_bytes(Vec::new());
    /// out.write_uint16(1);
    /// out.set_byte_order(ByteOrder::LittleEndian);
    /// out.write_uint16(1);
    /// assert_eq!(out.into_bytes(), b"\x00\x01\x01\x00");
    /// ```
    #[doc(alias = "setByteOrder")]
    pub fn set_byte_order(&mut self, byte_order: ByteOrder) {
        self.byte_order = byte_order;
    }

    /// Returns the size of floating point numbers.
    #[doc(alias = "floatingPointPrecision")]
    #[must_use]
    pub fn floating_point_precision(&self) -> FloatingPointPrecision {
        self.precision
    }

    /// Sets the size of floating point numbers; 8 bytes by default. It has no effect before
    /// [`StreamVersion::QT_4_6`].
    ///
    /// ```
    /// use qcore::{QDataStream, stream::FloatingPointPrecision};
    ///
    /// let mut stream = QDataStream::from_bytes(Vec::new());
    /// stream.set_floating_point_precision(FloatingPointPrecision::SinglePrecision);
    /// stream.write_double(0.1);
    /// assert_eq!(stream.read_double(), f64::from(0.1f32));
    /// ```
    #[doc(alias = "setFloatingPointPrecision")]
    pub fn set_floating_point_precision(&mut self, precision: FloatingPointPrecision) {
        self.precision = precision;
    }

    // ---- values of any type

    /// Reads a value of any type that implements [`FromStream`].
    ///
    /// ```
    /// let mut input = qcore::QDataStream::from_bytes(*b"\0\0\0\x02\0\x05\0\x06");
    /// assert_eq!(input.read::<Vec<u16>>(), [5, 6]);
    /// ```
    #[doc(alias = "operator>>")]
    pub fn read<T: FromStream>(&mut self) -> T {
        T::read_from(self)
    }

    /// Writes a value of any type that implements [`ToStream`]. Returns the stream, so that calls
    /// can be chained.
    ///
    /// ```
    /// let mut out = qcore::QDataStream::from_bytes(Vec::new());
    /// out.write(&[5u16, 6][..]).write("a");
    /// assert_eq!(out.into_bytes(), b"\0\0\0\x02\0\x05\0\x06\0\0\0\x02\0a");
    /// ```
    #[doc(alias = "operator<<")]
    pub fn write<T: ToStream + ?Sized>(&mut self, value: &T) -> &mut Self {
        value.write_to(self);
        self
    }
}

#[cfg(test)]
mod tests;
