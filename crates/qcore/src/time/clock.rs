//! The clock of a thread. It shows the real time, or a virtual time that a test controls.

use std::{
    cell::{Cell, OnceCell},
    fmt,
    rc::Rc,
    sync::LazyLock,
    time::{Duration, Instant},
};

use super::Interval;

/// A time on a clock, in nanoseconds since an arbitrary instant. It never goes back.
pub(crate) type Nanos = u64;

/// Returns the nanoseconds since the first call of this function in the process.
fn real() -> Nanos {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    Nanos::try_from(EPOCH.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
}

/// Returns the time on this thread's clock, or the real time if the thread has no clock.
pub(super) fn now() -> Nanos {
    let now = |clock: &OnceCell<Rc<Clock>>| clock.get().map_or_else(real, |clock| clock.now());
    CURRENT.try_with(now).unwrap_or_else(|_| real())
}

thread_local! {
    static CURRENT: OnceCell<Rc<Clock>> = const { OnceCell::new() };
}

/// The clock of a thread. All clocks that were never virtual show the same time.
#[derive(Default)]
pub(crate) struct Clock {
    /// How many nanoseconds the clock is ahead of the real time.
    ahead: Cell<i64>,
    /// The time that the clock shows while it is virtual.
    frozen: Cell<Option<Nanos>>,
    /// How many [`VirtualClock`]s make it virtual.
    freezers: Cell<u32>,
}

impl Clock {
    /// Returns the clock of this thread, and creates it if there is none. While the thread is
    /// ending, each call may return a different clock that shows the real time.
    pub(crate) fn current() -> Rc<Clock> {
        CURRENT.try_with(|clock| clock.get_or_init(Rc::default).clone()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.frozen.get().unwrap_or_else(|| real().saturating_add_signed(self.ahead.get()))
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.frozen.get().is_some()
    }

    pub(crate) fn advance_to(&self, at: Nanos) {
        if let Some(now) = self.frozen.get() {
            self.frozen.set(Some(now.max(at)));
        }
    }

    /// Lets the clock show a simulated time from now on.
    #[cfg(feature = "simulation")]
    pub(crate) fn simulate(&self, now: Nanos) {
        self.freezers.set(self.freezers.get() + 1);
        self.frozen.set(Some(now));
    }

    fn freeze(&self) {
        self.freezers.set(self.freezers.get() + 1);
        self.frozen.set(Some(self.now()));
    }

    fn thaw(&self) {
        self.freezers.set(self.freezers.get() - 1);
        if self.freezers.get() > 0 {
            return;
        }
        let ahead = i128::from(self.now()) - i128::from(real());
        self.ahead.set(i64::try_from(ahead).unwrap_or(i64::MAX));
        self.frozen.set(None);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("frozen", &self.frozen.get()).finish_non_exhaustive()
    }
}

/// A virtual clock for the event loop of this thread, for tests.
///
/// While a `VirtualClock` exists, the clock of the loop stands still.
/// [`advance`](VirtualClock::advance) moves it. The loop moves it, too: where it would otherwise
/// wait for a timer and has nothing else to do, it sets the clock to the due time of that timer. So
/// a test gets through an hour of timers at once, and the timers fire in the usual order. Sockets
/// and other threads still work in real time. While a timer is pending, the loop does not wait for
/// them.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use qcore::{QCoreApplication, QTimer, TimerType, VirtualClock};
///
/// let app = QCoreApplication::new();
/// let clock = VirtualClock::install();
/// let (started, before) = (Instant::now(), clock.now());
/// let quit = app.clone();
/// let hour = Duration::from_secs(3600);
/// QTimer::single_shot_with_type(hour, TimerType::Precise, move || quit.quit());
/// app.exec();
/// assert_eq!(clock.now() - before, hour);
/// assert!(started.elapsed() < Duration::from_secs(60));
/// ```
#[derive(Debug)]
#[must_use = "time is virtual only until this clock is dropped"]
pub struct VirtualClock {
    clock: Rc<Clock>,
}

impl VirtualClock {
    /// Stops the clock of this thread's loop at its current time. If several virtual clocks exist,
    /// the clock runs again when the last of them is dropped.
    pub fn install() -> Self {
        let clock = Clock::current();
        clock.freeze();
        VirtualClock { clock }
    }

    /// Moves the clock forward. Timers that come due fire when the loop next runs. A negative
    /// interval does not move the clock.
    pub fn advance(&self, by: impl Into<Interval>) {
        let by = by.into().as_duration().unwrap_or_default();
        let by = u64::try_from(by.as_nanos()).unwrap_or(Nanos::MAX);
        self.clock.advance_to(self.clock.now().saturating_add(by));
    }

    /// Returns the time on the loop's clock since an arbitrary instant in the past.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.now())
    }
}

impl Drop for VirtualClock {
    /// Lets the clock run at real speed again, from the time that it shows.
    fn drop(&mut self) {
        self.clock.thaw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProcessEventsFlags, QCoreApplication, QTimer};

    #[test]
    fn the_last_virtual_clock_lets_time_go_on() {
        let first = VirtualClock::install();
        let second = VirtualClock::install();
        let now = second.now();
        drop(first);
        std::thread::yield_now();
        assert_eq!(second.now(), now);
        second.advance(Duration::from_secs(5));
        let clock = Clock::current();
        drop(second);
        assert!(!clock.is_virtual());
        assert!(Duration::from_nanos(clock.now()) >= now + Duration::from_secs(5));
    }

    #[test]
    fn a_bound_in_time_holds_while_time_stands_still() {
        let _clock = VirtualClock::install();
        let timer = QTimer::new();
        timer.start_with_interval(0);
        let app = QCoreApplication::new();
        app.process_events_for(ProcessEventsFlags::ALL_EVENTS, Duration::from_millis(2));
        assert!(timer.is_active());
    }
}
