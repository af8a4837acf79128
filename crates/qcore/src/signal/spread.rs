//! [`Spread`]: signals that another thread emits.

use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Signal, wire::Fire};
use crate::event_loop::Dispatcher;

/// The connections of a signal to receivers in other threads.
///
/// A `QThread` belongs to the thread that created it, and emits its signals in the thread that it
/// has started. That thread fires these connections itself. The slots of receivers in the thread of
/// the signal are called by its own emission.
pub(crate) struct Spread<T>(Mutex<Vec<Arc<dyn Fire<T>>>>);

impl<T> Spread<T> {
    fn connections(&self) -> MutexGuard<'_, Vec<Arc<dyn Fire<T>>>> {
        // No code panics while it holds this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, connection: Arc<dyn Fire<T>>) {
        let mut connections = self.connections();
        let gone: Vec<_> = connections.extract_if(.., |one| one.is_cut()).collect();
        connections.push(connection);
        drop(connections);
        // Dropping a connection may drop its slot.
        drop(gone);
    }

    /// Forgets a connection that was disconnected.
    pub(super) fn remove(&self, connection: *const ()) {
        let mut connections = self.connections();
        let at = connections.iter().position(|one| Arc::as_ptr(one).cast() == connection);
        let gone = at.map(|at| connections.remove(at));
        drop(connections);
        drop(gone);
    }

    /// Calls the slots of the receivers in this thread, and sends calls to those in other threads.
    pub(crate) fn fire(&self, value: &T) {
        let connections = self.connections().clone();
        for connection in connections {
            connection.fire(value);
        }
    }
}

/// The signals of this thread that others emit, by the addresses of their lists of slots.
#[derive(Default)]
struct Spreads(RefCell<HashMap<usize, Rc<dyn Any>>>);

/// Keeps a signal known as one that another thread emits.
pub(crate) struct Spreading(usize);

impl Drop for Spreading {
    fn drop(&mut self) {
        let Some(dispatcher) = Dispatcher::existing() else { return };
        let spread = dispatcher.local::<Spreads>().0.borrow_mut().remove(&self.0);
        drop(spread);
    }
}

impl<T: 'static> Signal<T> {
    /// Lets another thread emit the signal, as far as its receivers are in other threads.
    pub(crate) fn spread(&self) -> (Arc<Spread<T>>, Spreading) {
        let spread = Arc::new(Spread(Mutex::default()));
        let address = self.address();
        let spreads = Dispatcher::current().local::<Spreads>();
        let before = spreads.0.borrow_mut().insert(address, Rc::new(spread.clone()));
        drop(before);
        (spread, Spreading(address))
    }

    /// Returns the connections that another thread fires, if the signal is such a one.
    pub(super) fn existing_spread(&self) -> Option<Arc<Spread<T>>> {
        let spreads = Dispatcher::existing()?.local::<Spreads>();
        let spread = spreads.0.borrow().get(&self.address())?.clone();
        spread.downcast_ref::<Arc<Spread<T>>>().cloned()
    }

    fn address(&self) -> usize {
        self.slots().map_or(0, |slots| Rc::as_ptr(slots).addr())
    }
}
