//! A model of `event_loop/hand_over.rs`: other threads push, the loop takes and waits.
//!
//! loom runs each test in many orders of the threads' steps. A test fails if an assertion fails in
//! one of them, or if all threads wait: a lost wake-up.

#![cfg(test)]

#[allow(dead_code)] // the model does not use all functions
#[path = "../../../crates/qcore/src/event_loop/hand_over.rs"]
mod hand_over;

use hand_over::{HandOver, ToWake};
use loom::{
    sync::{Arc, Notify},
    thread,
};

/// Runs a test in all orders with at most three switches away from a thread that could go on. That
/// finds nearly all mistakes. All orders of three threads would take hours.
fn model(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(test);
}

/// A sender and the number of its item.
type Item = (u8, u8);

/// The queue of a loop. The waker is that of its poll.
type Queue = HandOver<Item, Arc<Notify>>;

fn queue() -> Arc<Queue> {
    Arc::new(HandOver::new())
}

fn wake(waker: ToWake<Arc<Notify>>) {
    if let Some(waker) = waker {
        waker.notify();
    }
}

fn push(queue: &Queue, item: Item) -> Result<(), Item> {
    queue.push(item).map(wake)
}

/// Runs turns of the loop until `done` says that the items and keys taken so far are enough.
///
/// As in `Sources::poll`, the poll is made before the first wait. Then the loop waits, unless
/// something was pushed since it last took the items.
///
/// A wake-up that comes after the wait has ended stays in the poll, and ends a later wait early.
fn run(queue: &Queue, done: impl Fn(&[Item], &[u32]) -> bool) -> (Vec<Item>, Vec<u32>) {
    let (mut taken, mut keys) = (Vec::new(), Vec::new());
    let mut poll = None;
    loop {
        if queue.is_woken() {
            let mut items = Vec::new();
            keys.extend(queue.take(&mut items));
            taken.append(&mut items);
        }
        if done(&taken, &keys) {
            return (taken, keys);
        }
        let poll = poll.get_or_insert_with(|| {
            let waker = Arc::new(Notify::new());
            queue.set_waker(waker.clone());
            waker
        });
        if queue.begin_wait() {
            poll.wait();
            queue.end_wait();
        }
    }
}

fn items_of(sender: u8, items: &[Item]) -> Vec<u8> {
    items.iter().filter(|item| item.0 == sender).map(|item| item.1).collect()
}

#[test]
fn every_item_arrives_once_and_in_the_order_of_its_sender() {
    model(|| {
        let queue = queue();
        let senders = [1, 2].map(|sender| {
            let queue = queue.clone();
            thread::spawn(move || {
                push(&queue, (sender, 1)).unwrap();
                push(&queue, (sender, 2)).unwrap();
            })
        });
        let (items, _) = run(&queue, |items, _| items.len() >= 4);
        assert_eq!((items_of(1, &items), items_of(2, &items)), (vec![1, 2], vec![1, 2]));
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

#[test]
fn a_push_wakes_only_a_loop_that_waits() {
    model(|| {
        let queue = queue();
        queue.set_waker(Arc::new(Notify::new()));
        assert!(queue.push((1, 1)).unwrap().is_none());
        assert!(!queue.begin_wait());
        queue.take(&mut Vec::new());
        assert!(queue.begin_wait());
        assert!(queue.push((1, 2)).unwrap().is_some());
        assert!(queue.push((1, 3)).unwrap().is_none());
        queue.end_wait();
        assert!(queue.is_woken());
        queue.take(&mut Vec::new());
        assert!(queue.begin_wait());
        queue.end_wait();
        assert!(queue.push((1, 4)).unwrap().is_none());
    });
}

#[test]
fn a_queue_that_ends_keeps_nothing() {
    model(|| {
        let queue = queue();
        let other = queue.clone();
        let sender = thread::spawn(move || {
            let results = [push(&other, (1, 1)), push(&other, (1, 2))];
            results.into_iter().filter_map(Result::err).collect::<Vec<_>>()
        });
        let mut items = Vec::new();
        queue.take(&mut items);
        items.extend(queue.close().into_iter().flatten());
        assert!(!queue.is_open() && queue.close().is_none());
        // What the loop did not get, the sender has got back.
        items.extend(sender.join().unwrap());
        assert_eq!(items_of(1, &items), [1, 2]);
        assert_eq!(push(&queue, (1, 3)), Err((1, 3)));
        assert!(queue.discard(1).is_none());
    });
}

#[test]
fn a_discarded_key_wakes_the_loop() {
    model(|| {
        let queue = queue();
        let senders = [7, 8].map(|key| {
            let queue = queue.clone();
            thread::spawn(move || wake(queue.discard(key)))
        });
        let (_, mut keys) = run(&queue, |_, keys| keys.len() >= 2);
        keys.sort_unstable();
        assert_eq!(keys, [7, 8]);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// The loop empties the keys between two takes, too.
#[test]
fn keys_are_taken_once() {
    model(|| {
        let queue = queue();
        let other = queue.clone();
        let sender = thread::spawn(move || {
            wake(other.discard(7));
            push(&other, (1, 1)).unwrap();
        });
        let mut keys = queue.take_discarded();
        let (items, more) = run(&queue, |items, _| !items.is_empty());
        keys.extend(more);
        assert_eq!((items, keys), (vec![(1, 1)], vec![7]));
        sender.join().unwrap();
    });
}

/// A part joins the newest item only while the loop has not taken that item.
#[test]
fn parts_that_join_an_item_arrive_once_and_in_the_order_of_their_sender() {
    model(|| {
        let queue = Arc::new(HandOver::<Vec<Item>, Arc<Notify>>::new());
        let senders = [1, 2].map(|sender| {
            let queue = queue.clone();
            let join = move |newest: &mut Vec<Item>, part: Item| {
                if newest[0].0 != sender {
                    return Err(part);
                }
                newest.push(part);
                Ok(())
            };
            thread::spawn(move || {
                for number in [1, 2] {
                    wake(queue.push_or_join((sender, number), join, |part| vec![part]).unwrap());
                }
            })
        });
        let mut taken = Vec::new();
        queue.take(&mut taken);
        for sender in senders {
            sender.join().unwrap();
        }
        assert!(queue.is_woken() || taken.iter().flatten().count() == 4);
        let mut rest = Vec::new();
        queue.take(&mut rest);
        let items: Vec<Item> = taken.into_iter().chain(rest).flatten().collect();
        assert_eq!((items_of(1, &items), items_of(2, &items)), (vec![1, 2], vec![1, 2]));
    });
}
