//! Signals and slots.
//!
//! A [`Signal<T>`] is a public field of the object that emits it; a slot is a closure or a method
//! that is given `&T`. What a slot does is its own affair: it may connect, disconnect, emit the
//! same signal again, and drop its sender, its receiver or itself.
//!
//! ```text
//!   emit(value) ──► snapshot of the slot list ──► slot 1, slot 2, ... each unless cut meanwhile
//! ```
//!
//! The list of slots is shared and copied on write. An emission takes a reference to the list as it
//! is and walks it with nothing borrowed. Connecting and disconnecting change the list in place,
//! or, while an emission holds it, in a copy. Hence the rules, which are Qt's: slots run in the
//! order in which they were connected; one connected during an emission does not run in it; one
//! disconnected does not run any more. A slot's closure is dropped when it is disconnected, or, if
//! its signal is just being emitted, when that emission is over.

mod chained;
mod connection;
mod list;
mod receiver;
mod sender;
mod slot;
mod spy;

use std::{any::TypeId, cell::OnceCell, fmt, rc::Rc};

use self::{
    chained::Chained,
    list::Slots,
    slot::{Call, Exclusive, Plain, Queued, Slot, ToReceiver},
};
pub use self::{
    connection::{Connection, ConnectionBlocker, ConnectionType, ScopedConnection},
    receiver::Receiver,
    spy::QSignalSpy,
};
use crate::{
    classes::{Life, Link, Object, SlotList},
    event_loop::Dispatcher,
};

/// A typed signal: a list of slots that are called when it is emitted.
///
/// Slots get `&T`; a signal with several arguments has a tuple, one with none `()`. A signal is
/// made with [`Signal::of`] an object, and then is silent while that object's signals are blocked,
/// and is cut when the object dies; or with [`Signal::new`], on its own. It takes two words, and
/// its list is allocated by the first connection.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::Signal;
///
/// let changed = Signal::new();
/// let last = Rc::new(Cell::new(0));
/// let connection = changed.connect_to(&last, |last, value| last.set(*value));
/// changed.emit(7);
/// assert_eq!(last.get(), 7);
///
/// assert!(connection.disconnect());
/// changed.emit(8);
/// assert_eq!(last.get(), 7);
/// ```
pub struct Signal<T: 'static> {
    life: Option<Rc<Life>>,
    slots: OnceCell<Rc<Slots<T>>>,
}

impl<T: 'static> Signal<T> {
    /// A signal of no object.
    #[must_use]
    pub const fn new() -> Self {
        Signal { life: None, slots: OnceCell::new() }
    }

    /// A signal that belongs to `object`: blocked with it, [`sender()`](crate::sender()) in its
    /// slots, cut when it dies.
    ///
    /// It does not keep the object alive.
    #[must_use]
    pub fn of<O: Object>(object: &O) -> Self {
        Signal::in_life(object.life())
    }

    /// A signal of an object that is being made.
    #[must_use]
    pub fn in_life(life: &Rc<Life>) -> Self {
        Signal { life: Some(life.clone()), slots: OnceCell::new() }
    }

    // ---- emitting

    /// Calls the slots, in the order in which they were connected. Queued ones are called later, by
    /// the event loop.
    ///
    /// Does nothing while the signals of the object that this one belongs to are blocked.
    ///
    /// # Panics
    ///
    /// If a slot does. The slots after it are not called then, and the signal is as good as before.
    #[inline]
    pub fn emit(&self, value: T) {
        if let Some(slots) = self.slots.get() {
            slots.emit(&value);
        }
    }

    // ---- connecting

    /// Connects a closure, for as long as the signal lives or until it is disconnected.
    ///
    /// A closure that holds a handle of an object keeps that object alive. Where the slot acts on
    /// an object, [`connect_to`](Signal::connect_to) is the better choice.
    pub fn connect(&self, slot: impl Fn(&T) + 'static) -> Connection {
        self.add(None, ConnectionType::AUTO, type_of(&slot), Plain(slot))
    }

    /// Connects a method, or a closure, of `receiver`: an object handle, or an `Rc` of anything.
    ///
    /// The connection does not keep the receiver, and is dead at once when the receiver is.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use qcore::Signal;
    ///
    /// #[derive(Default)]
    /// struct Log(RefCell<Vec<String>>);
    ///
    /// impl Log {
    ///     fn add(&self, line: &String) {
    ///         self.0.borrow_mut().push(line.clone());
    ///     }
    /// }
    ///
    /// let said = Signal::new();
    /// let log = Rc::new(Log::default());
    /// let connection = said.connect_to(&log, Log::add);
    /// said.emit("hello".to_owned());
    /// assert_eq!(log.0.borrow().len(), 1);
    ///
    /// drop(log);
    /// assert!(!connection.is_connected());
    /// ```
    pub fn connect_to<R: Receiver>(
        &self,
        receiver: &R,
        slot: impl Fn(&R::Target, &T) + 'static,
    ) -> Connection {
        let function = type_of(&slot);
        let call = ToReceiver::<R, _>::new(receiver, slot);
        self.add(Some(Target::of(receiver)), ConnectionType::AUTO, function, call)
    }

    /// Connects a slot as [`connect`](Signal::connect) does. `kind` says when the slot is called
    /// and how often it may be connected.
    #[doc(alias = "connect")]
    pub fn connect_with_type(&self, kind: ConnectionType, slot: impl Fn(&T) + 'static) -> Connection
    where
        T: Clone,
    {
        let function = type_of(&slot);
        self.add_with(None, kind, function, Plain(slot))
    }

    /// Connects a slot as [`connect_to`](Signal::connect_to) does. `kind` says when the slot is
    /// called and how often it may be connected.
    ///
    /// When the receiver dies, its queued calls that still wait are dropped. When the connection is
    /// cut, calls that wait are still made, as in Qt.
    ///
    /// ```
    /// use qcore::{ConnectionType, QCoreApplication, Signal};
    ///
    /// let app = QCoreApplication::new();
    /// let done = Signal::new();
    /// done.connect_to_with_type(&app, ConnectionType::QUEUED, |app, code| app.exit(*code));
    /// done.emit(3);
    /// assert_eq!(app.exec(), 3);
    /// ```
    pub fn connect_to_with_type<R: Receiver>(
        &self,
        receiver: &R,
        kind: ConnectionType,
        slot: impl Fn(&R::Target, &T) + 'static,
    ) -> Connection
    where
        T: Clone,
    {
        let function = type_of(&slot);
        let call = ToReceiver::<R, _>::new(receiver, slot);
        self.add_with(Some(Target::of(receiver)), kind, function, call)
    }

    /// Connects a closure that changes its own state.
    ///
    /// A `Cell` in a [`connect`](Signal::connect)ed closure does the same without the panic.
    ///
    /// # Panics
    ///
    /// The emission panics if it happens while the closure is running, that is, if the closure
    /// causes its own signal. The message names the place of this call.
    #[track_caller]
    pub fn connect_mut(&self, slot: impl FnMut(&T) + 'static) -> Connection {
        let function = type_of(&slot);
        self.add(None, ConnectionType::AUTO, function, Exclusive::new(slot))
    }

    /// Emits `other` whenever this signal is emitted.
    ///
    /// Neither keeps the other alive. If `other` belongs to an object, that is the receiver.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::Signal;
    ///
    /// let (inner, outer) = (Signal::new(), Signal::new());
    /// let count = Rc::new(Cell::new(0));
    /// outer.connect_to(&count, |count, ()| count.set(count.get() + 1));
    /// inner.connect_signal(&outer);
    /// inner.emit(());
    /// assert_eq!(count.get(), 1);
    /// ```
    pub fn connect_signal(&self, other: &Signal<T>) -> Connection {
        let Some(slots) = other.slots() else { return Connection::default() };
        let chained = Chained(Rc::downgrade(slots));
        let identity = match &other.life {
            Some(life) => Rc::as_ptr(life).addr(),
            None => Rc::as_ptr(slots).addr(),
        };
        let target = Target { identity, life: other.life.as_ref() };
        self.add(Some(target), ConnectionType::AUTO, TypeId::of::<Chained<T>>(), chained)
    }

    // ---- disconnecting

    /// Cuts all connections. Returns whether there was any.
    #[doc(alias = "disconnect")]
    pub fn disconnect_all(&self) -> bool {
        self.slots.get().is_some_and(|slots| slots.disconnect_all())
    }

    /// Cuts all connections to `receiver`. Returns whether there was any.
    #[doc(alias = "disconnect")]
    pub fn disconnect_receiver<R: Receiver>(&self, receiver: &R) -> bool {
        let receiver = receiver.identity();
        self.slots.get().is_some_and(|slots| slots.disconnect_receiver(receiver, None))
    }

    /// Cuts all connections to the method `slot` of `receiver`, however often they were made.
    /// Returns whether there was any.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use qcore::Signal;
    ///
    /// struct Listener;
    /// impl Listener {
    ///     fn hear(&self, _: &()) {}
    /// }
    ///
    /// let (signal, listener) = (Signal::new(), Rc::new(Listener));
    /// signal.connect_to(&listener, Listener::hear);
    /// signal.connect_to(&listener, Listener::hear);
    /// assert!(signal.disconnect_slot(&listener, Listener::hear));
    /// assert!(!signal.disconnect_slot(&listener, Listener::hear));
    /// ```
    #[doc(alias = "disconnect")]
    pub fn disconnect_slot<R: Receiver>(
        &self,
        receiver: &R,
        slot: impl Fn(&R::Target, &T) + 'static,
    ) -> bool {
        let (receiver, function) = (receiver.identity(), type_of(&slot));
        self.slots.get().is_some_and(|slots| slots.disconnect_receiver(receiver, Some(function)))
    }

    /// Whether any slot is connected.
    #[doc(alias = "isSignalConnected")]
    #[inline]
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.slots.get().is_some_and(|slots| slots.len() > 0)
    }

    // ---- in common

    /// The list of slots, or none if the object is dead.
    fn slots(&self) -> Option<&Rc<Slots<T>>> {
        if self.life.as_ref().is_some_and(|life| life.is_dead()) {
            return None;
        }
        Some(self.slots.get_or_init(|| {
            let slots = Rc::new(Slots::new(self.life.clone()));
            if let Some(life) = &self.life {
                life.add_signal(slots.clone());
            }
            slots
        }))
    }

    fn add_with(
        &self,
        target: Option<Target<'_>>,
        flags: ConnectionType,
        function: TypeId,
        call: impl Call<T>,
    ) -> Connection
    where
        T: Clone,
    {
        if flags.contains(ConnectionType::QUEUED) {
            let dispatcher = match &self.life {
                Some(life) => life.dispatcher().clone(),
                None => Dispatcher::current(),
            };
            let receiver = target.and_then(|target| target.life);
            self.add(target, flags, function, Queued::new(dispatcher, receiver, call))
        } else {
            self.add(target, flags, function, call)
        }
    }

    fn add(
        &self,
        target: Option<Target<'_>>,
        flags: ConnectionType,
        function: TypeId,
        call: impl Call<T>,
    ) -> Connection {
        let receiver = target.map_or(0, |target| target.identity);
        let life = target.and_then(|target| target.life);
        if life.is_some_and(|life| life.is_dead()) {
            return Connection::default();
        }
        let Some(slots) = self.slots() else { return Connection::default() };
        if flags.contains(ConnectionType::UNIQUE) && slots.has(receiver, function) {
            return Connection::default();
        }
        let once = flags.contains(ConnectionType::SINGLE_SHOT);
        let id = slots.add(Slot::new(receiver, function, once, call));
        let list: Rc<dyn SlotList> = slots.clone();
        let link = Link::new(Rc::downgrade(&list), id);
        if let Some(life) = life {
            life.add_incoming(link.clone());
        }
        Connection::new(link)
    }
}

impl<T: 'static> Drop for Signal<T> {
    /// Cuts all connections.
    fn drop(&mut self) {
        if let Some(slots) = self.slots.take() {
            if let Some(life) = &self.life {
                life.remove_signal(&slots);
            }
            slots.disconnect_all();
        }
    }
}

impl<T: 'static> Default for Signal<T> {
    fn default() -> Self {
        Signal::new()
    }
}

impl<T: 'static> fmt::Debug for Signal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = self.slots.get().map_or(0, |slots| slots.len());
        f.debug_struct("Signal").field("slots", &slots).finish()
    }
}

/// Who receives: what a slot list keeps of a [`Receiver`].
#[derive(Clone, Copy)]
struct Target<'a> {
    identity: usize,
    life: Option<&'a Rc<Life>>,
}

impl<'a> Target<'a> {
    fn of<R: Receiver>(receiver: &'a R) -> Self {
        Target { identity: receiver.identity(), life: receiver.object_life() }
    }
}

fn type_of<F: 'static>(_: &F) -> TypeId {
    TypeId::of::<F>()
}

#[cfg(test)]
mod tests;
