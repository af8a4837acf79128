//! The functions that the loop calls: the engine is ready, bytes are to be sent, the time to
//! connect is over.

use std::rc::Rc;

use qcore::{
    event_loop::{EventSource, Readiness, TimerHandler, TimerId},
    internals::is_last_turn,
    object::Node,
};

use super::{node::AbstractSocketNode, state::SocketState};

/// How many bytes a socket sends in one turn before others are served. Without a limit, a slot of
/// `bytes_written` that always writes more would occupy the loop for as long as the other end keeps
/// up.
const WRITE_BUDGET: usize = 256 * 1024;

impl EventSource for AbstractSocketNode {
    fn ready(self: Rc<Self>, ready: Readiness) {
        let _recovery = Recovery(&self);
        let Some(engine) = self.engine() else { return };
        engine.note(ready);
        if self.is_for_datagrams() && self.current_state() != SocketState::Connecting {
            self.on_datagrams(&engine);
            return;
        }
        match self.current_state() {
            SocketState::Connecting => {
                self.on_connecting(&engine);
                return;
            }
            SocketState::Connected | SocketState::Closing => {}
            // The engine belongs to an attempt that was given up.
            _ => return,
        }
        // Data that a slot writes from here on is sent in another turn: this one may be the last.
        let is_pending = !self.writing.is_empty();
        // With a full read buffer the socket waits until the program asks for more.
        if engine.is_readable() && !self.reading.is_full() {
            self.receive(&engine);
        }
        if is_pending && ready.contains(Readiness::WRITABLE) && self.has_engine(&engine) {
            self.flush(self.turn_budget());
        }
        if ready.contains(Readiness::WRITABLE) {
            self.extras.on_writable();
        }
    }

    fn write_pending(self: Rc<Self>) {
        let _recovery = Recovery(&self);
        if let Some(outer) = self.layers.outer() {
            outer.before_writing();
        }
        self.writing.clear_scheduled();
        if self.has_sent_last() {
            self.disconnect();
        } else if self.engine().is_some_and(|engine| engine.is_writable()) {
            self.flush(self.turn_budget());
        }
    }
}

impl TimerHandler for AbstractSocketNode {
    fn timer_due(self: Rc<Self>, id: TimerId) {
        let _recovery = Recovery(&self);
        if self.timeouts.is_timer(id) {
            self.on_timeouts_due();
            return;
        }
        if !self.attempt.is_timer(id) {
            return;
        }
        if self.current_state() == SocketState::Connecting {
            self.on_connect_timeout();
        } else {
            self.stop_connect_timer();
        }
    }
}

impl AbstractSocketNode {
    /// Returns a guard for a call from the loop that may run slots.
    pub(super) fn recovery(&self) -> Recovery<'_> {
        Recovery(self)
    }

    /// Returns how many bytes the socket may send now: all of them if this is the loop's last turn.
    fn turn_budget(&self) -> usize {
        let all = self.writing.unsent();
        if all > WRITE_BUDGET && is_last_turn(self.dispatcher()) { all } else { WRITE_BUDGET }
    }

    /// Does the work that the socket could not do because a slot panicked.
    fn recover(&self) {
        if self.current_state() == SocketState::Connecting && !self.attempt.is_trying() {
            // The slot of `host_found` or of `state_changed` has panicked.
            self.try_addresses();
            return;
        }
        let linked = matches!(self.current_state(), SocketState::Connected | SocketState::Closing);
        let closes = self.ending.closes_when_connected()
            || self.ending.is_aborting()
            || self.has_sent_last()
            || self.engine.is_empty();
        if linked && closes {
            self.ending.take_close();
            self.disconnect();
        }
        if !self.writing.is_empty() {
            self.schedule();
        }
        if let Some(engine) = self.engine() {
            self.read_again(&engine);
        }
    }
}

/// Makes the next turn of the loop finish the work that a slot has interrupted by a panic.
pub(super) struct Recovery<'a>(&'a AbstractSocketNode);

impl Drop for Recovery<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let node = self.0.this.clone();
            self.0.life().dispatcher().post(move || {
                if let Some(node) = node.upgrade() {
                    node.recover();
                }
            });
        }
    }
}
