//! The states of a socket.

qcore::numbered! {
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
        Unconnected = 0,
        /// Looking up the name of the host.
        #[doc(alias = "HostLookupState")]
        HostLookup = 1,
        /// Connecting to one of the host's addresses.
        #[doc(alias = "ConnectingState")]
        Connecting = 2,
        /// Connected.
        #[doc(alias = "ConnectedState")]
        Connected = 3,
        /// Bound to an address of this machine.
        #[doc(alias = "BoundState")]
        Bound = 4,
        /// Listening. Sockets in here never are; servers listen.
        #[doc(alias = "ListeningState")]
        Listening = 5,
        /// Closing as soon as everything is written.
        #[doc(alias = "ClosingState")]
        Closing = 6,
    }
}
