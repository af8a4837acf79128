//! Decides when a socket emits `closed`, and with which reason.

use std::cell::Cell;

use crate::socket::close_reason::CloseReason;

/// Whether the signal `closed` is still to be emitted, and with which reason.
#[derive(Default)]
pub(crate) struct Closure {
    /// Why the connection ends: the first cause that was noted.
    cause: Cell<Option<Box<CloseReason>>>,
    stage: Cell<Stage>,
    /// How many running calls still have to emit other signals about the end of this connection.
    holds: Cell<u32>,
    /// Changes with each connection. Calls that still emit signals about an earlier connection do
    /// not hold back the end of the next one.
    generation: Cell<u32>,
    /// How many connections have begun, or attempts to connect.
    #[cfg(feature = "tasks")]
    begun: Cell<u32>,
}

/// A connection, and whether it has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u32, Stage);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// There is no connection, or `closed` was emitted for it.
    #[default]
    Told,
    /// There is a connection, or an attempt to connect.
    Open,
    /// The connection has ended, and `closed` has to be emitted.
    Ended,
}

impl Closure {
    /// A connection begins. `closed` was emitted for the one before.
    pub(crate) fn begin(&self) {
        self.forget();
        self.stage.set(Stage::Open);
        #[cfg(feature = "tasks")]
        self.begun.set(self.begun.get().wrapping_add(1));
    }

    /// Returns how many connections have begun, or attempts to connect.
    #[cfg(feature = "tasks")]
    pub(crate) fn begun(&self) -> u32 {
        self.begun.get()
    }

    /// Returns whether there is a connection, or an attempt to connect.
    pub(crate) fn is_open(&self) -> bool {
        self.stage.get() == Stage::Open
    }

    /// Returns whether there is no connection whose end is still to be told.
    pub(crate) fn is_told(&self) -> bool {
        self.stage.get() == Stage::Told
    }

    /// Notes why the connection ends or is about to end. Only the first cause counts.
    pub(crate) fn note(&self, reason: CloseReason) {
        let cause = match self.cause.take() {
            None if reason != CloseReason::Local => Some(Box::new(reason)),
            cause => cause,
        };
        self.cause.set(cause);
    }

    /// The connection has ended. Does nothing if there was none.
    pub(crate) fn end(&self) {
        if self.stage.get() == Stage::Open {
            self.stage.set(Stage::Ended);
        }
    }

    /// A connection has ended whose beginning was not recorded here.
    pub(crate) fn end_with(&self, reason: CloseReason) {
        self.note(reason);
        self.stage.set(Stage::Ended);
    }

    /// The socket has no connection any more, but the connection continues in another socket.
    pub(crate) fn forget(&self) {
        self.cause.take();
        self.stage.set(Stage::Told);
        self.release();
    }

    /// Drops the cause of a connection that has ended, unless `closed` has still to be emitted for
    /// it.
    pub(crate) fn renew(&self) {
        if self.stage.get() != Stage::Ended {
            self.cause.take();
            self.release();
        }
    }

    /// Returns a mark for [`is_at`](Self::is_at).
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.generation.get(), self.stage.get())
    }

    /// Returns whether the connection is the one of the mark, and has not ended since.
    pub(crate) fn is_at(&self, mark: Mark) -> bool {
        self.mark() == mark
    }

    /// Returns whether a running call holds `closed` back.
    pub(crate) fn is_held(&self) -> bool {
        self.holds.get() > 0
    }

    /// Drops the holds of the previous connection.
    fn release(&self) {
        self.generation.set(self.generation.get().wrapping_add(1));
        self.holds.set(0);
    }

    /// Returns the reason if `closed` has to be emitted now.
    pub(crate) fn take(&self) -> Option<CloseReason> {
        if self.is_held() { None } else { self.take_held() }
    }

    /// Returns the reason if `closed` has to be emitted, even if other signals about the end have
    /// not been emitted yet.
    pub(crate) fn take_held(&self) -> Option<CloseReason> {
        if self.stage.get() != Stage::Ended {
            return None;
        }
        self.stage.set(Stage::Told);
        Some(self.cause.take().map_or(CloseReason::Local, |cause| *cause))
    }
}

/// An object that emits `closed` once for each connection.
pub(crate) trait TellsEnd {
    fn closure(&self) -> &Closure;

    /// Emits `closed`.
    fn tell(&self, reason: CloseReason);

    /// Asks the loop to call [`tell_closed`](Self::tell_closed).
    fn tell_later(&self);

    /// Emits `closed` if the connection has ended and nothing holds the signal back.
    fn tell_closed(&self) {
        if let Some(reason) = self.closure().take() {
            self.tell(reason);
        }
    }

    /// Emits `closed` if the connection has ended, because the object dies or the next connection
    /// begins.
    fn tell_closed_now(&self) {
        if let Some(reason) = self.closure().take_held() {
            self.tell(reason);
        }
    }

    /// Holds `closed` back while other signals about the end are emitted. Dropping the last of
    /// these guards emits it.
    fn hold_closed(&self) -> Held<'_, Self>
    where
        Self: Sized,
    {
        let closure = self.closure();
        closure.holds.set(closure.holds.get() + 1);
        Held { node: self, generation: closure.generation.get() }
    }
}

pub(crate) struct Held<'a, T: TellsEnd> {
    node: &'a T,
    generation: u32,
}

impl<T: TellsEnd> Held<'_, T> {
    /// A call that emits several signals in succession holds `closed` back from the first one on,
    /// and calls this before it emits the last one.
    ///
    /// If a slot has ended the connection, the guard stays, so that `closed` comes after the last
    /// signal. Otherwise the guard is dropped, so that a slot of the last signal can end the
    /// connection and wait for `closed` in a loop.
    #[must_use]
    pub(crate) fn for_last(self) -> Option<Self> {
        (self.node.closure().stage.get() == Stage::Ended).then_some(self)
    }
}

impl<T: TellsEnd> Drop for Held<'_, T> {
    fn drop(&mut self) {
        let closure = self.node.closure();
        if closure.generation.get() != self.generation {
            // `closed`, which this guard held back, was emitted when the next connection began.
            return;
        }
        closure.holds.set(closure.holds.get() - 1);
        if std::thread::panicking() {
            self.node.tell_later();
        } else {
            self.node.tell_closed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_counts() {
        let closure = Closure::default();
        closure.end();
        assert_eq!(closure.take(), None);
        closure.begin();
        closure.note(CloseReason::Local);
        closure.note(CloseReason::Reset);
        closure.note(CloseReason::Remote);
        assert_eq!(closure.take(), None);
        closure.end();
        assert_eq!(closure.take(), Some(CloseReason::Reset));
        assert_eq!(closure.take(), None);
        closure.begin();
        closure.end();
        assert_eq!(closure.take(), Some(CloseReason::Local));
    }
}
