//! Qt's binary format, as `QDataStream` reads and writes it.

mod medium;
mod version;

use self::medium::Medium;
pub use self::version::StreamVersion;
use crate::QIODevice;

/// Which end of a number comes first.
#[doc(alias = "QDataStream::ByteOrder")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The most significant byte; the default.
    #[default]
    BigEndian,
    /// The least significant byte.
    LittleEndian,
}

/// How far a stream is to be trusted.
#[doc(alias = "QDataStream::Status")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamStatus {
    /// All went well.
    #[default]
    Ok,
    /// There was less to read than was asked for.
    ReadPastEnd,
    /// What was read made no sense.
    ReadCorruptData,
    /// The device did not take what was written.
    WriteFailed,
}

/// The length that stands for a null string.
const NULL: u32 = 0xffff_ffff;
/// How much is read ahead of a length that the other end only claims.
const STEP: usize = 64 * 1024;

/// Reads and writes Qt's binary format, over a device or over bytes.
///
/// As in Qt, reading past the end gives zeros and empty strings and is seen in
/// [`status`](QDataStream::status); the first error stays until
/// [`reset_status`](QDataStream::reset_status). Both ends have to use the same
/// [version](QDataStream::set_version). Stands for Qt's
/// [QDataStream](https://doc.qt.io/qt-5/qdatastream.html).
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
#[derive(Debug)]
pub struct QDataStream {
    medium: Medium,
    version: StreamVersion,
    byte_order: ByteOrder,
    status: StreamStatus,
    transactions: u32,
}

impl QDataStream {
    /// A stream over a device.
    #[must_use]
    pub fn new(device: &QIODevice) -> Self {
        Self::over(Medium::device(device))
    }

    /// A stream over bytes: reading begins at the front, and what is written comes behind.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::over(Medium::bytes(bytes.into()))
    }

    fn over(medium: Medium) -> Self {
        QDataStream {
            medium,
            version: StreamVersion::default(),
            byte_order: ByteOrder::default(),
            status: StreamStatus::default(),
            transactions: 0,
        }
    }

    /// The bytes of a stream that is over bytes, those read already included; none of a device's.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.medium.into_bytes()
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

    /// Sets which end of a number comes first.
    #[doc(alias = "setByteOrder")]
    pub fn set_byte_order(&mut self, byte_order: ByteOrder) {
        self.byte_order = byte_order;
    }

    // ---- status

    /// How far what was read is to be trusted.
    #[must_use]
    pub fn status(&self) -> StreamStatus {
        self.status
    }

    /// Sets the status, if it is [`Ok`](StreamStatus::Ok): the first error stays.
    #[doc(alias = "setStatus")]
    pub fn set_status(&mut self, status: StreamStatus) {
        if self.status == StreamStatus::Ok {
            self.status = status;
        }
    }

    /// Sets the status to [`Ok`](StreamStatus::Ok).
    #[doc(alias = "resetStatus")]
    pub fn reset_status(&mut self) {
        self.status = StreamStatus::Ok;
    }

    /// Whether there is nothing left to read now.
    #[doc(alias = "atEnd")]
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.medium.available() == 0
    }

    // ---- transactions

    /// Begins to read something that may not be there as a whole.
    #[doc(alias = "startTransaction")]
    pub fn start_transaction(&mut self) {
        self.transactions += 1;
        if self.transactions == 1 {
            self.medium.start_transaction();
            self.reset_status();
        }
    }

    /// Ends the transaction. Returns whether everything was there. If not, all that was read since it
    /// began will be read again; unless it was corrupt, for then it is gone.
    ///
    /// A transaction within a transaction leaves this to the outer one.
    #[doc(alias = "commitTransaction")]
    #[must_use = "what was read is of no use if the transaction failed"]
    pub fn commit_transaction(&mut self) -> bool {
        if self.end_transaction() {
            self.medium.end_transaction(self.status != StreamStatus::ReadPastEnd);
        }
        self.status == StreamStatus::Ok
    }

    /// Ends the transaction: all that was read since it began will be read again.
    #[doc(alias = "rollbackTransaction")]
    pub fn rollback_transaction(&mut self) {
        self.set_status(StreamStatus::ReadPastEnd);
        if self.end_transaction() {
            self.medium.end_transaction(self.status != StreamStatus::ReadPastEnd);
        }
    }

    /// Ends the transaction: what was read since it began is corrupt, and gone.
    #[doc(alias = "abortTransaction")]
    pub fn abort_transaction(&mut self) {
        self.status = StreamStatus::ReadCorruptData;
        if self.end_transaction() {
            self.medium.end_transaction(true);
        }
    }

    /// Leaves one transaction; whether it was the outermost.
    fn end_transaction(&mut self) -> bool {
        if self.transactions == 0 {
            crate::q_warning!("QDataStream: No transaction in progress");
            return false;
        }
        self.transactions -= 1;
        self.transactions == 0
    }

    // ---- numbers

    /// Reads a byte.
    #[doc(alias = "readUInt8")]
    pub fn read_uint8(&mut self) -> u8 {
        self.read_array::<1>()[0]
    }

    /// Writes a byte.
    #[doc(alias = "writeUInt8")]
    pub fn write_uint8(&mut self, value: u8) {
        self.write_raw_data(&[value]);
    }

    /// Reads 16 bits without a sign.
    #[doc(alias = "readUInt16")]
    pub fn read_uint16(&mut self) -> u16 {
        u16::from_be_bytes(self.read_ordered())
    }

    /// Writes 16 bits without a sign.
    #[doc(alias = "writeUInt16")]
    pub fn write_uint16(&mut self, value: u16) {
        self.write_ordered(value.to_be_bytes());
    }

    /// Reads 32 bits without a sign.
    #[doc(alias = "readUInt32")]
    pub fn read_uint32(&mut self) -> u32 {
        u32::from_be_bytes(self.read_ordered())
    }

    /// Writes 32 bits without a sign.
    #[doc(alias = "writeUInt32")]
    pub fn write_uint32(&mut self, value: u32) {
        self.write_ordered(value.to_be_bytes());
    }

    // ---- text

    /// Reads a QString. A null one is read as an empty one, and half a surrogate pair as U+FFFD.
    #[doc(alias = "readQString")]
    pub fn read_qstring(&mut self) -> String {
        let length = self.read_uint32();
        if length == NULL || self.status != StreamStatus::Ok {
            return String::new();
        }
        if !length.is_multiple_of(2) {
            self.set_status(StreamStatus::ReadCorruptData);
            return String::new();
        }
        let bytes = self.read_claimed(length as usize);
        let unit = match self.byte_order {
            ByteOrder::BigEndian => u16::from_be_bytes,
            ByteOrder::LittleEndian => u16::from_le_bytes,
        };
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    }

    /// Writes a QString: a count of bytes, then UTF-16.
    #[doc(alias = "writeQString")]
    pub fn write_qstring(&mut self, text: &str) {
        let count = text.encode_utf16().count() * 2;
        // The greatest length is the one that stands for null.
        let Some(length) = u32::try_from(count).ok().filter(|&length| length != NULL) else {
            return self.set_status(StreamStatus::WriteFailed);
        };
        let mut bytes = Vec::with_capacity(count + 4);
        let little = self.byte_order == ByteOrder::LittleEndian;
        bytes.extend(if little { length.to_le_bytes() } else { length.to_be_bytes() });
        for unit in text.encode_utf16() {
            bytes.extend(if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
        }
        self.write_raw_data(&bytes);
    }

    // ---- raw

    /// Reads into `data`; how much there was. Less than was asked for is an error of the stream.
    #[doc(alias = "readRawData")]
    pub fn read_raw_data(&mut self, data: &mut [u8]) -> usize {
        let count = self.medium.read(data);
        if count < data.len() {
            self.set_status(StreamStatus::ReadPastEnd);
        }
        count
    }

    /// Writes `data` as it is. After an error nothing is written any more.
    #[doc(alias = "writeRawData")]
    pub fn write_raw_data(&mut self, data: &[u8]) {
        if self.status == StreamStatus::WriteFailed {
            return;
        }
        if !self.medium.write(data) {
            self.set_status(StreamStatus::WriteFailed);
        }
    }

    fn read_array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        if self.read_raw_data(&mut bytes) < N {
            return [0; N];
        }
        bytes
    }

    fn read_ordered<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = self.read_array();
        if self.byte_order == ByteOrder::LittleEndian {
            bytes.reverse();
        }
        bytes
    }

    fn write_ordered<const N: usize>(&mut self, mut bytes: [u8; N]) {
        if self.byte_order == ByteOrder::LittleEndian {
            bytes.reverse();
        }
        self.write_raw_data(&bytes);
    }

    /// So many bytes, or none if there are fewer: then there is no more memory taken than there were
    /// bytes.
    fn read_claimed(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let before = bytes.len();
            bytes.resize(before + STEP.min(length - before), 0);
            if self.read_raw_data(&mut bytes[before..]) < bytes[before..].len() {
                return Vec::new();
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests;
