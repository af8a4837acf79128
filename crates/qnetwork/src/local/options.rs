//! The permissions of a local server.

bitflags::bitflags! {
    /// Who may connect to a local server. They are the permissions of the server's file.
    ///
    /// Without any option the process's umask determines the permissions.
    ///
    /// [`bits`](Self::bits) returns Qt's number for the set, and [`from_bits`](Self::from_bits) the
    /// set for a number.
    #[doc(alias = "QLocalServer::SocketOption")]
    #[doc(alias = "SocketOptions")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct LocalServerOptions: u32 {
        /// The user of this process may connect.
        #[doc(alias = "UserAccessOption")]
        const USER_ACCESS = 1;
        /// The group of this process may connect.
        #[doc(alias = "GroupAccessOption")]
        const GROUP_ACCESS = 2;
        /// All others may connect.
        #[doc(alias = "OtherAccessOption")]
        const OTHER_ACCESS = 4;
        /// Everybody may connect.
        #[doc(alias = "WorldAccessOption")]
        const WORLD_ACCESS = 7;
    }
}

impl LocalServerOptions {
    /// No option, the default: the umask decides.
    #[doc(alias = "NoOptions")]
    pub const NO_OPTIONS: LocalServerOptions = LocalServerOptions::empty();

    /// Returns the permissions of the file.
    pub(super) fn mode(self) -> u32 {
        [(Self::USER_ACCESS, 0o700), (Self::GROUP_ACCESS, 0o070), (Self::OTHER_ACCESS, 0o007)]
            .into_iter()
            .filter(|(flag, _)| self.contains(*flag))
            .fold(0, |mode, (_, bits)| mode | bits)
    }
}
