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

use super::{
    EventSource, Poster, Readiness, Run, TimerHandler, TimerId,
    poll::Sources,
    posted::{Deliver, PostQueue, Posted, Which},
    source::SourceKey,
    timers::{Action, Timers},
};
use crate::{
    id::ObjectId,
    time::{Clock, QDeadlineTimer, TimerType},
};

/// The event loop of a thread.
///
/// Most programs meet it as [`QCoreApplication`](crate::QCoreApplication) and
/// [`QEventLoop`](crate::QEventLoop). This is the side that sources of events are written against:
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
    pub(super) clock: Rc<Clock>,
    pub(super) posted: RefCell<PostQueue>,
    pub(super) sources: Sources,
    pub(super) writers: RefCell<VecDeque<SourceKey>>,
    pub(super) early_writers: RefCell<VecDeque<SourceKey>>,
    pub(super) timers: RefCell<Timers>,
    /// How many loops and deliveries are under way, one in the other.
    pub(super) level: Cell<u32>,
    runs: RefCell<Vec<Rc<Run>>>,
    quitting: Cell<bool>,
    /// The thread has ended, and with it whatever would be called.
    pub(super) ended: Cell<bool>,
    /// Whose signal called the slot that is running. Noting it is storing a number; what has the
    /// number is nothing to the loop.
    sender: Cell<ObjectId>,
    use_of_loop: Cell<UseOfLoop>,
    /// Somebody wants the loop to go round once.
    pub(super) woken: Cell<bool>,
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

    /// Has something delivered by the loop, in its next turn. Returns whether it was taken: not any
    /// more once the thread has ended.
    #[inline]
    pub(crate) fn post_delivery(&self, delivery: Rc<dyn Deliver>) -> bool {
        self.post_delivery_with(0, delivery)
    }

    /// [`post_delivery`](Dispatcher::post_delivery) with a priority: higher numbers come first.
    #[inline]
    pub(crate) fn post_delivery_with(&self, priority: i32, delivery: Rc<dyn Deliver>) -> bool {
        if self.ended.get() {
            return false;
        }
        self.posted.borrow_mut().push_with(priority, Posted::Delivery(delivery));
        true
    }

    /// Has something delivered once control is back at the level of this call: by the loop that
    /// made the delivery which is under way, and not by one that runs inside of that. Returns
    /// whether it was taken, as [`post_delivery`](Dispatcher::post_delivery).
    pub(crate) fn post_for_this_level(&self, delivery: Rc<dyn Deliver>) -> bool {
        if self.ended.get() {
            return false;
        }
        // What a loop does outside of all deliveries counts as one, as with Qt.
        let (level, runs) = (self.level.get(), self.runs.borrow().len() as u32);
        let level = if runs > 0 && level == runs { level + 1 } else { level };
        self.posted.borrow_mut().push(Posted::ForLevel(delivery, level));
        true
    }

    /// Whether anything is posted to that object.
    #[inline]
    pub(crate) fn has_posted_to(&self, receiver: ObjectId) -> bool {
        self.posted.borrow().has_any_for(receiver)
    }

    /// Whether any such thing is posted.
    pub(crate) fn has_posted(&self, which: &Which) -> bool {
        self.posted.borrow().contains(which)
    }

    /// Drops some of what is posted.
    pub(crate) fn remove_posted(&self, which: &Which) {
        let removed = self.posted.borrow_mut().remove(which);
        // All the counting first: what is dropped may be anything, and panic.
        let cancelled: Vec<_> = removed.iter().filter_map(Posted::cancel).collect();
        drop((removed, cancelled));
    }

    /// Makes the loop go round once without waiting.
    pub(crate) fn wake_up(&self) {
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

    pub(super) fn new_source(&self, source: Weak<dyn EventSource>) -> SourceKey {
        self.sources.add(source)
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

    pub(super) fn forget_ready(&self, key: SourceKey) {
        self.sources.take_ahead(key);
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

    /// Starts a timer that calls `handler` again and again, until it is stopped.
    pub fn start_timer(
        &self,
        interval: Duration,
        kind: TimerType,
        handler: Weak<dyn TimerHandler>,
    ) -> TimerId {
        let now = self.clock.now();
        self.timers.borrow_mut().start(now, interval, kind, Action::Handler(handler))
    }

    /// Calls `call` once, when `interval` is over.
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
            // Making it may have asked for it: whoever did keeps what he got.
            if let Some(made) = find() {
                return made;
            }
            self.locals.borrow_mut().push((TypeId::of::<T>(), local.clone()));
            local
        });
        local.downcast().unwrap_or_else(|_| unreachable!("stored under its own type"))
    }

    // ---- the sender

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
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Whoever runs the loop is there.
    pub(crate) fn note_loop(&self) {
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
    pub(crate) fn is_running(&self) -> bool {
        !self.runs.borrow().is_empty()
    }

    /// Ends all loops that run. None begins until that is [forgotten](Dispatcher::forget_exit).
    pub(crate) fn exit_all(&self, code: i32) {
        self.quitting.set(true);
        for run in self.runs.borrow().iter() {
            run.exit(code);
        }
    }

    pub(crate) fn forget_exit(&self) {
        self.quitting.set(false);
    }

    pub(crate) fn is_quitting(&self) -> bool {
        self.quitting.get()
    }

    /// Whether this is the last turn of the loop that runs innermost.
    pub(crate) fn is_ending(&self) -> bool {
        self.runs.borrow().last().is_some_and(|run| run.is_told_to_exit())
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
        // A queued value may hold the signal that it was emitted by.
        let cancelled: Vec<_> = posted.iter().filter_map(Posted::cancel).collect();
        let timers = self.timers.borrow_mut().take_all();
        let locals = self.locals.take();
        drop((posted, cancelled, timers, locals));
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("level", &self.level.get()).finish_non_exhaustive()
    }
}
