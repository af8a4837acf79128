//! Connections of local sockets and servers: the cases that scenarios cannot express.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    os::unix::net::UnixStream,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use integration::{
    descriptors, in_child,
    local::{Dir, accepted_by, connected_to, full, pair, server, states},
    settle, wait_until,
};
use qcore::{
    DeviceErrorKind, Dispatcher, QDataStream, QPointer, QSignalSpy, VirtualClock,
    stream::StreamVersion,
};
use qnetwork::{LocalSocketErrorKind, LocalSocketState, QLocalServer, QLocalSocket};

// ---- a server with a full backlog

#[test]
fn a_server_without_room_is_tried_again() {
    let dir = Dir::new();
    let (listener, places) = full(&dir.path("full"));
    let socket = QLocalSocket::new();
    let states = states(&socket);
    socket.connect_to_server(dir.path("full"));
    assert_eq!(socket.state(), LocalSocketState::Connecting);
    assert_eq!(socket.server_name(), dir.path("full"));
    assert_eq!(socket.full_server_name(), "");
    assert!(!socket.is_open());
    assert_eq!(socket.write("x").unwrap_err(), DeviceErrorKind::NotOpen);
    let error = socket.wait_for_connected(10).unwrap_err();
    assert_eq!(error, LocalSocketErrorKind::SocketTimeout);
    assert_eq!(socket.state(), LocalSocketState::Connecting);
    socket.connect_to_server("other");
    assert!(socket.error_string().ends_with("not permitted when socket is in this state"));
    socket.disconnect_from_server();
    assert_eq!(socket.state(), LocalSocketState::Connecting);

    for _ in &places {
        drop(listener.accept().unwrap());
    }
    wait_until(|| socket.state() == LocalSocketState::Connected);
    assert_eq!(*states.borrow(), [LocalSocketState::Connecting, LocalSocketState::Connected]);
    assert_eq!(socket.full_server_name(), dir.path("full"));
    let mut other = listener.accept().unwrap().0;
    socket.write("hello").unwrap();
    socket.wait_for_bytes_written(5000).unwrap();
    let mut hello = [0; 5];
    other.read_exact(&mut hello).unwrap();
    assert_eq!(&hello, b"hello");
}

#[test]
fn waiting_for_room() {
    let dir = Dir::new();
    let (listener, places) = full(&dir.path("full"));
    let socket = QLocalSocket::new();
    socket.connect_to_server(dir.path("full"));
    assert_eq!(socket.state(), LocalSocketState::Connecting);
    let making_room = thread::spawn(move || {
        for _ in &places {
            drop(listener.accept().unwrap());
        }
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"hello").unwrap();
    });
    socket.wait_for_ready_read(integration::LIMIT).unwrap();
    making_room.join().unwrap();
    assert_eq!(socket.read_all(), b"hello");
}

#[test]
fn giving_up_on_a_server_without_room() {
    if !in_child!("giving_up_on_a_server_without_room", 256) {
        return;
    }
    let dir = Dir::new();
    let (listener, places) = full(&dir.path("full"));
    // The loop's own descriptors are included.
    settle();
    let before = descriptors();
    let socket = QLocalSocket::new();
    let states = states(&socket);
    use LocalSocketState::{Connecting, Unconnected};
    socket.connect_to_server(dir.path("full"));
    socket.abort();
    assert_eq!(socket.state(), Unconnected);
    socket.connect_to_server(dir.path("full"));
    socket.close();
    assert_eq!(socket.state(), Unconnected);
    socket.connect_to_server(dir.path("full"));
    assert_eq!(*states.borrow(), [Connecting, Unconnected, Connecting, Unconnected, Connecting]);

    // The server is gone.
    drop(listener);
    drop(places);
    wait_until(|| socket.state() == Unconnected);
    assert_eq!(socket.error(), LocalSocketErrorKind::ConnectionRefused);
    let dropped = QLocalSocket::new();
    let (_listener, _places) = full(&dir.path("full again"));
    dropped.connect_to_server(dir.path("full again"));
    assert_eq!(dropped.state(), Connecting);
    drop(dropped);
    settle();
    drop((_listener, _places));
    assert!(descriptors() < before);
}

#[test]
fn a_server_without_room_is_given_up_after_half_a_minute() {
    let clock = VirtualClock::install();
    let dir = Dir::new();
    let (_listener, _places) = full(&dir.path("full"));
    let socket = QLocalSocket::new();
    let states = states(&socket);
    socket.connect_to_server(dir.path("full"));
    for _ in 0..29 {
        clock.advance(Duration::from_secs(1));
        settle();
        assert_eq!(socket.state(), LocalSocketState::Connecting);
    }
    clock.advance(Duration::from_millis(1100));
    settle();
    assert_eq!(socket.state(), LocalSocketState::Unconnected);
    assert_eq!(socket.error(), LocalSocketErrorKind::SocketTimeout);
    assert_eq!(socket.error_string(), "QLocalSocket::connectToServer: Socket operation timed out");
    assert_eq!(states.borrow().len(), 2);
}

// ---- slots

#[test]
fn slots_that_drop_the_socket() {
    let dir = Dir::new();
    let server = server(&dir);
    /// The handle that a slot drops.
    type Holder = Rc<RefCell<Option<QLocalSocket>>>;
    let holder: Holder = Rc::default();
    let drop_it = |holder: &Holder| {
        let holder = holder.clone();
        move || {
            let socket = holder.take();
            drop(socket);
        }
    };
    let with_socket = |prepare: &dyn Fn(&QLocalSocket)| {
        let socket = QLocalSocket::new();
        prepare(&socket);
        let pointer = QPointer::from(&socket);
        holder.replace(Some(socket));
        pointer
    };

    // The slot drops the handle while the socket connects, while it reports that it is connected,
    // and while it fails.
    let name = server.full_server_name();
    for (wanted, name) in [
        (LocalSocketState::Connecting, name.clone()),
        (LocalSocketState::Connected, name),
        (LocalSocketState::Unconnected, dir.path("nobody")),
    ] {
        let go = drop_it(&holder);
        let pointer = with_socket(&|socket| {
            let go = go.clone();
            socket.state_changed.connect(move |state| {
                if *state == wanted {
                    go();
                }
            });
        });
        let socket = pointer.upgrade().unwrap();
        let weak = QPointer::from(&socket);
        socket.connect_to_server(&name);
        drop(socket);
        assert!(weak.upgrade().is_none(), "{wanted:?}");
        assert!(holder.borrow().is_none());
    }
    while server.wait_for_new_connection(0).is_ok() {
        drop(server.next_pending_connection());
    }

    // While it reads.
    let go = drop_it(&holder);
    let pointer = with_socket(&|socket| {
        let go = go.clone();
        socket.ready_read.connect(move |()| go());
    });
    pointer.upgrade().unwrap().connect_to_server(server.full_server_name());
    let other = accepted_by(&server);
    other.write("bye").unwrap();
    wait_until(|| pointer.upgrade().is_none());
    wait_until(|| other.state() == LocalSocketState::Unconnected);
}

#[test]
fn a_slot_that_deletes_the_server() {
    let dir = Dir::new();
    let holder: Rc<RefCell<Option<QLocalServer>>> = Rc::default();
    let server = server(&dir);
    let name = server.full_server_name();
    server.new_connection.connect_to(&holder, |holder, ()| {
        let server = holder.take();
        drop(server);
    });
    let pointer = QPointer::from(&server);
    holder.replace(Some(server));
    let client = QLocalSocket::new();
    client.connect_to_server(name);
    wait_until(|| pointer.upgrade().is_none());
    assert!(dir.names().is_empty());
    wait_until(|| client.state() == LocalSocketState::Unconnected);
    assert_eq!(client.error(), LocalSocketErrorKind::PeerClosed);
}

#[test]
fn a_slot_that_connects_again_when_it_has_failed() {
    let dir = Dir::new();
    let server = server(&dir);
    let socket = QLocalSocket::new();
    let name = server.full_server_name();
    socket.state_changed.connect_to(&socket, move |socket, state| {
        if *state == LocalSocketState::Unconnected {
            socket.connect_to_server(&name);
        }
    });
    socket.connect_to_server(dir.path("nobody"));
    assert_eq!(socket.state(), LocalSocketState::Connected);
    assert!(socket.is_open());
    let other = accepted_by(&server);
    other.write("hello").unwrap();
    wait_until(|| socket.bytes_available() == 5);
}

#[test]
fn a_dead_socket_and_a_dead_server() {
    let dir = Dir::new();
    let server = server(&dir);
    let (client, other) = pair(&server);
    other.delete_later();
    client.delete_later();
    server.delete_later();
    settle();
    assert!(client.is_deleted() && other.is_deleted() && server.is_deleted());
    client.connect_to_server(dir.path("name"));
    assert_eq!(client.state(), LocalSocketState::Unconnected);
    assert!(!client.is_open());
    client.write("x").unwrap_err();
    client.abort();
    server.listen(dir.path("name")).unwrap_err();
    server.close();
    assert!(server.next_pending_connection().is_none());
    assert!(dir.names().is_empty());
}

#[test]
fn a_handler_of_connections() {
    let dir = Dir::new();
    let server = server(&dir);
    let announced = Rc::new(Cell::new(0));
    server
        .new_connection
        .connect_to(&announced, |announced, ()| announced.set(announced.get() + 1));
    let greeted = Rc::new(Cell::new(0));
    server.set_incoming_connection(&greeted, |greeted, descriptor| {
        greeted.set(greeted.get() + 1);
        UnixStream::from(descriptor).write_all(b"hello").unwrap();
    });
    let client = connected_to(&server);
    wait_until(|| client.bytes_available() == 5);
    // As in Qt, the handler replaces the signal; it would have to emit it itself.
    assert_eq!((greeted.get(), announced.get()), (1, 0));
    assert!(!server.has_pending_connections());

    // Without its receiver the handler is not called.
    drop(greeted);
    let _client = connected_to(&server);
    let _other = accepted_by(&server);
    assert_eq!(announced.get(), 1);

    let socket = QLocalSocket::new();
    server.set_incoming_connection(&socket, |socket, descriptor| {
        socket.set_socket_descriptor(descriptor).unwrap();
    });
    let client = connected_to(&server);
    server.wait_for_new_connection(5000).unwrap();
    socket.write("from a socket of one's own").unwrap();
    wait_until(|| client.bytes_available() > 0);
    server.clear_incoming_connection();
    let _client = connected_to(&server);
    let _other = accepted_by(&server);
}

// ---- many connections and much data

#[test]
fn a_thousand_connections() {
    if !in_child!("a_thousand_connections", 4096) {
        return;
    }
    let dir = Dir::new();
    let server = server(&dir);
    server.new_connection.connect_to(&server, |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).unwrap();
            });
            socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
        }
    });
    // There are more clients than the backlog holds, so some have to retry.
    let clients: Vec<_> = (0..1000)
        .map(|number: u32| {
            let client = QLocalSocket::new();
            client.connected.connect_to(&client, move |client, ()| {
                client.write(number.to_be_bytes()).unwrap();
            });
            client.connect_to_server(server.full_server_name());
            client
        })
        .collect();
    for (number, client) in clients.iter().enumerate() {
        wait_until(|| client.bytes_available() == 4);
        assert_eq!(client.read_all(), (number as u32).to_be_bytes());
    }
    drop(clients);
    wait_until(|| server.children().is_empty());
}

#[test]
fn messages_of_a_protocol() {
    let dir = Dir::new();
    let server = server(&dir);
    let (client, other) = pair(&server);
    let read_message = |socket: &QLocalSocket| -> Option<String> {
        let mut stream = QDataStream::new(socket);
        stream.set_version(StreamVersion::QT_5_10);
        stream.start_transaction();
        let message = stream.read_qstring();
        stream.commit_transaction().ok().map(|()| message)
    };
    for number in 0..500 {
        let text = "command ".repeat(number) + &number.to_string();
        let mut stream = QDataStream::new(&client);
        stream.set_version(StreamVersion::QT_5_10);
        stream.write_qstring(&text);
        client.flush();
        let message = loop {
            if let Some(message) = read_message(&other) {
                break message;
            }
            other.wait_for_ready_read(5000).unwrap();
        };
        assert_eq!(message, text);
    }
    let disconnected = QSignalSpy::new(&client.disconnected);
    client.write("never read").unwrap();
    client.abort();
    assert_eq!(client.state(), LocalSocketState::Unconnected);
    assert_eq!((client.bytes_to_write(), client.is_open()), (0, true));
    assert_eq!(disconnected.count(), 1);
    other.wait_for_disconnected(5000).unwrap();
}

#[test]
fn clients_in_threads() {
    let dir = Dir::new();
    let server = server(&dir);
    let count = 20;
    let clients: Vec<_> = (0..count)
        .map(|_| {
            let name = server.full_server_name();
            thread::spawn(move || {
                let client = QLocalSocket::new();
                client.connect_to_server(name);
                client.wait_for_connected(integration::LIMIT).unwrap();
                let told = Rc::new(Cell::new(0));
                client.ready_read.connect_to(&told, |told, ()| told.set(told.get() + 1));
                client.wait_for_ready_read(integration::LIMIT).unwrap();
                assert_eq!(told.get(), 1);
                let line = client.read_line();
                client.write(&line).unwrap();
                client.wait_for_bytes_written(integration::LIMIT).unwrap();
                // The server deletes its end as soon as the system has this line.
                client.wait_for_disconnected(integration::LIMIT).unwrap();
                assert_eq!(client.read_all(), b"the last line\n");
                line
            })
        })
        .collect();
    for _ in 0..count {
        let other = accepted_by(&server);
        other.write("a line\n").unwrap();
        other.wait_for_bytes_written(integration::LIMIT).unwrap();
        other.wait_for_ready_read(integration::LIMIT).unwrap();
        assert_eq!(other.read_all(), b"a line\n");
        other.write("the last line\n").unwrap();
        other.wait_for_bytes_written(integration::LIMIT).unwrap();
        other.delete_later();
        settle();
    }
    for client in clients {
        assert_eq!(client.join().unwrap(), b"a line\n");
    }
}

/// Passes a socket's signal on to another thread's loop.
#[test]
fn bytes_written_signal() {
    let dir = Dir::new();
    let server = server(&dir);
    let name = server.full_server_name();
    let (poster, told) = (Dispatcher::current().poster().unwrap(), Arc::new(AtomicUsize::new(0)));
    let tell = told.clone();
    let main = thread::current().id();
    let client = thread::spawn(move || {
        let client = QLocalSocket::new();
        client.bytes_written.connect(move |count| {
            let (count, tell) = (*count, tell.clone());
            let post = poster.post(move || {
                assert_eq!(thread::current().id(), main);
                tell.fetch_add(count, Ordering::Relaxed);
            });
            post.unwrap();
        });
        client.connect_to_server(name);
        client.wait_for_connected(integration::LIMIT).unwrap();
        client.write([7; 1000]).unwrap();
        client.wait_for_bytes_written(integration::LIMIT).unwrap();
        client.wait_for_disconnected(integration::LIMIT).unwrap();
    });
    let other = accepted_by(&server);
    wait_until(|| other.bytes_available() == 1000 && told.load(Ordering::Relaxed) == 1000);
    other.close();
    wait_until(|| client.is_finished());
    client.join().unwrap();
}

/// Checks the conditions that Qt's tests check in each slot of a socket.
#[test]
fn what_holds_in_every_slot() {
    use LocalSocketState::{Connected, Unconnected};
    fn watched(calls: &Rc<Cell<u32>>) -> QLocalSocket {
        let socket = QLocalSocket::new();
        let call = |calls: &Rc<Cell<u32>>| {
            let calls = calls.clone();
            move || calls.set(calls.get() + 1)
        };
        let called = call(calls);
        socket.connected.connect_to(&socket, move |socket, ()| {
            called();
            assert_eq!((socket.state(), socket.is_open()), (Connected, true));
        });
        let called = call(calls);
        socket.disconnected.connect_to(&socket, move |socket, ()| {
            called();
            assert_eq!(socket.state(), Unconnected);
        });
        let called = call(calls);
        socket.error_occurred.connect_to(&socket, move |socket, error| {
            called();
            assert_eq!(socket.error(), *error);
            assert_ne!(socket.error_string(), "Unknown error");
        });
        socket.state_changed.connect_to(&socket, |socket, state| {
            assert_eq!(socket.state(), *state);
        });
        let called = call(calls);
        socket.ready_read.connect_to(&socket, move |socket, ()| {
            called();
            assert!(socket.bytes_available() > 0);
        });
        socket
    }
    let dir = Dir::new();
    let calls = Rc::new(Cell::new(0));
    let socket = watched(&calls);
    socket.connect_to_server(dir.path("nobody"));
    assert_eq!(calls.take(), 1, "an error");
    let server = server(&dir);
    socket.connect_to_server(server.full_server_name());
    assert_eq!(calls.take(), 1, "connected");
    let other = accepted_by(&server);
    other.write("x").unwrap();
    wait_until(|| calls.get() == 1);
    calls.set(0);
    other.close();
    wait_until(|| socket.state() == Unconnected);
    assert_eq!(calls.get(), 2, "the other end has closed it, and it is disconnected");
}

#[test]
fn much_in_both_directions() {
    let dir = Dir::new();
    let server = server(&dir);
    let (client, other) = pair(&server);
    let data = integration::pattern(0, 3_000_000);
    let (out, back) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    client.bytes_written.connect_to(&out, |out, count| out.set(out.get() + count));
    other.ready_read.connect_to(&other, |other, ()| {
        other.write(other.read_all()).unwrap();
    });
    let taker = back.clone();
    client.ready_read.connect_to(&client, move |client, ()| {
        taker.borrow_mut().extend(client.read_all());
    });
    client.write(&data).unwrap();
    wait_until(|| back.borrow().len() == data.len());
    assert!(*back.borrow() == data);
    assert_eq!(out.get(), data.len());
}

#[test]
fn skipping_beyond_the_end() {
    let dir = Dir::new();
    let server = server(&dir);
    for (length, skipped, left) in [(10, 6, 4), (20_000, 10_000, 10_000), (19_999, 20_000, 0)] {
        let (client, other) = pair(&server);
        other.write(integration::pattern(0, length)).unwrap();
        other.disconnect_from_server();
        wait_until(|| {
            client.state() == LocalSocketState::Unconnected
                && other.state() == LocalSocketState::Unconnected
        });
        assert_eq!(client.skip(skipped).unwrap(), skipped.min(length));
        assert_eq!(client.read_all().len(), left);
        // The end was reached.
        assert_eq!(client.read_into(&mut [0]).unwrap_err(), DeviceErrorKind::Closed);
    }
}
