//! From the name of a host to a connection.

use std::rc::{Rc, Weak};

use qcore::{OpenMode, QDeadlineTimer, event_loop::TimerHandler, object::Node};

use super::{
    close_reason::CloseReason,
    node::{AbstractSocketNode, QAbstractSocket, TellsEnd},
    state::SocketState,
    timeout_kind::TimeoutKind,
};
use crate::{
    address::{Host, NetworkLayerProtocol, QHostAddress},
    common::{SocketError, SocketErrorKind},
    engine::{Engine, Progress},
    host_info::{self, Lookup, QHostInfo},
};

impl QAbstractSocket {
    /// Connects to a host, for reading and writing.
    ///
    /// Returns at once. The socket emits [`connected`](AbstractSocketNode::connected) when it is
    /// connected, or [`error_occurred`](AbstractSocketNode::error_occurred) if connecting fails.
    /// Data that the program writes meanwhile is sent once the socket is connected. The socket
    /// looks up a name first and then tries its addresses one after the other, each for 30 seconds
    /// at most.
    ///
    /// If the socket is already connected or connecting, this function only emits the error
    /// [`Operation`](SocketErrorKind::Operation).
    ///
    /// Emits [`state_changed`](AbstractSocketNode::state_changed) before it returns. For an
    /// address, or a name whose addresses are in the cache, it also emits
    /// [`host_found`](AbstractSocketNode::host_found) and, if connecting fails at once,
    /// [`error_occurred`](AbstractSocketNode::error_occurred). A UDP socket also emits
    /// [`connected`](AbstractSocketNode::connected).
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
    pub fn connect_to_host<'a>(&self, host: impl Into<Host<'a>>, port: u16) {
        let mode = OpenMode::READ_WRITE;
        self.connect_to_host_with_mode(host, port, mode, NetworkLayerProtocol::AnyIP);
    }

    /// Connects to a host like [`connect_to_host`](QAbstractSocket::connect_to_host), in the given
    /// open `mode` and with addresses of the given `protocol` only.
    ///
    /// With [`OpenMode::UNBUFFERED`] the socket reads nothing ahead, and passes data that the
    /// program writes to the system at once:
    ///
    /// * The socket emits `ready_read` when there is something to read or the other end has closed.
    ///   It does not emit it again before the program has read something. The limit of the read
    ///   buffer has no effect.
    /// * A program that reads up to the end of the stream finds the socket
    ///   [`Unconnected`](SocketState::Unconnected). No signal reports that.
    /// * Writing fails while the socket is connecting. There is a write buffer during the look-up,
    ///   and for data that the system does not take at once. The socket emits `bytes_written` only
    ///   for data that went through this buffer.
    ///
    /// A socket that was once unbuffered stays unbuffered.
    ///
    /// Emits the same signals before it returns:
    /// [`state_changed`](AbstractSocketNode::state_changed), and in some cases
    /// [`host_found`](AbstractSocketNode::host_found), [`connected`](AbstractSocketNode::connected)
    /// and [`error_occurred`](AbstractSocketNode::error_occurred).
    #[doc(alias = "connectToHost")]
    pub fn connect_to_host_with_mode<'a>(
        &self,
        host: impl Into<Host<'a>>,
        port: u16,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        let host_name = host.into().into_name();
        match self.layers.class() {
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
        if self.refuses_to_connect() {
            return;
        }
        // A slot may be called here that tells of the end of the connection before.
        self.tell_closed_now();
        if self.refuses_to_connect() {
            return;
        }
        if !matches!(self.current_state(), SocketState::Unconnected | SocketState::Bound) {
            qcore::q_warning!(
                "QAbstractSocket::connectToHost() called when already looking up or \
                 connecting/connected to \"{host_name}\""
            );
            let text = "Trying to connect while connection is in progress";
            self.report(SocketError::new(SocketErrorKind::Operation, text));
            return;
        }
        self.ending.reset();
        self.reading.reset();
        self.reading.take_ended();
        self.attempt.begin(host_name.clone(), port, protocol);
        self.attempt.take_peer_name();
        self.ends.forget_peer();
        if self.current_state() != SocketState::Bound {
            self.ends.set_local(Default::default());
        }
        self.clear_write_buffer();
        self.begin_connection();
        if let Err(error) = self.choose_proxy(&host_name, port) {
            let _held = self.hold_closed();
            self.closure.note(CloseReason::ConnectFailed(error.clone()));
            self.end_connection();
            self.report(error);
            return;
        }
        self.clear_error();
        let _recovery = self.recovery();
        if mode.contains(OpenMode::UNBUFFERED) {
            self.reading.make_unbuffered();
        }
        let unbuffered = self.reading.is_unbuffered();
        self.base.open_device(if unbuffered { mode | OpenMode::UNBUFFERED } else { mode });
        self.base.set_channel_counts(0, 0);
        let mark = self.closure.mark();
        self.change_state(SocketState::HostLookup);
        if !self.closure.is_at(mark) || self.current_state() != SocketState::HostLookup {
            // A slot has ended the attempt, and may have begun another one.
            return;
        }
        let by_name = self.proxies.looks_up_names() && host_name.parse::<QHostAddress>().is_err();
        match Lookup::begin_for_address(&host_name) {
            Lookup::Answer(info) if info.error().is_none() && !by_name => {
                self.start_connecting(&info);
            }
            _ if by_name => self.connect_by_name(&host_name),
            Lookup::Ask if self.races() => self.look_up_families(&host_name),
            // The loop reports the failure, even if it is already known that there is no such host.
            _ => self.look_up(&host_name),
        }
    }

    /// Returns whether the socket was deleted, so that it cannot connect.
    fn refuses_to_connect(&self) -> bool {
        let is_dying = self.life().is_dying();
        if is_dying {
            qcore::q_warning!(
                "QAbstractSocket::connectToHost() called on a socket that was deleted"
            );
        }
        is_dying
    }

    fn look_up(&self, host_name: &str) {
        let node = self.this.clone();
        let answer = move |info: QHostInfo| {
            if let Some(node) = node.upgrade() {
                let _recovery = node.recovery();
                node.attempt.looked_up();
                node.start_connecting(&info);
            }
        };
        self.attempt.looks_up(host_info::ask(host_name, Box::new(answer)));
    }

    /// Begins to connect to the addresses that the look-up has found.
    pub(super) fn start_connecting(&self, info: &QHostInfo) {
        if self.current_state() != SocketState::HostLookup {
            return;
        }
        if !self.attempt.take_addresses(info) {
            let _held = self.hold_closed();
            let error = SocketError::host_not_found();
            self.closure.note(CloseReason::ConnectFailed(error.clone()));
            self.end_connection();
            self.set_state(SocketState::Unconnected);
            self.set_error(&error);
            self.state_changed.emit(SocketState::Unconnected);
            self.emit_error();
            return;
        }
        self.enter_connecting();
        // A slot that called a function that waits has already tried the first address.
        if self.current_state() == SocketState::Connecting && !self.attempt.is_trying() {
            self.try_addresses();
        }
    }

    /// The addresses are known.
    pub(super) fn enter_connecting(&self) {
        let held = self.hold_closed();
        self.change_state(SocketState::Connecting);
        let _held = held.for_last();
        // Emitted even if a slot has closed the socket just now, as in Qt.
        self.host_found.emit(());
    }

    /// Begins to try the addresses: one after the other, or in a race.
    pub(super) fn try_addresses(&self) {
        if self.races() {
            self.begin_race();
        } else {
            self.connect_to_next_address(SocketError::host_not_found());
        }
    }

    /// Tries the remaining addresses until one of them is connected or connecting. If none remains,
    /// the attempt has failed with `error`, the error of the last address.
    pub(super) fn connect_to_next_address(&self, error: SocketError) {
        self.connect_or_fail(error, None);
    }

    /// Tries the remaining addresses like
    /// [`connect_to_next_address`](Self::connect_to_next_address). `timeout` is the time-out that
    /// has ended the attempt to connect to the last address.
    pub(super) fn connect_or_fail(&self, mut error: SocketError, mut timeout: Option<TimeoutKind>) {
        let mark = self.closure.mark();
        loop {
            let Some(address) = self.attempt.next_address() else {
                let _held = self.hold_closed();
                self.drop_attempt();
                if !self.closure.is_at(mark) {
                    return;
                }
                self.closure.note(match timeout {
                    Some(kind) => CloseReason::TimedOut(kind),
                    None => CloseReason::ConnectFailed(error.clone()),
                });
                self.end_connection();
                self.set_state(SocketState::Unconnected);
                self.set_error(&error);
                self.state_changed.emit(SocketState::Unconnected);
                self.emit_error();
                if self.current_state() == SocketState::Unconnected {
                    // Data written meanwhile was for this attempt.
                    self.clear_write_buffer();
                }
                return;
            };
            timeout = None;
            let engine = match self.engine() {
                // Bound or taken over: the socket keeps its descriptor for all addresses.
                Some(engine) => engine,
                None => match self.open_engine(address.protocol()) {
                    Ok(engine) => engine,
                    Err(failed) => {
                        error = failed;
                        continue;
                    }
                },
            };
            match engine.connect(&address, self.attempt.port()) {
                // The program's logger has ended the attempt.
                _ if !self.closure.is_at(mark) => return,
                Ok(progress) => return self.begin_with(engine, progress),
                Err(failed) => error = failed,
            }
        }
    }

    /// Gives up the current address, and tries the next one.
    pub(super) fn leave_address(&self, error: SocketError, timeout: Option<TimeoutKind>) {
        let mark = self.closure.mark();
        self.stop_connect_timer();
        self.drop_attempt();
        if self.closure.is_at(mark) {
            self.connect_or_fail(error, timeout);
        }
    }

    /// Continues with an engine that has begun to connect.
    pub(super) fn begin_with(&self, engine: Rc<dyn Engine>, progress: Progress) {
        self.engine.put(engine.clone());
        match progress {
            Progress::Connected => self.on_connected(),
            Progress::Connecting | Progress::Asks if self.is_for_datagrams() => {
                self.wait_for_relay(&engine);
            }
            Progress::Connecting | Progress::Asks => self.start_connect_timer(),
        }
    }

    /// Drops an engine that could not connect, unless the socket keeps its descriptor.
    pub(super) fn drop_attempt(&self) {
        if !self.ends.keeps_descriptor() {
            self.release_engine();
        }
    }

    /// Lets the engine continue when it becomes ready while it connects.
    pub(super) fn on_connecting(&self, engine: &Rc<dyn Engine>) {
        let progress = engine.finish_connecting();
        if self.has_engine(engine) {
            self.on_progress(engine, progress);
        }
    }

    pub(super) fn on_progress(
        &self,
        engine: &Rc<dyn Engine>,
        progress: Result<Progress, SocketError>,
    ) {
        match progress {
            Ok(Progress::Connecting) => {
                if !self.timeouts.are_unused() && engine.is_negotiating() {
                    self.timeouts.proxy_handshake();
                    self.start_timeouts();
                }
            }
            Ok(Progress::Asks) => self.ask_for_credentials(engine),
            Ok(Progress::Connected) => {
                self.stop_connect_timer();
                // The next turn emits `ready_read` for data that has arrived already.
                self.read_again(engine);
                self.on_connected();
            }
            Err(error) => self.leave_address(error, None),
        }
    }

    /// Continues with an engine that a race has connected.
    pub(super) fn take_connected(&self, engine: Rc<dyn Engine>) {
        self.engine.put(engine.clone());
        // The next turn emits `ready_read` for data that has arrived already.
        self.read_again(&engine);
        self.on_connected();
    }

    fn on_connected(&self) {
        self.attempt.forget_addresses();
        self.learn_ends();
        self.base
            .set_channel_counts(self.base.is_readable().into(), self.base.is_writable().into());
        self.set_state(SocketState::Connected);
        self.time_connected();
        // Ask before emitting, so that a loop that a slot runs sends the data that was written
        // already.
        if !self.writing.is_empty() {
            self.schedule();
        }
        if self.is_for_datagrams()
            && let Some(engine) = self.engine()
        {
            // A bound socket may already have received datagrams.
            self.read_again(&engine);
        }
        let held = self.hold_closed();
        self.state_changed.emit(SocketState::Connected);
        let held = held.for_last();
        // Emitted even if a slot has closed the socket just now, as in Qt.
        self.connected.emit(());
        drop(held);
        if self.ending.take_close() {
            self.disconnect();
        }
    }

    // ---- the time for one address

    pub(super) fn start_connect_timer(&self) {
        let handler: Weak<dyn TimerHandler> = self.this.clone();
        let limit = self.timeouts.limit(TimeoutKind::Address);
        self.attempt.start_timer(limit, self.dispatcher(), handler);
    }

    /// Stops the time limit, because the socket no longer tries this address. Ends a race, too.
    pub(super) fn stop_connect_timer(&self) {
        self.attempt.stop_timer(self.dispatcher());
        self.end_race();
    }

    /// Returns when the time limit for the current address expires.
    pub(super) fn connect_deadline(&self) -> QDeadlineTimer {
        self.attempt.deadline(self.dispatcher())
    }

    /// Gives up the current address, whose time limit has expired.
    pub(super) fn on_connect_timeout(&self) {
        self.stop_connect_timer();
        let error = match self.engine().map(|engine| engine.timed_out()) {
            Some(Ok(_)) => return self.start_connect_timer(),
            Some(Err(error)) => error,
            None => SocketError::timed_out(),
        };
        self.leave_address(error, Some(TimeoutKind::Address));
    }
}
