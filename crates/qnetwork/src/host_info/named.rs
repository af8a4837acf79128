//! Converting the system's addresses to Qt's.

use std::net::SocketAddr;

use crate::{address::QHostAddress, sys};

/// Returns the address and port of a system address. The scope of an IPv6 address is the name of
/// its interface.
pub(crate) fn named(address: &SocketAddr) -> (QHostAddress, u16) {
    (QHostAddress::from_socket_addr(address, sys::interface_name), address.port())
}
