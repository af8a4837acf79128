//! Adopting descriptors by local sockets and servers, their own descriptors, and running out of
//! descriptors.

use std::{
    fs,
    io::{Read, Write},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    process,
};

use integration::{
    descriptors, in_child,
    local::{Dir, accepted_by, connected_to, pair, server, states},
    settle, wait_until,
};
use qcore::OpenMode;
use qnetwork::{
    LocalSocketErrorKind, LocalSocketState, QLocalServer, QLocalSocket, SocketErrorKind,
};
use socket2::{Domain, Socket, Type};

#[test]
fn a_server_takes_descriptors_that_listen() {
    let dir = Dir::new();
    let server = QLocalServer::new();
    server.set_socket_descriptor(UnixListener::bind(dir.path("bound")).unwrap()).unwrap();
    assert_eq!(server.full_server_name(), dir.path("bound"));
    assert_eq!(server.server_name(), "bound");
    assert!(server.socket_descriptor().is_some());
    let (_client, _other) = pair(&server);
    let error =
        server.set_socket_descriptor(UnixListener::bind(dir.path("more")).unwrap()).unwrap_err();
    assert_eq!(error, SocketErrorKind::Operation);
    server.close();
    assert_eq!(dir.names(), ["more"]);

    // A socket of a pair has no name. That it does not listen shows only when data arrives.
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    server.set_socket_descriptor(ours).unwrap();
    assert_eq!([server.server_name(), server.full_server_name()], ["@", "@"]);
    theirs.write_all(b"x").unwrap();
    wait_until(|| !server.is_listening());
    assert!(server.error_string().starts_with("QLocalSocket::activated: "));

    for wrong in [
        OwnedFd::from(fs::File::open("/dev/null").unwrap()),
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().into(),
        Socket::new(Domain::UNIX, Type::DGRAM, None).unwrap().into(),
    ] {
        let error = server.set_socket_descriptor(wrong).unwrap_err();
        assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
        assert!(!server.is_listening());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_takes_an_abstract_name() {
    use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
    let name = format!("qlocal-{}", process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let server = QLocalServer::new();
    server.set_socket_descriptor(UnixListener::bind_addr(&address).unwrap()).unwrap();
    assert_eq!(server.full_server_name(), format!("@{name}"));
    assert_eq!(server.server_name(), format!("@{name}"));
    let mut client = UnixStream::connect_addr(&address).unwrap();
    let other = accepted_by(&server);
    client.write_all(b"x").unwrap();
    other.wait_for_ready_read(5000).unwrap();
    assert_eq!(other.read_all(), b"x");
}

#[test]
fn a_socket_takes_descriptors() {
    let socket = QLocalSocket::new();
    let states = states(&socket);
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mode = OpenMode::READ_ONLY;
    socket.set_socket_descriptor_with_state(ours, LocalSocketState::Connected, mode).unwrap();
    assert_eq!(socket.open_mode(), mode);
    assert!(socket.is_valid() && socket.socket_descriptor().is_some());
    theirs.write_all(b"hello").unwrap();
    socket.wait_for_ready_read(5000).unwrap();

    // Another descriptor replaces the first one, whose data is gone.
    let (ours, _theirs) = UnixStream::pair().unwrap();
    socket.set_socket_descriptor(ours).unwrap();
    assert_eq!(theirs.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(socket.bytes_available(), 0);
    assert!(states.borrow().is_empty(), "{states:?}");

    let wrong = fs::File::open("/dev/null").unwrap();
    let error = socket.set_socket_descriptor(wrong).unwrap_err();
    assert_eq!(error, LocalSocketErrorKind::UnsupportedSocketOperation);
    assert_eq!(socket.state(), LocalSocketState::Connected);
    assert!(socket.is_open());
}

#[test]
fn descriptors_are_closed_on_exec_and_given_back() {
    if !in_child!("descriptors_are_closed_on_exec_and_given_back", 256) {
        return;
    }
    let dir = Dir::new();
    let server = server(&dir);
    let _warm = pair(&server);
    let before = descriptors();
    {
        let (client, other) = pair(&server);
        for fd in
            [client.socket_descriptor(), other.socket_descriptor(), server.socket_descriptor()]
        {
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.unwrap())).unwrap();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
            let flags = i64::from_str_radix(flags.trim(), 8).unwrap();
            assert_ne!(flags & 0o2_000_000, 0, "{info}");
        }
        other.delete_later();
        settle();
        for _ in 0..10 {
            let failed = QLocalSocket::new();
            failed.connect_to_server(dir.path("nobody"));
        }
    }
    assert_eq!(descriptors(), before);
}

#[test]
fn without_descriptors() {
    if !in_child!("without_descriptors", 24) {
        return;
    }
    let dir = Dir::new();
    let server = server(&dir);
    let client = connected_to(&server);
    let mut kept = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        kept.push(file);
    }
    let other = QLocalSocket::new();
    other.connect_to_server(server.full_server_name());
    assert_eq!(other.error(), LocalSocketErrorKind::UnsupportedSocketOperation);
    let second = QLocalServer::new();
    assert_eq!(second.listen(dir.path("second")).unwrap_err(), SocketErrorKind::Unknown);

    // Without descriptors no client can be accepted. With descriptors it is.
    server.wait_for_new_connection(1000).unwrap_err();
    assert_eq!(server.error_string(), "QLocalSocket::activated: Unknown error 24");
    assert!(server.is_listening());
    kept.clear();
    wait_until(|| server.has_pending_connections());
    let accepted = server.next_pending_connection().unwrap();
    accepted.write("x").unwrap();
    wait_until(|| client.bytes_available() == 1);
}
