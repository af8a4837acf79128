//! The receiving half of a socket: the limit of its buffer, and whether it reads at the moment.

use std::cell::Cell;

use qcore::internals::SCRATCH;

use super::emission::Emission;

/// Whether the socket reads when its engine becomes readable.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Flow {
    #[default]
    Open,
    /// The read buffer is full. Reading continues when the program asks for more than is in it.
    Full,
    /// The socket is unbuffered and has emitted `ready_read`, and the program has not read since.
    Announced,
    /// The socket has taken over a connection with unread bytes, and has not emitted `ready_read`
    /// for them yet.
    Inherited,
}

/// The state of the receiving half. The read buffer itself belongs to the device.
#[derive(Default)]
pub(crate) struct ReadSide {
    /// How many bytes the read buffer holds at most; 0 is no limit.
    limit: Cell<usize>,
    flow: Cell<Flow>,
    /// There is no read buffer, and the write buffer holds only data that the system does not take
    /// at once.
    unbuffered: Cell<bool>,
    /// The program has paused reading.
    paused: Cell<bool>,
    ready_read: Emission,
    /// How many streams of tasks read and write the socket. A count of `u16::MAX` stays: the socket
    /// then counts as having a stream until it is dropped.
    #[cfg(feature = "tasks")]
    streams: Cell<u16>,
    /// The other end sends no more. A stream of a task keeps the connection for sending.
    #[cfg(feature = "tasks")]
    ended: Cell<bool>,
    /// The connection was reset, so that received bytes may be missing.
    #[cfg(feature = "tasks")]
    was_reset: Cell<bool>,
}

impl ReadSide {
    pub(crate) fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Sets the limit. Returns whether this changes it.
    pub(crate) fn set_limit(&self, limit: usize) -> bool {
        self.limit.replace(limit) != limit
    }

    /// Returns how many bytes one read may put into a buffer that holds `buffered` bytes.
    pub(crate) fn room(&self, buffered: usize) -> usize {
        match self.limit.get() {
            0 => SCRATCH,
            limit => limit.saturating_sub(buffered).min(SCRATCH),
        }
    }

    pub(crate) fn is_unbuffered(&self) -> bool {
        self.unbuffered.get()
    }

    /// Makes the socket unbuffered for good, as in Qt.
    pub(crate) fn make_unbuffered(&self) {
        self.unbuffered.set(true);
    }

    /// Returns the guard that keeps the emission of `ready_read` from nesting.
    pub(crate) fn ready_read(&self) -> &Emission {
        &self.ready_read
    }

    // ---- stopping and resuming

    /// Forgets why reading has stopped.
    pub(crate) fn reset(&self) {
        self.flow.set(Flow::Open);
    }

    /// Stops reading for a full buffer, if there is more to read.
    pub(crate) fn set_full(&self, has_more: bool) {
        if has_more {
            self.flow.set(Flow::Full);
        } else {
            self.open();
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.flow.get() == Flow::Full
    }

    /// Resumes reading if a full buffer had stopped it. Returns whether it had.
    pub(crate) fn open(&self) -> bool {
        let was_full = self.is_full();
        if was_full {
            self.reset();
        }
        was_full
    }

    /// Resumes reading, if a full buffer has stopped it, or an unbuffered socket has announced what
    /// it has.
    pub(crate) fn reopen(&self) {
        if self.is_full() || self.is_announced() {
            self.reset();
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.get()
    }

    /// Sets whether the program has paused reading. Returns what was set before.
    pub(crate) fn set_paused(&self, paused: bool) -> bool {
        self.paused.replace(paused)
    }

    /// Counts a stream of a task.
    #[cfg(feature = "tasks")]
    pub(crate) fn add_stream(&self) {
        self.streams.set(self.streams.get().saturating_add(1));
    }

    /// Forgets a stream. Returns whether it was the last one.
    #[cfg(feature = "tasks")]
    pub(crate) fn remove_stream(&self) -> bool {
        if self.streams.get() < u16::MAX {
            self.streams.set(self.streams.get() - 1);
        }
        self.streams.get() == 0
    }

    #[cfg(feature = "tasks")]
    pub(crate) fn has_stream(&self) -> bool {
        self.streams.get() > 0
    }

    /// Records that the other end sends no more.
    #[cfg(feature = "tasks")]
    pub(crate) fn set_ended(&self) {
        self.ended.set(true);
    }

    /// Returns whether the other end sends no more, while the connection is kept for sending.
    #[cfg(feature = "tasks")]
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.get()
    }

    /// Forgets that the other end sends no more. Returns whether that was so.
    #[cfg(feature = "tasks")]
    pub(crate) fn take_ended(&self) -> bool {
        self.ended.take()
    }

    #[cfg(not(feature = "tasks"))]
    pub(crate) fn is_ended(&self) -> bool {
        false
    }

    #[cfg(not(feature = "tasks"))]
    pub(crate) fn take_ended(&self) -> bool {
        false
    }

    /// Records whether the connection was reset before the other end had closed its half.
    pub(crate) fn set_reset(&self, was_reset: bool) {
        #[cfg(feature = "tasks")]
        self.was_reset.set(was_reset && !self.is_ended());
        #[cfg(not(feature = "tasks"))]
        let _ = was_reset;
    }

    /// Returns whether the connection was reset, so that received bytes may be missing.
    #[cfg(feature = "tasks")]
    pub(crate) fn was_reset(&self) -> bool {
        self.was_reset.get()
    }

    /// Records that the socket has taken over unread bytes with its connection.
    pub(crate) fn set_inherited(&self) {
        self.flow.set(Flow::Inherited);
    }

    /// Returns whether the socket still has to announce bytes that it has taken over.
    pub(crate) fn has_inherited(&self) -> bool {
        self.flow.get() == Flow::Inherited
    }

    /// Records that an unbuffered socket emits `ready_read`, which it does not repeat before a
    /// read.
    pub(crate) fn set_announced(&self) {
        self.flow.set(Flow::Announced);
    }

    pub(crate) fn is_announced(&self) -> bool {
        self.flow.get() == Flow::Announced
    }

    /// Records that the program has read from an unbuffered socket.
    pub(crate) fn set_read(&self) {
        if self.is_announced() {
            self.reset();
        }
    }
}
