//! [`ThreadPriority`]: the priority of a thread.

crate::numbered! {
    /// The priority of a [`QThread`](crate::QThread).
    ///
    /// The library stores the priority, but does not pass it to the operating system. With Linux's
    /// normal scheduling policy Qt's priorities have no effect either, except for
    /// [`Idle`](Self::Idle).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QThread, ThreadPriority};
    ///
    /// let thread = QThread::new();
    /// assert_eq!(thread.priority(), ThreadPriority::Inherit);
    /// thread.start_with_priority(ThreadPriority::High)?;
    /// assert_eq!(thread.priority(), ThreadPriority::High);
    /// thread.quit();
    /// thread.wait(-1);
    /// assert_eq!(thread.priority(), ThreadPriority::Inherit);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "QThread::Priority")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ThreadPriority {
        /// Scheduled only if no other thread is running.
        #[doc(alias = "IdlePriority")]
        Idle = 0,
        /// Scheduled less often than low priority.
        #[doc(alias = "LowestPriority")]
        Lowest = 1,
        /// Scheduled less often than normal.
        #[doc(alias = "LowPriority")]
        Low = 2,
        /// The default priority of the operating system.
        #[doc(alias = "NormalPriority")]
        Normal = 3,
        /// Scheduled more often than normal.
        #[doc(alias = "HighPriority")]
        High = 4,
        /// Scheduled more often than high priority.
        #[doc(alias = "HighestPriority")]
        Highest = 5,
        /// Scheduled as often as possible.
        #[doc(alias = "TimeCriticalPriority")]
        TimeCritical = 6,
        /// The priority of the thread that starts it. The default, and the priority of a thread
        /// that is not running.
        #[doc(alias = "InheritPriority")]
        #[default]
        Inherit = 7,
    }
}
