//! How a connection is to end.

use std::cell::Cell;

/// What the program has requested while the connection could not end immediately.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Wish {
    #[default]
    None,
    /// `disconnect_from_host()` was called while the socket was connecting: it closes as soon as it
    /// is connected and has sent everything.
    CloseWhenConnected,
    /// `abort()` was called: nothing more is sent.
    Abort,
}

/// Whether the socket closes after it has connected, or aborts.
#[derive(Default)]
pub(crate) struct Ending(Cell<Wish>);

impl Ending {
    /// Clears the request, because a new connection begins or there is none.
    pub(crate) fn reset(&self) {
        self.0.set(Wish::None);
    }

    pub(crate) fn close_when_connected(&self) {
        self.0.set(Wish::CloseWhenConnected);
    }

    pub(crate) fn closes_when_connected(&self) -> bool {
        self.0.get() == Wish::CloseWhenConnected
    }

    /// Withdraws the request to close. Returns whether there was one.
    pub(crate) fn take_close(&self) -> bool {
        let closes = self.closes_when_connected();
        if closes {
            self.reset();
        }
        closes
    }

    pub(crate) fn abort(&self) {
        self.0.set(Wish::Abort);
    }

    pub(crate) fn is_aborting(&self) -> bool {
        self.0.get() == Wish::Abort
    }
}
