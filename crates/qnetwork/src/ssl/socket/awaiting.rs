//! Encryption in tasks.

use super::QSslSocket;
use crate::{
    address::Host,
    common::either,
    socket::{SocketError, SocketErrorKind, SocketState},
};

impl QSslSocket {
    /// Connects to a host and encrypts, as
    /// [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted) does, and waits until
    /// the handshake has finished. Nothing happens before the future is polled.
    ///
    /// `ssl_errors` is emitted meanwhile, so a slot may ignore errors. Dropping the future before it
    /// has returned aborts the connection, unless the program has begun another one meanwhile.
    ///
    /// # Errors
    ///
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is connected or connecting already;
    ///   it stays so
    /// * [`Operation`](SocketErrorKind::Operation) if the program meanwhile ends the attempt and
    ///   begins another connection, which goes on
    /// * any error with which connecting or the handshake fails
    pub async fn connect_encrypted<'a>(
        &self,
        host: impl Into<Host<'a>>,
        port: u16,
    ) -> Result<(), SocketError> {
        self.attempt(|| self.connect_to_host_encrypted(host, port), self.encrypted()).await
    }

    /// Waits until the handshake has finished. Returns at once if it has. This is
    /// [`wait_for_encrypted`](QSslSocket::wait_for_encrypted) for tasks.
    ///
    /// It differs from `socket.encrypted.next()`, which waits for the signal alone, and so also
    /// after the handshake has failed. Cancel safe: the handshake goes on.
    ///
    /// # Errors
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the socket is not going to encrypt, or the error
    /// with which connecting or the handshake has failed. If the handshake cannot even start,
    /// because the protocol, certificate or key cannot be used, the socket stays connected.
    pub async fn encrypted(&self) -> Result<(), SocketError> {
        loop {
            if self.is_encrypted() {
                return Ok(());
            }
            if matches!(self.state(), SocketState::Unconnected | SocketState::Closing) {
                return Err(self.last_error());
            }
            let node = self.node();
            if node.flags.start_failed.get() {
                return Err(self.last_error());
            }
            if node.inner.is_reading_ended() {
                // A stream keeps the connection, but there will be no answer.
                return Err(SocketError::remote_host_closed());
            }
            if node.is_plain() {
                let text = "The socket is not going to encrypt";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            drop(node);
            let changed = either(self.state_changed.next(), self.error_occurred.next());
            either(either(self.encrypted.next(), self.read_channel_finished.next()), changed).await;
        }
    }
}
