//! Loggers that write to a socket, end its connection or make another one, at any one record.
//!
//! Each test runs a short story again and again. In the first run the logger acts at the first
//! record, in the second run at the second record, and so on, until there is no such record.

use std::{
    cell::{Cell, RefCell},
    io::Write,
    net::{TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
};

use integration::{
    LIMIT, Socks5Proxy, closed_port, connected_to, listener, local, port_of, reset, server, settle,
    tls, wait_at_most, wait_until,
};
use qcore::{QCoreApplication, QObject};
use qnetwork::{
    CloseReason, QAbstractSocket, QHostAddress, QLocalSocket, QSslSocket, QTcpServer, QTcpSocket,
    QUdpSocket, SocketState,
};

use super::{ACT, end, install};

/// Makes the logger of this thread call `act` at record `number`, counted from 0. Returns whether
/// there was such a record while `story` ran.
fn acting_at(number: u32, act: impl Fn() + 'static, story: impl FnOnce()) -> bool {
    install();
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    ACT.set(Some(Rc::new(move || {
        if counted.replace(counted.get() + 1) == number {
            act();
        }
    })));
    story();
    ACT.take();
    end();
    count.get() > number
}

type Act = (&'static str, fn(&QAbstractSocket, u16));

/// What the logger does with the socket. The port is that of a server.
const ACTS: [Act; 8] = [
    ("write", |socket, _| drop(socket.write("a record\n"))),
    ("flush", |socket, _| {
        socket.write("a record\n").ok();
        socket.flush();
    }),
    ("close", |socket, _| socket.close()),
    ("disconnect", |socket, _| socket.disconnect_from_host()),
    ("abort", |socket, _| socket.abort()),
    ("connect", |socket, port| {
        socket.abort();
        socket.connect_to_host("127.0.0.1", port);
    }),
    ("delete", |socket, _| {
        let parent = QObject::new();
        socket.set_parent(Some(&parent));
        drop(parent);
    }),
    ("wait", |socket, _| {
        socket.wait_for_connected(0).ok();
        socket.wait_for_ready_read(0).ok();
        socket.wait_for_bytes_written(0).ok();
    }),
];

/// Counts the connections that a socket has begun and ended.
struct Count {
    socket: QAbstractSocket,
    begun: Rc<Cell<u32>>,
    ended: Rc<Cell<u32>>,
}

impl Count {
    fn of(socket: &QAbstractSocket) -> Self {
        let (begun, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        socket.state_changed.connect_to(&begun, |begun, state| {
            if *state == SocketState::HostLookup {
                begun.set(begun.get() + 1);
            }
        });
        socket.closed.connect_to(&ended, |ended, _| ended.set(ended.get() + 1));
        Count { socket: socket.clone(), begun, ended }
    }

    /// Ends the connection and checks that the end of each was told once.
    #[track_caller]
    fn check(&self, what: &str) {
        self.socket.abort();
        settle();
        assert_eq!(self.socket.state(), SocketState::Unconnected, "{what}");
        assert_eq!(self.ended.get(), self.begun.get(), "{what}");
    }
}

/// Runs `story` with each act at each record.
#[track_caller]
fn at_each_record(make: impl Fn() -> QTcpSocket, story: impl Fn(&QTcpSocket)) {
    let _app = QCoreApplication::new();
    let other = server();
    let port = other.server_port();
    for (name, act) in ACTS {
        for number in 0.. {
            let what = format!("{name} at record {number}");
            let socket = make();
            let count = Count::of(&socket);
            let used: QAbstractSocket = socket.clone().into();
            let acted = acting_at(number, move || act(&used, port), || story(&socket));
            count.check(&what);
            // The loop watches the descriptors of others as before.
            drop(connected_to(port));
            if !acted {
                assert!(number > 0, "no records");
                break;
            }
            assert!(number < 500, "{what}");
        }
        while let Some(socket) = other.next_pending_connection() {
            socket.abort();
        }
    }
}

fn has_settled(socket: &QAbstractSocket) -> bool {
    matches!(socket.state(), SocketState::Connected | SocketState::Unconnected)
}

fn accept(listener: &TcpListener) -> Option<TcpStream> {
    listener.set_nonblocking(true).unwrap();
    listener.accept().ok().map(|(stream, _)| stream)
}

/// Connects and writes. The peer answers and resets the connection, which makes writing fail.
fn meet(socket: &QTcpSocket, port: u16, listener: &TcpListener) {
    socket.connect_to_host("127.0.0.1", port);
    wait_until(|| has_settled(socket));
    let peer = accept(listener);
    if let Some(mut peer) = peer {
        socket.write("hello").ok();
        socket.flush();
        peer.write_all(b"hello").ok();
        settle();
        reset(peer);
    }
    socket.write("more").ok();
    socket.flush();
    socket.write("and more").ok();
    socket.flush();
    settle();
}

#[test]
fn connections_that_are_reset() {
    let listener = listener();
    let port = port_of(&listener);
    at_each_record(QTcpSocket::new, |socket| meet(socket, port, &listener));
}

#[test]
fn encrypting_sockets_whose_connections_are_reset() {
    let listener = listener();
    let port = port_of(&listener);
    let make = || QTcpSocket::from(QSslSocket::new());
    at_each_record(make, |socket| meet(socket, port, &listener));
}

#[test]
fn connections_that_end_in_order() {
    let listener = listener();
    let port = port_of(&listener);
    at_each_record(QTcpSocket::new, |socket| {
        socket.connect_to_host("127.0.0.1", port);
        wait_until(|| has_settled(socket));
        drop(accept(&listener));
        settle();
        socket.connect_to_host("127.0.0.1", port);
        socket.wait_for_connected(100).ok();
        socket.write("last words").ok();
        socket.disconnect_from_host();
        settle();
        drop(accept(&listener));
    });
}

#[test]
fn connections_that_are_refused() {
    let (port, _guard) = closed_port();
    at_each_record(QTcpSocket::new, |socket| {
        socket.connect_to_host("127.0.0.1", port);
        wait_until(|| has_settled(socket));
        socket.connect_to_host("127.0.0.1", port);
        socket.wait_for_connected(1000).ok();
    });
}

#[test]
fn races() {
    let listener = listener();
    let port = port_of(&listener);
    let (closed, _guard) = closed_port();
    let make = || {
        let socket = QTcpSocket::new();
        socket.set_happy_eyeballs(true);
        socket
    };
    at_each_record(make, |socket| {
        for port in [port, closed] {
            socket.connect_to_host("localhost", port);
            wait_until(|| has_settled(socket));
            socket.abort();
        }
        drop(accept(&listener));
    });
}

#[test]
fn proxies() {
    let proxy = Socks5Proxy::start();
    let listener = listener();
    let port = port_of(&listener);
    let make = || {
        let socket = QTcpSocket::new();
        socket.set_proxy(proxy.proxy());
        socket
    };
    at_each_record(make, |socket| {
        socket.connect_to_host("127.0.0.1", port);
        wait_until(|| has_settled(socket));
        drop(accept(&listener));
        settle();
    });
}

#[test]
fn connections_that_are_handed_over() {
    let listener = listener();
    let port = port_of(&listener);
    let _app = QCoreApplication::new();
    for number in 0.. {
        let (one, two) = (QTcpSocket::new(), QTcpSocket::new());
        one.connect_to_host("127.0.0.1", port);
        one.wait_for_connected(5000).unwrap();
        let mut peer = accept(&listener).unwrap();
        let used = (one.clone(), two.clone());
        let abort = move || {
            used.0.abort();
            used.1.abort();
        };
        let (ends, ended) = (Rc::new(Cell::new(0)), [&one, &two]);
        for socket in ended {
            socket.closed.connect_to(&ends, |ends, _| ends.set(ends.get() + 1));
        }
        let acted = acting_at(number, abort, || {
            if let Ok(connection) = one.detach() {
                two.attach(connection).unwrap();
            }
        });
        peer.write_all(b"x").ok();
        settle();
        one.abort();
        two.abort();
        assert_eq!(ends.get(), 1, "at record {number}");
        if !acted {
            break;
        }
    }
}

#[test]
fn datagrams() {
    let other = server();
    let _app = QCoreApplication::new();
    for close in [(|socket| socket.abort()) as fn(&QUdpSocket), |socket| socket.close()] {
        for number in 0.. {
            let socket = QUdpSocket::new();
            let used = socket.clone();
            let acted = acting_at(
                number,
                move || close(&used),
                || {
                    if socket.bind(QHostAddress::LocalHost, 0).is_ok() {
                        let port = socket.local_port();
                        socket.write_datagram(b"to itself", QHostAddress::LocalHost, port).ok();
                        settle();
                    }
                    socket.abort();
                    socket.connect_to_host("127.0.0.1", other.server_port());
                    settle();
                },
            );
            socket.abort();
            assert_eq!(socket.state(), SocketState::Unconnected);
            drop(connected_to(other.server_port()));
            if !acted {
                break;
            }
        }
    }
}

#[test]
fn servers() {
    let _app = QCoreApplication::new();
    let proxy = Socks5Proxy::start();
    for proxied in [false, true] {
        for number in 0.. {
            let server = QTcpServer::new();
            if proxied {
                server.set_proxy(proxy.proxy());
            }
            let used = server.clone();
            let acted = acting_at(
                number,
                move || used.close(),
                || {
                    server.listen(QHostAddress::LocalHost, 0).ok();
                    let port = server.server_port();
                    let clients: Vec<_> =
                        (0..2).map(|_| TcpStream::connect(("127.0.0.1", port))).collect();
                    server.wait_for_new_connection(50).ok();
                    settle();
                    while let Some(socket) = server.next_pending_connection() {
                        socket.abort();
                    }
                    drop(clients);
                },
            );
            server.close();
            if !acted {
                break;
            }
        }
    }
}

#[test]
fn local_sockets() {
    let _app = QCoreApplication::new();
    let dir = local::Dir::new();
    let server = local::server(&dir);
    type Act = (&'static str, fn(&QLocalSocket, &str));
    let acts: [Act; 5] = [
        ("write", |socket, _| drop(socket.write("a record\n"))),
        ("close", |socket, _| socket.close()),
        ("abort", |socket, _| socket.abort()),
        ("disconnect", |socket, _| socket.disconnect_from_server()),
        ("connect", |socket, name| {
            socket.abort();
            socket.connect_to_server(name);
        }),
    ];
    for (what, act) in acts {
        for number in 0.. {
            let socket = QLocalSocket::new();
            let (begun, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            socket.state_changed.connect_to(&begun, |begun, state| {
                if *state == qnetwork::LocalSocketState::Connecting {
                    begun.set(begun.get() + 1);
                }
            });
            socket.closed.connect_to(&ended, |ended, _| ended.set(ended.get() + 1));
            let name = server.full_server_name();
            let (used, other_name) = (socket.clone(), name.clone());
            let acted = acting_at(
                number,
                move || act(&used, &other_name),
                || {
                    socket.connect_to_server(&name);
                    settle();
                    socket.write("hello").ok();
                    while let Some(peer) = server.next_pending_connection() {
                        peer.write("hello").ok();
                        peer.flush();
                        peer.abort();
                    }
                    settle();
                    socket.write("more").ok();
                    socket.flush();
                    settle();
                },
            );
            socket.abort();
            settle();
            assert_eq!(ended.get(), begun.get(), "{what} at record {number}");
            while let Some(peer) = server.next_pending_connection() {
                peer.abort();
            }
            if !acted {
                break;
            }
        }
    }
}

/// Disconnects an encrypted client, which has written something. The logger calls `act` at one
/// record after the other of those that this causes. `check` gets the client, and the reason with
/// which the server's end has closed.
fn at_records_of_an_end(act: fn(&QSslSocket), check: impl Fn(&QSslSocket, CloseReason)) {
    let _app = QCoreApplication::new();
    let server = tls::encrypting("good");
    for number in 0.. {
        let client = tls::client();
        let other = tls::encrypt(&client, &server);
        client.write("the last words").unwrap();
        settle();
        let reason = Rc::new(RefCell::new(None));
        other.closed.connect_to(&reason, |seen, reason| drop(seen.replace(Some(reason.clone()))));
        let used = client.clone();
        let disconnect = || {
            // A panic of the logger goes through this call.
            let call = AssertUnwindSafe(|| client.disconnect_from_host());
            let _ = catch_unwind(call);
        };
        if !acting_at(number, move || act(&used), disconnect) {
            assert!(number > 0, "no records");
            break;
        }
        wait_until(|| reason.borrow().is_some());
        assert_eq!(other.read_all(), b"the last words");
        check(&client, reason.take().unwrap());
    }
}

#[test]
fn a_logger_that_disconnects_a_socket_that_says_goodbye() {
    at_records_of_an_end(
        |client| client.disconnect_from_host(),
        |client, reason| {
            assert_eq!(client.state(), SocketState::Unconnected);
            assert_eq!(reason, CloseReason::Remote, "it has heard the goodbye");
        },
    );
}

/// Panics without a message, which would be printed many times.
fn panic_quietly() {
    resume_unwind(Box::new("the logger's panic"));
}

/// The panic takes the session along, so the connection fails.
#[test]
fn a_logger_that_panics_in_a_socket_that_says_goodbye() {
    at_records_of_an_end(
        |_| panic_quietly(),
        |client, _| {
            assert_eq!(client.state(), SocketState::Unconnected);
            assert_eq!(client.error_string(), "The TLS session was lost by a panic");
        },
    );
}

/// The logger panics once, at one record after the other of a handshake. The loop's caller catches
/// the panic. The connection ends, with an error unless the panic was in the server's part.
#[test]
fn a_logger_that_panics_in_a_handshake() {
    let _app = QCoreApplication::new();
    let server = tls::encrypting("good");
    for number in 0.. {
        let client = tls::client();
        let reasons = Rc::new(RefCell::new(Vec::new()));
        client.closed.connect_to(&reasons, |reasons, reason| {
            reasons.borrow_mut().push(reason.clone());
        });
        let used = client.clone();
        let panics = move || {
            if used.state() == SocketState::Connected {
                panic_quietly();
            }
        };
        let has_panicked = Cell::new(false);
        let acted = acting_at(number, panics, || {
            client.connect_to_host_encrypted("127.0.0.1", server.server_port());
            let is_settled = || client.is_encrypted() || client.state() == SocketState::Unconnected;
            while !is_settled() {
                let turn = AssertUnwindSafe(|| wait_at_most(LIMIT, is_settled));
                match catch_unwind(turn) {
                    Ok(is_settled) => assert!(is_settled, "record {number}: nothing ends it"),
                    Err(_) => has_panicked.set(true),
                }
            }
            let rest = AssertUnwindSafe(settle);
            has_panicked.set(has_panicked.get() | catch_unwind(rest).is_err());
        });
        if !acted {
            break;
        }
        while let Some(other) = server.next_pending_connection() {
            other.abort();
        }
        if has_panicked.get() {
            wait_until(|| client.state() == SocketState::Unconnected);
            assert_eq!(reasons.borrow().len(), 1, "record {number}: {reasons:?}");
        }
        client.abort();
    }
}

/// rustls logs, too.
#[test]
fn encrypted_connections() {
    let _app = QCoreApplication::new();
    let server = tls::encrypting("good");
    let port = server.server_port();
    for (name, act) in ACTS {
        // rustls writes many records, so not each of them is tried with each act.
        for number in (0..).step_by(7) {
            let what = format!("{name} at record {number}");
            let socket = tls::client();
            let count = Count::of(&socket);
            let used: QAbstractSocket = socket.clone().into();
            let acted = acting_at(
                number,
                move || act(&used, port),
                || {
                    socket.connect_to_host_encrypted("127.0.0.1", port);
                    wait_until(|| socket.is_encrypted() || has_settled(&socket));
                    settle();
                    socket.write("hello").ok();
                    settle();
                    while let Some(peer) = server.next_pending_connection() {
                        peer.abort();
                    }
                    socket.write("more").ok();
                    settle();
                },
            );
            count.check(&what);
            if !acted {
                break;
            }
            assert!(number < 2000, "{what}");
        }
    }
}
