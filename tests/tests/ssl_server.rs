//! TLS servers.

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::TcpStream,
    rc::Rc,
    time::{Duration, Instant},
};

use integration::{
    run_for,
    tls::{certificates, client, count, identified, key, trusting},
    wait_until,
};
use qcore::{QCoreApplication, QObject};
use qnetwork::{
    PeerVerifyMode, QHostAddress, QSslServer, QSslSocket, SocketErrorKind, SocketState,
    SslErrorKind,
};

fn listening() -> QSslServer {
    let server = QSslServer::new();
    server.set_ssl_configuration(identified("good"));
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    server
}

fn taken(server: &QSslServer) -> QSslSocket {
    wait_until(|| server.has_pending_connections());
    server.next_pending_connection().unwrap().cast().unwrap()
}

#[test]
fn it_hands_out_what_is_encrypted() {
    let _app = QCoreApplication::new();
    let server = listening();
    let (started, told) =
        (count(&server.started_encryption_handshake), count(&server.new_connection));
    let client = client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_until(|| started.get() == 1);
    assert_eq!((told.get(), server.has_pending_connections()), (0, false));
    let other = taken(&server);
    assert!(other.is_encrypted());
    assert_eq!(told.get(), 1);
    let parent: &QObject = &server;
    assert_eq!(other.parent().as_ref(), Some(parent));
    other.write("hello").unwrap();
    wait_until(|| client.bytes_available() == 5);
    client.disconnect_from_host();
    wait_until(|| other.state() == SocketState::Unconnected);
    assert_eq!(server.ssl_configuration(), identified("good"));
}

#[test]
fn a_server_can_be_an_echo() {
    let _app = QCoreApplication::new();
    let server = listening();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).unwrap();
            });
            socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
        }
    });
    let clients: Vec<_> = (0..10).map(|_| client()).collect();
    for client in &clients {
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        client.write("early").unwrap();
    }
    wait_until(|| clients.iter().all(|client| client.bytes_available() == 5));
    drop(clients);
    wait_until(|| server.children().is_empty());
}

#[test]
fn a_handshake_that_takes_too_long() {
    let _app = QCoreApplication::new();
    let server = listening();
    assert_eq!(server.handshake_timeout(), Duration::from_secs(5));
    server.set_handshake_timeout(-1);
    assert_eq!(server.handshake_timeout(), Duration::from_secs(5));
    server.set_handshake_timeout(50);
    let told = Rc::new(RefCell::new(Vec::new()));
    server.error_occurred.connect_to(&told, |told, (socket, error)| {
        assert_eq!((socket.error(), socket.state()), (*error, SocketState::Connected));
        let (text, peer) = (socket.error_string(), (socket.peer_address(), socket.peer_port()));
        told.borrow_mut().push((*error, text, peer));
    });
    let began = Instant::now();
    let mut stalls = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    stalls.write_all(b"\x16\x03\x01").unwrap();
    wait_until(|| !told.borrow().is_empty());
    assert!(began.elapsed() >= Duration::from_millis(45));
    let peer = (QHostAddress::LocalHost, stalls.local_addr().unwrap().port());
    let text = "The TLS handshake took too long".to_owned();
    assert_eq!(*told.borrow(), [(SocketErrorKind::SocketTimeout, text, peer)]);
    // The client finds the end of the stream, or an error if the server reset the connection.
    assert!(matches!(stalls.read(&mut [0; 9]), Ok(0) | Err(_)));
    wait_until(|| server.children().is_empty());
    assert!(!server.has_pending_connections());
}

/// A slot may do anything to a socket whose handshake took too long, or to the server.
#[test]
fn slots_that_are_told_of_a_slow_handshake() {
    let _app = QCoreApplication::new();
    let acts: [fn(&QSslServer, &QSslSocket); 4] = [
        |_, socket| socket.abort(),
        |_, socket| socket.disconnect_from_host(),
        |server, _| server.close(),
        |_, _| run_for(Duration::from_millis(5)),
    ];
    for act in acts {
        let server = listening();
        server.set_handshake_timeout(20);
        let told = Rc::new(RefCell::new(0));
        let count = told.clone();
        server.error_occurred.connect_to(&server, move |server, (socket, _)| {
            *count.borrow_mut() += 1;
            act(server, socket);
        });
        let mut stalls = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
        wait_until(|| *told.borrow() == 1 && server.children().is_empty());
        assert!(matches!(stalls.read(&mut [0; 9]), Ok(0) | Err(_)));
        assert_eq!(*told.borrow(), 1);
    }
}

#[test]
fn a_handshake_that_fails() {
    let _app = QCoreApplication::new();
    let server = listening();
    let told = Rc::new(RefCell::new(Vec::new()));
    server.error_occurred.connect_to(&told, |told, (socket, error)| {
        assert_eq!(socket.error(), *error);
        assert_ne!(socket.error_string(), "Unknown error");
        assert_eq!(socket.peer_address(), QHostAddress::LocalHost);
        told.borrow_mut().push((socket.is_encrypted(), *error));
    });
    let mut other = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    other.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    wait_until(|| !told.borrow().is_empty());
    let gone = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    drop(gone);
    wait_until(|| told.borrow().len() == 2);
    let kinds = [SocketErrorKind::SslHandshakeFailed, SocketErrorKind::RemoteHostClosed];
    assert_eq!(*told.borrow(), kinds.map(|kind| (false, kind)));
    wait_until(|| server.children().is_empty());
}

#[test]
fn handshakes_count_as_pending_connections() {
    let _app = QCoreApplication::new();
    let server = listening();
    server.set_max_pending_connections(2);
    let started = count(&server.started_encryption_handshake);
    let stalls: Vec<_> =
        (0..4).map(|_| TcpStream::connect(("127.0.0.1", server.server_port())).unwrap()).collect();
    wait_until(|| started.get() == 2);
    run_for(Duration::from_millis(30));
    // The other connections stay in the backlog until one of the handshakes ends.
    assert_eq!(started.get(), 2);
    drop(stalls);
    wait_until(|| started.get() == 4);
    let client = client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    let _other = taken(&server);
}

#[test]
fn what_is_wrong_with_a_client() {
    let _app = QCoreApplication::new();
    let server = QSslServer::new();
    let mut configuration = identified("good");
    configuration.set_ca_certificates(certificates("ca"));
    configuration.set_peer_verify_mode(PeerVerifyMode::Verify);
    server.set_ssl_configuration(configuration);
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    for ignores in [true, false] {
        let each = Rc::new(RefCell::new(Vec::new()));
        let one_by_one = server.peer_verify_error.connect_to(&each, |each, (_, error)| {
            each.borrow_mut().push(error.error());
        });
        let all = server.ssl_errors.connect(move |(socket, errors)| {
            assert_eq!(errors.len(), 2);
            if ignores {
                socket.ignore_ssl_errors();
            }
        });
        let failed = count(&server.error_occurred);
        let client = QSslSocket::new();
        client.set_ssl_configuration(trusting("ca"));
        client.set_peer_verify_name("localhost");
        client.set_local_certificate_chain(certificates("selfsigned"));
        client.set_private_key(key("selfsigned"));
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        wait_until(|| server.has_pending_connections() || failed.get() > 0);
        assert_eq!(
            *each.borrow(),
            [SslErrorKind::SelfSignedCertificate, SslErrorKind::InvalidPurpose]
        );
        assert_eq!((server.has_pending_connections(), failed.get() == 0), (ignores, ignores));
        let _ = server.next_pending_connection();
        assert!(one_by_one.disconnect() && all.disconnect());
    }
}

#[test]
fn closing_ends_handshakes() {
    let _app = QCoreApplication::new();
    let server = listening();
    let started = count(&server.started_encryption_handshake);
    let mut stalls = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    wait_until(|| started.get() == 1);
    server.close();
    assert!(matches!(stalls.read(&mut [0; 9]), Ok(0) | Err(_)));
    wait_until(|| server.children().is_empty());

    let server = listening();
    let started = count(&server.started_encryption_handshake);
    let mut stalls = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    wait_until(|| started.get() == 1);
    drop(server);
    assert!(matches!(stalls.read(&mut [0; 9]), Ok(0) | Err(_)));
}

#[test]
fn a_slot_ends_the_server() {
    let _app = QCoreApplication::new();
    for at in 0..3 {
        let server = Rc::new(RefCell::new(Some(listening())));
        let handle = server.borrow().clone().unwrap();
        let end = {
            let server = server.clone();
            move || drop(server.borrow_mut().take())
        };
        match at {
            0 => handle.started_encryption_handshake.connect(move |_| end()),
            1 => handle.new_connection.connect(move |()| end()),
            _ => handle.error_occurred.connect(move |_| end()),
        };
        let port = handle.server_port();
        drop(handle);
        let client = client();
        let mut garbage = None;
        if at == 2 {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(b"garbage, and no greeting").unwrap();
            garbage = Some(stream);
        } else {
            client.connect_to_host_encrypted("127.0.0.1", port);
        }
        wait_until(|| server.borrow().is_none());
        drop(garbage);
        wait_until(|| client.state() == SocketState::Unconnected);
    }
}
