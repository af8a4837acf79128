//! [`LoopTimer`]: hyper's time limits, on the clock of the event loop.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use qcore::task;

/// Lets hyper limit times by the timers of the event loop, for example how long a client may take
/// to send the head of a request.
///
/// hyper wants sleeps that other threads may own, but a timer belongs to the loop of its thread. So
/// a sleep that hyper gets is a number, and the thread has a table of its timers. A sleep must be
/// polled in the thread that made it, as the task of a connection does.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use examples::LoopTimer;
/// use hyper::server::conn::http1;
///
/// let mut http = http1::Builder::new();
/// http.timer(LoopTimer).header_read_timeout(Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LoopTimer;

impl Timer for LoopTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(LoopSleep::new(task::sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(LoopSleep::new(task::sleep_until(deadline)))
    }
}

thread_local! {
    static SLEEPS: RefCell<HashMap<u64, task::Sleep>> = RefCell::default();
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// A sleep of this thread, by its number.
struct LoopSleep(u64);

impl LoopSleep {
    fn new(sleep: task::Sleep) -> Self {
        let number = NEXT.get();
        NEXT.set(number + 1);
        SLEEPS.with_borrow_mut(|sleeps| sleeps.insert(number, sleep));
        LoopSleep(number)
    }
}

impl Sleep for LoopSleep {}

impl Future for LoopSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Polling clones a waker, which may run any code, so the table is not borrowed meanwhile.
        let sleep = SLEEPS.with_borrow_mut(|sleeps| sleeps.remove(&self.0));
        let mut sleep = sleep.expect("a sleep is polled in the thread that made it");
        let polled = Pin::new(&mut sleep).poll(context);
        SLEEPS.with_borrow_mut(|sleeps| sleeps.insert(self.0, sleep));
        polled
    }
}

impl Drop for LoopSleep {
    fn drop(&mut self) {
        // The table is gone if the thread ends.
        let sleep = SLEEPS.try_with(|sleeps| sleeps.borrow_mut().remove(&self.0));
        drop(sleep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qcore::{VirtualClock, block_on, spawn_local};

    #[test]
    fn sleeps_end_and_leave_nothing_behind() {
        let clock = VirtualClock::install();
        let before = clock.now();
        block_on(LoopTimer.sleep(Duration::from_secs(7))).unwrap();
        assert_eq!(clock.now() - before, Duration::from_secs(7));

        let mut moved = LoopTimer.sleep(Duration::from_secs(3600));
        LoopTimer.reset(&mut moved, Instant::now() + Duration::from_secs(5));
        let dropped = spawn_local(LoopTimer.sleep(Duration::from_secs(3600)));
        block_on(moved).unwrap();
        assert!(clock.now() - before <= Duration::from_secs(12));
        dropped.abort();
        assert!(SLEEPS.with_borrow(HashMap::is_empty));
    }
}
