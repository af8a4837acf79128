//! Dynamic properties, the names of classes, and the tree of an object as text.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use qcore::{
    EventHandler, EventType, QBuffer, QCoreApplication, QEvent, QIODevice, QObject, QTimer, Signal,
    class,
};

/// A filter that records the names of the properties that change.
#[derive(Default)]
struct Changes(RefCell<Vec<String>>);

impl EventHandler for Changes {
    fn event_filter(&self, _: &QObject, event: &QEvent) -> bool {
        assert_eq!(event.event_type(), EventType::DYNAMIC_PROPERTY_CHANGE);
        self.0.borrow_mut().push(event.data::<String>().unwrap().clone());
        false
    }
}

impl Changes {
    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// The events are those of Qt.
#[test]
fn a_change_is_an_event() {
    let (object, changes) = (QObject::new(), Rc::new(Changes::default()));
    object.install_event_filter(&changes);
    object.set_property("x", 5);
    object.set_property("x", 5);
    assert_eq!(changes.take(), ["x"]);
    object.set_property("x", 6);
    // Another type is a change.
    object.set_property("x", 6.0);
    assert_eq!(changes.take(), ["x", "x"]);
    assert_eq!(object.property("x"), Some(6.0));

    object.set_property("b", 1);
    object.set_property("a", 1);
    object.set_property("b", 2);
    assert_eq!(changes.take(), ["b", "a", "b"]);
    assert_eq!(object.dynamic_property_names(), ["x", "b", "a"]);

    assert!(object.remove_property("x"));
    assert!(!object.remove_property("x") && !object.remove_property("none"));
    assert_eq!(changes.take(), ["x"]);
    assert_eq!(object.dynamic_property_names(), ["b", "a"]);
    assert_eq!(object.property::<f64>("x"), None);
}

#[test]
fn an_objects_own_class_gets_the_event() {
    class! {
        struct Listener: QObject {
            heard: RefCell<Vec<String>> = RefCell::default(),
        }
    }
    impl EventHandler for Listener {
        fn event(&self, event: &QEvent) -> bool {
            self.heard.borrow_mut().extend(event.data::<String>().cloned());
            true
        }
    }
    let listener = Listener::derive(QObject::new());
    listener.set_property("x", ());
    assert_eq!(*listener.heard.borrow(), ["x"]);
}

#[test]
fn a_property_of_another_type_is_none() {
    let object = QObject::new();
    object.set_property("x", "text");
    assert_eq!(object.property::<String>("x"), None);
    assert_eq!(object.property("x"), Some("text"));
}

#[test]
fn a_dying_object_drops_its_properties() {
    let _app = QCoreApplication::new();
    let object = QObject::new();
    let weak = Rc::new(());
    object.set_property("weak", weak.clone());
    // A handle to the object itself.
    object.set_property("self", object.clone());
    object.destroyed.connect_to(&weak, |_, object| {
        object.set_property("late", 1);
        assert_eq!(object.property::<i32>("late"), None);
    });
    object.delete_later();
    assert_eq!(Rc::strong_count(&weak), 2);
    QCoreApplication::send_posted_events_of_type(Some(&object), EventType::DEFERRED_DELETE);
    assert!(object.is_deleted());
    assert_eq!(Rc::strong_count(&weak), 1);
    assert_eq!(object.dynamic_property_names(), [""; 0]);
    object.set_property("x", 1);
    assert_eq!((object.property::<i32>("x"), object.remove_property("x")), (None, false));
}

/// A value whose comparison, clone and drop use the object.
struct Meddler {
    object: QObject,
    calls: Rc<Cell<u32>>,
}

impl Meddler {
    fn meddle(&self) {
        self.calls.set(self.calls.get() + 1);
        let count = self.object.property::<u32>("count").unwrap_or(0);
        self.object.set_property("count", count + 1);
    }
}

impl Clone for Meddler {
    fn clone(&self) -> Self {
        self.meddle();
        Meddler { object: self.object.clone(), calls: self.calls.clone() }
    }
}

impl PartialEq for Meddler {
    fn eq(&self, _: &Self) -> bool {
        self.meddle();
        false
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.meddle();
    }
}

#[test]
fn values_may_use_the_object() {
    let (object, calls) = (QObject::new(), Rc::new(Cell::new(0)));
    let meddler = || Meddler { object: object.clone(), calls: calls.clone() };
    object.set_property("x", meddler());
    object.set_property("x", meddler()); // compares, and drops the first one
    assert_eq!(calls.get(), 2);
    drop(object.property::<Meddler>("x")); // clones and drops
    assert_eq!(calls.get(), 4);
    assert!(object.remove_property("x"));
    assert_eq!(calls.get(), 5);
    assert_eq!(object.property::<u32>("count"), Some(5));
}

class! {
    /// A class over a device.
    struct Cable: QBuffer {
        pub cut: Signal<()>,
    }
}

#[test]
fn class_names() {
    let cable = Cable::derive(QBuffer::new());
    for object in [QObject::from(&cable), QIODevice::from(&cable).into()] {
        assert_eq!(object.class_name(), "Cable");
        for class in ["Cable", "QBuffer", "QIODevice", "QObject"] {
            assert!(object.inherits(class), "{class}");
        }
        assert!(!object.inherits("QTimer") && !object.inherits("") && !object.inherits("Handle"));
    }
    assert_eq!(QObject::new().class_name(), "QObject");
    assert!(QObject::new().inherits("QObject") && !QObject::new().inherits("QTimer"));

    cable.cut.emit(());
    let destroyed = Rc::new(Cell::new(""));
    let seen = destroyed.clone();
    cable.destroyed.connect(move |object| seen.set(object.class_name()));
    drop(cable);
    // As in Qt, where only the QObject is left.
    assert_eq!(destroyed.get(), "QObject");
}

/// The text is that of Qt.
#[test]
fn a_tree_of_objects() {
    let top = QObject::new();
    top.set_object_name("top");
    let tick = QTimer::new();
    tick.set_object_name("tick");
    tick.set_parent(Some(&top));
    let inner = QBuffer::new();
    inner.set_parent(Some(&tick));
    Cable::derive(QBuffer::new()).set_parent(Some(&top));
    let text = "QObject::top \n    QTimer::tick \n        QBuffer:: \n    Cable:: \n";
    assert_eq!(top.dump_object_tree(), text);
    assert_eq!(inner.dump_object_tree(), "QBuffer:: \n");
}

#[test]
fn a_deep_tree() {
    let top = QObject::new();
    let mut last = top.clone();
    for _ in 0..300 {
        let next = QObject::new();
        next.set_parent(Some(&last));
        last = next;
    }
    assert_eq!(top.dump_object_tree().lines().count(), 301);
}
