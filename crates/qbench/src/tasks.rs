//! Tasks that wake each other or are woken by another thread. The peers use this file, too, so that
//! all executors run the same futures.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    task::{Poll, Waker},
    thread::{self, JoinHandle},
};

/// How many tasks a thread wakes at once.
pub const SLEEPERS: u32 = 1000;

/// Returns two futures that wake each other until they have done so `count` times together.
pub fn players(count: u32) -> [impl Future<Output = ()> + 'static; 2] {
    let turn = Rc::new((Cell::new(0), Cell::new(None::<Waker>), Cell::new(None::<Waker>)));
    [0, 1].map(|player| {
        let turn = turn.clone();
        async move {
            let (own, other) = if player == 0 { (&turn.1, &turn.2) } else { (&turn.2, &turn.1) };
            for _ in 0..count / 2 {
                poll_fn(|context| {
                    if turn.0.get() % 2 == player {
                        return Poll::Ready(());
                    }
                    own.set(Some(context.waker().clone()));
                    Poll::Pending
                })
                .await;
                turn.0.set(turn.0.get() + 1);
                if let Some(waker) = other.take() {
                    waker.wake();
                }
            }
        }
    })
}

/// A task that waits for another thread.
#[derive(Default)]
struct Sleeper {
    waker: Mutex<Option<Waker>>,
    /// How often the thread has woken the task.
    rounds: AtomicU32,
}

impl Sleeper {
    /// Waits until the thread has woken the task `round` times.
    async fn sleep(&self, round: u32) {
        poll_fn(|context| {
            let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            if self.rounds.load(Ordering::Relaxed) >= round {
                return Poll::Ready(());
            }
            match &mut *waker {
                Some(known) if known.will_wake(context.waker()) => {}
                other => *other = Some(context.waker().clone()),
            }
            Poll::Pending
        })
        .await;
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        self.rounds.fetch_add(1, Ordering::Relaxed);
        let waker = waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Starts a thread that wakes `tasks` tasks at once, waits for their answer, and does so `rounds`
/// times. Returns the futures of the tasks and the thread.
///
/// # Panics
///
/// The thread panics if the futures are dropped before.
pub fn sleepers(
    tasks: u32,
    rounds: u32,
) -> (Vec<impl Future<Output = ()> + 'static>, JoinHandle<()>) {
    let sleepers: Arc<[Sleeper]> = (0..tasks).map(|_| Sleeper::default()).collect();
    let (ready, told) = mpsc::channel::<()>();
    let up = Rc::new(Cell::new(0));
    let futures = (0..tasks as usize).map(|number| {
        let (sleepers, up, ready) = (sleepers.clone(), up.clone(), ready.clone());
        async move {
            for round in 1..=rounds {
                sleepers[number].sleep(round).await;
                up.set(up.get() + 1);
                if up.get() == tasks {
                    up.set(0);
                    // The thread has ended if this is the last round.
                    ready.send(()).ok();
                }
            }
        }
    });
    let futures = futures.collect();
    let thread = thread::spawn(move || {
        for _ in 0..rounds {
            sleepers.iter().for_each(Sleeper::wake);
            if told.recv().is_err() {
                // The tasks have been dropped.
                return;
            }
        }
    });
    (futures, thread)
}
