//! Names of the shapes of slots, by which the compiler tells the implementations of `Slot` apart.

use std::marker::PhantomData;

// ---- the receiver

/// An object: its methods are those of its class and of all base classes.
#[derive(Debug)]
pub enum OfObject {}

/// In an `Rc`.
#[derive(Debug)]
pub enum OfRc {}

/// Two of them.
#[derive(Debug)]
pub enum OfPair {}

// ---- what the method takes

/// Nothing of the value.
#[derive(Debug)]
pub enum Nothing {}

/// The value, in the way `W`.
#[derive(Debug)]
pub struct Whole<W>(PhantomData<W>);

/// The parts of a tuple, in the ways `W`.
#[derive(Debug)]
pub struct Parts<W>(PhantomData<W>);

// ---- in which way

/// As a reference.
#[derive(Debug)]
pub enum ByReference {}

/// As a clone.
#[derive(Debug)]
pub enum ByValue {}

/// What it lends.
#[derive(Debug)]
pub enum Lent {}
