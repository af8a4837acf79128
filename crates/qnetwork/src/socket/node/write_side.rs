//! The sending half of a socket: its write buffer, and whether the loop is to call it for sending.

use std::{
    cell::{Cell, RefCell},
    io::IoSlice,
};

use qcore::{
    internals::{BufferPool, DetachedBytes},
    io_device::Chunk,
};

use super::{
    emission::Emission,
    write_queue::{Step, WriteQueue},
};
use crate::engine::Outcome;

/// The write buffer of a socket, and whether the loop will call the socket to send it.
#[derive(Default)]
pub(crate) struct WriteSide {
    queue: RefCell<WriteQueue>,
    /// The loop was asked for a call and has not made it yet.
    scheduled: Cell<bool>,
    bytes_written: Emission,
    /// This end has closed its half of the connection.
    #[cfg(feature = "tasks")]
    shut_down: Cell<bool>,
    /// The connection has ended before everything was sent.
    #[cfg(feature = "tasks")]
    has_lost: Cell<bool>,
}

impl WriteSide {
    /// Returns whether everything was sent and announced.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    /// Returns how many bytes `bytes_written` has not announced yet.
    pub(crate) fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Returns how many bytes the system has not taken yet.
    pub(crate) fn unsent(&self) -> usize {
        self.queue.borrow().unsent()
    }

    pub(crate) fn append(&self, data: &[u8], pool: &BufferPool) {
        self.queue.borrow_mut().append(data, pool);
    }

    pub(crate) fn append_chunk(&self, data: Chunk) {
        self.queue.borrow_mut().append_chunk(data);
    }

    /// Drops what was not sent.
    pub(crate) fn clear(&self, pool: &BufferPool) {
        #[cfg(feature = "tasks")]
        {
            self.has_lost.set(self.has_lost.get() || self.unsent() > 0);
            self.shut_down.set(false);
        }
        self.queue.borrow_mut().clear(pool);
    }

    /// A connection begins.
    pub(crate) fn begin(&self) {
        #[cfg(feature = "tasks")]
        self.has_lost.set(false);
    }

    /// Returns whether the connection has ended before everything was sent.
    #[cfg(feature = "tasks")]
    pub(crate) fn has_lost(&self) -> bool {
        self.has_lost.get()
    }

    #[cfg(feature = "tasks")]
    pub(crate) fn set_shut_down(&self) {
        self.shut_down.set(true);
    }

    #[cfg(not(feature = "tasks"))]
    pub(crate) fn is_shut_down(&self) -> bool {
        false
    }

    /// Returns whether this end has closed its half of the connection.
    #[cfg(feature = "tasks")]
    pub(crate) fn is_shut_down(&self) -> bool {
        self.shut_down.get()
    }

    /// Takes all bytes, for another thread, and how many of them were sent.
    pub(crate) fn detach(&self) -> (DetachedBytes, usize) {
        self.queue.borrow_mut().detach()
    }

    /// Puts in the bytes that another socket has detached. The buffer must be empty.
    pub(crate) fn attach(&self, unsent: (DetachedBytes, usize)) {
        self.queue.borrow_mut().attach(unsent);
    }

    /// Returns what to do next. If the next step is to announce bytes, removes them.
    #[inline]
    pub(crate) fn next_step(&self, may_send: bool, pool: &BufferPool) -> Step {
        self.queue.borrow_mut().next_step(may_send, pool)
    }

    /// Calls `write` with the unsent data, at most `max` bytes. `write` calls no code of the
    /// program.
    pub(crate) fn send(
        &self,
        max: usize,
        write: impl FnOnce(&[IoSlice<'_>]) -> Outcome,
    ) -> Outcome {
        let outcome = self.queue.borrow().send(max, write);
        if let Outcome::Moved(count) = outcome {
            self.queue.borrow_mut().mark_sent(count);
        }
        outcome
    }

    /// Records that the socket asks the loop for a call. Returns whether it has not asked already.
    pub(crate) fn set_scheduled(&self) -> bool {
        !self.scheduled.replace(true)
    }

    pub(crate) fn is_scheduled(&self) -> bool {
        self.scheduled.get()
    }

    /// Records that the loop has made its call, or that the engine that requested it is gone.
    pub(crate) fn clear_scheduled(&self) {
        self.scheduled.set(false);
    }

    /// Returns the guard that keeps the emission of `bytes_written` from nesting.
    pub(crate) fn bytes_written(&self) -> &Emission {
        &self.bytes_written
    }
}
