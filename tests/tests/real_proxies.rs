//! Proxies that others have written: `microsocks` and `tinyproxy`. What is not installed is skipped.

use std::{
    env, fs,
    io::ErrorKind,
    iter,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

use integration::{closed_port, server, wait_until};
use qcore::QCoreApplication;
use qnetwork::{ProxyType, QNetworkProxy, QTcpServer, QTcpSocket, SocketErrorKind, SocketState};

/// A proxy in a process of its own, which ends with it.
struct Running {
    child: Child,
    port: u16,
    config: Option<PathBuf>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait().map(drop));
        if let Some(config) = &self.config {
            let _ = fs::remove_file(config);
        }
    }
}

/// A port that was free a moment ago: these programs have to be told one. It is none that the system gives
/// to whoever connects, or looking whether the program listens could end in a connection with itself.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 10_000) as u16;
    let mut ports = iter::repeat_with(|| 20_000 + (first + NEXT.fetch_add(1, Relaxed)) % 10_000);
    let free =
        ports.by_ref().take(10_000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}

/// Starts what `command` makes for a port, and waits until it listens.
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
            started => started.expect("it can be started"),
        };
        let mut running = Running { child, port, config };
        let mut ended = false;
        wait_until(|| {
            ended = running.child.try_wait().expect("it is a child").is_some();
            ended || TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        // Somebody else may have taken the port meanwhile.
        if !ended {
            return Some(running);
        }
    }
    panic!("it does not stay");
}

/// `microsocks`, which asks for credentials if there are any.
fn microsocks(credentials: &[&str]) -> Option<Running> {
    start(|port| {
        let mut command = Command::new("microsocks");
        command.args(["-i", "127.0.0.1", "-p", &port.to_string()]).args(credentials);
        (command, None)
    })
}

/// `tinyproxy` with more lines in its configuration.
fn tinyproxy(name: &str, more: &str) -> Option<Running> {
    start(|port| {
        let file = format!("tinyproxy-{}-{name}.conf", std::process::id());
        let config = env::temp_dir().join(file);
        let text = format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\n{more}\n");
        fs::write(&config, text).expect("a file");
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(&config);
        (command, Some(config))
    })
}

/// A server that sends back what it gets.
fn echo() -> QTcpServer {
    let server = server();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).ok();
            });
        }
    });
    server
}

/// Sends a megabyte through a proxy to a server, and gets it back.
fn goes_through(proxy: &QNetworkProxy, host: &str) {
    let server = echo();
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

/// With no credentials, and right ones when the slot is asked.
fn asks(kind: ProxyType, port: u16) {
    let proxy = QNetworkProxy::new(kind, "127.0.0.1", port);
    assert_eq!(refused(&proxy), SocketErrorKind::ProxyAuthenticationRequired);
    let server = echo();
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
fn http() {
    let _app = QCoreApplication::new();
    let Some(running) = tinyproxy("open", "") else { return };
    let proxy = QNetworkProxy::new(ProxyType::Http, "127.0.0.1", running.port);
    goes_through(&proxy, "127.0.0.1");
    goes_through(&proxy, "localhost");
    // It answers 500 to that, which says nothing.
    assert_eq!(refused(&proxy), SocketErrorKind::ProxyProtocol);
}

#[test]
fn http_with_credentials() {
    let _app = QCoreApplication::new();
    let Some(running) = tinyproxy("closed", "BasicAuth me secret") else { return };
    let kind = ProxyType::Http;
    asks(kind, running.port);
    // It answers 401 to those, as if it were no proxy.
    let wrong = QNetworkProxy::with_credentials(kind, "127.0.0.1", running.port, "me", "wrong");
    assert_eq!(refused(&wrong), SocketErrorKind::ProxyProtocol);
}
