//! Faults in the simulated network. Random programs under faults are in `model`.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use integration::{
    local::Dir,
    tls::{identified, trusting},
};
use qcore::{QCoreApplication, QTimer, block_on, spawn_local, wait_until};
use qnetwork::{
    LocalSocketState, QHostAddress, QLocalServer, QLocalSocket, QSslServer, QSslSocket, QTcpServer,
    QTcpSocket, QUdpSocket, SocketErrorKind, SocketState,
    pipe::pipe_both,
    simulation::{self, Faults, Link, Network, Simulation},
};

/// Sends everything back. Returns when a client has disconnected.
fn echo_once() {
    let app = QCoreApplication::new();
    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).ok();
            });
            let app = QCoreApplication::instance();
            socket.disconnected.connect(move |()| app.quit());
        }
    });
    server.listen(QHostAddress::Any, 80).unwrap();
    app.exec();
}

/// Sends `data` to the host `server` and reads it back. Returns how long that took.
fn round_trip(net: &Network, data: &[u8]) -> Duration {
    let socket = QTcpSocket::new();
    socket.connect_to_host("server", 80);
    let begun = net.now();
    assert!(wait_until(600_000, || socket.state() == SocketState::Connected));
    socket.write(data).unwrap();
    assert!(wait_until(6_000_000, || socket.bytes_available() >= data.len()));
    let took = net.now() - begun;
    assert!(socket.read_all() == data);
    socket.disconnect_from_host();
    assert!(wait_until(600_000, || socket.state() == SocketState::Unconnected));
    took
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}

#[test]
fn calls_that_do_less_than_asked_lose_nothing() {
    for (seed, chance) in [(1, 0.1), (2, 0.5), (3, 0.9), (4, 0.9)] {
        Simulation::new(seed).run(|net| {
            let server = net.host("server", "10.0.0.1");
            let faults = Faults::new()
                .interrupted(chance)
                .would_block(chance)
                .short_reads(chance)
                .short_writes(chance);
            server.set_faults(faults);
            net.main().set_faults(faults);
            server.start(echo_once);
            round_trip(net, &bytes(50_000));
        });
    }
}

#[test]
fn links() {
    let time = |link: Link, count| {
        Simulation::new(1).run(|net| {
            let server = net.host("server", "10.0.0.1");
            net.set_link(&net.main(), &server, link);
            server.start(echo_once);
            round_trip(net, &bytes(count)).as_millis()
        })
    };
    let second = Duration::from_secs(1);
    // The look-up takes 1 ms, the handshake one round trip, the data another one.
    assert_eq!(time(Link::new().latency(second), 1), 4001);
    // A hundred kilobytes there, at ten a second. Most of them are on the way back already when the
    // last ones arrive.
    let took = time(Link::new().bandwidth(10_000), 100_000);
    assert!((16_000..18_000).contains(&took), "{took} ms");
    let took = time(Link::new().jitter(second), 1);
    assert!((2..4010).contains(&took), "{took} ms");
    let took = time(Link::new().loss(0.5), 1_000_000);
    assert!(took > 200, "{took} ms");
}

#[test]
fn a_link_is_cut_and_repaired() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        server.start(echo_once);
        let socket = QTcpSocket::new();
        socket.connect_to_host("server", 80);
        socket.wait_for_connected(1000).unwrap();
        net.cut(&net.main(), &server);
        socket.write("x").unwrap();
        let error = socket.wait_for_ready_read(60_000).unwrap_err();
        assert_eq!(error, SocketErrorKind::SocketTimeout);
        let other = QTcpSocket::new();
        other.connect_to_host("10.0.0.1", 80);
        let error = other.wait_for_connected(60_000).unwrap_err();
        assert_eq!(error, SocketErrorKind::SocketTimeout);
        net.repair(&net.main(), &server);
        socket.wait_for_ready_read(1000).unwrap();
        assert_eq!(socket.read_all(), b"x");
        // One that stays cut ends the connection.
        net.cut(&net.main(), &server);
        socket.write("y").unwrap();
        assert!(wait_until(1_000_000, || socket.state() == SocketState::Unconnected));
        assert_eq!(socket.error(), SocketErrorKind::Network);
    });
}

/// What a host has sent arrives in its order, also if its socket is gone when the link is repaired.
#[test]
fn a_closed_socket_has_sent_during_the_cut() {
    Simulation::seeds(0..30, |net| {
        let server = net.host("server", "10.0.0.1");
        net.set_default_link(Link::new().jitter(Duration::from_millis(50)));
        server.start(|| {
            let server = QTcpServer::new();
            server.listen(QHostAddress::Any, 80).unwrap();
            server.wait_for_new_connection(1000).unwrap();
            let peer = server.next_pending_connection().unwrap();
            peer.write("unread").unwrap();
            let mut received = Vec::new();
            while peer.wait_for_ready_read(60_000).is_ok() {
                received.extend(peer.read_all());
            }
            assert_eq!(peer.error(), SocketErrorKind::RemoteHostClosed);
            assert!(b"abcdef".starts_with(&received), "{}", received.escape_ascii());
        });
        simulation::sleep(Duration::from_millis(1));
        let socket = QTcpSocket::new();
        socket.connect_to_host("10.0.0.1", 80);
        socket.wait_for_connected(1000).unwrap();
        simulation::sleep(Duration::from_millis(200));
        net.cut(&net.main(), &server);
        for part in ["ab", "c", "d", "ef"] {
            socket.write(part).unwrap();
            socket.flush();
        }
        // Unread bytes are in the kernel, so the kernel resets the connection.
        socket.abort();
        net.repair(&net.main(), &server);
        simulation::sleep(Duration::from_secs(1));
        assert_eq!(server.open_sockets(), 0);
    });
}

#[test]
fn a_router_resets_connections() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        server.start(echo_once);
        let socket = QTcpSocket::new();
        socket.connect_to_host("server", 80);
        socket.wait_for_connected(1000).unwrap();
        net.reset_connections(&net.main(), &server);
        assert!(wait_until(1000, || socket.state() == SocketState::Unconnected));
        assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
    });
}

/// What was sent before the reset arrives after it.
#[test]
fn a_router_resets_a_connection_with_data_on_the_way() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        net.set_default_link(Link::new().latency(Duration::from_millis(10)));
        server.start(|| {
            let server = QTcpServer::new();
            server.listen(QHostAddress::Any, 80).unwrap();
            for _ in 0..2 {
                server.wait_for_new_connection(60_000).unwrap();
                let socket = server.next_pending_connection().unwrap();
                socket.wait_for_disconnected(60_000).ok();
                assert_eq!(socket.state(), SocketState::Unconnected);
            }
        });
        simulation::sleep(Duration::from_millis(1));
        // Before the server has the connection, and afterwards.
        for pause in [0, 100] {
            let socket = QTcpSocket::new();
            socket.connect_to_host("10.0.0.1", 80);
            socket.wait_for_connected(1000).unwrap();
            simulation::sleep(Duration::from_millis(pause));
            socket.write("x").unwrap();
            socket.flush();
            net.reset_connections(&net.main(), &server);
            assert!(wait_until(1000, || socket.state() == SocketState::Unconnected));
        }
        assert!(wait_until(60_000, || server.open_sockets() == 0));
    });
}

/// The end of a connection that was closed during the cut is told after it.
#[test]
fn both_ends_close_while_the_link_is_cut() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        server.start(|| {
            let server = QTcpServer::new();
            server.listen(QHostAddress::Any, 80).unwrap();
            server.wait_for_new_connection(1000).unwrap();
            let peer = server.next_pending_connection().unwrap();
            let mut stream = peer.stream();
            let ended = async {
                stream.shutdown().await?;
                stream.read(&mut [0]).await
            };
            assert_eq!(block_on(ended).unwrap().unwrap(), 0);
        });
        simulation::sleep(Duration::from_millis(1));
        let socket = QTcpSocket::new();
        socket.connect_to_host("10.0.0.1", 80);
        // The other end closes its half, and this end closes when it sees that.
        socket.error_occurred.connect({
            let (net, server) = (net.clone(), server.clone());
            move |_| net.cut(&net.main(), &server)
        });
        assert!(wait_until(1000, || socket.state() == SocketState::Connected));
        assert!(wait_until(1000, || socket.state() == SocketState::Unconnected));
        assert_eq!(net.main().open_sockets(), 0);
        net.repair(&net.main(), &server);
        assert!(wait_until(1000, || server.open_sockets() == 0));
    });
}

/// Both ends send TLS's closing message at the same time. One has sent a part of its own when it
/// receives the other one.
#[test]
fn both_ends_of_an_encrypted_connection_shut_down() {
    Simulation::seeds(0..30, |net| {
        let server = QSslServer::new();
        server.set_ssl_configuration(identified("good"));
        server.listen(QHostAddress::LocalHost, 80).unwrap();
        let socket = QSslSocket::new();
        socket.set_ssl_configuration(trusting("ca"));
        let talk = async {
            socket.connect_encrypted("localhost", 80).await.unwrap();
            let peer = server.accept().await.unwrap();
            net.main().set_faults(Faults::new().interrupted(0.8).short_writes(0.8));
            let other = spawn_local(async move {
                let mut stream = peer.stream();
                let shut_down = stream.shutdown().await;
                (shut_down, stream.read(&mut [0]).await)
            });
            let mut stream = socket.stream();
            let outcome = (stream.shutdown().await, stream.read(&mut [0]).await);
            assert_eq!(outcome, (Ok(()), Ok(0)));
            assert_eq!(other.await.unwrap(), (Ok(()), Ok(0)));
        };
        block_on(talk).unwrap();
    });
}

/// A pipe moves large amounts of data in the kernel, also in a simulated one.
#[test]
fn a_pipe_moves_much_data() {
    Simulation::new(1).run(|net| {
        let relay = net.host("relay", "10.0.0.1");
        relay.start(|| {
            let app = QCoreApplication::new();
            let server = QTcpServer::new();
            server.new_connection.connect_to(&server, |server, ()| {
                let client = server.next_pending_connection().unwrap();
                let upstream = QTcpSocket::new();
                upstream.connect_to_host("server", 80);
                pipe_both(&client, &upstream);
            });
            server.listen(QHostAddress::Any, 80).unwrap();
            app.exec();
        });
        let server = net.host("server", "10.0.0.2");
        server.start(echo_once);
        net.set_default_link(Link::new().bandwidth(1_000_000));
        let socket = QTcpSocket::new();
        socket.connect_to_host("relay", 80);
        let data = bytes(500_000);
        socket.write(&data).unwrap();
        assert!(wait_until(600_000, || socket.bytes_available() >= data.len()));
        assert!(socket.read_all() == data);
    });
}

#[test]
fn a_frozen_host_answers_later() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        server.start(echo_once);
        let socket = QTcpSocket::new();
        socket.connect_to_host("server", 80);
        socket.wait_for_connected(1000).unwrap();
        server.freeze(Duration::from_secs(100));
        socket.write("x").unwrap();
        assert!(socket.wait_for_ready_read(90_000).is_err());
        socket.wait_for_ready_read(11_000).unwrap();
    });
}

#[test]
fn a_server_without_descriptors_recovers() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        server.start(|| {
            let app = QCoreApplication::new();
            let server = QTcpServer::new();
            server.listen(QHostAddress::Any, 80).unwrap();
            let errors = Rc::new(Cell::new(0));
            let count = errors.clone();
            server.accept_error.connect(move |_| count.set(count.get() + 1));
            let (quit, left) = (app.clone(), Cell::new(20));
            server.new_connection.connect_to(&server, move |server, ()| {
                while let Some(socket) = server.next_pending_connection() {
                    socket.write("hello").unwrap();
                    left.set(left.get() - 1);
                }
                if left.get() == 0 {
                    QTimer::single_shot_to(1000, &quit, |quit| quit.quit());
                }
            });
            app.exec();
            assert!(errors.get() > 0);
        });
        simulation::sleep(Duration::from_millis(1));
        server.set_faults(Faults::new().no_descriptors(0.5));
        let sockets: Vec<_> = (0..20)
            .map(|_| {
                let socket = QTcpSocket::new();
                socket.connect_to_host("server", 80);
                socket
            })
            .collect();
        for socket in &sockets {
            assert!(wait_until(60_000, || socket.bytes_available() == 5));
        }
    });
}

/// A full table of the system and too little memory are like too few descriptors of the process.
#[test]
fn all_shortages_are_alike() {
    let mut log = String::new();
    for seed in 0..20 {
        let mut simulation = Simulation::new(seed);
        simulation.run(accept_without_resources);
        log += simulation.log();
    }
    // EMFILE, ENFILE, ENOMEM, ENOBUFS
    for code in [24, 23, 12, if cfg!(target_os = "linux") { 105 } else { 55 }] {
        for call in ["Open", "Accept"] {
            assert!(log.contains(&format!("has the fault {code} in {call}")), "{code} in {call}");
        }
    }
}

fn accept_without_resources(net: &Network) {
    let few = Faults::new().no_descriptors(0.2).no_buffers(0.2);
    let none = match net.seed() % 2 {
        0 => Faults::new().no_descriptors(1.0),
        _ => Faults::new().no_buffers(1.0),
    };
    let server = QTcpServer::new();
    server.listen(QHostAddress::Any, 80).unwrap();
    let (dir, local) = (Dir::new(), QLocalServer::new());
    local.listen(dir.path("server")).unwrap();
    let errors = Rc::new(RefCell::new(Vec::new()));
    server.accept_error.connect_to(&errors, |errors: &RefCell<_>, kind: &SocketErrorKind| {
        errors.borrow_mut().push(*kind);
    });

    let mut sockets: Vec<QTcpSocket> = (0..10).map(|_| QTcpSocket::new()).collect();
    let mut locals: Vec<QLocalSocket> = (0..10).map(|_| QLocalSocket::new()).collect();
    sockets.iter().for_each(|socket| socket.connect_to_host("127.0.0.1", 80));
    locals.iter().for_each(|socket| socket.connect_to_server(dir.path("server")));
    net.main().set_faults(few);
    let accepted = Cell::new(0);
    assert!(wait_until(60_000, || {
        while server.next_pending_connection().is_some() {
            accepted.set(accepted.get() + 1);
        }
        while local.next_pending_connection().is_some() {
            accepted.set(accepted.get() + 1);
        }
        accepted.get() == 20
    }));
    assert!(errors.borrow().iter().all(|kind| *kind == SocketErrorKind::SocketResource));
    assert!(errors.borrow().is_empty() || server.error_string() == "Out of resources");

    // New sockets fail with an error, and can be used later.
    sockets.clear();
    locals.clear();
    net.main().set_faults(none);
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", 80);
    assert_eq!((socket.state(), socket.error_string()), lacking());
    let failed = QUdpSocket::new().bind(QHostAddress::AnyIPv4, 0).unwrap_err();
    assert_eq!(failed, SocketErrorKind::SocketResource);
    let failed = QTcpServer::new().listen(QHostAddress::Any, 0).unwrap_err();
    assert_eq!(failed, SocketErrorKind::SocketResource);
    let client = QLocalSocket::new();
    client.connect_to_server(dir.path("server"));
    assert_eq!(client.state(), LocalSocketState::Unconnected);
    net.main().set_faults(Faults::new());
    socket.connect_to_host("127.0.0.1", 80);
    client.connect_to_server(dir.path("server"));
    assert!(wait_until(1000, || socket.state() == SocketState::Connected));
    assert_eq!(client.state(), LocalSocketState::Connected);
}

fn lacking() -> (SocketState, String) {
    (SocketState::Unconnected, "Out of resources".to_owned())
}

#[test]
fn datagrams_are_lost_doubled_and_reordered() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        let link = Link::new().loss(0.1).duplicates(0.1).jitter(Duration::from_millis(10));
        net.set_default_link(link);
        server.start(|| {
            let app = QCoreApplication::new();
            let socket = QUdpSocket::new();
            socket.bind(QHostAddress::AnyIPv4, 80).unwrap();
            socket.ready_read.connect_to(&socket, |socket, ()| {
                while let Ok(datagram) = socket.receive_datagram() {
                    let (host, port) = (datagram.sender_address(), datagram.sender_port().unwrap());
                    socket.write_datagram(datagram.data(), &host, port).ok();
                }
            });
            app.exec();
        });
        simulation::sleep(Duration::from_millis(1));
        let socket = QUdpSocket::new();
        socket.bind(QHostAddress::AnyIPv4, 0).unwrap();
        let numbers = Rc::new(RefCell::new(Vec::new()));
        let received = numbers.clone();
        socket.ready_read.connect_to(&socket, move |socket, ()| {
            while let Ok(datagram) = socket.receive_datagram() {
                received.borrow_mut().push(datagram.data()[0]);
            }
        });
        let to: QHostAddress = "10.0.0.1".parse().unwrap();
        for number in 0..200 {
            socket.write_datagram([number], &to, 80).unwrap();
        }
        assert!(!wait_until(1000, || false));
        let mut numbers = numbers.take();
        assert!(!numbers.is_sorted());
        numbers.sort_unstable();
        let count = numbers.len();
        numbers.dedup();
        assert!(numbers.len() < 200 && numbers.len() > 100, "{}", numbers.len());
        assert!(count > numbers.len());
    });
}

#[test]
fn data_on_its_way_does_not_take_a_reset_socket_from_its_program() {
    for writes in [false, true] {
        Simulation::new(1).run(move |net| {
            net.set_default_link(Link::new().latency(Duration::from_millis(50)));
            let (a, b) = (net.host("a", "10.0.0.1"), net.host("b", "10.0.0.2"));
            b.start(move || {
                let server = QTcpServer::new();
                server.listen(QHostAddress::Any, 80).unwrap();
                server.wait_for_new_connection(5000).unwrap();
                let socket = server.next_pending_connection().unwrap();
                simulation::sleep(Duration::from_secs(1));
                if writes {
                    socket.write("x").unwrap();
                    socket.flush();
                }
                let error = socket.wait_for_ready_read(1000).unwrap_err();
                assert_ne!(error, SocketErrorKind::SocketTimeout);
                assert_eq!(socket.state(), SocketState::Unconnected);
            });
            a.start(|| {
                let socket = QTcpSocket::new();
                socket.connect_to_host("b", 80);
                socket.wait_for_connected(5000).unwrap();
                simulation::sleep(Duration::from_millis(200));
                socket.write("hello").unwrap();
                socket.flush();
                simulation::sleep(Duration::from_secs(3));
            });
            // The bytes are on their way.
            simulation::sleep(Duration::from_millis(320));
            net.reset_connections(&a, &b);
            simulation::sleep(Duration::from_secs(3));
        });
    }
}

#[test]
fn each_cut_of_a_link_lasts_as_long_before_a_connection_ends() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        server.start(echo_once);
        let socket = QTcpSocket::new();
        socket.connect_to_host("server", 80);
        socket.wait_for_connected(1000).unwrap();
        for _ in 0..2 {
            net.cut(&net.main(), &server);
            socket.write("x").unwrap();
            // The rest of the time has to begin anew with the second cut.
            let error = socket.wait_for_ready_read(600_000).unwrap_err();
            assert_eq!(error, SocketErrorKind::SocketTimeout);
            net.repair(&net.main(), &server);
            socket.wait_for_ready_read(1000).unwrap();
            assert_eq!(socket.read_all(), b"x");
        }
        socket.abort();
    });
}

#[test]
fn links_of_any_delay() {
    Simulation::new(1).run(|net| {
        let server = net.host("server", "10.0.0.1");
        server.start(|| {
            let socket = QUdpSocket::new();
            socket.bind(QHostAddress::Any, 80).unwrap();
            assert!(socket.wait_for_ready_read(1000).is_err());
        });
        let socket = QUdpSocket::new();
        for link in [Link::new().jitter(Duration::MAX), Link::new().latency(Duration::MAX)] {
            net.set_default_link(link);
            socket.write_datagram("x", "10.0.0.1", 80).unwrap();
        }
        simulation::sleep(Duration::from_secs(2));
    });
}

#[test]
fn a_full_backlog_takes_simulated_time() {
    let dir = Dir::new();
    let name = dir.path("full");
    Simulation::new(1).run(move |net| {
        let host = net.host("host", "10.0.0.9");
        let path = name.clone();
        host.start(move || {
            let server = QLocalServer::new();
            server.set_max_pending_connections(0);
            server.listen(&path).unwrap();
            simulation::sleep(Duration::from_secs(3600));
        });
        let path = name.clone();
        host.start(move || {
            simulation::sleep(Duration::from_millis(10));
            let mut connected = Vec::new();
            loop {
                let socket = QLocalSocket::new();
                socket.connect_to_server(&path);
                if socket.state() != LocalSocketState::Connected {
                    let before = simulation::now().unwrap();
                    assert!(socket.wait_for_connected(100).is_err());
                    let took = simulation::now().unwrap() - before;
                    assert!((100..130).contains(&took.as_millis()), "{took:?}");
                    return;
                }
                connected.push(socket);
                assert!(connected.len() < 1000, "the backlog is never full");
            }
        });
        simulation::sleep(Duration::from_secs(10));
    });
}
