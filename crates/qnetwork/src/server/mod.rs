//! Servers: what accepts connections.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt, io,
    net::SocketAddr,
    rc::{Rc, Weak},
    time::Duration,
};

use mio::{
    Interest,
    net::{TcpListener, TcpStream},
};
use qcore::{
    QDeadlineTimer, QObject, Signal, TimerType, class,
    event_loop::{EventSource, Readiness, Registration, TimerHandler, TimerId},
    object::{Handle, Life, Node, Object},
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{QHostAddress, QTcpSocket, SocketError, SocketErrorKind, engine::named, sys};

/// How many connections may wait with the system.
const BACKLOG: i32 = 1024;
/// How many are accepted in one turn of the loop.
const BUDGET: usize = 64;
/// How long to wait where the system has no descriptor for one more.
const RETRY: Duration = Duration::from_millis(100);

class! {
    /// A TCP server: accepts connections and hands them out as sockets.
    ///
    /// The sockets are children of the server, so that they need nobody to hold them and die with it;
    /// [`delete_later`](QObject::delete_later) when they are done with keeps them from piling up.
    /// Stands for Qt's [QTcpServer](https://doc.qt.io/qt-5/qtcpserver.html).
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
    /// A connection was accepted: [`next_pending_connection`](QTcpServer::next_pending_connection) has
    /// it. Emitted once for each.
    #[doc(alias = "newConnection")]
    pub new_connection: Signal<()>,
    /// A connection could not be accepted. The server goes on, and where the system was out of
    /// descriptors it tries again soon.
    #[doc(alias = "acceptError")]
    pub accept_error: Signal<SocketErrorKind>,
    base: QObject,
    this: Weak<TcpServerNode>,
    listener: RefCell<Option<Listener>>,
    pending: RefCell<VecDeque<QTcpSocket>>,
    max_pending: Cell<i32>,
    /// There may be more to accept: the system has not said "would block" yet.
    more: Cell<bool>,
    /// There may be more to accept, but the queue is full.
    held_back: Cell<bool>,
    retry: Cell<Option<TimerId>>,
    error: RefCell<Option<SocketError>>,
}

struct Listener {
    io: TcpListener,
    registration: Registration,
    address: QHostAddress,
    port: u16,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.registration.deregister(&mut self.io);
    }
}

impl Node for TcpServerNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.close();
    }
}

impl QTcpServer {
    /// A server that does not listen yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        QTcpServer(Handle::new(Rc::new_cyclic(|this| TcpServerNode {
            new_connection: Signal::in_life(&life),
            accept_error: Signal::in_life(&life),
            base: QObject::embed(&life),
            this: this.clone(),
            listener: RefCell::new(None),
            pending: RefCell::default(),
            max_pending: Cell::new(30),
            more: Cell::new(false),
            held_back: Cell::new(false),
            retry: Cell::new(None),
            error: RefCell::new(None),
        })))
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
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) for an address that
    /// the system does not know how to use. A server that listens already goes on as it is, and refuses with
    /// [`Operation`](SocketErrorKind::Operation) and a warning in the log.
    pub fn listen(&self, address: impl Into<QHostAddress>, port: u16) -> Result<(), SocketError> {
        if self.is_deleted() || self.is_listening() {
            qcore::q_warning!("QTcpServer::listen() called when already listening");
            let text = "The server is listening already, or was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        let listener = self.open(&address.into(), port).inspect_err(|error| {
            self.error.replace(Some(error.clone()));
        })?;
        self.held_back.set(false);
        *self.listener.borrow_mut() = Some(listener);
        Ok(())
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
        self.listener.borrow().as_ref().map(|listener| listener.address.clone()).unwrap_or_default()
    }

    /// The port at which the server listens, 0 if it does not.
    #[doc(alias = "serverPort")]
    #[must_use]
    pub fn server_port(&self) -> u16 {
        self.listener.borrow().as_ref().map_or(0, |listener| listener.port)
    }

    /// Whether there is a connection to be taken.
    #[doc(alias = "hasPendingConnections")]
    #[must_use]
    pub fn has_pending_connections(&self) -> bool {
        !self.pending.borrow().is_empty()
    }

    /// Takes the next connection that was accepted, if there is one. It is a child of the server.
    #[doc(alias = "nextPendingConnection")]
    #[must_use]
    pub fn next_pending_connection(&self) -> Option<QTcpSocket> {
        let socket = self.pending.borrow_mut().pop_front()?;
        self.0.accept_again();
        Some(socket)
    }

    /// Waits for a connection with no loop, at most until a deadline: milliseconds, -1 being for ever, or
    /// a `Duration`. It is accepted then, and has been told of by
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
        self.max_pending.get()
    }

    /// Sets how many accepted connections may wait to be taken. More are left to the system until one
    /// was, also if the limit is raised meanwhile; with none waiting, raising it is enough.
    #[doc(alias = "setMaxPendingConnections")]
    pub fn set_max_pending_connections(&self, count: i32) {
        self.max_pending.set(count);
        if count > 0 && !self.has_pending_connections() {
            // Nobody could take one. Qt's server would not accept any more, for ever.
            self.0.accept_again();
        }
    }

    /// What went wrong last; [`SocketErrorKind::Unknown`] if nothing did.
    #[doc(alias = "serverError")]
    #[must_use]
    pub fn server_error(&self) -> SocketErrorKind {
        self.error.borrow().as_ref().map(SocketError::kind).unwrap_or_default()
    }

    /// The text of the last error, empty if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> String {
        self.error.borrow().as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn open(&self, address: &QHostAddress, port: u16) -> Result<Listener, SocketError> {
        let at = |address: &QHostAddress| {
            address.to_socket_addr(port, sys::interface_index).ok_or_else(SocketError::unsupported)
        };
        let any = *address == QHostAddress::Any;
        let address = if address.is_null() { &QHostAddress::AnyIPv4 } else { address };
        let socket = match bind(at(address)?, !any) {
            // A machine without IPv6.
            Err(_) if any => bind(at(&QHostAddress::AnyIPv4)?, false),
            result => result,
        }?;
        let mut io = TcpListener::from_std(socket.into());
        let local = io.local_addr().map_err(|error| sys::other_error(&error))?;
        let source: Weak<dyn EventSource> = self.this.clone();
        let registration = self.life().dispatcher().add_source(source);
        registration
            .register(&mut io, Interest::READABLE)
            .map_err(|error| sys::other_error(&error))?;
        let (named, port) = named(&local);
        let address = if any && local.is_ipv6() { QHostAddress::Any } else { named };
        Ok(Listener { io, registration, address, port })
    }
}

/// A socket that listens at an address.
fn bind(address: SocketAddr, only_v6: bool) -> Result<Socket, SocketError> {
    let make = || {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(only_v6)?;
        }
        Ok(socket)
    };
    let socket = make().map_err(|error: io::Error| sys::other_error(&error))?;
    socket
        .bind(&address.into())
        .and_then(|()| socket.listen(BACKLOG))
        .map_err(|error| sys::bind_error(&error))?;
    Ok(socket)
}

impl TcpServerNode {
    fn close(&self) {
        self.stop_retrying();
        let listener = self.listener.take();
        drop(listener);
        for socket in self.pending.take() {
            socket.abort();
            // The server is a holder, too, as the parent: then this was the last handle.
            socket.set_parent(None);
        }
    }

    /// Goes on to accept, if the limit has kept the server from it.
    fn accept_again(&self) {
        if self.held_back.replace(false) {
            self.requeue();
        }
    }

    fn wait(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        loop {
            if self.listener.borrow().is_none() {
                let text = "The server does not listen";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            // With the queue full, what comes waits with the system. It has come.
            if self.more.get() && (self.accept() || self.held_back.get()) {
                return Ok(());
            }
            if self.retry.get().is_some()
                && let Some(error) = self.error.borrow().clone()
            {
                return Err(error);
            }
            let ready = match &*self.listener.borrow() {
                Some(listener) => listener.registration.wait(deadline),
                None => continue,
            };
            match ready {
                Some(ready) => self.note(ready),
                None => {
                    let text = "Network operation timed out";
                    let error = SocketError::new(SocketErrorKind::SocketTimeout, text);
                    self.error.replace(Some(error.clone()));
                    return Err(error);
                }
            }
        }
    }

    fn note(&self, ready: Readiness) {
        if ready.contains(Readiness::READABLE) {
            self.more.set(true);
        }
    }

    /// Accepts what waits with the system. Returns whether anything did.
    fn accept(&self) -> bool {
        let mut any = false;
        for _ in 0..BUDGET {
            let room = usize::try_from(self.max_pending.get()).unwrap_or(0);
            if self.pending.borrow().len() >= room {
                self.held_back.set(true);
                return any;
            }
            let accepted = match &*self.listener.borrow() {
                Some(listener) => listener.io.accept(),
                None => return any,
            };
            match accepted {
                Ok((stream, peer)) => {
                    any = true;
                    self.on_accepted(stream, peer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.more.set(false);
                    return any;
                }
                Err(error) if sys::is_lost_connection(&error) => {}
                Err(error) => {
                    self.on_accept_error(&error);
                    return any;
                }
            }
        }
        self.requeue();
        any
    }

    /// Asks for another call of `ready`, which says nothing new.
    fn requeue(&self) {
        if let Some(listener) = &*self.listener.borrow() {
            listener.registration.requeue(Readiness::empty());
        }
    }

    fn on_accepted(&self, stream: TcpStream, peer: SocketAddr) {
        let socket = QTcpSocket::new();
        if let Err(error) = socket.adopt(stream, peer) {
            return self.report(error);
        }
        socket.set_parent(Some(&self.base));
        self.pending.borrow_mut().push_back(socket);
        // First of all: a loop that a slot runs goes on to accept, and so does this one if it panics.
        self.requeue();
        self.new_connection.emit(());
    }

    fn on_accept_error(&self, error: &io::Error) {
        // The connection still waits: without a pause this would be told again and again.
        let id = self.life().dispatcher().start_timer(RETRY, TimerType::Coarse, self.this.clone());
        self.stop_retrying();
        self.retry.set(Some(id));
        if !sys::is_out_of_resources(error) {
            qcore::q_warning!("QTcpServer: cannot accept: {error}");
        }
        self.report(sys::other_error(error));
    }

    fn report(&self, error: SocketError) {
        let kind = error.kind();
        self.error.replace(Some(error));
        self.accept_error.emit(kind);
    }

    fn stop_retrying(&self) {
        if let Some(id) = self.retry.take() {
            self.life().dispatcher().stop_timer(id);
        }
    }
}

impl EventSource for TcpServerNode {
    fn ready(self: Rc<Self>, ready: Readiness) {
        self.note(ready);
        if self.more.get() && self.retry.get().is_none() && !self.held_back.get() {
            self.accept();
        }
    }
}

impl TimerHandler for TcpServerNode {
    fn timer_due(self: Rc<Self>, _: TimerId) {
        self.stop_retrying();
        self.accept();
    }
}

impl fmt::Debug for TcpServerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpServerNode")
            .field("listening", &self.listener.borrow().is_some())
            .field("pending", &self.pending.borrow().len())
            .finish_non_exhaustive()
    }
}
