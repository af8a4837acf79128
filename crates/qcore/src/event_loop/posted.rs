//! The queue of posted items: calls, and deliveries to objects.

use std::{any::Any, cell::Cell, collections::VecDeque, rc::Rc};

use slab::Slab;

use crate::{id::ObjectId, panics::drop_all};

/// A posted delivery: a queued slot, an event, or the deletion of an object.
pub(crate) trait Deliver {
    /// Makes the delivery. A parcel of several calls makes the next one.
    fn deliver(&self);

    /// Returns whether nothing is left to deliver after the next call of
    /// [`deliver`](Deliver::deliver).
    fn is_last(&self) -> bool {
        true
    }

    /// Returns whether [`Which`] can select the delivery.
    fn is_selectable(&self) -> bool {
        true
    }

    /// Cancels the delivery. Returns the value that would have been delivered, for the caller to
    /// drop.
    fn cancel(&self) -> Option<Box<dyn Any>> {
        None
    }

    /// Returns the id of the object that receives the delivery, or [`ObjectId::NONE`].
    fn receiver(&self) -> ObjectId;

    /// Returns the number of the delivery's kind. [`Which`] selects by it.
    fn kind(&self) -> u16;

    /// Returns whether the delivery still has anything to do. The loop asks only deliveries of
    /// [`Posted::ForLevel`].
    fn is_wanted(&self) -> bool {
        true
    }
}

/// A call that builds or connects objects of the loop's thread for another thread.
///
/// The loop makes it after the calls that were sent before. A `QThread` makes those that wait at
/// its start before it emits `started`.
pub(crate) struct Preparation(Cell<Option<Box<dyn FnOnce() + Send>>>);

impl Preparation {
    /// The number of this kind, which is that of no event.
    pub(crate) const KIND: u16 = 0;

    pub(crate) fn new(call: impl FnOnce() + Send + 'static) -> Box<Self> {
        Box::new(Preparation(Cell::new(Some(Box::new(call)))))
    }
}

impl Deliver for Preparation {
    fn deliver(&self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }

    fn receiver(&self) -> ObjectId {
        ObjectId::NONE
    }

    fn kind(&self) -> u16 {
        Self::KIND
    }
}

pub(super) enum Posted {
    Call(Box<dyn FnOnce()>),
    Delivery(Rc<dyn Deliver>),
    /// Consecutive deliveries of one kind, and how many are left. It keeps its place until the last
    /// one.
    Repeated(Rc<dyn Deliver>, Cell<u32>),
    /// A delivery that came from another thread.
    Sent(Box<dyn Deliver>),
    /// A parcel of several calls that came from another thread. It keeps its place until its last
    /// call.
    Several(Rc<dyn Deliver>),
    /// A delivery, and the level of loops and deliveries at which it was requested. It waits until
    /// the loop is back at a lower level.
    ForLevel(Rc<dyn Deliver>, u32),
    /// A place whose item was delivered or removed out of order.
    Gone,
}

impl Posted {
    fn delivery(&self) -> Option<&dyn Deliver> {
        match self {
            Posted::Call(_) | Posted::Gone => None,
            Posted::Delivery(delivery)
            | Posted::Repeated(delivery, _)
            | Posted::Several(delivery)
            | Posted::ForLevel(delivery, _) => Some(&**delivery),
            Posted::Sent(delivery) => Some(&**delivery),
        }
    }

    /// Returns the next of several deliveries that share a place, unless it is the last one.
    #[inline]
    fn share(&self) -> Option<Posted> {
        match self {
            Posted::Repeated(delivery, left) if left.get() > 1 => {
                left.set(left.get() - 1);
                Some(Posted::Delivery(delivery.clone()))
            }
            Posted::Several(parcel) if !parcel.is_last() => Some(Posted::Several(parcel.clone())),
            _ => None,
        }
    }

    /// Cancels the item. Returns the value that would have been delivered, for the caller to drop.
    pub(super) fn cancel(&self) -> Option<Box<dyn Any>> {
        let delivery = self.delivery()?;
        match self {
            Posted::Repeated(_, left) if left.get() > 1 => {
                let values = (0..left.get()).filter_map(|_| delivery.cancel()).collect();
                Some(Box::new(Cancelled(values)))
            }
            _ => delivery.cancel(),
        }
    }
}

/// The values of deliveries that were cancelled together.
struct Cancelled(Vec<Box<dyn Any>>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        drop_all(self.0.drain(..));
    }
}

/// The key of no entry in the table.
const NONE: u32 = u32::MAX;

/// Selects posted items by receiver and kind.
pub(crate) struct Which {
    receiver: Option<ObjectId>,
    kind: Option<u16>,
}

impl Which {
    pub(crate) const ALL: Which = Which { receiver: None, kind: None };

    /// Selects the items for one object, or for all if `receiver` is `None`, and of one kind, or of
    /// all if `kind` is `None`.
    pub(crate) fn new(receiver: Option<ObjectId>, kind: Option<u16>) -> Self {
        Which { receiver, kind }
    }

    fn is_all(&self) -> bool {
        self.receiver.is_none() && self.kind.is_none()
    }

    fn has(&self, posted: &Posted) -> bool {
        posted.delivery().is_some_and(|delivery| {
            // A preparation is no event, and so is selected only by its kind.
            let has_kind = match self.kind {
                Some(wanted) => wanted == delivery.kind(),
                None => delivery.kind() != Preparation::KIND,
            };
            delivery.is_selectable()
                && has_kind
                && self.receiver.is_none_or(|wanted| wanted == delivery.receiver())
        })
    }

    /// Returns whether a deletion that was requested at level `asked` is made at level `now`.
    ///
    /// The level is the number of running loops, running deliveries, and events being sent. A slot
    /// runs one level deeper than its loop. So this loop makes the deletion that the slot requests,
    /// and a loop that the slot itself runs does not, unless its caller selects this kind
    /// explicitly. The first loop to run makes a deletion that was requested outside of all loops.
    fn may_run(&self, asked: u32, now: u32) -> bool {
        asked > now || (asked == 0 && now > 0) || (asked == now && self.kind.is_some())
    }
}

/// Posted items, ordered by priority, and first in, first out within a priority. A round delivers
/// the items that are in the queue when it begins.
///
/// A deletion waits for its level. If a round reaches it too early, the round moves it to the end
/// of the queue. Qt does the same. So the object still gets the events that were posted before the
/// deletion is due.
#[derive(Default)]
pub(super) struct PostQueue {
    queue: VecDeque<Entry>,
    /// The items that have a receiver.
    table: Slab<Stored>,
    /// For each index of an object, the key of the newest item for the object. It starts a list of
    /// all items for the object, so that the object's death removes these items without examining
    /// any others.
    newest: Vec<u32>,
    /// How many items were ever taken out of the front. It keeps the number of each place stable.
    taken: u64,
    /// The first place after the items of the round that began last. No item is inserted before it.
    behind: u64,
    /// How many rounds are running, one nested in the other. Each holds a place in the queue.
    rounds: u32,
    /// How many items in the queue are [`Posted::Gone`].
    gone: usize,
}

struct Entry {
    priority: i32,
    place: Place,
}

/// The location of a posted item.
enum Place {
    /// The item itself: it has no receiver.
    Here(Posted),
    /// The key of the item in the table.
    Table(u32),
}

struct Stored {
    posted: Posted,
    receiver: ObjectId,
    /// The neighbours in the list of items for the same object.
    newer: u32,
    older: u32,
}

/// The position of a round.
pub(super) enum Round {
    /// A round over all items, which empties the queue.
    All,
    /// A round over selected items, and the next place that it examines.
    Some(u64),
}

impl PostQueue {
    #[inline]
    pub(super) fn push(&mut self, posted: Posted) {
        self.push_with(0, posted);
    }

    /// Adds a delivery that is made any number of times. It joins the newest item if that is the
    /// same delivery and no round has reached it: a round makes the deliveries that were posted
    /// before.
    #[inline]
    pub(super) fn push_repeated<D: Deliver + 'static>(&mut self, delivery: &Rc<D>) {
        if self.taken + self.queue.len() as u64 > self.behind
            && let Some(newest) = self.queue.back()
            && newest.priority == 0
            && let Posted::Repeated(known, left) = self.posted(newest)
            && std::ptr::addr_eq(Rc::as_ptr(known), Rc::as_ptr(delivery))
            && let Some(more) = left.get().checked_add(1)
        {
            left.set(more);
            return;
        }
        self.push(Posted::Repeated(delivery.clone(), Cell::new(1)));
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

    /// Returns the index after the items with the same priority. The queue is sorted from index
    /// `from` on.
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

    /// Takes an item out of the table and out of its object's list. The queue keeps its entry.
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

    /// Takes the item at an index of the queue. The queue keeps its entry.
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

    /// Returns the key of the newest item for an object.
    #[inline]
    fn newest_for(&self, receiver: ObjectId) -> Option<u32> {
        self.newest.get(receiver.index()).copied().filter(|&key| key != NONE)
    }

    /// Returns the keys of the items for an object, newest first.
    fn posted_to(&self, receiver: ObjectId) -> impl Iterator<Item = u32> {
        let older = |&at: &u32| Some(self.table[at as usize].older).filter(|&key| key != NONE);
        std::iter::successors(self.newest_for(receiver), older)
    }

    /// Returns whether there is any item for an object.
    #[inline]
    pub(super) fn has_any_for(&self, receiver: ObjectId) -> bool {
        self.newest_for(receiver).is_some()
    }

    /// Returns whether a round over all items would deliver any at this level.
    pub(super) fn has_work(&self, level: u32) -> bool {
        self.queue.iter().any(|entry| match self.posted(entry) {
            Posted::Gone => false,
            Posted::ForLevel(_, asked) => Which::ALL.may_run(*asked, level),
            _ => true,
        })
    }

    /// Returns whether the queue contains any item that `which` selects.
    pub(super) fn contains(&self, which: &Which) -> bool {
        match which.receiver {
            Some(receiver) => {
                self.posted_to(receiver).any(|key| which.has(&self.table[key as usize].posted))
            }
            None => self.queue.iter().any(|entry| which.has(self.posted(entry))),
        }
    }

    // ---- rounds

    /// Begins a round over the items posted so far.
    pub(super) fn begin_round(&mut self, which: &Which) -> Round {
        self.rounds += 1;
        self.behind = self.taken + self.queue.len() as u64;
        if which.is_all() { Round::All } else { Round::Some(self.taken) }
    }

    /// Ends the round that began last.
    pub(super) fn end_round(&mut self) {
        self.rounds -= 1;
        self.sweep();
    }

    /// Removes the items that are [`Posted::Gone`] if most items are. Without this, the queue of a
    /// thread whose loop never runs would grow without limit.
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

    /// Takes the next item of a round. An item that is too early for its level is moved to the end
    /// in a round over all items. In a round over selected items it keeps its place.
    pub(super) fn next(&mut self, round: &mut Round, which: &Which, level: u32) -> Option<Posted> {
        match round {
            Round::All => self.next_of_all(level),
            Round::Some(at) => self.next_of_some(at, which, level),
        }
    }

    #[inline]
    fn next_of_all(&mut self, level: u32) -> Option<Posted> {
        while self.taken < self.behind {
            if let Some(parcel) = self.posted(self.queue.front()?).share() {
                return Some(parcel);
            }
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
        // A nested loop may have taken items since the last call.
        *at = self.taken.max(*at);
        while *at < self.behind {
            let index = (*at - self.taken) as usize;
            let posted = self.posted(self.queue.get(index)?);
            let due = match posted {
                Posted::ForLevel(_, asked) => which.may_run(*asked, level),
                _ => true,
            };
            let is_wanted = due && which.has(posted);
            if is_wanted && let Some(parcel) = posted.share() {
                return Some(parcel);
            }
            *at += 1;
            if is_wanted {
                self.gone += 1;
                return Some(self.take_at(index));
            }
        }
        None
    }

    /// Removes the items that `which` selects. The caller cancels and drops them without holding a
    /// borrow.
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

    /// Removes all items for good. The caller drops them without holding a borrow.
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
        // A slot runs at level 2: one for its loop and one for the delivery. Its loop, at level 1,
        // makes the deletion that the slot requests. A loop that the slot runs, at level 3, does
        // not.
        assert!(all(2, 1));
        assert!(!all(2, 3));
        assert!(!all(2, 2));
        // Requested outside of all loops: every loop makes the deletion, and processEvents()
        // outside of a loop does not.
        assert!(all(0, 1));
        assert!(all(0, 3));
        assert!(!all(0, 0));
        // A caller that selects deletions explicitly also gets those of its own level.
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

    /// Counts how often it is made.
    #[derive(Default)]
    struct Counted(Cell<u32>);

    impl Deliver for Counted {
        fn deliver(&self) {
            self.0.set(self.0.get() + 1);
        }

        fn cancel(&self) -> Option<Box<dyn Any>> {
            Some(Box::new(()))
        }

        fn receiver(&self) -> ObjectId {
            ObjectId::new(1, 0)
        }

        fn kind(&self) -> u16 {
            43
        }
    }

    #[test]
    fn repeated_deliveries_share_a_place_until_a_round_reaches_it() {
        let mut queue = PostQueue::default();
        let [first, second] = [0, 1].map(|_| Rc::new(Counted::default()));
        let run = |queue: &mut PostQueue, round: &mut Round| {
            match queue.next(round, &Which::ALL, 1) {
                Some(Posted::Delivery(next) | Posted::Repeated(next, _)) => next.deliver(),
                _ => panic!("there is no delivery"),
            }
            (first.0.get(), second.0.get())
        };
        for delivery in [&first, &first, &second, &first] {
            queue.push_repeated(delivery);
        }
        assert_eq!(queue.queue.len(), 3);
        let mut round = queue.begin_round(&Which::ALL);
        // This one is for the next round, although it is the same as the last one.
        queue.push_repeated(&first);
        queue.push_repeated(&first);
        assert_eq!(queue.queue.len(), 4);
        assert_eq!(run(&mut queue, &mut round), (1, 0));
        assert_eq!(run(&mut queue, &mut round), (2, 0));
        assert_eq!(run(&mut queue, &mut round), (2, 1));
        assert_eq!(run(&mut queue, &mut round), (3, 1));
        assert!(queue.next(&mut round, &Which::ALL, 1).is_none());
        queue.end_round();
        // An item with another priority, and a parcel of none, stand between.
        queue.push_with(-1, call());
        queue.push_repeated(&first);
        assert_eq!(queue.queue.len(), 3);
        let which = Which::new(Some(ObjectId::new(1, 0)), None);
        let mut round = queue.begin_round(&which);
        assert!(queue.next(&mut round, &which, 1).is_some());
        queue.end_round();
        let removed = queue.remove(&which);
        assert_eq!(removed.len(), 2);
        assert!(removed.iter().all(|item| item.cancel().is_some()));
    }

    #[test]
    fn all_values_of_a_repeated_delivery_are_cancelled() {
        struct Values(Cell<u32>, Rc<()>);
        impl Deliver for Values {
            fn deliver(&self) {}

            fn cancel(&self) -> Option<Box<dyn Any>> {
                self.0.set(self.0.get().checked_sub(1)?);
                Some(Box::new(self.1.clone()))
            }

            fn receiver(&self) -> ObjectId {
                ObjectId::NONE
            }

            fn kind(&self) -> u16 {
                43
            }
        }
        let mut queue = PostQueue::default();
        let value = Rc::new(());
        let delivery = Rc::new(Values(Cell::new(5), value.clone()));
        (0..5).for_each(|_| queue.push_repeated(&delivery));
        let cancelled: Vec<_> = queue.take_all().iter().filter_map(Posted::cancel).collect();
        assert_eq!((delivery.0.get(), Rc::strong_count(&value)), (0, 7));
        drop(cancelled);
        assert_eq!(Rc::strong_count(&value), 2);
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
