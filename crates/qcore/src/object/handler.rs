//! Who is asked when an event comes to an object.

use std::rc::Rc;

use super::{QChildEvent, QObject};
use crate::{
    classes::{Handler, Life, Object},
    event::{EventType, QEvent, QTimerEvent},
    signal::Receiver,
};

/// What an object does with its events: the virtual functions of Qt's `QObject`.
///
/// All of them do nothing unless they are written. Implement it for the type that has the `QObject`
/// in it, and name that to the object by [`QObject::set_event_handler`], or to another one by
/// [`QObject::install_event_filter`]. See [the module of events](crate::event) for an example.
pub trait EventHandler {
    /// An event has come for the object. Returns whether it was known and dealt with, which is what
    /// [`send_event`](crate::QCoreApplication::send_event) returns.
    ///
    /// Unless it is written it does what [`handle_event`] does: it calls one of the next three.
    fn event(&self, event: &QEvent) -> bool {
        handle_event(self, event)
    }

    /// A timer that was started by [`QObject::start_timer`] or a
    /// [`QBasicTimer`](crate::QBasicTimer) is due.
    #[doc(alias = "timerEvent")]
    fn timer_event(&self, event: &QTimerEvent) {
        let _ = event;
    }

    /// The object has got a child, or has one less. Sent at once, before whatever is posted.
    #[doc(alias = "childEvent")]
    fn child_event(&self, event: &QChildEvent) {
        let _ = event;
    }

    /// An event of the program's own, from [`EventType::USER`] on.
    #[doc(alias = "customEvent")]
    fn custom_event(&self, event: &QEvent) {
        let _ = event;
    }

    /// An event has come for `watched`, of which this is a filter. Returns whether it ends here:
    /// then `watched`, and the filters that were installed earlier, are not told.
    #[doc(alias = "eventFilter")]
    fn event_filter(&self, watched: &QObject, event: &QEvent) -> bool {
        let _ = (watched, event);
        false
    }
}

/// Hands an event to the function of `handler` that is for its type; whether there is one. To be
/// called by those who write [`EventHandler::event`] and have no use for the event themselves.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{EventHandler, EventType, QCoreApplication, QEvent, QObject, object::handle_event};
///
/// /// Counts all events, and leaves them to the functions for their types.
/// #[derive(Default)]
/// struct Counter {
///     all: Cell<u32>,
///     own: Cell<u32>,
/// }
///
/// impl EventHandler for Counter {
///     fn event(&self, event: &QEvent) -> bool {
///         self.all.set(self.all.get() + 1);
///         handle_event(self, event)
///     }
///
///     fn custom_event(&self, _: &QEvent) {
///         self.own.set(self.own.get() + 1);
///     }
/// }
///
/// let (object, counter) = (QObject::new(), Rc::new(Counter::default()));
/// object.set_event_handler(&counter);
/// assert!(QCoreApplication::send_event(&object, &QEvent::new(EventType::USER)));
/// assert!(!QCoreApplication::send_event(&object, &QEvent::new(EventType::NONE)));
/// assert_eq!((counter.all.get(), counter.own.get()), (2, 1));
/// ```
#[doc(alias = "QObject::event")]
pub fn handle_event<H: EventHandler + ?Sized>(handler: &H, event: &QEvent) -> bool {
    if let Some(event) = event.timer() {
        handler.timer_event(event);
    } else if let Some(event) = event.child() {
        handler.child_event(event);
    } else if event.event_type() >= EventType::USER {
        handler.custom_event(event);
    } else {
        return false;
    }
    true
}

impl QObject {
    /// Has `handler` called with the events of this object, instead of whoever was before.
    ///
    /// It is held weakly; mostly it is the `Rc` of the struct that this `QObject` is a field of.
    /// Events that the object's class has a use for itself do not come to it, a
    /// [`QTimer`](crate::QTimer)'s timeout for example: a [filter](QObject::install_event_filter)
    /// sees them.
    #[doc(alias = "event")]
    pub fn set_event_handler<R>(&self, handler: &R)
    where
        R: Receiver,
        R::Target: EventHandler,
    {
        if !self.is_deleted() {
            Object::life(self).set_handler(Rc::new(Weakly::<R>::new(handler)));
        }
    }

    /// Has `filter` see the events of this object first, by its
    /// [`event_filter`](EventHandler::event_filter), which may end them there.
    ///
    /// The filter that was installed last is asked first; one that is installed again moves to the
    /// front. It is held weakly, and as if removed when it has died. One that is installed while an
    /// event passes the filters is asked from the next event on. Filters of the
    /// [application](crate::QCoreApplication) see the events of all objects of its thread, before
    /// the objects' own filters.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::{EventHandler, EventType, QEvent, QObject, QTimer, wait_until};
    ///
    /// #[derive(Default)]
    /// struct Gate {
    ///     held_back: Cell<u32>,
    /// }
    ///
    /// impl EventHandler for Gate {
    ///     fn event_filter(&self, _: &QObject, event: &QEvent) -> bool {
    ///         let ends = event.event_type() == EventType::TIMER;
    ///         self.held_back.set(self.held_back.get() + u32::from(ends));
    ///         ends
    ///     }
    /// }
    ///
    /// let (timer, gate) = (QTimer::new(), Rc::new(Gate::default()));
    /// timer.timeout.connect(|()| unreachable!("no timer event comes through"));
    /// timer.install_event_filter(&gate);
    /// timer.start(1);
    /// assert!(wait_until(5000, || gate.held_back.get() == 2));
    /// ```
    #[doc(alias = "installEventFilter")]
    pub fn install_event_filter<R>(&self, filter: &R)
    where
        R: Receiver,
        R::Target: EventHandler,
    {
        if !self.is_deleted() {
            let handler = Weakly::<R>::new(filter);
            Object::life(self).install_filter(filter.identity(), handler);
        }
    }

    /// Removes a filter; nothing happens if it is none.
    #[doc(alias = "removeEventFilter")]
    pub fn remove_event_filter<R: Receiver>(&self, filter: &R) {
        Object::life(self).remove_filter(filter.identity());
    }
}

/// A handler or filter, held weakly.
struct Weakly<R: Receiver>(R::Weak);

impl<R: Receiver> Weakly<R> {
    fn new(receiver: &R) -> Self {
        Weakly(receiver.downgrade())
    }
}

impl<R: Receiver> Handler for Weakly<R>
where
    R::Target: EventHandler,
{
    fn event(&self, event: &QEvent) -> Option<bool> {
        R::with(&self.0, |handler| handler.event(event))
    }

    fn event_filter(&self, watched: &Rc<Life>, event: &QEvent) -> Option<bool> {
        let watched = QObject::of(watched)?;
        R::with(&self.0, |handler| handler.event_filter(&watched, event))
    }

    fn is_alive(&self) -> bool {
        R::is_alive(&self.0)
    }
}
