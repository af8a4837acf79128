//! The functions that wait: without a loop, in slots, and with other sockets in the same thread.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use integration::{connected_to, listener, pair, peer, port_of, run_for, server, wait_until};
use qcore::{OpenMode, QCoreApplication, QSignalSpy};
use qnetwork::{QTcpServer, QTcpSocket, SocketErrorKind, SocketState};

const LONG: i32 = 20_000;

#[test]
fn a_dialogue_in_a_plain_thread() {
    let (port, server) = peer(|mut stream| {
        let mut question = [0; 8];
        stream.read_exact(&mut question).unwrap();
        stream.write_all(b"ans").unwrap();
        stream.write_all(b"wer").unwrap();
        question
    });
    let client = thread::spawn(move || {
        let socket = QTcpSocket::new();
        socket.connect_to_host("127.0.0.1", port);
        // This call sends, too.
        socket.write(b"question").unwrap();
        while socket.bytes_available() < 6 {
            socket.wait_for_ready_read(-1).unwrap();
        }
        socket.wait_for_disconnected(LONG).unwrap();
        socket.read_all()
    });
    assert_eq!(client.join().unwrap(), b"answer");
    assert_eq!(&server.join().unwrap(), b"question");
}

#[test]
fn time_outs_are_kept_and_leave_the_connection_as_it_is() {
    let (socket, _stream) = pair();
    let errors = QSignalSpy::new(&socket.error_occurred);
    let start = Instant::now();
    let error = socket.wait_for_ready_read(Duration::from_millis(30)).unwrap_err();
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    assert_eq!(socket.wait_for_disconnected(0).unwrap_err(), SocketErrorKind::SocketTimeout);
    assert_eq!(errors.take(), [SocketErrorKind::SocketTimeout; 2]);
    assert_eq!((socket.state(), socket.is_open()), (SocketState::Connected, true));
    // Nothing was written, so there is nothing to wait for.
    let error = socket.wait_for_bytes_written(LONG).unwrap_err();
    assert_eq!(error, SocketErrorKind::Operation);
}

#[test]
fn what_happens_to_others_is_kept_for_the_loop() {
    let (one, _to_one) = pair();
    let (two, mut to_two) = pair();
    let server = server();
    let ready = QSignalSpy::new(&two.ready_read);
    let accepted = QSignalSpy::new(&server.new_connection);
    to_two.write_all(b"for two").unwrap();
    let client = thread::spawn({
        let port = server.server_port();
        move || std::net::TcpStream::connect(("127.0.0.1", port)).unwrap()
    });
    let _client = client.join().unwrap();
    assert!(one.wait_for_ready_read(50).is_err());
    assert_eq!((ready.count(), accepted.count()), (0, 0));
    wait_until(|| ready.count() == 1 && accepted.count() == 1);
    assert_eq!(two.read_all(), b"for two");
}

#[test]
fn what_the_loop_has_not_come_to_counts() {
    // Both sockets are ready. The first one's slot runs and waits for the other one, which the loop
    // has not called yet.
    let (one, mut to_one) = pair();
    let (two, mut to_two) = pair();
    let answers = Rc::new(RefCell::new(Vec::new()));
    let first = Rc::new(Cell::new(true));
    for (socket, other) in [(&one, &two), (&two, &one)] {
        let other = other.clone();
        let (answers, first) = (answers.clone(), first.clone());
        socket.ready_read.connect_to(socket, move |socket, ()| {
            if first.replace(false) {
                other.wait_for_ready_read(LONG).unwrap();
                let both = [socket.read_all(), other.read_all()];
                answers.borrow_mut().extend(both);
            }
        });
    }
    to_one.write_all(b"x").unwrap();
    to_two.write_all(b"x").unwrap();
    wait_until(|| !answers.borrow().is_empty());
    assert_eq!(*answers.borrow(), [b"x", b"x"]);
}

#[test]
fn no_late_extra_comes_after_a_wait() {
    let (socket, mut stream) = pair();
    let ready = QSignalSpy::new(&socket.ready_read);
    stream.write_all(b"once").unwrap();
    socket.wait_for_ready_read(LONG).unwrap();
    assert_eq!(ready.count(), 1);
    for _ in 0..5 {
        QCoreApplication::instance().process_events();
    }
    assert_eq!(ready.count(), 1);
}

#[test]
fn connecting_is_given_up_when_the_time_is_over() {
    // A full backlog, so that connections have to wait.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    full.listen(0).unwrap();
    let port = full.local_addr().unwrap().as_socket().unwrap().port();
    let fillers: Vec<_> = (0..3).map(|_| QTcpSocket::new()).collect();
    for filler in &fillers {
        filler.connect_to_host("127.0.0.1", port);
    }
    let socket = QTcpSocket::new();
    let errors = QSignalSpy::new(&socket.error_occurred);
    socket.connect_to_host("127.0.0.1", port);
    assert_eq!(socket.state(), SocketState::Connecting);
    let error = socket.wait_for_connected(50).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    assert_eq!((socket.read_channel_count(), socket.write_channel_count()), (0, 0));
    assert_eq!(error.to_string(), "Socket operation timed out");
    assert_eq!((socket.state(), errors.count()), (SocketState::Unconnected, 0));
    assert_eq!(socket.wait_for_connected(50).unwrap_err(), SocketErrorKind::SocketTimeout);

    // A second attempt, which the program aborts.
    socket.connect_to_host("127.0.0.1", port);
    run_for(Duration::from_millis(50));
    assert_eq!((socket.state(), socket.is_open()), (SocketState::Connecting, true));
    socket.abort();
    assert_eq!(
        (socket.state(), socket.open_mode()),
        (SocketState::Unconnected, OpenMode::NOT_OPEN)
    );

    // The socket can be used again.
    let listener = listener();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    socket.wait_for_connected(LONG).unwrap();
}

#[test]
fn a_full_read_buffer_is_nothing_to_wait_with() {
    let (socket, mut stream) = pair();
    socket.set_read_buffer_size(2);
    stream.write_all(b"abcd").unwrap();
    socket.wait_for_ready_read(LONG).unwrap();
    assert_eq!(socket.wait_for_ready_read(-1).unwrap_err(), SocketErrorKind::Operation);
    assert_eq!(socket.read_all(), b"ab");
    socket.wait_for_ready_read(LONG).unwrap();
    assert_eq!(socket.read_all(), b"cd");
    // Writing still works.
    socket.write(b"x").unwrap();
    socket.wait_for_bytes_written(LONG).unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

#[test]
fn a_server_waits() {
    let server = server();
    server.set_max_pending_connections(1);
    let error = server.wait_for_new_connection(10).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    assert_eq!(server.server_error(), SocketErrorKind::SocketTimeout);
    let clients: Vec<_> = (0..3).map(|_| connected_to(server.server_port())).collect();
    // The loop ran meanwhile and has accepted one connection.
    let mut taken = 0;
    while taken < clients.len() {
        if server.next_pending_connection().is_some() {
            taken += 1;
        } else {
            server.wait_for_new_connection(LONG).unwrap();
        }
    }
    server.close();
    assert_eq!(server.wait_for_new_connection(-1).unwrap_err(), SocketErrorKind::Operation);
    let never = QTcpServer::new();
    assert_eq!(never.wait_for_new_connection(-1).unwrap_err(), SocketErrorKind::Operation);
}

#[test]
fn the_socket_may_go_in_a_slot_of_a_wait() {
    let (socket, mut stream) = pair();
    let holder = Rc::new(Cell::new(None));
    let held = holder.clone();
    socket.ready_read.connect(move |()| drop(held.take()));
    holder.set(Some(socket.clone()));
    stream.write_all(b"x").unwrap();
    socket.wait_for_ready_read(LONG).unwrap();
    socket.connected.disconnect_all();
    // A slot aborts the socket: the wait ends.
    socket.ready_read.connect_to(&socket, |socket, ()| socket.abort());
    stream.write_all(b"y").unwrap();
    socket.wait_for_ready_read(LONG).unwrap();
    assert_eq!(socket.state(), SocketState::Unconnected);
    for wait in [
        socket.wait_for_connected(LONG),
        socket.wait_for_ready_read(LONG),
        socket.wait_for_bytes_written(LONG),
        socket.wait_for_disconnected(LONG),
    ] {
        assert_eq!(wait.unwrap_err(), SocketErrorKind::Operation);
    }
}

#[test]
fn closing_is_waited_for_with_all_that_was_written() {
    let (port, server) = peer(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        all.len()
    });
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", port);
    socket.write(vec![7; 5_000_000]).unwrap();
    socket.close();
    socket.wait_for_disconnected(LONG).unwrap();
    assert_eq!(server.join().unwrap(), 5_000_000);
}

#[test]
fn wait_for_connected_in_host_lookup_slot() {
    let listener = listener();
    let port = port_of(&listener);
    for name in ["localhost", "127.0.0.1"] {
        let socket = QTcpSocket::new();
        let connected = QSignalSpy::new(&socket.connected);
        let waited = Rc::new(Cell::new(false));
        let done = waited.clone();
        socket.host_found.connect_to(&socket, move |socket, ()| {
            socket.wait_for_connected(LONG).unwrap();
            done.set(true);
        });
        let protocol = qnetwork::NetworkLayerProtocol::IPv4;
        socket.connect_to_host_with_mode(name, port, OpenMode::READ_WRITE, protocol);
        wait_until(|| waited.get());
        for _ in 0..5 {
            QCoreApplication::instance().process_events();
        }
        assert_eq!((connected.count(), socket.state()), (1, SocketState::Connected));
    }
}

/// A wait that returns because bytes have arrived may have taken the event for which the loop would
/// have sent the rest.
#[test]
fn what_a_wait_for_bytes_leaves_unsent_is_sent() {
    const SIZE: usize = 32 << 20;
    let (socket, mut peer) = pair();
    socket.write(vec![7; SIZE]).unwrap();
    wait_until(|| socket.unsent_bytes() < SIZE);
    run_for(Duration::from_millis(50));
    // The system now has room again, and there is something to read.
    let (mut block, mut count) = (vec![0; 1 << 20], 0);
    peer.set_nonblocking(true).unwrap();
    while let Ok(read) = peer.read(&mut block) {
        count += read;
    }
    peer.set_nonblocking(false).unwrap();
    peer.write_all(b"answer").unwrap();
    thread::sleep(Duration::from_millis(50));
    socket.wait_for_ready_read(LONG).unwrap();
    assert!(socket.unsent_bytes() > 0);
    let reader = thread::spawn(move || {
        let mut rest = vec![0; SIZE - count];
        peer.read_exact(&mut rest).unwrap();
        peer
    });
    wait_until(|| socket.unsent_bytes() == 0);
    reader.join().unwrap();
    assert_eq!(socket.read_all(), b"answer");
}
