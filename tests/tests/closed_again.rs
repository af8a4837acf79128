//! `closed` when a slot connects again.

use std::{
    cell::{Cell, RefCell},
    net::Shutdown,
    rc::Rc,
};

use integration::{
    listener,
    local::{self, Dir},
    port_of, settle,
    tls::{client, encrypt, encrypting, wires_of},
    wait_until,
};
use qnetwork::{QAbstractSocket, QSslSocket, SocketState};

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
