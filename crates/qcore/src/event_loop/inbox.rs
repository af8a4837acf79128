//! [`Inbox`]: what other threads send to a loop.

use std::{any::Any, rc::Rc, sync::Arc};

use super::{
    Dispatcher, PostError, PostErrorKind,
    hand_over::{HandOver, ToWake},
    parcel::Parcel,
    posted::Posted,
};

/// An item that a thread sends to a loop.
pub(crate) enum Message {
    /// A call, which the loop makes like a posted one of its own.
    Call(Box<dyn FnOnce() + Send>),
    /// A delivery to a receiver.
    Delivery(Box<dyn Parcel>),
    /// A change of the tables of the loop's thread. The loop makes it as soon as it takes the item,
    /// that is, before it makes any call that was sent with it or later.
    Setup(Box<dyn FnOnce() + Send>),
}

impl Message {
    /// Returns what the loop puts into its queue, or the setup.
    #[inline]
    pub(super) fn into_posted(self) -> Result<Posted, Box<dyn FnOnce() + Send>> {
        match self {
            Message::Call(call) => Ok(Posted::Call(call)),
            Message::Delivery(delivery) if delivery.is_last() => Ok(Posted::Sent(delivery)),
            Message::Delivery(delivery) => Ok(Posted::Several(Rc::from(delivery as Box<_>))),
            Message::Setup(setup) => Err(setup),
        }
    }
}

/// The queue that a loop shares with other threads. It may exist before its loop.
pub(crate) struct Inbox(HandOver<Message, mio::Waker>);

impl Inbox {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Inbox(HandOver::new()))
    }

    /// Returns an inbox that takes no messages.
    pub(crate) fn closed() -> Arc<Self> {
        let inbox = Inbox::new();
        drop(inbox.close());
        inbox
    }

    /// Returns the inbox of this thread's loop.
    pub(crate) fn of_this_thread() -> Arc<Self> {
        Dispatcher::current().inbox().clone()
    }

    // ---- any thread

    /// Sends a message. Sending within the loop's own thread makes no system call.
    pub(crate) fn send(self: &Arc<Self>, message: Message) -> Result<(), PostError> {
        let refused = match Dispatcher::of_inbox(self) {
            Some(home) => home.accept(message),
            None => self.push(message),
        };
        // The message is dropped here, where no lock is held.
        refused.map_err(|_message| ended())
    }

    /// Sends a message through the queue, even from the loop's own thread.
    pub(crate) fn push(&self, message: Message) -> Result<(), Message> {
        wake(self.0.push(message)?);
        Ok(())
    }

    /// Sends a call: adds its `value` to the newest parcel with `add`, or sends the parcel that
    /// `make` makes of the value. `add` returns the value if it cannot be in that parcel.
    ///
    /// The two functions run under a lock, so they must not call any user code.
    pub(crate) fn send_value<P: Parcel, V>(
        self: &Arc<Self>,
        value: V,
        add: impl FnOnce(&mut P, V) -> Result<(), V>,
        make: impl FnOnce(V) -> P,
    ) -> Result<(), PostError> {
        if self.is_here() {
            return self.send(Message::Delivery(Box::new(make(value))));
        }
        self.push_value(value, add, make)
    }

    /// Sends a call as [`send_value`](Inbox::send_value) does, but through the queue even from the
    /// loop's own thread.
    pub(crate) fn push_value<P: Parcel, V>(
        &self,
        value: V,
        add: impl FnOnce(&mut P, V) -> Result<(), V>,
        make: impl FnOnce(V) -> P,
    ) -> Result<(), PostError> {
        let join = |newest: &mut Message, value| match newest {
            Message::Delivery(parcel) => match (&mut **parcel as &mut dyn Any).downcast_mut() {
                Some(parcel) => add(parcel, value),
                None => Err(value),
            },
            Message::Call(_) | Message::Setup(_) => Err(value),
        };
        let make = |value| Message::Delivery(Box::new(make(value)));
        // A refused value is dropped here, where no lock is held.
        let waker = self.0.push_or_join(value, join, make).map_err(|_value| ended())?;
        wake(waker);
        Ok(())
    }

    /// Tells the loop to drop the value that it keeps under this key.
    pub(super) fn discard(&self, key: u32) {
        wake(self.0.discard(key));
    }

    /// Wakes the loop: if it is waiting, it runs one turn.
    pub(super) fn wake(&self) {
        wake(self.note());
    }

    /// Makes the loop run one turn without waiting. The caller gives the result to [`wake`].
    pub(super) fn note(&self) -> ToWake<mio::Waker> {
        self.0.wake()
    }

    /// Returns whether the loop may still take messages.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_open()
    }

    /// Returns whether the calling thread is that of the loop.
    pub(crate) fn is_here(self: &Arc<Self>) -> bool {
        Dispatcher::with_existing(|home| home.has_inbox(self)) == Some(true)
    }

    // ---- the loop

    pub(super) fn set_waker(&self, waker: mio::Waker) {
        self.0.set_waker(waker);
    }

    /// Returns whether anything was sent since the loop last took the messages.
    #[inline]
    pub(super) fn is_woken(&self) -> bool {
        self.0.is_woken()
    }

    /// Begins a wait, which the next message ends. Returns `false` if the loop must not wait,
    /// because something was sent since it last took the messages.
    #[must_use]
    pub(super) fn begin_wait(&self) -> bool {
        self.0.begin_wait()
    }

    /// Ends a wait that [`begin_wait`](Self::begin_wait) has begun.
    pub(super) fn end_wait(&self) {
        self.0.end_wait();
    }

    /// Swaps the messages for the empty `messages`, and returns the keys of discarded values.
    pub(super) fn take(&self, messages: &mut Vec<Message>) -> Vec<u32> {
        self.0.take(messages)
    }

    pub(super) fn take_discarded(&self) -> Vec<u32> {
        self.0.take_discarded()
    }

    /// Closes the inbox when the loop ends. Returns its messages, for the caller to drop.
    pub(crate) fn close(&self) -> Vec<Message> {
        self.0.close().unwrap_or_default()
    }
}

fn ended() -> PostError {
    PostErrorKind::LoopEnded.into()
}

/// Wakes the loop if the caller has to, after it has released all locks.
pub(super) fn wake(waker: ToWake<mio::Waker>) {
    if let Some(waker) = waker
        && let Err(error) = waker.wake()
    {
        crate::q_warning!("cannot wake an event loop: {error}");
    }
}
