//! Tests of `Heartbeat`, with a virtual clock that the tests advance themselves.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::TcpStream,
    rc::Rc,
    time::{Duration, Instant},
};

use integration::{LIMIT, listener, pair, port_of, tls, wait_until};
use qcore::{QCoreApplication, QPointer, QSignalSpy, VirtualClock};
use qnetwork::{
    CloseReason, Heartbeat, QTcpSocket, Reconnector, ReconnectorState, SocketErrorKind,
    SocketState, TimeoutKind, pipe::pipe,
};

const SECOND: Duration = Duration::from_secs(1);

/// Runs turns of the loop that do not move a virtual clock.
#[track_caller]
fn turn_until(mut condition: impl FnMut() -> bool) {
    let (app, end) = (QCoreApplication::new(), Instant::now() + LIMIT);
    while !condition() {
        assert!(Instant::now() < end, "waited for {LIMIT:?} in vain");
        app.process_events();
    }
}

/// Lets time pass, and then one turn.
fn pass(clock: &VirtualClock, time: Duration) {
    clock.advance(time);
    QCoreApplication::new().process_events();
}

fn read(peer: &mut TcpStream, count: usize) -> String {
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    let mut bytes = vec![0; count];
    peer.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_ping_that_is_not_answered() {
    let clock = VirtualClock::install();
    let (socket, mut peer) = pair();
    let heartbeat = Heartbeat::new(&socket);
    heartbeat.set_message("PING\n");
    let (pings, closed) = (QSignalSpy::new(&heartbeat.ping), QSignalSpy::new(&socket.closed));
    let log = Rc::new(RefCell::new(Vec::new()));
    let noted = log.clone();
    heartbeat.unanswered.connect(move |()| noted.borrow_mut().push("unanswered".to_owned()));
    let noted = log.clone();
    socket.error_occurred.connect(move |kind| noted.borrow_mut().push(format!("{kind:?}")));
    let noted = log.clone();
    socket.state_changed.connect(move |state| noted.borrow_mut().push(format!("{state:?}")));

    pass(&clock, 30 * SECOND - Duration::from_nanos(1));
    assert_eq!(pings.count(), 0);
    pass(&clock, Duration::from_nanos(1));
    assert_eq!((pings.count(), heartbeat.is_waiting()), (1, true));
    turn_until(|| socket.bytes_to_write() == 0);
    assert_eq!(read(&mut peer, 5), "PING\n");
    pass(&clock, 10 * SECOND - Duration::from_nanos(1));
    assert_eq!(socket.state(), SocketState::Connected);
    pass(&clock, Duration::from_nanos(1));
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert_eq!(*log.borrow(), ["unanswered", "SocketTimeout", "Unconnected"]);
    assert_eq!(socket.error(), SocketErrorKind::SocketTimeout);
    assert_eq!(socket.error_string(), "The other end has not answered");
    assert_eq!(closed.take(), [CloseReason::TimedOut(TimeoutKind::Heartbeat)]);
    // From there on it rests.
    pass(&clock, 3600 * SECOND);
    assert_eq!((pings.count(), heartbeat.is_waiting()), (1, false));
}

#[test]
fn whatever_arrives_is_a_sign_of_life() {
    let clock = VirtualClock::install();
    let (socket, mut peer) = pair();
    let heartbeat = Heartbeat::new(&socket);
    heartbeat.set_interval(10_000);
    heartbeat.set_timeout(60_000);
    let pings = QSignalSpy::new(&heartbeat.ping);
    let reads = QSignalSpy::new(&socket.ready_read);
    let mut arrives = |count| {
        peer.write_all(b"x").unwrap();
        turn_until(|| reads.count() == count);
    };
    for round in 1..=5 {
        pass(&clock, 9 * SECOND);
        arrives(round);
    }
    assert_eq!(pings.count(), 0);
    pass(&clock, 10 * SECOND);
    assert_eq!(pings.count(), 1);
    // The next ping comes an interval after the answer, although the time-out is longer.
    pass(&clock, 5 * SECOND);
    arrives(6);
    assert!(!heartbeat.is_waiting());
    pass(&clock, 10 * SECOND);
    assert_eq!(pings.count(), 2);
    assert_eq!(socket.state(), SocketState::Connected);
}

#[test]
fn only_answers_are_signs_of_life() {
    let clock = VirtualClock::install();
    let (socket, mut peer) = pair();
    let heartbeat = Heartbeat::new(&socket);
    heartbeat.set_any_data_counts(false);
    let (pings, reads) = (QSignalSpy::new(&heartbeat.ping), QSignalSpy::new(&socket.ready_read));
    for round in 1..=3 {
        pass(&clock, 30 * SECOND);
        assert_eq!(pings.count(), round);
        peer.write_all(b"x").unwrap();
        turn_until(|| reads.count() == round);
        assert!(heartbeat.is_waiting());
        heartbeat.answered();
        assert!(!heartbeat.is_waiting());
    }
    pass(&clock, 30 * SECOND);
    peer.write_all(b"x").unwrap();
    turn_until(|| reads.count() == 4);
    pass(&clock, 10 * SECOND);
    assert_eq!(socket.state(), SocketState::Unconnected);
}

#[test]
fn another_interval_counts_from_the_last_sign_of_life() {
    let clock = VirtualClock::install();
    let (socket, _peer) = pair();
    let heartbeat = Heartbeat::new(&socket);
    let pings = QSignalSpy::new(&heartbeat.ping);
    pass(&clock, 5 * SECOND);
    heartbeat.set_interval(8000);
    heartbeat.set_interval(-1);
    heartbeat.set_timeout(-1);
    pass(&clock, 2 * SECOND);
    assert_eq!(pings.count(), 0);
    pass(&clock, SECOND);
    assert_eq!(pings.count(), 1);
}

/// What slots may do when a ping is due, or has not been answered.
#[test]
fn slots_may_do_anything() {
    const ACTS: [fn(&Heartbeat, &QTcpSocket); 6] = [
        |heartbeat, _| heartbeat.answered(),
        |heartbeat, _| heartbeat.delete_later(),
        |_, socket| socket.abort(),
        |_, socket| socket.disconnect_from_host(),
        |_, socket| socket.delete_later(),
        |_, socket| {
            let (host, port) = (socket.peer_address(), socket.peer_port());
            socket.abort();
            socket.connect_to_host(host, port);
        },
    ];
    let clock = VirtualClock::install();
    for (number, act) in ACTS.into_iter().enumerate() {
        for unanswered in [false, true] {
            let listener = listener();
            let socket = QTcpSocket::new();
            socket.connect_to_host("127.0.0.1", port_of(&listener));
            turn_until(|| socket.state() == SocketState::Connected);
            let heartbeat = Heartbeat::new(&socket);
            let signal = if unanswered { &heartbeat.unanswered } else { &heartbeat.ping };
            let count = Rc::new(Cell::new(0));
            let counts = count.clone();
            signal.connect_to((&heartbeat, &socket), move |(heartbeat, socket), ()| {
                counts.set(counts.get() + 1);
                act(heartbeat, socket);
            });
            for _ in 0..3 {
                pass(&clock, 30 * SECOND);
                turn_until(|| socket.state() != SocketState::Connecting);
                pass(&clock, 10 * SECOND);
                turn_until(|| socket.state() != SocketState::Connecting);
            }
            let case = format!("act {number}, unanswered: {unanswered}");
            let connected = socket.state() == SocketState::Connected;
            match (number, unanswered) {
                (0 | 5, _) => assert!(connected && count.get() >= 2, "{case}: {}", count.get()),
                // It is deleted in the next loop, if at all: the connection then stays or ends.
                (1, _) => assert!(count.get() >= 1, "{case}"),
                _ => assert!(!connected && count.get() == 1, "{case}: {}", count.get()),
            }
        }
    }
}

#[test]
fn it_belongs_to_the_socket() {
    let clock = VirtualClock::install();
    let (socket, _peer) = pair();
    // Nobody keeps a handle.
    let heartbeat = QPointer::new(&Heartbeat::new(&socket));
    let holder = Rc::new(RefCell::new(Some(socket)));
    let (seen, drops) = (Rc::new(Cell::new(false)), holder.clone());
    let noted = seen.clone();
    // A slot drops the last handle of the socket.
    heartbeat.upgrade().unwrap().ping.connect(move |()| {
        noted.set(true);
        drops.take();
    });
    pass(&clock, 30 * SECOND);
    assert!(seen.get() && heartbeat.is_null());
    pass(&clock, 3600 * SECOND);
    assert!(holder.borrow().is_none());
}

#[test]
fn of_an_encrypted_connection() {
    let server = tls::encrypting("good");
    let client = tls::client();
    let heartbeat = Heartbeat::new(&client);
    heartbeat.set_message("PING");
    let peer = tls::encrypt(&client, &server);
    let clock = VirtualClock::install();
    let closed = QSignalSpy::new(&client.closed);
    // The peer's handshake messages that come late are no data.
    pass(&clock, 30 * SECOND);
    turn_until(|| peer.bytes_available() == 4);
    peer.write("x").unwrap();
    turn_until(|| client.bytes_available() == 1);
    assert!(!heartbeat.is_waiting());
    pass(&clock, 30 * SECOND);
    assert!(heartbeat.is_waiting());
    pass(&clock, 10 * SECOND);
    turn_until(|| client.state() == SocketState::Unconnected);
    assert_eq!(client.error(), SocketErrorKind::SocketTimeout);
    turn_until(|| closed.count() == 1);
    assert_eq!(closed.take(), [CloseReason::TimedOut(TimeoutKind::Heartbeat)]);
}

/// A connection that is made again has a heartbeat again.
#[test]
fn with_a_reconnector() {
    let listener = listener();
    let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", port_of(&listener));
    link.set_delays(0, 0);
    let heartbeat = Heartbeat::new(link.socket());
    heartbeat.set_interval(1);
    heartbeat.set_timeout(1);
    let (connected, pings) = (QSignalSpy::new(&link.connected), QSignalSpy::new(&heartbeat.ping));
    link.start();
    wait_until(|| connected.count() >= 3);
    assert!(pings.count() >= 2);
    link.stop();
    assert_eq!(link.state(), ReconnectorState::Stopped);
}

/// The program has paused reading, so it cannot know whether the other end answers.
#[test]
fn while_the_socket_does_not_read() {
    let clock = VirtualClock::install();
    for asks in [false, true] {
        let (socket, mut peer) = pair();
        let heartbeat = Heartbeat::new(&socket);
        heartbeat.set_any_data_counts(false);
        heartbeat.set_message("PING");
        if asks {
            pass(&clock, 30 * SECOND);
            assert!(heartbeat.is_waiting());
            turn_until(|| socket.bytes_to_write() == 0);
            assert_eq!(read(&mut peer, 4), "PING");
        }
        socket.pause_reading();
        for _ in 0..10 {
            pass(&clock, 30 * SECOND);
            assert_eq!(socket.state(), SocketState::Connected);
        }
        socket.resume_reading();
        // From now on, silence counts again.
        for _ in 0..100 {
            pass(&clock, SECOND);
        }
        assert_eq!(socket.state(), SocketState::Unconnected);
    }
}

/// A pipe moves the bytes within the kernel, so that no signal tells of them.
#[test]
fn bytes_that_no_signal_tells_of() {
    let clock = VirtualClock::install();
    let (from, mut sender) = pair();
    let (to, mut receiver) = pair();
    let heartbeat = Heartbeat::new(&from);
    let pings = QSignalSpy::new(&heartbeat.ping);
    let moving = pipe(&from, &to);
    receiver.set_read_timeout(Some(LIMIT)).unwrap();
    let mut relay = |count: usize| {
        let before = moving.bytes_forward();
        sender.write_all(&vec![0; count]).unwrap();
        turn_until(|| moving.bytes_forward() == before + count as u64);
        let mut bytes = vec![0; count];
        receiver.read_exact(&mut bytes).unwrap();
    };
    for _ in 0..4 {
        relay(100_000);
    }
    for _ in 0..3 {
        while !heartbeat.is_waiting() {
            pass(&clock, SECOND);
        }
        relay(100_000);
        pass(&clock, 10 * SECOND);
        assert_eq!(from.state(), SocketState::Connected);
    }
    assert_eq!(pings.count(), 3);
}
