//! Watching descriptors. The tests have the names of the cases that they check.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    rc::{Rc, Weak},
};

use qcore::{
    Dispatcher, NotifierType, ProcessEventsFlags, QCoreApplication, QSignalSpy, QSocketNotifier,
    QTimer, VirtualClock,
    event_loop::{EventSource, Readiness, Registration},
    wait_until,
};

fn pair() -> (Rc<UnixStream>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (Rc::new(ours), theirs)
}

fn watch(stream: &Rc<UnixStream>, kind: NotifierType) -> QSocketNotifier {
    QSocketNotifier::try_new(stream.clone(), kind).unwrap()
}

#[test]
fn a_ready_descriptor_is_a_pending_event() {
    let app = QCoreApplication::new();
    let (ours, mut theirs) = pair();
    let notifier = watch(&ours, NotifierType::Read);
    let reads = Rc::new(Cell::new(0));
    notifier.activated.connect_to(&reads, move |reads, _| {
        reads.set(reads.get() + (&*ours).read(&mut [0; 8]).unwrap());
    });
    assert!(!QCoreApplication::has_pending_events());
    theirs.write_all(b"x").unwrap();
    assert!(QCoreApplication::has_pending_events() && reads.get() == 0);
    app.process_events();
    assert_eq!(reads.get(), 1);
    app.process_events();
    assert!(!QCoreApplication::has_pending_events());
}

#[test]
fn constructing() {
    let (ours, _theirs) = pair();
    let notifier = watch(&ours, NotifierType::Read);
    assert!(notifier.is_enabled());
    assert_eq!(notifier.notifier_type(), NotifierType::Read);
    use std::os::fd::AsRawFd;
    assert_eq!(notifier.socket(), ours.as_raw_fd());
}

#[test]
fn posix_sockets() {
    let (ours, mut theirs) = pair();
    let [read, write, exception] =
        [NotifierType::Read, NotifierType::Write, NotifierType::Exception]
            .map(|kind| watch(&ours, kind));
    write.set_enabled(false);
    let spies = [&read, &write, &exception].map(|notifier| QSignalSpy::new(&notifier.activated));
    let stream = ours.clone();
    read.activated.connect(move |_| assert_eq!((&*stream).read(&mut [0; 8]).unwrap(), 1));
    write.activated.connect_to(&write, |write, _| write.set_enabled(false));

    theirs.write_all(b"x").unwrap();
    assert!(spies[0].wait(5000));
    QCoreApplication::instance().process_events();
    assert_eq!(spies.each_ref().map(QSignalSpy::count), [1, 0, 0]);

    write.set_enabled(true);
    assert!(spies[1].wait(5000));
    QCoreApplication::instance().process_events();
    assert_eq!(spies.map(|spy| spy.count()), [1, 1, 0]);
}

#[test]
fn it_says_so_for_as_long_as_it_is_so() {
    let (ours, mut theirs) = pair();
    let notifier = watch(&ours, NotifierType::Read);
    let spy = QSignalSpy::new(&notifier.activated);
    theirs.write_all(b"ab").unwrap();
    assert!(wait_until(5000, || spy.count() == 3));
    (&*ours).read_exact(&mut [0; 2]).unwrap();
    // An activation that was on its way may still come.
    QCoreApplication::instance().process_events();
    let count = spy.count();
    assert!(!wait_until(20, || spy.count() > count));
    // The end of the stream counts as readable, permanently.
    drop(theirs);
    assert!(wait_until(5000, || spy.count() > count + 2));
}

#[test]
fn several_on_one_descriptor() {
    let (ours, mut theirs) = pair();
    let first = watch(&ours, NotifierType::Read);
    let second = watch(&ours, NotifierType::Read);
    let spies = [&first, &second].map(|notifier| QSignalSpy::new(&notifier.activated));
    theirs.write_all(b"x").unwrap();
    assert!(wait_until(5000, || spies.iter().all(|spy| spy.count() > 0)));
    // Dropping one notifier does not affect the other.
    drop(first);
    let before = spies[1].count();
    assert!(wait_until(5000, || spies[1].count() > before));
}

#[test]
fn unexpected_disconnection() {
    // Both notifiers are ready, and the first slot reads both streams empty. The second slot is
    // still called, once.
    let (one, mut to_one) = pair();
    let (two, mut to_two) = pair();
    let notifiers = [&one, &two].map(|stream| watch(stream, NotifierType::Read));
    let (calls, reads) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    for notifier in &notifiers {
        let (streams, reads) = ([one.clone(), two.clone()], reads.clone());
        notifier.activated.connect_to(&calls, move |calls, _| {
            calls.set(calls.get() + 1);
            for stream in &streams {
                let read = (&**stream).read(&mut [0; 8]);
                reads.borrow_mut().push(read.map_err(|error| error.kind()));
            }
        });
    }
    to_one.write_all(b"x").unwrap();
    to_two.write_all(b"x").unwrap();
    assert!(wait_until(5000, || calls.get() == 2));
    assert!(!wait_until(20, || calls.get() > 2));
    // Having nothing to read is not the end of the stream.
    let nothing = Err(ErrorKind::WouldBlock);
    assert_eq!(reads.take(), [Ok(1), Ok(1), nothing, nothing]);
}

#[test]
fn mixing_with_timers() {
    let app = QCoreApplication::new();
    let (ours, mut theirs) = pair();
    let notifier = watch(&ours, NotifierType::Read);
    let spy = QSignalSpy::new(&notifier.activated);
    let timer = QTimer::new();
    let ticks = QSignalSpy::new(&timer.timeout);
    timer.start_with_interval(0);
    app.process_events();
    assert_eq!((spy.count(), ticks.count()), (0, 1));
    theirs.write_all(b"x").unwrap();
    app.process_events();
    assert_eq!((spy.count(), ticks.count()), (1, 2));
}

#[test]
fn excluded_events_are_kept() {
    let app = QCoreApplication::new();
    let (ours, mut theirs) = pair();
    let notifier = watch(&ours, NotifierType::Read);
    let spy = QSignalSpy::new(&notifier.activated);
    theirs.write_all(b"x").unwrap();
    for _ in 0..3 {
        app.process_events_with_flags(ProcessEventsFlags::EXCLUDE_SOCKET_NOTIFIERS);
    }
    assert_eq!(spy.count(), 0);
    // Data that comes meanwhile is not lost, either.
    theirs.write_all(b"yz").unwrap();
    app.process_events_with_flags(ProcessEventsFlags::EXCLUDE_SOCKET_NOTIFIERS);
    assert_eq!(spy.count(), 0);
    app.process_events();
    assert_eq!(spy.count(), 1);
    let mut bytes = [0; 8];
    assert_eq!((&*ours).read(&mut bytes).unwrap(), 3);
    assert_eq!(&bytes[..3], b"xyz");
}

/// Counts its turns to write.
struct Writer {
    registration: Registration,
    turns: Cell<u32>,
}

impl EventSource for Writer {
    fn ready(self: Rc<Self>, _: Readiness) {}

    fn write_pending(self: Rc<Self>) {
        self.turns.set(self.turns.get() + 1);
    }
}

#[test]
fn excluded_events_end_no_wait() {
    let app = QCoreApplication::instance();
    let flags =
        ProcessEventsFlags::EXCLUDE_SOCKET_NOTIFIERS | ProcessEventsFlags::WAIT_FOR_MORE_EVENTS;
    let fires_in_one_turn = || {
        let fired = Rc::new(Cell::new(false));
        QTimer::single_shot_to(10, &fired, |fired| fired.set(true));
        app.process_events_with_flags(flags);
        fired.get()
    };
    let writer = Rc::new_cyclic(|this: &Weak<Writer>| Writer {
        registration: Dispatcher::current().add_source(this.clone()),
        turns: Cell::new(0),
    });
    for early in [false, true] {
        writer.registration.request_write(early);
        assert!(fires_in_one_turn());
    }
    assert_eq!(writer.turns.get(), 0);
    app.process_events();
    assert_eq!(writer.turns.get(), 2);

    // Nor does virtual time stand still.
    let _clock = VirtualClock::install();
    let (ours, mut theirs) = pair();
    let notifier = watch(&ours, NotifierType::Read);
    let spy = QSignalSpy::new(&notifier.activated);
    theirs.write_all(b"x").unwrap();
    assert!(fires_in_one_turn() && fires_in_one_turn());
    assert_eq!(spy.count(), 0);
    assert!(spy.wait(5000));
}

#[test]
fn a_regular_file_is_always_ready() {
    let file = Rc::new(File::open(env!("CARGO_MANIFEST_DIR").to_owned() + "/Cargo.toml").unwrap());
    let notifier = QSocketNotifier::try_new(file.clone(), NotifierType::Read).unwrap();
    let spy = QSignalSpy::new(&notifier.activated);
    assert!(wait_until(5000, || spy.count() == 5));
    notifier.set_enabled(false);
    let count = spy.count();
    assert!(!wait_until(10, || spy.count() > count));
    notifier.set_enabled(true);
    assert!(spy.wait(5000));
}

#[test]
fn disabled_and_deleted_ones_are_silent() {
    let (ours, mut theirs) = pair();
    let notifier = watch(&ours, NotifierType::Read);
    let spy = QSignalSpy::new(&notifier.activated);
    notifier.activated.connect_to(&notifier, |notifier, _| notifier.set_enabled(false));
    theirs.write_all(b"x").unwrap();
    assert!(spy.wait(5000));
    assert!(!spy.wait(20));
    notifier.set_enabled(true);
    assert!(spy.wait(5000));

    notifier.set_enabled(true);
    notifier.delete_later();
    wait_until(5000, || notifier.is_deleted());
    notifier.set_enabled(true);
    assert!(!notifier.is_enabled());
    let count = spy.count();
    assert!(!wait_until(10, || spy.count() > count));
    // The notifier held the other reference.
    drop(notifier);
    assert_eq!(Rc::strong_count(&ours), 1);
}

#[test]
fn enabling_one_again_forgets_what_it_was_ready_for() {
    let (ours, mut theirs) = pair();
    let [first, second] = [(); 2].map(|()| watch(&ours, NotifierType::Read));
    let spy = QSignalSpy::new(&second.activated);
    first.activated.connect_to(&second, move |second, _| {
        let mut bytes = [0; 8];
        assert_eq!((&*ours).read(&mut bytes).unwrap(), 1);
        second.set_enabled(false);
        second.set_enabled(true);
    });
    let read = QSignalSpy::new(&first.activated);
    theirs.write_all(b"x").unwrap();
    assert!(read.wait(5000));
    assert!(!wait_until(10, || spy.count() > 0));
    // It is told of what comes next.
    first.set_enabled(false);
    theirs.write_all(b"y").unwrap();
    assert!(spy.wait(5000));
}
