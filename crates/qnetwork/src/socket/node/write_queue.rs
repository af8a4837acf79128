//! Bytes that were written and have not been announced by `bytes_written` yet.

use std::io::IoSlice;

use qcore::{
    internals::{BufferPool, ByteQueue, DetachedBytes},
    io_device::Chunk,
};

/// Qt's sockets collect written data in blocks of this size, and emit `bytes_written` block by
/// block.
const BLOCK: usize = 32 * 1024;
/// How many blocks go out in one system call.
const VECTOR: usize = 64;

/// What a write buffer needs next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `bytes_written` has to announce this many bytes.
    Announce(usize),
    /// The buffer has this many bytes to send.
    Send(usize),
    /// The buffer is empty.
    Nothing,
}

/// The bytes of a write buffer.
///
/// One system call sends what was written in a whole turn of the loop, but `bytes_written` is
/// emitted for each block, as in Qt. So bytes that were sent stay here until they are announced.
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

    /// Returns how many bytes the system has not taken yet.
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

    /// Takes all bytes, for another thread, and how many of them were sent.
    pub(super) fn detach(&mut self) -> (DetachedBytes, usize) {
        (self.bytes.detach(), std::mem::take(&mut self.sent))
    }

    /// Puts in the bytes that another queue has detached. This queue must be empty.
    pub(super) fn attach(&mut self, (bytes, sent): (DetachedBytes, usize)) {
        self.bytes.attach(bytes);
        self.sent = sent;
    }

    /// Returns what to do next. If the next step is to announce bytes, removes them.
    ///
    /// As in Qt, a block that was sent in part is not announced as long as the socket may send: the
    /// system did not take all of it, or the block has grown since.
    pub(super) fn next_step(&mut self, may_send: bool, pool: &BufferPool) -> Step {
        let count = self.bytes.first_len().min(self.sent);
        if count > 0 && !(may_send && count < self.bytes.first_len()) {
            self.bytes.consume(count, pool);
            self.sent -= count;
            return Step::Announce(count);
        }
        if self.is_empty() { Step::Nothing } else { Step::Send(self.unsent()) }
    }

    /// Calls `send` with the unsent data, at most 64 blocks of it and at most `max` bytes.
    pub(super) fn send<R>(&self, max: usize, send: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        // Most turns write a single block. An array for many takes longer to fill than to send.
        if let Some(bytes) = self.bytes.only_slice(self.sent) {
            return send(&[IoSlice::new(&bytes[..max.min(bytes.len())])]);
        }
        let mut slices = [IoSlice::new(&[]); VECTOR];
        let count = self.bytes.slices(self.sent, &mut slices);
        if max < self.unsent() {
            send_part(&slices[..count], max, send)
        } else {
            send(&slices[..count])
        }
    }

    pub(super) fn mark_sent(&mut self, count: usize) {
        self.sent += count;
    }
}

/// Calls `send` with the first `max` bytes of the slices.
#[cold]
#[inline(never)]
fn send_part<R>(slices: &[IoSlice<'_>], max: usize, send: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
    let mut rest = max;
    let mut parts = [IoSlice::new(&[]); VECTOR];
    let mut count = 0;
    for (part, slice) in parts.iter_mut().zip(slices) {
        if rest == 0 {
            break;
        }
        let len = slice.len().min(rest);
        *part = IoSlice::new(&slice[..len]);
        rest -= len;
        count += 1;
    }
    send(&parts[..count])
}
