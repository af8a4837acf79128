//! `closed` when a slot connects again, waits for it in a loop, or destroys the socket.

use std::{
    cell::{Cell, RefCell},
    net::Shutdown,
    rc::Rc,
};

use integration::{
    listener,
    local::{self, Dir},
    pair, port_of, settle,
    tls::{client, encrypt, encrypting, wires_of},
    wait_until,
};
use qcore::{QCoreApplication, QEventLoop, QObject, QTimer};
use qnetwork::{
    LocalSocketState, QAbstractSocket, QLocalSocket, QSslSocket, QTcpSocket, SocketErrorKind,
    SocketState,
};

type Notes = Rc<RefCell<Vec<String>>>;

/// The states of a socket and the reasons with which it has closed.
fn notes(socket: &QAbstractSocket) -> Notes {
    let notes = Notes::default();
    socket.state_changed.connect_to(&notes, |notes, state| {
        notes.borrow_mut().push(format!("{state:?}"));
    });
    socket.closed.connect_to(&notes, |notes, reason| {
        notes.borrow_mut().push(format!("closed({reason:?})"));
    });
    notes
}

/// Lets the first `disconnected` connect again.
fn connect_again(client: &QSslSocket, port: u16) {
    let once = Cell::new(true);
    client.disconnected.connect_to(client, move |client, ()| {
        if once.replace(false) {
            client.connect_to_host_encrypted("127.0.0.1", port);
        }
    });
}

/// Expects `closed` with this reason before the first state of the next connection.
#[track_caller]
fn expect_before_the_next(notes: &Notes, reason: &str) {
    let notes = notes.take();
    let end = notes.iter().position(|note| note == "Unconnected").expect("an end");
    let told = notes.get(end + 1).expect("a signal after the end");
    assert!(told.starts_with(reason), "{notes:?}");
    assert!(notes.len() > end + 2, "no next connection: {notes:?}");
}

#[test]
fn tls_that_was_cut_off() {
    let server = integration::server();
    let wires = wires_of(&server);
    let client = client();
    let _other = encrypt(&client, &server);
    let notes = notes(&client);
    connect_again(&client, server.server_port());
    wires.borrow()[0].shutdown(Shutdown::Both).unwrap();
    wait_until(|| client.state() == SocketState::Connected && client.is_encrypted());
    wait_until(|| notes.borrow().iter().any(|note| note == "Connected"));
    expect_before_the_next(&notes, "closed(Reset)");
}

#[test]
fn tls_that_was_refused() {
    let server = encrypting("good");
    let client = QSslSocket::new(); // trusts nobody
    let notes = notes(&client);
    connect_again(&client, server.server_port());
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_until(|| notes.borrow().iter().filter(|note| note.starts_with("closed")).count() == 2);
    expect_before_the_next(&notes, "closed(TlsRefused");
}

#[test]
fn tls_that_was_aborted() {
    for plain in [false, true] {
        let server = encrypting("good");
        let client = client();
        let _other = encrypt(&client, &server);
        let notes = notes(&client);
        let port = server.server_port();
        if plain {
            let once = Cell::new(true);
            client.disconnected.connect_to(&client, move |client, ()| {
                if once.replace(false) {
                    client.connect_to_host("127.0.0.1", port);
                }
            });
        } else {
            connect_again(&client, port);
        }
        client.abort();
        settle();
        expect_before_the_next(&notes, "closed(Local)");
    }
}

#[test]
fn a_descriptor_in_place_of_a_connection_that_is_being_made() {
    let listener = listener();
    let client = QSslSocket::new();
    let notes = notes(&client);
    client.connect_to_host("127.0.0.1", port_of(&listener));
    let stream = integration::connection(port_of(&listener)).unwrap();
    client.set_socket_descriptor(stream).unwrap();
    let notes = notes.take();
    assert_eq!(notes[notes.len() - 2..], ["closed(Local)", "Connected"], "{notes:?}");
}

#[test]
fn a_local_socket() {
    for aborts in [false, true] {
        let dir = Dir::new();
        let server = local::server(&dir);
        let (socket, other) = local::pair(&server);
        let notes = Notes::default();
        socket.state_changed.connect_to(&notes, |notes, state| {
            notes.borrow_mut().push(format!("{state:?}"));
        });
        socket.closed.connect_to(&notes, |notes, reason| {
            notes.borrow_mut().push(format!("closed({reason:?})"));
        });
        let (name, once) = (server.full_server_name(), Cell::new(true));
        socket.disconnected.connect_to(&socket, move |socket, ()| {
            if once.replace(false) {
                socket.connect_to_server(&name);
            }
        });
        if aborts {
            socket.abort();
        } else {
            other.abort();
        }
        wait_until(|| notes.borrow().iter().any(|note| note == "Connected"));
        settle();
        expect_before_the_next(&notes, if aborts { "closed(Local)" } else { "closed(Remote)" });
    }
}

// ---- a loop in a slot

/// Runs a loop until the socket has told that it is closed. Returns whether it has.
fn told_in_a_loop(socket: &QAbstractSocket, begin: impl FnOnce()) -> bool {
    let (inner, told) = (QEventLoop::new(), Rc::new(Cell::new(false)));
    let (end, tell) = (inner.clone(), told.clone());
    socket.closed.connect(move |_| {
        tell.set(true);
        end.quit();
    });
    begin();
    // The loop ends in any case.
    let end = inner.clone();
    QTimer::single_shot(1500, move || end.quit());
    if !told.get() {
        inner.exec();
    }
    told.get()
}

#[test]
fn a_loop_that_waits_for_the_end_of_the_next_connection() {
    for encrypts in [false, true] {
        let listener = listener();
        let port = port_of(&listener);
        let server = encrypting("good");
        let told = Rc::new(Cell::new(None));
        let slot = {
            let (told, once) = (told.clone(), Cell::new(true));
            move |socket: &QAbstractSocket, ()| {
                if !once.replace(false) {
                    return;
                }
                socket.connect_to_host("127.0.0.1", port);
                socket.connected.connect_to(socket, |socket, ()| socket.abort());
                told.set(Some(told_in_a_loop(socket, || {})));
            }
        };
        let (socket, stream);
        let (client, other);
        if encrypts {
            client = self::client();
            other = encrypt(&client, &server);
            let base: &QAbstractSocket = &client;
            base.disconnected.connect_to(base, move |socket, ()| slot(socket, ()));
            client.abort();
            drop(other);
        } else {
            (socket, stream) = pair();
            let base: &QAbstractSocket = &socket;
            base.disconnected.connect_to(base, move |socket, ()| slot(socket, ()));
            drop(stream);
        }
        wait_until(|| told.get().is_some());
        assert_eq!(told.get(), Some(true), "encrypts: {encrypts}");
    }
}

#[test]
fn a_loop_in_a_slot_of_an_error_that_ends_nothing() {
    let _app = QCoreApplication::new();
    for encrypts in [false, true] {
        let server = encrypting("good");
        let client = client();
        let (plain, _stream) = pair();
        let mut _other = None;
        let socket: &QAbstractSocket = if encrypts {
            _other = Some(encrypt(&client, &server));
            &client
        } else {
            &plain
        };
        let told = Rc::new(Cell::new(None));
        let tell = told.clone();
        socket.error_occurred.connect_to(socket, move |socket, kind| {
            if *kind == SocketErrorKind::SocketTimeout && tell.get().is_none() {
                tell.set(Some(told_in_a_loop(socket, || socket.disconnect_from_host())));
            }
        });
        socket.wait_for_ready_read(50).unwrap_err();
        assert_eq!(told.get(), Some(true), "encrypts: {encrypts}");
    }
}

// ---- a slot that destroys the socket

/// Lets the first `closed` destroy the socket.
fn parent_until_closed(socket: &QObject, closed: &qcore::Signal<qnetwork::CloseReason>) {
    let parent = QObject::new();
    socket.set_parent(Some(&parent));
    let parent = RefCell::new(Some(parent));
    closed.connect(move |_| drop(parent.take()));
}

#[test]
fn a_slot_that_destroys_the_socket() {
    let listener = listener();
    let port = port_of(&listener);
    let check = |socket: &QTcpSocket, what: &str| {
        settle();
        assert_eq!(socket.state(), SocketState::Unconnected, "{what}");
        assert!(!socket.is_open(), "{what}");
    };
    let (socket, _stream) = pair();
    parent_until_closed(&socket, &socket.closed);
    socket.disconnected.connect_to(&socket, move |socket, ()| {
        socket.connect_to_host("127.0.0.1", port);
    });
    socket.abort();
    check(&socket, "TCP");

    for plain in [false, true] {
        let server = encrypting("good");
        let client = client();
        let _other = encrypt(&client, &server);
        parent_until_closed(&client, &client.closed);
        client.disconnected.connect_to(&client, move |client, ()| {
            if plain {
                client.connect_to_host("127.0.0.1", port);
            } else {
                client.connect_to_host_encrypted("127.0.0.1", port);
            }
        });
        client.abort();
        check(&client, "TLS");
    }

    let dir = Dir::new();
    let server = local::server(&dir);
    let (socket, _other): (QLocalSocket, _) = local::pair(&server);
    parent_until_closed(&socket, &socket.closed);
    let name = server.full_server_name();
    socket.disconnected.connect_to(&socket, move |socket, ()| socket.connect_to_server(&name));
    socket.abort();
    settle();
    assert_eq!(socket.state(), LocalSocketState::Unconnected);
    assert!(!socket.is_open());
}

// ---- a slot that ends the connection once more

#[test]
fn a_slot_that_aborts_an_ended_connection() {
    let dir = Dir::new();
    let server = local::server(&dir);
    for way in [QLocalSocket::abort, |socket: &QLocalSocket| socket.close()] {
        let (socket, _other): (QLocalSocket, _) = local::pair(&server);
        let closed = Rc::new(Cell::new(0));
        let count = closed.clone();
        socket.closed.connect(move |_| count.set(count.get() + 1));
        let last = closed.clone();
        socket.disconnected.connect_to(&socket, move |socket, ()| {
            way(socket);
            assert_eq!(last.get(), 0, "closed comes last");
        });
        socket.disconnect_from_server();
        settle();
        assert_eq!(closed.get(), 1);
    }
}

/// An accepted socket knows that it has a connection.
#[test]
fn an_accepted_local_socket_that_dies_with_unsent_bytes() {
    let dir = Dir::new();
    let server = local::server(&dir);
    let (_other, socket): (QLocalSocket, QLocalSocket) = local::pair(&server);
    socket.set_parent(None);
    let closed = Rc::new(Cell::new(0));
    let count = closed.clone();
    socket.closed.connect(move |_| {
        count.set(count.get() + 1);
        // The rest is sent in this loop, which tells nothing.
        settle();
    });
    socket.write("unsent").unwrap();
    drop(socket);
    assert_eq!(closed.get(), 1);
}
