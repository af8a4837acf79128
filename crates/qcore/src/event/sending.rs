//! Sending and posting events.

use std::rc::Rc;

use super::{EventType, QEvent};
use crate::{
    QCoreApplication, QObject,
    event_loop::{Dispatcher, Which},
    object::{Life, Object},
};

/// A priority of posted events: before the usual ones.
#[doc(alias = "Qt::HighEventPriority")]
pub const HIGH_EVENT_PRIORITY: i32 = 1;
/// The priority that posted events have unless they are given another.
#[doc(alias = "Qt::NormalEventPriority")]
pub const NORMAL_EVENT_PRIORITY: i32 = 0;
/// A priority of posted events: behind the usual ones.
#[doc(alias = "Qt::LowEventPriority")]
pub const LOW_EVENT_PRIORITY: i32 = -1;

/// Events. These are functions of no application in particular: what counts is the thread.
impl QCoreApplication {
    /// Has the event loop send `event` to `receiver`, in its next turn. Posting makes no system call.
    ///
    /// An event that is still waiting when the receiver dies is dropped. One for a receiver that is
    /// dead already is dropped at once, with a warning in the log.
    ///
    /// See [the module of events](crate::event) for an example.
    #[doc(alias = "postEvent")]
    pub fn post_event(receiver: &QObject, event: QEvent) {
        Self::post_event_with_priority(receiver, event, NORMAL_EVENT_PRIORITY);
    }

    /// Posts an event as [`post_event`](QCoreApplication::post_event) does, with a priority. The loop
    /// sends events with a higher priority first, whatever their receivers are. It sends events of one
    /// priority in the order in which they were posted.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use qcore::{EventHandler, EventType, QCoreApplication, QEvent, QObject};
    ///
    /// #[derive(Default)]
    /// struct Log(RefCell<Vec<i32>>);
    ///
    /// impl EventHandler for Log {
    ///     fn custom_event(&self, event: &QEvent) {
    ///         self.0.borrow_mut().push(i32::from(event.event_type()));
    ///     }
    /// }
    ///
    /// let (object, log) = (QObject::new(), Rc::new(Log::default()));
    /// object.set_event_handler(&log);
    /// QCoreApplication::post_event(&object, QEvent::new(EventType::user(1)));
    /// QCoreApplication::post_event_with_priority(&object, QEvent::new(EventType::user(2)), 5);
    /// QCoreApplication::send_posted_events(None);
    /// assert_eq!(*log.0.borrow(), [1002, 1001]);
    /// ```
    #[doc(alias = "postEvent")]
    pub fn post_event_with_priority(receiver: &QObject, event: QEvent, priority: i32) {
        let life = Object::life(receiver);
        if life.is_dead() {
            crate::q_warning!("QCoreApplication::postEvent: Unexpected deleted receiver");
            return;
        }
        match event.event_type() {
            EventType::DEFERRED_DELETE => life.delete_later(),
            // One is as good as many.
            EventType::QUIT if life.has_posted_of(EventType::QUIT) => {}
            _ => life.dispatcher().post_event(life, event, priority),
        }
    }

    /// Sends `event` to `receiver`, now. Returns whether a filter has ended it or the receiver knew it.
    ///
    /// ```
    /// use qcore::{EventType, QCoreApplication, QEvent, QObject};
    ///
    /// let object = QObject::new();
    /// // An object knows all the program's own events, if only to ignore them.
    /// assert!(QCoreApplication::send_event(&object, &QEvent::new(EventType::USER)));
    /// assert!(!QCoreApplication::send_event(&object, &QEvent::new(EventType::NONE)));
    /// ```
    #[doc(alias = "sendEvent")]
    pub fn send_event(receiver: &QObject, event: &QEvent) -> bool {
        let life = Object::life(receiver);
        if life.is_dead() {
            return false;
        }
        // A filter or a handler may drop the last handle but this.
        let keep = receiver.clone();
        let mut known = false;
        life.dispatcher().deepen(|| known = life.send(&keep, event));
        known
    }

    /// Carries out what is posted to `receiver` at once: events, queued slots and deletions that are
    /// due. `None` stands for all objects of this thread.
    ///
    /// What is posted meanwhile waits. The event loop does the same in each turn, so only code that
    /// cannot wait for the loop needs this function.
    #[doc(alias = "sendPostedEvents")]
    pub fn send_posted_events(receiver: Option<&QObject>) {
        send_posted(receiver, None);
    }

    /// Carries out what is posted to `receiver` and has this type, at once. `None` stands for all
    /// objects of this thread.
    ///
    /// Queued slots have the type [`META_CALL`](EventType::META_CALL), and deletions have the type
    /// [`DEFERRED_DELETE`](EventType::DEFERRED_DELETE). Everything else stays posted.
    ///
    /// ```
    /// use qcore::{EventType, QCoreApplication, QObject};
    ///
    /// let object = QObject::new();
    /// object.delete_later();
    /// QCoreApplication::send_posted_events_of_type(Some(&object), EventType::META_CALL);
    /// assert!(!object.is_deleted());
    /// QCoreApplication::send_posted_events_of_type(Some(&object), EventType::DEFERRED_DELETE);
    /// assert!(object.is_deleted());
    /// ```
    #[doc(alias = "sendPostedEvents")]
    pub fn send_posted_events_of_type(receiver: Option<&QObject>, event_type: EventType) {
        send_posted(receiver, Some(event_type));
    }

    /// Drops all that is posted to `receiver`, queued slots and its deletion included. `None` stands
    /// for all objects of this thread, and then queued slots without a receiver are dropped, too.
    #[doc(alias = "removePostedEvents")]
    pub fn remove_posted_events(receiver: Option<&QObject>) {
        let which = Which::new(receiver.map(life_of), None);
        Dispatcher::current().remove_posted(&which);
    }

    /// Drops what is posted to `receiver` and has this type. `None` stands for all objects of this
    /// thread.
    ///
    /// ```
    /// use qcore::{EventType, QCoreApplication, QObject};
    ///
    /// let object = QObject::new();
    /// object.delete_later();
    /// let deletion = EventType::DEFERRED_DELETE;
    /// QCoreApplication::remove_posted_events_of_type(Some(&object), deletion);
    /// QCoreApplication::instance().process_events();
    /// assert!(!object.is_deleted());
    /// ```
    #[doc(alias = "removePostedEvents")]
    pub fn remove_posted_events_of_type(receiver: Option<&QObject>, event_type: EventType) {
        let which = Which::new(receiver.map(life_of), Some(event_type));
        Dispatcher::current().remove_posted(&which);
    }
}

fn send_posted(receiver: Option<&QObject>, event_type: Option<EventType>) {
    if receiver.is_some_and(|object| !life_of(object).has_posted()) {
        // A round would find nothing, and it would end the wait of what is posted meanwhile.
        return;
    }
    let which = Which::new(receiver.map(life_of), event_type);
    Dispatcher::current().send_posted(&which);
}

fn life_of(object: &QObject) -> &Life {
    Object::life(object)
}

impl Life {
    /// Shows an event of the library's own to the filters, if there are any: whether one has ended it.
    #[inline]
    pub(crate) fn is_filtered(self: &Rc<Self>, event: impl FnOnce() -> QEvent) -> bool {
        self.has_filters() && self.object().is_some_and(|object| self.filter(&object, &event()))
    }

    fn has_filters(&self) -> bool {
        self.dispatcher().has_application_filters()
            || self.existing_event_side().is_some_and(|side| side.has_filters())
    }

    fn filter(self: &Rc<Self>, object: &QObject, event: &QEvent) -> bool {
        let application = self.dispatcher().filtering_application();
        if let Some(application) = &application
            && application.event_side().filter(object, event)
        {
            return true;
        }
        if application.is_some_and(|application| Rc::ptr_eq(&application, self)) {
            return false;
        }
        self.existing_event_side().is_some_and(|side| side.filter(object, event))
    }

    /// Sends an event to the object, `object` being a handle of it.
    pub(crate) fn send(self: &Rc<Self>, object: &QObject, event: &QEvent) -> bool {
        if self.has_filters() && self.filter(object, event) {
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
        // What an object without a handler does: nothing, but it knows these.
        let known = || {
            let kind = event.event_type();
            kind >= EventType::USER || event.timer().is_some() || event.child().is_some()
        };
        said.unwrap_or_else(known)
    }

    /// Sends an event, made only if anybody would see it.
    pub(crate) fn tell(self: &Rc<Self>, event: impl FnOnce() -> QEvent) {
        if (self.has_filters() || self.existing_event_side().is_some())
            && let Some(object) = self.object()
        {
            self.dispatcher().deepen(|| {
                self.send(&object, &event());
            });
        }
    }

    fn has_posted_of(&self, event_type: EventType) -> bool {
        self.has_posted() && self.dispatcher().has_posted(&Which::new(Some(self), Some(event_type)))
    }

    /// Which filters there are has changed: the loop keeps it at hand whether the application has any.
    pub(crate) fn note_filters(self: &Rc<Self>) {
        let has = self.existing_event_side().is_some_and(|side| side.has_filters());
        self.dispatcher().note_filters(self, has);
    }
}
