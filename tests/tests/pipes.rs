//! `pipe()` and `pipe_both()`: bytes that go from one device to another.

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    rc::Rc,
    thread,
    time::Duration,
};

use integration::{
    connection, descriptors, in_child, listener,
    local::{self, Dir},
    memory, pair, pair_of, pattern, peer, port_of, read_to_end, run_for, server, tls, wait_until,
};
use qcore::{
    DeviceErrorKind, OpenMode, QBuffer, QCoreApplication, QIODevice, QObject, QPointer, block_on,
    spawn_local, task::timeout,
};
use qnetwork::{
    CloseReason, QTcpServer, QTcpSocket, SocketState, TimeoutKind,
    pipe::{Pipe, PipeError, PipeErrorKind, pipe, pipe_both},
};

type Results = Rc<RefCell<Vec<Result<(), PipeError>>>>;

/// Records what the pipe tells at its end.
fn results(pipe: &Pipe) -> Results {
    let results = Results::default();
    pipe.finished.connect_to(&results, |results, result| {
        results.borrow_mut().push(result.clone());
    });
    results
}

fn finish(pipe: &Pipe) -> Result<(), PipeError> {
    block_on(timeout(60_000, pipe.finished())).unwrap().expect("it takes too long")
}

/// A server that relays its connections to a port of this machine.
fn relay(port: u16) -> (QTcpServer, Rc<RefCell<Vec<Pipe>>>) {
    let relay = server();
    let pipes = Rc::new(RefCell::new(Vec::new()));
    let kept = pipes.clone();
    relay.new_connection.connect_to(&relay, move |relay, ()| {
        while let Some(client) = relay.next_pending_connection() {
            let upstream = QTcpSocket::new();
            upstream.connect_to_host("127.0.0.1", port);
            let pipe = pipe_both(&client, &upstream);
            pipe.finished.connect(move |_| client.delete_later());
            kept.borrow_mut().push(pipe);
        }
    });
    (relay, pipes)
}

/// Reads up to the end, checks the bytes, and answers with others.
fn answer(mut stream: TcpStream, expected: usize, answer: usize) {
    let got = read_to_end(&stream);
    assert!(got == pattern(1, expected), "{} bytes of {expected}", got.len());
    stream.write_all(&pattern(2, answer)).unwrap();
}

/// Sends bytes, closes the sending half and checks the answer.
fn ask(port: u16, question: usize, answer: usize) {
    let mut stream = connection(port).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let writing = thread::spawn(move || {
        writer.write_all(&pattern(1, question)).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert!(got == pattern(2, answer), "{} bytes of {answer}", got.len());
    writing.join().unwrap();
}

/// Runs the loop until the thread has ended.
fn join<T>(thread: thread::JoinHandle<T>) -> T {
    wait_until(|| thread.is_finished());
    thread.join().unwrap()
}

#[test]
fn a_relay_passes_on_all_bytes_and_each_end() {
    for (question, reply) in [(0, 0), (1, 0), (0, 1), (100, 3_000_000), (24 << 20, 16 << 20)] {
        let (port, upstream) = peer(move |stream| answer(stream, question, reply));
        let (relay, pipes) = relay(port);
        let to = relay.server_port();
        let client = thread::spawn(move || ask(to, question, reply));
        join(client);
        join(upstream);
        let pipe = pipes.borrow()[0].clone();
        finish(&pipe).unwrap();
        assert_eq!((pipe.bytes_forward(), pipe.bytes_backward()), (question as u64, reply as u64));
        wait_until(|| relay.children().is_empty());
    }
}

#[test]
fn many_relays_at_once() {
    let echo = server();
    echo.new_connection.connect_to(&echo, |echo, ()| {
        while let Some(socket) = echo.next_pending_connection() {
            let _runs_by_itself = pipe(&socket, &socket);
        }
    });
    let (relay, pipes) = relay(echo.server_port());
    let port = relay.server_port();
    let clients: Vec<_> = (0..20)
        .map(|number| {
            thread::spawn(move || {
                let mut stream = connection(port).unwrap();
                for round in 0..50 {
                    let sent = pattern(round, 1 + 37 * number * round);
                    stream.write_all(&sent).unwrap();
                    let mut got = vec![0; sent.len()];
                    stream.read_exact(&mut got).unwrap();
                    assert!(got == sent);
                }
                stream.shutdown(Shutdown::Write).unwrap();
                assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            })
        })
        .collect();
    clients.into_iter().for_each(join);
    wait_until(|| pipes.borrow().iter().all(Pipe::is_finished));
    assert!(pipes.borrow().iter().all(|pipe| pipe.bytes_forward() == pipe.bytes_backward()));
}

#[test]
fn a_slow_reader_costs_little_memory() {
    const TOTAL: usize = 64 << 20;
    if !in_child!("a_slow_reader_costs_little_memory", 100) {
        return;
    }
    let listener = listener();
    let (relay, pipes) = relay(port_of(&listener));
    let port = relay.server_port();
    let writing = thread::spawn(move || {
        let mut stream = connection(port).unwrap();
        // The bytes of a piece do not depend on where it is.
        for _ in 0..64 {
            stream.write_all(&pattern(1, TOTAL / 64)).unwrap();
        }
    });
    let stream = join(thread::spawn(move || listener.accept().unwrap().0));
    wait_until(|| pipes.borrow().len() == 1);
    let before = memory();
    // The pipe stops when the system's buffers are full.
    let moved = || pipes.borrow()[0].bytes_forward();
    let (mut last, mut same) = (0, 0);
    while same < 5 {
        run_for(Duration::from_millis(20));
        same = if moved() == last { same + 1 } else { 0 };
        last = moved();
    }
    let held = memory().saturating_sub(before);
    println!("measured: {held} bytes while the reader does not read, {last} bytes moved");
    assert!(!writing.is_finished() && held < 2 << 20, "{held} bytes");
    let reading = thread::spawn(move || {
        let (piece, mut stream) = (pattern(1, TOTAL / 64), stream);
        let mut got = vec![0; piece.len()];
        for _ in 0..64 {
            stream.read_exact(&mut got).unwrap();
            assert!(got == piece);
        }
        assert_eq!(stream.read(&mut got).unwrap(), 0);
    });
    join(writing);
    join(reading);
    finish(&pipes.borrow()[0]).unwrap();
    let held = memory().saturating_sub(before);
    // The thread that reads has used 2 MiB.
    assert!(held < 5 << 20, "{held} bytes in the end");
}

/// A pair of connected devices for each kind of socket, and what has to live as long.
fn ends() -> Vec<(&'static str, QIODevice, QIODevice, Box<dyn std::any::Any>)> {
    let plain = server();
    let (one, other) = pair_of(&plain);
    let dir = Dir::new();
    let locals = local::server(&dir);
    let (left, right) = local::pair(&locals);
    let encrypting = tls::encrypting("good");
    let client = tls::client();
    let secure = tls::encrypt(&client, &encrypting);
    vec![
        ("plain", one.into(), other.into(), Box::new(plain)),
        ("local", left.into(), right.into(), Box::new((dir, locals))),
        ("encrypted", client.into(), secure.into(), Box::new(encrypting)),
    ]
}

#[test]
fn any_device_to_any_other() {
    const TOTAL: usize = 3 << 20;
    for number in 0..9 {
        let (from_kind, source, from, _keeps) = ends().swap_remove(number / 3);
        let (to_kind, to, sink, _keeps_too) = ends().swap_remove(number % 3);
        let pipe = pipe(&from, &to);
        let told = results(&pipe);
        source.write(pattern(7, TOTAL)).unwrap();
        let mut got = Vec::new();
        wait_until(|| {
            got.extend(sink.read_all());
            got.len() == TOTAL
        });
        assert!(got == pattern(7, TOTAL), "{from_kind} to {to_kind}");
        // The end goes through, too.
        close_softly(&source);
        assert_eq!(finish(&pipe), Ok(()), "{from_kind} to {to_kind}");
        assert_eq!((pipe.bytes_forward(), told.borrow().len()), (TOTAL as u64, 1));
    }
}

fn close_softly(device: &QIODevice) {
    if let Some(socket) = device.cast::<qnetwork::QAbstractSocket>() {
        socket.disconnect_from_host();
    } else if let Some(socket) = device.cast::<qnetwork::QLocalSocket>() {
        socket.disconnect_from_server();
    }
}

#[test]
fn local_sockets_pass_on_half_closed_connections() {
    use std::os::unix::net::{UnixListener, UnixStream};
    let dir = Dir::new();
    let path = dir.path("upstream");
    let listener = UnixListener::bind(&path).unwrap();
    let upstream = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert!(got == pattern(1, 4 << 20));
        stream.write_all(&pattern(2, 4 << 20)).unwrap();
    });
    let relay = local::server(&dir);
    let address = relay.full_server_name().to_owned();
    let client = thread::spawn(move || {
        let mut stream = UnixStream::connect(address).unwrap();
        stream.write_all(&pattern(1, 4 << 20)).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert!(got == pattern(2, 4 << 20));
    });
    let first = local::accepted_by(&relay);
    let second = qnetwork::QLocalSocket::new();
    second.connect_to_server(&path);
    let pipe = pipe_both(&first, &second);
    join(client);
    join(upstream);
    finish(&pipe).unwrap();
}

#[test]
fn what_was_read_before_goes_first_and_writes_of_others_stay_whole() {
    let (from, mut source) = pair();
    let (to, sink) = pair();
    source.write_all(b"early ").unwrap();
    wait_until(|| from.bytes_available() == 6);
    to.write("before ").unwrap();
    let pipe = pipe(&from, &to);
    let reading = thread::spawn(move || read_to_end(&sink));
    let block = vec![b'.'; 1 << 20];
    for _ in 0..6 {
        let writing = {
            let (mut source, block) = (source.try_clone().unwrap(), block.clone());
            thread::spawn(move || source.write_all(&block).unwrap())
        };
        let target = pipe.bytes_forward() + 200_000;
        wait_until(|| pipe.bytes_forward() >= target);
        to.write([b'w'; 100_000]).unwrap();
        join(writing);
    }
    source.shutdown(Shutdown::Write).unwrap();
    finish(&pipe).unwrap();
    let got = join(reading);
    assert!(got.starts_with(b"before early ."));
    let runs: Vec<_> = got.split(|&byte| byte != b'w').filter(|run| !run.is_empty()).collect();
    // The first bytes have two of that letter.
    let written: Vec<_> = runs.iter().map(|run| run.len()).collect();
    assert_eq!(written.iter().sum::<usize>(), 600_000);
    assert!(written.iter().all(|len| len % 100_000 == 0), "{written:?}");
    assert_eq!(got.len(), 13 + 600_000 + (6 << 20));
}

#[test]
fn a_broken_peer_ends_a_relay_with_an_error_told_once() {
    let listener = listener();
    let (relay, pipes) = relay(port_of(&listener));
    let mut client = connection(relay.server_port()).unwrap();
    let mut upstream = join(thread::spawn(move || listener.accept().unwrap().0));
    client.write_all(b"x").unwrap();
    let reading = thread::spawn(move || {
        upstream.read_exact(&mut [0]).unwrap();
        upstream
    });
    let upstream = join(reading);
    let pipe = pipes.borrow()[0].clone();
    let told = results(&pipe);
    integration::reset(upstream);
    let writing = thread::spawn(move || {
        // Writes until the connection breaks.
        while client.write_all(&[0; 4096]).is_ok() {}
    });
    let error = finish(&pipe).unwrap_err();
    assert_eq!(error, PipeErrorKind::Second, "{error}");
    assert_eq!(*told.borrow(), [Err(error)]);
    join(writing);
}

/// A connection that was reset has lost bytes. Nobody may take what has come for the whole.
#[test]
fn a_reset_source_is_an_error_and_no_end() {
    for both in [false, true] {
        let (first, mut source) = pair();
        let (second, mut sink) = pair();
        let pipe = if both { pipe_both(&first, &second) } else { pipe(&first, &second) };
        source.write_all(&[7; 100]).unwrap();
        wait_until(|| pipe.bytes_forward() == 100 && second.bytes_to_write() == 0);
        sink.read_exact(&mut [0; 100]).unwrap();
        integration::reset(source);
        let error = finish(&pipe).unwrap_err();
        assert_eq!(error, PipeErrorKind::First, "{error}");
        assert_eq!(error.device_error().unwrap().kind(), DeviceErrorKind::Closed);
        if both {
            let error = sink.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        } else {
            assert_eq!(second.state(), SocketState::Connected, "it stays as it is");
        }
    }
}

#[test]
fn the_target_may_end_while_the_source_is_idle() {
    for bulk in [false, true] {
        let (from, mut source) = pair();
        let (to, sink) = pair();
        let pipe = pipe(&from, &to);
        if bulk {
            // From now on the bytes go through the kernel.
            let writing = thread::spawn(move || {
                source.write_all(&pattern(0, 8 << 20)).unwrap();
                source
            });
            let reading = thread::spawn(move || {
                let mut got = vec![0; 8 << 20];
                (&sink).read_exact(&mut got).unwrap();
                sink
            });
            source = join(writing);
            integration::reset(join(reading));
        } else {
            wait_until(|| !pipe.is_finished());
            integration::reset(sink);
        }
        let error = finish(&pipe).unwrap_err();
        assert_eq!(error, PipeErrorKind::Second, "{error}");
        assert_eq!(error.device_error().unwrap().kind(), DeviceErrorKind::Closed);
        assert_eq!(from.state(), SocketState::Connected, "it stays as it is");
        drop(source);
    }
}

#[test]
fn a_host_that_cannot_be_reached() {
    let (port, _closed) = integration::closed_port();
    let (from, _source) = pair();
    let to = QTcpSocket::new();
    to.connect_to_host("127.0.0.1", port);
    let pipe = pipe_both(&from, &to);
    let error = finish(&pipe).unwrap_err();
    assert_eq!(error, PipeErrorKind::Second);
    assert_eq!(error.to_string(), "the second device has failed: Connection refused");
    assert_eq!(from.state(), SocketState::Unconnected);
}

#[test]
fn a_pipe_is_stopped() {
    let (from, mut source) = pair();
    let (to, mut sink) = pair();
    let pipe = pipe(&from, &to);
    let told = results(&pipe);
    source.write_all(b"one").unwrap();
    wait_until(|| pipe.bytes_forward() == 3);
    pipe.stop();
    pipe.stop();
    assert_eq!(*told.borrow(), [Err(PipeErrorKind::Stopped.into())]);
    assert_eq!(finish(&pipe).unwrap_err().to_string(), "the pipe was stopped");
    source.write_all(b"two").unwrap();
    wait_until(|| from.bytes_available() == 3);
    assert_eq!((from.read_all(), from.read_buffer_size()), (b"two".to_vec(), 0));
    to.write("!").unwrap();
    to.disconnect_from_host();
    let mut got = Vec::new();
    wait_until(|| to.state() == SocketState::Unconnected);
    sink.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"one!");
}

#[test]
fn a_pipe_dies_with_its_parent_and_ends_with_its_devices() {
    let (from, _source) = pair();
    let (to, _sink) = pair();
    let parent = QObject::new();
    let orphan = pipe(&from, &to).with_parent(&parent);
    run_for(Duration::ZERO);
    assert_eq!(from.read_buffer_size(), 128 * 1024);
    drop(parent);
    assert!(orphan.is_deleted());
    assert_eq!(from.read_buffer_size(), 0);
    assert_eq!(finish(&orphan).unwrap_err(), PipeErrorKind::Stopped);

    let pipe = pipe(&from, &to);
    run_for(Duration::ZERO);
    to.delete_later();
    assert_eq!(finish(&pipe).unwrap_err(), PipeErrorKind::Second);
}

#[test]
fn a_socket_lives_as_long_as_its_pipe() {
    let (from, mut source) = pair();
    let (to, sink) = pair();
    let weak = [QPointer::from(&from), QPointer::from(&to)];
    let told = results(&pipe(&from, &to));
    drop((from, to));
    source.write_all(b"still here").unwrap();
    source.shutdown(Shutdown::Write).unwrap();
    let reading = thread::spawn(move || read_to_end(&sink));
    assert_eq!(join(reading), b"still here");
    wait_until(|| told.borrow().len() == 1);
    run_for(Duration::ZERO);
    assert!(weak.iter().all(QPointer::is_null));
}

#[test]
fn without_descriptors_the_bytes_are_copied() {
    const DESCRIPTORS: usize = 60;
    if !in_child!("without_descriptors_the_bytes_are_copied", DESCRIPTORS) {
        return;
    }
    let (from, source) = pair();
    let (to, sink) = pair();
    let mut hogs = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        hogs.push(file);
    }
    let pipe = pipe(&from, &to);
    let writing = thread::spawn(move || {
        (&source).write_all(&pattern(1, 16 << 20)).unwrap();
        source
    });
    let reading = thread::spawn(move || {
        let mut got = vec![0; 32 << 20];
        (&sink).read_exact(&mut got[..16 << 20]).unwrap();
        (got, sink)
    });
    let source = join(writing);
    let (mut got, sink) = join(reading);
    drop(hogs);
    // With descriptors the pipe goes through the kernel again.
    let before = descriptors();
    let writing = thread::spawn(move || {
        (&source).write_all(&pattern(1, 16 << 20)).unwrap();
        source
    });
    let reading = thread::spawn(move || {
        (&sink).read_exact(&mut got[16 << 20..]).unwrap();
        (got, sink)
    });
    let _source = join(writing);
    let (got, _sink) = join(reading);
    let again = pattern(1, 16 << 20);
    assert!(got[..16 << 20] == again && got[16 << 20..] == again);
    wait_until(|| pipe.bytes_forward() == 32 << 20);
    let spliced = descriptors() - before;
    if cfg!(target_os = "linux") {
        assert_eq!(spliced, 2, "the loop keeps one pipe of the kernel");
    }
}

#[test]
fn buffers_and_the_end_of_a_loop() {
    let app = QCoreApplication::instance();
    let (from, to) = (QBuffer::new(), QBuffer::new());
    from.set_data(pattern(3, 1 << 20));
    from.open(OpenMode::READ_ONLY).unwrap();
    to.open(OpenMode::WRITE_ONLY).unwrap();
    let moving = pipe(&from, &to);
    app.process_events();
    assert_eq!(finish(&moving), Ok(()));
    assert!(to.data() == pattern(3, 1 << 20));

    let closed = QBuffer::new();
    let error = finish(&pipe(&closed, &to)).unwrap_err();
    assert_eq!(error, PipeErrorKind::First);
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotConnected);

    // A pipe that still runs when its thread ends.
    thread::spawn(|| {
        let (from, _source) = pair();
        let (to, _sink) = pair();
        let _pipe = pipe(&from, &to);
        run_for(Duration::from_millis(5));
    })
    .join()
    .unwrap();
}

/// Sends without a break until the connection ends.
fn flood(mut stream: TcpStream) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let block = pattern(3, 1 << 20);
        while stream.write_all(&block).is_ok() {}
    })
}

#[test]
fn a_pause_stops_the_bytes_that_go_through_the_kernel() {
    const MUCH: u64 = 8 << 20;
    let (from, source) = pair();
    let (to, mut sink) = pair();
    let pipe = pipe(&from, &to);
    let writing = flood(source);
    let reading = thread::spawn(move || {
        let mut block = vec![0; 1 << 20];
        while sink.read(&mut block).is_ok_and(|count| count > 0) {}
    });
    wait_until(|| pipe.bytes_forward() > MUCH);
    from.pause_reading();
    // What was on its way arrives.
    let before = pipe.bytes_forward();
    run_for(Duration::from_millis(200));
    let moved = pipe.bytes_forward() - before;
    assert!(moved < 1 << 20, "{moved} bytes during the pause");
    from.resume_reading();
    wait_until(|| pipe.bytes_forward() > before + MUCH);
    from.abort();
    to.abort();
    join(writing);
    join(reading);
}

/// The bytes wait in the kernel, and in neither socket.
#[test]
fn a_target_that_is_not_read_times_out_and_the_source_does_not() {
    let (from, source) = pair();
    let (to, mut sink) = pair();
    let ends = [&from, &to].map(|socket| {
        let reasons = Rc::new(RefCell::new(Vec::<CloseReason>::new()));
        socket.closed.connect_to(&reasons, |reasons, reason| {
            reasons.borrow_mut().push(reason.clone());
        });
        reasons
    });
    from.set_timeout(TimeoutKind::IdleRead, 1000);
    to.set_timeout(TimeoutKind::IdleWrite, 2500);
    let pipe = pipe(&from, &to);
    let writing = flood(source);
    let reading = thread::spawn(move || {
        sink.read_exact(&mut vec![0; 8 << 20]).unwrap();
        sink
    });
    let _sink = join(reading);
    wait_until(|| ends.iter().any(|reasons| !reasons.borrow().is_empty()));
    assert_eq!(*ends[0].borrow(), []);
    assert_eq!(*ends[1].borrow(), [CloseReason::TimedOut(TimeoutKind::IdleWrite)]);
    assert_eq!(finish(&pipe).unwrap_err(), PipeErrorKind::Second);
    from.abort();
    join(writing);
}

/// A socket whose connection is handed over ends its pipes, and wakes the tasks that wait for it.
#[test]
fn a_connection_that_is_handed_over_ends_the_pipe() {
    for (which, much) in [(0, false), (1, false), (0, true), (1, true)] {
        let (first, mut sender) = pair();
        let (second, mut receiver) = pair();
        let pipe = if which == 0 { pipe(&first, &second) } else { pipe_both(&first, &second) };
        let results = results(&pipe);
        // With many bytes, the pipe moves them within the kernel.
        let count = if much { 100_000 } else { 10 };
        for round in 1..=3 {
            sender.write_all(&vec![7; count]).unwrap();
            wait_until(|| {
                pipe.bytes_forward() as usize == round * count && second.bytes_to_write() == 0
            });
            receiver.read_exact(&mut vec![0; count]).unwrap();
        }
        let waiting = spawn_local({
            let first = first.clone();
            async move { first.ready_read().await }
        });
        run_for(Duration::from_millis(1));
        let connection = first.detach().unwrap();
        wait_until(|| pipe.is_finished());
        let error = results.borrow()[0].clone().unwrap_err();
        assert_eq!(error, PipeErrorKind::First);
        assert_eq!(*error.device_error().unwrap(), DeviceErrorKind::NotOpen);
        let error = block_on(timeout(60_000, waiting)).unwrap().unwrap().unwrap().unwrap_err();
        assert_eq!(error, DeviceErrorKind::NotOpen);
        // The connection goes on.
        let other = QTcpSocket::new();
        other.attach(connection).unwrap();
        sender.write_all(b"on").unwrap();
        wait_until(|| other.bytes_available() >= 2);
        assert_eq!(other.read_all(), b"on");
    }
}
