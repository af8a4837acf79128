//! Connecting through proxies, which blocking threads play.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::TcpStream,
    rc::Rc,
    time::Duration,
};

use integration::{NO_HOST, closed_port, in_child, listener, peer, port_of, wait_until};
use qcore::{DeviceErrorKind, QCoreApplication, QSignalSpy};
use qnetwork::{
    ProxyCapabilities, ProxyQueryType, ProxyType, QHostAddress, QNetworkProxy, QTcpSocket,
    SocketErrorKind, SocketState,
};

/// A target that is never reached: the proxies in these tests do not connect.
const TARGET: &str = "192.0.2.1";

fn by(kind: ProxyType, port: u16) -> QTcpSocket {
    let socket = QTcpSocket::new();
    socket.set_proxy(QNetworkProxy::new(kind, "127.0.0.1", port));
    socket
}

/// Connects and waits for the end.
fn end_of(socket: &QTcpSocket) -> (SocketErrorKind, String) {
    socket.connect_to_host(TARGET, 80);
    wait_until(|| socket.state() == SocketState::Unconnected);
    (socket.error(), socket.error_string())
}

/// Reads up to the empty line.
fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// Answers the first two messages of SOCKS5.
fn let_in(stream: &mut TcpStream) {
    stream.read_exact(&mut [0; 3]).unwrap();
    stream.write_all(b"\x05\x00").unwrap();
    stream.read_exact(&mut [0; 10]).unwrap();
    stream.write_all(b"\x05\x00\x00\x01\x01\x02\x03\x04\x05\x06").unwrap();
}

#[test]
fn the_proxy_cannot_be_reached() {
    let _app = QCoreApplication::new();
    let (port, _kept) = closed_port();
    for (kind, refused, not_found) in [
        (ProxyType::Socks5, "Connection to proxy refused", "Proxy host not found"),
        (ProxyType::Http, "Proxy connection refused", "Proxy server not found"),
    ] {
        let socket = by(kind, port);
        let told = (SocketErrorKind::ProxyConnectionRefused, refused.to_owned());
        assert_eq!(end_of(&socket), told);
        assert_eq!(
            socket.wait_for_connected(0).unwrap_err(),
            SocketErrorKind::ProxyConnectionRefused
        );
        socket.connect_to_host(TARGET, 80);
        assert_eq!(socket.state(), SocketState::Connecting);
        let error = socket.wait_for_connected(20_000).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), told);

        socket.set_proxy(QNetworkProxy::new(kind, NO_HOST, port));
        let told = (SocketErrorKind::ProxyNotFound, not_found.to_owned());
        assert_eq!(end_of(&socket), told);
        socket.connect_to_host("somewhere.example", 80);
        assert_eq!(socket.state(), SocketState::Connecting);
        let error = socket.wait_for_connected(20_000).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), told);
    }
}

/// Proxies of another type than the socket expects.
#[test]
fn invalid_proxy() {
    let _app = QCoreApplication::new();
    // A SOCKS5 proxy hangs up if the first byte is not its version. Here the byte is a letter.
    let (port, socks5) = peer(|mut stream| {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        byte[0]
    });
    let socket = by(ProxyType::Http, port);
    socket.connect_to_host(TARGET, 80);
    assert_eq!(socket.state(), SocketState::Connecting);
    let error = socket.wait_for_connected(20_000).unwrap_err();
    assert_eq!(error, SocketErrorKind::ProxyConnectionClosed);
    assert_eq!(socket.error(), SocketErrorKind::ProxyConnectionClosed);
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!(error.to_string(), "Proxy connection closed prematurely");
    assert_eq!(socks5.join().unwrap(), b'C');

    // An HTTP proxy waits for the end of a line, which does not come.
    let http = listener();
    let socket = by(ProxyType::Socks5, port_of(&http));
    socket.connect_to_host(TARGET, 80);
    assert_eq!(socket.state(), SocketState::Connecting);
    let error = socket.wait_for_connected(50).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    assert_eq!(socket.error(), SocketErrorKind::SocketTimeout);
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert!(!error.to_string().is_empty());
}

#[test]
fn a_proxy_that_cannot_lead_there() {
    let _app = QCoreApplication::new();
    let mut less = QNetworkProxy::new(ProxyType::Http, "127.0.0.1", 1);
    less.set_capabilities(ProxyCapabilities::HOST_NAME_LOOKUP);
    for proxy in [less, ProxyType::HttpCaching.into(), ProxyType::FtpCaching.into()] {
        let socket = QTcpSocket::new();
        socket.set_proxy(proxy);
        let errors = Rc::new(Cell::new(0));
        let counted = errors.clone();
        socket.error_occurred.connect(move |_| counted.set(counted.get() + 1));
        socket.state_changed.connect(|_| panic!("no state changes"));
        socket.connect_to_host(TARGET, 80);
        assert_eq!(errors.get(), 1);
        assert_eq!(socket.error(), SocketErrorKind::UnsupportedSocketOperation);
        assert_eq!(socket.error_string(), "Operation on socket is not supported");
        assert_eq!((socket.state(), socket.is_open()), (SocketState::Unconnected, false));
        assert_eq!((socket.peer_name().as_str(), socket.peer_port()), (TARGET, 0));
        assert_eq!(
            socket.bind(QHostAddress::LocalHost, 0).unwrap_err(),
            SocketErrorKind::UnsupportedSocketOperation
        );
    }
    let socket = by(ProxyType::Http, 1);
    let error = socket.bind(QHostAddress::LocalHost, 0).unwrap_err();
    assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    socket.set_proxy(QNetworkProxy::none());
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
}

/// The proxy's reply comes in pieces. With a loop and with waiting the result is the same.
#[test]
fn fragmentation() {
    let _app = QCoreApplication::new();
    let v4 = (&b"\x05\x00\x00\x01\x01\x02\x03\x04\x05"[..], "1.2.3.4");
    let v6 =
        (&b"\x05\x00\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x05"[..], "2001:db8::1");
    for (waits, (reply, local)) in [(false, v4), (true, v4), (false, v6), (true, v6)] {
        let (port, proxy) = peer(move |mut stream| {
            stream.set_nodelay(true).unwrap();
            let mut byte_by_byte = |asked: usize, bytes: &[u8]| {
                stream.read_exact(&mut vec![0; asked]).unwrap();
                for byte in bytes {
                    stream.write_all(&[*byte]).unwrap();
                    std::thread::yield_now();
                }
            };
            byte_by_byte(3, b"\x05\x02");
            byte_by_byte(11, b"\x01\x00");
            byte_by_byte(10, reply);
            // The host's first data comes together with the end of the reply.
            stream.write_all(b"\x06hello").unwrap();
            let mut said = [0; 7];
            stream.read_exact(&mut said).unwrap();
            said
        });
        let socket = QTcpSocket::new();
        let kind = ProxyType::Socks5;
        let proxied = QNetworkProxy::with_credentials(kind, "127.0.0.1", port, "user", "pass");
        socket.set_proxy(proxied);
        socket.connect_to_host(TARGET, 80);
        socket.write("through").unwrap();
        if waits {
            socket.wait_for_connected(20_000).unwrap();
            while socket.bytes_available() < 5 {
                socket.wait_for_ready_read(20_000).unwrap();
            }
            if socket.bytes_to_write() > 0 {
                socket.wait_for_bytes_written(20_000).unwrap();
            }
        } else {
            wait_until(|| socket.bytes_available() == 5 && socket.bytes_to_write() == 0);
        }
        assert_eq!(socket.read_all(), b"hello");
        assert_eq!(
            (socket.local_address().to_string(), socket.local_port()),
            (local.to_owned(), 0x0506)
        );
        assert_eq!(
            (socket.peer_address().to_string(), socket.peer_port()),
            (TARGET.to_owned(), 80)
        );
        assert_eq!(&proxy.join().unwrap(), b"through");
    }
}

/// The proxy cannot reach the host. This is reported at once, whereas Qt waits for ever.
#[test]
fn replies_of_socks5() {
    use SocketErrorKind::*;
    let _app = QCoreApplication::new();
    for (code, kind) in [
        (1, Network),
        (2, SocketAccess),
        (3, Network),
        (4, HostNotFound),
        (5, ConnectionRefused),
        (6, Network),
        (7, UnsupportedSocketOperation),
        (8, UnsupportedSocketOperation),
        (99, Unknown),
    ] {
        let (port, proxy) = peer(move |mut stream| {
            stream.read_exact(&mut [0; 3]).unwrap();
            stream.write_all(b"\x05\x00").unwrap();
            stream.read_exact(&mut [0; 10]).unwrap();
            stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
            stream
        });
        assert_eq!(end_of(&by(ProxyType::Socks5, port)).0, kind, "{code}");
        drop(proxy.join().unwrap());
    }

    // Invalid replies to the first message, or to the second.
    let garbage: &[u8] = b"\x04\x04\x04\x04";
    for (replies, kind) in [
        (vec![garbage], ProxyProtocol),
        (vec![b"\x05\x7f"], SocketAccess),
        (vec![b"\x05\xff"], ProxyAuthenticationRequired),
        (vec![b"\x05\x00", garbage], ProxyProtocol),
    ] {
        let named = format!("{replies:?}");
        let (port, proxy) = peer(move |mut stream| {
            for (reply, asked) in replies.into_iter().zip([3, 10]) {
                stream.read_exact(&mut vec![0; asked]).unwrap();
                stream.write_all(reply).unwrap();
            }
            stream
        });
        let socket = by(ProxyType::Socks5, port);
        let told = Rc::new(RefCell::new(Vec::new()));
        socket.error_occurred.connect_to(&told, |told, error| told.borrow_mut().push(*error));
        assert_eq!(end_of(&socket).0, kind, "{named}");
        assert_eq!(*told.borrow(), [kind]);
        drop(proxy.join().unwrap());
    }
}

/// The slot that is asked for credentials gives the right ones.
#[test]
fn credentials_of_the_slot() {
    let _app = QCoreApplication::new();
    for kind in [ProxyType::Socks5, ProxyType::Http] {
        let listener = listener();
        let port = port_of(&listener);
        let proxy = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            if kind == ProxyType::Http {
                request(&mut stream);
                let who = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"here\"\r\n\
                           Content-Length: 0\r\n\r\n";
                stream.write_all(who.as_bytes()).unwrap();
                let said = request(&mut stream);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                return (stream, said);
            }
            stream.read_exact(&mut [0; 3]).unwrap();
            stream.write_all(b"\x05\xff").unwrap();
            // The client starts over with a new connection.
            let (mut stream, _) = listener.accept().unwrap();
            let (mut hello, mut said) = ([0; 3], [0; 11]);
            stream.read_exact(&mut hello).unwrap();
            assert_eq!(&hello, b"\x05\x01\x02");
            stream.write_all(b"\x05\x02").unwrap();
            stream.read_exact(&mut said).unwrap();
            stream.write_all(b"\x01\x00").unwrap();
            stream.read_exact(&mut [0; 10]).unwrap();
            stream.write_all(b"\x05\x00\x00\x01\x01\x02\x03\x04\x05\x06").unwrap();
            (stream, String::from_utf8(said.to_vec()).unwrap())
        });
        let socket = by(kind, port);
        let asked = Rc::new(Cell::new(0));
        let counted = asked.clone();
        socket.proxy_authentication_required.connect(move |(_, authenticator)| {
            counted.set(counted.get() + 1);
            authenticator.set_user("me");
            authenticator.set_password("secret");
        });
        let errors = Rc::new(Cell::new(0));
        socket.error_occurred.connect_to(&errors, |errors, _| errors.set(errors.get() + 1));
        socket.connect_to_host(TARGET, 80);
        assert_eq!(socket.state(), SocketState::Connecting);
        socket.wait_for_connected(20_000).unwrap();
        assert_eq!(socket.state(), SocketState::Connected);
        assert_eq!((socket.peer_address().to_string(), socket.peer_port()), (TARGET.into(), 80));
        assert!(!socket.local_address().is_null() && socket.local_port() > 0);
        assert_eq!((asked.get(), errors.get()), (1, 0));
        let (stream, said) = proxy.join().unwrap();
        if kind == ProxyType::Http {
            assert!(said.contains("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"), "{said}");
        } else {
            assert_eq!(said, "\x01\x02me\x06secret");
        }
        // The end of the stream is reported as without a proxy.
        drop(stream);
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
        assert_eq!(socket.read_into(&mut [0]).unwrap_err(), DeviceErrorKind::Closed);
    }
}

/// The end of the stream is not lost when reading had stopped because the buffer was full.
#[test]
fn ensure_eof_triggers_notification() {
    let _app = QCoreApplication::new();
    let (port, proxy) = peer(|mut stream| {
        request(&mut stream);
        stream.write_all(b"HTTP/1.0 200 Connection established\r\n\r\nx").unwrap();
    });
    let socket = by(ProxyType::Http, port);
    socket.set_read_buffer_size(1);
    let ready = QSignalSpy::new(&socket.ready_read);
    let disconnected = QSignalSpy::new(&socket.disconnected);
    socket.connect_to_host("somewhere.example", 12345);
    wait_until(|| ready.count() == 1);
    proxy.join().unwrap();
    integration::settle();
    assert_eq!((ready.count(), socket.bytes_available()), (1, 1));
    assert_eq!(socket.state(), SocketState::Connected);
    assert_eq!(socket.read_all(), b"x");
    assert_eq!((socket.state(), disconnected.count()), (SocketState::Connected, 0));
    wait_until(|| disconnected.count() > 0);
    assert_eq!((ready.count(), disconnected.count()), (1, 1));
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
}

/// A proxy that asks for a digest and closes the connection each time; then the nonce expires.
#[test]
fn digest_on_new_connections() {
    let _app = QCoreApplication::new();
    let listener = listener();
    let port = port_of(&listener);
    let proxy = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for (nonce, stale) in [("one", ""), ("two", ", stale=true")] {
            let (mut stream, _) = listener.accept().unwrap();
            requests.push(request(&mut stream));
            let reply = format!(
                "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"r\"\r\n\
                 Proxy-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\", \
                 algorithm=SHA-256{stale}\r\nProxy-Connection: close\r\n\r\n"
            );
            stream.write_all(reply.as_bytes()).unwrap();
        }
        let (mut stream, _) = listener.accept().unwrap();
        requests.push(request(&mut stream));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        requests
    });
    let socket = by(ProxyType::Http, port);
    let asked = Rc::new(Cell::new(0));
    let counted = asked.clone();
    socket.proxy_authentication_required.connect(move |(proxy, authenticator)| {
        counted.set(counted.get() + 1);
        assert_eq!((proxy.port(), &*authenticator.realm()), (port, "r"));
        authenticator.set_user("me");
        authenticator.set_password("secret");
    });
    socket.connect_to_host("somewhere.example", 443);
    socket.wait_for_connected(20_000).unwrap();
    socket.abort();
    let requests = proxy.join().unwrap();
    assert_eq!(asked.get(), 1);
    assert!(!requests[0].contains("Proxy-Authorization"));
    assert!(
        requests[1]
            .contains("username=\"me\", realm=\"r\", nonce=\"one\", uri=\"somewhere.example:443\"")
    );
    assert!(requests[2].contains("nonce=\"two\"") && requests[2].contains("nc=00000001"));
    assert!(!requests.concat().contains("secret"));
}

/// The slot that is asked may do anything to the socket.
#[test]
fn slots_that_are_asked() {
    let app = QCoreApplication::new();
    let unwilling = || {
        peer(|mut stream| {
            stream.read_exact(&mut [0; 3]).unwrap();
            stream.write_all(b"\x05\xff").unwrap();
            stream.read_to_end(&mut Vec::new()).ok();
        })
    };
    let tell = |act: fn(&QTcpSocket, u16)| {
        let (port, proxy) = unwilling();
        let socket = by(ProxyType::Socks5, port);
        let errors = Rc::new(RefCell::new(Vec::new()));
        let heard = errors.clone();
        socket.error_occurred.connect(move |error| heard.borrow_mut().push(*error));
        let (other, second) = unwilling();
        socket.proxy_authentication_required.connect_to(&socket, move |socket, _| {
            if socket.proxy().port() != other {
                act(socket, other);
            }
        });
        socket.connect_to_host(TARGET, 80);
        wait_until(|| socket.is_deleted() || socket.state() == SocketState::Unconnected);
        socket.delete_later();
        drop(socket);
        integration::settle();
        // The second proxy may still wait for a connection.
        drop(TcpStream::connect(("127.0.0.1", other)));
        proxy.join().unwrap();
        second.join().ok();
        errors.take()
    };
    let required = SocketErrorKind::ProxyAuthenticationRequired;
    assert_eq!(tell(|_, _| {}), [required]);
    assert_eq!(tell(|socket, _| socket.abort()), []);
    assert_eq!(tell(|socket, _| socket.delete_later()), [required]);
    assert_eq!(
        tell(|socket, other| {
            socket.abort();
            socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", other));
            socket.connect_to_host(TARGET, 80);
        }),
        [required]
    );
    // A nested loop in the slot changes nothing.
    assert_eq!(tell(|_, _| integration::run_for(Duration::from_millis(20))), [required]);
    drop(app);
}

/// A megabyte in each direction, with a loop.
#[test]
fn download_big_file() {
    let _app = QCoreApplication::new();
    for kind in [ProxyType::Socks5, ProxyType::Http] {
        let (port, proxy) = peer(move |mut stream| {
            match kind {
                ProxyType::Socks5 => let_in(&mut stream),
                _ => {
                    request(&mut stream);
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                }
            }
            let mut data = vec![0; 1 << 20];
            stream.read_exact(&mut data).unwrap();
            stream.write_all(&data).unwrap();
        });
        let socket = by(kind, port);
        let sent: Vec<u8> = (0..1 << 20).map(|at: u32| ((at * 7) >> 3) as u8).collect();
        socket.connect_to_host(TARGET, 80);
        socket.write(&sent).unwrap();
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
        assert!(socket.read_all() == sent);
        proxy.join().unwrap();
    }
}

/// A proxy that accepts the connection and stays silent does not block a program that does not
/// wait.
#[test]
fn a_silent_proxy() {
    let _app = QCoreApplication::new();
    let silent = listener();
    for kind in [ProxyType::Socks5, ProxyType::Http] {
        let socket = by(kind, port_of(&silent));
        socket.connect_to_host("somewhere.example", 80);
        let error = socket.wait_for_connected(20).unwrap_err();
        assert_eq!(error, SocketErrorKind::SocketTimeout);
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
}

/// A proxy that never answers is given up after half a minute.
#[test]
fn a_proxy_that_takes_too_long() {
    let _app = QCoreApplication::new();
    let clock = qcore::VirtualClock::install();
    let silent = listener();
    for kind in [ProxyType::Socks5, ProxyType::Http] {
        let socket = by(kind, port_of(&silent));
        socket.connect_to_host("somewhere.example", 80);
        let (mut proxy, _) = silent.accept().unwrap();
        let app = QCoreApplication::new();
        // The first message has reached the proxy.
        proxy.set_nonblocking(true).unwrap();
        while proxy.read(&mut [0; 3]).is_err() {
            app.process_events();
        }
        clock.advance(Duration::from_secs(20));
        app.process_events();
        assert_eq!(socket.state(), SocketState::Connecting);
        clock.advance(Duration::from_secs(20));
        app.process_events();
        assert_eq!(socket.error(), SocketErrorKind::ProxyConnectionTimeout);
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
}

/// A socket without a proxy of its own calls the application's factory once for each connection.
#[test]
fn the_factory_is_asked_once() {
    if !in_child!("the_factory_is_asked_once", 100) {
        return;
    }
    use qnetwork::{QNetworkProxyFactory, QNetworkProxyQuery};
    use std::sync::{Arc, Mutex};

    let _app = QCoreApplication::new();
    let (port, proxy) = peer(|mut stream| request(&mut stream));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::new(Mutex::new(vec![
        ProxyType::FtpCaching.into(),
        ProxyType::HttpCaching.into(),
        QNetworkProxy::new(ProxyType::Http, "127.0.0.1", port),
        QNetworkProxy::none(),
    ]));
    let (queries, given) = (asked.clone(), answers.clone());
    QNetworkProxyFactory::set_application_proxy_factory(move |query: &QNetworkProxyQuery| {
        queries.lock().unwrap().push(query.clone());
        given.lock().unwrap().clone()
    });
    let take = || std::mem::take(&mut *asked.lock().unwrap());
    let socket = QTcpSocket::new();
    socket.set_protocol_tag("smtp");
    socket.connect_to_host("Somewhere.example", 25);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::ProxyConnectionClosed);
    assert!(proxy.join().unwrap().starts_with("CONNECT somewhere.example:25 HTTP/1.1\r\n"));
    let urls: Vec<_> = take().iter().map(QNetworkProxyQuery::url).collect();
    assert_eq!(urls, ["smtp://somewhere.example:25"]);

    // The proxy looks up the name. It asks for a password once, which is no error.
    let (port, proxy) = peer(|mut stream| {
        request(&mut stream);
        let asks = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"r\"\r\n\
                    Content-Length: 0\r\n\r\n";
        stream.write_all(asks.as_bytes()).unwrap();
        request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 Yes\r\n\r\n").unwrap();
    });
    answers.lock().unwrap()[2] = QNetworkProxy::new(ProxyType::Http, "127.0.0.1", port);
    let socket = QTcpSocket::new();
    let times = Rc::new(Cell::new(0));
    let counted = times.clone();
    socket.proxy_authentication_required.connect(move |(proxy, authenticator)| {
        counted.set(counted.get() + 1);
        assert_eq!((proxy.proxy_type(), proxy.port()), (ProxyType::Http, port));
        authenticator.set_user("me");
        authenticator.set_password("secret");
    });
    socket.host_found.connect(|()| panic!("no name is looked up"));
    socket.connect_to_host("somewhere.example", 80);
    assert_eq!(socket.state(), SocketState::Connecting);
    socket.wait_for_connected(20_000).unwrap();
    assert_eq!(socket.state(), SocketState::Connected);
    assert_eq!((times.get(), take().len()), (1, 1));
    assert_eq!(socket.error(), SocketErrorKind::Unknown);
    proxy.join().unwrap();

    // No usable proxy.
    *answers.lock().unwrap() = vec![ProxyType::FtpCaching.into(), ProxyType::HttpCaching.into()];
    let socket = QTcpSocket::new();
    socket.connect_to_host(TARGET, 80);
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::UnsupportedSocketOperation);
    assert!(!socket.error_string().is_empty());
    assert_eq!(take(), [QNetworkProxyQuery::new(ProxyQueryType::TcpSocket, TARGET, 80, "")]);
    QNetworkProxyFactory::set_use_system_configuration(true);
}
