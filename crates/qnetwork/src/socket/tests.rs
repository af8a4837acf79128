//! Tests of hosts with several addresses. The tests put the names into the cache of look-ups. On
//! Linux, all of 127.0.0.0/8 is this machine.

mod racing;

use std::{
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use qcore::{QSignalSpy, VirtualClock, run_for, wait_until};
use socket2::{Domain, Socket, Type};

use super::*;
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    host_info::remember,
};

const LIMIT: i32 = 20_000;

fn address(last: u8) -> QHostAddress {
    std::net::Ipv4Addr::new(127, 0, 0, last).into()
}

/// Returns a new name for these addresses.
fn host(name: &str, last: &[u8]) -> String {
    let addresses: Vec<_> = last.iter().map(|last| address(*last)).collect();
    remember(name, &addresses);
    name.to_owned()
}

fn bound(address: SocketAddr) -> Option<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&address.into()).ok()?;
    Some(socket)
}

/// Returns a port with a listener at 127.0.0.1, and a socket bound to it at 127.0.0.2.
fn two_addresses() -> (TcpListener, Socket, u16) {
    for _ in 0..100 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if let Some(other) = bound(([127, 0, 0, 2], port).into()) {
            return (listener, other, port);
        }
    }
    panic!("no port is free at both addresses");
}

/// Makes a socket listen and fills its backlog, so that further connections wait. Returns the
/// sockets that fill it.
fn fill(socket: &Socket) -> Vec<Socket> {
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap();
    let fillers = (0..3).map(|_| {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        let _ = filler.connect(&address);
        filler
    });
    fillers.collect()
}

fn states(socket: &QTcpSocket) -> QSignalSpy<SocketState> {
    QSignalSpy::new(&socket.state_changed)
}

#[test]
fn addresses_are_tried_in_turn() {
    let (listener, _refuses, port) = two_addresses();
    let socket = QTcpSocket::new();
    let (states, errors) = (states(&socket), QSignalSpy::new(&socket.error_occurred));
    socket.connect_to_host(host("in-turn.test", &[2, 2, 1]), port);
    assert!(wait_until(LIMIT, || socket.state() == SocketState::Connected));
    assert_eq!((socket.peer_address(), socket.peer_port()), (address(1), port));
    assert_eq!(socket.peer_name(), "in-turn.test");
    let expected = [SocketState::HostLookup, SocketState::Connecting, SocketState::Connected];
    assert_eq!(states.take(), expected);
    assert_eq!((errors.count(), socket.error()), (0, SocketErrorKind::Unknown));
    drop(listener);
}

#[test]
fn with_no_address_left_it_fails_once() {
    let (listener, _refuses, port) = two_addresses();
    drop(listener);
    let socket = QTcpSocket::new();
    let (states, errors) = (states(&socket), QSignalSpy::new(&socket.error_occurred));
    socket.connect_to_host(host("all-refused.test", &[2, 2, 2]), port);
    assert!(wait_until(LIMIT, || socket.state() == SocketState::Unconnected));
    assert_eq!(errors.take(), [SocketErrorKind::ConnectionRefused]);
    assert_eq!(states.count(), 3);
    assert_eq!(socket.socket_descriptor(), None);
}

#[test]
fn waiting_tries_them_too() {
    let (_listener, _refuses, port) = two_addresses();
    let socket = QTcpSocket::new();
    socket.connect_to_host(host("waited.test", &[2, 1]), port);
    socket.wait_for_connected(LIMIT).unwrap();
    assert_eq!(socket.peer_address(), address(1));
}

#[test]
fn only_those_of_the_protocol() {
    let (_listener, _refuses, port) = two_addresses();
    remember("both.test", &[QHostAddress::LocalHostIPv6, address(1)]);
    let socket = QTcpSocket::new();
    let (mode, protocol) = (qcore::OpenMode::READ_WRITE, NetworkLayerProtocol::IPv4);
    socket.connect_to_host_with_mode("both.test", port, mode, protocol);
    socket.wait_for_connected(LIMIT).unwrap();
    assert_eq!(socket.peer_address(), address(1));
}

/// Qt's `bindThenResolveHost`: the port and the descriptor stay the same through the look-up, a
/// first address that fails, and a call to close meanwhile.
#[test]
fn bind_then_resolve_host() {
    let (_listener, _refuses, port) = two_addresses();
    remember("first-fails.test", &[QHostAddress::LocalHostIPv6, address(2), address(1)]);
    // When a connection is refused, the system gives up a port that it has chosen itself. It keeps
    // a port that the program has asked for.
    let (socket, wanted) = (0..100)
        .find_map(|_| {
            let free = QTcpSocket::new();
            free.bind(QHostAddress::AnyIPv4, 0).unwrap();
            let wanted = free.local_port();
            drop(free);
            let socket = QTcpSocket::new();
            // Another process may have taken the port meanwhile.
            socket.bind(QHostAddress::AnyIPv4, wanted).ok().map(|()| (socket, wanted))
        })
        .unwrap();
    let descriptor = socket.socket_descriptor();
    assert!(descriptor.is_some());
    socket.connect_to_host("first-fails.test", port);
    assert_eq!(socket.local_port(), wanted);
    socket.put_char(b'x').unwrap();
    socket.close();
    socket.wait_for_connected(LIMIT).unwrap();
    assert_eq!((socket.local_port(), socket.socket_descriptor()), (wanted, descriptor));
    assert_eq!(socket.peer_address(), address(1));
    assert!(wait_until(LIMIT, || socket.state() == SocketState::Unconnected));
    assert_eq!((socket.local_port(), socket.socket_descriptor()), (0, None));
}

#[test]
fn an_address_has_30_seconds() {
    let (_listener, silent, port) = two_addresses();
    let _fillers = fill(&silent);
    let (clock, started) = (VirtualClock::install(), Instant::now());
    let before = clock.now();
    let socket = QTcpSocket::new();
    socket.connect_to_host(host("silent-first.test", &[2, 1]), port);
    assert_eq!(socket.state(), SocketState::Connecting);
    assert!(wait_until(60_000, || socket.state() == SocketState::Connected));
    let took = clock.now() - before;
    // The timer is coarse: it may fire 5 % early or late.
    assert!((28..32).contains(&took.as_secs()), "{took:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(socket.peer_address(), address(1));
}

#[test]
fn the_last_address_that_takes_too_long_is_told() {
    let (_listener, silent, port) = two_addresses();
    let _fillers = fill(&silent);
    for bound in [false, true] {
        let clock = VirtualClock::install();
        let before = clock.now();
        let socket = QTcpSocket::new();
        if bound {
            socket.bind(QHostAddress::LocalHost, 0).unwrap();
        }
        let errors = QSignalSpy::new(&socket.error_occurred);
        socket.connect_to_host(host("silent.test", &[2, 2]), port);
        assert!(wait_until(100_000, || socket.state() == SocketState::Unconnected));
        let took = clock.now() - before;
        assert!((56..64).contains(&took.as_secs()), "{took:?}");
        assert_eq!(errors.take(), [SocketErrorKind::SocketTimeout]);
        assert_eq!(socket.error_string(), "Connection timed out");
        // The descriptor of a bound socket stays until the socket closes, and causes no further
        // events.
        assert_eq!(socket.socket_descriptor().is_none(), !bound);
        run_for(10);
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
}

#[test]
fn slots_may_end_it_between_two_addresses() {
    let (_listener, _refuses, port) = two_addresses();
    let socket = QTcpSocket::new();
    // A slot that waits makes the socket try both addresses; the socket must not start again when
    // it returns.
    socket.host_found.connect_to(&socket, |socket, ()| {
        socket.wait_for_connected(LIMIT).unwrap();
    });
    let connected = QSignalSpy::new(&socket.connected);
    socket.connect_to_host(host("waits-in-slot.test", &[2, 1]), port);
    assert_eq!((connected.count(), socket.state()), (1, SocketState::Connected));
    socket.host_found.disconnect_all();
    socket.abort();

    // Another slot aborts and connects to another host.
    let other = host("other.test", &[1]);
    socket.host_found.connect_to(&socket, move |socket, ()| {
        if socket.peer_name() != "other.test" {
            socket.abort();
            socket.connect_to_host(&other, port);
        }
    });
    socket.connect_to_host(host("left-alone.test", &[2, 2]), port);
    assert!(wait_until(LIMIT, || socket.state() == SocketState::Connected));
    assert_eq!((connected.count(), socket.peer_name()), (2, "other.test".to_owned()));
}

#[test]
fn a_wait_that_always_has_something_to_do_ends() {
    use super::waiting::Overtime;
    let rounds = |deadline: qcore::QDeadlineTimer| {
        let mut overtime = Overtime::default();
        (0..1000).take_while(|_| !overtime.is_over(deadline)).count()
    };
    assert_eq!(rounds(0.into()), 64);
    assert_eq!((rounds(600_000.into()), rounds(qcore::QDeadlineTimer::forever())), (1000, 1000));
}

/// A terminal returns one line at a time, even if it has more.
#[test]
fn terminals_are_taken_over() {
    use std::io::{Read, Write};
    let (shows, runs) = match crate::sys::pipes::terminal() {
        Ok(ends) => ends,
        Err(error) => {
            println!("skipped: no terminal: {error}");
            return;
        }
    };
    let mut shows = std::fs::File::from(shows);
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(runs).unwrap();
    assert_eq!((socket.peer_address(), socket.peer_port()), (QHostAddress::Null, 0));
    shows.write_all(b"one\ntwo\nthree\n").unwrap();
    assert!(wait_until(LIMIT, || socket.bytes_available() == 14));
    assert_eq!(socket.read_all(), b"one\ntwo\nthree\n");
    socket.write("four").unwrap();
    assert!(wait_until(LIMIT, || socket.bytes_to_write() == 0));
    // It comes after the terminal's echo of the input.
    let mut shown = [0; 17 + 4];
    shows.read_exact(&mut shown).unwrap();
    assert_eq!(&shown[17..], b"four");
    drop(shows);
    assert!(wait_until(LIMIT, || socket.state() == SocketState::Unconnected));
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);

    // The other end: Linux reports an error for a terminal that no program has open any more.
    let Ok((shows, runs)) = crate::sys::pipes::terminal() else { return };
    let mut runs = std::fs::File::from(runs);
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(shows).unwrap();
    runs.write_all(b"hello\n").unwrap();
    assert!(wait_until(LIMIT, || socket.bytes_available() == 7));
    drop(runs);
    assert!(wait_until(LIMIT, || socket.state() == SocketState::Unconnected));
    assert_eq!(socket.read_all(), b"hello\r\n");
    #[cfg(target_os = "linux")]
    assert_eq!(
        (socket.error(), socket.error_string().as_str()),
        (SocketErrorKind::Network, "Input/output error")
    );
}
