//! Reading numbers.

use super::{QTextStream, TextStreamStatus};

/// The zeros of the scripts whose decimal digits Qt reads. Nine more digits follow each zero.
const ZEROS: [u32; 37] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

/// Powers of ten that are exact.
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Returns the value of a decimal digit of any script.
fn digit(c: char) -> Option<u64> {
    if c.is_ascii() {
        return c.to_digit(10).map(u64::from);
    }
    let code = u32::from(c);
    let next = ZEROS.partition_point(|&zero| zero <= code);
    let value = code - ZEROS.get(next.checked_sub(1)?)?;
    (value < 10).then_some(value.into())
}

macro_rules! readers {
    ($($type:ident $read:ident;)*) => {
        /// # Reading numbers
        ///
        /// These functions skip white space, then read the characters that belong to a number. If
        /// there is no number, they return 0 and set the status: to
        /// [`ReadPastEnd`](TextStreamStatus::ReadPastEnd) at the end, otherwise to
        /// [`ReadCorruptData`](TextStreamStatus::ReadCorruptData).
        ///
        /// Integers have a base, see [`set_integer_base`](QTextStream::set_integer_base). As in Qt,
        /// a number that does not fit is no error: it wraps around.
        impl QTextStream {
            $(
                #[doc = concat!("Reads an integer and cuts it to `", stringify!($type), "`.")]
                #[doc(alias = "operator>>")]
                pub fn $read(&mut self) -> $type {
                    self.read_integer() as $type
                }
            )*

            /// Reads a floating point number, `inf` or `nan`, whatever the case. A number beyond
            /// the range of `f64`, or too small for it, is an error.
            ///
            /// ```
            /// let mut input = qcore::QTextStream::from_string("1.5e3,-inf");
            /// assert_eq!(input.read_double(), 1500.0);
            /// assert_eq!(input.read_char(), ',');
            /// assert_eq!(input.read_double(), f64::NEG_INFINITY);
            /// ```
            #[doc(alias = "operator>>")]
            pub fn read_double(&mut self) -> f64 {
                if !self.has_medium() {
                    return 0.0;
                }
                if let Some((value, count)) = usual_real(self.rest().as_bytes()) {
                    self.consume(count);
                    return value;
                }
                self.skip_spaces();
                match self.parse_real() {
                    Some(value) => value,
                    None => {
                        self.fail();
                        0.0
                    }
                }
            }

            /// Reads a floating point number as [`read_double`](QTextStream::read_double) does and
            /// rounds it.
            #[doc(alias = "operator>>")]
            pub fn read_float(&mut self) -> f32 {
                self.read_double() as f32
            }
        }
    };
}

readers! {
    i16 read_int16;
    u16 read_uint16;
    i32 read_int32;
    u32 read_uint32;
    i64 read_int64;
    u64 read_uint64;
}

impl QTextStream {
    pub(super) fn read_integer(&mut self) -> u64 {
        if !self.has_medium() {
            return 0;
        }
        let base = self.settings.base;
        if matches!(base, 0 | 10)
            && let Some((value, count)) = usual_integer(self.rest().as_bytes(), base == 0)
        {
            self.consume(count);
            return value;
        }
        self.skip_spaces();
        self.parse_integer().unwrap_or_else(|| {
            self.fail();
            0
        })
    }

    fn fail(&mut self) {
        self.set_status(if self.is_at_end() {
            TextStreamStatus::ReadPastEnd
        } else {
            TextStreamStatus::ReadCorruptData
        });
    }

    /// Reads a number in any base. As in Qt, the characters before an error are lost, unless noted.
    fn parse_integer(&mut self) -> Option<u64> {
        let base = match self.settings.base {
            0 => match self.peek(0)? {
                '0' => match self.peek(1) {
                    None => {
                        self.consume(1);
                        return Some(0);
                    }
                    Some('x' | 'X') => 16,
                    Some('b' | 'B') => 2,
                    Some('0'..='7') => 8,
                    Some(_) => 10,
                },
                '+' | '-' => 10,
                c if digit(c).is_some() => 10,
                _ => return None,
            },
            base => base,
        };
        match base {
            2 => self.parse_binary(),
            8 => self.parse_octal(),
            10 => self.parse_signed(),
            16 => self.parse_hexadecimal(),
            _ => None,
        }
    }

    fn parse_signed(&mut self) -> Option<u64> {
        let sign = self.peek(0)?;
        let is_signed = matches!(sign, '+' | '-');
        if is_signed {
            self.consume(1);
        }
        let mut value = None;
        while let Some(c) = self.peek(0)
            && let Some(digit) = digit(c)
        {
            value = Some(value.unwrap_or(0u64).wrapping_mul(10).wrapping_add(digit));
            self.consume(c.len_utf8());
        }
        value.map(|value| if sign == '-' { negated(value) } else { value })
    }

    fn parse_octal(&mut self) -> Option<u64> {
        match self.peek(0)? {
            '0' => {}
            other => {
                self.consume(other.len_utf8());
                return None;
            }
        }
        // Without a digit the prefix stays.
        self.peek(1).filter(|c| ('0'..='7').contains(c))?;
        self.consume(1);
        self.parse_digits(8)
    }

    fn parse_binary(&mut self) -> Option<u64> {
        let first = self.peek(0)?;
        if first != '0' {
            self.consume(first.len_utf8());
            return None;
        }
        let second = self.peek(1);
        if !matches!(second, Some('b' | 'B')) {
            self.consume(1 + second.map_or(0, char::len_utf8));
            return None;
        }
        // Without a digit the prefix stays.
        self.peek(2).filter(|c| matches!(c, '0' | '1'))?;
        self.consume(2);
        self.parse_digits(2)
    }

    fn parse_hexadecimal(&mut self) -> Option<u64> {
        for expected in ['0', 'x'] {
            let c = self.peek(0)?;
            self.consume(c.len_utf8());
            if c.to_ascii_lowercase() != expected {
                return None;
            }
        }
        self.parse_digits(16)
    }

    /// Reads digits up to another character; `None` if there are none.
    fn parse_digits(&mut self, base: u32) -> Option<u64> {
        let mut value = None;
        while let Some(c) = self.peek(0)
            && let Some(digit) = c.to_digit(base)
        {
            value =
                Some(value.unwrap_or(0u64).wrapping_mul(base.into()).wrapping_add(digit.into()));
            self.consume(1);
        }
        value
    }

    /// Reads a real number. After an error, the stream continues at the character that does not
    /// fit.
    fn parse_real(&mut self) -> Option<f64> {
        let (mut state, mut used) = (Real::Init, 0);
        for byte in self.rest().bytes() {
            let Some(new) = state.after(byte.into()) else { break };
            state = new;
            used += 1;
        }
        loop {
            let next = self.peek(used);
            let Some(new) = next.and_then(|c| state.after(c)) else { break };
            state = new;
            used += 1;
        }
        let text = &self.rest()[..used];
        let value = match state {
            Real::Mantissa | Real::Dot | Real::Fraction | Real::Exponent => finite(text),
            Real::Nan3 => Some(f64::NAN),
            Real::Inf3 if text.starts_with('-') => Some(f64::NEG_INFINITY),
            Real::Inf3 => Some(f64::INFINITY),
            _ => None,
        };
        self.consume(used);
        value
    }
}

/// Returns the number that `text` begins with, and how many bytes the number and the white space
/// before it take: if all of that is ASCII, and the text shows that the number ends there and has
/// no prefix of a base. The functions of the stream read the other numbers.
fn usual_integer(text: &[u8], may_have_prefix: bool) -> Option<(u64, usize)> {
    let (is_negative, from) = sign(text)?;
    let (value, end) = digits(text, from, 0);
    let next = *text.get(end)?;
    // Digits of another script may follow.
    if end == from || !next.is_ascii() {
        return None;
    }
    // A zero at the beginning, without a sign, may be a prefix.
    if may_have_prefix && text[from] == b'0' && (end > from + 1 || next.is_ascii_alphabetic()) {
        let is_signed = from > 0 && matches!(text[from - 1], b'+' | b'-');
        if !is_signed {
            return None;
        }
    }
    Some((if is_negative { negated(value) } else { value }, end))
}

/// Does the same for a number with a fraction or without one, if its value is the exact quotient of
/// two numbers.
fn usual_real(text: &[u8]) -> Option<(f64, usize)> {
    let (is_negative, from) = sign(text)?;
    let (mut mantissa, mut end) = digits(text, from, 0);
    let mut count = end - from;
    let mut after_point = 0;
    if count > 0 && text.get(end) == Some(&b'.') {
        let point = end;
        (mantissa, end) = digits(text, point + 1, mantissa);
        after_point = end - point - 1;
        count += after_point;
        if after_point == 0 {
            return None;
        }
    }
    // Both numbers are doubles, so that one division rounds correctly.
    if !(1..=15).contains(&count) || matches!(text.get(end)?, b'e' | b'E') {
        return None;
    }
    let value = mantissa as f64 / POWERS[after_point];
    Some((if is_negative { -value } else { value }, end))
}

/// Skips white space and a sign. Returns whether the sign is a minus, and where the digits begin.
#[inline]
fn sign(text: &[u8]) -> Option<(bool, usize)> {
    let mut at = 0;
    while matches!(text.get(at)?, b' ' | b'\t'..=b'\r') {
        at += 1;
    }
    let sign = text[at];
    Some((sign == b'-', at + usize::from(matches!(sign, b'+' | b'-'))))
}

/// Appends the digits from `at` on to a number. Returns the number and where the digits end.
#[inline]
fn digits(text: &[u8], mut at: usize, mut value: u64) -> (u64, usize) {
    while let Some(byte) = text.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(digit.into());
        at += 1;
    }
    (value, at)
}

/// Returns the number that `text` is; `None` if it does not fit into an `f64`.
fn finite(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let mantissa = || text.split(['e', 'E']).next().unwrap_or(text);
    let is_zero = || !mantissa().contains(|c| matches!(c, '1'..='9'));
    (value.is_finite() && (value != 0.0 || is_zero())).then_some(value)
}

/// Negates a number as Qt does, which leaves one beyond the range of `i64` as it is.
fn negated(value: u64) -> u64 {
    if (value as i64) > 0 { value.wrapping_neg() } else { value }
}

/// How far a real number has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Real {
    Init,
    Sign,
    Mantissa,
    Dot,
    Fraction,
    ExponentMark,
    ExponentSign,
    Exponent,
    Nan1,
    Nan2,
    Nan3,
    Inf1,
    Inf2,
    Inf3,
}

impl Real {
    /// Returns the state after `c`; `None` if `c` does not belong to the number.
    fn after(self, c: char) -> Option<Real> {
        Some(match (self, c.to_ascii_lowercase()) {
            (Real::Init, '+' | '-') => Real::Sign,
            (Real::Init | Real::Sign | Real::Mantissa, '0'..='9') => Real::Mantissa,
            (Real::Init | Real::Sign | Real::Mantissa, '.') => Real::Dot,
            (Real::Dot | Real::Fraction, '0'..='9') => Real::Fraction,
            (Real::Mantissa | Real::Fraction, 'e') => Real::ExponentMark,
            (Real::ExponentMark, '+' | '-') => Real::ExponentSign,
            (Real::ExponentMark | Real::ExponentSign | Real::Exponent, '0'..='9') => Real::Exponent,
            (Real::Init | Real::Sign, 'n') => Real::Nan1,
            (Real::Nan1, 'a') => Real::Nan2,
            (Real::Nan2, 'n') => Real::Nan3,
            (Real::Init | Real::Sign, 'i') => Real::Inf1,
            (Real::Inf1, 'n') => Real::Inf2,
            (Real::Inf2, 'f') => Real::Inf3,
            _ => return None,
        })
    }
}
