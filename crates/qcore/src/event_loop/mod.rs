//! The event loop.
//!
//! Each thread has one [`Dispatcher`], made when it is first needed. [`QCoreApplication`] and
//! [`QEventLoop`] are faces of it, and so are timers and sockets. All it does it does in turns:
//!
//! ```text
//!   ┌─► posted calls ─► poll ─► sources that are ready ─► writers ─► due timers ─► early writers ─┐
//!   └─────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! * **Posted calls**: queued slots, events, [`Poster::post`], `delete_later`. Those that are
//!   posted meanwhile wait for the next turn.
//! * **Poll** waits for the operating system, but not if there is anything left to do.
//! * **Sources** are what is registered with it: sockets, listeners. One that has more to do than
//!   its share goes to the end of the queue.
//! * **Writers** are sockets with data to write from before this turn's poll, so that what a slot
//!   writes goes out in the next turn, as a whole. A socket that nobody watches for it is an
//!   *early* writer and is served at the end of the turn in which it was written to.
//! * **Timers** that are due fire by their due time, each at most once.
//!
//! Everything that calls a slot is a *delivery*. A slot may run a loop of its own; that one goes on
//! with the queues as they are, so that nothing is handled twice and nothing is lost.

mod application;
#[cfg(feature = "ctrl-c")]
mod ctrl_c;
mod dispatcher;
mod identity;
mod locker;
mod nested;
mod poll;
mod posted;
mod poster;
mod process;
#[cfg(unix)]
mod socket_notifier;
mod source;
mod timers;
mod waiting;

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
    sync::Arc,
};

use self::locker::Locks;
#[cfg(unix)]
pub use self::socket_notifier::{NotifierType, QSocketNotifier, SocketNotifierNode};
pub use self::{
    application::{CoreApplicationNode, QCoreApplication},
    dispatcher::Dispatcher,
    locker::QEventLoopLocker,
    nested::{EventLoopNode, QEventLoop},
    poster::{PostError, PostErrorKind, Poster},
    source::{EventSource, Readiness, Registration},
    timers::{TimerHandler, TimerId},
    waiting::wait_until,
};
pub(crate) use self::{
    dispatcher::ObjectId,
    posted::{Deliver, Waiting, Which},
};

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

/// One run of a loop, as those see it who end it.
#[derive(Debug, Default)]
pub(crate) struct Run {
    running: Cell<bool>,
    exit: Cell<bool>,
    code: Cell<i32>,
    locks: OnceCell<Arc<Locks>>,
}

impl Run {
    /// Those that keep it running.
    fn locks(&self) -> &Arc<Locks> {
        self.locks.get_or_init(|| Locks::new(self.running.get()))
    }

    fn set_running(&self, running: bool) {
        self.running.set(running);
        if let Some(locks) = self.locks.get() {
            locks.set_running(running);
        }
    }

    fn exit(&self, code: i32) {
        self.code.set(code);
        self.exit.set(true);
    }

    /// Runs the loop of this thread until [`exit`](Run::exit); -1 if it may not run.
    fn exec(self: &Rc<Self>, dispatcher: &Rc<Dispatcher>) -> i32 {
        if dispatcher.has_ended() {
            crate::q_warning!(
                "QEventLoop::exec: The thread is ending, and its event loop has ended"
            );
            return -1;
        }
        if dispatcher.is_quitting() {
            return -1;
        }
        if self.running.get() {
            crate::q_warning!(
                "QEventLoop::exec: instance {:p} has already called exec()",
                Rc::as_ptr(self)
            );
            return -1;
        }
        // An exit before exec is forgotten.
        self.exit.set(false);
        self.code.set(0);
        struct Leave<'a>(&'a Rc<Run>, &'a Rc<Dispatcher>);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.1.leave_run(self.0);
                self.0.set_running(false);
            }
        }
        self.set_running(true);
        dispatcher.enter_run(self);
        let _leave = Leave(self, dispatcher);
        while !self.exit.get() {
            dispatcher.turn(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS, None, Some(self));
        }
        self.code.get()
    }
}
