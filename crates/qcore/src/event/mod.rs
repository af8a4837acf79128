//! Events: what is sent or posted to one object.
//!
//! A signal is for whoever is interested; an event is for one object, and comes to it like this:
//!
//! ```text
//!   post_event ──► the queue of the loop, by priority ─┐
//!   send_event ────────────────────────────────────────┴─► filters of the application ─► filters of the
//!       object ─► its class ─► its EventHandler                      (each may end it there)
//! ```
//!
//! An object of the program's own is a struct with a [`QObject`] in it. What it does with events, in Qt
//! by overriding `event()`, `timerEvent()`, `customEvent()`, `childEvent()` and `eventFilter()`, it says
//! by implementing [`EventHandler`], whose functions have these names; and tells its `QObject`, by
//! [`set_event_handler`](QObject::set_event_handler). The library's own events, a timer's or a queued
//! slot's, go to their class, and filters see them, too.
//!
//! # Examples
//!
//! ```
//! use std::{cell::Cell, rc::Rc};
//! use qcore::{EventHandler, EventType, QCoreApplication, QEvent, QObject};
//!
//! const MEASURED: EventType = EventType::user(1);
//!
//! struct Thermometer {
//!     object: QObject,
//!     degrees: Cell<f64>,
//! }
//!
//! impl EventHandler for Thermometer {
//!     fn custom_event(&self, event: &QEvent) {
//!         if let (MEASURED, Some(degrees)) = (event.event_type(), event.data::<f64>()) {
//!             self.degrees.set(*degrees);
//!         }
//!     }
//! }
//!
//! let app = QCoreApplication::new();
//! let thermometer = Rc::new(Thermometer { object: QObject::new(), degrees: Cell::new(0.0) });
//! thermometer.object.set_event_handler(&thermometer);
//!
//! QCoreApplication::post_event(&thermometer.object, QEvent::with_data(MEASURED, 21.5));
//! assert_eq!(thermometer.degrees.get(), 0.0);
//! app.process_events();
//! assert_eq!(thermometer.degrees.get(), 21.5);
//! ```

mod handler;
mod kind;
mod sending;

use std::{any::Any, cell::Cell, fmt};

pub(crate) use self::handler::EventSide;
pub use self::{
    handler::{EventHandler, handle_event},
    kind::EventType,
    sending::{HIGH_EVENT_PRIORITY, LOW_EVENT_PRIORITY, NORMAL_EVENT_PRIORITY},
};
use crate::{QObject, event_loop::TimerId};

/// An event: a type, and what belongs to it.
///
/// Stands for Qt's [QEvent](https://doc.qt.io/qt-5/qevent.html). Where one would derive a class from
/// that, an event here carries [data](QEvent::with_data) of any type. See [the module](self) for how one
/// travels.
pub struct QEvent {
    kind: EventType,
    accepted: Cell<bool>,
    data: Data,
}

enum Data {
    None,
    Timer(QTimerEvent),
    Child(QChildEvent),
    Own(Box<dyn Any>),
}

impl QEvent {
    /// An event without data.
    #[must_use]
    pub fn new(kind: EventType) -> Self {
        Self::of(kind, Data::None)
    }

    /// An event that carries something; [`data`](QEvent::data) gets at it.
    ///
    /// ```
    /// use qcore::{EventType, QEvent};
    ///
    /// let event = QEvent::with_data(EventType::USER, "twelve".to_owned());
    /// assert_eq!(event.data::<String>().unwrap(), "twelve");
    /// assert_eq!(event.data::<i32>(), None);
    /// ```
    #[must_use]
    pub fn with_data(kind: EventType, data: impl Any) -> Self {
        Self::of(kind, Data::Own(Box::new(data)))
    }

    fn of(kind: EventType, data: Data) -> Self {
        QEvent { kind, accepted: Cell::new(true), data }
    }

    pub(crate) fn of_timer(timer_id: TimerId) -> Self {
        Self::of(EventType::TIMER, Data::Timer(QTimerEvent { timer_id }))
    }

    pub(crate) fn of_child(kind: EventType, child: QObject) -> Self {
        Self::of(kind, Data::Child(QChildEvent { kind, child }))
    }

    /// The type.
    #[doc(alias = "type")]
    #[inline]
    #[must_use]
    pub fn event_type(&self) -> EventType {
        self.kind
    }

    /// The data, if it is a `T`.
    #[must_use]
    pub fn data<T: Any>(&self) -> Option<&T> {
        match &self.data {
            Data::Own(data) => data.downcast_ref(),
            _ => None,
        }
    }

    /// What belongs to an event of [`EventType::TIMER`].
    #[must_use]
    pub fn timer(&self) -> Option<&QTimerEvent> {
        match &self.data {
            Data::Timer(event) => Some(event),
            _ => None,
        }
    }

    /// What belongs to an event of [`EventType::CHILD_ADDED`] or [`EventType::CHILD_REMOVED`].
    #[must_use]
    pub fn child(&self) -> Option<&QChildEvent> {
        match &self.data {
            Data::Child(event) => Some(event),
            _ => None,
        }
    }

    /// Whether the event is accepted, as it is when new. A mark from the receiver for the sender, nothing
    /// more.
    #[doc(alias = "isAccepted")]
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.get()
    }

    /// Marks the event as accepted or not.
    #[doc(alias = "setAccepted")]
    pub fn set_accepted(&self, accepted: bool) {
        self.accepted.set(accepted);
    }

    /// [`set_accepted(true)`](QEvent::set_accepted).
    pub fn accept(&self) {
        self.set_accepted(true);
    }

    /// [`set_accepted(false)`](QEvent::set_accepted).
    pub fn ignore(&self) {
        self.set_accepted(false);
    }
}

impl fmt::Debug for QEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("QEvent");
        debug.field("type", &self.kind).field("accepted", &self.accepted.get());
        match &self.data {
            Data::Timer(event) => debug.field("timer_id", &event.timer_id),
            Data::Child(event) => debug.field("child", &event.child),
            Data::None | Data::Own(_) => &mut debug,
        };
        debug.finish()
    }
}

/// A timer of an object is due.
#[derive(Clone, Debug)]
pub struct QTimerEvent {
    timer_id: TimerId,
}

impl QTimerEvent {
    /// Which one: what [`start_timer`](QObject::start_timer) returned, or
    /// [`QBasicTimer::timer_id`](crate::QBasicTimer::timer_id).
    #[doc(alias = "timerId")]
    #[must_use]
    pub fn timer_id(&self) -> TimerId {
        self.timer_id
    }
}

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
