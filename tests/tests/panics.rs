//! Slots that panic: the panic unwinds out of `exec()`, and everything continues when the loop runs
//! again.

use std::{
    cell::Cell,
    io::{Read, Write},
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    thread,
    time::Duration,
};

use integration::{listener, pair, port_of, read_to_end, server, wait_until};
use qcore::{QCoreApplication, QSignalSpy, QTimer};
use qnetwork::{
    CloseReason, Heartbeat, QTcpSocket, Reconnector, ReconnectorState, SocketState, TimeoutKind,
    WhenDisconnected,
};

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

/// The connection ends although the slot that hears of the time-out panics.
#[test]
fn in_the_error_of_a_time_out() {
    let (socket, stream) = pair();
    let panics = once();
    socket.error_occurred.connect(move |_| panics());
    let closed = QSignalSpy::new(&socket.closed);
    socket.set_timeout(TimeoutKind::Lifetime, 5);
    run_into_panic();
    wait_until(|| closed.count() == 1);
    assert_eq!(closed.take(), [CloseReason::TimedOut(TimeoutKind::Lifetime)]);
    assert_eq!(socket.state(), SocketState::Unconnected);
    drop(stream);
}

#[test]
fn in_slots_of_a_heartbeat() {
    for in_error in [false, true] {
        let (socket, stream) = pair();
        let heartbeat = Heartbeat::new(&socket);
        heartbeat.set_interval(2);
        heartbeat.set_timeout(2);
        let panics = once();
        if in_error {
            socket.error_occurred.connect(move |_| panics());
        } else {
            heartbeat.unanswered.connect(move |()| panics());
        }
        let closed = QSignalSpy::new(&socket.closed);
        run_into_panic();
        wait_until(|| closed.count() == 1);
        assert_eq!(closed.take(), [CloseReason::TimedOut(TimeoutKind::Heartbeat)]);
        drop(stream);
    }
}

#[test]
fn in_host_found() {
    let listener = listener();
    for races in [false, true] {
        let socket = QTcpSocket::new();
        socket.set_happy_eyeballs(races);
        let panics = once();
        socket.host_found.connect(move |()| panics());
        // If the answer is in the cache, the slot is called within the call.
        let begun = catch_unwind(AssertUnwindSafe(|| {
            socket.connect_to_host("localhost", port_of(&listener));
        }));
        if begun.is_ok() {
            run_into_panic();
        }
        wait_until(|| socket.state() == SocketState::Connected);
    }
}

#[test]
fn in_slots_of_a_reconnector() {
    let listener = listener();
    let socket = QTcpSocket::new();
    let times = Rc::new(Cell::new(0));
    socket.connected.connect_to((&socket, &times), |(socket, times), ()| {
        times.set(times.get() + 1);
        if times.get() == 1 {
            socket.abort();
        }
    });
    let link = Reconnector::new(&socket, "127.0.0.1", port_of(&listener));
    link.set_delays(1, 2);
    link.set_attempt_timeout(-1);
    link.set_when_disconnected(WhenDisconnected::Keep(100));
    link.send("kept").unwrap();
    // At the second attempt, the first one is begun by the call of the program.
    let (panics, in_connected) = (once(), once());
    link.connecting.connect(move |attempt| {
        if *attempt == 2 {
            panics();
        }
    });
    link.connected.connect_to(&link, move |link, ()| {
        if link.attempt() == 2 {
            in_connected();
        }
    });
    link.start();
    run_into_panic();
    run_into_panic();
    wait_until(|| link.waiting_bytes() == 0 && link.socket().bytes_to_write() == 0);
    assert_eq!((link.state(), link.attempt()), (ReconnectorState::Connected, 2));
    // A slot that was connected earlier panics when the connection ends.
    let panics = once();
    link.socket().error_occurred.connect(move |_| panics());
    drop(listener.accept().unwrap());
    let mut stream = listener.accept().unwrap().0;
    let mut kept = [0; 4];
    stream.read_exact(&mut kept).unwrap();
    assert_eq!(&kept, b"kept");
    drop(stream);
    run_into_panic();
    wait_until(|| link.state() == ReconnectorState::Connected && times.get() == 3);
}

#[test]
fn in_the_slots_of_a_shutdown() {
    let server = server();
    let clients: Vec<_> =
        (0..3).map(|_| TcpStream::connect(("127.0.0.1", server.server_port())).unwrap()).collect();
    let sockets: Vec<_> = (0..3)
        .map(|_| {
            wait_until(|| server.has_pending_connections());
            server.next_pending_connection().unwrap()
        })
        .collect();
    let (panics, cut) = (once(), once());
    let told = Rc::new(Cell::new(0));
    server.shutting_down.connect_to(&told, move |told, _| {
        told.set(told.get() + 1);
        panics();
    });
    sockets[0].disconnected.connect(move |()| cut());
    let spy = QSignalSpy::new(&server.shutdown_finished);
    let begun = catch_unwind(AssertUnwindSafe(|| server.shutdown(20)));
    assert!(begun.is_err());
    run_into_panic();
    wait_until(|| spy.count() == 1);
    assert_eq!((told.get(), spy.take()), (3, vec![3]));
    for client in &clients {
        assert_eq!(read_to_end(client), b"");
    }
}
