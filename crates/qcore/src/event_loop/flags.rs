//! What a turn of the loop handles.

bitflags::bitflags! {
    /// What a call of `process_events` handles.
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::{ProcessEventsFlags, QCoreApplication, QTimer};
    ///
    /// let (app, fired) = (QCoreApplication::new(), Rc::new(Cell::new(false)));
    /// QTimer::single_shot_to(0, &fired, |fired| fired.set(true));
    /// app.process_events_with_flags(ProcessEventsFlags::EXCLUDE_TIMERS);
    /// assert!(!fired.get());
    /// app.process_events_with_flags(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS);
    /// assert!(fired.get());
    /// ```
    #[doc(alias = "QEventLoop::ProcessEventsFlags")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ProcessEventsFlags: u32 {
        /// All that there is. The default.
        #[doc(alias = "AllEvents")]
        const ALL_EVENTS = 0;
        /// Nothing here: there is no user input. For code that is ported.
        #[doc(alias = "ExcludeUserInputEvents")]
        const EXCLUDE_USER_INPUT_EVENTS = 0x01;
        /// Not the sockets. What happens at them is kept for a later call.
        #[doc(alias = "ExcludeSocketNotifiers")]
        const EXCLUDE_SOCKET_NOTIFIERS = 0x02;
        /// Wait for something to happen if nothing has.
        #[doc(alias = "WaitForMoreEvents")]
        const WAIT_FOR_MORE_EVENTS = 0x04;
        /// Not the timers. Those that are due fire in a later call.
        #[doc(alias = "X11ExcludeTimers")]
        const EXCLUDE_TIMERS = 0x08;
        /// Nothing here: Qt's `exec()` adds it to the flags of each turn. For code that is ported.
        #[doc(alias = "EventLoopExec")]
        const EVENT_LOOP_EXEC = 0x20;
        /// Nothing here: there are no dialogs. For code that is ported.
        #[doc(alias = "DialogExec")]
        const DIALOG_EXEC = 0x40;
    }
}
