//! [`QSignalBlocker`]: blocks an object's signals for a scope.

use super::{QObject, QPointer};

/// Blocks the signals of an object until it is dropped. Then it restores the state from before.
///
/// An object whose signals were already blocked stays blocked. Stands for Qt's
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
#[must_use = "the signals are blocked only until the blocker is dropped"]
pub struct QSignalBlocker {
    object: QPointer<QObject>,
    was_blocked: bool,
    active: bool,
}

impl QSignalBlocker {
    /// Blocks the signals of `object`. The blocker does not keep the object alive.
    pub fn new(object: &QObject) -> Self {
        let was_blocked = object.block_signals(true);
        QSignalBlocker { object: QPointer::new(object), was_blocked, active: true }
    }

    /// Restores the state from before the blocker was created, without waiting for its drop.
    pub fn unblock(&mut self) {
        self.active = false;
        if let Some(object) = self.object.upgrade() {
            object.block_signals(self.was_blocked);
        }
    }

    /// Blocks the signals again after [`unblock`](QSignalBlocker::unblock).
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
