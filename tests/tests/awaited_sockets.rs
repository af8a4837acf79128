//! Sockets and servers in tasks.

use std::{
    future::poll_fn,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
    thread,
    time::Duration,
};

use integration::{
    closed_port, listener,
    local::Dir,
    pair, pattern, peer, port_of, server,
    tls::{client, identified},
};
use qcore::{
    DeviceError, DeviceErrorKind, QIODevice, QTimer, block_on, spawn_for, spawn_local,
    task::{JoinErrorKind, sleep, timeout, yield_now},
};
use qnetwork::{
    HostInfoErrorKind, LocalSocketErrorKind, QHostAddress, QHostInfo, QLocalServer, QLocalSocket,
    QSslServer, QSslSocket, QTcpServer, QTcpSocket, QUdpSocket, SocketErrorKind, SocketState,
};

const LONG: Duration = Duration::from_secs(30);

/// Runs the future, and panics if it takes long.
fn run<F: Future>(future: F) -> F::Output {
    block_on(timeout(LONG, future)).unwrap().expect("it takes too long")
}

async fn echo(device: QIODevice) -> Result<(), DeviceError> {
    let mut stream = device.stream();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.shutdown().await,
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}

fn echo_server() -> (QTcpServer, u16) {
    let server = server();
    let (mut incoming, port) = (server.incoming(), server.server_port());
    spawn_local(async move {
        while let Some(socket) = incoming.next().await {
            spawn_local(echo(socket.into()));
        }
    });
    (server, port)
}

#[test]
fn an_echo_by_tasks() {
    let (_server, port) = echo_server();
    let clients: Vec<_> = (0..20)
        .map(|number| {
            spawn_local(async move {
                let socket = QTcpSocket::new();
                socket.connect("127.0.0.1", port).await.unwrap();
                let mut stream = socket.stream();
                for round in 0..10 {
                    let sent = pattern(number * 1000 + round, 1 + number * 997);
                    stream.write_all(&sent).await.unwrap();
                    let mut got = vec![0; sent.len()];
                    stream.read_exact(&mut got).await.unwrap();
                    assert_eq!(got, sent);
                }
                socket.disconnect_from_host();
                assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
            })
        })
        .collect();
    run(async {
        for client in clients {
            client.await.unwrap();
        }
    });
}

#[test]
fn slots_and_tasks_share_a_socket() {
    let (socket, mut other) = pair();
    let emitted = Rc::new(std::cell::Cell::new(0));
    socket.ready_read.connect_to(&emitted, |emitted, ()| emitted.set(emitted.get() + 1));
    let mut stream = socket.stream();
    other.write_all(b"one\ntwo\n").unwrap();
    assert_eq!(run(stream.read_line()).unwrap().unwrap(), b"one\n");
    // The bytes stay in the socket until they are read.
    run(socket.ready_read()).unwrap();
    assert_eq!(socket.read_all(), b"two\n");
    assert!(emitted.get() > 0);
}

#[test]
fn a_writer_waits_for_a_reader_that_is_slow() {
    const TOTAL: usize = 8 << 20;
    let (socket, other) = pair();
    let mut stream = socket.stream();
    stream.set_write_limit(10_000);
    let writing = spawn_local(async move {
        stream.write_all(&pattern(0, TOTAL)).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    // The system's buffers are full now: the task waits, and the socket holds no more than it may.
    let mut before = usize::MAX;
    run(async {
        while socket.unsent_bytes() != before || before == 0 {
            before = socket.unsent_bytes();
            assert!(before <= 10_000);
            sleep(20).await;
        }
    });
    assert!(!writing.is_finished());
    let reader = thread::spawn(move || integration::read_to_end(&other));
    run(writing).unwrap();
    let got = reader.join().unwrap();
    assert_eq!(got.len(), TOTAL);
    assert!(got == pattern(0, TOTAL));
    // While nobody waits, the socket has no slots of the stream at bytes_written.
    assert!(!socket.bytes_written.is_connected());
}

#[test]
fn lines() {
    let (socket, mut other) = pair();
    let mut stream = socket.stream();
    run(async {
        // Cancel safe: what has come stays.
        other.write_all(b"a li").unwrap();
        socket.ready_read().await.unwrap();
        assert!(timeout(1, stream.read_line()).await.is_err());
        other.write_all(b"ne\nnext\0rest\n").unwrap();
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"a line\n");
        assert_eq!(stream.read_until(0).await.unwrap().unwrap(), b"next\0");
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"rest\n");

        stream.set_max_line_size(100);
        other.write_all(&[b'x'; 150]).unwrap();
        assert_eq!(stream.read_line().await.unwrap_err(), DeviceErrorKind::TooLong);
        let mut start = [0; 150];
        stream.read_exact(&mut start).await.unwrap();

        // Longer than the read buffer: an error, and no wait without end.
        stream.set_max_line_size(1000);
        socket.set_read_buffer_size(50);
        other.write_all(&[b'y'; 60]).unwrap();
        assert_eq!(stream.read_line().await.unwrap_err(), DeviceErrorKind::TooLong);
        stream.read_exact(&mut start[..60]).await.unwrap();

        other.write_all(b"no end").unwrap();
        other.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"no end");
        assert_eq!(stream.read_line().await.unwrap(), None);
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(stream.read_exact(&mut [0]).await.unwrap_err(), DeviceErrorKind::Closed);
        assert_eq!(stream.read_to_end(10).await.unwrap(), b"");
    });
}

#[test]
fn the_sending_half_is_closed_alone() {
    let listener = listener();
    let port = port_of(&listener);
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        // After the end of what it got, it still answers.
        stream.write_all(&all).unwrap();
    });
    let socket = QTcpSocket::new();
    run(async {
        socket.connect("127.0.0.1", port).await.unwrap();
        let (mut reader, mut writer) = socket.stream().split();
        let writing = spawn_local(async move {
            writer.write_all(b"question").await?;
            writer.shutdown().await?;
            writer.shutdown().await?;
            assert_eq!(writer.write(b"late").await.unwrap_err(), DeviceErrorKind::NotWritable);
            Ok::<_, DeviceError>(())
        });
        assert_eq!(reader.read_to_end(100).await.unwrap(), b"question");
        writing.await.unwrap().unwrap();
        assert_eq!(reader.read_to_end(100).await.unwrap(), b"");
    });
    other.join().unwrap();
}

#[test]
fn the_other_end_closes_its_sending_half() {
    let (socket, mut other) = pair();
    let task = spawn_local({
        let socket = socket.clone();
        async move {
            let mut stream = socket.stream();
            let all = stream.read_to_end(1000).await.expect("read");
            // The connection is kept for the answer, however long it takes.
            assert_eq!(socket.state(), SocketState::Connected);
            assert_eq!(socket.ready_read().await.unwrap_err(), DeviceErrorKind::Closed);
            sleep(5).await;
            stream.write_all(&all).await.expect("write");
            stream.shutdown().await.expect("shutdown");
            assert_eq!(socket.state(), SocketState::Unconnected);
            Ok::<_, DeviceError>(())
        }
    });
    other.write_all(b"question").unwrap();
    other.shutdown(Shutdown::Write).unwrap();
    run(task).unwrap().unwrap();
    assert_eq!(integration::read_to_end(&other), b"question");

    // Without a stream, or after it, the connection ends as ever.
    let (socket, other) = pair();
    let stream = socket.stream();
    other.shutdown(Shutdown::Write).unwrap();
    integration::wait_until(|| socket.wait_for_ready_read(0).is_err());
    run(sleep(5));
    assert_eq!(socket.state(), SocketState::Connected);
    let ended = Rc::new(std::cell::Cell::new(0));
    socket.disconnected.connect_to(&ended, |ended, ()| ended.set(ended.get() + 1));
    drop(stream);
    assert_eq!((socket.state(), ended.get()), (SocketState::Unconnected, 1));
}

#[test]
fn connecting_fails_with_the_socket_s_error() {
    let (port, _closed) = closed_port();
    run(async {
        let socket = QTcpSocket::new();
        let error = socket.connect("127.0.0.1", port).await.unwrap_err();
        assert_eq!(error, SocketErrorKind::ConnectionRefused);
        let error = socket.connect("no.such.host.invalid", port).await.unwrap_err();
        assert_eq!(error, SocketErrorKind::HostNotFound);
        assert_eq!(socket.connected().await.unwrap_err(), SocketErrorKind::HostNotFound);
        socket.disconnected().await;
        let error = socket.stream().read(&mut [0]).await;
        assert!(error.is_err());

        let (socket, _other) = pair();
        let error = socket.connect("127.0.0.1", port).await.unwrap_err();
        assert_eq!(error, SocketErrorKind::Operation);
        assert_eq!(socket.state(), SocketState::Connected);
        socket.connected().await.unwrap();
    });
}

#[test]
fn dropping_the_future_aborts_the_attempt() {
    let server = server();
    run(async {
        let socket = QTcpSocket::new();
        {
            let mut connecting = pin!(socket.connect("localhost", server.server_port()));
            poll_fn(|context| {
                assert!(connecting.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            assert_ne!(socket.state(), SocketState::Unconnected);
        }
        assert_eq!(socket.state(), SocketState::Unconnected);
        socket.connect("127.0.0.1", server.server_port()).await.unwrap();
    });
}

#[test]
fn who_waits_for_a_connection_is_told_that_the_server_closes() {
    run(async {
        let server = QTcpServer::new();
        assert_eq!(server.accept().await.unwrap_err(), SocketErrorKind::Operation);
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        let (waiting, mut incoming) = (server.clone(), server.incoming());
        let accepting = spawn_local(async move { waiting.accept().await });
        let taking = spawn_local(async move { incoming.next().await });
        yield_now().await;
        server.close();
        assert_eq!(accepting.await.unwrap().unwrap_err(), SocketErrorKind::Operation);
        assert!(taking.await.unwrap().is_none());

        // Deleted, with handles left.
        server.listen(QHostAddress::LocalHost, 0).unwrap();
        let waiting = server.clone();
        let accepting = spawn_local(async move { waiting.accept().await });
        yield_now().await;
        server.delete_later();
        drop(server);
        assert_eq!(accepting.await.unwrap().unwrap_err(), SocketErrorKind::Operation);
    });
}

#[test]
fn an_accepted_socket_ends_with_its_task() {
    let server = server();
    let (accepting, accepted) = (server.clone(), Rc::new(std::cell::Cell::new(false)));
    let flag = accepted.clone();
    let task = spawn_local(async move {
        let socket = accepting.accept().await.unwrap();
        flag.set(true);
        socket.stream().read(&mut [0]).await
    });
    let mut other = TcpStream::connect(("127.0.0.1", server.server_port())).unwrap();
    integration::wait_until(|| accepted.get());
    // The task holds its own socket, and nothing else does.
    assert!(task.abort());
    other.set_read_timeout(Some(LONG)).unwrap();
    assert_eq!(other.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(run(task).unwrap_err(), JoinErrorKind::Aborted);
}

#[test]
fn a_reader_is_told_what_becomes_of_its_socket() {
    // Closed by a slot, deleted, and aborted by the other end.
    run(async {
        for end in 0..3 {
            let (socket, other) = pair();
            let reading = {
                let socket = socket.clone();
                spawn_local(async move { socket.stream().read(&mut [0]).await })
            };
            yield_now().await;
            match end {
                0 => socket.close(),
                1 => socket.delete_later(),
                _ => integration::reset(other),
            }
            let read = reading.await.unwrap();
            match end {
                0 | 1 => assert_eq!(read.unwrap_err(), DeviceErrorKind::NotOpen),
                _ => assert_eq!(read.unwrap_or(0), 0),
            }
        }
    });
}

#[test]
fn a_writer_is_told_that_its_socket_has_ended() {
    run(async {
        let (socket, other) = pair();
        let mut stream = socket.stream();
        let writing = spawn_local(async move {
            stream.write_all(&vec![0; 64 << 20]).await?;
            stream.flush().await
        });
        sleep(5).await;
        integration::reset(other);
        assert!(writing.await.unwrap().is_err());
        assert_eq!(socket.bytes_written().await.unwrap_err(), DeviceErrorKind::Unsupported);
    });
}

#[test]
fn a_stream_that_is_dropped_has_sent() {
    let (socket, other) = pair();
    run(async {
        let mut stream = socket.stream();
        drop(socket);
        stream.write_all(b"last words").await.unwrap();
    });
    assert_eq!(integration::read_to_end(&other), b"last words");
}

#[test]
fn a_task_of_a_socket_dies_with_it() {
    let (socket, other) = pair();
    let task = spawn_for(&socket, async |socket| {
        let mut buffer = [0; 10];
        loop {
            socket.ready_read().await?;
            let _ = socket.read_into(&mut buffer)?;
        }
        #[allow(unreachable_code)]
        Ok::<(), DeviceError>(())
    });
    run(sleep(1));
    drop(socket);
    assert_eq!(integration::read_to_end(&other), b"");
    assert_eq!(run(task).unwrap_err(), JoinErrorKind::Aborted);
}

#[test]
fn encrypted() {
    let server = QSslServer::new();
    server.set_ssl_configuration(identified("good"));
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    let (mut incoming, port) = (server.incoming(), server.server_port());
    spawn_local(async move {
        while let Some(socket) = incoming.next().await {
            assert!(socket.cast::<QSslSocket>().unwrap().is_encrypted());
            spawn_local(echo(socket.into()));
        }
    });
    run(async {
        let socket = client();
        let error = socket.encrypted().await.unwrap_err();
        assert_eq!(error, SocketErrorKind::Operation);
        socket.connect_encrypted("127.0.0.1", port).await.unwrap();
        socket.encrypted().await.unwrap();
        let (mut reader, mut writer) = socket.stream().split();
        let sent = pattern(0, 3 << 20);
        let writing = spawn_local(async move {
            writer.set_write_limit(30_000);
            writer.write_all(&pattern(0, 3 << 20)).await.unwrap();
            writer.flush().await.unwrap();
            assert_eq!(writer.device().bytes_to_write(), 0);
            writer
        });
        let mut got = vec![0; sent.len()];
        reader.read_exact(&mut got).await.unwrap();
        assert!(got == sent);
        // The end is told by TLS, both ways.
        let mut writer = writing.await.unwrap();
        writer.shutdown().await.unwrap();
        assert_eq!(reader.read(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn an_encrypting_writer_waits_as_well() {
    let server = QSslServer::new();
    server.set_ssl_configuration(identified("good"));
    server.listen(QHostAddress::LocalHost, 0).unwrap();
    run(async {
        let socket = client();
        let connecting = socket.connect_encrypted("127.0.0.1", server.server_port());
        let accepting = server.accept();
        let (mut connecting, mut accepting) = (pin!(connecting), pin!(accepting));
        let mut other = None;
        poll_fn(|context| {
            if other.is_none()
                && let Poll::Ready(accepted) = accepting.as_mut().poll(context)
            {
                other = Some(accepted.unwrap());
            }
            connecting.as_mut().poll(context)
        })
        .await
        .unwrap();
        let other = match other {
            Some(other) => other,
            None => accepting.await.unwrap(),
        };
        other.set_read_buffer_size(10_000);
        let mut stream = socket.stream();
        stream.set_write_limit(50_000);
        let writing = spawn_local(async move { stream.write_all(&vec![7; 64 << 20]).await });
        let mut before = usize::MAX;
        while socket.unsent_bytes() != before || before == 0 {
            before = socket.unsent_bytes();
            assert!(before <= 60_000, "{before}");
            sleep(50).await;
        }
        assert!(!writing.is_finished());
        socket.abort();
        assert!(writing.await.unwrap().is_err());
    });
}

#[test]
fn a_handshake_fails_with_its_error() {
    let (port, other) = peer(|mut stream| {
        stream.write_all(b"this is not TLS, and never will be\n").unwrap();
        let _ = stream.read(&mut [0; 1000]);
    });
    run(async {
        let socket = client();
        let error = socket.connect_encrypted("127.0.0.1", port).await.unwrap_err();
        assert_ne!(error, SocketErrorKind::Operation);
        assert_ne!(error, SocketErrorKind::Unknown);
    });
    drop(other);
}

#[test]
fn local_sockets() {
    let dir = Dir::new();
    let server = QLocalServer::new();
    run(async {
        let name = dir.path("tasks");
        let socket = QLocalSocket::new();
        let error = socket.connect(&name).await.unwrap_err();
        assert_eq!(error, LocalSocketErrorKind::ServerNotFound);
        server.listen(&name).unwrap();
        let accepting = server.clone();
        spawn_local(async move {
            let socket = accepting.accept().await.unwrap();
            echo(socket.into()).await
        });
        socket.connect(&name).await.unwrap();
        socket.connected().await.unwrap();
        let mut stream = socket.stream();
        stream.write_all(b"local\nend").await.unwrap();
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"local\n");
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read_line().await.unwrap().unwrap(), b"end");
        assert_eq!(stream.read_line().await.unwrap(), None);
        socket.disconnected().await;

        let mut incoming = server.incoming();
        let closing = server.clone();
        QTimer::single_shot(1, move || closing.close());
        assert!(incoming.next().await.is_none());
    });
}

#[test]
fn datagrams() {
    run(async {
        let (socket, other) = (QUdpSocket::new(), QUdpSocket::new());
        assert_eq!(socket.recv().await.unwrap_err(), SocketErrorKind::Operation);
        socket.bind(QHostAddress::LocalHost, 0).unwrap();
        let port = socket.local_port();
        let receiving = {
            let socket = socket.clone();
            spawn_local(async move {
                let mut all = Vec::new();
                for _ in 0..100 {
                    all.extend_from_slice(socket.recv().await.unwrap().data());
                }
                all
            })
        };
        for number in 0..100_u8 {
            other.write_datagram([number], QHostAddress::LocalHost, port).unwrap();
            yield_now().await;
        }
        assert_eq!(receiving.await.unwrap(), (0..100).collect::<Vec<u8>>());
        let waiting = socket.clone();
        let receiving = spawn_local(async move { waiting.recv().await });
        yield_now().await;
        socket.close();
        assert_eq!(receiving.await.unwrap().unwrap_err(), SocketErrorKind::Operation);
    });
}

#[test]
fn look_ups() {
    run(async {
        let info = QHostInfo::lookup("localhost").await;
        assert!(info.addresses().contains(&QHostAddress::LocalHost));
        let info = QHostInfo::lookup("no.such.host.invalid").await;
        assert_eq!(info.error(), Some(HostInfoErrorKind::HostNotFound));
        // Given up.
        let _ = timeout(0, QHostInfo::lookup("localhost")).await;
    });
}

#[test]
fn the_traits_of_futures_io() {
    use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};
    let (_server, port) = echo_server();
    run(async {
        let socket = QTcpSocket::new();
        socket.connect("127.0.0.1", port).await.unwrap();
        let mut stream = socket.stream();
        drop(socket); // the stream keeps it
        let mut data = &b"one, two"[..];
        while !data.is_empty() {
            let written = poll_fn(|context| Pin::new(&mut stream).poll_write(context, data)).await;
            data = &data[written.unwrap()..];
        }
        poll_fn(|context| Pin::new(&mut stream).poll_flush(context)).await.unwrap();
        let mut got = Vec::new();
        while got.len() < 3 {
            let some = poll_fn(|context| {
                let polled = Pin::new(&mut stream).poll_fill_buf(context);
                polled.map(|lent| lent.unwrap().to_vec())
            })
            .await;
            let count = some.len().min(3 - got.len());
            got.extend_from_slice(&some[..count]);
            Pin::new(&mut stream).consume(count);
        }
        assert_eq!(got, b"one");
        poll_fn(|context| Pin::new(&mut stream).poll_close(context)).await.unwrap();
        let mut rest = Vec::new();
        loop {
            let mut some = [0; 3];
            let read = poll_fn(|context| Pin::new(&mut stream).poll_read(context, &mut some)).await;
            match read.unwrap() {
                0 => break,
                count => rest.extend_from_slice(&some[..count]),
            }
        }
        assert_eq!(rest, b", two");
    });
}
