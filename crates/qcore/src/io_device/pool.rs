//! Buffers for reuse.

use std::{
    cell::{Cell, RefCell},
    fmt,
    ops::Deref,
};

/// The least capacity of a chunk. Most messages fit.
pub(super) const SMALL: usize = 4096;
/// The size of the loop's shared read buffer, in bytes.
pub const SCRATCH: usize = 256 * 1024;
/// A block with at least this many bytes may stay in a buffer as it is: copying the bytes would
/// cost more. The block takes at most four times the memory of its bytes.
pub const GIVEN_AWAY: usize = SCRATCH / 4;
/// The size of a page of memory, or a multiple of it, in bytes.
const PAGE: usize = 4096;
/// The capacity of a [`Block`], which begins at a page.
const BLOCK: usize = SCRATCH + PAGE;
/// How many bytes a device reads into its buffer at once, as in Qt.
pub(super) const PIECE: usize = 16_384;
const PIECES_KEPT: usize = 4;
const SMALL_KEPT: usize = 64;
const LARGE_KEPT: usize = 4;

/// Memory that a device receives into, with room for [`SCRATCH`] bytes. It dereferences to the
/// bytes that were received.
///
/// The bytes begin at a page. On an AMD EPYC, `rep movsb` copied 3.3 GB/s instead of 50 if the
/// destination was 1 to 15 bytes after the source, both modulo 4096. The C library puts a large
/// allocation 16 bytes after the beginning of a page, and the kernel often has a stream at the
/// beginning of its pages. After a first message of 1 to 15 bytes, the kernel would copy all further
/// bytes slowly.
#[derive(Debug)]
pub struct Block {
    memory: Vec<u8>,
    /// Where the bytes begin.
    start: usize,
}

impl Block {
    fn new(mut memory: Vec<u8>) -> Self {
        let start = memory.as_ptr().align_offset(PAGE).min(PAGE);
        if memory.len() < start {
            // A block that was used before has these bytes already.
            memory.resize(start, 0);
        }
        memory.truncate(start);
        Block { memory, start }
    }

    /// Returns the memory, for a function that appends to it what it receives.
    pub fn memory_mut(&mut self) -> &mut Vec<u8> {
        &mut self.memory
    }

    /// Returns the memory and the offset at which the bytes begin.
    pub(super) fn into_memory(self) -> (Vec<u8>, usize) {
        (self.memory, self.start)
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..]
    }
}

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
    #[inline]
    pub fn put(&self, buffer: Vec<u8>) {
        let (kept, most) = match buffer.capacity() {
            ..SMALL => return,
            SMALL..0x8000 => (&self.small, SMALL_KEPT),
            0x8000..BLOCK => (&self.large, LARGE_KEPT),
            BLOCK => (&self.blocks, LARGE_KEPT),
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

    /// Takes an empty block. Give it back, or keep it as a chunk if a good part of it is filled.
    #[must_use]
    pub fn take_block(&self) -> Block {
        let kept = self.blocks.borrow_mut().pop();
        Block::new(kept.unwrap_or_else(|| Vec::with_capacity(BLOCK)))
    }

    /// Returns the block of [`take_block`](Self::take_block).
    pub fn put_block(&self, block: Block) {
        self.put(block.memory);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_begins_at_a_page_and_has_room_for_all_that_is_read_at_once() {
        let pool = BufferPool::default();
        // The second round gets the blocks of the first one.
        for _ in 0..2 {
            let mut blocks = [pool.take_block(), pool.take_block(), pool.take_block()];
            for block in &mut blocks {
                let place = block.as_ptr();
                assert!(block.is_empty());
                assert_eq!(place.addr() % PAGE, 0);
                block.memory_mut().extend_from_slice(&[7; SCRATCH]);
                assert_eq!((block.len(), block.as_ptr()), (SCRATCH, place));
            }
            blocks.into_iter().for_each(|block| pool.put_block(block));
        }
        assert_eq!(pool.blocks.borrow().len(), 3);
    }

    #[test]
    fn memory_that_was_used_from_its_beginning_makes_a_block_again() {
        let pool = BufferPool::default();
        let block = pool.take_block();
        let place = block.as_ptr();
        // Joining chunks may move the bytes to the beginning of the memory.
        let mut memory = block.memory;
        memory.clear();
        memory.push(1);
        pool.put(memory);
        let block = pool.take_block();
        assert_eq!((block.as_ptr(), block.len()), (place, 0));
    }
}
