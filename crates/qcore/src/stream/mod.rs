//! Qt's binary format, as `QDataStream` reads and writes it.
//!
//! [`QDataStream`] has a method for each type under the name that PySide2 gives it
//! (`read_int32`, `write_qstring`), and [`read`](QDataStream::read) and
//! [`write`](QDataStream::write) for everything that is [`FromStream`] and [`ToStream`]: numbers,
//! text, lists, maps, pairs, [`QVariant`]s and types of your own.
//!
//! # Format
//!
//! Numbers have the stream's [byte order](QDataStream::set_byte_order), and so have all counts.
//!
//! | Rust | Qt | on the wire |
//! |---|---|---|
//! | `bool` | `bool` | a byte, 0 or 1; anything but 0 is read as `true` |
//! | `i8` … `i64`, `u8` … `u64` | `qint8` … `quint64` | 1, 2, 4 or 8 bytes |
//! | `f32`, `f64` | `float`, `double` | 4 or 8 bytes, see [`FloatingPointPrecision`] |
//! | `char` | `QChar` | 2 bytes, UTF-16 |
//! | `String`, `str` | `QString` | 32 bits with the length in bytes, UTF-16 |
//! | `Option<String>` | `QString` | the same; length `0xffffffff` for a null one |
//! | `Vec<u8>` | `QByteArray`, `QVector<quint8>` | 32 bits with the length, the bytes |
//! | `Option<Vec<u8>>` | `QByteArray` | the same; length `0xffffffff` for a null one |
//! | [`QBitArray`] | `QBitArray` | 32 bits with the number of bits, 8 to a byte, the first one lowest |
//! | `Vec<T>`, `[T]` | `QList<T>`, `QVector<T>`, `QStringList` | 32 bits with the count, the elements |
//! | `BTreeMap<K, V>`, `HashMap<K, V>` | `QMap`, `QHash` | 32 bits with the count, then keys and values in turn; of a `QMap` the last key first |
//! | `Vec<(K, V)>` | `QMultiMap`, `QMultiHash` | the same, in the order given |
//! | `(A, B)` | `QPair` | one after the other |
//! | [`QVariant`] | `QVariant` | 32 bits with the type, a byte 1 if it is null, the value |
//!
//! # Versions
//!
//! Of these types, what differs between the versions of the format:
//!
//! | [version](StreamVersion) | what is new |
//! |---|---|
//! | 1.0 | text is in Latin-1; there is no null text, it is an empty one; 64 bits are two numbers of 32, the upper ones first in either byte order |
//! | 2.0 | text is in UTF-16 |
//! | 2.1 | text may be null |
//! | 3.3 | a byte array may be null; 64 bits are one number |
//! | 4.0 | the types of a [`QVariant`] have new numbers; before, some have none and are written as an invalid one |
//! | 4.2 | a [`QVariant`] has a byte that tells whether it is null |
//! | 4.6 | the [precision](FloatingPointPrecision) counts: before, an `f32` has 4 bytes and an `f64` 8 |
//! | 5.0 | numbers of types from `Long` on are other ones; an invalid [`QVariant`] is not followed by a null string |
//!
//! # What is read is not believed
//!
//! Nothing that is read makes a stream panic. Memory is taken in step with the bytes that are
//! there, not with the lengths and counts that they claim, and lists in lists in lists end at a
//! depth of 128 with [`StreamStatus::ReadCorruptData`].

mod bit_array;
mod bytes;
mod containers;
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
    numbers::{ByteOrder, FloatingPointPrecision},
    status::StreamStatus,
    streamable::{FromStream, ToStream},
    variant::{QVariant, VariantType},
    version::StreamVersion,
};
use crate::io_device::QIODevice;

/// The length that stands for a null string.
const NULL: u32 = 0xffff_ffff;

/// Reads and writes Qt's binary format, over a device or over bytes.
///
/// As in Qt, reading past the end gives zeros and empty strings and is seen in
/// [`status`](QDataStream::status); the first error stays until
/// [`reset_status`](QDataStream::reset_status). Both ends have to use the same
/// [version](QDataStream::set_version), [byte order](QDataStream::set_byte_order) and
/// [precision](QDataStream::set_floating_point_precision). [The module](crate::stream) has the
/// format. Stands for Qt's [QDataStream](https://doc.qt.io/qt-5/qdatastream.html).
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
/// As Qt's `<<` and `>>`, the type telling what is read:
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
/// Over a socket, from which a message may have come in part only:
///
/// ```
/// # use qcore::{QDataStream, QIODevice};
/// # fn on_ready_read(socket: &QIODevice) -> Option<String> {
/// let mut input = QDataStream::new(socket);
/// input.start_transaction();
/// let text = input.read_qstring();
/// if input.commit_transaction() { Some(text) } else { None }
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
    /// How many containers are being read or written within each other.
    depth: u32,
    /// How many bytes were read in all.
    taken: u64,
}

impl QDataStream {
    /// A stream over a device.
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
    /// // A device has one position for both.
    /// buffer.seek(0)?;
    /// assert_eq!(stream.read_uint16(), 5);
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[must_use]
    pub fn new(device: &QIODevice) -> Self {
        QDataStream { medium: Medium::Device(device.clone()), ..Self::default() }
    }

    /// A stream over bytes: reading begins at the front, and what is written comes behind.
    ///
    /// A stream over nothing, to be given a device later, is `QDataStream::default()`.
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

    /// The bytes of a stream that is over bytes, those read already included; none of a device's.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.medium.into_bytes()
    }

    // ---- device

    /// The device, if the stream is over one.
    #[must_use]
    pub fn device(&self) -> Option<&QIODevice> {
        match &self.medium {
            Medium::Device(device) => Some(device),
            Medium::None | Medium::Bytes { .. } => None,
        }
    }

    /// From now on the stream is over `device`. The status and the settings stay as they are.
    #[doc(alias = "setDevice")]
    pub fn set_device(&mut self, device: &QIODevice) {
        self.medium = Medium::Device(device.clone());
    }

    /// From now on the stream is over nothing: what is read is zero or empty and what is written is
    /// lost, and neither changes the status.
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

    /// Whether there is nothing left to read now.
    #[doc(alias = "atEnd")]
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.medium.at_end()
    }

    // ---- settings

    /// The version of the format.
    #[must_use]
    pub fn version(&self) -> StreamVersion {
        self.version
    }

    /// Sets the version of the format; [`StreamVersion::QT_5_15`] by default.
    #[doc(alias = "setVersion")]
    pub fn set_version(&mut self, version: StreamVersion) {
        self.version = version;
    }

    /// Which end of a number comes first.
    #[doc(alias = "byteOrder")]
    #[must_use]
    pub fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// Sets which end of a number comes first; the big one by default.
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

    /// How many bytes a floating point number has.
    #[doc(alias = "floatingPointPrecision")]
    #[must_use]
    pub fn floating_point_precision(&self) -> FloatingPointPrecision {
        self.precision
    }

    /// Sets how many bytes a floating point number has; 8 by default. Before
    /// [`StreamVersion::QT_4_6`] this counts for nothing.
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

    // ---- anything

    /// Reads a value of any type that can be read.
    ///
    /// ```
    /// let mut input = qcore::QDataStream::from_bytes(*b"\0\0\0\x02\0\x05\0\x06");
    /// assert_eq!(input.read::<Vec<u16>>(), [5, 6]);
    /// ```
    #[doc(alias = "operator>>")]
    pub fn read<T: FromStream>(&mut self) -> T {
        T::read_from(self)
    }

    /// Writes a value of any type that can be written. Returns the stream, for the next one.
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
