//! The simulated network.

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::{Shutdown, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use qcore::{QCoreApplication, QSignalSpy, QTimer, run_for, wait_until};
use qnetwork::{
    HostInfoErrorKind, NetworkLayerProtocol, QHostAddress, QHostInfo, QTcpServer, QTcpSocket,
    SocketErrorKind, SocketOption, SocketState, TimeoutKind,
    simulation::{self, Network, Simulation, Socket},
};
use socket2::{Domain, Type};

/// A program that returns everything it receives, line by line.
fn echo() {
    let app = QCoreApplication::new();
    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                while socket.can_read_line() {
                    socket.write(socket.read_line()).unwrap();
                }
            });
            socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
        }
    });
    server.listen(QHostAddress::Any, 80).unwrap();
    app.exec();
}

fn connected(host: &str, port: u16) -> QTcpSocket {
    let socket = QTcpSocket::new();
    socket.connect_to_host(host, port);
    socket.wait_for_connected(10_000).unwrap();
    socket
}

fn raw(port: u16) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    socket
}

fn listening(port: u16) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([0, 0, 0, 0], port)).into()).unwrap();
    socket.listen(16).unwrap();
    socket
}

/// Several clients that talk to a server at random times. The answer is the order of their lines.
fn chatter(net: &Network) -> Vec<String> {
    net.host("server", "10.0.0.1").start(echo);
    let lines = Rc::<RefCell<Vec<String>>>::default();
    let clients: Vec<_> = (0..5)
        .map(|client| {
            let socket = QTcpSocket::new();
            socket.connected.connect_to(&socket, move |socket, ()| {
                socket.write(format!("hello from {client}\n")).unwrap();
            });
            let received = lines.clone();
            socket.ready_read.connect_to(&socket, move |socket, ()| {
                received.borrow_mut().push(String::from_utf8(socket.read_all()).unwrap());
                socket.disconnect_from_host();
            });
            let later = socket.clone();
            QTimer::single_shot((net.random() % 3) as i32, move || {
                later.connect_to_host("server", 80);
            });
            socket
        })
        .collect();
    assert!(wait_until(10_000, || lines.borrow().len() == 5));
    assert!(wait_until(10_000, || {
        clients.iter().all(|client| client.state() == SocketState::Unconnected)
    }));
    lines.take()
}

#[test]
fn two_runs_of_a_seed_write_the_same_log() {
    let run = |seed| {
        let mut simulation = Simulation::new(seed);
        let lines = simulation.run(chatter);
        (lines, simulation.log().to_owned())
    };
    let first = run(5);
    assert!(first.1.contains("server socket"), "{}", first.1);
    for _ in 0..3 {
        assert_eq!(run(5), first);
    }
    let orders: std::collections::BTreeSet<_> = (0..20).map(|seed| run(seed).0).collect();
    assert!(orders.len() > 1, "all seeds give the same order");
}

#[test]
fn an_hour_passes_at_once() {
    let begun = Instant::now();
    Simulation::new(1).run(|net| {
        let app = QCoreApplication::new();
        let quit = app.clone();
        QTimer::single_shot(Duration::from_secs(3600), move || quit.quit());
        app.exec();
        assert!(net.now() >= Duration::from_secs(3600 * 95 / 100));
        simulation::sleep(Duration::from_secs(3600));
        assert!(net.now() >= Duration::from_secs(7000));
    });
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_wait_in_one_program_does_not_stop_another() {
    Simulation::new(1).run(|net| {
        net.host("server", "10.0.0.1").start(echo);
        net.host("waits", "10.0.0.2").start(|| {
            let socket = connected("server", 80);
            // Nothing comes.
            let error = socket.wait_for_ready_read(100_000).unwrap_err();
            assert_eq!(error, SocketErrorKind::SocketTimeout);
        });
        let socket = connected("server", 80);
        assert_eq!(socket.peer_address(), "10.0.0.1".parse().unwrap());
        assert_eq!(socket.local_address(), "10.255.255.1".parse().unwrap());
        for _ in 0..10 {
            socket.write("x\n").unwrap();
            socket.wait_for_ready_read(1000).unwrap();
            assert_eq!(socket.read_all(), b"x\n");
        }
        assert!(net.now() < Duration::from_secs(1));
    });
}

#[test]
fn connections_fail_as_they_should() {
    Simulation::new(1).run(|net| {
        let _silent = net.host("idle", "10.0.0.1");
        let failure = |host: &str| {
            let (socket, begun) = (QTcpSocket::new(), net.now());
            socket.connect_to_host(host, 80);
            let error = socket.wait_for_connected(1_000_000).unwrap_err();
            (error.kind(), (net.now() - begun).as_secs())
        };
        assert_eq!(failure("idle"), (SocketErrorKind::ConnectionRefused, 0));
        assert_eq!(failure("localhost"), (SocketErrorKind::ConnectionRefused, 0));
        assert_eq!(failure("nobody"), (SocketErrorKind::HostNotFound, 0));
        // No host has this address.
        assert_eq!(failure("10.0.0.9"), (SocketErrorKind::Network, 3));
        // The backlog is full: two connections fit, as on Linux.
        let listener = listening(81);
        listener.listen(0).unwrap();
        let _first = raw(81);
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let to = SocketAddr::from(([127, 0, 0, 1], 81)).into();
        let error = socket.connect_timeout(&to, Duration::from_secs(10)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        // The request is repeated, and there is room.
        listener.accept().unwrap();
        let error = socket.connect_timeout(&to, Duration::from_secs(10)).err();
        assert_eq!(error.map(|error| error.to_string()), None);
    });
}

#[test]
fn the_addresses_of_a_name_are_tried_in_turn() {
    Simulation::new(1).run(|net| {
        net.host("server", "10.0.0.1").address("10.0.0.2").start(echo);
        net.name("www.example", &["10.0.0.9", "10.0.0.2"]);
        let info = QHostInfo::from_name("www.example");
        let wanted: [QHostAddress; 2] = ["10.0.0.9".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        assert_eq!(info.addresses(), wanted);
        let socket = connected("www.example", 80);
        assert_eq!(socket.peer_address(), wanted[1]);
        assert_eq!(QHostInfo::from_name("10.0.0.2").host_name(), "server");
        assert_eq!(QHostInfo::local_host_name(), "main");
        let info = QHostInfo::from_name("nobody.example");
        assert_eq!(info.error(), Some(HostInfoErrorKind::HostNotFound));
    });
}

#[test]
fn a_reader_that_does_not_read_stops_the_writer() {
    Simulation::new(1).run(|_| {
        let server = QTcpServer::new();
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        let peer = raw(server.server_port());
        server.wait_for_new_connection(1000).unwrap();
        let socket = server.next_pending_connection().unwrap();
        let data: Vec<u8> = (0..20_000_000u32).map(|at| (at % 251) as u8).collect();
        socket.write(&data).unwrap();
        assert!(!wait_until(1000, || socket.bytes_to_write() == 0));
        let waiting = socket.bytes_to_write();
        assert!(waiting > 0 && waiting < 20_000_000);
        assert!(!wait_until(1000, || socket.bytes_to_write() != waiting));
        // The reader reads in another program.
        let done = Arc::new(AtomicBool::new(false));
        let told = done.clone();
        simulation::start(move || {
            let mut received = vec![0; data.len()];
            (&peer).read_exact(&mut received).unwrap();
            assert!(received == data);
            told.store(true, Ordering::Relaxed);
        });
        assert!(wait_until(1000, || done.load(Ordering::Relaxed)));
        assert_eq!(socket.bytes_to_write(), 0);
    });
}

#[test]
fn ends_of_connections() {
    Simulation::new(1).run(|_| {
        let server = QTcpServer::new();
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        let pair = || {
            let peer = raw(server.server_port());
            server.wait_for_new_connection(1000).unwrap();
            (peer, server.next_pending_connection().unwrap())
        };
        // One end sends no more, and receives.
        let (peer, socket) = pair();
        (&peer).write_all(b"last").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        assert!(wait_until(1000, || socket.state() == SocketState::Unconnected));
        assert_eq!(socket.read_all(), b"last");
        let mut rest = Vec::new();
        (&peer).read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
        // A reset.
        let (peer, socket) = pair();
        peer.set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        assert!(wait_until(1000, || socket.state() == SocketState::Unconnected));
        assert_eq!(socket.error(), SocketErrorKind::RemoteHostClosed);
        // Closing with unread data is a reset, too.
        let (peer, socket) = pair();
        (&peer).write_all(b"unread").unwrap();
        socket.set_socket_option(SocketOption::KeepAlive, 1);
        drop(socket.clone());
        socket.abort();
        let error = (&peer).read(&mut [0; 10]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        // What was written before the end arrives.
        let (peer, socket) = pair();
        socket.write(vec![b'x'; 5_000_000]).unwrap();
        socket.disconnect_from_host();
        simulation::start(move || {
            let mut all = Vec::new();
            (&peer).read_to_end(&mut all).unwrap();
            assert_eq!(all.len(), 5_000_000);
        });
        assert!(wait_until(1000, || socket.state() == SocketState::Unconnected));
    });
}

#[test]
fn descriptors_go_from_hand_to_hand() {
    Simulation::new(1).run(|_| {
        let server = QTcpServer::new();
        let taken = Rc::new(std::cell::Cell::new(None));
        let keep = taken.clone();
        server.set_incoming_connection(&server, move |_, descriptor| keep.set(Some(descriptor)));
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        let peer = raw(server.server_port());
        assert!(wait_until(1000, || {
            let there = taken.take();
            let is_there = there.is_some();
            taken.set(there);
            is_there
        }));
        let socket = QTcpSocket::new();
        socket.set_socket_descriptor(taken.take().unwrap()).unwrap();
        (&peer).write_all(b"x").unwrap();
        socket.wait_for_ready_read(1000).unwrap();
        // A connection whose descriptor the program closes is closed.
        let dropped = raw(server.server_port());
        assert!(wait_until(1000, || {
            let there = taken.take();
            there.is_some()
        }));
        assert_eq!((&dropped).read(&mut [0]).unwrap(), 0);
        // A detached connection lives on.
        let detached = socket.detach().unwrap();
        let other = QTcpSocket::new();
        other.attach(detached).unwrap();
        (&peer).write_all(b"y").unwrap();
        assert!(wait_until(1000, || other.bytes_available() == 2));
        assert_eq!(other.read_all(), b"xy");
    });
}

/// Returns the text of the panic of `run`.
fn panic_of(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap()
}

#[test]
fn a_panic_ends_the_simulation() {
    let text = panic_of(|| Simulation::new(9).run(|_| panic!("main fails")));
    assert_eq!(text, "main fails");
    let text = panic_of(|| {
        Simulation::new(9).run(|net| {
            net.host("server", "10.0.0.1").start(|| {
                simulation::sleep(Duration::from_secs(5));
                panic!("the server fails");
            });
            QCoreApplication::new().exec();
        });
    });
    assert_eq!(text, "the server fails");
    let text = panic_of(|| {
        Simulation::new(9).run(|_| {
            QCoreApplication::new().exec();
        });
    });
    assert!(text.contains("stands still"), "{text}");
}

#[test]
fn what_a_program_has_is_dropped_at_the_end() {
    struct Tells(Arc<AtomicBool>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let told = dropped.clone();
    Simulation::new(1).run(move |net| {
        net.host("server", "10.0.0.1").start(move || {
            let _tells = Tells(told);
            echo();
        });
        connected("server", 80);
    });
    assert!(dropped.load(Ordering::Relaxed));
}

#[test]
fn outside_of_a_simulation_sockets_are_real() {
    assert!(!simulation::is_simulated());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = raw(listener.local_addr().unwrap().port());
    let (mut other, _) = listener.accept().unwrap();
    other.write_all(b"x").unwrap();
    let mut data = [0];
    (&socket).read_exact(&mut data).unwrap();
    assert!(!socket.is_readable().unwrap());
}

/// Two addresses never answer, and one refuses the connection. The race tries an IPv6 and an IPv4
/// address in turn, 250 ms apart, and goes on at once after a refusal.
#[test]
fn happy_eyeballs() {
    Simulation::new(1).run(|net| {
        let main = net.main().address("fd00::3");
        let silent = net.host("silent", "fd00::1").address("10.0.0.1");
        let server = net.host("server", "10.0.0.2").address("fd00::2");
        net.cut(&main, &silent);
        server.start(echo_by_ipv4);
        net.name("many", &["10.0.0.1", "fd00::1", "fd00::2", "10.0.0.2"]);
        simulation::sleep(Duration::from_millis(1));
        for (races, least) in [(true, 500), (false, 2 * 3000)] {
            let socket = QTcpSocket::new();
            socket.set_happy_eyeballs(races);
            socket.set_timeout(TimeoutKind::Address, 3000);
            let (found, told) =
                (QSignalSpy::new(&socket.host_found), QSignalSpy::new(&socket.connected));
            let begun = net.now();
            socket.connect_to_host("many", 80);
            assert!(wait_until(60_000, || socket.state() == SocketState::Connected));
            let taken = net.now() - begun;
            let least = Duration::from_millis(least);
            assert!(taken >= least && taken < least + Duration::from_millis(100), "{taken:?}");
            assert_eq!(socket.peer_address().to_string(), "10.0.0.2");
            assert_eq!((found.count(), told.count()), (1, 1));
            socket.write("hello\n").unwrap();
            assert!(wait_until(60_000, || socket.can_read_line()));
            // The attempts that have lost are over: nothing comes after the silent ones' time.
            assert!(!wait_until(4000, || socket.state() != SocketState::Connected));
            assert_eq!((found.count(), told.count()), (1, 1));
        }
    });
}

/// The IPv4 addresses are there first. The socket waits 50 ms for the IPv6 addresses.
#[test]
fn happy_eyeballs_wait_for_a_late_answer() {
    Simulation::new(1).run(|net| {
        let _main = net.main().address("fd00::3");
        net.host("server", "10.0.0.1").address("fd00::1").start(|| {
            let app = QCoreApplication::new();
            let server = QTcpServer::new();
            server.listen(QHostAddress::Any, 80).unwrap();
            app.exec();
        });
        simulation::sleep(Duration::from_millis(1));
        let v4 = NetworkLayerProtocol::IPv4;
        let v6 = NetworkLayerProtocol::IPv6;
        // The answers come after so many milliseconds. The socket connects after so many, to this
        // address.
        let cases = [
            ("soon", 10, 40, 40, "fd00::1"),
            ("late", 10, 5000, 60, "10.0.0.1"),
            ("first", 5000, 10, 10, "fd00::1"),
            ("none", 10, 30, 30, "10.0.0.1"),
            ("never", 10, 5000, 60, "10.0.0.1"),
            ("waiting", 10, 5000, 5000, "10.0.0.1"),
        ];
        for (name, time_v4, time_v6, begins, peer) in cases {
            let addresses: &[_] = match name {
                "none" | "never" => &["10.0.0.1"],
                _ => &["10.0.0.1", "fd00::1"],
            };
            net.name(name, addresses);
            net.set_lookup_time(name, v4, Duration::from_millis(time_v4));
            net.set_lookup_time(name, v6, Duration::from_millis(time_v6));
            let socket = QTcpSocket::new();
            socket.set_happy_eyeballs(true);
            let begun = net.now();
            socket.connect_to_host(name, 80);
            if name == "waiting" {
                // This function asks for both families at once.
                assert!(socket.wait_for_connected(30_000).is_ok());
            } else {
                assert!(wait_until(30_000, || socket.state() == SocketState::Connected), "{name}");
            }
            let (taken, begins) = (net.now() - begun, Duration::from_millis(begins));
            let is_right = taken >= begins && taken < begins + Duration::from_millis(2);
            assert!(is_right, "{name}: {taken:?}");
            assert_eq!(socket.peer_address().to_string(), peer, "{name}");
        }
    });
}

/// A name is in the cache from the moment of the answer on, for a minute.
#[test]
fn look_ups_take_time() {
    Simulation::new(1).run(|net| {
        net.name("slow", &["10.0.0.1"]);
        net.set_lookup_time("SLOW", NetworkLayerProtocol::AnyIP, Duration::from_secs(10));
        let received = Rc::new(RefCell::new(Vec::new()));
        let look_up = || {
            let net = net.clone();
            QHostInfo::lookup_host("slow", &received, move |received, info| {
                received.borrow_mut().push((info.addresses().len(), net.now().as_secs()));
            });
        };
        look_up();
        run_for(5000);
        look_up();
        run_for(64_000);
        look_up();
        run_for(11_000);
        look_up();
        run_for(20_000);
        assert_eq!(*received.borrow(), [(1, 10), (1, 15), (1, 69), (1, 90)]);
        // This function asks anew, and waits.
        let begun = net.now();
        assert_eq!(QHostInfo::from_name("slow.").addresses().len(), 1);
        assert_eq!(net.now() - begun, Duration::from_secs(10));
    });
}

/// A resolver that never answers is a look-up with the longest time.
#[test]
fn a_look_up_without_an_end() {
    Simulation::new(1).run(|net| {
        net.name("silent", &["10.0.0.1"]);
        net.set_lookup_time("silent", NetworkLayerProtocol::AnyIP, Duration::MAX);
        let socket = QTcpSocket::new();
        socket.connect_to_host("silent", 80);
        assert!(!wait_until(60_000, || socket.state() != SocketState::HostLookup));
        socket.abort();
        socket.connect_to_host("silent", 80);
        assert!(socket.wait_for_connected(5000).is_err());
        socket.abort();
        assert_eq!(net.now(), Duration::from_secs(65));
        // Nothing else happens, so that the time of the answer comes.
        let received = Rc::new(RefCell::new(0));
        QHostInfo::lookup_host("silent", &received, |received, info| {
            received.replace(info.addresses().len());
        });
        wait_until(-1, || *received.borrow() > 0);
        assert_eq!(*received.borrow(), 1);
    });
}

fn echo_by_ipv4() {
    let app = QCoreApplication::new();
    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).unwrap();
            });
        }
    });
    server.listen(QHostAddress::AnyIPv4, 80).unwrap();
    app.exec();
}
