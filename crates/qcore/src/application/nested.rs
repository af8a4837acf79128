//! Loops within the loop.

use std::{fmt, rc::Rc};

use crate::{
    classes::{Handle, Life, Node, Object},
    event::{EventType, QEvent},
    event_loop::{Dispatcher, ProcessEventsFlags, Run},
    object::QObject,
    time::QDeadlineTimer,
};

crate::class! {
    /// A loop that can be run anywhere, also in a slot that a loop has called.
    ///
    /// Running one in a slot is a way to wait there while everything else goes on. Stands for Qt's
    /// [QEventLoop](https://doc.qt.io/qt-5/qeventloop.html).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QEventLoop, QTimer};
    ///
    /// let event_loop = QEventLoop::new();
    /// let timer = QTimer::new();
    /// timer.timeout.connect_to(&event_loop, |event_loop, ()| event_loop.exit(7));
    /// timer.start(10);
    /// assert_eq!(event_loop.exec(), 7);
    /// ```
    pub struct QEventLoop(EventLoopNode): QObject = base
}

/// The object behind a [`QEventLoop`].
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
    /// A loop that does not run yet.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let base = QObject::embed(&Life::new());
        Object::life(&base).dispatcher().note_loop();
        QEventLoop(Handle::new(Rc::new(EventLoopNode { base, run: Rc::default() })))
    }

    /// Runs until [`exit`](QEventLoop::exit) or [`quit`](QEventLoop::quit); returns the exit code.
    ///
    /// An `exit` from before is forgotten. Returns -1 at once if this object is running already,
    /// with a warning in the log, and after
    /// [`QCoreApplication::exit`](super::QCoreApplication::exit), which says for how long.
    pub fn exec(&self) -> i32 {
        // The object may be dropped by what runs in it.
        let keep = self.clone();
        keep.dispatcher().exec(&keep.run)
    }

    /// Makes [`exec`](QEventLoop::exec) return `code` as soon as control is back in it.
    pub fn exit(&self, code: i32) {
        self.run.exit(code);
    }

    /// [`exit(0)`](QEventLoop::exit).
    pub fn quit(&self) {
        self.exit(0);
    }

    /// Whether [`exec`](QEventLoop::exec) is running and was not told to end.
    #[doc(alias = "isRunning")]
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.run.is_running() && !self.run.is_told_to_exit()
    }

    /// Handles what there is to handle, and returns whether there was anything.
    #[doc(alias = "processEvents")]
    pub fn process_events(&self) -> bool {
        self.process_events_with_flags(ProcessEventsFlags::ALL_EVENTS)
    }

    /// Handles what there is to handle of the kinds that `flags` names, and returns whether there
    /// was anything. With `WAIT_FOR_MORE_EVENTS` it waits if there was nothing.
    #[doc(alias = "processEvents")]
    pub fn process_events_with_flags(&self, flags: ProcessEventsFlags) -> bool {
        self.dispatcher().process_events(flags)
    }

    /// Handles events of the kinds that `flags` names until there are none or `deadline` has
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

    /// Makes the loop go round once without waiting. A [`Poster`](crate::Poster) does it from other
    /// threads.
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
