//! The type of a socket.

qcore::numbered! {
    /// The type of a socket.
    #[doc(alias = "QAbstractSocket::SocketType")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SocketType {
        /// TCP.
        #[doc(alias = "TcpSocket")]
        Tcp = 0,
        /// UDP.
        #[doc(alias = "UdpSocket")]
        Udp = 1,
        /// SCTP.
        #[doc(alias = "SctpSocket")]
        Sctp = 2,
        /// Another type.
        #[doc(alias = "UnknownSocketType")]
        Unknown = -1,
    }
}
