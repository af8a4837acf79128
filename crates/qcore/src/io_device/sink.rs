//! Where bytes that are read from a device go.

use super::{byte_queue::ByteQueue, pool::BufferPool};

/// What one read may fill: a part of the caller's memory, or of a `Vec` that grows with what comes.
pub(super) struct Sink<'a> {
    to: To<'a>,
    /// Where this read begins in `to`.
    from: usize,
    /// The most that this read takes.
    max: usize,
    /// How much of it has been looked at for carriage returns.
    stripped: usize,
}

enum To<'a> {
    Slice { data: &'a mut [u8], filled: usize },
    Vec(&'a mut Vec<u8>),
}

impl<'a> Sink<'a> {
    /// Fills `data` from its beginning.
    pub(super) fn slice(data: &'a mut [u8]) -> Self {
        let max = data.len();
        Sink { to: To::Slice { data, filled: 0 }, from: 0, max, stripped: 0 }
    }

    /// Appends at most `max` bytes to `data`.
    pub(super) fn vec(data: &'a mut Vec<u8>, max: usize) -> Self {
        let from = data.len();
        Sink { to: To::Vec(data), from, max, stripped: 0 }
    }

    /// What this read has put here so far.
    #[inline]
    pub(super) fn filled(&self) -> &[u8] {
        match &self.to {
            To::Slice { data, filled } => &data[..*filled],
            To::Vec(data) => &data[self.from..],
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.filled().len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn room(&self) -> usize {
        self.max - self.len()
    }

    /// Whether the memory for all of the room is there already.
    #[inline]
    pub(super) fn is_slice(&self) -> bool {
        matches!(self.to, To::Slice { .. })
    }

    /// Takes at most `max` of the bytes at `at` of a queue, leaving them there; how many that were.
    pub(super) fn copy(&mut self, queue: &ByteQueue, at: usize, max: usize) -> usize {
        let max = max.min(self.room());
        match &mut self.to {
            To::Slice { data, filled } => {
                let count = queue.copy_to(at, &mut data[*filled..*filled + max]);
                *filled += count;
                count
            }
            To::Vec(data) => queue.copy_to_vec(at, max, data),
        }
    }

    /// Takes the bytes of a queue, as many as there is room for; how many that were.
    pub(super) fn drain(&mut self, queue: &mut ByteQueue, pool: &BufferPool) -> usize {
        if queue.is_empty() {
            return 0;
        }
        let room = self.room();
        if let To::Vec(data) = &mut self.to
            && data.is_empty()
            && queue.len() <= room
        {
            // The chunk itself changes hands, if it can.
            **data = queue.take_all(pool);
            return data.len();
        }
        let count = self.copy(queue, 0, usize::MAX);
        queue.consume(count, pool);
        count
    }

    /// Adds a copy of `bytes`, which have room.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        match &mut self.to {
            To::Slice { data, filled } => {
                data[*filled..*filled + bytes.len()].copy_from_slice(bytes);
                *filled += bytes.len();
            }
            To::Vec(data) => data.extend_from_slice(bytes),
        }
    }

    /// Makes `want` bytes of room into memory, has them filled, and keeps as many as `fill`
    /// returns.
    pub(super) fn extend_with<E>(
        &mut self,
        want: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        match &mut self.to {
            To::Slice { data, filled } => {
                let count = fill(&mut data[*filled..*filled + want])?.min(want);
                *filled += count;
                Ok(count)
            }
            To::Vec(data) => {
                let before = data.len();
                if before == 0 {
                    // Zeros from the system cost nothing until they are written to.
                    **data = vec![0; want];
                } else {
                    data.resize(before + want, 0);
                }
                let count = fill(&mut data[before..]).map(|count| count.min(want));
                data.truncate(before + count.as_ref().map_or(0, |&count| count));
                count
            }
        }
    }

    /// Leaves the carriage returns out of what has come since the last call. Returns whether
    /// anything had.
    pub(super) fn strip_returns(&mut self) -> bool {
        let (from, at) = (self.from, self.from + self.stripped);
        let end = from + self.len();
        if at == end {
            return false;
        }
        match &mut self.to {
            To::Slice { data, filled } => *filled = at + strip_returns(&mut data[at..end]),
            To::Vec(data) => {
                let kept = strip_returns(&mut data[at..]);
                data.truncate(at + kept);
            }
        }
        self.stripped = self.len();
        true
    }

    /// Makes the `\r\n` that this read may end with a `\n`.
    pub(super) fn strip_line_end(&mut self) {
        if !self.filled().ends_with(b"\r\n") {
            return;
        }
        match &mut self.to {
            To::Slice { data, filled } => {
                data[*filled - 2] = b'\n';
                *filled -= 1;
            }
            To::Vec(data) => {
                data.pop();
                data.pop();
                data.push(b'\n');
            }
        }
    }
}

/// Moves the bytes together that are no carriage returns; how many there are.
fn strip_returns(data: &mut [u8]) -> usize {
    let mut kept = 0;
    for at in 0..data.len() {
        if data[at] != b'\r' {
            data[kept] = data[at];
            kept += 1;
        }
    }
    kept
}
