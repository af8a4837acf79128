//! The address blocks: loopback, link-local, multicast and others, with Qt's bounds.

use super::QHostAddress;
use std::net::Ipv4Addr;

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Unknown,
    Loopback,
    LocalNet,
    LinkLocal,
    SiteLocal,
    UniqueLocal,
    Global,
    Multicast,
    Broadcast,
}

impl QHostAddress {
    /// Returns whether the address is a loopback address: `127.0.0.0/8`, `::1`, or v4-mapped
    /// `127.0.0.0/8`.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert!(QHostAddress::LocalHostIPv6.is_loopback());
    /// assert!("127.9.9.9".parse::<QHostAddress>()?.is_loopback());
    /// assert!("::ffff:127.0.0.1".parse::<QHostAddress>()?.is_loopback());
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isLoopback")]
    pub fn is_loopback(&self) -> bool {
        self.class() == Class::Loopback
    }

    /// Returns whether the address is a global unicast address, as Qt defines it.
    ///
    /// As in Qt, private IPv4 networks (`10.0.0.0/8`, `192.168.0.0/16`) count as global, and so do
    /// unique-local and site-local IPv6 addresses. Not global are loopback, link-local, multicast
    /// and broadcast addresses, `0.0.0.0/8`, `240.0.0.0/4`, `fe00::/9`, and null.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert!("192.168.0.1".parse::<QHostAddress>()?.is_global());
    /// assert!(!QHostAddress::Any.is_global());
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isGlobal")]
    pub fn is_global(&self) -> bool {
        matches!(self.class(), Class::Global | Class::SiteLocal | Class::UniqueLocal)
    }

    /// Returns whether the address is link-local: `169.254.0.0/16` or `fe80::/10`.
    ///
    /// To connect to a link-local IPv6 address, it needs a [scope id](Self::scope_id).
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert!("fe80::1%eth0".parse::<QHostAddress>()?.is_link_local());
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isLinkLocal")]
    pub fn is_link_local(&self) -> bool {
        self.class() == Class::LinkLocal
    }

    /// Returns whether the address is in the deprecated site-local block `fec0::/10`.
    ///
    /// IPv4 addresses never are.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert!("fec0::1".parse::<QHostAddress>()?.is_site_local());
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isSiteLocal")]
    pub fn is_site_local(&self) -> bool {
        self.class() == Class::SiteLocal
    }

    /// Returns whether the address is in the unique-local block `fc00::/7`, the private networks of
    /// IPv6.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert!("fd00::1".parse::<QHostAddress>()?.is_unique_local_unicast());
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isUniqueLocalUnicast")]
    pub fn is_unique_local_unicast(&self) -> bool {
        self.class() == Class::UniqueLocal
    }

    /// Returns whether the address is a multicast group: `224.0.0.0/4` or `ff00::/8`.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert!("224.0.0.251".parse::<QHostAddress>()?.is_multicast());
    /// assert!("ff02::fb".parse::<QHostAddress>()?.is_multicast());
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isMulticast")]
    pub fn is_multicast(&self) -> bool {
        self.class() == Class::Multicast
    }

    /// Returns whether the address is IPv4's limited broadcast address `255.255.255.255`, v4-mapped
    /// or not.
    ///
    /// An address alone does not show whether it is the broadcast address of some network.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert!(QHostAddress::Broadcast.is_broadcast());
    /// ```
    #[doc(alias = "isBroadcast")]
    pub fn is_broadcast(&self) -> bool {
        self.class() == Class::Broadcast
    }

    fn class(&self) -> Class {
        if self.is_null() {
            return Class::Unknown;
        }
        match self.to_ipv4_address() {
            Some(Ipv4Addr::UNSPECIFIED) => Class::LocalNet,
            Some(ip) => class_v4(ip),
            None => class_v6(self.to_ipv6_address().segments()),
        }
    }
}

fn class_v4(ip: Ipv4Addr) -> Class {
    match ip.octets() {
        [127, ..] => Class::Loopback,
        [169, 254, ..] => Class::LinkLocal,
        [0, ..] => Class::LocalNet,
        [224..=239, ..] => Class::Multicast,
        [255, 255, 255, 255] => Class::Broadcast,
        [240..=255, ..] => Class::Unknown,
        _ => Class::Global,
    }
}

fn class_v6(groups: [u16; 8]) -> Class {
    match groups {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        [0xff00..=0xffff, ..] => Class::Multicast,
        [0xfec0..=0xfeff, ..] => Class::SiteLocal,
        [0xfe80..=0xfebf, ..] => Class::LinkLocal,
        [0xfe00..=0xfe7f, ..] => Class::Unknown,
        [0xfc00..=0xfdff, ..] => Class::UniqueLocal,
        _ => Class::Global,
    }
}
