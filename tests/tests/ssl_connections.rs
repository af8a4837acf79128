//! Encrypted connections with errors, and in unusual ways.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    panic::AssertUnwindSafe,
    rc::Rc,
    time::Duration,
};

use integration::{
    in_child, listener, pattern, peer, port_of, run_for, server,
    tls::{
        Wire, accepted, accepting, certificates, client, count, encrypt, encrypting, identified,
        trusting, wires_of,
    },
    wait_at_most, wait_until,
};
use qcore::{QCoreApplication, QPointer, object::Object};
use qnetwork::{
    PauseModes, ProxyType, QNetworkProxy, QSslConfiguration, QSslSocket, SocketErrorKind,
    SocketOption, SocketState, SslMode, SslOptions, SslProtocol,
};

/// Plays a SOCKS5 proxy for one connection, which knows one host.
fn proxy(target: u16) -> u16 {
    let (port, _) = peer(move |mut client| {
        client.read_exact(&mut [0; 3]).unwrap();
        client.write_all(b"\x05\x00").unwrap();
        let mut head = [0; 5];
        client.read_exact(&mut head).unwrap();
        assert_eq!(head[..4], [5, 1, 0, 3], "a connection to a name");
        let mut name = vec![0; usize::from(head[4]) + 2];
        client.read_exact(&mut name).unwrap();
        assert_eq!(&name[..name.len() - 2], b"localhost");
        client.write_all(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00").unwrap();
        let host = TcpStream::connect(("127.0.0.1", target)).unwrap();
        let (mut from, mut to) = (host.try_clone().unwrap(), client.try_clone().unwrap());
        let back = std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let _ = std::io::copy(&mut client, &mut &host);
        let _ = host.shutdown(Shutdown::Write);
        back.join().unwrap();
    });
    port
}

#[test]
fn through_a_proxy() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = QSslSocket::new();
    client.set_ssl_configuration(trusting("ca"));
    client.set_proxy(QNetworkProxy::new(
        ProxyType::Socks5,
        "127.0.0.1",
        proxy(server.server_port()),
    ));
    // The host name is verified, although only the proxy has looked it up.
    client.connect_to_host_encrypted("localhost", server.server_port());
    client.write("by a proxy").unwrap();
    let other = accepted(&server);
    wait_until(|| other.bytes_available() == 10);
    assert!(client.ssl_handshake_errors().is_empty());
    let data = pattern(0, 300_000);
    other.write(&data).unwrap();
    wait_until(|| client.bytes_available() == data.len());
    assert!(client.read_all() == data);
    client.disconnect_from_host();
    wait_until(|| other.state() == SocketState::Unconnected);
}

#[test]
fn records_of_odd_sizes_arrive() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    let mut sent = 0;
    for size in [1, 2, 3, 5, 17, 255, 256, 4095, 4096, 4097, 16_383, 16_384, 16_385, 99_999] {
        let data = pattern(sent, size);
        sent += size;
        client.write(&data).unwrap();
        client.flush();
        wait_until(|| other.bytes_available() == size);
        assert!(other.read_all() == data, "{size}");
    }
}

#[test]
fn who_stalls_or_floods_in_a_handshake_is_not_held_much() {
    let _app = QCoreApplication::new();
    let server = accepting(|socket| {
        socket.set_ssl_configuration(identified("good"));
        socket.start_server_encryption();
    });
    // A first message without an end, in pieces of every size.
    let mut stream = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    let other = accepted(&server);
    stream.write_all(&[22, 3, 1, 0x3f, 0xff, 1, 0xff, 0xff, 0xff]).unwrap();
    for size in 1..200 {
        if stream.write_all(&vec![0; size]).is_err() {
            break;
        }
        run_for(Duration::from_millis(0));
        assert!(other.encrypted_bytes_available() <= 128 * 1024);
    }
    assert!(!other.is_encrypted());
    drop(stream);
    wait_until(|| other.state() == SocketState::Unconnected);

    // Writes as much data as the connection takes.
    let mut stream = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    let other = accepted(&server);
    let flood = std::thread::spawn(move || {
        let mut record = vec![22, 3, 3, 0x3f, 0xff];
        record.resize(5 + 0x3fff, 1);
        while stream.write_all(&record).is_ok() {}
    });
    wait_until(|| {
        assert!(other.encrypted_bytes_available() <= 128 * 1024);
        other.state() == SocketState::Unconnected
    });
    assert_eq!(other.error(), SocketErrorKind::SslHandshakeFailed);
    flood.join().unwrap();
}

#[test]
fn a_server_that_does_not_answer() {
    let _app = QCoreApplication::new();
    let listener = listener();
    let client = client();
    client.connect_to_host_encrypted("127.0.0.1", port_of(&listener));
    client.write("waits").unwrap();
    assert_eq!(client.wait_for_encrypted(50).unwrap_err(), SocketErrorKind::SocketTimeout);
    assert_eq!((client.state(), client.mode()), (SocketState::Connected, SslMode::Client));
    // As in Qt, closing waits for the handshake; abort() ends it.
    client.disconnect_from_host();
    client.abort();
    assert_eq!(client.state(), SocketState::Unconnected);
}

#[test]
fn sessions_are_resumed_by_sockets_of_one_configuration() {
    let _app = QCoreApplication::new();
    for (options, resumes) in
        [(SslOptions::empty(), true), (SslOptions::DISABLE_SESSION_SHARING, false)]
    {
        let mut of_server = identified("good");
        of_server.set_ssl_option(options, true);
        let server = accepting(move |socket| {
            socket.set_ssl_configuration(of_server.clone());
            socket.encrypted.connect_to(socket, |socket, ()| {
                socket.write("tickets go along with this").unwrap();
            });
            socket.start_server_encryption();
        });
        let mut configuration = trusting("ca");
        configuration.set_ssl_option(SslOptions::DISABLE_SESSION_PERSISTENCE, false);
        let mut tickets = 0;
        for attempt in 0..2 {
            let client = QSslSocket::new();
            client.set_ssl_configuration(configuration.clone());
            client.set_peer_verify_name("localhost");
            let told = count(&client.new_session_ticket_received);
            let verified = count(&client.peer_verify_error);
            let _other = encrypt(&client, &server);
            wait_until(|| client.bytes_available() > 0);
            tickets += told.get();
            // Resumed or not, the session knows the peer's certificate.
            assert!(!client.peer_certificate().is_null(), "{attempt}");
            assert_eq!(verified.get(), 0);
            client.disconnect_from_host();
        }
        // Two tickets for each connection, and each is reported.
        assert_eq!(tickets, if resumes { 4 } else { 0 });
    }
}

/// As in Qt, a program that does not keep sessions gets no signal about them.
#[test]
fn tickets_are_told_if_sessions_may_be_kept() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    for (is_off, expected) in [(true, 0), (false, 2)] {
        let mut configuration = trusting("ca");
        assert!(configuration.test_ssl_option(SslOptions::DISABLE_SESSION_PERSISTENCE));
        configuration.set_ssl_option(SslOptions::DISABLE_SESSION_PERSISTENCE, is_off);
        let client = QSslSocket::new();
        client.set_ssl_configuration(configuration);
        client.set_peer_verify_name("localhost");
        let told = count(&client.new_session_ticket_received);
        let other = encrypt(&client, &server);
        other.write("tickets go along with this").unwrap();
        wait_until(|| client.bytes_available() > 0);
        assert_eq!(told.get(), expected);
    }
}

/// A slot may end the connection at its first ticket. It gets no further ticket then.
#[test]
fn a_connection_may_end_with_its_first_ticket() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let mut configuration = trusting("ca");
    configuration.set_ssl_option(SslOptions::DISABLE_SESSION_PERSISTENCE, false);
    let client = QSslSocket::new();
    client.set_ssl_configuration(configuration);
    client.set_peer_verify_name("localhost");
    let told = count(&client.new_session_ticket_received);
    client.new_session_ticket_received.connect_to(&client, |client, ()| client.abort());
    let other = encrypt(&client, &server);
    other.write("tickets go along with this").unwrap();
    wait_until(|| client.state() == SocketState::Unconnected);
    assert_eq!(told.get(), 1);
}

/// An end that refuses a handshake sends the reason before the connection ends.
#[test]
fn refusals_are_explained() {
    let _app = QCoreApplication::new();
    type Change = fn(&mut QSslConfiguration);
    let cases: [(Change, Change, &str, &str); 3] = [
        (
            |client| client.set_protocol(SslProtocol::TlsV1_2),
            |server| server.set_protocol(SslProtocol::TlsV1_3),
            "alert protocol_version: it speaks no version",
            "no version of TLS in common",
        ),
        (
            |client| client.set_allowed_next_protocols(["h2"]),
            |server| server.set_allowed_next_protocols(["http/1.1"]),
            "alert no_application_protocol: it allows no protocol (ALPN)",
            "no protocol (ALPN)",
        ),
        (
            |_| (),
            |server| server.set_local_certificate_chain(Vec::<qnetwork::QSslCertificate>::new()),
            "alert access_denied",
            "no server certificate",
        ),
    ];
    for (of_client, of_server, text, other_text) in cases {
        let mut configuration = identified("good");
        of_server(&mut configuration);
        let server = accepting(move |socket| {
            socket.set_ssl_configuration(configuration.clone());
            socket.start_server_encryption();
        });
        let mut configuration = trusting("ca");
        of_client(&mut configuration);
        let client = QSslSocket::new();
        client.set_ssl_configuration(configuration);
        let errors = Rc::new(RefCell::new(Vec::new()));
        client.error_occurred.connect_to(&client, {
            let errors = errors.clone();
            move |client, error| errors.borrow_mut().push((*error, client.error_string()))
        });
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        let other = accepted(&server);
        wait_until(|| client.state() == SocketState::Unconnected);
        wait_until(|| other.state() == SocketState::Unconnected);
        let errors = errors.borrow();
        assert_eq!((errors.len(), errors[0].0), (1, SocketErrorKind::SslHandshakeFailed));
        assert!(errors[0].1.contains(text), "{}", errors[0].1);
        assert!(other.error_string().contains(other_text), "{}", other.error_string());
    }
}

/// The system resets a connection that is closed with unread data, and drops data that it has not
/// sent yet. A server's tickets must not cost a client the end of its data.
#[test]
fn all_that_was_written_before_closing_arrives() {
    let _app = QCoreApplication::new();
    for early in [false, true] {
        let server = encrypting("good");
        let client = client();
        let other = encrypt(&client, &server);
        // Data that does not fit into the peer's buffer stays in the client's system.
        client.set_socket_option(SocketOption::SendBufferSize, 100_000);
        other.set_socket_option(SocketOption::ReceiveBufferSize, 60_000);
        let data = pattern(0, if early { 500_000 } else { 150_000 });
        if early {
            // The client cannot close yet when the tickets arrive.
            other.set_read_buffer_size(1);
        }
        client.write(&data).unwrap();
        client.disconnect_from_host();
        if early {
            run_for(Duration::from_millis(20));
            assert_eq!(client.state(), SocketState::Closing);
            other.flush();
            other.set_read_buffer_size(0);
        }
        let mut read = Vec::new();
        wait_until(|| {
            read.extend(other.read_all());
            other.state() == SocketState::Unconnected
        });
        read.extend(other.read_all());
        assert_eq!(read.len(), data.len(), "tickets before the end: {early}");
        assert!(read == data);
        assert_eq!(client.state(), SocketState::Unconnected);
    }
}

#[test]
fn a_resumed_session_is_verified_anew() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let configuration = trusting("ca");
    for (name, good) in [("localhost", true), ("localhost", true), ("other.example", false)] {
        let client = QSslSocket::new();
        client.set_ssl_configuration(configuration.clone());
        client.set_peer_verify_name(name);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        let other = accepted(&server);
        wait_until(|| client.is_encrypted() || client.state() == SocketState::Unconnected);
        assert_eq!(client.is_encrypted(), good);
        if good {
            wait_until(|| other.is_encrypted());
            other.write("x").unwrap();
            wait_until(|| client.bytes_available() == 1);
        }
    }
}

#[test]
fn a_default_configuration_that_is_null() {
    // The default configuration belongs to the process.
    if !in_child!("a_default_configuration_that_is_null", 100) {
        return;
    }
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let before = QSslSocket::new();
    QSslConfiguration::set_default_configuration(QSslConfiguration::default());
    let socket = QSslSocket::new();
    assert!(socket.ssl_configuration().is_null() && !before.ssl_configuration().is_null());
    socket.connect_to_host_encrypted("127.0.0.1", server.server_port());
    let _other = accepted(&server);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::SslHandshakeFailed);

    // The authorities that new sockets trust.
    QSslSocket::set_default_ca_certificates(certificates("selfsigned"));
    QSslSocket::add_default_ca_certificates(certificates("ca"));
    assert_eq!(QSslSocket::default_ca_certificates().len(), 2);
    QSslSocket::set_default_ciphers([QSslSocket::supported_ciphers()[0]]);
    let socket = QSslSocket::new();
    assert_eq!(socket.ciphers(), QSslSocket::default_ciphers());
    socket.set_peer_verify_name("localhost");
    let _other = encrypt(&socket, &server);
    assert!(socket.ssl_handshake_errors().is_empty());
}

#[test]
fn options_of_the_system_s_socket() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    client.set_socket_option(SocketOption::LowDelay, 1);
    assert_eq!(client.socket_option(SocketOption::LowDelay), None);
    let _other = encrypt(&client, &server);
    client.set_socket_option(SocketOption::LowDelay, 1);
    assert_eq!(client.socket_option(SocketOption::LowDelay), Some(1));
}

#[test]
fn encrypted_bytes_are_counted() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    run_for(Duration::from_millis(5));
    let (plain, encrypted) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    client.bytes_written.connect_to(&plain, |plain, count| plain.set(plain.get() + count));
    client
        .encrypted_bytes_written
        .connect_to(&encrypted, |encrypted, count| encrypted.set(encrypted.get() + count));
    client.write(pattern(0, 1000)).unwrap();
    assert_eq!((client.bytes_to_write(), client.encrypted_bytes_to_write()), (1000, 0));
    wait_until(|| other.bytes_available() == 1000 && encrypted.get() > 0);
    assert_eq!(plain.get(), 1000);
    // The record has a header, a content type and an authentication tag.
    assert_eq!(encrypted.get(), 1000 + 5 + 1 + 16);
}

#[test]
fn the_server_is_told_which_name_it_was_asked_for() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    for (name, hides, told) in
        [("localhost", false, true), ("localhost", true, false), ("127.0.0.1", false, false)]
    {
        let wire = Wire::to(server.server_port());
        let client = client();
        let mut configuration = client.ssl_configuration();
        configuration.set_ssl_option(SslOptions::DISABLE_SERVER_NAME_INDICATION, hides);
        client.set_ssl_configuration(configuration);
        client.set_peer_verify_name(name);
        client.connect_to_host_encrypted("127.0.0.1", wire.port);
        let _other = accepted(&server);
        wait_until(|| !wire.records().is_empty());
        let has = wire.sent().windows(name.len()).any(|part| part == name.as_bytes());
        assert_eq!(has, told, "{name}");
    }
}

#[test]
fn an_encrypted_connection_does_not_become_a_plain_one() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let wire = Wire::to(server.server_port());
    let client = client();
    client.connect_to_host_encrypted("127.0.0.1", wire.port);
    let other = accepted(&server);
    wait_until(|| client.is_encrypted() && other.is_encrypted());
    // The socket is connected: the call is an error and changes nothing.
    client.connect_to_host("127.0.0.1", server.server_port());
    assert_eq!(client.error(), SocketErrorKind::Operation);
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    assert_eq!((client.mode(), client.is_encrypted()), (SslMode::Client, true));
    client.write("a secret").unwrap();
    wait_until(|| other.bytes_available() == 8);
    assert!(!wire.sent().windows(8).any(|part| part == b"a secret"));
}

#[test]
fn a_slot_that_panics_accepts_nobody() {
    let _app = QCoreApplication::new();
    let server = encrypting("selfsigned");
    let wire = Wire::to(server.server_port());
    let client = client();
    client.ssl_errors.connect(|_| panic!("on purpose"));
    let encrypted = count(&client.encrypted);
    client.connect_to_host_encrypted("127.0.0.1", wire.port);
    client.write("a secret").unwrap();
    let _other = accepted(&server);
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        wait_until(|| client.state() == SocketState::Unconnected);
    }));
    assert!(panicked.is_err());
    wait_until(|| client.state() == SocketState::Unconnected);
    assert_eq!(encrypted.get(), 0);
    assert_eq!(wire.records(), [22], "the greeting alone");
}

#[test]
fn closing_in_a_pause_is_a_verdict() {
    let _app = QCoreApplication::new();
    let server = encrypting("selfsigned");
    let client = client();
    client.set_pause_mode(PauseModes::PAUSE_ON_SSL_ERRORS);
    let told = count(&client.ssl_errors);
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    client.write("never sent").unwrap();
    let other = accepted(&server);
    wait_until(|| told.get() == 1);
    client.disconnect_from_host();
    wait_until(|| client.state() == SocketState::Unconnected);
    wait_until(|| other.state() == SocketState::Unconnected);
    assert_eq!((other.is_encrypted(), client.bytes_to_write()), (false, 0));
    client.resume();
    run_for(Duration::from_millis(5));
    assert_eq!(client.error(), SocketErrorKind::Unknown);
}

/// In Qt, the wait in the slot never succeeds.
#[test]
fn a_slot_waits() {
    let _app = QCoreApplication::new();
    let mut configuration = identified("good");
    configuration.set_protocol(SslProtocol::TlsV1_2);
    let server = accepting(move |socket| {
        socket.set_ssl_configuration(configuration.clone());
        socket.encrypted.connect_to(socket, |socket, ()| {
            socket.write("the server speaks").unwrap();
        });
        socket.start_server_encryption();
    });
    let client = client();
    let read = Rc::new(RefCell::new(Vec::new()));
    client.encrypted.connect_to(&read, {
        let weak = client.to_weak();
        move |read, ()| {
            let client = QSslSocket::from_weak(&weak).unwrap();
            client.wait_for_ready_read(5000).unwrap();
            read.borrow_mut().push(client.read_all());
        }
    });
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    let _other = accepted(&server);
    wait_until(|| !read.borrow().is_empty());
    assert_eq!(*read.borrow(), [b"the server speaks"]);
}

/// Differs from Qt, where the connection remains and cannot be closed.
#[test]
fn garbage_in_place_of_a_record_ends_the_connection() {
    let _app = QCoreApplication::new();
    let server = server();
    let wires = wires_of(&server);
    for kept in ["", "unread"] {
        let client = client();
        let other = encrypt(&client, &server);
        other.write(kept).unwrap();
        wait_until(|| client.bytes_available() == kept.len());
        let (told, by_alert) = (Rc::<RefCell<Vec<_>>>::default(), Rc::<RefCell<Vec<_>>>::default());
        client.error_occurred.connect_to(&told, |told, error| told.borrow_mut().push(*error));
        other.error_occurred.connect_to(&by_alert, |told, error| told.borrow_mut().push(*error));
        // Writes through another descriptor of the same connection.
        let mut wire = wires.borrow_mut().pop().unwrap();
        wire.write_all(b"this is no record at all").unwrap();
        wait_until(|| client.state() == SocketState::Unconnected);
        assert_eq!(*told.borrow(), [SocketErrorKind::SslInternal]);
        assert_eq!(client.read_all(), kept.as_bytes());
        wait_until(|| other.state() == SocketState::Unconnected);
        let expected = [SocketErrorKind::SslInternal, SocketErrorKind::RemoteHostClosed];
        assert_eq!(*by_alert.borrow(), expected);
    }
}

/// A socket reads what has arrived before it closes, but not without limit.
#[test]
fn closing_does_not_wait_for_a_peer_that_goes_on_sending() {
    let _app = QCoreApplication::new();
    let server = server();
    let _wires = wires_of(&server);
    for closes in
        [|client: &QSslSocket| client.disconnect_from_host(), |client: &QSslSocket| client.close()]
    {
        let client = client();
        let other = encrypt(&client, &server);
        client.set_read_buffer_size(1);
        // More than the system buffers for a client that does not read.
        let write_more = |other: &QSslSocket| {
            if other.unsent_bytes() < 1 << 20 {
                other.write(vec![0; 2 << 20]).ok();
            }
        };
        other.encrypted_bytes_written.connect_to(&other, move |other, _| write_more(other));
        write_more(&other);
        wait_until(|| client.bytes_available() > 0);
        closes(&client);
        wait_until(|| client.state() == SocketState::Unconnected);
        wait_until(|| other.state() == SocketState::Unconnected);
        assert_eq!(other.error(), SocketErrorKind::RemoteHostClosed);
    }
}

/// The actions of a slot on the socket that called it.
const ACTIONS: [&str; 6] = ["drop", "delete later", "abort", "close", "disconnect", "again"];

#[test]
fn slots_may_do_anything() {
    let _app = QCoreApplication::new();
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        for signal in 0..13 {
            for action in ACTIONS {
                one_slot(protocol, signal, action);
            }
        }
    }
}

fn one_slot(protocol: SslProtocol, signal: usize, action: &'static str) {
    let server = encrypting("selfsigned");
    let port = server.server_port();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).ok();
                socket.disconnect_from_host();
            });
            socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
        }
    });
    let client = client();
    client.set_protocol(protocol);
    let (kept, ran) = (Rc::new(RefCell::new(None)), Rc::new(Cell::new(false)));
    let weak = QPointer::new(&client);
    let act = {
        let (kept, ran, weak) = (kept.clone(), ran.clone(), weak.clone());
        move || {
            if ran.replace(true) {
                return;
            }
            let Some(client): Option<QSslSocket> = weak.upgrade() else { return };
            match action {
                "drop" => drop(kept.borrow_mut().take()),
                "delete later" => client.delete_later(),
                "abort" => client.abort(),
                "close" => client.close(),
                "disconnect" => client.disconnect_from_host(),
                _ => {
                    client.abort();
                    client.connect_to_host_encrypted("127.0.0.1", port);
                }
            }
        }
    };
    match signal {
        0 => client.host_found.connect(move |()| act()),
        1 => client.connected.connect(move |()| act()),
        2 => client.state_changed.connect(move |state| {
            if *state == SocketState::Connected {
                act();
            }
        }),
        3 => client.mode_changed.connect(move |_| act()),
        4 => client.peer_verify_error.connect(move |_| act()),
        5 => client.ssl_errors.connect(move |_| act()),
        6 => client.encrypted.connect(move |()| act()),
        7 => client.ready_read.connect(move |()| act()),
        8 => client.bytes_written.connect(move |_| act()),
        9 => client.encrypted_bytes_written.connect(move |_| act()),
        10 => client.error_occurred.connect(move |_| act()),
        11 => client.disconnected.connect(move |()| act()),
        _ => client.read_channel_finished.connect(move |()| act()),
    };
    // Connected after the test's slot, so that the errors are not ignored before that slot has run.
    client.ssl_errors.connect({
        let weak = weak.clone();
        move |_| {
            if let Some(client) = weak.upgrade() {
                client.ignore_ssl_errors();
            }
        }
    });
    *kept.borrow_mut() = Some(client.clone());
    client.connect_to_host_encrypted("127.0.0.1", port);
    // A slot may have closed the socket during the call.
    client.write("hello").ok();
    drop(client);
    let what = format!("{protocol:?}, signal {signal}, {action}");
    assert!(wait_at_most(Duration::from_secs(5), || ran.get()), "{what}: slot never called");
    let over = || match weak.upgrade() {
        None => true,
        // Nothing was written to the connection that a slot has started, so it stays open.
        Some(client) if action == "again" && client.is_encrypted() => true,
        Some(client) => client.state() == SocketState::Unconnected,
    };
    assert!(wait_at_most(Duration::from_secs(5), over), "{what}: the connection does not end");
    drop(kept.borrow_mut().take());
}
