//! Panics in the workers of a server.

use std::io::Write;

use integration::{in_child, wait_until};
use qcore::{PanicPolicy, QCoreApplication, QSignalSpy};
use qnetwork::{QHostAddress, SocketErrorKind, WorkerErrorKind};

use super::workers::{client, echo, echo_server, ended, with_workers};

#[test]
fn a_worker_panics() {
    let server = with_workers(2, echo_server);
    let failed = QSignalSpy::new(&server.worker_failed);
    let (first, second) = (echo(client(&server), b"one"), echo(client(&server), b"two"));
    let third = echo(client(&server), b"three");
    let mut panicking = first;
    panicking.write_all(b"panic!").unwrap();
    wait_until(|| failed.count() == 1);
    let error = failed.take().remove(0);
    assert_eq!((error.kind(), server.worker_count()), (WorkerErrorKind::Panicked, 1));
    assert!(error.to_string().ends_with("has panicked: as the client has asked"), "{error}");
    // Its connections end, and the other's do not.
    let of_same_worker = [ended(panicking), ended(third)];
    assert_eq!(of_same_worker, [b"", b""]);
    let second = echo(second, b"still here");
    let streams: Vec<_> = (0..4).map(|_| echo(client(&server), b"more")).collect();
    // The worker is started again with the next listen().
    server.close();
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    assert_eq!(server.worker_count(), 2);
    for _ in 0..4 {
        echo(client(&server), b"again");
    }
    echo(second, b"all the time");
    drop(streams);
}

#[test]
fn all_workers_panic() {
    let server = with_workers(2, echo_server);
    let failed = QSignalSpy::new(&server.worker_failed);
    let errors = QSignalSpy::new(&server.accept_error);
    for _ in 0..2 {
        let mut stream = echo(client(&server), b"one");
        stream.write_all(b"panic!").unwrap();
        ended(stream);
    }
    wait_until(|| !server.is_listening());
    assert_eq!((failed.count(), server.worker_count()), (2, 0));
    assert_eq!(errors.take(), [SocketErrorKind::SocketResource]);
    assert_eq!(server.error_string(), "All workers have ended");
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    echo(client(&server), b"again");
}

/// With the policy `Report`, a worker survives a panic.
#[test]
fn panics_that_are_reported() {
    if !in_child!("panics_that_are_reported", 100) {
        return;
    }
    QCoreApplication::set_panic_policy(PanicPolicy::Report);
    let server = with_workers(1, echo_server);
    let failed = QSignalSpy::new(&server.worker_failed);
    let mut stream = client(&server);
    stream.write_all(b"panic!").unwrap();
    let stream = echo(client(&server), b"one");
    echo(stream, b"two");
    assert_eq!((failed.count(), server.worker_count()), (0, 1));
}
