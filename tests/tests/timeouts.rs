//! Time-outs of sockets: each kind, when it expires, and that it is told once.

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    rc::Rc,
    time::Duration,
};

use integration::{
    closed_port, listener,
    local::{self, Dir},
    pair, pair_of, peer, port_of, server, settle,
    tls::{client, encrypt, encrypting},
    wait_until,
};
use qcore::{QCoreApplication, QTimer, Signal, VirtualClock};
use qnetwork::{
    CloseReason, LocalSocketState, ProxyType, QLocalSocket, QNetworkProxy, QSslSocket, QTcpSocket,
    RateLimit, SocketErrorKind, SocketState, SslMode, TimeoutKind,
};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The reasons with which a socket has closed.
fn reasons(closed: &Signal<CloseReason>) -> Rc<RefCell<Vec<CloseReason>>> {
    let reasons = Rc::new(RefCell::new(Vec::new()));
    closed.connect_to(&reasons, |reasons, reason| reasons.borrow_mut().push(reason.clone()));
    reasons
}

/// Runs the loop on virtual time until the connection has ended by this time-out. Returns how long
/// that took.
#[track_caller]
fn expect(reasons: &RefCell<Vec<CloseReason>>, kind: TimeoutKind) -> Duration {
    let clock = VirtualClock::install();
    let start = clock.now();
    wait_until(|| !reasons.borrow().is_empty());
    let taken = clock.now() - start;
    drop(clock);
    settle();
    assert_eq!(*reasons.borrow(), [CloseReason::TimedOut(kind)]);
    taken
}

/// Runs the loop for some virtual time.
fn pass(time: Duration) {
    let clock = VirtualClock::install();
    let end = clock.now() + time;
    wait_until(|| clock.now() >= end);
}

#[track_caller]
fn expect_between(taken: Duration, least: u64, most: u64) {
    assert!(taken >= Duration::from_millis(least), "{taken:?} is early");
    assert!(taken <= Duration::from_millis(most), "{taken:?} is late");
}

/// A listener that never answers, because its backlog is full.
fn mute() -> (u16, TcpListener, Vec<socket2::Socket>) {
    use socket2::{Domain, Socket, Type};
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients = Vec::new();
    for _ in 0..8 {
        let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        let _ = client.connect(&address);
        clients.push(client);
    }
    (address.as_socket().unwrap().port(), listener.into(), clients)
}

#[test]
fn settings() {
    let socket = QTcpSocket::new();
    for kind in [TimeoutKind::Connect, TimeoutKind::IdleWrite, TimeoutKind::Close] {
        assert_eq!(socket.timeout(kind), None);
        socket.set_timeout(kind, 1500);
        assert_eq!(socket.timeout(kind), Some(Duration::from_millis(1500)));
        socket.set_timeout(kind, seconds(3));
        assert_eq!(socket.timeout(kind), Some(seconds(3)));
        socket.set_timeout(kind, -1);
        assert_eq!(socket.timeout(kind), None);
    }
    let client = client();
    client.set_timeout(TimeoutKind::TlsHandshake, 5);
    assert_eq!(client.timeout(TimeoutKind::TlsHandshake), Some(Duration::from_millis(5)));
}

#[test]
fn idle_read() {
    let _app = QCoreApplication::new();
    let (socket, _stream) = pair();
    let reasons = reasons(&socket.closed);
    let errors = qcore::QSignalSpy::new(&socket.error_occurred);
    socket.set_timeout(TimeoutKind::IdleRead, 8000);
    let taken = expect(&reasons, TimeoutKind::IdleRead);
    expect_between(taken, 7900, 9100);
    assert_eq!(errors.values(), [SocketErrorKind::SocketTimeout]);
    assert_eq!(socket.error_string(), "Nothing was received for too long");
    assert_eq!(socket.state(), SocketState::Unconnected);
}

#[test]
fn who_sends_now_and_then_is_not_idle() {
    let _app = QCoreApplication::new();
    let server = server();
    let (socket, other) = pair_of(&server);
    let reasons = reasons(&socket.closed);
    socket.ready_read.connect_to(&socket, |socket, ()| drop(socket.read_all()));
    socket.set_timeout(TimeoutKind::IdleRead, 8000);
    let ticker = QTimer::with_interval(7000);
    ticker.timeout.connect_to(&other, |other, ()| {
        other.write("x").unwrap();
        other.flush();
    });
    ticker.start();
    pass(seconds(300));
    assert!(reasons.borrow().is_empty());
    ticker.stop();
    let taken = expect(&reasons, TimeoutKind::IdleRead);
    // The last byte has come up to seven seconds ago.
    expect_between(taken, 900, 9100);
}

#[test]
fn who_is_not_read_is_not_idle() {
    let _app = QCoreApplication::new();
    let (socket, mut stream) = pair();
    let reasons = reasons(&socket.closed);
    socket.set_read_buffer_size(4);
    socket.set_timeout(TimeoutKind::IdleRead, 8000);
    stream.write_all(b"more than four").unwrap();
    wait_until(|| socket.bytes_available() == 4);
    settle();
    pass(seconds(100));
    assert!(reasons.borrow().is_empty());
    assert_eq!(socket.read_all(), b"more");
    settle();
    socket.set_read_buffer_size(0);
    wait_until(|| socket.bytes_available() == 10);
    expect_between(expect(&reasons, TimeoutKind::IdleRead), 7000, 9100);
}

#[test]
fn who_is_paused_is_not_idle() {
    let _app = QCoreApplication::new();
    let (socket, mut stream) = pair();
    let reasons = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::IdleRead, 8000);
    socket.pause_reading();
    stream.write_all(b"later").unwrap();
    pass(seconds(100));
    assert!(reasons.borrow().is_empty());
    socket.resume_reading();
    wait_until(|| socket.bytes_available() == 5);
    expect_between(expect(&reasons, TimeoutKind::IdleRead), 7000, 9100);
}

#[test]
fn idle_write() {
    let _app = QCoreApplication::new();
    let (socket, mut stream) = pair();
    let reasons = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::IdleWrite, 8000);
    // With nothing to send, nobody is waited for.
    pass(seconds(100));
    socket.write(vec![1; 40 << 20]).unwrap();
    stream.set_nonblocking(true).unwrap();
    settle();
    let clock = VirtualClock::install();
    let mut piece = vec![0; 4 << 20];
    for _ in 0..20 {
        // It reads, but slowly.
        let end = clock.now() + seconds(6);
        wait_until(|| clock.now() >= end);
        let before = socket.bytes_to_write();
        wait_until(|| {
            let _ = stream.read(&mut piece);
            socket.bytes_to_write() < before || before == 0
        });
    }
    assert!(reasons.borrow().is_empty());
    // The heartbeat of `wait_until` has moved the clock, too.
    drop(clock);
    if socket.bytes_to_write() == 0 {
        socket.write(vec![1; 40 << 20]).unwrap();
        settle();
    }
    let taken = expect(&reasons, TimeoutKind::IdleWrite);
    // The kernel may take some more bytes meanwhile, in real time.
    expect_between(taken, 7000, 100_000);
    assert_eq!(socket.error_string(), "The other end has not read for too long");
}

#[test]
fn connecting() {
    let _app = QCoreApplication::new();
    let (port, _listener, _clients) = mute();
    for (kind, limit) in [(TimeoutKind::Connect, 5000), (TimeoutKind::Address, 40_000)] {
        let socket = QTcpSocket::new();
        let reasons = reasons(&socket.closed);
        socket.set_timeout(kind, limit);
        socket.connect_to_host("127.0.0.1", port);
        let taken = expect(&reasons, kind);
        let limit = u64::try_from(limit).unwrap();
        // A moment has passed in real time.
        expect_between(taken, limit * 99 / 100, limit * 106 / 100);
        assert_eq!(socket.error(), SocketErrorKind::SocketTimeout);
    }
}

#[test]
fn the_whole_attempt_is_limited_during_the_look_up() {
    let _app = QCoreApplication::new();
    let socket = QTcpSocket::new();
    let reasons = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::Connect, 0);
    socket.connect_to_host("a-name-that-takes-time.example", 1);
    assert_eq!(socket.state(), SocketState::HostLookup);
    wait_until(|| !reasons.borrow().is_empty());
    assert_eq!(*reasons.borrow(), [CloseReason::TimedOut(TimeoutKind::Connect)]);
    assert_eq!(socket.error_string(), "Connection timed out");
}

#[test]
fn a_connection_that_was_made_in_time() {
    let _app = QCoreApplication::new();
    let server = server();
    let socket = QTcpSocket::new();
    let reasons = reasons(&socket.closed);
    for kind in [TimeoutKind::Connect, TimeoutKind::Address, TimeoutKind::ProxyHandshake] {
        socket.set_timeout(kind, 5000);
    }
    socket.set_timeout(TimeoutKind::TlsHandshake, 5000);
    socket.connect_to_host("127.0.0.1", server.server_port());
    wait_until(|| socket.state() == SocketState::Connected);
    pass(seconds(100));
    assert!(reasons.borrow().is_empty());
    assert_eq!(socket.state(), SocketState::Connected);
}

#[test]
fn a_proxy_that_says_nothing() {
    let _app = QCoreApplication::new();
    let listener = listener();
    for proxy in [ProxyType::Socks5, ProxyType::Http] {
        let socket = QTcpSocket::new();
        let reasons = reasons(&socket.closed);
        socket.set_proxy(QNetworkProxy::new(proxy, "127.0.0.1", port_of(&listener)));
        socket.set_timeout(TimeoutKind::ProxyHandshake, 5000);
        socket.connect_to_host("host.example", 80);
        let (_stream, _) = listener.accept().unwrap();
        settle();
        let taken = expect(&reasons, TimeoutKind::ProxyHandshake);
        expect_between(taken, 4000, 5100);
        assert_eq!(socket.error(), SocketErrorKind::ProxyConnectionTimeout);
    }
}

#[test]
fn a_question_to_the_user_takes_any_time() {
    let _app = QCoreApplication::new();
    let (port, peer) = peer(|mut stream| {
        let mut request = [0; 4096];
        for reply in [
            &b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\
               Content-Length: 0\r\n\r\n"[..],
            b"HTTP/1.1 200 Go\r\n\r\n",
        ] {
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(reply).unwrap();
        }
        let _ = stream.read(&mut request);
    });
    let socket = QTcpSocket::new();
    let reasons = reasons(&socket.closed);
    socket.set_proxy(QNetworkProxy::new(ProxyType::Http, "127.0.0.1", port));
    socket.set_timeout(TimeoutKind::ProxyHandshake, 60_000);
    socket.set_timeout(TimeoutKind::Connect, 60_000);
    socket.proxy_authentication_required.connect(|(_, authenticator)| {
        pass(seconds(600));
        authenticator.set_user("user");
        authenticator.set_password("password");
    });
    socket.connect_to_host("host.example", 80);
    wait_until(|| socket.state() == SocketState::Connected || !reasons.borrow().is_empty());
    assert!(reasons.borrow().is_empty(), "{reasons:?}");
    socket.abort();
    peer.join().unwrap();
}

#[test]
fn a_tls_handshake() {
    let _app = QCoreApplication::new();
    let listener = listener();
    let client = client();
    let reasons = reasons(&client.closed);
    client.set_timeout(TimeoutKind::TlsHandshake, 5000);
    client.connect_to_host_encrypted("127.0.0.1", port_of(&listener));
    wait_until(|| client.state() == SocketState::Connected);
    let taken = expect(&reasons, TimeoutKind::TlsHandshake);
    expect_between(taken, 4900, 5100);
    assert_eq!(client.error(), SocketErrorKind::SocketTimeout);
    assert_eq!(client.error_string(), "The TLS handshake took too long");
    assert_eq!(client.state(), SocketState::Unconnected);
    assert!(!client.is_open());
}

#[test]
fn an_encrypted_connection() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let reasons = reasons(&client.closed);
    client.set_timeout(TimeoutKind::TlsHandshake, 60_000);
    client.set_timeout(TimeoutKind::IdleRead, 600_000);
    let other = encrypt(&client, &server);
    pass(seconds(300));
    assert!(reasons.borrow().is_empty());
    other.write("something").unwrap();
    wait_until(|| client.bytes_available() == 9);
    pass(seconds(500));
    assert!(reasons.borrow().is_empty());
    expect(&reasons, TimeoutKind::IdleRead);
    assert_eq!(client.read_all(), b"");
}

#[test]
fn a_whole_life() {
    let _app = QCoreApplication::new();
    let server = server();
    let socket = QTcpSocket::new();
    let reasons = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::Lifetime, 60_000);
    for _ in 0..2 {
        socket.connect_to_host("127.0.0.1", server.server_port());
        wait_until(|| socket.state() == SocketState::Connected);
        let taken = expect(&reasons, TimeoutKind::Lifetime);
        expect_between(taken, 59_000, 60_100);
        reasons.take();
    }
    // It is limited while it connects, too.
    let (port, _listener, _clients) = mute();
    socket.set_timeout(TimeoutKind::Lifetime, 10_000);
    socket.connect_to_host("127.0.0.1", port);
    let taken = expect(&reasons, TimeoutKind::Lifetime);
    expect_between(taken, 9900, 10_100);
}

#[test]
fn closing() {
    let _app = QCoreApplication::new();
    let ways: [fn(&QTcpSocket); 4] = [
        |socket| socket.disconnect_from_host_with_timeout(5000),
        |socket| {
            socket.set_timeout(TimeoutKind::Close, 5000);
            socket.disconnect_from_host();
        },
        |socket| {
            socket.set_timeout(TimeoutKind::Close, 5000);
            socket.close();
        },
        |socket| {
            // The call counts, not the setting.
            socket.set_timeout(TimeoutKind::Close, 500_000);
            socket.disconnect_from_host();
            socket.disconnect_from_host_with_timeout(5000);
        },
    ];
    for way in ways {
        let (socket, _stream) = pair();
        let reasons = reasons(&socket.closed);
        socket.write(vec![1; 40 << 20]).unwrap();
        way(&socket);
        assert_eq!(socket.state(), SocketState::Closing);
        let taken = expect(&reasons, TimeoutKind::Close);
        expect_between(taken, 4900, 5100);
        assert_eq!(socket.error_string(), "Closing took too long");
    }
}

#[test]
fn closing_in_time() {
    let _app = QCoreApplication::new();
    let (socket, stream) = pair();
    let reasons = reasons(&socket.closed);
    socket.write(vec![1; 4 << 20]).unwrap();
    socket.disconnect_from_host_with_timeout(60_000);
    let reader = std::thread::spawn(move || integration::read_to_end(&stream).len());
    wait_until(|| !reasons.borrow().is_empty());
    assert_eq!(*reasons.borrow(), [CloseReason::Local]);
    assert_eq!(reader.join().unwrap(), 4 << 20);
    // The next connection has no limit.
    let listener = listener();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Connected);
    pass(seconds(200));
    assert_eq!(reasons.borrow().len(), 1);
}

#[test]
fn closing_an_encrypted_connection() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    let reasons = reasons(&client.closed);
    other.set_read_buffer_size(1000);
    client.write(vec![1; 40 << 20]).unwrap();
    client.disconnect_from_host_with_timeout(5000);
    let taken = expect(&reasons, TimeoutKind::Close);
    expect_between(taken, 4000, 5100);
    assert_eq!(client.state(), SocketState::Unconnected);
}

#[test]
fn closing_while_connecting() {
    let _app = QCoreApplication::new();
    let (port, _listener, _clients) = mute();
    let socket = QTcpSocket::new();
    let reasons = reasons(&socket.closed);
    socket.connect_to_host("127.0.0.1", port);
    socket.write("hello").unwrap();
    socket.disconnect_from_host_with_timeout(5000);
    assert_eq!(socket.state(), SocketState::Connecting);
    expect_between(expect(&reasons, TimeoutKind::Close), 4900, 5100);
}

#[test]
fn a_local_socket() {
    let _app = QCoreApplication::new();
    let dir = Dir::new();
    let server = local::server(&dir);
    let (client, _other) = local::pair(&server);
    let told = reasons(&client.closed);
    client.set_timeout(TimeoutKind::IdleRead, 8000);
    assert_eq!(client.timeout(TimeoutKind::IdleRead), Some(seconds(8)));
    expect_between(expect(&told, TimeoutKind::IdleRead), 7900, 9100);
    assert_eq!(client.state(), LocalSocketState::Unconnected);

    let (client, other) = local::pair(&server);
    other.set_read_buffer_size(1000);
    let told = reasons(&client.closed);
    client.write(vec![1; 40 << 20]).unwrap();
    client.disconnect_from_server_with_timeout(5000);
    expect_between(expect(&told, TimeoutKind::Close), 4900, 5100);

    let _full = local::full(&dir.path("full"));
    for (limit, most) in [(Some(5000), 5100), (None, 30_100)] {
        let socket = QLocalSocket::new();
        let told = reasons(&socket.closed);
        if let Some(limit) = limit {
            socket.set_timeout(TimeoutKind::Connect, limit);
        }
        socket.connect_to_server(dir.path("full"));
        expect_between(expect(&told, TimeoutKind::Connect), most - 200, most);
    }
}

#[test]
fn functions_that_wait() {
    let (socket, _stream) = pair();
    let told = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::IdleRead, 50);
    assert_eq!(socket.wait_for_ready_read(15_000).unwrap_err(), SocketErrorKind::SocketTimeout);
    assert_eq!(*told.borrow(), [CloseReason::TimedOut(TimeoutKind::IdleRead)]);

    let (socket, _stream) = pair();
    let told = reasons(&socket.closed);
    socket.write(vec![1; 40 << 20]).unwrap();
    socket.disconnect_from_host_with_timeout(50);
    socket.wait_for_disconnected(15_000).unwrap_err();
    assert_eq!(*told.borrow(), [CloseReason::TimedOut(TimeoutKind::Close)]);

    let (port, _listener, _clients) = mute();
    let socket = QTcpSocket::new();
    let told = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::Connect, 50);
    socket.connect_to_host("127.0.0.1", port);
    assert_eq!(socket.wait_for_connected(15_000).unwrap_err(), SocketErrorKind::SocketTimeout);
    assert_eq!(*told.borrow(), [CloseReason::TimedOut(TimeoutKind::Connect)]);

    // The caller's own limit comes first.
    let (socket, _stream) = pair();
    let told = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::IdleRead, 60_000);
    socket.wait_for_ready_read(1).unwrap_err();
    assert_eq!(socket.state(), SocketState::Connected);
    assert!(told.borrow().is_empty());
}

#[test]
fn a_slot_of_the_error() {
    let _app = QCoreApplication::new();
    let listener = listener();
    let port = port_of(&listener);
    // It aborts, deletes, or connects again.
    let slots: [fn(&QTcpSocket, u16); 3] = [
        |socket, _| socket.abort(),
        |socket, _| socket.delete_later(),
        |socket, port| {
            socket.abort();
            socket.set_timeout(TimeoutKind::IdleRead, -1);
            socket.connect_to_host("127.0.0.1", port);
        },
    ];
    for slot in slots {
        let (socket, _stream) = pair();
        socket.set_timeout(TimeoutKind::IdleRead, 8000);
        socket.error_occurred.connect_to(&socket, move |socket, _| slot(socket, port));
        let reasons = reasons(&socket.closed);
        expect(&reasons, TimeoutKind::IdleRead);
        pass(seconds(100));
        assert_eq!(reasons.borrow().len(), 1);
    }
}

#[test]
fn a_connection_that_is_handed_over() {
    let _app = QCoreApplication::new();
    let (socket, _stream) = pair();
    let told = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::IdleRead, 8000);
    let other = QTcpSocket::new();
    let others = reasons(&other.closed);
    other.set_timeout(TimeoutKind::Lifetime, 20_000);
    other.attach(socket.detach().unwrap()).unwrap();
    expect_between(expect(&others, TimeoutKind::Lifetime), 19_900, 20_100);
    assert!(told.borrow().is_empty());
}

#[test]
fn a_setting_that_is_switched_off() {
    let _app = QCoreApplication::new();
    let (socket, _stream) = pair();
    let reasons = reasons(&socket.closed);
    socket.set_timeout(TimeoutKind::IdleRead, 8000);
    pass(seconds(5));
    socket.set_timeout(TimeoutKind::IdleRead, -1);
    pass(seconds(100));
    assert!(reasons.borrow().is_empty());
    // A failed connection has no time left to run.
    let (port, _guard) = closed_port();
    socket.abort();
    socket.set_timeout(TimeoutKind::Connect, 5000);
    socket.connect_to_host("127.0.0.1", port);
    wait_until(|| socket.state() == SocketState::Unconnected);
    pass(seconds(100));
    assert_eq!(reasons.borrow().len(), 2);
}

#[test]
fn an_address_is_not_given_up_early() {
    let _app = QCoreApplication::new();
    let (port, _listener, _clients) = mute();
    for limit in [500, 617, 733, 851, 999_u64] {
        let socket = QTcpSocket::new();
        let reasons = reasons(&socket.closed);
        socket.set_timeout(TimeoutKind::Address, Duration::from_millis(limit));
        let clock = VirtualClock::install();
        let start = clock.now();
        socket.connect_to_host("127.0.0.1", port);
        wait_until(|| !reasons.borrow().is_empty());
        expect_between(clock.now() - start, limit, limit + 100);
        assert_eq!(*reasons.borrow(), [CloseReason::TimedOut(TimeoutKind::Address)]);
    }
}

// ---- what the socket does not do of its own accord is not idle

#[test]
fn a_paused_socket_is_not_idle() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let _other = encrypt(&client, &server);
    let (plain, _stream) = pair();
    for socket in [&plain, &*client] {
        let reasons = reasons(&socket.closed);
        socket.set_timeout(TimeoutKind::IdleRead, 8000);
        socket.pause_reading();
        pass(seconds(100));
        assert!(reasons.borrow().is_empty());
        socket.resume_reading();
        expect_between(expect(&reasons, TimeoutKind::IdleRead), 7900, 9100);
    }
}

#[test]
fn who_waits_for_a_rate_is_not_idle() {
    let _app = QCoreApplication::new();
    let limit = RateLimit::new(1);
    limit.set_burst(1);
    let (reader, mut stream) = pair();
    let read = reasons(&reader.closed);
    reader.set_read_rate(Some(&limit));
    stream.write_all(&[7; 100]).unwrap();
    wait_until(|| reader.bytes_available() == 1);
    reader.set_timeout(TimeoutKind::IdleRead, 300);
    let (writer, _stream) = pair();
    let written = reasons(&writer.closed);
    writer.set_write_rate(Some(&limit));
    writer.set_timeout(TimeoutKind::IdleWrite, 300);
    writer.write(vec![0; 1000]).unwrap();
    pass(seconds(20));
    assert!(read.borrow().is_empty(), "{read:?}");
    assert!(written.borrow().is_empty(), "{written:?}");
}

#[test]
fn a_connection_that_is_half_closed_is_not_idle() {
    let _app = QCoreApplication::new();
    let (one, first) = pair();
    let (other, mut second) = pair();
    let ends = reasons(&one.closed);
    one.set_timeout(TimeoutKind::IdleRead, 8000);
    let pipe = qnetwork::pipe::pipe_both(&one, &other);
    first.shutdown(Shutdown::Write).unwrap();
    // The pipe passes the end on.
    second.set_nonblocking(true).unwrap();
    wait_until(|| matches!(second.read(&mut [0]), Ok(0)));
    pass(seconds(100));
    assert!(ends.borrow().is_empty(), "{ends:?}");
    second.write_all(b"answer").unwrap();
    wait_until(|| pipe.bytes_backward() == 6);
}

// ---- settings for a phase that has begun

#[test]
fn a_limit_for_a_handshake_that_runs() {
    let _app = QCoreApplication::new();
    let listener = listener();
    let socket = QSslSocket::new();
    let reasons = reasons(&socket.closed);
    socket.connect_to_host_encrypted("127.0.0.1", port_of(&listener));
    wait_until(|| socket.mode() != SslMode::Unencrypted);
    socket.set_timeout(TimeoutKind::TlsHandshake, 5000);
    expect_between(expect(&reasons, TimeoutKind::TlsHandshake), 4900, 5100);
}

#[test]
fn a_limit_for_closing_that_has_begun() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    other.pause_reading();
    let (plain, _stream) = pair();
    for socket in [&plain, &*client] {
        let reasons = reasons(&socket.closed);
        socket.write(vec![0; 50 << 20]).unwrap();
        socket.disconnect_from_host();
        socket.set_timeout(TimeoutKind::Close, 5000);
        expect_between(expect(&reasons, TimeoutKind::Close), 4900, 5100);
    }
}

#[test]
fn a_limit_for_a_negotiation_that_runs() {
    let _app = QCoreApplication::new();
    let proxy = listener();
    let socket = QTcpSocket::new();
    let reasons = reasons(&socket.closed);
    socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", port_of(&proxy)));
    socket.connect_to_host("127.0.0.1", 1);
    // The greeting has come: the handshake runs.
    let (mut stream, _) = proxy.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    wait_until(|| matches!(stream.read(&mut [0]), Ok(1)));
    socket.set_timeout(TimeoutKind::ProxyHandshake, 5000);
    expect_between(expect(&reasons, TimeoutKind::ProxyHandshake), 4900, 5100);
}
