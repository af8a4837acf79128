//! smol's executor for one thread, with async-io.

use std::{cell::Cell, rc::Rc, time::Instant};

use async_executor::LocalExecutor;
use peers::{SLEEPERS, Trips, cpu_seconds, report, report_each};
use smol::{
    Timer,
    future::yield_now,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub fn run(work: &str, seconds: f64) -> bool {
    let executor = LocalExecutor::new();
    match work {
        "timers10k" => smol::block_on(executor.run(timers(&executor, 10_000))),
        "timers" => smol::block_on(executor.run(timers(&executor, 100_000))),
        "echo" => smol::block_on(executor.run(echo(&executor, seconds))),
        "tasks" => smol::block_on(executor.run(tasks(&executor))),
        "zero" => smol::block_on(executor.run(zero(seconds))),
        _ => return false,
    }
    true
}

async fn timers(executor: &LocalExecutor<'_>, count: u32) {
    let delays = peers::delays(count as usize);
    let before = cpu_seconds();
    let tasks: Vec<_> =
        delays.into_iter().map(|delay| executor.spawn(Timer::after(delay))).collect();
    for task in tasks {
        task.await;
    }
    let bench = format!("timers{}k_total_cpu", count / 1000);
    report(&bench, cpu_seconds() - before, "s");
}

async fn zero(seconds: f64) {
    let (start, mut fires) = (Instant::now(), 0u64);
    while fires % 1024 != 0 || start.elapsed().as_secs_f64() < seconds {
        yield_now().await;
        fires += 1;
    }
    report("zero_timer", fires as f64 / start.elapsed().as_secs_f64(), "fires/s");
}

async fn echo(executor: &LocalExecutor<'_>, seconds: f64) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("an address");
    let serve = async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..count]).await.ok();
        }
    };
    let ask = async move {
        let mut stream = TcpStream::connect(address).await.expect("a listener");
        let (mut buffer, mut trips) = ([0; 64], Trips::new(seconds));
        loop {
            stream.write_all(&[b'x'; 64]).await.expect("a peer");
            stream.read_exact(&mut buffer).await.expect("a peer");
            if trips.done() {
                return;
            }
        }
    };
    let serving = executor.spawn(serve);
    ask.await;
    drop(serving);
}

async fn tasks(executor: &LocalExecutor<'_>) {
    const COUNT: u32 = 200_000;
    let done = Rc::new(Cell::new(0));
    let start = Instant::now();
    for _ in 0..COUNT {
        let done = done.clone();
        executor.spawn(async move { done.set(done.get() + 1) }).detach();
    }
    while done.get() < COUNT {
        yield_now().await;
    }
    report_each("task_spawn_and_finish", start, COUNT, "ns");

    let start = Instant::now();
    let tasks = peers::players(COUNT).map(|player| executor.spawn(player));
    for task in tasks {
        task.await;
    }
    report_each("task_ping_pong", start, COUNT, "ns");

    for (name, sleepers, wakings) in
        [("task_wake", 1, COUNT / 10), ("task_wake_batch", SLEEPERS, COUNT)]
    {
        let start = Instant::now();
        let (sleepers, thread) = peers::sleepers(sleepers, wakings / sleepers);
        let tasks: Vec<_> = sleepers.into_iter().map(|future| executor.spawn(future)).collect();
        for task in tasks {
            task.await;
        }
        thread.join().expect("the thread ends");
        report_each(name, start, wakings, "ns");
    }
}
