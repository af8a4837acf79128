//! [`Workers`]: the threads of a pool and the queue of their tasks.

use std::{
    cell::Cell,
    cmp::Reverse,
    collections::BTreeMap,
    io, ptr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::Waker,
    thread,
    time::{Duration, Instant},
};

#[cfg(feature = "tasks")]
use std::task::{Context, Poll};

use crate::{event_loop::Dispatcher, panics, signal::BlockedCalls};

/// The name of the threads, as in Qt.
const NAME: &str = "Thread (pooled)";

type Job = Box<dyn FnOnce() + Send>;

pub(super) struct Workers {
    /// Starts a thread. Tests make it fail.
    spawn: fn(&Arc<Workers>) -> io::Result<()>,
    state: Mutex<State>,
    /// Notified when there is a task for an idle thread, or when idle threads have to look at the
    /// settings.
    work: Condvar,
    /// Notified when all tasks are done.
    done: Condvar,
    /// The calls into event loops that the tasks wait for.
    blocked_calls: Arc<BlockedCalls>,
}

struct State {
    /// The tasks that no thread has begun, by priority and number.
    queue: BTreeMap<(Reverse<i32>, u64), Job>,
    next: u64,
    threads: usize,
    idle: usize,
    settings: Settings,
    /// Whether the last handle of the pool has gone.
    closed: bool,
    /// The tasks that wait until all tasks of the pool are done, by the number of their future.
    waiters: BTreeMap<u64, Waker>,
}

#[derive(Clone, Copy)]
pub(super) struct Settings {
    pub(super) max_threads: usize,
    /// How long an idle thread stays; `None` is for ever.
    pub(super) expiry: Option<Duration>,
}

impl State {
    /// Whether a further task needs, and may have, a thread of its own.
    fn needs_thread(&self) -> bool {
        self.idle <= self.queue.len() && self.threads < self.settings.max_threads.max(1)
    }

    fn is_done(&self) -> bool {
        self.queue.is_empty() && self.threads == self.idle
    }
}

thread_local! {
    /// The pool of this thread.
    static CURRENT: Cell<*const Workers> = const { Cell::new(ptr::null()) };
}

impl Workers {
    pub(super) fn new(settings: Settings) -> Self {
        Workers {
            spawn: Self::spawn,
            state: Mutex::new(State {
                queue: BTreeMap::new(),
                next: 0,
                threads: 0,
                idle: 0,
                settings,
                closed: false,
                waiters: BTreeMap::new(),
            }),
            work: Condvar::new(),
            done: Condvar::new(),
            blocked_calls: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- tasks

    pub(super) fn submit(this: &Arc<Workers>, priority: i32, job: Job) -> io::Result<()> {
        let mut state = this.lock();
        let mut failed = None;
        if state.needs_thread() {
            match (this.spawn)(this) {
                Ok(()) => state.threads += 1,
                // The existing threads will do the work.
                Err(error) if state.threads > 0 => failed = Some(error),
                Err(error) => {
                    // Dropping the task runs user code, so the lock is released first.
                    drop(state);
                    drop(job);
                    return Err(error);
                }
            }
        }
        this.enqueue(state, priority, job);
        if let Some(error) = failed {
            // Nothing is locked here: the program's message handler may start a task.
            crate::q_warning!("cannot start another thread of the pool: {error}");
        }
        Ok(())
    }

    pub(super) fn try_submit<F: FnOnce() + Send + 'static>(
        this: &Arc<Workers>,
        job: F,
    ) -> Result<(), F> {
        let mut state = this.lock();
        if state.idle <= state.queue.len() {
            if !state.needs_thread() || (this.spawn)(this).is_err() {
                drop(state);
                return Err(job);
            }
            state.threads += 1;
        }
        this.enqueue(state, i32::MAX, Box::new(job));
        Ok(())
    }

    fn enqueue(&self, mut state: MutexGuard<'_, State>, priority: i32, job: Job) {
        let number = state.next;
        state.next += 1;
        state.queue.insert((Reverse(priority), number), job);
        drop(state);
        self.work.notify_one();
    }

    pub(super) fn clear(&self) {
        let mut state = self.lock();
        let dropped = std::mem::take(&mut state.queue);
        self.announce(state);
        drop(dropped);
    }

    /// Tells those who wait, if all tasks are done.
    fn announce(&self, mut state: MutexGuard<'_, State>) {
        if !state.is_done() {
            return;
        }
        self.done.notify_all();
        let waiters = std::mem::take(&mut state.waiters);
        drop(state);
        for waiter in waiters.into_values() {
            // The waker of another executor may run any code.
            let _ = panics::contain(|| waiter.wake());
        }
    }

    /// Waits until all tasks are done or the end has come. Returns whether all are done.
    pub(super) fn wait_for_done(&self, end: Option<Instant>) -> bool {
        let mut state = self.lock();
        while !state.is_done() {
            state = match end {
                None => self.done.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.done.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    /// Waits until all tasks are done, in a destructor. The loop of the calling thread runs no more
    /// meanwhile, so calls of the tasks into it fail. Otherwise both would wait for ever.
    pub(super) fn wait_at_end(&self) {
        if let Some(dispatcher) = Dispatcher::existing() {
            self.blocked_calls.abandon(dispatcher.inbox().clone());
        }
        self.wait_for_done(None);
        self.blocked_calls.resume();
    }

    // ---- settings

    pub(super) fn settings(&self) -> Settings {
        self.lock().settings
    }

    pub(super) fn set_max_threads(this: &Arc<Workers>, count: usize) {
        let mut state = this.lock();
        state.settings.max_threads = count;
        // Waiting tasks may have room now. If a thread cannot be started, the others do the work.
        let waiting = state.queue.len().saturating_sub(state.idle);
        let room = count.saturating_sub(state.threads);
        for _ in 0..waiting.min(room) {
            match (this.spawn)(this) {
                Ok(()) => state.threads += 1,
                Err(_) => break,
            }
        }
        drop(state);
        this.work.notify_all();
    }

    pub(super) fn set_expiry(&self, expiry: Option<Duration>) {
        self.lock().settings.expiry = expiry;
        self.work.notify_all();
    }

    pub(super) fn active_threads(&self) -> usize {
        let state = self.lock();
        state.threads - state.idle
    }

    /// Whether the calling thread is one of this pool.
    pub(super) fn is_current(&self) -> bool {
        CURRENT.try_with(|current| ptr::eq(current.get(), self)).unwrap_or(false)
    }

    /// Ends the threads when they have done their tasks.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    // ---- the threads

    fn spawn(this: &Arc<Workers>) -> io::Result<()> {
        let workers = this.clone();
        let thread = thread::Builder::new().name(NAME.to_owned());
        thread.spawn(move || workers.work()).map(drop)
    }

    fn work(&self) {
        CURRENT.set(self);
        self.blocked_calls.clone().install();
        let mut state = self.lock();
        loop {
            let too_many = state.threads > state.settings.max_threads.max(1);
            let next = if too_many { None } else { state.queue.pop_first() };
            if let Some((_, job)) = next {
                drop(state);
                // A panic ends the task, not the thread.
                let _ = panics::contain(job);
                state = self.lock();
                continue;
            }
            if too_many {
                // This thread may have taken the notification for a task.
                self.work.notify_one();
                break;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            if state.is_done() && !state.waiters.is_empty() {
                self.announce(state);
                // There may be a task now, for which nobody has notified this thread.
                state = self.lock();
                state.idle -= 1;
                continue;
            }
            if state.is_done() {
                self.done.notify_all();
            }
            let waited;
            (state, waited) = self.wait(state);
            state.idle -= 1;
            if waited && state.queue.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        self.announce(state);
    }

    /// Waits for work. Returns whether the time of an idle thread is over.
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> (MutexGuard<'a, State>, bool) {
        match state.settings.expiry {
            None => (self.work.wait(state).unwrap_or_else(PoisonError::into_inner), false),
            Some(expiry) => {
                let waited = self.work.wait_timeout(state, expiry);
                let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                (state, waited.timed_out())
            }
        }
    }
}

/// A future's wait until all tasks are done. Dropping it removes its waker from the pool.
#[cfg(feature = "tasks")]
pub(super) struct Waiter<'a> {
    workers: &'a Workers,
    /// The number of its entry in the pool. It has one from the first poll on that found tasks.
    number: Option<u64>,
}

#[cfg(feature = "tasks")]
impl<'a> Waiter<'a> {
    pub(super) fn new(workers: &'a Workers) -> Self {
        Waiter { workers, number: None }
    }

    /// Polls whether all tasks are done.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        // Cloning or dropping a waker may run any code, so nothing is locked then.
        let waker = context.waker().clone();
        let mut state = self.workers.lock();
        if state.is_done() {
            drop(state);
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            state.next += 1;
            state.next - 1
        });
        let before = state.waiters.insert(number, waker);
        drop(state);
        drop(before);
        Poll::Pending
    }
}

#[cfg(feature = "tasks")]
impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let waker = self.number.and_then(|number| self.workers.lock().waiters.remove(&number));
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn without_threads() -> Arc<Workers> {
        let spawn = |_: &Arc<Workers>| Err(io::Error::from(io::ErrorKind::WouldBlock));
        Arc::new(Workers { spawn, ..Workers::new(Settings { max_threads: 4, expiry: None }) })
    }

    #[test]
    fn without_any_thread_a_task_is_an_error_and_not_kept() {
        let workers = without_threads();
        let owned = Arc::new(());
        let job = |owned: Arc<()>| move || drop(owned);
        let error = Workers::submit(&workers, 0, Box::new(job(owned.clone()))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(Workers::try_submit(&workers, job(owned.clone())).is_err());
        assert_eq!(Arc::strong_count(&owned), 1);
        assert!(workers.wait_for_done(None));
    }

    #[test]
    fn a_warning_goes_out_with_nothing_locked() {
        static FREE: AtomicUsize = AtomicUsize::new(0);
        let workers = without_threads();
        // As if it had a thread, which is busy.
        workers.lock().threads = 1;
        let same = workers.clone();
        crate::install_message_handler(Some(Box::new(move |_, text| {
            if text.starts_with("cannot start another thread") && same.state.try_lock().is_ok() {
                FREE.fetch_add(1, Ordering::Relaxed);
            }
        })));
        Workers::submit(&workers, 0, Box::new(|| ())).unwrap();
        crate::install_message_handler(None);
        assert_eq!((FREE.load(Ordering::Relaxed), workers.lock().queue.len()), (1, 1));
    }
}
