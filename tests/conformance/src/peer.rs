//! Ends of connections that have no Qt in them: blocking calls on sockets of the system.
//!
//! Nothing here belongs to the event loop's thread, as `meanwhile` calls a peer from another one. What
//! a call waits for it waits for with no lock held, so that the two threads never wait for each other.

mod tcp;
mod udp;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use socket2::{Domain, Socket};

pub(crate) use self::{tcp::TcpPeer, udp::UdpPeer};
use crate::{
    error::{Error, Result},
    syntax::PeerOption,
};

/// What a call waits for at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that a scenario calls a peer.
pub(crate) trait Peer: Send + Sync {
    /// Makes a call and waits for its end.
    ///
    /// # Errors
    ///
    /// If there is no such call, if it fails, or if it takes over five seconds.
    fn call(&self, method: &str, args: &[PeerArg]) -> Result<Reply>;

    /// The port that it is bound to from the start.
    fn port(&self) -> u16;
}

/// What a peer's call is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeerArg {
    /// Data to send.
    Bytes(Vec<u8>),
    /// A port or a count.
    Number(i64),
}

/// What a peer's call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Nothing at all: the call leaves no line.
    Nothing,
    /// Data received.
    Bytes(Vec<u8>),
    /// A word instead of data.
    Word(&'static str),
    /// A count, or yes as 1 and no as 0.
    Number(i64),
    /// A port, to be written by its name.
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

/// A socket with a free port of this address.
fn bound(address: IpAddr, kind: socket2::Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address((address, 0).into()), kind, None)?;
    socket.bind(&SocketAddr::new(address, 0).into())?;
    Ok(socket)
}

fn port_of(socket: &Socket) -> io::Result<u16> {
    let address = socket.local_addr()?.as_socket();
    address.map(|address| address.port()).ok_or_else(|| io::Error::other("a socket with no port"))
}

/// Whether a call would not wait. A socket that can never be read counts as one that can, as it does
/// for `select`.
fn is_readable(socket: &Socket) -> io::Result<bool> {
    let mut poll = Poll::new()?;
    let fd = socket.as_fd().as_raw_fd();
    poll.registry().register(&mut SourceFd(&fd), Token(0), Interest::READABLE)?;
    let mut events = Events::with_capacity(1);
    poll.poll(&mut events, Some(Duration::ZERO))?;
    Ok(!events.is_empty())
}

/// Does it again while it is interrupted or would block, for as long as patience lasts.
fn patiently<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if Instant::now() >= deadline {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came for 5 s"));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            done => return done,
        }
    }
}

fn unknown(kind: &str, method: &str, args: &[PeerArg]) -> Error {
    Error::new(format!("a {kind} has no call {method} with {} argument(s) like these", args.len()))
}
