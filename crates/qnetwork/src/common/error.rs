//! The errors of sockets.

use std::{borrow::Cow, error::Error, fmt, io};

use qcore::{DeviceError, DeviceErrorKind};

qcore::numbered! {
    /// The kind of a [`SocketError`], from Qt's list.
    ///
    /// # Examples
    ///
    /// The numbers are those of Qt. A number that a program receives may not be one of them:
    ///
    /// ```
    /// use qnetwork::SocketErrorKind;
    ///
    /// assert_eq!(SocketErrorKind::Unknown as i32, -1);
    /// assert_eq!(i32::from(SocketErrorKind::SslHandshakeFailed), 13);
    ///
    /// assert_eq!(SocketErrorKind::try_from(13), Ok(SocketErrorKind::SslHandshakeFailed));
    /// let error = SocketErrorKind::try_from(23).unwrap_err();
    /// assert_eq!(error.to_string(), "no SocketErrorKind has the number 23");
    /// ```
    #[doc(alias = "QAbstractSocket::SocketError")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SocketErrorKind {
        /// No server listens at the address and port.
        #[doc(alias = "ConnectionRefusedError")]
        ConnectionRefused = 0,
        /// The other end has closed the connection. A client need not treat this as a failure.
        #[doc(alias = "RemoteHostClosedError")]
        RemoteHostClosed = 1,
        /// There is no host of this name.
        #[doc(alias = "HostNotFoundError")]
        HostNotFound = 2,
        /// The application is not permitted to do this.
        #[doc(alias = "SocketAccessError")]
        SocketAccess = 3,
        /// The system has run out of something, descriptors for example.
        #[doc(alias = "SocketResourceError")]
        SocketResource = 4,
        /// The operation took too long.
        #[doc(alias = "SocketTimeoutError")]
        SocketTimeout = 5,
        /// The datagram was larger than the system can send.
        #[doc(alias = "DatagramTooLargeError")]
        DatagramTooLarge = 6,
        /// The network failed.
        #[doc(alias = "NetworkError")]
        Network = 7,
        /// The address and port are already in use.
        #[doc(alias = "AddressInUseError")]
        AddressInUse = 8,
        /// The address does not belong to this machine.
        #[doc(alias = "SocketAddressNotAvailableError")]
        SocketAddressNotAvailable = 9,
        /// The system does not support the operation, IPv6 for example.
        #[doc(alias = "UnsupportedSocketOperationError")]
        UnsupportedSocketOperation = 10,
        /// The proxy requires a user and a password.
        #[doc(alias = "ProxyAuthenticationRequiredError")]
        ProxyAuthenticationRequired = 12,
        /// The TLS handshake failed.
        #[doc(alias = "SslHandshakeFailedError")]
        SslHandshakeFailed = 13,
        /// The last operation has not finished yet.
        #[doc(alias = "UnfinishedSocketOperationError")]
        UnfinishedSocketOperation = 11,
        /// The proxy refuses connections.
        #[doc(alias = "ProxyConnectionRefusedError")]
        ProxyConnectionRefused = 14,
        /// The proxy closed the connection before it was connected to the host.
        #[doc(alias = "ProxyConnectionClosedError")]
        ProxyConnectionClosed = 15,
        /// The proxy did not answer in time.
        #[doc(alias = "ProxyConnectionTimeoutError")]
        ProxyConnectionTimeout = 16,
        /// There is no proxy of this name.
        #[doc(alias = "ProxyNotFoundError")]
        ProxyNotFound = 17,
        /// The proxy sent a reply that violates its protocol.
        #[doc(alias = "ProxyProtocolError")]
        ProxyProtocol = 18,
        /// The operation is not possible in the socket's state.
        #[doc(alias = "OperationError")]
        Operation = 19,
        /// The TLS library failed.
        #[doc(alias = "SslInternalError")]
        SslInternal = 20,
        /// A certificate or a key is invalid.
        #[doc(alias = "SslInvalidUserDataError")]
        SslInvalidUserData = 21,
        /// The failure is temporary: the program may try again.
        #[doc(alias = "TemporaryError")]
        Temporary = 22,
        /// Another error; also the value when there was no error.
        #[doc(alias = "UnknownSocketError")]
        #[default]
        Unknown = -1,
    }
}

/// An error of a socket: its kind, and Qt's text for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketError {
    kind: SocketErrorKind,
    text: Cow<'static, str>,
}

impl SocketError {
    pub(crate) fn new(kind: SocketErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        SocketError { kind, text: text.into() }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> SocketErrorKind {
        self.kind
    }

    pub(crate) fn text(&self) -> Cow<'static, str> {
        self.text.clone()
    }

    pub(crate) fn remote_host_closed() -> Self {
        Self::new(SocketErrorKind::RemoteHostClosed, "The remote host closed the connection")
    }

    pub(crate) fn connection_refused() -> Self {
        Self::new(SocketErrorKind::ConnectionRefused, "Connection refused")
    }

    pub(crate) fn datagram_too_large() -> Self {
        Self::new(SocketErrorKind::DatagramTooLarge, "Datagram was too large to send")
    }

    pub(crate) fn host_not_found() -> Self {
        Self::new(SocketErrorKind::HostNotFound, "Host not found")
    }

    /// Creates the error for an attempt to connect that took too long.
    pub(crate) fn timed_out() -> Self {
        Self::new(SocketErrorKind::SocketTimeout, "Connection timed out")
    }

    /// Creates the error for a failure whose cause is unknown.
    pub(crate) fn unknown() -> Self {
        Self::new(SocketErrorKind::Unknown, "Unknown error")
    }

    pub(crate) fn unsupported() -> Self {
        Self::new(SocketErrorKind::UnsupportedSocketOperation, "Unsupported socket operation")
    }
}

/// Creates an error with a text for its kind alone.
impl From<SocketErrorKind> for SocketError {
    fn from(kind: SocketErrorKind) -> Self {
        Self::new(
            kind,
            match kind {
                SocketErrorKind::ConnectionRefused => return Self::connection_refused(),
                SocketErrorKind::RemoteHostClosed => return Self::remote_host_closed(),
                SocketErrorKind::HostNotFound => return Self::host_not_found(),
                SocketErrorKind::SocketTimeout => return Self::timed_out(),
                SocketErrorKind::DatagramTooLarge => return Self::datagram_too_large(),
                SocketErrorKind::UnsupportedSocketOperation => return Self::unsupported(),
                SocketErrorKind::SocketAccess => "Permission denied",
                SocketErrorKind::SocketResource => "Out of resources",
                SocketErrorKind::Network => "Network error",
                SocketErrorKind::AddressInUse => "The bound address is already in use",
                SocketErrorKind::SocketAddressNotAvailable => "The address is not available",
                SocketErrorKind::UnfinishedSocketOperation => "The operation has not finished",
                SocketErrorKind::ProxyAuthenticationRequired => "Proxy requires authentication",
                SocketErrorKind::ProxyConnectionRefused => "Connection to proxy refused",
                SocketErrorKind::ProxyConnectionClosed => "Connection to proxy closed prematurely",
                SocketErrorKind::ProxyConnectionTimeout => "Connection to proxy timed out",
                SocketErrorKind::ProxyNotFound => "Proxy host not found",
                SocketErrorKind::ProxyProtocol => "Proxy server protocol error",
                SocketErrorKind::Operation => "Operation on socket is not supported",
                SocketErrorKind::SslHandshakeFailed => "TLS handshake failed",
                SocketErrorKind::SslInternal => "TLS failed",
                SocketErrorKind::SslInvalidUserData => "Invalid certificate or key",
                SocketErrorKind::Temporary => "Temporary error",
                SocketErrorKind::Unknown => return Self::unknown(),
            },
        )
    }
}

impl PartialEq<SocketErrorKind> for SocketError {
    fn eq(&self, kind: &SocketErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for SocketError {}

impl From<SocketError> for DeviceError {
    fn from(error: SocketError) -> Self {
        let kind = match error.kind {
            SocketErrorKind::RemoteHostClosed => DeviceErrorKind::Closed,
            SocketErrorKind::SocketTimeout => DeviceErrorKind::TimedOut,
            SocketErrorKind::UnsupportedSocketOperation => DeviceErrorKind::Unsupported,
            _ => DeviceErrorKind::Device,
        };
        DeviceError::new(kind, error.text)
    }
}

impl From<SocketError> for io::Error {
    fn from(error: SocketError) -> Self {
        let kind = match error.kind {
            SocketErrorKind::ConnectionRefused => io::ErrorKind::ConnectionRefused,
            SocketErrorKind::RemoteHostClosed => io::ErrorKind::ConnectionReset,
            SocketErrorKind::HostNotFound => io::ErrorKind::NotFound,
            SocketErrorKind::SocketAccess => io::ErrorKind::PermissionDenied,
            SocketErrorKind::SocketTimeout => io::ErrorKind::TimedOut,
            SocketErrorKind::AddressInUse => io::ErrorKind::AddrInUse,
            SocketErrorKind::SocketAddressNotAvailable => io::ErrorKind::AddrNotAvailable,
            SocketErrorKind::UnsupportedSocketOperation => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
