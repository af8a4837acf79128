//! calloop.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use calloop::{
    EventLoop, Interest, LoopHandle, Mode, PostAction,
    channel::{Event, Sender, channel},
    generic::Generic,
    timer::{TimeoutAction, Timer},
};
use peers::{Trips, cpu_seconds, report, report_each};

pub fn run(work: &str, seconds: f64) -> bool {
    match work {
        "queued" => queued(),
        "crossthread" => crossthread(),
        "zero" => zero(seconds),
        "timers10k" => timers(10_000),
        "timers" => timers(100_000),
        "echo" => echo(seconds),
        _ => return false,
    }
    true
}

fn new<'l, T>() -> EventLoop<'l, T> {
    EventLoop::try_new().expect("descriptors are free")
}

fn queued() {
    let mut event_loop = new::<u32>();
    let handle = event_loop.handle();
    let mut sum = 0;
    let mut start = Instant::now();
    for round in 0..360 {
        if round == 60 {
            start = Instant::now();
        }
        for value in 0..1000 {
            handle.insert_idle(move |sum| *sum = value);
        }
        event_loop.dispatch(Some(Duration::ZERO), &mut sum).expect("a loop");
    }
    report_each("queued_batch1000", start, 300_000u32, "ns/call");

    fn again(handle: &LoopHandle<'_, u32>) {
        let next = handle.clone();
        handle.insert_idle(move |left| {
            *left -= 1;
            if *left > 0 {
                again(&next);
            }
        });
    }
    let mut left = 100_000;
    again(&handle);
    let start = Instant::now();
    while left > 0 {
        event_loop.dispatch(Some(Duration::ZERO), &mut left).expect("a loop");
    }
    report_each("queued_chain", start, 100_000u32, "ns/call");
}

/// Counts messages of another thread, and answers those that are 0.
fn receive(answer: Sender<u32>) -> (Sender<u32>, thread::JoinHandle<()>) {
    let (sender, receiver) = channel::<u32>();
    let worker = thread::spawn(move || {
        let mut event_loop = new::<bool>();
        let on_event = move |event, (): &mut (), ends: &mut bool| match event {
            Event::Msg(0) => answer.send(0).expect("the other loop runs"),
            Event::Msg(_) => (),
            Event::Closed => *ends = true,
        };
        event_loop.handle().insert_source(receiver, on_event).expect("a source");
        let mut ends = false;
        while !ends {
            event_loop.dispatch(None, &mut ends).expect("a loop");
        }
    });
    (sender, worker)
}

fn crossthread() {
    let mut event_loop = new::<u32>();
    let (back, answers) = channel::<u32>();
    let on_answer = |event, (): &mut (), seen: &mut u32| {
        if matches!(event, Event::Msg(_)) {
            *seen += 1;
        }
    };
    event_loop.handle().insert_source(answers, on_answer).expect("a source");
    let (there, worker) = receive(back);
    let mut seen = 0;
    let mut wait = |seen: &mut u32, expected: u32| {
        while *seen < expected {
            event_loop.dispatch(None, seen).expect("a loop");
        }
    };
    let start = Instant::now();
    for trip in 1..=20_000 {
        there.send(0).expect("the worker runs");
        wait(&mut seen, trip);
    }
    report_each("crossthread_roundtrip", start, 20_000u32, "ns/trip");
    let start = Instant::now();
    for batch in 1..=300 {
        (0..1000).rev().for_each(|value| there.send(value).expect("the worker runs"));
        wait(&mut seen, 20_000 + batch);
    }
    report_each("crossthread_batch1000", start, 300_000u32, "ns/call");
    drop(there);
    worker.join().expect("the worker ends");
}

fn zero(seconds: f64) {
    let mut event_loop = new::<u64>();
    let on_timer = |_, (): &mut (), fires: &mut u64| {
        *fires += 1;
        TimeoutAction::ToDuration(Duration::ZERO)
    };
    event_loop.handle().insert_source(Timer::immediate(), on_timer).expect("a source");
    let (start, mut fires) = (Instant::now(), 0);
    while start.elapsed().as_secs_f64() < seconds {
        event_loop.dispatch(Some(Duration::ZERO), &mut fires).expect("a loop");
    }
    report("zero_timer", fires as f64 / start.elapsed().as_secs_f64(), "fires/s");
}

fn timers(count: u32) {
    let delays = peers::delays(count as usize);
    let mut event_loop = new::<u32>();
    let before = cpu_seconds();
    for delay in delays {
        let on_timer = |_, (): &mut (), left: &mut u32| {
            *left -= 1;
            TimeoutAction::Drop
        };
        event_loop.handle().insert_source(Timer::from_duration(delay), on_timer).expect("a source");
    }
    let mut left = count;
    while left > 0 {
        event_loop.dispatch(None, &mut left).expect("a loop");
    }
    let bench = format!("timers{}k_total_cpu", count / 1000);
    report(&bench, cpu_seconds() - before, "s");
}

fn echo(seconds: f64) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let mut client =
        TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
    let (server, _) = listener.accept().expect("a connection");
    client.write_all(&[b'x'; 64]).expect("there is room");
    let mut event_loop = new::<bool>();
    let mut trips = Trips::new(seconds);
    for (stream, is_client) in [(server, false), (client, true)] {
        stream.set_nonblocking(true).expect("a socket");
        let mut trips = is_client.then(|| std::mem::replace(&mut trips, Trips::new(seconds)));
        let source = Generic::new(stream, Interest::READ, Mode::Level);
        let on_ready =
            move |_, stream: &mut calloop::generic::NoIoDrop<TcpStream>, ends: &mut bool| {
                let (mut stream, mut buffer) = (&**stream, [0; 4096]);
                let count = stream.read(&mut buffer)?;
                *ends |= trips.as_mut().is_some_and(Trips::done);
                stream.write_all(&buffer[..count])?;
                Ok(PostAction::Continue)
            };
        event_loop.handle().insert_source(source, on_ready).expect("a source");
    }
    let mut ends = false;
    while !ends {
        event_loop.dispatch(None, &mut ends).expect("a loop");
    }
}
