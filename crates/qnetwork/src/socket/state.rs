//! The states of a socket.

qcore::numbered! {
    /// The state of a socket.
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
        /// Not connected and not connecting.
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
        /// Listening. Only servers listen; no socket of this library is in this state.
        #[doc(alias = "ListeningState")]
        Listening = 5,
        /// The socket closes as soon as everything is sent.
        #[doc(alias = "ClosingState")]
        Closing = 6,
    }
}
