//! `unsent_bytes()`: how many written bytes wait in the process.

use std::{
    cell::Cell,
    io::Read,
    net::TcpStream,
    os::unix::net::{UnixListener, UnixStream},
    rc::Rc,
    thread,
};

use integration::{
    LIMIT, Socks5Proxy, connected_to, listener, pair, pattern, port_of, run_for, tls, wait_until,
};
use qnetwork::{
    ProxyType, QAbstractSocket, QLocalSocket, QNetworkProxy, QSslSocket, QTcpServer, QTcpSocket,
    SocketOption,
};
use socket2::SockRef;

/// More bytes than the buffers of two sockets hold after the test has set them to a small size.
const PLENTY: usize = 8 << 20;
const SMALL: i32 = 64 * 1024;

/// Runs the loop until the number stays the same: the system takes nothing more.
fn when_stuck(unsent: impl Fn() -> usize) -> usize {
    let (mut before, mut same) = (usize::MAX, 0);
    while same < 5 {
        run_for(std::time::Duration::from_millis(20));
        let now = unsent();
        same = if now == before { same + 1 } else { 0 };
        before = now;
    }
    before
}

/// Writes data that the peer does not read, and aborts the connection. The peer then receives
/// everything except the bytes that waited.
fn what_waits_is_what_never_comes(
    write: impl Fn(&[u8]),
    unsent: impl Fn() -> usize,
    flush: impl Fn(),
    abort: impl FnOnce(),
    read_all: impl FnOnce() -> Vec<u8>,
) {
    let data = pattern(0, PLENTY);
    assert_eq!(unsent(), 0);
    write(&data[..10]);
    assert_eq!(unsent(), 10);
    flush();
    assert_eq!(unsent(), 0);
    write(&data[10..]);
    assert_eq!(unsent(), PLENTY - 10);
    let left = when_stuck(&unsent);
    assert!(left > PLENTY / 4 && left < PLENTY - 10, "{left} bytes wait");
    abort();
    assert_eq!(unsent(), 0);
    let got = read_all();
    assert_eq!(got.len(), PLENTY - left);
    assert!(got == data[..got.len()]);
}

fn to_the_end(mut stream: impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

fn of_a_plain_one(socket: &QTcpSocket, read_all: impl FnOnce() -> Vec<u8>) {
    socket.set_socket_option(SocketOption::SendBufferSize, SMALL);
    what_waits_is_what_never_comes(
        |data| assert_eq!(socket.write(data).unwrap(), data.len()),
        || {
            assert_eq!(QAbstractSocket::clone(socket).unsent_bytes(), socket.unsent_bytes());
            socket.unsent_bytes()
        },
        || assert!(socket.flush()),
        || socket.abort(),
        read_all,
    );
}

#[test]
fn a_plain_socket() {
    let (socket, peer) = pair();
    SockRef::from(&peer).set_recv_buffer_size(SMALL as usize).unwrap();
    of_a_plain_one(&socket, move || to_the_end(peer));
}

#[test]
fn a_local_socket() {
    let name = std::env::temp_dir().join(format!("unsent-{}", std::process::id()));
    let _ = std::fs::remove_file(&name);
    let listener = UnixListener::bind(&name).unwrap();
    let socket = QLocalSocket::new();
    socket.connect_to_server(name.to_str().unwrap());
    std::fs::remove_file(&name).unwrap();
    let (peer, _): (UnixStream, _) = listener.accept().unwrap();
    what_waits_is_what_never_comes(
        |data| assert_eq!(socket.write(data).unwrap(), data.len()),
        || socket.unsent_bytes(),
        || assert!(socket.flush()),
        || socket.abort(),
        || to_the_end(peer),
    );
}

/// The proxy reads only when it is told to, so the data waits in the client.
#[test]
fn a_socket_with_a_proxy() {
    for kind in [ProxyType::Socks5, ProxyType::Http] {
        let proxy = listener();
        let socket = QTcpSocket::new();
        socket.set_proxy(QNetworkProxy::new(kind, "127.0.0.1", port_of(&proxy)));
        socket.connect_to_host("127.0.0.1", 1);
        let work = thread::spawn(move || {
            let (mut client, _) = proxy.accept().unwrap();
            client.set_read_timeout(Some(LIMIT)).unwrap();
            lead(&mut client, kind);
            client
        });
        wait_until(|| socket.state() == qnetwork::SocketState::Connected);
        let client = work.join().unwrap();
        SockRef::from(&client).set_recv_buffer_size(SMALL as usize).unwrap();
        of_a_plain_one(&socket, move || to_the_end(client));
    }
}

/// Plays a proxy that has connected its client.
fn lead(client: &mut TcpStream, kind: ProxyType) {
    use std::io::Write;

    let mut read = |count: usize| {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes).unwrap();
        bytes
    };
    if kind == ProxyType::Http {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.extend(read(1));
        }
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        return;
    }
    read(3);
    client.write_all(b"\x05\0").unwrap();
    let mut request = [0; 10];
    client.read_exact(&mut request).unwrap();
    client.write_all(b"\x05\0\0\x01\x7f\0\0\x01\0\x01").unwrap();
}

#[test]
fn what_is_written_before_the_connection_stands_waits() {
    let listener = listener();
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    socket.write("early").unwrap();
    assert_eq!(socket.unsent_bytes(), 5);
    wait_until(|| socket.unsent_bytes() == 0);
}

/// Returns a TLS connection whose server reads nothing until it is told to.
fn held_up() -> (QSslSocket, QSslSocket, QTcpServer) {
    let server = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &server);
    other.set_socket_option(SocketOption::ReceiveBufferSize, SMALL);
    client.set_socket_option(SocketOption::SendBufferSize, SMALL);
    other.set_read_buffer_size(1000);
    (client, other, server)
}

#[test]
fn what_waits_encrypted_is_counted() {
    let (client, other, _server) = held_up();
    let announced = Rc::new(Cell::new(0));
    client.bytes_written.connect_to(&announced, |sum, count| sum.set(sum.get() + count));
    let data = pattern(0, PLENTY);
    assert_eq!(client.unsent_bytes(), 0);
    client.write(&data).unwrap();
    assert_eq!((client.unsent_bytes(), client.bytes_to_write()), (PLENTY, PLENTY));
    let left = when_stuck(|| client.unsent_bytes());
    // As in Qt, all data seems to be written.
    assert_eq!((client.bytes_to_write(), announced.get()), (0, PLENTY));
    assert!(left > PLENTY / 4, "{left} bytes wait");
    assert_eq!(left, client.encrypted_bytes_to_write());
    assert_eq!(QAbstractSocket::clone(&client).unsent_bytes(), left, "by the base class");

    // Further data is plain text first and counts from the start.
    client.write("more").unwrap();
    assert_eq!(client.unsent_bytes(), left + 4);
    other.set_read_buffer_size(0);
    let got = Rc::new(Cell::new(0));
    other.ready_read.connect({
        let (got, other) = (got.clone(), other.clone());
        move |()| got.set(got.get() + other.read_all().len())
    });
    let already = other.read_all().len();
    got.set(got.get() + already);
    wait_until(|| client.unsent_bytes() == 0 && got.get() == PLENTY + 4);
}

#[test]
fn what_waits_for_the_handshake_is_counted() {
    let server = tls::encrypting("good");
    let client = QSslSocket::new(); // trusts nobody
    let seen = Rc::new(Cell::new(0));
    client.ssl_errors.connect({
        let (client, seen) = (client.clone(), seen.clone());
        move |_| {
            seen.set(client.unsent_bytes());
            client.ignore_ssl_errors();
        }
    });
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    client.write("early").unwrap();
    assert_eq!(client.unsent_bytes(), 5);
    let other = tls::accepted(&server);
    wait_until(|| other.bytes_available() == 5);
    assert_eq!(client.unsent_bytes(), 0);
    // The server has nothing to send: session tickets wait for its first data.
    assert_eq!(other.unsent_bytes(), 0);
    // While the slot ran, the rest of the handshake and the written data were held back.
    assert!(seen.get() > 5, "{} bytes", seen.get());
}

#[test]
fn what_a_chat_does_about_a_slow_guest_holds_over_tls() {
    const MAX_QUEUED: usize = 256 * 1024;
    let (client, _other, _server) = held_up();
    let is_slow = || client.unsent_bytes() > MAX_QUEUED;
    let mut said = 0;
    while !is_slow() {
        assert!(said < PLENTY, "nothing seems to wait");
        client.write([b'x'; 4096]).unwrap();
        said += 4096;
        run_for(std::time::Duration::ZERO);
        client.flush();
    }
    assert_eq!(client.bytes_to_write(), 0);
}

#[test]
fn nothing_waits_at_a_socket_that_has_none() {
    assert_eq!(QSslSocket::new().unsent_bytes(), 0);
    assert_eq!(QLocalSocket::new().unsent_bytes(), 0);
    assert_eq!(qnetwork::QUdpSocket::new().unsent_bytes(), 0);
    let proxy = Socks5Proxy::start();
    let (port, peer) = integration::peer(|stream| to_the_end(stream).len());
    let socket = QTcpSocket::new();
    socket.set_proxy(proxy.proxy());
    socket.connect_to_host("127.0.0.1", port);
    socket.write("by the proxy").unwrap();
    assert_eq!(socket.unsent_bytes(), 12);
    wait_until(|| socket.unsent_bytes() == 0);
    socket.disconnect_from_host();
    assert_eq!(peer.join().unwrap(), 12);

    let dead = connected_to(port_of(&listener()));
    drop(dead.write("gone"));
    let child = qcore::QObject::new();
    dead.set_parent(Some(&child));
    drop(child);
    assert!(dead.is_deleted());
    assert_eq!(dead.unsent_bytes(), 0);
}
