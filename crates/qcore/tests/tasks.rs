//! Tasks: how they run, end, fail and wait.

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use qcore::{
    Dispatcher, JoinHandle, QCoreApplication, QEventLoop, QObject, QTimer, Signal, VirtualClock,
    block_on, spawn_for, spawn_local,
    task::{
        BlockOnErrorKind, JoinErrorKind, TimeoutErrorKind, interval, sleep, timeout, yield_now,
    },
    wait_until,
};

/// Calls a closure when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn add(&self, what: impl ToString) {
        self.0.borrow_mut().push(what.to_string());
    }

    fn take(&self) -> String {
        self.0.take().join(" ")
    }

    /// A value that logs its drop.
    fn dropped(&self, what: &'static str) -> OnDrop<impl FnMut() + use<>> {
        let log = self.clone();
        OnDrop(move || log.add(what))
    }
}

fn turn() {
    QEventLoop::new().process_events();
}

#[test]
fn a_task_runs_in_the_loop_and_not_in_the_call() {
    let log = Log::default();
    let said = log.clone();
    let handle = spawn_local(async move {
        said.add("task");
        7
    });
    log.add("spawned");
    assert!(!handle.is_finished());
    turn();
    assert!(handle.is_finished());
    assert_eq!(log.take(), "spawned task");
    assert_eq!(block_on(handle).unwrap().unwrap(), 7);
}

#[test]
fn tasks_take_turns_in_the_order_of_their_wake_ups() {
    let log = Log::default();
    for name in ["a", "b", "c"] {
        let log = log.clone();
        spawn_local(async move {
            for round in 0..2 {
                log.add(format!("{name}{round}"));
                yield_now().await;
            }
        });
    }
    turn();
    turn();
    assert_eq!(log.take(), "a0 b0 c0 a1 b1 c1");
}

#[test]
fn a_task_that_wakes_itself_starves_nobody() {
    let rounds = Rc::new(Cell::new(0_u64));
    let count = rounds.clone();
    let busy = spawn_local(async move {
        loop {
            count.set(count.get() + 1);
            yield_now().await;
        }
    });
    // Two tasks that wake each other without end.
    let (ping, pong) = (Rc::new(Signal::<()>::new()), Rc::new(Signal::<()>::new()));
    let (mut pings, mut pongs) = (ping.stream(), pong.stream());
    let (to_pong, to_ping) = (pong.clone(), ping.clone());
    let game = [
        spawn_local(async move {
            while pings.next().await.is_some() {
                to_pong.emit(());
            }
        }),
        spawn_local(async move {
            while pongs.next().await.is_some() {
                to_ping.emit(());
            }
        }),
    ];
    ping.emit(());

    let (timer, fired) = (QTimer::new(), Rc::new(Cell::new(0)));
    timer.timeout.connect_to(&fired, |fired, ()| fired.set(fired.get() + 1));
    timer.start_with_interval(1);
    let posted = Rc::new(Cell::new(false));
    let poster = Dispatcher::current().poster().unwrap();
    let flag = posted.clone();
    Dispatcher::current().post(move || flag.set(true));
    let (sent, arrived) = mpsc::channel();
    thread::spawn(move || poster.post(move || sent.send(()).unwrap()).unwrap());
    assert!(wait_until(10_000, || fired.get() >= 3 && posted.get() && arrived.try_recv().is_ok()));
    assert!(rounds.get() > 3);
    busy.abort();
    assert!(game.iter().all(JoinHandle::abort));
}

#[test]
fn an_aborted_task_is_dropped_at_once() {
    let log = Log::default();
    let guard = log.dropped("dropped");
    let handle = spawn_local(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    turn();
    assert_eq!(log.take(), "");
    assert!(handle.abort());
    assert_eq!(log.take(), "dropped");
    assert!(!handle.abort() && handle.is_finished());
    assert_eq!(block_on(handle).unwrap().unwrap_err(), JoinErrorKind::Aborted);

    // One that is ready and was never polled.
    let guard = log.dropped("unpolled");
    let handle = spawn_local(async move { drop(guard) }).scoped();
    drop(handle);
    assert_eq!(log.take(), "unpolled");
    turn();
}

#[test]
fn a_task_that_aborts_itself_ends_at_its_next_await() {
    let log = Log::default();
    let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
    let (said, guard, handle) = (log.clone(), log.dropped("dropped"), own.clone());
    own.replace(Some(spawn_local(async move {
        let _guard = guard;
        let aborted = handle.borrow().as_ref().unwrap().abort();
        said.add(format!("aborted {aborted}"));
        yield_now().await;
        said.add("never");
    })));
    turn();
    turn();
    assert_eq!(log.take(), "aborted true dropped");
    let handle = own.take().unwrap();
    assert_eq!(block_on(handle).unwrap().unwrap_err(), JoinErrorKind::Aborted);
}

#[test]
fn who_awaits_a_task_is_told_that_its_owner_has_died() {
    let owner = QObject::new();
    let endless = spawn_for(&owner, async |_| pending::<()>().await);
    let waiting = spawn_local(endless);
    turn();
    drop(owner);
    assert_eq!(block_on(waiting).unwrap().unwrap().unwrap_err(), JoinErrorKind::Aborted);
}

#[test]
fn a_panic_is_an_error_at_the_handle() {
    let handle = spawn_local(async {
        yield_now().await;
        panic!("number {}", std::hint::black_box(7));
    });
    let error = block_on(handle).unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (JoinErrorKind::Panicked, "the task panicked: number 7")
    );
    assert!(error.into_panic().unwrap().is::<String>());
}

#[test]
fn a_panic_in_a_drop_is_an_error_as_well() {
    // In the drop of the future, after it has returned.
    let handle = spawn_local({
        let guard = OnDrop(|| panic!("in a drop"));
        async move {
            let _guard = &guard;
        }
    });
    let error = block_on(handle).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the task panicked: in a drop");

    // In the drop of an output that nobody wants: as in a slot.
    drop(spawn_local(async { OnDrop(|| panic!("in an output")) }));
    assert!(catch_unwind(turn).is_err());
    // In the drop of a task that is aborted: in abort().
    let guard = OnDrop(|| panic!("in abort"));
    let handle = spawn_local(async move {
        pending::<()>().await;
        drop(guard);
    });
    turn();
    assert!(catch_unwind(AssertUnwindSafe(|| handle.abort())).is_err());
    assert_eq!(block_on(handle).unwrap().unwrap_err(), JoinErrorKind::Aborted);
}

#[test]
fn the_panic_of_a_task_without_a_handle_unwinds_out_of_the_loop() {
    spawn_local(async { panic!("nobody looks") }).detach();
    let after = spawn_local(async { 1 });
    let payload = catch_unwind(turn).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"nobody looks"));
    assert_eq!(block_on(after).unwrap().unwrap(), 1);
}

#[test]
fn a_task_dies_with_its_owner() {
    let (log, owner) = (Log::default(), QObject::new());
    let guard = log.dropped("task");
    let handle = spawn_for(&owner, async move |owner| {
        let _guard = guard;
        pending::<()>().await;
        drop(owner);
    });
    turn();
    let said = log.clone();
    owner.destroyed.connect(move |_| said.add("destroyed"));
    // The handle of the task does not keep its owner.
    drop(owner);
    assert_eq!(log.take(), "destroyed task");
    assert_eq!(block_on(handle).unwrap().unwrap_err(), JoinErrorKind::Aborted);
}

#[test]
fn the_parent_and_delete_later_end_the_tasks_of_an_object() {
    let log = Log::default();
    let (parent, child, other) = (QObject::new(), QObject::new(), QObject::new());
    child.set_parent(Some(&parent));
    for (owner, name) in [(&child, "child"), (&other, "other")] {
        let guard = log.dropped(name);
        spawn_for(owner, async move |_| {
            pending::<()>().await;
            drop(guard);
        });
    }
    turn();
    drop(parent);
    assert_eq!(log.take(), "child");
    // A task that destroys its own owner: it ends at its next await.
    let (said, guard) = (log.clone(), log.dropped("self"));
    spawn_for(&other, async move |other| {
        let _guard = guard;
        other.delete_later();
        said.add("requested");
        while !other.is_deleted() {
            yield_now().await;
        }
        said.add("never");
    });
    turn();
    turn();
    assert!(other.is_deleted());
    assert_eq!(log.take(), "requested other self");
    assert_eq!(
        block_on(spawn_for(&other, async |_| ())).unwrap().unwrap_err(),
        JoinErrorKind::Aborted
    );
}

#[test]
fn the_last_handle_may_go_while_the_owner_s_task_runs() {
    let log = Log::default();
    let holder: Rc<RefCell<Option<QObject>>> = Rc::default();
    let owner = QObject::new();
    let (said, guard, held) = (log.clone(), log.dropped("dropped"), holder.clone());
    spawn_for(&owner, async move |owner| {
        let _guard = guard;
        held.take();
        said.add(owner.is_deleted());
        yield_now().await;
        said.add("never");
    });
    holder.replace(Some(owner));
    turn();
    turn();
    assert_eq!(log.take(), "true dropped");
}

#[test]
fn block_on_runs_the_loop_inside_of_slots_tasks_and_threads() {
    let timer = QTimer::new();
    let inner = Rc::new(Cell::new(0));
    timer.timeout.connect_to(&inner, |inner, ()| {
        inner.set(
            block_on(async {
                sleep(1).await;
                inner.get() + 1
            })
            .unwrap(),
        );
    });
    timer.start_with_interval(0);
    let words = String::from("borrowed");
    let borrowed = &words;
    let outer = block_on(async {
        let task = spawn_local(async {
            block_on(async {
                sleep(1).await;
                5
            })
            .unwrap()
        });
        (task.await.unwrap(), borrowed.len())
    });
    assert_eq!(outer.unwrap(), (5, 8));
    assert!(wait_until(5000, || inner.get() > 0));
    let elsewhere = thread::spawn(|| {
        block_on(async {
            sleep(1).await;
            9
        })
        .unwrap()
    });
    assert_eq!(elsewhere.join().unwrap(), 9);
}

#[test]
fn block_on_ends_with_the_application_and_panics_with_its_future() {
    let app = QCoreApplication::new();
    QTimer::single_shot_to(1, &app, |app| app.quit());
    assert_eq!(block_on(pending::<()>()).unwrap_err(), BlockOnErrorKind::Quit);
    assert!(catch_unwind(|| block_on(async { panic!("inside") })).is_err());
    assert_eq!(block_on(async { 1 }), Ok(1));
}

#[test]
fn other_threads_wake_tasks() {
    const TASKS: usize = 64;
    const ROUNDS: usize = 200;
    let (sender, wakers) = mpsc::channel::<(usize, Waker)>();
    let rung: Arc<[AtomicUsize]> = (0..TASKS).map(|_| AtomicUsize::new(0)).collect();
    let bells = rung.clone();
    let ringer = thread::spawn(move || {
        for (task, waker) in wakers {
            bells[task].fetch_add(1, Ordering::Release);
            waker.wake_by_ref();
            waker.wake();
        }
    });
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (sender, rung) = (sender.clone(), rung.clone());
            spawn_local(async move {
                for round in 0..ROUNDS {
                    let mut asked = false;
                    poll_fn(|context| {
                        if rung[task].load(Ordering::Acquire) > round {
                            return Poll::Ready(());
                        }
                        if !std::mem::replace(&mut asked, true) {
                            sender.send((task, context.waker().clone())).unwrap();
                        }
                        Poll::Pending
                    })
                    .await;
                }
            })
        })
        .collect();
    drop(sender);
    let all = timeout(30_000, async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(block_on(all).unwrap(), Ok(()));
    ringer.join().unwrap();
}

#[test]
fn another_thread_wakes_the_future_of_block_on() {
    for _ in 0..500 {
        let state = Arc::new(Mutex::new((false, None::<Waker>)));
        let other = state.clone();
        let thread = thread::spawn(move || {
            let waker = {
                let mut state = other.lock().unwrap();
                state.0 = true;
                state.1.take()
            };
            waker.into_iter().for_each(Waker::wake);
        });
        let waiting = poll_fn(|context| {
            let mut state = state.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1 = Some(context.waker().clone());
            Poll::Pending
        });
        assert_eq!(block_on(timeout(30_000, waiting)).unwrap(), Ok(()));
        thread.join().unwrap();
    }
}

#[test]
fn wakers_outlive_the_loop() {
    let (sender, wakers) = mpsc::channel::<Waker>();
    let (dropped, drops) = mpsc::channel();
    let home = thread::spawn(move || {
        for _ in 0..10 {
            let (sender, dropped) = (sender.clone(), dropped.clone());
            let guard = OnDrop(move || dropped.send(thread::current().id()).unwrap());
            spawn_local(async move {
                let _guard = guard;
                poll_fn(|context| {
                    sender.send(context.waker().clone()).unwrap();
                    Poll::<()>::Pending
                })
                .await;
            });
        }
        turn();
        thread::current().id()
    });
    // Some are woken while the thread ends, the others afterwards.
    let first: Vec<_> = wakers.iter().take(5).inspect(Waker::wake_by_ref).collect();
    let id = home.join().unwrap();
    let rest: Vec<_> = wakers.iter().collect();
    first.iter().chain(&rest).for_each(Waker::wake_by_ref);
    drop((first, rest));
    // All futures were dropped in their own thread.
    let ids: Vec<_> = drops.iter().collect();
    assert_eq!(ids, vec![id; 10]);
}

#[test]
fn the_thread_drops_its_tasks_in_order() {
    let (log, lines) = mpsc::channel();
    thread::spawn(move || {
        for name in 0..5 {
            let log = log.clone();
            let guard = OnDrop(move || {
                // A task that is spawned in the end never runs.
                let late = spawn_local(async {});
                log.send((name, late.is_finished())).unwrap();
            });
            spawn_local(async move {
                let _guard = guard;
                sleep(-1).await;
            });
        }
        turn();
    })
    .join()
    .unwrap();
    let lines: Vec<_> = lines.iter().collect();
    assert_eq!(lines, (0..5).map(|name| (name, true)).collect::<Vec<_>>());
}

#[test]
fn a_task_that_runs_a_loop_is_not_entered_again() {
    let log = Log::default();
    let (said, other) = (log.clone(), log.clone());
    let task = spawn_local(async move {
        said.add("in");
        poll_fn(|context| {
            // Woken while it runs: it goes on later.
            context.waker().wake_by_ref();
            turn();
            Poll::Ready(())
        })
        .await;
        said.add("out");
        yield_now().await;
        said.add("end");
    });
    spawn_local(async move { other.add("other") });
    block_on(task).unwrap().unwrap();
    assert_eq!(log.take(), "in other out end");
}

#[test]
fn sleeping_in_virtual_time() {
    let clock = VirtualClock::install();
    let before = clock.now();
    let log = Log::default();
    let tasks: Vec<_> = [3, 1, 2]
        .into_iter()
        .map(|hours| {
            let log = log.clone();
            spawn_local(async move {
                sleep(Duration::from_secs(3600 * hours)).await;
                log.add(hours);
            })
        })
        .collect();
    let passed = block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
        clock.now() - before
    });
    assert_eq!(log.take(), "1 2 3");
    assert_eq!(passed.unwrap(), Duration::from_secs(3 * 3600));

    let mut ticks = interval(Duration::from_secs(60));
    let start = clock.now();
    block_on(async {
        for minute in 1..=3 {
            ticks.tick().await;
            assert_eq!(clock.now() - start, Duration::from_secs(60 * minute));
        }
        // Late by five and a half: those are not made up for.
        clock.advance(Duration::from_secs(330));
        ticks.tick().await;
        let late = clock.now();
        ticks.tick().await;
        assert_eq!(clock.now() - late, Duration::from_secs(60));
    })
    .unwrap();
}

#[test]
fn time_outs() {
    let _clock = VirtualClock::install();
    block_on(async {
        assert_eq!(timeout(0, async { 1 }).await, Ok(1));
        assert_eq!(timeout(-1, sleep(1000)).await, Ok(()));
        assert_eq!(timeout(1000, sleep(999)).await, Ok(()));
        let error = timeout(1000, sleep(1001)).await.unwrap_err();
        assert_eq!(error, TimeoutErrorKind::TimedOut);
        assert_eq!(timeout(0, pending::<()>()).await.unwrap_err(), TimeoutErrorKind::TimedOut);
    })
    .unwrap();
}

#[test]
fn a_sleep_that_is_dropped_leaves_no_timer() {
    let clock = VirtualClock::install();
    let before = clock.now();
    block_on(async {
        for _ in 0..1000 {
            timeout(Duration::from_secs(3600), yield_now()).await.unwrap();
        }
        sleep(1).await;
    })
    .unwrap();
    assert_eq!(clock.now() - before, Duration::from_millis(1));
}

#[test]
fn a_task_s_sender_and_level_are_those_of_a_slot() {
    let (emitter, log) = (QObject::new(), Log::default());
    let woken = Rc::new(Signal::<()>::of(&emitter));
    let (signal, said) = (woken.clone(), log.clone());
    let object = QObject::new();
    let doomed = object.clone();
    let gone = log.clone();
    object.destroyed.connect(move |_| gone.add("destroyed"));
    let task = spawn_local(async move {
        signal.next().await.unwrap();
        said.add(qcore::sender().is_none());
        doomed.delete_later();
        turn(); // this loop is inside of the task
        said.add("after a nested loop");
        yield_now().await;
        said.add("after the loop");
    });
    turn();
    woken.emit(());
    block_on(task).unwrap().unwrap();
    assert_eq!(log.take(), "true after a nested loop destroyed after the loop");
}

#[test]
fn many_short_tasks_of_one_owner_leave_nothing_behind() {
    let owner = QObject::new();
    let count = Rc::new(Cell::new(0));
    for _ in 0..1000 {
        for _ in 0..100 {
            let count = count.clone();
            spawn_for(&owner, async move |_| count.set(count.get() + 1));
        }
        turn();
    }
    assert_eq!(count.get(), 100_000);
}
