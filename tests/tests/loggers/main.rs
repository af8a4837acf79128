//! A logger or message handler is the program's code: it may do anything, at any point of the
//! library's work.
//!
//! These loggers log at the lowest level, so that they also get the records of mio and rustls. With
//! each record they use all existing objects, create others, look up names, and run the loop.

mod acting;

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    os::fd::OwnedFd,
    os::unix::net::UnixStream,
    rc::Rc,
    sync::Once,
    time::Duration,
};

use integration::{
    Socks5Proxy, closed_port, connected_to, pair, pair_of, run_for, server, tls, wait_until,
};
use qcore::{
    NotifierType, ProcessEventsFlags, QCoreApplication, QSocketNotifier, QTimer,
    install_message_handler,
};
use qnetwork::{
    QAbstractSocket, QHostAddress, QHostInfo, QLocalServer, QLocalSocket, QNetworkInterface,
    QSslConfiguration, QTcpServer, QTcpSocket, QUdpSocket, SocketOption, SocketState,
};

thread_local! {
    /// The objects that this thread's logger uses, if it does anything.
    static USED: RefCell<Option<Used>> = const { RefCell::new(None) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
    static RECORDS: Cell<u32> = const { Cell::new(0) };
    /// What this thread's logger does with each record, beside using the objects.
    static ACT: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

#[derive(Clone)]
struct Used {
    sockets: Rc<RefCell<Vec<QAbstractSocket>>>,
    servers: Rc<RefCell<Vec<QTcpServer>>>,
    port: u16,
    runs_the_loop: bool,
}

fn interfere() {
    /// An act may panic.
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            BUSY.set(false);
        }
    }
    if BUSY.replace(true) {
        return;
    }
    let _done = Done;
    RECORDS.set(RECORDS.get() + 1);
    // The loop of a thread that ends may log after these variables are gone.
    let act = ACT.try_with(|act| act.borrow().clone());
    if let Ok(Some(act)) = act {
        act();
    }
    let used = USED.try_with(|used| used.borrow().clone());
    if let Ok(Some(used)) = used {
        let sockets = used.sockets.borrow().clone();
        for socket in &sockets {
            let _ = (socket.state(), socket.error(), socket.error_string(), socket.is_valid());
            let _ = (socket.bytes_available(), socket.bytes_to_write(), socket.can_read_line());
            let _ = (socket.local_address(), socket.peer_port(), socket.peer_name());
            let _ = (socket.socket_option(SocketOption::LowDelay), socket.peek(3));
            socket.set_socket_option(SocketOption::KeepAlive, 1);
            socket.flush();
        }
        let servers = used.servers.borrow().clone();
        for server in &servers {
            let _ = (server.server_port(), server.has_pending_connections(), server.is_listening());
        }
        let other = QTcpSocket::new();
        other.connect_to_host("127.0.0.1", used.port);
        let datagrams = QUdpSocket::new();
        let _ = datagrams.write_datagram(b"x", QHostAddress::LocalHost, used.port);
        let _ = QHostInfo::from_name("127.0.0.1");
        let _ = QNetworkInterface::all_interfaces();
        let _ = QSslConfiguration::system_ca_certificates();
        QTimer::single_shot(0, || ());
        if used.runs_the_loop {
            QCoreApplication::new().process_events_with_flags(ProcessEventsFlags::ALL_EVENTS);
        }
        other.abort();
    }
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        // Formats each record, too.
        let _ = record.args().to_string();
        interfere();
    }

    fn flush(&self) {}
}

/// Makes each record logged in this thread interfere with the sockets in the returned value.
fn interfering(runs_the_loop: bool) -> Used {
    install();
    let port = server().server_port();
    let (sockets, servers) = (Rc::default(), Rc::default());
    let used = Used { sockets, servers, port, runs_the_loop };
    USED.set(Some(used.clone()));
    used
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Logger).expect("no other logger");
        log::set_max_level(log::LevelFilter::Trace);
        install_message_handler(Some(Box::new(|_, _| interfere())));
    });
}

/// Ends the interference. Returns the number of records.
fn end() -> u32 {
    USED.set(None);
    RECORDS.take()
}

fn all_kinds(runs_the_loop: bool) {
    let _app = QCoreApplication::new();
    let used = interfering(runs_the_loop);
    let add = |socket: &QAbstractSocket| used.sockets.borrow_mut().push(socket.clone());

    // TCP, with calls that warn: a write to a closed device, a second connect.
    let tcp = server();
    used.servers.borrow_mut().push(tcp.clone());
    let (accepted, client) = pair_of(&tcp);
    add(&accepted);
    add(&client);
    accepted.ready_read.connect_to(&accepted, |socket, ()| {
        socket.write(socket.read_all()).ok();
    });
    client.write(vec![7; 300_000]).unwrap();
    wait_until(|| client.bytes_available() == 300_000);
    client.connect_to_host("127.0.0.1", used.port);
    client.disconnect_from_host();
    wait_until(|| accepted.state() == SocketState::Unconnected);
    assert!(client.write("too late").is_err());
    assert!(tcp.listen(QHostAddress::LocalHost, 0).is_err());
    let (port, _guard) = closed_port();
    client.connect_to_host("127.0.0.1", port);
    wait_until(|| client.state() == SocketState::Unconnected);
    tcp.close();
    tcp.listen(QHostAddress::LocalHost, 0).unwrap();

    // A name, which the worker threads look up.
    let named = QTcpSocket::new();
    add(&named);
    named.connect_to_host("localhost", tcp.server_port());
    wait_until(|| named.state() == SocketState::Connected);
    named.abort();

    // A socket that adopts another descriptor, one that is deleted in its own slot, and one that is
    // dropped.
    let (adopting, mut stream) = pair();
    add(&adopting);
    adopting.ready_read.connect_to(&adopting, |socket, ()| socket.delete_later());
    stream.write_all(b"x").unwrap();
    wait_until(|| adopting.is_deleted());
    assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0);
    let other = listened(&tcp);
    adopting.set_socket_descriptor(other).ok();
    drop(connected_to(tcp.server_port()));

    // Datagrams.
    let (one, two) = (QUdpSocket::new(), QUdpSocket::new());
    add(&one);
    add(&two);
    one.bind(QHostAddress::LocalHost, 0).unwrap();
    two.bind(QHostAddress::LocalHost, 0).unwrap();
    for _ in 0..10 {
        two.write_datagram(b"datagram", QHostAddress::LocalHost, one.local_port()).unwrap();
    }
    wait_until(|| one.has_pending_datagrams());
    assert_eq!(one.receive_datagram().unwrap().data(), b"datagram");
    assert!(one.bind(QHostAddress::LocalHost, 0).is_err());

    // Local sockets.
    let local = QLocalServer::new();
    let name = format!("logged-{}-{runs_the_loop}", std::process::id());
    local.listen(&name).unwrap();
    let near = QLocalSocket::new();
    near.connect_to_server(&name);
    wait_until(|| local.has_pending_connections());
    near.write("hello").unwrap();
    let far = local.next_pending_connection().unwrap();
    wait_until(|| far.bytes_available() == 5);
    near.disconnect_from_server();
    local.close();

    // A notifier.
    let (reader, mut writer) = UnixStream::pair().unwrap();
    let notifier = QSocketNotifier::try_new(OwnedFd::from(reader), NotifierType::Read).unwrap();
    let told = Rc::new(Cell::new(0));
    notifier.activated.connect_to(&told, |told, _| told.set(told.get() + 1));
    writer.write_all(b"x").unwrap();
    wait_until(|| told.get() > 2);
    notifier.set_enabled(false);
    notifier.set_enabled(true);
    drop(notifier);

    // Through a proxy.
    let proxy = Socks5Proxy::start();
    let proxied = QTcpSocket::new();
    add(&proxied);
    proxied.set_proxy(proxy.proxy());
    proxied.connect_to_host("127.0.0.2", port);
    wait_until(|| proxied.state() == SocketState::Unconnected);

    run_for(Duration::from_millis(5));
    assert!(end() > 20, "mio logs every registration");
}

fn listened(server: &QTcpServer) -> OwnedFd {
    let stream = std::net::TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    stream.into()
}

#[test]
fn a_logger_that_uses_everything() {
    all_kinds(false);
}

#[test]
fn a_logger_that_runs_the_loop() {
    all_kinds(true);
}

/// rustls logs in the middle of a handshake.
fn encrypted(runs_the_loop: bool) {
    let _app = QCoreApplication::new();
    let used = interfering(runs_the_loop);
    let server = tls::encrypting("good");
    for _ in 0..3 {
        let client = tls::client();
        used.sockets.borrow_mut().push(QAbstractSocket::clone(&client));
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        let other = tls::accepted(&server);
        used.sockets.borrow_mut().push(QAbstractSocket::clone(&other));
        wait_until(|| client.is_encrypted() && other.is_encrypted());
        client.write(vec![1; 100_000]).unwrap();
        wait_until(|| other.bytes_available() == 100_000);
        client.disconnect_from_host();
        wait_until(|| other.state() == SocketState::Unconnected);
    }
    assert!(end() > 20);
}

#[test]
fn a_logger_that_uses_encrypted_sockets() {
    encrypted(false);
}

#[test]
fn a_logger_that_runs_the_loop_of_encrypted_sockets() {
    encrypted(true);
}

/// A worker looks the name up. The loop reports that there is no such name.
#[test]
fn a_handler_of_messages_that_looks_names_up() {
    let _app = QCoreApplication::new();
    let _used = interfering(false);
    for _ in 0..50 {
        let done = Rc::new(Cell::new(false));
        QHostInfo::lookup_host("localhost", &done, |done, _| done.set(true));
        wait_until(|| done.get());
    }
    end();
}
