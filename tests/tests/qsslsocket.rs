//! The cases of Qt's own tests of QSslSocket about its settings and certificates, with Qt's names.
//! No scenario covers them. `qsslsocket_transfer` has the others.

use std::time::Duration;

use integration::{
    run_for,
    tls::{
        accepted, accepting, certificates, client, encrypt, encrypting, identified, key, trusting,
    },
    wait_until,
};
use qcore::{DeviceErrorKind, OpenMode, QCoreApplication};
use qnetwork::{
    EncodingFormat, KeyAlgorithm, NetworkLayerProtocol, PatternSyntax, ProxyType, QSslCertificate,
    QSslCipher, QSslConfiguration, QSslError, QSslSocket, SocketErrorKind, SocketState,
    SslCertificateErrorKind, SslErrorKind, SslKeyErrorKind, SslMode, SslOptions, SslProtocol,
};

fn kinds(errors: &[QSslError]) -> Vec<SslErrorKind> {
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
    socket.set_ciphers(Vec::<QSslCipher>::new());
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
        socket.connect_to_host_encrypted_with_peer_name(
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
        socket.connect_to_host_encrypted_with_peer_name(
            "127.0.0.1",
            server.server_port(),
            name,
            mode,
            protocol,
        );
        wait_until(|| socket.is_encrypted() || socket.state() == SocketState::Unconnected);
        assert_eq!(socket.is_encrypted(), good);
        let wrong = kinds(&socket.ssl_handshake_errors());
        assert_eq!(wrong, if good { vec![] } else { vec![SslErrorKind::HostNameMismatch] });
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
        let cipher = QSslCipher::from_name(name).unwrap();
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
    socket.add_ca_certificates_from_path(at("ca.crt"), pem).unwrap();
    assert_eq!(socket.ca_certificates(), certificates("ca"));
    let (all, wildcard) = (at("*.crt"), PatternSyntax::Wildcard);
    socket.add_ca_certificates_from_path_with_syntax(&all, pem, wildcard).unwrap();
    assert!(socket.ca_certificates().len() > 10);
    // Files that are missing or wrong change nothing.
    let before = socket.ssl_configuration();
    let not_found = std::io::ErrorKind::NotFound;
    let error = socket.set_local_certificate_file(at("chain.key"), pem).unwrap_err();
    assert_eq!(error, SslCertificateErrorKind::NoPemBlock);
    let error = socket.set_local_certificate_file(at("none"), pem).unwrap_err();
    assert_eq!(error, SslCertificateErrorKind::Io(not_found));
    let error = socket.set_private_key_file(at("none"), KeyAlgorithm::Rsa, pem, "").unwrap_err();
    assert_eq!(error, SslKeyErrorKind::Io(not_found));
    assert_eq!(std::io::Error::from(error).kind(), not_found);
    let error = socket.set_private_key_file(at("ca.crt"), KeyAlgorithm::Rsa, pem, "").unwrap_err();
    assert_eq!(error, SslKeyErrorKind::NoPemBlock);
    let error = socket.add_ca_certificates_from_path(at("none.crt"), pem).unwrap_err();
    assert_eq!(error, SslCertificateErrorKind::Io(not_found));
    let none = at("none*.crt");
    let error = socket.add_ca_certificates_from_path_with_syntax(&none, pem, wildcard).unwrap_err();
    assert_eq!(error, SslCertificateErrorKind::Io(not_found));
    let error = socket.add_ca_certificates_from_path(at(""), pem).unwrap_err();
    assert_eq!(error, SslCertificateErrorKind::Io(std::io::ErrorKind::IsADirectory));
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
    let [one, other] = ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"]
        .map(|name| QSslCipher::from_name(name).unwrap());
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
    assert!(client.socket_descriptor().is_some() && other.socket_descriptor().is_some());
}

#[test]
fn set_ssl_configuration() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let mut nobody = QSslConfiguration::default();
    nobody.set_ca_certificates(Vec::<QSslCertificate>::new());
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
