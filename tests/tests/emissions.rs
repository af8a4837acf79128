//! The functions that emit signals before they return, and what their documentation says about it.
//!
//! Each case calls one function in one state, outside of all event loops, and lists the signals
//! that the call emits. The documentation of each such function names these signals and says
//! "before it returns". No other function's documentation says that.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    net::TcpStream,
    os::unix::net::UnixStream,
    panic::Location,
    path::Path,
    rc::Rc,
};

use integration::{
    LIMIT, NO_HOST, connection, listener, pair, peer, port_of, server, settle, tls, wait_until,
};
use qcore::{OpenMode, QBuffer, QCoreApplication, QIODevice, QObject};
use qnetwork::{
    BindMode, DnsLookupType, NetworkLayerProtocol, QAbstractSocket, QDnsLookup, QHostAddress,
    QLocalServer, QLocalSocket, QNetworkDatagram, QSslSocket, QTcpServer, QTcpSocket, QUdpSocket,
    Reconnector, ReconnectorState, SocketState, SslProtocol, pipe::Pipe,
};

/// The signals that were emitted.
type Log = Rc<RefCell<Vec<&'static str>>>;

/// A function of `T`, its name, and what else belongs to it.
type Function<T, Rest = ()> = (&'static str, fn(&T), Rest);

/// Connects slots that log the names of these signals.
macro_rules! watch {
    ($object:expr, $($signal:ident)*) => {{
        let log = Log::default();
        $(
            $object.$signal.connect_to(&log, |log, _| log.borrow_mut().push(stringify!($signal)));
        )*
        log
    }};
}

/// The names of functions, and all signals that they have emitted.
#[derive(Default)]
struct Cases {
    table: BTreeMap<&'static str, BTreeSet<&'static str>>,
    differences: Vec<String>,
}

impl Cases {
    /// Calls a function of an object and compares what it emits.
    #[track_caller]
    fn add<T>(
        &mut self,
        function: &'static str,
        (object, log): (&T, &Log),
        expected: &str,
        call: impl FnOnce(&T),
    ) {
        log.take();
        call(object);
        let signals = log.take();
        let emitted = signals.join(" ");
        if emitted != expected {
            let line = Location::caller().line();
            self.differences.push(format!("line {line}: {function} emits {emitted:?}"));
        }
        self.table.entry(function).or_default().extend(signals);
    }
}

#[test]
fn signals_emitted_before_the_return() {
    let _app = QCoreApplication::new();
    let mut cases = Cases::default();
    objects(&mut cases);
    connecting(&mut cases);
    closing(&mut cases);
    moving_bytes(&mut cases);
    datagrams(&mut cases);
    encrypted(&mut cases);
    local(&mut cases);
    assert!(cases.differences.is_empty(), "{}", cases.differences.join("\n"));
    compare_with_documentation(&cases.table);
}

fn objects(cases: &mut Cases) {
    let object = QObject::new();
    let seen = (&object, &watch!(object, object_name_changed destroyed));
    cases.add("QObject::set_object_name", seen, "object_name_changed", |o| o.set_object_name("a"));
    cases.add("QObject::set_object_name", seen, "", |o| o.set_object_name("a"));
    cases.add("QObject::delete_later", seen, "", QObject::delete_later);

    let buffer = QBuffer::new();
    let seen = (&buffer, &watch!(buffer, about_to_close ready_read bytes_written));
    cases.add("QIODevice::open", seen, "", |b| b.open(OpenMode::READ_WRITE).unwrap());
    cases.add("QIODevice::write", seen, "", |b| _ = b.write("x").unwrap());
    cases.add("QIODevice::close", seen, "about_to_close", |b| b.close());
    cases.add("QIODevice::close", seen, "", |b| b.close());
    let device = QIODevice::without_backend();
    let seen = (&device, &watch!(device, about_to_close));
    device.open_device(OpenMode::READ_ONLY);
    cases.add("QIODevice::close_device", seen, "about_to_close", QIODevice::close_device);

    let dns = QDnsLookup::new();
    let seen = (&dns, &watch!(dns, name_changed type_changed nameserver_changed finished));
    cases.add("QDnsLookup::set_name", seen, "name_changed", |dns| dns.set_name("a name"));
    cases.add("QDnsLookup::set_type", seen, "type_changed", |dns| dns.set_type(DnsLookupType::MX));
    cases.add("QDnsLookup::set_nameserver", seen, "nameserver_changed", |dns| {
        dns.set_nameserver("127.0.0.1");
    });
    cases.add("QDnsLookup::set_nameserver_with_port", seen, "nameserver_changed", |dns| {
        dns.set_nameserver_with_port("127.0.0.1", 9);
    });
    cases.add("QDnsLookup::lookup", seen, "", QDnsLookup::lookup);
    cases.add("QDnsLookup::abort", seen, "finished", QDnsLookup::abort);
    cases.add("QDnsLookup::abort", seen, "", QDnsLookup::abort);

    let server = server();
    let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", server.server_port());
    let seen = (&link, &watch!(link, state_changed connecting connected waiting gave_up));
    cases.add("Reconnector::start", seen, "state_changed connecting", Reconnector::start);
    cases.add("Reconnector::stop", seen, "state_changed", Reconnector::stop);
    cases.add("Reconnector::retry_now", seen, "state_changed connecting", Reconnector::retry_now);
    cases.add("Reconnector::start", seen, "", Reconnector::start);
    wait_until(|| link.state() == ReconnectorState::Connected);
    cases.add("Reconnector::retry_now", seen, "", Reconnector::retry_now);
    cases.add("Reconnector::stop", seen, "state_changed", Reconnector::stop);
    cases.add("Reconnector::stop", seen, "", Reconnector::stop);

    let (from, to) = (QBuffer::new(), QBuffer::new());
    let pipe = qnetwork::pipe::pipe(&from, &to);
    let seen = (&pipe, &watch!(pipe, finished));
    cases.add("Pipe::stop", seen, "finished", Pipe::stop);
    cases.add("Pipe::stop", seen, "", Pipe::stop);

    let server = QTcpServer::new();
    let seen = (&server, &watch!(server, new_connection accept_error shutting_down));
    cases.add("QTcpServer::listen", seen, "", |s| s.listen(QHostAddress::LocalHost, 0).unwrap());
    cases.add("QTcpServer::pause_accepting", seen, "", QTcpServer::pause_accepting);
    let _client = connection(server.server_port());
    settle();
    cases.add("QTcpServer::resume_accepting", seen, "", QTcpServer::resume_accepting);
    cases.add("QTcpServer::wait_for_new_connection", seen, "new_connection", |server| {
        server.wait_for_new_connection(LIMIT).unwrap();
    });
    cases.add("QTcpServer::next_pending_connection", seen, "", |server| {
        assert!(server.next_pending_connection().is_some());
    });
    cases.add("QTcpServer::add_pending_connection", seen, "", |server| {
        server.add_pending_connection(QTcpSocket::new());
    });
    cases.add("QTcpServer::close", seen, "", QTcpServer::close);
    cases.add("QTcpServer::shutdown", seen, "shutting_down", |server| server.shutdown(0));
}

// ---- TCP sockets

const CONNECT: &str = "QAbstractSocket::connect_to_host";
const DISCONNECT: &str = "QAbstractSocket::disconnect_from_host";
const ABORT: &str = "QAbstractSocket::abort";
const CLOSE: &str = "QIODevice::close";
const WRITE: &str = "QIODevice::write";
const FLUSH: &str = "QAbstractSocket::flush";

fn watch_socket(socket: &QAbstractSocket) -> Log {
    watch!(socket, about_to_close ready_read bytes_written read_channel_finished host_found
        connected disconnected closed state_changed error_occurred)
}

fn new_socket() -> (QTcpSocket, Log) {
    let socket = QTcpSocket::new();
    let log = watch_socket(&socket);
    (socket, log)
}

fn connected_socket() -> (QTcpSocket, TcpStream, Log) {
    let (socket, peer) = pair();
    let log = watch_socket(&socket);
    (socket, peer, log)
}

fn connecting(cases: &mut Cases) {
    let listener = listener();
    let port = port_of(&listener);
    let (socket, log) = new_socket();
    let seen = (&socket, &log);
    cases.add(CONNECT, seen, "state_changed state_changed host_found", |socket| {
        socket.connect_to_host("127.0.0.1", port);
    });
    cases.add(CONNECT, seen, "error_occurred", |socket| socket.connect_to_host("127.0.0.1", port));
    let connected = "state_changed connected";
    cases.add("QAbstractSocket::wait_for_connected", seen, connected, |socket| {
        socket.wait_for_connected(LIMIT).unwrap();
    });
    let (socket, log) = new_socket();
    cases.add(CONNECT, (&socket, &log), "state_changed", |socket| {
        socket.connect_to_host(NO_HOST, port);
    });
    let (socket, log) = new_socket();
    let function = "QAbstractSocket::connect_to_host_with_mode";
    cases.add(function, (&socket, &log), "state_changed state_changed host_found", |socket| {
        let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::IPv4);
        socket.connect_to_host_with_mode("127.0.0.1", port, mode, protocol);
    });

    let (socket, log) = new_socket();
    let seen = (&socket, &log);
    cases.add("QAbstractSocket::bind", seen, "state_changed", |socket| {
        socket.bind(QHostAddress::LocalHost, 0).unwrap();
    });
    cases.add("QAbstractSocket::bind", seen, "error_occurred", |socket| {
        socket.bind(QHostAddress::LocalHost, 0).unwrap_err();
    });
    let (socket, log) = new_socket();
    let seen = (&socket, &log);
    for expected in ["state_changed", "error_occurred"] {
        cases.add("QAbstractSocket::bind_with_mode", seen, expected, |socket| {
            socket.bind_with_mode("127.0.0.1", 0, BindMode::DEFAULT_FOR_PLATFORM).ok();
        });
    }

    let (socket, log) = new_socket();
    let seen = (&socket, &log);
    for expected in ["state_changed", "closed"] {
        let stream = connection(port).unwrap();
        cases.add("QAbstractSocket::set_socket_descriptor", seen, expected, |socket| {
            socket.set_socket_descriptor(stream).unwrap();
        });
    }
    let stream = connection(port).unwrap();
    let (socket, log) = new_socket();
    let function = "QAbstractSocket::set_socket_descriptor_with_state";
    cases.add(function, (&socket, &log), "state_changed", |socket| {
        let (state, mode) = (SocketState::Connected, OpenMode::READ_WRITE);
        socket.set_socket_descriptor_with_state(stream, state, mode).unwrap();
    });
}

/// The functions that close, and what they emit: unconnected, bound, connecting, connected, with
/// unsent bytes, and with unsent bytes that the socket is sending before it closes.
const CLOSING: [Function<QTcpSocket, [&str; 6]>; 4] = [
    (
        DISCONNECT,
        |socket| socket.disconnect_from_host(),
        [
            "",
            "state_changed state_changed read_channel_finished disconnected",
            "",
            "state_changed state_changed read_channel_finished disconnected closed",
            "state_changed",
            "",
        ],
    ),
    (
        "QAbstractSocket::disconnect_from_host_with_timeout",
        |socket| socket.disconnect_from_host_with_timeout(LIMIT),
        [
            "",
            "state_changed state_changed read_channel_finished disconnected",
            "",
            "state_changed state_changed read_channel_finished disconnected closed",
            "state_changed",
            "",
        ],
    ),
    (
        ABORT,
        |socket| socket.abort(),
        [
            "",
            "state_changed read_channel_finished",
            "about_to_close state_changed read_channel_finished closed",
            "about_to_close state_changed read_channel_finished disconnected closed",
            "about_to_close state_changed read_channel_finished disconnected closed",
            "about_to_close state_changed read_channel_finished disconnected closed",
        ],
    ),
    (
        CLOSE,
        |socket| socket.close(),
        [
            "",
            "state_changed state_changed read_channel_finished disconnected",
            "about_to_close",
            "about_to_close state_changed state_changed read_channel_finished disconnected closed",
            "about_to_close state_changed",
            "about_to_close",
        ],
    ),
];

fn closing(cases: &mut Cases) {
    let listener = listener();
    for (function, close, [unconnected, bound, connecting, connected, unsent, closing]) in CLOSING {
        let (socket, log) = new_socket();
        cases.add(function, (&socket, &log), unconnected, close);
        socket.bind(QHostAddress::LocalHost, 0).unwrap();
        cases.add(function, (&socket, &log), bound, close);
        let (socket, log) = new_socket();
        socket.connect_to_host("127.0.0.1", port_of(&listener));
        cases.add(function, (&socket, &log), connecting, close);
        let (socket, _peer, log) = connected_socket();
        cases.add(function, (&socket, &log), connected, close);
        let (socket, _peer, log) = connected_socket();
        socket.write("x").unwrap();
        cases.add(function, (&socket, &log), unsent, close);
        let (socket, _peer, log) = connected_socket();
        socket.write("x").unwrap();
        socket.disconnect_from_host();
        cases.add(function, (&socket, &log), closing, close);
    }
}

fn moving_bytes(cases: &mut Cases) {
    let (socket, mut peer, log) = connected_socket();
    let seen = (&socket, &log);
    cases.add(WRITE, seen, "", |socket| _ = socket.write("x").unwrap());
    cases.add(FLUSH, seen, "bytes_written", |socket| assert!(socket.flush()));
    cases.add(FLUSH, seen, "", |socket| assert!(!socket.flush()));
    socket.write("x").unwrap();
    cases.add("QAbstractSocket::wait_for_bytes_written", seen, "bytes_written", |socket| {
        socket.wait_for_bytes_written(LIMIT).unwrap();
    });
    peer.write_all(b"12345").unwrap();
    cases.add("QAbstractSocket::wait_for_ready_read", seen, "ready_read", |socket| {
        socket.wait_for_ready_read(LIMIT).unwrap();
    });
    cases.add("QIODevice::read", seen, "", |socket| assert_eq!(socket.read(5), b"12345"));
    let function = "QAbstractSocket::set_read_buffer_size";
    cases.add(function, seen, "", |socket| socket.set_read_buffer_size(1));
    peer.write_all(b"12345").unwrap();
    wait_until(|| socket.bytes_available() == 1);
    cases.add(function, seen, "", |socket| socket.set_read_buffer_size(0));
    socket.write("x").unwrap();
    cases.add(DISCONNECT, seen, "state_changed", |socket| socket.disconnect_from_host());
    let sent = "bytes_written state_changed read_channel_finished disconnected closed";
    cases.add(FLUSH, seen, sent, |socket| assert!(socket.flush()));

    let (socket, _peer, log) = connected_socket();
    socket.write("x").unwrap();
    socket.disconnect_from_host();
    cases.add("QAbstractSocket::wait_for_disconnected", (&socket, &log), sent, |socket| {
        socket.wait_for_disconnected(LIMIT).unwrap();
    });

    let server = server();
    let (socket, log) = new_socket();
    let (mode, protocol) =
        (OpenMode::READ_WRITE | OpenMode::UNBUFFERED, NetworkLayerProtocol::AnyIP);
    socket.connect_to_host_with_mode("127.0.0.1", server.server_port(), mode, protocol);
    socket.wait_for_connected(LIMIT).unwrap();
    cases.add(WRITE, (&socket, &log), "", |socket| _ = socket.write("x").unwrap());
}

// ---- other sockets

fn datagrams(cases: &mut Cases) {
    let new_socket = || {
        let socket = QUdpSocket::new();
        let log = watch_socket(&socket);
        (socket, log)
    };
    let (other, log) = new_socket();
    other.bind(QHostAddress::LocalHost, 0).unwrap();
    let port = other.local_port();
    let received = (&other, &log);

    let (socket, log) = new_socket();
    let seen = (&socket, &log);
    let function = "QUdpSocket::write_datagram";
    for expected in ["state_changed bytes_written", "bytes_written"] {
        cases.add(function, seen, expected, |socket| {
            socket.write_datagram("x", QHostAddress::LocalHost, port).unwrap();
        });
    }
    cases.add(function, seen, "error_occurred", |socket| {
        socket.write_datagram(vec![0; 100_000], QHostAddress::LocalHost, port).unwrap_err();
    });
    let datagram = QNetworkDatagram::new("x", QHostAddress::LocalHost, port);
    let too_large = QNetworkDatagram::new(vec![0; 100_000], QHostAddress::LocalHost, port);
    for (datagram, outcome) in [(&datagram, "bytes_written"), (&too_large, "error_occurred")] {
        let (socket, log) = new_socket();
        let expected = format!("state_changed {outcome}");
        cases.add("QUdpSocket::write_network_datagram", (&socket, &log), &expected, |socket| {
            socket.write_network_datagram(datagram).ok();
        });
    }
    let (socket, log) = new_socket();
    let expected = "state_changed bytes_written bytes_written error_occurred";
    cases.add("QUdpSocket::write_datagrams", (&socket, &log), expected, |socket| {
        let datagrams = [datagram.clone(), datagram.clone(), too_large.clone()];
        assert_eq!(socket.write_datagrams(&datagrams).unwrap(), 2);
    });

    wait_until(|| other.has_pending_datagrams());
    cases.add("QUdpSocket::receive_datagram", received, "", |socket| _ = socket.receive_datagram());
    cases.add("QUdpSocket::receive_datagrams", received, "", |socket| {
        assert!(!socket.receive_datagrams(10).is_empty());
    });

    let (socket, log) = new_socket();
    let seen = (&socket, &log);
    let expected = "state_changed state_changed host_found state_changed connected";
    cases.add(CONNECT, seen, expected, |socket| socket.connect_to_host("127.0.0.1", port));
    cases.add(WRITE, seen, "bytes_written", |socket| _ = socket.write("x").unwrap());
    cases.add("QIODevice::write_chunk", seen, "bytes_written", |socket| {
        socket.write_chunk(b"x".to_vec()).unwrap();
    });
    cases.add("QIODevice::put_char", seen, "bytes_written", |socket| socket.put_char(7).unwrap());
    let expected = "about_to_close state_changed read_channel_finished disconnected closed";
    cases.add(ABORT, seen, expected, |socket| socket.abort());
}

fn encrypted(cases: &mut Cases) {
    let server = tls::encrypting("good");
    let port = server.server_port();
    let watch = |socket: &QSslSocket| {
        watch!(socket, about_to_close ready_read bytes_written read_channel_finished host_found
            connected disconnected closed state_changed error_occurred mode_changed encrypted
            encrypted_bytes_written)
    };
    let new_socket = || {
        let socket = tls::client();
        let log = watch(&socket);
        (socket, log)
    };
    let encrypted_socket = || {
        let (socket, server) = (tls::client(), tls::encrypting("good"));
        let other = tls::encrypt(&socket, &server).with_parent(&socket);
        let log = watch(&socket);
        (socket, other, log)
    };
    let connecting = "state_changed state_changed host_found";
    let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::AnyIP);
    type Call<'a> = &'a dyn Fn(&QSslSocket);
    let functions: [(_, Call<'_>); 3] = [
        ("QSslSocket::connect_to_host_encrypted", &|socket| {
            socket.connect_to_host_encrypted("127.0.0.1", port);
        }),
        ("QSslSocket::connect_to_host_encrypted_with_mode", &|socket| {
            socket.connect_to_host_encrypted_with_mode("127.0.0.1", port, mode, protocol);
        }),
        ("QSslSocket::connect_to_host_encrypted_with_peer_name", &|socket| {
            let (host, name) = ("127.0.0.1", "a name");
            socket.connect_to_host_encrypted_with_peer_name(host, port, name, mode, protocol);
        }),
    ];
    for (function, call) in functions {
        let (socket, log) = new_socket();
        cases.add(function, (&socket, &log), connecting, call);
        let (socket, log) = new_socket();
        socket.set_protocol(SslProtocol::TlsV1_0);
        cases.add(function, (&socket, &log), "error_occurred closed", call);
    }
    let functions: [Function<QSslSocket>; 2] = [
        ("QSslSocket::start_client_encryption", QSslSocket::start_client_encryption, ()),
        ("QSslSocket::start_server_encryption", QSslSocket::start_server_encryption, ()),
    ];
    for (function, call, ()) in functions {
        for (protocol, expected) in
            [(SslProtocol::Secure, "mode_changed"), (SslProtocol::TlsV1_0, "error_occurred")]
        {
            let (socket, log) = new_socket();
            socket.set_ssl_configuration(tls::identified("good"));
            socket.set_protocol(protocol);
            cases.add(CONNECT, (&socket, &log), connecting, |socket| {
                socket.connect_to_host("127.0.0.1", port);
            });
            socket.wait_for_connected(LIMIT).unwrap();
            cases.add(function, (&socket, &log), expected, call);
        }
    }
    let (port, thread) = peer(|stream| {
        let socket = QSslSocket::new();
        socket.set_ssl_configuration(tls::identified("good"));
        socket.set_socket_descriptor(stream).unwrap();
        socket.start_server_encryption();
        socket.wait_for_encrypted(LIMIT).unwrap();
        socket.wait_for_disconnected(LIMIT).unwrap();
    });
    let (socket, log) = new_socket();
    socket.connect_to_host_encrypted("127.0.0.1", port);
    // How often the socket sends depends on how the handshake's bytes arrive.
    socket.encrypted_bytes_written.disconnect_all();
    let expected = "state_changed mode_changed connected encrypted";
    cases.add("QSslSocket::wait_for_encrypted", (&socket, &log), expected, |socket| {
        socket.wait_for_encrypted(LIMIT).unwrap();
    });
    socket.close();
    thread.join().unwrap();

    let (socket, _other, log) = encrypted_socket();
    let seen = (&socket, &log);
    cases.add(WRITE, seen, "", |socket| _ = socket.write("x").unwrap());
    let sent = "bytes_written encrypted_bytes_written";
    cases.add(FLUSH, seen, sent, |socket| assert!(socket.flush()));
    let function = "QAbstractSocket::set_read_buffer_size";
    cases.add(function, seen, "", |socket| socket.set_read_buffer_size(1));
    cases.add(function, seen, "", |socket| socket.set_read_buffer_size(0));

    let close =
        "state_changed state_changed read_channel_finished disconnected about_to_close closed";
    for (function, call, empty, unsent) in [
        (DISCONNECT, CLOSING[0].1, "state_changed state_changed", "state_changed"),
        (ABORT, CLOSING[2].1, &close[14..], &close[14..]),
        (CLOSE, CLOSING[3].1, close, &format!("{sent} {close}")),
    ] {
        let (socket, _other, log) = encrypted_socket();
        cases.add(function, (&socket, &log), empty, |socket| call(socket));
        let (socket, _other, log) = encrypted_socket();
        socket.write("x").unwrap();
        cases.add(function, (&socket, &log), unsent, |socket| call(socket));
    }
}

fn local(cases: &mut Cases) {
    let server = QLocalServer::new();
    server.listen(format!("qnetwork-emissions-{}", std::process::id())).unwrap();
    let name = server.full_server_name();
    let new_socket = || {
        let socket = QLocalSocket::new();
        let log = watch!(socket, about_to_close ready_read bytes_written read_channel_finished
            connected disconnected closed state_changed error_occurred);
        (socket, log)
    };
    let connected_socket = || {
        let (socket, log) = new_socket();
        socket.connect_to_server(&name);
        (socket, log)
    };
    let connected = "state_changed state_changed connected";
    let failed = "state_changed error_occurred state_changed closed";
    let (socket, log) = new_socket();
    let function = "QLocalSocket::connect_to_server";
    cases.add(function, (&socket, &log), connected, |socket| socket.connect_to_server(&name));
    cases.add(function, (&socket, &log), "error_occurred", |socket| {
        socket.connect_to_server(&name);
    });
    for (name, expected) in [(&*name, connected), ("/no such server", failed)] {
        let (socket, log) = new_socket();
        let function = "QLocalSocket::connect_to_server_with_mode";
        cases.add(function, (&socket, &log), expected, |socket| {
            socket.connect_to_server_with_mode(name, OpenMode::READ_WRITE);
        });
        let (socket, log) = new_socket();
        socket.set_server_name(name);
        cases.add("QIODevice::open", (&socket, &log), expected, |socket| {
            socket.open(OpenMode::READ_WRITE).ok();
        });
    }
    let (socket, log) = new_socket();
    let (stream, mut other) = UnixStream::pair().unwrap();
    let seen = (&socket, &log);
    cases.add("QLocalSocket::set_socket_descriptor", seen, "", |socket| {
        socket.set_socket_descriptor(stream).unwrap();
    });
    other.write_all(b"x").unwrap();
    cases.add("QLocalSocket::wait_for_ready_read", seen, "ready_read", |socket| {
        socket.wait_for_ready_read(LIMIT).unwrap();
    });
    cases.add(WRITE, seen, "", |socket| _ = socket.write("x").unwrap());
    cases.add("QLocalSocket::flush", seen, "bytes_written", |socket| assert!(socket.flush()));
    socket.write("x").unwrap();
    cases.add("QLocalSocket::wait_for_bytes_written", seen, "bytes_written", |socket| {
        socket.wait_for_bytes_written(LIMIT).unwrap();
    });
    socket.write("x").unwrap();
    let function = "QLocalSocket::disconnect_from_server";
    cases.add(function, seen, "state_changed", QLocalSocket::disconnect_from_server);
    let expected = "bytes_written state_changed read_channel_finished disconnected closed";
    cases.add("QLocalSocket::wait_for_disconnected", seen, expected, |socket| {
        socket.wait_for_disconnected(LIMIT).unwrap();
    });

    let close = "state_changed state_changed read_channel_finished disconnected";
    let expected = format!("{close} closed");
    let (socket, log) = connected_socket();
    cases.add(function, (&socket, &log), &expected, QLocalSocket::disconnect_from_server);
    let (socket, log) = connected_socket();
    let function = "QLocalSocket::disconnect_from_server_with_timeout";
    cases.add(function, (&socket, &log), &expected, |socket| {
        socket.disconnect_from_server_with_timeout(LIMIT);
    });
    let (socket, log) = connected_socket();
    let expected = "about_to_close state_changed read_channel_finished disconnected closed";
    cases.add("QLocalSocket::abort", (&socket, &log), expected, QLocalSocket::abort);
    let (socket, log) = connected_socket();
    let expected = format!("about_to_close {close} about_to_close closed");
    cases.add(CLOSE, (&socket, &log), &expected, |socket| socket.close());

    let log = watch!(server, new_connection shutting_down);
    let _socket = connected_socket();
    let function = "QLocalServer::wait_for_new_connection";
    cases.add(function, (&server, &log), "new_connection", |server| {
        server.wait_for_new_connection(LIMIT).unwrap();
    });
    let _taken = server.next_pending_connection();
    cases.add("QLocalServer::close", (&server, &log), "", QLocalServer::close);
    let function = "QLocalServer::shutdown";
    cases.add(function, (&server, &log), "shutting_down", |server| server.shutdown(0));
}

// ---- the documentation

const PHRASE: &str = "before it returns";

/// Setters that act on the whole process. Their own tests call them, in a process of their own.
const OF_THE_PROCESS: [&str; 4] = [
    "QCoreApplication::set_application_name",
    "QCoreApplication::set_application_version",
    "QCoreApplication::set_organization_name",
    "QCoreApplication::set_organization_domain",
];

fn compare_with_documentation(table: &BTreeMap<&str, BTreeSet<&str>>) {
    let mut documented = BTreeMap::new();
    for name in ["qcore", "qnetwork"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(name).join("src");
        read_documentation(&folder, &mut documented);
    }
    let mut differences = Vec::new();
    for (function, signals) in table.iter().filter(|(_, signals)| !signals.is_empty()) {
        let text = documented.remove(*function).unwrap_or_default();
        if !text.contains(PHRASE) {
            differences.push(format!("{function} does not say {PHRASE:?}"));
        }
        if text.contains("emits the signals of the socket") {
            continue;
        }
        for signal in signals.iter().filter(|signal| !text.contains(&format!("`{signal}`"))) {
            differences.push(format!("{function} does not name {signal}"));
        }
    }
    for (function, text) in documented {
        // A case for each function that waits would show nothing new.
        let is_known = OF_THE_PROCESS.contains(&&*function) || function.contains("::wait_for_");
        if text.contains(PHRASE) && !is_known {
            differences.push(format!("{function} says {PHRASE:?}, and no case shows it"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Reads the documentation of all public functions below a folder, each as one line of text.
fn read_documentation(folder: &Path, documented: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_documentation(&path, documented);
            continue;
        }
        let (mut class, mut text) = (String::new(), String::new());
        for line in fs::read_to_string(&path).unwrap().lines() {
            let words = line.trim();
            if let Some(name) = line.strip_prefix("impl ").and_then(|rest| rest.strip_suffix(" {"))
            {
                name.clone_into(&mut class);
            } else if let Some(comment) = words.strip_prefix("///") {
                text += comment;
            } else if let Some(function) = words.strip_prefix("pub fn ") {
                let name = function.split(['(', '<']).next().unwrap();
                documented.insert(format!("{class}::{name}"), std::mem::take(&mut text));
            } else if !words.starts_with("#[") {
                text.clear();
            }
        }
    }
}
