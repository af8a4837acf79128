//! Parts that few sockets have.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Weak,
    task::Waker,
};

use smallvec::SmallVec;

use super::AbstractSocketNode;
use crate::socket::rate_limit::RateLimit;

/// A direction in which a socket moves bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Reading,
    Writing,
}

/// The tasks that wait for something.
type Wakers = RefCell<SmallVec<[Waker; 1]>>;

/// Parts that few sockets have, behind one pointer.
#[derive(Default)]
pub(crate) struct Extras(OnceCell<Box<Parts>>);

#[derive(Default)]
struct Parts {
    /// How many tasks move received bytes without the read buffer.
    reading_taps: Cell<u32>,
    /// The tasks that wait until there is something to read.
    readers: Wakers,
    /// The tasks that wait until the system takes bytes.
    writers: Wakers,
    /// How many splices have bytes in the kernel that their target does not take: those that read
    /// from this socket, and those that write to it.
    stalled: [Cell<u32>; 2],
    /// The limits of bytes per second, for reading and for writing.
    limits: [Limited; 2],
}

/// A direction with a limit of bytes per second.
#[derive(Default)]
struct Limited {
    limit: RefCell<Option<RateLimit>>,
    /// How many bytes the limit has granted to this socket after it has waited.
    granted: Cell<usize>,
    /// Whether the socket waits for its share.
    waits: Cell<bool>,
}

impl Extras {
    fn parts(&self) -> &Parts {
        self.0.get_or_init(Box::default)
    }

    /// Leaves received bytes with the system until [`untap`](Self::untap): a task moves them.
    pub(crate) fn tap(&self) {
        let taps = &self.parts().reading_taps;
        taps.set(taps.get() + 1);
    }

    pub(crate) fn untap(&self) {
        let parts = self.parts();
        parts.reading_taps.set(parts.reading_taps.get() - 1);
        let readers = parts.readers.take();
        drop(readers);
    }

    /// Returns whether a task moves the received bytes.
    pub(crate) fn is_tapped(&self) -> bool {
        self.0.get().is_some_and(|parts| parts.reading_taps.get() > 0)
    }

    /// Wakes a task when there is something to read, or the connection has ended.
    pub(crate) fn wake_for_reading(&self, waker: &Waker) {
        add(&self.parts().readers, waker);
    }

    /// Wakes a task when the system takes bytes, or the connection has ended.
    pub(crate) fn wake_for_writing(&self, waker: &Waker) {
        add(&self.parts().writers, waker);
    }

    /// A splice that moves bytes in this direction waits with bytes that its target does not take,
    /// or does so no longer.
    pub(crate) fn set_stalled(&self, direction: Direction, is_stalled: bool) {
        let count = &self.parts().stalled[direction as usize];
        count.set(if is_stalled { count.get() + 1 } else { count.get() - 1 });
    }

    /// Returns whether a splice in this direction has bytes that its target does not take.
    pub(crate) fn is_stalled(&self, direction: Direction) -> bool {
        self.0.get().is_some_and(|parts| parts.stalled[direction as usize].get() > 0)
    }

    /// There is something to read. Returns whether a task moves it.
    #[inline]
    pub(crate) fn on_readable(&self) -> bool {
        let Some(parts) = self.0.get() else { return false };
        if parts.reading_taps.get() == 0 {
            return false;
        }
        wake(&parts.readers);
        true
    }

    /// The system takes bytes.
    #[inline]
    pub(crate) fn on_writable(&self) {
        if let Some(parts) = self.0.get() {
            wake(&parts.writers);
        }
    }

    /// The connection has ended.
    pub(crate) fn on_end(&self) {
        if let Some(parts) = self.0.get() {
            wake(&parts.readers);
            wake(&parts.writers);
        }
    }
}

/// # Limits of bytes per second
impl Extras {
    #[inline]
    fn limited(&self, direction: Direction) -> Option<&Limited> {
        Some(&self.0.get()?.limits[direction as usize])
    }

    /// Returns whether there is a limit in either direction.
    pub(crate) fn has_limits(&self) -> bool {
        self.limit(Direction::Reading).is_some() || self.limit(Direction::Writing).is_some()
    }

    /// Returns whether the socket waits for its share of a limit.
    pub(crate) fn waits(&self, direction: Direction) -> bool {
        self.limited(direction).is_some_and(|limited| limited.waits.get())
    }

    pub(crate) fn limit(&self, direction: Direction) -> Option<RateLimit> {
        self.limited(direction)?.limit.borrow().clone()
    }

    /// Sets a limit. Returns whether the socket has waited for the one before.
    pub(crate) fn set_limit(&self, direction: Direction, limit: Option<&RateLimit>) -> bool {
        if limit.is_none() && self.0.get().is_none() {
            return false;
        }
        self.return_grant(direction);
        let limited = &self.parts().limits[direction as usize];
        let before = limited.limit.replace(limit.cloned());
        drop(before);
        limited.waits.replace(false)
    }

    /// Returns how many of `want` bytes the socket may move now. If it may move none, it waits for
    /// its share.
    #[inline]
    pub(crate) fn allow(
        &self,
        direction: Direction,
        want: usize,
        node: &Weak<AbstractSocketNode>,
    ) -> usize {
        match self.limited(direction) {
            None => want,
            Some(limited) => limited.allow(direction, want, node),
        }
    }

    /// The socket has moved bytes: `moved` of those that were allowed. `None` means that it has not
    /// asked.
    #[inline]
    pub(crate) fn settle(&self, direction: Direction, allowed: Option<usize>, moved: usize) {
        if let Some(limited) = self.limited(direction) {
            limited.settle(allowed, moved);
        }
    }

    /// Grants bytes to the socket, which has waited. Returns whether the socket still has this
    /// limit and waits.
    pub(crate) fn grant(&self, limit: &RateLimit, direction: Direction, count: usize) -> bool {
        let Some(limited) = self.limited(direction) else { return false };
        let is_it = limited.limit.borrow().as_ref().is_some_and(|own| own.is(limit));
        if !is_it || !limited.waits.replace(false) {
            return false;
        }
        limited.granted.set(count);
        true
    }

    /// Gives back granted bytes that the socket does not need.
    pub(crate) fn return_grant(&self, direction: Direction) {
        if let Some(limited) = self.limited(direction) {
            let granted = limited.granted.take();
            if let Some(limit) = &*limited.limit.borrow() {
                limit.give_back(granted);
            }
        }
    }
}

impl Limited {
    #[cold]
    #[inline(never)]
    fn settle(&self, allowed: Option<usize>, moved: usize) {
        if let Some(limit) = &*self.limit.borrow() {
            match allowed {
                Some(allowed) => limit.give_back(allowed.saturating_sub(moved)),
                None => limit.charge(moved),
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn allow(&self, direction: Direction, want: usize, node: &Weak<AbstractSocketNode>) -> usize {
        let limit = self.limit.borrow().clone();
        let Some(limit) = limit else { return want };
        if self.waits.get() || want == 0 {
            return 0;
        }
        let granted = self.granted.take();
        if granted > 0 {
            limit.give_back(granted.saturating_sub(want));
            return granted.min(want);
        }
        let taken = limit.take(want);
        if taken == 0 {
            self.waits.set(true);
            limit.wait(node.clone(), direction);
        }
        taken
    }
}

fn add(wakers: &Wakers, waker: &Waker) {
    if !wakers.borrow().iter().any(|known| known.will_wake(waker)) {
        let waker = waker.clone();
        wakers.borrow_mut().push(waker);
    }
}

#[cold]
fn wake(wakers: &Wakers) {
    let wakers = wakers.take();
    for waker in wakers {
        waker.wake();
    }
}
