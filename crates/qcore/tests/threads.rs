//! Posting from other threads, and threads that end while everything is still alive.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, Barrier, Mutex, mpsc},
    thread,
    time::Duration,
};

use qcore::{
    ConnectionType, Dispatcher, PostError, PostErrorKind, Poster, ProcessEventsFlags,
    QCoreApplication, QEventLoop, QObject, QTimer, Signal, sender, wait_until,
};

fn poster() -> Poster {
    Dispatcher::current().poster().unwrap()
}

// ---- posting

#[test]
fn many_threads_post_and_nothing_is_lost() {
    const THREADS: usize = 8;
    const POSTS: usize = 2000;
    thread_local! {
        static SEEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    }
    SEEN.set(vec![0; THREADS]);
    let app = QCoreApplication::new();
    let (poster, start) = (poster(), Arc::new(Barrier::new(THREADS)));
    let workers: Vec<_> = (0..THREADS)
        .map(|worker| {
            let (poster, start) = (poster.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                for at in 0..POSTS {
                    let call = move || {
                        SEEN.with_borrow_mut(|seen| {
                            // The calls of one thread come in their order.
                            assert_eq!(seen[worker], at);
                            seen[worker] += 1;
                            if seen.iter().sum::<usize>() == THREADS * POSTS {
                                QCoreApplication::instance().exit(1);
                            }
                        });
                    };
                    poster.post(call).unwrap();
                }
            })
        })
        .collect();
    assert_eq!(app.exec(), 1);
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(SEEN.take(), [POSTS; THREADS]);
}

#[test]
fn threaded_event_delivery() {
    // A call runs in the loop's thread, in the first turn that starts after it was posted. One
    // wake-up is enough for many calls.
    thread_local!(static CALLS: Cell<u32> = const { Cell::new(0) });
    let (app, poster, here) = (QCoreApplication::new(), poster(), thread::current().id());
    thread::spawn(move || {
        for _ in 0..1000 {
            poster
                .post(move || {
                    assert_eq!(thread::current().id(), here);
                    CALLS.set(CALLS.get() + 1);
                })
                .unwrap();
        }
    })
    .join()
    .unwrap();
    assert!(app.process_events());
    assert_eq!(CALLS.get(), 1000);
    assert!(!app.process_events());
}

#[test]
fn a_thread_may_post_to_its_own_loop_and_to_another_and_back() {
    // Two loops post to each other in turn.
    let (send, receive) = mpsc::channel();
    let other = thread::spawn(move || {
        let app = QCoreApplication::new();
        send.send(poster()).unwrap();
        app.exec()
    });
    let (app, here, there) = (QCoreApplication::new(), poster(), receive.recv().unwrap());
    fn round(left: u32, to: Poster, from: Poster) {
        if left == 0 {
            QCoreApplication::instance().exit(1);
            let _ = to.post(|| QCoreApplication::instance().exit(2));
            return;
        }
        let (back, on) = (from.clone(), to.clone());
        to.post(move || round(left - 1, back, on)).unwrap();
    }
    let (to, from) = (there.clone(), here.clone());
    here.post(move || round(101, to, from)).unwrap();
    // The other thread runs the last round.
    assert_eq!(app.exec(), 2);
    assert_eq!(other.join().unwrap(), 1);
}

#[test]
fn deleted_in_the_loop_of_its_own_thread() {
    // Qt's deleteSelfInSlot: another thread deletes an object through its loop, even inside a
    // nested loop.
    let (app, poster) = (QCoreApplication::new(), poster());
    thread_local!(static OBJECT: RefCell<Option<QObject>> = const { RefCell::new(None) });
    let object = QObject::new();
    object.destroyed.connect_to(&app, |app, _| app.exit(8));
    OBJECT.set(Some(object));
    let nested = QEventLoop::new();
    let inner = nested.clone();
    Dispatcher::current().post(move || assert_eq!(inner.exec(), 8));
    let worker = thread::spawn(move || {
        poster.post(|| OBJECT.with_borrow(|object| object.as_ref().unwrap().delete_later()))
    });
    assert_eq!(app.exec(), 8);
    worker.join().unwrap().unwrap();
    assert!(OBJECT.take().unwrap().is_deleted());
}

// ---- the end of a thread

#[test]
fn the_loop_is_gone_after_the_end_of_its_thread() {
    let token = Arc::new(());
    let held = token.clone();
    let poster = thread::spawn(move || {
        let poster = poster();
        // The call is never delivered, but dropped.
        poster.post(move || drop(held)).unwrap();
        poster
    })
    .join()
    .unwrap();
    assert_eq!(Arc::strong_count(&token), 1);
    let held = token.clone();
    assert_eq!(poster.post(move || drop(held)).unwrap_err(), PostErrorKind::LoopEnded);
    assert_eq!(Arc::strong_count(&token), 1);
    let error = PostError::from(PostErrorKind::LoopEnded);
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (PostErrorKind::LoopEnded, "the event loop has ended")
    );
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::BrokenPipe);
    poster.wake_up();
}

#[test]
fn posting_while_the_thread_ends_is_either_done_or_refused() {
    for _ in 0..50 {
        let (send, receive) = mpsc::channel();
        let done = Arc::new(Mutex::new(0));
        let target = thread::spawn(move || {
            send.send(poster()).unwrap();
            QCoreApplication::new().process_events();
        });
        let poster = receive.recv().unwrap();
        let token = Arc::new(());
        loop {
            let (held, done) = (token.clone(), done.clone());
            let call = move || {
                drop(held);
                *done.lock().unwrap() += 1;
            };
            if poster.post(call).is_err() {
                break;
            }
            thread::yield_now();
        }
        target.join().unwrap();
        assert_eq!(Arc::strong_count(&token), 1, "delivered or dropped, none is kept");
    }
}

/// Objects of many kinds in use, each of which holds the token.
struct Everything {
    _object: QObject,
    _signal: Rc<Signal<()>>,
    _timers: Vec<QTimer>,
    _app: QCoreApplication,
    _loops: Vec<QEventLoop>,
}

/// Uses everything in a destructor, when parts of the thread's state may already be gone.
struct Late(Arc<()>, Poster);

impl Drop for Late {
    fn drop(&mut self) {
        let token = self.0.clone();
        Dispatcher::current().post(move || drop(token));
        let (token, object) = (self.0.clone(), QObject::new());
        let signal = Signal::of(&object);
        signal.connect_with_type(ConnectionType::QUEUED, move |()| drop(token.clone()));
        signal.emit(());
        object.delete_later();
        let (token, held) = (self.0.clone(), object.clone());
        // The posted call holds an object, which holds the loop in which the call waits.
        Dispatcher::current().post(move || drop((token, held)));
        let (token, held) = (self.0.clone(), object);
        QTimer::single_shot(0, move || drop((token, held)));
        let timer = QTimer::new();
        timer.start_with_interval(0);
        assert!(sender().is_none());
        let _ =
            QCoreApplication::instance().process_events_with_flags(ProcessEventsFlags::ALL_EVENTS);
        let token = self.0.clone();
        let _ = self.1.post(move || drop(token));
        if let Ok(poster) = Dispatcher::current().poster() {
            let token = self.0.clone();
            let _ = poster.post(move || drop(token));
        }
    }
}

impl Everything {
    fn new(token: &Arc<()>) -> Self {
        let late = || Late(token.clone(), poster());
        let object = QObject::new();
        let signal = Rc::new(Signal::of(&object));
        let (own, first, second) = (object.clone(), late(), late());
        signal.connect_with_type(ConnectionType::QUEUED, move |()| assert!(own != QObject::new()));
        signal.connect_to(&object, move |_, ()| assert!(Arc::strong_count(&first.0) > 1));
        object.destroyed.connect(move |_| assert!(Arc::strong_count(&second.0) > 1));
        signal.emit(());
        // No loop deletes this object, but dropping its handle in the queue cuts the cycle.
        signal.disconnect_all();
        let timers: Vec<_> = (0..10)
            .map(|at| {
                let (timer, late) = (QTimer::new(), late());
                timer.timeout.connect(move |()| assert!(Arc::strong_count(&late.0) > 1));
                timer.start_with_interval(at);
                timer
            })
            .collect();
        let child = QTimer::new();
        child.set_parent(Some(&object));
        child.start_with_interval(0);
        let (held, pending) = (object.clone(), late());
        Dispatcher::current().post(move || drop((held, pending)));
        let (held, pending) = (object.clone(), late());
        QTimer::single_shot(1000, move || drop((held, pending)));
        QObject::new().delete_later();
        object.delete_later();
        let end = QEventLoop::new();
        end.exit(1);
        Everything {
            _object: object,
            _signal: signal,
            _timers: timers,
            _app: QCoreApplication::new(),
            _loops: vec![end],
        }
    }
}

#[test]
fn a_thread_ends_with_everything_alive() {
    let token = Arc::new(());
    let held = token.clone();
    thread::spawn(move || drop(Everything::new(&held))).join().unwrap();
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn a_thread_ends_with_objects_in_thread_locals_whichever_go_first() {
    thread_local! {
        static BEFORE: RefCell<Vec<Everything>> = const { RefCell::new(Vec::new()) };
        static AFTER: RefCell<Vec<Everything>> = const { RefCell::new(Vec::new()) };
        static LAST: RefCell<Vec<Late>> = const { RefCell::new(Vec::new()) };
    }
    let token = Arc::new(());
    for run in 0..4 {
        let held = token.clone();
        thread::spawn(move || {
            // The order of first use is the order of the destructors, or its reverse.
            if run & 1 == 0 {
                BEFORE.with_borrow_mut(Vec::clear);
            }
            let poster = poster();
            AFTER.with_borrow_mut(|after| after.push(Everything::new(&held)));
            BEFORE.with_borrow_mut(|before| before.push(Everything::new(&held)));
            LAST.with_borrow_mut(|last| last.push(Late(held.clone(), poster)));
            if run & 2 == 0 {
                QCoreApplication::new().process_events();
            }
        })
        .join()
        .unwrap();
    }
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn an_object_made_while_the_thread_ends() {
    // The loop is first used in the destructor of a thread-local variable.
    thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
    let (token, poster) = (Arc::new(()), poster());
    let held = token.clone();
    thread::spawn(move || LATE.set(Some(Late(held, poster)))).join().unwrap();
    QCoreApplication::new().process_events();
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn many_threads_each_with_a_loop() {
    let workers: Vec<_> = (0..16)
        .map(|code| {
            thread::spawn(move || {
                let (app, timer) = (QCoreApplication::new(), QTimer::new());
                timer.timeout.connect_to(&app, move |app, ()| app.exit(code));
                timer.start_with_interval(code % 4);
                app.exec()
            })
        })
        .collect();
    for (code, worker) in (0..).zip(workers) {
        assert_eq!(worker.join().unwrap(), code);
    }
}

/// A loop that has ended with its thread cannot be woken, so no loop starts to wait.
#[test]
fn loops_of_a_thread_whose_loop_has_ended_return_at_once() {
    struct Loops(mpsc::Sender<(i32, i32, bool, bool)>);

    impl Drop for Loops {
        fn drop(&mut self) {
            assert_eq!(
                poster().post(|| ()).unwrap_err(),
                PostErrorKind::LoopEnded,
                "the loop has ended before"
            );
            let app = QCoreApplication::new();
            let processed = app.process_events_with_flags(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS);
            let waited = wait_until(-1, || false);
            self.0.send((QEventLoop::new().exec(), app.exec(), waited, processed)).unwrap();
        }
    }

    thread_local!(static LOOPS: RefCell<Option<Loops>> = const { RefCell::new(None) });
    let (tell, told) = mpsc::channel();
    let worker = thread::spawn(move || {
        // The thread-local value is created before the loop, so the thread drops it after the loop.
        LOOPS.set(None);
        QCoreApplication::new().process_events();
        LOOPS.set(Some(Loops(tell)));
    });
    let results = told.recv_timeout(Duration::from_secs(20));
    assert_eq!(results, Ok((-1, -1, false, false)));
    worker.join().unwrap();
}

#[test]
fn a_deletion_asked_for_after_the_end_of_the_loop_is_not_kept() {
    thread_local!(static OBJECT: RefCell<Option<Deleted>> = const { RefCell::new(None) });

    struct Deleted(QObject, Arc<()>);

    impl Drop for Deleted {
        fn drop(&mut self) {
            for _ in 0..3 {
                self.0.delete_later();
            }
            assert!(!self.0.is_deleted());
            let _ = &self.1;
        }
    }

    let token = Arc::new(());
    let held = token.clone();
    thread::spawn(move || {
        OBJECT.set(None);
        OBJECT.set(Some(Deleted(QObject::new(), held)));
    })
    .join()
    .unwrap();
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn a_thread_ends_with_a_queued_value_that_holds_its_signal() {
    type Value = (Arc<()>, Rc<dyn std::any::Any>);
    let token = Arc::new(());
    let held = token.clone();
    thread::spawn(move || {
        let signal = Rc::new(Signal::<Value>::new());
        signal.connect_with_type(ConnectionType::QUEUED, |_| ());
        signal.emit((held, signal.clone()));
    })
    .join()
    .unwrap();
    assert_eq!(Arc::strong_count(&token), 1);
}
