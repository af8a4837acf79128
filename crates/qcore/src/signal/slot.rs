//! A slot: its state, and how it is called.

use std::{
    any::{Any, TypeId},
    cell::{Cell, RefCell},
    collections::VecDeque,
    panic::Location,
    rc::{Rc, Weak},
};

use super::{Receiver, sender::SenderScope};
use crate::{
    classes::Life,
    event::{EventType, QEvent},
    event_loop::{Deliver, Dispatcher},
    id::ObjectId,
};

const DEAD: u32 = 1 << 31;
const ONCE: u32 = 1 << 30;
const BLOCKS: u32 = ONCE - 1;

/// The interface of a slot for emissions and slot lists, for every kind of call.
///
/// An emission makes a single virtual call, [`run`](AnySlot::run). This function checks the state
/// itself, because it knows where the state is stored.
pub(super) trait AnySlot<T> {
    /// Calls the slot if its state has no flags and no blockers.
    fn run(&self, value: &T) -> Ran;
    fn state(&self) -> &SlotState;
    fn call(&self) -> &dyn Call<T>;
}

/// The result of [`AnySlot::run`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// The slot was called, or must not be called.
    Done,
    /// The slot was not called, because it is to be disconnected before its single call.
    Once,
    /// The receiver of the slot is dead.
    Gone,
}

/// A slot with its state. `C` determines how it is called.
pub(super) struct Slot<C> {
    state: SlotState,
    call: C,
}

/// The state of a slot, which does not depend on how it is called.
pub(super) struct SlotState {
    /// The flags `DEAD` and `ONCE`, and the number of blockers. 0 means that an emission just calls
    /// the slot; this is the case that an emission checks first.
    bits: Cell<u32>,
    receiver: usize,
    function: TypeId,
}

impl<C> Slot<C> {
    pub(super) fn new(receiver: usize, function: TypeId, once: bool, call: C) -> Self {
        let bits = Cell::new(if once { ONCE } else { 0 });
        Slot { state: SlotState { bits, receiver, function }, call }
    }
}

impl<T, C: Call<T>> AnySlot<T> for Slot<C> {
    #[inline]
    fn run(&self, value: &T) -> Ran {
        match self.state.bits.get() {
            0 if self.call.call(value) => Ran::Done,
            0 => Ran::Gone,
            ONCE => Ran::Once,
            _ => Ran::Done,
        }
    }

    fn state(&self) -> &SlotState {
        &self.state
    }

    fn call(&self) -> &dyn Call<T> {
        &self.call
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

    pub(super) fn is_for(&self, receiver: usize, function: Option<TypeId>) -> bool {
        self.receiver == receiver && function.is_none_or(|function| function == self.function)
    }
}

/// A way to call a slot.
pub(super) trait Call<T>: 'static {
    /// Calls the slot. Returns `false` if its receiver is dead, and so the connection, too.
    fn call(&self, value: &T) -> bool;

    /// Returns whether the receiver is alive.
    fn is_alive(&self) -> bool {
        true
    }
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
pub(super) struct ToReceiver<R: Receiver, F> {
    receiver: R::Weak,
    slot: F,
}

impl<R: Receiver, F> ToReceiver<R, F> {
    pub(super) fn new(receiver: &R, slot: F) -> Self {
        ToReceiver { receiver: receiver.downgrade(), slot }
    }
}

impl<T, R: Receiver, F: Fn(&R::Target, &T) + 'static> Call<T> for ToReceiver<R, F> {
    #[inline]
    fn call(&self, value: &T) -> bool {
        R::with(&self.receiver, |receiver| (self.slot)(receiver, value)).is_some()
    }

    fn is_alive(&self) -> bool {
        R::is_alive(&self.receiver)
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

/// A queued slot: the event loop calls it.
///
/// The values wait in the slot itself. Each emission posts a reference to the slot, so that a
/// queued call needs no allocation of its own.
pub(super) struct Queued<T, C>(Rc<Queue<T, C>>);

struct Queue<T, C> {
    dispatcher: Rc<Dispatcher>,
    waiting: RefCell<VecDeque<(T, ObjectId)>>,
    receiver: Option<Weak<Life>>,
    receiver_id: ObjectId,
    call: C,
}

impl<T, C: Call<T>> Queued<T, C> {
    /// Creates a queued slot. `receiver` is the object that the slot belongs to, if there is one.
    pub(super) fn new(dispatcher: Rc<Dispatcher>, receiver: Option<&Rc<Life>>, call: C) -> Self {
        let receiver_id = receiver.map_or(ObjectId::NONE, |life| life.id());
        let receiver = receiver.map(Rc::downgrade);
        let waiting = RefCell::default();
        Queued(Rc::new(Queue { dispatcher, waiting, receiver, receiver_id, call }))
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
        if !queue.dispatcher.post_delivery(queue.clone()) {
            drop(queue.cancel());
        }
        true
    }

    fn is_alive(&self) -> bool {
        self.0.call.is_alive()
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
            self.call.call(&value);
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
