//! The application's proxy and factory, for servers and bound sockets. They belong to the process,
//! so the test has a process of its own.

use std::sync::{Arc, Mutex};

use integration::{Socks5Proxy, in_child, wait_until};
use qcore::QCoreApplication;
use qnetwork::{
    ProxyQueryType, ProxyType, QHostAddress, QNetworkProxy, QNetworkProxyFactory,
    QNetworkProxyQuery, QTcpServer, QTcpSocket, QUdpSocket, SocketErrorKind, SocketState,
};

#[test]
fn servers_and_bound_sockets() {
    if !in_child!("servers_and_bound_sockets", 100) {
        return;
    }
    let _app = QCoreApplication::new();
    let unsupported = SocketErrorKind::UnsupportedSocketOperation;
    let proxy = Socks5Proxy::start();
    let asked = Arc::new(Mutex::new(Vec::<QNetworkProxyQuery>::new()));
    let noted = asked.clone();
    let answers = Arc::new(Mutex::new(Vec::new()));
    let given = answers.clone();
    let factory = move |query: &QNetworkProxyQuery| {
        noted.lock().unwrap().push(query.clone());
        given.lock().unwrap().clone()
    };
    QNetworkProxyFactory::set_application_proxy_factory(factory);
    let take = || std::mem::take(&mut *asked.lock().unwrap());
    let http = QNetworkProxy::new(ProxyType::Http, "proxy.example", 3128);

    // The first proxy with the needed capability is used, and the factory is called once.
    *answers.lock().unwrap() = vec![http.clone(), proxy.proxy()];
    let server = QTcpServer::new();
    server.listen(QHostAddress::Any, 0).unwrap();
    assert_eq!(take(), [QNetworkProxyQuery::for_server(ProxyQueryType::TcpServer, 0, "")]);
    assert_eq!(
        (server.server_address(), server.error_string()),
        (QHostAddress::LocalHost, String::new())
    );
    assert_eq!(proxy.requests().len(), 1);
    let socket = QUdpSocket::new();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    assert_eq!(take(), [QNetworkProxyQuery::new(ProxyQueryType::UdpSocket, "", 0, "")]);
    wait_until(|| proxy.requests().len() == 2);
    assert_eq!(proxy.requests()[1].host, "127.0.0.1");
    // In this case Qt gives up.
    let socket = QUdpSocket::new();
    socket.write_datagram("x", QHostAddress::LocalHost, 9).unwrap();
    assert_eq!((take().len(), proxy.requests().len()), (1, 3));
    let tcp = QTcpSocket::new();
    assert_eq!(tcp.bind(QHostAddress::Any, 0).unwrap_err(), unsupported);
    assert_eq!(take(), [QNetworkProxyQuery::new(ProxyQueryType::TcpSocket, "", 0, "")]);
    // The factory is not called for loopback addresses.
    let server = QTcpServer::new();
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let socket = QUdpSocket::new();
    socket.connect_to_host("127.0.0.1", 9);
    assert_eq!((socket.state(), take().len()), (SocketState::Connected, 0));

    // No proxy has the capability.
    *answers.lock().unwrap() = vec![http.clone()];
    let server = QTcpServer::new();
    assert_eq!(server.listen(QHostAddress::Any, 0).unwrap_err(), unsupported);
    assert!(!server.error_string().is_empty());
    assert_eq!(QUdpSocket::new().bind(QHostAddress::Any, 0).unwrap_err(), unsupported);
    assert_eq!(take().len(), 2);

    // No proxy, or an empty answer.
    for answer in [vec![QNetworkProxy::none()], vec![]] {
        *answers.lock().unwrap() = answer;
        let server = QTcpServer::new();
        server.listen(QHostAddress::Any, 0).unwrap();
        assert_eq!(server.server_address(), QHostAddress::Any);
        QUdpSocket::new().bind(QHostAddress::Any, 0).unwrap();
        QTcpSocket::new().bind(QHostAddress::Any, 0).unwrap();
        assert_eq!(take().len(), 3);
    }

    // The server's own setting comes first.
    let server = QTcpServer::new();
    server.set_proxy(QNetworkProxy::none());
    server.listen(QHostAddress::Any, 0).unwrap();
    assert_eq!(take().len(), 0);

    // One proxy for all sockets.
    QNetworkProxy::set_application_proxy(proxy.proxy());
    let server = QTcpServer::new();
    server.listen(QHostAddress::Any, 0).unwrap();
    assert_eq!(server.server_address(), QHostAddress::LocalHost);
    QNetworkProxy::set_application_proxy(http);
    let server = QTcpServer::new();
    assert_eq!(server.listen(QHostAddress::Any, 0).unwrap_err(), unsupported);
    QNetworkProxy::set_application_proxy(QNetworkProxy::default());
    server.listen(QHostAddress::Any, 0).unwrap();
    assert_eq!((server.server_address(), proxy.requests().len()), (QHostAddress::Any, 4));
}
