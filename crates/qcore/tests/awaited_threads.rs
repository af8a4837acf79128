//! Tasks that wait for threads, and for the tasks of a pool.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
};

use qcore::{
    QCoreApplication, QThread, block_on, spawn_local,
    task::{TimeoutErrorKind, timeout},
};

use crate::thread_pool::{block, pool};

const LONG: i32 = 30_000;

#[test]
fn a_task_waits_for_the_end_of_a_thread() {
    let run = |thread: &QThread| block_on(timeout(30_000, thread.finished())).unwrap().unwrap();
    let thread = QThread::new();
    assert_eq!(run(&thread), None, "it was never started");
    thread.start().unwrap();
    let error = block_on(timeout(5, thread.finished())).unwrap().unwrap_err();
    assert_eq!(error, TimeoutErrorKind::TimedOut);
    thread.exit(7);
    assert_eq!(run(&thread), Some(Ok(7)));
    // It has already finished.
    assert_eq!(run(&thread), Some(Ok(7)));
    assert!(thread.wait(30_000));

    let thread = QThread::create(|| panic!("as the test has asked"));
    thread.start().unwrap();
    assert!(run(&thread).unwrap().is_err());
    assert!(thread.wait(30_000));
}

#[test]
fn a_task_of_the_loop_waits_for_all_tasks_of_the_pool() {
    let (pool, app) = (pool(2), QCoreApplication::new());
    assert!(block_on(pool.done()).unwrap(), "the pool has no tasks");
    let blocked = block(&pool);
    let waiting = spawn_local({
        let pool = pool.clone();
        async move { pool.done().await }
    });
    app.process_events();
    // The loop runs meanwhile, and others may wait as well.
    let error = block_on(timeout(5, pool.done())).unwrap().unwrap_err();
    assert_eq!(error, TimeoutErrorKind::TimedOut);
    assert!(!waiting.is_finished());
    drop(blocked);
    assert!(block_on(waiting).unwrap().unwrap());
    // A task of the pool would wait for itself.
    let (pool_of_task, (tell, told)) = (pool.clone(), mpsc::channel());
    pool.start(move || {
        let mut done = pin!(pool_of_task.done());
        tell.send(done.as_mut().poll(&mut Context::from_waker(Waker::noop()))).unwrap();
    })
    .unwrap();
    assert_eq!(told.recv().unwrap(), Poll::Ready(false));
}

#[test]
fn who_waits_for_a_pool_is_told_that_it_was_cleared() {
    let pool = pool(1);
    let blocked = block(&pool);
    pool.start(|| unreachable!("it was cleared")).unwrap();
    let waiting = spawn_local({
        let pool = pool.clone();
        async move { pool.done().await }
    });
    QCoreApplication::instance().process_events();
    pool.clear();
    drop(blocked);
    assert!(block_on(timeout(LONG, waiting)).unwrap().unwrap().unwrap());
}

#[test]
fn many_waits_for_a_busy_pool() {
    let pool = pool(3);
    let count = Arc::new(AtomicUsize::new(0));
    let all = block_on(timeout(LONG, async {
        for round in 1..=2000 {
            for _ in 0..3 {
                let count = count.clone();
                let add = move || {
                    count.fetch_add(1, Ordering::Relaxed);
                };
                pool.start(add).unwrap();
            }
            assert!(pool.done().await);
            assert_eq!(count.load(Ordering::Relaxed), 3 * round);
        }
    }));
    all.unwrap().unwrap();
}

/// A pool that is never done keeps nothing of the waits that were given up.
#[test]
fn a_wait_that_is_dropped_leaves_the_pool() {
    struct Flag;
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {}
    }
    let pool = pool(1);
    let blocked = block(&pool);
    let (one, other) = (Arc::new(Flag), Arc::new(Flag));
    let (waker, other_waker) = (Waker::from(one.clone()), Waker::from(other.clone()));
    let mut lasting = Box::pin(pool.done());
    assert!(lasting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    {
        let mut dropped = pin!(pool.done());
        assert!(dropped.as_mut().poll(&mut Context::from_waker(&other_waker)).is_pending());
        // Another task of the same executor goes on with it.
        assert!(dropped.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    drop((waker, other_waker));
    assert_eq!((Arc::strong_count(&one), Arc::strong_count(&other)), (2, 1));
    drop(lasting);
    assert_eq!(Arc::strong_count(&one), 1);
    drop(blocked);
}
