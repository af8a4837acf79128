//! Buffers for reuse.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

/// The least capacity of a chunk. Most messages fit.
pub(super) const SMALL: usize = 4096;
/// The size of the loop's shared read buffer, in bytes.
pub const SCRATCH: usize = 256 * 1024;
/// A block with at least this many bytes may stay in a buffer as it is: copying the bytes would
/// cost more. The block takes at most four times the memory of its bytes.
pub const GIVEN_AWAY: usize = SCRATCH / 4;
/// How many bytes a device reads into its buffer at once, as in Qt.
pub(super) const PIECE: usize = 16_384;
const PIECES_KEPT: usize = 4;
const SMALL_KEPT: usize = 64;
const LARGE_KEPT: usize = 4;

/// Buffers for reuse, shared by all devices of a loop.
///
/// A queue that becomes empty returns its memory to the pool. So an idle device holds no memory,
/// and a busy device causes no allocations.
#[derive(Default)]
pub struct BufferPool {
    small: RefCell<Vec<Vec<u8>>>,
    large: RefCell<Vec<Vec<u8>>>,
    scratch: Cell<Vec<u8>>,
    blocks: RefCell<Vec<Vec<u8>>>,
    pieces: RefCell<Vec<Vec<u8>>>,
}

impl BufferPool {
    /// Returns an empty buffer with room for `size` bytes.
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

    /// Returns a buffer to the pool.
    pub fn put(&self, buffer: Vec<u8>) {
        let (kept, most) = match buffer.capacity() {
            ..SMALL => return,
            SMALL..0x8000 => (&self.small, SMALL_KEPT),
            0x8000..SCRATCH => (&self.large, LARGE_KEPT),
            SCRATCH => (&self.blocks, LARGE_KEPT),
            _ => return,
        };
        let mut kept = kept.borrow_mut();
        if kept.len() < most {
            kept.push(buffer);
        }
    }

    /// Takes the buffer that all devices read into. Its [`SCRATCH`] bytes have no particular
    /// content. Give it back, or keep it as a chunk if most of it was filled.
    #[must_use]
    pub fn take_scratch(&self) -> Vec<u8> {
        let mut scratch = self.scratch.take();
        if scratch.capacity() < SCRATCH {
            match self.blocks.borrow_mut().pop() {
                Some(block) => scratch = block,
                // Zeroed pages from the system cost nothing until they are written to.
                None => return vec![0; SCRATCH],
            }
        }
        // Zeroes only the part beyond the current length.
        scratch.resize(SCRATCH, 0);
        scratch
    }

    /// Takes an empty buffer with room for [`SCRATCH`] bytes, for a device that appends to it what
    /// it receives. Give it back, or keep it as a chunk if a good part of it is filled.
    #[must_use]
    pub fn take_block(&self) -> Vec<u8> {
        match self.blocks.borrow_mut().pop() {
            Some(mut block) => {
                block.clear();
                block
            }
            None => Vec::with_capacity(SCRATCH),
        }
    }

    /// Returns the buffer of [`take_block`](Self::take_block).
    pub fn put_block(&self, block: Vec<u8>) {
        self.put(block);
    }

    /// Takes a buffer of [`PIECE`] bytes with no particular content. Give it back.
    pub(super) fn take_piece(&self) -> Vec<u8> {
        self.pieces.borrow_mut().pop().unwrap_or_else(|| vec![0; PIECE])
    }

    /// Returns a buffer of [`take_piece`](Self::take_piece).
    pub(super) fn put_piece(&self, piece: Vec<u8>) {
        let mut pieces = self.pieces.borrow_mut();
        if pieces.len() < PIECES_KEPT {
            pieces.push(piece);
        }
    }

    /// Returns how many small buffers wait for their next use.
    #[cfg(test)]
    pub(super) fn small_kept(&self) -> usize {
        self.small.borrow().len()
    }

    /// Returns the buffer of [`take_scratch`](Self::take_scratch).
    pub fn put_scratch(&self, scratch: Vec<u8>) {
        self.scratch.set(scratch);
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (small, large) = (self.small.borrow().len(), self.large.borrow().len());
        f.debug_struct("BufferPool")
            .field("small", &small)
            .field("large", &large)
            .finish_non_exhaustive()
    }
}
