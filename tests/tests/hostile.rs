//! Peers that stall, send a byte now and then, leave in the middle, or never read: what they cost,
//! and how the program gets rid of them.

use std::{
    cell::Cell,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use integration::{
    connection, descriptors,
    dns::{ANSWER, TRUNCATED},
    in_child, listener, memory, port_of, process_cpu, reset, run_for, server, settle, tls,
    wait_until,
};
use qcore::{QCoreApplication, QTimer, VirtualClock};
use qnetwork::{
    CloseReason, DnsLookupErrorKind, DnsLookupType, ProxyType, QDnsLookup, QHostAddress,
    QNetworkProxy, QSslServer, QSslSocket, QTcpSocket, SocketErrorKind, SocketState, TimeoutKind,
};

const MIB: usize = 1 << 20;

fn encrypting_server() -> QSslServer {
    let server = QSslServer::new();
    server.set_ssl_configuration(tls::identified("good"));
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    server
}

/// Returns the first flight of a client: a whole record with its `ClientHello`.
fn hello() -> Vec<u8> {
    let listener = listener();
    let client = tls::client();
    client.connect_to_host_encrypted("127.0.0.1", port_of(&listener));
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut hello = Vec::new();
    wait_until(|| {
        let _ = stream.read_to_end(&mut hello);
        hello.len() > 5 && hello.len() == 5 + usize::from(hello[3]) * 256 + usize::from(hello[4])
    });
    hello
}

/// Connects a client whose connection a server encrypts, and closes it.
fn serve_one(server: &QSslServer) {
    let client = tls::client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_until(|| client.is_encrypted() && server.has_pending_connections());
    drop(client);
    end_pending(server);
    wait_until(|| server.children().is_empty());
}

/// Ends the connection that waits to be taken, if there is one.
fn end_pending(server: &QSslServer) {
    if let Some(socket) = server.next_pending_connection() {
        socket.set_parent(None);
    }
}

// ---- handshakes with a server

/// Slow clients take up a server's handshakes for as long as its limit allows, and no more.
#[test]
fn clients_that_stall_in_their_handshakes() {
    const STALLED: usize = 40;
    const AT_ONCE: usize = 10;
    if !in_child!("clients_that_stall_in_their_handshakes", 256) {
        return;
    }
    let _app = QCoreApplication::new();
    let server = encrypting_server();
    serve_one(&server);
    let hello = hello();
    server.set_max_pending_connections(AT_ONCE as i32);
    server.set_handshake_timeout(250);
    let failed = tls::count(&server.error_occurred);
    let wanted = SocketErrorKind::SocketTimeout;
    server.error_occurred.connect(move |(socket, error)| {
        assert_eq!(*error, wanted, "{}", socket.error_string());
    });

    let (open, cpu, started) = (descriptors(), process_cpu(), Instant::now());
    // Nothing, a part of a record's header, half a record, all of it.
    let sizes = [0, 3, hello.len() / 2, hello.len()];
    let stalled: Vec<_> = (0..STALLED)
        .map(|number| {
            let mut stream = connection(server.server_port()).unwrap();
            stream.write_all(&hello[..sizes[number % sizes.len()]]).unwrap();
            stream
        })
        .collect();
    // A good client has to wait for its turn.
    let client = tls::client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_until(|| {
        let accepted = descriptors().saturating_sub(open + STALLED + 1);
        assert!(accepted <= AT_ONCE, "{accepted} handshakes at once");
        failed.get() as usize == STALLED && server.has_pending_connections()
    });
    let (spent, took) = (process_cpu() - cpu, started.elapsed());
    println!("measured: {spent:?} of CPU in {took:?} for {STALLED} stalled handshakes");
    assert!(took >= Duration::from_millis(4 * 240), "{took:?}");
    assert!(spent < took / 2, "{spent:?} of CPU in {took:?}");
    for mut stream in stalled {
        // The server has sent its part of a whole handshake, and then ends the connection.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    drop(client);
    end_pending(&server);
    wait_until(|| server.children().is_empty());
    assert_eq!(descriptors(), open);
}

/// A flood of clients that begin a handshake and leave.
#[test]
fn clients_that_leave_in_their_handshakes() {
    const COUNT: u32 = 300;
    if !in_child!("clients_that_leave_in_their_handshakes", 256) {
        return;
    }
    let _app = QCoreApplication::new();
    let server = encrypting_server();
    serve_one(&server);
    let hello = hello();
    let (failed, port) = (tls::count(&server.error_occurred), server.server_port());
    let flood = || {
        let hello = hello.clone();
        let flooding = thread::spawn(move || {
            for number in 0..COUNT {
                let mut stream = connection(port).unwrap();
                let _ = stream.write_all(&hello[..hello.len() / (1 + number as usize % 3)]);
                match number % 4 {
                    0 => drop(stream),
                    1 => reset(stream),
                    2 => drop(stream.write_all(b"\x17\x03\x03\x00\x05hello")),
                    _ => drop(stream.write_all(&[0xff; 5000])),
                }
            }
        });
        failed.set(0);
        wait_until(|| failed.get() == COUNT);
        flooding.join().unwrap();
        wait_until(|| server.children().is_empty());
    };
    let open = descriptors();
    // The first flood fills pools and caches.
    flood();
    let (before, cpu) = (memory(), process_cpu());
    flood();
    flood();
    let grown = memory().saturating_sub(before);
    let spent = process_cpu() - cpu;
    println!("measured: {grown} bytes and {spent:?} of CPU for {} handshakes", 2 * COUNT);
    assert!(grown < 4 * MIB, "{grown} bytes");
    assert_eq!(descriptors(), open);
    serve_one(&server);
}

/// Passes on data between a client and a server, up to a number of bytes in one direction. Then it
/// resets both connections.
struct Relay {
    ends: Option<[TcpStream; 2]>,
    /// How many bytes may still pass from each end.
    left: [usize; 2],
}

impl Relay {
    fn pump(&mut self) {
        let Some(ends) = &self.ends else { return };
        for from in [0, 1] {
            let mut buffer = vec![0; self.left[from].min(4096)];
            match (&ends[from]).read(&mut buffer) {
                Ok(0) if !buffer.is_empty() => return self.cut(),
                Ok(count) => {
                    (&ends[1 - from]).write_all(&buffer[..count]).unwrap();
                    self.left[from] -= count;
                    if self.left[from] == 0 {
                        return self.cut();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return self.cut(),
            }
        }
    }

    fn cut(&mut self) {
        self.ends.take().into_iter().flatten().for_each(reset);
    }
}

/// The connection is reset after each number of bytes of a handshake, in both directions.
#[test]
fn resets_in_the_middle_of_a_handshake() {
    if !in_child!("resets_in_the_middle_of_a_handshake", 256) {
        return;
    }
    let _app = QCoreApplication::new();
    let server = encrypting_server();
    serve_one(&server);
    let told = Rc::new(Cell::new(0));
    server.error_occurred.connect_to(&told, |told, (socket, _)| {
        assert!(!socket.is_encrypted());
        told.set(told.get() + 1);
    });
    let listener = listener();
    settle();
    let open = descriptors();
    let mut tries = 0;
    for from in [0, 1] {
        for place in (1..).step_by(37) {
            told.set(0);
            let mut left = [usize::MAX; 2];
            left[from] = place;
            let client = tls::client();
            let closed = qcore::QSignalSpy::new(&client.closed);
            let errors = tls::count(&client.error_occurred);
            client.connect_to_host_encrypted("127.0.0.1", port_of(&listener));
            let ends = [listener.accept().unwrap().0, connection(server.server_port()).unwrap()];
            ends.iter().for_each(|end| end.set_nonblocking(true).unwrap());
            let mut relay = Relay { ends: Some(ends), left };
            wait_until(|| {
                relay.pump();
                relay.ends.is_none() || client.is_encrypted() && server.has_pending_connections()
            });
            let is_over = relay.ends.is_some();
            relay.cut();
            end_pending(&server);
            wait_until(|| {
                client.state() == SocketState::Unconnected && server.children().is_empty()
            });
            settle();
            assert_eq!((closed.count(), errors.get()), (1, 1), "{from} {place}");
            assert!(!closed.values()[0].is_orderly(), "{from} {place}: {:?}", closed.values());
            assert!(told.get() <= 1, "{from} {place}");
            drop(client);
            assert_eq!(descriptors(), open, "{from} {place}");
            tries += 1;
            if is_over {
                break;
            }
        }
    }
    println!("measured: {tries} resets");
    assert!(tries > 20, "{tries}");
    serve_one(&server);
}

/// Half a record that stays half keeps a connection, but no CPU time and little memory.
#[test]
fn half_a_record_for_ever() {
    const COUNT: usize = 20;
    if !in_child!("half_a_record_for_ever", 256) {
        return;
    }
    let _app = QCoreApplication::new();
    let server = server();
    let wires = tls::wires_of(&server);
    let pairs: Vec<_> = (0..COUNT)
        .map(|_| {
            let client = tls::client();
            let other = tls::encrypt(&client, &server);
            (client, other)
        })
        .collect();
    for mut wire in wires.borrow().iter() {
        wire.write_all(b"\x17\x03\x03\x40\x00").unwrap();
        wire.write_all(&[7; 8000]).unwrap();
    }
    wait_until(|| pairs.iter().all(|(client, _)| client.encrypted_bytes_available() == 8005));
    let cpu = process_cpu();
    run_for(Duration::from_millis(300));
    let spent = process_cpu() - cpu;
    println!("measured: {spent:?} of CPU in 300 ms with {COUNT} halves of records");
    assert!(spent <= Duration::from_millis(100), "{spent:?}");

    // The program ends such connections by a time-out.
    let clock = VirtualClock::install();
    let reasons: Vec<_> =
        pairs.iter().map(|(client, _)| qcore::QSignalSpy::new(&client.closed)).collect();
    for (client, _) in &pairs {
        client.set_timeout(TimeoutKind::IdleRead, 5000);
    }
    wait_until(|| reasons.iter().all(|closed| closed.count() > 0));
    drop(clock);
    for reason in reasons {
        assert_eq!(reason.values(), [CloseReason::TimedOut(TimeoutKind::IdleRead)]);
    }
}

// ---- a byte a second, on virtual time

/// Sends a byte of `bytes` each second as long as the stream stands.
fn dribble(stream: TcpStream, bytes: Vec<u8>) -> QTimer {
    let (timer, sent) = (QTimer::with_interval(1000), Cell::new(0));
    timer.timeout.connect(move |()| {
        if let Some(byte) = bytes.get(sent.replace(sent.get() + 1)) {
            let _ = (&stream).write_all(&[*byte]);
        }
    });
    timer.start();
    timer
}

/// Accepts a connection without waiting in the kernel, as time is virtual.
fn accepted(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let mut stream = None;
    wait_until(|| {
        stream = listener.accept().ok();
        stream.is_some()
    });
    stream.unwrap().0
}

#[track_caller]
fn expect_seconds(taken: Duration, expected: u64) {
    let expected = Duration::from_secs(expected);
    let most = expected + Duration::from_millis(1500);
    assert!(taken >= expected * 95 / 100 && taken <= most, "{taken:?} for {expected:?}");
}

#[test]
fn a_handshake_with_a_server_at_a_byte_a_second() {
    let _app = QCoreApplication::new();
    let (server, hello) = (encrypting_server(), hello());
    let told = tls::count(&server.error_occurred);
    let stream = connection(server.server_port()).unwrap();
    let clock = VirtualClock::install();
    let start = clock.now();
    let _dribbling = dribble(stream, hello);
    wait_until(|| told.get() == 1);
    expect_seconds(clock.now() - start, 5);
}

#[test]
fn a_handshake_with_a_client_at_a_byte_a_second() {
    let _app = QCoreApplication::new();
    let listener = listener();
    let client = QSslSocket::new();
    let closed = qcore::QSignalSpy::new(&client.closed);
    client.set_timeout(TimeoutKind::TlsHandshake, 20_000);
    let clock = VirtualClock::install();
    let start = clock.now();
    client.connect_to_host_encrypted("127.0.0.1", port_of(&listener));
    // The header of a long message, and its bytes.
    let message = [&b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb"[..], &[3; 1000]].concat();
    let _dribbling = dribble(accepted(&listener), message);
    wait_until(|| closed.count() > 0);
    expect_seconds(clock.now() - start, 20);
    assert_eq!(closed.values(), [CloseReason::TimedOut(TimeoutKind::TlsHandshake)]);
}

#[test]
fn a_proxy_at_a_byte_a_second() {
    let _app = QCoreApplication::new();
    let http = [&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'x'; 1000]].concat();
    let socks5 = [&b"\x05\x00\x05\x00\x00\x03\xff"[..], &[b'x'; 1000]].concat();
    for (kind, reply) in [(ProxyType::Http, http), (ProxyType::Socks5, socks5)] {
        let listener = listener();
        let socket = QTcpSocket::new();
        let closed = qcore::QSignalSpy::new(&socket.closed);
        socket.set_proxy(QNetworkProxy::new(kind, "127.0.0.1", port_of(&listener)));
        let clock = VirtualClock::install();
        let start = clock.now();
        socket.connect_to_host("192.0.2.1", 80);
        let _dribbling = dribble(accepted(&listener), reply);
        wait_until(|| closed.count() > 0);
        expect_seconds(clock.now() - start, 30);
        assert_eq!(socket.error(), SocketErrorKind::ProxyConnectionTimeout);
    }
}

#[test]
fn a_name_server_at_a_byte_a_second() {
    let _app = QCoreApplication::new();
    let listener = listener();
    let Ok(datagrams) = UdpSocket::bind(listener.local_addr().unwrap()) else {
        println!("skipped: the port is not free for UDP");
        return;
    };
    let dns = QDnsLookup::with_name(DnsLookupType::A, "a.example");
    dns.set_nameserver_with_port(QHostAddress::LocalHost, port_of(&listener));
    let clock = VirtualClock::install();
    let start = clock.now();
    dns.lookup();
    // The first reply does not fit into a datagram.
    datagrams.set_nonblocking(true).unwrap();
    let mut query = [0; 512];
    let mut received = None;
    wait_until(|| {
        received = datagrams.recv_from(&mut query).ok();
        received.is_some()
    });
    let (length, client) = received.unwrap();
    let mut reply = query[..length].to_vec();
    reply[2..4].copy_from_slice(&(ANSWER | TRUNCATED).to_be_bytes());
    datagrams.send_to(&reply, client).unwrap();
    let _dribbling = dribble(accepted(&listener), [&[2, 0][..], &reply, &[0; 500]].concat());
    wait_until(|| dns.is_finished());
    expect_seconds(clock.now() - start, 5);
    assert_eq!(dns.error(), Some(DnsLookupErrorKind::InvalidReply));
}

/// A client that always sends something is never idle. A limit of the connection's life ends it.
#[test]
fn a_client_of_a_server_at_a_byte_a_second() {
    let _app = QCoreApplication::new();
    let server = server();
    let stream = connection(server.server_port()).unwrap();
    wait_until(|| server.has_pending_connections());
    let socket = server.next_pending_connection().unwrap();
    let closed = qcore::QSignalSpy::new(&socket.closed);
    let clock = VirtualClock::install();
    let start = clock.now();
    socket.set_timeout(TimeoutKind::IdleRead, 10_000);
    socket.set_timeout(TimeoutKind::Lifetime, 60_000);
    let received = Rc::new(Cell::new(0));
    let count = received.clone();
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        count.set(count.get() + socket.read_all().len());
    });
    let _dribbling = dribble(stream, vec![b'x'; 1000]);
    wait_until(|| closed.count() > 0);
    expect_seconds(clock.now() - start, 60);
    assert_eq!(closed.values(), [CloseReason::TimedOut(TimeoutKind::Lifetime)]);
    assert!(received.get() >= 55, "{}", received.get());
}

// ---- peers that never read

/// What was written for them waits in memory until a time-out ends the connection. The loop does
/// not spin meanwhile.
#[test]
fn peers_that_never_read() {
    const COUNT: usize = 8;
    const SIZE: usize = 16 * MIB;
    if !in_child!("peers_that_never_read", 256) {
        return;
    }
    let _app = QCoreApplication::new();
    let (plain, encrypting) = (server(), tls::encrypting("good"));
    let measure = |others: Vec<QTcpSocket>, what: &str| {
        let closed: Vec<_> =
            others.iter().map(|other| qcore::QSignalSpy::new(&other.closed)).collect();
        let before = memory();
        for other in &others {
            other.write(vec![7; SIZE]).unwrap();
        }
        let unsent = || others.iter().map(|other| other.unsent_bytes()).sum::<usize>();
        let last = Cell::new(usize::MAX);
        wait_until(|| {
            run_for(Duration::from_millis(30));
            last.replace(unsent()) == unsent()
        });
        let cpu = process_cpu();
        run_for(Duration::from_millis(300));
        let spent = process_cpu() - cpu;
        println!("measured: {spent:?} of CPU in 300 ms with {COUNT} {what} peers that do not read");
        assert!(spent <= Duration::from_millis(100), "{spent:?}");
        let held = memory().saturating_sub(before);
        assert!(held < 2 * COUNT * SIZE, "{held} bytes are held, {what}");

        let clock = VirtualClock::install();
        for other in &others {
            other.set_timeout(TimeoutKind::IdleWrite, 5000);
        }
        wait_until(|| closed.iter().all(|closed| closed.count() > 0));
        drop(clock);
        for reason in closed {
            assert_eq!(reason.values(), [CloseReason::TimedOut(TimeoutKind::IdleWrite)]);
        }
        others.iter().for_each(|other| other.delete_later());
        settle();
        println!("measured: {held} bytes held for {what} peers");
        memory()
    };
    let of_plain = || {
        let peers: Vec<_> = (0..COUNT).map(|_| connection(plain.server_port()).unwrap()).collect();
        let mut others = Vec::new();
        wait_until(|| {
            others.extend(std::iter::from_fn(|| plain.next_pending_connection()));
            others.len() == COUNT
        });
        let after = measure(others, "plain");
        drop(peers);
        after
    };
    let of_encrypted = || {
        let pairs: Vec<_> = (0..COUNT)
            .map(|_| {
                let client = tls::client();
                let other = QTcpSocket::clone(&tls::encrypt(&client, &encrypting));
                client.pause_reading();
                (client, other)
            })
            .collect();
        measure(pairs.iter().map(|(_, other)| other.clone()).collect(), "encrypted")
    };
    let open = descriptors();
    // The allocator keeps memory that was freed, so each measurement is repeated.
    let plain_twice = [of_plain(), of_plain()];
    let encrypted_twice = [of_encrypted(), of_encrypted()];
    for (what, [first, second]) in [("plain", plain_twice), ("encrypted", encrypted_twice)] {
        let grown = second.saturating_sub(first);
        println!("measured: {grown} more bytes after the second time, {what}");
        assert!(grown < COUNT * SIZE / 2, "{grown} bytes are kept, {what}");
    }
    settle();
    assert_eq!(descriptors(), open);
}
