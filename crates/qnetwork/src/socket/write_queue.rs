//! What was written and is not yet announced as written.

use std::io::IoSlice;

use qcore::{
    internals::{BufferPool, ByteQueue},
    io_device::Chunk,
};

/// Qt's sockets gather what is written in blocks of this size, and announce block by block.
const BLOCK: usize = 32 * 1024;
/// How many blocks go out in one call.
const VECTOR: usize = 64;

/// The write buffer of a socket.
///
/// A whole turn's writes go to the system in one call; but `bytes_written` tells of them block by
/// block, as Qt's does. So bytes that are sent stay in the queue until they are announced.
#[derive(Default)]
pub(super) struct WriteQueue {
    bytes: ByteQueue,
    /// How many of the bytes, from the front, the system has taken.
    sent: usize,
}

impl WriteQueue {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes the system has not taken yet.
    pub(super) fn unsent(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn append(&mut self, data: &[u8], pool: &BufferPool) {
        self.bytes.append(data, BLOCK, pool);
    }

    pub(super) fn append_chunk(&mut self, data: Chunk) {
        self.bytes.append_chunk(data);
    }

    pub(super) fn clear(&mut self, pool: &BufferPool) {
        self.bytes.clear(pool);
        self.sent = 0;
    }

    /// Whether the first block is on its way in part: the system did not take all of it, or it has
    /// grown since.
    pub(super) fn is_partly_sent(&self) -> bool {
        self.sent > 0 && self.sent < self.bytes.first_len()
    }

    /// Sends what is there and not sent yet.
    pub(super) fn send<R>(&self, send: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        let mut slices = [IoSlice::new(&[]); VECTOR];
        let count = self.bytes.slices(self.sent, &mut slices);
        send(&slices[..count])
    }

    pub(super) fn mark_sent(&mut self, count: usize) {
        self.sent += count;
    }

    /// Takes the next bytes out that are to be announced together.
    pub(super) fn announce(&mut self, pool: &BufferPool) -> Option<usize> {
        let count = self.bytes.first_len().min(self.sent);
        if count == 0 {
            return None;
        }
        self.bytes.consume(count, pool);
        self.sent -= count;
        Some(count)
    }
}
