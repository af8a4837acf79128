//! `udppeer`: a bound UDP socket.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use qnetwork::simulation::Socket;
use socket2::Type;

use super::{PATIENCE, Peer, PeerArg, Reply, bound, loopback, patiently, port_of, unknown};
use crate::{
    error::{Error, Result},
    peer::tcp::to_port,
    ports::Ports,
    syntax::PeerOption,
};

/// A UDP socket with blocking calls.
#[derive(Debug)]
pub(crate) struct UdpPeer {
    address: IpAddr,
    port: u16,
    socket: Mutex<Option<Arc<Socket>>>,
}

impl UdpPeer {
    /// Creates a peer with a port of its own and adds the port to the known ones.
    ///
    /// # Errors
    ///
    /// If the system has no free port.
    pub(crate) fn new(name: &str, options: &[PeerOption], ports: &Ports) -> Result<Self> {
        let address = loopback(options);
        let socket = bound(address, Type::DGRAM)?;
        let port = port_of(&socket)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        ports.learn(port, || format!("{name}.port"));
        Ok(UdpPeer { address, port, socket: Mutex::new(Some(Arc::new(socket))) })
    }

    fn socket(&self) -> Result<Arc<Socket>> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner).clone();
        socket.ok_or_else(|| Error::new("the peer is closed"))
    }

    fn recv_from(&self) -> Result<Reply> {
        let socket = self.socket()?;
        let mut data = vec![0; 65536];
        let (size, from) = patiently(|| socket.recv_from(&mut data))?;
        data.truncate(size);
        let from = from.as_socket().ok_or_else(|| Error::new("a sender without an address"))?;
        Ok(Reply::Datagram(data, from.ip(), from.port()))
    }

    fn is_readable(&self) -> Result<bool> {
        Ok(self.socket()?.is_readable()?)
    }
}

impl Peer for UdpPeer {
    fn call(&self, method: &str, args: &[PeerArg]) -> Result<Reply> {
        match (method, args) {
            ("sendTo", [PeerArg::Bytes(data), PeerArg::Number(port)]) => {
                let to = SocketAddr::new(self.address, to_port(*port)?);
                let socket = self.socket()?;
                patiently(|| socket.send_to(data, &to.into()))?;
            }
            ("recvFrom", []) => return self.recv_from(),
            ("available", []) => return Ok(Reply::Number(self.is_readable()?.into())),
            ("port", []) => return Ok(Reply::Port(self.port)),
            ("close", []) => {
                let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
                drop(socket);
            }
            _ => return Err(unknown("udppeer", method, args)),
        }
        Ok(Reply::Nothing)
    }

    fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_go_from_one_to_the_other() {
        let ports = Ports::default();
        let (a, b) =
            (UdpPeer::new("a", &[], &ports).unwrap(), UdpPeer::new("b", &[], &ports).unwrap());
        assert_eq!(b.call("available", &[]).unwrap(), Reply::Number(0));
        let args = [PeerArg::Bytes(b"data".to_vec()), PeerArg::Number(b.port().into())];
        a.call("sendTo", &args).unwrap();
        assert_eq!(b.call("available", &[]).unwrap(), Reply::Number(1));
        let datagram = Reply::Datagram(b"data".to_vec(), a.address, a.port());
        assert_eq!(b.call("recvFrom", &[]).unwrap(), datagram);
        b.call("close", &[]).unwrap();
        assert!(b.call("recvFrom", &[]).is_err());
    }
}
