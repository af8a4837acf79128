//! Running the loop until something is so.

use std::rc::Rc;

use super::{Dispatcher, ProcessEventsFlags, Run};
use crate::time::QDeadlineTimer;

/// Runs this thread's event loop until `condition` is true, at most until a deadline: milliseconds,
/// -1 being for ever, or a `Duration`. Returns whether it became true.
///
/// The condition is looked at before anything else, and after each turn of the loop. For tests,
/// mostly: a program has signals for this. Ends early, with `false`, if the application quits
/// meanwhile, or if the thread is ending and its event loop with it.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{QTimer, wait_until};
///
/// let done = Rc::new(Cell::new(false));
/// QTimer::single_shot_to(5, &done, |done| done.set(true));
/// assert!(wait_until(5000, || done.get()));
/// assert!(!wait_until(5, || false));
/// ```
pub fn wait_until(
    deadline: impl Into<QDeadlineTimer>,
    mut condition: impl FnMut() -> bool,
) -> bool {
    let deadline = deadline.into();
    let dispatcher = Dispatcher::current();
    let run = Rc::new(Run::default());
    struct Leave<'a>(&'a Rc<Dispatcher>, &'a Rc<Run>);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.0.leave_run(self.1);
        }
    }
    dispatcher.enter_run(&run);
    let _leave = Leave(&dispatcher, &run);
    while !condition() {
        if deadline.has_expired() || run.exit.get() || dispatcher.has_ended() {
            return false;
        }
        let flags = ProcessEventsFlags::WAIT_FOR_MORE_EVENTS;
        dispatcher.turn(flags, deadline.nanos(), None);
    }
    true
}
