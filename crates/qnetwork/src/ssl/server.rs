//! [`QSslServer`].

use std::{
    cell::{Cell, RefCell},
    fmt,
    net::SocketAddr,
    rc::{Rc, Weak},
    time::Duration,
};

use mio::net::TcpStream;
use qcore::{
    Connection, Interval, Signal, TimerType,
    event_loop::TimerId,
    library_class,
    object::{Handle, Life, Node, Object},
};

use super::{configuration::QSslConfiguration, error::QSslError, socket::QSslSocket};
use crate::{
    server::{QTcpServer, Reception},
    socket::{CloseReason, QTcpSocket, SocketErrorKind, TellsEnd, TimeoutKind},
};

/// The default limit for the duration of a handshake.
const TIMEOUT: Duration = Duration::from_secs(5);

library_class! {
    /// A TCP server with encrypted connections. It hands out a connection once its handshake has
    /// succeeded.
    ///
    /// The server emits [`new_connection`](crate::server::TcpServerNode::new_connection) for an
    /// encrypted connection. [`next_pending_connection`](QTcpServer::next_pending_connection)
    /// returns it; use [`cast`](qcore::QObject::cast) to get the [`QSslSocket`]. It is a child of
    /// the server.
    ///
    /// A handshake may take [five seconds](QSslServer::handshake_timeout). Running handshakes count
    /// for [`max_pending_connections`](QTcpServer::max_pending_connections), like connections that
    /// wait to be taken; further connections stay in the kernel's backlog until one of them ends.
    /// If that many clients stall (30 by default), new clients wait until the stalled handshakes
    /// time out.
    ///
    /// Stands for Qt 6's [QSslServer](https://doc.qt.io/qt-6/qsslserver.html); Qt 5 has none. The
    /// signals for alerts and pre-shared keys are missing. With
    /// [`set_incoming_connection`](QTcpServer::set_incoming_connection) the server does not
    /// encrypt.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use qcore::QCoreApplication;
    /// use qnetwork::{QHostAddress, QSslConfiguration, QSslServer, QSslSocket};
    ///
    /// # fn configuration() -> QSslConfiguration { QSslConfiguration::default() }
    /// let app = QCoreApplication::new();
    /// let server = QSslServer::new();
    /// server.set_ssl_configuration(configuration()); // with a certificate and its key
    /// server.new_connection.connect_to(&server, |server, ()| {
    ///     while let Some(socket) = server.next_pending_connection() {
    ///         let socket: QSslSocket = socket.cast().unwrap();
    ///         println!("{:?}", socket.session_cipher());
    ///         socket.write("hello").ok();
    ///         socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
    ///         socket.disconnect_from_host();
    ///     }
    /// });
    /// server.listen(QHostAddress::LocalHost, 4433)?;
    /// app.exec();
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub struct QSslServer(SslServerNode): QTcpServer = base
}

/// The signals of a [`QSslServer`]. They concern connections whose handshake is running.
pub struct SslServerNode {
    /// All errors of a client's certificate. A slot may call the socket's
    /// [`ignore_ssl_errors`](QSslSocket::ignore_ssl_errors).
    #[doc(alias = "sslErrors")]
    pub ssl_errors: Signal<(QSslSocket, Vec<QSslError>)>,
    /// An error of a client's certificate.
    #[doc(alias = "peerVerifyError")]
    pub peer_verify_error: Signal<(QSslSocket, QSslError)>,
    /// A handshake has failed. [`SocketTimeout`](SocketErrorKind::SocketTimeout) means that it took
    /// too long.
    ///
    /// The socket's [`error_string`](qcore::QIODevice::error_string) describes the error, and its
    /// [`peer_address`](crate::QAbstractSocket::peer_address) identifies the client. The server
    /// closes the connection and deletes the socket after the slots have returned.
    #[doc(alias = "errorOccurred")]
    pub error_occurred: Signal<(QSslSocket, SocketErrorKind)>,
    /// A handshake has started.
    #[doc(alias = "startedEncryptionHandshake")]
    pub started_encryption_handshake: Signal<QSslSocket>,
    base: QTcpServer,
    this: Weak<SslServerNode>,
    configuration: RefCell<QSslConfiguration>,
    timeout: Cell<Duration>,
    handshakes: RefCell<Vec<Handshake>>,
}

/// A connection whose handshake is running.
struct Handshake {
    socket: QSslSocket,
    timer: TimerId,
    connections: Vec<Connection>,
}

impl Node for SslServerNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.base.end();
    }
}

impl QSslServer {
    /// Creates a server that does not listen yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        let node = Rc::new_cyclic(|this: &Weak<SslServerNode>| SslServerNode {
            ssl_errors: Signal::in_life(&life),
            peer_verify_error: Signal::in_life(&life),
            error_occurred: Signal::in_life(&life),
            started_encryption_handshake: Signal::in_life(&life),
            base: QTcpServer::embed(&life),
            this: this.clone(),
            configuration: RefCell::new(QSslConfiguration::default_configuration()),
            timeout: Cell::new(TIMEOUT),
            handshakes: RefCell::default(),
        });
        let reception: Rc<dyn Reception> = node.clone();
        node.base.set_reception(Rc::downgrade(&reception));
        QSslServer(Handle::new(node))
    }

    /// Returns the configuration of new sockets.
    #[doc(alias = "sslConfiguration")]
    #[must_use]
    pub fn ssl_configuration(&self) -> QSslConfiguration {
        self.configuration.borrow().clone()
    }

    /// Sets the configuration of new sockets. It needs a certificate and its key.
    #[doc(alias = "setSslConfiguration")]
    pub fn set_ssl_configuration(&self, configuration: QSslConfiguration) {
        self.configuration.replace(configuration);
    }

    /// Returns how long a handshake may take; 5 seconds by default.
    #[doc(alias = "handshakeTimeout")]
    #[must_use]
    pub fn handshake_timeout(&self) -> Interval {
        self.timeout.get().into()
    }

    /// Sets how long a handshake may take, in milliseconds or as a `Duration`. It applies to new
    /// handshakes. A negative number changes nothing.
    #[doc(alias = "setHandshakeTimeout")]
    pub fn set_handshake_timeout(&self, timeout: impl Into<Interval>) {
        if let Some(timeout) = timeout.into().as_duration() {
            self.timeout.set(timeout);
        }
    }
}

impl SslServerNode {
    fn begin(&self, stream: TcpStream, peer: SocketAddr) {
        let socket = QSslSocket::new();
        socket.set_ssl_configuration(self.configuration.borrow().clone());
        socket.set_parent(Some(&self.base));
        if socket.adopt(stream, peer).is_err() {
            // The connection has been lost already.
            socket.delete_later();
            return;
        }
        self.watch(&socket);
        socket.start_server_encryption();
        if self.is_under_way(&socket) {
            self.started_encryption_handshake.emit(socket);
        }
    }

    fn watch(&self, socket: &QSslSocket) {
        let (server, weak) = (self.this.clone(), socket.to_weak());
        // Weak references: only the server holds the socket.
        let ends = move || Some((server.upgrade()?, QSslSocket::from_weak(&weak)?));
        let on_encrypted = ends.clone();
        let on_error = ends.clone();
        let on_peer_error = ends.clone();
        let on_errors = ends.clone();
        let on_end = ends.clone();
        let connections = vec![
            socket.encrypted.connect(move |()| {
                if let Some((server, socket)) = on_encrypted() {
                    server.hand_out(&socket);
                }
            }),
            socket.error_occurred.connect(move |error| {
                if let Some((server, socket)) = on_error() {
                    server.give_up(&socket, *error);
                }
            }),
            socket.peer_verify_error.connect(move |error| {
                if let Some((server, socket)) = on_peer_error() {
                    server.peer_verify_error.emit((socket, error.clone()));
                }
            }),
            socket.ssl_errors.connect(move |errors| {
                if let Some((server, socket)) = on_errors() {
                    server.ssl_errors.emit((socket, errors.clone()));
                }
            }),
            socket.disconnected.connect(move |()| {
                if let Some((server, socket)) = on_end()
                    && server.end(&socket)
                {
                    socket.delete_later();
                    server.base.resume();
                }
            }),
        ];
        let late = move || {
            if let Some((server, socket)) = ends() {
                server.time_out(&socket);
            }
        };
        let dispatcher = self.life().dispatcher();
        let timer = dispatcher.call_after(self.timeout.get(), TimerType::Coarse, late);
        let handshake = Handshake { socket: socket.clone(), timer, connections };
        self.handshakes.borrow_mut().push(handshake);
    }

    fn is_under_way(&self, socket: &QSslSocket) -> bool {
        self.handshakes.borrow().iter().any(|one| one.socket == *socket)
    }

    /// Ends a handshake, whatever its result. Returns whether it was running.
    fn end(&self, socket: &QSslSocket) -> bool {
        let ended = {
            let mut handshakes = self.handshakes.borrow_mut();
            let at = handshakes.iter().position(|one| one.socket == *socket);
            at.map(|at| handshakes.swap_remove(at))
        };
        let Some(ended) = ended else { return false };
        self.life().dispatcher().stop_timer(ended.timer);
        for connection in &ended.connections {
            connection.disconnect();
        }
        true
    }

    fn hand_out(&self, socket: &QSslSocket) {
        if self.end(socket) {
            self.base.add_pending(QTcpSocket::clone(socket));
            self.base.new_connection.emit(());
        }
    }

    fn give_up(&self, socket: &QSslSocket, error: SocketErrorKind) {
        if self.end(socket) {
            self.error_occurred.emit((socket.clone(), error));
            socket.delete_later();
            self.base.resume();
        }
    }

    fn time_out(&self, socket: &QSslSocket) {
        if self.end(socket) {
            // Emitted before the abort, because an aborted socket no longer knows its peer.
            socket.set_socket_error(SocketErrorKind::SocketTimeout);
            socket.set_error_string("The TLS handshake took too long");
            socket.closure().note(CloseReason::TimedOut(TimeoutKind::TlsHandshake));
            self.error_occurred.emit((socket.clone(), SocketErrorKind::SocketTimeout));
            socket.abort();
            socket.delete_later();
            self.base.resume();
        }
    }
}

impl Reception for SslServerNode {
    fn count(&self) -> usize {
        self.handshakes.borrow().len()
    }

    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        self.begin(stream, peer);
    }

    fn close(&self) {
        // One at a time, because a slot may end another handshake.
        loop {
            let socket = self.handshakes.borrow().last().map(|one| one.socket.clone());
            let Some(socket) = socket else { return };
            self.end(&socket);
            socket.abort();
            // The parent holds its child too. The socket dies here if there is no other handle.
            socket.set_parent(None);
        }
    }
}

impl fmt::Debug for SslServerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SslServerNode")
            .field("handshakes", &self.count())
            .field("timeout", &self.timeout.get())
            .finish_non_exhaustive()
    }
}
