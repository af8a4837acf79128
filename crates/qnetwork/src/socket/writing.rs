//! Sending: from `write()` to the engine, in three steps.
//!
//! 1. [`enqueue`](AbstractSocketNode::enqueue) puts the bytes into the write buffer.
//! 2. [`schedule`](AbstractSocketNode::schedule) asks the loop for a call.
//! 3. [`flush`](AbstractSocketNode::flush), in that call, gives the buffer to the engine and emits
//!    `bytes_written` block by block.

use std::{io::IoSlice, ops::Deref, rc::Rc};

use qcore::{
    DeviceError,
    internals::DeviceInternals,
    io_device::{Chunk, DeviceErrorKind},
};

use super::{
    node::{AbstractSocketNode, Direction, Held, QAbstractSocket, Step, TellsEnd},
    state::SocketState,
};
use crate::{
    common::{SocketError, SocketErrorKind},
    engine::{Engine, Outcome},
};

impl QAbstractSocket {
    /// Sends as much of the write buffer as the system takes, without waiting for the loop. Returns
    /// whether any bytes were written.
    ///
    /// Programs rarely need this: the loop sends everything that was written in one turn together.
    ///
    /// Emits [`bytes_written`](qcore::io_device::DeviceNode::bytes_written) before it returns, if
    /// any bytes were written, and `encrypted_bytes_written` if they are encrypted. When it sends
    /// the last bytes of a socket that is closing, it also emits
    /// [`state_changed`](AbstractSocketNode::state_changed),
    /// [`read_channel_finished`](qcore::io_device::DeviceNode::read_channel_finished),
    /// [`disconnected`](AbstractSocketNode::disconnected) and
    /// [`closed`](AbstractSocketNode::closed).
    pub fn flush(&self) -> bool {
        match self.layers.class() {
            Some(class) => class.flush(),
            None => AbstractSocketNode::flush(self, usize::MAX),
        }
    }
}

/// Bytes to send. Borrowed bytes are copied; an owned chunk is not.
pub(crate) enum Outgoing<'a> {
    Bytes(&'a [u8]),
    Chunk(Chunk),
}

impl<'a> From<&'a [u8]> for Outgoing<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Outgoing::Bytes(bytes)
    }
}

impl From<Chunk> for Outgoing<'_> {
    fn from(chunk: Chunk) -> Self {
        Outgoing::Chunk(chunk)
    }
}

impl From<Vec<u8>> for Outgoing<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Outgoing::Chunk(bytes.into())
    }
}

impl Deref for Outgoing<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Outgoing::Bytes(bytes) => bytes,
            Outgoing::Chunk(chunk) => chunk,
        }
    }
}

impl AbstractSocketNode {
    /// Step 1: puts bytes into the write buffer. Returns their number.
    ///
    /// A socket without buffers passes as many bytes to the system as it takes, and buffers only
    /// the rest. A UDP socket sends a datagram.
    pub(crate) fn enqueue<'a>(&self, data: impl Into<Outgoing<'a>>) -> Result<usize, DeviceError> {
        let data = data.into();
        let count = data.len();
        if self.is_for_datagrams() {
            return self.write_connected(&data);
        }
        self.check_linked()?;
        match data {
            data if self.reading.is_unbuffered() => {
                let sent = if self.writing.is_empty() { self.write_unbuffered(&data)? } else { 0 };
                self.writing.append(&data[sent..], self.base.pool());
            }
            Outgoing::Bytes(bytes) => self.writing.append(bytes, self.base.pool()),
            Outgoing::Chunk(chunk) => self.writing.append_chunk(chunk),
        }
        if !self.is_connecting() && !self.writing.is_empty() {
            self.schedule();
        }
        Ok(count)
    }

    /// Fails if there is no connection to write to and there will be none. After `abort` has
    /// dropped what was not sent, a slot that writes would leave a gap in the stream.
    fn check_linked(&self) -> Result<(), DeviceError> {
        let is_unlinked = self.current_state() == SocketState::Unconnected || self.is_dead();
        if is_unlinked || self.ending.is_aborting() {
            let error = SocketError::new(SocketErrorKind::Unknown, "Socket is not connected");
            self.set_error(&error);
            return Err(DeviceError::new(DeviceErrorKind::Closed, error.text()));
        }
        Ok(())
    }

    /// Writes to the system, past the buffer, if there is an engine. Returns how many bytes the
    /// system took. An engine that is not connected fails.
    fn write_unbuffered(&self, data: &[u8]) -> Result<usize, DeviceError> {
        let Some(engine) = self.engine() else { return Ok(0) };
        if data.is_empty() {
            return Ok(0);
        }
        let error = match engine.check_connected() {
            Err(error) => error,
            Ok(()) => match engine.write(&[IoSlice::new(data)]) {
                Outcome::Moved(count) => {
                    self.timeouts.note_sent();
                    return Ok(count);
                }
                Outcome::WouldBlock => return Ok(0),
                Outcome::Failed(error) => {
                    engine.close_failed();
                    error
                }
            },
        };
        if self.has_engine(&engine) {
            self.set_error(&error);
        }
        Err(error.into())
    }

    /// Step 2: asks the loop to call the socket for sending, unless it was asked already.
    ///
    /// The loop calls in its next turn, as Qt's write notifier would, or at the end of this turn if
    /// no slot could tell the difference.
    pub(crate) fn schedule(&self) {
        if self.writing.is_scheduled() {
            return;
        }
        if let Some(engine) = self.engine() {
            let early = !self.is_watched() && self.current_state() == SocketState::Connected;
            self.writing.set_scheduled();
            engine.request_write(early);
        }
    }

    /// Returns whether a slot could observe when bytes are written.
    fn is_watched(&self) -> bool {
        if let Some(outer) = self.layers.outer() {
            return outer.watches_writing();
        }
        self.with_front(|device| device.bytes_written.is_connected())
            || self.base.channel_bytes_written.is_connected()
    }

    /// Step 3: sends the write buffer until the system takes no more or `budget` bytes are sent.
    /// Emits `bytes_written` for each block. Returns whether any bytes were written.
    pub(super) fn flush(&self, budget: usize) -> bool {
        self.send(budget, true)
    }

    /// Sends the write buffer for a function that waits, which does not keep to a limit of bytes a
    /// second.
    pub(super) fn flush_now(&self) -> bool {
        self.send(usize::MAX, false)
    }

    fn send(&self, budget: usize, is_limited: bool) -> bool {
        let mut written = false;
        let mut sent = 0;
        // Whether the socket waits for its share of a limit.
        let mut waits = false;
        let mut current = self.engine();
        while let Some(engine) = &current {
            if self.is_connecting() {
                break;
            }
            let is_open = engine.is_writable() && !waits;
            let unsent = match self.writing.next_step(is_open && sent < budget, self.base.pool()) {
                Step::Announce(count) => {
                    written = true;
                    self.announce_written(engine, count);
                    if self.writing.is_empty() {
                        break;
                    }
                    // Dropping the engine may call the program's logger.
                    drop(current.take());
                    current = self.engine();
                    continue;
                }
                Step::Send(_) if is_open && sent >= budget => {
                    self.schedule();
                    break;
                }
                Step::Send(unsent) if is_open => unsent,
                Step::Send(_) | Step::Nothing => break,
            };
            if let Err(error) = engine.check_connected() {
                if self.has_engine(engine) {
                    self.on_write_error(&error);
                    break;
                }
                // The handler of the warning has ended the connection.
                drop(current.take());
                current = self.engine();
                continue;
            }
            let max = match is_limited {
                true => self.extras.allow(Direction::Writing, unsent, &self.this),
                false => unsent,
            };
            if max == 0 {
                waits = true;
                continue;
            }
            let outcome = self.writing.send(max, |slices| engine.write(slices));
            let moved = if let Outcome::Moved(count) = outcome { count } else { 0 };
            self.extras.settle(Direction::Writing, is_limited.then_some(max), moved);
            match outcome {
                Outcome::Moved(count) => {
                    self.timeouts.note_sent();
                    sent += count;
                }
                // The engine is not writable now. First announce what was sent.
                Outcome::WouldBlock => {}
                Outcome::Failed(error) => {
                    engine.close_failed();
                    if self.has_engine(engine) {
                        self.on_write_error(&error);
                    }
                    break;
                }
            }
        }
        written
    }

    /// Emits `bytes_written`, and closes the socket if these were the last bytes before the end.
    fn announce_written(&self, engine: &Rc<dyn Engine>, count: usize) {
        if self.has_sent_last() || !self.writing.is_empty() {
            // Ask before emitting, so that a loop that a slot runs continues to send.
            self.schedule();
        }
        self.emit_bytes_written(count);
        if self.has_engine(engine) && self.has_sent_last() {
            self.disconnect();
        }
    }

    /// Emits `bytes_written` or calls the outer socket. A slot that runs a loop is not called again
    /// from within that loop, but the socket still emits `channel_bytes_written`, as in Qt.
    fn emit_bytes_written(&self, count: usize) {
        let emission = self.writing.bytes_written();
        if let Some(outer) = self.layers.outer() {
            return emission.run(|| outer.on_bytes_written(count));
        }
        let held = self.base.channel_bytes_written.is_connected().then(|| self.hold_closed());
        emission.run(|| self.with_front(|device| device.bytes_written.emit(count)));
        let _held = held.and_then(Held::for_last);
        self.base.channel_bytes_written.emit((0, count));
    }

    /// Returns whether the socket was only waiting to send its last bytes, and has sent them.
    pub(super) fn has_sent_last(&self) -> bool {
        self.current_state() == SocketState::Closing && self.writing.is_empty()
    }
}
