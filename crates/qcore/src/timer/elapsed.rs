//! [`QElapsedTimer`]: measures elapsed time.

use crate::event_loop::now;

/// Measures the time since it was started.
///
/// It reads the clock of the thread's event loop, which never goes back. A timer that has not been
/// started is invalid. An invalid timer has expired for every timeout except -1, and all its other
/// getters return 0. Stands for Qt's [QElapsedTimer](https://doc.qt.io/qt-5/qelapsedtimer.html).
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
/// assert_eq!(timer.restart(), 1500);
/// assert_eq!(timer.elapsed(), 0);
/// assert!(!timer.has_expired(-1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QElapsedTimer(Option<u64>);

crate::numbered! {
    /// The kind of clock that a timer reads; see [`QElapsedTimer::clock_type`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ClockType {
        /// A clock that never goes back, even when the time of day is changed.
        #[doc(alias = "MonotonicClock")]
        Monotonic = 1,
    }
}

impl QElapsedTimer {
    /// Creates a timer that has not been started.
    #[must_use]
    pub const fn new() -> Self {
        QElapsedTimer(None)
    }

    /// Starts or restarts the timer.
    pub fn start(&mut self) {
        self.0 = Some(now());
    }

    /// Restarts the timer and returns the milliseconds since the previous start, 0 if there was
    /// none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QElapsedTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let mut lap = QElapsedTimer::new();
    /// lap.start();
    /// for expected in [30, 40] {
    ///     clock.advance(Duration::from_millis(expected as u64));
    ///     assert_eq!(lap.restart(), expected);
    /// }
    /// ```
    pub fn restart(&mut self) -> i64 {
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

    /// Returns the milliseconds since the timer was started, rounded down.
    #[must_use]
    pub fn elapsed(&self) -> i64 {
        self.nsecs_elapsed() / 1_000_000
    }

    /// Returns the nanoseconds since the timer was started.
    #[doc(alias = "nsecsElapsed")]
    #[must_use]
    pub fn nsecs_elapsed(&self) -> i64 {
        self.0.map_or(0, |start| difference(start, now()))
    }

    /// Returns whether more than `timeout` milliseconds have passed. A timeout of -1 never expires.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QElapsedTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let mut timer = QElapsedTimer::new();
    /// assert!(timer.has_expired(10)); // a timer that is not started
    /// timer.start();
    /// clock.advance(Duration::from_millis(10));
    /// assert!(!timer.has_expired(10)); // exactly 10 ms are not enough
    /// clock.advance(Duration::from_millis(1));
    /// assert!(timer.has_expired(10) && !timer.has_expired(-1));
    /// ```
    #[doc(alias = "hasExpired")]
    #[must_use]
    pub fn has_expired(&self, timeout: i64) -> bool {
        // As an unsigned number, -1 is more than any elapsed time.
        !self.is_valid() && timeout != -1 || self.elapsed() as u64 > timeout as u64
    }

    /// Returns the milliseconds from the start of this timer to the start of `other`. The result is
    /// negative if `other` was started first, and 0 if one of the two is invalid.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QElapsedTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let (mut first, mut second) = (QElapsedTimer::new(), QElapsedTimer::new());
    /// first.start();
    /// clock.advance(Duration::from_millis(7));
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
    use std::time::Duration;

    use super::*;
    use crate::VirtualClock;

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
    }

    #[test]
    fn one_that_was_not_started() {
        let mut timer = QElapsedTimer::new();
        assert!(!timer.is_valid() && timer.has_expired(5) && !timer.has_expired(-1));
        assert_eq!(timer.restart(), 0);
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
        assert_eq!((timer.elapsed(), timer.nsecs_elapsed()), (20, 20_999_999));
        assert_eq!((timer.restart(), timer.elapsed()), (20, 0));
        clock.advance(Duration::from_millis(7));
        assert!(timer.elapsed() == 7 && timer.has_expired(6) && !timer.has_expired(7));
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
