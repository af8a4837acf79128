//! The sequence of attempts, connections and delays.
//!
//! The reconnector handles the end of an attempt or of a connection in the next turn of the loop,
//! in [`check`](ReconnectorNode::check). By then the socket has emitted all signals of the end, and
//! may connect again.

use std::{cell::Cell, time::Duration};

use qcore::{Connection, DeviceError, DeviceErrorKind, QElapsedTimer, TimerType, object::Node};

use super::{Reconnector, ReconnectorNode, ReconnectorState};
#[cfg(feature = "_tls")]
use crate::ssl::QSslSocket;
use crate::{
    common::{OnPanic, SocketError, SocketErrorKind},
    socket::SocketState,
};

impl Reconnector {
    /// Connects the slots to the signals of the socket.
    pub(super) fn listen(&self) {
        let node = self.this.clone();
        self.socket.state_changed.connect_to(self, move |_, state| {
            if *state == SocketState::Unconnected
                && let Some(node) = node.upgrade()
            {
                node.check_later();
            }
        });
        // Comes also if a slot of another signal has panicked.
        let node = self.this.clone();
        self.socket.closed.connect_to(self, move |_, _| {
            if let Some(node) = node.upgrade() {
                node.check_later();
            }
        });
        if !self.encrypts {
            let node = self.this.clone();
            self.socket.connected.connect_to(self, move |_, ()| {
                if let Some(node) = node.upgrade() {
                    node.on_connected();
                }
            });
        }
    }
}

impl ReconnectorNode {
    // ---- what the program asks for

    pub(super) fn start(&self) {
        if matches!(self.state.get(), ReconnectorState::Stopped | ReconnectorState::GaveUp) {
            self.begin_outage();
            self.begin_attempt();
        }
    }

    pub(super) fn stop(&self) {
        self.stop_timer();
        self.queue.borrow_mut().clear();
        if self.state.get() == ReconnectorState::Stopped {
            // The program may use the socket itself.
            return;
        }
        let change = self.enter(ReconnectorState::Stopped);
        if self.changes.get() != change {
            return;
        }
        match self.socket.state() {
            SocketState::Unconnected | SocketState::Closing => {}
            SocketState::Connected => self.socket.disconnect_from_host(),
            _ => self.socket.abort(),
        }
    }

    pub(super) fn retry_now(&self) {
        match self.state.get() {
            ReconnectorState::Waiting => self.begin_attempt(),
            _ => self.start(),
        }
    }

    pub(super) fn send(&self, message: &[u8]) -> Result<(), DeviceError> {
        if self.is_connected() && self.is_behind.get() {
            self.send_queue();
        }
        let has_link = self.is_connected();
        if has_link && !self.is_behind.get() {
            return self.socket.write(message).map(drop);
        }
        self.queue.borrow_mut().take_in(message, self.rule.get(), has_link)
    }

    /// Runs when the object is destroyed.
    pub(super) fn end(&self) {
        self.stop_timer();
        self.queue.borrow_mut().clear();
        self.changes.set(self.changes.get() + 1);
        self.state.set(ReconnectorState::Stopped);
    }

    // ---- attempts

    /// Forgets all failures.
    fn begin_outage(&self) {
        self.attempt.set(0);
        self.backoff.borrow_mut().reset();
        self.outage.set(QElapsedTimer::started());
    }

    fn begin_attempt(&self) {
        if self.life().is_dying() {
            return;
        }
        self.attempt.set(self.attempt.get().saturating_add(1));
        self.aborted.set(false);
        self.began.set(false);
        let limits = self.limits.get();
        self.start_timer(shorter(limits.attempt, self.outage_left()));
        let _attempt = self.continue_on_panic();
        let change = self.enter(ReconnectorState::Connecting);
        if self.changes.get() == change {
            self.connecting.emit(self.attempt.get());
        }
        if self.changes.get() == change {
            self.connect();
        }
    }

    /// Makes the socket connect, unless it does that already, or still has to close.
    fn connect(&self) {
        match self.socket.state() {
            SocketState::Unconnected | SocketState::Bound => {}
            SocketState::Closing => return,
            SocketState::Connected => {
                self.began.set(true);
                if self.is_ready() {
                    self.on_connected();
                }
                return;
            }
            _ => {
                self.began.set(true);
                return;
            }
        }
        self.began.set(true);
        let change = self.changes.get();
        let (host, port) = self.host.borrow().clone();
        self.connect_to(&host, port);
        // Some errors leave the socket unconnected without a change of its state.
        if self.changes.get() == change && self.socket.state() == SocketState::Unconnected {
            self.check_later();
        }
    }

    fn connect_to(&self, host: &str, port: u16) {
        #[cfg(feature = "_tls")]
        if self.encrypts
            && let Some(socket) = self.socket.cast::<QSslSocket>()
        {
            socket.connect_to_host_encrypted(host, port);
            return;
        }
        self.socket.connect_to_host(host, port);
    }

    /// Returns whether the program can use the socket.
    fn is_ready(&self) -> bool {
        #[cfg(feature = "_tls")]
        if self.encrypts && !self.socket.cast::<QSslSocket>().is_some_and(|one| one.is_encrypted())
        {
            return false;
        }
        self.socket.state() == SocketState::Connected
    }

    /// Returns whether there is a connection. In the turn in which the socket loses it, the state
    /// is still `Connected`.
    pub(super) fn is_connected(&self) -> bool {
        self.state.get() == ReconnectorState::Connected
            && self.socket.state() == SocketState::Connected
    }

    pub(super) fn on_connected(&self) {
        // A slot that was called earlier may have ended the connection.
        let is_late = self.aborted.get() || !self.is_ready();
        if self.state.get() != ReconnectorState::Connecting || is_late {
            return;
        }
        self.stop_timer();
        self.is_behind.set(false);
        self.uptime.set(QElapsedTimer::started());
        let _rest = self.continue_on_panic();
        let change = self.enter(ReconnectorState::Connected);
        // A slot may have ended the connection, which `check` notices in the next turn.
        if self.changes.get() == change && self.is_ready() {
            self.connected.emit(());
        }
        if self.changes.get() == change {
            self.send_queue();
        }
    }

    /// Writes the messages that wait, until the socket refuses one. Then
    /// [`drained`](qcore::io_device::WriteFlow::drained) of the socket continues.
    fn send_queue(&self) {
        // A logger may send a message while one is being written.
        if self.sends.replace(true) {
            return;
        }
        let _sending = Sending(&self.sends);
        self.is_behind.set(true);
        while self.is_connected() {
            let message = self.queue.borrow_mut().pop();
            let Some(message) = message else {
                self.is_behind.set(false);
                return;
            };
            let change = self.changes.get();
            let Err(error) = self.socket.write(&message) else { continue };
            if self.changes.get() == change {
                self.queue.borrow_mut().put_back(message);
            }
            if error == DeviceErrorKind::Full {
                self.continue_when_drained();
            }
            return;
        }
    }

    fn continue_when_drained(&self) {
        let is_connected = self.drained.borrow().as_ref().is_some_and(Connection::is_connected);
        if is_connected {
            return;
        }
        let node = self.this.clone();
        let drained = self.socket.write_flow().drained.connect_to(&self.base, move |_, ()| {
            if let Some(node) = node.upgrade()
                && node.is_connected()
            {
                node.send_queue();
            }
        });
        self.drained.replace(Some(drained));
    }

    /// Continues in the next turn of the loop what a slot interrupts by a panic.
    fn continue_on_panic(&self) -> impl Drop + use<> {
        let (node, change) = (self.this.clone(), self.changes.get() + 1);
        OnPanic::new(self.life().dispatcher(), move || {
            if let Some(node) = node.upgrade()
                && node.changes.get() == change
            {
                node.check();
                if node.is_connected() {
                    node.send_queue();
                }
            }
        })
    }

    // ---- ends

    /// Makes the next turn of the loop call [`check`](Self::check).
    pub(super) fn check_later(&self) {
        if self.check_posted.replace(true) {
            return;
        }
        let node = self.this.clone();
        self.life().dispatcher().post(move || {
            if let Some(node) = node.upgrade() {
                node.check_posted.set(false);
                node.check();
            }
        });
    }

    /// Handles the end of an attempt or of a connection, if it has ended.
    fn check(&self) {
        let has_ended = self.socket.state() == SocketState::Unconnected;
        match self.state.get() {
            // The previous connection has ended now.
            ReconnectorState::Connecting if has_ended && !self.began.get() => self.connect(),
            ReconnectorState::Connecting if has_ended => self.fail(),
            ReconnectorState::Connected if has_ended => {
                if self.uptime.get().elapsed() >= self.limits.get().healthy_after {
                    self.begin_outage();
                }
                self.fail();
            }
            _ => {}
        }
    }

    /// There is no connection: waits for the next attempt, or gives up.
    fn fail(&self) {
        self.stop_timer();
        let error = self.reason();
        self.error.replace(error.clone());
        let limit = self.limits.get().attempts;
        let too_often = limit.is_some_and(|limit| self.attempt.get() >= limit.max(1));
        if too_often || self.socket.is_deleted() {
            return self.give_up(error);
        }
        let delay = self.backoff.borrow_mut().next();
        if self.outage_left().is_some_and(|left| left <= delay) {
            return self.give_up(error);
        }
        self.start_timer(Some(delay));
        let change = self.enter(ReconnectorState::Waiting);
        if self.changes.get() == change {
            self.waiting.emit(delay);
        }
    }

    fn give_up(&self, error: SocketError) {
        let change = self.enter(ReconnectorState::GaveUp);
        if self.changes.get() == change {
            self.gave_up.emit(error);
        }
    }

    /// Returns why there is no connection.
    fn reason(&self) -> SocketError {
        if self.aborted.take() {
            let text = "The attempt to connect took too long";
            return SocketError::new(SocketErrorKind::SocketTimeout, text);
        }
        if self.socket.is_deleted() {
            return SocketError::new(SocketErrorKind::Operation, "The socket was deleted");
        }
        match self.socket.error() {
            SocketErrorKind::Unknown => SocketErrorKind::Unknown.into(),
            kind => SocketError::new(kind, self.socket.error_string()),
        }
    }

    /// Enters a state. Returns the number of this change.
    fn enter(&self, state: ReconnectorState) -> u64 {
        let change = self.changes.get() + 1;
        self.changes.set(change);
        self.state.set(state);
        self.state_changed.emit(state);
        change
    }

    // ---- time

    /// Returns how much of the limit for the outage is left.
    fn outage_left(&self) -> Option<Duration> {
        let limit = self.limits.get().outage?;
        Some(limit.saturating_sub(self.outage.get().elapsed()))
    }

    /// Starts the timer of the new state. `None` is no time limit.
    fn start_timer(&self, time: Option<Duration>) {
        self.stop_timer();
        let Some(time) = time else { return };
        let node = self.this.clone();
        let due = move || {
            if let Some(node) = node.upgrade() {
                node.timer.set(None);
                node.on_timeout();
            }
        };
        let dispatcher = self.life().dispatcher();
        self.timer.set(Some(dispatcher.call_after(time, TimerType::Precise, due)));
    }

    fn stop_timer(&self) {
        if let Some(timer) = self.timer.take() {
            self.life().dispatcher().stop_timer(timer);
        }
    }

    fn on_timeout(&self) {
        match self.state.get() {
            ReconnectorState::Waiting => self.begin_attempt(),
            ReconnectorState::Connecting => {
                self.began.set(true);
                self.aborted.set(true);
                let change = self.changes.get();
                self.socket.abort();
                if self.changes.get() == change {
                    self.check_later();
                }
            }
            _ => {}
        }
    }
}

/// Notes the end of [`send_queue`](ReconnectorNode::send_queue), also after a panic.
struct Sending<'a>(&'a Cell<bool>);

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Returns the shorter one of two times, where `None` is no limit.
fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
