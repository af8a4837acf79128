//! A slot's panic unwinds out of the loop and leaves everything in a valid state.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use crate::common::Log;
use qcore::{
    ConnectionType, Dispatcher, QCoreApplication, QEventLoop, QObject, QTimer, Signal, sender,
};

/// Posts to the loop of this thread.
fn post(call: impl FnOnce() + 'static) {
    Dispatcher::current().post(call);
}

fn panics<T>(call: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_err()
}

fn quit_soon(app: &QCoreApplication) {
    QTimer::single_shot_to(0, app, |app| app.exit(1));
}

#[test]
fn exceptions() {
    // The slots before the one that panics were called, those after it were not, and no copy is
    // left.
    let (signal, log, token) = (Signal::new(), Log::default(), Rc::new(()));
    signal.connect(log.slot("before"));
    let guard = signal.connect(|_: &Rc<()>| panic!("in a slot"));
    signal.connect(log.slot("after"));
    assert!(panics(|| signal.emit(token.clone())));
    assert_eq!(log.take(), ["before"]);
    assert_eq!(Rc::strong_count(&token), 1);
    guard.disconnect();
    signal.emit(token);
    assert_eq!(log.take(), ["before", "after"]);
}

#[test]
fn exec_may_be_called_again_and_the_rest_of_the_queue_is_kept() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let names = log.clone();
    post(move || names.add("before"));
    post(|| panic!("in a posted call"));
    let names = log.clone();
    post(move || names.add("after"));
    assert!(panics(|| app.exec()));
    assert_eq!(log.take(), ["before"]);
    quit_soon(&app);
    assert_eq!(app.exec(), 1);
    assert_eq!(log.take(), ["after"]);
}

#[test]
fn out_of_nested_loops() {
    let app = QCoreApplication::new();
    let event_loop = QEventLoop::new();
    let object = QObject::new();
    let inner = event_loop.clone();
    let asked = object.clone();
    post(move || {
        asked.delete_later();
        post(|| panic!("in a loop in a loop"));
        inner.exec();
    });
    assert!(panics(|| app.exec()));
    assert!(!event_loop.is_running() && !object.is_deleted());
    // The nesting level is restored, so the deletion requested at the deeper level comes due.
    quit_soon(&app);
    assert_eq!(app.exec(), 1);
    assert!(object.is_deleted());
    let end = event_loop.clone();
    post(move || end.exit(2));
    assert_eq!(event_loop.exec(), 2);
}

#[test]
fn one_caught_in_a_slot_leaves_the_outer_loop_running() {
    let app = QCoreApplication::new();
    let event_loop = QEventLoop::new();
    let (inner, quit) = (event_loop.clone(), app.clone());
    post(move || {
        post(|| panic!("in the inner loop"));
        assert!(panics(|| inner.exec()));
        assert!(!inner.is_running());
        post(move || quit.exit(3));
    });
    assert_eq!(app.exec(), 3);
}

#[test]
fn one_that_quits_first() {
    let app = QCoreApplication::new();
    let quit = app.clone();
    post(move || {
        quit.exit(1);
        panic!("after exit()");
    });
    assert!(panics(|| app.exec()));
    // Neither the exit code nor the request to exit is left.
    let event_loop = QEventLoop::new();
    let end = event_loop.clone();
    post(move || end.exit(2));
    assert_eq!(event_loop.exec(), 2);
    quit_soon(&app);
    assert_eq!(app.exec(), 1);
}

#[test]
fn the_sender_is_put_back() {
    let app = QCoreApplication::new();
    let (outer, inner) = (QObject::new(), QObject::new());
    let signal = Rc::new(Signal::of(&inner));
    signal.connect(|()| panic!("in a slot"));
    signal.connect_with_type(ConnectionType::QUEUED, |()| panic!("in a queued slot"));
    let emitter = signal.clone();
    let (expected, seen) = (outer.clone(), Rc::new(Cell::new(false)));
    let out = seen.clone();
    outer.object_name_changed.connect(move |_| {
        assert!(panics(|| emitter.emit(())));
        out.set(sender() == Some(expected.clone()));
    });
    outer.set_object_name("a");
    assert!(seen.get());
    assert!(sender().is_none());
    // The direct slot panicked before the queued one ran.
    signal.disconnect_all();
    signal.connect_with_type(ConnectionType::QUEUED, |()| panic!("in a queued slot"));
    signal.emit(());
    assert!(panics(|| app.exec()));
    assert!(sender().is_none());
    outer.disconnect_all();
}

#[test]
fn queued_slots_after_it_are_called() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let signal = Signal::new();
    let names = log.clone();
    signal.connect_with_type(ConnectionType::QUEUED, move |value: &u32| {
        assert_ne!(*value, 2, "the second");
        names.add(value);
    });
    (1..=4).for_each(|value| signal.emit(value));
    assert!(panics(|| app.process_events()));
    assert!(app.process_events());
    assert_eq!(log.take(), ["1", "3", "4"]);
}

#[test]
fn timers_go_on() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let timers = ["first", "second"].map(|name| {
        let timer = QTimer::new();
        timer.set_object_name(name);
        let (names, calls) = (log.clone(), Cell::new(0));
        timer.timeout.connect_to(&timer, move |timer, ()| {
            calls.set(calls.get() + 1);
            names.add(format!("{} {}", timer.object_name(), calls.get()));
            assert!(calls.get() > 1, "the first time");
        });
        timer.start_with_interval(0);
        timer
    });
    let once = log.clone();
    QTimer::single_shot(0, move || {
        once.add("once");
        panic!("in a single shot");
    });
    for _ in 0..3 {
        assert!(panics(|| app.process_events()));
    }
    assert!(timers.iter().all(QTimer::is_active));
    assert!(app.process_events());
    // The timers after one that panicked keep their place.
    assert_eq!(log.take(), ["first 1", "second 1", "once", "first 2", "second 2"]);
}

#[test]
fn a_single_shot_timer_that_panicked_is_stopped() {
    let app = QCoreApplication::new();
    let timer = QTimer::new();
    timer.set_single_shot(true);
    timer.timeout.connect(|()| panic!("in its slot"));
    timer.start_with_interval(0);
    assert!(panics(|| app.exec()));
    assert!(!timer.is_active());
    assert!(!app.process_events());
}

#[test]
fn a_deletion_that_panics_is_one_all_the_same() {
    let app = QCoreApplication::new();
    let objects = [(); 3].map(|()| QObject::new());
    objects[1].destroyed.connect(|_| panic!("in a slot of destroyed()"));
    objects.iter().for_each(|object| object.delete_later());
    assert!(panics(|| app.exec()));
    assert_eq!(objects.each_ref().map(|object| object.is_deleted()), [true, true, false]);
    quit_soon(&app);
    assert_eq!(app.exec(), 1);
    assert!(objects[2].is_deleted());
}

/// Panics when it is dropped, except by another panic.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "in the drop of a closure");
    }
}

#[test]
fn a_closure_whose_drop_panics_leaves_no_other_connected() {
    // One of the object's own signals, and one that it receives.
    for incoming in [false, true] {
        let (object, token) = (QObject::new(), Rc::new(()));
        let first = if incoming { Signal::new() } else { Signal::of(&object) };
        let second = if incoming { Signal::new() } else { Signal::of(&object) };
        let (bomb, held, own) = (Rc::new(Bomb), token.clone(), object.clone());
        first.connect_to(&object, move |_, ()| drop(bomb.clone()));
        let connection = second.connect_to(&object, move |_, ()| drop((held.clone(), own.clone())));
        object.delete_later();
        drop(object);
        let app = QCoreApplication::new();
        quit_soon(&app);
        assert!(panics(|| app.exec()));
        assert!(!connection.is_connected() && !second.is_connected());
        assert_eq!(Rc::strong_count(&token), 1);
    }
}
