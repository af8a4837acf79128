//! From a slot to the system.

use std::{io::IoSlice, rc::Rc};

use qcore::{DeviceError, DeviceErrorKind};

use super::QUdpSocket;
use crate::{
    NetworkLayerProtocol, QHostAddress, QNetworkDatagram, SocketError, SocketErrorKind,
    SocketState,
    engine::{Engine, Outcome},
    socket::{AbstractSocketNode, BindMode},
};

impl QUdpSocket {
    /// Sends a datagram; returns how many bytes it has. It is on its way when this returns, and
    /// [`bytes_written`](qcore::io_device::DeviceNode::bytes_written) has told of it.
    ///
    /// A socket that is not bound is bound to [`QHostAddress::Any`] and a port that the system
    /// chooses. Datagrams for a whole network, [`QHostAddress::Broadcast`] among them, are sent
    /// without asking. A null address is this machine; at a connected socket port 0 is the other
    /// end.
    ///
    /// # Errors
    ///
    /// All of them are told by
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred), too.
    ///
    /// * [`DatagramTooLarge`](SocketErrorKind::DatagramTooLarge): 65,507 bytes is what IPv4 can do,
    ///   and less than 512 what arrives everywhere
    /// * [`Network`](SocketErrorKind::Network) for whatever else the system says; also if nobody
    ///   listened where a connected socket's last datagram went. As Qt's, a socket keeps its first
    ///   error for all others.
    /// * [`Temporary`](SocketErrorKind::Temporary) if it cannot be sent now
    /// * what [`bind`](crate::QAbstractSocket::bind) says
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
    pub fn write_datagram(
        &self,
        data: impl AsRef<[u8]>,
        host: impl Into<QHostAddress>,
        port: u16,
    ) -> Result<usize, SocketError> {
        let (data, host) = (data.as_ref(), host.into());
        let engine = self.engine_for_sending()?;
        let sent = engine.datagrams().map_or(Ok(false), |one| one.send(data, &host, port));
        self.tell_sent(&engine, data.len(), sent)
    }

    /// Sends a datagram to its destination. Its interface and how many hops it may go are kept to;
    /// its sender is at a socket of IPv6, [`QHostAddress::Any`] included. At one of IPv4 the system
    /// chooses that, as with Qt, and whether it will have hop limits and interfaces for an IPv4
    /// address there is for the system to say.
    ///
    /// At a connected socket one without a destination goes to the other end.
    ///
    /// # Errors
    ///
    /// As [`write_datagram`](QUdpSocket::write_datagram).
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
    /// datagram.set_hop_limit(7);
    ///
    /// let sender = QUdpSocket::new();
    /// sender.bind(QHostAddress::AnyIPv4, 0)?;
    /// sender.write_network_datagram(&datagram)?;
    /// let received = receiver.receive_datagram()?;
    /// # #[cfg(target_os = "linux")]
    /// assert_eq!(received.hop_limit(), 7);
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

    /// Sends datagrams in their order, with one call of the system for up to 32 of them; how many
    /// were sent. [`bytes_written`](qcore::io_device::DeviceNode::bytes_written) tells of each of
    /// them when they are on their way.
    ///
    /// If one cannot be sent it and those that follow it are not, and the ones before are counted.
    ///
    /// # Errors
    ///
    /// As [`write_datagram`](QUdpSocket::write_datagram), if it is the first that cannot be sent.
    /// [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred) tells of it in any
    /// case.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkDatagram, QUdpSocket};
    ///
    /// let socket = QUdpSocket::new();
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// let port = socket.local_port();
    /// let datagrams = ["one", "two"].map(|data| QNetworkDatagram::new(data, QHostAddress::LocalHost, port));
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
                // A slot has closed the socket. What is sent is sent.
                return Ok(count);
            }
            self.base.bytes_written.emit(datagram.data().len());
        }
        if count < datagrams.len() && (count == 0 || self.has_engine(&engine)) {
            let error = self.tell(error.unwrap_or_else(not_now));
            if count == 0 {
                return Err(error);
            }
        }
        Ok(count)
    }
}

impl AbstractSocketNode {
    /// The engine that is to send. A socket that has none gets one, and is bound.
    fn engine_for_sending(&self) -> Result<Rc<dyn Engine>, SocketError> {
        self.refuse_deleted("writeDatagram")?;
        if self.engine().is_none() {
            self.find_route_for_binding(0)?;
            let engine = self.open_engine(NetworkLayerProtocol::AnyIP).inspect_err(|error| {
                self.set_error(error);
            })?;
            self.engine.replace(Some(engine));
        }
        if self.state.get() == SocketState::Unconnected {
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
        // From now on it is this one that connects.
        self.descriptor.set(engine.descriptor());
        match sent {
            Ok(true) => {
                self.base.bytes_written.emit(count);
                Ok(count)
            }
            Ok(false) => Err(self.tell(not_now())),
            Err(error) => Err(self.tell(error)),
        }
    }

    /// Takes what is written to a connected socket: it is a datagram. Errors are not told by a
    /// signal, as with Qt.
    pub(in crate::socket) fn write_connected(&self, data: &[u8]) -> Result<usize, DeviceError> {
        let engine = self.engine().filter(|_| self.state.get() != SocketState::Unconnected);
        let Some(engine) = engine else {
            let error = SocketError::new(SocketErrorKind::Unknown, "Socket is not connected");
            self.set_error(&error);
            return Err(DeviceError::new(DeviceErrorKind::Closed, error.text()));
        };
        let count = match engine.write(&[IoSlice::new(data)]) {
            Outcome::Moved(count) => count,
            Outcome::WouldBlock => 0,
            Outcome::Failed(error) => {
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
