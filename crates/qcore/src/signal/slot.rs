//! A slot: its state, and how it is called.

use std::{
    any::{Any, TypeId},
    cell::{Cell, RefCell},
    collections::VecDeque,
    panic::Location,
    rc::{Rc, Weak},
};

use super::{connects::Invoke, receiver::Receiver, sender::SenderScope};
use crate::{
    classes::{Life, MethodId},
    event::{EventType, QEvent},
    event_loop::{Deliver, Dispatcher},
    id::ObjectId,
    panics::{guard_slot, reports},
};

const DEAD: u32 = 1 << 31;
const ONCE: u32 = 1 << 30;
const GUARDED: u32 = 1 << 29;
const GUARDED_ONCE: u32 = GUARDED | ONCE;
const BLOCKS: u32 = GUARDED - 1;

/// The interface of a slot for emissions and slot lists, for every kind of call.
///
/// An emission makes a single virtual call, [`run`](AnySlot::run). This function checks the state
/// itself, because it knows where the state is stored.
pub(super) trait AnySlot<T> {
    /// Calls the slot if its state has no flags and no blockers.
    fn run(&self, value: &T) -> Ran;
    fn state(&self) -> &SlotState;
    fn call(&self) -> &dyn Call<T>;
    /// Marks the slot as dead and tells it so. Returns whether its receiver is alive.
    fn retire(&self) -> bool;
}

/// The result of [`AnySlot::run`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// The slot was called, or must not be called.
    Done,
    /// The slot was not called, because it is to be disconnected before its single call.
    Once,
    /// The slot was not called, because the caller must catch and report its panic.
    Guarded,
    /// The receiver of the slot is dead.
    Gone,
}

/// A slot with its state. `C` determines how it is called.
pub(super) struct OneSlot<C> {
    state: SlotState,
    call: C,
}

/// The state of a slot, which does not depend on how it is called.
pub(super) struct SlotState {
    /// The flags `DEAD`, `ONCE` and `GUARDED`, and the number of blockers. 0 means that an emission
    /// just calls the slot; this is the case that an emission checks first.
    bits: Cell<u32>,
    receiver: usize,
    function: Function,
    /// The source location of the connect call.
    place: &'static Location<'static>,
}

/// A function that returns the type of a slot's closure or method. A pointer to it is half the size
/// of a `TypeId`.
pub(super) type Function = fn() -> TypeId;

impl<C> OneSlot<C> {
    #[track_caller]
    pub(super) fn new(receiver: usize, function: Function, once: bool, call: C) -> Self {
        let mut bits = if once { ONCE } else { 0 };
        if reports() {
            bits |= GUARDED;
        }
        let (bits, place) = (Cell::new(bits), Location::caller());
        OneSlot { state: SlotState { bits, receiver, function, place }, call }
    }

    /// Returns the way in which the slot is called.
    #[cfg(feature = "tasks")]
    #[inline]
    pub(super) fn inner(&self) -> &C {
        &self.call
    }
}

impl<T, C: Call<T>> AnySlot<T> for OneSlot<C> {
    #[inline]
    fn run(&self, value: &T) -> Ran {
        let bits = self.state.bits.get();
        if bits != 0 {
            return otherwise(bits);
        }
        if self.call.call(value) { Ran::Done } else { Ran::Gone }
    }

    fn state(&self) -> &SlotState {
        &self.state
    }

    fn call(&self) -> &dyn Call<T> {
        &self.call
    }

    fn retire(&self) -> bool {
        self.state.kill();
        self.call.on_cut();
        self.call.is_alive()
    }
}

/// Returns the result for a slot that was not called. It is not inlined, because every type of slot
/// has a `run` of its own.
#[cold]
#[inline(never)]
fn otherwise(bits: u32) -> Ran {
    match bits {
        ONCE => Ran::Once,
        GUARDED => Ran::Guarded,
        GUARDED_ONCE => Ran::Once,
        _ => Ran::Done,
    }
}

impl SlotState {
    pub(super) fn is_dead(&self) -> bool {
        self.bits.get() & DEAD != 0
    }

    pub(super) fn kill(&self) {
        self.bits.set(self.bits.get() | DEAD);
    }

    pub(super) fn block(&self) {
        debug_assert!(self.bits.get() & BLOCKS < BLOCKS);
        self.bits.set(self.bits.get() + 1);
    }

    pub(super) fn unblock(&self) {
        self.bits.set(self.bits.get() - 1);
    }

    pub(super) fn is_of(&self, receiver: usize) -> bool {
        self.receiver == receiver
    }

    pub(super) fn place(&self) -> &'static Location<'static> {
        self.place
    }

    fn is_guarded(&self) -> bool {
        self.bits.get() & GUARDED != 0
    }
}

impl<T: 'static> dyn AnySlot<T> + '_ {
    /// Returns whether the slot calls this method of this receiver.
    pub(super) fn is(&self, method: &MethodId) -> bool {
        let state = self.state();
        state.receiver == method.receiver
            && (state.function)() == method.function
            && self.call().second_receiver() == method.second_receiver
    }

    /// Calls the slot without a check of its blockers and flags. Returns `false` if the receiver is
    /// dead.
    pub(super) fn call_anyway(&self, value: &T) -> bool {
        if self.state().is_guarded() {
            guard_slot(self.state().place(), || self.call().call(value)).unwrap_or(true)
        } else {
            self.call().call(value)
        }
    }
}

/// A way to call a slot.
pub(super) trait Call<T>: 'static {
    /// Calls the slot. Returns `false` if the receiver is dead, which ends the connection.
    fn call(&self, value: &T) -> bool;

    /// Returns whether the receiver is alive.
    fn is_alive(&self) -> bool {
        true
    }

    /// Returns the identity of the second receiver, or 0 if there is only one.
    fn second_receiver(&self) -> usize {
        0
    }

    /// The connection was cut. Nothing is borrowed.
    fn on_cut(&self) {}
}

/// A closure without a receiver.
pub(super) struct Plain<F>(pub(super) F);

impl<T, F: Fn(&T) + 'static> Call<T> for Plain<F> {
    #[inline]
    fn call(&self, value: &T) -> bool {
        (self.0)(value);
        true
    }
}

/// A closure or method with a receiver, which the slot holds weakly.
pub(super) struct ToReceiver<R: Receiver, S> {
    receiver: R::Weak,
    slot: S,
}

impl<R: Receiver, S> ToReceiver<R, S> {
    pub(super) fn new(receiver: R::Weak, slot: S) -> Self {
        ToReceiver { receiver, slot }
    }
}

impl<T, R: Receiver, S: Invoke<R, T>> Call<T> for ToReceiver<R, S> {
    #[inline]
    fn call(&self, value: &T) -> bool {
        R::with(&self.receiver, |receiver| self.slot.invoke(receiver, value)).is_some()
    }

    fn is_alive(&self) -> bool {
        R::is_alive(&self.receiver)
    }

    fn second_receiver(&self) -> usize {
        R::second(&self.receiver)
    }
}

/// A closure that must not be re-entered.
pub(super) struct Exclusive<F> {
    slot: RefCell<F>,
    connected_at: &'static Location<'static>,
}

impl<F> Exclusive<F> {
    #[track_caller]
    pub(super) fn new(slot: F) -> Self {
        Exclusive { slot: RefCell::new(slot), connected_at: Location::caller() }
    }
}

impl<T, F: FnMut(&T) + 'static> Call<T> for Exclusive<F> {
    fn call(&self, value: &T) -> bool {
        let Ok(mut slot) = self.slot.try_borrow_mut() else {
            panic!("the slot connected with connect_mut at {} was re-entered", self.connected_at);
        };
        slot(value);
        true
    }
}

/// A slot that the emission would have to wait for, in its own thread. It is never called.
pub(super) struct Deadlock<C>(pub(super) C);

impl<T, C: Call<T>> Call<T> for Deadlock<C> {
    fn call(&self, _: &T) -> bool {
        warn_of_deadlock();
        self.0.is_alive()
    }

    fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    fn second_receiver(&self) -> usize {
        self.0.second_receiver()
    }
}

pub(super) fn warn_of_deadlock() {
    crate::q_warning!(
        "Qt: Dead lock detected while activating a BlockingQueuedConnection: the receiver is in \
         the thread of the emission"
    );
}

/// A queued slot: the event loop calls it.
///
/// The values wait in the slot itself. Each emission posts the slot once more, so that a queued
/// call needs no allocation of its own.
pub(super) struct Queued<T, C>(Rc<Queue<T, C>>);

struct Queue<T, C> {
    dispatcher: Rc<Dispatcher>,
    waiting: RefCell<VecDeque<(T, ObjectId)>>,
    receiver: Option<Weak<Life>>,
    receiver_id: ObjectId,
    connected_at: &'static Location<'static>,
    call: C,
}

impl<T, C: Call<T>> Queued<T, C> {
    /// Creates a queued slot. `receiver` is the object that the slot belongs to, if there is one.
    #[track_caller]
    pub(super) fn new(dispatcher: Rc<Dispatcher>, receiver: Option<&Rc<Life>>, call: C) -> Self {
        let receiver_id = receiver.map_or(ObjectId::NONE, |life| life.id());
        let receiver = receiver.map(Rc::downgrade);
        let (waiting, connected_at) = (RefCell::default(), Location::caller());
        Queued(Rc::new(Queue { dispatcher, waiting, receiver, receiver_id, connected_at, call }))
    }
}

impl<T: Clone + 'static, C: Call<T>> Call<T> for Queued<T, C> {
    fn call(&self, value: &T) -> bool {
        let queue = &self.0;
        if !queue.call.is_alive() {
            return false;
        }
        let value = value.clone();
        let sender = queue.dispatcher.sender();
        queue.waiting.borrow_mut().push_back((value, sender));
        if !queue.dispatcher.post_repeated(queue) {
            drop(queue.cancel());
        }
        true
    }

    fn is_alive(&self) -> bool {
        self.0.call.is_alive()
    }

    fn second_receiver(&self) -> usize {
        self.0.call.second_receiver()
    }
}

impl<T: 'static, C: Call<T>> Deliver for Queue<T, C> {
    fn deliver(&self) {
        let next = self.waiting.borrow_mut().pop_front();
        if let Some((value, sender)) = next {
            // The filters run after the value has left the queue, because a filter may run a loop,
            // remove calls, or panic.
            let receiver = self.receiver.as_ref().and_then(Weak::upgrade);
            let meta_call = || QEvent::new(EventType::META_CALL);
            if receiver.is_some_and(|life| life.is_filtered(meta_call)) {
                return;
            }
            let _scope = SenderScope::enter(&self.dispatcher, sender);
            guard_slot(self.connected_at, || self.call.call(&value));
        }
    }

    fn cancel(&self) -> Option<Box<dyn Any>> {
        let (value, _) = self.waiting.borrow_mut().pop_front()?;
        Some(Box::new(value))
    }

    fn receiver(&self) -> ObjectId {
        self.receiver_id
    }

    fn kind(&self) -> u16 {
        EventType::META_CALL.raw()
    }
}
