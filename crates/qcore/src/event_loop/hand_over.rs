//! [`HandOver`]: the queue through which other threads hand items to a loop.
//!
//! This file uses no other part of the crate, so that a model checker can run it with lock types of
//! its own.

#[cfg(not(loom))]
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

#[cfg(loom)]
use loom::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

/// A queue of items `M` from any thread to one loop, which the waker `W` wakes.
///
/// A queue may exist before its loop. The loop brings its waker when it first waits. Items that
/// were pushed before that need no wake-up, because the loop checks [`is_woken`](Self::is_woken)
/// after it has set the waker and before it waits.
pub(super) struct HandOver<M, W> {
    shared: Mutex<Shared<M, W>>,
    /// Whether anything was pushed since the loop last took the items. It changes under the lock.
    woken: AtomicBool,
}

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
        HandOver { shared: Mutex::new(shared), woken: AtomicBool::new(false) }
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

    /// Notes that there is something to take. Only the first note after a take wakes the loop.
    fn note(&self, shared: &Shared<M, W>) -> ToWake<W> {
        // All changes of the flag are made under the lock.
        if self.woken.load(Ordering::Relaxed) {
            return None;
        }
        self.woken.store(true, Ordering::Release);
        shared.waker.clone()
    }

    pub(super) fn is_open(&self) -> bool {
        self.shared().items.is_some()
    }

    // ---- the loop

    /// Sets the waker. The loop calls [`is_woken`](Self::is_woken) afterwards, before it waits.
    pub(super) fn set_waker(&self, waker: W) {
        self.shared().waker = Some(Arc::new(waker));
    }

    /// Returns whether anything was pushed since the last take.
    #[inline]
    pub(super) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    /// Swaps the items for the empty `items`, and returns the discarded keys.
    pub(super) fn take(&self, items: &mut Vec<M>) -> Vec<u32> {
        let mut shared = self.shared();
        // A later push finds the flag cleared and wakes the loop again.
        self.woken.store(false, Ordering::Release);
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
