//! The socket.

use std::{
    cell::{Cell, RefCell},
    fmt,
    os::fd::OwnedFd,
    rc::{Rc, Weak},
};

use qcore::{
    OpenMode, QDeadlineTimer, QIODevice, Signal, class,
    io_device::DeviceBackend,
    object::{Handle, Life, Node, Object},
};
use socket2::Socket;

use super::{
    attempt::Attempt,
    error::{CLASS, LocalSocketError, LocalSocketErrorKind},
    state::LocalSocketState,
};
use crate::socket::{QAbstractSocket, SocketError, SocketErrorKind, SocketState};

class! {
    /// A connection to another program on this machine: on Unix, a stream socket with a name in the
    /// file system.
    ///
    /// Reading and writing are [`QIODevice`]'s. Unlike a TCP socket it connects within the call.
    /// Stands for Qt's [QLocalSocket](https://doc.qt.io/qt-5/qlocalsocket.html).
    ///
    /// A socket that is dropped, by its last handle or its parent, is closed.
    ///
    /// # The order of signals
    ///
    /// * connecting, all within [`connect_to_server`](QLocalSocket::connect_to_server):
    ///   `state_changed(Connecting)`, `state_changed(Connected)`, `connected`
    /// * failing to: `state_changed(Connecting)`, `error_occurred`, `state_changed(Unconnected)`
    /// * closed by the other end: `error_occurred(PeerClosed)` while the state is still
    ///   `Connected`, then as below; what was not read can be read afterwards
    /// * closed by this end: `state_changed(Closing)`, what remains to be written with its
    ///   `bytes_written`, `state_changed(Unconnected)`, `read_channel_finished`, `disconnected`
    ///
    /// [`about_to_close`](qcore::io_device::DeviceNode::about_to_close) comes twice when an open
    /// socket is closed, before and after all others, as with Qt.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QLocalServer, QLocalSocket};
    ///
    /// let name = format!("qnetwork-example-{}", std::process::id());
    /// let server = QLocalServer::new();
    /// server.listen(&name)?;
    ///
    /// let client = QLocalSocket::new();
    /// client.connect_to_server(&name);
    /// client.write("hello")?;
    /// client.flush();
    ///
    /// server.wait_for_new_connection(5000)?;
    /// let socket = server.next_pending_connection().unwrap();
    /// socket.wait_for_ready_read(5000)?;
    /// assert_eq!(socket.read_all(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub struct QLocalSocket(LocalSocketNode): QIODevice = base
}

/// The signals of a [`QLocalSocket`].
pub struct LocalSocketNode {
    /// The connection stands.
    pub connected: Signal<()>,
    /// The connection is over.
    pub disconnected: Signal<()>,
    /// The state is another one now.
    #[doc(alias = "stateChanged")]
    pub state_changed: Signal<LocalSocketState>,
    /// Something went wrong. Emitted before [`error_occurred`](Self::error_occurred), which is its
    /// newer name.
    pub error: Signal<LocalSocketErrorKind>,
    /// Something went wrong.
    #[doc(alias = "errorOccurred")]
    pub error_occurred: Signal<LocalSocketErrorKind>,
    pub(super) base: QIODevice,
    pub(super) this: Weak<LocalSocketNode>,
    /// Kept here, as the device refers to it weakly.
    _device: Rc<LocalDevice>,
    /// What the bytes go through.
    pub(super) inner: QAbstractSocket,
    pub(super) state: Cell<LocalSocketState>,
    pub(super) server_name: RefCell<String>,
    pub(super) full_server_name: RefCell<String>,
    pub(super) attempt: RefCell<Option<Attempt>>,
    pub(super) attempt_number: Cell<u32>,
}

/// The device's backend. It is not the node itself, so that its functions do not hide those of the
/// device.
pub(super) struct LocalDevice {
    pub(super) node: Weak<LocalSocketNode>,
}

impl Node for LocalSocketNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.close_socket();
        // A slot may have begun to connect anew.
        self.drop_attempt();
        self.inner.close();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        self.base.clear_buffer();
        self.state.set(LocalSocketState::Unconnected);
    }
}

impl QLocalSocket {
    /// A socket that is not connected.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        let base = QIODevice::embed(&life);
        let inner = QAbstractSocket::make_behind(&base, CLASS);
        let node = Rc::new_cyclic(|this: &Weak<LocalSocketNode>| LocalSocketNode {
            connected: Signal::in_life(&life),
            disconnected: Signal::in_life(&life),
            state_changed: Signal::in_life(&life),
            error: Signal::in_life(&life),
            error_occurred: Signal::in_life(&life),
            base,
            this: this.clone(),
            _device: Rc::new(LocalDevice { node: this.clone() }),
            inner,
            state: Cell::default(),
            server_name: RefCell::default(),
            full_server_name: RefCell::default(),
            attempt: RefCell::new(None),
            attempt_number: Cell::new(0),
        });
        let device: Rc<dyn DeviceBackend> = node._device.clone();
        node.base.set_backend(Rc::downgrade(&device));
        node.listen_to_inner();
        QLocalSocket(Handle::new(node))
    }

    /// Connects to the server of a name, for reading and writing.
    ///
    /// A name that does not begin with a slash is one in the directory for temporary files, which
    /// `TMPDIR` names, else `/tmp`; see [`full_server_name`](QLocalSocket::full_server_name).
    ///
    /// When this returns the socket is [`Connected`](LocalSocketState::Connected), or has told by
    /// [`error_occurred`](LocalSocketNode::error_occurred) why not; or, if the server has as many
    /// waiting as it allows, it is [`Connecting`](LocalSocketState::Connecting), for 30 seconds at
    /// most. It is not open then, and cannot be written to.
    ///
    /// A socket that is connected, or about to be, stays as it is:
    /// [`Operation`](LocalSocketErrorKind::Operation) is the error then.
    ///
    /// ```
    /// use qnetwork::{LocalSocketErrorKind, LocalSocketState, QLocalSocket};
    ///
    /// let socket = QLocalSocket::new();
    /// socket.connect_to_server("nobody-listens-here");
    /// assert_eq!(socket.state(), LocalSocketState::Unconnected);
    /// assert_eq!(socket.error(), LocalSocketErrorKind::ServerNotFound);
    /// ```
    #[doc(alias = "connectToServer")]
    pub fn connect_to_server(&self, name: impl AsRef<str>) {
        self.connect_to_server_with(name, OpenMode::READ_WRITE);
    }

    /// [`connect_to_server`](QLocalSocket::connect_to_server), opening the socket in some `mode`.
    ///
    /// [`UNBUFFERED`](OpenMode::UNBUFFERED) is added to it, as in Qt: there is a read buffer all
    /// the same. To connect to the server whose name was [set](QLocalSocket::set_server_name)
    /// before, [`open`](QIODevice::open) the socket.
    #[doc(alias = "connectToServer")]
    pub fn connect_to_server_with(&self, name: impl AsRef<str>, mode: OpenMode) {
        self.set_server_name(name);
        // The signals tell.
        let _ = self.connect_in_mode(mode);
    }

    pub(super) fn connect_in_mode(&self, mode: OpenMode) -> Result<(), LocalSocketError> {
        self.node_kept().connect(mode)
    }

    /// Sets the name of the server that [`open`](QIODevice::open) connects to. Only while the
    /// socket is unconnected: a warning says so.
    #[doc(alias = "setServerName")]
    pub fn set_server_name(&self, name: impl AsRef<str>) {
        if self.state() != LocalSocketState::Unconnected {
            qcore::q_warning!(
                "QLocalSocket::setServerName() called while not in unconnected state"
            );
            return;
        }
        self.server_name.replace(name.as_ref().to_owned());
    }

    /// The name of the server, as it was given; empty when the connection is over, and of a socket
    /// that a server has accepted.
    #[doc(alias = "serverName")]
    #[must_use]
    pub fn server_name(&self) -> String {
        self.server_name.borrow().clone()
    }

    /// The path of the server that this socket is connected to; empty if it is to none, and of a
    /// socket that a server has accepted.
    #[doc(alias = "fullServerName")]
    #[must_use]
    pub fn full_server_name(&self) -> String {
        self.full_server_name.borrow().clone()
    }

    /// What the socket is doing.
    #[must_use]
    pub fn state(&self) -> LocalSocketState {
        self.state.get()
    }

    /// What went wrong last; [`Unknown`](LocalSocketErrorKind::Unknown) if nothing did, since the
    /// socket was connected.
    #[must_use]
    pub fn error(&self) -> LocalSocketErrorKind {
        match self.inner.error() {
            // As Qt's: the signal alone tells of it.
            SocketErrorKind::Operation => LocalSocketErrorKind::Unknown,
            kind => kind.into(),
        }
    }

    /// Whether the socket has been connected, and was not closed or aborted since.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.inner.is_valid()
    }

    /// The number of the operating system's descriptor, -1 if there is none.
    #[doc(alias = "socketDescriptor")]
    #[must_use]
    pub fn socket_descriptor(&self) -> i32 {
        self.inner.socket_descriptor()
    }

    /// Takes over a connection: a descriptor of a Unix socket that is connected, one of a pair for
    /// example, or of [another stream](crate::QAbstractSocket::set_socket_descriptor), as a pipe.
    ///
    /// ```
    /// use std::{io::Write, os::unix::net::UnixStream};
    /// use qnetwork::{LocalSocketState, QLocalSocket};
    ///
    /// let (ours, mut theirs) = UnixStream::pair()?;
    /// let socket = QLocalSocket::new();
    /// socket.set_socket_descriptor(ours)?;
    /// theirs.write_all(b"hello")?;
    /// socket.wait_for_ready_read(5000)?;
    /// assert_eq!(socket.read_all(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set_socket_descriptor_with`](QLocalSocket::set_socket_descriptor_with).
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor(
        &self,
        descriptor: impl Into<OwnedFd>,
    ) -> Result<(), LocalSocketError> {
        let state = LocalSocketState::Connected;
        self.set_socket_descriptor_with(descriptor, state, OpenMode::READ_WRITE)
    }

    /// Takes over a socket in some `state`, opening it in some `mode`. No signal tells of it. What
    /// this socket was connected to before is closed.
    ///
    /// # Errors
    ///
    /// [`UnsupportedSocketOperation`](LocalSocketErrorKind::UnsupportedSocketOperation) for what is
    /// no stream that the poll can watch. The descriptor is closed then, and this socket is as it
    /// was.
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor_with(
        &self,
        descriptor: impl Into<OwnedFd>,
        state: LocalSocketState,
        mode: OpenMode,
    ) -> Result<(), LocalSocketError> {
        let inner_state = match state {
            LocalSocketState::Unconnected => SocketState::Unconnected,
            LocalSocketState::Connecting => SocketState::Connecting,
            LocalSocketState::Connected => SocketState::Connected,
            LocalSocketState::Closing => SocketState::Closing,
        };
        // So that the inner socket, which has no other listener, finds nothing to tell.
        let before = self.state.replace(state);
        let taken = self.inner.set_socket_descriptor_with(descriptor, inner_state, mode);
        if let Err(error) = taken {
            self.state.set(before);
            return Err(error.kind().into());
        }
        self.drop_attempt();
        self.0.next_attempt();
        self.base.open_device(mode);
        Ok(())
    }

    // ---- closing

    /// Closes the connection, after everything was written.
    ///
    /// If there is nothing to write the socket is unconnected when this returns; else it is
    /// [`Closing`](LocalSocketState::Closing) until then. The socket stays open as a device: what
    /// was not read can be read. A socket that is still connecting goes on to do so.
    #[doc(alias = "disconnectFromServer")]
    pub fn disconnect_from_server(&self) {
        self.inner.disconnect_from_host();
    }

    /// Closes the connection at once. What was not written is lost. The socket stays open as a
    /// device, as Qt's.
    pub fn abort(&self) {
        self.drop_attempt();
        self.inner.abort();
    }

    // ---- moving bytes

    /// Writes as much of the write buffer as the system takes, now. Returns whether anything was
    /// written.
    pub fn flush(&self) -> bool {
        self.inner.flush()
    }

    /// How many bytes wait in this process for the operating system to take them. It differs from
    /// [`bytes_to_write`](QIODevice::bytes_to_write) only by bytes that were sent and have not been
    /// announced by `bytes_written` yet.
    ///
    /// ```
    /// use qnetwork::{QLocalServer, QLocalSocket};
    ///
    /// let server = QLocalServer::new();
    /// let name = format!("unsent-{}", std::process::id());
    /// server.listen(&name)?;
    /// let socket = QLocalSocket::new();
    /// socket.connect_to_server(&name);
    ///
    /// socket.write("to be sent")?;
    /// assert_eq!(socket.unsent_bytes(), 10);
    /// socket.flush();
    /// assert_eq!(socket.unsent_bytes(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn unsent_bytes(&self) -> usize {
        self.inner.unsent_bytes()
    }

    /// How much the read buffer holds at most, 0 for no limit, which is the default.
    #[doc(alias = "readBufferSize")]
    #[must_use]
    pub fn read_buffer_size(&self) -> usize {
        self.inner.read_buffer_size()
    }

    /// Limits the read buffer to `size` bytes; 0 is no limit. See
    /// [`QAbstractSocket::set_read_buffer_size`].
    #[doc(alias = "setReadBufferSize")]
    pub fn set_read_buffer_size(&self, size: usize) {
        self.inner.set_read_buffer_size(size);
    }

    // ---- waiting

    /// Waits until the socket is connected, at most until a deadline: milliseconds, -1 being for
    /// ever, or a `Duration`.
    ///
    /// There is something to wait for only if the server has no room. When the time is over the
    /// socket goes on to try.
    ///
    /// # Errors
    ///
    /// [`SocketTimeout`](LocalSocketErrorKind::SocketTimeout) for the deadline, which is not told
    /// by [`error`](QLocalSocket::error) or a signal; else what went wrong, or
    /// [`Operation`](LocalSocketErrorKind::Operation) if the socket is not connecting.
    #[doc(alias = "waitForConnected")]
    pub fn wait_for_connected(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), LocalSocketError> {
        let node = self.node_kept();
        if node.attempt.borrow().is_some() {
            node.wait_for_room(deadline.into());
        } else if node.state.get() == LocalSocketState::Connecting {
            node.inner.wait_for_connected(deadline).map_err(translated)?;
        }
        match node.state.get() {
            LocalSocketState::Connected => Ok(()),
            LocalSocketState::Connecting => Err(SocketErrorKind::SocketTimeout.into()),
            _ => Err(node.last_error()),
        }
    }

    /// Waits until there is something new to read, and has told so by `ready_read`, at most until a
    /// deadline: milliseconds, -1 being for ever, or a `Duration`. What was written is sent
    /// meanwhile. A socket that is still connecting connects first.
    ///
    /// # Errors
    ///
    /// What went wrong; [`SocketTimeout`](LocalSocketErrorKind::SocketTimeout) for the deadline,
    /// after which the socket is connected as before;
    /// [`Operation`](LocalSocketErrorKind::Operation) if it is not connected, or if there is no
    /// room in the read buffer.
    #[doc(alias = "waitForReadyRead")]
    pub fn wait_for_ready_read(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), LocalSocketError> {
        let deadline = deadline.into();
        self.connect_first(deadline)?;
        self.node_kept().inner.wait_for_ready_read(deadline).map_err(translated)
    }

    /// Waits until something of what was written is on its way, and has told so by `bytes_written`,
    /// at most until a deadline: milliseconds, -1 being for ever, or a `Duration`.
    ///
    /// # Errors
    ///
    /// As [`wait_for_ready_read`](QLocalSocket::wait_for_ready_read);
    /// [`Operation`](LocalSocketErrorKind::Operation) also if there is nothing to be written.
    #[doc(alias = "waitForBytesWritten")]
    pub fn wait_for_bytes_written(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), LocalSocketError> {
        let deadline = deadline.into();
        self.connect_first(deadline)?;
        self.node_kept().inner.wait_for_bytes_written(deadline).map_err(translated)
    }

    /// Waits until the socket is disconnected, at most until a deadline: milliseconds, -1 being for
    /// ever, or a `Duration`. What was written is sent, and what comes is read, meanwhile.
    ///
    /// # Errors
    ///
    /// As [`wait_for_ready_read`](QLocalSocket::wait_for_ready_read).
    #[doc(alias = "waitForDisconnected")]
    pub fn wait_for_disconnected(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), LocalSocketError> {
        if self.state() == LocalSocketState::Unconnected {
            qcore::q_warning!(
                "QLocalSocket::waitForDisconnected() is not allowed in UnconnectedState"
            );
            return Err(LocalSocketError::not_connected());
        }
        let deadline = deadline.into();
        self.connect_first(deadline)?;
        self.node_kept().inner.wait_for_disconnected(deadline).map_err(translated)
    }

    /// Connects, if that is what the socket is about to do.
    fn connect_first(&self, deadline: QDeadlineTimer) -> Result<(), LocalSocketError> {
        if self.attempt.borrow().is_some() { self.wait_for_connected(deadline) } else { Ok(()) }
    }

    /// Takes over a connection that a server has accepted.
    pub(super) fn adopt(&self, socket: Socket) -> Result<(), SocketError> {
        self.inner.adopt_connected(socket, None, OpenMode::READ_WRITE)?;
        self.base.open_device(OpenMode::READ_WRITE);
        self.state.set(LocalSocketState::Connected);
        Ok(())
    }

    /// The node, kept while a slot may drop the last handle.
    fn node_kept(&self) -> Rc<LocalSocketNode> {
        self.this.upgrade().expect("a handle keeps its node")
    }
}

fn translated(error: SocketError) -> LocalSocketError {
    error.kind().into()
}

impl fmt::Debug for LocalSocketNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSocketNode")
            .field("state", &self.state.get())
            .field("server", &*self.full_server_name.borrow())
            .finish_non_exhaustive()
    }
}
