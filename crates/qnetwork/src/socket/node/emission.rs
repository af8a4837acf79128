//! [`Emission`]: keeps a signal from being emitted again while it is being emitted.

use std::cell::Cell;

/// Emits a signal unless it is being emitted already. A slot of `ready_read` that runs an event
/// loop is not called again from within that loop. Qt does the same for `ready_read` and
/// `bytes_written`.
#[derive(Default)]
pub(crate) struct Emission(Cell<bool>);

impl Emission {
    pub(crate) fn is_running(&self) -> bool {
        self.0.get()
    }

    /// Calls `emit`, unless a call of this function is running. A slot may panic.
    pub(crate) fn run(&self, emit: impl FnOnce()) {
        struct Ended<'a>(&'a Cell<bool>);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        if !self.0.replace(true) {
            let _ended = Ended(&self.0);
            emit();
        }
    }
}
