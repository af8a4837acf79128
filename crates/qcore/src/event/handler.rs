//! Who is asked when an event comes to an object.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{EventType, QChildEvent, QEvent, QTimerEvent};
use crate::{QObject, Receiver, event_loop::TimerId, object::Object};

/// What an object does with its events: the virtual functions of Qt's `QObject`.
///
/// All of them do nothing unless they are written. Implement it for the type that has the `QObject` in
/// it, and name that to the object by [`QObject::set_event_handler`], or to another one by
/// [`QObject::install_event_filter`]. See [the module](super) for an example.
pub trait EventHandler {
    /// An event has come for the object. Returns whether it was known and dealt with, which is what
    /// [`send_event`](crate::QCoreApplication::send_event) returns.
    ///
    /// Unless it is written it does what [`handle_event`] does: it calls one of the next three.
    fn event(&self, event: &QEvent) -> bool {
        handle_event(self, event)
    }

    /// A timer that was started by [`QObject::start_timer`] or a [`QBasicTimer`](crate::QBasicTimer) is
    /// due.
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

    /// An event has come for `watched`, of which this is a filter. Returns whether it ends here: then
    /// `watched`, and the filters that were installed earlier, are not told.
    #[doc(alias = "eventFilter")]
    fn event_filter(&self, watched: &QObject, event: &QEvent) -> bool {
        let _ = (watched, event);
        false
    }
}

/// Hands an event to the function of `handler` that is for its type; whether there is one. To be called by
/// those who write [`EventHandler::event`] and have no use for the event themselves.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{EventHandler, EventType, QCoreApplication, QEvent, QObject, event::handle_event};
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
            let handler: Rc<dyn Handler> = Rc::new(Weakly::<R>::new(handler));
            let before = Object::life(self).event_side().handler.replace(Some(handler));
            drop(before);
        }
    }

    /// Has `filter` see the events of this object first, by its
    /// [`event_filter`](EventHandler::event_filter), which may end them there.
    ///
    /// The filter that was installed last is asked first; one that is installed again moves to the front. It
    /// is held weakly, and as if removed when it has died. One that is installed while an event
    /// passes the filters is asked from the next event on. Filters of the
    /// [application](crate::QCoreApplication) see the events of all objects of its thread, before the
    /// objects' own filters.
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
            let identity = filter.identity();
            let filter = Rc::new(Filter {
                identity,
                installed: Cell::new(true),
                handler: Weakly::<R>::new(filter),
            });
            let side = Object::life(self).event_side();
            side.change_filters(|filters| {
                take_out(filters, identity);
                filters.insert(0, filter);
            });
            Object::life(self).note_filters();
        }
    }

    /// Removes a filter; nothing happens if it is none.
    #[doc(alias = "removeEventFilter")]
    pub fn remove_event_filter<R: Receiver>(&self, filter: &R) {
        if let Some(side) = Object::life(self).existing_event_side() {
            side.change_filters(|filters| take_out(filters, filter.identity()));
            Object::life(self).note_filters();
        }
    }
}

/// What an object has only if it has to do with events.
#[derive(Default)]
pub(crate) struct EventSide {
    handler: RefCell<Option<Rc<dyn Handler>>>,
    filters: RefCell<Rc<Filters>>,
    /// Those that `start_timer` has started.
    pub(crate) timers: RefCell<Vec<TimerId>>,
}

type Filters = Vec<Rc<Filter<dyn Handler>>>;

/// A handler as others see it who do not know its type: held weakly. `None` if it has died.
trait Handler {
    fn event(&self, event: &QEvent) -> Option<bool>;
    fn event_filter(&self, watched: &QObject, event: &QEvent) -> Option<bool>;
    fn is_alive(&self) -> bool;
}

struct Filter<H: ?Sized> {
    identity: usize,
    installed: Cell<bool>,
    handler: H,
}

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

    fn event_filter(&self, watched: &QObject, event: &QEvent) -> Option<bool> {
        R::with(&self.0, |handler| handler.event_filter(watched, event))
    }

    fn is_alive(&self) -> bool {
        R::is_alive(&self.0)
    }
}

/// Takes a filter out, and those that have died. All that is dropped is weak references.
fn take_out(filters: &mut Filters, identity: usize) {
    filters.retain(|filter| {
        // An address may be somebody else's by now.
        let stays = filter.handler.is_alive() && filter.identity != identity;
        filter.installed.set(stays);
        stays
    });
}

impl EventSide {
    fn change_filters(&self, change: impl FnOnce(&mut Filters)) {
        let mut filters = Filters::clone(&self.filters.borrow());
        change(&mut filters);
        let before = self.filters.replace(Rc::new(filters));
        drop(before);
    }

    pub(crate) fn has_filters(&self) -> bool {
        !self.filters.borrow().is_empty()
    }

    /// Asks the filters, until one ends the event.
    pub(crate) fn filter(&self, watched: &QObject, event: &QEvent) -> bool {
        let filters = self.filters.borrow().clone();
        let mut asked = filters.iter().filter(|filter| filter.installed.get());
        asked.any(|filter| {
            filter.handler.event_filter(watched, event) == Some(true)
                // Nobody is left to get it.
                || watched.is_deleted()
        })
    }

    /// What the handler says; `None` if there is none.
    pub(crate) fn handle(&self, event: &QEvent) -> Option<bool> {
        let handler = self.handler.borrow().clone();
        handler?.event(event)
    }

    /// The object has died.
    pub(crate) fn clear(&self) {
        let handler = self.handler.take();
        let filters = self.filters.take();
        // An event may just be passing them.
        filters.iter().for_each(|filter| filter.installed.set(false));
        drop((handler, filters));
    }
}
