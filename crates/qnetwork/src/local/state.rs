//! What a local socket can be doing.

qcore::numbered! {
    /// What a local socket is doing.
    #[doc(alias = "QLocalSocket::LocalSocketState")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum LocalSocketState {
        /// Not connected.
        #[doc(alias = "UnconnectedState")]
        #[default]
        Unconnected = 0,
        /// Connecting; for longer than a call only where a server has no room for more.
        #[doc(alias = "ConnectingState")]
        Connecting = 2,
        /// Connected.
        #[doc(alias = "ConnectedState")]
        Connected = 3,
        /// Closing as soon as everything is written.
        #[doc(alias = "ClosingState")]
        Closing = 6,
    }
}
