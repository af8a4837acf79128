//! Moving bytes from one socket to another within the kernel.
//!
//! The bytes go from the kernel's buffer of one socket into a pipe of the kernel, and from there
//! into the kernel's buffer of the other socket. They are never copied to the process. A splice has
//! a pipe only while bytes are on their way; the loop keeps a few pipes for reuse.

use std::{
    cell::RefCell,
    rc::Rc,
    task::{Context, Poll},
};

use qcore::{QIODevice, internals::DeviceInternals};

use super::{
    node::{AbstractSocketNode, Direction},
    state::SocketState,
};
use crate::{
    common::SocketError,
    engine::{Engine, Outcome},
    sys::splice::{CAPACITY, KernelPipe},
};

/// How many bytes a splice moves before the loop serves others.
const BUDGET: usize = 2 << 20;
/// How many pipes a loop keeps for reuse.
const KEPT: usize = 8;
/// If fewer bytes than this arrive at a time, copying them is faster.
const WORTH: usize = 16 * 1024;
/// How many times in a row fewer bytes may arrive before the splice stops.
const PATIENCE: u32 = 4;

/// Why a splice has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spliced {
    /// The splice cannot continue: the source has ended, the target cannot take bytes directly, or
    /// copying is faster. The streams of the two sockets determine which.
    Stopped,
    /// The system cannot splice these two sockets.
    Impossible,
}

/// The pipes of a loop that are not in use. All are empty.
#[derive(Default)]
struct Pipes(RefCell<Vec<KernelPipe>>);

/// Moves the bytes that one socket receives to another one.
pub(crate) struct Splice {
    from: Rc<AbstractSocketNode>,
    to: Rc<AbstractSocketNode>,
    pipe: Option<KernelPipe>,
    pipes: Rc<Pipes>,
    /// How many bytes have arrived since the source was last empty.
    burst: usize,
    /// How many times in a row fewer bytes than [`WORTH`] have arrived.
    small: u32,
    /// The target does not take the bytes that are in the pipe. The time-outs of both sockets
    /// depend on that.
    stalled: bool,
}

impl Splice {
    /// Begins to splice, if both sockets are plain and connected, and neither has buffered data.
    /// `front` is the device of the source if that is another object.
    pub(crate) fn begin(
        from: &AbstractSocketNode,
        to: &AbstractSocketNode,
        front: Option<&QIODevice>,
    ) -> Option<Self> {
        let empty = front.is_none_or(|front| front.held_len() == 0);
        if !empty || !from.gives_directly() || from.extras.is_tapped() || !to.takes_directly() {
            return None;
        }
        let (from, to) = (from.this.upgrade()?, to.this.upgrade()?);
        from.extras.tap();
        let pipes = from.dispatcher().local::<Pipes>();
        Some(Splice { from, to, pipe: None, pipes, burst: 0, small: 0, stalled: false })
    }

    /// Moves bytes until the source or the target is not ready, and waits. Adds the number of bytes
    /// that have arrived at the target to `moved`.
    pub(crate) fn poll(
        &mut self,
        context: &Context<'_>,
        mut moved: impl FnMut(usize),
    ) -> Poll<Spliced> {
        let mut budget = BUDGET;
        loop {
            if budget == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.pipe.as_ref().is_some_and(KernelPipe::is_refused) {
                return Poll::Ready(Spliced::Impossible);
            }
            let held = self.pipe.as_ref().map_or(0, KernelPipe::held);
            if !self.to.takes_directly() {
                return Poll::Ready(Spliced::Stopped);
            }
            let Some(to) = self.to.engine() else { return Poll::Ready(Spliced::Stopped) };
            if held > 0 {
                if !to.is_writable() {
                    self.set_stalled(true);
                    self.to.extras.wake_for_writing(context.waker());
                    return Poll::Pending;
                }
                let Some(pipe) = &mut self.pipe else { continue };
                match to.drain(pipe, held) {
                    Outcome::Moved(count) => {
                        self.to.timeouts.note_sent();
                        moved(count);
                        budget = budget.saturating_sub(count);
                    }
                    Outcome::WouldBlock => {}
                    Outcome::Failed(error) => {
                        to.close_failed();
                        self.to.on_splice_failed(&to, &error);
                        return Poll::Ready(Spliced::Stopped);
                    }
                }
                continue;
            }
            self.set_stalled(false);
            if !self.from.gives_directly() {
                return Poll::Ready(Spliced::Stopped);
            }
            let Some(from) = self.from.engine() else { return Poll::Ready(Spliced::Stopped) };
            if !from.is_readable() {
                self.give_back();
                self.small = if self.burst < WORTH { self.small + 1 } else { 0 };
                self.burst = 0;
                if self.small > PATIENCE {
                    return Poll::Ready(Spliced::Stopped);
                }
                self.from.extras.wake_for_reading(context.waker());
                // It wakes the task also if the target ends.
                self.to.extras.wake_for_writing(context.waker());
                return Poll::Pending;
            }
            if self.pipe.is_none() {
                let kept = self.pipes.0.borrow_mut().pop();
                match kept.map_or_else(KernelPipe::new, Ok) {
                    Ok(pipe) => self.pipe = Some(pipe),
                    // Without descriptors the bytes are copied.
                    Err(_) => return Poll::Ready(Spliced::Stopped),
                }
            }
            let Some(pipe) = &mut self.pipe else { continue };
            from.set_half_open(self.from.may_keep_sending());
            match from.fill(pipe, CAPACITY) {
                Outcome::Moved(count) => {
                    self.from.timeouts.note_received();
                    self.burst += count;
                }
                Outcome::WouldBlock => {}
                Outcome::Failed(error) => {
                    self.from.on_splice_ended(&from, &error);
                    return Poll::Ready(Spliced::Stopped);
                }
            }
        }
    }

    fn set_stalled(&mut self, is_stalled: bool) {
        if self.stalled != is_stalled {
            self.stalled = is_stalled;
            self.from.extras.set_stalled(Direction::Reading, is_stalled);
            self.to.extras.set_stalled(Direction::Writing, is_stalled);
        }
    }

    /// Takes the bytes that are in the pipe.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        match &mut self.pipe {
            // Reading from a pipe that has the bytes does not fail.
            Some(pipe) if pipe.held() > 0 => pipe.take().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Returns the empty pipe to the others.
    fn give_back(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            let mut kept = self.pipes.0.borrow_mut();
            if pipe.held() == 0 && !pipe.is_refused() && kept.len() < KEPT {
                kept.push(pipe);
            }
        }
    }
}

impl Drop for Splice {
    fn drop(&mut self) {
        self.give_back();
        self.set_stalled(false);
        self.from.extras.untap();
        if let Some(engine) = self.from.engine() {
            self.from.read_again(&engine);
        }
    }
}

impl AbstractSocketNode {
    /// Returns whether received bytes come only from the system's socket, without a layer or a
    /// buffer above it.
    fn gives_directly(&self) -> bool {
        self.is_direct()
            && !self.reading.is_ended()
            && !self.is_paused()
            && !self.reading.is_unbuffered()
            && !self.reading.has_inherited()
            && self.base.held_len() == 0
            && !self.base.is_transaction_started()
    }

    /// Returns whether written bytes go directly to the system's socket, without a layer or a
    /// buffer above it.
    fn takes_directly(&self) -> bool {
        self.is_direct() && !self.writing.is_shut_down() && self.writing.is_empty()
    }

    fn is_direct(&self) -> bool {
        self.current_state() == SocketState::Connected
            && self.layers.class().is_none()
            && self.layers.outer().is_none()
            && !self.extras.has_limits()
            && self.engine().is_some_and(|engine| engine.splices())
    }

    /// The peer of a splice's source sends no more.
    fn on_splice_ended(&self, engine: &Rc<dyn Engine>, error: &SocketError) {
        if !self.keeps_sending(engine, error) && self.has_engine(engine) {
            self.on_remote_close(error);
        }
    }

    /// The target of a splice takes no more.
    fn on_splice_failed(&self, engine: &Rc<dyn Engine>, error: &SocketError) {
        if self.has_engine(engine) {
            self.on_write_error(error);
        }
    }
}
