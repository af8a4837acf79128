//! Reading and writing without the buffers.
//!
//! What is there stays with the system until somebody reads, and so does its end: `ready_read` tells
//! once that there is something, and then not before something was read. That is Qt's way; so is it that
//! who reads on to the end of the stream finds the socket unconnected, and no signal tells of that.

use std::{io::IoSlice, rc::Rc};

use qcore::DeviceError;

use super::{AbstractSocketNode, SocketState};
use crate::engine::{Engine, Outcome};

impl AbstractSocketNode {
    /// Says that there is something to read, the end included, unless that was said. Returns whether there
    /// is.
    pub(super) fn tell_unread(&self, engine: &Rc<dyn Engine>) -> bool {
        if self.flags.unread.get() {
            return true;
        }
        if !engine.has_more() {
            return false;
        }
        self.flags.unread.set(true);
        self.emit_ready_read();
        true
    }

    /// Whether an unbuffered socket has said that there is something, and nobody has read.
    pub(super) fn is_unread(&self) -> bool {
        self.flags.unread.get()
    }

    /// How much the system has for an unbuffered socket.
    pub(super) fn unread_bytes(&self) -> usize {
        let has_any = self.is_for_datagrams() || self.state.get() == SocketState::Connected;
        if !self.is_unbuffered() || !has_any {
            return 0;
        }
        self.engine().map_or(0, |engine| engine.bytes_available())
    }

    /// Reads what the system has.
    pub(super) fn read_through(
        &self,
        engine: &Rc<dyn Engine>,
        data: &mut [u8],
    ) -> Result<usize, DeviceError> {
        let mut count = 0;
        if !data.is_empty() {
            match engine.read(data) {
                Outcome::Moved(moved) => count = moved,
                Outcome::WouldBlock => {}
                Outcome::Failed(error) => {
                    self.set_error(&error);
                    self.release_engine();
                    self.state.set(SocketState::Unconnected);
                    return Err(error.into());
                }
            }
        }
        self.flags.unread.set(false);
        if engine.is_readable() {
            engine.read_again();
        }
        Ok(count)
    }

    /// Writes past the buffer, if there is an engine; how much the system took. An engine that is not
    /// connected refuses.
    pub(super) fn write_through(&self, data: &[u8]) -> Result<usize, DeviceError> {
        let Some(engine) = self.engine() else { return Ok(0) };
        if data.is_empty() {
            return Ok(0);
        }
        match engine.write(&[IoSlice::new(data)]) {
            Outcome::Moved(count) => Ok(count),
            Outcome::WouldBlock => Ok(0),
            Outcome::Failed(error) => {
                self.set_error(&error);
                Err(error.into())
            }
        }
    }
}
