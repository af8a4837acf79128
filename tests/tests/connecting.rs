//! Tests of connecting: attempts that must fail, and very many attempts.

use std::{cell::Cell, rc::Rc, thread};

use integration::{
    NO_HOST, closed_port, descriptors, has_ipv6, in_child, listener, pair_of, port_of, reset,
    server, wait_until,
};
use qcore::OpenMode;
use qnetwork::{
    NetworkLayerProtocol, QHostAddress, QTcpServer, QTcpSocket, SocketErrorKind, SocketState,
};

/// Returns the error of connecting there. Checks that the loop reports it, and only once.
fn error_of(host: &str, port: u16) -> SocketErrorKind {
    let socket = QTcpSocket::new();
    let errors = Rc::new(Cell::new(0));
    socket.error_occurred.connect_to(&errors, |errors, _| errors.set(errors.get() + 1));
    socket.connected.connect(|()| panic!("connected to nothing"));
    socket.connect_to_host(host, port);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(errors.get(), 1);
    socket.error()
}

#[test]
fn hosts_that_are_none() {
    for name in ["", "a\0b", "\0", NO_HOST, "..", &"x".repeat(3000)] {
        assert_eq!(error_of(name, 80), SocketErrorKind::HostNotFound, "{name:?}");
        let socket = QTcpSocket::new();
        socket.connect_to_host(name, 80);
        let error = socket.wait_for_connected(20_000).unwrap_err();
        assert_eq!(error, SocketErrorKind::HostNotFound, "{name:?}");
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
}

#[test]
fn port_0_is_refused() {
    assert_eq!(error_of("127.0.0.1", 0), SocketErrorKind::ConnectionRefused);
}

#[test]
fn no_address_of_the_protocol_asked_for() {
    let socket = QTcpSocket::new();
    let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::IPv6);
    socket.connect_to_host_with_mode("127.0.0.1", 80, mode, protocol);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::HostNotFound);
}

#[test]
fn refused_a_thousand_times() {
    if !in_child!("refused_a_thousand_times", 256) {
        return;
    }
    let (port, _guard) = closed_port();
    let socket = QTcpSocket::new();
    let refused = Rc::new(Cell::new(0));
    let again = refused.clone();
    socket.error_occurred.connect_to(&socket, move |socket, kind| {
        assert_eq!(*kind, SocketErrorKind::ConnectionRefused);
        again.set(again.get() + 1);
        if again.get() < 1000 {
            socket.connect_to_host("127.0.0.1", port);
        }
    });
    socket.connect_to_host("127.0.0.1", port);
    wait_until(|| refused.get() == 1);
    let before = descriptors();
    wait_until(|| refused.get() == 1000);
    assert_eq!(socket.state(), SocketState::Unconnected);
    wait_until(|| descriptors() <= before);
}

#[test]
fn one_object_connects_a_hundred_times() {
    if !in_child!("one_object_connects_a_hundred_times", 256) {
        return;
    }
    let server = server();
    let socket = QTcpSocket::new();
    let (connects, disconnects) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    socket.connected.connect_to(&connects, |count, ()| count.set(count.get() + 1));
    socket.disconnected.connect_to(&disconnects, |count, ()| count.set(count.get() + 1));
    let mut before = None;
    for round in 1..=100 {
        socket.connect_to_host("127.0.0.1", server.server_port());
        wait_until(|| server.has_pending_connections() && connects.get() == round);
        let accepted = server.next_pending_connection().unwrap();
        match round % 4 {
            0 => socket.abort(),
            1 => accepted.abort(),
            2 => socket.disconnect_from_host(),
            _ => accepted.disconnect_from_host(),
        }
        wait_until(|| disconnects.get() == round);
        assert_eq!(socket.state(), SocketState::Unconnected);
        assert_eq!((socket.local_port(), socket.peer_port()), (0, 0));
        accepted.set_parent(None);
        drop(accepted);
        before.get_or_insert(descriptors());
    }
    wait_until(|| Some(descriptors()) <= before);
}

#[test]
fn a_thousand_connections_reset_at_once_leave_nothing() {
    if !in_child!("a_thousand_connections_reset_at_once_leave_nothing", 256) {
        return;
    }
    let listener = listener();
    let port = port_of(&listener);
    let peer = thread::spawn(move || {
        for _ in 0..1000 {
            reset(listener.accept().unwrap().0);
        }
    });
    let ended = Rc::new(Cell::new(0));
    let connect = |ended: &Rc<Cell<i32>>| {
        let socket = QTcpSocket::new();
        socket.state_changed.connect_to(ended, |ended, state| {
            if *state == SocketState::Unconnected {
                ended.set(ended.get() + 1);
            }
        });
        socket.connect_to_host("127.0.0.1", port);
        socket
    };
    let before = descriptors();
    for round in 1..=20 {
        let sockets: Vec<_> = (0..50).map(|_| connect(&ended)).collect();
        wait_until(|| ended.get() == round * 50);
        assert!(sockets.iter().all(|socket| socket.socket_descriptor().is_none()));
    }
    peer.join().unwrap();
    // The listener is gone, and the loop's poll may have been created meanwhile.
    assert!(descriptors() <= before + 3, "{before} descriptors, now {}", descriptors());
}

#[test]
fn a_server_whose_clients_reset_at_once_goes_on() {
    if !in_child!("a_server_whose_clients_reset_at_once_goes_on", 256) {
        return;
    }
    let server = server();
    let port = server.server_port();
    let taken = Rc::new(Cell::new(0));
    server.new_connection.connect_to(&server, {
        let taken = taken.clone();
        move |server, ()| {
            while let Some(socket) = server.next_pending_connection() {
                taken.set(taken.get() + 1);
                socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
                if socket.state() == SocketState::Unconnected {
                    socket.delete_later();
                }
            }
        }
    });
    let before = descriptors();
    let peer = thread::spawn(move || {
        for _ in 0..1000 {
            reset(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
        }
    });
    // Linux passes connections that were reset to accept(), too.
    wait_until(|| taken.get() == 1000 && server.children().is_empty());
    peer.join().unwrap();
    server.new_connection.disconnect_all();
    let (accepted, client) = pair_of(&server);
    drop((accepted, client));
    server.close();
    wait_until(|| descriptors() <= before);
}

#[test]
fn ipv6() {
    let server = QTcpServer::new();
    if let Err(error) = server.listen(QHostAddress::LocalHostIPv6, 0) {
        println!("skipped: this machine has no IPv6: {error}");
        return;
    }
    let socket = QTcpSocket::new();
    socket.connect_to_host("::1", server.server_port());
    wait_until(|| socket.state() == SocketState::Connected && server.has_pending_connections());
    let accepted = server.next_pending_connection().unwrap();
    assert_eq!(accepted.peer_address(), QHostAddress::LocalHostIPv6);
    assert_eq!(socket.peer_address(), QHostAddress::LocalHostIPv6);
    assert_eq!(accepted.peer_port(), socket.local_port());
}

#[test]
fn any_is_both_families() {
    let server = QTcpServer::new();
    server.listen(QHostAddress::Any, 0).unwrap();
    let mut hosts = vec!["127.0.0.1"];
    if has_ipv6() {
        assert_eq!(server.server_address(), QHostAddress::Any);
        hosts.push("::1");
    } else {
        println!("skipped in part: this machine has no IPv6");
    }
    for host in hosts {
        let socket = QTcpSocket::new();
        socket.connect_to_host(host, server.server_port());
        wait_until(|| socket.state() == SocketState::Connected && server.has_pending_connections());
        let accepted = server.next_pending_connection().unwrap();
        assert_eq!(accepted.peer_port(), socket.local_port());
        assert!(accepted.peer_address().is_loopback(), "{}", accepted.peer_address());
    }
}
