//! Sockets and servers that go away, in every state and in every slot.

use std::{
    cell::{Cell, RefCell},
    io::Write,
    net::TcpStream,
    rc::Rc,
};

use integration::{
    NO_HOST, closed_port, descriptors, in_child, listener, pair, pair_of, port_of, read_to_end,
    server, settle, wait_until,
};
use qcore::{QPointer, Signal};
use qnetwork::{QTcpServer, QTcpSocket, SocketState};

/// How a socket goes away.
#[derive(Clone, Copy, Debug)]
enum Way {
    Drop,
    DeleteLater,
    Abort,
}

const WAYS: [Way; 3] = [Way::Drop, Way::DeleteLater, Way::Abort];

/// Holds the only handle of a socket, which a slot drops.
type Holder = Rc<RefCell<Option<QTcpSocket>>>;

fn let_go(holder: &RefCell<Option<QTcpSocket>>, way: Way) {
    let Some(socket) = holder.borrow_mut().take() else { return };
    match way {
        Way::Drop => {}
        Way::DeleteLater => socket.delete_later(),
        Way::Abort => socket.abort(),
    }
    drop(socket);
}

#[test]
fn in_every_state() {
    if !in_child!("in_every_state", 256) {
        return;
    }
    let listener = listener();
    let port = port_of(&listener);
    let (closed, _guard) = closed_port();
    let before = descriptors();
    for way in WAYS {
        for reached in ["unconnected", "lookup", "connecting", "refused", "connected", "closing"] {
            let socket = QTcpSocket::new();
            let gone = QPointer::new(&socket);
            match reached {
                "unconnected" => {}
                "lookup" => socket.connect_to_host(NO_HOST, port),
                "refused" => {
                    socket.connect_to_host("127.0.0.1", closed);
                    wait_until(|| socket.state() == SocketState::Unconnected);
                }
                "connecting" => socket.connect_to_host("127.0.0.1", port),
                _ => {
                    socket.connect_to_host("127.0.0.1", port);
                    socket.write(vec![0; 100]).unwrap();
                    wait_until(|| socket.state() == SocketState::Connected);
                    if reached == "closing" {
                        socket.write(vec![0; 20 << 20]).unwrap();
                        socket.disconnect_from_host();
                        assert_eq!(socket.state(), SocketState::Closing);
                    }
                }
            }
            let_go(&RefCell::new(Some(socket)), way);
            settle();
            assert!(gone.upgrade().is_none(), "{reached}, {way:?}");
        }
    }
    // The first socket creates the loop's poll, and a look-up has descriptors of its own.
    wait_until(|| descriptors() <= before + 3);
}

#[test]
fn from_every_slot() {
    type Connect = fn(&QTcpSocket, &Holder, Way);
    fn on<T>(signal: &Signal<T>, holder: &Holder, way: Way) {
        signal.connect_to(holder, move |holder, _| let_go(holder, way));
    }
    let signals: [(&str, Connect); 9] = [
        ("host_found", |s, h, w| on(&s.host_found, h, w)),
        ("state_changed", |s, h, w| on(&s.state_changed, h, w)),
        ("connected", |s, h, w| on(&s.connected, h, w)),
        ("ready_read", |s, h, w| on(&s.ready_read, h, w)),
        ("bytes_written", |s, h, w| on(&s.bytes_written, h, w)),
        ("error", |s, h, w| on(&s.error, h, w)),
        ("error_occurred", |s, h, w| on(&s.error_occurred, h, w)),
        ("read_channel_finished", |s, h, w| on(&s.read_channel_finished, h, w)),
        ("disconnected", |s, h, w| on(&s.disconnected, h, w)),
    ];
    for way in WAYS {
        for (name, connect) in signals {
            let listener = listener();
            let socket = QTcpSocket::new();
            let gone = QPointer::new(&socket);
            let holder: Holder = Rc::new(RefCell::new(Some(socket.clone())));
            connect(&socket, &holder, way);
            let ends = name != "connected" && name != "host_found" && name != "state_changed";
            // A weak reference, because the holder has the only handle.
            let look = |f: &dyn Fn(&QTcpSocket) -> bool| gone.upgrade().is_none_or(|s| f(&s));
            drop(socket);
            if let Some(socket) = gone.upgrade() {
                socket.connect_to_host("127.0.0.1", port_of(&listener));
                if ends {
                    socket.write("data").unwrap();
                }
            }
            if ends {
                let (mut stream, _) = listener.accept().unwrap();
                wait_until(|| look(&|socket| socket.state() == SocketState::Connected));
                let _ = stream.write_all(b"data");
                wait_until(|| look(&|socket| socket.bytes_available() == 4));
                drop(stream);
            }
            wait_until(|| gone.upgrade().is_none());
            assert!(holder.borrow().is_none(), "{name}, {way:?}");
        }
    }
}

#[test]
fn about_to_close_may_drop_its_socket() {
    let (socket, stream) = pair();
    let gone = QPointer::new(&socket);
    let holder: Holder = Rc::new(RefCell::new(Some(socket)));
    let closing = holder.borrow().clone().unwrap();
    closing.about_to_close.connect_to(&holder, |holder, ()| drop(holder.borrow_mut().take()));
    closing.close();
    drop(closing);
    assert!(gone.upgrade().is_none());
    assert_eq!(read_to_end(&stream), b"");
}

#[test]
fn a_server_takes_its_children_with_it() {
    if !in_child!("a_server_takes_its_children_with_it", 256) {
        return;
    }
    let server = server();
    let before = descriptors();
    let clients: Vec<_> =
        (0..5).map(|_| TcpStream::connect(("127.0.0.1", server.server_port())).unwrap()).collect();
    wait_until(|| server.children().len() == 5);
    let taken = server.next_pending_connection().unwrap();
    let kept = server.next_pending_connection().unwrap();
    kept.set_parent(None);
    let ended = Rc::new(Cell::new(0));
    taken.disconnected.connect_to(&ended, |ended, ()| ended.set(ended.get() + 1));
    drop(server);
    assert!(taken.is_deleted());
    assert_eq!(ended.get(), 1);
    assert_eq!((taken.state(), taken.socket_descriptor()), (SocketState::Unconnected, None));
    assert!(taken.write("dead").is_err());
    taken.connect_to_host("127.0.0.1", 1);
    assert_eq!(taken.state(), SocketState::Unconnected);
    assert_eq!(kept.state(), SocketState::Connected);
    drop((kept, clients));
    wait_until(|| descriptors() < before);
}

#[test]
fn a_server_dropped_in_its_slot() {
    for later in [false, true] {
        let server = server();
        let port = server.server_port();
        let gone = QPointer::new(&server);
        let holder: Rc<RefCell<Option<QTcpServer>>> = Rc::default();
        server.new_connection.connect_to(&holder, move |holder, ()| {
            let Some(server) = holder.borrow_mut().take() else { return };
            let socket = server.next_pending_connection().unwrap();
            socket.write("never sent").unwrap();
            if later {
                server.delete_later();
            }
            drop(server);
        });
        *holder.borrow_mut() = Some(server);
        let clients: Vec<_> =
            (0..2).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
        wait_until(|| gone.upgrade().is_none());
        for client in clients {
            let _ = read_to_end(&client);
        }
    }
}

#[test]
fn slots_that_hold_their_own_socket_are_freed_by_its_death() {
    let server = server();
    let (accepted, client) = pair_of(&server);
    let gone = QPointer::new(&client);
    let cycle = client.clone();
    client.ready_read.connect(move |()| drop(cycle.read_all()));
    client.delete_later();
    drop(client);
    settle();
    assert!(gone.upgrade().is_none());
    wait_until(|| accepted.state() == SocketState::Unconnected);
}

#[test]
fn deleting_one_socket_from_the_slot_of_another() {
    let server = server();
    let (a, a_client) = pair_of(&server);
    let (b, b_client) = pair_of(&server);
    // Both become ready in the same turn. The first one called ends the other.
    for (this, other) in [(&a, &b), (&b, &a)] {
        let other = RefCell::new(Some(other.clone()));
        this.ready_read.connect_to(this, move |this, ()| {
            if let Some(other) = other.borrow_mut().take() {
                other.set_parent(None);
                other.abort();
                other.delete_later();
            }
            let _ = this.read_all();
        });
    }
    a_client.write("a").unwrap();
    b_client.write("b").unwrap();
    wait_until(|| a.is_deleted() != b.is_deleted());
    let lives = if a.is_deleted() { &b } else { &a };
    assert_eq!(lives.state(), SocketState::Connected);
}
