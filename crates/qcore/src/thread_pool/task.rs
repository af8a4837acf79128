//! [`ThreadPoolTask`]: work in a pool, whose result goes to the caller's event loop.
//!
//! The node of a task stays in a table of the caller's loop until the result arrives. The thread of
//! the pool knows only the key. It posts the result to the loop, which takes the node out of the
//! table and emits the signal.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    io,
    ops::Deref,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use slab::Slab;

use super::ThreadPoolError;
use crate::{
    event_loop::{Dispatcher, Poster},
    panics,
    signal::Signal,
};

/// Work that [`QThreadPool::run`](super::QThreadPool::run) has given to a pool.
///
/// [`finished`](ThreadPoolTaskNode::finished) carries its result. The task is also a [`Future`],
/// which returns the result by value. The slots of `finished` are called before the future is
/// woken.
///
/// The type stands for `QFuture` and `QFutureWatcher` of Qt, which PySide2 does not have.
#[doc(alias = "QFuture")]
#[doc(alias = "QFutureWatcher")]
#[must_use = "connect to `finished` or await the task, or use `QThreadPool::start`"]
pub struct ThreadPoolTask<T: 'static> {
    node: Rc<ThreadPoolTaskNode<T>>,
}

/// The signal of a [`ThreadPoolTask`].
pub struct ThreadPoolTaskNode<T: 'static> {
    /// Emitted once, by the loop of the thread that called
    /// [`run`](super::QThreadPool::run), with the result. A slot that is connected later is not
    /// called.
    pub finished: Signal<Result<T, ThreadPoolError>>,
    is_finished: Cell<bool>,
    /// The result, for a future.
    result: Cell<Option<Result<T, ThreadPoolError>>>,
    waker: Cell<Option<Waker>>,
    /// Why the pool has not taken the work.
    refused: Cell<Option<ThreadPoolError>>,
}

impl<T> ThreadPoolTaskNode<T> {
    /// Returns whether the result has arrived. It is true in the slots of
    /// [`finished`](ThreadPoolTaskNode::finished).
    #[doc(alias = "isFinished")]
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_finished.get()
    }

    fn finish(&self, result: Result<T, ThreadPoolError>) {
        // The guard keeps the result for a future, even if a slot panics.
        struct Keep<'a, T: 'static>(&'a ThreadPoolTaskNode<T>, Option<Result<T, ThreadPoolError>>);
        impl<T> Drop for Keep<'_, T> {
            fn drop(&mut self) {
                self.0.result.set(self.1.take());
                if let Some(waker) = self.0.waker.take() {
                    waker.wake();
                }
            }
        }
        self.is_finished.set(true);
        let keep = Keep(self, Some(self.refused.take().map_or(result, Err)));
        if let Some(result) = &keep.1 {
            self.finished.emit_ref(result);
        }
    }
}

impl<T> Deref for ThreadPoolTask<T> {
    type Target = ThreadPoolTaskNode<T>;

    fn deref(&self) -> &ThreadPoolTaskNode<T> {
        &self.node
    }
}

/// Waits for the result.
///
/// # Panics
///
/// If it is polled again after it has returned the result.
impl<T> Future for ThreadPoolTask<T> {
    type Output = Result<T, ThreadPoolError>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let node = &self.node;
        if let Some(result) = node.result.take() {
            return Poll::Ready(result);
        }
        // During the emission there is no result yet, and the guard there wakes the future.
        let is_over = node.is_finished() && Rc::strong_count(node) == 1;
        assert!(!is_over, "a task of a thread pool was polled after it had returned its result");
        // Both the clone and the drop of a waker may run code of an executor.
        let before = node.waker.replace(Some(context.waker().clone()));
        drop(before);
        Poll::Pending
    }
}

impl<T> fmt::Debug for ThreadPoolTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_finished = self.is_finished();
        f.debug_struct("ThreadPoolTask").field("is_finished", &is_finished).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ThreadPoolTaskNode<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_finished = self.is_finished();
        f.debug_struct("ThreadPoolTaskNode")
            .field("is_finished", &is_finished)
            .finish_non_exhaustive()
    }
}

/// The tasks of a loop whose results have not arrived.
#[derive(Default)]
struct Waiting(RefCell<Slab<Rc<dyn Any>>>);

/// What a thread of the pool needs to send the result.
pub(super) struct Reply<T: Send + 'static> {
    poster: Poster,
    key: usize,
    result: Option<Result<T, ThreadPoolError>>,
}

impl<T: Send> Reply<T> {
    pub(super) fn send(mut self, result: Result<T, ThreadPoolError>) {
        self.result = Some(result);
    }
}

impl<T: Send> Drop for Reply<T> {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| Err(ThreadPoolError::cancelled()));
        let key = self.key;
        // If the loop has ended, nobody waits for the result any more.
        let _ = self.poster.post(move || {
            let waiting = Dispatcher::current().local::<Waiting>();
            let node = waiting.0.borrow_mut().try_remove(key);
            if let Some(node) = node.and_then(|node| node.downcast::<ThreadPoolTaskNode<T>>().ok())
            {
                node.finish(result);
            }
        });
    }
}

/// Makes a task of this thread's loop, and the reply that ends it.
pub(super) fn new<T: Send>() -> (ThreadPoolTask<T>, Option<Reply<T>>) {
    let node = Rc::new(ThreadPoolTaskNode {
        finished: Signal::new(),
        is_finished: Cell::new(false),
        result: Cell::new(None),
        waker: Cell::new(None),
        refused: Cell::new(None),
    });
    let task = ThreadPoolTask { node: node.clone() };
    let dispatcher = Dispatcher::current();
    let reply = match dispatcher.poster() {
        Ok(poster) => {
            let key = dispatcher.local::<Waiting>().0.borrow_mut().insert(node);
            Some(Reply { poster, key, result: None })
        }
        Err(error) => {
            let error = ThreadPoolError::no_thread(&error);
            dispatcher.post(move || node.finish(Err(error)));
            None
        }
    };
    (task, reply)
}

impl<T> ThreadPoolTask<T> {
    /// Notes that the pool has dropped the work because it has no thread.
    pub(super) fn refuse(&self, error: &io::Error) {
        self.node.refused.set(Some(ThreadPoolError::no_thread(error)));
    }
}

/// Runs the work, and catches its panic.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, ThreadPoolError> {
    panics::contain(work).map_err(ThreadPoolError::panicked)
}
