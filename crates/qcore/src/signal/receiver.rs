//! What a slot can belong to.

use std::rc::{Rc, Weak};

use crate::classes::{Life, Object};

/// Something that slots belong to: an object handle, or an `Rc<T>` of any `T`.
///
/// A connection made by [`Signal::connect_to`](crate::Signal::connect_to) holds its receiver weakly
/// and hands it to the slot: an object as the handle, an `Rc<T>` as `&T`, so that a method of `&self`
/// is a slot in either case.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{QTimer, Receiver, Signal, wait_until};
///
/// /// Tells `receiver` of every second emission.
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
    /// What the slot is given.
    type Target: ?Sized;

    /// A reference that does not keep the receiver.
    type Weak: 'static;

    /// Makes a weak reference.
    fn downgrade(&self) -> Self::Weak;

    /// Runs `f` on the receiver, if it lives.
    fn with<V>(weak: &Self::Weak, f: impl FnOnce(&Self::Target) -> V) -> Option<V>;

    /// Whether the receiver lives.
    fn is_alive(weak: &Self::Weak) -> bool;

    /// A number that tells this receiver from all others.
    fn identity(&self) -> usize;

    /// The life of an object, which has its connections cut when it dies.
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
