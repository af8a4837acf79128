//! The state of a race: its plan, its attempts, its look-ups and its timer.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{
    QElapsedTimer,
    event_loop::{Dispatcher, EventSource, Readiness, TimerId},
};

use super::{
    super::node::AbstractSocketNode,
    plan::{Family, Plan},
};
use crate::{
    common::{SocketError, SocketErrorKind},
    engine::{Engine, NativeEngine},
    host_info::{LookupId, QHostInfo},
};

/// The part of a socket that races. Most sockets do not, so it is boxed.
#[derive(Default)]
pub(crate) struct Racing(OnceCell<Box<Race>>);

#[derive(Default)]
pub(in crate::socket) struct Race {
    /// The program wants races from the next connection on.
    pub(super) enabled: Cell<bool>,
    pub(super) is_running: Cell<bool>,
    /// Changes with each race, so that code behind a call sees whether it is still the same.
    pub(super) number: Cell<u64>,
    pub(super) plan: RefCell<Plan>,
    began: Cell<QElapsedTimer>,
    pub(in crate::socket) entrants: RefCell<Vec<Rc<Entrant>>>,
    lookups: RefCell<Vec<(Family, LookupId)>>,
    timer: Cell<Option<TimerId>>,
    /// The error of the last attempt that has failed.
    error: RefCell<Option<SocketError>>,
    /// It has failed because its time was over.
    pub(super) was_late: Cell<bool>,
}

impl Racing {
    pub(in crate::socket) fn get(&self) -> Option<&Race> {
        self.0.get().map(|race| &**race)
    }

    /// Returns the race if one is running.
    pub(in crate::socket) fn running(&self) -> Option<&Race> {
        self.get().filter(|race| race.is_running.get())
    }

    pub(super) fn set_up(&self) -> &Race {
        self.0.get_or_init(Box::default)
    }
}

impl Race {
    /// Begins a race without addresses.
    pub(super) fn begin(&self) {
        self.began.set(QElapsedTimer::started());
        self.plan.replace(Plan::default());
        self.error.take();
        self.was_late.set(false);
        self.number.set(self.number.get() + 1);
        self.is_running.set(true);
    }

    /// Ends the race: stops the timer and the look-ups, and closes all attempts.
    pub(super) fn end(&self, dispatcher: &Dispatcher) {
        self.is_running.set(false);
        self.number.set(self.number.get() + 1);
        self.stop_timer(dispatcher);
        self.abort_lookups();
        drop(self.entrants.take());
    }

    pub(super) fn set_error(&self, error: SocketError) {
        self.was_late.set(error.kind() == SocketErrorKind::SocketTimeout);
        self.error.replace(Some(error));
    }

    /// Returns the error of the last attempt that has failed.
    pub(super) fn take_error(&self) -> SocketError {
        self.error.take().unwrap_or_else(SocketError::host_not_found)
    }

    /// Returns how long the race has lasted.
    pub(super) fn now(&self) -> Duration {
        self.began.get().elapsed()
    }

    pub(super) fn looks_up(&self, family: Family, lookup: LookupId) {
        self.lookups.borrow_mut().push((family, lookup));
    }

    pub(super) fn looked_up(&self, family: Family) {
        self.lookups.borrow_mut().retain(|(asked, _)| *asked != family);
    }

    /// Aborts the look-ups that have no answer yet, and returns their families.
    pub(super) fn abort_lookups(&self) -> Vec<Family> {
        let abort = |(family, lookup)| {
            QHostInfo::abort_host_lookup(lookup);
            family
        };
        self.lookups.take().into_iter().map(abort).collect()
    }

    /// Removes an attempt. Returns whether it was a part of the race.
    pub(super) fn remove(&self, entrant: &Rc<Entrant>) -> bool {
        let mut entrants = self.entrants.borrow_mut();
        let before = entrants.len();
        entrants.retain(|other| !Rc::ptr_eq(other, entrant));
        entrants.len() < before
    }

    pub(super) fn set_timer(&self, timer: TimerId, dispatcher: &Dispatcher) {
        if let Some(before) = self.timer.replace(Some(timer)) {
            dispatcher.stop_timer(before);
        }
    }

    pub(super) fn stop_timer(&self, dispatcher: &Dispatcher) {
        if let Some(timer) = self.timer.take() {
            dispatcher.stop_timer(timer);
        }
    }

    /// Returns the time until the timer is due.
    pub(in crate::socket) fn left(&self, dispatcher: &Dispatcher) -> Option<Duration> {
        self.timer.get().and_then(|timer| dispatcher.remaining_time(timer))
    }
}

/// An attempt to connect to one address.
pub(in crate::socket) struct Entrant {
    node: Weak<AbstractSocketNode>,
    engine: OnceCell<NativeEngine>,
    /// When its time is over, on the clock of the race.
    pub(super) until: Duration,
    this: Weak<Entrant>,
}

impl Entrant {
    pub(super) fn new(node: Weak<AbstractSocketNode>, until: Duration) -> Rc<Self> {
        Rc::new_cyclic(|this| Entrant { node, engine: OnceCell::new(), until, this: this.clone() })
    }

    /// Returns the source that the loop calls when the attempt is ready for something.
    pub(super) fn source(&self) -> Weak<dyn EventSource> {
        self.this.clone()
    }

    pub(super) fn set_engine(&self, engine: NativeEngine) -> &NativeEngine {
        self.engine.get_or_init(|| engine)
    }

    pub(super) fn engine(&self) -> Option<&NativeEngine> {
        self.engine.get()
    }
}

impl EventSource for Entrant {
    fn ready(self: Rc<Self>, ready: Readiness) {
        if let (Some(node), Some(engine)) = (self.node.upgrade(), self.engine()) {
            engine.note(ready);
            node.check_entrant(&self);
        }
    }
}
