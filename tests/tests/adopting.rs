//! Adopting existing descriptors.

use std::{
    fs::{self, File},
    io::{Read, Write, pipe},
    net::{TcpListener, TcpStream, UdpSocket},
    os::{fd::AsRawFd, fd::OwnedFd, unix::net::UnixStream},
};

use integration::{NO_HOST, descriptors, in_child, listener, pair, port_of, settle, wait_until};
use qcore::{OpenMode, QSignalSpy};
use qnetwork::{QHostAddress, QTcpSocket, QUdpSocket, SocketErrorKind, SocketState};
use socket2::{Domain, Socket, Type};

/// Returns both ends of a connection made without this library.
fn streams() -> (TcpStream, TcpStream) {
    let listener = listener();
    let one = TcpStream::connect(("127.0.0.1", port_of(&listener))).unwrap();
    (one, listener.accept().unwrap().0)
}

fn bound() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket
}

fn unconnected(bind: bool) -> Socket {
    if bind { bound() } else { Socket::new(Domain::IPV4, Type::STREAM, None).unwrap() }
}

fn port(socket: &Socket) -> u16 {
    socket.local_addr().unwrap().as_socket().unwrap().port()
}

/// Returns the flags of a descriptor, as the system shows them.
fn flags(descriptor: i32) -> u32 {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    u32::from_str_radix(flags.trim(), 8).unwrap()
}

const NONBLOCKING: u32 = 0o4000;
const CLOSE_ON_EXEC: u32 = 0o2_000_000;

#[test]
fn what_is_no_socket_of_the_kind() {
    if !in_child!("what_is_no_socket_of_the_kind", 100) {
        return;
    }
    let socket = QTcpSocket::new();
    // Makes the loop create its poll before the descriptors are counted.
    settle();
    let before = descriptors();
    let own_file = std::env::current_exe().unwrap();
    let things: [OwnedFd; 7] = [
        File::open("/dev/null").unwrap().into(),
        File::open("/dev/zero").unwrap().into(),
        File::open(own_file.parent().unwrap()).unwrap().into(),
        File::open(own_file).unwrap().into(),
        UdpSocket::bind("127.0.0.1:0").unwrap().into(),
        Socket::new(Domain::UNIX, Type::DGRAM, None).unwrap().into(),
        Socket::pair(Domain::UNIX, Type::SEQPACKET, None).unwrap().0.into(),
    ];
    let errors = QSignalSpy::new(&socket.error_occurred);
    for thing in things {
        let error = socket.set_socket_descriptor(thing).unwrap_err();
        assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
        assert_eq!(error.to_string(), "Invalid socket descriptor");
        assert_eq!(socket.error(), SocketErrorKind::UnsupportedSocketOperation);
        assert_eq!((socket.socket_descriptor(), socket.is_open()), (None, false));
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
    // Streams of the wrong kind: they are connected and carry no datagrams.
    for state in [
        SocketState::Unconnected,
        SocketState::Connecting,
        SocketState::Bound,
        SocketState::Listening,
    ] {
        let (reader, _writer) = pipe().unwrap();
        let mode = OpenMode::READ_WRITE;
        let error = socket.set_socket_descriptor_with_state(reader, state, mode).unwrap_err();
        assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    }
    let udp = QUdpSocket::new();
    let (reader, _writer) = pipe().unwrap();
    let (stream, _other) = UnixStream::pair().unwrap();
    for thing in [OwnedFd::from(reader), stream.into()] {
        let error = udp.set_socket_descriptor(thing).unwrap_err();
        assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    }
    // As in Qt, the call returns the error and no signal is emitted.
    assert_eq!((errors.count(), socket.state()), (0, SocketState::Unconnected));
    drop((_writer, _other));
    assert_eq!(descriptors(), before);
}

#[test]
fn a_connection() {
    if !in_child!("a_connection", 100) {
        return;
    }
    let before = descriptors();
    let (stream, mut other) = streams();
    other.write_all(b"before").unwrap();
    let (number, from) = (stream.as_raw_fd(), stream.local_addr().unwrap().port());
    let socket = QTcpSocket::new();
    let states = QSignalSpy::new(&socket.state_changed);
    socket.set_socket_descriptor(stream).unwrap();
    assert_eq!(states.take(), [SocketState::Connected]);
    assert_eq!((socket.socket_descriptor(), socket.local_port()), (Some(number), from));
    assert_eq!(socket.peer_port(), other.local_addr().unwrap().port());
    assert_eq!(socket.peer_address(), QHostAddress::LocalHost);
    assert_eq!((socket.peer_name(), socket.open_mode()), (String::new(), OpenMode::READ_WRITE));
    assert_eq!(flags(number) & (NONBLOCKING | CLOSE_ON_EXEC), NONBLOCKING | CLOSE_ON_EXEC);
    wait_until(|| socket.bytes_available() == 6);
    assert_eq!(socket.read_all(), b"before");
    socket.write("answer").unwrap();
    wait_until(|| socket.bytes_to_write() == 0);
    let mut answer = [0; 6];
    other.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"answer");
    drop(other);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
    // The loop's poll may have been created meanwhile.
    assert!(descriptors() <= before + 3);
}

#[test]
fn a_connection_that_has_ended_already() {
    let (stream, mut other) = streams();
    other.write_all(b"last words").unwrap();
    drop(other);
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(stream).unwrap();
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.read_all(), b"last words");

    let (stream, other) = streams();
    integration::reset(other);
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(stream).unwrap();
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
}

#[test]
fn set_socket_descriptor_unconnected() {
    for bind in [false, true] {
        let own = unconnected(bind);
        let (number, own_port) = (own.as_raw_fd(), port(&own));
        let (state, mode) = (SocketState::Unconnected, OpenMode::READ_WRITE);
        let socket = QTcpSocket::new();
        let states = QSignalSpy::new(&socket.state_changed);
        socket.set_socket_descriptor_with_state(own, state, mode).unwrap();
        assert_eq!((states.count(), socket.state()), (0, SocketState::Unconnected));
        assert_eq!((socket.socket_descriptor(), socket.local_port()), (Some(number), own_port));
        settle();
        socket.connect_to_host(NO_HOST, 80);
        assert_eq!(socket.state(), SocketState::HostLookup);
        assert_eq!(socket.socket_descriptor(), Some(number));
        wait_until(|| socket.state() == SocketState::Unconnected);
        let own = unconnected(bind);
        let (number, own_port) = (own.as_raw_fd(), port(&own));
        socket.set_socket_descriptor_with_state(own, state, mode).unwrap();
        let listener = listener();
        socket.connect_to_host("localhost", port_of(&listener));
        assert_eq!(socket.socket_descriptor(), Some(number));
        wait_until(|| socket.state() == SocketState::Connected);
        assert_eq!(socket.socket_descriptor(), Some(number));
        assert_eq!((socket.read_channel_count(), socket.write_channel_count()), (1, 1));
        assert!(!bind || socket.local_port() == own_port);
    }
}

#[test]
fn bound_and_listening_ones() {
    for (listens, state) in [(false, SocketState::Bound), (true, SocketState::Listening)] {
        let own = bound();
        if listens {
            own.listen(5).unwrap();
        }
        let (number, own_port) = (own.as_raw_fd(), port(&own));
        let socket = QTcpSocket::new();
        let states = QSignalSpy::new(&socket.state_changed);
        socket.set_socket_descriptor_with_state(own, state, OpenMode::READ_ONLY).unwrap();
        assert_eq!(states.take(), [state]);
        assert_eq!((socket.local_port(), socket.open_mode()), (own_port, OpenMode::READ_ONLY));
        // A connection to the adopted descriptor does not affect the socket.
        let _client = TcpStream::connect(("127.0.0.1", own_port));
        settle();
        assert_eq!((socket.state(), socket.socket_descriptor()), (state, Some(number)));
        socket.disconnect_from_host();
        let ends = [SocketState::Closing, SocketState::Unconnected];
        assert_eq!(states.take(), ends);
        assert_eq!(socket.socket_descriptor(), None);
    }
}

#[test]
fn one_that_is_still_connecting() {
    let listener = listener();
    let own = bound();
    own.set_nonblocking(true).unwrap();
    let _ = own.connect(&listener.local_addr().unwrap().into());
    let socket = QTcpSocket::new();
    let connected = QSignalSpy::new(&socket.connected);
    let (state, mode) = (SocketState::Connecting, OpenMode::READ_WRITE);
    socket.set_socket_descriptor_with_state(own, state, mode).unwrap();
    socket.write("early").unwrap();
    wait_until(|| socket.state() == SocketState::Connected);
    assert_eq!((connected.count(), socket.peer_port()), (1, port_of(&listener)));
    let (mut stream, _) = listener.accept().unwrap();
    let mut early = [0; 5];
    wait_until(|| socket.bytes_to_write() == 0);
    stream.read_exact(&mut early).unwrap();
    assert_eq!(&early, b"early");
}

#[test]
fn in_place_of_another() {
    let (socket, mut old) = pair();
    old.write_all(b"old").unwrap();
    wait_until(|| socket.bytes_available() == 3);
    socket.write(vec![0; 20 << 20]).unwrap();
    let signals = (
        QSignalSpy::new(&socket.state_changed),
        QSignalSpy::new(&socket.disconnected),
        QSignalSpy::new(&socket.error_occurred),
    );
    // A descriptor that is not a socket changes nothing.
    socket.set_socket_descriptor(File::open("/dev/null").unwrap()).unwrap_err();
    assert_eq!((socket.state(), socket.bytes_available()), (SocketState::Connected, 3));
    assert!(socket.bytes_to_write() > 0);

    let (stream, mut new) = streams();
    socket.set_socket_descriptor(stream).unwrap();
    assert_eq!((socket.bytes_available(), socket.bytes_to_write()), (0, 0));
    new.write_all(b"new").unwrap();
    wait_until(|| socket.bytes_available() == 3);
    assert_eq!(socket.read_all(), b"new");
    // The old connection is closed, and the new one works.
    let _ = integration::read_to_end(&old);
    assert_eq!((signals.0.count(), signals.1.count(), signals.2.count()), (0, 0, 0));
}

#[test]
fn in_place_of_a_look_up_and_of_an_attempt() {
    let listener = listener();
    for name in [NO_HOST, "127.0.0.1"] {
        let socket = QTcpSocket::new();
        socket.connect_to_host(name, port_of(&listener));
        let (stream, mut other) = streams();
        socket.set_socket_descriptor(stream).unwrap();
        let states = QSignalSpy::new(&socket.state_changed);
        other.write_all(b"x").unwrap();
        wait_until(|| socket.bytes_available() == 1);
        integration::run_for(std::time::Duration::from_millis(30));
        assert_eq!((states.count(), socket.state()), (0, SocketState::Connected));
        assert_eq!(socket.peer_port(), other.local_addr().unwrap().port());
    }
}

#[test]
fn a_stream_of_another_family() {
    let (one, mut other) = UnixStream::pair().unwrap();
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(one).unwrap();
    assert_eq!((socket.local_address(), socket.local_port()), (QHostAddress::AnyIPv4, 0));
    assert_eq!((socket.peer_address(), socket.peer_port()), (QHostAddress::AnyIPv4, 0));
    other.write_all(b"hello").unwrap();
    wait_until(|| socket.bytes_available() == 5);
    socket.write("there").unwrap();
    socket.disconnect_from_host();
    wait_until(|| socket.state() == SocketState::Unconnected);
    let mut all = Vec::new();
    other.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"there");
}

#[test]
fn by_one_that_is_dead_or_dies_of_it() {
    if !in_child!("by_one_that_is_dead_or_dies_of_it", 100) {
        return;
    }
    let before = descriptors();
    let dead = QTcpSocket::new();
    dead.delete_later();
    settle();
    assert!(dead.is_deleted());
    let (stream, _other) = streams();
    assert_eq!(dead.set_socket_descriptor(stream).unwrap_err(), SocketErrorKind::Operation);

    let socket = QTcpSocket::new();
    socket.state_changed.connect_to(&socket, |socket, _| socket.abort());
    let (stream, other) = streams();
    socket.set_socket_descriptor(stream).unwrap();
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!(integration::read_to_end(&other), b"");
    drop((socket, other, _other));
    wait_until(|| descriptors() <= before + 3);
}

#[test]
fn a_listener_of_the_standard_library() {
    // Anything that owns a descriptor may be passed.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = QTcpSocket::new();
    let (state, mode) = (SocketState::Listening, OpenMode::READ_WRITE);
    socket.set_socket_descriptor_with_state(listener, state, mode).unwrap();
    assert!(socket.local_port() > 0);
}

/// Qt's `unexpectedDisconnection`: two sockets share one connection. The second one finds nothing
/// to read, and that is not the end of the stream.
#[test]
fn another_reads_what_came() {
    let (ours, mut theirs) = streams();
    let copy = ours.try_clone().unwrap();
    let sockets = [QTcpSocket::new(), QTcpSocket::new()];
    for (socket, stream) in sockets.iter().zip([ours, copy]) {
        socket.set_socket_descriptor(stream).unwrap();
    }
    let read = sockets.each_ref().map(|socket| QSignalSpy::new(&socket.ready_read));
    let ended = sockets.each_ref().map(|socket| QSignalSpy::new(&socket.disconnected));
    for round in 1..4 {
        theirs.write_all(b"x").unwrap();
        wait_until(|| sockets.iter().map(|socket| socket.bytes_available()).sum::<usize>() == 1);
        settle();
        assert_eq!(read.iter().map(QSignalSpy::count).sum::<usize>(), round);
        for (socket, ended) in sockets.iter().zip(&ended) {
            assert_eq!((socket.state(), ended.count()), (SocketState::Connected, 0));
            assert_eq!(socket.error(), SocketErrorKind::Unknown);
            let _ = socket.read_all();
        }
    }
    drop(theirs);
    wait_until(|| sockets.iter().all(|socket| socket.state() == SocketState::Unconnected));
    assert_eq!(ended.map(|ended| ended.count()), [1, 1]);
}
