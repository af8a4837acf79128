//! Streams whose connection ends, or half of it: nothing waits for ever, and no answer is lost.

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    rc::Rc,
    thread,
    time::Duration,
};

use integration::{
    connected_to, listener, local, pair, pattern, port_of, reset, server,
    tls::{accepted, client, encrypt, encrypting},
    wait_until,
};
use qcore::{
    DeviceErrorKind, QIODevice, Signal, block_on, spawn_local,
    task::{sleep, timeout},
};
use qnetwork::{
    CloseReason, QSslSocket, QTcpServer, QTcpSocket, SocketState,
    pipe::{pipe, pipe_both},
};

const LONG: Duration = Duration::from_secs(20);

/// Runs the future, and panics if it takes long.
#[track_caller]
fn run<F: Future>(future: F) -> F::Output {
    block_on(timeout(LONG, future)).unwrap().expect("it takes too long")
}

/// Passes on all bytes between a client and a server. It does not tell the server that the client's
/// TCP has ended. Returns the port for the client.
fn without_end(server: u16) -> u16 {
    let listener = listener();
    let port = port_of(&listener);
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let (mut from, mut to) = (server, client);
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    port
}

/// Connects a client to the port, and waits until both ends are encrypted. Returns the other end.
fn encrypt_by(client: &QSslSocket, port: u16, server: &QTcpServer) -> QSslSocket {
    client.connect_to_host_encrypted("127.0.0.1", port);
    let other = accepted(server);
    wait_until(|| client.is_encrypted() && other.is_encrypted());
    other
}

/// Records the values of a signal.
fn recorded<T: Clone + 'static>(signal: &Signal<T>) -> Rc<RefCell<Vec<T>>> {
    let values = Rc::new(RefCell::new(Vec::new()));
    signal.connect_to(&values, |values, value| values.borrow_mut().push(value.clone()));
    values
}

/// A client sends a request and the end of TLS. The server answers.
fn check_answer(hides_end: bool) {
    let server = encrypting("good");
    let port = server.server_port();
    let client = client();
    let other = encrypt_by(&client, if hides_end { without_end(port) } else { port }, &server);
    let (errors, finished, reasons) = (
        recorded(&other.error_occurred),
        recorded(&other.read_channel_finished),
        recorded(&other.closed),
    );
    let asking = spawn_local(async move {
        let mut stream = client.stream();
        stream.write_all(b"request").await?;
        stream.shutdown().await?;
        stream.read_to_end(1000).await
    });
    run(async {
        let mut stream = other.stream();
        assert_eq!(stream.read_to_end(1000).await.unwrap(), b"request");
        assert_eq!(other.state(), SocketState::Connected);
        stream.write_all(b"answer").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(asking.await.unwrap().unwrap(), b"answer");
        other.disconnected().await;
    });
    assert_eq!((errors.borrow().len(), finished.borrow().len()), (0, 1));
    assert_eq!(*reasons.borrow(), [CloseReason::Remote]);
}

#[test]
fn a_peer_that_ends_its_half_of_tls_gets_the_answer() {
    check_answer(false);
}

#[test]
fn a_peer_that_ends_tls_and_not_tcp_gets_the_answer() {
    check_answer(true);
}

#[test]
fn a_stream_made_after_the_end_of_tls_finds_it() {
    let server = encrypting("good");
    let client = client();
    let other = encrypt_by(&client, without_end(server.server_port()), &server);
    let errors = recorded(&other.error_occurred);
    let mut asking = client.stream();
    run(async {
        asking.write_all(b"request").await.unwrap();
        asking.shutdown().await.unwrap();
    });
    wait_until(|| !errors.borrow().is_empty());
    run(async {
        let mut stream = other.stream();
        assert_eq!(stream.read_to_end(1000).await.unwrap(), b"request");
        stream.write_all(b"answer").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(asking.read_to_end(1000).await.unwrap(), b"answer");
    });
}

/// The connection ends together with the last stream, if the peer has ended its half.
#[test]
fn dropping_the_stream_ends_half_a_connection() {
    let server = encrypting("good");
    for hides_end in [false, true] {
        let port = server.server_port();
        let client = client();
        let other = encrypt_by(&client, if hides_end { without_end(port) } else { port }, &server);
        let reasons = recorded(&other.closed);
        run(async {
            let (mut asking, mut stream) = (client.stream(), other.stream());
            asking.shutdown().await.unwrap();
            assert_eq!(stream.read(&mut [0]).await, Ok(0));
            assert_eq!(other.state(), SocketState::Connected);
            drop(stream);
            other.disconnected().await;
            client.disconnected().await;
        });
        assert_eq!(*reasons.borrow(), [CloseReason::Remote]);
    }
}

/// Both ends have closed their halves, and the peer keeps its TCP connection.
#[test]
fn a_stream_ends_when_both_halves_of_tls_are_closed() {
    let server = encrypting("good");
    let client = client();
    let other = encrypt_by(&client, without_end(server.server_port()), &server);
    run(async {
        let (mut asking, mut stream) = (client.stream(), other.stream());
        stream.shutdown().await.unwrap();
        assert_eq!(asking.read(&mut [0]).await, Ok(0));
        asking.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0]).await, Ok(0));
        other.disconnected().await;
    });
}

/// Without encryption, a `QSslSocket` keeps half a connection as a `QTcpSocket` does.
#[test]
fn a_socket_that_does_not_encrypt_yet_sends_the_answer() {
    let listener = listener();
    let socket = QSslSocket::new();
    socket.connect_to_host("127.0.0.1", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Connected);
    let (mut peer, _) = listener.accept().unwrap();
    peer.write_all(b"request").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    let finished = recorded(&socket.read_channel_finished);
    run(async {
        let mut stream = socket.stream();
        assert_eq!(stream.read_to_end(1000).await.unwrap(), b"request");
        stream.write_all(b"answer").await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let mut answer = String::new();
    peer.read_to_string(&mut answer).unwrap();
    assert_eq!((&*answer, finished.borrow().len()), ("answer", 1));
    assert_eq!(socket.state(), SocketState::Unconnected);
}

#[test]
fn a_relay_passes_on_the_end_of_one_half_of_tls() {
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    let upstream = listener();
    let to = connected_to(port_of(&upstream));
    let (mut upstream, _) = upstream.accept().unwrap();
    let relay = pipe_both(&other, &to);
    let thread = thread::spawn(move || {
        let mut request = Vec::new();
        upstream.read_to_end(&mut request).unwrap();
        upstream.write_all(b"answer").unwrap();
        request
    });
    run(async {
        let mut stream = client.stream();
        stream.write_all(b"request").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read_to_end(1000).await.unwrap(), b"answer");
        relay.finished().await.unwrap();
    });
    assert_eq!(thread.join().unwrap(), b"request");
}

// ---- both halves are over

/// Writes to a device whose connection has ended, with a new stream and with an old one.
fn check_refusal(socket: &QIODevice, ended: impl Fn() -> bool, end: impl FnOnce()) {
    let mut before = socket.stream();
    end();
    wait_until(ended);
    run(async {
        let mut after = socket.stream();
        for stream in [&mut before, &mut after] {
            assert_eq!(stream.write_all(b"x").await.unwrap_err(), DeviceErrorKind::Closed);
            assert_eq!(stream.write_chunk(b"x").await.unwrap_err(), DeviceErrorKind::Closed);
            // They have an error or none, but they do not wait.
            let _ = stream.flush().await;
            let _ = stream.shutdown().await;
        }
    });
}

#[test]
fn writing_fails_after_the_end_of_the_connection() {
    let server = server();
    let (socket, client) = integration::pair_of(&server);
    let ended = || socket.state() == SocketState::Unconnected;
    check_refusal(&socket, ended, || socket.disconnect_from_host());
    drop(client);

    let server = encrypting("good");
    let client = client_of(&server);
    let ended = || client.1.state() == SocketState::Unconnected;
    check_refusal(&client.1, ended, || client.1.disconnect_from_host());

    let dir = local::Dir::new();
    let server = local::server(&dir);
    let (client, other) = local::pair(&server);
    let ended = || other.state() == qnetwork::LocalSocketState::Unconnected;
    check_refusal(&other, ended, || other.disconnect_from_server());
    drop(client);
}

/// Returns both ends of an encrypted connection.
fn client_of(server: &QTcpServer) -> (QSslSocket, QSslSocket) {
    let client = client();
    let other = encrypt(&client, server);
    (client, other)
}

#[test]
fn a_task_that_answers_too_late_comes_to_an_end() {
    let server = encrypting("good");
    let (client, other) = client_of(&server);
    client.write("request").unwrap();
    wait_until(|| other.bytes_available() == 7);
    client.disconnect_from_host();
    client.abort();
    wait_until(|| other.state() == SocketState::Unconnected);
    run(async {
        let mut stream = other.stream();
        assert_eq!(stream.read(&mut [0; 10]).await, Ok(7));
        assert_eq!(stream.write(b"answer").await.unwrap_err(), DeviceErrorKind::Closed);
        let _ = stream.shutdown().await;
    });
}

/// What waited to be sent is lost, and the task that waits for it learns of that.
#[test]
fn a_flush_fails_if_its_bytes_were_lost() {
    let (socket, peer) = pair();
    check_loss(&socket, || reset(peer));

    let server = encrypting("good");
    let (client, other) = client_of(&server);
    // It reads little. What the system has received makes it reset the connection.
    other.set_read_buffer_size(1000);
    check_loss(&client, || other.abort());
}

fn check_loss(socket: &QTcpSocket, lose: impl FnOnce()) {
    let mut stream = socket.stream();
    stream.set_write_limit(64 << 20);
    run(async {
        // More than the kernel takes.
        stream.write_all(&pattern(0, 32 << 20)).await.unwrap();
        let flushing = spawn_local(async move {
            let flushed = stream.flush().await;
            (flushed, stream.shutdown().await)
        });
        qcore::task::yield_now().await;
        assert!(!flushing.is_finished());
        lose();
        let (flushed, shut_down) = flushing.await.unwrap();
        assert!(flushed.is_err() && shut_down.is_err(), "{flushed:?} {shut_down:?}");
    });
}

// ---- tasks that wait for the end

/// A socket whose peer has closed its half emits no `read_channel_finished` when it disconnects.
#[test]
fn who_waits_for_the_end_of_half_a_connection_is_told() {
    let (socket, peer) = pair();
    peer.shutdown(Shutdown::Write).unwrap();
    let (mut reader, mut writer) = socket.stream().split();
    run(async {
        assert_eq!(reader.read(&mut [0]).await, Ok(0));
        let waiting = spawn_local(async move { writer.closed().await });
        qcore::task::yield_now().await;
        socket.disconnect_from_host();
        waiting.await.unwrap();
    });
}

#[test]
fn a_pipe_to_half_a_connection_ends_with_it() {
    let (from, mut source) = pair();
    let (to, mut peer) = pair();
    // Without a stream, the socket would disconnect when its peer closes its half.
    let mut stream = to.stream();
    peer.shutdown(Shutdown::Write).unwrap();
    run(async {
        assert_eq!(stream.read(&mut [0]).await, Ok(0));
        let pipe = pipe(&from, &to);
        // The pipe has moved everything, and waits.
        source.write_all(b"x").unwrap();
        while pipe.bytes() == 0 || to.unsent_bytes() > 0 {
            assert!(!pipe.is_finished());
            sleep(Duration::from_millis(1)).await;
        }
        peer.read_exact(&mut [0]).unwrap();
        sleep(Duration::from_millis(20)).await;
        assert_eq!(to.state(), SocketState::Connected);
        to.disconnect_from_host();
        assert!(pipe.finished().await.is_err());
    });
}
