//! [`Until`]: waits for a state whose changes are announced by signals.

use std::{
    cell::Cell,
    fmt,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use smallvec::SmallVec;

use super::{ScopedConnection, Signal};

/// A signal of any type, which announces a change.
pub trait Announces {
    /// Makes each emission ring the bell, and the end of the connection, too.
    fn ring(&self, ringer: Ringer) -> ScopedConnection;
}

impl<T: 'static> Announces for Signal<T> {
    fn ring(&self, ringer: Ringer) -> ScopedConnection {
        self.connect(move |_| ringer.bell.ring()).scoped()
    }
}

/// Waits until `check` returns a value, and returns it. Calls `check` now, and again after each
/// emission of one of the signals, and after one of them was disconnected.
///
/// `check` has to return a value if the sender has died, because a dead sender announces nothing.
/// If `check` itself makes one of the signals emit, it has to return a value, too. Cancel safe.
pub async fn until<T>(signals: &[&dyn Announces], mut check: impl FnMut() -> Option<T>) -> T {
    let mut until = Until::default();
    poll_fn(|context| until.poll(context, signals, &mut check)).await
}

/// A wait that may be polled. It is connected to the signals only while a task waits.
#[derive(Default)]
pub struct Until {
    waiting: Option<Waiting>,
}

struct Waiting {
    bell: Rc<Bell>,
    /// Whether somebody has disconnected one of the slots.
    cut: Rc<Cell<bool>>,
    _connections: SmallVec<[ScopedConnection; 4]>,
}

impl Until {
    /// Polls for the value of `check`, see [`until`]. All polls of a wait get the same signals.
    pub fn poll<T>(
        &mut self,
        context: &Context<'_>,
        signals: &[&dyn Announces],
        mut check: impl FnMut() -> Option<T>,
    ) -> Poll<T> {
        if let Some(waiting) = &self.waiting {
            waiting.bell.begin();
        }
        if let Some(found) = check() {
            self.waiting = None;
            return Poll::Ready(found);
        }
        if self.waiting.as_ref().is_none_or(|waiting| waiting.cut.get()) {
            self.waiting = None;
            self.waiting = Some(Waiting::new(signals));
        }
        match &self.waiting {
            Some(waiting) => waiting.bell.wait(context),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Until").field("waiting", &self.waiting.is_some()).finish()
    }
}

impl Waiting {
    fn new(signals: &[&dyn Announces]) -> Self {
        let (bell, cut) = (Rc::new(Bell::default()), Rc::new(Cell::new(false)));
        let connect =
            |signal: &&dyn Announces| signal.ring(Ringer { bell: bell.clone(), cut: cut.clone() });
        let connections = signals.iter().map(connect).collect();
        Waiting { bell, cut, _connections: connections }
    }
}

impl Drop for Waiting {
    /// The slots are dropped now, and this wakes nobody.
    fn drop(&mut self) {
        self.bell.silence();
    }
}

/// What a slot of a wait owns. Dropping it tells the wait that its slot was disconnected.
#[derive(Debug)]
pub struct Ringer {
    bell: Rc<Bell>,
    cut: Rc<Cell<bool>>,
}

impl Drop for Ringer {
    fn drop(&mut self) {
        self.cut.set(true);
        self.bell.ring();
    }
}

/// Wakes the task that waits for something.
#[derive(Default)]
pub(crate) struct Bell {
    waker: Cell<Option<Waker>>,
    /// Whether it has rung since the task began to look.
    rung: Cell<bool>,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Nobody waits any more.
    pub(crate) fn silence(&self) {
        drop(self.waker.take());
    }

    /// The task begins to look.
    pub(crate) fn begin(&self) {
        self.rung.set(false);
    }

    /// The task has found nothing and waits. If the bell has rung meanwhile, the task is woken now:
    /// to look, and to clone or drop a waker of another executor, may run any code.
    pub(crate) fn wait<T>(&self, context: &Context<'_>) -> Poll<T> {
        let waker = match self.waker.take() {
            Some(known) if known.will_wake(context.waker()) => known,
            other => {
                drop(other);
                context.waker().clone()
            }
        };
        self.waker.set(Some(waker));
        if self.rung.get() {
            self.ring();
        }
        Poll::Pending
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").field("rung", &self.rung.get()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_change_wakes_once_and_the_end_of_the_wait_does_not() {
        let (raised, other, value) = (Signal::<u32>::new(), Signal::<()>::new(), Cell::new(0));
        let count = Arc::new(Count::default());
        let wakes = || count.0.load(Ordering::Relaxed);
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        let is_high = || Some(value.get()).filter(|&value| value >= 3);
        let signals: [&dyn Announces; 2] = [&raised, &other];
        let mut wait = pin!(until(&signals, is_high));
        assert!(wait.as_mut().poll(&mut context).is_pending());
        for number in 1..=3 {
            value.set(number);
            raised.emit(number);
            // The task has been woken, and has not looked yet.
            other.emit(());
            assert_eq!(wakes(), number);
            let expected = if number == 3 { Poll::Ready(3) } else { Poll::Pending };
            assert_eq!(wait.as_mut().poll(&mut context), expected);
        }
        assert!(!raised.is_connected() && !other.is_connected());
        assert_eq!(wakes(), 3);
    }

    #[test]
    fn a_wait_survives_that_its_slots_are_cut() {
        let (raised, value) = (Signal::<u32>::new(), Cell::new(false));
        let mut context = Context::from_waker(Waker::noop());
        let signals: [&dyn Announces; 1] = [&raised];
        let mut wait = pin!(until(&signals, || value.get().then_some(())));
        assert!(wait.as_mut().poll(&mut context).is_pending());
        raised.disconnect_all();
        assert!(wait.as_mut().poll(&mut context).is_pending());
        assert!(raised.is_connected());
        value.set(true);
        assert!(wait.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn a_wait_that_is_dropped_disconnects() {
        let raised = Signal::<u32>::new();
        let mut context = Context::from_waker(Waker::noop());
        {
            let signals: [&dyn Announces; 1] = [&raised];
            let mut wait = pin!(until(&signals, || None::<()>));
            assert!(wait.as_mut().poll(&mut context).is_pending());
            assert!(raised.is_connected());
        }
        assert!(!raised.is_connected());
    }
}
