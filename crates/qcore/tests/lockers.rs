//! Event loop lockers, wake-ups, and the end of the application.

mod common;

use std::{cell::Cell, rc::Rc, thread};

use common::Log;
use qcore::{
    EventType, QCoreApplication, QEvent, QEventLoop, QEventLoopLocker, QTimer, wait_until,
};

#[test]
fn the_last_locker_ends_the_loop() {
    let event_loop = QEventLoop::new();
    // One after the other, then many at once.
    for count in [1, 1, 10] {
        for number in 0..count {
            let locker = QEventLoopLocker::try_with_loop(&event_loop).unwrap();
            QTimer::single_shot(number, move || drop(locker));
        }
        assert_eq!(event_loop.exec(), 0);
    }
}

#[test]
fn lockers_may_go_in_other_threads() {
    let app = QCoreApplication::new();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let locker = QEventLoopLocker::try_new().unwrap();
            thread::spawn(move || drop(locker))
        })
        .collect();
    // These threads may be faster than exec(), so one more locker is dropped while the loop runs.
    let last = QEventLoopLocker::try_new().unwrap();
    QTimer::single_shot(0, move || drop(last));
    assert_eq!(app.exec(), 0);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_loop_that_does_not_run_is_not_told() {
    let event_loop = QEventLoop::new();
    drop(QEventLoopLocker::try_with_loop(&event_loop).unwrap());
    let quit = event_loop.clone();
    QTimer::single_shot(1, move || quit.exit(7));
    assert_eq!(event_loop.exec(), 7);
    // A locker of one loop does not affect another loop.
    let other = QEventLoop::new();
    let locker = QEventLoopLocker::try_with_loop(&other).unwrap();
    QTimer::single_shot(0, move || drop(locker));
    let quit = event_loop.clone();
    QTimer::single_shot(2, move || quit.exit(8));
    assert_eq!(event_loop.exec(), 8);
}

#[test]
fn a_locker_outlives_its_thread() {
    let locker = thread::spawn(|| QEventLoopLocker::try_new().unwrap()).join().unwrap();
    drop(locker);
}

#[test]
fn quit_events() {
    let app = QCoreApplication::new();
    let event_loop = QEventLoop::new();
    QCoreApplication::post_event(&event_loop, QEvent::new(EventType::QUIT));
    assert_eq!(event_loop.exec(), 0);
    QCoreApplication::post_event(&app, QEvent::new(EventType::QUIT));
    assert_eq!(app.exec(), 0);
}

#[test]
fn wake_up() {
    let app = QCoreApplication::new();
    let event_loop = QEventLoop::new();
    assert!(!event_loop.process_events());
    event_loop.wake_up();
    assert!(event_loop.process_events());
    assert!(!event_loop.process_events());
    // Nothing else would end this wait.
    event_loop.wake_up();
    assert!(app.process_events_with_flags(qcore::ProcessEventsFlags::WAIT_FOR_MORE_EVENTS));
}

#[test]
fn shutdown() {
    let log = Log::default();
    let app = QCoreApplication::new();
    app.destroyed.connect(log.slot("destroyed"));
    let left = Rc::new(Cell::new(0));
    let (end, code) = (app.clone(), left.clone());
    QTimer::single_shot(0, move || {
        let inner = QEventLoop::new();
        QTimer::single_shot(0, move || end.shutdown());
        code.set(inner.exec() + 1);
    });
    assert_eq!(app.exec(), 0);
    assert_eq!(log.take(), ["destroyed"]);
    assert_eq!(left.get(), 1);
    assert!(app.is_deleted());
    assert!(QCoreApplication::closing_down());
    assert_ne!(QCoreApplication::instance(), app);
    let again = QCoreApplication::new();
    assert!(!QCoreApplication::closing_down());
    let quit = again.clone();
    QTimer::single_shot(0, move || quit.exit(3));
    assert_eq!(again.exec(), 3);
    assert!(!wait_until(0, || false));
}
