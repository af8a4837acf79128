//! The state of a socket and its last error.

use std::cell::Cell;

use crate::{common::SocketErrorKind, socket::state::SocketState};

/// The values that `state()` and `error()` return. Setting them emits nothing.
#[derive(Default)]
pub(crate) struct Status {
    state: Cell<SocketState>,
    error: Cell<SocketErrorKind>,
}

impl Status {
    pub(crate) fn state(&self) -> SocketState {
        self.state.get()
    }

    /// Sets the state and returns the one before.
    pub(crate) fn set_state(&self, state: SocketState) -> SocketState {
        self.state.replace(state)
    }

    pub(crate) fn error(&self) -> SocketErrorKind {
        self.error.get()
    }

    pub(crate) fn set_error(&self, error: SocketErrorKind) {
        self.error.set(error);
    }
}
