//! [`QHostAddress`]: an IPv4 or IPv6 address as Qt's socket classes understand it.
//!
//! Every answer is checked against a table recorded from Qt 5.15.8 (`tests/data/address/goldens.tsv`). The places
//! where this module departs from it on purpose, each one state or text that Qt lets slip through:
//!
//! * A NUL character is an invalid character; Qt ignores it and whatever follows it.
//! * A null address holds nothing; after a failed `setAddress()` Qt's still converts to, and is
//!   classified as, the address that it held before.
//! * [`parse_subnet`](QHostAddress::parse_subnet) refuses prefix lengths from 2³¹ on, which Qt
//!   stores as negative numbers.
//! * The network that `parse_subnet` returns for a v4-mapped text converts to IPv4 with the same
//!   bits cleared; in Qt `toIPv4Address()` still gives the host's.

mod classify;
mod convert;
mod format;
mod parse;
mod stream;
mod subnet;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

pub use convert::ConversionMode;
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
        /// Both at once: the protocol of [`QHostAddress::Any`] and of dual-stack sockets.
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
/// An address holds no port. It is a plain value of 24 bytes, `Send` and `Sync`; a clone never
/// allocates.
///
/// Unlike [`std::net::IpAddr`], it has a null state (the default), knows the dual-stack wildcard
/// [`Any`](Self::Any), carries an IPv6 address's scope id as text, and parses what Qt parses:
/// `"127.1"`, `"0x7f.1"` and `" ::1 "` are all addresses.
///
/// # Comparison
///
/// `==` is strict: the IPv4 address `127.0.0.1` differs from the IPv6 address `::ffff:127.0.0.1`,
/// and [`Any`](Self::Any) from both `0.0.0.0` and `::`. The scope id is not compared. Hashes agree
/// with `==`. For a looser comparison see [`is_equal`](Self::is_equal).
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
/// assert!(address.set_address("2001:DB8:0:0:0:0:0:1"));
/// assert_eq!(address.to_string(), "2001:db8::1");
///
/// let address: QHostAddress = "127.0.0.1".parse()?;
/// assert_eq!(address, QHostAddress::LocalHost);
/// assert_eq!(address, Ipv4Addr::LOCALHOST.into());
/// # Ok::<(), qnetwork::AddressParseError>(())
/// ```
///
/// Qt's page: [QHostAddress](https://doc.qt.io/qt-5/qhostaddress.html).
// Its `Display` is Qt's `toString()`; an alias cannot stand on an impl.
#[doc(alias = "toString")]
#[derive(Clone, Default)]
pub struct QHostAddress {
    repr: Repr,
}

/// The scope id is out of line, so that the addresses without one, nearly all, stay small.
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

/// The special addresses, by Qt's names.
#[allow(non_upper_case_globals, reason = "they are Qt's enumerators, and are written as in Qt")]
impl QHostAddress {
    /// The null address: no address at all. The same as [`QHostAddress::new()`].
    pub const Null: Self = Self { repr: Repr::Null };

    /// The IPv4 broadcast address, `255.255.255.255`.
    pub const Broadcast: Self = Self::from_v4(Ipv4Addr::BROADCAST);

    /// The IPv4 loopback address, `127.0.0.1`.
    pub const LocalHost: Self = Self::from_v4(Ipv4Addr::LOCALHOST);

    /// The IPv6 loopback address, `::1`.
    pub const LocalHostIPv6: Self = Self::from_v6(Ipv6Addr::LOCALHOST);

    /// The dual-stack wildcard: a socket bound to it takes IPv4 and IPv6 traffic.
    ///
    /// No text parses to it. It displays as `0.0.0.0`.
    pub const Any: Self = Self { repr: Repr::Any };

    /// The IPv4 wildcard, `0.0.0.0`: a socket bound to it takes IPv4 traffic alone.
    pub const AnyIPv4: Self = Self::from_v4(Ipv4Addr::UNSPECIFIED);

    /// The IPv6 wildcard, `::`: a socket bound to it takes IPv6 traffic alone.
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

    /// Tells whether there is no address.
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

    /// Changes places with `other`: [`std::mem::swap`] by Qt's name.
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

    /// Returns the network layer of the address; `Unknown` for a null one.
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

    /// Returns the scope id of an IPv6 address: what follows the `%` in its text.
    ///
    /// For a link-local address it says which interface the address belongs to, by its name or its
    /// number. It is empty if none was set, and for whatever is not IPv6.
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

    /// Sets the scope id of an IPv6 address; an empty one removes it.
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
    pub fn set_scope_id(&mut self, id: &str) {
        if let Some(ip) = self.v6() {
            *self = Self::from_v6_scoped(ip, id);
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

    /// The IPv6 address, if it is one, with or without a scope id.
    fn v6(&self) -> Option<Ipv6Addr> {
        match &self.repr {
            Repr::V6(ip) => Some(*ip),
            Repr::Scoped(scoped) => Some(scoped.ip),
            Repr::Null | Repr::Any | Repr::V4(_) => None,
        }
    }
}
