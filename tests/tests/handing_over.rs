//! Handing live connections over to other sockets and other threads.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write, pipe},
    net::TcpStream,
    os::{fd::AsFd, unix::net::UnixStream},
    rc::Rc,
    sync::mpsc,
    thread,
};

use integration::{
    LIMIT, descriptors, in_child, listener, local, pair, pattern, peer, port_of, read_to_end,
    server, settle, tls, wait_at_most, wait_until,
};
use qcore::{Dispatcher, OpenMode, QSignalSpy, object::Object};
use qnetwork::{
    DetachedSocket, LocalSocketErrorKind, LocalSocketState, ProxyType, QHostAddress, QLocalSocket,
    QNetworkProxy, QSslSocket, QTcpSocket, SocketErrorKind, SocketOption, SocketState, SslMode,
    SslProtocol,
};

/// Returns a new socket with the connection.
pub(super) fn attached(connection: DetachedSocket) -> QTcpSocket {
    let socket = QTcpSocket::new();
    socket.attach(connection).unwrap();
    socket
}

pub(super) fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut data = vec![0; count];
    stream.read_exact(&mut data).unwrap();
    data
}

#[test]
fn it_can_be_sent() {
    fn check<T: Send>() {}
    check::<DetachedSocket>();
}

#[test]
fn signals_and_state() {
    let (socket, mut stream) = pair();
    socket.set_socket_option(SocketOption::LowDelay, 1);
    socket.set_read_buffer_size(1000);
    stream.write_all(b"unread").unwrap();
    wait_until(|| socket.bytes_available() == 6);
    let number = socket.socket_descriptor();
    let ends = (socket.local_port(), socket.peer_port(), socket.peer_name());

    let states = QSignalSpy::new(&socket.state_changed);
    let ended = QSignalSpy::new(&socket.disconnected);
    let finished = QSignalSpy::new(&socket.read_channel_finished);
    let closing = QSignalSpy::new(&socket.about_to_close);
    let errors = QSignalSpy::new(&socket.error_occurred);
    let connection = socket.detach().unwrap();
    assert_eq!(states.take(), [SocketState::Unconnected]);
    assert_eq!((socket.state(), socket.socket_descriptor()), (SocketState::Unconnected, None));
    assert_eq!((socket.open_mode(), socket.bytes_available()), (OpenMode::NOT_OPEN, 0));
    assert_eq!((socket.local_port(), socket.peer_port()), (0, 0));
    assert_eq!((socket.read_channel_count(), socket.write_channel_count()), (0, 0));
    settle();
    assert_eq!((ended.count(), finished.count(), closing.count(), errors.count()), (0, 0, 0, 0));

    let other = QTcpSocket::new();
    let states = QSignalSpy::new(&other.state_changed);
    let connected = QSignalSpy::new(&other.connected);
    let ready = QSignalSpy::new(&other.ready_read);
    other.attach(connection).unwrap();
    assert_eq!((states.take(), ready.count()), (vec![SocketState::Connected], 0));
    assert_eq!((other.state(), other.socket_descriptor()), (SocketState::Connected, number));
    assert_eq!((other.local_port(), other.peer_port(), other.peer_name()), ends);
    assert_eq!(other.peer_address(), QHostAddress::LocalHost);
    assert_eq!((other.open_mode(), other.read_buffer_size()), (OpenMode::READ_WRITE, 1000));
    assert_eq!(other.socket_option(SocketOption::LowDelay), Some(1));
    assert_eq!((other.read_channel_count(), other.write_channel_count()), (1, 1));
    wait_until(|| ready.count() == 1);
    settle();
    assert_eq!((ready.count(), connected.count()), (1, 0));
    assert_eq!(other.read_all(), b"unread");

    // Both go on as usual.
    stream.write_all(b"more").unwrap();
    wait_until(|| other.bytes_available() == 4);
    drop(stream);
    wait_until(|| other.state() == SocketState::Unconnected);
    assert_eq!((other.error(), other.peer_name()), (SocketErrorKind::RemoteHostClosed, ends.2));
    let server = server();
    socket.connect_to_host("127.0.0.1", server.server_port());
    socket.wait_for_connected(5000).unwrap();
}

#[test]
fn only_connected_sockets() {
    let refuses = |socket: &QTcpSocket| {
        let state = socket.state();
        let error = socket.detach().unwrap_err();
        assert_eq!((error.kind(), socket.state()), (SocketErrorKind::Operation, state));
    };
    let socket = QTcpSocket::new();
    refuses(&socket);
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    refuses(&socket);
    let socket = QTcpSocket::new();
    let listener = listener();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    refuses(&socket);
    // It is to close once it is connected.
    let tried = Rc::new(Cell::new(false));
    socket.disconnect_from_host();
    socket.connected.connect_to(&tried, {
        let socket = socket.clone();
        move |tried, ()| {
            refuses(&socket);
            tried.set(true);
        }
    });
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert!(tried.get());

    let (socket, stream) = pair();
    socket.write(vec![0; 32 << 20]).unwrap();
    socket.disconnect_from_host();
    assert_eq!(socket.state(), SocketState::Closing);
    refuses(&socket);
    let states = QSignalSpy::new(&socket.state_changed);
    socket.state_changed.connect_to(&socket, move |socket, _| refuses(socket));
    socket.abort();
    assert_eq!(states.count(), 1);
    drop(stream);

    let (socket, _stream) = pair();
    let error = Rc::new(Cell::new(None));
    socket.about_to_close.connect_to(&error, {
        let weak = socket.to_weak();
        move |error, ()| {
            let socket = QTcpSocket::from_weak(&weak).unwrap();
            error.set(socket.detach().err().map(|error| error.kind()));
        }
    });
    let handle = socket.clone();
    handle.delete_later();
    settle();
    assert!(socket.is_deleted());
    assert_eq!(error.get(), Some(SocketErrorKind::Operation));
    assert_eq!(socket.detach().unwrap_err(), SocketErrorKind::Operation);
    let (one, _stream) = pair();
    let failed = socket.attach(one.detach().unwrap()).unwrap_err();
    assert_eq!(failed, SocketErrorKind::Operation);
    assert_eq!(attached(failed.into_detached()).state(), SocketState::Connected);
}

/// Bytes wait in both directions, and the program has taken or given any number of them.
#[test]
fn at_every_byte() {
    let (mut socket, mut stream) = pair();
    const SIZE: usize = 40;
    for at in 0..=SIZE {
        stream.write_all(&pattern(0, SIZE)).unwrap();
        wait_until(|| socket.bytes_available() == SIZE);
        let mut received = socket.read(at);
        socket.write(&pattern(7, SIZE)[..at]).unwrap();
        socket = attached(socket.detach().unwrap());
        assert_eq!((socket.bytes_available(), socket.bytes_to_write()), (SIZE - at, at));
        socket.write(&pattern(7, SIZE)[at..]).unwrap();
        received.extend(socket.read_all());
        assert_eq!(received, pattern(0, SIZE), "at {at}");
        wait_until(|| socket.bytes_to_write() == 0);
        assert_eq!(read(&mut stream, SIZE), pattern(7, SIZE), "at {at}");
    }
}

#[test]
fn ready_read_comes_once() {
    let (socket, mut stream) = pair();
    stream.write_all(b"one").unwrap();
    wait_until(|| socket.bytes_available() == 3);
    // Read before the turn: there is nothing to announce.
    let socket = attached(socket.detach().unwrap());
    let ready = QSignalSpy::new(&socket.ready_read);
    assert_eq!(socket.read_all(), b"one");
    settle();
    assert_eq!(ready.count(), 0);
    assert_eq!(socket.wait_for_ready_read(0).unwrap_err(), SocketErrorKind::SocketTimeout);
    // In a wait.
    stream.write_all(b"two").unwrap();
    socket.wait_for_ready_read(5000).unwrap();
    let socket = attached(socket.detach().unwrap());
    let ready = QSignalSpy::new(&socket.ready_read);
    socket.wait_for_ready_read(0).unwrap();
    settle();
    assert_eq!((ready.count(), socket.read_all()), (1, b"two".to_vec()));
    // With a full buffer, and more in the system.
    socket.set_read_buffer_size(3);
    stream.write_all(b"four!").unwrap();
    wait_until(|| socket.bytes_available() == 3);
    settle();
    let socket = attached(socket.detach().unwrap());
    let read = Rc::new(RefCell::new(Vec::new()));
    socket.ready_read.connect_to(&read, {
        let socket = socket.clone();
        move |read, ()| read.borrow_mut().extend(socket.read_all())
    });
    wait_until(|| *read.borrow() == b"four!");
    // Detached again before the turn.
    stream.write_all(b"x").unwrap();
    let socket = attached(socket.detach().unwrap());
    socket.wait_for_ready_read(5000).unwrap();
    let middle = attached(socket.detach().unwrap());
    let ready = QSignalSpy::new(&middle.ready_read);
    let last = attached(middle.detach().unwrap());
    let last_ready = QSignalSpy::new(&last.ready_read);
    wait_until(|| last_ready.count() == 1);
    assert_eq!((ready.count(), last.read_all()), (0, b"x".to_vec()));
}

/// The end of the stream and an error are reported by the socket that has the connection then.
#[test]
fn the_other_end_closes_meanwhile() {
    let (socket, mut stream) = pair();
    let connection = socket.detach().unwrap();
    stream.write_all(b"last words").unwrap();
    drop(stream);
    settle();
    let socket = attached(connection);
    let ended = QSignalSpy::new(&socket.disconnected);
    wait_until(|| ended.count() == 1);
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
    assert_eq!(socket.read_all(), b"last words");

    let (socket, stream) = pair();
    let connection = socket.detach().unwrap();
    integration::reset(stream);
    let socket = attached(connection);
    assert_eq!(socket.peer_address(), QHostAddress::LocalHost);
    wait_until(|| socket.state() == SocketState::Unconnected);
}

#[test]
fn dropping_it_closes_the_connection() {
    if !in_child!("dropping_it_closes_the_connection", 100) {
        return;
    }
    let (socket, stream) = pair();
    let before = descriptors();
    socket.write("never sent").unwrap();
    let connection = socket.detach().unwrap();
    assert!(connection.as_fd().try_clone_to_owned().is_ok());
    thread::spawn(move || drop(connection)).join().unwrap();
    assert_eq!(read_to_end(&stream), b"");
    assert_eq!(descriptors(), before - 1);
    // A thread that ends with the call still waiting, or has ended before.
    for waits in [true, false] {
        let (socket, stream) = pair();
        let (tell, told) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            tell.send(Dispatcher::current().poster().unwrap()).unwrap();
            gone.recv().ok();
        });
        let poster = told.recv_timeout(LIMIT).unwrap();
        let connection = socket.detach().unwrap();
        let call = move || drop(attached(connection));
        if waits {
            poster.post(call).unwrap();
            drop(go);
            thread.join().unwrap();
        } else {
            drop(go);
            thread.join().unwrap();
            poster.post(call).unwrap_err();
        }
        assert_eq!(read_to_end(&stream), b"");
    }
    assert_eq!(descriptors(), before - 1);
}

#[test]
fn in_slots() {
    // Of ready_read, under the loop and in a wait.
    for waits in [false, true] {
        let (socket, mut stream) = pair();
        let taken = Rc::new(RefCell::new(None));
        socket.ready_read.connect_to(&taken, {
            let socket = socket.clone();
            move |taken, ()| {
                socket.write("seen").unwrap();
                *taken.borrow_mut() = Some(socket.detach().unwrap());
            }
        });
        stream.write_all(b"hello").unwrap();
        if waits {
            socket.wait_for_ready_read(5000).unwrap();
        } else {
            wait_until(|| taken.borrow().is_some());
        }
        settle();
        let other = attached(taken.take().unwrap());
        assert_eq!(other.read_all(), b"hello");
        wait_until(|| other.bytes_to_write() == 0);
        assert_eq!(read(&mut stream, 4), b"seen");
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
    // Of connected, and of state_changed.
    for early in [false, true] {
        let listener = listener();
        let socket = QTcpSocket::new();
        let taken = Rc::new(RefCell::new(None));
        let take = {
            let socket = socket.clone();
            move |taken: &RefCell<Option<DetachedSocket>>| {
                *taken.borrow_mut() = Some(socket.detach().unwrap());
            }
        };
        if early {
            socket.state_changed.connect_to(&taken, move |taken, state| {
                if *state == SocketState::Connected {
                    take(taken);
                }
            });
        } else {
            socket.connected.connect_to(&taken, move |taken, ()| take(taken));
        }
        socket.connect_to_host("localhost", port_of(&listener));
        socket.write("early").unwrap();
        wait_until(|| taken.borrow().is_some());
        let other = attached(taken.take().unwrap());
        assert_eq!(other.peer_name(), "localhost");
        let (mut stream, _) = listener.accept().unwrap();
        wait_until(|| other.bytes_to_write() == 0);
        assert_eq!(read(&mut stream, 5), b"early");
    }
    // Of about_to_close: the connection survives close().
    let (socket, mut stream) = pair();
    let taken = Rc::new(RefCell::new(None));
    socket.about_to_close.connect_to(&taken, {
        let socket = socket.clone();
        move |taken, ()| *taken.borrow_mut() = socket.detach().ok()
    });
    socket.close();
    let other = attached(taken.take().unwrap());
    other.write("alive").unwrap();
    assert!(other.flush());
    assert_eq!(read(&mut stream, 5), b"alive");
}

/// Each byte that was written is announced once, by one socket or the other, in the same blocks.
#[test]
fn announcements_are_handed_over() {
    let (port, peer) = peer(|stream| read_to_end(&stream));
    let socket = integration::connected_to(port);
    let announced = Rc::new(RefCell::new(Vec::new()));
    let taken = Rc::new(RefCell::new(None));
    socket.bytes_written.connect_to(&announced, {
        let (socket, taken) = (socket.clone(), taken.clone());
        move |announced, count| {
            announced.borrow_mut().push(*count);
            *taken.borrow_mut() = Some(socket.detach().unwrap());
        }
    });
    for size in [20_000, 20_000, 50_000, 10, 30_000] {
        socket.write(pattern(0, size)).unwrap();
    }
    wait_until(|| taken.borrow().is_some());
    assert_eq!(*announced.borrow(), [20_000]);
    let other = attached(taken.take().unwrap());
    assert_eq!(other.bytes_to_write(), 100_010);
    // What is written goes into the last block, as long as there is room.
    other.write(pattern(0, 2000)).unwrap();
    other.bytes_written.connect_to(&announced, |announced, count| {
        announced.borrow_mut().push(*count);
    });
    wait_until(|| other.bytes_to_write() == 0);
    assert_eq!(*announced.borrow(), [20_000, 20_000, 50_000, 32_010]);
    other.disconnect_from_host();
    assert_eq!(peer.join().unwrap().len(), 122_010);
}

#[test]
fn what_else_goes_along() {
    // An open transaction is rolled back.
    let (socket, mut stream) = pair();
    stream.write_all(b"a\r\nb\r\nc").unwrap();
    wait_until(|| socket.bytes_available() == 7);
    assert_eq!(socket.read(1), b"a");
    socket.unget_char(b'A');
    socket.start_transaction();
    assert_eq!(socket.read(4), b"A\r\nb");
    socket.set_text_mode_enabled(true);
    let connection = socket.detach().unwrap();
    assert!(!socket.is_transaction_started());
    let other = QTcpSocket::new();
    // Another connection of the second socket, also with a transaction, ends.
    let (before, before_stream) = pair();
    other.attach(before.detach().unwrap()).unwrap();
    other.start_transaction();
    other.attach(connection).unwrap();
    assert!(other.is_text_mode_enabled() && !other.is_transaction_started());
    assert_eq!(read_to_end(&before_stream), b"");
    assert_eq!(other.peek(3), b"A\nb");
    let third = attached(other.detach().unwrap());
    assert_eq!(third.read_all(), b"A\nb\nc");

    // Without buffers.
    let (port, peer) = peer(|mut stream| {
        stream.write_all(b"unbuffered").unwrap();
        read(&mut stream, 5)
    });
    let socket = QTcpSocket::new();
    let mode = OpenMode::READ_WRITE | OpenMode::UNBUFFERED;
    socket.connect_to_host_with_mode("127.0.0.1", port, mode, Default::default());
    wait_until(|| socket.bytes_available() == 10);
    assert_eq!(socket.peek(3), b"unb");
    let other = attached(socket.detach().unwrap());
    let ready = QSignalSpy::new(&other.ready_read);
    wait_until(|| ready.count() == 1);
    settle();
    assert_eq!((ready.count(), other.bytes_available()), (1, 10));
    assert!(other.open_mode().contains(OpenMode::UNBUFFERED));
    assert_eq!(other.read_all(), b"unbuffered");
    other.write("there").unwrap();
    assert_eq!((other.bytes_to_write(), peer.join().unwrap()), (0, b"there".to_vec()));

    // A pipe.
    let (reader, mut writer) = pipe().unwrap();
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(reader).unwrap();
    writer.write_all(b"pipe").unwrap();
    wait_until(|| socket.bytes_available() == 4);
    let other = attached(socket.detach().unwrap());
    writer.write_all(b"line").unwrap();
    wait_until(|| other.bytes_available() == 8);
    let (reader, writer) = pipe().unwrap();
    socket.set_socket_descriptor(writer).unwrap();
    socket.write("through").unwrap();
    let other = attached(socket.detach().unwrap());
    wait_until(|| other.bytes_to_write() == 0);
    drop(other);
    assert_eq!(std::io::read_to_string(reader).unwrap(), "through");
}

/// The proxy sends the host's first bytes in one packet with its reply.
#[test]
fn through_a_proxy() {
    let (port, proxy) = peer(|mut stream| {
        read(&mut stream, 3);
        stream.write_all(b"\x05\x00").unwrap();
        read(&mut stream, 10);
        stream.write_all(b"\x05\x00\x00\x01\x01\x02\x03\x04\x05\x06from the host").unwrap();
        read(&mut stream, 11)
    });
    let socket = QTcpSocket::new();
    socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", port));
    let taken = Rc::new(RefCell::new(None));
    socket.connected.connect_to(&taken, {
        let socket = socket.clone();
        move |taken, ()| {
            socket.write("to the host").unwrap();
            *taken.borrow_mut() = Some(socket.detach().unwrap());
        }
    });
    socket.connect_to_host("192.0.2.1", 80);
    wait_until(|| taken.borrow().is_some());
    let connection = taken.take().unwrap();
    let worker = thread::spawn(move || {
        let socket = attached(connection);
        let ends = (socket.peer_address().to_string(), socket.peer_port(), socket.local_port());
        wait_until(|| socket.bytes_available() == 13 && socket.bytes_to_write() == 0);
        (ends, socket.read_all())
    });
    let (ends, received) = worker.join().unwrap();
    assert_eq!(ends, ("192.0.2.1".to_owned(), 80, 0x0506));
    assert_eq!((received, proxy.join().unwrap()), (b"from the host".into(), b"to the host".into()));
}

#[test]
fn local_sockets() {
    let dir = local::Dir::new();
    let server = local::server(&dir);
    let (client, other) = local::pair(&server);
    other.write("for the client").unwrap();
    wait_until(|| client.bytes_available() == 14);
    // Peeked bytes are in the outer device.
    assert_eq!(client.peek(3), b"for");
    client.write("for the other").unwrap();
    let names = (client.server_name(), client.full_server_name());
    let mode = client.open_mode();
    let states = local::states(&client);
    let ended = QSignalSpy::new(&client.disconnected);
    let connection = client.detach().unwrap();
    assert_eq!(client.state(), LocalSocketState::Unconnected);
    assert_eq!((client.server_name(), client.full_server_name()), Default::default());
    assert_eq!((client.bytes_available(), client.is_open()), (0, false));
    assert_eq!(client.detach().unwrap_err(), LocalSocketErrorKind::Operation);
    settle();
    assert_eq!((&*states.borrow(), ended.count()), (&vec![LocalSocketState::Unconnected], 0));

    let worker = thread::spawn(move || {
        let socket = QLocalSocket::new();
        let states = local::states(&socket);
        let ready = QSignalSpy::new(&socket.ready_read);
        socket.attach(connection).unwrap();
        assert_eq!(*states.borrow(), [LocalSocketState::Connected]);
        assert_eq!((socket.server_name(), socket.full_server_name()), names);
        assert_eq!((socket.open_mode(), socket.bytes_to_write()), (mode, 13));
        // Peeking does not hide that there is something to read.
        assert_eq!(socket.peek(100), b"for the client");
        wait_until(|| ready.count() == 1 && socket.bytes_to_write() == 0);
        socket.read_all()
    });
    assert_eq!(worker.join().unwrap(), b"for the client");
    wait_until(|| other.state() == LocalSocketState::Unconnected);
    assert_eq!(other.read_all(), b"for the other");

    // The connection of a local socket may go to a TCP socket.
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let socket = QLocalSocket::new();
    socket.set_socket_descriptor(ours).unwrap();
    socket.write("any ").unwrap();
    let socket = attached(socket.detach().unwrap());
    socket.write("stream").unwrap();
    let last = QLocalSocket::new();
    last.attach(socket.detach().unwrap()).unwrap();
    wait_until(|| last.bytes_to_write() == 0);
    let mut data = [0; 10];
    theirs.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"any stream");
    last.delete_later();
    settle();
    assert_eq!(last.detach().unwrap_err(), LocalSocketErrorKind::Operation);
    let (one, _other) = pair();
    let failed = last.attach(one.detach().unwrap()).unwrap_err();
    assert_eq!(failed, SocketErrorKind::Operation);
    assert_eq!(attached(failed.into_detached()).state(), SocketState::Connected);
}

/// A socket that may encrypt hands over what is not encrypted.
#[test]
fn sockets_that_can_encrypt() {
    let (socket, mut stream) = pair();
    stream.write_all(b"plain").unwrap();
    wait_until(|| socket.bytes_available() == 5);
    socket.set_peer_name("example.org");
    socket.set_read_buffer_size(100);
    let secure = QSslSocket::new();
    let states = QSignalSpy::new(&secure.state_changed);
    let ready = QSignalSpy::new(&secure.ready_read);
    secure.attach(socket.detach().unwrap()).unwrap();
    assert_eq!(
        (states.take(), secure.state()),
        (vec![SocketState::Connected], SocketState::Connected)
    );
    assert_eq!((secure.peer_name(), secure.read_buffer_size()), ("example.org".to_owned(), 100));
    wait_until(|| ready.count() == 1);
    assert_eq!(secure.peek(2), b"pl");
    secure.write("back").unwrap();
    let third = QSslSocket::new();
    third.attach(secure.detach().unwrap()).unwrap();
    assert_eq!(
        (states.take(), secure.state()),
        (vec![SocketState::Unconnected], SocketState::Unconnected)
    );
    assert_eq!(
        (third.read_all(), third.peer_name()),
        (b"plain".to_vec(), "example.org".to_owned())
    );
    wait_until(|| third.bytes_to_write() == 0);
    assert_eq!(read(&mut stream, 4), b"back");

    third.start_client_encryption();
    let error = third.detach().unwrap_err();
    assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    assert_eq!(third.state(), SocketState::Connected);
    assert!(error.to_string().contains("TLS handshake"), "{error}");
    // A plain connection replaces the encrypted one.
    let (socket, mut stream) = pair();
    third.attach(socket.detach().unwrap()).unwrap();
    third.write("plain again").unwrap();
    wait_until(|| third.bytes_to_write() == 0);
    assert_eq!(read(&mut stream, 11), b"plain again");
}

#[test]
fn encrypted_connections() {
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        let server = tls::encrypting("good");
        let client = tls::client();
        client.set_protocol(protocol);
        let other = tls::encrypt(&client, &server);
        let known = (client.session_cipher(), client.peer_certificate());
        // Bytes wait on each side of the session, in both directions.
        let (mut here, there) = (client, other);
        for at in 0..=20 {
            there.write(pattern(0, 20)).unwrap();
            wait_until(|| here.bytes_available() == 20);
            let mut received = here.read(at);
            here.write(&pattern(5, 20)[..at]).unwrap();
            let states = QSignalSpy::new(&here.state_changed);
            let ended = QSignalSpy::new(&here.disconnected);
            let connection = here.detach().unwrap();
            assert_eq!((states.take(), ended.count()), (vec![SocketState::Unconnected], 0));
            assert_eq!((here.is_encrypted(), here.mode()), (false, SslMode::Unencrypted));
            there.write("meanwhile").unwrap();
            there.flush();
            here = secured(connection);
            let ready = QSignalSpy::new(&here.ready_read);
            assert_eq!((here.bytes_available(), here.bytes_to_write()), (20 - at, at));
            here.write(&pattern(5, 20)[at..]).unwrap();
            wait_until(|| here.bytes_available() == 29 - at);
            assert_eq!(ready.count(), if at == 20 { 1 } else { 2 });
            received.extend(here.read_all());
            assert_eq!(received, [pattern(0, 20), b"meanwhile".into()].concat(), "at {at}");
            wait_until(|| there.bytes_available() == 20);
            assert_eq!(there.read_all(), pattern(5, 20), "at {at}");
        }
        assert!(here.is_encrypted() && here.mode() == SslMode::Client);
        assert_eq!((here.session_cipher(), here.peer_certificate()), known);
        assert_eq!(here.session_protocol(), protocol);

        // In a wait.
        there.write("waited for").unwrap();
        there.flush();
        here.wait_for_ready_read(5000).unwrap();
        here = secured(here.detach().unwrap());
        here.wait_for_ready_read(5000).unwrap();
        assert_eq!(here.read_all(), b"waited for");

        // No other class can continue it, and nothing is lost.
        there.write("for the right one").unwrap();
        wait_until(|| here.bytes_available() == 17);
        let connection = here.detach().unwrap();
        let failed = QTcpSocket::new().attach(connection).unwrap_err();
        assert_eq!(failed, SocketErrorKind::UnsupportedSocketOperation);
        let failed = QLocalSocket::new().attach(failed.into_detached()).unwrap_err();
        assert_eq!(failed, SocketErrorKind::UnsupportedSocketOperation);
        here = secured(failed.into_detached());
        assert_eq!(here.read_all(), b"for the right one");

        // The end, of TLS and of the stream.
        let errors = QSignalSpy::new(&here.error_occurred);
        there.write("last").unwrap();
        let connection = here.detach().unwrap();
        there.disconnect_from_host();
        wait_until(|| there.state() == SocketState::Unconnected);
        let last = secured(connection);
        wait_until(|| last.state() == SocketState::Unconnected);
        assert_eq!((last.read_all(), errors.count()), (b"last".to_vec(), 0));
        assert_eq!(last.detach().unwrap_err(), SocketErrorKind::Operation);
    }
}

#[test]
fn an_encrypted_connection_is_aborted_before_its_bytes_are_announced() {
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    other.write("unread").unwrap();
    wait_until(|| client.bytes_available() == 6);
    client.write("unsent").unwrap();
    let next = secured(client.detach().unwrap());
    let signals = Rc::new(RefCell::new(Vec::new()));
    let note = |name| {
        let signals = signals.clone();
        move |_: &()| signals.borrow_mut().push(name)
    };
    next.ready_read.connect(note("ready_read"));
    next.disconnected.connect(note("disconnected"));
    next.abort();
    wait_until(|| other.state() == SocketState::Unconnected);
    assert_eq!(*signals.borrow(), ["disconnected"]);
}

pub(super) fn secured(connection: DetachedSocket) -> QSslSocket {
    let socket = QSslSocket::new();
    socket.attach(connection).unwrap();
    socket
}

/// An object of the old thread may die while its connection is used elsewhere.
#[test]
fn the_old_socket_dies() {
    let (socket, mut stream) = pair();
    let ended = QSignalSpy::new(&socket.disconnected);
    socket.write("unsent").unwrap();
    let connection = socket.detach().unwrap();
    drop(socket);
    assert_eq!(ended.count(), 0);
    let socket = attached(connection);
    wait_until(|| socket.bytes_to_write() == 0);
    assert_eq!(read(&mut stream, 6), b"unsent");
    assert!(wait_at_most(LIMIT, || socket.state() == SocketState::Connected));
}
