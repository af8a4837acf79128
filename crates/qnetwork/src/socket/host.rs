//! The host that a socket connects to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::QHostAddress;

/// A host: a name or an address.
///
/// [`connect_to_host`](crate::QAbstractSocket::connect_to_host) takes anything that converts to a
/// `Host`: `&str`, `String`, [`QHostAddress`] and the addresses of `std::net`. A text that is an
/// address counts as that address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Host {
    /// A name, which will be looked up, or the text of an address.
    Name(String),
    /// An address.
    Address(QHostAddress),
}

impl Host {
    pub(crate) fn into_name(self) -> String {
        match self {
            Host::Name(name) => name,
            Host::Address(address) => address.to_string(),
        }
    }
}

impl From<&str> for Host {
    fn from(name: &str) -> Self {
        Host::Name(name.to_owned())
    }
}

impl From<String> for Host {
    fn from(name: String) -> Self {
        Host::Name(name)
    }
}

impl From<&String> for Host {
    fn from(name: &String) -> Self {
        Host::Name(name.clone())
    }
}

impl From<QHostAddress> for Host {
    fn from(address: QHostAddress) -> Self {
        Host::Address(address)
    }
}

impl From<&QHostAddress> for Host {
    fn from(address: &QHostAddress) -> Self {
        Host::Address(address.clone())
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Host::Address(address.into())
    }
}

impl From<Ipv4Addr> for Host {
    fn from(address: Ipv4Addr) -> Self {
        Host::Address(address.into())
    }
}

impl From<Ipv6Addr> for Host {
    fn from(address: Ipv6Addr) -> Self {
        Host::Address(address.into())
    }
}
