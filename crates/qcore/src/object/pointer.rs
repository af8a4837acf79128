//! [`QPointer`]: a weak reference to an object.

use std::fmt;

use crate::classes::Object;

/// A weak handle: it does not keep the object alive, and tells whether the object has died.
///
/// Use it in the closure of a slot for an object that is not the receiver, so that the closure does
/// not keep that object alive. Stands for Qt's [QPointer](https://doc.qt.io/qt-5/qpointer.html).
///
/// # Examples
///
/// ```
/// use qcore::{QPointer, QTimer};
///
/// let timer = QTimer::new();
/// let pointer = QPointer::new(&timer);
/// assert_eq!(pointer.upgrade(), Some(timer.clone()));
/// drop(timer);
/// assert!(pointer.is_null());
/// ```
pub struct QPointer<T: Object>(Option<T::Weak>);

impl<T: Object> QPointer<T> {
    /// Creates a weak handle to `object`.
    #[must_use]
    pub fn new(object: &T) -> Self {
        QPointer(Some(object.to_weak()))
    }

    /// Returns a handle to the object, or `None` if it has died.
    #[doc(alias = "data")]
    #[doc(alias = "get")]
    #[must_use]
    pub fn upgrade(&self) -> Option<T> {
        T::from_weak(self.0.as_ref()?)
    }

    /// Returns whether the object has died, or the pointer refers to no object.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        !self.0.as_ref().is_some_and(T::is_alive)
    }

    /// Makes the pointer refer to no object.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

impl<T: Object> Default for QPointer<T> {
    /// Returns a pointer that refers to no object.
    fn default() -> Self {
        QPointer(None)
    }
}

impl<T: Object> Clone for QPointer<T> {
    fn clone(&self) -> Self {
        QPointer(self.0.clone())
    }
}

impl<T: Object> From<&T> for QPointer<T> {
    fn from(object: &T) -> Self {
        QPointer::new(object)
    }
}

impl<T: Object + fmt::Debug> fmt::Debug for QPointer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QPointer").field(&self.upgrade()).finish()
    }
}
