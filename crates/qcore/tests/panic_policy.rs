//! Panics that are reported. The policy is the process's, so this is a process of its own, and the
//! tests in it take turns.

mod common;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    rc::Rc,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use common::Log;
use qcore::{
    CallErrorKind, ConnectionType, Destructor, EventHandler, EventType, MessageType, PanicPolicy,
    QCoreApplication, QEvent, QObject, QThread, QTimer, QTimerEvent, Remote, Signal, class,
    install_message_handler, sender, wait_until,
};

static TURN: Mutex<()> = Mutex::new(());
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// While it lives, panics are reported and the reports collected.
struct Reported(#[allow(dead_code)] MutexGuard<'static, ()>);

impl Reported {
    fn new() -> Self {
        Self::after(|| ()).0
    }

    /// Does something first, while panics are not reported yet.
    fn after<V>(first: impl FnOnce() -> V) -> (Self, V) {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let value = first();
        REPORTS.lock().unwrap().clear();
        QCoreApplication::set_panic_policy(PanicPolicy::Report);
        install_message_handler(Some(Box::new(|kind, text| {
            assert_eq!(kind, MessageType::Critical);
            REPORTS.lock().unwrap().push(text.to_owned());
        })));
        (Reported(turn), value)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut REPORTS.lock().unwrap())
    }

    /// Takes the only report.
    fn only(&self) -> String {
        let mut reports = self.take();
        assert_eq!(reports.len(), 1, "{reports:?}");
        reports.remove(0)
    }
}

impl Drop for Reported {
    fn drop(&mut self) {
        install_message_handler(None);
        QCoreApplication::set_panic_policy(PanicPolicy::Unwind);
    }
}

/// Asserts that a report is of a slot that was connected in this file, at `line`.
#[track_caller]
fn assert_report(report: &str, line: u32, message: &str) {
    assert!(report.starts_with(&format!("a slot connected at {}:{line}:", file!())), "{report}");
    assert!(report.ends_with(&format!(" panicked: {message}")), "{report}");
}

#[test]
fn the_next_slot_runs() {
    let reported = Reported::new();
    let (object, log) = (QObject::new(), Log::default());
    let signal = Signal::of(&object);
    let other = QObject::new();
    signal.connect(log.slot("before"));
    let line = line!() + 1;
    let bad = signal.connect(|number: &i32| panic!("not {number}"));
    signal.connect(log.slot("after"));
    let names = log.clone();
    signal.connect_to(&other, move |_, _| {
        names.add(if sender().is_some() { "has a sender" } else { "has none" });
    });
    for number in [1, 2] {
        signal.emit(number);
        assert_eq!(log.take(), ["before", "after", "has a sender"]);
        assert_report(&reported.only(), line, &format!("not {number}"));
    }
    assert!(sender().is_none());
    assert!(bad.disconnect());
    signal.emit(3);
    assert!(reported.take().is_empty());

    // A signal of nobody.
    let signal = Signal::<()>::new();
    let line = line!() + 1;
    signal.connect_to(&other, |_, ()| panic_any(5));
    signal.connect(log.slot("after"));
    signal.emit(());
    assert_report(&reported.only(), line, "(no message)");
    assert_eq!(log.take()[3..], ["after"]);
}

class! {
    struct Clumsy: QObject {
        log: Log,
    }
}

impl Clumsy {
    fn stumble(&self) {
        self.log.add("stumbles");
        panic!("stumbled");
    }
}

impl EventHandler for Clumsy {
    fn timer_event(&self, event: &QTimerEvent) {
        self.kill_timer(event.timer_id());
        self.stumble();
    }

    fn custom_event(&self, _: &QEvent) {
        self.stumble();
    }
}

impl Destructor for Clumsy {
    fn destructor(&self) {
        self.stumble();
    }
}

#[test]
fn each_way_to_connect_has_its_place() {
    let reported = Reported::new();
    let app = QCoreApplication::new();
    let (clumsy, log) = (Clumsy::derive(QObject::new(), Log::default()), Log::default());
    let lines = Cell::new(0);
    let check = |signal: &Signal<()>, message: &str| {
        signal.connect(log.slot("after"));
        signal.emit(());
        app.process_events();
        assert_report(&reported.only(), lines.get(), message);
        assert_eq!(log.take(), ["after"]);
    };
    let (queued, single) = (ConnectionType::QUEUED, ConnectionType::SINGLE_SHOT);

    let signal = Signal::new();
    lines.set(line!() + 1);
    signal.connect(|()| panic!("a"));
    check(&signal, "a");

    let signal = Signal::new();
    lines.set(line!() + 1);
    signal.connect_to(&clumsy, |clumsy, ()| clumsy.stumble());
    check(&signal, "stumbled");

    let signal = Signal::new();
    lines.set(line!() + 1);
    signal.connect_slot(&clumsy, Clumsy::stumble);
    check(&signal, "stumbled");

    let signal = Signal::new();
    lines.set(line!() + 1);
    signal.connect_mut(|()| panic!("b"));
    check(&signal, "b");

    let signal = Signal::new();
    lines.set(line!() + 1);
    signal.connect_with_type(queued, |()| panic!("c"));
    check(&signal, "c");

    let signal = Signal::new();
    lines.set(line!() + 1);
    signal.connect_slot_with_type(&clumsy, queued, Clumsy::stumble);
    check(&signal, "stumbled");

    let signal = Signal::new();
    lines.set(line!() + 1);
    let once = signal.connect_to_with_type(&clumsy, single, |_, ()| panic!("d"));
    check(&signal, "d");
    assert!(!once.is_connected());

    let (signal, inner) = (Signal::new(), Signal::new());
    lines.set(line!() + 1);
    inner.connect(|()| panic!("e"));
    signal.connect_signal(&inner);
    check(&signal, "e");
    std::mem::forget(clumsy); // its destructor is another test's
}

#[test]
fn a_receiver_that_dies_is_cut() {
    let reported = Reported::new();
    let signal = Signal::<()>::new();
    let receiver = QObject::new();
    signal.connect_to(&receiver, |_, ()| panic!("not any more"));
    drop(receiver);
    signal.connect_to(&Rc::new(()), |_, ()| panic!("not any more"));
    assert!(!signal.is_connected() || reported.take().is_empty());
    signal.emit(());
    assert!(!signal.is_connected());
    assert!(reported.take().is_empty());
}

#[test]
fn blocked_ones_stay_blocked() {
    let reported = Reported::new();
    let signal = Signal::<()>::new();
    let connection = signal.connect(|()| panic!("blocked"));
    let quiet = connection.block();
    signal.emit(());
    assert!(reported.take().is_empty());
    drop(quiet);
    signal.emit(());
    assert_eq!(reported.take().len(), 1);
}

#[test]
fn the_loop_goes_on() {
    let reported = Reported::new();
    let (app, log) = (QCoreApplication::new(), Log::default());
    let clumsy = Clumsy::derive(QObject::new(), log.clone());
    QTimer::single_shot(0, || panic!("in a single shot"));
    clumsy.start_timer(1);
    QCoreApplication::post_event(&clumsy, QEvent::new(EventType::USER));
    clumsy.destroyed.connect_slot(&app, QCoreApplication::quit);
    let deletes = clumsy.clone();
    QTimer::single_shot(20, move || deletes.delete_later());
    assert_eq!(app.exec(), 0);
    // An event, a timer's event, and the destructor, without which the object dies all the same.
    assert_eq!(log.take(), ["stumbles", "stumbles", "stumbles"]);
    assert!(clumsy.is_deleted());
    let reports = reported.take();
    assert_eq!(reports.len(), 4, "{reports:?}");
    assert!(reports.iter().any(|report| report.ends_with("panicked: in a single shot")));
    assert_eq!(reports.iter().filter(|report| report.ends_with("panicked: stumbled")).count(), 3);
}

#[test]
fn connected_before() {
    let (reported, signal) = Reported::after(|| {
        let signal = Rc::new(Signal::<()>::new());
        signal.connect(|()| panic!("from before"));
        signal
    });
    let log = Log::default();
    signal.connect(log.slot("after"));
    // It unwinds out of the emission, and as far as to the loop.
    assert!(catch_unwind(AssertUnwindSafe(|| signal.emit(()))).is_err());
    assert!(reported.take().is_empty());
    let emitted = signal.clone();
    QTimer::single_shot(0, move || emitted.emit(()));
    let mut reports = Vec::new();
    assert!(wait_until(5000, || {
        reports.extend(reported.take());
        !reports.is_empty()
    }));
    assert!(reports[0].ends_with("panicked: from before"), "{reports:?}");
    assert!(log.take().is_empty());
}

#[test]
fn back_to_unwinding() {
    let reported = Reported::new();
    let signal = Signal::<()>::new();
    signal.connect(|()| panic!("loud"));
    QCoreApplication::set_panic_policy(PanicPolicy::Unwind);
    assert!(catch_unwind(AssertUnwindSafe(|| signal.emit(()))).is_err());
    assert!(reported.take().is_empty());
}

#[test]
fn a_payload_that_panics_when_it_is_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let reported = Reported::new();
    let (signal, log) = (Signal::<()>::new(), Log::default());
    signal.connect(|()| panic_any(Bomb));
    signal.connect(log.slot("after"));
    signal.emit(());
    assert_eq!(log.take(), ["after"]);
    assert!(reported.only().ends_with("panicked: (no message)"));
}

#[test]
fn a_thread_goes_on_after_the_panics_of_its_slots() {
    let reported = Reported::new();
    let (thread, signal) = (QThread::new(), Signal::new());
    let object = thread.build(QObject::new);
    signal.connect_to(&object, |_, ()| panic!("slot"));
    thread.start().unwrap();
    object.post(|_| panic!("posted")).unwrap();
    signal.emit(());
    assert_eq!(object.call(|_| panic!("called")).unwrap_err(), CallErrorKind::Panicked);
    assert_eq!(object.call(|_| 1), Ok(1));
    let reports = reported.take();
    assert_eq!(reports.len(), 3, "{reports:?}");
    for (report, text) in reports.iter().zip(["posted", "slot", "called"]) {
        assert!(report.ends_with(&format!("panicked: {text}")), "{report}");
    }
    assert!(reports[1].contains("panic_policy.rs"), "the place of the connect call");
    thread.quit();
    assert!(thread.wait(5000));
    assert_eq!(thread.result(), Some(Ok(0)));
}

#[test]
fn the_drop_of_a_slot_that_another_thread_disconnects_is_reported() {
    struct Trap;

    impl Drop for Trap {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    fn connect(signal: &Signal<()>, remote: &Remote<QObject>) {
        let trap = Trap;
        signal.connect_to(remote, move |_, ()| {
            let _ = &trap;
        });
    }

    let _reported = Reported::new();
    let app = QCoreApplication::instance();
    let object = QObject::new();
    let remote = Remote::of(&object);
    let early = remote.clone();
    // The loop gets the slot after the signal has died.
    thread::spawn(move || connect(&Signal::new(), &early)).join().unwrap();
    app.process_events();
    let report = "code that the event loop called panicked: dropped";
    assert_eq!(*REPORTS.lock().unwrap(), [report]);
    // The loop has the slot, and drops it when the signal dies.
    let worker = thread::spawn(move || {
        let signal = Signal::new();
        connect(&signal, &remote);
        remote.call(|_| ()).unwrap();
    });
    while !worker.is_finished() {
        app.process_events();
    }
    worker.join().unwrap();
    app.process_events();
    assert_eq!(*REPORTS.lock().unwrap(), [report, report]);
}
