//! Datagrams that a SOCKS5 proxy relays.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    rc::Rc,
    sync::mpsc,
};

use integration::{LIMIT, NO_HOST, Request, Socks5Proxy, closed_port, peer, settle, wait_until};
use qcore::QCoreApplication;
use qnetwork::{
    ProxyCapabilities, ProxyType, QHostAddress, QNetworkDatagram, QNetworkProxy, QUdpSocket,
    SocketErrorKind, SocketOption, SocketState,
};

fn by(proxy: &Socks5Proxy) -> QUdpSocket {
    let socket = QUdpSocket::new();
    socket.set_proxy(proxy.proxy());
    socket
}

fn at(port: u16) -> QUdpSocket {
    let socket = QUdpSocket::new();
    socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", port));
    socket
}

/// Returns a socket behind the proxy, and its port.
fn somebody() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

fn received(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut data = [0; 65_536];
    let (count, from) = socket.recv_from(&mut data).unwrap();
    (data[..count].to_vec(), from)
}

fn counted(socket: &QUdpSocket) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let counts = count.clone();
    socket.ready_read.connect(move |()| counts.set(counts.get() + 1));
    count
}

#[test]
fn there_and_back() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let (far, port) = somebody();
    let socket = by(&proxy);
    let states = Rc::new(RefCell::new(Vec::new()));
    let noted = states.clone();
    socket.state_changed.connect(move |state| noted.borrow_mut().push(*state));
    let written = Rc::new(RefCell::new(Vec::new()));
    let noted = written.clone();
    socket.bytes_written.connect(move |count| noted.borrow_mut().push(*count));
    let told = counted(&socket);

    socket.bind(QHostAddress::Any, 0).unwrap();
    assert_eq!(*states.borrow(), [SocketState::Bound]);
    assert!(!socket.is_open() && socket.is_valid() && socket.socket_descriptor().is_some());
    // Only the proxy knows the address that other hosts see.
    assert_eq!((socket.local_address(), socket.local_port()), (QHostAddress::Null, 0));
    let requests = proxy.requests();
    assert_eq!((requests.len(), requests[0].command, requests[0].host.as_str()), (1, 3, "0.0.0.0"));
    assert!(requests[0].port > 0);

    assert_eq!(socket.write_datagram("hello", QHostAddress::LocalHost, port).unwrap(), 5);
    let (data, relay) = received(&far);
    assert_eq!((data.as_slice(), written.borrow().as_slice()), (&b"hello"[..], &[5][..]));
    let datagrams = proxy.datagrams();
    let head = [&[0, 0, 0, 1, 127, 0, 0, 1][..], &port.to_be_bytes()].concat();
    assert_eq!(datagrams, [[&head[..], b"hello"].concat()]);
    let names = [("too", 3), ("", 0)];
    for (data, size) in names {
        assert_eq!(socket.write_datagram(data, QHostAddress::LocalHost, port).unwrap(), size);
        assert_eq!(received(&far).0, data.as_bytes());
    }

    // One signal, then silence until a datagram is read. Then the next signal.
    for data in ["answer", "", "second", "third"] {
        far.send_to(data.as_bytes(), relay).unwrap();
    }
    wait_until(|| told.get() == 1);
    settle();
    assert_eq!(told.get(), 1);
    assert!(socket.has_pending_datagrams());
    assert_eq!((socket.pending_datagram_size(), socket.bytes_available()), (Some(6), 6));
    let (data, from, from_port) = socket.read_datagram(3).unwrap();
    assert_eq!((&*data, from, from_port), (&b"ans"[..], QHostAddress::LocalHost, port));
    wait_until(|| told.get() == 2);
    assert_eq!(socket.pending_datagram_size(), Some(0));
    let datagram = socket.receive_datagram().unwrap();
    assert!(datagram.data().is_empty() && datagram.is_valid());
    assert_eq!(datagram.sender_address(), QHostAddress::LocalHost);
    assert_eq!(datagram.sender_port(), Some(port));
    assert_eq!(
        (datagram.destination_address(), datagram.destination_port()),
        (QHostAddress::Null, None)
    );
    assert_eq!((datagram.hop_limit(), datagram.interface_index()), (None, 0));
    wait_until(|| socket.has_pending_datagrams());
    let replies: Vec<_> =
        socket.receive_datagrams(10).iter().map(|one| one.make_reply(one.data())).collect();
    let mut count = replies.len();
    assert_eq!(socket.write_datagrams(&replies).unwrap(), count);
    while count < 2 {
        wait_until(|| socket.has_pending_datagrams());
        let one = socket.receive_datagram().unwrap();
        socket.write_network_datagram(&one.make_reply(one.data())).unwrap();
        count += 1;
    }
    assert_eq!((received(&far).0, received(&far).0), (b"second".to_vec(), b"third".to_vec()));

    assert!(!socket.has_pending_datagrams());
    assert_eq!(socket.pending_datagram_size(), None);
    assert_eq!(socket.read_datagram(1).unwrap_err(), SocketErrorKind::Temporary);
    assert_eq!(socket.receive_datagram().unwrap_err(), SocketErrorKind::Temporary);
    // Closing the socket ends the association. The socket may then start a new one.
    socket.close();
    assert_eq!(socket.state(), SocketState::Unconnected);
    socket.bind(QHostAddress::Any, 0).unwrap();
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn without_a_loop() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let (far, port) = somebody();
    let socket = by(&proxy);
    // The socket binds by itself.
    assert_eq!(socket.write_datagram("x", QHostAddress::LocalHost, port).unwrap(), 1);
    assert_eq!(socket.state(), SocketState::Bound);
    let (_, relay) = received(&far);
    assert_eq!(socket.wait_for_ready_read(1).unwrap_err(), SocketErrorKind::SocketTimeout);
    for data in [&b"one"[..], b""] {
        far.send_to(data, relay).unwrap();
        socket.wait_for_ready_read(LIMIT).unwrap();
        assert_eq!(socket.read_datagram(10).unwrap().0, data);
    }
}

#[test]
fn connected() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let (far, port) = somebody();
    for host in ["127.0.0.1", "localhost"] {
        let socket = by(&proxy);
        let found = Rc::new(Cell::new(false));
        let noted = found.clone();
        socket.host_found.connect(move |()| noted.set(true));
        socket.connect_to_host(host, port);
        // As in Qt and as without a proxy, the socket can be written to at once.
        assert_eq!(socket.state(), SocketState::Connected);
        let by_name = host == "localhost";
        assert_eq!(found.get(), !by_name);
        let address = if by_name { QHostAddress::Null } else { QHostAddress::LocalHost };
        assert_eq!((socket.peer_address(), socket.peer_port()), (address, port));
        assert_eq!(socket.peer_name(), host);
        assert_eq!(socket.write("hi").unwrap(), 2);
        let (data, relay) = received(&far);
        assert_eq!(data, b"hi");
        let sent = proxy.datagrams().pop().unwrap();
        let head: &[u8] =
            if by_name { b"\0\0\0\x03\x09localhost" } else { b"\0\0\0\x01\x7f\0\0\x01" };
        assert!(sent.starts_with(head), "{sent:?}");
        far.send_to(b"1234567", relay).unwrap();
        wait_until(|| socket.bytes_available() == 7);
        let mut data = [0; 3];
        assert_eq!(socket.read_into(&mut data).unwrap(), 3);
        assert_eq!((&data, socket.bytes_available()), (b"123", 0));
        // To the connected peer, and to another one.
        socket.write_datagram("port 0", QHostAddress::LocalHost, 0).unwrap();
        assert_eq!(received(&far).0, b"port 0");
        socket
            .write_network_datagram(&QNetworkDatagram::new(b"no address", QHostAddress::Null, 0))
            .unwrap();
        assert_eq!(received(&far).0, b"no address");
        let (other, other_port) = somebody();
        socket.write_datagram("other", QHostAddress::LocalHost, other_port).unwrap();
        assert_eq!(received(&other).0, b"other");
        socket.disconnect_from_host();
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
}

/// In Qt, connecting a bound socket fails, because Qt takes the bound address for a running
/// attempt.
#[test]
fn bound_and_connected() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let (far, port) = somebody();
    for host in ["127.0.0.1", "localhost"] {
        let socket = by(&proxy);
        socket.bind(QHostAddress::Any, 0).unwrap();
        let descriptor = socket.socket_descriptor();
        socket.connect_to_host(host, port);
        assert_eq!(socket.state(), SocketState::Connected);
        assert_eq!(socket.socket_descriptor(), descriptor);
        socket.write("hi").unwrap();
        assert_eq!(received(&far).0, b"hi");
    }
    assert_eq!(proxy.requests().len(), 2);
    assert!(proxy.datagrams().pop().unwrap().starts_with(b"\0\0\0\x03\x09localhost"));
}

#[test]
fn what_is_not_for_a_proxy() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let (far, port) = somebody();
    let socket = by(&proxy);
    socket.bind(QHostAddress::AnyIPv4, 0).unwrap();
    let group = std::net::Ipv4Addr::new(239, 1, 1, 1);
    assert!(socket.join_multicast_group(group).is_err());
    assert!(socket.leave_multicast_group(group).is_err());
    assert_eq!(socket.multicast_interface(), None);
    assert!(socket.set_multicast_interface(None).is_err());
    socket.set_socket_option(SocketOption::MulticastTtl, 5);
    assert_eq!(socket.socket_option(SocketOption::MulticastTtl), None);
    // A datagram without a destination.
    let nowhere = QNetworkDatagram::new(b"x", QHostAddress::Null, 0);
    let error = socket.write_network_datagram(&nowhere).unwrap_err();
    assert_eq!(error, SocketErrorKind::Network);
    // The header has to fit into the datagram, too.
    let most = 65_507 - 10;
    let send = |size: usize| socket.write_datagram(vec![7; size], QHostAddress::LocalHost, port);
    assert_eq!(send(most).unwrap(), most);
    assert_eq!(received(&far).0.len(), most);
    for size in [most + 1, 70_000] {
        assert_eq!(send(size).unwrap_err(), SocketErrorKind::DatagramTooLarge);
        assert_eq!(socket.error(), SocketErrorKind::DatagramTooLarge);
    }
    assert_eq!(send(2).unwrap(), 2);
    assert_eq!(received(&far).0.len(), 2);
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn proxies_that_cannot_relay() {
    let _app = QCoreApplication::new();
    let mut less = QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", 1);
    less.set_capabilities(ProxyCapabilities::TUNNELING);
    let mut more = QNetworkProxy::new(ProxyType::Http, "127.0.0.1", 1);
    more.set_capabilities(ProxyCapabilities::all());
    let http = QNetworkProxy::new(ProxyType::Http, "127.0.0.1", 1);
    for proxy in [less, more, http, ProxyType::HttpCaching.into(), ProxyType::FtpCaching.into()] {
        let socket = QUdpSocket::new();
        socket.set_proxy(proxy);
        let unsupported = SocketErrorKind::UnsupportedSocketOperation;
        assert_eq!(socket.bind(QHostAddress::Any, 0).unwrap_err(), unsupported);
        assert_eq!(socket.error_string(), "Operation on socket is not supported");
        let sent = socket.write_datagram("x", QHostAddress::LocalHost, 9);
        assert_eq!(sent.unwrap_err(), unsupported);
        socket.connect_to_host("192.0.2.1", 80);
        assert_eq!((socket.state(), socket.error()), (SocketState::Unconnected, unsupported));
    }
}

/// The script of a proxy: pieces to send, each after a number of bytes was read.
type Script = &'static [(usize, &'static [u8])];

fn play(mut stream: TcpStream, script: Script) {
    for (count, said) in script {
        stream.read_exact(&mut vec![0; *count]).unwrap();
        stream.write_all(said).unwrap();
    }
}

/// Returns the error of binding and then connecting with a proxy that plays `script`.
fn told(script: Script) -> (SocketErrorKind, String) {
    let (port, proxy) = peer(move |stream| play(stream, script));
    let socket = at(port);
    let errors = Rc::new(Cell::new(0));
    let counts = errors.clone();
    socket.error_occurred.connect(move |_| counts.set(counts.get() + 1));
    socket.state_changed.connect(|_| panic!("the socket stays unconnected"));
    let error = socket.bind(QHostAddress::Any, 0).unwrap_err();
    proxy.join().unwrap();
    assert_eq!(
        (errors.get(), socket.error(), socket.error_string()),
        (1, error.kind(), error.to_string())
    );
    assert_eq!((socket.state(), socket.socket_descriptor()), (SocketState::Unconnected, None));

    let (port, proxy) = peer(move |stream| play(stream, script));
    let socket = at(port);
    socket.connect_to_host("192.0.2.1", 80);
    assert_eq!(socket.state(), SocketState::Unconnected);
    proxy.join().unwrap();
    assert_eq!((socket.error(), socket.error_string()), (error.kind(), error.to_string()));
    (error.kind(), error.to_string())
}

#[test]
fn refusals() {
    use SocketErrorKind::*;
    let _app = QCoreApplication::new();
    let closed = (ProxyConnectionClosed, "Connection to proxy closed prematurely".to_owned());
    let protocol = (ProxyProtocol, "SOCKS version 5 protocol error".to_owned());
    assert_eq!(told(&[(3, b"")]), closed);
    assert_eq!(told(&[(3, b"\x05")]), closed);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"")]), closed);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\0\0\x01\x01\x02\x03\x04\x05")]), closed);
    assert_eq!(told(&[(3, b"\x04\x04\x04\x04")]), protocol);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\0\0\x03\x04host\0\x07")]), protocol);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\0\0\x01\x01\x02\x03\x04\0\0")]), protocol);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\x01\0\x01\0\0\0\0\0\0")]).0, Network);
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\x05\0\x01\0\0\0\0\0\0")]).0, ConnectionRefused);
    let unsupported = (UnsupportedSocketOperation, "SOCKSv5 command not supported".to_owned());
    assert_eq!(told(&[(3, b"\x05\0"), (10, b"\x05\x07\0\x01\0\0\0\0\0\0")]), unsupported);
    assert_eq!(told(&[(3, b"\x05\xff")]).0, ProxyAuthenticationRequired);

    let (port, _kept) = closed_port();
    assert_eq!(at(port).bind(QHostAddress::Any, 0).unwrap_err(), ProxyConnectionRefused);
    let socket = QUdpSocket::new();
    socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, NO_HOST, 1));
    assert_eq!(socket.bind(QHostAddress::Any, 0).unwrap_err(), ProxyNotFound);
}

#[test]
fn a_silent_proxy() {
    let _app = QCoreApplication::new();
    let (port, proxy) = peer(|mut stream| stream.read_to_end(&mut Vec::new()).unwrap());
    let socket = at(port);
    let error = socket.bind(QHostAddress::Any, 0).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    assert_eq!(proxy.join().unwrap(), 3);
    let (port, proxy) = peer(|mut stream| stream.read_to_end(&mut Vec::new()).unwrap());
    let socket = at(port);
    socket.connect_to_host("192.0.2.1", 80);
    assert_eq!(socket.error(), SocketErrorKind::SocketTimeout);
    assert_eq!(socket.state(), SocketState::Unconnected);
    drop(socket);
    proxy.join().unwrap();
}

/// The program is asked for credentials while the socket binds.
fn credentials_are_asked_for(connects: bool) {
    let listener = integration::listener();
    let port = integration::port_of(&listener);
    let proxy = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        first.read_exact(&mut [0; 3]).unwrap();
        first.write_all(b"\x05\xff").unwrap();
        let (mut second, _) = listener.accept().unwrap();
        second.set_read_timeout(Some(LIMIT)).unwrap();
        second.read_exact(&mut [0; 3]).unwrap();
        second.write_all(b"\x05\x02").unwrap();
        let mut credentials = [0; 11];
        second.read_exact(&mut credentials).unwrap();
        assert_eq!(&credentials, b"\x01\x02me\x06secret");
        second.write_all(b"\x01\0").unwrap();
        second.read_exact(&mut [0; 10]).unwrap();
        second.write_all(b"\x05\0\0\x01\0\0\0\0\x05\x06").unwrap();
        second.read_to_end(&mut Vec::new()).unwrap();
    });
    let socket = at(port);
    socket.proxy_authentication_required.connect(|(_, authenticator)| {
        authenticator.set_user("me");
        authenticator.set_password("secret");
    });
    if connects {
        socket.connect_to_host("192.0.2.1", 80);
        assert_eq!(socket.state(), SocketState::Connected);
    } else {
        socket.bind(QHostAddress::Any, 0).unwrap();
    }
    drop(socket);
    proxy.join().unwrap();
}

#[test]
fn credentials() {
    let _app = QCoreApplication::new();
    credentials_are_asked_for(false);
    credentials_are_asked_for(true);
    // A slot that closes the socket.
    let (port, proxy) = peer(|stream| play(stream, &[(3, b"\x05\xff")]));
    let socket = at(port);
    let closing = socket.clone();
    socket.proxy_authentication_required.connect(move |_| {
        closing.close();
        closing.set_proxy(QNetworkProxy::none());
        closing.bind(QHostAddress::LocalHost, 0).unwrap_err();
    });
    assert!(socket.bind(QHostAddress::Any, 0).is_err());
    proxy.join().unwrap();
}

/// Returns a socket, and the test's end of the relay that its proxy has named.
fn scripted() -> (QUdpSocket, UdpSocket, mpsc::Sender<&'static [u8]>, u16) {
    let (relay, port) = somebody();
    let (say, says) = mpsc::channel::<&[u8]>();
    let (client, clients) = mpsc::channel();
    let (proxy_port, _) = peer(move |mut stream| {
        stream.read_exact(&mut [0; 3]).unwrap();
        stream.write_all(b"\x05\0").unwrap();
        let mut request = [0; 10];
        stream.read_exact(&mut request).unwrap();
        client.send(u16::from_be_bytes([request[8], request[9]])).unwrap();
        // The proxy names its own address.
        let place = [&b"\x05\0\0\x01\0\0\0\0"[..], &port.to_be_bytes()].concat();
        stream.write_all(&place).unwrap();
        while let Ok(said) = says.recv() {
            stream.write_all(said).unwrap();
        }
    });
    let socket = at(proxy_port);
    socket.bind(QHostAddress::Any, 0).unwrap();
    (socket, relay, say, clients.recv().unwrap())
}

#[test]
fn what_is_dropped() {
    let _app = QCoreApplication::new();
    let (socket, relay, say, port) = scripted();
    socket.write_datagram("x", std::net::Ipv4Addr::new(9, 9, 9, 9), 99).unwrap();
    assert_eq!(received(&relay).0, b"\0\0\0\x01\x09\x09\x09\x09\0\x63x");
    let told = counted(&socket);
    let send = |data: &[u8]| relay.send_to(data, ("127.0.0.1", port)).unwrap();
    for _ in 0..100 {
        // Invalid datagrams: empty, a fragment, reserved bytes, no address, a name, too short.
        send(b"");
        send(b"\0\0\x01\x01\x09\x09\x09\x09\0\x07part");
        send(b"\x01\x02\0\x01\x09\x09\x09\x09\0\x07reserved");
        send(b"\0\0\0\x07junk");
        send(b"\0\0\0\x03\x04name\0\x07by name");
        send(b"\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0");
        // A datagram from another sender.
        somebody()
            .0
            .send_to(b"\0\0\0\x01\x06\x06\x06\x06\0\x07other", ("127.0.0.1", port))
            .unwrap();
        // The proxy sends data on the control connection.
        say.send(&[5; 1000]).unwrap();
        settle();
    }
    assert_eq!((told.get(), socket.has_pending_datagrams()), (0, false));
    assert_eq!((socket.bytes_available(), socket.state()), (0, SocketState::Bound));
    send(b"\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x07v6");
    wait_until(|| told.get() == 1);
    let (data, address, port) = socket.read_datagram(10).unwrap();
    assert_eq!((&*data, address, port), (&b"v6"[..], QHostAddress::LocalHostIPv6, 7));
}

/// Qt crashes in this case.
#[test]
fn the_connection_to_the_proxy_is_lost() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    let (_far, port) = somebody();
    for connects in [false, true] {
        let socket = by(&proxy);
        let signals = Rc::new(RefCell::new(Vec::new()));
        if connects {
            socket.connect_to_host("127.0.0.1", port);
        } else {
            socket.bind(QHostAddress::Any, 0).unwrap();
        }
        let noted = signals.clone();
        socket.error_occurred.connect(move |error| noted.borrow_mut().push(format!("{error:?}")));
        let noted = signals.clone();
        socket.state_changed.connect(move |state| noted.borrow_mut().push(format!("{state:?}")));
        let noted = signals.clone();
        socket.disconnected.connect(move |()| noted.borrow_mut().push("disconnected".to_owned()));
        proxy.hang_up();
        wait_until(|| socket.state() == SocketState::Unconnected);
        settle();
        assert_eq!(socket.error(), SocketErrorKind::ProxyConnectionClosed);
        assert_eq!(socket.error_string(), "Connection to proxy closed prematurely");
        assert_eq!(socket.socket_descriptor(), None);
        assert!(!socket.has_pending_datagrams());
        let expected: &[&str] = match connects {
            true => &["ProxyConnectionClosed", "Closing", "Unconnected", "disconnected"],
            false => &["Unconnected", "ProxyConnectionClosed"],
        };
        assert_eq!(*signals.borrow(), expected);
        // The socket can start another association.
        socket.close();
        socket.bind(QHostAddress::Any, 0).unwrap();
        let last = proxy.requests().pop();
        assert_eq!(last.map(|Request { command, .. }| command), Some(3));
    }
}

/// A datagram that is not read stays, and further ones stay in the system: no memory grows here.
#[test]
fn a_flood() {
    let _app = QCoreApplication::new();
    let (socket, relay, _say, port) = scripted();
    let told = counted(&socket);
    let data = [&b"\0\0\0\x01\x09\x09\x09\x09\0\x07"[..], &[7; 60_000]].concat();
    for _ in 0..200 {
        relay.send_to(&data, ("127.0.0.1", port)).unwrap();
    }
    wait_until(|| told.get() == 1);
    settle();
    let mut count = 0;
    while socket.has_pending_datagrams() {
        assert_eq!(socket.pending_datagram_size(), Some(60_000));
        assert_eq!(socket.receive_datagram().unwrap().data().len(), 60_000);
        count += 1;
    }
    assert!((1..=200).contains(&count));
}
