//! Handlers of accepted connections, which replace Qt's virtual `incomingConnection()`.

use std::os::fd::OwnedFd;

use qcore::{
    Receiver,
    classes::{Inherits, Overrides, Probe},
    object::Object,
};

use super::QTcpServer;
use crate::socket::QTcpSocket;

/// The function that a class derived from [`QTcpServer`] overrides to handle each connection.
///
/// The implementation alone makes the server call the function; nothing has to be registered. A
/// class derived from [`QLocalServer`](crate::QLocalServer) implements
/// `IncomingConnection<QLocalServer>`.
///
/// # Examples
///
/// A server of connections of a class of its own:
///
/// ```
/// use std::os::fd::OwnedFd;
/// use qcore::{QObject, class};
/// use qnetwork::{IncomingConnection, QHostAddress, QTcpServer, QTcpSocket};
///
/// class! {
///     /// Sends back each line.
///     pub struct Echo: QTcpSocket {}
/// }
///
/// impl Echo {
///     fn new() -> Self {
///         let this = Self::derive(QTcpSocket::new());
///         this.ready_read.connect_slot(&this, Self::on_ready_read);
///         this.disconnected.connect_slot(&this, QObject::delete_later);
///         this
///     }
///
///     fn on_ready_read(&self) {
///         while self.can_read_line() {
///             self.write(self.read_line()).ok();
///         }
///     }
/// }
///
/// class! {
///     /// The server.
///     pub struct Server: QTcpServer {}
/// }
///
/// impl IncomingConnection for Server {
///     fn incoming_connection(&self, descriptor: OwnedFd) {
///         Echo::new().with_parent(self).set_socket_descriptor(descriptor).ok();
///     }
/// }
///
/// let server = Server::derive(QTcpServer::new());
/// server.listen(QHostAddress::LocalHost, 0)?;
/// let client = QTcpSocket::new();
/// client.connect_to_host(QHostAddress::LocalHost, server.server_port());
/// client.write("hello\n").ok();
/// assert!(qcore::wait_until(5000, || client.can_read_line()));
/// assert_eq!(server.find_children::<Echo>(None).len(), 1);
/// # Ok::<(), qnetwork::SocketError>(())
/// ```
pub trait IncomingConnection<Server: Object = QTcpServer>: Inherits<Server> {
    /// Takes the descriptor of a connection that the server has accepted. The descriptor is in
    /// blocking mode.
    ///
    /// [`set_incoming_connection`](QTcpServer::set_incoming_connection) says what the function may
    /// do with it.
    #[doc(alias = "incomingConnection")]
    fn incoming_connection(&self, descriptor: OwnedFd);
}

/// Class `T` overrides the functions of `QTcpServer`.
impl<T: IncomingConnection> Overrides<QTcpServer> for Probe<'_, QTcpServer, T> {
    type Outcome = ();

    fn install(&self) {
        let server: &QTcpServer = self.object().as_base();
        server.set_incoming_connection(self.object(), T::incoming_connection);
    }
}

/// # Handling accepted connections
impl QTcpServer {
    /// Sets a handler that gets the descriptor of each accepted connection. It replaces the virtual
    /// function `incomingConnection()` of Qt.
    ///
    /// The handler owns the descriptor, which is in blocking mode. A typical handler creates a
    /// socket of its own class, gives it the descriptor and [adds
    /// it](QTcpServer::add_pending_connection) to the connections that
    /// [`next_pending_connection`](QTcpServer::next_pending_connection) returns. It may also keep
    /// the connection, pass the descriptor to a thread, or drop it, which closes the connection. In
    /// each case the server emits [`new_connection`](super::TcpServerNode::new_connection)
    /// afterwards.
    ///
    /// `handler` is a method or a closure of `receiver`, which is an object (for example the server
    /// itself) or an `Rc` of anything. The server does not keep the receiver alive. Once the
    /// receiver has died, and after
    /// [`clear_incoming_connection`](QTcpServer::clear_incoming_connection), the server creates a
    /// [`QTcpSocket`] for each connection again. A new handler replaces the old one.
    ///
    /// # Examples
    ///
    /// A class derived from `QTcpServer` implements [`IncomingConnection`] instead. A struct that
    /// contains a server sets a handler:
    ///
    /// ```
    /// use std::{cell::RefCell, os::fd::OwnedFd, rc::Rc};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, SocketOption};
    ///
    /// struct Session {
    ///     socket: QTcpSocket,
    ///     // and what else belongs to a connection
    /// }
    ///
    /// struct Server {
    ///     server: QTcpServer,
    ///     sessions: RefCell<Vec<Rc<Session>>>,
    /// }
    ///
    /// impl Server {
    ///     fn new() -> Rc<Server> {
    ///         let (server, sessions) = (QTcpServer::new(), RefCell::default());
    ///         let server = Rc::new(Server { server, sessions });
    ///         server.server.set_incoming_connection(&server, Server::incoming_connection);
    ///         server
    ///     }
    ///
    ///     fn incoming_connection(&self, descriptor: OwnedFd) {
    ///         let socket = QTcpSocket::new();
    ///         if socket.set_socket_descriptor(descriptor).is_err() {
    ///             return;
    ///         }
    ///         socket.set_socket_option(SocketOption::LowDelay, 1);
    ///         self.sessions.borrow_mut().push(Rc::new(Session { socket: socket.clone() }));
    ///         // For those who ask the server for its connections.
    ///         self.server.add_pending_connection(socket);
    ///     }
    /// }
    ///
    /// let server = Server::new();
    /// server.server.listen(QHostAddress::LocalHost, 0)?;
    /// let client = QTcpSocket::new();
    /// client.connect_to_host(QHostAddress::LocalHost, server.server.server_port());
    /// client.wait_for_connected(5000)?;
    /// server.server.wait_for_new_connection(5000)?;
    /// let socket = server.server.next_pending_connection().unwrap();
    /// assert!(socket == server.sessions.borrow()[0].socket);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    ///
    /// A thread for each connection:
    ///
    /// ```
    /// use std::{io::Write, net::TcpStream, thread};
    /// use qnetwork::{QHostAddress, QTcpServer};
    ///
    /// let server = QTcpServer::new();
    /// server.set_incoming_connection(&server, |_, descriptor| {
    ///     let mut stream = TcpStream::from(descriptor);
    ///     thread::spawn(move || stream.write_all(b"hello"));
    /// });
    /// server.listen(QHostAddress::LocalHost, 0)?;
    ///
    /// let client = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    /// server.wait_for_new_connection(5000)?;
    /// assert_eq!(std::io::read_to_string(client).unwrap(), "hello");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "incomingConnection")]
    #[track_caller]
    pub fn set_incoming_connection<R: Receiver>(
        &self,
        receiver: &R,
        handler: impl Fn(&R::Target, OwnedFd) + 'static,
    ) {
        if self.is_deleted() {
            return;
        }
        self.state.handler().set(receiver, handler);
    }

    /// Removes the [handler](QTcpServer::set_incoming_connection): the server creates a
    /// [`QTcpSocket`] for each connection again.
    pub fn clear_incoming_connection(&self) {
        self.state.handler().clear();
    }

    /// Appends a socket to those that
    /// [`next_pending_connection`](QTcpServer::next_pending_connection) returns.
    ///
    /// A [handler](QTcpServer::set_incoming_connection) calls this function. A socket without a
    /// parent becomes a child of the server (in Qt the handler has to set the parent). The function
    /// ignores the limit of [pending connections](QTcpServer::max_pending_connections), but the
    /// socket counts when the server decides whether to accept the next connection. The server need
    /// not be listening.
    #[doc(alias = "addPendingConnection")]
    pub fn add_pending_connection(&self, socket: QTcpSocket) {
        if !self.is_deleted() {
            self.0.add_pending(socket);
        }
    }
}
