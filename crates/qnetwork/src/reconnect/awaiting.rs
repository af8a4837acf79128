//! Reconnectors in tasks.

use super::{Reconnector, ReconnectorState};
use crate::common::{SocketError, SocketErrorKind};

impl Reconnector {
    /// Waits until there is a connection. Returns at once if there is one.
    ///
    /// It differs from `reconnector.connected.next()`, which waits for the signal alone, and so
    /// waits for ever if the reconnector gives up. Cancel safe: the reconnector goes on.
    ///
    /// # Errors
    ///
    /// The [last error](Reconnector::error) if the reconnector gives up;
    /// [`Operation`](SocketErrorKind::Operation) if it is not started or is stopped.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{block_on, task::timeout};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, Reconnector};
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", server.server_port());
    /// link.start();
    /// block_on(timeout(5000, link.connected())).unwrap().unwrap()?;
    /// assert_eq!(link.socket().peer_port(), server.server_port());
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub async fn connected(&self) -> Result<(), SocketError> {
        loop {
            match self.state() {
                ReconnectorState::Connected if self.is_connected() => return Ok(()),
                // The socket has ended, and the loop has not told the reconnector yet.
                ReconnectorState::Connected
                | ReconnectorState::Connecting
                | ReconnectorState::Waiting => {}
                ReconnectorState::GaveUp => return Err(self.error()),
                ReconnectorState::Stopped => {
                    let text = "The reconnector is not started";
                    return Err(SocketError::new(SocketErrorKind::Operation, text));
                }
            }
            // The slot may have been disconnected by `disconnect_all`.
            if self.state_changed.next().await.is_err() && self.is_deleted() {
                let text = "The reconnector was deleted";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
        }
    }
}
