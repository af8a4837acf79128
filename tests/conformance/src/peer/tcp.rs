//! `peer`: one end of a TCP connection.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Shutdown, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use qnetwork::simulation::{self, Socket};
use socket2::Type;

use super::{PATIENCE, Peer, PeerArg, Reply, bound, loopback, patiently, port_of, unknown};
use crate::{
    error::{Error, Result},
    ports::Ports,
    syntax::PeerOption,
};

/// The backlog of a listener.
const BACKLOG: i32 = 16;

/// How long the connections that fill a backlog may take to arrive.
const FILLING: Duration = Duration::from_millis(50);

/// A TCP end with blocking calls: a listener and at most one connection.
#[derive(Debug)]
pub(crate) struct TcpPeer {
    name: String,
    address: IpAddr,
    port: u16,
    ports: Arc<Ports>,
    listener: Mutex<Option<Arc<Socket>>>,
    connection: Mutex<Option<Arc<Socket>>>,
    /// The connections that fill the backlog of a `full` peer.
    _fillers: Vec<Socket>,
}

impl TcpPeer {
    /// Creates a peer with a port of its own and adds the port to the known ones.
    ///
    /// # Errors
    ///
    /// If the system has no free port.
    pub(crate) fn new(name: &str, options: &[PeerOption], ports: Arc<Ports>) -> Result<Self> {
        let address = loopback(options);
        let listener = bound(address, Type::STREAM)?;
        let port = port_of(&listener)?;
        ports.learn(port, || format!("{name}.port"));
        let mut fillers = Vec::new();
        if options.contains(&PeerOption::Full) {
            listener.listen(0)?;
            for _ in 0..2 {
                fillers.push(filler(SocketAddr::new(address, port))?);
            }
            simulation::sleep(FILLING);
        } else if !options.contains(&PeerOption::Closed) {
            listener.listen(BACKLOG)?;
        }
        Ok(TcpPeer {
            name: name.to_owned(),
            address,
            port,
            ports,
            listener: Mutex::new(Some(Arc::new(listener))),
            connection: Mutex::new(None),
            _fillers: fillers,
        })
    }

    fn accept(&self) -> Result<()> {
        let listener = held(&self.listener, "listener")?;
        // A time limit on the listener would be inherited by accepted sockets.
        let accepted = patiently(|| match listener.is_readable()? {
            true => listener.accept(),
            false => Err(ErrorKind::WouldBlock.into()),
        });
        self.keep(accepted?.0)
    }

    fn connect(&self, port: u16) -> Result<()> {
        // The socket is bound first, so that its port is known before the other end can ask for it.
        let socket = bound(self.address, Type::STREAM)?;
        self.ports.learn(port_of(&socket)?, || format!("{}.connport", self.name));
        socket.connect_timeout(&SocketAddr::new(self.address, port).into(), PATIENCE)?;
        self.keep(socket)
    }

    /// Makes this the peer's connection. A previous one is closed.
    fn keep(&self, socket: Socket) -> Result<()> {
        socket.set_read_timeout(Some(PATIENCE))?;
        drop(replace(&self.connection, Some(Arc::new(socket))));
        Ok(())
    }

    fn recv(&self, count: usize) -> Result<Vec<u8>> {
        let connection = self.connection()?;
        let mut data = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match patiently(|| (&*connection).read(&mut data[filled..]))? {
                0 => break,
                more => filled += more,
            }
        }
        data.truncate(filled);
        Ok(data)
    }

    fn recv_eof(&self) -> Result<Reply> {
        let connection = self.connection()?;
        let (mut data, mut buffer) = (Vec::new(), vec![0; 65536]);
        loop {
            match patiently(|| (&*connection).read(&mut buffer)) {
                Ok(0) => return Ok(Reply::Bytes(data)),
                Ok(more) => data.extend_from_slice(&buffer[..more]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Ok(Reply::Word("reset"));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn send(&self, data: &[u8]) -> Result<()> {
        let connection = self.connection()?;
        let mut sent = 0;
        while sent < data.len() {
            sent += patiently(|| (&*connection).write(&data[sent..]))?;
        }
        Ok(())
    }

    fn available(&self) -> Result<i64> {
        let Ok(connection) = self.connection() else { return Ok(0) };
        if !connection.is_readable()? {
            return Ok(0);
        }
        let mut data = Vec::with_capacity(1 << 20);
        let there = connection.peek(data.spare_capacity_mut())?;
        Ok(i64::try_from(there).unwrap_or(i64::MAX))
    }

    fn reset(&self) -> Result<()> {
        self.connection()?.set_linger(Some(Duration::ZERO))?;
        self.close();
        Ok(())
    }

    fn close(&self) {
        drop(replace(&self.connection, None));
    }

    fn connection(&self) -> Result<Arc<Socket>> {
        held(&self.connection, "connection")
    }
}

impl Peer for TcpPeer {
    fn call(&self, method: &str, args: &[PeerArg]) -> Result<Reply> {
        match (method, args) {
            ("accept", []) => self.accept()?,
            ("connect", [PeerArg::Number(port)]) => self.connect(to_port(*port)?)?,
            ("send", [PeerArg::Bytes(data)]) => self.send(data)?,
            ("recv", [PeerArg::Number(count)]) => {
                let count = usize::try_from(*count);
                let count = count.map_err(|_| Error::new("recv of less than nothing"))?;
                return Ok(Reply::Bytes(self.recv(count)?));
            }
            ("recvEof", []) => return self.recv_eof(),
            ("shutdownWrite", []) => self.connection()?.shutdown(Shutdown::Write)?,
            ("close", []) => {
                self.connection()?;
                self.close();
            }
            ("reset", []) => self.reset()?,
            ("closeListener", []) => drop(replace(&self.listener, None)),
            ("available", []) => return Ok(Reply::Number(self.available()?)),
            ("pending", []) => {
                let waits = held(&self.listener, "listener")?.is_readable()?;
                return Ok(Reply::Number(waits.into()));
            }
            ("port", []) => return Ok(Reply::Port(self.port)),
            ("connport", []) => return Ok(Reply::Port(port_of(&*self.connection()?)?)),
            _ => return Err(unknown("peer", method, args)),
        }
        Ok(Reply::Nothing)
    }

    fn port(&self) -> u16 {
        self.port
    }
}

/// Starts a connection that takes one place in a listener's backlog.
fn filler(to: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(socket2::Domain::for_address(to), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // If the backlog is full, the connection stays in progress.
    socket.connect(&to.into()).ok();
    Ok(socket)
}

pub(super) fn to_port(number: i64) -> Result<u16> {
    u16::try_from(number).map_err(|_| Error::new(format!("{number} is no port")))
}

fn held(place: &Mutex<Option<Arc<Socket>>>, what: &str) -> Result<Arc<Socket>> {
    let socket = place.lock().unwrap_or_else(PoisonError::into_inner).clone();
    socket.ok_or_else(|| Error::new(format!("the peer has no {what}")))
}

fn replace(place: &Mutex<Option<Arc<Socket>>>, with: Option<Arc<Socket>>) -> Option<Arc<Socket>> {
    std::mem::replace(&mut *place.lock().unwrap_or_else(PoisonError::into_inner), with)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str, options: &[PeerOption]) -> TcpPeer {
        TcpPeer::new(name, options, Arc::default()).unwrap()
    }

    fn number(port: u16) -> [PeerArg; 1] {
        [PeerArg::Number(port.into())]
    }

    fn pair() -> (TcpPeer, TcpPeer) {
        let (a, b) = (peer("a", &[]), peer("b", &[]));
        assert_eq!(a.call("pending", &[]).unwrap(), Reply::Number(0));
        b.call("connect", &number(a.port())).unwrap();
        assert_eq!(a.call("pending", &[]).unwrap(), Reply::Number(1));
        a.call("accept", &[]).unwrap();
        (a, b)
    }

    fn bytes(data: &[u8]) -> Reply {
        Reply::Bytes(data.to_vec())
    }

    #[test]
    fn two_peers_talk() {
        let (a, b) = pair();
        a.call("send", &[PeerArg::Bytes(b"hello".to_vec())]).unwrap();
        assert_eq!(b.call("recv", &[PeerArg::Number(2)]).unwrap(), bytes(b"he"));
        assert_eq!(b.call("available", &[]).unwrap(), Reply::Number(3));
        a.call("shutdownWrite", &[]).unwrap();
        assert_eq!(b.call("recv", &[PeerArg::Number(9)]).unwrap(), bytes(b"llo"));
        assert_eq!(b.call("available", &[]).unwrap(), Reply::Number(0));
        b.call("close", &[]).unwrap();
        assert_eq!(a.call("recvEof", &[]).unwrap(), bytes(b""));
        assert!(b.call("recvEof", &[]).is_err());
    }

    #[test]
    fn a_reset_is_seen_as_one() {
        let (a, b) = pair();
        b.call("reset", &[]).unwrap();
        assert_eq!(a.call("recvEof", &[]).unwrap(), Reply::Word("reset"));
    }

    #[test]
    fn a_closed_peer_refuses_and_a_full_one_does_not_answer() {
        let b = peer("b", &[]);
        let closed = peer("closed", &[PeerOption::Closed]);
        let error = b.call("connect", &number(closed.port())).unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");

        let full = peer("full", &[PeerOption::Full]);
        let socket = Socket::new(socket2::Domain::IPV4, Type::STREAM, None).unwrap();
        let address = SocketAddr::new(full.address, full.port());
        let patience = Duration::from_millis(100);
        let error = socket.connect_timeout(&address.into(), patience).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn its_own_port_is_known_before_it_connects() {
        let ports = Arc::new(Ports::default());
        let a = peer("a", &[]);
        let b = TcpPeer::new("b", &[], ports.clone()).unwrap();
        b.call("connect", &number(a.port())).unwrap();
        let Reply::Port(port) = b.call("connport", &[]).unwrap() else { panic!() };
        assert_eq!(ports.show(port.into()), "b.connport");
        assert_eq!(ports.show(b.port().into()), "b.port");
    }
}
