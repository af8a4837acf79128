//! Pausing and resuming a socket's reading.

use std::{
    cell::{Cell, RefCell},
    io::Write,
    os::unix::net::UnixStream,
    rc::Rc,
    time::Duration,
};

use integration::{pair, pair_of, pattern, run_for, server, tls, wait_until};
use qcore::{QIODevice, QSignalSpy};
use qnetwork::{
    CloseReason, QAbstractSocket, QHostAddress, QLocalSocket, QUdpSocket, SocketErrorKind,
    SocketState,
};

/// Collects what a device reads in its slot.
fn collect(device: &QIODevice) -> Rc<RefCell<Vec<u8>>> {
    let all = Rc::new(RefCell::new(Vec::new()));
    device.ready_read.connect_to((&all, device), |(all, device), ()| {
        all.borrow_mut().extend(device.read_all());
    });
    all
}

/// More than the system's buffers hold.
const MUCH: usize = 30_000_000;

/// A paused reader holds the sender up, and gets everything after the pause.
fn holds_up(sender: &QAbstractSocket, reader: &QAbstractSocket) {
    let all = collect(reader);
    reader.pause_reading();
    assert!(reader.is_reading_paused());
    let data = pattern(0, MUCH);
    sender.write(&data).unwrap();
    // The system's buffers fill, and then nothing moves.
    let unsent = Rc::new(Cell::new(MUCH + 1));
    wait_until(|| {
        let before = unsent.replace(sender.unsent_bytes());
        run_for(Duration::from_millis(20));
        before == sender.unsent_bytes() && before < MUCH
    });
    assert!(sender.unsent_bytes() > MUCH / 4, "the other end is held up");
    assert_eq!((all.borrow().len(), reader.bytes_available()), (0, 0));
    let error = reader.wait_for_ready_read(10).unwrap_err();
    assert_eq!(error, SocketErrorKind::Operation);
    reader.resume_reading();
    reader.resume_reading();
    assert!(!reader.is_reading_paused());
    wait_until(|| all.borrow().len() == MUCH);
    assert!(*all.borrow() == data);
}

#[test]
fn a_paused_reader_holds_up_the_sender() {
    let server = server();
    let (accepted, connected) = pair_of(&server);
    holds_up(&accepted, &connected);
    holds_up(&connected, &accepted);
}

#[test]
fn a_paused_reader_holds_up_an_encrypting_sender() {
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    holds_up(&other, &client);
    holds_up(&client, &other);
}

#[test]
fn a_handshake_is_not_paused() {
    let server = tls::encrypting("good");
    let client = tls::client();
    client.pause_reading();
    let other = tls::encrypt(&client, &server);
    let all = collect(&client);
    other.write("hello").unwrap();
    run_for(Duration::from_millis(20));
    assert!(all.borrow().is_empty());
    client.write("written during the pause").unwrap();
    wait_until(|| other.bytes_available() == 24);
    client.resume_reading();
    wait_until(|| *all.borrow() == b"hello");
}

#[test]
fn a_slot_that_pauses_gets_no_more_of_an_encrypted_record() {
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    let calls = tls::count(&client.ready_read);
    client.ready_read.connect_to(&client, |client, ()| client.pause_reading());
    // A record of 16 KiB, which is delivered in portions.
    other.write(pattern(0, 16_000)).unwrap();
    wait_until(|| calls.get() == 1);
    run_for(Duration::from_millis(20));
    assert_eq!(calls.get(), 1);
    // It can be read in the pause.
    wait_until(|| client.bytes_available() == 16_000);
    client.resume_reading();
    assert_eq!(calls.get(), 1, "the loop emits it, not the call");
    wait_until(|| calls.get() == 2);
    assert!(client.read_all() == pattern(0, 16_000));
}

#[test]
fn a_local_socket_pauses() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let socket = QLocalSocket::new();
    socket.set_socket_descriptor(ours).unwrap();
    let all = collect(&socket);
    socket.pause_reading();
    theirs.write_all(b"hello").unwrap();
    run_for(Duration::from_millis(20));
    assert_eq!((all.borrow().len(), socket.bytes_available()), (0, 0));
    socket.resume_reading();
    wait_until(|| *all.borrow() == b"hello");
}

#[test]
fn resuming_tells_of_what_is_in_the_buffer() {
    let (socket, mut stream) = pair();
    let calls = tls::count(&socket.ready_read);
    stream.write_all(b"hello").unwrap();
    wait_until(|| calls.get() == 1);
    socket.pause_reading();
    socket.resume_reading();
    wait_until(|| calls.get() == 2);
    // A slot that pauses in between hears of nothing.
    socket.pause_reading();
    socket.resume_reading();
    socket.pause_reading();
    run_for(Duration::from_millis(20));
    assert_eq!(calls.get(), 2);
    // Nor does anybody if there is nothing to read.
    assert_eq!(socket.read_all(), b"hello");
    socket.resume_reading();
    run_for(Duration::from_millis(20));
    assert_eq!(calls.get(), 2);
}

/// A socket has unread bytes. It resumes reading, and ends its connection before the loop emits
/// `ready_read`.
fn ends_after_resuming(device: &QIODevice, closed: &QSignalSpy<CloseReason>, end: impl Fn()) {
    let calls = tls::count(&device.ready_read);
    end();
    wait_until(|| closed.count() == 1);
    let told = calls.get();
    run_for(Duration::from_millis(20));
    assert_eq!(calls.get(), told, "ready_read after closed");
    assert_eq!(device.bytes_available(), 5, "the bytes can still be read");
}

#[test]
fn nothing_is_told_after_the_end() {
    let (socket, mut stream) = pair();
    stream.write_all(b"hello").unwrap();
    wait_until(|| socket.bytes_available() == 5);
    ends_after_resuming(&socket, &QSignalSpy::new(&socket.closed), || {
        socket.pause_reading();
        socket.resume_reading();
        socket.disconnect_from_host();
    });
}

#[test]
fn nothing_is_told_after_the_end_of_a_local_socket() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let socket = QLocalSocket::new();
    socket.set_socket_descriptor(ours).unwrap();
    theirs.write_all(b"hello").unwrap();
    wait_until(|| socket.bytes_available() == 5);
    ends_after_resuming(&socket, &QSignalSpy::new(&socket.closed), || {
        socket.pause_reading();
        socket.resume_reading();
        socket.disconnect_from_server();
    });
}

#[test]
fn nothing_is_told_after_the_end_of_an_encrypted_connection() {
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    other.write("hello").unwrap();
    wait_until(|| client.bytes_available() == 5);
    ends_after_resuming(&client, &QSignalSpy::new(&client.closed), || {
        client.pause_reading();
        client.resume_reading();
        client.disconnect_from_host();
        // The goodbye goes out, and the connection ends, before the loop gets to posted calls.
        client.wait_for_disconnected(5000).unwrap();
    });
}

#[test]
fn the_end_of_the_stream_waits_for_the_end_of_the_pause() {
    let (socket, mut stream) = pair();
    let ends = tls::count(&socket.disconnected);
    let all = collect(&socket);
    socket.pause_reading();
    stream.write_all(b"last").unwrap();
    drop(stream);
    run_for(Duration::from_millis(20));
    assert_eq!((ends.get(), socket.state()), (0, SocketState::Connected));
    socket.resume_reading();
    wait_until(|| ends.get() == 1);
    assert_eq!(*all.borrow(), b"last");
}

#[test]
fn a_pause_holds_for_the_next_connection() {
    let server = server();
    let (_accepted, socket) = pair_of(&server);
    socket.pause_reading();
    socket.abort();
    socket.connect_to_host("127.0.0.1", server.server_port());
    wait_until(|| server.has_pending_connections());
    let other = server.next_pending_connection().unwrap();
    let all = collect(&socket);
    other.write("hello").unwrap();
    run_for(Duration::from_millis(20));
    assert!(all.borrow().is_empty());
    // What the program closes ends in a pause, too.
    socket.disconnect_from_host();
    wait_until(|| socket.state() == SocketState::Unconnected);
    socket.resume_reading();
}

#[test]
fn datagrams_wait() {
    let socket = QUdpSocket::new();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    let spy = QSignalSpy::new(&socket.ready_read);
    socket.pause_reading();
    socket.write_datagram("hello", QHostAddress::LocalHost, socket.local_port()).unwrap();
    run_for(Duration::from_millis(20));
    assert_eq!(spy.count(), 0);
    socket.resume_reading();
    wait_until(|| spy.count() == 1);
    // It was announced, but not read: a resumed socket announces it again.
    socket.pause_reading();
    socket.resume_reading();
    wait_until(|| spy.count() == 2);
    assert_eq!(socket.receive_datagram().unwrap().data(), b"hello");
}
