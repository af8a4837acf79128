//! [`Receiver`]: the owner of a slot.

use std::rc::{Rc, Weak};

use super::shape::{OfObject, OfPair, OfRc};
use crate::classes::{Life, Object};

/// The owner of a slot: an object, or an `Rc<T>` or `Weak<T>` of any `T`.
///
/// A connection made by [`Signal::connect_to`](crate::Signal::connect_to) or
/// [`connect_slot`](crate::Signal::connect_slot) holds its receiver weakly and hands it to the
/// slot: an object as the handle, an `Rc<T>` or a `Weak<T>` as `&T`, so that a method of `&self` is
/// a slot in each case. Functions of your own that connect something take a reference to a
/// receiver:
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{QTimer, Receiver, Signal, wait_until};
///
/// /// Connects `slot` so that every second emission calls it.
/// fn connect_every_second<R: Receiver>(
///     signal: &Signal<()>,
///     receiver: &R,
///     slot: impl Fn(&R::Target) + 'static,
/// ) {
///     let odd = Cell::new(false);
///     signal.connect_to(receiver, move |receiver, ()| {
///         odd.set(!odd.get());
///         if !odd.get() {
///             slot(receiver);
///         }
///     });
/// }
///
/// let (signal, count) = (Signal::new(), Rc::new(Cell::new(0)));
/// connect_every_second(&signal, &count, |count| count.set(count.get() + 1));
/// for _ in 0..5 {
///     signal.emit(());
/// }
/// assert_eq!(count.get(), 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot receive signals",
    label = "neither an object nor an `Rc`",
    note = "a receiver is an object (a `QTimer`, a class of your own declared with `class!`), an \
            `Rc<T>` or a `Weak<T>`; inside of a method write `self`, not `&self`"
)]
pub trait Receiver: 'static {
    /// The type of the reference that the slot gets.
    type Target: ?Sized;

    /// A weak reference, which does not keep the receiver alive.
    type Weak: 'static;

    /// A reference that keeps the receiver alive: the handle of an object, or an `Rc<T>`.
    type Strong: Strong;

    /// How methods take the receiver.
    #[doc(hidden)]
    type Kind;

    /// Returns a weak reference to the receiver.
    fn downgrade(&self) -> Self::Weak;

    /// Returns a strong reference to the receiver if it is alive.
    fn upgrade(weak: &Self::Weak) -> Option<Self::Strong>;

    /// Calls `f` with the receiver if it is alive, and returns the result.
    fn with<V>(weak: &Self::Weak, f: impl FnOnce(&Self::Target) -> V) -> Option<V>;

    /// Returns whether the receiver is alive.
    fn is_alive(weak: &Self::Weak) -> bool;

    /// Returns a number that identifies this receiver among all others.
    fn identity(&self) -> usize;

    /// Returns the number of the second receiver of a pair, or 0.
    #[doc(hidden)]
    fn second(weak: &Self::Weak) -> usize {
        let _ = weak;
        0
    }

    /// Returns the life of the receiver if it is an object. The connections of an object are cut
    /// when it dies.
    fn object_life(&self) -> Option<&Rc<Life>>;
}

/// A strong reference to a receiver. The slots of a [pair of receivers](IntoReceiver) get two.
pub trait Strong: 'static {
    /// The type that a method of the receiver takes by reference.
    type Target: ?Sized;

    /// Returns the receiver.
    fn target(&self) -> &Self::Target;
}

/// A reference to a [`Receiver`], a pair of such references, or a reference to a
/// [`Remote`](crate::Remote), which is a receiver in another thread. The parameter type of
/// [`connect_to`](crate::Signal::connect_to) and [`connect_slot`](crate::Signal::connect_slot).
///
/// The slot of a pair gets both receivers. The connection ends as soon as one of them dies. Use a
/// pair where a Python program connects `lambda message: self.show(connection, message)`.
///
/// # Examples
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use qcore::{QTimer, Signal};
///
/// #[derive(Default)]
/// struct Log(RefCell<Vec<String>>);
///
/// impl Log {
///     fn add(&self, timer: &QTimer, what: &str) {
///         self.0.borrow_mut().push(format!("{}: {what}", timer.object_name()));
///     }
/// }
///
/// let (log, timer, said) = (Rc::new(Log::default()), QTimer::new(), Signal::<String>::new());
/// timer.set_object_name("tick");
/// said.connect_slot((&log, &timer), Log::add);
/// said.connect_to((&log, &timer), |(log, timer), what| log.add(timer, what));
/// said.emit("hello".to_owned());
/// assert_eq!(*log.0.borrow(), ["tick: hello", "tick: hello"]);
///
/// drop(timer);
/// assert!(!said.is_connected());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot receive signals",
    label = "not a reference to a receiver",
    note = "write `&this`, where `this` is an object, an `Rc<T>` or a `Weak<T>`; inside of a \
            method write `self`; or two of them: `(&this, &other)`"
)]
pub trait IntoReceiver {
    /// The receiver, or a tuple of both receivers.
    type Receiver: Receiver;

    /// Returns the [identity](Receiver::identity) of the receiver, or of the first one of a pair.
    fn identity(&self) -> usize;

    /// Returns the number of the second receiver of a pair, or 0.
    #[doc(hidden)]
    fn second_identity(&self) -> usize {
        0
    }
}

/// A receiver, or a pair of receivers, in the thread of the caller.
pub trait Local: IntoReceiver {
    /// Returns a weak reference to the receiver or to both.
    fn downgrade(&self) -> <Self::Receiver as Receiver>::Weak;

    /// Returns the lives of the receivers that are objects.
    fn lives(&self) -> [Option<&Rc<Life>>; 2];
}

/// The type that a slot of `R` gets.
pub type TargetOf<R> = <<R as IntoReceiver>::Receiver as Receiver>::Target;

/// How a method takes a receiver of type `R`.
#[doc(hidden)]
pub type KindOf<R> = <<R as IntoReceiver>::Receiver as Receiver>::Kind;

impl<R: Receiver> IntoReceiver for &R {
    type Receiver = R;

    fn identity(&self) -> usize {
        R::identity(self)
    }
}

impl<R: Receiver> Local for &R {
    fn downgrade(&self) -> R::Weak {
        R::downgrade(self)
    }

    fn lives(&self) -> [Option<&Rc<Life>>; 2] {
        [R::object_life(self), None]
    }
}

impl<A: Receiver, B: Receiver> IntoReceiver for (&A, &B) {
    type Receiver = (A, B);

    fn identity(&self) -> usize {
        self.0.identity()
    }

    fn second_identity(&self) -> usize {
        self.1.identity()
    }
}

impl<A: Receiver, B: Receiver> Local for (&A, &B) {
    fn downgrade(&self) -> (A::Weak, B::Weak, usize) {
        (self.0.downgrade(), self.1.downgrade(), self.1.identity())
    }

    fn lives(&self) -> [Option<&Rc<Life>>; 2] {
        [self.0.object_life(), self.1.object_life()]
    }
}

#[diagnostic::do_not_recommend]
impl<O: Object> Receiver for O {
    type Target = O;
    type Weak = O::Weak;
    type Strong = O;
    type Kind = OfObject;

    fn downgrade(&self) -> O::Weak {
        self.to_weak()
    }

    fn upgrade(weak: &O::Weak) -> Option<O> {
        O::from_weak(weak)
    }

    #[inline]
    fn with<V>(weak: &O::Weak, f: impl FnOnce(&O) -> V) -> Option<V> {
        let object = O::from_weak(weak)?;
        Some(f(&object))
    }

    fn is_alive(weak: &O::Weak) -> bool {
        <O as Object>::is_alive(weak)
    }

    fn identity(&self) -> usize {
        Rc::as_ptr(Object::life(self)).addr()
    }

    fn object_life(&self) -> Option<&Rc<Life>> {
        Some(Object::life(self))
    }
}

impl<T: ?Sized + 'static> Receiver for Rc<T> {
    type Target = T;
    type Weak = Weak<T>;
    type Strong = Rc<T>;
    type Kind = OfRc;

    fn downgrade(&self) -> Weak<T> {
        Rc::downgrade(self)
    }

    fn upgrade(weak: &Weak<T>) -> Option<Rc<T>> {
        weak.upgrade()
    }

    #[inline]
    fn with<V>(weak: &Weak<T>, f: impl FnOnce(&T) -> V) -> Option<V> {
        let receiver = weak.upgrade()?;
        Some(f(&receiver))
    }

    fn is_alive(weak: &Weak<T>) -> bool {
        weak.strong_count() > 0
    }

    fn identity(&self) -> usize {
        Rc::as_ptr(self).cast::<()>().addr()
    }

    fn object_life(&self) -> Option<&Rc<Life>> {
        None
    }
}

impl<T: ?Sized + 'static> Receiver for Weak<T> {
    type Target = T;
    type Weak = Weak<T>;
    type Strong = Rc<T>;
    type Kind = OfRc;

    fn downgrade(&self) -> Weak<T> {
        self.clone()
    }

    fn upgrade(weak: &Weak<T>) -> Option<Rc<T>> {
        weak.upgrade()
    }

    #[inline]
    fn with<V>(weak: &Weak<T>, f: impl FnOnce(&T) -> V) -> Option<V> {
        let receiver = weak.upgrade()?;
        Some(f(&receiver))
    }

    fn is_alive(weak: &Weak<T>) -> bool {
        weak.strong_count() > 0
    }

    fn identity(&self) -> usize {
        self.as_ptr().cast::<()>().addr()
    }

    fn object_life(&self) -> Option<&Rc<Life>> {
        None
    }
}

impl<A: Receiver, B: Receiver> Receiver for (A, B) {
    type Target = (A::Strong, B::Strong);
    type Weak = (A::Weak, B::Weak, usize);
    type Strong = (A::Strong, B::Strong);
    type Kind = OfPair;

    fn downgrade(&self) -> Self::Weak {
        (self.0.downgrade(), self.1.downgrade(), self.1.identity())
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self::Strong> {
        Some((A::upgrade(&weak.0)?, B::upgrade(&weak.1)?))
    }

    #[inline]
    fn with<V>(weak: &Self::Weak, f: impl FnOnce(&Self::Target) -> V) -> Option<V> {
        let both = Self::upgrade(weak)?;
        Some(f(&both))
    }

    fn is_alive(weak: &Self::Weak) -> bool {
        A::is_alive(&weak.0) && B::is_alive(&weak.1)
    }

    fn identity(&self) -> usize {
        self.0.identity()
    }

    fn second(weak: &Self::Weak) -> usize {
        weak.2
    }

    fn object_life(&self) -> Option<&Rc<Life>> {
        self.0.object_life()
    }
}

#[diagnostic::do_not_recommend]
impl<O: Object> Strong for O {
    type Target = O;

    #[inline]
    fn target(&self) -> &O {
        self
    }
}

impl<T: ?Sized + 'static> Strong for Rc<T> {
    type Target = T;

    #[inline]
    fn target(&self) -> &T {
        self
    }
}

impl<A: Strong, B: Strong> Strong for (A, B) {
    type Target = (A, B);

    #[inline]
    fn target(&self) -> &(A, B) {
        self
    }
}
