//! The server.

use std::{
    cell::{Cell, RefCell},
    fmt, fs, io,
    os::fd::OwnedFd,
    path::Path,
    rc::{Rc, Weak},
};

use qcore::{
    QDeadlineTimer, QObject, Receiver, Signal, class,
    event_loop::Registration,
    object::{Handle, Life, Node, Object},
};

use super::{listening::Listener, name, options::LocalServerOptions, socket::QLocalSocket};
use crate::{
    server::ServerState,
    socket::{SocketError, SocketErrorKind},
};

class! {
    /// A server for [`QLocalSocket`]s: accepts connections at a name and hands them out as sockets.
    ///
    /// On Unix the name is that of a file, which is removed when the server
    /// [closes](QLocalServer::close) or dies. One that a process has left behind when it crashed is
    /// in the way of the next: [`remove_server`](QLocalServer::remove_server). The sockets are
    /// children of the server, so that they need nobody to hold them and die with it. Stands for
    /// Qt's [QLocalServer](https://doc.qt.io/qt-5/qlocalserver.html).
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
    pub struct QLocalServer(LocalServerNode): QObject = base
}

/// The signals of a [`QLocalServer`].
pub struct LocalServerNode {
    /// A connection was accepted:
    /// [`next_pending_connection`](QLocalServer::next_pending_connection) has it. Emitted once for
    /// each, one in a turn of the loop.
    #[doc(alias = "newConnection")]
    pub new_connection: Signal<()>,
    pub(super) base: QObject,
    pub(super) this: Weak<LocalServerNode>,
    pub(super) listener: RefCell<Option<Listener>>,
    names: RefCell<Names>,
    options: Cell<LocalServerOptions>,
    pub(super) state: ServerState<QLocalSocket>,
    /// Accepts in the loop; not while there are too many that nobody has taken.
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
    /// A server that does not listen yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        QLocalServer(Handle::new(Rc::new_cyclic(|this| LocalServerNode {
            new_connection: Signal::in_life(&life),
            base: QObject::embed(&life),
            this: this.clone(),
            listener: RefCell::new(None),
            names: RefCell::default(),
            options: Cell::default(),
            state: ServerState::default(),
            accepts: Cell::new(false),
        })))
    }

    /// Listens at a name. One that does not begin with a slash is one in the directory for
    /// temporary files, which `TMPDIR` names, else `/tmp`.
    ///
    /// # Errors
    ///
    /// [`AddressInUse`](SocketErrorKind::AddressInUse) if there is a file of that name, whether
    /// somebody listens there or not; but with [options](QLocalServer::set_socket_options) the file
    /// is replaced. [`HostNotFound`](SocketErrorKind::HostNotFound) for an empty name or one in a
    /// directory that there is not, [`SocketAccess`](SocketErrorKind::SocketAccess),
    /// [`Unknown`](SocketErrorKind::Unknown) for a path that is too long, of more than 107 bytes on
    /// Linux, and whatever else. A server that listens already goes on as it is, and refuses with
    /// [`Operation`](SocketErrorKind::Operation) and a warning in the log.
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
    pub fn listen(&self, name: impl AsRef<str>) -> Result<(), SocketError> {
        self.refuse_listening()?;
        let name = name.as_ref();
        if name.is_empty() {
            return Err(self
                .state
                .keep_error(listen_error(&io::Error::from_raw_os_error(libc::ENOENT))));
        }
        let full = name::full_name(name);
        let opened = Listener::open(self.register(), &full, self.options.get());
        let listener = opened.map_err(|error| self.state.keep_error(listen_error(&error)))?;
        self.start(listener, Names { name: name.to_owned(), full });
        Ok(())
    }

    /// Listens with a Unix socket that listens already: one that another process has left to this
    /// one, or that has a name in Linux's abstract namespace, which
    /// [`listen`](QLocalServer::listen) does not give. Such a name is shown with an `@` before it;
    /// so is that of a socket without a name, as `@`.
    ///
    /// The server owns the descriptor from here on, also if it cannot use it, and its file. In Qt
    /// this is another form of `listen()`.
    ///
    /// # Errors
    ///
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) for what is no
    /// stream socket of this kind. As in Qt, one that does not listen is found out when somebody
    /// comes: the server closes then. A server that listens already goes on as it is, and refuses
    /// with [`Operation`](SocketErrorKind::Operation) and a warning in the log.
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

    /// The number of the operating system's descriptor, -1 if the server does not listen.
    #[doc(alias = "socketDescriptor")]
    #[must_use]
    pub fn socket_descriptor(&self) -> i32 {
        self.listener.borrow().as_ref().map_or(-1, Listener::descriptor)
    }

    /// Stops listening, and removes the file. Connections that were accepted and not taken are
    /// closed. There is no error after that. Does nothing if the server does not listen.
    pub fn close(&self) {
        if self.is_listening() {
            self.0.stop_listening();
            self.state.clear_error();
        }
    }

    /// Whether the server listens.
    #[doc(alias = "isListening")]
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listener.borrow().is_some()
    }

    /// The name at which the server listens, as it was given; empty if it does not.
    #[doc(alias = "serverName")]
    #[must_use]
    pub fn server_name(&self) -> String {
        self.names.borrow().name.clone()
    }

    /// The path of the server's file; empty if it does not listen.
    #[doc(alias = "fullServerName")]
    #[must_use]
    pub fn full_server_name(&self) -> String {
        self.names.borrow().full.clone()
    }

    /// Removes the file of a server that has crashed, or that listens: then nobody finds it any
    /// more. Returns whether there is none now. Any file of that name is removed, but no directory.
    ///
    /// ```
    /// use qnetwork::QLocalServer;
    ///
    /// assert!(QLocalServer::remove_server("nobody-listens-here"));
    /// ```
    #[doc(alias = "removeServer")]
    pub fn remove_server(name: impl AsRef<str>) -> bool {
        let full = name::full_name(name.as_ref());
        let path = Path::new(&full);
        !path.exists() || fs::remove_file(path).is_ok()
    }

    /// Who may connect; [`NO_OPTIONS`](LocalServerOptions::NO_OPTIONS) by default.
    #[doc(alias = "socketOptions")]
    #[must_use]
    pub fn socket_options(&self) -> LocalServerOptions {
        self.options.get()
    }

    /// Sets who may connect, from the next [`listen`](QLocalServer::listen) on.
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

    /// Has a handler called with the descriptor of each connection that is accepted: what in Qt
    /// reimplementing `incomingConnection()` is for.
    ///
    /// The descriptor is the handler's. It is in blocking mode. Unlike a
    /// [`QTcpServer`](crate::QTcpServer)'s, and as in Qt,
    /// [`new_connection`](LocalServerNode::new_connection) is not emitted then, and there is
    /// nothing to be taken from the server.
    ///
    /// `handler` is a method or a closure of `receiver`: an object, the server itself for example,
    /// or an `Rc` of anything. The server does not keep the receiver; without it, and after
    /// [`clear_incoming_connection`](QLocalServer::clear_incoming_connection), it makes a
    /// [`QLocalSocket`] of each connection, as at first. There is one handler at a time.
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

    /// Makes a [`QLocalSocket`] of each connection again, without a
    /// [handler](QLocalServer::set_incoming_connection).
    pub fn clear_incoming_connection(&self) {
        self.state.handler().clear();
    }

    /// Whether there is a connection to be taken.
    #[doc(alias = "hasPendingConnections")]
    #[must_use]
    pub fn has_pending_connections(&self) -> bool {
        self.state.has_pending()
    }

    /// Takes the next connection that was accepted, if there is one. It is a child of the server.
    #[doc(alias = "nextPendingConnection")]
    #[must_use]
    pub fn next_pending_connection(&self) -> Option<QLocalSocket> {
        loop {
            let socket = self.state.pop()?;
            self.0.accept_by_limit();
            if !socket.is_deleted() {
                return Some(socket);
            }
        }
    }

    /// Waits for a connection with no loop, at most until a deadline: milliseconds, -1 being for
    /// ever, or a `Duration`. It is accepted then, whatever the
    /// [limit](QLocalServer::set_max_pending_connections), and has been told of by
    /// [`new_connection`](LocalServerNode::new_connection).
    ///
    /// # Errors
    ///
    /// [`SocketTimeout`](SocketErrorKind::SocketTimeout) for the deadline, unless there are
    /// connections that nobody has taken, in which case it is as if one had come;
    /// [`Operation`](SocketErrorKind::Operation) if the server does not listen. Neither is kept for
    /// [`server_error`](QLocalServer::server_error).
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

    /// Sets how many accepted connections may wait to be taken. With a number below 1 set before
    /// [`listen`](QLocalServer::listen) none is accepted in the loop.
    ///
    /// As in Qt, two more than the limit are accepted; then the server waits until there are no
    /// more than it. Others are left to the system, 50 of them, also if the limit is raised
    /// meanwhile; with none waiting, raising it is enough.
    #[doc(alias = "setMaxPendingConnections")]
    pub fn set_max_pending_connections(&self, count: i32) {
        self.state.set_max_pending(count);
        if count > 0 && !self.has_pending_connections() && self.is_listening() {
            // Nobody could take one. Qt's server would not accept any more, for ever.
            self.0.accept_by_limit();
        }
    }

    /// What went wrong last, since the server was [closed](QLocalServer::close);
    /// [`SocketErrorKind::Unknown`] if nothing did.
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
        self.listener.replace(Some(listener));
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
            // The server is a holder, too, as the parent: then this was the last handle.
            socket.set_parent(None);
        }
        self.close_listener();
    }

    pub(super) fn close_listener(&self) {
        self.state.stop_retrying(self.life().dispatcher());
        let listener = self.listener.take();
        drop(listener);
        self.names.replace(Names::default());
    }
}

fn listen_error(error: &io::Error) -> SocketError {
    server_error("QLocalServer::listen", error)
}

/// A failure as Qt's server tells of it.
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
        f.debug_struct("LocalServerNode")
            .field("name", &self.names.borrow().full)
            .field("pending", &self.state.pending_count())
            .finish_non_exhaustive()
    }
}
