//! Emissions, and what slots may do during one.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use crate::common::Log;
use qcore::{Connection, ConnectionType, QObject, Signal, sender};

/// A listener with two methods to connect to.
#[derive(Default)]
struct Listener {
    first: Cell<u32>,
    second: Cell<u32>,
}

impl Listener {
    fn first(&self, _: &()) {
        self.first.set(self.first.get() + 1);
    }

    fn second(&self, _: &()) {
        self.second.set(self.second.get() + 1);
    }

    fn take(&self) -> (u32, u32) {
        (self.first.take(), self.second.take())
    }
}

// ---- disconnecting

#[test]
fn disconnect() {
    let object = QObject::new();
    let (one, two) = (Signal::of(&object), Signal::of(&object));
    let (a, b) = (Rc::new(Listener::default()), Rc::new(Listener::default()));
    let connect = || {
        for receiver in [&a, &b] {
            for signal in [&one, &two] {
                signal.connect_to(receiver, Listener::first);
                signal.connect_to(receiver, Listener::second);
            }
        }
    };
    let counts = || {
        one.emit(());
        two.emit(());
        (a.take(), b.take())
    };
    connect();
    assert_eq!(counts(), ((2, 2), (2, 2)));

    assert!(one.disconnect_slot(&a, Listener::first));
    assert!(!one.disconnect_slot(&a, Listener::first));
    assert_eq!(counts(), ((1, 2), (2, 2)));
    assert!(one.disconnect_receiver(&a));
    assert!(!one.disconnect_receiver(&a));
    assert_eq!(counts(), ((1, 1), (2, 2)));
    assert!(one.disconnect_all());
    assert!(!one.disconnect_all());
    assert_eq!(counts(), ((1, 1), (1, 1)));
    assert!(object.disconnect_receiver(&a));
    assert!(!object.disconnect_receiver(&a));
    assert_eq!(counts(), ((0, 0), (1, 1)));
    assert!(object.disconnect_all());
    assert!(!object.disconnect_all());
    assert_eq!(counts(), ((0, 0), (0, 0)));
}

#[test]
fn receivers_counts_each_connection_and_one_disconnect_removes_all_duplicates() {
    let signal = Signal::new();
    let receiver = Rc::new(Listener::default());
    assert!(!signal.is_connected());
    let connections = [(); 2].map(|()| signal.connect_to(&receiver, Listener::first));
    signal.emit(());
    assert_eq!(receiver.take(), (2, 0));
    assert!(signal.disconnect_slot(&receiver, Listener::first));
    assert!(!signal.is_connected());
    assert!(connections.iter().all(|connection| !connection.is_connected()));
    signal.emit(());
    assert_eq!(receiver.take(), (0, 0));
}

#[test]
fn pointer_disconnect() {
    assert!(!Connection::default().is_connected());
    assert!(!Connection::default().disconnect());
    drop(Connection::default().block());

    let signal = Signal::<()>::new();
    let connection = signal.connect(|()| ());
    let copy = connection.clone();
    assert!(connection.disconnect());
    assert!(!copy.is_connected());
    assert!(!copy.disconnect());
    drop(copy.block());
}

#[test]
fn a_handle_cuts_its_own_connection_and_no_other() {
    let (signal, log) = (Signal::new(), Log::default());
    let connections = ["a", "b", "c", "d"].map(|name| signal.connect(log.slot(name)));
    assert!(connections[2].disconnect());
    let late = signal.connect(log.slot("e"));
    assert!(connections[0].disconnect());
    assert!(!connections[0].disconnect());
    signal.emit(());
    assert_eq!(log.take(), ["b", "d", "e"]);
    assert!(signal.disconnect_all());
    assert!(!late.is_connected());
    // The list starts from empty; the old connections disconnect nothing in it.
    signal.connect(log.slot("f"));
    assert!(connections.iter().all(|connection| !connection.disconnect()));
    signal.emit(());
    assert_eq!(log.take(), ["f"]);
}

#[test]
fn is_signal_connected() {
    let object = QObject::new();
    let (signal, chained) = (Signal::<()>::of(&object), Signal::of(&object));
    assert!(!signal.is_connected());
    let connection = signal.connect_signal(&chained);
    assert!(signal.is_connected() && !chained.is_connected());
    connection.disconnect();
    assert!(!signal.is_connected());
    assert!(!object.destroyed.is_connected());
    object.destroyed.connect(|_| ());
    assert!(object.destroyed.is_connected());
}

// ---- the order of an emission

#[test]
fn emit_in_defined_order() {
    let signal = Rc::new(Signal::new());
    let log = Log::default();
    let first = signal.connect(log.slot("a"));
    signal.connect(log.slot("b"));
    first.disconnect();
    signal.connect(log.slot("a"));
    signal.emit(());
    assert_eq!(log.take(), ["b", "a"]);

    // During an emission, slots that are cut are skipped. Slots that are new, or are cut and
    // connected again, are called from the next emission on.
    let signal = Rc::new(Signal::new());
    let cut: Rc<RefCell<Vec<Connection>>> = Rc::default();
    let (weak, connections, inner) = (Rc::downgrade(&signal), cut.clone(), log.clone());
    signal.connect_with_type(ConnectionType::SINGLE_SHOT, move |()| {
        inner.add("first");
        let signal = weak.upgrade().unwrap();
        for connection in connections.take() {
            assert!(connection.disconnect());
        }
        signal.connect(inner.slot("remade"));
        signal.connect(inner.slot("new"));
    });
    cut.borrow_mut().push(signal.connect(log.slot("cut")));
    signal.connect(log.slot("kept"));
    cut.borrow_mut().push(signal.connect(log.slot("remade")));
    signal.emit(());
    assert_eq!(log.take(), ["first", "kept"]);
    signal.emit(());
    assert_eq!(log.take(), ["kept", "remade", "new"]);
}

#[test]
fn a_receiver_that_an_earlier_slot_deletes_is_skipped() {
    let (signal, log) = (Signal::new(), Log::default());
    let object = RefCell::new(Some(QObject::new()));
    let shared = RefCell::new(Some(Rc::new(Listener::default())));
    let names = log.clone();
    let (receiver, listener) = (object.borrow().clone(), shared.borrow().clone());
    let (receiver, listener) = (receiver.unwrap(), listener.unwrap());
    signal.connect(move |()| drop((object.take(), shared.take())));
    signal.connect_to(&receiver, move |_, ()| names.add("object"));
    let names = log.clone();
    let connection = signal.connect_to(&listener, move |_, ()| names.add("shared"));
    signal.connect(log.slot("last"));
    drop((receiver, listener));
    assert!(connection.is_connected());
    signal.emit(());
    assert_eq!(log.take(), ["last"]);
    assert!(!connection.is_connected());
}

#[test]
fn the_sender_deleted_by_a_slot_stops_all_the_rest() {
    let log = Log::default();
    let object = QObject::new();
    let signal = Rc::new(Signal::of(&object));
    signal.connect(log.slot("before"));
    let holder = Cell::new(Some(object));
    let names = log.clone();
    signal.connect(move |()| {
        assert!(sender().is_some());
        drop(holder.take());
        assert!(sender().is_none());
        names.add("deleted");
    });
    signal.connect(log.slot("after"));
    signal.emit(());
    assert_eq!(log.take(), ["before", "deleted"]);
    signal.emit(());
    assert!(log.take().is_empty());
}

#[test]
fn connect_to_sender() {
    let log = Log::default();
    let object = QObject::new();
    let names = log.clone();
    object.object_name_changed.connect(move |_| {
        names.add("slot");
        let names = names.clone();
        sender().unwrap().object_name_changed.connect(move |_| names.add("new"));
    });
    object.set_object_name("one");
    assert_eq!(log.take(), ["slot"]);
    object.set_object_name("two");
    assert_eq!(log.take(), ["slot", "new"]);
}

#[test]
fn recursive_signal_emission() {
    const DEPTH: u32 = 200;
    let signal = Rc::new(Signal::new());
    let calls = Rc::new(Cell::new(0));
    let (weak, counter) = (Rc::downgrade(&signal), calls.clone());
    signal.connect(move |depth: &u32| {
        if *depth == DEPTH {
            return;
        }
        let signal = weak.upgrade().unwrap();
        let counter = counter.clone();
        signal.connect(move |_| counter.set(counter.get() + 1));
        signal.emit(depth + 1);
    });
    signal.emit(0);
    // An emission at depth n calls the n slots that were connected at the levels above it.
    assert_eq!(calls.get(), (0..=DEPTH).sum::<u32>());
}

#[test]
fn disconnect_self_in_slot_and_delete_after_emit() {
    for depth in [0, 100] {
        let signal = Rc::new(Signal::new());
        let receiver = Rc::new(Cell::new(0));
        let own: Rc<RefCell<Connection>> = Rc::default();
        let (weak, connection) = (Rc::downgrade(&signal), own.clone());
        *own.borrow_mut() = signal.connect_to(&receiver, move |calls, left: &u32| {
            calls.set(calls.get() + 1);
            match *left {
                0 => assert!(connection.borrow().disconnect()),
                left => weak.upgrade().unwrap().emit(left - 1),
            }
        });
        signal.emit(depth);
        assert_eq!(receiver.get(), depth + 1);
        assert!(!signal.is_connected());
        drop(receiver);
        signal.emit(depth);
    }
}

// ---- chains

#[test]
fn a_chain_is_blocked_and_sent_by_its_second_object() {
    let (first, second) = (QObject::new(), QObject::new());
    second.set_object_name("second");
    let (from, to) = (Signal::of(&first), Signal::of(&second));
    let log = Log::default();
    let names = log.clone();
    to.connect(move |()| names.add(sender().unwrap().object_name()));
    from.connect_signal(&to);
    from.emit(());
    assert_eq!(log.take(), ["second"]);
    second.block_signals(true);
    from.emit(());
    second.block_signals(false);
    first.block_signals(true);
    from.emit(());
    first.block_signals(false);
    assert!(log.take().is_empty());
    // The receiver of the connection is the second object.
    assert!(first.disconnect_receiver(&second));
    from.emit(());
    assert!(log.take().is_empty());

    let connection = from.connect_signal(&to);
    drop(second);
    assert!(!connection.is_connected());
    assert!(!from.connect_signal(&to).is_connected());
    from.emit(());
}

#[test]
fn a_signal_that_is_dropped_ends_its_connections() {
    let token = Rc::new(());
    let object = QObject::new();
    for signal in [Signal::<()>::new(), Signal::of(&object)] {
        let held = token.clone();
        let connection = signal.connect(move |()| drop(held.clone()));
        assert_eq!(Rc::strong_count(&token), 2);
        drop(signal);
        assert_eq!(Rc::strong_count(&token), 1);
        assert!(!connection.is_connected());
    }
    assert!(!object.disconnect_all());
}

#[test]
fn a_chained_signal_that_a_slot_drops_calls_no_more_slots() {
    let (from, log) = (Signal::new(), Log::default());
    let to = Rc::new(Cell::new(None));
    let holder = to.clone();
    let signal = Signal::new();
    signal.connect(move |()| drop(holder.take()));
    signal.connect(log.slot("after"));
    from.connect_signal(&signal);
    to.set(Some(signal));
    from.emit(());
    assert!(log.take().is_empty());
}

#[test]
fn cycles_of_chains_end_by_single_shot_block_and_cut() {
    let (a, b) = (Rc::new(Signal::new()), Rc::new(Signal::new()));
    let log = Log::default();
    a.connect(log.slot("a"));
    b.connect(log.slot("b"));
    let there = a.connect_signal(&b);
    let back = b.connect_signal(&a);
    let quiet = back.block();
    a.emit(());
    assert_eq!(log.take(), ["a", "b"]);
    drop(quiet);

    // A slot cuts the cycle in its second round.
    let (cut, rounds) = (there.clone(), Cell::new(0));
    a.disconnect_all();
    a.connect(move |()| {
        rounds.set(rounds.get() + 1);
        if rounds.get() == 2 {
            cut.disconnect();
        }
    });
    let there = a.connect_signal(&b);
    let names = log.clone();
    let (cut, rounds) = (there.clone(), Cell::new(0));
    b.connect(move |()| {
        names.add("b2");
        rounds.set(rounds.get() + 1);
        if rounds.get() == 2 {
            cut.disconnect();
        }
    });
    assert!(back.disconnect());
    b.connect_signal(&a);
    a.emit(());
    assert_eq!(log.take(), ["b", "b2", "b", "b2"]);

    // A signal connected to itself fires once.
    let own = Rc::new(Signal::new());
    own.connect(log.slot("own"));
    let weak: Weak<Signal<()>> = Rc::downgrade(&own);
    own.connect_with_type(ConnectionType::SINGLE_SHOT, move |()| weak.upgrade().unwrap().emit(()));
    own.emit(());
    assert_eq!(log.take(), ["own", "own"]);
}
