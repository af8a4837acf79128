//! [`Order`]: in which order a socket may emit its signals.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, atomic::Ordering::Relaxed},
};

use qnetwork::{CloseReason, SocketState};

use super::{conn::Class, run::Run};

/// A signal of a socket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    State(SocketState),
    Connected,
    Encrypted,
    ReadyRead,
    BytesWritten(usize),
    Error,
    AboutToClose,
    ChannelFinished,
    Disconnected,
    Closed(CloseReason),
}

/// Watches the signals of one socket.
pub(crate) struct Order {
    run: Arc<Run>,
    side: usize,
    class: Class,
    /// What the program does about a signal.
    react: Box<dyn Fn(&Event)>,
    seen: RefCell<Vec<Event>>,
    state: Cell<SocketState>,
    /// The connection belongs to another socket now.
    is_handed_over: Cell<bool>,
    runs_ready_read: Cell<bool>,
    pub(crate) is_level_triggered: Cell<bool>,
    /// Whether a slot of `state_changed(Connected)` runs, and whether such a slot has ended the
    /// connection. Then `connected` comes late, as in Qt.
    runs_connected_state: Cell<bool>,
    ends_too_early: Cell<bool>,
}

impl Order {
    pub(crate) fn new(
        run: Arc<Run>,
        side: usize,
        class: Class,
        react: impl Fn(&Event) + 'static,
    ) -> Self {
        Order {
            run,
            side,
            class,
            react: Box::new(react),
            seen: RefCell::default(),
            state: Cell::new(SocketState::Unconnected),
            is_handed_over: Cell::new(false),
            runs_ready_read: Cell::new(false),
            is_level_triggered: Cell::new(false),
            runs_connected_state: Cell::new(false),
            ends_too_early: Cell::new(false),
        }
    }

    /// The socket has this state already.
    pub(crate) fn begin(&self, state: SocketState) {
        self.state.set(state);
        if state == SocketState::Connected {
            self.run.ends[self.side].was_connected.store(true, Relaxed);
        }
    }

    pub(crate) fn set_handed_over(&self, is_handed_over: bool) {
        self.is_handed_over.set(is_handed_over);
    }

    pub(crate) fn on(&self, event: Event) {
        if let Err(problem) = self.check(&event) {
            let seen = self.seen.borrow();
            let side = self.side;
            self.run.fail(format!("end {side}: {problem}: {event:?} after {seen:?}"));
        }
        let is_ready_read = event == Event::ReadyRead;
        // They would make the list long.
        if !matches!(event, Event::BytesWritten(_) | Event::ReadyRead) {
            self.seen.borrow_mut().push(event.clone());
        }
        if is_ready_read {
            self.runs_ready_read.set(true);
        }
        let connects = event == Event::State(SocketState::Connected);
        if let Event::State(SocketState::Closing | SocketState::Unconnected) = event
            && self.runs_connected_state.get()
        {
            self.ends_too_early.set(true);
        }
        if connects {
            self.runs_connected_state.set(true);
        }
        (self.react)(&event);
        if connects {
            self.runs_connected_state.set(false);
        }
        if is_ready_read {
            self.runs_ready_read.set(false);
        }
    }

    fn has_seen(&self, event: &Event) -> bool {
        self.seen.borrow().contains(event)
    }

    fn is_closed(&self) -> bool {
        self.seen.borrow().iter().any(|seen| matches!(seen, Event::Closed(_)))
    }

    fn check(&self, event: &Event) -> Result<(), &'static str> {
        use SocketState::{Closing, Connected, Connecting, HostLookup, Unconnected};
        let end = &self.run.ends[self.side];
        if *event == Event::Connected && self.ends_too_early.get() && !self.is_closed() {
            return Ok(());
        }
        if *event == Event::ReadyRead && self.is_level_triggered.get() {
            // The loop reminds the program of bytes that it has not read.
            return Ok(());
        }
        // A program may close the device of a socket that is not connected any more.
        if self.is_closed() && *event != Event::AboutToClose {
            return Err("a signal after closed");
        }
        if self.is_handed_over.get()
            && !matches!(event, Event::State(Unconnected) | Event::AboutToClose)
        {
            return Err("a signal of a socket whose connection was handed over");
        }
        match event {
            Event::State(state) => {
                let before = self.state.replace(*state);
                let is_allowed = match state {
                    HostLookup => before == Unconnected,
                    Connecting => matches!(before, HostLookup | Unconnected),
                    // A socket takes over a connection.
                    Connected => matches!(before, Connecting | Unconnected),
                    // A QSslSocket reports its own change and that of its inner socket, as in Qt.
                    Closing => {
                        before == Connected || (before == Closing && self.class == Class::Ssl)
                    }
                    Unconnected => before != Unconnected,
                    _ => false,
                };
                if *state == Connected {
                    end.was_connected.store(true, Relaxed);
                }
                if is_allowed { Ok(()) } else { Err("a wrong change of the state") }
            }
            Event::Connected if self.state.get() != Connected => Err("not in the state Connected"),
            Event::Connected | Event::Encrypted | Event::Disconnected | Event::ChannelFinished
                if self.has_seen(event) =>
            {
                Err("a second time")
            }
            Event::Disconnected if self.state.get() != Unconnected => Err("still connected"),
            Event::Disconnected if !end.was_connected.load(Relaxed) => Err("never connected"),
            Event::ChannelFinished if self.has_seen(&Event::Disconnected) => Err("too late"),
            Event::ReadyRead | Event::BytesWritten(_) if self.has_seen(&Event::Disconnected) => {
                Err("data after the end")
            }
            Event::ReadyRead if self.runs_ready_read.get() => Err("within its own slot"),
            Event::BytesWritten(0) => Err("nothing"),
            Event::BytesWritten(count) => {
                let reported = end.reported.fetch_add(*count as u64, Relaxed) + *count as u64;
                if reported > end.written.load(Relaxed).max(end.offered.load(Relaxed)) {
                    return Err("more than was written");
                }
                Ok(())
            }
            Event::Closed(reason) => {
                end.closings.fetch_add(1, Relaxed);
                end.set_reason(reason.clone());
                // A local socket that dies before it has sent everything stays in this state.
                let state = self.state.get();
                let dies =
                    state == Closing && self.class == Class::Local && end.discards.load(Relaxed);
                if state == Unconnected || dies { Ok(()) } else { Err("still connected") }
            }
            _ => Ok(()),
        }
    }
}
