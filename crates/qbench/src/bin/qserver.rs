//! A server for benchmarks that measure from outside: `qserver udp|udp-each`,
//! `qserver echo|echo-tasks|sink|source [WORKERS]` or `qserver tls-echo|tls-sink CERT KEY`. It
//! prints `LISTENING <port>`. With a number of workers, that many threads have the connections.
//!
//! * `echo` sends back all data; `echo-tasks` does so in a task for each connection
//! * `http` answers requests with a greeting, by hyper; `http-smol` does so by the adapter of
//!   smol-hyper; both need the feature `http`
//! * `sink` reads a number (64 bits, little endian), then as many bytes, and answers with the
//!   number; it repeats this
//! * `udp` sends back all datagrams that are there at once; `udp-each` sends them back one by one
//! * `source` reads such a number and sends as many bytes; it repeats this
//! * `tls-echo` and `tls-sink` do the same over TLS

use std::{
    cell::{Cell, RefCell},
    fs,
    process::ExitCode,
    rc::Rc,
};

#[cfg(feature = "http")]
use qbench::{HyperIo, hello};
use qcore::{QCoreApplication, spawn_local};
use qnetwork::{
    EncodingFormat, KeyAlgorithm, PeerVerifyMode, QHostAddress, QNetworkDatagram, QSslCertificate,
    QSslConfiguration, QSslKey, QSslServer, QTcpServer, QTcpSocket, QUdpSocket, SocketError,
};

/// How many bytes a source keeps in its write buffer.
const AHEAD: usize = 1 << 20;

fn main() -> ExitCode {
    let app = QCoreApplication::new();
    let mode = std::env::args().nth(1);
    let serve: fn(&QTcpSocket) = match mode.as_deref() {
        Some("echo") => echo,
        Some("echo-tasks") => echo_tasks,
        #[cfg(feature = "http")]
        Some("http") => http,
        #[cfg(feature = "http")]
        Some("http-smol") => http_smol,
        Some("sink") => sink,
        Some("source") => source,
        Some("tls-echo") => echo,
        Some("tls-sink") => sink,
        Some("udp") => return serve_datagrams(&app, echo_datagrams),
        Some("udp-each") => return serve_datagrams(&app, echo_each_datagram),
        _ => {
            eprintln!(
                "usage: qserver udp|udp-each, echo|echo-tasks|sink|source|http|http-smol \
                 [WORKERS], or tls-echo|tls-sink CERT KEY"
            );
            return ExitCode::from(2);
        }
    };
    let is_tls = mode.is_some_and(|mode| mode.starts_with("tls"));
    let workers = std::env::args().nth(2).filter(|_| !is_tls);
    let workers: usize = workers.and_then(|number| number.parse().ok()).unwrap_or(0);
    let server = if is_tls {
        let server = QSslServer::new();
        match configuration() {
            Some(configuration) => server.set_ssl_configuration(configuration),
            None => {
                eprintln!("qserver: no certificate and key");
                return ExitCode::FAILURE;
            }
        }
        QTcpServer::clone(&server)
    } else {
        QTcpServer::new()
    };
    server.set_max_pending_connections(i32::MAX);
    if workers > 0 {
        server.set_workers(workers, move || {
            let server = QTcpServer::new();
            take_connections(&server, serve);
            server
        });
    } else {
        take_connections(&server, serve);
    }
    if let Err(error) = server.listen(QHostAddress::LocalHost, 0) {
        eprintln!("qserver: {error}");
        return ExitCode::FAILURE;
    }
    println!("LISTENING {}", server.server_port());
    ExitCode::from(app.exec() as u8)
}

fn take_connections(server: &QTcpServer, serve: fn(&QTcpSocket)) {
    server.new_connection.connect_to(server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
            serve(&socket);
        }
    });
}

/// Returns the configuration with the certificate and key from the command line.
fn configuration() -> Option<QSslConfiguration> {
    let mut files = std::env::args().skip(2);
    let chain = QSslCertificate::from_path(files.next()?, EncodingFormat::Pem).ok()?;
    let pem = fs::read(files.next()?).ok()?;
    let mut keys = [KeyAlgorithm::Rsa, KeyAlgorithm::Ec, KeyAlgorithm::Opaque]
        .map(|algorithm| QSslKey::new(&pem, algorithm, EncodingFormat::Pem))
        .into_iter()
        .filter(|key| !key.is_null());
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_local_certificate_chain(chain);
    configuration.set_private_key(keys.next()?);
    // The servers that this one is compared with do the same.
    configuration.set_peer_verify_mode(PeerVerifyMode::None);
    Some(configuration)
}

thread_local! {
    /// The memory that slots read into. The servers that this one is compared with do not zero
    /// theirs for each read, either.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

fn echo(socket: &QTcpSocket) {
    socket.ready_read.connect_to(socket, |socket, ()| {
        BUFFER.with_borrow_mut(|buffer| {
            while let Ok(count @ 1..) = socket.read_into(&mut buffer[..16 * 1024]) {
                socket.write(&buffer[..count]).ok();
            }
        });
    });
}

fn echo_tasks(socket: &QTcpSocket) {
    let mut stream = socket.stream();
    spawn_local(async move {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            if stream.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    });
}

#[cfg(feature = "http")]
fn http(socket: &QTcpSocket) {
    serve_http(HyperIo::new(socket.stream()));
}

#[cfg(feature = "http")]
fn http_smol(socket: &QTcpSocket) {
    serve_http(smol_hyper::rt::FuturesIo::new(socket.stream()));
}

#[cfg(feature = "http")]
fn serve_http(stream: impl hyper::rt::Read + hyper::rt::Write + Unpin + 'static) {
    use hyper::{server::conn::http1, service::service_fn};

    let connection = http1::Builder::new().serve_connection(stream, service_fn(hello));
    spawn_local(async move { connection.await.ok() });
}

fn serve_datagrams(app: &QCoreApplication, serve: fn(&QUdpSocket)) -> ExitCode {
    let socket = QUdpSocket::new();
    serve(&socket);
    if let Err(error) = socket.bind(QHostAddress::LocalHost, 0) {
        eprintln!("qserver: {error}");
        return ExitCode::FAILURE;
    }
    println!("LISTENING {}", socket.local_port());
    ExitCode::from(app.exec() as u8)
}

fn echo_datagrams(socket: &QUdpSocket) {
    let datagrams = RefCell::new(vec![QNetworkDatagram::default(); 32]);
    socket.ready_read.connect_to(socket, move |socket, ()| {
        let mut datagrams = datagrams.borrow_mut();
        loop {
            let count = socket.receive_datagrams_into(&mut datagrams);
            if count == 0 {
                break;
            }
            for datagram in &mut datagrams[..count] {
                let port = datagram.sender_port().unwrap_or(0);
                datagram.set_destination(datagram.sender_address(), port);
                datagram.set_sender(QHostAddress::Null, 0);
                datagram.set_interface_index(0);
                datagram.set_hop_limit(None);
            }
            socket.write_datagrams(&datagrams[..count]).ok();
        }
    });
}

fn echo_each_datagram(socket: &QUdpSocket) {
    socket.ready_read.connect_to(socket, |socket, ()| {
        let mut buffer = [0; 2048];
        while socket.has_pending_datagrams() {
            let received = socket.read_datagram_into(&mut buffer);
            let sent: Result<usize, SocketError> = received.and_then(|(count, host, port)| {
                socket.write_datagram(&buffer[..count], host, port)
            });
            sent.ok();
        }
    });
}

fn sink(socket: &QTcpSocket) {
    let (total, left) = (Cell::new(0), Cell::new(0u64));
    socket.ready_read.connect_to(socket, move |socket, ()| {
        loop {
            if left.get() == 0 {
                let Some(number) = read_number(socket) else { return };
                total.set(number);
                left.set(number);
            }
            let Ok(bytes) = socket.fill_buf() else { return };
            let count = bytes.len().min(usize::try_from(left.get()).unwrap_or(usize::MAX));
            if count == 0 {
                return;
            }
            bytes.consume(count);
            left.set(left.get() - count as u64);
            if left.get() == 0 {
                socket.write(total.get().to_le_bytes()).ok();
            }
        }
    });
}

fn source(socket: &QTcpSocket) {
    let left = Rc::new(Cell::new(0u64));
    let more = left.clone();
    socket.bytes_written.connect_to(socket, move |socket, _| supply(socket, &more));
    socket.ready_read.connect_to(socket, move |socket, ()| {
        while let Some(number) = read_number(socket) {
            left.set(left.get() + number);
        }
        supply(socket, &left);
    });
}

fn supply(socket: &QTcpSocket, left: &Cell<u64>) {
    static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];
    while left.get() > 0 && socket.bytes_to_write() < AHEAD {
        let count = ZEROS.len().min(usize::try_from(left.get()).unwrap_or(usize::MAX));
        if socket.write_chunk(&ZEROS[..count]).is_err() {
            return;
        }
        left.set(left.get() - count as u64);
    }
}

fn read_number(socket: &QTcpSocket) -> Option<u64> {
    let mut number = [0; 8];
    if socket.bytes_available() < 8 {
        return None;
    }
    socket.read_into(&mut number).ok()?;
    Some(u64::from_le_bytes(number))
}
