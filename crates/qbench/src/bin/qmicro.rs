//! Benchmarks in one process: `qmicro WORK [SECONDS]`. `WORK` is one of `emit`, `emit-to`,
//! `connect`, `queued`, `crossthread`, `zero`, `timers10k`, `timers`, `echo`, `text`, `tasks`,
//! `blocking`, `burst` and `grow`.
//!
//! Each benchmark prints its figures as lines of JSON. `blocking` is a client that waits for its
//! server, `burst` sends many datagrams at once, and `grow` shows how costs grow with the number of
//! slots and timers. The number of seconds is how long those take that repeat their work for a
//! certain time. If it is below 1, the others do less, too.

use std::{
    cell::{Cell, RefCell},
    hint::black_box,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use qbench::{SLEEPERS, cpu_seconds, report};
use qcore::{
    Connection, ConnectionType, OpenMode, QBuffer, QCoreApplication, QObject, QTextStream, QTimer,
    Signal, TimerType, block_on, spawn_local, wait_until,
};
use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};

fn main() -> ExitCode {
    let seconds = std::env::args().nth(2).and_then(|text| text.parse::<f64>().ok());
    let short = seconds.is_some_and(|seconds| seconds < 1.0);
    let (one, longer) = (seconds.unwrap_or(1.0), seconds.unwrap_or(1.5));
    match std::env::args().nth(1).as_deref() {
        Some("emit") => emit(),
        Some("emit-to") => emit_to(),
        Some("connect") => connect(),
        Some("queued") => queued(),
        Some("crossthread") => qbench::crossthread(if short { 5 } else { 1 }),
        Some("zero") => zero(one),
        Some("timers10k") => timers(10_000),
        Some("timers") => timers(100_000),
        Some("echo") => echo(longer),
        Some("text") => text(if short { 1 } else { 5 }),
        Some("tasks") => tasks(if short { 200_000 } else { 1_000_000 }),
        Some("blocking") => qbench::blocking(one),
        Some("burst") => qbench::burst(one),
        Some("grow") => qbench::grow(),
        _ => {
            eprintln!(
                "usage: qmicro emit|emit-to|connect|queued|crossthread|zero|timers10k|timers|echo|\
                 text|tasks|blocking|burst|grow [SECONDS]"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Measures tasks: many that are ready at once, two that wake each other, those that another thread
/// wakes, and one that awaits a signal, in nanoseconds each.
fn tasks(tasks: u32) {
    let per = |name: &str, start: Instant, count: u32| {
        report(name, start.elapsed().as_nanos() as f64 / f64::from(count), "ns");
    };

    let start = Instant::now();
    let done = Rc::new(Cell::new(0));
    for _ in 0..tasks {
        let done = done.clone();
        spawn_local(async move { done.set(done.get() + 1) });
    }
    assert!(wait_until(60_000, || done.get() == tasks));
    per("task_spawn_and_finish", start, tasks);

    let start = Instant::now();
    run_all(qbench::players(tasks));
    per("task_ping_pong", start, tasks);

    for (name, sleepers, wakings) in
        [("task_wake", 1, tasks / 10), ("task_wake_batch", SLEEPERS, tasks)]
    {
        let start = Instant::now();
        let (sleepers, thread) = qbench::sleepers(sleepers, wakings / sleepers);
        run_all(sleepers);
        thread.join().expect("the thread ends");
        per(name, start, wakings);
    }

    let signal = Rc::new(Signal::<u32>::new());
    let (awaited, seen) = (signal.clone(), Rc::new(Cell::new(0)));
    let count = seen.clone();
    let _task = spawn_local(async move {
        while awaited.next().await.is_ok() {
            count.set(count.get() + 1);
        }
    })
    .scoped();
    let app = QCoreApplication::instance();
    app.process_events();
    let start = Instant::now();
    for value in 0..tasks {
        signal.emit(value);
        app.process_events();
    }
    per("signal_next", start, tasks);
    assert_eq!(seen.get(), tasks);

    let queued = Signal::<u32>::new();
    let sum = Rc::new(Cell::new(0));
    queued.connect_to_with_type(&sum, ConnectionType::QUEUED, |sum, _| sum.set(sum.get() + 1));
    let start = Instant::now();
    for value in 0..tasks {
        queued.emit(value);
        app.process_events();
    }
    per("signal_queued", start, tasks);
    assert_eq!(sum.get(), tasks);
}

/// Runs futures as tasks, and waits for their ends.
fn run_all(futures: impl IntoIterator<Item = impl Future<Output = ()> + 'static>) {
    let tasks: Vec<_> = futures.into_iter().map(spawn_local).collect();
    let all = async {
        for task in tasks {
            task.await.expect("the task ends");
        }
    };
    block_on(all).expect("the application does not quit");
}

/// Measures the emission of an object's signal to closures, which add to one sum.
fn emit() {
    for count in [1, 10, 100] {
        let object = QObject::new();
        let sum = Rc::new(Cell::new(0i64));
        let signal = Signal::of(&object);
        for _ in 0..count {
            let sum = sum.clone();
            signal.connect(move |value| sum.set(sum.get() + value));
        }
        time_emission(&format!("emit_n{count}"), count, &signal);
        assert_ne!(sum.get(), 0);
    }
}

/// Measures the emission of an object's signal to slots that have a receiver each. This has a
/// process of its own: the processor predicts a call better if it always goes to the same function.
fn emit_to() {
    for count in [1, 10, 100] {
        let object = QObject::new();
        let receivers: Vec<_> = (0..count).map(|_| Rc::new(Cell::new(0i64))).collect();
        let signal = Signal::of(&object);
        for receiver in &receivers {
            signal.connect_to(receiver, |sum, value| sum.set(sum.get() + value));
        }
        time_emission(&format!("emit_to_n{count}"), count, &signal);
        assert!(receivers.iter().all(|sum| sum.get() != 0));
    }
}

fn time_emission(bench: &str, slots: i64, signal: &Signal<i64>) {
    let times = (4_000_000 / slots).max(40_000);
    for value in 0..times / 10 {
        black_box(signal).emit(value);
    }
    let start = Instant::now();
    for value in 0..times {
        black_box(signal).emit(value);
    }
    report(bench, nanos(start) / (times * slots) as f64, "ns/slot");
}

fn nanos(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9
}

/// Measures connections that are made and then cut, in the order in which they were made. The clock
/// is read once for all rounds, because reading it takes as long as half a connection. So a second
/// pass measures both halves.
fn connect() {
    for (count, rounds) in [(1usize, 200_000), (100, 4_000), (10_000, 40)] {
        let object = QObject::new();
        let signal: Signal<i64> = Signal::of(&object);
        let sum = Rc::new(Cell::new(0));
        let mut connections = Vec::with_capacity(count);
        let all = f64::from(rounds) * count as f64;
        let add = |connections: &mut Vec<_>| {
            for _ in 0..count {
                let sum = sum.clone();
                connections.push(signal.connect(move |value| sum.set(sum.get() + value)));
            }
        };
        let cut = |connections: &mut Vec<Connection>| {
            for connection in connections.drain(..) {
                assert!(connection.disconnect());
            }
        };
        let mut start = Instant::now();
        for round in -rounds / 10..rounds {
            if round == 0 {
                start = Instant::now();
            }
            add(&mut connections);
            cut(&mut connections);
        }
        report(&format!("connect_and_disconnect_n{count}"), nanos(start) / all, "ns");

        let (mut connecting, mut cutting) = (0.0, 0.0);
        for _ in 0..rounds {
            let start = Instant::now();
            add(&mut connections);
            connecting += nanos(start);
            let start = Instant::now();
            cut(&mut connections);
            cutting += nanos(start);
        }
        report(&format!("connect_n{count}"), connecting / all, "ns/conn");
        report(&format!("disconnect_n{count}"), cutting / all, "ns/conn");
    }
}

fn queued() {
    const BATCH: i64 = 1000;
    const ROUNDS: i64 = 600;
    let app = QCoreApplication::new();
    let object = QObject::new();

    let signal = Signal::of(&object);
    let sum = Rc::new(Cell::new(0i64));
    signal.connect_to_with_type(&sum, ConnectionType::QUEUED, |sum, value| {
        sum.set(sum.get() + value)
    });
    let round = || {
        for value in 0..BATCH {
            signal.emit(value);
        }
        app.process_events();
    };
    for _ in 0..ROUNDS / 10 {
        round();
    }
    sum.set(0);
    let start = Instant::now();
    for _ in 0..ROUNDS {
        round();
    }
    report("queued_batch1000", nanos(start) / (ROUNDS * BATCH) as f64, "ns/call");
    assert_eq!(sum.get(), ROUNDS * BATCH * (BATCH - 1) / 2);

    // One queued call in each turn of the loop.
    let next = Rc::new(Signal::of(&object));
    let left = Rc::new(Cell::new(0u32));
    let emitter = Rc::downgrade(&next);
    next.connect_to_with_type(&left, ConnectionType::QUEUED, move |left, value: &i64| {
        left.set(left.get() - 1);
        match emitter.upgrade() {
            Some(next) if left.get() > 0 => next.emit(value + 1),
            _ => QCoreApplication::instance().quit(),
        }
    });
    let go = |count| {
        left.set(count);
        next.emit(1);
        app.exec();
    };
    let measure = |bench: &str| {
        go(10_000);
        let start = Instant::now();
        go(200_000);
        report(bench, nanos(start) / 200_000.0, "ns/call");
    };
    measure("queued_chain");
    // A loop with a socket polls in each turn.
    let server = QTcpServer::new();
    server.listen(QHostAddress::LocalHost, 0).expect("a port is free");
    measure("queued_chain_with_socket");
}

fn zero(seconds: f64) {
    let app = QCoreApplication::new();
    let timer = QTimer::new();
    let fires = Rc::new(Cell::new(0u64));
    let start = Instant::now();
    timer.timeout.connect_to(&fires, move |fires, ()| {
        fires.set(fires.get() + 1);
        if fires.get() % 1024 == 0 && start.elapsed().as_secs_f64() > seconds {
            QCoreApplication::instance().quit();
        }
    });
    timer.start_with_interval(0);
    app.exec();
    report("zero_timer", fires.get() as f64 / start.elapsed().as_secs_f64(), "fires/s");
}

/// Measures single-shot timers that are all due within a second, in random order. A second pass
/// measures how late they fire. It reads the clock twice for each timer, which the measured pass
/// does not, nor do the programs that it is compared with.
fn timers(count: usize) {
    let mut random = 12345u64;
    let dues: Vec<Duration> = (0..count)
        .map(|_| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            Duration::from_millis((random >> 33) % 1000)
        })
        .collect();
    let bench = format!("timers{}k", count / 1000);
    let each = |seconds: f64| seconds * 1e9 / count as f64;
    let begin = Instant::now();
    let fired = Rc::new(Cell::new(0));
    let (starting, firing) = run_timers(&dues, |timer, _| {
        timer.timeout.connect_to(&fired, move |fired, ()| {
            fired.set(fired.get() + 1);
            if fired.get() == count {
                QCoreApplication::instance().quit();
            }
        });
    });
    assert_eq!(fired.get(), count);
    report(&format!("{bench}_startcpu"), each(starting), "ns/timer");
    report(&format!("{bench}_fire_cpu"), each(firing), "ns/timer");
    report(&format!("{bench}_total_cpu"), starting + firing, "s");
    report(&format!("{bench}_wall"), begin.elapsed().as_secs_f64(), "s");

    let late = Rc::new(RefCell::new(Vec::with_capacity(count)));
    run_timers(&dues, |timer, due| {
        let at = Instant::now() + due;
        timer.timeout.connect_to(&late, move |late, ()| {
            late.borrow_mut().push(Instant::now().duration_since(at).as_secs_f64());
            if late.borrow().len() == count {
                QCoreApplication::instance().quit();
            }
        });
    });
    let mut late = late.take();
    assert_eq!(late.len(), count);
    late.sort_by(f64::total_cmp);
    report(&format!("{bench}_late_p50"), late[count / 2] * 1e3, "ms");
    report(&format!("{bench}_late_p99"), late[count * 99 / 100] * 1e3, "ms");
    report(&format!("{bench}_late_min"), late[0] * 1e3, "ms");
}

/// Makes and starts timers, and runs the loop until a slot quits it. Returns the CPU time of both
/// parts, in seconds.
fn run_timers(dues: &[Duration], connect: impl Fn(&QTimer, Duration)) -> (f64, f64) {
    let app = QCoreApplication::new();
    let before = cpu_seconds();
    let timers: Vec<QTimer> = dues
        .iter()
        .map(|&due| {
            let timer = QTimer::new();
            timer.set_single_shot(true);
            timer.set_timer_type(TimerType::Precise);
            connect(&timer, due);
            timer.start_with_interval(due);
            timer
        })
        .collect();
    let started = cpu_seconds();
    app.exec();
    let after = cpu_seconds();
    drop(timers);
    (started - before, after - started)
}

/// Measures a text stream over a buffer: lines, words and numbers, read and written.
fn text(rounds: u32) {
    const COUNT: usize = 400_000;
    const WRITTEN: usize = 64 << 20;
    let open = |data: String| {
        let buffer = QBuffer::new();
        buffer.set_data(data);
        buffer.open(OpenMode::READ_ONLY).expect("a buffer opens");
        buffer
    };
    let over = |buffer: &QBuffer| {
        buffer.reset().expect("a buffer moves");
        QTextStream::new(buffer)
    };
    let time = |bench: &str, unit: &str, work: &mut dyn FnMut()| {
        let mut best = f64::INFINITY;
        for _ in 0..rounds {
            let start = Instant::now();
            work();
            best = best.min(nanos(start));
        }
        report(bench, best / COUNT as f64, unit);
    };

    let line = |number: usize| format!("line {number} of a log, with about sixty characters in it");
    let lines = open((0..COUNT).map(|number| line(number) + "\n").collect());
    time("text_read_line", "ns/line", &mut || {
        let mut stream = over(&lines);
        let mut count = 0;
        while let Some(line) = stream.read_line() {
            count += usize::from(!black_box(line).is_empty());
        }
        assert_eq!(count, COUNT);
    });
    time("text_read_line_into", "ns/line", &mut || {
        let (mut stream, mut line, mut count) = (over(&lines), String::new(), 0);
        while stream.read_line_into(&mut line) {
            count += usize::from(!black_box(&line).is_empty());
        }
        assert_eq!(count, COUNT);
    });
    let words = open((0..COUNT).map(|number| format!("word{number} ")).collect());
    time("text_read_word", "ns/word", &mut || {
        let mut stream = over(&words);
        (0..COUNT).for_each(|_| drop(black_box(stream.read_word())));
    });
    let integers = open((0..COUNT).map(|number| format!("{} ", number * 7919)).collect());
    time("text_read_int", "ns/number", &mut || {
        let mut stream = over(&integers);
        (0..COUNT).for_each(|number| assert_eq!(stream.read_int64(), number as i64 * 7919));
    });
    let reals = open((0..COUNT).map(|number| format!("{} ", number as f64 * 0.37)).collect());
    time("text_read_double", "ns/number", &mut || {
        let mut stream = over(&reals);
        (0..COUNT).for_each(|number| assert_eq!(stream.read_double(), number as f64 * 0.37));
    });

    // The texts go over bytes that are there already: the page faults of a growing buffer take
    // longer than the stream.
    let buffer = QBuffer::new();
    buffer.set_data(vec![b' '; WRITTEN]);
    buffer.open(OpenMode::READ_WRITE).expect("a buffer opens");
    let write = |bench: &str, work: &dyn Fn(&mut QTextStream, usize)| {
        time(bench, "ns/value", &mut || {
            let mut stream = over(&buffer);
            (0..COUNT).for_each(|number| work(&mut stream, number));
        });
    };
    write("text_write_int", &|stream, number| drop_it(stream.write(&(number * 7919)).write(&' ')));
    write("text_write_double", &|stream, number| {
        drop_it(stream.write(&(number as f64 * 0.37)).write(&' '));
    });
    write("text_write_line", &|stream, _| {
        drop_it(stream.write("a line of a log, with about sixty characters in it").write(&'\n'));
    });
}

fn drop_it(_: &mut QTextStream) {}

/// Measures round trips of 64 bytes with both ends in one loop.
struct Echo {
    trips: RefCell<Vec<u32>>,
    sent: Cell<Instant>,
    began: Cell<Instant>,
    cpu: Cell<f64>,
    warm: Cell<bool>,
    seconds: f64,
}

impl Echo {
    /// Counts a finished round trip. Returns whether it was the last.
    fn done(&self) -> bool {
        let now = Instant::now();
        self.trips.borrow_mut().push((now - self.sent.get()).as_nanos() as u32);
        let passed = (now - self.began.get()).as_secs_f64();
        if !self.warm.get() {
            if passed > self.seconds.min(0.2) {
                self.warm.set(true);
                self.trips.borrow_mut().clear();
                self.began.set(now);
                self.cpu.set(cpu_seconds());
            }
            return false;
        }
        if passed < self.seconds {
            return false;
        }
        let mut trips = self.trips.borrow_mut();
        trips.sort_unstable();
        let count = trips.len();
        report("echo_inproc", count as f64 / passed, "rt/s");
        report("echo_inproc_cpu", (cpu_seconds() - self.cpu.get()) * 1e6 / count as f64, "us/rt");
        report("echo_inproc_p50", f64::from(trips[count / 2]) / 1e3, "us");
        report("echo_inproc_p99", f64::from(trips[count * 99 / 100]) / 1e3, "us");
        true
    }

    fn send(&self, socket: &QTcpSocket) {
        self.sent.set(Instant::now());
        socket.write([b'x'; 64]).expect("the socket is connected");
    }
}

fn echo(seconds: f64) {
    let app = QCoreApplication::new();
    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            let buffer = RefCell::new([0; 4096]);
            socket.ready_read.connect_to(&socket, move |socket, ()| {
                let mut buffer = buffer.borrow_mut();
                while let Ok(count @ 1..) = socket.read_into(&mut *buffer) {
                    socket.write(&buffer[..count]).expect("the socket is connected");
                }
            });
        }
    });
    server.listen(QHostAddress::LocalHost, 0).expect("a port is free");

    let now = Instant::now();
    let echo = Rc::new(Echo {
        trips: RefCell::new(Vec::with_capacity(2_000_000)),
        sent: Cell::new(now),
        began: Cell::new(now),
        cpu: Cell::new(0.0),
        warm: Cell::new(false),
        seconds,
    });
    let client = QTcpSocket::new();
    let shared = echo.clone();
    client.connected.connect_to(&client, move |client, ()| shared.send(client));
    let (got, buffer) = (Cell::new(0), RefCell::new([0; 4096]));
    client.ready_read.connect_to(&client, move |client, ()| {
        let mut buffer = buffer.borrow_mut();
        while let Ok(count @ 1..) = client.read_into(&mut *buffer) {
            got.set(got.get() + count);
        }
        if got.get() == 64 {
            got.set(0);
            if echo.done() {
                QCoreApplication::instance().quit();
            } else {
                echo.send(client);
            }
        }
    });
    client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    app.exec();
}
