//! [`NativeEngine`]: the engine over the operating system's socket.

mod watching;

use std::{
    cell::{Cell, OnceCell, RefCell},
    io::{self, IoSlice, Read},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    rc::{Rc, Weak},
};

use qcore::{
    Dispatcher, QDeadlineTimer,
    event_loop::{EventSource, Readiness, Registration},
};
use socket2::{Domain, Type};

use self::watching::Watch;
use super::{
    api::{Datagrams, Engine, Outcome, Progress, Stage, read_zeroed},
    datagram_state::DatagramState,
};
#[cfg(feature = "tasks")]
use crate::sys::splice::KernelPipe;
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    common::{SocketError, SocketErrorKind, SocketOption, SocketType},
    host_info::named,
    sys::{self, Socket},
};

/// A TCP or UDP socket, or another stream such as a pipe. It is registered with the poll once,
/// edge-triggered. A UDP socket is registered for reading only, because otherwise each sent
/// datagram would cause an event.
///
/// The engine registers its socket after `connect()` and not before, because the poll reports an
/// unconnected socket as hung up. After a failed attempt it deregisters the socket, which may then
/// connect again.
///
/// `readable` follows the edges. An event sets it. "Would block" clears it, and so does a short
/// read: after one there is nothing more until the next event. A socket whose peer has closed is
/// the exception: data and end come in one edge, so the engine has to read on to see the end.
pub(crate) struct NativeEngine {
    /// `None` once reading or writing has failed.
    io: RefCell<Option<Socket>>,
    /// Whether the poll is adding or removing the socket, which then cannot be closed.
    watch: Cell<Watch>,
    registration: Registration,
    registered: Cell<bool>,
    stage: Cell<Stage>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    /// The connection stays for writing when the other end sends no more.
    #[cfg(feature = "tasks")]
    half_open: Cell<bool>,
    read_closed: Cell<bool>,
    /// The other end has reset the connection.
    reset: Cell<bool>,
    /// The address family of the socket: IPv4, IPv6, or both, which is an IPv6 socket too.
    family: Cell<NetworkLayerProtocol>,
    /// Whether an attempt to connect did not finish at once. In Qt that leaves an error.
    was_unfinished: Cell<bool>,
    peer: Cell<Option<SocketAddr>>,
    error: OnceCell<Box<SocketError>>,
    /// Whether the descriptor is a socket, not a pipe or terminal.
    is_socket: bool,
    /// The state of a UDP socket; `None` for others.
    pub(super) datagrams: Option<Box<DatagramState>>,
}

impl NativeEngine {
    /// Creates an engine with a new socket for a protocol. Unknown means IPv4, any means both.
    pub(crate) fn open(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        socket_type: SocketType,
        protocol: NetworkLayerProtocol,
    ) -> Result<Self, SocketError> {
        let kind = kind_of(socket_type)?;
        let mut family = protocol;
        let mut socket = open(domain_of(family), kind);
        if let Err(error) = &socket
            && family == NetworkLayerProtocol::AnyIP
            && error.raw_os_error() == Some(libc::EAFNOSUPPORT)
        {
            // The machine has no IPv6.
            family = NetworkLayerProtocol::IPv4;
            socket = open(domain_of(family), kind);
        }
        let socket = socket.map_err(|error| sys::other_error(&error))?;
        if kind == Type::DGRAM {
            sys::datagrams::tell_paths(&socket, domain_of(family) == Domain::IPV6);
        }
        let engine = Self::of(dispatcher, source, kind, socket, Stage::Unconnected)?;
        engine.family.set(family);
        Ok(engine)
    }

    /// Creates an engine for an existing socket. Checks its type and makes it non-blocking.
    pub(crate) fn adopt(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        socket_type: SocketType,
        socket: Socket,
        stage: Stage,
    ) -> Result<Self, SocketError> {
        let kind = kind_of(socket_type)?;
        match socket.r#type() {
            Ok(found) if found == kind => {}
            Err(error) if error.raw_os_error() == Some(libc::ENOTSOCK) => {
                if kind != Type::STREAM || stage != Stage::Connected {
                    return Err(invalid_descriptor());
                }
                return Self::adopt_stream(dispatcher, source, socket);
            }
            _ => return Err(invalid_descriptor()),
        }
        make_ours(&socket)?;
        let peer = socket.peer_addr().ok();
        // A family without ports has no peer address that could be shown.
        let nowhere = SocketAddr::from(([0; 4], 0));
        let peer = peer.map(|peer| peer.as_socket().unwrap_or(nowhere));
        sys::inline_urgent_data(&socket);
        Self::take(dispatcher, source, kind, socket, stage, peer)
    }

    /// Creates an engine for a pipe's end, a terminal or another descriptor that the poll can
    /// watch. It refuses descriptors that the poll cannot watch, such as files and directories.
    fn adopt_stream(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        stream: Socket,
    ) -> Result<Self, SocketError> {
        make_ours(&stream)?;
        let mut engine = Self::of(dispatcher, source, Type::STREAM, stream, Stage::Connected)?;
        engine.is_socket = false;
        // A pipe's read end is never writable. For all others the poll reports it.
        engine.writable.set(false);
        engine.register().map_err(|error| match error.raw_os_error() {
            Some(libc::EPERM) => invalid_descriptor(),
            _ => sys::other_error(&error),
        })?;
        Ok(engine)
    }

    /// Creates an engine for a non-blocking socket of the right type, which inlines urgent data.
    pub(crate) fn take(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        kind: Type,
        socket: Socket,
        stage: Stage,
        peer: Option<SocketAddr>,
    ) -> Result<Self, SocketError> {
        let engine = Self::of(dispatcher, source, kind, socket, stage)?;
        engine.peer.set(peer);
        // Both ends are of one family, and asking the system takes time.
        let end = peer.or_else(|| engine.local());
        if end.is_some_and(|end| end.is_ipv6()) {
            engine.family.set(NetworkLayerProtocol::IPv6);
        }
        if let Some(datagrams) = &engine.datagrams {
            datagrams.set_local_port(engine.local().map_or(0, |local| local.port()));
        }
        let can_receive = engine.datagrams.is_some() && stage == Stage::Bound;
        if can_receive || matches!(stage, Stage::Connecting | Stage::Connected) {
            engine.writable.set(stage != Stage::Connecting);
            engine.register().map_err(|error| sys::other_error(&error))?;
        }
        Ok(engine)
    }

    /// Creates an engine for a connection that another loop's engine has
    /// [released](Engine::release). If that fails, it returns the socket.
    pub(crate) fn attach(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        socket: Socket,
    ) -> Result<Self, (SocketError, Socket)> {
        let mut engine = Self::new(dispatcher, source, Type::STREAM, socket, Stage::Connected);
        engine.is_socket = engine.with(|socket| socket.r#type().is_ok()) == Some(true);
        // As for a pipe that is adopted.
        engine.writable.set(engine.is_socket);
        if engine.local().is_some_and(|local| local.is_ipv6()) {
            engine.family.set(NetworkLayerProtocol::IPv6);
        }
        let Err(error) = engine.register() else { return Ok(engine) };
        let socket = engine.io.take().expect("an engine has its socket until it fails");
        Err((sys::other_error(&error), socket))
    }

    fn of(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        kind: Type,
        socket: Socket,
        stage: Stage,
    ) -> Result<Self, SocketError> {
        if kind == Type::DGRAM && socket.set_broadcast(true).is_err() {
            let kind = SocketErrorKind::UnsupportedSocketOperation;
            return Err(SocketError::new(kind, "Unable to initialize broadcast socket"));
        }
        Ok(Self::new(dispatcher, source, kind, socket, stage))
    }

    fn new(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        kind: Type,
        socket: Socket,
        stage: Stage,
    ) -> Self {
        let is_datagrams = kind == Type::DGRAM;
        NativeEngine {
            io: RefCell::new(Some(socket)),
            watch: Cell::new(Watch::Still),
            registration: dispatcher.add_source(source),
            registered: Cell::new(false),
            stage: Cell::new(stage),
            readable: Cell::new(false),
            // A write before connecting then gets an error and does not wait.
            writable: Cell::new(true),
            read_closed: Cell::new(false),
            reset: Cell::new(false),
            #[cfg(feature = "tasks")]
            half_open: Cell::new(false),
            family: Cell::new(NetworkLayerProtocol::IPv4),
            was_unfinished: Cell::new(false),
            peer: Cell::new(None),
            error: OnceCell::new(),
            is_socket: true,
            datagrams: is_datagrams.then(|| Box::new(DatagramState::new(dispatcher))),
        }
    }

    pub(super) fn with<R>(&self, f: impl FnOnce(&mut &Socket) -> R) -> Option<R> {
        self.io.borrow().as_ref().map(|mut socket| f(&mut socket))
    }

    /// Stores an error if it is the first, and returns the stored one.
    ///
    /// Qt's engine does the same. After a bound socket was refused once, its error stays "refused",
    /// even when a later connection ends.
    pub(super) fn fail(&self, error: SocketError) -> SocketError {
        self.error.get_or_init(|| Box::new(error)).as_ref().clone()
    }

    pub(super) fn is_v6(&self) -> bool {
        domain_of(self.family.get()) == Domain::IPV6
    }

    /// Converts an address to the form that this socket needs.
    fn target(&self, address: &QHostAddress, port: u16) -> Option<SocketAddr> {
        let any = &QHostAddress::AnyIPv4;
        let address = if address.is_null() { any } else { address };
        let target = match (address.to_socket_addr(port, sys::interface_index)?, self.is_v6()) {
            (SocketAddr::V4(_), true) => (address.to_ipv6_address(), port).into(),
            (SocketAddr::V6(v6), false) => match address.to_ipv4_address() {
                Some(v4) => (v4, port).into(),
                None => v6.into(),
            },
            (target, _) => target,
        };
        Some(target)
    }

    /// Calls `connect()`. A second call returns the outcome of the attempt. If that is a failure,
    /// the socket can be used again. `SO_ERROR` would report the same outcome, but the next
    /// `connect()` would then fail once more.
    fn attempt(&self, target: SocketAddr) -> Result<Progress, SocketError> {
        let call = || self.with(|socket| socket.connect(&target.into()));
        let mut called = call();
        if self.stage.get() == Stage::Connecting
            && let Some(Err(error)) = &called
            && sys::is_passing_failure(error)
        {
            // Like Qt, retry with the same address.
            called = call();
        }
        let progress = match called {
            None => return Err(self.fail(SocketError::connection_refused())),
            Some(Ok(())) => Progress::Connected,
            Some(Err(error)) => match error.raw_os_error() {
                Some(libc::EISCONN) => Progress::Connected,
                Some(libc::EINPROGRESS | libc::EALREADY | libc::EINTR) => Progress::Connecting,
                _ => {
                    self.stage.set(Stage::Unconnected);
                    let error = self.fail(sys::connect_error(&error));
                    self.deregister();
                    return Err(error);
                }
            },
        };
        self.register().map_err(|error| self.fail(sys::other_error(&error)))?;
        match progress {
            Progress::Connected => {
                self.stage.set(Stage::Connected);
                // With several addresses an earlier one may have answered.
                let peer = self.with(|socket| socket.peer_addr().ok()).flatten();
                self.peer.set(peer.and_then(|peer| peer.as_socket()).or(Some(target)));
            }
            Progress::Connecting | Progress::Asks => {
                self.stage.set(Stage::Connecting);
                self.was_unfinished.set(true);
            }
        }
        self.writable.set(progress == Progress::Connected);
        Ok(progress)
    }

    /// Notes whether there may be more to read.
    pub(super) fn note_more(&self, more: bool) {
        self.readable.set(more);
    }

    /// Reads from a stream. `read` reads at most `room` bytes.
    fn read_with(
        &self,
        room: usize,
        read: impl FnMut(&mut &Socket) -> io::Result<usize>,
    ) -> Outcome {
        let outcome = self.reading(read);
        if let Outcome::Moved(count) = outcome
            && count < room
            && !self.read_closed.get()
            && self.is_socket
        {
            // A terminal returns one line per read, so only "would block" means that it is empty.
            self.readable.set(false);
        }
        outcome
    }

    /// Starts receiving, once a UDP socket has an address.
    fn begin_receiving(&self) -> Result<(), SocketError> {
        let Some(datagrams) = &self.datagrams else { return Ok(()) };
        datagrams.set_local_port(self.local().map_or(0, |local| local.port()));
        self.register().map_err(|error| self.fail(sys::other_error(&error)))
    }

    /// Calls `read` until it is not interrupted, and notes what it says about the socket. 0 is the
    /// end of the stream.
    fn reading(&self, mut read: impl FnMut(&mut &Socket) -> io::Result<usize>) -> Outcome {
        loop {
            let error = match self.with(&mut read) {
                #[cfg(feature = "tasks")]
                Some(Ok(0)) if self.half_open.get() => {
                    self.readable.set(false);
                    return Outcome::Failed(SocketError::remote_host_closed());
                }
                Some(Ok(0)) | None => SocketError::remote_host_closed(),
                Some(Ok(count)) => return Outcome::Moved(count),
                Some(Err(error)) if would_block(&error) => {
                    self.readable.set(false);
                    return Outcome::WouldBlock;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Some(Err(error)) => {
                    self.reset.set(sys::is_end(&error));
                    sys::read_error(&error)
                }
            };
            self.readable.set(false);
            let error = self.fail(error);
            self.close();
            return Outcome::Failed(error);
        }
    }

    /// Calls `write` until it is not interrupted, and notes what it says about the socket. The
    /// caller closes the engine after a failure, because closing calls the program's logger.
    fn writing(&self, mut write: impl FnMut(&mut &Socket) -> io::Result<usize>) -> Outcome {
        loop {
            let error = match self.with(&mut write) {
                None => SocketError::remote_host_closed(),
                Some(Ok(count)) => return Outcome::Moved(count),
                Some(Err(error)) if would_block(&error) => {
                    self.writable.set(false);
                    return Outcome::WouldBlock;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                // A pipe reports the same error for writing as for reading, whichever fails first.
                Some(Err(error)) if !self.is_socket && sys::is_end(&error) => {
                    sys::read_error(&io::Error::from_raw_os_error(libc::EBADF))
                }
                Some(Err(error)) => {
                    self.reset.set(sys::is_end(&error));
                    sys::write_error(&error)
                }
            };
            self.stage.set(Stage::Unconnected);
            return Outcome::Failed(self.fail(error));
        }
    }

    fn local(&self) -> Option<SocketAddr> {
        self.with(|socket| socket.local_addr().ok())??.as_socket()
    }
}

impl Engine for NativeEngine {
    fn stage(&self) -> Stage {
        self.stage.get()
    }

    fn bind(
        &self,
        address: &QHostAddress,
        port: u16,
        reuse: Option<bool>,
    ) -> Result<(), SocketError> {
        if let Some(reuse) = reuse {
            // If the system refuses, bind() returns the error.
            let _ = self.with(|socket| socket.set_reuse_address(reuse));
        }
        if self.stage.get() != Stage::Unconnected {
            qcore::q_warning!(
                "QNativeSocketEngine::bind() was not called in QAbstractSocket::UnconnectedState"
            );
            return Err(self.error());
        }
        let Some(target) = self.target(address, port) else {
            return Err(self.fail(SocketError::unsupported()));
        };
        let bound = self.with(|socket| {
            if target.is_ipv6() {
                // A socket for IPv6 alone stays IPv6-only even when it is bound to an IPv4 address,
                // which it gets in its mapped form.
                let only_v6 = match address.protocol() {
                    NetworkLayerProtocol::IPv4 => self.family.get() == NetworkLayerProtocol::IPv6,
                    protocol => protocol == NetworkLayerProtocol::IPv6,
                };
                // IPv4 sockets do not have this option and do not need it.
                let _ = socket.set_only_v6(only_v6);
            }
            socket.bind(&target.into())
        });
        match bound {
            Some(Ok(())) => {
                self.stage.set(Stage::Bound);
                self.begin_receiving()
            }
            Some(Err(error)) => Err(self.fail(sys::bind_error(&error))),
            None => Err(self.fail(SocketError::unsupported())),
        }
    }

    fn connect(&self, address: &QHostAddress, port: u16) -> Result<Progress, SocketError> {
        let Some(target) = self.target(address, port) else {
            return Err(self.fail(SocketError::unsupported()));
        };
        self.peer.set(Some(target));
        let progress = self.attempt(target)?;
        self.begin_receiving()?;
        Ok(progress)
    }

    fn finish_connecting(&self) -> Result<Progress, SocketError> {
        match self.peer.get() {
            Some(target) => self.attempt(target),
            // The socket was adopted while connecting. Its peer is known once it is connected.
            None => match self.with(|socket| (socket.take_error(), socket.peer_addr())) {
                Some((Ok(None), Ok(peer))) => {
                    self.peer.set(peer.as_socket());
                    self.stage.set(Stage::Connected);
                    self.writable.set(true);
                    Ok(Progress::Connected)
                }
                Some((Ok(None), Err(_))) => Ok(Progress::Connecting),
                Some((Ok(Some(error)) | Err(error), _)) => {
                    self.stage.set(Stage::Unconnected);
                    let error = self.fail(sys::connect_error(&error));
                    self.deregister();
                    Err(error)
                }
                None => Err(self.fail(SocketError::connection_refused())),
            },
        }
    }

    fn note(&self, ready: Readiness) {
        if ready.contains(Readiness::READABLE) {
            self.readable.set(true);
            if let Some(state) = &self.datagrams {
                state.note_event();
            }
        }
        if ready.contains(Readiness::WRITABLE) {
            self.writable.set(true);
        }
        if ready.contains(Readiness::READ_CLOSED) {
            self.read_closed.set(true);
        }
    }

    fn is_readable(&self) -> bool {
        self.readable.get() || self.datagrams.as_ref().is_some_and(|state| !state.is_empty())
    }

    fn is_writable(&self) -> bool {
        self.writable.get()
    }

    fn read(&self, data: &mut [u8]) -> Outcome {
        if let Some(state) = &self.datagrams {
            return self.read_datagram(state, data);
        }
        self.read_with(data.len(), |socket| match self.is_socket {
            true => socket.read(data),
            false => sys::pipes::read(*socket, data),
        })
    }

    fn read_to(&self, buffer: &mut Vec<u8>, room: usize) -> Outcome {
        if self.is_socket && self.datagrams.is_none() {
            return self.read_with(room, |socket| sys::receive(socket, buffer, room));
        }
        read_zeroed(buffer, room, |data| self.read(data))
    }

    fn has_more(&self) -> bool {
        if let Some(state) = &self.datagrams {
            return self.read_datagrams(state);
        }
        // Peeking would take the error of the connection, and the next read would find the end.
        let has_input = self.with(|socket| sys::has_input(socket)).unwrap_or(true);
        self.readable.set(has_input);
        has_input
    }

    fn bytes_available(&self) -> usize {
        let ahead = self.datagrams.as_ref().map(|state| state.first_len());
        match (self.stage.get(), ahead) {
            (_, Some(Some(len))) => len,
            (Stage::Connected, _) | (Stage::Bound, Some(None)) => {
                self.with(|socket| sys::available(socket)).unwrap_or(0)
            }
            (Stage::Unconnected, Some(None)) => {
                qcore::q_warning!(
                    "QNativeSocketEngine::bytesAvailable() was called in \
                     QAbstractSocket::UnconnectedState"
                );
                0
            }
            _ => 0,
        }
    }

    fn check_connected(&self) -> Result<(), SocketError> {
        // Without a descriptor, writing fails by itself.
        if self.stage.get() == Stage::Connected || self.io.borrow().is_none() {
            return Ok(());
        }
        qcore::q_warning!(
            "QNativeSocketEngine::write() was not called in QAbstractSocket::ConnectedState"
        );
        Err(self.error())
    }

    fn write(&self, data: &[IoSlice<'_>]) -> Outcome {
        if let Some(state) = &self.datagrams {
            return self.write_datagram(state, data);
        }
        let total: usize = data.iter().map(|part| part.len()).sum();
        let outcome = self.writing(|socket| match self.is_socket {
            true => sys::send(socket, data),
            false => sys::pipes::write(*socket, data),
        });
        if let Outcome::Moved(count) = outcome {
            // The system took only a part: an event reports when there is room again.
            self.writable.set(count == total || !self.is_socket);
        }
        outcome
    }

    fn close_failed(&self) {
        self.close();
    }

    #[cfg(feature = "tasks")]
    fn fill(&self, pipe: &mut KernelPipe, max: usize) -> Outcome {
        let outcome = self.reading(|socket| pipe.fill(socket, max));
        if pipe.is_refused() {
            self.readable.set(true);
        }
        outcome
    }

    #[cfg(feature = "tasks")]
    fn drain(&self, pipe: &mut KernelPipe, max: usize) -> Outcome {
        let outcome = self.writing(|socket| pipe.drain(socket, max));
        if pipe.is_refused() {
            self.writable.set(true);
        }
        outcome
    }

    #[cfg(feature = "tasks")]
    fn splices(&self) -> bool {
        self.is_socket && self.datagrams.is_none() && self.stage.get() == Stage::Connected
    }

    fn was_reset(&self) -> bool {
        self.reset.get()
    }

    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness> {
        if !self.registered.get() {
            // The poll reports an unconnected socket as hung up, so no wait is needed.
            return Some(Readiness::all());
        }
        self.registration.wait(deadline)
    }

    fn read_again(&self) {
        self.registration.requeue(Readiness::READABLE);
    }

    fn request_write(&self, early: bool) {
        self.registration.request_write(early);
    }

    fn local_address(&self) -> Option<(QHostAddress, u16)> {
        if !self.is_socket {
            return None;
        }
        let Some(local) = self.local() else {
            // The socket's family has no ports.
            return Some((QHostAddress::AnyIPv4, 0));
        };
        let dual = |socket: &mut &Socket| socket.only_v6().is_ok_and(|only| !only);
        if local.ip() == IpAddr::from([0; 16]) && self.with(dual) == Some(true) {
            return Some((QHostAddress::Any, local.port()));
        }
        Some(named(&local))
    }

    #[cfg(feature = "tasks")]
    fn set_half_open(&self, half_open: bool) {
        self.half_open.set(half_open && self.is_socket);
    }

    #[cfg(feature = "tasks")]
    fn shut_down_writing(&self) -> Result<(), SocketError> {
        if !self.is_socket {
            // A pipe or a terminal has no halves.
            return Err(SocketError::unsupported());
        }
        match self.with(|socket| socket.shutdown(std::net::Shutdown::Write)) {
            Some(Err(error)) => Err(SocketError::new(SocketErrorKind::Network, error.to_string())),
            Some(Ok(())) | None => Ok(()),
        }
    }

    fn peer_address(&self) -> Option<(QHostAddress, u16)> {
        self.peer.get().as_ref().map(named)
    }

    fn descriptor(&self) -> i32 {
        self.with(|socket| socket.as_raw_fd()).unwrap_or(-1)
    }

    fn set_option(&self, option: SocketOption, value: i32) {
        let set = self.with(|socket| sys::set_option(*socket, option, self.is_v6(), value));
        if let Some(Err(error)) = set {
            log::debug!("{option:?} cannot be set to {value}: {error}");
        }
    }

    fn option(&self, option: SocketOption) -> Option<i32> {
        self.with(|socket| sys::option(socket, option, self.is_v6()).ok())?
            .filter(|&value| value != -1)
    }

    fn with_socket(&self, call: &mut dyn FnMut(&Socket)) {
        let _ = self.with(|socket| call(socket));
    }

    fn error(&self) -> SocketError {
        if let Some(error) = self.error.get() {
            return error.as_ref().clone();
        }
        if self.was_unfinished.get() {
            let kind = SocketErrorKind::UnfinishedSocketOperation;
            return SocketError::new(kind, "Invalid socket descriptor");
        }
        SocketError::unknown()
    }

    fn release(&self) -> Option<Socket> {
        self.take_out()
    }

    fn datagrams(&self) -> Option<&dyn Datagrams> {
        self.datagrams.as_ref().map(|_| self as &dyn Datagrams)
    }
}

impl Drop for NativeEngine {
    fn drop(&mut self) {
        self.close();
    }
}

/// Returns the system's socket type.
fn kind_of(socket_type: SocketType) -> Result<Type, SocketError> {
    match socket_type {
        // Like Qt, treats unknown types as TCP.
        SocketType::Tcp | SocketType::Unknown => Ok(Type::STREAM),
        SocketType::Udp => Ok(Type::DGRAM),
        SocketType::Sctp => {
            let kind = SocketErrorKind::UnsupportedSocketOperation;
            Err(SocketError::new(kind, "Protocol type not supported"))
        }
    }
}

/// Returns the system's address family.
fn domain_of(family: NetworkLayerProtocol) -> Domain {
    match family {
        NetworkLayerProtocol::IPv6 | NetworkLayerProtocol::AnyIP => Domain::IPV6,
        _ => Domain::IPV4,
    }
}

/// Creates a socket that is non-blocking and close-on-exec.
fn open(domain: Domain, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, None)?;
    socket.set_nonblocking(true)?;
    sys::inline_urgent_data(&socket);
    Ok(socket)
}

fn invalid_descriptor() -> SocketError {
    let kind = SocketErrorKind::UnsupportedSocketOperation;
    SocketError::new(kind, "Invalid socket descriptor")
}

/// Makes a descriptor from elsewhere non-blocking and close-on-exec.
fn make_ours(descriptor: &Socket) -> Result<(), SocketError> {
    descriptor.set_nonblocking(true).and_then(|()| descriptor.set_cloexec(true)).map_err(|_| {
        let kind = SocketErrorKind::UnsupportedSocketOperation;
        SocketError::new(kind, "Unable to initialize non-blocking socket")
    })
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests;
