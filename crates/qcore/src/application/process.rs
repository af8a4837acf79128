//! The application of the process: the one that other threads reach.

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

/// What other threads need of the application.
#[derive(Clone)]
pub(super) struct Primary {
    pub(super) poster: Poster,
    pub(super) locks: Arc<Locks>,
    pub(super) object: ObjectId,
}

fn primary() -> MutexGuard<'static, Option<Primary>> {
    static PRIMARY: Mutex<Option<Primary>> = Mutex::new(None);
    // Nothing panics while it is locked.
    PRIMARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process's application, if it has one.
pub(super) fn application() -> Option<Primary> {
    let application = primary().clone();
    // The thread may have ended while something still held the application.
    application.filter(|application| application.poster.is_open())
}

/// Makes an application the process's, unless the process has one already, in a thread that has not
/// ended.
pub(super) fn claim(application: Primary) {
    let mut primary = primary();
    if primary.as_ref().is_some_and(|primary| primary.poster.is_open()) {
        return;
    }
    let before = primary.replace(application);
    drop(primary);
    drop(before);
}

/// The application has ended.
pub(super) fn release(poster: &Poster, object: ObjectId) {
    let mut primary = primary();
    let is_this =
        |primary: &mut Primary| primary.object == object && primary.poster.is_for_loop_of(poster);
    let released = primary.take_if(is_this);
    drop(primary);
    drop(released);
}

/// Has the process's application do something, in its own thread. Nothing happens if there is none.
pub(super) fn tell(what: impl FnOnce(&QCoreApplication) + Send + 'static) {
    if let Some(application) = application() {
        let object = application.object;
        // Its thread may just be ending, or the application may end before the call comes.
        let _ = application.poster.post(move || {
            if let Some(app) = find(object).and_then(|life| life.cast::<QCoreApplication>()) {
                what(&app);
            }
        });
    }
}

/// The object of this thread that has that number.
pub(super) fn find(object: ObjectId) -> Option<Rc<Life>> {
    Objects::of(&Dispatcher::current()).find(object)
}
