//! Reading and writing variants in each version of the format.

use super::{
    FromStream, QDataStream, QVariant, StreamStatus, StreamVersion, ToStream, VariantType,
};

/// The first of the type numbers that were different before Qt 5.0.
const FIRST_MOVED: u32 = 31;
/// How much greater these numbers were.
const MOVED_BY: u32 = 97;
/// The type number that is followed by a type's name.
const USER_TYPE: u32 = 1024;
/// The same type number before Qt 5.0.
const OLD_USER_TYPE: u32 = 127;
/// The type number of `void`. A variant of this type is read as an invalid variant.
const VOID: u32 = 43;
/// The types before Qt 4.0: each old number is an index, and the value is the number since Qt 5.0.
const QT_3_TYPES: [u32; 36] = [
    0, 8, 9, 10, 11, 64, 65, 66, 19, 21, 67, 68, 0, 69, 25, 70, 2, 3, 1, 6, 0, 71, 72, 73, 74, 121,
    14, 15, 16, 12, 13, 75, 76, 4, 5, 29,
];

/// # Variants
impl QDataStream {
    /// Reads a QVariant.
    ///
    /// A lone surrogate becomes U+FFFD. If the type is not in [`VariantType`], for example a type
    /// of the program that wrote it, the status becomes
    /// [`ReadCorruptData`](StreamStatus::ReadCorruptData) and the value is [`QVariant::Invalid`].
    ///
    /// ```
    /// use qcore::{QDataStream, QVariant};
    ///
    /// // The type int, not null, 5.
    /// let mut input = QDataStream::from_bytes(*b"\0\0\0\x02\0\0\0\0\x05");
    /// assert_eq!(input.read_qvariant(), QVariant::Int(5));
    /// ```
    #[doc(alias = "readQVariant")]
    pub fn read_qvariant(&mut self) -> QVariant {
        let number = self.read_uint32();
        let id = self.modern(number);
        let is_null = self.version >= StreamVersion::QT_4_2 && self.read_bool();
        let kind = id.and_then(|id| i32::try_from(id).ok());
        match kind.and_then(|kind| VariantType::try_from(kind).ok()) {
            Some(VariantType::Invalid) => self.read_no_value(),
            None if id == Some(VOID) => self.read_no_value(),
            Some(kind) => self.read_value(kind, is_null),
            None => {
                if id == Some(USER_TYPE) {
                    let name = self.read_qbytearray();
                    let name = String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(&name));
                    crate::q_warning!("QVariant::load: unknown user type with name {name}.");
                } else {
                    let number = id.unwrap_or(number);
                    crate::q_warning!("QVariant::load: unable to load type {number}.");
                }
                self.set_status(StreamStatus::ReadCorruptData);
                QVariant::Invalid
            }
        }
    }

    /// Writes a QVariant. Before [`StreamVersion::QT_4_0`] some types have no number; their values
    /// are written as [`QVariant::Invalid`].
    #[doc(alias = "writeQVariant")]
    pub fn write_qvariant(&mut self, value: &QVariant) {
        let kind = value.kind();
        if self.version < StreamVersion::QT_4_0 {
            return self.write_qt_3_variant(value);
        }
        let old = self.version < StreamVersion::QT_5_0;
        let id = kind as u32;
        let moved = old && id >= FIRST_MOVED;
        self.write_uint32(if moved { id + MOVED_BY } else { id });
        if self.version >= StreamVersion::QT_4_2 {
            self.write_bool(value.is_null());
        }
        match kind {
            VariantType::Invalid if old => self.write_optional_qstring(None),
            _ => self.write_value(value),
        }
    }

    /// Writes the format before Qt 4.0. A type without a number there is written as an invalid
    /// variant.
    fn write_qt_3_variant(&mut self, value: &QVariant) {
        match QT_3_TYPES.iter().position(|&id| id == value.kind() as u32) {
            Some(0) | None => {
                self.write_uint32(0);
                self.write_optional_qstring(None);
            }
            Some(number) => {
                self.write_uint32(number as u32);
                self.write_value(value);
            }
        }
    }

    fn write_value(&mut self, value: &QVariant) {
        match value {
            QVariant::Null(VariantType::String) => self.write_optional_qstring(None),
            QVariant::Null(VariantType::ByteArray) => self.write_optional_qbytearray(None),
            QVariant::Null(kind) => kind.write_default(self),
            _ => value.write_value(self),
        }
    }

    /// Reads a value. As in Qt, a type that can be null by itself decides whether the value is
    /// null.
    fn read_value(&mut self, kind: VariantType, is_null: bool) -> QVariant {
        let value = match kind {
            VariantType::String => self.read_optional_qstring().map(QVariant::String),
            VariantType::ByteArray => self.read_optional_qbytearray().map(QVariant::ByteArray),
            _ => match kind.read_value(self) {
                QVariant::Char('\0') if is_null => None,
                QVariant::BitArray(bits) if is_null && bits.is_empty() => None,
                value @ (QVariant::Char(_) | QVariant::BitArray(_)) => Some(value),
                _ if is_null => None,
                value => Some(value),
            },
        };
        value.unwrap_or(QVariant::Null(kind))
    }

    /// Returns the number that a type has since Qt 5.0, or `None` if the old number is unknown.
    fn modern(&self, number: u32) -> Option<u32> {
        if self.version < StreamVersion::QT_4_0 {
            return QT_3_TYPES.get(number as usize).copied();
        }
        let old = self.version < StreamVersion::QT_5_0;
        Some(match number {
            OLD_USER_TYPE if old => USER_TYPE,
            128.. if old && number != USER_TYPE => number - MOVED_BY,
            // The GUI types had other numbers too, but this library does not know any of them.
            _ => number,
        })
    }

    fn read_no_value(&mut self) -> QVariant {
        if self.version < StreamVersion::QT_5_0 {
            // Before Qt 5.0 a null string is in the place of the value.
            self.read_utf16();
        }
        QVariant::Invalid
    }
}

impl FromStream for QVariant {
    fn read_from(stream: &mut QDataStream) -> Self {
        stream.read_qvariant()
    }
}

impl ToStream for QVariant {
    fn write_to(&self, stream: &mut QDataStream) {
        stream.write_qvariant(self);
    }
}
