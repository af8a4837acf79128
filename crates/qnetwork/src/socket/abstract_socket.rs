//! The constructors of sockets, and the getters that all of them have.

use std::{os::fd::RawFd, rc::Rc};

use qcore::{
    QIODevice,
    io_device::DeviceBackend,
    object::{Life, Object},
};

use super::{
    device::SocketDevice,
    node::{AbstractSocketNode, PartOf, QAbstractSocket},
    state::SocketState,
};
use crate::{
    address::QHostAddress,
    common::{SocketErrorKind, SocketType},
};

impl QAbstractSocket {
    /// Creates an unconnected socket of a type. It serves as the base of classes of your own.
    ///
    /// As in Qt, the socket is unbuffered. A [`QTcpSocket`](super::QTcpSocket) has buffers; a class
    /// of your own has to provide them. See [`OpenMode::UNBUFFERED`](qcore::OpenMode::UNBUFFERED).
    ///
    /// A socket of the type [`Sctp`](SocketType::Sctp) cannot be bound or connected: the error is
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation). The type
    /// [`Unknown`](SocketType::Unknown) means TCP.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QAbstractSocket, QHostAddress, SocketErrorKind, SocketType};
    ///
    /// let socket = QAbstractSocket::new(SocketType::Sctp);
    /// let error = socket.bind(QHostAddress::LocalHost, 0).unwrap_err();
    /// assert_eq!(error, SocketErrorKind::UnsupportedSocketOperation);
    /// ```
    #[must_use]
    pub fn new(socket_type: SocketType) -> Self {
        let socket = Self::make(socket_type, "QAbstractSocket");
        socket.reading.make_unbuffered();
        socket
    }

    /// Creates a socket whose warnings name `class_name`.
    pub(crate) fn make(socket_type: SocketType, class_name: &'static str) -> Self {
        Self::of_node(make_node(&Life::new(), socket_type, class_name))
    }

    /// Creates the TCP socket in a new object of a derived class. The class has a device of its own
    /// and calls [`set_class`](AbstractSocketNode::set_class).
    #[cfg(feature = "_tls")]
    pub(crate) fn embed(life: &Rc<Life>, class_name: &'static str) -> Self {
        Self::of_embedded(make_node(life, SocketType::Tcp, class_name))
    }

    /// Creates a TCP socket that moves the bytes of another device. That device emits `ready_read`
    /// and `bytes_written`; the socket emits all other signals.
    pub(crate) fn make_behind(front: &QIODevice, class_name: &'static str) -> Self {
        let socket = Self::make(SocketType::Tcp, class_name);
        socket.layers.set(PartOf::Device(front.to_weak()));
        socket
    }

    /// Returns the state of the socket.
    #[must_use]
    pub fn state(&self) -> SocketState {
        self.status.state()
    }

    /// Returns the last error; [`SocketErrorKind::Unknown`] if there was none.
    #[must_use]
    pub fn error(&self) -> SocketErrorKind {
        self.status.error()
    }

    /// Returns the type of the socket: TCP, UDP or another one.
    #[doc(alias = "socketType")]
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.socket_type
    }

    /// Returns whether the socket can be used: it has a descriptor, or has none yet and is open.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.engine().map_or(self.is_open(), |engine| engine.descriptor() != -1)
    }

    /// Returns the address of this end; a null address if it is not known.
    #[doc(alias = "localAddress")]
    #[must_use]
    pub fn local_address(&self) -> QHostAddress {
        self.ends.local_address()
    }

    /// Returns the port of this end; 0 if it is not known.
    #[doc(alias = "localPort")]
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.ends.local_port()
    }

    /// Returns the address of the other end; a null address if there is no connection.
    #[doc(alias = "peerAddress")]
    #[must_use]
    pub fn peer_address(&self) -> QHostAddress {
        self.ends.peer_address()
    }

    /// Returns the port of the other end; 0 if there is no connection.
    #[doc(alias = "peerPort")]
    #[must_use]
    pub fn peer_port(&self) -> u16 {
        self.ends.peer_port()
    }

    /// Returns the name that was given to [`connect_to_host`](QAbstractSocket::connect_to_host);
    /// empty if it was never called. The name outlasts the connection.
    #[doc(alias = "peerName")]
    #[must_use]
    pub fn peer_name(&self) -> String {
        self.attempt.peer_name()
    }

    /// Returns the number of the operating system's descriptor; `None`, where Qt returns -1, if
    /// there is none. While the socket is connecting there is none, unless the socket was bound
    /// before.
    ///
    /// When a connection ends, slots of [`error_occurred`](AbstractSocketNode::error_occurred)
    /// still see the number, although the descriptor is closed by then.
    #[doc(alias = "socketDescriptor")]
    #[must_use]
    pub fn socket_descriptor(&self) -> Option<RawFd> {
        Some(self.ends.descriptor()).filter(|&number| number != -1)
    }

    /// Returns the limit of the read buffer in bytes. The default, 0, means no limit.
    #[doc(alias = "readBufferSize")]
    #[must_use]
    pub fn read_buffer_size(&self) -> usize {
        self.reading.limit()
    }
}

fn make_node(
    life: &Rc<Life>,
    socket_type: SocketType,
    class_name: &'static str,
) -> Rc<AbstractSocketNode> {
    AbstractSocketNode::make(life, socket_type, |node| {
        let device: Rc<dyn DeviceBackend> = Rc::new(SocketDevice { node, class_name });
        device
    })
}
