//! Sockets in tasks: what ends, what is cut, and what begins again.

use std::{
    cell::Cell,
    future::poll_fn,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use futures_io::AsyncBufRead;
use integration::{
    connection, local, pair, pattern, read_to_end, server,
    tls::{client, encrypt, encrypting},
};
use qcore::{
    DeviceErrorKind, OpenMode, QIODevice, block_on, spawn_local,
    task::{sleep, timeout, yield_now},
};
use qnetwork::{
    NetworkLayerProtocol, QHostAddress, QTcpSocket, QUdpSocket, SocketErrorKind, SocketState,
};

const LONG: Duration = Duration::from_secs(20);

/// Runs the future, and panics if it takes long.
fn run<F: Future>(future: F) -> F::Output {
    block_on(timeout(LONG, future)).unwrap().expect("it takes too long")
}

/// Counts the wake-ups.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn incoming_survives_that_its_slots_are_cut() {
    let server = server();
    let mut incoming = server.incoming();
    let task = spawn_local(async move { incoming.next().await.is_some() });
    run(yield_now());
    server.new_connection.disconnect_all();
    run(sleep(1));
    let _client = connection(server.server_port()).unwrap();
    assert!(run(task).unwrap());

    let mut incoming = server.incoming();
    let task = spawn_local(async move { incoming.next().await.is_some() });
    run(yield_now());
    server.new_connection.disconnect_all();
    server.close();
    assert!(!run(task).unwrap());
}

#[test]
fn waiting_for_a_state_survives_that_its_slots_are_cut() {
    let server = server();
    let socket = QTcpSocket::new();
    // No loop runs before the slot is cut, so the socket cannot connect before that.
    let mut connecting = Box::pin(socket.connect("localhost", server.server_port()));
    assert!(connecting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_ne!(socket.state(), SocketState::Connected);
    socket.state_changed.disconnect_all();
    assert_eq!(run(connecting), Ok(()));

    let ending = socket.clone();
    let task = spawn_local(async move {
        ending.disconnected().await;
        ending.state()
    });
    run(yield_now());
    socket.state_changed.disconnect_all();
    run(sleep(1));
    socket.abort();
    assert_eq!(run(task).unwrap(), SocketState::Unconnected);
}

#[test]
fn a_stream_survives_that_its_slots_are_cut() {
    let (socket, mut other) = pair();
    let (mut reader, mut writer) = socket.stream().split();
    let reading = spawn_local(async move {
        let mut data = [0; 5];
        reader.read_exact(&mut data).await.unwrap();
        (data, reader.read(&mut data).await)
    });
    writer.set_write_limit(1000);
    let writing = spawn_local(async move {
        writer.write_all(&pattern(0, 8 << 20)).await.unwrap();
        writer
    });
    run(sleep(5));
    socket.ready_read.disconnect_all();
    socket.bytes_written.disconnect_all();
    socket.read_channel_finished.disconnect_all();
    run(sleep(1));
    let mut got = vec![0; 8 << 20];
    let thread = std::thread::spawn(move || {
        other.write_all(b"hello").unwrap();
        other.read_exact(&mut got).unwrap();
        other.shutdown(Shutdown::Write).unwrap();
        assert!(got == pattern(0, 8 << 20));
        other
    });
    let _writer = run(writing).unwrap();
    assert_eq!(run(reading).unwrap(), (*b"hello", Ok(0)));
    drop(thread.join().unwrap());
}

#[test]
fn a_second_stream_finds_the_end_as_well() {
    let (socket, mut other) = pair();
    run(async {
        let mut first = socket.stream();
        other.write_all(b"rest").unwrap();
        other.shutdown(Shutdown::Write).unwrap();
        assert_eq!(first.read(&mut [0; 1]).await, Ok(1));
        let mut last = [0; 3];
        first.read_exact(&mut last).await.unwrap();
        assert_eq!(first.read(&mut [0; 1]).await, Ok(0));
        let mut second = socket.stream();
        assert_eq!(second.read(&mut [0; 1]).await, Ok(0));
        assert_eq!(second.read_line().await, Ok(None));
        drop(first);
        // The second stream keeps the connection.
        second.write_all(b"bye").await.unwrap();
        second.shutdown().await.unwrap();
    });
    assert_eq!(read_to_end(&other), b"bye");
}

#[test]
fn two_streams_of_one_device_share_its_bytes() {
    let (socket, mut other) = pair();
    run(async {
        let (mut one, mut two) = (socket.stream(), socket.stream());
        let reading = spawn_local(async move {
            let mut byte = [0; 1];
            one.read_exact(&mut byte).await.unwrap();
            byte
        });
        yield_now().await;
        other.write_all(b"ab").unwrap();
        assert_eq!(reading.await.unwrap(), *b"a");
        let mut byte = [0; 1];
        two.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b"b");
    });
}

#[test]
fn a_new_connection_of_the_socket_has_a_new_stream() {
    let (socket, other) = pair();
    let server = server();
    run(async {
        let mut old = socket.stream();
        drop(other);
        assert_eq!(old.read(&mut [0; 1]).await, Ok(0));
        socket.abort();
        socket.connect("127.0.0.1", server.server_port()).await.unwrap();
        let again = server.accept().await.unwrap();
        again.write(b"again").unwrap();
        let mut data = [0; 5];
        let mut new = socket.stream();
        new.read_exact(&mut data).await.unwrap();
        assert_eq!(data, *b"again");
        let mut writer = again.stream();
        new.write_all(b"1").await.unwrap();
        new.shutdown().await.unwrap();
        assert_eq!(writer.read_to_end(10).await.unwrap(), b"1");
    });
}

#[test]
fn more_than_the_read_buffer_holds() {
    let (socket, mut other) = pair();
    socket.set_read_buffer_size(100);
    let writer = std::thread::spawn(move || {
        other.write_all(&pattern(0, 300_000)).unwrap();
        other.write_all(&[b'a'; 150]).unwrap();
        other.write_all(b"\n").unwrap();
        other
    });
    run(async {
        let mut stream = socket.stream();
        let mut all = vec![0; 200_000];
        stream.read_exact(&mut all).await.unwrap();
        assert!(all == pattern(0, 200_000));
        let mut at = 200_000;
        while at < 300_000 {
            let lent = poll_fn(|context| {
                let polled = Pin::new(&mut stream).poll_fill_buf(context);
                polled.map(|lent| lent.unwrap().to_vec())
            })
            .await;
            let count = lent.len().min(300_000 - at);
            assert!(lent[..count] == pattern(at, count));
            Pin::new(&mut stream).consume(count);
            at += count;
        }
        assert_eq!(stream.read_line().await.unwrap_err(), DeviceErrorKind::TooLong);
        let mut rest = [0; 60];
        stream.read_exact(&mut rest).await.unwrap();
        assert_eq!(stream.read_line().await.unwrap().unwrap().len(), 91);
    });
    drop(writer.join().unwrap());
}

#[test]
fn an_encrypted_read_buffer_with_a_limit() {
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    client.set_read_buffer_size(100);
    run(async {
        let mut writer = other.stream();
        let writing = spawn_local(async move {
            writer.write_all(&pattern(0, 300_000)).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let mut reader = client.stream();
        let mut all = vec![0; 200_000];
        reader.read_exact(&mut all).await.unwrap();
        assert!(all == pattern(0, 200_000));
        let rest = reader.read_to_end(1 << 20).await.unwrap();
        assert!(rest == pattern(200_000, 100_000));
        writing.await.unwrap();
    });
}

#[test]
fn a_cut_off_encrypted_stream_is_an_error() {
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    run(async {
        let mut reader = client.stream();
        other.write(b"half a sent").unwrap();
        other.flush();
        let mut data = [0; 11];
        reader.read_exact(&mut data).await.unwrap();
        // Closes the connection without the message of TLS that says so.
        other.abort();
        let error = reader.read(&mut data).await.unwrap_err();
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::UnexpectedEof);
    });
}

/// Bytes may be missing: what has come is not the whole.
/// Like Qt, a `QSslSocket` keeps what is written after its end. A task must not wait for that to be
/// sent.
#[test]
fn writing_much_to_an_encrypted_connection_that_has_ended() {
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    other.disconnect_from_host();
    run(client.disconnected());
    let mut stream = client.stream();
    run(stream.write_all(&[7; 200_000])).unwrap_err();
    client.write([7; 1000]).unwrap();
    let _ = run(stream.flush());
}

#[test]
fn a_stream_that_was_reset_is_an_error() {
    fn check(device: &QIODevice, mut peer: TcpStream) {
        let mut stream = device.stream();
        peer.write_all(&[7; 100]).unwrap();
        integration::wait_until(|| device.bytes_available() == 100);
        integration::reset(peer);
        let error = run(stream.read_to_end(1000)).unwrap_err();
        assert_eq!(error.kind(), DeviceErrorKind::Closed);
    }
    let (socket, peer) = pair();
    check(&socket, peer);
    // The next connection of the socket begins anew.
    let listener = integration::listener();
    socket.connect_to_host("127.0.0.1", integration::port_of(&listener));
    integration::wait_until(|| socket.state() == SocketState::Connected);
    let (mut peer, _) = listener.accept().unwrap();
    let mut stream = socket.stream();
    peer.write_all(b"whole").unwrap();
    drop(peer);
    assert_eq!(run(stream.read_to_end(1000)).unwrap(), b"whole");

    let socket = client();
    socket.connect_to_host("127.0.0.1", integration::port_of(&listener));
    integration::wait_until(|| socket.state() == SocketState::Connected);
    check(&socket, listener.accept().unwrap().0);

    // A local socket closes with unread bytes.
    let dir = local::Dir::new();
    let server = local::server(&dir);
    let (socket, peer) = local::pair(&server);
    let mut stream = socket.stream();
    socket.write("not read").unwrap();
    socket.flush();
    peer.abort();
    let error = run(stream.read_to_end(1000)).unwrap_err();
    assert_eq!(error.kind(), DeviceErrorKind::Closed);
}

#[test]
fn lines_of_an_unbuffered_socket() {
    let server = server();
    run(async {
        let socket = QTcpSocket::new();
        let mode = OpenMode::READ_WRITE | OpenMode::UNBUFFERED;
        socket.connect_to_host_with_mode(
            "127.0.0.1",
            server.server_port(),
            mode,
            NetworkLayerProtocol::AnyIP,
        );
        socket.connected().await.unwrap();
        let other = server.accept().await.unwrap();
        let mut stream = socket.stream();
        let reading = spawn_local(async move {
            let line = stream.read_line().await.unwrap().unwrap();
            let rest = stream.read_line().await.unwrap();
            (line, rest, stream.read_line().await.unwrap())
        });
        sleep(1).await;
        other.write(b"one").unwrap();
        sleep(1).await;
        other.write(b" and\ntwo").unwrap();
        other.disconnect_from_host();
        let (line, rest, end) = reading.await.unwrap();
        assert_eq!(line, b"one and\n");
        assert_eq!(rest.unwrap(), b"two");
        assert_eq!(end, None);
    });
}

#[test]
fn datagrams_by_a_stream() {
    run(async {
        let (one, two) = (QUdpSocket::new(), QUdpSocket::new());
        one.bind(QHostAddress::LocalHost, 0).unwrap();
        two.connect("127.0.0.1", one.local_port()).await.unwrap();
        one.connect("127.0.0.1", two.local_port()).await.unwrap();
        let mut stream = two.stream();
        let reading = spawn_local(async move {
            let mut data = [0; 10];
            let count = stream.read(&mut data).await.unwrap();
            data[..count].to_vec()
        });
        yield_now().await;
        one.write_datagram(b"", QHostAddress::LocalHost, two.local_port()).ok();
        one.write(b"first").unwrap();
        assert_eq!(reading.await.unwrap(), b"first");
    });
}

#[test]
fn the_contract_of_futures_io() {
    use futures_io::{AsyncRead, AsyncWrite};
    let (socket, mut other) = pair();
    run(async {
        let mut stream = socket.stream();
        let bells = [Arc::new(Bell::default()), Arc::new(Bell::default())];
        let mut buffer = [0; 10];
        // No bytes into an empty buffer. The last waker is the one that is woken.
        for bell in &bells {
            let waker = Waker::from(bell.clone());
            let mut context = Context::from_waker(&waker);
            let mut stream = Pin::new(&mut stream);
            assert!(stream.as_mut().poll_read(&mut context, &mut []).is_ready());
            assert!(stream.as_mut().poll_read(&mut context, &mut buffer).is_pending());
        }
        other.write_all(b"x").unwrap();
        while bells[1].0.load(Ordering::Relaxed) == 0 {
            sleep(1).await;
        }
        assert_eq!(bells[0].0.load(Ordering::Relaxed), 0);
        let mut closed = 0;
        for _ in 0..3 {
            poll_fn(|context| Pin::new(&mut stream).poll_close(context)).await.unwrap();
            poll_fn(|context| Pin::new(&mut stream).poll_flush(context)).await.unwrap();
            closed += 1;
        }
        assert_eq!(closed, 3);
        drop(other);
        assert_eq!(stream.read(&mut buffer).await, Ok(1));
        assert_eq!(stream.read(&mut buffer).await, Ok(0));
        poll_fn(|context| Pin::new(&mut stream).poll_close(context)).await.unwrap();
    });
}

#[test]
fn a_write_that_is_cancelled_leaves_a_whole_stream() {
    let (socket, other) = pair();
    run(async {
        let mut stream = socket.stream();
        let big = pattern(0, 32 << 20);
        assert!(timeout(20, stream.write_all(&big)).await.is_err());
        let reading = std::thread::spawn(move || read_to_end(&other));
        stream.write_all(b"end").await.unwrap();
        stream.shutdown().await.unwrap();
        let got = reading.join().unwrap();
        assert!(got.ends_with(b"end"));
        assert!(got[..got.len() - 3] == big[..got.len() - 3]);
    });
}

#[test]
fn a_stream_does_not_take_the_bytes_of_a_transaction() {
    let (socket, mut other) = pair();
    run(async {
        let mut stream = socket.stream();
        other.write_all(b"head body\n").unwrap();
        socket.ready_read().await.unwrap();
        socket.start_transaction();
        assert_eq!(socket.read(5), b"head ");
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"body\n");
        socket.rollback_transaction();
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"head body\n");
    });
}

#[test]
fn an_accept_that_is_dropped_takes_nothing() {
    let server = server();
    run(async {
        assert!(timeout(1, server.accept()).await.is_err());
        let _client = connection(server.server_port()).unwrap();
        let (one, two) = (server.clone(), server.clone());
        let first = spawn_local(async move { one.accept().await });
        let second = spawn_local(async move { two.accept().await });
        first.await.unwrap().unwrap();
        assert!(!second.is_finished());
        server.delete_later();
        assert_eq!(second.await.unwrap().unwrap_err(), SocketErrorKind::Operation);
    });
}

#[test]
fn one_busy_task_leaves_time_for_sockets_and_timers() {
    let (socket, mut other) = pair();
    let spins = Cell::new(0_u64);
    run(async {
        let busy = spawn_local(async {
            loop {
                yield_now().await;
            }
        })
        .scoped();
        let thread = std::thread::spawn(move || {
            let mut byte = [0];
            for _ in 0..1000 {
                other.write_all(b"x").unwrap();
                other.read_exact(&mut byte).unwrap();
            }
        });
        let mut stream = socket.stream();
        let mut byte = [0];
        for _ in 0..1000 {
            stream.read_exact(&mut byte).await.unwrap();
            stream.write_all(&byte).await.unwrap();
            spins.set(spins.get() + 1);
        }
        stream.flush().await.unwrap();
        thread.join().unwrap();
        drop(busy);
    });
    assert_eq!(spins.get(), 1000);
}

/// Returns a socket without buffers, and its peer.
fn unbuffered() -> (QTcpSocket, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = QTcpSocket::new();
    let mode = OpenMode::READ_WRITE | OpenMode::UNBUFFERED;
    socket.connect_to_host_with_mode("127.0.0.1", port, mode, NetworkLayerProtocol::AnyIP);
    run(socket.connected()).unwrap();
    assert!(socket.open_mode().contains(OpenMode::UNBUFFERED));
    (socket, listener.accept().unwrap().0)
}

#[test]
fn a_stream_reads_from_an_unbuffered_socket() {
    let (socket, mut other) = unbuffered();
    let mut stream = socket.stream();
    run(async {
        let mut data = [0; 3];
        // Before, while and after the task waits.
        other.write_all(b"one").unwrap();
        stream.read_exact(&mut data).await.unwrap();
        assert_eq!(data, *b"one");
        let late = spawn_local(async move {
            sleep(5).await;
            other.write_all(b"two").unwrap();
            other
        });
        stream.read_exact(&mut data).await.unwrap();
        assert_eq!(data, *b"two");
        let mut other = late.await.unwrap();

        // A line in two pieces.
        other.write_all(b"li").unwrap();
        let late = spawn_local(async move {
            sleep(5).await;
            other.write_all(b"ne\nrest").unwrap();
            other
        });
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"line\n");
        let mut other = late.await.unwrap();
        stream.read_exact(&mut data).await.unwrap();
        assert_eq!(data, *b"res");
        let lent = stream.fill_buf().await.unwrap();
        assert_eq!(*lent, *b"t");
        lent.consume(1);
        let lent = poll_fn(|context| {
            let lent = Pin::new(&mut stream).poll_fill_buf(context);
            lent.map(|lent| lent.unwrap().to_vec())
        });
        other.write_all(b"x").unwrap();
        assert_eq!(lent.await, b"x");
        Pin::new(&mut stream).consume(1);
        other.write_all(b"chunk").unwrap();
        assert_eq!(stream.read_chunk().await.unwrap(), b"chunk");

        let all = pattern(0, 4 << 20);
        let expected = all.clone();
        let thread = std::thread::spawn(move || other.write_all(&all).unwrap());
        let got = stream.read_to_end(usize::MAX).await.unwrap();
        thread.join().unwrap();
        assert!(got == expected);
        assert_eq!(stream.read(&mut data).await, Ok(0));
        assert_eq!(stream.read_line().await, Ok(None));
        // An unbuffered socket has disconnected then.
        assert_eq!(stream.write(b"x").await.unwrap_err(), DeviceErrorKind::Closed);
    });
}

#[test]
fn a_stream_writes_to_an_unbuffered_socket() {
    let (socket, mut other) = unbuffered();
    let mut stream = socket.stream();
    let thread = std::thread::spawn(move || {
        let got = read_to_end(&other);
        other.write_all(b"bye").unwrap();
        got
    });
    run(async {
        stream.set_write_limit(1000);
        stream.write_all(&pattern(0, 8 << 20)).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(socket.bytes_to_write(), 0);
        // The other end still answers after that.
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read_to_end(100).await.unwrap(), b"bye");
    });
    assert!(thread.join().unwrap() == pattern(0, 8 << 20));
}
