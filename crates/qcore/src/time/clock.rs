//! The clock of a thread: it shows the real time, or one that a test moves.

use std::{
    cell::{Cell, OnceCell},
    fmt,
    rc::Rc,
    sync::LazyLock,
    time::{Duration, Instant},
};

use super::Interval;

/// A point on a clock: nanoseconds since some instant. Never goes back.
pub(crate) type Nanos = u64;

/// Nanoseconds since the first clock of the process was looked at.
fn real() -> Nanos {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    Nanos::try_from(EPOCH.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
}

/// The time on this thread's clock, or the real time if it has none.
pub(super) fn now() -> Nanos {
    let now = |clock: &OnceCell<Rc<Clock>>| clock.get().map_or_else(real, |clock| clock.now());
    CURRENT.try_with(now).unwrap_or_else(|_| real())
}

thread_local! {
    static CURRENT: OnceCell<Rc<Clock>> = const { OnceCell::new() };
}

/// A thread's clock. Clocks that were never virtual all show the same.
#[derive(Default)]
pub(crate) struct Clock {
    /// How far it is ahead of the real time.
    ahead: Cell<i64>,
    /// The time it shows while it is virtual.
    frozen: Cell<Option<Nanos>>,
    /// How many want it to be virtual.
    freezers: Cell<u32>,
}

impl Clock {
    /// The clock of this thread, made now if there is none. While the thread is ending it may be
    /// another one at each call, which shows the real time.
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

/// Virtual time for this thread's loop, for tests.
///
/// While it lives, the loop's clock stands still but for [`advance`](VirtualClock::advance), and
/// for the loop itself: where it would wait for a timer, and nothing else is to be done, it moves
/// the clock to that timer's due time instead. So an hour of timers passes in no time, in the same
/// order as ever. What happens outside, at sockets and in other threads, takes the time it takes
/// and is not waited for while a timer is pending.
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
#[must_use = "time is virtual only while the clock lives"]
pub struct VirtualClock {
    clock: Rc<Clock>,
}

impl VirtualClock {
    /// Stops this thread's loop clock at the time it is. Of several at once, the last to be dropped
    /// lets it go on.
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

    /// The loop's time, counted from some point in the past.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.now())
    }
}

impl Drop for VirtualClock {
    /// Time goes on at its own pace, from where it is.
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
        timer.start(0);
        let app = QCoreApplication::new();
        app.process_events_for(ProcessEventsFlags::ALL_EVENTS, Duration::from_millis(2));
        assert!(timer.is_active());
    }
}
