//! Sockets without a running loop.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener},
    thread,
    time::Instant,
};

use qcore::QCoreApplication;
use qnetwork::{QHostAddress, QNetworkDatagram, QTcpSocket, QUdpSocket};

use crate::{cpu_seconds, report};

/// Measures round trips of a client that waits for its server, which is a blocking one in another
/// thread: the CPU time of the client's thread.
///
/// # Panics
///
/// If there are no free ports.
pub fn blocking(seconds: f64) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = listener.local_addr().expect("an address").port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut buffer = [0; 64];
        while stream.read_exact(&mut buffer).is_ok() {
            stream.write_all(&buffer).ok();
        }
    });
    let client = QTcpSocket::new();
    client.connect_to_host(QHostAddress::LocalHost, port);
    client.wait_for_connected(10_000).expect("a server");
    let (mut count, mut buffer) = (0u32, [0; 64]);
    let (mut start, mut cpu) = (Instant::now(), 0.0);
    while count == 0 || start.elapsed().as_secs_f64() < seconds {
        client.write(&buffer[..]).expect("a server");
        while client.bytes_available() < 64 {
            client.wait_for_ready_read(10_000).expect("an answer");
        }
        client.read_into(&mut buffer).expect("an answer");
        count += 1;
        if count == 1 {
            (start, cpu) = (Instant::now(), cpu_seconds());
        }
    }
    report("blocking_trip", (cpu_seconds() - cpu) * 1e6 / f64::from(count), "us/rt");
    client.abort();
    server.join().expect("the server ends");
}

/// Measures the CPU time of sending datagrams, many in each call.
///
/// # Panics
///
/// If there are no free ports.
pub fn burst(seconds: f64) {
    let app = QCoreApplication::new();
    let (sender, receiver) = (QUdpSocket::new(), QUdpSocket::new());
    receiver.bind(QHostAddress::LocalHost, 0).expect("a port is free");
    sender.bind(QHostAddress::LocalHost, 0).expect("a port is free");
    let to = receiver.local_port();
    let mut datagram = QNetworkDatagram::default();
    datagram.set_data([7; 64]);
    datagram.set_destination(QHostAddress::LocalHost, to);
    let many = vec![datagram; 32];
    let one_by_one = || {
        for _ in 0..32 {
            sender.write_datagram([7; 64], QHostAddress::LocalHost, to).expect("there is room");
        }
    };
    let at_once = || assert_eq!(sender.write_datagrams(&many).expect("there is room"), 32);
    for (bench, send) in [("udp_each", &one_by_one as &dyn Fn()), ("udp_burst", &at_once)] {
        let mut buffer = vec![QNetworkDatagram::default(); 32];
        let (mut sent, mut spent) = (0u32, 0.0);
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < seconds / 2.0 {
            let cpu = cpu_seconds();
            send();
            spent += cpu_seconds() - cpu;
            sent += 32;
            while receiver.receive_datagrams_into(&mut buffer) > 0 {}
        }
        report(bench, spent * 1e6 / f64::from(sent), "us/dgram");
        app.process_events();
    }
}
