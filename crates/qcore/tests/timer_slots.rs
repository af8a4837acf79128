//! What a timer's slot may do: run loops, block, and stop, restart and drop timers.

use std::{cell::Cell, rc::Rc, time::Duration};

use crate::common::Log;
use qcore::{Dispatcher, QCoreApplication, QEventLoop, QPointer, QTimer, TimerType, VirtualClock};

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

#[test]
fn timer_infinite_recursion() {
    let clock = Rc::new(VirtualClock::install());
    let app = QCoreApplication::new();
    let timer = QTimer::new();
    let (depth, calls) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (counter, time, inner) = (calls.clone(), clock.clone(), app.clone());
    timer.timeout.connect_to(&depth, move |depth, ()| {
        depth.set(depth.get() + 1);
        assert_eq!(depth.get(), 1, "re-entered");
        counter.set(counter.get() + 1);
        time.advance(millis(100));
        assert!(!inner.process_events());
        let event_loop = QEventLoop::new();
        QTimer::single_shot_to(50, &event_loop, QEventLoop::quit);
        event_loop.exec();
        depth.set(0);
    });
    // recurringTimer: the timer continues in the outer loop afterwards.
    for interval in [0, 10] {
        timer.start_with_interval(interval);
        for turn in 1..4 {
            clock.advance(millis(10));
            app.process_events();
            assert_eq!(calls.get(), turn);
        }
        calls.set(0);
    }
}

#[test]
fn other_timers_go_on_in_a_nested_loop() {
    let _clock = VirtualClock::install();
    let log = Log::default();
    let _ticks = ticking(10, "tick", &log);
    let names = log.clone();
    QTimer::single_shot_with_type(15, TimerType::Precise, move || {
        names.add("nested");
        let event_loop = QEventLoop::new();
        let end = event_loop.clone();
        QTimer::single_shot_with_type(30, TimerType::Precise, move || end.quit());
        event_loop.exec();
        names.add("ends");
    });
    let app = QCoreApplication::new();
    let quit = app.clone();
    QTimer::single_shot_with_type(65, TimerType::Precise, move || quit.quit());
    app.exec();
    assert_eq!(log.take(), ["tick", "nested", "tick", "tick", "tick", "ends", "tick", "tick"]);
}

#[test]
fn recurse_on_timeout_and_stop_timer() {
    let clock = VirtualClock::install();
    let app = QCoreApplication::new();
    let calls = Rc::new(Cell::new(0));
    let timer = QTimer::new();
    let (weak, inner) = (QPointer::new(&timer), app.clone());
    timer.timeout.connect_to(&calls, move |calls, ()| {
        calls.set(calls.get() + 1);
        let stop = weak.clone();
        Dispatcher::current().post(move || stop.upgrade().unwrap().stop());
        inner.process_events();
        assert!(!weak.upgrade().unwrap().is_active());
    });
    timer.start_with_interval(10);
    for _ in 0..3 {
        clock.advance(millis(10));
        app.process_events();
    }
    assert_eq!(calls.get(), 1);
    assert!(!app.process_events());
}

#[test]
fn one_slot_may_stop_restart_or_drop_the_timers_behind_it() {
    let clock = VirtualClock::install();
    let (app, log) = (QCoreApplication::new(), Log::default());
    let first = ticking(10, "first", &log);
    let (stopped, restarted) = (ticking(10, "stopped", &log), ticking(10, "restarted", &log));
    let dropped = Cell::new(Some(ticking(10, "dropped", &log)));
    let _last = ticking(10, "last", &log);
    let again = restarted.clone();
    first.timeout.connect(move |()| {
        stopped.stop();
        again.start();
        dropped.take();
    });
    clock.advance(millis(10));
    app.process_events();
    assert_eq!(log.take(), ["first", "last"]);
    clock.advance(millis(10));
    app.process_events();
    assert_eq!(log.take(), ["first", "last"]);
    first.stop();
    clock.advance(millis(10));
    app.process_events();
    assert_eq!(log.take(), ["restarted", "last"]);
    drop(restarted);
}

#[test]
fn the_last_handle_may_go_in_its_own_slot() {
    let (app, log) = (QCoreApplication::new(), Log::default());
    let timer = ticking(0, "before", &log);
    let pointer = QPointer::new(&timer);
    let holder = Rc::new(Cell::new(None));
    let held = holder.clone();
    timer.timeout.connect(move |()| drop(held.take()));
    timer.timeout.connect(log.slot("after"));
    holder.set(Some(timer));
    assert!(app.process_events());
    assert!(pointer.is_null());
    assert!(!app.process_events());
    assert_eq!(log.take(), ["before"]);
}

#[test]
fn dont_block_events() {
    // Slow handlers do not starve posted calls or each other.
    let clock = Rc::new(VirtualClock::install());
    let (app, log) = (QCoreApplication::new(), Log::default());
    let slow: Vec<_> = ["slow 1", "slow 2"]
        .iter()
        .map(|name| {
            let (timer, time) = (ticking(0, name, &log), clock.clone());
            timer.timeout.connect(move |()| time.advance(millis(10)));
            timer
        })
        .collect();
    for _ in 0..3 {
        let names = log.clone();
        Dispatcher::current().post(move || names.add("posted"));
        app.process_events();
        assert_eq!(log.take(), ["posted", "slow 1", "slow 2"]);
    }
    drop(slow);
}

#[test]
fn posted_events_should_not_starve_timers() {
    fn again(turns: Rc<Cell<u32>>) {
        turns.set(turns.get() + 1);
        Dispatcher::current().post(move || again(turns));
    }
    let app = QCoreApplication::new();
    let (turns, timer) = (Rc::new(Cell::new(0)), QTimer::new());
    again(turns.clone());
    timer.timeout.connect_to(&app, |app, ()| app.quit());
    timer.start_with_interval(0);
    app.exec();
    assert_eq!(turns.get(), 2);
}
