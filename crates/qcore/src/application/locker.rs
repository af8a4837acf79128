//! [`QEventLoopLocker`]: keeps a loop running while there is work.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{QCoreApplication, QEventLoop, process::find};
use crate::{
    classes::{Life, Object},
    event::{EventType, QEvent},
    event_loop::{Locks, Poster, Run},
    id::ObjectId,
    object::QObject,
};

/// Keeps a loop running: the loop quits when its last locker is dropped.
///
/// Create one locker for each piece of work, and drop it when the work is done. A locker may be
/// moved to another thread. If the last locker is dropped while the loop is not running, nothing
/// happens, and a later `exec()` does not end because of it. An application quits when its last
/// locker is dropped, unless [`QCoreApplication::set_quit_lock_enabled`] has disabled that. Stands
/// for Qt's [QEventLoopLocker](https://doc.qt.io/qt-5/qeventlooplocker.html).
///
/// # Examples
///
/// ```
/// use qcore::{QCoreApplication, QEventLoopLocker, QTimer};
///
/// let app = QCoreApplication::new();
/// let lockers = [QEventLoopLocker::try_new()?, QEventLoopLocker::try_new()?];
/// // The loop itself starts the threads. If they dropped all lockers before exec() runs, exec()
/// // would not end.
/// QTimer::single_shot(0, || {
///     for locker in lockers {
///         std::thread::spawn(move || {
///             // some work
///             drop(locker);
///         });
///     }
/// });
/// assert_eq!(app.exec(), 0); // returns when the last thread has dropped its locker
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "the locker keeps the loop running only until it is dropped"]
pub struct QEventLoopLocker {
    locks: Arc<Locks>,
    poster: Poster,
    /// The id of the application or of the event loop.
    object: ObjectId,
    is_of_application: bool,
}

/// Whether an application quits when its last locker is dropped.
static QUIT_LOCK_ENABLED: AtomicBool = AtomicBool::new(true);

pub(super) fn is_quit_lock_enabled() -> bool {
    QUIT_LOCK_ENABLED.load(Ordering::Relaxed)
}

pub(super) fn set_quit_lock_enabled(enabled: bool) {
    QUIT_LOCK_ENABLED.store(enabled, Ordering::Relaxed);
}

impl QEventLoopLocker {
    /// Locks the application that [`QCoreApplication::instance`] returns: the thread's own
    /// application or, if the thread has none, the application of the process.
    ///
    /// # Errors
    ///
    /// The error of the operating system if the process has too few file descriptors left. Without
    /// them other threads cannot wake the loop.
    pub fn try_new() -> io::Result<Self> {
        let app = QCoreApplication::instance();
        if let Some(primary) = app.remote() {
            primary.locks.add();
            let (locks, poster, object) = (primary.locks, primary.poster, primary.object);
            return Ok(QEventLoopLocker { locks, poster, object, is_of_application: true });
        }
        Self::lock(Object::life(&app), app.run(), true)
    }

    /// Locks an event loop of this thread.
    ///
    /// # Errors
    ///
    /// The same as [`try_new`](QEventLoopLocker::try_new).
    pub fn try_with_loop(event_loop: &QEventLoop) -> io::Result<Self> {
        Self::lock(Object::life(event_loop), event_loop.run(), false)
    }

    fn lock(life: &Life, run: &Run, is_of_application: bool) -> io::Result<Self> {
        let poster = life.dispatcher().poster()?;
        let locks = run.locks().clone();
        locks.add();
        Ok(QEventLoopLocker { locks, poster, object: life.id(), is_of_application })
    }
}

impl Drop for QEventLoopLocker {
    fn drop(&mut self) {
        let last = self.locks.remove();
        let quits = !self.is_of_application || is_quit_lock_enabled();
        if last && quits && self.locks.is_running() {
            let object = self.object;
            // If the loop has ended, there is nothing to quit.
            let _ = self.poster.post(move || {
                if let Some(object) = find(object).and_then(|life| QObject::of(&life)) {
                    QCoreApplication::send_event(&object, &QEvent::new(EventType::QUIT));
                }
            });
        }
    }
}

impl fmt::Debug for QEventLoopLocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QEventLoopLocker").field("locks", &self.locks).finish_non_exhaustive()
    }
}
