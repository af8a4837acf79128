//! What the objects of one thread share.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
};

use slab::Slab;

use super::Life;
use crate::{event_loop::Dispatcher, id::ObjectId};

/// The objects of one thread: those that have a number, and the one that filters all events.
#[derive(Default)]
pub(crate) struct Objects {
    table: RefCell<Slab<(u32, Weak<Life>)>>,
    generation: Cell<u32>,
    /// The application: its filters see the events of all objects.
    application: RefCell<Weak<Life>>,
    /// Whether it has filters.
    application_filters: Cell<bool>,
}

thread_local! {
    /// This thread's, at hand for each new object.
    static CURRENT: OnceCell<(Rc<Dispatcher>, Rc<Objects>)> = const { OnceCell::new() };
}

impl Objects {
    /// The loop and the objects of this thread.
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

    /// The objects of a loop's thread.
    pub(crate) fn of(dispatcher: &Dispatcher) -> Rc<Objects> {
        dispatcher.local()
    }

    /// Gives a new object its number.
    pub(super) fn add(&self, life: &Weak<Life>) -> ObjectId {
        // Generation 0 is nobody's.
        let generation = self.generation.get().checked_add(1).unwrap_or(1);
        self.generation.set(generation);
        let index = self.table.borrow_mut().insert((generation, life.clone()));
        ObjectId::new(generation, index as u32)
    }

    pub(super) fn remove(&self, id: ObjectId) {
        self.table.borrow_mut().try_remove(id.index());
    }

    /// The object with that number, if it is there still. It may be dead.
    pub(crate) fn find(&self, id: ObjectId) -> Option<Rc<Life>> {
        let table = self.table.borrow();
        let (generation, life) = table.get(id.index())?;
        if *generation == id.generation() { life.upgrade() } else { None }
    }

    // ---- the application

    /// `life` is the application from now on. It has no filters yet.
    pub(crate) fn set_application(&self, life: &Rc<Life>) {
        let before = self.application.replace(Rc::downgrade(life));
        drop(before);
        self.forget_application_filters();
    }

    /// The application is ending.
    pub(crate) fn forget_application_filters(&self) {
        self.application_filters.set(false);
    }

    /// The filters of `life` are others now. They count for all objects if it is the application.
    pub(super) fn note_filters(&self, life: &Life, has: bool) {
        if std::ptr::eq(self.application.borrow().as_ptr(), life) {
            self.application_filters.set(has);
        }
    }

    #[inline]
    pub(super) fn has_application_filters(&self) -> bool {
        self.application_filters.get()
    }

    /// The application, if it has filters.
    pub(super) fn filtering_application(&self) -> Option<Rc<Life>> {
        if !self.application_filters.get() {
            return None;
        }
        self.application.borrow().upgrade()
    }
}
