//! [`HandOver`]: the queue through which other threads hand items to a loop.
//!
//! This file uses no other part of the crate, so that a model checker can run it with lock types of
//! its own.

#[cfg(not(loom))]
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU8, Ordering},
};

#[cfg(loom)]
use loom::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU8, Ordering},
};

/// A queue of items `M` from any thread to one loop, which the waker `W` wakes.
///
/// A queue may exist before its loop. The loop brings its waker when it first waits. A push wakes
/// the loop only while it waits: before each wait, the loop calls
/// [`begin_wait`](Self::begin_wait), which reports what was pushed before.
pub(super) struct HandOver<M, W> {
    shared: Mutex<Shared<M, W>>,
    /// [`IDLE`], [`WAITING`] or [`WOKEN`]. It becomes `WOKEN`, and stops being so, under the lock.
    state: AtomicU8,
}

/// Nothing was pushed since the loop last took the items, and the loop does not wait.
const IDLE: u8 = 0;
/// Nothing was pushed since the loop last took the items, and the loop waits or is about to.
const WAITING: u8 = 1;
/// Something was pushed since the loop last took the items.
const WOKEN: u8 = 2;

struct Shared<M, W> {
    /// The items that the loop has not taken yet; `None` after the loop has ended.
    items: Option<Vec<M>>,
    /// The keys of values that the loop is to drop. They are apart from the items, so that the loop
    /// can drop these values without running the items.
    discarded: Vec<u32>,
    waker: Option<Arc<W>>,
}

/// The waker that the caller of a push must use, if any.
pub(super) type ToWake<W> = Option<Arc<W>>;

impl<M, W> HandOver<M, W> {
    pub(super) fn new() -> Self {
        let shared = Shared { items: Some(Vec::new()), discarded: Vec::new(), waker: None };
        HandOver { shared: Mutex::new(shared), state: AtomicU8::new(IDLE) }
    }

    fn shared(&self) -> MutexGuard<'_, Shared<M, W>> {
        // No code panics while it holds this lock.
        match self.shared.lock() {
            Ok(shared) => shared,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    // ---- any thread

    /// Adds an item. Returns the item if the loop has ended.
    pub(super) fn push(&self, item: M) -> Result<ToWake<W>, M> {
        self.push_or_join(item, |_, item| Err(item), |item| item)
    }

    /// Adds a part to the newest item with `join`. If `join` returns the part, or if there is no
    /// item, it adds the item that `make` makes of it. Returns the part if the loop has ended.
    ///
    /// The two functions run under the lock, so they must not call any user code.
    pub(super) fn push_or_join<P>(
        &self,
        part: P,
        join: impl FnOnce(&mut M, P) -> Result<(), P>,
        make: impl FnOnce(P) -> M,
    ) -> Result<ToWake<W>, P> {
        let mut shared = self.shared();
        let Some(items) = &mut shared.items else { return Err(part) };
        let refused = match items.last_mut() {
            Some(newest) => join(newest, part).err(),
            None => Some(part),
        };
        if let Some(part) = refused {
            items.push(make(part));
        }
        Ok(self.note(&shared))
    }

    /// Tells the loop to drop the value with this key.
    pub(super) fn discard(&self, key: u32) -> ToWake<W> {
        let mut shared = self.shared();
        shared.items.as_ref()?; // the loop has dropped all values
        shared.discarded.push(key);
        self.note(&shared)
    }

    /// Makes the loop run one turn without waiting.
    pub(super) fn wake(&self) -> ToWake<W> {
        self.note(&self.shared())
    }

    /// Notes that there is something to take. Only the first note after a take wakes the loop, and
    /// only if the loop waits.
    fn note(&self, shared: &Shared<M, W>) -> ToWake<W> {
        // Only a take ends this state, and it needs the lock.
        if self.state.load(Ordering::Relaxed) == WOKEN {
            return None;
        }
        match self.state.swap(WOKEN, Ordering::AcqRel) {
            WAITING => shared.waker.clone(),
            _ => None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.shared().items.is_some()
    }

    // ---- the loop

    /// Sets the waker. The loop calls this before its first wait.
    pub(super) fn set_waker(&self, waker: W) {
        self.shared().waker = Some(Arc::new(waker));
    }

    /// Returns whether anything was pushed since the last take.
    #[inline]
    pub(super) fn is_woken(&self) -> bool {
        self.state.load(Ordering::Acquire) == WOKEN
    }

    /// Begins a wait, which the next push ends through the waker. Returns `false` if the loop must
    /// not wait, because something was pushed since the last take.
    #[must_use]
    pub(super) fn begin_wait(&self) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.state.compare_exchange(IDLE, WAITING, success, failure).is_ok()
    }

    /// Ends a wait that [`begin_wait`](Self::begin_wait) has begun.
    pub(super) fn end_wait(&self) {
        // If it fails, something was pushed.
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let _ = self.state.compare_exchange(WAITING, IDLE, success, failure);
    }

    /// Swaps the items for the empty `items`, and returns the discarded keys.
    pub(super) fn take(&self, items: &mut Vec<M>) -> Vec<u32> {
        let mut shared = self.shared();
        // A later push finds this state, and wakes the loop if it waits by then.
        self.state.store(IDLE, Ordering::Release);
        if let Some(waiting) = &mut shared.items {
            std::mem::swap(waiting, items);
        }
        std::mem::take(&mut shared.discarded)
    }

    /// Returns the discarded keys and leaves the items.
    pub(super) fn take_discarded(&self) -> Vec<u32> {
        std::mem::take(&mut self.shared().discarded)
    }

    /// Ends the queue. Returns the items that the loop has not taken, for the caller to drop.
    pub(super) fn close(&self) -> Option<Vec<M>> {
        let mut shared = self.shared();
        shared.discarded = Vec::new();
        shared.waker = None;
        shared.items.take()
    }
}
