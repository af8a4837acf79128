//! [`OnPanic`]: finishes work that a slot interrupts by a panic.

use std::rc::Rc;

use qcore::Dispatcher;

/// Makes the next turn of the loop call a function if the scope of this guard ends by a panic.
///
/// What a timer has begun would otherwise never be finished, because the timer does not come again.
#[must_use]
pub(crate) struct OnPanic<F: FnOnce() + 'static> {
    dispatcher: Rc<Dispatcher>,
    finish: Option<F>,
}

impl<F: FnOnce() + 'static> OnPanic<F> {
    pub(crate) fn new(dispatcher: &Rc<Dispatcher>, finish: F) -> Self {
        OnPanic { dispatcher: dispatcher.clone(), finish: Some(finish) }
    }
}

impl<F: FnOnce() + 'static> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(finish) = self.finish.take()
        {
            self.dispatcher.post(finish);
        }
    }
}
