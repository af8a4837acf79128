//! Adopting streams that are not sockets: pipes, FIFOs, terminals.

use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions},
    io::{PipeReader, PipeWriter, Read, Write, pipe},
    net::TcpStream,
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::PathBuf,
    process::Command,
    rc::Rc,
};

use integration::{LIMIT, listener, port_of, settle, wait_until};
use qcore::OpenMode;
use qnetwork::{
    LocalSocketState, NetworkLayerProtocol, QHostAddress, QLocalSocket, QSslSocket, QTcpSocket,
    QUdpSocket, SocketErrorKind, SocketOption, SocketState,
};
use socket2::{Domain, Socket, Type};

const READ_ONLY: OpenMode = OpenMode::READ_ONLY;
const WRITE_ONLY: OpenMode = OpenMode::WRITE_ONLY;

fn reading() -> (QTcpSocket, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor_with_state(reader, SocketState::Connected, READ_ONLY).unwrap();
    (socket, writer)
}

fn writing() -> (QTcpSocket, PipeReader) {
    let (reader, writer) = pipe().unwrap();
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor_with_state(writer, SocketState::Connected, WRITE_ONLY).unwrap();
    (socket, reader)
}

/// Records the signals of a socket, in order.
fn told(socket: &QTcpSocket) -> Rc<RefCell<Vec<String>>> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let note = |what: &'static str| {
        let told = told.clone();
        move || told.borrow_mut().push(what.to_owned())
    };
    let (about, finished) = (note("aboutToClose"), note("readChannelFinished"));
    let (ready, disconnected) = (note("readyRead"), note("disconnected"));
    socket.about_to_close.connect(move |()| about());
    socket.read_channel_finished.connect(move |()| finished());
    socket.ready_read.connect(move |()| ready());
    socket.disconnected.connect(move |()| disconnected());
    let told_state = told.clone();
    socket.state_changed.connect(move |state| told_state.borrow_mut().push(format!("{state:?}")));
    let told_error = told.clone();
    socket.error_occurred.connect(move |error| told_error.borrow_mut().push(format!("{error:?}")));
    told
}

/// The expected values are those of Qt 5.15.8 for a pipe.
#[test]
fn what_is_to_be_known_of_a_pipe() {
    let (reader, mut writer) = pipe().unwrap();
    let socket = QTcpSocket::new();
    let signals = told(&socket);
    socket.set_socket_descriptor(reader).unwrap();
    assert_eq!(signals.take(), ["Connected"]);
    assert!(socket.is_valid() && socket.is_open() && socket.socket_descriptor().is_some());
    assert_eq!(
        (socket.open_mode(), socket.error()),
        (OpenMode::READ_WRITE, SocketErrorKind::Unknown)
    );
    assert_eq!((socket.local_address(), socket.local_port()), (QHostAddress::Null, 0));
    assert_eq!((socket.peer_address(), socket.peer_port()), (QHostAddress::Null, 0));
    assert_eq!(socket.peer_name(), "");
    for option in [
        SocketOption::LowDelay,
        SocketOption::KeepAlive,
        SocketOption::SendBufferSize,
        SocketOption::ReceiveBufferSize,
    ] {
        socket.set_socket_option(option, 1);
        assert_eq!(socket.socket_option(option), None);
    }
    writer.write_all(b"hello").unwrap();
    wait_until(|| socket.bytes_available() == 5);
    assert_eq!(signals.take(), ["readyRead"]);
    assert_eq!(socket.read_all(), b"hello");
    // As in Qt, the data waits for room that never comes.
    assert_eq!(socket.write("x").unwrap(), 1);
    settle();
    assert_eq!((socket.bytes_to_write(), socket.state()), (1, SocketState::Connected));
    socket.abort();
    assert_eq!(
        signals.take(),
        ["aboutToClose", "Unconnected", "readChannelFinished", "disconnected"]
    );
    assert!(!socket.is_open());
    writer.write_all(b"x").unwrap_err();
}

/// Qt never reports the end of a pipe and loops for ever.
#[test]
fn the_end_of_a_pipe() {
    let ends =
        ["RemoteHostClosed", "Closing", "Unconnected", "readChannelFinished", "disconnected"];
    let (socket, mut writer) = reading();
    let signals = told(&socket);
    writer.write_all(b"last words").unwrap();
    drop(writer);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(signals.take(), [&["readyRead"][..], &ends].concat());
    assert_eq!(socket.read_all(), b"last words");
    assert_eq!(socket.error_string(), "The remote host closed the connection");

    // A pipe that ended before it was adopted.
    let (reader, _) = pipe().unwrap();
    let socket = QTcpSocket::new();
    let signals = told(&socket);
    socket.set_socket_descriptor(reader).unwrap();
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(signals.take(), [&["Connected"][..], &ends].concat());
}

#[test]
fn closing_the_end_that_reads() {
    let (socket, mut writer) = reading();
    let signals = told(&socket);
    writer.write_all(b"hello").unwrap();
    wait_until(|| socket.bytes_available() == 5);
    socket.write("no").unwrap_err();
    signals.take();
    socket.disconnect_from_host();
    assert_eq!(signals.take(), ["Closing", "Unconnected", "readChannelFinished", "disconnected"]);
    // The received data can still be read.
    assert_eq!(socket.read_all(), b"hello");
    let (socket, _writer) = reading();
    let signals = told(&socket);
    socket.close();
    assert_eq!(
        signals.take(),
        ["aboutToClose", "Closing", "Unconnected", "readChannelFinished", "disconnected"]
    );
}

/// More data than a pipe holds, in both directions, with the loop.
#[test]
fn much_goes_through_a_pipe() {
    let (reader, writer) = pipe().unwrap();
    let (from, to) = (QTcpSocket::new(), QTcpSocket::new());
    from.set_socket_descriptor_with_state(writer, SocketState::Connected, WRITE_ONLY).unwrap();
    to.set_socket_descriptor_with_state(reader, SocketState::Connected, READ_ONLY).unwrap();
    let data = integration::pattern(0, 3_000_000);
    let (head, tail) = data.split_at(1_234_567);
    let written = Rc::new(RefCell::new(0));
    let sum = written.clone();
    from.bytes_written.connect(move |count| *sum.borrow_mut() += count);
    from.write(head).unwrap();
    from.write_chunk(tail.to_vec()).unwrap();
    from.disconnect_from_host();
    assert_eq!(from.state(), SocketState::Closing);
    wait_until(|| to.state() == SocketState::Unconnected);
    assert!(to.read_all() == data);
    assert_eq!((*written.borrow(), from.state()), (3_000_000, SocketState::Unconnected));
    assert_eq!(from.error(), SocketErrorKind::Unknown);
}

/// A reader that goes away is an error, with or without data to write, and for every way of
/// waiting. SIGPIPE does not end the program.
#[test]
fn nobody_reads_any_more() {
    let ends = ["Network", "Closing", "Unconnected", "readChannelFinished", "disconnected"];
    let check = |socket: &QTcpSocket, signals: &RefCell<Vec<String>>| {
        assert_eq!(signals.take(), ends);
        assert_eq!(socket.error_string(), "Bad file descriptor");
        assert!(socket.is_open());
    };
    for writes in [false, true] {
        let (socket, reader) = writing();
        let signals = told(&socket);
        settle();
        drop(reader);
        if writes {
            socket.write("lost").unwrap();
        }
        wait_until(|| socket.state() == SocketState::Unconnected);
        check(&socket, &signals);
        socket.write("more").unwrap_err();
    }
    let (socket, reader) = writing();
    let signals = told(&socket);
    drop(reader);
    socket.write("lost").unwrap();
    let error = socket.wait_for_bytes_written(5000).unwrap_err();
    assert_eq!(error, SocketErrorKind::Network);
    check(&socket, &signals);
    // The reader goes away while much data is being written.
    let (socket, mut reader) = writing();
    let signals = told(&socket);
    socket.write(vec![7; 1 << 20]).unwrap();
    settle();
    reader.read_exact(&mut [0; 1000]).unwrap();
    drop(reader);
    wait_until(|| socket.state() == SocketState::Unconnected);
    check(&socket, &signals);
}

#[test]
fn waiting() {
    let (socket, mut writer) = reading();
    socket.wait_for_connected(0).unwrap();
    assert_eq!(socket.wait_for_ready_read(10).unwrap_err(), SocketErrorKind::SocketTimeout);
    writer.write_all(b"hello").unwrap();
    socket.wait_for_ready_read(LIMIT).unwrap();
    assert_eq!(socket.read_all(), b"hello");
    assert_eq!(socket.wait_for_disconnected(10).unwrap_err(), SocketErrorKind::SocketTimeout);
    assert_eq!(socket.state(), SocketState::Connected);
    drop(writer);
    socket.wait_for_disconnected(LIMIT).unwrap();
    assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);

    let (socket, reader) = writing();
    socket.write("hello").unwrap();
    socket.wait_for_bytes_written(LIMIT).unwrap();
    assert_eq!(socket.bytes_to_write(), 0);
    // This fills the pipe. The pipe takes no more data before the reader reads.
    socket.write(vec![0; 1 << 20]).unwrap();
    socket.wait_for_bytes_written(LIMIT).unwrap();
    let left = socket.bytes_to_write();
    assert!(left > 0 && left < 1 << 20);
    let error = socket.wait_for_bytes_written(10).unwrap_err();
    assert_eq!((error.kind(), socket.bytes_to_write()), (SocketErrorKind::SocketTimeout, left));
    drop(reader);
}

#[test]
fn with_limits_and_without_buffers() {
    let (reader, mut writer) = pipe().unwrap();
    let socket = QTcpSocket::new();
    socket.set_read_buffer_size(3);
    socket.set_socket_descriptor(reader).unwrap();
    writer.write_all(b"hello").unwrap();
    drop(writer);
    wait_until(|| socket.bytes_available() == 3);
    settle();
    assert_eq!((socket.bytes_available(), socket.state()), (3, SocketState::Connected));
    assert_eq!(socket.read_all(), b"hel");
    wait_until(|| socket.bytes_available() == 2);
    assert_eq!(socket.read_all(), b"lo");
    wait_until(|| socket.state() == SocketState::Unconnected);

    // A socket that was once unbuffered stays unbuffered.
    let (listener, socket) = (listener(), QTcpSocket::new());
    let mode = OpenMode::READ_WRITE | OpenMode::UNBUFFERED;
    let any = NetworkLayerProtocol::AnyIP;
    socket.connect_to_host_with_mode("127.0.0.1", port_of(&listener), mode, any);
    wait_until(|| socket.state() == SocketState::Connected);
    let (reader, mut writer) = pipe().unwrap();
    socket.set_socket_descriptor_with_state(reader, SocketState::Connected, mode).unwrap();
    let signals = told(&socket);
    settle();
    assert_eq!(signals.borrow().len(), 0);
    writer.write_all(b"hello").unwrap();
    wait_until(|| signals.borrow().len() == 1);
    assert_eq!((socket.bytes_available(), socket.read_all()), (5, b"hello".to_vec()));
    drop(writer);
    // The end counts as readable.
    wait_until(|| signals.borrow().len() == 2);
    assert_eq!(socket.read_all(), b"");
    assert_eq!(signals.take(), ["readyRead"; 2]);
    assert_eq!(socket.state(), SocketState::Unconnected);
}

/// A FIFO in a directory of its own, made with `mkfifo`. There is none if that tool is missing.
struct Fifo(PathBuf);

impl Fifo {
    fn new(name: &str) -> Option<Self> {
        let directory =
            std::env::temp_dir().join(format!("qnetwork-{}-{name}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let fifo = Fifo(directory.join("fifo"));
        match Command::new("mkfifo").arg(&fifo.0).status() {
            Ok(status) if status.success() => Some(fifo),
            _ => {
                println!("skipped: mkfifo is not installed");
                None
            }
        }
    }

    fn open(&self, options: &mut OpenOptions) -> File {
        const O_NONBLOCK: i32 = if cfg!(target_os = "linux") { 0o4000 } else { 4 };
        options.custom_flags(O_NONBLOCK).open(&self.0).unwrap()
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        let _ = self.0.parent().map(fs::remove_dir);
    }
}

#[test]
fn a_fifo() {
    let Some(fifo) = Fifo::new("reading") else { return };
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(fifo.open(OpenOptions::new().read(true))).unwrap();
    // Nobody has opened it for writing yet, but that is not the end.
    settle();
    assert_eq!(socket.state(), SocketState::Connected);
    let mut writer = fifo.open(OpenOptions::new().write(true));
    writer.write_all(b"hello").unwrap();
    wait_until(|| socket.bytes_available() == 5);
    assert_eq!((socket.state(), socket.read_all()), (SocketState::Connected, b"hello".to_vec()));
    drop(writer);
    wait_until(|| socket.state() == SocketState::Unconnected);

    // Data that was written before the loop ran is read at once.
    let mut writer = fifo.open(OpenOptions::new().read(true).write(true));
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(fifo.open(OpenOptions::new().read(true))).unwrap();
    for _ in 0..4 {
        writer.write_all(&[7; 32]).unwrap();
    }
    socket.wait_for_ready_read(5000).unwrap();
    assert_eq!(socket.bytes_available(), 128);
    assert_eq!(socket.read_all(), [7; 128]);
    drop((socket, writer));

    // The socket has both ends of the FIFO and receives its own data.
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(fifo.open(OpenOptions::new().read(true).write(true))).unwrap();
    socket.write("echo").unwrap();
    wait_until(|| socket.bytes_available() == 4);
    assert_eq!((socket.read_all(), socket.bytes_to_write()), (b"echo".to_vec(), 0));
}

#[test]
fn other_classes() {
    let (reader, mut writer) = pipe().unwrap();
    let local = QLocalSocket::new();
    local.set_socket_descriptor(reader).unwrap();
    assert_eq!((local.state(), local.is_open()), (LocalSocketState::Connected, true));
    writer.write_all(b"hello").unwrap();
    wait_until(|| local.bytes_available() == 5);
    assert_eq!(local.read_all(), b"hello");
    drop(writer);
    wait_until(|| local.state() == LocalSocketState::Unconnected);

    let (reader, mut writer) = pipe().unwrap();
    let ssl = QSslSocket::new();
    ssl.set_socket_descriptor(reader).unwrap();
    assert_eq!((ssl.state(), ssl.is_encrypted()), (SocketState::Connected, false));
    writer.write_all(b"plain").unwrap();
    wait_until(|| ssl.bytes_available() == 5);
    assert_eq!(ssl.read_all(), b"plain");
    drop(writer);
    wait_until(|| ssl.state() == SocketState::Unconnected);
}

/// A pair of datagram sockets, which have no addresses.
#[test]
fn datagrams_without_addresses() {
    let (one, other) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
    let socket = QUdpSocket::new();
    socket.set_socket_descriptor(one).unwrap();
    assert_eq!(socket.state(), SocketState::Connected);
    assert_eq!((socket.local_address(), socket.local_port()), (QHostAddress::AnyIPv4, 0));
    assert_eq!((socket.peer_address(), socket.peer_port()), (QHostAddress::AnyIPv4, 0));
    for data in [&b"hello"[..], b"world"] {
        other.send(data).unwrap();
    }
    wait_until(|| socket.has_pending_datagrams());
    assert_eq!(socket.pending_datagram_size(), Some(5));
    assert_eq!(socket.receive_datagram().unwrap().data(), b"hello");
    assert_eq!(socket.read_all(), b"world");
    assert_eq!(socket.write("there").unwrap(), 5);
    let mut data = [0; 10];
    assert_eq!((&other).read(&mut data).unwrap(), 5);
    let error = socket.write_datagram("x", QHostAddress::LocalHost, 7).unwrap_err();
    assert_eq!(error, SocketErrorKind::Network);
    assert_eq!(socket.state(), SocketState::Connected);
}

/// A descriptor from another thread's loop that has ended.
#[test]
fn a_connection_whose_loop_has_ended() {
    let listener = listener();
    let port = port_of(&listener);
    let (sender, receiver) = std::sync::mpsc::channel::<OwnedFd>();
    let thread = std::thread::spawn(move || {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let other = stream.try_clone().unwrap();
        let socket = QTcpSocket::new();
        socket.set_socket_descriptor(stream).unwrap();
        wait_until(|| socket.bytes_available() == 3);
        assert_eq!(socket.read_all(), b"one");
        // The socket dies with its thread, the connection with its last descriptor.
        sender.send(other.into()).unwrap();
    });
    let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(b"one").unwrap();
    let descriptor = receiver.recv().unwrap();
    thread.join().unwrap();
    stream.write_all(b"two").unwrap();
    let socket = QTcpSocket::new();
    socket.set_socket_descriptor(descriptor).unwrap();
    assert_eq!(socket.peer_port(), port);
    wait_until(|| socket.bytes_available() == 3);
    assert_eq!(socket.read_all(), b"two");
    socket.write("three").unwrap();
    socket.disconnect_from_host();
    let mut all = Vec::new();
    wait_until(|| socket.state() == SocketState::Unconnected);
    stream.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"three");
}
