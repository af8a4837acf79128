//! The destination of a read: a slice or a `Vec`.

use super::{BufferPool, ByteQueue};

/// The destination of one read: a slice of the caller's, or a `Vec` that grows with the data.
pub(super) struct Sink<'a> {
    to: To<'a>,
    /// The offset in `to` at which this read begins.
    from: usize,
    /// The most bytes that this read takes.
    max: usize,
    /// How many bytes of this read `strip_returns` has processed.
    stripped: usize,
}

enum To<'a> {
    Slice { data: &'a mut [u8], filled: usize },
    Vec(&'a mut Vec<u8>),
}

impl<'a> Sink<'a> {
    /// Creates a sink that fills `data` from its beginning.
    pub(super) fn slice(data: &'a mut [u8]) -> Self {
        let max = data.len();
        Sink { to: To::Slice { data, filled: 0 }, from: 0, max, stripped: 0 }
    }

    /// Creates a sink that appends at most `max` bytes to `data`.
    pub(super) fn vec(data: &'a mut Vec<u8>, max: usize) -> Self {
        let from = data.len();
        Sink { to: To::Vec(data), from, max, stripped: 0 }
    }

    /// Returns the bytes that this read has stored so far.
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

    /// Returns whether the sink is a slice: the memory for all its room exists already.
    #[inline]
    pub(super) fn is_slice(&self) -> bool {
        matches!(self.to, To::Slice { .. })
    }

    /// Copies at most `max` bytes from offset `at` of `queue` and leaves them there. Returns their
    /// number.
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

    /// Moves bytes from `queue` into the sink, as many as there is room for. Returns their number.
    pub(super) fn drain(&mut self, queue: &mut ByteQueue, pool: &BufferPool) -> usize {
        if queue.is_empty() {
            return 0;
        }
        let room = self.room();
        if let To::Vec(data) = &mut self.to
            && data.is_empty()
            && queue.len() <= room
        {
            // Hands over the chunk itself, if that is possible.
            **data = queue.take_all(pool);
            return data.len();
        }
        let count = self.copy(queue, 0, usize::MAX);
        queue.consume(count, pool);
        count
    }

    /// Appends a copy of `bytes`. The caller has checked that they fit.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        match &mut self.to {
            To::Slice { data, filled } => {
                data[*filled..*filled + bytes.len()].copy_from_slice(bytes);
                *filled += bytes.len();
            }
            To::Vec(data) => data.extend_from_slice(bytes),
        }
    }

    /// Allocates `want` bytes, calls `fill` with them, and keeps as many as `fill` returns.
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
                    // Zeroed pages from the system cost nothing until they are written to.
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

    /// Removes the carriage returns from the bytes stored since the last call. Returns whether any
    /// bytes were stored since then.
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

    /// Replaces a `\r\n` at the end of this read with `\n`.
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

/// Moves all bytes except carriage returns to the front of `data`. Returns their number.
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
