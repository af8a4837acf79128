//! Shared parts of the tests.

use std::{cell::RefCell, fmt::Display, rc::Rc};

/// A log that slots write to.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Display) {
        self.0.borrow_mut().push(line.to_string());
    }

    /// Returns the lines written since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Returns a slot that writes `line`.
    pub(crate) fn slot<T: ?Sized>(&self, line: &'static str) -> impl Fn(&T) + Clone + use<T> {
        let log = self.clone();
        move |_| log.add(line)
    }
}
