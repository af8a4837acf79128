//! The signals of an object that a `QThread` has built, above all when `started` is emitted.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::mpsc,
};

use qcore::{
    EventHandler, EventType, QCoreApplication, QEvent, QObject, QThread, QTimer, Remote, Signal,
    class, wait_until,
};

class! {
    /// Says a line in a slot of `started`.
    struct Worker: QObject {
        said: Signal<String>,
        child part: QObject = QObject::new(),
        name: &'static str,
    }
}

impl Worker {
    fn new(name: &'static str) -> Self {
        Self::derive(QObject::new(), name)
    }

    fn start(&self) {
        self.said.emit(format!("{} started", self.name));
    }

    fn say(&self, line: &str) {
        self.said.emit(line.to_owned());
    }
}

type Lines = Rc<RefCell<Vec<String>>>;

fn add(lines: &RefCell<Vec<String>>, line: &str) {
    lines.borrow_mut().push(line.to_owned());
}

fn end(thread: &QThread) {
    thread.quit();
    assert!(thread.wait(5000));
}

fn said(worker: &Remote<Worker>) -> qcore::RemoteSignal<Worker, String> {
    worker.signal(|worker| &worker.said)
}

/// Checks that `lines` are heard, and no others.
#[track_caller]
fn assert_heard(lines: &Lines, expected: &[&str]) {
    wait_until(5000, || lines.borrow().len() >= expected.len());
    QCoreApplication::instance().process_events();
    assert_eq!(*lines.borrow(), expected);
}

// ---- started

#[test]
fn what_a_slot_of_started_emits_is_heard() {
    for is_first in [true, false] {
        let (thread, lines) = (QThread::new(), Lines::default());
        let worker = thread.build(|| Worker::new("worker"));
        if is_first {
            said(&worker).connect_slot(&lines, add);
        }
        thread.started.connect_slot(&worker, Worker::start);
        if !is_first {
            said(&worker).connect_slot(&lines, add);
        }
        thread.start().unwrap();
        assert_heard(&lines, &["worker started"]);
        end(&thread);
        // The next start has objects of its own.
        let worker = thread.build(|| Worker::new("second"));
        said(&worker).connect_slot(&lines, add);
        thread.started.connect_slot(&worker, Worker::start);
        thread.start().unwrap();
        assert_heard(&lines, &["worker started", "second started"]);
        end(&thread);
    }
}

#[test]
fn all_objects_are_connected_before_started() {
    let (thread, lines) = (QThread::new(), Lines::default());
    let first = thread.build(|| Worker::new("first"));
    said(&first).connect_slot(&lines, add);
    thread.started.connect_slot(&first, Worker::start);
    // Posted calls come after the slots of `started`, even those posted before a connection.
    first.post(|first| first.say("posted")).unwrap();
    let second = thread.build(|| Worker::new("second"));
    thread.started.connect_slot(&second, Worker::start);
    said(&second).connect_slot(&lines, add);
    thread.start().unwrap();
    assert_heard(&lines, &["first started", "second started", "posted"]);
    end(&thread);
}

#[test]
fn a_thread_without_a_loop_makes_the_connections() {
    let (hand, take) = mpsc::channel::<()>();
    let lines = Lines::default();
    let thread = QThread::create(move || take.recv().unwrap());
    let worker = thread.build(|| Worker::new("worker"));
    said(&worker).connect_slot(&lines, add);
    thread.started.connect_slot(&worker, Worker::start);
    thread.start().unwrap();
    assert_heard(&lines, &["worker started"]);
    hand.send(()).unwrap();
    assert!(thread.wait(5000));
}

#[test]
fn an_object_built_during_a_run_is_connected() {
    let (thread, lines) = (QThread::new(), Lines::default());
    thread.start().unwrap();
    let worker = thread.build(|| Worker::new("worker"));
    // The calls that were sent before a connection come before it.
    worker.post(|worker| worker.say("too early")).unwrap();
    worker.call(|_| ()).unwrap();
    said(&worker).connect_slot(&lines, add);
    worker.post(|worker| worker.say("heard")).unwrap();
    assert_heard(&lines, &["heard"]);
    end(&thread);
}

// ---- nothing stops a connection

class! {
    /// Stops all queued calls of the object that it watches.
    struct Stopper: QObject {}
}

impl EventHandler for Stopper {
    fn event_filter(&self, _: &QObject, event: &QEvent) -> bool {
        event.event_type() == EventType::META_CALL
    }
}

#[test]
fn event_filters_and_removed_events_stop_no_connection() {
    let (thread, lines) = (QThread::new(), Lines::default());
    thread.start().unwrap();
    // Everything up to the end of this call waits in the queue together.
    let (hand, take) = mpsc::channel::<()>();
    thread.poster().post(move || take.recv().unwrap()).unwrap();
    thread.poster().post(|| QCoreApplication::remove_posted_events(None)).unwrap();
    let worker = thread.build(|| {
        let worker = Worker::new("worker");
        let stopper = Stopper::derive(QObject::new()).with_parent(&worker.part);
        worker.install_event_filter(&stopper);
        let speaker = worker.clone();
        worker.said.connect_to(&worker.part, |_, _| QThread::current_thread().quit());
        QTimer::single_shot(0, move || speaker.start());
        worker
    });
    said(&worker).connect_slot(&lines, add);
    hand.send(()).unwrap();
    assert!(thread.wait(5000));
    assert_heard(&lines, &["worker started"]);
}

// ---- the forms of connections

#[test]
fn a_closure_without_a_receiver() {
    let (thread, lines) = (QThread::new(), Lines::default());
    let worker = thread.build(|| Worker::new("worker"));
    let heard = lines.clone();
    let connection = said(&worker).connect(move |line| add(&heard, line));
    assert_eq!(Rc::strong_count(&lines), 2);
    thread.started.connect_slot(&worker, Worker::start);
    thread.start().unwrap();
    assert_heard(&lines, &["worker started"]);
    assert!(connection.is_connected());
    assert!(connection.disconnect());
    assert!(!connection.is_connected());
    worker.call(|worker| worker.say("unheard")).unwrap();
    assert_heard(&lines, &["worker started"]);
    assert!(wait_until(5000, || Rc::strong_count(&lines) == 1), "the slot is dropped");
    // The death of the sender drops the slot, too.
    let heard = lines.clone();
    said(&worker).connect(move |line| add(&heard, line));
    end(&thread);
    assert!(wait_until(5000, || Rc::strong_count(&lines) == 1));
    // No sender, no connection.
    let heard = lines.clone();
    said(&worker).connect(move |line| add(&heard, line));
    assert!(wait_until(5000, || Rc::strong_count(&lines) == 1));
}

#[test]
fn a_signal_is_connected_to_a_signal() {
    let (thread, lines) = (QThread::new(), Lines::default());
    let worker = thread.build(|| Worker::new("worker"));
    let (here, plain, count) = (Worker::new("here"), Signal::new(), Rc::new(Cell::new(0)));
    let to_object = said(&worker).connect_signal(&here.said);
    let to_plain = said(&worker).connect_signal(&plain);
    here.said.connect_slot(&lines, add);
    plain.connect_to(&count, |count, _: &String| count.set(count.get() + 1));
    thread.started.connect_slot(&worker, Worker::start);
    thread.start().unwrap();
    assert_heard(&lines, &["worker started"]);
    assert!(wait_until(5000, || count.get() == 1));
    // The death of the object, or of the signal, cuts the connection.
    assert!(to_object.is_connected() && to_plain.is_connected());
    let handle = here.clone();
    here.delete_later();
    assert!(wait_until(5000, || handle.is_deleted()));
    assert!(!to_object.is_connected());
    drop(plain);
    assert!(!to_plain.is_connected());
    end(&thread);
}
