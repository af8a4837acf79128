//! How a class overrides the virtual functions of its base classes.
//!
//! Each class with virtual functions has a trait for them: `EventHandler` for `QObject`,
//! `DeviceBackend` for `QIODevice`, `IncomingConnection` for `QTcpServer`. The expansion of
//! [`class!`](crate::class!) calls `install` on a [`Probe`] for each base class. Method resolution
//! finds the method of [`Overrides`] if the new class implements the trait. Otherwise it finds the
//! method of [`NotOverridden`], which needs one more reference. This works only because the class
//! is a concrete type in the expansion, not a type parameter.

use std::{marker::PhantomData, rc::Rc};

use super::{Life, Node, Object};
use crate::panics::guard;

/// Implemented if class `Self` is class `B` or derives from it.
///
/// Use it as the bound of a function that takes objects of class `B` and of all derived classes:
///
/// ```
/// use qcore::{QIODevice, QObject, QTimer, classes::Inherits};
///
/// fn name_of(object: &impl Inherits<QObject>) -> String {
///     object.as_base().object_name()
/// }
///
/// let timer = QTimer::new();
/// timer.set_object_name("tick");
/// assert_eq!(name_of(&timer), "tick");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not derive from `{B}`",
    label = "not a class derived from `{B}`"
)]
pub trait Inherits<B: Object>: Object {
    /// Returns the object as an object of class `B`.
    fn as_base(&self) -> &B;
}

/// A value that `From` converts into a handle of class `B`: a handle of a derived class, or a
/// reference to a handle of `B` or of a derived class.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not derive from `{B}`",
    label = "not an object of a class derived from `{B}`"
)]
pub trait IntoBase<B> {
    fn into_base(self) -> B;
}

impl<B: Object, D: Inherits<B>> IntoBase<B> for &D {
    fn into_base(self) -> B {
        self.as_base().clone()
    }
}

/// The end of a list of classes.
#[doc(hidden)]
#[derive(Debug)]
pub enum NoClass {}

/// A list of classes with virtual functions, most derived first: `(QTcpServer, (QObject,
/// NoClass))`.
#[doc(hidden)]
pub trait Virtual {
    type Class;
    type Rest: Virtual;
    const LENGTH: usize;
}

impl Virtual for NoClass {
    type Class = NoClass;
    type Rest = NoClass;
    const LENGTH: usize = 0;
}

impl<C, R: Virtual> Virtual for (C, R) {
    type Class = C;
    type Rest = R;
    const LENGTH: usize = 1 + R::LENGTH;
}

/// Asks whether class `T` overrides the virtual functions of class `B`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<'a, B, T> {
    object: &'a T,
    base: PhantomData<fn() -> B>,
}

impl<'a, B, T> Probe<'a, B, T> {
    pub fn new(object: &'a T) -> Self {
        Probe { object, base: PhantomData }
    }

    pub fn object(&self) -> &'a T {
        self.object
    }
}

/// Installs the functions of class `T` that override those of class `B`. The crate of `B`
/// implements this trait for `Probe<'_, B, T>`.
#[doc(hidden)]
pub trait Overrides<B> {
    /// `()`, or a type whose missing [`CanOverride`] makes the compiler say why `T` must not
    /// override the functions.
    type Outcome;
    fn install(&self) -> Self::Outcome;
}

/// Does nothing, for a class that overrides no functions.
#[doc(hidden)]
pub trait NotOverridden {
    fn install(&self) {}
}

impl<B, T> NotOverridden for &Probe<'_, B, T> {}

/// Accepts the result of [`Overrides::install`]. Compiles only if the class may override the
/// functions.
#[doc(hidden)]
pub fn installed<O: CanOverride>(_: O) {}

/// The result of [`Overrides::install`] for a class that may override the functions.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this class cannot implement `DeviceBackend`",
    label = "the device functions of its base class are final",
    note = "sockets and buffers have device functions of their own; `DeviceBackend` is for a class \
            derived from `QIODevice` itself"
)]
pub trait CanOverride {}

impl CanOverride for () {}

/// The destructor of a class of your own.
///
/// The library calls it when an object of the class dies, before the destructor of the base class.
/// The object's signals still reach their slots then. See [how objects die](crate::object#death).
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use qcore::{Destructor, QObject, class};
///
/// class! {
///     /// Says goodbye.
///     pub struct Guest: QObject {
///         said: Rc<RefCell<Vec<&'static str>>>,
///     }
/// }
///
/// impl Destructor for Guest {
///     fn destructor(&self) {
///         self.said.borrow_mut().push("goodbye");
///     }
/// }
///
/// let said = Rc::default();
/// let guest = Guest::derive(QObject::new(), Rc::clone(&said));
/// drop(guest);
/// assert_eq!(*said.borrow(), ["goodbye"]);
/// ```
pub trait Destructor {
    /// Cleans up when the object dies.
    fn destructor(&self);
}

impl<T: Destructor + Object> Probe<'_, NoClass, T> {
    /// Calls the destructor of class `T` and then that of its base class, also after a panic.
    pub fn destroy(life: &Rc<Life>, base: &dyn Node) {
        struct Base<'a>(&'a dyn Node);
        impl Drop for Base<'_> {
            fn drop(&mut self) {
                self.0.destructor();
            }
        }
        let _base = Base(base);
        if let Some(object) = life.cast::<T>() {
            guard("a destructor", || object.destructor());
        }
    }
}

/// Calls only the base class's destructor, for a class without one of its own.
#[doc(hidden)]
pub trait NoDestructor {
    fn destroy(_: &Rc<Life>, base: &dyn Node) {
        base.destructor();
    }
}

impl<T> NoDestructor for Probe<'_, NoClass, T> {}

/// A class that was declared with [`class!`](crate::class!).
#[doc(hidden)]
pub trait OwnClass {
    type Node: Node;
}
