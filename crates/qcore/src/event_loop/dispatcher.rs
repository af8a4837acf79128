//! [`Dispatcher`]: the event loop of a thread.

#[cfg(feature = "tasks")]
use std::task::Waker;
use std::{
    any::{Any, TypeId},
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    fmt, io,
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use mio::{Interest, event};

#[cfg(feature = "tasks")]
use super::tasks::Tasks;
use super::{
    EventSource, Poster, Readiness, Run, TimerHandler, TimerId,
    inbox::{Inbox, Message},
    lodging::Lodgers,
    poll::Sources,
    posted::{Deliver, PostQueue, Posted, Which},
    source::SourceKey,
    timers::{Action, Timers},
};
#[cfg(feature = "tasks")]
use crate::time::Nanos;
use crate::{
    id::ObjectId,
    panics::{contain, drop_all},
    time::{Clock, QDeadlineTimer, TimerType},
};

/// The event loop of a thread.
///
/// Most programs use it through [`QCoreApplication`](crate::QCoreApplication) and
/// [`QEventLoop`](crate::QEventLoop). This type is the interface for event sources: posted calls,
/// timers and registrations. See [the module](super) for the steps of a turn.
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
    /// The number of nested loops and deliveries that are running.
    pub(super) level: Cell<u32>,
    runs: RefCell<Vec<Rc<Run>>>,
    quitting: Cell<bool>,
    /// Whether the thread is ending. Then the loop makes no more calls.
    pub(super) ended: Cell<bool>,
    /// The id of the object whose signal called the running slot. The loop only stores this number
    /// and knows nothing of the object.
    sender: Cell<ObjectId>,
    use_of_loop: Cell<UseOfLoop>,
    /// Whether the loop is to run one turn without waiting.
    pub(super) woken: Cell<bool>,
    /// The messages that the loop has taken from its inbox and not yet moved to `posted`.
    pub(super) arrived: RefCell<VecDeque<Message>>,
    /// The buffer that the loop swaps with that of its inbox.
    pub(super) buffer: Cell<Vec<Message>>,
    pub(super) lodgers: Lodgers,
    locals: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
    at_end: RefCell<Option<Box<dyn FnOnce()>>>,
    #[cfg(feature = "tasks")]
    pub(super) tasks: OnceCell<Rc<Tasks>>,
}

/// Whether the thread runs its loop, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum UseOfLoop {
    #[default]
    Unknown,
    /// A timer was started. It never fires unless the thread runs the loop.
    Expected,
    /// An object that can run the loop was created, or the loop has run.
    Seen,
}

thread_local! {
    static CURRENT: OnceCell<Owner> = const { OnceCell::new() };
}

/// Shuts the loop down when the thread ends. Objects that outlive the loop keep the rest of it
/// allocated.
struct Owner(Rc<Dispatcher>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}

impl Dispatcher {
    /// Returns the event loop of this thread, and creates it if there is none.
    #[doc(alias = "eventDispatcher")]
    #[must_use]
    pub fn current() -> Rc<Dispatcher> {
        // When the thread is ending and its loop has ended, an object that is created late gets a
        // loop that never runs.
        CURRENT
            .try_with(|current| current.get_or_init(|| Owner(Dispatcher::new(false))).0.clone())
            .unwrap_or_else(|_| Dispatcher::new(true))
    }

    /// Returns the event loop of this thread, if there is one.
    pub(crate) fn existing() -> Option<Rc<Dispatcher>> {
        Dispatcher::with_existing(Rc::clone)
    }

    /// Calls `f` with the event loop of this thread, if there is one.
    #[inline]
    pub(super) fn with_existing<V>(f: impl FnOnce(&Rc<Dispatcher>) -> V) -> Option<V> {
        CURRENT.try_with(|current| current.get().map(|owner| f(&owner.0))).ok().flatten()
    }

    /// Returns the event loop of this thread if a slot with a sender is running.
    #[inline]
    pub(crate) fn with_sender() -> Option<Rc<Dispatcher>> {
        let busy = |owner: &&Owner| owner.0.sender.get() != ObjectId::NONE;
        let find = |current: &OnceCell<Owner>| Some(current.get().filter(busy)?.0.clone());
        CURRENT.try_with(find).ok().flatten()
    }

    /// Creates the loop of this thread, which takes the messages of `inbox`. The thread must not
    /// have a loop yet.
    pub(crate) fn with_inbox(inbox: Arc<Inbox>) -> Rc<Dispatcher> {
        let dispatcher = Dispatcher::current();
        let is_new = dispatcher.sources.adopt(inbox);
        debug_assert!(is_new, "the thread has a loop with an inbox already");
        dispatcher
    }

    /// Returns the loop that takes the messages of `inbox`, if it is the loop of this thread.
    #[inline]
    pub(crate) fn of_inbox(inbox: &Arc<Inbox>) -> Option<Rc<Dispatcher>> {
        Dispatcher::with_existing(|home| home.has_inbox(inbox).then(|| home.clone())).flatten()
    }

    /// Returns whether this is the loop that takes the messages of `inbox`.
    #[inline]
    pub(super) fn has_inbox(&self, inbox: &Arc<Inbox>) -> bool {
        self.sources.existing_inbox().is_some_and(|own| Arc::ptr_eq(own, inbox))
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
            arrived: RefCell::default(),
            buffer: Cell::default(),
            lodgers: RefCell::default(),
            locals: RefCell::default(),
            at_end: RefCell::default(),
            #[cfg(feature = "tasks")]
            tasks: OnceCell::new(),
        })
    }

    // ---- posting

    /// Posts `call`: the loop runs it in the next turn. Posting adds to a queue and makes no system
    /// call.
    ///
    /// Drops `call` if the thread is ending, because its loop has ended.
    pub fn post(&self, call: impl FnOnce() + 'static) {
        // A call that never runs might own an object that holds this loop, and so leak both.
        if !self.ended.get() {
            self.posted.borrow_mut().push(Posted::Call(Box::new(call)));
        }
    }

    /// Posts a delivery that is made any number of times: the loop makes it in the next turn, once
    /// for each call of this function. Returns whether the delivery was accepted. It is not
    /// accepted once the thread is ending.
    #[inline]
    pub(crate) fn post_repeated(&self, delivery: &Rc<impl Deliver + 'static>) -> bool {
        if self.ended.get() {
            return false;
        }
        self.posted.borrow_mut().push_repeated(delivery);
        true
    }

    /// Posts a delivery with a priority. The loop makes it in the next turn, and those with higher
    /// priorities first. Returns whether the delivery was accepted, as
    /// [`post_repeated`](Dispatcher::post_repeated) does.
    #[inline]
    pub(crate) fn post_delivery_with(&self, priority: i32, delivery: Rc<dyn Deliver>) -> bool {
        if self.ended.get() {
            return false;
        }
        self.posted.borrow_mut().push_with(priority, Posted::Delivery(delivery));
        true
    }

    /// Posts a delivery for the level of this call: the loop that has made the current delivery
    /// makes it, after control has returned to that loop. A loop nested inside the current delivery
    /// does not make it. Returns whether the delivery was accepted, as
    /// [`post_repeated`](Dispatcher::post_repeated) does.
    pub(crate) fn post_for_this_level(&self, delivery: Rc<dyn Deliver>) -> bool {
        if self.ended.get() {
            return false;
        }
        // Code that a loop runs outside of all deliveries counts as a delivery, as in Qt.
        let (level, runs) = (self.level.get(), self.runs.borrow().len() as u32);
        let level = if runs > 0 && level == runs { level + 1 } else { level };
        self.posted.borrow_mut().push(Posted::ForLevel(delivery, level));
        true
    }

    /// Returns whether anything is posted to the object `receiver`.
    #[inline]
    pub(crate) fn has_posted_to(&self, receiver: ObjectId) -> bool {
        self.posted.borrow().has_any_for(receiver)
    }

    /// Returns whether anything is posted that `which` selects.
    pub(crate) fn has_posted(&self, which: &Which) -> bool {
        self.posted.borrow().contains(which)
    }

    /// Drops the posted items that `which` selects.
    pub(crate) fn remove_posted(&self, which: &Which) {
        let removed = self.posted.borrow_mut().remove(which);
        // Cancels all items before it drops any: a drop may run user code, and may panic.
        let cancelled: Vec<_> = removed.iter().filter_map(Posted::cancel).collect();
        let removed = removed.into_iter().map(|posted| (Some(posted), None));
        drop_all(removed.chain(cancelled.into_iter().map(|value| (None, Some(value)))));
    }

    /// Makes the loop run one turn without waiting.
    pub(crate) fn wake_up(&self) {
        self.woken.set(true);
    }

    /// Returns a [`Poster`], which posts to this loop from other threads.
    ///
    /// # Errors
    ///
    /// The error of the operating system. The first call needs file descriptors for the poll and
    /// its waker, and fails if the process has none left.
    pub fn poster(&self) -> io::Result<Poster> {
        self.sources.ensure_poll()?;
        Ok(Poster::new(self.inbox().clone()))
    }

    /// Returns the queue of what other threads send to this loop.
    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        let inbox = self.sources.inbox();
        if self.ended.get() {
            drop(inbox.close());
        }
        inbox
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
            // An event that has already happened counts even if the deadline has passed.
            let over = deadline.has_expired();
            let timeout = match deadline.nanos() {
                Some(_) if over || self.sources.moves(&self.clock) => Some(Duration::ZERO),
                Some(at) => Some(Duration::from_nanos(at.saturating_sub(self.clock.now()))),
                None => None,
            };
            self.sources.wait(timeout);
            if !self.sources.is_ready(key) {
                if over {
                    return None;
                }
                if self.sources.moves(&self.clock) {
                    self.clock.advance_to(deadline.nanos().unwrap_or(0));
                }
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

    /// Starts a timer that calls `handler` once every `interval` until it is stopped. The loop
    /// holds `handler` weakly.
    ///
    /// This function and [`call_after`](Self::call_after) have no counterpart in Qt. They take a
    /// `Duration`, which cannot be negative. A [`QTimer`](crate::QTimer) takes an
    /// [`Interval`](crate::Interval) instead.
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

    /// Wakes `waker` at the time `at`. This timer is a precise one.
    #[cfg(feature = "tasks")]
    pub(crate) fn wake_at(&self, at: Nanos, waker: Waker) -> TimerId {
        let now = self.clock.now();
        let interval = Duration::from_nanos(at.saturating_sub(now));
        self.timers.borrow_mut().start(now, interval, TimerType::Precise, Action::Wake(waker))
    }

    /// Returns whether a timer is running.
    #[cfg(feature = "tasks")]
    pub(crate) fn is_timer_running(&self, id: TimerId) -> bool {
        self.timers.borrow().is_running(id)
    }

    /// Returns the time on the loop's clock.
    #[cfg(feature = "tasks")]
    pub(crate) fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Stops a timer. Returns whether it was running.
    pub fn stop_timer(&self, id: TimerId) -> bool {
        // Dropping the action runs user code, so the borrow ends first.
        let action = self.timers.borrow_mut().stop(id);
        action.is_some()
    }

    /// Returns the time until a timer is due: zero if it is overdue, `None` if it is not running.
    #[must_use]
    pub fn remaining_time(&self, id: TimerId) -> Option<Duration> {
        self.timers.borrow().remaining(id, self.clock.now())
    }

    // ---- values of other modules

    /// Returns the value of type `T` that belongs to this loop, and creates it at first use.
    /// Libraries use it instead of a thread-local variable.
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

    /// Returns whether the thread is ending and its loop has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Notes that an object that can run the loop exists.
    pub(crate) fn note_loop(&self) {
        self.use_of_loop.set(UseOfLoop::Seen);
    }

    /// Notes that a timer needs the loop.
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

    /// Returns how many loops are running, one nested in the other.
    pub(crate) fn loop_level(&self) -> usize {
        self.runs.borrow().len()
    }

    /// Makes the loop call `call` when its thread ends, before it drops what it holds.
    pub(crate) fn at_end(&self, call: impl FnOnce() + 'static) {
        *self.at_end.borrow_mut() = Some(Box::new(call));
    }

    /// Returns whether any loop is running.
    pub(crate) fn is_running(&self) -> bool {
        !self.runs.borrow().is_empty()
    }

    /// Ends all running loops. No loop starts until [`forget_exit`](Dispatcher::forget_exit) is
    /// called.
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

    /// Returns whether the innermost running loop is in its last turn.
    pub(crate) fn is_ending(&self) -> bool {
        self.runs.borrow().last().is_some_and(|run| run.is_told_to_exit())
    }

    /// Shuts the loop down when the thread ends, and drops everything that still waits.
    ///
    /// All of that may own objects and closures of the user. The panic hook has reported their
    /// panics. The rest is dropped as well, and this function does not panic: it runs in the
    /// destructor of a thread-local variable, where a panic would abort the process.
    pub(crate) fn shut_down(&self) {
        let at_end = self.at_end.take();
        if let Some(at_end) = at_end {
            let _ = contain(at_end);
        }
        if self.ended.replace(true) {
            return;
        }
        if self.use_of_loop.get() == UseOfLoop::Expected {
            crate::q_warning!(
                "QObject::startTimer: The thread of a timer has ended without an event loop"
            );
        }
        #[cfg(feature = "tasks")]
        if let Some(tasks) = self.tasks.get() {
            let _ = contain(|| tasks.shut_down());
        }
        drop_each(self.sources.close());
        drop_each(self.arrived.take());
        let posted = self.posted.borrow_mut().take_all();
        // A queued value may hold the signal that it was emitted by.
        let cancelled: Vec<_> = posted.iter().filter_map(Posted::cancel).collect();
        let timers = self.timers.borrow_mut().take_all();
        let (lodgers, locals) = (self.lodgers.take(), self.locals.take());
        drop_each(posted);
        drop_each(cancelled);
        drop_each(timers);
        drop_each(lodgers);
        drop_each(locals);
    }
}

/// Drops values of the user one by one, so that the panic of one drop does not reach the others.
fn drop_each<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = contain(|| drop(value));
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("level", &self.level.get()).finish_non_exhaustive()
    }
}
