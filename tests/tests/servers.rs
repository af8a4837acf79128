//! Servers: the program's own handler of connections, adopted descriptors, and slots that act on
//! the server.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixListener,
    },
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use integration::{
    backlog, connected_to, descriptors, in_child, listener, port_of, read_to_end, run_for, server,
    settle, wait_until,
};
use qcore::{
    ProcessEventsFlags, QCoreApplication, QObject, QPointer, QTimer, install_message_handler,
};
use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, SocketErrorKind, SocketState};
use socket2::{Domain, Socket, Type};

fn connect(server: &QTcpServer) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    stream.set_read_timeout(Some(integration::LIMIT)).unwrap();
    stream
}

/// Counts the emissions of `new_connection`.
fn announced(server: &QTcpServer) -> Rc<Cell<i32>> {
    let count = Rc::new(Cell::new(0));
    server.new_connection.connect_to(&count, |count, ()| count.set(count.get() + 1));
    count
}

/// A struct around a server. It stands for a class derived from QTcpServer.
struct Greeter {
    server: QTcpServer,
    greeted: Cell<i32>,
}

impl Greeter {
    fn new() -> Rc<Self> {
        let greeter = Rc::new(Greeter { server: server(), greeted: Cell::new(0) });
        greeter.server.set_incoming_connection(&greeter, Greeter::incoming_connection);
        greeter
    }

    fn incoming_connection(&self, descriptor: OwnedFd) {
        // The server has announced nothing yet, and borrows nothing.
        assert!(!self.server.has_pending_connections());
        self.server.set_max_pending_connections(self.server.max_pending_connections());
        self.greeted.set(self.greeted.get() + 1);
        TcpStream::from(descriptor).write_all(b"hello").unwrap();
    }
}

#[test]
fn a_handler_gets_descriptors() {
    let greeter = Greeter::new();
    let count = announced(&greeter.server);
    let clients: Vec<_> = (0..3).map(|_| connect(&greeter.server)).collect();
    wait_until(|| count.get() == 3);
    assert_eq!(greeter.greeted.get(), 3);
    assert!(!greeter.server.has_pending_connections());
    assert!(clients.iter().all(|client| read_to_end(client) == b"hello"));

    let client = connect(&greeter.server);
    assert_eq!(greeter.server.wait_for_new_connection(5000), Ok(()));
    assert_eq!((greeter.greeted.get(), count.get()), (4, 4));
    assert_eq!(read_to_end(&client), b"hello");
    let error = greeter.server.wait_for_new_connection(1).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
}

#[test]
fn the_descriptors_block_and_are_closed_on_exec() {
    let server = server();
    let flags = Rc::new(RefCell::new(String::new()));
    server.set_incoming_connection(&flags, |flags, descriptor| {
        let path = format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd());
        flags.replace(std::fs::read_to_string(path).unwrap());
    });
    let _client = connect(&server);
    server.wait_for_new_connection(5000).unwrap();
    let text = flags.take();
    let number = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    let number = u32::from_str_radix(number, 8).unwrap();
    let (nonblock, cloexec) = (0o4000, 0o2_000_000);
    assert_eq!(number & (nonblock | cloexec), cloexec, "{number:o}");
}

#[test]
fn a_thread_for_each_connection() {
    let server = server();
    let threads = Rc::new(RefCell::new(Vec::new()));
    server.set_incoming_connection(&threads, |threads, descriptor| {
        threads.borrow_mut().push(thread::spawn(move || {
            // A socket of that thread, in blocking mode, as `std` needs it.
            let mut stream = TcpStream::from(descriptor);
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            stream.write_all(&byte).unwrap();
        }));
    });
    let mut clients: Vec<_> = (0..10).map(|_| connect(&server)).collect();
    wait_until(|| threads.borrow().len() == 10);
    for (at, client) in clients.iter_mut().enumerate() {
        client.write_all(&[at as u8]).unwrap();
        assert_eq!(read_to_end(client), [at as u8]);
    }
    threads.take().into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_handler_that_makes_the_sockets() {
    let server = server();
    server.set_incoming_connection(&server, |server, descriptor| {
        let socket = QTcpSocket::new();
        socket.set_object_name("made by hand");
        socket.set_socket_descriptor(descriptor).unwrap();
        server.add_pending_connection(socket);
    });
    server.set_max_pending_connections(2);
    let count = announced(&server);
    let mut clients: Vec<_> = (0..3).map(|_| connect(&server)).collect();
    wait_until(|| count.get() == 2);
    settle();
    // The limit applies to these connections as well.
    assert_eq!(count.get(), 2);
    for (at, client) in clients.iter_mut().enumerate() {
        wait_until(|| server.has_pending_connections());
        let socket = server.next_pending_connection().unwrap();
        assert_eq!(
            (socket.object_name().as_str(), socket.state()),
            ("made by hand", SocketState::Connected)
        );
        assert_eq!(socket.peer_port(), client.local_addr().unwrap().port());
        // This much data fits into the system's buffers. The same thread writes, reads and runs the
        // loop, so more data would block it.
        client.write_all(&[at as u8; 10_000]).unwrap();
        wait_until(|| socket.bytes_available() == 10_000);
        socket.write(socket.read_all()).unwrap();
        socket.disconnect_from_host();
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(read_to_end(client), [at as u8; 10_000]);
    }
}

#[test]
fn without_its_receiver_a_handler_is_none() {
    let server = server();
    let greeted = Rc::new(Cell::new(0));
    let count = announced(&server);
    server.set_incoming_connection(&greeted, |greeted, _| greeted.set(greeted.get() + 1));
    drop(greeted);
    let client = connect(&server);
    wait_until(|| count.get() == 1);
    let accepted = server.next_pending_connection().unwrap();
    assert_eq!(accepted.peer_port(), client.local_addr().unwrap().port());
    accepted.write("as ever").unwrap();
    accepted.disconnect_from_host();
    wait_until(|| accepted.socket_descriptor().is_none());
    assert_eq!(read_to_end(&client), b"as ever");

    let object = QObject::new();
    server.set_incoming_connection(&object, |_, _| panic!("it is replaced"));
    let other = Rc::new(Cell::new(0));
    server.set_incoming_connection(&other, |other, _| other.set(other.get() + 1));
    let _client = connect(&server);
    wait_until(|| other.get() == 1);
    server.clear_incoming_connection();
    assert_eq!(Rc::strong_count(&other), 1);
    let _client = connect(&server);
    wait_until(|| server.has_pending_connections());
    assert_eq!((other.get(), count.get()), (1, 3));
}

#[test]
fn a_handler_may_replace_itself() {
    let server = server();
    let calls = Rc::new(RefCell::new(String::new()));
    let then = calls.clone();
    server.set_incoming_connection(&server, move |server, _| {
        then.borrow_mut().push('a');
        server.set_incoming_connection(&then, |calls, _| calls.borrow_mut().push('b'));
        // The values that this closure captured live until it returns.
        then.borrow_mut().push('c');
    });
    let _clients = [connect(&server), connect(&server)];
    wait_until(|| calls.borrow().len() == 3);
    assert_eq!(*calls.borrow(), "acb");
}

#[test]
fn a_handler_is_called_while_signals_are_blocked() {
    let greeter = Greeter::new();
    let count = announced(&greeter.server);
    greeter.server.block_signals(true);
    let client = connect(&greeter.server);
    wait_until(|| greeter.greeted.get() == 1);
    assert_eq!(count.get(), 0);
    assert_eq!(read_to_end(&client), b"hello");
}

#[test]
fn a_handler_that_closes_the_server() {
    let server = server();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    server.set_incoming_connection(&server, move |server, _| {
        server.close();
        log.borrow_mut().push("handler");
    });
    server.new_connection.connect_to(&seen, |seen, ()| seen.borrow_mut().push("announced"));
    let clients = [connect(&server), connect(&server)];
    wait_until(|| !server.is_listening());
    settle();
    // As in Qt, the server still announces the connection. The other one is not accepted any more.
    assert_eq!(*seen.borrow(), ["handler", "announced"]);
    clients.iter().for_each(|client| assert_eq!(read_to_end(client), b""));
}

#[test]
fn a_handler_that_ends_the_server() {
    for waiting in [false, true] {
        let holder = Rc::new(RefCell::new(Some(server())));
        let server = QPointer::new(holder.borrow().as_ref().unwrap());
        let count = announced(holder.borrow().as_ref().unwrap());
        // The closure holds its server, too. The server's death frees both.
        let cycle = holder.clone();
        holder.borrow().as_ref().unwrap().set_incoming_connection(&holder, move |holder, _| {
            let last = holder.take().unwrap();
            drop(last);
            assert!(cycle.borrow().is_none());
        });
        let client = connect(holder.borrow().as_ref().unwrap());
        if waiting {
            // The call needs a handle, which is the last one when it returns.
            let server = server.upgrade().unwrap();
            assert_eq!(server.wait_for_new_connection(5000), Ok(()));
            drop(server);
        } else {
            wait_until(|| server.upgrade().is_none());
        }
        assert!(server.upgrade().is_none());
        assert_eq!(count.get(), i32::from(waiting));
        assert_eq!(Rc::strong_count(&holder), 1);
        assert_eq!(read_to_end(&client), b"");
    }
}

#[test]
fn a_handler_of_a_server_that_holds_it_goes_when_the_server_dies() {
    let server = server();
    let (gone, cycle) = (QPointer::new(&server), server.clone());
    let kept = Rc::new(());
    let held = kept.clone();
    server.set_incoming_connection(&kept, move |_, _| {
        let _ = (&cycle, &held);
    });
    server.delete_later();
    drop(server);
    settle();
    assert!(gone.upgrade().is_none());
    assert_eq!(Rc::strong_count(&kept), 1);
}

#[test]
fn a_handler_that_runs_the_loop() {
    let server = server();
    let (depth, deepest) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let deep = deepest.clone();
    server.set_incoming_connection(&depth, move |depth, descriptor| {
        depth.set(depth.get() + 1);
        deep.set(deep.get().max(depth.get()));
        if depth.get() < 3 {
            wait_until(|| deep.get() == 3);
        }
        depth.set(depth.get() - 1);
        TcpStream::from(descriptor).write_all(b"x").unwrap();
    });
    let count = announced(&server);
    let clients: Vec<_> = (0..4).map(|_| connect(&server)).collect();
    wait_until(|| count.get() == 4);
    assert_eq!(deepest.get(), 3);
    assert!(clients.iter().all(|client| read_to_end(client) == b"x"));
}

#[test]
fn a_handler_that_waits_for_the_next_connection() {
    let server = server();
    let calls = Rc::new(Cell::new(0));
    let count = calls.clone();
    server.set_incoming_connection(&server, move |server, _| {
        count.set(count.get() + 1);
        if count.get() == 1 {
            assert_eq!(server.wait_for_new_connection(5000), Ok(()));
            assert_eq!(count.get(), 2);
        }
    });
    let _clients = [connect(&server), connect(&server)];
    wait_until(|| calls.get() == 2);
}

#[test]
fn a_handler_that_panics() {
    let server = server();
    let (first, greeted) = (Cell::new(true), Rc::new(Cell::new(0)));
    server.set_incoming_connection(&greeted, move |greeted, _| {
        assert!(!first.replace(false), "as it should");
        greeted.set(greeted.get() + 1);
    });
    let count = announced(&server);
    let clients: Vec<_> = (0..3).map(|_| connect(&server)).collect();
    let app = QCoreApplication::new();
    let guard = QTimer::new();
    guard.timeout.connect_to(&app, |app, ()| app.exit(1));
    guard.start_with_interval(Duration::from_secs(10));
    assert!(catch_unwind(AssertUnwindSafe(|| app.exec())).is_err());
    // The connection whose handler panicked is closed. The others need no new event.
    wait_until(|| count.get() == 2);
    assert_eq!(greeted.get(), 2);
    assert!(clients.iter().all(|client| read_to_end(client).is_empty()));
}

#[test]
fn a_handler_and_no_descriptors() {
    if !in_child!("a_handler_and_no_descriptors", 40) {
        return;
    }
    let server = server();
    let kept = Rc::new(RefCell::new(Vec::new()));
    server.set_incoming_connection(&kept, |kept, descriptor| kept.borrow_mut().push(descriptor));
    let errors = Rc::new(Cell::new(0));
    server.accept_error.connect_to(&errors, |errors, kind| {
        assert_eq!(*kind, SocketErrorKind::SocketResource);
        errors.set(errors.get() + 1);
    });
    run_for(Duration::from_millis(1));
    let mut taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    taken.truncate(taken.len() - 2);
    let _clients = [connect(&server), connect(&server)];
    wait_until(|| errors.get() == 1);
    assert_eq!(server.server_error(), SocketErrorKind::SocketResource);

    // A paused server does not try to accept.
    server.pause_accepting();
    let told = errors.get();
    run_for(Duration::from_millis(250));
    assert_eq!(errors.get(), told);
    taken.truncate(taken.len() - 3);
    server.resume_accepting();
    wait_until(|| kept.borrow().len() == 2);
}

#[test]
fn added_connections_are_children_unless_they_have_a_parent() {
    let server = server();
    let (one, other, gone) = (QTcpSocket::new(), QTcpSocket::new(), QTcpSocket::new());
    let parent = QObject::new();
    other.set_parent(Some(&parent));
    for socket in [&gone, &one, &other] {
        server.add_pending_connection(socket.clone());
    }
    gone.delete_later();
    settle();
    assert!(gone.is_deleted() && server.has_pending_connections());
    assert!(server.next_pending_connection().unwrap() == one);
    assert!(one.parent().unwrap() == **server);
    assert!(server.next_pending_connection().unwrap() == other);
    assert!(other.parent().unwrap() == parent);
    assert!(server.next_pending_connection().is_none() && !server.has_pending_connections());

    // A connection without other handles lives as long as the server.
    let lonely = QTcpSocket::new();
    let pointer = QPointer::new(&lonely);
    server.add_pending_connection(lonely);
    drop(server.next_pending_connection());
    assert!(pointer.upgrade().is_some());
    drop(server);
    assert!(pointer.upgrade().is_none() && one.is_deleted() && !other.is_deleted());
}

#[test]
fn pending_connections_without_listening() {
    let told = warnings(|| {
        let server = QTcpServer::new();
        let socket = QTcpSocket::new();
        server.add_pending_connection(socket.clone());
        assert!(server.has_pending_connections());
        assert!(server.next_pending_connection().unwrap() == socket);
        assert!(server.next_pending_connection().is_none());
        server.pause_accepting();
        server.resume_accepting();
        assert_eq!(server.listen(QHostAddress::LocalHost, 0), Ok(()));
    });
    assert_eq!(told, ["QTcpServer::nextPendingConnection() called while not listening"]);
}

/// Returns the warnings that this thread causes during `work`.
fn warnings(work: impl FnOnce()) -> Vec<String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let told = Arc::new(Mutex::new(Vec::new()));
    let (tell, me) = (told.clone(), thread::current().id());
    install_message_handler(Some(Box::new(move |_, text: &str| {
        if thread::current().id() == me {
            tell.lock().unwrap().push(text.to_owned());
        }
    })));
    work();
    install_message_handler(None);
    told.lock().unwrap().clone()
}

#[test]
fn a_descriptor_that_listens() {
    let listener = listener();
    let port = port_of(&listener);
    let server = QTcpServer::new();
    let descriptor = listener.as_raw_fd();
    let told = warnings(|| {
        server.set_socket_descriptor(listener).unwrap();
        assert_eq!(server.socket_descriptor(), Some(descriptor));
        assert!(server.is_listening());
        assert_eq!(server.server_port(), port);
        assert_eq!(server.server_address(), QHostAddress::LocalHost);
        let error = server.set_socket_descriptor(self::listener()).unwrap_err();
        assert_eq!(error, SocketErrorKind::Operation);
        assert_eq!(server.listen(QHostAddress::Any, 0).unwrap_err(), SocketErrorKind::Operation);
    });
    assert_eq!(
        told,
        [
            "QTcpServer::setSocketDescriptor() called when already listening",
            "QTcpServer::listen() called when already listening"
        ]
    );
    assert_eq!(server.server_error(), SocketErrorKind::Unknown);
    let client = connected_to(port);
    wait_until(|| server.has_pending_connections());
    drop(client);
    server.close();
    assert_eq!((server.socket_descriptor(), server.is_listening()), (None, false));
}

#[test]
fn addresses_of_descriptors_that_listen() {
    for (only_v6, wanted) in [(false, QHostAddress::Any), (true, QHostAddress::AnyIPv6)] {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        socket.set_only_v6(only_v6).unwrap();
        socket.bind(&"[::]:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        socket.listen(1).unwrap();
        let server = QTcpServer::new();
        server.set_socket_descriptor(socket).unwrap();
        assert_eq!(server.server_address(), wanted);
    }
}

#[test]
fn descriptors_that_do_not_listen() {
    if !in_child!("descriptors_that_do_not_listen", 100) {
        return;
    }
    let here = std::env::temp_dir().join(format!("qnetwork-servers-{}", std::process::id()));
    let before = descriptors();
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    bound.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    let listener = listener();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let unix = UnixListener::bind(&here).unwrap();
    std::fs::remove_file(&here).unwrap();
    let wrong: [OwnedFd; 6] = [
        File::open("/dev/null").unwrap().into(),
        std::io::pipe().unwrap().0.into(),
        UdpSocket::bind("127.0.0.1:0").unwrap().into(),
        bound.into(),
        connected.into(),
        unix.into(),
    ];
    for descriptor in wrong {
        let server = QTcpServer::new();
        let error = server.set_socket_descriptor(descriptor).unwrap_err();
        assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
        assert_eq!(server.server_error(), SocketErrorKind::UnsupportedSocketOperation);
        assert_eq!(server.error_string(), "Invalid socket descriptor");
        assert_eq!((server.is_listening(), server.socket_descriptor()), (false, None));
        assert_eq!(server.listen(QHostAddress::LocalHost, 0), Ok(()));
    }
    drop(listener);
    // The descriptors are closed. A poll may have been created for this thread.
    assert!(descriptors() <= before + 3, "{before} descriptors, now {}", descriptors());
}

#[test]
fn a_port_is_free_again_at_once() {
    let server = server();
    let port = server.server_port();
    let client = connect(&server);
    wait_until(|| server.has_pending_connections());
    // This end closes first, so its connection stays in TIME_WAIT.
    server.close();
    assert_eq!(read_to_end(&client), b"");
    drop(client);
    assert_eq!(server.listen(QHostAddress::LocalHost, port), Ok(()));
    let other = QTcpServer::new();
    let error = other.listen(QHostAddress::LocalHost, port).unwrap_err();
    assert_eq!(error, SocketErrorKind::AddressInUse);
}

#[test]
fn a_paused_server_leaves_connections_to_the_system() {
    let server = server();
    server.pause_accepting();
    // More connections than one turn accepts, if the backlog holds as many.
    let many = backlog().min(100);
    let mut clients: Vec<_> = (0..many).map(|_| connect(&server)).collect();
    for client in &mut clients {
        client.write_all(b"x").unwrap();
    }
    QCoreApplication::instance().process_events_with_flags(ProcessEventsFlags::ALL_EVENTS);
    assert!(!server.has_pending_connections());
    server.set_max_pending_connections(1000);
    QCoreApplication::instance().process_events_with_flags(ProcessEventsFlags::ALL_EVENTS);
    assert!(!server.has_pending_connections());
    let count = announced(&server);
    server.resume_accepting();
    wait_until(|| count.get() == many as i32);
}
