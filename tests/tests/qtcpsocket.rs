//! The cases of Qt's own tests of QTcpSocket, with Qt's names. Cases that scenarios and other tests
//! cover are not here; `qt-behaviour.tsv` lists them.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    rc::Rc,
    time::{Duration, Instant},
};

use integration::{
    NO_HOST, closed_port, connected_to, listener, pair, pair_of, pattern, peer, port_of,
    read_to_end, reset, run_for, server, settle, wait_until,
};
use qcore::{DeviceErrorKind, OpenMode, QCoreApplication, QSignalSpy, QTimer};
use qnetwork::{
    NetworkLayerProtocol, QHostAddress, QTcpSocket, SocketErrorKind, SocketState, SocketType,
};

const LONG: i32 = 20_000;

/// Checks that the socket is in the same state as a new one.
#[track_caller]
fn assert_fresh(socket: &QTcpSocket) {
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!(socket.socket_type(), SocketType::Tcp);
    assert_eq!((socket.open_mode(), socket.is_open()), (OpenMode::NOT_OPEN, false));
    assert_eq!((socket.read_channel_count(), socket.write_channel_count()), (0, 0));
    assert!(socket.is_sequential() && !socket.is_valid() && !socket.can_read_line());
    assert_eq!((socket.bytes_available(), socket.bytes_to_write()), (0, 0));
    assert_eq!((socket.get_char(), socket.read_line()), (None, Vec::new()));
    assert_eq!(socket.socket_descriptor(), None);
    assert_eq!((socket.local_port(), socket.peer_port()), (0, 0));
    assert_eq!(socket.local_address(), QHostAddress::Null);
    assert_eq!(socket.peer_address(), QHostAddress::Null);
    assert_eq!(socket.error(), SocketErrorKind::Unknown);
    assert_eq!(socket.error_string(), "Unknown error");
}

#[test]
fn constructing() {
    assert_fresh(&QTcpSocket::new());
}

#[test]
fn sockets_constructed_before_event_loop() {
    // The sockets are connected and written to before any loop has run in this thread.
    std::thread::spawn(|| {
        let listener = listener();
        let (writer, reader) = (QTcpSocket::new(), QTcpSocket::new());
        writer.connect_to_host("127.0.0.1", port_of(&listener));
        writer.wait_for_connected(LONG).unwrap();
        reader.set_socket_descriptor(listener.accept().unwrap().0).unwrap();
        let (ready, written) =
            (QSignalSpy::new(&reader.ready_read), QSignalSpy::new(&writer.bytes_written));
        writer.write("0123456789").unwrap();
        wait_until(|| ready.count() > 0 && written.count() > 0);
        settle();
        assert_eq!((ready.count(), written.take()), (1, vec![10]));
        assert_eq!(reader.bytes_available(), 10);
    })
    .join()
    .unwrap();
}

#[test]
fn partial_read_and_read_chunks() {
    let (socket, mut stream) = pair();
    stream.write_all(b"0123456789").unwrap();
    wait_until(|| socket.bytes_available() == 10);
    let mut piece = [b'-'; 2];
    for expected in [b"01", b"23", b"45"] {
        assert_eq!(socket.read_into(&mut piece), Ok(2));
        assert_eq!(&piece, expected);
    }
    let mut rest = [b'-'; 10];
    assert_eq!(socket.read_into(&mut rest), Ok(4));
    assert_eq!(&rest, b"6789------");
}

#[test]
fn read_all_after_close() {
    let (socket, mut stream) = pair();
    stream.write_all(b"unread").unwrap();
    wait_until(|| socket.bytes_available() == 6);
    socket.close();
    assert_eq!(socket.read_all(), b"");
}

#[test]
fn open_close_open_close() {
    let listener = listener();
    let socket = QTcpSocket::new();
    for _ in 0..3 {
        socket.connect_to_host("127.0.0.1", port_of(&listener));
        wait_until(|| socket.state() == SocketState::Connected);
        assert_eq!(socket.open_mode(), OpenMode::READ_WRITE);
        assert!(socket.is_valid());
        socket.close();
        assert_fresh(&socket);
    }
}

#[test]
fn connect_disconnect_connect_disconnect() {
    let listener = listener();
    let socket = QTcpSocket::new();
    for _ in 0..3 {
        assert_eq!(socket.state(), SocketState::Unconnected);
        socket.connect_to_host("127.0.0.1", port_of(&listener));
        wait_until(|| socket.state() == SocketState::Connected);
        socket.disconnect_from_host();
        assert_eq!(socket.state(), SocketState::Unconnected);
        assert_eq!(socket.open_mode(), OpenMode::READ_WRITE);
        assert_eq!(socket.socket_descriptor(), None);
    }
}

#[test]
fn disconnect_while_connecting() {
    for size in [0, 13, 1 << 20] {
        for (closes, with_loop) in [(true, true), (false, true), (true, false), (false, false)] {
            let (port, received) = peer(|stream| read_to_end(&stream));
            let socket = QTcpSocket::new();
            let disconnected = QSignalSpy::new(&socket.disconnected);
            socket.connect_to_host("127.0.0.1", port);
            let data = pattern(0, size);
            assert_eq!(socket.write(&data), Ok(size));
            if closes {
                socket.close();
            } else {
                socket.disconnect_from_host();
            }
            let mode = if closes { OpenMode::NOT_OPEN } else { OpenMode::READ_WRITE };
            assert_eq!((socket.state(), socket.open_mode()), (SocketState::Connecting, mode));
            if with_loop {
                wait_until(|| disconnected.count() > 0);
            } else {
                socket.wait_for_disconnected(LONG).unwrap();
            }
            assert_eq!((socket.state(), socket.open_mode()), (SocketState::Unconnected, mode));
            assert_eq!(disconnected.count(), 1);
            socket.close();
            assert_eq!(socket.open_mode(), OpenMode::NOT_OPEN);
            assert!(received.join().unwrap() == data, "{size} bytes, {closes}, {with_loop}");
        }
    }
}

#[test]
fn disconnect_while_looking_up() {
    for closes in [true, false] {
        let socket = QTcpSocket::new();
        socket.connect_to_host(NO_HOST, 80);
        assert_eq!(socket.state(), SocketState::HostLookup);
        if closes {
            socket.close();
            assert_eq!(socket.open_mode(), OpenMode::NOT_OPEN);
        } else {
            socket.disconnect_from_host();
            assert_eq!(socket.open_mode(), OpenMode::READ_WRITE);
            // There is no such host.
            let error = socket.wait_for_disconnected(LONG).unwrap_err();
            assert_eq!(error, SocketErrorKind::HostNotFound);
        }
        wait_until(|| socket.state() == SocketState::Unconnected);
        let states = QSignalSpy::new(&socket.state_changed);
        run_for(Duration::from_millis(30));
        assert_eq!((states.count(), socket.state()), (0, SocketState::Unconnected));
    }
    // The host exists: the socket connects and is then closed.
    for closes in [true, false] {
        let (port, received) = peer(|stream| read_to_end(&stream));
        let socket = QTcpSocket::new();
        let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::IPv4);
        socket.connect_to_host_with_mode("localhost", port, mode, protocol);
        if closes {
            socket.close();
        } else {
            socket.disconnect_from_host();
        }
        let mode = if closes { OpenMode::NOT_OPEN } else { OpenMode::READ_WRITE };
        assert_eq!(socket.open_mode(), mode);
        socket.wait_for_disconnected(LONG).unwrap();
        assert_eq!((socket.state(), socket.open_mode()), (SocketState::Unconnected, mode));
        let states = QSignalSpy::new(&socket.state_changed);
        run_for(Duration::from_millis(50));
        assert_eq!((states.count(), socket.state()), (0, SocketState::Unconnected));
        assert_eq!(received.join().unwrap(), b"");
    }
}

/// A dialogue that uses only the functions that wait.
#[test]
fn blocking_imap() {
    let (port, server) = peer(|mut stream| {
        stream.write_all(b"* OK ready\r\n").unwrap();
        let mut command = [0; 12];
        stream.read_exact(&mut command).unwrap();
        stream.write_all(b"1 OK done\r\n").unwrap();
        (command, read_to_end(&stream))
    });
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", port);
    socket.wait_for_connected(LONG).unwrap();
    assert_eq!(socket.state(), SocketState::Connected);
    assert!(socket.is_valid());
    assert_eq!((socket.read_channel_count(), socket.write_channel_count()), (1, 1));
    while !socket.can_read_line() {
        socket.wait_for_ready_read(LONG).unwrap();
    }
    // Writing does not affect the received data.
    let available = socket.bytes_available();
    assert_eq!(socket.write("1 LOGIN me\r\n").unwrap(), 12);
    socket.wait_for_bytes_written(LONG).unwrap();
    assert_eq!(socket.bytes_available(), available);
    assert_eq!(socket.read_line(), b"* OK ready\r\n");
    while !socket.can_read_line() {
        socket.wait_for_ready_read(LONG).unwrap();
    }
    assert_eq!(socket.read_line(), b"1 OK done\r\n");
    socket.close();
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert!(!socket.is_valid());
    assert_eq!((socket.read_channel_count(), socket.write_channel_count()), (0, 0));
    let (command, rest) = server.join().unwrap();
    assert_eq!((&command, rest), (b"1 LOGIN me\r\n", Vec::new()));
}

#[test]
fn wait_for_bytes_written() {
    for time in [5000, -1] {
        let (socket, mut stream) = pair();
        socket.write("0123456789").unwrap();
        assert_eq!(socket.bytes_to_write(), 10);
        socket.wait_for_bytes_written(time).unwrap();
        assert_eq!(socket.bytes_to_write(), 0);
        stream.read_exact(&mut [0; 10]).unwrap();
    }
}

#[test]
fn wait_for_ready_read() {
    for (time, host) in [(5000, "localhost"), (-1, "127.0.0.1")] {
        let (port, echo) = peer(|mut stream| {
            let mut question = [0; 8];
            stream.read_exact(&mut question).unwrap();
            stream.write_all(&question).unwrap();
        });
        let socket = QTcpSocket::new();
        let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::IPv4);
        socket.connect_to_host_with_mode(host, port, mode, protocol);
        socket.write("question").unwrap();
        // This call looks up the name, connects, writes and reads.
        socket.wait_for_ready_read(time).unwrap();
        assert_eq!(socket.read_all(), b"question");
        echo.join().unwrap();
    }
}

#[test]
fn flush() {
    let socket = QTcpSocket::new();
    assert!(!socket.flush());
    let (socket, _stream) = pair();
    assert!(!socket.flush());
    socket.write("0123456789").unwrap();
    assert_eq!(socket.bytes_to_write(), 10);
    assert!(socket.flush());
    assert_eq!(socket.bytes_to_write(), 0);
}

#[test]
fn synchronous_api() {
    let (port, peer) = peer(|mut stream| {
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(b"answer").unwrap();
    });
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", port);
    socket.write("ask\n").unwrap();
    socket.wait_for_disconnected(LONG).unwrap();
    assert_eq!(socket.read_all(), b"answer");
    peer.join().unwrap();
}

#[test]
fn recursive_ready_read() {
    let (socket, mut stream) = pair();
    let ready = QSignalSpy::new(&socket.ready_read);
    let other = RefCell::new(stream.try_clone().unwrap());
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        socket.write("x").unwrap();
        socket.flush();
        other.borrow_mut().write_all(b"more").unwrap();
        let app = QCoreApplication::new();
        wait_until(|| socket.bytes_available() >= 8);
        for _ in 0..100 {
            app.process_events();
        }
    });
    stream.write_all(b"data").unwrap();
    wait_until(|| ready.count() > 0);
    settle();
    assert_eq!((ready.count(), socket.bytes_available()), (1, 8));
}

#[test]
fn wait_for_ready_read_in_a_slot() {
    let (port, _peer) = peer(|mut stream| stream.write_all(b"hello").unwrap());
    let socket = QTcpSocket::new();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let into = heard.clone();
    socket.connected.connect_to(&socket, move |socket, ()| {
        socket.wait_for_ready_read(LONG).unwrap();
        into.borrow_mut().extend(socket.read_all());
    });
    socket.connect_to_host("127.0.0.1", port);
    wait_until(|| *heard.borrow() == b"hello");
}

/// All four functions that wait, in a slot of a running loop and in a thread without a loop.
#[test]
fn waiting_with_a_loop_and_without() {
    fn talk() {
        let (port, peer) = peer(|mut stream| {
            stream.read_exact(&mut [0; 3]).unwrap();
            stream.write_all(b"and back").unwrap();
        });
        let socket = QTcpSocket::new();
        let signals = (
            QSignalSpy::new(&socket.connected),
            QSignalSpy::new(&socket.ready_read),
            QSignalSpy::new(&socket.bytes_written),
            QSignalSpy::new(&socket.disconnected),
        );
        socket.connect_to_host("localhost", port);
        socket.wait_for_connected(LONG).unwrap();
        socket.write("out").unwrap();
        socket.wait_for_bytes_written(LONG).unwrap();
        socket.wait_for_ready_read(LONG).unwrap();
        let mut heard = socket.read_all();
        socket.wait_for_disconnected(LONG).unwrap();
        heard.extend(socket.read_all());
        assert_eq!(heard, b"and back");
        assert_eq!((signals.0.count(), signals.3.count()), (1, 1));
        assert!(signals.1.count() >= 1 && signals.2.take() == [3]);
        peer.join().unwrap();
    }
    std::thread::spawn(talk).join().unwrap();
    let app = QCoreApplication::new();
    let talked = Rc::new(Cell::new(false));
    let done = talked.clone();
    QTimer::single_shot(0, move || {
        talk();
        done.set(true);
        QCoreApplication::instance().quit();
    });
    app.exec();
    assert!(talked.get());
}

#[test]
fn remote_close_error() {
    let server = server();
    let (accepted, client) = pair_of(&server);
    let (errors, disconnects) =
        (QSignalSpy::new(&client.error_occurred), QSignalSpy::new(&client.disconnected));
    let states = Rc::new(RefCell::new(Vec::new()));
    let seen = states.clone();
    client.error_occurred.connect_to(&client, move |client, _| {
        seen.borrow_mut().push(client.state());
        client.close();
    });
    accepted.write("hello").unwrap();
    accepted.disconnect_from_host();
    client.write("into the void").unwrap();
    wait_until(|| client.state() == SocketState::Unconnected);
    settle();
    assert_eq!(errors.take(), [SocketErrorKind::RemoteHostClosed]);
    assert_eq!(disconnects.count(), 1);
    assert_eq!(*states.borrow(), [SocketState::Connected]);
    client.connect_to_host("127.0.0.1", server.server_port());
    wait_until(|| client.state() == SocketState::Connected);
}

#[test]
fn connect_to_host_error_and_connection_refused() {
    let (port, _guard) = closed_port();
    for host in ["localhost", "127.0.0.1"] {
        let socket = QTcpSocket::new();
        let (states, errors) =
            (QSignalSpy::new(&socket.state_changed), QSignalSpy::new(&socket.error_occurred));
        let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::IPv4);
        let started = Instant::now();
        socket.connect_to_host_with_mode(host, port, mode, protocol);
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert!(started.elapsed() < Duration::from_secs(10));
        assert_eq!(errors.take(), [SocketErrorKind::ConnectionRefused]);
        assert_eq!(socket.error_string(), "Connection refused");
        assert_eq!(states.count(), 3);
    }
}

#[test]
fn wait_for_connected_in_host_lookup_slot2() {
    let listener = listener();
    let socket = QTcpSocket::new();
    let connected = QSignalSpy::new(&socket.connected);
    let port = port_of(&listener);
    QTimer::single_shot(0, {
        let socket = socket.clone();
        move || {
            let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::IPv4);
            socket.connect_to_host_with_mode("localhost", port, mode, protocol);
            socket.wait_for_connected(LONG).unwrap();
        }
    });
    wait_until(|| connected.count() > 0);
    run_for(Duration::from_millis(30));
    assert_eq!((connected.count(), socket.state()), (1, SocketState::Connected));
}

#[test]
fn abortive_close() {
    let (socket, stream) = pair();
    let (ready, errors, disconnects) = (
        QSignalSpy::new(&socket.ready_read),
        QSignalSpy::new(&socket.error_occurred),
        QSignalSpy::new(&socket.disconnected),
    );
    reset(stream);
    wait_until(|| disconnects.count() > 0);
    settle();
    assert_eq!((ready.count(), disconnects.count()), (0, 1));
    assert_eq!(errors.take(), [SocketErrorKind::RemoteHostClosed]);
}

#[test]
fn local_address_empty_on_bsd() {
    let listener = listener();
    for _ in 0..10 {
        let socket = QTcpSocket::new();
        socket.connect_to_host("127.0.0.1", port_of(&listener));
        match socket.wait_for_connected(0) {
            Ok(()) => assert_eq!(socket.local_address(), QHostAddress::LocalHost),
            Err(error) => assert_eq!(error, SocketErrorKind::SocketTimeout),
        }
        socket.abort();
        assert_eq!(socket.local_address(), QHostAddress::Null);
    }
}

#[test]
fn zero_and_minus_one_returns() {
    let (socket, mut stream) = pair();
    let mut byte = [0];
    assert_eq!((socket.read_all(), socket.read(1)), (Vec::new(), Vec::new()));
    assert_eq!((socket.read_into(&mut byte), socket.get_char()), (Ok(0), None));
    assert_eq!(socket.read_line(), b"");
    assert_eq!((socket.write("BOGUS\n"), socket.put_char(b'A')), (Ok(6), Ok(())));
    wait_until(|| socket.bytes_to_write() == 0);
    stream.read_exact(&mut [0; 7]).unwrap();
    stream.write_all(b"rest").unwrap();
    drop(stream);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
    assert_eq!(socket.write("late").unwrap_err(), DeviceErrorKind::Closed);
    assert_eq!(socket.put_char(b'A').unwrap_err(), DeviceErrorKind::Closed);
    assert_eq!(socket.read_all(), b"rest");
    assert_eq!(socket.read_into(&mut byte).unwrap_err(), DeviceErrorKind::Closed);
    assert_eq!((socket.read_line(), socket.get_char()), (Vec::new(), None));
    socket.close();
    assert_eq!(socket.write("closed").unwrap_err(), DeviceErrorKind::NotOpen);
    assert_eq!(socket.put_char(b'A').unwrap_err(), DeviceErrorKind::NotOpen);
    assert_eq!(socket.read_all(), b"");
    assert_eq!(socket.read_into(&mut byte).unwrap_err(), DeviceErrorKind::NotOpen);
    assert_eq!((socket.read_line(), socket.get_char()), (Vec::new(), None));
}

#[test]
fn timeout_error_resetting() {
    // Qt's bug 7054: the text of a timeout remained.
    let (socket, stream) = pair();
    assert_eq!(socket.error(), SocketErrorKind::Unknown);
    assert_eq!(socket.wait_for_ready_read(20).unwrap_err(), SocketErrorKind::SocketTimeout);
    assert_eq!(socket.error(), SocketErrorKind::SocketTimeout);
    drop(stream);
    assert_eq!(socket.wait_for_ready_read(LONG).unwrap_err(), SocketErrorKind::RemoteHostClosed);
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
}

#[test]
fn qtbug14268_peek() {
    let (socket, mut stream) = pair();
    for count in 1..=3 {
        stream.write_all(b"abcd").unwrap();
        socket.wait_for_ready_read(LONG).unwrap();
        assert_eq!(socket.peek(128 * 1024), b"abcd".repeat(count));
    }
    assert_eq!(socket.read(128 * 1024), b"abcd".repeat(3));
}

#[test]
fn server_disconnect_with_buffered() {
    let (port, peer) = peer(|mut stream| stream.write_all(b"x").unwrap());
    let socket = QTcpSocket::new();
    let (states, disconnects) =
        (QSignalSpy::new(&socket.state_changed), QSignalSpy::new(&socket.disconnected));
    socket.connect_to_host("127.0.0.1", port);
    peer.join().unwrap();
    socket.wait_for_connected(LONG).unwrap();
    assert_eq!(socket.state(), SocketState::Connected);
    socket.wait_for_ready_read(LONG).unwrap();
    assert_eq!(socket.read(100), b"x");
    if socket.state() != SocketState::Unconnected {
        socket.wait_for_disconnected(LONG).unwrap();
    }
    assert_eq!(disconnects.count(), 1);
    assert_eq!(states.take().last(), Some(&SocketState::Unconnected));
}

#[test]
fn socket_discard_data_in_write_mode() {
    let (port, peer) = peer(|mut stream| stream.write_all(b"unwanted").unwrap());
    let socket = QTcpSocket::new();
    let protocol = NetworkLayerProtocol::AnyIP;
    socket.connect_to_host_with_mode("127.0.0.1", port, OpenMode::WRITE_ONLY, protocol);
    socket.wait_for_ready_read(LONG).unwrap();
    assert!(socket.at_end());
    assert_eq!(socket.bytes_available(), 0);
    peer.join().unwrap();
}

/// Qt's only test of QAbstractSocket itself.
#[test]
fn get_set_check() {
    let socket = connected_to(port_of(&listener()));
    for size in [0, 1, usize::MAX] {
        socket.set_read_buffer_size(size);
        assert_eq!(socket.read_buffer_size(), size);
    }
    for port in [0, u16::MAX] {
        socket.set_local_port(port);
        socket.set_peer_port(port);
        assert_eq!((socket.local_port(), socket.peer_port()), (port, port));
    }
}

/// A read buffer that is never emptied holds only as much as its limit, however much is sent.
#[test]
fn a_reader_that_never_reads() {
    const LIMIT: usize = 10_000;
    let (socket, mut stream) = pair();
    socket.set_read_buffer_size(LIMIT);
    stream.set_nonblocking(true).unwrap();
    let block = vec![0; 1 << 16];
    let mut sent = 0;
    // Sends until the system takes no more.
    for _ in 0..10_000 {
        match stream.write(&block) {
            Ok(count) => sent += count,
            Err(_) => {
                settle();
                if let Err(error) = stream.write(&block) {
                    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                    break;
                }
            }
        }
    }
    assert!(sent > LIMIT);
    assert_eq!((socket.bytes_available(), socket.buffer_len()), (LIMIT, LIMIT));
    let ready = QSignalSpy::new(&socket.ready_read);
    settle();
    assert_eq!((ready.count(), socket.state()), (0, SocketState::Connected));
}
