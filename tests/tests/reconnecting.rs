//! Tests of `Reconnector`. Those that are about lengths of time have a virtual clock, which they
//! advance themselves: a socket works in real time.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    rc::Rc,
    time::{Duration, Instant},
};

use integration::{
    LIMIT, Socks5Proxy, closed_port, connected_to, listener, port_of, server, settle, tls,
    wait_until,
};
use qcore::{
    DeviceErrorKind, QCoreApplication, QObject, QPointer, QSignalSpy, VirtualClock, block_on,
    class, spawn_local, task::timeout,
};
use qnetwork::{
    ProxyType, QNetworkProxy, QSslSocket, QTcpServer, QTcpSocket, Reconnector,
    ReconnectorState::{self, Connected, Connecting, GaveUp, Stopped, Waiting},
    SocketErrorKind, SocketState, WhenDisconnected,
};

/// Returns a reconnector with short delays.
pub(crate) fn quick(port: u16) -> Reconnector {
    let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", port);
    link.set_delays(1, 5);
    link
}

fn states(link: &Reconnector) -> QSignalSpy<ReconnectorState> {
    QSignalSpy::new(&link.state_changed)
}

/// Runs turns of the loop that do not move a virtual clock.
#[track_caller]
fn turn_until(mut condition: impl FnMut() -> bool) {
    let (app, end) = (QCoreApplication::new(), Instant::now() + LIMIT);
    while !condition() {
        assert!(Instant::now() < end, "waited for {LIMIT:?} in vain");
        app.process_events();
    }
}

pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

pub(crate) fn line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn a_peer_that_dies_and_comes_back() {
    let first = listener();
    let port = port_of(&first);
    let link = quick(port);
    let (states, attempts) = (states(&link), QSignalSpy::new(&link.connecting));
    let lines = Rc::new(RefCell::new(Vec::new()));
    link.socket().ready_read.connect_to((&link, &lines), |(link, lines), ()| {
        while link.socket().can_read_line() {
            let line = link.socket().read_line();
            lines.borrow_mut().push(String::from_utf8(line).unwrap());
        }
    });
    link.connected.connect_to(&link, |link, ()| {
        link.send("hello\n").unwrap();
    });
    link.start();
    wait_until(|| link.state() == Connected && link.socket().bytes_to_write() == 0);
    let mut peer = accept(&first);
    assert_eq!(line(&mut peer), "hello");
    peer.write_all(b"one\n").unwrap();
    wait_until(|| lines.borrow().len() == 1);

    // The peer dies, and for some time there is none.
    drop((peer, first));
    wait_until(|| attempts.count() >= 4);
    assert_ne!(link.state(), Connected);
    assert_eq!(link.error().kind(), SocketErrorKind::ConnectionRefused);
    let again = wait_for_port(port);
    wait_until(|| link.state() == Connected && link.socket().bytes_to_write() == 0);
    let mut peer = accept(&again);
    assert_eq!(line(&mut peer), "hello");
    peer.write_all(b"two\n").unwrap();
    wait_until(|| lines.borrow().len() == 2);
    assert_eq!(*lines.borrow(), ["one\n", "two\n"]);

    drop(states.take());
    link.stop();
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    assert_eq!(states.take(), [Stopped]);
    settle();
    assert_eq!((link.state(), states.count()), (Stopped, 0));
}

/// Listens at a port whose connections may be in the state TIME_WAIT.
fn wait_for_port(port: u16) -> TcpListener {
    let end = Instant::now() + LIMIT;
    loop {
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(listener) => return listener,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
    }
}

#[test]
fn the_order_of_signals() {
    let (port, _guard) = closed_port();
    let link = quick(port);
    let log = Rc::new(RefCell::new(Vec::new()));
    let note = |text: String| log.borrow_mut().push(text);
    // Each signal is noted when it comes, so that the list shows the order.
    let noted = log.clone();
    link.state_changed.connect(move |state| noted.borrow_mut().push(format!("{state:?}")));
    let noted = log.clone();
    link.connecting.connect(move |attempt| noted.borrow_mut().push(format!("attempt {attempt}")));
    let noted = log.clone();
    link.waiting.connect(move |_| noted.borrow_mut().push("delay".to_owned()));
    let noted = log.clone();
    link.gave_up.connect(move |error| noted.borrow_mut().push(error.to_string()));
    let noted = log.clone();
    link.socket().error_occurred.connect(move |_| noted.borrow_mut().push("error".to_owned()));
    link.set_max_attempts(Some(2));
    note("start".to_owned());
    link.start();
    note("started".to_owned());
    wait_until(|| link.state() == GaveUp);
    let expected = [
        "start",
        "Connecting",
        "attempt 1",
        "started",
        "error",
        "Waiting",
        "delay",
        "Connecting",
        "attempt 2",
        "error",
        "GaveUp",
        "Connection refused",
    ];
    assert_eq!(*log.borrow(), expected);
    // From there it can be started again.
    log.borrow_mut().clear();
    link.start();
    assert_eq!((link.state(), link.attempt()), (Connecting, 1));
    link.stop();
    assert_eq!(link.socket().state(), SocketState::Unconnected);
}

// ---- time

/// Starts a reconnector and lets the virtual clock pass each delay exactly. Returns the delays.
fn delays(link: &Reconnector, clock: &VirtualClock, count: usize) -> Vec<Duration> {
    let waits = QSignalSpy::new(&link.waiting);
    link.start();
    for number in 1..=count {
        turn_until(|| waits.count() == number);
        let delay = waits.values()[number - 1];
        let app = QCoreApplication::new();
        if let Some(almost) = delay.checked_sub(Duration::from_nanos(1)) {
            clock.advance(almost);
            app.process_events();
            assert_eq!(link.state(), Waiting, "the attempt comes too early");
            clock.advance(Duration::from_nanos(1));
        }
        turn_until(|| link.state() != Waiting);
    }
    link.stop();
    waits.take()
}

#[test]
fn delays_double_and_differ() {
    let clock = VirtualClock::install();
    let (port, _guard) = closed_port();
    let seeded = |seed| {
        let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", port);
        link.set_seed(seed);
        delays(&link, &clock, 8)
    };
    let found = seeded(1);
    for (delay, bound) in found.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
        assert!(*delay <= Duration::from_secs(bound), "{found:?}");
    }
    assert!(found.iter().sum::<Duration>() > Duration::from_secs(20), "{found:?}");
    assert_eq!(found, seeded(1));
    assert_ne!(found, seeded(2));
}

#[test]
fn a_limit_of_attempts() {
    let clock = VirtualClock::install();
    let (port, _guard) = closed_port();
    for limit in [0, 1, 3] {
        let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", port);
        let (gave_up, attempts) =
            (QSignalSpy::new(&link.gave_up), QSignalSpy::new(&link.connecting));
        link.set_max_attempts(Some(limit));
        delays(&link, &clock, (limit as usize).saturating_sub(1));
        // `delays` has stopped it during the last attempt.
        assert_eq!(attempts.take().last(), Some(&limit.max(1)));
        link.start();
        turn_until(|| {
            clock.advance(1000);
            link.state() == GaveUp
        });
        assert_eq!(gave_up.take()[0].kind(), SocketErrorKind::ConnectionRefused);
        assert_eq!(attempts.count(), limit.max(1) as usize);
    }
}

#[test]
fn a_limit_of_the_outage() {
    let clock = VirtualClock::install();
    let (port, _guard) = closed_port();
    let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", port);
    link.set_max_outage(30_000);
    let began = clock.now();
    let (waits, gave_up) = (QSignalSpy::new(&link.waiting), QSignalSpy::new(&link.gave_up));
    link.start();
    turn_until(|| {
        if link.state() == Waiting {
            clock.advance(100);
        }
        link.state() == GaveUp
    });
    assert!(clock.now() - began <= Duration::from_secs(30));
    assert!(waits.count() >= 3 && gave_up.count() == 1);
}

/// The limit ends a running attempt, too, and with its own error.
#[test]
fn a_limit_of_the_outage_during_an_attempt() {
    let clock = VirtualClock::install();
    let silent = listener();
    let link = Reconnector::with_encryption(&QSslSocket::new(), "127.0.0.1", port_of(&silent));
    link.set_max_outage(30_000);
    link.start();
    turn_until(|| link.socket().state() == SocketState::Connected);
    clock.advance(29_999);
    QCoreApplication::new().process_events();
    assert_eq!(link.state(), Connecting);
    clock.advance(1);
    turn_until(|| link.state() != Connecting);
    assert_eq!(link.state(), GaveUp);
    assert_eq!(link.error().kind(), SocketErrorKind::SocketTimeout);
    assert_eq!(link.socket().state(), SocketState::Unconnected);
}

#[test]
fn one_attempt_takes_too_long() {
    let clock = VirtualClock::install();
    // The peer accepts the connection and never answers the handshake.
    let silent = listener();
    let link = Reconnector::with_encryption(&QSslSocket::new(), "127.0.0.1", port_of(&silent));
    link.set_attempt_timeout(5000);
    link.start();
    turn_until(|| link.socket().state() == SocketState::Connected);
    clock.advance(5000);
    turn_until(|| link.state() == Waiting);
    assert_eq!(link.error().kind(), SocketErrorKind::SocketTimeout);
    assert_eq!(link.error().to_string(), "The attempt to connect took too long");
    // The next failure has its own reason again.
    drop(silent);
    link.retry_now();
    turn_until(|| link.state() == Waiting);
    assert_ne!(link.error().kind(), SocketErrorKind::SocketTimeout);
    assert_eq!(link.attempt(), 2);
}

#[test]
fn a_healthy_connection_resets_the_delays() {
    let clock = VirtualClock::install();
    let listener = listener();
    let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", port_of(&listener));
    let mut attempts = Vec::new();
    link.start();
    // Three connections are lost too early to be healthy, the fourth one lasts long enough.
    for lasts in [0, 9_999, 5_000, 10_000, 0] {
        turn_until(|| {
            if link.state() == Waiting {
                clock.advance(100);
            }
            link.state() == Connected
        });
        attempts.push(link.attempt());
        let peer = accept(&listener);
        clock.advance(lasts);
        drop(peer);
        turn_until(|| link.state() == Waiting);
        assert_eq!(link.error().kind(), SocketErrorKind::RemoteHostClosed);
    }
    assert_eq!(attempts, [1, 2, 3, 4, 1]);
}

/// A server that closes each connection at once is a failure as any other.
#[test]
fn a_server_that_hangs_up_counts_as_failure() {
    let server = server();
    server.new_connection.connect_to(&server, |server, ()| {
        server.next_pending_connection().unwrap().abort();
    });
    let link = quick(server.server_port());
    link.set_max_attempts(Some(5));
    let connected = QSignalSpy::new(&link.connected);
    link.start();
    wait_until(|| link.state() == GaveUp);
    assert_eq!(connected.count(), 5);
}

#[test]
fn retry_now() {
    let clock = VirtualClock::install();
    let (port, guard) = closed_port();
    let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", port);
    link.set_delays(3_600_000, 3_600_000);
    link.retry_now(); // not started: starts
    assert_eq!((link.state(), link.attempt()), (Connecting, 1));
    link.retry_now(); // connecting: does nothing
    assert_eq!(link.attempt(), 1);
    turn_until(|| link.state() == Waiting);
    let before = clock.now();
    drop(guard);
    let listener = wait_for_port(port);
    link.retry_now();
    assert_eq!((link.state(), link.attempt()), (Connecting, 2));
    turn_until(|| link.state() == Connected);
    link.retry_now();
    assert_eq!((link.state(), clock.now()), (Connected, before));
    // The timer of the delay is gone.
    clock.advance(7_200_000);
    QCoreApplication::new().process_events();
    assert_eq!((link.state(), link.attempt()), (Connected, 2));
    drop(listener);
}

// ---- what is sent without a connection

// ---- the program interferes

/// What a slot may do to the reconnector.
const ACTS: [fn(&Reconnector); 8] = [
    Reconnector::stop,
    Reconnector::start,
    Reconnector::retry_now,
    |link| link.delete_later(),
    |link| link.socket().abort(),
    |link| link.socket().delete_later(),
    |link| link.socket().close(),
    |link| {
        link.stop();
        link.start();
    },
];

/// A slot that was connected before the reconnector's aborts the socket.
#[test]
fn connected_is_not_emitted_for_a_connection_that_has_ended() {
    let listener = listener();
    let socket = QTcpSocket::new();
    let times = Rc::new(Cell::new(0));
    socket.connected.connect_to((&socket, &times), |(socket, times), ()| {
        times.set(times.get() + 1);
        if times.get() == 1 {
            socket.abort();
        }
    });
    let link = Reconnector::new(&socket, "127.0.0.1", port_of(&listener));
    link.set_delays(1, 5);
    link.state_changed.connect_to((&link, &times), |(link, times), state| {
        // And one that is called just before the signal.
        if *state == Connected && times.get() == 2 {
            link.socket().abort();
        }
    });
    link.connected.connect_to(&link, |link, ()| {
        assert_eq!(link.socket().state(), SocketState::Connected);
    });
    let (connected, states) = (QSignalSpy::new(&link.connected), states(&link));
    link.start();
    wait_until(|| connected.count() == 1);
    let ends = [Connecting, Waiting, Connecting, Connected, Waiting, Connecting, Connected];
    assert_eq!(states.values(), ends);
}

/// Each act in a slot of each signal. Afterwards the reconnector still works, or is at rest.
#[test]
fn slots_may_do_anything() {
    let listener = listener();
    let (closed, _guard) = closed_port();
    for port in [port_of(&listener), closed] {
        for (number, act) in ACTS.into_iter().enumerate() {
            for signal in 0..6 {
                let link = quick(port);
                link.set_max_attempts(Some(3));
                let done = Rc::new(Cell::new(false));
                let once = done.clone();
                let slot = move |link: &Reconnector| {
                    if !once.replace(true) {
                        act(link);
                    }
                };
                match signal {
                    0 => link.state_changed.connect_to(&link, move |link, _| slot(link)),
                    1 => link.connecting.connect_to(&link, move |link, _| slot(link)),
                    2 => link.connected.connect_to(&link, move |link, ()| slot(link)),
                    3 => link.waiting.connect_to(&link, move |link, _| slot(link)),
                    4 => link.gave_up.connect_to(&link, move |link, _| slot(link)),
                    _ => link.socket().state_changed.connect_to(&link, move |link, _| slot(link)),
                };
                link.start();
                let rests = || match link.state() {
                    Connected => link.socket().state() == SocketState::Connected,
                    GaveUp | Stopped => link.socket().state() != SocketState::Closing,
                    _ => link.is_deleted(),
                };
                wait_until(rests);
                settle();
                wait_until(rests);
                let case = format!("act {number}, signal {signal}, port {port}");
                if link.is_deleted() {
                    assert_eq!(link.state(), Stopped, "{case}");
                    assert!(link.socket().is_deleted(), "{case}");
                } else if link.state() == Connected {
                    assert_eq!(link.socket().state(), SocketState::Connected, "{case}");
                } else {
                    assert_eq!(link.socket().state(), SocketState::Unconnected, "{case}");
                }
            }
        }
    }
}

/// The last handle goes in a slot.
#[test]
fn a_slot_drops_the_last_handle() {
    let (port, _guard) = closed_port();
    for signal in 0..3 {
        let link = quick(port);
        let (seen, held) = (QPointer::new(&link), Rc::new(RefCell::new(None)));
        let holder = held.clone();
        let drops = move || drop(holder.take());
        match signal {
            0 => link.state_changed.connect(move |_| drops()),
            1 => link.connecting.connect(move |_| drops()),
            _ => link.waiting.connect(move |_| drops()),
        };
        held.replace(Some(link.clone()));
        link.start_later();
        drop(link);
        wait_until(|| seen.is_null());
    }
}

trait StartLater {
    fn start_later(&self);
}

impl StartLater for Reconnector {
    /// Starts in the next turn, by a call that holds no handle.
    fn start_later(&self) {
        let link = QPointer::new(self);
        qcore::Dispatcher::current().post(move || {
            if let Some(link) = link.upgrade() {
                link.start();
            }
        });
    }
}

#[test]
fn the_program_closes_the_socket() {
    let listener = listener();
    let link = quick(port_of(&listener));
    let connected = QSignalSpy::new(&link.connected);
    link.start();
    for round in 1..=4 {
        wait_until(|| connected.count() == round);
        let socket = link.socket();
        match round {
            1 => socket.abort(),
            2 => socket.disconnect_from_host(),
            3 => socket.close(),
            _ => {
                // Unsent bytes: it is closing when it is stopped and started again.
                socket.write(vec![0; 16 << 20]).unwrap();
                link.stop();
                assert_eq!(socket.state(), SocketState::Closing);
                link.start();
                assert_eq!((link.state(), connected.count()), (Connecting, 4));
            }
        }
    }
    // The listener's backlog has all connections. The fourth one is read to its end.
    let mut peers: Vec<_> = (0..4).map(|_| accept(&listener)).collect();
    let mut fourth = peers.pop().unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut fourth, &mut std::io::sink()));
    wait_until(|| connected.count() == 5);
    assert_eq!(reader.join().unwrap().unwrap(), 16 << 20);
    assert_eq!((link.state(), link.attempt()), (Connected, 1));
}

/// A connection that is closing for ever ends with the time for the attempt.
#[test]
fn a_connection_that_never_closes_is_aborted() {
    let listener = listener();
    let link = quick(port_of(&listener));
    link.start();
    wait_until(|| link.state() == Connected);
    let _never_reads = accept(&listener);
    link.socket().write(vec![0; 64 << 20]).unwrap();
    link.stop();
    link.set_attempt_timeout(1);
    link.start();
    wait_until(|| link.state() == Waiting);
    assert_eq!(link.error().kind(), SocketErrorKind::SocketTimeout);
    link.set_attempt_timeout(-1);
    wait_until(|| link.state() == Connected);
}

#[test]
fn a_connection_that_is_there_already() {
    let server = server();
    let socket = connected_to(server.server_port());
    let link = Reconnector::new(&socket, "127.0.0.1", server.server_port());
    let connected = QSignalSpy::new(&link.connected);
    link.start();
    assert_eq!((link.state(), connected.count()), (Connected, 1));
    // One that is being made, too.
    let socket = QTcpSocket::new();
    let link = Reconnector::new(&socket, "127.0.0.1", 1);
    socket.connect_to_host("127.0.0.1", server.server_port());
    link.start();
    wait_until(|| link.state() == Connected);
    assert_eq!(socket.peer_port(), server.server_port());
}

#[test]
fn the_socket_belongs_to_the_reconnector() {
    let (port, _guard) = closed_port();
    let (socket, home) = (QTcpSocket::new(), QObject::new());
    let link = Reconnector::new(&socket, "127.0.0.1", port).with_parent(&home);
    assert_eq!(socket.parent(), Some(QObject::from(&link)));
    assert_eq!(link.host(), ("127.0.0.1".to_owned(), port));
    link.start();
    drop(home);
    assert!(link.is_deleted() && socket.is_deleted());
    // A dead one does nothing.
    link.start();
    link.retry_now();
    link.stop();
    assert_eq!(link.state(), Stopped);
    assert_eq!(link.send("x").unwrap_err(), DeviceErrorKind::NotOpen);
}

#[test]
fn the_socket_dies() {
    let server = server();
    let link = quick(server.server_port());
    link.start();
    wait_until(|| link.state() == Connected);
    link.socket().delete_later();
    settle();
    wait_until(|| link.state() == GaveUp);
    assert_eq!(link.error().kind(), SocketErrorKind::Operation);
    link.start();
    wait_until(|| link.state() == GaveUp);
}

#[test]
fn another_host_at_the_next_attempt() {
    let (port, _guard) = closed_port();
    let server = server();
    let link = quick(port);
    let other = server.server_port();
    link.waiting.connect_to(&link, move |link, _| link.set_host("127.0.0.1", other));
    link.start();
    wait_until(|| link.state() == Connected);
    assert_eq!((link.attempt(), link.socket().peer_port()), (2, other));
}

/// A class of the program's own, in a class of the program's own.
#[test]
fn in_classes() {
    class! {
        struct Wire: QTcpSocket { lines: Cell<u32> = Cell::new(0), }
    }
    class! {
        struct Client: QObject {
            child link: Reconnector,
        }
    }
    let server = server();
    let wire = Wire::derive(QTcpSocket::new());
    let link = Reconnector::new(&wire, "127.0.0.1", server.server_port());
    let client = Client::derive(QObject::new(), link);
    drop(wire);
    client.link.connected.connect_to(&client, |client, ()| {
        let wire: Wire = client.link.socket().cast().unwrap();
        wire.lines.set(wire.lines.get() + 1);
    });
    client.link.start();
    wait_until(|| client.link.state() == Connected);
    assert_eq!(client.link.socket().cast::<Wire>().unwrap().lines.get(), 1);
}

// ---- TLS, proxies, tasks

#[test]
fn encrypted() {
    let server = tls::encrypting("good");
    let socket = tls::client();
    let link = Reconnector::with_encryption(&socket, "localhost", server.server_port());
    link.set_delays(1, 5);
    link.set_when_disconnected(WhenDisconnected::Keep(100));
    link.send("kept").unwrap();
    let encrypted = QSignalSpy::new(&socket.encrypted);
    let connected = QSignalSpy::new(&link.connected);
    link.start();
    for round in 1..=3 {
        wait_until(|| connected.count() == round);
        assert!(socket.is_encrypted());
        assert_eq!(encrypted.count(), round);
        let peer = tls::accepted(&server);
        if round == 1 {
            wait_until(|| peer.bytes_available() == 4);
            assert_eq!(peer.read_all(), b"kept");
        }
        peer.abort();
    }
}

/// A certificate that is refused is a failure, and ignoring its errors is possible each time.
#[test]
fn a_certificate_is_refused() {
    let server = tls::encrypting("good");
    let socket = QSslSocket::new();
    socket.set_ssl_configuration(tls::trusting("selfsigned"));
    let link = Reconnector::with_encryption(&socket, "localhost", server.server_port());
    link.set_delays(1, 1);
    link.set_max_attempts(Some(2));
    link.start();
    wait_until(|| link.state() == GaveUp);
    assert_eq!(link.error().kind(), SocketErrorKind::SslHandshakeFailed);
    socket.ssl_errors.connect_to(&socket, |socket, _| socket.ignore_ssl_errors());
    let connected = QSignalSpy::new(&link.connected);
    link.start();
    wait_until(|| link.state() == Connected);
    socket.abort();
    wait_until(|| connected.count() == 2);
}

#[test]
fn by_a_proxy() {
    let (proxy, server) = (Socks5Proxy::start(), server());
    let link = quick(server.server_port());
    link.socket().set_proxy(proxy.proxy());
    proxy.refuse(true);
    link.start();
    wait_until(|| link.attempt() == 3);
    proxy.refuse(false);
    wait_until(|| link.state() == Connected);
    proxy.hang_up();
    wait_until(|| link.state() != Connected);
    wait_until(|| link.state() == Connected);
}

/// The error leaves the socket unconnected without a change of its state.
#[test]
fn a_proxy_that_cannot_connect() {
    let link = quick(1);
    link.socket().set_proxy(QNetworkProxy::new(ProxyType::FtpCaching, "127.0.0.1", 1));
    link.set_max_attempts(Some(3));
    link.start();
    wait_until(|| link.state() == GaveUp);
    assert_eq!(link.error().kind(), SocketErrorKind::UnsupportedSocketOperation);
    assert_eq!(link.attempt(), 3);
}

#[test]
fn in_tasks() {
    let server: QTcpServer = server();
    let link = quick(server.server_port());
    let not_started = block_on(link.connected()).unwrap().unwrap_err();
    assert_eq!(not_started, SocketErrorKind::Operation);
    link.start();
    block_on(timeout(LIMIT, link.connected())).unwrap().unwrap().unwrap();
    // The signal alone.
    let other = link.clone();
    let next = spawn_local(async move { other.connected.next().await.is_ok() });
    wait_until(|| server.has_pending_connections());
    server.next_pending_connection().unwrap().abort();
    assert!(block_on(timeout(LIMIT, next)).unwrap().unwrap().unwrap());

    // Right after a loss there is no connection, although the reconnector does not know it yet.
    block_on(timeout(LIMIT, link.connected())).unwrap().unwrap().unwrap();
    let connected = QSignalSpy::new(&link.connected);
    link.socket().abort();
    assert_eq!(link.state(), Connected);
    block_on(timeout(LIMIT, link.connected())).unwrap().unwrap().unwrap();
    assert_eq!(connected.count(), 1);

    // It gives up, is stopped, dies.
    server.close();
    for end in 0..3 {
        let port = closed_port();
        link.set_host("127.0.0.1", port.0);
        link.set_max_attempts((end == 0).then_some(2));
        link.stop();
        link.start();
        let other = link.clone();
        let waits = spawn_local(async move { other.connected().await });
        settle();
        match end {
            0 => {}
            1 => link.stop(),
            _ => link.delete_later(),
        }
        let result = block_on(timeout(LIMIT, waits)).unwrap().unwrap().unwrap();
        let expected = match end {
            0 => SocketErrorKind::ConnectionRefused,
            _ => SocketErrorKind::Operation,
        };
        assert_eq!(result.unwrap_err(), expected);
    }
}
