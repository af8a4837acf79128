//! The cases of Qt's own tests of QSslSocket that no scenario covers, with Qt's names.

use std::{cell::RefCell, rc::Rc, time::Duration};

use integration::{
    pattern, run_for,
    tls::{
        Wire, accepted, accepting, certificates, client, count, encrypt, encrypting, identified,
        key, trusting,
    },
    wait_until,
};
use qcore::{DeviceErrorKind, OpenMode, QCoreApplication};
use qnetwork::{
    EncodingFormat, KeyAlgorithm, NetworkLayerProtocol, NextProtocolNegotiationStatus,
    PatternSyntax, PauseModes, PeerVerifyMode, ProxyType, QSslCipher, QSslConfiguration, QSslError,
    QSslSocket, SocketErrorKind, SocketState, SslError, SslMode, SslOptions, SslProtocol,
};

fn kinds(errors: &[QSslError]) -> Vec<SslError> {
    errors.iter().map(QSslError::error).collect()
}

#[test]
fn constructing() {
    let socket = QSslSocket::new();
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!((socket.mode(), socket.is_encrypted()), (SslMode::Unencrypted, false));
    assert_eq!((socket.bytes_available(), socket.bytes_to_write()), (0, 0));
    assert_eq!((socket.encrypted_bytes_available(), socket.encrypted_bytes_to_write()), (0, 0));
    assert!(socket.at_end() && !socket.can_read_line() && !socket.is_valid());
    assert_eq!((socket.pos(), socket.size()), (0, 0));
    assert_eq!(socket.error_string(), "Unknown error");
    assert_eq!(socket.error(), SocketErrorKind::Unknown);
    assert_eq!(socket.proxy().proxy_type(), ProxyType::Default);
    assert_eq!(socket.read_buffer_size(), 0);
    assert_eq!(socket.protocol(), SslProtocol::Secure);
    assert_eq!(socket.ssl_configuration(), QSslConfiguration::default_configuration());
    assert_eq!(socket.read_into(&mut [0; 1]).unwrap_err(), DeviceErrorKind::NotOpen);
    assert_eq!(socket.read_into(&mut []).unwrap_err(), DeviceErrorKind::NotOpen);
    assert_eq!(socket.write("x").unwrap_err(), DeviceErrorKind::NotOpen);
    assert_eq!(socket.write("").unwrap_err(), DeviceErrorKind::NotOpen);
    assert!(socket.read(1).is_empty());
    assert!(socket.peek(1).is_empty());
    assert!(socket.read_line().is_empty());
    assert_eq!(socket.seek(2).unwrap_err(), DeviceErrorKind::InvalidArgument);
    assert_eq!(socket.reset().unwrap_err(), DeviceErrorKind::InvalidArgument);
    assert!(!socket.flush());
    let wrong_state = SocketErrorKind::Operation;
    assert_eq!(socket.wait_for_connected(10).unwrap_err(), wrong_state);
    assert_eq!(socket.wait_for_encrypted(10).unwrap_err(), wrong_state);
    assert_eq!(socket.wait_for_ready_read(10).unwrap_err(), wrong_state);
    assert_eq!(socket.wait_for_bytes_written(10).unwrap_err(), wrong_state);
    assert_eq!(socket.wait_for_disconnected(10).unwrap_err(), wrong_state);
    assert_eq!(socket.error(), SocketErrorKind::Unknown);
    assert!(socket.peer_certificate().is_null());
    assert!(socket.peer_certificate_chain().is_empty());
    assert!(socket.session_cipher().is_null());
    assert!(QSslSocket::supports_ssl());
}

#[test]
fn the_library_is_the_one_that_is_built_with() {
    let workspace = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    let version = QSslSocket::ssl_library_version_string();
    let version = version.strip_prefix("rustls ").unwrap();
    assert!(workspace.unwrap().contains(&format!("rustls = {{ version = \"{version}\"")));
    let build = QSslSocket::ssl_library_build_version_number();
    assert_eq!(build, QSslSocket::ssl_library_version_number());
}

#[test]
fn config_no_on_demand_load() {
    let socket = QSslSocket::new();
    let configuration = trusting("ca");
    socket.set_ssl_configuration(configuration.clone());
    assert_eq!(socket.ssl_configuration(), configuration);
    assert_eq!(socket.ca_certificates(), certificates("ca"));
}

#[test]
fn ciphers() {
    let socket = QSslSocket::new();
    assert_eq!(socket.ciphers(), QSslSocket::default_ciphers());
    socket.set_ciphers(Vec::new());
    assert!(socket.ciphers().is_empty());
    socket.set_ciphers(QSslSocket::default_ciphers());
    assert_eq!(socket.ciphers(), QSslSocket::default_ciphers());
    let mut names: Vec<_> = QSslSocket::default_ciphers().iter().map(QSslCipher::name).collect();
    names.reverse();
    socket.set_ciphers_by_name(&names.join(":"));
    assert_eq!(socket.ciphers().iter().map(QSslCipher::name).collect::<Vec<_>>(), names);
}

#[test]
fn connect_to_host_encrypted_with_verification_peer_name() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    for (name, good) in [("localhost", true), ("elsewhere.example", false)] {
        let socket = QSslSocket::new();
        socket.set_ssl_configuration(trusting("ca"));
        let (mode, protocol) = (OpenMode::READ_WRITE, NetworkLayerProtocol::IPv4);
        socket.connect_to_host_encrypted_with(
            "127.0.0.1",
            server.server_port(),
            name,
            mode,
            protocol,
        );
        assert_eq!(socket.peer_verify_name(), name);
        // The server has not accepted the connection yet.
        assert_eq!(socket.wait_for_encrypted(10).unwrap_err(), SocketErrorKind::SocketTimeout);
        socket.abort();
        socket.connect_to_host_encrypted_with(
            "127.0.0.1",
            server.server_port(),
            name,
            mode,
            protocol,
        );
        wait_until(|| socket.is_encrypted() || socket.state() == SocketState::Unconnected);
        assert_eq!(socket.is_encrypted(), good);
        let wrong = kinds(&socket.ssl_handshake_errors());
        assert_eq!(wrong, if good { vec![] } else { vec![SslError::HostNameMismatch] });
    }
}

#[test]
fn session_cipher_and_protocol() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        let client = client();
        client.set_protocol(protocol);
        assert!(client.session_cipher().is_null());
        assert_eq!(client.session_protocol(), SslProtocol::Unknown);
        let other = encrypt(&client, &server);
        assert!(QSslSocket::supported_ciphers().contains(&client.session_cipher()));
        assert_eq!(client.session_cipher(), other.session_cipher());
        assert_eq!((client.protocol(), client.session_protocol()), (protocol, protocol));
        assert_eq!(other.session_protocol(), protocol);
        client.abort();
        assert_eq!(client.protocol(), protocol);
    }
}

/// The protocol that was set does not change, whatever happens to the connection.
#[test]
fn protocol() {
    use SslProtocol::*;
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    for protocol in [TlsV1_0, TlsV1_1, TlsV1_2, TlsV1_3, Any, Secure, TlsV1_0OrLater] {
        let spoken = !matches!(protocol, TlsV1_0 | TlsV1_1);
        let client = client();
        client.set_protocol(protocol);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        assert_eq!(client.protocol(), protocol);
        wait_until(|| client.is_encrypted() || client.state() == SocketState::Unconnected);
        assert_eq!((client.is_encrypted(), client.protocol()), (spoken, protocol));
        client.abort();
        assert_eq!(client.protocol(), protocol);
        client.connect_to_host("127.0.0.1", server.server_port());
        assert_eq!(client.protocol(), protocol);
    }
}

#[test]
fn a_cipher_that_both_are_told_to_use() {
    let _app = QCoreApplication::new();
    for name in [
        "TLS_AES_128_GCM_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
    ] {
        let cipher = QSslCipher::from_name(name);
        let server = encrypting("good");
        let client = client();
        client.set_ciphers([cipher]);
        client.set_protocol(cipher.protocol());
        let _other = encrypt(&client, &server);
        assert_eq!(client.session_cipher().name(), name);
    }
}

#[test]
fn local_certificate_chain() {
    let _app = QCoreApplication::new();
    let socket = QSslSocket::new();
    assert!(socket.local_certificate().is_null() && socket.private_key().is_null());
    socket.set_local_certificate(certificates("good")[0].clone());
    socket.set_private_key(key("good"));
    assert_eq!(socket.local_certificate_chain(), certificates("good"));
    assert!(!socket.private_key().is_null());

    let server = encrypting("chain");
    let client = client();
    let _other = encrypt(&client, &server);
    assert_eq!(client.peer_certificate_chain(), certificates("chain"));
    assert_eq!(client.peer_certificate(), certificates("chain")[0]);
}

#[test]
fn certificates_and_keys_of_files() {
    let at = |name: &str| format!("{}/conformance/certs/{name}", env!("CARGO_MANIFEST_DIR"));
    let socket = QSslSocket::new();
    let pem = EncodingFormat::Pem;
    socket.set_local_certificate_file(at("chain.crt"), pem).unwrap();
    assert_eq!(socket.local_certificate_chain(), certificates("chain")[..1]);
    socket.set_private_key_file(at("chain.key"), KeyAlgorithm::Rsa, pem, "").unwrap();
    assert_eq!(socket.private_key(), key("chain"));
    socket.add_ca_certificates_from(&at("ca.crt"), pem, PatternSyntax::FixedString).unwrap();
    assert_eq!(socket.ca_certificates(), certificates("ca"));
    socket.add_ca_certificates_from(&at("*.crt"), pem, PatternSyntax::Wildcard).unwrap();
    assert!(socket.ca_certificates().len() > 10);
    // Files that are missing or wrong change nothing.
    let before = socket.ssl_configuration();
    assert!(socket.set_local_certificate_file(at("chain.key"), pem).is_err());
    assert!(socket.set_private_key_file(at("none"), KeyAlgorithm::Rsa, pem, "").is_err());
    assert!(socket.set_private_key_file(at("ca.crt"), KeyAlgorithm::Rsa, pem, "").is_err());
    let missing = at("none.crt");
    assert!(socket.add_ca_certificates_from(&missing, pem, PatternSyntax::FixedString).is_err());
    assert_eq!(socket.ssl_configuration(), before);
}

#[test]
fn peer_certificate_chain_is_that_of_the_last_connection() {
    let _app = QCoreApplication::new();
    let client = client();
    for stem in ["good", "chain", "wildcard"] {
        let server = encrypting(stem);
        client.ignore_ssl_errors();
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        assert!(client.peer_certificate_chain().is_empty());
        client.ignore_ssl_errors();
        let _other = accepted(&server);
        wait_until(|| client.is_encrypted());
        assert_eq!(client.peer_certificate_chain(), certificates(stem));
        client.abort();
    }
}

#[test]
fn protocol_server_side() {
    use SslProtocol::{
        Any, Secure, TlsV1_0OrLater, TlsV1_1OrLater, TlsV1_2, TlsV1_2OrLater, TlsV1_3,
        TlsV1_3OrLater,
    };
    let _app = QCoreApplication::new();
    for (of_server, of_client, agree) in [
        (Any, Any, true),
        (Secure, Secure, true),
        (Secure, Any, true),
        (Any, Secure, true),
        (TlsV1_2, TlsV1_2, true),
        (TlsV1_3, TlsV1_3, true),
        (TlsV1_0OrLater, TlsV1_2, true),
        (TlsV1_0OrLater, TlsV1_3, true),
        (TlsV1_1OrLater, TlsV1_2, true),
        (TlsV1_1OrLater, TlsV1_3, true),
        (TlsV1_2OrLater, TlsV1_2, true),
        (TlsV1_2OrLater, TlsV1_3, true),
        (TlsV1_3OrLater, TlsV1_3, true),
        (TlsV1_3OrLater, TlsV1_2, false),
        (TlsV1_2, TlsV1_3OrLater, false),
        (TlsV1_2, TlsV1_3, false),
        (TlsV1_3, TlsV1_2, false),
    ] {
        let mut configuration = identified("good");
        configuration.set_protocol(of_server);
        let server = accepting(move |socket| {
            socket.set_ssl_configuration(configuration.clone());
            socket.start_server_encryption();
        });
        let client = client();
        client.set_protocol(of_client);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        let other = accepted(&server);
        let over = |socket: &QSslSocket| {
            socket.is_encrypted() || socket.state() == SocketState::Unconnected
        };
        wait_until(|| over(&client) && over(&other));
        assert_eq!((client.is_encrypted(), other.is_encrypted()), (agree, agree));
        if !agree {
            wait_until(|| client.state() == SocketState::Unconnected);
            wait_until(|| other.state() == SocketState::Unconnected);
            assert_eq!(other.error(), SocketErrorKind::SslHandshakeFailed);
            // In Qt the client gets no alert, only `RemoteHostClosed`.
            assert_eq!(client.error(), SocketErrorKind::SslHandshakeFailed);
        }
    }
}

#[test]
fn server_cipher_preferences() {
    let _app = QCoreApplication::new();
    let [one, other] =
        ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"].map(QSslCipher::from_name);
    for (client_decides, expected) in [(false, one), (true, other)] {
        let mut configuration = identified("good");
        configuration.set_protocol(SslProtocol::TlsV1_2);
        configuration.set_ciphers(vec![one, other]);
        configuration.set_ssl_option(SslOptions::DISABLE_SERVER_CIPHER_PREFERENCE, client_decides);
        let server = accepting(move |socket| {
            socket.set_ssl_configuration(configuration.clone());
            socket.start_server_encryption();
        });
        let client = client();
        client.set_ciphers([other, one]);
        let _other = encrypt(&client, &server);
        assert_eq!(client.session_cipher(), expected);
    }
}

#[test]
fn set_ca_certificates() {
    let socket = QSslSocket::new();
    let before = socket.ssl_configuration();
    socket.set_ca_certificates(certificates("ca"));
    assert_eq!(socket.ca_certificates().len(), 1);
    socket.add_ca_certificate(certificates("selfsigned")[0].clone());
    assert_eq!(socket.ca_certificates().len(), 2);
    socket.set_ssl_configuration(before.clone());
    assert_eq!(socket.ssl_configuration(), before);
    assert_eq!(QSslSocket::system_ca_certificates(), QSslSocket::default_ca_certificates());
}

#[test]
fn set_socket_descriptor() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    assert_eq!(other.mode(), SslMode::Server);
    assert_eq!((client.local_port(), client.peer_port()), (other.peer_port(), other.local_port()));
    assert_eq!(client.local_address(), other.peer_address());
    assert_eq!(other.local_port(), server.server_port());
    assert!(client.socket_descriptor() > 0 && other.socket_descriptor() > 0);
}

#[test]
fn set_ssl_configuration() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let mut nobody = QSslConfiguration::default();
    nobody.set_ca_certificates(Vec::new());
    for (configuration, good) in [(nobody, false), (trusting("ca"), true)] {
        let client = client();
        client.set_ssl_configuration(configuration);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        let _other = accepted(&server);
        wait_until(|| client.is_encrypted() || client.state() == SocketState::Unconnected);
        assert_eq!(client.is_encrypted(), good);
    }
}

#[test]
fn set_empty_key() {
    let _app = QCoreApplication::new();
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_local_certificate_chain(certificates("good"));
    let server = accepting(move |socket| {
        socket.set_ssl_configuration(configuration.clone());
        socket.start_server_encryption();
    });
    let client = client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    let other = accepted(&server);
    wait_until(|| client.mode() == SslMode::Client);
    run_for(Duration::from_millis(50));
    // Both ends are still connected, and nothing is encrypted.
    assert_eq!((client.state(), other.state()), (SocketState::Connected, SocketState::Connected));
    assert_eq!(client.error(), SocketErrorKind::Unknown);
    assert_eq!(other.error(), SocketErrorKind::SslInternal);
    assert_eq!((client.is_encrypted(), other.is_encrypted()), (false, false));
    client.abort();
    wait_until(|| other.state() == SocketState::Unconnected);
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
    let expected = QSslError::with_certificate(SslError::SelfSignedCertificate, certificate);
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
    let right = QSslError::with_certificate(SslError::SelfSignedCertificate, certificate());
    let other = QSslError::with_certificate(SslError::CertificateExpired, certificate());
    let bare = QSslError::new(SslError::SelfSignedCertificate);
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
                    client.ignore_ssl_errors_with(list.clone());
                });
            } else {
                client.ignore_ssl_errors_with(list.clone());
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
    for protocol in [SslProtocol::TlsV1_0, SslProtocol::TlsV1_1, SslProtocol::Unknown] {
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
    let right = QSslError::with_certificate(SslError::SelfSignedCertificate, certificate);
    let wrong = QSslError::new(SslError::HostNameMismatch);
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
            Some(list) => client.ignore_ssl_errors_with(list),
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
            assert_eq!(*told.borrow(), [SslError::SelfSignedCertificate]);
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
