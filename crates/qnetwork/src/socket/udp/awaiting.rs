//! Datagrams in tasks.

use super::QUdpSocket;
use crate::{
    common::{SocketError, SocketErrorKind, either},
    datagram::QNetworkDatagram,
    socket::SocketState,
};

impl QUdpSocket {
    /// Waits for a datagram and returns it. Returns at once if one has arrived already.
    ///
    /// Cancel safe: the datagram comes to the next call.
    ///
    /// # Errors
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the socket is neither bound nor connected, or
    /// is closed meanwhile; the errors of [`receive_datagram`](QUdpSocket::receive_datagram).
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
            if !matches!(self.state(), SocketState::Bound | SocketState::Connected) {
                let text = "The socket is not bound";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            if self.has_pending_datagrams() {
                return self.receive_datagram();
            }
            either(self.ready_read.next(), self.state_changed.next()).await;
        }
    }
}
