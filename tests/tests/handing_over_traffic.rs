//! Random traffic on connections that move between threads.

use std::{
    cell::RefCell,
    io::Write,
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
};

use integration::{LIMIT, pattern, peer, tls, wait_until};
use qcore::{Dispatcher, Poster, QCoreApplication, QObject};
use qnetwork::{DetachedSocket, QTcpSocket, SocketState};

use super::handing_over::{attached, read, secured};

/// A generator of the same numbers in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// What all threads share: how to reach each of them, and how often connections have moved.
#[derive(Clone)]
struct Threads(Arc<Mutex<(Vec<Poster>, usize)>>, Continue);

/// Gives a connection to a new socket of some class.
type Continue = fn(DetachedSocket) -> QTcpSocket;

impl Threads {
    /// Hands the connection over to any thread, which continues to send everything back.
    fn hand_over(&self, mut random: Random, connection: DetachedSocket) {
        let threads = self.clone();
        let mut shared = self.0.lock().unwrap();
        let next = random.below(shared.0.len());
        shared.1 += 1;
        shared.0[next].post(move || threads.echo(random, connection)).unwrap();
    }

    fn echo(&self, random: Random, connection: DetachedSocket) {
        let (threads, socket) = (self.clone(), self.1(connection));
        let random = RefCell::new(random);
        socket.set_parent(Some(&QCoreApplication::instance()));
        socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
        socket.ready_read.connect_to(&socket, move |socket, ()| {
            let (count, moves) = {
                let mut random = random.borrow_mut();
                (random.below(5000), random.below(3) == 0)
            };
            let data = socket.read(count);
            socket.write(&data).unwrap();
            if socket.bytes_available() > 0 || moves {
                let random = Random(random.borrow().0);
                threads.hand_over(random, socket.detach().unwrap());
                QObject::delete_later(socket);
            }
        });
    }
}

/// Connections move between threads at any byte, while data arrives and leaves.
#[test]
fn random_traffic_between_many_loops() {
    const THREADS: usize = 4;
    const CONNECTIONS: u64 = 6;
    const SIZE: usize = 600_000;
    let (threads, loops) = threads(THREADS, attached);
    let peers: Vec<_> = (0..CONNECTIONS)
        .map(|seed| {
            let (port, peer) = peer(move |mut stream| {
                let mut random = Random(0x9e37_79b9 + seed);
                let mut writer = stream.try_clone().unwrap();
                let writing = thread::spawn(move || {
                    let data = pattern(seed as usize, SIZE);
                    let mut rest = &data[..];
                    while !rest.is_empty() {
                        let (piece, after) =
                            rest.split_at((1 + random.below(20_000)).min(rest.len()));
                        writer.write_all(piece).unwrap();
                        rest = after;
                    }
                });
                let received = read(&mut stream, SIZE);
                writing.join().unwrap();
                assert!(received == pattern(seed as usize, SIZE), "connection {seed}");
            });
            let socket = integration::connected_to(port);
            threads.hand_over(Random(77 + seed), socket.detach().unwrap());
            peer
        })
        .collect();
    for peer in peers {
        peer.join().unwrap();
    }
    end(&threads, loops);
}

fn threads(count: usize, socket: Continue) -> (Threads, Vec<(Poster, JoinHandle<()>)>) {
    let loops: Vec<_> = (0..count)
        .map(|_| {
            let (tell, told) = mpsc::channel();
            let thread = thread::spawn(move || {
                let app = QCoreApplication::new();
                tell.send(Dispatcher::current().poster().unwrap()).unwrap();
                app.exec();
            });
            (told.recv_timeout(LIMIT).unwrap(), thread)
        })
        .collect();
    let posters = loops.iter().map(|(poster, _)| poster.clone()).collect();
    (Threads(Arc::new(Mutex::new((posters, 0))), socket), loops)
}

/// Ends the threads, after connections have moved often enough.
fn end(threads: &Threads, loops: Vec<(Poster, JoinHandle<()>)>) {
    let moves = threads.0.lock().unwrap().1;
    println!("{moves} moves");
    for (poster, thread) in loops {
        poster.post(|| QCoreApplication::instance().quit()).unwrap();
        thread.join().unwrap();
    }
    assert!(moves > 50, "{moves}");
}

#[test]
fn encrypted_traffic_between_many_loops() {
    let (threads, loops) = threads(3, |connection| QTcpSocket::clone(&secured(connection)));
    let server = tls::encrypting("good");
    let clients: Vec<_> = (0..3u64)
        .map(|seed| {
            let client = tls::client();
            let other = tls::encrypt(&client, &server);
            threads.hand_over(Random(99 + seed), other.detach().unwrap());
            let mut random = Random(0x1234_5678 + seed);
            let mut rest = &pattern(seed as usize, 200_000)[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((1 + random.below(9000)).min(rest.len()));
                client.write(piece).unwrap();
                rest = after;
            }
            client
        })
        .collect();
    for (seed, client) in clients.iter().enumerate() {
        wait_until(|| client.bytes_available() == 200_000);
        assert!(client.read_all() == pattern(seed, 200_000), "connection {seed}");
        client.disconnect_from_host();
    }
    wait_until(|| clients.iter().all(|client| client.state() == SocketState::Unconnected));
    end(&threads, loops);
}
