//! The object behind a [`Framed`](super::Framed): decodes what arrives.

use std::{
    cell::Cell,
    fmt,
    ops::{Deref, DerefMut},
    rc::Rc,
};

use super::{Codec, Decoded, FrameError, FrameErrorKind};
#[cfg(feature = "tasks")]
use crate::io_device::Waiting;
use crate::{
    classes::Object,
    io_device::{DeviceErrorKind, QIODevice},
    signal::{ScopedConnection, Signal},
};

/// How many bytes to move from a backend without a read buffer before other work of the loop.
const BUDGET: usize = 256 * 1024;
/// How many bytes to show at once of a device that cannot lend its bytes.
const WINDOW: usize = 4096;

/// The object behind a [`Framed`](super::Framed), with its signals. The device keeps it alive.
pub struct FramedNode<C: Codec> {
    /// Emitted for each message, as soon as the whole message has arrived.
    ///
    /// If a slot runs an event loop, later messages wait until the slot returns.
    pub message: Signal<C::Message>,
    /// Emitted when decoding fails, once for each stream of bytes. No message follows, unless the
    /// program sets another codec.
    ///
    /// While the slots run, the bytes that cannot be decoded are still in the device. A slot
    /// usually aborts the connection, or [detaches](super::Framed::detach) from the device. If no
    /// slot does this, the object drops everything that arrives later, so that the other end cannot
    /// fill the memory.
    pub error: Signal<FrameError>,
    device: <QIODevice as Object>::Weak,
    /// Empty while the codec is at work.
    codec: Cell<Option<C>>,
    /// The slots at the device.
    slots: Cell<Option<[ScopedConnection; 3]>>,
    attached: Cell<bool>,
    paused: Cell<bool>,
    /// Decoding has failed.
    stopped: Cell<bool>,
    phase: Cell<Phase>,
    running: Cell<bool>,
    /// The loop will call `run`.
    posted: Cell<bool>,
    /// The device will tell when lent bytes are back.
    awaits_return: Cell<bool>,
    /// Something has arrived while the codec was at work for a message to be sent.
    missed: Cell<bool>,
    /// How many bytes the codec has seen of an incomplete message.
    seen: Cell<usize>,
    /// How many bytes the codec needs.
    needed: Cell<usize>,
    /// The task that takes the messages, instead of the slots.
    #[cfg(feature = "tasks")]
    taker: Cell<Option<Rc<Waiting>>>,
}

/// Where the device is in its stream of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Receiving,
    /// The other end has sent everything.
    Finished,
    /// The device was closed. What arrives next is another stream.
    Closed,
}

/// Who takes the messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taker {
    Slots,
    #[cfg(feature = "tasks")]
    Task,
}

/// What one step has found.
pub(super) enum Found<M> {
    Message(M),
    /// Nothing that the program hears of.
    Nothing,
    Failed(FrameError),
    /// There is nothing to do before more bytes arrive.
    Wait,
    /// No message will follow in this stream.
    End,
}

impl<C: Codec> FramedNode<C> {
    pub(super) fn attach(device: &QIODevice, codec: C) -> Rc<Self> {
        let node = Rc::new(FramedNode {
            message: Signal::of(device),
            error: Signal::of(device),
            device: device.to_weak(),
            codec: Cell::new(Some(codec)),
            slots: Cell::new(None),
            attached: Cell::new(true),
            paused: Cell::new(false),
            stopped: Cell::new(false),
            phase: Cell::new(Phase::Receiving),
            running: Cell::new(false),
            posted: Cell::new(false),
            awaits_return: Cell::new(false),
            missed: Cell::new(false),
            seen: Cell::new(0),
            needed: Cell::new(0),
            #[cfg(feature = "tasks")]
            taker: Cell::new(None),
        });
        let (reads, ends, closes) = (node.clone(), node.clone(), node.clone());
        node.slots.set(Some([
            device.ready_read.connect(move |()| reads.on_ready_read()).scoped(),
            device.read_channel_finished.connect(move |()| ends.on_finished()).scoped(),
            device.about_to_close.connect(move |()| closes.phase.set(Phase::Closed)).scoped(),
        ]));
        // The device has emitted `ready_read` for these bytes before this object existed.
        if device.is_readable() && device.bytes_available() > 0 {
            node.schedule();
        }
        node
    }

    pub(super) fn detach(&self) {
        self.attached.set(false);
        drop(self.slots.take());
        self.wake();
    }

    pub(super) fn is_attached(&self) -> bool {
        self.attached.get()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.get()
    }

    pub(super) fn pause(&self) {
        self.paused.set(true);
    }

    pub(super) fn resume(self: &Rc<Self>) {
        if self.paused.replace(false) {
            // The program may have read meanwhile.
            self.forget();
            self.schedule();
        }
    }

    pub(super) fn set_codec(self: &Rc<Self>, codec: C) {
        let before = self.codec.replace(Some(codec));
        self.stopped.set(false);
        self.seen.set(0);
        self.needed.set(0);
        self.schedule();
        self.wake();
        drop(before);
    }

    /// Calls `encode` with the codec.
    pub(super) fn encode(
        self: &Rc<Self>,
        encode: impl FnOnce(&mut C) -> Result<(), FrameError>,
    ) -> Result<(), FrameError> {
        let mut codec = Lease::of(self).ok_or(FrameErrorKind::Busy)?;
        encode(&mut codec)
    }

    fn on_ready_read(self: &Rc<Self>) {
        if self.phase.replace(Phase::Receiving) != Phase::Receiving {
            self.stopped.set(false);
            self.forget();
        }
        if !self.stopped.get() {
            self.run();
        } else if let Some(device) = QIODevice::from_weak(&self.device) {
            let _ = device.skip(device.bytes_available());
        }
    }

    fn on_finished(self: &Rc<Self>) {
        self.phase.set(Phase::Finished);
        self.run();
    }

    /// Makes the loop call [`run`](Self::run).
    fn schedule(self: &Rc<Self>) {
        let Some(device) = QIODevice::from_weak(&self.device) else { return };
        if self.running.get() || self.posted.replace(true) {
            return;
        }
        let node = Rc::downgrade(self);
        Object::life(&device).dispatcher().post(move || {
            if let Some(node) = node.upgrade() {
                node.posted.set(false);
                node.go_on();
            }
        });
    }

    /// Makes the one who takes the messages look for more.
    fn go_on(self: &Rc<Self>) {
        if self.is_taken() {
            self.wake();
        } else {
            self.run();
        }
    }

    /// Emits all messages that have arrived. A nested call does nothing: the outer call continues.
    fn run(self: &Rc<Self>) {
        if self.is_taken() || self.running.replace(true) {
            return;
        }
        let running = Running { node: self, emitting: Cell::new(false) };
        let mut budget = BUDGET;
        loop {
            // No handle of the device lives while slots run: one of them may drop the last.
            match self.step(Taker::Slots, &mut budget) {
                Found::Message(message) => running.emit(&self.message, message),
                Found::Nothing => {}
                Found::Failed(error) => {
                    self.stopped.set(true);
                    running.emit(&self.error, error);
                }
                Found::Wait | Found::End => return,
            }
            if self.is_taken() {
                return;
            }
        }
    }

    /// Decodes at most one message.
    pub(super) fn step(self: &Rc<Self>, taker: Taker, budget: &mut usize) -> Found<C::Message> {
        if !self.attached.get() || self.stopped.get() {
            return Found::End;
        }
        let Some(device) = QIODevice::from_weak(&self.device) else { return Found::End };
        if !device.is_readable() {
            return Found::End;
        }
        // While the signals are blocked, no slot would hear of a message.
        if taker == Taker::Slots && (self.paused.get() || device.signals_blocked()) {
            return Found::Wait;
        }
        // The program has borrowed the next bytes.
        if device.is_lent() {
            if !self.awaits_return.replace(true) {
                let node = Rc::downgrade(self);
                device.when_returned(move || {
                    if let Some(node) = node.upgrade() {
                        node.awaits_return.set(false);
                        node.go_on();
                    }
                });
            }
            return Found::Wait;
        }
        let wanted = self.needed.get().max(self.seen.get().saturating_add(1));
        let lends = device.can_lend();
        let there = if lends { device.buffer_len() } else { device.bytes_available() };
        if there >= wanted {
            return self.decode(&device, lends, wanted, there);
        }
        if device.read_limit().is_some_and(|limit| wanted > limit) {
            let text = "the message is longer than the read buffer of the device may be";
            return Found::Failed(FrameError::new(FrameErrorKind::TooLong, text));
        }
        match device.pull() {
            Ok(0) if self.is_at_end(taker, &device) => self.decode_end(&device),
            Ok(0) => Found::Wait,
            Ok(count) if count > *budget => {
                self.missed.set(true);
                Found::Wait
            }
            Ok(count) => {
                *budget -= count;
                Found::Nothing
            }
            Err(_) if !device.is_open() => Found::End,
            Err(error) if error == DeviceErrorKind::Closed => self.decode_end(&device),
            Err(error) => Found::Failed(error.into()),
        }
    }

    /// Returns whether a device that has nothing now will have nothing later.
    fn is_at_end(&self, taker: Taker, device: &QIODevice) -> bool {
        let may_grow = taker == Taker::Slots || device.is_sequential();
        !may_grow || self.phase.get() == Phase::Finished
    }

    fn decode(
        self: &Rc<Self>,
        device: &QIODevice,
        lends: bool,
        wanted: usize,
        there: usize,
    ) -> Found<C::Message> {
        let Some(mut codec) = Lease::of(self) else {
            self.missed.set(true);
            return Found::Wait;
        };
        let mut look = |bytes: &[u8]| (codec.decode(bytes), bytes.len());
        let (decoded, size) = if lends {
            device.with_front(wanted, look)
        } else {
            let window = wanted.max(self.seen.get().saturating_mul(2)).max(WINDOW);
            match Self::peek(device, window.min(there)) {
                Ok(bytes) if bytes.len() >= wanted => look(&bytes),
                // In text mode there are fewer bytes than the device has.
                Ok(_) => return Found::Wait,
                Err(error) => return Found::Failed(error),
            }
        };
        drop(codec);
        if let Ok(Decoded::Need(needed)) = decoded {
            self.seen.set(size);
            self.needed.set(needed);
            return Found::Nothing;
        }
        self.settle(device, lends, decoded, size)
    }

    /// The stream has ended, and the codec has not made a message of the last bytes.
    fn decode_end(self: &Rc<Self>, device: &QIODevice) -> Found<C::Message> {
        let lends = device.can_lend();
        let there = if lends { device.buffer_len() } else { device.bytes_available() };
        if there == 0 {
            return Found::End;
        }
        let Some(mut codec) = Lease::of(self) else {
            self.missed.set(true);
            return Found::Wait;
        };
        let mut look = |bytes: &[u8]| (codec.decode_end(bytes), bytes.len());
        let (decoded, size) = if lends {
            device.with_front(there, look)
        } else {
            match Self::peek(device, there) {
                Ok(bytes) if bytes.is_empty() => return Found::End,
                Ok(bytes) => look(&bytes),
                Err(error) => return Found::Failed(error),
            }
        };
        drop(codec);
        if let Ok(Decoded::Need(_)) = decoded {
            return Found::Failed(FrameErrorKind::Incomplete.into());
        }
        self.settle(device, lends, decoded, size)
    }

    /// Removes the decoded bytes from the device.
    fn settle(
        &self,
        device: &QIODevice,
        lends: bool,
        decoded: Result<Decoded<C::Message>, FrameError>,
        size: usize,
    ) -> Found<C::Message> {
        let (found, taken) = match decoded {
            Ok(Decoded::Message(message, taken)) => (Found::Message(message), taken),
            Ok(Decoded::Skip(taken)) => (Found::Nothing, taken),
            Ok(Decoded::Need(_)) => return Found::Nothing,
            Err(error) => return Found::Failed(error),
        };
        if taken == 0 || taken > size {
            let text = "the codec has returned an impossible length";
            return Found::Failed(FrameError::new(FrameErrorKind::Invalid, text));
        }
        self.seen.set(0);
        self.needed.set(0);
        if lends && device.is_open() {
            device.drop_front(taken);
        } else if device.is_open() {
            let _ = device.skip(taken);
        }
        found
    }

    fn peek(device: &QIODevice, count: usize) -> Result<Vec<u8>, FrameError> {
        let mut bytes = vec![0; count];
        let count = device.peek_into(&mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Stops after an error.
    #[cfg(feature = "tasks")]
    pub(super) fn stop(&self) {
        self.stopped.set(true);
    }

    /// Makes a task the taker of the messages. If there was one, its stream has ended.
    #[cfg(feature = "tasks")]
    pub(super) fn set_taker(&self, taker: &Rc<Waiting>) {
        if let Some(before) = self.taker.replace(Some(taker.clone())) {
            before.ring();
        }
    }

    /// Returns whether this task is the taker of the messages.
    #[cfg(feature = "tasks")]
    pub(super) fn is_taker(&self, task: &Rc<Waiting>) -> bool {
        self.with_taker(|taker| taker.is_some_and(|taker| Rc::ptr_eq(taker, task)))
    }

    /// Gives the messages to the slots again.
    #[cfg(feature = "tasks")]
    pub(super) fn clear_taker(self: &Rc<Self>, task: &Rc<Waiting>) {
        if self.is_taker(task) {
            self.taker.set(None);
            self.schedule();
        }
    }

    #[cfg(feature = "tasks")]
    fn with_taker<T>(&self, look: impl FnOnce(Option<&Rc<Waiting>>) -> T) -> T {
        let taker = self.taker.take();
        let seen = look(taker.as_ref());
        self.taker.set(taker);
        seen
    }

    /// Returns whether a task takes the messages.
    fn is_taken(&self) -> bool {
        #[cfg(feature = "tasks")]
        return self.with_taker(|taker| taker.is_some());
        #[cfg(not(feature = "tasks"))]
        false
    }

    /// Wakes the task that takes the messages.
    fn wake(&self) {
        #[cfg(feature = "tasks")]
        if let Some(taker) = self.with_taker(|taker| taker.cloned()) {
            taker.ring();
        }
    }

    /// Forgets what the codec has seen of a message.
    fn forget(self: &Rc<Self>) {
        self.seen.set(0);
        self.needed.set(0);
        if let Some(mut codec) = Lease::of(self) {
            codec.reset();
        }
    }
}

/// The codec, taken out of its place. It returns when this is dropped, unless there is another one
/// by then.
struct Lease<'a, C: Codec> {
    node: &'a Rc<FramedNode<C>>,
    codec: Option<C>,
}

impl<'a, C: Codec> Lease<'a, C> {
    fn of(node: &'a Rc<FramedNode<C>>) -> Option<Self> {
        let codec = node.codec.take()?;
        Some(Lease { node, codec: Some(codec) })
    }
}

impl<C: Codec> Deref for Lease<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.codec.as_ref().expect("it is there until it is dropped")
    }
}

impl<C: Codec> DerefMut for Lease<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        self.codec.as_mut().expect("it is there until it is dropped")
    }
}

impl<C: Codec> Drop for Lease<'_, C> {
    fn drop(&mut self) {
        let newer = self.node.codec.take();
        let unused = if newer.is_some() { self.codec.take() } else { None };
        self.node.codec.set(newer.or_else(|| self.codec.take()));
        if !self.node.running.get() && self.node.missed.replace(false) {
            self.node.schedule();
        }
        drop(unused);
    }
}

/// Marks the node as running.
struct Running<'a, C: Codec> {
    node: &'a Rc<FramedNode<C>>,
    emitting: Cell<bool>,
}

impl<C: Codec> Running<'_, C> {
    fn emit<T>(&self, signal: &Signal<T>, value: T) {
        self.emitting.set(true);
        signal.emit(value);
        self.emitting.set(false);
    }
}

impl<C: Codec> Drop for Running<'_, C> {
    fn drop(&mut self) {
        let node = self.node;
        node.running.set(false);
        let codec = node.codec.take();
        let is_there = codec.is_some();
        node.codec.set(codec);
        let missed = is_there && node.missed.replace(false);
        // If a slot has panicked, the loop goes on with the next message.
        if missed || self.emitting.get() {
            node.schedule();
        }
    }
}

impl<C: Codec> fmt::Debug for FramedNode<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramedNode")
            .field("attached", &self.attached.get())
            .field("paused", &self.paused.get())
            .field("failed", &self.stopped.get())
            .finish_non_exhaustive()
    }
}
