//! Encryption in tasks.

use qcore::internals::{Announces, until};

use super::QSslSocket;
use crate::{
    address::Host,
    socket::{SocketError, SocketErrorKind, SocketState},
};

impl QSslSocket {
    /// Connects to a host and encrypts, as
    /// [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted) does, and waits until
    /// the handshake has finished. The socket begins to connect when the future is first polled.
    ///
    /// Meanwhile the socket emits `ssl_errors` if there are errors, so a slot may ignore them.
    /// Dropping the future before it has returned aborts the connection, unless the program has
    /// begun another one meanwhile.
    ///
    /// # Errors
    ///
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is already connected or
    ///   connecting; its state does not change
    /// * [`Operation`](SocketErrorKind::Operation) if the program meanwhile ends the attempt and
    ///   begins another connection, which continues
    /// * any error with which connecting or the handshake fails
    pub async fn connect_encrypted<'a>(
        &self,
        host: impl Into<Host<'a>>,
        port: u16,
    ) -> Result<(), SocketError> {
        self.attempt(|| self.connect_to_host_encrypted(host, port), self.encrypted()).await
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
    /// error with which connecting or the handshake has failed. If the handshake cannot even start,
    /// because the protocol, certificate or key cannot be used, the socket stays connected.
    pub async fn encrypted(&self) -> Result<(), SocketError> {
        let changes: &[&dyn Announces] = &[
            &self.encrypted,
            &self.read_channel_finished,
            &self.state_changed,
            &self.error_occurred,
        ];
        until(changes, || {
            if self.is_encrypted() {
                return Some(Ok(()));
            }
            if matches!(self.state(), SocketState::Unconnected | SocketState::Closing) {
                return Some(Err(self.last_error()));
            }
            let node = self.node();
            if node.flags.start_failed.get() {
                return Some(Err(self.last_error()));
            }
            if node.inner.is_reading_ended() {
                // A stream keeps the connection, but there will be no answer.
                return Some(Err(SocketError::remote_host_closed()));
            }
            if node.is_plain() {
                let text = "The socket is not going to encrypt";
                return Some(Err(SocketError::new(SocketErrorKind::Operation, text)));
            }
            None
        })
        .await
    }
}
