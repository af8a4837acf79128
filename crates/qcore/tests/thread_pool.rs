//! `QThreadPool`: tasks, their results, and the ends of both sides.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, ThreadId},
    time::Duration,
};

use qcore::{
    QCoreApplication, QThreadPool, ThreadPoolErrorKind, ThreadPoolTask, TimerType, run_for,
    wait_until,
};

const LONG: i32 = 30_000;

pub(crate) fn pool(threads: usize) -> QThreadPool {
    let pool = QThreadPool::new();
    pool.set_max_thread_count(threads);
    pool
}

/// A task that blocks a thread of the pool until the sender is used or dropped. Returns when the
/// task runs.
pub(crate) fn block(pool: &QThreadPool) -> mpsc::Sender<()> {
    let (go, wait) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    pool.start(move || {
        begin.send(()).unwrap();
        let _ = wait.recv();
    })
    .unwrap();
    begun.recv().unwrap();
    go
}

/// Counts how often a future was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// Runs the loop until the task is ready.
fn finish<T>(task: ThreadPoolTask<T>) -> Result<T, qcore::ThreadPoolError> {
    let mut task = pin!(task);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    loop {
        let before = woken.0.load(Ordering::Acquire);
        if let Poll::Ready(result) = task.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        assert!(wait_until(LONG, || woken.0.load(Ordering::Acquire) > before), "never woken");
    }
}

#[test]
fn the_result_comes_in_the_thread_that_asked() {
    let home = thread::current().id();
    let pool = pool(1);
    let got = Rc::new(RefCell::new(Vec::<(ThreadId, ThreadId)>::new()));
    let task = pool.run(|| thread::current().id());
    task.finished.connect_to(&got, move |got, ran| {
        got.borrow_mut().push((thread::current().id(), *ran.as_ref().unwrap()));
    });
    // The signal does not come before the loop runs.
    assert!(pool.wait_for_done(-1));
    assert!(got.borrow().is_empty() && !task.is_finished());
    assert!(wait_until(LONG, || task.is_finished()));
    let got = got.borrow();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].0, home);
    assert_ne!(got[0].1, home);
}

#[test]
fn a_task_is_a_future() {
    assert_eq!(finish(pool(1).run(|| 6 * 7)), Ok(42));
    // Its value needs no `Clone`, and the slots come first.
    struct Only(u8);
    let task = pool(1).run(|| Only(3));
    let seen = Rc::new(Cell::new(0));
    task.finished.connect_to(&seen, |seen, only| {
        seen.set(only.as_ref().unwrap_or_else(|_| unreachable!()).0);
    });
    let only = finish(task).unwrap_or_else(|_| unreachable!());
    assert_eq!((seen.get(), only.0), (3, 3));
    // It may be awaited after it has finished.
    let task = pool(1).run(|| 1);
    assert!(wait_until(LONG, || task.is_finished()));
    assert_eq!(finish(task), Ok(1));
}

#[test]
#[should_panic(expected = "polled after it had returned its result")]
fn a_task_has_one_result() {
    let mut task = pin!(pool(1).run(|| ()));
    assert!(wait_until(LONG, || task.is_finished()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut context).is_ready());
    let _ = task.as_mut().poll(&mut context);
}

#[test]
fn a_dropped_task_still_calls_its_slots() {
    let count = Rc::new(Cell::new(0));
    for _ in 0..10 {
        let task = pool(2).run(|| 1);
        task.finished.connect_to(&count, |count, one| {
            count.set(count.get() + one.as_ref().unwrap());
        });
    }
    assert!(wait_until(LONG, || count.get() == 10));
}

#[test]
fn a_panic_reaches_the_caller_and_the_thread_goes_on() {
    let pool = pool(1);
    let thread = finish(pool.run(|| thread::current().id())).unwrap();
    let error = finish(pool.run(|| {
        if true {
            panic!("number {}", 5)
        }
    }))
    .unwrap_err();
    assert_eq!(error, ThreadPoolErrorKind::Panicked);
    assert_eq!(error.to_string(), "the task has panicked: number 5");
    // A payload whose drop panics.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("again");
        }
    }
    let error = finish(pool.run(|| {
        if true {
            std::panic::panic_any(Bomb)
        }
    }))
    .unwrap_err();
    assert_eq!(error.to_string(), "the task has panicked: (no message)");
    pool.start(|| panic!("nobody asked")).unwrap();
    assert_eq!(finish(pool.run(|| thread::current().id())), Ok(thread));
}

#[test]
fn a_future_gets_the_result_even_if_a_slot_panics() {
    let task = pool(1).run(|| 8);
    task.finished.connect(|_| panic!("a slot"));
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run_for(LONG);
    }));
    assert!(unwound.is_err());
    assert_eq!(finish(task), Ok(8));
}

#[test]
fn cleared_tasks_are_cancelled() {
    let pool = pool(1);
    let go = block(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let count = ran.clone();
    let task = pool.run(move || count.fetch_add(1, Ordering::Relaxed));
    pool.clear();
    assert_eq!(finish(task).unwrap_err(), ThreadPoolErrorKind::Cancelled);
    drop(go);
    assert!(pool.wait_for_done(LONG));
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    // A slot may start and clear tasks.
    let task = pool.run(|| ());
    let same = pool.clone();
    task.finished.connect(move |_| {
        same.start(|| ()).unwrap();
        same.clear();
    });
    assert_eq!(finish(task), Ok(()));
}

#[test]
fn the_result_for_an_ended_thread_is_dropped() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }
    let pool = pool(1);
    let go = block(&pool);
    let drops = Arc::new(AtomicUsize::new(0));
    let (value, asker) = (Counted(drops.clone()), pool.clone());
    let slots = thread::spawn(move || {
        let task = asker.run(move || value);
        let slot = Rc::new(());
        let weak = Rc::downgrade(&slot);
        task.finished.connect(move |_| drop(slot.clone()));
        drop(task);
        weak.strong_count()
    });
    assert_eq!(slots.join().unwrap(), 1);
    drop(go);
    assert!(pool.wait_for_done(LONG));
    assert_eq!(drops.load(Ordering::Acquire), 1);

    // The result has arrived at the loop, which ends without running.
    let asker = pool.clone();
    let value = Counted(drops.clone());
    thread::spawn(move || {
        let task = asker.run(move || value);
        assert!(asker.wait_for_done(LONG));
        assert!(!task.is_finished());
    })
    .join()
    .unwrap();
    assert_eq!(drops.load(Ordering::Acquire), 2);
}

#[test]
fn tasks_run_by_priority_and_in_order() {
    let pool = pool(1);
    let go = block(&pool);
    let order = Arc::new(Mutex::new(Vec::new()));
    for (name, priority) in [("low", -1), ("a", 0), ("b", 0), ("high", 5), ("c", 0)] {
        let order = order.clone();
        pool.start_with_priority(move || order.lock().unwrap().push(name), priority).unwrap();
    }
    drop(go);
    assert!(pool.wait_for_done(LONG));
    assert_eq!(*order.lock().unwrap(), ["high", "a", "b", "c", "low"]);
}

#[test]
fn try_start_needs_a_free_thread() {
    let pool = pool(1);
    let (say, said) = mpsc::channel();
    let first = say.clone();
    pool.try_start(move || first.send(1).unwrap()).unwrap_or_else(|_| panic!("a free thread"));
    assert!(pool.wait_for_done(LONG));
    let go = block(&pool);
    let Err(back) = pool.try_start(move || say.send(2).unwrap()) else { panic!("it is busy") };
    assert_eq!(pool.active_thread_count(), 1);
    drop(go);
    back();
    assert_eq!(said.iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn waiting_has_a_limit() {
    let pool = pool(1);
    assert!(pool.wait_for_done(0));
    let go = block(&pool);
    pool.start(|| ()).unwrap();
    assert!(!pool.wait_for_done(0) && !pool.wait_for_done(Duration::from_millis(5)));
    drop(go);
    assert!(pool.wait_for_done(-1));
    assert_eq!(pool.active_thread_count(), 0);
    // A task cannot wait for itself.
    let same = pool.clone();
    assert_eq!(finish(pool.run(move || same.wait_for_done(-1))), Ok(false));
}

#[test]
fn the_last_handle_waits_for_the_tasks() {
    let count = Arc::new(AtomicUsize::new(0));
    let pool = pool(1);
    for _ in 0..100 {
        let count = count.clone();
        pool.start(move || {
            count.fetch_add(1, Ordering::AcqRel);
        })
        .unwrap();
    }
    drop(pool);
    assert_eq!(count.load(Ordering::Acquire), 100);
}

#[test]
fn a_task_may_drop_the_last_handle() {
    let pool = pool(1);
    let go = block(&pool);
    let (say, said) = mpsc::channel();
    let (last, later) = (pool.clone(), say.clone());
    pool.start(move || {
        drop(last);
        say.send("dropped").unwrap();
    })
    .unwrap();
    // The tasks behind it run all the same.
    pool.start(move || later.send("later").unwrap()).unwrap();
    // From here on the task owns the last handle.
    drop(pool);
    drop(go);
    let next = || said.recv_timeout(Duration::from_secs(30));
    assert_eq!((next(), next()), (Ok("dropped"), Ok("later")));
}

#[test]
fn more_threads_take_waiting_tasks() {
    let pool = pool(1);
    let go = block(&pool);
    let task = pool.run(|| ());
    pool.set_max_thread_count(2);
    assert_eq!(finish(task), Ok(()));
    // With fewer, the threads leave and the tasks still run.
    pool.set_max_thread_count(0);
    assert_eq!(pool.max_thread_count(), 0);
    let task = pool.run(|| ());
    drop(go);
    assert_eq!(finish(task), Ok(()));
}

#[test]
fn idle_threads_leave() {
    struct Leaves(mpsc::Sender<()>);
    impl Drop for Leaves {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    thread_local! {
        static LEAVES: RefCell<Option<Leaves>> = const { RefCell::new(None) };
    }
    let pool = pool(1);
    assert_eq!(pool.expiry_timeout(), 30_000);
    pool.set_expiry_timeout(-1);
    assert!(pool.expiry_timeout() < 0);
    let (say, left) = mpsc::channel();
    let first = finish(pool.run(move || {
        LEAVES.set(Some(Leaves(say)));
        thread::current().id()
    }));
    pool.set_expiry_timeout(1);
    left.recv_timeout(Duration::from_secs(30)).expect("the thread ends");
    assert_ne!(finish(pool.run(|| thread::current().id())), first);
}

#[test]
fn every_task_runs_once() {
    const TASKS: usize = 10_000;
    let app = QCoreApplication::new();
    let (pool, sum) = (pool(4), Rc::new(Cell::new((0, 0))));
    for number in 0..TASKS {
        let task = pool.run(move || number);
        task.finished.connect_to(&sum, |sum, number| {
            let (count, total) = sum.get();
            sum.set((count + 1, total + number.as_ref().unwrap()));
        });
    }
    assert!(wait_until(LONG, || sum.get().0 == TASKS));
    app.process_events();
    assert_eq!(sum.get(), (TASKS, TASKS * (TASKS - 1) / 2));
}

#[test]
fn the_loop_goes_on_while_a_task_blocks() {
    let pool = pool(1);
    let go = block(&pool);
    let task = pool.run(|| ());
    let fired = Rc::new(Cell::new(false));
    let timer = fired.clone();
    qcore::Dispatcher::current().call_after(
        Duration::from_millis(1),
        TimerType::Precise,
        move || timer.set(true),
    );
    assert!(wait_until(LONG, || fired.get()));
    assert!(!task.is_finished());
    drop(go);
    assert_eq!(finish(task), Ok(()));
}
