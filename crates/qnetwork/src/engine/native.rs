//! The engine that is the operating system's own socket.

use std::{
    cell::{Cell, OnceCell, RefCell},
    io::{self, IoSlice, Read},
    mem::MaybeUninit,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    rc::{Rc, Weak},
};

use mio::{Interest, unix::SourceFd};
use qcore::{
    Dispatcher, QDeadlineTimer,
    event_loop::{EventSource, Readiness, Registration},
};
use socket2::{Domain, Socket, Type};

use super::{
    Engine, Outcome, Progress, Stage,
    datagrams::{DatagramState, Datagrams},
};
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    common::{SocketError, SocketErrorKind, SocketOption, SocketType},
    host_info::named,
    sys,
};

/// A TCP or UDP socket, or a stream that is no socket, such as a pipe. It is registered once,
/// edge-triggered. A UDP socket is registered for reading alone, as each datagram that has gone out
/// would be worth an event else.
///
/// It is registered after `connect()` and not before: the poll takes a socket that is not connected
/// for one that was hung up. One that fails to connect is taken out again, and may be tried anew.
///
/// `readable` is what the edges make of it: set by an event, cleared by "would block", and by a
/// short read, after which there is nothing more unless the loop says so. The exception is a socket
/// whose other end has closed: data and end come in one edge, and the end is seen only by reading
/// on.
pub(crate) struct NativeEngine {
    /// Gone once reading or writing has failed.
    io: RefCell<Option<Socket>>,
    registration: Registration,
    registered: Cell<bool>,
    stage: Cell<Stage>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    read_closed: Cell<bool>,
    /// What addresses it was made for: of IPv4, of IPv6, or both, which is one of IPv6, too.
    family: Cell<NetworkLayerProtocol>,
    /// Whether an attempt to connect did not end at once. Qt takes that for an error.
    was_unfinished: Cell<bool>,
    peer: Cell<Option<SocketAddr>>,
    error: OnceCell<Box<SocketError>>,
    /// Whether it is a socket, and neither a pipe nor a terminal.
    is_socket: bool,
    /// A UDP socket has it.
    pub(super) datagrams: Option<Box<DatagramState>>,
}

impl NativeEngine {
    /// One with a new socket, for addresses of a protocol; of no protocol means IPv4, of any both.
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
            // A machine without IPv6.
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

    /// One that takes over a socket: checked to be of the right kind, and made to block nobody.
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
        // One of a family without ports has an end that is nowhere.
        let nowhere = SocketAddr::from(([0; 4], 0));
        let peer = peer.map(|peer| peer.as_socket().unwrap_or(nowhere));
        Self::take(dispatcher, source, kind, socket, stage, peer)
    }

    /// One that takes over an end of a pipe, a terminal, or whatever else the poll can watch. What
    /// it cannot watch, as files and directories, is refused.
    fn adopt_stream(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        stream: Socket,
    ) -> Result<Self, SocketError> {
        make_ours(&stream)?;
        let mut engine = Self::of(dispatcher, source, Type::STREAM, stream, Stage::Connected)?;
        engine.is_socket = false;
        // The end for reading never is; of others the poll tells.
        engine.writable.set(false);
        engine.register().map_err(|error| match error.raw_os_error() {
            Some(libc::EPERM) => invalid_descriptor(),
            _ => sys::other_error(&error),
        })?;
        Ok(engine)
    }

    /// One that takes over a connection of the right kind that blocks nobody.
    pub(crate) fn take(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        kind: Type,
        socket: Socket,
        stage: Stage,
        peer: Option<SocketAddr>,
    ) -> Result<Self, SocketError> {
        inline_urgent_data(&socket);
        let engine = Self::of(dispatcher, source, kind, socket, stage)?;
        engine.peer.set(peer);
        if engine.local().is_some_and(|local| local.is_ipv6()) {
            engine.family.set(NetworkLayerProtocol::IPv6);
        }
        if let Some(datagrams) = &engine.datagrams {
            datagrams.local_port.set(engine.local().map_or(0, |local| local.port()));
        }
        let can_receive = engine.datagrams.is_some() && stage == Stage::Bound;
        if can_receive || matches!(stage, Stage::Connecting | Stage::Connected) {
            engine.writable.set(stage != Stage::Connecting);
            engine.register().map_err(|error| sys::other_error(&error))?;
        }
        Ok(engine)
    }

    fn of(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        kind: Type,
        socket: Socket,
        stage: Stage,
    ) -> Result<Self, SocketError> {
        let is_datagrams = kind == Type::DGRAM;
        if is_datagrams && socket.set_broadcast(true).is_err() {
            let kind = SocketErrorKind::UnsupportedSocketOperation;
            return Err(SocketError::new(kind, "Unable to initialize broadcast socket"));
        }
        Ok(NativeEngine {
            io: RefCell::new(Some(socket)),
            registration: dispatcher.add_source(source),
            registered: Cell::new(false),
            stage: Cell::new(stage),
            readable: Cell::new(false),
            // So that one who writes too early is told.
            writable: Cell::new(true),
            read_closed: Cell::new(false),
            family: Cell::new(NetworkLayerProtocol::IPv4),
            was_unfinished: Cell::new(false),
            peer: Cell::new(None),
            error: OnceCell::new(),
            is_socket: true,
            datagrams: is_datagrams.then(|| Box::new(DatagramState::new(dispatcher))),
        })
    }

    fn register(&self) -> io::Result<()> {
        if self.registered.get() {
            return Ok(());
        }
        if let Some(fd) = self.with(|socket| socket.as_raw_fd()) {
            let interest = match self.datagrams {
                Some(_) => Interest::READABLE,
                None => Interest::READABLE | Interest::WRITABLE,
            };
            self.registration.register(&mut SourceFd(&fd), interest)?;
            self.registered.set(true);
        }
        Ok(())
    }

    fn deregister(&self) {
        if self.registered.replace(false)
            && let Some(fd) = self.with(|socket| socket.as_raw_fd())
        {
            self.registration.deregister(&mut SourceFd(&fd));
        }
    }

    pub(super) fn with<R>(&self, f: impl FnOnce(&mut &Socket) -> R) -> Option<R> {
        self.io.borrow().as_ref().map(|mut socket| f(&mut socket))
    }

    fn close(&self) {
        self.deregister();
        self.io.take();
        self.stage.set(Stage::Unconnected);
    }

    /// Keeps an error, if it is the first, and returns the one that is kept.
    ///
    /// So Qt's engine does. A bound socket that was refused, and is connected then, says "refused"
    /// also when that connection ends.
    pub(super) fn fail(&self, error: SocketError) -> SocketError {
        self.error.get_or_init(|| Box::new(error)).as_ref().clone()
    }

    pub(super) fn is_v6(&self) -> bool {
        domain_of(self.family.get()) == Domain::IPV6
    }

    /// An address as the system wants it for this socket.
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

    /// Calls `connect()`. Called again it tells what has become of the attempt, and one that has
    /// failed leaves a socket behind that can be used again; `SO_ERROR` would tell the same, but
    /// leave one that fails once more.
    fn attempt(&self, target: SocketAddr) -> Result<Progress, SocketError> {
        let call = || self.with(|socket| socket.connect(&target.into()));
        let mut called = call();
        if self.stage.get() == Stage::Connecting
            && let Some(Err(error)) = &called
            && sys::is_passing_failure(error)
        {
            // As Qt does, try the same address anew.
            called = call();
        }
        let progress = match called {
            None => return Err(self.fail(SocketError::connection_refused())),
            Some(Ok(())) => Progress::Connected,
            Some(Err(error)) => match error.raw_os_error() {
                Some(libc::EISCONN) => Progress::Connected,
                Some(libc::EINPROGRESS | libc::EALREADY | libc::EINTR) => Progress::Connecting,
                _ => {
                    self.deregister();
                    self.stage.set(Stage::Unconnected);
                    return Err(self.fail(sys::connect_error(&error)));
                }
            },
        };
        self.register().map_err(|error| self.fail(sys::other_error(&error)))?;
        match progress {
            Progress::Connected => {
                self.stage.set(Stage::Connected);
                // Of several addresses it may be an earlier one that has answered.
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

    /// Whether there may be more to read than was read now.
    pub(super) fn note_more(&self, more: bool) {
        self.readable.set(more);
    }

    /// A socket for datagrams has an address now.
    fn begin_receiving(&self) -> Result<(), SocketError> {
        let Some(datagrams) = &self.datagrams else { return Ok(()) };
        datagrams.local_port.set(self.local().map_or(0, |local| local.port()));
        self.register().map_err(|error| self.fail(sys::other_error(&error)))
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
            // If the system refuses, bind() tells.
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
                // An IPv4 address is one of IPv6 to a socket that is for those alone.
                let only_v6 = match address.protocol() {
                    NetworkLayerProtocol::IPv4 => self.family.get() == NetworkLayerProtocol::IPv6,
                    protocol => protocol == NetworkLayerProtocol::IPv6,
                };
                // A family that does not know it has no need for it.
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
            // Taken over in the middle of it: who the other end is shows when it is there.
            None => match self.with(|socket| (socket.take_error(), socket.peer_addr())) {
                Some((Ok(None), Ok(peer))) => {
                    self.peer.set(peer.as_socket());
                    self.stage.set(Stage::Connected);
                    self.writable.set(true);
                    Ok(Progress::Connected)
                }
                Some((Ok(None), Err(_))) => Ok(Progress::Connecting),
                Some((Ok(Some(error)) | Err(error), _)) => {
                    self.deregister();
                    self.stage.set(Stage::Unconnected);
                    Err(self.fail(sys::connect_error(&error)))
                }
                None => Err(self.fail(SocketError::connection_refused())),
            },
        }
    }

    fn note(&self, ready: Readiness) {
        if ready.contains(Readiness::READABLE) {
            self.readable.set(true);
            if let Some(state) = &self.datagrams {
                state.note_told();
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
        loop {
            let read = self.with(|socket| match self.is_socket {
                true => socket.read(data),
                false => sys::pipes::read(*socket, data),
            });
            let error = match read {
                Some(Ok(0)) | None => SocketError::remote_host_closed(),
                Some(Ok(count)) => {
                    // A terminal gives a line at a time: only "would block" is the end there.
                    if count < data.len() && !self.read_closed.get() && self.is_socket {
                        self.readable.set(false);
                    }
                    return Outcome::Moved(count);
                }
                Some(Err(error)) if would_block(&error) => {
                    self.readable.set(false);
                    return Outcome::WouldBlock;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Some(Err(error)) => sys::read_error(&error),
            };
            self.readable.set(false);
            self.close();
            return Outcome::Failed(self.fail(error));
        }
    }

    fn has_more(&self) -> bool {
        if let Some(state) = &self.datagrams {
            return self.read_datagrams(state);
        }
        if !self.is_socket {
            let more = self.with(|stream| sys::pipes::has_input(*stream)).unwrap_or(true);
            self.readable.set(more);
            return more;
        }
        match self.with(|socket| socket.peek(&mut [MaybeUninit::uninit()])) {
            Some(Err(error)) if would_block(&error) => {
                self.readable.set(false);
                false
            }
            _ => true,
        }
    }

    fn bytes_available(&self) -> usize {
        let ahead = self.datagrams.as_ref().map(|state| state.first_len());
        match (self.stage.get(), ahead) {
            (_, Some(Some(len))) => len,
            (Stage::Connected, _) | (Stage::Bound, Some(None)) => {
                self.with(|socket| sys::available(*socket)).unwrap_or(0)
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

    fn write(&self, data: &[IoSlice<'_>]) -> Outcome {
        if self.stage.get() != Stage::Connected && self.io.borrow().is_some() {
            qcore::q_warning!(
                "QNativeSocketEngine::write() was not called in QAbstractSocket::ConnectedState"
            );
            return Outcome::Failed(self.error());
        }
        if let Some(state) = &self.datagrams {
            return self.write_datagram(state, data);
        }
        let total: usize = data.iter().map(|part| part.len()).sum();
        loop {
            let sent = self.with(|socket| match self.is_socket {
                true => sys::send(socket, data),
                false => sys::pipes::write(*socket, data),
            });
            let error = match sent {
                None => SocketError::remote_host_closed(),
                Some(Ok(count)) => {
                    // The system took what it could: an event tells when there is room again.
                    self.writable.set(count == total || !self.is_socket);
                    return Outcome::Moved(count);
                }
                Some(Err(error)) if would_block(&error) => {
                    self.writable.set(false);
                    return Outcome::WouldBlock;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                // What reading would say, whichever of the two is first to find out.
                Some(Err(error)) if !self.is_socket && sys::is_end(&error) => {
                    sys::read_error(&io::Error::from_raw_os_error(libc::EBADF))
                }
                Some(Err(error)) => sys::write_error(&error),
            };
            self.close();
            return Outcome::Failed(self.fail(error));
        }
    }

    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness> {
        if !self.registered.get() {
            // As a poll has it, one that is not connected was hung up.
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
            // Of a family that has no ports.
            return Some((QHostAddress::AnyIPv4, 0));
        };
        let dual = |socket: &mut &Socket| socket.only_v6().is_ok_and(|only| !only);
        if local.ip() == IpAddr::from([0; 16]) && self.with(dual) == Some(true) {
            return Some((QHostAddress::Any, local.port()));
        }
        Some(named(&local))
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
        self.with(|socket| sys::option(*socket, option, self.is_v6()).ok())?
            .filter(|&value| value != -1)
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
        self.deregister();
        self.stage.set(Stage::Unconnected);
        self.io.take()
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

/// The system's word for a type of sockets.
fn kind_of(socket_type: SocketType) -> Result<Type, SocketError> {
    match socket_type {
        // As Qt, which makes one of TCP of whatever it does not know.
        SocketType::Tcp | SocketType::Unknown => Ok(Type::STREAM),
        SocketType::Udp => Ok(Type::DGRAM),
        SocketType::Sctp => {
            let kind = SocketErrorKind::UnsupportedSocketOperation;
            Err(SocketError::new(kind, "Protocol type not supported"))
        }
    }
}

/// The system's word for a family of addresses.
fn domain_of(family: NetworkLayerProtocol) -> Domain {
    match family {
        NetworkLayerProtocol::IPv6 | NetworkLayerProtocol::AnyIP => Domain::IPV6,
        _ => Domain::IPV4,
    }
}

/// A new socket, non-blocking and closed on exec.
fn open(domain: Domain, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, None)?;
    socket.set_nonblocking(true)?;
    inline_urgent_data(&socket);
    Ok(socket)
}

fn invalid_descriptor() -> SocketError {
    let kind = SocketErrorKind::UnsupportedSocketOperation;
    SocketError::new(kind, "Invalid socket descriptor")
}

/// Has a descriptor that was made by others block nobody, and close on exec.
fn make_ours(descriptor: &Socket) -> Result<(), SocketError> {
    descriptor.set_nonblocking(true).and_then(|()| descriptor.set_cloexec(true)).map_err(|_| {
        let kind = SocketErrorKind::UnsupportedSocketOperation;
        SocketError::new(kind, "Unable to initialize non-blocking socket")
    })
}

/// Urgent data comes as all other data does.
fn inline_urgent_data(socket: &Socket) {
    // Where the system has no urgent data it does not come at all.
    let _ = socket.set_out_of_band_inline(true);
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl EventSource for Nobody {
        fn ready(self: Rc<Self>, _: Readiness) {}
    }

    fn opened(protocol: NetworkLayerProtocol) -> NativeEngine {
        let source = Weak::<Nobody>::new();
        NativeEngine::open(&Dispatcher::current(), source, SocketType::Tcp, protocol).unwrap()
    }

    #[test]
    fn construction() {
        let engine = opened(NetworkLayerProtocol::IPv4);
        assert_eq!(engine.stage(), Stage::Unconnected);
        assert!(engine.descriptor() > 0);
        assert_eq!(engine.local_address(), Some((QHostAddress::AnyIPv4, 0)));
        assert_eq!((engine.peer_address(), engine.bytes_available()), (None, 0));
        assert_eq!(engine.error(), SocketError::unknown());
        assert!(!engine.registered.get());
    }

    #[test]
    fn the_peer_closes() {
        use std::io::Write;

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = opened(NetworkLayerProtocol::IPv4);
        let port = listener.local_addr().unwrap().port();
        let mut progress = engine.connect(&QHostAddress::LocalHost, port);
        while progress == Ok(Progress::Connecting) {
            assert_eq!(engine.stage(), Stage::Connecting);
            engine.wait(QDeadlineTimer::forever());
            progress = engine.finish_connecting();
        }
        assert_eq!((progress, engine.stage()), (Ok(Progress::Connected), Stage::Connected));
        assert_eq!(engine.peer_address(), Some((QHostAddress::LocalHost, port)));
        let (mut stream, _) = listener.accept().unwrap();
        let read = || loop {
            match engine.read(&mut [0]) {
                Outcome::WouldBlock => engine.wait(QDeadlineTimer::forever()),
                outcome => return outcome,
            };
        };
        stream.write_all(b"x").unwrap();
        assert!(matches!(read(), Outcome::Moved(1)));
        drop(stream);
        let Outcome::Failed(error) = read() else { panic!("the connection is over") };
        assert_eq!(error, SocketErrorKind::RemoteHostClosed);
        assert_eq!((engine.error(), engine.stage()), (error, Stage::Unconnected));
        assert_eq!(engine.descriptor(), -1);
    }

    #[test]
    fn it_is_used_again_after_a_failure() {
        let taken = opened(NetworkLayerProtocol::IPv4);
        taken.bind(&QHostAddress::LocalHost, 0, None).unwrap();
        let (_, closed) = taken.local_address().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();

        let engine = opened(NetworkLayerProtocol::IPv4);
        let descriptor = engine.descriptor();
        let connect = |port| {
            let mut progress = engine.connect(&QHostAddress::LocalHost, port);
            while matches!(progress, Ok(Progress::Connecting)) {
                engine.wait(QDeadlineTimer::forever());
                progress = engine.finish_connecting();
            }
            progress
        };
        let refused = connect(closed).unwrap_err();
        assert_eq!(refused, SocketErrorKind::ConnectionRefused);
        assert_eq!((engine.stage(), engine.registered.get()), (Stage::Unconnected, false));
        assert_eq!(connect(port), Ok(Progress::Connected));
        assert_eq!((engine.descriptor(), engine.registered.get()), (descriptor, true));
        // The first error is kept.
        assert_eq!(engine.error(), refused);
        drop(listener);
    }
}
