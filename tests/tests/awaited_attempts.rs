//! Attempts to connect in tasks.

use std::{
    task::{Context, Poll, Waker},
    time::Duration,
};

use integration::{local, server, wait_until};
use qcore::{block_on, task::timeout};
use qnetwork::{
    LocalSocketErrorKind, LocalSocketState, QLocalSocket, QSslSocket, QTcpSocket, SocketErrorKind,
    SocketState,
};

const LONG: Duration = Duration::from_secs(20);

/// Runs the future, and panics if it takes long.
#[track_caller]
fn run<F: Future>(future: F) -> F::Output {
    block_on(timeout(LONG, future)).unwrap().expect("it takes too long")
}

/// Polls the future once.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A cancelled `connect()` ends its own attempt and no later one.
#[test]
fn a_cancelled_connect_spares_a_later_connection() {
    let (first, second) = (server(), server());
    let socket = QTcpSocket::new();
    let mut connecting = Box::pin(socket.connect("127.0.0.1", first.server_port()));
    assert!(poll(&mut connecting).is_pending());
    socket.abort();
    socket.connect_to_host("127.0.0.1", second.server_port());
    drop(connecting);
    wait_until(|| socket.state() == SocketState::Connected);
    assert_eq!(socket.peer_port(), second.server_port());
}

#[test]
fn a_connect_whose_attempt_was_replaced_fails() {
    let (first, second) = (server(), server());
    let socket = QTcpSocket::new();
    let mut connecting = Box::pin(socket.connect("127.0.0.1", first.server_port()));
    assert!(poll(&mut connecting).is_pending());
    socket.abort();
    socket.connect_to_host("127.0.0.1", second.server_port());
    wait_until(|| socket.state() == SocketState::Connected);
    assert_eq!(run(connecting).unwrap_err(), SocketErrorKind::Operation);
    assert_eq!(socket.state(), SocketState::Connected);
    assert_eq!(socket.peer_port(), second.server_port());
}

#[test]
fn a_cancelled_connect_encrypted_spares_a_later_connection() {
    let (first, second) = (server(), server());
    let socket = QSslSocket::new();
    for replaced in [false, true] {
        let port = first.server_port();
        let mut connecting = Box::pin(socket.connect_encrypted("127.0.0.1", port));
        assert!(poll(&mut connecting).is_pending());
        socket.abort();
        socket.connect_to_host("127.0.0.1", second.server_port());
        if replaced {
            wait_until(|| socket.state() == SocketState::Connected);
            assert_eq!(run(connecting).unwrap_err(), SocketErrorKind::Operation);
        } else {
            drop(connecting);
            wait_until(|| socket.state() == SocketState::Connected);
        }
        assert_eq!(socket.peer_port(), second.server_port());
        socket.abort();
    }
}

#[test]
fn a_cancelled_local_connect_spares_a_later_connection() {
    let dir = local::Dir::new();
    let (server, path) = (local::server(&dir), dir.path("full"));
    let (_full, _places) = local::full(&path);
    let socket = QLocalSocket::new();
    for replaced in [false, true] {
        let mut connecting = Box::pin(socket.connect(&path));
        assert!(poll(&mut connecting).is_pending());
        socket.abort();
        socket.connect_to_server(server.full_server_name());
        if replaced {
            assert_eq!(run(connecting).unwrap_err(), LocalSocketErrorKind::Operation);
        } else {
            drop(connecting);
        }
        assert_eq!(socket.state(), LocalSocketState::Connected);
        socket.abort();
    }
}
