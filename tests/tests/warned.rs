//! A message handler is the program's code: it may use the socket that a warning is about. The test
//! has a process of its own, because the handler belongs to the process.

use std::cell::RefCell;

use qcore::{OpenMode, install_message_handler};
use qnetwork::{QHostAddress, QTcpSocket, SocketErrorKind, SocketState};

/// The function that the handler calls with the socket. The handler removes it before it calls it.
type Reaction = (QTcpSocket, fn(&QTcpSocket));

thread_local! {
    static REACTION: RefCell<Option<Reaction>> = const { RefCell::new(None) };
}

/// A bound socket with one byte in its write buffer. Sending it causes a warning.
fn bound() -> QTcpSocket {
    let socket = QTcpSocket::new();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    socket.open(OpenMode::READ_WRITE).unwrap();
    socket.write("x").unwrap();
    socket
}

#[test]
fn a_handler_may_use_the_socket() {
    install_message_handler(Some(Box::new(|_, _| {
        if let Some((socket, react)) = REACTION.take() {
            react(&socket);
        }
    })));
    let flush = |socket: &QTcpSocket, react: fn(&QTcpSocket)| {
        REACTION.set(Some((socket.clone(), react)));
        assert!(!socket.flush());
        assert!(REACTION.take().is_none(), "there was no warning");
    };

    let socket = bound();
    flush(&socket, |socket| assert_eq!(socket.write("more").unwrap(), 4));
    assert_eq!((socket.state(), socket.bytes_to_write()), (SocketState::Unconnected, 0));

    // If the handler has ended the connection, there is no error left to report.
    let socket = bound();
    socket.error_occurred.connect(|error| panic!("{error:?}"));
    flush(&socket, |socket| socket.abort());
    assert_eq!(
        (socket.state(), socket.error()),
        (SocketState::Unconnected, SocketErrorKind::Unknown)
    );
    install_message_handler(None);
}
