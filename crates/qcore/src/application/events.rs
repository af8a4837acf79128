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
        Self::post_event_with_priority(receiver, event, NORMAL_EVENT_PRIORITY);
    }

    /// Posts an event as [`post_event`](QCoreApplication::post_event) does, with a priority. The
    /// loop sends events with a higher priority first, whatever their receivers are. It sends
    /// events of one priority in the order in which they were posted.
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

    /// Carries out what is posted to `receiver` at once: events, queued slots and deletions that
    /// are due. `None` stands for all objects of this thread.
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

    /// Drops all that is posted to `receiver`, queued slots and its deletion included. `None`
    /// stands for all objects of this thread, and then queued slots without a receiver are dropped,
    /// too.
    #[doc(alias = "removePostedEvents")]
    pub fn remove_posted_events(receiver: Option<&QObject>) {
        Dispatcher::current().remove_posted(&which(receiver, None));
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
        Dispatcher::current().remove_posted(&which(receiver, Some(event_type)));
    }
}

fn send_posted(receiver: Option<&QObject>, event_type: Option<EventType>) {
    if receiver.is_some_and(|object| !Object::life(object).has_posted()) {
        // A round would find nothing, and it would end the wait of what is posted meanwhile.
        return;
    }
    Dispatcher::current().send_posted(&which(receiver, event_type));
}

fn which(receiver: Option<&QObject>, event_type: Option<EventType>) -> Which {
    let receiver = receiver.map(|object| Object::life(object).id());
    Which::new(receiver, event_type.map(EventType::raw))
}
