//! Tests of the settings and figures of TCP.

use std::{os::fd::OwnedFd, time::Duration};

use integration::{Socks5Proxy, pair_of, server, tls, wait_until};
use qnetwork::{
    KeepAlive, QAbstractSocket, QHostAddress, QTcpSocket, QUdpSocket,
    SocketErrorKind::{Operation, UnsupportedSocketOperation},
    SocketOption, SocketState,
};

const SECOND: Duration = Duration::from_secs(1);
const VALUES: KeepAlive = KeepAlive { idle: Duration::from_secs(60), interval: SECOND, count: 4 };

/// Sets and reads each value of a connected socket.
fn all_values(socket: &QAbstractSocket) {
    assert_eq!(socket.keep_alive(), Ok(None));
    socket.set_keep_alive(Some(VALUES)).unwrap();
    assert_eq!(socket.keep_alive(), Ok(Some(VALUES)));
    assert_eq!(socket.socket_option(SocketOption::KeepAlive), Some(1));
    assert_eq!(socket.user_timeout(), Ok(None));
    socket.set_user_timeout(30_000).unwrap();
    assert_eq!(socket.user_timeout(), Ok(Some(30 * SECOND)));
    let info = socket.tcp_info().unwrap();
    assert!(info.round_trip_time > Duration::ZERO && info.segment_size > 0, "{info:?}");
    assert!(info.congestion_window > 0 && info.path_mtu > 0, "{info:?}");
}

#[test]
fn values_of_a_connection() {
    if !cfg!(target_os = "linux") {
        println!("skipped: these values are Linux's");
        return;
    }
    let server = server();
    let (accepted, client) = pair_of(&server);
    all_values(&accepted);
    all_values(&client);

    // A part of a second counts as a whole one.
    let value = KeepAlive { idle: SECOND / 2, interval: 3 * SECOND / 2, count: 127 };
    client.set_keep_alive(Some(value)).unwrap();
    let whole = KeepAlive { idle: SECOND, interval: 2 * SECOND, count: 127 };
    assert_eq!(client.keep_alive(), Ok(Some(whole)));
    // An error changes nothing.
    for wrong in [
        KeepAlive { idle: Duration::ZERO, ..VALUES },
        KeepAlive { idle: 32_768 * SECOND, ..VALUES },
        KeepAlive { idle: Duration::MAX, ..VALUES },
        KeepAlive { interval: Duration::ZERO, ..VALUES },
        KeepAlive { count: 0, ..VALUES },
        KeepAlive { count: 128, ..VALUES },
    ] {
        let error = client.set_keep_alive(Some(wrong)).unwrap_err();
        assert_eq!(error, UnsupportedSocketOperation, "{wrong:?}");
        assert_eq!(client.keep_alive(), Ok(Some(whole)), "{wrong:?}");
    }
    client.set_keep_alive(None).unwrap();
    assert_eq!(client.keep_alive(), Ok(None));

    for wrong in [Duration::ZERO, Duration::MAX] {
        assert_eq!(client.set_user_timeout(wrong).unwrap_err(), UnsupportedSocketOperation);
    }
    assert_eq!(client.user_timeout(), Ok(Some(30 * SECOND)));
    client.set_user_timeout(Duration::from_nanos(1)).unwrap();
    assert_eq!(client.user_timeout(), Ok(Some(Duration::from_millis(1))));
    client.set_user_timeout(-1).unwrap();
    assert_eq!(client.user_timeout(), Ok(None));
}

/// What was sent and not acknowledged shows: the other end does not read, and its window is full.
#[test]
fn figures_of_a_connection_that_stalls() {
    if !cfg!(target_os = "linux") {
        println!("skipped: these values are Linux's");
        return;
    }
    let server = server();
    let (accepted, client) = pair_of(&server);
    accepted.set_read_buffer_size(1);
    client.write("hello").unwrap();
    wait_until(|| accepted.bytes_available() > 0);
    let info = accepted.tcp_info().unwrap();
    assert_eq!((info.retransmits, info.total_retransmits, info.lost_segments), (0, 0, 0));
    assert!(info.since_data_received < Duration::from_secs(20), "{info:?}");
    assert!(info.retransmission_timeout > Duration::from_millis(1), "{info:?}");
}

#[test]
fn through_tls_and_proxies() {
    if !cfg!(target_os = "linux") {
        println!("skipped: these values are Linux's");
        return;
    }
    let tls_server = tls::encrypting("good");
    let client = tls::client();
    let accepted = tls::encrypt(&client, &tls_server);
    all_values(&client);
    all_values(&accepted);

    let (proxy, server) = (Socks5Proxy::start(), server());
    let client = QTcpSocket::new();
    client.set_proxy(proxy.proxy());
    client.connect_to_host("127.0.0.1", server.server_port());
    wait_until(|| client.state() == SocketState::Connected);
    all_values(&client);
}

#[test]
fn where_there_is_no_tcp() {
    let socket = QTcpSocket::new();
    let errors = |socket: &QAbstractSocket| {
        [
            socket.set_keep_alive(None).unwrap_err().kind(),
            socket.set_keep_alive(Some(VALUES)).unwrap_err().kind(),
            socket.keep_alive().unwrap_err().kind(),
            socket.set_user_timeout(-1).unwrap_err().kind(),
            socket.set_user_timeout(1000).unwrap_err().kind(),
            socket.user_timeout().unwrap_err().kind(),
            socket.tcp_info().unwrap_err().kind(),
        ]
    };
    assert_eq!(errors(&socket), [Operation; 7]);
    assert_eq!(errors(&tls::client()), [Operation; 7]);
    let server = server();
    let (_accepted, client) = pair_of(&server);
    client.abort();
    assert_eq!(errors(&client), [Operation; 7]);

    let udp = QUdpSocket::new();
    assert_eq!(errors(&udp), [Operation; 7]);
    udp.bind(QHostAddress::LocalHost, 0).unwrap();
    assert_eq!(errors(&udp), [UnsupportedSocketOperation; 7]);
    let (reader, _writer) = std::io::pipe().unwrap();
    socket.set_socket_descriptor(OwnedFd::from(reader)).unwrap();
    assert_eq!(errors(&socket), [UnsupportedSocketOperation; 7]);
}
