//! Options of the operating system's sockets.

qcore::numbered! {
    /// An option of the operating system's socket, from Qt's list.
    ///
    /// The values are numbers. Options that are on or off have the values 1 and 0.
    #[doc(alias = "QAbstractSocket::SocketOption")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SocketOption {
        /// Whether small packets are sent at once and not combined (`TCP_NODELAY`): 1 or 0.
        #[doc(alias = "LowDelayOption")]
        LowDelay = 0,
        /// Whether the system probes an idle connection (`SO_KEEPALIVE`): 1 or 0.
        #[doc(alias = "KeepAliveOption")]
        KeepAlive = 1,
        /// The number of hops that multicast datagrams may take: 0 to 255. It cannot be set for a
        /// TCP socket.
        #[doc(alias = "MulticastTtlOption")]
        MulticastTtl = 2,
        /// Whether this machine receives its own multicast datagrams: 1 or 0.
        #[doc(alias = "MulticastLoopbackOption")]
        MulticastLoopback = 3,
        /// The type of service of sent packets, 0 to 255 (`IP_TOS`). Only for IPv4.
        #[doc(alias = "TypeOfServiceOption")]
        TypeOfService = 4,
        /// The size of the system's write buffer in bytes. Linux doubles the value that is set.
        #[doc(alias = "SendBufferSizeSocketOption")]
        SendBufferSize = 5,
        /// The size of the system's read buffer in bytes. Linux doubles the value that is set.
        #[doc(alias = "ReceiveBufferSizeSocketOption")]
        ReceiveBufferSize = 6,
        /// The maximum size of a packet on the path to the other end, in bytes (`IP_MTU`).
        #[doc(alias = "PathMtuSocketOption")]
        PathMtu = 7,
    }
}
