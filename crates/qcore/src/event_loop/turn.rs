//! One turn of the loop.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use super::{
    Dispatcher, ProcessEventsFlags, Run, TimerId,
    inbox::Message,
    posted::{Posted, Which},
    running::Root,
    source::SourceKey,
    timers::Firing,
};
use crate::{id::ObjectId, panics::guard, time::Nanos};

impl Dispatcher {
    /// Runs one turn. Returns whether it has handled anything.
    ///
    /// With `WAIT_FOR_MORE_EVENTS` it waits for an event, at most until `until`. It does not wait
    /// if there is already something to do or if [`Run::exit`] was called.
    ///
    /// `root` is polled in the step for tasks. If it is woken, the turn does not wait.
    ///
    /// In the last turn of `run`, and in a turn without a `run`, the data written during that turn
    /// is not sent. Qt's write notifiers would send it in the next turn. This is visible to the
    /// peer, because data written before `quit()` may never arrive.
    pub(super) fn turn(
        self: &Rc<Self>,
        flags: ProcessEventsFlags,
        until: Option<Nanos>,
        run: Option<&Rc<Run>>,
        root: Option<&dyn Root>,
    ) -> bool {
        // This may be the last turn of the loop. Then it sends only the data that was written
        // before it. Qt sends the rest in the next turn, and there is no next turn.
        let is_last = || run.is_none_or(|run| run.is_told_to_exit());
        let (writers_before, early_before) =
            (self.writers.borrow().len(), self.early_writers.borrow().len());
        // This turn includes the calls that other threads posted before it, as if this thread had
        // posted them.
        let woken = self.collect_posts();
        let mut done = self.send_posted(&Which::ALL) || woken;
        let (writers, early) = if is_last() {
            (writers_before, early_before)
        } else {
            (self.writers.borrow().len(), self.early_writers.borrow().len())
        };
        let sockets = !flags.contains(ProcessEventsFlags::EXCLUDE_SOCKET_NOTIFIERS);
        let timers = !flags.contains(ProcessEventsFlags::EXCLUDE_TIMERS);
        let wait = flags.contains(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS)
            && !self.ended.get()
            // Only `exec` waits after something was handled. The caller of a single turn wants to
            // examine what that turn has handled.
            && run.map_or(!done, |run| !run.is_told_to_exit())
            && !self.posted.borrow().has_work(self.level.get())
            && !self.woken.get()
            && !self.has_ready_tasks()
            && root.is_none_or(|root| !root.is_woken())
            && !self.sources.is_woken()
            // Excluded sockets stay in their queues and do not prevent a wait.
            && (!sockets
                || writers == 0
                    && self.early_writers.borrow().is_empty()
                    && self.sources.ready_count() == 0);
        self.poll(wait, sockets, timers, until);
        done |= self.collect_posts();
        done |= self.woken.take();
        // If no timer is due now, the timers that the sources start wait for the next turn, as with
        // Qt's GLib loop. What the sources write is then sent before these timers fire.
        let now = if timers { self.time_if_timer_due() } else { None };
        let mut moved = false;
        if sockets {
            moved |= self.run_sources();
            moved |= self.run_writers(&self.writers, writers);
            moved |= self.run_writers(&self.early_writers, early);
        }
        done |= moved;
        if let Some(now) = now {
            // Reading the clock takes a good part of a turn that only fires a timer.
            done |= self.run_timers(if moved { self.clock.now() } else { now });
        }
        done |= self.run_tasks(root);
        // Posted calls run before the data is sent, as in Qt: one of them may end the connection.
        if sockets && !is_last() && !self.posted.borrow().has_work(self.level.get()) {
            let early = self.early_writers.borrow().len();
            done |= self.run_writers(&self.early_writers, early);
        }
        done
    }

    /// Polls, and waits if `wait` is true. Afterwards the ready queue contains every source with an
    /// event.
    fn poll(&self, wait: bool, sockets: bool, timers: bool, until: Option<Nanos>) {
        if !wait {
            return self.sources.wait(Some(Duration::ZERO));
        }
        let (due, past) = {
            let mut all = self.timers.borrow_mut();
            (if timers { all.next_due() } else { None }, all.past())
        };
        let at = match (due, until) {
            (Some(due), Some(until)) => Some(due.min(until)),
            (due, until) => due.or(until),
        };
        let Some(at) = at else { return self.sources.wait_for_all(None) };
        if self.sources.moves(&self.clock) {
            self.sources.wait(Some(Duration::ZERO));
            let is_ready = sockets && self.sources.ready_count() > 0;
            if !is_ready && !self.sources.is_woken() {
                self.clock.advance_to(at);
            }
            return;
        }
        let rest = if at <= past { 0 } else { at.saturating_sub(self.clock.now()) };
        self.sources.wait_for_all(Some(Duration::from_nanos(rest)));
    }

    /// Returns whether the next turn has something to do without waiting.
    pub(crate) fn has_pending_events(&self) -> bool {
        self.sources.wait(Some(Duration::ZERO));
        if self.collect_posts() {
            // The next turn still has to see that another thread has woken it.
            self.woken.set(true);
        }
        self.woken.get()
            || self.posted.borrow().has_work(self.level.get())
            || self.has_ready_tasks()
            || self.sources.ready_count() > 0
            || !self.writers.borrow().is_empty()
            || !self.early_writers.borrow().is_empty()
            || self.time_if_timer_due().is_some()
    }

    /// Returns the time if a timer is due.
    fn time_if_timer_due(&self) -> Option<Nanos> {
        let due = self.timers.borrow_mut().next_due()?;
        Some(self.clock.now()).filter(|&now| due <= now)
    }

    /// Moves the calls of other threads to the queue of this loop. Returns whether one of these
    /// threads has woken the loop.
    pub(crate) fn collect_posts(&self) -> bool {
        let woken = self.sources.take_woken();
        let has_woken = woken.is_some();
        if let Some(inbox) = woken {
            // The buffers of the inbox and of the loop take turns, so that neither grows anew.
            let mut buffer = self.buffer.take();
            let discarded = inbox.take(&mut buffer);
            let mut messages = buffer.drain(..);
            if self.arrived.borrow().is_empty() {
                self.enqueue_calls(&mut messages);
            }
            self.arrived.borrow_mut().extend(messages);
            self.buffer.set(buffer);
            // Dropping a value may run user code, which may run a loop. That loop needs the tasks.
            self.collect_tasks();
            self.drop_lodgers_for_others(&discarded);
        }
        // A setup may run user code, which may post and so collect the messages behind it, or
        // panic. The messages that are left wait in `arrived`.
        let next = || self.arrived.borrow_mut().pop_front();
        while let Some(message) = next() {
            self.enqueue(message);
        }
        has_woken
    }

    /// Moves messages to the queue of this loop, until a setup is among them. That one goes to
    /// `arrived`.
    fn enqueue_calls(&self, messages: &mut impl Iterator<Item = Message>) {
        let mut queue = self.posted.borrow_mut();
        for message in messages {
            match message.into_posted() {
                Ok(posted) => queue.push(posted),
                Err(setup) => return self.arrived.borrow_mut().push_back(Message::Setup(setup)),
            }
        }
    }

    fn enqueue(&self, message: Message) {
        match message.into_posted() {
            Ok(posted) => self.posted.borrow_mut().push(posted),
            Err(setup) => {
                guard("code that the event loop called", setup);
            }
        }
    }

    /// Accepts a message that this loop's own thread sends. Returns it if the loop has ended.
    pub(super) fn accept(&self, message: Message) -> Result<(), Message> {
        if self.ended.get() {
            return Err(message);
        }
        // What other threads have sent before comes first.
        if self.collect_posts() {
            // The next turn still has to see that another thread has woken it.
            self.woken.set(true);
        }
        self.enqueue(message);
        Ok(())
    }

    /// Delivers the posted items that `which` selects. Returns whether there were any.
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
                Posted::Delivery(delivery)
                | Posted::Repeated(delivery, _)
                | Posted::Several(delivery) => {
                    self.deliver(|| delivery.deliver());
                }
                Posted::Sent(delivery) => self.deliver(|| delivery.deliver()),
                Posted::ForLevel(delivery, _) if delivery.is_wanted() => {
                    self.deliver(|| delivery.deliver());
                }
                Posted::ForLevel(..) | Posted::Gone => continue,
            }
            done = true;
        }
        done
    }

    /// Makes a delivery one level deeper, as the loop does. The current sender stays the same.
    pub(crate) fn deepen(&self, call: impl FnOnce()) {
        let sender = self.sender();
        self.deliver(|| {
            self.replace_sender(sender);
            call();
        });
    }

    fn run_sources(&self) -> bool {
        // A source that requeues itself goes to the end of the queue, and so waits for the next
        // turn.
        let count = self.sources.ready_count();
        for _ in 0..count {
            if let Some((source, ready)) = self.sources.pop_ready() {
                self.deliver(|| source.ready(ready));
            }
        }
        count > 0
    }

    fn run_writers(&self, queue: &RefCell<VecDeque<SourceKey>>, count: usize) -> bool {
        for _ in 0..count {
            let Some(key) = queue.borrow_mut().pop_front() else { break };
            if let Some(source) = self.sources.source(key) {
                self.deliver(|| source.write_pending());
            }
        }
        count > 0
    }

    /// Fires the timers that are due at `now`, each once.
    fn run_timers(&self, now: Nanos) -> bool {
        let mark = self.timers.borrow().mark();
        let mut done = false;
        loop {
            let firing = self.timers.borrow_mut().pop_due(now, mark);
            match firing {
                None => return done,
                Some(Firing::Once(call)) => self.deliver(call),
                #[cfg(feature = "tasks")]
                Some(Firing::Wake(waker)) => self.deliver(|| waker.wake()),
                Some(Firing::Handler(handler, id)) => {
                    // The guard restarts the timer even if the handler panics.
                    struct Fired<'a>(&'a Dispatcher, TimerId);
                    impl Drop for Fired<'_> {
                        fn drop(&mut self) {
                            self.0.timers.borrow_mut().fired(self.1);
                        }
                    }
                    let _fired = Fired(self, id);
                    match handler {
                        Some(handler) => self.deliver(|| handler.timer_due(id)),
                        // The handler is dead, so only the loop can stop the timer.
                        None => drop(self.stop_timer(id)),
                    }
                }
            }
            done = true;
        }
    }

    /// Makes a delivery: calls user code, one level deeper.
    pub(crate) fn deliver(&self, call: impl FnOnce()) {
        struct Level<'a>(&'a Dispatcher, ObjectId);
        impl Drop for Level<'_> {
            fn drop(&mut self) {
                self.0.level.set(self.0.level.get() - 1);
                self.0.replace_sender(self.1);
            }
        }
        self.level.set(self.level.get() + 1);
        // This loop may run inside a slot. The sender of that slot is not the sender of this
        // delivery.
        let _level = Level(self, self.replace_sender(ObjectId::NONE));
        guard("code that the event loop called", call);
    }
}

/// Without tasks, the turn has no step for them.
#[cfg(not(feature = "tasks"))]
impl Dispatcher {
    #[inline]
    fn has_ready_tasks(&self) -> bool {
        false
    }

    #[inline]
    fn collect_tasks(&self) {}

    #[inline]
    fn run_tasks(&self, _: Option<&dyn Root>) -> bool {
        false
    }
}
