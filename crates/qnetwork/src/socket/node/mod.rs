//! The node of a socket and its parts.
//!
//! The node has the signals of a socket, and one part for each task of a socket. A part keeps its
//! own state, in fields that are private to its file. It calls no slot. The files of the folder
//! above have the behaviour: their functions read and change the parts, and emit the signals.

mod attempt;
mod closure;
mod emission;
mod ending;
mod ends;
mod engine_slot;
#[cfg_attr(not(feature = "tasks"), allow(dead_code))]
mod extras;
mod layers;
mod proxy_choice;
mod read_side;
mod status;
mod timeouts;
mod write_queue;
mod write_side;

use std::{
    cell::Cell,
    fmt,
    rc::{Rc, Weak},
};

use qcore::{
    QIODevice, QObject, Signal,
    classes::Class,
    event_loop::{Dispatcher, EventSource},
    internals::{DeviceInternals, FinalDevice},
    io_device::{DeviceBackend, DeviceNode},
    library_class,
    object::{Handle, Life, Node, Object},
};

use self::{
    attempt::Attempt, ending::Ending, ends::Ends, engine_slot::EngineSlot, extras::Extras,
    layers::Layers, proxy_choice::ProxyChoice, read_side::ReadSide, status::Status,
    timeouts::Timeouts, write_side::WriteSide,
};
pub(crate) use self::{
    closure::{Closure, Held, TellsEnd},
    ends::{DetachedEnds, End},
    extras::Direction,
    layers::{Outer, PartOf, SocketClass},
    timeouts::Situation,
    write_queue::Step,
};
use super::{
    close_reason::CloseReason, pause_modes::PauseModes, racing::Racing, state::SocketState,
};
use crate::{
    auth::QAuthenticator,
    common::{SocketError, SocketErrorKind, SocketType},
    engine::Engine,
    proxy::QNetworkProxy,
};

library_class! {
    /// The base class of all sockets: states, signals, connecting and closing, reading and writing.
    ///
    /// The functions for reading and writing are those of [`QIODevice`]. Functions such as
    /// `connect_to_host` and `write` return at once; the loop does the work and the socket emits
    /// signals about it. Only functions whose names begin with `wait_for` wait. Stands for Qt's
    /// [QAbstractSocket](https://doc.qt.io/qt-5/qabstractsocket.html).
    ///
    /// A socket is aborted when its last handle is dropped or its parent dies.
    ///
    /// [`cast`](QObject::cast) returns a handle of the derived class, for example of a
    /// [`QTcpSocket`](crate::QTcpSocket).
    ///
    /// # The order of signals
    ///
    /// * The socket connects: `state_changed(HostLookup)`, `state_changed(Connecting)`,
    ///   `host_found`, `state_changed(Connected)`, `connected`. If the host is an address,
    ///   [`connect_to_host`](QAbstractSocket::connect_to_host) emits the first three before it
    ///   returns.
    /// * Connecting fails: `state_changed(Unconnected)`, `error`, `error_occurred`.
    /// * The other end closes: `error(RemoteHostClosed)` while the state is still `Connected`, then
    ///   the signals of the next line. Data that was received can be read afterwards.
    /// * This end closes: `state_changed(Closing)`, `bytes_written` for the rest of the write
    ///   buffer, `state_changed(Unconnected)`, `read_channel_finished`, `disconnected`.
    /// * After each of these ends: [`closed`](AbstractSocketNode::closed).
    pub struct QAbstractSocket(AbstractSocketNode): QIODevice = base;
    virtual (FinalDevice, <QObject as Class>::Virtual)
}

/// The signals of a [`QAbstractSocket`].
pub struct AbstractSocketNode {
    /// The look-up has found addresses of the host, and the socket begins to connect.
    #[doc(alias = "hostFound")]
    pub host_found: Signal<()>,
    /// The socket is connected.
    pub connected: Signal<()>,
    /// The connection has ended.
    pub disconnected: Signal<()>,
    /// The connection has ended, or connecting has failed. The value is the reason.
    ///
    /// Emitted exactly once for each connection, however it ends: one of the ends closes or aborts
    /// it, the other end resets it, a time-out expires, or the socket dies or gets another
    /// descriptor. A connection begins with a call of
    /// [`connect_to_host`](QAbstractSocket::connect_to_host), with a descriptor, or when a server
    /// accepts it. A connection that is [handed over](crate::QTcpSocket::detach) has not ended: the
    /// socket that continues it emits the signal later. Qt has no such signal.
    ///
    /// The socket emits it after all other signals of the connection, but before `destroyed`. So if
    /// several signals come one after the other, such as [`error`](Self::error) and
    /// [`error_occurred`](Self::error_occurred), and a slot of the first one ends the connection,
    /// the socket emits `closed` when the slots of the last one have returned. If a slot connects
    /// the socket again, `closed` comes before the first signal of the next connection. As in Qt,
    /// some signals of the previous connection's end may come after that.
    pub closed: Signal<CloseReason>,
    /// The state has changed.
    #[doc(alias = "stateChanged")]
    pub state_changed: Signal<SocketState>,
    /// An error occurred. Emitted before [`error_occurred`](Self::error_occurred), which is its
    /// newer name.
    pub error: Signal<SocketErrorKind>,
    /// An error occurred.
    #[doc(alias = "errorOccurred")]
    pub error_occurred: Signal<SocketErrorKind>,
    /// The proxy requires a user name and a password. A slot sets both in the authenticator before
    /// it returns; it may run an event loop meanwhile. If no slot sets them, connecting fails. If
    /// the proxy refuses them, the socket emits the signal again, up to 16 times for a connection.
    #[doc(alias = "proxyAuthenticationRequired")]
    pub proxy_authentication_required: Signal<(QNetworkProxy, QAuthenticator)>,

    pub(super) base: QIODevice,
    pub(super) this: Weak<AbstractSocketNode>,
    device: Rc<dyn DeviceBackend>,
    pub(super) socket_type: SocketType,

    pub(super) status: Status,
    pub(super) engine: EngineSlot,
    pub(super) ends: Ends,
    pub(super) attempt: Attempt,
    pub(super) racing: Racing,
    pub(super) proxies: ProxyChoice,
    pub(super) reading: ReadSide,
    pub(super) writing: WriteSide,
    pub(super) ending: Ending,
    pub(super) closure: Closure,
    pub(super) timeouts: Timeouts,
    pub(super) layers: Layers,
    pub(super) extras: Extras,
    pub(super) pause_mode: Cell<PauseModes>,
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
    /// Returns the handle of a new object.
    pub(super) fn of_node(node: Rc<AbstractSocketNode>) -> Self {
        let backend = Rc::downgrade(&node.device);
        node.base.set_backend(backend);
        QAbstractSocket(Handle::new(node))
    }

    /// Returns the handle of the socket in a new object of a derived class, which has a device of
    /// its own.
    #[cfg(feature = "_tls")]
    pub(super) fn of_embedded(node: Rc<AbstractSocketNode>) -> Self {
        QAbstractSocket(Handle::embed(node))
    }
}

impl AbstractSocketNode {
    /// Creates a node. `make_device` creates its device backend.
    pub(super) fn make(
        life: &Rc<Life>,
        socket_type: SocketType,
        make_device: impl FnOnce(Weak<AbstractSocketNode>) -> Rc<dyn DeviceBackend>,
    ) -> Rc<Self> {
        Rc::new_cyclic(|this: &Weak<AbstractSocketNode>| AbstractSocketNode {
            host_found: Signal::in_life(life),
            connected: Signal::in_life(life),
            disconnected: Signal::in_life(life),
            closed: Signal::in_life(life),
            state_changed: Signal::in_life(life),
            error: Signal::in_life(life),
            error_occurred: Signal::in_life(life),
            proxy_authentication_required: Signal::in_life(life),
            base: QIODevice::embed(life),
            this: this.clone(),
            device: make_device(this.clone()),
            socket_type,
            status: Status::default(),
            engine: EngineSlot::default(),
            ends: Ends::default(),
            attempt: Attempt::default(),
            racing: Racing::default(),
            proxies: ProxyChoice::default(),
            reading: ReadSide::default(),
            writing: WriteSide::default(),
            ending: Ending::default(),
            closure: Closure::default(),
            timeouts: Timeouts::default(),
            layers: Layers::default(),
            extras: Extras::default(),
            pause_mode: Cell::default(),
        })
    }

    pub(super) fn is_dead(&self) -> bool {
        self.life().is_dead()
    }

    pub(super) fn dispatcher(&self) -> &Rc<Dispatcher> {
        self.life().dispatcher()
    }

    /// Returns the source that the loop calls when the engine is ready.
    pub(super) fn source(&self) -> Weak<dyn EventSource> {
        self.this.clone()
    }

    /// Returns whether this is a UDP socket.
    pub(super) fn is_for_datagrams(&self) -> bool {
        self.socket_type == SocketType::Udp
    }

    /// Calls `f` with the device that emits `ready_read` and `bytes_written`.
    pub(super) fn with_front<R>(&self, f: impl FnOnce(&DeviceNode) -> R) -> R {
        match self.layers.front() {
            Some(front) => f(&front),
            None => f(&self.base),
        }
    }

    // ---- the engine

    pub(super) fn engine(&self) -> Option<Rc<dyn Engine>> {
        self.engine.get()
    }

    /// Returns whether `engine` is still the one of this socket.
    pub(super) fn has_engine(&self, engine: &Rc<dyn Engine>) -> bool {
        self.engine.holds(engine)
    }

    // ---- state and error

    /// Returns the state, as `state()` of the handle does.
    pub(super) fn current_state(&self) -> SocketState {
        self.status.state()
    }

    /// Sets the state without emitting a signal. Returns the state before.
    pub(super) fn set_state(&self, state: SocketState) -> SocketState {
        self.base.set_fed(false);
        self.status.set_state(state)
    }

    pub(crate) fn change_state(&self, state: SocketState) {
        self.set_state(state);
        self.state_changed.emit(state);
    }

    pub(crate) fn set_error(&self, error: &SocketError) {
        self.status.set_error(error.kind());
        self.base.set_error_string(error.text());
    }

    pub(crate) fn clear_error(&self) {
        self.status.set_error(SocketErrorKind::Unknown);
        self.base.set_error_string("");
    }

    /// Emits the error. A caller that ends the connection holds `closed` back.
    pub(crate) fn emit_error(&self) {
        let kind = self.status.error();
        let held = self.hold_closed();
        self.error.emit(kind);
        let _held = held.for_last();
        self.error_occurred.emit(kind);
    }

    /// Sets an error, emits it, and returns it.
    pub(super) fn report(&self, error: SocketError) -> SocketError {
        self.set_error(&error);
        self.emit_error();
        error
    }
}

impl TellsEnd for AbstractSocketNode {
    fn closure(&self) -> &Closure {
        &self.closure
    }

    fn tell(&self, reason: CloseReason) {
        self.closed.emit(reason);
    }

    fn tell_later(&self) {
        let node = self.this.clone();
        self.dispatcher().post(move || {
            if let Some(node) = node.upgrade() {
                node.tell_closed();
            }
        });
    }
}

impl fmt::Debug for AbstractSocketNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbstractSocketNode")
            .field("state", &self.status.state())
            .field("error", &self.status.error())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, target_pointer_width = "64", feature = "tasks"))]
mod tests {
    use super::AbstractSocketNode;

    /// The C library gives memory in steps of 16 bytes. Each idle connection has one node and one
    /// engine. With the simulation, the engine's socket is larger.
    #[test]
    fn an_idle_connection_is_small() {
        assert_eq!(size_of::<AbstractSocketNode>(), 424);
        #[cfg(not(feature = "simulation"))]
        assert_eq!(size_of::<crate::engine::NativeEngine>(), 72);
    }
}
