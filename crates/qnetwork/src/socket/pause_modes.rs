//! When a socket pauses.

bitflags::bitflags! {
    /// The events at which a socket pauses until the program calls
    /// [`resume`](crate::QAbstractSocket::resume).
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    #[doc(alias = "QAbstractSocket::PauseMode")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct PauseModes: u32 {
        /// Errors of a certificate: a program may ask its user before it decides.
        #[doc(alias = "PauseOnSslErrors")]
        const PAUSE_ON_SSL_ERRORS = 1;
    }
}

impl PauseModes {
    /// The socket never pauses. This is the default.
    #[doc(alias = "PauseNever")]
    pub const PAUSE_NEVER: PauseModes = PauseModes::empty();
}
