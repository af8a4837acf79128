//! One run of a loop.

use std::{
    cell::{Cell, OnceCell},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// One run of a loop, as those see it who end it.
#[derive(Debug, Default)]
pub(crate) struct Run {
    running: Cell<bool>,
    exit: Cell<bool>,
    code: Cell<i32>,
    locks: OnceCell<Arc<Locks>>,
}

impl Run {
    /// The lockers that keep it running.
    pub(crate) fn locks(&self) -> &Arc<Locks> {
        self.locks.get_or_init(|| Locks::new(self.running.get()))
    }

    pub(super) fn set_running(&self, running: bool) {
        self.running.set(running);
        if let Some(locks) = self.locks.get() {
            locks.set_running(running);
        }
    }

    /// Makes the loop end as soon as control is back in it.
    pub(crate) fn exit(&self, code: i32) {
        self.code.set(code);
        self.exit.set(true);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.get()
    }

    /// Whether the loop was told to end.
    pub(crate) fn is_told_to_exit(&self) -> bool {
        self.exit.get()
    }

    pub(super) fn forget_exit(&self) {
        self.exit.set(false);
        self.code.set(0);
    }

    pub(super) fn code(&self) -> i32 {
        self.code.get()
    }
}

/// How many lockers a loop has, and whether it runs: what the lockers share with it, also those in
/// other threads.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    count: AtomicUsize,
    running: AtomicBool,
}

impl Locks {
    fn new(running: bool) -> Arc<Self> {
        Arc::new(Locks { count: AtomicUsize::new(0), running: AtomicBool::new(running) })
    }

    fn set_running(&self, running: bool) {
        self.running.store(running, Ordering::Release);
    }

    pub(crate) fn add(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a locker away. Returns whether it was the last one.
    pub(crate) fn remove(&self) -> bool {
        self.count.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }
}
