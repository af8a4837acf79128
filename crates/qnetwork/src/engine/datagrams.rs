//! The functions of the native engine for UDP sockets.

use std::{
    io::{self, IoSlice},
    net::{Ipv4Addr, SocketAddr},
};

use smallvec::SmallVec;

use super::{
    api::{Datagrams, Engine, Incoming, Outcome, Stage},
    datagram_state::DatagramState,
    native::NativeEngine,
};
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    common::{SocketError, SocketErrorKind},
    datagram::QNetworkDatagram,
    interface::QNetworkInterface,
    sys::{
        self, Socket,
        datagrams::{BATCH, Departure},
    },
};

impl NativeEngine {
    /// Reads datagrams ahead unless the engine has some or an error already. Returns whether it now
    /// has.
    pub(super) fn read_datagrams(&self, state: &DatagramState) -> bool {
        if !state.is_empty() {
            return true;
        }
        loop {
            let filled = state.fill(|arena, want, each| {
                let received =
                    self.with(|socket| sys::datagrams::receive(socket, arena, want, each));
                received.unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into()))
            });
            match filled {
                Ok(more) => {
                    // Fewer than asked for: the poll will report others.
                    self.note_more(more);
                    state.note_answer(true, more);
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.note_more(false);
                    state.note_answer(false, false);
                    return false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    state.keep_error(error);
                    return true;
                }
            }
        }
    }

    /// Reads a datagram for a connected socket. The part that does not fit is lost.
    pub(super) fn read_datagram(&self, state: &DatagramState, data: &mut [u8]) -> Outcome {
        self.read_datagrams(state);
        let mut count = 0;
        let taken = state.take(|bytes, _| {
            count = bytes.len().min(data.len());
            data[..count].copy_from_slice(&bytes[..count]);
        });
        if taken {
            return Outcome::Moved(count);
        }
        match state.take_error() {
            None => Outcome::WouldBlock,
            Some(error) => Outcome::Failed(self.fail(sys::read_error(&error))),
        }
    }

    /// Writes a datagram for a connected socket. As in Qt, only some errors keep their kind.
    pub(super) fn write_datagram(&self, state: &DatagramState, data: &[IoSlice<'_>]) -> Outcome {
        let sent = match state.take_error() {
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

    /// Sends some of the datagrams, and returns how many. Fails with an error that was stored while
    /// reading ahead, or if the first datagram cannot be sent.
    fn send_some(&self, state: &DatagramState, datagrams: &[Departure<'_>]) -> io::Result<usize> {
        if let Some(error) = state.take_error() {
            return Err(error);
        }
        loop {
            let segments = state.segments();
            let sent = self.with(|socket| sys::datagrams::send_all(socket, datagrams, segments));
            match sent {
                None => return Err(io::ErrorKind::NotConnected.into()),
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(sent) => return sent,
            }
        }
    }

    /// Returns the destination of a datagram; `None` for port 0, which stands for the peer of a
    /// connected socket.
    ///
    /// An IPv6 address is kept even for an IPv4 socket: the system refuses it, as in Qt.
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
        let port = datagram.destination_port().unwrap_or(0);
        Departure {
            data: datagram.data(),
            to: self.departure_address(datagram.destination(), port),
            from: datagram.sender().to_ip_addr(),
            interface: datagram.interface_index(),
            hops: datagram.hop_limit().map(i32::from),
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
            state.take_error();
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
        let local_port = state.local_port();
        let taken = state.take(|data, arrival| take(&Incoming::new(data, arrival, local_port)));
        state.count_taken(taken);
        match state.take_error() {
            Some(error) if !taken => Err(self.fail(sys::receive_error(&error))),
            _ => Ok(taken),
        }
    }

    fn may_have_more(&self) -> bool {
        self.datagram_state().may_have_more()
    }

    fn settle(&self) {
        self.datagram_state().settle();
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
                "QAbstractSocket: cannot bind to QHostAddress::Any (or an IPv6 address) and join \
                 an IPv4 multicast group; bind to QHostAddress::AnyIPv4 instead if you want to \
                 do this"
            );
            return Err(SocketError::unsupported());
        }
        self.change_membership(group, by, Socket::join_multicast_v4, Socket::join_multicast_v6)
    }

    fn leave(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError> {
        self.refuse_unbound("leaveMulticastGroup")?;
        self.change_membership(group, by, Socket::leave_multicast_v4, Socket::leave_multicast_v6)
    }

    fn multicast_interface(&self) -> Option<QNetworkInterface> {
        if self.is_v6() {
            let index = self.with(|socket| socket.multicast_if_v6().ok()).flatten();
            return index.and_then(QNetworkInterface::interface_from_index);
        }
        let own = self.with(|socket| socket.multicast_if_v4().ok()).flatten();
        let own = own.filter(|own| !own.is_unspecified())?;
        let is_it = |one: &QNetworkInterface| ipv4_addresses(one).any(|other| other == own);
        QNetworkInterface::all_interfaces().into_iter().find(is_it)
    }

    fn set_multicast_interface(
        &self,
        interface: Option<&QNetworkInterface>,
    ) -> Result<(), SocketError> {
        let interface = interface.filter(|interface| interface.is_valid());
        let set = |own: Ipv4Addr| self.with(|socket| socket.set_multicast_if_v4(&own));
        let done = if self.is_v6() {
            let index = interface.map_or(0, QNetworkInterface::index);
            self.with(|socket| socket.set_multicast_if_v6(index))
        } else if let Some(interface) = interface {
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
