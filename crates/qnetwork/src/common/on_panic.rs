//! [`OnPanic`]: finishes work that a slot interrupts by a panic.

use std::{rc::Rc, thread};

use qcore::Dispatcher;

/// Tells a panic that begins in a scope from one that was unwinding before. A value that such a
/// panic drops may call the library, for example to say goodbye on a connection.
pub(crate) struct PanicWatch {
    was_panicking: bool,
}

impl PanicWatch {
    pub(crate) fn new() -> Self {
        PanicWatch { was_panicking: thread::panicking() }
    }

    /// Returns whether a panic has begun since this value was created.
    pub(crate) fn sees_panic(&self) -> bool {
        thread::panicking() && !self.was_panicking
    }
}

/// Makes the next turn of the loop call a function if the scope of this guard ends by a panic.
///
/// What a timer has begun would otherwise never be finished, because the timer does not come again.
#[must_use]
pub(crate) struct OnPanic<F: FnOnce() + 'static> {
    dispatcher: Rc<Dispatcher>,
    finish: Option<F>,
    panics: PanicWatch,
}

impl<F: FnOnce() + 'static> OnPanic<F> {
    pub(crate) fn new(dispatcher: &Rc<Dispatcher>, finish: F) -> Self {
        let dispatcher = dispatcher.clone();
        OnPanic { dispatcher, finish: Some(finish), panics: PanicWatch::new() }
    }
}

impl<F: FnOnce() + 'static> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if self.panics.sees_panic()
            && let Some(finish) = self.finish.take()
        {
            self.dispatcher.post(finish);
        }
    }
}
