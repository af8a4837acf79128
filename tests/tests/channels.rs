//! The channels of a socket, and waiting through a QIODevice handle.

use std::{cell::RefCell, io::Write, net::TcpListener, rc::Rc};

use qcore::{DeviceErrorKind, OpenMode, QIODevice, QPointer};
use qnetwork::{NetworkLayerProtocol, QTcpSocket};

fn counts(socket: &QTcpSocket) -> (i32, i32) {
    (socket.read_channel_count(), socket.write_channel_count())
}

/// The expected numbers are those of real Qt in each state.
#[test]
fn channels_come_with_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = QTcpSocket::new();
    assert_eq!(counts(&socket), (0, 0));
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (of, to) = (QPointer::new(&socket), seen.clone());
    socket.state_changed.connect(move |_| to.borrow_mut().push(counts(&of.upgrade().unwrap())));

    // The peer closes. The data that it has sent can still be read.
    socket.connect_to_host("127.0.0.1", port);
    assert_eq!(counts(&socket), (0, 0));
    socket.wait_for_connected(5000).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.write_all(b"abc").unwrap();
    drop(peer);
    socket.wait_for_disconnected(5000).unwrap();
    assert_eq!(seen.take(), [(0, 0), (0, 0), (1, 1), (1, 1), (1, 1)]);
    assert_eq!(counts(&socket), (1, 0));
    assert_eq!(socket.read_all(), b"abc");
    socket.close();
    assert_eq!(counts(&socket), (0, 0));

    // Aborted, and open for writing only.
    let any = NetworkLayerProtocol::AnyIP;
    socket.connect_to_host_with_mode("127.0.0.1", port, OpenMode::WRITE_ONLY, any);
    socket.wait_for_connected(5000).unwrap();
    socket.abort();
    assert_eq!(seen.take(), [(0, 0), (0, 0), (0, 1), (0, 0)]);

    // The connection is refused.
    drop(listener);
    socket.connect_to_host("127.0.0.1", port);
    socket.wait_for_connected(5000).unwrap_err();
    assert_eq!(seen.take(), [(0, 0), (0, 0), (0, 0)]);
    assert_eq!(counts(&socket), (0, 0));
}

#[test]
fn channel_signals_come_after_those_of_the_device() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", listener.local_addr().unwrap().port());
    socket.wait_for_connected(5000).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = |line: &str| seen.borrow_mut().push(line.to_owned());
    socket.ready_read.connect_to(&seen, |seen, ()| seen.borrow_mut().push("ready".to_owned()));
    socket.channel_ready_read.connect_to(&seen, |seen, channel| {
        seen.borrow_mut().push(format!("ready on {channel}"));
    });
    socket.bytes_written.connect_to(&seen, |seen, count| {
        seen.borrow_mut().push(format!("written {count}"));
    });
    socket.channel_bytes_written.connect_to(&seen, |seen, (channel, count)| {
        seen.borrow_mut().push(format!("written {count} on {channel}"));
    });
    // A QIODevice handle waits, too.
    let device: &QIODevice = &socket;
    peer.write_all(b"x").unwrap();
    device.wait_for_ready_read(5000).unwrap();
    device.write("abcd").unwrap();
    device.wait_for_bytes_written(5000).unwrap();
    log("end");
    let expected = ["ready", "ready on 0", "written 4", "written 4 on 0", "end"];
    assert_eq!(*seen.borrow(), expected);
    assert_eq!(device.wait_for_ready_read(1).unwrap_err(), DeviceErrorKind::TimedOut);
    drop(peer);
    assert_eq!(device.wait_for_ready_read(5000).unwrap_err(), DeviceErrorKind::Closed);
}
