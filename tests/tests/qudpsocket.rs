//! The cases of Qt's own tests of QUdpSocket that no scenario covers, with Qt's names.

use std::net::{IpAddr, UdpSocket};

use integration::{run_for, wait_at_most, wait_until};
use qcore::QSignalSpy;
use qnetwork::{
    BindMode, InterfaceFlags, QHostAddress, QNetworkDatagram, QNetworkInterface, QUdpSocket,
    SocketErrorKind, SocketOption, SocketState, SocketType,
};
use std::time::Duration;

fn ip(text: &str) -> QHostAddress {
    text.parse().unwrap()
}

/// Returns a socket bound to a free port of an address. Prints a message and returns `None` if the
/// machine lacks that address.
fn bound(address: QHostAddress) -> Option<QUdpSocket> {
    let socket = QUdpSocket::new();
    match socket.bind(address.clone(), 0) {
        Ok(()) => Some(socket),
        Err(error) => {
            println!("skipped: {address} cannot be bound to: {error}");
            None
        }
    }
}

fn loopback() -> QNetworkInterface {
    let loops = |one: &QNetworkInterface| one.flags().contains(InterfaceFlags::IS_LOOP_BACK);
    QNetworkInterface::all_interfaces().into_iter().find(loops).expect("a loopback interface")
}

#[test]
fn constructing() {
    let socket = QUdpSocket::new();
    assert!(socket.is_sequential() && !socket.is_open() && !socket.is_valid());
    assert_eq!(socket.socket_type(), SocketType::Udp);
    assert_eq!((socket.bytes_available(), socket.can_read_line()), (0, false));
    assert_eq!(socket.socket_descriptor(), None);
    assert_eq!(
        (socket.error(), &*socket.error_string()),
        (SocketErrorKind::Unknown, "Unknown error")
    );
    let derived: &qnetwork::QAbstractSocket = &socket;
    assert_eq!(derived.state(), SocketState::Unconnected);
}

#[test]
fn unconnected_server_and_client() {
    let server = QUdpSocket::new();
    let changes = QSignalSpy::new(&server.state_changed);
    server.bind(QHostAddress::Any, 0).unwrap();
    assert_eq!(changes.take(), [SocketState::Bound]);
    let client = QUdpSocket::new();
    for round in 0..10 {
        let text = format!("datagram {round}");
        let sent = client.write_datagram(&text, QHostAddress::LocalHost, server.local_port());
        assert_eq!(sent.unwrap(), text.len());
        server.wait_for_ready_read(5000).unwrap();
        let (data, sender, port) = server.read_datagram(100).unwrap();
        assert_eq!(data, text.as_bytes());
        assert_eq!(port, client.local_port());
        assert_eq!(sender.to_ipv4_address(), QHostAddress::LocalHost.to_ipv4_address());
    }
}

#[test]
fn broadcasting() {
    let server = QUdpSocket::new();
    server.bind(QHostAddress::AnyIPv4, 0).unwrap();
    let told = QSignalSpy::new(&server.ready_read);
    // The broadcast address of the loopback network. No datagram leaves this network.
    let everybody = ip("127.255.255.255");
    let client = QUdpSocket::new();
    client.bind(QHostAddress::LocalHost, 0).unwrap();
    for data in ["x", ""] {
        client.write_datagram(data, everybody.clone(), server.local_port()).unwrap();
        wait_until(|| told.count() == 1);
        let _ = told.take();
        let datagram = server.receive_datagram().unwrap();
        assert_eq!(datagram.data(), data.as_bytes());
        assert_eq!(datagram.sender_address(), QHostAddress::LocalHost);
        assert_eq!(datagram.sender_port(), Some(client.local_port()));
        if cfg!(target_os = "linux") {
            assert_eq!(datagram.destination_address(), everybody);
            assert_eq!(datagram.destination_port(), Some(server.local_port()));
            assert!(datagram.hop_limit() != Some(0));
        }
    }
}

/// Sends datagrams of several sizes in both directions and checks all their properties.
fn goes_both_ways(address: QHostAddress) {
    let (Some(one), Some(other)) = (bound(address.clone()), bound(address.clone())) else { return };
    let long = [7; 600];
    for data in [&b""[..], b"x", b"a\0b", &long] {
        for (from, to) in [(&one, &other), (&other, &one)] {
            let sent = from.write_datagram(data, address.clone(), to.local_port()).unwrap();
            assert_eq!(sent, data.len());
            to.wait_for_ready_read(5000).unwrap();
            assert_eq!(to.pending_datagram_size(), Some(data.len()));
            let datagram = to.receive_datagram().unwrap();
            assert_eq!(datagram.data(), data);
            assert_eq!(datagram.sender_address(), address);
            assert_eq!(datagram.sender_port(), Some(from.local_port()));
            if cfg!(target_os = "linux") {
                assert_eq!(datagram.destination_address(), address);
                assert_eq!(datagram.destination_port(), Some(to.local_port()));
                assert_eq!(datagram.interface_index(), loopback().index());
            }
        }
    }
}

#[test]
fn ipv4_loop() {
    goes_both_ways(QHostAddress::LocalHost);
}

#[test]
fn ipv6_loop() {
    goes_both_ways(QHostAddress::LocalHostIPv6);
}

/// As in the tests of Qt's engine: one socket is bound and another is connected to it.
fn connected_loop(address: QHostAddress) {
    let Some(server) = bound(address.clone()) else { return };
    assert_eq!(server.state(), SocketState::Bound);
    assert!(server.is_valid());
    assert_ne!(server.local_port(), 0);
    let client = QUdpSocket::new();
    client.connect_to_host(address.to_string(), server.local_port());
    assert_eq!(client.state(), SocketState::Connected);
    assert_eq!(client.peer_address(), address);
    assert_eq!(client.peer_port(), server.local_port());
    assert_eq!(client.write("tell me").unwrap(), 7);
    server.wait_for_ready_read(5000).unwrap();
    assert!(server.has_pending_datagrams());
    assert_eq!(server.pending_datagram_size(), Some(7));
    let (data, sender, port) = server.read_datagram(7).unwrap();
    assert_eq!(data, b"tell me");
    assert_eq!(sender, client.local_address());
    assert_eq!(port, client.local_port());
    // In the other direction.
    assert_eq!(server.write_datagram(&data, sender, port).unwrap(), 7);
    client.wait_for_ready_read(5000).unwrap();
    assert_eq!(client.pending_datagram_size(), Some(7));
    assert_eq!(client.read(7), b"tell me");
    assert!(server.is_valid() && client.is_valid());
}

#[test]
fn bind_and_connect_to_host() {
    let server = bound(QHostAddress::LocalHost).unwrap();
    let socket = bound(QHostAddress::LocalHost).unwrap();
    let (port, descriptor) = (socket.local_port(), socket.socket_descriptor());
    assert!(port > 0 && descriptor.is_some());
    socket.connect_to_host("127.0.0.1", server.local_port());
    socket.wait_for_connected(5000).unwrap();
    assert_eq!(socket.state(), SocketState::Connected);
    assert_eq!((socket.local_port(), socket.socket_descriptor()), (port, descriptor));
    socket.write("hello").unwrap();
    server.wait_for_ready_read(5000).unwrap();
    assert_eq!(server.read_datagram(10).unwrap().2, port);
}

#[test]
fn udp_loopback_test() {
    connected_loop(QHostAddress::LocalHost);
}

#[test]
fn udp_ipv6_loopback_test() {
    connected_loop(QHostAddress::LocalHostIPv6);
}

#[test]
fn broadcast_test() {
    // Bound for both families; it is the only socket.
    let socket = bound(QHostAddress::Any).unwrap();
    let everybody = ip("127.255.255.255");
    let data = "to everybody, and so to itself";
    assert_eq!(socket.write_datagram(data, everybody, socket.local_port()).unwrap(), data.len());
    socket.wait_for_ready_read(5000).unwrap();
    assert_eq!(socket.pending_datagram_size(), Some(data.len()));
    assert_eq!(socket.read_datagram(data.len()).unwrap().0, data.as_bytes());
    assert!(!socket.has_pending_datagrams());
}

#[test]
fn udp_loopback_performance() {
    let server = bound(QHostAddress::LocalHost).unwrap();
    let client = QUdpSocket::new();
    client.connect_to_host("127.0.0.1", server.local_port());
    let sent = vec![b'@'; 8192];
    let mut received = vec![0; 8192];
    for _ in 0..200 {
        assert_eq!(client.write(&sent).unwrap(), 8192);
        server.wait_for_ready_read(5000).unwrap();
        while server.has_pending_datagrams() {
            assert_eq!(server.read_datagram_into(&mut received).unwrap().0, 8192);
            assert_eq!(received, sent);
        }
    }
}

#[test]
fn pending_datagram_size() {
    let server = bound(QHostAddress::LocalHost).unwrap();
    let client = QUdpSocket::new();
    for data in ["this is", "", "3 messages"] {
        client.write_datagram(data, QHostAddress::LocalHost, server.local_port()).unwrap();
    }
    assert_eq!(server.pending_datagram_size(), Some(7));
    // The rest of the datagram is lost.
    let mut one = [0];
    assert_eq!(server.read_datagram_into(&mut one).unwrap().0, 1);
    assert_eq!(&one, b"t");
    assert_eq!(server.pending_datagram_size(), Some(0));
    assert_eq!(server.read_datagram_into(&mut one).unwrap().0, 0);
    assert_eq!(&one, b"t");
    assert_eq!(server.pending_datagram_size(), Some(10));
    let mut rest = [0; 64];
    assert_eq!(server.read_datagram_into(&mut rest).unwrap().0, 10);
    assert_eq!(&rest[..10], b"3 messages");
    assert_eq!(server.pending_datagram_size(), None);
}

#[test]
fn write_datagram() {
    let server = bound(QHostAddress::LocalHost).unwrap();
    let client = QUdpSocket::new();
    client.bind(QHostAddress::LocalHost, 0).unwrap();
    let written = QSignalSpy::new(&client.bytes_written);
    let errors = QSignalSpy::new(&client.error_occurred);
    for kilobytes in 0.. {
        let data = vec![7; kilobytes * 1024];
        let sent = client.write_datagram(&data, QHostAddress::LocalHost, server.local_port());
        match sent {
            Ok(count) => {
                assert_eq!(count, data.len());
                assert_eq!(written.take(), [data.len()]);
                assert_eq!(errors.count(), 0);
            }
            Err(error) => {
                assert_eq!(error, SocketErrorKind::DatagramTooLarge);
                assert_eq!(errors.take(), [SocketErrorKind::DatagramTooLarge]);
                assert_eq!(written.count(), 0);
                assert_eq!(kilobytes, 64);
                break;
            }
        }
        server.wait_for_ready_read(5000).unwrap();
        assert_eq!(server.pending_datagram_size(), Some(data.len()));
        // The datagram is dropped.
        assert_eq!(server.read_datagram_into(&mut []).unwrap().0, 0);
    }
}

#[test]
fn performance() {
    let server = bound(QHostAddress::LocalHost).unwrap();
    let client = QUdpSocket::new();
    client.connect_to_host("127.0.0.1", server.local_port());
    client.wait_for_connected(5000).unwrap();
    // Each write is one datagram.
    for _ in 0..20 {
        for size in 1..=8 {
            assert_eq!(client.write(vec![7; size * 100]).unwrap(), size * 100);
        }
        for size in 1..=8 {
            assert_eq!(server.read_datagram(4096).unwrap().0.len(), size * 100);
        }
    }
}

#[test]
fn write_datagram_to_non_existing_peer() {
    // The socket is connected to itself. So no other process gets the port, and the system refuses
    // other senders.
    let kept = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = kept.local_addr().unwrap().port();
    kept.connect(("127.0.0.1", port)).unwrap();
    for address in [QHostAddress::Any, QHostAddress::LocalHost, QHostAddress::AnyIPv4] {
        let Some(socket) = bound(address) else { continue };
        let told = QSignalSpy::new(&socket.ready_read);
        assert_eq!(socket.write_datagram("x", QHostAddress::LocalHost, port).unwrap(), 1);
        run_for(Duration::from_millis(20));
        assert_eq!((told.count(), socket.has_pending_datagrams()), (0, false));
    }
}

#[test]
fn zero_length_datagram() {
    let receiver = bound(QHostAddress::LocalHost).unwrap();
    assert_eq!(receiver.wait_for_ready_read(20).unwrap_err(), SocketErrorKind::SocketTimeout);
    let sender = QUdpSocket::new();
    let sent = sender.write_datagram("", QHostAddress::LocalHost, receiver.local_port());
    assert_eq!(sent.unwrap(), 0);
    receiver.wait_for_ready_read(5000).unwrap();
    assert!(receiver.has_pending_datagrams());
    assert_eq!(receiver.read_datagram(10).unwrap().0, b"");
}

#[test]
fn options_of_groups() {
    for address in [QHostAddress::AnyIPv4, QHostAddress::AnyIPv6] {
        let Some(socket) = bound(address) else { continue };
        assert_eq!(socket.socket_option(SocketOption::MulticastTtl), Some(1));
        socket.set_socket_option(SocketOption::MulticastTtl, 1024);
        assert_eq!(socket.socket_option(SocketOption::MulticastTtl), Some(1));
        for hops in [0, 1, 2, 128, 255] {
            socket.set_socket_option(SocketOption::MulticastTtl, hops);
            assert_eq!(socket.socket_option(SocketOption::MulticastTtl), Some(hops));
        }
        socket.set_socket_option(SocketOption::MulticastTtl, 1024);
        assert_eq!(socket.socket_option(SocketOption::MulticastTtl), Some(255));
        for (value, is) in [(0, 0), (1, 1), (2, 1), (0, 0), (2, 1)] {
            socket.set_socket_option(SocketOption::MulticastLoopback, value);
            // Some systems accept only 0 or 1 for IPv6.
            let option = socket.socket_option(SocketOption::MulticastLoopback);
            assert!(option == Some(is) || value == 2, "{option:?}");
        }
    }
}

#[test]
fn set_multicast_interface() {
    for address in [QHostAddress::AnyIPv4, QHostAddress::AnyIPv6] {
        let Some(socket) = bound(address.clone()) else { continue };
        assert_eq!(socket.multicast_interface(), None);
        for interface in QNetworkInterface::all_interfaces() {
            let v4 = |one: &QNetworkInterface| {
                one.address_entries()
                    .iter()
                    .any(|entry| entry.ip().protocol() == address.protocol())
            };
            if !interface.flags().contains(InterfaceFlags::IS_UP) || !v4(&interface) {
                continue;
            }
            socket.set_multicast_interface(Some(&interface)).unwrap();
            assert_eq!(socket.multicast_interface().unwrap().name(), interface.name());
        }
        socket.set_multicast_interface(Some(&loopback())).unwrap();
        socket.set_multicast_interface(Some(&QNetworkInterface::default())).unwrap();
        assert_eq!(socket.multicast_interface(), None);
        socket.set_multicast_interface(Some(&loopback())).unwrap();
        socket.set_multicast_interface(None).unwrap();
        assert_eq!(socket.multicast_interface(), None);
    }
    let unbound = QUdpSocket::new();
    let refused = unbound.set_multicast_interface(Some(&loopback())).unwrap_err();
    assert_eq!(refused, SocketErrorKind::Operation);
    assert_eq!(unbound.multicast_interface(), None);
}

/// Sends four datagrams to a group through the loopback interface.
fn reaches_a_group(any: QHostAddress, group: &str) {
    let Some(receiver) = bound(any.clone()) else { return };
    let Some(sender) = bound(any) else { return };
    let (group, by) = (ip(group), loopback());
    if let Err(error) = receiver.join_multicast_group_on(group.clone(), &by) {
        println!("skipped: the loopback interface cannot join {group}: {error}");
        return;
    }
    let error = receiver.join_multicast_group_on(ip("127.0.0.1"), &by).unwrap_err();
    assert!(matches!(
        error.kind(),
        SocketErrorKind::Unknown | SocketErrorKind::UnsupportedSocketOperation
    ));
    sender.set_multicast_interface(Some(&by)).unwrap();
    let data = ["0", "01", "012", "0123"];
    for data in data {
        if let Err(error) = sender.write_datagram(data, group.clone(), receiver.local_port()) {
            println!("skipped: {group} cannot be sent to: {error}");
            return;
        }
    }
    let mut received = Vec::new();
    wait_until(|| {
        received.extend(receiver.receive_datagrams(10));
        received.len() == 4
    });
    for (datagram, data) in received.iter().zip(data) {
        assert_eq!(datagram.data(), data.as_bytes());
        assert_eq!(datagram.sender_port(), Some(sender.local_port()));
        if cfg!(target_os = "linux") {
            assert_eq!(datagram.destination_address(), group);
            assert_eq!((datagram.hop_limit(), datagram.interface_index()), (Some(1), by.index()));
        }
        assert!(datagram.make_reply("").sender_address().is_null());
    }
    receiver.leave_multicast_group_on(group.clone(), &by).unwrap();
    receiver.leave_multicast_group_on(group.clone(), &by).unwrap_err();
    sender.write_datagram("gone", group, receiver.local_port()).ok();
    assert!(!wait_at_most(Duration::from_millis(20), || receiver.has_pending_datagrams()));
}

#[test]
fn multicast() {
    reaches_a_group(QHostAddress::AnyIPv4, "239.255.43.21");
    reaches_a_group(QHostAddress::AnyIPv6, "ff02::1:2:3");
    // A socket for both families can join IPv6 groups but not IPv4 groups.
    let both = bound(QHostAddress::Any).unwrap();
    let error = both.join_multicast_group(ip("239.255.43.21")).unwrap_err();
    assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    reaches_a_group(QHostAddress::Any, "ff02::1:2:4");
}

#[test]
fn ready_read() {
    let receiver = bound(QHostAddress::LocalHost).unwrap();
    let told = QSignalSpy::new(&receiver.ready_read);
    let sender = QUdpSocket::new();
    let send = |data: &str| {
        sender.write_datagram(data, QHostAddress::LocalHost, receiver.local_port()).unwrap();
    };
    send("f");
    run_for(Duration::from_millis(30));
    assert_eq!(told.count(), 1);
    send("two");
    run_for(Duration::from_millis(30));
    assert_eq!(told.count(), 1);
    // The size of the first datagram only.
    assert_eq!(receiver.bytes_available(), 1);
    assert_eq!(receiver.pending_datagram_size(), Some(1));
    while receiver.has_pending_datagrams() {
        receiver.read_datagram(10).unwrap();
    }
    run_for(Duration::from_millis(30));
    assert_eq!(told.count(), 1);
    send("three");
    wait_until(|| told.count() == 2);
}

#[test]
fn sharing_a_port() {
    let (first, second) = (QUdpSocket::new(), QUdpSocket::new());
    first.bind_with_mode(QHostAddress::AnyIPv4, 0, BindMode::SHARE_ADDRESS).unwrap();
    let mode = BindMode::SHARE_ADDRESS | BindMode::REUSE_ADDRESS_HINT;
    second.bind_with_mode(QHostAddress::AnyIPv4, first.local_port(), mode).unwrap();
    let exclusive = QUdpSocket::new();
    let error = exclusive.bind(QHostAddress::AnyIPv4, first.local_port()).unwrap_err();
    assert_eq!(error, SocketErrorKind::AddressInUse);
}

#[test]
fn make_reply() {
    // A reply comes from the address that was asked, where the system supports it: with an IPv6
    // socket.
    let Some(server) = bound(QHostAddress::Any) else { return };
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(integration::LIMIT)).unwrap();
    client.send_to(b"ask", ("127.0.0.5", server.local_port())).unwrap();
    wait_until(|| server.has_pending_datagrams());
    let question = server.receive_datagram().unwrap();
    server.write_network_datagram(&question.make_reply("tell")).unwrap();
    let mut answer = [0; 10];
    let (count, from) = client.recv_from(&mut answer).unwrap();
    assert_eq!(&answer[..count], b"tell");
    if cfg!(target_os = "linux") {
        assert_eq!(from.ip(), IpAddr::from([127, 0, 0, 5]));
    }
    // With an IPv4 socket the system chooses, as in Qt.
    let server = bound(QHostAddress::AnyIPv4).unwrap();
    let mut datagram =
        QNetworkDatagram::new("x", QHostAddress::LocalHost, client.local_addr().unwrap().port());
    datagram.set_sender(ip("127.0.0.6"), 0);
    server.write_network_datagram(&datagram).unwrap();
    assert_eq!(client.recv_from(&mut answer).unwrap().1.ip(), IpAddr::from([127, 0, 0, 1]));
}
