//! Sockets.
//!
//! [`QAbstractSocket`] is a state machine with a read buffer and a write buffer, over an engine
//! that moves the bytes. Where a byte goes:
//!
//! ```text
//!   loop ──► AbstractSocketNode::ready()          transfer.rs: what the poll has told
//!              └► on_readable(): engine.read() ──► read buffer ──► emit ready_read ──► your slot
//!   slot ──► write() ──► write buffer ──► next turn: write_pending() ──► engine.write()
//!              └► emit bytes_written ──► your slot
//! ```
//!
//! `connecting.rs` takes a socket from a name to a connection, `transfer.rs` moves bytes,
//! `closing.rs` ends it, also when the object dies, and `waiting.rs` does all of this with no loop.
//! `binding.rs` has what is done to a descriptor before there is a connection, `proxying.rs` the
//! choice of a proxy, `unbuffered.rs` reading and writing without the buffers, and `udp/`
//! datagrams, which have none either. `class.rs` is how a class of sockets stands over another one:
//! that of those that encrypt.
//!
//! A slot may do anything to the socket that called it. So nothing is borrowed while one runs, and
//! after each emission the state is looked at anew. The functions here work on the node: the loop
//! does not hold a handle, and so a slot that drops the last one ends the socket there and then.

mod binding;
// Nobody stands over a socket but one that encrypts.
#[cfg_attr(not(feature = "_tls"), allow(dead_code))]
mod class;
mod closing;
mod connecting;
mod options;
mod proxying;
mod setters;
mod state;
mod tcp;
mod transfer;
mod udp;
mod unbuffered;
mod waiting;
mod write_queue;

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    fmt,
    os::fd::RawFd,
    rc::{Rc, Weak},
};

use qcore::{
    QIODevice, Signal, class,
    event_loop::TimerId,
    io_device::{DeviceBackend, DeviceNode},
    object::{Handle, Life, Node, Object},
};

#[cfg(feature = "_tls")]
pub(crate) use self::class::{Outer, SocketClass};
pub(crate) use self::waiting::Overtime;
pub use self::{
    binding::BindMode, setters::PauseModes, state::SocketState, tcp::QTcpSocket, udp::QUdpSocket,
};
use self::{class::PartOf, transfer::SocketDevice, write_queue::WriteQueue};
pub use crate::common::{SocketError, SocketErrorKind, SocketOption, SocketType};
use crate::{
    LookupId, NetworkLayerProtocol, QAuthenticator, QHostAddress, QNetworkProxy, engine::Engine,
};

class! {
    /// What all sockets have in common: states, signals, connecting and closing, reading and
    /// writing.
    ///
    /// Reading and writing are [`QIODevice`]'s. Nothing here waits: `connect_to_host` and `write`
    /// return at once and the loop does the rest, telling by signals how it goes. Stands for Qt's
    /// [QAbstractSocket](https://doc.qt.io/qt-5/qabstractsocket.html).
    ///
    /// A socket that is dropped, by its last handle or its parent, is aborted.
    ///
    /// # The order of signals
    ///
    /// * connecting: `state_changed(HostLookup)`, `state_changed(Connecting)`, `host_found`,
    ///   `state_changed(Connected)`, `connected`; for an address the first three come within
    ///   [`connect_to_host`](QAbstractSocket::connect_to_host)
    /// * failing to: `state_changed(Unconnected)`, `error`, `error_occurred`
    /// * closed by the other end: `error(RemoteHostClosed)` while the state is still `Connected`,
    ///   then as below; what was not read can be read afterwards
    /// * closed by this end: `state_changed(Closing)`, what remains to be written with its
    ///   `bytes_written`, `state_changed(Unconnected)`, `read_channel_finished`, `disconnected`
    pub struct QAbstractSocket(AbstractSocketNode): QIODevice = base
}

/// The signals of a [`QAbstractSocket`].
pub struct AbstractSocketNode {
    /// The name was found; connecting begins.
    #[doc(alias = "hostFound")]
    pub host_found: Signal<()>,
    /// The connection stands.
    pub connected: Signal<()>,
    /// The connection is over.
    pub disconnected: Signal<()>,
    /// The state is another one now.
    #[doc(alias = "stateChanged")]
    pub state_changed: Signal<SocketState>,
    /// Something went wrong. Emitted before [`error_occurred`](Self::error_occurred), which is its
    /// newer name.
    pub error: Signal<SocketErrorKind>,
    /// Something went wrong.
    #[doc(alias = "errorOccurred")]
    pub error_occurred: Signal<SocketErrorKind>,
    /// The proxy wants to know who is asking. A slot sets user and password of the authenticator,
    /// then and there; it may run a loop for that. If none does, connecting fails. If the proxy
    /// refuses them the signal comes again, up to 16 times for a connection.
    #[doc(alias = "proxyAuthenticationRequired")]
    pub proxy_authentication_required: Signal<(QNetworkProxy, QAuthenticator)>,
    base: QIODevice,
    this: Weak<AbstractSocketNode>,
    device: Rc<SocketDevice>,
    /// The object that it is a part of, if there is one: seldom, so that it takes little room.
    part_of: OnceCell<Box<PartOf>>,
    socket_type: SocketType,
    state: Cell<SocketState>,
    error_kind: Cell<SocketErrorKind>,
    engine: RefCell<Option<Rc<dyn Engine>>>,
    write_queue: RefCell<WriteQueue>,
    read_limit: Cell<usize>,

    // connecting
    host_name: RefCell<String>,
    port: Cell<u16>,
    protocol: Cell<NetworkLayerProtocol>,
    addresses: RefCell<VecDeque<QHostAddress>>,
    lookup: Cell<Option<LookupId>>,
    connect_timer: Cell<Option<TimerId>>,
    /// What was set in place of `host_name`.
    peer_name: RefCell<String>,
    ends: RefCell<Ends>,
    /// The number of a descriptor that is more than an attempt to connect: the next one uses it,
    /// too. It is still told while slots hear of the end of the connection, when the descriptor is
    /// closed already.
    descriptor: Cell<i32>,

    pause_mode: Cell<PauseModes>,
    protocol_tag: RefCell<Option<Box<str>>>,
    /// Its own proxy, if it has one.
    proxy: RefCell<Option<Box<QNetworkProxy>>>,
    /// The proxy by which it connects.
    route: RefCell<Option<Box<QNetworkProxy>>>,
    flags: Flags,
}

/// The address and port of one end.
type End = (QHostAddress, u16);

/// The addresses of both ends, as far as they are known.
#[derive(Clone, Default)]
struct Ends {
    local: End,
    peer: End,
}

#[derive(Default)]
struct Flags {
    /// To be closed once connected.
    pending_close: Cell<bool>,
    abort_called: Cell<bool>,
    /// The first address of a host, at least, was tried.
    trying: Cell<bool>,
    /// A slot of `ready_read` is running: it is not told of more.
    in_ready_read: Cell<bool>,
    /// A slot of `bytes_written` is running: it is not told of more.
    in_bytes_written: Cell<bool>,
    /// There is no read buffer, and a write buffer only for what the system does not take.
    unbuffered: Cell<bool>,
    /// An unbuffered socket has told that there is something to read, and nothing was read since.
    unread: Cell<bool>,
    /// The read buffer is full: reading goes on when somebody asks for more than is in it.
    read_paused: Cell<bool>,
    /// The loop will call `write_pending`.
    write_requested: Cell<bool>,
}

impl Node for AbstractSocketNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.destroy();
    }
}

impl QAbstractSocket {
    /// A socket of some type, not connected: what classes of your own are made of.
    ///
    /// It has no buffers: what a [`QTcpSocket`] does for its users is left to them, as with Qt. See
    /// [`OpenMode::UNBUFFERED`](qcore::OpenMode::UNBUFFERED).
    ///
    /// [`Sctp`](SocketType::Sctp) cannot be bound or connected:
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation).
    /// [`Unknown`](SocketType::Unknown) is taken for TCP.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QAbstractSocket, QHostAddress, SocketErrorKind, SocketType};
    ///
    /// let socket = QAbstractSocket::new(SocketType::Sctp);
    /// let error = socket.bind(QHostAddress::LocalHost, 0).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    /// ```
    #[must_use]
    pub fn new(socket_type: SocketType) -> Self {
        let socket = Self::make(socket_type, "QAbstractSocket");
        socket.flags.unbuffered.set(true);
        socket
    }

    /// A new socket, of a class that says so in messages.
    pub(crate) fn make(socket_type: SocketType, class_name: &'static str) -> Self {
        let node = AbstractSocketNode::make(&Life::new(), socket_type, class_name);
        let device: Rc<dyn DeviceBackend> = node.device.clone();
        node.base.set_backend(Rc::downgrade(&device));
        QAbstractSocket(Handle::new(node))
    }

    /// The socket part of a new object of a class that has its own device and its own functions;
    /// these are to be given to it.
    #[cfg(feature = "_tls")]
    pub(crate) fn embed(life: &Rc<Life>, class_name: &'static str) -> Self {
        let node = AbstractSocketNode::make(life, SocketType::Tcp, class_name);
        QAbstractSocket(Handle::embed(node))
    }

    /// A new socket that works for another device, unseen: `ready_read` and `bytes_written` are
    /// emitted by that one, as if it were the socket. All other signals are the socket's own.
    pub(crate) fn make_behind(front: &QIODevice, class_name: &'static str) -> Self {
        let socket = Self::make(SocketType::Tcp, class_name);
        socket.set_part_of(PartOf::Device(front.to_weak()));
        socket
    }

    /// What the socket is doing.
    #[must_use]
    pub fn state(&self) -> SocketState {
        self.state.get()
    }

    /// What went wrong last; [`SocketErrorKind::Unknown`] if nothing did.
    #[must_use]
    pub fn error(&self) -> SocketErrorKind {
        self.error_kind.get()
    }

    /// What the socket speaks.
    #[doc(alias = "socketType")]
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.socket_type
    }

    /// Whether the socket can be used: it has a descriptor, or is open at least.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.engine().map_or(self.is_open(), |engine| engine.descriptor() != -1)
    }

    /// The address of this end, null if it is not known.
    #[doc(alias = "localAddress")]
    #[must_use]
    pub fn local_address(&self) -> QHostAddress {
        self.ends.borrow().local.0.clone()
    }

    /// The port of this end, 0 if it is not known.
    #[doc(alias = "localPort")]
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.ends.borrow().local.1
    }

    /// The address of the other end, null if there is no connection.
    #[doc(alias = "peerAddress")]
    #[must_use]
    pub fn peer_address(&self) -> QHostAddress {
        self.ends.borrow().peer.0.clone()
    }

    /// The port of the other end, 0 if there is no connection.
    #[doc(alias = "peerPort")]
    #[must_use]
    pub fn peer_port(&self) -> u16 {
        self.ends.borrow().peer.1
    }

    /// The name that was given to [`connect_to_host`](QAbstractSocket::connect_to_host), empty if
    /// it was never called. It outlasts the connection.
    #[doc(alias = "peerName")]
    #[must_use]
    pub fn peer_name(&self) -> String {
        let name = self.peer_name.borrow();
        if name.is_empty() { self.host_name.borrow().clone() } else { name.clone() }
    }

    /// Returns the number of the operating system's descriptor; `None`, where Qt returns -1, if there
    /// is none. While an attempt to connect is under way there is one only if the socket was bound
    /// before.
    ///
    /// Slots of [`error_occurred`](AbstractSocketNode::error_occurred) that hear of the end of a
    /// connection are told the number it had; it is closed by then.
    #[doc(alias = "socketDescriptor")]
    #[must_use]
    pub fn socket_descriptor(&self) -> Option<RawFd> {
        Some(self.descriptor.get()).filter(|&number| number != -1)
    }

    /// How much the read buffer holds at most, 0 for no limit, which is the default.
    #[doc(alias = "readBufferSize")]
    #[must_use]
    pub fn read_buffer_size(&self) -> usize {
        self.read_limit.get()
    }
}

impl AbstractSocketNode {
    fn make(life: &Rc<Life>, socket_type: SocketType, class_name: &'static str) -> Rc<Self> {
        Rc::new_cyclic(|this: &Weak<AbstractSocketNode>| AbstractSocketNode {
            host_found: Signal::in_life(life),
            connected: Signal::in_life(life),
            disconnected: Signal::in_life(life),
            state_changed: Signal::in_life(life),
            error: Signal::in_life(life),
            error_occurred: Signal::in_life(life),
            proxy_authentication_required: Signal::in_life(life),
            base: QIODevice::embed(life),
            this: this.clone(),
            device: Rc::new(SocketDevice { node: this.clone(), class_name }),
            part_of: OnceCell::new(),
            socket_type,
            state: Cell::default(),
            error_kind: Cell::default(),
            engine: RefCell::new(None),
            write_queue: RefCell::default(),
            read_limit: Cell::new(0),
            host_name: RefCell::default(),
            port: Cell::new(0),
            protocol: Cell::new(NetworkLayerProtocol::AnyIP),
            addresses: RefCell::default(),
            lookup: Cell::new(None),
            connect_timer: Cell::new(None),
            peer_name: RefCell::default(),
            ends: RefCell::default(),
            descriptor: Cell::new(-1),
            pause_mode: Cell::default(),
            protocol_tag: RefCell::default(),
            proxy: RefCell::default(),
            route: RefCell::default(),
            flags: Flags::default(),
        })
    }

    fn engine(&self) -> Option<Rc<dyn Engine>> {
        self.engine.borrow().clone()
    }

    /// Whether `engine` is still the one of this socket.
    fn has_engine(&self, engine: &Rc<dyn Engine>) -> bool {
        self.engine.borrow().as_ref().is_some_and(|current| Rc::ptr_eq(current, engine))
    }

    fn is_dead(&self) -> bool {
        self.life().is_dead()
    }

    pub(crate) fn change_state(&self, state: SocketState) {
        self.state.set(state);
        self.state_changed.emit(state);
    }

    pub(crate) fn set_error(&self, error: &SocketError) {
        self.error_kind.set(error.kind());
        self.base.set_error_string(error.text());
    }

    pub(crate) fn clear_error(&self) {
        self.error_kind.set(SocketErrorKind::Unknown);
        self.base.set_error_string("");
    }

    pub(crate) fn emit_error(&self) {
        let kind = self.error_kind.get();
        self.error.emit(kind);
        self.error_occurred.emit(kind);
    }

    fn is_unbuffered(&self) -> bool {
        self.flags.unbuffered.get()
    }

    /// Calls `f` with the device whose signals tell of the bytes that were moved.
    fn with_front<R>(&self, f: impl FnOnce(&DeviceNode) -> R) -> R {
        match self.front() {
            Some(front) => f(&front),
            None => f(&self.base),
        }
    }
}

impl fmt::Debug for AbstractSocketNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbstractSocketNode")
            .field("state", &self.state.get())
            .field("error", &self.error_kind.get())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
