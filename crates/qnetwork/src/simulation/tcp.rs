//! TCP between simulated hosts: what their kernels do.

use std::{collections::VecDeque, io::IoSlice, net::SocketAddr};

use qcore::event_loop::Readiness;

use super::{
    net::{Errno, Happening, Role, Sock, SocketId},
    world::{Event, Nanos, State},
};

/// How many bytes an end sends ahead of the other end's kernel.
const SEND_BUFFER: usize = 2_621_440;
/// How many bytes an end receives ahead of its program.
const RECEIVE_BUFFER: usize = 1_048_576;
/// The most bytes of a segment.
const SEGMENT: usize = 65_536;
/// The time after which a request for a connection is first repeated. The time doubles with each
/// repetition.
const FIRST_RETRY: Nanos = 1_000_000_000;
/// How often a request for a connection is repeated.
const RETRIES: u32 = 6;
/// How long a host looks for another one in its own network.
const UNREACHABLE: Nanos = 3_000_000_000;

/// One end of a connection.
pub(super) struct End {
    /// The other end's socket; `None` once the connection is over.
    peer: Option<SocketId>,
    pub(super) peer_address: SocketAddr,
    /// The listener whose queue this end waits in, or will wait in.
    waits_at: Option<SocketId>,
    /// Whether `connect` has reported the connection.
    is_reported: bool,
    out: VecDeque<u8>,
    /// The bytes on the way to the other host.
    in_transit: usize,
    /// The bytes that the other host has not acknowledged.
    unacknowledged: usize,
    /// Whether a write has found no room.
    is_full: bool,
    input: VecDeque<u8>,
    /// Whether this end sends no more after what is in `out`.
    fin_wanted: bool,
    fin_sent: bool,
    fin_received: bool,
    reads_no_more: bool,
    is_reset: bool,
    /// When the last of the segments arrives that are on their way to this end; `None` if none has
    /// been on its way yet. A sender may be gone before its segments arrive, so the receiver keeps
    /// their order.
    last_arrival: Option<Nanos>,
}

/// What one end sends to the other.
pub(super) enum Segment {
    /// The answer to a request for a connection.
    SynAck,
    /// The end of the handshake.
    Established,
    Data(Vec<u8>),
    /// So many bytes have arrived.
    Ack(usize),
    /// There is room in the receive buffer again.
    Window,
    Fin,
    Reset,
}

impl End {
    pub(super) fn new(
        peer: SocketId,
        peer_address: SocketAddr,
        waits_at: Option<SocketId>,
    ) -> Box<Self> {
        Box::new(End {
            peer: Some(peer),
            peer_address,
            waits_at,
            is_reported: false,
            out: VecDeque::new(),
            in_transit: 0,
            unacknowledged: 0,
            is_full: false,
            input: VecDeque::new(),
            fin_wanted: false,
            fin_sent: false,
            fin_received: false,
            reads_no_more: false,
            is_reset: false,
            last_arrival: None,
        })
    }

    fn room(&self) -> usize {
        SEND_BUFFER.saturating_sub(self.out.len() + self.unacknowledged)
    }

    pub(super) fn level(&self) -> Readiness {
        let mut level = Readiness::empty();
        let over = self.is_reset || (self.fin_received && self.fin_wanted);
        let ended = self.fin_received || self.reads_no_more || over;
        level.set(Readiness::READABLE, !self.input.is_empty() || ended);
        level.set(Readiness::READ_CLOSED, ended);
        level.set(Readiness::WRITABLE, over || self.fin_wanted || self.room() >= SEND_BUFFER / 3);
        level
    }

    pub(super) fn available(&self) -> usize {
        self.input.len()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_reset
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.fin_received || self.is_reset || self.reads_no_more
    }
}

impl State {
    // ---- calls of programs

    /// Starts connecting, or returns how that went.
    pub(super) fn connect(&mut self, id: SocketId, to: SocketAddr) -> Result<(), Errno> {
        let sock = self.sock(id);
        match &mut sock.role {
            Role::Idle => {}
            Role::Connecting(_) => return Err(libc::EALREADY),
            Role::Refused => {
                let error = sock.error.take().unwrap_or(libc::ECONNABORTED);
                sock.role = Role::Idle;
                if !sock.is_bound {
                    sock.local = None;
                }
                return Err(error);
            }
            Role::Listener(_) => return Err(libc::EISCONN),
            Role::Mailbox(_) => return self.connect_mailbox(id, to),
            Role::Stream(end) => {
                return match std::mem::replace(&mut end.is_reported, true) {
                    true => Err(libc::EISCONN),
                    false => match sock.error.take() {
                        Some(error) => Err(error),
                        None => Ok(()),
                    },
                };
            }
        }
        let (host, only_v6) = (sock.host, sock.only_v6);
        let mut to = sock.canonical(to)?;
        if only_v6 && to.is_ipv4() {
            return Err(libc::ENETUNREACH);
        }
        if to.ip().is_unspecified() {
            to.set_ip(match to.is_ipv4() {
                true => std::net::Ipv4Addr::LOCALHOST.into(),
                false => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let is_group =
            to.ip().is_multicast() || to.ip() == std::net::IpAddr::from([255, 255, 255, 255]);
        let source = self.net.source(host, to.ip()).filter(|_| !is_group);
        let source = source.ok_or(libc::ENETUNREACH)?;
        let local = match self.sock(id).local {
            Some(local) if local.ip().is_unspecified() => (source, local.port()).into(),
            Some(local) if local.is_ipv4() != to.is_ipv4() => return Err(libc::ENETUNREACH),
            Some(local) => local,
            None => {
                let port = self.free_port(id, source).map_err(|_| libc::EADDRNOTAVAIL)?;
                SocketAddr::from((source, port))
            }
        };
        let sock = self.sock(id);
        sock.local = Some(local);
        sock.role = Role::Connecting(to);
        self.note_socket(id, format_args!("connects to {to}"));
        self.send_syn(id, to, 0);
        Err(libc::EINPROGRESS)
    }

    /// Takes a connection from a listener's queue. The caller gives it a descriptor.
    pub(super) fn accept(&mut self, id: SocketId) -> Result<SocketId, Errno> {
        let Role::Listener(listener) = &mut self.sock(id).role else { return Err(libc::EINVAL) };
        let child = listener.queue.pop_front().ok_or(libc::EAGAIN)?;
        if let Some(end) = self.sock(child).end_mut() {
            end.waits_at = None;
            let peer = end.peer_address;
            self.note_socket(child, format_args!("accepted from {peer}"));
        }
        Ok(child)
    }

    pub(super) fn send(&mut self, id: SocketId, data: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let sock = self.sock(id);
        if let Role::Mailbox(_) = sock.role {
            let data = data.iter().flat_map(|part| part.iter().copied()).collect();
            return self.send_packet(id, data, None, None, None);
        }
        if let Some(error) = sock.error.take() {
            return Err(error);
        }
        let mut sent = 0;
        let sock = &self.net.sockets[&id];
        let peer = sock.end().filter(|end| sock.is_local && end.fin_received);
        let peer = peer.map(|end| end.peer.and_then(|peer| self.net.sockets.get(&peer)));
        // The other end of a local socket is known to be closed, and not only to send no more.
        if peer.is_some_and(|peer| peer.is_none_or(|peer| peer.owners == 0)) {
            return Err(libc::EPIPE);
        }
        let sock = self.sock(id);
        match &mut sock.role {
            Role::Stream(end) if end.fin_wanted || end.is_reset => return Err(libc::EPIPE),
            Role::Stream(_) => {}
            Role::Connecting(_) => return Err(libc::EAGAIN),
            _ => return Err(libc::EPIPE),
        }
        let mut parts = data.iter().map(|part| &**part).filter(|part| !part.is_empty());
        let mut part = parts.next();
        while let Some(rest) = part {
            let Some(end) = self.sock(id).end_mut() else { break };
            let count = end.room().min(rest.len());
            if count == 0 {
                end.is_full = true;
                break;
            }
            end.out.extend(&rest[..count]);
            sent += count;
            part = if count < rest.len() { Some(&rest[count..]) } else { parts.next() };
            self.transfer(id);
        }
        if sent == 0 && part.is_some() {
            return Err(libc::EAGAIN);
        }
        self.note_socket(id, format_args!("sends {sent} bytes"));
        Ok(sent)
    }

    pub(super) fn receive(
        &mut self,
        id: SocketId,
        room: &mut [u8],
        peeks: bool,
    ) -> Result<usize, Errno> {
        let sock = self.sock(id);
        if let Role::Mailbox(_) = sock.role {
            let packet = self.receive_packet(id, peeks)?;
            let count = packet.data.len().min(room.len());
            room[..count].copy_from_slice(&packet.data[..count]);
            return Ok(count);
        }
        let Role::Stream(end) = &mut sock.role else {
            if let Some(error) = sock.error.take() {
                return Err(error);
            }
            return match sock.role {
                Role::Connecting(_) => Err(libc::EAGAIN),
                _ => Err(libc::ENOTCONN),
            };
        };
        let count = end.input.len().min(room.len());
        if count == 0 {
            // The end of the stream came before any error.
            if !end.fin_received
                && let Some(error) = sock.error.take()
            {
                return Err(error);
            }
            return if end.is_at_end() || room.is_empty() { Ok(0) } else { Err(libc::EAGAIN) };
        }
        let (front, back) = end.input.as_slices();
        let from_front = front.len().min(count);
        room[..from_front].copy_from_slice(&front[..from_front]);
        room[from_front..count].copy_from_slice(&back[..count - from_front]);
        if peeks {
            return Ok(count);
        }
        let was_closed = end.input.len() >= RECEIVE_BUFFER / 2;
        end.input.drain(..count);
        let is_open = was_closed && end.input.len() < RECEIVE_BUFFER / 2;
        let peer = end.peer;
        self.note_socket(id, format_args!("receives {count} bytes"));
        if is_open && let Some(peer) = peer {
            self.transmit(id, peer, Segment::Window);
        }
        Ok(count)
    }

    pub(super) fn shut_down(&mut self, id: SocketId, how: std::net::Shutdown) -> Result<(), Errno> {
        let Some(end) = self.sock(id).end_mut().filter(|end| !end.is_reset) else {
            return Err(libc::ENOTCONN);
        };
        if how != std::net::Shutdown::Write {
            end.reads_no_more = true;
        }
        if how != std::net::Shutdown::Read {
            end.fin_wanted = true;
            self.note_socket(id, format_args!("shuts down writing"));
            self.transfer(id);
        }
        self.edge(id);
        Ok(())
    }

    /// Closes a socket whose last descriptor was closed.
    pub(super) fn close(&mut self, id: SocketId) {
        let Some(sock) = self.net.sockets.get_mut(&id) else { return };
        let resets = sock.resets_on_close;
        match &mut sock.role {
            Role::Idle | Role::Refused | Role::Connecting(_) | Role::Mailbox(_) => {
                self.net.sockets.remove(&id);
            }
            Role::Listener(listener) => {
                let queue = std::mem::take(&mut listener.queue);
                self.note_socket(id, format_args!("closes"));
                self.net.sockets.remove(&id);
                for child in queue {
                    self.reset_peer(child);
                    self.net.sockets.remove(&child);
                }
            }
            Role::Stream(end) if end.is_reset => {
                self.net.sockets.remove(&id);
            }
            Role::Stream(end) if resets || !end.input.is_empty() => {
                self.note_socket(id, format_args!("closes with a reset"));
                self.reset_peer(id);
                self.net.sockets.remove(&id);
            }
            Role::Stream(end) => {
                end.fin_wanted = true;
                self.note_socket(id, format_args!("closes"));
                self.transfer(id);
                self.remove_if_done(id);
            }
        }
    }

    fn reset_peer(&mut self, id: SocketId) {
        let peer = self.net.sockets.get_mut(&id).and_then(Sock::end_mut);
        if let Some(peer) = peer.and_then(|end| end.peer.take()) {
            self.transmit(id, peer, Segment::Reset);
        }
    }

    /// Removes an end without a descriptor once both directions have ended.
    pub(super) fn remove_if_done(&mut self, id: SocketId) {
        let Some(sock) = self.net.sockets.get(&id) else { return };
        let Some(end) = sock.end() else { return };
        let is_orphan = sock.owners == 0 && end.waits_at.is_none();
        let is_done = end.is_reset || (end.fin_sent && end.fin_received && !self.holds_of(id));
        if is_orphan && is_done {
            self.net.sockets.remove(&id);
        }
    }

    // ---- the handshake

    fn send_syn(&mut self, from: SocketId, to: SocketAddr, attempt: u32) {
        let host = self.net.sockets[&from].host;
        let Some(to_host) = self.net.route(host, to.ip()) else {
            let fail = Happening::Fail { socket: from, to, error: libc::EHOSTUNREACH };
            return self.schedule(self.now + UNREACHABLE, Event::Net(fail));
        };
        let syn = Happening::Syn { from, to_host, to, attempt };
        match self.delay(host, to_host, 0) {
            Some(0) => self.happen(syn),
            Some(delay) => self.schedule(self.now + delay, Event::Net(syn)),
            None => self.retry_syn(from, to, attempt),
        }
    }

    fn retry_syn(&mut self, from: SocketId, to: SocketAddr, attempt: u32) {
        let at = self.now + (FIRST_RETRY << attempt);
        let happening = if attempt < RETRIES {
            Happening::RetrySyn { from, to, attempt: attempt + 1 }
        } else {
            Happening::Fail { socket: from, to, error: libc::ETIMEDOUT }
        };
        self.schedule(at, Event::Net(happening));
    }

    /// Returns whether a socket is connecting to an address.
    fn is_connecting(&self, id: SocketId, to: SocketAddr) -> bool {
        let sock = self.net.sockets.get(&id);
        sock.is_some_and(|sock| matches!(sock.role, Role::Connecting(peer) if peer == to))
    }

    fn syn_arrives(&mut self, from: SocketId, to_host: usize, to: SocketAddr, attempt: u32) {
        if !self.is_connecting(from, to) {
            return;
        }
        let Some(local) = self.net.sockets[&from].local else { return };
        let Some(listener) = self.net.listener(to_host, to) else {
            return self.transmit_from_host(to_host, from, Segment::Reset);
        };
        let sock = self.sock(listener);
        let (is_v6, reuse) = (sock.is_v6, sock.reuse);
        let Role::Listener(queue) = &mut sock.role else { return };
        if queue.queue.len() + queue.half_open > queue.backlog {
            // The queue is full: the request is lost, and the client repeats it.
            return self.retry_syn(from, to, attempt);
        }
        queue.half_open += 1;
        let mut child = Sock::new(to_host, is_v6, true, 0);
        child.owners = 0;
        child.reuse = reuse;
        child.local = Some(to);
        child.role = Role::Stream(End::new(from, local, Some(listener)));
        let child = self.net.add(child);
        if let Some(end) = self.sock(child).end_mut() {
            end.is_reported = true;
        }
        self.transmit(child, from, Segment::SynAck);
    }

    fn syn_ack_arrives(&mut self, child: SocketId, client: SocketId) {
        let sock = self.net.sockets.get_mut(&client);
        let Some(Role::Connecting(to)) = sock.as_ref().map(|sock| &sock.role) else {
            // The client has given up.
            return self.reset_of(child);
        };
        let role = Role::Stream(End::new(child, *to, None));
        self.sock(client).role = role;
        self.note_socket(client, format_args!("is connected"));
        self.edge(client);
        self.transmit(client, child, Segment::Established);
    }

    fn established_arrives(&mut self, child: SocketId) {
        let end = self.net.sockets.get(&child).and_then(Sock::end);
        let Some(listener) = end.and_then(|end| end.waits_at) else { return };
        let sock = self.net.sockets.get_mut(&listener);
        let Some(Role::Listener(queue)) = sock.map(|sock| &mut sock.role) else {
            self.reset_peer(child);
            self.net.sockets.remove(&child);
            return;
        };
        queue.half_open -= 1;
        queue.queue.push_back(child);
        self.edge(listener);
    }

    /// A half-open connection has come to nothing.
    fn reset_of(&mut self, child: SocketId) {
        let end = self.net.sockets.get(&child).and_then(Sock::end);
        let listener = end.and_then(|end| end.waits_at);
        let sock = listener.and_then(|listener| self.net.sockets.get_mut(&listener));
        if let Some(Role::Listener(queue)) = sock.map(|sock| &mut sock.role) {
            queue.half_open -= 1;
        }
        self.net.sockets.remove(&child);
    }

    // ---- segments

    /// Sends what the send buffer holds and the other end has room for.
    fn transfer(&mut self, id: SocketId) {
        loop {
            let Some(end) = self.net.sockets.get(&id).and_then(Sock::end) else { return };
            let Some(peer) = end.peer else { return };
            let (waiting, in_transit) = (end.out.len(), end.in_transit);
            if waiting > 0 {
                let other = self.net.sockets.get(&peer);
                let used = match other.map(|other| &other.role) {
                    Some(Role::Stream(other)) => other.input.len(),
                    // The other end answers with a reset.
                    _ => 0,
                };
                let window = RECEIVE_BUFFER.saturating_sub(used + in_transit);
                let count = waiting.min(window).min(SEGMENT);
                if count == 0 {
                    return;
                }
                let Some(end) = self.sock(id).end_mut() else { return };
                let data: Vec<u8> = end.out.drain(..count).collect();
                end.in_transit += count;
                end.unacknowledged += count;
                self.transmit(id, peer, Segment::Data(data));
                continue;
            }
            if end.fin_wanted && !end.fin_sent {
                if let Some(end) = self.sock(id).end_mut() {
                    end.fin_sent = true;
                }
                self.transmit(id, peer, Segment::Fin);
            }
            return;
        }
    }

    /// Sends a segment from one end to the other. Segments arrive in their order.
    pub(super) fn transmit(&mut self, from: SocketId, to: SocketId, segment: Segment) {
        let Some(sock) = self.net.sockets.get(&from) else { return };
        let Some(other) = self.net.sockets.get(&to) else {
            // The other end no longer exists. Its host answers data with a reset.
            if matches!(segment, Segment::Data(_)) {
                self.segment_arrives(to, from, Segment::Reset);
            }
            return;
        };
        let size = if let Segment::Data(data) = &segment { data.len() } else { 0 };
        let (host, to_host) = (sock.host, other.host);
        let Some(segment) = self.hold(from, to, (host, to_host), segment) else { return };
        let delay = self.reliable_delay(host, to_host, size);
        self.send_in_order(from, to, segment, delay);
    }

    /// Sends a segment that no socket has sent.
    pub(super) fn transmit_from_host(&mut self, host: usize, to: SocketId, segment: Segment) {
        let Some(to_host) = self.net.sockets.get(&to).map(|sock| sock.host) else { return };
        let Some(segment) = self.hold(0, to, (host, to_host), segment) else { return };
        let delay = self.reliable_delay(host, to_host, 0);
        self.send_in_order(0, to, segment, delay);
    }

    /// Lets a segment arrive after this time, and after those on their way to the same end.
    fn send_in_order(&mut self, from: SocketId, to: SocketId, segment: Segment, delay: Nanos) {
        let earliest = self.now + delay;
        let last = self.net.sockets.get_mut(&to).and_then(Sock::end_mut);
        let last = last.map(|end| &mut end.last_arrival);
        let before = last.as_ref().and_then(|last| **last).filter(|before| *before >= earliest);
        if delay == 0 && before.is_none() {
            return self.segment_arrives(from, to, segment);
        }
        let at = before.unwrap_or(earliest);
        if let Some(last) = last {
            *last = Some(at);
        }
        self.schedule(at, Event::Net(Happening::Segment { from, to, segment }));
    }

    fn segment_arrives(&mut self, from: SocketId, to: SocketId, segment: Segment) {
        match segment {
            Segment::SynAck => self.syn_ack_arrives(from, to),
            Segment::Established => self.established_arrives(to),
            Segment::Data(data) => self.data_arrives(from, to, data),
            Segment::Ack(count) => {
                let Some(end) = self.net.sockets.get_mut(&to).and_then(Sock::end_mut) else {
                    return;
                };
                end.unacknowledged = end.unacknowledged.saturating_sub(count);
                if end.is_full && end.room() >= SEND_BUFFER / 3 {
                    end.is_full = false;
                    self.edge(to);
                }
            }
            Segment::Window => self.transfer(to),
            Segment::Fin => {
                let end = self.net.sockets.get_mut(&to).and_then(Sock::end_mut);
                // After a reset, what arrives changes nothing.
                let Some(end) = end.filter(|end| !end.is_reset) else { return };
                end.fin_received = true;
                self.edge(to);
                self.remove_if_done(to);
            }
            Segment::Reset => self.reset_arrives(to),
        }
    }

    fn data_arrives(&mut self, from: SocketId, to: SocketId, data: Vec<u8>) {
        let count = data.len();
        if let Some(end) = self.net.sockets.get_mut(&from).and_then(Sock::end_mut) {
            end.in_transit -= count;
        }
        let receives = match self.net.sockets.get_mut(&to) {
            Some(sock) => {
                let is_owned = sock.owners > 0;
                match sock.end_mut() {
                    Some(end) if !end.is_reset && (is_owned || end.waits_at.is_some()) => {
                        if !end.reads_no_more {
                            end.input.extend(data);
                        }
                        true
                    }
                    _ => false,
                }
            }
            None => false,
        };
        if !receives {
            // Nobody can ever read it.
            if let Some(sock) = self.net.sockets.get(&to) {
                let (host, is_owned) = (sock.host, sock.owners > 0);
                let waits = sock.end().is_some_and(|end| end.waits_at.is_some());
                // A program still has the socket of a connection that was reset, or will accept it.
                if !is_owned && !waits {
                    self.net.sockets.remove(&to);
                }
                self.transmit_from_host(host, from, Segment::Reset);
            } else {
                self.segment_arrives(to, from, Segment::Reset);
            }
            return;
        }
        self.transmit(to, from, Segment::Ack(count));
        self.edge(to);
        // The other end may have more to send than one window.
        self.transfer(from);
    }

    fn reset_arrives(&mut self, to: SocketId) {
        let Some(sock) = self.net.sockets.get_mut(&to) else { return };
        match &mut sock.role {
            Role::Connecting(_) => {
                sock.role = Role::Refused;
                sock.error = Some(libc::ECONNREFUSED);
                self.note_socket(to, format_args!("is refused"));
            }
            Role::Stream(end) if !end.is_reset => {
                end.is_reset = true;
                end.peer = None;
                end.out.clear();
                end.unacknowledged = 0;
                let error = if end.fin_received { libc::EPIPE } else { libc::ECONNRESET };
                sock.error = Some(error);
                self.note_socket(to, format_args!("is reset"));
            }
            _ => return,
        }
        self.edge(to);
        self.remove_if_done(to);
    }

    /// Ends a connection whose other end does not answer any more.
    pub(super) fn times_out(&mut self, id: SocketId) {
        let Some(sock) = self.net.sockets.get_mut(&id) else { return };
        let Some(end) = sock.end_mut().filter(|end| !end.is_reset) else { return };
        end.is_reset = true;
        end.peer = None;
        end.out.clear();
        sock.error = Some(libc::ETIMEDOUT);
        self.note_socket(id, format_args!("times out"));
        self.edge(id);
        self.remove_if_done(id);
    }

    /// Resets all connections between two hosts, as a router between them could.
    pub(super) fn reset_between(&mut self, a: usize, b: usize) {
        let ends: Vec<(SocketId, SocketId)> = self
            .net
            .sockets
            .iter()
            .filter(|(_, sock)| sock.host == a)
            .filter_map(|(id, sock)| Some((*id, sock.end()?.peer?)))
            .collect();
        for (id, peer) in ends {
            if self.net.sockets.get(&peer).is_some_and(|sock| sock.host == b) {
                self.reset_arrives(id);
                self.reset_arrives(peer);
            }
        }
    }

    // ---- events

    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Segment { from, to, segment } => self.segment_arrives(from, to, segment),
            Happening::Syn { from, to_host, to, attempt } => {
                self.syn_arrives(from, to_host, to, attempt);
            }
            Happening::RetrySyn { from, to, attempt } => {
                if self.is_connecting(from, to) {
                    self.send_syn(from, to, attempt);
                }
            }
            Happening::Packet { host, sender, packet } => self.packet_arrives(host, sender, packet),
            Happening::Unreachable { sender, to } => self.refusal_arrives(sender, to),
            Happening::GiveUp { from, to, since } => self.give_up(from, to, since),
            Happening::Fail { socket, to, error } => {
                if self.is_connecting(socket, to) {
                    let sock = self.sock(socket);
                    sock.role = Role::Refused;
                    sock.error = Some(error);
                    self.edge(socket);
                }
            }
        }
    }
}
