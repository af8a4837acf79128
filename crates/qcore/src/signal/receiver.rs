//! [`Receiver`]: the owner of a slot.

use std::rc::{Rc, Weak};

use crate::classes::{Life, Object};

/// The owner of a slot: an object handle, or an `Rc<T>` of any `T`.
///
/// A connection made with [`Signal::connect_to`](crate::Signal::connect_to) holds its receiver
/// weakly. The slot gets an object as its handle, and an `Rc<T>` as `&T`, so that a method of
/// `&self` is a slot in both cases.
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
pub trait Receiver: 'static {
    /// The type of the reference that the slot gets.
    type Target: ?Sized;

    /// A weak reference, which does not keep the receiver alive.
    type Weak: 'static;

    /// Returns a weak reference to the receiver.
    fn downgrade(&self) -> Self::Weak;

    /// Calls `f` with the receiver if it is alive, and returns the result.
    fn with<V>(weak: &Self::Weak, f: impl FnOnce(&Self::Target) -> V) -> Option<V>;

    /// Returns whether the receiver is alive.
    fn is_alive(weak: &Self::Weak) -> bool;

    /// Returns a number that identifies this receiver among all others.
    fn identity(&self) -> usize;

    /// Returns the life of the receiver if it is an object. The connections of an object are cut
    /// when it dies.
    fn object_life(&self) -> Option<&Rc<Life>>;
}

impl<O: Object> Receiver for O {
    type Target = O;
    type Weak = O::Weak;

    fn downgrade(&self) -> O::Weak {
        self.to_weak()
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

    fn downgrade(&self) -> Weak<T> {
        Rc::downgrade(self)
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
