//! Tasks and `block_on` when loops run inside of loops, and devices whose slots are cut.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use qcore::{
    Dispatcher, OpenMode, QBuffer, QCoreApplication, QEventLoop, QTimer, VirtualClock, block_on,
    spawn_local,
    task::{interval, sleep, timeout, yield_now},
    wait_until,
};

/// A future that another thread completes.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(bool, Option<Waker>)>>);

impl Gate {
    async fn passed(&self) {
        poll_fn(|context| {
            let mut gate = self.0.lock().unwrap();
            gate.1 = Some(context.waker().clone());
            if gate.0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Opens the gate from another thread, and returns when that has happened.
    fn open_elsewhere(&self) {
        let gate = self.0.clone();
        let opening = move || {
            let waker = {
                let mut gate = gate.lock().unwrap();
                gate.0 = true;
                gate.1.take()
            };
            waker.into_iter().for_each(Waker::wake);
        };
        thread::spawn(opening).join().unwrap();
    }
}

#[test]
fn a_nested_turn_leaves_the_wake_up_of_the_outer_future() {
    let gate = Gate::default();
    let opening = gate.clone();
    let begin = Instant::now();
    // Ends the test if the future is not woken.
    QTimer::single_shot(20_000, || ());
    block_on(async {
        yield_now().await;
        Dispatcher::current().post(move || {
            opening.open_elsewhere();
            // This turn takes what the other thread has sent.
            QEventLoop::new().process_events();
        });
        gate.passed().await;
    })
    .unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn a_nested_loop_waits_although_the_outer_future_is_woken() {
    let clock = VirtualClock::install();
    let begin = clock.now();
    let limit = Instant::now() + Duration::from_secs(20);
    block_on(async {
        // This future is ready again. The loop inside of it cannot poll it.
        poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Ready(())
        })
        .await;
        assert!(!QCoreApplication::has_pending_events());
        // A loop that does not wait never advances this clock.
        assert!(!wait_until(1000, || Instant::now() > limit));
    })
    .unwrap();
    assert_eq!(clock.now() - begin, Duration::from_secs(1));
}

#[test]
fn a_loop_inside_of_a_task_runs_the_tasks_that_have_yielded() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let (first, second, inner) = (log.clone(), log.clone(), QEventLoop::new());
    let quits = inner.clone();
    spawn_local(async move {
        yield_now().await;
        first.borrow_mut().push("first");
        quits.quit();
    });
    spawn_local(async move {
        // Ends the test if the loop waits although a task is ready.
        let late = QTimer::new();
        late.set_single_shot(true);
        late.timeout.connect_to(&inner, |inner, ()| inner.exit(1));
        late.start_with_interval(20_000);
        assert_eq!(inner.exec(), 0);
        second.borrow_mut().push("second");
    });
    QEventLoop::new().process_events();
    assert_eq!(*log.borrow(), ["first", "second"]);
}

#[test]
fn very_long_times() {
    block_on(async {
        for long in [Duration::MAX, Duration::from_secs(u64::MAX / 1000)] {
            assert!(timeout(1, sleep(long)).await.is_err());
            assert!(timeout(1, interval(long).tick()).await.is_err());
            assert_eq!(timeout(long, sleep(1)).await, Ok(()));
        }
        assert!(timeout(1, sleep(i32::MAX)).await.is_err());
        let past = Instant::now() - Duration::from_secs(1);
        qcore::task::sleep_until(past).await;
        let mut ticks = interval(0);
        for _ in 0..3 {
            ticks.tick().await;
        }
    })
    .unwrap();
}

#[test]
fn a_task_may_hold_its_own_handle() {
    struct Dropped(Rc<Cell<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    // It awaits itself, and is dropped when it is aborted.
    let own: Rc<RefCell<Option<qcore::JoinHandle<()>>>> = Rc::default();
    let dropped = Rc::new(Cell::new(false));
    let (place, guard) = (own.clone(), Dropped(dropped.clone()));
    let handle = spawn_local(async move {
        let _guard = guard;
        yield_now().await;
        let own = place.take().expect("a handle");
        let _ = own.await;
    });
    let stop = spawn_local(async {
        sleep(5).await;
    });
    own.replace(Some(handle));
    block_on(stop).unwrap().unwrap();
    assert!(own.borrow().is_none() && !dropped.get());
}

#[test]
fn a_buffer_s_stream_reads_what_a_slot_has_written() {
    let buffer = QBuffer::new();
    buffer.open(OpenMode::READ_WRITE).unwrap();
    let mut stream = buffer.stream();
    block_on(async {
        stream.write_all(b"one\ntwo").await.unwrap();
        assert_eq!(stream.read(&mut [0; 4]).await, Ok(0));
        buffer.seek(0).unwrap();
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"one\n");
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"two");
        assert_eq!(stream.read_line().await, Ok(None));
    })
    .unwrap();
}
