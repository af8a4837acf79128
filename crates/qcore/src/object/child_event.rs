//! [`QChildEvent`]: tells a parent that it has gained or lost a child.

use std::fmt;

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
#[derive(Clone, Debug)]
pub struct QChildEvent {
    kind: EventType,
    child: QObject,
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
}

impl EventClass for QChildEvent {
    fn shown(&self) -> (&'static str, &dyn fmt::Debug) {
        ("child", &self.child)
    }
}

impl QEvent {
    pub(super) fn of_child(kind: EventType, child: QObject) -> Self {
        Self::of_class(kind, QChildEvent { kind, child })
    }

    /// Returns the child event, if the type is [`EventType::CHILD_ADDED`] or
    /// [`EventType::CHILD_REMOVED`].
    #[must_use]
    pub fn child(&self) -> Option<&QChildEvent> {
        self.class()
    }
}
