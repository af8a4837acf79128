//! The signal `closed`: once for each connection, after everything else, with the right reason.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    panic::AssertUnwindSafe,
    rc::Rc,
    time::Duration,
};

use integration::{
    NO_HOST, closed_port, listener,
    local::{self, Dir},
    pair, pair_of, peer, port_of, reset, run_for, server, settle,
    tls::{accepted, client, encrypt, encrypting, identified, wires_of},
    wait_until,
};
use qcore::{OpenMode, QCoreApplication, QIODevice, QPointer, QSignalSpy, VirtualClock};
use qnetwork::{
    CloseReason, LocalSocketState, NetworkLayerProtocol, ProxyType, QAbstractSocket, QLocalSocket,
    QNetworkProxy, QSslServer, QSslSocket, QTcpSocket, QUdpSocket, SocketErrorKind, SocketState,
    TimeoutKind,
};

/// What a socket has emitted, in order.
#[derive(Default)]
struct Diary {
    lines: RefCell<Vec<String>>,
    reasons: RefCell<Vec<CloseReason>>,
}

impl Diary {
    fn of(socket: &QAbstractSocket) -> Rc<Self> {
        let diary = Self::of_device(socket);
        let note = |name: &'static str, diary: &Rc<Diary>| {
            let diary = diary.clone();
            move || diary.lines.borrow_mut().push(name.to_owned())
        };
        let (disconnected, error) = (note("disconnected", &diary), note("error", &diary));
        socket.disconnected.connect(move |()| disconnected());
        socket.error_occurred.connect(move |_| error());
        socket.state_changed.connect_to(&diary, |diary, state| {
            diary.lines.borrow_mut().push(format!("{state:?}"));
        });
        socket.closed.connect_to(&diary, |diary, reason| diary.close(reason));
        diary
    }

    fn of_local(socket: &QLocalSocket) -> Rc<Self> {
        let diary = Self::of_device(socket);
        socket.disconnected.connect_to(&diary, |diary, ()| diary.add("disconnected"));
        socket.error_occurred.connect_to(&diary, |diary, _| diary.add("error"));
        socket.state_changed.connect_to(&diary, |diary, state| diary.add(&format!("{state:?}")));
        socket.closed.connect_to(&diary, |diary, reason| diary.close(reason));
        diary
    }

    fn of_device(device: &QIODevice) -> Rc<Self> {
        let diary = Rc::new(Diary::default());
        device.about_to_close.connect_to(&diary, |diary, ()| diary.add("about_to_close"));
        device.read_channel_finished.connect_to(&diary, |diary, ()| diary.add("read_end"));
        device.destroyed.connect_to(&diary, |diary, _| diary.add("destroyed"));
        diary
    }

    fn add(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }

    fn close(&self, reason: &CloseReason) {
        self.add("closed");
        self.reasons.borrow_mut().push(reason.clone());
    }

    /// Expects one `closed` since the last call, as the last signal but for `destroyed`.
    #[track_caller]
    fn expect_one(&self, what: &str) -> CloseReason {
        // A deletion that was requested outside of all loops needs a loop of its own.
        settle();
        wait_until(|| !self.reasons.borrow().is_empty());
        settle();
        let mut lines = self.lines.take();
        lines.retain(|line| line != "destroyed");
        assert_eq!(lines.iter().filter(|line| *line == "closed").count(), 1, "{what}: {lines:?}");
        assert_eq!(lines.last().unwrap(), "closed", "{what}: {lines:?}");
        let reasons = self.reasons.take();
        reasons[0].clone()
    }
}

/// How this end makes a connection go away.
#[derive(Clone, Copy, Debug)]
enum Way {
    Disconnect,
    Abort,
    Close,
    DeleteLater,
    Drop,
    Replace,
}

const WAYS: [Way; 6] =
    [Way::Disconnect, Way::Abort, Way::Close, Way::DeleteLater, Way::Drop, Way::Replace];

/// Returns what has to be kept: the socket, unless dropping it is the way, and what replaces its
/// connection.
fn go(socket: QTcpSocket, way: Way) -> (Option<QTcpSocket>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    match way {
        Way::Disconnect => socket.disconnect_from_host(),
        Way::Abort => socket.abort(),
        Way::Close => socket.close(),
        Way::DeleteLater => socket.delete_later(),
        Way::Drop => return (None, theirs),
        Way::Replace => socket.set_socket_descriptor(ours).unwrap(),
    }
    (Some(socket), theirs)
}

#[test]
fn by_this_end_in_each_way() {
    for way in WAYS {
        let (socket, _stream) = pair();
        let diary = Diary::of(&socket);
        let _kept = go(socket, way);
        assert_eq!(diary.expect_one(&format!("{way:?}")), CloseReason::Local, "{way:?}");
    }
}

#[test]
fn while_connecting() {
    let listener = listener();
    for host in ["127.0.0.1", "localhost", NO_HOST] {
        for way in [Way::Abort, Way::Close, Way::DeleteLater, Way::Drop, Way::Replace] {
            let socket = QTcpSocket::new();
            let diary = Diary::of(&socket);
            socket.connect_to_host(host, port_of(&listener));
            let _kept = go(socket, way);
            if let Way::Replace = way {
                // The signal of the next connection.
                assert_eq!(diary.lines.borrow_mut().pop().unwrap(), "Connected");
            }
            let reason = diary.expect_one(&format!("{host} {way:?}"));
            // The name may be known not to exist before the loop deletes the socket.
            let fails = host == NO_HOST && reason.error().is_some();
            assert!(reason == CloseReason::Local || fails, "{host} {way:?} {reason:?}");
        }
    }
}

#[test]
fn with_unsent_bytes() {
    for way in WAYS {
        let (socket, mut stream) = pair();
        let diary = Diary::of(&socket);
        socket.write(vec![7; 20 << 20]).unwrap();
        let _kept = go(socket, way);
        if let Way::Disconnect | Way::Close = way {
            assert!(diary.reasons.borrow().is_empty(), "20 MiB are not sent yet");
            let reader = std::thread::spawn(move || {
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).unwrap();
            });
            wait_until(|| !diary.reasons.borrow().is_empty());
            reader.join().unwrap();
        }
        assert_eq!(diary.expect_one(&format!("{way:?}")), CloseReason::Local, "{way:?}");
    }
}

#[test]
fn by_the_other_end() {
    let (socket, stream) = pair();
    let diary = Diary::of(&socket);
    drop(stream);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(diary.expect_one("closed"), CloseReason::Remote);

    let (socket, stream) = pair();
    let diary = Diary::of(&socket);
    reset(stream);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(diary.expect_one("reset"), CloseReason::Reset);
}

/// The loop notices the reset while the socket does not read. Reading finds it later.
#[test]
fn a_reset_while_the_socket_does_not_read() {
    let unbuffered = || {
        let listener = listener();
        let socket = QTcpSocket::new();
        let mode = OpenMode::READ_WRITE | OpenMode::UNBUFFERED;
        let (port, any) = (port_of(&listener), NetworkLayerProtocol::AnyIP);
        socket.connect_to_host_with_mode("127.0.0.1", port, mode, any);
        wait_until(|| socket.state() == SocketState::Connected);
        (socket, listener.accept().unwrap().0)
    };
    for (what, (socket, mut stream)) in
        [("full", pair()), ("paused", pair()), ("unbuffered", unbuffered())]
    {
        let diary = Diary::of(&socket);
        socket.set_read_buffer_size(4);
        stream.write_all(b"four").unwrap();
        wait_until(|| socket.bytes_available() == 4);
        if what == "paused" {
            socket.pause_reading();
        }
        if what == "unbuffered" {
            assert_eq!(socket.read(4), b"four");
        }
        reset(stream);
        run_for(Duration::from_millis(20));
        socket.resume_reading();
        wait_until(|| {
            let _ = socket.read_all();
            socket.state() == SocketState::Unconnected
        });
        assert_eq!(diary.expect_one(what), CloseReason::Reset, "{what}");
        assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed, "{what}");
    }
}

#[test]
fn what_a_slot_does_about_the_error_does_not_change_the_reason() {
    for way in [Way::Abort, Way::Close, Way::DeleteLater] {
        let (socket, stream) = pair();
        let early = RefCell::new(Some(socket.clone()));
        socket.error_occurred.connect(move |_| {
            let socket = early.take().unwrap();
            match way {
                Way::Abort => socket.abort(),
                Way::Close => socket.close(),
                _ => socket.delete_later(),
            }
        });
        // These slots come later, and `closed` has to come after them.
        let diary = Diary::of(&socket);
        drop(stream);
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(diary.expect_one(&format!("{way:?}")), CloseReason::Remote, "{way:?}");
    }
}

#[test]
fn the_last_handle_goes_in_a_slot() {
    for signal in ["error", "disconnected", "state"] {
        let (socket, stream) = pair();
        let holder = Rc::new(RefCell::new(Some(socket.clone())));
        let let_go = {
            let holder = holder.clone();
            move || drop(holder.take())
        };
        match signal {
            "error" => socket.error_occurred.connect(move |_| let_go()),
            "disconnected" => socket.disconnected.connect(move |()| let_go()),
            _ => socket.state_changed.connect(move |_| let_go()),
        };
        let diary = Diary::of(&socket);
        drop(socket);
        drop(stream);
        wait_until(|| holder.borrow().is_none());
        settle();
        assert_eq!(*diary.reasons.borrow(), [CloseReason::Remote], "{signal}");
    }
}

#[test]
fn connecting_fails() {
    let (port, _guard) = closed_port();
    let socket = QTcpSocket::new();
    let diary = Diary::of(&socket);
    for (host, kind) in [
        ("127.0.0.1", SocketErrorKind::ConnectionRefused),
        (NO_HOST, SocketErrorKind::HostNotFound),
    ] {
        socket.connect_to_host(host, port);
        wait_until(|| socket.state() == SocketState::Unconnected);
        let reason = diary.expect_one(host);
        assert_eq!(reason.error().unwrap(), &kind, "{host}");
        assert!(matches!(reason, CloseReason::ConnectFailed(_)), "{host}");
    }

    // A proxy that cannot be used.
    socket.set_proxy(QNetworkProxy::new(ProxyType::FtpCaching, "127.0.0.1", port));
    socket.connect_to_host("127.0.0.1", port);
    let reason = diary.expect_one("proxy");
    assert_eq!(reason.error().unwrap(), &SocketErrorKind::UnsupportedSocketOperation);

    // A proxy that refuses.
    socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", port));
    socket.connect_to_host("host.example", 80);
    wait_until(|| socket.state() == SocketState::Unconnected);
    let reason = diary.expect_one("proxy refuses");
    assert_eq!(reason.error().unwrap(), &SocketErrorKind::ProxyConnectionRefused);
}

#[test]
fn waits_that_fail() {
    let (port, _guard) = closed_port();
    let socket = QTcpSocket::new();
    let diary = Diary::of(&socket);
    socket.connect_to_host("127.0.0.1", port);
    socket.wait_for_connected(5000).unwrap_err();
    assert!(matches!(diary.expect_one("refused"), CloseReason::ConnectFailed(_)));

    let full = local_backlog();
    socket.connect_to_host("127.0.0.1", full.port);
    socket.wait_for_connected(1).unwrap_err();
    let reason = diary.expect_one("timed out");
    assert_eq!(reason.error().unwrap(), &SocketErrorKind::SocketTimeout);
}

/// A listener that never answers, because its backlog is full.
struct Full {
    port: u16,
    _listener: socket2::Socket,
    _clients: Vec<socket2::Socket>,
}

fn local_backlog() -> Full {
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
    let port = address.as_socket().unwrap().port();
    Full { port, _listener: listener, _clients: clients }
}

#[test]
fn an_address_that_never_answers() {
    let _app = QCoreApplication::new();
    let full = local_backlog();
    let socket = QTcpSocket::new();
    let diary = Diary::of(&socket);
    socket.connect_to_host("127.0.0.1", full.port);
    let clock = VirtualClock::install();
    wait_until(|| socket.state() == SocketState::Unconnected);
    drop(clock);
    let reason = diary.expect_one("30 seconds");
    assert_eq!(reason, CloseReason::TimedOut(TimeoutKind::Address));
    assert_eq!(socket.error(), SocketErrorKind::SocketTimeout);
}

#[test]
fn a_refused_call_is_no_connection() {
    let (socket, stream) = pair();
    let diary = Diary::of(&socket);
    socket.connect_to_host("127.0.0.1", 1);
    settle();
    assert!(diary.reasons.borrow().is_empty());
    assert_eq!(socket.state(), SocketState::Connected);
    drop(stream);
    wait_until(|| socket.state() == SocketState::Unconnected);
    diary.lines.borrow_mut().retain(|line| line != "error");
    assert_eq!(diary.expect_one("the first one"), CloseReason::Remote);

    // A socket that was only bound had no connection.
    socket.bind("127.0.0.1", 0).unwrap();
    socket.close();
    settle();
    assert!(diary.reasons.borrow().is_empty());
}

#[test]
fn the_next_connection_begins_in_a_slot() {
    let listener = listener();
    for signal in ["error", "disconnected", "closed"] {
        let (socket, stream) = pair();
        let (port, again) = (port_of(&listener), Cell::new(true));
        let sender = QPointer::new(&socket);
        let connect = move || {
            let socket = sender.upgrade().unwrap();
            if again.replace(false) {
                socket.abort();
                socket.connect_to_host("127.0.0.1", port);
            }
        };
        match signal {
            "error" => socket.error_occurred.connect(move |_| connect()),
            "disconnected" => socket.disconnected.connect(move |()| connect()),
            _ => socket.closed.connect(move |_| connect()),
        };
        let diary = Diary::of(&socket);
        drop(stream);
        wait_until(|| socket.state() == SocketState::Connected && socket.peer_port() == port);
        settle();
        assert_eq!(*diary.reasons.borrow(), [CloseReason::Remote], "{signal}");
        let lines = diary.lines.take();
        let closed = lines.iter().position(|line| line == "closed").unwrap();
        let next = lines.iter().position(|line| line == "HostLookup").unwrap();
        assert!(closed < next || signal == "closed", "{signal}: {lines:?}");
        diary.reasons.take();
        socket.abort();
        assert_eq!(diary.expect_one(signal), CloseReason::Local, "{signal}");
    }
}

#[test]
fn one_socket_and_many_connections() {
    let listener = listener();
    let socket = QTcpSocket::new();
    let diary = Diary::of(&socket);
    for round in 0..20 {
        socket.connect_to_host("127.0.0.1", port_of(&listener));
        if round % 2 == 0 {
            wait_until(|| socket.state() == SocketState::Connected);
        }
        socket.abort();
        assert_eq!(diary.expect_one("round"), CloseReason::Local);
    }
}

#[test]
fn an_unbuffered_socket_that_reads_to_the_end() {
    let (port, peer) = peer(|mut stream| stream.write_all(b"all").unwrap());
    let socket = QTcpSocket::new();
    let diary = Diary::of(&socket);
    let mode = OpenMode::READ_WRITE | OpenMode::UNBUFFERED;
    socket.connect_to_host_with_mode("127.0.0.1", port, mode, NetworkLayerProtocol::AnyIP);
    wait_until(|| socket.state() == SocketState::Connected);
    peer.join().unwrap();
    let mut buffer = [0; 10];
    wait_until(|| socket.read_into(&mut buffer).is_err());
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert!(diary.reasons.borrow().is_empty(), "reading calls no slot");
    assert_eq!(diary.expect_one("unbuffered"), CloseReason::Remote);
}

#[test]
fn a_connection_that_is_handed_over_has_not_ended() {
    let (socket, stream) = pair();
    let diary = Diary::of(&socket);
    let connection = socket.detach().unwrap();
    settle();
    assert!(diary.reasons.borrow().is_empty());
    let other = QTcpSocket::new();
    let others = Diary::of(&other);
    other.attach(connection).unwrap();
    drop(stream);
    wait_until(|| other.state() == SocketState::Unconnected);
    assert_eq!(others.expect_one("attached"), CloseReason::Remote);
    drop(socket);
    assert!(diary.reasons.borrow().is_empty());
}

#[test]
fn attaching_replaces_a_connection() {
    let (socket, _stream) = pair();
    let (other, _other_stream) = pair();
    let diary = Diary::of(&other);
    other.attach(socket.detach().unwrap()).unwrap();
    assert_eq!(diary.expect_one("replaced"), CloseReason::Local);
    assert_eq!(other.state(), SocketState::Connected);
    other.abort();
    assert_eq!(diary.expect_one("the second one"), CloseReason::Local);
}

#[test]
fn a_slot_panics() {
    let (socket, stream) = pair();
    let once = Cell::new(true);
    socket.disconnected.connect(move |()| assert!(!once.replace(false), "on purpose"));
    let diary = Diary::of(&socket);
    drop(stream);
    let wait = || wait_until(|| socket.state() == SocketState::Unconnected);
    assert!(std::panic::catch_unwind(AssertUnwindSafe(wait)).is_err());
    settle();
    assert_eq!(*diary.reasons.borrow(), [CloseReason::Remote]);
}

#[test]
fn a_udp_socket() {
    let socket = QUdpSocket::new();
    let diary = Diary::of(&socket);
    socket.connect_to_host("127.0.0.1", 9);
    socket.disconnect_from_host();
    assert_eq!(diary.expect_one("connected"), CloseReason::Local);
    socket.bind("127.0.0.1", 0).unwrap();
    socket.abort();
    settle();
    assert!(diary.reasons.borrow().is_empty());
}

#[test]
fn in_a_task() {
    use qcore::block_on;
    let (socket, stream) = pair();
    let reason = block_on(async {
        let closed = socket.closed.next();
        drop(stream);
        closed.await.unwrap()
    });
    assert_eq!(reason.unwrap(), CloseReason::Remote);
}

#[test]
fn the_stream_of_a_task_sends_after_the_other_end_has_closed() {
    use qcore::block_on;
    let (socket, stream) = pair();
    let diary = Diary::of(&socket);
    let other = stream.try_clone().unwrap();
    block_on(async {
        let mut stream = socket.stream();
        other.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read_to_end(10).await.unwrap(), b"");
        stream.write_all(b"rest").await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .unwrap();
    assert_eq!(diary.expect_one("both halves"), CloseReason::Remote);
    assert_eq!(integration::read_to_end(&stream), b"rest");
}

// ---- encrypted sockets

#[test]
fn an_encrypted_connection_closed_by_this_end() {
    let server = encrypting("good");
    for way in WAYS {
        let client = client();
        let other = encrypt(&client, &server);
        let (diary, others) = (Diary::of(&client), Diary::of(&other));
        let handle = QTcpSocket::clone(&client);
        drop(client);
        let _kept = go(handle, way);
        assert_eq!(diary.expect_one(&format!("{way:?}")), CloseReason::Local, "{way:?}");
        wait_until(|| other.state() == SocketState::Unconnected);
        let reason = others.expect_one(&format!("other end, {way:?}"));
        // Only `close` and `disconnect_from_host` say goodbye.
        let says_so = matches!(way, Way::Disconnect);
        assert_eq!(reason == CloseReason::Remote, says_so, "{way:?}: {reason:?}");
    }
}

#[test]
fn a_slot_aborts_an_encrypted_socket() {
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    let aborted = QPointer::new(&other);
    other.error_occurred.connect(move |_| aborted.upgrade().unwrap().abort());
    let others = Diary::of(&other);
    client.disconnect_from_host();
    wait_until(|| other.state() == SocketState::Unconnected);
    assert_eq!(others.expect_one("aborted"), CloseReason::Remote);
}

#[test]
fn a_connection_that_is_cut_off() {
    let server = server();
    let wires = wires_of(&server);
    let client = client();
    let other = encrypt(&client, &server);
    let diary = Diary::of(&client);
    // TCP ends without the end of TLS.
    wires.borrow()[0].shutdown(Shutdown::Both).unwrap();
    wait_until(|| client.state() == SocketState::Unconnected);
    assert_eq!(diary.expect_one("cut off"), CloseReason::Reset);
    drop(other);
}

#[test]
fn certificates_that_are_refused() {
    let server = encrypting("good");
    let ways: [fn(&QSslSocket); 4] = [
        |_| {},
        |client| abort_in(client, "ssl_errors"),
        |client| abort_in(client, "peer_verify_error"),
        |client| abort_in(client, "error"),
    ];
    for (number, prepare) in ways.into_iter().enumerate() {
        let client = QSslSocket::new(); // trusts nobody
        prepare(&client);
        let diary = Diary::of(&client);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        let other = accepted(&server);
        let others = Diary::of(&other);
        wait_until(|| client.state() == SocketState::Unconnected);
        wait_until(|| other.state() == SocketState::Unconnected);
        let reason = diary.expect_one(&format!("client {number}"));
        // Before `ssl_errors`, nobody has refused the certificate yet.
        let is_refused = matches!(reason, CloseReason::TlsRefused(_));
        assert!(is_refused || number == 2 && reason == CloseReason::Local, "{number}: {reason:?}");
        others.expect_one(&format!("server {number}"));
    }
}

fn abort_in(client: &QSslSocket, signal: &str) {
    let socket = QPointer::new(client);
    let abort = move || socket.upgrade().unwrap().abort();
    match signal {
        "ssl_errors" => client.ssl_errors.connect(move |_| abort()),
        "peer_verify_error" => client.peer_verify_error.connect(move |_| abort()),
        _ => client.error_occurred.connect(move |_| abort()),
    };
}

#[test]
fn no_tls_at_all() {
    let (port, _peer) = peer(|mut stream| {
        stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").unwrap();
        let _ = stream.read(&mut [0; 1000]);
    });
    let client = client();
    let diary = Diary::of(&client);
    client.connect_to_host_encrypted("127.0.0.1", port);
    wait_until(|| client.state() == SocketState::Unconnected);
    let reason = diary.expect_one("no TLS");
    assert!(matches!(reason, CloseReason::TlsRefused(_)), "{reason:?}");
}

#[test]
fn an_encrypted_socket_cannot_connect() {
    let (port, _guard) = closed_port();
    let client = client();
    let diary = Diary::of(&client);
    for host in ["127.0.0.1", NO_HOST] {
        client.connect_to_host_encrypted(host, port);
        wait_until(|| client.state() == SocketState::Unconnected);
        let reason = diary.expect_one(host);
        assert!(matches!(reason, CloseReason::ConnectFailed(_)), "{host}");
    }
}

#[test]
fn a_protocol_that_is_not_supported() {
    let client = client();
    client.set_protocol(qnetwork::SslProtocol::SslV2);
    let diary = Diary::of(&client);
    client.connect_to_host_encrypted("127.0.0.1", 1);
    let reason = diary.expect_one("SSL 2");
    assert_eq!(reason.error().unwrap(), &SocketErrorKind::SslInvalidUserData);
}

#[test]
fn a_handshake_that_takes_too_long() {
    let _app = QCoreApplication::new();
    let server = QSslServer::new();
    server.set_ssl_configuration(identified("good"));
    server.listen("127.0.0.1", 0).unwrap();
    let reasons = Rc::new(RefCell::new(Vec::new()));
    let told = reasons.clone();
    server.started_encryption_handshake.connect(move |socket| {
        let reasons = told.clone();
        socket.closed.connect(move |reason| reasons.borrow_mut().push(reason.clone()));
    });
    let spy = QSignalSpy::new(&server.started_encryption_handshake);
    let _stream = integration::connection(server.server_port()).unwrap();
    wait_until(|| spy.count() > 0);
    let clock = VirtualClock::install();
    wait_until(|| !reasons.borrow().is_empty());
    drop(clock);
    settle();
    assert_eq!(*reasons.borrow(), [CloseReason::TimedOut(TimeoutKind::TlsHandshake)]);
}

// ---- local sockets

#[test]
fn a_local_connection_closed_by_this_end() {
    let dir = Dir::new();
    let server = local::server(&dir);
    for way in WAYS {
        let (client, other) = local::pair(&server);
        let (diary, others) = (Diary::of_local(&client), Diary::of_local(&other));
        let mut kept = Some(client.clone());
        let (ours, _theirs) = UnixStream::pair().unwrap();
        match way {
            Way::Disconnect => client.disconnect_from_server(),
            Way::Abort => client.abort(),
            Way::Close => client.close(),
            Way::DeleteLater => client.delete_later(),
            Way::Drop => kept = None,
            Way::Replace => client.set_socket_descriptor(ours).unwrap(),
        }
        drop(client);
        assert_eq!(diary.expect_one(&format!("{way:?}")), CloseReason::Local, "{way:?}");
        wait_until(|| other.state() == LocalSocketState::Unconnected);
        let reason = others.expect_one(&format!("other end, {way:?}"));
        assert_eq!(reason, CloseReason::Remote, "{way:?}");
        drop(kept);
    }
}

#[test]
fn a_local_socket_cannot_connect() {
    let dir = Dir::new();
    let socket = QLocalSocket::new();
    let diary = Diary::of_local(&socket);
    for name in [dir.path("nobody"), String::new()] {
        socket.connect_to_server(&name);
        let reason = diary.expect_one(&name);
        assert_eq!(reason.error().unwrap(), &SocketErrorKind::HostNotFound);
    }
    // A slot aborts and tries again.
    let server = local::server(&dir);
    let (name, once) = (server.full_server_name(), Cell::new(true));
    socket.error_occurred.connect_to(&socket, move |socket, _| {
        if once.replace(false) {
            socket.abort();
            socket.connect_to_server(&name);
        }
    });
    socket.connect_to_server(dir.path("nobody"));
    assert_eq!(socket.state(), LocalSocketState::Connected);
    assert_eq!(diary.reasons.borrow().len(), 1);
    diary.reasons.take();
    diary.lines.take();
    socket.abort();
    assert_eq!(diary.expect_one("the second one"), CloseReason::Local);
}

#[test]
fn a_local_server_without_room() {
    let dir = Dir::new();
    let _full = local::full(&dir.path("full"));
    for way in [Way::Abort, Way::Close, Way::Drop] {
        let socket = QLocalSocket::new();
        let diary = Diary::of_local(&socket);
        socket.connect_to_server(dir.path("full"));
        assert_eq!(socket.state(), LocalSocketState::Connecting);
        match way {
            Way::Abort => socket.abort(),
            Way::Close => socket.close(),
            _ => {}
        }
        drop(socket);
        assert_eq!(diary.expect_one(&format!("{way:?}")), CloseReason::Local, "{way:?}");
    }
}

#[test]
fn an_accepted_socket() {
    let server = server();
    let (one, other) = pair_of(&server);
    let diary = Diary::of(&other);
    one.disconnect_from_host();
    wait_until(|| other.state() == SocketState::Unconnected);
    assert_eq!(diary.expect_one("accepted"), CloseReason::Remote);
    other.delete_later();
    settle();
    assert!(diary.reasons.borrow().is_empty());
}
