//! Measures calls from one thread into the event loop of another one.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::mpsc,
    thread,
    time::Instant,
};

use qcore::{Dispatcher, Poster, QCoreApplication, QEventLoop, QObject, Remote, Signal};

use crate::report;

const TRIPS: u32 = 100_000;
const BATCH: u64 = 1000;
const BATCHES: u32 = 1000;
/// What a batch of the numbers below 1000 adds up to.
const TOTAL: u64 = BATCH * (BATCH - 1) / 2;

/// The other thread: its loop, and a sum that lives there.
struct Worker {
    poster: Poster,
    event_loop: Remote<QEventLoop>,
    sum: Remote<Rc<Cell<u64>>>,
}

thread_local! {
    /// The sum in the worker's thread, for calls that find it by themselves.
    static SUM: RefCell<Rc<Cell<u64>>> = RefCell::default();
}

fn sum() -> Rc<Cell<u64>> {
    SUM.with_borrow(Clone::clone)
}

/// Measures calls between this thread's loop and that of a worker thread, by [`Poster`], by
/// [`Remote`] and by signals: round trips, one at a time, and batches of 1000 calls in one
/// direction. `fewer` divides the usual number of calls.
///
/// # Panics
///
/// If the loops do not make the calls.
pub fn crossthread(fewer: u32) {
    let app = QCoreApplication::new();
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        let event_loop = QEventLoop::new();
        let worker = Worker {
            poster: Dispatcher::current().poster().expect("descriptors are free"),
            event_loop: Remote::of(&event_loop),
            sum: Remote::of(&sum()),
        };
        tell.send(worker).expect("the main thread waits");
        event_loop.exec();
    });
    let worker = told.recv().expect("the worker has a loop");
    let home = Dispatcher::current().poster().expect("descriptors are free");
    let remote_app = Remote::of(&app);

    measure("crossthread_roundtrip", TRIPS / fewer, "ns/trip", &mut |trips| {
        trip(worker.poster.clone(), home.clone(), trips);
        app.exec();
    });
    measure("crossthread_roundtrip_remote", TRIPS / fewer, "ns/trip", &mut |trips| {
        remote_trip(worker.event_loop.clone(), remote_app.clone(), trips);
        app.exec();
    });

    // The last call of a batch makes the loop here quit.
    let finish = || {
        let home = remote_app.clone();
        let finish = move |sum: &Cell<u64>| {
            assert_eq!(sum.take(), TOTAL);
            home.post(QCoreApplication::quit).expect("the loop here runs");
        };
        worker.sum.post(finish).expect("the worker runs");
        app.exec();
    };
    let batches = |bench: &str, batch: &dyn Fn()| {
        measure(bench, BATCHES / fewer, "ns/call", &mut |batches| {
            for _ in 0..batches {
                batch();
                finish();
            }
        });
    };
    batches("crossthread_batch1000", &|| {
        for value in 0..BATCH {
            let call = move || SUM.with_borrow(|sum| sum.set(sum.get() + value));
            worker.poster.post(call).expect("the worker runs");
        }
    });
    batches("crossthread_batch1000_remote", &|| {
        for value in 0..BATCH {
            let call = move |sum: &Cell<u64>| sum.set(sum.get() + value);
            worker.sum.post(call).expect("the worker runs");
        }
    });
    let object = QObject::new();
    let signal: Signal<u64> = Signal::of(&object);
    signal.connect_to(&worker.sum, |sum, value| sum.set(sum.get() + value));
    batches("crossthread_batch1000_signal", &|| (0..BATCH).for_each(|value| signal.emit(value)));

    worker.event_loop.post(QEventLoop::quit).expect("the worker runs");
    thread.join().expect("the worker ends");
}

fn measure(bench: &str, count: u32, unit: &str, work: &mut dyn FnMut(u32)) {
    work(count / 10);
    let start = Instant::now();
    work(count);
    let calls = if unit == "ns/call" { BATCH } else { 1 } as f64 * f64::from(count);
    report(bench, start.elapsed().as_secs_f64() * 1e9 / calls, unit);
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

fn remote_trip(worker: Remote<QEventLoop>, home: Remote<QCoreApplication>, left: u32) {
    let next = worker.clone();
    let call = move |_: &QEventLoop| {
        let back = home.clone();
        let call = move |app: &QCoreApplication| match left {
            1 => app.quit(),
            _ => remote_trip(next, back, left - 1),
        };
        home.post(call).expect("the loop here runs");
    };
    worker.post(call).expect("the worker runs");
}
