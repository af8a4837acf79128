//! [`QHostAddress`]: an IPv4 or IPv6 address as Qt's socket classes understand it.
//!
//! The tests compare every result with a table recorded from Qt 5.15.8
//! (`tests/data/address/goldens.tsv`). This module differs from Qt on purpose where Qt accepts an
//! invalid text or keeps an invalid state:
//!
//! * A NUL character is an invalid character. Qt ignores it and everything after it.
//! * A null address holds nothing. In Qt, an address that is null after a failed `setAddress()`
//!   still converts to its previous value and is classified by it.
//! * [`parse_subnet`](QHostAddress::parse_subnet) refuses prefix lengths of 2³¹ and more, which Qt
//!   stores as negative numbers.
//! * For a v4-mapped text, `parse_subnet` returns a network that converts to IPv4 with its host
//!   bits cleared. In Qt `toIPv4Address()` still returns the host's bits.

mod classify;
mod convert;
mod format;
mod host;
mod parse;
mod stream;
mod subnet;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

pub use convert::ConversionMode;
pub use host::Host;
pub use parse::AddressParseError;

qcore::numbered! {
    /// The network layer that an address or a socket belongs to.
    ///
    /// Stands for [`QAbstractSocket::NetworkLayerProtocol`][qt].
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{NetworkLayerProtocol, QHostAddress};
    ///
    /// assert_eq!(QHostAddress::LocalHost.protocol(), NetworkLayerProtocol::IPv4);
    /// assert_eq!(QHostAddress::Any.protocol(), NetworkLayerProtocol::AnyIP);
    /// ```
    ///
    /// [qt]: https://doc.qt.io/qt-5/qabstractsocket.html#NetworkLayerProtocol-enum
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum NetworkLayerProtocol {
        /// IPv4.
        #[doc(alias = "IPv4Protocol")]
        IPv4 = 0,
        /// IPv6.
        #[doc(alias = "IPv6Protocol")]
        IPv6 = 1,
        /// Both: the protocol of [`QHostAddress::Any`] and of dual-stack sockets.
        #[doc(alias = "AnyIPProtocol")]
        AnyIP = 2,
        /// Neither: the protocol of a null address. The default.
        #[default]
        #[doc(alias = "UnknownNetworkLayerProtocol")]
        Unknown = -1,
    }
}

/// An IPv4 or IPv6 address, [`Any`](Self::Any), or null.
///
/// An address has no port. It is a plain value of 24 bytes, `Send` and `Sync`. Cloning it never
/// allocates.
///
/// It differs from [`std::net::IpAddr`] in four ways: it has a null state (the default), it has the
/// dual-stack wildcard [`Any`](Self::Any), it stores an IPv6 address's scope id as text, and it
/// parses every text that Qt parses. `"127.1"`, `"0x7f.1"` and `" ::1 "` are all addresses.
///
/// # Comparison
///
/// `==` is strict: the IPv4 address `127.0.0.1` differs from the IPv6 address `::ffff:127.0.0.1`,
/// and [`Any`](Self::Any) differs from both `0.0.0.0` and `::`. Scope ids are not compared. Hashes
/// agree with `==`. [`is_equal`](Self::is_equal) can compare less strictly.
///
/// # Examples
///
/// ```
/// use qnetwork::QHostAddress;
/// use std::net::Ipv4Addr;
///
/// let mut address = QHostAddress::new();
/// assert!(address.is_null());
///
/// address.set_address("2001:DB8:0:0:0:0:0:1")?;
/// assert_eq!(address.to_string(), "2001:db8::1");
///
/// let address: QHostAddress = "127.0.0.1".parse()?;
/// assert_eq!(address, QHostAddress::LocalHost);
/// assert_eq!(address, Ipv4Addr::LOCALHOST.into());
/// # Ok::<(), qnetwork::AddressParseError>(())
/// ```
///
/// Qt's page: [QHostAddress](https://doc.qt.io/qt-5/qhostaddress.html).
// `Display` is Qt's `toString()`. An `impl` cannot have a doc alias, so it is here.
#[doc(alias = "QHostAddress::SpecialAddress")]
#[doc(alias = "toString")]
#[derive(Clone, Default)]
pub struct QHostAddress {
    repr: Repr,
}

/// Keeps the rare scope id in a separate allocation, so that all other addresses stay small.
#[derive(Clone, Default)]
enum Repr {
    #[default]
    Null,
    Any,
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Scoped(Arc<Scoped>),
}

/// An IPv6 address with a scope id that is not empty.
#[derive(Clone)]
struct Scoped {
    ip: Ipv6Addr,
    scope: Box<str>,
}

/// The special addresses, with Qt's names.
#[allow(non_upper_case_globals, reason = "they are Qt's enumerators, and are written as in Qt")]
impl QHostAddress {
    /// The null address: no address. The same as [`QHostAddress::new()`].
    pub const Null: Self = Self { repr: Repr::Null };

    /// The IPv4 broadcast address, `255.255.255.255`.
    pub const Broadcast: Self = Self::from_v4(Ipv4Addr::BROADCAST);

    /// The IPv4 loopback address, `127.0.0.1`.
    pub const LocalHost: Self = Self::from_v4(Ipv4Addr::LOCALHOST);

    /// The IPv6 loopback address, `::1`.
    pub const LocalHostIPv6: Self = Self::from_v6(Ipv6Addr::LOCALHOST);

    /// The dual-stack wildcard. A socket bound to it accepts IPv4 and IPv6 traffic.
    ///
    /// No text parses to it. It displays as `0.0.0.0`.
    pub const Any: Self = Self { repr: Repr::Any };

    /// The IPv4 wildcard, `0.0.0.0`. A socket bound to it accepts only IPv4 traffic.
    pub const AnyIPv4: Self = Self::from_v4(Ipv4Addr::UNSPECIFIED);

    /// The IPv6 wildcard, `::`. A socket bound to it accepts only IPv6 traffic.
    pub const AnyIPv6: Self = Self::from_v6(Ipv6Addr::UNSPECIFIED);
}

impl QHostAddress {
    /// Returns the null address.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert_eq!(QHostAddress::new(), QHostAddress::Null);
    /// ```
    pub const fn new() -> Self {
        Self::Null
    }

    /// Returns whether the address is null.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// assert!(QHostAddress::new().is_null());
    /// assert!(!QHostAddress::Any.is_null());
    /// ```
    #[doc(alias = "isNull")]
    pub const fn is_null(&self) -> bool {
        matches!(self.repr, Repr::Null)
    }

    /// Makes the address null.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// let mut address = QHostAddress::LocalHost;
    /// address.clear();
    /// assert!(address.is_null());
    /// ```
    pub fn clear(&mut self) {
        *self = Self::Null;
    }

    /// Swaps two addresses, as [`std::mem::swap`] does. The name is Qt's.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// let (mut one, mut other) = (QHostAddress::LocalHost, QHostAddress::Null);
    /// one.swap(&mut other);
    /// assert!(one.is_null() && other.is_loopback());
    /// ```
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }

    /// Returns the network layer of the address; `Unknown` for a null address.
    ///
    /// A v4-mapped address (`::ffff:127.0.0.1`) is IPv6.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{NetworkLayerProtocol, QHostAddress};
    ///
    /// assert_eq!(QHostAddress::LocalHostIPv6.protocol(), NetworkLayerProtocol::IPv6);
    /// assert_eq!(QHostAddress::Null.protocol(), NetworkLayerProtocol::Unknown);
    /// ```
    pub const fn protocol(&self) -> NetworkLayerProtocol {
        match self.repr {
            Repr::Null => NetworkLayerProtocol::Unknown,
            Repr::Any => NetworkLayerProtocol::AnyIP,
            Repr::V4(_) => NetworkLayerProtocol::IPv4,
            Repr::V6(_) | Repr::Scoped(_) => NetworkLayerProtocol::IPv6,
        }
    }

    /// Returns the scope id of an IPv6 address: the part of its text after the `%`.
    ///
    /// For a link-local address it is the name or number of the address's interface. It is empty if
    /// it was not set, and if the address is not IPv6.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// let address: QHostAddress = "fe80::1%eth0".parse()?;
    /// assert_eq!(address.scope_id(), "eth0");
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "scopeId")]
    pub fn scope_id(&self) -> &str {
        match &self.repr {
            Repr::Scoped(scoped) => &scoped.scope,
            _ => "",
        }
    }

    /// Sets the scope id of an IPv6 address. An empty scope id removes it.
    ///
    /// Does nothing if the address is not IPv6.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::QHostAddress;
    ///
    /// let mut address: QHostAddress = "fe80::1".parse()?;
    /// address.set_scope_id("eth0");
    /// assert_eq!(address.to_string(), "fe80::1%eth0");
    /// # Ok::<(), qnetwork::AddressParseError>(())
    /// ```
    #[doc(alias = "setScopeId")]
    pub fn set_scope_id(&mut self, id: impl Into<String>) {
        if let Some(ip) = self.v6() {
            *self = Self::from_v6_scoped(ip, &id.into());
        }
    }

    const fn from_v4(ip: Ipv4Addr) -> Self {
        Self { repr: Repr::V4(ip) }
    }

    const fn from_v6(ip: Ipv6Addr) -> Self {
        Self { repr: Repr::V6(ip) }
    }

    fn from_v6_scoped(ip: Ipv6Addr, scope: &str) -> Self {
        if scope.is_empty() {
            return Self::from_v6(ip);
        }
        Self { repr: Repr::Scoped(Arc::new(Scoped { ip, scope: scope.into() })) }
    }

    /// Returns the IPv6 address without its scope id, or `None` for other addresses.
    fn v6(&self) -> Option<Ipv6Addr> {
        match &self.repr {
            Repr::V6(ip) => Some(*ip),
            Repr::Scoped(scoped) => Some(scoped.ip),
            Repr::Null | Repr::Any | Repr::V4(_) => None,
        }
    }
}
