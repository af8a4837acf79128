//! [`QLocalServer`].

use std::{
    cell::{Cell, RefCell},
    fmt, fs, io,
    os::fd::{OwnedFd, RawFd},
    path::Path,
    rc::{Rc, Weak},
};

use qcore::{
    QDeadlineTimer, QObject, Receiver, Signal,
    classes::{Class, Overrides, Probe},
    event_loop::Registration,
    internals, library_class,
    object::{Handle, Life, Node, Object},
};

use super::{
    listening::Listener, name, options::LocalServerOptions, socket::QLocalSocket,
    state::LocalSocketState,
};
use crate::{
    server::{IncomingConnection, Served, ServerState, ShutsDown},
    socket::{CloseReason, SocketError, SocketErrorKind},
};

library_class! {
    /// A server for [`QLocalSocket`]s: it accepts connections at a name and hands them out as
    /// sockets.
    ///
    /// On Unix the name is that of a file. The server removes the file when it
    /// [closes](QLocalServer::close) or dies. If a process crashes, its file remains and prevents
    /// the next server from listening; [`remove_server`](QLocalServer::remove_server) removes it.
    /// Each socket is a child of the server. So the program need not keep a handle of the socket,
    /// and the socket dies with the server. Stands for Qt's
    /// [QLocalServer](https://doc.qt.io/qt-5/qlocalserver.html).
    ///
    /// # Examples
    ///
    /// An echo server:
    ///
    /// ```
    /// use qnetwork::QLocalServer;
    ///
    /// let server = QLocalServer::new();
    /// server.new_connection.connect_to(&server, |server, ()| {
    ///     while let Some(socket) = server.next_pending_connection() {
    ///         socket.ready_read.connect_to(&socket, |socket, ()| {
    ///             socket.write(socket.read_all()).ok();
    ///         });
    ///         socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
    ///     }
    /// });
    /// server.listen(format!("qnetwork-echo-{}", std::process::id()))?;
    /// assert!(std::path::Path::new(&server.full_server_name()).exists());
    /// // and now QCoreApplication::exec()
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub struct QLocalServer(LocalServerNode): QObject = base;
    virtual (QLocalServer, <QObject as Class>::Virtual)
}

/// Class `T` overrides the functions of `QLocalServer`.
impl<T: IncomingConnection<QLocalServer>> Overrides<QLocalServer> for Probe<'_, QLocalServer, T> {
    type Outcome = ();

    fn install(&self) {
        let server: &QLocalServer = self.object().as_base();
        server.set_incoming_connection(self.object(), T::incoming_connection);
    }
}

/// The signals of a [`QLocalServer`].
pub struct LocalServerNode {
    /// The server has accepted a connection;
    /// [`next_pending_connection`](QLocalServer::next_pending_connection) returns it. Emitted once
    /// for each connection. The server accepts one connection in a turn of the loop.
    #[doc(alias = "newConnection")]
    pub new_connection: Signal<()>,
    /// The server is [shutting down](QLocalServer::shutdown). A slot may say goodbye to the client,
    /// and has to disconnect this socket. Emitted once for each connection. If no slot is
    /// connected, the server calls [`disconnect_from_server`](QLocalSocket::disconnect_from_server)
    /// instead.
    pub shutting_down: Signal<QLocalSocket>,
    /// The server has [shut down](QLocalServer::shutdown), and all connections have ended. The
    /// value is the number of connections that the server has aborted at the deadline. Emitted once
    /// for each shutdown.
    pub shutdown_finished: Signal<usize>,
    pub(super) base: QObject,
    pub(super) this: Weak<LocalServerNode>,
    pub(super) listener: RefCell<Option<Rc<Listener>>>,
    names: RefCell<Names>,
    options: Cell<LocalServerOptions>,
    pub(super) state: ServerState<QLocalSocket>,
    /// Whether the server accepts connections in the loop: false while too many are pending.
    pub(super) accepts: Cell<bool>,
}

#[derive(Default)]
struct Names {
    name: String,
    full: String,
}

impl Node for LocalServerNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.stop_listening();
        self.state.handler().clear();
    }
}

impl QLocalServer {
    /// Creates a server that does not listen yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        QLocalServer(Handle::new(Rc::new_cyclic(|this| LocalServerNode {
            new_connection: Signal::in_life(&life),
            shutting_down: Signal::in_life(&life),
            shutdown_finished: Signal::in_life(&life),
            base: QObject::embed(&life),
            this: this.clone(),
            listener: RefCell::new(None),
            names: RefCell::default(),
            options: Cell::default(),
            state: ServerState::default(),
            accepts: Cell::new(false),
        })))
    }

    /// Listens at a name. A name that does not begin with a slash is relative to the directory for
    /// temporary files: `TMPDIR`, or `/tmp` if that is not set.
    ///
    /// # Errors
    ///
    /// [`AddressInUse`](SocketErrorKind::AddressInUse) if there is a file of that name, even if
    /// nobody listens there; with [options](QLocalServer::set_socket_options) the server replaces
    /// the file instead. [`HostNotFound`](SocketErrorKind::HostNotFound) if the name is empty or
    /// its directory does not exist. [`SocketAccess`](SocketErrorKind::SocketAccess) if the process
    /// may not create the file. [`Unknown`](SocketErrorKind::Unknown) if the path is too long (more
    /// than 107 bytes on Linux), and for other failures.
    ///
    /// If the server is listening already, it keeps listening: the error is
    /// [`Operation`](SocketErrorKind::Operation), and a warning is logged.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QLocalServer, SocketErrorKind};
    ///
    /// let name = format!("qnetwork-listen-{}", std::process::id());
    /// let server = QLocalServer::new();
    /// server.listen(&name)?;
    /// let error = QLocalServer::new().listen(&name).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::AddressInUse);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn listen(&self, name: impl AsRef<Path>) -> Result<(), SocketError> {
        self.refuse_listening()?;
        let name = name.as_ref();
        if name.as_os_str().is_empty() {
            return Err(self
                .state
                .keep_error(listen_error(&io::Error::from_raw_os_error(libc::ENOENT))));
        }
        let full = name::full_name(name);
        let opened = Listener::open(self.register(), &full, self.options.get());
        let listener = opened.map_err(|error| self.state.keep_error(listen_error(&error)))?;
        self.start(listener, Names { name: name::shown(name), full: name::shown(&full) });
        Ok(())
    }

    /// Uses a Unix socket that is already listening: one that was inherited from another process,
    /// or one with a name in Linux's abstract namespace, which [`listen`](QLocalServer::listen)
    /// cannot create. [`full_server_name`](QLocalServer::full_server_name) returns such a name with
    /// an `@` before it, and `@` for a socket without a name.
    ///
    /// The server owns the descriptor, even if this function fails. It also owns the socket's file.
    /// In Qt this function is an overload of `listen()`.
    ///
    /// # Errors
    ///
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) if the
    /// descriptor is not a Unix stream socket. As in Qt, a socket that is not listening is accepted
    /// here; the server closes when it first tries to accept a connection. If the server is
    /// listening already, it keeps listening: the error is
    /// [`Operation`](SocketErrorKind::Operation), and a warning is logged.
    #[doc(alias = "listen")]
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor(&self, descriptor: impl Into<OwnedFd>) -> Result<(), SocketError> {
        self.refuse_listening()?;
        let (listener, full) =
            Listener::adopt(self.register(), descriptor.into()).map_err(|_| {
                let kind = SocketErrorKind::UnsupportedSocketOperation;
                self.state.keep_error(SocketError::new(kind, "Invalid socket descriptor"))
            })?;
        let name = full.rsplit('/').next().unwrap_or_default().to_owned();
        self.start(listener, Names { name, full });
        Ok(())
    }

    /// Returns the number of the descriptor; `None`, where Qt returns -1, if the server
    /// does not listen.
    #[doc(alias = "socketDescriptor")]
    #[must_use]
    pub fn socket_descriptor(&self) -> Option<RawFd> {
        self.listener.borrow().as_ref().map(|listener| listener.descriptor())
    }

    /// Stops listening, removes the file, and closes the connections that the program has not
    /// taken. It also clears the last error. Does nothing if the server does not listen.
    pub fn close(&self) {
        if self.is_listening() {
            self.0.stop_listening();
            self.state.clear_error();
        }
    }

    /// Stops listening, waits until all connections have ended, and aborts the remaining ones at
    /// the deadline. The deadline is a number of milliseconds, -1 for no limit, or a `Duration`.
    ///
    /// It works like [`QTcpServer::shutdown`](crate::QTcpServer::shutdown). The signals are
    /// [`shutting_down`](LocalServerNode::shutting_down) for each connection, and
    /// [`shutdown_finished`](LocalServerNode::shutdown_finished) at the end. Emits `shutting_down`
    /// before it returns, or the signals of the connections that it disconnects.
    pub fn shutdown(&self, deadline: impl Into<QDeadlineTimer>) {
        if !self.is_deleted() {
            let limit = deadline.into().remaining_time();
            self.0.node().clone().begin_shutdown(limit);
        }
    }

    /// Returns whether the server listens.
    #[doc(alias = "isListening")]
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listener.borrow().is_some()
    }

    /// Returns the name at which the server listens, as it was given; empty if it does not listen.
    #[doc(alias = "serverName")]
    #[must_use]
    pub fn server_name(&self) -> String {
        self.names.borrow().name.clone()
    }

    /// Returns the path of the server's file; empty if the server does not listen.
    #[doc(alias = "fullServerName")]
    #[must_use]
    pub fn full_server_name(&self) -> String {
        self.names.borrow().full.clone()
    }

    /// Removes the file of a server that has crashed. If the server is still listening, clients no
    /// longer find it. The function removes any file of that name but no directory.
    ///
    /// ```
    /// use qnetwork::QLocalServer;
    ///
    /// QLocalServer::remove_server("nobody-listens-here")?;
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SocketAccess`](SocketErrorKind::SocketAccess) if the program has no permission to remove
    /// the file, [`Unknown`](SocketErrorKind::Unknown) if it is a directory. If there is no file,
    /// the function succeeds.
    #[doc(alias = "removeServer")]
    pub fn remove_server(name: impl AsRef<Path>) -> Result<(), SocketError> {
        let path = name::full_name(name.as_ref());
        if !path.exists() {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(server_error("QLocalServer::removeServer", &error))
            }
            _ => Ok(()),
        }
    }

    /// Returns who may connect; [`NO_OPTIONS`](LocalServerOptions::NO_OPTIONS) by default.
    #[doc(alias = "socketOptions")]
    #[must_use]
    pub fn socket_options(&self) -> LocalServerOptions {
        self.options.get()
    }

    /// Sets who may connect. It takes effect at the next [`listen`](QLocalServer::listen).
    ///
    /// ```
    /// use std::{fs, os::unix::fs::PermissionsExt};
    /// use qnetwork::{LocalServerOptions, QLocalServer};
    ///
    /// let server = QLocalServer::new();
    /// server.set_socket_options(LocalServerOptions::USER_ACCESS);
    /// server.listen(format!("qnetwork-options-{}", std::process::id()))?;
    /// let mode = fs::metadata(server.full_server_name())?.permissions().mode();
    /// assert_eq!(mode & 0o777, 0o700);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "setSocketOptions")]
    pub fn set_socket_options(&self, options: LocalServerOptions) {
        self.options.set(options);
    }

    // ---- accepting

    /// Sets a handler that gets the descriptor of each accepted connection. It replaces the virtual
    /// function `incomingConnection()` of Qt.
    ///
    /// The handler owns the descriptor, which is in blocking mode. As in Qt, and unlike
    /// [`QTcpServer`](crate::QTcpServer), the server does not emit
    /// [`new_connection`](LocalServerNode::new_connection) for it, and has no pending connection to
    /// take.
    ///
    /// `handler` is a method or a closure of `receiver`, which is an object (for example the server
    /// itself) or an `Rc` of anything. The server does not keep the receiver alive. Once the
    /// receiver has died, and after
    /// [`clear_incoming_connection`](QLocalServer::clear_incoming_connection), the server creates a
    /// [`QLocalSocket`] for each connection again. A new handler replaces the old one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{io::Write, os::unix::net::UnixStream};
    /// use qnetwork::{QLocalServer, QLocalSocket};
    ///
    /// let server = QLocalServer::new();
    /// server.set_incoming_connection(&server, |_, descriptor| {
    ///     UnixStream::from(descriptor).write_all(b"hello").unwrap();
    /// });
    /// let name = format!("qnetwork-handler-{}", std::process::id());
    /// server.listen(&name)?;
    ///
    /// let client = QLocalSocket::new();
    /// client.connect_to_server(&name);
    /// server.wait_for_new_connection(5000)?;
    /// client.wait_for_disconnected(5000)?;
    /// assert_eq!(client.read_all(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
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

    /// Removes the [handler](QLocalServer::set_incoming_connection): the server creates a
    /// [`QLocalSocket`] for each connection again.
    pub fn clear_incoming_connection(&self) {
        self.state.handler().clear();
    }

    /// Returns whether there is a connection that the program has not taken yet.
    #[doc(alias = "hasPendingConnections")]
    #[must_use]
    pub fn has_pending_connections(&self) -> bool {
        self.state.has_pending()
    }

    /// Returns the next accepted connection, if there is one. The socket is a child of the server.
    #[doc(alias = "nextPendingConnection")]
    #[must_use]
    pub fn next_pending_connection(&self) -> Option<QLocalSocket> {
        loop {
            let socket = self.state.pop()?;
            self.0.accept_by_limit();
            if !socket.is_deleted() {
                if socket.parent().as_ref() != Some(&**self) {
                    self.state.note_left(&socket);
                }
                return Some(socket);
            }
        }
    }

    /// Waits for a connection; no loop needs to run. The deadline is a number of milliseconds, -1
    /// for no limit, or a `Duration`. When the function returns, the server has accepted the
    /// connection, whatever the [limit](QLocalServer::set_max_pending_connections). It emits
    /// [`new_connection`](LocalServerNode::new_connection) before it returns.
    ///
    /// # Errors
    ///
    /// [`SocketTimeout`](SocketErrorKind::SocketTimeout) when the deadline passes; but if
    /// connections wait to be taken, the function succeeds.
    /// [`Operation`](SocketErrorKind::Operation) if the server does not listen.
    /// [`server_error`](QLocalServer::server_error) returns neither of them.
    #[doc(alias = "waitForNewConnection")]
    pub fn wait_for_new_connection(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        // A slot may drop the last handle.
        let node = self.0.node().clone();
        node.wait(deadline.into())
    }

    /// Returns the limit of accepted connections that wait to be taken; 30 by default.
    #[doc(alias = "maxPendingConnections")]
    #[must_use]
    pub fn max_pending_connections(&self) -> i32 {
        self.state.max_pending()
    }

    /// Sets how many accepted connections may wait to be taken. If the number is below 1 when the
    /// server starts to [`listen`](QLocalServer::listen), the loop accepts none.
    ///
    /// As in Qt, the server accepts up to two connections more than the limit. Then it accepts none
    /// until no more connections than the limit are waiting. Up to 50 further connections stay in
    /// the kernel's backlog. If the limit is raised while connections are waiting, it takes effect
    /// when the next one is taken; if none is waiting, it takes effect immediately.
    #[doc(alias = "setMaxPendingConnections")]
    pub fn set_max_pending_connections(&self, count: i32) {
        self.state.set_max_pending(count);
        if count > 0 && !self.has_pending_connections() && self.is_listening() {
            // Taking a connection resumes the server, but there is none to take. In this case Qt's
            // server never accepts again.
            self.0.accept_by_limit();
        }
    }

    /// Returns the kind of the last error since the server was [closed](QLocalServer::close);
    /// [`SocketErrorKind::Unknown`] if there was none.
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

    fn refuse_listening(&self) -> Result<(), SocketError> {
        if self.is_deleted() || self.is_listening() {
            qcore::q_warning!("QLocalServer::listen() called when already listening");
            let text = "The server is listening already, or was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        Ok(())
    }

    fn start(&self, listener: Listener, names: Names) {
        self.names.replace(names);
        self.state.more.set(false);
        self.accepts.set(self.state.max_pending() > 0);
        self.listener.replace(Some(Rc::new(listener)));
    }
}

impl LocalServerNode {
    /// Adds the server to the loop's sources.
    fn register(&self) -> Registration {
        self.life().dispatcher().add_source(self.this.clone())
    }

    fn stop_listening(&self) {
        let pending = self.state.take_pending();
        for socket in pending {
            socket.close();
            // The parent holds its child too. The socket dies here if there is no other handle.
            socket.set_parent(None);
        }
        self.close_listener();
    }

    pub(super) fn close_listener(&self) {
        self.state.stop_retrying(self.life().dispatcher());
        let listener = self.listener.take();
        drop(listener);
        self.names.replace(Names::default());
        #[cfg(feature = "tasks")]
        self.state.closed.emit(());
    }
}

impl Served for QLocalSocket {
    fn closed(&self) -> &Signal<CloseReason> {
        &self.closed
    }

    fn handed_over(&self) -> &Signal<()> {
        internals::handed_over(self)
    }

    fn has_ended(&self) -> bool {
        self.state() == LocalSocketState::Unconnected
    }

    fn disconnect(&self) {
        self.disconnect_from_server();
    }

    fn cut(&self) {
        self.abort();
    }
}

impl ShutsDown for LocalServerNode {
    type Socket = QLocalSocket;

    fn this(&self) -> Weak<Self> {
        self.this.clone()
    }

    fn state(&self) -> &ServerState<QLocalSocket> {
        &self.state
    }

    fn connections(&self) -> Vec<QLocalSocket> {
        let mut sockets = self.base.find_children::<QLocalSocket>(None);
        self.state.add_left(&mut sockets);
        sockets.retain(|socket| socket.state() != LocalSocketState::Unconnected);
        sockets
    }

    fn goodbye(&self) -> &Signal<QLocalSocket> {
        &self.shutting_down
    }

    fn stop(&self) {
        self.stop_listening();
    }

    fn finish(&self, cut: usize) {
        self.shutdown_finished.emit(cut);
    }
}

fn listen_error(error: &io::Error) -> SocketError {
    server_error("QLocalServer::listen", error)
}

/// Converts a failed system call to the error that Qt's server reports.
pub(super) fn server_error(function: &str, error: &io::Error) -> SocketError {
    let code = error.raw_os_error().unwrap_or(libc::EINVAL);
    let (kind, text) = match code {
        libc::EACCES => (SocketErrorKind::SocketAccess, "Permission denied"),
        libc::ELOOP | libc::ENOENT | libc::ENAMETOOLONG | libc::EROFS | libc::ENOTDIR => {
            (SocketErrorKind::HostNotFound, "Name error")
        }
        libc::EADDRINUSE => (SocketErrorKind::AddressInUse, "Address in use"),
        _ => {
            let text = format!("{function}: Unknown error {code}");
            return SocketError::new(SocketErrorKind::Unknown, text);
        }
    };
    SocketError::new(kind, format!("{function}: {text}"))
}

impl fmt::Debug for LocalServerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.names.borrow().full.clone();
        f.debug_struct("LocalServerNode")
            .field("name", &name)
            .field("pending", &self.state.pending_count())
            .finish_non_exhaustive()
    }
}
