//! Shared parts of the TLS tests.

use std::{
    cell::{Cell, RefCell},
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use qnetwork::{
    EncodingFormat, KeyAlgorithm, QSslCertificate, QSslConfiguration, QSslKey, QSslSocket,
    QTcpServer, QTcpSocket,
};

use crate::{listener, port_of, server, wait_until};

const CERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/certs");

/// Returns the certificates in a file of the conformance tests.
///
/// # Panics
///
/// If there are none.
#[track_caller]
#[must_use]
pub fn certificates(stem: &str) -> Vec<QSslCertificate> {
    let pem = fs::read(format!("{CERTS}/{stem}.crt")).expect("a file");
    QSslCertificate::from_data(pem, EncodingFormat::Pem).expect("a certificate")
}

/// Returns the key in a file of the conformance tests.
///
/// # Panics
///
/// If there is none.
#[track_caller]
#[must_use]
pub fn key(stem: &str) -> QSslKey {
    let pem = fs::read(format!("{CERTS}/{stem}.key")).expect("a file");
    let is_ec = pem.windows(8).any(|word| word == b"BEGIN EC");
    let algorithm = if is_ec { KeyAlgorithm::Ec } else { KeyAlgorithm::Rsa };
    let key = QSslKey::new(pem, algorithm, EncodingFormat::Pem);
    assert!(!key.is_null(), "{stem}.key is none");
    key
}

/// Returns a configuration with a certificate and its key.
#[track_caller]
#[must_use]
pub fn identified(stem: &str) -> QSslConfiguration {
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_local_certificate_chain(certificates(stem));
    configuration.set_private_key(key(stem));
    configuration
}

/// Returns a configuration that trusts only the certificates in a file.
#[track_caller]
#[must_use]
pub fn trusting(stem: &str) -> QSslConfiguration {
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_ca_certificates(certificates(stem));
    configuration
}

/// Returns a client that trusts the tests' authority and expects the name `localhost`.
#[track_caller]
#[must_use]
pub fn client() -> QSslSocket {
    let client = QSslSocket::new();
    client.set_ssl_configuration(trusting("ca"));
    client.set_peer_verify_name("localhost");
    client
}

/// Returns a server whose connections are sockets that are not encrypted yet. It calls `prepare`
/// with each.
///
/// # Panics
///
/// If a connection cannot be adopted.
#[must_use]
pub fn accepting(prepare: impl Fn(&QSslSocket) + 'static) -> QTcpServer {
    let server = server();
    server.set_incoming_connection(&server, move |server, descriptor| {
        let socket = QSslSocket::new();
        socket.set_socket_descriptor(descriptor).expect("a connection");
        prepare(&socket);
        server.add_pending_connection(QTcpSocket::clone(&socket));
    });
    server
}

/// Returns a TLS server with a certificate of the conformance tests.
#[must_use]
pub fn encrypting(stem: &str) -> QTcpServer {
    let configuration = identified(stem);
    accepting(move |socket| {
        socket.set_ssl_configuration(configuration.clone());
        socket.start_server_encryption();
    })
}

/// Returns the next connection of a server.
///
/// # Panics
///
/// If none comes.
#[track_caller]
#[must_use]
pub fn accepted(server: &QTcpServer) -> QSslSocket {
    wait_until(|| server.has_pending_connections());
    let socket = server.next_pending_connection().expect("a pending connection");
    socket.cast().expect("a QSslSocket")
}

/// Connects the client and waits until both ends are encrypted. Returns the accepted end.
#[track_caller]
#[must_use]
pub fn encrypt(client: &QSslSocket, server: &QTcpServer) -> QSslSocket {
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    let other = accepted(server);
    wait_until(|| client.is_encrypted() && other.is_encrypted());
    other
}

/// Counts the emissions of a signal.
#[must_use]
pub fn count<T: 'static>(signal: &qcore::Signal<T>) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    signal.connect(move |_| counted.set(counted.get() + 1));
    count
}

/// Sits between a client and a server, passes all data on and records the client's.
#[derive(Debug)]
pub struct Wire {
    /// The port to connect the client to.
    pub port: u16,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    /// Creates a wire for one connection to a server's port.
    ///
    /// # Panics
    ///
    /// In its own thread, if the server cannot be reached.
    #[must_use]
    pub fn to(server: u16) -> Self {
        let listener = listener();
        let wire = Wire { port: port_of(&listener), sent: Arc::default() };
        let sent = wire.sent.clone();
        thread::spawn(move || {
            let (client, _) = listener.accept().expect("a client");
            let server = TcpStream::connect(("127.0.0.1", server)).expect("a server");
            let (from, to) = (server.try_clone().expect("a second handle"), client.try_clone());
            let to = to.expect("a second handle");
            thread::spawn(move || hand_on(from, to, |_| ()));
            hand_on(client, server, |bytes| {
                sent.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            });
        });
        wire
    }

    /// Returns the data that the client has sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<u8> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the types of the records that the client has sent so far.
    #[must_use]
    pub fn records(&self) -> Vec<u8> {
        let sent = self.sent();
        let mut types = Vec::new();
        let mut rest = &sent[..];
        while let [kind, _, _, high, low, body @ ..] = rest {
            types.push(*kind);
            let size = usize::from(u16::from_be_bytes([*high, *low]));
            rest = body.get(size..).unwrap_or_default();
        }
        types
    }
}

fn hand_on(mut from: TcpStream, mut to: TcpStream, see: impl Fn(&[u8])) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        see(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // The other direction may still be open.
    let _ = to.shutdown(Shutdown::Write);
}

/// Makes the server encrypt its connections and make them available. Returns a second descriptor of
/// each connection, for sending data that is not TLS.
///
/// # Panics
///
/// If a connection cannot be adopted when it arrives.
#[must_use]
pub fn wires_of(server: &QTcpServer) -> Rc<RefCell<Vec<TcpStream>>> {
    let wires = Rc::new(RefCell::new(Vec::new()));
    server.set_incoming_connection(server, {
        let wires = wires.clone();
        move |server, descriptor| {
            let wire = descriptor.try_clone().expect("a descriptor");
            wires.borrow_mut().push(TcpStream::from(wire));
            let socket = QSslSocket::new();
            socket.set_ssl_configuration(identified("good"));
            socket.set_socket_descriptor(descriptor).expect("a connection");
            socket.start_server_encryption();
            server.add_pending_connection(QTcpSocket::clone(&socket));
        }
    });
    wires
}
