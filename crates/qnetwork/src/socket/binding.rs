//! Addresses of one's own: binding, and taking over a socket that there is.

use std::{
    net::SocketAddr,
    os::fd::OwnedFd,
    rc::{Rc, Weak},
};

use mio::net::TcpStream;
use qcore::{Dispatcher, OpenMode, event_loop::EventSource, object::Node};
use socket2::{Socket, Type};

use super::{
    AbstractSocketNode, End, Ends, QAbstractSocket, SocketError, SocketErrorKind, SocketState,
};
use crate::{
    NetworkLayerProtocol, QHostAddress,
    address::Host,
    engine::{Engine, NativeEngine, Stage},
};

bitflags::bitflags! {
    /// Whether an address and port are shared with other sockets.
    ///
    /// On Unix the first socket that is bound has to allow it, and those that come later need not
    /// ask.
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    #[doc(alias = "QAbstractSocket::BindMode")]
    #[doc(alias = "BindFlag")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct BindMode: u32 {
        /// Others may have the address and port, too.
        #[doc(alias = "ShareAddress")]
        const SHARE_ADDRESS = 1;
        /// Nobody else may.
        #[doc(alias = "DontShareAddress")]
        const DONT_SHARE_ADDRESS = 2;
        /// The address may be taken over from others. On Unix the same as `SHARE_ADDRESS`.
        #[doc(alias = "ReuseAddressHint")]
        const REUSE_ADDRESS_HINT = 4;
    }
}

impl BindMode {
    /// What the system does by itself; on Unix nobody else may have the address.
    #[doc(alias = "DefaultForPlatform")]
    pub const DEFAULT_FOR_PLATFORM: BindMode = BindMode::empty();
}

impl QAbstractSocket {
    /// Binds the socket to an address and port of this machine; port 0 is one that the system
    /// chooses.
    ///
    /// The socket is [`Bound`](SocketState::Bound) then, and
    /// [`local_port`](QAbstractSocket::local_port) tells the port. A TCP socket need not be bound;
    /// one that is keeps address, port and descriptor when it connects, also if a host has several
    /// addresses and the first of them fail.
    ///
    /// [`QHostAddress::Any`] is every address of this machine, IPv4 and IPv6, where there is IPv6;
    /// [`AnyIPv6`](QHostAddress::AnyIPv6) is IPv6 alone, a null address IPv4 alone. An IPv4 host
    /// that a socket bound to `Any` connects to is shown as `::ffff:a.b.c.d`.
    ///
    /// A UDP socket with a [proxy](crate::QUdpSocket#proxies) is bound there as well; a TCP socket
    /// cannot be.
    ///
    /// # Errors
    ///
    /// What keeps the system from it: [`AddressInUse`](SocketErrorKind::AddressInUse),
    /// [`SocketAccess`](SocketErrorKind::SocketAccess),
    /// [`SocketAddressNotAvailable`](SocketErrorKind::SocketAddressNotAvailable),
    /// [`SocketResource`](SocketErrorKind::SocketResource),
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation). It is told by
    /// [`error_occurred`](AbstractSocketNode::error_occurred), too, and the state stays; it may be
    /// tried again. A socket that fails so keeps the first error for all attempts, as Qt's does.
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the socket is bound or connected already, or
    /// about to be; [`error`](QAbstractSocket::error) is what went wrong before then, as with Qt.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QTcpSocket, SocketErrorKind, SocketState};
    ///
    /// let socket = QTcpSocket::new();
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// assert_eq!(socket.state(), SocketState::Bound);
    ///
    /// let other = QTcpSocket::new();
    /// let error = other.bind(QHostAddress::LocalHost, socket.local_port()).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::AddressInUse);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn bind<'a>(&self, address: impl Into<Host<'a>>, port: u16) -> Result<(), SocketError> {
        self.bind_with_mode(address, port, BindMode::DEFAULT_FOR_PLATFORM)
    }

    /// [`bind`](QAbstractSocket::bind), saying whether others may have the same address and port.
    ///
    /// # Errors
    ///
    /// As [`bind`](QAbstractSocket::bind).
    pub fn bind_with_mode<'a>(
        &self,
        address: impl Into<Host<'a>>,
        port: u16,
        mode: BindMode,
    ) -> Result<(), SocketError> {
        match address.into().into_address() {
            Ok(address) => self.bind_node(&address, port, mode),
            Err(error) => {
                self.refuse_deleted("bind")?;
                let error = SocketError::from(error);
                self.set_error(&error);
                self.emit_error();
                Err(error)
            }
        }
    }

    /// Takes over a connection: a descriptor of a socket that is connected, or of another stream.
    ///
    /// The socket is [`Connected`](SocketState::Connected) and open for reading and writing then,
    /// and the descriptor is its own: it is closed with the socket.
    ///
    /// # Streams that are no TCP connections
    ///
    /// A TCP socket also takes over one of a pair of Unix sockets, an end of a pipe, a FIFO, a
    /// terminal, and whatever else the system's poll can watch. A UDP socket takes over one of a
    /// pair of Unix sockets for datagrams.
    ///
    /// * A Unix socket's addresses are shown as [`AnyIPv4`](QHostAddress::AnyIPv4), with port 0.
    ///   What is no socket has null addresses, and no [options](QAbstractSocket::socket_option).
    /// * When all writers have closed their ends of a pipe, the error is
    ///   [`RemoteHostClosed`](SocketErrorKind::RemoteHostClosed). When all readers have, it is
    ///   [`Network`](SocketErrorKind::Network).
    /// * What is written to a pipe's end for reading waits for ever, as with Qt: only
    ///   [`abort`](QAbstractSocket::abort) ends it. Open such an end with [`OpenMode::READ_ONLY`]
    ///   by [`set_socket_descriptor_with_state`](QAbstractSocket::set_socket_descriptor_with_state), and
    ///   `write` fails.
    /// * The descriptor is made non-blocking. Its duplicates are, too, also in other processes, and
    ///   a terminal is usually shared so.
    ///
    /// # Descriptors that others have watched
    ///
    /// It does not matter which loop has watched the connection before, nor whether that loop still
    /// runs: this thread's loop watches the descriptor anew. Two sockets with duplicates of one
    /// descriptor each get a part of what comes.
    ///
    /// # Errors
    ///
    /// As [`set_socket_descriptor_with_state`](QAbstractSocket::set_socket_descriptor_with_state).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use qnetwork::{QTcpSocket, SocketState};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let stream = TcpStream::connect(listener.local_addr()?)?;
    ///
    /// let socket = QTcpSocket::new();
    /// socket.set_socket_descriptor(stream)?;
    /// assert_eq!(socket.state(), SocketState::Connected);
    /// assert_eq!(socket.peer_port(), listener.local_addr()?.port());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor(&self, descriptor: impl Into<OwnedFd>) -> Result<(), SocketError> {
        self.set_socket_descriptor_with_state(
            descriptor,
            SocketState::Connected,
            OpenMode::READ_WRITE,
        )
    }

    /// Takes over a socket in some `state`, opening it in some `mode`.
    ///
    /// A socket that is to connect is [`Unconnected`](SocketState::Unconnected) or
    /// [`Bound`](SocketState::Bound), and keeps its descriptor when it does. It is made
    /// non-blocking and closed on exec. What this socket was connected to before is closed, without
    /// a signal but [`state_changed`](AbstractSocketNode::state_changed) if the state is another
    /// one.
    ///
    /// # Errors
    ///
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation) for a socket of
    /// another type; for what the poll cannot watch, as files, directories and `/dev/null`; and for
    /// a pipe in a state other than [`Connected`](SocketState::Connected) and
    /// [`Closing`](SocketState::Closing). The descriptor is closed then, and this socket is as it
    /// was.
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor_with_state(
        &self,
        descriptor: impl Into<OwnedFd>,
        state: SocketState,
        mode: OpenMode,
    ) -> Result<(), SocketError> {
        match self.class() {
            Some(class) => class.set_socket_descriptor(descriptor.into(), state, mode),
            None => self.take_over(descriptor.into(), state, mode),
        }
    }
}

impl AbstractSocketNode {
    pub(super) fn bind_node(
        &self,
        address: &QHostAddress,
        port: u16,
        mode: BindMode,
    ) -> Result<(), SocketError> {
        self.refuse_deleted("bind")?;
        let engine = match self.engine() {
            Some(engine) => engine,
            None => {
                let protocol = match address.protocol() {
                    NetworkLayerProtocol::Unknown => NetworkLayerProtocol::IPv4,
                    protocol => protocol,
                };
                self.find_route_for_binding(port)?;
                let engine = self.open_engine(protocol).inspect_err(|error| {
                    self.set_error(error);
                })?;
                self.engine.replace(Some(engine.clone()));
                engine
            }
        };
        let shared = BindMode::SHARE_ADDRESS | BindMode::REUSE_ADDRESS_HINT;
        let reuse = (!mode.is_empty()).then(|| mode.intersects(shared));
        let too_late = engine.stage() != Stage::Unconnected;
        let bound = engine.bind(address, port, reuse);
        if bound.is_ok() && engine.stage() == Stage::Connecting {
            self.bind_to_relay(&engine)?;
        }
        // From now on it is this one that connects.
        self.descriptor.set(engine.descriptor());
        if let Err(error) = bound {
            self.set_error(&error);
            self.emit_error();
            return Err(if too_late { is_in_use() } else { error });
        }
        self.ends.borrow_mut().local = engine.local_address().unwrap_or_default();
        self.change_state(SocketState::Bound);
        Ok(())
    }

    pub(super) fn open_engine(
        &self,
        protocol: NetworkLayerProtocol,
    ) -> Result<Rc<dyn Engine>, SocketError> {
        let dispatcher = self.life().dispatcher();
        if let Some(proxy) = &*self.route.borrow() {
            return Ok(self.proxy_engine((**proxy).clone()));
        }
        let engine = NativeEngine::open(dispatcher, self.source(), self.socket_type, protocol)?;
        Ok(Rc::new(engine))
    }

    fn take_over(
        &self,
        descriptor: OwnedFd,
        state: SocketState,
        mode: OpenMode,
    ) -> Result<(), SocketError> {
        self.refuse_deleted("setSocketDescriptor")?;
        let stage = match state {
            SocketState::Connected | SocketState::Closing => Stage::Connected,
            SocketState::Connecting => Stage::Connecting,
            SocketState::Bound | SocketState::Listening => Stage::Bound,
            SocketState::Unconnected | SocketState::HostLookup => Stage::Unconnected,
        };
        let (dispatcher, socket) = (self.life().dispatcher(), Socket::from(descriptor));
        let engine =
            NativeEngine::adopt(dispatcher, self.source(), self.socket_type, socket, stage);
        let engine = engine.inspect_err(|error| self.set_error(error))?;
        self.forget_connection();
        self.install(Rc::new(engine), mode);
        if self.state.replace(state) != state {
            self.state_changed.emit(state);
        }
        Ok(())
    }

    /// Takes over a connection that a server has accepted.
    pub(crate) fn adopt(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), SocketError> {
        let socket = Socket::from(OwnedFd::from(stream));
        self.adopt_connected(socket, Some(peer), OpenMode::READ_WRITE)
    }

    /// Takes over a connection that an engine can be made of, in place of what the socket had. No
    /// signal tells of it.
    pub(crate) fn adopt_with(
        &self,
        make: impl FnOnce(&Rc<Dispatcher>, Weak<dyn EventSource>) -> Result<Rc<dyn Engine>, SocketError>,
    ) -> Result<(), SocketError> {
        let engine = make(self.life().dispatcher(), self.source())?;
        self.forget_connection();
        self.install(engine, OpenMode::READ_WRITE);
        self.state.set(SocketState::Connected);
        Ok(())
    }

    /// Takes over a connection that blocks nobody, in place of what the socket had. No signal tells
    /// of it.
    pub(crate) fn adopt_connected(
        &self,
        socket: Socket,
        peer: Option<SocketAddr>,
        mode: OpenMode,
    ) -> Result<(), SocketError> {
        let (dispatcher, source) = (self.life().dispatcher(), self.source());
        let engine =
            NativeEngine::take(dispatcher, source, Type::STREAM, socket, Stage::Connected, peer)?;
        self.forget_connection();
        self.install(Rc::new(engine), mode);
        self.state.set(SocketState::Connected);
        Ok(())
    }

    /// Lets go of what the socket is connected to, or about to be, and of what belongs to that.
    fn forget_connection(&self) {
        self.cancel_lookup();
        self.stop_connect_timer();
        self.release_engine();
        self.addresses.take();
        self.clear_write_queue();
        self.clear_error();
        self.flags.pending_close.set(false);
        self.flags.abort_called.set(false);
    }

    fn install(&self, engine: Rc<dyn Engine>, mode: OpenMode) {
        self.engine.replace(Some(engine));
        self.base.open_device(mode);
        self.note_ends();
    }

    /// Learns from the engine who both ends are.
    pub(super) fn note_ends(&self) {
        if let Some(engine) = self.engine() {
            let end = |end: Option<End>| end.unwrap_or_default();
            let (local, peer) = (end(engine.local_address()), end(engine.peer_address()));
            self.ends.replace(Ends { local, peer });
            self.descriptor.set(engine.descriptor());
        }
    }

    pub(super) fn refuse_deleted(&self, function: &str) -> Result<(), SocketError> {
        if self.life().is_dying() {
            qcore::q_warning!("QAbstractSocket::{function}() called on a socket that was deleted");
            let text = "The socket was deleted";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        Ok(())
    }
}

fn is_in_use() -> SocketError {
    let text = "The socket is bound or connected already, or about to be";
    SocketError::new(SocketErrorKind::Operation, text)
}
