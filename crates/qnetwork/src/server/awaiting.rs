//! Servers in tasks: what TCP servers and local servers have in common.

#[cfg(feature = "futures")]
use std::pin::Pin;
use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll},
};

use qcore::{
    QObject, Signal,
    internals::{Announces, Until, until},
    object::Object,
};

use super::{QTcpServer, ServerState};
use crate::socket::{QTcpSocket, SocketError, SocketErrorKind};

impl QTcpServer {
    /// Waits for a connection and returns its socket. Returns at once if a connection is pending.
    ///
    /// Unlike a socket of [`next_pending_connection`](QTcpServer::next_pending_connection), the
    /// socket has no parent: the connection ends when the last handle of the socket is dropped. If
    /// a [handler](QTcpServer::set_incoming_connection) has given the socket another parent, it
    /// keeps this parent. The sockets of a `QSslServer` are encrypted;
    /// [`cast`](qcore::QObject::cast) returns the `QSslSocket`.
    ///
    /// Cancel safe: the next call returns the connection.
    ///
    /// # Errors
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the server does not listen, or stops listening
    /// meanwhile. If the server cannot accept a connection, it emits `accept_error` and retries,
    /// and the future waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{block_on, spawn_local};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let port = server.server_port();
    /// let greeting = block_on(async {
    ///     spawn_local(async move {
    ///         let socket = server.accept().await?;
    ///         socket.stream().write_all(b"welcome").await.ok();
    ///         Ok::<_, qnetwork::SocketError>(())
    ///     });
    ///     let socket = QTcpSocket::new();
    ///     socket.connect("127.0.0.1", port).await?;
    ///     Ok::<_, qnetwork::SocketError>(socket.stream().read_to_end(1000).await.unwrap())
    /// });
    /// assert_eq!(greeting.unwrap()?, b"welcome");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub async fn accept(&self) -> Result<QTcpSocket, SocketError> {
        accept(self).await
    }

    /// Returns a stream of all connections of the server, for a task. The stream keeps the server
    /// alive. Its sockets are like those of [`accept`](QTcpServer::accept).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::spawn_local;
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// async fn serve(socket: QTcpSocket) { /* ... */ }
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let mut incoming = server.incoming();
    /// spawn_local(async move {
    ///     while let Some(socket) = incoming.next().await {
    ///         spawn_local(serve(socket));
    ///     }
    /// });
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn incoming(&self) -> Incoming<QTcpSocket> {
        Incoming::of(self.clone())
    }

    /// Waits until a connection is pending. Returns at once if there is one. It corresponds to
    /// [`wait_for_new_connection`](QTcpServer::wait_for_new_connection).
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](QTcpServer::accept).
    pub async fn new_connection(&self) -> Result<(), SocketError> {
        wait_for_connection(self).await
    }
}

/// A server whose connections a task takes.
pub(crate) trait Accepting<S: Object> {
    fn state(&self) -> &ServerState<S>;
    fn has_pending(&self) -> bool;
    fn emits(&self) -> &Signal<()>;
    fn listens(&self) -> bool;

    /// Takes a connection that has not died.
    fn take(&self) -> Option<S>;
}

impl Accepting<QTcpSocket> for QTcpServer {
    fn state(&self) -> &ServerState<QTcpSocket> {
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

    fn take(&self) -> Option<QTcpSocket> {
        let socket = self.next_pending_connection()?;
        leave(&socket, self);
        self.state.note_left(&socket);
        Some(socket)
    }
}

/// Makes a socket die with its last handle instead of with its server.
pub(crate) fn leave(socket: &QObject, server: &QObject) {
    if socket.parent().as_ref() == Some(server) {
        socket.set_parent(None);
    }
}

pub(crate) async fn wait_for_connection<S: Object>(
    server: &dyn Accepting<S>,
) -> Result<(), SocketError> {
    until(&changes(server), || {
        if server.has_pending() { Some(Ok(())) } else { refusal(server).map(Err) }
    })
    .await
}

pub(crate) async fn accept<S: Object>(server: &dyn Accepting<S>) -> Result<S, SocketError> {
    until(&changes(server), || try_accept(server)).await
}

fn changes<S: Object>(server: &dyn Accepting<S>) -> [&dyn Announces; 2] {
    [server.emits(), &server.state().closed]
}

/// Takes a connection. Returns an error if there will be none.
fn try_accept<S: Object>(server: &dyn Accepting<S>) -> Option<Result<S, SocketError>> {
    while server.has_pending() {
        if let Some(socket) = server.take() {
            return Some(Ok(socket));
        }
    }
    refusal(server).map(Err)
}

/// Returns an error if no connection will come.
fn refusal<S: Object>(server: &dyn Accepting<S>) -> Option<SocketError> {
    let text = "The server does not listen";
    (!server.listens()).then(|| SocketError::new(SocketErrorKind::Operation, text))
}

/// A stream of the connections of a server, for a task. [`QTcpServer::incoming`] and
/// [`QLocalServer::incoming`](crate::QLocalServer::incoming) create it.
///
/// With the feature `futures`, it implements `futures_core::Stream`.
pub struct Incoming<S: Object> {
    server: Box<dyn Accepting<S>>,
    until: Until,
}

impl<S: Object> Incoming<S> {
    pub(crate) fn of(server: impl Accepting<S> + 'static) -> Self {
        Incoming { server: Box::new(server), until: Until::default() }
    }

    /// Waits for the next connection. Returns `None` when the server no longer listens and no
    /// connection is pending.
    ///
    /// Cancel safe: the next call returns the connection.
    pub async fn next(&mut self) -> Option<S> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&mut self, context: &Context<'_>) -> Poll<Option<S>> {
        let server = &*self.server;
        self.until.poll(context, &changes(server), || try_accept(server)).map(Result::ok)
    }
}

#[cfg(feature = "futures")]
impl<S: Object> futures_core::Stream for Incoming<S> {
    type Item = S;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S>> {
        self.poll_accept(context)
    }
}

impl<S: Object> fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("listening", &self.server.listens()).finish()
    }
}
