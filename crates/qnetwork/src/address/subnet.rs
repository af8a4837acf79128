//! Subnets: an address and a prefix length.

use super::{AddressParseError, Host, QHostAddress};
use std::net::{Ipv4Addr, Ipv6Addr};

impl QHostAddress {
    /// Returns whether the address is in the subnet that the first `netmask` bits of `subnet` make.
    ///
    /// Both addresses must be IPv4 or both IPv6. A v4-mapped address counts as IPv6 here. Null and
    /// [`Any`](Self::Any) are in no subnet, and a text that is not an address is null. `netmask` is
    /// a prefix length: 0 matches every address of the family. For IPv4, numbers above 32 count as
    /// 32; for IPv6, numbers above 128 count as 128. Scope ids are not compared.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// let peer: QHostAddress = "172.16.4.7".parse()?;
    /// assert!(peer.is_in_subnet("172.16.0.0", 12));
    /// assert!(!peer.is_in_subnet("10.0.0.0", 8));
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isInSubnet")]
    pub fn is_in_subnet<'a>(&self, subnet: impl Into<Host<'a>>, netmask: u8) -> bool {
        self.is_in(&subnet.into().into_address_or_null(), netmask)
    }

    fn is_in(&self, subnet: &QHostAddress, netmask: u8) -> bool {
        let prefix = u32::from(netmask);
        if let (Some(ip), Some(net)) = (self.v4(), subnet.v4()) {
            return network_v4(ip, prefix) == network_v4(net, prefix);
        }
        if let (Some(ip), Some(net)) = (self.v6(), subnet.v6()) {
            return network_v6(ip, prefix) == network_v6(net, prefix);
        }
        false
    }

    /// Returns whether the address is in a subnet that [`parse_subnet`](Self::parse_subnet)
    /// returned. The same as [`is_in_subnet`](Self::is_in_subnet) with the two values of the pair.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// let private = QHostAddress::parse_subnet("192.168.0.0/16")?;
    /// assert!("192.168.4.7".parse::<QHostAddress>()?.is_in_subnet_pair(&private));
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isInSubnet")]
    pub fn is_in_subnet_pair(&self, subnet: &(QHostAddress, u8)) -> bool {
        self.is_in(&subnet.0, subnet.1)
    }

    /// Parses a subnet. Returns its address with all host bits cleared and its prefix length.
    ///
    /// The text is an IPv4 or IPv6 address, optionally followed by `/` and a prefix length. For
    /// IPv4 a netmask of four parts may replace the prefix length. An IPv4 address may lack parts
    /// at the end (`"172.16"`, `"172.16."`), which count as zero. Its parts are decimal. Without a
    /// prefix length each given part adds eight bits.
    ///
    /// # Errors
    ///
    /// [`AddressParseError`] if the text is not a subnet.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// let parse = |text| {
    ///     QHostAddress::parse_subnet(text).map(|(net, prefix)| format!("{net}/{prefix}"))
    /// };
    /// assert_eq!(parse("172.16")?, "172.16.0.0/16");
    /// assert_eq!(parse("10.1.2.3/255.0.0.0")?, "10.0.0.0/8");
    /// assert_eq!(parse("fe80::1/64")?, "fe80::/64");
    /// assert!(parse("10.0.0.0/33").is_err());
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "parseSubnet")]
    pub fn parse_subnet(text: &str) -> Result<(QHostAddress, u8), AddressParseError> {
        parse_subnet(text).ok_or_else(AddressParseError::network)
    }

    fn v4(&self) -> Option<Ipv4Addr> {
        // Does not convert `Any` and mapped addresses, unlike `to_ipv4_address()`.
        match self.repr {
            super::Repr::V4(ip) => Some(ip),
            _ => None,
        }
    }
}

fn parse_subnet(text: &str) -> Option<(QHostAddress, u8)> {
    let (net, mask) = match text.split_once('/') {
        Some((net, mask)) => (net, Some(mask)),
        None => (text, None),
    };
    if text.is_empty() {
        return None;
    }
    let (net, prefix) = if net.contains(':') { parse_v6(net, mask)? } else { parse_v4(net, mask)? };
    Some((net, u8::try_from(prefix).ok()?))
}

fn parse_v6(net: &str, mask: Option<&str>) -> Option<(QHostAddress, u32)> {
    let prefix = match mask {
        Some(mask) => decimal(mask).filter(|&prefix| prefix <= Ipv6Addr::BITS)?,
        None => Ipv6Addr::BITS,
    };
    let net: QHostAddress = net.parse().ok()?;
    let cleared = network_v6(net.v6()?, prefix);
    Some((QHostAddress::from_v6_scoped(cleared, net.scope_id()), prefix))
}

fn parse_v4(net: &str, mask: Option<&str>) -> Option<(QHostAddress, u32)> {
    let prefix = match mask {
        Some(mask) if mask.contains('.') => Some(prefix_of_mask(&mask.parse().ok()?)?),
        Some(mask) => Some(decimal(mask)?),
        None => None,
    };
    if prefix.is_some_and(|prefix| prefix > Ipv4Addr::BITS) {
        return None;
    }

    // The empty part after a final dot has no number, but is one of the four parts at most.
    if net.split('.').count() > 4 {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut count = 0;
    let parts = net.strip_suffix('.').unwrap_or(net);
    if !net.is_empty() {
        for (octet, part) in octets.iter_mut().zip(parts.split('.')) {
            *octet = u8::try_from(decimal(part)?).ok()?;
            count += 1;
        }
    }
    let prefix = prefix.unwrap_or(8 * count);
    Some((QHostAddress::from_v4(network_v4(octets.into(), prefix)), prefix))
}

/// Returns the number of ones of a netmask, or `None` if they are not all at the front.
fn prefix_of_mask(mask: &QHostAddress) -> Option<u32> {
    // A netmask in IPv6 notation (with dotted decimals at its end) is accepted too. At most 32 of
    // its ones count.
    let (bits, width) = match mask.v4() {
        Some(ip) => (u128::from(ip.to_bits()) << 96, Ipv4Addr::BITS),
        None => (mask.v6()?.to_bits(), Ipv6Addr::BITS),
    };
    let prefix = bits.leading_ones().min(width);
    (bits.count_ones() == prefix).then_some(prefix)
}

/// Parses a decimal number as Qt does: white space around it and a plus sign are allowed.
fn decimal(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

fn network_v4(ip: Ipv4Addr, prefix: u32) -> Ipv4Addr {
    let host_bits = Ipv4Addr::BITS.saturating_sub(prefix);
    let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
    Ipv4Addr::from_bits(ip.to_bits() & mask)
}

fn network_v6(ip: Ipv6Addr, prefix: u32) -> Ipv6Addr {
    let host_bits = Ipv6Addr::BITS.saturating_sub(prefix);
    let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
    Ipv6Addr::from_bits(ip.to_bits() & mask)
}
