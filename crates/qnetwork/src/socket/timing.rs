//! The time-outs of sockets: the settings, and what happens when one expires.

use std::{
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{Interval, QDeadlineTimer, event_loop::TimerHandler};

use super::{
    close_reason::CloseReason,
    node::{AbstractSocketNode, Direction, QAbstractSocket, Situation, TellsEnd},
    state::SocketState,
    timeout_kind::TimeoutKind,
};
use crate::{common::OnPanic, engine::Engine};

/// # Time-outs
impl QAbstractSocket {
    /// Sets a time-out, in milliseconds or as a `Duration`. A negative number switches it off. By
    /// default all are off, except that [`Address`](TimeoutKind::Address) is 30 seconds.
    ///
    /// The setting applies to the current connection of the socket and to all later ones. For the
    /// current connection, the time counts from the beginning of the connection if the socket
    /// already had a time-out of any kind then, and otherwise from now on. Qt has no such settings.
    ///
    /// # What happens
    ///
    /// A socket that is connecting fails to connect. A connected socket emits
    /// [`error_occurred`](AbstractSocketNode::error_occurred) and then aborts. The error is
    /// [`SocketTimeout`](crate::SocketErrorKind::SocketTimeout), or
    /// [`ProxyConnectionTimeout`](crate::SocketErrorKind::ProxyConnectionTimeout) for the handshake
    /// with a proxy, and its text names the time-out. [`closed`](AbstractSocketNode::closed) has
    /// the reason [`TimedOut`](CloseReason::TimedOut) with the kind.
    ///
    /// Time-outs also expire while a function such as `wait_for_ready_read` waits. They do not
    /// apply to UDP sockets.
    ///
    /// # How exact they are
    ///
    /// No time-out expires early. [`IdleRead`](TimeoutKind::IdleRead) and
    /// [`IdleWrite`](TimeoutKind::IdleWrite) may expire late, by up to an eighth of their time: to
    /// save work, the socket does not start a timer each time it receives or sends, but checks
    /// eight times within the time-out whether it has.
    ///
    /// The time of `IdleRead` does not run while the socket does not read: while its read buffer is
    /// full, while reading is paused, while the socket waits for its share of a
    /// [`RateLimit`](crate::RateLimit), and after the other end has closed its half of the
    /// connection. The time of `IdleWrite` does not run while the socket waits for its share of a
    /// `RateLimit`.
    ///
    /// # Examples
    ///
    /// A server that closes connections on which nothing arrives for a minute:
    ///
    /// ```
    /// use qcore::{QCoreApplication, QObject, VirtualClock};
    /// use qnetwork::{CloseReason, QHostAddress, QTcpServer, QTcpSocket, TimeoutKind};
    ///
    /// let app = QCoreApplication::new();
    /// let server = QTcpServer::new();
    /// server.new_connection.connect_to(&server, |server, ()| {
    ///     while let Some(socket) = server.next_pending_connection() {
    ///         socket.set_timeout(TimeoutKind::IdleRead, 60_000);
    ///         socket.closed.connect(|reason| {
    ///             assert_eq!(*reason, CloseReason::TimedOut(TimeoutKind::IdleRead));
    ///             QCoreApplication::instance().quit();
    ///         });
    ///         socket.disconnected.connect_slot(&socket, QObject::delete_later);
    ///     }
    /// });
    /// server.listen(QHostAddress::LocalHost, 0)?;
    ///
    /// let client = QTcpSocket::new();
    /// client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    /// client.wait_for_connected(5000)?;
    /// server.wait_for_new_connection(5000)?;
    /// let _clock = VirtualClock::install(); // so that the minute is over at once
    /// app.exec();
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn set_timeout(&self, kind: TimeoutKind, timeout: impl Into<Interval>) {
        let timeout = timeout.into().as_duration();
        match self.layers.class() {
            Some(class) => class.timed().limit_time(kind, timeout, class.is_in_phase(kind)),
            None => self.limit_time(kind, timeout, false),
        }
    }

    /// Returns a time-out; `None` if it is off. See [`set_timeout`](QAbstractSocket::set_timeout).
    #[must_use]
    pub fn timeout(&self, kind: TimeoutKind) -> Option<Duration> {
        match self.layers.class() {
            Some(class) => class.timed().timeouts.limit(kind),
            None => self.timeouts.limit(kind),
        }
    }

    /// Closes the connection like [`disconnect_from_host`](QAbstractSocket::disconnect_from_host),
    /// but aborts it if bytes are still unsent after `timeout`, in milliseconds or as a `Duration`.
    /// A negative number means no limit.
    ///
    /// Without a time-out, a peer that never reads keeps the connection open for ever. When the
    /// time is over, the socket emits [`error_occurred`](AbstractSocketNode::error_occurred),
    /// aborts, and emits [`closed`](AbstractSocketNode::closed) with the reason
    /// [`TimedOut`](CloseReason::TimedOut) and the kind [`Close`](TimeoutKind::Close). If the
    /// socket is still connecting, `timeout` limits connecting, sending and closing together.
    ///
    /// Emits the same signals as `disconnect_from_host` before it returns:
    /// [`state_changed`](AbstractSocketNode::state_changed), and if there is nothing to send,
    /// [`read_channel_finished`](qcore::io_device::DeviceNode::read_channel_finished),
    /// [`disconnected`](AbstractSocketNode::disconnected) and
    /// [`closed`](AbstractSocketNode::closed).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QCoreApplication, VirtualClock};
    /// use qnetwork::{CloseReason, QTcpSocket, TimeoutKind};
    ///
    /// let app = QCoreApplication::new();
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    /// let socket = QTcpSocket::new();
    /// socket.connect_to_host("127.0.0.1", listener.local_addr().unwrap().port());
    /// socket.wait_for_connected(5000)?;
    /// socket.write(vec![0; 50 << 20]).unwrap(); // nobody reads it
    ///
    /// socket.closed.connect_to(&app, |app, reason| {
    ///     assert_eq!(*reason, CloseReason::TimedOut(TimeoutKind::Close));
    ///     app.quit();
    /// });
    /// socket.disconnect_from_host_with_timeout(5000);
    /// let _clock = VirtualClock::install();
    /// app.exec();
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn disconnect_from_host_with_timeout(&self, timeout: impl Into<Interval>) {
        if let Some(limit) = timeout.into().as_duration() {
            match self.layers.class() {
                Some(class) => class.timed().limit_closing(Some(limit)),
                None => self.limit_closing(Some(limit)),
            }
        }
        self.disconnect_from_host();
    }
}

impl AbstractSocketNode {
    /// Sets a time-out. `is_in_phase` says that the outer socket is in the phase that this time-out
    /// limits.
    pub(crate) fn limit_time(&self, kind: TimeoutKind, limit: Option<Duration>, is_in_phase: bool) {
        if self.is_for_datagrams() {
            return;
        }
        self.use_timeouts();
        self.timeouts.set_limit(kind, limit);
        // The phase may have begun while the socket had no such time-out.
        match kind {
            TimeoutKind::Close if is_in_phase || self.is_to_close() => {
                self.timeouts.limit_closing(limit);
            }
            TimeoutKind::ProxyHandshake => {
                let engine = self.engine().filter(|_| self.is_connecting());
                if engine.is_some_and(|engine| engine.is_negotiating()) {
                    self.timeouts.proxy_handshake();
                }
            }
            #[cfg(feature = "_tls")]
            TimeoutKind::TlsHandshake if is_in_phase => self.timeouts.begin_tls_handshake(),
            _ => {}
        }
        self.start_timeouts();
    }

    /// Returns whether the socket closes as soon as it has sent everything.
    fn is_to_close(&self) -> bool {
        self.current_state() == SocketState::Closing || self.ending.closes_when_connected()
    }

    /// The socket is to close, within `limit` or the time that was set for closing.
    pub(crate) fn limit_closing(&self, limit: Option<Duration>) {
        if self.current_state() == SocketState::Unconnected
            || self.is_for_datagrams()
            || limit.is_none() && self.timeouts.are_unused()
        {
            return;
        }
        self.use_timeouts();
        self.timeouts.close(limit);
        self.start_timeouts();
    }

    /// The TLS handshake begins or ends.
    #[cfg(feature = "_tls")]
    pub(crate) fn note_tls_handshake(&self, is_running: bool) {
        if !self.timeouts.are_unused() {
            self.timeouts.set_tls_handshake(is_running);
            self.start_timeouts();
        }
    }

    /// Returns the time-out for the handshake of TLS and similar ones.
    pub(crate) fn time_limit(&self, kind: TimeoutKind) -> Option<Duration> {
        self.timeouts.limit(kind)
    }

    /// Returns whether the socket would read bytes if there were any.
    pub(crate) fn reads_now(&self) -> bool {
        self.situation().reads
    }

    /// Makes the part for time-outs. A connection that exists begins now, for these.
    pub(crate) fn use_timeouts(&self) {
        if !self.timeouts.are_unused() {
            return;
        }
        self.timeouts.set_up();
        if self.closure.is_open() {
            self.timeouts.begin();
            if matches!(self.current_state(), SocketState::Connected | SocketState::Closing) {
                self.timeouts.connected();
            }
        }
    }

    /// The socket is connected.
    pub(super) fn time_connected(&self) {
        if !self.timeouts.are_unused() {
            self.timeouts.connected();
            self.start_timeouts();
        }
    }

    /// Starts the timer for whichever time-out comes next.
    pub(super) fn start_timeouts(&self) {
        if !self.timeouts.are_unused() {
            let handler: Weak<dyn TimerHandler> = self.this.clone();
            self.timeouts.start_timer(&self.situation(), self.dispatcher(), handler);
        }
    }

    /// Returns when the timer of the time-outs is due.
    pub(super) fn timeouts_deadline(&self) -> QDeadlineTimer {
        self.timeouts.deadline(self.dispatcher())
    }

    fn situation(&self) -> Situation {
        let stops = self.reading.is_full()
            || self.reading.is_announced()
            || self.reading.is_ended()
            || self.is_paused()
            || self.extras.waits(Direction::Reading)
            || self.extras.is_stalled(Direction::Reading)
            // A task that moves the bytes has left them there.
            || self.extras.is_tapped() && self.engine().is_some_and(|engine| engine.is_readable());
        let unsent = self.writing.unsent() > 0 && !self.extras.waits(Direction::Writing);
        Situation {
            reads: self.current_state() == SocketState::Connected && !stops,
            has_unsent: unsent || self.extras.is_stalled(Direction::Writing),
        }
    }

    /// The timer of the time-outs is due.
    pub(super) fn on_timeouts_due(&self) {
        match self.timeouts.expired(&self.situation()) {
            Some(kind) => self.time_out(kind),
            None => self.start_timeouts(),
        }
    }

    /// Ends the connection, whose time is over.
    fn time_out(&self, kind: TimeoutKind) {
        let _held = self.hold_closed();
        self.closure.note(CloseReason::TimedOut(kind));
        self.timeouts.end(self.dispatcher());
        if self.is_connecting() {
            self.attempt.cancel_lookup();
            self.attempt.forget_addresses();
            self.leave_address(kind.error(), Some(kind));
            return;
        }
        let Some(engine) = self.engine() else { return };
        let node = self.this.clone();
        let of = Rc::downgrade(&engine);
        let _abort = OnPanic::new(self.dispatcher(), move || {
            if let (Some(node), Some(engine)) = (node.upgrade(), of.upgrade()) {
                node.abort_with_engine(&engine);
            }
        });
        self.report(kind.error());
        self.abort_with_engine(&engine);
    }

    /// Aborts the connection if it still has this engine.
    fn abort_with_engine(&self, engine: &Rc<dyn Engine>) {
        if self.has_engine(engine) {
            match self.layers.outer() {
                Some(outer) => outer.abort(),
                None => self.abort_connection(),
            }
        }
    }
}
