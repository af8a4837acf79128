//! The types that give a task one item after the other are streams of the crate `futures-core`.

use std::time::Duration;

use futures_lite::{Stream, StreamExt};
use integration::local::Dir;
use qcore::{
    OpenMode, QBuffer, Signal, VirtualClock, block_on,
    framing::{Framed, Lines},
    task::{interval, timeout},
};
use qnetwork::{QHostAddress, QLocalServer, QLocalSocket, QTcpServer, QTcpSocket, QUdpSocket};

const LONG: Duration = Duration::from_secs(20);

/// Returns the next items of a stream, all if there are fewer.
#[track_caller]
fn take<S: Stream + Unpin>(stream: &mut S, count: usize) -> Vec<S::Item> {
    block_on(timeout(LONG, stream.take(count).collect())).unwrap().expect("it takes too long")
}

#[test]
fn connections() {
    let server = QTcpServer::new();
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let clients = [(); 3].map(|()| QTcpSocket::new());
    clients.iter().for_each(|one| one.connect_to_host("127.0.0.1", server.server_port()));
    let mut incoming = server.incoming();
    let mut ports: Vec<u16> = take(&mut incoming, 3).iter().map(|one| one.peer_port()).collect();
    let mut expected = clients.each_ref().map(|client| client.local_port());
    ports.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ports, expected);
    server.close();
    assert!(take(&mut incoming, 1).is_empty());
}

#[test]
fn local_connections() {
    let (dir, server, client) = (Dir::new(), QLocalServer::new(), QLocalSocket::new());
    server.listen(dir.path("streams")).unwrap();
    client.connect_to_server(dir.path("streams"));
    let mut incoming = server.incoming();
    assert_eq!(take(&mut incoming, 1).len(), 1);
    server.close();
    assert!(take(&mut incoming, 1).is_empty());
}

#[test]
fn datagrams() {
    let (socket, other) = (QUdpSocket::new(), QUdpSocket::new());
    let mut datagrams = socket.datagrams();
    assert!(take(&mut datagrams, 1).is_empty(), "the socket is not bound");
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    for word in ["one", "two"] {
        other.write_datagram(word, QHostAddress::LocalHost, socket.local_port()).unwrap();
    }
    let words = take(&mut datagrams, 2).into_iter().map(|one| one.unwrap().data().to_vec());
    assert_eq!(words.collect::<Vec<_>>(), [b"one", b"two"]);
    // A task that waits is told that the socket is closed.
    let waiting = qcore::spawn_local(async move { datagrams.next().await.is_none() });
    qcore::QCoreApplication::instance().process_events();
    socket.close();
    assert!(block_on(waiting).unwrap().unwrap());
}

#[test]
fn values_of_a_signal() {
    let counted = Signal::<u32>::new();
    let mut values = counted.stream();
    (1..=3).for_each(|value| counted.emit(value));
    drop(counted);
    assert_eq!(take(&mut values, 9), [1, 2, 3]);
}

#[test]
fn ticks() {
    let clock = VirtualClock::install();
    let (before, mut ticks) = (clock.now(), interval(1000));
    assert_eq!(take(&mut ticks, 3).len(), 3);
    assert_eq!(clock.now() - before, Duration::from_secs(3));
}

#[test]
fn messages() {
    let buffer = QBuffer::new();
    buffer.set_data(b"one\ntwo\n");
    buffer.open(OpenMode::READ_ONLY).unwrap();
    let mut lines = Framed::new(&buffer, Lines::new()).stream();
    let lines: Vec<_> = take(&mut lines, 9).into_iter().map(Result::unwrap).collect();
    assert_eq!(lines, ["one", "two"]);
}
