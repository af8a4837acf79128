//! Running event loops, ending them, and the events that one call of `process_events` handles.

use std::{
    cell::Cell,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use crate::common::Log;
use qcore::{Dispatcher, ProcessEventsFlags, QCoreApplication, QEventLoop, QTimer, VirtualClock};

const WAIT: ProcessEventsFlags = ProcessEventsFlags::WAIT_FOR_MORE_EVENTS;

/// Posts to the loop of this thread.
fn post(call: impl FnOnce() + 'static) {
    Dispatcher::current().post(call);
}

// ---- exec and exit

#[test]
fn exec() {
    let app = QCoreApplication::new();
    for code in [0, 1, 2, -7, i32::MAX] {
        let quit = app.clone();
        post(move || quit.exit(code));
        assert_eq!(app.exec(), code);
        let event_loop = QEventLoop::new();
        let end = event_loop.clone();
        post(move || end.exit(code));
        assert_eq!(event_loop.exec(), code);
    }
}

#[test]
fn exec_of_a_running_loop_is_refused() {
    let event_loop = QEventLoop::new();
    let inner = event_loop.clone();
    let refused = Rc::new(Cell::new(0));
    let out = refused.clone();
    post(move || {
        assert!(inner.is_running());
        out.set(inner.exec());
        assert!(inner.is_running());
        inner.exit(4);
        assert!(!inner.is_running());
    });
    assert!(!event_loop.is_running());
    assert_eq!(event_loop.exec(), 4);
    assert_eq!(refused.get(), -1);
    assert!(!event_loop.is_running());
}

#[test]
fn the_application_is_refused_while_any_loop_runs() {
    // Recorded from Qt: "QCoreApplication::exec: The event loop is already running".
    let app = QCoreApplication::new();
    for outer in [None, Some(QEventLoop::new())] {
        let inner = app.clone();
        let refused = Rc::new(Cell::new(0));
        let out = refused.clone();
        let end = outer.clone();
        post(move || {
            out.set(inner.exec());
            match end {
                Some(event_loop) => event_loop.exit(5),
                None => inner.exit(5),
            }
        });
        assert_eq!(outer.map_or_else(|| app.exec(), |event_loop| event_loop.exec()), 5);
        assert_eq!(refused.get(), -1);
    }
}

#[test]
fn reexec() {
    let app = QCoreApplication::new();
    let event_loop = QEventLoop::new();
    for _ in 0..3 {
        let (quit, end) = (app.clone(), event_loop.clone());
        post(move || quit.quit());
        assert_eq!(app.exec(), 0);
        post(move || end.quit());
        assert_eq!(event_loop.exec(), 0);
    }
}

#[test]
fn exec_after_exit() {
    let app = QCoreApplication::new();
    app.exit(1);
    let quit = app.clone();
    post(move || quit.exit(0));
    assert_eq!(app.exec(), 0);

    let event_loop = QEventLoop::new();
    event_loop.exit(1);
    let end = event_loop.clone();
    post(move || end.exit(2));
    assert_eq!(event_loop.exec(), 2);
}

#[test]
fn event_loop_exec_after_exit() {
    // Recorded from Qt: exit() of an application that does not run keeps event loops from starting,
    // until the application's exec() has run. An exit() that ends a loop on its own does the same.
    let app = QCoreApplication::new();
    let event_loop = QEventLoop::new();
    let run = |code: i32| {
        let end = event_loop.clone();
        post(move || end.exit(code));
        event_loop.exec()
    };
    assert_eq!(run(1), 1);
    app.exit(3);
    assert_eq!(run(2), -1);
    let quit = app.clone();
    post(move || quit.exit(4));
    assert_eq!(app.exec(), 4);
    assert_eq!(run(5), 5);

    let quit = app.clone();
    post(move || quit.exit(6));
    assert_eq!(event_loop.exec(), 6);
    assert_eq!(run(7), -1);
}

#[test]
fn no_loop_begins_while_the_application_quits() {
    let app = QCoreApplication::new();
    let quit = app.clone();
    let codes = Rc::new(Cell::new((0, 0)));
    let out = codes.clone();
    post(move || {
        let event_loop = QEventLoop::new();
        let inner = quit.clone();
        post(move || inner.exit(9));
        // The application ends this loop, and the next one does not start.
        out.set((event_loop.exec(), event_loop.exec()));
    });
    assert_eq!(app.exec(), 9);
    assert_eq!(codes.get(), (9, -1));
}

#[test]
fn nested_loops() {
    // Recorded from Qt: an outer loop that is told to end does so when it is the innermost one
    // again.
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (outer, inner) = (QEventLoop::new(), QEventLoop::new());
    let (first, second) = (outer.clone(), inner.clone());
    let names = log.clone();
    post(move || {
        let (outer, names2) = (first.clone(), names.clone());
        post(move || {
            let (end_inner, names3) = (second.clone(), names2.clone());
            post(move || {
                outer.exit(1);
                names3.add(format!("outer runs: {}", outer.is_running()));
                let another = QEventLoop::new();
                let end = another.clone();
                post(move || end.exit(3));
                names3.add(format!("another: {}", another.exec()));
                post(move || end_inner.exit(2));
            });
            names2.add(format!("inner: {}", second.exec()));
        });
        names.add(format!("outer: {}", first.exec()));
        QCoreApplication::instance().exit(9);
    });
    assert_eq!(app.exec(), 9);
    assert_eq!(log.take(), ["outer runs: false", "another: 3", "inner: 2", "outer: 1"]);
}

#[test]
fn app_exit_ends_all_nested_loops() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    fn nest(depth: u32, log: Log) {
        if depth == 5 {
            QCoreApplication::instance().exit(7);
            return;
        }
        let inner = log.clone();
        post(move || nest(depth + 1, inner));
        log.add(format!("{depth}: {}", QEventLoop::new().exec()));
    }
    let names = log.clone();
    post(move || nest(1, names));
    assert_eq!(app.exec(), 7);
    assert_eq!(log.take(), ["4: 7", "3: 7", "2: 7", "1: 7"]);
}

#[test]
fn the_last_code_counts_and_the_rest_of_the_turn_is_done() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    for code in 1..=3 {
        let (quit, names) = (app.clone(), log.clone());
        post(move || {
            quit.exit(code);
            names.add(code);
        });
    }
    assert_eq!(app.exec(), 3);
    assert_eq!(log.take(), ["1", "2", "3"]);
}

#[test]
fn a_loop_that_is_deleted_while_it_runs_goes_on() {
    let event_loop = QEventLoop::new();
    let end = event_loop.clone();
    post(move || {
        end.delete_later();
        post(move || {
            assert!(end.is_deleted() && end.is_running());
            end.exit(6);
        });
    });
    assert_eq!(event_loop.exec(), 6);
}

#[test]
fn the_application_is_one_for_each_thread() {
    let app = QCoreApplication::new();
    assert_eq!(app, QCoreApplication::instance());
    thread::spawn(|| {
        let app = QCoreApplication::new();
        post(|| QCoreApplication::instance().exit(2));
        assert_eq!(app.exec(), 2);
    })
    .join()
    .unwrap();
    app.delete_later();
    post(|| QCoreApplication::instance().exit(3));
    assert_eq!(app.exec(), 3);
    assert!(app.is_deleted());
    let new = QCoreApplication::new();
    assert!(new != app && !new.is_deleted());
}

#[test]
fn quit() {
    // Without a running loop nothing happens, neither now nor later.
    let app = QCoreApplication::new();
    app.quit();
    assert!(!app.process_events());
    let quit = app.clone();
    post(move || quit.exit(1));
    assert_eq!(app.exec(), 1);
}

// ---- process_events

#[test]
fn process_events() {
    let app = QCoreApplication::new();
    assert!(!app.process_events());
    let called = Rc::new(Cell::new(false));
    let out = called.clone();
    post(move || out.set(true));
    assert!(app.process_events());
    assert!(called.get());
    assert!(!app.process_events());
    assert!(!QEventLoop::new().process_events());
}

#[test]
fn send_events_on_process_events() {
    // Calls that were posted before there was an application.
    let called = Rc::new(Cell::new(false));
    let out = called.clone();
    post(move || out.set(true));
    QCoreApplication::new().process_events();
    assert!(called.get());
}

#[test]
fn wait_for_more_events_returns_after_the_next_one() {
    let app = QCoreApplication::new();
    let called = Rc::new(Cell::new(0));
    // Events that are there are handled without waiting.
    let out = called.clone();
    post(move || out.set(1));
    assert!(app.process_events_with_flags(WAIT));
    assert_eq!(called.get(), 1);
    // A timer.
    let out = called.clone();
    QTimer::single_shot(5, move || out.set(2));
    assert!(app.process_events_with_flags(WAIT));
    assert_eq!(called.get(), 2);
    // A call from another thread. It ends the wait, and the same `process_events` runs it.
    let poster = Dispatcher::current().poster().unwrap();
    thread_local!(static FROM_THERE: Cell<bool> = const { Cell::new(false) });
    let worker = thread::spawn(move || poster.post(|| FROM_THERE.set(true)));
    assert!(QEventLoop::new().process_events_with_flags(WAIT));
    assert!(FROM_THERE.get());
    worker.join().unwrap().unwrap();
}

#[test]
fn process_events_exclude_timers() {
    let clock = VirtualClock::install();
    let (app, log) = (QCoreApplication::new(), Log::default());
    let timer = QTimer::new();
    let names = log.clone();
    timer.timeout.connect(move |()| names.add("timer"));
    timer.start_with_interval(10);
    let names = log.clone();
    QTimer::single_shot(0, move || names.add("zero"));
    let names = log.clone();
    post(move || names.add("posted"));
    clock.advance(Duration::from_millis(50));
    assert!(app.process_events_with_flags(ProcessEventsFlags::EXCLUDE_TIMERS));
    assert_eq!(log.take(), ["posted"]);
    assert!(!app.process_events_with_flags(ProcessEventsFlags::EXCLUDE_TIMERS));
    assert!(app.process_events());
    assert_eq!(log.take(), ["zero", "timer"]);
}

#[test]
fn waiting_without_timers_does_not_wait_for_them() {
    let app = QCoreApplication::new();
    let fired = Rc::new(Cell::new(false));
    let timer = QTimer::new();
    timer.timeout.connect_to(&fired, |fired, ()| fired.set(true));
    timer.start_with_interval(0);
    let poster = Dispatcher::current().poster().unwrap();
    let worker = thread::spawn(move || poster.post(|| ()));
    assert!(app.process_events_with_flags(WAIT | ProcessEventsFlags::EXCLUDE_TIMERS));
    assert!(!fired.get());
    worker.join().unwrap().unwrap();
    app.process_events();
    assert!(fired.get());
}

#[test]
fn process_events_for_is_bounded() {
    let app = QCoreApplication::new();
    let begun = Instant::now();
    // With nothing to do it returns, even with the flag to wait, as in Qt.
    let long = Duration::from_secs(60);
    app.process_events_for(ProcessEventsFlags::ALL_EVENTS, long);
    app.process_events_for(WAIT, long);
    QEventLoop::new().process_events_for(WAIT, long);
    assert!(begun.elapsed() < long);

    // Events without an end are handled until the time is over.
    let calls = Rc::new(Cell::new(0));
    let timer = QTimer::new();
    timer.timeout.connect_to(&calls, |calls, ()| calls.set(calls.get() + 1));
    timer.start_with_interval(0);
    let (begun, bound) = (Instant::now(), Duration::from_millis(20));
    app.process_events_for(ProcessEventsFlags::ALL_EVENTS, bound);
    assert!(begun.elapsed() >= bound && begun.elapsed() < long);
    assert!(calls.take() > 1);
    // Each event is handled at least once.
    app.process_events_for(ProcessEventsFlags::ALL_EVENTS, Duration::ZERO);
    assert_eq!(calls.get(), 1);
}

#[test]
fn process_events_always_sends_posted_events() {
    let (app, calls) = (QCoreApplication::new(), Rc::new(Cell::new(0)));
    fn again(calls: Rc<Cell<u32>>) {
        calls.set(calls.get() + 1);
        post(move || again(calls));
    }
    again(calls.clone());
    for expected in 2..100 {
        assert!(app.process_events());
        assert_eq!(calls.get(), expected);
    }
}

// ---- posted calls

#[test]
fn post_event_comes_in_order_and_in_rounds() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    for name in ["a", "b", "c"] {
        let names = log.clone();
        post(move || {
            names.add(name);
            post(move || names.add(format!("{name}2")));
        });
    }
    app.process_events();
    assert_eq!(log.take(), ["a", "b", "c"]);
    app.process_events();
    assert_eq!(log.take(), ["a2", "b2", "c2"]);
    assert!(!app.process_events());
}

#[test]
fn a_nested_round_takes_what_is_left_and_what_is_new() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let (inner, names) = (app.clone(), log.clone());
    post(move || {
        names.add("a");
        let new = names.clone();
        post(move || new.add("new"));
        inner.process_events();
        let later = names.clone();
        post(move || later.add("later"));
        names.add("a ends");
    });
    let names = log.clone();
    post(move || names.add("b"));
    app.process_events();
    assert_eq!(log.take(), ["a", "b", "new", "a ends"]);
    app.process_events();
    assert_eq!(log.take(), ["later"]);
}

#[test]
fn what_a_call_holds_may_post_when_it_is_dropped() {
    // QTBUG31606: also at the end of the thread.
    struct PostsOnDrop;
    impl Drop for PostsOnDrop {
        fn drop(&mut self) {
            Dispatcher::current().post(|| ());
        }
    }
    thread::spawn(|| {
        let held = PostsOnDrop;
        post(move || drop(held));
        let app = QCoreApplication::new();
        assert!(app.process_events());
        assert!(app.process_events());
        assert!(!app.process_events());
        let (held, timed) = (PostsOnDrop, PostsOnDrop);
        post(move || drop(held));
        QTimer::single_shot(3_600_000, move || drop(timed));
    })
    .join()
    .unwrap();
}

#[test]
fn wake_up() {
    let poster = Dispatcher::current().poster().unwrap();
    let worker = thread::spawn(move || poster.wake_up());
    // There are no events, but the call returns `true`.
    assert!(QCoreApplication::new().process_events_with_flags(WAIT));
    worker.join().unwrap();
}

#[test]
fn pending_events() {
    let pending = QCoreApplication::has_pending_events;
    assert!(!pending());
    let clock = VirtualClock::install();
    let app = QCoreApplication::new();
    assert!(!pending());

    post(|| ());
    assert!(pending() && pending());
    app.process_events();
    assert!(!pending());

    let timer = QTimer::with_interval(50);
    timer.start();
    assert!(!pending());
    clock.advance(60);
    assert!(pending());
    app.process_events();
    assert!(!pending());
    timer.set_interval(0);
    assert!(pending());
    timer.stop();
    assert!(!pending());
}

/// Asking takes nothing from the loop.
#[test]
fn pending_events_of_others_stay() {
    let app = QCoreApplication::new();
    let poster = Dispatcher::current().poster().unwrap();
    let quit = thread::spawn(move || poster.post(|| QCoreApplication::instance().exit(3)));
    quit.join().unwrap().unwrap();
    assert!(QCoreApplication::has_pending_events());
    assert_eq!(app.exec(), 3);

    let event_loop = QEventLoop::new();
    event_loop.wake_up();
    assert!(QCoreApplication::has_pending_events());
    assert!(app.process_events_with_flags(WAIT));
    assert!(!QCoreApplication::has_pending_events());
}

#[test]
fn what_belongs_to_the_loop_is_made_once() {
    #[derive(Default)]
    struct Mine(Cell<u32>);
    let dispatcher = Dispatcher::current();
    dispatcher.local::<Mine>().0.set(7);
    assert_eq!(Dispatcher::current().local::<Mine>().0.get(), 7);
    thread::spawn(|| assert_eq!(Dispatcher::current().local::<Mine>().0.get(), 0)).join().unwrap();
}

#[test]
fn a_local_value_that_asks_for_itself_while_it_is_made() {
    thread_local!(static MAKES: Cell<bool> = const { Cell::new(false) });
    struct Local;
    impl Default for Local {
        fn default() -> Self {
            if !MAKES.replace(true) {
                let _ = Dispatcher::current().local::<Local>();
            }
            Local
        }
    }
    let dispatcher = Dispatcher::current();
    assert!(Rc::ptr_eq(&dispatcher.local::<Local>(), &dispatcher.local::<Local>()));
}
