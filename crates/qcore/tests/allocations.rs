//! What happens again and again allocates nothing.

#[path = "common/counting.rs"]
mod counting;

use std::{cell::Cell, rc::Rc};

use counting::allocations;
use qcore::{ConnectionType, Dispatcher, QCoreApplication, QObject, QTimer, Signal};

fn counter() -> (Rc<Cell<i64>>, impl Fn(&Cell<i64>, &i64) + Clone) {
    (Rc::new(Cell::new(0)), |sum: &Cell<i64>, value: &i64| sum.set(sum.get() + value))
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
}

#[test]
fn emissions() {
    let object = QObject::new();
    let signal = Signal::of(&object);
    let (sum, add) = counter();
    signal.connect_to(&sum, add.clone());
    let receiver = QObject::new();
    let shared = sum.clone();
    signal.connect_to(&receiver, move |_, value| add(&shared, value));
    assert_eq!(allocations(|| (0..1000).for_each(|value| signal.emit(value))), 0);
    assert_eq!(sum.get(), 999_000);
}

#[test]
fn queued_calls() {
    let app = QCoreApplication::instance();
    let object = QObject::new();
    let signal = Signal::of(&object);
    let (sum, add) = counter();
    signal.connect_to_with(&sum, ConnectionType::QUEUED, add);
    let round = || {
        (0..100).for_each(|value| signal.emit(value));
        app.process_events();
    };
    round();
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);
    assert_eq!(sum.get(), 101 * 4950);
}

#[test]
fn posted_calls_that_hold_nothing() {
    let app = QCoreApplication::instance();
    let dispatcher = Dispatcher::current();
    let round = || {
        (0..100).for_each(|_| dispatcher.post(|| ()));
        app.process_events();
    };
    round();
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);
}

#[test]
fn timers_that_fire_and_start_anew() {
    let app = QCoreApplication::instance();
    let timer = QTimer::new();
    let fires = Rc::new(Cell::new(0));
    timer.timeout.connect_to(&fires, |fires, ()| fires.set(fires.get() + 1));
    timer.start(0);
    let restarted = QTimer::new();
    restarted.start(1000);
    let round = || {
        app.process_events();
        restarted.start(1000);
    };
    (0..1000).for_each(|_| round());
    assert_eq!(allocations(|| (0..1000).for_each(|_| round())), 0);
    assert_eq!(fires.get(), 2000);
}

#[test]
fn handles() {
    let object = QObject::new();
    assert_eq!(allocations(|| (0..100).for_each(|_| drop(object.clone()))), 0);
}
