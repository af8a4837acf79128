//! The receiving half of a socket: the limit of its buffer, and whether it reads at the moment.

use std::cell::Cell;

use qcore::internals::SCRATCH;

use super::emission::Emission;

/// Whether the socket reads when its engine becomes readable.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Flow {
    #[default]
    Open,
    /// The read buffer is full. Reading goes on when the program asks for more than is in it.
    Full,
    /// The socket is unbuffered and has emitted `ready_read`, and the program has not read since.
    Announced,
}

/// What a socket knows about receiving. The read buffer itself is the device's.
#[derive(Default)]
pub(crate) struct ReadSide {
    /// How many bytes the read buffer holds at most; 0 is no limit.
    limit: Cell<usize>,
    flow: Cell<Flow>,
    /// There is no read buffer, and a write buffer only for what the system does not take.
    unbuffered: Cell<bool>,
    ready_read: Emission,
}

impl ReadSide {
    pub(crate) fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Sets the limit and returns whether it is another one.
    pub(crate) fn set_limit(&self, limit: usize) -> bool {
        self.limit.replace(limit) != limit
    }

    /// How many bytes one read may put into a buffer that holds `buffered` bytes.
    pub(crate) fn room(&self, buffered: usize) -> usize {
        match self.limit.get() {
            0 => SCRATCH,
            limit => limit.saturating_sub(buffered).min(SCRATCH),
        }
    }

    pub(crate) fn is_unbuffered(&self) -> bool {
        self.unbuffered.get()
    }

    /// Once unbuffered, a socket stays so, as in Qt.
    pub(crate) fn make_unbuffered(&self) {
        self.unbuffered.set(true);
    }

    /// The emission of `ready_read`, or what stands for it.
    pub(crate) fn ready_read(&self) -> &Emission {
        &self.ready_read
    }

    // ---- whether it reads

    /// Forgets why reading has stopped.
    pub(crate) fn reset(&self) {
        self.flow.set(Flow::Open);
    }

    /// The buffer is full, and there is more to read or not.
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

    /// Ends the stop for a full buffer and returns whether there was one.
    pub(crate) fn open(&self) -> bool {
        let was_full = self.is_full();
        if was_full {
            self.reset();
        }
        was_full
    }

    /// An unbuffered socket emits `ready_read`, and then no more until something is read.
    pub(crate) fn set_announced(&self) {
        self.flow.set(Flow::Announced);
    }

    pub(crate) fn is_announced(&self) -> bool {
        self.flow.get() == Flow::Announced
    }

    /// The program has read from an unbuffered socket.
    pub(crate) fn set_read(&self) {
        if self.is_announced() {
            self.reset();
        }
    }
}
