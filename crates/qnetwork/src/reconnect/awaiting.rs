//! Reconnectors in tasks.

use qcore::internals::until;

use super::{Reconnector, ReconnectorState};
use crate::common::{SocketError, SocketErrorKind};

impl Reconnector {
    /// Waits until there is a connection. Returns at once if there is one.
    ///
    /// `reconnector.connected.next()` waits for the signal only: if the reconnector gives up, it
    /// waits for ever. Cancel safe: the reconnector continues.
    ///
    /// # Errors
    ///
    /// The [last error](Reconnector::error) if the reconnector gives up;
    /// [`Operation`](SocketErrorKind::Operation) if it was not started or was stopped.
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
        let refused = |text| Some(Err(SocketError::new(SocketErrorKind::Operation, text)));
        until(&[&self.state_changed], || match self.state() {
            ReconnectorState::Connected if self.is_connected() => Some(Ok(())),
            ReconnectorState::GaveUp => Some(Err(self.error())),
            ReconnectorState::Stopped => refused("The reconnector is not started"),
            _ if self.is_deleted() => refused("The reconnector was deleted"),
            // The socket may have ended, and the loop has not told the reconnector yet.
            ReconnectorState::Connected
            | ReconnectorState::Connecting
            | ReconnectorState::Waiting => None,
        })
        .await
    }
}
