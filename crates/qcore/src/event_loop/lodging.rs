//! [`Lodging`]: lets other threads refer to a value that stays in the thread of its loop.

use std::{
    any::Any,
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use slab::Slab;

use super::{Dispatcher, inbox::Inbox};
use crate::{
    id::ObjectId,
    panics::{drop_all, guard},
};

/// The key of a lodging whose value is not there yet.
const NONE: u32 = u32::MAX;

/// The place of a value in the tables of a loop's thread, its *home*.
///
/// The value never leaves its home, so it may be of any type. Other threads only hold the lodging.
/// When the last reference to a lodging is dropped, in whatever thread, the home drops the value.
pub(crate) struct Lodging {
    inbox: Arc<Inbox>,
    /// The key of the value in the home's table. Only the home reads and writes it.
    key: AtomicU32,
    /// The id of the object that the value refers to. Only the home reads and writes it.
    object: AtomicU64,
    /// Whether the home knows that the value is of no more use.
    is_gone: AtomicBool,
}

/// The values that lodge in one thread.
pub(super) type Lodgers = RefCell<Slab<Rc<dyn Any>>>;

impl Lodging {
    /// Creates a lodging without a value in the loop of `inbox`, which may not have started yet.
    pub(crate) fn reserve(inbox: Arc<Inbox>) -> Arc<Self> {
        Arc::new(Lodging {
            inbox,
            key: AtomicU32::new(NONE),
            object: AtomicU64::new(ObjectId::NONE.bits()),
            is_gone: AtomicBool::new(false),
        })
    }

    /// Lodges a value in this thread.
    pub(crate) fn here(value: Rc<dyn Any>) -> Arc<Self> {
        let home = Dispatcher::current();
        let lodging = Lodging::reserve(home.inbox().clone());
        lodging.place_in(&home, value);
        lodging
    }

    /// Puts the value into the lodging. The calling thread is the home.
    pub(crate) fn place(&self, value: Rc<dyn Any>) {
        self.place_in(&Dispatcher::current(), value);
    }

    fn place_in(&self, home: &Dispatcher, value: Rc<dyn Any>) {
        home.drop_discarded();
        // After the end of the loop nobody could use the value. It might own an object that holds
        // the loop, and so leak both.
        if home.has_ended() {
            self.is_gone.store(true, Relaxed);
            return drop(value);
        }
        let key = home.lodgers.borrow_mut().insert(value);
        self.key.store(key as u32, Relaxed);
    }

    /// Returns the value. The calling thread is the home.
    pub(crate) fn value<V: 'static>(&self) -> Option<Rc<V>> {
        let key = self.key.load(Relaxed) as usize;
        let find = |home: &Rc<Dispatcher>| home.lodgers.borrow().get(key).cloned();
        Dispatcher::with_existing(find)??.downcast().ok()
    }

    /// Takes the value out early. The calling thread is the home.
    pub(crate) fn evict(&self) {
        self.is_gone.store(true, Relaxed);
        let key = self.key.swap(NONE, Relaxed);
        if let Some(home) = Dispatcher::existing() {
            home.drop_lodgers(&[key]);
        }
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone.load(Relaxed)
    }

    pub(crate) fn set_object(&self, object: ObjectId) {
        self.object.store(object.bits(), Relaxed);
    }

    /// Returns the id of the object that the value refers to, or [`ObjectId::NONE`]. The calling
    /// thread is the home.
    pub(crate) fn object(&self) -> ObjectId {
        ObjectId::from_bits(self.object.load(Relaxed))
    }
}

impl Drop for Lodging {
    fn drop(&mut self) {
        let key = *self.key.get_mut();
        if key == NONE {
            return;
        }
        match Dispatcher::of_inbox(&self.inbox) {
            Some(home) => home.drop_lodgers(&[key]),
            None => self.inbox.discard(key),
        }
    }
}

impl Dispatcher {
    /// Drops the values that other threads have discarded.
    pub(super) fn drop_discarded(&self) {
        if let Some(inbox) = self.sources.existing_inbox()
            && inbox.is_woken()
        {
            self.drop_lodgers_for_others(&inbox.take_discarded());
        }
    }

    /// Drops the values with these keys, which other threads have discarded. This thread may be
    /// doing anything else, so the panic of a drop is handled like that of a posted call.
    pub(super) fn drop_lodgers_for_others(&self, keys: &[u32]) {
        guard("code that the event loop called", || self.drop_lodgers(keys));
    }

    /// Returns the number of values that lodge in this thread.
    pub(crate) fn lodgers(&self) -> usize {
        self.drop_discarded();
        self.lodgers.borrow().len()
    }

    pub(super) fn drop_lodgers(&self, keys: &[u32]) {
        if keys.is_empty() || self.has_ended() {
            return;
        }
        // Dropping a value runs user code. The borrow ends before that.
        let take = |&key: &u32| self.lodgers.borrow_mut().try_remove(key as usize);
        drop_all(keys.iter().map(take));
    }
}
