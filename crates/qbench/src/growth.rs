//! How costs grow with what there is already.

use std::{cell::Cell, hint::black_box, rc::Rc, time::Instant};

use qcore::{QCoreApplication, QObject, QTimer, Signal, TimerType};

use crate::report;

/// Measures signals with 1 to 100,000 slots and loops with as many timers: the emission to one
/// slot, a slot that is disconnected and connected again, and a timer that is started and stopped.
pub fn grow() {
    let _app = QCoreApplication::new();
    for count in [1u32, 10, 100, 1000, 10_000, 100_000] {
        emission(count);
        reconnection(count);
        timer(count);
    }
}

fn each(bench: &str, start: Instant, count: f64, unit: &str) {
    report(bench, start.elapsed().as_secs_f64() * 1e9 / count, unit);
}

fn emission(count: u32) {
    let object = QObject::new();
    let signal = Signal::of(&object);
    let receivers: Vec<_> = (0..count).map(|_| Rc::new(Cell::new(0i64))).collect();
    for receiver in &receivers {
        signal.connect_to(receiver, |sum, value| sum.set(sum.get() + value));
    }
    let times = (2_000_000 / count).max(10);
    let round = |times| (0..i64::from(times)).for_each(|value| black_box(&signal).emit(value));
    round(times / 10);
    let start = Instant::now();
    round(times);
    each(&format!("emit_at_{count}"), start, f64::from(times) * f64::from(count), "ns/slot");
}

fn reconnection(count: u32) {
    const TIMES: u32 = 20_000;
    let object = QObject::new();
    let signal: Signal<i64> = Signal::of(&object);
    let sum = Rc::new(Cell::new(0i64));
    let connect = || {
        let sum = sum.clone();
        signal.connect(move |value| sum.set(sum.get() + value))
    };
    let mut connections: Vec<_> = (0..count).map(|_| connect()).collect();
    let start = Instant::now();
    for number in 0..u64::from(TIMES) {
        let connection = &mut connections[(number * 104_729 % u64::from(count)) as usize];
        assert!(connection.disconnect());
        *connection = connect();
    }
    each(&format!("reconnect_at_{count}"), start, f64::from(TIMES), "ns");
}

fn timer(count: u32) {
    const TIMES: u32 = 20_000;
    let start = |timer: &QTimer, number: u64| {
        let due = i32::try_from(1_000_000 + number % 1000).expect("a small number");
        timer.start_with_interval(due);
    };
    let precise = || {
        let timer = QTimer::new();
        timer.set_timer_type(TimerType::Precise);
        timer
    };
    let pending: Vec<_> = (0..u64::from(count))
        .map(|number| {
            let timer = precise();
            start(&timer, number * 7919);
            timer
        })
        .collect();
    let timer = precise();
    let began = Instant::now();
    for number in 0..u64::from(TIMES) {
        start(&timer, number * 104_729);
        timer.stop();
    }
    each(&format!("timer_at_{count}"), began, f64::from(TIMES), "ns/timer");
    assert!(pending.iter().all(|timer| timer.is_active()));
}
