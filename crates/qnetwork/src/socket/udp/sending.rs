//! Sending datagrams.

use std::{io::IoSlice, rc::Rc};

use qcore::{DeviceError, DeviceErrorKind};

use super::QUdpSocket;
use crate::{
    address::{Host, NetworkLayerProtocol, QHostAddress},
    common::{SocketError, SocketErrorKind},
    datagram::QNetworkDatagram,
    engine::{Engine, Outcome},
    socket::{binding::BindMode, node::AbstractSocketNode, state::SocketState},
};

impl QUdpSocket {
    /// Sends a datagram and returns its size in bytes. Emits
    /// [`bytes_written`](qcore::io_device::DeviceNode::bytes_written) before it returns, when the
    /// system has taken the datagram.
    ///
    /// If the socket is not bound, the function binds it to [`QHostAddress::Any`] and a port that
    /// the system chooses, and emits
    /// [`state_changed`](crate::socket::AbstractSocketNode::state_changed). Broadcasting, for
    /// example to [`QHostAddress::Broadcast`], needs no permission. A null address means this
    /// machine. If the socket is connected, port 0 means its peer.
    ///
    /// # Errors
    ///
    /// The socket also emits
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred).
    ///
    /// * [`DatagramTooLarge`](SocketErrorKind::DatagramTooLarge): the maximum for IPv4 is 65,507
    ///   bytes. Only datagrams of less than 512 bytes arrive on every path.
    /// * [`Network`](SocketErrorKind::Network) for any other error of the system; also if nobody
    ///   has listened at the destination of a connected socket's last datagram. As in Qt, a socket
    ///   reports its first such error for all later ones.
    /// * [`Temporary`](SocketErrorKind::Temporary) if the system cannot take the datagram now
    /// * [`SocketAddressNotAvailable`](SocketErrorKind::SocketAddressNotAvailable) if `host` is a
    ///   text that is not an address; nothing is sent, and no name is looked up
    /// * the errors of [`bind`](crate::QAbstractSocket::bind)
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QUdpSocket, SocketErrorKind, SocketState};
    ///
    /// let socket = QUdpSocket::new();
    /// assert_eq!(socket.write_datagram("hello", QHostAddress::LocalHost, 9)?, 5);
    /// assert_eq!(socket.state(), SocketState::Bound);
    ///
    /// let error = socket.write_datagram([0; 70_000], QHostAddress::LocalHost, 9).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::DatagramTooLarge);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "writeDatagram")]
    pub fn write_datagram<'a>(
        &self,
        data: impl AsRef<[u8]>,
        host: impl Into<Host<'a>>,
        port: u16,
    ) -> Result<usize, SocketError> {
        let data = data.as_ref();
        let host = match host.into().into_address() {
            Ok(host) => host,
            Err(error) => {
                self.refuse_deleted("writeDatagram")?;
                return Err(self.report(error.into()));
            }
        };
        let engine = self.engine_for_sending()?;
        let sent = engine.datagrams().map_or(Ok(false), |one| one.send(data, &host, port));
        self.tell_sent(&engine, data.len(), sent)
    }

    /// Sends a datagram to its destination, on its interface and with its hop limit, if these are
    /// set.
    ///
    /// Its sender address is used by IPv6 sockets, which includes those that are bound to
    /// [`QHostAddress::Any`]. For an IPv4 socket the system chooses the address, as in Qt. Whether
    /// an IPv6 socket uses the interface and the hop limit for an IPv4 destination depends on the
    /// system.
    ///
    /// If the socket is connected, a datagram without a destination goes to its peer.
    ///
    /// Emits [`bytes_written`](qcore::io_device::DeviceNode::bytes_written) before it returns, or
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) if it fails; and
    /// [`state_changed`](crate::socket::AbstractSocketNode::state_changed) first, if it binds the
    /// socket.
    ///
    /// # Errors
    ///
    /// Those of [`write_datagram`](QUdpSocket::write_datagram).
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkDatagram, QUdpSocket};
    ///
    /// let receiver = QUdpSocket::new();
    /// receiver.bind(QHostAddress::LocalHost, 0)?;
    /// let port = receiver.local_port();
    /// let mut datagram = QNetworkDatagram::new("hello", QHostAddress::LocalHost, port);
    /// datagram.set_hop_limit(Some(7));
    ///
    /// let sender = QUdpSocket::new();
    /// sender.bind(QHostAddress::AnyIPv4, 0)?;
    /// sender.write_network_datagram(&datagram)?;
    /// let received = receiver.receive_datagram()?;
    /// # #[cfg(target_os = "linux")]
    /// assert_eq!(received.hop_limit(), Some(7));
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "writeDatagram")]
    pub fn write_network_datagram(
        &self,
        datagram: &QNetworkDatagram,
    ) -> Result<usize, SocketError> {
        let engine = self.engine_for_sending()?;
        let one = std::slice::from_ref(datagram);
        let sent = engine.datagrams().map_or(Ok(false), |engine| match engine.send_all(one) {
            (_, Some(error)) => Err(error),
            (count, None) => Ok(count == 1),
        });
        self.tell_sent(&engine, datagram.data().len(), sent)
    }

    /// Sends datagrams in their order, up to 32 in one system call. Returns how many were sent.
    /// Emits [`bytes_written`](qcore::io_device::DeviceNode::bytes_written) for each before it
    /// returns, when the system has taken them; and
    /// [`state_changed`](crate::socket::AbstractSocketNode::state_changed) first, if it binds the
    /// socket.
    ///
    /// If a datagram cannot be sent, this function sends none of those that follow it, and returns
    /// the number of those before it.
    ///
    /// # Errors
    ///
    /// Those of [`write_datagram`](QUdpSocket::write_datagram), if the first datagram cannot be
    /// sent. The socket emits [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred)
    /// also if a later one cannot.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkDatagram, QUdpSocket};
    ///
    /// let socket = QUdpSocket::new();
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// let port = socket.local_port();
    /// let to_port = |data| QNetworkDatagram::new(data, QHostAddress::LocalHost, port);
    /// let datagrams = ["one", "two"].map(to_port);
    /// assert_eq!(socket.write_datagrams(&datagrams)?, 2);
    /// assert_eq!(socket.receive_datagrams(10).len(), 2);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn write_datagrams(&self, datagrams: &[QNetworkDatagram]) -> Result<usize, SocketError> {
        if datagrams.is_empty() {
            return Ok(0);
        }
        let engine = self.engine_for_sending()?;
        let sent = engine.datagrams().map_or((0, None), |one| one.send_all(datagrams));
        let (count, error) = sent;
        for datagram in &datagrams[..count] {
            if !self.has_engine(&engine) {
                // A slot has closed the socket. The datagrams were sent before that.
                return Ok(count);
            }
            self.base.bytes_written.emit(datagram.data().len());
        }
        if count < datagrams.len() && (count == 0 || self.has_engine(&engine)) {
            let error = self.report(error.unwrap_or_else(not_now));
            if count == 0 {
                return Err(error);
            }
        }
        Ok(count)
    }
}

impl AbstractSocketNode {
    /// Returns the engine for sending. If the socket has none, opens one and binds the socket.
    fn engine_for_sending(&self) -> Result<Rc<dyn Engine>, SocketError> {
        self.refuse_deleted("writeDatagram")?;
        if self.engine.is_empty() {
            self.choose_proxy_for_binding(0)?;
            let engine = self.open_engine(NetworkLayerProtocol::AnyIP).inspect_err(|error| {
                self.set_error(error);
            })?;
            self.engine.put(engine);
        }
        if self.current_state() == SocketState::Unconnected {
            self.bind_node(&QHostAddress::Any, 0, BindMode::DEFAULT_FOR_PLATFORM)?;
        }
        let closed = || {
            let text = "The socket was closed when it was to be bound";
            SocketError::new(SocketErrorKind::Operation, text)
        };
        self.engine().ok_or_else(closed)
    }

    fn tell_sent(
        &self,
        engine: &Rc<dyn Engine>,
        count: usize,
        sent: Result<bool, SocketError>,
    ) -> Result<usize, SocketError> {
        // If the socket connects, it uses this engine.
        self.ends.keep_descriptor(&**engine);
        match sent {
            Ok(true) => {
                self.base.bytes_written.emit(count);
                Ok(count)
            }
            Ok(false) => Err(self.report(not_now())),
            Err(error) => Err(self.report(error)),
        }
    }

    /// Sends what the program has written to a connected socket as one datagram. As in Qt, no
    /// signal reports errors.
    pub(in crate::socket) fn write_connected(&self, data: &[u8]) -> Result<usize, DeviceError> {
        let engine = self.engine().filter(|_| self.current_state() != SocketState::Unconnected);
        let Some(engine) = engine else {
            let error = SocketError::new(SocketErrorKind::Unknown, "Socket is not connected");
            self.set_error(&error);
            return Err(DeviceError::new(DeviceErrorKind::Closed, error.text()));
        };
        let outcome = match engine.check_connected() {
            Ok(()) => engine.write(&[IoSlice::new(data)]),
            Err(error) => Outcome::Failed(error),
        };
        let count = match outcome {
            Outcome::Moved(count) => count,
            Outcome::WouldBlock => 0,
            Outcome::Failed(error) => {
                // As in Qt, the socket stays connected.
                self.set_error(&error);
                return Err(error.into());
            }
        };
        self.base.bytes_written.emit(count);
        Ok(count)
    }
}

fn not_now() -> SocketError {
    SocketError::new(SocketErrorKind::Temporary, "Unable to send a datagram")
}
