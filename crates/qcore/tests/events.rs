//! Events: posting, sending, filters, children, timers of objects.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::common::Log;
use qcore::{
    ConnectionType, EventHandler, EventType, QBasicTimer, QChildEvent, QCoreApplication, QEvent,
    QEventLoop, QObject, QTimer, QTimerEvent, Signal, wait_until,
};

/// An object that logs its events.
struct Subject {
    object: QObject,
    name: &'static str,
    log: Log,
    then: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Subject {
    fn new(name: &'static str, log: &Log) -> Rc<Self> {
        let subject = Rc::new(Subject {
            object: QObject::new(),
            name,
            log: log.clone(),
            then: RefCell::default(),
        });
        subject.object.set_object_name(name);
        subject.object.set_event_handler(&subject);
        subject
    }

    fn then(&self, call: impl FnOnce() + 'static) {
        *self.then.borrow_mut() = Some(Box::new(call));
    }

    fn post(&self, number: u16) {
        QCoreApplication::post_event(&self.object, own(number));
    }
}

impl EventHandler for Subject {
    fn custom_event(&self, event: &QEvent) {
        self.log.add(format!("{}{}", self.name, i32::from(event.event_type()) - 1000));
        let then = self.then.take();
        if let Some(then) = then {
            then();
        }
    }

    fn child_event(&self, event: &QChildEvent) {
        assert_ne!(event.added(), event.removed());
        let what = if event.added() { '+' } else { '-' };
        self.log.add(format!("{}{what}{}", self.name, event.child().object_name()));
    }

    fn timer_event(&self, event: &QTimerEvent) {
        self.log.add(format!("{} timer", self.name));
        self.object.kill_timer(event.timer_id());
    }
}

type Act = Box<dyn FnOnce(&QObject)>;

/// A filter that logs the events that pass it.
struct Filter {
    name: &'static str,
    log: Log,
    ends: Cell<bool>,
    then: RefCell<Option<Act>>,
}

impl Filter {
    fn new(name: &'static str, log: &Log) -> Rc<Self> {
        let log = log.clone();
        Rc::new(Filter { name, log, ends: Cell::new(false), then: RefCell::default() })
    }

    fn then(&self, act: impl FnOnce(&QObject) + 'static) {
        *self.then.borrow_mut() = Some(Box::new(act));
    }
}

impl EventHandler for Filter {
    fn event_filter(&self, watched: &QObject, event: &QEvent) -> bool {
        self.log.add(format!("{} {} {:?}", self.name, watched.object_name(), event.event_type()));
        let then = self.then.take();
        if let Some(then) = then {
            then(watched);
        }
        self.ends.get()
    }
}

fn own(number: u16) -> QEvent {
    QEvent::new(EventType::user(number))
}

fn send(object: &QObject, number: u16) -> bool {
    QCoreApplication::send_event(object, &own(number))
}

// ---- posting

#[test]
fn post_event() {
    let log = Log::default();
    let app = QCoreApplication::new();
    let (a, b) = (Subject::new("a", &log), Subject::new("b", &log));
    for (number, priority) in [(1, 0), (2, 1), (3, -1), (4, 1), (5, 0)] {
        QCoreApplication::post_event_with_priority(&a.object, own(number), priority);
    }
    QCoreApplication::post_event_with_priority(&b.object, own(6), 1);
    let late = a.clone();
    a.then(move || QCoreApplication::post_event_with_priority(&late.object, own(7), 5));
    assert!(app.process_events());
    assert_eq!(log.take(), ["a2", "a4", "b6", "a1", "a5", "a3"]);
    assert!(app.process_events());
    assert_eq!(log.take(), ["a7"]);
    assert!(!app.process_events());
}

#[test]
fn nested_sending_of_one_receiver_leaves_the_others_in_their_order() {
    let log = Log::default();
    let app = QCoreApplication::new();
    let (a, b) = (Subject::new("a", &log), Subject::new("b", &log));
    for number in 1..4 {
        a.post(number);
        b.post(number);
    }
    let other = b.clone();
    a.then(move || {
        other.post(9);
        QCoreApplication::send_posted_events(Some(&other.object));
        other.log.add("sent");
    });
    app.process_events();
    assert_eq!(log.take(), ["a1", "b1", "b2", "b3", "b9", "sent", "a2", "a3"]);
}

#[test]
fn send_posted_events_by_receiver_and_type() {
    let log = Log::default();
    let (a, b) = (Subject::new("a", &log), Subject::new("b", &log));
    for number in 0..3 {
        a.post(number);
        b.post(number);
    }
    QCoreApplication::send_posted_events_of_type(Some(&b.object), EventType::user(1));
    assert_eq!(log.take(), ["b1"]);
    QCoreApplication::send_posted_events(Some(&b.object));
    assert_eq!(log.take(), ["b0", "b2"]);
    QCoreApplication::send_posted_events_of_type(None, EventType::user(2));
    assert_eq!(log.take(), ["a2"]);
    QCoreApplication::send_posted_events(None);
    assert_eq!(log.take(), ["a0", "a1"]);
}

#[test]
fn remove_posted_events() {
    let log = Log::default();
    let app = QCoreApplication::new();
    let (a, b) = (Subject::new("a", &log), Subject::new("b", &log));
    let dropped = Rc::new(());
    for number in 0..4 {
        a.post(number);
        let event = QEvent::with_data(EventType::user(number), dropped.clone());
        QCoreApplication::post_event(&b.object, event);
    }
    assert_eq!(Rc::strong_count(&dropped), 5);
    QCoreApplication::remove_posted_events_of_type(Some(&a.object), EventType::user(1));
    QCoreApplication::remove_posted_events(Some(&b.object));
    assert_eq!(Rc::strong_count(&dropped), 1);
    app.process_events();
    assert_eq!(log.take(), ["a0", "a2", "a3"]);

    a.post(5);
    b.post(5);
    b.object.delete_later();
    QCoreApplication::remove_posted_events(None);
    app.process_events();
    assert_eq!(log.take(), [""; 0]);
    assert!(!b.object.is_deleted());
    // The deletion can be requested again.
    b.object.delete_later();
    let event_loop = QEventLoop::new();
    b.object.destroyed.connect_to(&event_loop, |event_loop, _| event_loop.quit());
    event_loop.exec();
    assert!(b.object.is_deleted());
}

#[test]
fn queued_calls_can_be_sent_and_removed_like_events() {
    let log = Log::default();
    let app = QCoreApplication::new();
    let receiver = QObject::new();
    let said = Signal::new();
    let to = log.clone();
    said.connect_to_with_type(&receiver, ConnectionType::QUEUED, move |_, text: &String| {
        to.add(text)
    });
    let emit = |text: &str| said.emit(text.to_owned());
    emit("one");
    emit("two");
    QCoreApplication::send_posted_events_of_type(Some(&receiver), EventType::META_CALL);
    assert_eq!(log.take(), ["one", "two"]);
    emit("three");
    QCoreApplication::remove_posted_events(Some(&receiver));
    emit("four");
    app.process_events();
    assert_eq!(log.take(), ["four"]);
}

#[test]
fn what_is_posted_to_an_object_goes_with_it() {
    let app = QCoreApplication::new();
    let data = Rc::new(());
    let receiver = QObject::new();
    QCoreApplication::post_event(&receiver, QEvent::with_data(EventType::USER, data.clone()));
    let said = Signal::new();
    said.connect_to_with_type(&receiver, ConnectionType::QUEUED, |_, _: &Rc<()>| unreachable!());
    said.emit(data.clone());
    assert_eq!(Rc::strong_count(&data), 3);
    drop(receiver);
    assert_eq!(Rc::strong_count(&data), 1);
    assert!(!app.process_events());
}

#[test]
fn a_dead_receiver_gets_nothing() {
    let parent = QObject::new();
    let object = QObject::new();
    object.set_parent(Some(&parent));
    drop(parent);
    let data = Rc::new(());
    QCoreApplication::post_event(&object, QEvent::with_data(EventType::USER, data.clone()));
    assert_eq!(Rc::strong_count(&data), 1);
    assert!(!send(&object, 1));
    assert_eq!(object.start_timer(1), None);
}

/// Qt's `QTBUG31606_QEventDestructorDeadLock` and `deleteQObjectWhenDeletingEvent`.
#[test]
fn an_event_may_own_objects_and_post_when_it_is_dropped() {
    struct Payload(QObject);
    impl Drop for Payload {
        fn drop(&mut self) {
            QCoreApplication::post_event(&self.0, own(1));
        }
    }
    let app = QCoreApplication::new();
    let object = QObject::new();
    let post = || {
        let event = QEvent::with_data(EventType::USER, (Payload(object.clone()), QObject::new()));
        QCoreApplication::post_event(&object, event);
    };
    post();
    app.process_events();
    post();
    QCoreApplication::remove_posted_events(Some(&object));
    assert!(app.process_events());
}

/// Qt's `processEventsAlwaysSendsPostedEvents`.
#[test]
fn each_call_of_process_events_delivers_what_was_posted_in_the_last() {
    struct Again(QObject, Cell<u32>);
    impl EventHandler for Again {
        fn custom_event(&self, _: &QEvent) {
            self.1.set(self.1.get() + 1);
            QCoreApplication::post_event(&self.0, own(0));
        }
    }
    let app = QCoreApplication::new();
    let again = Rc::new(Again(QObject::new(), Cell::new(0)));
    again.0.set_event_handler(&again);
    QCoreApplication::post_event(&again.0, own(0));
    for round in 1..100 {
        assert!(app.process_events());
        assert_eq!(again.1.get(), round);
    }
}

// ---- sending

#[test]
fn send_event_says_whether_the_event_was_known() {
    struct Picky;
    impl EventHandler for Picky {
        fn event(&self, event: &QEvent) -> bool {
            event.ignore();
            event.event_type() == EventType::NONE
        }
    }
    let log = Log::default();
    let a = Subject::new("a", &log);
    assert!(send(&a.object, 9));
    assert!(!QCoreApplication::send_event(&a.object, &QEvent::new(EventType::QUIT)));
    assert!(!QCoreApplication::send_event(&a.object, &QEvent::new(EventType::NONE)));
    let event = own(10);
    event.ignore();
    assert!(QCoreApplication::send_event(&a.object, &event));
    assert!(!event.is_accepted());

    let picky = Rc::new(Picky);
    a.object.set_event_handler(&picky);
    assert!(!send(&a.object, 9));
    let event = QEvent::new(EventType::NONE);
    assert!(event.is_accepted());
    assert!(QCoreApplication::send_event(&a.object, &event));
    assert!(!event.is_accepted());
    // Without its handler the object behaves like a plain object again.
    drop(picky);
    assert!(send(&a.object, 9));
}

#[test]
fn the_last_handle_may_be_dropped_in_a_handler() {
    struct Last(RefCell<Option<QObject>>);
    impl EventHandler for Last {
        fn custom_event(&self, _: &QEvent) {
            let object = self.0.take();
            drop(object);
        }
    }
    let app = QCoreApplication::new();
    let log = Log::default();
    let last = Rc::new(Last(RefCell::new(Some(QObject::new()))));
    let object = last.0.borrow().clone().unwrap();
    object.set_event_handler(&last);
    object.destroyed.connect(log.slot("destroyed"));
    QCoreApplication::post_event(&object, own(1));
    drop(object);
    app.process_events();
    assert_eq!(log.take(), ["destroyed"]);
}

// ---- filters

#[test]
fn install_event_filter() {
    let log = Log::default();
    let a = Subject::new("a", &log);
    let [f1, f2, f3] = ["f1", "f2", "f3"].map(|name| Filter::new(name, &log));
    a.object.install_event_filter(&f1);
    a.object.install_event_filter(&f2);
    a.object.install_event_filter(&f1);
    send(&a.object, 1);
    assert_eq!(log.take(), ["f1 a EventType(1001)", "f2 a EventType(1001)", "a1"]);

    // A filter installed during an event gets the next event.
    let new = f3.clone();
    f1.then(move |watched| watched.install_event_filter(&new));
    send(&a.object, 2);
    assert_eq!(log.take(), ["f1 a EventType(1002)", "f2 a EventType(1002)", "a2"]);

    // A filter removed during an event is not called for it any more.
    let old = f2.clone();
    f3.then(move |watched| watched.remove_event_filter(&old));
    send(&a.object, 3);
    assert_eq!(log.take(), ["f3 a EventType(1003)", "f1 a EventType(1003)", "a3"]);
    let itself = Rc::downgrade(&f3);
    f3.then(move |watched| watched.remove_event_filter(&itself.upgrade().unwrap()));
    send(&a.object, 4);
    assert_eq!(log.take(), ["f3 a EventType(1004)", "f1 a EventType(1004)", "a4"]);

    f1.ends.set(true);
    assert!(send(&a.object, 5));
    assert_eq!(log.take(), ["f1 a EventType(1005)"]);
    drop(f1);
    send(&a.object, 6);
    assert_eq!(log.take(), ["a6"]);
}

#[test]
fn a_filter_may_end_what_it_watches() {
    let log = Log::default();
    let parent = QObject::new();
    let a = Subject::new("a", &log);
    a.object.set_parent(Some(&parent));
    let (f1, f2) = (Filter::new("f1", &log), Filter::new("f2", &log));
    a.object.install_event_filter(&f1);
    a.object.install_event_filter(&f2);
    let parent = RefCell::new(Some(parent));
    f2.then(move |_| drop(parent.take()));
    assert!(send(&a.object, 1));
    assert_eq!(log.take(), ["f2 a EventType(1001)"]);
    assert!(a.object.is_deleted());
}

#[test]
fn application_event_filters() {
    let log = Log::default();
    let app = QCoreApplication::new();
    app.set_object_name("app");
    let a = Subject::new("a", &log);
    let (own_filter, of_all) = (Filter::new("own", &log), Filter::new("all", &log));
    a.object.install_event_filter(&own_filter);
    app.install_event_filter(&of_all);
    send(&a.object, 1);
    assert_eq!(log.take(), ["all a EventType(1001)", "own a EventType(1001)", "a1"]);
    // The application filters its own events once.
    send(&app, 2);
    assert_eq!(log.take(), ["all app EventType(1002)"]);
    of_all.ends.set(true);
    send(&a.object, 3);
    assert_eq!(log.take(), ["all a EventType(1003)"]);
    app.remove_event_filter(&of_all);
    send(&a.object, 4);
    assert_eq!(log.take(), ["own a EventType(1004)", "a4"]);

    // The filters are gone when their application is.
    app.install_event_filter(&of_all);
    drop(app);
    let app = QCoreApplication::new();
    send(&a.object, 5);
    assert_eq!(log.take(), ["own a EventType(1005)", "a5"]);
    drop(app);
}

#[test]
fn filters_see_the_librarys_own_events() {
    let log = Log::default();
    let app = QCoreApplication::new();
    let gate = Filter::new("gate", &log);
    gate.ends.set(true);

    // A single-shot timer whose event is filtered out stays active.
    let timer = QTimer::new();
    timer.set_single_shot(true);
    timer.timeout.connect(log.slot("timeout"));
    timer.install_event_filter(&gate);
    timer.start_with_interval(1);
    let until = |lines: &[&str]| {
        let mut seen = Vec::new();
        assert!(wait_until(5000, || {
            seen.extend(log.take());
            seen.len() >= lines.len()
        }));
        assert_eq!(seen, lines);
    };
    until(&["gate  Timer", "gate  Timer"]);
    gate.ends.set(false);
    until(&["gate  Timer", "timeout"]);
    assert!(!timer.is_active());

    // A queued call.
    let receiver = QObject::new();
    let said = Signal::new();
    let to = log.clone();
    said.connect_to_with_type(&receiver, ConnectionType::QUEUED, move |_, number: &i32| {
        to.add(number)
    });
    receiver.install_event_filter(&gate);
    gate.ends.set(true);
    said.emit(1);
    app.process_events();
    gate.ends.set(false);
    said.emit(2);
    app.process_events();
    assert_eq!(log.take(), ["gate  MetaCall", "gate  MetaCall", "2"]);

    // A deletion, which can be requested again.
    let event_loop = QEventLoop::new();
    receiver.destroyed.connect(log.slot("destroyed"));
    gate.ends.set(true);
    for _ in 0..2 {
        receiver.delete_later();
        let quit = event_loop.clone();
        QTimer::single_shot(1, move || quit.quit());
        event_loop.exec();
        gate.ends.set(false);
    }
    assert_eq!(log.take(), ["gate  DeferredDelete", "gate  DeferredDelete", "destroyed"]);
}

#[cfg(unix)]
#[test]
fn filters_see_a_notifiers_event() {
    use std::{io::Write, os::unix::net::UnixStream};

    use qcore::{NotifierType, QSocketNotifier};

    let log = Log::default();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let notifier = QSocketNotifier::try_new(ours, NotifierType::Read).unwrap();
    notifier.activated.connect(log.slot("activated"));
    let gate = Filter::new("gate", &log);
    gate.ends.set(true);
    notifier.install_event_filter(&gate);
    theirs.write_all(b"x").unwrap();
    let mut seen = Vec::new();
    assert!(wait_until(5000, || {
        seen.extend(log.take());
        seen.len() >= 2
    }));
    assert!(seen.iter().all(|line| line == "gate  SockAct"), "{seen:?}");
}

// ---- children

#[test]
fn child_events() {
    let log = Log::default();
    let app = QCoreApplication::new();
    let (a, b) = (Subject::new("a", &log), Subject::new("b", &log));
    a.post(1);
    let child = QObject::new();
    child.set_object_name("c");
    child.set_parent(Some(&a.object));
    child.set_parent(Some(&a.object));
    child.set_parent(Some(&b.object));
    child.set_parent(None);
    assert_eq!(log.take(), ["a+c", "a-c", "b+c", "b-c"]);
    app.process_events();
    assert_eq!(log.take(), ["a1"]);

    // A dying child is removed from its parent. A dying parent gets no events about its children.
    child.set_parent(Some(&a.object));
    child.delete_later();
    let event_loop = QEventLoop::new();
    child.destroyed.connect_to(&event_loop, |event_loop, _| event_loop.quit());
    event_loop.exec();
    assert_eq!(log.take(), ["a+c", "a-c"]);
    let child = QObject::new();
    child.set_parent(Some(&a.object));
    log.take();
    a.object.delete_later();
    child.destroyed.connect_to(&event_loop, |event_loop, _| event_loop.quit());
    event_loop.exec();
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_parent_may_send_its_new_child_away() {
    struct Refuses;
    impl EventHandler for Refuses {
        fn child_event(&self, event: &QChildEvent) {
            if event.added() {
                event.child().set_parent(None);
            }
        }
    }
    let (parent, refuses) = (QObject::new(), Rc::new(Refuses));
    parent.set_event_handler(&refuses);
    let child = QObject::new();
    child.set_parent(Some(&parent));
    assert_eq!(child.parent(), None);
    assert!(parent.children().is_empty());
}

#[test]
fn a_child_taken_elsewhere_while_it_leaves_stays_there() {
    struct Takes {
        other: QObject,
    }
    impl EventHandler for Takes {
        fn child_event(&self, event: &QChildEvent) {
            if event.removed() {
                event.child().set_parent(Some(&self.other));
            }
        }
    }
    let (from, to, other) = (QObject::new(), QObject::new(), QObject::new());
    let takes = Rc::new(Takes { other: other.clone() });
    from.set_event_handler(&takes);
    let child = QObject::new();
    child.set_parent(Some(&from));
    child.set_parent(Some(&to));
    assert_eq!(child.parent(), Some(other.clone()));
    assert_eq!(other.children(), [child]);
    assert!(to.children().is_empty() && from.children().is_empty());
}

// ---- timers

#[test]
fn timers_of_an_object() {
    let log = Log::default();
    let a = Subject::new("a", &log);
    let first = a.object.start_timer(0).unwrap();
    let second = a.object.start_timer(0).unwrap();
    assert_ne!(first, second);
    assert_eq!(a.object.start_timer(-1), None);
    let mut seen = Vec::new();
    assert!(wait_until(5000, || {
        seen.extend(log.take());
        seen.len() >= 2
    }));
    assert_eq!(seen, ["a timer", "a timer"]);
    // Each timer was killed in its own event. Killing a dead id or another object's timer has no
    // effect.
    a.object.kill_timer(first);
    let b = Subject::new("b", &log);
    let third = b.object.start_timer(0).unwrap();
    a.object.kill_timer(third);
    assert!(wait_until(5000, || log.take() == ["b timer"]));
}

#[test]
fn timers_end_with_their_object() {
    let app = QCoreApplication::new();
    let log = Log::default();
    let a = Subject::new("a", &log);
    let timer = QBasicTimer::new();
    timer.start(0, &a.object);
    a.object.start_timer(0).unwrap();
    assert!(timer.is_active());
    let parent = QObject::new();
    a.object.set_parent(Some(&parent));
    drop(parent);
    assert!(!timer.is_active());
    assert!(!app.process_events());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn basic_timers() {
    let log = Log::default();
    let a = Subject::new("a", &log);
    let (one, other) = (QBasicTimer::new(), QBasicTimer::new());
    assert!(!one.is_active());
    assert_eq!(one.timer_id(), None);
    one.start(1000, &a.object);
    let id = one.timer_id().unwrap();
    one.swap(&other);
    assert!(!one.is_active());
    assert_eq!(other.timer_id(), Some(id));
    // As in Qt, a negative interval is refused and a running timer continues.
    other.start(-1, &a.object);
    assert_eq!(other.timer_id(), Some(id));
    one.start(-1, &a.object);
    assert!(!one.is_active());
    other.start(0, &a.object);
    drop(other);
    let app = QCoreApplication::new();
    assert!(!app.process_events());
    assert_eq!(log.take(), [""; 0]);
}
