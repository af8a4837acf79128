//! Real proxies: `microsocks`, `danted` and `tinyproxy`. Tests whose proxy is not installed are
//! skipped.

use std::{
    env, fs,
    io::{ErrorKind, Write},
    iter,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
    time::Duration,
};

use integration::{closed_port, connection, localhost, wait_at_most, wait_until};
use qcore::QCoreApplication;
use qnetwork::{
    ProxyType, QHostAddress, QNetworkProxy, QTcpServer, QTcpSocket, QUdpSocket, SocketErrorKind,
    SocketState,
};

/// A proxy in a process of its own. Dropping it ends the process.
struct Running {
    child: Child,
    port: u16,
    config: Option<PathBuf>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Some proxies have child processes, which they end only on SIGTERM.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        if let Some(config) = &self.config {
            let _ = fs::remove_file(config);
        }
    }
}

/// Returns a port that was free a moment ago, because these programs need a fixed port. It is
/// outside of the system's range for outgoing connections. Otherwise the check whether the program
/// listens could connect to itself.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 10_000) as u16;
    let mut ports = iter::repeat_with(|| 20_000 + (first + NEXT.fetch_add(1, Relaxed)) % 10_000);
    let free =
        ports.by_ref().take(10_000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}

/// Starts the program that `command` returns for a port, and waits until it listens.
fn start(command: impl Fn(u16) -> (Command, Option<PathBuf>)) -> Option<Running> {
    for _ in 0..5 {
        let port = free_port();
        let (mut command, config) = command(port);
        let started =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = match started {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("skipped: {} is not installed", command.get_program().display());
                return None;
            }
            started => started.expect("the proxy starts"),
        };
        let mut running = Running { child, port, config };
        let mut ended = false;
        wait_until(|| {
            ended = running.child.try_wait().expect("the process exists").is_some();
            ended || TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        // Another process may have taken the port meanwhile.
        if !ended {
            return Some(running);
        }
    }
    panic!("the proxy does not keep running");
}

/// Starts `microsocks`, which asks for credentials if there are any.
fn microsocks(credentials: &[&str]) -> Option<Running> {
    start(|port| {
        let mut command = Command::new("microsocks");
        command.args(["-i", "127.0.0.1", "-p", &port.to_string()]).args(credentials);
        (command, None)
    })
}

/// Returns the path of a program's configuration file.
fn config_of(program: &str, name: &str) -> PathBuf {
    env::temp_dir().join(format!("{program}-{}-{name}.conf", std::process::id()))
}

/// Starts `danted`, which also listens and relays datagrams.
fn dante() -> Option<Running> {
    start(|port| {
        let config = config_of("danted", "open");
        let text = format!(
            "logoutput: /dev/null\ninternal: 127.0.0.1 port = {port}\nexternal: 127.0.0.1\n\
             clientmethod: none\nsocksmethod: none\n\
             client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}\n\
             socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0\n\
             command: connect bind bindreply udpassociate udpreply }}\n"
        );
        fs::write(&config, text).expect("a file");
        let mut command = Command::new("danted");
        command.arg("-f").arg(&config);
        (command, Some(config))
    })
}

/// Starts `tinyproxy` with more lines in its configuration.
fn tinyproxy(name: &str, more: &str) -> Option<Running> {
    start(|port| {
        let config = config_of("tinyproxy", name);
        let text = format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\n{more}\n");
        fs::write(&config, text).expect("a file");
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(&config);
        (command, Some(config))
    })
}

/// Returns a server that sends back all data.
fn echo(address: QHostAddress) -> QTcpServer {
    let server = QTcpServer::new();
    server.listen(address, 0).unwrap();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).ok();
            });
        }
    });
    server
}

/// Sends a megabyte through a proxy to a server and gets it back.
fn goes_through(proxy: &QNetworkProxy, host: &str) {
    // A proxy may try only the first address of a name.
    let server = echo(if host == "localhost" { localhost() } else { QHostAddress::LocalHost });
    let socket = QTcpSocket::new();
    socket.set_proxy(proxy.clone());
    socket.connect_to_host(host, server.server_port());
    let sent: Vec<u8> = (0..1 << 20).map(|at: u32| (at / 3) as u8).collect();
    socket.write(&sent).unwrap();
    wait_until(|| {
        assert_ne!(socket.state(), SocketState::Unconnected, "{}", socket.error_string());
        socket.bytes_available() == sent.len()
    });
    assert!(socket.read_all() == sent);
    socket.disconnect_from_host();
    wait_until(|| socket.state() == SocketState::Unconnected);
}

fn refused(proxy: &QNetworkProxy) -> SocketErrorKind {
    let (port, _kept) = closed_port();
    let socket = QTcpSocket::new();
    socket.set_proxy(proxy.clone());
    socket.connect_to_host("127.0.0.1", port);
    socket.wait_for_connected(20_000).unwrap_err().kind()
}

/// Connects without credentials, and gives the right ones when the slot is called.
fn asks(kind: ProxyType, port: u16) {
    let proxy = QNetworkProxy::new(kind, "127.0.0.1", port);
    assert_eq!(refused(&proxy), SocketErrorKind::ProxyAuthenticationRequired);
    let server = echo(QHostAddress::LocalHost);
    let socket = QTcpSocket::new();
    socket.set_proxy(proxy);
    socket.proxy_authentication_required.connect(|(_, authenticator)| {
        authenticator.set_user("me");
        authenticator.set_password("secret");
    });
    socket.connect_to_host("127.0.0.1", server.server_port());
    socket.wait_for_connected(20_000).unwrap();
    let proxy = QNetworkProxy::with_credentials(kind, "127.0.0.1", port, "me", "secret");
    goes_through(&proxy, "127.0.0.1");
}

#[test]
fn socks5() {
    let _app = QCoreApplication::new();
    let Some(running) = microsocks(&[]) else { return };
    let proxy = QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", running.port);
    goes_through(&proxy, "127.0.0.1");
    goes_through(&proxy, "localhost");
    assert_eq!(refused(&proxy), SocketErrorKind::ConnectionRefused);
}

#[test]
fn socks5_with_credentials() {
    let _app = QCoreApplication::new();
    let Some(running) = microsocks(&["-u", "me", "-P", "secret"]) else { return };
    let kind = ProxyType::Socks5;
    asks(kind, running.port);
    let wrong = QNetworkProxy::with_credentials(kind, "127.0.0.1", running.port, "me", "wrong");
    assert_eq!(refused(&wrong), SocketErrorKind::ProxyAuthenticationRequired);
}

#[test]
fn socks5_listening_and_datagrams() {
    let _app = QCoreApplication::new();
    let Some(running) = dante() else { return };
    let proxy = QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", running.port);
    goes_through(&proxy, "127.0.0.1");

    let server = QTcpServer::new();
    server.set_proxy(proxy.clone());
    server.accept_error.connect(|error| panic!("{error:?}"));
    server.listen(QHostAddress::Any, 0).unwrap();
    for _ in 0..3 {
        // Until the proxy listens again, there is no listener, or one at another port. No server
        // accepts a client that connects to the old port.
        let mut come = None;
        wait_until(|| {
            let Some(client) = connection(server.server_port()) else { return false };
            let port = client.local_addr().unwrap().port();
            let accepted = || server.next_pending_connection().filter(|it| it.peer_port() == port);
            let mut socket = None;
            wait_at_most(Duration::from_secs(1), || {
                socket = accepted();
                socket.is_some()
            });
            come = socket.map(|socket| (client, socket));
            come.is_some()
        });
        let (mut client, socket) = come.unwrap();
        client.write_all(b"question").unwrap();
        wait_until(|| socket.bytes_available() == 8);
        assert_eq!(socket.read_all(), b"question");
    }

    let far = QUdpSocket::new();
    far.bind(QHostAddress::LocalHost, 0).unwrap();
    let port = far.local_port();
    let bound = QUdpSocket::new();
    bound.set_proxy(proxy.clone());
    bound.bind(QHostAddress::Any, 0).unwrap();
    bound.write_datagram("question", QHostAddress::LocalHost, port).unwrap();
    let answers = |far: &QUdpSocket, socket: &QUdpSocket| {
        far.wait_for_ready_read(20_000).unwrap();
        let question = far.receive_datagram().unwrap();
        far.write_network_datagram(&question.make_reply(question.data())).unwrap();
        socket.wait_for_ready_read(20_000).unwrap();
        let (data, address, from) = socket.read_datagram(100).unwrap();
        assert_eq!((&*data, address, from), (&b"question"[..], QHostAddress::LocalHost, port));
    };
    answers(&far, &bound);
    for host in ["127.0.0.1", "localhost"] {
        let socket = QUdpSocket::new();
        socket.set_proxy(proxy.clone());
        socket.connect_to_host(host, port);
        socket.write("question").unwrap();
        answers(&far, &socket);
    }
}

#[test]
fn http() {
    let _app = QCoreApplication::new();
    let Some(running) = tinyproxy("open", "") else { return };
    let proxy = QNetworkProxy::new(ProxyType::Http, "127.0.0.1", running.port);
    goes_through(&proxy, "127.0.0.1");
    goes_through(&proxy, "localhost");
    // The proxy answers 500, which does not give the reason.
    assert_eq!(refused(&proxy), SocketErrorKind::ProxyProtocol);
}

#[test]
fn http_with_credentials() {
    let _app = QCoreApplication::new();
    let Some(running) = tinyproxy("closed", "BasicAuth me secret") else { return };
    let kind = ProxyType::Http;
    asks(kind, running.port);
    // The proxy answers 401, as if it were no proxy.
    let wrong = QNetworkProxy::with_credentials(kind, "127.0.0.1", running.port, "me", "wrong");
    assert_eq!(refused(&wrong), SocketErrorKind::ProxyProtocol);
}
