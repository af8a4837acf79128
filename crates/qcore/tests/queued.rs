//! Queued connections, and the sender.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use crate::common::Log;
use qcore::{
    ConnectionType, Dispatcher, QCoreApplication, QEventLoop, QObject, QTimer, Signal, sender,
};

const QUEUED: ConnectionType = ConnectionType::QUEUED;

/// A payload that counts its copies and those that still exist.
struct Counted {
    copies: Rc<Cell<u32>>,
    alive: Rc<()>,
}

impl Counted {
    fn new() -> (Self, Rc<Cell<u32>>, Rc<()>) {
        let (copies, alive) = (Rc::new(Cell::new(0)), Rc::new(()));
        (Counted { copies: copies.clone(), alive: alive.clone() }, copies, alive)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.copies.set(self.copies.get() + 1);
        Counted { copies: self.copies.clone(), alive: self.alive.clone() }
    }
}

#[test]
fn custom_types() {
    let app = QCoreApplication::new();
    let signal = Signal::new();
    let (value, copies, alive) = Counted::new();
    let calls = Rc::new(Cell::new(0));
    let count = |calls: &Cell<u32>, _: &Counted| calls.set(calls.get() + 1);
    signal.connect_to(&calls, count);
    signal.connect_to(&calls, count);
    signal.emit(value.clone());
    assert_eq!((calls.take(), copies.take()), (2, 1), "no copy but that of the test");

    signal.disconnect_all();
    signal.connect_to_with_type(&calls, QUEUED, count);
    for _ in 0..3 {
        signal.emit(value.clone());
    }
    assert_eq!((calls.get(), copies.take()), (0, 6), "one copy per emission");
    assert_eq!(Rc::strong_count(&alive), 2 + 3);
    assert!(app.process_events());
    assert_eq!((calls.get(), copies.get()), (3, 0));
    assert_eq!(Rc::strong_count(&alive), 2, "freed after delivery");
}

#[test]
fn connect_functor_queued() {
    let app = QCoreApplication::new();
    let (signal, log) = (Signal::new(), Log::default());
    let queued = log.clone();
    signal.connect_with_type(QUEUED, move |value: &u32| queued.add(value));
    let direct = log.clone();
    signal.connect(move |value| direct.add(format!("direct {value}")));
    signal.emit(1);
    signal.emit(2);
    assert_eq!(log.take(), ["direct 1", "direct 2"]);
    assert!(app.process_events());
    assert_eq!(log.take(), ["1", "2"]);
    assert!(!app.process_events());
}

#[test]
fn connect_functor_with_context() {
    // The death of the context object drops a waiting call; so does the death of an Rc.
    let app = QCoreApplication::new();
    let (signal, log) = (Signal::new(), Log::default());
    let (object, shared, token) = (QObject::new(), Rc::new(()), Rc::new(()));
    let (first, second, held) = (log.clone(), log.clone(), token.clone());
    signal.connect_to_with_type(&object, QUEUED, move |object, ()| {
        first.add("object");
        drop((object.clone(), held.clone()));
    });
    signal.connect_to_with_type(&shared, QUEUED, move |_, ()| second.add("shared"));
    signal.emit(());
    assert!(app.process_events());
    assert_eq!(log.take(), ["object", "shared"]);
    signal.emit(());
    drop((object, shared));
    app.process_events();
    assert!(log.take().is_empty());
    assert_eq!(Rc::strong_count(&token), 1);
    signal.emit(());
    assert!(!signal.is_connected());
}

#[test]
fn base_destroyed() {
    // A queued call to a dying object is dropped, even if a slot of destroyed() runs the loop.
    let app = QCoreApplication::new();
    let (signal, log) = (Signal::new(), Log::default());
    let object = QObject::new();
    let names = log.clone();
    signal.connect_to_with_type(&object, QUEUED, move |_, ()| names.add("called"));
    let names = log.clone();
    object.destroyed.connect_to(&object, move |_, _| names.add("its own"));
    let names = log.clone();
    object.destroyed.connect_to(&app, move |app, _| {
        app.process_events();
        names.add("destroyed");
    });
    signal.emit(());
    drop(object);
    app.process_events();
    assert_eq!(log.take(), ["destroyed"]);
}

#[test]
fn a_queued_call_outlives_its_connection_and_its_sender() {
    let app = QCoreApplication::new();
    let log = Log::default();
    let object = QObject::new();
    let signal = Signal::of(&object);
    let names = log.clone();
    let connection = signal.connect_with_type(QUEUED, move |value: &u32| {
        names.add(format!("{value} {}", sender().is_some()));
    });
    signal.emit(1);
    assert!(connection.disconnect());
    app.process_events();
    assert_eq!(log.take(), ["1 true"]);

    let names = log.clone();
    signal.connect_with_type(QUEUED, move |value| {
        names.add(format!("{value} {}", sender().is_some()))
    });
    signal.emit(2);
    drop(object);
    app.process_events();
    assert_eq!(log.take(), ["2 false"]);
}

#[test]
fn a_queued_connection_may_be_unique_or_single_shot_or_blocked() {
    let app = QCoreApplication::new();
    let signal = Signal::new();
    let calls = Rc::new(Cell::new(0));
    fn count(calls: &Cell<u32>, _: &()) {
        calls.set(calls.get() + 1);
    }
    let unique = QUEUED | ConnectionType::UNIQUE;
    let connection = signal.connect_to_with_type(&calls, unique, count);
    assert!(!signal.connect_to_with_type(&calls, unique, count).is_connected());
    let quiet = connection.block();
    signal.emit(());
    drop(quiet);
    app.process_events();
    assert_eq!(calls.get(), 0);
    // Blocking after the emission comes too late.
    signal.emit(());
    let quiet = connection.block();
    app.process_events();
    assert_eq!(calls.take(), 1);
    drop(quiet);
    connection.disconnect();

    signal.connect_to_with_type(&calls, QUEUED | ConnectionType::SINGLE_SHOT, count);
    signal.emit(());
    signal.emit(());
    assert!(!signal.is_connected());
    app.process_events();
    assert_eq!(calls.get(), 1);
}

#[test]
fn what_a_queued_slot_emits_waits_for_the_next_turn() {
    let app = QCoreApplication::new();
    let log = Log::default();
    let signal = Rc::new(Signal::new());
    let (weak, names) = (Rc::downgrade(&signal), log.clone());
    signal.connect_with_type(QUEUED, move |left: &u32| {
        names.add(left);
        if *left > 0 {
            weak.upgrade().unwrap().emit(left - 1);
        }
    });
    signal.emit(2);
    for expected in ["2", "1", "0"] {
        assert!(app.process_events());
        assert_eq!(log.take(), [expected]);
    }
    assert!(!app.process_events());
}

#[test]
fn a_nested_loop_delivers_what_is_left_of_the_round() {
    let app = QCoreApplication::new();
    let (signal, log) = (Signal::new(), Log::default());
    let (names, inner) = (log.clone(), app.clone());
    signal.connect_with_type(QUEUED, move |value: &u32| {
        names.add(format!("{value} begins"));
        if *value == 1 {
            assert!(inner.process_events());
        }
        names.add(format!("{value} ends"));
    });
    (1..=3).for_each(|value| signal.emit(value));
    assert!(app.process_events());
    assert_eq!(log.take(), ["1 begins", "2 begins", "2 ends", "3 begins", "3 ends", "1 ends"]);
    assert!(!app.process_events());
}

#[test]
fn the_destructor_of_a_payload_may_emit() {
    struct Emits(Rc<Signal<u32>>);
    impl Clone for Emits {
        fn clone(&self) -> Self {
            self.0.emit(1);
            Emits(self.0.clone())
        }
    }
    impl Drop for Emits {
        fn drop(&mut self) {
            self.0.emit(2);
        }
    }
    let app = QCoreApplication::new();
    let log = Log::default();
    let other = Rc::new(Signal::new());
    let names = log.clone();
    other.connect_with_type(QUEUED, move |value| names.add(value));
    let signal = Signal::new();
    signal.connect_with_type(QUEUED, |_: &Emits| ());
    signal.emit(Emits(other.clone()));
    // A value that is queued when its connection is cut is still delivered and dropped.
    signal.disconnect_all();
    app.process_events();
    app.process_events();
    assert_eq!(log.take(), ["1", "2", "2"]);
}

// ---- the sender

#[test]
fn sender_test() {
    let app = QCoreApplication::new();
    let log = Log::default();
    let (first, second) = (QObject::new(), QObject::new());
    first.set_object_name("first");
    second.set_object_name("second");
    let name = || sender().map_or("nobody".to_owned(), |sender| sender.object_name());
    let outer = Rc::new(Signal::of(&first));
    let inner = Rc::new(Signal::of(&second));
    let nobodys = Rc::new(Signal::new());
    for signal in [&inner, &nobodys] {
        let names = log.clone();
        signal.connect(move |()| names.add(name()));
        let names = log.clone();
        signal.connect_with_type(QUEUED, move |()| names.add(format!("queued {}", name())));
    }
    let (names, nested, free) = (log.clone(), inner.clone(), nobodys.clone());
    outer.connect(move |()| {
        names.add(name());
        nested.emit(());
        names.add(name());
        free.emit(());
        names.add(name());
    });
    outer.emit(());
    assert_eq!(log.take(), ["first", "second", "first", "nobody", "first"]);
    assert!(sender().is_none());
    app.process_events();
    assert_eq!(log.take(), ["queued second", "queued nobody"]);
    assert!(sender().is_none());
}

#[test]
fn a_loop_run_in_a_slot_has_senders_of_its_own() {
    let log = Log::default();
    let object = QObject::new();
    object.set_object_name("object");
    let timer = QTimer::new();
    timer.set_single_shot(true);
    timer.set_object_name("timer");
    let event_loop = QEventLoop::new();
    let (names, inner) = (log.clone(), event_loop.clone());
    timer.timeout.connect(move |()| {
        names.add(sender().unwrap().object_name());
        inner.quit();
    });
    let names = log.clone();
    let posted = Rc::new(Cell::new(false));
    let seen = posted.clone();
    object.object_name_changed.connect(move |_| {
        let seen = seen.clone();
        // A call by the loop itself has no sender, although an outer slot is running.
        Dispatcher::current().post(move || seen.set(sender().is_none()));
        event_loop.exec();
        names.add(sender().unwrap().object_name());
    });
    timer.start_with_interval(0);
    object.set_object_name("renamed");
    assert_eq!(log.take(), ["timer", "renamed"]);
    assert!(posted.get());
}

#[test]
fn a_queued_method_of_an_object_knows_its_receiver() {
    struct Window {
        object: QObject,
        titles: RefCell<Vec<String>>,
    }
    let app = QCoreApplication::new();
    let window = Rc::new(Window { object: QObject::new(), titles: RefCell::default() });
    window.object.object_name_changed.connect_to_with_type(&window, QUEUED, |window, name| {
        window.titles.borrow_mut().push(name.clone());
    });
    window.object.set_object_name("a");
    window.object.set_object_name("a");
    window.object.set_object_name("b");
    app.process_events();
    assert_eq!(*window.titles.borrow(), ["a", "b"]);
}

/// When an object dies, only the calls posted to that object are looked at.
#[test]
fn receivers_that_die_with_calls_waiting_cost_time_in_proportion() {
    const RECEIVERS: usize = 60_000;
    let _app = QCoreApplication::new();
    let (signal, token) = (Signal::new(), Rc::new(()));
    let mut receivers: Vec<_> = (0..RECEIVERS).map(|_| QObject::new()).collect();
    for receiver in &receivers {
        signal.connect_to_with_type(receiver, QUEUED, |_, _: &Rc<()>| unreachable!());
    }
    signal.emit(token.clone());
    assert_eq!(Rc::strong_count(&token), 1 + RECEIVERS);
    let begin = Instant::now();
    // Drops objects from both ends and from the middle.
    while let Some(receiver) = receivers.pop() {
        drop(receiver);
        if !receivers.is_empty() {
            receivers.swap_remove(receivers.len() / 3);
        }
    }
    assert_eq!(Rc::strong_count(&token), 1, "dropped with the receivers");
    // A linear search of all waiting calls for each object took minutes.
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn what_is_posted_to_one_object_is_removed_from_among_the_rest() {
    let app = QCoreApplication::new();
    let (signal, log) = (Signal::new(), Log::default());
    let objects: Vec<_> = (0..3).map(|_| QObject::new()).collect();
    for (at, object) in objects.iter().enumerate() {
        let log = log.clone();
        signal.connect_to_with_type(object, QUEUED, move |_, value: &u32| {
            log.add(format!("{at}:{value}"));
        });
    }
    signal.emit(1);
    objects[1].delete_later();
    signal.emit(2);
    QCoreApplication::remove_posted_events(Some(&objects[1]));
    signal.emit(3);
    QCoreApplication::send_posted_events(Some(&objects[2]));
    assert_eq!(log.take(), ["2:1", "2:2", "2:3"]);
    signal.emit(4);
    QCoreApplication::remove_posted_events(Some(&objects[2]));
    assert!(app.process_events());
    assert_eq!(log.take(), ["0:1", "0:2", "0:3", "1:3", "0:4", "1:4"]);
    assert!(!app.process_events());
    assert!(objects.iter().all(|object| !object.is_deleted()));
}
