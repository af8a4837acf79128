//! [`StreamVersion`]: the versions of the format.

use crate::number::UnknownNumberError;

/// A version of the format, named after the Qt release that introduced it. Several releases share a
/// version, so some constants are equal. [The module](crate::stream#versions) lists the
/// differences.
///
/// # Examples
///
/// ```
/// use qcore::{QDataStream, stream::StreamVersion};
///
/// let mut out = QDataStream::from_bytes(Vec::new());
/// out.set_version(StreamVersion::QT_4_0); // as in PySide2's fortune examples
/// out.write_float(1.5);
/// assert_eq!(out.into_bytes().len(), 4); // 8 since Qt 4.6
///
/// assert!(StreamVersion::QT_4_6 > StreamVersion::QT_4_5);
/// assert_eq!(StreamVersion::QT_5_15, StreamVersion::default());
/// ```
#[doc(alias = "QDataStream::Version")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamVersion(u8);

macro_rules! versions {
    ($($name:ident $alias:literal $number:literal)*) => {
        impl StreamVersion {
            $(
                #[doc = concat!("Version ", $number, " of the format.")]
                #[doc(alias = $alias)]
                pub const $name: StreamVersion = StreamVersion($number);
            )*
        }
    };
}

versions! {
    QT_1_0 "Qt_1_0" 1
    QT_2_0 "Qt_2_0" 2
    QT_2_1 "Qt_2_1" 3
    QT_3_0 "Qt_3_0" 4
    QT_3_1 "Qt_3_1" 5
    QT_3_3 "Qt_3_3" 6
    QT_4_0 "Qt_4_0" 7
    QT_4_1 "Qt_4_1" 7
    QT_4_2 "Qt_4_2" 8
    QT_4_3 "Qt_4_3" 9
    QT_4_4 "Qt_4_4" 10
    QT_4_5 "Qt_4_5" 11
    QT_4_6 "Qt_4_6" 12
    QT_4_7 "Qt_4_7" 12
    QT_4_8 "Qt_4_8" 12
    QT_4_9 "Qt_4_9" 12
    QT_5_0 "Qt_5_0" 13
    QT_5_1 "Qt_5_1" 14
    QT_5_2 "Qt_5_2" 15
    QT_5_3 "Qt_5_3" 15
    QT_5_4 "Qt_5_4" 16
    QT_5_5 "Qt_5_5" 16
    QT_5_6 "Qt_5_6" 17
    QT_5_7 "Qt_5_7" 17
    QT_5_8 "Qt_5_8" 17
    QT_5_9 "Qt_5_9" 17
    QT_5_10 "Qt_5_10" 17
    QT_5_11 "Qt_5_11" 17
    QT_5_12 "Qt_5_12" 18
    QT_5_13 "Qt_5_13" 19
    QT_5_14 "Qt_5_14" 19
    QT_5_15 "Qt_5_15" 19
}

impl StreamVersion {
    /// The default version of a stream: that of Qt 5.15.
    #[doc(alias = "Qt_DefaultCompiledVersion")]
    pub const QT_DEFAULT_COMPILED_VERSION: StreamVersion = StreamVersion::QT_5_15;
}

impl From<StreamVersion> for i32 {
    /// Returns Qt's number for the version.
    fn from(version: StreamVersion) -> i32 {
        version.0.into()
    }
}

impl TryFrom<i32> for StreamVersion {
    type Error = UnknownNumberError;

    /// Returns the version with this number, from 1 for Qt 1.0 to 19 for Qt 5.15. A number of a
    /// newer format is an error.
    ///
    /// ```
    /// use qcore::stream::StreamVersion;
    ///
    /// assert_eq!(StreamVersion::try_from(17), Ok(StreamVersion::QT_5_6));
    /// assert_eq!(i32::from(StreamVersion::QT_5_6), 17);
    /// assert!(StreamVersion::try_from(20).is_err());
    /// ```
    fn try_from(number: i32) -> Result<Self, UnknownNumberError> {
        let known = StreamVersion::QT_1_0.0..=StreamVersion::QT_5_15.0;
        match u8::try_from(number) {
            Ok(number) if known.contains(&number) => Ok(StreamVersion(number)),
            _ => Err(UnknownNumberError::new("StreamVersion", number)),
        }
    }
}

impl Default for StreamVersion {
    fn default() -> Self {
        StreamVersion::QT_DEFAULT_COMPILED_VERSION
    }
}
