//! Sending and posting events.

use super::QCoreApplication;
use crate::{
    classes::Object,
    event::{EventType, NORMAL_EVENT_PRIORITY, QEvent},
    event_loop::{Dispatcher, Which},
    object::QObject,
};

/// Events. These are functions of no application in particular: what counts is the thread.
impl QCoreApplication {
    /// Has the event loop send `event` to `receiver`, in its next turn. Posting makes no system
    /// call.
    ///
    /// An event that is still waiting when the receiver dies is dropped. One for a receiver that is
    /// dead already is dropped at once, with a warning in the log.
    ///
    /// See [the module of events](crate::event) for an example.
    #[doc(alias = "postEvent")]
    pub fn post_event(receiver: &QObject, event: QEvent) {
        Self::post_event_with(receiver, event, NORMAL_EVENT_PRIORITY);
    }

    /// [`post_event`](QCoreApplication::post_event) with a priority: events with a higher number
    /// come first, whoever they are for, and those of one priority in the order in which they were
    /// posted.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use qcore::{EventHandler, EventType, QCoreApplication, QEvent, QObject};
    ///
    /// #[derive(Default)]
    /// struct Log(RefCell<Vec<u16>>);
    ///
    /// impl EventHandler for Log {
    ///     fn custom_event(&self, event: &QEvent) {
    ///         self.0.borrow_mut().push(event.event_type().number());
    ///     }
    /// }
    ///
    /// let (object, log) = (QObject::new(), Rc::new(Log::default()));
    /// object.set_event_handler(&log);
    /// QCoreApplication::post_event(&object, QEvent::new(EventType::user(1)));
    /// QCoreApplication::post_event_with(&object, QEvent::new(EventType::user(2)), 5);
    /// QCoreApplication::send_posted_events();
    /// assert_eq!(*log.0.borrow(), [1002, 1001]);
    /// ```
    #[doc(alias = "postEvent")]
    pub fn post_event_with(receiver: &QObject, event: QEvent, priority: i32) {
        let life = Object::life(receiver);
        if life.is_dead() {
            crate::q_warning!("QCoreApplication::postEvent: Unexpected deleted receiver");
            return;
        }
        match event.event_type() {
            EventType::DEFERRED_DELETE => life.delete_later(),
            // One is as good as many.
            EventType::QUIT if life.has_posted_of(EventType::QUIT) => {}
            _ => life.post(event, priority),
        }
    }

    /// Sends `event` to `receiver`, now. Returns whether a filter has ended it or the receiver knew
    /// it.
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
        let _keep = receiver.clone();
        let mut known = false;
        life.dispatcher().deepen(|| known = life.send(event));
        known
    }

    /// Sends what is posted to the objects of this thread: events, queued slots, deletions that are
    /// due. What is posted meanwhile waits.
    ///
    /// The event loop does this in each turn; it is for those who cannot wait for that.
    #[doc(alias = "sendPostedEvents")]
    pub fn send_posted_events() {
        Dispatcher::current().send_posted(&Which::ALL);
    }

    /// Sends what is posted to one object, if one is given, and of one type, if that is given.
    ///
    /// Queued slots are of type [`META_CALL`](EventType::META_CALL), deletions of type
    /// [`DEFERRED_DELETE`](EventType::DEFERRED_DELETE). All others stay where they are.
    #[doc(alias = "sendPostedEvents")]
    pub fn send_posted_events_with(receiver: Option<&QObject>, event_type: Option<EventType>) {
        if receiver.is_some_and(|object| !Object::life(object).has_posted()) {
            // Nothing is a round then, and what is posted meanwhile still waits for the next one.
            return;
        }
        Dispatcher::current().send_posted(&which(receiver, event_type));
    }

    /// Drops all that is posted to `receiver`, queued slots and its deletion included; and with
    /// `None` all that is posted to any object of this thread, and all queued slots of closures.
    #[doc(alias = "removePostedEvents")]
    pub fn remove_posted_events(receiver: Option<&QObject>) {
        Dispatcher::current().remove_posted(&which(receiver, None));
    }

    /// Drops what is posted to `receiver`, or to any object, of one type.
    ///
    /// ```
    /// use qcore::{EventType, QCoreApplication, QObject};
    ///
    /// let object = QObject::new();
    /// object.delete_later();
    /// let deletion = EventType::DEFERRED_DELETE;
    /// QCoreApplication::remove_posted_events_with(Some(&object), deletion);
    /// QCoreApplication::instance().process_events();
    /// assert!(!object.is_deleted());
    /// ```
    #[doc(alias = "removePostedEvents")]
    pub fn remove_posted_events_with(receiver: Option<&QObject>, event_type: EventType) {
        Dispatcher::current().remove_posted(&which(receiver, Some(event_type)));
    }
}

fn which(receiver: Option<&QObject>, event_type: Option<EventType>) -> Which {
    let receiver = receiver.map(|object| Object::life(object).id());
    Which::new(receiver, event_type.map(EventType::number))
}
