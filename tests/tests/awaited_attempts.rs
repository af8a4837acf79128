//! Attempts to connect and to encrypt in tasks.

use std::{
    task::{Context, Poll, Waker},
    time::Duration,
};

use integration::{
    listener, local, port_of, server,
    tls::{certificates, client, key},
    wait_until,
};
use qcore::{block_on, task::timeout};
use qnetwork::{
    CloseReason, LocalSocketErrorKind, LocalSocketState, QLocalSocket, QSslConfiguration,
    QSslSocket, QTcpSocket, SocketError, SocketErrorKind, SocketState, TimeoutKind,
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

// ---- encryption that cannot start

/// Returns a configuration whose key belongs to another certificate.
fn mismatched() -> QSslConfiguration {
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_local_certificate_chain(certificates("good"));
    configuration.set_private_key(key("wildcard"));
    configuration
}

#[test]
fn encryption_that_cannot_start_is_an_error() {
    let listener = listener();
    let socket = QSslSocket::new();
    socket.set_ssl_configuration(mismatched());
    let connecting = socket.connect_encrypted("127.0.0.1", port_of(&listener));
    assert_eq!(run(connecting).unwrap_err(), SocketErrorKind::SslInternal);
    socket.abort();

    // The task waits already when the handshake fails to start.
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Connected);
    socket.start_server_encryption();
    assert_eq!(run(socket.encrypted()).unwrap_err(), SocketErrorKind::SslInternal);
    socket.abort();
    // The next connection starts anew.
    assert_refused(&run(socket.encrypted()).unwrap_err());
}

fn assert_refused(error: &SocketError) {
    assert!(*error == SocketErrorKind::SslInternal || *error == SocketErrorKind::Operation);
}

/// The protocol was changed after the attempt has begun.
#[test]
fn a_protocol_that_is_not_supported_is_an_error() {
    let listener = listener();
    let socket = client();
    let mut connecting = Box::pin(socket.connect_encrypted("127.0.0.1", port_of(&listener)));
    assert!(poll(&mut connecting).is_pending());
    socket.set_protocol(qnetwork::SslProtocol::SslV3);
    assert_eq!(run(connecting).unwrap_err(), SocketErrorKind::SslInvalidUserData);
}

#[test]
fn a_time_out_ends_a_connection_that_cannot_encrypt() {
    let listener = listener();
    let socket = QSslSocket::new();
    socket.set_ssl_configuration(mismatched());
    socket.set_timeout(TimeoutKind::TlsHandshake, 20);
    let mut closed = Box::pin(socket.closed.next());
    assert!(poll(&mut closed).is_pending());
    socket.connect_to_host_encrypted("127.0.0.1", port_of(&listener));
    // The errors that Qt emits come first, and the first cause counts.
    let reason = run(closed).unwrap();
    assert_eq!(reason, CloseReason::TimedOut(TimeoutKind::TlsHandshake));
}
