//! The hosts of a world and their sockets: addresses, ports, readiness.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::RawFd,
    sync::Arc,
    time::Duration,
};

use mio::Token;
use qcore::event_loop::Readiness;

use super::{
    faults::Faults,
    link::Links,
    tcp::{End, Segment},
    udp::{Mailbox, Packet},
    unix::LocalName,
    world::{Nanos, State},
};

/// The number of a socket. No two sockets of a world have the same.
pub(super) type SocketId = u64;

/// The number of an error of the operating system.
pub(super) type Errno = i32;

/// The ports that the system assigns.
const EPHEMERAL: std::ops::Range<u64> = 32768..60999;

/// Everything that the kernels of the hosts know.
#[derive(Default)]
pub(super) struct Net {
    pub(super) hosts: Vec<HostEntry>,
    pub(super) sockets: BTreeMap<SocketId, Sock>,
    next: SocketId,
    orders: u64,
    /// The descriptors that have left their [`Socket`](super::Socket). Nothing tells when they are
    /// closed, so the world checks them.
    pub(super) given: Vec<Given>,
    /// Names that are not those of hosts.
    pub(super) names: BTreeMap<String, Vec<IpAddr>>,
    /// How long look-ups of a name take, for IPv4 and for IPv6.
    pub(super) lookup_times: BTreeMap<String, [Duration; 2]>,
    pub(super) links: Links,
}

pub(super) struct HostEntry {
    pub(super) name: String,
    pub(super) addresses: Vec<IpAddr>,
    values: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    pub(super) faults: Faults,
    /// Until when its programs do not run.
    pub(super) frozen_until: Nanos,
}

impl HostEntry {
    pub(super) fn new(name: &str, address: IpAddr) -> Self {
        HostEntry {
            name: name.to_owned(),
            addresses: vec![address],
            values: BTreeMap::new(),
            faults: Faults::default(),
            frozen_until: 0,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) fd: RawFd,
    pub(super) inode: u64,
    pub(super) socket: SocketId,
}

/// What a kernel knows of a socket.
pub(super) struct Sock {
    pub(super) host: usize,
    pub(super) is_v6: bool,
    pub(super) is_stream: bool,
    /// Whether it is a local socket.
    pub(super) is_local: bool,
    pub(super) local_name: Option<LocalName>,
    pub(super) inode: u64,
    /// How many descriptors there are.
    pub(super) owners: u32,
    pub(super) nonblocking: bool,
    pub(super) reuse: bool,
    pub(super) only_v6: bool,
    pub(super) resets_on_close: bool,
    pub(super) read_timeout: Option<Duration>,
    /// The local address, with IPv4 addresses in their own form.
    pub(super) local: Option<SocketAddr>,
    /// Whether the program has chosen the port.
    pub(super) is_bound: bool,
    pub(super) error: Option<Errno>,
    /// The program that watches the socket, and the token of the source there.
    pub(super) watch: Option<(usize, Token)>,
    /// What the program wants to know.
    interest: Readiness,
    /// Whether the watching program has an event of this socket.
    queued: bool,
    pub(super) role: Role,
}

pub(super) enum Role {
    Idle,
    Listener(Listener),
    /// A connection is being made to this address.
    Connecting(SocketAddr),
    /// The attempt to connect has failed; the error says why.
    Refused,
    Stream(Box<End>),
    /// A socket for datagrams.
    Mailbox(Box<Mailbox>),
}

pub(super) struct Listener {
    pub(super) backlog: usize,
    pub(super) queue: VecDeque<SocketId>,
    /// Connections whose handshake is not over.
    pub(super) half_open: usize,
}

/// Something that the network does.
pub(super) enum Happening {
    /// A segment arrives at a connection's end.
    Segment { from: SocketId, to: SocketId, segment: Segment },
    /// A request for a connection arrives at a host.
    Syn { from: SocketId, to_host: usize, to: SocketAddr, attempt: u32 },
    /// A request for a connection is repeated, or given up.
    RetrySyn { from: SocketId, to: SocketAddr, attempt: u32 },
    /// A datagram arrives at a host.
    Packet { host: usize, sender: SocketId, packet: Packet },
    /// A host has answered that nobody receives at an address.
    Unreachable { sender: SocketId, to: SocketAddr },
    /// What has waited for a link to be repaired has waited too long.
    GiveUp { from: SocketId, to: SocketId, since: Nanos },
    /// An attempt to connect fails.
    Fail { socket: SocketId, to: SocketAddr, error: Errno },
}

impl Sock {
    pub(super) fn new(host: usize, is_v6: bool, is_stream: bool, inode: u64) -> Self {
        Sock {
            host,
            is_v6,
            is_stream,
            is_local: false,
            local_name: None,
            inode,
            owners: 1,
            nonblocking: false,
            reuse: false,
            only_v6: false,
            resets_on_close: false,
            read_timeout: None,
            local: None,
            is_bound: false,
            error: None,
            watch: None,
            interest: Readiness::all(),
            queued: false,
            role: if is_stream { Role::Idle } else { Role::Mailbox(Box::default()) },
        }
    }

    /// Returns an address in the form that a socket of this family has.
    pub(super) fn shown(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(v4) if self.is_v6 && v4.is_unspecified() => {
                (Ipv6Addr::UNSPECIFIED, address.port()).into()
            }
            IpAddr::V4(v4) if self.is_v6 => (v4.to_ipv6_mapped(), address.port()).into(),
            _ => address,
        }
    }

    /// Returns how many bytes the next read returns at most.
    pub(super) fn available(&self) -> usize {
        match &self.role {
            Role::Stream(end) => end.available(),
            Role::Mailbox(mailbox) => mailbox.available(),
            _ => 0,
        }
    }

    /// Returns the address of the other end of a connection.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match &self.role {
            Role::Stream(end) if !end.is_over() => Some(self.shown(end.peer_address)),
            Role::Mailbox(mailbox) => mailbox.peer.map(|peer| self.shown(peer)),
            _ => None,
        }
    }

    pub(super) fn local_shown(&self) -> SocketAddr {
        match self.local {
            Some(local) => self.shown(local),
            None if self.is_v6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
            None => (Ipv4Addr::UNSPECIFIED, 0).into(),
        }
    }

    /// Converts an address that a program gives to the canonical form.
    pub(super) fn canonical(&self, address: SocketAddr) -> Result<SocketAddr, Errno> {
        match (self.is_v6, address.ip()) {
            (false, IpAddr::V6(_)) => Err(libc::EAFNOSUPPORT),
            (true, IpAddr::V4(_)) => Err(libc::EINVAL),
            (true, IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
                Some(v4) => Ok((v4, address.port()).into()),
                None => Ok((v6, address.port()).into()),
            },
            (false, IpAddr::V4(v4)) => Ok((v4, address.port()).into()),
        }
    }

    pub(super) fn is_listening(&self) -> bool {
        matches!(self.role, Role::Listener(_))
    }

    pub(super) fn end(&self) -> Option<&End> {
        match &self.role {
            Role::Stream(end) => Some(end),
            _ => None,
        }
    }

    pub(super) fn end_mut(&mut self) -> Option<&mut End> {
        match &mut self.role {
            Role::Stream(end) => Some(end),
            _ => None,
        }
    }

    /// Returns what the socket is ready for now.
    fn level(&self) -> Readiness {
        let over = Readiness::READABLE | Readiness::WRITABLE | Readiness::READ_CLOSED;
        match &self.role {
            Role::Idle => Readiness::WRITABLE | Readiness::READ_CLOSED,
            Role::Listener(listener) if listener.queue.is_empty() => Readiness::empty(),
            Role::Listener(_) => Readiness::READABLE,
            Role::Connecting(_) => Readiness::empty(),
            Role::Refused => over,
            Role::Stream(_) | Role::Mailbox(_) if self.error.is_some() => over,
            Role::Mailbox(mailbox) => mailbox.level(),
            Role::Stream(end) => end.level(),
        }
    }

    /// Returns whether a read would not block.
    pub(super) fn is_readable(&self) -> bool {
        self.level().intersects(Readiness::READABLE | Readiness::READ_CLOSED)
    }
}

impl Net {
    pub(super) fn add(&mut self, sock: Sock) -> SocketId {
        self.next += 1;
        self.sockets.insert(self.next, sock);
        self.next
    }

    /// Returns a number that is higher than those before.
    pub(super) fn next_order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    /// Finds the socket of a descriptor by its inode.
    pub(super) fn find(&self, inode: u64) -> Option<SocketId> {
        let mut sockets = self.sockets.iter();
        sockets.find(|(_, sock)| sock.inode == inode && sock.owners > 0).map(|(id, _)| *id)
    }

    /// Takes the event of a socket for the program that watches it.
    pub(super) fn take_event(&mut self, socket: SocketId, of: usize) -> Option<(Token, Readiness)> {
        let sock = self.sockets.get_mut(&socket)?;
        let (program, token) = sock.watch?;
        if program != of || !std::mem::take(&mut sock.queued) {
            return None;
        }
        let level = sock.level() & sock.interest;
        (!level.is_empty()).then_some((token, level))
    }

    /// Returns whether a host has an address.
    pub(super) fn has(&self, host: usize, address: IpAddr) -> bool {
        address.is_loopback() || self.hosts[host].addresses.contains(&address)
    }

    /// Returns the host that a packet from `host` to `address` reaches.
    pub(super) fn route(&self, host: usize, address: IpAddr) -> Option<usize> {
        if self.has(host, address) {
            return Some(host);
        }
        self.hosts.iter().position(|other| other.addresses.contains(&address))
    }

    /// Returns the address from which `host` sends to `address`.
    pub(super) fn source(&self, host: usize, address: IpAddr) -> Option<IpAddr> {
        match address {
            IpAddr::V4(v4) if v4.is_loopback() => Some(Ipv4Addr::LOCALHOST.into()),
            _ if self.has(host, address) => Some(address),
            _ => {
                let mut own = self.hosts[host].addresses.iter();
                own.find(|own| own.is_ipv4() == address.is_ipv4()).copied()
            }
        }
    }

    /// Returns the listener for connections to an address.
    pub(super) fn listener(&self, host: usize, to: SocketAddr) -> Option<SocketId> {
        let listens = |sock: &Sock| {
            let at = sock.local?;
            if !sock.is_listening() || sock.host != host || at.port() != to.port() {
                return None;
            }
            if at.ip() == to.ip() {
                return Some(0);
            }
            let any = at.ip().is_unspecified()
                && (at.is_ipv4() == to.is_ipv4() || (at.is_ipv6() && !sock.only_v6));
            any.then_some(1)
        };
        let found = self.sockets.iter().filter_map(|(id, sock)| Some((listens(sock)?, *id)));
        found.min().map(|(_, id)| id)
    }

    /// Returns whether two sockets with these addresses at the same port get the same packets.
    fn overlap(a: (IpAddr, bool), b: (IpAddr, bool)) -> bool {
        match (a.0, b.0) {
            (IpAddr::V4(x), IpAddr::V4(y)) => x == y || x.is_unspecified() || y.is_unspecified(),
            (IpAddr::V6(x), IpAddr::V6(y)) => x == y || x.is_unspecified() || y.is_unspecified(),
            (IpAddr::V4(_), IpAddr::V6(v6)) => v6.is_unspecified() && !b.1,
            (IpAddr::V6(v6), IpAddr::V4(_)) => v6.is_unspecified() && !a.1,
        }
    }

    /// Returns whether another socket prevents this one from having an address.
    fn is_taken(&self, id: SocketId, at: SocketAddr, listens: bool) -> bool {
        let this = &self.sockets[&id];
        self.sockets.iter().any(|(other_id, other)| {
            let Some(local) = other.local else { return false };
            let shared = this.reuse && other.reuse && !(other.is_listening() && this.is_stream);
            let concerns = if listens { other.is_listening() } else { !shared };
            *other_id != id
                && other.host == this.host
                && other.is_stream == this.is_stream
                && local.port() == at.port()
                && concerns
                && Net::overlap((at.ip(), this.only_v6), (local.ip(), other.only_v6))
        })
    }

    /// Returns the addresses of a name.
    pub(super) fn addresses_of(&self, host: usize, name: &str) -> Vec<IpAddr> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if name == "localhost" {
            return vec![Ipv4Addr::LOCALHOST.into()];
        }
        if let Some(addresses) = self.names.get(&name) {
            return addresses.clone();
        }
        let own = |entry: &&HostEntry| entry.name.eq_ignore_ascii_case(&name);
        match self.hosts.iter().find(own) {
            Some(entry) if !entry.addresses.is_empty() => entry.addresses.clone(),
            Some(_) if self.hosts[host].name.eq_ignore_ascii_case(&name) => {
                vec![Ipv4Addr::LOCALHOST.into()]
            }
            _ => Vec::new(),
        }
    }

    /// Returns the value of a type that a host has, and creates it at first use.
    pub(super) fn of_host<T: Default + Send + Sync + 'static>(&mut self, host: usize) -> Arc<T> {
        let values = &mut self.hosts[host].values;
        let value = values.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        value.clone().downcast().unwrap_or_else(|_| unreachable!("stored under its own type"))
    }

    /// Returns the name of an address.
    pub(super) fn name_of(&self, address: IpAddr) -> Option<String> {
        if address.is_loopback() {
            return Some("localhost".to_owned());
        }
        let entry = self.hosts.iter().find(|entry| entry.addresses.contains(&address))?;
        Some(entry.name.clone())
    }
}

impl State {
    pub(super) fn sock(&mut self, id: SocketId) -> &mut Sock {
        self.net.sockets.get_mut(&id).expect("a socket with a descriptor exists")
    }

    /// Notes that something has happened to a socket.
    pub(super) fn edge(&mut self, id: SocketId) {
        let Some(sock) = self.net.sockets.get_mut(&id) else { return };
        let watcher = match sock.watch {
            Some((program, _)) if !std::mem::replace(&mut sock.queued, true) => Some(program),
            _ => None,
        };
        self.notify(id, watcher);
    }

    pub(super) fn watch(&mut self, id: SocketId, program: usize, token: Token, writes: bool) {
        let sock = self.sock(id);
        sock.watch = Some((program, token));
        sock.interest = Readiness::all();
        sock.interest.set(Readiness::WRITABLE, writes);
        sock.queued = false;
        if !(sock.level() & sock.interest).is_empty() {
            self.edge(id);
        }
    }

    pub(super) fn unwatch(&mut self, id: SocketId) {
        if let Some(sock) = self.net.sockets.get_mut(&id) {
            sock.watch = None;
        }
    }

    // ---- addresses

    pub(super) fn bind(&mut self, id: SocketId, at: SocketAddr) -> Result<(), Errno> {
        let sock = self.sock(id);
        if sock.local.is_some() {
            return Err(libc::EINVAL);
        }
        let mut at = sock.canonical(at)?;
        let (host, is_v6, only_v6) = (sock.host, sock.is_v6, sock.only_v6);
        if is_v6 && only_v6 && at.is_ipv4() {
            return Err(libc::EINVAL);
        }
        let is_group = at.ip().is_multicast() && !self.sock(id).is_stream;
        if !at.ip().is_unspecified() && !is_group && !self.net.has(host, at.ip()) {
            return Err(libc::EADDRNOTAVAIL);
        }
        if at.port() == 0 {
            at.set_port(self.free_port(id, at.ip())?);
        } else if self.net.is_taken(id, at, false) {
            return Err(libc::EADDRINUSE);
        }
        let sock = self.sock(id);
        (sock.local, sock.is_bound) = (Some(at), true);
        self.note_mailbox(id);
        Ok(())
    }

    pub(super) fn free_port(&mut self, id: SocketId, address: IpAddr) -> Result<u16, Errno> {
        let count = EPHEMERAL.end - EPHEMERAL.start;
        let first = self.random.below(count);
        for step in 0..count {
            let port = (EPHEMERAL.start + (first + step) % count) as u16;
            let host = self.net.sockets[&id].host;
            // As on Linux, a port that any socket has is not assigned.
            let used = self.net.sockets.values().any(|other| {
                other.host == host && other.local.is_some_and(|local| local.port() == port)
            });
            if !used && !self.net.is_taken(id, (address, port).into(), false) {
                return Ok(port);
            }
        }
        Err(libc::EADDRINUSE)
    }

    pub(super) fn listen(&mut self, id: SocketId, backlog: i32) -> Result<(), Errno> {
        let sock = self.sock(id);
        let backlog = usize::try_from(backlog).unwrap_or(0);
        match &mut sock.role {
            Role::Idle if sock.is_stream => {}
            Role::Listener(listener) => {
                listener.backlog = backlog;
                return Ok(());
            }
            _ if sock.is_stream => return Err(libc::EINVAL),
            _ => return Err(libc::EOPNOTSUPP),
        }
        if sock.is_local {
            sock.role = Role::Listener(Listener { backlog, queue: VecDeque::new(), half_open: 0 });
            self.note_socket(id, format_args!("listens"));
            return Ok(());
        }
        if sock.local.is_none() {
            let any: SocketAddr = sock.local_shown();
            self.bind(id, any)?;
        }
        let sock = self.sock(id);
        let Some(at) = sock.local else { return Err(libc::EINVAL) };
        if self.net.is_taken(id, at, true) {
            return Err(libc::EADDRINUSE);
        }
        let listener = Listener { backlog, queue: VecDeque::new(), half_open: 0 };
        self.sock(id).role = Role::Listener(listener);
        self.note_socket(id, format_args!("listens at {at}"));
        Ok(())
    }

    /// Adds a line about a socket to the log.
    pub(super) fn note_socket(&mut self, id: SocketId, what: std::fmt::Arguments<'_>) {
        let host = self.net.sockets.get(&id).map(|sock| sock.host);
        let name = host.map_or("?", |host| &*self.net.hosts[host].name).to_owned();
        self.log_line(format_args!("{name} socket {id} {what}"));
    }

    // ---- descriptors

    /// Notes that a descriptor was closed.
    pub(super) fn release(&mut self, id: SocketId) {
        let Some(sock) = self.net.sockets.get_mut(&id) else { return };
        sock.owners = sock.owners.saturating_sub(1);
        if sock.owners == 0 {
            sock.watch = None;
            self.close(id);
        }
    }

    /// Closes the sockets whose descriptors the program has closed by itself.
    pub(super) fn collect_closed(&mut self) {
        if self.net.given.is_empty() {
            return;
        }
        let (open, closed) = std::mem::take(&mut self.net.given)
            .into_iter()
            .partition(|given| inode(given.fd) == Some(given.inode));
        self.net.given = open;
        for given in closed {
            self.release(given.socket);
        }
    }
}

/// Returns the inode of a descriptor, which identifies a socket as long as it exists.
pub(super) fn inode(fd: RawFd) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    Some(std::fs::metadata(format!("/dev/fd/{fd}")).ok()?.ino())
}
