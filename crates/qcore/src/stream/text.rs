//! Reading and writing text.

use super::{ByteOrder, FromStream, NULL, QDataStream, StreamStatus, StreamVersion, ToStream};

/// # Text
impl QDataStream {
    /// Reads a QString. A null string becomes an empty one, a lone surrogate becomes U+FFFD.
    #[doc(alias = "readQString")]
    pub fn read_qstring(&mut self) -> String {
        self.read_optional_qstring().unwrap_or_default()
    }

    /// Reads a QString. A null string becomes `None`, and so does one whose bytes are not all
    /// there.
    ///
    /// ```
    /// let mut input = qcore::QDataStream::from_bytes(*b"\xff\xff\xff\xff\0\0\0\0");
    /// assert_eq!(input.read_optional_qstring(), None);
    /// assert_eq!(input.read_optional_qstring(), Some(String::new()));
    /// ```
    #[doc(alias = "readQString")]
    pub fn read_optional_qstring(&mut self) -> Option<String> {
        let bytes = self.read_text_bytes()?;
        let units = char::decode_utf16(self.units(&bytes));
        Some(units.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    }

    /// Reads a QString as UTF-16 code units, which need not be valid UTF-16; `None` for a null
    /// string.
    ///
    /// ```
    /// use qcore::QDataStream;
    ///
    /// let mut input = QDataStream::from_bytes(*b"\0\0\0\x02\xd8\0");
    /// assert_eq!(input.read_utf16(), Some(vec![0xd800])); // not a valid Rust string
    /// ```
    #[doc(alias = "readQString")]
    pub fn read_utf16(&mut self) -> Option<Vec<u16>> {
        let bytes = self.read_text_bytes()?;
        Some(self.units(&bytes).collect())
    }

    /// Writes a QString that is not null: the length in bytes in 32 bits, then UTF-16. In
    /// [`StreamVersion::QT_1_0`] the text is Latin-1, and other characters become question marks.
    ///
    /// ```
    /// let mut out = qcore::QDataStream::from_bytes(Vec::new());
    /// out.write_qstring("a€");
    /// assert_eq!(out.into_bytes(), b"\0\0\0\x04\x00\x61\x20\xac");
    /// ```
    #[doc(alias = "writeQString")]
    pub fn write_qstring(&mut self, text: &str) {
        self.write_units(text.encode_utf16().count(), text.encode_utf16());
    }

    /// Writes a QString. `None` becomes a null string; before [`StreamVersion::QT_2_1`], an empty
    /// one.
    #[doc(alias = "writeQString")]
    pub fn write_optional_qstring(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.write_qstring(text),
            None => self.write_null_text(),
        }
    }

    /// Writes UTF-16 code units, which need not be valid UTF-16, as a QString; `None` as a null
    /// string.
    #[doc(alias = "writeQString")]
    pub fn write_utf16(&mut self, units: Option<&[u16]>) {
        match units {
            Some(units) => self.write_units(units.len(), units.iter().copied()),
            None => self.write_null_text(),
        }
    }

    /// Reads text in the format of a QString, like PySide2's function of this name. For C strings
    /// use [`read_c_string`](QDataStream::read_c_string).
    #[doc(alias = "readString")]
    pub fn read_string(&mut self) -> String {
        self.read_qstring()
    }

    /// Writes text in the format of a QString, like PySide2's function of this name. For C strings
    /// use [`write_c_string`](QDataStream::write_c_string).
    #[doc(alias = "writeString")]
    pub fn write_string(&mut self, text: &str) {
        self.write_qstring(text);
    }

    /// Reads a QChar of 16 bits. A surrogate becomes U+FFFD;
    /// [`read_uint16`](QDataStream::read_uint16) returns it unchanged.
    #[doc(alias = "readQChar")]
    pub fn read_qchar(&mut self) -> char {
        char::from_u32(self.read_uint16().into()).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// Writes a QChar of 16 bits. A character that needs more bits, an emoji for example, sets the
    /// status to [`WriteFailed`](StreamStatus::WriteFailed).
    ///
    /// ```
    /// use qcore::{QDataStream, stream::StreamStatus};
    ///
    /// let mut out = QDataStream::from_bytes(Vec::new());
    /// out.write_qchar('€');
    /// out.write_qchar('😀');
    /// assert_eq!(out.status(), StreamStatus::WriteFailed);
    /// assert_eq!(out.into_bytes(), b"\x20\xac");
    /// ```
    #[doc(alias = "writeQChar")]
    pub fn write_qchar(&mut self, value: char) {
        match u16::try_from(u32::from(value)) {
            Ok(unit) => self.write_uint16(unit),
            Err(_) => self.set_status(StreamStatus::WriteFailed),
        }
    }

    /// Reads a QStringList. Null strings become empty ones; `read::<Vec<Option<String>>>()`
    /// distinguishes them.
    #[doc(alias = "readQStringList")]
    pub fn read_qstringlist(&mut self) -> Vec<String> {
        self.read()
    }

    /// Writes a QStringList.
    ///
    /// ```
    /// let mut stream = qcore::QDataStream::from_bytes(Vec::new());
    /// stream.write_qstringlist(&["one", "two"]);
    /// assert_eq!(stream.read_qstringlist(), ["one", "two"]);
    /// ```
    #[doc(alias = "writeQStringList")]
    pub fn write_qstringlist<S: AsRef<str>>(&mut self, list: &[S]) {
        self.write_counted(list.iter(), |stream, text| stream.write_qstring(text.as_ref()));
    }

    /// Reads the bytes of a QString. Returns `None` if it is null, incomplete or invalid.
    fn read_text_bytes(&mut self) -> Option<Vec<u8>> {
        if self.has_latin1() {
            let mut bytes = self.read_optional_qbytearray()?;
            // In Qt the text ends at the first NUL.
            bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
            return Some(bytes);
        }
        match self.read_uint32() {
            NULL => None,
            length if !length.is_multiple_of(2) => {
                self.set_status(StreamStatus::ReadCorruptData);
                None
            }
            length => self.read_claimed(length as usize),
        }
    }

    fn units<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = u16> + use<'a> {
        let order = self.byte_order;
        bytes.chunks_exact(if self.has_latin1() { 1 } else { 2 }).map(move |unit| match *unit {
            [high, low] if order == ByteOrder::BigEndian => u16::from_be_bytes([high, low]),
            [low, high] => u16::from_le_bytes([low, high]),
            _ => unit[0].into(),
        })
    }

    /// Returns whether text is in Latin-1 instead of UTF-16.
    fn has_latin1(&self) -> bool {
        self.version < StreamVersion::QT_2_0
    }

    fn write_null_text(&mut self) {
        self.write_uint32(if self.version < StreamVersion::QT_2_1 { 0 } else { NULL });
    }

    fn write_units(&mut self, count: usize, units: impl Iterator<Item = u16>) {
        if self.has_latin1() {
            return self.write_latin1(units);
        }
        let length = count.saturating_mul(2);
        if !self.write_length(length) || self.status != StreamStatus::Ok {
            return;
        }
        let bytes = match self.byte_order {
            ByteOrder::BigEndian => u16::to_be_bytes,
            ByteOrder::LittleEndian => u16::to_le_bytes,
        };
        let mut text = Vec::with_capacity(length);
        units.for_each(|unit| text.extend_from_slice(&bytes(unit)));
        self.write_raw_data(&text);
    }

    fn write_latin1(&mut self, units: impl Iterator<Item = u16>) {
        let text: Vec<u8> = units.map(|unit| u8::try_from(unit).unwrap_or(b'?')).collect();
        self.write_bytes(&text);
    }
}

impl FromStream for String {
    fn read_from(stream: &mut QDataStream) -> Self {
        stream.read_qstring()
    }
}

impl ToStream for String {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_qstring(self);
    }
}

impl ToStream for str {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_qstring(self);
    }
}

impl FromStream for Option<String> {
    fn read_from(stream: &mut QDataStream) -> Self {
        stream.read_optional_qstring()
    }
}

impl ToStream for Option<String> {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_optional_qstring(self.as_deref());
    }
}

impl ToStream for Option<&str> {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_optional_qstring(*self);
    }
}
