//! Datagrams over the operating system's socket.

use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
};

use qcore::Dispatcher;
use smallvec::SmallVec;
use socket2::Socket;

use super::{
    Engine, NativeEngine, Outcome, Stage, named,
    read_ahead::{Arenas, ReadAhead},
};
use crate::{
    NetworkLayerProtocol, QHostAddress, QNetworkDatagram, QNetworkInterface, SocketError,
    SocketErrorKind,
    sys::{
        self,
        datagrams::{Arrival, BATCH, Departure},
    },
};

/// The functions that only engines for datagrams have.
pub(crate) trait Datagrams {
    /// Returns whether there is a datagram. Asks the system if none was read ahead. An error counts
    /// as no datagram and is dropped, as when Qt peeks.
    fn has_pending(&self) -> bool;

    /// Returns the size of the first datagram in bytes. Treats errors like
    /// [`has_pending`](Datagrams::has_pending).
    fn pending_size(&self) -> Option<usize>;

    /// Passes the first datagram to `take` and removes it. Returns `false` if there is none.
    fn receive(&self, take: &mut dyn FnMut(&Incoming<'_>)) -> Result<bool, SocketError>;

    /// Returns whether a slot that takes all datagrams should ask for more. It should not if the
    /// system has just reported that there are no more, unless such questions have paid off lately.
    /// It should not either after it has taken very many.
    fn may_have_more(&self) -> bool;

    /// Returns shared memory after a slot has run.
    fn settle(&self);

    /// Sends a datagram to an address. Returns `false` if the system has no room now.
    fn send(&self, data: &[u8], to: &QHostAddress, port: u16) -> Result<bool, SocketError>;

    /// Sends datagrams until one fails. Returns how many were sent. Fewer than all without an error
    /// means that the system has no room now.
    fn send_all(&self, datagrams: &[QNetworkDatagram]) -> (usize, Option<SocketError>);

    fn join(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError>;

    fn leave(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError>;

    /// Returns the interface for outgoing multicast datagrams; an invalid one if the system
    /// chooses.
    fn multicast_interface(&self) -> QNetworkInterface;

    fn set_multicast_interface(&self, interface: &QNetworkInterface) -> Result<(), SocketError>;
}

/// A received datagram that is lent to a callback.
pub(crate) struct Incoming<'a> {
    pub(crate) data: &'a [u8],
    arrival: &'a Arrival,
    local_port: u16,
}

impl<'a> Incoming<'a> {
    /// Creates a relayed datagram, of which only the sender is known.
    pub(super) fn relayed(data: &'a [u8], arrival: &'a Arrival) -> Self {
        Incoming { data, arrival, local_port: 0 }
    }
}

impl Incoming<'_> {
    /// Returns the sender's address and port.
    pub(crate) fn sender(&self) -> (QHostAddress, u16) {
        self.arrival.from.as_ref().map(named).unwrap_or_default()
    }

    /// Copies the datagram's data and addresses to `datagram`, with at most `max_size` bytes of
    /// data.
    pub(crate) fn write_to(&self, datagram: &mut QNetworkDatagram, max_size: usize) {
        let path = &self.arrival.path;
        let (sender, port) = self.sender();
        let mut destination = path.destination.map(QHostAddress::from).unwrap_or_default();
        if path.destination.is_some_and(|to| to.is_ipv6()) && path.interface != 0 {
            // The scope id is the number and not the name, as in Qt.
            destination.set_scope_id(&path.interface.to_string());
        }
        datagram.refill(&self.data[..self.data.len().min(max_size)]);
        datagram.set_sender(sender, port);
        datagram.set_destination(destination, self.local_port);
        datagram.set_interface_index(path.interface);
        datagram.set_hop_limit(path.hops.unwrap_or(-1));
    }
}

/// The additional state of a native engine for datagrams.
pub(super) struct DatagramState {
    ahead: RefCell<ReadAhead>,
    /// An error that reading ahead met and nobody has been told of yet.
    error: RefCell<Option<io::Error>>,
    pub(super) local_port: Cell<u16>,
    /// The system has reported that there are no more datagrams, and no event has come since.
    drained: Cell<bool>,
    guess: Guess,
    /// How many datagrams were taken since the loop called the socket.
    taken: Cell<u32>,
}

/// How many datagrams a slot may take before other sockets get their turn.
const BUDGET: u32 = 1024;

/// Decides whether to ask the system for datagrams that the poll has not reported.
///
/// If the peer runs on the same processor and each datagram is answered at once, the next one is
/// often there before the poll is asked. Asking early then saves a call of the poll. If there is no
/// datagram, the early question is one call too many. The guess repeats what would have paid off
/// lately.
#[derive(Default)]
struct Guess {
    /// How many unsuccessful questions are still allowed.
    trust: Cell<u8>,
    /// How many questions were skipped since the last one.
    passed: Cell<u8>,
    asking: Cell<bool>,
}

impl Guess {
    /// How many unsuccessful questions in a row end the asking.
    const TRUST: u8 = 8;

    /// Returns whether to ask. Now and then it tries even after failures.
    fn asks(&self) -> bool {
        let passed = self.passed.get().wrapping_add(1);
        let asks = self.trust.get() > 0 || passed == 0;
        self.asking.set(asks);
        self.passed.set(if asks { 0 } else { passed });
        asks
    }

    /// Learns from the system's answer.
    fn learn(&self, found: bool) {
        if self.asking.replace(false) {
            self.trust.set(if found { Self::TRUST } else { self.trust.get().saturating_sub(1) });
        }
    }
}

impl DatagramState {
    pub(super) fn new(dispatcher: &Rc<Dispatcher>) -> Self {
        DatagramState {
            ahead: RefCell::new(ReadAhead::new(dispatcher.local::<Arenas>())),
            error: RefCell::default(),
            local_port: Cell::new(0),
            drained: Cell::new(false),
            guess: Guess::default(),
            taken: Cell::new(0),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ahead.borrow().is_empty() && self.error.borrow().is_none()
    }

    /// Notes that the poll has reported datagrams.
    pub(super) fn note_told(&self) {
        self.drained.set(false);
    }

    pub(super) fn first_len(&self) -> Option<usize> {
        self.ahead.borrow().first_len()
    }
}

impl NativeEngine {
    /// Makes sure that a datagram or an error is waiting, if there is one. Asks the system if
    /// necessary. Returns whether there is one.
    pub(super) fn read_datagrams(&self, state: &DatagramState) -> bool {
        if !state.is_empty() {
            return true;
        }
        loop {
            let filled = state.ahead.borrow_mut().fill(|arena, want, each| {
                let received =
                    self.with(|socket| sys::datagrams::receive(*socket, arena, want, each));
                received.unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into()))
            });
            match filled {
                Ok(more) => {
                    // Fewer than asked for: an event will report new ones.
                    self.note_more(more);
                    state.drained.set(!more);
                    state.guess.learn(true);
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.note_more(false);
                    state.drained.set(true);
                    state.guess.learn(false);
                    return false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    state.error.replace(Some(error));
                    return true;
                }
            }
        }
    }

    /// Reads one datagram for a connected socket, cut off at the length of `data`.
    pub(super) fn read_datagram(&self, state: &DatagramState, data: &mut [u8]) -> Outcome {
        self.read_datagrams(state);
        let mut count = 0;
        let taken = state.ahead.borrow_mut().take(|bytes, _| {
            count = bytes.len().min(data.len());
            data[..count].copy_from_slice(&bytes[..count]);
        });
        if taken {
            return Outcome::Moved(count);
        }
        match state.error.take() {
            None => Outcome::WouldBlock,
            Some(error) => Outcome::Failed(self.fail(sys::read_error(&error))),
        }
    }

    /// Writes one datagram for a connected socket. As in Qt, only some errors get an error of their
    /// own.
    pub(super) fn write_datagram(&self, state: &DatagramState, data: &[IoSlice<'_>]) -> Outcome {
        let sent = match state.error.take() {
            Some(error) => Some(Err(error)),
            None => self.with(|socket| {
                loop {
                    match sys::send(socket, data) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        sent => return sent,
                    }
                }
            }),
        };
        match sent {
            Some(Ok(count)) => Outcome::Moved(count),
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Outcome::WouldBlock,
            Some(Err(error)) if sys::is_end(&error) => {
                Outcome::Failed(self.fail(SocketError::remote_host_closed()))
            }
            Some(Err(error)) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                Outcome::Failed(self.fail(SocketError::datagram_too_large()))
            }
            _ => Outcome::Failed(self.error()),
        }
    }

    /// Sends datagrams and returns their number. An error is that of the first one.
    fn send_some(&self, state: &DatagramState, datagrams: &[Departure<'_>]) -> io::Result<usize> {
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        loop {
            let sent = self.with(|socket| sys::datagrams::send_all(*socket, datagrams));
            match sent {
                None => return Err(io::ErrorKind::NotConnected.into()),
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(sent) => return sent,
            }
        }
    }

    /// Returns the destination of a datagram; `None`, which port 0 gives, stands for the connected
    /// peer.
    ///
    /// With an IPv4 socket an IPv6 address is not converted: the system refuses it, as in Qt.
    fn departure_address(&self, address: &QHostAddress, port: u16) -> Option<SocketAddr> {
        if port == 0 {
            return None;
        }
        let any = &QHostAddress::AnyIPv4;
        let address = if address.is_null() { any } else { address };
        match (address.to_socket_addr(port, sys::interface_index)?, self.is_v6()) {
            (SocketAddr::V4(_), true) => Some((address.to_ipv6_address(), port).into()),
            (target, _) => Some(target),
        }
    }

    fn departure<'a>(&self, datagram: &'a QNetworkDatagram) -> Departure<'a> {
        let port = u16::try_from(datagram.destination_port()).unwrap_or(0);
        Departure {
            data: datagram.data(),
            to: self.departure_address(datagram.destination(), port),
            from: datagram.sender().to_ip_addr(),
            interface: datagram.interface_index(),
            hops: Some(datagram.hop_limit()).filter(|&hops| hops != -1),
        }
    }

    /// Joins or leaves a multicast group.
    fn change_membership(
        &self,
        group: &QHostAddress,
        by: &QNetworkInterface,
        v4: fn(&Socket, &Ipv4Addr, &Ipv4Addr) -> io::Result<()>,
        v6: fn(&Socket, &std::net::Ipv6Addr, u32) -> io::Result<()>,
    ) -> Result<(), SocketError> {
        let done = match group.protocol() {
            NetworkLayerProtocol::IPv6 => {
                self.with(|socket| v6(socket, &group.to_ipv6_address(), by.index()))
            }
            NetworkLayerProtocol::IPv4 => {
                let own = match ipv4_addresses(by).next() {
                    Some(own) => own,
                    None if by.is_valid() => {
                        let kind = SocketErrorKind::Network;
                        return Err(self.fail(SocketError::new(kind, "Network unreachable")));
                    }
                    None => Ipv4Addr::UNSPECIFIED,
                };
                let group = group.to_ipv4_address().unwrap_or(Ipv4Addr::UNSPECIFIED);
                self.with(|socket| v4(socket, &group, &own))
            }
            _ => {
                let kind = SocketErrorKind::UnsupportedSocketOperation;
                return Err(self.fail(SocketError::new(kind, "Protocol type not supported")));
            }
        };
        match done {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.fail(sys::group_error(&error))),
            None => Err(SocketError::unknown()),
        }
    }

    fn refuse_unbound(&self, function: &str) -> Result<(), SocketError> {
        if self.stage() == Stage::Bound {
            return Ok(());
        }
        qcore::q_warning!(
            "QNativeSocketEngine::{function}() was not called in QAbstractSocket::BoundState"
        );
        let text = "The socket is not bound";
        Err(SocketError::new(SocketErrorKind::Operation, text))
    }

    fn datagram_state(&self) -> &DatagramState {
        self.datagrams.as_deref().expect("only an engine for datagrams is asked for them")
    }
}

impl Datagrams for NativeEngine {
    fn has_pending(&self) -> bool {
        if self.stage() == Stage::Unconnected {
            qcore::q_warning!(
                "QNativeSocketEngine::hasPendingDatagrams() was called in \
                 QAbstractSocket::UnconnectedState"
            );
            return false;
        }
        self.pending_size().is_some()
    }

    fn pending_size(&self) -> Option<usize> {
        let state = self.datagram_state();
        if self.stage() == Stage::Unconnected {
            return None;
        }
        self.read_datagrams(state);
        let size = state.first_len();
        if size.is_none() {
            state.error.take();
        }
        size
    }

    fn receive(&self, take: &mut dyn FnMut(&Incoming<'_>)) -> Result<bool, SocketError> {
        let state = self.datagram_state();
        if !matches!(self.stage(), Stage::Bound | Stage::Connected) {
            qcore::q_warning!(
                "QNativeSocketEngine::readDatagram() was called not in QAbstractSocket::BoundState \
                 or QAbstractSocket::ConnectedState"
            );
            return Err(self.error());
        }
        self.read_datagrams(state);
        let local_port = state.local_port.get();
        let taken = state
            .ahead
            .borrow_mut()
            .take(|data, arrival| take(&Incoming { data, arrival, local_port }));
        state.taken.set(state.taken.get().saturating_add(taken.into()));
        match state.error.take() {
            Some(error) if !taken => Err(self.fail(sys::receive_error(&error))),
            _ => Ok(taken),
        }
    }

    fn may_have_more(&self) -> bool {
        let state = self.datagram_state();
        if state.taken.get() >= BUDGET {
            return false;
        }
        !state.is_empty() || !state.drained.get() || state.guess.asks()
    }

    fn settle(&self) {
        let state = self.datagram_state();
        state.taken.set(0);
        state.ahead.borrow_mut().settle();
    }

    fn send(&self, data: &[u8], to: &QHostAddress, port: u16) -> Result<bool, SocketError> {
        let to = self.departure_address(to, port);
        let datagram = Departure { data, to, from: None, interface: 0, hops: None };
        match self.send_some(self.datagram_state(), &[datagram]) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.fail(sys::send_error(&error))),
        }
    }

    fn send_all(&self, datagrams: &[QNetworkDatagram]) -> (usize, Option<SocketError>) {
        if let [one] = datagrams {
            return match self.send_some(self.datagram_state(), &[self.departure(one)]) {
                Ok(count) => (count, None),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (0, None),
                Err(error) => (0, Some(self.fail(sys::send_error(&error)))),
            };
        }
        let mut sent = 0;
        while sent < datagrams.len() {
            let rest = datagrams[sent..].iter().take(BATCH);
            let batch: SmallVec<[Departure<'_>; BATCH]> =
                rest.map(|datagram| self.departure(datagram)).collect();
            match self.send_some(self.datagram_state(), &batch) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (sent, None),
                Err(error) => return (sent, Some(self.fail(sys::send_error(&error)))),
            }
        }
        (sent, None)
    }

    fn join(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError> {
        self.refuse_unbound("joinMulticastGroup")?;
        if group.protocol() == NetworkLayerProtocol::IPv4 && self.is_v6() {
            qcore::q_warning!(
                "QAbstractSocket: cannot bind to QHostAddress::Any (or an IPv6 address) and join an \
                 IPv4 multicast group; bind to QHostAddress::AnyIPv4 instead if you want to do this"
            );
            return Err(SocketError::unsupported());
        }
        self.change_membership(group, by, Socket::join_multicast_v4, Socket::join_multicast_v6)
    }

    fn leave(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError> {
        self.refuse_unbound("leaveMulticastGroup")?;
        self.change_membership(group, by, Socket::leave_multicast_v4, Socket::leave_multicast_v6)
    }

    fn multicast_interface(&self) -> QNetworkInterface {
        if self.is_v6() {
            let index = self.with(|socket| socket.multicast_if_v6().ok()).flatten();
            return index
                .map_or_else(QNetworkInterface::default, QNetworkInterface::interface_from_index);
        }
        let own = self.with(|socket| socket.multicast_if_v4().ok()).flatten();
        let own = own.filter(|own| !own.is_unspecified());
        let found = own.and_then(|own| {
            let is_it = |one: &QNetworkInterface| ipv4_addresses(one).any(|other| other == own);
            QNetworkInterface::all_interfaces().into_iter().find(is_it)
        });
        found.unwrap_or_default()
    }

    fn set_multicast_interface(&self, interface: &QNetworkInterface) -> Result<(), SocketError> {
        let set = |own: Ipv4Addr| self.with(|socket| socket.set_multicast_if_v4(&own));
        let done = if self.is_v6() {
            self.with(|socket| socket.set_multicast_if_v6(interface.index()))
        } else if interface.is_valid() {
            ipv4_addresses(interface).map(set).find(|done| matches!(done, Some(Ok(())))).flatten()
        } else {
            set(Ipv4Addr::UNSPECIFIED)
        };
        match done {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(sys::group_error(&error)),
            None => Err(SocketError::unsupported()),
        }
    }
}

/// Returns the IPv4 addresses of an interface.
fn ipv4_addresses(interface: &QNetworkInterface) -> impl Iterator<Item = Ipv4Addr> {
    let entries = interface.address_entries().iter().map(|entry| entry.ip());
    entries
        .filter(|own| own.protocol() == NetworkLayerProtocol::IPv4)
        .filter_map(|own| own.to_ipv4_address())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pays_is_done() {
        let guess = Guess::default();
        let asks = |found: bool| {
            let asks = guess.asks();
            guess.learn(found);
            asks
        };
        // Asking is tried once in 256 times.
        assert_eq!((0..512).filter(|_| asks(false)).count(), 2);
        assert_eq!((0..256).filter(|_| asks(true)).count(), 1);
        assert!((0..1000).all(|_| asks(true)));
        // A few failures in a row are tolerated.
        for _ in 1..Guess::TRUST {
            assert!(asks(false));
        }
        assert!(asks(true));
        assert_eq!((0..100).filter(|_| asks(false)).count(), Guess::TRUST.into());
    }
}
