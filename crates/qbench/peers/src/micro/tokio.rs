//! tokio with one thread.

use std::{
    cell::Cell,
    future::Future,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use peers::{SLEEPERS, Trips, cpu_seconds, report, report_each};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::mpsc::unbounded_channel,
    task::{LocalSet, spawn_local, yield_now},
};

pub fn run(work: &str, seconds: f64) -> bool {
    match work {
        "queued" => block_on(queued()),
        "crossthread" => crossthread(),
        "zero" => block_on(zero(seconds)),
        "timers10k" => block_on(timers(10_000)),
        "timers" => block_on(timers(100_000)),
        "echo" => block_on(echo(seconds)),
        "tasks" => block_on(tasks()),
        "grow" => block_on(grow()),
        _ => return false,
    }
    true
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, work);
}

/// Messages of a channel to a task of the same thread.
async fn queued() {
    let (sender, mut receiver) = unbounded_channel::<u32>();
    let seen = Rc::new(Cell::new(0u32));
    let count = seen.clone();
    spawn_local(async move {
        while receiver.recv().await.is_some() {
            count.set(count.get() + 1);
        }
    });
    let mut expected = 0;
    let mut start = Instant::now();
    for round in 0..360 {
        if round == 60 {
            start = Instant::now();
        }
        (0..1000).for_each(|value| sender.send(value).expect("the task runs"));
        expected += 1000;
        while seen.get() < expected {
            yield_now().await;
        }
    }
    report_each("queued_batch1000", start, 300_000u32, "ns/call");

    let (there, mut asked) = unbounded_channel::<u32>();
    let (back, mut answered) = unbounded_channel::<u32>();
    spawn_local(async move {
        while let Some(value) = asked.recv().await {
            back.send(value).ok();
        }
    });
    let start = Instant::now();
    for value in 0..50_000 {
        there.send(value).expect("the task runs");
        answered.recv().await;
    }
    report_each("queued_chain", start, 100_000u32, "ns/call");
}

/// Round trips and batches between two threads, each with a runtime.
fn crossthread() {
    let (there, mut asked) = unbounded_channel::<u32>();
    let (back, mut answered) = unbounded_channel::<u32>();
    let sum = Arc::new(AtomicU32::new(0));
    let count = sum.clone();
    let worker = thread::spawn(move || {
        block_on(async move {
            while let Some(value) = asked.recv().await {
                count.store(count.load(Relaxed) + 1, Relaxed);
                if value == 0 {
                    back.send(value).ok();
                }
            }
        });
    });
    block_on(async move {
        let start = Instant::now();
        for _ in 0..20_000 {
            there.send(0).expect("the worker runs");
            answered.recv().await;
        }
        report_each("crossthread_roundtrip", start, 20_000u32, "ns/trip");
        let start = Instant::now();
        for _ in 0..300 {
            (1..1000).rev().for_each(|value| there.send(value).expect("the worker runs"));
            there.send(0).expect("the worker runs");
            answered.recv().await;
        }
        report_each("crossthread_batch1000", start, 300_000u32, "ns/call");
    });
    worker.join().expect("the worker ends");
    assert_eq!(sum.load(Relaxed), 320_000);
}

async fn zero(seconds: f64) {
    let (start, mut fires) = (Instant::now(), 0u64);
    while fires % 1024 != 0 || start.elapsed().as_secs_f64() < seconds {
        yield_now().await;
        fires += 1;
    }
    report("zero_timer", fires as f64 / start.elapsed().as_secs_f64(), "fires/s");
}

/// A task for each timer, as there are no timers without.
async fn timers(count: u32) {
    let delays = peers::delays(count as usize);
    let before = cpu_seconds();
    let tasks: Vec<_> = delays
        .into_iter()
        .map(|delay| {
            let sleep = tokio::time::sleep(delay);
            spawn_local(sleep)
        })
        .collect();
    for task in tasks {
        task.await.expect("the task ends");
    }
    let bench = format!("timers{}k_total_cpu", count / 1000);
    report(&bench, cpu_seconds() - before, "s");
}

async fn echo(seconds: f64) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("an address");
    spawn_local(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..count]).await.ok();
        }
    });
    let mut stream = TcpStream::connect(address).await.expect("a listener");
    let (mut buffer, mut trips) = ([0; 64], Trips::new(seconds));
    loop {
        stream.write_all(&[b'x'; 64]).await.expect("a peer");
        stream.read_exact(&mut buffer).await.expect("a peer");
        if trips.done() {
            return;
        }
    }
}

async fn tasks() {
    const COUNT: u32 = 200_000;
    let done = Rc::new(Cell::new(0));
    let start = Instant::now();
    for _ in 0..COUNT {
        let done = done.clone();
        spawn_local(async move { done.set(done.get() + 1) });
    }
    while done.get() < COUNT {
        yield_now().await;
    }
    report_each("task_spawn_and_finish", start, COUNT, "ns");

    let start = Instant::now();
    let tasks = peers::players(COUNT).map(spawn_local);
    for task in tasks {
        task.await.expect("the task ends");
    }
    report_each("task_ping_pong", start, COUNT, "ns");

    for (name, sleepers, wakings) in
        [("task_wake", 1, COUNT / 10), ("task_wake_batch", SLEEPERS, COUNT)]
    {
        let start = Instant::now();
        let (sleepers, thread) = peers::sleepers(sleepers, wakings / sleepers);
        let tasks: Vec<_> = sleepers.into_iter().map(spawn_local).collect();
        for task in tasks {
            task.await.expect("the task ends");
        }
        thread.join().expect("the thread ends");
        report_each(name, start, wakings, "ns");
    }
}

/// Timers that are made and dropped, while others are pending.
async fn grow() {
    for count in [1u32, 10, 100, 1000, 10_000, 100_000] {
        let pending: Vec<_> = (0..count)
            .map(|number| {
                let delay = Duration::from_millis(1_000_000 + u64::from(number) * 7919 % 1000);
                let mut sleep = Box::pin(tokio::time::sleep(delay));
                // A timer starts when it is first polled.
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(sleep.as_mut().poll(&mut context).is_pending());
                sleep
            })
            .collect();
        let times = 20_000u32;
        let start = Instant::now();
        for number in 0..times {
            let delay = Duration::from_millis(1_000_000 + u64::from(number) * 104_729 % 1000);
            let mut sleep = std::pin::pin!(tokio::time::sleep(delay));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(sleep.as_mut().poll(&mut context).is_pending());
        }
        report_each(&format!("timer_at_{count}"), start, times, "ns/timer");
        drop(pending);
    }
}
