//! What is posted and waits: calls, and what is delivered to objects.

use std::{any::Any, collections::VecDeque, rc::Rc};

use slab::Slab;

use crate::id::ObjectId;

/// Something of which one delivery waits: a queued slot, an event, an object's end.
pub(crate) trait Deliver {
    /// Makes the delivery.
    fn deliver(&self);

    /// There will be none: returns what would have been delivered, to be dropped.
    fn cancel(&self) -> Option<Box<dyn Any>> {
        None
    }

    /// The object that it is for, or [`ObjectId::NONE`].
    fn receiver(&self) -> ObjectId;

    /// A number for its kind. [`Which`] picks by it.
    fn kind(&self) -> u16;

    /// Whether there is anything to do when it comes due. Asked of what waits for its level only.
    fn is_wanted(&self) -> bool {
        true
    }
}

pub(super) enum Posted {
    Call(Box<dyn FnOnce()>),
    Delivery(Rc<dyn Deliver>),
    /// A delivery, and the depth of deliveries and loops at which it was asked for: it waits for a
    /// lesser depth.
    ForLevel(Rc<dyn Deliver>, u32),
    /// It was delivered or removed out of its order.
    Gone,
}

impl Posted {
    fn delivery(&self) -> Option<&Rc<dyn Deliver>> {
        match self {
            Posted::Call(_) | Posted::Gone => None,
            Posted::Delivery(delivery) | Posted::ForLevel(delivery, _) => Some(delivery),
        }
    }

    /// It will not be delivered: returns what would have been, to be dropped.
    pub(super) fn cancel(&self) -> Option<Box<dyn Any>> {
        self.delivery()?.cancel()
    }
}

/// No place in the table.
const NONE: u32 = u32::MAX;

/// Some of what is posted.
pub(crate) struct Which {
    receiver: Option<ObjectId>,
    kind: Option<u16>,
}

impl Which {
    pub(crate) const ALL: Which = Which { receiver: None, kind: None };

    /// What is for one object, if one is given, and of one kind, if that is given.
    pub(crate) fn new(receiver: Option<ObjectId>, kind: Option<u16>) -> Self {
        Which { receiver, kind }
    }

    fn is_all(&self) -> bool {
        self.receiver.is_none() && self.kind.is_none()
    }

    fn has(&self, posted: &Posted) -> bool {
        posted.delivery().is_some_and(|delivery| {
            self.kind.is_none_or(|wanted| wanted == delivery.kind())
                && self.receiver.is_none_or(|wanted| wanted == delivery.receiver())
        })
    }

    /// Whether what was asked for at level `asked`, and is one of these, is done at level `now`.
    ///
    /// A level counts the loops that run, the deliveries under way and the events that are being
    /// sent. A slot is one deeper than its loop, so what it asks for is done by that loop, and not
    /// by one which the slot runs itself; unless somebody asks for this kind in particular. What
    /// was asked for outside of all loops is done by the first one.
    fn may_run(&self, asked: u32, now: u32) -> bool {
        asked > now || (asked == 0 && now > 0) || (asked == now && self.kind.is_some())
    }
}

/// By priority, and first in, first out. A round takes what is there when it begins.
///
/// What waits for its level, a deletion, goes to the end if a round comes to it before its time,
/// behind all that waits: so it is with Qt, and so events for the object that were posted before it
/// is due still come.
#[derive(Default)]
pub(super) struct PostQueue {
    queue: VecDeque<Entry>,
    /// What is addressed to an object.
    table: Slab<Stored>,
    /// For each index of an object: the newest of what is posted to the object. With this list, an
    /// object's death removes what is posted to the object without a look at anything else.
    newest: Vec<u32>,
    /// How many were ever taken out, so that a place in the queue keeps its number.
    taken: u64,
    /// The first place behind what the round that began last takes: nothing is put in before it.
    behind: u64,
    /// How many rounds are under way, one in the other. Each has a place in the queue.
    rounds: u32,
    /// How many in the queue were delivered or removed out of their order.
    gone: usize,
}

struct Entry {
    priority: i32,
    place: Place,
}

/// Where something is that waits in the queue.
enum Place {
    /// Here: it is addressed to nobody.
    Here(Posted),
    /// In the table.
    Table(u32),
}

struct Stored {
    posted: Posted,
    receiver: ObjectId,
    /// The neighbours in the list of what is posted to the same object.
    newer: u32,
    older: u32,
}

/// How far a round has come.
pub(super) enum Round {
    /// One that takes everything, and so empties the queue.
    All,
    /// One that takes some, from this place on.
    Some(u64),
}

impl PostQueue {
    #[inline]
    pub(super) fn push(&mut self, posted: Posted) {
        self.push_with(0, posted);
    }

    #[inline]
    pub(super) fn push_with(&mut self, priority: i32, posted: Posted) {
        let receiver = posted.delivery().map_or(ObjectId::NONE, |delivery| delivery.receiver());
        let place = match receiver {
            ObjectId::NONE => Place::Here(posted),
            receiver => Place::Table(self.store(posted, receiver)),
        };
        self.enqueue(Entry { priority, place });
    }

    #[inline]
    fn enqueue(&mut self, entry: Entry) {
        match self.queue.back() {
            Some(last) if last.priority < entry.priority => {
                let from = self.behind.saturating_sub(self.taken) as usize;
                self.queue.insert(self.place_for(entry.priority, from), entry);
            }
            _ => self.queue.push_back(entry),
        }
    }

    /// Behind those of the same priority. From `from` on the queue is sorted.
    fn place_for(&self, priority: i32, from: usize) -> usize {
        let (mut low, mut high) = (from.min(self.queue.len()), self.queue.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.queue[middle].priority >= priority {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    // ---- the table

    fn store(&mut self, posted: Posted, receiver: ObjectId) -> u32 {
        let index = receiver.index();
        if index >= self.newest.len() {
            self.newest.resize(index + 1, NONE);
        }
        let older = self.newest[index];
        let key = self.table.insert(Stored { posted, receiver, newer: NONE, older }) as u32;
        if let Some(older) = self.table.get_mut(older as usize) {
            older.newer = key;
        }
        self.newest[index] = key;
        key
    }

    /// Takes what is in the table, and the object's list is without it. The entry stays in the
    /// queue.
    fn take(&mut self, key: u32) -> Posted {
        let stored = &mut self.table[key as usize];
        let posted = std::mem::replace(&mut stored.posted, Posted::Gone);
        if matches!(posted, Posted::Gone) {
            return posted;
        }
        let (index, newer, older) = (stored.receiver.index(), stored.newer, stored.older);
        if let Some(older) = self.table.get_mut(older as usize) {
            older.newer = newer;
        }
        match self.table.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest[index] = older,
        }
        posted
    }

    /// Takes what is at a place of the queue, which stays there.
    fn take_at(&mut self, at: usize) -> Posted {
        match &mut self.queue[at].place {
            Place::Here(posted) => std::mem::replace(posted, Posted::Gone),
            Place::Table(key) => {
                let key = *key;
                self.take(key)
            }
        }
    }

    fn posted<'a>(&'a self, entry: &'a Entry) -> &'a Posted {
        match &entry.place {
            Place::Here(posted) => posted,
            Place::Table(key) => &self.table[*key as usize].posted,
        }
    }

    /// The newest of what is posted to an object.
    #[inline]
    fn newest_for(&self, receiver: ObjectId) -> Option<u32> {
        self.newest.get(receiver.index()).copied().filter(|&key| key != NONE)
    }

    /// What is posted to an object, the newest first.
    fn posted_to(&self, receiver: ObjectId) -> impl Iterator<Item = u32> {
        let older = |&at: &u32| Some(self.table[at as usize].older).filter(|&key| key != NONE);
        std::iter::successors(self.newest_for(receiver), older)
    }

    /// Whether anything is posted to an object.
    #[inline]
    pub(super) fn has_any_for(&self, receiver: ObjectId) -> bool {
        self.newest_for(receiver).is_some()
    }

    /// Whether a round over everything would find anything to do at this level.
    pub(super) fn has_work(&self, level: u32) -> bool {
        self.queue.iter().any(|entry| match self.posted(entry) {
            Posted::Gone => false,
            Posted::ForLevel(_, asked) => Which::ALL.may_run(*asked, level),
            _ => true,
        })
    }

    /// Whether any such thing is posted.
    pub(super) fn contains(&self, which: &Which) -> bool {
        match which.receiver {
            Some(receiver) => {
                self.posted_to(receiver).any(|key| which.has(&self.table[key as usize].posted))
            }
            None => self.queue.iter().any(|entry| which.has(self.posted(entry))),
        }
    }

    // ---- rounds

    /// Begins a round over what is posted so far.
    pub(super) fn begin_round(&mut self, which: &Which) -> Round {
        self.rounds += 1;
        self.behind = self.taken + self.queue.len() as u64;
        if which.is_all() { Round::All } else { Round::Some(self.taken) }
    }

    pub(super) fn end_round(&mut self) {
        self.rounds -= 1;
        self.sweep();
    }

    /// Drops what stands for entries that are gone, if they are most of the queue. A thread whose
    /// loop never runs would else gather them for ever.
    fn sweep(&mut self) {
        if self.rounds > 0 || self.gone <= 64 || self.gone * 2 <= self.queue.len() {
            return;
        }
        let before = self.behind.saturating_sub(self.taken) as usize;
        let (mut at, mut left_before) = (0, 0);
        self.queue.retain(|entry| {
            let stays = match &entry.place {
                Place::Here(posted) => !matches!(posted, Posted::Gone),
                Place::Table(key) => {
                    let stays = !matches!(self.table[*key as usize].posted, Posted::Gone);
                    if !stays {
                        self.table.remove(*key as usize);
                    }
                    stays
                }
            };
            left_before += u64::from(stays && at < before);
            at += 1;
            stays
        });
        self.behind = self.taken + left_before;
        self.gone = 0;
    }

    /// The next one of a round. What waits for its level goes to the end before its time, or stays
    /// in its place.
    pub(super) fn next(&mut self, round: &mut Round, which: &Which, level: u32) -> Option<Posted> {
        match round {
            Round::All => self.next_of_all(level),
            Round::Some(at) => self.next_of_some(at, which, level),
        }
    }

    #[inline]
    fn next_of_all(&mut self, level: u32) -> Option<Posted> {
        while self.taken < self.behind {
            let entry = self.queue.pop_front()?;
            self.taken += 1;
            let posted = match entry.place {
                Place::Here(posted) => posted,
                Place::Table(key) => {
                    if let Posted::ForLevel(_, asked) = self.table[key as usize].posted
                        && !Which::ALL.may_run(asked, level)
                    {
                        self.enqueue(entry);
                        continue;
                    }
                    let posted = self.take(key);
                    self.table.remove(key as usize);
                    posted
                }
            };
            if !matches!(posted, Posted::Gone) {
                return Some(posted);
            }
            self.gone -= 1;
        }
        None
    }

    fn next_of_some(&mut self, at: &mut u64, which: &Which, level: u32) -> Option<Posted> {
        // A loop that ran in between may have taken some out.
        *at = self.taken.max(*at);
        while *at < self.behind {
            let index = (*at - self.taken) as usize;
            let posted = self.posted(self.queue.get(index)?);
            *at += 1;
            let due = match posted {
                Posted::ForLevel(_, asked) => which.may_run(*asked, level),
                _ => true,
            };
            if due && which.has(posted) {
                self.gone += 1;
                return Some(self.take_at(index));
            }
        }
        None
    }

    /// Takes some out that will not be delivered. To be dropped with nothing borrowed.
    pub(super) fn remove(&mut self, which: &Which) -> Vec<Posted> {
        let removed = self.take_some(which);
        self.gone += removed.len();
        self.sweep();
        removed
    }

    fn take_some(&mut self, which: &Which) -> Vec<Posted> {
        let Some(receiver) = which.receiver else {
            let found: Vec<_> = (0..self.queue.len())
                .filter(|&at| which.has(self.posted(&self.queue[at])))
                .collect();
            return found.into_iter().map(|at| self.take_at(at)).collect();
        };
        let is_wanted = |key: &u32| which.has(&self.table[*key as usize].posted);
        let mut found: Vec<_> = self.posted_to(receiver).filter(is_wanted).collect();
        found.reverse();
        found.into_iter().map(|key| self.take(key)).collect()
    }

    /// Takes everything out, for good. To be dropped with nothing borrowed.
    pub(super) fn take_all(&mut self) -> Vec<Posted> {
        let all = (0..self.queue.len()).map(|at| self.take_at(at)).collect();
        self.taken += self.queue.len() as u64;
        self.queue.clear();
        self.table.clear();
        self.newest.clear();
        self.gone = 0;
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Deletion;

    impl Deliver for Deletion {
        fn deliver(&self) {}

        fn receiver(&self) -> ObjectId {
            ObjectId::new(1, 0)
        }

        fn kind(&self) -> u16 {
            52
        }
    }

    fn call() -> Posted {
        Posted::Call(Box::new(|| ()))
    }

    #[test]
    fn what_waits_for_a_level_runs_at_a_lesser_one() {
        let all = |asked, now| Which::ALL.may_run(asked, now);
        // A slot (loop + delivery = 2) asks: its loop (1) does it, a loop it runs itself (3) not.
        assert!(all(2, 1));
        assert!(!all(2, 3));
        assert!(!all(2, 2));
        // Asked for outside: any loop, but not processEvents() outside of one.
        assert!(all(0, 1));
        assert!(all(0, 3));
        assert!(!all(0, 0));
        // Whoever asks for deletions in particular gets those of his own level.
        let deletions = Which::new(None, Some(52));
        assert!(deletions.may_run(0, 0));
        assert!(deletions.may_run(2, 2));
        assert!(!deletions.may_run(2, 3));
    }

    #[test]
    fn a_round_ends_where_the_queue_ended() {
        let mut queue = PostQueue::default();
        queue.push(call());
        let mut round = queue.begin_round(&Which::ALL);
        queue.push(call());
        assert!(queue.next(&mut round, &Which::ALL, 1).is_some());
        assert!(queue.next(&mut round, &Which::ALL, 1).is_none());
        let mut round = queue.begin_round(&Which::ALL);
        assert!(queue.next(&mut round, &Which::ALL, 1).is_some());
        assert!(!queue.has_work(1));
    }

    #[test]
    fn a_deletion_before_its_time_goes_to_the_end_and_is_no_work() {
        let mut queue = PostQueue::default();
        queue.push(Posted::ForLevel(Rc::new(Deletion), 2));
        queue.push(call());
        assert!(queue.has_work(3));
        let mut round = queue.begin_round(&Which::ALL);
        assert!(matches!(queue.next(&mut round, &Which::ALL, 3), Some(Posted::Call(_))));
        assert!(queue.next(&mut round, &Which::ALL, 3).is_none());
        assert!(!queue.has_work(3));
        queue.push(call());
        assert!(queue.has_work(1));
        let mut round = queue.begin_round(&Which::ALL);
        assert!(matches!(queue.next(&mut round, &Which::ALL, 1), Some(Posted::ForLevel(..))));
        assert!(matches!(queue.next(&mut round, &Which::ALL, 1), Some(Posted::Call(_))));
    }

    #[test]
    fn a_thread_whose_loop_never_runs_gathers_nothing() {
        let mut queue = PostQueue::default();
        let deletion = || Posted::Delivery(Rc::new(Deletion));
        let deletions = Which::new(Some(ObjectId::new(1, 0)), None);
        // Many that stay, before and behind where a round ended.
        (0..10).for_each(|_| queue.push(call()));
        let _ = queue.begin_round(&Which::ALL);
        queue.end_round();
        (0..10).for_each(|_| queue.push(call()));
        for _ in 0..1000 {
            queue.push(deletion());
            assert_eq!(queue.remove(&deletions).len(), 1);
            queue.push(deletion());
            let mut round = queue.begin_round(&deletions);
            assert!(queue.next(&mut round, &deletions, 1).is_some());
            assert!(queue.next(&mut round, &deletions, 1).is_none());
            queue.end_round();
        }
        assert!(queue.queue.len() < 200 && queue.table.len() < 200);
        queue.push_with(7, call());
        let mut round = queue.begin_round(&Which::ALL);
        let left = std::iter::from_fn(|| queue.next(&mut round, &Which::ALL, 1)).count();
        assert_eq!(left, 21);
        queue.end_round();
        assert_eq!((queue.gone, queue.table.len()), (0, 0));
    }

    #[test]
    fn priorities_hold_among_those_that_no_round_takes() {
        let mut queue = PostQueue::default();
        queue.push(call());
        queue.push_with(-1, call());
        let _round = queue.begin_round(&Which::ALL);
        for priority in [0, 5, -1, 5, 0, 7] {
            queue.push_with(priority, call());
        }
        let priorities: Vec<_> = queue.queue.iter().map(|entry| entry.priority).collect();
        assert_eq!(priorities, [0, -1, 7, 5, 5, 0, 0, -1]);
    }
}
