//! [`Connects`]: how a receiver is connected to a signal.

use super::{
    Connection, ConnectionType, Remote, Signal, Slot, Target,
    receiver::{IntoReceiver, Local, Receiver},
    shape::{Closure, Method},
    slot::{Function, ToReceiver},
    wire::connect_remote,
};

/// A receiver that a signal of `T` can be connected to with the slot `S`.
///
/// Every [receiver](crate::IntoReceiver) in the thread of the signal is one. A
/// [`Remote`](crate::Remote), a receiver in another thread, is one if `T` is `Clone + Send` and the
/// slot is `Send`.
///
/// The functions have the bound that `S` fits the receiver, and the trait does not. So the compiler
/// reports only once that a slot does not fit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot receive signals of `{T}`",
    label = "not a reference to a receiver, or not one for this signal",
    note = "write `&this`, where `this` is an object, an `Rc<T>` or a `Weak<T>`; inside of a \
            method write `self`; or two of them: `(&this, &other)`",
    note = "a `&Remote` receives signals from other threads: the values must be `Clone` and \
            `Send`, and the slot must be `Send`"
)]
pub trait Connects<T: 'static, S>: IntoReceiver {
    /// Connects the slot.
    #[doc(hidden)]
    #[track_caller]
    fn connect_receiver(self, signal: &Signal<T>, function: Function, slot: S) -> Connection
    where
        S: Invoke<Self::Receiver, T>;

    /// Connects the slot in the given way.
    #[doc(hidden)]
    #[track_caller]
    fn connect_receiver_with_type(
        self,
        signal: &Signal<T>,
        kind: ConnectionType,
        function: Function,
        slot: S,
    ) -> Connection
    where
        T: Clone,
        S: Invoke<Self::Receiver, T>;
}

/// A slot that gets its receiver from the caller.
pub trait Invoke<R: Receiver, T>: 'static {
    /// Calls the slot.
    fn invoke(&self, receiver: &R::Target, value: &T);
}

impl<R: Receiver, T, F: Fn(&R::Target, &T) + 'static> Invoke<R, T> for Closure<F> {
    #[inline]
    fn invoke(&self, receiver: &R::Target, value: &T) {
        (self.0)(receiver, value);
    }
}

impl<R: Receiver, T, F, Shape: 'static> Invoke<R, T> for Method<F, Shape>
where
    F: Slot<R::Kind, R::Target, T, Shape>,
{
    #[inline]
    fn invoke(&self, receiver: &R::Target, value: &T) {
        self.0.call(receiver, value);
    }
}

#[diagnostic::do_not_recommend]
impl<R: Local, T: 'static, S> Connects<T, S> for R {
    #[track_caller]
    fn connect_receiver(self, signal: &Signal<T>, function: Function, slot: S) -> Connection
    where
        S: Invoke<R::Receiver, T>,
    {
        let call = ToReceiver::<R::Receiver, _>::new(self.downgrade(), slot);
        signal.add(Some(Target::of(&self)), ConnectionType::AUTO, function, call)
    }

    #[track_caller]
    fn connect_receiver_with_type(
        self,
        signal: &Signal<T>,
        kind: ConnectionType,
        function: Function,
        slot: S,
    ) -> Connection
    where
        T: Clone,
        S: Invoke<R::Receiver, T>,
    {
        let call = ToReceiver::<R::Receiver, _>::new(self.downgrade(), slot);
        signal.add_with(Some(Target::of(&self)), kind, function, call)
    }
}

impl<R, T, S> Connects<T, S> for &Remote<R>
where
    R: Receiver,
    T: Clone + Send + 'static,
    S: Send,
{
    #[track_caller]
    fn connect_receiver(self, signal: &Signal<T>, function: Function, slot: S) -> Connection
    where
        S: Invoke<R, T>,
    {
        connect_remote(signal, self, ConnectionType::AUTO, function, slot)
    }

    #[track_caller]
    fn connect_receiver_with_type(
        self,
        signal: &Signal<T>,
        kind: ConnectionType,
        function: Function,
        slot: S,
    ) -> Connection
    where
        S: Invoke<R, T>,
    {
        connect_remote(signal, self, kind, function, slot)
    }
}
