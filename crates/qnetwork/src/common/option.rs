//! Options of the operating system's sockets.

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
