//! A thread's loop.

use std::{
    any::{Any, TypeId},
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    fmt, io,
    rc::{Rc, Weak},
    time::Duration,
};

use mio::{Interest, event};
use slab::Slab;

use super::{
    Deliver, EventSource, Poster, ProcessEventsFlags, Readiness, Registration, Run, TimerHandler,
    TimerId,
    application::CoreApplicationNode,
    poll::Sources,
    posted::{PostQueue, Posted, Which},
    source::SourceKey,
    timers::{Action, Firing, Timers},
};
use crate::{
    event::{EventType, QEvent},
    object::{Life, Node},
    time::{Clock, Nanos, QDeadlineTimer, TimerType},
};

/// The number of an object in its loop's table. No other object ever has the same.
///
/// One word, as each emission stores it: a generation, and the index below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectId(u64);

impl ObjectId {
    pub(crate) const NONE: ObjectId = ObjectId(0);

    fn new(generation: u32, index: u32) -> Self {
        ObjectId((u64::from(generation) << 32) | u64::from(index))
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn index(self) -> usize {
        self.0 as u32 as usize
    }
}

/// The event loop of a thread.
///
/// Most programs meet it as [`QCoreApplication`](super::QCoreApplication) and
/// [`QEventLoop`](super::QEventLoop). This is the side that sources of events are written against:
/// posted calls, timers and registrations. See [the module](super) for what a turn of it does.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc, time::Duration};
/// use qcore::{Dispatcher, QCoreApplication, TimerType};
///
/// let dispatcher = Dispatcher::current();
/// let calls = Rc::new(Cell::new(0));
/// let count = |more: u32| {
///     let calls = calls.clone();
///     move || calls.set(calls.get() + more)
/// };
/// dispatcher.post(count(1));
/// let late = dispatcher.call_after(Duration::from_secs(60), TimerType::Coarse, count(10));
/// assert!(dispatcher.stop_timer(late));
/// QCoreApplication::instance().process_events();
/// assert_eq!(calls.get(), 1);
/// ```
pub struct Dispatcher {
    clock: Rc<Clock>,
    posted: RefCell<PostQueue>,
    sources: Sources,
    writers: RefCell<VecDeque<SourceKey>>,
    early_writers: RefCell<VecDeque<SourceKey>>,
    timers: RefCell<Timers>,
    /// How many loops and deliveries are under way, one in the other.
    level: Cell<u32>,
    runs: RefCell<Vec<Rc<Run>>>,
    quitting: Cell<bool>,
    /// The thread has ended, and with it whatever would be called.
    ended: Cell<bool>,
    /// Whose signal called the slot that is running: an id of an object, so that noting it is
    /// storing a number.
    sender: Cell<ObjectId>,
    objects: RefCell<Slab<(u32, Weak<Life>)>>,
    object_generation: Cell<u32>,
    application: RefCell<Weak<CoreApplicationNode>>,
    /// Whether the application filters the events of all objects.
    application_filters: Cell<bool>,
    /// The application has ended.
    closing_down: Cell<bool>,
    use_of_loop: Cell<UseOfLoop>,
    /// Somebody wants the loop to go round once.
    woken: Cell<bool>,
    locals: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
}

/// Whether the thread uses its loop, as far as it can be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum UseOfLoop {
    #[default]
    Unknown,
    /// A timer was started, which never fires unless somebody runs the loop.
    Expected,
    /// There is, or was, an object that runs the loop, or the loop has run.
    Seen,
}

thread_local! {
    static CURRENT: OnceCell<Owner> = const { OnceCell::new() };
}

/// Ends the loop with its thread. Objects that outlive it keep the rest of it.
struct Owner(Rc<Dispatcher>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}

impl Dispatcher {
    /// The loop of this thread, made now if there is none.
    #[must_use]
    pub fn current() -> Rc<Dispatcher> {
        // Where the thread is just ending, and its loop with it, a late object gets a loop that
        // never runs.
        CURRENT
            .try_with(|current| current.get_or_init(|| Owner(Dispatcher::new(false))).0.clone())
            .unwrap_or_else(|_| Dispatcher::new(true))
    }

    /// The loop of this thread, if there is one.
    pub(crate) fn existing() -> Option<Rc<Dispatcher>> {
        CURRENT.try_with(|current| current.get().map(|owner| owner.0.clone())).ok().flatten()
    }

    /// The loop of this thread, if a slot is running that has a sender.
    #[inline]
    pub(crate) fn with_sender() -> Option<Rc<Dispatcher>> {
        let busy = |owner: &&Owner| owner.0.sender.get() != ObjectId::NONE;
        let find = |current: &OnceCell<Owner>| Some(current.get().filter(busy)?.0.clone());
        CURRENT.try_with(find).ok().flatten()
    }

    fn new(ended: bool) -> Rc<Dispatcher> {
        Rc::new(Dispatcher {
            clock: Clock::current(),
            posted: RefCell::default(),
            sources: Sources::default(),
            writers: RefCell::default(),
            early_writers: RefCell::default(),
            timers: RefCell::default(),
            level: Cell::new(0),
            runs: RefCell::default(),
            quitting: Cell::new(false),
            ended: Cell::new(ended),
            sender: Cell::new(ObjectId::NONE),
            objects: RefCell::default(),
            object_generation: Cell::new(0),
            application: RefCell::new(Weak::new()),
            application_filters: Cell::new(false),
            closing_down: Cell::new(false),
            use_of_loop: Cell::default(),
            woken: Cell::new(false),
            locals: RefCell::default(),
        })
    }

    // ---- posting

    /// Has `call` run by the loop, in its next turn. A push, and no system call.
    ///
    /// Drops it if the thread is just ending, and its loop with it.
    pub fn post(&self, call: impl FnOnce() + 'static) {
        // What waited for ever might hold an object that holds this loop.
        if !self.ended.get() {
            self.posted.borrow_mut().push(Posted::Call(Box::new(call)));
        }
    }

    /// Whether it was taken: not any more once the thread has ended.
    #[inline]
    pub(crate) fn post_delivery(&self, delivery: Rc<dyn Deliver>) -> bool {
        if self.ended.get() {
            return false;
        }
        self.posted.borrow_mut().push(Posted::Delivery(delivery));
        true
    }

    pub(crate) fn post_event(&self, receiver: &Rc<Life>, event: QEvent, priority: i32) {
        if !self.ended.get() {
            let event = Posted::Event(Rc::downgrade(receiver), Box::new(event));
            self.posted.borrow_mut().push_with(priority, event);
        }
    }

    /// Whether it was taken, as [`post_delivery`](Dispatcher::post_delivery).
    pub(crate) fn post_deletion(&self, object: Weak<Life>) -> bool {
        if self.ended.get() {
            return false;
        }
        // What a loop does outside of all deliveries counts as one, as with Qt.
        let (level, runs) = (self.level.get(), self.runs.borrow().len() as u32);
        let level = if runs > 0 && level == runs { level + 1 } else { level };
        self.posted.borrow_mut().push(Posted::Deletion(object, level));
        true
    }

    /// Whether any such thing is posted.
    pub(crate) fn has_posted(&self, which: &Which<'_>) -> bool {
        self.posted.borrow().contains(which)
    }

    /// Drops some of what is posted.
    pub(crate) fn remove_posted(&self, which: &Which<'_>) {
        let removed = self.posted.borrow_mut().remove(which);
        // All the counting first: what is dropped may be anything, and panic.
        let mut cancelled = Vec::new();
        for posted in &removed {
            match posted {
                Posted::Delivery(delivery) => cancelled.extend(delivery.cancel()),
                Posted::Deletion(object, _) => {
                    if let Some(object) = object.upgrade() {
                        object.forget_deletion();
                    }
                }
                Posted::Event(..) | Posted::Call(_) | Posted::Gone => {}
            }
        }
        drop((removed, cancelled));
    }

    /// Makes the loop go round once without waiting.
    pub(super) fn wake_up(&self) {
        self.woken.set(true);
    }

    /// A way to post from other threads.
    ///
    /// # Errors
    ///
    /// The first call needs descriptors for the poll and its waker, and fails where there are none.
    pub fn poster(&self) -> io::Result<Poster> {
        let inbox = self.sources.inbox()?;
        if self.ended.get() {
            inbox.close();
        }
        Ok(Poster::new(inbox))
    }

    // ---- sources

    /// A place for a source. Nothing is registered with the operating system yet.
    #[must_use]
    pub fn add_source(self: &Rc<Self>, source: Weak<dyn EventSource>) -> Registration {
        Registration::new(self.clone(), self.sources.add(source))
    }

    pub(super) fn remove_source(&self, key: SourceKey) {
        self.sources.remove(key);
    }

    pub(super) fn register_io(
        &self,
        io: &mut dyn event::Source,
        key: SourceKey,
        interest: Interest,
    ) -> io::Result<()> {
        self.sources.register(io, key, interest)
    }

    pub(super) fn reregister_io(
        &self,
        io: &mut dyn event::Source,
        key: SourceKey,
        interest: Interest,
    ) -> io::Result<()> {
        self.sources.reregister(io, key, interest)
    }

    pub(super) fn deregister_io(&self, io: &mut dyn event::Source) {
        self.sources.deregister(io);
    }

    pub(super) fn make_ready(&self, key: SourceKey, ready: Readiness) {
        self.sources.make_ready(key, ready);
    }

    pub(super) fn wait_for(&self, key: SourceKey, deadline: QDeadlineTimer) -> Option<Readiness> {
        loop {
            let ready = self.sources.take_ahead(key)?;
            if !ready.is_empty() {
                return Some(ready);
            }
            // However little time there is, what has happened already counts.
            let over = deadline.has_expired();
            let timeout = match deadline.nanos() {
                Some(_) if over || self.clock.is_virtual() => Some(Duration::ZERO),
                Some(at) => Some(Duration::from_nanos(at.saturating_sub(self.clock.now()))),
                None => None,
            };
            self.sources.wait(timeout);
            if !self.sources.is_ready(key) {
                if over {
                    return None;
                }
                self.clock.advance_to(deadline.nanos().unwrap_or(0));
            }
        }
    }

    pub(super) fn request_write(&self, key: SourceKey, early: bool) {
        let queue = if early { &self.early_writers } else { &self.writers };
        let mut queue = queue.borrow_mut();
        self.sources.sweep(&mut queue);
        queue.push_back(key);
    }

    // ---- timers

    /// Starts a timer that calls `handler` every `interval` until it is stopped.
    ///
    /// This function and [`call_after`](Self::call_after) have no counterpart in Qt. They take a
    /// `Duration`, which cannot be negative, where a [`QTimer`](crate::QTimer) takes an
    /// [`Interval`](crate::Interval).
    pub fn start_timer(
        &self,
        interval: Duration,
        kind: TimerType,
        handler: Weak<dyn TimerHandler>,
    ) -> TimerId {
        let now = self.clock.now();
        self.timers.borrow_mut().start(now, interval, kind, Action::Handler(handler))
    }

    /// Calls `call` once, after `interval`.
    pub fn call_after(
        &self,
        interval: Duration,
        kind: TimerType,
        call: impl FnOnce() + 'static,
    ) -> TimerId {
        let now = self.clock.now();
        let call: Box<dyn FnOnce()> =
            if self.ended.get() { Box::new(|| ()) } else { Box::new(call) };
        self.timers.borrow_mut().start(now, interval, kind, Action::Once(call))
    }

    /// Stops a timer; whether it was running.
    pub fn stop_timer(&self, id: TimerId) -> bool {
        // Dropping what it was to call is running somebody's code.
        let action = self.timers.borrow_mut().stop(id);
        action.is_some()
    }

    /// How long until a timer is due: nothing if it is late, `None` if it does not run.
    #[must_use]
    pub fn remaining_time(&self, id: TimerId) -> Option<Duration> {
        self.timers.borrow().remaining(id, self.clock.now())
    }

    // ---- what others keep here

    /// The value of type `T` that belongs to this loop, made at first use. For what a library would
    /// otherwise keep in a thread-local variable.
    #[must_use]
    pub fn local<T: Any + Default>(&self) -> Rc<T> {
        let find = || {
            let locals = self.locals.borrow();
            locals.iter().find(|(id, _)| *id == TypeId::of::<T>()).map(|(_, local)| local.clone())
        };
        let local = find().unwrap_or_else(|| {
            let local: Rc<dyn Any> = Rc::new(T::default());
            self.locals.borrow_mut().push((TypeId::of::<T>(), local.clone()));
            local
        });
        local.downcast().unwrap_or_else(|_| unreachable!("stored under its own type"))
    }

    pub(super) fn application(&self) -> &RefCell<Weak<CoreApplicationNode>> {
        &self.application
    }

    pub(super) fn set_closing_down(&self, closing: bool) {
        self.closing_down.set(closing);
        // Another application has filters of its own.
        self.application_filters.set(false);
    }

    pub(super) fn is_closing_down(&self) -> bool {
        self.closing_down.get()
    }

    /// The filters of `life` are others now. They count for all objects if it is the application.
    pub(crate) fn note_filters(&self, life: &Rc<Life>, has: bool) {
        let application = self.application.borrow().upgrade();
        if application.is_some_and(|application| Rc::ptr_eq(application.life(), life)) {
            self.application_filters.set(has);
        }
    }

    #[inline]
    pub(crate) fn has_application_filters(&self) -> bool {
        self.application_filters.get()
    }

    /// The application, if it has filters.
    pub(crate) fn filtering_application(&self) -> Option<Rc<Life>> {
        if !self.application_filters.get() {
            return None;
        }
        let application = self.application.borrow().upgrade()?;
        Some(application.life().clone())
    }

    /// Gives a new object its id.
    pub(crate) fn add_object(&self, life: &Weak<Life>) -> ObjectId {
        // Generation 0 is nobody's.
        let generation = self.object_generation.get().checked_add(1).unwrap_or(1);
        self.object_generation.set(generation);
        let index = self.objects.borrow_mut().insert((generation, life.clone()));
        ObjectId::new(generation, index as u32)
    }

    pub(crate) fn remove_object(&self, id: ObjectId) {
        self.objects.borrow_mut().try_remove(id.index());
    }

    pub(crate) fn object(&self, id: ObjectId) -> Option<Rc<Life>> {
        let objects = self.objects.borrow();
        let (generation, life) = objects.get(id.index())?;
        if *generation == id.generation() { life.upgrade() } else { None }
    }

    #[inline]
    pub(crate) fn sender(&self) -> ObjectId {
        self.sender.get()
    }

    #[inline]
    pub(crate) fn replace_sender(&self, sender: ObjectId) -> ObjectId {
        self.sender.replace(sender)
    }

    // ---- loops

    /// Whether the thread has ended, and its loop with it.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Whoever runs the loop is there.
    pub(super) fn note_loop(&self) {
        self.use_of_loop.set(UseOfLoop::Seen);
    }

    /// A timer waits for the loop.
    #[inline]
    pub(crate) fn expect_loop(&self) {
        if self.use_of_loop.get() == UseOfLoop::Unknown {
            self.use_of_loop.set(UseOfLoop::Expected);
        }
    }

    pub(super) fn enter_run(&self, run: &Rc<Run>) {
        self.note_loop();
        self.level.set(self.level.get() + 1);
        self.runs.borrow_mut().push(run.clone());
    }

    pub(super) fn leave_run(&self, run: &Rc<Run>) {
        self.level.set(self.level.get() - 1);
        self.runs.borrow_mut().retain(|other| !Rc::ptr_eq(other, run));
    }

    /// Whether any loop runs.
    pub(super) fn is_running(&self) -> bool {
        !self.runs.borrow().is_empty()
    }

    /// Ends all loops that run. None begins until that is [forgotten](Dispatcher::forget_exit).
    pub(super) fn exit_all(&self, code: i32) {
        self.quitting.set(true);
        for run in self.runs.borrow().iter() {
            run.exit(code);
        }
    }

    pub(super) fn forget_exit(&self) {
        self.quitting.set(false);
    }

    pub(super) fn is_quitting(&self) -> bool {
        self.quitting.get()
    }

    /// Carries out the deletions that the loop which has just ended left behind.
    pub(super) fn delete_leftovers(self: &Rc<Self>) {
        self.send_posted(&Which::new(None, Some(EventType::DEFERRED_DELETE)));
    }

    /// Whether this is the last turn of the loop that runs innermost.
    #[doc(hidden)]
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.runs.borrow().last().is_some_and(|run| run.exit.get())
    }

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
        let is_last = || run.is_none_or(|run| run.exit.get());
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
            && run.map_or(!done, |run| !run.exit.get())
            && writers == 0
            && self.early_writers.borrow().is_empty()
            && !self.posted.borrow().has_work(self.level.get())
            && !self.woken.get()
            && !(sockets && self.sources.ready_count() > 0);
        self.poll(wait, timers, until);
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
    fn poll(&self, wait: bool, timers: bool, until: Option<Nanos>) {
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
            if self.sources.ready_count() == 0 && !self.sources.is_woken() {
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
    pub(crate) fn send_posted(self: &Rc<Self>, which: &Which<'_>) -> bool {
        let mut round = self.posted.borrow_mut().begin_round(which);
        let mut done = false;
        let mut next = || self.posted.borrow_mut().next(&mut round, which, self.level.get());
        while let Some(posted) = next() {
            match posted {
                Posted::Call(call) => self.deliver(call),
                Posted::Delivery(delivery) => self.deliver_slot(&*delivery),
                Posted::Event(receiver, event) => self.deliver_event(&receiver, event),
                Posted::Deletion(object, _) => match object.upgrade() {
                    Some(life) if !life.is_dying() => self.deliver_deletion(&life),
                    // It is dead already.
                    _ => continue,
                },
                Posted::Gone => continue,
            }
            done = true;
        }
        done
    }

    #[inline]
    fn deliver_slot(self: &Rc<Self>, delivery: &dyn Deliver) {
        if delivery.receiver().is_some_and(|receiver| receiver.strong_count() == 0) {
            return drop(delivery.cancel());
        }
        self.deliver(|| delivery.deliver(self));
    }

    fn deliver_event(&self, receiver: &Weak<Life>, event: Box<QEvent>) {
        let Some(life) = receiver.upgrade() else { return };
        // The event, and what may be the last handle, are dropped in the delivery.
        self.deliver(move || {
            if let Some(object) = life.object() {
                life.send(&object, &event);
            }
            drop(event);
        });
    }

    fn deliver_deletion(&self, life: &Rc<Life>) {
        // From here on another one can be asked for.
        life.forget_deletion();
        self.deliver(|| {
            if !life.is_filtered(|| QEvent::new(EventType::DEFERRED_DELETE)) {
                life.destroy();
            }
        });
    }

    /// Has an event sent, which is one level deeper. The sender stays who it is.
    pub(crate) fn deepen(&self, call: impl FnOnce()) {
        let sender = self.sender.get();
        self.deliver(|| {
            self.sender.set(sender);
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

    /// The thread ends: what waits will not come.
    fn shut_down(&self) {
        if self.use_of_loop.get() == UseOfLoop::Expected {
            crate::q_warning!(
                "QObject::startTimer: The thread of a timer has ended without an event loop"
            );
        }
        self.ended.set(true);
        self.sources.close();
        // All of these may hold what the user gave.
        let posted = self.posted.borrow_mut().take_all();
        let timers = self.timers.borrow_mut().take_all();
        let locals = self.locals.take();
        drop((posted, timers, locals));
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("level", &self.level.get()).finish_non_exhaustive()
    }
}
