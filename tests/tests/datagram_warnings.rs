//! The warnings of UDP sockets, with Qt's texts. They have a process of their own, because the
//! message handler belongs to the process.

use std::sync::mpsc;

use integration::in_child;
use qcore::install_message_handler;
use qnetwork::{QHostAddress, QUdpSocket};

#[test]
fn in_the_wrong_state() {
    if !in_child!("in_the_wrong_state", 100) {
        return;
    }
    let (tell, told) = mpsc::channel();
    install_message_handler(Some(Box::new(move |_, text| drop(tell.send(text.to_owned())))));
    let warned = |text: &str| assert_eq!(told.try_iter().collect::<Vec<_>>(), [text]);
    let group: QHostAddress = "239.255.43.21".parse().unwrap();

    let socket = QUdpSocket::new();
    let unbound = |function: &str| {
        warned(&format!(
            "QUdpSocket::{function}() called on a QUdpSocket when not in QUdpSocket::BoundState"
        ));
    };
    let ask = || {
        socket.join_multicast_group(group.clone()).unwrap_err();
        unbound("joinMulticastGroup");
        socket.leave_multicast_group(group.clone()).unwrap_err();
        unbound("leaveMulticastGroup");
        assert!(!socket.has_pending_datagrams());
        unbound("hasPendingDatagrams");
        assert_eq!(socket.pending_datagram_size(), None);
        unbound("pendingDatagramSize");
        socket.read_datagram(10).unwrap_err();
        unbound("readDatagram");
        socket.receive_datagram().unwrap_err();
        unbound("receiveDatagram");
        assert_eq!(socket.multicast_interface(), None);
        unbound("multicastInterface");
        socket.set_multicast_interface(None).unwrap_err();
        unbound("setMulticastInterface");
    };
    ask();
    socket.bind(QHostAddress::Any, 0).unwrap();
    socket.join_multicast_group(group.clone()).unwrap_err();
    warned(
        "QAbstractSocket: cannot bind to QHostAddress::Any (or an IPv6 address) and join an IPv4 \
         multicast group; bind to QHostAddress::AnyIPv4 instead if you want to do this",
    );
    socket.close();
    ask();

    // The socket is open but has no descriptor: Qt crashes.
    socket.connect_to_host("127.0.0.1", 9);
    socket.disconnect_from_host();
    assert!(socket.is_open());
    ask();

    // A socket that could not be bound has a descriptor.
    let (first, second) = (QUdpSocket::new(), QUdpSocket::new());
    first.bind(QHostAddress::LocalHost, 0).unwrap();
    second.bind(QHostAddress::LocalHost, first.local_port()).unwrap_err();
    assert!(!second.has_pending_datagrams());
    warned(
        "QNativeSocketEngine::hasPendingDatagrams() was called in \
         QAbstractSocket::UnconnectedState",
    );
    second.read_datagram(10).unwrap_err();
    warned(
        "QNativeSocketEngine::readDatagram() was called not in QAbstractSocket::BoundState or \
         QAbstractSocket::ConnectedState",
    );
    second.join_multicast_group(group).unwrap_err();
    warned(
        "QNativeSocketEngine::joinMulticastGroup() was not called in QAbstractSocket::BoundState",
    );
    assert_eq!(second.bytes_available(), 0);
    warned("QNativeSocketEngine::bytesAvailable() was called in QAbstractSocket::UnconnectedState");
    install_message_handler(None);
}
