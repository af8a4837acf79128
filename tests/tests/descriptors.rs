//! Running out of descriptors. Each test has a process of its own, which may have 40.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::Write,
    net::TcpStream,
    os::unix::net::UnixStream,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use integration::{CpuClock, in_child, listener, local, port_of, run_for, server, tls, wait_until};
use qcore::{Dispatcher, NotifierType, QCoreApplication, QSocketNotifier, QTimer};
use qnetwork::{
    QHostAddress, QSslServer, QTcpServer, QTcpSocket, Reconnector, ReconnectorState,
    SocketErrorKind, SocketState,
};

const DESCRIPTORS: usize = 40;

/// Opens files until there are no free descriptors.
fn take_all() -> Vec<File> {
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
        assert!(taken.len() <= DESCRIPTORS);
    }
    assert!(!taken.is_empty());
    taken
}

#[test]
fn connecting() {
    if !in_child!("connecting", DESCRIPTORS) {
        return;
    }
    let listener = listener();
    let socket = QTcpSocket::new();
    let errors = Rc::new(RefCell::new(Vec::new()));
    socket.error_occurred.connect_to(&errors, |errors, kind| errors.borrow_mut().push(*kind));
    let taken = take_all();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(*errors.borrow(), [SocketErrorKind::SocketResource]);
    assert_eq!(socket.error_string(), "Out of resources");
    drop(taken);
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Connected);
}

#[test]
fn binding() {
    if !in_child!("binding", DESCRIPTORS) {
        return;
    }
    let socket = QTcpSocket::new();
    let errors = Rc::new(Cell::new(0));
    socket.error_occurred.connect_to(&errors, |errors, _| errors.set(errors.get() + 1));
    let taken = take_all();
    let error = socket.bind(QHostAddress::LocalHost, 0).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketResource);
    assert_eq!((socket.state(), socket.socket_descriptor()), (SocketState::Unconnected, None));
    assert_eq!((socket.error(), errors.get()), (SocketErrorKind::SocketResource, 0));
    drop(taken);
    assert_eq!(socket.bind(QHostAddress::LocalHost, 0), Ok(()));
}

#[test]
fn listening() {
    if !in_child!("listening", DESCRIPTORS) {
        return;
    }
    let server = QTcpServer::new();
    let taken = take_all();
    let error = server.listen(QHostAddress::LocalHost, 0).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketResource);
    assert!(!server.is_listening());
    drop(taken);
    assert_eq!(server.listen(QHostAddress::LocalHost, 0), Ok(()));
}

/// Connects three clients to a server while there are no descriptors. The server must not spin,
/// and it must accept them when there are descriptors again.
fn accepting<C>(
    connect: impl Fn() -> C,
    has_failed: impl Fn() -> bool,
    mut accept: impl FnMut() -> usize,
) {
    // The loop has created its poll by now.
    run_for(Duration::from_millis(1));
    let cpu = CpuClock::new();
    let mut taken = take_all();
    taken.truncate(taken.len() - 3);
    let clients: Vec<_> = (0..3).map(|_| connect()).collect();
    wait_until(&has_failed);

    let before = cpu.now();
    run_for(Duration::from_millis(350));
    let spent = cpu.now() - before;
    println!("measured: {spent:?} of CPU in 350 ms");
    assert!(spent < Duration::from_millis(100), "{spent:?}");

    // The server continues by itself as soon as it can.
    taken.truncate(taken.len() - 3);
    let mut accepted = 0;
    wait_until(|| {
        accepted += accept();
        accepted == 3
    });
    drop(clients);
}

/// Counts the errors of a server. Each must be a lack of descriptors.
fn shortages(server: &QTcpServer) -> Rc<Cell<usize>> {
    let errors = Rc::new(Cell::new(0));
    let counted = errors.clone();
    server.accept_error.connect_to(server, move |server, kind| {
        assert_eq!(*kind, SocketErrorKind::SocketResource);
        assert_eq!(server.server_error(), SocketErrorKind::SocketResource);
        counted.set(counted.get() + 1);
    });
    errors
}

fn connect_to(server: &QTcpServer) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.server_port())).unwrap()
}

#[test]
fn accepting_plain_connections() {
    if !in_child!("accepting_plain_connections", DESCRIPTORS) {
        return;
    }
    let server = server();
    let errors = shortages(&server);
    let pending = || std::iter::from_fn(|| server.next_pending_connection()).count();
    accepting(|| connect_to(&server), || errors.get() > 0, pending);
    assert!((2..=6).contains(&errors.get()), "{} errors", errors.get());
}

#[test]
fn accepting_encrypted_connections() {
    if !in_child!("accepting_encrypted_connections", DESCRIPTORS) {
        return;
    }
    let server = QSslServer::new();
    server.set_ssl_configuration(tls::identified("good"));
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let errors = shortages(&server);
    let begun = tls::count(&server.started_encryption_handshake);
    accepting(|| connect_to(&server), || errors.get() > 0, || begun.replace(0) as usize);
    assert!((2..=6).contains(&errors.get()), "{} errors", errors.get());
    // The clients have gone, so their handshakes end.
    wait_until(|| server.children().is_empty());
    let client = tls::client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_until(|| client.is_encrypted());
}

/// As in Qt, a local server has no signal for errors.
#[test]
fn accepting_local_connections() {
    if !in_child!("accepting_local_connections", DESCRIPTORS) {
        return;
    }
    let dir = local::Dir::new();
    let server = local::server(&dir);
    let pending = || std::iter::from_fn(|| server.next_pending_connection()).count();
    let connect = || UnixStream::connect(dir.path("name")).unwrap();
    accepting(connect, || !server.error_string().is_empty(), pending);
}

/// Attempts fail for want of descriptors. Their delays grow, so they take little CPU time.
#[test]
fn connecting_again_and_again() {
    if !in_child!("connecting_again_and_again", DESCRIPTORS) {
        return;
    }
    let listener = listener();
    let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", port_of(&listener));
    link.set_delays(10, 50);
    run_for(Duration::from_millis(1));
    let cpu = CpuClock::new();
    let taken = take_all();
    link.start();
    wait_until(|| link.attempt() > 1);
    assert_eq!(link.error(), SocketErrorKind::SocketResource);
    let before = cpu.now();
    run_for(Duration::from_millis(300));
    let spent = cpu.now() - before;
    println!("measured: {spent:?} of CPU and {} attempts in 300 ms", link.attempt());
    assert!(spent < Duration::from_millis(100), "{spent:?}");
    drop(taken);
    wait_until(|| link.state() == ReconnectorState::Connected);
}

/// A notifier that is switched on again, and calls from another thread, need no further descriptor.
#[test]
fn watching_and_waking() {
    if !in_child!("watching_and_waking", DESCRIPTORS) {
        return;
    }
    let (reader, mut writer) = UnixStream::pair().unwrap();
    let notifier = QSocketNotifier::try_new(reader, NotifierType::Read).unwrap();
    let told = tls::count(&notifier.activated);
    let poster = Dispatcher::current().poster().unwrap();
    let _taken = take_all();
    notifier.set_enabled(false);
    notifier.set_enabled(true);
    assert!(notifier.is_enabled());
    writer.write_all(b"x").unwrap();
    wait_until(|| told.get() > 0);
    notifier.set_enabled(false);
    thread::spawn(move || poster.post(|| QCoreApplication::instance().quit()))
        .join()
        .unwrap()
        .unwrap();
    assert_eq!(QCoreApplication::new().exec(), 0);
}

#[test]
fn a_loop_without_a_poll() {
    if !in_child!("a_loop_without_a_poll", DESCRIPTORS) {
        return;
    }
    let cpu = CpuClock::new();
    let taken = take_all();
    assert!(Dispatcher::current().poster().is_err());
    let app = QCoreApplication::new();
    let (timer, ticks) = (QTimer::new(), Rc::new(Cell::new(0)));
    timer.timeout.connect_to(&ticks, |ticks, ()| ticks.set(ticks.get() + 1));
    timer.start_with_interval(50);
    let posted = Rc::new(Cell::new(false));
    Dispatcher::current().post({
        let posted = posted.clone();
        move || posted.set(true)
    });
    let (started, before) = (Instant::now(), cpu.now());
    QTimer::single_shot(200, || QCoreApplication::instance().exit(7));
    assert_eq!(app.exec(), 7);
    let (took, spent) = (started.elapsed(), cpu.now() - before);
    println!("measured: {spent:?} of CPU in {took:?} without a poll");
    assert!(took >= Duration::from_millis(185));
    assert!(ticks.get() >= 2 && posted.get());
    assert!(spent < took / 2);

    // The socket fails with an error. Once there are descriptors again, the same loop gets its
    // poll.
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", 1);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.error(), SocketErrorKind::SocketResource);
    drop(taken);
    let listener = listener();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Connected);
    assert!(Dispatcher::current().poster().is_ok());
}
