//! Servers whose connections are spread over several threads.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io::{Read, Write},
    net::TcpStream,
    os::fd::OwnedFd,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use integration::{
    LIMIT, connection, descriptors, in_child, listener, peer, read_to_end, settle, tls,
    wait_at_most, wait_until,
};
use qcore::{EventType, QCoreApplication, QSignalSpy, QTimer, Remote, class};
use qnetwork::{
    IncomingConnection, ProxyType, QHostAddress, QNetworkProxy, QSslServer, QTcpServer, QTcpSocket,
    SocketErrorKind, SocketState, WorkerErrorKind,
};

/// What a program with a single loop uses: a server that sends everything back.
pub(super) fn echo_server() -> QTcpServer {
    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            serve(&socket);
        }
    });
    server
}

fn serve(socket: &QTcpSocket) {
    let send_back = |socket: &QTcpSocket| {
        let data = socket.read_all();
        assert!(!data.starts_with(b"panic"), "as the client has asked");
        socket.write(data).ok();
    };
    socket.ready_read.connect_to(socket, move |socket, ()| send_back(socket));
    socket.disconnected.connect_to(socket, |socket, ()| socket.delete_later());
    // What has arrived while the connection waited was announced then.
    send_back(socket);
}

/// Returns a listening server with workers.
pub(super) fn with_workers(
    count: usize,
    make: impl Fn() -> QTcpServer + Send + Sync + 'static,
) -> QTcpServer {
    let server = QTcpServer::new();
    server.set_workers(count, make);
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    server
}

pub(super) fn client(server: &QTcpServer) -> TcpStream {
    connection(server.server_port()).unwrap()
}

/// Runs the loop of the listening server while `work` runs in a thread of its own.
fn meanwhile<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::spawn(work);
    wait_until(|| thread.is_finished());
    thread.join().unwrap()
}

/// Sends and receives, with the listening server's loop running.
pub(super) fn echo(mut stream: TcpStream, data: &'static [u8]) -> TcpStream {
    meanwhile(move || {
        stream.write_all(data).unwrap();
        let mut answer = vec![0; data.len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, data);
        stream
    })
}

/// Waits until the connection ends, with the listening server's loop running.
pub(super) fn ended(stream: TcpStream) -> Vec<u8> {
    meanwhile(move || read_to_end(&stream))
}

/// How often something has happened in each thread.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<HashMap<ThreadId, usize>>>);

impl Counts {
    fn add(&self) {
        *self.0.lock().unwrap().entry(thread::current().id()).or_default() += 1;
    }

    fn sum(&self) -> usize {
        self.0.lock().unwrap().values().sum()
    }

    fn each(&self) -> Vec<usize> {
        let mut each: Vec<_> = self.0.lock().unwrap().values().copied().collect();
        each.sort_unstable();
        each
    }
}

#[test]
fn connections_are_spread_evenly() {
    for (workers, clients) in [(2, 20), (3, 10), (1, 5)] {
        let counts = Counts::default();
        let server = with_workers(workers, {
            let counts = counts.clone();
            move || {
                let (server, counts) = (echo_server(), counts.clone());
                server.new_connection.connect(move |()| counts.add());
                server
            }
        });
        assert_eq!(server.worker_count(), workers);
        let announced = QSignalSpy::new(&server.new_connection);
        let streams: Vec<_> = (0..clients).map(|_| echo(client(&server), b"hello")).collect();
        let each = counts.each();
        let (least, most) = (clients / workers, clients.div_ceil(workers));
        assert_eq!((each.len(), each.iter().sum::<usize>()), (workers, clients));
        assert!(each.iter().all(|&count| (least..=most).contains(&count)), "{each:?}");
        assert!(!counts.0.lock().unwrap().contains_key(&thread::current().id()));
        assert_eq!((announced.count(), server.has_pending_connections()), (0, false));
        drop(streams);
    }
}

#[test]
fn many_connections_come_and_go() {
    let counts = Counts::default();
    let server = with_workers(2, {
        let counts = counts.clone();
        move || {
            let (server, counts) = (echo_server(), counts.clone());
            server.new_connection.connect(move |()| counts.add());
            server
        }
    });
    let port = server.server_port();
    meanwhile(move || {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                thread::spawn(move || {
                    for round in 0..100u8 {
                        let mut stream = connection(port).unwrap();
                        stream.write_all(&[round; 1000]).unwrap();
                        let mut answer = [0; 1000];
                        stream.read_exact(&mut answer).unwrap();
                        assert_eq!(answer, [round; 1000]);
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
    });
    let each = counts.each();
    assert_eq!(counts.sum(), 400);
    assert!(each.iter().all(|count| (160..=240).contains(count)), "{each:?}");
}

/// A server that takes connections only when it is told to, whichever worker is told first.
fn reluctant(counts: &Counts, take: &Arc<AtomicUsize>) -> QTcpServer {
    let (server, counts, take) = (QTcpServer::new(), counts.clone(), take.clone());
    server.new_connection.connect(move |()| counts.add());
    let timer = QTimer::new();
    timer.set_parent(Some(&server));
    timer.timeout.connect_to(&server, move |server, ()| {
        while server.has_pending_connections()
            && take.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            serve(&server.next_pending_connection().unwrap());
        }
    });
    timer.start_with_interval(1);
    server
}

#[test]
fn the_limit_holds_for_all_together() {
    for sets in ["before", "in make", "later"] {
        let (counts, take) = (Counts::default(), Arc::new(AtomicUsize::new(0)));
        let server = QTcpServer::new();
        let make = {
            let (counts, take) = (counts.clone(), take.clone());
            move || {
                let server = reluctant(&counts, &take);
                if sets == "in make" {
                    server.set_max_pending_connections(5);
                }
                server
            }
        };
        if sets == "before" {
            server.set_max_pending_connections(5);
        }
        server.set_workers(2, make);
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        if sets == "later" {
            server.set_max_pending_connections(5);
        }
        wait_until(|| server.max_pending_connections() == 5);
        let streams: Vec<_> = (0..12).map(|_| client(&server)).collect();
        wait_until(|| counts.sum() == 5);
        // More would have come by now.
        assert!(!wait_at_most(Duration::from_millis(50), || counts.sum() != 5), "{sets}");
        take.fetch_add(3, SeqCst);
        wait_until(|| counts.sum() == 8);
        assert!(!wait_at_most(Duration::from_millis(50), || counts.sum() != 8), "{sets}");
        // The limit is lowered and raised.
        server.set_max_pending_connections(1);
        take.fetch_add(4, SeqCst);
        wait_until(|| take.load(SeqCst) == 0);
        assert!(!wait_at_most(Duration::from_millis(50), || counts.sum() != 8), "{sets}");
        server.set_max_pending_connections(100);
        wait_until(|| counts.sum() == 12);
        take.fetch_add(100, SeqCst);
        for stream in streams {
            echo(stream, b"taken");
        }
    }
}

/// A worker's slot does to its server what a program with a single loop does to its own.
#[test]
fn a_worker_acts_on_the_whole() {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let server = with_workers(2, move || {
        let (server, tell) = (echo_server(), tell.lock().unwrap().clone());
        server.new_connection.connect_to(&server, move |server, ()| {
            let seen = (
                (server.is_listening(), server.server_port(), server.server_address()),
                server.max_pending_connections(),
                server.listen(QHostAddress::LocalHost, 0).map_err(|error| error.kind()),
                server.wait_for_new_connection(0).map_err(|error| error.kind()),
                server.set_socket_descriptor(listener()).map_err(|error| error.kind()),
            );
            server.pause_accepting();
            tell.send(seen).unwrap();
        });
        server
    });
    server.set_max_pending_connections(7);
    let stream = echo(client(&server), b"one");
    let operation = Err(SocketErrorKind::Operation);
    let place = (true, server.server_port(), QHostAddress::LocalHost);
    let expected = (place, 7, operation, operation, operation);
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), expected);
    // Paused by the worker, and again after each connection.
    settle();
    let waiting = client(&server);
    assert!(!wait_at_most(Duration::from_millis(50), || told.try_recv().is_ok()));
    echo(stream, b"the first goes on");
    server.resume_accepting();
    let waiting = echo(waiting, b"two");
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), expected);
    server.resume_accepting();
    server.pause_accepting();
    let third = client(&server);
    assert!(!wait_at_most(Duration::from_millis(50), || told.try_recv().is_ok()));
    server.resume_accepting();
    echo(third, b"three");
    drop(waiting);
}

#[test]
fn closing() {
    for by_worker in [false, true] {
        let (counts, take) = (Counts::default(), Arc::new(AtomicUsize::new(0)));
        let closes = Arc::new(AtomicBool::new(false));
        let server = with_workers(2, {
            let (counts, take, closes) = (counts.clone(), take.clone(), closes.clone());
            move || {
                let (server, closes) = (reluctant(&counts, &take), closes.clone());
                let timer = QTimer::new();
                timer.set_parent(Some(&server));
                timer.timeout.connect_to(&server, move |server, ()| {
                    if closes.swap(false, SeqCst) {
                        server.close();
                    }
                });
                timer.start_with_interval(1);
                server
            }
        });
        let port = server.server_port();
        let taken: Vec<_> = (0..4).map(|_| client(&server)).collect();
        take.store(4, SeqCst);
        let taken: Vec<_> = taken.into_iter().map(|stream| echo(stream, b"taken")).collect();
        let untaken: Vec<_> = (0..4).map(|_| client(&server)).collect();
        wait_until(|| counts.sum() == 8);
        if by_worker {
            closes.store(true, SeqCst);
            wait_until(|| !server.is_listening());
        } else {
            server.close();
        }
        assert_eq!(
            (server.is_listening(), server.server_port(), server.worker_count()),
            (false, 0, 2)
        );
        assert!(connection(port).is_none());
        for stream in untaken {
            assert_eq!(ended(stream), b"");
        }
        let taken: Vec<_> = taken.into_iter().map(|stream| echo(stream, b"still there")).collect();
        // The same workers serve again.
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        take.store(40, SeqCst);
        for _ in 0..40 {
            echo(client(&server), b"again");
        }
        assert_eq!((counts.each().len(), counts.sum()), (2, 48));
        drop(taken);
    }
}

/// The connections end in their threads, with all of their signals, and the threads end.
#[test]
fn the_end_of_the_server() {
    if !in_child!("the_end_of_the_server", 200) {
        return;
    }
    settle();
    let before = descriptors();
    for way in ["dropped", "deleted later", "deleted in a slot"] {
        let (died, threads) = (Counts::default(), Arc::new(()));
        let server = QTcpServer::new();
        let make = {
            let (died, threads) = (died.clone(), threads.clone());
            move || {
                let (server, died, threads) = (echo_server(), died.clone(), threads.clone());
                // This one keeps its server alive, as a mistaken program does.
                let itself = server.clone();
                server.new_connection.connect(move |()| {
                    let _ = (&itself, &threads);
                });
                server.new_connection.connect_to(&server, move |server, ()| {
                    for socket in server.find_children::<QTcpSocket>(None) {
                        let (died, counted) = (died.clone(), Cell::new(false));
                        socket.disconnected.connect(move |()| {
                            if !counted.replace(true) {
                                died.add();
                            }
                        });
                    }
                });
                server
            }
        };
        server.set_workers(2, make);
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        let streams: Vec<_> = (0..2).map(|_| echo(client(&server), b"one")).collect();
        match way {
            "dropped" => drop(server),
            "deleted later" => {
                let other = server.clone();
                server.delete_later();
                settle();
                assert!(other.is_deleted() && other.worker_count() == 0);
            }
            _ => {
                let held = Rc::new(RefCell::new(Some(server)));
                QTimer::single_shot(0, move || drop(held.take()));
                settle();
            }
        }
        // All of it is over when the destructor has returned.
        assert_eq!((died.each(), Arc::strong_count(&threads)), (vec![1, 1], 1), "{way}");
        assert_eq!(descriptors(), before + streams.len(), "{way}");
        for stream in streams {
            assert_eq!(read_to_end(&stream), b"", "{way}");
        }
    }
}

/// Connections that a stuck worker has not fetched go to the others when it ends.
#[test]
fn a_stuck_worker() {
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let stuck = Arc::new(AtomicBool::new(false));
    let server = with_workers(2, {
        let stuck = stuck.clone();
        move || {
            let (server, stuck) = (echo_server(), stuck.clone());
            let released = released.clone();
            server.new_connection.connect(move |()| {
                if !stuck.swap(true, SeqCst) {
                    released.lock().unwrap().recv().ok();
                    panic!("released");
                }
            });
            server
        }
    });
    let failed = QSignalSpy::new(&server.worker_failed);
    let first = client(&server);
    wait_until(|| stuck.load(SeqCst));
    // The other worker gets most of the following ones, because this one is passed over.
    let mut streams = Vec::new();
    let mut late = Vec::new();
    for _ in 0..20 {
        let mut stream = client(&server);
        stream.write_all(b"x").unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (stream, answered) = meanwhile(move || {
            let answered = stream.read_exact(&mut [0]).is_ok();
            (stream, answered)
        });
        if answered { streams.push(stream) } else { late.push(stream) }
    }
    println!("{} of 20 wait", late.len());
    assert!(late.len() < 10);
    drop(release);
    wait_until(|| failed.count() == 1);
    for mut stream in late {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        meanwhile(move || stream.read_exact(&mut [0]).unwrap());
    }
    assert_eq!(ended(first), b"");
    for stream in streams {
        echo(stream, b"on");
    }
}

#[test]
fn servers_that_cannot_be_workers() {
    let failure = |make: fn() -> QTcpServer| {
        let server = with_workers(1, make);
        let failed = QSignalSpy::new(&server.worker_failed);
        let stream = client(&server);
        wait_until(|| failed.count() == 1);
        assert_eq!(ended(stream), b"");
        assert!(!server.is_listening());
        failed.take().remove(0)
    };
    let error = failure(|| panic!("cannot make it"));
    assert_eq!(error.to_string(), "worker 0 has panicked: cannot make it");
    assert_eq!(error, WorkerErrorKind::Panicked);
    let error = failure(|| {
        let server = echo_server();
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        server
    });
    assert_eq!((error.kind(), error.worker()), (WorkerErrorKind::InvalidServer, 0));
    let error = failure(|| {
        let server = echo_server();
        server.set_workers(1, echo_server);
        server
    });
    assert_eq!(error, WorkerErrorKind::InvalidServer);
    let error = failure(|| {
        let (server, app) = (echo_server(), QCoreApplication::new());
        QTimer::single_shot(0, move || app.exit(3));
        server
    });
    assert_eq!(error, WorkerErrorKind::LoopEnded);
    for late in [false, true] {
        let error = failure(if late {
            || {
                let server = echo_server();
                QTimer::single_shot_to(20, &server, |server| server.delete_later());
                server
            }
        } else {
            || {
                let server = echo_server();
                server.delete_later();
                QCoreApplication::send_posted_events_of_type(None, EventType::DEFERRED_DELETE);
                server
            }
        });
        assert_eq!(error, WorkerErrorKind::ServerDeleted);
    }
}

#[test]
fn workers_are_set_once() {
    let server = QTcpServer::new();
    server.set_workers(0, || -> QTcpServer { panic!("no worker") });
    assert_eq!(server.worker_count(), 0);
    server.set_workers(2, echo_server);
    server.set_workers(3, || -> QTcpServer { panic!("too late") });
    assert_eq!(server.worker_count(), 0);
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    assert_eq!(server.worker_count(), 2);
    echo(client(&server), b"one");
    let server = integration::server();
    server.set_workers(2, || -> QTcpServer { panic!("too late") });
    assert_eq!(server.worker_count(), 0);
    let stream = connection(server.server_port()).unwrap();
    server.wait_for_new_connection(5000).unwrap();
    assert!(server.has_pending_connections());
    drop(stream);
}

/// Without a running loop, waiting accepts and hands over.
#[test]
fn waiting_for_a_connection() {
    let server = with_workers(2, echo_server);
    let error = server.wait_for_new_connection(1).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    let mut stream = client(&server);
    server.wait_for_new_connection(5000).unwrap();
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

class! {
    /// A connection of a class of its own.
    struct Session: QTcpSocket {}
}

class! {
    /// A server of a class of its own, which takes descriptors.
    struct Sessions: QTcpServer {}
}

impl IncomingConnection for Sessions {
    fn incoming_connection(&self, descriptor: OwnedFd) {
        // It is in blocking mode.
        let mut stream = TcpStream::from(descriptor);
        let mut first = [0];
        stream.read_exact(&mut first).unwrap();
        let session = Session::derive(QTcpSocket::new());
        session.set_parent(Some(self));
        session.set_socket_descriptor(stream).unwrap();
        session.write(first).unwrap();
        serve(&session);
    }
}

#[test]
fn classes_of_ones_own() {
    let server = QTcpServer::new();
    // The handler of the listening server itself is not called.
    server.set_incoming_connection(&server, |_, _| panic!("not here"));
    server.set_workers(2, || Sessions::derive(QTcpServer::new()));
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let streams: Vec<_> = (0..6).map(|_| echo(client(&server), b"hello")).collect();
    for stream in streams {
        echo(stream, b"once more");
    }
}

#[test]
fn connections_that_encrypt() {
    let configuration = tls::identified("good");
    let (encrypted, counts) = (Counts::default(), Counts::default());
    let server = QTcpServer::new();
    server.set_workers(2, {
        let (encrypted, counts) = (encrypted.clone(), counts.clone());
        move || {
            let server = QSslServer::new();
            server.set_ssl_configuration(configuration.clone());
            let (encrypted, counts) = (encrypted.clone(), counts.clone());
            server.started_encryption_handshake.connect(move |_| counts.add());
            server.new_connection.connect_to(&server, move |server, ()| {
                while let Some(socket) = server.next_pending_connection() {
                    encrypted.add();
                    serve(&socket);
                }
            });
            server
        }
    });
    server.set_max_pending_connections(3);
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let client = tls::client();
            client.ignore_ssl_errors();
            client.connect_to_host_encrypted("127.0.0.1", server.server_port());
            client.write("secret").unwrap();
            client
        })
        .collect();
    wait_until(|| clients.iter().all(|client| client.bytes_available() == 6));
    assert_eq!((encrypted.sum(), counts.sum()), (10, 10));
    assert!(
        encrypted.each().iter().all(|count| (4..=6).contains(count)),
        "{encrypted:?}",
        encrypted = encrypted.each()
    );
    // Running handshakes count for the limit.
    let silent: Vec<_> = (0..6).map(|_| client(&server)).collect();
    wait_until(|| counts.sum() == 13);
    assert!(!wait_at_most(Duration::from_millis(50), || counts.sum() != 13));
    drop(silent);
    wait_until(|| counts.sum() == 16);
    // The server's death ends the workers and does not close anything twice.
    drop(server);
    wait_until(|| clients.iter().all(|client| client.state() == SocketState::Unconnected));
}

/// A proxy listens for the server.
#[test]
fn a_server_with_a_proxy() {
    let (port, proxy) = peer(|mut stream| {
        let mut request = [0; 13];
        stream.read_exact(&mut request[..3]).unwrap();
        stream.write_all(b"\x05\x00").unwrap();
        stream.read_exact(&mut request[3..]).unwrap();
        stream.write_all(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34").unwrap();
        // The client's first bytes come in one packet with the proxy's reply.
        stream.write_all(b"\x05\x00\x00\x01\x01\x02\x03\x04\x56\x78hello").unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).unwrap();
        answer
    });
    let server = QTcpServer::new();
    server.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", port));
    server.set_workers(2, echo_server);
    // Only one connection, because this proxy serves only one.
    server.set_max_pending_connections(1);
    server.listen("0.0.0.0", 0).unwrap();
    assert_eq!(server.server_port(), 0x1234);
    assert_eq!(&meanwhile(move || proxy.join().unwrap()), b"hello");
}

/// The thread of the listening server need not be the main thread, and may end with its server.
#[test]
fn a_thread_with_a_server_ends() {
    for kept in [false, true] {
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let server = with_workers(2, echo_server);
            tell.send(server.server_port()).unwrap();
            let stream = echo(client(&server), b"one");
            if kept {
                thread_local! {
                    static KEPT: RefCell<Option<QTcpServer>> = const { RefCell::new(None) };
                }
                // Dropped when its loop is gone, or just before.
                KEPT.set(Some(server));
            }
            stream
        });
        let port = told.recv_timeout(LIMIT).unwrap();
        let stream = thread.join().unwrap();
        assert_eq!(read_to_end(&stream), b"");
        assert!(connection(port).is_none());
    }
}

/// The listening server may be of a derived class.
#[test]
fn a_listening_server_that_encrypts_nothing() {
    if !in_child!("a_listening_server_that_encrypts_nothing", 200) {
        return;
    }
    settle();
    let before = descriptors();
    for end in [(|server| server.delete_later()) as fn(&QSslServer), |_| ()] {
        let server = QSslServer::new();
        server.set_workers(2, echo_server);
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        let stream = echo(client(&server), b"plain");
        end(&server);
        settle();
        drop(server);
        assert_eq!(read_to_end(&stream), b"");
        drop(stream);
        assert_eq!(descriptors(), before);
    }
}

/// A worker may end the program's loop, and the program ends with connections.
#[test]
fn a_worker_quits_the_application() {
    if !in_child!("a_worker_quits_the_application", 200) {
        return;
    }
    let app = QCoreApplication::new();
    let server = with_workers(2, || {
        let server = echo_server();
        server.new_connection.connect(|()| QCoreApplication::instance().exit(5));
        server
    });
    let port = server.server_port();
    let client = thread::spawn(move || connection(port).unwrap());
    assert_eq!(app.exec(), 5);
    let stream = client.join().unwrap();
    // The workers go on until the server dies.
    assert_eq!(server.worker_count(), 2);
    let stream = echo(stream, b"still there");
    drop(server);
    assert_eq!(read_to_end(&stream), b"");
}

/// A worker that waits for the thread of the dying server does not delay its death.
#[test]
fn a_worker_that_calls_the_other_thread() {
    let app = QCoreApplication::new();
    let (remote, calls) = (Remote::of(&app), Arc::new(AtomicBool::new(false)));
    let server = with_workers(1, {
        let calls = calls.clone();
        move || {
            let (server, calls, remote) = (echo_server(), calls.clone(), remote.clone());
            server.new_connection.connect(move |()| {
                calls.store(true, SeqCst);
                remote.call(|_| panic!("the loop does not run any more")).unwrap_err();
            });
            server
        }
    });
    let stream = client(&server);
    // This does not run the loop, so the call waits.
    server.wait_for_new_connection(5000).unwrap();
    while !calls.load(SeqCst) {
        thread::yield_now();
    }
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(4));
    assert_eq!(read_to_end(&stream), b"");
}

/// The destructor does not wait for ever for a worker that is stuck.
#[test]
fn a_worker_that_does_not_end() {
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let stuck = Arc::new(AtomicBool::new(false));
    let server = with_workers(1, {
        let stuck = stuck.clone();
        move || {
            let (server, stuck, released) = (echo_server(), stuck.clone(), released.clone());
            server.new_connection.connect(move |()| {
                stuck.store(true, SeqCst);
                released.lock().unwrap().recv().ok();
            });
            server
        }
    });
    let stream = client(&server);
    wait_until(|| stuck.load(SeqCst));
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < LIMIT);
    drop(release);
    assert_eq!(read_to_end(&stream), b"");
}
