//! The enumerators' names and numbers in Qt.

use qcore::TimerType;
use qnetwork::{
    LocalSocketErrorKind, LocalSocketState, NetworkLayerProtocol, PeerVerifyMode, ProxyType,
    SocketErrorKind, SocketOption, SocketState, SocketType, SslMode, SslProtocol,
};

use crate::{kinds::mode_number, value::Value};

/// An enum whose values have names in Qt.
pub(crate) trait Named: Copy + PartialEq + 'static {
    /// Qt's name and number of each value.
    const TABLE: &'static [(&'static str, i64, Self)];
}

/// Converts an enumerator to the result of a call.
pub(crate) fn value<T: Named>(value: T) -> Value {
    let (name, number) = entry(value);
    Value::Enum(name.to_owned(), number)
}

/// Returns an enumerator's name.
pub(crate) fn name<T: Named>(value: T) -> &'static str {
    entry(value).0
}

/// Returns the enumerator with this name.
pub(crate) fn find<T: Named>(name: &str) -> Option<T> {
    T::TABLE.iter().find(|(known, _, _)| *known == name).map(|(_, _, value)| *value)
}

/// Returns the number of any enumerator with this name, for comparisons.
pub(crate) fn number(name: &str) -> Option<i64> {
    fn of<T: Named>(name: &str) -> Option<i64> {
        T::TABLE.iter().find(|(known, _, _)| *known == name).map(|(_, number, _)| *number)
    }
    of::<SocketState>(name)
        .or_else(|| of::<SocketErrorKind>(name))
        .or_else(|| of::<LocalSocketErrorKind>(name))
        .or_else(|| of::<SocketType>(name))
        .or_else(|| of::<NetworkLayerProtocol>(name))
        .or_else(|| of::<SocketOption>(name))
        .or_else(|| of::<ProxyType>(name))
        .or_else(|| of::<TimerType>(name))
        .or_else(|| of::<SslMode>(name))
        .or_else(|| of::<SslProtocol>(name))
        .or_else(|| of::<PeerVerifyMode>(name))
        .or_else(|| mode_number(name))
}

fn entry<T: Named>(value: T) -> (&'static str, i64) {
    let entry = T::TABLE.iter().find(|(_, _, entry)| *entry == value);
    entry.map_or(("?", -2), |(name, number, _)| (*name, *number))
}

impl Named for SocketState {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("UnconnectedState", 0, SocketState::Unconnected),
        ("HostLookupState", 1, SocketState::HostLookup),
        ("ConnectingState", 2, SocketState::Connecting),
        ("ConnectedState", 3, SocketState::Connected),
        ("BoundState", 4, SocketState::Bound),
        ("ListeningState", 5, SocketState::Listening),
        ("ClosingState", 6, SocketState::Closing),
    ];
}

impl Named for SocketErrorKind {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("UnknownSocketError", -1, SocketErrorKind::Unknown),
        ("ConnectionRefusedError", 0, SocketErrorKind::ConnectionRefused),
        ("RemoteHostClosedError", 1, SocketErrorKind::RemoteHostClosed),
        ("HostNotFoundError", 2, SocketErrorKind::HostNotFound),
        ("SocketAccessError", 3, SocketErrorKind::SocketAccess),
        ("SocketResourceError", 4, SocketErrorKind::SocketResource),
        ("SocketTimeoutError", 5, SocketErrorKind::SocketTimeout),
        ("DatagramTooLargeError", 6, SocketErrorKind::DatagramTooLarge),
        ("NetworkError", 7, SocketErrorKind::Network),
        ("AddressInUseError", 8, SocketErrorKind::AddressInUse),
        ("SocketAddressNotAvailableError", 9, SocketErrorKind::SocketAddressNotAvailable),
        ("UnsupportedSocketOperationError", 10, SocketErrorKind::UnsupportedSocketOperation),
        ("UnfinishedSocketOperationError", 11, SocketErrorKind::UnfinishedSocketOperation),
        ("ProxyAuthenticationRequiredError", 12, SocketErrorKind::ProxyAuthenticationRequired),
        ("SslHandshakeFailedError", 13, SocketErrorKind::SslHandshakeFailed),
        ("ProxyConnectionRefusedError", 14, SocketErrorKind::ProxyConnectionRefused),
        ("ProxyConnectionClosedError", 15, SocketErrorKind::ProxyConnectionClosed),
        ("ProxyConnectionTimeoutError", 16, SocketErrorKind::ProxyConnectionTimeout),
        ("ProxyNotFoundError", 17, SocketErrorKind::ProxyNotFound),
        ("ProxyProtocolError", 18, SocketErrorKind::ProxyProtocol),
        ("OperationError", 19, SocketErrorKind::Operation),
        ("SslInternalError", 20, SocketErrorKind::SslInternal),
        ("SslInvalidUserDataError", 21, SocketErrorKind::SslInvalidUserData),
        ("TemporaryError", 22, SocketErrorKind::Temporary),
    ];
}

impl Named for LocalSocketState {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("UnconnectedState", 0, LocalSocketState::Unconnected),
        ("ConnectingState", 2, LocalSocketState::Connecting),
        ("ConnectedState", 3, LocalSocketState::Connected),
        ("ClosingState", 6, LocalSocketState::Closing),
    ];
}

impl Named for LocalSocketErrorKind {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("UnknownSocketError", -1, LocalSocketErrorKind::Unknown),
        ("ConnectionRefusedError", 0, LocalSocketErrorKind::ConnectionRefused),
        ("PeerClosedError", 1, LocalSocketErrorKind::PeerClosed),
        ("ServerNotFoundError", 2, LocalSocketErrorKind::ServerNotFound),
        ("SocketAccessError", 3, LocalSocketErrorKind::SocketAccess),
        ("SocketResourceError", 4, LocalSocketErrorKind::SocketResource),
        ("SocketTimeoutError", 5, LocalSocketErrorKind::SocketTimeout),
        ("DatagramTooLargeError", 6, LocalSocketErrorKind::DatagramTooLarge),
        ("ConnectionError", 7, LocalSocketErrorKind::Connection),
        ("UnsupportedSocketOperationError", 10, LocalSocketErrorKind::UnsupportedSocketOperation),
        ("OperationError", 19, LocalSocketErrorKind::Operation),
    ];
}

impl Named for SocketType {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("UnknownSocketType", -1, SocketType::Unknown),
        ("TcpSocket", 0, SocketType::Tcp),
        ("UdpSocket", 1, SocketType::Udp),
        ("SctpSocket", 2, SocketType::Sctp),
    ];
}

impl Named for SocketOption {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("LowDelayOption", 0, SocketOption::LowDelay),
        ("KeepAliveOption", 1, SocketOption::KeepAlive),
        ("MulticastTtlOption", 2, SocketOption::MulticastTtl),
        ("MulticastLoopbackOption", 3, SocketOption::MulticastLoopback),
        ("TypeOfServiceOption", 4, SocketOption::TypeOfService),
        ("SendBufferSizeSocketOption", 5, SocketOption::SendBufferSize),
        ("ReceiveBufferSizeSocketOption", 6, SocketOption::ReceiveBufferSize),
        ("PathMtuSocketOption", 7, SocketOption::PathMtu),
    ];
}

impl Named for ProxyType {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("DefaultProxy", 0, ProxyType::Default),
        ("Socks5Proxy", 1, ProxyType::Socks5),
        ("NoProxy", 2, ProxyType::NoProxy),
        ("HttpProxy", 3, ProxyType::Http),
        ("HttpCachingProxy", 4, ProxyType::HttpCaching),
        ("FtpCachingProxy", 5, ProxyType::FtpCaching),
    ];
}

impl Named for NetworkLayerProtocol {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("UnknownNetworkLayerProtocol", -1, NetworkLayerProtocol::Unknown),
        ("IPv4Protocol", 0, NetworkLayerProtocol::IPv4),
        ("IPv6Protocol", 1, NetworkLayerProtocol::IPv6),
        ("AnyIPProtocol", 2, NetworkLayerProtocol::AnyIP),
    ];
}

impl Named for TimerType {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("PreciseTimer", 0, TimerType::Precise),
        ("CoarseTimer", 1, TimerType::Coarse),
        ("VeryCoarseTimer", 2, TimerType::VeryCoarse),
    ];
}

impl Named for SslMode {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("UnencryptedMode", 0, SslMode::Unencrypted),
        ("SslClientMode", 1, SslMode::Client),
        ("SslServerMode", 2, SslMode::Server),
    ];
}

impl Named for SslProtocol {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("UnknownProtocol", -1, SslProtocol::Unknown),
        ("SslV3", 0, SslProtocol::SslV3),
        ("SslV2", 1, SslProtocol::SslV2),
        ("TlsV1_0", 2, SslProtocol::TlsV1_0),
        ("TlsV1_1", 3, SslProtocol::TlsV1_1),
        ("TlsV1_2", 4, SslProtocol::TlsV1_2),
        ("AnyProtocol", 5, SslProtocol::Any),
        ("TlsV1SslV3", 6, SslProtocol::TlsV1SslV3),
        ("SecureProtocols", 7, SslProtocol::Secure),
        ("TlsV1_0OrLater", 8, SslProtocol::TlsV1_0OrLater),
        ("TlsV1_1OrLater", 9, SslProtocol::TlsV1_1OrLater),
        ("TlsV1_2OrLater", 10, SslProtocol::TlsV1_2OrLater),
        ("DtlsV1_0", 11, SslProtocol::DtlsV1_0),
        ("DtlsV1_0OrLater", 12, SslProtocol::DtlsV1_0OrLater),
        ("DtlsV1_2", 13, SslProtocol::DtlsV1_2),
        ("DtlsV1_2OrLater", 14, SslProtocol::DtlsV1_2OrLater),
        ("TlsV1_3", 15, SslProtocol::TlsV1_3),
        ("TlsV1_3OrLater", 16, SslProtocol::TlsV1_3OrLater),
    ];
}

impl Named for PeerVerifyMode {
    const TABLE: &'static [(&'static str, i64, Self)] = &[
        ("VerifyNone", 0, PeerVerifyMode::None),
        ("QueryPeer", 1, PeerVerifyMode::Query),
        ("VerifyPeer", 2, PeerVerifyMode::Verify),
        ("AutoVerifyPeer", 3, PeerVerifyMode::Auto),
    ];
}
