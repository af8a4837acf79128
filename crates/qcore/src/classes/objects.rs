//! [`Objects`]: the table of a thread's objects.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
};

use slab::Slab;

use super::Life;
use crate::{event_loop::Dispatcher, id::ObjectId};

/// The objects of one thread: a table by id, and the application, whose filters get all events.
#[derive(Default)]
pub(crate) struct Objects {
    table: RefCell<Slab<(u32, Weak<Life>)>>,
    generation: Cell<u32>,
    /// The application. Its filters get the events of all objects.
    application: RefCell<Weak<Life>>,
    /// Whether the application has filters.
    application_filters: Cell<bool>,
}

thread_local! {
    /// A cache of the loop and the objects of this thread, because each new object needs them.
    static CURRENT: OnceCell<(Rc<Dispatcher>, Rc<Objects>)> = const { OnceCell::new() };
}

impl Objects {
    /// Returns the event loop and the objects of this thread.
    #[inline]
    pub(super) fn current() -> (Rc<Dispatcher>, Rc<Objects>) {
        CURRENT
            .try_with(|current| current.get_or_init(Self::find_current).clone())
            .unwrap_or_else(|_| Self::find_current())
    }

    #[cold]
    fn find_current() -> (Rc<Dispatcher>, Rc<Objects>) {
        let dispatcher = Dispatcher::current();
        let objects = Self::of(&dispatcher);
        (dispatcher, objects)
    }

    /// Returns the objects of the loop's thread.
    pub(crate) fn of(dispatcher: &Dispatcher) -> Rc<Objects> {
        dispatcher.local()
    }

    /// Assigns an id to a new object.
    pub(super) fn add(&self, life: &Weak<Life>) -> ObjectId {
        // Generation 0 belongs to [`ObjectId::NONE`].
        let generation = self.generation.get().checked_add(1).unwrap_or(1);
        self.generation.set(generation);
        let index = self.table.borrow_mut().insert((generation, life.clone()));
        ObjectId::new(generation, index as u32)
    }

    pub(super) fn remove(&self, id: ObjectId) {
        self.table.borrow_mut().try_remove(id.index());
    }

    /// Returns the object with this id, if it still exists. It may be dead.
    pub(crate) fn find(&self, id: ObjectId) -> Option<Rc<Life>> {
        let table = self.table.borrow();
        let (generation, life) = table.get(id.index())?;
        if *generation == id.generation() { life.upgrade() } else { None }
    }

    // ---- the application

    /// Sets the application. It has no filters yet.
    pub(crate) fn set_application(&self, life: &Rc<Life>) {
        let before = self.application.replace(Rc::downgrade(life));
        drop(before);
        self.forget_application_filters();
    }

    /// Notes that the application is ending, so that its filters no longer get events.
    pub(crate) fn forget_application_filters(&self) {
        self.application_filters.set(false);
    }

    /// Notes that the filters of `life` have changed. `has` tells whether there are any. This
    /// matters to all objects if `life` is the application.
    pub(super) fn note_filters(&self, life: &Life, has: bool) {
        if std::ptr::eq(self.application.borrow().as_ptr(), life) {
            self.application_filters.set(has);
        }
    }

    #[inline]
    pub(super) fn has_application_filters(&self) -> bool {
        self.application_filters.get()
    }

    /// Returns the application if it has filters.
    pub(super) fn filtering_application(&self) -> Option<Rc<Life>> {
        if !self.application_filters.get() {
            return None;
        }
        self.application.borrow().upgrade()
    }
}
