//! [`QChildEvent`]: tells a parent that it has gained or lost a child.

use std::{cell::Cell, fmt};

use super::QObject;
use crate::event::{EventClass, EventType, QEvent};

/// The event that tells an object that it has gained or lost a child.
///
/// # Examples
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use qcore::{EventHandler, QChildEvent, QObject};
///
/// #[derive(Default)]
/// struct Family(RefCell<Vec<String>>);
///
/// impl EventHandler for Family {
///     fn child_event(&self, event: &QChildEvent) {
///         let what = if event.added() { "came" } else { "left" };
///         self.0.borrow_mut().push(format!("{} {what}", event.child().object_name()));
///     }
/// }
///
/// let (parent, child, family) = (QObject::new(), QObject::new(), Rc::new(Family::default()));
/// parent.set_event_handler(&family);
/// child.set_object_name("Ann");
/// child.set_parent(Some(&parent));
/// child.set_parent(None);
/// assert_eq!(*family.0.borrow(), ["Ann came", "Ann left"]);
/// ```
#[derive(Clone)]
pub struct QChildEvent {
    kind: EventType,
    child: QObject,
    left: Cell<bool>,
}

impl QChildEvent {
    /// Returns the child. A child that was removed because it died can only be compared.
    #[must_use]
    pub fn child(&self) -> &QObject {
        &self.child
    }

    /// Returns whether the child was added.
    #[must_use]
    pub fn added(&self) -> bool {
        self.kind == EventType::CHILD_ADDED
    }

    /// Returns whether the child was removed.
    #[must_use]
    pub fn removed(&self) -> bool {
        self.kind == EventType::CHILD_REMOVED
    }

    /// [`QEvent::leave_to_base`].
    pub(super) fn leave_to_base(&self) {
        self.left.set(true);
    }

    /// Returns whether `leave_to_base` was called since the last call of this function.
    pub(super) fn take_left(&self) -> bool {
        self.left.take()
    }
}

impl fmt::Debug for QChildEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("QChildEvent");
        debug.field("kind", &self.kind).field("child", &self.child).finish()
    }
}

impl EventClass for QChildEvent {
    fn shown(&self) -> (&'static str, &dyn fmt::Debug) {
        ("child", &self.child)
    }
}

impl QEvent {
    pub(super) fn of_child(kind: EventType, child: QObject) -> Self {
        Self::of_class(kind, QChildEvent { kind, child, left: Cell::new(false) })
    }

    /// Returns the child event, if the type is [`EventType::CHILD_ADDED`] or
    /// [`EventType::CHILD_REMOVED`].
    #[must_use]
    pub fn child(&self) -> Option<&QChildEvent> {
        self.class()
    }
}
