//! The state of an engine for datagrams.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
};

use qcore::Dispatcher;

use super::read_ahead::{Arenas, ReadAhead};
use crate::sys::datagrams::Arrival;

/// The most datagrams that a slot can read in one turn of the loop, so that other sources get their
/// turn.
const BUDGET: u32 = 1024;

/// The datagrams and the error that were read ahead, and whether there may be more.
pub(super) struct DatagramState {
    ahead: RefCell<ReadAhead>,
    /// An error that the system reported while datagrams were read ahead. The next call returns it.
    error: RefCell<Option<io::Error>>,
    local_port: Cell<u16>,
    /// The system has reported that there are no more datagrams, and the poll has reported none
    /// since.
    drained: Cell<bool>,
    guess: Guess,
    /// How many datagrams were taken in this turn.
    taken: Cell<u32>,
    /// Whether the system divides large messages into datagrams, as far as is known.
    segments: Cell<bool>,
}

impl DatagramState {
    pub(super) fn new(dispatcher: &Rc<Dispatcher>) -> Self {
        DatagramState {
            ahead: RefCell::new(ReadAhead::new(dispatcher.local::<Arenas>())),
            error: RefCell::default(),
            local_port: Cell::new(0),
            drained: Cell::new(false),
            guess: Guess::default(),
            taken: Cell::new(0),
            segments: Cell::new(true),
        }
    }

    /// Returns the port at which the datagrams arrive; 0 if it is not known.
    pub(super) fn local_port(&self) -> u16 {
        self.local_port.get()
    }

    pub(super) fn set_local_port(&self, port: u16) {
        self.local_port.set(port);
    }

    pub(super) fn segments(&self) -> &Cell<bool> {
        &self.segments
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ahead.borrow().is_empty() && self.error.borrow().is_none()
    }

    /// Returns the size of the first datagram that was read ahead.
    pub(super) fn first_len(&self) -> Option<usize> {
        self.ahead.borrow().first_len()
    }

    /// Reads datagrams ahead; see [`ReadAhead::fill`]. Returns whether there may be more.
    pub(super) fn fill(
        &self,
        receive: impl FnOnce(&mut [u8], usize, &mut dyn FnMut(usize, Arrival)) -> io::Result<usize>,
    ) -> io::Result<bool> {
        self.ahead.borrow_mut().fill(receive)
    }

    /// Records whether the system has returned datagrams, and whether it may have more.
    pub(super) fn note_answer(&self, found: bool, more: bool) {
        self.drained.set(!more);
        self.guess.learn(found);
    }

    /// Records that the poll has reported datagrams.
    pub(super) fn note_event(&self) {
        self.drained.set(false);
    }

    /// Lends the first datagram to `take` and drops it. Returns whether there was one.
    pub(super) fn take(&self, take: impl FnOnce(&[u8], &Arrival)) -> bool {
        self.ahead.borrow_mut().take(take)
    }

    /// Counts what a slot has taken in this turn.
    pub(super) fn count_taken(&self, taken: bool) {
        self.taken.set(self.taken.get().saturating_add(taken.into()));
    }

    pub(super) fn keep_error(&self, error: io::Error) {
        self.error.replace(Some(error));
    }

    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.error.take()
    }

    /// Returns whether a slot that takes all datagrams should ask for more.
    pub(super) fn may_have_more(&self) -> bool {
        if self.taken.get() >= BUDGET {
            return false;
        }
        !self.is_empty() || !self.drained.get() || self.guess.asks()
    }

    /// Moves the datagrams that the slots of this turn have not taken to the socket's own buffer.
    pub(super) fn settle(&self) {
        self.taken.set(0);
        self.ahead.borrow_mut().settle();
    }
}

/// Decides whether to ask the system for more datagrams than the poll has reported.
///
/// If a program answers each datagram at once and the other end runs on the same processor, the
/// next datagram has often arrived before the loop polls again. Asking then saves the call of the
/// poll. If no datagram has arrived, asking is a wasted call. So the engine asks the system if
/// asking has paid lately.
#[derive(Default)]
struct Guess {
    /// How many more times to ask without success.
    trust: Cell<u8>,
    /// How many times in a row the engine did not ask.
    passed: Cell<u8>,
    asking: Cell<bool>,
}

impl Guess {
    /// How many times in a row asking may find nothing before the engine stops asking.
    const TRUST: u8 = 8;

    /// Returns whether to ask. The answer is yes at least once in 256 times.
    fn asks(&self) -> bool {
        let passed = self.passed.get().wrapping_add(1);
        let asks = self.trust.get() > 0 || passed == 0;
        self.asking.set(asks);
        self.passed.set(if asks { 0 } else { passed });
        asks
    }

    /// Learns whether asking has found a datagram.
    fn learn(&self, found: bool) {
        if self.asking.replace(false) {
            self.trust.set(if found { Self::TRUST } else { self.trust.get().saturating_sub(1) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_if_that_has_paid() {
        let guess = Guess::default();
        let asks = |found: bool| {
            let asks = guess.asks();
            guess.learn(found);
            asks
        };
        // It still asks once in 256 times.
        assert_eq!((0..512).filter(|_| asks(false)).count(), 2);
        assert_eq!((0..256).filter(|_| asks(true)).count(), 1);
        assert!((0..1000).all(|_| asks(true)));
        // Some failures are forgiven.
        for _ in 1..Guess::TRUST {
            assert!(asks(false));
        }
        assert!(asks(true));
        assert_eq!((0..100).filter(|_| asks(false)).count(), usize::from(Guess::TRUST));
    }
}
