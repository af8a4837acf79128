//! `close_all`: servers and sockets that are closed before the program ends.

use std::{
    cell::{Cell, RefCell},
    io::Read,
    rc::Rc,
};

use integration::{
    connection, listener, local, pair, pair_of, port_of, run_for, server, settle, tls, wait_until,
};
use qcore::{QCoreApplication, QObject};
use qnetwork::{
    Closable, QLocalSocket, QSslSocket, QTcpServer, QTcpSocket, QUdpSocket, SocketState, close_all,
};

/// Closes all, and returns how many connections were cut off.
#[track_caller]
fn closed(all: impl IntoIterator<Item = Closable>, timeout: i32) -> usize {
    let result = Rc::new(RefCell::new(Vec::new()));
    let told = result.clone();
    close_all(all, timeout, move |cut| told.borrow_mut().push(cut));
    assert!(result.borrow().is_empty(), "it is told by the loop");
    wait_until(|| !result.borrow().is_empty());
    settle();
    assert_eq!(result.borrow().len(), 1);
    result.borrow()[0]
}

#[test]
fn nothing_to_close() {
    assert_eq!(closed([], 5000), 0);
    let (idle, bound, dead) = (QTcpSocket::new(), QUdpSocket::new(), QTcpSocket::new());
    bound.bind("127.0.0.1", 0).unwrap();
    let parent = QObject::new();
    dead.set_parent(Some(&parent));
    drop(parent);
    let all = [
        (&idle).into(),
        Closable::from(&*bound),
        (&dead).into(),
        (&QTcpServer::new()).into(),
        (&QLocalSocket::new()).into(),
        (&QSslSocket::new()).into(),
    ];
    assert_eq!(closed(all, 5000), 0);
    assert_eq!(bound.state(), SocketState::Unconnected);
}

#[test]
fn everything_is_sent() {
    let app = QCoreApplication::new();
    let server = server();
    let (accepted, client) = pair_of(&server);
    let encrypting = tls::encrypting("good");
    let encrypted = tls::client();
    let far = tls::encrypt(&encrypted, &encrypting);
    let dir = local::Dir::new();
    let local_server = local::server(&dir);
    let (near, local_far) = local::pair(&local_server);
    let (plain, mut peer) = pair();
    for socket in [&accepted, &plain, &*far] {
        socket.write(vec![5; 300_000]).unwrap();
    }
    local_far.write(vec![5; 100_000]).unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).map(|_| bytes.len()).unwrap()
    });
    let all = [(&server).into(), (&encrypting).into(), (&local_server).into(), (&plain).into()];
    // The program ends when all is done.
    close_all(all, 20_000, |cut| QCoreApplication::instance().exit(10 + cut as i32));
    assert_eq!(app.exec(), 10);
    assert_eq!(reader.join().unwrap(), 300_000);
    wait_until(|| encrypted.bytes_available() == 300_000);
    wait_until(|| client.bytes_available() == 300_000);
    wait_until(|| near.bytes_available() == 100_000);
}

/// Peers that do not read, and a socket that goes on connecting.
#[test]
fn the_rest_is_cut() {
    let listener = listener();
    let server = server();
    let served = connection(server.server_port()).unwrap();
    wait_until(|| server.has_pending_connections());
    let socket = server.next_pending_connection().unwrap();
    socket.write(vec![1; 50 << 20]).unwrap();
    let own = QTcpSocket::new();
    own.connect_to_host("127.0.0.1", port_of(&listener));
    own.write(vec![1; 50 << 20]).unwrap();
    let (in_order, peer) = pair();
    let all = [(&server).into(), (&own).into(), (&in_order).into()];
    assert_eq!(closed(all, 30), 2);
    for socket in [&socket, &own, &in_order] {
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
    drop((served, peer));
}

/// They die, or their connections are handed over, while the program waits without a limit.
#[test]
fn what_goes_away_is_not_waited_for() {
    let count = Rc::new(Cell::new(None));
    let (dying, peer) = pair();
    let (leaving, mut other_peer) = pair();
    for socket in [&dying, &leaving] {
        socket.write(vec![1; 50 << 20]).unwrap();
    }
    let parent = QObject::new();
    let server = server();
    let (accepted, client) = pair_of(&server);
    accepted.write(vec![1; 50 << 20]).unwrap();
    dying.set_parent(Some(&parent));
    server.set_parent(Some(&parent));
    // A socket that is closing cannot be handed over, so this one is not closed by the call.
    let told = count.clone();
    let connection = leaving.detach().unwrap();
    close_all([(&dying).into(), (&leaving).into(), (&server).into()], -1, move |cut| {
        told.set(Some(cut));
    });
    run_for(std::time::Duration::from_millis(5));
    assert_eq!(count.get(), None);
    drop(parent);
    drop((dying, server));
    wait_until(|| count.get().is_some());
    drop(connection);
    let _ = other_peer.read(&mut [0; 16]);
    drop((peer, client));
}
