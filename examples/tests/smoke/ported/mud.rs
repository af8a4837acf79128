//! The client for MUDs, against a server that sends telnet's commands.

use examples::server_configuration;
use qcore::{QTimer, wait_until};
use qnetwork::{
    EncodingFormat, HashAlgorithm, QHostAddress, QSslCertificate, QSslServer, QSslSocket,
};

use super::{Language, Talker, in_each_language, ported, run, text};

/// Returns the path of a file among the certificates of the conformance tests.
fn path(name: &str) -> String {
    format!("{}/../tests/conformance/certs/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn server(certificate: &str) -> QSslServer {
    let files = ["crt", "key"].map(|kind| path(&format!("{certificate}.{kind}")));
    let server = QSslServer::new();
    server.set_ssl_configuration(server_configuration(&files[0], &files[1]).unwrap());
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    server
}

fn fingerprint(certificate: &str) -> String {
    let path = path(&format!("{certificate}.crt"));
    let certificates = QSslCertificate::from_path(path, EncodingFormat::Pem).unwrap();
    let digest = certificates[0].digest(HashAlgorithm::Sha256);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn client(language: Language, server: &QSslServer, fingerprint: &str) -> Talker {
    let mut command = ported(language, "mud");
    command.args([&server.server_port().to_string(), fingerprint]);
    command.args(["gag:spam", "swap:orc=elf", "reply:Name?=bob", "mark:you"]);
    Talker::new(command)
}

/// Waits for the client, and until the connection is encrypted.
fn accept(server: &QSslServer) -> QSslSocket {
    assert!(wait_until(20_000, || server.has_pending_connections()));
    server.next_pending_connection().unwrap().cast::<QSslSocket>().unwrap()
}

/// Serves until the client has ended.
fn serve(client: &mut Talker) {
    // The end of a process is no event of the loop.
    let timer = QTimer::with_interval(5);
    timer.start();
    assert!(wait_until(20_000, || client.child.0.try_wait().unwrap().is_some()));
}

#[track_caller]
fn receives(socket: &QSslSocket, bytes: &[u8]) {
    let mut received = Vec::new();
    while received.len() < bytes.len() {
        if socket.bytes_available() == 0 {
            socket.wait_for_ready_read(20_000).unwrap();
        }
        received.extend(socket.read_all());
    }
    assert_eq!(received, bytes);
}

fn send(socket: &QSslSocket, bytes: &[u8]) {
    socket.write(bytes).unwrap();
    while socket.bytes_to_write() > 0 || socket.unsent_bytes() > 0 {
        socket.wait_for_bytes_written(20_000).unwrap();
    }
}

const UNTRUSTED: [&str; 2] = [
    "! The host name did not match any of the valid hosts for this certificate",
    "! The certificate is self-signed, and untrusted",
];

#[test]
fn lines_are_filtered() {
    in_each_language(|language| {
        let server = server("selfsigned");
        let mut client = client(language, &server, &fingerprint("selfsigned"));
        let socket = accept(&server);
        client.says(&UNTRUSTED);
        client.says(&["* connected"]);

        // Each command in the middle of text, and cut in two at each place.
        send(&socket, b"\xff\xfb\x01Welco\xff\xfd\x18me\r\nyou see an orc\r\n");
        client.says(&["Welcome", "*** you see an elf"]);
        receives(&socket, b"\xff\xfe\x01\xff\xfc\x18");
        for byte in b"a\xff\xfb\x03b\xff\xfa\x18\x01xyz\xff\xf0c\xff\xf1d\xff\xfe\x01e\n" {
            send(&socket, &[*byte]);
        }
        client.says(&["abcde"]);
        receives(&socket, b"\xff\xfe\x03");

        send(&socket, b"spam spam\nName? \xff\xf9");
        client.says(&["Name?"]);
        receives(&socket, b"bob\r\n");
        client.hears("look\nnor");
        receives(&socket, b"look\r\n");
        client.hears("th\n");
        receives(&socket, b"north\r\n");

        // A line without an end is cut.
        send(&socket, &[b'x'; 4097]);
        client.says(&[&"x".repeat(4096)]);
        send(&socket, b"bye\r\n");
        client.says(&["bye"]);
        socket.disconnect_from_host();
        socket.wait_for_disconnected(20_000).ok();
        client.ends(0, &[]);
    });
}

#[test]
fn the_end_of_the_input_ends_the_client() {
    in_each_language(|language| {
        let server = server("selfsigned");
        let mut client = client(language, &server, &fingerprint("selfsigned"));
        let socket = accept(&server);
        client.says(&UNTRUSTED);
        client.says(&["* connected"]);
        client.hears("quit\n");
        receives(&socket, b"quit\r\n");
        client.ends(0, &[]);
    });
}

#[test]
fn another_certificate_is_refused() {
    in_each_language(|language| {
        let server = server("selfsigned");
        let mut client = client(language, &server, &fingerprint("selfsigned-expired"));
        serve(&mut client);
        client.says(&UNTRUSTED);
        client.says(&[&format!("! the fingerprint is {}", fingerprint("selfsigned"))]);
        client.ends(1, &UNTRUSTED[..1]);
    });
}

#[test]
fn an_expired_certificate_is_refused() {
    in_each_language(|language| {
        let server = server("selfsigned-expired");
        let mut client = client(language, &server, &fingerprint("selfsigned-expired"));
        serve(&mut client);
        client.says(&UNTRUSTED);
        client.says(&["! The certificate has expired"]);
        client.ends(1, &UNTRUSTED[..1]);
    });
}

#[test]
fn wrong_arguments() {
    in_each_language(|language| {
        let run_with = |arguments: &[&str]| {
            let mut command = ported(language, "mud");
            command.args(arguments);
            let output = run(command);
            assert_eq!(output.status.code(), Some(1));
            text(&output.stderr).to_owned()
        };
        assert!(run_with(&[]).starts_with("usage: "));
        assert!(run_with(&["1", "00", "nonsense"]).contains("nonsense"));
    });
}
