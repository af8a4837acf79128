//! Encryption in tasks.

use super::QSslSocket;
use crate::{
    address::Host,
    common::either,
    socket::{AbortsAttempt, SocketError, SocketErrorKind, SocketState},
};

impl QSslSocket {
    /// Connects to a host and encrypts, as
    /// [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted) does, and waits until
    /// the handshake has finished. The socket begins to connect when the future is first polled.
    ///
    /// Meanwhile the socket emits `ssl_errors` if there are errors, so a slot may ignore them.
    /// Dropping the future before it has returned aborts the connection.
    ///
    /// # Errors
    ///
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is already connected or
    ///   connecting; its state does not change
    /// * any error with which connecting or the handshake fails
    pub async fn connect_encrypted<'a>(
        &self,
        host: impl Into<Host<'a>>,
        port: u16,
    ) -> Result<(), SocketError> {
        self.check_free()?;
        let attempt = AbortsAttempt::of(self);
        self.connect_to_host_encrypted(host, port);
        let encrypted = self.encrypted().await;
        attempt.finished();
        encrypted
    }

    /// Waits until the handshake has finished. Returns at once if it has. It corresponds to
    /// [`wait_for_encrypted`](QSslSocket::wait_for_encrypted).
    ///
    /// `socket.encrypted.next()` waits for the signal only: if the handshake fails, it waits for
    /// ever. Cancel safe: the handshake continues.
    ///
    /// # Errors
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the socket is not going to encrypt, or the
    /// error with which connecting or the handshake has failed.
    pub async fn encrypted(&self) -> Result<(), SocketError> {
        loop {
            if self.is_encrypted() {
                return Ok(());
            }
            if matches!(self.state(), SocketState::Unconnected | SocketState::Closing) {
                return Err(self.last_error());
            }
            if self.node().is_plain() {
                let text = "The socket is not going to encrypt";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            either(self.encrypted.next(), self.state_changed.next()).await;
        }
    }
}
