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
//! An object of the program's own is a struct with a [`QObject`](crate::QObject) in it. What it
//! does with events, in Qt by overriding `event()`, `timerEvent()`, `customEvent()`, `childEvent()`
//! and `eventFilter()`, it says by implementing [`EventHandler`](crate::EventHandler), whose
//! functions have these names; and tells its `QObject`, by
//! [`set_event_handler`](crate::QObject::set_event_handler). The library's own events, a timer's or
//! a queued slot's, go to their class, and filters see them, too.
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

mod kind;

use std::{any::Any, cell::Cell, fmt};

pub use self::kind::EventType;
use crate::event_loop::TimerId;

/// A priority of posted events: before the usual ones.
#[doc(alias = "Qt::HighEventPriority")]
pub const HIGH_EVENT_PRIORITY: i32 = 1;
/// The priority that posted events have unless they are given another.
#[doc(alias = "Qt::NormalEventPriority")]
pub const NORMAL_EVENT_PRIORITY: i32 = 0;
/// A priority of posted events: behind the usual ones.
#[doc(alias = "Qt::LowEventPriority")]
pub const LOW_EVENT_PRIORITY: i32 = -1;

/// An event: a type, and what belongs to it.
///
/// Stands for Qt's [QEvent](https://doc.qt.io/qt-5/qevent.html). Where one would derive a class
/// from that, an event here carries [data](QEvent::with_data) of any type. See [the module](self)
/// for how one travels.
pub struct QEvent {
    kind: EventType,
    accepted: Cell<bool>,
    data: Data,
}

enum Data {
    None,
    Timer(QTimerEvent),
    /// A class of events of an upper layer.
    Class(Box<dyn EventClass>),
    Own(Box<dyn Any>),
}

/// A class of events of the library whose type an upper layer knows.
pub(crate) trait EventClass: Any {
    /// The name and the value that an event of the class shows in debug output.
    fn shown(&self) -> (&'static str, &dyn fmt::Debug);
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

    pub(crate) fn of_class(kind: EventType, class: impl EventClass) -> Self {
        Self::of(kind, Data::Class(Box::new(class)))
    }

    /// The event as one of class `T`, if it is.
    pub(crate) fn class<T: EventClass>(&self) -> Option<&T> {
        match &self.data {
            Data::Class(class) => (&**class as &dyn Any).downcast_ref(),
            _ => None,
        }
    }

    /// Whether every object knows events of this kind, if only to ignore them: those for which Qt's
    /// `QObject` has a function of their own.
    pub(crate) fn is_known_to_all(&self) -> bool {
        let has_class = matches!(self.data, Data::Timer(_) | Data::Class(_));
        has_class || self.kind >= EventType::USER
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

    /// Whether the event is accepted, as it is when new. A mark from the receiver for the sender,
    /// nothing more.
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
            Data::Class(class) => {
                let (name, value) = class.shown();
                debug.field(name, value)
            }
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
    /// Which one: what [`start_timer`](crate::QObject::start_timer) returned, or
    /// [`QBasicTimer::timer_id`](crate::QBasicTimer::timer_id).
    #[doc(alias = "timerId")]
    #[must_use]
    pub fn timer_id(&self) -> TimerId {
        self.timer_id
    }
}
