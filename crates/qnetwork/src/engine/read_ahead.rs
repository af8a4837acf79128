//! Datagrams that were read from the system but not yet taken.
//!
//! One system call reads many datagrams into a large block of memory (an arena) that all sockets of
//! a loop share. The bytes stay there while the socket's slot runs. Datagrams that the slot leaves
//! are moved to the socket's own buffer, so that the next socket can use the arena. Both are
//! reused, so reading allocates nothing in the steady state.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use crate::sys::datagrams::{Arrival, BATCH, SLOT};

/// How much memory of its own an empty socket keeps, in bytes.
const KEPT: usize = 64 * 1024;
/// The least number of datagrams that a socket asks the system for.
const FEW: usize = 4;

/// The arenas that are not in use. Usually there is one.
#[derive(Default)]
pub(super) struct Arenas(RefCell<Option<Box<[u8]>>>);

impl Arenas {
    fn take(&self) -> Box<[u8]> {
        // A page takes no memory before it is written to.
        self.0.take().unwrap_or_else(|| vec![0; BATCH * SLOT].into_boxed_slice())
    }

    fn put(&self, arena: Box<[u8]>) {
        self.0.replace(Some(arena));
    }
}

pub(super) struct ReadAhead {
    arenas: Rc<Arenas>,
    /// Where the bytes are, unless they are in `kept`.
    arena: Option<Box<[u8]>>,
    kept: Vec<u8>,
    waiting: VecDeque<(usize, Arrival)>,
    /// How many datagrams to ask the system for: more if the last reads returned many.
    want: usize,
}

impl ReadAhead {
    pub(super) fn new(arenas: Rc<Arenas>) -> Self {
        let (kept, waiting) = (Vec::new(), VecDeque::new());
        ReadAhead { arenas, arena: None, kept, waiting, want: FEW }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn first_len(&self) -> Option<usize> {
        self.waiting.front().map(|(_, arrival)| arrival.len)
    }

    /// Calls `receive` to fill at most `want` slots of an arena and report each datagram. `receive`
    /// returns their number. This function returns whether there may be more.
    ///
    /// No datagram may be waiting.
    pub(super) fn fill<E>(
        &mut self,
        receive: impl FnOnce(&mut [u8], usize, &mut dyn FnMut(usize, Arrival)) -> Result<usize, E>,
    ) -> Result<bool, E> {
        debug_assert!(self.waiting.is_empty(), "what waits would be overwritten");
        let mut arena = self.arenas.take();
        let (waiting, want) = (&mut self.waiting, self.want);
        let received = receive(&mut arena, want, &mut |slot, arrival| {
            waiting.push_back((slot * SLOT, arrival))
        });
        match received {
            Ok(count @ 1..) => {
                self.arena = Some(arena);
                let all = count >= want;
                self.want = if all { want * 2 } else { count * 2 }.clamp(FEW, BATCH);
                Ok(all)
            }
            other => {
                self.arenas.put(arena);
                other.map(|_| false)
            }
        }
    }

    /// Passes the first datagram to `take` and removes it. Returns whether there was one.
    pub(super) fn take(&mut self, take: impl FnOnce(&[u8], &Arrival)) -> bool {
        let Some((at, arrival)) = self.waiting.pop_front() else { return false };
        let bytes = self.arena.as_deref().unwrap_or(&self.kept);
        take(&bytes[at..at + arrival.len], &arrival);
        if self.waiting.is_empty() {
            self.clear();
        }
        true
    }

    /// Moves the waiting datagrams out of the shared arena.
    pub(super) fn settle(&mut self) {
        let Some(arena) = self.arena.take() else { return };
        self.kept.clear();
        for (at, arrival) in &mut self.waiting {
            let moved = self.kept.len();
            self.kept.extend_from_slice(&arena[*at..*at + arrival.len]);
            *at = moved;
        }
        self.arenas.put(arena);
    }

    fn clear(&mut self) {
        self.waiting.clear();
        self.kept.clear();
        self.kept.shrink_to(KEPT);
        if let Some(arena) = self.arena.take() {
            self.arenas.put(arena);
        }
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::datagrams::Path;

    fn fill(ahead: &mut ReadAhead, datagrams: &[&[u8]]) -> bool {
        let filled = ahead.fill::<()>(|arena, want, each| {
            let count = datagrams.len().min(want);
            for (slot, data) in datagrams.iter().take(count).enumerate() {
                arena[slot * SLOT..][..data.len()].copy_from_slice(data);
                each(slot, Arrival { len: data.len(), from: None, path: Path::default() });
            }
            Ok(count)
        });
        filled.unwrap()
    }

    fn take(ahead: &mut ReadAhead) -> Option<Vec<u8>> {
        let mut taken = None;
        ahead.take(|data, _| taken = Some(data.to_vec()));
        taken
    }

    #[test]
    fn they_come_in_their_order_wherever_they_are() {
        let arenas = Rc::new(Arenas::default());
        let mut ahead = ReadAhead::new(arenas.clone());
        assert!(!fill(&mut ahead, &[b"one", b"", b"three"]));
        assert_eq!(ahead.first_len(), Some(3));
        assert_eq!(take(&mut ahead), Some(b"one".to_vec()));
        assert!(arenas.0.borrow().is_none());
        ahead.settle();
        assert!(arenas.0.borrow().is_some());
        assert_eq!(ahead.first_len(), Some(0));
        assert_eq!(take(&mut ahead), Some(Vec::new()));
        assert_eq!(take(&mut ahead), Some(b"three".to_vec()));
        assert!(ahead.is_empty());
        assert_eq!(take(&mut ahead), None);
    }

    #[test]
    fn it_asks_for_more_where_there_are_many() {
        let mut ahead = ReadAhead::new(Rc::default());
        let many = [&b"x"[..]; 2 * BATCH];
        for want in [4, 8, 16, 32, 32] {
            assert!(fill(&mut ahead, &many));
            let mut count = 0;
            while take(&mut ahead).is_some() {
                count += 1;
            }
            assert_eq!(count, want);
        }
        assert!(!fill(&mut ahead, &many[..3]));
        assert_eq!(ahead.want, 6);
    }

    #[test]
    fn the_shared_memory_comes_back() {
        let arenas = Rc::new(Arenas::default());
        let mut ahead = ReadAhead::new(arenas.clone());
        fill(&mut ahead, &[b"one"]);
        drop(ahead);
        assert!(arenas.0.borrow().is_some());
        let mut ahead = ReadAhead::new(arenas.clone());
        assert!(ahead.fill(|_, _, _| Err(())).is_err());
        assert!(arenas.0.borrow().is_some());
    }
}
