//! The event that tells a parent of its children.

use std::fmt;

use super::QObject;
use crate::event::{EventClass, EventType, QEvent};

/// An object has got a child, or has one less.
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
    /// The child. One that has left because it died is good for comparing only.
    #[must_use]
    pub fn child(&self) -> &QObject {
        &self.child
    }

    /// Whether it has come.
    #[must_use]
    pub fn added(&self) -> bool {
        self.kind == EventType::CHILD_ADDED
    }

    /// Whether it has gone.
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

    /// What belongs to an event of [`EventType::CHILD_ADDED`] or [`EventType::CHILD_REMOVED`].
    #[must_use]
    pub fn child(&self) -> Option<&QChildEvent> {
        self.class()
    }
}
