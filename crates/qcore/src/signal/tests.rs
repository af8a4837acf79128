use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::*;
use crate::QObject;
use crate::object::sender;

type Log = Rc<RefCell<Vec<String>>>;

/// A log to which slots write.
fn log() -> (Log, impl Fn(&str, &i32) + Clone) {
    let log = Rc::new(RefCell::new(Vec::new()));
    let write = {
        let log = log.clone();
        move |slot: &str, value: &i32| log.borrow_mut().push(format!("{slot}{value}"))
    };
    (log, write)
}

#[test]
fn slots_run_in_the_order_of_connection() {
    let signal = Signal::new();
    let (log, write) = log();
    for slot in ["a", "b", "c"] {
        let write = write.clone();
        signal.connect(move |value| write(slot, value));
    }
    signal.emit(1);
    assert_eq!(*log.borrow(), ["a1", "b1", "c1"]);
}

#[test]
fn connected_in_an_emission_waits_for_the_next() {
    let signal = Rc::new(Signal::new());
    let (log, write) = log();
    let weak = Rc::downgrade(&signal);
    let inner = write.clone();
    signal.connect_with_type(ConnectionType::SINGLE_SHOT, move |value| {
        inner("a", value);
        let inner = inner.clone();
        weak.upgrade().unwrap().connect(move |value| inner("new", value));
    });
    signal.connect(move |value| write("b", value));
    signal.emit(1);
    signal.emit(2);
    assert_eq!(*log.borrow(), ["a1", "b1", "b2", "new2"]);
}

#[test]
fn disconnected_in_an_emission_is_not_called() {
    let signal = Signal::new();
    let (log, write) = log();
    let later: Rc<RefCell<Connection>> = Rc::default();
    let cut = later.clone();
    signal.connect(move |_| assert!(cut.take().disconnect()));
    let other = write.clone();
    *later.borrow_mut() = signal.connect(move |value| other("cut", value));
    signal.connect(move |value| write("kept", value));
    signal.emit(1);
    assert_eq!(*log.borrow(), ["kept1"]);
}

#[test]
fn a_cut_closure_is_dropped_at_once_or_after_the_emission() {
    let signal = Rc::new(Signal::<()>::new());
    let token = Rc::new(());
    let held = token.clone();
    let connection = signal.connect(move |()| drop(held.clone()));
    assert_eq!(Rc::strong_count(&token), 2);
    assert!(connection.disconnect());
    assert_eq!(Rc::strong_count(&token), 1);

    let held = token.clone();
    let slot: Rc<RefCell<Connection>> = Rc::default();
    let own = slot.clone();
    *slot.borrow_mut() = signal.connect(move |()| {
        assert!(own.borrow().disconnect());
        // The closure still exists, because it is running.
        assert_eq!(Rc::strong_count(&held), 2);
    });
    signal.emit(());
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn the_last_handle_may_go_in_a_slot() {
    let object = QObject::new();
    let signal = Rc::new(Signal::of(&object));
    let (log, write) = log();
    let holder = Rc::new(Cell::new(Some(object)));
    let (first, second) = (write.clone(), write);
    signal.connect(move |value| {
        first("a", value);
        drop(holder.take());
    });
    signal.connect(move |value| second("b", value));
    signal.emit(1);
    assert_eq!(*log.borrow(), ["a1"]);
    assert!(!signal.is_connected());
    assert!(!signal.connect(|_| ()).is_connected());
}

#[test]
fn many_connections_come_and_go() {
    let signal = Signal::<()>::new();
    let calls = Rc::new(Cell::new(0));
    let mut connections: Vec<_> = (0..1000)
        .map(|_| signal.connect_to(&calls, |calls, ()| calls.set(calls.get() + 1)))
        .collect();
    for (at, connection) in connections.iter().enumerate() {
        if at % 3 != 0 {
            assert!(connection.disconnect());
        }
    }
    signal.emit(());
    assert_eq!(calls.get(), 334);
    connections.retain(Connection::is_connected);
    assert_eq!(connections.len(), 334);
    drop(calls);
    assert!(connections.iter().all(|connection| !connection.is_connected()));
    signal.emit(());
    assert!(!signal.is_connected());
}

#[test]
fn unique_and_by_slot() {
    struct Receiver(Cell<i32>);
    impl Receiver {
        fn add(&self, by: &i32) {
            self.0.set(self.0.get() + by);
        }
    }
    let signal = Signal::new();
    let receiver = Rc::new(Receiver(Cell::new(0)));
    assert!(
        signal
            .connect_to_with_type(&receiver, ConnectionType::UNIQUE, Receiver::add)
            .is_connected()
    );
    assert!(
        !signal
            .connect_to_with_type(&receiver, ConnectionType::UNIQUE, Receiver::add)
            .is_connected()
    );
    assert!(signal.connect_to(&receiver, Receiver::add).is_connected());
    signal.emit(1);
    assert_eq!(receiver.0.get(), 2);
    assert!(signal.disconnect_slot(&receiver, Receiver::add));
    assert!(!signal.disconnect_slot(&receiver, Receiver::add));
    signal.emit(1);
    assert_eq!(receiver.0.get(), 2);
}

#[test]
#[should_panic(expected = "was re-entered")]
fn connect_mut_refuses_to_be_re_entered() {
    let signal = Rc::new(Signal::<i32>::new());
    let weak = Rc::downgrade(&signal);
    let mut calls = 0;
    signal.connect_mut(move |value| {
        calls += value;
        weak.upgrade().unwrap().emit(calls);
    });
    signal.emit(1);
}

#[test]
fn a_panic_leaves_the_signal_as_good_as_before() {
    let object = QObject::new();
    let signal = Signal::of(&object);
    let calls = Rc::new(Cell::new(0));
    let armed = Rc::new(Cell::new(true));
    let trap = armed.clone();
    signal.connect(move |()| assert!(!trap.get(), "armed"));
    signal.connect_to(&calls, |calls, ()| calls.set(calls.get() + 1));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| signal.emit(())));
    assert!(caught.is_err());
    assert!(sender().is_none());
    armed.set(false);
    signal.emit(());
    assert_eq!(calls.get(), 1);
}

#[test]
fn a_single_slot_that_is_replaced_during_its_emission_is_not_called_again() {
    let signal = Rc::new(Signal::<i32>::new());
    let calls = Rc::new(RefCell::new(Vec::new()));
    let first = Rc::new(RefCell::new(Connection::default()));
    let (weak, log, own) = (Rc::downgrade(&signal), calls.clone(), first.clone());
    let connection = signal.connect(move |depth| {
        log.borrow_mut().push(("first", *depth));
        let signal = weak.upgrade().unwrap();
        if *depth > 0 {
            // The inner emission ends while the list still has this slot alone.
            return signal.emit(depth - 1);
        }
        own.borrow().disconnect();
        let log = log.clone();
        signal.connect(move |depth| log.borrow_mut().push(("second", *depth)));
    });
    first.replace(connection);
    signal.emit(2);
    assert_eq!(calls.take(), [("first", 2), ("first", 1), ("first", 0)]);
    signal.emit(7);
    signal.emit(8);
    assert_eq!(calls.take(), [("second", 7), ("second", 8)]);
    assert_eq!(signal.receivers(), 1);
}
