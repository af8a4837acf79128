//! `Display` and `Debug` for addresses.

use super::{QHostAddress, Repr};
use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Writes the text of Qt's `toString()`. A null address gives an empty text.
///
/// IPv6 is written as RFC 5952 recommends, with a scope id if there is one. `::ffff:a.b.c.d` and
/// `::a.b.c.d` end with dotted decimals. [`QHostAddress::Any`] gives `0.0.0.0`.
///
/// # Examples
///
/// ```
/// use qnetwork::QHostAddress;
///
/// let address: QHostAddress = "1080:0:0:0:8:0:0:0".parse()?;
/// assert_eq!(address.to_string(), "1080::8:0:0:0");
/// assert_eq!(QHostAddress::Null.to_string(), "");
/// # Ok::<(), qnetwork::AddressParseError>(())
/// ```
impl fmt::Display for QHostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_none() && f.precision().is_none() {
            return self.write_to(f);
        }
        let mut text = String::new();
        self.write_to(&mut text)?;
        f.pad(&text)
    }
}

/// Writes the address's text, or `Null` or `Any`.
impl fmt::Debug for QHostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repr {
            Repr::Null => f.write_str("QHostAddress(Null)"),
            Repr::Any => f.write_str("QHostAddress(Any)"),
            Repr::V4(_) | Repr::V6(_) | Repr::Scoped(_) => {
                f.write_str("QHostAddress(")?;
                self.write_to(f)?;
                f.write_str(")")
            }
        }
    }
}

impl QHostAddress {
    fn write_to(&self, out: &mut impl Write) -> fmt::Result {
        match &self.repr {
            Repr::Null => Ok(()),
            Repr::Any => write!(out, "{}", Ipv4Addr::UNSPECIFIED),
            Repr::V4(ip) => write!(out, "{ip}"),
            Repr::V6(ip) => write_v6(*ip, out),
            Repr::Scoped(scoped) => {
                write_v6(scoped.ip, out)?;
                out.write_char('%')?;
                out.write_str(&scoped.scope)
            }
        }
    }
}

fn write_v6(ip: Ipv6Addr, out: &mut impl Write) -> fmt::Result {
    // For `::1.2.3.4` the standard library writes `::102:304`, Qt writes dotted decimals. Both
    // write hexadecimal if only the last group is set, as in `::1`.
    match u32::try_from(ip.to_bits()) {
        Ok(low) if low > 0xffff => write!(out, "::{}", Ipv4Addr::from(low)),
        _ => write!(out, "{ip}"),
    }
}
