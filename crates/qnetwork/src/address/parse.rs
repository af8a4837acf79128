//! Parses addresses as tolerantly as Qt does.
//!
//! Most of the tolerance comes from reading numbers like C's `strtoull`. A number may start with
//! white space and a plus sign. In an IPv4 address it may be hexadecimal (`0x7f`) or octal
//! (`0177`). Qt first reduces each run of white space to one space. This parser counts a run as one
//! character instead and copies nothing.

use super::QHostAddress;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::common::{SocketError, SocketErrorKind};

/// The error for a text that is no IP address or no IP network.
///
/// # Examples
///
/// ```
/// use qnetwork::QHostAddress;
///
/// let error = "300.1.1.1".parse::<QHostAddress>().unwrap_err();
/// assert_eq!(error.to_string(), "invalid IP address");
///
/// let error = QHostAddress::parse_subnet("10.0.0.0/33").unwrap_err();
/// assert_eq!(error.to_string(), "invalid IP network");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressParseError(Expected);

/// What the text should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Address,
    Network,
}

impl AddressParseError {
    pub(super) fn address() -> Self {
        AddressParseError(Expected::Address)
    }

    pub(super) fn network() -> Self {
        AddressParseError(Expected::Network)
    }
}

impl fmt::Display for AddressParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Expected::Address => "invalid IP address",
            Expected::Network => "invalid IP network",
        })
    }
}

impl Error for AddressParseError {}

impl From<AddressParseError> for io::Error {
    /// The kind is [`InvalidInput`](io::ErrorKind::InvalidInput).
    fn from(error: AddressParseError) -> Self {
        io::Error::new(io::ErrorKind::InvalidInput, error)
    }
}

/// The error of a call that needs an address and was given another text.
impl From<AddressParseError> for SocketError {
    fn from(_: AddressParseError) -> Self {
        Self::new(SocketErrorKind::SocketAddressNotAvailable, "The text is not an IP address")
    }
}

/// Parses a text as [`QHostAddress::set_address`] does.
///
/// # Errors
///
/// [`AddressParseError`] if the text is not an address.
impl FromStr for QHostAddress {
    type Err = AddressParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or(AddressParseError::address())
    }
}

impl QHostAddress {
    /// Parses `text` and sets the address to it.
    ///
    /// White space around the address is ignored.
    ///
    /// * IPv4 has one to four parts. Each is decimal, octal after `0` or hexadecimal after `0x`.
    ///   The last part fills all remaining bytes: `"127.1"` is 127.0.0.1, `"123.0.0"` is 123.0.0.0,
    ///   `"4294967295"` is 255.255.255.255.
    /// * IPv6 has eight groups of up to four hexadecimal digits. One `::` replaces any number of
    ///   zero groups. The last two groups may be the four decimal parts of an IPv4 address. A `%`
    ///   and a scope id may follow. Like Qt, the parser also accepts eight full groups followed by
    ///   `:` and any characters that end in `::`.
    ///
    /// Qt's other `setAddress()` functions are assignments here: `address = QHostAddress::Any`,
    /// `address = ip.into()`.
    ///
    /// The function does not look up host names. For strict parsing use [`std::net::IpAddr`]'s
    /// parser and then [`QHostAddress::from`].
    ///
    /// # Errors
    ///
    /// [`AddressParseError`] if the text is not an address. The address is null then.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// let mut address = QHostAddress::new();
    /// address.set_address(" 0x7f.1 ")?;
    /// assert_eq!(address, QHostAddress::LocalHost);
    ///
    /// assert!(address.set_address("localhost").is_err());
    /// assert!(address.is_null());
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "setAddress")]
    pub fn set_address(&mut self, text: &str) -> Result<(), AddressParseError> {
        self.clear();
        *self = text.parse()?;
        Ok(())
    }
}

fn parse(text: &str) -> Option<QHostAddress> {
    let text = text.trim();
    if let Ok(ip) = text.parse() {
        // The usual form. The standard library's parser is faster, and accepts no other.
        return Some(QHostAddress::from_v4(ip));
    }
    if !text.contains(':') {
        return parse_v4(text, LeadingZeros::Octal).map(QHostAddress::from_v4);
    }
    let (address, scope) = text.rsplit_once('%').unwrap_or((text, ""));
    let ip = parse_v6(address)?;
    Some(QHostAddress::from_v6_scoped(ip, &simplified(scope)))
}

#[derive(Clone, Copy, PartialEq)]
enum LeadingZeros {
    Octal,
    /// A part with a leading zero is an error: the rule inside IPv6 addresses.
    Refused,
}

fn parse_v4(text: &str, leading_zeros: LeadingZeros) -> Option<Ipv4Addr> {
    let mut address: u32 = 0;
    let mut rest = text;
    for dots in 0..4 {
        if leading_zeros == LeadingZeros::Refused
            && rest
                .strip_prefix('0')
                .is_some_and(|after| !after.is_empty() && !after.starts_with('.'))
        {
            return None;
        }
        let number = Number::read(rest, Base::FromPrefix)?;
        let part = u32::try_from(number.value).ok()?;
        // A part before a dot is one byte; the last part fills the remaining bytes.
        let bytes = if number.rest.is_empty() { 4 - dots } else { 1 };
        let bits = 8 * bytes;
        if bits < 32 && part >> bits != 0 {
            return None;
        }
        address = address.checked_shl(bits).unwrap_or(0) | part;
        if number.rest.is_empty() {
            return Some(Ipv4Addr::from(address));
        }
        rest = number.rest.strip_prefix('.')?;
    }
    None
}

fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    let mut colons: isize = 0;
    let mut dots: usize = 0;
    for c in text.chars() {
        match c {
            ':' => colons += 1,
            '.' => dots += 1,
            // This is the only check of the characters after the eighth group, which is where
            // parsing stops.
            '\0' | '\x7f' => return None,
            c if !c.is_ascii() && !c.is_whitespace() => return None,
            _ => {}
        }
    }
    if dots != 0 && dots != 3 {
        return None;
    }
    if text == "::" {
        return Some(Ipv6Addr::UNSPECIFIED);
    }

    // The number of groups that the "::" stands for. At either end of the text, "::" has one more
    // colon.
    let mut zeros = if text.starts_with("::") || text.ends_with("::") {
        9 - colons
    } else if (2..=7).contains(&colons) {
        8 - colons
    } else {
        return None;
    };
    if dots != 0 {
        zeros -= 1;
    }

    let mut groups = [0u16; 8];
    let mut at = 0;
    let mut rest = text;
    while at < groups.len() {
        if let Some(after) = rest.strip_prefix(':') {
            // An empty group is allowed only once, as part of the "::".
            let skipped = usize::try_from(zeros).ok().filter(|&zeros| zeros > 0)?;
            rest = if at == 0 { after.strip_prefix(':')? } else { after };
            at += skipped;
            zeros = 0;
            continue;
        }

        let number = Number::read(rest, Base::Hexadecimal)?;
        if number.width > 4 {
            return None;
        }
        if number.rest.starts_with('.') {
            if at != 6 {
                return None;
            }
            let [a, b, c, d] = parse_v4(rest, LeadingZeros::Refused)?.octets();
            groups[6] = u16::from_be_bytes([a, b]);
            groups[7] = u16::from_be_bytes([c, d]);
            return Some(Ipv6Addr::from(groups));
        }
        groups[at] = u16::try_from(number.value).ok()?;
        at += 1;
        if number.rest.is_empty() {
            break;
        }
        rest = number.rest.strip_prefix(':')?;
    }
    (at == groups.len()).then(|| Ipv6Addr::from(groups))
}

#[derive(Clone, Copy, PartialEq)]
enum Base {
    Hexadecimal,
    /// Hexadecimal after `0x`, octal after `0`, otherwise decimal.
    FromPrefix,
}

/// A number at the start of a text.
struct Number<'a> {
    value: u64,
    /// The number of characters that belong to the number: white space, sign, prefix, digits.
    width: usize,
    rest: &'a str,
}

impl<'a> Number<'a> {
    fn read(text: &'a str, base: Base) -> Option<Self> {
        let trimmed = text.trim_start();
        let blank = usize::from(trimmed.len() < text.len());
        let unsigned = trimmed.strip_prefix('+').unwrap_or(trimmed);
        let prefixed = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
        let (digits, radix) = match (base, prefixed) {
            (_, Some(digits)) => (digits, 16),
            (Base::Hexadecimal, None) => (unsigned, 16),
            (Base::FromPrefix, None) if unsigned.starts_with('0') => (unsigned, 8),
            (Base::FromPrefix, None) => (unsigned, 10),
        };

        let mut value: u64 = 0;
        let mut count = 0;
        while let Some(digit) = digits[count..].chars().next().and_then(|c| c.to_digit(radix)) {
            value = value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))?;
            count += 1; // a digit is ASCII: one byte
        }
        if count == 0 {
            return None;
        }
        let width = blank + (trimmed.len() - digits.len()) + count;
        Some(Self { value, width, rest: &digits[count..] })
    }
}

/// Returns the text with each run of white space replaced by one space.
fn simplified(text: &str) -> Cow<'_, str> {
    let mut text_was_blank = false;
    let is_simple = text.chars().all(|c| {
        let blank = c.is_whitespace();
        let simple = !blank || (c == ' ' && !text_was_blank);
        text_was_blank = blank;
        simple
    });
    if is_simple {
        return Cow::Borrowed(text);
    }
    let mut simple = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_whitespace() {
            simple.push(c);
        } else if !simple.ends_with(' ') {
            simple.push(' ');
        }
    }
    Cow::Owned(simple)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `parse` prefers the standard library's parser, so the two must agree.
    #[test]
    fn what_the_standard_library_accepts_is_the_same_here() {
        let parts = ["0", "1", "9", "10", "99", "127", "255", "00", "010", "256", "+1", "0x1", ""];
        let texts = parts.iter().flat_map(|a| parts.iter().map(move |b| [a, b]));
        let texts = texts.flat_map(|[a, b]| [format!("{a}.{b}.{b}.{a}"), format!("{a}.1.2.{b}")]);
        let mut accepted = 0;
        for text in texts.chain(["127.1", "1.2.3", "1.2.3.4.5", "a.b.c.d"].map(String::from)) {
            if let Ok(ip) = text.parse::<Ipv4Addr>() {
                accepted += 1;
                assert_eq!(parse_v4(&text, LeadingZeros::Octal), Some(ip), "{text}");
            }
        }
        assert_eq!(accepted, 2 * 7 * 7);
    }
}
