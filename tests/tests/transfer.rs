//! Moving data: very large and very small amounts, and peers that do not read.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    rc::Rc,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use integration::{
    LIMIT, connected_to, in_child, listener, memory, pair, pair_of, pattern, peer, port_of,
    read_to_end, run_for, server, wait_until,
};
use qcore::{DeviceErrorKind, QTimer};
use qnetwork::{QTcpSocket, SocketErrorKind, SocketOption, SocketState};

#[test]
fn a_peer_that_sends_a_byte_at_a_time() {
    let (socket, mut stream) = pair();
    stream.set_nodelay(true).unwrap();
    let (ready, lines) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    socket.ready_read.connect_to(&ready, |ready, ()| ready.set(ready.get() + 1));
    let into = lines.clone();
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        while socket.can_read_line() {
            into.borrow_mut().push(socket.read_line());
        }
    });
    for (at, byte) in b"one\ntwo\n\nfour\n".iter().enumerate() {
        stream.write_all(&[*byte]).unwrap();
        wait_until(|| ready.get() == at + 1);
    }
    let expected: [&[u8]; 4] = [b"one\n", b"two\n", b"\n", b"four\n"];
    assert_eq!(*lines.borrow(), expected);
}

#[test]
fn bytes_that_come_one_by_one_are_kept_together() {
    const SIZE: usize = 5000;
    if !in_child!("bytes_that_come_one_by_one_are_kept_together", 100) {
        return;
    }
    let (socket, mut stream) = pair();
    stream.set_nodelay(true).unwrap();
    let before = memory();
    for at in 0..SIZE {
        stream.write_all(&[0]).unwrap();
        wait_until(|| socket.bytes_available() > at);
    }
    let taken = memory() - before;
    assert!(taken < 2 << 20, "{taken} bytes of memory for {SIZE}");
}

#[test]
fn a_peer_that_never_reads_costs_what_was_written_and_no_more() {
    const SIZE: usize = 64 << 20;
    // Runs in a process of its own, because the test would also count the memory of other tests.
    if !in_child!("a_peer_that_never_reads_costs_what_was_written_and_no_more", 100) {
        return;
    }
    let (socket, _stream) = pair();
    let before = memory();
    let block = vec![7; 1 << 20];
    for _ in 0..SIZE / block.len() {
        socket.write(&block).unwrap();
    }
    run_for(Duration::from_millis(50));
    let waiting = socket.bytes_to_write();
    assert!(waiting > SIZE / 2, "{waiting} bytes wait");
    let full = memory();
    assert!(full - before < SIZE + SIZE / 8, "{} bytes for {SIZE}", full - before);
    socket.abort();
    assert_eq!((socket.bytes_to_write(), socket.state()), (0, SocketState::Unconnected));
    let after = memory();
    assert!(after < full - SIZE / 2, "{full} bytes before abort(), {after} after");
}

#[test]
fn fifty_megabytes_both_ways() {
    const SIZE: usize = 50 << 20;
    const BLOCK: usize = 300_000;
    let (port, peer) = peer(|stream| {
        let mut writer = stream.try_clone().unwrap();
        let sender = thread::spawn(move || {
            for at in (0..SIZE).step_by(BLOCK) {
                writer.write_all(&pattern(at, BLOCK.min(SIZE - at))).unwrap();
            }
        });
        let (mut at, mut buffer) = (0, vec![0; BLOCK]);
        loop {
            let count = (&stream).read(&mut buffer).unwrap();
            if count == 0 {
                break;
            }
            assert!(buffer[..count] == pattern(at, count), "wrong bytes at {at}");
            at += count;
        }
        sender.join().unwrap();
        at
    });
    let socket = connected_to(port);
    let (sent, acknowledged, received) =
        (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let next = {
        let sent = sent.clone();
        move |socket: &QTcpSocket| {
            while sent.get() < SIZE && socket.bytes_to_write() < 4 * BLOCK {
                let size = BLOCK.min(SIZE - sent.get());
                socket.write(pattern(sent.get(), size)).unwrap();
                sent.set(sent.get() + size);
            }
        }
    };
    let (total, write) = (acknowledged.clone(), next.clone());
    socket.bytes_written.connect_to(&socket, move |socket, count| {
        total.set(total.get() + count);
        write(socket);
    });
    let at = received.clone();
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        let data = socket.read_all();
        assert!(data == pattern(at.get(), data.len()), "wrong bytes at {}", at.get());
        at.set(at.get() + data.len());
    });
    socket.set_read_buffer_size(1 << 20);
    next(&socket);
    wait_until(|| received.get() == SIZE && acknowledged.get() == SIZE);
    assert_eq!(socket.bytes_to_write(), 0);
    socket.disconnect_from_host();
    assert_eq!(peer.join().unwrap(), SIZE);
}

#[test]
fn a_read_buffer_of_one_byte_gets_it_all() {
    const SIZE: usize = 10_000;
    let (socket, mut stream) = pair();
    socket.set_read_buffer_size(1);
    let all = Rc::new(RefCell::new(Vec::new()));
    let into = all.clone();
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        assert_eq!(socket.bytes_available(), 1);
        into.borrow_mut().extend(socket.get_char());
    });
    stream.write_all(&pattern(0, SIZE)).unwrap();
    drop(stream);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert!(*all.borrow() == pattern(0, SIZE));
}

#[test]
fn nothing_is_written_by_writing_nothing() {
    let (socket, stream) = pair();
    socket.bytes_written.connect(|count| panic!("{count} bytes of nothing"));
    assert_eq!(socket.write(b""), Ok(0));
    assert_eq!(socket.bytes_to_write(), 0);
    assert!(!socket.flush());
    socket.disconnect_from_host();
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!(read_to_end(&stream), b"");
}

#[test]
fn writing_in_every_state() {
    let listener = listener();
    let socket = QTcpSocket::new();
    assert_eq!(socket.write("unconnected").unwrap_err(), DeviceErrorKind::NotOpen);

    let log = Rc::new(RefCell::new(Vec::new()));
    let states = log.clone();
    socket.state_changed.connect_to(&socket, move |socket, state| {
        let written = socket.write(format!("{state:?} ")).map_err(|error| error.kind());
        states.borrow_mut().push((*state, written.is_ok()));
    });
    socket.connect_to_host("localhost", port_of(&listener));
    wait_until(|| socket.state() == SocketState::Connected);
    let (stream, _) = listener.accept().unwrap();
    socket.disconnect_from_host();
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.write("late").unwrap_err(), DeviceErrorKind::Closed);
    socket.close();
    assert_eq!(socket.write("closed").unwrap_err(), DeviceErrorKind::NotOpen);

    let expected = [
        (SocketState::HostLookup, true),
        (SocketState::Connecting, true),
        (SocketState::Connected, true),
        (SocketState::Closing, true),
        (SocketState::Unconnected, false),
    ];
    assert_eq!(*log.borrow(), expected);
    assert_eq!(read_to_end(&stream), b"HostLookup Connecting Connected Closing ");
}

#[test]
fn data_in_front_of_a_reset_may_be_lost_but_the_end_is_told() {
    let (socket, mut stream) = pair();
    let errors = Rc::new(RefCell::new(Vec::new()));
    socket.error_occurred.connect_to(&errors, |errors, kind| errors.borrow_mut().push(*kind));
    stream.write_all(b"data").unwrap();
    wait_until(|| socket.bytes_available() == 4);
    socket.write(vec![0; 4 << 20]).unwrap();
    integration::reset(stream);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(*errors.borrow(), [SocketErrorKind::RemoteHostClosed]);
}

/// This is not a scenario, because the size of the kernel's buffers would affect the trace. All
/// else is as in Qt.
#[test]
fn a_reset_while_the_last_bytes_wait_to_go() {
    let (socket, stream) = pair();
    let log: Rc<RefCell<Vec<String>>> = Rc::default();
    socket
        .error_occurred
        .connect_to(&log, |log, error| log.borrow_mut().push(format!("{error:?}")));
    socket
        .about_to_close
        .connect_to(&log, |log, ()| log.borrow_mut().push("about to close".into()));
    socket.state_changed.connect_to(&log, |log, state| log.borrow_mut().push(format!("{state:?}")));
    socket
        .read_channel_finished
        .connect_to(&log, |log, ()| log.borrow_mut().push("finished".into()));
    socket.disconnected.connect_to(&log, |log, ()| log.borrow_mut().push("disconnected".into()));
    let all = 30_000_000;
    socket.write(vec![b'x'; all]).unwrap();
    socket.disconnect_from_host();
    wait_until(|| socket.bytes_to_write() < all);
    assert_eq!(socket.state(), SocketState::Closing);
    assert!(socket.bytes_to_write() > 0);
    integration::reset(stream);
    wait_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(
        *log.borrow(),
        [
            "Closing",
            "RemoteHostClosed",
            "about to close",
            "Unconnected",
            "finished",
            "disconnected"
        ]
    );
    assert_eq!(socket.error_string(), "The remote host closed the connection");
    assert_eq!(socket.bytes_to_write(), 0);
}

#[test]
fn a_busy_sender_does_not_starve_others() {
    const ROUNDS: usize = 300;
    // The peer sends as fast as it can until it is told to stop.
    let (flood_port, flood) = peer(|mut stream| {
        let block = vec![0; 1 << 20];
        let mut sent = 0;
        while stream.write_all(&block).is_ok() {
            sent += block.len();
        }
        sent
    });
    let (echo_port, echo) = peer(|mut stream| {
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
    });
    let busy = connected_to(flood_port);
    let flooded = Rc::new(Cell::new(0));
    let into = flooded.clone();
    busy.ready_read.connect_to(&busy, move |busy, ()| {
        into.set(into.get() + busy.read_all().len());
    });
    let quiet = connected_to(echo_port);
    let rounds = Rc::new(Cell::new(0));
    let count = rounds.clone();
    quiet.ready_read.connect_to(&quiet, move |quiet, ()| {
        let _ = quiet.read_all();
        count.set(count.get() + 1);
        quiet.write("x").unwrap();
    });
    wait_until(|| flooded.get() > 1 << 20);
    let (started, before) = (Instant::now(), flooded.get());
    quiet.write("x").unwrap();
    wait_until(|| rounds.get() >= ROUNDS);
    println!(
        "measured: {ROUNDS} round trips in {:?} beside {} MB",
        started.elapsed(),
        (flooded.get() - before) >> 20
    );
    busy.abort();
    quiet.abort();
    flood.join().unwrap();
    echo.join().unwrap();
}

#[test]
fn a_slot_that_always_writes_more_does_not_keep_the_loop() {
    let (stop, stopped) = mpsc::channel::<()>();
    let (port, drain) = peer(move |mut stream| {
        let mut buffer = vec![0; 1 << 20];
        while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
        drop(stopped);
    });
    let socket = connected_to(port);
    let block = vec![0; 64 << 10];
    socket.bytes_written.connect_to(&socket, move |socket, _| {
        socket.write(&block).unwrap();
    });
    socket.write("begin").unwrap();
    let (timer, ticks) = (QTimer::new(), Rc::new(Cell::new(0)));
    timer.timeout.connect_to(&ticks, |ticks, ()| ticks.set(ticks.get() + 1));
    timer.start_with_interval(0);
    let started = Instant::now();
    wait_until(|| ticks.get() >= 50);
    assert!(started.elapsed() < LIMIT / 4);
    socket.abort();
    drain.join().unwrap();
    assert!(stop.send(()).is_err());
}

#[test]
fn a_loop_in_a_slot_gets_all_there_is() {
    let server = server();
    let (reader, writer) = pair_of(&server);
    let got = Rc::new(Cell::new(0));
    let total = got.clone();
    reader.ready_read.connect_to(&reader, move |reader, ()| {
        // More than one read of the loop, with a limited read buffer.
        wait_until(|| {
            total.set(total.get() + reader.read_all().len());
            total.get() == 3 << 20
        });
    });
    reader.set_read_buffer_size(100_000);
    writer.write(vec![1; 3 << 20]).unwrap();
    wait_until(|| got.get() == 3 << 20);
}

#[test]
fn chunks_are_kept_as_they_are_and_announced_as_a_whole() {
    let (socket, stream) = pair();
    // The system must take all data at once. Otherwise each part that it takes is announced.
    socket.set_socket_option(SocketOption::SendBufferSize, 200_000);
    let written = Rc::new(RefCell::new(Vec::new()));
    socket.bytes_written.connect_to(&written, |written, count| written.borrow_mut().push(*count));
    let shared: Rc<[u8]> = Rc::from(pattern(0, 50_000));
    assert_eq!(socket.write("begin ").unwrap(), 6);
    assert_eq!(socket.write_chunk(shared.clone()).unwrap(), 50_000);
    assert_eq!(socket.write_chunk(shared.clone()).unwrap(), 50_000);
    assert_eq!(Rc::strong_count(&shared), 3, "nothing is copied");
    assert_eq!(socket.write_chunk(b" middle").unwrap(), 7);
    assert_eq!(socket.write_chunk(String::from(" and end")).unwrap(), 8);
    assert_eq!(socket.write_chunk(Vec::new()).unwrap(), 0);
    assert_eq!(socket.bytes_to_write(), 100_021);
    let reader = thread::spawn(move || read_to_end(&stream));
    wait_until(|| socket.bytes_to_write() == 0);
    assert_eq!(*written.borrow(), [6, 50_000, 50_000, 7, 8]);
    assert_eq!(Rc::strong_count(&shared), 1);
    socket.disconnect_from_host();
    let expected = [b"begin ", &*shared, &*shared, b" middle and end"].concat();
    assert_eq!(reader.join().unwrap(), expected);
    assert_eq!(socket.write_chunk("late").unwrap_err(), DeviceErrorKind::Closed);
}
