//! Keeping a loop running for as long as there is work.

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

/// Keeps a loop running: when the last locker of a loop is dropped, the loop quits.
///
/// One for each piece of work, held where that is done, also in another thread. A loop that is not
/// running when the last one goes is not told. The application quits with its last one unless
/// [`QCoreApplication::set_quit_lock_enabled`] says otherwise. Stands for Qt's
/// [QEventLoopLocker](https://doc.qt.io/qt-5/qeventlooplocker.html).
///
/// # Examples
///
/// ```
/// use qcore::{QCoreApplication, QEventLoopLocker, QTimer};
///
/// let app = QCoreApplication::new();
/// let lockers = [QEventLoopLocker::try_new()?, QEventLoopLocker::try_new()?];
/// // The threads start when the loop runs: a loop that runs only later would not be told.
/// QTimer::single_shot(0, || {
///     for locker in lockers {
///         std::thread::spawn(move || {
///             // some work
///             drop(locker);
///         });
///     }
/// });
/// assert_eq!(app.exec(), 0); // until the last thread is done
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "the loop is kept running only while the locker lives"]
pub struct QEventLoopLocker {
    locks: Arc<Locks>,
    poster: Poster,
    /// The application or the loop.
    object: ObjectId,
    is_of_application: bool,
}

/// Whether applications quit with their last lockers.
static QUIT_LOCK_ENABLED: AtomicBool = AtomicBool::new(true);

pub(super) fn is_quit_lock_enabled() -> bool {
    QUIT_LOCK_ENABLED.load(Ordering::Relaxed)
}

pub(super) fn set_quit_lock_enabled(enabled: bool) {
    QUIT_LOCK_ENABLED.store(enabled, Ordering::Relaxed);
}

impl QEventLoopLocker {
    /// Locks the application that [`QCoreApplication::instance`] returns. In a thread without an
    /// application of its own, that is the process's.
    ///
    /// # Errors
    ///
    /// The system's error if there are no descriptors left. Without them other threads cannot wake
    /// the loop.
    pub fn try_new() -> io::Result<Self> {
        let app = QCoreApplication::instance();
        if let Some(primary) = app.remote() {
            primary.locks.add();
            let (locks, poster, object) = (primary.locks, primary.poster, primary.object);
            return Ok(QEventLoopLocker { locks, poster, object, is_of_application: true });
        }
        Self::lock(Object::life(&app), app.run(), true)
    }

    /// Locks a loop of this thread.
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
            // With the loop gone, there is nothing to quit.
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
