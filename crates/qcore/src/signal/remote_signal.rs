//! [`RemoteSignal`]: a signal in another thread.

use std::{
    any::TypeId,
    fmt,
    panic::Location,
    rc::{Rc, Weak},
    sync::Arc,
};

use super::{
    Connection, ConnectionType, KindOf, Remote, Signal, Slot, TargetOf,
    connects::Invoke,
    list::Slots,
    receiver::{IntoReceiver, Local, Receiver},
    remote::visit,
    shape::{Closure, Method},
    slot::Function,
    wire::{Wire, attach, install},
};
use crate::{
    classes::Life,
    event_loop::{Message, Preparation},
};

type Select<R, T> = Box<dyn for<'a> Fn(&'a <R as Receiver>::Target) -> &'a Signal<T> + Send>;

/// A signal of a receiver in another thread. [`Remote::signal`] returns it.
///
/// Its functions connect the signal to a receiver of the calling thread. The slots run in that
/// thread. The connection is made in the thread of the signal, by its event loop, after the calls
/// that the calling thread has sent before. A [`QThread`](crate::QThread) makes the connections
/// that wait for its start before it emits `started`. If the sender has died by then, nothing is
/// connected.
///
/// The calling thread can disconnect the signal with the returned [`Connection`]. It counts as
/// connected immediately, before the other thread has connected the signal. A value that was
/// emitted before the disconnection may still arrive.
///
/// # Examples
///
/// ```
/// use std::{sync::mpsc, thread};
/// use qcore::{QCoreApplication, QObject, Remote, Signal, class, wait_until};
///
/// class! {
///     /// Adds numbers in its thread.
///     pub struct Adder: QObject {
///         pub added: Signal<i32>,
///     }
/// }
///
/// let app = QCoreApplication::new();
/// let (sender, receiver) = mpsc::channel();
/// let worker = thread::spawn(move || {
///     let adder = Adder::derive(QObject::new());
///     sender.send(Remote::of(&adder)).unwrap();
///     wait_until(5000, || adder.is_deleted())
/// });
/// let adder = receiver.recv()?;
/// adder.signal(|adder| &adder.added).connect_slot(&app, QCoreApplication::exit);
/// adder.post(|adder| adder.added.emit(2 + 3))?;
/// assert_eq!(app.exec(), 5);
/// adder.post(|adder| adder.delete_later())?;
/// assert!(worker.join().unwrap());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a signal does nothing by itself"]
pub struct RemoteSignal<R: Receiver, T: 'static> {
    sender: Remote<R>,
    select: Select<R, T>,
}

impl<R: Receiver, T: Clone + Send + 'static> RemoteSignal<R, T> {
    pub(super) fn new(sender: Remote<R>, select: Select<R, T>) -> Self {
        RemoteSignal { sender, select }
    }

    /// Connects a closure, as [`Signal::connect`] does: until it is disconnected or the signal is
    /// dropped. The closure runs in the calling thread.
    ///
    /// A closure that owns a handle of an object keeps that object alive. If the slot acts on an
    /// object, prefer [`connect_to`](Self::connect_to).
    #[track_caller]
    pub fn connect<F: Fn(&T) + 'static>(self, slot: F) -> Connection {
        // The slot holds its receiver, so that it does not die before the connection.
        let receiver = Rc::new(());
        let held = receiver.clone();
        let slot = Closure(move |_: &(), value: &T| {
            let _held = &held;
            slot(value);
        });
        self.connect_with(&&receiver, ConnectionType::AUTO, TypeId::of::<F>, slot)
    }

    /// Connects to a signal of the calling thread, as [`Signal::connect_signal`] does: each
    /// emission of this signal emits `other`.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QCoreApplication, QObject, QThread, Signal, class};
    ///
    /// class! {
    ///     /// Its function `start` emits `failed`.
    ///     pub struct Worker: QObject {
    ///         pub failed: Signal<i32>,
    ///     }
    /// }
    ///
    /// impl Worker {
    ///     fn new() -> Self {
    ///         Self::derive(QObject::new())
    ///     }
    ///
    ///     fn start(&self) {
    ///         self.failed.emit(3);
    ///     }
    /// }
    ///
    /// let (app, failed, thread) = (QCoreApplication::new(), Signal::new(), QThread::new());
    /// failed.connect_slot(&app, QCoreApplication::exit);
    /// let worker = thread.build(Worker::new);
    /// worker.signal(|worker| &worker.failed).connect_signal(&failed);
    /// thread.started.connect_slot(&worker, Worker::start);
    /// thread.start()?;
    /// assert_eq!(app.exec(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn connect_signal(self, other: &Signal<T>) -> Connection {
        let Some(slots) = other.slots() else { return Connection::default() };
        let receiver = Chained { slots, life: other.life.as_ref() };
        let emit = |slots: &Slots<T>, value: &T| slots.emit(value);
        // All connections to signals have the same function, like those of `Signal`.
        let function = TypeId::of::<super::chained::Chained<T>>;
        self.connect_with(&receiver, ConnectionType::AUTO, function, Closure(emit))
    }

    /// Connects a closure of `receiver`, as [`Signal::connect_to`] does.
    #[track_caller]
    pub fn connect_to<D, F>(self, receiver: D, slot: F) -> Connection
    where
        D: IntoReceiver + Local,
        F: Fn(&TargetOf<D>, &T) + 'static,
    {
        self.connect_with(&receiver, ConnectionType::AUTO, TypeId::of::<F>, Closure(slot))
    }

    /// Connects a method of `receiver`, as [`Signal::connect_slot`] does.
    #[track_caller]
    pub fn connect_slot<D, F, Shape>(self, receiver: D, slot: F) -> Connection
    where
        D: IntoReceiver + Local,
        F: Slot<KindOf<D>, TargetOf<D>, T, Shape>,
        Shape: 'static,
    {
        self.connect_with(&receiver, ConnectionType::AUTO, TypeId::of::<F>, Method::new(slot))
    }

    /// Connects a closure of `receiver`, as [`Signal::connect_to_with_type`] does.
    #[track_caller]
    pub fn connect_to_with_type<D, F>(
        self,
        receiver: D,
        kind: ConnectionType,
        slot: F,
    ) -> Connection
    where
        D: IntoReceiver + Local,
        F: Fn(&TargetOf<D>, &T) + 'static,
    {
        self.connect_with(&receiver, kind, TypeId::of::<F>, Closure(slot))
    }

    /// Connects a method of `receiver`, as [`Signal::connect_slot_with_type`] does.
    #[track_caller]
    pub fn connect_slot_with_type<D, F, Shape>(
        self,
        receiver: D,
        kind: ConnectionType,
        slot: F,
    ) -> Connection
    where
        D: IntoReceiver + Local,
        F: Slot<KindOf<D>, TargetOf<D>, T, Shape>,
        Shape: 'static,
    {
        self.connect_with(&receiver, kind, TypeId::of::<F>, Method::new(slot))
    }

    #[track_caller]
    fn connect_with<D, S>(
        self,
        receiver: &D,
        kind: ConnectionType,
        function: Function,
        slot: S,
    ) -> Connection
    where
        D: Local,
        S: Invoke<D::Receiver, T>,
    {
        let receiver = Remote::lodge(receiver);
        let wire = Wire::new(&receiver);
        let connection =
            install::<D::Receiver, T, S>(&Arc::downgrade(&wire), slot, Location::caller());
        let select = self.select;
        // If the sender is dead or its loop has ended, the wire is dropped, and with it the slot.
        let to = self.sender.lodging().clone();
        let inbox = to.inbox().clone();
        if to.is_gone() {
            return connection;
        }
        let attach = Preparation::new(move || {
            visit::<R>(&to, |sender| {
                attach::<D::Receiver, T, S>(select(sender), wire, &receiver, kind, function);
            });
        });
        let _ = inbox.send(Message::Delivery(attach));
        connection
    }
}

/// A signal of this thread as a receiver.
struct Chained<'a, T: 'static> {
    slots: &'a Rc<Slots<T>>,
    /// The object of the signal.
    life: Option<&'a Rc<Life>>,
}

impl<T: 'static> IntoReceiver for Chained<'_, T> {
    type Receiver = Rc<Slots<T>>;

    fn identity(&self) -> usize {
        self.life.map_or_else(|| Rc::as_ptr(self.slots).addr(), |life| Rc::as_ptr(life).addr())
    }
}

impl<T: 'static> Local for Chained<'_, T> {
    fn downgrade(&self) -> Weak<Slots<T>> {
        Rc::downgrade(self.slots)
    }

    fn lives(&self) -> [Option<&Rc<Life>>; 2] {
        [self.life, None]
    }
}

impl<R: Receiver, T: 'static> fmt::Debug for RemoteSignal<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSignal").field("sender", &self.sender).finish_non_exhaustive()
    }
}
