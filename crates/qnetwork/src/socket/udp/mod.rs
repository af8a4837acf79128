//! UDP sockets.
//!
//! A [`QUdpSocket`] does not use the buffers of [`QAbstractSocket`]. The call that writes a
//! datagram sends it. A received datagram stays with the system, or in the engine's small queue,
//! until the program reads it.
//!
//! ```text
//!   loop ──► on_datagrams(): is there a datagram? ──► emit ready_read, once
//!   slot ──► read_datagram() ──► engine.receive(): from the queue, or many from the system at once
//!              └► the next turn emits ready_read again if there are more
//!   slot ──► write_datagram() ──► engine.send() ──► emit bytes_written
//! ```
//!
//! `receiving.rs` and `sending.rs` do this, and `multicast.rs` has multicast groups.

#[cfg(feature = "tasks")]
mod awaiting;
mod multicast;
mod receiving;
mod sending;

use qcore::library_class;

#[cfg(feature = "tasks")]
pub use self::awaiting::Datagrams;

use super::node::{AbstractSocketNode, QAbstractSocket};
use crate::{
    common::{SocketError, SocketErrorKind, SocketType},
    engine::Engine,
};

library_class! {
    /// A UDP socket: sends and receives datagrams.
    ///
    /// To receive datagrams, [`bind`](QAbstractSocket::bind) the socket to an address and port. A
    /// program that only sends need not bind it. The socket emits
    /// [`ready_read`](qcore::io_device::DeviceNode::ready_read) when a datagram arrives, and then
    /// not again before the program has read one. If there are more, it emits the signal again in
    /// the next turn of the loop. So a slot may read one datagram or all of them. Empty datagrams
    /// count.
    ///
    /// A socket can also be connected. [`connect_to_host`](QAbstractSocket::connect_to_host) sends
    /// nothing and succeeds at once. Then [`write`](qcore::QIODevice::write) sends a datagram to
    /// that host, and [`read_into`](qcore::QIODevice::read_into) reads one that came from it. A
    /// read takes *one* datagram, and the part that does not fit is lost. There is no write buffer,
    /// so writing fails while the name of the host is being looked up.
    ///
    /// Stands for Qt's [QUdpSocket](https://doc.qt.io/qt-5/qudpsocket.html).
    ///
    /// # Errors
    ///
    /// No error ends a bound socket. Only a connected socket learns that nobody listens at the
    /// destination: its next call fails, whichever it is. If that is
    /// [`read_datagram`](QUdpSocket::read_datagram), the error is
    /// [`ConnectionRefused`](SocketErrorKind::ConnectionRefused), and the socket stays connected.
    /// If it is [`read_into`](qcore::QIODevice::read_into), the socket is unconnected afterwards.
    ///
    /// # Proxies
    ///
    /// A [proxy](crate::QAbstractSocket::set_proxy) of the type
    /// [`Socks5`](crate::ProxyType::Socks5), the socket's own or the application's, can relay
    /// datagrams. [`bind`](QAbstractSocket::bind),
    /// [`connect_to_host`](QAbstractSocket::connect_to_host) and the first
    /// [`write_datagram`](QUdpSocket::write_datagram) wait for the proxy, 5 seconds at most, so
    /// that the program can write at once, as without a proxy. The errors are those of a TCP socket
    /// that connects through the proxy. With a proxy of another type these functions fail with
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation).
    ///
    /// * The address and port of this end are not known. Other hosts see those of the proxy.
    /// * The proxy looks up the name of a host that the socket connects to. A connected socket
    ///   receives datagrams from all hosts, not only from its peer.
    /// * A datagram can be 10 bytes shorter than without a proxy, or less if its destination is an
    ///   IPv6 address or a name. The socket drops fragments, datagrams of senders without an
    ///   address, and datagrams that do not come from the proxy.
    /// * The destination and the hops of a received datagram are not known. There are no multicast
    ///   groups and no options.
    /// * When the connection to the proxy ends, the socket becomes unconnected, with the error
    ///   [`ProxyConnectionClosed`](SocketErrorKind::ProxyConnectionClosed). Only the loop notices
    ///   this, and no function that waits.
    ///
    /// # Many datagrams
    ///
    /// The socket reads several datagrams from the system at once. If the descriptor is shared with
    /// other sockets, they do not see the datagrams that were read ahead.
    /// [`receive_datagrams`](QUdpSocket::receive_datagrams),
    /// [`receive_datagrams_into`](QUdpSocket::receive_datagrams_into) and
    /// [`write_datagrams`](QUdpSocket::write_datagrams) handle up to 32 datagrams in one system
    /// call.
    ///
    /// # Examples
    ///
    /// A server that sends back what it gets, and a client:
    ///
    /// ```
    /// use qcore::QCoreApplication;
    /// use qnetwork::{QHostAddress, QUdpSocket};
    ///
    /// let app = QCoreApplication::new();
    /// let server = QUdpSocket::new();
    /// server.ready_read.connect_to(&server, |server, ()| {
    ///     while server.has_pending_datagrams() {
    ///         if let Ok((data, address, port)) = server.read_datagram(1500) {
    ///             server.write_datagram(data, address, port).ok();
    ///         }
    ///     }
    /// });
    /// server.bind(QHostAddress::LocalHost, 0)?;
    ///
    /// let client = QUdpSocket::new();
    /// client.ready_read.connect_to(&app, |app, ()| app.quit());
    /// client.write_datagram("hello", QHostAddress::LocalHost, server.local_port())?;
    /// app.exec();
    /// let answer = client.receive_datagram()?;
    /// assert_eq!(answer.data(), b"hello");
    /// assert_eq!(answer.sender_port(), Some(server.local_port()));
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub struct QUdpSocket(QAbstractSocket);
}

impl QUdpSocket {
    /// Makes an unbound socket.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let socket = QAbstractSocket::make(SocketType::Udp, "QUdpSocket");
        socket.reading.make_unbuffered();
        QUdpSocket::derive(socket)
    }
}

impl AbstractSocketNode {
    /// Returns the engine. If there is none, fails with Qt's warning.
    fn datagram_engine(&self, function: &str) -> Result<std::rc::Rc<dyn Engine>, SocketError> {
        self.engine().filter(|engine| engine.datagrams().is_some()).ok_or_else(|| {
            qcore::q_warning!(
                "QUdpSocket::{function}() called on a QUdpSocket when not in QUdpSocket::BoundState"
            );
            SocketError::new(SocketErrorKind::Operation, "The socket is not bound")
        })
    }
}
