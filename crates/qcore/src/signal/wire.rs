//! Connections from a signal in one thread to a receiver in another.
//!
//! ```text
//!   thread of the signal                            thread of the receiver
//!   list of slots ─► RemoteSlot ─► Wire ───────────► Installed: the slot
//!                    Link ◄─────── (for cutting) ◄── weakly
//! ```
//!
//! Each emission sends a clone of the value in [`Arrivals`]. They hold the wire, and so
//! the slot: calls that are under way are made even if the signal is disconnected or dies. The slot
//! itself stays in the thread of its receiver, and is dropped there.

use std::{
    any::Any,
    marker::PhantomData,
    panic::Location,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError, Weak as ArcWeak,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
};

use super::{
    Connection, ConnectionType, Remote, Signal, Target,
    connects::Invoke,
    receiver::Receiver,
    remote::{Reached, is_alive, is_made, reach, reach_directly, watch},
    reply::{Answerer, Reply},
    slot::{Call, Function, warn_of_deadlock},
    spread::Spread,
};
use crate::{
    classes::{Link, MethodId, SlotList},
    event::EventType,
    event_loop::{Deliver, Dispatcher, Lodging, Message, Values},
    id::ObjectId,
    panics::guard_slot,
};

/// What both ends of a connection share.
pub(super) struct Wire {
    /// The receiver.
    target: Arc<Lodging>,
    /// The slot, in the receiver's thread.
    slot: Arc<Lodging>,
    is_cut: AtomicBool,
    /// How many blockers the connection has.
    blockers: AtomicU32,
    sender: Mutex<SenderEnd>,
}

/// The connection in the list of the signal, which the receiver's end disconnects.
enum SenderEnd {
    /// The signal is not connected yet.
    None,
    Connected(Arc<Lodging>),
    /// The receiver's end is cut.
    Cut,
}

impl Wire {
    /// Creates a connection that has neither a sender nor a receiver yet.
    pub(super) fn new<R: Receiver>(remote: &Remote<R>) -> Arc<Wire> {
        let target = remote.lodging().clone();
        let slot = Lodging::reserve(target.inbox().clone());
        let sender = Mutex::new(SenderEnd::None);
        let (is_cut, blockers) = (AtomicBool::new(false), AtomicU32::new(0));
        Arc::new(Wire { target, slot, is_cut, blockers, sender })
    }

    fn set_sender(&self, end: SenderEnd) -> SenderEnd {
        // No code panics while it holds this lock.
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        match *sender {
            SenderEnd::Cut => end,
            _ => std::mem::replace(&mut *sender, end),
        }
    }

    /// Cuts the connection at the receiver's end: the receiver has died, or was disconnected there.
    fn cut(&self) {
        self.is_cut.store(true, Relaxed);
        if let SenderEnd::Connected(link) = self.set_sender(SenderEnd::Cut) {
            let inbox = link.inbox().clone();
            // If the sender's loop has ended, its signals are gone.
            let _ = inbox.send(Message::Setup(Box::new(move || disconnect(&link))));
        }
    }
}

/// Disconnects the signal. The calling thread is that of the signal.
fn disconnect(link: &Lodging) {
    if let Some(link) = link.value::<Link>() {
        link.disconnect();
    }
}

/// Connects a signal of this thread to a receiver of any thread.
#[track_caller]
pub(super) fn connect_remote<R, T, S>(
    signal: &Signal<T>,
    remote: &Remote<R>,
    kind: ConnectionType,
    function: Function,
    slot: S,
) -> Connection
where
    R: Receiver,
    T: Clone + Send + 'static,
    S: Invoke<R, T> + Send,
{
    let wire = Wire::new(remote);
    let (weak, place) = (Arc::downgrade(&wire), Location::caller());
    let target = remote.lodging().clone();
    let setup = move || {
        let install = move || drop(install::<R, T, S>(&weak, slot, place));
        if is_made::<R>(&target) {
            return install();
        }
        // The call that makes the receiver waits in the loop's queue. The slot is installed after
        // it, so that the death of the receiver cuts the connection.
        Dispatcher::current().post(install);
    };
    // If the loop has ended, its receivers are dead.
    match wire.slot.inbox().send(Message::Setup(Box::new(setup))) {
        Ok(()) => attach::<R, T, S>(signal, wire, remote, kind, function),
        Err(_) => Connection::default(),
    }
}

/// Makes the end of the connection that is in the thread of the receiver. Returns a connection of
/// that end.
pub(super) fn install<R, T, S>(
    wire: &ArcWeak<Wire>,
    slot: S,
    place: &'static Location<'static>,
) -> Connection
where
    R: Receiver,
    T: 'static,
    S: Invoke<R, T>,
{
    // The signal may have been disconnected meanwhile.
    let Some(wire) = wire.upgrade() else { return Connection::default() };
    let ends = PhantomData;
    let installed =
        Rc::new(Installed::<R, T, S> { slot, wire: Arc::downgrade(&wire), place, ends });
    wire.slot.place(installed.clone());
    let list: Rc<dyn SlotList> = installed;
    let link = Link::new(Rc::downgrade(&list), 0);
    drop(list);
    if !watch::<R>(&wire.target, &link) {
        wire.cut();
    }
    Connection::new(link)
}

/// Makes the end of the connection that is in the thread of the signal.
pub(super) fn attach<R, T, S>(
    signal: &Signal<T>,
    wire: Arc<Wire>,
    remote: &Remote<R>,
    kind: ConnectionType,
    function: Function,
) -> Connection
where
    R: Receiver,
    T: Clone + Send + 'static,
    S: Invoke<R, T>,
{
    let firing = Firing::<R, T, S> { wire: wire.clone(), way: Way::of(kind), ends: PhantomData };
    let firing = Arc::new(firing);
    let spread = signal.existing_spread();
    if let Some(spread) = &spread {
        spread.add(firing.clone());
    }
    let slot = RemoteSlot { firing, spread };
    let target = Target { identity: remote.identity(), lives: [None, None] };
    let connection = signal.add(Some(target), kind, function, slot);
    let Some(link) = connection.link() else { return connection };
    let end = Lodging::here(Rc::new(link.clone()));
    if let SenderEnd::Connected(_) = wire.set_sender(SenderEnd::Connected(end)) {
        // The receiver was faster.
        connection.disconnect();
    }
    connection
}

/// When the slot is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In the emission if the signal is emitted in the receiver's thread, and else by the loop.
    Auto,
    Queued,
    /// By the loop, while the emission waits.
    Blocking,
}

impl Way {
    fn of(kind: ConnectionType) -> Self {
        if kind.contains(ConnectionType::BLOCKING_QUEUED) {
            Way::Blocking
        } else if kind.contains(ConnectionType::QUEUED) {
            Way::Queued
        } else {
            Way::Auto
        }
    }
}

/// What an emission does for a receiver in another thread. Every thread may do it.
pub(super) trait Fire<T>: Send + Sync {
    /// Calls the slot if the receiver is in this thread, and sends a call to it otherwise.
    fn fire(&self, value: &T);

    /// Returns whether the connection is cut.
    fn is_cut(&self) -> bool;
}

struct Firing<R, T, S> {
    wire: Arc<Wire>,
    way: Way,
    ends: PhantomData<fn(R, T, S)>,
}

impl<R, T, S> Fire<T> for Firing<R, T, S>
where
    R: Receiver,
    T: Clone + Send + 'static,
    S: Invoke<R, T>,
{
    fn fire(&self, value: &T) {
        if self.is_cut() || self.wire.blockers.load(Relaxed) != 0 {
            return;
        }
        let is_here = self.way != Way::Queued && self.wire.slot.inbox().is_here();
        match self.way {
            Way::Auto if is_here => deliver::<R, T, S>(&self.wire, value, How::Directly),
            Way::Blocking if is_here => warn_of_deadlock(),
            Way::Blocking => {
                let (reply, answerer) = Reply::new();
                self.send(value, Some(answerer));
                // The slot has run, or will not run.
                let _ = reply.wait(self.wire.slot.inbox(), None);
            }
            Way::Auto | Way::Queued => self.send(value, None),
        }
    }

    fn is_cut(&self) -> bool {
        self.wire.is_cut.load(Relaxed)
    }
}

impl<R, T, S> Firing<R, T, S>
where
    R: Receiver,
    T: Clone + Send + 'static,
    S: Invoke<R, T>,
{
    fn send(&self, value: &T, answerer: Option<Answerer<()>>) {
        let wire = &self.wire;
        let emission = Emission { value: value.clone(), answerer };
        let add = |arrivals: &mut Arrivals<R, T, S>, emission| {
            if Arc::ptr_eq(&arrivals.wire, wire) {
                arrivals.emissions.add(emission)
            } else {
                Err(emission)
            }
        };
        let make = |emission| {
            let (wire, emissions) = (wire.clone(), Values::new(emission));
            Arrivals { wire, emissions, ends: PhantomData }
        };
        let inbox = wire.slot.inbox();
        // The other ways send only from other threads.
        let sent = match self.way {
            Way::Queued => inbox.send_value(emission, add, make),
            Way::Auto | Way::Blocking => inbox.push_value(emission, add, make),
        };
        if sent.is_err() {
            wire.is_cut.store(true, Relaxed);
        }
    }
}

/// The slot in the list of the signal.
struct RemoteSlot<R, T, S> {
    firing: Arc<Firing<R, T, S>>,
    /// The connections that another thread fires, if this is one of them.
    spread: Option<Arc<Spread<T>>>,
}

impl<R, T, S> Call<T> for RemoteSlot<R, T, S>
where
    R: Receiver,
    T: Clone + Send + 'static,
    S: Invoke<R, T>,
{
    fn call(&self, value: &T) -> bool {
        // Otherwise the other thread has called the slot.
        if self.spread.is_none() {
            self.firing.fire(value);
        }
        !self.firing.is_cut()
    }

    fn is_alive(&self) -> bool {
        !self.firing.is_cut()
    }
}

impl<R, T, S> Drop for RemoteSlot<R, T, S> {
    fn drop(&mut self) {
        // Calls that are under way keep the wire, and are made. But it is no connection any more.
        self.firing.wire.is_cut.store(true, Relaxed);
        if let Some(spread) = &self.spread {
            spread.remove(Arc::as_ptr(&self.firing).cast());
        }
    }
}

/// The slot in the thread of its receiver.
struct Installed<R, T, S> {
    slot: S,
    wire: ArcWeak<Wire>,
    /// The source location of the connect call.
    place: &'static Location<'static>,
    ends: PhantomData<fn(R, T)>,
}

/// How the slot is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Within the emission.
    Directly,
    /// By the loop: event filters of the receiver see the call.
    AsEvent,
}

/// Calls the slot. The calling thread is that of the receiver.
fn deliver<R, T, S>(wire: &Wire, value: &T, how: How)
where
    R: Receiver,
    T: 'static,
    S: Invoke<R, T>,
{
    let Some(installed) = wire.slot.value::<Installed<R, T, S>>() else { return };
    let call = |receiver: &R::Target| {
        guard_slot(installed.place, || installed.slot.invoke(receiver, value));
    };
    let reached = match how {
        How::Directly => reach_directly::<R, _>(&wire.target, call),
        How::AsEvent => reach::<R, _>(&wire.target, call),
    };
    if matches!(reached, Reached::Dead) {
        wire.cut();
        wire.slot.evict();
    }
}

impl<R: Receiver, T: 'static, S: 'static> SlotList for Installed<R, T, S> {
    fn disconnect(&self, _: u64) -> bool {
        let Some(wire) = self.wire.upgrade() else { return false };
        let was_connected = !wire.is_cut.load(Relaxed);
        wire.cut();
        // Without a receiver no call can be made. Else the calls that are under way are still made.
        if !is_alive::<R>(&wire.target) {
            wire.slot.evict();
        }
        was_connected
    }

    fn disconnect_receiver(&self, _: usize) -> bool {
        self.disconnect(0)
    }

    fn disconnect_method(&self, _: &MethodId) -> bool {
        false
    }

    fn disconnect_all(&self) -> bool {
        self.disconnect(0)
    }

    fn is_connected(&self, _: u64) -> bool {
        self.wire
            .upgrade()
            .is_some_and(|wire| !wire.is_cut.load(Relaxed) && is_alive::<R>(&wire.target))
    }

    fn block(&self, _: u64, block: bool) -> bool {
        let Some(wire) = self.wire.upgrade() else { return false };
        if block {
            wire.blockers.fetch_add(1, Relaxed);
        } else {
            wire.blockers.fetch_sub(1, Relaxed);
        }
        true
    }
}

/// Emissions on their way to the receiver.
struct Arrivals<R, T, S> {
    wire: Arc<Wire>,
    emissions: Values<Emission<T>>,
    ends: PhantomData<fn(R, S)>,
}

struct Emission<T> {
    value: T,
    /// Tells the emission that the slot has run, if it waits for that.
    answerer: Option<Answerer<()>>,
}

impl<R, T, S> Deliver for Arrivals<R, T, S>
where
    R: Receiver,
    T: 'static,
    S: Invoke<R, T>,
{
    fn deliver(&self) {
        // The answerer answers when it is dropped, even if the slot panics.
        if let Some(Emission { answerer: _answerer, value }) = self.emissions.take() {
            deliver::<R, T, S>(&self.wire, &value, How::AsEvent);
        }
    }

    fn is_last(&self) -> bool {
        self.emissions.is_last()
    }

    fn cancel(&self) -> Option<Box<dyn Any>> {
        self.emissions.take_all()
    }

    fn receiver(&self) -> ObjectId {
        self.wire.target.object()
    }

    fn kind(&self) -> u16 {
        EventType::META_CALL.raw()
    }
}
