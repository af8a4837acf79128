//! [`QDeadlineTimer`]: a deadline for an operation.

use std::{
    cmp::Ordering,
    ops::{Add, AddAssign, Sub, SubAssign},
    time::{Duration, Instant},
};

use crate::{TimerType, event_loop::now};

const MILLISECOND: i128 = 1_000_000;
const SECOND: i128 = 1_000_000_000;

/// A deadline: a point in time, or never.
///
/// Functions that wait take anything that converts into a deadline: milliseconds as `i32`, where -1
/// means for ever; a [`Duration`] from now; an [`Instant`]. The deadline is on the clock of the
/// thread's event loop, so it follows a virtual clock where one is installed. Arithmetic saturates,
/// and a deadline that never passes stays so. Stands for Qt's
/// [QDeadlineTimer](https://doc.qt.io/qt-5/qdeadlinetimer.html).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use qcore::QDeadlineTimer;
///
/// let deadline = QDeadlineTimer::from(Duration::from_secs(60));
/// assert!(!deadline.has_expired());
/// assert!((59_000..=60_000).contains(&deadline.remaining_time()));
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

    /// Creates a deadline `millis` milliseconds from now. With -1 it never passes; with a lower
    /// number it has passed already.
    ///
    /// ```
    /// use qcore::QDeadlineTimer;
    ///
    /// assert!(QDeadlineTimer::from_millis(-1).is_forever());
    /// assert!(QDeadlineTimer::from_millis(-2).has_expired());
    /// assert!(QDeadlineTimer::from_millis(i64::MAX).remaining_time() > 0);
    /// ```
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self::from_millis_with(millis, TimerType::Coarse)
    }

    /// Creates a deadline as [`from_millis`](Self::from_millis) does, and sets its timer type.
    #[must_use]
    pub fn from_millis_with(millis: i64, kind: TimerType) -> Self {
        let mut deadline = Self::new();
        deadline.set_remaining_time_with(millis, kind);
        deadline
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

    /// Returns the milliseconds until the deadline, rounded up; 0 if it has passed, -1 if it never
    /// passes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QDeadlineTimer, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let deadline = QDeadlineTimer::from(Duration::from_micros(1500));
    /// assert_eq!(deadline.remaining_time(), 2);
    /// clock.advance(Duration::from_millis(5));
    /// assert_eq!(deadline.remaining_time(), 0);
    /// assert_eq!(QDeadlineTimer::forever().remaining_time(), -1);
    /// ```
    #[doc(alias = "remainingTime")]
    #[must_use]
    pub fn remaining_time(&self) -> i64 {
        self.left().map_or(-1, |left| clamp((left + MILLISECOND - 1) / MILLISECOND))
    }

    /// Returns the nanoseconds until the deadline; 0 if it has passed, -1 if it never passes.
    #[doc(alias = "remainingTimeNSecs")]
    #[must_use]
    pub fn remaining_time_nsecs(&self) -> i64 {
        self.left().map_or(-1, clamp)
    }

    /// Returns the time until the deadline; zero if it has passed, `None` if it never passes.
    #[doc(alias = "remainingTimeAsDuration")]
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.left().map(|left| Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX)))
    }

    /// Returns the deadline in milliseconds on the loop's clock; `i64::MAX` if it never passes.
    #[must_use]
    pub fn deadline(&self) -> i64 {
        self.at.map_or(i64::MAX, |at| clamp(at.div_euclid(MILLISECOND)))
    }

    /// Returns the deadline in nanoseconds on the loop's clock; `i64::MAX` if it never passes.
    #[doc(alias = "deadlineNSecs")]
    #[must_use]
    pub fn deadline_nsecs(&self) -> i64 {
        self.at.map_or(i64::MAX, clamp)
    }

    /// Sets the deadline to `millis` milliseconds from now. With -1 it never passes; with a lower
    /// number it has passed already. The type becomes [`TimerType::Coarse`], as in Qt.
    ///
    /// ```
    /// use qcore::{QDeadlineTimer, TimerType};
    ///
    /// let mut deadline = QDeadlineTimer::from_millis_with(1000, TimerType::Precise);
    /// deadline.set_remaining_time(500);
    /// assert_eq!(deadline.timer_type(), TimerType::Coarse);
    /// deadline.set_remaining_time_with(500, TimerType::Precise);
    /// assert_eq!(deadline.timer_type(), TimerType::Precise);
    /// ```
    #[doc(alias = "setRemainingTime")]
    pub fn set_remaining_time(&mut self, millis: i64) {
        self.set_remaining_time_with(millis, TimerType::Coarse);
    }

    /// Sets the deadline as [`set_remaining_time`](Self::set_remaining_time) does, and the timer
    /// type.
    #[doc(alias = "setRemainingTime")]
    pub fn set_remaining_time_with(&mut self, millis: i64, kind: TimerType) {
        self.kind = kind;
        self.at = match millis {
            -1 => None,
            millis => Some(from_now(i128::from(millis) * MILLISECOND)),
        };
    }

    /// Sets the deadline to `secs` seconds and `nsecs` nanoseconds from now. With -1 second it
    /// never passes. The type becomes [`TimerType::Coarse`], as in Qt.
    #[doc(alias = "setPreciseRemainingTime")]
    pub fn set_precise_remaining_time(&mut self, secs: i64, nsecs: i64) {
        self.set_precise_remaining_time_with(secs, nsecs, TimerType::Coarse);
    }

    /// Sets the deadline as [`set_precise_remaining_time`](Self::set_precise_remaining_time) does,
    /// and the timer type.
    #[doc(alias = "setPreciseRemainingTime")]
    pub fn set_precise_remaining_time_with(&mut self, secs: i64, nsecs: i64, kind: TimerType) {
        self.kind = kind;
        self.at = match secs {
            -1 => None,
            secs => Some(from_now(i128::from(secs) * SECOND + i128::from(nsecs))),
        };
    }

    /// Sets the deadline in milliseconds on the loop's clock. With `i64::MAX` it never passes. The
    /// type becomes [`TimerType::Coarse`], as in Qt.
    ///
    /// ```
    /// use qcore::{QDeadlineTimer, TimerType};
    ///
    /// let mut deadline = QDeadlineTimer::current(TimerType::Coarse);
    /// deadline.set_deadline(deadline.deadline() + 1000);
    /// assert!((1..=1000).contains(&deadline.remaining_time()));
    /// deadline.set_deadline(i64::MAX);
    /// assert!(deadline.is_forever());
    /// ```
    #[doc(alias = "setDeadline")]
    pub fn set_deadline(&mut self, millis: i64) {
        self.set_deadline_with(millis, TimerType::Coarse);
    }

    /// Sets the deadline as [`set_deadline`](Self::set_deadline) does, and the timer type.
    #[doc(alias = "setDeadline")]
    pub fn set_deadline_with(&mut self, millis: i64, kind: TimerType) {
        self.kind = kind;
        self.at = (millis != i64::MAX).then(|| i128::from(millis) * MILLISECOND);
    }

    /// Sets the deadline in seconds and nanoseconds on the loop's clock. With `i64::MAX` seconds it
    /// never passes. The type becomes [`TimerType::Coarse`], as in Qt.
    #[doc(alias = "setPreciseDeadline")]
    pub fn set_precise_deadline(&mut self, secs: i64, nsecs: i64) {
        self.set_precise_deadline_with(secs, nsecs, TimerType::Coarse);
    }

    /// Sets the deadline as [`set_precise_deadline`](Self::set_precise_deadline) does, and the
    /// timer type.
    #[doc(alias = "setPreciseDeadline")]
    pub fn set_precise_deadline_with(&mut self, secs: i64, nsecs: i64, kind: TimerType) {
        self.kind = kind;
        self.at = (secs != i64::MAX).then(|| i128::from(secs) * SECOND + i128::from(nsecs));
    }

    /// Returns this deadline moved `nsecs` nanoseconds later.
    #[doc(alias = "addNSecs")]
    #[must_use]
    pub fn add_nsecs(self, nsecs: i64) -> Self {
        QDeadlineTimer { at: self.at.map(|at| at + i128::from(nsecs)), ..self }
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
}

/// Returns the time `nanos` from now on the loop's clock, and the current time if `nanos` is
/// negative.
fn from_now(nanos: i128) -> i128 {
    i128::from(now()) + nanos.max(0)
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
    /// Creates a deadline `millis` milliseconds from now. With -1 it never passes.
    fn from(millis: i32) -> Self {
        Self::from_millis(millis.into())
    }
}

impl From<Duration> for QDeadlineTimer {
    fn from(duration: Duration) -> Self {
        let nanos = i128::try_from(duration.as_nanos()).unwrap_or(i128::from(i64::MAX));
        QDeadlineTimer { at: Some(from_now(nanos)), kind: TimerType::Coarse }
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
    /// Orders deadlines by time. One that never passes is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.at, other.at) {
            (Some(at), Some(other)) => at.cmp(&other),
            (at, other) => at.is_none().cmp(&other.is_none()),
        }
    }
}

impl Add<i64> for QDeadlineTimer {
    type Output = Self;

    /// Returns the deadline moved `millis` milliseconds later.
    fn add(self, millis: i64) -> Self {
        QDeadlineTimer { at: self.at.map(|at| at + i128::from(millis) * MILLISECOND), ..self }
    }
}

impl Sub<i64> for QDeadlineTimer {
    type Output = Self;

    /// Returns the deadline moved `millis` milliseconds earlier.
    fn sub(self, millis: i64) -> Self {
        QDeadlineTimer { at: self.at.map(|at| at - i128::from(millis) * MILLISECOND), ..self }
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

impl AddAssign<i64> for QDeadlineTimer {
    fn add_assign(&mut self, millis: i64) {
        *self = *self + millis;
    }
}

impl SubAssign<i64> for QDeadlineTimer {
    fn sub_assign(&mut self, millis: i64) {
        *self = *self - millis;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VirtualClock;

    #[test]
    fn minus_one_is_for_ever_and_survives_arithmetic() {
        let mut set = QDeadlineTimer::new();
        let mut precise = QDeadlineTimer::new();
        set.set_remaining_time(-1);
        precise.set_precise_remaining_time(-1, 0);
        for forever in [QDeadlineTimer::from(-1), QDeadlineTimer::forever(), set, precise] {
            for timer in [forever, forever + 5, forever - i64::MAX, forever.add_nsecs(i64::MIN)] {
                assert!(timer.is_forever() && !timer.has_expired());
                assert_eq!(timer.remaining_time(), -1);
                assert_eq!(timer.remaining_time_nsecs(), -1);
                assert_eq!(timer.deadline(), i64::MAX);
                assert_eq!(timer.remaining(), None);
            }
        }
    }

    #[test]
    fn what_qt_5_15_answers() {
        let _clock = VirtualClock::install();
        let new = QDeadlineTimer::new();
        assert!(new.has_expired() && !new.is_forever());
        assert_eq!((new.remaining_time(), new.deadline(), new.deadline_nsecs()), (0, 0, 0));
        for millis in [-2, 0, i64::MIN] {
            let timer = QDeadlineTimer::from_millis(millis);
            assert!(timer.has_expired() && !timer.is_forever(), "{millis}");
        }
        for millis in [5, 1 << 62, i64::MAX] {
            let timer = QDeadlineTimer::from_millis(millis);
            assert!(!timer.has_expired() && !timer.is_forever());
            assert_eq!(timer.remaining_time(), millis);
        }
        let mut timer = QDeadlineTimer::new();
        timer.set_precise_remaining_time(1, -500_000_000);
        assert_eq!(timer.remaining_time_nsecs(), 500_000_000);
        timer.set_precise_remaining_time(1 << 62, 0);
        assert_eq!(timer.remaining_time_nsecs(), i64::MAX);
        timer.set_precise_deadline(-5, 0);
        assert_eq!((timer.deadline_nsecs(), timer.deadline()), (-5_000_000_000, -5000));
        timer.set_precise_deadline(9_223_372_036, 854_775_808);
        assert_eq!((timer.deadline_nsecs(), timer.deadline()), (i64::MAX, 9_223_372_036_854));
        timer.set_deadline(-1);
        assert_eq!(timer.deadline_nsecs(), -1_000_000);
        timer.set_deadline(i64::MAX);
        assert!(timer.is_forever());
        assert_eq!(new.add_nsecs(i64::MIN).deadline_nsecs(), i64::MIN);
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
            let mut timer = QDeadlineTimer::from_millis_with(100, kind);
            timer += 5;
            for timer in [timer, timer + 5, timer - 5, timer.add_nsecs(5)] {
                assert_eq!(timer.timer_type(), kind);
            }
            type Set = (fn(&mut QDeadlineTimer), fn(&mut QDeadlineTimer, TimerType));
            let sets: [Set; 4] = [
                (
                    |timer| timer.set_remaining_time(-1),
                    |timer, kind| {
                        timer.set_remaining_time_with(-1, kind);
                    },
                ),
                (
                    |timer| timer.set_precise_remaining_time(5, 0),
                    |timer, kind| {
                        timer.set_precise_remaining_time_with(5, 0, kind);
                    },
                ),
                (|timer| timer.set_deadline(50), |timer, kind| timer.set_deadline_with(50, kind)),
                (
                    |timer| timer.set_precise_deadline(5, 0),
                    |timer, kind| {
                        timer.set_precise_deadline_with(5, 0, kind);
                    },
                ),
            ];
            for (set, set_with) in sets {
                let (mut one, mut other) = (timer, QDeadlineTimer::new());
                set(&mut one);
                set_with(&mut other, kind);
                assert_eq!((one.timer_type(), other.timer_type()), (Coarse, kind));
                assert_eq!(one.deadline_nsecs() == i64::MAX, one.is_forever());
                assert_eq!(one.is_forever(), other.is_forever());
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
        assert_eq!(timer.remaining_time(), 3);
        clock.advance(Duration::from_millis(2));
        assert_eq!(timer.remaining_time_nsecs(), 1);
        clock.advance(Duration::from_nanos(1));
        assert!(timer.has_expired());
        assert_eq!(timer - QDeadlineTimer::current(TimerType::Precise), 0);
        assert!(timer < timer + 1 && timer + 1 < QDeadlineTimer::forever());
        assert_eq!(QDeadlineTimer::forever() - timer, i64::MAX);
    }
}
