//! [`RemoteSignal`]: a signal in another thread.

use std::{any::TypeId, fmt, panic::Location, sync::Arc};

use super::{
    Connection, ConnectionType, KindOf, Remote, Signal, Slot, TargetOf,
    connects::Invoke,
    receiver::{IntoReceiver, Local, Receiver},
    shape::{Closure, Method},
    slot::Function,
    wire::{Wire, attach, install},
};

type Select<R, T> = Box<dyn for<'a> Fn(&'a <R as Receiver>::Target) -> &'a Signal<T> + Send>;

/// A signal of a receiver in another thread. [`Remote::signal`] returns it.
///
/// Its functions connect the signal to a receiver of the calling thread. The slots run in that
/// thread. The connection is made in the thread of the signal, by its event loop, after the calls
/// that the calling thread has sent before. If the sender has died by then, nothing is connected.
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

    /// Connects a closure of `receiver`, as [`Signal::connect_to`] does.
    #[track_caller]
    pub fn connect_to<D, F>(self, receiver: D, slot: F) -> Connection
    where
        D: IntoReceiver + Local,
        F: Fn(&TargetOf<D>, &T) + 'static,
    {
        self.connect(&receiver, ConnectionType::AUTO, TypeId::of::<F>, Closure(slot))
    }

    /// Connects a method of `receiver`, as [`Signal::connect_slot`] does.
    #[track_caller]
    pub fn connect_slot<D, F, Shape>(self, receiver: D, slot: F) -> Connection
    where
        D: IntoReceiver + Local,
        F: Slot<KindOf<D>, TargetOf<D>, T, Shape>,
        Shape: 'static,
    {
        self.connect(&receiver, ConnectionType::AUTO, TypeId::of::<F>, Method::new(slot))
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
        self.connect(&receiver, kind, TypeId::of::<F>, Closure(slot))
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
        self.connect(&receiver, kind, TypeId::of::<F>, Method::new(slot))
    }

    #[track_caller]
    fn connect<D, S>(
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
        let _ = self.sender.post(move |sender| {
            attach::<D::Receiver, T, S>(select(sender), wire, &receiver, kind, function);
        });
        connection
    }
}

impl<R: Receiver, T: 'static> fmt::Debug for RemoteSignal<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSignal").field("sender", &self.sender).finish_non_exhaustive()
    }
}
