//! UDP sockets.
//!
//! A [`QUdpSocket`] has no buffers of [`QAbstractSocket`]'s: a datagram is sent by the call that writes it,
//! and stays with the system, or in the engine's small queue, until somebody reads it.
//!
//! ```text
//!   loop ──► AbstractSocketNode::on_datagrams(): is there one? ──► emit ready_read, and be silent
//!   slot ──► read_datagram() ──► engine.receive(): from the queue, else from the system, many in one call
//!              └► not silent any more: the next turn tells of what is left
//!   slot ──► write_datagram() ──► engine.send() ──► emit bytes_written
//! ```
//!
//! `receiving.rs` and `sending.rs` are these two ways, `multicast.rs` has groups.

mod multicast;
mod receiving;
mod sending;

use qcore::class;

use super::node::{AbstractSocketNode, QAbstractSocket};
use crate::{
    common::{SocketError, SocketErrorKind, SocketType},
    engine::Engine,
};

class! {
    /// A UDP socket: sends and receives datagrams.
    ///
    /// [`bind`](QAbstractSocket::bind) gives it an address and port, at which it receives; who only sends need
    /// not call it. [`ready_read`](qcore::io_device::DeviceNode::ready_read) tells of datagrams. It is silent then until one
    /// of them is read, and tells of the next one, if there is one, in the next turn of the loop: so a
    /// slot may read one, or all. A datagram without bytes is told of as well.
    ///
    /// There is another way: after [`connect_to_host`](QAbstractSocket::connect_to_host), which sends nothing and
    /// succeeds at once, [`write`](qcore::QIODevice::write) sends a datagram to that host, and
    /// [`read_into`](qcore::QIODevice::read_into) takes one that came from there. A read takes
    /// *one* datagram, and what there is no room for is lost; nothing is gathered for later, so that
    /// writing fails while the name of the host is looked up.
    ///
    /// Stands for Qt's [QUdpSocket](https://doc.qt.io/qt-5/qudpsocket.html).
    ///
    /// # Errors
    ///
    /// No error ends a bound socket. That nobody listens where a datagram went can be seen at a connected socket
    /// alone: the next call, whichever it is, fails in place of what it would have done.
    /// [`read_datagram`](QUdpSocket::read_datagram) tells
    /// [`ConnectionRefused`](SocketErrorKind::ConnectionRefused), and all goes on;
    /// [`read_into`](qcore::QIODevice::read_into) leaves the socket unconnected.
    ///
    /// # Proxies
    ///
    /// Datagrams go by a [proxy](crate::QAbstractSocket::set_proxy) of the type [`Socks5`](crate::ProxyType::Socks5), the
    /// socket's own or the application's. [`bind`](QAbstractSocket::bind),
    /// [`connect_to_host`](QAbstractSocket::connect_to_host) and the first
    /// [`write_datagram`](QUdpSocket::write_datagram) wait for the proxy then, 5 seconds at most, so that the socket
    /// can be written to at once, as without one. What goes wrong is told as for a TCP socket that connects by it. Other
    /// proxies are refused with [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation).
    ///
    /// * The address and port of this end are not known: others see those of the proxy.
    /// * A name that was connected to goes to the proxy as it is. A connected socket hears everybody, not the other
    ///   end alone.
    /// * A datagram has 10 bytes less of room, or more if it goes to an IPv6 address or a name. What the proxy sends in
    ///   parts, or of senders without an address, is dropped, and so is what comes from anybody else.
    /// * Destinations and hops are not known, and there are no groups and no options.
    /// * When the connection to the proxy is lost the socket is unconnected, with
    ///   [`ProxyConnectionClosed`](SocketErrorKind::ProxyConnectionClosed). The loop sees that, and no function that waits.
    ///
    /// # Many datagrams
    ///
    /// The system is asked for several datagrams at once. Who shares the descriptor with others does not see
    /// those that were read ahead. [`receive_datagrams`](QUdpSocket::receive_datagrams),
    /// [`receive_datagrams_into`](QUdpSocket::receive_datagrams_into) and
    /// [`write_datagrams`](QUdpSocket::write_datagrams) take them together, and need one call of the system
    /// for up to 32.
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
    /// assert_eq!(answer.sender_port(), i32::from(server.local_port()));
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub struct QUdpSocket(QAbstractSocket);
}

impl QUdpSocket {
    /// A socket that is not bound.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let socket = QAbstractSocket::make(SocketType::Udp, "QUdpSocket");
        socket.reading.make_unbuffered();
        QUdpSocket::derive(socket)
    }
}

impl AbstractSocketNode {
    /// The engine, if there is one; else there is Qt's warning.
    fn datagram_engine(&self, function: &str) -> Result<std::rc::Rc<dyn Engine>, SocketError> {
        self.engine().filter(|engine| engine.datagrams().is_some()).ok_or_else(|| {
            qcore::q_warning!(
                "QUdpSocket::{function}() called on a QUdpSocket when not in QUdpSocket::BoundState"
            );
            SocketError::new(SocketErrorKind::Operation, "The socket is not bound")
        })
    }
}
