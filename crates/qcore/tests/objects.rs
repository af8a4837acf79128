//! The life and death of objects: handles, parents and children, weak pointers, blocked signals.

use std::{
    any::TypeId,
    cell::{Cell, RefCell},
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use crate::common::Log;
use qcore::{
    Connection, FindChildOptions, QBuffer, QCoreApplication, QEventLoop, QIODevice, QObject,
    QPointer, QTimer, Signal, class,
    object::{Handle, Life, Node, Object},
};

class! {
    /// A door that emits a signal when it is closed, and when it dies open.
    struct Door(DoorNode): QObject = base
}

struct DoorNode {
    closed: Signal<&'static str>,
    open: Cell<bool>,
    base: QObject,
}

impl Node for DoorNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        if self.open.replace(false) {
            self.closed.emit("by death");
        }
    }
}

class! {
    /// A door with a lock: a class that adds only methods.
    struct LockedDoor(Door): QObject;
}

impl Door {
    fn new() -> Self {
        let life = Life::new();
        Door(Handle::new(Rc::new(DoorNode {
            closed: Signal::in_life(&life),
            open: Cell::new(true),
            base: QObject::embed(&life),
        })))
    }
}

impl LockedDoor {
    fn new() -> Self {
        LockedDoor(Door::new())
    }
}

fn name(object: &QObject, name: &str) -> QObject {
    object.set_object_name(name);
    object.clone()
}

/// Logs the death of the object.
fn watch(object: &QObject, log: &Log) -> QPointer<QObject> {
    let log = log.clone();
    object.destroyed.connect(move |object| log.add(object.object_name()));
    QPointer::new(object)
}

// ---- handles

#[test]
fn the_last_handle_of_any_class_ends_the_object() {
    let log = Log::default();
    let door = LockedDoor::new();
    let pointer = watch(&door, &log);
    name(&door, "door");
    let base = Door::from(&door);
    let object = QObject::from(&base);
    assert_eq!(base, *door);
    assert_eq!(object, pointer.upgrade().unwrap());
    drop(door);
    drop(base);
    assert!(log.take().is_empty() && !pointer.is_null());
    drop(object);
    assert_eq!(log.take(), ["door"]);
    assert!(pointer.is_null());
}

#[test]
#[allow(clippy::mutable_key_type)] // the hash is that of the identity
fn handles_compare_hash_and_print_by_identity() {
    let (one, two) = (QObject::new(), QObject::new());
    assert_eq!(one, one.clone());
    assert_ne!(one, two);
    let set: HashSet<QObject> = [one.clone(), two.clone(), one.clone()].into();
    assert_eq!(set.len(), 2);
    one.set_object_name("one");
    assert!(format!("{one:?}").contains("\"one\""));
    one.delete_later();
    assert!(!format!("{one:?}").contains("deleted"));
    assert!(format!("{:?}", LockedDoor::new()).starts_with("LockedDoor("));
}

#[test]
fn object_name_changed_is_emitted_for_another_name_only() {
    let (object, log) = (QObject::new(), Log::default());
    let names = log.clone();
    object.object_name_changed.connect(move |name| names.add(name));
    for name in ["", "a", "a", "b"] {
        object.set_object_name(name);
    }
    assert_eq!(log.take(), ["a", "b"]);
    assert_eq!(object.object_name(), "b");
}

// ---- the order of death

#[test]
fn the_destructor_speaks_first_then_destroyed_then_the_children_die() {
    let log = Log::default();
    let door = Door::new();
    name(&door, "door");
    let pointer = QPointer::new(&door);
    let child = name(&QObject::new(), "child");
    child.set_parent(Some(&door));
    watch(&child, &log);
    let (names, weak) = (log.clone(), pointer.clone());
    door.closed.connect(move |how| {
        // The object still lives here: slots can get handles to it.
        names.add(format!("closed {how}, {}", weak.upgrade().is_some()));
    });
    let (names, weak, kept) = (log.clone(), pointer.clone(), child.clone());
    door.destroyed.connect(move |object| {
        assert!(weak.is_null() && weak.upgrade().is_none());
        assert!(object.is_deleted() && !kept.is_deleted());
        assert_eq!(object.children(), vec![kept.clone()]);
        names.add(format!("destroyed {}", object.object_name()));
    });
    drop(door);
    assert_eq!(log.take(), ["closed by death, true", "destroyed door", "child"]);
    assert!(child.is_deleted() && child.parent().is_none());
}

#[test]
fn qpointer_reset_before_destroyed_signal() {
    let object = QObject::new();
    let pointer = QPointer::new(&object);
    let seen = Rc::new(Cell::new(false));
    let (weak, out) = (pointer.clone(), seen.clone());
    object.destroyed.connect(move |_| out.set(weak.is_null()));
    assert!(!pointer.is_null());
    drop(object);
    assert!(seen.get());
}

#[test]
fn destroyed_is_emitted_even_if_signals_are_blocked() {
    let (object, door, log) = (QObject::new(), Door::new(), Log::default());
    watch(&name(&object, "object"), &log);
    watch(&name(&door, "door"), &log);
    door.closed.connect(log.slot("closed"));
    object.block_signals(true);
    door.block_signals(true);
    drop((object, door));
    assert_eq!(log.take(), ["object", "door"]);
}

#[test]
fn a_handle_left_over_is_dead() {
    let door = Door::new();
    let parent = QObject::new();
    let child = QObject::new();
    door.set_parent(Some(&parent));
    child.set_parent(Some(&door));
    let incoming = parent.object_name_changed.connect_to(&door, |_, _| ());
    let outgoing = door.closed.connect(|_| ());
    drop(parent);
    assert!(door.is_deleted() && child.is_deleted());
    assert!(!door.open.get(), "its state is closed");
    assert!(!incoming.is_connected() && !outgoing.is_connected());
    assert!(door.parent().is_none() && door.children().is_empty());
    assert!(QPointer::new(&door).is_null());
    // These calls do nothing any more, but are allowed.
    door.delete_later();
    door.closed.emit("again");
    door.set_object_name("dead");
    assert!(!door.disconnect_all());
    assert!(!door.closed.connect(|_| ()).is_connected());
    door.set_parent(Some(&QObject::new()));
    assert!(door.parent().is_none());
    let other = QObject::new();
    other.set_parent(Some(&door));
    assert!(other.parent().is_none());
    assert!(door.clone().is_deleted());
    QCoreApplication::new().process_events();
}

#[test]
fn what_a_destructors_slot_connects_and_adopts_dies_too() {
    let (door, log) = (Door::new(), Log::default());
    let weak = QPointer::new(&door);
    let late: Rc<RefCell<Vec<Connection>>> = Rc::default();
    let (names, connections) = (log.clone(), late.clone());
    door.closed.connect(move |_| {
        let door = weak.upgrade().unwrap();
        connections.borrow_mut().push(door.closed.connect(|_| ()));
        let child = name(&QObject::new(), "late child");
        child.set_parent(Some(&door));
        watch(&child, &names);
        // delete_later() and dropping handles have no effect on a dying object.
        door.delete_later();
    });
    watch(&name(&door, "door"), &log);
    drop(door);
    assert_eq!(log.take(), ["door", "late child"]);
    assert!(!late.borrow()[0].is_connected());
    assert!(!QCoreApplication::new().process_events());
}

#[test]
fn a_slot_of_destroyed_may_keep_the_dead_handle() {
    let object = name(&QObject::new(), "kept");
    let kept: Rc<RefCell<Option<QObject>>> = Rc::default();
    let out = kept.clone();
    object.destroyed.connect(move |object| *out.borrow_mut() = Some(object.clone()));
    drop(object);
    let kept = kept.take().unwrap();
    assert!(kept.is_deleted());
    assert_eq!(kept.object_name(), "kept");
}

#[test]
fn a_panicking_slot_leaves_no_half_object() {
    let parent = QObject::new();
    let token = Rc::new(());
    let children: Vec<_> = (0..3)
        .map(|_| {
            let child = QObject::new();
            child.set_parent(Some(&parent));
            let held = token.clone();
            child.object_name_changed.connect(move |_| drop(held.clone()));
            child
        })
        .collect();
    children[0].destroyed.connect(|_| panic!("in a child's slot"));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(parent))).is_err());
    assert!(children.iter().all(|child| child.is_deleted()));
    assert_eq!(Rc::strong_count(&token), 1);

    let door = Door::new();
    let held = token.clone();
    door.closed.connect(move |_| panic!("in the destructor {held:?}"));
    let child = QTimer::new();
    child.set_parent(Some(&door));
    let pointer = QPointer::new(&door);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(door))).is_err());
    assert!(pointer.is_null() && child.is_deleted());
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn dead_objects_are_freed() {
    struct Token(Rc<Cell<u32>>);
    impl Drop for Token {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let freed = Rc::new(Cell::new(0));
    let (one, two) = (QObject::new(), QObject::new());
    for (from, to) in [(&one, &two), (&two, &one)] {
        // Each slot holds its own sender and the other object. Death breaks these cycles.
        let (token, sender, receiver) = (Token(freed.clone()), from.clone(), to.clone());
        from.object_name_changed.connect_to(to, move |_, _| {
            assert!(sender != receiver && token.0.get() == 0);
        });
    }
    one.set_object_name("one");
    one.delete_later();
    two.delete_later();
    drop((one, two));
    let app = QCoreApplication::new();
    QTimer::single_shot_to(0, &app, QCoreApplication::quit);
    app.exec();
    assert_eq!(freed.get(), 2);
}

// ---- families

#[test]
fn a_parent_keeps_its_children_and_an_orphan_dies() {
    let log = Log::default();
    let parent = name(&QObject::new(), "parent");
    for child in ["a", "b", "c"] {
        let child = name(&QObject::new(), child);
        watch(&child, &log);
        child.set_parent(Some(&parent));
    }
    watch(&parent, &log);
    let names: Vec<_> = parent.children().iter().map(|child| child.object_name()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(parent.children()[1].parent(), Some(parent.clone()));
    parent.children()[1].set_parent(None);
    assert_eq!(log.take(), ["b"]);
    drop(parent);
    assert_eq!(log.take(), ["parent", "a", "c"]);
}

#[test]
fn reparenting() {
    let (one, two) = (QObject::new(), QObject::new());
    let [a, b] = [(); 2].map(|()| QObject::new());
    a.set_parent(Some(&one));
    b.set_parent(Some(&one));
    // Setting the same parent again changes nothing, not even the order.
    a.set_parent(Some(&one));
    assert_eq!(one.children(), [a.clone(), b.clone()]);
    a.set_parent(Some(&two));
    assert_eq!((one.children(), two.children()), (vec![b.clone()], vec![a.clone()]));
    drop(one);
    assert!(b.is_deleted() && !a.is_deleted());
    a.set_parent(None);
    drop(two);
    assert!(!a.is_deleted() && a.parent().is_none());
}

#[test]
fn a_cycle_of_parents_is_refused() {
    let [a, b, c] = [(); 3].map(|()| QObject::new());
    b.set_parent(Some(&a));
    c.set_parent(Some(&b));
    for child in [&a, &b, &c] {
        child.set_parent(Some(child));
    }
    a.set_parent(Some(&c));
    a.set_parent(Some(&b));
    b.set_parent(Some(&c));
    assert_eq!(a.parent(), None);
    assert_eq!(b.parent(), Some(a.clone()));
    assert_eq!(c.parent(), Some(b.clone()));
    drop(a);
    assert!(b.is_deleted() && c.is_deleted());
}

#[test]
fn child_deletes_its_sibling() {
    for victim in 0..3 {
        let log = Log::default();
        let parent = QObject::new();
        let names = ["a", "b", "c"];
        let children = names.map(|child| name(&QObject::new(), child));
        for child in &children {
            child.set_parent(Some(&parent));
            watch(child, &log);
        }
        let sibling = QPointer::new(&children[victim]);
        children[0].destroyed.connect(move |_| {
            // Without a parent and other handles, the sibling dies.
            if let Some(sibling) = sibling.upgrade() {
                sibling.set_parent(None);
            }
        });
        drop(children);
        drop(parent);
        let expected = match victim {
            2 => ["a", "c", "b"],
            _ => ["a", "b", "c"],
        };
        assert_eq!(log.take(), expected);
    }
}

#[test]
fn a_child_may_take_itself_or_another_away_from_a_dying_parent() {
    let parent = QObject::new();
    let [child, rescued] = [(); 2].map(|()| QObject::new());
    child.set_parent(Some(&parent));
    rescued.set_parent(Some(&parent));
    let pointer = QPointer::new(&rescued);
    let foster = QObject::new();
    let home = foster.clone();
    child.destroyed.connect(move |child| {
        child.set_parent(None);
        pointer.upgrade().unwrap().set_parent(Some(&home));
    });
    drop(parent);
    assert!(child.is_deleted() && !rescued.is_deleted());
    assert_eq!(foster.children(), [rescued]);
}

#[test]
fn a_parent_that_dies_in_a_childs_slot() {
    let log = Log::default();
    let parent = name(&QObject::new(), "parent");
    let child = Door::new();
    child.set_parent(Some(&parent));
    watch(&name(&child, "child"), &log);
    watch(&parent, &log);
    let holder = Cell::new(Some(parent));
    let names = log.clone();
    child.closed.connect(move |_| {
        drop(holder.take());
        names.add("first");
    });
    child.closed.connect(log.slot("second"));
    child.closed.emit("");
    assert!(child.is_deleted());
    // The child's destructor emits closed once more, which calls both slots.
    assert_eq!(log.take(), ["parent", "first", "second", "child", "first"]);
}

#[test]
fn many_children_come_and_go_in_any_order() {
    const COUNT: usize = 20_000;
    let parent = QObject::new();
    let children: Vec<_> = (0..COUNT).map(|_| QTimer::new()).collect();
    for child in &children {
        child.set_parent(Some(&parent));
    }
    for child in children.iter().rev().step_by(3) {
        child.set_parent(None);
    }
    for child in children.iter().step_by(7) {
        child.set_parent(None);
    }
    let kept: Vec<_> = children.iter().filter(|child| child.parent().is_some()).collect();
    assert!(parent.children().iter().eq(kept.into_iter().map(|child| &***child)));
    drop(parent);
    let dead = children.iter().filter(|child| child.is_deleted()).count();
    assert_eq!(
        dead,
        (0..COUNT).filter(|at| !(COUNT - 1 - at).is_multiple_of(3) && at % 7 != 0).count()
    );
}

// ---- finding children

#[test]
fn find_children() {
    let named = |name: &str, parent: &QObject, child: &QObject| {
        child.set_object_name(name);
        child.set_parent(Some(parent));
    };
    let names = |found: Vec<QObject>| -> Vec<String> {
        found.iter().map(|child| child.object_name()).collect()
    };
    let parent = QObject::new();
    parent.set_object_name("parent");
    let (first, plain, inner, unnamed) =
        (QTimer::new(), QObject::new(), QTimer::new(), QTimer::new());
    named("k", &parent, &first);
    named("k", &parent, &plain);
    named("z", &plain, &inner);
    named("", &parent, &unnamed);

    assert_eq!(names(parent.find_children(None)), ["k", "k", "z", ""]);
    let direct = FindChildOptions::DirectChildrenOnly;
    assert_eq!(names(parent.find_children_with_options(None, direct)), ["k", "k", ""]);
    assert_eq!(
        parent.find_children::<QTimer>(None),
        [first.clone(), inner.clone(), unnamed.clone()]
    );
    assert_eq!(parent.find_children::<QTimer>(""), [unnamed]);
    assert_eq!(parent.find_children::<QTimer>("k"), std::slice::from_ref(&first));
    assert_eq!(parent.find_children::<QObject>("parent"), []);

    assert_eq!(parent.find_child::<QTimer>("z"), Some(inner));
    assert_eq!(parent.find_child_with_options::<QTimer>("z", direct), None);
    assert_eq!(parent.find_child::<QObject>(None), Some((*first).clone()));
    assert_eq!(parent.find_child::<QObject>("nope"), None);
    assert_eq!(parent.find_child::<QBuffer>(None), None);
}

/// Converts an object into a handle of a base class, by reference and by value.
fn up<D, B>(derived: D)
where
    D: Object,
    B: Object + From<D> + for<'a> From<&'a D>,
{
    assert!(D::derives_from(TypeId::of::<B>()));
    let (life, weak) = (Object::life(&derived).clone(), derived.to_weak());
    let by_reference = B::from(&derived);
    assert!(Rc::ptr_eq(Object::life(&by_reference), &life));
    let by_value = B::from(derived);
    assert!(Rc::ptr_eq(Object::life(&by_value), &life));
    drop(by_reference);
    assert!(D::is_alive(&weak), "a handle of a base class keeps the object");
    drop(by_value);
    assert!(!D::is_alive(&weak));
}

#[test]
fn every_class_converts_into_each_of_its_base_classes() {
    up::<QTimer, QObject>(QTimer::new());
    up::<QCoreApplication, QObject>(QCoreApplication::new());
    up::<QEventLoop, QObject>(QEventLoop::new());
    up::<QBuffer, QIODevice>(QBuffer::new());
    up::<QBuffer, QObject>(QBuffer::new());
    up::<QIODevice, QObject>(QBuffer::new().into());
    up::<LockedDoor, Door>(LockedDoor::new());
    up::<LockedDoor, QObject>(LockedDoor::new());
    #[cfg(unix)]
    {
        let (watched, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let notifier = qcore::QSocketNotifier::try_new(watched, qcore::NotifierType::Read);
        up::<qcore::QSocketNotifier, QObject>(notifier.unwrap());
    }
}

#[test]
fn a_dead_object_converts_into_a_dead_one() {
    let (timer, parent) = (QTimer::new(), QObject::new());
    timer.set_parent(Some(&parent));
    drop(parent);
    let object = QObject::from(&timer);
    assert!(object.is_deleted() && object == QObject::from(timer));
}

#[test]
fn a_cast_gives_a_counted_handle_of_the_same_object() {
    let object = QObject::from(QBuffer::new());
    assert!(object.cast::<QTimer>().is_none());
    let device: QIODevice = object.cast().unwrap();
    let buffer: QBuffer = device.cast().unwrap();
    let itself: QObject = buffer.cast().unwrap();
    assert_eq!(itself, object);
    drop((object, device, itself));
    assert!(!buffer.is_deleted());
    buffer.set_data(b"abc");
    assert_eq!(buffer.size(), 3);

    let parent = QObject::new();
    buffer.set_parent(Some(&parent));
    drop(parent);
    assert!(buffer.cast::<QObject>().is_none(), "it is dead");
}

#[test]
fn what_debug_writes_to_may_use_the_object() {
    struct Out(QObject);
    impl std::fmt::Write for Out {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.set_object_name(text);
            Ok(())
        }
    }
    let object = QObject::new();
    for _ in 0..2 {
        object.set_object_name("name");
        std::fmt::write(&mut Out(object.clone()), format_args!("{object:?}")).unwrap();
        object.set_object_name("name");
        std::fmt::write(&mut Out(object.clone()), format_args!("{:?}", *object)).unwrap();
    }
}
