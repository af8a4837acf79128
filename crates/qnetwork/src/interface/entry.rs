//! [`QNetworkAddressEntry`]: an address of an interface, with its netmask and lifetime.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use qcore::QDeadlineTimer;

use crate::{
    address::{Host, NetworkLayerProtocol, QHostAddress},
    sys::{InterfaceFlags, Lifetime, LinkAddress},
};

qcore::numbered! {
    /// Whether an address should be published in the DNS.
    ///
    /// Stands for [`QNetworkAddressEntry::DnsEligibilityStatus`][qt].
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{DnsEligibilityStatus, QHostAddress, QNetworkAddressEntry, QNetworkInterface};
    ///
    /// let interfaces = QNetworkInterface::all_interfaces();
    /// for entry in interfaces.iter().flat_map(|one| one.address_entries()) {
    ///     if entry.ip() == QHostAddress::LocalHost {
    ///         assert_eq!(entry.dns_eligibility(), DnsEligibilityStatus::Ineligible);
    ///     }
    /// }
    /// assert_eq!(QNetworkAddressEntry::new().dns_eligibility(), DnsEligibilityStatus::Unknown);
    /// ```
    ///
    /// [qt]: https://doc.qt.io/qt-5/qnetworkaddressentry.html#DnsEligibilityStatus-enum
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum DnsEligibilityStatus {
        /// Not known. The default.
        #[default]
        #[doc(alias = "DnsEligibilityUnknown")]
        Unknown = -1,
        /// The address should not be published.
        #[doc(alias = "DnsIneligible")]
        Ineligible = 0,
        /// The address may be published.
        #[doc(alias = "DnsEligible")]
        Eligible = 1,
    }
}

/// An address of a network interface, with its netmask, its broadcast address and its lifetime.
///
/// It is a plain value, `Send` and `Sync`. Two entries are equal if their addresses, prefix lengths
/// and broadcast addresses are equal. The rest is not compared.
///
/// The netmask and the prefix length are the same value in two forms: setting one sets the other.
/// They must fit the address, so set the address first.
///
/// # Examples
///
/// ```
/// use qnetwork::QNetworkAddressEntry;
///
/// let mut entry = QNetworkAddressEntry::new();
/// entry.set_ip("192.0.2.7");
/// entry.set_prefix_length(Some(24));
/// assert_eq!(entry.netmask().to_string(), "255.255.255.0");
/// assert_eq!(entry.to_string(), "192.0.2.7/24");
///
/// entry.set_netmask("255.255.0.0");
/// assert_eq!(entry.prefix_length(), Some(16));
/// ```
///
/// Qt's page: [QNetworkAddressEntry](https://doc.qt.io/qt-5/qnetworkaddressentry.html).
#[derive(Clone, Debug)]
pub struct QNetworkAddressEntry {
    ip: QHostAddress,
    broadcast: QHostAddress,
    prefix_length: Option<u8>,
    dns_eligibility: DnsEligibilityStatus,
    lifetime_known: bool,
    preferred: QDeadlineTimer,
    valid: QDeadlineTimer,
}

impl QNetworkAddressEntry {
    /// Creates an empty entry.
    #[must_use]
    pub fn new() -> Self {
        QNetworkAddressEntry {
            ip: QHostAddress::Null,
            broadcast: QHostAddress::Null,
            prefix_length: None,
            dns_eligibility: DnsEligibilityStatus::Unknown,
            lifetime_known: false,
            preferred: QDeadlineTimer::forever(),
            valid: QDeadlineTimer::forever(),
        }
    }

    /// Creates an entry from an address that the system reported, as Qt does.
    pub(super) fn of(address: &LinkAddress, interface: &str, flags: InterfaceFlags) -> Self {
        let mut entry = QNetworkAddressEntry::new();
        entry.ip = QHostAddress::from(address.ip);
        if entry.ip.protocol() == NetworkLayerProtocol::IPv6 && entry.ip.is_link_local() {
            entry.ip.set_scope_id(interface);
        }
        entry.set_prefix_length(address.prefix_length);
        entry.broadcast = address.broadcast.map_or_else(|| entry.last_of_network(), Into::into);
        if let Some((preferred, valid)) = address.lifetimes {
            entry.set_address_lifetime(deadline(preferred), deadline(valid));
        }
        let here = entry.ip.is_loopback() || entry.ip.is_link_local();
        entry.dns_eligibility = match flags.contains(InterfaceFlags::IS_UP) && !here {
            true => DnsEligibilityStatus::Eligible,
            false => DnsEligibilityStatus::Ineligible,
        };
        entry
    }

    /// Returns the last address of an IPv4 network, which by convention is its broadcast address.
    fn last_of_network(&self) -> QHostAddress {
        match (self.ip.protocol(), self.ip.to_ipv4_address(), self.netmask().to_ipv4_address()) {
            (NetworkLayerProtocol::IPv4, Some(ip), Some(netmask)) => (ip | !netmask).into(),
            _ => QHostAddress::Null,
        }
    }

    /// Returns the address; null if it was not set.
    #[must_use]
    pub fn ip(&self) -> QHostAddress {
        self.ip.clone()
    }

    /// Sets the address; a text that is not an address sets the null address. Nothing else changes:
    /// the prefix length stays, even if it is too long for the new address.
    #[doc(alias = "setIp")]
    pub fn set_ip<'a>(&mut self, ip: impl Into<Host<'a>>) {
        self.ip = ip.into().into_address_or_null();
    }

    /// Returns the netmask, in the address's protocol; null if it is not known.
    ///
    /// ```
    /// use qnetwork::QNetworkAddressEntry;
    ///
    /// let mut entry = QNetworkAddressEntry::new();
    /// entry.set_ip("fd00::1");
    /// assert!(entry.netmask().is_null());
    /// entry.set_prefix_length(Some(64));
    /// assert_eq!(entry.netmask().to_string(), "ffff:ffff:ffff:ffff::");
    /// ```
    #[must_use]
    pub fn netmask(&self) -> QHostAddress {
        let Some(length) = self.prefix_length.map(u32::from) else { return QHostAddress::Null };
        match self.ip.protocol() {
            NetworkLayerProtocol::IPv4 => {
                let host_bits = Ipv4Addr::BITS.saturating_sub(length);
                Ipv4Addr::from_bits(u32::MAX.checked_shl(host_bits).unwrap_or(0)).into()
            }
            NetworkLayerProtocol::IPv6 => {
                let host_bits = Ipv6Addr::BITS.saturating_sub(length);
                Ipv6Addr::from_bits(u128::MAX.checked_shl(host_bits).unwrap_or(0)).into()
            }
            _ => QHostAddress::Null,
        }
    }

    /// Sets the netmask and with it the prefix length.
    ///
    /// The netmask is unset instead if its protocol is not the address's, if its ones are not all
    /// at the front, or if it is a text that is not an address.
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkAddressEntry};
    ///
    /// let mut entry = QNetworkAddressEntry::new();
    /// entry.set_ip(QHostAddress::LocalHost);
    /// entry.set_netmask("255.0.255.0");
    /// assert_eq!(entry.prefix_length(), None);
    /// ```
    #[doc(alias = "setNetmask")]
    pub fn set_netmask<'a>(&mut self, netmask: impl Into<Host<'a>>) {
        let netmask = netmask.into().into_address_or_null();
        let protocol = netmask.protocol();
        let (ones, all) = match (protocol, netmask.to_ipv4_address()) {
            (NetworkLayerProtocol::IPv4, Some(mask)) => {
                (mask.to_bits().leading_ones(), mask.to_bits().count_ones())
            }
            (NetworkLayerProtocol::IPv6, _) => {
                let bits = netmask.to_ipv6_address().to_bits();
                (bits.leading_ones(), bits.count_ones())
            }
            _ => (0, 1),
        };
        let fits = protocol == self.ip.protocol() && ones == all;
        self.prefix_length = fits.then_some(ones as u8);
    }

    /// Returns how many bits of the address belong to the network; `None` if that is not
    /// known, where Qt returns -1.
    ///
    /// [`is_in_subnet`](QHostAddress::is_in_subnet) takes this number.
    #[doc(alias = "prefixLength")]
    #[must_use]
    pub fn prefix_length(&self) -> Option<u8> {
        self.prefix_length
    }

    /// Sets the prefix length and with it the netmask.
    ///
    /// The prefix length is unset instead if `length` is `None` or above 32 (above 128 for IPv6),
    /// or if there is no address.
    #[doc(alias = "setPrefixLength")]
    pub fn set_prefix_length(&mut self, length: Option<u8>) {
        let longest = match self.ip.protocol() {
            NetworkLayerProtocol::IPv4 => 32,
            NetworkLayerProtocol::IPv6 => 128,
            _ => {
                self.prefix_length = None;
                return;
            }
        };
        self.prefix_length = length.filter(|&length| length <= longest);
    }

    /// Returns the broadcast address of an IPv4 network; null if there is none, as in IPv6.
    ///
    /// If the system does not report it, it is the last address of the network.
    #[must_use]
    pub fn broadcast(&self) -> QHostAddress {
        self.broadcast.clone()
    }

    /// Sets the broadcast address; a text that is not an address sets the null address.
    #[doc(alias = "setBroadcast")]
    pub fn set_broadcast<'a>(&mut self, broadcast: impl Into<Host<'a>>) {
        self.broadcast = broadcast.into().into_address_or_null();
    }

    /// Returns whether the address should be published in the DNS.
    ///
    /// As in Qt on Linux, all addresses of an interface that is up are eligible, except loopback
    /// and link-local addresses. Deprecated and temporary addresses are eligible, too.
    #[doc(alias = "dnsEligibility")]
    #[must_use]
    pub fn dns_eligibility(&self) -> DnsEligibilityStatus {
        self.dns_eligibility
    }

    /// Sets whether the address should be published in the DNS.
    #[doc(alias = "setDnsEligibility")]
    pub fn set_dns_eligibility(&mut self, status: DnsEligibilityStatus) {
        self.dns_eligibility = status;
    }

    /// Returns whether the lifetime of the address is known.
    #[doc(alias = "isLifetimeKnown")]
    #[must_use]
    pub fn is_lifetime_known(&self) -> bool {
        self.lifetime_known
    }

    /// Returns until when new connections should use the address; a deadline that never passes if
    /// that is not known.
    #[doc(alias = "preferredLifetime")]
    #[must_use]
    pub fn preferred_lifetime(&self) -> QDeadlineTimer {
        self.preferred
    }

    /// Returns until when the address is valid; a deadline that never passes if that is not known.
    #[doc(alias = "validityLifetime")]
    #[must_use]
    pub fn validity_lifetime(&self) -> QDeadlineTimer {
        self.valid
    }

    /// Sets how long the address is preferred and how long it is valid.
    ///
    /// ```
    /// use qnetwork::QNetworkAddressEntry;
    ///
    /// let mut entry = QNetworkAddressEntry::new();
    /// entry.set_address_lifetime(1000, 60_000); // milliseconds; -1 is for ever
    /// assert!(entry.is_lifetime_known() && entry.is_temporary());
    /// entry.clear_address_lifetime();
    /// assert!(!entry.is_lifetime_known() && entry.is_permanent());
    /// ```
    #[doc(alias = "setAddressLifetime")]
    pub fn set_address_lifetime(
        &mut self,
        preferred: impl Into<QDeadlineTimer>,
        validity: impl Into<QDeadlineTimer>,
    ) {
        self.lifetime_known = true;
        self.preferred = preferred.into();
        self.valid = validity.into();
    }

    /// Makes the lifetime of the address unknown.
    #[doc(alias = "clearAddressLifetime")]
    pub fn clear_address_lifetime(&mut self) {
        self.lifetime_known = false;
        self.preferred = QDeadlineTimer::forever();
        self.valid = QDeadlineTimer::forever();
    }

    /// Returns whether the address is valid for ever. An unknown lifetime counts as such.
    #[doc(alias = "isPermanent")]
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.valid.is_forever()
    }

    /// Returns whether the address is valid for a limited time only.
    #[doc(alias = "isTemporary")]
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        !self.is_permanent()
    }

    /// Swaps two entries.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }
}

fn deadline(lifetime: Lifetime) -> QDeadlineTimer {
    match lifetime {
        Some(seconds) => QDeadlineTimer::from(Duration::from_secs(seconds.into())),
        None => QDeadlineTimer::forever(),
    }
}

impl Default for QNetworkAddressEntry {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for QNetworkAddressEntry {
    /// Compares the address, the prefix length and the broadcast address, as Qt does.
    fn eq(&self, other: &Self) -> bool {
        self.ip == other.ip
            && self.prefix_length == other.prefix_length
            && self.broadcast == other.broadcast
    }
}

impl Eq for QNetworkAddressEntry {}

/// Writes the address and, if it is known, the prefix length: `192.0.2.7/24`.
impl fmt::Display for QNetworkAddressEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix_length {
            Some(length) => f.pad(&format!("{}/{length}", self.ip)),
            None => self.ip.fmt(f),
        }
    }
}
