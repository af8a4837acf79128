//! [`EventHandler`]: the functions that handle an object's events.

use std::rc::{Rc, Weak};

use super::{QChildEvent, QObject};
use crate::{
    classes::{Handler, Inherits, Life, Object, Overrides, Probe},
    event::{EventType, QEvent, QTimerEvent},
    signal::Receiver,
};

/// The event handlers of an object: the virtual functions of Qt's `QObject`.
///
/// A class declared by [`class!`](crate::class!) implements the trait, and the functions are called
/// for its objects. A function that a class does not write is that of its base class; `QObject`'s
/// do nothing. [`QObject::install_event_filter`] makes an object a filter of another one. See [the
/// module of events](crate::event) for an example.
///
/// Any other type may implement the trait, too. [`QObject::set_event_handler`] names it to an
/// object.
pub trait EventHandler {
    /// Handles an event for the object. Returns whether the handler recognized it.
    /// [`send_event`](crate::QCoreApplication::send_event) returns this value.
    ///
    /// The default implementation calls [`handle_event`], which calls one of the next three
    /// functions.
    fn event(&self, event: &QEvent) -> bool {
        handle_event(self, event)
    }

    /// Handles the event of a timer. [`QObject::start_timer`] or a
    /// [`QBasicTimer`](crate::QBasicTimer) has started that timer.
    #[doc(alias = "timerEvent")]
    fn timer_event(&self, event: &QTimerEvent) {
        event.leave_to_base();
    }

    /// Handles a child event: the object has gained or lost a child. It is sent immediately, ahead
    /// of posted events.
    #[doc(alias = "childEvent")]
    fn child_event(&self, event: &QChildEvent) {
        event.leave_to_base();
    }

    /// Handles an event of the program's own: one with a type from [`EventType::USER`] on.
    #[doc(alias = "customEvent")]
    fn custom_event(&self, event: &QEvent) {
        event.leave_to_base();
    }

    /// Filters an event for `watched`, on which this filter is installed. Returns whether to stop
    /// the event. If it returns `true`, neither `watched` nor its earlier filters get the event.
    /// The default is `false`.
    #[doc(alias = "eventFilter")]
    fn event_filter(&self, watched: &QObject, event: &QEvent) -> bool {
        let _ = watched;
        event.leave_to_base();
        false
    }
}

/// Calls the function of `handler` for the type of an event. Returns whether there is one. An
/// implementation of [`EventHandler::event`] calls it for events that it does not handle itself.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{EventHandler, EventType, QCoreApplication, QEvent, QObject, object::handle_event};
///
/// /// Counts all events, and passes them to the functions for their types.
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
        event.leave_to_base();
        return false;
    }
    true
}

impl QObject {
    /// Sets the handler of this object's events, and replaces the previous one.
    ///
    /// The object holds the handler weakly. Usually the handler is the `Rc` of the struct that has
    /// this `QObject` as a field. It does not get events that the object's class handles itself,
    /// for example the timeout of a [`QTimer`](crate::QTimer). A
    /// [filter](QObject::install_event_filter) gets these, too.
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

    /// Installs a filter, which gets this object's events first. Its
    /// [`event_filter`](EventHandler::event_filter) may stop them.
    ///
    /// The filter that was installed last is called first. Installing a filter again makes it the
    /// first. The object holds filters weakly, and the death of a filter removes it. A filter that
    /// is installed while an event passes the filters gets the next event. Filters of the
    /// [application](crate::QCoreApplication) get the events of all objects of its thread, before
    /// the filters of the object itself.
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
    /// let (timer, gate) = (QTimer::with_interval(1), Rc::new(Gate::default()));
    /// timer.timeout.connect(|()| unreachable!("the filter stops all timer events"));
    /// timer.install_event_filter(&gate);
    /// timer.start();
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
            // The filter may be an object of a class derived from the one that `R` is.
            let object = filter.object_life().map(Rc::downgrade);
            let handler = FilterOf { handler, object };
            Object::life(self).install_filter(filter.identity(), handler);
        }
    }

    /// Removes a filter. Does nothing if it is not installed.
    #[doc(alias = "removeEventFilter")]
    pub fn remove_event_filter<R: Receiver>(&self, filter: &R) {
        Object::life(self).remove_filter(filter.identity());
    }
}

/// Class `T` overrides the functions of `QObject`.
impl<T: EventHandler + Inherits<QObject>> Overrides<QObject> for Probe<'_, QObject, T> {
    type Outcome = ();

    fn install(&self) {
        let life = Object::life(self.object());
        if !life.is_dead() {
            let own = Weakly::<T>::new(self.object());
            life.override_handler(|base| Rc::new(Overriding { own, base }));
        }
    }
}

/// The handler of a class, and that of its base class for what the class leaves to it.
struct Overriding<H> {
    own: H,
    base: Option<Rc<dyn Handler>>,
}

impl<H> Overriding<H> {
    /// The base class's handler, if the class has left the event to it.
    fn base_for(&self, event: &QEvent) -> Option<&Rc<dyn Handler>> {
        let child = event.child().is_some_and(QChildEvent::take_left);
        if event.take_left() || child { self.base.as_ref() } else { None }
    }
}

impl<H: Handler> Handler for Overriding<H> {
    fn event(&self, event: &QEvent) -> Option<bool> {
        let said = self.own.event(event);
        match self.base_for(event) {
            Some(base) => base.event(event),
            None => said,
        }
    }

    fn event_filter(&self, watched: &Rc<Life>, event: &QEvent) -> Option<bool> {
        let said = self.own.event_filter(watched, event);
        match self.base_for(event) {
            Some(base) => base.event_filter(watched, event),
            None => said,
        }
    }

    fn is_alive(&self) -> bool {
        self.own.is_alive()
    }
}

/// A filter that may be an object. Its class may override the functions of `H`.
struct FilterOf<H> {
    handler: H,
    object: Option<Weak<Life>>,
}

impl<H: Handler> Handler for FilterOf<H> {
    fn event(&self, event: &QEvent) -> Option<bool> {
        self.handler.event(event)
    }

    fn event_filter(&self, watched: &Rc<Life>, event: &QEvent) -> Option<bool> {
        let object = self.object.as_ref().and_then(Weak::upgrade);
        match object.and_then(|life| life.class_handler()) {
            Some(class) => class.event_filter(watched, event),
            None => self.handler.event_filter(watched, event),
        }
    }

    fn is_alive(&self) -> bool {
        self.handler.is_alive()
    }
}

/// A handler or filter, which the object holds weakly.
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
