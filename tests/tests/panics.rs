//! Slots that panic: the panic unwinds out of `exec()`, and everything continues when the loop runs
//! again.

use std::{
    cell::Cell,
    io::Write,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    thread,
    time::Duration,
};

use integration::{listener, pair, port_of, read_to_end, server, wait_until};
use qcore::{QCoreApplication, QTimer};
use qnetwork::{QTcpSocket, SocketState};

/// Runs the loop until a slot panics.
#[track_caller]
fn run_into_panic() {
    let app = QCoreApplication::new();
    let guard = QTimer::new();
    guard.timeout.connect_to(&app, |app, ()| app.exit(1));
    guard.start_with_interval(Duration::from_secs(10));
    let run = catch_unwind(AssertUnwindSafe(|| app.exec()));
    assert!(run.is_err(), "no slot has panicked");
}

/// Returns a slot that panics at its first call.
fn once() -> impl Fn() {
    let first = Cell::new(true);
    move || assert!(!first.replace(false), "the first call panics")
}

#[test]
fn in_ready_read() {
    let (socket, mut stream) = pair();
    let (panics, calls) = (once(), Rc::new(Cell::new(0)));
    socket.ready_read.connect(move |()| panics());
    socket.ready_read.connect_to(&calls, |calls, ()| calls.set(calls.get() + 1));
    stream.write_all(b"one").unwrap();
    run_into_panic();
    assert_eq!((socket.state(), socket.bytes_available()), (SocketState::Connected, 3));
    stream.write_all(b"two").unwrap();
    wait_until(|| calls.get() == 1);
    assert_eq!(socket.read_all(), b"onetwo");
    drop(stream);
    wait_until(|| socket.state() == SocketState::Unconnected);
}

#[test]
fn in_ready_read_with_more_to_read() {
    let (socket, mut stream) = pair();
    let panics = once();
    socket.ready_read.connect(move |()| panics());
    let sender = thread::spawn(move || stream.write_all(&vec![1; 2 << 20]).unwrap());
    run_into_panic();
    // The loop reads the available data even without a new event.
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.bytes_available(), 2 << 20);
    sender.join().unwrap();
}

#[test]
fn in_connected() {
    let listener = listener();
    let socket = QTcpSocket::new();
    let panics = once();
    socket.connected.connect(move |()| panics());
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    socket.write("written before").unwrap();
    run_into_panic();
    assert_eq!(socket.state(), SocketState::Connected);
    wait_until(|| socket.bytes_to_write() == 0);
    socket.disconnect_from_host();
    assert_eq!(read_to_end(&listener.accept().unwrap().0), b"written before");
}

#[test]
fn in_connected_with_a_close_to_follow() {
    let listener = listener();
    let socket = QTcpSocket::new();
    let panics = once();
    socket.connected.connect(move |()| panics());
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    socket.write("written before").unwrap();
    socket.disconnect_from_host();
    run_into_panic();
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(read_to_end(&listener.accept().unwrap().0), b"written before");
}

#[test]
fn in_bytes_written() {
    let (socket, stream) = pair();
    let panics = once();
    socket.bytes_written.connect(move |_| panics());
    socket.write(vec![1; 40_000]).unwrap();
    socket.write(vec![2; 40_000]).unwrap();
    socket.disconnect_from_host();
    run_into_panic();
    // The system may have taken only a part.
    let reader = thread::spawn(move || read_to_end(&stream));
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(reader.join().unwrap().len(), 80_000);
}

#[test]
fn in_error_and_disconnected() {
    for early in [true, false] {
        let (socket, stream) = pair();
        let panics = once();
        if early {
            socket.error_occurred.connect(move |_| panics());
        } else {
            socket.disconnected.connect(move |()| panics());
        }
        drop(stream);
        run_into_panic();
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(socket.socket_descriptor(), None);
        let listener = listener();
        socket.connect_to_host("127.0.0.1", port_of(&listener));
        wait_until(|| socket.state() == SocketState::Connected);
    }
}

#[test]
fn in_new_connection() {
    let server = server();
    let panics = once();
    server.new_connection.connect(move |()| panics());
    let clients: Vec<_> =
        (0..3).map(|_| TcpStream::connect(("127.0.0.1", server.server_port())).unwrap()).collect();
    run_into_panic();
    // The connections that arrived together with the announced one need no further event.
    let taken = Rc::new(Cell::new(0));
    wait_until(|| {
        while server.next_pending_connection().is_some() {
            taken.set(taken.get() + 1);
        }
        taken.get() == 3
    });
    drop(clients);
}

#[test]
fn in_a_slot_that_death_calls() {
    let (socket, stream) = pair();
    let panics = once();
    socket.disconnected.connect(move |()| panics());
    socket.delete_later();
    run_into_panic();
    assert!(socket.is_deleted());
    assert_eq!(read_to_end(&stream), b"");
}
