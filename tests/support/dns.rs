//! A name server for tests, on a loopback address and a free port.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A query that a [`NameServer`] has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The whole message.
    pub message: Vec<u8>,
    /// The name, its labels joined by dots.
    pub name: String,
    /// The type's number.
    pub kind: u16,
    /// Whether it came by TCP.
    pub by_tcp: bool,
}

impl Query {
    fn read(message: &[u8], by_tcp: bool) -> Self {
        let (mut name, mut rest) = (String::new(), &message[12..]);
        while let Some((&length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
            let (label, after) = after.split_at(usize::from(length));
            name += if name.is_empty() { "" } else { "." };
            name += &String::from_utf8_lossy(label);
            rest = after;
        }
        let kind = u16::from_be_bytes([rest[1], rest[2]]);
        Query { message: message.to_vec(), name, kind, by_tcp }
    }

    /// Returns the question, as it is in the message.
    #[must_use]
    pub fn question(&self) -> &[u8] {
        &self.message[12..]
    }

    /// Returns a reply with these flags and records.
    ///
    /// # Panics
    ///
    /// If there are more than 65,535 records.
    #[must_use]
    pub fn reply(&self, flags: u16, records: &[Vec<u8>]) -> Vec<u8> {
        let count = u16::try_from(records.len()).expect("not so many records");
        let mut reply = self.message[..2].to_vec();
        for field in [flags, 1, count, 0, 0] {
            reply.extend(field.to_be_bytes());
        }
        reply.extend(self.question());
        reply.extend(records.concat());
        reply
    }

    /// Returns a reply with an address.
    #[must_use]
    pub fn address(&self, ip: [u8; 4]) -> Vec<u8> {
        self.reply(ANSWER, &[record(1, &ip)])
    }
}

/// The flags of an answer: it is a response, recursion was desired and is available.
pub const ANSWER: u16 = 0x8180;
/// The flag of a reply that does not fit into a datagram.
pub const TRUNCATED: u16 = 0x0200;

/// Returns a record of the name in the question.
///
/// # Panics
///
/// If the data is too long for a record.
#[must_use]
pub fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("not so long");
    let mut record = vec![0xc0, 12];
    for field in [kind, 1, 0, 60, length] {
        record.extend(field.to_be_bytes());
    }
    record.extend(data);
    record
}

/// Returns a name as it is in a message.
///
/// # Panics
///
/// If a label is too long.
#[must_use]
pub fn domain_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).expect("not so long"));
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

/// A name server in threads of its own. It ends when it is dropped.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    queries: Arc<Mutex<Vec<Query>>>,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl NameServer {
    /// Starts a server. `answer` returns the messages with which it answers a query.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[must_use]
    pub fn start(answer: impl Fn(&Query) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        let (datagrams, listener) = bind();
        let address = datagrams.local_addr().expect("an address");
        let queries = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let respond = {
            let queries = queries.clone();
            Arc::new(move |message: &[u8], by_tcp| {
                let query = Query::read(message, by_tcp);
                queries.lock().unwrap_or_else(PoisonError::into_inner).push(query.clone());
                answer(&query)
            })
        };
        let threads = vec![
            {
                let (ended, respond) = (ended.clone(), respond.clone());
                thread::spawn(move || {
                    let mut buffer = [0; 1000];
                    while let Ok((length, peer)) = datagrams.recv_from(&mut buffer) {
                        if ended.load(Ordering::SeqCst) {
                            break;
                        }
                        for reply in respond(&buffer[..length], false) {
                            datagrams.send_to(&reply, peer).ok();
                        }
                    }
                })
            },
            {
                let ended = ended.clone();
                thread::spawn(move || {
                    while let Ok((mut stream, _)) = listener.accept() {
                        if ended.load(Ordering::SeqCst) {
                            break;
                        }
                        let mut length = [0; 2];
                        if stream.read_exact(&mut length).is_err() {
                            continue;
                        }
                        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
                        if stream.read_exact(&mut message).is_err() {
                            continue;
                        }
                        for reply in respond(&message, true) {
                            let length = u16::try_from(reply.len()).expect("not so long");
                            stream.write_all(&[&length.to_be_bytes(), &*reply].concat()).ok();
                        }
                    }
                })
            },
        ];
        NameServer { address, queries, ended, threads }
    }

    /// Returns the port of the server, which is at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the queries received so far.
    #[must_use]
    pub fn queries(&self) -> Vec<Query> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let waker = UdpSocket::bind(("127.0.0.1", 0));
        waker.and_then(|waker| waker.send_to(&[0], self.address)).ok();
        drop(std::net::TcpStream::connect(self.address));
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// Finds a port that is free for both protocols.
fn bind() -> (UdpSocket, TcpListener) {
    for _ in 0..50 {
        let datagrams = UdpSocket::bind(("127.0.0.1", 0)).expect("a free port");
        let address = datagrams.local_addr().expect("an address");
        if let Ok(listener) = TcpListener::bind(address) {
            return (datagrams, listener);
        }
    }
    panic!("no port is free for UDP and TCP");
}
