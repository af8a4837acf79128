//! Signals and slots.
//!
//! A [`Signal<T>`] is a public field of the object that emits it. A slot is a closure or a method
//! that gets `&T`. A slot may connect and disconnect slots, emit the same signal again, and drop
//! its sender, its receiver or itself.
//!
//! ```text
//!   emit(value) ──► snapshot of the slot list ──► slot 1, slot 2, ... if still connected
//! ```
//!
//! The list of slots is shared and copied on write. An emission takes a reference to the current
//! list and walks it while nothing is borrowed. Connecting and disconnecting change the list in
//! place, or change a copy if an emission holds the list. The rules follow from this, and are those
//! of Qt:
//!
//! * Slots run in the order in which they were connected.
//! * A slot that is connected during an emission does not run in that emission.
//! * A slot that is disconnected during an emission does not run any more.
//!
//! Disconnecting drops the closure of the slot. If the signal is being emitted, the closure is
//! dropped at the end of the emission.

mod abandon;
mod chained;
mod connection;
mod connects;
mod list;
mod method;
#[cfg(feature = "tasks")]
mod next;
mod receiver;
mod remote;
mod remote_signal;
mod reply;
mod sender;
#[doc(hidden)]
pub mod shape;
mod slot;
mod spread;
mod spy;
#[cfg(feature = "tasks")]
pub(crate) mod until;
mod wire;

use std::{
    any::TypeId,
    cell::OnceCell,
    fmt,
    panic::Location,
    rc::{Rc, Weak},
};

#[cfg(feature = "tasks")]
pub use self::next::{Next, SignalError, SignalErrorKind, SignalStream};
pub(crate) use self::{
    abandon::BlockedCalls,
    spread::{Spread, Spreading},
};
use self::{
    chained::Chained,
    list::Slots,
    receiver::Local,
    shape::{Closure, Method},
    slot::{AnySlot, Call, Deadlock, Exclusive, Function, OneSlot, Plain, Queued},
};
pub use self::{
    connection::{Connection, ConnectionBlocker, ConnectionType, ScopedConnection},
    connects::Connects,
    method::{Lend, Slot},
    receiver::{IntoReceiver, KindOf, Receiver, Strong, TargetOf},
    remote::Remote,
    remote_signal::RemoteSignal,
    reply::{CallError, CallErrorKind, PendingCall},
    spy::QSignalSpy,
};
use crate::{
    classes::{Life, Link, MethodId, Object, SlotList},
    event_loop::Dispatcher,
};

/// A typed signal: emitting it calls its slots.
///
/// Slots get `&T`. A signal with several arguments has a tuple as its type, one without arguments
/// has `()`.
///
/// [`Signal::of`] creates the signal of an object. It is silent while the signals of that object
/// are blocked, and all its connections are cut when the object dies. [`Signal::new`] creates a
/// signal without an object. A signal is two words long, and allocates its list of slots at the
/// first connection.
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
    /// Creates a signal without an object.
    #[must_use]
    pub const fn new() -> Self {
        Signal { life: None, slots: OnceCell::new() }
    }

    /// Creates a signal that belongs to `object`. It is blocked together with the object,
    /// [`sender()`](crate::sender()) returns the object in its slots, and its connections are cut
    /// when the object dies.
    ///
    /// The signal does not keep the object alive.
    #[must_use]
    pub fn of<O: Object>(object: &O) -> Self {
        Signal::in_life(object.life())
    }

    /// Creates a signal of an object that is under construction.
    #[must_use]
    pub fn in_life(life: &Rc<Life>) -> Self {
        Signal { life: Some(life.clone()), slots: OnceCell::new() }
    }

    // ---- emitting

    /// Calls the slots in the order in which they were connected. The event loop calls queued slots
    /// later.
    ///
    /// Does nothing while the signals of the signal's object are blocked.
    ///
    /// # Panics
    ///
    /// If a slot panics. The remaining slots are not called in this emission. The signal stays
    /// usable.
    #[inline(always)] // see `Slots::emit`
    pub fn emit(&self, value: T) {
        self.emit_ref(&value);
    }

    /// Emits the signal with a value that the caller keeps.
    #[inline(always)]
    pub(crate) fn emit_ref(&self, value: &T) {
        if let Some(slots) = self.slots.get() {
            slots.emit(value);
        }
    }

    // ---- connecting

    /// Connects a closure, until it is disconnected or the signal is dropped.
    ///
    /// A closure that owns a handle of an object keeps that object alive. If the slot acts on an
    /// object, prefer [`connect_to`](Signal::connect_to).
    #[track_caller]
    pub fn connect(&self, slot: impl Fn(&T) + 'static) -> Connection {
        self.add(None, ConnectionType::AUTO, type_of(&slot), Plain(slot))
    }

    /// Connects a closure of `receiver`: an object, or an `Rc` or `Weak` of anything, or
    /// [two of them](IntoReceiver).
    ///
    /// The closure gets the receiver as its first argument. The connection does not keep the
    /// receiver alive, and ends when the receiver dies. [`connect_slot`](Signal::connect_slot)
    /// connects methods; this function also takes a method with the parameters `&self` and `&T`.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use qcore::Signal;
    ///
    /// let said = Signal::new();
    /// let lines = Rc::new(RefCell::new(Vec::<String>::new()));
    /// let connection = said.connect_to(&lines, |lines, line: &String| {
    ///     lines.borrow_mut().push(line.clone());
    /// });
    /// said.emit("hello".to_owned());
    /// assert_eq!(lines.borrow().len(), 1);
    ///
    /// drop(lines);
    /// assert!(!connection.is_connected());
    /// ```
    #[track_caller]
    pub fn connect_to<R, F>(&self, receiver: R, slot: F) -> Connection
    where
        R: IntoReceiver,
        F: Fn(&TargetOf<R>, &T) + 'static,
        R: Connects<T, Closure<F>>,
    {
        receiver.connect_receiver(self, TypeId::of::<F>, Closure(slot))
    }

    /// Connects a method of `receiver`: an object, or an `Rc` or `Weak` of anything, or
    /// [two of them](IntoReceiver).
    ///
    /// The method takes `&self` and may take the signal's value: by reference or by value, a
    /// `String` as `&str`, the parts of a tuple as separate parameters. [`Slot`] lists these forms.
    /// The connection does not keep the receiver alive, and ends when the receiver dies.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use qcore::{QObject, QTimer, class, wait_until};
    ///
    /// class! {
    ///     /// Counts down.
    ///     pub struct Countdown: QObject {
    ///         child timer: QTimer = QTimer::with_interval(1),
    ///         left: Cell<u32> = Cell::new(3),
    ///     }
    /// }
    ///
    /// impl Countdown {
    ///     fn new() -> Self {
    ///         let this = Self::derive(QObject::new());
    ///         this.timer.timeout.connect_slot(&this, Self::step);
    ///         this.timer.start();
    ///         this
    ///     }
    ///
    ///     fn step(&self) {
    ///         self.left.set(self.left.get() - 1);
    ///         if self.left.get() == 0 {
    ///             self.timer.stop();
    ///         }
    ///     }
    /// }
    ///
    /// let countdown = Countdown::new();
    /// assert!(wait_until(5000, || countdown.left.get() == 0));
    /// ```
    #[track_caller]
    pub fn connect_slot<R, F, Shape>(&self, receiver: R, slot: F) -> Connection
    where
        R: IntoReceiver,
        F: Slot<KindOf<R>, TargetOf<R>, T, Shape>,
        Shape: 'static,
        R: Connects<T, Method<F, Shape>>,
    {
        receiver.connect_receiver(self, TypeId::of::<F>, Method::new(slot))
    }

    /// Connects a method as [`connect_slot`](Signal::connect_slot) does. The event loop calls the
    /// slot later, with a clone of the value. This is Qt's `QueuedConnection`.
    ///
    /// A directly called slot runs inside of the function that emits the signal. A queued slot runs
    /// when that function and its callers have returned. So it may borrow a `RefCell` that a caller
    /// has borrowed, or destroy an object that a caller uses.
    ///
    /// It is the short form of [`connect_slot_with_type`](Signal::connect_slot_with_type) with
    /// [`ConnectionType::QUEUED`].
    ///
    /// ```
    /// use std::cell::RefCell;
    /// use qcore::prelude::*;
    ///
    /// class! {
    ///     struct Rooms: QObject {
    ///         left: Signal<String>,
    ///         names: RefCell<Vec<String>> = RefCell::default(),
    ///     }
    /// }
    ///
    /// impl Rooms {
    ///     fn tell_all(&self) {
    ///         for name in &*self.names.borrow() {
    ///             self.left.emit(name.clone());
    ///         }
    ///     }
    ///
    ///     fn remove(&self, name: &str) {
    ///         self.names.borrow_mut().retain(|other| other != name);
    ///         QCoreApplication::instance().quit();
    ///     }
    /// }
    ///
    /// let app = QCoreApplication::new();
    /// let rooms = Rooms::derive(QObject::new());
    /// rooms.names.borrow_mut().push("cellar".to_owned());
    /// rooms.left.connect_queued(&rooms, Rooms::remove);
    /// rooms.tell_all(); // with a direct connection: "RefCell already borrowed"
    /// app.exec();
    /// assert!(rooms.names.borrow().is_empty());
    /// ```
    #[doc(alias = "QueuedConnection")]
    #[track_caller]
    pub fn connect_queued<R, F, Shape>(&self, receiver: R, slot: F) -> Connection
    where
        T: Clone,
        R: IntoReceiver,
        F: Slot<KindOf<R>, TargetOf<R>, T, Shape>,
        Shape: 'static,
        R: Connects<T, Method<F, Shape>>,
    {
        self.connect_slot_with_type(receiver, ConnectionType::QUEUED, slot)
    }

    /// Connects a closure as [`connect`](Signal::connect) does. `kind` is a combination of the
    /// flags of [`ConnectionType`].
    #[doc(alias = "connect")]
    #[track_caller]
    pub fn connect_with_type(&self, kind: ConnectionType, slot: impl Fn(&T) + 'static) -> Connection
    where
        T: Clone,
    {
        let function = type_of(&slot);
        self.add_with(None, kind, function, Plain(slot))
    }

    /// Connects a method or a closure as [`connect_to`](Signal::connect_to) does. `kind` is a
    /// combination of the flags of [`ConnectionType`].
    ///
    /// If the receiver dies, its waiting queued calls are dropped. If the slot is disconnected, its
    /// waiting queued calls still run, as in Qt.
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
    #[track_caller]
    pub fn connect_to_with_type<R, F>(
        &self,
        receiver: R,
        kind: ConnectionType,
        slot: F,
    ) -> Connection
    where
        T: Clone,
        R: IntoReceiver,
        F: Fn(&TargetOf<R>, &T) + 'static,
        R: Connects<T, Closure<F>>,
    {
        receiver.connect_receiver_with_type(self, kind, TypeId::of::<F>, Closure(slot))
    }

    /// Connects a method as [`connect_slot`](Signal::connect_slot) does. `kind` says when the slot
    /// is called and how often it may be connected.
    #[doc(alias = "connect")]
    #[track_caller]
    pub fn connect_slot_with_type<R, F, Shape>(
        &self,
        receiver: R,
        kind: ConnectionType,
        slot: F,
    ) -> Connection
    where
        T: Clone,
        R: IntoReceiver,
        F: Slot<KindOf<R>, TargetOf<R>, T, Shape>,
        Shape: 'static,
        R: Connects<T, Method<F, Shape>>,
    {
        receiver.connect_receiver_with_type(self, kind, TypeId::of::<F>, Method::new(slot))
    }

    /// Connects a closure that changes its own state.
    ///
    /// A closure with a `Cell`, connected with [`connect`](Signal::connect), does the same and
    /// never panics.
    ///
    /// # Panics
    ///
    /// The emission panics if the closure is already running, that is, if the closure emits its own
    /// signal. The message contains the source location of this call.
    #[track_caller]
    pub fn connect_mut(&self, slot: impl FnMut(&T) + 'static) -> Connection {
        let function = type_of(&slot);
        self.add(None, ConnectionType::AUTO, function, Exclusive::new(slot))
    }

    /// Connects to another signal: each emission of this signal emits `other`.
    ///
    /// Neither signal keeps the other alive. If `other` belongs to an object, that object is the
    /// receiver.
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
    #[track_caller]
    pub fn connect_signal(&self, other: &Signal<T>) -> Connection {
        let Some(slots) = other.slots() else { return Connection::default() };
        let chained = Chained(Rc::downgrade(slots));
        let identity = match &other.life {
            Some(life) => Rc::as_ptr(life).addr(),
            None => Rc::as_ptr(slots).addr(),
        };
        let target = Target { identity, lives: [other.life.as_ref(), None] };
        self.add(Some(target), ConnectionType::AUTO, type_of(&chained), chained)
    }

    // ---- disconnecting

    /// Disconnects all slots. Returns whether there were any.
    #[doc(alias = "disconnect")]
    pub fn disconnect_all(&self) -> bool {
        self.slots.get().is_some_and(|slots| slots.disconnect_all())
    }

    /// Disconnects all slots of `receiver`. Returns whether there were any.
    #[doc(alias = "disconnect")]
    pub fn disconnect_receiver<R: Receiver>(&self, receiver: &R) -> bool {
        let receiver = receiver.identity();
        self.slots.get().is_some_and(|slots| slots.disconnect_receiver(receiver))
    }

    /// Disconnects the method `slot` of `receiver`, even if it was connected several times. Returns
    /// whether it was connected.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use qcore::Signal;
    ///
    /// struct Listener;
    /// impl Listener {
    ///     fn hear(&self) {}
    /// }
    ///
    /// let (signal, listener) = (Signal::<()>::new(), Rc::new(Listener));
    /// signal.connect_slot(&listener, Listener::hear);
    /// signal.connect_slot(&listener, Listener::hear);
    /// assert!(signal.disconnect_slot(&listener, Listener::hear));
    /// assert!(!signal.disconnect_slot(&listener, Listener::hear));
    /// ```
    #[doc(alias = "disconnect")]
    pub fn disconnect_slot<R: IntoReceiver, Shape: 'static>(
        &self,
        receiver: R,
        slot: impl Slot<KindOf<R>, TargetOf<R>, T, Shape>,
    ) -> bool {
        let method = MethodId {
            receiver: receiver.identity(),
            second_receiver: receiver.second_identity(),
            function: type_of(&slot)(),
        };
        self.slots.get().is_some_and(|slots| slots.disconnect_method(&method))
    }

    /// Returns whether any slot is connected.
    #[doc(alias = "isSignalConnected")]
    #[inline]
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.slots.get().is_some_and(|slots| slots.len() > 0)
    }

    /// Returns the number of connected slots. A slot whose receiver has died is not connected.
    ///
    /// ```
    /// use qcore::{QObject, Signal};
    ///
    /// let (signal, object) = (Signal::<()>::new(), QObject::new());
    /// signal.connect(|()| println!("called"));
    /// signal.connect_to(&object, |_, ()| println!("called, too"));
    /// assert_eq!(signal.receivers(), 2);
    /// drop(object);
    /// assert_eq!(signal.receivers(), 1);
    /// ```
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.slots.get().map_or(0, |slots| slots.count())
    }

    /// Returns the places where the slots were connected.
    pub(crate) fn places(&self) -> Vec<&'static Location<'static>> {
        self.slots.get().map_or_else(Vec::new, |slots| slots.places())
    }

    // ---- helpers

    /// Reads what an emission to a single slot will need, see `TimerHandler::fetch_rest`.
    pub(crate) fn fetch(&self) {
        if let Some(slots) = self.slots.get() {
            slots.fetch();
        }
    }

    /// Returns the list of slots, or `None` if the object is dead.
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

    #[track_caller]
    fn add_with(
        &self,
        target: Option<Target<'_>>,
        flags: ConnectionType,
        function: Function,
        call: impl Call<T>,
    ) -> Connection
    where
        T: Clone,
    {
        if flags.contains(ConnectionType::BLOCKING_QUEUED) {
            self.add(target, flags, function, Deadlock(call))
        } else if flags.contains(ConnectionType::QUEUED) {
            let dispatcher = match &self.life {
                Some(life) => life.dispatcher().clone(),
                None => Dispatcher::current(),
            };
            let receiver = target.and_then(|target| target.lives[0]);
            self.add(target, flags, function, Queued::new(dispatcher, receiver, call))
        } else {
            self.add(target, flags, function, call)
        }
    }

    #[track_caller]
    fn add(
        &self,
        target: Option<Target<'_>>,
        flags: ConnectionType,
        function: Function,
        call: impl Call<T>,
    ) -> Connection {
        let (receiver, lives) =
            target.map_or((0, [None, None]), |target| (target.identity, target.lives));
        if lives.iter().flatten().any(|life| life.is_dead()) {
            return Connection::default();
        }
        let Some(slots) = self.slots() else { return Connection::default() };
        if flags.contains(ConnectionType::UNIQUE) {
            let second_receiver = call.second_receiver();
            let method = MethodId { receiver, second_receiver, function: function() };
            if slots.has(&method) {
                return Connection::default();
            }
        }
        let once = flags.contains(ConnectionType::SINGLE_SHOT);
        let slot = Rc::new(OneSlot::new(receiver, function, once, call));
        let link = Self::link(slots, slot);
        for life in lives.into_iter().flatten() {
            // An object cuts the connections of its own signals anyway when it dies.
            if self.life.as_ref().is_none_or(|own| !Rc::ptr_eq(own, life)) {
                life.add_incoming(link.clone());
            }
        }
        Connection::new(link)
    }

    /// Adds a slot without a receiver, to which the caller keeps a reference.
    #[cfg(feature = "tasks")]
    fn add_shared(&self, slot: Rc<dyn AnySlot<T>>) -> Connection {
        self.slots()
            .map_or_else(Connection::default, |slots| Connection::new(Self::link(slots, slot)))
    }

    fn link(slots: &Rc<Slots<T>>, slot: Rc<dyn AnySlot<T>>) -> Link {
        let id = slots.add(slot);
        let list: Weak<Slots<T>> = Rc::downgrade(slots);
        Link::new(list, id)
    }
}

impl<T: 'static> Drop for Signal<T> {
    /// Disconnects all slots.
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

/// The parts of a receiver that connecting needs.
#[derive(Clone, Copy)]
struct Target<'a> {
    identity: usize,
    lives: [Option<&'a Rc<Life>>; 2],
}

impl<'a> Target<'a> {
    fn of<R: Local>(receiver: &'a R) -> Self {
        Target { identity: receiver.identity(), lives: receiver.lives() }
    }
}

fn type_of<F: 'static>(_: &F) -> Function {
    TypeId::of::<F>
}

#[cfg(test)]
mod tests;
