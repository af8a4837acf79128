//! Calls from other threads.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

type Call = Box<dyn FnOnce() + Send>;

/// Posts calls to one thread's event loop from any other.
///
/// Made by [`Dispatcher::poster`](super::Dispatcher::poster) in the thread of the loop, then cloned
/// and sent wherever it is needed. A loop that waits is woken, once for however many calls.
///
/// # Examples
///
/// ```
/// use qcore::{Dispatcher, QCoreApplication};
///
/// let app = QCoreApplication::new();
/// let poster = Dispatcher::current().poster()?;
/// let worker = std::thread::spawn(move || {
///     let answer = 6 * 7;
///     poster.post(move || QCoreApplication::instance().exit(answer))
/// });
/// assert_eq!(app.exec(), 42);
/// worker.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Poster {
    inbox: Arc<Inbox>,
}

/// The loop that a [`Poster`] posts to has ended with its thread. The call was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopGone;

impl fmt::Display for LoopGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event loop has ended")
    }
}

impl std::error::Error for LoopGone {}

impl Poster {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Poster { inbox }
    }

    /// Has `call` run by the loop, in its thread.
    ///
    /// `Ok` says that the loop has taken the call, not that the call has run. While the thread runs
    /// no loop, the call waits, as a posted event does in Qt: it runs in the first turn of the next
    /// `exec()` or `process_events()`. If the thread ends first, the call is dropped. A caller that
    /// must know puts something into the call that tells of its drop, such as the sending half of a
    /// channel.
    ///
    /// # Errors
    ///
    /// [`LoopGone`] if the loop's thread has ended.
    pub fn post(&self, call: impl FnOnce() + Send + 'static) -> Result<(), LoopGone> {
        self.inbox.push(Box::new(call))
    }

    /// Whether both post to the same loop.
    pub(crate) fn is_for_loop_of(&self, other: &Poster) -> bool {
        Arc::ptr_eq(&self.inbox, &other.inbox)
    }

    /// Whether the loop still takes calls.
    pub(crate) fn is_open(&self) -> bool {
        self.inbox.calls().is_some()
    }

    /// Makes a loop that waits go round.
    #[doc(alias = "wakeUp")]
    pub fn wake_up(&self) {
        self.inbox.wake();
    }
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster").finish_non_exhaustive()
    }
}

/// What the posters of a loop share with it.
pub(super) struct Inbox {
    /// `None` once the loop has ended.
    calls: Mutex<Option<Vec<Call>>>,
    /// Whether the loop was woken since it last looked.
    woken: AtomicBool,
    waker: mio::Waker,
}

impl Inbox {
    pub(super) fn new(waker: mio::Waker) -> Self {
        Inbox { calls: Mutex::new(Some(Vec::new())), woken: AtomicBool::new(false), waker }
    }

    fn calls(&self) -> MutexGuard<'_, Option<Vec<Call>>> {
        // Nothing panics while it is locked.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, call: Call) -> Result<(), LoopGone> {
        match &mut *self.calls() {
            Some(calls) => calls.push(call),
            None => return Err(LoopGone),
        }
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel)
            && let Err(error) = self.waker.wake()
        {
            crate::q_warning!("cannot wake an event loop: {error}");
        }
    }

    /// Whether anybody has posted since the loop last looked, or the loop is to go round.
    pub(super) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    /// The calls since the last time, for the loop.
    pub(super) fn take(&self) -> Vec<Call> {
        // Before looking: a post after this wakes anew.
        self.woken.store(false, Ordering::Release);
        self.calls().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The loop ends.
    pub(super) fn close(&self) {
        let calls = self.calls().take();
        drop(calls);
    }
}
