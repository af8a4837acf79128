//! The application of the process, as seen from other threads.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use qcore::{
    CallErrorKind, Dispatcher, MessageType, QCoreApplication, QEventLoop, QEventLoopLocker,
    QThreadPool, QTimer, Remote, install_message_handler, wait_until,
};

/// The process has only one application, so these tests run one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the warnings that `f` causes, in any thread.
fn warnings(f: impl FnOnce()) -> Vec<String> {
    let (tell, told) = mpsc::channel();
    install_message_handler(Some(Box::new(move |kind, text| {
        assert_eq!(kind, MessageType::Warning);
        tell.send(text.to_owned()).unwrap();
    })));
    f();
    install_message_handler(None);
    told.try_iter().collect()
}

#[test]
fn another_thread_quits_the_application() {
    let _alone = alone();
    let app = QCoreApplication::new();
    let (go, told) = mpsc::channel();
    let worker = thread::spawn(move || {
        told.recv().unwrap();
        QCoreApplication::instance().exit(7);
    });
    QTimer::single_shot(0, move || go.send(()).unwrap());
    assert_eq!(app.exec(), 7);
    worker.join().unwrap();

    // Nested loops in its slots end, too.
    let code = Rc::new(Cell::new(0));
    QTimer::single_shot_to(0, &code, |code| {
        let worker = thread::spawn(|| QCoreApplication::instance().quit());
        code.set(QEventLoop::new().exec() + 1);
        worker.join().unwrap();
    });
    assert_eq!((app.exec(), code.get()), (0, 1));
}

/// As in Qt, whose application waits for the global pool in its destructor.
#[test]
fn the_end_of_the_application_waits_for_the_global_pool() {
    let _alone = alone();
    let app = QCoreApplication::new();
    let (go, wait) = mpsc::channel::<()>();
    let (say, said) = mpsc::channel();
    QThreadPool::global_instance()
        .start(move || {
            let _ = wait.recv();
            say.send(()).unwrap();
        })
        .unwrap();
    // The task ends while the drop waits for it.
    app.destroyed.connect(|_| assert!(QCoreApplication::closing_down()));
    let other = thread::spawn(move || drop(go));
    drop(app);
    assert_eq!(said.try_recv(), Ok(()));
    other.join().unwrap();
}

/// A call of quit() before the loop runs has an effect, too.
#[test]
fn the_end_of_the_application_does_not_wait_for_calls_into_its_own_loop() {
    let _alone = alone();
    for _ in 0..2 {
        let app = QCoreApplication::new();
        let (remote, pool) = (Remote::of(&app), QThreadPool::global_instance());
        let (hand, take) = mpsc::channel();
        let (begun, begin) = mpsc::channel();
        let to = remote.clone();
        // While the loop runs, it makes the call.
        let result = pool.run(move || to.call(|_| 5).unwrap());
        result.finished.connect_to(&app, |app, five| app.exit(*five.as_ref().unwrap()));
        assert_eq!(app.exec(), 5);
        pool.start(move || {
            begun.send(()).unwrap();
            hand.send(remote.call(|_| ()).unwrap_err().kind()).unwrap();
        })
        .unwrap();
        begin.recv().unwrap();
        drop(app);
        assert_eq!(take.recv().unwrap(), CallErrorKind::LoopEnded);
    }
}

#[test]
fn quitting_from_another_thread_before_exec() {
    let _alone = alone();
    let app = QCoreApplication::new();
    thread::spawn(|| QCoreApplication::instance().exit(5)).join().unwrap();
    assert_eq!(app.exec(), 5);
}

#[test]
fn an_application_in_another_thread_does_not_run() {
    let _alone = alone();
    let app = QCoreApplication::new();
    let told = warnings(|| {
        thread::spawn(|| {
            let remote = QCoreApplication::instance();
            assert_eq!(remote, QCoreApplication::instance());
            assert_eq!(remote.exec(), -1);
            // The other thread handles its own events, and its event loops run as usual.
            let fired = Rc::new(Cell::new(false));
            QTimer::single_shot_to(0, &fired, |fired| fired.set(true));
            remote.process_events();
            assert!(fired.get());
            let event_loop = QEventLoop::new();
            QTimer::single_shot_to(0, &event_loop, |event_loop| event_loop.exit(3));
            assert_eq!(event_loop.exec(), 3);
        })
        .join()
        .unwrap();
    });
    assert_eq!(told, ["QCoreApplication::exec: Must be called from the main thread"]);
    drop(app);
}

#[test]
fn a_thread_may_have_an_application_of_its_own() {
    let _alone = alone();
    let app = QCoreApplication::new();
    thread::spawn(|| {
        let remote = QCoreApplication::instance();
        let own = QCoreApplication::new();
        assert_ne!(own, remote);
        assert_eq!((&own, &own), (&QCoreApplication::instance(), &QCoreApplication::new()));
        QTimer::single_shot(0, || QCoreApplication::instance().exit(2));
        assert_eq!(own.exec(), 2);
    })
    .join()
    .unwrap();
    // The end of the second application does not end the first.
    QTimer::single_shot(0, || QCoreApplication::instance().exit(1));
    assert_eq!(app.exec(), 1);
}

#[test]
fn the_next_application_takes_the_place_of_one_that_has_ended() {
    let _alone = alone();
    let (go, told) = mpsc::channel::<()>();
    let (tell, made) = mpsc::channel();
    let first = thread::spawn(move || {
        let app = QCoreApplication::new();
        tell.send(()).unwrap();
        told.recv().unwrap();
        drop(app);
    });
    made.recv().unwrap();
    let remote = QCoreApplication::instance();
    go.send(()).unwrap();
    first.join().unwrap();
    // The application has ended, so these calls do nothing.
    remote.quit();
    remote.shutdown();
    let own = QCoreApplication::instance();
    assert_ne!(own, remote);
    thread::spawn(|| QCoreApplication::instance().exit(6)).join().unwrap();
    assert_eq!(own.exec(), 6);
}

#[test]
fn names_are_announced_by_the_application() {
    let _alone = alone();
    let app = QCoreApplication::new();
    let changes = Rc::new(RefCell::new(Vec::new()));
    app.application_name_changed.connect_to(&changes, |changes, ()| {
        changes.borrow_mut().push((thread::current().id(), "name"));
    });
    app.organization_domain_changed.connect_to(&changes, |changes, ()| {
        changes.borrow_mut().push((thread::current().id(), "domain"));
    });
    thread::spawn(|| {
        QCoreApplication::instance().set_application_name("barometer");
        QCoreApplication::instance().set_organization_domain("example.com");
    })
    .join()
    .unwrap();
    assert!(wait_until(5000, || changes.borrow().len() == 2));
    let here = thread::current().id();
    assert_eq!(*changes.borrow(), [(here, "name"), (here, "domain")]);
    assert_eq!(app.application_name(), "barometer");
}

#[test]
fn a_locker_of_another_thread_keeps_the_application_running() {
    let _alone = alone();
    let app = QCoreApplication::new();
    let (go, told) = mpsc::channel::<()>();
    let worker = thread::spawn(move || {
        let locker = QEventLoopLocker::try_new().unwrap();
        told.recv().unwrap();
        drop(locker);
    });
    QTimer::single_shot(0, move || go.send(()).unwrap());
    assert_eq!(app.exec(), 0);
    worker.join().unwrap();
}

#[test]
fn shutdown_from_another_thread() {
    let _alone = alone();
    let app = QCoreApplication::new();
    let worker = thread::spawn(|| QCoreApplication::instance().shutdown());
    assert_eq!(app.exec(), 0);
    worker.join().unwrap();
    assert!(app.is_deleted());
}

/// A call that is posted while no loop runs waits for the next loop.
#[test]
fn calls_wait_for_a_loop() {
    let _alone = alone();
    let app = QCoreApplication::new();
    let poster = Dispatcher::current().poster().unwrap();
    QTimer::single_shot(0, || QCoreApplication::instance().quit());
    assert_eq!(app.exec(), 0);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || poster.post(move || tell.send("called").unwrap()))
        .join()
        .unwrap()
        .unwrap();
    assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Empty));
    app.process_events();
    assert_eq!(told.try_recv(), Ok("called"));

    // A thread that ends without running a loop drops the call.
    let (tell, told) = mpsc::channel::<()>();
    let (hand, poster) = mpsc::channel();
    let worker = thread::spawn(move || hand.send(Dispatcher::current().poster().unwrap()).unwrap());
    let poster = poster.recv_timeout(Duration::from_secs(20)).unwrap();
    let taken = poster.post(move || drop(tell));
    worker.join().unwrap();
    assert_eq!(told.recv(), Err(mpsc::RecvError));
    assert!(poster.post(|| ()).is_err(), "the first was {taken:?}");
}

#[test]
fn a_timer_in_a_thread_without_a_loop() {
    let _alone = alone();
    let told = warnings(|| {
        thread::spawn(|| QTimer::single_shot(1, || unreachable!())).join().unwrap();
    });
    let text = "QObject::startTimer: The thread of a timer has ended without an event loop";
    assert_eq!(told, [text]);
    // The loop may also start after the timer.
    let told = warnings(|| {
        thread::spawn(|| {
            let event_loop = QEventLoop::new();
            QTimer::single_shot_to(1, &event_loop, QEventLoop::quit);
            event_loop.exec();
        })
        .join()
        .unwrap();
        thread::spawn(|| {
            let timer = QTimer::new();
            timer.start_with_interval(1);
            assert!(!wait_until(1, || false));
        })
        .join()
        .unwrap();
    });
    assert!(told.is_empty(), "{told:?}");
}

/// A request to an application that has ended does not reach the next one.
#[test]
fn quitting_an_application_that_ends_before_it_is_told() {
    let _alone = alone();
    let app = QCoreApplication::new();
    thread::spawn(|| QCoreApplication::instance().exit(9)).join().unwrap();
    drop(app);
    let next = QCoreApplication::new();
    QTimer::single_shot(20, || QCoreApplication::instance().exit(1));
    assert_eq!(next.exec(), 1);
}

#[test]
fn an_application_whose_thread_has_ended_is_none() {
    let _alone = alone();
    thread::spawn(|| {
        let app = QCoreApplication::new();
        let own = app.clone();
        // A cycle: the application outlives its thread.
        app.about_to_quit.connect(move |()| own.quit());
    })
    .join()
    .unwrap();
    let app = QCoreApplication::instance();
    let quit = || QCoreApplication::instance().exit(7);
    QTimer::single_shot(0, move || thread::spawn(quit).join().unwrap());
    QTimer::single_shot(Duration::from_secs(5), || QCoreApplication::instance().exit(1));
    assert_eq!(app.exec(), 7);
}
