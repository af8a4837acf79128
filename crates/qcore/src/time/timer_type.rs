//! How exact a timer is.

crate::numbered! {
    /// How exact a timer is.
    ///
    /// Only a [`Precise`](Self::Precise) timer never fires before its interval is over. The
    /// default, [`Coarse`](Self::Coarse), saves wake-ups and may fire early: use `Precise` for a
    /// time-out that a protocol promises to another program.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QTimer, TimerType};
    ///
    /// let timer = QTimer::new();
    /// assert_eq!(timer.timer_type(), TimerType::Coarse); // 3 s may be 2.85 s
    /// timer.set_timer_type(TimerType::Precise);
    /// timer.start(3000);
    /// ```
    #[doc(alias = "Qt::TimerType")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum TimerType {
        /// To the millisecond, and never early.
        #[doc(alias = "PreciseTimer")]
        Precise = 0,
        /// Within 5 % of the interval, early or late, so that timers which are due at about the
        /// same time wake the process once. Intervals of 20 ms and less are precise. The default.
        #[doc(alias = "CoarseTimer")]
        #[default]
        Coarse = 1,
        /// To the nearest second, up to half a second early or late; an interval below half a
        /// second is one second.
        #[doc(alias = "VeryCoarseTimer")]
        VeryCoarse = 2,
    }
}
