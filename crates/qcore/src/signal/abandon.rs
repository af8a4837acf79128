//! [`BlockedCalls`]: the calls that a thread waits for can be abandoned from outside.

use std::{
    cell::OnceCell,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::event_loop::Inbox;

/// A call that can be failed.
pub(super) trait Fail: Send + Sync {
    /// Answers the call with the error that the receiver's loop has ended.
    fn fail(&self);
}

/// The calls that one thread, or the threads of one pool, wait for.
///
/// The owner of a `QThread` may wait for the thread to end, in a destructor. If the thread waited
/// for a call into the owner's loop meanwhile, both would wait for ever. So the owner abandons
/// these calls. The same holds for the owner of a pool of threads.
#[derive(Default)]
pub(crate) struct BlockedCalls(Mutex<State>);

#[derive(Default)]
struct State {
    /// The loop that makes no more calls of these threads.
    abandoned: Option<Arc<Inbox>>,
    /// The calls that the threads wait for, and the loops that are to make them.
    waiting: Vec<(Arc<Inbox>, Arc<dyn Fail>)>,
}

thread_local! {
    static CURRENT: OnceCell<Arc<BlockedCalls>> = const { OnceCell::new() };
}

impl BlockedCalls {
    /// Makes these the blocked calls of the calling thread, which has none yet.
    pub(crate) fn install(self: Arc<Self>) {
        let _ = CURRENT.try_with(|current| current.set(self));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails the calls into this loop that the threads wait for, and all later ones.
    pub(crate) fn abandon(&self, inbox: Arc<Inbox>) {
        let mut state = self.state();
        let calls: Vec<_> =
            state.waiting.extract_if(.., |(into, _)| Arc::ptr_eq(into, &inbox)).collect();
        let before = state.abandoned.replace(inbox);
        drop(state);
        drop(before);
        for (_, call) in calls {
            call.fail();
        }
    }

    /// Ends what [`abandon`](Self::abandon) has begun: later calls are made again.
    pub(crate) fn resume(&self) {
        let before = self.state().abandoned.take();
        drop(before);
    }
}

/// Runs `wait`, in which the thread waits for `call` into the loop of `inbox`.
pub(super) fn wait_for<V>(inbox: &Arc<Inbox>, call: Arc<dyn Fail>, wait: impl FnOnce() -> V) -> V {
    let current = CURRENT.try_with(|current| current.get().cloned()).ok().flatten();
    let Some(current) = current else { return wait() };
    let mut state = current.state();
    let is_abandoned = state.abandoned.as_ref().is_some_and(|gone| Arc::ptr_eq(gone, inbox));
    if is_abandoned {
        drop(state);
        call.fail();
        return wait();
    }
    state.waiting.push((inbox.clone(), call.clone()));
    drop(state);
    let value = wait();
    let mut state = current.state();
    let at = state.waiting.iter().position(|(_, waiting)| Arc::ptr_eq(waiting, &call));
    let waited = at.map(|at| state.waiting.swap_remove(at));
    drop(state);
    drop(waited);
    value
}
