//! The functions that wait, which need no running loop.
//!
//! A socket that waits polls for its own descriptor alone. It connects, reads and writes as under
//! the loop, and emits its signals. The poll keeps the readiness of all other sources for the loop.

use std::rc::Rc;

use qcore::QDeadlineTimer;

use super::{
    close_reason::CloseReason,
    node::{AbstractSocketNode, QAbstractSocket, TellsEnd},
    state::SocketState,
};
use crate::{
    common::{SocketError, SocketErrorKind},
    host_info::QHostInfo,
};

impl QAbstractSocket {
    /// Waits until the socket is connected. The deadline is a number of milliseconds, -1 for no
    /// limit, or a `Duration`.
    ///
    /// The socket looks up the name and tries one address after the other. When the time is over,
    /// it gives up and is unconnected.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// * [`SocketTimeout`](SocketErrorKind::SocketTimeout) when the time is over
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is not connecting
    /// * any error with which connecting fails
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QTcpSocket, SocketErrorKind};
    ///
    /// let socket = QTcpSocket::new();
    /// socket.connect_to_host("127.0.0.1", 1); // nobody listens there
    /// let error = socket.wait_for_connected(5000).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::ConnectionRefused);
    /// ```
    #[doc(alias = "waitForConnected")]
    pub fn wait_for_connected(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        let (node, deadline) = (self.node(), deadline.into());
        match node.layers.class() {
            Some(class) => class.wait_for_connected(deadline),
            None => node.wait_for_connected(deadline),
        }
    }

    /// Waits until new data has arrived and the socket has emitted `ready_read`. The deadline is a
    /// number of milliseconds, -1 for no limit, or a `Duration`.
    ///
    /// Meanwhile the socket sends its unsent bytes. A socket that is connecting connects first.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// * [`SocketTimeout`](SocketErrorKind::SocketTimeout) when the time is over; the socket stays
    ///   connected
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is not connected, or if its read
    ///   buffer is full
    /// * any error with which the connection ends
    #[doc(alias = "waitForReadyRead")]
    pub fn wait_for_ready_read(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        let (node, deadline) = (self.node(), deadline.into());
        if let Some(class) = node.layers.class() {
            return class.wait_for_ready_read(deadline);
        }
        node.connect_first(deadline)?;
        let mut overtime = Overtime::default();
        loop {
            if overtime.is_over(deadline) {
                return Err(node.wait_timed_out());
            }
            if !node.reads() {
                return Err(node.last_error());
            }
            if !node.has_room() && !node.reading.has_inherited() {
                let text =
                    if node.is_paused() { "Reading is paused" } else { "The read buffer is full" };
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            let (readable, writable) = node.wait_for_either(true, deadline)?;
            if readable && node.receive_now() {
                if writable {
                    // The wait may have taken the event for which the loop would have sent.
                    node.schedule();
                }
                return Ok(());
            }
            if writable {
                node.flush_now();
            }
        }
    }

    /// Waits until the socket has sent bytes and emitted `bytes_written`. The deadline is a number
    /// of milliseconds, -1 for no limit, or a `Duration`.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// Those of [`wait_for_ready_read`](QAbstractSocket::wait_for_ready_read);
    /// [`Operation`](SocketErrorKind::Operation) also if there is nothing to send.
    #[doc(alias = "waitForBytesWritten")]
    pub fn wait_for_bytes_written(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        let (node, deadline) = (self.node(), deadline.into());
        if let Some(class) = node.layers.class() {
            return class.wait_for_bytes_written(deadline);
        }
        if node.refuse_unconnected("waitForBytesWritten") || node.writing.is_empty() {
            return Err(not_possible());
        }
        node.connect_first(deadline)?;
        let mut overtime = Overtime::default();
        loop {
            if overtime.is_over(deadline) {
                return Err(node.wait_timed_out());
            }
            let reads = node.has_room() && !node.reading.is_announced();
            let (readable, writable) = node.wait_for_either(reads, deadline)?;
            if readable {
                node.receive_now();
            }
            if writable && node.flush_now() {
                return Ok(());
            }
            if node.current_state() != SocketState::Connected {
                return Err(node.last_error());
            }
        }
    }

    /// Waits until the socket is disconnected. The deadline is a number of milliseconds, -1 for no
    /// limit, or a `Duration`.
    ///
    /// Meanwhile the socket sends its unsent bytes, and receives the bytes that arrive.
    ///
    /// Like the loop, the function emits the signals of the socket before it returns.
    ///
    /// # Errors
    ///
    /// Those of [`wait_for_ready_read`](QAbstractSocket::wait_for_ready_read).
    #[doc(alias = "waitForDisconnected")]
    pub fn wait_for_disconnected(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        let (node, deadline) = (self.node(), deadline.into());
        if let Some(class) = node.layers.class() {
            return class.wait_for_disconnected(deadline);
        }
        if node.refuse_unconnected("waitForDisconnected") {
            return Err(not_possible());
        }
        node.connect_first(deadline)?;
        let mut overtime = Overtime::default();
        while node.current_state() != SocketState::Unconnected {
            if overtime.is_over(deadline) {
                return Err(node.wait_timed_out());
            }
            let reads = node.reads() && node.has_room() && !node.reading.is_announced();
            let (readable, writable) = node.wait_for_either(reads, deadline)?;
            if readable {
                node.receive_now();
            }
            if writable {
                node.flush_now();
            }
        }
        Ok(())
    }

    /// Returns the node as an `Rc`, which keeps it while slots run that may drop the last handle.
    fn node(&self) -> Rc<AbstractSocketNode> {
        self.this.upgrade().expect("a handle keeps its node")
    }
}

/// Limits a wait that would never end because the other end never stops sending.
///
/// When the time is over, a wait continues for some rounds. So even a wait with a time limit of 0
/// finds data that has arrived.
#[derive(Default)]
pub(crate) struct Overtime(u32);

impl Overtime {
    const ROUNDS: u32 = 64;

    /// Counts another round and returns whether it is one too many.
    pub(crate) fn is_over(&mut self, deadline: QDeadlineTimer) -> bool {
        self.0 += u32::from(deadline.has_expired());
        self.0 > Self::ROUNDS
    }
}

fn not_possible() -> SocketError {
    SocketError::new(SocketErrorKind::Operation, "Not possible in this state of the socket")
}

impl AbstractSocketNode {
    pub(crate) fn last_error(&self) -> SocketError {
        match self.status.error() {
            SocketErrorKind::Unknown => not_possible(),
            kind => SocketError::new(kind, self.base.error_string()),
        }
    }

    /// Returns whether the socket may receive something in its state. For a bound TCP socket,
    /// reading fails.
    fn reads(&self) -> bool {
        use SocketState::{Bound, Connected, Listening};
        matches!(self.current_state(), Connected | Bound | Listening) && !self.reading.is_ended()
    }

    /// Warns and returns `true` if the socket is unconnected.
    fn refuse_unconnected(&self, function: &str) -> bool {
        let unconnected = self.current_state() == SocketState::Unconnected;
        if unconnected {
            qcore::q_warning!("QAbstractSocket::{function}() is not allowed in UnconnectedState");
        }
        unconnected
    }

    /// Waits for the connection if the socket is connecting.
    fn connect_first(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        match self.current_state() {
            SocketState::Unconnected => Err(not_possible()),
            SocketState::HostLookup | SocketState::Connecting => self.wait_for_connected(deadline),
            _ => Ok(()),
        }
    }

    fn wait_for_connected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        match self.current_state() {
            SocketState::Connected => return Ok(()),
            // Qt gives up in the same way where there is nothing to wait for.
            SocketState::Bound | SocketState::Listening => return Err(self.give_up_connecting()),
            _ => {}
        }
        // If the socket has to close once it is connected, it does so at the end of this function.
        let closes = self.ending.take_close();
        while self.current_state() == SocketState::HostLookup {
            self.attempt.cancel_lookup();
            self.end_race();
            let host_name = self.attempt.host_name();
            let until = self.timeouts_deadline().min(deadline);
            match QHostInfo::from_name_until(&host_name, until) {
                Some(info) => self.start_connecting(&info),
                None if deadline.has_expired() => return Err(self.give_up_connecting()),
                None => self.on_timeouts_due(),
            }
        }
        while self.current_state() == SocketState::Connecting {
            if !self.attempt.is_trying() {
                // A slot of host_found may be waiting here: the first address has not been tried
                // yet.
                self.try_addresses();
                continue;
            }
            if self.is_racing() {
                let limit = self.timeouts_deadline();
                self.wait_for_race(limit.min(deadline));
                if self.is_racing() && deadline.has_expired() {
                    return Err(self.give_up_connecting());
                }
                if self.is_racing() && limit.has_expired() {
                    self.on_timeouts_due();
                }
                continue;
            }
            let Some(engine) = self.engine() else {
                self.connect_to_next_address(SocketError::host_not_found());
                continue;
            };
            let limit = self.timeouts_deadline();
            let until = self.connect_deadline().min(limit).min(deadline);
            match engine.wait(until) {
                Some(ready) => {
                    engine.note(ready);
                    self.on_connecting(&engine);
                }
                None if deadline.has_expired() => return Err(self.give_up_connecting()),
                None if limit.has_expired() => self.on_timeouts_due(),
                None => self.on_connect_timeout(),
            }
        }
        match self.current_state() {
            SocketState::Connected => {
                if closes {
                    self.disconnect();
                }
                Ok(())
            }
            _ => Err(self.last_error()),
        }
    }

    /// Gives up connecting because the caller's time limit has expired. As in Qt, no signal reports
    /// this error.
    fn give_up_connecting(&self) -> SocketError {
        let error = SocketError::new(SocketErrorKind::SocketTimeout, "Socket operation timed out");
        let _held = self.hold_closed();
        self.closure.note(CloseReason::ConnectFailed(error.clone()));
        let mark = self.closure.mark();
        self.stop_connect_timer();
        self.release_engine();
        if !self.closure.is_at(mark) {
            // The program's logger has ended the attempt.
            return error;
        }
        self.end_connection();
        self.attempt.forget_addresses();
        self.set_error(&error);
        self.change_state(SocketState::Unconnected);
        if self.current_state() == SocketState::Unconnected {
            self.clear_write_buffer();
        }
        error
    }

    /// Waits until the engine is readable, if `reads`, or until the write buffer can be sent.
    fn wait_for_either(
        &self,
        reads: bool,
        deadline: QDeadlineTimer,
    ) -> Result<(bool, bool), SocketError> {
        loop {
            let limit = self.timeouts_deadline();
            if limit.has_expired() {
                self.on_timeouts_due();
            }
            let Some(engine) = self.engine() else { return Err(self.last_error()) };
            let mut readable = reads && engine.is_readable();
            let writable = engine.is_writable() && !self.writing.is_empty();
            // The socket handles received data and the end of the stream before it writes. So it
            // asks the poll here whether it is readable. If the poll reports something else, which
            // may be out of date, the socket asks again.
            while writable && reads && !readable {
                let Some(ready) = engine.wait(0.into()) else { break };
                engine.note(ready);
                readable = engine.is_readable();
            }
            if readable || writable {
                return Ok((readable, writable));
            }
            match engine.wait(limit.min(deadline)) {
                Some(ready) => engine.note(ready),
                None if limit.has_expired() && !deadline.has_expired() => {}
                None => return Err(self.wait_timed_out()),
            }
        }
    }

    /// Emits the error for a wait whose time limit has expired.
    fn wait_timed_out(&self) -> SocketError {
        let text = "Network operation timed out";
        self.report(SocketError::new(SocketErrorKind::SocketTimeout, text))
    }

    /// Receives what there is, even if the socket has stopped for a full buffer. Returns whether
    /// there was anything.
    fn receive_now(&self) -> bool {
        let Some(engine) = self.engine() else { return false };
        self.reading.open();
        self.receive_now_from(&engine)
    }
}
