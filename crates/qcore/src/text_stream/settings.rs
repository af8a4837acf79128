//! The settings and manipulators, which change how values are written and read.

use super::{QTextStream, ToText};

crate::numbered! {
    /// Where a value stands in its field. The pad character fills the rest.
    #[doc(alias = "QTextStream::FieldAlignment")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub enum FieldAlignment {
        /// At the left edge.
        #[doc(alias = "AlignLeft")]
        Left = 0,
        /// At the right edge.
        #[default]
        #[doc(alias = "AlignRight")]
        Right = 1,
        /// In the middle. If the padding is odd, the right side gets one more character.
        #[doc(alias = "AlignCenter")]
        Center = 2,
        /// At the right edge; the sign of a number at the left edge.
        #[doc(alias = "AlignAccountingStyle")]
        AccountingStyle = 3,
    }
}

crate::numbered! {
    /// The notation of floating point numbers.
    ///
    /// | | 3.14159, precision 2 | 1234567.0, precision 2 |
    /// |---|---|---|
    /// | `Smart` | `3.1` | `1.2e+06` |
    /// | `Fixed` | `3.14` | `1234567.00` |
    /// | `Scientific` | `3.14e+00` | `1.23e+06` |
    #[doc(alias = "QTextStream::RealNumberNotation")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub enum RealNumberNotation {
        /// Scientific notation if the exponent is less than -4 or not less than the precision,
        /// otherwise fixed notation. The precision is the number of significant digits, at least 1.
        /// There are no zeros at the end.
        #[default]
        #[doc(alias = "SmartNotation")]
        Smart = 0,
        /// The precision is the number of digits after the point.
        #[doc(alias = "FixedNotation")]
        Fixed = 1,
        /// A digit, a point and an exponent of two digits or more. The precision is the number of
        /// digits after the point.
        #[doc(alias = "ScientificNotation")]
        Scientific = 2,
    }
}

bitflags::bitflags! {
    /// How numbers are written: a set of flags.
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::NumberFlags};
    ///
    /// let mut out = QTextStream::from_string("");
    /// out.set_integer_base(16);
    /// out.set_number_flags(NumberFlags::SHOW_BASE | NumberFlags::UPPERCASE_DIGITS);
    /// out.write(&255);
    /// assert_eq!(out.into_string(), "0xFF");
    /// ```
    #[doc(alias = "QTextStream::NumberFlag")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct NumberFlags: u32 {
        /// A prefix shows the base: `0x`, `0b`, or `0` for octal numbers.
        #[doc(alias = "ShowBase")]
        const SHOW_BASE = 0x1;
        /// A floating point number has a point, and zeros up to the precision.
        #[doc(alias = "ForcePoint")]
        const FORCE_POINT = 0x2;
        /// A number that is not negative has the sign `+`.
        #[doc(alias = "ForceSign")]
        const FORCE_SIGN = 0x4;
        /// The prefix is `0X` or `0B`.
        #[doc(alias = "UppercaseBase")]
        const UPPERCASE_BASE = 0x8;
        /// Digits above 9, the `E` of an exponent, `INF` and `NAN` are written in capitals.
        #[doc(alias = "UppercaseDigits")]
        const UPPERCASE_DIGITS = 0x10;
    }
}

/// A change of settings that can be [written](QTextStream::write) like a value: Qt's manipulators.
///
/// # Examples
///
/// ```
/// use qcore::{QTextStream, text_stream::Manipulator::*};
///
/// let mut out = QTextStream::from_string("");
/// out.write(&ShowBase).write(&Hex).write(&255).write(&Endl);
/// out.write(&Dec).write(&Left).write(&FieldWidth(6)).write("ab").write(&1.5);
/// assert_eq!(out.into_string(), "0xff\nab    1.5   ");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Manipulator {
    /// Integers have base 2.
    #[doc(alias = "bin")]
    Bin,
    /// Integers have base 8.
    #[doc(alias = "oct")]
    Oct,
    /// Integers have base 10.
    #[doc(alias = "dec")]
    Dec,
    /// Integers have base 16.
    #[doc(alias = "hex")]
    Hex,
    /// Sets [`NumberFlags::SHOW_BASE`].
    #[doc(alias = "showbase")]
    ShowBase,
    /// Sets [`NumberFlags::FORCE_SIGN`].
    #[doc(alias = "forcesign")]
    ForceSign,
    /// Sets [`NumberFlags::FORCE_POINT`].
    #[doc(alias = "forcepoint")]
    ForcePoint,
    /// Clears [`NumberFlags::SHOW_BASE`].
    #[doc(alias = "noshowbase")]
    NoShowBase,
    /// Clears [`NumberFlags::FORCE_SIGN`].
    #[doc(alias = "noforcesign")]
    NoForceSign,
    /// Clears [`NumberFlags::FORCE_POINT`].
    #[doc(alias = "noforcepoint")]
    NoForcePoint,
    /// Sets [`NumberFlags::UPPERCASE_BASE`].
    #[doc(alias = "uppercasebase")]
    UppercaseBase,
    /// Sets [`NumberFlags::UPPERCASE_DIGITS`].
    #[doc(alias = "uppercasedigits")]
    UppercaseDigits,
    /// Clears [`NumberFlags::UPPERCASE_BASE`].
    #[doc(alias = "lowercasebase")]
    LowercaseBase,
    /// Clears [`NumberFlags::UPPERCASE_DIGITS`].
    #[doc(alias = "lowercasedigits")]
    LowercaseDigits,
    /// Sets [`RealNumberNotation::Fixed`].
    #[doc(alias = "fixed")]
    Fixed,
    /// Sets [`RealNumberNotation::Scientific`].
    #[doc(alias = "scientific")]
    Scientific,
    /// Sets [`FieldAlignment::Left`].
    #[doc(alias = "left")]
    Left,
    /// Sets [`FieldAlignment::Right`].
    #[doc(alias = "right")]
    Right,
    /// Sets [`FieldAlignment::Center`].
    #[doc(alias = "center")]
    Center,
    /// Writes a line feed, padded to the field width, and flushes the stream.
    #[doc(alias = "endl")]
    Endl,
    /// Calls [`QTextStream::flush`].
    #[doc(alias = "flush")]
    Flush,
    /// Calls [`QTextStream::reset`].
    #[doc(alias = "reset")]
    Reset,
    /// Turns [the byte order mark](QTextStream::set_generate_byte_order_mark) on.
    #[doc(alias = "bom")]
    Bom,
    /// Calls [`QTextStream::skip_white_space`].
    #[doc(alias = "ws")]
    Ws,
    /// Calls [`QTextStream::set_field_width`].
    #[doc(alias = "qSetFieldWidth")]
    FieldWidth(usize),
    /// Calls [`QTextStream::set_pad_char`].
    #[doc(alias = "qSetPadChar")]
    PadChar(char),
    /// Calls [`QTextStream::set_real_number_precision`].
    #[doc(alias = "qSetRealNumberPrecision")]
    RealNumberPrecision(usize),
}

impl ToText for Manipulator {
    fn write_to(&self, stream: &mut QTextStream) {
        let flags = &mut stream.settings.flags;
        match *self {
            Manipulator::Bin => stream.set_integer_base(2),
            Manipulator::Oct => stream.set_integer_base(8),
            Manipulator::Dec => stream.set_integer_base(10),
            Manipulator::Hex => stream.set_integer_base(16),
            Manipulator::ShowBase => flags.insert(NumberFlags::SHOW_BASE),
            Manipulator::ForceSign => flags.insert(NumberFlags::FORCE_SIGN),
            Manipulator::ForcePoint => flags.insert(NumberFlags::FORCE_POINT),
            Manipulator::NoShowBase => flags.remove(NumberFlags::SHOW_BASE),
            Manipulator::NoForceSign => flags.remove(NumberFlags::FORCE_SIGN),
            Manipulator::NoForcePoint => flags.remove(NumberFlags::FORCE_POINT),
            Manipulator::UppercaseBase => flags.insert(NumberFlags::UPPERCASE_BASE),
            Manipulator::UppercaseDigits => flags.insert(NumberFlags::UPPERCASE_DIGITS),
            Manipulator::LowercaseBase => flags.remove(NumberFlags::UPPERCASE_BASE),
            Manipulator::LowercaseDigits => flags.remove(NumberFlags::UPPERCASE_DIGITS),
            Manipulator::Fixed => stream.set_real_number_notation(RealNumberNotation::Fixed),
            Manipulator::Scientific => {
                stream.set_real_number_notation(RealNumberNotation::Scientific);
            }
            Manipulator::Left => stream.set_field_alignment(FieldAlignment::Left),
            Manipulator::Right => stream.set_field_alignment(FieldAlignment::Right),
            Manipulator::Center => stream.set_field_alignment(FieldAlignment::Center),
            Manipulator::Endl => {
                stream.write(&'\n');
                stream.flush();
            }
            Manipulator::Flush => stream.flush(),
            Manipulator::Reset => stream.reset(),
            Manipulator::Bom => stream.set_generate_byte_order_mark(true),
            Manipulator::Ws => stream.skip_white_space(),
            Manipulator::FieldWidth(width) => stream.set_field_width(width),
            Manipulator::PadChar(pad) => stream.set_pad_char(pad),
            Manipulator::RealNumberPrecision(precision) => {
                stream.set_real_number_precision(precision);
            }
        }
    }
}

/// The largest field width and precision that have an effect. Numbers and fields need memory in
/// proportion to them.
pub(super) const MAX_LENGTH: usize = 1_000_000;

/// What [`QTextStream::reset`] sets to its default.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) width: usize,
    pub(super) pad: char,
    pub(super) alignment: FieldAlignment,
    pub(super) base: u32,
    pub(super) flags: NumberFlags,
    pub(super) notation: RealNumberNotation,
    pub(super) precision: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            width: 0,
            pad: ' ',
            alignment: FieldAlignment::default(),
            base: 0,
            flags: NumberFlags::default(),
            notation: RealNumberNotation::default(),
            precision: 6,
        }
    }
}

/// # Settings
impl QTextStream {
    /// Returns the minimum number of characters of each written value.
    #[doc(alias = "fieldWidth")]
    #[must_use]
    pub fn field_width(&self) -> usize {
        self.settings.width
    }

    /// Sets the minimum number of characters of each written value; 0 by default. It applies to
    /// every value until the program changes it, even to the line feed of [`Manipulator::Endl`].
    /// The maximum is 1,000,000: a larger width has the same effect.
    ///
    /// As in Qt, a character outside the basic multilingual plane, an emoji for example, counts as
    /// two.
    ///
    /// ```
    /// use qcore::QTextStream;
    ///
    /// let mut out = QTextStream::from_string("");
    /// out.set_field_width(5);
    /// out.write("ab").write(&7);
    /// assert_eq!(out.into_string(), "   ab    7");
    /// ```
    #[doc(alias = "setFieldWidth")]
    pub fn set_field_width(&mut self, width: usize) {
        self.settings.width = width;
    }

    /// Returns the character that fills a field.
    #[doc(alias = "padChar")]
    #[must_use]
    pub fn pad_char(&self) -> char {
        self.settings.pad
    }

    /// Sets the character that fills a field; a space by default.
    #[doc(alias = "setPadChar")]
    pub fn set_pad_char(&mut self, pad: char) {
        self.settings.pad = pad;
    }

    /// Returns where a value stands in its field.
    #[doc(alias = "fieldAlignment")]
    #[must_use]
    pub fn field_alignment(&self) -> FieldAlignment {
        self.settings.alignment
    }

    /// Sets where a value stands in its field; [`FieldAlignment::Right`] by default.
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::FieldAlignment};
    ///
    /// let mut out = QTextStream::from_string("");
    /// out.set_field_width(6);
    /// out.set_pad_char('0');
    /// out.set_field_alignment(FieldAlignment::AccountingStyle);
    /// out.write(&-12).write("-12"); // text has no sign
    /// assert_eq!(out.into_string(), "-00012000-12");
    /// ```
    #[doc(alias = "setFieldAlignment")]
    pub fn set_field_alignment(&mut self, alignment: FieldAlignment) {
        self.settings.alignment = alignment;
    }

    /// Returns the base of integers. With 0, integers are written in base 10, and the prefix of an
    /// integer selects its base when it is read.
    #[doc(alias = "integerBase")]
    #[must_use]
    pub fn integer_base(&self) -> u32 {
        self.settings.base
    }

    /// Sets the base of integers; 0 by default.
    ///
    /// Integers are written in a base from 2 to 36. With 0, or any other number, they are written
    /// in base 10.
    ///
    /// Integers are read in the bases 2, 8, 10 and 16. In base 2, 8 and 16 the number must have its
    /// prefix, as in Qt. With 0 the prefix selects the base. With any other base, reading a number
    /// fails with the status [`ReadCorruptData`](super::TextStreamStatus::ReadCorruptData).
    ///
    /// ```
    /// use qcore::QTextStream;
    ///
    /// let mut stream = QTextStream::from_string("0x1f 0b11 017 12");
    /// assert_eq!((stream.read_int32(), stream.read_int32()), (31, 3));
    /// assert_eq!((stream.read_int32(), stream.read_int32()), (15, 12));
    /// ```
    #[doc(alias = "setIntegerBase")]
    pub fn set_integer_base(&mut self, base: u32) {
        self.settings.base = base;
    }

    /// Returns how numbers are written.
    #[doc(alias = "numberFlags")]
    #[must_use]
    pub fn number_flags(&self) -> NumberFlags {
        self.settings.flags
    }

    /// Sets how numbers are written; no flags by default.
    #[doc(alias = "setNumberFlags")]
    pub fn set_number_flags(&mut self, flags: NumberFlags) {
        self.settings.flags = flags;
    }

    /// Returns the notation of floating point numbers.
    #[doc(alias = "realNumberNotation")]
    #[must_use]
    pub fn real_number_notation(&self) -> RealNumberNotation {
        self.settings.notation
    }

    /// Sets the notation of floating point numbers; [`RealNumberNotation::Smart`] by default.
    #[doc(alias = "setRealNumberNotation")]
    pub fn set_real_number_notation(&mut self, notation: RealNumberNotation) {
        self.settings.notation = notation;
    }

    /// Returns the precision of floating point numbers.
    #[doc(alias = "realNumberPrecision")]
    #[must_use]
    pub fn real_number_precision(&self) -> usize {
        self.settings.precision
    }

    /// Sets the precision of floating point numbers; 6 by default. [`RealNumberNotation`] says
    /// which digits it counts. The maximum is 1,000,000: a larger precision has the same effect.
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::RealNumberNotation};
    ///
    /// let mut out = QTextStream::from_string("");
    /// out.set_real_number_notation(RealNumberNotation::Fixed);
    /// out.set_real_number_precision(2);
    /// out.write(&1.005);
    /// assert_eq!(out.into_string(), "1.00"); // the number is a little less than 1.005
    /// ```
    #[doc(alias = "setRealNumberPrecision")]
    pub fn set_real_number_precision(&mut self, precision: usize) {
        self.settings.precision = precision;
    }

    /// Sets the field width, pad character, alignment, integer base, number flags, notation and
    /// precision to their defaults.
    pub fn reset(&mut self) {
        self.settings = Settings::default();
    }
}
