//! Numbers as text, in the C locale. The text is ASCII, in bytes: so it needs no check that it is
//! UTF-8 before it is appended to other bytes.

use std::io::Write;

use super::settings::{MAX_LENGTH, NumberFlags, RealNumberNotation, Settings};

/// The most digits that a number can have before all others are zeros.
const DIGITS: usize = 1100;

/// Appends an integer.
pub(super) fn integer(text: &mut Vec<u8>, mut magnitude: u64, is_negative: bool, how: &Settings) {
    push_sign(text, is_negative, how.flags);
    let base = u64::from(if (2..=36).contains(&how.base) { how.base } else { 10 });
    if how.flags.contains(NumberFlags::SHOW_BASE) {
        let is_upper = how.flags.contains(NumberFlags::UPPERCASE_BASE);
        text.extend_from_slice(match base {
            2 if is_upper => b"0B",
            2 => b"0b",
            // As in Qt, a zero with a sign has no prefix.
            8 if magnitude == 0 && how.flags.contains(NumberFlags::FORCE_SIGN) => b"",
            8 => b"0",
            16 if is_upper => b"0X",
            16 => b"0x",
            _ => b"",
        });
    }
    if base == 10 {
        return push_decimal_integer(text, magnitude);
    }
    let letters = if how.flags.contains(NumberFlags::UPPERCASE_DIGITS) { b'A' } else { b'a' };
    let mut digits = [0; 64];
    let mut at = digits.len();
    loop {
        let digit = (magnitude % base) as u8;
        magnitude /= base;
        at -= 1;
        digits[at] = if digit < 10 { b'0' + digit } else { letters + digit - 10 };
        if magnitude == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[at..]);
}

fn push_decimal_integer(text: &mut Vec<u8>, mut value: u64) {
    // The digits are written where they belong. A constant number of bytes is appended for them,
    // which takes two instructions, and those behind the number are cut off.
    let (start, count) = (text.len(), count_digits(value));
    text.extend_from_slice(&[b'0'; 20]);
    text.truncate(start + count);
    let (first, pairs) = text[start..].as_rchunks_mut::<2>();
    for digits in pairs.iter_mut().rev() {
        *digits = pair(value % 100);
        value /= 100;
    }
    if let [first] = first {
        *first = b'0' + value as u8;
    }
}

fn count_digits(value: u64) -> usize {
    const POWERS: [u64; 20] = {
        let mut powers = [1; 20];
        let mut at = 1;
        while at < 20 {
            powers[at] = powers[at - 1] * 10;
            at += 1;
        }
        powers
    };
    // The number of bits times log10(2) is the number of digits, or one too low.
    let bits = u64::BITS - (value | 1).leading_zeros();
    let estimate = ((bits * 1233) >> 12) as usize;
    (estimate + usize::from(value >= POWERS[estimate])).max(1)
}

/// Returns the two digits of a number below 100.
fn pair(value: u64) -> [u8; 2] {
    const PAIRS: [[u8; 2]; 100] = {
        let mut pairs = [[0; 2]; 100];
        let mut at = 0;
        while at < 100 {
            pairs[at] = [b'0' + at as u8 / 10, b'0' + at as u8 % 10];
            at += 1;
        }
        pairs
    };
    PAIRS[value as usize]
}

/// Appends a floating point number. `scratch` is memory to use.
pub(super) fn real(text: &mut Vec<u8>, value: f64, how: &Settings, scratch: &mut Vec<u8>) {
    let is_upper = how.flags.contains(NumberFlags::UPPERCASE_DIGITS);
    if !value.is_finite() {
        push_sign(text, value < 0.0, how.flags);
        text.extend_from_slice(match (value.is_nan(), is_upper) {
            (true, true) => b"NAN",
            (true, false) => b"nan",
            (false, true) => b"INF",
            (false, false) => b"inf",
        });
        return;
    }
    // As in Qt, a negative zero has no sign.
    push_sign(text, value < 0.0, how.flags);
    let value = value.abs();
    let precision = how.precision.min(MAX_LENGTH);
    let keeps_point = how.flags.contains(NumberFlags::FORCE_POINT);
    match how.notation {
        RealNumberNotation::Fixed => {
            push_fixed(text, value, precision, scratch);
            if keeps_point && precision == 0 {
                text.push(b'.');
            }
        }
        RealNumberNotation::Scientific => {
            let exponent = digits(value, precision, scratch);
            push_scientific(text, scratch, precision, keeps_point, exponent, is_upper);
        }
        RealNumberNotation::Smart => {
            let after_first = precision.max(1) - 1;
            let exponent = digits(value, after_first, scratch);
            let is_zero = |&&digit: &&u8| digit == b'0';
            let zeros = scratch[1..].iter().rev().take_while(is_zero).count();
            scratch.truncate(scratch.len() - zeros);
            let wanted = if keeps_point { after_first } else { scratch.len() - 1 };
            match usize::try_from(exponent) {
                Ok(exponent) if exponent <= after_first => {
                    push_decimal(text, scratch, wanted, keeps_point, exponent);
                }
                Err(_) if exponent >= -4 => {
                    text.extend_from_slice(b"0.");
                    let before = text.len();
                    push_zeros(text, exponent.unsigned_abs() as usize - 1);
                    text.extend_from_slice(scratch);
                    // As in Qt, the zeros after the point count.
                    let least = if keeps_point { after_first + 1 } else { 0 };
                    push_zeros(text, least.saturating_sub(text.len() - before));
                }
                _ => push_scientific(text, scratch, wanted, keeps_point, exponent, is_upper),
            }
        }
    }
}

fn push_sign(text: &mut Vec<u8>, is_negative: bool, flags: NumberFlags) {
    if is_negative {
        text.push(b'-');
    } else if flags.contains(NumberFlags::FORCE_SIGN) {
        text.push(b'+');
    }
}

/// Appends digits with `after_first` digits after the first one, a point and an exponent.
fn push_scientific(
    text: &mut Vec<u8>,
    digits: &[u8],
    after_first: usize,
    keeps_point: bool,
    exponent: i32,
    is_upper: bool,
) {
    text.push(digits[0]);
    if after_first > 0 || keeps_point {
        text.push(b'.');
    }
    text.extend_from_slice(&digits[1..]);
    push_zeros(text, (after_first + 1).saturating_sub(digits.len()));
    text.push(if is_upper { b'E' } else { b'e' });
    text.push(if exponent < 0 { b'-' } else { b'+' });
    let exponent = exponent.unsigned_abs();
    if exponent < 10 {
        text.push(b'0');
    }
    push_decimal_integer(text, exponent.into());
}

/// Appends digits of a number of at least 1, with `after_first` digits after the first one.
fn push_decimal(
    text: &mut Vec<u8>,
    digits: &[u8],
    after_first: usize,
    keeps_point: bool,
    exponent: usize,
) {
    let whole = exponent + 1;
    let (before, after) = digits.split_at(whole.min(digits.len()));
    text.extend_from_slice(before);
    push_zeros(text, whole - before.len());
    let count = (after_first + 1).saturating_sub(whole);
    if count > 0 || keeps_point {
        text.push(b'.');
    }
    text.extend_from_slice(after);
    push_zeros(text, count.saturating_sub(after.len()));
}

fn push_zeros(text: &mut Vec<u8>, count: usize) {
    if count > 0 {
        text.resize(text.len() + count, b'0');
    }
}

/// Appends a number with `precision` digits after the point.
fn push_fixed(text: &mut Vec<u8>, value: f64, precision: usize, scratch: &mut Vec<u8>) {
    if let Some(scaled) = i32::try_from(precision).ok().and_then(|by| scaled(value, by)) {
        let one = 10u64.pow(precision as u32);
        push_decimal_integer(text, scaled / one);
        if precision > 0 {
            // The digit in front keeps the zeros after the point; it becomes the point.
            let at = text.len();
            push_decimal_integer(text, one + scaled % one);
            text[at] = b'.';
        }
        return;
    }
    let exact = precision.min(DIGITS);
    // Half a unit of the last digit goes up, as in Qt; Rust rounds it to an even digit.
    if lowest_bit(value) == Some(-(exact as i32) - 1) {
        scratch.clear();
        let _ = write!(scratch, "{value:.*}", exact + 1);
        scratch.pop();
        if scratch.ends_with(b".") {
            scratch.pop();
        }
        if round_up(scratch) {
            text.push(b'1');
        }
        text.extend_from_slice(scratch);
    } else {
        let _ = write!(text, "{value:.exact$}");
    }
    push_zeros(text, precision - exact);
}

/// Sets `out` to the significant digits of a number, `after_first` or fewer after the first one,
/// and returns the exponent of the first. Zeros are left out at the end only beyond [`DIGITS`].
fn digits(value: f64, after_first: usize, out: &mut Vec<u8>) -> i32 {
    if let Some(exponent) = quick_digits(value, after_first, out) {
        return exponent;
    }
    let exact = after_first.min(DIGITS);
    if let Some(lowest) = lowest_bit(value) {
        let estimate = (value.log2() * std::f64::consts::LOG10_2).floor() as i32 - exact as i32 - 1;
        if (lowest - estimate).abs() <= 1 {
            let exponent = scientific(value, exact + 1, out);
            let unit = exponent - exact as i32 - 1;
            if lowest == unit && out.ends_with(b"5") && ends_at(value, unit) {
                out.pop();
                if round_up(out) {
                    out.insert(0, b'1');
                    out.pop();
                    return exponent + 1;
                }
                return exponent;
            }
        }
    }
    scientific(value, exact, out)
}

/// Does what [`digits`] does for numbers of usual size, if rounding is clear.
fn quick_digits(value: f64, after_first: usize, out: &mut Vec<u8>) -> Option<i32> {
    if !(1e-7..1e22).contains(&value) || after_first > 14 {
        return None;
    }
    let after_first = after_first as i32;
    // One too low at most.
    let exponent = (((value.to_bits() >> 52) as i32 - 1023) * 1233) >> 12;
    let exponent = exponent + i32::from(value >= power(exponent + 1)?);
    let mut rounded = scaled(value, after_first - exponent)?;
    let mut exponent = exponent;
    if rounded >= 10u64.pow(after_first as u32 + 1) {
        rounded /= 10;
        exponent += 1;
    }
    out.clear();
    push_decimal_integer(out, rounded);
    (out.len() == after_first as usize + 1).then_some(exponent)
}

/// Returns a power of ten; `None` if it is not exact or its inverse is not.
fn power(exponent: i32) -> Option<f64> {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    let power = POWERS.get(exponent.unsigned_abs() as usize)?;
    Some(if exponent < 0 { 1.0 / power } else { *power })
}

/// Returns the number times ten to the `by`, rounded to an integer; `None` if that is large. As in
/// Qt, half a unit goes up.
fn scaled(value: f64, by: i32) -> Option<u64> {
    // One operation with an exact power: the error is half a unit of the last bit.
    let scaled = if by < 0 { value / power(-by)? } else { value * power(by)? };
    if by > 14 || scaled >= 1e15 {
        return None;
    }
    let whole = scaled as u64;
    let fraction = scaled - whole as f64;
    let error = scaled * f64::EPSILON;
    let is_clear = (fraction - 0.5).abs() > error;
    let goes_up = if is_clear { fraction > 0.5 } else { is_half_or_more(value, by, whole) };
    Some(whole + u64::from(goes_up))
}

/// Returns whether the number times ten to the `by` is at least `whole` and a half, if it is about
/// that. Both sides of the comparison then have about the same size, which fits into 128 bits.
fn is_half_or_more(value: f64, by: i32, whole: u64) -> bool {
    let (mantissa, exponent) = parts(value);
    let (mut left, mut right) = (u128::from(mantissa), u128::from(2 * whole + 1));
    let tens = 10u128.pow(by.unsigned_abs());
    if by < 0 {
        right *= tens;
    } else {
        left *= tens;
    }
    // Twice the number, because `right` is twice `whole` and a half.
    let doublings = exponent + 1;
    if doublings < 0 {
        right <<= -doublings;
    } else {
        left <<= doublings;
    }
    left >= right
}

/// Sets `out` to digits as Rust rounds them, and returns the exponent of the first.
fn scientific(value: f64, after_first: usize, out: &mut Vec<u8>) -> i32 {
    out.clear();
    let _ = write!(out, "{value:.after_first$e}");
    let Some(mark) = out.iter().rposition(|&byte| byte == b'e') else { return 0 };
    let exponent = ascii(&out[mark + 1..]).parse().unwrap_or(0);
    out.truncate(mark);
    if out.len() > 1 {
        out.remove(1); // the point
    }
    exponent
}

/// Returns the exponent of the number's lowest bit that is set; `None` for zero.
fn lowest_bit(value: f64) -> Option<i32> {
    let (mantissa, exponent) = parts(value);
    (mantissa != 0).then(|| exponent + mantissa.trailing_zeros() as i32)
}

/// Returns the number as an integer and a power of two.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let (exponent, mantissa) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    if exponent == 0 { (mantissa, -1074) } else { (mantissa | 1 << 52, exponent - 1075) }
}

/// Returns whether a number whose lowest bit is that of 10 to the `unit` has no digits below it.
fn ends_at(value: f64, unit: i32) -> bool {
    let Ok(unit) = u32::try_from(unit) else { return true };
    let (mantissa, _) = parts(value);
    5u64.checked_pow(unit).is_some_and(|fives| mantissa.is_multiple_of(fives))
}

/// Adds one to the last digit. Returns whether all digits were nines and are zeros now.
fn round_up(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        match *digit {
            b'.' => {}
            b'9' => *digit = b'0',
            _ => {
                *digit += 1;
                return false;
            }
        }
    }
    true
}

/// Returns a number that this module has formatted as text.
///
/// # Panics
///
/// Panics if the bytes are no text, which a number's bytes always are.
pub(super) fn ascii(number: &[u8]) -> &str {
    std::str::from_utf8(number).expect("numbers are ASCII")
}
