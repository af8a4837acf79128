//! [`Socket`]: a socket of the simulated network, or of the operating system.

use std::{
    fmt,
    io::{self, IoSlice, Read, Write},
    mem::MaybeUninit,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::Arc,
    time::Duration,
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use qcore::event_loop::Registration;
use socket2::{Domain, Protocol, SockAddr, Type};

use super::{
    faults::Call,
    net::{Errno, Given, Sock, SocketId, inode},
    udp::Packet,
    unix::LocalName,
    world::{State, World, with_current},
};

#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: libc::c_int = libc::MSG_NOSIGNAL;
// Here a socket option does the same.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: libc::c_int = 0;

/// The most bytes of a packet.
const MTU: i32 = 65_536;

/// A raw socket for the peers in a test, without signals.
///
/// In a program of a [`Simulation`](super::Simulation) it is a socket of the simulated network.
/// Elsewhere it is a socket of the operating system. Its functions have the names and meanings of
/// the functions in the crate `socket2`. While a call blocks, other programs run and simulated time
/// passes.
///
/// # Examples
///
/// ```
/// use std::{io::Write, net::SocketAddr};
/// use qnetwork::{QHostAddress, QTcpServer, simulation::{Simulation, Socket}};
/// use socket2::{Domain, Type};
///
/// Simulation::new(1).run(|_| {
///     let server = QTcpServer::new();
///     server.listen(QHostAddress::LocalHost, 80).unwrap();
///     let peer = Socket::new(Domain::IPV4, Type::STREAM, None)?;
///     peer.connect(&SocketAddr::from(([127, 0, 0, 1], 80)).into())?;
///     (&peer).write_all(b"hello")?;
///
///     server.wait_for_new_connection(1000).unwrap();
///     let socket = server.next_pending_connection().unwrap();
///     socket.wait_for_ready_read(1000).unwrap();
///     assert_eq!(socket.read_all(), b"hello");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub struct Socket {
    // The fields are dropped in this order.
    simulated: Option<Simulated>,
    /// A socket of the operating system. That of a simulated one is never connected: it has the
    /// number of the descriptor and the options.
    real: socket2::Socket,
}

/// A socket in a world.
struct Simulated {
    world: Arc<World>,
    id: SocketId,
    /// Whether the descriptor was given away.
    is_given: bool,
}

impl Simulated {
    fn new(world: &Arc<World>, id: SocketId) -> Self {
        Simulated { world: world.clone(), id, is_given: false }
    }

    fn is_local(&self) -> bool {
        self.with(|state, id| state.sock(id).is_local)
    }

    fn with<V>(&self, call: impl FnOnce(&mut State, SocketId) -> V) -> V {
        call(&mut self.world.lock(), self.id)
    }

    /// Calls `call` until it does not fail with "would block", or only once if the socket does not
    /// block.
    fn patiently<V>(
        &self,
        mut call: impl FnMut(&mut State, SocketId) -> Result<V, Errno>,
    ) -> io::Result<V> {
        let mut until = None;
        loop {
            let mut state = self.world.lock();
            let called = call(&mut state, self.id);
            let sock = state.sock(self.id);
            if !matches!(called, Err(libc::EAGAIN)) || sock.nonblocking {
                return called.map_err(io::Error::from_raw_os_error);
            }
            let timeout = sock.read_timeout.map(super::world::nanos);
            let now = state.now;
            drop(state);
            let end = *until.get_or_insert(timeout.map(|timeout| now.saturating_add(timeout)));
            if end.is_some_and(|end| end <= now) {
                return Err(io::Error::from_raw_os_error(libc::EAGAIN));
            }
            self.wait(end)?;
        }
    }

    /// Lets the program of this thread wait for an event of this socket.
    fn wait(&self, until: Option<u64>) -> io::Result<()> {
        let waited = with_current(|turn| self.world.wait(turn.program, until, Some(self.id)));
        waited.ok_or_else(|| io::Error::other("only a program of the simulation can wait"))
    }
}

impl Socket {
    /// Creates a socket.
    ///
    /// # Errors
    ///
    /// The error of the operating system. The simulation has only sockets for TCP and UDP, and
    /// local stream sockets.
    pub fn new(domain: Domain, kind: Type, protocol: Option<Protocol>) -> io::Result<Self> {
        let fault = with_current(|turn| turn.world.lock().open_fault(turn.host));
        if let Some(error) = fault.flatten() {
            return Err(io::Error::from_raw_os_error(error));
        }
        let real = socket2::Socket::new(domain, kind, protocol)?;
        let simulated = with_current(|turn| {
            let is_inet = matches!(domain, Domain::IPV4 | Domain::IPV6)
                && matches!(kind, Type::STREAM | Type::DGRAM);
            let is_local = domain == Domain::UNIX && kind == Type::STREAM;
            if !is_inet && !is_local {
                return Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT));
            }
            let number = inode(real.as_raw_fd()).ok_or(io::ErrorKind::Other)?;
            let is_v6 = domain == Domain::IPV6;
            let mut sock = Sock::new(turn.host, is_v6, kind == Type::STREAM, number);
            sock.is_local = is_local;
            sock.only_v6 = is_v6 && real.only_v6().unwrap_or(false);
            let id = turn.world.lock().net.add(sock);
            Ok(Simulated::new(&turn.world, id))
        });
        Ok(Socket { real, simulated: simulated.transpose()? })
    }

    // ---- addresses

    /// Gives the socket a local address.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn bind(&self, address: &SockAddr) -> io::Result<()> {
        match &self.simulated {
            None => self.real.bind(address),
            Some(it) if it.is_local() => {
                self.real.bind(address)?;
                let name = LocalName::of(address).map_err(io::Error::from_raw_os_error)?;
                self.set(|sock| sock.local_name = Some(name));
                Ok(())
            }
            Some(it) => {
                let address = inet(address)?;
                it.with(|state, id| state.bind(id, address)).map_err(io::Error::from_raw_os_error)
            }
        }
    }

    /// Returns the local address.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        match &self.simulated {
            None => self.real.local_addr(),
            Some(it) if it.is_local() => self.real.local_addr(),
            Some(it) => Ok(it.with(|state, id| state.sock(id).local_shown()).into()),
        }
    }

    /// Returns the address of the other end.
    ///
    /// # Errors
    ///
    /// The error of the operating system; `ENOTCONN` if the socket is not connected.
    pub fn peer_addr(&self) -> io::Result<SockAddr> {
        let Some(it) = &self.simulated else { return self.real.peer_addr() };
        let peer = it.with(|state, id| state.sock(id).peer());
        peer.map(SockAddr::from).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOTCONN))
    }

    // ---- connections

    /// Makes the socket listen.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        match &self.simulated {
            None => self.real.listen(backlog),
            Some(it) => {
                it.with(|state, id| state.listen(id, backlog)).map_err(io::Error::from_raw_os_error)
            }
        }
    }

    /// Returns whether a simulated socket listens.
    pub(crate) fn simulated_listens(&self) -> Option<bool> {
        let it = self.simulated.as_ref()?;
        Some(it.with(|state, id| state.sock(id).is_listening()))
    }

    /// Accepts a connection, which is close-on-exec and in blocking mode.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn accept(&self) -> io::Result<(Socket, SockAddr)> {
        let Some(it) = &self.simulated else {
            let (real, address) = self.real.accept()?;
            return Ok((Socket { real, simulated: None }, address));
        };
        let domain = it.with(|state, id| match state.sock(id) {
            sock if sock.is_local => Domain::UNIX,
            sock if sock.is_v6 => Domain::IPV6,
            _ => Domain::IPV4,
        });
        let mut made: Option<(socket2::Socket, u64)> = None;
        let id = it.patiently(|state, id| {
            if state.sock(id).is_readable()
                && let Some(error) = state.socket_fault(id, Call::Accept)
            {
                return Err(error);
            }
            if made.is_none() && state.sock(id).is_readable() {
                let errno = |error: io::Error| error.raw_os_error().unwrap_or(libc::EMFILE);
                let real = socket2::Socket::new(domain, Type::STREAM, None).map_err(errno)?;
                let number = inode(real.as_raw_fd()).ok_or(libc::EMFILE)?;
                made = Some((real, number));
            }
            state.accept(id)
        })?;
        let (real, number) = made.ok_or(io::ErrorKind::WouldBlock)?;
        let peer = it.with(|state, _| {
            let sock = state.sock(id);
            (sock.inode, sock.owners) = (number, 1);
            let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            sock.end().map_or(nowhere, |end| sock.shown(end.peer_address))
        });
        let simulated = Some(Simulated::new(&it.world, id));
        Ok((Socket { real, simulated }, peer.into()))
    }

    /// Connects to an address.
    ///
    /// # Errors
    ///
    /// The error of the operating system; `EINPROGRESS` if the socket does not block.
    pub fn connect(&self, address: &SockAddr) -> io::Result<()> {
        let Some(it) = &self.simulated else { return self.real.connect(address) };
        if it.is_local() {
            let to = LocalName::of(address).map_err(io::Error::from_raw_os_error)?;
            return it
                .with(|state, id| state.connect_local(id, &to))
                .map_err(io::Error::from_raw_os_error);
        }
        let address = inet(address)?;
        loop {
            let mut state = it.world.lock();
            let connected = state.connect(it.id, address);
            let nonblocking = state.sock(it.id).nonblocking;
            drop(state);
            match connected {
                // It may have been done within the call.
                Err(libc::EINPROGRESS) if !nonblocking => {}
                Err(libc::EALREADY) if !nonblocking => it.wait(None)?,
                other => return other.map_err(io::Error::from_raw_os_error),
            }
        }
    }

    /// Connects to an address within a time.
    ///
    /// # Errors
    ///
    /// The error of the operating system; `TimedOut` after the time.
    pub fn connect_timeout(&self, address: &SockAddr, timeout: Duration) -> io::Result<()> {
        let Some(it) = &self.simulated else { return self.real.connect_timeout(address, timeout) };
        let address = inet(address)?;
        let until = it.world.lock().now.saturating_add(super::world::nanos(timeout));
        loop {
            let mut state = it.world.lock();
            let (connected, now) = (state.connect(it.id, address), state.now);
            drop(state);
            match connected {
                Err(libc::EINPROGRESS) => {}
                Err(libc::EALREADY) if now >= until => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(libc::EALREADY) => it.wait(Some(until))?,
                other => return other.map_err(io::Error::from_raw_os_error),
            }
        }
    }

    /// Returns and clears the stored error of the socket (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        match &self.simulated {
            None => self.real.take_error(),
            Some(it) => {
                let error = it.with(|state, id| state.sock(id).error.take());
                Ok(error.map(io::Error::from_raw_os_error))
            }
        }
    }

    /// Ends one direction of the connection, or both.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match &self.simulated {
            None => self.real.shutdown(how),
            Some(it) => {
                it.with(|state, id| state.shut_down(id, how)).map_err(io::Error::from_raw_os_error)
            }
        }
    }

    // ---- data

    /// Copies data that can be read, without removing it.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn peek(&self, room: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let Some(it) = &self.simulated else { return self.real.peek(room) };
        let mut data = vec![0; room.len()];
        let count = it.patiently(|state, id| state.receive(id, &mut data, true))?;
        for (to, from) in room.iter_mut().zip(&data[..count]) {
            to.write(*from);
        }
        Ok(count)
    }

    /// Sends a datagram to an address.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn send_to(&self, data: &[u8], to: &SockAddr) -> io::Result<usize> {
        let Some(it) = &self.simulated else { return self.real.send_to(data, to) };
        let to = Some(inet(to)?);
        it.patiently(|state, id| state.send_packet(id, data.to_vec(), to, None, None))
    }

    /// Receives into room that need not be initialized.
    pub(crate) fn recv(&self, room: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let Some(it) = &self.simulated else { return self.real.recv(room) };
        let mut bytes = Vec::new();
        let count = it.patiently(|state, id| {
            let there = state.sock(id).available();
            bytes.resize(there.max(1).min(room.len()), 0);
            receive(state, id, &mut bytes)
        })?;
        for (slot, byte) in room.iter_mut().zip(&bytes[..count]) {
            slot.write(*byte);
        }
        Ok(count)
    }

    /// Receives a datagram. Returns its size and its sender.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn recv_from(&self, room: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        if let Some(it) = &self.simulated {
            let packet = it.patiently(|state, id| state.receive_packet(id, false))?;
            let count = packet.data.len().min(room.len());
            room[..count].copy_from_slice(&packet.data[..count]);
            return Ok((count, it.with(|state, id| state.sock(id).shown(packet.from)).into()));
        }
        let from = self.real.peek_sender()?;
        Ok(((&self.real).read(room)?, from))
    }

    /// Sends data without a signal if the connection has ended.
    pub(crate) fn send_slices(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.simulated {
            None => self.real.send_vectored_with_flags(data, NO_SIGNAL),
            Some(it) => it.patiently(|state, id| send(state, id, data)),
        }
    }

    /// Returns whether the socket is one of a simulation.
    #[cfg(feature = "tasks")]
    pub(crate) fn is_simulated(&self) -> bool {
        self.simulated.is_some()
    }

    /// Returns the most bytes of a packet on the path of a simulated socket, if it is connected.
    pub(crate) fn simulated_mtu(&self) -> Option<i32> {
        let it = self.simulated.as_ref()?;
        it.with(|state, id| state.sock(id).peer().map(|_| MTU))
    }

    /// Returns how many bytes can be read from a simulated socket.
    pub(crate) fn simulated_available(&self) -> Option<usize> {
        let it = self.simulated.as_ref()?;
        Some(it.with(|state, id| state.sock(id).available()))
    }

    /// Returns whether a read would not block, if the socket is simulated.
    pub(crate) fn simulated_input(&self) -> Option<bool> {
        let it = self.simulated.as_ref()?;
        Some(it.with(|state, id| state.sock(id).is_readable()))
    }

    /// Returns whether a read, or `accept` of a listening socket, would not block.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn is_readable(&self) -> io::Result<bool> {
        match &self.simulated {
            None => {
                let mut poll = Poll::new()?;
                let fd = self.real.as_raw_fd();
                poll.registry().register(&mut SourceFd(&fd), Token(0), Interest::READABLE)?;
                let mut events = Events::with_capacity(1);
                poll.poll(&mut events, Some(Duration::ZERO))?;
                Ok(!events.is_empty())
            }
            Some(it) => Ok(it.with(|state, id| state.sock(id).is_readable())),
        }
    }

    /// Receives a datagram of a simulated socket, without waiting.
    pub(crate) fn simulated_packet(&self) -> Option<io::Result<Packet>> {
        let it = self.simulated.as_ref()?;
        let received = it.with(|state, id| {
            if let Some(error) = state.socket_fault(id, Call::Read) {
                return Err(error);
            }
            let mut packet = state.receive_packet(id, false)?;
            let sock = state.sock(id);
            (packet.from, packet.to) = (sock.shown(packet.from), sock.shown(packet.to));
            Ok(packet)
        });
        Some(received.map_err(io::Error::from_raw_os_error))
    }

    /// Stores the error again that a peer has caused: the next call returns it. Calls cause other
    /// errors once more.
    pub(crate) fn keep_error(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            self.set(|sock| sock.error = error.raw_os_error());
        }
    }

    /// Sends a datagram from a simulated socket.
    pub(crate) fn simulated_send(
        &self,
        data: &[u8],
        to: Option<SocketAddr>,
        from: Option<IpAddr>,
        hops: Option<i32>,
    ) -> Option<io::Result<usize>> {
        let it = self.simulated.as_ref()?;
        let sent = it.with(|state, id| match state.socket_fault(id, Call::Write) {
            // The loop does not report when there is room for datagrams.
            Some(error) if error != libc::EAGAIN => Err(error),
            _ => state.send_packet(id, data.to_vec(), to, from, hops),
        });
        Some(sent.map_err(io::Error::from_raw_os_error))
    }

    // ---- options

    /// Sets whether calls fail with "would block" instead of waiting.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.real.set_nonblocking(nonblocking)?;
        self.set(|sock| sock.nonblocking = nonblocking);
        Ok(())
    }

    /// Sets whether the socket can be bound to an address that an old connection still has
    /// (`SO_REUSEADDR`).
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn set_reuse_address(&self, reuse: bool) -> io::Result<()> {
        self.real.set_reuse_address(reuse)?;
        self.set(|sock| sock.reuse = reuse);
        Ok(())
    }

    /// Sets whether an IPv6 socket refuses IPv4 (`IPV6_V6ONLY`).
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn set_only_v6(&self, only_v6: bool) -> io::Result<()> {
        self.real.set_only_v6(only_v6)?;
        self.set(|sock| sock.only_v6 = only_v6);
        Ok(())
    }

    /// Sets what happens when the socket is closed. With `Some(Duration::ZERO)`, closing resets the
    /// connection. The simulation ignores other durations: closing returns at once, and the kernel
    /// sends the unsent bytes later.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.real.set_linger(linger)?;
        self.set(|sock| sock.resets_on_close = linger == Some(Duration::ZERO));
        Ok(())
    }

    /// Sets how long a blocking read waits at most. With `None`, the default, it waits for ever.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.real.set_read_timeout(timeout)?;
        self.set(|sock| sock.read_timeout = timeout);
        Ok(())
    }

    fn set(&self, set: impl FnOnce(&mut Sock)) {
        if let Some(it) = &self.simulated {
            it.with(|state, id| set(state.sock(id)));
        }
    }

    // ---- the loop

    /// Returns what a loop watches of the socket.
    pub(crate) fn watched(&self) -> Watched {
        let simulated = self.simulated.as_ref().map(|it| (it.world.clone(), it.id));
        Watched { fd: self.as_raw_fd(), simulated }
    }
}

/// What a loop watches of a socket.
pub(crate) struct Watched {
    fd: RawFd,
    simulated: Option<(Arc<World>, SocketId)>,
}

impl Watched {
    /// Registers the socket with a loop.
    pub(crate) fn register(&self, to: &Registration, interest: Interest) -> io::Result<()> {
        let Some((world, id)) = &self.simulated else {
            return to.register(&mut SourceFd(&self.fd), interest);
        };
        let program = with_current(|turn| turn.program).ok_or(io::ErrorKind::Unsupported)?;
        world.lock().watch(*id, program, to.token(), interest.is_writable());
        Ok(())
    }

    /// Removes the socket from a loop.
    pub(crate) fn deregister(&self, from: &Registration) {
        match &self.simulated {
            None => from.deregister(&mut SourceFd(&self.fd)),
            Some((world, id)) => world.lock().unwatch(*id),
        }
    }
}

/// The functions of `socket2` that need no simulation, because the descriptor has the options.
macro_rules! forward {
    ($(fn $name:ident(&self $(, $arg:ident: $kind:ty)*) -> $result:ty;)*) => {
        #[allow(dead_code)]
        impl Socket {
            $(pub(crate) fn $name(&self $(, $arg: $kind)*) -> io::Result<$result> {
                self.real.$name($($arg),*)
            })*
        }
    };
}

forward! {
    fn r#type(&self) -> Type;
    fn only_v6(&self) -> bool;
    fn set_cloexec(&self, on: bool) -> ();
    fn set_out_of_band_inline(&self, on: bool) -> ();
    fn set_broadcast(&self, on: bool) -> ();
    fn multicast_if_v4(&self) -> Ipv4Addr;
    fn set_multicast_if_v4(&self, by: &Ipv4Addr) -> ();
    fn multicast_if_v6(&self) -> u32;
    fn set_multicast_if_v6(&self, by: u32) -> ();
}

/// Groups. Each host of the simulation has one network, whatever the interface.
macro_rules! groups {
    ($(fn $name:ident(&self, $group:ty, $by:ty) by $call:ident;)*) => {
        impl Socket {
            $(pub(crate) fn $name(&self, group: &$group, by: $by) -> io::Result<()> {
                match &self.simulated {
                    None => self.real.$name(group, by),
                    Some(it) => it
                        .with(|state, id| state.$call(id, (*group).into()))
                        .map_err(io::Error::from_raw_os_error),
                }
            })*
        }
    };
}

groups! {
    fn join_multicast_v4(&self, Ipv4Addr, &Ipv4Addr) by join;
    fn leave_multicast_v4(&self, Ipv4Addr, &Ipv4Addr) by leave;
    fn join_multicast_v6(&self, Ipv6Addr, u32) by join;
    fn leave_multicast_v6(&self, Ipv6Addr, u32) by leave;
}

/// Sends data, unless the call has a fault.
fn send(state: &mut State, id: SocketId, data: &[IoSlice<'_>]) -> Result<usize, Errno> {
    if let Some(error) = state.socket_fault(id, Call::Write) {
        return Err(error);
    }
    let total = data.iter().map(|part| part.len()).sum();
    let count =
        if state.sock(id).is_stream { state.shorten(id, Call::Write, total) } else { total };
    if count == total {
        return state.send(id, data);
    }
    let mut left = count;
    let mut parts = Vec::new();
    for part in data {
        let taken = part.len().min(left);
        left -= taken;
        parts.push(IoSlice::new(&part[..taken]));
    }
    let sent = state.send(id, &parts);
    // There is room again.
    state.edge(id);
    sent
}

/// Receives data, unless the call has a fault.
fn receive(state: &mut State, id: SocketId, room: &mut [u8]) -> Result<usize, Errno> {
    if let Some(error) = state.socket_fault(id, Call::Read) {
        return Err(error);
    }
    let sock = state.sock(id);
    let there = sock.available().min(room.len());
    let count = if sock.is_stream { state.shorten(id, Call::Read, there) } else { there };
    if count == there {
        return state.receive(id, room, false);
    }
    let received = state.receive(id, &mut room[..count], false);
    // The rest arrives now.
    state.edge(id);
    received
}

fn inet(address: &SockAddr) -> io::Result<SocketAddr> {
    address.as_socket().ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
}

impl Read for &Socket {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match &self.simulated {
            None => (&self.real).read(room),
            Some(it) => it.patiently(|state, id| receive(state, id, room)),
        }
    }
}

impl Write for &Socket {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send_slices(&[IoSlice::new(data)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.real.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.real.as_raw_fd()
    }
}

/// Closes the simulated socket. The owner gives the number of the descriptor back afterwards.
impl Drop for Simulated {
    fn drop(&mut self) {
        if !self.is_given {
            self.world.lock().release(self.id);
        }
    }
}

/// Takes over a descriptor. One that comes from a socket of this simulation is that socket again.
impl From<OwnedFd> for Socket {
    fn from(descriptor: OwnedFd) -> Self {
        let real = socket2::Socket::from(descriptor);
        let simulated = with_current(|turn| {
            let number = inode(real.as_raw_fd())?;
            let mut state = turn.world.lock();
            let id = state.net.find(number)?;
            let fd = real.as_raw_fd();
            let is_it = |given: &Given| given.fd == fd && given.inode == number;
            match state.net.given.iter().position(is_it) {
                Some(at) => drop(state.net.given.swap_remove(at)),
                // A duplicate of the descriptor.
                None => state.sock(id).owners += 1,
            }
            Some(Simulated::new(&turn.world, id))
        });
        Socket { real, simulated: simulated.flatten() }
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> OwnedFd {
        let Socket { real, simulated } = socket;
        if let Some(mut it) = simulated {
            let fd = real.as_raw_fd();
            it.with(|state, id| {
                let inode = state.sock(id).inode;
                state.net.given.push(Given { fd, inode, socket: id });
            });
            it.is_given = true;
        }
        real.into()
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("fd", &self.as_raw_fd())
            .field("simulated", &self.simulated.is_some())
            .finish()
    }
}
