//! The tasks of a loop.
//!
//! The futures stay in a table of their loop. A waker holds only the key of its task: in the thread
//! of the loop it pushes the key into the queue of ready tasks, in any other thread into a queue
//! with a lock, and wakes the loop. So no future ever leaves its thread, and a task that is aborted
//! drops its future at once.
//!
//! ```text
//!   spawn ──► ready ──► polling ──► finished ──► (the handle takes the output) ──► gone
//!               ▲           │
//!               └── woken ──┘
//! ```
//!
//! A task that is woken while it is being polled is ready again in the next turn, after the
//! sources and timers of that turn.

use std::{
    any::Any,
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use slab::Slab;

use super::{
    Dispatcher,
    inbox::{Inbox, wake},
    running::Root,
};

/// How many tasks the loop polls in one turn. The others are the first ones of the next turn.
pub(super) const BUDGET: u32 = 256;
/// How often a task may take something that is there already before it leaves the thread to others.
const TAKEN: u32 = 128;
/// How many wakers of finished tasks are kept for new ones.
const ALARMS: usize = 1024;

/// The payload of a panic.
pub(crate) type Payload = Box<dyn Any + Send>;

/// A future and its output, of any type.
pub(crate) trait Job {
    /// Polls the future. When the future is finished, this function drops it and keeps its output.
    ///
    /// It catches the panics of the future and of its drop.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Payload>>;

    /// Moves the output to `place`, which is an `Option` of the output's type.
    fn take_output(self: Pin<&mut Self>, place: &mut dyn Any);

    /// Returns the payload, if a panic is in the place of the output.
    fn take_panic(self: Pin<&mut Self>) -> Option<Payload> {
        None
    }
}

/// A panic in the place of an output.
struct Panicked(Option<Payload>);

impl Job for Panicked {
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Payload>> {
        Poll::Ready(Ok(()))
    }

    fn take_output(self: Pin<&mut Self>, _: &mut dyn Any) {}

    fn take_panic(mut self: Pin<&mut Self>) -> Option<Payload> {
        self.0.take()
    }
}

/// The key of a task: its index in the table, and the lower half of its serial number, which tells
/// it from earlier tasks at that index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey(u64);

impl TaskKey {
    fn new(index: usize, serial: u64) -> Self {
        TaskKey(serial << 32 | index as u64)
    }

    fn index(self) -> usize {
        (self.0 & u64::from(u32::MAX)) as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Returns the key as a number.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// Returns the key with this number.
    pub(crate) fn from_number(number: u64) -> Self {
        TaskKey(number)
    }
}

type BoxedJob = Pin<Box<dyn Job>>;

/// A program may have many tasks that have not been polled yet, so an entry is small.
struct Entry {
    /// Rises from task to task. When the loop ends, it drops the tasks in this order.
    serial: u64,
    /// The future; or its output, if the task is finished. Taken out while the task is polled.
    job: Option<BoxedJob>,
    /// The waker. A task gets it when it is first polled. Taken out while the task is polled.
    alarm: Option<(Arc<Alarm>, Waker)>,
    stage: Stage,
    /// Whether a handle wants the output.
    held: bool,
    /// The task that waits for the output.
    awaiter: Option<Waker>,
}

impl Entry {
    fn is_of(&self, key: TaskKey) -> bool {
        self.serial as u32 == key.generation()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    /// In the queue of ready tasks.
    Ready,
    Polling,
    /// Woken while being polled.
    Woken,
    /// Aborted while being polled.
    Doomed,
    Finished,
}

/// What a handle finds when it asks for the output.
pub(crate) enum Joined {
    Pending,
    /// The output has been moved.
    Output,
    Panicked(Payload),
    Aborted,
}

/// The tasks of one loop.
pub(crate) struct Tasks {
    shared: Arc<Shared>,
    table: RefCell<Slab<Entry>>,
    ready: RefCell<VecDeque<TaskKey>>,
    /// Tasks that were woken while being polled. They are ready in the next turn.
    deferred: RefCell<VecDeque<TaskKey>>,
    /// The buffer that the loop swaps with the queue of tasks that other threads have woken.
    buffer: Cell<Vec<Arc<Alarm>>>,
    /// Alarms of finished tasks that nobody else has a clone of.
    alarms: RefCell<Vec<(Arc<Alarm>, Waker)>>,
    last_serial: Cell<u64>,
    /// How often the task that is being polled may still take something without waiting.
    allowance: Cell<u32>,
    ended: Cell<bool>,
}

thread_local! {
    /// The tasks of this thread's loop. A waker recognizes its own thread by them.
    static HERE: OnceCell<Rc<Tasks>> = const { OnceCell::new() };
}

/// What wakers in all threads share.
pub(crate) struct Shared {
    /// The inbox of the loop, which wakes it.
    inbox: Arc<Inbox>,
    /// The tasks that other threads have woken; `None` after the loop has ended, because an alarm
    /// in this queue would keep the queue itself.
    away: Mutex<Option<Vec<Arc<Alarm>>>>,
}

/// The waker of a task.
struct Alarm {
    shared: Arc<Shared>,
    key: AtomicU64,
    /// Whether the alarm is in the queue of [`Shared`].
    away: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if !self.wake_here() {
            self.wake_from_away();
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.wake_here() {
            self.clone().wake_from_away();
        }
    }
}

impl Alarm {
    /// Wakes the task if this is its thread. Returns whether it is.
    fn wake_here(&self) -> bool {
        let wake = |here: &Tasks| here.make_ready(TaskKey(self.key.load(Ordering::Relaxed)));
        self.shared.with_tasks(wake)
    }

    fn wake_from_away(self: Arc<Self>) {
        if self.away.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = self.shared.clone();
        let waker = match &mut *shared.away() {
            Some(away) => {
                let is_first = away.is_empty();
                away.push(self);
                // The first one wakes the loop, which takes all of them.
                if is_first { shared.inbox.note() } else { None }
            }
            None => None,
        };
        wake(waker);
    }
}

impl Shared {
    /// Calls `f` with the tasks if this is their thread. Returns whether it is.
    #[inline]
    fn with_tasks(self: &Arc<Self>, f: impl FnOnce(&Tasks)) -> bool {
        let call = |here: &OnceCell<Rc<Tasks>>| match here.get() {
            Some(tasks) if Arc::ptr_eq(&tasks.shared, self) => {
                f(tasks);
                true
            }
            _ => false,
        };
        HERE.try_with(call).unwrap_or(false)
    }

    /// Makes the loop run its step for tasks.
    fn wake_loop(&self) {
        self.inbox.wake();
    }

    /// Makes the loop run its step for tasks, if this is another thread. In the loop's own thread
    /// the loop is not waiting.
    pub(crate) fn wake_loop_from_away(self: &Arc<Self>) {
        if !self.with_tasks(|_| ()) {
            self.wake_loop();
        }
    }

    fn away(&self) -> MutexGuard<'_, Option<Vec<Arc<Alarm>>>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a turn of the loop if the task has already taken much in this one. A future calls this
/// before it takes something from a source that may never run dry, such as a socket whose datagrams
/// arrive faster than the task handles them.
pub fn proceed(context: &Context<'_>) -> Poll<()> {
    let spend = |here: &OnceCell<Rc<Tasks>>| here.get().is_none_or(|tasks| tasks.spend());
    // A thread that ends runs no loop.
    if HERE.try_with(spend).unwrap_or(true) {
        return Poll::Ready(());
    }
    context.waker().wake_by_ref();
    Poll::Pending
}

impl Dispatcher {
    /// Returns the tasks of this loop.
    pub(crate) fn tasks(&self) -> &Rc<Tasks> {
        self.tasks.get_or_init(|| {
            let tasks = Rc::new(Tasks::new(self.inbox().clone(), self.ended.get()));
            // Only the loop of this thread can be asked for its tasks.
            let _ = HERE.try_with(|here| here.set(tasks.clone()));
            tasks
        })
    }

    /// Returns whether a task is ready.
    #[inline]
    pub(super) fn has_ready_tasks(&self) -> bool {
        self.tasks.get().is_some_and(|tasks| tasks.has_ready())
    }

    /// Takes over the tasks that other threads have woken.
    #[inline]
    pub(super) fn collect_tasks(&self) {
        if let Some(tasks) = self.tasks.get() {
            tasks.collect();
        }
    }

    /// Polls the ready tasks, up to the budget, and then `root`. Returns whether there were any.
    #[inline]
    pub(super) fn run_tasks(&self, root: Option<&dyn Root>) -> bool {
        match self.tasks.get() {
            Some(tasks) => self.poll_tasks(tasks, root),
            None => false,
        }
    }

    fn poll_tasks(&self, tasks: &Rc<Tasks>, root: Option<&dyn Root>) -> bool {
        struct Requeue<'a>(&'a Tasks);
        impl Drop for Requeue<'_> {
            fn drop(&mut self) {
                self.0.requeue();
            }
        }
        let mut done = false;
        {
            let _requeue = Requeue(tasks);
            for _ in 0..BUDGET {
                let Some((key, job, alarm)) = tasks.take_ready() else { break };
                tasks.allowance.set(TAKEN);
                self.deliver(|| tasks.poll(key, job, alarm));
                done = true;
            }
        }
        tasks.allowance.set(TAKEN);
        root.is_some_and(|root| root.step()) || done
    }
}

impl Tasks {
    fn new(inbox: Arc<Inbox>, ended: bool) -> Self {
        Tasks {
            shared: Arc::new(Shared { inbox, away: Mutex::new((!ended).then(Vec::new)) }),
            table: RefCell::default(),
            ready: RefCell::default(),
            deferred: RefCell::default(),
            buffer: Cell::default(),
            alarms: RefCell::default(),
            last_serial: Cell::new(0),
            allowance: Cell::new(TAKEN),
            ended: Cell::new(ended),
        }
    }

    /// Uses up a part of the allowance. Returns `false` once for each allowance: an executor other
    /// than the loop polls a task again without a turn of the loop.
    fn spend(&self) -> bool {
        let left = self.allowance.get().checked_sub(1);
        self.allowance.set(left.unwrap_or(TAKEN));
        left.is_some()
    }

    /// Returns what the wakers share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    // ---- tasks and their handles

    /// Adds a task, which is ready. The loop has ended if the result is `None`; the job is dropped.
    pub(crate) fn spawn(&self, job: BoxedJob) -> Option<TaskKey> {
        if self.ended.get() {
            return None;
        }
        let serial = self.last_serial.get() + 1;
        self.last_serial.set(serial);
        let mut table = self.table.borrow_mut();
        let place = table.vacant_entry();
        let key = TaskKey::new(place.key(), serial);
        let (stage, held) = (Stage::Ready, true);
        place.insert(Entry { serial, job: Some(job), alarm: None, stage, held, awaiter: None });
        self.ready.borrow_mut().push_back(key);
        Some(key)
    }

    fn alarm(&self, key: TaskKey) -> (Arc<Alarm>, Waker) {
        if let Some((alarm, waker)) = self.alarms.borrow_mut().pop() {
            alarm.key.store(key.0, Ordering::Relaxed);
            return (alarm, waker);
        }
        let (key, away) = (AtomicU64::new(key.0), AtomicBool::new(false));
        let alarm = Arc::new(Alarm { shared: self.shared.clone(), key, away });
        let waker = Waker::from(alarm.clone());
        (alarm, waker)
    }

    /// Keeps an alarm for the next task, if nobody else has a clone of it.
    fn keep(&self, alarm: Option<(Arc<Alarm>, Waker)>) {
        let Some(alarm) = alarm else { return };
        let mut alarms = self.alarms.borrow_mut();
        if Arc::strong_count(&alarm.0) == 2 && alarms.len() < ALARMS && !self.ended.get() {
            alarms.push(alarm);
        }
    }

    /// Calls `f` with the entry of a task, if there is one.
    fn with<T>(&self, key: TaskKey, f: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let mut table = self.table.borrow_mut();
        let entry = table.get_mut(key.index());
        entry.filter(|entry| entry.is_of(key)).map(f)
    }

    fn remove(&self, key: TaskKey) -> Option<Entry> {
        let mut table = self.table.borrow_mut();
        table.get(key.index()).filter(|entry| entry.is_of(key))?;
        let mut entry = table.remove(key.index());
        drop(table);
        self.keep(entry.alarm.take());
        Some(entry)
    }

    /// Returns whether the task is still to be polled, or being polled.
    pub(crate) fn is_running(&self, key: TaskKey) -> bool {
        self.with(key, |entry| !matches!(entry.stage, Stage::Finished | Stage::Doomed))
            .unwrap_or(false)
    }

    /// Aborts a task: drops its future, now or as soon as it is not being polled any more. Returns
    /// whether it was running.
    pub(crate) fn abort(&self, key: TaskKey) -> bool {
        let running = self.with(key, |entry| match entry.stage {
            Stage::Finished | Stage::Doomed => Some(false),
            Stage::Polling | Stage::Woken => {
                entry.stage = Stage::Doomed;
                Some(true)
            }
            Stage::Waiting | Stage::Ready => None,
        });
        match running {
            None => false,
            Some(Some(running)) => running,
            Some(None) => {
                self.discard(key);
                true
            }
        }
    }

    /// Removes a task that was aborted, tells the one who waits for it, and drops the future.
    fn discard(&self, key: TaskKey) {
        let Some(mut entry) = self.remove(key) else { return };
        if let Some(awaiter) = entry.awaiter.take() {
            awaiter.wake();
        }
        drop(entry);
    }

    /// Takes the output of a task for its handle, or remembers who waits for it. `place` is an
    /// `Option` of the output's type.
    pub(crate) fn join(&self, key: TaskKey, waker: &Waker, place: &mut dyn Any) -> Joined {
        let finished = self.with(key, |entry| {
            if entry.stage == Stage::Finished {
                return Ok(());
            }
            let known = entry.awaiter.as_ref().is_some_and(|known| known.will_wake(waker));
            Err(known)
        });
        match finished {
            None => Joined::Aborted,
            Some(Err(true)) => Joined::Pending,
            Some(Err(false)) => {
                // Cloning and dropping wakers of other executors may run any code.
                let mut awaiter = Some(waker.clone());
                let still = self.with(key, |entry| {
                    std::mem::swap(&mut entry.awaiter, &mut awaiter);
                    entry.stage != Stage::Finished
                });
                drop(awaiter);
                if still != Some(true) {
                    // The task has ended while the waker was cloned.
                    waker.wake_by_ref();
                }
                Joined::Pending
            }
            Some(Ok(())) => match self.remove(key) {
                None => Joined::Aborted,
                Some(Entry { job: Some(mut job), .. }) => match job.as_mut().take_panic() {
                    Some(payload) => Joined::Panicked(payload),
                    None => {
                        job.as_mut().take_output(place);
                        Joined::Output
                    }
                },
                Some(_) => Joined::Aborted,
            },
        }
    }

    /// The handle of a task is dropped. Returns the payload of a panic that nobody has seen.
    pub(crate) fn let_go(&self, key: TaskKey) -> Option<Payload> {
        let finished = self.with(key, |entry| {
            entry.held = false;
            let awaiter = entry.awaiter.take();
            (entry.stage == Stage::Finished, awaiter)
        });
        let (finished, awaiter) = finished?;
        drop(awaiter);
        if !finished {
            return None;
        }
        let entry = self.remove(key)?;
        entry.job?.as_mut().take_panic()
    }

    // ---- waking

    /// Makes a task ready that waits.
    fn make_ready(&self, key: TaskKey) {
        let queue = self.with(key, |entry| match entry.stage {
            Stage::Waiting => {
                entry.stage = Stage::Ready;
                true
            }
            Stage::Polling => {
                entry.stage = Stage::Woken;
                false
            }
            Stage::Ready | Stage::Woken | Stage::Doomed | Stage::Finished => false,
        });
        if queue == Some(true) {
            self.ready.borrow_mut().push_back(key);
        }
    }

    fn has_ready(&self) -> bool {
        // A loop inside of a task finds the tasks that have run before it in this turn deferred.
        !self.ready.borrow().is_empty() || !self.deferred.borrow().is_empty()
    }

    /// Makes those tasks ready that other threads have woken.
    fn collect(&self) {
        // The two buffers take turns, so that neither grows anew.
        let mut woken = self.buffer.take();
        if let Some(away) = &mut *self.shared.away() {
            std::mem::swap(away, &mut woken);
        }
        for alarm in woken.drain(..) {
            // Reads what the thread has written before it woke the task.
            alarm.away.swap(false, Ordering::AcqRel);
            self.make_ready(TaskKey(alarm.key.load(Ordering::Relaxed)));
        }
        self.buffer.set(woken);
    }

    /// Makes those tasks ready that were woken while being polled.
    fn requeue(&self) {
        let mut deferred = self.deferred.borrow_mut();
        if !deferred.is_empty() {
            self.ready.borrow_mut().append(&mut deferred);
        }
    }

    // ---- polling

    /// Takes the next ready task out of the queue and out of the table.
    fn take_ready(&self) -> Option<(TaskKey, BoxedJob, (Arc<Alarm>, Waker))> {
        loop {
            let key = self.ready.borrow_mut().pop_front()?;
            // A task that was aborted is still in the queue.
            let taken = self.with(key, |entry| {
                if entry.stage != Stage::Ready {
                    return None;
                }
                entry.stage = Stage::Polling;
                Some((entry.job.take()?, entry.alarm.take()))
            });
            if let Some(Some((job, alarm))) = taken {
                return Some((key, job, alarm.unwrap_or_else(|| self.alarm(key))));
            }
        }
    }

    /// Polls a task and puts it back.
    fn poll(&self, key: TaskKey, mut job: BoxedJob, alarm: (Arc<Alarm>, Waker)) {
        // What is taken out of its `Option` is not dropped while the table is borrowed.
        let polled = job.as_mut().poll(&mut Context::from_waker(&alarm.1));
        let (mut job, mut alarm, mut payload) = (Some(job), Some(alarm), None);
        let after = match polled {
            Poll::Pending => self.with(key, |entry| match entry.stage {
                Stage::Doomed => After::Discard,
                stage => {
                    (entry.job, entry.alarm) = (job.take(), alarm.take());
                    let is_woken = stage == Stage::Woken;
                    entry.stage = if is_woken { Stage::Ready } else { Stage::Waiting };
                    if is_woken { After::Requeue } else { After::Nothing }
                }
            }),
            Poll::Ready(outcome) => {
                let mut outcome = outcome.err();
                let after = self.with(key, |entry| {
                    if !entry.held || entry.stage == Stage::Doomed {
                        return After::Discard;
                    }
                    entry.stage = Stage::Finished;
                    entry.job = match outcome.take() {
                        None => job.take(),
                        panic => Some(Box::pin(Panicked(panic))),
                    };
                    After::Wake(entry.awaiter.take())
                });
                payload = outcome;
                after
            }
        };
        self.keep(alarm);
        match after {
            Some(After::Requeue) => self.deferred.borrow_mut().push_back(key),
            Some(After::Wake(Some(awaiter))) => awaiter.wake(),
            Some(After::Discard) => self.discard(key),
            // Without an entry, the loop has ended meanwhile.
            Some(After::Nothing | After::Wake(None)) | None => {}
        }
        // The output of a task without a handle is dropped here, or what is left of one that was
        // aborted.
        drop(job);
        if let Some(payload) = payload {
            // Nobody will ask for it: it is like the panic of a slot.
            std::panic::resume_unwind(payload);
        }
    }

    // ---- the end

    /// Drops all tasks when the loop ends, in the order in which they were spawned.
    pub(super) fn shut_down(&self) {
        self.ended.set(true);
        let mut entries: Vec<_> = self.table.borrow_mut().drain().collect();
        entries.sort_unstable_by_key(|entry| entry.serial);
        self.ready.borrow_mut().clear();
        self.deferred.borrow_mut().clear();
        for mut entry in entries {
            if let Some(awaiter) = entry.awaiter.take() {
                awaiter.wake();
            }
            drop(entry);
        }
        let away = self.shared.away().take();
        drop((away, self.alarms.take()));
    }
}

/// What is to be done after a task was polled, with nothing borrowed.
enum After {
    Nothing,
    Requeue,
    Discard,
    Wake(Option<Waker>),
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::mpsc, thread};

    use super::*;
    use crate::spawn_local;

    #[test]
    fn a_waker_that_outlives_the_loop_does_not_leak() {
        for woken_before in [false, true] {
            let (sender, wakers) = mpsc::channel::<Waker>();
            let shared = thread::spawn(move || {
                spawn_local(async move {
                    poll_fn(|context| {
                        sender.send(context.waker().clone()).unwrap();
                        Poll::<()>::Pending
                    })
                    .await;
                });
                crate::QEventLoop::new().process_events();
                Arc::downgrade(Dispatcher::current().tasks().shared())
            })
            .join()
            .unwrap();
            let waker = wakers.recv().unwrap();
            assert!(shared.upgrade().is_some());
            if woken_before {
                waker.wake_by_ref();
            }
            waker.wake();
            assert!(shared.upgrade().is_none());
        }
    }
}
