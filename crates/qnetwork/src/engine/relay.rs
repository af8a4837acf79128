//! [`RelayEngine`]: the engine for datagrams through a proxy.

use std::{
    cell::{Cell, RefCell},
    io::IoSlice,
    net::SocketAddr,
    rc::Rc,
};

use qcore::{QDeadlineTimer, event_loop::Readiness};

use super::{
    api::{Datagrams, Engine, Incoming, Outcome, Progress, Stage},
    proxy::ProxyEngine,
};
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    auth::QAuthenticator,
    common::{SocketError, SocketErrorKind, SocketOption},
    datagram::QNetworkDatagram,
    host_info,
    interface::QNetworkInterface,
    proxy::{QNetworkProxy, Target, protocol_error, unwrap, wrap},
    sys::datagrams::{Arrival, Path},
};

/// How many invalid datagrams to drop in a row before other sockets get their turn.
const DROPS: usize = 64;
/// How often to read from the control connection in a row; the proxy should send nothing there.
const REMARKS: usize = 16;
/// The most bytes that the proxy may send on the control connection, where it should send nothing.
const REMARKS_LIMIT: usize = 1 << 20;

/// Creates the engine for datagrams to and from the proxy.
type Open = Box<dyn Fn(NetworkLayerProtocol) -> Result<Rc<dyn Engine>, SocketError>>;

/// Exchanges datagrams through a SOCKS5 proxy. It consists of a control connection, which has to
/// stay open, and a UDP socket, which exchanges datagrams with the address that the proxy named.
///
/// Both are registered for one event source and both note every event. If an event is for only one
/// of them, the other makes a system call that finds nothing.
pub(crate) struct RelayEngine {
    control: ProxyEngine,
    open: Open,
    udp: RefCell<Option<Rc<dyn Engine>>>,
    stage: Cell<Stage>,
    /// The address at which the proxy accepts datagrams.
    relay: RefCell<Option<(QHostAddress, u16)>>,
    /// The destination of datagrams without one.
    peer: RefCell<Option<Target>>,
    /// A datagram that was looked at but not taken.
    first: RefCell<Option<(SocketAddr, Vec<u8>)>>,
    /// The error that ended the control connection.
    lost: RefCell<Option<SocketError>>,
    /// How many bytes the proxy has sent on the control connection since it relays.
    remarks: Cell<usize>,
}

impl RelayEngine {
    pub(crate) fn new(control: ProxyEngine, open: Open) -> Self {
        RelayEngine {
            control,
            open,
            udp: RefCell::default(),
            stage: Cell::new(Stage::Unconnected),
            relay: RefCell::default(),
            peer: RefCell::default(),
            first: RefCell::default(),
            lost: RefCell::default(),
            remarks: Cell::new(0),
        }
    }

    fn udp(&self) -> Option<Rc<dyn Engine>> {
        self.udp.borrow().clone()
    }

    fn is_relayed(&self) -> bool {
        matches!(self.stage.get(), Stage::Bound | Stage::Connected)
    }

    /// Binds a local socket and tells the proxy its address.
    fn begin(
        &self,
        address: &QHostAddress,
        port: u16,
        reuse: Option<bool>,
    ) -> Result<(), SocketError> {
        let protocol = match address.protocol() {
            NetworkLayerProtocol::Unknown => NetworkLayerProtocol::IPv4,
            protocol => protocol,
        };
        let udp = (self.open)(protocol)?;
        udp.bind(address, port, reuse)?;
        let port = udp.local_address().map_or(0, |(_, port)| port);
        self.control.associate(address, port)?;
        self.lost.take();
        self.remarks.set(0);
        self.udp.replace(Some(udp));
        self.stage.set(Stage::Connecting);
        Ok(())
    }

    fn connect_to(&self, peer: Target) -> Result<Progress, SocketError> {
        if self.is_relayed() {
            self.peer.replace(Some(peer));
            self.stage.set(Stage::Connected);
            return Ok(Progress::Connected);
        }
        self.begin(&QHostAddress::Any, 0, None)?;
        self.peer.replace(Some(peer));
        Ok(Progress::Connecting)
    }

    fn progress(&self, progress: Result<Progress, SocketError>) -> Result<Progress, SocketError> {
        let progress = match progress {
            Ok(Progress::Connected) => self.on_relayed(),
            progress => progress,
        };
        progress.inspect_err(|_| self.give_up())
    }

    /// Starts relaying after the proxy has agreed.
    fn on_relayed(&self) -> Result<Progress, SocketError> {
        let (address, port) = self.control.local_address().ok_or_else(protocol_error)?;
        let is_any = [QHostAddress::AnyIPv4, QHostAddress::AnyIPv6].contains(&address);
        let address = match is_any {
            // The relay runs at the proxy's own address.
            true => self.control.proxy_address().ok_or_else(protocol_error)?,
            false => address,
        };
        self.relay.replace(Some((address, port)));
        let connected = self.peer.borrow().is_some();
        self.stage.set(if connected { Stage::Connected } else { Stage::Bound });
        Ok(Progress::Connected)
    }

    fn give_up(&self) {
        self.udp.take();
        self.relay.take();
        self.peer.take();
        self.stage.set(Stage::Unconnected);
    }

    /// Checks whether the control connection still exists.
    fn look_after_control(&self) {
        if !self.is_relayed() || self.lost.borrow().is_some() {
            return;
        }
        for _ in 0..REMARKS {
            if !self.control.is_readable() {
                return;
            }
            match self.control.read(&mut [0; 256]) {
                // The proxy should send nothing, so this is dropped.
                Outcome::Moved(count) => {
                    self.remarks.set(self.remarks.get() + count);
                    if self.remarks.get() > REMARKS_LIMIT {
                        self.lost.replace(Some(protocol_error()));
                        return;
                    }
                }
                Outcome::WouldBlock => return,
                Outcome::Failed(error) => {
                    self.lost.replace(Some(self.control.told(&error)));
                    return;
                }
            }
        }
        self.control.read_again();
    }

    /// Returns the sender and data of a datagram, if it comes from the proxy and is valid.
    fn relayed<'a>(&self, incoming: &Incoming<'a>) -> Option<(SocketAddr, &'a [u8])> {
        let (sender, port) = incoming.sender();
        let relay = self.relay.borrow();
        let (address, relay_port) = relay.as_ref()?;
        let comes_from_it = port == *relay_port && plain(&sender) == plain(address);
        unwrap(incoming.data).filter(|_| comes_from_it)
    }

    /// Passes the first valid datagram to `take`.
    fn receive_next(&self, take: &mut dyn FnMut(SocketAddr, &[u8])) -> Result<bool, SocketError> {
        let Some(udp) = self.udp() else { return Ok(false) };
        let Some(datagrams) = udp.datagrams() else { return Ok(false) };
        for _ in 0..DROPS {
            let mut found = false;
            let any = datagrams.receive(&mut |incoming| {
                if let Some((from, data)) = self.relayed(incoming) {
                    found = true;
                    take(from, data);
                }
            })?;
            if !any || found {
                return Ok(found);
            }
        }
        udp.read_again();
        Ok(false)
    }

    /// Fetches the first datagram, if there is one. Returns whether there is.
    fn look(&self) -> bool {
        if self.first.borrow().is_some() {
            return true;
        }
        let mut first = None;
        // An error counts as no datagram, as for a socket without a proxy.
        let _ = self.receive_next(&mut |from, data| first = Some((from, data.to_vec())));
        let found = first.is_some();
        self.first.replace(first);
        found
    }

    fn send_to(&self, data: &[u8], target: Option<&Target>) -> Result<bool, SocketError> {
        let not_relayed = || SocketError::new(SocketErrorKind::Network, "Unable to write");
        let relay = self.relay.borrow().clone();
        let (Some(udp), Some((address, port))) = (self.udp(), relay) else {
            return Err(not_relayed());
        };
        let datagrams = udp.datagrams().ok_or_else(not_relayed)?;
        let target = target.ok_or_else(|| {
            SocketError::new(SocketErrorKind::Network, "Destination address required")
        })?;
        datagrams.send(&wrap(target, data), &address, port)
    }

    /// Returns the destination of a datagram. Port 0 means the connected peer.
    fn departure(&self, address: &QHostAddress, port: u16) -> Option<Target> {
        match port {
            0 => self.peer.borrow().clone(),
            _ => Some(Target::Address(address.clone(), port)),
        }
    }
}

/// Converts an address to IPv4 if possible.
fn plain(address: &QHostAddress) -> QHostAddress {
    address.to_ipv4_address().map_or_else(|| address.clone(), QHostAddress::from)
}

impl Engine for RelayEngine {
    fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// Starts binding; [`finish_connecting`](Engine::finish_connecting) returns the outcome.
    fn bind(
        &self,
        address: &QHostAddress,
        port: u16,
        reuse: Option<bool>,
    ) -> Result<(), SocketError> {
        if self.stage.get() != Stage::Unconnected {
            return Err(self.error());
        }
        self.begin(address, port, reuse)
    }

    fn connect(&self, address: &QHostAddress, port: u16) -> Result<Progress, SocketError> {
        self.connect_to(Target::Address(address.clone(), port))
    }

    fn connect_by_name(&self, name: &str, port: u16) -> Result<Progress, SocketError> {
        let name = host_info::ace::to_ace(name).filter(|name| name.len() <= 255);
        self.connect_to(Target::Name(name.ok_or_else(SocketError::host_not_found)?, port))
    }

    fn finish_connecting(&self) -> Result<Progress, SocketError> {
        self.progress(self.control.finish_connecting())
    }

    fn question(&self) -> Option<(QNetworkProxy, QAuthenticator)> {
        self.control.question()
    }

    fn answered(&self) -> Result<Progress, SocketError> {
        self.progress(self.control.answered())
    }

    fn timed_out(&self) -> Result<Progress, SocketError> {
        self.progress(self.control.timed_out())
    }

    fn note(&self, ready: Readiness) {
        self.control.note(ready);
        if let Some(udp) = self.udp() {
            udp.note(ready);
        }
        self.look_after_control();
    }

    fn is_readable(&self) -> bool {
        let has_first = self.first.borrow().is_some();
        has_first || self.is_relayed() && self.udp().is_some_and(|udp| udp.is_readable())
    }

    fn is_writable(&self) -> bool {
        self.is_relayed() && self.udp().is_some_and(|udp| udp.is_writable())
    }

    fn read(&self, data: &mut [u8]) -> Outcome {
        let mut count = 0;
        let received = self.receive(&mut |incoming| {
            count = incoming.data.len().min(data.len());
            data[..count].copy_from_slice(&incoming.data[..count]);
        });
        match received {
            Ok(true) => Outcome::Moved(count),
            Ok(false) => Outcome::WouldBlock,
            Err(error) => Outcome::Failed(error),
        }
    }

    fn has_more(&self) -> bool {
        self.look()
    }

    fn bytes_available(&self) -> usize {
        self.pending_size().unwrap_or(0)
    }

    fn write(&self, data: &[IoSlice<'_>]) -> Outcome {
        let data: Vec<u8> = data.iter().flat_map(|part| part.iter().copied()).collect();
        let peer = self.peer.borrow().clone();
        match self.send_to(&data, peer.as_ref()) {
            Ok(true) => Outcome::Moved(data.len()),
            Ok(false) => Outcome::WouldBlock,
            Err(error) => Outcome::Failed(error),
        }
    }

    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness> {
        if !self.is_relayed() {
            return self.control.wait(deadline);
        }
        if self.first.borrow().is_some() {
            return Some(Readiness::READABLE);
        }
        self.udp().and_then(|udp| udp.wait(deadline))
    }

    fn read_again(&self) {
        match self.udp().filter(|_| self.is_relayed()) {
            Some(udp) => udp.read_again(),
            None => self.control.read_again(),
        }
    }

    fn request_write(&self, early: bool) {
        if let Some(udp) = self.udp() {
            udp.request_write(early);
        }
    }

    /// Returns none, as in Qt: only the proxy knows the address that other hosts see.
    fn local_address(&self) -> Option<(QHostAddress, u16)> {
        None
    }

    fn peer_address(&self) -> Option<(QHostAddress, u16)> {
        Some(match self.peer.borrow().clone()? {
            Target::Address(address, port) => (address, port),
            Target::Name(_, port) => (QHostAddress::new(), port),
        })
    }

    fn descriptor(&self) -> i32 {
        self.udp().map_or(-1, |udp| udp.descriptor())
    }

    fn set_option(&self, _: SocketOption, _: i32) {}

    /// Returns none: as in Qt, there are no options.
    fn option(&self, _: SocketOption) -> Option<i32> {
        None
    }

    fn error(&self) -> SocketError {
        self.udp().map_or_else(SocketError::unknown, |udp| udp.error())
    }

    fn goes_by_proxy(&self) -> bool {
        true
    }

    fn broken(&self) -> Option<SocketError> {
        self.lost.borrow().clone()
    }

    fn datagrams(&self) -> Option<&dyn Datagrams> {
        Some(self)
    }
}

impl Datagrams for RelayEngine {
    fn has_pending(&self) -> bool {
        self.look()
    }

    fn pending_size(&self) -> Option<usize> {
        self.look();
        self.first.borrow().as_ref().map(|(_, data)| data.len())
    }

    fn receive(&self, take: &mut dyn FnMut(&Incoming<'_>)) -> Result<bool, SocketError> {
        let mut lend = |from, data: &[u8]| {
            let arrival = Arrival { len: data.len(), from: Some(from), path: Path::default() };
            take(&Incoming::new(data, &arrival, 0));
        };
        let first = self.first.take();
        match first {
            Some((from, data)) => {
                lend(from, &data);
                Ok(true)
            }
            None => self.receive_next(&mut lend),
        }
    }

    fn may_have_more(&self) -> bool {
        let has_first = self.first.borrow().is_some();
        let udp = self.udp();
        let datagrams = udp.as_ref().and_then(|udp| udp.datagrams());
        has_first || datagrams.is_some_and(|one| one.may_have_more())
    }

    fn settle(&self) {
        if let Some(udp) = self.udp()
            && let Some(datagrams) = udp.datagrams()
        {
            datagrams.settle();
        }
    }

    fn send(&self, data: &[u8], to: &QHostAddress, port: u16) -> Result<bool, SocketError> {
        self.send_to(data, self.departure(to, port).as_ref())
    }

    fn send_all(&self, datagrams: &[QNetworkDatagram]) -> (usize, Option<SocketError>) {
        for (count, datagram) in datagrams.iter().enumerate() {
            let port = datagram.destination_port().unwrap_or(0);
            match self.send(datagram.data(), datagram.destination(), port) {
                Ok(true) => {}
                Ok(false) => return (count, None),
                Err(error) => return (count, Some(error)),
            }
        }
        (datagrams.len(), None)
    }

    fn join(&self, _: &QHostAddress, _: &QNetworkInterface) -> Result<(), SocketError> {
        Err(SocketError::unsupported())
    }

    fn leave(&self, _: &QHostAddress, _: &QNetworkInterface) -> Result<(), SocketError> {
        Err(SocketError::unsupported())
    }

    fn multicast_interface(&self) -> Option<QNetworkInterface> {
        None
    }

    fn set_multicast_interface(&self, _: Option<&QNetworkInterface>) -> Result<(), SocketError> {
        Err(SocketError::unsupported())
    }
}
