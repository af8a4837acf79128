//! [`Interval`]: a length of time that a program sets.

use std::{cmp::Ordering, fmt, time::Duration};

/// A length of time that a program sets, such as a timer's interval.
///
/// Functions take `impl Into<Interval>`: milliseconds as `i32`, as in Qt, or a [`Duration`]. A
/// `Duration` may be longer than the 24.8 days that Qt's milliseconds can count. An interval
/// compares with both. The comparison is exact: 2.5 ms do not equal 2.
///
/// # Negative intervals
///
/// Milliseconds may be negative, as in Qt. Each function gives such an interval its own meaning:
///
/// * [`QTimer::start`], and [`QTimer::set_interval`] of an active timer: the function logs a
///   warning. The timer is active and never fires.
/// * [`QTimer::single_shot`] and its variants: the function logs a warning and never calls the
///   slot.
/// * [`QBasicTimer::start`]: the function logs a warning. The timer does not change.
/// * [`QObject::start_timer`]: the function logs a warning and returns `None`.
/// * [`QDeadlineTimer::from`] and [`QDeadlineTimer::set_remaining_time`]: a deadline of -1 never
///   passes. A deadline with a lower number has already passed.
/// * [`QElapsedTimer::has_expired`]: a started timer never expires.
/// * [`VirtualClock::advance`]: the clock does not move.
///
/// [`QTimer::start`]: crate::QTimer::start
/// [`QTimer::set_interval`]: crate::QTimer::set_interval
/// [`QTimer::single_shot`]: crate::QTimer::single_shot
/// [`QBasicTimer::start`]: crate::QBasicTimer::start
/// [`QObject::start_timer`]: crate::QObject::start_timer
/// [`QDeadlineTimer::from`]: crate::QDeadlineTimer
/// [`QDeadlineTimer::set_remaining_time`]: crate::QDeadlineTimer::set_remaining_time
/// [`QElapsedTimer::has_expired`]: crate::QElapsedTimer::has_expired
/// [`VirtualClock::advance`]: crate::VirtualClock::advance
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use qcore::{Interval, QTimer};
///
/// assert_eq!(Interval::from(1500), Duration::from_millis(1500));
///
/// let timer = QTimer::new();
/// timer.start_with_interval(Duration::from_micros(2500));
/// assert!(timer.interval() > 2 && timer.interval() != 2);
/// assert_eq!(timer.interval().as_duration(), Some(Duration::from_micros(2500)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(Length);

/// Negative numbers come first, so that the derived order is the order of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Length {
    /// A negative number of milliseconds.
    Negative(i32),
    Duration(Duration),
}

impl Interval {
    pub(crate) const ZERO: Interval = Interval(Length::Duration(Duration::ZERO));

    /// Returns the length of the interval, or `None` if it is negative.
    #[must_use]
    pub const fn as_duration(self) -> Option<Duration> {
        match self.0 {
            Length::Negative(_) => None,
            Length::Duration(duration) => Some(duration),
        }
    }

    /// Returns the interval in whole milliseconds, rounded down and at most `i32::MAX`. A negative
    /// interval returns its negative number.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::Interval;
    ///
    /// assert_eq!(Interval::from(-5).as_millis(), -5);
    /// assert_eq!(Interval::from(Duration::from_micros(2500)).as_millis(), 2);
    /// assert_eq!(Interval::from(Duration::MAX).as_millis(), i32::MAX);
    /// ```
    #[must_use]
    pub fn as_millis(self) -> i32 {
        match self.0 {
            Length::Negative(millis) => millis,
            Length::Duration(duration) => i32::try_from(duration.as_millis()).unwrap_or(i32::MAX),
        }
    }
}

impl From<i32> for Interval {
    /// Creates an interval of `millis` milliseconds.
    fn from(millis: i32) -> Self {
        Interval(match u64::try_from(millis) {
            Ok(millis) => Length::Duration(Duration::from_millis(millis)),
            Err(_) => Length::Negative(millis),
        })
    }
}

impl From<Duration> for Interval {
    fn from(duration: Duration) -> Self {
        Interval(Length::Duration(duration))
    }
}

impl PartialEq<i32> for Interval {
    /// Returns whether the interval is exactly `millis` milliseconds.
    fn eq(&self, millis: &i32) -> bool {
        *self == Interval::from(*millis)
    }
}

impl PartialEq<Duration> for Interval {
    fn eq(&self, duration: &Duration) -> bool {
        *self == Interval::from(*duration)
    }
}

impl PartialOrd<i32> for Interval {
    /// Compares the interval with `millis` milliseconds.
    fn partial_cmp(&self, millis: &i32) -> Option<Ordering> {
        self.partial_cmp(&Interval::from(*millis))
    }
}

impl PartialOrd<Duration> for Interval {
    fn partial_cmp(&self, duration: &Duration) -> Option<Ordering> {
        self.partial_cmp(&Interval::from(*duration))
    }
}

impl fmt::Debug for Interval {
    /// Writes the length with its unit: `1.5s`, `-1ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Length::Negative(millis) => write!(f, "{millis}ms"),
            Length::Duration(duration) => duration.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_exact_and_negative_ones_come_first() {
        let between = Interval::from(Duration::from_micros(2500));
        assert!(between != 2 && between != 3 && between > 2 && between < 3);
        assert!(between == Duration::from_micros(2500) && between > Duration::from_millis(2));
        assert_eq!(Interval::from(i32::MAX), i32::MAX);
        let long = Interval::from(Duration::from_secs(u64::MAX));
        assert!(long > i32::MAX && long > Duration::from_secs(1));
        let negative = Interval::from(-2);
        assert!(negative < -1 && negative > i32::MIN && negative < 0);
        assert!(negative == -2 && negative < Duration::ZERO && negative != Duration::ZERO);
        assert_eq!((negative.as_duration(), negative.as_millis()), (None, -2));
        assert_eq!(Interval::from(0), Interval::ZERO);
    }

    #[test]
    fn debug_output_has_a_unit() {
        let shown = |interval: Interval| format!("{interval:?}");
        assert_eq!(shown(1500.into()), "1.5s");
        assert_eq!(shown((-1).into()), "-1ms");
        assert_eq!(shown(Duration::from_micros(2500).into()), "2.5ms");
    }
}
