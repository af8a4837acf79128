//! Waiting with no loop.
//!
//! A socket that waits polls for itself alone, and does what the loop would have it do: connect,
//! read, write. Its signals are emitted on the way. What happens to others is kept for the loop.

use std::rc::Rc;

use qcore::QDeadlineTimer;

use super::{AbstractSocketNode, QAbstractSocket, SocketError, SocketErrorKind, SocketState};
use crate::{QHostInfo, engine::Engine};

impl QAbstractSocket {
    /// Waits until the socket is connected, at most until a deadline: milliseconds, -1 being for
    /// ever, or a `Duration`.
    ///
    /// A name is looked up, and address after address tried. When the time is over the attempt is
    /// given up: the socket is unconnected then.
    ///
    /// # Errors
    ///
    /// What went wrong, [`SocketTimeout`](SocketErrorKind::SocketTimeout) for the deadline;
    /// [`Operation`](SocketErrorKind::Operation) if there is no attempt to connect.
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
        match node.class() {
            Some(class) => class.wait_for_connected(deadline),
            None => node.wait_for_connected(deadline),
        }
    }

    /// Waits until there is something new to read, and has told so by `ready_read`, at most until a
    /// deadline: milliseconds, -1 being for ever, or a `Duration`.
    ///
    /// What was written is sent meanwhile. A socket that is still connecting connects first.
    ///
    /// # Errors
    ///
    /// What went wrong; [`SocketTimeout`](SocketErrorKind::SocketTimeout) for the deadline, after
    /// which the socket is connected as before; [`Operation`](SocketErrorKind::Operation) if it is
    /// not connected, or if there is no room in the read buffer.
    #[doc(alias = "waitForReadyRead")]
    pub fn wait_for_ready_read(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        let (node, deadline) = (self.node(), deadline.into());
        if let Some(class) = node.class() {
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
            if !node.has_room() {
                let text = "The read buffer is full";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            let (readable, writable) = node.wait_for_either(true, deadline)?;
            if readable && node.on_readable_now() {
                return Ok(());
            }
            if writable {
                node.flush_queue(usize::MAX);
            }
        }
    }

    /// Waits until something of what was written is on its way, and has told so by `bytes_written`,
    /// at most until a deadline: milliseconds, -1 being for ever, or a `Duration`.
    ///
    /// # Errors
    ///
    /// As [`wait_for_ready_read`](QAbstractSocket::wait_for_ready_read);
    /// [`Operation`](SocketErrorKind::Operation) also if there is nothing to be written.
    #[doc(alias = "waitForBytesWritten")]
    pub fn wait_for_bytes_written(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        let (node, deadline) = (self.node(), deadline.into());
        if let Some(class) = node.class() {
            return class.wait_for_bytes_written(deadline);
        }
        if node.refuse_unconnected("waitForBytesWritten") || node.write_queue.borrow().is_empty() {
            return Err(not_possible());
        }
        node.connect_first(deadline)?;
        let mut overtime = Overtime::default();
        loop {
            if overtime.is_over(deadline) {
                return Err(node.wait_timed_out());
            }
            let reads = node.has_room() && !node.is_unread();
            let (readable, writable) = node.wait_for_either(reads, deadline)?;
            if readable {
                node.on_readable_now();
            }
            if writable && node.flush_queue(usize::MAX) {
                return Ok(());
            }
            if node.state.get() != SocketState::Connected {
                return Err(node.last_error());
            }
        }
    }

    /// Waits until the socket is disconnected, at most until a deadline: milliseconds, -1 being for
    /// ever, or a `Duration`.
    ///
    /// What was written is sent, and what comes is read, meanwhile.
    ///
    /// # Errors
    ///
    /// As [`wait_for_ready_read`](QAbstractSocket::wait_for_ready_read).
    #[doc(alias = "waitForDisconnected")]
    pub fn wait_for_disconnected(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), SocketError> {
        let (node, deadline) = (self.node(), deadline.into());
        if let Some(class) = node.class() {
            return class.wait_for_disconnected(deadline);
        }
        if node.refuse_unconnected("waitForDisconnected") {
            return Err(not_possible());
        }
        node.connect_first(deadline)?;
        let mut overtime = Overtime::default();
        while node.state.get() != SocketState::Unconnected {
            if overtime.is_over(deadline) {
                return Err(node.wait_timed_out());
            }
            let reads = node.reads() && node.has_room() && !node.is_unread();
            let (readable, writable) = node.wait_for_either(reads, deadline)?;
            if readable {
                node.on_readable_now();
            }
            if writable {
                node.flush_queue(usize::MAX);
            }
        }
        Ok(())
    }

    /// The node, kept while a slot may drop the last handle.
    fn node(&self) -> Rc<AbstractSocketNode> {
        self.this.upgrade().expect("a handle keeps its node")
    }
}

/// Bounds a wait in which there is always something to do, as the other end never stops sending.
/// With the time over the wait goes on for some rounds, so that one with no time at all finds what
/// is there.
#[derive(Default)]
pub(crate) struct Overtime(u32);

impl Overtime {
    const ROUNDS: u32 = 64;

    /// Another round begins; whether it is one too many.
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
        match self.error_kind.get() {
            SocketErrorKind::Unknown => not_possible(),
            kind => SocketError::new(kind, self.base.error_string()),
        }
    }

    /// Whether the state is one in which something may come. A TCP socket that is bound finds out
    /// that nothing can.
    fn reads(&self) -> bool {
        use SocketState::{Bound, Connected, Listening};
        matches!(self.state.get(), Connected | Bound | Listening)
    }

    /// Whether there is room in the read buffer.
    fn has_room(&self) -> bool {
        if let Some(room) = self.outer().and_then(|outer| outer.room()) {
            return room > 0;
        }
        if self.is_unbuffered() {
            return true;
        }
        let limit = self.read_limit.get();
        limit == 0 || self.base.buffer_len() < limit
    }

    fn refuse_unconnected(&self, function: &str) -> bool {
        let unconnected = self.state.get() == SocketState::Unconnected;
        if unconnected {
            qcore::q_warning!("QAbstractSocket::{function}() is not allowed in UnconnectedState");
        }
        unconnected
    }

    /// Connects, if that is what the socket is about to do.
    fn connect_first(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        match self.state.get() {
            SocketState::Unconnected => Err(not_possible()),
            SocketState::HostLookup | SocketState::Connecting => self.wait_for_connected(deadline),
            _ => Ok(()),
        }
    }

    fn wait_for_connected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        match self.state.get() {
            SocketState::Connected => return Ok(()),
            // There is nothing to wait for, which is how Qt says it.
            SocketState::Bound | SocketState::Listening => return Err(self.give_up_connecting()),
            _ => {}
        }
        // Closing comes after all else.
        let closes = self.flags.pending_close.replace(false);
        if self.state.get() == SocketState::HostLookup {
            self.cancel_lookup();
            let host_name = self.host_name.borrow().clone();
            match QHostInfo::from_name_until(&host_name, deadline) {
                Some(info) => self.start_connecting(&info),
                None => return Err(self.give_up_connecting()),
            }
        }
        while self.state.get() == SocketState::Connecting {
            let Some(engine) = self.engine().filter(|_| self.flags.trying.get()) else {
                // A slot of host_found waits: the first address has not been tried yet.
                self.connect_to_next_address(SocketError::host_not_found());
                continue;
            };
            let until = self.connect_deadline().min(deadline);
            match engine.wait(until) {
                Some(ready) => {
                    engine.note(ready);
                    self.on_connecting(&engine);
                }
                None if deadline.has_expired() => return Err(self.give_up_connecting()),
                None => self.on_connect_timeout(),
            }
        }
        match self.state.get() {
            SocketState::Connected => {
                if closes {
                    self.disconnect();
                }
                Ok(())
            }
            _ => Err(self.last_error()),
        }
    }

    /// The time that the caller has for connecting is over. As Qt's, this is not told by a signal.
    fn give_up_connecting(&self) -> SocketError {
        let error = SocketError::new(SocketErrorKind::SocketTimeout, "Socket operation timed out");
        self.stop_connect_timer();
        self.release_engine();
        self.addresses.take();
        self.set_error(&error);
        self.change_state(SocketState::Unconnected);
        if self.state.get() == SocketState::Unconnected {
            self.clear_write_queue();
        }
        error
    }

    /// Waits until there may be something to read, if that is wanted, or until what is to be
    /// written can be.
    fn wait_for_either(
        &self,
        reads: bool,
        deadline: QDeadlineTimer,
    ) -> Result<(bool, bool), SocketError> {
        loop {
            let Some(engine) = self.engine() else { return Err(self.last_error()) };
            let mut readable = reads && engine.is_readable();
            let writable = engine.is_writable() && !self.write_queue.borrow().is_empty();
            // What has come, or the end, goes before what is written; if nobody has looked yet, now
            // is the time. What else is told may be old.
            while writable && reads && !readable {
                let Some(ready) = engine.wait(0.into()) else { break };
                engine.note(ready);
                readable = engine.is_readable();
            }
            if readable || writable {
                return Ok((readable, writable));
            }
            match engine.wait(deadline) {
                Some(ready) => engine.note(ready),
                None => return Err(self.wait_timed_out()),
            }
        }
    }

    /// The time for waiting is over: says so.
    fn wait_timed_out(&self) -> SocketError {
        let text = "Network operation timed out";
        let error = SocketError::new(SocketErrorKind::SocketTimeout, text);
        self.set_error(&error);
        self.emit_error();
        error
    }

    /// Reads what there is. Returns whether that was anything.
    fn on_readable_now(&self) -> bool {
        let Some(engine): Option<Rc<dyn Engine>> = self.engine() else { return false };
        self.flags.read_paused.set(false);
        self.on_readable(&engine)
    }
}
