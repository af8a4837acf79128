//! [`Reply`]: the place where the result of a call in another thread arrives.

use std::{
    any::Any,
    fmt, io,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::abandon::{Fail, wait_for};
use crate::{
    event_loop::{Inbox, PostErrorKind},
    panics::text_of,
};

/// The kind of a [`CallError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The receiver's thread has ended, and its loop with it.
    LoopEnded,
    /// The receiver is dead. The call was dropped.
    TargetDied,
    /// The receiver lives in the calling thread, which would wait for itself for ever. The call was
    /// dropped.
    WouldDeadlock,
    /// The call panicked.
    Panicked,
    /// An event filter of the receiver stopped the call, or
    /// [`remove_posted_events`](crate::QCoreApplication::remove_posted_events) removed it.
    Cancelled,
    /// The deadline passed before the call was complete. The call may still be made.
    TimedOut,
}

/// The error of [`Remote::call`](crate::Remote::call): the reason why there is no result.
///
/// # Examples
///
/// ```
/// use qcore::{CallErrorKind, QObject, Remote};
///
/// let remote = Remote::of(&QObject::new());
/// let error = remote.call(|object| object.object_name()).unwrap_err();
/// assert_eq!(error, CallErrorKind::WouldDeadlock);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    kind: CallErrorKind,
    /// The text of the panic.
    text: String,
}

impl CallError {
    pub(super) fn of(kind: PostErrorKind) -> Self {
        match kind {
            PostErrorKind::LoopEnded => CallErrorKind::LoopEnded.into(),
            PostErrorKind::TargetDied => CallErrorKind::TargetDied.into(),
        }
    }

    pub(super) fn panicked(payload: &dyn Any) -> Self {
        CallError { kind: CallErrorKind::Panicked, text: text_of(payload).to_owned() }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        self.kind
    }
}

impl From<CallErrorKind> for CallError {
    fn from(kind: CallErrorKind) -> Self {
        CallError { kind, text: String::new() }
    }
}

impl PartialEq<CallErrorKind> for CallError {
    fn eq(&self, kind: &CallErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CallErrorKind::LoopEnded => "the event loop of the receiver has ended",
            CallErrorKind::TargetDied => "the receiver is dead",
            CallErrorKind::WouldDeadlock => "the receiver lives in the calling thread",
            CallErrorKind::Panicked => return write!(f, "the call panicked: {}", self.text),
            CallErrorKind::Cancelled => "the call was removed from the event loop of the receiver",
            CallErrorKind::TimedOut => "the call was not complete in time",
        })
    }
}

impl std::error::Error for CallError {}

impl From<CallError> for io::Error {
    fn from(error: CallError) -> Self {
        let kind = match error.kind {
            CallErrorKind::LoopEnded | CallErrorKind::TargetDied => io::ErrorKind::BrokenPipe,
            CallErrorKind::WouldDeadlock => io::ErrorKind::Deadlock,
            CallErrorKind::TimedOut => io::ErrorKind::TimedOut,
            CallErrorKind::Panicked | CallErrorKind::Cancelled => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// The place where the result of a call arrives. The asking thread waits at it.
pub(super) struct Reply<V> {
    state: Mutex<State<V>>,
    answered: Condvar,
}

enum State<V> {
    /// There is no answer yet. A task may wait for it.
    Open(Option<Waker>),
    Answered(Result<V, CallError>),
    Taken,
}

/// The result of a call in another thread, which is not there yet.
///
/// [`Remote::call_async`](crate::Remote::call_async) returns it. It is a future of the standard
/// library, so that any executor can await it. Dropping it does not cancel the call: its result is
/// dropped.
///
/// # Panics
///
/// Polling it again after it has returned the result panics.
#[must_use = "a future does nothing unless it is awaited"]
pub struct PendingCall<V>(Arc<Reply<V>>);

impl<V> PendingCall<V> {
    pub(super) fn new(reply: Arc<Reply<V>>) -> Self {
        PendingCall(reply)
    }
}

impl<V> Future for PendingCall<V> {
    type Output = Result<V, CallError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(context)
    }
}

impl<V> fmt::Debug for PendingCall<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").finish_non_exhaustive()
    }
}

/// The right to answer. Each answerer answers once, at the latest when it is dropped.
pub(super) struct Answerer<V>(Option<Arc<Reply<V>>>);

impl<V> Reply<V> {
    pub(super) fn new() -> (Arc<Self>, Answerer<V>) {
        let (state, answered) = (Mutex::new(State::Open(None)), Condvar::new());
        let reply = Arc::new(Reply { state, answered });
        (reply.clone(), Answerer(Some(reply)))
    }

    /// Returns a reply that is an error already.
    pub(super) fn failed(error: CallError) -> Arc<Self> {
        let (reply, answerer) = Reply::new();
        answerer.answer(Err(error));
        reply
    }

    fn state(&self) -> MutexGuard<'_, State<V>> {
        // No code panics while it holds this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks the thread until the loop of `inbox` has answered, at most for `limit`.
    pub(super) fn wait(
        self: &Arc<Self>,
        inbox: &Arc<Inbox>,
        limit: Option<Duration>,
    ) -> Result<V, CallError>
    where
        V: Send + 'static,
    {
        wait_for(inbox, self.clone(), || self.wait_at_most(limit))
    }

    fn wait_at_most(&self, limit: Option<Duration>) -> Result<V, CallError> {
        #[cfg(feature = "simulation")]
        if crate::event_loop::simulated::wait_until(limit, || {
            matches!(*self.state(), State::Answered(_) | State::Taken)
        }) == Some(false)
        {
            return Err(CallErrorKind::TimedOut.into());
        }
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut state = self.state();
        loop {
            match std::mem::replace(&mut *state, State::Taken) {
                State::Answered(answer) => return answer,
                before => *state = before,
            }
            let Some(until) = until else {
                state = self.answered.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(CallErrorKind::TimedOut.into());
            }
            let waited = self.answered.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Answers. The first answer counts.
    fn answer(&self, answer: Result<V, CallError>) {
        let mut state = self.state();
        // The value of the user is dropped where no lock is held.
        let before = match &mut *state {
            State::Open(_) => std::mem::replace(&mut *state, State::Answered(answer)),
            _ => State::Answered(answer),
        };
        drop(state);
        self.answered.notify_one();
        if let State::Open(Some(waker)) = before {
            waker.wake();
        }
    }

    /// Returns the answer to a task, or wakes the task when there is one.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<V, CallError>> {
        let waker = context.waker().clone();
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Answered(answer) => Poll::Ready(answer),
            State::Open(before) => {
                *state = State::Open(Some(waker));
                drop(state);
                drop(before);
                Poll::Pending
            }
            State::Taken => panic!("a call was polled again after it was complete"),
        }
    }
}

impl<V: Send> Fail for Reply<V> {
    fn fail(&self) {
        self.answer(Err(CallErrorKind::LoopEnded.into()));
    }
}

impl<V> Answerer<V> {
    pub(super) fn answer(mut self, answer: Result<V, CallError>) {
        self.give(answer);
    }

    fn give(&mut self, answer: Result<V, CallError>) {
        if let Some(reply) = self.0.take() {
            reply.answer(answer);
        }
    }
}

impl<V> Drop for Answerer<V> {
    fn drop(&mut self) {
        self.give(Err(CallErrorKind::Cancelled.into()));
    }
}
