//! [`block_on`].

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::error::{BlockOnError, BlockOnErrorKind};
use crate::event_loop::{Dispatcher, Payload, Root, RootEnd, Shared};

/// Runs the event loop of this thread until `future` is done, and returns its output.
///
/// Meanwhile the loop serves slots, timers, sockets and other tasks. The function may be called in
/// slots, in tasks, and in a thread without an application. It runs the loop for at least one turn.
/// In `async` code, use `.await` instead: a nested loop returns only after the loops inside of it
/// have returned.
///
/// The future may borrow local variables.
///
/// # Errors
///
/// * [`Quit`](BlockOnErrorKind::Quit) if the application quits meanwhile. The future is dropped.
/// * [`LoopEnded`](BlockOnErrorKind::LoopEnded) if the thread is ending and its loop has ended.
///
/// # Panics
///
/// If the future panics.
///
/// # Examples
///
/// ```
/// use qcore::{QTimer, block_on};
///
/// let timer = QTimer::new();
/// timer.start_with_interval(1);
/// let ticks = block_on(async {
///     for _ in 0..3 {
///         timer.timeout.next().await?;
///     }
///     Ok::<_, qcore::signal::SignalError>(3)
/// });
/// assert_eq!(ticks.unwrap(), Ok(3));
/// ```
pub fn block_on<F: Future>(future: F) -> Result<F::Output, BlockOnError> {
    let dispatcher = Dispatcher::current();
    let shared = dispatcher.tasks().shared().clone();
    let alarm = Arc::new(Alarm { shared, woken: AtomicBool::new(true) });
    let future = pin!(future);
    let blocked = Blocked {
        waker: Waker::from(alarm.clone()),
        future: RefCell::new(Some(future)),
        outcome: RefCell::new(None),
        done: Cell::new(false),
        alarm,
        dispatcher,
    };
    match blocked.dispatcher.run_until(&blocked) {
        RootEnd::Done => {}
        RootEnd::Quit => return Err(BlockOnErrorKind::Quit.into()),
        RootEnd::LoopEnded => return Err(BlockOnErrorKind::LoopEnded.into()),
    }
    match blocked.outcome.take() {
        Some(Ok(output)) => Ok(output),
        Some(Err(payload)) => resume_unwind(payload),
        None => unreachable!("a future that is done has an outcome"),
    }
}

/// The future of one call of [`block_on`].
struct Blocked<'a, F: Future> {
    dispatcher: Rc<Dispatcher>,
    alarm: Arc<Alarm>,
    waker: Waker,
    /// Taken out while it is polled.
    future: RefCell<Option<Pin<&'a mut F>>>,
    outcome: RefCell<Option<Result<F::Output, Payload>>>,
    done: Cell<bool>,
}

impl<F: Future> Root for Blocked<'_, F> {
    fn step(&self) -> bool {
        // Reads what the thread has written before it woke the future.
        if !self.alarm.woken.swap(false, Ordering::AcqRel) {
            return false;
        }
        let Some(mut future) = self.future.take() else { return false };
        let mut polled = Ok(Poll::Pending);
        self.dispatcher.deliver(|| {
            let mut context = Context::from_waker(&self.waker);
            let poll = || future.as_mut().poll(&mut context);
            polled = catch_unwind(AssertUnwindSafe(poll));
        });
        let outcome = match polled {
            Ok(Poll::Pending) => {
                self.future.replace(Some(future));
                return true;
            }
            Ok(Poll::Ready(output)) => Ok(output),
            Err(payload) => Err(payload),
        };
        self.outcome.replace(Some(outcome));
        self.done.set(true);
        true
    }

    fn is_woken(&self) -> bool {
        self.alarm.woken.load(Ordering::Acquire)
    }

    fn is_done(&self) -> bool {
        self.done.get()
    }
}

/// The waker of the future.
struct Alarm {
    shared: Arc<Shared>,
    woken: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.shared.wake_loop_from_away();
        }
    }
}
