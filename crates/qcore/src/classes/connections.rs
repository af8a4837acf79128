//! The connections of an object. Its life stores them.

use std::{
    any::TypeId,
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
};

use smallvec::{Array, SmallVec};

use super::Life;

/// The list of slots of a signal of any type, as connections and dying objects use it.
pub(crate) trait SlotList {
    /// Cuts the connection `id`. Returns whether it existed.
    fn disconnect(&self, id: u64) -> bool;
    /// Cuts the connections to `receiver`. Returns whether there were any.
    fn disconnect_receiver(&self, receiver: usize) -> bool;
    /// Cuts the connections to one method of a receiver. Returns whether there were any.
    fn disconnect_method(&self, method: &MethodId) -> bool;
    /// Cuts all connections. Returns whether there were any.
    fn disconnect_all(&self) -> bool;
    /// Returns whether the connection `id` exists and its receiver is alive.
    fn is_connected(&self, id: u64) -> bool;
    /// Adds a blocker to the connection `id`, or removes one. Returns whether the connection
    /// exists.
    fn block(&self, id: u64, block: bool) -> bool;
}

/// A method, or a closure, of a receiver: what two connections have in common that are alike.
pub(crate) struct MethodId {
    pub(crate) receiver: usize,
    /// The second one, if there are two.
    pub(crate) second_receiver: usize,
    pub(crate) function: TypeId,
}

/// A weak reference to one connection of a list of slots.
#[derive(Clone)]
pub(crate) struct Link {
    list: Weak<dyn SlotList>,
    id: u64,
}

impl Link {
    pub(crate) fn new(list: Weak<dyn SlotList>, id: u64) -> Self {
        Link { list, id }
    }

    /// Calls `f` with the connection and returns its result, or `false` if the signal no longer
    /// exists.
    pub(crate) fn with(&self, f: impl FnOnce(&dyn SlotList, u64) -> bool) -> bool {
        self.list.upgrade().is_some_and(|list| f(&*list, self.id))
    }

    pub(crate) fn disconnect(&self) -> bool {
        self.with(|list, id| list.disconnect(id))
    }

    fn is_connected(&self) -> bool {
        self.with(|list, id| list.is_connected(id))
    }
}

/// The connections that are cut when the object dies.
#[derive(Default)]
pub(super) struct Connections {
    /// The signals of this object that have ever had a connection.
    signals: RefCell<SmallVec<[Rc<dyn SlotList>; 2]>>,
    /// The connections from other objects. Most sockets have only connections to themselves.
    incoming: OnceCell<Box<Incoming>>,
}

/// The connections from other objects to slots of this one.
struct Incoming {
    /// Disconnected ones are removed in batches.
    links: RefCell<SmallVec<[Link; 1]>>,
    sweep_at: Cell<u32>,
}

impl Default for Incoming {
    fn default() -> Self {
        Incoming { links: RefCell::default(), sweep_at: Cell::new(16) }
    }
}

impl Connections {
    /// Returns whether a signal of the object has ever had a connection.
    #[inline]
    pub(super) fn has_signals(&self) -> bool {
        !self.signals.borrow().is_empty()
    }

    /// Cuts all connections for good.
    #[inline]
    pub(super) fn cut(&self) {
        // Most short-lived objects have no connections.
        if self.has_signals() || self.incoming.get().is_some() {
            self.cut_some();
        }
    }

    fn cut_some(&self) {
        take_each(&self.signals, |signal| signal.disconnect_all());
        if let Some(incoming) = self.incoming.get() {
            take_each(&incoming.links, |connection| connection.disconnect());
        }
    }
}

impl Incoming {
    fn add(&self, connection: Link) {
        if self.links.borrow().len() >= self.sweep_at.get() as usize {
            self.sweep();
        }
        let mut links = self.links.borrow_mut();
        if links.len() < 4 {
            // Most objects receive few connections.
            links.reserve_exact(1);
        }
        links.push(connection);
    }

    /// Removes the connections that have been cut. It asks their receivers, and this may run user
    /// code.
    fn sweep(&self) {
        let mut swept = self.links.take();
        swept.retain(|link| link.is_connected());
        let mut links = self.links.borrow_mut();
        swept.append(&mut links);
        self.sweep_at.set((swept.len() as u32 * 2).max(16));
        *links = swept;
    }
}

/// Empties `list` and calls `cut` with each item, in order. If `cut` panics, because the drop of a
/// closure does, the remaining items go back into `list` for the next call.
fn take_each<A: Array>(list: &RefCell<SmallVec<A>>, cut: impl Fn(&A::Item) -> bool) {
    struct Rest<'a, A: Array>(&'a RefCell<SmallVec<A>>, smallvec::IntoIter<A>);
    impl<A: Array> Drop for Rest<'_, A> {
        fn drop(&mut self) {
            if self.1.len() > 0 {
                *self.0.borrow_mut() = self.1.by_ref().collect();
            }
        }
    }
    let mut rest = Rest(list, list.take().into_iter());
    for item in rest.1.by_ref() {
        cut(&item);
    }
}

impl Life {
    pub(crate) fn add_signal(&self, signal: Rc<dyn SlotList>) {
        let mut signals = self.connections().signals.borrow_mut();
        if signals.len() < 4 {
            // Most objects have few signals with slots.
            signals.reserve_exact(1);
        }
        signals.push(signal);
    }

    /// Removes a signal that is dropped before its object.
    pub(crate) fn remove_signal<T>(&self, signal: &Rc<T>) {
        let mut signals = self.connections().signals.borrow_mut();
        let signal = Rc::as_ptr(signal);
        if let Some(at) = signals.iter().position(|one| std::ptr::addr_eq(Rc::as_ptr(one), signal))
        {
            // The caller also holds the signal, so no user value is dropped here.
            signals.remove(at);
        }
    }

    pub(crate) fn add_incoming(&self, connection: Link) {
        self.connections().incoming.get_or_init(Box::default).add(connection);
    }

    /// Cuts the connections of all signals of the object, or only those to one receiver. Returns
    /// whether there were any.
    pub(crate) fn disconnect_signals(&self, receiver: Option<usize>) -> bool {
        let signals = self.connections().signals.borrow().clone();
        let mut any = false;
        for signal in signals {
            any |= match receiver {
                Some(receiver) => signal.disconnect_receiver(receiver),
                None => signal.disconnect_all(),
            };
        }
        any
    }
}
