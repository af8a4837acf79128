//! The connections of an object, as its life knows them.

use std::{
    any::TypeId,
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use super::Life;

/// A list of slots of whatever signal: what connections and dying objects know of it.
pub(crate) trait SlotList {
    /// Cuts one connection; whether it was there.
    fn disconnect(&self, id: u64) -> bool;
    /// Cuts those to a receiver, and to one function of it if one is given; whether there were any.
    fn disconnect_receiver(&self, receiver: usize, function: Option<TypeId>) -> bool;
    /// Cuts all; whether there were any.
    fn disconnect_all(&self) -> bool;
    /// Whether a connection stands and its receiver lives.
    fn is_connected(&self, id: u64) -> bool;
    /// Adds a blocker to a connection, or takes one away; whether the connection stands.
    fn block(&self, id: u64, block: bool) -> bool;
}

/// One connection of a list of slots.
#[derive(Clone)]
pub(crate) struct Link {
    list: Weak<dyn SlotList>,
    id: u64,
}

impl Link {
    pub(crate) fn new(list: Weak<dyn SlotList>, id: u64) -> Self {
        Link { list, id }
    }

    /// What `f` says of the connection; `false` if the signal is gone.
    pub(crate) fn with(&self, f: impl FnOnce(&dyn SlotList, u64) -> bool) -> bool {
        self.list.upgrade().is_some_and(|list| f(&*list, self.id))
    }

    fn disconnect(&self) -> bool {
        self.with(|list, id| list.disconnect(id))
    }

    fn is_connected(&self) -> bool {
        self.with(|list, id| list.is_connected(id))
    }
}

/// The connections that have to be cut when the object dies.
pub(super) struct Connections {
    /// The signals of this object that anybody was ever connected to.
    signals: RefCell<Vec<Rc<dyn SlotList>>>,
    /// The connections that this object receives. Those cut already are swept out now and then.
    incoming: RefCell<Vec<Link>>,
    sweep_at: Cell<u32>,
}

impl Default for Connections {
    #[inline]
    fn default() -> Self {
        Connections {
            signals: RefCell::default(),
            incoming: RefCell::default(),
            sweep_at: Cell::new(16),
        }
    }
}

impl Connections {
    /// Whether anybody was ever connected to a signal of the object.
    #[inline]
    pub(super) fn has_signals(&self) -> bool {
        !self.signals.borrow().is_empty()
    }

    /// Cuts all of them, for good.
    #[inline]
    pub(super) fn cut(&self) {
        // Most objects that come and go have none.
        if self.has_signals() || !self.incoming.borrow().is_empty() {
            self.cut_some();
        }
    }

    fn cut_some(&self) {
        take_each(&self.signals, |signal| signal.disconnect_all());
        take_each(&self.incoming, |connection| connection.disconnect());
    }

    /// Forgets the connections that were cut. Their receivers are asked, which may be anybody's
    /// code.
    fn sweep_incoming(&self) {
        let mut swept = self.incoming.take();
        swept.retain(Link::is_connected);
        let mut incoming = self.incoming.borrow_mut();
        swept.append(&mut incoming);
        self.sweep_at.set((swept.len() as u32 * 2).max(16));
        *incoming = swept;
    }
}

/// Takes everything out of `list` and cuts it in order. Dropping a closure may panic: what has not
/// been cut by then goes back to the list, for the next call.
fn take_each<T>(list: &RefCell<Vec<T>>, cut: impl Fn(&T) -> bool) {
    struct Rest<'a, T>(&'a RefCell<Vec<T>>, std::vec::IntoIter<T>);
    impl<T> Drop for Rest<'_, T> {
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
            // Most objects have few with slots.
            signals.reserve_exact(1);
        }
        signals.push(signal);
    }

    /// A signal is gone before its object.
    pub(crate) fn remove_signal<T>(&self, signal: &Rc<T>) {
        let mut signals = self.connections().signals.borrow_mut();
        let signal = Rc::as_ptr(signal);
        if let Some(at) = signals.iter().position(|one| std::ptr::addr_eq(Rc::as_ptr(one), signal))
        {
            // The caller holds it as well, so that nothing of the user's is dropped here.
            signals.remove(at);
        }
    }

    pub(crate) fn add_incoming(&self, connection: Link) {
        let connections = self.connections();
        if connections.incoming.borrow().len() >= connections.sweep_at.get() as usize {
            connections.sweep_incoming();
        }
        let mut incoming = connections.incoming.borrow_mut();
        if incoming.len() < 4 {
            // Most receive few.
            incoming.reserve_exact(1);
        }
        incoming.push(connection);
    }

    /// Cuts the connections of all signals of the object, or those to one receiver; whether there
    /// were any.
    pub(crate) fn disconnect_signals(&self, receiver: Option<usize>) -> bool {
        let signals: Vec<_> = self.connections().signals.borrow().clone();
        let mut any = false;
        for signal in signals {
            any |= match receiver {
                Some(receiver) => signal.disconnect_receiver(receiver, None),
                None => signal.disconnect_all(),
            };
        }
        any
    }
}
