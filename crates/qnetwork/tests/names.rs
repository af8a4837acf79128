//! Traits that a program has in scope do not hide Qt's methods.

#[allow(unused_imports)]
use std::io::{Read as _, Write as _};

#[allow(unused_imports)]
use qcore::{
    DeviceErrorKind, OpenMode, QBuffer,
    event_loop::{EventSource as _, TimerHandler as _},
    io_device::DeviceBackend as _,
    object::{Node as _, Object as _},
};
use qnetwork::{QTcpSocket, SocketErrorKind};

#[test]
fn methods_are_those_of_the_class() {
    let buffer = QBuffer::new();
    buffer.open(OpenMode::READ_WRITE).unwrap();
    assert_eq!(buffer.write("hello").unwrap(), 5);
    buffer.seek(1).unwrap();
    assert_eq!(buffer.peek(2), b"el");
    assert_eq!((buffer.size(), buffer.is_sequential()), (5, false));
    assert!(!buffer.can_read_line());
    buffer.close();

    let socket = QTcpSocket::new();
    assert_eq!(socket.write("x").unwrap_err(), DeviceErrorKind::NotOpen);
    assert!(socket.read(1).is_empty());
    assert_eq!((socket.bytes_available(), socket.bytes_to_write()), (0, 0));
    socket.close();
    assert_eq!(socket.wait_for_connected(0).unwrap_err(), SocketErrorKind::Operation);
}

/// The methods of a class do not hide those of its base classes.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[test]
fn methods_of_base_classes_are_reached() {
    use qnetwork::{QSslServer, QSslSocket, SocketState};
    let socket = QSslSocket::new();
    assert_eq!(
        (socket.state(), socket.error()),
        (SocketState::Unconnected, SocketErrorKind::Unknown)
    );
    assert_eq!((socket.peer_name(), socket.bytes_to_write()), (String::new(), 0));
    assert_eq!(socket.write("x").unwrap_err(), DeviceErrorKind::NotOpen);
    assert!(socket.read(1).is_empty() && !socket.flush());
    socket.set_read_buffer_size(10);
    assert_eq!(socket.read_buffer_size(), 10);
    assert_eq!(socket.wait_for_connected(0).unwrap_err(), SocketErrorKind::Operation);
    assert_eq!(socket.wait_for_disconnected(0).unwrap_err(), SocketErrorKind::Operation);
    socket.disconnect_from_host();
    socket.abort();
    socket.close();
    let server = QSslServer::new();
    assert!(!server.is_listening() && server.next_pending_connection().is_none());
    server.close();
}
