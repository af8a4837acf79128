//! Local sockets and servers in tasks.

use std::path::Path;

use qcore::{Signal, internals::until};

use super::{LocalSocketError, LocalSocketErrorKind, LocalSocketState, QLocalServer, QLocalSocket};
use crate::{
    server::{Accepting, Incoming, ServerState, accept, leave, wait_for_connection},
    socket::{AbortsAttempt, SocketError},
};

impl QLocalSocket {
    /// Connects to a server by name, as [`connect_to_server`](QLocalSocket::connect_to_server)
    /// does, and waits until the socket is connected. The socket begins to connect when the future
    /// is first polled.
    ///
    /// Dropping the future before it has returned [aborts](QLocalSocket::abort) the connection,
    /// unless the program has begun another one meanwhile.
    ///
    /// # Errors
    ///
    /// * [`Operation`](LocalSocketErrorKind::Operation) if the socket is already connected or
    ///   connecting; its state does not change
    /// * [`Operation`](LocalSocketErrorKind::Operation) if the program meanwhile ends the attempt
    ///   and begins another connection, which continues
    /// * any error with which connecting fails
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::block_on;
    /// use qnetwork::{LocalSocketErrorKind, QLocalSocket};
    ///
    /// let socket = QLocalSocket::new();
    /// let error = block_on(socket.connect("nobody-listens-here")).unwrap().unwrap_err();
    /// assert_eq!(error, LocalSocketErrorKind::ServerNotFound);
    /// ```
    pub async fn connect(&self, name: impl AsRef<Path>) -> Result<(), LocalSocketError> {
        if self.state() != LocalSocketState::Unconnected {
            return Err(LocalSocketErrorKind::Operation.into());
        }
        let attempt = AbortsAttempt::new(
            || self.closure.begun(),
            || {
                if self.state() != LocalSocketState::Unconnected {
                    self.abort();
                }
            },
        );
        self.connect_to_server(name);
        let connected = attempt.run(self.connected()).await;
        connected.unwrap_or_else(|| Err(LocalSocketErrorKind::Operation.into()))
    }

    /// Waits until the socket is connected. Returns at once if it is. It corresponds to
    /// [`wait_for_connected`](QLocalSocket::wait_for_connected). Cancel safe: the socket continues
    /// to connect.
    ///
    /// # Errors
    ///
    /// The error with which connecting has failed.
    pub async fn connected(&self) -> Result<(), LocalSocketError> {
        until(&[&self.state_changed], || match self.state() {
            LocalSocketState::Connected => Some(Ok(())),
            LocalSocketState::Connecting if !self.is_deleted() => None,
            _ => Some(Err(self.last_error())),
        })
        .await
    }

    /// Waits until the socket is unconnected. Returns at once if it is, or if it was deleted. It
    /// corresponds to [`wait_for_disconnected`](QLocalSocket::wait_for_disconnected). Cancel safe.
    pub async fn disconnected(&self) {
        let is_over = || self.state() == LocalSocketState::Unconnected || self.is_deleted();
        until(&[&self.state_changed], || is_over().then_some(())).await;
    }
}

impl QLocalServer {
    /// Waits for a connection and returns its socket. Returns at once if a connection is pending.
    ///
    /// The socket has no parent, so the connection ends when the last handle of the socket is
    /// dropped. Cancel safe: the next call returns the connection.
    ///
    /// # Errors
    ///
    /// [`Operation`](crate::SocketErrorKind::Operation) if the server does not listen, or stops
    /// listening meanwhile.
    pub async fn accept(&self) -> Result<QLocalSocket, SocketError> {
        accept(self).await
    }

    /// Returns a stream of all connections of the server, for a task. The stream keeps the server
    /// alive.
    pub fn incoming(&self) -> Incoming<QLocalSocket> {
        Incoming::of(self.clone())
    }

    /// Waits until a connection is pending. Returns at once if there is one. It corresponds to
    /// [`wait_for_new_connection`](QLocalServer::wait_for_new_connection). Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](QLocalServer::accept).
    pub async fn new_connection(&self) -> Result<(), SocketError> {
        wait_for_connection(self).await
    }
}

impl Accepting<QLocalSocket> for QLocalServer {
    fn state(&self) -> &ServerState<QLocalSocket> {
        &self.state
    }

    fn has_pending(&self) -> bool {
        self.has_pending_connections()
    }

    fn emits(&self) -> &Signal<()> {
        &self.new_connection
    }

    fn listens(&self) -> bool {
        self.is_listening()
    }

    fn take(&self) -> Option<QLocalSocket> {
        let socket = self.next_pending_connection()?;
        leave(&socket, self);
        self.state.note_left(&socket);
        Some(socket)
    }
}
