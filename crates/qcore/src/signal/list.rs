//! The list of slots of one signal.

use std::{
    cell::{Cell, RefCell},
    hint::black_box,
    panic::Location,
    ptr,
    rc::Rc,
};

use smallvec::SmallVec;

use super::{
    sender::SenderScope,
    slot::{AnySlot, Ran, SlotState},
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
    entries: RefCell<Entries<T>>,
    live: Cell<usize>,
}

/// The entries of a list.
///
/// Most signals with a slot have only one, which needs no list. This is a struct and not an enum so
/// that one part can be taken out alone: moving all parts at once reads several words that were
/// just written one by one, for which the processor waits.
struct Entries<T: 'static> {
    /// The single slot, if there is only one. Then `many` is `None`.
    one: Option<Rc<dyn AnySlot<T>>>,
    /// The id of the slot that was connected last. A single slot has this id: before another slot
    /// gets a higher one, the single one moves to `many`. The first id is 1.
    last_id: u64,
    /// The entries, sorted by id, because ids rise.
    many: Option<Rc<Vec<Entry<T>>>>,
}

/// The slots that were taken out of a list. Mostly it is the single one, which needs no allocation.
type Taken<T> = SmallVec<[Rc<dyn AnySlot<T>>; 1]>;

struct Entry<T: 'static> {
    id: u64,
    slot: Option<Rc<dyn AnySlot<T>>>,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Entry { id: self.id, slot: self.slot.clone() }
    }
}

impl<T> Clone for Entries<T> {
    fn clone(&self) -> Self {
        Entries { one: self.one.clone(), last_id: self.last_id, many: self.many.clone() }
    }
}

impl<T> Entries<T> {
    fn new() -> Self {
        Entries { one: None, last_id: 0, many: None }
    }

    /// Returns the slots that have not been disconnected.
    fn slots(&self) -> impl Iterator<Item = &Rc<dyn AnySlot<T>>> {
        let many = self.many.as_deref().into_iter().flatten();
        self.one.iter().chain(many.filter_map(|entry| entry.slot.as_ref()))
    }

    fn slot(&self, id: u64) -> Option<&Rc<dyn AnySlot<T>>> {
        if let Some(one) = &self.one {
            return (self.last_id == id).then_some(one);
        }
        let entries = self.many.as_deref()?;
        entries[find(entries, id)?].slot.as_ref()
    }

    fn id_of(&self, wanted: &dyn AnySlot<T>) -> Option<u64> {
        let is_wanted = |slot: &Rc<dyn AnySlot<T>>| ptr::addr_eq(Rc::as_ptr(slot), wanted);
        if let Some(one) = &self.one {
            return is_wanted(one).then_some(self.last_id);
        }
        let mut entries = self.many.as_deref()?.iter();
        entries.find(|entry| entry.slot.as_ref().is_some_and(is_wanted)).map(|one| one.id)
    }

    /// Adds a slot to the end of the list. Returns its id.
    #[inline]
    fn push(&mut self, slot: Rc<dyn AnySlot<T>>) -> u64 {
        let before = self.last_id;
        let id = before + 1;
        self.last_id = id;
        if let Some(entries) = &mut self.many {
            own(entries).push(Entry { id, slot: Some(slot) });
        } else if let Some(first) = self.one.take() {
            let first = Entry { id: before, slot: Some(first) };
            self.many = Some(Rc::new(vec![first, Entry { id, slot: Some(slot) }]));
        } else {
            self.one = Some(slot);
        }
        id
    }

    /// Takes the slot `id` out of the list.
    #[inline]
    fn take(&mut self, id: u64) -> Option<Rc<dyn AnySlot<T>>> {
        if let Some(entries) = &mut self.many {
            let at = find(entries, id)?;
            // A copy of the list would be for nothing.
            entries[at].slot.as_ref()?;
            return own(entries)[at].slot.take();
        }
        if self.last_id == id { self.one.take() } else { None }
    }

    /// Takes the slots for which `wanted` returns true out of the list.
    fn take_all(&mut self, wanted: impl Fn(&dyn AnySlot<T>) -> bool) -> Taken<T> {
        if let Some(entries) = &mut self.many {
            let wanted = |entry: &&mut Entry<T>| entry.slot.as_deref().is_some_and(&wanted);
            let entries = own(entries).iter_mut().filter(wanted);
            return entries.filter_map(|entry| entry.slot.take()).collect();
        }
        self.one.take_if(|one| wanted(&**one)).into_iter().collect()
    }

    /// Removes the empty entries if they are too many. `live` is the number of the others.
    #[inline]
    fn sweep(&mut self, live: usize) {
        let Some(entries) = &mut self.many else { return };
        if live == 0 {
            self.many = None;
        } else if live * 2 < entries.len() && entries.len() >= 16 {
            sweep(entries);
        }
    }
}

#[inline(never)]
fn sweep<T>(entries: &mut Rc<Vec<Entry<T>>>) {
    own(entries).retain(|entry| entry.slot.is_some());
}

/// Returns a list to change. If an emission holds the list, it keeps it, and this is a copy.
///
/// `Rc::make_mut` does the same, but the compiler does not inline it.
#[inline]
fn own<T>(entries: &mut Rc<Vec<Entry<T>>>) -> &mut Vec<Entry<T>> {
    if Rc::strong_count(entries) > 1 {
        copy(entries);
    }
    Rc::get_mut(entries).expect("a list without other owners")
}

#[cold]
#[inline(never)]
fn copy<T>(entries: &mut Rc<Vec<Entry<T>>>) {
    *entries = Rc::new(Vec::clone(entries));
}

fn find<T>(entries: &[Entry<T>], id: u64) -> Option<usize> {
    // If no entry before it was removed, the index of a slot follows from its id.
    let guess = id.wrapping_sub(entries.first()?.id) as usize;
    if entries.get(guess).is_some_and(|entry| entry.id == id) {
        return Some(guess);
    }
    entries.binary_search_by_key(&id, |entry| entry.id).ok()
}

impl<T: 'static> Slots<T> {
    pub(super) fn new(life: Option<Rc<Life>>) -> Self {
        Slots { life, entries: RefCell::new(Entries::new()), live: Cell::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.live.get()
    }

    /// Reads the single slot, so that the processor fetches it from memory.
    pub(super) fn fetch(&self) {
        black_box(self.entries.borrow().one.as_ref().is_some_and(|one| one.state().is_dead()));
    }

    /// The number of slots whose receivers live.
    pub(super) fn count(&self) -> usize {
        // Whether a receiver lives may be for the program to say, so nothing is borrowed.
        let snapshot = self.entries.borrow().clone();
        let lives = |slot: &&Rc<dyn AnySlot<T>>| slot.call().is_alive() && !slot.state().is_dead();
        snapshot.slots().filter(lives).count()
    }

    /// The places where the slots were connected.
    pub(super) fn places(&self) -> Vec<&'static Location<'static>> {
        let entries = self.entries.borrow();
        let live = entries.slots().map(|slot| slot.state()).filter(|state| !state.is_dead());
        live.map(SlotState::place).collect()
    }

    #[inline(always)] // an emission to a single slot takes less time than a prologue
    pub(super) fn emit(&self, value: &T) {
        let Some(life) = &self.life else { return self.emit_of_nobody(value) };
        if life.signals_blocked() {
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

    // An emission holds a reference to the list or to the only slot, so that nothing is borrowed
    // while a slot runs. Slots that connect or disconnect change the list, or a copy of it. The
    // emission is the last owner of a slot that is disconnected meanwhile.
    #[inline(always)]
    fn call_all(&self, value: &T) {
        let entries = self.entries.borrow();
        let Some(only) = &entries.one else {
            drop(entries);
            return self.call_many(value);
        };
        let only = only.clone();
        drop(entries);
        let ran = only.run(value);
        if ran != Ran::Done {
            self.run_only_otherwise(&*only, ran, value);
        }
    }

    #[inline(never)]
    fn call_many(&self, value: &T) {
        let many = self.entries.borrow().many.clone();
        let Some(many) = many else { return };
        for entry in &**many {
            let Some(slot) = &entry.slot else { continue };
            let ran = slot.run(value);
            if ran != Ran::Done {
                self.run_entry_otherwise(entry, ran, value);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn run_only_otherwise(&self, only: &dyn AnySlot<T>, ran: Ran, value: &T) {
        let id = self.entries.borrow().id_of(only);
        self.run_otherwise(id, only, ran, value);
    }

    #[cold]
    #[inline(never)]
    fn run_entry_otherwise(&self, entry: &Entry<T>, ran: Ran, value: &T) {
        if let Some(slot) = &entry.slot {
            self.run_otherwise(Some(entry.id), &**slot, ran, value);
        }
    }

    /// Runs a slot that has a flag or a dead receiver: disconnects it, calls it, or both. `id` is
    /// `None` if the slot is already disconnected.
    fn run_otherwise(&self, id: Option<u64>, slot: &dyn AnySlot<T>, ran: Ran, value: &T) {
        let disconnect = || id.is_some_and(|id| self.disconnect(id));
        if ran != Ran::Guarded {
            disconnect();
        }
        if ran != Ran::Gone && !slot.call_anyway(value) {
            disconnect();
        }
    }

    #[inline]
    pub(super) fn add(&self, slot: Rc<dyn AnySlot<T>>) -> u64 {
        let id = self.entries.borrow_mut().push(slot);
        self.live.set(self.live.get() + 1);
        id
    }

    pub(super) fn has(&self, method: &MethodId) -> bool {
        // Whether a receiver lives may be for the program to say, so nothing is borrowed. It may
        // also disconnect the slot.
        let snapshot = self.entries.borrow().clone();
        let is_one = |slot: &dyn AnySlot<T>| {
            slot.is(method) && slot.call().is_alive() && !slot.state().is_dead()
        };
        snapshot.slots().any(|slot| is_one(&**slot))
    }

    fn slot(&self, id: u64) -> Option<Rc<dyn AnySlot<T>>> {
        self.entries.borrow().slot(id).cloned()
    }

    /// Removes the slots for which `wanted` returns true. The caller drops them after the borrow
    /// has ended, because dropping a closure runs user code.
    fn take(&self, wanted: impl Fn(&dyn AnySlot<T>) -> bool) -> Taken<T> {
        let mut entries = self.entries.borrow_mut();
        let taken = entries.take_all(wanted);
        for slot in &taken {
            slot.state().kill();
        }
        self.removed(&mut entries, taken.len());
        drop(entries);
        for slot in &taken {
            slot.call().on_cut();
        }
        taken
    }

    #[inline]
    fn removed(&self, entries: &mut Entries<T>, count: usize) {
        self.live.set(self.live.get() - count);
        entries.sweep(self.live.get());
    }
}

impl<T: 'static> SlotList for Slots<T> {
    fn disconnect(&self, id: u64) -> bool {
        let taken = {
            let mut entries = self.entries.borrow_mut();
            let Some(taken) = entries.take(id) else { return false };
            self.removed(&mut entries, 1);
            taken
        };
        // A slot with a dead receiver was no longer a connection.
        taken.retire()
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
