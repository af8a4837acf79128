//! [`Run`]: one run of a loop.

use std::{
    cell::{Cell, OnceCell},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// The state of one run of a loop: whether it is running, and whether
/// [`exit`](Run::exit) was called.
#[derive(Debug, Default)]
pub(crate) struct Run {
    running: Cell<bool>,
    exit: Cell<bool>,
    code: Cell<i32>,
    locks: OnceCell<Arc<Locks>>,
}

impl Run {
    /// Returns the count of the lockers that keep the run going.
    pub(crate) fn locks(&self) -> &Arc<Locks> {
        self.locks.get_or_init(|| Locks::new(self.running.get()))
    }

    pub(super) fn set_running(&self, running: bool) {
        self.running.set(running);
        if let Some(locks) = self.locks.get() {
            locks.set_running(running);
        }
    }

    /// Tells the loop to end as soon as control returns to it.
    pub(crate) fn exit(&self, code: i32) {
        self.code.set(code);
        self.exit.set(true);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.get()
    }

    /// Returns whether the loop has to end.
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

/// The number of a loop's lockers, and whether the loop is running. The lockers share it with the
/// loop, even from other threads.
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

    /// Removes a locker. Returns whether it was the last one.
    pub(crate) fn remove(&self) -> bool {
        self.count.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }
}
