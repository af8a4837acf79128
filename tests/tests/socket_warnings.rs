//! The warnings of sockets and servers, with Qt's texts. They have a process of their own, because
//! the message handler belongs to the process.

use std::sync::mpsc;

use integration::in_child;
use qcore::install_message_handler;
use qnetwork::{
    QHostAddress, QLocalServer, QLocalSocket, QSslSocket, QTcpServer, QTcpSocket, SslMode,
};

#[test]
fn in_the_wrong_state() {
    if !in_child!("in_the_wrong_state", 100) {
        return;
    }
    let (tell, told) = mpsc::channel();
    install_message_handler(Some(Box::new(move |_, text| drop(tell.send(text.to_owned())))));
    let warned = |texts: &[&str]| assert_eq!(told.try_iter().collect::<Vec<_>>(), texts);

    // Qt's `constructing` of a QSslSocket.
    let socket = QSslSocket::new();
    socket.read_into(&mut [0]).unwrap_err();
    warned(&["QIODevice::read (QSslSocket): device not open"]);
    socket.write("x").unwrap_err();
    warned(&["QIODevice::write (QSslSocket): device not open"]);
    assert!(socket.peek(1).is_empty());
    warned(&["QIODevice::peek (QSslSocket): device not open"]);
    socket.seek(2).unwrap_err();
    warned(&["QIODevice::seek (QSslSocket): Cannot call seek on a sequential device"]);
    socket.reset().unwrap_err();
    warned(&["QIODevice::seek (QSslSocket): Cannot call seek on a sequential device"]);
    socket.wait_for_disconnected(10).unwrap_err();
    warned(&["QSslSocket::waitForDisconnected() is not allowed in UnconnectedState"]);
    // Qt's `encryptWithoutConnecting`.
    socket.start_client_encryption();
    warned(&["QSslSocket::startClientEncryption: cannot start handshake when not connected"]);
    assert_eq!(socket.mode(), SslMode::Unencrypted);
    // Qt's `verifyDepth`.
    assert_eq!(socket.peer_verify_depth(), 0);
    socket.set_peer_verify_depth(-1);
    warned(&["QSslSocket::setPeerVerifyDepth: cannot set negative depth of -1"]);
    assert_eq!(socket.peer_verify_depth(), 0);

    let socket = QTcpSocket::new();
    socket.wait_for_disconnected(10).unwrap_err();
    warned(&["QAbstractSocket::waitForDisconnected() is not allowed in UnconnectedState"]);

    // `listenWhileListening`.
    let server = QTcpServer::new();
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    server.listen(QHostAddress::LocalHost, 0).unwrap_err();
    warned(&["QTcpServer::listen() called when already listening"]);

    // `socket_basic` and `listen` of the local classes.
    let socket = QLocalSocket::new();
    socket.wait_for_disconnected(0).unwrap_err();
    warned(&["QLocalSocket::waitForDisconnected() is not allowed in UnconnectedState"]);
    let server = QLocalServer::new();
    let name = format!("qlocal-warnings-{}", std::process::id());
    server.listen(&name).unwrap();
    server.listen(&name).unwrap_err();
    warned(&["QLocalServer::listen() called when already listening"]);
    install_message_handler(None);
}
