//! How a variant is read and written, which depends on the version.

use super::{
    FromStream, NULL, QDataStream, QVariant, StreamStatus, StreamVersion, ToStream, VariantType,
};

/// The first number of the types that had other ones before Qt 5.0.
const FIRST_MOVED: u32 = 31;
/// By how much they were greater.
const MOVED_BY: u32 = 97;
/// Stands in front of a type's name.
const USER_TYPE: u32 = 1024;
/// The same, before Qt 5.0.
const OLD_USER_TYPE: u32 = 127;
/// Is as good as no type.
const VOID: u32 = 43;

/// # Variants
impl QDataStream {
    /// Reads a QVariant.
    ///
    /// Half a surrogate pair is read as U+FFFD. A type that is not among those of [`VariantType`],
    /// also one of the program that wrote it, makes the status
    /// [`ReadCorruptData`](StreamStatus::ReadCorruptData) and the value [`QVariant::Invalid`].
    #[doc(alias = "readQVariant")]
    pub fn read_qvariant(&mut self) -> QVariant {
        let number = self.read_uint32();
        let number = if self.version < StreamVersion::QT_5_0 { modern(number) } else { number };
        let is_null = self.version >= StreamVersion::QT_4_2 && self.read_bool();
        match VariantType::from_id(number) {
            Some(VariantType::Invalid) => self.read_no_value(),
            None if number == VOID => self.read_no_value(),
            Some(kind) => self.read_value(kind, is_null),
            None => {
                if number == USER_TYPE {
                    let name = self.read_qbytearray();
                    let name = String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(&name));
                    crate::q_warning!("QVariant::load: unknown user type with name {name}.");
                } else {
                    crate::q_warning!("QVariant::load: unable to load type {number}.");
                }
                self.set_status(StreamStatus::ReadCorruptData);
                QVariant::Invalid
            }
        }
    }

    /// Writes a QVariant.
    #[doc(alias = "writeQVariant")]
    pub fn write_qvariant(&mut self, value: &QVariant) {
        let kind = value.kind();
        let old = self.version < StreamVersion::QT_5_0;
        let moved = old && kind.id() >= FIRST_MOVED;
        self.write_uint32(if moved { kind.id() + MOVED_BY } else { kind.id() });
        if self.version >= StreamVersion::QT_4_2 {
            self.write_bool(value.is_null());
        }
        match (value, kind) {
            (_, VariantType::Invalid) if old => self.write_optional_qstring(None),
            (QVariant::Null(_), VariantType::String | VariantType::ByteArray) => {
                self.write_uint32(NULL);
            }
            (QVariant::Null(_), _) => kind.write_default(self),
            _ => value.write_value(self),
        }
    }

    /// Whether the value is null is for itself to tell if it can, as in Qt.
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

    fn read_no_value(&mut self) -> QVariant {
        if self.version < StreamVersion::QT_5_0 {
            // Comes where a value would.
            self.read_utf16();
        }
        QVariant::Invalid
    }
}

/// What Qt 5 takes a type's number from a version before 5.0 for.
fn modern(number: u32) -> u32 {
    match number {
        OLD_USER_TYPE | USER_TYPE => USER_TYPE,
        128.. => number - MOVED_BY,
        // Types of the GUI, of which none is known here.
        _ => number,
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
