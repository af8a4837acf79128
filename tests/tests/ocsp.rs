//! OCSP stapling: what the client reports of the response that a server sends with its certificate.
//! The responses, and what Qt said of them, are in `crates/qnetwork/tests/data/ocsp`.

use std::{cell::RefCell, collections::HashMap, fs, rc::Rc};

use integration::{
    tls::{accepted, accepting, client, encrypt, encrypting, identified, key},
    wait_until,
};
use qcore::{QCoreApplication, QVariant};
use qnetwork::{
    EncodingFormat, OcspCertificateStatus, PeerVerifyMode, QSslCertificate, QSslConfiguration,
    QSslError, QSslSocket, QTcpServer, SocketErrorKind, SocketState, SslProtocol,
};

const OPTION: &str = "Qt-OCSP-response";

struct Case {
    name: String,
    chain: Vec<QSslCertificate>,
    response: Vec<u8>,
    qt: String,
}

/// Decodes base64.
fn decode(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(digit).collect();
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let number = (0..4)
            .fold(0_u32, |number, at| number << 6 | u32::from(four.get(at).copied().unwrap_or(0)));
        bytes.extend(&number.to_be_bytes()[1..four.len()]);
    }
    bytes
}

fn recorded() -> (HashMap<String, QSslCertificate>, Vec<Case>) {
    let file =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/qnetwork/tests/data/ocsp/responses.tsv");
    let text = fs::read_to_string(file).unwrap();
    let (mut certificates, mut cases) = (HashMap::new(), Vec::new());
    for line in text.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["certificate", name, data] => {
                let certificate = QSslCertificate::new(decode(data), EncodingFormat::Der);
                assert!(!certificate.is_null());
                certificates.insert(name.to_owned(), certificate);
            }
            ["case", name, chain, response, qt] => cases.push(Case {
                name: name.to_owned(),
                chain: chain.split(',').map(|name| certificates[name].clone()).collect(),
                response: if response == "-" { Vec::new() } else { decode(response) },
                qt: qt.to_owned(),
            }),
            _ => panic!("{line}"),
        }
    }
    (certificates, cases)
}

fn case<'a>(cases: &'a [Case], name: &str) -> &'a Case {
    cases.iter().find(|case| case.name == name).expect(name)
}

/// A server that sends the case's certificates and response.
fn stapling(case: &Case) -> QTcpServer {
    let stem = if case.name.starts_with("self-signed") { "selfsigned" } else { "good" };
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_local_certificate_chain(&case.chain);
    configuration.set_private_key(key(stem));
    let response = QVariant::ByteArray(case.response.clone());
    configuration.set_backend_configuration_option(OPTION, response);
    accepting(move |socket| {
        socket.set_ssl_configuration(configuration.clone());
        socket.start_server_encryption();
    })
}

/// A client that asks for a response.
fn asking(trusted: &[&QSslCertificate]) -> QSslSocket {
    let client = client();
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_ca_certificates(trusted.iter().copied());
    configuration.set_ocsp_stapling_enabled(true);
    client.set_ssl_configuration(configuration);
    client
}

fn numbers(errors: &[QSslError]) -> String {
    let numbers: Vec<_> = errors.iter().map(|error| (error.error() as i32).to_string()).collect();
    numbers.join(",")
}

/// What a client reports: errors one by one, all together, the end.
fn report(client: &QSslSocket) -> Rc<RefCell<Vec<String>>> {
    let said = Rc::new(RefCell::new(Vec::new()));
    client.peer_verify_error.connect_to(&said, |said, error| {
        said.borrow_mut().push(format!("one {}", error.error() as i32));
    });
    client.ssl_errors.connect_to((&said, client), |(said, client), errors| {
        said.borrow_mut().push(format!("all {}", numbers(errors)));
        client.ignore_ssl_errors();
    });
    client.error_occurred.connect_to((&said, client), |(said, client), _| {
        said.borrow_mut().push(format!(": {}", client.error_string()));
    });
    client.encrypted.connect_to(&said, |said, ()| said.borrow_mut().push("encrypted".to_owned()));
    said
}

fn is_over(said: &RefCell<Vec<String>>) -> bool {
    said.borrow().last().is_some_and(|last| last == "encrypted" || last.starts_with(':'))
}

#[test]
fn handshakes_end_as_in_qt() {
    let _app = QCoreApplication::new();
    let (certificates, cases) = recorded();
    for (index, case) in cases.iter().enumerate() {
        let server = stapling(case);
        let client = asking(&[&certificates["ca"], &certificates["selfsigned"]]);
        // Half of them with TLS 1.2, which has another message for the response.
        client.set_protocol([SslProtocol::TlsV1_2, SslProtocol::TlsV1_3][index % 2]);
        let said = report(&client);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        wait_until(|| is_over(&said));
        let mut expected = Vec::new();
        if case.qt.starts_with(':') {
            expected.push(case.qt.clone());
        } else {
            if case.qt != "-" {
                expected.extend(case.qt.split(',').map(|number| format!("one {number}")));
                expected.push(format!("all {}", case.qt));
            }
            expected.push("encrypted".to_owned());
        }
        assert_eq!(*said.borrow(), expected, "{}", case.name);
        let has_failed = client.error() == SocketErrorKind::SslHandshakeFailed;
        assert_eq!(has_failed, case.qt.starts_with(':'), "{}", case.name);
    }
}

/// The order is Qt's: errors of the chain are emitted first and come last in the list.
#[test]
fn the_order_of_errors() {
    let _app = QCoreApplication::new();
    let (certificates, cases) = recorded();
    let good = case(&cases, "good by the root, which the server sends");
    let (none, garbage) = (case(&cases, "no response"), case(&cases, "garbage"));
    let ca = [&certificates["ca"]];
    for (case, trusted, expected) in [
        (good, &[][..], "one 10|one 33|one 22|all 33,22,10|encrypted"),
        (none, &ca[..], "one 26|one 22|all 26,22|encrypted"),
        (garbage, &[][..], "one 10|: Failed to decode OCSP response"),
    ] {
        let server = stapling(case);
        let client = asking(trusted);
        client.set_peer_verify_name("elsewhere");
        let said = report(&client);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        wait_until(|| is_over(&said));
        assert_eq!(said.borrow().join("|"), expected);
    }
}

#[test]
fn only_a_client_that_verifies_checks_the_response() {
    let _app = QCoreApplication::new();
    let (certificates, cases) = recorded();
    let revoked = case(&cases, "revoked");
    for (mode, is_checked) in [
        (PeerVerifyMode::Auto, true),
        (PeerVerifyMode::Verify, true),
        (PeerVerifyMode::Query, false),
        (PeerVerifyMode::None, false),
    ] {
        let server = stapling(revoked);
        let client = asking(&[&certificates["ca"]]);
        client.set_peer_verify_mode(mode);
        let said = report(&client);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        wait_until(|| is_over(&said));
        let expected = if is_checked { "one 13|all 13|encrypted" } else { "encrypted" };
        assert_eq!(said.borrow().join("|"), expected, "{mode:?}");
        assert_eq!(client.ocsp_responses().len(), usize::from(is_checked));
    }
    // And one that has asked.
    let client = client();
    let _other = encrypt(&client, &stapling(revoked));
    assert!(client.ocsp_responses().is_empty());
}

/// A session that is resumed would have no response.
#[test]
fn each_connection_gets_a_response() {
    let _app = QCoreApplication::new();
    let (certificates, cases) = recorded();
    let good = case(&cases, "good by the root, which the server sends");
    let server = stapling(good);
    let first = asking(&[&certificates["ca"]]);
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        first.set_protocol(protocol);
        for _ in 0..3 {
            let next = QSslSocket::new();
            next.set_ssl_configuration(first.ssl_configuration());
            next.set_peer_verify_name("localhost");
            let other = encrypt(&next, &server);
            // The tickets come with the first data.
            other.write("x").unwrap();
            wait_until(|| next.bytes_available() == 1);
            let responses = next.ocsp_responses();
            assert_eq!(responses.len(), 1);
            assert_eq!(responses[0].certificate_status(), OcspCertificateStatus::Good);
            assert_eq!(*responses[0].responder(), certificates["ca"]);
            assert_eq!(*responses[0].subject(), next.peer_certificate());
            // The same socket once more, with a server that sends no response.
            next.abort();
            let plain = encrypting("good");
            next.connect_to_host_encrypted("127.0.0.1", plain.server_port());
            wait_until(|| next.error() == SocketErrorKind::SslHandshakeFailed);
            assert_eq!(numbers(&next.ssl_handshake_errors()), "26");
            assert!(next.ocsp_responses().is_empty());
        }
    }
}

#[test]
fn a_server_does_not_ask_and_a_client_does_not_answer() {
    let _app = QCoreApplication::new();
    let mut configuration = identified("good");
    configuration.set_ocsp_stapling_enabled(true);
    let server = accepting(move |socket| {
        socket.set_ssl_configuration(configuration.clone());
        let errors = Rc::new(RefCell::new(Vec::new()));
        socket.error_occurred.connect_to((&errors, socket), |(errors, socket), error| {
            errors.borrow_mut().push((*error, socket.error_string()));
        });
        socket.start_server_encryption();
        let text = "Server-side QSslSocket does not support OCSP stapling";
        assert_eq!(errors.borrow()[0], (SocketErrorKind::SslInvalidUserData, text.to_owned()));
        assert_eq!(errors.borrow()[1].0, SocketErrorKind::SslInternal);
    });
    let client = client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    assert_eq!(accepted(&server).state(), SocketState::Connected);
    client.abort();

    let server = encrypting("good");
    let mut configuration = client.ssl_configuration();
    configuration.set_backend_configuration_option(OPTION, QVariant::ByteArray(vec![1]));
    client.set_ssl_configuration(configuration);
    let said = report(&client);
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_until(|| said.borrow().len() == 2);
    assert_eq!(said.borrow()[0], ": Client-side sockets do not send OCSP responses");
    assert_eq!(client.error(), SocketErrorKind::SslInternal);
}
