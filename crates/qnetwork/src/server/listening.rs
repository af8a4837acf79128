//! Listening sockets.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsRawFd, OwnedFd},
};

use mio::{Interest, net::TcpStream};
use qcore::{
    QDeadlineTimer,
    event_loop::{Readiness, Registration},
};
use socket2::{Domain, Protocol, Type};

use super::proxied::{ProxyListener, Waited};
use crate::{
    address::QHostAddress,
    host_info::named,
    socket::{SocketError, SocketErrorKind},
    sys::{self, Socket},
};

/// How many connections the kernel's backlog holds.
const BACKLOG: i32 = 1024;

/// A listening socket on this machine or at a proxy.
pub(super) enum Listening {
    Here(Listener),
    There(Box<ProxyListener>),
}

impl Listening {
    /// Returns the address and the port to which clients connect.
    pub(super) fn place(&self) -> (QHostAddress, u16) {
        match self {
            Listening::Here(listener) => (listener.address.clone(), listener.port),
            Listening::There(listener) => listener.place(),
        }
    }

    pub(super) fn descriptor(&self) -> i32 {
        match self {
            Listening::Here(listener) => listener.io.as_raw_fd(),
            Listening::There(listener) => listener.descriptor(),
        }
    }

    /// Asks the loop to call the server once more, although the poll has reported nothing new.
    pub(super) fn requeue(&self) {
        match self {
            Listening::Here(listener) => listener.registration.requeue(Readiness::empty()),
            Listening::There(listener) => listener.requeue(),
        }
    }

    /// Waits without a loop until a client may have connected.
    pub(super) fn wait(&self, deadline: QDeadlineTimer) -> Waited {
        match self {
            Listening::Here(listener) => {
                listener.registration.wait(deadline).map_or(Waited::InVain, Waited::Ready)
            }
            Listening::There(listener) => listener.wait(deadline),
        }
    }
}

/// A listening socket that is registered with the loop's poll.
pub(super) struct Listener {
    io: Socket,
    registration: Registration,
    address: QHostAddress,
    port: u16,
}

impl Listener {
    /// Listens at an address.
    pub(super) fn open(
        registration: Registration,
        address: &QHostAddress,
        port: u16,
    ) -> Result<Self, SocketError> {
        let at = |address: &QHostAddress| {
            address.to_socket_addr(port, sys::interface_index).ok_or_else(SocketError::unsupported)
        };
        let any = *address == QHostAddress::Any;
        let address = if address.is_null() { &QHostAddress::AnyIPv4 } else { address };
        let socket = match bind(at(address)?, !any) {
            // This machine has no IPv6.
            Err(_) if any => bind(at(&QHostAddress::AnyIPv4)?, false),
            result => result,
        }?;
        Self::of(registration, socket)
    }

    /// Takes over a socket that is listening already.
    pub(super) fn adopt(
        registration: Registration,
        descriptor: OwnedFd,
    ) -> Result<Self, SocketError> {
        let socket = Socket::from(descriptor);
        let is_inet = socket.local_addr().is_ok_and(|address| address.as_socket().is_some());
        if !is_inet || !sys::is_listening(&socket) || socket.set_nonblocking(true).is_err() {
            let kind = SocketErrorKind::UnsupportedSocketOperation;
            return Err(SocketError::new(kind, "Invalid socket descriptor"));
        }
        Self::of(registration, socket)
    }

    fn of(registration: Registration, socket: Socket) -> Result<Self, SocketError> {
        let failed = |error: io::Error| sys::other_error(&error);
        let dual = |address: &SocketAddr| {
            address.is_ipv6() && address.ip().is_unspecified() && !socket.only_v6().unwrap_or(true)
        };
        let local = socket.local_addr().map_err(failed)?;
        let local = local.as_socket().ok_or_else(SocketError::unsupported)?;
        let (address, port) = named(&local);
        let address = if dual(&local) { QHostAddress::Any } else { address };
        sys::inline_urgent_data(&socket);
        sys::watch(&registration, &sys::watched(&socket), Interest::READABLE).map_err(failed)?;
        Ok(Listener { io: socket, registration, address, port })
    }

    /// Accepts a connection for a socket of this library.
    pub(super) fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        sys::accept(&self.io)
    }

    /// Accepts a connection for the program's handler.
    pub(super) fn accept_descriptor(&self) -> io::Result<OwnedFd> {
        sys::accept_blocking(&self.io)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        sys::unwatch(&self.registration, &sys::watched(&self.io));
    }
}

/// Creates a socket and listens at an address.
fn bind(address: SocketAddr, only_v6: bool) -> Result<Socket, SocketError> {
    let make = || {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(only_v6)?;
        }
        Ok(socket)
    };
    let socket = make().map_err(|error: io::Error| sys::other_error(&error))?;
    socket
        .bind(&address.into())
        .and_then(|()| socket.listen(BACKLOG))
        .map_err(|error| sys::bind_error(&error))?;
    Ok(socket)
}
