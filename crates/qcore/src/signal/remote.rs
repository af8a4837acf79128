//! [`Remote`]: a receiver in another thread.

use std::{
    any::Any,
    cell::Cell,
    fmt,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::{Rc, Weak},
    sync::{Arc, Weak as ArcWeak},
};

use super::{
    Signal,
    receiver::{IntoReceiver, Local, Receiver},
    remote_signal::RemoteSignal,
    reply::{Answerer, CallError, CallErrorKind, PendingCall, Reply},
};
use crate::{
    classes::{Life, Link, MethodId, SlotList},
    event::{EventType, QEvent},
    event_loop::{
        Deliver, Inbox, Lodging, Message, Parcel, PostError, PostErrorKind, Poster, Values,
    },
    id::ObjectId,
    time::QDeadlineTimer,
};

/// A weak handle to a receiver in the event loop of some thread: an object, or an `Rc` of anything.
///
/// Every thread may clone, use and drop a `Remote`. It does not keep the receiver alive, and the
/// receiver never leaves its thread: calls are sent to it. [`Remote::of`] creates the handle in the
/// thread of the receiver.
///
/// * [`post`](Remote::post) queues a call and returns immediately.
/// * [`call`](Remote::call) waits for the result of a call.
/// * [`Signal::connect_to`] and [`connect_slot`](Signal::connect_slot) take a `&Remote` as
///   receiver. The values of the signal must be `Clone + Send`, and the slot must be `Send`. The
///   slot runs in the thread of the receiver, and is dropped there.
/// * [`signal`](Remote::signal) connects a signal of the receiver to a receiver of this thread.
///
/// The event loop makes the calls of one thread in the order in which that thread has sent them.
/// As with Qt's queued connections, an event filter of the receiver gets an event of type
/// `META_CALL` before each call, and the death of the receiver drops the calls that wait.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc, thread};
/// use qcore::{QCoreApplication, Remote};
///
/// let app = QCoreApplication::new();
/// let total = Rc::new(Cell::new(0));
/// let (remote_app, remote_total) = (Remote::of(&app), Remote::of(&total));
/// let worker = thread::spawn(move || {
///     for number in 1..=4 {
///         remote_total.post(move |total| total.set(total.get() + number)).unwrap();
///     }
///     let sum = remote_total.call(|total| total.get()).unwrap();
///     remote_app.post(move |app| app.exit(sum)).unwrap();
/// });
/// assert_eq!(app.exec(), 10);
/// worker.join().unwrap();
/// ```
pub struct Remote<R: Receiver> {
    lodging: Arc<Lodging>,
    /// The identity of the receiver, for comparing connections.
    identity: usize,
    receiver: PhantomData<fn() -> R>,
}

impl<R: Receiver> Remote<R> {
    /// Creates a handle to a receiver of this thread.
    #[must_use]
    pub fn of(receiver: &R) -> Self {
        Self::lodge(&receiver)
    }

    pub(super) fn lodge(receiver: &impl Local<Receiver = R>) -> Self {
        let mut remote = Remote::reserve(Inbox::of_this_thread());
        remote.identity = receiver.identity();
        remote.place(receiver);
        remote
    }

    /// Creates a handle to a receiver that does not exist yet.
    pub(crate) fn reserve(inbox: Arc<Inbox>) -> Self {
        let lodging = Lodging::reserve(inbox);
        Remote { identity: Arc::as_ptr(&lodging).addr(), lodging, receiver: PhantomData }
    }

    /// Makes this the handle of `receiver`. The calling thread is that of the receiver.
    pub(crate) fn place(&self, receiver: &impl Local<Receiver = R>) {
        let lives = receiver.lives();
        if lives.into_iter().flatten().any(|life| life.is_dead()) {
            return self.lodging.evict();
        }
        if let Some(life) = lives[0] {
            self.lodging.set_object(life.id());
        }
        let resident = Rc::new(Resident::<R> {
            weak: receiver.downgrade(),
            lives: lives.map(|life| life.map(Rc::downgrade)),
            lodging: Arc::downgrade(&self.lodging),
        });
        self.lodging.place(resident.clone());
        let list: Rc<dyn SlotList> = resident;
        for life in lives.into_iter().flatten() {
            life.add_incoming(Link::new(Rc::downgrade(&list), 0));
        }
    }

    /// Notes that there will be no receiver, unless there is one. The calling thread is that of the
    /// receiver.
    pub(crate) fn give_up(&self) {
        if !is_made::<R>(&self.lodging) {
            self.lodging.evict();
        }
    }

    pub(super) fn identity(&self) -> usize {
        self.identity
    }

    pub(super) fn lodging(&self) -> &Arc<Lodging> {
        &self.lodging
    }

    /// Queues a call of `call` with the receiver, in the receiver's thread.
    ///
    /// `Ok` means that the loop has accepted the call, not that it has made it. While no loop runs
    /// in the thread, the call waits. If the receiver dies or its loop ends before the call is
    /// made, the call is dropped.
    ///
    /// # Errors
    ///
    /// * [`PostErrorKind::LoopEnded`] if the loop of the receiver's thread has ended
    /// * [`PostErrorKind::TargetDied`] if the receiver is known to be dead. The library notices the
    ///   death of an `Rc` only when the loop next tries to call it.
    pub fn post(&self, call: impl FnOnce(&R::Target) + Send + 'static) -> Result<(), PostError> {
        if self.lodging.is_gone() {
            return Err(self.gone().into());
        }
        let lodging = &self.lodging;
        lodging.inbox().send_value(
            call,
            |parcel: &mut PostedCalls<R, _>, call| {
                if Arc::ptr_eq(&parcel.to, lodging) { parcel.calls.add(call) } else { Err(call) }
            },
            |call| {
                let (to, calls) = (lodging.clone(), Values::new(call));
                PostedCalls { to, calls, receiver: PhantomData }
            },
        )
    }

    /// Calls `call` with the receiver, in the receiver's thread, and waits for its result.
    ///
    /// The loop makes the call after the calls that this thread has sent before. Meanwhile the
    /// calling thread is blocked, and its own event loop does not run. So two threads that call
    /// into each other's loops at the same time wait for ever, as with Qt's
    /// `BlockingQueuedConnection`. [`call_with_deadline`](Remote::call_with_deadline) waits for a
    /// limited time.
    ///
    /// If the call panics, this function returns an error, and the panic continues in the
    /// receiver's thread as the [`PanicPolicy`](crate::PanicPolicy) says.
    ///
    /// # Errors
    ///
    /// [`CallErrorKind`] lists the reasons. In the receiver's own thread, the function always
    /// fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::mpsc, thread};
    /// use qcore::{CallErrorKind, QEventLoop, Remote};
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let worker = thread::spawn(move || {
    ///     let event_loop = QEventLoop::new();
    ///     sender.send(Remote::of(&event_loop)).unwrap();
    ///     event_loop.exec()
    /// });
    /// let event_loop = receiver.recv()?;
    /// event_loop.post(|event_loop| event_loop.set_object_name("worker"))?;
    /// assert_eq!(event_loop.call(|event_loop| event_loop.object_name())?, "worker");
    ///
    /// event_loop.post(|event_loop| event_loop.exit(3))?;
    /// assert_eq!(worker.join().unwrap(), 3);
    /// let error = event_loop.call(|event_loop| event_loop.object_name()).unwrap_err();
    /// assert_eq!(error, CallErrorKind::LoopEnded);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call<V: Send + 'static>(
        &self,
        call: impl FnOnce(&R::Target) -> V + Send + 'static,
    ) -> Result<V, CallError> {
        self.call_with_deadline(QDeadlineTimer::forever(), call)
    }

    /// Calls `call` as [`call`](Remote::call) does, but waits at most until `deadline`: a number of
    /// milliseconds, where -1 means for ever, or a `Duration`.
    ///
    /// # Errors
    ///
    /// The same as [`call`](Remote::call), and [`CallErrorKind::TimedOut`]. Then the receiver's
    /// loop may still make the call, and drops its result.
    pub fn call_with_deadline<V: Send + 'static>(
        &self,
        deadline: impl Into<QDeadlineTimer>,
        call: impl FnOnce(&R::Target) -> V + Send + 'static,
    ) -> Result<V, CallError> {
        if self.lodging.inbox().is_here() {
            return Err(CallErrorKind::WouldDeadlock.into());
        }
        let deadline: QDeadlineTimer = deadline.into();
        self.ask(call)?.wait(self.lodging.inbox(), deadline.remaining_time())
    }

    /// Calls `call` with the receiver, in the receiver's thread, and returns a future of the
    /// result. The receiver may also live in the calling thread.
    ///
    /// The call is queued immediately, even if nobody awaits the future.
    ///
    /// # Errors
    ///
    /// The future returns the same errors as [`call`](Remote::call), except for
    /// [`CallErrorKind::WouldDeadlock`].
    pub fn call_async<V: Send + 'static>(
        &self,
        call: impl FnOnce(&R::Target) -> V + Send + 'static,
    ) -> PendingCall<V> {
        PendingCall::new(self.ask(call).unwrap_or_else(Reply::failed))
    }

    fn ask<V: Send + 'static>(
        &self,
        call: impl FnOnce(&R::Target) -> V + Send + 'static,
    ) -> Result<Arc<Reply<V>>, CallError> {
        if self.lodging.is_gone() {
            return Err(CallError::of(self.gone()));
        }
        let (reply, answerer) = Reply::new();
        let to = self.lodging.clone();
        let inner = Cell::new(Some((call, answerer)));
        self.send(Ask::<R, _, V> { to, inner, receiver: PhantomData })
            .map_err(|error| CallError::of(error.kind()))?;
        Ok(reply)
    }

    /// Returns the reason why a receiver that is gone cannot be called.
    fn gone(&self) -> PostErrorKind {
        if self.lodging.inbox().is_open() {
            PostErrorKind::TargetDied
        } else {
            PostErrorKind::LoopEnded
        }
    }

    fn send(&self, delivery: impl Parcel) -> Result<(), PostError> {
        self.lodging.inbox().send(Message::Delivery(Box::new(delivery)))
    }

    /// Selects a signal of the receiver, to connect it to a receiver of the calling thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc, sync::mpsc, thread};
    /// use qcore::{QEventLoop, Remote, wait_until};
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let worker = thread::spawn(move || {
    ///     let event_loop = QEventLoop::new();
    ///     sender.send(Remote::of(&event_loop)).unwrap();
    ///     event_loop.exec()
    /// });
    /// let (event_loop, names) = (receiver.recv()?, Rc::new(Cell::new(0)));
    /// let changed = event_loop.signal(|event_loop| &event_loop.object_name_changed);
    /// changed.connect_to(&names, |names, _| names.set(names.get() + 1));
    /// event_loop.post(|event_loop| event_loop.set_object_name("worker"))?;
    /// assert!(wait_until(5000, || names.get() == 1));
    /// event_loop.post(|event_loop| event_loop.quit())?;
    /// # worker.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signal<T: Clone + Send + 'static>(
        &self,
        signal: impl Fn(&R::Target) -> &Signal<T> + Send + 'static,
    ) -> RemoteSignal<R, T> {
        RemoteSignal::new(self.clone(), Box::new(signal))
    }

    /// Returns a handle to the event loop of the receiver's thread.
    #[must_use]
    pub fn poster(&self) -> Poster {
        Poster::new(self.lodging.inbox().clone())
    }
}

impl<R: Receiver> Clone for Remote<R> {
    fn clone(&self) -> Self {
        let (lodging, identity) = (self.lodging.clone(), self.identity);
        Remote { lodging, identity, receiver: PhantomData }
    }
}

impl<R: Receiver> IntoReceiver for &Remote<R> {
    type Receiver = R;

    fn identity(&self) -> usize {
        self.identity
    }
}

impl<R: Receiver> fmt::Debug for Remote<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("is_gone", &self.lodging.is_gone()).finish_non_exhaustive()
    }
}

/// What a [`Remote`] refers to, in the thread of the receiver.
struct Resident<R: Receiver> {
    weak: R::Weak,
    /// The receivers that are objects. The first receiver gets the events of calls.
    lives: [Option<Weak<Life>>; 2],
    lodging: ArcWeak<Lodging>,
}

/// The death of an object disconnects its incoming connections. It ends its remote handles, too.
impl<R: Receiver> SlotList for Resident<R> {
    fn disconnect(&self, _: u64) -> bool {
        self.lodging.upgrade().inspect(|lodging| lodging.evict()).is_some()
    }

    fn disconnect_receiver(&self, _: usize) -> bool {
        false
    }

    fn disconnect_method(&self, _: &MethodId) -> bool {
        false
    }

    fn disconnect_all(&self) -> bool {
        false
    }

    fn is_connected(&self, _: u64) -> bool {
        self.lodging.strong_count() > 0
    }

    fn block(&self, _: u64, _: bool) -> bool {
        false
    }
}

/// What became of an attempt to call a receiver.
pub(super) enum Reached<V> {
    Called(V),
    /// An event filter has stopped the call.
    Filtered,
    Dead,
}

/// Calls `call` with the receiver. The calling thread is that of the receiver.
pub(super) fn reach<R: Receiver, V>(
    to: &Lodging,
    call: impl FnOnce(&R::Target) -> V,
) -> Reached<V> {
    let Some(resident) = to.value::<Resident<R>>() else { return Reached::Dead };
    let life = resident.lives[0].as_ref().and_then(Weak::upgrade);
    if life.is_some_and(|life| life.is_filtered(|| QEvent::new(EventType::META_CALL))) {
        return Reached::Filtered;
    }
    meet(to, &resident, call)
}

/// Calls `call` with the receiver as [`reach`] does, but directly: the call is no event, and no
/// event filter sees it.
pub(super) fn reach_directly<R: Receiver, V>(
    to: &Lodging,
    call: impl FnOnce(&R::Target) -> V,
) -> Reached<V> {
    match to.value::<Resident<R>>() {
        Some(resident) => meet(to, &resident, call),
        None => Reached::Dead,
    }
}

fn meet<R: Receiver, V>(
    to: &Lodging,
    resident: &Resident<R>,
    call: impl FnOnce(&R::Target) -> V,
) -> Reached<V> {
    if let Some(value) = R::with(&resident.weak, call) {
        return Reached::Called(value);
    }
    to.evict();
    Reached::Dead
}

/// Calls `call` with the receiver if it is alive, without an event. The calling thread is that of
/// the receiver.
pub(super) fn visit<R: Receiver>(to: &Lodging, call: impl FnOnce(&R::Target)) {
    if let Some(resident) = to.value::<Resident<R>>() {
        R::with(&resident.weak, call);
    }
}

/// Makes the death of the receiver cut a connection. Returns `false` if the receiver is known to be
/// dead. The calling thread is that of the receiver.
pub(super) fn watch<R: Receiver>(to: &Lodging, link: &Link) -> bool {
    let Some(resident) = to.value::<Resident<R>>() else { return !to.is_gone() };
    if !R::is_alive(&resident.weak) {
        return false;
    }
    for life in resident.lives.iter().flatten().filter_map(Weak::upgrade) {
        life.add_incoming(link.clone());
    }
    true
}

/// Returns whether the receiver has been made, even if it has died since. The calling thread is
/// that of the receiver.
pub(super) fn is_made<R: Receiver>(to: &Lodging) -> bool {
    to.is_gone() || to.value::<Resident<R>>().is_some()
}

/// Returns whether the receiver is alive. The calling thread is that of the receiver.
pub(super) fn is_alive<R: Receiver>(to: &Lodging) -> bool {
    to.value::<Resident<R>>().is_some_and(|resident| R::is_alive(&resident.weak))
}

/// Calls that [`Remote::post`] has sent.
struct PostedCalls<R, F> {
    to: Arc<Lodging>,
    calls: Values<F>,
    receiver: PhantomData<fn() -> R>,
}

impl<R: Receiver, F: FnOnce(&R::Target) + 'static> Deliver for PostedCalls<R, F> {
    fn deliver(&self) {
        if let Some(call) = self.calls.take() {
            reach::<R, _>(&self.to, call);
        }
    }

    fn is_last(&self) -> bool {
        self.calls.is_last()
    }

    fn cancel(&self) -> Option<Box<dyn Any>> {
        self.calls.take_all()
    }

    fn receiver(&self) -> ObjectId {
        self.to.object()
    }

    fn kind(&self) -> u16 {
        EventType::META_CALL.raw()
    }
}

/// A call that sends its result back.
struct Ask<R: Receiver, F, V> {
    to: Arc<Lodging>,
    inner: Cell<Option<(F, Answerer<V>)>>,
    receiver: PhantomData<fn() -> R>,
}

impl<R: Receiver, F: FnOnce(&R::Target) -> V + 'static, V: 'static> Deliver for Ask<R, F, V> {
    fn deliver(&self) {
        let Some((call, answerer)) = self.inner.take() else { return };
        let catching = |target: &R::Target| catch_unwind(AssertUnwindSafe(|| call(target)));
        match reach::<R, _>(&self.to, catching) {
            Reached::Called(Ok(value)) => answerer.answer(Ok(value)),
            Reached::Called(Err(payload)) => {
                answerer.answer(Err(CallError::panicked(&*payload as &dyn Any)));
                resume_unwind(payload);
            }
            Reached::Filtered => answerer.answer(Err(CallErrorKind::Cancelled.into())),
            Reached::Dead => answerer.answer(Err(CallErrorKind::TargetDied.into())),
        }
    }

    fn receiver(&self) -> ObjectId {
        self.to.object()
    }

    fn kind(&self) -> u16 {
        EventType::META_CALL.raw()
    }
}

impl<R: Receiver, F, V> Drop for Ask<R, F, V> {
    /// If the call was never made, answers the caller with an error that says why.
    fn drop(&mut self) {
        let Some((call, answerer)) = self.inner.take() else { return };
        drop(call);
        let inbox = self.to.inbox();
        answerer.answer(Err(if !inbox.is_open() {
            CallErrorKind::LoopEnded.into()
        } else if self.to.is_gone() || inbox.is_here() && !is_alive::<R>(&self.to) {
            CallErrorKind::TargetDied.into()
        } else {
            CallErrorKind::Cancelled.into()
        }));
    }
}
