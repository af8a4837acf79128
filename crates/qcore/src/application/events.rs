//! Sending and posting events.

use super::QCoreApplication;
use crate::{
    classes::Object,
    event::{EventType, NORMAL_EVENT_PRIORITY, QEvent},
    event_loop::{Dispatcher, Which},
    object::QObject,
};

/// Sending and posting events. These functions have no `self`: they act on the event loop of the
/// receiver's thread.
impl QCoreApplication {
    /// Posts `event` to `receiver`: the event loop sends it in the next turn. Posting makes no
    /// system call.
    ///
    /// If the receiver dies before the loop sends the event, the event is dropped. If the receiver
    /// is already dead, the function drops the event and logs a warning.
    ///
    /// See [the `event` module](crate::event) for an example.
    #[doc(alias = "postEvent")]
    pub fn post_event(receiver: &QObject, event: QEvent) {
        Self::post_event_with(receiver, event, NORMAL_EVENT_PRIORITY);
    }

    /// Posts an event as [`post_event`](QCoreApplication::post_event) does, with a priority.
    ///
    /// The loop sends events with a higher priority first, even if they are for different
    /// receivers. It sends events of the same priority in the order in which they were posted.
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
            // A second quit event would change nothing.
            EventType::QUIT if life.has_posted_of(EventType::QUIT) => {}
            _ => life.post(event, priority),
        }
    }

    /// Sends `event` to `receiver` immediately. Returns `true` if a filter has stopped the event,
    /// or if the receiver has recognized it.
    ///
    /// ```
    /// use qcore::{EventType, QCoreApplication, QEvent, QObject};
    ///
    /// let object = QObject::new();
    /// // Every object recognizes all user events, even if it does nothing with them.
    /// assert!(QCoreApplication::send_event(&object, &QEvent::new(EventType::USER)));
    /// assert!(!QCoreApplication::send_event(&object, &QEvent::new(EventType::NONE)));
    /// ```
    #[doc(alias = "sendEvent")]
    pub fn send_event(receiver: &QObject, event: &QEvent) -> bool {
        let life = Object::life(receiver);
        if life.is_dead() {
            return false;
        }
        // A filter or a handler may drop all other handles.
        let _keep = receiver.clone();
        let mut known = false;
        life.dispatcher().deepen(|| known = life.send(event));
        known
    }

    /// Sends everything that is posted to the objects of this thread: events, queued slots, and
    /// deletions that are due. What is posted during this call waits for the next turn.
    ///
    /// The event loop does this in each turn. Call the function only if you cannot wait for the
    /// next turn.
    #[doc(alias = "sendPostedEvents")]
    pub fn send_posted_events() {
        Dispatcher::current().send_posted(&Which::ALL);
    }

    /// Sends what is posted to `receiver`, and only events of type `event_type`. `None` stands for
    /// every receiver or every type.
    ///
    /// Queued slots have the type [`META_CALL`](EventType::META_CALL), deletions have the type
    /// [`DEFERRED_DELETE`](EventType::DEFERRED_DELETE). All other posted events stay in the queue.
    #[doc(alias = "sendPostedEvents")]
    pub fn send_posted_events_with(receiver: Option<&QObject>, event_type: Option<EventType>) {
        if receiver.is_some_and(|object| !Object::life(object).has_posted()) {
            // A new round would also make a round under way further out deliver what has been
            // posted since that one began. So no round begins if there is nothing to send.
            return;
        }
        Dispatcher::current().send_posted(&which(receiver, event_type));
    }

    /// Drops everything that is posted to `receiver`, including queued slots and the deletion of
    /// the object. `None` drops everything that is posted to any object of this thread, and also
    /// the queued slots that belong to no object.
    #[doc(alias = "removePostedEvents")]
    pub fn remove_posted_events(receiver: Option<&QObject>) {
        Dispatcher::current().remove_posted(&which(receiver, None));
    }

    /// Drops the events of one type that are posted to `receiver`, or to any object for `None`.
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
