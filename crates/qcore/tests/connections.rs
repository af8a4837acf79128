//! The connection types, and the fate of the closures.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use crate::common::Log;
use qcore::{
    Connection, ConnectionType, Dispatcher, QCoreApplication, QObject, QPointer, Signal, sender,
};

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

/// Calls a closure when it is dropped, to stand for the destructor of a captured value.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

// ---- connection types

#[test]
fn connect_to_static_function_twice_is_called_twice() {
    thread_local!(static CALLS: Cell<u32> = const { Cell::new(0) });
    fn slot(_: &()) {
        CALLS.set(CALLS.get() + 1);
    }
    let signal = Signal::new();
    signal.connect(slot);
    signal.connect(slot);
    signal.emit(());
    assert_eq!(CALLS.get(), 2);
}

#[test]
fn uniq_connection() {
    let unique = ConnectionType::UNIQUE;
    let signal = Signal::new();
    let receiver = Rc::new(Listener::default());
    let other = Rc::new(Listener::default());
    assert!(signal.connect_to_with_type(&receiver, unique, Listener::first).is_connected());
    assert!(!signal.connect_to_with_type(&receiver, unique, Listener::first).is_connected());
    assert!(signal.connect_to_with_type(&receiver, unique, Listener::second).is_connected());
    assert!(signal.connect_to_with_type(&other, unique, Listener::first).is_connected());
    signal.emit(());
    assert_eq!((receiver.take(), other.take()), ((1, 1), (1, 0)));

    // A normal connection of the same slot is allowed and comes last. One disconnect cuts both.
    let log = Log::default();
    signal.connect(log.slot("between"));
    assert!(signal.connect_to(&receiver, Listener::first).is_connected());
    signal.emit(());
    assert_eq!(receiver.take(), (2, 1));
    assert!(signal.disconnect_slot(&receiver, Listener::first));
    let order = Rc::new(RefCell::new(Vec::new()));
    fn one(order: &RefCell<Vec<u32>>, _: &()) {
        order.borrow_mut().push(1);
    }
    let signal_of_two = Signal::new();
    signal_of_two.connect_to_with_type(&order, unique, one);
    signal_of_two.connect_to(&order, |order, ()| order.borrow_mut().push(2));
    assert!(signal_of_two.connect_to(&order, one).is_connected());
    assert!(!signal_of_two.connect_to_with_type(&order, unique, one).is_connected());
    signal_of_two.emit(());
    assert_eq!(order.take(), [1, 2, 1]);

    let again = signal.connect_to_with_type(&receiver, unique, Listener::first);
    assert!(again.is_connected());
    assert!(again.disconnect());
    assert!(signal.connect_to_with_type(&receiver, unique, Listener::first).is_connected());
}

/// In Qt each closure is a different slot. Here closures from one place in the code are the same
/// slot.
#[test]
fn a_unique_connection_to_a_closure() {
    let (signal, calls) = (Signal::new(), Rc::new(Cell::new(0)));
    let connect = || {
        let unique = ConnectionType::UNIQUE;
        signal.connect_to_with_type(&calls, unique, |calls, ()| calls.set(calls.get() + 1))
    };
    assert!(connect().is_connected());
    assert!(!connect().is_connected());
    signal.emit(());
    assert_eq!(calls.take(), 1);
    let add_ten = |calls: &Cell<u32>, _: &()| calls.set(calls.get() + 10);
    assert!(signal.connect_to_with_type(&calls, ConnectionType::UNIQUE, add_ten).is_connected());
    signal.emit(());
    assert_eq!(calls.take(), 11);
}

#[test]
fn single_shot_connection_is_cut_before_its_slot_runs() {
    let signal = Rc::new(Signal::new());
    let calls = Rc::new(Cell::new(0));
    let weak = Rc::downgrade(&signal);
    let connection =
        signal.connect_to_with_type(&calls, ConnectionType::SINGLE_SHOT, move |calls, ()| {
            calls.set(calls.get() + 1);
            let signal = weak.upgrade().unwrap();
            assert!(!signal.is_connected());
            signal.emit(());
        });
    // While it is blocked it is not used up.
    let quiet = connection.block();
    signal.emit(());
    assert!(connection.is_connected());
    drop(quiet);
    signal.emit(());
    signal.emit(());
    assert_eq!(calls.get(), 1);
    assert!(!connection.disconnect());
}

#[test]
fn blocked_connections_are_silent_until_the_last_guard_goes() {
    let (signal, log) = (Signal::new(), Log::default());
    let connection = signal.connect(log.slot("blocked"));
    signal.connect(log.slot("other"));
    let guards = [connection.block(), connection.clone().block()];
    signal.emit(());
    assert_eq!(log.take(), ["other"]);
    let [first, second] = guards;
    drop(first);
    signal.emit(());
    assert_eq!(log.take(), ["other"]);
    drop(second);
    signal.emit(());
    assert_eq!(log.take(), ["blocked", "other"]);

    let guard = connection.block();
    assert!(connection.is_connected());
    assert!(connection.disconnect());
    drop(guard);
    signal.emit(());
    assert_eq!(log.take(), ["other"]);
}

#[test]
fn scoped_connections_end_with_their_scope() {
    let (signal, log) = (Signal::new(), Log::default());
    let scoped = signal.connect(log.slot("scoped")).scoped();
    let released = signal.connect(log.slot("released")).scoped().release();
    assert!(scoped.connection().is_connected());
    signal.emit(());
    drop(scoped);
    signal.emit(());
    assert_eq!(log.take(), ["scoped", "released", "released"]);
    assert!(released.is_connected());
}

#[test]
fn mutable_functor_keeps_its_state() {
    let signal = Signal::new();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let mut count = 0;
    let out = seen.clone();
    signal.connect_mut(move |by: &u32| {
        count += by;
        out.borrow_mut().push(count);
    });
    signal.emit(1);
    signal.emit(10);
    assert_eq!(*seen.borrow(), [1, 11]);
    assert_eq!(count, 0);
}

#[test]
fn a_connect_mut_slot_may_cut_itself_and_come_back_after_a_panic() {
    let signal = Rc::new(Signal::new());
    let own: Rc<RefCell<Connection>> = Rc::default();
    let (connection, mut calls) = (own.clone(), 0);
    *own.borrow_mut() = signal.connect_mut(move |()| {
        calls += 1;
        assert!(calls != 1, "the first call");
        assert!(connection.borrow().disconnect());
    });
    let caught = catch_unwind(AssertUnwindSafe(|| signal.emit(())));
    assert!(caught.is_err());
    signal.emit(());
    assert!(!signal.is_connected());
}

#[test]
fn connect_functor_move_only() {
    let signal = Signal::new();
    let boxed = Box::new(Cell::new(0));
    let seen: Rc<Cell<u32>> = Rc::default();
    let out = seen.clone();
    signal.connect(move |by| {
        boxed.set(boxed.get() + by);
        out.set(boxed.get());
    });
    signal.emit(2);
    signal.emit(3);
    assert_eq!(seen.get(), 5);
}

#[test]
fn a_slot_given_a_handle_may_set_what_it_holds() {
    // A reference argument in Qt is a shared handle here.
    let signal = Signal::new();
    signal.connect(|answer: &Rc<Cell<i32>>| answer.set(42));
    let answer = Rc::new(Cell::new(0));
    signal.emit(answer.clone());
    assert_eq!(answer.get(), 42);
}

// ---- values held by closures

#[test]
fn disconnect_does_not_leak_functor() {
    let object = QObject::new();
    let signal = Signal::of(&object);
    let token = Rc::new(());
    let connect = || {
        let held = token.clone();
        signal.connect(move |()| drop(held.clone()))
    };
    let connection = connect();
    assert_eq!(Rc::strong_count(&token), 2);
    assert!(connection.disconnect());
    assert_eq!(Rc::strong_count(&token), 1);
    connect();
    assert!(signal.disconnect_all());
    assert_eq!(Rc::strong_count(&token), 1);
    connect();
    drop(object);
    assert_eq!(Rc::strong_count(&token), 1);
    // The closures of refused connections are dropped as well.
    assert!(!connect().is_connected());
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn context_does_not_leak_functor() {
    let (object, signal) = (QObject::new(), Signal::<()>::new());
    let token = Rc::new(());
    let held = token.clone();
    let connection = signal.connect_to(&object, move |_, ()| drop(held.clone()));
    drop(object);
    assert_eq!(Rc::strong_count(&token), 1);
    assert!(!connection.is_connected());
    assert!(!signal.is_connected());
}

#[test]
fn a_closure_destroyed_may_ask_for_the_sender() {
    let object = QObject::new();
    let signal = Signal::of(&object);
    let asked = Rc::new(Cell::new(false));
    let out = asked.clone();
    let guard = OnDrop(move || {
        assert!(sender().is_none());
        out.set(true);
    });
    let connection = signal.connect(move |()| assert!(size_of_val(&guard) > 0));
    assert!(connection.disconnect());
    assert!(asked.get());
}

#[test]
fn connect_functor_deadlock() {
    // The closure drops its own sender, and its destructor connects, disconnects, emits and drops.
    let object = QObject::new();
    let signal = Rc::new(Signal::of(&object));
    let calls = Rc::new(Cell::new(0));
    let (weak, counter) = (Rc::downgrade(&signal), calls.clone());
    let guard = OnDrop(move || {
        let Some(signal) = weak.upgrade() else { return };
        let connections: Vec<_> = (0..1024)
            .map(|_| signal.connect_to(&counter, |calls, ()| calls.set(calls.get() + 1)))
            .collect();
        assert!(connections[5].disconnect());
        signal.emit(());
        assert!(signal.disconnect_receiver(&counter));
        drop(QObject::new());
    });
    let sender = QPointer::new(&object);
    signal.connect(move |()| {
        let _held = &guard;
        assert!(sender.upgrade().unwrap().disconnect_all());
    });
    signal.emit(());
    assert_eq!(calls.get(), 1023);
    assert!(!signal.is_connected());
}

#[test]
fn dropping_closures_may_cut_one_another() {
    // disconnect_all() drops many closures, each of which disconnects all the others.
    let signal = Rc::new(Signal::<()>::new());
    let connections: Rc<RefCell<Vec<Connection>>> = Rc::default();
    for _ in 0..32 {
        let others = connections.clone();
        let weak = Rc::downgrade(&signal);
        let guard = OnDrop(move || {
            let others = others.borrow().clone();
            for connection in others {
                assert!(!connection.disconnect());
            }
            if let Some(signal) = weak.upgrade() {
                signal.disconnect_all();
            }
        });
        let connection = signal.connect(move |()| assert!(size_of_val(&guard) > 0));
        connections.borrow_mut().push(connection);
    }
    assert!(signal.disconnect_all());
    assert!(!signal.is_connected());
}

#[test]
fn a_slot_that_holds_its_own_sender_is_freed_by_its_death() {
    let object = QObject::new();
    let token = Rc::new(());
    let (own, held) = (object.clone(), token.clone());
    object.object_name_changed.connect(move |_| drop((own.clone(), held.clone())));
    let pointer = QPointer::new(&object);
    object.delete_later();
    drop(object);
    assert!(!pointer.is_null());
    let app = QCoreApplication::new();
    let quit = app.clone();
    Dispatcher::current().post(move || quit.quit());
    app.exec();
    assert!(pointer.is_null());
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn null_receiver() {
    // A null receiver in Qt is a dead receiver here. All ways of connecting to it are refused.
    let signal = Signal::<()>::new();
    let token = Rc::new(());
    let object = QObject::new();
    let other = Signal::of(&object);
    let dead: Rc<RefCell<Option<QObject>>> = Rc::default();
    let out = dead.clone();
    object.destroyed.connect(move |object| *out.borrow_mut() = Some(object.clone()));
    drop(object);
    let dead = dead.take().unwrap();
    assert!(dead.is_deleted());
    let held = token.clone();
    assert!(!signal.connect_to(&dead, move |_, ()| drop(held.clone())).is_connected());
    assert_eq!(Rc::strong_count(&token), 1);
    let queued = ConnectionType::QUEUED;
    assert!(!signal.connect_to_with_type(&dead, queued, |_, ()| ()).is_connected());
    assert!(!signal.connect_signal(&other).is_connected());
    assert!(!other.connect(|()| ()).is_connected());
    assert!(!signal.is_connected());
    signal.emit(());
    other.emit(());
}

#[test]
fn receivers_are_the_slots_that_live() {
    let signal = Signal::<()>::new();
    assert_eq!(signal.receivers(), 0);
    let (plain, object, listener) = (Signal::new(), QObject::new(), Rc::new(Listener::default()));
    let connection = signal.connect(|()| ());
    signal.connect_to(&object, |_, ()| ());
    signal.connect_to(&listener, |_, ()| ());
    signal.connect_to(&listener, |_, ()| ());
    signal.connect_signal(&plain);
    assert_eq!(signal.receivers(), 5);
    let blocked = connection.block();
    assert_eq!(signal.receivers(), 5);
    drop(blocked);
    connection.disconnect();
    assert_eq!(signal.receivers(), 4);
    drop(listener);
    assert_eq!(signal.receivers(), 2);
    drop(object);
    drop(plain);
    assert_eq!(signal.receivers(), 0);

    let held = Rc::new(signal);
    let (weak, seen) = (Rc::downgrade(&held), Rc::new(Cell::new(9)));
    held.connect_to_with_type(&seen, ConnectionType::SINGLE_SHOT, move |seen, ()| {
        seen.set(weak.upgrade().unwrap().receivers());
    });
    assert_eq!(held.receivers(), 1);
    held.emit(());
    // A single-shot slot is disconnected before it is called.
    assert_eq!((seen.get(), held.receivers()), (0, 0));
}
