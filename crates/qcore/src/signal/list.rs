//! The list of slots of one signal.

use std::{
    cell::{Cell, RefCell},
    panic::Location,
    rc::Rc,
};

use smallvec::SmallVec;

use super::{
    sender::SenderScope,
    slot::{AnySlot, Call, OneSlot, Ran, SlotState},
};
use crate::{
    classes::{Life, MethodId, SlotList},
    event_loop::Dispatcher,
    id::ObjectId,
};

/// The slots of a signal, in the order in which they were connected.
///
/// Disconnecting a slot finds its entry by id and leaves it empty. No other entry moves.
/// In a list of at least 16 entries, the empty ones are removed when they are the majority.
pub(super) struct Slots<T: 'static> {
    life: Option<Rc<Life>>,
    entries: RefCell<Rc<Entries<T>>>,
    next_id: Cell<u64>,
    live: Cell<usize>,
}

/// The entries of a list. Most signals with a slot have only one, which is stored in the list
/// itself.
type Entries<T> = SmallVec<[Entry<T>; 1]>;

struct Entry<T: 'static> {
    /// Ids rise, so the entries are sorted by id.
    id: u64,
    slot: Option<Rc<dyn AnySlot<T>>>,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Entry { id: self.id, slot: self.slot.clone() }
    }
}

impl<T: 'static> Slots<T> {
    pub(super) fn new(life: Option<Rc<Life>>) -> Self {
        Slots { life, entries: RefCell::default(), next_id: Cell::new(0), live: Cell::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.live.get()
    }

    /// The number of slots whose receivers live.
    pub(super) fn count(&self) -> usize {
        // Whether a receiver lives may be for the program to say, so nothing is borrowed.
        let snapshot = self.entries.borrow().clone();
        let slots = snapshot.iter().filter_map(|entry| entry.slot.as_ref());
        slots.filter(|slot| slot.call().is_alive() && !slot.state().is_dead()).count()
    }

    /// The places where the slots were connected.
    pub(super) fn places(&self) -> Vec<&'static Location<'static>> {
        let entries = self.entries.borrow();
        let slots = entries.iter().filter_map(|entry| entry.slot.as_ref());
        let live = slots.map(|slot| slot.state()).filter(|state| !state.is_dead());
        live.map(SlotState::place).collect()
    }

    #[inline]
    pub(super) fn emit(&self, value: &T) {
        let Some(life) = &self.life else { return self.emit_of_nobody(value) };
        if life.signals_blocked() || self.live.get() == 0 {
            return;
        }
        let _scope = SenderScope::enter(life.dispatcher(), life.id());
        self.call_all(value);
    }

    /// Emits for a signal without an object. This is a separate function so that signals of objects
    /// do not pay for it.
    #[inline(never)]
    fn emit_of_nobody(&self, value: &T) {
        // The slots have no sender, even if the emission happens in a slot that has one.
        let dispatcher = Dispatcher::with_sender();
        let _scope =
            dispatcher.as_ref().map(|dispatcher| SenderScope::enter(dispatcher, ObjectId::NONE));
        self.call_all(value);
    }

    #[inline]
    fn call_all(&self, value: &T) {
        // Walks a snapshot, so that nothing is borrowed while a slot runs. Slots that connect or
        // disconnect change a copy of the list. The snapshot is the last owner of a slot that is
        // disconnected meanwhile.
        let snapshot = self.entries.borrow().clone();
        match snapshot.as_slice() {
            [only] => self.run(only, value),
            all => all.iter().for_each(|entry| self.run(entry, value)),
        }
    }

    #[inline(always)] // keeps the case of a single slot free of a loop
    fn run(&self, entry: &Entry<T>, value: &T) {
        let Some(slot) = &entry.slot else { return };
        let ran = slot.run(value);
        if ran != Ran::Done {
            self.run_otherwise(entry, ran, value);
        }
    }

    /// Runs a slot that has a flag or a dead receiver: disconnects it, calls it, or both.
    #[cold]
    #[inline(never)]
    fn run_otherwise(&self, entry: &Entry<T>, ran: Ran, value: &T) {
        if ran != Ran::Guarded {
            self.disconnect(entry.id);
        }
        if ran != Ran::Gone
            && let Some(slot) = &entry.slot
            && !slot.call_anyway(value)
        {
            self.disconnect(entry.id);
        }
    }

    pub(super) fn add(&self, slot: OneSlot<impl Call<T>>) -> u64 {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let slot: Rc<dyn AnySlot<T>> = Rc::new(slot);
        let mut shared = self.entries.borrow_mut();
        let entries = Rc::make_mut(&mut shared);
        entries.push(Entry { id, slot: Some(slot) });
        self.live.set(self.live.get() + 1);
        id
    }

    pub(super) fn has(&self, method: &MethodId) -> bool {
        // Whether a receiver lives may be for the program to say, so nothing is borrowed. It may
        // also disconnect the slot.
        let snapshot = self.entries.borrow().clone();
        let mut slots = snapshot.iter().filter_map(|entry| entry.slot.as_ref());
        slots.any(|slot| slot.is(method) && slot.call().is_alive() && !slot.state().is_dead())
    }

    fn find(entries: &[Entry<T>], id: u64) -> Option<usize> {
        // If no entry before it was removed, the index of a slot follows from its id.
        let guess = id.wrapping_sub(entries.first()?.id) as usize;
        if entries.get(guess).is_some_and(|entry| entry.id == id) {
            return Some(guess);
        }
        entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    fn slot(&self, id: u64) -> Option<Rc<dyn AnySlot<T>>> {
        let entries = self.entries.borrow();
        entries[Self::find(&entries, id)?].slot.clone()
    }

    /// Removes the slots for which `wanted` returns true. The caller drops them after the borrow
    /// has ended, because dropping a closure runs user code.
    fn take(&self, wanted: impl Fn(&dyn AnySlot<T>) -> bool) -> Vec<Rc<dyn AnySlot<T>>> {
        let mut taken = Vec::new();
        let mut shared = self.entries.borrow_mut();
        let entries = Rc::make_mut(&mut shared);
        for entry in entries.iter_mut() {
            if entry.slot.as_deref().is_some_and(&wanted) {
                taken.extend(entry.slot.take());
            }
        }
        for slot in &taken {
            slot.state().kill();
        }
        self.live.set(self.live.get() - taken.len());
        self.sweep(entries);
        taken
    }

    fn sweep(&self, entries: &mut Entries<T>) {
        if self.live.get() == 0 {
            entries.clear();
            if entries.capacity() > 16 {
                entries.shrink_to_fit();
            }
        } else if self.live.get() * 2 < entries.len() && entries.len() >= 16 {
            entries.retain(|entry| entry.slot.is_some());
        }
    }
}

impl<T: 'static> SlotList for Slots<T> {
    fn disconnect(&self, id: u64) -> bool {
        let taken = {
            let mut shared = self.entries.borrow_mut();
            let Some(at) = Self::find(&shared, id) else { return false };
            if shared[at].slot.is_none() {
                return false;
            }
            let entries = Rc::make_mut(&mut shared);
            let taken = entries[at].slot.take();
            self.live.set(self.live.get() - 1);
            self.sweep(entries);
            taken
        };
        // A slot with a dead receiver was no longer a connection.
        taken.is_some_and(|slot| {
            slot.state().kill();
            slot.call().is_alive()
        })
    }

    fn disconnect_receiver(&self, receiver: usize) -> bool {
        !self.take(|slot| slot.state().is_of(receiver)).is_empty()
    }

    fn disconnect_method(&self, method: &MethodId) -> bool {
        !self.take(|slot| slot.is(method)).is_empty()
    }

    fn disconnect_all(&self) -> bool {
        !self.take(|_| true).is_empty()
    }

    fn is_connected(&self, id: u64) -> bool {
        self.slot(id).is_some_and(|slot| slot.call().is_alive())
    }

    fn block(&self, id: u64, block: bool) -> bool {
        let Some(slot) = self.slot(id) else { return false };
        if block {
            slot.state().block()
        } else {
            slot.state().unblock()
        }
        true
    }
}
