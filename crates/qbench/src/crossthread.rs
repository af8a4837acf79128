//! Measures calls from one thread into the event loop of another one.

use std::{
    cell::Cell,
    rc::Rc,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use qcore::{Dispatcher, Poster, QCoreApplication, QEventLoop};

use crate::report;

const TRIPS: u32 = 100_000;
const BATCH: u32 = 1000;
const BATCHES: u32 = 1000;

thread_local! {
    /// What the calls of a batch add to.
    static SUM: Cell<u64> = const { Cell::new(0) };
}

/// Measures calls between this thread's loop and that of a worker thread: round trips, one at a
/// time, and batches of 1000 calls in one direction.
///
/// # Panics
///
/// If the loops do not make the calls.
pub fn crossthread() {
    let app = QCoreApplication::new();
    let (tell, told) = mpsc::channel();
    let worker = thread::spawn(move || {
        let ends = Rc::new(QEventLoop::new());
        tell.send(Dispatcher::current().poster().expect("descriptors are free")).unwrap();
        QUIT.set(Some(ends.clone()));
        ends.exec();
    });
    let worker_loop = told.recv().expect("the worker has a loop");
    let home = Dispatcher::current().poster().expect("descriptors are free");

    for (bench, trips) in [(None, TRIPS / 10), (Some("crossthread_roundtrip"), TRIPS)] {
        let start = Instant::now();
        trip(worker_loop.clone(), home.clone(), trips);
        app.exec();
        if let Some(bench) = bench {
            report(bench, each(start.elapsed(), trips), "ns/trip");
        }
    }
    for (bench, batches) in [(None, BATCHES / 10), (Some("crossthread_batch1000"), BATCHES)] {
        let start = Instant::now();
        for _ in 0..batches {
            batch(&worker_loop, &home);
            app.exec();
        }
        if let Some(bench) = bench {
            report(bench, each(start.elapsed(), batches * BATCH), "ns/call");
        }
    }
    let end = || {
        let ends = QUIT.take().expect("the worker has stored its loop");
        ends.quit();
    };
    worker_loop.post(end).expect("the worker runs");
    worker.join().expect("the worker ends");
}

thread_local! {
    /// The loop of the worker.
    static QUIT: Cell<Option<Rc<QEventLoop>>> = const { Cell::new(None) };
}

fn each(time: Duration, count: u32) -> f64 {
    time.as_secs_f64() * 1e9 / f64::from(count)
}

/// Calls into the worker's loop, which calls back.
fn trip(worker: Poster, home: Poster, left: u32) {
    let next = worker.clone();
    let call = move || {
        let back = home.clone();
        let call = move || match left {
            1 => QCoreApplication::instance().quit(),
            _ => trip(next, back, left - 1),
        };
        home.post(call).expect("the loop here runs");
    };
    worker.post(call).expect("the worker runs");
}

/// Calls into the worker's loop many times. The last call makes this thread's loop quit.
fn batch(worker: &Poster, home: &Poster) {
    for value in 0..BATCH {
        let call = move || SUM.set(SUM.get() + u64::from(value));
        worker.post(call).expect("the worker runs");
    }
    let home = home.clone();
    let call = move || {
        let sum = SUM.take();
        home.post(move || {
            assert_eq!(sum, u64::from(BATCH) * u64::from(BATCH - 1) / 2);
            QCoreApplication::instance().quit();
        })
        .expect("the loop here runs");
    };
    worker.post(call).expect("the worker runs");
}
