//! Who may connect to a local server.

bitflags::bitflags! {
    /// Who may connect to a local server: the permissions of its file.
    ///
    /// With none of them they are what the process gives to its files, by its umask.
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    #[doc(alias = "QLocalServer::SocketOption")]
    #[doc(alias = "SocketOptions")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct LocalServerOptions: u32 {
        /// The user of this process.
        #[doc(alias = "UserAccessOption")]
        const USER_ACCESS = 1;
        /// The group of this process.
        #[doc(alias = "GroupAccessOption")]
        const GROUP_ACCESS = 2;
        /// All others.
        #[doc(alias = "OtherAccessOption")]
        const OTHER_ACCESS = 4;
        /// Everybody.
        #[doc(alias = "WorldAccessOption")]
        const WORLD_ACCESS = 7;
    }
}

impl LocalServerOptions {
    /// As the process is set up: the default.
    #[doc(alias = "NoOptions")]
    pub const NO_OPTIONS: LocalServerOptions = LocalServerOptions::empty();

    /// The permissions.
    pub(super) fn mode(self) -> u32 {
        [(Self::USER_ACCESS, 0o700), (Self::GROUP_ACCESS, 0o070), (Self::OTHER_ACCESS, 0o007)]
            .into_iter()
            .filter(|(flag, _)| self.contains(*flag))
            .fold(0, |mode, (_, bits)| mode | bits)
    }
}
