//! A SOCKS5 proxy made of blocking threads. It connects, listens and relays datagrams on this
//! machine only.

use std::{
    io::{self, Read, Write},
    net::{
        IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs,
        UdpSocket,
    },
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use qnetwork::{ProxyType, QNetworkProxy};

use crate::{LIMIT, listener, port_of};

/// A proxy on a free port of the loopback address. It runs until it is dropped.
#[derive(Debug)]
pub struct Socks5Proxy {
    port: u16,
    shared: Arc<Shared>,
}

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// 1 is connect, 2 is bind, 3 is associate.
    pub command: u8,
    /// An address or a name.
    pub host: String,
    /// The port.
    pub port: u16,
}

#[derive(Debug, Default)]
struct Shared {
    clients: Mutex<Vec<TcpStream>>,
    requests: Mutex<Vec<Request>>,
    /// The datagrams from clients, unchanged.
    datagrams: Mutex<Vec<Vec<u8>>>,
    /// How many requests to listen were granted.
    listened: AtomicUsize,
    refuses: AtomicBool,
    over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socks5Proxy {
    /// Starts a proxy without authentication.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = listener();
        let (port, shared) = (port_of(&listener), Arc::new(Shared::default()));
        let its = shared.clone();
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if its.over.load(SeqCst) {
                    return;
                }
                let its = its.clone();
                // Errors show at the client's end.
                thread::spawn(move || serve(&its, client).ok());
            }
        });
        Socks5Proxy { port, shared }
    }

    /// Returns the proxy's address for sockets and servers.
    #[must_use]
    pub fn proxy(&self) -> QNetworkProxy {
        QNetworkProxy::new(ProxyType::Socks5, "127.0.0.1", self.port)
    }

    /// Returns the requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// Returns the datagrams from clients, with their headers.
    #[must_use]
    pub fn datagrams(&self) -> Vec<Vec<u8>> {
        lock(&self.shared.datagrams).clone()
    }

    /// Returns how often a client was told that the proxy listens.
    #[must_use]
    pub fn listened(&self) -> usize {
        self.shared.listened.load(SeqCst)
    }

    /// Sets whether all requests are answered with a general failure.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, SeqCst);
    }

    /// Closes all connections to clients.
    pub fn hang_up(&self) {
        for client in lock(&self.shared.clients).drain(..) {
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Socks5Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        self.hang_up();
        // Wakes the accepting thread, so that it sees the flag.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn byte(stream: &mut TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn bytes(stream: &mut TcpStream, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn serve(shared: &Arc<Shared>, mut client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    client.set_write_timeout(Some(LIMIT))?;
    lock(&shared.clients).push(client.try_clone()?);
    byte(&mut client)?;
    let methods = byte(&mut client)?;
    bytes(&mut client, methods.into())?;
    client.write_all(&[5, 0])?;
    let head = bytes(&mut client, 4)?;
    let host = match head[3] {
        1 => <[u8; 4]>::try_from(bytes(&mut client, 4)?).map(|ip| Ipv4Addr::from(ip).to_string()),
        4 => <[u8; 16]>::try_from(bytes(&mut client, 16)?).map(|ip| Ipv6Addr::from(ip).to_string()),
        _ => {
            let length = byte(&mut client)?;
            Ok(String::from_utf8_lossy(&bytes(&mut client, length.into())?).into_owned())
        }
    };
    let host = host.unwrap_or_default();
    let port = u16::from_be_bytes([byte(&mut client)?, byte(&mut client)?]);
    lock(&shared.requests).push(Request { command: head[1], host: host.clone(), port });
    if shared.refuses.load(SeqCst) {
        return reply(&mut client, 1, nowhere());
    }
    match head[1] {
        1 => match TcpStream::connect((host.as_str(), port)) {
            Ok(peer) => {
                reply(&mut client, 0, peer.local_addr()?)?;
                forward(client, peer)
            }
            Err(_) => reply(&mut client, 5, nowhere()),
        },
        2 => bind(shared, client, port),
        3 => relay(shared, client, port),
        _ => reply(&mut client, 7, nowhere()),
    }
}

fn nowhere() -> SocketAddr {
    ([0, 0, 0, 0], 0).into()
}

/// Returns an address in the format of the protocol.
fn encoded(address: SocketAddr) -> Vec<u8> {
    let mut bytes = match address.ip() {
        IpAddr::V4(ip) => [&[1][..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&[4][..], &ip.octets()].concat(),
    };
    bytes.extend_from_slice(&address.port().to_be_bytes());
    bytes
}

fn reply(client: &mut TcpStream, code: u8, address: SocketAddr) -> io::Result<()> {
    client.write_all(&[&[5, code, 0][..], &encoded(address)].concat())
}

/// Copies bytes in both directions until both ends have finished.
fn forward(client: TcpStream, peer: TcpStream) -> io::Result<()> {
    let (mut from_peer, mut to_client) = (peer.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_peer, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let (mut from_client, mut to_peer) = (client, peer);
    let _ = io::copy(&mut from_client, &mut to_peer);
    let _ = to_peer.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}

fn bind(shared: &Shared, mut client: TcpStream, port: u16) -> io::Result<()> {
    let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) else {
        return reply(&mut client, 1, nowhere());
    };
    let place = listener.local_addr()?;
    let over = Arc::new(AtomicBool::new(false));
    let (its, watched) = (over.clone(), client.try_clone()?);
    thread::spawn(move || {
        // The client sends nothing before it has a peer, so this means that the connection has
        // ended.
        let is_end = matches!(watched.peek(&mut [0]), Ok(0) | Err(_));
        // Once there is a peer, the port may belong to another socket.
        if is_end && !its.swap(true, SeqCst) {
            let _ = TcpStream::connect(place);
        }
    });
    reply(&mut client, 0, place)?;
    shared.listened.fetch_add(1, SeqCst);
    let (peer, address) = listener.accept()?;
    if over.swap(true, SeqCst) {
        return Ok(());
    }
    drop(listener);
    reply(&mut client, 0, address)?;
    forward(client, peer)
}

fn relay(shared: &Arc<Shared>, mut client: TcpStream, port: u16) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let (place, its, over) =
        (socket.local_addr()?, shared.clone(), Arc::new(AtomicBool::new(false)));
    let is_over = over.clone();
    let relaying = thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok((count, from)) = socket.recv_from(&mut buffer) {
            if is_over.load(SeqCst) {
                return;
            }
            let data = &buffer[..count];
            if from.port() != port {
                let wrapped = [&[0, 0, 0][..], &encoded(from), data].concat();
                let _ = socket.send_to(&wrapped, ("127.0.0.1", port));
                continue;
            }
            lock(&its.datagrams).push(data.to_vec());
            let (host, rest) = match data {
                [0, 0, 0, 1, a, b, c, d, rest @ ..] => (format!("{a}.{b}.{c}.{d}"), rest),
                [0, 0, 0, 3, length, rest @ ..] if rest.len() > usize::from(*length) => {
                    let (name, rest) = rest.split_at(usize::from(*length));
                    (String::from_utf8_lossy(name).into_owned(), rest)
                }
                _ => continue,
            };
            if let [high, low, data @ ..] = rest {
                // The socket is an IPv4 socket, but the first address of a name may be IPv6.
                let port = u16::from_be_bytes([*high, *low]);
                let to = (host.as_str(), port).to_socket_addrs();
                if let Some(to) = to.ok().and_then(|mut all| all.find(SocketAddr::is_ipv4)) {
                    let _ = socket.send_to(data, to);
                }
            }
        }
    });
    reply(&mut client, 0, place)?;
    // The relay lasts as long as the connection.
    let _ = client.read(&mut [0]);
    over.store(true, SeqCst);
    UdpSocket::bind("127.0.0.1:0")?.send_to(&[], place)?;
    let _ = relaying.join();
    Ok(())
}
