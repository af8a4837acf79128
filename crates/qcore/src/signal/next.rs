//! [`Next`] and [`SignalStream`]: signals for tasks.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    error::Error,
    fmt, io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::{
    Connection, ConnectionType, Signal,
    slot::{Call, OneSlot},
    type_of,
    until::Bell,
};

impl<T: Clone + 'static> Signal<T> {
    /// Waits for the next emission. The result is a clone of its value, made in the emission.
    ///
    /// The signal is connected in this call, not at the first `.await`. So no emission is missed
    /// between the two:
    ///
    /// ```
    /// use qcore::{Signal, block_on};
    ///
    /// let answered = Signal::<u32>::new();
    /// let answer = answered.next();
    /// answered.emit(42); // somebody answers at once
    /// answered.emit(43);
    /// assert_eq!(block_on(answer).unwrap(), Ok(42));
    /// ```
    ///
    /// The emission only wakes the task, which continues when the loop polls it. Each call waits
    /// for one emission. A task that needs all of them uses [`stream`](Signal::stream). While the
    /// signals of the sender are blocked, the future waits.
    ///
    /// Cancel safe: dropping the future disconnects it.
    ///
    /// # Errors
    ///
    /// [`SignalErrorKind::SenderGone`] if the sender has died, or has cut the connection, as
    /// [`disconnect_all`](Signal::disconnect_all) does.
    #[track_caller]
    pub fn next(&self) -> Next<T> {
        let awaits = AwaitsOne { place: RefCell::new(Place::Waiting(None)) };
        let slot = Rc::new(OneSlot::new(0, type_of(&()), false, awaits));
        let connection = self.add_shared(slot.clone());
        if connection.link().is_none() {
            slot.inner().settle(Place::Gone);
        }
        Next { slot, connection }
    }

    /// Returns the values of all emissions from now on, as clones and in order.
    ///
    /// Values that wait for the task have no limit: a task that is slower than the emissions uses
    /// more and more memory. [`stream_with_capacity`](Signal::stream_with_capacity) has a limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{Signal, block_on};
    ///
    /// let counted = Signal::<u32>::new();
    /// let mut numbers = counted.stream();
    /// (1..=3).for_each(|number| counted.emit(number));
    /// drop(counted);
    /// let sum = block_on(async {
    ///     let mut sum = 0;
    ///     while let Some(number) = numbers.next().await {
    ///         sum += number;
    ///     }
    ///     sum
    /// });
    /// assert_eq!(sum.unwrap(), 6);
    /// ```
    #[track_caller]
    pub fn stream(&self) -> SignalStream<T> {
        self.make_stream(usize::MAX)
    }

    /// Returns the values of the emissions from now on, as [`stream`](Signal::stream) does. At most
    /// `capacity` values wait for the task, at least one. When another one comes, the oldest is
    /// dropped; [`take_lost`](SignalStream::take_lost) says how many were.
    ///
    /// ```
    /// use qcore::{Signal, block_on};
    ///
    /// let moved = Signal::<u32>::new();
    /// let mut positions = moved.stream_with_capacity(1);
    /// (1..=3).for_each(|position| moved.emit(position));
    /// assert_eq!(block_on(positions.next()).unwrap(), Some(3));
    /// assert_eq!(positions.take_lost(), 2);
    /// ```
    #[track_caller]
    pub fn stream_with_capacity(&self, capacity: usize) -> SignalStream<T> {
        self.make_stream(capacity.max(1))
    }

    #[track_caller]
    fn make_stream(&self, capacity: usize) -> SignalStream<T> {
        let state = Rc::new(StreamState {
            values: RefCell::default(),
            capacity,
            lost: Cell::new(0),
            gone: Cell::new(false),
            bell: Bell::default(),
        });
        let call = AwaitsAll(state.clone());
        let connection = self.add(None, ConnectionType::AUTO, type_of(&()), call);
        SignalStream { state, connection }
    }
}

/// The future of [`Signal::next`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Next<T: 'static> {
    slot: Rc<OneSlot<AwaitsOne<T>>>,
    connection: Connection,
}

/// The slot of a [`Next`], and what it has received. The signal and the future share it.
struct AwaitsOne<T> {
    place: RefCell<Place<T>>,
}

enum Place<T> {
    Waiting(Option<Waker>),
    Value(T),
    /// The connection was cut.
    Gone,
    /// The future has returned, or was dropped.
    Over,
}

impl<T> AwaitsOne<T> {
    /// Puts something in the place of the waker, and wakes the task.
    fn settle(&self, place: Place<T>) {
        let before = {
            let mut current = self.place.borrow_mut();
            match *current {
                Place::Waiting(_) => std::mem::replace(&mut *current, place),
                // There is a value already, or nobody wants one.
                _ => place,
            }
        };
        if let Place::Waiting(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T: Clone + 'static> Call<T> for AwaitsOne<T> {
    fn call(&self, value: &T) -> bool {
        self.settle(Place::Value(value.clone()));
        // Ends the connection.
        false
    }

    fn on_cut(&self) {
        self.settle(Place::Gone);
    }
}

impl<T: 'static> Future for Next<T> {
    type Output = Result<T, SignalError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let knows = |place: &Place<T>| match place {
            Place::Waiting(known) => {
                known.as_ref().is_some_and(|known| known.will_wake(context.waker()))
            }
            _ => true,
        };
        let known = knows(&self.slot.inner().place.borrow());
        // Cloning or dropping a waker of another executor may run any code.
        let mut other = if known { None } else { Some(context.waker().clone()) };
        if let Place::Waiting(waker) = &mut *self.slot.inner().place.borrow_mut() {
            if other.is_some() {
                std::mem::swap(waker, &mut other);
            }
            return Poll::Pending;
        }
        Poll::Ready(match self.slot.inner().place.replace(Place::Over) {
            Place::Value(value) => Ok(value),
            _ => Err(SignalErrorKind::SenderGone.into()),
        })
    }
}

impl<T: 'static> Drop for Next<T> {
    /// Disconnects from the signal.
    fn drop(&mut self) {
        let before = self.slot.inner().place.replace(Place::Over);
        if matches!(before, Place::Waiting(_)) {
            self.connection.disconnect();
        }
        drop(before);
    }
}

impl<T: 'static> fmt::Debug for Next<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = matches!(&*self.slot.inner().place.borrow(), Place::Waiting(_));
        f.debug_struct("Next").field("waiting", &waiting).finish()
    }
}

/// The values of a signal, for a task. [`Signal::stream`] creates it.
///
/// Dropping it disconnects it from the signal, and drops the values that wait. With the feature
/// `futures` it implements `futures_core::Stream`.
pub struct SignalStream<T: 'static> {
    state: Rc<StreamState<T>>,
    connection: Connection,
}

struct StreamState<T> {
    values: RefCell<VecDeque<T>>,
    capacity: usize,
    lost: Cell<usize>,
    gone: Cell<bool>,
    bell: Bell,
}

/// The slot of a [`SignalStream`].
struct AwaitsAll<T>(Rc<StreamState<T>>);

impl<T: Clone + 'static> Call<T> for AwaitsAll<T> {
    fn call(&self, value: &T) -> bool {
        let (state, value) = (&*self.0, value.clone());
        let lost = {
            let mut values = state.values.borrow_mut();
            let lost = if values.len() >= state.capacity { values.pop_front() } else { None };
            values.push_back(value);
            lost
        };
        if lost.is_some() {
            state.lost.set(state.lost.get().saturating_add(1));
        }
        drop(lost);
        state.bell.ring();
        true
    }
}

impl<T> Drop for AwaitsAll<T> {
    fn drop(&mut self) {
        self.0.gone.set(true);
        self.0.bell.ring();
    }
}

impl<T: 'static> SignalStream<T> {
    /// Waits for the next value. Returns `None` when the sender has died or has cut the connection,
    /// and all values before that have been returned.
    ///
    /// Cancel safe: the next call returns the value.
    pub async fn next(&mut self) -> Option<T> {
        std::future::poll_fn(|context| self.poll_value(context)).await
    }

    /// Returns a value that waits, if there is one.
    pub fn try_next(&mut self) -> Option<T> {
        self.state.values.borrow_mut().pop_front()
    }

    /// Returns how many values were dropped since the last call of this function, because
    /// the stream was [full](Signal::stream_with_capacity).
    pub fn take_lost(&mut self) -> usize {
        self.state.lost.take()
    }

    fn poll_value(&mut self, context: &Context<'_>) -> Poll<Option<T>> {
        let state = &*self.state;
        state.bell.begin();
        let value = state.values.borrow_mut().pop_front();
        if value.is_some() || state.gone.get() {
            return Poll::Ready(value);
        }
        state.bell.wait(context)
    }
}

#[cfg(feature = "futures")]
impl<T: 'static> futures_core::Stream for SignalStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_value(context)
    }
}

impl<T: 'static> Drop for SignalStream<T> {
    fn drop(&mut self) {
        self.state.bell.silence();
        self.connection.disconnect();
    }
}

impl<T: 'static> fmt::Debug for SignalStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalStream")
            .field("waiting", &self.state.values.borrow().len())
            .finish_non_exhaustive()
    }
}

/// The kind of a [`SignalError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignalErrorKind {
    /// The sender has died, or has cut the connection.
    SenderGone,
}

/// The error of [`Signal::next`]: why there will be no value.
///
/// # Examples
///
/// ```
/// use qcore::{Signal, block_on, signal::SignalErrorKind};
///
/// let signal = Signal::<()>::new();
/// let next = signal.next();
/// drop(signal);
/// assert_eq!(block_on(next).unwrap().unwrap_err(), SignalErrorKind::SenderGone);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalError {
    kind: SignalErrorKind,
}

impl SignalError {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> SignalErrorKind {
        self.kind
    }
}

impl From<SignalErrorKind> for SignalError {
    fn from(kind: SignalErrorKind) -> Self {
        SignalError { kind }
    }
}

impl PartialEq<SignalErrorKind> for SignalError {
    fn eq(&self, kind: &SignalErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SignalErrorKind::SenderGone => "the sender of the signal is gone",
        })
    }
}

impl Error for SignalError {}

impl From<SignalError> for io::Error {
    fn from(error: SignalError) -> Self {
        let kind = match error.kind {
            SignalErrorKind::SenderGone => io::ErrorKind::BrokenPipe,
        };
        io::Error::new(kind, error)
    }
}
