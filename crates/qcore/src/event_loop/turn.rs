//! A turn of the loop.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use super::{
    Dispatcher, ProcessEventsFlags, Run, TimerId,
    posted::{Posted, Which},
    source::SourceKey,
    timers::Firing,
};
use crate::{id::ObjectId, time::Nanos};

impl Dispatcher {
    /// One turn. Returns whether anything was done.
    ///
    /// With `WAIT_FOR_MORE_EVENTS` it waits for something to happen, at most until `until`, unless
    /// there is anything to do or `run` is to end.
    ///
    /// What is written in the last turn of `run`, or in a turn of no loop, does not go out in that
    /// turn: Qt's write notifiers are for the next one. The other end can tell, since what was
    /// written before `quit()` may never be sent.
    pub(super) fn turn(
        self: &Rc<Self>,
        flags: ProcessEventsFlags,
        until: Option<Nanos>,
        run: Option<&Rc<Run>>,
    ) -> bool {
        // The turn may be the loop's last one. It then sends only what was written before it: Qt
        // sends the rest in its next turn, and there is none.
        let is_last = || run.is_none_or(|run| run.is_told_to_exit());
        let (writers_before, early_before) =
            (self.writers.borrow().len(), self.early_writers.borrow().len());
        // What was posted by another thread before this turn is part of it, as if by this one.
        self.collect_posts();
        let mut done = self.send_posted(&Which::ALL);
        let writers = if is_last() { writers_before } else { self.writers.borrow().len() };
        let sockets = !flags.contains(ProcessEventsFlags::EXCLUDE_SOCKET_NOTIFIERS);
        let timers = !flags.contains(ProcessEventsFlags::EXCLUDE_TIMERS);
        let wait = flags.contains(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS)
            && !self.ended.get()
            // Only a loop that runs waits although something was done: whoever runs a single turn
            // wants to look at what it was.
            && run.map_or(!done, |run| !run.is_told_to_exit())
            && !self.posted.borrow().has_work(self.level.get())
            && !self.woken.get()
            // What is excluded stays where it is, and is no reason not to wait.
            && (!sockets
                || writers == 0
                    && self.early_writers.borrow().is_empty()
                    && self.sources.ready_count() == 0);
        self.poll(wait, sockets, timers, until);
        done |= self.collect_posts();
        done |= self.woken.take();
        if sockets {
            done |= self.run_sources();
            done |= self.run_writers(&self.writers, writers);
        }
        // What was written before the timers fire is sent even if one of them ends the loop, as
        // with Qt.
        let early_so_far = if is_last() { early_before } else { self.early_writers.borrow().len() };
        if timers {
            done |= self.run_timers();
        }
        let early = if is_last() { early_so_far } else { self.early_writers.borrow().len() };
        if sockets && early > 0 {
            done |= self.run_writers(&self.early_writers, early);
        }
        done
    }

    /// Polls, and waits if it may. Everything that has happened is in the ready queue then.
    fn poll(&self, wait: bool, sockets: bool, timers: bool, until: Option<Nanos>) {
        if !wait {
            return self.sources.wait(Some(Duration::ZERO));
        }
        let due = if timers { self.timers.borrow_mut().next_due() } else { None };
        let at = match (due, until) {
            (Some(due), Some(until)) => Some(due.min(until)),
            (due, until) => due.or(until),
        };
        let Some(at) = at else { return self.sources.wait(None) };
        if self.clock.is_virtual() {
            self.sources.wait(Some(Duration::ZERO));
            let is_ready = sockets && self.sources.ready_count() > 0;
            if !is_ready && !self.sources.is_woken() {
                self.clock.advance_to(at);
            }
            return;
        }
        let timeout = Duration::from_nanos(at.saturating_sub(self.clock.now()));
        self.sources.wait(Some(timeout));
    }

    /// Puts in line what other threads have posted; whether one of them has woken the loop.
    fn collect_posts(&self) -> bool {
        let Some(inbox) = self.sources.take_woken() else { return false };
        for call in inbox.take() {
            self.posted.borrow_mut().push(Posted::Call(call));
        }
        true
    }

    /// Delivers what is posted, or some of it. Returns whether there was anything.
    pub(crate) fn send_posted(self: &Rc<Self>, which: &Which) -> bool {
        struct Ended<'a>(&'a Dispatcher);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.posted.borrow_mut().end_round();
            }
        }
        let mut round = self.posted.borrow_mut().begin_round(which);
        let _ended = Ended(self);
        let mut done = false;
        let mut next = || self.posted.borrow_mut().next(&mut round, which, self.level.get());
        while let Some(posted) = next() {
            match posted {
                Posted::Call(call) => self.deliver(call),
                Posted::Delivery(delivery) => self.deliver(|| delivery.deliver()),
                Posted::ForLevel(delivery, _) if delivery.is_wanted() => {
                    self.deliver(|| delivery.deliver());
                }
                Posted::ForLevel(..) | Posted::Gone => continue,
            }
            done = true;
        }
        done
    }

    /// Calls somebody's code one level deeper, as if the loop did. The sender stays who it is.
    pub(crate) fn deepen(&self, call: impl FnOnce()) {
        let sender = self.sender();
        self.deliver(|| {
            self.replace_sender(sender);
            call();
        });
    }

    fn run_sources(&self) -> bool {
        // Those that requeue themselves come behind, and so wait for the next turn.
        let mut count = self.sources.ready_count();
        let done = count > 0;
        while count > 0 {
            let Some((source, ready)) = self.sources.pop_ready() else { break };
            if let Some(source) = source.upgrade() {
                self.deliver(|| source.ready(ready));
            }
            count -= 1;
        }
        done
    }

    fn run_writers(&self, queue: &RefCell<VecDeque<SourceKey>>, count: usize) -> bool {
        for _ in 0..count {
            let Some(key) = queue.borrow_mut().pop_front() else { break };
            let source = self.sources.source(key).and_then(|source| source.upgrade());
            if let Some(source) = source {
                self.deliver(|| source.write_pending());
            }
        }
        count > 0
    }

    fn run_timers(&self) -> bool {
        if self.timers.borrow().is_empty() {
            return false;
        }
        let now = self.clock.now();
        let mark = self.timers.borrow().mark();
        let mut done = false;
        loop {
            let firing = self.timers.borrow_mut().pop_due(now, mark);
            match firing {
                None => return done,
                Some(Firing::Once(call)) => self.deliver(call),
                Some(Firing::Handler(handler, id)) => {
                    // Even if the handler panics, the timer goes on.
                    struct Fired<'a>(&'a Dispatcher, TimerId);
                    impl Drop for Fired<'_> {
                        fn drop(&mut self) {
                            self.0.timers.borrow_mut().fired(self.1);
                        }
                    }
                    let _fired = Fired(self, id);
                    match handler.upgrade() {
                        Some(handler) => self.deliver(|| handler.timer_due(id)),
                        // Nobody is left to stop it.
                        None => drop(self.stop_timer(id)),
                    }
                }
            }
            done = true;
        }
    }

    /// Calls somebody's code, one level deeper.
    fn deliver(&self, call: impl FnOnce()) {
        struct Level<'a>(&'a Dispatcher, ObjectId);
        impl Drop for Level<'_> {
            fn drop(&mut self) {
                self.0.level.set(self.0.level.get() - 1);
                self.0.replace_sender(self.1);
            }
        }
        self.level.set(self.level.get() + 1);
        // Further out there may be a slot that runs this loop; its sender is none of this one's.
        let _level = Level(self, self.replace_sender(ObjectId::NONE));
        call();
    }
}
