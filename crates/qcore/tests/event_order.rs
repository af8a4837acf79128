//! Events, deletions and queued calls in unusual orders: handlers, filters and payloads act while
//! they are called. Where real Qt has an order, it is the expected one.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use crate::common::Log;
use qcore::{
    ConnectionType, Dispatcher, EventHandler, EventType, OpenMode, QBuffer, QChildEvent,
    QCoreApplication, QEvent, QEventLoop, QEventLoopLocker, QObject, QPointer, QTimer, Signal,
    class,
    object::{Handle, Life, Node, Object},
};

type Filtering = Box<dyn Fn(&QObject, &QEvent) -> bool>;
struct Filter(Filtering);
impl EventHandler for Filter {
    fn event_filter(&self, w: &QObject, e: &QEvent) -> bool {
        (self.0)(w, e)
    }
}
fn filter(f: impl Fn(&QObject, &QEvent) -> bool + 'static) -> Rc<Filter> {
    Rc::new(Filter(Box::new(f)))
}
type Handling = Box<dyn Fn(&QEvent)>;
struct Handles(Handling);
impl EventHandler for Handles {
    fn event(&self, e: &QEvent) -> bool {
        (self.0)(e);
        true
    }
}
fn handler(f: impl Fn(&QEvent) + 'static) -> Rc<Handles> {
    Rc::new(Handles(Box::new(f)))
}
fn own(n: u16) -> QEvent {
    QEvent::new(EventType::user(n))
}
fn post(call: impl FnOnce() + 'static) {
    Dispatcher::current().post(call);
}
fn guard(app: &QCoreApplication, ms: i32, log: &Log) {
    let (app, log) = (app.clone(), log.clone());
    QTimer::single_shot(ms, move || {
        log.add("timeout");
        app.quit();
    });
}
fn named(name: &str, log: &Log) -> QObject {
    let o = QObject::new();
    o.set_object_name(name);
    let log = log.clone();
    o.destroyed.connect(move |o| log.add(format!("destroyed {}", o.object_name())));
    o
}

#[test]
fn nested_loop_in_posted_slot_then_deletion_without_other_events() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let q = app.clone();
    o.destroyed.connect(move |_| q.quit());
    let l2 = log.clone();
    let o2 = o.clone();
    post(move || {
        o2.delete_later();
        let l = QEventLoop::new();
        let e = l.clone();
        QTimer::single_shot(10, move || e.quit());
        l.exec();
        l2.add("slot ends");
        std::mem::forget(o2.clone());
    });
    guard(&app, 2000, &log);
    app.exec();
    assert_eq!(log.take(), ["slot ends", "destroyed o"]);
}

#[test]
fn process_events_in_posted_slot() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let q = app.clone();
    o.destroyed.connect(move |_| q.quit());
    let (o2, a2, l2) = (o.clone(), app.clone(), log.clone());
    post(move || {
        o2.delete_later();
        a2.process_events();
        l2.add("slot ends");
    });
    guard(&app, 2000, &log);
    app.exec();
    assert_eq!(log.take(), ["slot ends", "destroyed o"]);
}

#[test]
fn filter_of_a_queued_call_asks_for_a_deletion() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let o2 = o.clone();
    let f = filter(move |_, e| {
        if e.event_type() == EventType::META_CALL {
            o2.delete_later();
        }
        false
    });
    let r = QObject::new();
    r.install_event_filter(&f);
    let s = Signal::new();
    let l = log.clone();
    s.connect_to_with_type(&r, ConnectionType::QUEUED, move |_, ()| l.add("slot"));
    s.emit(());
    let l = log.clone();
    QTimer::single_shot(100, move || l.add("t100"));
    guard(&app, 300, &log);
    app.exec();
    assert_eq!(log.take(), ["slot", "destroyed o", "t100", "timeout"]);
}

#[test]
fn last_handle_dropped_in_posted_handler_and_destroyed_slot_asks() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let last = Rc::new(RefCell::new(Some(QObject::new())));
    let x = last.borrow().clone().unwrap();
    let l2 = last.clone();
    let h = handler(move |_| {
        let o = l2.take();
        drop(o);
    });
    x.set_event_handler(&h);
    let o2 = o.clone();
    x.destroyed.connect(move |_| o2.delete_later());
    QCoreApplication::post_event(&x, own(1));
    drop(x);
    let l = log.clone();
    QTimer::single_shot(100, move || l.add("t100"));
    guard(&app, 300, &log);
    app.exec();
    assert_eq!(log.take(), ["destroyed o", "t100", "timeout"]);
}

#[test]
fn payload_drop_asks() {
    struct P(QObject);
    impl Drop for P {
        fn drop(&mut self) {
            self.0.delete_later();
        }
    }
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let x = QObject::new();
    QCoreApplication::post_event(&x, QEvent::with_data(EventType::USER, P(o.clone())));
    let l = log.clone();
    QTimer::single_shot(100, move || l.add("t100"));
    guard(&app, 300, &log);
    app.exec();
    assert_eq!(log.take(), ["destroyed o", "t100", "timeout"]);
}

#[test]
fn send_event_is_a_level() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let s = QObject::new();
    let o2 = o.clone();
    let h = handler(move |_| o2.delete_later());
    s.set_event_handler(&h);
    QCoreApplication::send_event(&s, &own(1));
    app.process_events();
    assert_eq!(log.take(), ["destroyed o"]);
}

#[test]
fn send_deferred_delete() {
    let log = Log::default();
    let o = named("o", &log);
    let ret = QCoreApplication::send_event(&o, &QEvent::new(EventType::DEFERRED_DELETE));
    assert_eq!((ret, log.take()), (true, vec!["destroyed o".to_owned()]));
}

#[test]
fn empty_nested_send_does_not_lengthen_the_round() {
    let (a, b, n) = (QObject::new(), QObject::new(), Rc::new(Cell::new(0)));
    let (a2, b2, n2) = (a.clone(), b.clone(), n.clone());
    let h = handler(move |_| {
        n2.set(n2.get() + 1);
        if n2.get() < 5 {
            QCoreApplication::post_event(&a2, own(1));
            QCoreApplication::send_posted_events(Some(&b2));
        }
    });
    a.set_event_handler(&h);
    QCoreApplication::post_event(&a, own(1));
    QCoreApplication::send_posted_events(None);
    assert_eq!(n.get(), 1);
}

#[test]
fn priority_before_a_deletion_that_waited() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (o, b) = (named("o", &log), QObject::new());
    let l = log.clone();
    let hb = handler(move |e| l.add(format!("b {}", i32::from(e.event_type()) - 1000)));
    let l = log.clone();
    let ho = handler(move |e| l.add(format!("o {}", i32::from(e.event_type()) - 1000)));
    b.set_event_handler(&hb);
    o.set_event_handler(&ho);
    let (l, o2, b2) = (log.clone(), o.clone(), b.clone());
    QTimer::single_shot(0, move || {
        o2.delete_later();
        let el = QEventLoop::new();
        let (e, o3, b3) = (el.clone(), o2.clone(), b2.clone());
        QTimer::single_shot(10, move || {
            QCoreApplication::post_event_with_priority(&b3, own(1), 5);
            QCoreApplication::post_event_with_priority(&o3, own(2), 5);
            QCoreApplication::post_event(&b3, own(3));
            e.quit();
        });
        el.exec();
        l.add("inner ends");
    });
    guard(&app, 300, &log);
    app.exec();
    assert_eq!(log.take(), ["inner ends", "b 1", "o 2", "destroyed o", "b 3", "timeout"]);
}

#[test]
fn panic_in_filter_of_queued_call_leaves_its_value() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let r = QObject::new();
    let s = Signal::new();
    let l = log.clone();
    s.connect_to_with_type(&r, ConnectionType::QUEUED, move |_, n: &i32| l.add(n));
    let panics = Rc::new(Cell::new(true));
    let f = filter(move |_, _| {
        if panics.take() {
            panic!("in a filter")
        }
        false
    });
    r.install_event_filter(&f);
    s.emit(1);
    assert!(catch_unwind(AssertUnwindSafe(|| app.process_events())).is_err());
    s.emit(2);
    app.process_events();
    s.emit(3);
    app.process_events();
    assert_eq!(log.take(), ["2", "3"]);
}

#[test]
fn filter_that_runs_a_loop_and_swallows() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let r = QObject::new();
    let s = Signal::new();
    let l = log.clone();
    s.connect_to_with_type(&r, ConnectionType::QUEUED, move |_, n: &i32| l.add(n));
    let (first, a) = (Cell::new(true), app.clone());
    let f = filter(move |_, _| {
        if first.take() {
            a.process_events();
            true
        } else {
            false
        }
    });
    r.install_event_filter(&f);
    s.emit(1);
    s.emit(2);
    app.process_events();
    assert_eq!(log.take(), ["2"]);
}

#[test]
fn filter_that_removes() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let r = QObject::new();
    let s = Signal::new();
    let l = log.clone();
    s.connect_to_with_type(&r, ConnectionType::QUEUED, move |_, n: &i32| l.add(n));
    let first = Cell::new(true);
    let f = filter(move |w, _| {
        if first.take() {
            QCoreApplication::remove_posted_events(Some(w));
        }
        false
    });
    r.install_event_filter(&f);
    s.emit(1);
    s.emit(2);
    app.process_events();
    s.emit(3);
    app.process_events();
    assert_eq!(log.take(), ["1", "3"]);
}

#[test]
fn who_becomes_a_descendant_while_it_is_told_is_no_parent() {
    let (p1, p2, c) = (QObject::new(), QObject::new(), QObject::new());
    struct C(QObject, QObject);
    impl EventHandler for C {
        fn child_event(&self, e: &QChildEvent) {
            if e.removed() {
                self.1.set_parent(Some(&self.0));
            }
        }
    }
    let h = Rc::new(C(c.clone(), p2.clone()));
    p1.set_event_handler(&h);
    c.set_parent(Some(&p1));
    c.set_parent(Some(&p2));
    assert!(!(c.parent() == Some(p2.clone()) && p2.parent() == Some(c.clone())), "a cycle");
}

class! { /// A thing with a child.
pub(crate) struct Thing(ThingNode): QObject = base }
/// The node of `Thing`.
#[derive(Debug)]
pub(crate) struct ThingNode {
    base: QObject,
    child: QTimer,
}
impl Node for ThingNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }
}
impl Thing {
    fn new() -> Self {
        let life = Life::new();
        let base = QObject::embed(&life);
        let child = QTimer::new();
        child.set_parent(Some(&base));
        Thing(Handle::new(Rc::new(ThingNode { base, child })))
    }
}
#[test]
fn constructor_with_child_under_an_application_filter() {
    let app = QCoreApplication::new();
    assert!(!Thing::new().child.is_deleted());
    let f = filter(|_, _| false);
    app.install_event_filter(&f);
    let t = Thing::new();
    assert!(!t.is_deleted() && !t.child.is_deleted());
}

class! { /// A thing with methods.
pub(crate) struct Plain(Thing): QObject; }
class! { /// A class with a node over one without.
pub(crate) struct Deep(DeepNode): Plain, Thing, QObject = base }
/// The node of `Deep`.
#[derive(Debug)]
pub(crate) struct DeepNode {
    base: Plain,
}
impl Node for DeepNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }
}
#[test]
fn cast_of_a_class_with_a_node_over_one_without() {
    let life = Life::new();
    let base = QObject::embed(&life);
    let thing = Thing(Handle::embed(Rc::new(ThingNode { base, child: QTimer::new() })));
    let deep = Deep(Handle::new(Rc::new(DeepNode { base: Plain::derive(thing) })));
    let o = QObject::from(&deep);
    assert!(o.cast::<Plain>().is_some());
    assert!(o.cast::<Deep>().is_some());
}

#[test]
fn quit_in_posted_then_zero_timer() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let a = app.clone();
    post(move || a.quit());
    QTimer::single_shot(0, {
        let l = log.clone();
        move || l.add("zero")
    });
    app.exec();
    assert_eq!(log.take(), ["zero"]);
}

#[test]
fn quit_events_are_one() {
    let (app, n) = (QCoreApplication::new(), Rc::new(Cell::new(0)));
    let n2 = n.clone();
    let f = filter(move |_, e| {
        if e.event_type() == EventType::QUIT {
            n2.set(n2.get() + 1);
        }
        false
    });
    app.install_event_filter(&f);
    QCoreApplication::post_event(&app, QEvent::new(EventType::QUIT));
    QCoreApplication::post_event(&app, QEvent::new(EventType::QUIT));
    app.exec();
    assert_eq!(n.get(), 1);
}

#[test]
fn a_buffer_has_no_use_for_channels() {
    let b = QBuffer::new();
    b.set_data(b"hello");
    b.open(OpenMode::READ_WRITE).unwrap();
    b.set_current_read_channel(1);
    assert_eq!(b.read(2), b"he");
    b.set_current_write_channel(1);
    assert!(b.write(b"x").is_ok());
}

#[test]
fn payload_panics_in_remove_posted() {
    struct P;
    impl Drop for P {
        fn drop(&mut self) {
            panic!("in drop")
        }
    }
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let s = Signal::new();
    let l = log.clone();
    s.connect_to_with_type(&o, ConnectionType::QUEUED, move |_, n: &i32| l.add(n));
    QCoreApplication::post_event(&o, QEvent::with_data(EventType::USER, P));
    s.emit(1);
    o.delete_later();
    assert!(
        catch_unwind(AssertUnwindSafe(|| QCoreApplication::remove_posted_events(Some(&o))))
            .is_err()
    );
    s.emit(2);
    o.delete_later();
    app.process_events();
    guard(&app, 50, &log);
    app.exec();
    assert_eq!(log.take(), ["2", "destroyed o", "timeout"]);
}

#[test]
fn app_filter_ends_the_application() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = QObject::new();
    let l = log.clone();
    let f1 = filter(move |_, _| {
        l.add("f1");
        false
    });
    let a = app.clone();
    let l = log.clone();
    let f2 = filter(move |_, _| {
        l.add("f2");
        a.shutdown();
        false
    });
    app.install_event_filter(&f1);
    app.install_event_filter(&f2);
    QCoreApplication::send_event(&o, &own(1));
    assert_eq!(log.take(), ["f2"]);
}

#[test]
fn parked_deletion_of_the_dead_is_nothing_to_do() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (p, o) = (QObject::new(), named("o", &log));
    o.set_parent(Some(&p));
    post({
        let o = o.clone();
        move || o.delete_later()
    });
    app.process_events();
    drop(p);
    log.take();
    assert!(o.is_deleted());
    assert!(!app.process_events());
}

#[test]
fn filter_of_deletion_runs_loop_and_asks_again() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let n = Rc::new(Cell::new(0));
    let (n2, a) = (n.clone(), app.clone());
    let f = filter(move |w, e| {
        if e.event_type() != EventType::DEFERRED_DELETE {
            return false;
        }
        n2.set(n2.get() + 1);
        if n2.get() == 1 {
            w.delete_later();
            a.process_events();
            return true;
        }
        false
    });
    o.install_event_filter(&f);
    o.delete_later();
    guard(&app, 100, &log);
    app.exec();
    assert_eq!((n.get(), log.take()), (2, vec!["destroyed o".to_owned(), "timeout".to_owned()]));
}

type Then = Rc<RefCell<Option<Box<dyn FnOnce()>>>>;
/// An object that logs its events and calls a closure once.
struct Subject {
    o: QObject,
    _handler: Rc<Handles>,
    then: Then,
}
fn subject(name: &'static str, log: &Log) -> Subject {
    let (o, l, f) = (named(name, log), log.clone(), Then::default());
    let f2 = f.clone();
    let h = handler(move |e| {
        l.add(format!("{name} {}", i32::from(e.event_type()) - 1000));
        let f = f2.take();
        if let Some(f) = f {
            f()
        }
    });
    o.set_event_handler(&h);
    Subject { o, _handler: h, then: f }
}

#[test]
fn posted_before_the_deletion_is_put_back() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (o, b, el) = (subject("o", &log), subject("b", &log), QEventLoop::new());
    let (oo, e) = (o.o.clone(), el.clone());
    *b.then.borrow_mut() = Some(Box::new(move || {
        QCoreApplication::post_event(&oo, own(2));
        e.quit();
    }));
    let (oo, bo, l) = (o.o.clone(), b.o.clone(), log.clone());
    QTimer::single_shot(0, move || {
        QCoreApplication::post_event(&bo, own(1));
        oo.delete_later();
        el.exec();
        l.add("inner ends");
    });
    guard(&app, 200, &log);
    app.exec();
    assert_eq!(log.take(), ["b 1", "inner ends", "o 2", "destroyed o", "timeout"]);
}

#[test]
fn explicit_deletions_in_nested_loops() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (a, b, c) = (named("a", &log), named("b", &log), named("c", &log));
    c.delete_later();
    let (l, a2, b2) = (log.clone(), a.clone(), b.clone());
    let dd = EventType::DEFERRED_DELETE;
    QTimer::single_shot(0, move || {
        a2.delete_later();
        let el = QEventLoop::new();
        let (e, l2, a3) = (el.clone(), l.clone(), a2.clone());
        QTimer::single_shot(0, move || {
            b2.delete_later();
            QCoreApplication::send_posted_events(Some(&a3));
            QCoreApplication::send_posted_events(Some(&b2));
            l2.add("1");
            QCoreApplication::send_posted_events_of_type(Some(&a3), dd);
            QCoreApplication::send_posted_events_of_type(None, dd);
            l2.add("2");
            e.quit();
        });
        el.exec();
        l.add("inner ends");
        QCoreApplication::send_posted_events_of_type(None, dd);
        l.add("3");
    });
    guard(&app, 200, &log);
    app.exec();
    assert_eq!(
        log.take(),
        ["destroyed c", "1", "destroyed b", "2", "inner ends", "destroyed a", "3", "timeout"]
    );
}

#[test]
fn order_after_a_partial_round() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (a, b) = (subject("a", &log), subject("b", &log));
    QCoreApplication::post_event(&a.o, own(1));
    QCoreApplication::post_event(&b.o, own(1));
    QCoreApplication::send_posted_events(Some(&b.o));
    QCoreApplication::post_event_with_priority(&a.o, own(2), 5);
    QCoreApplication::post_event_with_priority(&a.o, own(3), 9);
    QCoreApplication::post_event(&a.o, own(4));
    app.process_events();
    assert_eq!(log.take(), ["b 1", "a 1", "a 3", "a 2", "a 4"]);
}

#[test]
fn nothing_is_left_of_a_cycle_that_was_refused() {
    let dead = Rc::new(Cell::new(0));
    {
        let (p1, p2, c) = (QObject::new(), QObject::new(), QObject::new());
        for o in [&p2, &c] {
            o.destroyed.connect_to(&dead, |d, _| d.set(d.get() + 1));
        }
        struct C(QPointer<QObject>, QPointer<QObject>);
        impl EventHandler for C {
            fn child_event(&self, e: &QChildEvent) {
                if e.removed()
                    && let (Some(c), Some(p)) = (self.0.upgrade(), self.1.upgrade())
                {
                    p.set_parent(Some(&c));
                }
            }
        }
        let h = Rc::new(C(QPointer::new(&c), QPointer::new(&p2)));
        p1.set_event_handler(&h);
        c.set_parent(Some(&p1));
        c.set_parent(Some(&p2));
    }
    assert_eq!(dead.get(), 2);
}

#[test]
fn removal_of_parked() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let o = named("o", &log);
    let o2 = o.clone();
    let a = app.clone();
    QTimer::single_shot(0, move || {
        o2.delete_later();
        a.process_events(); // puts the deletion aside
        QCoreApplication::remove_posted_events(Some(&o2));
        o2.delete_later(); // can be requested again
    });
    guard(&app, 100, &log);
    app.exec();
    assert_eq!(log.take(), ["destroyed o", "timeout"]);
}

#[test]
fn constructor_emits_to_itself() {
    let life = Life::new();
    let base = QObject::embed(&life);
    base.object_name_changed.connect_to(&base, |_, _| ());
    base.set_object_name("x");
    let t = Thing(Handle::new(Rc::new(ThingNode { base, child: QTimer::new() })));
    assert!(!t.is_deleted());
}

#[test]
fn lockers_from_many_threads_and_restarts() {
    let el = QEventLoop::new();
    for _ in 0..200 {
        let hold = QEventLoopLocker::try_with_loop(&el).unwrap();
        let ts: Vec<_> = (0..4)
            .map(|_| {
                let l = QEventLoopLocker::try_with_loop(&el).unwrap();
                std::thread::spawn(move || drop(l))
            })
            .collect();
        QTimer::single_shot(0, move || drop(hold));
        assert_eq!(el.exec(), 0);
        for t in ts {
            t.join().unwrap();
        }
    }
}

#[test]
fn thread_end_with_waiting_things() {
    std::thread::spawn(|| {
        thread_local! { static KEEP: RefCell<Vec<QObject>> = const { RefCell::new(Vec::new()) }; }
        let o = QObject::new();
        let f = o.clone();
        QCoreApplication::post_event(&o, QEvent::with_data(EventType::USER, f));
        o.destroyed.connect(|o| {
            QCoreApplication::instance().process_events();
            o.delete_later();
            QCoreApplication::post_event(o, own(1));
        });
        o.delete_later();
        let s = Signal::of(&o);
        s.connect_to_with_type(&o, ConnectionType::QUEUED, |_, _: &QObject| ());
        s.emit(o.clone());
        KEEP.with(|k| k.borrow_mut().push(o));
    })
    .join()
    .unwrap();
}

#[test]
fn a_cycle_of_parents_is_not_made() {
    let (p1, p2, c) = (QObject::new(), QObject::new(), QObject::new());
    struct C(QObject, QObject);
    impl EventHandler for C {
        fn child_event(&self, e: &QChildEvent) {
            if e.removed() {
                self.1.set_parent(Some(&self.0));
            }
        }
    }
    let h = Rc::new(C(c.clone(), p2.clone()));
    p1.set_event_handler(&h);
    c.set_parent(Some(&p1));
    c.set_parent(Some(&p2));
    QObject::new().set_parent(Some(&p2));
}
