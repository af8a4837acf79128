//! The operations whose instructions are counted.

use std::{
    cell::{Cell, RefCell},
    hint::black_box,
    process::ExitCode,
    rc::Rc,
    time::Duration,
};

use qcore::{
    ConnectionType, Dispatcher, OpenMode, QBuffer, QCoreApplication, QObject, QTextStream, QTimer,
    Signal, TimerType, VirtualClock, spawn_local, wait_until,
};
use qnetwork::{
    EncodingFormat, KeyAlgorithm, PeerVerifyMode, QHostAddress, QSslCertificate, QSslConfiguration,
    QSslKey, QSslServer, QSslSocket, QTcpServer, QTcpSocket, QUdpSocket, TimeoutKind,
};

/// What the name of [`counted_section`] contains.
pub(crate) const SECTION: &str = "counted_section";

const ROWS: &[(&str, fn())] = &[
    ("emit_1", || emit(1)),
    ("emit_10", || emit(10)),
    ("emit_100", || emit(100)),
    ("connect_disconnect", connect),
    ("queued_call", queued),
    ("posted_call", posted),
    ("poster_call", poster),
    ("timer", timers),
    ("zero_timer", zero_timer),
    ("text_line", text),
    ("task_spawn", spawn),
    ("signal_next", signal_next),
    ("signal_stream", signal_stream),
    ("tcp_round_trip", || tcp(Time::None)),
    ("tcp_round_trip_timer", || tcp(Time::Timer)),
    ("tcp_round_trip_time_outs", || tcp(Time::TimeOuts)),
    ("udp_round_trip", udp),
    ("accept", accept),
    ("tls_record_64", || tls(64, 200)),
    ("tls_record_16384", || tls(16 * 1024, 20)),
];

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, _)| *name)
}

/// Does the work of one row. The parent process counts what happens in [`counted_section`].
pub(crate) fn run(name: &str) -> ExitCode {
    let Some((_, row)) = ROWS.iter().find(|(known, _)| *known == name) else {
        eprintln!("qcount: there is no row {name}");
        return ExitCode::from(2);
    };
    row();
    ExitCode::SUCCESS
}

/// Does some work until it is warm, then once more while it is counted. The work gets the number of
/// operations to do.
fn measure(operations: u32, mut work: impl FnMut(u32)) {
    work(operations);
    work(operations);
    counted_section(&mut || work(operations));
    println!("operations {operations}");
}

#[inline(never)]
fn counted_section(work: &mut dyn FnMut()) {
    work();
    // With something behind it, the call is no jump out of this function.
    black_box(());
}

fn emit(slots: u32) {
    let object = QObject::new();
    let signal = Signal::of(&object);
    let sum = Rc::new(Cell::new(0i64));
    for _ in 0..slots {
        signal.connect_to(&sum, |sum, value| sum.set(sum.get() + value));
    }
    measure(1000, |times| (0..i64::from(times)).for_each(|value| black_box(&signal).emit(value)));
    assert_ne!(sum.get(), 0);
}

fn connect() {
    let object = QObject::new();
    let signal: Signal<i64> = Signal::of(&object);
    let sum = Rc::new(Cell::new(0));
    let mut connections = Vec::with_capacity(1000);
    measure(1000, |times| {
        for _ in 0..times {
            let sum = sum.clone();
            connections.push(signal.connect(move |value| sum.set(sum.get() + value)));
        }
        connections.drain(..).for_each(|connection| assert!(connection.disconnect()));
    });
}

fn queued() {
    let app = QCoreApplication::new();
    let object = QObject::new();
    let signal = Signal::of(&object);
    let sum = Rc::new(Cell::new(0i64));
    signal.connect_to_with_type(&sum, ConnectionType::QUEUED, |sum, value| {
        sum.set(sum.get() + value)
    });
    measure(1000, |times| {
        (0..i64::from(times)).for_each(|value| signal.emit(value));
        app.process_events();
    });
    assert_eq!(sum.get(), 3 * 499_500);
}

/// A call in each turn of the loop.
fn posted() {
    let app = QCoreApplication::new();
    let dispatcher = Dispatcher::current();
    let sum = Rc::new(Cell::new(0u32));
    measure(1000, |times| {
        for _ in 0..times {
            let sum = sum.clone();
            dispatcher.post(move || sum.set(sum.get() + 1));
            app.process_events();
        }
    });
    assert_eq!(sum.get(), 3000);
}

/// A call through the queue for other threads.
fn poster() {
    let app = QCoreApplication::new();
    let poster = Dispatcher::current().poster().expect("descriptors are free");
    measure(1000, |times| {
        for _ in 0..times {
            poster.post(|| black_box(())).expect("the loop is there");
        }
        app.process_events();
    });
}

/// A timer that is started and fires, one of a thousand.
fn timers() {
    let app = QCoreApplication::new();
    let clock = VirtualClock::install();
    let fired = Rc::new(Cell::new(0u32));
    let timers: Vec<QTimer> = (0..1000)
        .map(|_| {
            let timer = QTimer::new();
            timer.set_single_shot(true);
            timer.set_timer_type(TimerType::Precise);
            timer.timeout.connect_to(&fired, |fired, ()| fired.set(fired.get() + 1));
            timer
        })
        .collect();
    measure(1000, |times| {
        for (timer, number) in timers.iter().zip(0..u64::from(times)) {
            timer.start_with_interval(Duration::from_millis(1 + number * 7919 % 1000));
        }
        for _ in 0..10 {
            clock.advance(Duration::from_millis(101));
            app.process_events();
        }
    });
    assert_eq!(fired.get(), 3000);
}

fn zero_timer() {
    let app = QCoreApplication::new();
    let timer = QTimer::new();
    let fired = Rc::new(Cell::new(0u32));
    timer.timeout.connect_to(&fired, |fired, ()| fired.set(fired.get() + 1));
    timer.start_with_interval(0);
    measure(1000, |times| {
        for _ in 0..times {
            app.process_events();
        }
    });
    assert_eq!(fired.get(), 3000);
}

/// A line that is written, and read again.
fn text() {
    let buffer = QBuffer::new();
    buffer.open(OpenMode::READ_WRITE).expect("a buffer opens");
    let mut line = String::new();
    measure(500, |times| {
        buffer.reset().expect("a buffer moves");
        let mut stream = QTextStream::new(&buffer);
        for number in 0..times {
            stream.write("line ").write(&number).write(&'\n');
        }
        stream.flush();
        buffer.reset().expect("a buffer moves");
        let mut stream = QTextStream::new(&buffer);
        (0..times).for_each(|_| assert!(stream.read_line_into(&mut line)));
    });
}

fn spawn() {
    let app = QCoreApplication::new();
    let done = Rc::new(Cell::new(0));
    let mut expected = 0;
    measure(1000, |times| {
        for _ in 0..times {
            let done = done.clone();
            spawn_local(async move { done.set(done.get() + 1) });
        }
        expected += times;
        while done.get() < expected {
            app.process_events();
        }
    });
}

fn signal_next() {
    let app = QCoreApplication::new();
    let signal = Rc::new(Signal::<u32>::new());
    let (awaited, seen) = (signal.clone(), Rc::new(Cell::new(0)));
    let count = seen.clone();
    let _task = spawn_local(async move {
        while awaited.next().await.is_ok() {
            count.set(count.get() + 1);
        }
    })
    .scoped();
    app.process_events();
    measure(1000, |times| {
        for value in 0..times {
            signal.emit(value);
            app.process_events();
        }
    });
    assert_eq!(seen.get(), 3000);
}

/// Emissions whose values wait for a task, which takes all of them in one turn.
fn signal_stream() {
    let app = QCoreApplication::new();
    let signal = Signal::<u32>::new();
    let (mut values, sum) = (signal.stream(), Rc::new(Cell::new(0)));
    let all = sum.clone();
    let _task = spawn_local(async move {
        while let Some(value) = values.next().await {
            all.set(all.get() + value);
        }
    })
    .scoped();
    measure(1000, |times| {
        (0..times).for_each(|value| signal.emit(value));
        app.process_events();
    });
    assert_eq!(sum.get(), 3 * 499_500);
}

/// With time-outs, both ends limit how long they receive nothing, send nothing, and live.
/// What the loop has to do with time while the row runs.
#[derive(Clone, Copy, PartialEq)]
enum Time {
    None,
    /// A timer is running that has nothing to do with the sockets.
    Timer,
    /// Both sockets have time-outs.
    TimeOuts,
}

fn tcp(time: Time) {
    let _app = QCoreApplication::new();
    let timer = QTimer::new();
    if time == Time::Timer {
        timer.start_with_interval(600_000);
    }
    let time_outs = time == Time::TimeOuts;
    let server = QTcpServer::new();
    serve(&server, time_outs);
    server.listen(QHostAddress::LocalHost, 0).expect("a port is free");
    let client = QTcpSocket::new();
    limit(&client, time_outs);
    client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    assert!(wait_until(10_000, || client.is_valid()));
    trips(&client, 64, 500);
}

fn limit(socket: &QTcpSocket, time_outs: bool) {
    for kind in [TimeoutKind::IdleRead, TimeoutKind::IdleWrite, TimeoutKind::Lifetime] {
        socket.set_timeout(kind, if time_outs { 600_000 } else { -1 });
    }
}

fn serve(server: &QTcpServer, time_outs: bool) {
    server.new_connection.connect_to(server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            limit(&socket, time_outs);
            let buffer = RefCell::new(vec![0; 16 * 1024]);
            socket.ready_read.connect_to(&socket, move |socket, ()| {
                let mut buffer = buffer.borrow_mut();
                while let Ok(count @ 1..) = socket.read_into(&mut buffer) {
                    socket.write(&buffer[..count]).expect("the socket is connected");
                }
            });
        }
    });
}

/// Measures round trips. Both ends are in this thread's loop.
fn trips(client: &QTcpSocket, size: usize, operations: u32) {
    let message = vec![b'x'; size];
    let (received, left) = (Cell::new(0), Rc::new(Cell::new(0)));
    let (more, buffer) = (left.clone(), RefCell::new(message.clone()));
    client.ready_read.connect_to(client, move |client, ()| {
        let mut buffer = buffer.borrow_mut();
        while let Ok(count @ 1..) = client.read_into(&mut buffer) {
            received.set(received.get() + count);
        }
        if received.get() == size {
            received.set(0);
            more.set(more.get() - 1);
            if more.get() > 0 {
                client.write(&*buffer).expect("the socket is connected");
            } else {
                QCoreApplication::instance().quit();
            }
        }
    });
    let app = QCoreApplication::instance();
    measure(operations, |times| {
        left.set(times);
        client.write(&message).expect("the socket is connected");
        app.exec();
    });
}

fn udp() {
    let app = QCoreApplication::new();
    let (server, client) = (QUdpSocket::new(), QUdpSocket::new());
    let left = Rc::new(Cell::new(0));
    for socket in [&server, &client] {
        let (left, is_client) = (left.clone(), socket == &client);
        socket.ready_read.connect_to(socket, move |socket, ()| {
            let mut buffer = [0; 64];
            while socket.has_pending_datagrams() {
                let received = socket.read_datagram_into(&mut buffer);
                let (count, host, port) = received.expect("a datagram is there");
                left.set(left.get() - u32::from(is_client));
                if left.get() == 0 {
                    return QCoreApplication::instance().quit();
                }
                socket.write_datagram(&buffer[..count], host, port).expect("there is room");
            }
        });
        socket.bind(QHostAddress::LocalHost, 0).expect("a port is free");
    }
    measure(500, |times| {
        left.set(times);
        let to = server.local_port();
        client.write_datagram([7; 64], QHostAddress::LocalHost, to).expect("there is room");
        app.exec();
    });
}

/// A connection that is made, accepted and closed by both ends.
fn accept() {
    let _app = QCoreApplication::new();
    let server = QTcpServer::new();
    let taken = Rc::new(RefCell::new(Vec::with_capacity(50)));
    let more = taken.clone();
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            more.borrow_mut().push(socket);
        }
    });
    server.listen(QHostAddress::LocalHost, 0).expect("a port is free");
    let mut clients = Vec::with_capacity(50);
    measure(50, |times| {
        for _ in 0..times {
            let client = QTcpSocket::new();
            client.connect_to_host(QHostAddress::LocalHost, server.server_port());
            clients.push(client);
        }
        let all = times as usize;
        assert!(wait_until(60_000, || taken.borrow().len() == all));
        clients.drain(..).for_each(|client| client.abort());
        drop(taken.take());
    });
}

/// A message to and fro: two records are encrypted and two decrypted.
fn tls(size: usize, operations: u32) {
    let _app = QCoreApplication::new();
    let server = QSslServer::new();
    server.set_ssl_configuration(identity());
    serve(&server, false);
    server.listen(QHostAddress::LocalHost, 0).expect("a port is free");
    let client = QSslSocket::new();
    client.set_peer_verify_mode(PeerVerifyMode::None);
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    assert!(wait_until(60_000, || client.is_encrypted()));
    trips(&client, size, operations);
}

fn identity() -> QSslConfiguration {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/certs");
    let read = |name: &str| std::fs::read(format!("{FOLDER}/{name}")).expect("a file");
    let chain = QSslCertificate::from_data(read("good-ec.crt"), EncodingFormat::Pem);
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_local_certificate_chain(chain.expect("a certificate"));
    configuration.set_private_key(QSslKey::new(
        read("good-ec.key"),
        KeyAlgorithm::Ec,
        EncodingFormat::Pem,
    ));
    configuration
}
