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
        Self::post_event_with_priority(receiver, event, NORMAL_EVENT_PRIORITY);
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

    /// Delivers everything that is posted to `receiver` immediately: events, queued slots, and
    /// deletions that are due. `None` means all objects of this thread.
    ///
    /// Events posted during this call wait for the next turn. The event loop does the same in each
    /// turn, so call this function only if you cannot wait for the next turn.
    #[doc(alias = "sendPostedEvents")]
    pub fn send_posted_events(receiver: Option<&QObject>) {
        send_posted(receiver, None);
    }

    /// Delivers immediately everything of this type that is posted to `receiver`. `None` means
    /// all objects of this thread.
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

    /// Drops everything that is posted to `receiver`, including queued slots and the deletion of
    /// the object. `None` means all objects of this thread, and also drops the queued slots
    /// that have no receiver object.
    #[doc(alias = "removePostedEvents")]
    pub fn remove_posted_events(receiver: Option<&QObject>) {
        Dispatcher::current().remove_posted(&which(receiver, None));
    }

    /// Drops everything of this type that is posted to `receiver`. `None` means all objects of
    /// this thread.
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
        // A new round would also make a round under way further out deliver what has been posted
        // since that one began. So no round begins if there is nothing to deliver.
        return;
    }
    Dispatcher::current().send_posted(&which(receiver, event_type));
}

fn which(receiver: Option<&QObject>, event_type: Option<EventType>) -> Which {
    let receiver = receiver.map(|object| Object::life(object).id());
    Which::new(receiver, event_type.map(EventType::raw))
}
