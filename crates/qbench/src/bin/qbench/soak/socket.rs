//! Sockets and servers of both families of classes, so that the rest need not know the family.

use std::{ops::Deref, time::Duration};

use qcore::QIODevice;
use qnetwork::{LocalSocketState, QLocalSocket, QTcpSocket, SocketState};

/// An object of the classes for IP or of those for local connections.
#[derive(Clone, Debug)]
pub(super) enum Family<I, L> {
    Ip(I),
    Local(L),
}

/// A socket. A `QSslSocket` is one for IP.
pub(super) type Socket = Family<QTcpSocket, QLocalSocket>;

/// Evaluates an expression with the object of a `Family`. The two classes may have different types
/// for what the expression uses.
macro_rules! with {
    ($family:expr, $object:ident => $value:expr) => {
        match $family {
            $crate::soak::socket::Family::Ip($object) => $value,
            $crate::soak::socket::Family::Local($object) => $value,
        }
    };
}
pub(super) use with;

impl Deref for Socket {
    type Target = QIODevice;

    fn deref(&self) -> &QIODevice {
        with!(self, socket => socket)
    }
}

impl Socket {
    pub(super) fn is_connected(&self) -> bool {
        match self {
            Self::Ip(socket) => socket.state() == SocketState::Connected,
            Self::Local(socket) => socket.state() == LocalSocketState::Connected,
        }
    }

    pub(super) fn is_unconnected(&self) -> bool {
        match self {
            Self::Ip(socket) => socket.state() == SocketState::Unconnected,
            Self::Local(socket) => socket.state() == LocalSocketState::Unconnected,
        }
    }

    /// Closes the connection after everything was sent, but not later than after `limit`.
    pub(super) fn disconnect(&self, limit: Option<Duration>) {
        match (self, limit) {
            (Self::Ip(socket), None) => socket.disconnect_from_host(),
            (Self::Local(socket), None) => socket.disconnect_from_server(),
            (Self::Ip(socket), Some(limit)) => socket.disconnect_from_host_with_timeout(limit),
            (Self::Local(socket), Some(limit)) => {
                socket.disconnect_from_server_with_timeout(limit);
            }
        }
    }

    /// Lifts all limits and pauses.
    pub(super) fn relax(&self) {
        with!(self, socket => {
            socket.resume_reading();
            socket.set_read_buffer_size(0);
            socket.set_read_rate(None);
            socket.set_write_rate(None);
        });
    }
}
