//! Buffers for reuse.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

/// What a chunk holds at least: as much as most messages take.
pub(super) const SMALL: usize = 4096;
/// The size of the buffer that a loop reads into.
pub const SCRATCH: usize = 256 * 1024;
/// How much of a device is read into its buffer at once, as Qt does.
pub(super) const PIECE: usize = 16_384;
const PIECES_KEPT: usize = 4;
const SMALL_KEPT: usize = 64;
const LARGE_KEPT: usize = 4;

/// Buffers for reuse, shared by all devices of a loop.
///
/// A queue that runs empty gives its memory back here, so that an idle device holds none, and
/// a busy one causes no allocation.
#[derive(Default)]
pub struct BufferPool {
    small: RefCell<Vec<Vec<u8>>>,
    large: RefCell<Vec<Vec<u8>>>,
    scratch: Cell<Vec<u8>>,
    pieces: RefCell<Vec<Vec<u8>>>,
}

impl BufferPool {
    /// An empty buffer with room for `size` bytes.
    #[must_use]
    pub fn take(&self, size: usize) -> Vec<u8> {
        let kept = if size <= SMALL { &self.small } else { &self.large };
        match kept.borrow_mut().pop() {
            Some(mut buffer) if buffer.capacity() >= size => {
                buffer.clear();
                buffer
            }
            _ => Vec::with_capacity(size.max(SMALL)),
        }
    }

    /// Takes a buffer back.
    pub fn put(&self, buffer: Vec<u8>) {
        let (kept, most) = match buffer.capacity() {
            ..SMALL => return,
            SMALL..0x8000 => (&self.small, SMALL_KEPT),
            0x8000..=SCRATCH => (&self.large, LARGE_KEPT),
            _ => return,
        };
        let mut kept = kept.borrow_mut();
        if kept.len() < most {
            kept.push(buffer);
        }
    }

    /// The buffer that everybody reads into: [`SCRATCH`] bytes of no particular content. To be
    /// given back, or kept as a chunk if most of it was filled.
    #[must_use]
    pub fn take_scratch(&self) -> Vec<u8> {
        let mut scratch = self.scratch.take();
        if scratch.capacity() < SCRATCH {
            let kept = self.large.borrow_mut().pop();
            match kept.filter(|buffer| buffer.capacity() >= SCRATCH) {
                Some(buffer) => scratch = buffer,
                // Zeros from the system, which cost nothing until they are written to.
                None => return vec![0; SCRATCH],
            }
        }
        // What is in there already need not be zeroed again.
        scratch.resize(SCRATCH, 0);
        scratch
    }

    /// A buffer of [`PIECE`] bytes of no particular content, to be given back.
    pub(super) fn take_piece(&self) -> Vec<u8> {
        self.pieces.borrow_mut().pop().unwrap_or_else(|| vec![0; PIECE])
    }

    /// Takes the buffer back.
    pub(super) fn put_piece(&self, piece: Vec<u8>) {
        let mut pieces = self.pieces.borrow_mut();
        if pieces.len() < PIECES_KEPT {
            pieces.push(piece);
        }
    }

    /// How many small buffers wait for their next use.
    #[cfg(test)]
    pub(super) fn small_kept(&self) -> usize {
        self.small.borrow().len()
    }

    /// Takes the buffer back.
    pub fn put_scratch(&self, scratch: Vec<u8>) {
        self.scratch.set(scratch);
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool")
            .field("small", &self.small.borrow().len())
            .field("large", &self.large.borrow().len())
            .finish_non_exhaustive()
    }
}
