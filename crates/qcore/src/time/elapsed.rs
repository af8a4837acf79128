//! [`QElapsedTimer`]: measures elapsed time.

use std::time::Duration;

use super::{Interval, clock::now};

/// Measures the time since it was started.
///
/// It reads the clock of the thread's event loop, which never goes back. Under a
/// [`VirtualClock`](crate::VirtualClock) and in a simulated network it measures virtual time;
/// `std::time::Instant` measures real time there. A timer that has not been
/// started is invalid. An invalid timer has expired for every timeout except -1, and all its other
/// getters return zero. Stands for Qt's [QElapsedTimer](https://doc.qt.io/qt-5/qelapsedtimer.html).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use qcore::{QElapsedTimer, VirtualClock};
///
/// let clock = VirtualClock::install();
/// let mut timer = QElapsedTimer::new();
/// timer.start();
/// clock.advance(Duration::from_millis(1500));
/// assert_eq!(timer.restart(), Duration::from_millis(1500));
/// assert_eq!(timer.elapsed(), Duration::ZERO);
/// assert!(!timer.has_expired(-1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QElapsedTimer(Option<u64>);

crate::numbered! {
    /// The kind of clock that a timer reads.
    ///
    /// [`QElapsedTimer::clock_type`] returns [`Monotonic`](Self::Monotonic) on every system. Qt
    /// returns the other values on some systems.
    ///
    /// ```
    /// use qcore::{ClockType, QElapsedTimer};
    ///
    /// assert_eq!(QElapsedTimer::clock_type(), ClockType::Monotonic);
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ClockType {
        /// The time of day, which may be set back.
        SystemTime = 0,
        /// A clock that never goes back, even when the time of day is changed.
        #[doc(alias = "MonotonicClock")]
        Monotonic = 1,
        /// The tick counter of Windows.
        TickCounter = 2,
        /// The absolute time of macOS.
        MachAbsoluteTime = 3,
        /// The performance counter of Windows.
        PerformanceCounter = 4,
    }
}

impl QElapsedTimer {
    /// Creates a timer that has not been started.
    #[must_use]
    pub const fn new() -> Self {
        QElapsedTimer(None)
    }

    /// Creates a timer and starts it. It is for timers that always run.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QElapsedTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let timer = QElapsedTimer::started();
    /// clock.advance(Duration::from_millis(30));
    /// assert!(timer.is_valid());
    /// assert_eq!(timer.elapsed(), Duration::from_millis(30));
    /// ```
    #[must_use]
    pub fn started() -> Self {
        QElapsedTimer(Some(now()))
    }

    /// Starts or restarts the timer.
    pub fn start(&mut self) {
        self.0 = Some(now());
    }

    /// Restarts the timer and returns the time since the previous start; zero if there was none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QElapsedTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let mut lap = QElapsedTimer::new();
    /// lap.start();
    /// for expected in [30, 40].map(Duration::from_millis) {
    ///     clock.advance(expected);
    ///     assert_eq!(lap.restart(), expected);
    /// }
    /// ```
    pub fn restart(&mut self) -> Duration {
        let elapsed = self.elapsed();
        self.start();
        elapsed
    }

    /// Makes the timer invalid, as it was before its first start.
    pub fn invalidate(&mut self) {
        self.0 = None;
    }

    /// Returns whether the timer has been started.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the time since the timer was started; zero if it was not. Qt returns whole
    /// milliseconds, rounded down.
    #[doc(alias = "nsecsElapsed")]
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |start| Duration::from_nanos(now().saturating_sub(start)))
    }

    /// Returns whether more than `timeout` has passed. A timeout of -1 never expires.
    ///
    /// The function compares whole milliseconds, both rounded down, as in Qt. A negative timeout
    /// other than -1 expires only if the timer was not started.
    ///
    /// ```
    /// use qcore::{QElapsedTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let mut timer = QElapsedTimer::new();
    /// assert!(timer.has_expired(10)); // a timer that is not started
    /// timer.start();
    /// clock.advance(10);
    /// assert!(!timer.has_expired(10)); // exactly 10 ms are not enough
    /// clock.advance(1);
    /// assert!(timer.has_expired(10) && !timer.has_expired(-1));
    /// ```
    #[doc(alias = "hasExpired")]
    #[must_use]
    pub fn has_expired(&self, timeout: impl Into<Interval>) -> bool {
        let timeout = timeout.into();
        if !self.is_valid() {
            return timeout != -1;
        }
        let elapsed = self.elapsed().as_millis();
        timeout.as_duration().is_some_and(|timeout| elapsed > timeout.as_millis())
    }

    /// Returns the milliseconds from the start of this timer to the start of `other`. The result is
    /// negative if `other` was started first, and 0 if one of the two is invalid.
    ///
    /// ```
    /// use qcore::{QElapsedTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let (mut first, mut second) = (QElapsedTimer::new(), QElapsedTimer::new());
    /// first.start();
    /// clock.advance(7);
    /// second.start();
    /// assert_eq!((first.msecs_to(&second), second.msecs_to(&first)), (7, -7));
    /// ```
    #[doc(alias = "msecsTo")]
    #[must_use]
    pub fn msecs_to(&self, other: &QElapsedTimer) -> i64 {
        match (self.0, other.0) {
            (Some(start), Some(other)) => difference(start, other) / 1_000_000,
            _ => 0,
        }
    }

    /// Returns the seconds from the start of this timer to the start of `other`, rounded towards 0.
    #[doc(alias = "secsTo")]
    #[must_use]
    pub fn secs_to(&self, other: &QElapsedTimer) -> i64 {
        self.msecs_to(other) / 1000
    }

    /// Returns the time of the start in milliseconds on the loop's clock.
    #[doc(alias = "msecsSinceReference")]
    #[must_use]
    pub fn msecs_since_reference(&self) -> i64 {
        self.0.map_or(0, |start| difference(0, start) / 1_000_000)
    }

    /// Returns the kind of clock that timers read: always [`ClockType::Monotonic`].
    #[doc(alias = "clockType")]
    #[must_use]
    pub const fn clock_type() -> ClockType {
        ClockType::Monotonic
    }

    /// Returns `true`: the clock never goes back.
    #[doc(alias = "isMonotonic")]
    #[must_use]
    pub const fn is_monotonic() -> bool {
        true
    }
}

fn difference(from: u64, to: u64) -> i64 {
    i64::try_from(i128::from(to) - i128::from(from)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::VirtualClock;

    #[test]
    fn differences_have_a_sign() {
        let clock = VirtualClock::install();
        let (mut first, mut second) = (QElapsedTimer::new(), QElapsedTimer::new());
        assert_eq!(first.msecs_to(&second), 0);
        first.start();
        clock.advance(Duration::from_millis(2500));
        second.start();
        assert_eq!((first.msecs_to(&second), second.msecs_to(&first)), (2500, -2500));
        assert_eq!((first.secs_to(&second), second.secs_to(&first)), (2, -2));
        assert!(first < second);
        assert!(first.has_expired(2499) && !first.has_expired(2500) && !first.has_expired(-1));
        assert!(!first.has_expired(-2) && !first.has_expired(i32::MIN));
    }

    #[test]
    fn one_that_was_not_started() {
        let mut timer = QElapsedTimer::new();
        assert!(!timer.is_valid() && timer.has_expired(5) && !timer.has_expired(-1));
        assert!(timer.has_expired(-2) && timer.has_expired(Duration::MAX));
        assert_eq!((timer.elapsed(), timer.restart()), (Duration::ZERO, Duration::ZERO));
        assert!(timer.is_valid());
        timer.invalidate();
        assert_eq!(timer, QElapsedTimer::default());
    }

    #[test]
    fn restarting_begins_anew() {
        let clock = VirtualClock::install();
        let mut timer = QElapsedTimer::new();
        timer.start();
        clock.advance(Duration::from_nanos(20_999_999));
        let passed = Duration::from_nanos(20_999_999);
        assert_eq!(timer.elapsed(), passed);
        // Whole milliseconds are compared.
        assert!(timer.has_expired(19) && !timer.has_expired(20) && !timer.has_expired(passed));
        assert!(!timer.has_expired(Duration::from_micros(20_500)));
        assert_eq!((timer.restart(), timer.elapsed()), (passed, Duration::ZERO));
        clock.advance(7);
        assert_eq!(timer.elapsed(), Duration::from_millis(7));
        assert!(timer.has_expired(6) && !timer.has_expired(7));
    }

    #[test]
    fn what_qt_says_of_the_clock() {
        let clock = VirtualClock::install();
        assert!(QElapsedTimer::is_monotonic());
        assert_eq!(QElapsedTimer::clock_type(), ClockType::Monotonic);
        let mut timer = QElapsedTimer::new();
        timer.start();
        let before = timer.msecs_since_reference();
        clock.advance(Duration::from_secs(3));
        timer.start();
        assert_eq!(timer.msecs_since_reference() - before, 3000);
    }
}
