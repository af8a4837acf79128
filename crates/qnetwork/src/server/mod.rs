//! TCP servers.
//!
//! `listening.rs` has the listening socket, and `accepting.rs` accepts connections when the loop
//! reports them. `handler.rs` gives descriptors to code of the program. `proxied.rs` is for a
//! server whose proxy listens for it. `workers/` spreads connections over several threads.
//! `shutdown.rs` ends the connections of a server. `state.rs` has what TCP servers and local
//! servers have in common.

mod accepting;
#[cfg(feature = "tasks")]
mod awaiting;
mod handler;
mod listening;
mod proxied;
mod shutdown;
mod state;
mod workers;

use std::{
    cell::{Cell, OnceCell, RefCell},
    fmt,
    net::SocketAddr,
    os::fd::{OwnedFd, RawFd},
    rc::{Rc, Weak},
    time::Duration,
};

use mio::net::TcpStream;
use qcore::{
    QDeadlineTimer, QObject, Signal,
    classes::Class,
    event_loop::Registration,
    library_class,
    object::{Handle, Life, Node, Object},
};

#[cfg(feature = "tasks")]
pub use self::awaiting::Incoming;
#[cfg(feature = "tasks")]
pub(crate) use self::awaiting::{Accepting, accept, leave, wait_for_connection};
pub use self::{
    handler::IncomingConnection,
    workers::{WorkerError, WorkerErrorKind},
};
use self::{
    listening::{Listener, Listening},
    proxied::ProxyListener,
    workers::Role,
};
pub(crate) use self::{
    shutdown::{Served, ShutsDown},
    state::ServerState,
};
use crate::{
    address::{Host, QHostAddress},
    proxy::{
        self, ProxyCapabilities, ProxyQueryType, ProxyType, QNetworkProxy, QNetworkProxyQuery,
        Route,
    },
    socket::{QTcpSocket, SocketError, SocketErrorKind, SocketState},
};

library_class! {
    /// A TCP server: it accepts connections and hands them out as sockets.
    ///
    /// Each socket is a child of the server. So the program need not keep a handle of the socket,
    /// and the socket dies with the server. Call [`delete_later`](QObject::delete_later) of a
    /// socket when its connection has ended. Otherwise closed sockets accumulate until the server
    /// dies. If the server is a `QSslServer`, [`cast`](QObject::cast) returns a handle of this
    /// class. Stands for Qt's [QTcpServer](https://doc.qt.io/qt-5/qtcpserver.html).
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
    pub struct QTcpServer(TcpServerNode): QObject = base;
    virtual (QTcpServer, <QObject as Class>::Virtual)
}

/// The signals of a [`QTcpServer`].
pub struct TcpServerNode {
    /// The server has accepted a connection;
    /// [`next_pending_connection`](QTcpServer::next_pending_connection) returns it. Emitted once
    /// for each connection.
    #[doc(alias = "newConnection")]
    pub new_connection: Signal<()>,
    /// The server could not accept a connection, for example because the process has no descriptor
    /// left. It keeps listening and tries again after 100 ms. If a [proxy](QTcpServer::set_proxy)
    /// listens for the server, it tries again after a second or more.
    #[doc(alias = "acceptError")]
    pub accept_error: Signal<SocketErrorKind>,
    /// A [worker](QTcpServer::set_workers) has ended before the server, for example because a slot
    /// has panicked in its thread.
    pub worker_failed: Signal<WorkerError>,
    /// The server is [shutting down](QTcpServer::shutdown). A slot may say goodbye to the client,
    /// and has to disconnect this socket. Emitted once for each connection. If no slot is
    /// connected, the server calls
    /// [`disconnect_from_host`](crate::QAbstractSocket::disconnect_from_host) instead.
    pub shutting_down: Signal<QTcpSocket>,
    /// The server has [shut down](QTcpServer::shutdown), and all connections have ended. The value
    /// is the number of connections that the server has aborted at the deadline. Emitted once for
    /// each shutdown.
    pub shutdown_finished: Signal<usize>,
    base: QObject,
    this: Weak<TcpServerNode>,
    listener: RefCell<Option<Rc<Listening>>>,
    state: ServerState<QTcpSocket>,
    hold: Cell<Hold>,
    /// The derived class that takes connections before the server hands them out.
    reception: OnceCell<Weak<dyn Reception>>,
    /// The server's own proxy, if it has one.
    proxy: RefCell<Option<Box<QNetworkProxy>>>,
    /// The server's part among several, if it has workers or belongs to a worker.
    role: OnceCell<Box<Role>>,
}

/// A derived class that processes a connection before the server hands it out.
pub(crate) trait Reception {
    /// Returns how many connections it is processing. They count as pending connections.
    fn count(&self) -> usize;

    /// Takes a connection.
    fn receive(&self, stream: TcpStream, peer: SocketAddr);

    /// Stops processing, because the server stops listening.
    fn close(&self);
}

/// Why a server does not accept connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    No,
    /// The queue of pending connections is full.
    Full,
    /// The program has paused the server.
    Paused,
}

impl Node for TcpServerNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.end();
    }
}

impl QTcpServer {
    /// Creates a server that does not listen yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        QTcpServer(Handle::new(TcpServerNode::make(&Life::new())))
    }

    /// Creates the server part of an object of a derived class.
    #[cfg(feature = "_tls")]
    pub(crate) fn embed(life: &Rc<Life>) -> Self {
        QTcpServer(Handle::embed(TcpServerNode::make(life)))
    }

    /// Listens at an address and a port. With port 0 the system chooses the port, and
    /// [`server_port`](QTcpServer::server_port) returns it.
    ///
    /// [`QHostAddress::Any`] means all addresses of this machine, IPv4 and IPv6.
    /// [`AnyIPv6`](QHostAddress::AnyIPv6) means only its IPv6 addresses, and a null address only
    /// its IPv4 addresses.
    ///
    /// # Errors
    ///
    /// [`SocketAddressNotAvailable`](SocketErrorKind::SocketAddressNotAvailable) if the address is
    /// a text that is not an address.
    ///
    /// [`AddressInUse`](SocketErrorKind::AddressInUse),
    /// [`SocketAccess`](SocketErrorKind::SocketAccess) and
    /// [`SocketAddressNotAvailable`](SocketErrorKind::SocketAddressNotAvailable) if the system
    /// refuses the address or the port.
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) if the system
    /// does not support such addresses.
    ///
    /// With a [proxy](QTcpServer::set_proxy) this function waits for the proxy for up to 5 seconds;
    /// then the error is [`SocketTimeout`](SocketErrorKind::SocketTimeout). Other failures of the
    /// proxy are the same errors as for a socket that connects through it.
    ///
    /// If the server is listening already, it keeps listening: the error is
    /// [`Operation`](SocketErrorKind::Operation), and a warning is logged.
    pub fn listen<'a>(&self, address: impl Into<Host<'a>>, port: u16) -> Result<(), SocketError> {
        if self.cannot_listen() {
            qcore::q_warning!("QTcpServer::listen() called when already listening");
            let text = "The server is listening already, or was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        let address = match address.into().into_address() {
            Ok(address) => address,
            Err(error) => return self.start(Err(error.into())),
        };
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

    /// Decides how clients reach the server: directly or through a proxy.
    fn route(&self, address: &QHostAddress, port: u16) -> Route {
        // A proxy cannot listen at this machine's loopback address.
        if address.is_loopback() {
            return Route::Direct;
        }
        // Cloned, so that nothing is borrowed while the program's proxy factory runs.
        let own = self.proxy.borrow().as_deref().cloned();
        proxy::resolve(own.as_ref(), "", ProxyCapabilities::LISTENING, || {
            QNetworkProxyQuery::for_server(ProxyQueryType::TcpServer, port, "")
        })
    }

    /// Returns the server's own proxy; one of the type [`Default`](ProxyType::Default) if it has
    /// none.
    #[must_use]
    pub fn proxy(&self) -> QNetworkProxy {
        self.proxy.borrow().as_deref().cloned().unwrap_or_default()
    }

    /// Sets the proxy that listens for the server. It takes effect at the next
    /// [`listen`](QTcpServer::listen).
    ///
    /// [`Default`](ProxyType::Default) means the proxy of the application or of the system, if it
    /// can listen. [`NoProxy`](ProxyType::NoProxy) means no proxy, even if the application has one.
    /// A server that listens at a loopback address never uses a proxy. Only SOCKS5 proxies can
    /// listen; with any other proxy `listen` fails with
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation).
    ///
    /// [`server_address`](QTcpServer::server_address) and [`server_port`](QTcpServer::server_port)
    /// return where the proxy listens. A proxy listens for one connection. After that connection,
    /// and once there is room for another pending connection, the server asks the proxy for the
    /// same port again. Until the proxy listens again, clients are refused. If the proxy no longer
    /// offers that port, the server gets another one. If the proxy fails, the server emits
    /// [`accept_error`](TcpServerNode::accept_error) and retries after a second; further retries
    /// come at longer intervals, up to 30 seconds. The sockets return the addresses that the proxy
    /// reports. A [handler](QTcpServer::set_incoming_connection) gets a descriptor that is
    /// connected to the proxy.
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

    /// Uses a socket that is already listening: one that was inherited from another process, or one
    /// with options that [`listen`](QTcpServer::listen) cannot set.
    ///
    /// The server owns the descriptor, even if this function fails.
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
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) if the
    /// descriptor is not a listening TCP socket. (Qt accepts such a descriptor but never gets a
    /// connection.) If the server is listening already, it keeps listening: the error is
    /// [`Operation`](SocketErrorKind::Operation), and a warning is logged.
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor(&self, descriptor: impl Into<OwnedFd>) -> Result<(), SocketError> {
        if self.cannot_listen() {
            qcore::q_warning!("QTcpServer::setSocketDescriptor() called when already listening");
            let text = "The server is listening already, or was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        self.start(Listener::adopt(self.register(), descriptor.into()).map(Listening::Here))
    }

    /// Returns the number of the descriptor; `None`, where Qt returns -1, if the server
    /// does not listen.
    #[doc(alias = "socketDescriptor")]
    #[must_use]
    pub fn socket_descriptor(&self) -> Option<RawFd> {
        self.listening().map(|listening| listening.descriptor()).filter(|&number| number != -1)
    }

    /// Stops listening, and closes the connections that the program has not taken.
    pub fn close(&self) {
        match self.0.part() {
            Some(part) => part.tell(TcpServerNode::close),
            None => self.0.close(),
        }
    }

    /// Stops listening, waits until all connections have ended, and aborts the remaining ones at
    /// the deadline. The deadline is a number of milliseconds, -1 for no limit, or a `Duration`.
    ///
    /// The server [closes](QTcpServer::close). Then it emits
    /// [`shutting_down`](TcpServerNode::shutting_down) for each of its connections. A slot may say
    /// goodbye to the client, and disconnects the socket, now or when its work is done. If no slot
    /// is connected, the server disconnects each socket itself, which sends its unsent bytes. At
    /// the deadline the server aborts the remaining connections. When all connections have ended,
    /// the loop emits [`shutdown_finished`](TcpServerNode::shutdown_finished) with the number of
    /// connections that the server has aborted.
    ///
    /// The connections of a server are the sockets among its children and their children, and those
    /// that [`next_pending_connection`](QTcpServer::next_pending_connection) and
    /// [`accept`](QTcpServer::accept) have returned. A `QSslServer` aborts connections whose
    /// handshake has not finished immediately.
    ///
    /// Calling this function again changes only the deadline. The server may listen again
    /// meanwhile: new connections do not belong to the shutdown. Qt has no such function.
    ///
    /// Emits `shutting_down` before it returns, or the signals of the connections that it
    /// disconnects.
    ///
    /// # Workers
    ///
    /// The servers of [workers](QTcpServer::set_workers) emit `shutting_down` for their
    /// connections, each in its own thread. This server emits `shutdown_finished` once, for all
    /// workers. It waits for a worker until one second after the deadline. If a program calls this
    /// function of a worker's server, this server and all workers shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QCoreApplication, QObject, QTimer};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// let app = QCoreApplication::new();
    /// let server = QTcpServer::new();
    /// server.new_connection.connect_to(&server, |server, ()| {
    ///     while let Some(socket) = server.next_pending_connection() {
    ///         socket.disconnected.connect_slot(&socket, QObject::delete_later);
    ///     }
    /// });
    /// server.shutting_down.connect_to(&server, |_, socket| {
    ///     socket.write("goodbye\n").ok();
    ///     socket.disconnect_from_host();
    /// });
    /// server.shutdown_finished.connect_to(&app, |app, cut| {
    ///     assert_eq!(*cut, 0);
    ///     app.quit();
    /// });
    /// server.listen(QHostAddress::LocalHost, 0)?;
    ///
    /// let client = QTcpSocket::new();
    /// client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    /// client.wait_for_connected(5000)?;
    /// server.wait_for_new_connection(5000)?;
    /// server.shutdown(5000); // after Ctrl-C, for example
    /// app.exec();
    /// assert!(qcore::wait_until(5000, || client.can_read_line()));
    /// assert_eq!(client.read_line(), b"goodbye\n");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "graceful_shutdown")]
    pub fn shutdown(&self, deadline: impl Into<QDeadlineTimer>) {
        let limit = deadline.into().remaining_time();
        match self.0.part() {
            Some(part) => part.tell(move |server| server.begin_shutdown(limit)),
            None if self.is_deleted() => {}
            None => self.0.node().clone().begin_shutdown(limit),
        }
    }

    /// Returns whether the server listens.
    #[doc(alias = "isListening")]
    #[must_use]
    pub fn is_listening(&self) -> bool {
        match self.0.part() {
            Some(part) => part.place().is_some(),
            None => self.listener.borrow().is_some(),
        }
    }

    /// Returns the address at which the server listens; a null address if it does not listen.
    #[doc(alias = "serverAddress")]
    #[must_use]
    pub fn server_address(&self) -> QHostAddress {
        self.0.place().unwrap_or_default().0
    }

    /// Returns the port at which the server listens; 0 if it does not listen.
    #[doc(alias = "serverPort")]
    #[must_use]
    pub fn server_port(&self) -> u16 {
        self.0.place().unwrap_or_default().1
    }

    // ---- accepting

    /// Stops accepting connections until [`resume_accepting`](QTcpServer::resume_accepting). New
    /// connections stay in the kernel's backlog, which holds up to 1024 of them.
    ///
    /// As in Qt, a paused server still behaves as follows.
    /// [Taking](QTcpServer::next_pending_connection) a connection that was accepted before resumes
    /// the server. [Waiting](QTcpServer::wait_for_new_connection) for a connection accepts one. If
    /// a slot of [`new_connection`](TcpServerNode::new_connection) pauses the server, the server
    /// still accepts the connections that are in the backlog at that moment. The function does
    /// nothing if the server does not listen.
    #[doc(alias = "pauseAccepting")]
    pub fn pause_accepting(&self) {
        match self.0.part() {
            Some(part) => part.tell(TcpServerNode::pause),
            None => self.0.pause(),
        }
    }

    /// Accepts connections again after [`pause_accepting`](QTcpServer::pause_accepting). If the
    /// server waits for its next try after an [error](TcpServerNode::accept_error), it tries again
    /// immediately.
    #[doc(alias = "resumeAccepting")]
    pub fn resume_accepting(&self) {
        match self.0.part() {
            Some(part) => part.tell(TcpServerNode::resume_accepting),
            None => self.0.resume_accepting(),
        }
    }

    /// Returns whether there is a connection that the program has not taken yet.
    #[doc(alias = "hasPendingConnections")]
    #[must_use]
    pub fn has_pending_connections(&self) -> bool {
        self.state.has_pending()
    }

    /// Returns the next accepted connection, if there is one. The socket is a child of the server,
    /// unless a [handler](QTcpServer::set_incoming_connection) has given it another parent.
    ///
    /// The program may call this function even if the server does not listen. Then the server logs
    /// Qt's warning.
    #[doc(alias = "nextPendingConnection")]
    #[must_use]
    pub fn next_pending_connection(&self) -> Option<QTcpSocket> {
        loop {
            let Some(socket) = self.state.pop() else {
                self.0.publish();
                return None;
            };
            if socket.is_deleted() {
                continue;
            }
            if self.is_listening() {
                self.0.resume();
            } else if self.state.shutdown().is_some() {
                self.0.publish();
            } else {
                self.0.publish();
                qcore::q_warning!("QTcpServer::nextPendingConnection() called while not listening");
            }
            if socket.parent().as_ref() != Some(&**self) {
                self.state.note_left(&socket);
            }
            return Some(socket);
        }
    }

    /// Waits for a connection; no loop needs to run. The deadline is a number of milliseconds, -1
    /// for no limit, or a `Duration`. Accepts the connection and emits
    /// [`new_connection`](TcpServerNode::new_connection) before it returns.
    ///
    /// # Errors
    ///
    /// [`SocketTimeout`](SocketErrorKind::SocketTimeout) when the deadline passes;
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

    /// Returns how many accepted connections may wait to be taken; 30 by default.
    #[doc(alias = "maxPendingConnections")]
    #[must_use]
    pub fn max_pending_connections(&self) -> i32 {
        match self.0.part() {
            Some(part) => part.max_pending(),
            None => self.state.max_pending(),
        }
    }

    /// Sets how many accepted connections may wait to be taken. Further connections stay in the
    /// kernel's backlog until one is taken. If the limit is raised while connections are waiting,
    /// it takes effect when the next one is taken; if none is waiting, it takes effect immediately.
    #[doc(alias = "setMaxPendingConnections")]
    pub fn set_max_pending_connections(&self, count: i32) {
        match self.0.part() {
            Some(part) => part.set_max_pending(count),
            None => self.0.change_max_pending(count),
        }
    }

    /// Returns the kind of the last error; [`SocketErrorKind::Unknown`] if there was none.
    #[doc(alias = "serverError")]
    #[must_use]
    pub fn server_error(&self) -> SocketErrorKind {
        self.state.error_kind()
    }

    /// Returns the text of the last error; empty if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> String {
        self.state.error_string()
    }

    fn cannot_listen(&self) -> bool {
        self.is_deleted() || self.0.part().is_some() || self.is_listening()
    }

    fn start(&self, listener: Result<Listening, SocketError>) -> Result<(), SocketError> {
        let listener = listener.map_err(|error| self.state.keep_error(error))?;
        if self.cannot_listen() {
            // The program's proxy factory has made the server listen, or deleted it.
            let text = "The server is listening already, or was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        self.0.start_workers(listener.place()).map_err(|error| self.state.keep_error(error))?;
        self.hold.set(Hold::No);
        if let Listening::There(_) = listener {
            // A client may have connected in the same packet in which the proxy reported that it
            // listens.
            self.state.more.set(true);
            listener.requeue();
        }
        self.listener.replace(Some(Rc::new(listener)));
        Ok(())
    }
}

impl TcpServerNode {
    fn make(life: &Rc<Life>) -> Rc<Self> {
        Rc::new_cyclic(|this| TcpServerNode {
            new_connection: Signal::in_life(life),
            accept_error: Signal::in_life(life),
            worker_failed: Signal::in_life(life),
            shutting_down: Signal::in_life(life),
            shutdown_finished: Signal::in_life(life),
            base: QObject::embed(life),
            this: this.clone(),
            listener: RefCell::new(None),
            state: ServerState::default(),
            hold: Cell::new(Hold::No),
            proxy: RefCell::default(),
            reception: OnceCell::new(),
            role: OnceCell::new(),
        })
    }

    /// Adds the server to the loop's sources.
    fn register(&self) -> Registration {
        self.life().dispatcher().add_source(self.this.clone())
    }

    /// Sets the derived class that takes connections. Only the first call counts.
    #[cfg(feature = "_tls")]
    pub(crate) fn set_reception(&self, reception: Weak<dyn Reception>) {
        let _ = self.reception.set(reception);
    }

    fn reception(&self) -> Option<Rc<dyn Reception>> {
        self.reception.get()?.upgrade()
    }

    /// Runs when the object is destroyed.
    pub(crate) fn end(&self) {
        self.close();
        self.end_workers();
        self.state.handler().clear();
    }

    fn close(&self) {
        self.stop_retrying();
        let listener = self.listener.take();
        drop(listener);
        self.close_workers();
        self.close_untaken();
    }

    /// Returns the address and the port at which clients connect.
    fn place(&self) -> Option<(QHostAddress, u16)> {
        match self.part() {
            Some(part) => part.place(),
            None => self.listening().map(|listening| listening.place()),
        }
    }

    fn pause(&self) {
        if self.listener.borrow().is_some() {
            self.hold.set(Hold::Paused);
        }
    }

    fn resume_accepting(&self) {
        let waits = self.stop_retrying();
        self.resume();
        if waits {
            self.requeue();
        }
    }

    fn change_max_pending(&self, count: i32) {
        self.state.set_max_pending(count);
        if let Some(workers) = self.workers() {
            workers.set_max_pending(count);
        }
        if count > 0 && !self.state.has_pending() && self.hold.get() == Hold::Full {
            // Taking a connection resumes the server, but there is none to take. Qt's server never
            // accepts again in this case.
            self.resume();
        }
    }

    /// Closes the connections that the program has not taken.
    fn close_untaken(&self) {
        if let Some(reception) = self.reception() {
            reception.close();
        }
        for socket in self.state.take_pending() {
            socket.abort();
            // The parent holds its child too. The socket dies here if there is no other handle.
            socket.set_parent(None);
        }
        self.publish();
        #[cfg(feature = "tasks")]
        self.state.closed.emit(());
    }
}

impl ShutsDown for TcpServerNode {
    type Socket = QTcpSocket;

    fn this(&self) -> Weak<Self> {
        self.this.clone()
    }

    fn state(&self) -> &ServerState<QTcpSocket> {
        &self.state
    }

    fn connections(&self) -> Vec<QTcpSocket> {
        let mut sockets = self.base.find_children::<QTcpSocket>(None);
        self.state.add_left(&mut sockets);
        sockets.retain(|socket| socket.state() != SocketState::Unconnected);
        sockets
    }

    fn goodbye(&self) -> &Signal<QTcpSocket> {
        &self.shutting_down
    }

    fn stop(&self) {
        self.close();
    }

    fn workers(&self) -> Vec<usize> {
        self.worker_numbers()
    }

    fn shut_worker_down(&self, number: usize, limit: Option<Duration>) {
        self.shut_down_worker(number, limit);
    }

    fn finish(&self, cut: usize) {
        match self.part() {
            Some(part) => part.tell_shut_down(cut),
            None => self.shutdown_finished.emit(cut),
        }
    }
}

impl fmt::Debug for TcpServerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listening = self.listener.borrow().is_some();
        f.debug_struct("TcpServerNode")
            .field("listening", &listening)
            .field("pending", &self.state.pending_count())
            .finish_non_exhaustive()
    }
}
