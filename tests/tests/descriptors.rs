//! Running out of descriptors. Each test has a process of its own, which may have 40.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    net::TcpStream,
    rc::Rc,
    time::{Duration, Instant},
};

use integration::{CpuClock, in_child, listener, port_of, run_for, server, wait_until};
use qcore::{Dispatcher, QCoreApplication, QTimer};
use qnetwork::{QTcpServer, QTcpSocket, SocketErrorKind, SocketState};

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
    let error = socket.bind(qnetwork::QHostAddress::LocalHost, 0).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketResource);
    assert_eq!((socket.state(), socket.socket_descriptor()), (SocketState::Unconnected, None));
    assert_eq!((socket.error(), errors.get()), (SocketErrorKind::SocketResource, 0));
    drop(taken);
    assert_eq!(socket.bind(qnetwork::QHostAddress::LocalHost, 0), Ok(()));
}

#[test]
fn listening() {
    if !in_child!("listening", DESCRIPTORS) {
        return;
    }
    let server = QTcpServer::new();
    let taken = take_all();
    let error = server.listen(qnetwork::QHostAddress::LocalHost, 0).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketResource);
    assert!(!server.is_listening());
    drop(taken);
    assert_eq!(server.listen(qnetwork::QHostAddress::LocalHost, 0), Ok(()));
}

#[test]
fn accepting() {
    if !in_child!("accepting", DESCRIPTORS) {
        return;
    }
    let server = server();
    let errors = Rc::new(RefCell::new(Vec::new()));
    server.accept_error.connect_to(&errors, |errors, kind| errors.borrow_mut().push(*kind));
    // The loop has created its poll by now.
    run_for(Duration::from_millis(1));
    let cpu = CpuClock::new();
    let mut taken = take_all();
    taken.truncate(taken.len() - 3);
    let clients: Vec<_> =
        (0..3).map(|_| TcpStream::connect(("127.0.0.1", server.server_port())).unwrap()).collect();
    wait_until(|| !errors.borrow().is_empty());

    let before = cpu.now();
    run_for(Duration::from_millis(350));
    let spent = cpu.now() - before;
    println!("measured: {} errors and {spent:?} of CPU in 350 ms", errors.borrow().len());
    assert!(errors.borrow().iter().all(|kind| *kind == SocketErrorKind::SocketResource));
    assert!((2..=5).contains(&errors.borrow().len()), "{} errors", errors.borrow().len());
    assert!(spent < Duration::from_millis(100), "{spent:?}");
    assert_eq!(server.server_error(), SocketErrorKind::SocketResource);

    // The server continues by itself as soon as it can.
    taken.truncate(taken.len() - 3);
    let accepted = Cell::new(0);
    wait_until(|| {
        while server.next_pending_connection().is_some() {
            accepted.set(accepted.get() + 1);
        }
        accepted.get() == 3
    });
    drop(clients);
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
