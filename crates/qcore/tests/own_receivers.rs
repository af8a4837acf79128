//! Receivers of a program's own, which do anything when they are asked whether they are alive.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use qcore::{
    Connection, ConnectionType, EventHandler, EventType, QCoreApplication, QEvent, QObject,
    Receiver, Signal, object::Life, signal::shape::OfRc,
};

/// A receiver that calls a function when it is asked whether it is alive.
#[derive(Clone)]
struct Prying(Rc<Target>);

#[derive(Default)]
struct Target {
    calls: Cell<u32>,
    when_asked: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Prying {
    fn new() -> Self {
        Prying(Rc::default())
    }

    /// Sets what happens when the receiver is asked next.
    fn when_asked(&self, action: impl FnOnce() + 'static) {
        self.0.when_asked.replace(Some(Box::new(action)));
    }

    fn has_been_asked(&self) -> bool {
        self.0.when_asked.borrow().is_none()
    }
}

impl Target {
    fn count(&self) {
        self.calls.set(self.calls.get() + 1);
    }
}

impl EventHandler for Target {
    fn event_filter(&self, _: &QObject, _: &QEvent) -> bool {
        self.count();
        false
    }
}

impl Receiver for Prying {
    type Target = Target;
    type Weak = Weak<Target>;
    type Strong = Rc<Target>;
    type Kind = OfRc;

    fn downgrade(&self) -> Weak<Target> {
        Rc::downgrade(&self.0)
    }

    fn upgrade(weak: &Weak<Target>) -> Option<Rc<Target>> {
        weak.upgrade()
    }

    fn with<V>(weak: &Weak<Target>, f: impl FnOnce(&Target) -> V) -> Option<V> {
        Some(f(&*weak.upgrade()?))
    }

    fn is_alive(weak: &Weak<Target>) -> bool {
        let Some(target) = weak.upgrade() else { return false };
        if let Some(action) = target.when_asked.take() {
            action();
        }
        true
    }

    fn identity(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    fn object_life(&self) -> Option<&Rc<Life>> {
        None
    }
}

fn send(object: &QObject) {
    QCoreApplication::send_event(object, &QEvent::new(EventType::USER));
}

/// Destroys an object although it has handles.
fn destroy(object: &QObject) {
    let parent = QObject::new();
    object.set_parent(Some(&parent));
    drop(parent);
    assert!(object.is_deleted());
}

#[test]
fn connecting_while_a_unique_connection_is_looked_for() {
    let (receiver, other, signal) = (Prying::new(), Prying::new(), Rc::new(Signal::<()>::new()));
    let unique = ConnectionType::UNIQUE;
    signal.connect_slot_with_type(&receiver, unique, Target::count);
    let (inner, inner_signal) = (other.clone(), signal.clone());
    receiver.when_asked(move || {
        inner_signal.connect_slot(&inner, Target::count);
    });
    let second = signal.connect_slot_with_type(&receiver, unique, Target::count);
    assert!(receiver.has_been_asked() && !second.is_connected());
    signal.emit(());
    assert_eq!((receiver.0.calls.get(), other.0.calls.get()), (1, 1));

    // The connection that was looked for goes.
    let inner_signal = signal.clone();
    receiver.when_asked(move || {
        inner_signal.disconnect_all();
    });
    signal.connect_slot_with_type(&receiver, unique, Target::count);
    assert!(receiver.has_been_asked());
}

#[test]
fn a_filter_that_is_installed_while_another_one_is_keeps_its_place() {
    let (object, old, new, late) = (QObject::new(), Prying::new(), Prying::new(), Prying::new());
    object.install_event_filter(&old);
    let (inner_object, inner) = (object.clone(), late.clone());
    old.when_asked(move || inner_object.install_event_filter(&inner));
    object.install_event_filter(&new);
    assert!(old.has_been_asked());
    send(&object);
    let calls = || [&old, &new, &late].map(|filter| filter.0.calls.get());
    assert_eq!(calls(), [1, 1, 1]);

    // The same while one is removed, and while one is removed by another removal.
    let (inner_object, inner) = (object.clone(), late.clone());
    old.when_asked(move || inner_object.remove_event_filter(&inner));
    object.remove_event_filter(&new);
    assert!(old.has_been_asked());
    send(&object);
    assert_eq!(calls(), [2, 1, 1]);
}

#[test]
fn an_object_that_dies_while_a_filter_is_installed_has_none() {
    let app = QCoreApplication::new();
    for removes in [false, true] {
        let (object, old, new) = (QObject::new(), Prying::new(), Prying::new());
        object.install_event_filter(&old);
        let inner = object.clone();
        old.when_asked(move || destroy(&inner));
        if removes {
            object.remove_event_filter(&new);
        } else {
            object.install_event_filter(&new);
        }
        assert!(old.has_been_asked() && object.is_deleted());
        send(&object);
        assert_eq!((old.0.calls.get(), new.0.calls.get()), (0, 0));
    }
    drop(app);
}

#[test]
fn an_object_that_dies_while_its_queued_slot_is_asked_gets_nothing() {
    let app = QCoreApplication::new();
    for destroys_sender in [false, true] {
        let (sender, object, receiver) = (QObject::new(), QObject::new(), Prying::new());
        let signal = Signal::<u32>::of(&sender);
        let (value, calls) = (Rc::new(()), Rc::new(Cell::new(0)));
        let kept = value.clone();
        let inner = calls.clone();
        signal.connect_to_with_type((&receiver, &object), ConnectionType::QUEUED, move |_, _| {
            let _ = &kept;
            inner.set(inner.get() + 1);
        });
        let dies = if destroys_sender { sender.clone() } else { object.clone() };
        receiver.when_asked(move || destroy(&dies));
        signal.emit(7);
        assert!(receiver.has_been_asked());
        app.process_events();
        // As in Qt, a queued call outlives its sender.
        assert_eq!(calls.get(), u32::from(destroys_sender));
        assert_eq!(Rc::strong_count(&value), 1, "the closure is gone");
        assert!(!signal.is_connected());
    }
}

#[test]
fn an_emission_of_an_object_that_dies_meanwhile_stops() {
    let (sender, receiver, last) = (QObject::new(), Prying::new(), Prying::new());
    let signal = Rc::new(Signal::<()>::of(&sender));
    let asked = Rc::new(RefCell::new(Connection::default()));
    signal.connect_to(&asked, |asked, ()| _ = asked.take().is_connected());
    asked.replace(signal.connect_slot(&receiver, Target::count));
    signal.connect_slot(&last, Target::count);
    let inner = sender.clone();
    receiver.when_asked(move || destroy(&inner));
    signal.emit(());
    assert!(receiver.has_been_asked() && sender.is_deleted());
    assert_eq!((receiver.0.calls.get(), last.0.calls.get()), (0, 0));
}
