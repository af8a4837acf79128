//! [`Interval`]: the time between two timeouts of a timer.

use std::time::Duration;

/// A timer's interval.
///
/// It is made from milliseconds (`i32`, as in Qt) or a [`Duration`]. It may be negative, as in Qt:
/// a timer with a negative interval logs a warning and never fires. A `Duration` may be longer than
/// the 24.8 days that Qt's milliseconds can count.
///
/// A timer of the default type fires up to 5 % of its interval early or late; see
/// [`TimerType`](super::TimerType).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use qcore::{Interval, QTimer};
///
/// assert_eq!(Interval::from(1500), Duration::from_millis(1500).into());
///
/// let timer = QTimer::new();
/// timer.start(Duration::from_millis(1500));
/// assert_eq!(timer.interval(), 1500);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(Result<Duration, Negative>);

/// A negative number of milliseconds.
type Negative = i32;

impl Interval {
    pub(crate) const ZERO: Interval = Interval(Ok(Duration::ZERO));

    /// Returns the length of the interval, or `None` if it is negative.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        self.0.ok()
    }

    /// Returns the interval in whole milliseconds, rounded down and at most `i32::MAX`. A negative
    /// interval returns its negative number.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::Interval;
    ///
    /// assert_eq!(Interval::from(-5).millis(), -5);
    /// assert_eq!(Interval::from(Duration::from_micros(2500)).millis(), 2);
    /// ```
    #[must_use]
    pub fn millis(self) -> i32 {
        match self.0 {
            Ok(duration) => i32::try_from(duration.as_millis()).unwrap_or(i32::MAX),
            Err(negative) => negative,
        }
    }
}

impl From<i32> for Interval {
    fn from(millis: i32) -> Self {
        Interval(match u64::try_from(millis) {
            Ok(millis) => Ok(Duration::from_millis(millis)),
            Err(_) => Err(millis),
        })
    }
}

impl From<Duration> for Interval {
    fn from(duration: Duration) -> Self {
        Interval(Ok(duration))
    }
}
