//! What a socket can be, and be doing.

/// What a socket is doing.
///
/// ```text
///                       connect_to_host()
///   Unconnected ──────► HostLookup ──► Connecting ──► Connected
///     ▲   │ bind()          │               │             │ disconnect_from_host()
///     │   └───► Bound ──────┘               │             ▼
///     └─────────────────────────────────────┴───────── Closing
/// ```
#[doc(alias = "QAbstractSocket::SocketState")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketState {
    /// Not connected, and not about to be.
    #[doc(alias = "UnconnectedState")]
    #[default]
    Unconnected,
    /// Looking up the name of the host.
    #[doc(alias = "HostLookupState")]
    HostLookup,
    /// Connecting to one of the host's addresses.
    #[doc(alias = "ConnectingState")]
    Connecting,
    /// Connected.
    #[doc(alias = "ConnectedState")]
    Connected,
    /// Bound to an address of this machine.
    #[doc(alias = "BoundState")]
    Bound,
    /// Listening. Sockets in here never are; servers listen.
    #[doc(alias = "ListeningState")]
    Listening,
    /// Closing as soon as everything is written.
    #[doc(alias = "ClosingState")]
    Closing,
}

/// What a socket speaks.
#[doc(alias = "QAbstractSocket::SocketType")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketType {
    /// TCP.
    #[doc(alias = "TcpSocket")]
    Tcp,
    /// UDP.
    #[doc(alias = "UdpSocket")]
    Udp,
    /// SCTP.
    #[doc(alias = "SctpSocket")]
    Sctp,
    /// None of them.
    #[doc(alias = "UnknownSocketType")]
    Unknown,
}
