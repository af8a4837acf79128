//! [`sender()`]: the object that emitted the signal whose slot is running.

use super::QObject;
use crate::{classes::Objects, event_loop::Dispatcher};

/// Returns the object whose signal called the running slot.
///
/// It returns `None` outside of slots, in a slot of a signal without an object, and after the
/// sender has died. In a queued slot it returns the object that emitted the signal. Stands for Qt's
/// [QObject::sender()](https://doc.qt.io/qt-5/qobject.html#sender). Unlike that, it does not need a
/// receiver.
///
/// # Examples
///
/// ```
/// use qcore::{QObject, Signal, sender};
///
/// let object = QObject::new();
/// let pressed = Signal::of(&object);
/// object.set_object_name("button");
/// pressed.connect(|()| assert_eq!(sender().unwrap().object_name(), "button"));
/// pressed.emit(());
/// assert!(sender().is_none());
/// ```
#[must_use]
pub fn sender() -> Option<QObject> {
    let dispatcher = Dispatcher::with_sender()?;
    let life = Objects::of(&dispatcher).find(dispatcher.sender())?;
    QObject::of(&life)
}
