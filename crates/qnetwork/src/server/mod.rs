//! Servers: what accepts connections.
//!
//! `listening.rs` has the socket that listens, `accepting.rs` what happens when the loop says that
//! somebody is at the door. `proxied.rs` is for servers that a proxy listens for.

mod accepting;
mod listening;
mod proxied;
mod state;

use std::{
    cell::{Cell, OnceCell, RefCell},
    fmt,
    net::SocketAddr,
    os::fd::OwnedFd,
    rc::{Rc, Weak},
};

use mio::net::TcpStream;
use qcore::{
    QDeadlineTimer, QObject, Receiver, Signal, class,
    event_loop::Registration,
    object::{Handle, Life, Node, Object},
};

pub(crate) use self::state::ServerState;
use self::{
    listening::{Listener, Listening},
    proxied::ProxyListener,
};
use crate::{
    address::QHostAddress,
    proxy::{
        self, ProxyCapabilities, ProxyQueryType, ProxyType, QNetworkProxy, QNetworkProxyQuery,
        Route,
    },
    socket::{QTcpSocket, SocketError, SocketErrorKind},
};

class! {
    /// A TCP server: accepts connections and hands them out as sockets.
    ///
    /// The sockets are children of the server, so that they need nobody to hold them and die with
    /// it; [`delete_later`](QObject::delete_later) when they are done with keeps them from piling
    /// up. Stands for Qt's [QTcpServer](https://doc.qt.io/qt-5/qtcpserver.html).
    ///
    /// # Examples
    ///
    /// An echo server:
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QTcpServer};
    ///
    /// let server = QTcpServer::new();
    /// server.new_connection.connect_to(&server, |server, ()| {
    ///     while let Some(socket) = server.next_pending_connection() {
    ///         socket.ready_read.connect_to(&socket, |socket, ()| {
    ///             socket.write(socket.read_all()).ok();
    ///         });
    ///         socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
    ///     }
    /// });
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// assert!(server.server_port() > 0);
    /// // and now QCoreApplication::exec()
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub struct QTcpServer(TcpServerNode): QObject = base
}

/// The signals of a [`QTcpServer`].
pub struct TcpServerNode {
    /// A connection was accepted: [`next_pending_connection`](QTcpServer::next_pending_connection)
    /// has it. Emitted once for each.
    #[doc(alias = "newConnection")]
    pub new_connection: Signal<()>,
    /// A connection could not be accepted. The server goes on, and where the system was out of
    /// descriptors it tries again soon.
    #[doc(alias = "acceptError")]
    pub accept_error: Signal<SocketErrorKind>,
    base: QObject,
    this: Weak<TcpServerNode>,
    listener: RefCell<Option<Listening>>,
    state: ServerState<QTcpSocket>,
    hold: Cell<Hold>,
    /// Who gets the connections before they are handed out.
    reception: OnceCell<Weak<dyn Reception>>,
    /// Its own proxy, if it has one.
    proxy: RefCell<Option<Box<QNetworkProxy>>>,
}

/// A class of servers that does something with a connection before it hands it out.
pub(crate) trait Reception {
    /// How many connections it has in hand: they count as if they were waiting to be taken.
    fn count(&self) -> usize;

    /// Takes a connection.
    fn receive(&self, stream: TcpStream, peer: SocketAddr);

    /// The server stops listening.
    fn close(&self);
}

/// What keeps a server from accepting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    No,
    /// Somebody has to take a connection first.
    Full,
    /// The program wants it so.
    Paused,
}

impl Node for TcpServerNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.close();
        self.state.handler().clear();
    }
}

impl QTcpServer {
    /// A server that does not listen yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        QTcpServer(Handle::new(TcpServerNode::make(&Life::new())))
    }

    /// The server part of a new object of a derived class.
    #[cfg(feature = "_tls")]
    pub(crate) fn embed(life: &Rc<Life>) -> Self {
        QTcpServer(Handle::embed(TcpServerNode::make(life)))
    }

    /// Listens at an address and port; port 0 is one that the system chooses, which
    /// [`server_port`](QTcpServer::server_port) then tells.
    ///
    /// [`QHostAddress::Any`] is every address of this machine, IPv4 and IPv6;
    /// [`AnyIPv6`](QHostAddress::AnyIPv6) is IPv6 alone, a null address IPv4 alone.
    ///
    /// # Errors
    ///
    /// What keeps the system from it: [`AddressInUse`](SocketErrorKind::AddressInUse),
    /// [`SocketAccess`](SocketErrorKind::SocketAccess),
    /// [`SocketAddressNotAvailable`](SocketErrorKind::SocketAddressNotAvailable),
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) for an address
    /// that the system does not know how to use. With a [proxy](QTcpServer::set_proxy) it is what
    /// went wrong there, as for a socket that connects by one, or
    /// [`SocketTimeout`](SocketErrorKind::SocketTimeout) after 5 seconds, for which this call
    /// waits. A server that listens already goes on as it is, and refuses with
    /// [`Operation`](SocketErrorKind::Operation) and a warning in the log.
    pub fn listen(&self, address: impl Into<QHostAddress>, port: u16) -> Result<(), SocketError> {
        if self.is_deleted() || self.is_listening() {
            qcore::q_warning!("QTcpServer::listen() called when already listening");
            let text = "The server is listening already, or was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        let address = address.into();
        self.start(match self.route(&address, port) {
            Route::Direct => Listener::open(self.register(), &address, port).map(Listening::Here),
            Route::By(proxy) => {
                let dispatcher = self.life().dispatcher();
                ProxyListener::open(dispatcher, &self.this, *proxy, &address, port)
                    .map(|listener| Listening::There(Box::new(listener)))
            }
            Route::None => {
                let kind = SocketErrorKind::UnsupportedSocketOperation;
                Err(SocketError::new(kind, "Operation on socket is not supported"))
            }
        })
    }

    /// The way that clients are to take.
    fn route(&self, address: &QHostAddress, port: u16) -> Route {
        // No proxy listens for this machine alone, whatever the server has been given.
        if address.is_loopback() {
            return Route::Direct;
        }
        // Kept by nobody while the program's factory is asked.
        let own = self.proxy.borrow().as_deref().cloned();
        proxy::resolve(own.as_ref(), "", ProxyCapabilities::LISTENING, || {
            QNetworkProxyQuery::for_server(ProxyQueryType::TcpServer, port, "")
        })
    }

    /// The server's own proxy; one of the type [`Default`](ProxyType::Default) if it has none.
    #[must_use]
    pub fn proxy(&self) -> QNetworkProxy {
        self.proxy.borrow().as_deref().cloned().unwrap_or_default()
    }

    /// Sets the proxy that listens for the server, from the next [`listen`](QTcpServer::listen) on.
    ///
    /// [`Default`](ProxyType::Default) is the application's, or the system's, if that is one which
    /// can listen; [`NoProxy`](ProxyType::NoProxy) is none, whatever the application has. A server
    /// that listens at a loopback address never has a proxy. Of the proxies SOCKS5 alone can
    /// listen; any other makes `listen` fail with
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation).
    ///
    /// [`server_address`](QTcpServer::server_address) and [`server_port`](QTcpServer::server_port)
    /// are those at which the proxy listens. It does for one connection, and is then asked for the
    /// same port again, once there is room for another pending connection: clients that come
    /// meanwhile are refused, and if the proxy does not give that port again it is another one.
    /// What goes wrong then is told by [`accept_error`](TcpServerNode::accept_error), and it is
    /// tried again after a second, and less often if it goes on. The sockets know the addresses
    /// that the proxy has told; a [handler](QTcpServer::set_incoming_connection) gets a descriptor
    /// that is connected to the proxy.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{ProxyType, QHostAddress, QNetworkProxy, QTcpServer, SocketErrorKind};
    ///
    /// let server = QTcpServer::new();
    /// server.set_proxy(QNetworkProxy::new(ProxyType::Http, "proxy.example", 3128));
    /// let error = server.listen(QHostAddress::Any, 0).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    /// assert_eq!(server.proxy().host_name(), "proxy.example");
    /// ```
    #[doc(alias = "setProxy")]
    pub fn set_proxy(&self, proxy: QNetworkProxy) {
        let own = (proxy.proxy_type() != ProxyType::Default).then(|| Box::new(proxy));
        self.proxy.replace(own);
    }

    /// Listens with a socket that listens already: one that another process has left to this one,
    /// or that was made with options that [`listen`](QTcpServer::listen) does not know.
    ///
    /// The server owns the descriptor from here on, also if it cannot use it.
    ///
    /// ```
    /// use std::net::TcpListener;
    /// use qnetwork::{QTcpServer, SocketErrorKind};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    /// let port = listener.local_addr().unwrap().port();
    /// let server = QTcpServer::new();
    /// server.set_socket_descriptor(listener)?;
    /// assert!(server.is_listening() && server.server_port() == port);
    ///
    /// let file = std::fs::File::open("/dev/null").unwrap();
    /// let error = QTcpServer::new().set_socket_descriptor(file).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) for what is no
    /// TCP socket that listens (where Qt listens in vain). A server that listens already goes on as
    /// it is, and refuses with [`Operation`](SocketErrorKind::Operation) and a warning in the log.
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor(&self, descriptor: impl Into<OwnedFd>) -> Result<(), SocketError> {
        if self.is_deleted() || self.is_listening() {
            qcore::q_warning!("QTcpServer::setSocketDescriptor() called when already listening");
            let text = "The server is listening already, or was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        self.start(Listener::adopt(self.register(), descriptor.into()).map(Listening::Here))
    }

    /// The number of the operating system's descriptor, -1 if the server does not listen.
    #[doc(alias = "socketDescriptor")]
    #[must_use]
    pub fn socket_descriptor(&self) -> i32 {
        self.listener.borrow().as_ref().map_or(-1, Listening::descriptor)
    }

    /// Stops listening. Connections that were accepted and not taken are closed.
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether the server listens.
    #[doc(alias = "isListening")]
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listener.borrow().is_some()
    }

    /// The address at which the server listens, null if it does not.
    #[doc(alias = "serverAddress")]
    #[must_use]
    pub fn server_address(&self) -> QHostAddress {
        self.listener.borrow().as_ref().map(|listener| listener.place().0).unwrap_or_default()
    }

    /// The port at which the server listens, 0 if it does not.
    #[doc(alias = "serverPort")]
    #[must_use]
    pub fn server_port(&self) -> u16 {
        self.listener.borrow().as_ref().map_or(0, |listener| listener.place().1)
    }

    // ---- accepting

    /// Accepts no connections until [`resume_accepting`](QTcpServer::resume_accepting). They wait
    /// with the system meanwhile, 1024 of them at most.
    ///
    /// As in Qt, [taking](QTcpServer::next_pending_connection) a connection that was accepted
    /// before resumes it as well, [waiting](QTcpServer::wait_for_new_connection) for one accepts
    /// it, and a slot of [`new_connection`](TcpServerNode::new_connection) that pauses is called
    /// for those that wait already. Does nothing if the server does not listen.
    #[doc(alias = "pauseAccepting")]
    pub fn pause_accepting(&self) {
        if self.is_listening() {
            self.hold.set(Hold::Paused);
        }
    }

    /// Accepts connections again after [`pause_accepting`](QTcpServer::pause_accepting), or at once
    /// after an [error](TcpServerNode::accept_error).
    #[doc(alias = "resumeAccepting")]
    pub fn resume_accepting(&self) {
        let waits = self.0.stop_retrying();
        self.0.resume();
        if waits {
            self.0.requeue();
        }
    }

    /// Has a handler called with the descriptor of each connection that is accepted: what in Qt
    /// reimplementing `incomingConnection()` is for.
    ///
    /// The descriptor is the handler's. It is in blocking mode. Usually the handler makes a socket
    /// of the class that is wanted, gives it the descriptor and [adds
    /// it](QTcpServer::add_pending_connection) to those that
    /// [`next_pending_connection`](QTcpServer::next_pending_connection) returns; but it may also
    /// keep the connection, hand the descriptor to a thread, or drop it, which closes the
    /// connection. In any case [`new_connection`](TcpServerNode::new_connection) is emitted after
    /// it.
    ///
    /// `handler` is a method or a closure of `receiver`: an object, the server itself for example,
    /// or an `Rc` of anything. The server does not keep the receiver; without it, and after
    /// [`clear_incoming_connection`](QTcpServer::clear_incoming_connection), it makes a
    /// [`QTcpSocket`] of each connection, as at first. There is one handler at a time.
    ///
    /// # Examples
    ///
    /// What in Qt is a class derived from QTcpServer, with sockets of its own, is a struct around
    /// one:
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

    /// Makes a [`QTcpSocket`] of each connection again, without a
    /// [handler](QTcpServer::set_incoming_connection).
    pub fn clear_incoming_connection(&self) {
        self.state.handler().clear();
    }

    /// Appends a socket to those that
    /// [`next_pending_connection`](QTcpServer::next_pending_connection) returns.
    ///
    /// For [handlers](QTcpServer::set_incoming_connection) of connections. A socket without a
    /// parent becomes a child of the server, which in Qt is for the handler to do. The limit of
    /// [pending connections](QTcpServer::max_pending_connections) does not apply, but is looked at
    /// before the next connection is accepted; and the server need not listen.
    #[doc(alias = "addPendingConnection")]
    pub fn add_pending_connection(&self, socket: QTcpSocket) {
        if !self.is_deleted() {
            self.0.add_pending(socket);
        }
    }

    /// Whether there is a connection to be taken.
    #[doc(alias = "hasPendingConnections")]
    #[must_use]
    pub fn has_pending_connections(&self) -> bool {
        self.state.has_pending()
    }

    /// Takes the next connection that was accepted, if there is one. It is a child of the server,
    /// unless a [handler](QTcpServer::set_incoming_connection) has given it another parent.
    ///
    /// There may be some also while the server does not listen; Qt's warning is given then.
    #[doc(alias = "nextPendingConnection")]
    #[must_use]
    pub fn next_pending_connection(&self) -> Option<QTcpSocket> {
        loop {
            let socket = self.state.pop()?;
            if socket.is_deleted() {
                continue;
            }
            if self.is_listening() {
                self.0.resume();
            } else {
                qcore::q_warning!("QTcpServer::nextPendingConnection() called while not listening");
            }
            return Some(socket);
        }
    }

    /// Waits for a connection with no loop, at most until a deadline: milliseconds, -1 being for
    /// ever, or a `Duration`. It is accepted then, and has been told of by
    /// [`new_connection`](TcpServerNode::new_connection).
    ///
    /// # Errors
    ///
    /// [`SocketTimeout`](SocketErrorKind::SocketTimeout) for the deadline,
    /// [`Operation`](SocketErrorKind::Operation) if the server does not listen.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpStream;
    /// use qnetwork::{QHostAddress, QTcpServer, SocketErrorKind};
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let error = server.wait_for_new_connection(1).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::SocketTimeout);
    /// let _stream = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    /// server.wait_for_new_connection(5000)?;
    /// assert!(server.next_pending_connection().is_some());
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "waitForNewConnection")]
    pub fn wait_for_new_connection(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        // A slot may drop the last handle.
        let node = self.0.node().clone();
        node.wait(deadline.into())
    }

    /// How many accepted connections may wait to be taken; 30 by default.
    #[doc(alias = "maxPendingConnections")]
    #[must_use]
    pub fn max_pending_connections(&self) -> i32 {
        self.state.max_pending()
    }

    /// Sets how many accepted connections may wait to be taken. More are left to the system until
    /// one was, also if the limit is raised meanwhile; with none waiting, raising it is enough.
    #[doc(alias = "setMaxPendingConnections")]
    pub fn set_max_pending_connections(&self, count: i32) {
        self.state.set_max_pending(count);
        if count > 0 && !self.has_pending_connections() && self.hold.get() == Hold::Full {
            // Nobody could take one. Qt's server would not accept any more, for ever.
            self.0.resume();
        }
    }

    /// What went wrong last; [`SocketErrorKind::Unknown`] if nothing did.
    #[doc(alias = "serverError")]
    #[must_use]
    pub fn server_error(&self) -> SocketErrorKind {
        self.state.error_kind()
    }

    /// The text of the last error, empty if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> String {
        self.state.error_string()
    }

    fn start(&self, listener: Result<Listening, SocketError>) -> Result<(), SocketError> {
        let listener = listener.map_err(|error| self.state.keep_error(error))?;
        if self.is_deleted() || self.is_listening() {
            // The factory that was asked for a proxy has done it.
            let text = "The server is listening already, or was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        self.hold.set(Hold::No);
        if let Listening::There(_) = listener {
            // Somebody may have come along with the answer that the proxy listens.
            self.state.more.set(true);
            listener.requeue();
        }
        self.listener.replace(Some(listener));
        Ok(())
    }
}

impl TcpServerNode {
    fn make(life: &Rc<Life>) -> Rc<Self> {
        Rc::new_cyclic(|this| TcpServerNode {
            new_connection: Signal::in_life(life),
            accept_error: Signal::in_life(life),
            base: QObject::embed(life),
            this: this.clone(),
            listener: RefCell::new(None),
            state: ServerState::default(),
            hold: Cell::new(Hold::No),
            proxy: RefCell::default(),
            reception: OnceCell::new(),
        })
    }

    /// Adds the server to the loop's sources.
    fn register(&self) -> Registration {
        self.life().dispatcher().add_source(self.this.clone())
    }

    /// Leads connections to the class that the server is of. Only the first call counts.
    #[cfg(feature = "_tls")]
    pub(crate) fn set_reception(&self, reception: Weak<dyn Reception>) {
        let _ = self.reception.set(reception);
    }

    fn reception(&self) -> Option<Rc<dyn Reception>> {
        self.reception.get()?.upgrade()
    }

    fn close(&self) {
        self.stop_retrying();
        let listener = self.listener.take();
        drop(listener);
        if let Some(reception) = self.reception() {
            reception.close();
        }
        for socket in self.state.take_pending() {
            socket.abort();
            // The server is a holder, too, as the parent: then this was the last handle.
            socket.set_parent(None);
        }
    }
}

impl fmt::Debug for TcpServerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpServerNode")
            .field("listening", &self.listener.borrow().is_some())
            .field("pending", &self.state.pending_count())
            .finish_non_exhaustive()
    }
}
