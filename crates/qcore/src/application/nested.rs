//! [`QEventLoop`]: an event loop that can run inside another one.

use std::{fmt, rc::Rc};

use crate::{
    classes::{Handle, Life, Node, Object},
    event::{EventType, QEvent},
    event_loop::{Dispatcher, ProcessEventsFlags, Run},
    object::QObject,
    time::QDeadlineTimer,
};

crate::library_class! {
    /// An event loop that can run anywhere, even in a slot that another event loop has called.
    ///
    /// A slot that runs an event loop can wait for something while all other events are still
    /// handled. Stands for Qt's [QEventLoop](https://doc.qt.io/qt-5/qeventloop.html).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QEventLoop, QTimer};
    ///
    /// let event_loop = QEventLoop::new();
    /// let timer = QTimer::new();
    /// timer.timeout.connect_to(&event_loop, |event_loop, ()| event_loop.exit(7));
    /// timer.start_with_interval(10);
    /// assert_eq!(event_loop.exec(), 7);
    /// ```
    pub struct QEventLoop(EventLoopNode): QObject = base
}

/// The node of a [`QEventLoop`].
pub struct EventLoopNode {
    base: QObject,
    run: Rc<Run>,
}

impl Node for EventLoopNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn event(&self, event: &QEvent) -> bool {
        let quits = event.event_type() == EventType::QUIT;
        if quits {
            self.run.exit(0);
        }
        quits
    }
}

impl QEventLoop {
    /// Creates an event loop that is not running.
    #[must_use]
    #[allow(clippy::new_without_default)] // `new` creates an object, not a value
    pub fn new() -> Self {
        let base = QObject::embed(&Life::new());
        Object::life(&base).dispatcher().note_loop();
        QEventLoop(Handle::new(Rc::new(EventLoopNode { base, run: Rc::default() })))
    }

    /// Runs the loop until [`exit`](QEventLoop::exit) or [`quit`](QEventLoop::quit) is called, and
    /// returns the exit code.
    ///
    /// An `exit` before this call has no effect. The function returns -1 immediately and logs a
    /// warning if this loop is already running, or if the thread is ending. It also returns -1
    /// after [`QCoreApplication::exit`](super::QCoreApplication::exit), whose documentation says
    /// until when.
    pub fn exec(&self) -> i32 {
        // A slot that the loop calls may drop the user's last handle.
        let keep = self.clone();
        keep.dispatcher().exec(&keep.run)
    }

    /// Tells the loop to end: [`exec`](QEventLoop::exec) returns `code` as soon as control returns
    /// to it. By convention 0 means success.
    pub fn exit(&self, code: i32) {
        self.run.exit(code);
    }

    /// Tells the loop to end with exit code 0; the same as [`exit(0)`](QEventLoop::exit).
    pub fn quit(&self) {
        self.exit(0);
    }

    /// Returns whether [`exec`](QEventLoop::exec) is running and has not been told to end.
    #[doc(alias = "isRunning")]
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.run.is_running() && !self.run.is_told_to_exit()
    }

    /// Handles the events that are pending, and returns whether there were any. It does not wait.
    #[doc(alias = "processEvents")]
    pub fn process_events(&self) -> bool {
        self.process_events_with_flags(ProcessEventsFlags::ALL_EVENTS)
    }

    /// Handles the pending events of the kinds that `flags` selects, and returns whether there were
    /// any. With `WAIT_FOR_MORE_EVENTS` it waits if none are pending.
    #[doc(alias = "processEvents")]
    pub fn process_events_with_flags(&self, flags: ProcessEventsFlags) -> bool {
        self.dispatcher().process_events(flags)
    }

    /// Handles events of the kinds that `flags` selects until none are pending or `deadline` has
    /// passed, as
    /// [`QCoreApplication::process_events_for`](super::QCoreApplication::process_events_for) does.
    #[doc(alias = "processEvents")]
    pub fn process_events_for(
        &self,
        flags: ProcessEventsFlags,
        deadline: impl Into<QDeadlineTimer>,
    ) {
        self.dispatcher().process_events_for(flags, deadline.into());
    }

    /// Makes the loop run one turn without waiting. Other threads use
    /// [`Poster::wake_up`](crate::Poster::wake_up).
    #[doc(alias = "wakeUp")]
    pub fn wake_up(&self) {
        self.dispatcher().wake_up();
    }

    pub(super) fn run(&self) -> &Rc<Run> {
        &self.run
    }

    fn dispatcher(&self) -> &Rc<Dispatcher> {
        Object::life(self).dispatcher()
    }
}

impl fmt::Debug for EventLoopNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoopNode").field("run", &self.run).finish_non_exhaustive()
    }
}
