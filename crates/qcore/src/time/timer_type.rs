//! [`TimerType`]: the accuracy of a timer.

crate::numbered! {
    /// The accuracy of a timer.
    ///
    /// Only a [`Precise`](Self::Precise) timer never fires before its interval is over. The
    /// default, [`Coarse`](Self::Coarse), saves wake-ups and may fire early. Use `Precise` where a
    /// protocol requires a minimum time.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QTimer, TimerType};
    ///
    /// let timer = QTimer::new();
    /// assert_eq!(timer.timer_type(), TimerType::Coarse); // 3 s may be 2.85 s
    /// timer.set_timer_type(TimerType::Precise);
    /// timer.start_with_interval(3000);
    /// ```
    #[doc(alias = "Qt::TimerType")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum TimerType {
        /// Accurate to one millisecond, and never early.
        #[doc(alias = "PreciseTimer")]
        Precise = 0,
        /// Accurate to 5 % of the interval, early or late, so that timers with nearly the same due
        /// time wake the process only once. Intervals of 20 ms or less are precise. The default.
        #[doc(alias = "CoarseTimer")]
        #[default]
        Coarse = 1,
        /// Accurate to the nearest second: up to half a second early or late. An interval below
        /// half a second becomes one second.
        #[doc(alias = "VeryCoarseTimer")]
        VeryCoarse = 2,
    }
}
