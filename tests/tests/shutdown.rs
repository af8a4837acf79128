//! Servers that shut down: they tell their connections, wait for them and cut the rest.

use std::{
    cell::{Cell, RefCell},
    io::Read,
    net::TcpStream,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use integration::{
    connection,
    local::{self, Dir},
    read_to_end, server, settle,
    tls::{self, client, identified},
    wait_until,
};
use qcore::{QCoreApplication, QObject, QSignalSpy, VirtualClock, spawn_local};
use qnetwork::{QHostAddress, QSslServer, QSslSocket, QTcpServer, QTcpSocket, SocketState};

/// Connects clients and lets the server take them.
fn clients(server: &QTcpServer, count: usize) -> Vec<TcpStream> {
    let taken = Rc::new(Cell::new(0));
    server.new_connection.connect_to(&taken, {
        let server = qcore::QPointer::new(server);
        move |taken, ()| {
            while let Some(socket) = server.upgrade().unwrap().next_pending_connection() {
                socket.disconnected.connect_slot(&socket, QObject::delete_later);
                taken.set(taken.get() + 1);
            }
        }
    });
    let clients: Vec<_> = (0..count).map(|_| connection(server.server_port()).unwrap()).collect();
    wait_until(|| taken.get() == count);
    clients
}

#[test]
fn without_connections() {
    let server = server();
    let spy = QSignalSpy::new(&server.shutdown_finished);
    server.shutdown(5000);
    assert!(!server.is_listening());
    wait_until(|| spy.count() == 1);
    assert_eq!(spy.take(), [0]);
    // It was closed already, and it can listen again.
    server.shutdown(5000);
    wait_until(|| spy.count() == 1);
    server.listen("127.0.0.1", 0).unwrap();
    settle();
    assert_eq!(spy.take(), [0]);
}

#[test]
fn connections_are_disconnected_in_order() {
    let server = server();
    let streams = clients(&server, 3);
    for socket in server.find_children::<QTcpSocket>(None) {
        socket.write("the rest").unwrap();
    }
    let spy = QSignalSpy::new(&server.shutdown_finished);
    server.shutdown(-1);
    wait_until(|| spy.count() == 1);
    assert_eq!(spy.take(), [0]);
    for stream in streams {
        assert_eq!(read_to_end(&stream), b"the rest");
    }
}

#[test]
fn a_slot_says_goodbye() {
    let server = server();
    let streams = clients(&server, 3);
    server.shutting_down.connect_to(&server, |_, socket| {
        socket.write("goodbye").unwrap();
        socket.disconnect_from_host();
    });
    let (told, spy) =
        (QSignalSpy::new(&server.shutting_down), QSignalSpy::new(&server.shutdown_finished));
    server.shutdown(5000);
    wait_until(|| spy.count() == 1);
    assert_eq!((told.count(), spy.take()), (3, vec![0]));
    for stream in streams {
        assert_eq!(read_to_end(&stream), b"goodbye");
    }
}

#[test]
fn the_rest_is_cut_at_the_deadline() {
    let _app = QCoreApplication::new();
    let server = server();
    let streams = clients(&server, 3);
    let first = Cell::new(true);
    server.shutting_down.connect(move |socket| {
        // Two stay.
        if first.replace(false) {
            socket.disconnect_from_host();
        }
    });
    let spy = QSignalSpy::new(&server.shutdown_finished);
    let clock = VirtualClock::install();
    let start = clock.now();
    server.shutdown(8000);
    wait_until(|| spy.count() == 1);
    let taken = clock.now() - start;
    drop(clock);
    assert_eq!(spy.take(), [2]);
    assert!(taken >= Duration::from_millis(7900) && taken < Duration::from_secs(9), "{taken:?}");
    settle();
    assert!(server.find_children::<QTcpSocket>(None).is_empty());
    drop(streams);
}

#[test]
fn a_second_call_changes_the_deadline() {
    let _app = QCoreApplication::new();
    let server = server();
    let _streams = clients(&server, 1);
    let (told, spy) =
        (QSignalSpy::new(&server.shutting_down), QSignalSpy::new(&server.shutdown_finished));
    server.shutdown(-1);
    settle();
    assert_eq!(spy.count(), 0);
    server.shutdown(0);
    wait_until(|| spy.count() == 1);
    settle();
    assert_eq!((told.count(), spy.take()), (1, vec![1]));
}

#[test]
fn slots_that_end_connections() {
    let server = server();
    let _streams = clients(&server, 4);
    server.shutting_down.connect_to(&server, |server, _| {
        for socket in server.find_children::<QTcpSocket>(None) {
            socket.abort();
        }
    });
    let (told, spy) =
        (QSignalSpy::new(&server.shutting_down), QSignalSpy::new(&server.shutdown_finished));
    server.shutdown(5000);
    wait_until(|| spy.count() == 1);
    settle();
    assert_eq!((told.count(), spy.take()), (1, vec![0]));
}

#[test]
fn a_slot_deletes_the_server() {
    let server = server();
    let _streams = clients(&server, 2);
    let holder = Rc::new(RefCell::new(Some(server.clone())));
    let held = holder.clone();
    server.shutting_down.connect(move |_| drop(held.take()));
    drop(server);
    let kept = holder.borrow().clone().unwrap();
    kept.shutdown(5000);
    drop(kept);
    settle();
    assert!(holder.borrow().is_none());
}

#[test]
fn connections_of_tasks() {
    let server = server();
    let (port, spy) = (server.server_port(), QSignalSpy::new(&server.shutdown_finished));
    let taken = Rc::new(Cell::new(0));
    let (counted, accepting) = (taken.clone(), server.clone());
    let _task = spawn_local(async move {
        while let Ok(socket) = accepting.accept().await {
            counted.set(counted.get() + 1);
            spawn_local(async move {
                socket.disconnected().await;
            });
        }
    });
    let streams: Vec<_> = (0..3).map(|_| connection(port).unwrap()).collect();
    wait_until(|| taken.get() == 3);
    server.shutdown(-1);
    wait_until(|| spy.count() == 1);
    assert_eq!(spy.take(), [0]);
    for stream in streams {
        assert_eq!(read_to_end(&stream), b"");
    }
}

#[test]
fn an_encrypting_server() {
    let server = QSslServer::new();
    server.set_ssl_configuration(identified("good"));
    server.listen("127.0.0.1", 0).unwrap();
    let _taken = {
        let server = QTcpServer::clone(&server);
        server
            .new_connection
            .connect_to(&server, |server, ()| while server.next_pending_connection().is_some() {})
    };
    let (client, taken) = (client(), QSignalSpy::new(&server.new_connection));
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    // The server's handshake ends later than the client's.
    wait_until(|| client.is_encrypted() && taken.count() == 1);
    // A handshake that never ends is cut at once.
    let stalled = connection(server.server_port()).unwrap();
    let begun = QSignalSpy::new(&server.started_encryption_handshake);
    wait_until(|| begun.count() == 1);
    let spy = QSignalSpy::new(&server.shutdown_finished);
    server.shutting_down.connect(|socket| {
        socket.write("goodbye").unwrap();
        socket.disconnect_from_host();
    });
    server.shutdown(5000);
    wait_until(|| spy.count() == 1 && client.state() == SocketState::Unconnected);
    assert_eq!(spy.take(), [0]);
    assert_eq!(client.read_all(), b"goodbye");
    let _ = (&stalled).read(&mut [0; 10]);
}

#[test]
fn a_local_server() {
    let _app = QCoreApplication::new();
    let dir = Dir::new();
    let server = local::server(&dir);
    let (one, _other) = local::pair(&server);
    let (_two, _another) = local::pair(&server);
    let told = Rc::new(Cell::new(0));
    server.shutting_down.connect_to(&told, |told, socket| {
        told.set(told.get() + 1);
        if told.get() == 1 {
            socket.write("goodbye").unwrap();
            socket.disconnect_from_server();
        }
    });
    let spy = QSignalSpy::new(&server.shutdown_finished);
    let clock = VirtualClock::install();
    server.shutdown(5000);
    wait_until(|| spy.count() == 1);
    drop(clock);
    assert_eq!((told.get(), spy.take()), (2, vec![1]));
    wait_until(|| one.bytes_available() == 7);
}

#[test]
fn a_server_with_workers() {
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let server = QTcpServer::new();
    server.set_workers(2, || {
        let server = QTcpServer::new();
        server.new_connection.connect_to(&server, |server, ()| {
            while let Some(socket) = server.next_pending_connection() {
                socket.disconnected.connect_slot(&socket, QObject::delete_later);
                TAKEN.fetch_add(1, SeqCst);
            }
        });
        server.shutting_down.connect_to(&server, |_, socket| {
            // One of five does not end by itself.
            if TOLD.fetch_add(1, SeqCst) > 0 {
                socket.write("goodbye").unwrap();
                socket.disconnect_from_host();
            }
        });
        server
    });
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let streams: Vec<_> = (0..5).map(|_| connection(server.server_port()).unwrap()).collect();
    wait_until(|| TAKEN.load(SeqCst) == 5);
    let spy = QSignalSpy::new(&server.shutdown_finished);
    server.shutdown(50);
    assert!(!server.is_listening());
    wait_until(|| spy.count() == 1);
    settle();
    assert_eq!((TOLD.load(SeqCst), spy.take()), (5, vec![1]));
    let mut polite = 0;
    for mut stream in streams {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        polite += usize::from(rest == b"goodbye");
    }
    assert_eq!(polite, 4);
    // The workers are still there.
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let _stream = connection(server.server_port()).unwrap();
    wait_until(|| TAKEN.load(SeqCst) == 6);
}

#[test]
fn a_second_call_reaches_the_workers() {
    for second in [0, 50] {
        let taken = Arc::new(AtomicUsize::new(0));
        let server = QTcpServer::new();
        server.set_workers(2, {
            let taken = taken.clone();
            move || {
                let server = QTcpServer::new();
                let taken = taken.clone();
                server.new_connection.connect_to(&server, move |server, ()| {
                    while let Some(socket) = server.next_pending_connection() {
                        socket.disconnected.connect_slot(&socket, QObject::delete_later);
                        taken.fetch_add(1, SeqCst);
                    }
                });
                // Waits for its clients, which do not close.
                server.shutting_down.connect_to(&server, |_, socket| {
                    socket.write("bye").unwrap();
                });
                server
            }
        });
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        let mut stream = connection(server.server_port()).unwrap();
        wait_until(|| taken.load(SeqCst) == 1);
        let spy = QSignalSpy::new(&server.shutdown_finished);
        server.shutdown(-1);
        let mut told = [0; 3];
        stream.read_exact(&mut told).unwrap();
        assert_eq!((&told, spy.count()), (b"bye", 0));
        server.shutdown(second);
        wait_until(|| spy.count() == 1);
        assert_eq!(spy.take(), [1]);
        stream.read_to_end(&mut Vec::new()).ok();
    }
}

#[test]
fn connections_that_leave_do_not_hold_a_shutdown() {
    for way in ["detach", "disconnect_all", "again"] {
        let server = server();
        let streams = clients(&server, 3);
        let kept = Rc::new(RefCell::new(Vec::new()));
        server.shutting_down.connect_to(&kept, move |kept, socket| match way {
            "detach" => kept.borrow_mut().push(socket.detach().unwrap()),
            "disconnect_all" => {
                // This cuts the slots of the server too.
                socket.disconnect_all();
                socket.disconnect_from_host();
            }
            _ => {
                let (address, port) = (socket.peer_address(), socket.peer_port());
                socket.abort();
                socket.connect_to_host(address.to_string(), port);
                socket.abort();
            }
        });
        let spy = QSignalSpy::new(&server.shutdown_finished);
        server.shutdown(-1);
        wait_until(|| spy.count() == 1);
        settle();
        assert_eq!(spy.take(), [0], "{way}");
        drop(streams);
    }
}

/// The server does not wait for a connection that goes on in another socket.
#[test]
fn a_connection_that_is_handed_over() {
    for encrypts in [false, true] {
        let server = if encrypts { tls::encrypting("good") } else { server() };
        let (socket, _peer) = if encrypts {
            let client = client();
            (QTcpSocket::from(tls::encrypt(&client, &server)), Peer::Encrypting(client))
        } else {
            let stream = connection(server.server_port()).unwrap();
            wait_until(|| server.has_pending_connections());
            (server.next_pending_connection().unwrap(), Peer::Plain(stream))
        };
        // So that the server does not disconnect it.
        server.shutting_down.connect(|_| ());
        let spy = QSignalSpy::new(&server.shutdown_finished);
        server.shutdown(-1);
        settle();
        assert_eq!(spy.count(), 0);
        let connection = socket.detach().unwrap();
        wait_until(|| spy.count() == 1);
        assert_eq!(spy.take(), [0]);
        // It may come back to the same socket, and end there.
        socket.attach(connection).unwrap();
        socket.abort();
        settle();
        assert_eq!(spy.count(), 0);
    }
}

/// Keeps the other end open.
enum Peer {
    Plain(#[allow(dead_code, reason = "it is only kept")] TcpStream),
    Encrypting(#[allow(dead_code, reason = "it is only kept")] QSslSocket),
}
