//! [`Parcel`]: a delivery from another thread, of one call or of several.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

use super::posted::Deliver;
use crate::panics::contain;

/// The maximum number of calls in one parcel.
const LIMIT: usize = 256;

/// A delivery that a thread sends to the loop of another one.
///
/// Consecutive calls of one kind with one receiver differ only in their values. The inbox gathers
/// such calls in one parcel. So a burst of calls shares one allocation and one place in the loop's
/// queue. The loop still makes each call as a delivery of its own.
pub(crate) trait Parcel: Deliver + Any + Send {}

impl<P: Deliver + Any + Send> Parcel for P {}

/// The values of the calls in a parcel, in the order in which they were sent.
pub(crate) struct Values<V> {
    /// The value of a single call needs no further allocation.
    first: Cell<Option<V>>,
    more: RefCell<VecDeque<V>>,
    left: Cell<usize>,
}

impl<V> Values<V> {
    pub(crate) fn new(first: V) -> Self {
        Values { first: Cell::new(Some(first)), more: RefCell::default(), left: Cell::new(1) }
    }

    /// Adds a value. Returns it if the parcel is full.
    #[inline]
    pub(crate) fn add(&mut self, value: V) -> Result<(), V> {
        let left = self.left.get_mut();
        if *left == LIMIT {
            return Err(value);
        }
        *left += 1;
        self.more.get_mut().push_back(value);
        Ok(())
    }

    /// Takes the value of the next call.
    #[inline]
    pub(crate) fn take(&self) -> Option<V> {
        self.left.set(self.left.get().saturating_sub(1));
        self.first.take().or_else(|| self.more.borrow_mut().pop_front())
    }

    /// Returns whether at most one value is left.
    #[inline]
    pub(crate) fn is_last(&self) -> bool {
        self.left.get() <= 1
    }

    /// Takes all values, for the caller to drop.
    pub(crate) fn take_all(&self) -> Option<Box<dyn Any>>
    where
        V: 'static,
    {
        let (first, more) = (Cell::new(self.first.take()), RefCell::new(self.more.take()));
        Some(Box::new(Values { first, more, left: Cell::new(self.left.take()) }))
    }
}

impl<V> Drop for Values<V> {
    /// Drops the values one by one, as if each of them had a parcel of its own. If several drops
    /// panic, only the first panic goes on: a second one would abort the process.
    fn drop(&mut self) {
        let mut panic = None;
        while let Some(value) = self.take() {
            if panic.is_some() || thread::panicking() {
                let _ = contain(|| drop(value));
            } else {
                panic = catch_unwind(AssertUnwindSafe(|| drop(value))).err();
            }
        }
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }
}
