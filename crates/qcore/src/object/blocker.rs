//! Blocking an object's signals for a scope.

use super::{QObject, QPointer};

/// Blocks the signals of an object while it lives; then what was in force before is again.
///
/// An object that was blocked already stays blocked. Stands for Qt's
/// [QSignalBlocker](https://doc.qt.io/qt-5/qsignalblocker.html).
///
/// # Examples
///
/// ```
/// use qcore::{QObject, QSignalBlocker};
///
/// let object = QObject::new();
/// {
///     let _blocker = QSignalBlocker::new(&object);
///     assert!(object.signals_blocked());
/// }
/// assert!(!object.signals_blocked());
/// ```
#[derive(Debug)]
#[must_use = "the signals are blocked only while the blocker lives"]
pub struct QSignalBlocker {
    object: QPointer<QObject>,
    was_blocked: bool,
    active: bool,
}

impl QSignalBlocker {
    /// Blocks the signals of `object`, and does not keep it alive.
    pub fn new(object: &QObject) -> Self {
        let was_blocked = object.block_signals(true);
        QSignalBlocker { object: QPointer::new(object), was_blocked, active: true }
    }

    /// Puts back what was in force when the blocker was made, before it goes.
    pub fn unblock(&mut self) {
        self.active = false;
        if let Some(object) = self.object.upgrade() {
            object.block_signals(self.was_blocked);
        }
    }

    /// Blocks again after [`unblock`](QSignalBlocker::unblock).
    pub fn reblock(&mut self) {
        self.active = true;
        if let Some(object) = self.object.upgrade() {
            object.block_signals(true);
        }
    }
}

impl Drop for QSignalBlocker {
    fn drop(&mut self) {
        if self.active {
            self.unblock();
        }
    }
}
