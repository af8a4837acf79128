//! [`ProcessEventsFlags`]: the kinds of events that a turn of the loop handles.

bitflags::bitflags! {
    /// The kinds of events that a call of `process_events` handles.
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
    #[doc(alias = "QEventLoop::ProcessEventsFlag")]
    #[doc(alias = "QEventLoop::ProcessEventsFlags")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ProcessEventsFlags: u32 {
        /// Handles all events. The default.
        #[doc(alias = "AllEvents")]
        const ALL_EVENTS = 0;
        /// Has no effect, because there is no user input. It exists for code ported from Qt.
        #[doc(alias = "ExcludeUserInputEvents")]
        const EXCLUDE_USER_INPUT_EVENTS = 0x01;
        /// Excludes sockets. Their events are kept for a later call.
        #[doc(alias = "ExcludeSocketNotifiers")]
        const EXCLUDE_SOCKET_NOTIFIERS = 0x02;
        /// Waits for an event if none is pending.
        #[doc(alias = "WaitForMoreEvents")]
        const WAIT_FOR_MORE_EVENTS = 0x04;
        /// Excludes timers. Timers that are due fire in a later call.
        #[doc(alias = "X11ExcludeTimers")]
        const EXCLUDE_TIMERS = 0x08;
        /// Has no effect. In Qt, `exec()` adds it to the flags of each turn. It exists for code
        /// ported from Qt.
        #[doc(alias = "EventLoopExec")]
        const EVENT_LOOP_EXEC = 0x20;
        /// Has no effect, because there are no dialogs. It exists for code ported from Qt.
        #[doc(alias = "DialogExec")]
        const DIALOG_EXEC = 0x40;
    }
}
