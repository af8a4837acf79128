//! Handing a live connection over to another socket, usually one of another thread's loop.
//!
//! ```text
//!   thread A                                             thread B
//!   socket.detach() ──► DetachedSocket (Send) ──► socket.attach()
//!     engine.release()     descriptor, unread and          new engine, registered with B's poll
//!     no loop watches it   unsent bytes, addresses         ready_read in the next turn
//! ```
//!
//! The object stays in its thread, because its slots cannot leave it. Only the connection goes to
//! the other thread. The two sockets emit `state_changed` and nothing else, because the connection
//! neither ends nor begins.

use std::rc::Rc;

use qcore::{
    OpenMode,
    event_loop::Readiness,
    internals::{DeviceInternals, buffer_len, handed_over},
};

use super::{
    detached::{AttachError, DetachedSocket},
    node::AbstractSocketNode,
    state::SocketState,
    tcp::QTcpSocket,
};
use crate::{
    common::{SocketError, SocketErrorKind},
    engine::{Engine, NativeEngine},
};

/// # Handing a connection over to another thread
impl QTcpSocket {
    /// Takes the connection out of this socket. Usually a socket of another thread then takes it
    /// over with [`attach`](QTcpSocket::attach). The other end notices nothing.
    ///
    /// In Qt, `moveToThread()` moves the whole object. Here the object stays in its thread, and
    /// only the connection moves:
    ///
    /// * The connection takes along its descriptor with its [options](crate::SocketOption), the
    ///   unread bytes, the unsent bytes, the addresses and the peer's name, the open mode, and the
    ///   [limit of the read buffer](crate::QAbstractSocket::set_read_buffer_size).
    /// * The object keeps its slots, parent, children, properties and proxy settings. It is closed
    ///   and [`Unconnected`](SocketState::Unconnected). It can connect again, or be deleted.
    ///
    /// The only signal is [`state_changed`](AbstractSocketNode::state_changed). In particular, the
    /// socket does not emit `disconnected`, because the connection has not ended.
    ///
    /// A slot of the socket may call this function. If the program has begun a
    /// [transaction](qcore::QIODevice::start_transaction), the function rolls it back. A socket
    /// that is connected through a [proxy](crate::QAbstractSocket::set_proxy) can be handed over,
    /// too. A `QSslSocket` can be handed over before it encrypts, to a socket of any class. Once it
    /// encrypts, only a `QSslSocket` can continue the connection, and takes over the TLS session
    /// with the configuration. A [`QUdpSocket`](crate::QUdpSocket) cannot be handed over, because
    /// it has no connection: bind another one in the other thread.
    ///
    /// # Errors
    ///
    /// The socket does not change, and the error is
    ///
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is not
    ///   [`Connected`](SocketState::Connected), will close as soon as everything is sent, or has
    ///   closed one half of the connection;
    /// * [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) for a
    ///   `QSslSocket` whose handshake is running.
    ///
    /// # Examples
    ///
    /// One thread accepts a connection and reads the first line. Another thread answers:
    ///
    /// ```
    /// use std::{sync::mpsc, thread};
    /// use qnetwork::{DetachedSocket, QHostAddress, QTcpServer, QTcpSocket, SocketState};
    ///
    /// let (sender, receiver) = mpsc::channel::<DetachedSocket>();
    /// let worker = thread::spawn(move || {
    ///     let socket = QTcpSocket::new();
    ///     socket.attach(receiver.recv().unwrap()).unwrap();
    ///     while !socket.can_read_line() {
    ///         socket.wait_for_ready_read(5000).unwrap();
    ///     }
    ///     socket.write(socket.read_line()).unwrap();
    ///     socket.disconnect_from_host();
    ///     socket.wait_for_disconnected(5000).ok();
    /// });
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let client = QTcpSocket::new();
    /// client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    /// client.write("worker\nhello\n").unwrap();
    /// client.wait_for_connected(5000)?;
    /// client.flush();
    ///
    /// server.wait_for_new_connection(5000)?;
    /// let socket = server.next_pending_connection().unwrap();
    /// while !socket.can_read_line() {
    ///     socket.wait_for_ready_read(5000)?;
    /// }
    /// assert_eq!(socket.read_line(), b"worker\n");
    /// sender.send(socket.detach()?).unwrap();
    /// assert_eq!(socket.state(), SocketState::Unconnected);
    ///
    /// client.wait_for_disconnected(5000)?;
    /// assert_eq!(client.read_all(), b"hello\n");
    /// worker.join().unwrap();
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    ///
    /// A task that waits for this socket, and a [pipe](crate::pipe::pipe) of it, fail with
    /// [`NotOpen`](qcore::DeviceErrorKind::NotOpen). A server that is
    /// [shutting down](crate::QTcpServer::shutdown) no longer waits for the connection.
    #[doc(alias = "moveToThread")]
    pub fn detach(&self) -> Result<DetachedSocket, SocketError> {
        match self.layers.class() {
            Some(class) => class.detach(),
            None => self.detach_connection(),
        }
    }

    /// Continues a connection that another socket has [detached](QTcpSocket::detach), usually one
    /// of another thread.
    ///
    /// After this call the socket is [`Connected`](SocketState::Connected), and it sends the bytes
    /// that the other socket has not sent. If there are unread bytes, the next turn of the loop
    /// emits [`ready_read`](qcore::io_device::DeviceNode::ready_read), and so does
    /// [`wait_for_ready_read`](crate::QAbstractSocket::wait_for_ready_read). The socket closes its
    /// previous connection, as
    /// [`set_socket_descriptor`](crate::QAbstractSocket::set_socket_descriptor) does. The only
    /// signal is [`state_changed`](AbstractSocketNode::state_changed), if the state has changed.
    ///
    /// # Errors
    ///
    /// The error contains the connection, which is unchanged, so that the program can try again.
    /// The socket does not change either.
    ///
    /// * [`SocketResource`](SocketErrorKind::SocketResource) or another error of the system if
    ///   this thread's poll cannot watch the descriptor. The first socket of a thread needs
    ///   descriptors for the poll.
    /// * [`Operation`](SocketErrorKind::Operation) if the socket was deleted.
    /// * [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) if the
    ///   connection is encrypted, and this socket is not a `QSslSocket`.
    ///
    /// # Examples
    ///
    /// See [`detach`](QTcpSocket::detach).
    pub fn attach(&self, connection: DetachedSocket) -> Result<(), AttachError> {
        match self.layers.class() {
            Some(class) => class.attach(connection),
            None => self.attach_connection(connection),
        }
    }
}

impl AbstractSocketNode {
    /// Takes the connection out of this socket, and emits the change of the state.
    fn detach_connection(&self) -> Result<DetachedSocket, SocketError> {
        let connection = self.take_connection()?;
        handed_over(&self.base).emit(());
        self.state_changed.emit(SocketState::Unconnected);
        Ok(connection)
    }

    /// Takes the connection out of this socket. Emits nothing.
    pub(crate) fn take_connection(&self) -> Result<DetachedSocket, SocketError> {
        self.refuse_deleted("detach")?;
        let stays = self.current_state() == SocketState::Connected
            && !self.ending.closes_when_connected()
            && !self.ending.is_aborting()
            // A task has closed one half, or the other end has.
            && !self.reading.is_ended()
            && !self.writing.is_shut_down();
        let engine = self.engine().filter(|_| stays).ok_or_else(not_connected)?;
        // What a proxy's engine still holds was received after what is in the buffer.
        let rest = engine.take_input();
        let socket = engine.release().ok_or_else(not_connected)?;
        if !self.has_engine(&engine) {
            // The program's logger has ended the connection.
            return Err(not_connected());
        }
        let mut connection = DetachedSocket::new(socket);
        connection.mode = self.base.open_mode();
        connection.is_unbuffered = self.reading.is_unbuffered();
        connection.limit = self.reading.limit();
        connection.unread = self.base.detach_buffer();
        connection.unread.push(rest);
        connection.unsent = self.writing.detach();
        connection.ends = self.ends.detach(self.attempt.take_peer_name());
        connection.host_name = self.attempt.host_name().into();
        self.release_engine();
        self.end_connection();
        // It has not ended, but goes on in another socket.
        self.closure.forget();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        self.set_state(SocketState::Unconnected);
        Ok(connection)
    }

    /// Continues the connection of another socket, and emits the change of the state.
    fn attach_connection(&self, connection: DetachedSocket) -> Result<(), AttachError> {
        if let Err(error) = self.refuse_deleted("attach") {
            return Err(AttachError::new(error, connection));
        }
        let connection = connection.check_plain()?;
        let before = self.current_state();
        self.put_connection(connection)?;
        let is_connected = self.current_state() == SocketState::Connected;
        if before != SocketState::Connected && is_connected {
            self.state_changed.emit(SocketState::Connected);
        }
        Ok(())
    }

    /// Continues the connection of another socket. Closes the connection that this socket had.
    /// Emits nothing.
    pub(crate) fn put_connection(&self, mut connection: DetachedSocket) -> Result<(), AttachError> {
        let made = NativeEngine::attach(self.dispatcher(), self.source(), connection.socket);
        let engine: Rc<dyn Engine> = match made {
            Ok(engine) => Rc::new(engine),
            Err((error, socket)) => {
                connection.socket = socket;
                return Err(AttachError::new(error, connection));
            }
        };
        let replaced = self.forget_connection();
        self.install(engine.clone(), connection.mode);
        self.begin_connection();
        self.attempt.set_peer_name(self.ends.attach(connection.ends));
        self.attempt.set_host_name(connection.host_name);
        if connection.is_unbuffered {
            self.reading.make_unbuffered();
        }
        self.reading.set_limit(connection.limit);
        self.writing.attach(connection.unsent);
        self.set_state(SocketState::Connected);
        self.time_connected();
        if !connection.unread.is_empty() {
            self.base.attach_buffer(connection.unread);
            self.reading.set_inherited();
            engine.note(Readiness::READABLE);
            engine.read_again();
        }
        if !self.writing.is_empty() {
            // In the next turn: the program has not connected its slots yet.
            self.writing.set_scheduled();
            engine.request_write(false);
        }
        self.tell_replaced(replaced);
        Ok(())
    }

    /// Emits `ready_read` for the unread bytes that have come with the connection, unless the
    /// program has read all of them. Returns whether it has emitted the signal.
    pub(super) fn announce_inherited(&self, engine: &Rc<dyn Engine>) -> bool {
        self.reading.reset();
        let peeked = self.with_front(buffer_len);
        if peeked == 0 && self.base.bytes_available() == 0 {
            return false;
        }
        if self.reading.is_unbuffered() {
            self.reading.set_announced();
        }
        self.read_again(engine);
        self.emit_ready_read();
        true
    }
}

pub(crate) fn not_connected() -> SocketError {
    SocketError::new(SocketErrorKind::Operation, "The socket is not connected, or is closing")
}
