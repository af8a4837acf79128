//! The cases of Qt's own tests of QSslSocket that verify peers and transfer data, with Qt's names.

use std::{cell::RefCell, rc::Rc, time::Duration};

use integration::{
    pattern, run_for,
    tls::{
        Wire, accepted, accepting, certificates, client, count, encrypt, encrypting, identified,
        key,
    },
    wait_until,
};
use qcore::{DeviceErrorKind, QCoreApplication};
use qnetwork::{
    NextProtocolNegotiationStatus, PauseModes, PeerVerifyMode, QSslError, QSslSocket,
    SocketErrorKind, SocketState, SslErrorKind, SslMode, SslProtocol,
};

fn kinds(errors: &[QSslError]) -> Vec<SslErrorKind> {
    errors.iter().map(QSslError::error).collect()
}

#[test]
fn spontaneous_write() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    other.write("Hello World").unwrap();
    wait_until(|| client.bytes_available() > 0);
    assert_eq!(client.bytes_available(), 11);
    assert_eq!(client.read_all(), b"Hello World");
}

#[test]
fn set_read_buffer_size() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    let limit = 39 * 1024;
    client.set_read_buffer_size(limit);
    let data = pattern(0, 30_000_000);
    other.write(&data).unwrap();
    wait_until(|| client.bytes_available() >= limit);
    run_for(Duration::from_millis(30));
    // The buffer exceeds its limit by at most what one read has received.
    let available = client.bytes_available();
    assert!((limit..=2 * limit).contains(&available), "{available}");
    assert!(client.encrypted_bytes_available() <= 128 * 1024);
    assert!(other.encrypted_bytes_to_write() > 0, "the other end is held up");
    // Reading makes room for more, and so does removing the limit.
    let mut read = client.read_all();
    wait_until(|| client.bytes_available() > 0);
    client.set_read_buffer_size(0);
    wait_until(|| {
        read.extend(client.read_all());
        read.len() == data.len()
    });
    assert!(read == data);
}

#[test]
fn wait_for_minus_one() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let port = server.server_port();
    // The client runs in a thread without a loop.
    let thread = std::thread::spawn(move || {
        let client = client();
        client.connect_to_host_encrypted("127.0.0.1", port);
        client.wait_for_connected(-1).unwrap();
        client.wait_for_encrypted(-1).unwrap();
        client.write("question").unwrap();
        client.wait_for_ready_read(-1).unwrap();
        let answer = client.read_all();
        client.write("thanks").unwrap();
        client.wait_for_bytes_written(-1).unwrap();
        client.wait_for_disconnected(-1).unwrap();
        assert_eq!(client.state(), SocketState::Unconnected);
        assert_eq!(client.read_into(&mut [0]).unwrap_err(), DeviceErrorKind::Closed);
        answer
    });
    let other = accepted(&server);
    wait_until(|| other.bytes_available() == 8);
    let _ = other.read_all();
    other.write("answer").unwrap();
    wait_until(|| other.bytes_available() == 6);
    other.disconnect_from_host();
    wait_until(|| thread.is_finished());
    assert_eq!(thread.join().unwrap(), b"answer");
}

#[test]
fn verify_mode() {
    let _app = QCoreApplication::new();
    let socket = QSslSocket::new();
    assert_eq!(socket.peer_verify_mode(), PeerVerifyMode::Auto);
    let server = encrypting("selfsigned");
    let client = client();
    client.set_peer_verify_mode(PeerVerifyMode::Verify);
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    let _other = accepted(&server);
    wait_until(|| client.state() == SocketState::Unconnected);
    let errors = client.ssl_handshake_errors();
    let certificate = certificates("selfsigned")[0].clone();
    let expected = QSslError::with_certificate(SslErrorKind::SelfSignedCertificate, certificate);
    assert_eq!(errors, [expected]);
}

#[test]
fn verify_client_certificate() {
    let _app = QCoreApplication::new();
    use PeerVerifyMode::{Auto, None as Nothing, Query, Verify};
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        for mode in [Auto, Query, Nothing, Verify] {
            for stem in [None, Some("selfsigned"), Some("good"), Some("client")] {
                let mut configuration = identified("good");
                configuration.set_ca_certificates(certificates("ca"));
                configuration.set_peer_verify_mode(mode);
                let server = accepting(move |socket| {
                    socket.set_ssl_configuration(configuration.clone());
                    socket.start_server_encryption();
                });
                let client = client();
                client.set_protocol(protocol);
                if let Some(stem) = stem {
                    client.set_local_certificate_chain(certificates(stem));
                    client.set_private_key(key(stem));
                }
                client.connect_to_host_encrypted("127.0.0.1", server.server_port());
                let other = accepted(&server);
                let good = mode != Verify || stem == Some("client");
                let what = format!("{protocol:?} {mode:?} {stem:?}");
                if good {
                    wait_until(|| client.is_encrypted() && other.is_encrypted());
                } else {
                    wait_until(|| client.state() == SocketState::Unconnected);
                    wait_until(|| other.state() == SocketState::Unconnected);
                    assert!(!other.is_encrypted(), "{what}");
                    assert_eq!(other.error(), SocketErrorKind::SslHandshakeFailed, "{what}");
                    // With TLS 1.3 the client has finished before the server's answer.
                    assert_eq!(client.is_encrypted(), protocol == SslProtocol::TlsV1_3, "{what}");
                }
                let shown = stem.filter(|_| mode != Nothing).map(certificates).unwrap_or_default();
                assert_eq!(other.peer_certificate_chain(), shown, "{what}");
            }
        }
    }
}

#[test]
fn ignore_ssl_errors_list() {
    let _app = QCoreApplication::new();
    let server = encrypting("selfsigned");
    let certificate = || certificates("selfsigned")[0].clone();
    let right = QSslError::with_certificate(SslErrorKind::SelfSignedCertificate, certificate());
    let other = QSslError::with_certificate(SslErrorKind::CertificateExpired, certificate());
    let bare = QSslError::new(SslErrorKind::SelfSignedCertificate);
    for (list, good) in [
        (vec![right.clone()], true),
        (vec![other.clone(), right.clone()], true),
        (vec![other], false),
        (vec![bare], false),
        (vec![], false),
    ] {
        for in_slot in [false, true] {
            let client = client();
            let failures = count(&client.error_occurred);
            if in_slot {
                let list = list.clone();
                client.ssl_errors.connect_to(&client, move |client, _| {
                    client.ignore_ssl_errors_in(list.clone());
                });
            } else {
                client.ignore_ssl_errors_in(list.clone());
            }
            client.connect_to_host_encrypted("127.0.0.1", server.server_port());
            let _other = accepted(&server);
            wait_until(|| client.is_encrypted() || client.state() == SocketState::Unconnected);
            assert_eq!(client.is_encrypted(), good, "{list:?}");
            assert_eq!(failures.get(), u32::from(!good));
        }
    }
}

#[test]
fn read_from_closed_socket() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    other.write("some data").unwrap();
    wait_until(|| client.bytes_available() > 0);
    client.close();
    assert_eq!((client.bytes_available(), client.bytes_to_write()), (0, 0));
    wait_until(|| client.state() == SocketState::Unconnected);
    assert!(client.read_all().is_empty());
}

#[test]
fn write_big_chunk() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    let data = pattern(0, 10 * 1024 * 1024);
    assert_eq!(client.write(&data).unwrap(), data.len());
    let before = client.error_string();
    QCoreApplication::instance().process_events();
    // All data is encrypted and waits for the system.
    assert_eq!(client.bytes_to_write(), 0);
    assert_eq!(client.error_string(), before);
    let mut read = Vec::new();
    wait_until(|| {
        read.extend(other.read_all());
        read.len() == data.len()
    });
    assert!(read == data);
    assert_eq!(client.encrypted_bytes_to_write(), 0);
}

#[test]
fn unsupported_protocols() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    for protocol in [
        SslProtocol::SslV2,
        SslProtocol::SslV3,
        SslProtocol::TlsV1_0,
        SslProtocol::TlsV1_1,
        SslProtocol::DtlsV1_0,
        SslProtocol::DtlsV1_0OrLater,
        SslProtocol::DtlsV1_2,
        SslProtocol::DtlsV1_2OrLater,
    ] {
        let client = client();
        client.set_protocol(protocol);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        assert_eq!(client.error(), SocketErrorKind::SslInvalidUserData);
        assert_eq!(client.state(), SocketState::Unconnected);

        client.connect_to_host("127.0.0.1", server.server_port());
        client.wait_for_connected(5000).unwrap();
        client.set_socket_error(SocketErrorKind::Unknown);
        client.start_client_encryption();
        assert_eq!(client.error(), SocketErrorKind::SslInvalidUserData);
        assert_eq!(client.mode(), SslMode::Unencrypted);

        let server = accepting(move |socket| {
            socket.set_ssl_configuration(identified("good"));
            socket.set_protocol(protocol);
            socket.start_server_encryption();
        });
        client.abort();
        client.connect_to_host("127.0.0.1", server.server_port());
        let other = accepted(&server);
        assert_eq!(other.error(), SocketErrorKind::SslInvalidUserData);
        assert_eq!((other.mode(), other.is_encrypted()), (SslMode::Unencrypted, false));
    }
}

#[test]
fn allowed_protocol_negotiation() {
    use NextProtocolNegotiationStatus::{Negotiated, None as Nothing};
    let _app = QCoreApplication::new();
    for (of_server, of_client, agreed, status) in [
        (
            &["cool-protocol", "not-so-cool"][..],
            &["not-so-cool", "cool-protocol"][..],
            "cool-protocol",
            Negotiated,
        ),
        (&["h2", "http/1.1"], &["http/1.1"], "http/1.1", Negotiated),
        (&[], &["http/1.1"], "", Nothing),
        (&["http/1.1"], &[], "", Nothing),
        (&[], &[], "", Nothing),
    ] {
        let mut configuration = identified("good");
        configuration.set_allowed_next_protocols(of_server.iter().copied());
        let server = accepting(move |socket| {
            socket.set_ssl_configuration(configuration.clone());
            socket.start_server_encryption();
        });
        let client = client();
        let mut configuration = client.ssl_configuration();
        configuration.set_allowed_next_protocols(of_client.iter().copied());
        client.set_ssl_configuration(configuration);
        let other = encrypt(&client, &server);
        for end in [&client, &other] {
            assert_eq!(end.ssl_configuration().next_negotiated_protocol(), agreed.as_bytes());
        }
        let found = client.ssl_configuration().next_protocol_negotiation_status();
        assert_eq!(found, status, "{of_server:?} {of_client:?}");
    }
}

#[test]
fn qtbug18498_peek() {
    let _app = QCoreApplication::new();
    let server = accepting(|_| ());
    let client = client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    let other = accepted(&server);
    other.set_ssl_configuration(identified("good"));
    wait_until(|| other.bytes_available() > 0);
    assert_eq!(other.peek(1), [22], "the beginning of a handshake");
    other.start_server_encryption();
    wait_until(|| client.is_encrypted() && other.is_encrypted());
    client.write("0123456789abcdef").unwrap();
    wait_until(|| other.bytes_available() == 16);
    assert_eq!(other.peek(10), other.peek(10));
    assert_eq!(other.peek(10), b"0123456789");
    assert_eq!(other.read_all(), b"0123456789abcdef");
}

#[test]
fn qtbug18498_peek2() {
    let _app = QCoreApplication::new();
    let server = accepting(|_| ());
    let client = client();
    client.connect_to_host("127.0.0.1", server.server_port());
    let other = accepted(&server);
    client.write("ABCDEFGHIJ").unwrap();
    wait_until(|| other.bytes_available() == 10);
    assert_eq!(
        (other.peek(3), other.read(2), other.peek(4)),
        (b"ABC".to_vec(), b"AB".to_vec(), b"CDEF".to_vec())
    );
    assert_eq!((other.peek(100), other.bytes_available()), (b"CDEFGHIJ".to_vec(), 8));
    assert_eq!(other.read_all(), b"CDEFGHIJ");
    let block = pattern(0, 17 * 1024);
    client.write(&block).unwrap();
    wait_until(|| other.bytes_available() == block.len());
    assert_eq!(other.read(4), block[..4]);
    assert!(other.peek(block.len() - 4) == block[4..] && other.peek(99_999) == block[4..]);
    assert!(other.read_all() == block[4..]);

    // Both ends start encryption and write at once.
    other.set_ssl_configuration(identified("good"));
    client.start_client_encryption();
    other.start_server_encryption();
    assert_eq!((client.mode(), other.mode()), (SslMode::Client, SslMode::Server));
    client.write("from the client").unwrap();
    other.write("from the server").unwrap();
    wait_until(|| client.bytes_available() == 15 && other.bytes_available() == 15);
    assert_eq!(client.read_all(), b"from the server");
    assert_eq!(other.read_all(), b"from the client");
}

#[test]
fn resume() {
    let _app = QCoreApplication::new();
    let server = encrypting("selfsigned");
    let certificate = certificates("selfsigned")[0].clone();
    let right = QSslError::with_certificate(SslErrorKind::SelfSignedCertificate, certificate);
    let wrong = QSslError::new(SslErrorKind::HostNameMismatch);
    for (list, good) in [(Some(vec![right]), true), (Some(vec![wrong]), false), (None, true)] {
        let client = client();
        client.set_pause_mode(PauseModes::PAUSE_ON_SSL_ERRORS);
        let told = count(&client.ssl_errors);
        let (failed, encrypted) = (count(&client.error_occurred), count(&client.encrypted));
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        let _other = accepted(&server);
        wait_until(|| told.get() == 1);
        run_for(Duration::from_millis(20));
        assert_eq!((failed.get(), encrypted.get()), (0, 0));
        match list {
            Some(list) => client.ignore_ssl_errors_in(list),
            None => client.ignore_ssl_errors(),
        }
        client.resume();
        wait_until(|| encrypted.get() + failed.get() > 0);
        assert_eq!((encrypted.get(), failed.get()), (good.into(), (!good).into()));
        assert_eq!(told.get(), 1);
    }
}

/// Differs from Qt, which sends its part of the handshake, including the client's certificate.
#[test]
fn nothing_goes_out_before_errors_are_ignored() {
    let _app = QCoreApplication::new();
    let mut configuration = identified("selfsigned");
    configuration.set_peer_verify_mode(PeerVerifyMode::Query);
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        for pauses in [false, true] {
            let configuration = configuration.clone();
            let server = accepting(move |socket| {
                socket.set_ssl_configuration(configuration.clone());
                socket.start_server_encryption();
            });
            let wire = Wire::to(server.server_port());
            let client = client();
            client.set_protocol(protocol);
            client.set_local_certificate_chain(certificates("client"));
            client.set_private_key(key("client"));
            client.set_pause_mode(if pauses {
                PauseModes::PAUSE_ON_SSL_ERRORS
            } else {
                PauseModes::PAUSE_NEVER
            });
            client.connect_to_host_encrypted("127.0.0.1", wire.port);
            client.write("a secret").unwrap();
            let _other = accepted(&server);
            let told = Rc::new(RefCell::new(Vec::new()));
            client.ssl_errors.connect_to(&told, |told, errors| {
                told.borrow_mut().extend(kinds(errors));
            });
            wait_until(|| !told.borrow().is_empty());
            if pauses {
                run_for(Duration::from_millis(30));
                client.flush();
                client.write("another").unwrap();
                client.flush();
                run_for(Duration::from_millis(30));
                assert_eq!(wire.records(), [22], "{protocol:?}");
                client.resume();
            }
            wait_until(|| client.state() == SocketState::Unconnected);
            run_for(Duration::from_millis(30));
            // Only the client's first message was sent.
            assert_eq!(wire.records(), [22], "{protocol:?}, pauses: {pauses}");
            assert_eq!(*told.borrow(), [SslErrorKind::SelfSignedCertificate]);
        }
    }
}

/// Differs from Qt, where such data can be read as if it had been encrypted.
#[test]
fn what_came_before_encryption_is_not_read_after_it() {
    let _app = QCoreApplication::new();
    let server = accepting(|_| ());
    let client = client();
    client.connect_to_host("127.0.0.1", server.server_port());
    let other = accepted(&server);
    other.set_ssl_configuration(identified("good"));
    client.write("STARTTLS\r\nput in by somebody else\r\n").unwrap();
    wait_until(|| other.bytes_available() > 20);
    assert_eq!(other.read_line(), b"STARTTLS\r\n");
    other.start_server_encryption();
    assert_eq!(other.bytes_available(), 0);
    assert_eq!(other.error(), SocketErrorKind::SslHandshakeFailed);
    assert!(other.read_all().is_empty());
}
