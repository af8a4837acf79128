//! One slot: whether it is to be called, and how.

use std::{
    any::TypeId,
    cell::{Cell, RefCell},
    collections::VecDeque,
    panic::Location,
    rc::{Rc, Weak},
};

use super::{Receiver, list::Slots, sender::SenderScope};
use crate::{
    event_loop::{Deliver, Dispatcher, ObjectId},
    object::Life,
};

const DEAD: u32 = 1 << 31;
const ONCE: u32 = 1 << 30;
const BLOCKS: u32 = ONCE - 1;

/// A slot in a list. `C` is how it is called, unsized in the list.
pub(super) struct Slot<C: ?Sized> {
    /// 0 for a slot that is simply to be called, which is what an emission looks for: else `DEAD`,
    /// `ONCE`, and the number of blockers.
    state: Cell<u32>,
    receiver: usize,
    function: TypeId,
    pub(super) call: C,
}

/// What an emission has to do with a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Call,
    CallOnce,
    Skip,
}

impl<C> Slot<C> {
    pub(super) fn new(receiver: usize, function: TypeId, once: bool, call: C) -> Self {
        Slot { state: Cell::new(if once { ONCE } else { 0 }), receiver, function, call }
    }
}

impl<C: ?Sized> Slot<C> {
    #[inline]
    pub(super) fn turn(&self) -> Turn {
        match self.state.get() {
            0 => Turn::Call,
            ONCE => Turn::CallOnce,
            _ => Turn::Skip,
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state.get() & DEAD != 0
    }

    pub(super) fn kill(&self) {
        self.state.set(self.state.get() | DEAD);
    }

    pub(super) fn block(&self) {
        debug_assert!(self.state.get() & BLOCKS < BLOCKS);
        self.state.set(self.state.get() + 1);
    }

    pub(super) fn unblock(&self) {
        self.state.set(self.state.get() - 1);
    }

    pub(super) fn is_for(&self, receiver: usize, function: Option<TypeId>) -> bool {
        self.receiver == receiver && function.is_none_or(|function| function == self.function)
    }
}

/// How a slot is called.
pub(super) trait Call<T>: 'static {
    /// Calls it; `false` if its receiver is gone, and the connection with it.
    fn call(&self, value: &T) -> bool;

    /// Whether its receiver lives.
    fn is_alive(&self) -> bool {
        true
    }
}

/// A closure of nobody.
pub(super) struct Plain<F>(pub(super) F);

impl<T, F: Fn(&T) + 'static> Call<T> for Plain<F> {
    #[inline]
    fn call(&self, value: &T) -> bool {
        (self.0)(value);
        true
    }
}

/// A closure or method of a receiver, which it holds weakly.
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

/// A closure that must not be entered twice.
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

/// Another signal.
pub(super) struct Chained<T: 'static>(pub(super) Weak<Slots<T>>);

impl<T: 'static> Call<T> for Chained<T> {
    fn call(&self, value: &T) -> bool {
        match self.0.upgrade() {
            Some(slots) => {
                slots.emit(value);
                true
            }
            None => false,
        }
    }

    fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// A slot that the event loop calls.
///
/// The values wait in the slot itself, and what is posted is a reference to the slot, so that a call
/// needs no allocation of its own.
pub(super) struct Queued<T, C> {
    queue: Rc<Queue<T, C>>,
    dispatcher: Rc<Dispatcher>,
}

struct Queue<T, C> {
    waiting: RefCell<VecDeque<(T, ObjectId)>>,
    receiver: Option<Weak<Life>>,
    call: C,
}

impl<T, C: Call<T>> Queued<T, C> {
    /// `receiver` is the object that the slot belongs to, if it belongs to one.
    pub(super) fn new(dispatcher: Rc<Dispatcher>, receiver: Option<&Rc<Life>>, call: C) -> Self {
        let receiver = receiver.map(Rc::downgrade);
        let queue = Rc::new(Queue { waiting: RefCell::default(), receiver, call });
        Queued { queue, dispatcher }
    }
}

impl<T: Clone + 'static, C: Call<T>> Call<T> for Queued<T, C> {
    fn call(&self, value: &T) -> bool {
        if !self.queue.call.is_alive() {
            return false;
        }
        let value = value.clone();
        let sender = self.dispatcher.sender();
        self.queue.waiting.borrow_mut().push_back((value, sender));
        if !self.dispatcher.post_delivery(self.queue.clone()) {
            self.queue.cancel();
        } else if let Some(receiver) = self.queue.receiver.as_ref().and_then(Weak::upgrade) {
            receiver.note_posted(1);
        }
        true
    }

    fn is_alive(&self) -> bool {
        self.queue.call.is_alive()
    }
}

impl<T: 'static, C: Call<T>> Deliver for Queue<T, C> {
    fn deliver(&self, dispatcher: &Rc<Dispatcher>) {
        let next = self.waiting.borrow_mut().pop_front();
        if let Some((value, sender)) = next {
            let _scope = SenderScope::enter(dispatcher, sender);
            self.call.call(&value);
        }
    }

    fn cancel(&self) {
        let next = self.waiting.borrow_mut().pop_front();
        drop(next);
    }

    fn receiver(&self) -> Option<&Weak<Life>> {
        self.receiver.as_ref()
    }
}
