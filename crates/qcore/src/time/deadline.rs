//! [`QDeadlineTimer`]: a deadline for an operation.

use std::{
    cmp::Ordering,
    ops::{Add, AddAssign, Sub, SubAssign},
    time::{Duration, Instant},
};

use super::{Interval, TimerType, clock::now};

const MILLISECOND: i128 = 1_000_000;
const SECOND: i128 = 1_000_000_000;

/// The greatest number of nanoseconds in a deadline. It is half of what fits, so that no difference
/// of two deadlines overflows.
const FARTHEST: i128 = i128::MAX / 2;

/// A deadline: a point in time, or never.
///
/// Functions that wait take anything that converts into a deadline: milliseconds as `i32`, where -1
/// means for ever; a [`Duration`] from now; an [`Interval`]; an [`Instant`]. The deadline is on the
/// clock of the thread's event loop, so it follows a virtual clock where one is installed.
/// Arithmetic saturates, and a deadline that never passes stays so. Stands for Qt's
/// [QDeadlineTimer](https://doc.qt.io/qt-5/qdeadlinetimer.html).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use qcore::QDeadlineTimer;
///
/// let minute = Duration::from_secs(60);
/// let deadline = QDeadlineTimer::from(minute);
/// assert!(!deadline.has_expired());
/// assert!(deadline.remaining_time().unwrap() <= minute);
/// assert!(QDeadlineTimer::from(-1).is_forever());
/// assert!(deadline < QDeadlineTimer::forever() - 1000);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct QDeadlineTimer {
    /// Nanoseconds on the loop's clock; `None` if the deadline never passes.
    at: Option<i128>,
    kind: TimerType,
}

impl QDeadlineTimer {
    /// Creates a deadline that passed long ago.
    #[must_use]
    pub const fn new() -> Self {
        QDeadlineTimer { at: Some(0), kind: TimerType::Coarse }
    }

    /// Creates a deadline that never passes.
    #[doc(alias = "ForeverConstant")]
    #[doc(alias = "Forever")]
    #[must_use]
    pub const fn forever() -> Self {
        QDeadlineTimer { at: None, kind: TimerType::Coarse }
    }

    /// Creates a deadline at the current time.
    ///
    /// ```
    /// use qcore::{QDeadlineTimer, TimerType};
    ///
    /// let begin = QDeadlineTimer::current(TimerType::Precise);
    /// let later = begin + 250;
    /// assert_eq!(later - begin, 250);
    /// ```
    #[must_use]
    pub fn current(kind: TimerType) -> Self {
        QDeadlineTimer { at: Some(i128::from(now())), kind }
    }

    /// Creates a deadline from `limit` and sets its timer type.
    ///
    /// ```
    /// use qcore::{QDeadlineTimer, TimerType};
    ///
    /// let deadline = QDeadlineTimer::with_timer_type(500, TimerType::Precise);
    /// assert_eq!(deadline.timer_type(), TimerType::Precise);
    /// assert_eq!(QDeadlineTimer::from(500).timer_type(), TimerType::Coarse);
    /// ```
    #[must_use]
    pub fn with_timer_type(limit: impl Into<QDeadlineTimer>, kind: TimerType) -> Self {
        QDeadlineTimer { kind, ..limit.into() }
    }

    /// Returns whether the deadline never passes.
    #[doc(alias = "isForever")]
    #[must_use]
    pub fn is_forever(&self) -> bool {
        self.at.is_none()
    }

    /// Returns whether the deadline has passed.
    #[doc(alias = "hasExpired")]
    #[must_use]
    pub fn has_expired(&self) -> bool {
        self.left().is_some_and(|left| left == 0)
    }

    /// Returns the time until the deadline. It is zero if the deadline has passed, and `None` if
    /// the deadline never passes.
    ///
    /// Qt returns whole milliseconds, rounded up, and -1 for a deadline that never passes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QDeadlineTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let deadline = QDeadlineTimer::from(Duration::from_micros(1500));
    /// assert_eq!(deadline.remaining_time(), Some(Duration::from_micros(1500)));
    /// clock.advance(5);
    /// assert_eq!(deadline.remaining_time(), Some(Duration::ZERO));
    /// assert_eq!(QDeadlineTimer::forever().remaining_time(), None);
    /// ```
    #[doc(alias = "remainingTime")]
    #[doc(alias = "remainingTimeNSecs")]
    #[doc(alias = "remainingTimeAsDuration")]
    #[must_use]
    pub fn remaining_time(&self) -> Option<Duration> {
        self.left().map(|left| {
            let seconds = u64::try_from(left / SECOND).unwrap_or(u64::MAX);
            Duration::new(seconds, (left % SECOND) as u32)
        })
    }

    /// Returns the deadline in milliseconds on the loop's clock, or `None` if it never passes. Qt
    /// returns its greatest number instead of `None`.
    #[must_use]
    pub fn deadline(&self) -> Option<i64> {
        self.at.map(|at| clamp(at.div_euclid(MILLISECOND)))
    }

    /// Returns the deadline in nanoseconds on the loop's clock, or `None` if it never passes.
    #[doc(alias = "deadlineNSecs")]
    #[must_use]
    pub fn deadline_nsecs(&self) -> Option<i64> {
        self.at.map(clamp)
    }

    /// Sets the deadline to `interval` from now. With -1 it never passes; with a lower number it
    /// has passed already.
    ///
    /// The type becomes [`TimerType::Coarse`], as in Qt. To have another type, call
    /// [`set_timer_type`](Self::set_timer_type) afterwards.
    ///
    /// ```
    /// use qcore::{QDeadlineTimer, TimerType};
    ///
    /// let mut deadline = QDeadlineTimer::with_timer_type(1000, TimerType::Precise);
    /// deadline.set_remaining_time(500);
    /// assert_eq!(deadline.timer_type(), TimerType::Coarse);
    /// deadline.set_timer_type(TimerType::Precise);
    /// ```
    #[doc(alias = "setRemainingTime")]
    #[doc(alias = "setPreciseRemainingTime")]
    pub fn set_remaining_time(&mut self, interval: impl Into<Interval>) {
        *self = interval.into().into();
    }

    /// Sets the deadline in milliseconds on the loop's clock. With `i64::MAX` it never passes.
    ///
    /// The type becomes [`TimerType::Coarse`], as in Qt. To have another type, call
    /// [`set_timer_type`](Self::set_timer_type) afterwards.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QDeadlineTimer, TimerType};
    ///
    /// let mut deadline = QDeadlineTimer::current(TimerType::Coarse);
    /// deadline.set_deadline(deadline.deadline().unwrap() + 60_000);
    /// assert!(deadline.remaining_time().unwrap() <= Duration::from_secs(60));
    /// deadline.set_deadline(i64::MAX);
    /// assert!(deadline.is_forever());
    /// ```
    #[doc(alias = "setDeadline")]
    pub fn set_deadline(&mut self, millis: i64) {
        self.kind = TimerType::Coarse;
        self.at = (millis != i64::MAX).then(|| i128::from(millis) * MILLISECOND);
    }

    /// Sets the deadline in seconds and nanoseconds on the loop's clock. With `i64::MAX` seconds it
    /// never passes.
    ///
    /// The type becomes [`TimerType::Coarse`], as in Qt. To have another type, call
    /// [`set_timer_type`](Self::set_timer_type) afterwards.
    #[doc(alias = "setPreciseDeadline")]
    pub fn set_precise_deadline(&mut self, secs: i64, nsecs: i64) {
        self.kind = TimerType::Coarse;
        self.at = (secs != i64::MAX).then(|| i128::from(secs) * SECOND + i128::from(nsecs));
    }

    /// Returns this deadline moved `nsecs` nanoseconds later; earlier if `nsecs` is negative.
    #[doc(alias = "addNSecs")]
    #[must_use]
    pub fn add_nsecs(self, nsecs: i64) -> Self {
        self.moved(nsecs.into())
    }

    /// Swaps two deadlines, as [`std::mem::swap`] does. The name is Qt's.
    ///
    /// ```
    /// use qcore::QDeadlineTimer;
    ///
    /// let (mut one, mut other) = (QDeadlineTimer::new(), QDeadlineTimer::forever());
    /// one.swap(&mut other);
    /// assert!(one.is_forever() && other.has_expired());
    /// ```
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }

    /// Returns how accurately a wait for this deadline is timed.
    #[doc(alias = "timerType")]
    #[must_use]
    pub fn timer_type(&self) -> TimerType {
        self.kind
    }

    /// Sets how accurately a wait for this deadline is timed; [`TimerType::Coarse`] by default.
    #[doc(alias = "setTimerType")]
    pub fn set_timer_type(&mut self, kind: TimerType) {
        self.kind = kind;
    }

    /// Returns the deadline in nanoseconds on the loop's clock, or `None` if it never passes.
    pub(crate) fn nanos(&self) -> Option<u64> {
        self.at.map(|at| u64::try_from(at.max(0)).unwrap_or(u64::MAX))
    }

    /// Returns the nanoseconds until the deadline, or `None` if it never passes.
    fn left(&self) -> Option<i128> {
        self.at.map(|at| (at - i128::from(now())).max(0))
    }

    /// Returns the deadline moved by a number of nanoseconds.
    fn moved(self, nanos: i128) -> Self {
        let at = self.at.map(|at| at.saturating_add(nanos).clamp(-FARTHEST, FARTHEST));
        QDeadlineTimer { at, ..self }
    }
}

fn nanos_of_millis(millis: i32) -> i128 {
    i128::from(millis) * MILLISECOND
}

fn nanos_of(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

fn clamp(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

impl Default for QDeadlineTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl From<i32> for QDeadlineTimer {
    /// Creates a deadline `millis` milliseconds from now. With -1 it never passes; with a lower
    /// number it has passed already.
    fn from(millis: i32) -> Self {
        Interval::from(millis).into()
    }
}

impl From<Interval> for QDeadlineTimer {
    /// Creates a deadline `interval` from now. With -1 it never passes; with a lower number it has
    /// passed already.
    fn from(interval: Interval) -> Self {
        if interval == -1 {
            return Self::forever();
        }
        interval.as_duration().unwrap_or_default().into()
    }
}

impl From<Duration> for QDeadlineTimer {
    /// Creates a deadline `duration` from now.
    fn from(duration: Duration) -> Self {
        Self::current(TimerType::Coarse).moved(nanos_of(duration))
    }
}

impl From<Instant> for QDeadlineTimer {
    fn from(instant: Instant) -> Self {
        instant.saturating_duration_since(Instant::now()).into()
    }
}

impl PartialEq for QDeadlineTimer {
    /// Returns whether both are the same point in time. Their types do not count.
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for QDeadlineTimer {}

impl PartialOrd for QDeadlineTimer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QDeadlineTimer {
    /// Orders deadlines by time. A deadline that never passes is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.at, other.at) {
            (Some(at), Some(other)) => at.cmp(&other),
            (at, other) => at.is_none().cmp(&other.is_none()),
        }
    }
}

impl Add<i32> for QDeadlineTimer {
    type Output = Self;

    /// Returns the deadline moved `millis` milliseconds later.
    fn add(self, millis: i32) -> Self {
        self.moved(nanos_of_millis(millis))
    }
}

impl Add<Duration> for QDeadlineTimer {
    type Output = Self;

    /// Returns the deadline moved `duration` later.
    fn add(self, duration: Duration) -> Self {
        self.moved(nanos_of(duration))
    }
}

impl Sub<i32> for QDeadlineTimer {
    type Output = Self;

    /// Returns the deadline moved `millis` milliseconds earlier.
    fn sub(self, millis: i32) -> Self {
        self.moved(-nanos_of_millis(millis))
    }
}

impl Sub<Duration> for QDeadlineTimer {
    type Output = Self;

    /// Returns the deadline moved `duration` earlier.
    fn sub(self, duration: Duration) -> Self {
        self.moved(-nanos_of(duration))
    }
}

impl Sub for QDeadlineTimer {
    type Output = i64;

    /// Returns the milliseconds from `other` to this deadline.
    fn sub(self, other: Self) -> i64 {
        match (self.at, other.at) {
            (Some(at), Some(other)) => clamp((at - other).div_euclid(MILLISECOND)),
            (None, None) => 0,
            (None, _) => i64::MAX,
            (_, None) => i64::MIN,
        }
    }
}

impl<T> AddAssign<T> for QDeadlineTimer
where
    QDeadlineTimer: Add<T, Output = QDeadlineTimer>,
{
    fn add_assign(&mut self, length: T) {
        *self = *self + length;
    }
}

impl<T> SubAssign<T> for QDeadlineTimer
where
    QDeadlineTimer: Sub<T, Output = QDeadlineTimer>,
{
    fn sub_assign(&mut self, length: T) {
        *self = *self - length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::VirtualClock;

    #[test]
    fn minus_one_is_for_ever_and_survives_arithmetic() {
        let mut set = QDeadlineTimer::new();
        set.set_remaining_time(-1);
        let interval = QDeadlineTimer::from(Interval::from(-1));
        for forever in [QDeadlineTimer::from(-1), QDeadlineTimer::forever(), set, interval] {
            let shorter = forever - Duration::MAX;
            for timer in [forever, forever + 5, shorter, forever.add_nsecs(i64::MIN)] {
                assert!(timer.is_forever() && !timer.has_expired());
                assert_eq!(timer.remaining_time(), None);
                assert_eq!((timer.deadline(), timer.deadline_nsecs()), (None, None));
            }
        }
    }

    #[test]
    fn what_qt_5_15_answers() {
        let _clock = VirtualClock::install();
        let new = QDeadlineTimer::new();
        assert!(new.has_expired() && !new.is_forever());
        assert_eq!(new.remaining_time(), Some(Duration::ZERO));
        assert_eq!((new.deadline(), new.deadline_nsecs()), (Some(0), Some(0)));
        for millis in [-2, 0, i32::MIN] {
            let timer = QDeadlineTimer::from(millis);
            assert!(timer.has_expired() && !timer.is_forever(), "{millis}");
        }
        for left in [Duration::from_millis(5), Duration::from_secs(1 << 62), Duration::MAX] {
            let timer = QDeadlineTimer::from(left);
            assert!(!timer.has_expired() && !timer.is_forever());
            assert_eq!(timer.remaining_time(), Some(left));
        }
        let mut timer = QDeadlineTimer::new();
        timer.set_remaining_time(Duration::from_millis(500));
        assert_eq!(timer.remaining_time(), Some(Duration::from_millis(500)));
        timer.set_precise_deadline(-5, 0);
        assert_eq!((timer.deadline_nsecs(), timer.deadline()), (Some(-5_000_000_000), Some(-5000)));
        timer.set_precise_deadline(9_223_372_036, 854_775_808);
        assert_eq!(timer.deadline_nsecs(), Some(i64::MAX));
        assert_eq!(timer.deadline(), Some(9_223_372_036_854));
        timer.set_deadline(-1);
        assert_eq!(timer.deadline_nsecs(), Some(-1_000_000));
        timer.set_deadline(i64::MAX);
        assert!(timer.is_forever());
        assert_eq!(new.add_nsecs(i64::MIN).deadline_nsecs(), Some(i64::MIN));
    }

    #[test]
    fn arithmetic_saturates() {
        let at = |at| QDeadlineTimer { at: Some(at), kind: TimerType::Coarse };
        let late = at(FARTHEST) + Duration::MAX + i32::MAX;
        let early = at(-FARTHEST) - Duration::MAX - i32::MAX;
        assert_eq!((late - early, early - late), (i64::MAX, i64::MIN));
        assert_eq!(late.remaining_time().unwrap().as_secs(), u64::MAX);
        assert!(early.has_expired() && !late.has_expired() && !late.is_forever());
    }

    /// Qt 5.15.8 gave these types, for each way of setting a deadline.
    #[test]
    fn types_are_kept_by_arithmetic_and_set_anew_with_the_deadline() {
        use TimerType::{Coarse, Precise, VeryCoarse};
        assert_eq!(QDeadlineTimer::new().timer_type(), Coarse);
        assert_eq!(QDeadlineTimer::forever().timer_type(), Coarse);
        assert_eq!(QDeadlineTimer::from(100).timer_type(), Coarse);
        assert_eq!(QDeadlineTimer::from(Duration::from_secs(1)).timer_type(), Coarse);
        for kind in [Precise, Coarse, VeryCoarse] {
            assert_eq!(QDeadlineTimer::current(kind).timer_type(), kind);
            let mut timer = QDeadlineTimer::with_timer_type(100, kind);
            timer += 5;
            timer -= Duration::from_millis(5);
            for timer in [timer, timer + 5, timer - 5, timer.add_nsecs(5)] {
                assert_eq!(timer.timer_type(), kind);
            }
            let sets: [fn(&mut QDeadlineTimer); 4] = [
                |timer| timer.set_remaining_time(-1),
                |timer| timer.set_remaining_time(Duration::from_secs(5)),
                |timer| timer.set_deadline(50),
                |timer| timer.set_precise_deadline(5, 0),
            ];
            for set in sets {
                let mut one = timer;
                set(&mut one);
                assert_eq!(one.timer_type(), Coarse);
                let mut other = QDeadlineTimer::new();
                set(&mut other);
                other.set_timer_type(kind);
                assert_eq!((one.is_forever(), other.timer_type()), (other.is_forever(), kind));
                assert_eq!(QDeadlineTimer::with_timer_type(one, kind).timer_type(), kind);
            }
            // Comparison ignores the type.
            let mut other = timer;
            other.set_timer_type(VeryCoarse);
            assert_eq!((other, other.timer_type()), (timer, VeryCoarse));
        }
    }

    #[test]
    fn they_pass_on_the_loops_clock() {
        let clock = VirtualClock::install();
        let timer = QDeadlineTimer::from(Duration::from_nanos(2_000_001));
        assert_eq!(timer.remaining_time(), Some(Duration::from_nanos(2_000_001)));
        clock.advance(2);
        assert_eq!(timer.remaining_time(), Some(Duration::from_nanos(1)));
        clock.advance(Duration::from_nanos(1));
        assert!(timer.has_expired());
        assert_eq!(timer - QDeadlineTimer::current(TimerType::Precise), 0);
        assert!(timer < timer + 1 && timer + 1 < QDeadlineTimer::forever());
        assert!(timer + Duration::from_nanos(1) > timer && timer - Duration::from_nanos(1) < timer);
        assert_eq!(QDeadlineTimer::forever() - timer, i64::MAX);
    }
}
