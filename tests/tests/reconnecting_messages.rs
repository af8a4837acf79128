//! Tests of what a `Reconnector` does with messages while it has no connection.

use std::{cell::Cell, rc::Rc};

use integration::{closed_port, listener, port_of, wait_until};
use qcore::{DeviceErrorKind, QSignalSpy, io_device::WhenFull};
use qnetwork::{
    ReconnectorState::{Connected, GaveUp, Stopped, Waiting},
    SocketState, WhenDisconnected,
};

use crate::reconnecting::{accept, line, quick};

#[test]
fn messages_wait_for_the_connection() {
    let first = listener();
    let link = quick(port_of(&first));
    assert_eq!(link.send("x").unwrap_err(), DeviceErrorKind::NotOpen);
    link.set_when_disconnected(WhenDisconnected::Keep(12));
    link.send("one\n").unwrap();
    link.connected.connect_to(&link, |link, ()| {
        link.send("hello\n").unwrap();
    });
    link.start();
    link.send("two\n").unwrap();
    assert_eq!(link.send("three\n").unwrap_err(), DeviceErrorKind::TooLong);
    assert_eq!(link.waiting_bytes(), 8);
    wait_until(|| link.state() == Connected);
    link.send("four\n").unwrap();
    assert_eq!(link.waiting_bytes(), 0);
    wait_until(|| link.socket().bytes_to_write() == 0);
    let mut peer = accept(&first);
    let lines: Vec<_> = (0..4).map(|_| line(&mut peer)).collect();
    assert_eq!(lines, ["hello", "one", "two", "four"]);

    // After a loss too, and giving up keeps them.
    drop((peer, first));
    wait_until(|| link.state() == Waiting);
    link.send("kept\n").unwrap();
    link.set_max_attempts(Some(1));
    wait_until(|| link.state() == GaveUp);
    assert_eq!(link.waiting_bytes(), 5);
    link.stop();
    assert_eq!((link.waiting_bytes(), link.state()), (0, Stopped));
}

#[test]
fn messages_are_dropped_as_told() {
    let (port, _guard) = closed_port();
    let link = quick(port);
    link.set_when_disconnected(WhenDisconnected::Drop);
    link.send(vec![0; 1 << 20]).unwrap();
    assert_eq!(link.waiting_bytes(), 0);
    link.set_when_disconnected(WhenDisconnected::KeepLatest(10));
    for number in 0..1000 {
        link.send(format!("{number:05}")).unwrap();
        assert!(link.waiting_bytes() <= 10);
    }
}

/// The write flow of the socket takes a few of the kept messages. The others follow as it drains.
#[test]
fn a_socket_that_refuses_gets_the_kept_messages_later() {
    let listener = listener();
    let link = quick(port_of(&listener));
    let flow = link.socket().write_flow();
    flow.set_marks(10, 40);
    flow.set_when_full(WhenFull::Refuse);
    link.set_when_disconnected(WhenDisconnected::Keep(1 << 20));
    for number in 0..50 {
        link.send(format!("message {number:02}\n")).unwrap();
    }
    link.connected.connect_to(&link, |link, ()| {
        link.send("greeting\n").unwrap(); // before the messages that have waited
    });
    let drained = QSignalSpy::new(&flow.drained);
    link.start();
    wait_until(|| link.state() == Connected);
    assert!(link.waiting_bytes() > 0, "the flow has taken all");
    // This one waits behind the others.
    link.send("the last one\n").unwrap();
    // Without a rule that keeps messages, there is no room for more.
    link.set_when_disconnected(WhenDisconnected::Refuse);
    assert_eq!(link.send("no room").unwrap_err(), DeviceErrorKind::Full);
    let mut peer = accept(&listener);
    wait_until(|| link.waiting_bytes() == 0);
    assert!(drained.count() > 5, "it has drained {} times", drained.count());
    wait_until(|| link.socket().bytes_to_write() == 0);
    link.send("direct\n").unwrap();
    wait_until(|| link.socket().bytes_to_write() == 0);
    assert_eq!(line(&mut peer), "greeting");
    for number in 0..50 {
        assert_eq!(line(&mut peer), format!("message {number:02}"));
    }
    assert_eq!(line(&mut peer), "the last one");
    assert_eq!(line(&mut peer), "direct");
}

/// The connection ends while the socket refuses messages: they wait for the next one.
#[test]
fn messages_that_were_refused_survive_the_connection() {
    let listener = listener();
    let link = quick(port_of(&listener));
    link.socket().write_flow().set_marks(10, 20);
    link.socket().write_flow().set_when_full(WhenFull::Refuse);
    link.set_when_disconnected(WhenDisconnected::Keep(1 << 20));
    for number in 0..20 {
        link.send(format!("{number:09}\n")).unwrap();
    }
    let lost = Rc::new(Cell::new(false));
    link.socket().bytes_written.connect_to((link.socket(), &lost), |(socket, lost), _| {
        if !lost.replace(true) {
            socket.abort();
        }
    });
    link.start();
    wait_until(|| lost.get() && link.socket().state() == SocketState::Unconnected);
    assert!(link.waiting_bytes() > 0);
    wait_until(|| link.waiting_bytes() == 0);
    drop(accept(&listener));
    let mut peer = accept(&listener);
    wait_until(|| link.socket().bytes_to_write() == 0);
    let first: u32 = line(&mut peer).parse().unwrap();
    assert!(first < 10, "{first}");
    for number in first + 1..20 {
        assert_eq!(line(&mut peer), format!("{number:09}"));
    }
}
