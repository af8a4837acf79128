//! A round trip allocates nothing once the buffers are warm.

#[path = "../../qcore/tests/common/counting.rs"]
mod counting;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use counting::{allocations, held};
use qcore::wait_until;
use qnetwork::{
    QHostAddress, QLocalServer, QLocalSocket, QNetworkDatagram, QTcpServer, QTcpSocket, QUdpSocket,
    TimeoutKind,
};

/// An accepted connection takes at most 2 KiB, without the program's slots.
#[test]
fn an_idle_connection() {
    // Both ends take a descriptor, of 256.
    const COUNT: usize = 100;
    let server = QTcpServer::new();
    server.set_max_pending_connections(2 * COUNT as i32);
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let mut sizes = Vec::new();
    // The first round makes the tables of the loop grow.
    for timeout in [-1, -1, 60_000] {
        let address = ("127.0.0.1", server.server_port());
        let clients: Vec<_> =
            (0..COUNT).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let mut sockets = Vec::with_capacity(COUNT);
        let bytes = held(|| {
            let all = || {
                sockets.extend(std::iter::from_fn(|| server.next_pending_connection()));
                sockets.len() == COUNT
            };
            assert!(wait_until(10_000, all));
            for socket in &sockets {
                socket.set_timeout(TimeoutKind::IdleRead, timeout);
            }
        });
        for socket in &sockets {
            socket.disconnected.connect_to(socket, |socket, ()| socket.delete_later());
        }
        sizes.push(bytes / COUNT as isize);
        drop((clients, sockets));
        // What this round frees must not count for the next one.
        let none = || server.find_children::<QTcpSocket>(None).is_empty();
        assert!(wait_until(10_000, none));
    }
    sizes.remove(0);
    println!("measured: {sizes:?} bytes for a connection without and with a time-out");
    assert!(sizes[0] <= 2048, "{sizes:?}");
    assert!(sizes[1] <= 2048 + 512, "{sizes:?}");
}

#[test]
fn an_echo() {
    over_tcp(None);
    over_tcp(Some(60_000));
    over_a_local_socket();
    #[cfg(feature = "tasks")]
    by_tasks();
}

/// Both ends are tasks.
#[cfg(feature = "tasks")]
fn by_tasks() {
    use qcore::spawn_local;

    let server = QTcpServer::new();
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let (port, trips) = (server.server_port(), Rc::new(Cell::new(0)));
    let counted = trips.clone();
    let _serving = spawn_local(async move {
        let mut stream = server.accept().await.unwrap().stream();
        let mut buffer = [0; 1024];
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            stream.write_all(&buffer[..count]).await.unwrap();
        }
        #[allow(unreachable_code)]
        ()
    })
    .scoped();
    let _asking = spawn_local(async move {
        let socket = QTcpSocket::new();
        socket.connect("127.0.0.1", port).await.unwrap();
        let mut stream = socket.stream();
        let mut buffer = [7; 64];
        loop {
            stream.write_all(&buffer).await.unwrap();
            stream.read_exact(&mut buffer).await.unwrap();
            counted.set(counted.get() + 1);
        }
        #[allow(unreachable_code)]
        ()
    })
    .scoped();
    assert!(wait_until(10_000, || trips.get() >= 100));
    let first = trips.get();
    let count = allocations(|| assert!(wait_until(10_000, || trips.get() >= first + 500)));
    // Running the loop takes one allocation.
    assert_eq!(count, 1);
}

/// Time-outs allocate nothing for a round trip.
fn over_tcp(timeout: Option<i32>) {
    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            if let Some(timeout) = timeout {
                socket.set_timeout(TimeoutKind::IdleRead, timeout);
                socket.set_timeout(TimeoutKind::IdleWrite, timeout);
            }
            socket.ready_read.connect_to(&socket, |socket, ()| {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = socket.read_into(&mut buffer) {
                    socket.write(&buffer[..count]).unwrap();
                }
            });
        }
    });
    server.listen(QHostAddress::LocalHost, 0).unwrap();

    let client = QTcpSocket::new();
    let trips = Rc::new(Cell::new(0));
    let told = Rc::new(Cell::new(0));
    client.connected.connect_to(&client, |client, ()| {
        client.write([7; 64]).unwrap();
    });
    // With a slot connected here, written data goes out in the next turn.
    client.bytes_written.connect_to(&told, |told, count| told.set(told.get() + count));
    let counted = trips.clone();
    client.ready_read.connect_to(&client, move |client, ()| {
        let mut buffer = [0; 1024];
        let count = client.read_into(&mut buffer).unwrap();
        assert_eq!(count, 64);
        client.write(&buffer[..count]).unwrap();
        counted.set(counted.get() + 1);
    });
    client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    assert!(wait_until(10_000, || trips.get() >= 100));

    let first = trips.get();
    let count = allocations(|| assert!(wait_until(10_000, || trips.get() >= first + 500)));
    // Running the loop takes one allocation.
    assert_eq!(count, 1);
    assert!(told.get() >= 64 * 500);
}

#[test]
fn an_echo_of_datagrams() {
    let server = QUdpSocket::new();
    server.ready_read.connect_to(&server, |server, ()| {
        let mut buffer = [0; 1024];
        while server.has_pending_datagrams() {
            let (count, host, port) = server.read_datagram_into(&mut buffer).unwrap();
            server.write_datagram(&buffer[..count], host, port).unwrap();
        }
    });
    server.bind(QHostAddress::LocalHost, 0).unwrap();

    // Several datagrams are on their way, so some are read ahead. The slot takes one at a time, so
    // the others are kept.
    let client = QUdpSocket::new();
    client.bind(QHostAddress::LocalHost, 0).unwrap();
    let trips = Rc::new(Cell::new(0));
    let counted = trips.clone();
    let to = server.local_port();
    client.ready_read.connect_to(&client, move |client, ()| {
        let mut buffer = [0; 1024];
        let (count, host, port) = client.read_datagram_into(&mut buffer).unwrap();
        assert_eq!((count, port), (64, to));
        client.write_datagram(&buffer[..count], host, port).unwrap();
        counted.set(counted.get() + 1);
    });
    for _ in 0..8 {
        client.write_datagram([7; 64], QHostAddress::LocalHost, to).unwrap();
    }
    assert!(wait_until(10_000, || trips.get() >= 200));

    let first = trips.get();
    let count = allocations(|| assert!(wait_until(10_000, || trips.get() >= first + 1000)));
    // Running the loop takes one allocation.
    assert_eq!(count, 1);
}

#[test]
fn an_address_as_text() {
    let socket = QUdpSocket::new();
    socket.bind("127.0.0.1", 0).unwrap();
    let port = socket.local_port();
    let mut buffer = [0; 8];
    let mut echo = || {
        socket.write_datagram("x", "127.0.0.1", port).unwrap();
        socket.read_datagram_into(&mut buffer).unwrap();
    };
    echo();
    assert_eq!(allocations(|| (0..100).for_each(|_| echo())), 0);
}

#[test]
fn an_echo_of_many_datagrams_together() {
    let trips = Rc::new(Cell::new(0));
    let (server, client) = (QUdpSocket::new(), QUdpSocket::new());
    for socket in [&server, &client] {
        let memory = RefCell::new(vec![QNetworkDatagram::default(); 32]);
        let counted = trips.clone();
        socket.ready_read.connect_to(socket, move |socket, ()| {
            let mut datagrams = memory.borrow_mut();
            let count = socket.receive_datagrams_into(&mut datagrams);
            for datagram in &mut datagrams[..count] {
                let port = datagram.sender_port().unwrap();
                datagram.set_destination(datagram.sender_address(), port);
            }
            assert_eq!(socket.write_datagrams(&datagrams[..count]).unwrap(), count);
            counted.set(counted.get() + count);
        });
        socket.bind(QHostAddress::LocalHost, 0).unwrap();
    }
    for _ in 0..20 {
        client.write_datagram([7; 64], QHostAddress::LocalHost, server.local_port()).unwrap();
    }
    assert!(wait_until(10_000, || trips.get() >= 1000));

    let first = trips.get();
    let count = allocations(|| assert!(wait_until(10_000, || trips.get() >= first + 2000)));
    // Running the loop takes one allocation.
    assert_eq!(count, 1);
}

fn over_a_local_socket() {
    let server = QLocalServer::new();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = socket.read_into(&mut buffer) {
                    socket.write(&buffer[..count]).unwrap();
                }
            });
        }
    });
    server.listen(format!("qnetwork-allocations-{}", std::process::id())).unwrap();

    let client = QLocalSocket::new();
    let trips = Rc::new(Cell::new(0));
    let told = Rc::new(Cell::new(0));
    client.connected.connect_to(&client, |client, ()| {
        client.write([7; 64]).unwrap();
    });
    // With a slot connected here, written data goes out in the next turn.
    client.bytes_written.connect_to(&told, |told, count| told.set(told.get() + count));
    let counted = trips.clone();
    client.ready_read.connect_to(&client, move |client, ()| {
        let mut buffer = [0; 1024];
        let count = client.read_into(&mut buffer).unwrap();
        assert_eq!(count, 64);
        client.write(&buffer[..count]).unwrap();
        counted.set(counted.get() + 1);
    });
    client.connect_to_server(server.full_server_name());
    assert!(wait_until(10_000, || trips.get() >= 100));

    let first = trips.get();
    let count = allocations(|| assert!(wait_until(10_000, || trips.get() >= first + 500)));
    // Running the loop takes one allocation.
    assert_eq!(count, 1);
    assert!(told.get() >= 64 * 500);
}

fn sink(socket: &QTcpSocket, received: &Rc<Cell<usize>>) {
    let received = received.clone();
    let memory = RefCell::new(vec![0; 64 * 1024]);
    socket.ready_read.connect_to(socket, move |socket, ()| {
        let mut buffer = memory.borrow_mut();
        while let Ok(count @ 1..) = socket.read_into(&mut buffer) {
            received.set(received.get() + count);
        }
    });
}

/// Returns both ends of a connection.
fn connected() -> (QTcpServer, QTcpSocket, QTcpSocket) {
    let (server, client) = (QTcpServer::new(), QTcpSocket::new());
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    assert!(wait_until(10_000, || client.is_valid() && server.has_pending_connections()));
    let accepted = server.next_pending_connection().unwrap();
    (server, client, accepted)
}

/// Megabytes in one direction: what is written in chunks and read into memory of one's own takes no
/// memory of each chunk's.
#[test]
fn bulk() {
    static BLOCK: [u8; 64 * 1024] = [7; 64 * 1024];
    const ROUND: usize = 256;
    let (_server, client, accepted) = connected();
    let received = Rc::new(Cell::new(0));
    sink(&accepted, &received);
    let mut sent = 0;
    let mut round = || {
        for _ in 0..ROUND {
            client.write_chunk(&BLOCK[..]).unwrap();
            sent += BLOCK.len();
            assert!(wait_until(10_000, || client.bytes_to_write() < 256 * 1024));
        }
        assert!(wait_until(10_000, || received.get() == sent));
    };
    (0..4).for_each(|_| round());
    // Each `wait_until` takes one. How the kernel divides the bytes decides on the rest.
    let count = allocations(&mut round);
    assert!(count <= 2 * (ROUND + 1), "{count} for {ROUND} blocks");
}

/// Each connection takes a handful of allocations at both ends together, however many there are.
#[test]
fn accepting() {
    let server = QTcpServer::new();
    let taken = Rc::new(RefCell::new(Vec::with_capacity(100)));
    let more = taken.clone();
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            more.borrow_mut().push(socket);
        }
    });
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let mut clients = Vec::with_capacity(100);
    let mut round = || {
        for _ in 0..100 {
            let client = QTcpSocket::new();
            client.connect_to_host(QHostAddress::LocalHost, server.server_port());
            clients.push(client);
        }
        assert!(wait_until(10_000, || taken.borrow().len() == 100));
        clients.drain(..).for_each(|client| client.abort());
        taken.borrow_mut().drain(..).for_each(|socket| socket.abort());
    };
    (0..3).for_each(|_| round());
    let count = allocations(&mut round);
    assert!(count <= 100 * 24, "{count} for 100 connections");
}

#[test]
fn a_client_that_waits() {
    use std::io::{Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut buffer = [0; 64];
        while stream.read_exact(&mut buffer).is_ok() {
            stream.write_all(&buffer).unwrap();
        }
    });
    let client = QTcpSocket::new();
    client.connect_to_host("127.0.0.1", port);
    client.wait_for_connected(10_000).unwrap();
    let trip = || {
        let mut buffer = [7; 64];
        client.write(&buffer[..]).unwrap();
        while client.bytes_available() < 64 {
            client.wait_for_ready_read(10_000).unwrap();
        }
        assert_eq!(client.read_into(&mut buffer).unwrap(), 64);
    };
    (0..10).for_each(|_| trip());
    assert_eq!(allocations(|| (0..100).for_each(|_| trip())), 0);
    client.abort();
    server.join().unwrap();
}

/// An echo of records: what is allocated is rustls's.
#[cfg(feature = "tls")]
#[test]
fn an_encrypted_echo() {
    use qnetwork::{
        EncodingFormat, KeyAlgorithm, PeerVerifyMode, QSslCertificate, QSslConfiguration, QSslKey,
        QSslServer, QSslSocket,
    };

    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/certs");
    let read = |name: &str| std::fs::read(format!("{folder}/{name}")).unwrap();
    let mut configuration = QSslConfiguration::default_configuration();
    let chain = QSslCertificate::from_data(read("good-ec.crt"), EncodingFormat::Pem).unwrap();
    let key = QSslKey::new(read("good-ec.key"), KeyAlgorithm::Ec, EncodingFormat::Pem);
    configuration.set_local_certificate_chain(chain);
    configuration.set_private_key(key);
    let server = QSslServer::new();
    server.set_ssl_configuration(configuration);
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = socket.read_into(&mut buffer) {
                    socket.write(&buffer[..count]).unwrap();
                }
            });
        }
    });
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let client = QSslSocket::new();
    client.set_peer_verify_mode(PeerVerifyMode::None);
    let trips = Rc::new(Cell::new(0));
    let counted = trips.clone();
    client.ready_read.connect_to(&client, move |client, ()| {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = client.read_into(&mut buffer) {
            client.write(&buffer[..count]).unwrap();
            counted.set(counted.get() + 1);
        }
    });
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    assert!(wait_until(10_000, || client.is_encrypted()));
    client.write([7; 64]).unwrap();
    assert!(wait_until(10_000, || trips.get() >= 100));
    let first = trips.get();
    let count = allocations(|| assert!(wait_until(10_000, || trips.get() >= first + 500)));
    // For each of the two records of a trip, rustls allocates the encrypted bytes that it hands
    // out; each end reads and writes one.
    println!("{count} allocations for 500 trips");
    assert!(count <= 4 * 500 + 100, "{count} for 500 trips");
}
