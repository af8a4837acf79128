//! The timers of a loop.
//!
//! The timers are stored in a slab. A [queue](DueQueue) orders them by due time. Stopping a timer
//! removes it only from the slab. Its entry in the queue is then stale: the loop skips it when it
//! comes up, and removes all stale entries when they are the majority. A timer that fires is not in
//! the queue until its handler has returned. So a loop that the handler runs neither fires the
//! timer again nor waits for it.

#[cfg(feature = "tasks")]
use std::task::Waker;
use std::{
    hint::black_box,
    rc::{Rc, Weak},
    time::Duration,
};

use slab::Slab;

use super::due_queue::{Due, DueQueue};
use crate::time::{Nanos, TimerType};

/// A handler that a timer calls. The loop holds it weakly.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::{Rc, Weak}, time::Duration};
/// use qcore::{Dispatcher, TimerId, TimerType, event_loop::TimerHandler, wait_until};
///
/// #[derive(Default)]
/// struct Heartbeat(Cell<u32>);
///
/// impl TimerHandler for Heartbeat {
///     fn timer_due(self: Rc<Self>, _: TimerId) {
///         self.0.set(self.0.get() + 1);
///     }
/// }
///
/// let heartbeat = Rc::new(Heartbeat::default());
/// let handler: Rc<dyn TimerHandler> = heartbeat.clone();
/// let handler: Weak<dyn TimerHandler> = Rc::downgrade(&handler);
/// let id = Dispatcher::current().start_timer(Duration::ZERO, TimerType::Precise, handler);
/// assert!(wait_until(5000, || heartbeat.0.get() == 3));
/// Dispatcher::current().stop_timer(id);
/// ```
pub trait TimerHandler {
    /// Called when the timer `id` is due.
    fn timer_due(self: Rc<Self>, id: TimerId);

    /// Reads the memory that [`timer_due`](TimerHandler::timer_due) will need, and does nothing
    /// else. The loop calls it for many timers, shortly before they are due.
    #[doc(hidden)]
    fn fetch(&self) {}

    /// Reads the rest of that memory: what is found only through the memory that
    /// [`fetch`](TimerHandler::fetch) has read. The loop calls it once it has called `fetch` for
    /// all these timers.
    #[doc(hidden)]
    fn fetch_rest(&self) {}
}

/// The id of a running timer of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId {
    index: u32,
    serial: u64,
}

pub(super) enum Action {
    Handler(Weak<dyn TimerHandler>),
    Once(Box<dyn FnOnce()>),
    #[cfg(feature = "tasks")]
    Wake(Waker),
}

struct Timer {
    action: Option<Action>,
    interval: Nanos,
    kind: TimerType,
    due: Nanos,
    serial: u64,
    /// The number that orders timers with the same due time. While the handler runs, it is the
    /// number that the timer will have afterwards.
    order: u64,
    /// Whether the timer is in the queue. It is not while its handler runs.
    waits: bool,
}

#[derive(Default)]
pub(super) struct Timers {
    timers: Slab<Timer>,
    queue: DueQueue,
    /// The time of the last start or firing.
    now: Nanos,
    /// How many values of `order` and `serial` have been given out.
    orders: u64,
    stale: usize,
}

/// A timer that the loop has to fire now.
pub(super) enum Firing {
    /// `None` if the handler is dead.
    Handler(Option<Rc<dyn TimerHandler>>, TimerId),
    Once(Box<dyn FnOnce()>),
    #[cfg(feature = "tasks")]
    Wake(Waker),
}

impl Timers {
    pub(super) fn start(
        &mut self,
        now: Nanos,
        interval: Duration,
        kind: TimerType,
        action: Action,
    ) -> TimerId {
        let interval = Nanos::try_from(interval.as_nanos()).unwrap_or(Nanos::MAX);
        let due = due_time(now, interval, kind);
        self.now = now;
        let serial = self.next_order();
        let index = self.timers.insert(Timer {
            action: Some(action),
            interval,
            kind,
            due,
            serial,
            order: 0,
            waits: false,
        });
        let order = self.next_order();
        self.push(index, order);
        TimerId { index: index as u32, serial }
    }

    /// Stops a timer. Returns its action, or `None` if there is no such timer. The caller drops the
    /// action without holding a borrow.
    pub(super) fn stop(&mut self, id: TimerId) -> Option<Action> {
        let timer = self.get(id)?;
        let waited = timer.waits;
        let timer = self.timers.remove(id.index as usize);
        if waited {
            self.stale += 1;
            self.sweep();
        }
        timer.action
    }

    #[cfg(feature = "tasks")]
    pub(super) fn is_running(&self, id: TimerId) -> bool {
        self.get(id).is_some()
    }

    pub(super) fn remaining(&self, id: TimerId, now: Nanos) -> Option<Duration> {
        Some(Duration::from_nanos(self.get(id)?.due.saturating_sub(now)))
    }

    /// Returns the due time of the next timer, if any timer waits.
    pub(super) fn next_due(&mut self) -> Option<Nanos> {
        self.first().map(|first| first.due)
    }

    /// Returns the first entry of the queue that is not stale.
    fn first(&mut self) -> Option<Due> {
        loop {
            let timers = &self.timers;
            let first = *self.queue.peek(|entries| fetch(timers, entries))?;
            if self.stands(&first) {
                return Some(first);
            }
            self.queue.pop();
            self.stale -= 1;
        }
    }

    /// Returns a mark: timers set before this call have lower orders, timers set later do not.
    pub(super) fn mark(&self) -> u64 {
        self.orders
    }

    /// Takes the next timer that is due at `now` and was set before `mark`. The timer counts as
    /// firing until [`fired`](Timers::fired) is called.
    pub(super) fn pop_due(&mut self, now: Nanos, mark: u64) -> Option<Firing> {
        let top = self.first()?;
        if top.due > now || top.order >= mark {
            return None;
        }
        self.queue.pop();
        self.now = now;
        let index = top.index as usize;
        // The timer takes its next place in the order now, before any timer that its handler
        // starts.
        let order = self.next_order();
        let timer = &mut self.timers[index];
        timer.order = order;
        timer.waits = false;
        match &timer.action {
            Some(Action::Handler(handler)) => {
                let firing = Firing::Handler(
                    handler.upgrade(),
                    TimerId { index: top.index, serial: timer.serial },
                );
                let next = timer.due.saturating_add(timer.interval);
                timer.due = if next > now {
                    next
                } else {
                    // The timer is late by at least one interval. It does not make up for the
                    // timeouts that it missed.
                    due_time(now, timer.interval, timer.kind)
                };
                Some(firing)
            }
            _ => match self.timers.remove(index).action {
                Some(Action::Once(call)) => Some(Firing::Once(call)),
                #[cfg(feature = "tasks")]
                Some(Action::Wake(waker)) => Some(Firing::Wake(waker)),
                _ => None,
            },
        }
    }

    /// Puts a timer back into the queue after its handler has returned, unless it was stopped.
    pub(super) fn fired(&mut self, id: TimerId) {
        if let Some(timer) = self.get(id).filter(|timer| !timer.waits) {
            let order = timer.order;
            self.push(id.index as usize, order);
        }
    }

    /// Returns a time that has passed.
    pub(super) fn past(&self) -> Nanos {
        self.now
    }

    pub(super) fn take_all(&mut self) -> Slab<impl Sized + use<>> {
        self.queue.clear();
        self.stale = 0;
        std::mem::take(&mut self.timers)
    }

    fn get(&self, id: TimerId) -> Option<&Timer> {
        self.timers.get(id.index as usize).filter(|timer| timer.serial == id.serial)
    }

    fn next_order(&mut self) -> u64 {
        self.orders += 1;
        self.orders - 1
    }

    fn push(&mut self, index: usize, order: u64) {
        let timer = &mut self.timers[index];
        timer.order = order;
        timer.waits = true;
        self.queue.push(Due { due: timer.due, order, index: index as u32 }, self.now);
    }

    fn stands(&self, entry: &Due) -> bool {
        stands(&self.timers, entry)
    }

    fn sweep(&mut self) {
        if self.stale > 64 && self.stale * 2 > self.queue.len() {
            let timers = &self.timers;
            self.queue.retain(|entry| stands(timers, entry));
            self.stale = 0;
        }
    }
}

fn stands(timers: &Slab<Timer>, entry: &Due) -> bool {
    let timer = timers.get(entry.index as usize);
    timer.is_some_and(|timer| timer.waits && timer.order == entry.order)
}

/// Reads the timers that are due soon, and their handlers. When the timers fire one after another,
/// each of them would wait for its own memory. Each loop here reads from places that are known
/// before it begins, so that the processor waits for many of them at once.
fn fetch(timers: &Slab<Timer>, entries: &[Due]) {
    for entry in entries {
        black_box(timers.get(entry.index as usize).is_some_and(|timer| timer.waits));
    }
    let handlers = || {
        entries.iter().filter_map(|entry| match &timers.get(entry.index as usize)?.action {
            Some(Action::Handler(handler)) => Some(handler),
            _ => None,
        })
    };
    for handler in handlers() {
        black_box(handler.strong_count());
    }
    for handler in handlers().filter_map(Weak::upgrade) {
        handler.fetch();
    }
    for handler in handlers().filter_map(Weak::upgrade) {
        handler.fetch_rest();
    }
}

const MILLISECOND: Nanos = 1_000_000;
const SECOND: Nanos = 1000 * MILLISECOND;

/// Returns the due time of a timer started at `now`.
///
/// The due time of a coarse timer is moved by at most 5 % of the interval, to the roundest
/// millisecond in that range. So timers with nearly the same due time fire together.
fn due_time(now: Nanos, interval: Nanos, kind: TimerType) -> Nanos {
    let due = now.saturating_add(interval);
    match kind {
        TimerType::Precise => due,
        TimerType::Coarse if interval <= 20 * MILLISECOND => due,
        TimerType::Coarse => {
            let slack = interval / 20;
            // The step is the largest power of two, in milliseconds, that is at most the slack and
            // at most one second. So every range as wide as the slack contains a multiple of it.
            let mut step = MILLISECOND;
            while step * 2 <= slack.min(SECOND) {
                step *= 2;
            }
            (due.saturating_add(step / 2) / step) * step
        }
        TimerType::VeryCoarse if interval < SECOND / 2 => now.saturating_add(SECOND),
        TimerType::VeryCoarse => (due.saturating_add(SECOND / 2) / SECOND) * SECOND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once() -> Action {
        Action::Once(Box::new(|| ()))
    }

    struct Nobody;
    impl TimerHandler for Nobody {
        fn timer_due(self: Rc<Self>, _: TimerId) {}
    }

    #[test]
    fn equal_due_times_fire_in_the_order_of_their_start() {
        let mut timers = Timers::default();
        let nobody: Weak<dyn TimerHandler> =
            Rc::downgrade(&(Rc::new(Nobody) as Rc<dyn TimerHandler>));
        let ids: Vec<_> = (0..10)
            .map(|_| {
                let action = Action::Handler(nobody.clone());
                timers.start(5, Duration::from_nanos(10), TimerType::Precise, action)
            })
            .collect();
        let mark = timers.mark();
        for id in ids {
            match timers.pop_due(15, mark) {
                Some(Firing::Handler(_, fired)) => assert_eq!(fired, id),
                _ => panic!("none due"),
            }
        }
        assert!(timers.pop_due(15, mark).is_none());
    }

    #[test]
    fn what_is_set_after_the_mark_waits() {
        let mut timers = Timers::default();
        let mark = timers.mark();
        timers.start(0, Duration::ZERO, TimerType::Coarse, once());
        assert!(timers.pop_due(0, mark).is_none());
        assert!(timers.pop_due(0, timers.mark()).is_some());
        assert_eq!(timers.next_due(), None);
    }

    #[test]
    fn stopped_timers_do_not_pile_up() {
        let mut timers = Timers::default();
        for now in 0..100_000 {
            let id = timers.start(now, Duration::from_secs(30), TimerType::Precise, once());
            assert!(timers.stop(id).is_some());
            assert!(timers.stop(id).is_none());
        }
        assert!(timers.queue.len() < 200);
        assert_eq!(timers.next_due(), None);
    }

    #[test]
    fn a_firing_timer_is_not_waited_for_and_keeps_its_pace() {
        let mut timers = Timers::default();
        let handler = Rc::new(Nobody);
        let weak: Weak<dyn TimerHandler> = Rc::downgrade(&(handler as Rc<dyn TimerHandler>));
        let id =
            timers.start(0, Duration::from_nanos(10), TimerType::Precise, Action::Handler(weak));
        assert!(timers.pop_due(13, timers.mark()).is_some());
        assert_eq!(timers.next_due(), None);
        assert_eq!(timers.remaining(id, 13), Some(Duration::from_nanos(7)));
        timers.fired(id);
        assert_eq!(timers.next_due(), Some(20));
        // Three intervals late: one timeout, and the next a whole interval from now.
        assert!(timers.pop_due(55, timers.mark()).is_some());
        timers.fired(id);
        assert_eq!(timers.next_due(), Some(65));
    }

    #[test]
    fn coarse_timers_keep_within_a_twentieth() {
        for start in [0, 1, 999_999, 123_456_789, 98_765_432_101] {
            for millis in [1, 20, 21, 50, 99, 100, 1000, 12345, 100_000, 3_600_000] {
                let interval = millis * MILLISECOND;
                let due = due_time(start, interval, TimerType::Coarse);
                assert!(due.abs_diff(start + interval) * 20 <= interval, "{start} {millis}");
                assert_eq!(due_time(start, interval, TimerType::Precise), start + interval);
                let due = due_time(start, interval, TimerType::VeryCoarse);
                assert!(due > start && due.abs_diff(start + interval) <= SECOND);
            }
        }
    }
}
