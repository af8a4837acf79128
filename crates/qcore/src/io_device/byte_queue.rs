//! A queue of bytes in chunks.

use std::{collections::VecDeque, io::IoSlice};

use super::{
    Chunk,
    pool::{Block, BufferPool, GIVEN_AWAY},
};

/// The bytes of a queue on their way to another thread: chunks that share nothing with this thread.
#[derive(Debug, Default)]
pub struct DetachedBytes(Vec<(Vec<u8>, usize, usize)>);

impl DetachedBytes {
    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends bytes as a chunk of their own.
    pub fn push(&mut self, data: Vec<u8>) {
        if !data.is_empty() {
            let limit = data.len();
            self.0.push((data, 0, limit));
        }
    }

    /// Appends all bytes of `other`.
    pub fn append(&mut self, mut other: DetachedBytes) {
        self.0.append(&mut other.0);
    }
}

/// The first chunk of a queue, while it is outside of it.
#[derive(Debug, Default)]
pub(super) struct Front(Piece);

impl Front {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

#[derive(Debug, Default)]
struct Piece {
    data: Chunk,
    start: usize,
    /// The most bytes that this chunk may hold, including consumed ones.
    limit: usize,
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        &self.data[self.start..]
    }

    fn len(&self) -> usize {
        self.data.len() - self.start
    }

    /// Drops the bytes and returns a reusable buffer to the pool.
    #[inline]
    fn empty(&mut self, pool: &BufferPool) {
        self.data.empty(pool);
        (self.start, self.limit) = (0, 0);
    }

    /// Returns the buffer if it has room for `count` more bytes.
    fn with_room(&mut self, count: usize) -> Option<&mut Vec<u8>> {
        let room = self.limit.saturating_sub(self.data.len());
        self.data.as_mut_vec().filter(|_| room >= count)
    }
}

/// A first-in, first-out queue of bytes.
///
/// The first chunk is stored in the queue itself. A short message therefore allocates nothing but
/// its chunk, which comes from the pool.
#[derive(Debug, Default)]
pub struct ByteQueue {
    head: Piece,
    /// The other chunks. Most queues never have any.
    #[allow(clippy::box_collection)] // the box is a quarter of the size
    tail: Option<Box<VecDeque<Piece>>>,
    len: usize,
}

impl ByteQueue {
    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the queue is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        let tail = self.tail.as_deref().into_iter().flatten();
        std::iter::once(&self.head).chain(tail).filter(|piece| piece.len() > 0)
    }

    fn is_tail_empty(&self) -> bool {
        self.tail.as_ref().is_none_or(|tail| tail.is_empty())
    }

    /// Appends a copy of `data`. It goes into the last chunk if all of it fits, and into a new
    /// chunk otherwise. A new chunk has room for `block` bytes, or for `data` if that is longer.
    pub fn append(&mut self, data: &[u8], block: usize, pool: &BufferPool) {
        if data.is_empty() {
            return;
        }
        self.len += data.len();
        let last = self.tail.as_mut().and_then(|tail| tail.back_mut()).unwrap_or(&mut self.head);
        if let Some(buffer) = last.with_room(data.len()) {
            return buffer.extend_from_slice(data);
        }
        let mut buffer = pool.take(data.len());
        buffer.extend_from_slice(data);
        self.push(Piece { data: buffer.into(), start: 0, limit: block.max(data.len()) });
    }

    /// Appends a whole chunk, without a copy.
    pub fn append_chunk(&mut self, data: impl Into<Chunk>) {
        let data = data.into();
        if !data.is_empty() {
            self.len += data.len();
            self.push(Piece { limit: data.len(), data, start: 0 });
        }
    }

    /// Appends a block, without a copy.
    pub(super) fn append_block(&mut self, block: Block) {
        if !block.is_empty() {
            self.len += block.len();
            let (data, start) = block.into_memory();
            self.push(Piece { limit: data.len(), data: data.into(), start });
        }
    }

    /// Copies the first chunk to memory of its size, if its bytes are few and its memory is a whole
    /// block of the pool, which gets it back.
    pub(super) fn return_block(&mut self, pool: &BufferPool) {
        let len = self.head.len();
        if len == 0 || len >= GIVEN_AWAY || !self.head.data.is_block() {
            return;
        }
        let mut data = pool.take(len);
        data.extend_from_slice(self.head.bytes());
        let limit = data.capacity();
        let piece = Piece { data: data.into(), start: 0, limit };
        std::mem::replace(&mut self.head, piece).data.recycle(pool);
    }

    #[inline]
    fn push(&mut self, piece: Piece) {
        if self.head.len() == 0 && self.is_tail_empty() {
            self.head = piece;
        } else {
            self.tail.get_or_insert_default().push_back(piece);
        }
    }

    /// Puts a byte in front of all others.
    pub fn unread(&mut self, byte: u8) {
        self.len += 1;
        let before = self.head.start.wrapping_sub(1);
        if let Some(place) = self.head.data.as_mut_vec().and_then(|data| data.get_mut(before)) {
            *place = byte;
            self.head.start = before;
            return;
        }
        let start = 15;
        let mut data = vec![0; start + 1];
        data[start] = byte;
        let first = Piece { data: data.into(), start, limit: 0 };
        let before = std::mem::replace(&mut self.head, first);
        if before.len() > 0 {
            self.tail.get_or_insert_default().push_front(before);
        }
    }

    /// Copies the bytes after the first `offset` to `out`, as many as fit. Returns their number.
    pub fn copy_to(&self, mut offset: usize, out: &mut [u8]) -> usize {
        // Most queues have a single chunk.
        if self.tail.is_none() {
            let Some(bytes) = self.head.bytes().get(offset..) else { return 0 };
            let count = bytes.len().min(out.len());
            out[..count].copy_from_slice(&bytes[..count]);
            return count;
        }
        let mut done = 0;
        for piece in self.pieces() {
            let bytes = piece.bytes();
            if offset >= bytes.len() {
                offset -= bytes.len();
                continue;
            }
            let bytes = &bytes[offset..];
            offset = 0;
            let count = bytes.len().min(out.len() - done);
            out[done..done + count].copy_from_slice(&bytes[..count]);
            done += count;
            if done == out.len() {
                break;
            }
        }
        done
    }

    /// Moves bytes to `out`, as many as fit. Returns their number.
    pub(super) fn read(&mut self, out: &mut [u8], pool: &BufferPool) -> usize {
        if self.len == 0 {
            return 0;
        }
        let count = self.copy_to(0, out);
        self.consume(count, pool);
        count
    }

    /// Appends at most `max` of the bytes after the first `offset` to `out`. Returns their number.
    pub(super) fn copy_to_vec(&self, mut offset: usize, max: usize, out: &mut Vec<u8>) -> usize {
        let count = self.len.saturating_sub(offset).min(max);
        let end = out.len() + count;
        if out.capacity() == 0 {
            *out = Vec::with_capacity(count);
        } else {
            out.reserve(count);
        }
        for piece in self.pieces() {
            let bytes = piece.bytes();
            let skip = offset.min(bytes.len());
            offset -= skip;
            let rest = end - out.len();
            out.extend_from_slice(&bytes[skip..][..rest.min(bytes.len() - skip)]);
            if out.len() == end {
                break;
            }
        }
        count
    }

    /// Drops the first `count` bytes, or all if there are fewer.
    pub fn consume(&mut self, mut count: usize, pool: &BufferPool) {
        if count >= self.len && self.tail.is_none() {
            self.len = 0;
            return self.head.empty(pool);
        }
        count = count.min(self.len);
        self.len -= count;
        while count > 0 {
            let here = self.head.len().min(count);
            self.head.start += here;
            count -= here;
            if self.head.len() == 0 {
                self.next_chunk(pool);
            }
        }
    }

    fn next_chunk(&mut self, pool: &BufferPool) {
        let next = self.tail.as_mut().and_then(|tail| tail.pop_front()).unwrap_or_default();
        std::mem::replace(&mut self.head, next).data.recycle(pool);
        if let Some(tail) = self.tail.as_mut().filter(|tail| tail.is_empty()) {
            tail.shrink_to(4);
        }
    }

    /// Takes all bytes. If there is only one chunk and it is more than half full, returns it
    /// without a copy.
    #[must_use]
    pub fn take_all(&mut self, pool: &BufferPool) -> Vec<u8> {
        if self.is_tail_empty()
            && self.head.start == 0
            && let Some(data) = self.head.data.as_mut_vec()
            && data.len() * 2 > data.capacity()
        {
            self.len = 0;
            return std::mem::take(data);
        }
        let mut all = Vec::new();
        self.copy_to_vec(0, self.len, &mut all);
        self.clear(pool);
        all
    }

    /// Drops all bytes.
    pub fn clear(&mut self, pool: &BufferPool) {
        if self.len == 0 {
            // The memory of the last chunk is back in the pool already.
            self.tail = None;
            return;
        }
        self.len = 0;
        self.head.empty(pool);
        for piece in self.tail.take().into_iter().flat_map(|tail| *tail) {
            piece.data.recycle(pool);
        }
    }

    /// Takes the first chunk out of the queue, for [`put_front`](ByteQueue::put_front). The bytes
    /// behind it stay.
    pub(super) fn take_front(&mut self) -> Front {
        self.len -= self.head.len();
        Front(std::mem::take(&mut self.head))
    }

    /// Puts a chunk back in front of all bytes.
    pub(super) fn put_front(&mut self, front: Front) {
        if front.0.len() == 0 {
            return;
        }
        self.len += front.0.len();
        let before = std::mem::replace(&mut self.head, front.0);
        if before.len() > 0 {
            self.tail.get_or_insert_default().push_front(before);
        }
    }

    /// Moves bytes into the first chunk, so that it has at least `count` of them, or all that there
    /// are.
    ///
    /// A caller that at least doubles `count` from call to call makes the queue copy each byte a
    /// bounded number of times.
    pub(super) fn join(&mut self, count: usize, pool: &BufferPool) {
        let count = count.min(self.len);
        if self.head.len() >= count {
            return;
        }
        let start = std::mem::take(&mut self.head.start);
        let mut joined = match self.head.data.as_mut_vec() {
            Some(data) => {
                data.drain(..start);
                std::mem::take(data)
            }
            None => {
                let mut copy = pool.take(count);
                copy.extend_from_slice(&self.head.data[start..]);
                copy
            }
        };
        joined.reserve(count - joined.len());
        while joined.len() < count {
            let Some(tail) = &mut self.tail else { break };
            let Some(next) = tail.front_mut() else { break };
            let part = next.len().min(count - joined.len());
            joined.extend_from_slice(&next.bytes()[..part]);
            next.start += part;
            if next.len() == 0
                && let Some(empty) = tail.pop_front()
            {
                empty.data.recycle(pool);
            }
        }
        self.head = Piece { limit: joined.len(), data: joined.into(), start: 0 };
    }

    /// Takes all bytes, for another thread. They stay divided into the same chunks. Only chunks
    /// that this thread shares are copied.
    #[must_use]
    pub fn detach(&mut self) -> DetachedBytes {
        let ByteQueue { head, tail, .. } = std::mem::take(self);
        let tail = tail.into_iter().flat_map(|tail| *tail);
        let pieces = std::iter::once(head).chain(tail).filter(|piece| piece.len() > 0);
        DetachedBytes(
            pieces
                .map(|mut piece| match piece.data.as_mut_vec() {
                    Some(data) => (std::mem::take(data), piece.start, piece.limit),
                    None => (piece.bytes().to_vec(), 0, 0),
                })
                .collect(),
        )
    }

    /// Appends bytes that another thread's queue has detached, without a copy.
    pub fn attach(&mut self, bytes: DetachedBytes) {
        for (data, start, limit) in bytes.0 {
            let piece = Piece { data: data.into(), start, limit };
            self.len += piece.len();
            self.push(piece);
        }
    }

    /// Returns the offset of the first `byte` at or after `from`.
    #[must_use]
    pub fn find(&self, byte: u8, from: usize) -> Option<usize> {
        self.find_within(byte, from, self.len)
    }

    /// Returns the offset of the first `byte` at or after `from` and before `to`.
    pub(super) fn find_within(&self, byte: u8, from: usize, to: usize) -> Option<usize> {
        let mut before = 0;
        for piece in self.pieces() {
            if before >= to {
                break;
            }
            let bytes = piece.bytes();
            let skip = from.saturating_sub(before).min(bytes.len());
            let end = (to - before).min(bytes.len()).max(skip);
            if let Some(at) = bytes[skip..end].iter().position(|&other| other == byte) {
                return Some(before + skip + at);
            }
            before += bytes.len();
        }
        None
    }

    /// Fills `out` with slices of the bytes after the first `offset`, for a vectored write. Returns
    /// the number of slices.
    pub fn slices<'a>(&'a self, mut offset: usize, out: &mut [IoSlice<'a>]) -> usize {
        let rest = self.pieces().filter_map(|piece| {
            let skip = offset.min(piece.len());
            offset -= skip;
            Some(&piece.bytes()[skip..]).filter(|bytes| !bytes.is_empty())
        });
        let mut count = 0;
        for (slot, bytes) in out.iter_mut().zip(rest) {
            *slot = IoSlice::new(bytes);
            count += 1;
        }
        count
    }

    /// Returns the bytes after the first `offset`, if they are in one chunk and there are any.
    #[must_use]
    pub fn only_slice(&self, offset: usize) -> Option<&[u8]> {
        if !self.is_tail_empty() {
            return None;
        }
        self.head.bytes().get(offset..).filter(|bytes| !bytes.is_empty())
    }

    /// Returns the length of the first chunk.
    #[must_use]
    pub fn first_len(&self) -> usize {
        self.head.len()
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::{super::pool::SMALL, *};

    #[derive(Clone, Debug)]
    enum Step {
        Append(Vec<u8>),
        AppendChunk(Vec<u8>),
        AppendShared(Vec<u8>),
        AppendBlock(Vec<u8>),
        ReturnBlock,
        Unread(u8),
        Consume(usize),
        TakeAll,
        Detach,
        Clear,
        Join(usize),
        Front,
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = || proptest::collection::vec(0u8..4, 0..40);
        prop_oneof![
            4 => bytes().prop_map(Step::Append),
            1 => bytes().prop_map(Step::AppendChunk),
            1 => bytes().prop_map(Step::AppendShared),
            1 => bytes().prop_map(Step::AppendBlock),
            1 => Just(Step::ReturnBlock),
            2 => (0u8..4).prop_map(Step::Unread),
            4 => (0usize..60).prop_map(Step::Consume),
            1 => Just(Step::TakeAll),
            1 => Just(Step::Detach),
            1 => Just(Step::Clear),
            2 => (0usize..80).prop_map(Step::Join),
            1 => Just(Step::Front),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
        #[test]
        fn behaves_as_one_long_vector(steps in proptest::collection::vec(step(), 0..60)) {
            let pool = BufferPool::default();
            let (mut queue, mut model) = (ByteQueue::default(), Vec::new());
            for step in steps {
                match step {
                    Step::Append(data) => {
                        queue.append(&data, 16, &pool);
                        model.extend(data);
                    }
                    Step::AppendChunk(data) => {
                        queue.append_chunk(data.clone());
                        model.extend(data);
                    }
                    Step::AppendShared(data) => {
                        queue.append_chunk(Rc::<[u8]>::from(&*data));
                        model.extend(data);
                    }
                    Step::AppendBlock(data) => {
                        let mut block = pool.take_block();
                        block.memory_mut().extend_from_slice(&data);
                        queue.append_block(block);
                        model.extend(data);
                    }
                    Step::ReturnBlock => queue.return_block(&pool),
                    Step::Unread(byte) => {
                        queue.unread(byte);
                        model.insert(0, byte);
                    }
                    Step::Consume(count) => {
                        queue.consume(count, &pool);
                        model.drain(..count.min(model.len()));
                    }
                    Step::TakeAll => {
                        prop_assert_eq!(queue.take_all(&pool), std::mem::take(&mut model));
                    }
                    Step::Detach => {
                        let first = queue.first_len();
                        let detached = queue.detach();
                        prop_assert!(queue.is_empty());
                        queue.attach(detached);
                        prop_assert_eq!(queue.first_len(), first);
                    }
                    Step::Join(count) => {
                        queue.join(count, &pool);
                        prop_assert!(queue.first_len() >= count.min(model.len()));
                    }
                    Step::Front => {
                        // While the first chunk is outside, the queue has all others, and takes
                        // more.
                        let front = queue.take_front();
                        let taken = front.bytes().len();
                        prop_assert_eq!(front.bytes(), &model[..taken]);
                        prop_assert_eq!(queue.len(), model.len() - taken);
                        queue.append(&[1, 2], 16, &pool);
                        model.extend([1, 2]);
                        queue.put_front(front);
                    }
                    Step::Clear => {
                        queue.clear(&pool);
                        model.clear();
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
                let mut copy = vec![9; model.len() + 3];
                for offset in [0, 1, model.len() / 2, model.len()] {
                    let count = queue.copy_to(offset, &mut copy);
                    prop_assert_eq!(&copy[..count], model.get(offset..).unwrap_or_default());
                    let found = model.iter().skip(offset).position(|&b| b == 3);
                    let found = found.map(|at| at + offset);
                    prop_assert_eq!(queue.find(3, offset), found);
                    for to in [0, offset, model.len() / 3, model.len() + 1] {
                        let within = found.filter(|&at| at < to);
                        prop_assert_eq!(queue.find_within(3, offset, to), within);
                    }
                    for max in [0, 5, usize::MAX] {
                        let mut copy = vec![7];
                        let count = queue.copy_to_vec(offset, max, &mut copy);
                        let rest = model.get(offset..).unwrap_or_default();
                        prop_assert_eq!(count, rest.len().min(max));
                        prop_assert_eq!(&copy[1..], &rest[..count]);
                    }
                }
                for offset in [0, 1, model.len() / 2, model.len()] {
                    let mut slices = [IoSlice::new(&[]); 100];
                    let count = queue.slices(offset, &mut slices);
                    let joined: Vec<u8> =
                        slices[..count].iter().flat_map(|s| s.iter().copied()).collect();
                    if let Some(only) = queue.only_slice(offset) {
                        prop_assert_eq!(only, &joined[..]);
                    }
                    prop_assert_eq!(joined, model.get(offset..).unwrap_or_default());
                }
            }
        }
    }

    #[test]
    fn an_empty_queue_holds_no_memory() {
        let pool = BufferPool::default();
        let mut queue = ByteQueue::default();
        queue.append(&[1; 100], SMALL, &pool);
        queue.consume(100, &pool);
        assert_eq!(queue.head.data.as_mut_vec().unwrap().capacity(), 0);
        assert_eq!(pool.small_kept(), 1);
    }

    #[test]
    fn a_block_with_few_bytes_goes_back_to_the_pool() {
        let (pool, mut queue) = (BufferPool::default(), ByteQueue::default());
        let mut block = pool.take_block();
        block.memory_mut().extend_from_slice(b"some of this is read");
        let place = block.as_ptr();
        queue.append_block(block);
        queue.consume(5, &pool);
        queue.return_block(&pool);
        assert!(queue.head.data.as_mut_vec().unwrap().capacity() <= SMALL);
        let block = pool.take_block();
        assert_eq!(block.as_ptr(), place);
        pool.put_block(block);
        queue.append(b".", 16, &pool);
        assert_eq!(queue.take_all(&pool), b"of this is read.");
        // A block that is filled well stays.
        let mut block = pool.take_block();
        block.memory_mut().resize(GIVEN_AWAY + 4096, 0);
        let count = block.len();
        queue.append_block(block);
        queue.return_block(&pool);
        assert!(queue.head.data.is_block());
        assert_eq!(queue.take_all(&pool).len(), count);
    }

    #[test]
    fn blocks_are_bounded_as_asked() {
        let pool = BufferPool::default();
        let mut queue = ByteQueue::default();
        // As in Qt's write buffer, data that does not fit into the last block goes into a block of
        // its own.
        for _ in 0..3 {
            queue.append(&[0; 10_000], 16_384, &pool);
        }
        assert_eq!(queue.first_len(), 10_000);
        queue.append(&[0; 6_000], 16_384, &pool);
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(queue.slices(0, &mut slices), 3);
        assert_eq!(slices[2].len(), 16_000);
    }
}
