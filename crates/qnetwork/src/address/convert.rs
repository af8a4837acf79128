//! Conversions between IPv4 and IPv6, and from and to the standard library's addresses.

use super::{Host, NetworkLayerProtocol, QHostAddress, Repr};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

bitflags::bitflags! {
    /// The conversions with which [`QHostAddress::is_equal`] compares addresses of different
    /// protocols.
    ///
    /// Stands for [`QHostAddress::ConversionMode`][qt].
    ///
    /// [`bits`](Self::bits) returns Qt's number for the set, and [`from_bits`](Self::from_bits)
    /// returns the set for a number.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{ConversionMode, QHostAddress};
    ///
    /// let mode = ConversionMode::CONVERT_LOCAL_HOST | ConversionMode::CONVERT_V4_MAPPED_TO_IPV4;
    /// assert!(QHostAddress::LocalHost.is_equal(QHostAddress::LocalHostIPv6, mode));
    /// ```
    ///
    /// [qt]: https://doc.qt.io/qt-5/qhostaddress.html#ConversionModeFlag-enum
    #[doc(alias = "ConversionModeFlag")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct ConversionMode: u32 {
        /// `::ffff:a.b.c.d` equals `a.b.c.d`.
        #[doc(alias = "ConvertV4MappedToIPv4")]
        const CONVERT_V4_MAPPED_TO_IPV4 = 1;
        /// `::a.b.c.d` equals `a.b.c.d`, except for `::1`.
        #[doc(alias = "ConvertV4CompatToIPv4")]
        const CONVERT_V4_COMPAT_TO_IPV4 = 2;
        /// `::`, `0.0.0.0` and [`QHostAddress::Any`] are equal.
        #[doc(alias = "ConvertUnspecifiedAddress")]
        const CONVERT_UNSPECIFIED_ADDRESS = 4;
        /// `::1` equals `127.0.0.1`.
        #[doc(alias = "ConvertLocalHost")]
        const CONVERT_LOCAL_HOST = 8;
        /// All of these conversions.
        #[doc(alias = "TolerantConversion")]
        const TOLERANT = 0xff;
    }
}

impl ConversionMode {
    /// No conversion: the comparison of `==`.
    // This is no flag: a flag without a bit would be contained in every value.
    #[doc(alias = "StrictConversion")]
    pub const STRICT: Self = Self::empty();
}

impl QHostAddress {
    /// Returns the address as an IPv4 address, or `None` if it does not have one.
    ///
    /// IPv4 and v4-mapped addresses (`::ffff:a.b.c.d`) have one. The three wildcards `0.0.0.0`,
    /// `::` and [`Any`](Self::Any) all return `0.0.0.0`. All others have none, including `::1` and
    /// `::a.b.c.d`; for these Qt returns 0 and clears its `ok`.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    /// use std::net::Ipv4Addr;
    ///
    /// let mapped: QHostAddress = "::ffff:10.0.0.1".parse()?;
    /// assert_eq!(mapped.to_ipv4_address(), Some(Ipv4Addr::new(10, 0, 0, 1)));
    /// assert_eq!(QHostAddress::LocalHostIPv6.to_ipv4_address(), None);
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "toIPv4Address")]
    pub fn to_ipv4_address(&self) -> Option<Ipv4Addr> {
        match &self.repr {
            Repr::Null => None,
            Repr::Any => Some(Ipv4Addr::UNSPECIFIED),
            Repr::V4(ip) => Some(*ip),
            Repr::V6(ip) => mapped_or_unspecified(*ip),
            Repr::Scoped(scoped) => mapped_or_unspecified(scoped.ip),
        }
    }

    /// Returns the address as an IPv6 address. An IPv4 address becomes v4-mapped.
    ///
    /// Null, [`Any`](Self::Any) and `0.0.0.0` return `::`. The scope id is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    /// use std::net::Ipv6Addr;
    ///
    /// assert_eq!(QHostAddress::LocalHost.to_ipv6_address().to_string(), "::ffff:127.0.0.1");
    /// assert_eq!(QHostAddress::AnyIPv4.to_ipv6_address(), Ipv6Addr::UNSPECIFIED);
    /// ```
    #[doc(alias = "toIPv6Address")]
    pub fn to_ipv6_address(&self) -> Ipv6Addr {
        match &self.repr {
            Repr::Null | Repr::Any | Repr::V4(Ipv4Addr::UNSPECIFIED) => Ipv6Addr::UNSPECIFIED,
            Repr::V4(ip) => ip.to_ipv6_mapped(),
            Repr::V6(ip) => *ip,
            Repr::Scoped(scoped) => scoped.ip,
        }
    }

    /// Returns the address as the standard library's type, or `None` if it is null.
    ///
    /// [`Any`](Self::Any) returns `::`, the address that a dual-stack socket is bound to. The scope
    /// id is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    /// use std::net::{IpAddr, Ipv4Addr};
    ///
    /// let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
    /// assert_eq!(QHostAddress::from(ip).to_ip_addr(), Some(ip));
    /// assert_eq!(QHostAddress::Null.to_ip_addr(), None);
    /// ```
    pub fn to_ip_addr(&self) -> Option<IpAddr> {
        match &self.repr {
            Repr::Null => None,
            Repr::V4(ip) => Some(IpAddr::V4(*ip)),
            Repr::Any | Repr::V6(_) | Repr::Scoped(_) => Some(IpAddr::V6(self.to_ipv6_address())),
        }
    }

    /// Returns whether two addresses are equal after the conversions in `mode`.
    ///
    /// Qt's default mode is [`ConversionMode::TOLERANT`]. With [`ConversionMode::STRICT`] this is
    /// `==`. Addresses of the same protocol are always compared without conversion: `::1.2.3.4`
    /// never equals `::ffff:1.2.3.4`, and null equals only null. Scope ids are not compared. A text
    /// that is not an address is null.
    ///
    /// As in Qt, one case is not symmetric. With `CONVERT_UNSPECIFIED_ADDRESS`, *every* IPv6
    /// address equals [`Any`](Self::Any) if `Any` is `other`, but only `::` does if `Any` is
    /// `self`. To check whether an address is a wildcard, call the method on `Any`.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{ConversionMode, QHostAddress};
    ///
    /// // A dual-stack socket reports an IPv4 peer like this.
    /// let peer: QHostAddress = "::ffff:127.0.0.1".parse()?;
    /// assert_ne!(peer, QHostAddress::LocalHost);
    /// assert!(peer.is_equal("127.0.0.1", ConversionMode::TOLERANT));
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "isEqual")]
    pub fn is_equal<'a>(&self, other: impl Into<Host<'a>>, mode: ConversionMode) -> bool {
        self.equals(&other.into().into_address_or_null(), mode)
    }

    fn equals(&self, other: &QHostAddress, mode: ConversionMode) -> bool {
        let unspecified = mode.contains(ConversionMode::CONVERT_UNSPECIFIED_ADDRESS);
        match (&self.repr, &other.repr) {
            (Repr::Null, Repr::Null) | (Repr::Any, Repr::Any) => true,
            (Repr::Null, _) | (_, Repr::Null) => false,
            (Repr::V4(a), Repr::V4(b)) => a == b,
            (Repr::V4(ip), Repr::Any) | (Repr::Any, Repr::V4(ip)) => {
                unspecified && ip.is_unspecified()
            }
            (Repr::V4(a), _) => converted(other.to_ipv6_address(), mode) == Some(*a),
            (_, Repr::V4(b)) => converted(self.to_ipv6_address(), mode) == Some(*b),
            (_, Repr::Any) => unspecified,
            (Repr::Any, _) => unspecified && other.to_ipv6_address().is_unspecified(),
            _ => self.to_ipv6_address() == other.to_ipv6_address(),
        }
    }

    /// Converts a socket address and drops its port.
    ///
    /// `index_to_name` returns an interface's name for its index. If it returns `None`, the scope
    /// id is the number.
    pub(crate) fn from_socket_addr(
        address: &SocketAddr,
        index_to_name: impl FnOnce(u32) -> Option<String>,
    ) -> Self {
        match address {
            SocketAddr::V4(v4) => Self::from_v4(*v4.ip()),
            SocketAddr::V6(v6) => match v6.scope_id() {
                0 => Self::from_v6(*v6.ip()),
                index => {
                    let scope = index_to_name(index).unwrap_or_else(|| index.to_string());
                    Self::from_v6_scoped(*v6.ip(), &scope)
                }
            },
        }
    }

    /// Returns the address with a port, for system calls, or `None` if it is null. `Any` becomes
    /// `::`.
    ///
    /// `scope_to_index` returns an interface's index for its name, or 0 if there is no such
    /// interface. It is not called for a scope id that is a number.
    pub(crate) fn to_socket_addr(
        &self,
        port: u16,
        scope_to_index: impl FnOnce(&str) -> u32,
    ) -> Option<SocketAddr> {
        match &self.repr {
            Repr::Null => None,
            Repr::V4(ip) => Some(SocketAddrV4::new(*ip, port).into()),
            Repr::Any | Repr::V6(_) => {
                Some(SocketAddrV6::new(self.to_ipv6_address(), port, 0, 0).into())
            }
            Repr::Scoped(scoped) => {
                let scope = &*scoped.scope;
                let index = scope.parse().unwrap_or_else(|_| scope_to_index(scope));
                Some(SocketAddrV6::new(scoped.ip, port, 0, index).into())
            }
        }
    }
}

impl PartialEq for QHostAddress {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other, ConversionMode::STRICT)
    }
}

impl Eq for QHostAddress {}

/// Hashes the parts that `==` compares: not the scope id.
impl Hash for QHostAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.protocol().hash(state);
        match self.protocol() {
            NetworkLayerProtocol::Unknown | NetworkLayerProtocol::AnyIP => {}
            _ => self.to_ipv6_address().hash(state),
        }
    }
}

impl From<Ipv4Addr> for QHostAddress {
    fn from(ip: Ipv4Addr) -> Self {
        Self::from_v4(ip)
    }
}

/// Creates an address without a scope id. `::` becomes [`QHostAddress::AnyIPv6`].
impl From<Ipv6Addr> for QHostAddress {
    fn from(ip: Ipv6Addr) -> Self {
        Self::from_v6(ip)
    }
}

impl From<IpAddr> for QHostAddress {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::from_v4(ip),
            IpAddr::V6(ip) => Self::from_v6(ip),
        }
    }
}

impl From<&QHostAddress> for QHostAddress {
    fn from(address: &QHostAddress) -> Self {
        address.clone()
    }
}

fn mapped_or_unspecified(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let mode =
        ConversionMode::CONVERT_V4_MAPPED_TO_IPV4 | ConversionMode::CONVERT_UNSPECIFIED_ADDRESS;
    converted(ip, mode)
}

/// Returns the IPv4 address that an IPv6 address stands for, if `mode` converts it.
fn converted(ip: Ipv6Addr, mode: ConversionMode) -> Option<Ipv4Addr> {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return mode.contains(ConversionMode::CONVERT_V4_MAPPED_TO_IPV4).then_some(v4);
    }
    let low = u32::try_from(ip.to_bits()).ok()?;
    // `::` is converted as the wildcard or as a compatible address. Every other `::a.b.c.d` except
    // `::1` is a compatible address.
    let compatible = mode.contains(ConversionMode::CONVERT_V4_COMPAT_TO_IPV4);
    let (converts, v4) = match low {
        0 => {
            let unspecified = mode.contains(ConversionMode::CONVERT_UNSPECIFIED_ADDRESS);
            (unspecified || compatible, Ipv4Addr::UNSPECIFIED)
        }
        1 => (mode.contains(ConversionMode::CONVERT_LOCAL_HOST), Ipv4Addr::LOCALHOST),
        low => (compatible, Ipv4Addr::from_bits(low)),
    };
    converts.then_some(v4)
}
