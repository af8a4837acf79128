//! States of a local socket.

qcore::numbered! {
    /// The state of a local socket.
    #[doc(alias = "QLocalSocket::LocalSocketState")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum LocalSocketState {
        /// The socket is not connected.
        #[doc(alias = "UnconnectedState")]
        #[default]
        Unconnected = 0,
        /// The socket is connecting. It stays so after the call only if the server's backlog is
        /// full.
        #[doc(alias = "ConnectingState")]
        Connecting = 2,
        /// The socket is connected.
        #[doc(alias = "ConnectedState")]
        Connected = 3,
        /// The socket closes once all data is written.
        #[doc(alias = "ClosingState")]
        Closing = 6,
    }
}
