//! Sockets that are bound before they connect, and calls on bound sockets.

use std::{
    cell::Cell,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
    rc::Rc,
};

use integration::{
    closed_port, descriptors, has_ipv6, in_child, listener, pair, port_of, settle, wait_at_most,
    wait_until,
};
use qcore::{DeviceErrorKind, QPointer, QSignalSpy};
use qnetwork::{
    BindMode, QAbstractSocket, QHostAddress, QNetworkInterface, QTcpServer, QTcpSocket, QUdpSocket,
    SocketError, SocketErrorKind, SocketOption, SocketState, SocketType,
};

fn bound() -> QTcpSocket {
    let socket = QTcpSocket::new();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    socket
}

/// Returns a socket that was bound to a port by number.
fn bound_by_number() -> QTcpSocket {
    let found = (0..100).find_map(|_| {
        let free = bound();
        let port = free.local_port();
        drop(free);
        let socket = QTcpSocket::new();
        // Another process may have taken the port meanwhile.
        socket.bind(QHostAddress::LocalHost, port).ok().map(|()| socket)
    });
    found.expect("a free port")
}

#[test]
fn bind() {
    let hosts: [(QHostAddress, &str); 4] = [
        (QHostAddress::LocalHost, "127.0.0.1"),
        (QHostAddress::AnyIPv4, "0.0.0.0"),
        (QHostAddress::LocalHostIPv6, "::1"),
        (QHostAddress::AnyIPv6, "::"),
    ];
    for (address, name) in hosts {
        let v6 = name.contains(':');
        if v6 && !has_ipv6() {
            println!("skipped: this machine has no {address}");
            continue;
        }
        let socket = QTcpSocket::new();
        socket.bind(address, 0).unwrap();
        assert_eq!((socket.state(), socket.is_open()), (SocketState::Bound, false));
        assert_eq!((socket.read_channel_count(), socket.write_channel_count()), (0, 0));
        assert_eq!(socket.local_address().to_string(), name);
        let (port, descriptor) = (socket.local_port(), socket.socket_descriptor());
        assert!(port > 0 && descriptor.is_some());
        let host = if v6 { "::1" } else { "127.0.0.1" };
        let listener = TcpListener::bind((host, 0)).unwrap();
        socket.connect_to_host(host, port_of(&listener));
        assert_eq!(socket.local_port(), port);
        wait_until(|| socket.state() == SocketState::Connected);
        assert_eq!((socket.local_port(), socket.socket_descriptor()), (port, descriptor));
        assert_eq!(socket.local_address().to_string(), host);
        assert_eq!(listener.accept().unwrap().1.port(), port);
    }
}

#[test]
fn addresses_that_are_not_here() {
    for address in ["198.51.100.1", "2001:db8::1"] {
        let socket = QTcpSocket::new();
        let errors = QSignalSpy::new(&socket.error_occurred);
        let address: QHostAddress = address.parse().unwrap();
        let error = socket.bind(address, 0).unwrap_err();
        if error == SocketErrorKind::UnsupportedSocketOperation {
            println!("skipped: this machine has no IPv6");
            continue;
        }
        assert_eq!(error, SocketErrorKind::SocketAddressNotAvailable);
        assert_eq!(error.to_string(), "The address is not available");
        assert_eq!(errors.take(), [SocketErrorKind::SocketAddressNotAvailable]);
        assert_eq!(socket.state(), SocketState::Unconnected);
        assert_eq!((socket.local_port(), socket.local_address()), (0, QHostAddress::Null));
    }
}

#[test]
fn the_engine_binds() {
    // Qt's test of the native engine: binding the same port twice, and in both families.
    let first = QTcpSocket::new();
    first.bind(QHostAddress::AnyIPv4, 0).unwrap();
    let again = QTcpSocket::new();
    let error = again.bind(QHostAddress::AnyIPv4, first.local_port()).unwrap_err();
    assert_eq!(error, SocketErrorKind::AddressInUse);
    assert_eq!(error.to_string(), "The bound address is already in use");
    let other_family = QTcpSocket::new();
    match other_family.bind(QHostAddress::AnyIPv6, first.local_port()) {
        Ok(()) => {
            let error = QTcpSocket::new().bind(QHostAddress::AnyIPv6, first.local_port());
            assert_eq!(error.unwrap_err(), SocketErrorKind::AddressInUse);
        }
        Err(error) => println!("skipped in part: {error}"),
    }
    QTcpSocket::new().bind(QHostAddress::Any, 0).unwrap();
}

#[test]
fn a_port_for_the_privileged() {
    let socket = QTcpSocket::new();
    match socket.bind(QHostAddress::LocalHost, 82) {
        Ok(()) => println!("skipped: this user may bind port 82"),
        Err(error) if error == SocketErrorKind::AddressInUse => println!("skipped: port 82 in use"),
        Err(error) => {
            assert_eq!(error, SocketErrorKind::SocketAccess);
            assert_eq!(error.to_string(), "The address is protected");
            assert_eq!((socket.local_port(), socket.local_address()), (0, QHostAddress::Null));
        }
    }
}

#[test]
fn shared_addresses() {
    let first = QTcpSocket::new();
    first.bind_with_mode(QHostAddress::LocalHost, 0, BindMode::SHARE_ADDRESS).unwrap();
    let port = first.local_port();
    let second = QTcpSocket::new();
    second.bind_with_mode(QHostAddress::LocalHost, port, BindMode::REUSE_ADDRESS_HINT).unwrap();
    let error = QTcpSocket::new().bind(QHostAddress::LocalHost, port).unwrap_err();
    assert_eq!(error, SocketErrorKind::AddressInUse);
    let mode = BindMode::DONT_SHARE_ADDRESS;
    let error = QTcpSocket::new().bind_with_mode(QHostAddress::LocalHost, port, mode).unwrap_err();
    assert_eq!(error, SocketErrorKind::AddressInUse);
}

#[test]
fn a_refused_host_leaves_it_bound() {
    let (closed, _guard) = closed_port();
    let listener = listener();
    let socket = bound_by_number();
    let (port, descriptor) = (socket.local_port(), socket.socket_descriptor());
    let (errors, ready) =
        (QSignalSpy::new(&socket.error_occurred), QSignalSpy::new(&socket.ready_read));
    for _ in 0..3 {
        socket.connect_to_host("127.0.0.1", closed);
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(socket.socket_descriptor(), descriptor);
    }
    assert_eq!(errors.take(), [SocketErrorKind::ConnectionRefused; 3]);
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Connected);
    assert_eq!((socket.local_port(), socket.socket_descriptor()), (port, descriptor));
    assert_eq!(ready.count(), 0);
    // The socket works as any other.
    let (mut stream, from) = listener.accept().unwrap();
    assert_eq!(from.port(), port);
    stream.write_all(b"ping").unwrap();
    wait_until(|| socket.bytes_available() == 4);
    socket.write("pong").unwrap();
    socket.disconnect_from_host();
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(integration::read_to_end(&stream), b"pong");
    assert_eq!(socket.socket_descriptor(), None);
}

/// Qt's `readNotificationsAfterBind`.
#[test]
fn read_notifications_after_bind() {
    let (closed, _guard) = closed_port();
    let socket = bound();
    let ready = QSignalSpy::new(&socket.ready_read);
    socket.connect_to_host("127.0.0.1", closed);
    wait_until(|| socket.state() == SocketState::Unconnected);
    settle();
    assert_eq!(ready.count(), 0);
}

#[test]
fn a_bound_socket_is_left_in_peace_by_the_loop() {
    let socket = bound();
    let states = QSignalSpy::new(&socket.state_changed);
    let errors = QSignalSpy::new(&socket.error_occurred);
    settle();
    assert_eq!((states.count(), errors.count()), (0, 0));
    assert_eq!(socket.state(), SocketState::Bound);
}

#[test]
fn in_the_wrong_state() {
    fn refused(socket: &QTcpSocket) -> SocketError {
        let before = (socket.state(), socket.local_port(), socket.socket_descriptor());
        let error = socket.bind(QHostAddress::LocalHost, 0).unwrap_err();
        assert_eq!((socket.state(), socket.local_port()), (before.0, before.1));
        error
    }
    assert_eq!(refused(&bound()), SocketErrorKind::Operation);

    let listener = listener();
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    assert_eq!(socket.state(), SocketState::Connecting);
    assert_eq!(refused(&socket), SocketErrorKind::Operation);
    // The attempt to connect continues.
    wait_until(|| socket.state() == SocketState::Connected);
    assert_eq!(refused(&socket), SocketErrorKind::Operation);
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"x").unwrap();
    wait_until(|| socket.bytes_available() == 1);

    socket.write(vec![0; 20 << 20]).unwrap();
    socket.disconnect_from_host();
    assert_eq!(refused(&socket), SocketErrorKind::Operation);
    assert_eq!(socket.state(), SocketState::Closing);

    let dead = QTcpSocket::new();
    dead.delete_later();
    settle();
    assert!(dead.is_deleted());
    assert_eq!(dead.bind(QHostAddress::LocalHost, 0).unwrap_err(), SocketErrorKind::Operation);
    assert_eq!(dead.socket_descriptor(), None);
    assert_eq!(dead.state(), SocketState::Unconnected);
}

#[test]
fn nothing_is_left_open() {
    if !in_child!("nothing_is_left_open", 100) {
        return;
    }
    let before = descriptors();
    for _ in 0..50 {
        let sockets = [bound(), bound()];
        sockets[0].abort();
        sockets[0].bind(QHostAddress::LocalHost, 0).unwrap();
        let taken = sockets[1].local_port();
        QTcpSocket::new().bind(QHostAddress::LocalHost, taken).unwrap_err();
        let failed = QTcpSocket::new();
        failed.bind(QHostAddress::LocalHost, taken).unwrap_err();
        failed.bind(QHostAddress::LocalHost, 0).unwrap();
        sockets[1].close();
        assert_eq!(sockets[1].state(), SocketState::Unconnected);
        // A socket that dies while it is bound.
        sockets[1].bind(QHostAddress::LocalHost, 0).unwrap();
        sockets[1].delete_later();
        settle();
    }
    wait_until(|| descriptors() <= before + 3);
}

#[test]
fn slots_that_end_it_and_begin_anew() {
    // The slot of the state change aborts, closes, connects or binds the socket again, or drops it.
    let listener = listener();
    let port = port_of(&listener);
    type Do = fn(&QTcpSocket, u16);
    let deeds: [(Do, SocketState); 5] = [
        (|socket, _| socket.abort(), SocketState::Unconnected),
        (|socket, _| socket.close(), SocketState::Unconnected),
        (|socket, _| socket.connect_to_host("127.0.0.1", 0), SocketState::Unconnected),
        (|socket, port| socket.connect_to_host("127.0.0.1", port), SocketState::Connected),
        (
            |socket, _| {
                socket.abort();
                socket.bind(QHostAddress::LocalHost, 0).unwrap();
            },
            SocketState::Bound,
        ),
    ];
    for (deed, end) in deeds {
        let socket = QTcpSocket::new();
        let first = Cell::new(true);
        socket.state_changed.connect_to(&socket, move |socket, state| {
            if *state == SocketState::Bound && first.replace(false) {
                deed(socket, port);
            }
        });
        // The call succeeds, whatever the slot has done.
        assert_eq!(socket.bind(QHostAddress::LocalHost, 0), Ok(()));
        wait_until(|| socket.state() == end);
    }
    let holder = Rc::new(Cell::new(None));
    let socket = QTcpSocket::new();
    let gone = QPointer::new(&socket);
    socket.state_changed.connect_to(&holder, |holder, _| drop(holder.take()));
    holder.set(Some(socket.clone()));
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    drop(socket);
    assert!(gone.upgrade().is_none());
}

#[test]
fn a_slot_that_panics_leaves_it_bound() {
    let socket = QTcpSocket::new();
    socket.state_changed.connect(|_| panic!("the slot panics"));
    let bind = || socket.bind(QHostAddress::LocalHost, 0);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(bind)).is_err());
    socket.state_changed.disconnect_all();
    assert_eq!(socket.state(), SocketState::Bound);
    let listener = listener();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Connected);
}

#[test]
fn a_type_that_is_not_spoken() {
    let socket = QAbstractSocket::new(SocketType::Sctp);
    assert_eq!(socket.socket_type(), SocketType::Sctp);
    let errors = QSignalSpy::new(&socket.error_occurred);
    let error = socket.bind(QHostAddress::LocalHost, 0).unwrap_err();
    assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    assert_eq!(error.to_string(), "Protocol type not supported");
    // Only the call returns the error, because no descriptor was created.
    assert_eq!((errors.count(), socket.error()), (0, error.kind()));
    socket.connect_to_host("127.0.0.1", 1);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(errors.take(), [SocketErrorKind::UnsupportedSocketOperation]);
}

#[test]
fn a_plain_abstract_socket_is_unbuffered() {
    let listener = listener();
    let socket = QAbstractSocket::new(SocketType::Unknown);
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    assert!(socket.open_mode().contains(qcore::OpenMode::UNBUFFERED));
    assert!(socket.write("too early").is_err());
    wait_until(|| socket.state() == SocketState::Connected);
    let (mut stream, _) = listener.accept().unwrap();
    assert_eq!(socket.write("sent"), Ok(4));
    assert_eq!(socket.bytes_to_write(), 0);
    let mut sent = [0; 4];
    stream.read_exact(&mut sent).unwrap();
    stream.write_all(b"answer").unwrap();
    wait_until(|| socket.bytes_available() == 6);
    assert_eq!((socket.buffer_len(), socket.read(100)), (0, b"answer".to_vec()));
}

#[test]
fn an_unbuffered_socket_waits_and_does_not_spin() {
    let (closing, stream) = pair();
    closing.abort();
    drop(stream);
    let listener = listener();
    let socket = QAbstractSocket::new(SocketType::Tcp);
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    socket.wait_for_connected(20_000).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"x").unwrap();
    socket.wait_for_ready_read(20_000).unwrap();
    // The socket has emitted the signal and nobody has read the data, so this returns at once.
    socket.wait_for_ready_read(0).unwrap();
    let cpu = integration::CpuClock::new();
    let before = cpu.now();
    let error = socket.wait_for_disconnected(200).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    assert!(cpu.now() - before < std::time::Duration::from_millis(100));
    drop(stream);
    assert!(!wait_at_most(std::time::Duration::from_millis(20), || {
        socket.state() != SocketState::Connected
    }));
    assert_eq!(socket.read_all(), b"x");
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
    assert_eq!(socket.write("late").unwrap_err(), DeviceErrorKind::Closed);
}

#[test]
fn set_socket_option() {
    let (socket, _stream) = pair();
    for option in [SocketOption::LowDelay, SocketOption::KeepAlive] {
        for value in [1, 0] {
            socket.set_socket_option(option, value);
            assert_eq!(socket.socket_option(option), Some(value));
        }
    }
    socket.set_socket_option(SocketOption::TypeOfService, 32);
    assert_eq!(socket.socket_option(SocketOption::TypeOfService), Some(32));
    socket.abort();
    socket.set_socket_option(SocketOption::LowDelay, 1);
    assert_eq!(socket.socket_option(SocketOption::LowDelay), None);
}

/// Qt's test of the engine's buffer sizes.
#[test]
fn read_write_buffer_size() {
    let (socket, _stream) = pair();
    for option in [SocketOption::ReceiveBufferSize, SocketOption::SendBufferSize] {
        socket.set_socket_option(option, 10_000);
        let size = socket.socket_option(option).unwrap();
        socket.set_socket_option(option, size + 1);
        assert!(socket.socket_option(option).unwrap() > size);
    }
}

/// Qt's `receiveUrgentData`: urgent data comes in line.
#[test]
fn receive_urgent_data() {
    let server = integration::server();
    let stream = std::net::TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    wait_until(|| server.has_pending_connections());
    let accepted = server.next_pending_connection().unwrap();
    let (connected, other) = pair();
    for (socket, stream) in [(accepted, &stream), (connected, &other)] {
        socket2::SockRef::from(stream).send_out_of_band(b"!").unwrap();
        wait_until(|| socket.bytes_available() == 1);
        assert_eq!(socket.read_all(), b"!");
    }
}

/// The functions take an address in any of these types.
#[test]
fn addresses_of_all_types() {
    type Bind = fn(&QTcpSocket, &String) -> Result<(), SocketError>;

    let text = "127.0.0.1".to_owned();
    let bind: [Bind; 8] = [
        |socket, _| socket.bind(QHostAddress::LocalHost, 0),
        |socket, _| socket.bind(&QHostAddress::LocalHost, 0),
        |socket, _| socket.bind(IpAddr::from(Ipv4Addr::LOCALHOST), 0),
        |socket, _| socket.bind(Ipv4Addr::LOCALHOST, 0),
        |socket, _| socket.bind("127.0.0.1", 0),
        |socket, _| socket.bind(" 0x7f.1 ", 0),
        |socket, text| socket.bind(text, 0),
        |socket, text| socket.bind(text.clone(), 0),
    ];
    for bind in bind {
        let socket = QTcpSocket::new();
        bind(&socket, &text).unwrap();
        assert_eq!(socket.local_address(), QHostAddress::LocalHost);
    }
    if has_ipv6() {
        let socket = QTcpSocket::new();
        socket.bind(Ipv6Addr::LOCALHOST, 0).unwrap();
        assert_eq!(socket.local_address(), QHostAddress::LocalHostIPv6);
    }
}

/// A text that is not an address is an error, and never stands for `Any`. The error comes before
/// the first system call.
#[test]
fn text_that_is_no_address() {
    const NOT_AVAILABLE: SocketErrorKind = SocketErrorKind::SocketAddressNotAvailable;
    for text in ["localhost", "", "127.0.0.256", "*", "0.0.0.0/0"] {
        let socket = QTcpSocket::new();
        let errors = QSignalSpy::new(&socket.error_occurred);
        assert_eq!(socket.bind(text, 0).unwrap_err(), NOT_AVAILABLE, "{text:?}");
        let mode = BindMode::SHARE_ADDRESS;
        assert_eq!(socket.bind_with_mode(text, 0, mode).unwrap_err(), NOT_AVAILABLE);
        assert_eq!(errors.take(), [NOT_AVAILABLE; 2]);
        assert_eq!((socket.error(), socket.state()), (NOT_AVAILABLE, SocketState::Unconnected));
        assert_eq!(socket.socket_descriptor(), None);
        socket.bind("127.0.0.1", 0).unwrap();

        let server = QTcpServer::new();
        assert_eq!(server.listen(text, 0).unwrap_err(), NOT_AVAILABLE, "{text:?}");
        assert_eq!((server.server_error(), server.is_listening()), (NOT_AVAILABLE, false));
        server.listen("127.0.0.1", 0).unwrap();
        assert_eq!(server.server_address(), QHostAddress::LocalHost);

        let socket = QUdpSocket::new();
        let errors = QSignalSpy::new(&socket.error_occurred);
        assert_eq!(socket.write_datagram("x", text, 9).unwrap_err(), NOT_AVAILABLE, "{text:?}");
        assert_eq!((errors.count(), socket.state()), (1, SocketState::Unconnected));
        assert_eq!(socket.socket_descriptor(), None);
        socket.bind("0.0.0.0", 0).unwrap();
        let interface = QNetworkInterface::default();
        assert_eq!(socket.join_multicast_group(text).unwrap_err(), NOT_AVAILABLE);
        assert_eq!(socket.join_multicast_group_on(text, &interface).unwrap_err(), NOT_AVAILABLE);
        assert_eq!(socket.leave_multicast_group(text).unwrap_err(), NOT_AVAILABLE);
        assert_eq!(socket.leave_multicast_group_on(text, &interface).unwrap_err(), NOT_AVAILABLE);
        socket.write_datagram("x", "127.0.0.1", socket.local_port()).unwrap();
        assert_eq!(socket.receive_datagram().unwrap().data(), b"x");
    }
    // A null address is an address: Qt's own meaning of it.
    let socket = QTcpSocket::new();
    socket.bind(QHostAddress::Null, 0).unwrap();
    assert_eq!(socket.state(), SocketState::Bound);
}
