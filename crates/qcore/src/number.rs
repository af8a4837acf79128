//! The numbers that Qt gives to the values of its enums.
//!
//! An enum that stands for one of Qt's has Qt's numbers: `value as i32` or `i32::from(value)` gives
//! the number, and `try_from` gives the value for a number. Qt has numbers for which there is no
//! value here, and a number from a peer or a file may be anything: `try_from` then fails with
//! [`UnknownNumber`].
//!
//! A set of flags has Qt's numbers as well: `bits()` gives the number, and `from_bits()` gives the
//! set for a number, or `None` if one of its bits stands for no flag.
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

use std::{error::Error, fmt};

/// A number that stands for no value of an enum.
///
/// # Examples
///
/// ```
/// use qcore::{TimerType, number::UnknownNumber};
///
/// let error: UnknownNumber = TimerType::try_from(-7).unwrap_err();
/// assert_eq!((error.type_name(), error.number()), ("TimerType", -7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownNumber {
    type_name: &'static str,
    number: i32,
}

impl UnknownNumber {
    /// The error for a number that stands for no value of the enum `type_name`.
    #[must_use]
    pub const fn new(type_name: &'static str, number: i32) -> Self {
        UnknownNumber { type_name, number }
    }

    /// The name of the enum.
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        self.type_name
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.number
    }
}

impl fmt::Display for UnknownNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} has the number {}", self.type_name, self.number)
    }
}

impl Error for UnknownNumber {}

/// Declares an enum whose values have Qt's numbers, with the conversions to them and back.
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
            /// Qt's number.
            fn from(value: $name) -> i32 {
                value as i32
            }
        }

        impl ::core::convert::TryFrom<i32> for $name {
            type Error = $crate::number::UnknownNumber;

            /// The value that has this number in Qt.
            fn try_from(number: i32) -> ::core::result::Result<Self, Self::Error> {
                match number {
                    $($number => ::core::result::Result::Ok($name::$value),)*
                    _ => ::core::result::Result::Err($crate::number::UnknownNumber::new(
                        ::core::stringify!($name),
                        number,
                    )),
                }
            }
        }
    };
}
