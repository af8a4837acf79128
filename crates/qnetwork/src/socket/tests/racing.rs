//! Tests of happy eyeballs. The clock is virtual, and the tests advance it.

use std::{
    io::{Read, Write},
    net::Ipv6Addr,
};

use qcore::{QCoreApplication, QObject, event_loop::Dispatcher};

use super::*;
use crate::{QNetworkProxy, QUdpSocket, host_info::stage};

/// Runs turns of the loop that do not move a virtual clock.
#[track_caller]
fn turn_until(mut condition: impl FnMut() -> bool) {
    let (app, end) = (QCoreApplication::new(), Instant::now() + Duration::from_secs(20));
    while !condition() {
        assert!(Instant::now() < end, "waited in vain");
        app.process_events();
    }
}

fn pass(clock: &VirtualClock, millis: i32) {
    clock.advance(millis);
    QCoreApplication::new().process_events();
}

fn racer() -> QTcpSocket {
    let socket = QTcpSocket::new();
    socket.set_happy_eyeballs(true);
    socket
}

fn attempts(socket: &QTcpSocket) -> usize {
    socket.racing.running().map_or(0, |race| race.entrants.borrow().len())
}

/// A listener at 127.0.0.1, and one of the same port at 127.0.0.2 that never answers.
fn silent_and_listening() -> (TcpListener, Socket, Vec<Socket>, u16) {
    let (listener, silent, port) = two_addresses();
    let fillers = fill(&silent);
    (listener, silent, fillers, port)
}

fn connected(socket: &QTcpSocket) -> bool {
    socket.state() == SocketState::Connected
}

const USUAL: [SocketState; 3] =
    [SocketState::HostLookup, SocketState::Connecting, SocketState::Connected];

#[test]
fn an_address_that_never_answers() {
    let clock = VirtualClock::install();
    let (listener, _silent, _fillers, port) = silent_and_listening();
    let socket = racer();
    let (states, errors) = (states(&socket), QSignalSpy::new(&socket.error_occurred));
    let (found, told) = (QSignalSpy::new(&socket.host_found), QSignalSpy::new(&socket.connected));
    socket.connect_to_host(host("one-is-silent.test", &[2, 1, 1]), port);
    socket.write("early").unwrap();
    assert_eq!(attempts(&socket), 1);
    pass(&clock, 249);
    assert_eq!((attempts(&socket), socket.state()), (1, SocketState::Connecting));
    clock.advance(1);
    turn_until(|| connected(&socket));
    assert_eq!((socket.peer_address(), socket.peer_port()), (address(1), port));
    assert_eq!(socket.peer_name(), "one-is-silent.test");
    assert_eq!((states.take(), errors.count()), (USUAL.to_vec(), 0));
    assert_eq!((found.count(), told.count()), (1, 1));
    // The race is over, and its attempts are closed.
    assert!(!socket.is_racing() && attempts(&socket) == 0);
    assert!(socket.socket_descriptor().is_some());

    // The connection is like any other.
    let (mut peer, _) = listener.accept().unwrap();
    turn_until(|| socket.bytes_to_write() == 0);
    let mut early = [0; 5];
    peer.read_exact(&mut early).unwrap();
    assert_eq!(&early, b"early");
    peer.write_all(b"answer").unwrap();
    drop(peer);
    turn_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(socket.read_all(), b"answer");
    assert_eq!(errors.take(), [SocketErrorKind::RemoteHostClosed]);

    // Without the setting, the same host takes half a minute.
    socket.set_happy_eyeballs(false);
    socket.connect_to_host("one-is-silent.test", port);
    pass(&clock, 5000);
    assert_eq!(socket.state(), SocketState::Connecting);
}

/// A failure begins the next attempt: no time has to pass.
#[test]
fn a_failure_costs_no_time() {
    let _clock = VirtualClock::install();
    let (_listener, _refuses, port) = two_addresses();
    let socket = racer();
    socket.connect_to_host(host("first-refuses.test", &[2, 2, 1]), port);
    turn_until(|| connected(&socket));
    assert_eq!(socket.peer_address(), address(1));
}

#[test]
fn all_fail() {
    let clock = VirtualClock::install();
    let (listener, _refuses, port) = two_addresses();
    drop(listener);
    let socket = racer();
    let (states, errors) = (states(&socket), QSignalSpy::new(&socket.error_occurred));
    let closed = QSignalSpy::new(&socket.closed);
    socket.connect_to_host(host("all-refuse.test", &[2, 2, 2]), port);
    turn_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(errors.take(), [SocketErrorKind::ConnectionRefused]);
    assert_eq!(states.take()[2..], [SocketState::Unconnected]);
    assert!(matches!(closed.take()[..], [CloseReason::ConnectFailed(_)]));

    // Each attempt has 30 seconds of its own.
    let (_listener, _silent, _fillers, port) = silent_and_listening();
    socket.connect_to_host(host("all-silent.test", &[2, 2]), port);
    pass(&clock, 250);
    assert_eq!(attempts(&socket), 2);
    pass(&clock, 29_749);
    assert_eq!(attempts(&socket), 2);
    pass(&clock, 1);
    assert_eq!(attempts(&socket), 1);
    pass(&clock, 250);
    assert_eq!((socket.state(), attempts(&socket)), (SocketState::Unconnected, 0));
    assert_eq!(errors.take(), [SocketErrorKind::SocketTimeout]);
    assert_eq!(closed.take(), [CloseReason::TimedOut(TimeoutKind::Address)]);
}

#[test]
fn ipv6_and_ipv4_take_turns() {
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        println!("skipped: there is no IPv6");
        return;
    };
    let port = listener.local_addr().unwrap().port();
    let Some(silent) = bound(([127, 0, 0, 2], port).into()) else {
        println!("skipped: the port is in use");
        return;
    };
    let _fillers = fill(&silent);
    let clock = VirtualClock::install();
    remember("both-families.test", &[address(2), address(2), QHostAddress::LocalHostIPv6]);
    let socket = racer();
    socket.connect_to_host("both-families.test", port);
    clock.advance(250);
    turn_until(|| connected(&socket));
    assert_eq!(socket.peer_address(), QHostAddress::LocalHostIPv6);
}

// ---- look-ups

#[test]
fn ipv4_waits_for_the_look_up_of_ipv6() {
    let clock = VirtualClock::install();
    let (_listener, _refuses, port) = two_addresses();
    for late in [false, true] {
        let name = format!("late-{late}.test");
        let v4 = stage(&name, NetworkLayerProtocol::IPv4);
        let v6 = stage(&name, NetworkLayerProtocol::IPv6);
        let socket = racer();
        let found = QSignalSpy::new(&socket.host_found);
        socket.connect_to_host(name, port);
        pass(&clock, 1000);
        assert_eq!(socket.state(), SocketState::HostLookup);
        v4.send(vec![address(1)]).unwrap();
        let race = socket.racing.running().unwrap();
        turn_until(|| race.left(&Dispatcher::current()).is_some());
        pass(&clock, 49);
        assert_eq!((socket.state(), found.count()), (SocketState::HostLookup, 0));
        if late {
            clock.advance(1);
        } else {
            // There is no IPv6 address: nothing to wait for.
            drop(v6);
        }
        turn_until(|| connected(&socket));
        assert_eq!((socket.peer_address(), found.count()), (address(1), 1));
    }
}

/// The addresses of the second look-up come when the first ones are being tried.
#[test]
fn the_second_look_up_adds_addresses() {
    let clock = VirtualClock::install();
    let (_listener, _silent, _fillers, port) = silent_and_listening();
    // For the test, 127.0.0.2 is the answer to the look-up of IPv6.
    let v4 = stage("second.test", NetworkLayerProtocol::IPv4);
    let v6 = stage("second.test", NetworkLayerProtocol::IPv6);
    let socket = racer();
    socket.connect_to_host("second.test", port);
    v6.send(vec![address(2)]).unwrap();
    turn_until(|| attempts(&socket) == 1);
    pass(&clock, 1000);
    v4.send(vec![address(1)]).unwrap();
    turn_until(|| connected(&socket));
    assert_eq!(socket.peer_address(), address(1));
}

#[test]
fn no_look_up_finds_anything() {
    let _clock = VirtualClock::install();
    for name in ["nothing.test", "invalid name", "x.invalid"] {
        if name == "nothing.test" {
            drop(stage(name, NetworkLayerProtocol::IPv4));
            drop(stage(name, NetworkLayerProtocol::IPv6));
        }
        let socket = racer();
        let (states, errors) = (states(&socket), QSignalSpy::new(&socket.error_occurred));
        socket.connect_to_host(name, 1);
        turn_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(errors.take(), [SocketErrorKind::HostNotFound], "{name}");
        assert_eq!(states.take(), [SocketState::HostLookup, SocketState::Unconnected]);
        assert!(!socket.is_racing());
    }
}

#[test]
fn the_systems_resolver() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = racer();
    socket.connect_to_host("localhost", listener.local_addr().unwrap().port());
    assert!(wait_until(LIMIT, || connected(&socket)));
    assert_eq!(socket.peer_address(), address(1));
}

// ---- waiting without a loop

#[test]
fn waiting_races_too() {
    let (_listener, _silent, _fillers, port) = silent_and_listening();
    let began = Instant::now();
    let socket = racer();
    socket.connect_to_host(host("waited-race.test", &[2, 1]), port);
    socket.wait_for_connected(LIMIT).unwrap();
    assert_eq!(socket.peer_address(), address(1));
    assert!(began.elapsed() >= Duration::from_millis(250));

    // The time is over.
    let socket = racer();
    socket.connect_to_host(host("waited-in-vain.test", &[2, 2]), port);
    let error = socket.wait_for_connected(300).unwrap_err();
    assert_eq!(error, SocketErrorKind::SocketTimeout);
    assert_eq!(socket.state(), SocketState::Unconnected);
    assert!(!socket.is_racing());
    // All refuse.
    let (listener, _refuses, port) = two_addresses();
    drop(listener);
    socket.connect_to_host(host("waited-refused.test", &[2, 2]), port);
    let error = socket.wait_for_connected(LIMIT).unwrap_err();
    assert_eq!(error, SocketErrorKind::ConnectionRefused);
}

#[test]
fn waiting_during_the_look_ups() {
    let (_listener, _silent, _fillers, port) = silent_and_listening();
    // Neither look-up has an answer: the wait asks the resolver itself, whose answer is known.
    let (_v4, _v6) = (
        stage("waited-name.test", NetworkLayerProtocol::IPv4),
        stage("waited-name.test", NetworkLayerProtocol::IPv6),
    );
    let socket = racer();
    socket.connect_to_host("waited-name.test", port);
    remember("waited-name.test", &[address(1)]);
    socket.wait_for_connected(LIMIT).unwrap();
    assert_eq!(socket.peer_address(), address(1));
    drop(socket);

    // One has an answer that fails.
    let (listener, _refuses, port) = two_addresses();
    let (_v4, v6) = (
        stage("waited-half.test", NetworkLayerProtocol::IPv4),
        stage("waited-half.test", NetworkLayerProtocol::IPv6),
    );
    let socket = racer();
    socket.connect_to_host("waited-half.test", port);
    v6.send(vec![address(2)]).unwrap();
    assert!(wait_until(LIMIT, || socket.state() == SocketState::Connecting));
    remember("waited-half.test", &[address(1)]);
    // The addresses that are left are those of the family that has no answer.
    socket.wait_for_connected(LIMIT).unwrap();
    assert_eq!(socket.peer_address(), address(1));
    drop(listener);
}

// ---- ends

/// The program ends the race at each of its stages, or from a slot.
#[test]
fn a_race_is_ended() {
    const ACTS: [fn(&QTcpSocket); 4] = [
        |socket| socket.abort(),
        |socket| socket.close(),
        |socket| socket.delete_later(),
        |socket| {
            socket.abort();
            socket.connect_to_host("127.0.0.1", 1);
            socket.abort();
        },
    ];
    let clock = VirtualClock::install();
    let (_listener, _silent, _fillers, port) = silent_and_listening();
    let silent = host("ended-race.test", &[2, 2, 2, 2]);
    for act in ACTS {
        for stage_of in 0..4 {
            let socket = racer();
            let (v4, v6) = (
                stage("ended-look-up.test", NetworkLayerProtocol::IPv4),
                stage("ended-look-up.test", NetworkLayerProtocol::IPv6),
            );
            match stage_of {
                0 => {
                    socket.connect_to_host("ended-look-up.test", port);
                    act(&socket);
                }
                1 => {
                    let once = std::cell::Cell::new(true);
                    socket.host_found.connect_to(&socket, move |socket, ()| {
                        if once.take() {
                            act(socket);
                        }
                    });
                    socket.connect_to_host(silent.clone(), port);
                }
                _ => {
                    socket.connect_to_host(silent.clone(), port);
                    for _ in 2..stage_of {
                        pass(&clock, 250);
                    }
                    act(&socket);
                }
            }
            drop((v4, v6));
            if !socket.is_deleted() {
                // `delete_later` outside of a loop: the deletion comes with the next loop.
                let close = socket.state() != SocketState::Unconnected;
                if close {
                    socket.abort();
                }
            }
            assert_eq!(socket.state(), SocketState::Unconnected);
            assert!(!socket.is_racing() && attempts(&socket) == 0);
            pass(&clock, 60_000);
            assert_eq!(socket.state(), SocketState::Unconnected);
        }
    }
}

/// The last handle goes while the attempts run.
#[test]
fn a_socket_dies_in_a_race() {
    let clock = VirtualClock::install();
    let (_listener, _silent, _fillers, port) = silent_and_listening();
    let home = QObject::new();
    let socket = racer().with_parent(&home);
    socket.connect_to_host(host("dies.test", &[2, 2, 2]), port);
    pass(&clock, 250);
    assert_eq!(attempts(&socket), 2);
    drop(home);
    assert!(socket.is_deleted() && !socket.is_racing());
    let socket = racer();
    socket.connect_to_host("dies.test", port);
    drop(socket);
    pass(&clock, 1000);
}

/// `disconnect_from_host` during a race closes the connection once it is made.
#[test]
fn closed_before_it_is_connected() {
    let clock = VirtualClock::install();
    let (listener, _silent, _fillers, port) = silent_and_listening();
    let socket = racer();
    let told = QSignalSpy::new(&socket.connected);
    socket.connect_to_host(host("closed-early.test", &[2, 1]), port);
    socket.write("last words").unwrap();
    socket.disconnect_from_host();
    assert_eq!(socket.state(), SocketState::Connecting);
    clock.advance(250);
    turn_until(|| socket.state() == SocketState::Unconnected);
    assert_eq!(told.count(), 1);
    let mut words = String::new();
    listener.accept().unwrap().0.read_to_string(&mut words).unwrap();
    assert_eq!(words, "last words");
}

// ---- sockets that do not race

#[test]
fn who_does_not_race() {
    let (_listener, _silent, _fillers, port) = silent_and_listening();
    let silent = host("no-race.test", &[2, 1]);
    // Bound: the socket keeps its descriptor for all addresses.
    let socket = racer();
    socket.bind(QHostAddress::LocalHost, 0).unwrap();
    socket.connect_to_host(silent.clone(), port);
    assert!(!socket.is_racing());
    // A proxy connects.
    let socket = racer();
    socket.set_proxy(QNetworkProxy::new(crate::ProxyType::Socks5, "127.0.0.1", port));
    socket.connect_to_host(silent.clone(), port);
    assert!(!socket.is_racing());
    let socket = QUdpSocket::new();
    socket.set_happy_eyeballs(true);
    socket.connect_to_host(silent, port);
    assert!(!socket.is_racing());
    assert_eq!(socket.state(), SocketState::Connected);

    // By default there is not even the state of a race.
    let socket = QTcpSocket::new();
    socket.set_happy_eyeballs(false);
    assert!(!socket.happy_eyeballs() && socket.racing.get().is_none());
    assert_eq!(size_of_val(&socket.racing), size_of::<usize>());
}

#[cfg(feature = "_tls")]
#[test]
fn the_socket_that_encrypts_passes_it_on() {
    let clock = VirtualClock::install();
    let (_listener, _silent, _fillers, port) = silent_and_listening();
    let socket = crate::QSslSocket::new();
    assert!(!socket.happy_eyeballs());
    socket.set_happy_eyeballs(true);
    assert!(socket.happy_eyeballs());
    socket.connect_to_host_encrypted(host("encrypted-race.test", &[2, 1]), port);
    clock.advance(250);
    turn_until(|| socket.state() == SocketState::Connected);
    assert_eq!(socket.peer_address(), address(1));
}

/// A slot of `connected` panics: the loop still sends what was written.
#[test]
fn a_slot_panics_when_it_is_connected() {
    let clock = VirtualClock::install();
    let (listener, _silent, _fillers, port) = silent_and_listening();
    let socket = racer();
    socket.connect_to_host(host("panics.test", &[2, 1]), port);
    socket.write("early").unwrap();
    socket.disconnect_from_host();
    socket.connected.connect(|()| panic!("a slot panics"));
    clock.advance(250);
    let turn = std::panic::AssertUnwindSafe(|| turn_until(|| connected(&socket)));
    assert!(std::panic::catch_unwind(turn).is_err());
    turn_until(|| socket.state() == SocketState::Unconnected);
    let mut early = String::new();
    listener.accept().unwrap().0.read_to_string(&mut early).unwrap();
    assert_eq!(early, "early");
}
