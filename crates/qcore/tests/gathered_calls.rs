//! Calls that another thread sends in a burst: the loop gets them as parcels of several calls, and
//! makes each of them as a delivery of its own.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use qcore::{
    Dispatcher, EventHandler, EventType, QCoreApplication, QEvent, QEventLoop, QObject, QThread,
    Receiver, Remote, Signal,
};

/// A value that counts how many of its kind are dropped.
#[derive(Clone)]
struct Token(Arc<AtomicUsize>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn tokens() -> (Arc<AtomicUsize>, impl Fn() -> usize) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    (dropped, move || count.load(Ordering::Relaxed))
}

/// Sends calls from another thread, and waits until all are sent. The loop does not run meanwhile.
fn send(work: impl FnOnce() + Send + 'static) {
    thread::spawn(work).join().unwrap();
    // A call from the loop's own thread comes after them. So the loop takes them now.
    Remote::of(&Rc::new(())).post(|()| ()).unwrap();
}

/// Sends `count` calls of one kind, which get the numbers from 0 on.
fn burst<R: Receiver>(
    to: &Remote<R>,
    count: usize,
    call: impl Fn(&R::Target, usize) + Clone + Send + 'static,
) {
    let to = to.clone();
    send(move || {
        for number in 0..count {
            let call = call.clone();
            to.post(move |target| call(target, number)).unwrap();
        }
    });
}

type Log = Rc<RefCell<Vec<usize>>>;

#[test]
fn calls_of_all_kinds_keep_their_order() {
    let app = QCoreApplication::instance();
    let (one, other) = (Log::default(), Log::default());
    let all = Log::default();
    let remotes = [Remote::of(&one), Remote::of(&other)];
    let (all_remote, poster) = (Remote::of(&all), Dispatcher::current().poster().unwrap());
    send(move || {
        let signal = Signal::<usize>::new();
        signal.connect_to(&all_remote, |all, number| all.borrow_mut().push(*number));
        for number in 0..3000 {
            // Runs of 1, 2, 3 ... calls of one kind.
            match (number as f64).sqrt() as usize % 4 {
                0 => remotes[0].post(move |log| log.borrow_mut().push(number)).unwrap(),
                1 => signal.emit(number),
                2 => remotes[number % 2].post(move |log| log.borrow_mut().push(number)).unwrap(),
                _ => poster.post(move || assert_ne!(number, 0)).unwrap(),
            }
            all_remote.post(move |all| all.borrow_mut().push(number)).unwrap();
        }
        for number in 3000..4000 {
            all_remote.post(move |all| all.borrow_mut().push(number)).unwrap();
        }
    });
    app.process_events();
    let mut expected = Vec::new();
    for number in 0..3000 {
        let emitted = (number as f64).sqrt() as usize % 4 == 1;
        expected.extend(std::iter::repeat_n(number, 1 + usize::from(emitted)));
    }
    expected.extend(3000..4000);
    assert_eq!(*all.borrow(), expected);
    assert!(one.borrow().is_sorted() && other.borrow().is_sorted());
    assert!(one.borrow().len() > 700 && other.borrow().len() > 300);
}

#[test]
fn a_nested_loop_goes_on_with_the_calls() {
    let app = QCoreApplication::instance();
    let log = Log::default();
    burst(&Remote::of(&log), 600, |log, number| {
        log.borrow_mut().push(number);
        if number % 100 == 50 {
            QCoreApplication::instance().process_events();
            log.borrow_mut().push(1000 + number);
        }
    });
    app.process_events();
    // Each nested loop makes all calls after its own, so that the outer ones return last.
    let expected = (0..600).chain([550, 450, 350, 250, 150, 50].map(|number| 1000 + number));
    assert!(log.borrow().iter().copied().eq(expected));
}

#[test]
fn calls_after_one_that_panics_are_made_in_the_next_turn() {
    let app = QCoreApplication::instance();
    let log = Log::default();
    burst(&Remote::of(&log), 300, |log, number| {
        assert_ne!(number, 7, "on purpose");
        log.borrow_mut().push(number);
    });
    assert!(catch_unwind(AssertUnwindSafe(|| app.process_events())).is_err());
    assert!(log.borrow().iter().copied().eq(0..7));
    app.process_events();
    assert!(log.borrow().iter().copied().eq((0..7).chain(8..300)));
}

#[test]
fn the_death_of_the_receiver_drops_the_other_calls_at_once() {
    let app = QCoreApplication::instance();
    let holder = Rc::new(Cell::new(Some(QObject::new())));
    let object = holder.take().unwrap();
    let remote = Remote::of(&object);
    holder.set(Some(object));
    thread_local! {
        static HOLDER: RefCell<Option<Rc<Cell<Option<QObject>>>>> = const { RefCell::new(None) };
    }
    HOLDER.set(Some(holder));
    let (dropped, count) = tokens();
    let (seen, made) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (at_death, calls, token) = (seen.clone(), made.clone(), dropped.clone());
    send(move || {
        for number in 0..100 {
            let (token, calls) = (Token(token.clone()), calls.clone());
            let (at_death, dropped) = (at_death.clone(), token.0.clone());
            let call = move |object: &QObject| {
                calls.fetch_add(1, Ordering::Relaxed);
                if number == 4 {
                    drop(HOLDER.take().and_then(|holder| holder.take()));
                    object.delete_later();
                    QCoreApplication::send_posted_events_of_type(None, EventType::DEFERRED_DELETE);
                    assert!(object.is_deleted());
                    at_death.store(dropped.load(Ordering::Relaxed), Ordering::Relaxed);
                }
                let _ = &token;
            };
            remote.post(call).unwrap();
        }
    });
    app.process_events();
    assert_eq!(made.load(Ordering::Relaxed), 5);
    // Four calls were made before, and 95 are dropped; the running one is not.
    assert_eq!((seen.load(Ordering::Relaxed), count()), (99, 100));
}

#[test]
fn a_deletion_comes_after_the_calls_that_were_sent_before() {
    let (object, log) = (QObject::new(), Log::default());
    thread_local!(static LOG: RefCell<Log> = RefCell::default());
    LOG.set(log.clone());
    burst(&Remote::of(&object), 300, |object, number| {
        LOG.with_borrow(|log| log.borrow_mut().push(number));
        if number == 5 {
            object.delete_later();
        }
    });
    let event_loop = QEventLoop::new();
    let (ended, seen) = (event_loop.clone(), log.clone());
    object.destroyed.connect(move |_| {
        seen.borrow_mut().push(1000);
        ended.quit();
    });
    event_loop.exec();
    assert!(log.borrow().iter().copied().eq((0..300).chain([1000])));
}

#[test]
fn posted_calls_are_sent_and_removed_by_receiver_and_kind() {
    let app = QCoreApplication::instance();
    let (object, other) = (QObject::new(), QObject::new());
    thread_local!(static MADE: Cell<usize> = const { Cell::new(0) });
    let made = || MADE.get();
    let count = |_: &QObject, _| MADE.set(MADE.get() + 1);
    let poster = Dispatcher::current().poster().unwrap();
    burst(&Remote::of(&object), 300, count);
    burst(&Remote::of(&other), 20, count);
    send(move || (0..10).for_each(|_| poster.post(|| MADE.set(MADE.get() + 1000)).unwrap()));
    QCoreApplication::send_posted_events_of_type(Some(&other), EventType::TIMER);
    assert_eq!(made(), 0);
    QCoreApplication::send_posted_events_of_type(Some(&other), EventType::META_CALL);
    assert_eq!(made(), 20);
    QCoreApplication::remove_posted_events(None);
    QCoreApplication::send_posted_events(Some(&object));
    assert_eq!(made(), 20);
    // Nothing selects the calls without a receiver.
    app.process_events();
    assert_eq!(made(), 10_020);

    // A call removes the ones after it.
    burst(&Remote::of(&object), 50, |object, number| {
        MADE.set(MADE.get() + 1);
        if number == 9 {
            QCoreApplication::remove_posted_events(Some(object));
        }
    });
    app.process_events();
    assert_eq!(made(), 10_030);
}

/// An event filter that stops every second event.
struct Filter(Rc<Cell<usize>>);

impl EventHandler for Filter {
    fn event_filter(&self, _: &QObject, event: &QEvent) -> bool {
        assert_eq!(event.event_type(), EventType::META_CALL);
        self.0.set(self.0.get() + 1);
        self.0.get().is_multiple_of(2)
    }
}

#[test]
fn an_event_filter_sees_each_call() {
    let app = QCoreApplication::instance();
    let object = QObject::new();
    let seen = Rc::new(Cell::new(0));
    let filter = Rc::new(Filter(seen.clone()));
    object.install_event_filter(&filter);
    thread_local!(static MADE: Cell<usize> = const { Cell::new(0) });
    burst(&Remote::of(&object), 40, |_, number| {
        assert_eq!(number % 2, 0);
        MADE.set(MADE.get() + 1);
    });
    app.process_events();
    assert_eq!((seen.get(), MADE.get()), (40, 20));
}

#[test]
fn values_whose_drops_panic_are_all_dropped() {
    let object = QObject::new();
    let remote = Remote::of(&object);
    let (dropped, count) = tokens();
    send(move || {
        for _ in 0..10 {
            let trap = Trap { _token: Token(dropped.clone()) };
            remote.post(move |_| drop(trap)).unwrap();
        }
    });
    let remove = || QCoreApplication::remove_posted_events(Some(&object));
    assert!(catch_unwind(AssertUnwindSafe(remove)).is_err());
    assert_eq!(count(), 10);
}

/// A value whose drop panics.
struct Trap {
    _token: Token,
}

impl Drop for Trap {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[test]
fn removed_calls_whose_drops_panic_are_all_dropped() {
    let object = QObject::new();
    let remote = Remote::of(&object);
    let (dropped, count) = tokens();
    send(move || {
        for _ in 0..3 {
            let trap = Trap { _token: Token(dropped.clone()) };
            drop(remote.call_async(move |_| drop(trap)));
        }
    });
    let remove = || QCoreApplication::remove_posted_events(Some(&object));
    assert!(catch_unwind(AssertUnwindSafe(remove)).is_err());
    assert_eq!(count(), 3);
}

#[test]
fn slots_whose_drops_panic_are_all_dropped_in_the_thread_of_their_receiver() {
    let app = QCoreApplication::instance();
    let object = QObject::new();
    let remote = Remote::of(&object);
    let (dropped, count) = tokens();
    let (is_connected, connected) = mpsc::channel();
    let (disconnect, told) = mpsc::channel::<()>();
    let worker = thread::spawn(move || {
        let signal = Signal::<usize>::new();
        for _ in 0..3 {
            let trap = Trap { _token: Token(dropped.clone()) };
            signal.connect_to(&remote, move |_, _| {
                let _ = &trap;
            });
        }
        is_connected.send(()).unwrap();
        told.recv().unwrap();
        drop(signal);
    });
    connected.recv().unwrap();
    app.process_events();
    disconnect.send(()).unwrap();
    worker.join().unwrap();
    assert_eq!(count(), 0);
    assert!(catch_unwind(AssertUnwindSafe(|| app.process_events())).is_err());
    assert_eq!(count(), 3);
}

#[test]
fn the_end_of_a_thread_drops_the_calls_that_are_left() {
    let (dropped, count) = tokens();
    let (give, take) = mpsc::channel();
    let (sent, all_sent) = mpsc::channel::<()>();
    let worker = thread::spawn(move || {
        let object = QObject::new();
        give.send(Remote::of(&object)).unwrap();
        all_sent.recv().unwrap();
        let work = || QEventLoop::new().process_events();
        assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
        thread_local!(static KEPT: RefCell<Option<QObject>> = const { RefCell::new(None) });
        KEPT.set(Some(object));
    });
    let remote: Remote<QObject> = take.recv().unwrap();
    let made = Arc::new(AtomicUsize::new(0));
    for number in 0..300 {
        let (token, made) = (Token(dropped.clone()), made.clone());
        let home = worker.thread().id();
        let call = move |_: &QObject| {
            assert_eq!(thread::current().id(), home);
            made.fetch_add(1, Ordering::Relaxed);
            assert_ne!(number, 3, "on purpose");
            drop(token);
        };
        remote.post(call).unwrap();
    }
    let asked = remote.call_async(|_| ());
    sent.send(()).unwrap();
    worker.join().unwrap();
    assert_eq!((made.load(Ordering::Relaxed), count()), (4, 300));
    drop(asked);
}

#[test]
fn a_thread_that_never_starts_drops_all_even_if_drops_panic() {
    let thread = QThread::new();
    let (dropped, count) = tokens();
    for _ in 0..3 {
        let trap = Trap { _token: Token(dropped.clone()) };
        let built = thread.build(move || {
            drop(trap);
            Rc::new(())
        });
        let trap = Trap { _token: Token(dropped.clone()) };
        drop(built.call_async(move |()| drop(trap)));
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(thread))).is_err());
    assert_eq!(count(), 6);
}
