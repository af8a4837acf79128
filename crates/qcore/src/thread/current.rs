//! The thread of the caller.

use std::{
    cell::{Cell, RefCell},
    num::NonZero,
    rc::Rc,
    sync::Arc,
    thread,
    time::Duration,
};

use super::{
    QThread, Side, ThreadNode,
    control::{Control, Stage},
    run::finish_with,
};
use crate::{
    classes::{Handle, Life},
    event_loop::Dispatcher,
    object::QObject,
    signal::Signal,
};

/// The object that stands for this thread.
#[derive(Default)]
struct Current(RefCell<Option<QThread>>);

impl QThread {
    /// Creates the object that stands for the calling thread, which a `QThread` has started.
    pub(super) fn inside(control: Arc<Control>) -> QThread {
        let dispatcher = Dispatcher::current();
        let face = Self::face(control, true);
        let before = dispatcher.local::<Current>().0.replace(Some(face.clone()));
        drop(before);
        face
    }

    fn face(control: Arc<Control>, is_started: bool) -> QThread {
        let life = Life::new();
        QThread(Handle::new(Rc::new(ThreadNode {
            started: Signal::in_life(&life),
            finished: Signal::in_life(&life),
            base: QObject::embed(&life),
            control,
            side: Side::Inside { exit: Cell::new(None), is_started },
        })))
    }

    /// Returns the object that stands for the calling thread, in that thread.
    ///
    /// In a thread that a `QThread` has started, this is not the `QThread` that started it, because
    /// that belongs to another thread. Both objects control the same thread. The thread itself
    /// emits [`finished`](ThreadNode::finished) of this object. All other threads, the main thread
    /// among them, have such an object, too: it is running, [`exec`](QThread::exec) and
    /// [`exit`](QThread::exit) work, and it emits `finished` when the thread ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QObject, QThread};
    ///
    /// let here = QThread::current_thread();
    /// assert!(here.is_running());
    /// assert_eq!(QObject::new().thread(), here);
    /// ```
    #[doc(alias = "currentThread")]
    #[must_use]
    pub fn current_thread() -> QThread {
        let dispatcher = Dispatcher::current();
        let current = dispatcher.local::<Current>();
        let existing = current.0.borrow().clone();
        existing.filter(|thread| !thread.is_deleted()).unwrap_or_else(|| {
            let control = Control::new(Stage::Running, dispatcher.inbox().clone(), None, None);
            let face = Self::face(control, false);
            if dispatcher.has_ended() {
                return face;
            }
            finish_with(&dispatcher, &face);
            let before = current.0.replace(Some(face.clone()));
            drop(before);
            face
        })
    }

    /// Returns an identifier of the calling thread. No other thread of the process ever has the
    /// same.
    #[doc(alias = "currentThreadId")]
    #[must_use]
    pub fn current_thread_id() -> thread::ThreadId {
        thread::current().id()
    }

    /// Returns how many threads can run at the same time: the number of processors that the process
    /// may use, or 1 if that is unknown.
    #[doc(alias = "idealThreadCount")]
    #[must_use]
    pub fn ideal_thread_count() -> usize {
        thread::available_parallelism().map_or(1, NonZero::get)
    }

    /// Lets other threads run.
    #[doc(alias = "yieldCurrentThread")]
    pub fn yield_current_thread() {
        thread::yield_now();
    }

    /// Blocks the calling thread for a number of seconds. Its event loop does not run meanwhile.
    pub fn sleep(seconds: u64) {
        pause(Duration::from_secs(seconds));
    }

    /// Blocks the calling thread for a number of milliseconds. Its event loop does not run
    /// meanwhile.
    pub fn msleep(milliseconds: u64) {
        pause(Duration::from_millis(milliseconds));
    }

    /// Blocks the calling thread for a number of microseconds. Its event loop does not run
    /// meanwhile.
    pub fn usleep(microseconds: u64) {
        pause(Duration::from_micros(microseconds));
    }
}

/// Blocks the thread, in simulated time if it belongs to a simulation.
pub fn pause(time: Duration) {
    #[cfg(feature = "simulation")]
    if crate::event_loop::simulated::sleep(time) {
        return;
    }
    thread::sleep(time);
}

impl QObject {
    /// Returns the object that stands for the thread of this object. An object stays in the thread
    /// that created it, so this is [`QThread::current_thread`].
    #[must_use]
    pub fn thread(&self) -> QThread {
        QThread::current_thread()
    }
}
