//! Servers that listen through a SOCKS5 proxy.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::fd::OwnedFd,
    rc::Rc,
};

use integration::{
    LIMIT, NO_HOST, Request, Socks5Proxy, closed_port, connection, peer, run_for, settle,
    wait_until,
};
use qcore::QCoreApplication;
use qnetwork::{
    ProxyCapabilities, ProxyType, QHostAddress, QNetworkProxy, QTcpServer, QTcpSocket,
    SocketErrorKind, SocketState,
};

fn by(proxy: &Socks5Proxy) -> QTcpServer {
    let server = QTcpServer::new();
    server.set_proxy(proxy.proxy());
    server
}

fn at(port: u16) -> QTcpServer {
    let server = QTcpServer::new();
    server.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", port));
    server
}

fn listening(proxy: &Socks5Proxy) -> QTcpServer {
    let server = by(proxy);
    server.listen(QHostAddress::Any, 0).unwrap();
    server
}

/// Connects a client to a server. The server may still be waiting for the proxy.
#[track_caller]
fn client(server: &QTcpServer) -> TcpStream {
    let mut stream = None;
    wait_until(|| {
        stream = connection(server.server_port());
        stream.is_some()
    });
    stream.unwrap()
}

#[track_caller]
fn accepted(server: &QTcpServer) -> QTcpSocket {
    wait_until(|| server.has_pending_connections());
    server.next_pending_connection().unwrap()
}

#[test]
fn connections_come_one_after_the_other() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let server = listening(&proxy);
    let come = Rc::new(Cell::new(0));
    let counted = come.clone();
    server.new_connection.connect(move |()| counted.set(counted.get() + 1));
    server.accept_error.connect(|error| panic!("{error:?}"));
    let port = server.server_port();
    assert!(server.is_listening() && port > 0 && server.socket_descriptor().is_some());
    assert_eq!(server.server_address(), QHostAddress::LocalHost);
    // The proxy listens, but there is no connection yet.
    settle();
    assert_eq!((come.get(), server.has_pending_connections()), (0, false));
    let listens = Request { command: 2, host: "0.0.0.0".to_owned(), port: 0 };
    assert_eq!(proxy.requests(), [listens]);

    let mut clients = Vec::new();
    for count in 1..=5 {
        let mut client = client(&server);
        client.write_all(b"question").unwrap();
        let socket = accepted(&server);
        assert_eq!(come.get(), count);
        let far = client.local_addr().unwrap();
        assert_eq!(socket.state(), SocketState::Connected);
        assert_eq!((socket.local_address(), socket.local_port()), (QHostAddress::LocalHost, port));
        assert_eq!(socket.peer_address(), QHostAddress::from(far.ip()));
        assert_eq!(socket.peer_port(), far.port());
        assert_eq!(socket.parent().as_ref(), Some(&**server));
        wait_until(|| socket.bytes_available() == 8);
        assert_eq!(socket.read_all(), b"question");
        socket.write("answer").unwrap();
        wait_until(|| socket.bytes_to_write() == 0);
        let mut answer = [0; 6];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"answer");
        clients.push((client, socket));
    }
    // All connections still exist.
    for (mut client, socket) in clients {
        client.write_all(b"more").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(socket.read_all(), b"more");
        assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
    }
    // The server asks for the same port again.
    wait_until(|| proxy.requests().len() == 6);
    assert!(proxy.requests()[1..].iter().all(|request| request.port == port));

    server.close();
    assert_eq!((server.is_listening(), server.server_port()), (false, 0));
    wait_until(|| TcpListener::bind(("127.0.0.1", port)).is_ok());
    server.listen(QHostAddress::Any, port).unwrap();
    assert_eq!(server.server_port(), port);
}

#[test]
fn without_a_loop() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let server = listening(&proxy);
    let error = server.wait_for_new_connection(1).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    for _ in 0..3 {
        let port = server.server_port();
        let connecting = std::thread::spawn(move || {
            let end = std::time::Instant::now() + LIMIT;
            while std::time::Instant::now() < end {
                if let Some(stream) = connection(port) {
                    return stream;
                }
                std::thread::yield_now();
            }
            panic!("nobody listens");
        });
        server.wait_for_new_connection(LIMIT).unwrap();
        let socket = server.next_pending_connection().unwrap();
        let mut client = connecting.join().unwrap();
        client.write_all(b"x").unwrap();
        socket.wait_for_ready_read(LIMIT).unwrap();
        assert_eq!(socket.read_all(), b"x");
    }
}

/// The server accepts as many connections as may be pending. Meanwhile it does not ask the proxy
/// for the next one.
#[test]
fn limits_and_pauses() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let server = by(&proxy);
    server.set_max_pending_connections(2);
    server.listen(QHostAddress::Any, 0).unwrap();
    let _first = client(&server);
    wait_until(|| server.has_pending_connections());
    let _second = client(&server);
    let port = server.server_port();
    wait_until(|| TcpListener::bind(("127.0.0.1", port)).is_ok());
    settle();
    assert_eq!(proxy.requests().len(), 2);
    assert!(server.next_pending_connection().is_some());
    wait_until(|| proxy.requests().len() == 3);
    assert!(server.next_pending_connection().is_some());

    let third = client(&server);
    server.pause_accepting();
    run_for(std::time::Duration::from_millis(20));
    assert!(!server.has_pending_connections());
    server.resume_accepting();
    assert_eq!(accepted(&server).peer_port(), third.local_addr().unwrap().port());
}

/// The handler gets the descriptor of the connection before anything was read from it.
#[test]
fn a_handler() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let server = listening(&proxy);
    let taken = Rc::new(RefCell::new(Vec::<OwnedFd>::new()));
    server.set_incoming_connection(&taken, |taken, descriptor| {
        taken.borrow_mut().push(descriptor);
    });
    let mut client = client(&server);
    client.write_all(b"at once").unwrap();
    wait_until(|| !taken.borrow().is_empty());
    let mut stream = TcpStream::from(taken.borrow_mut().pop().unwrap());
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut data = [0; 7];
    stream.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"at once");
}

#[test]
fn the_proxy_cannot_go_on() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let server = listening(&proxy);
    let errors = Rc::new(RefCell::new(Vec::new()));
    let told = errors.clone();
    server.accept_error.connect(move |error| told.borrow_mut().push(*error));
    // The first pending connection, then a refusal: for the known port first, and then for any.
    proxy.refuse(true);
    let _client = client(&server);
    let _socket = accepted(&server);
    wait_until(|| !errors.borrow().is_empty());
    assert_eq!(*errors.borrow(), [SocketErrorKind::Network]);
    assert_eq!(server.server_error(), SocketErrorKind::Network);
    assert_eq!(server.error_string(), "General SOCKSv5 server failure");
    let port = server.server_port();
    let asked: Vec<u16> = proxy.requests().iter().map(|request| request.port).collect();
    assert_eq!(asked, [0, port, 0]);
    assert!(server.is_listening());
    // The server retries, and at once if the program asks for it.
    proxy.refuse(false);
    server.resume_accepting();
    let _second = client(&server);
    let _socket = accepted(&server);

    // The proxy hangs up while it listens.
    wait_until(|| proxy.requests().len() == 5);
    let _third = client(&server);
    let _socket = accepted(&server);
    // Before the proxy has replied, a hang-up would only make the server ask for another port.
    wait_until(|| proxy.listened() == 4);
    assert_eq!(proxy.requests().len(), 6);
    errors.borrow_mut().clear();
    proxy.hang_up();
    wait_until(|| !errors.borrow().is_empty());
    assert_eq!(*errors.borrow(), [SocketErrorKind::ProxyConnectionClosed]);
    wait_until(|| proxy.requests().len() == 7);
    let _fourth = client(&server);
    let _socket = accepted(&server);
}

#[test]
fn another_port_if_there_has_to_be_one() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let server = by(&proxy);
    server.set_max_pending_connections(1);
    server.listen(QHostAddress::Any, 0).unwrap();
    let port = server.server_port();
    let _client = client(&server);
    wait_until(|| server.has_pending_connections());
    let mut other = None;
    wait_until(|| {
        other = TcpListener::bind(("127.0.0.1", port)).ok();
        other.is_some()
    });
    let _socket = server.next_pending_connection();
    wait_until(|| server.server_port() != port);
    assert!(server.server_port() > 0);
    let _client = client(&server);
    let _socket = accepted(&server);
}

#[test]
fn proxies_that_cannot_listen() {
    let mut less = QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", 1);
    less.set_capabilities(ProxyCapabilities::TUNNELING);
    let mut more = QNetworkProxy::new(ProxyType::Http, "127.0.0.1", 1);
    for proxy in
        [less, more.clone(), ProxyType::HttpCaching.into(), ProxyType::FtpCaching.into(), {
            more.set_capabilities(ProxyCapabilities::all());
            more
        }]
    {
        let server = QTcpServer::new();
        server.set_proxy(proxy.clone());
        assert_eq!(server.proxy(), proxy);
        let error = server.listen(QHostAddress::Any, 0).unwrap_err();
        assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
        assert_eq!(server.server_error(), SocketErrorKind::UnsupportedSocketOperation);
        assert!(!server.error_string().is_empty() && !server.is_listening());
        // Here no proxy is used.
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        server.close();
        server.set_proxy(QNetworkProxy::none());
        server.listen(QHostAddress::Any, 0).unwrap();
        assert_eq!(server.server_address(), QHostAddress::Any);
    }
}

/// Returns the error of `listen()` with a proxy that plays `script`: pieces to send, each after a
/// number of bytes was read.
fn told(script: &'static [(usize, &'static [u8])]) -> (SocketErrorKind, String) {
    let (port, proxy) = peer(move |mut stream| {
        for (count, said) in script {
            stream.read_exact(&mut vec![0; *count]).unwrap();
            stream.write_all(said).unwrap();
        }
    });
    let server = at(port);
    let error = server.listen(QHostAddress::Any, 4321).unwrap_err();
    proxy.join().unwrap();
    assert_eq!((server.server_error(), server.error_string()), (error.kind(), error.to_string()));
    assert!(!server.is_listening() && server.server_port() == 0);
    (error.kind(), error.to_string())
}

#[test]
fn refusals() {
    use SocketErrorKind::*;
    let _app = QCoreApplication::new();
    let closed = (ProxyConnectionClosed, "Connection to proxy closed prematurely".to_owned());
    let protocol = (ProxyProtocol, "SOCKS version 5 protocol error".to_owned());
    // The proxy hangs up in each state.
    assert_eq!(told(&[]), closed);
    assert_eq!(told(&[(3, b"")]), closed);
    assert_eq!(told(&[(3, b"\x05")]), closed);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"")]), closed);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\0\0\x01\x01\x02\x03\x04\x05")]), closed);
    // The proxy sends garbage.
    assert_eq!(told(&[(3, b"\x04\x04\x04\x04")]), protocol);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x04\x04\x04\x04")]), protocol);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\0\0\x07aaaaaaaa")]), protocol);
    // An invalid address.
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\0\0\x03\x04host\0\x07")]), protocol);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\0\0\x01\x01\x02\x03\x04\0\0")]), protocol);
    let kinds = [
        Network,
        SocketAccess,
        Network,
        HostNotFound,
        ConnectionRefused,
        Network,
        UnsupportedSocketOperation,
        UnsupportedSocketOperation,
    ];
    const CODES: [&[(usize, &[u8])]; 8] = [
        &[(3, b"\x05\0"), (10, b"\x05\x01\0\x01\0\0\0\0\0\0")],
        &[(3, b"\x05\0"), (10, b"\x05\x02\0\x01\0\0\0\0\0\0")],
        &[(3, b"\x05\0"), (10, b"\x05\x03\0\x01\0\0\0\0\0\0")],
        &[(3, b"\x05\0"), (10, b"\x05\x04\0\x01\0\0\0\0\0\0")],
        &[(3, b"\x05\0"), (10, b"\x05\x05\0\x01\0\0\0\0\0\0")],
        &[(3, b"\x05\0"), (10, b"\x05\x06\0\x01\0\0\0\0\0\0")],
        &[(3, b"\x05\0"), (10, b"\x05\x07\0\x01\0\0\0\0\0\0")],
        &[(3, b"\x05\0"), (10, b"\x05\x08\0\x01\0\0\0\0\0\0")],
    ];
    for (code, kind) in CODES.into_iter().zip(kinds) {
        assert_eq!(told(code).0, kind);
    }
    // Authentication.
    let refused = (ProxyAuthenticationRequired, "Proxy authentication failed".to_owned());
    assert_eq!(told(&[(3, b"\x05\xff")]), refused);
    assert_eq!(told(&[(3, b"\x05\x09")]).0, SocketAccess);

    let (port, _kept) = closed_port();
    let error = at(port).listen(QHostAddress::Any, 0).unwrap_err();
    assert_eq!(error, ProxyConnectionRefused);
    let server = QTcpServer::new();
    server.set_proxy(QNetworkProxy::new(ProxyType::Socks5, NO_HOST, 1));
    assert_eq!(server.listen(QHostAddress::Any, 0).unwrap_err(), ProxyNotFound);
}

#[test]
fn a_silent_proxy() {
    let _app = QCoreApplication::new();
    let (port, proxy) = peer(|mut stream| {
        stream.read_exact(&mut [0; 3]).unwrap();
        stream.write_all(b"\x05\0").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        rest
    });
    let server = at(port);
    let error = server.listen("192.0.2.7".parse::<QHostAddress>().unwrap(), 80).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    assert_eq!(error.to_string(), "Network operation timed out");
    // The connection to the proxy is closed, too.
    assert_eq!(proxy.join().unwrap(), b"\x05\x02\0\x01\xc0\0\x02\x07\0\x50");
}

/// The proxy sends both replies and the peer's data, cut at any place, or all at once.
#[test]
fn fragmentation() {
    let _app = QCoreApplication::new();
    const TALK: &[u8] = b"\x05\0\0\x01\x01\x02\x03\x04\x05\x06\
        \x05\0\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\0hello";
    for cut in 0..=TALK.len() {
        let (port, proxy) = peer(move |mut stream| {
            stream.set_nodelay(true).unwrap();
            stream.read_exact(&mut [0; 3]).unwrap();
            stream.write_all(b"\x05\x02").unwrap();
            let mut credentials = [0; 13];
            stream.read_exact(&mut credentials).unwrap();
            assert_eq!(&credentials, b"\x01\x04user\x06secret");
            stream.write_all(b"\x01\0").unwrap();
            stream.read_exact(&mut [0; 10]).unwrap();
            stream.write_all(&TALK[..cut]).unwrap();
            stream.write_all(&TALK[cut..]).unwrap();
            stream.read_exact(&mut [0; 1]).unwrap();
        });
        let server = QTcpServer::new();
        server.set_max_pending_connections(1);
        let kind = ProxyType::Socks5;
        server.set_proxy(QNetworkProxy::with_credentials(
            kind,
            "127.0.0.1",
            port,
            "user",
            "secret",
        ));
        server.listen(QHostAddress::Any, 0).unwrap();
        assert_eq!(server.server_address().to_string(), "1.2.3.4");
        assert_eq!(server.server_port(), 0x506);
        wait_until(|| server.has_pending_connections());
        // This proxy accepts only once, so the server must not ask it again before the pending
        // connection is taken.
        server.pause_accepting();
        let socket = server.next_pending_connection().unwrap();
        assert_eq!(
            (socket.local_address().to_string(), socket.local_port()),
            ("1.2.3.4".to_owned(), 0x506)
        );
        assert_eq!(
            (socket.peer_address().to_string(), socket.peer_port()),
            ("2001:db8::1".to_owned(), 256)
        );
        wait_until(|| socket.bytes_available() == 5);
        assert_eq!(socket.read_all(), b"hello");
        socket.write("x").unwrap();
        wait_until(|| socket.bytes_to_write() == 0);
        proxy.join().unwrap();
    }
}

/// Invalid data instead of the second reply.
#[test]
fn a_second_reply_that_is_none() {
    let _app = QCoreApplication::new();
    for (said, error) in [
        (&b"\x04\x04\x04\x04\x04"[..], SocketErrorKind::ProxyProtocol),
        (b"\x05\x01\0\x01\0\0\0\0\0\0", SocketErrorKind::Network),
        (b"\x05\x05\0", SocketErrorKind::ConnectionRefused),
        (b"\x05\0\0\x01", SocketErrorKind::ProxyConnectionClosed),
        (b"", SocketErrorKind::ProxyConnectionClosed),
    ] {
        let (port, proxy) = peer(move |mut stream| {
            stream.read_exact(&mut [0; 3]).unwrap();
            stream.write_all(b"\x05\0").unwrap();
            stream.read_exact(&mut [0; 10]).unwrap();
            stream.write_all(b"\x05\0\0\x01\x01\x02\x03\x04\x05\x06").unwrap();
            stream.write_all(said).unwrap();
        });
        let server = at(port);
        let told = Rc::new(RefCell::new(Vec::new()));
        let noted = told.clone();
        server.accept_error.connect(move |error| noted.borrow_mut().push(*error));
        server.new_connection.connect(|()| panic!("nobody has come"));
        server.listen(QHostAddress::Any, 0).unwrap();
        wait_until(|| !told.borrow().is_empty());
        assert_eq!(told.borrow()[0], error, "{said:?}");
        assert!(server.is_listening());
        server.close();
        proxy.join().unwrap();
    }
}

#[test]
fn a_server_that_goes() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    // Dropped while its slot runs.
    let server = listening(&proxy);
    let kept = Rc::new(RefCell::new(Some(server.clone())));
    let dropped = kept.clone();
    server.new_connection.connect(move |()| drop(dropped.take()));
    let port = server.server_port();
    let _client = client(&server);
    drop(server);
    wait_until(|| kept.borrow().is_none());
    wait_until(|| TcpListener::bind(("127.0.0.1", port)).is_ok());
    // Dropped while the proxy is asked again.
    let server = listening(&proxy);
    let _client = client(&server);
    let _socket = accepted(&server);
    drop(server);
    settle();
}

/// A proxy that is asked to listen again has half a minute to answer. The server then asks again
/// later.
#[test]
fn a_proxy_that_falls_silent() {
    let app = QCoreApplication::new();
    let listener = integration::listener();
    let port = integration::port_of(&listener);
    let talking = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 3]).unwrap();
        stream.write_all(b"\x05\0").unwrap();
        stream.read_exact(&mut [0; 10]).unwrap();
        stream.write_all(b"\x05\0\0\x01\x01\x02\x03\x04\x05\x06").unwrap();
        stream.write_all(b"\x05\0\0\x01\x05\x06\x07\x08\x05\x06").unwrap();
        (listener, stream)
    });
    let server = at(port);
    let told = Rc::new(RefCell::new(Vec::new()));
    let noted = told.clone();
    server.accept_error.connect(move |error| noted.borrow_mut().push(*error));
    server.listen(QHostAddress::Any, 0).unwrap();
    let (listener, _first) = talking.join().unwrap();
    let clock = qcore::VirtualClock::install();
    let arrives = || {
        let (proxy, _) = listener.accept().unwrap();
        proxy.set_nonblocking(true).unwrap();
        while (&proxy).read(&mut [0; 3]).is_err() {
            app.process_events();
        }
        proxy
    };
    let _socket = accepted(&server);
    let _silent = arrives();
    clock.advance(std::time::Duration::from_secs(20));
    app.process_events();
    assert!(told.borrow().is_empty());
    clock.advance(std::time::Duration::from_secs(20));
    app.process_events();
    assert_eq!(*told.borrow(), [SocketErrorKind::ProxyConnectionTimeout]);
    assert!(server.is_listening());
    clock.advance(std::time::Duration::from_secs(2));
    app.process_events();
    let _silent = arrives();
    clock.advance(std::time::Duration::from_secs(40));
    app.process_events();
    assert_eq!(told.borrow().len(), 2);
    // Now the server waits longer before it asks.
    clock.advance(std::time::Duration::from_millis(1500));
    app.process_events();
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
    clock.advance(std::time::Duration::from_secs(1));
    app.process_events();
    listener.set_nonblocking(false).unwrap();
    let _silent = arrives();
}
