//! Messages that wait to be acknowledged.

use std::collections::VecDeque;

use proptest::prelude::*;
use qcore::framing::AckQueue;

#[test]
fn limits_of_messages_and_bytes() {
    let mut queue = AckQueue::new().with_limits(3, 10);
    assert_eq!(queue.push("a", 11), Err("a"));
    assert_eq!(queue.push("b", usize::MAX), Err("b"));
    queue.push("c", 10).unwrap();
    assert_eq!(queue.push("d", 1), Err("d"));
    queue.push("e", 0).unwrap();
    queue.push("f", 0).unwrap();
    assert_eq!(queue.push("g", 0), Err("g"));
    assert_eq!((queue.len(), queue.bytes(), queue.in_flight()), (3, 10, 0));
    // A message that is not in flight cannot be acknowledged.
    assert_eq!(queue.acknowledge(0), None);
    assert_eq!(queue.acknowledge(1), None);
    assert_eq!(queue.next_to_send().unwrap().id, 1);
    assert_eq!(queue.acknowledge(1), Some("c"));
    assert_eq!(queue.acknowledge(1), None);
    assert_eq!(queue.bytes(), 0);
    queue.push("h", 10).unwrap();
}

#[test]
fn a_queue_has_limits_by_default() {
    let mut queue = AckQueue::new();
    (0..10_000).for_each(|n| queue.push(n, 0).unwrap());
    assert_eq!(queue.push(0, 0), Err(0));
    let mut queue = AckQueue::default();
    queue.push("a", 1 << 20).unwrap();
    assert_eq!(queue.push("b", 1), Err("b"));
    let mut queue = queue.with_limits(usize::MAX, usize::MAX);
    queue.push("b", 1).unwrap();
}

#[test]
fn identifiers_begin_again_and_stop_at_the_oldest() {
    let mut queue = AckQueue::new();
    queue.push(0_u32, 0).unwrap();
    assert_eq!(queue.next_to_send().unwrap().id, 1);
    // All others are acknowledged, so that 1 is in the way in the end.
    for number in 2..=65_535_u32 {
        queue.push(number, 0).unwrap();
        let next = queue.next_to_send().unwrap();
        assert_eq!((u32::from(next.id), next.is_repeated), (number, false));
        assert_eq!(queue.acknowledge(next.id), Some(number));
    }
    queue.push(65_536, 0).unwrap();
    assert!(queue.next_to_send().is_none());
    assert_eq!((queue.len(), queue.in_flight()), (2, 1));
    assert_eq!(queue.acknowledge(1), Some(0));
    let next = queue.next_to_send().unwrap();
    assert_eq!((next.id, next.message), (1, 65_536));
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Send,
    Acknowledge(usize),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..9usize).prop_map(Step::Push),
        4 => Just(Step::Send),
        3 => (0..9usize).prop_map(Step::Acknowledge),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..Default::default()
    })]
    /// Compares the queue with one that keeps the waiting messages and those in flight apart.
    #[test]
    fn a_model(steps in steps()) {
        let mut queue = AckQueue::new().with_limits(6, 30).with_window(3);
        let (mut waiting, mut in_flight) = (VecDeque::new(), VecDeque::new());
        let mut last = 0;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(size) => {
                    let all = waiting.iter().chain(&in_flight);
                    let bytes: usize = all.map(|&(_, size, _): &(usize, usize, u16)| size).sum();
                    let fits = waiting.len() + in_flight.len() < 6 && bytes + size <= 30;
                    prop_assert_eq!(queue.push(number, size).is_ok(), fits);
                    if fits {
                        waiting.push_back((number, size, 0));
                    }
                }
                Step::Send => {
                    let next = queue.next_to_send();
                    if in_flight.len() == 3 || waiting.is_empty() {
                        prop_assert!(next.is_none());
                        continue;
                    }
                    let (message, size, before) = waiting.pop_front().unwrap();
                    let id = if before == 0 { last + 1 } else { before };
                    last = last.max(id);
                    let next = next.unwrap();
                    let got = (next.message, next.id, next.is_repeated);
                    prop_assert_eq!(got, (message, id, before != 0));
                    in_flight.push_back((message, size, id));
                }
                Step::Acknowledge(at) => match in_flight.remove(at) {
                    Some((message, _, id)) => {
                        prop_assert_eq!(queue.acknowledge(id), Some(message));
                    }
                    None => prop_assert_eq!(queue.acknowledge(last + 1), None),
                },
                Step::Restart => {
                    queue.restart();
                    while let Some(entry) = in_flight.pop_back() {
                        waiting.push_front(entry);
                    }
                }
            }
            prop_assert_eq!(queue.in_flight(), in_flight.len());
            prop_assert_eq!(queue.len(), waiting.len() + in_flight.len());
            prop_assert_eq!(queue.is_empty(), waiting.is_empty() && in_flight.is_empty());
        }
    }
}
