//! Lists as parameters.

use std::borrow::Borrow;

/// Copies a list that the callee stores. Callers pass a `Vec`, an array, a slice or an iterator, of
/// values or of references.
///
/// The iterator is user code. The caller borrows nothing while this runs.
pub(crate) fn owned<T: Clone>(list: impl IntoIterator<Item: Borrow<T>>) -> Vec<T> {
    list.into_iter().map(|item| item.borrow().clone()).collect()
}
