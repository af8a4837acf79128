//! A source's place at the loop.

use std::{
    fmt, io,
    rc::{Rc, Weak},
};

use mio::{Interest, event};

use super::{Dispatcher, EventSource, Readiness, source::SourceKey};
use crate::time::QDeadlineTimer;

/// A place in a loop's table of sources, given back when it is dropped.
///
/// Whoever holds this also holds the descriptor, and calls [`deregister`](Registration::deregister)
/// before closing it: a duplicate of a descriptor would keep its events coming.
pub struct Registration {
    dispatcher: Rc<Dispatcher>,
    key: SourceKey,
}

impl Registration {
    /// Registers a descriptor under this place, once, for reading and writing as `interest` says.
    ///
    /// # Errors
    ///
    /// What the operating system says, for example that there are no more watches to be had.
    pub fn register(&self, io: &mut dyn event::Source, interest: Interest) -> io::Result<()> {
        self.dispatcher.register_io(io, self.key, interest)
    }

    /// Registers a descriptor anew that is registered. What it is ready for already is told once
    /// more.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn reregister(&self, io: &mut dyn event::Source, interest: Interest) -> io::Result<()> {
        self.dispatcher.reregister_io(io, self.key, interest)
    }

    /// Takes a descriptor out of the poll. An error is of no use to anybody, and left out.
    pub fn deregister(&self, io: &mut dyn event::Source) {
        self.dispatcher.deregister_io(io);
    }

    /// Delivers `ready` to the source in the next turn, as if the operating system had told it.
    pub fn requeue(&self, ready: Readiness) {
        self.dispatcher.make_ready(self.key, ready);
    }

    /// Forgets what the source is ready for and has not been told.
    pub(crate) fn forget_ready(&self) {
        self.dispatcher.forget_ready(self.key);
    }

    /// Asks for a call of [`EventSource::write_pending`]: in the next turn after its sources, or,
    /// with `early`, at the end of this one.
    pub fn request_write(&self, early: bool) {
        self.dispatcher.request_write(self.key, early);
    }

    /// Waits for this source alone, with no loop, until a deadline: returns what it is ready for,
    /// or `None` when the time is over.
    ///
    /// What happens to other sources meanwhile is kept for the loop. No slot is called.
    #[must_use]
    pub fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness> {
        self.dispatcher.wait_for(self.key, deadline)
    }

    /// The loop.
    #[must_use]
    pub fn dispatcher(&self) -> &Rc<Dispatcher> {
        &self.dispatcher
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.dispatcher.remove_source(self.key);
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// A place for a source. Nothing is registered with the operating system yet.
    #[must_use]
    pub fn add_source(self: &Rc<Self>, source: Weak<dyn EventSource>) -> Registration {
        Registration { dispatcher: self.clone(), key: self.new_source(source) }
    }
}
