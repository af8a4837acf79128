//! What waits to be delivered by the loop itself: queued slots, posted calls, deletions.

use std::{
    collections::VecDeque,
    rc::{Rc, Weak},
};

use super::Dispatcher;
use crate::object::Life;

/// Something of which one delivery waits.
pub(crate) trait Deliver {
    fn deliver(&self, dispatcher: &Rc<Dispatcher>);
}

pub(super) enum Posted {
    Call(Box<dyn FnOnce()>),
    Delivery(Rc<dyn Deliver>),
    /// An object's end, and the depth of deliveries and loops at which it was asked for.
    Deletion(Weak<Life>, u32),
}

/// First in, first out. A round takes what is there when it begins.
#[derive(Default)]
pub(super) struct PostQueue {
    queue: VecDeque<Posted>,
    /// How many were ever taken out, so that a place in the queue keeps its number.
    taken: u64,
    /// Deletions that came up while a loop too deep for them was running.
    parked: Vec<(Weak<Life>, u32)>,
}

impl PostQueue {
    pub(super) fn push(&mut self, posted: Posted) {
        self.queue.push_back(posted);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The number of the first place.
    pub(super) fn start(&self) -> u64 {
        self.taken
    }

    /// The number of the first place behind the queue as it is now.
    pub(super) fn end(&self) -> u64 {
        self.taken + self.queue.len() as u64
    }

    /// The next one before `end`.
    pub(super) fn pop(&mut self, end: u64) -> Option<Posted> {
        if self.taken >= end {
            return None;
        }
        let posted = self.queue.pop_front()?;
        self.taken += 1;
        Some(posted)
    }

    pub(super) fn park(&mut self, object: Weak<Life>, level: u32) {
        self.parked.push((object, level));
    }

    /// The next deletion from place `at` on and before `end` that was asked for at `level` or deeper.
    /// Its place stays, empty, so that all others keep theirs.
    pub(super) fn take_deletion(
        &mut self,
        at: &mut u64,
        end: u64,
        level: u32,
    ) -> Option<Weak<Life>> {
        // A loop that ran in between may have taken some out.
        *at = self.taken.max(*at);
        while *at < end {
            let posted = self.queue.get_mut((*at - self.taken) as usize)?;
            *at += 1;
            if let Posted::Deletion(object, asked) = posted
                && *asked >= level
            {
                return Some(std::mem::take(object));
            }
        }
        None
    }

    /// Puts the deletions back in line whose level `may` be carried out now. They are older than all
    /// that waits, and come first.
    pub(super) fn unpark(&mut self, may: impl Fn(u32) -> bool) {
        if self.parked.is_empty() {
            return;
        }
        let (due, parked) =
            std::mem::take(&mut self.parked).into_iter().partition(|&(_, asked)| may(asked));
        self.parked = parked;
        let due: Vec<_> = due;
        for (object, asked) in due.into_iter().rev() {
            self.queue.push_front(Posted::Deletion(object, asked));
            self.taken -= 1;
        }
    }

    pub(super) fn take_all(&mut self) -> VecDeque<Posted> {
        self.parked.clear();
        self.taken += self.queue.len() as u64;
        std::mem::take(&mut self.queue)
    }
}

/// Whether a deletion asked for at level `asked` is done at level `now`.
///
/// A level counts the loops that run and the deliveries under way. A slot is one deeper than its
/// loop, so what it asks for is done by that loop, and not by one which the slot runs itself. What
/// was asked for outside of all loops is done by the first one.
pub(super) fn may_delete(asked: u32, now: u32) -> bool {
    asked > now || (asked == 0 && now > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_waits_for_its_level() {
        // A slot (loop + delivery = 2) asks: its loop (1) does it, a loop it runs itself (3) not.
        assert!(may_delete(2, 1));
        assert!(!may_delete(2, 3));
        assert!(!may_delete(2, 2));
        // Asked for outside: any loop, but not processEvents() outside of one.
        assert!(may_delete(0, 1));
        assert!(may_delete(0, 3));
        assert!(!may_delete(0, 0));
    }

    #[test]
    fn a_round_ends_where_the_queue_ended() {
        let mut queue = PostQueue::default();
        queue.push(Posted::Call(Box::new(|| ())));
        let end = queue.end();
        queue.push(Posted::Call(Box::new(|| ())));
        assert!(queue.pop(end).is_some());
        assert!(queue.pop(end).is_none());
        assert!(queue.pop(queue.end()).is_some());
        assert!(queue.is_empty());
    }
}
