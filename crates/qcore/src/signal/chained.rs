//! A slot that emits another signal.

use std::rc::Weak;

use super::{list::Slots, slot::Call};

/// A slot that emits a signal. It holds the signal weakly.
pub(super) struct Chained<T: 'static>(pub(super) Weak<Slots<T>>);

impl<T: 'static> Call<T> for Chained<T> {
    fn call(&self, value: &T) -> bool {
        match self.0.upgrade() {
            Some(slots) => {
                slots.emit(value);
                true
            }
            None => false,
        }
    }

    fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }
}
