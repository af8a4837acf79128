//! Datagrams in tasks.

use qcore::internals::proceed;

use super::QUdpSocket;
use crate::{
    common::{SocketError, SocketErrorKind, either},
    datagram::QNetworkDatagram,
    socket::SocketState,
};

impl QUdpSocket {
    /// Waits for a datagram and returns it. Returns at once if one has arrived already.
    ///
    /// If datagrams arrive faster than a task handles them, the task leaves the thread to others
    /// for a turn of the loop after every 128 datagrams.
    ///
    /// Cancel safe: the datagram comes to the next call.
    ///
    /// # Errors
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the socket is neither bound nor connected, or
    /// is closed meanwhile. [`ConnectionRefused`](SocketErrorKind::ConnectionRefused) and
    /// [`Network`](SocketErrorKind::Network) as for
    /// [`read_datagram_into`](QUdpSocket::read_datagram_into); the socket also emits
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) for these. The next
    /// call waits for a datagram again.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::block_on;
    /// use qnetwork::{QHostAddress, QUdpSocket};
    ///
    /// let (socket, other) = (QUdpSocket::new(), QUdpSocket::new());
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// other.write_datagram("hello", QHostAddress::LocalHost, socket.local_port())?;
    /// let datagram = block_on(socket.recv()).unwrap()?;
    /// assert_eq!(datagram.data(), b"hello");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub async fn recv(&self) -> Result<QNetworkDatagram, SocketError> {
        loop {
            proceed().await;
            if !matches!(self.state(), SocketState::Bound | SocketState::Connected) {
                let text = "The socket is not bound";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            if let Some(datagram) = self.receive_next()? {
                return Ok(datagram);
            }
            either(self.ready_read.next(), self.state_changed.next()).await;
        }
    }
}
