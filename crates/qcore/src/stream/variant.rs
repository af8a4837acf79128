//! [`QVariant`]: a value with its type.

use std::collections::{BTreeMap, HashMap};

use super::{QBitArray, QDataStream};

macro_rules! types {
    ($($name:ident($type:ty) $id:literal $qt_name:literal $doc:literal;)*) => {
        /// A value together with its type: one of the types that a [`QDataStream`] can read and
        /// write.
        ///
        /// Stands for Qt's [QVariant](https://doc.qt.io/qt-5/qvariant.html). PySide2's
        /// `writeQVariant` writes a number as an `Int`, a `LongLong` if it is too large for that,
        /// or a `Double`. It writes the other values as a `Bool`, a `String`, a `StringList` or a
        /// `List`, and a `dict` with string keys as a `Map`.
        ///
        /// # Examples
        ///
        /// ```
        /// use qcore::{QDataStream, stream::QVariant};
        ///
        /// let mut stream = QDataStream::from_bytes(Vec::new());
        /// stream.write_qvariant(&QVariant::from(5));
        /// stream.write_qvariant(&"text".into());
        /// stream.write_qvariant(&vec![QVariant::from(true), QVariant::Invalid].into());
        ///
        /// assert_eq!(stream.read_qvariant(), QVariant::Int(5));
        /// assert_eq!(stream.read_qvariant().as_str(), Some("text"));
        /// match stream.read_qvariant() {
        ///     QVariant::List(list) => assert_eq!(list[0].as_bool(), Some(true)),
        ///     other => panic!("{other:?}"),
        /// }
        /// ```
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub enum QVariant {
            /// No value: Qt's `QVariant()`, PySide2's `None`.
            #[default]
            Invalid,
            /// A null value of this type: Qt's `QVariant(QVariant::Int)` or `QVariant(QString())`.
            Null(VariantType),
            $(#[doc = $doc] $name($type),)*
        }

        crate::numbered! {
            /// The type of a [`QVariant`].
            #[doc(alias = "QVariant::Type")]
            #[doc(alias = "QMetaType::Type")]
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[non_exhaustive]
            pub enum VariantType {
                /// No type.
                #[default]
                Invalid = 0,
                $(#[doc = concat!("Qt's `", $qt_name, "`.")] $name = $id,)*
            }
        }

        impl VariantType {
            /// Returns Qt's name for the type.
            #[doc(alias = "typeName")]
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    VariantType::Invalid => "",
                    $(VariantType::$name => $qt_name,)*
                }
            }

            pub(super) fn read_value(self, stream: &mut QDataStream) -> QVariant {
                match self {
                    VariantType::Invalid => QVariant::Invalid,
                    $(VariantType::$name => QVariant::$name(stream.read()),)*
                }
            }

            /// Writes the value that stands in for a null value of this type.
            pub(super) fn write_default(self, stream: &mut QDataStream) {
                match self {
                    VariantType::Invalid => {}
                    $(VariantType::$name => {
                        stream.write(&<$type>::default());
                    })*
                }
            }
        }

        impl QVariant {
            /// Returns the type of the value.
            ///
            /// ```
            /// use qcore::stream::{QVariant, VariantType};
            ///
            /// assert_eq!(QVariant::from(5u16).kind(), VariantType::UShort);
            /// assert_eq!(QVariant::Null(VariantType::Int).kind(), VariantType::Int);
            /// assert_eq!(VariantType::Int.name(), "int");
            /// ```
            #[doc(alias = "type")]
            #[doc(alias = "userType")]
            #[must_use]
            pub fn kind(&self) -> VariantType {
                match self {
                    QVariant::Invalid => VariantType::Invalid,
                    QVariant::Null(kind) => *kind,
                    $(QVariant::$name(_) => VariantType::$name,)*
                }
            }

            pub(super) fn write_value(&self, stream: &mut QDataStream) {
                match self {
                    QVariant::Invalid | QVariant::Null(_) => {}
                    $(QVariant::$name(value) => {
                        stream.write(value);
                    })*
                }
            }
        }
    };
}

types! {
    Bool(bool) 1 "bool" "A `bool`.";
    Int(i32) 2 "int" "An `int`.";
    UInt(u32) 3 "uint" "A `uint`.";
    LongLong(i64) 4 "qlonglong" "A `qlonglong`.";
    ULongLong(u64) 5 "qulonglong" "A `qulonglong`.";
    Double(f64) 6 "double" "A `double`.";
    Char(char) 7 "QChar" "A `QChar`: a character of 16 bits.";
    Map(BTreeMap<String, QVariant>) 8 "QVariantMap" "A `QVariantMap`.";
    List(Vec<QVariant>) 9 "QVariantList" "A `QVariantList`.";
    String(String) 10 "QString" "A `QString` that is not null.";
    StringList(Vec<String>) 11 "QStringList" "A `QStringList`.";
    ByteArray(Vec<u8>) 12 "QByteArray" "A `QByteArray` that is not null.";
    BitArray(QBitArray) 13 "QBitArray" "A `QBitArray`.";
    Hash(BTreeMap<String, QVariant>) 28 "QVariantHash" "A `QVariantHash`, without an order.";
    Long(i64) 32 "long" "A `long`, which is written with 64 bits.";
    Short(i16) 33 "short" "A `short`.";
    CChar(i8) 34 "char" "A `char` of C++.";
    ULong(u64) 35 "ulong" "A `ulong`, which is written with 64 bits.";
    UShort(u16) 36 "ushort" "A `ushort`.";
    UChar(u8) 37 "uchar" "A `uchar`.";
    Float(f32) 38 "float" "A `float`.";
    SChar(i8) 40 "signed char" "A `signed char`.";
    ByteArrayList(Vec<Vec<u8>>) 49 "QByteArrayList" "A `QByteArrayList`.";
}

impl QVariant {
    /// Returns whether the variant has a type.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.kind() != VariantType::Invalid
    }

    /// Returns whether the variant has no value.
    ///
    /// ```
    /// use qcore::stream::{QVariant, VariantType};
    ///
    /// assert!(QVariant::Null(VariantType::String).is_null());
    /// assert!(!QVariant::from("").is_null()); // an empty text is a value
    /// assert!(QVariant::Invalid.is_null());
    /// ```
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, QVariant::Invalid | QVariant::Null(_))
    }

    /// Returns the value if it is a `bool`.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            QVariant::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the value if it is an integer of any type that fits into an `i64`.
    ///
    /// ```
    /// use qcore::stream::QVariant;
    ///
    /// assert_eq!(QVariant::from(5u8).as_i64(), Some(5));
    /// assert_eq!(QVariant::from(u64::MAX).as_i64(), None);
    /// ```
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            QVariant::CChar(value) | QVariant::SChar(value) => Some(value.into()),
            QVariant::UChar(value) => Some(value.into()),
            QVariant::Short(value) => Some(value.into()),
            QVariant::UShort(value) => Some(value.into()),
            QVariant::Int(value) => Some(value.into()),
            QVariant::UInt(value) => Some(value.into()),
            QVariant::Long(value) | QVariant::LongLong(value) => Some(value),
            QVariant::ULong(value) | QVariant::ULongLong(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// Returns the value if it is a floating point number.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            QVariant::Double(value) => Some(value),
            QVariant::Float(value) => Some(value.into()),
            _ => None,
        }
    }

    /// Returns the text if the value is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            QVariant::String(text) => Some(text),
            _ => None,
        }
    }
}

macro_rules! conversions {
    ($($type:ty => $name:ident;)*) => {
        $(
            impl From<$type> for QVariant {
                fn from(value: $type) -> Self {
                    QVariant::$name(value.into())
                }
            }
        )*
    };
}

conversions! {
    bool => Bool;
    i8 => SChar;
    u8 => UChar;
    i16 => Short;
    u16 => UShort;
    i32 => Int;
    u32 => UInt;
    i64 => LongLong;
    u64 => ULongLong;
    f32 => Float;
    f64 => Double;
    char => Char;
    String => String;
    &str => String;
    Vec<u8> => ByteArray;
    &[u8] => ByteArray;
    QBitArray => BitArray;
    Vec<String> => StringList;
    Vec<QVariant> => List;
    Vec<Vec<u8>> => ByteArrayList;
    BTreeMap<String, QVariant> => Map;
}

impl From<HashMap<String, QVariant>> for QVariant {
    fn from(map: HashMap<String, QVariant>) -> Self {
        QVariant::Hash(map.into_iter().collect())
    }
}
