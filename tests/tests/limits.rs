//! Peers that never stop. docs/limits.md lists the limits that stop them.

use std::{
    cell::Cell,
    fs,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use integration::{LIMIT, listener, pair, peer, port_of, server, tls, wait_until};
use qcore::{QCoreApplication, QTimer};
use qnetwork::{
    ProxyType, QHostAddress, QNetworkProxy, QTcpSocket, QUdpSocket, SocketErrorKind, SocketState,
};

/// A target that is never reached: the proxies in these tests do not connect.
const TARGET: &str = "192.0.2.1";

/// Reads up to the empty line. Returns whether it came.
fn read_request(stream: &mut TcpStream) -> bool {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => text.push(byte[0]),
            _ => return false,
        }
    }
    true
}

/// Connects through an HTTP proxy whose answers come from `reply`, and counts the requests. The
/// program gives the same credentials whenever it is asked.
fn connect_by(reply: impl Fn(&mut TcpStream, usize) + Send + 'static) -> (QTcpSocket, u32, usize) {
    let _app = QCoreApplication::new();
    let listener = listener();
    let port = port_of(&listener);
    let proxy = std::thread::spawn(move || {
        let mut requests = 0;
        // The last connection is the test's own and sends nothing.
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            let before = requests;
            while read_request(&mut stream) {
                requests += 1;
                reply(&mut stream, requests);
            }
            if requests == before {
                return requests;
            }
        }
    });
    let socket = QTcpSocket::new();
    let kind = ProxyType::Http;
    socket.set_proxy(QNetworkProxy::with_credentials(kind, "127.0.0.1", port, "me", "secret"));
    let asked = Rc::new(Cell::new(0));
    let counted = asked.clone();
    socket.proxy_authentication_required.connect(move |(_, authenticator)| {
        counted.set(counted.get() + 1);
        authenticator.set_user("me");
        authenticator.set_password("secret");
    });
    socket.connect_to_host(TARGET, 80);
    wait_until(|| socket.state() == SocketState::Unconnected);
    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
    (socket, asked.get(), proxy.join().unwrap())
}

#[test]
fn an_http_proxy_that_finds_each_nonce_stale() {
    let (socket, asked, requests) = connect_by(|stream, count| {
        let reply = format!(
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"{count}\", \
             stale=true\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(reply.as_bytes()).unwrap();
    });
    assert_eq!(socket.error(), SocketErrorKind::ProxyAuthenticationRequired);
    assert_eq!(socket.error_string(), "Authentication required");
    // One request without credentials, and two for each set of credentials: the proxy's own and
    // sixteen from the program.
    assert_eq!((asked, requests), (16, 1 + 2 * 17));
}

#[test]
fn an_http_proxy_whose_body_contradicts_itself_and_never_ends() {
    let started = Instant::now();
    let (socket, asked, requests) = connect_by(|stream, _| {
        let header = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"r\"\r\n\
                      Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n";
        stream.write_all(header.as_bytes()).unwrap();
        let chunks = b"10\r\n0123456789abcdef\r\n".repeat(400);
        while stream.write_all(&chunks).is_ok() {}
    });
    assert_eq!(socket.error(), SocketErrorKind::ProxyProtocol);
    assert_eq!(socket.error_string(), "Did not receive HTTP response from proxy");
    assert_eq!((asked, requests), (0, 1));
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_http_proxy_whose_body_never_ends() {
    let (socket, asked, requests) = connect_by(|stream, _| {
        let header = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"r\"\r\n\
                      Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(header.as_bytes()).unwrap();
        let chunks = b"10\r\n0123456789abcdef\r\n".repeat(400);
        while stream.write_all(&chunks).is_ok() {}
    });
    // The client abandons each body and retries with a new connection.
    assert_eq!(socket.error(), SocketErrorKind::ProxyAuthenticationRequired);
    assert_eq!((asked, requests), (16, 18));
}

/// A SOCKS5 proxy should send nothing on the control connection of a relay.
#[test]
fn a_socks5_proxy_that_talks_while_it_relays() {
    let _app = QCoreApplication::new();
    let (port, proxy) = peer(|mut stream| {
        stream.read_exact(&mut [0; 3]).unwrap();
        stream.write_all(b"\x05\x00").unwrap();
        stream.read_exact(&mut [0; 10]).unwrap();
        stream.write_all(b"\x05\x00\x00\x01\x7f\0\0\x01\x05\x06").unwrap();
        let mut said = 0_usize;
        while said < 64 << 20 && stream.write_all(&[7; 1000]).is_ok() {
            said += 1000;
        }
        said
    });
    let socket = QUdpSocket::new();
    socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", port));
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    assert_eq!(socket.state(), SocketState::Bound);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::ProxyProtocol);
    assert_eq!(socket.error_string(), "SOCKS version 5 protocol error");
    assert!(proxy.join().unwrap() < 64 << 20);
}

/// Returns a socket that gets more data each time it reads.
fn talkative() -> (QTcpSocket, Rc<Cell<u32>>) {
    let (socket, mut other) = pair();
    other.write_all(b"first").unwrap();
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        drop(socket.read_all());
        count.set(count.get() + 1);
        assert!(count.get() < 100_000, "the wait does not end");
        (&other).write_all(b"more").unwrap();
    });
    (socket, told)
}

#[test]
fn waits_end_though_the_other_end_never_stops_sending() {
    let _app = QCoreApplication::new();
    for time in [0, 20] {
        let (socket, told) = talkative();
        let error = socket.wait_for_disconnected(time).unwrap_err();
        assert_eq!(error, SocketErrorKind::SocketTimeout);
        assert_eq!(socket.state(), SocketState::Connected);
        assert!(told.get() > 0);

        // The peer never reads.
        let (socket, told) = talkative();
        socket.write(vec![0; 64 << 20]).unwrap();
        let ends = loop {
            match socket.wait_for_bytes_written(time) {
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(ends, SocketErrorKind::SocketTimeout);
        assert!(socket.bytes_to_write() > 0 && told.get() > 0);
    }
}

/// Returns how many times something happens before a zero timer fires.
fn before_others(count: &Cell<u32>) -> u32 {
    let app = QCoreApplication::new();
    QTimer::single_shot(0, || QCoreApplication::instance().quit());
    app.exec();
    count.replace(0)
}

#[test]
fn who_connects_again_and_again_does_not_keep_the_loop() {
    let _app = QCoreApplication::new();
    let server = server();
    let port = server.server_port();
    let accepted = Rc::new(Cell::new(0));
    let count = accepted.clone();
    server.new_connection.connect_to(&server, move |server, ()| {
        count.set(count.get() + 1);
        assert!(count.get() < 1000, "the server accepts without end");
        server.next_pending_connection().unwrap().delete_later();
        drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
    });
    let _first = TcpStream::connect(("127.0.0.1", port)).unwrap();
    wait_until(|| accepted.get() > 0);
    let at_once = before_others(&accepted);
    assert!(at_once <= 2 * 64, "{at_once}");
}

#[test]
fn who_sends_datagrams_again_and_again_does_not_keep_the_loop() {
    let _app = QCoreApplication::new();
    let socket = QUdpSocket::new();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    let to = ("127.0.0.1", socket.local_port());
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"first", to).unwrap();
    let received = Rc::new(Cell::new(0));
    let count = received.clone();
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        loop {
            match u32::try_from(socket.receive_datagrams(16).len()).unwrap() {
                0 => break,
                some => count.set(count.get() + some),
            }
            assert!(count.get() < 10_000, "the socket receives without end");
            sender.send_to(b"more", to).unwrap();
        }
    });
    wait_until(|| received.get() > 0);
    let at_once = before_others(&received);
    assert!(at_once <= 2 * (1024 + 16), "{at_once}");
}

#[test]
fn an_encrypted_connection_that_always_writes_does_not_keep_the_loop() {
    let _app = QCoreApplication::new();
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    let written = Rc::new(Cell::new(0));
    let count = written.clone();
    other.bytes_written.connect_to(&other, move |socket, _| {
        count.set(count.get() + 1);
        assert!(count.get() < 10_000, "the socket writes without end");
        socket.write("x").unwrap();
    });
    other.write("x").unwrap();
    wait_until(|| written.get() > 0);
    let at_once = before_others(&written);
    assert!(at_once <= 4 * 256, "{at_once}");
}

/// Each row of the chapter names the tests that check it. They must exist.
#[test]
fn what_checks_a_limit_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let chapter = fs::read_to_string(root.join("docs/limits.md")).unwrap();
    let mut rows = 0;
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| ---");
    for line in chapter.lines().filter(is_row) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 4, "{line}");
        if matches!(cells[0].trim(), "what" | "parser") {
            continue;
        }
        let tests: Vec<&str> = cells[3].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {line}");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let source = fs::read_to_string(root.join(file)).unwrap_or_default();
            assert!(source.contains(&format!("fn {name}(")), "no {test}");
        }
        rows += 1;
    }
    assert!(rows > 20);
}

/// The chapter names all fuzz targets, and no others.
#[test]
fn the_fuzz_targets_are_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let chapter = fs::read_to_string(root.join("docs/limits.md")).unwrap();
    let (_, parsers) = chapter.split_once("\n## Parsers\n").unwrap();
    let (parsers, _) = parsers.split_once("\n## ").unwrap();
    let rows = parsers.lines().filter(|line| line.starts_with("| ")).skip(2);
    let mut listed: Vec<&str> = rows
        .flat_map(|row| row.split(" | ").nth(2).unwrap().split('`').skip(1).step_by(2))
        .collect();
    listed.sort_unstable();
    let targets = fs::read_dir(root.join("tests/fuzz/targets")).unwrap();
    let mut targets: Vec<_> =
        targets.map(|target| target.unwrap().path().file_stem().unwrap().to_owned()).collect();
    targets.sort_unstable();
    assert_eq!(listed, targets);
    let manifest = fs::read_to_string(root.join("tests/fuzz/Cargo.toml")).unwrap();
    for target in listed {
        assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
    }
}
