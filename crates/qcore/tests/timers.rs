//! Timers, mostly with a virtual clock.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::{Duration, Instant},
};

use crate::common::Log;
use proptest::prelude::*;
use qcore::{
    ConnectionType, Dispatcher, Interval, QCoreApplication, QPointer, QTimer, Signal, TimerType,
    VirtualClock,
    event_loop::{TimerHandler, TimerId},
};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A running timer that writes to the log.
fn ticking(interval: i32, name: &'static str, log: &Log) -> QTimer {
    let timer = QTimer::new();
    timer.timeout.connect(log.slot(name));
    timer.set_timer_type(TimerType::Precise);
    timer.start_with_interval(interval);
    timer
}

// ---- properties of a timer

#[test]
fn zero_timer() {
    let app = QCoreApplication::new();
    for single_shot in [true, false] {
        let calls = Rc::new(Cell::new(0));
        let timer = QTimer::new();
        timer.timeout.connect_to(&calls, |calls, ()| calls.set(calls.get() + 1));
        timer.set_single_shot(single_shot);
        timer.start_with_interval(0);
        assert!(timer.is_active());
        for turn in 1..4 {
            assert_eq!(app.process_events(), turn == 1 || !single_shot);
            assert_eq!(calls.get(), if single_shot { 1 } else { turn });
        }
        assert_eq!(timer.is_active(), !single_shot);
    }
}

#[test]
fn single_shot_timeout_and_timeout() {
    let clock = VirtualClock::install();
    let (app, log) = (QCoreApplication::new(), Log::default());
    let once = ticking(100, "once", &log);
    once.set_single_shot(true);
    let often = ticking(100, "often", &log);
    for expected in [&["once", "often"][..], &["often"], &["often"]] {
        clock.advance(millis(100));
        assert!(app.process_events());
        assert_eq!(log.take(), expected);
    }
    assert!(!once.is_active() && often.is_active());
    clock.advance(Duration::from_nanos(99_999_999));
    assert!(!app.process_events(), "a nanosecond early");
}

#[test]
fn getters_and_setters() {
    let clock = VirtualClock::install();
    let timer = QTimer::new();
    assert!(!timer.is_active() && !timer.is_single_shot());
    assert_eq!(timer.interval(), 0);
    assert_eq!(timer.remaining_time(), None);
    assert_eq!(timer.timer_type(), TimerType::Coarse);
    timer.set_timer_type(TimerType::Precise);
    timer.set_interval(1234);
    assert!(!timer.is_active());
    timer.start();
    assert_eq!(timer.interval(), 1234);
    assert_eq!(timer.remaining_time(), Some(millis(1234)));
    clock.advance(millis(234));
    assert_eq!(timer.remaining_time(), Some(millis(1000)));
    // A new interval starts from the beginning.
    timer.set_interval(500);
    assert_eq!(timer.remaining_time(), Some(millis(500)));
    let between = Duration::from_micros(2500);
    timer.start_with_interval(between);
    assert_eq!((timer.interval().as_millis(), timer.remaining_time()), (2, Some(between)));
    assert_eq!(timer.interval(), between);
    clock.advance(Duration::from_secs(1));
    assert_eq!(timer.remaining_time(), Some(Duration::ZERO), "overdue");
    timer.stop();
    timer.stop();
    assert_eq!(timer.remaining_time(), None);
    assert_eq!(timer.interval(), between);
}

#[test]
fn a_timer_with_a_negative_interval_is_active_and_never_fires() {
    let app = QCoreApplication::new();
    let clock = VirtualClock::install();
    let timer = QTimer::new();
    let fired = Rc::new(Cell::new(0));
    timer.timeout.connect_to(&fired, |fired, ()| fired.set(fired.get() + 1));
    let state = |timer: &QTimer| {
        let id = timer.timer_id().is_some();
        (timer.is_active(), timer.interval().as_millis(), timer.remaining_time(), id)
    };
    let turn = || {
        clock.advance(millis(3000));
        app.process_events()
    };
    timer.start_with_interval(-1);
    assert_eq!(state(&timer), (true, -1, None, false));
    assert_eq!(timer.interval().as_duration(), None);
    assert!(!turn());
    timer.start();
    assert_eq!(state(&timer), (true, -1, None, false));
    timer.set_interval(-5);
    assert_eq!(state(&timer), (true, -5, None, false));
    assert!(!turn());

    // The timer is active, so it continues with the next interval.
    timer.set_interval(10);
    assert_eq!(state(&timer), (true, 10, Some(millis(10)), true));
    assert!(turn());
    assert_eq!(fired.take(), 1);
    timer.set_interval(-5);
    assert_eq!(state(&timer), (true, -5, None, false));
    assert!(!turn());
    timer.stop();
    assert_eq!(state(&timer), (false, -5, None, false));

    // A timer that is not active takes the interval and stays inactive.
    timer.set_interval(-6);
    assert_eq!(state(&timer), (false, -6, None, false));
    timer.start_with_interval(1000);
    timer.start_with_interval(i32::MIN);
    assert_eq!(state(&timer), (true, i32::MIN, None, false));
    timer.set_single_shot(true);
    timer.set_timer_type(TimerType::VeryCoarse);
    timer.start();
    assert_eq!(state(&timer), (true, i32::MIN, None, false));
    assert!(!turn());
    timer.start_with_interval(20);
    assert!(turn());
    assert_eq!((state(&timer), fired.take()), ((false, 20, None, false), 1));
}

#[test]
fn a_slot_gives_its_timer_a_negative_interval() {
    let app = QCoreApplication::new();
    let clock = VirtualClock::install();
    for single_shot in [true, false] {
        let timer = QTimer::new();
        timer.set_single_shot(single_shot);
        let fired = Rc::new(Cell::new(0));
        timer.timeout.connect({
            let (timer, fired) = (timer.clone(), fired.clone());
            move |()| {
                fired.set(fired.get() + 1);
                timer.start_with_interval(-1);
            }
        });
        timer.start_with_interval(1);
        for _ in 0..3 {
            clock.advance(millis(10));
            app.process_events();
        }
        assert_eq!((fired.get(), timer.is_active(), timer.interval().as_millis()), (1, true, -1));
        timer.timeout.disconnect_all();
    }
}

#[test]
fn a_single_shot_with_a_negative_interval_never_comes() {
    let app = QCoreApplication::new();
    let clock = VirtualClock::install();
    QTimer::single_shot(-1, || panic!("the slot was called"));
    QTimer::single_shot_to(-1, &app, |_| panic!("the slot was called"));
    clock.advance(millis(1000));
    assert!(!app.process_events());
}

/// Qt's milliseconds are an `int`: in Qt, 30 days become a negative interval, and a coarse timer of
/// `i32::MAX` has a negative remaining time.
#[test]
fn a_month_is_a_month() {
    let app = QCoreApplication::new();
    let clock = VirtualClock::install();
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    for kind in [TimerType::Precise, TimerType::Coarse, TimerType::VeryCoarse] {
        let (timer, fired) = (QTimer::new(), Rc::new(Cell::new(false)));
        timer.timeout.connect_to(&fired, |fired, ()| fired.set(true));
        timer.set_timer_type(kind);
        for (interval, early, late) in [
            (Interval::from(days(30)), days(28), days(4)),
            (Interval::from(i32::MAX), days(23), days(3)),
        ] {
            timer.start_with_interval(interval);
            assert!(timer.remaining_time().unwrap() > early);
            clock.advance(early);
            app.process_events();
            assert!(!fired.get(), "{kind:?} {interval:?}: early");
            clock.advance(late);
            app.process_events();
            assert!(fired.take(), "{kind:?} {interval:?}: late");
        }
    }
}

#[test]
fn cancel_long_timer() {
    let timer = QTimer::new();
    timer.set_single_shot(true);
    timer.start_with_interval(60 * 60 * 1000);
    assert!(timer.is_active());
    timer.stop();
    assert!(!timer.is_active());
    for longest in [Duration::MAX, Duration::from_secs(u64::MAX / 1_000_000_000)] {
        for kind in [TimerType::Precise, TimerType::Coarse, TimerType::VeryCoarse] {
            timer.set_timer_type(kind);
            timer.start_with_interval(longest);
            assert!(timer.is_active());
            assert!(timer.remaining_time().unwrap() > Duration::from_secs(500 * 365 * 24 * 3600));
            assert!(!QCoreApplication::new().process_events());
        }
    }
}

// ---- remaining time

#[test]
fn remaining_time_initial() {
    let _clock = VirtualClock::install();
    for kind in [TimerType::Precise, TimerType::Coarse] {
        for start in [0, 1, 10, 20].map(millis) {
            let timer = QTimer::new();
            timer.set_timer_type(kind);
            timer.start_with_interval(start);
            assert_eq!(timer.remaining_time(), Some(start));
        }
    }
}

#[test]
fn remaining_time() {
    let clock = VirtualClock::install();
    let timer = QTimer::new();
    for kind in [TimerType::Coarse, TimerType::Precise] {
        timer.set_timer_type(kind);
        timer.start_with_interval(200);
        clock.advance(millis(50));
        let left = timer.remaining_time().unwrap();
        // A coarse timer is shifted by at most a twentieth.
        assert!((millis(140)..=millis(160)).contains(&left), "{left:?}");
        assert!(kind == TimerType::Coarse || left == millis(150));
    }
}

#[test]
fn remaining_time_during_activation() {
    for single_shot in [true, false] {
        let clock = VirtualClock::install();
        let app = QCoreApplication::new();
        let timer = QTimer::new();
        timer.set_timer_type(TimerType::Precise);
        timer.set_single_shot(single_shot);
        let seen = Rc::new(Cell::new(None));
        let (weak, out) = (QPointer::new(&timer), seen.clone());
        timer.timeout.connect(move |()| {
            let timer = weak.upgrade().unwrap();
            out.set(Some((timer.is_active(), timer.remaining_time())));
        });
        timer.start_with_interval(20);
        clock.advance(millis(25));
        app.process_events();
        let expected = if single_shot { (false, None) } else { (true, Some(millis(15))) };
        assert_eq!(seen.take(), Some(expected));
        app.process_events();
        assert_eq!(timer.remaining_time(), expected.1);
        if !single_shot {
            // The timer is late by more than an interval, so a whole interval follows.
            clock.advance(millis(1000));
            app.process_events();
            assert_eq!(seen.take(), Some((true, Some(millis(20)))));
        }
    }
}

// ---- the order of firing

#[test]
fn timer_order() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let _clock = VirtualClock::install();
    for name in ["a", "b", "c", "d"] {
        let names = log.clone();
        QTimer::single_shot(0, move || names.add(name));
    }
    app.process_events();
    assert_eq!(log.take(), ["a", "b", "c", "d"]);
}

#[test]
fn timer_order_background_thread() {
    let order = std::thread::spawn(|| {
        let (app, log) = (QCoreApplication::new(), Log::default());
        for name in ["a", "b", "c", "d"] {
            let names = log.clone();
            QTimer::single_shot(0, move || names.add(name));
        }
        QTimer::single_shot_to(0, &app, QCoreApplication::quit);
        app.exec();
        log.take()
    });
    assert_eq!(order.join().unwrap(), ["a", "b", "c", "d"]);
}

#[test]
fn due_time_first_then_the_order_of_the_start() {
    let clock = VirtualClock::install();
    let (app, log) = (QCoreApplication::new(), Log::default());
    let _far = ticking(20, "far", &log);
    clock.advance(millis(5));
    let _near = ticking(10, "near", &log);
    let _same = ticking(15, "same as far", &log);
    clock.advance(millis(5));
    let _zero = ticking(0, "zero", &log);
    clock.advance(millis(40));
    app.process_events();
    assert_eq!(log.take(), ["zero", "near", "far", "same as far"]);
}

#[test]
fn livelock() {
    // Recorded from Qt: a timer started in a timer's slot fires in the next turn, after the calls
    // posted in that slot.
    for interval in [0, 1, 10] {
        let clock = VirtualClock::install();
        let (app, log) = (QCoreApplication::new(), Log::default());
        let posted = Signal::new();
        let names = log.clone();
        posted.connect_with_type(ConnectionType::QUEUED, move |()| names.add("posted"));
        let first = QTimer::new();
        first.set_single_shot(true);
        let second = Rc::new(ticking(interval, "second", &log));
        second.stop();
        second.set_single_shot(true);
        let (names, next) = (log.clone(), second.clone());
        first.timeout.connect(move |()| {
            names.add("first");
            next.start_with_interval(interval);
            posted.emit(());
        });
        first.start_with_interval(interval);
        clock.advance(millis(10));
        app.process_events();
        assert_eq!(log.take(), ["first"]);
        clock.advance(millis(10));
        app.process_events();
        assert_eq!(log.take(), ["posted", "second"]);
        assert!(!app.process_events());
    }
}

#[test]
fn timer_fires_only_once_per_process_events() {
    for interval in [0, 5] {
        let clock = Rc::new(VirtualClock::install());
        let app = QCoreApplication::new();
        let timer = QTimer::new();
        let calls = Rc::new(Cell::new(0));
        let slow = clock.clone();
        timer.timeout.connect_to(&calls, move |calls, ()| {
            calls.set(calls.get() + 1);
            // The slot takes longer than the interval.
            slow.advance(millis(100));
        });
        timer.start_with_interval(interval);
        clock.advance(millis(1000));
        for turn in 1..10 {
            app.process_events();
            assert_eq!(calls.get(), turn);
            clock.advance(millis(5));
        }
    }
}

#[test]
fn a_timer_restarted_in_its_slot_waits_for_its_interval() {
    // restartedTimerFiresTooSoon, with the clock at arbitrary times.
    for kind in [TimerType::Precise, TimerType::Coarse, TimerType::VeryCoarse] {
        for interval in [1_u64, 7, 25, 100, 999, 1000, 12_345] {
            let clock = Rc::new(VirtualClock::install());
            clock.advance(Duration::from_nanos(999_999_999 - interval));
            let timer = QTimer::new();
            timer.set_timer_type(kind);
            timer.set_single_shot(true);
            let times = Rc::new(RefCell::new(vec![clock.now()]));
            let (weak, time, out) = (QPointer::new(&timer), clock.clone(), times.clone());
            timer.timeout.connect(move |()| {
                out.borrow_mut().push(time.now());
                time.advance(Duration::from_nanos(1_234_567));
                out.borrow_mut().push(time.now());
                weak.upgrade().unwrap().start();
                if out.borrow().len() > 10 {
                    QCoreApplication::instance().quit();
                }
            });
            timer.start_with_interval(millis(interval));
            QCoreApplication::new().exec();
            for pair in times.borrow().chunks_exact(2) {
                let (took, wanted) = (pair[1] - pair[0], millis(interval));
                let slack = match kind {
                    TimerType::Precise => Duration::ZERO,
                    TimerType::Coarse if interval <= 20 => Duration::ZERO,
                    TimerType::Coarse => wanted / 20,
                    _ => Duration::from_secs(1),
                };
                assert!(took.abs_diff(wanted) <= slack, "{kind:?} {wanted:?} {took:?}");
            }
        }
    }
}

#[test]
fn precise_timers_are_never_early_in_real_time() {
    let timer = QTimer::new();
    timer.set_timer_type(TimerType::Precise);
    let (calls, begun) = (Rc::new(Cell::new(0)), Instant::now());
    timer.timeout.connect_to(&calls, move |calls, ()| {
        calls.set(calls.get() + 1);
        assert!(begun.elapsed() >= millis(3) * calls.get());
        if calls.get() == 5 {
            QCoreApplication::instance().quit();
        }
    });
    timer.start_with_interval(3);
    QCoreApplication::new().exec();
}

// ---- single shots

#[test]
fn single_shot_static_function_zero_timeout() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let names = log.clone();
    QTimer::single_shot(0, move || names.add("closure"));
    let names = log.clone();
    QTimer::single_shot_to(0, &app, move |_| names.add("method"));
    assert!(log.take().is_empty());
    app.process_events();
    app.process_events();
    assert_eq!(log.take(), ["closure", "method"]);
}

#[test]
fn single_shot_to_functors() {
    let clock = VirtualClock::install();
    let app = QCoreApplication::new();
    for interval in [0, 10] {
        let token = Rc::new(());
        let context = Rc::new(());
        let timer = QTimer::new();
        let [of_rc, of_object] = [(); 2].map(|()| token.clone());
        QTimer::single_shot_to(interval, &context, move |_| panic!("{of_rc:?}"));
        QTimer::single_shot_to(interval, &timer, move |_| panic!("{of_object:?}"));
        drop((context, timer));
        clock.advance(millis(10));
        app.process_events();
        assert_eq!(Rc::strong_count(&token), 1);

        // The closure is called once, from the loop, and freed after it has run, too.
        let calls = Rc::new(Cell::new(0));
        let add = |count: u32| {
            let held = (token.clone(), calls.clone());
            move || {
                let (_token, calls) = &held;
                calls.set(calls.get() + count);
            }
        };
        let with = add(1);
        QTimer::single_shot_to(interval, &calls, move |_| with());
        QTimer::single_shot(interval, add(10));
        assert_eq!((calls.get(), Rc::strong_count(&token)), (0, 3));
        for _ in 0..2 {
            clock.advance(millis(10));
            app.process_events();
        }
        assert_eq!((calls.get(), Rc::strong_count(&token)), (11, 1));
    }
}

#[test]
fn single_shot_before_the_application() {
    let called = Rc::new(Cell::new(false));
    QTimer::single_shot_to(1, &called, |called| called.set(true));
    let app = QCoreApplication::new();
    QTimer::single_shot_to(2, &app, QCoreApplication::quit);
    app.exec();
    assert!(called.get());
}

#[test]
fn call_on_timeout() {
    let timer = QTimer::new();
    let context = Rc::new(Cell::new(0));
    let connection = timer.timeout.connect_to(&context, |calls, ()| calls.set(calls.get() + 1));
    timer.start_with_interval(0);
    QCoreApplication::new().process_events();
    assert_eq!(context.get(), 1);
    assert!(connection.is_connected());
    drop(context);
    assert!(!connection.is_connected());
}

// ---- timers of the dispatcher

#[test]
fn a_timer_whose_handler_is_gone_stops() {
    struct Handler;
    impl TimerHandler for Handler {
        fn timer_due(self: Rc<Self>, _: TimerId) {}
    }
    let (app, dispatcher) = (QCoreApplication::new(), Dispatcher::current());
    let handler = Rc::new(Handler);
    let weak: Weak<Handler> = Rc::downgrade(&handler);
    let id = dispatcher.start_timer(Duration::ZERO, TimerType::Coarse, weak);
    assert!(app.process_events());
    assert!(dispatcher.remaining_time(id).is_some());
    drop(handler);
    app.process_events();
    assert!(dispatcher.remaining_time(id).is_none());
    assert!(!dispatcher.stop_timer(id));
    assert!(!app.process_events());
}

#[test]
fn a_call_that_is_cancelled_is_dropped_at_once() {
    let dispatcher = Dispatcher::current();
    let token = Rc::new(());
    let held = token.clone();
    let id = dispatcher.call_after(millis(10), TimerType::Coarse, move || drop(held));
    assert!(dispatcher.stop_timer(id));
    assert_eq!(Rc::strong_count(&token), 1);
    assert!(!dispatcher.stop_timer(id));
    // The slot in the table is reused, but the old id does not match it.
    let held = token.clone();
    let other = dispatcher.call_after(millis(10), TimerType::Coarse, move || drop(held));
    assert_ne!(id, other);
    assert!(!dispatcher.stop_timer(id));
    assert!(dispatcher.stop_timer(other));
}

#[test]
fn an_hour_of_virtual_time_is_the_same_each_time() {
    let run = || {
        let clock = Rc::new(VirtualClock::install());
        let app = QCoreApplication::new();
        let (log, begun) = (Rc::new(RefCell::new(Vec::new())), clock.now());
        let timers: Vec<_> = (0..5)
            .map(|at| {
                let timer = QTimer::new();
                timer.set_timer_type(TimerType::Precise);
                let (log, clock) = (log.clone(), clock.clone());
                timer.timeout.connect(move |()| log.borrow_mut().push((at, clock.now() - begun)));
                timer.start_with_interval(60_000 + 7_000 * at);
                timer
            })
            .collect();
        let quit = app.clone();
        let hour = Duration::from_secs(3600);
        QTimer::single_shot_with_type(hour, TimerType::Precise, move || quit.quit());
        app.exec();
        assert_eq!(clock.now() - begun, hour);
        drop(timers);
        log.take()
    };
    let begun = Instant::now();
    let first = run();
    assert_eq!(first.len(), 60 + 53 + 48 + 44 + 40);
    assert_eq!(run(), first);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100, failure_persistence: None, ..Default::default()
    })]

    #[test]
    fn timers_fire_as_a_sorted_list_would_say(
        intervals in prop::collection::vec(0..40_u64, 1..12),
        steps in prop::collection::vec(0..60_u64, 1..20),
    ) {
        let clock = VirtualClock::install();
        let app = QCoreApplication::new();
        let fired = Rc::new(RefCell::new(Vec::new()));
        let mut model: Vec<(u64, usize, usize)> = Vec::new();
        let timers: Vec<_> = intervals.iter().enumerate().map(|(at, interval)| {
            let timer = QTimer::new();
            timer.set_timer_type(TimerType::Precise);
            timer.timeout.connect_to(&fired, move |fired, ()| fired.borrow_mut().push(at));
            timer.start_with_interval(millis(*interval));
            model.push((*interval, at, at));
            timer
        }).collect();
        let (mut now, mut order, mut expected) = (0, intervals.len(), Vec::new());
        for step in steps {
            now += step;
            clock.advance(millis(step));
            app.process_events();
            model.sort_unstable();
            let due = model.partition_point(|(due, ..)| *due <= now);
            for (due, place, at) in &mut model[..due] {
                expected.push(*at);
                *due = if *due + intervals[*at] > now { *due } else { now } + intervals[*at];
                *place = order;
                order += 1;
            }
            prop_assert_eq!(&*fired.borrow(), &expected);
        }
        drop(timers);
    }
}
