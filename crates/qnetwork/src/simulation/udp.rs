//! UDP between simulated hosts.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use qcore::event_loop::Readiness;

use super::{
    net::{Errno, Happening, Role, Sock, SocketId},
    world::{Event, State},
};

/// How much a socket keeps for its program, in bytes. Each datagram counts [`OVERHEAD`] more.
const RECEIVE_BUFFER: usize = 212_992;
const OVERHEAD: usize = 512;
/// The most bytes of a datagram, for IPv4 and for IPv6.
const LARGEST: (usize, usize) = (65_507, 65_527);
/// The hop limit of datagrams for one host and for a group.
const HOPS: (i32, i32) = (64, 1);

/// A socket for datagrams.
#[derive(Default)]
pub(super) struct Mailbox {
    queue: VecDeque<Packet>,
    /// How many bytes the queue counts.
    size: usize,
    pub(super) peer: Option<SocketAddr>,
    /// The groups that the socket has joined.
    groups: Vec<IpAddr>,
    /// When it was bound, compared with others.
    order: u64,
}

/// A datagram, with addresses in their own form.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) data: Vec<u8>,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) hops: i32,
    /// The index of the interface through which it has come.
    pub(crate) interface: u32,
}

impl Mailbox {
    pub(super) fn level(&self) -> Readiness {
        let mut level = Readiness::WRITABLE;
        level.set(Readiness::READABLE, !self.queue.is_empty());
        level
    }

    pub(super) fn available(&self) -> usize {
        self.queue.front().map_or(0, |packet| packet.data.len())
    }
}

impl Sock {
    fn mailbox(&mut self) -> Result<&mut Mailbox, Errno> {
        match &mut self.role {
            Role::Mailbox(mailbox) => Ok(mailbox),
            _ => Err(libc::EOPNOTSUPP),
        }
    }
}

impl State {
    /// Connects a socket for datagrams, which is done at once.
    pub(super) fn connect_mailbox(&mut self, id: SocketId, to: SocketAddr) -> Result<(), Errno> {
        let to = self.sock(id).canonical(to)?;
        let (to, local) = self.way(id, to, None)?;
        let sock = self.sock(id);
        sock.local = Some(local);
        let mailbox = sock.mailbox()?;
        mailbox.peer = Some(to);
        Ok(())
    }

    /// Returns where a datagram goes, and the address that it comes from. Assigns a port.
    fn way(
        &mut self,
        id: SocketId,
        mut to: SocketAddr,
        from: Option<IpAddr>,
    ) -> Result<(SocketAddr, SocketAddr), Errno> {
        let sock = self.sock(id);
        if sock.only_v6 && to.is_ipv4() {
            return Err(libc::ENETUNREACH);
        }
        let (host, local) = (sock.host, sock.local);
        if to.ip().is_unspecified() {
            to.set_ip(match to.is_ipv4() {
                true => Ipv4Addr::LOCALHOST.into(),
                false => Ipv6Addr::LOCALHOST.into(),
            });
        }
        if local.is_some_and(|at| !at.ip().is_unspecified() && at.is_ipv4() != to.is_ipv4()) {
            return Err(libc::ENETUNREACH);
        }
        if from.is_some_and(|from| !self.net.has(host, from)) {
            return Err(libc::EINVAL);
        }
        let bound = local.map(|at| at.ip()).filter(|ip| !ip.is_unspecified());
        let source = from.or(bound).or_else(|| self.net.source(host, to.ip()));
        let source = source.ok_or(libc::ENETUNREACH)?;
        if to.ip().is_loopback() != source.is_loopback() && !self.net.has(host, to.ip()) {
            return Err(if source.is_loopback() { libc::EINVAL } else { libc::ENETUNREACH });
        }
        let port = match local {
            Some(local) => local.port(),
            None => {
                let at = self.sock(id).local_shown().ip();
                let port = self.free_port(id, at).map_err(|_| libc::EAGAIN)?;
                let any = if at.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { at };
                self.sock(id).local = Some((any, port).into());
                self.note_mailbox(id);
                port
            }
        };
        Ok((to, (source, port).into()))
    }

    /// Notes that a socket for datagrams has got a port.
    pub(super) fn note_mailbox(&mut self, id: SocketId) {
        let order = self.net.next_order();
        if let Ok(mailbox) = self.sock(id).mailbox() {
            mailbox.order = order;
        }
    }

    /// Sends a datagram: to an address, or to the peer of a connected socket.
    pub(super) fn send_packet(
        &mut self,
        id: SocketId,
        data: Vec<u8>,
        to: Option<SocketAddr>,
        from: Option<IpAddr>,
        hops: Option<i32>,
    ) -> Result<usize, Errno> {
        let sock = self.sock(id);
        if let Some(error) = sock.error.take() {
            return Err(error);
        }
        let peer = sock.mailbox()?.peer;
        let to = match to {
            Some(to) => sock.canonical(to)?,
            None => peer.ok_or(libc::EDESTADDRREQ)?,
        };
        if to.port() == 0 {
            return Err(libc::EINVAL);
        }
        let (to, from) = self.way(id, to, from)?;
        let largest = if to.is_ipv4() { LARGEST.0 } else { LARGEST.1 };
        if data.len() > largest {
            return Err(libc::EMSGSIZE);
        }
        let size = data.len();
        let is_group = to.ip().is_multicast();
        let hops = hops.unwrap_or(if is_group { HOPS.1 } else { HOPS.0 });
        self.note_socket(id, format_args!("sends a datagram of {size} bytes to {to}"));
        let host = self.sock(id).host;
        let hosts: Vec<usize> = if is_group || to.ip() == IpAddr::V4(Ipv4Addr::BROADCAST) {
            (0..self.net.hosts.len()).collect()
        } else {
            self.net.route(host, to.ip()).into_iter().collect()
        };
        for to_host in hosts {
            let interface = if from.ip().is_loopback() { 1 } else { 2 };
            let packet = Packet { data: data.clone(), from, to, hops, interface };
            self.carry(host, to_host, id, packet);
        }
        Ok(size)
    }

    /// Lets the network carry a datagram.
    fn carry(&mut self, host: usize, to_host: usize, sender: SocketId, packet: Packet) {
        for delay in self.delays(host, to_host, packet.data.len()) {
            let packet = packet.clone();
            if delay == 0 {
                self.packet_arrives(to_host, sender, packet);
            } else {
                let happening = Happening::Packet { host: to_host, sender, packet };
                self.schedule(self.now + delay, Event::Net(happening));
            }
        }
    }

    pub(super) fn packet_arrives(&mut self, host: usize, sender: SocketId, packet: Packet) {
        let (to, from) = (packet.to, packet.from);
        let is_group = to.ip().is_multicast();
        let for_all = is_group || to.ip() == IpAddr::V4(Ipv4Addr::BROADCAST);
        // How well a socket fits: connected to the sender, at this address, at any.
        let fit = |sock: &Sock| {
            let (Role::Mailbox(mailbox), Some(at)) = (&sock.role, sock.local) else { return None };
            if sock.host != host || at.port() != to.port() {
                return None;
            }
            let is_any = at.ip().is_unspecified()
                && (at.is_ipv4() == to.is_ipv4() || (at.is_ipv6() && !sock.only_v6));
            let exact = at.ip() == to.ip();
            if !exact && !is_any || (is_group && !mailbox.groups.contains(&to.ip())) {
                return None;
            }
            match mailbox.peer {
                Some(peer) if peer != from => None,
                peer => Some((peer.is_some(), exact, mailbox.order)),
            }
        };
        let mut found: Vec<_> =
            self.net.sockets.iter().filter_map(|(id, sock)| Some((fit(sock)?, *id))).collect();
        if !for_all {
            found.sort_unstable();
            found.drain(..found.len().saturating_sub(1));
        }
        if found.is_empty() && !for_all {
            return self.unreachable(host, sender, to);
        }
        for (_, id) in found {
            let Ok(mailbox) = self.sock(id).mailbox() else { continue };
            let size = packet.data.len() + OVERHEAD;
            if mailbox.size + size > RECEIVE_BUFFER {
                self.note_socket(id, format_args!("has no room for a datagram"));
                continue;
            }
            mailbox.size += size;
            mailbox.queue.push_back(packet.clone());
            self.edge(id);
        }
    }

    /// Tells a connected sender that nobody receives at an address.
    fn unreachable(&mut self, host: usize, sender: SocketId, to: SocketAddr) {
        let Some(sender_host) = self.net.sockets.get(&sender).map(|sock| sock.host) else { return };
        match self.delays(host, sender_host, 0).first() {
            Some(0) => self.refusal_arrives(sender, to),
            Some(delay) => {
                let happening = Happening::Unreachable { sender, to };
                self.schedule(self.now + delay, Event::Net(happening));
            }
            None => {}
        }
    }

    pub(super) fn refusal_arrives(&mut self, sender: SocketId, to: SocketAddr) {
        let Some(sock) = self.net.sockets.get_mut(&sender) else { return };
        if sock.mailbox().is_ok_and(|mailbox| mailbox.peer == Some(to)) {
            sock.error = Some(libc::ECONNREFUSED);
            self.edge(sender);
        }
    }

    /// Takes a datagram, or copies it.
    pub(super) fn receive_packet(&mut self, id: SocketId, peeks: bool) -> Result<Packet, Errno> {
        let sock = self.sock(id);
        if let Some(error) = sock.error.take() {
            return Err(error);
        }
        let mailbox = sock.mailbox()?;
        if peeks {
            return mailbox.queue.front().cloned().ok_or(libc::EAGAIN);
        }
        let packet = mailbox.queue.pop_front().ok_or(libc::EAGAIN)?;
        mailbox.size -= packet.data.len() + OVERHEAD;
        let count = packet.data.len();
        self.note_socket(id, format_args!("receives a datagram of {count} bytes"));
        Ok(packet)
    }

    pub(super) fn join(&mut self, id: SocketId, group: IpAddr) -> Result<(), Errno> {
        if !group.is_multicast() {
            return Err(libc::EINVAL);
        }
        let sock = self.sock(id);
        if group.is_ipv6() && !sock.is_v6 {
            return Err(libc::ENOPROTOOPT);
        }
        let mailbox = sock.mailbox()?;
        if mailbox.groups.contains(&group) {
            return Err(libc::EADDRINUSE);
        }
        mailbox.groups.push(group);
        Ok(())
    }

    pub(super) fn leave(&mut self, id: SocketId, group: IpAddr) -> Result<(), Errno> {
        let mailbox = self.sock(id).mailbox()?;
        let at = mailbox.groups.iter().position(|joined| *joined == group);
        mailbox.groups.remove(at.ok_or(libc::EADDRNOTAVAIL)?);
        Ok(())
    }
}
