//! Events: messages sent or posted to one object.
//!
//! A signal goes to any number of receivers. An event goes to one object, on this path:
//!
//! ```text
//!   post_event ──► queue of the loop, by priority ─┐
//!   send_event ────────────────────────────────────┴─► filters of the application ─┐
//!   ┌──────────────────────────────────────────────────────────────────────────────┘
//!   └─► filters of the object ─► class of the object ─► EventHandler of the object
//!
//!   (each of them may stop the event)
//! ```
//!
//! A class says what it does with events by implementing [`EventHandler`](crate::EventHandler). The
//! functions of that trait have the names of those that one overrides in Qt: `event()`,
//! `timer_event()`, `custom_event()`, `child_event()` and `event_filter()`. The library's own
//! events, a timer's or a queued slot's, go to their class, and filters see them, too.
//!
//! # Examples
//!
//! ```
//! use std::cell::Cell;
//! use qcore::{EventHandler, EventType, QCoreApplication, QEvent, QObject, class};
//!
//! const MEASURED: EventType = EventType::user(1);
//!
//! class! {
//!     /// Shows what was measured last.
//!     pub struct Thermometer: QObject {
//!         degrees: Cell<f64> = Cell::new(0.0),
//!     }
//! }
//!
//! impl EventHandler for Thermometer {
//!     fn custom_event(&self, event: &QEvent) {
//!         if let (MEASURED, Some(degrees)) = (event.event_type(), event.data()) {
//!             self.degrees.set(*degrees);
//!         }
//!     }
//! }
//!
//! let app = QCoreApplication::new();
//! let thermometer = Thermometer::derive(QObject::new());
//! QCoreApplication::post_event(&thermometer, QEvent::with_data(MEASURED, 21.5));
//! assert_eq!(thermometer.degrees.get(), 0.0);
//! app.process_events();
//! assert_eq!(thermometer.degrees.get(), 21.5);
//! ```

mod kind;

use std::{any::Any, cell::Cell, fmt};

pub use self::kind::EventType;
use crate::event_loop::TimerId;

/// A priority of posted events: sent before events of normal priority.
#[doc(alias = "Qt::HighEventPriority")]
pub const HIGH_EVENT_PRIORITY: i32 = 1;
/// The default priority of posted events.
#[doc(alias = "Qt::NormalEventPriority")]
pub const NORMAL_EVENT_PRIORITY: i32 = 0;
/// A priority of posted events: sent after events of normal priority.
#[doc(alias = "Qt::LowEventPriority")]
pub const LOW_EVENT_PRIORITY: i32 = -1;

/// An event: a type and its data.
///
/// An event may carry [data](QEvent::with_data) of any type. In Qt, one derives a class from
/// `QEvent` for that. See [the module](self) for the path of an event. Stands for Qt's
/// [QEvent](https://doc.qt.io/qt-5/qevent.html).
pub struct QEvent {
    kind: EventType,
    accepted: Cell<bool>,
    left: Cell<bool>,
    data: Data,
}

enum Data {
    None,
    Timer(QTimerEvent),
    /// An event class that a layer above this one defines.
    Class(Box<dyn EventClass>),
    Own(Box<dyn Any>),
}

/// An event class of the library that a layer above this one defines.
pub(crate) trait EventClass: Any {
    /// Returns the name and the value that an event of the class shows in debug output.
    fn shown(&self) -> (&'static str, &dyn fmt::Debug);
}

impl QEvent {
    /// Creates an event without data.
    #[must_use]
    pub fn new(kind: EventType) -> Self {
        Self::of(kind, Data::None)
    }

    /// Creates an event that carries `data`. [`data`](QEvent::data) returns it.
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
        QEvent { kind, accepted: Cell::new(true), left: Cell::new(false), data }
    }

    pub(crate) fn of_timer(timer_id: TimerId) -> Self {
        let left = Cell::new(false);
        Self::of(EventType::TIMER, Data::Timer(QTimerEvent { timer_id, left }))
    }

    pub(crate) fn of_class(kind: EventType, class: impl EventClass) -> Self {
        Self::of(kind, Data::Class(Box::new(class)))
    }

    /// Returns the event's data as class `T`, if it is of that class.
    pub(crate) fn class<T: EventClass>(&self) -> Option<&T> {
        match &self.data {
            Data::Class(class) => (&**class as &dyn Any).downcast_ref(),
            _ => None,
        }
    }

    /// Returns whether every object recognizes this event, even if it does nothing with it. These
    /// are the events for which Qt's `QObject` has a virtual function.
    pub(crate) fn is_known_to_all(&self) -> bool {
        let has_class = matches!(self.data, Data::Timer(_) | Data::Class(_));
        has_class || self.kind >= EventType::USER
    }

    /// The function that was called with the event is one that its class does not override: the
    /// base class's is to be called.
    pub(crate) fn leave_to_base(&self) {
        self.left.set(true);
    }

    /// Returns whether `leave_to_base` was called since the last call of this function.
    pub(crate) fn take_left(&self) -> bool {
        let timer = self.timer().is_some_and(|event| event.left.take());
        self.left.take() || timer
    }

    /// Returns the type.
    #[doc(alias = "type")]
    #[inline]
    #[must_use]
    pub fn event_type(&self) -> EventType {
        self.kind
    }

    /// Returns the data if it is of type `T`.
    #[must_use]
    pub fn data<T: Any>(&self) -> Option<&T> {
        match &self.data {
            Data::Own(data) => data.downcast_ref(),
            _ => None,
        }
    }

    /// Returns the timer event, if the type is [`EventType::TIMER`].
    #[must_use]
    pub fn timer(&self) -> Option<&QTimerEvent> {
        match &self.data {
            Data::Timer(event) => Some(event),
            _ => None,
        }
    }

    /// Returns whether the event is accepted. The default is `true`. The flag only tells the sender
    /// what the receiver has set.
    #[doc(alias = "isAccepted")]
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.get()
    }

    /// Sets whether the event is accepted.
    #[doc(alias = "setAccepted")]
    pub fn set_accepted(&self, accepted: bool) {
        self.accepted.set(accepted);
    }

    /// Accepts the event; the same as [`set_accepted(true)`](QEvent::set_accepted).
    pub fn accept(&self) {
        self.set_accepted(true);
    }

    /// Ignores the event; the same as [`set_accepted(false)`](QEvent::set_accepted).
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

/// The event that tells an object that one of its timers is due.
#[derive(Clone)]
pub struct QTimerEvent {
    timer_id: TimerId,
    left: Cell<bool>,
}

impl QTimerEvent {
    /// Returns the id of the timer: the value that [`start_timer`](crate::QObject::start_timer) or
    /// [`QBasicTimer::timer_id`](crate::QBasicTimer::timer_id) returned.
    #[doc(alias = "timerId")]
    #[must_use]
    pub fn timer_id(&self) -> TimerId {
        self.timer_id
    }

    /// [`QEvent::leave_to_base`].
    pub(crate) fn leave_to_base(&self) {
        self.left.set(true);
    }
}

impl fmt::Debug for QTimerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QTimerEvent").field("timer_id", &self.timer_id).finish()
    }
}
