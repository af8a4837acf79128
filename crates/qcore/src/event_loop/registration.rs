//! [`Registration`]: the entry of a source in the loop's table.

use std::{
    fmt, io,
    rc::{Rc, Weak},
};

use mio::{Interest, event};

use super::{Dispatcher, EventSource, Readiness, source::SourceKey};
use crate::time::QDeadlineTimer;

/// An entry in a loop's table of sources. Dropping it frees the entry.
///
/// The owner of a `Registration` also owns the file descriptor, and must call
/// [`deregister`](Registration::deregister) before it closes the descriptor. Otherwise a duplicate
/// of the descriptor would continue to cause events.
pub struct Registration {
    dispatcher: Rc<Dispatcher>,
    key: SourceKey,
}

impl Registration {
    #[cfg(feature = "simulation")]
    pub(super) fn key(&self) -> SourceKey {
        self.key
    }

    /// Registers a file descriptor for this source. `interest` chooses whether the source receives
    /// events for reading, for writing, or for both. Call it once for each descriptor.
    ///
    /// # Errors
    ///
    /// The error of the operating system, for example if the process has reached the limit of
    /// watched descriptors.
    pub fn register(&self, io: &mut dyn event::Source, interest: Interest) -> io::Result<()> {
        self.dispatcher.register_io(io, self.key, interest)
    }

    /// Renews the registration of a file descriptor. If the descriptor is ready, the poll reports
    /// that once more.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn reregister(&self, io: &mut dyn event::Source, interest: Interest) -> io::Result<()> {
        self.dispatcher.reregister_io(io, self.key, interest)
    }

    /// Removes a file descriptor from the poll. An error is only logged, at debug level, because
    /// the caller cannot act on it.
    pub fn deregister(&self, io: &mut dyn event::Source) {
        self.dispatcher.deregister_io(io);
    }

    /// Delivers `ready` to the source in the next turn, as if the operating system had reported it.
    pub fn requeue(&self, ready: Readiness) {
        self.dispatcher.make_ready(self.key, ready);
    }

    /// Discards the readiness that the loop has not delivered to the source yet.
    pub(crate) fn forget_ready(&self) {
        self.dispatcher.forget_ready(self.key);
    }

    /// Requests a call of [`EventSource::write_pending`]. The loop makes it in the next turn, after
    /// the sources. If `early` is true, the loop makes it at the end of the current turn.
    pub fn request_write(&self, early: bool) {
        self.dispatcher.request_write(self.key, early);
    }

    /// Waits for this source alone, without running an event loop. Returns what it is ready for, or
    /// `None` when the deadline passes.
    ///
    /// The loop keeps the events of all other sources for later. No slot runs during the wait.
    #[must_use]
    pub fn wait(&self, deadline: impl Into<QDeadlineTimer>) -> Option<Readiness> {
        self.dispatcher.wait_for(self.key, deadline.into())
    }

    /// Returns the event loop of the source.
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
    /// Adds a source to the loop's table. This registers nothing with the operating system yet. The
    /// loop holds the source weakly.
    #[must_use]
    pub fn add_source(self: &Rc<Self>, source: Weak<dyn EventSource>) -> Registration {
        Registration { dispatcher: self.clone(), key: self.new_source(source) }
    }
}
