//! Methods as slots, in each shape in which people write them.

use std::{rc::Rc, sync::Arc};

use super::{
    receiver::Strong,
    shape::{ByReference, ByValue, Lent, Nothing, OfObject, OfPair, OfRc, Parts, Whole},
};
use crate::classes::{Inherits, Object};

/// A method that can be a slot: what [`connect_slot`](crate::Signal::connect_slot) takes.
///
/// For a signal of type `T` the method takes the receiver, `&self`, and after it one of these:
///
/// | of the value | parameter | for |
/// | --- | --- | --- |
/// | nothing | | any `T` |
/// | the value by reference | `&T` | any `T` |
/// | a clone of the value | `T` | `T: Clone` |
/// | what the value [lends](Lend) | `&str`, `&[U]`, `&U` | `String`, `Vec<U>`, a pointer to `U` |
///
/// If `T` is a tuple of two to four, the method may also take its parts as parameters of their own,
/// each in one of these ways; and, as in Qt, the first parts alone. A slot returns nothing. The
/// receiver may be taken as one of a base class. If there are [two](crate::IntoReceiver), the
/// method takes both, and then the value.
///
/// The parameters `Kind` and `Shape` are for the compiler to choose among these.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use qcore::{QObject, Signal, class};
///
/// class! {
///     /// Writes down what it hears.
///     pub struct Log: QObject {
///         lines: RefCell<Vec<String>> = RefCell::default(),
///     }
/// }
///
/// impl Log {
///     fn add(&self, line: &str) {
///         self.lines.borrow_mut().push(line.to_owned());
///     }
///
///     fn add_numbered(&self, line: &str, number: i32) {
///         self.add(&format!("{number}: {line}"));
///     }
///
///     fn clear(&self) {
///         self.lines.borrow_mut().clear();
///     }
/// }
///
/// let (said, counted, ended) = (Signal::new(), Signal::new(), Signal::<()>::new());
/// let log = Log::derive(QObject::new());
/// said.connect_slot(&log, Log::add);
/// counted.connect_slot(&log, Log::add_numbered);
/// counted.connect_slot(&log, Log::add);
/// said.emit("hello".to_owned());
/// counted.emit(("world".to_owned(), 2));
/// assert_eq!(*log.lines.borrow(), ["hello", "2: world", "world"]);
///
/// said.connect_slot(&log, Log::clear);
/// ended.connect_slot(&log, QObject::delete_later);
/// said.emit("again".to_owned());
/// assert!(log.lines.borrow().is_empty());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a slot of a signal of `{T}` with a receiver `{R}`",
    label = "not a slot for this signal and receiver",
    note = "a slot is a method of the receiver, `fn(&self)`, that may take the signal's value: as \
            `&T`, as `T` if that is `Clone`, as `&str` of a `String` or `&[T]` of a `Vec<T>`; of a \
            tuple each part in one of these ways; it returns nothing",
    note = "closures are connected with `connect_to`",
    note = "an `async fn` is not a slot: with `connect_to`, connect a closure that starts it as a \
            task, by `spawn_for` or `spawn_local`"
)]
pub trait Slot<Kind, R: ?Sized, T, Shape>: 'static {
    /// Calls the method.
    #[doc(hidden)]
    fn call(&self, receiver: &R, value: &T);
}

/// Values that a signal can pass to a slot in borrowed form: a `String` as a `&str`.
pub trait Lend {
    /// What it lends.
    type Lent: ?Sized;

    /// Lends it.
    fn lend(&self) -> &Self::Lent;
}

impl Lend for String {
    type Lent = str;

    #[inline]
    fn lend(&self) -> &str {
        self
    }
}

impl<T> Lend for Vec<T> {
    type Lent = [T];

    #[inline]
    fn lend(&self) -> &[T] {
        self
    }
}

macro_rules! lend {
    ($($pointer:ident),*) => {$(
        impl<T: ?Sized> Lend for $pointer<T> {
            type Lent = T;

            #[inline]
            fn lend(&self) -> &T {
                self
            }
        }
    )*};
}

lend!(Rc, Arc, Box);

/// Implements one shape for the three kinds of receivers.
macro_rules! shape {
    (
        $shape:ty: [$($generic:ident)*] $value:ident: $type:ty => ($($parameter:ty),*)
        where [$($bound:tt)*] { $(let $parts:tt;)? $($argument:expr),* }
    ) => {
        #[diagnostic::do_not_recommend]
        impl<F, R, Base, $($generic),*> Slot<OfObject, R, $type, (Base, $shape)> for F
        where
            R: Inherits<Base>,
            Base: Object,
            F: Fn(&Base, $($parameter),*) + 'static,
            $($bound)*
        {
            #[inline]
            #[allow(unused_variables)]
            fn call(&self, receiver: &R, $value: &$type) {
                $(let $parts = $value;)?
                self(receiver.as_base(), $($argument),*);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<F, R: ?Sized, $($generic),*> Slot<OfRc, R, $type, $shape> for F
        where
            F: Fn(&R, $($parameter),*) + 'static,
            $($bound)*
        {
            #[inline]
            #[allow(unused_variables)]
            fn call(&self, receiver: &R, $value: &$type) {
                $(let $parts = $value;)?
                self(receiver, $($argument),*);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<F, R1, R2, $($generic),*> Slot<OfPair, (R1, R2), $type, $shape> for F
        where
            R1: Strong,
            R2: Strong,
            F: Fn(&R1::Target, &R2::Target, $($parameter),*) + 'static,
            $($bound)*
        {
            #[inline]
            #[allow(unused_variables)]
            fn call(&self, receiver: &(R1, R2), $value: &$type) {
                $(let $parts = $value;)?
                self(receiver.0.target(), receiver.1.target(), $($argument),*);
            }
        }
    };
}

shape!(Nothing: [T] value: T => () where [] {});
shape!(Whole<ByReference>: [T] value: T => (&T) where [] { value });
shape!(Whole<ByValue>: [T] value: T => (T) where [T: Clone] { value.clone() });
shape!(Whole<Lent>: [T] value: T => (&T::Lent) where [T: Lend] { value.lend() });

/// Implements the shapes that take some parts of a tuple, each part in each way.
macro_rules! parts {
    // Each part has its way.
    (
        [$($generic:ident $part:ident)*] []
        ($($way:ty),*) ($($parameter:ty),*) [$($bound:tt)*] ($($argument:expr),*)
    ) => {
        shape!(
            Parts<($($way,)*)>: [$($generic)*] value: ($($generic,)*) => ($($parameter),*)
            where [$($bound)*] { let ($($part,)*); $($argument),* }
        );
    };
    (
        $all:tt [$generic:ident $part:ident $($rest:tt)*]
        ($($way:ty),*) ($($parameter:ty),*) [$($bound:tt)*] ($($argument:expr),*)
    ) => {
        parts!(
            $all [$($rest)*]
            ($($way,)* ByReference) ($($parameter,)* &$generic) [$($bound)*] ($($argument,)* $part)
        );
        parts!(
            $all [$($rest)*] ($($way,)* ByValue) ($($parameter,)* $generic)
            [$($bound)* $generic: Clone,] ($($argument,)* $part.clone())
        );
        parts!(
            $all [$($rest)*] ($($way,)* Lent) ($($parameter,)* &$generic::Lent)
            [$($bound)* $generic: Lend,] ($($argument,)* $part.lend())
        );
    };
}

parts!([A a B b] [A a] () () [] ());
parts!([A a B b] [A a B b] () () [] ());
parts!([A a B b C c] [A a] () () [] ());
parts!([A a B b C c] [A a B b] () () [] ());
parts!([A a B b C c] [A a B b C c] () () [] ());
parts!([A a B b C c D d] [A a] () () [] ());
parts!([A a B b C c D d] [A a B b] () () [] ());
parts!([A a B b C c D d] [A a B b C c] () () [] ());
parts!([A a B b C c D d] [A a B b C c D d] () () [] ());
