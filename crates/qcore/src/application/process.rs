//! The application of the process, which other threads can reach.

use std::{
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::QCoreApplication;
use crate::{
    classes::{Life, Objects},
    event_loop::{Dispatcher, Locks, Poster},
    id::ObjectId,
};

/// The parts of the application that other threads need.
#[derive(Clone)]
pub(super) struct Primary {
    pub(super) poster: Poster,
    pub(super) locks: Arc<Locks>,
    pub(super) object: ObjectId,
}

fn primary() -> MutexGuard<'static, Option<Primary>> {
    static PRIMARY: Mutex<Option<Primary>> = Mutex::new(None);
    // No code panics while it holds this lock.
    PRIMARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the application of the process, if there is one.
pub(super) fn application() -> Option<Primary> {
    let application = primary().clone();
    // The thread may have ended while something still held the application.
    application.filter(|application| application.poster.is_open())
}

/// Makes an application that of the process, unless the process already has one in a thread that
/// has not ended.
pub(super) fn claim(application: Primary) {
    let mut primary = primary();
    if primary.as_ref().is_some_and(|primary| primary.poster.is_open()) {
        return;
    }
    let before = primary.replace(application);
    drop(primary);
    drop(before);
}

/// Notes that an application has ended. Returns whether it was that of the process.
pub(super) fn release(poster: &Poster, object: ObjectId) -> bool {
    let mut primary = primary();
    let is_this =
        |primary: &mut Primary| primary.object == object && primary.poster.is_for_loop_of(poster);
    let released = primary.take_if(is_this);
    drop(primary);
    released.is_some()
}

/// Calls `what` with the application of the process, in the application's thread. Does nothing if
/// there is no application.
pub(super) fn tell(what: impl FnOnce(&QCoreApplication) + Send + 'static) {
    if let Some(application) = application() {
        let object = application.object;
        // The application's thread may be ending, or the application may end before the call is
        // made.
        let _ = application.poster.post(move || {
            if let Some(app) = find(object).and_then(|life| life.cast::<QCoreApplication>()) {
                what(&app);
            }
        });
    }
}

/// Returns the object of this thread with this id.
pub(super) fn find(object: ObjectId) -> Option<Rc<Life>> {
    Objects::of(&Dispatcher::current()).find(object)
}
