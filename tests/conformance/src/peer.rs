//! Peers: blocking sockets of the system or of the simulation, without signals and without Qt.
//!
//! Peers do not belong to the event loop's thread, because `meanwhile` calls them from another one.
//! A call that waits holds no lock meanwhile, so the two threads never wait for each other.

mod tcp;
mod udp;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use qnetwork::simulation::{self, Socket};
use socket2::Domain;

pub(crate) use self::{tcp::TcpPeer, udp::UdpPeer};
use crate::{
    error::{Error, Result},
    run::now,
    syntax::PeerOption,
};

/// The longest time that a call waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// An object that a scenario calls as a peer.
pub(crate) trait Peer: Send + Sync {
    /// Makes a call and waits for its end.
    ///
    /// # Errors
    ///
    /// If there is no such call, if it fails, or if it takes more than five seconds.
    fn call(&self, method: &str, args: &[PeerArg]) -> Result<Reply>;

    /// Returns the port that the peer is bound to from the start.
    fn port(&self) -> u16;
}

/// An argument of a peer's call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeerArg {
    /// Data to send.
    Bytes(Vec<u8>),
    /// A port or a count.
    Number(i64),
}

/// The result of a peer's call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// No result: the call leaves no line in the trace.
    Nothing,
    /// Data received.
    Bytes(Vec<u8>),
    /// A word instead of data.
    Word(&'static str),
    /// A count, or 1 for yes and 0 for no.
    Number(i64),
    /// A port, which the trace shows by its name.
    Port(u16),
    /// A datagram, its sender and the sender's port.
    Datagram(Vec<u8>, IpAddr, u16),
}

fn loopback(options: &[PeerOption]) -> IpAddr {
    if options.contains(&PeerOption::Ipv6) {
        Ipv6Addr::LOCALHOST.into()
    } else {
        Ipv4Addr::LOCALHOST.into()
    }
}

/// Returns a socket bound to a free port of this address.
fn bound(address: IpAddr, kind: socket2::Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address((address, 0).into()), kind, None)?;
    socket.bind(&SocketAddr::new(address, 0).into())?;
    Ok(socket)
}

fn port_of(socket: &Socket) -> io::Result<u16> {
    let address = socket.local_addr()?.as_socket();
    address.map(|address| address.port()).ok_or_else(|| io::Error::other("a socket with no port"))
}

/// Repeats the call while it is interrupted or would block, until the time limit.
fn patiently<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let deadline = now() + PATIENCE;
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if now() >= deadline {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came for 5 s"));
                }
                simulation::sleep(Duration::from_millis(1));
            }
            done => return done,
        }
    }
}

fn unknown(kind: &str, method: &str, args: &[PeerArg]) -> Error {
    Error::new(format!("a {kind} has no call {method} with {} argument(s) like these", args.len()))
}
