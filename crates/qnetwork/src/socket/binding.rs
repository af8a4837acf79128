//! Binding a socket to an address, and taking over an existing descriptor.

use std::{
    net::SocketAddr,
    os::fd::OwnedFd,
    rc::{Rc, Weak},
};

use mio::net::TcpStream;
use qcore::{Dispatcher, OpenMode, event_loop::EventSource, object::Node};
use socket2::Type;

use super::{
    close_reason::CloseReason,
    node::{AbstractSocketNode, End, QAbstractSocket},
    proxying::used_otherwise,
    state::SocketState,
};
use crate::{
    address::{Host, NetworkLayerProtocol, QHostAddress},
    common::{SocketError, SocketErrorKind},
    engine::{Engine, NativeEngine, Stage},
    host_info::named,
    sys::{self, Socket},
};

bitflags::bitflags! {
    /// Whether a socket shares its address and port with other sockets.
    ///
    /// On Unix, the first socket that is bound to an address and port decides whether they are
    /// shared. Sockets that are bound later need not ask for it.
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    #[doc(alias = "QAbstractSocket::BindMode")]
    #[doc(alias = "BindFlag")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct BindMode: u32 {
        /// Other sockets may be bound to the same address and port.
        #[doc(alias = "ShareAddress")]
        const SHARE_ADDRESS = 1;
        /// No other socket may be bound to the same address and port.
        #[doc(alias = "DontShareAddress")]
        const DONT_SHARE_ADDRESS = 2;
        /// The socket may take the address over from another one. On Unix this is the same as
        /// `SHARE_ADDRESS`.
        #[doc(alias = "ReuseAddressHint")]
        const REUSE_ADDRESS_HINT = 4;
    }
}

impl BindMode {
    /// The system's default. On Unix, no other socket may be bound to the same address and port.
    #[doc(alias = "DefaultForPlatform")]
    pub const DEFAULT_FOR_PLATFORM: BindMode = BindMode::empty();
}

impl QAbstractSocket {
    /// Binds the socket to an address and port of this machine. With port 0 the system chooses a
    /// port.
    ///
    /// After that the socket is [`Bound`](SocketState::Bound), and
    /// [`local_port`](QAbstractSocket::local_port) returns the port. A TCP socket need not be bound
    /// to connect. A bound one keeps its address, port and descriptor when it connects, even if a
    /// host has several addresses and the first of them fail.
    ///
    /// [`QHostAddress::Any`] means all addresses of this machine: IPv4, and IPv6 if the machine has
    /// it. [`AnyIPv6`](QHostAddress::AnyIPv6) means only IPv6, a null address only IPv4. If a
    /// socket that is bound to `Any` connects to an IPv4 host, the peer's address has the form
    /// `::ffff:a.b.c.d`.
    ///
    /// A UDP socket with a [proxy](crate::QUdpSocket#proxies) is bound at the proxy as well. A TCP
    /// socket with a proxy cannot be bound.
    ///
    /// Emits [`state_changed`](AbstractSocketNode::state_changed) before it returns, or
    /// [`error_occurred`](AbstractSocketNode::error_occurred) if it fails.
    ///
    /// # Errors
    ///
    /// [`AddressInUse`](SocketErrorKind::AddressInUse),
    /// [`SocketAccess`](SocketErrorKind::SocketAccess),
    /// [`SocketAddressNotAvailable`](SocketErrorKind::SocketAddressNotAvailable),
    /// [`SocketResource`](SocketErrorKind::SocketResource) or
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation), if the system
    /// refuses. The socket also emits [`error_occurred`](AbstractSocketNode::error_occurred). Its
    /// state does not change, and the program may try again. As in Qt, a socket that has failed
    /// once reports its first error for all further attempts.
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the socket is bound or connected already, or is
    /// connecting. As in Qt, [`error`](QAbstractSocket::error) keeps its value then.
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

    /// Binds the socket like [`bind`](QAbstractSocket::bind). The mode sets whether other sockets
    /// may be bound to the same address and port.
    ///
    /// Emits [`state_changed`](AbstractSocketNode::state_changed) before it returns, or
    /// [`error_occurred`](AbstractSocketNode::error_occurred) if it fails.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](QAbstractSocket::bind).
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
                Err(self.report(error.into()))
            }
        }
    }

    /// Takes over a connection: the descriptor of a connected socket, or of another stream.
    ///
    /// After that the socket is [`Connected`](SocketState::Connected) and open for reading and
    /// writing. It owns the descriptor and closes it when the connection ends.
    ///
    /// Emits [`state_changed`](AbstractSocketNode::state_changed) before it returns, if the state
    /// has changed.
    ///
    /// # Streams other than TCP connections
    ///
    /// A TCP socket can also take over one of a pair of Unix sockets, an end of a pipe, a FIFO, a
    /// terminal, or anything else that the system's poll can watch. A UDP socket can take over one
    /// of a pair of Unix datagram sockets.
    ///
    /// * The addresses of a Unix socket are [`AnyIPv4`](QHostAddress::AnyIPv4), with port 0. A
    ///   stream that is not a socket has null addresses and no
    ///   [options](QAbstractSocket::socket_option).
    /// * When all writers have closed their ends of a pipe, the error is
    ///   [`RemoteHostClosed`](SocketErrorKind::RemoteHostClosed). When all readers have, it is
    ///   [`Network`](SocketErrorKind::Network).
    /// * Bytes that are written to the reading end of a pipe stay in the buffer for ever, as in Qt,
    ///   and only [`abort`](QAbstractSocket::abort) ends the connection. To make `write` fail
    ///   instead, open such an end with [`OpenMode::READ_ONLY`], by
    ///   [`set_socket_descriptor_with_state`](QAbstractSocket::set_socket_descriptor_with_state).
    /// * The descriptor becomes non-blocking, and so do its duplicates, also those in other
    ///   processes. A terminal is usually shared in this way.
    ///
    /// Emits [`state_changed`](AbstractSocketNode::state_changed) before it returns, if the state
    /// has changed, and [`closed`](AbstractSocketNode::closed) for a connection that it has
    /// replaced.
    ///
    /// # Descriptors that another loop has watched
    ///
    /// This thread's loop begins to watch the descriptor, even if another loop has watched it
    /// before. Two sockets with duplicates of one descriptor each get a part of the received data.
    ///
    /// # Errors
    ///
    /// Those of
    /// [`set_socket_descriptor_with_state`](QAbstractSocket::set_socket_descriptor_with_state).
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

    /// Takes over a descriptor like
    /// [`set_socket_descriptor`](QAbstractSocket::set_socket_descriptor), in the given `state` and
    /// the open `mode`.
    ///
    /// A descriptor in the state [`Unconnected`](SocketState::Unconnected) or
    /// [`Bound`](SocketState::Bound) can be connected afterwards, and the socket then keeps it. The
    /// descriptor becomes non-blocking and close-on-exec. The socket closes its previous
    /// connection. The function emits only [`state_changed`](AbstractSocketNode::state_changed)
    /// before it returns, if the state has changed, and before that
    /// [`closed`](AbstractSocketNode::closed) for a connection that it has replaced.
    ///
    /// # Errors
    ///
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation)
    ///
    /// * for a socket of another type;
    /// * for a descriptor that the poll cannot watch, such as a file, a directory or `/dev/null`;
    /// * for a pipe in a state other than [`Connected`](SocketState::Connected) and
    ///   [`Closing`](SocketState::Closing).
    ///
    /// Then the descriptor is closed, and this socket is unchanged.
    #[doc(alias = "setSocketDescriptor")]
    pub fn set_socket_descriptor_with_state(
        &self,
        descriptor: impl Into<OwnedFd>,
        state: SocketState,
        mode: OpenMode,
    ) -> Result<(), SocketError> {
        match self.layers.class() {
            Some(class) => class.set_socket_descriptor(descriptor.into(), state, mode),
            None => self.take_over(descriptor.into(), state, mode),
        }
    }
}

/// An engine, or why there is none.
type Made = Result<Rc<dyn Engine>, SocketError>;

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
                self.choose_proxy_for_binding(port)?;
                let engine = self.open_engine(protocol).inspect_err(|error| {
                    self.set_error(error);
                })?;
                self.engine.put(engine.clone());
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
        if !self.has_engine(&engine) {
            // The program's logger has closed the socket.
            return Err(used_otherwise());
        }
        // If the socket connects, it uses this engine.
        self.ends.keep_descriptor(&*engine);
        if let Err(error) = bound {
            let error = self.report(error);
            return Err(if too_late { is_in_use() } else { error });
        }
        self.ends.set_local(engine.local_address().unwrap_or_default());
        self.change_state(SocketState::Bound);
        Ok(())
    }

    pub(super) fn open_engine(
        &self,
        protocol: NetworkLayerProtocol,
    ) -> Result<Rc<dyn Engine>, SocketError> {
        if let Some(proxy) = self.proxies.used() {
            return Ok(self.proxy_engine(proxy));
        }
        let (dispatcher, source) = (self.dispatcher(), self.source());
        Ok(Rc::new(NativeEngine::open(dispatcher, source, self.socket_type, protocol)?))
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
        let (dispatcher, socket) = (self.dispatcher(), Socket::from(descriptor));
        let engine =
            NativeEngine::adopt(dispatcher, self.source(), self.socket_type, socket, stage);
        let engine = engine.inspect_err(|error| self.set_error(error))?;
        let replaced = self.forget_connection();
        self.install(Rc::new(engine), mode);
        if matches!(stage, Stage::Connected | Stage::Connecting) {
            self.begin_connection();
        }
        if stage == Stage::Connected {
            self.time_connected();
        }
        let is_same = self.set_state(state) == state;
        self.tell_replaced(replaced);
        if !is_same && self.current_state() == state {
            self.state_changed.emit(state);
        }
        Ok(())
    }

    /// Takes over a connection that a server has accepted.
    pub(crate) fn adopt(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), SocketError> {
        let socket = Socket::from(OwnedFd::from(stream));
        self.adopt_connected(socket, Some(peer), OpenMode::READ_WRITE)
    }

    /// Takes over a connection whose engine `make` creates. Closes the connection that the socket
    /// had. Emits nothing.
    pub(crate) fn adopt_with(
        &self,
        make: impl FnOnce(&Rc<Dispatcher>, Weak<dyn EventSource>) -> Made,
    ) -> Result<(), SocketError> {
        let engine = make(self.dispatcher(), self.source())?;
        let replaced = self.forget_connection();
        self.install(engine, OpenMode::READ_WRITE);
        self.begin_connection();
        self.set_state(SocketState::Connected);
        self.time_connected();
        self.tell_replaced(replaced);
        Ok(())
    }

    /// Takes over a connection with a non-blocking socket. Closes the connection that the socket
    /// had. Emits nothing.
    pub(crate) fn adopt_connected(
        &self,
        socket: Socket,
        peer: Option<SocketAddr>,
        mode: OpenMode,
    ) -> Result<(), SocketError> {
        self.adopt_connected_if(socket, peer, mode, || true)
    }

    /// Takes over a connection like [`adopt_connected`](Self::adopt_connected), unless it is no
    /// longer wanted: the program's logger may have ended the attempt meanwhile.
    pub(crate) fn adopt_connected_if(
        &self,
        socket: Socket,
        peer: Option<SocketAddr>,
        mode: OpenMode,
        is_wanted: impl FnOnce() -> bool,
    ) -> Result<(), SocketError> {
        let (dispatcher, source) = (self.dispatcher(), self.source());
        if peer.is_none() {
            // No server has accepted it.
            sys::inline_urgent_data(&socket);
        }
        let engine =
            NativeEngine::take(dispatcher, source, Type::STREAM, socket, Stage::Connected, peer)?;
        if !is_wanted() {
            return Err(used_otherwise());
        }
        let replaced = self.forget_connection();
        self.install_with(Rc::new(engine), mode, peer.as_ref().map(named));
        self.begin_connection();
        self.set_state(SocketState::Connected);
        self.time_connected();
        self.tell_replaced(replaced);
        Ok(())
    }

    /// Drops the connection, or the attempt to connect, and everything that belongs to it. Returns
    /// the reason to [tell](Self::tell_replaced) if there was one.
    pub(super) fn forget_connection(&self) -> Option<CloseReason> {
        self.attempt.cancel_lookup();
        self.stop_connect_timer();
        self.release_engine();
        self.attempt.forget_addresses();
        self.clear_write_buffer();
        self.clear_error();
        self.ending.reset();
        self.end_connection();
        self.closure.take_held()
    }

    /// Emits `closed` for a connection that another one has replaced.
    pub(super) fn tell_replaced(&self, replaced: Option<CloseReason>) {
        if let Some(reason) = replaced {
            self.closed.emit(reason);
        }
    }

    pub(super) fn install(&self, engine: Rc<dyn Engine>, mode: OpenMode) {
        self.install_with(engine, mode, None);
    }

    fn install_with(&self, engine: Rc<dyn Engine>, mode: OpenMode, peer: Option<End>) {
        self.engine.put(engine);
        self.base.open_device(mode);
        if let Some(engine) = self.engine() {
            self.ends.learn(&*engine, peer);
        }
    }

    /// Takes the addresses, ports and the descriptor's number from the engine.
    pub(super) fn learn_ends(&self) {
        if let Some(engine) = self.engine() {
            self.ends.learn(&*engine, None);
        }
    }

    /// Fails with a warning if the object is dying or dead.
    pub(crate) fn refuse_deleted(&self, function: &str) -> Result<(), SocketError> {
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
