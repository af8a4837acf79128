//! From a name to a connection.

use std::{
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{
    OpenMode, QDeadlineTimer, TimerType,
    event_loop::{Dispatcher, EventSource, TimerHandler, TimerId},
    internals::DeviceInternals,
    object::Node,
};

use super::{
    AbstractSocketNode, End, Host, QAbstractSocket, SocketError, SocketErrorKind, SocketState,
};
use crate::{
    HostInfoError, NetworkLayerProtocol, QHostAddress, QHostInfo,
    engine::{Engine, Progress},
    host_info::{self, Lookup},
};

/// How long connecting to one address may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

impl QAbstractSocket {
    /// Connects to a host, for reading and writing.
    ///
    /// Returns at once; [`connected`](AbstractSocketNode::connected) or
    /// [`error_occurred`](AbstractSocketNode::error_occurred) tells how it went. What is written
    /// meanwhile goes out when the connection stands. A name is looked up first, and its addresses
    /// are tried one after the other, each for 30 seconds at most.
    ///
    /// A socket that is connected, or about to be, stays as it is:
    /// [`Operation`](SocketErrorKind::Operation) is the error then.
    ///
    /// ```
    /// use qcore::QCoreApplication;
    /// use qnetwork::{QTcpSocket, SocketErrorKind};
    ///
    /// let app = QCoreApplication::new();
    /// let socket = QTcpSocket::new();
    /// socket.error_occurred.connect_to(&app, |app, _| app.quit());
    /// socket.connect_to_host("127.0.0.1", 1); // nobody listens there
    /// app.exec();
    /// assert_eq!(socket.error(), SocketErrorKind::ConnectionRefused);
    /// ```
    #[doc(alias = "connectToHost")]
    pub fn connect_to_host(&self, host: impl Into<Host>, port: u16) {
        let mode = OpenMode::READ_WRITE;
        self.connect_to_host_with(host, port, mode, NetworkLayerProtocol::AnyIP);
    }

    /// [`connect_to_host`](QAbstractSocket::connect_to_host), opening the socket in some `mode` and
    /// using only the addresses of one `protocol`.
    ///
    /// With [`OpenMode::UNBUFFERED`] nothing is read ahead, and what is written goes to the system
    /// at once:
    ///
    /// * `ready_read` tells that there is something, or that the other end has closed, and is
    ///   silent then until something is read. A limit of the read buffer means nothing.
    /// * Who reads on to the end of the stream finds the socket
    ///   [`Unconnected`](SocketState::Unconnected); no signal tells of that.
    /// * Writing fails while the connection is being made; during the look-up, and where the system
    ///   does not take all, there is a write buffer all the same. `bytes_written` tells of that
    ///   alone.
    ///
    /// A socket that was connected so once stays unbuffered.
    #[doc(alias = "connectToHost")]
    pub fn connect_to_host_with(
        &self,
        host: impl Into<Host>,
        port: u16,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        let host_name = host.into().into_name();
        match self.class() {
            Some(class) => class.connect_to_host(host_name, port, mode, protocol),
            None => self.begin_connecting(host_name, port, mode, protocol),
        }
    }
}

impl AbstractSocketNode {
    fn begin_connecting(
        &self,
        host_name: String,
        port: u16,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        if self.life().is_dying() {
            qcore::q_warning!(
                "QAbstractSocket::connectToHost() called on a socket that was deleted"
            );
            return;
        }
        if !matches!(self.state.get(), SocketState::Unconnected | SocketState::Bound) {
            qcore::q_warning!(
                "QAbstractSocket::connectToHost() called when already looking up or \
                 connecting/connected to \"{host_name}\""
            );
            let text = "Trying to connect while connection is in progress";
            self.set_error(&SocketError::new(SocketErrorKind::Operation, text));
            self.emit_error();
            return;
        }
        self.flags.abort_called.set(false);
        self.flags.pending_close.set(false);
        self.flags.read_paused.set(false);
        self.host_name.replace(host_name.clone());
        self.peer_name.replace(String::new());
        self.port.set(port);
        self.protocol.set(protocol);
        {
            let mut ends = self.ends.borrow_mut();
            ends.peer = End::default();
            if self.state.get() != SocketState::Bound {
                ends.local = End::default();
            }
        }
        self.write_queue.borrow_mut().clear(self.base.pool());
        self.cancel_lookup();
        if let Err(error) = self.find_route(&host_name, port) {
            self.set_error(&error);
            self.emit_error();
            return;
        }
        self.clear_error();
        self.flags.unread.set(false);
        // Once unbuffered, a socket stays so, as Qt's.
        let unbuffered = self.is_unbuffered() || mode.contains(OpenMode::UNBUFFERED);
        self.flags.unbuffered.set(unbuffered);
        self.base.open_device(if unbuffered { mode | OpenMode::UNBUFFERED } else { mode });
        self.base.set_channel_counts(0, 0);
        self.change_state(SocketState::HostLookup);
        if self.state.get() != SocketState::HostLookup || self.life().is_dying() {
            return;
        }
        let by_name = self.proxy_looks_up() && host_name.parse::<QHostAddress>().is_err();
        match Lookup::begin_for_address(&host_name) {
            Lookup::Answer(info) if info.error() == HostInfoError::NoError && !by_name => {
                self.start_connecting(&info);
            }
            _ if by_name => self.connect_by_name(&host_name),
            // The answer that there is no such host comes from the loop, whoever knows it.
            _ => self.look_up(&host_name),
        }
    }

    fn look_up(&self, host_name: &str) {
        let node = self.this.clone();
        let answer = move |info: QHostInfo| {
            if let Some(node) = node.upgrade() {
                node.lookup.set(None);
                node.start_connecting(&info);
            }
        };
        self.lookup.set(Some(host_info::ask(host_name, Box::new(answer))));
    }

    pub(super) fn cancel_lookup(&self) {
        if let Some(lookup) = self.lookup.take() {
            QHostInfo::abort_host_lookup(lookup);
        }
    }

    pub(super) fn start_connecting(&self, info: &QHostInfo) {
        if self.state.get() != SocketState::HostLookup {
            return;
        }
        let wanted = |address: &&QHostAddress| match self.protocol.get() {
            protocol @ (NetworkLayerProtocol::IPv4 | NetworkLayerProtocol::IPv6) => {
                address.protocol() == protocol
            }
            _ => true,
        };
        let addresses = info.addresses().iter().filter(wanted).cloned().collect();
        self.addresses.replace(addresses);
        if self.addresses.borrow().is_empty() {
            self.state.set(SocketState::Unconnected);
            self.set_error(&SocketError::host_not_found());
            self.state_changed.emit(SocketState::Unconnected);
            self.emit_error();
            return;
        }
        self.flags.trying.set(false);
        self.change_state(SocketState::Connecting);
        self.host_found.emit(());
        // A slot that waits has tried the first address already.
        if self.state.get() == SocketState::Connecting && !self.flags.trying.get() {
            self.connect_to_next_address(SocketError::host_not_found());
        }
    }

    /// Tries the addresses that are left, until one is at least under way. With none left, `error`
    /// is what went wrong with the last one.
    pub(super) fn connect_to_next_address(&self, mut error: SocketError) {
        self.flags.trying.set(true);
        loop {
            let next = self.addresses.borrow_mut().pop_front();
            let Some(address) = next else {
                self.state.set(SocketState::Unconnected);
                self.set_error(&error);
                self.drop_attempt();
                self.state_changed.emit(SocketState::Unconnected);
                self.emit_error();
                if self.state.get() == SocketState::Unconnected {
                    // What was written meanwhile was for this attempt.
                    self.clear_write_queue();
                }
                return;
            };
            let engine = match self.engine() {
                // Bound, or taken over: it keeps its descriptor, come what may.
                Some(engine) => engine,
                None => match self.open_engine(address.protocol()) {
                    Ok(engine) => engine,
                    Err(failed) => {
                        error = failed;
                        continue;
                    }
                },
            };
            match engine.connect(&address, self.port.get()) {
                Ok(progress) => return self.begin_with(engine, progress),
                Err(failed) => error = failed,
            }
        }
    }

    /// Goes on with an engine that has begun to connect.
    pub(super) fn begin_with(&self, engine: Rc<dyn Engine>, progress: Progress) {
        self.engine.replace(Some(engine.clone()));
        match progress {
            Progress::Connected => self.on_connected(),
            Progress::Connecting | Progress::Asks if self.is_for_datagrams() => {
                self.wait_for_relay(&engine);
            }
            Progress::Connecting | Progress::Asks => self.start_connect_timer(),
        }
    }

    /// Lets go of an engine that could not connect, unless the socket is to keep it.
    fn drop_attempt(&self) {
        if self.descriptor.get() == -1 {
            self.release_engine();
        }
    }

    pub(super) fn source(&self) -> Weak<dyn EventSource> {
        self.this.clone()
    }

    /// The engine is ready for something while it connects.
    pub(super) fn on_connecting(&self, engine: &Rc<dyn Engine>) {
        self.on_progress(engine, engine.finish_connecting());
    }

    pub(super) fn on_progress(
        &self,
        engine: &Rc<dyn Engine>,
        progress: Result<Progress, SocketError>,
    ) {
        match progress {
            Ok(Progress::Connecting) => {}
            Ok(Progress::Asks) => self.ask_for_credentials(engine),
            Ok(Progress::Connected) => {
                self.stop_connect_timer();
                if engine.is_readable() {
                    // What came along with the connection is told of in the next turn.
                    engine.read_again();
                }
                self.on_connected();
            }
            Err(error) => {
                self.stop_connect_timer();
                self.drop_attempt();
                self.connect_to_next_address(error);
            }
        }
    }

    fn on_connected(&self) {
        self.addresses.take();
        self.note_ends();
        self.base
            .set_channel_counts(self.base.is_readable().into(), self.base.is_writable().into());
        self.state.set(SocketState::Connected);
        // First of all: a loop that a slot runs is to send what was written already.
        self.request_write();
        if self.is_for_datagrams()
            && let Some(engine) = self.engine()
        {
            // What has come to a bound socket.
            self.read_again_if_readable(&engine);
        }
        self.state_changed.emit(SocketState::Connected);
        // As Qt's, the signal comes even if a slot of the one before has closed the socket again.
        self.connected.emit(());
        if self.flags.pending_close.replace(false) {
            self.disconnect();
        }
    }

    // ---- the time it may take

    pub(super) fn start_connect_timer(&self) {
        self.stop_connect_timer();
        let handler: Weak<dyn TimerHandler> = self.this.clone();
        let id = self.dispatcher().start_timer(CONNECT_TIMEOUT, TimerType::Coarse, handler);
        self.connect_timer.set(Some(id));
    }

    /// Until when connecting to this address may take.
    pub(super) fn connect_deadline(&self) -> QDeadlineTimer {
        let left = self.connect_timer.get().and_then(|id| self.dispatcher().remaining_time(id));
        left.map_or(QDeadlineTimer::forever(), QDeadlineTimer::from)
    }

    /// This address takes too long.
    pub(super) fn on_connect_timeout(&self) {
        self.stop_connect_timer();
        let error = match self.engine().map(|engine| engine.timed_out()) {
            Some(Ok(_)) => return self.start_connect_timer(),
            Some(Err(error)) => error,
            None => SocketError::timed_out(),
        };
        self.drop_attempt();
        self.connect_to_next_address(error);
    }

    pub(super) fn stop_connect_timer(&self) {
        if let Some(id) = self.connect_timer.take() {
            self.dispatcher().stop_timer(id);
        }
    }

    fn dispatcher(&self) -> &Rc<Dispatcher> {
        self.life().dispatcher()
    }
}

impl TimerHandler for AbstractSocketNode {
    fn timer_due(self: Rc<Self>, id: TimerId) {
        if self.connect_timer.get() != Some(id) {
            return;
        }
        if self.state.get() == SocketState::Connecting {
            self.on_connect_timeout();
        } else {
            self.stop_connect_timer();
        }
    }
}
