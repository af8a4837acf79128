//! Timers of an object's own.

use std::rc::{Rc, Weak};

use super::{START_REFUSED, checked};
use crate::{
    classes::{Node, Object},
    event::QEvent,
    event_loop::{TimerHandler, TimerId},
    object::{ObjectNode, QObject},
    time::{Interval, TimerType},
};

impl QObject {
    /// Starts a timer that sends this object an event of type [`TIMER`](crate::EventType::TIMER)
    /// repeatedly, until [`kill_timer`](QObject::kill_timer) stops it or the object dies. Returns
    /// the id of the timer.
    ///
    /// The event comes to [`EventHandler::timer_event`](crate::EventHandler::timer_event). The
    /// timer is coarse: it fires up to 5 % of the interval early or late. If the interval is
    /// negative or the object is dead, the function logs a warning and returns `None`, where Qt
    /// returns 0. A [`QTimer`](crate::QTimer) emits a signal instead of sending events.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::{EventHandler, QObject, QTimerEvent, wait_until};
    ///
    /// struct Clock {
    ///     object: QObject,
    ///     ticks: Cell<u32>,
    /// }
    ///
    /// impl EventHandler for Clock {
    ///     fn timer_event(&self, event: &QTimerEvent) {
    ///         self.ticks.set(self.ticks.get() + 1);
    ///         if self.ticks.get() == 3 {
    ///             self.object.kill_timer(event.timer_id());
    ///         }
    ///     }
    /// }
    ///
    /// let clock = Rc::new(Clock { object: QObject::new(), ticks: Cell::new(0) });
    /// clock.object.set_event_handler(&clock);
    /// clock.object.start_timer(1).unwrap();
    /// assert!(wait_until(5000, || clock.ticks.get() == 3));
    /// ```
    #[doc(alias = "startTimer")]
    pub fn start_timer(&self, interval: impl Into<Interval>) -> Option<TimerId> {
        self.start_timer_with_type(interval, TimerType::default())
    }

    /// Starts a timer as [`start_timer`](QObject::start_timer) does, with the accuracy that `kind`
    /// sets.
    #[doc(alias = "startTimer")]
    pub fn start_timer_with_type(
        &self,
        interval: impl Into<Interval>,
        kind: TimerType,
    ) -> Option<TimerId> {
        let interval = checked(interval.into(), START_REFUSED)?;
        let life = Object::life(self);
        if life.is_dead() {
            crate::q_warning!("QObject::startTimer: The object was deleted");
            return None;
        }
        let handler: Weak<dyn TimerHandler> = Rc::downgrade(self.object_node()) as Weak<ObjectNode>;
        life.dispatcher().expect_loop();
        let id = life.dispatcher().start_timer(interval, kind, handler);
        life.add_timer(id);
        Some(id)
    }

    /// Stops a timer of this object. If `id` is not a running timer of this object, the function
    /// does nothing but log a warning.
    #[doc(alias = "killTimer")]
    pub fn kill_timer(&self, id: TimerId) {
        if !Object::life(self).stop_own_timer(id) {
            crate::q_warning!(
                "QObject::killTimer(): Error: timer id {id:?} is not valid for object {self:?}, \
                 timer has not been killed"
            );
        }
    }
}

impl TimerHandler for ObjectNode {
    fn timer_due(self: Rc<Self>, id: TimerId) {
        let life = self.life();
        if !life.is_dead() {
            // The handlers of the event may drop all other handles.
            let _keep = QObject::from_node(self.clone());
            life.send(&QEvent::of_timer(id));
        }
    }
}
