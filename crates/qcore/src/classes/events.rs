//! Sends events to objects: past the filters to the class, and then to the handler.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use super::{Life, properties::Properties};
use crate::{
    event::{EventType, QEvent},
    event_loop::{Deliver, Dispatcher, TimerId, Which},
    id::ObjectId,
};

/// An event handler or filter. The object holds it weakly. The functions return `None` if it is
/// dead.
pub(crate) trait Handler {
    fn event(&self, event: &QEvent) -> Option<bool>;
    fn event_filter(&self, watched: &Rc<Life>, event: &QEvent) -> Option<bool>;
    fn is_alive(&self) -> bool;
}

/// The part of an object that exists only if it uses events or has properties.
#[derive(Default)]
pub(super) struct EventSide {
    /// What the object's classes override.
    class: RefCell<Option<Rc<dyn Handler>>>,
    /// What the program has put in its place.
    handler: RefCell<Option<Rc<dyn Handler>>>,
    filters: RefCell<Rc<Filters>>,
    /// The timers that send their events to the object.
    timers: RefCell<Vec<TimerId>>,
    properties: Properties,
}

type Filters = Vec<Rc<Filter<dyn Handler>>>;

struct Filter<H: ?Sized> {
    identity: usize,
    installed: Cell<bool>,
    handler: H,
}

impl EventSide {
    /// Removes a filter and all dead filters, and puts a new one in front of the others.
    fn change_filters(&self, life: &Life, identity: usize, new: Option<Rc<Filter<dyn Handler>>>) {
        // Whether a filter lives may be for the program to say. The program may install and remove
        // filters, or destroy the object. So the dead ones are found before the list is changed.
        let snapshot = self.filters.borrow().clone();
        for filter in snapshot.iter().filter(|filter| !filter.handler.is_alive()) {
            // Its address may belong to another value by now.
            filter.installed.set(false);
        }
        let mut filters = Filters::clone(&self.filters.borrow());
        filters.retain(|filter| {
            let stays = filter.installed.get() && filter.identity != identity;
            filter.installed.set(stays);
            stays
        });
        filters.splice(0..0, new.filter(|_| !life.is_dead()));
        let before = self.filters.replace(Rc::new(filters));
        drop((before, snapshot));
    }

    fn has_filters(&self) -> bool {
        !self.filters.borrow().is_empty()
    }

    /// Calls the filters until one stops the event. Returns whether one has stopped it.
    fn filter(&self, watched: &Rc<Life>, event: &QEvent) -> bool {
        let filters = self.filters.borrow().clone();
        let mut asked = filters.iter().filter(|filter| filter.installed.get());
        asked.any(|filter| {
            filter.handler.event_filter(watched, event) == Some(true)
                // The object has died, so the event ends here.
                || watched.is_dead()
        })
    }

    /// Calls the handler and returns its result, or `None` if there is no handler.
    fn handle(&self, event: &QEvent) -> Option<bool> {
        let handler = self.handler.borrow().clone();
        let handler = handler.or_else(|| self.class.borrow().clone());
        handler?.event(event)
    }

    pub(super) fn properties(&self) -> &Properties {
        &self.properties
    }

    /// Stops the timers and drops the handler, the filters and the properties of an object that has
    /// died.
    pub(super) fn clear(&self, dispatcher: &Dispatcher) {
        for timer in self.timers.take() {
            dispatcher.stop_timer(timer);
        }
        let handlers = (self.handler.take(), self.class.take());
        let filters = self.filters.take();
        // An event may be passing these filters now.
        filters.iter().for_each(|filter| filter.installed.set(false));
        drop((handlers, filters, self.properties.take()));
    }
}

// ---- handler, filters and timers

impl Life {
    pub(crate) fn set_handler(&self, handler: Rc<dyn Handler>) {
        let before = self.event_side().handler.replace(Some(handler));
        drop(before);
    }

    /// A class overrides the handler of its base class: `handler` makes the new one of that.
    pub(crate) fn override_handler(
        &self,
        handler: impl FnOnce(Option<Rc<dyn Handler>>) -> Rc<dyn Handler>,
    ) {
        let class = &self.event_side().class;
        let handler = handler(class.take());
        class.replace(Some(handler));
    }

    /// What the object's classes override, if they do.
    pub(crate) fn class_handler(&self) -> Option<Rc<dyn Handler>> {
        self.existing_event_side()?.class.borrow().clone()
    }

    /// Installs a filter in front of all others. `identity` distinguishes it from them.
    pub(crate) fn install_filter(&self, identity: usize, handler: impl Handler + 'static) {
        let filter = Rc::new(Filter { identity, installed: Cell::new(true), handler });
        self.event_side().change_filters(self, identity, Some(filter));
        self.note_filters();
    }

    pub(crate) fn remove_filter(&self, identity: usize) {
        if let Some(side) = self.existing_event_side() {
            side.change_filters(self, identity, None);
            self.note_filters();
        }
    }

    /// Updates what depends on the filters: all objects share a flag that says whether the
    /// application has any.
    fn note_filters(&self) {
        let has = self.existing_event_side().is_some_and(EventSide::has_filters);
        self.objects().note_filters(self, has);
    }

    /// Adds a timer to the object's own timers, which stop when the object dies.
    pub(crate) fn add_timer(&self, id: TimerId) {
        self.event_side().timers.borrow_mut().push(id);
    }

    /// Stops one of the object's own timers. Returns whether it was one of them and was running.
    pub(crate) fn stop_own_timer(&self, id: TimerId) -> bool {
        let Some(side) = self.existing_event_side() else { return false };
        let at = side.timers.borrow().iter().position(|timer| *timer == id);
        let Some(at) = at else { return false };
        side.timers.borrow_mut().swap_remove(at);
        self.dispatcher().stop_timer(id)
    }
}

// ---- sending

impl Life {
    /// Sends an event of the library's own to the filters, if there are any. Returns whether one
    /// has stopped it.
    #[inline]
    pub(crate) fn is_filtered(self: &Rc<Self>, event: impl FnOnce() -> QEvent) -> bool {
        self.has_filters() && self.is_filtered_by_some(event)
    }

    #[inline(never)]
    fn is_filtered_by_some(self: &Rc<Self>, event: impl FnOnce() -> QEvent) -> bool {
        // A filter may drop the last handle.
        let Some(_held) = self.hold() else { return false };
        self.filter(&event())
    }

    #[inline]
    fn has_filters(&self) -> bool {
        self.objects().has_application_filters()
            || self.existing_event_side().is_some_and(EventSide::has_filters)
    }

    fn filter(self: &Rc<Self>, event: &QEvent) -> bool {
        let application = self.objects().filtering_application();
        if let Some(application) = &application
            && application.event_side().filter(self, event)
        {
            return true;
        }
        if application.is_some_and(|application| Rc::ptr_eq(&application, self)) {
            return false;
        }
        self.existing_event_side().is_some_and(|side| side.filter(self, event))
    }

    /// Sends an event to the object. The caller keeps the object alive.
    pub(crate) fn send(self: &Rc<Self>, event: &QEvent) -> bool {
        if self.has_filters() && self.filter(event) {
            return true;
        }
        if self.node_event(event) {
            return true;
        }
        if event.event_type() == EventType::DEFERRED_DELETE {
            self.destroy();
            return true;
        }
        let said = self.existing_event_side().and_then(|side| side.handle(event));
        // An object without a handler does nothing with these events, but it recognizes them.
        said.unwrap_or_else(|| event.is_known_to_all())
    }

    /// Sends an event. The event is created only if there is a filter or handler for it.
    #[inline]
    pub(super) fn tell(self: &Rc<Self>, event: impl FnOnce() -> Option<QEvent>) {
        if self.has_filters() || self.existing_event_side().is_some() {
            self.tell_listeners(event);
        }
    }

    #[inline(never)]
    fn tell_listeners(self: &Rc<Self>, event: impl FnOnce() -> Option<QEvent>) {
        if let Some(_held) = self.hold()
            && let Some(event) = event()
        {
            self.dispatcher().deepen(|| {
                self.send(&event);
            });
        }
    }
}

// ---- posting

impl Life {
    /// Posts an event to the object. Drops it if the thread is ending.
    pub(crate) fn post(self: &Rc<Self>, event: QEvent, priority: i32) {
        let (id, kind) = (self.id(), event.event_type());
        let event = Cell::new(Some(event));
        let posted = Rc::new(PostedEvent { receiver: Rc::downgrade(self), id, kind, event });
        self.dispatcher().post_delivery_with(priority, posted);
    }

    /// Returns whether an event of that type is posted to the object.
    pub(crate) fn has_posted_of(&self, kind: EventType) -> bool {
        let which = Which::new(Some(self.id()), Some(kind.raw()));
        self.has_posted() && self.dispatcher().has_posted(&which)
    }
}

struct PostedEvent {
    receiver: Weak<Life>,
    id: ObjectId,
    kind: EventType,
    event: Cell<Option<QEvent>>,
}

impl Deliver for PostedEvent {
    fn deliver(&self) {
        // The delivery drops the event and its hold on the object, which may be the last one.
        let event = self.event.take();
        if let Some(event) = event
            && let Some(life) = self.receiver.upgrade()
            && let Some(_held) = life.hold()
        {
            life.send(&event);
        }
    }

    fn receiver(&self) -> ObjectId {
        self.id
    }

    fn kind(&self) -> u16 {
        self.kind.raw()
    }
}
