//! [`Host`]: what calls take where Qt takes a host name or an address.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{AddressParseError, QHostAddress};

/// A host name or an address.
///
/// Every parameter that is a host or an address is `impl Into<Host<'_>>`. Callers pass `&str`,
/// `String`, `&String`, [`QHostAddress`], `&QHostAddress`, or [`std::net`]'s [`IpAddr`],
/// [`Ipv4Addr`] and [`Ipv6Addr`]. Text is borrowed: nothing is allocated for a `&str`.
///
/// What a text means depends on the call:
///
/// * [`connect_to_host`](crate::QAbstractSocket::connect_to_host) and its longer forms take any
///   text. They connect to an address without a look-up. Any other text is a host name, which they
///   look up.
/// * Calls that need an address and return a `Result` refuse any other text, before any system
///   call. The error is
///   [`SocketAddressNotAvailable`](crate::SocketErrorKind::SocketAddressNotAvailable). These are
///   [`bind`](crate::QAbstractSocket::bind), [`listen`](crate::QTcpServer::listen),
///   [`write_datagram`](crate::QUdpSocket::write_datagram), and the functions for multicast groups.
/// * Calls that need an address and cannot fail treat any other text as the null address, as Qt
///   does. Examples are [`QNetworkDatagram::new`](crate::QNetworkDatagram::new),
///   [`set_ip`](crate::QNetworkAddressEntry::set_ip) and [`is_equal`](QHostAddress::is_equal).
///
/// A text is an address if [`QHostAddress`] parses it. The null address itself,
/// [`QHostAddress::Null`], is always allowed; each call says what it means there.
///
/// # Examples
///
/// ```
/// use std::net::Ipv4Addr;
///
/// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, SocketErrorKind};
///
/// let server = QTcpServer::new();
/// server.listen("127.0.0.1", 0)?;
/// server.close();
/// server.listen(Ipv4Addr::LOCALHOST, 0)?;
/// server.close();
/// let error = server.listen("localhost", 0).unwrap_err(); // a name, not an address
/// assert_eq!(error, SocketErrorKind::SocketAddressNotAvailable);
///
/// server.listen(QHostAddress::LocalHost, 0)?;
/// QTcpSocket::new().connect_to_host("localhost", server.server_port());
/// # Ok::<(), qnetwork::SocketError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Host<'a> {
    /// A host name, or the text of an address.
    Name(Cow<'a, str>),
    /// An address.
    Address(QHostAddress),
}

impl Host<'_> {
    /// Returns the host as text, for calls that look names up.
    pub(crate) fn into_name(self) -> String {
        match self {
            Host::Name(name) => name.into_owned(),
            Host::Address(address) => address.to_string(),
        }
    }

    /// Returns the address, for calls that can fail.
    pub(crate) fn into_address(self) -> Result<QHostAddress, AddressParseError> {
        match self {
            Host::Name(text) => text.parse(),
            Host::Address(address) => Ok(address),
        }
    }

    /// Returns the address, or the null address for text that is none, for calls that cannot fail.
    pub(crate) fn into_address_or_null(self) -> QHostAddress {
        self.into_address().unwrap_or_default()
    }
}

impl<'a> From<&'a str> for Host<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Host::Name(Cow::Borrowed(text))
    }
}

impl From<String> for Host<'_> {
    #[inline]
    fn from(text: String) -> Self {
        Host::Name(Cow::Owned(text))
    }
}

impl<'a> From<&'a String> for Host<'a> {
    #[inline]
    fn from(text: &'a String) -> Self {
        Host::Name(Cow::Borrowed(text))
    }
}

impl From<QHostAddress> for Host<'_> {
    #[inline]
    fn from(address: QHostAddress) -> Self {
        Host::Address(address)
    }
}

impl From<&QHostAddress> for Host<'_> {
    #[inline]
    fn from(address: &QHostAddress) -> Self {
        Host::Address(address.clone())
    }
}

impl From<IpAddr> for Host<'_> {
    #[inline]
    fn from(ip: IpAddr) -> Self {
        Host::Address(ip.into())
    }
}

impl From<Ipv4Addr> for Host<'_> {
    #[inline]
    fn from(ip: Ipv4Addr) -> Self {
        Host::Address(ip.into())
    }
}

impl From<Ipv6Addr> for Host<'_> {
    #[inline]
    fn from(ip: Ipv6Addr) -> Self {
        Host::Address(ip.into())
    }
}
