//! [`QLocalSocket`].

use std::{
    cell::{Cell, RefCell},
    fmt,
    os::fd::{OwnedFd, RawFd},
    path::{Path, PathBuf},
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{
    Interval, OpenMode, QDeadlineTimer, QIODevice, QObject, Signal,
    classes::Class,
    internals::FinalDevice,
    io_device::DeviceBackend,
    library_class,
    object::{Handle, Life, Node, Object},
};

use super::{
    attempt::Attempt,
    error::{CLASS, LocalSocketError, LocalSocketErrorKind},
    name,
    state::LocalSocketState,
};
use crate::{
    socket::{
        CloseReason, Closure, QAbstractSocket, RateLimit, SocketError, SocketErrorKind,
        SocketState, TellsEnd, TimeoutKind,
    },
    sys::Socket,
};

library_class! {
    /// A connection to another program on this machine. On Unix it is a stream socket with a name
    /// in the file system.
    ///
    /// [`QIODevice`] has the functions for reading and writing. Unlike a TCP socket, a local socket
    /// connects within the call. Stands for Qt's
    /// [QLocalSocket](https://doc.qt.io/qt-5/qlocalsocket.html).
    ///
    /// The socket closes when its last handle is dropped or its parent dies.
    ///
    /// # The order of signals
    ///
    /// * connecting, all within [`connect_to_server`](QLocalSocket::connect_to_server):
    ///   `state_changed(Connecting)`, `state_changed(Connected)`, `connected`
    /// * a failure to connect: `state_changed(Connecting)`, `error_occurred`,
    ///   `state_changed(Unconnected)`
    /// * closed by the peer: `error_occurred(PeerClosed)` while the state is still `Connected`,
    ///   then as below; unread data can be read afterwards
    /// * closed by this end: `state_changed(Closing)`, `bytes_written` for the rest of the write
    ///   buffer, `state_changed(Unconnected)`, `read_channel_finished`, `disconnected`
    ///
    /// As with Qt, closing an open socket emits
    /// [`about_to_close`](qcore::io_device::DeviceNode::about_to_close) twice: before all other
    /// signals and after them.
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
    pub struct QLocalSocket(LocalSocketNode): QIODevice = base;
    virtual (FinalDevice, <QObject as Class>::Virtual)
}

/// The signals of a [`QLocalSocket`].
pub struct LocalSocketNode {
    /// The socket has connected.
    pub connected: Signal<()>,
    /// The connection has ended.
    pub disconnected: Signal<()>,
    /// The connection has ended, or connecting has failed. The value is the reason. Emitted exactly
    /// once for each connection, after all other signals of its end. See
    /// [`AbstractSocketNode::closed`](crate::socket::AbstractSocketNode::closed).
    pub closed: Signal<CloseReason>,
    /// The state has changed.
    #[doc(alias = "stateChanged")]
    pub state_changed: Signal<LocalSocketState>,
    /// An error has occurred. Emitted before [`error_occurred`](Self::error_occurred), which is its
    /// newer name.
    pub error: Signal<LocalSocketErrorKind>,
    /// An error has occurred.
    #[doc(alias = "errorOccurred")]
    pub error_occurred: Signal<LocalSocketErrorKind>,
    pub(super) base: QIODevice,
    pub(super) this: Weak<LocalSocketNode>,
    /// Keeps the backend alive, because the device refers to it weakly.
    _device: Rc<LocalDevice>,
    /// The socket that has the connection.
    pub(super) inner: QAbstractSocket,
    pub(super) state: Cell<LocalSocketState>,
    pub(super) server_name: RefCell<PathBuf>,
    pub(super) full_server_name: RefCell<PathBuf>,
    pub(super) attempt: RefCell<Option<Attempt>>,
    pub(super) attempt_number: Cell<u32>,
    pub(super) closure: Closure,
}

/// The device's backend. It is a type of its own, because functions of the node would hide those of
/// the device.
pub(super) struct LocalDevice {
    pub(super) node: Weak<LocalSocketNode>,
}

impl Node for LocalSocketNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        let held = self.hold_closed();
        self.close_socket();
        // A slot may have started to connect again.
        self.drop_attempt();
        self.inner.close();
        // The inner socket may still be sending. This socket emits `closed` itself, so the signals
        // of the inner one must not make it do so again.
        self.inner.block_signals(true);
        self.inner.abort();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        self.base.clear_buffer();
        self.state.set(LocalSocketState::Unconnected);
        self.closure.end();
        drop(held);
        self.tell_closed_now();
    }
}

impl TellsEnd for LocalSocketNode {
    fn closure(&self) -> &Closure {
        &self.closure
    }

    fn tell(&self, reason: CloseReason) {
        self.closed.emit(reason);
    }

    fn tell_later(&self) {
        let node = self.this.clone();
        self.life().dispatcher().post(move || {
            if let Some(node) = node.upgrade() {
                node.tell_closed();
            }
        });
    }
}

impl QLocalSocket {
    /// Creates a socket that is not connected.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        let base = QIODevice::embed(&life);
        let inner = QAbstractSocket::make_behind(&base, CLASS);
        let node = Rc::new_cyclic(|this: &Weak<LocalSocketNode>| LocalSocketNode {
            connected: Signal::in_life(&life),
            disconnected: Signal::in_life(&life),
            closed: Signal::in_life(&life),
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
            closure: Closure::default(),
        });
        let device: Rc<dyn DeviceBackend> = node._device.clone();
        node.base.set_backend(Rc::downgrade(&device));
        node.listen_to_inner();
        QLocalSocket(Handle::new(node))
    }

    /// Connects to a server by name, for reading and writing.
    ///
    /// A name that does not begin with a slash is relative to the directory for temporary files:
    /// `TMPDIR`, or `/tmp` if that is not set. See
    /// [`full_server_name`](QLocalSocket::full_server_name).
    ///
    /// When the function returns, the socket is [`Connected`](LocalSocketState::Connected), or it
    /// has emitted [`error_occurred`](LocalSocketNode::error_occurred). If the server's backlog is
    /// full, the socket stays [`Connecting`](LocalSocketState::Connecting) for up to 30 seconds; it
    /// is not open then and cannot be written to.
    ///
    /// If the socket is already connected or connecting, it does not change, and the error is
    /// [`Operation`](LocalSocketErrorKind::Operation).
    ///
    /// Emits [`state_changed`](LocalSocketNode::state_changed) and
    /// [`connected`](LocalSocketNode::connected) before it returns, or
    /// [`state_changed`](LocalSocketNode::state_changed),
    /// [`error_occurred`](LocalSocketNode::error_occurred) and [`closed`](LocalSocketNode::closed).
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
    pub fn connect_to_server(&self, name: impl AsRef<Path>) {
        self.connect_to_server_with_mode(name, OpenMode::READ_WRITE);
    }

    /// Connects to a server like [`connect_to_server`](QLocalSocket::connect_to_server), and opens
    /// in the given `mode`.
    ///
    /// As in Qt, the function adds [`UNBUFFERED`](OpenMode::UNBUFFERED) to the mode, but there is a
    /// read buffer. To connect to a server whose name was [set](QLocalSocket::set_server_name)
    /// before, [`open`](QIODevice::open) the socket.
    ///
    /// Emits the same signals before it returns: [`state_changed`](LocalSocketNode::state_changed),
    /// and [`connected`](LocalSocketNode::connected), or
    /// [`error_occurred`](LocalSocketNode::error_occurred) and [`closed`](LocalSocketNode::closed).
    #[doc(alias = "connectToServer")]
    pub fn connect_to_server_with_mode(&self, name: impl AsRef<Path>, mode: OpenMode) {
        self.set_server_name(name);
        // Signals report the error.
        let _ = self.connect_in_mode(mode);
    }

    pub(super) fn connect_in_mode(&self, mode: OpenMode) -> Result<(), LocalSocketError> {
        self.node_kept().connect(mode)
    }

    /// Sets the name of the server to which [`open`](QIODevice::open) connects. If the socket is
    /// not unconnected, the function logs a warning and changes nothing.
    #[doc(alias = "setServerName")]
    pub fn set_server_name(&self, name: impl AsRef<Path>) {
        if self.state() != LocalSocketState::Unconnected {
            qcore::q_warning!(
                "QLocalSocket::setServerName() called while not in unconnected state"
            );
            return;
        }
        self.server_name.replace(name.as_ref().to_owned());
    }

    /// Returns the name of the server as it was given; empty once the connection has ended, and for
    /// a socket that a server has accepted.
    #[doc(alias = "serverName")]
    #[must_use]
    pub fn server_name(&self) -> String {
        name::shown(&self.server_name.borrow())
    }

    /// Returns the path of the server to which the socket is connected; empty if there is no
    /// connection, and for a socket that a server has accepted.
    #[doc(alias = "fullServerName")]
    #[must_use]
    pub fn full_server_name(&self) -> String {
        name::shown(&self.full_server_name.borrow())
    }

    /// Returns the state of the socket.
    #[must_use]
    pub fn state(&self) -> LocalSocketState {
        self.state.get()
    }

    /// Returns the last error since the socket was connected;
    /// [`Unknown`](LocalSocketErrorKind::Unknown) if there was none.
    #[must_use]
    pub fn error(&self) -> LocalSocketErrorKind {
        match self.inner.error() {
            // As in Qt, only the signal reports this error.
            SocketErrorKind::Operation => LocalSocketErrorKind::Unknown,
            kind => kind.into(),
        }
    }

    /// Returns whether the socket has been connected and was not closed or aborted since.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.inner.is_valid()
    }

    /// Returns the number of the descriptor; `None`, where Qt returns -1, if there is none.
    #[doc(alias = "socketDescriptor")]
    #[must_use]
    pub fn socket_descriptor(&self) -> Option<RawFd> {
        self.inner.socket_descriptor()
    }

    /// Takes over a connection. The descriptor is a connected Unix socket, for example one of a
    /// pair, or [another stream](crate::QAbstractSocket::set_socket_descriptor) such as a pipe.
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
    /// Those of
    /// [`set_socket_descriptor_with_state`](QLocalSocket::set_socket_descriptor_with_state).
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor(
        &self,
        descriptor: impl Into<OwnedFd>,
    ) -> Result<(), LocalSocketError> {
        let state = LocalSocketState::Connected;
        self.set_socket_descriptor_with_state(descriptor, state, OpenMode::READ_WRITE)
    }

    /// Takes over a socket in a given `state`, and opens in a given `mode`. The function closes the
    /// previous connection. It emits no signal but [`closed`](LocalSocketNode::closed) for that
    /// connection.
    ///
    /// # Errors
    ///
    /// [`UnsupportedSocketOperation`](LocalSocketErrorKind::UnsupportedSocketOperation) if the
    /// descriptor is not a stream that the poll can watch. Then the function closes the descriptor,
    /// and the socket keeps its state.
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor_with_state(
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
        let node = self.node_kept();
        let _held = node.hold_closed();
        // Set the state first: the slot of the inner socket's signal then sees no change and emits
        // nothing.
        let before = self.state.replace(state);
        let taken = self.inner.set_socket_descriptor_with_state(descriptor, inner_state, mode);
        if let Err(error) = taken {
            self.state.set(before);
            return Err(error.kind().into());
        }
        node.closure.end();
        let is_connection = state != LocalSocketState::Unconnected;
        let replaced = node.closure.take_held();
        if is_connection {
            node.closure.begin();
        }
        node.drop_attempt();
        node.next_attempt();
        node.base.open_device(mode);
        if let Some(reason) = replaced {
            node.closed.emit(reason);
        }
        Ok(())
    }

    // ---- closing

    /// Closes the connection once all data is written.
    ///
    /// If the write buffer is empty, the socket is unconnected when the function returns. Otherwise
    /// it is [`Closing`](LocalSocketState::Closing) until the data is written. The device stays
    /// open, so unread data can be read. A socket that is still connecting continues to connect.
    ///
    /// Emits [`state_changed`](LocalSocketNode::state_changed) before it returns, if the socket is
    /// connected. If the write buffer is empty, it also emits
    /// [`read_channel_finished`](qcore::io_device::DeviceNode::read_channel_finished),
    /// [`disconnected`](LocalSocketNode::disconnected) and [`closed`](LocalSocketNode::closed).
    #[doc(alias = "disconnectFromServer")]
    pub fn disconnect_from_server(&self) {
        self.inner.disconnect_from_host();
    }

    /// Closes the connection immediately and discards unwritten data. As in Qt, the device stays
    /// open.
    ///
    /// Unless the socket is unconnected, it emits
    /// [`about_to_close`](qcore::io_device::DeviceNode::about_to_close),
    /// [`state_changed`](LocalSocketNode::state_changed),
    /// [`read_channel_finished`](qcore::io_device::DeviceNode::read_channel_finished) and
    /// [`closed`](LocalSocketNode::closed) before it returns, and
    /// [`disconnected`](LocalSocketNode::disconnected) if it was connected.
    pub fn abort(&self) {
        let node = self.node_kept();
        let _held = node.hold_closed();
        node.drop_attempt();
        node.inner.abort();
        node.end_attempt();
    }

    /// Closes the connection like [`disconnect_from_server`](QLocalSocket::disconnect_from_server),
    /// but aborts it if bytes are still unsent after `timeout`, in milliseconds or as a `Duration`.
    /// See [`QAbstractSocket::disconnect_from_host_with_timeout`].
    ///
    /// Emits the same signals as `disconnect_from_server` before it returns:
    /// [`state_changed`](LocalSocketNode::state_changed), and if there is nothing to send,
    /// [`read_channel_finished`](qcore::io_device::DeviceNode::read_channel_finished),
    /// [`disconnected`](LocalSocketNode::disconnected) and [`closed`](LocalSocketNode::closed).
    pub fn disconnect_from_server_with_timeout(&self, timeout: impl Into<Interval>) {
        self.inner.disconnect_from_host_with_timeout(timeout);
    }

    /// Sets a time-out, in milliseconds or as a `Duration`. A negative number switches it off. See
    /// [`QAbstractSocket::set_timeout`].
    ///
    /// A local socket connects within the call. [`Connect`](TimeoutKind::Connect) limits how long
    /// it tries while the server's backlog is full, 30 seconds by default.
    pub fn set_timeout(&self, kind: TimeoutKind, timeout: impl Into<Interval>) {
        self.inner.set_timeout(kind, timeout);
    }

    /// Returns a time-out; `None` if it is off.
    #[must_use]
    pub fn timeout(&self, kind: TimeoutKind) -> Option<Duration> {
        self.inner.timeout(kind)
    }

    /// Limits how many bytes per second the socket receives; `None`, the default, removes the
    /// limit. See [`QAbstractSocket::set_read_rate`](crate::QAbstractSocket::set_read_rate).
    pub fn set_read_rate(&self, limit: Option<&RateLimit>) {
        self.inner.set_read_rate(limit);
    }

    /// Returns the limit of received bytes, if the socket has one.
    #[must_use]
    pub fn read_rate(&self) -> Option<RateLimit> {
        self.inner.read_rate()
    }

    /// Limits how many bytes per second the socket sends; `None`, the default, removes the limit.
    /// See [`QAbstractSocket::set_write_rate`](crate::QAbstractSocket::set_write_rate).
    pub fn set_write_rate(&self, limit: Option<&RateLimit>) {
        self.inner.set_write_rate(limit);
    }

    /// Returns the limit of sent bytes, if the socket has one.
    #[must_use]
    pub fn write_rate(&self) -> Option<RateLimit> {
        self.inner.write_rate()
    }

    /// Returns the socket that has the connection.
    #[cfg(feature = "tasks")]
    pub(crate) fn transport(&self) -> QAbstractSocket {
        self.inner.clone()
    }

    // ---- moving bytes

    /// Writes as much of the write buffer as the system accepts now. Returns whether it wrote
    /// anything.
    ///
    /// Emits [`bytes_written`](qcore::io_device::DeviceNode::bytes_written) before it returns, if
    /// it wrote anything. When it writes the last bytes of a socket that is closing, it also emits
    /// [`state_changed`](LocalSocketNode::state_changed),
    /// [`read_channel_finished`](qcore::io_device::DeviceNode::read_channel_finished),
    /// [`disconnected`](LocalSocketNode::disconnected) and [`closed`](LocalSocketNode::closed).
    pub fn flush(&self) -> bool {
        self.inner.flush()
    }

    /// Returns the limit of the read buffer in bytes; 0, the default, means no limit.
    #[doc(alias = "readBufferSize")]
    #[must_use]
    pub fn read_buffer_size(&self) -> usize {
        self.inner.read_buffer_size()
    }

    /// Limits the read buffer to `size` bytes; 0 means no limit. See
    /// [`QAbstractSocket::set_read_buffer_size`].
    #[doc(alias = "setReadBufferSize")]
    pub fn set_read_buffer_size(&self, size: usize) {
        self.inner.set_read_buffer_size(size);
    }

    /// Stops reading. See [`QAbstractSocket::pause_reading`].
    pub fn pause_reading(&self) {
        self.inner.pause_reading();
    }

    /// Reads again. See [`QAbstractSocket::resume_reading`].
    pub fn resume_reading(&self) {
        self.inner.resume_reading();
    }

    /// Returns whether reading is paused.
    #[must_use]
    pub fn is_reading_paused(&self) -> bool {
        self.inner.is_reading_paused()
    }

    // ---- waiting

    /// Waits until the socket is connected. The deadline is a number of milliseconds, -1 for no
    /// limit, or a `Duration`.
    ///
    /// The function waits only if the server's backlog is full. When the deadline passes, the
    /// socket continues to try.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// [`SocketTimeout`](LocalSocketErrorKind::SocketTimeout) when the deadline passes; neither
    /// [`error`](QLocalSocket::error) nor a signal reports it.
    /// [`Operation`](LocalSocketErrorKind::Operation) if the socket is not connecting. Otherwise
    /// the error with which connecting has failed.
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

    /// Waits until there is new data to read and the socket has emitted `ready_read`. The deadline
    /// is a number of milliseconds, -1 for no limit, or a `Duration`. Meanwhile the socket sends
    /// its unsent bytes. If the socket is still connecting, the function waits for the connection
    /// first.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// [`SocketTimeout`](LocalSocketErrorKind::SocketTimeout) when the deadline passes; the socket
    /// stays connected. [`Operation`](LocalSocketErrorKind::Operation) if the socket is not
    /// connected or the read buffer is full. Otherwise the error that has ended the connection.
    #[doc(alias = "waitForReadyRead")]
    pub fn wait_for_ready_read(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), LocalSocketError> {
        let deadline = deadline.into();
        self.connect_first(deadline)?;
        self.node_kept().inner.wait_for_ready_read(deadline).map_err(translated)
    }

    /// Waits until the socket has sent data and emitted `bytes_written`. The deadline is a number
    /// of milliseconds, -1 for no limit, or a `Duration`.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// Those of [`wait_for_ready_read`](QLocalSocket::wait_for_ready_read).
    /// [`Operation`](LocalSocketErrorKind::Operation) also if the write buffer is empty.
    #[doc(alias = "waitForBytesWritten")]
    pub fn wait_for_bytes_written(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), LocalSocketError> {
        let deadline = deadline.into();
        self.connect_first(deadline)?;
        self.node_kept().inner.wait_for_bytes_written(deadline).map_err(translated)
    }

    /// Waits until the socket is disconnected. The deadline is a number of milliseconds, -1 for no
    /// limit, or a `Duration`. Meanwhile the socket sends its unsent bytes, and reads the bytes
    /// that arrive.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// Those of [`wait_for_ready_read`](QLocalSocket::wait_for_ready_read).
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

    /// Waits for a connection attempt, if there is one.
    fn connect_first(&self, deadline: QDeadlineTimer) -> Result<(), LocalSocketError> {
        if self.attempt.borrow().is_some() { self.wait_for_connected(deadline) } else { Ok(()) }
    }

    /// Takes over a connection that a server has accepted.
    pub(super) fn adopt(&self, socket: Socket) -> Result<(), SocketError> {
        self.inner.adopt_connected(socket, None, OpenMode::READ_WRITE)?;
        self.closure.begin();
        self.base.open_device(OpenMode::READ_WRITE);
        self.state.set(LocalSocketState::Connected);
        Ok(())
    }

    /// Returns the node as an `Rc`, because a slot may drop the last handle.
    pub(super) fn node_kept(&self) -> Rc<LocalSocketNode> {
        self.this.upgrade().expect("a handle keeps its node")
    }
}

pub(super) fn translated(error: SocketError) -> LocalSocketError {
    error.kind().into()
}

impl fmt::Debug for LocalSocketNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.full_server_name.borrow().clone();
        f.debug_struct("LocalSocketNode")
            .field("state", &self.state.get())
            .field("server", &server)
            .finish_non_exhaustive()
    }
}
