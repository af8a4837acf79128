//! Threads that end, fail or are told to quit at unusual moments.

use std::{
    cell::Cell,
    panic::catch_unwind,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use qcore::{
    CallErrorKind, Dispatcher, PostErrorKind, QEvent, QEventLoop, QObject, QThread, QThreadPool,
    QTimer, Remote, Signal, TimerType, class, wait_until,
};

/// Tells whether it was dropped.
struct Token(Arc<AtomicUsize>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn quit_counts_even_if_another_loop_runs_before_that_of_the_thread() {
    // In Qt, too, the exit ends the loop that is running, and then that of the thread.
    let (thread, (hand, take)) = (QThread::new(), mpsc::channel());
    thread.build(move || {
        let nested = QEventLoop::new();
        QTimer::single_shot(0, {
            let hand = hand.clone();
            move || hand.send(0).unwrap()
        });
        hand.send(nested.exec()).unwrap();
        Rc::new(())
    });
    thread.start().unwrap();
    assert_eq!(take.recv().unwrap(), 0);
    thread.exit(7);
    assert_eq!(take.recv().unwrap(), 7);
    assert!(thread.wait(3000));
    assert_eq!(thread.result(), Some(Ok(7)));
}

#[test]
fn exit_from_a_loop_of_ones_own_counts_for_the_next_exec_and_once() {
    let (hand, take) = mpsc::channel();
    let thread = QThread::create(move || {
        let current = QThread::current_thread();
        QTimer::single_shot(0, || QThread::current_thread().exit(4));
        hand.send(QEventLoop::new().exec()).unwrap();
        hand.send(QEventLoop::new().exec()).unwrap();
        hand.send(current.exec()).unwrap();
        QTimer::single_shot(0, || {
            QTimer::single_shot(0, || QThread::current_thread().exit(5));
            QThread::current_thread().exec();
        });
        hand.send(current.exec()).unwrap();
        QTimer::single_shot(1, || QThread::current_thread().exit(9));
        hand.send(current.exec()).unwrap();
    });
    thread.start().unwrap();
    assert_eq!([(); 5].map(|()| take.recv().unwrap()), [4, -1, 4, 5, 9]);
    assert!(thread.wait(5000));
}

#[test]
fn a_direct_call_is_no_event() {
    // A receiver in the thread of the emission is called directly: its filters see no event.
    class! {
        struct Guard: QObject {
            events: Cell<u32> = Cell::new(0),
        }
    }
    impl qcore::EventHandler for Guard {
        fn event_filter(&self, _: &QObject, _: &QEvent) -> bool {
            self.events.set(self.events.get() + 1);
            true
        }
    }
    let (signal, receiver) = (Signal::<()>::new(), QObject::new());
    let guard = Guard::derive(QObject::new());
    receiver.install_event_filter(&guard);
    let remote = Remote::of(&receiver);
    signal.connect_to(&remote, |receiver, ()| receiver.set_object_name("called"));
    signal.emit(());
    assert_eq!((guard.events.get(), receiver.object_name().as_str()), (0, "called"));
}

#[test]
fn the_death_of_an_object_that_was_built_late_cuts_its_connections() {
    let thread = QThread::new();
    thread.start().unwrap();
    let signal = Signal::<()>::new();
    let dropped = Arc::new(AtomicUsize::new(0));
    let token = Token(dropped.clone());
    let (go, wait) = mpsc::channel::<()>();
    // The loop is busy, so it takes the rest at once.
    thread.poster().post(move || wait.recv().unwrap()).unwrap();
    let object = thread.build(QObject::new);
    let connection = signal.connect_to(&object, move |_, ()| _ = &token);
    go.send(()).unwrap();
    object.call(|_| ()).unwrap();
    assert!(connection.is_connected());
    object.post(|object| object.delete_later()).unwrap();
    assert!(wait_until(2000, || !connection.is_connected()));
    assert!(wait_until(2000, || dropped.load(Ordering::SeqCst) == 1));
    thread.quit();
    assert!(thread.wait(5000));
}

#[test]
fn a_disconnected_slot_of_a_threads_signal_is_dropped() {
    let thread = QThread::new();
    let dropped = Arc::new(AtomicUsize::new(0));
    let token = Token(dropped.clone());
    let object = QObject::new();
    let remote = Remote::of(&object);
    let connection = thread.finished.connect_to(&remote, move |_, _| _ = &token);
    assert!(connection.disconnect());
    assert!(wait_until(1000, || dropped.load(Ordering::SeqCst) == 1));
}

#[test]
fn a_failed_start_keeps_the_result_of_the_last_run() {
    let thread = QThread::new();
    thread.start().unwrap();
    thread.exit(3);
    assert!(thread.wait(5000));
    thread.set_stack_size(usize::MAX / 4);
    thread.start().unwrap_err();
    assert_eq!(thread.result(), Some(Ok(3)));
    assert!(thread.is_finished());
}

#[test]
fn a_start_does_not_wait_for_calls_of_the_last_run() {
    /// Calls another thread when it is dropped.
    struct Caller(Remote<QObject>, mpsc::Sender<CallErrorKind>);
    impl Drop for Caller {
        fn drop(&mut self) {
            self.1.send(self.0.call(|_| ()).unwrap_err().kind()).unwrap();
        }
    }
    let (thread, object) = (QThread::new(), QObject::new());
    let (hand, take) = mpsc::channel();
    let remote = Remote::of(&object);
    thread.build(move || Rc::new(Caller(remote, hand)));
    let runs = Rc::new(Cell::new(0));
    thread.finished.connect_to(&runs, {
        let thread = thread.clone();
        move |runs, _| {
            runs.set(runs.get() + 1);
            if runs.get() == 1 {
                thread.start().unwrap();
            }
        }
    });
    thread.start().unwrap();
    thread.quit();
    assert!(wait_until(5000, || runs.get() == 1));
    assert_eq!(take.recv().unwrap(), CallErrorKind::LoopEnded);
    // Later calls are made again.
    let remote = Remote::of(&object);
    let (hand, take) = mpsc::channel();
    thread.poster().post(move || hand.send(remote.call(|_| 5)).unwrap()).unwrap();
    let mut answer = None;
    assert!(wait_until(5000, || {
        answer = take.try_recv().ok();
        answer.is_some()
    }));
    assert_eq!(answer, Some(Ok(5)));
    thread.quit();
    assert!(wait_until(5000, || runs.get() == 2));
    thread.finished.disconnect_all();
}

#[test]
fn an_object_that_could_not_be_built_is_known_to_be_missing() {
    let thread = QThread::new();
    let missing = thread.build(|| -> QObject { panic!("no parts") });
    thread.start().unwrap();
    assert!(thread.wait(5000));
    assert_eq!(missing.post(|_| ()).unwrap_err(), PostErrorKind::LoopEnded);
    // A loop that catches the panic goes on without the object. The object is asked for when the
    // function already runs: before, the panic would end the thread.
    let (tell, told) = mpsc::channel();
    let thread = QThread::create(move || {
        let current = QThread::current_thread();
        tell.send(()).unwrap();
        catch_unwind(|| QThread::current_thread().exec()).unwrap_err();
        current.exec();
    });
    thread.start().unwrap();
    told.recv().unwrap();
    let signal = Signal::<()>::new();
    let missing = thread.build(|| -> QObject { panic!("no parts") });
    let connection = signal.connect_to(&missing, |_, ()| ());
    assert_eq!(missing.call(|_| ()).unwrap_err(), CallErrorKind::TargetDied);
    assert_eq!(missing.post(|_| ()).unwrap_err(), PostErrorKind::TargetDied);
    assert!(wait_until(5000, || !connection.is_connected()));
    thread.quit();
    assert!(thread.wait(5000));
}

/// Panics when it is dropped.
struct Trap(Arc<AtomicUsize>);

impl Drop for Trap {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("a trap");
    }
}

#[test]
fn panics_while_a_thread_of_the_standard_library_ends_reach_nobody_else() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let traps = dropped.clone();
    let thread = thread::spawn(move || {
        let (current, dispatcher) = (QThread::current_thread(), Dispatcher::current());
        current.finished.connect(|_| panic!("a slot"));
        let poster = dispatcher.poster().unwrap();
        for _ in 0..2 {
            let (posted, sent, late) =
                (Trap(traps.clone()), Trap(traps.clone()), Trap(traps.clone()));
            dispatcher.post(move || drop(posted));
            poster.post(move || drop(sent)).unwrap();
            dispatcher.call_after(Duration::ZERO, TimerType::Coarse, move || drop(late));
        }
        poster
    });
    let poster = thread.join().unwrap();
    assert!(poster.post(|| ()).is_err());
    assert_eq!(dropped.load(Ordering::SeqCst), 6);
}

#[test]
fn the_drop_of_a_pool_does_not_wait_for_calls_into_its_own_loop() {
    let pool = QThreadPool::new();
    pool.set_max_thread_count(2);
    let object = QObject::new();
    let (hand, take) = mpsc::channel();
    let (begun, begin) = mpsc::channel();
    // Two wait already, and two begin later.
    for _ in 0..4 {
        let (remote, hand, begun) = (Remote::of(&object), hand.clone(), begun.clone());
        pool.start(move || {
            begun.send(()).unwrap();
            hand.send(remote.call(|_| ()).unwrap_err()).unwrap();
        })
        .unwrap();
    }
    begin.recv().unwrap();
    begin.recv().unwrap();
    drop(pool);
    let errors = [(); 4].map(|()| take.recv().unwrap().kind());
    assert_eq!(errors, [CallErrorKind::LoopEnded; 4]);
}
