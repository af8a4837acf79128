//! The numbers that Qt gives to the values of its enums.
//!
//! An enum that stands for one of Qt's has Qt's numbers. `value as i32` or `i32::from(value)`
//! returns the number, and `try_from` returns the value for a number. Some of Qt's numbers have no
//! value here, and a number from a peer or a file may be anything: then `try_from` fails with
//! [`UnknownNumberError`].
//!
//! Sets of flags have Qt's numbers as well. `bits()` returns the number. `from_bits()` returns the
//! set for a number, or `None` if one of the bits is no flag.
//!
//! ```
//! use qcore::{OpenMode, TimerType};
//!
//! assert_eq!(TimerType::VeryCoarse as i32, 2);
//! assert_eq!(TimerType::try_from(2), Ok(TimerType::VeryCoarse));
//! assert_eq!(TimerType::try_from(3).unwrap_err().to_string(), "no TimerType has the number 3");
//!
//! assert_eq!((OpenMode::READ_ONLY | OpenMode::TEXT).bits(), 0x11);
//! assert_eq!(OpenMode::from_bits(0x11), Some(OpenMode::READ_ONLY | OpenMode::TEXT));
//! assert_eq!(OpenMode::from_bits(0x100), None);
//! ```

use std::{error::Error, fmt, io};

/// The error for a number that is no value of an enum.
///
/// # Examples
///
/// ```
/// use qcore::{TimerType, number::UnknownNumberError};
///
/// let error: UnknownNumberError = TimerType::try_from(-7).unwrap_err();
/// assert_eq!((error.type_name(), error.number()), ("TimerType", -7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownNumberError {
    type_name: &'static str,
    number: i32,
}

impl UnknownNumberError {
    /// Creates the error for a number that is no value of the enum `type_name`.
    #[must_use]
    pub const fn new(type_name: &'static str, number: i32) -> Self {
        UnknownNumberError { type_name, number }
    }

    /// Returns the name of the enum.
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        self.type_name
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.number
    }
}

impl fmt::Display for UnknownNumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} has the number {}", self.type_name, self.number)
    }
}

impl Error for UnknownNumberError {}

impl From<UnknownNumberError> for io::Error {
    fn from(error: UnknownNumberError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// Declares an enum whose values have Qt's numbers, and the conversions in both directions.
#[doc(hidden)]
#[macro_export]
macro_rules! numbered {
    (
        $(#[$about:meta])*
        $vis:vis enum $name:ident {
            $($(#[$about_value:meta])* $value:ident = $number:literal,)*
        }
    ) => {
        $(#[$about])*
        ///
        /// # Numbers
        ///
        /// The numbers are Qt's: `as i32` gives the number of a value, and `try_from` gives the
        /// value for a number.
        $vis enum $name {
            $($(#[$about_value])* $value = $number,)*
        }

        impl ::core::convert::From<$name> for i32 {
            /// Returns Qt's number for the value.
            fn from(value: $name) -> i32 {
                value as i32
            }
        }

        impl ::core::convert::TryFrom<i32> for $name {
            type Error = $crate::number::UnknownNumberError;

            /// Returns the value that has this number in Qt.
            fn try_from(number: i32) -> ::core::result::Result<Self, Self::Error> {
                match number {
                    $($number => ::core::result::Result::Ok($name::$value),)*
                    _ => ::core::result::Result::Err($crate::number::UnknownNumberError::new(
                        ::core::stringify!($name),
                        number,
                    )),
                }
            }
        }
    };
}
