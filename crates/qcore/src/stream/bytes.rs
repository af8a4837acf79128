//! Raw bytes, byte arrays, C strings and bit arrays.

use std::ffi::{CStr, CString};

use super::{
    FromStream, Medium, NULL, QBitArray, QDataStream, StreamStatus, StreamVersion, ToStream,
};

/// The most bytes to allocate at once beyond those that the medium reports, whatever length is
/// claimed.
const STEP: usize = 64 * 1024;

/// # Bytes
impl QDataStream {
    /// Reads into `data`. Returns the number of bytes read; fewer than asked for is a read error of
    /// the stream.
    ///
    /// ```
    /// use qcore::{QDataStream, stream::StreamStatus};
    ///
    /// let mut input = QDataStream::from_bytes(*b"abc");
    /// let mut data = [0; 5];
    /// assert_eq!(input.read_raw_data(&mut data), 3);
    /// assert_eq!(&data[..3], b"abc");
    /// assert_eq!(input.status(), StreamStatus::ReadPastEnd);
    /// ```
    #[doc(alias = "readRawData")]
    pub fn read_raw_data(&mut self, data: &mut [u8]) -> usize {
        let asked = data.len();
        self.take(asked, |medium| medium.read(data))
    }

    /// Skips `count` bytes. Returns the number of bytes skipped; fewer than asked for is a read
    /// error of the stream.
    ///
    /// ```
    /// let mut input = qcore::QDataStream::from_bytes(*b"abc");
    /// assert_eq!(input.skip_raw_data(2), 2);
    /// assert_eq!(input.read_uint8(), b'c');
    /// ```
    #[doc(alias = "skipRawData")]
    pub fn skip_raw_data(&mut self, count: usize) -> usize {
        self.take(count, |medium| medium.skip(count))
    }

    /// Writes `data` as it is. After an error the stream writes nothing.
    ///
    /// ```
    /// let mut out = qcore::QDataStream::from_bytes(Vec::new());
    /// out.write_raw_data(b"abc");
    /// assert_eq!(out.into_bytes(), b"abc"); // no length in front
    /// ```
    #[doc(alias = "writeRawData")]
    pub fn write_raw_data(&mut self, data: impl AsRef<[u8]>) {
        let can_write = self.has_device() && self.status == StreamStatus::Ok;
        if can_write && !self.medium.write(data.as_ref()) {
            self.set_status(StreamStatus::WriteFailed);
        }
    }

    /// Reads a QByteArray. A null array becomes an empty one.
    pub fn read_qbytearray(&mut self) -> Vec<u8> {
        self.read_optional_qbytearray().unwrap_or_default()
    }

    /// Reads a QByteArray. A null array becomes `None`, and so does one whose bytes are not all
    /// there.
    ///
    /// ```
    /// let mut input = qcore::QDataStream::from_bytes(*b"\xff\xff\xff\xff\0\0\0\x01a");
    /// assert_eq!(input.read_optional_qbytearray(), None);
    /// assert_eq!(input.read_optional_qbytearray().as_deref(), Some(&b"a"[..]));
    /// ```
    pub fn read_optional_qbytearray(&mut self) -> Option<Vec<u8>> {
        match self.read_uint32() {
            NULL => None,
            length => self.read_claimed(length as usize),
        }
    }

    /// Writes a QByteArray that is not null: the length in 32 bits, then the bytes.
    pub fn write_qbytearray(&mut self, bytes: impl AsRef<[u8]>) {
        self.write_optional_qbytearray(Some(bytes.as_ref()));
    }

    /// Writes a QByteArray. `None` becomes a null array; before [`StreamVersion::QT_3_3`], an empty
    /// one.
    pub fn write_optional_qbytearray(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.write_bytes(bytes),
            None if self.version < StreamVersion::QT_3_3 => self.write_bytes(b""),
            None => self.write_uint32(NULL),
        }
    }

    /// Reads the bytes that [`write_bytes`](QDataStream::write_bytes) wrote.
    ///
    /// Unlike [`read_qbytearray`](QDataStream::read_qbytearray), this function has no null array:
    /// it takes a null array's length literally, and no stream is that long.
    ///
    /// ```
    /// use qcore::{QDataStream, stream::StreamStatus};
    ///
    /// let mut input = QDataStream::from_bytes(*b"\0\0\0\x02hi\xff\xff\xff\xff");
    /// assert_eq!(input.read_bytes(), b"hi");
    /// assert_eq!(input.read_bytes(), b"");
    /// assert_eq!(input.status(), StreamStatus::ReadPastEnd);
    /// ```
    #[doc(alias = "readBytes")]
    pub fn read_bytes(&mut self) -> Vec<u8> {
        let length = self.read_uint32();
        self.read_claimed(length as usize).unwrap_or_default()
    }

    /// Writes the length in 32 bits, then the bytes.
    #[doc(alias = "writeBytes")]
    pub fn write_bytes(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        if self.write_length(bytes.len()) {
            self.write_raw_data(bytes);
        }
    }

    /// Reads a C string, Qt's `char *`. Bytes after the first NUL are dropped.
    pub fn read_c_string(&mut self) -> CString {
        let mut bytes = self.read_bytes();
        bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
        CString::new(bytes).unwrap_or_default()
    }

    /// Writes a C string, Qt's `const char *`: the length in 32 bits, then the bytes. Both include
    /// the NUL at the end.
    ///
    /// ```
    /// let mut out = qcore::QDataStream::from_bytes(Vec::new());
    /// out.write_c_string(c"abc");
    /// assert_eq!(out.into_bytes(), b"\0\0\0\x04abc\0");
    /// ```
    pub fn write_c_string(&mut self, text: &CStr) {
        self.write_bytes(text.to_bytes_with_nul());
    }

    /// Writes a length or a count in 32 bits. Returns whether it fits. If not, sets the status to
    /// [`WriteFailed`](StreamStatus::WriteFailed).
    pub(super) fn write_length(&mut self, length: usize) -> bool {
        // The greatest 32-bit length stands for null.
        match u32::try_from(length) {
            Ok(length) if length != NULL => {
                self.write_uint32(length);
                true
            }
            _ => {
                self.set_status(StreamStatus::WriteFailed);
                false
            }
        }
    }

    /// Reads `length` bytes, or returns `None` if there are fewer. In that case the memory
    /// allocated stays in proportion to the bytes that are there.
    pub(super) fn read_claimed(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let before = bytes.len();
            // A device may have more than it reports, so the steps grow with the data already read.
            let step = self.medium.available().max(STEP.min(bytes.len())).max(64);
            bytes.resize(before + step.min(length - before), 0);
            if self.read_raw_data(&mut bytes[before..]) < bytes.len() - before {
                return None;
            }
        }
        Some(bytes)
    }

    pub(super) fn has_device(&self) -> bool {
        !matches!(self.medium, Medium::None)
    }

    /// Calls `take` on the medium and returns the number of bytes taken. If it is less than
    /// `asked`, sets the status.
    fn take(&mut self, asked: usize, take: impl FnOnce(&mut Medium) -> usize) -> usize {
        let failed = self.status != StreamStatus::Ok;
        if !self.has_device() || failed && self.medium.is_transaction_started() {
            return 0;
        }
        let taken = take(&mut self.medium);
        self.taken += taken as u64;
        if taken < asked {
            self.set_status(StreamStatus::ReadPastEnd);
        }
        taken
    }
}

impl FromStream for Option<Vec<u8>> {
    fn read_from(stream: &mut QDataStream) -> Self {
        stream.read_optional_qbytearray()
    }
}

impl ToStream for Option<Vec<u8>> {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_optional_qbytearray(self.as_deref());
    }
}

impl FromStream for CString {
    fn read_from(stream: &mut QDataStream) -> Self {
        stream.read_c_string()
    }
}

impl ToStream for CString {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_c_string(self);
    }
}

impl ToStream for CStr {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_c_string(self);
    }
}

impl FromStream for QBitArray {
    fn read_from(stream: &mut QDataStream) -> Self {
        let count = stream.read_uint32() as usize;
        let bytes = stream.read_claimed(count.div_ceil(8)).unwrap_or_default();
        if bytes.is_empty() {
            return QBitArray::default();
        }
        QBitArray::from_bytes(bytes, count).unwrap_or_else(|| {
            stream.set_status(StreamStatus::ReadCorruptData);
            QBitArray::default()
        })
    }
}

impl ToStream for QBitArray {
    fn write_to(&self, stream: &mut QDataStream) {
        if stream.write_length(self.len()) {
            stream.write_raw_data(self.as_bytes());
        }
    }
}
