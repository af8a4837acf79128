//! [`DueQueue`]: the due times of the timers, in order.
//!
//! A heap holds the next due times. When it holds many, later ones go to a wheel, which sorts them
//! by a radix. Adding to the wheel and taking from it cost the same for any number of timers.
//!
//! ```text
//!   add ──► few timers, or due soon ──────────────────► heap ──► next
//!       └─► wheel: level 2 ──► level 1 ──► level 0 ──────┘
//! ```
//!
//! The wheel counts time in ticks of about one millisecond. `cursor` is a tick, and all entries in
//! the wheel are due in later ticks. To find the level of an entry, write its tick and the cursor
//! as numbers to base 64: the level is the highest digit in which they differ, and the slot is the
//! value of that digit in the entry's tick. So the entries that are due next are in the first
//! occupied slot of the lowest level. The cursor moves there, and the entries of that slot move to
//! lower levels, or to the heap.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::time::Nanos;

/// Up to this many entries are in the heap only. A heap of this size is as fast as the wheel,
/// because it fits into the processor's first cache.
const FEW: usize = 1024;
/// The length of a tick in nanoseconds is 2 to the power of this.
const TICK_BITS: u32 = 20;
const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
/// A slot that has room for more entries than this gives its memory back when it is emptied.
const KEPT: usize = 256;

/// When a timer is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) due: Nanos,
    /// A rising number, so that timers with the same due time fire in the order in which they were
    /// set.
    pub(super) order: u64,
    pub(super) index: u32,
}

impl Due {
    fn tick(&self) -> u64 {
        self.due >> TICK_BITS
    }
}

/// A priority queue of due times.
#[derive(Default)]
pub(super) struct DueQueue {
    heap: BinaryHeap<Reverse<Due>>,
    /// The levels, made when they are first needed.
    levels: Vec<Level>,
    cursor: u64,
    /// The number of entries in the wheel.
    in_wheel: usize,
}

struct Level {
    /// One bit for each slot that has entries.
    occupied: u64,
    slots: Box<[Vec<Due>; SLOTS]>,
}

impl Level {
    fn new() -> Self {
        Level { occupied: 0, slots: Box::new([const { Vec::new() }; SLOTS]) }
    }
}

impl DueQueue {
    pub(super) fn len(&self) -> usize {
        self.heap.len() + self.in_wheel
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds an entry. `now` may be any time that is not later than the present.
    pub(super) fn push(&mut self, entry: Due, now: Nanos) {
        if self.heap.len() < FEW {
            self.heap.push(Reverse(entry));
            return;
        }
        if self.in_wheel == 0 {
            self.cursor = now >> TICK_BITS;
        }
        self.place(entry);
    }

    /// Returns the first entry. Calls `soon` with the entries that move from the wheel to the heap.
    pub(super) fn peek(&mut self, soon: impl Fn(&[Due])) -> Option<&Due> {
        while self.in_wheel > 0
            && self.heap.peek().is_none_or(|Reverse(first)| first.tick() > self.cursor)
        {
            self.advance(&soon);
        }
        self.heap.peek().map(|Reverse(first)| first)
    }

    /// Removes the entry that [`peek`](DueQueue::peek) has returned.
    pub(super) fn pop(&mut self) {
        self.heap.pop();
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Due) -> bool) {
        self.heap.retain(|Reverse(entry)| keep(entry));
        self.in_wheel = 0;
        for level in &mut self.levels {
            for (number, slot) in level.slots.iter_mut().enumerate() {
                if level.occupied & (1 << number) == 0 {
                    continue;
                }
                slot.retain(&keep);
                self.in_wheel += slot.len();
                if slot.is_empty() {
                    level.occupied &= !(1 << number);
                }
            }
        }
    }

    /// Puts an entry into the wheel, or into the heap if its tick is not after the cursor.
    fn place(&mut self, entry: Due) {
        let tick = entry.tick();
        if tick <= self.cursor {
            self.heap.push(Reverse(entry));
            return;
        }
        let level = (tick ^ self.cursor).ilog2() / DIGIT_BITS;
        let number = (tick >> (level * DIGIT_BITS)) as usize % SLOTS;
        while self.levels.len() <= level as usize {
            self.levels.push(Level::new());
        }
        let level = &mut self.levels[level as usize];
        level.occupied |= 1 << number;
        level.slots[number].push(entry);
        self.in_wheel += 1;
    }

    /// Moves the cursor to the first occupied slot, and the entries of that slot to lower levels or
    /// to the heap.
    fn advance(&mut self, soon: &impl Fn(&[Due])) {
        let mut levels = self.levels.iter_mut().enumerate();
        let Some((height, level)) = levels.find(|(_, level)| level.occupied != 0) else { return };
        let number = level.occupied.trailing_zeros() as usize;
        level.occupied &= !(1 << number);
        let mut entries = std::mem::take(&mut level.slots[number]);
        let shift = height as u32 * DIGIT_BITS;
        // The digits above this level stay, and those below become 0.
        let above = (self.cursor >> shift) & !(SLOTS as u64 - 1);
        self.cursor = (above | number as u64) << shift;
        self.in_wheel -= entries.len();
        if height == 0 {
            soon(&entries);
            self.heap.extend(entries.drain(..).map(Reverse));
        } else {
            entries.drain(..).for_each(|entry| self.place(entry));
        }
        if entries.capacity() <= KEPT {
            self.levels[height].slots[number] = entries;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pop(queue: &mut DueQueue) -> Option<Due> {
        let first = queue.peek(|_| ()).copied();
        queue.pop();
        first
    }

    /// Due times of every magnitude.
    fn time() -> impl Strategy<Value = Nanos> {
        (any::<u64>(), 0..64u32).prop_map(|(time, shift)| time >> shift)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 32,
            failure_persistence: None,
            ..Default::default()
        })]
        #[test]
        fn entries_come_in_order(
            steps in prop::collection::vec((time(), any::<bool>(), 0..1000u16), 1..6000),
        ) {
            let mut queue = DueQueue::default();
            let mut expected = std::collections::BTreeSet::new();
            let mut now = 0;
            for (order, (due, is_pop, kept)) in steps.into_iter().enumerate() {
                if is_pop && expected.len() > FEW + 100 {
                    let first = pop(&mut queue);
                    prop_assert!(first == expected.pop_first());
                    now = first.map_or(now, |first| first.due);
                } else {
                    let order = order as u64;
                    let entry = Due { due: now.saturating_add(due), order, index: 0 };
                    queue.push(entry, now);
                    expected.insert(entry);
                }
                if kept == 0 {
                    queue.retain(|entry| entry.order % 3 != 0);
                    expected.retain(|entry| entry.order % 3 != 0);
                }
                prop_assert_eq!(queue.len(), expected.len());
            }
            while let Some(first) = expected.pop_first() {
                prop_assert!(pop(&mut queue) == Some(first));
            }
            prop_assert_eq!(queue.len(), 0);
        }
    }

    #[test]
    fn few_entries_need_no_wheel() {
        let mut queue = DueQueue::default();
        for order in 0..FEW as u64 {
            queue.push(Due { due: u64::MAX - order, order, index: 0 }, 0);
        }
        assert!(queue.levels.is_empty());
    }
}
