//! Slots of every signal that end the connection, in every way. `closed` comes once for each
//! connection, after all its other signals.
//!
//! A program makes a connection, exchanges bytes, lets two calls fail without ending the
//! connection, and ends it. One of its slots acts, the first time that it is called.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use integration::local::Dir;
use qcore::{QEventLoop, QObject, QTimer, Signal, run_for};
use qnetwork::{
    ProxyType, QHostAddress, QNetworkProxy, QSslConfiguration, QSslServer, QSslSocket, QTcpServer,
    QTcpSocket, SocketErrorKind, SocketState, TimeoutKind,
    simulation::{self, Network, Simulation},
};

use super::{
    conn::Conn,
    driver::until,
    proxy,
    streams::{CLIENT, Listener, SERVER, Scene, Transport},
};

const LIMIT: Duration = Duration::from_secs(100);

/// What the slot does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Nothing,
    Abort,
    Close,
    Disconnect,
    DeleteLater,
    /// The parent dies.
    Destroy,
    /// Waits for data that does not come.
    Wait,
    /// Runs a loop, in which a timer aborts the connection.
    Loop,
    /// Aborts the connection and makes another one.
    Reconnect,
}

const ACTS: [Act; 9] = [
    Act::Nothing,
    Act::Abort,
    Act::Close,
    Act::Disconnect,
    Act::DeleteLater,
    Act::Destroy,
    Act::Wait,
    Act::Loop,
    Act::Reconnect,
];

/// How the program ends the connection.
#[derive(Clone, Copy, Debug)]
enum End {
    Disconnect,
    Abort,
    Remote,
    Reset,
    TimeOut,
    /// Nobody listens, so there is no connection.
    Refused,
    /// The client trusts nobody, so an encrypted connection fails.
    Distrusted,
}

const ENDS: [End; 7] = [
    End::Disconnect,
    End::Abort,
    End::Remote,
    End::Reset,
    End::TimeOut,
    End::Refused,
    End::Distrusted,
];

/// Calls `note` with the name of each signal that the socket emits.
fn listen(conn: &Conn, note: &Rc<dyn Fn(&str)>) {
    fn on<T: 'static>(signal: &Signal<T>, name: &'static str, note: &Rc<dyn Fn(&str)>) {
        let note = note.clone();
        signal.connect(move |_| note(name));
    }
    let device = conn.device();
    on(&device.ready_read, "ready_read", note);
    on(&device.bytes_written, "bytes_written", note);
    on(&device.channel_ready_read, "channel_ready_read", note);
    on(&device.channel_bytes_written, "channel_bytes_written", note);
    on(&device.read_channel_finished, "read_channel_finished", note);
    on(&device.about_to_close, "about_to_close", note);
    on(&device.destroyed, "destroyed", note);
    macro_rules! common {
        ($socket:expr) => {
            on(&$socket.connected, "connected", note);
            on(&$socket.disconnected, "disconnected", note);
            on(&$socket.error, "error", note);
            on(&$socket.error_occurred, "error_occurred", note);
            on(&$socket.closed, "closed", note);
            let states = note.clone();
            $socket.state_changed.connect(move |state| states(&format!("{state:?}")));
        };
    }
    match conn {
        Conn::Local(socket) => {
            common!(socket);
        }
        Conn::Inet(socket) => {
            common!(socket);
            on(&socket.host_found, "host_found", note);
            if let Some(socket) = socket.cast::<QSslSocket>() {
                on(&socket.encrypted, "encrypted", note);
                on(&socket.mode_changed, "mode_changed", note);
                on(&socket.peer_verify_error, "peer_verify_error", note);
                on(&socket.ssl_errors, "ssl_errors", note);
                on(&socket.encrypted_bytes_written, "encrypted_bytes_written", note);
            }
        }
    }
}

/// One run of the program.
struct Program {
    conn: Conn,
    parent: RefCell<Option<QObject>>,
    names: RefCell<Vec<String>>,
    scene: Scene,
}

impl Program {
    fn act(&self, act: Act) {
        let conn = &self.conn;
        match act {
            Act::Nothing => {}
            Act::Abort => conn.abort(),
            Act::Close => conn.device().close(),
            Act::Disconnect => conn.disconnect(),
            Act::DeleteLater => conn.device().delete_later(),
            Act::Destroy => drop(self.parent.take()),
            Act::Wait => drop(conn.wait_for_ready_read(5)),
            Act::Loop => {
                let event_loop = QEventLoop::new();
                let (inner, conn) = (event_loop.clone(), conn.clone());
                QTimer::single_shot(5, move || {
                    conn.abort();
                    inner.quit();
                });
                event_loop.exec();
            }
            Act::Reconnect => {
                conn.abort();
                self.scene.connect(conn);
            }
        }
    }

    /// Uses a connection until it ends.
    fn go(&self, listener: Option<&Listener>, end: End) {
        let conn = &self.conn;
        let is_over = || conn.device().is_deleted() || conn.state() == SocketState::Unconnected;
        until(LIMIT, || conn.is_ready() || is_over());
        // Of several connections the last one is ours.
        let others = RefCell::<Vec<Conn>>::default();
        let next = || listener.and_then(Listener::next);
        let accept = || others.borrow_mut().extend(std::iter::from_fn(next));
        let is_accepted = || {
            accept();
            others.borrow().last().is_some_and(|other| other.is_ready())
        };
        if !is_over() {
            until(LIMIT, || is_over() || is_accepted());
        }
        let other = others.borrow().last().cloned();
        let Some(other) = other.filter(|_| !is_over()) else { return };
        let _ = conn.write(b"hello");
        // The call encrypts; the loop sends.
        run_for(20);
        let _ = other.write(b"world");
        run_for(20);
        // The time-out of a wait and a refused call are errors that end nothing.
        let _ = conn.write(b"more");
        conn.wait_for_ready_read(1);
        conn.wait_for_bytes_written(1);
        if !is_over() {
            self.scene.connect(conn);
        }
        if is_over() {
            return;
        }
        match end {
            End::Disconnect => conn.disconnect(),
            End::Abort => conn.abort(),
            End::Remote => other.disconnect(),
            End::Reset => other.abort(),
            End::TimeOut => conn.set_timeout(TimeoutKind::IdleRead, 10),
            End::Refused | End::Distrusted => panic!("it is connected"),
        }
        until(LIMIT, is_over);
        accept();
    }
}

/// Returns what is wrong with these signals. `signal` has called the slot that acts.
fn problem(names: &[String], is_local: bool, signal: &str, act: Act) -> Option<&'static str> {
    let first = if is_local { "Connecting" } else { "HostLookup" };
    let (mut begun, mut closed) = (0, 0);
    for name in names {
        match &**name {
            name if name == first => {
                if closed != begun {
                    return Some("the next connection comes before `closed`");
                }
                begun += 1;
            }
            "closed" => closed += 1,
            _ => {}
        }
        if closed > begun {
            return Some("`closed` comes too often");
        }
    }
    if closed != begun {
        return Some("`closed` is missing");
    }
    // A program may close the device of a socket that has ended.
    let last = names.iter().rfind(|name| !["destroyed", "about_to_close"].contains(&&***name));
    match last {
        // As in Qt, the second signal for an error comes even if a slot of the first one has
        // connected again.
        Some(name) if name == "error_occurred" && signal == "error" && act == Act::Reconnect => {
            None
        }
        Some(name) if name != "closed" => Some("`closed` is not the last signal"),
        _ => None,
    }
}

fn run(net: &Network, transport: Transport, signal: &str, act: Act, end: End) -> Vec<String> {
    let dir = Dir::new();
    let (scene, _hosts) = Scene::new(net, transport, false, &dir);
    let listener = (!matches!(end, End::Refused)).then(|| scene.listen());
    let parent = QObject::new();
    let conn = scene.client();
    if let (End::Distrusted, Conn::Inet(socket)) = (end, &conn) {
        let socket: QSslSocket = socket.cast().expect("it encrypts");
        socket.set_ssl_configuration(QSslConfiguration::default_configuration());
    }
    conn.device().set_parent(Some(&parent));
    let parent = RefCell::new(Some(parent));
    let program = Rc::new(Program { conn, parent, names: RefCell::default(), scene });
    let note: Rc<dyn Fn(&str)> = {
        let program = Rc::downgrade(&program);
        Rc::new(move |name| {
            program.upgrade().unwrap().names.borrow_mut().push(name.to_owned());
        })
    };
    listen(&program.conn, &note);
    let react: Rc<dyn Fn(&str)> = {
        let (program, signal, has_acted) =
            (Rc::downgrade(&program), signal.to_owned(), Cell::new(false));
        Rc::new(move |name| {
            if name == signal && !has_acted.replace(true) {
                program.upgrade().unwrap().act(act);
            }
        })
    };
    listen(&program.conn, &react);
    program.scene.connect(&program.conn);
    // The slot may make a second connection, which must be as good as the first one.
    for _ in 0..3 {
        program.go(listener.as_ref(), end);
    }
    // A slot of the last signal may make a connection.
    let parent = program.parent.take();
    drop(parent);
    run_for(1);
    program.names.take()
}

fn check(transport: Transport) {
    let run = |signal: &str, act: Act, end: End| {
        Simulation::new(1).run(|net| run(net, transport, signal, act, end))
    };
    let is_local = transport == Transport::Local;
    let mut wrong = Vec::new();
    for end in ENDS {
        if matches!(end, End::Distrusted) && !transport.encrypts() {
            continue;
        }
        let mut signals = run("", Act::Nothing, end);
        let wrong_already = problem(&signals, is_local, "", Act::Nothing);
        assert_eq!(wrong_already, None, "{end:?}: {signals:?}");
        signals.sort();
        signals.dedup();
        for signal in signals {
            for act in ACTS {
                let names = run(&signal, act, end);
                if let Some(problem) = problem(&names, is_local, &signal, act) {
                    wrong.push(format!("{act:?} in {signal}, {end:?}: {problem}: {names:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} runs of {transport:?}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn tcp() {
    check(Transport::Tcp);
}

#[test]
fn local() {
    check(Transport::Local);
}

#[test]
fn encrypted() {
    check(Transport::Ssl);
}

#[test]
fn through_a_socks5_proxy() {
    check(Transport::Socks5);
}

#[test]
fn through_an_http_proxy() {
    check(Transport::Http);
}

#[test]
fn encrypted_through_a_proxy() {
    check(Transport::SslOverSocks5);
}

// ---- single cases

/// A TLS client and its server on the main host.
fn tls_pair() -> (QSslSocket, QSslServer) {
    let server = QSslServer::new();
    server.set_ssl_configuration(SERVER.clone());
    server.listen(QHostAddress::Any, 443).unwrap();
    let client = QSslSocket::new();
    client.set_ssl_configuration(CLIENT.clone());
    client.set_peer_verify_name("localhost");
    (client, server)
}

fn encrypt(client: &QSslSocket) {
    client.connect_to_host_encrypted("127.0.0.1", 443);
    assert!(until(LIMIT, || client.is_encrypted()), "{}", client.error_string());
}

/// Records the signals of a socket.
fn names_of(socket: &QTcpSocket) -> Rc<RefCell<Vec<String>>> {
    let names = Rc::<RefCell<Vec<String>>>::default();
    let list = names.clone();
    let note: Rc<dyn Fn(&str)> = Rc::new(move |name| list.borrow_mut().push(name.to_owned()));
    listen(&Conn::Inet(socket.clone()), &note);
    names
}

/// The time-out of a wait makes the outer socket encrypt what was written meanwhile.
#[test]
fn a_slot_that_aborts_before_the_error_of_a_wait() {
    Simulation::new(1).run(|_| {
        let (client, _server) = tls_pair();
        encrypt(&client);
        let names = names_of(&client);
        let has_written = Cell::new(false);
        client.encrypted_bytes_written.connect_to(&client, move |client, _| {
            if !has_written.replace(true) {
                client.write("more").unwrap();
                client.bytes_written.connect_to(client, |client, _| client.abort());
            }
        });
        client.write("some").unwrap();
        client.wait_for_disconnected(5).unwrap_err();
        assert!(names.borrow().contains(&"error_occurred".to_owned()), "{names:?}");
        assert_eq!(names.borrow().last().unwrap(), "closed", "{names:?}");
    });
}

/// Two errors report that encryption cannot start.
#[test]
fn a_slot_that_aborts_when_encryption_cannot_start() {
    Simulation::new(1).run(|_| {
        let server = QTcpServer::new();
        server.listen(QHostAddress::Any, 443).unwrap();
        let client = QSslSocket::new();
        client.connect_to_host("127.0.0.1", 443);
        client.wait_for_connected(1000).unwrap();
        let names = names_of(&client);
        client.error_occurred.connect_to(&client, |client, _| client.abort());
        let mut configuration = SERVER.clone();
        configuration.set_ocsp_stapling_enabled(true); // only clients can
        client.set_ssl_configuration(configuration);
        client.start_server_encryption();
        let errors = names.borrow().iter().filter(|name| *name == "error_occurred").count();
        assert_eq!(errors, 2, "{names:?}");
        assert_eq!(names.borrow().last().unwrap(), "closed", "{names:?}");
    });
}

/// A connection that a slot of the previous one's end has begun stays.
#[test]
fn a_slot_that_connects_again_while_tls_closes() {
    Simulation::new(1).run(|_| {
        let (client, _server) = tls_pair();
        encrypt(&client);
        let once = Cell::new(true);
        client.state_changed.connect_to(&client, move |client, state| {
            if *state == SocketState::Closing && once.replace(false) {
                client.abort();
                client.connect_to_host_encrypted("127.0.0.1", 443);
            }
        });
        client.disconnect_from_host();
        assert!(until(LIMIT, || client.is_encrypted()), "{}", client.error_string());
        run_for(100);
        assert_eq!(client.state(), SocketState::Connected);
    });
}

/// A slot of `mode_changed` makes another connection and waits until it is encrypted.
#[test]
fn a_slot_that_connects_again_when_encryption_starts() {
    Simulation::new(1).run(|net| {
        net.host("server", "10.0.0.1").start(|| {
            let app = qcore::QCoreApplication::new();
            let server = QSslServer::new();
            server.set_ssl_configuration(SERVER.clone());
            server.listen(QHostAddress::Any, 443).unwrap();
            app.exec();
        });
        let client = QSslSocket::new();
        client.set_ssl_configuration(CLIENT.clone());
        client.set_peer_verify_name("localhost");
        let once = Cell::new(true);
        client.mode_changed.connect_to(&client, move |client, _| {
            if once.replace(false) {
                client.abort();
                client.connect_to_host_encrypted("10.0.0.1", 443);
                client.wait_for_encrypted(1000).unwrap();
            }
        });
        client.connect_to_host_encrypted("10.0.0.1", 443);
        assert!(until(LIMIT, || client.is_encrypted()), "{}", client.error_string());
        run_for(100);
        assert_eq!(client.state(), SocketState::Connected, "{}", client.error_string());
        assert_eq!(client.error(), SocketErrorKind::Unknown);
    });
}

/// A slot of `HostLookup` or `Connecting` aborts the attempt and connects to another host. Only
/// that one gets a connection, and only one.
#[test]
fn a_slot_that_connects_to_another_host() {
    for is_proxied in [false, true] {
        for state in [SocketState::HostLookup, SocketState::Connecting] {
            let counts = Simulation::new(1).run(|net| connect_to_another(net, is_proxied, state));
            assert_eq!(counts, [0, 1], "proxied: {is_proxied}, in {state:?}");
        }
    }
}

fn connect_to_another(net: &Network, is_proxied: bool, state: SocketState) -> [usize; 2] {
    if is_proxied {
        net.host("proxy", "10.0.0.9").start(|| proxy::serve(ProxyType::Socks5));
    }
    let counts = ["one", "two"].map(|_| std::sync::Arc::new(AtomicUsize::new(0)));
    for (name, count) in ["one", "two"].iter().zip(&counts) {
        let count = count.clone();
        let address = if *name == "one" { "10.0.0.1" } else { "10.0.0.2" };
        net.host(name, address).start(move || {
            let app = qcore::QCoreApplication::new();
            let server = QTcpServer::new();
            server.new_connection.connect(move |()| {
                count.fetch_add(1, Relaxed);
            });
            server.listen(QHostAddress::Any, 80).unwrap();
            app.exec();
        });
    }
    simulation::sleep(Duration::from_millis(1));
    let socket = QTcpSocket::new();
    if is_proxied {
        socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "10.0.0.9", proxy::PORT));
    }
    let once = Cell::new(true);
    socket.state_changed.connect_to(&socket, move |socket, now| {
        if *now == state && once.replace(false) {
            socket.abort();
            socket.connect_to_host("two", 80);
        }
    });
    socket.connect_to_host("one", 80);
    assert!(until(LIMIT, || socket.state() == SocketState::Connected), "{}", socket.error_string());
    run_for(1000);
    assert_eq!(socket.peer_name(), "two");
    counts.map(|count| count.load(Relaxed))
}

/// The peer sends nothing and does not close, so a wait for it would never end.
#[test]
fn waits_when_encryption_cannot_start() {
    Simulation::new(1).run(|_| {
        let server = QTcpServer::new();
        server.listen(QHostAddress::Any, 443).unwrap();
        let client = QSslSocket::new();
        client.connect_to_host("127.0.0.1", 443);
        client.wait_for_connected(1000).unwrap();
        let mut configuration = SERVER.clone();
        configuration.set_ocsp_stapling_enabled(true); // only clients can
        client.set_ssl_configuration(configuration);
        client.start_server_encryption();
        let before = simulation::now();
        let failed = client.wait_for_encrypted(100_000).unwrap_err();
        assert_eq!(failed, SocketErrorKind::SslInternal);
        assert_eq!(client.wait_for_ready_read(100_000).unwrap_err(), failed);
        assert_eq!(client.wait_for_bytes_written(100_000).unwrap_err(), failed);
        assert_eq!(simulation::now(), before, "nothing waits for the peer");
        // The connection is there, so waiting for its end is possible.
        let late = client.wait_for_disconnected(1000).unwrap_err();
        assert_eq!(late, SocketErrorKind::SocketTimeout);
        assert!(until(LIMIT, || server.has_pending_connections()));
        server.next_pending_connection().unwrap().abort();
        client.wait_for_disconnected(1000).unwrap();
    });
}
