//! Interoperation with other TLS implementations: `openssl`, `curl` and real Qt. Tests whose
//! program is not installed print that they are skipped.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::Ipv4Addr,
    process::{Child, ChildStdin, Command, Stdio},
    rc::Rc,
};

use integration::{
    tls::{client, identified},
    wait_until,
};
use qcore::QCoreApplication;
use qnetwork::{
    EncodingFormat, KeyAlgorithm, QHostAddress, QSslKey, QSslServer, QSslSocket, SocketState,
    SslProtocol,
};

const CERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/certs");

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts a program, if it is installed.
    fn start(program: &str, args: &[&str]) -> Option<Self> {
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        match child {
            Ok(child) => Some(Running(child)),
            Err(error) => {
                println!("skipped: {program}: {error}");
                None
            }
        }
    }

    fn input(&mut self) -> ChildStdin {
        self.0.stdin.take().expect("a pipe")
    }

    /// Reads the process's output in a thread, while this thread runs a loop.
    fn output(&mut self) -> std::thread::JoinHandle<String> {
        let mut output = self.0.stdout.take().expect("a pipe");
        std::thread::spawn(move || {
            let mut all = Vec::new();
            let _ = output.read_to_end(&mut all);
            String::from_utf8_lossy(&all).into_owned()
        })
    }
}

/// Returns a server that sends back a line in capitals and closes.
fn shouting() -> QSslServer {
    let server = QSslServer::new();
    server.set_ssl_configuration(identified("good"));
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                while socket.can_read_line() {
                    let line = socket.read_line();
                    socket.write(line.to_ascii_uppercase()).unwrap();
                    socket.disconnect_from_host();
                }
            });
            socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
        }
    });
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    server
}

#[test]
fn clients_of_openssl() {
    let _app = QCoreApplication::new();
    let server = shouting();
    let to = format!("127.0.0.1:{}", server.server_port());
    for version in ["-tls1_2", "-tls1_3"] {
        let ca = format!("{CERTS}/ca.crt");
        let args = [
            "s_client",
            "-connect",
            &to,
            "-quiet",
            "-verify_return_error",
            "-CAfile",
            &ca,
            version,
        ];
        let Some(mut client) = Running::start("openssl", &args) else { return };
        let mut input = client.input();
        input.write_all(b"hello from openssl\n").unwrap();
        let output = client.output();
        wait_until(|| output.is_finished());
        assert!(output.join().unwrap().contains("HELLO FROM OPENSSL"), "{version}");
    }
}

#[test]
fn servers_of_openssl() {
    let _app = QCoreApplication::new();
    for (version, protocol) in
        [("-tls1_2", SslProtocol::TlsV1_2), ("-tls1_3", SslProtocol::TlsV1_3)]
    {
        let (certificate, key) = (format!("{CERTS}/good.crt"), format!("{CERTS}/good.key"));
        let args = [
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            &certificate,
            "-key",
            &key,
            "-rev",
            version,
        ];
        let Some(mut server) = Running::start("openssl", &args) else { return };
        // The program prints where it listens, and much more later, which has to be read.
        let mut output = BufReader::new(server.0.stdout.take().unwrap());
        let port: u16 = loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "openssl has ended");
            if let Some(at) = line.trim().strip_prefix("ACCEPT 127.0.0.1:") {
                break at.parse().unwrap();
            }
        };
        let rest = std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let client = client();
        client.set_protocol(protocol);
        client.connect_to_host_encrypted(Ipv4Addr::LOCALHOST, port);
        wait_until(|| client.is_encrypted());
        assert_eq!(client.session_protocol(), protocol);
        client.write("desrever\n").unwrap();
        wait_until(|| client.can_read_line());
        assert_eq!(client.read_line(), b"reversed\n");
        client.disconnect_from_host();
        wait_until(|| client.state() == SocketState::Unconnected);
        drop(server);
        rest.join().unwrap().unwrap();
    }
}

#[test]
fn curl() {
    let _app = QCoreApplication::new();
    let server = QSslServer::new();
    server.set_ssl_configuration(identified("good"));
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                if socket.peek(99_999).ends_with(b"\r\n\r\n") {
                    let _request = socket.read_all();
                    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n").unwrap();
                    socket.disconnect_from_host();
                }
            });
        }
    });
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let url = format!("https://localhost:{}/", server.server_port());
    let ca = format!("{CERTS}/ca.crt");
    let args = [
        "--silent",
        "--show-error",
        "--max-time",
        "15",
        "--ipv4",
        "--noproxy",
        "*",
        "--cacert",
        &ca,
        &url,
    ];
    let Some(mut client) = Running::start("curl", &args) else { return };
    let output = client.output();
    wait_until(|| output.is_finished());
    assert_eq!(output.join().unwrap(), "hello\n");
}

/// A short Qt program: it connects to the given port, or listens and prints its own port.
const QT: &str = r#"
import sys
from PySide2.QtCore import QCoreApplication, QTimer
from PySide2.QtNetwork import QHostAddress, QSsl, QSslCertificate, QSslKey, QSslSocket, QTcpServer
app = QCoreApplication(sys.argv)
QTimer.singleShot(15000, lambda: sys.exit(3))
certs = sys.argv[1]
if len(sys.argv) > 2:
    c = QSslSocket()
    config = c.sslConfiguration()
    config.setCaCertificates(QSslCertificate.fromPath(certs + "/ca.crt"))
    c.setSslConfiguration(config)
    c.setPeerVerifyName("localhost")
    c.readyRead.connect(lambda: print(bytes(c.readAll()).decode(), end="", flush=True))
    c.disconnected.connect(app.quit)
    c.encrypted.connect(lambda: c.write(b"hello from qt\n"))
    c.connectToHostEncrypted("127.0.0.1", int(sys.argv[2]))
else:
    keep = []
    class Server(QTcpServer):
        def incomingConnection(self, descriptor):
            c = QSslSocket()
            keep.append(c)
            c.setSocketDescriptor(descriptor)
            c.setLocalCertificateChain(QSslCertificate.fromPath(certs + "/good.crt"))
            c.setPrivateKey(certs + "/good.key")
            c.readyRead.connect(
                lambda: (c.write(bytes(c.readAll()).upper()), c.disconnectFromHost()))
            c.startServerEncryption()
    s = Server()
    s.listen(QHostAddress(QHostAddress.LocalHost), 0)
    print(s.serverPort(), flush=True)
app.exec_()
"#;

const PYTHON: &str = "/usr/bin/python3";

fn has_qt() -> bool {
    let asked = Command::new(PYTHON).args(["-c", "import PySide2.QtNetwork"]).output();
    let there = asked.is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: PySide2 is not installed");
    }
    there
}

#[test]
fn clients_of_qt() {
    if !has_qt() {
        return;
    }
    let _app = QCoreApplication::new();
    let server = shouting();
    let port = server.server_port().to_string();
    let mut client = Running::start(PYTHON, &["-c", QT, CERTS, &port]).unwrap();
    let output = client.output();
    wait_until(|| output.is_finished());
    assert_eq!(output.join().unwrap(), "HELLO FROM QT\n");
}

#[test]
fn servers_of_qt() {
    if !has_qt() {
        return;
    }
    let _app = QCoreApplication::new();
    let mut server = Running::start(PYTHON, &["-c", QT, CERTS]).unwrap();
    let mut line = String::new();
    let output = server.0.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    let port: u16 = line.trim().parse().unwrap();
    for protocol in [SslProtocol::TlsV1_2, SslProtocol::TlsV1_3] {
        let client = client();
        client.set_protocol(protocol);
        let read = Rc::new(std::cell::RefCell::new(Vec::new()));
        client.connect_to_host_encrypted(Ipv4Addr::LOCALHOST, port);
        client.write("hello from here\n").unwrap();
        client.ready_read.connect_to(&read, {
            let weak = qcore::QPointer::new(&client);
            move |read, ()| {
                let client: QSslSocket = weak.upgrade().unwrap();
                read.borrow_mut().extend(client.read_all());
            }
        });
        wait_until(|| client.state() == SocketState::Unconnected);
        assert_eq!(*read.borrow(), b"HELLO FROM HERE\n");
        assert!(client.is_encrypted());
    }
}

/// The keys from the tests of `QSslKey`.
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/qnetwork/tests/data/key/pem");

/// Reads a key with an algorithm and a pass phrase, and prints its DER in hexadecimal.
const QT_KEY: &str = r#"
import sys
from PySide2.QtCore import QByteArray
from PySide2.QtNetwork import QSsl, QSslKey
key = QSslKey(QByteArray(sys.stdin.buffer.read()), getattr(QSsl, sys.argv[1]), QSsl.Pem,
              QSsl.PrivateKey, QByteArray(sys.argv[2].encode()))
print(bytes(key.toDer()).hex())
"#;

/// Returns the output of a program for a text as its input.
fn answer(program: &str, args: &[&str], text: &[u8]) -> Option<String> {
    let mut program = Running::start(program, args)?;
    let output = program.output();
    program.input().write_all(text).unwrap();
    Some(output.join().unwrap())
}

#[test]
fn encrypted_keys_are_read_by_openssl_and_qt() {
    let has_qt = has_qt();
    let pass_phrase = "pässwörd 1";
    let secret = format!("pass:{pass_phrase}");
    for (name, algorithm) in [
        ("rsa", KeyAlgorithm::Rsa),
        ("prime256v1", KeyAlgorithm::Ec),
        ("dsa", KeyAlgorithm::Dsa),
        ("ed25519", KeyAlgorithm::Opaque),
    ] {
        let plain = std::fs::read(format!("{KEYS}/{name}.pem")).unwrap();
        let key = QSslKey::new(&plain, algorithm, EncodingFormat::Pem);
        let locked = key.to_pem_with_pass_phrase(pass_phrase).unwrap();
        let Some(expected) = answer("openssl", &["pkey"], &plain) else { return };
        assert!(expected.starts_with("-----BEGIN PRIVATE KEY-----"), "{name}: {expected}");
        let told = answer("openssl", &["pkey", "-passin", &secret], &locked);
        assert_eq!(told.as_deref(), Some(&*expected), "{name}");
        let told = answer("openssl", &["pkey", "-passin", "pass:another"], &locked);
        assert_eq!(told.as_deref(), Some(""), "{name}");
        if has_qt && algorithm != KeyAlgorithm::Opaque {
            let algorithm = format!("{algorithm:?}");
            let told = answer(PYTHON, &["-c", QT_KEY, &algorithm, pass_phrase], &locked);
            let expected: String = key.to_der().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(told.unwrap().trim(), expected, "{name}");
        }
    }
}
