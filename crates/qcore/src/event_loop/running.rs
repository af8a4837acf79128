//! Runs the loop: one turn after another, until a condition is met.

use std::{rc::Rc, time::Instant};

use super::{Dispatcher, ProcessEventsFlags, Run, Which};
use crate::time::QDeadlineTimer;

/// Runs this thread's event loop until `condition` is true or the deadline passes. Returns whether
/// the condition became true.
///
/// The deadline is given in milliseconds, where -1 means for ever, or as a `Duration`.
///
/// The function checks the condition first, and again after each turn of the loop. It is mostly for
/// tests: a program uses signals instead. It returns `false` early if the application quits, or if
/// the thread is ending and its event loop has ended. [`run_for`] runs the loop for a fixed time.
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
/// assert!(!wait_until(5, || !done.get()));
/// ```
pub fn wait_until(
    deadline: impl Into<QDeadlineTimer>,
    mut condition: impl FnMut() -> bool,
) -> bool {
    let deadline = deadline.into();
    let dispatcher = Dispatcher::current();
    let run = Rc::new(Run::default());
    let _entered = Entered::new(&dispatcher, &run);
    while !condition() {
        if deadline.has_expired() || run.is_told_to_exit() || dispatcher.has_ended() {
            return false;
        }
        let flags = ProcessEventsFlags::WAIT_FOR_MORE_EVENTS;
        dispatcher.turn(flags, deadline.nanos(), None, None);
    }
    true
}

/// Runs this thread's event loop for a time.
///
/// The time is given in milliseconds, where -1 means for ever, or as a `Duration`. A `Duration` of
/// zero, or 0, returns without a turn of the loop. Timers and queued calls that are due at the end
/// of the time may not have run yet; [`wait_until`] waits for something particular.
///
/// The function is mostly for tests and small programs, as [`wait_until`] is. It returns early if
/// the application quits, or if the thread is ending and its event loop has ended.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc, time::Duration};
/// use qcore::{QTimer, run_for};
///
/// # let clock = qcore::VirtualClock::install();
/// let ticks = Rc::new(Cell::new(0));
/// let timer = QTimer::with_interval(10);
/// timer.timeout.connect_to(&ticks, |ticks, ()| ticks.set(ticks.get() + 1));
/// timer.start();
/// run_for(35); // or Duration::from_millis(35)
/// assert_eq!(ticks.get(), 3);
/// # run_for(Duration::from_millis(10));
/// # assert_eq!(ticks.get(), 4);
/// ```
#[doc(alias = "delay")]
#[doc(alias = "sleep")]
#[doc(alias = "qWait")]
pub fn run_for(time: impl Into<QDeadlineTimer>) {
    wait_until(time, || false);
}

impl Dispatcher {
    /// Runs the loop until [`Run::exit`] is called. Returns the exit code, or -1 if the loop cannot
    /// start.
    pub(crate) fn exec(self: &Rc<Self>, run: &Rc<Run>) -> i32 {
        if self.has_ended() {
            crate::q_warning!(
                "QEventLoop::exec: The thread is ending, and its event loop has ended"
            );
            return -1;
        }
        if self.is_quitting() {
            return -1;
        }
        if run.is_running() {
            crate::q_warning!(
                "QEventLoop::exec: instance {:p} has already called exec()",
                Rc::as_ptr(run)
            );
            return -1;
        }
        // An exit before exec has no effect.
        run.forget_exit();
        run.set_running(true);
        let entered = Entered::new(self, run);
        while !run.is_told_to_exit() {
            self.turn(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS, None, Some(run), None);
        }
        drop(entered);
        run.code()
    }

    /// Runs the loop until `root` is done. The loop polls `root` in the step for tasks of each
    /// turn.
    #[cfg(feature = "tasks")]
    pub(crate) fn run_until(self: &Rc<Self>, root: &dyn Root) -> RootEnd {
        let run = Rc::new(Run::default());
        let _entered = Entered::new(self, &run);
        loop {
            if root.is_done() {
                return RootEnd::Done;
            }
            if run.is_told_to_exit() {
                return RootEnd::Quit;
            }
            if self.has_ended() {
                return RootEnd::LoopEnded;
            }
            self.turn(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS, None, Some(&run), Some(root));
        }
    }

    /// Handles the pending events of the kinds that `flags` selects. Returns whether there were
    /// any.
    pub(crate) fn process_events(self: &Rc<Self>, flags: ProcessEventsFlags) -> bool {
        let done = self.turn(flags - ProcessEventsFlags::WAIT_FOR_MORE_EVENTS, None, None, None);
        if done || !flags.contains(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS) {
            return done;
        }
        let done = self.turn(flags, None, None, None);
        // If a call from another thread has ended the wait, the turn has moved it to the queue but
        // not run it.
        self.send_posted(&Which::ALL) || done
    }

    /// Handles events without waiting, until none are pending or the deadline has passed.
    pub(crate) fn process_events_for(
        self: &Rc<Self>,
        flags: ProcessEventsFlags,
        deadline: QDeadlineTimer,
    ) {
        // The limit is in real time, because the loop's own clock may be virtual and stand still.
        let (start, limit) = (Instant::now(), deadline.remaining_time());
        let flags = flags - ProcessEventsFlags::WAIT_FOR_MORE_EVENTS;
        #[cfg(feature = "simulation")]
        if self.is_simulated() {
            // Each turn takes simulated time.
            while self.turn(flags, None, None, None) && !deadline.has_expired() {}
            return;
        }
        let in_time = || limit.is_none_or(|limit| start.elapsed() < limit);
        while self.turn(flags, None, None, None) && in_time() {}
    }
}

/// A future that the loop runs for, see `Dispatcher::run_until`. Loops inside of that loop do not
/// poll it.
#[cfg_attr(not(feature = "tasks"), expect(dead_code))]
pub(crate) trait Root {
    /// Polls the future if it was woken. Returns whether it was.
    fn step(&self) -> bool;

    /// Returns whether the future was woken and not polled since.
    fn is_woken(&self) -> bool;

    fn is_done(&self) -> bool;
}

/// Why [`Dispatcher::run_until`] has returned.
#[cfg(feature = "tasks")]
pub(crate) enum RootEnd {
    Done,
    /// The application quits.
    Quit,
    /// The thread is ending.
    LoopEnded,
}

/// Registers a run as running until the guard is dropped.
struct Entered<'a> {
    dispatcher: &'a Dispatcher,
    run: &'a Rc<Run>,
}

impl<'a> Entered<'a> {
    fn new(dispatcher: &'a Dispatcher, run: &'a Rc<Run>) -> Self {
        dispatcher.enter_run(run);
        Entered { dispatcher, run }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.dispatcher.leave_run(self.run);
        self.run.set_running(false);
    }
}
