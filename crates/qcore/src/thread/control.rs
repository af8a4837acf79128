//! [`Control`]: what a `QThread` shares with the thread that it has started.

use std::{
    any::Any,
    error::Error,
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::ThreadPriority;
use crate::{
    event_loop::Inbox,
    panics::drop_all,
    signal::{BlockedCalls, Spread},
};

/// How a thread ended: the exit code, or the panic that ended it.
///
/// The code is that of [`exec()`](super::QThread::exec), which a thread without a function of its
/// own runs, and 0 after the function of [`QThread::create`](super::QThread::create) has returned.
pub type ThreadResult = Result<i32, ThreadPanic>;

/// The error of a thread that a panic has ended.
///
/// # Examples
///
/// ```
/// use qcore::QThread;
///
/// let thread = QThread::create(|| panic!("out of luck"));
/// thread.start()?;
/// thread.wait(-1);
/// let panic = thread.result().unwrap().unwrap_err();
/// assert_eq!(panic.message(), "out of luck");
/// assert_eq!(panic.to_string(), "the thread panicked: out of luck");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadPanic {
    message: String,
}

impl ThreadPanic {
    pub(super) fn new(message: &str) -> Self {
        ThreadPanic { message: message.to_owned() }
    }

    /// Returns the message of the panic.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ThreadPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the thread panicked: {}", self.message)
    }
}

impl Error for ThreadPanic {}

/// The stages of a thread.
///
/// ```text
/// Idle ── start() ─► Running ── run has returned ─► Finishing ─► Finished ── start() ─► Running
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It was never started.
    Idle,
    Running,
    /// `finished` is being emitted, and the objects of the thread die.
    Finishing,
    /// The thread is gone.
    Finished,
}

/// Makes an object in the new thread.
pub(super) type Builder = Box<dyn FnOnce() + Send>;

/// The connections of `started` and `finished` that the thread itself fires.
pub(super) type Spreads = (Arc<Spread<()>>, Arc<Spread<ThreadResult>>);

/// What a `QThread` shares with the thread that it has started.
pub(super) struct Control {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether an interruption is requested. It changes under the lock of the state.
    interruption: AtomicBool,
    pub(super) started: Option<Arc<Spread<()>>>,
    pub(super) finished: Option<Arc<Spread<ThreadResult>>>,
    pub(super) blocked_calls: Arc<BlockedCalls>,
}

pub(super) struct State {
    pub(super) stage: Stage,
    /// The queue of the loop that runs, or that will run next.
    pub(super) inbox: Arc<Inbox>,
    /// What makes the objects of the thread when it starts.
    pub(super) builders: Vec<Builder>,
    /// The function that the thread runs instead of its loop, until it runs.
    pub(super) function: Option<Builder>,
    pub(super) result: Option<ThreadResult>,
    pub(super) priority: ThreadPriority,
}

impl Control {
    pub(super) fn new(
        stage: Stage,
        inbox: Arc<Inbox>,
        function: Option<Builder>,
        spreads: Option<Spreads>,
    ) -> Arc<Self> {
        let (started, finished) = spreads.unzip();
        let state = State {
            stage,
            inbox,
            builders: Vec::new(),
            function,
            result: None,
            priority: ThreadPriority::Inherit,
        };
        Arc::new(Control {
            state: Mutex::new(state),
            changed: Condvar::new(),
            interruption: AtomicBool::new(false),
            started,
            finished,
            blocked_calls: Arc::default(),
        })
    }

    /// Locks the state. No user code runs and nothing panics while the lock is held.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stage(&self) -> Stage {
        self.state().stage
    }

    /// Notes that `run` has returned.
    pub(super) fn begin_finish(&self, result: &ThreadResult) {
        let mut state = self.state();
        self.interruption.store(false, Relaxed);
        state.stage = Stage::Finishing;
        state.priority = ThreadPriority::Inherit;
        // Objects that are built from here on are for the next run.
        let ended = std::mem::replace(&mut state.inbox, Inbox::new());
        let before = state.result.replace(result.clone());
        drop(state);
        drop((ended, before));
    }

    /// Notes that the thread is gone.
    pub(super) fn finish(&self) {
        self.state().stage = Stage::Finished;
        self.changed.notify_all();
    }

    /// Blocks the calling thread until this thread is gone, at most for `limit`. Returns whether it
    /// is gone.
    pub(super) fn wait(&self, limit: Option<Duration>) -> bool {
        #[cfg(feature = "simulation")]
        if let Some(is_gone) = crate::event_loop::simulated::wait_until(limit, || {
            !matches!(self.stage(), Stage::Running | Stage::Finishing)
        }) {
            return is_gone;
        }
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut state = self.state();
        while matches!(state.stage, Stage::Running | Stage::Finishing) {
            let Some(until) = until else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Blocks the calling thread until this thread is gone, at most for `limit`, as
    /// [`wait`](Self::wait) does. The calls of this thread into the loop of `inbox`, that of the
    /// caller, fail meanwhile: otherwise both would wait for ever.
    pub(super) fn wait_without_calls(&self, inbox: &Arc<Inbox>, limit: Option<Duration>) -> bool {
        self.blocked_calls.abandon(inbox.clone());
        let is_gone = self.wait(limit);
        if is_gone {
            self.blocked_calls.resume();
        }
        is_gone
    }

    /// Drops what waits for the next start, because there is none.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        let (inbox, builders) = (state.inbox.clone(), std::mem::take(&mut state.builders));
        let function = state.function.take();
        drop(state);
        // The values of the user, whose drops may panic.
        let calls = inbox.close().into_iter().map(|call| Box::new(call) as Box<dyn Any>);
        let builders = builders.into_iter().map(|builder| Box::new(builder) as Box<dyn Any>);
        let function = function.map(|function| Box::new(function) as Box<dyn Any>);
        drop_all(calls.chain(builders).chain(function));
    }

    pub(super) fn request_interruption(&self) {
        // Under the lock, so that a request does not come after the end and meet the next run.
        let state = self.state();
        if state.stage == Stage::Running {
            self.interruption.store(true, Relaxed);
        }
    }

    pub(super) fn is_interruption_requested(&self) -> bool {
        self.interruption.load(Relaxed)
    }
}
