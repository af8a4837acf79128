//! Options of the operating system's sockets.

use super::QAbstractSocket;

qcore::numbered! {
    /// An option of the operating system's socket: Qt's list.
    ///
    /// The values are numbers; where an option is on or off it is 1 or 0.
    #[doc(alias = "QAbstractSocket::SocketOption")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SocketOption {
        /// Small pieces are sent at once, and not gathered (`TCP_NODELAY`): 1 or 0.
        #[doc(alias = "LowDelayOption")]
        LowDelay = 0,
        /// A connection that does nothing is looked after (`SO_KEEPALIVE`): 1 or 0.
        #[doc(alias = "KeepAliveOption")]
        KeepAlive = 1,
        /// How far multicast datagrams go, in hops: 0 to 255. At a TCP socket it cannot be set.
        #[doc(alias = "MulticastTtlOption")]
        MulticastTtl = 2,
        /// Multicast datagrams come back to this machine: 1 or 0.
        #[doc(alias = "MulticastLoopbackOption")]
        MulticastLoopback = 3,
        /// The type of service of what is sent, 0 to 255 (`IP_TOS`); for IPv4 alone.
        #[doc(alias = "TypeOfServiceOption")]
        TypeOfService = 4,
        /// The size of the system's write buffer in bytes. Linux doubles what is set.
        #[doc(alias = "SendBufferSizeSocketOption")]
        SendBufferSize = 5,
        /// The size of the system's read buffer in bytes. Linux doubles what is set.
        #[doc(alias = "ReceiveBufferSizeSocketOption")]
        ReceiveBufferSize = 6,
        /// How large datagrams may be on the way to the other end, in bytes (`IP_MTU`).
        #[doc(alias = "PathMtuSocketOption")]
        PathMtu = 7,
    }
}

impl QAbstractSocket {
    /// Sets an option of the operating system's socket.
    ///
    /// There has to be one: the socket is connected, connecting or bound. Before that the call does
    /// nothing, as Qt's, and nothing is kept for later. A value that the system refuses changes
    /// nothing; [`socket_option`](QAbstractSocket::socket_option) tells what holds.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QTcpSocket, SocketOption};
    ///
    /// let socket = QTcpSocket::new();
    /// socket.set_socket_option(SocketOption::LowDelay, 1); // too early
    /// assert_eq!(socket.socket_option(SocketOption::LowDelay), None);
    ///
    /// socket.bind(QHostAddress::LocalHost, 0)?;
    /// socket.set_socket_option(SocketOption::LowDelay, 1);
    /// assert_eq!(socket.socket_option(SocketOption::LowDelay), Some(1));
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[doc(alias = "setSocketOption")]
    pub fn set_socket_option(&self, option: SocketOption, value: i32) {
        if let Some(class) = self.class() {
            class.set_socket_option(option, value);
        } else if let Some(engine) = self.engine() {
            engine.set_option(option, value);
        }
    }

    /// The value of an option of the operating system's socket; `None`, which is Qt's invalid
    /// `QVariant`, if there is no socket or the system does not know the option for sockets like
    /// this.
    #[doc(alias = "socketOption")]
    #[must_use]
    pub fn socket_option(&self, option: SocketOption) -> Option<i32> {
        match self.class() {
            Some(class) => class.socket_option(option),
            None => self.engine()?.option(option),
        }
    }
}
