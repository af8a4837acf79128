//! [`Parcel`]: a delivery from another thread, of one call or of several.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::VecDeque,
    iter,
};

use super::posted::Deliver;
use crate::panics::drop_all;

/// The maximum number of calls in one parcel.
const MAX_CALLS: usize = 256;

/// The maximum size of the values in one parcel, in bytes, if there are several. A parcel frees its
/// memory after its last call, and it grows under the lock of the inbox.
const MAX_BYTES: usize = 64 * 1024;

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
    /// The maximum number of calls with such values in one parcel.
    const LIMIT: usize = match size_of::<V>() {
        0..=256 => MAX_CALLS,
        size if size > MAX_BYTES => 1,
        size => MAX_BYTES / size,
    };

    pub(crate) fn new(first: V) -> Self {
        Values { first: Cell::new(Some(first)), more: RefCell::default(), left: Cell::new(1) }
    }

    /// Adds a value. Returns it if the parcel is full.
    #[inline]
    pub(crate) fn add(&mut self, value: V) -> Result<(), V> {
        let left = self.left.get_mut();
        if *left == Self::LIMIT {
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
    /// Drops the values one by one, as if each of them had a parcel of its own.
    fn drop(&mut self) {
        drop_all(iter::from_fn(|| self.take()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many values a parcel takes.
    fn count<V: Clone>(value: &V) -> usize {
        let mut values = Values::new(value.clone());
        1 + iter::repeat_with(|| values.add(value.clone())).take_while(Result::is_ok).count()
    }

    #[test]
    fn a_parcel_of_large_values_has_few_of_them() {
        assert_eq!((count(&()), count(&[0_u8; 256])), (256, 256));
        assert_eq!((count(&[0_u8; 257]), count(&[0_u8; 30_000])), (255, 2));
        assert_eq!((count(&[0_u8; 65_536]), count(&[0_u8; 70_000])), (1, 1));
    }
}
