//! Marker types for the forms that a slot can have. `Slot` has one implementation for each form,
//! and the marker is a type parameter that keeps these implementations apart.

use std::marker::PhantomData;

pub use super::{connects::Invoke, receiver::Local};

// ---- the receiver

/// The receiver is an object. A slot may be a method of its class or of any base class.
#[derive(Debug)]
pub enum OfObject {}

/// The receiver is in an `Rc`.
#[derive(Debug)]
pub enum OfRc {}

/// There are two receivers.
#[derive(Debug)]
pub enum OfPair {}

// ---- what the method takes

/// The slot takes no value.
#[derive(Debug)]
pub enum Nothing {}

/// The slot takes the whole value, passed as `W` says.
#[derive(Debug)]
pub struct Whole<W>(PhantomData<W>);

/// The slot takes parts of a tuple, passed as `W` says.
#[derive(Debug)]
pub struct Parts<W>(PhantomData<W>);

// ---- in which way

/// The value is passed as a reference.
#[derive(Debug)]
pub enum ByReference {}

/// The value is passed as a clone.
#[derive(Debug)]
pub enum ByValue {}

/// The value is passed as what it dereferences to, such as `&str` for a `String`.
#[derive(Debug)]
pub enum Lent {}

// ---- what connecting makes of a slot

/// A closure that takes the receiver and the value.
#[derive(Debug)]
pub struct Closure<F>(pub(super) F);

/// A method of the receiver, of one of the shapes above.
#[derive(Debug)]
pub struct Method<F, Shape>(pub(super) F, PhantomData<fn() -> Shape>);

impl<F, Shape> Method<F, Shape> {
    pub(super) fn new(method: F) -> Self {
        Method(method, PhantomData)
    }
}
