//! Reading and writing numbers.

use super::{FromStream, QDataStream, StreamVersion, ToStream};

crate::numbered! {
    /// The order of the bytes of a number.
    #[doc(alias = "QDataStream::ByteOrder")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub enum ByteOrder {
        /// The most significant byte comes first; the default.
        #[default]
        BigEndian = 0,
        /// The least significant byte comes first.
        LittleEndian = 1,
    }
}

crate::numbered! {
    /// The size of floating point numbers. It applies to `f32` and `f64` alike.
    ///
    /// | | before Qt 4.6 | `SinglePrecision` | `DoublePrecision` |
    /// |---|---|---|---|
    /// | `f32` | 4 | 4 | **8** |
    /// | `f64` | 8 | 4 | 8 |
    #[doc(alias = "QDataStream::FloatingPointPrecision")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub enum FloatingPointPrecision {
        /// 4 bytes. An `f64` is rounded.
        SinglePrecision = 0,
        /// 8 bytes, even for an `f32`; the default.
        #[default]
        DoublePrecision = 1,
    }
}

macro_rules! integers {
    ($(
        $type:ident $what:literal:
        $read:ident $read_alias:literal, $write:ident $write_alias:literal;
    )*) => {
        impl QDataStream {
            $(
                #[doc = concat!("Reads ", $what, ".")]
                #[doc(alias = $read_alias)]
                pub fn $read(&mut self) -> $type {
                    $type::from_be_bytes(self.read_ordered())
                }

                #[doc = concat!("Writes ", $what, ".")]
                #[doc(alias = $write_alias)]
                pub fn $write(&mut self, value: $type) {
                    self.write_ordered(value.to_be_bytes());
                }
            )*
        }
    };
}

/// # Numbers
impl QDataStream {
    /// Reads one byte and returns whether it is not 0.
    #[doc(alias = "readBool")]
    pub fn read_bool(&mut self) -> bool {
        self.read_uint8() != 0
    }

    /// Writes one byte, 0 or 1.
    #[doc(alias = "writeBool")]
    pub fn write_bool(&mut self, value: bool) {
        self.write_uint8(value.into());
    }
}

integers! {
    i8 "a signed byte": read_int8 "readInt8", write_int8 "writeInt8";
    u8 "an unsigned byte": read_uint8 "readUInt8", write_uint8 "writeUInt8";
    i16 "a signed 16-bit integer": read_int16 "readInt16", write_int16 "writeInt16";
    u16 "an unsigned 16-bit integer": read_uint16 "readUInt16", write_uint16 "writeUInt16";
    i32 "a signed 32-bit integer": read_int32 "readInt32", write_int32 "writeInt32";
    u32 "an unsigned 32-bit integer": read_uint32 "readUInt32", write_uint32 "writeUInt32";
}

impl QDataStream {
    /// Reads a signed 64-bit integer.
    #[doc(alias = "readInt64")]
    pub fn read_int64(&mut self) -> i64 {
        i64::from_be_bytes(self.read_64_bits())
    }

    /// Writes a signed 64-bit integer.
    #[doc(alias = "writeInt64")]
    pub fn write_int64(&mut self, value: i64) {
        self.write_64_bits(value.to_be_bytes());
    }

    /// Reads an unsigned 64-bit integer.
    #[doc(alias = "readUInt64")]
    pub fn read_uint64(&mut self) -> u64 {
        u64::from_be_bytes(self.read_64_bits())
    }

    /// Writes an unsigned 64-bit integer.
    #[doc(alias = "writeUInt64")]
    pub fn write_uint64(&mut self, value: u64) {
        self.write_64_bits(value.to_be_bytes());
    }

    /// Reads a floating point number of 8 bytes with
    /// [`DoublePrecision`](FloatingPointPrecision::DoublePrecision), the default, and of 4 bytes
    /// otherwise.
    ///
    /// ```
    /// use qcore::{QDataStream, stream::FloatingPointPrecision};
    ///
    /// let mut out = QDataStream::from_bytes(Vec::new());
    /// out.write_float(1.5);
    /// assert_eq!(out.into_bytes().len(), 8);
    ///
    /// let mut out = QDataStream::from_bytes(Vec::new());
    /// out.set_floating_point_precision(FloatingPointPrecision::SinglePrecision);
    /// out.write_double(1.5);
    /// assert_eq!(out.into_bytes().len(), 4);
    /// ```
    #[doc(alias = "readFloat")]
    pub fn read_float(&mut self) -> f32 {
        match self.forced_precision() {
            Some(FloatingPointPrecision::DoublePrecision) => self.read_8_byte_float() as f32,
            _ => self.read_4_byte_float(),
        }
    }

    /// Writes a floating point number in 8 or 4 bytes, as [`read_float`](Self::read_float) reads
    /// it.
    #[doc(alias = "writeFloat")]
    pub fn write_float(&mut self, value: f32) {
        match self.forced_precision() {
            Some(FloatingPointPrecision::DoublePrecision) => {
                self.write_ordered(f64::from(value).to_be_bytes());
            }
            _ => self.write_ordered(value.to_be_bytes()),
        }
    }

    /// Reads a floating point number of 4 bytes with
    /// [`SinglePrecision`](FloatingPointPrecision::SinglePrecision), and of 8 bytes otherwise.
    #[doc(alias = "readDouble")]
    pub fn read_double(&mut self) -> f64 {
        match self.forced_precision() {
            Some(FloatingPointPrecision::SinglePrecision) => self.read_4_byte_float().into(),
            _ => self.read_8_byte_float(),
        }
    }

    /// Writes a floating point number in 4 or 8 bytes, as [`read_double`](Self::read_double) reads
    /// it.
    #[doc(alias = "writeDouble")]
    pub fn write_double(&mut self, value: f64) {
        match self.forced_precision() {
            Some(FloatingPointPrecision::SinglePrecision) => {
                self.write_ordered((value as f32).to_be_bytes());
            }
            _ => self.write_ordered(value.to_be_bytes()),
        }
    }

    /// Returns the precision that `f32` and `f64` share, or `None` in versions without one.
    fn forced_precision(&self) -> Option<FloatingPointPrecision> {
        (self.version >= StreamVersion::QT_4_6).then_some(self.precision)
    }

    fn read_4_byte_float(&mut self) -> f32 {
        f32::from_be_bytes(self.read_ordered())
    }

    fn read_8_byte_float(&mut self) -> f64 {
        f64::from_be_bytes(self.read_ordered())
    }

    fn read_64_bits(&mut self) -> [u8; 8] {
        let mut bytes = self.read_ordered();
        if self.has_upper_half_first() {
            bytes.rotate_left(4);
        }
        bytes
    }

    fn write_64_bits(&mut self, mut bytes: [u8; 8]) {
        if self.has_upper_half_first() {
            bytes.rotate_left(4);
        }
        self.write_ordered(bytes);
    }

    /// Returns whether a 64-bit integer is written as two 32-bit halves with the upper half first,
    /// although the bytes of each half are little endian.
    fn has_upper_half_first(&self) -> bool {
        self.version < StreamVersion::QT_3_3 && self.byte_order == ByteOrder::LittleEndian
    }

    /// Reads `N` bytes and returns them in big-endian order; zeros if there are fewer.
    fn read_ordered<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        if self.read_raw_data(&mut bytes) < N {
            return [0; N];
        }
        if self.byte_order == ByteOrder::LittleEndian {
            bytes.reverse();
        }
        bytes
    }

    /// Writes big-endian bytes in the stream's byte order.
    fn write_ordered<const N: usize>(&mut self, mut bytes: [u8; N]) {
        if self.byte_order == ByteOrder::LittleEndian {
            bytes.reverse();
        }
        self.write_raw_data(bytes);
    }
}

macro_rules! streamable {
    ($($type:ident $read:ident $write:ident;)*) => {
        $(
            impl FromStream for $type {
                fn read_from(stream: &mut QDataStream) -> Self {
                    stream.$read()
                }
            }

            impl ToStream for $type {
                fn write_to(&self, stream: &mut QDataStream) {
                    stream.$write(*self);
                }
            }
        )*
    };
}

streamable! {
    bool read_bool write_bool;
    i8 read_int8 write_int8;
    i16 read_int16 write_int16;
    u16 read_uint16 write_uint16;
    i32 read_int32 write_int32;
    u32 read_uint32 write_uint32;
    i64 read_int64 write_int64;
    u64 read_uint64 write_uint64;
    f32 read_float write_float;
    f64 read_double write_double;
    char read_qchar write_qchar;
}

// A list of bytes has the format of a byte array: it is read and written at once and may be null.
impl FromStream for u8 {
    fn read_from(stream: &mut QDataStream) -> Self {
        stream.read_uint8()
    }

    fn read_list(stream: &mut QDataStream) -> Vec<Self> {
        stream.read_qbytearray()
    }
}

impl ToStream for u8 {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_uint8(*self);
    }

    fn write_list(list: &[Self], stream: &mut QDataStream) {
        stream.write_qbytearray(list);
    }
}
