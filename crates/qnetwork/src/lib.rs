//! Qt's socket classes, in Rust: sockets and servers on the event loop of [`qcore`].
//!
//! ```
//! use qcore::QCoreApplication;
//! use qnetwork::QTcpSocket;
//!
//! let app = QCoreApplication::new();
//! let socket = QTcpSocket::new();
//! socket.connected.connect_to(&socket, |socket, ()| {
//!     socket.write("hello\n").ok();
//! });
//! socket.ready_read.connect_to(&socket, |socket, ()| print!("{:?}", socket.read_all()));
//! socket.error_occurred.connect_to(&app, |app, _| app.quit());
//! socket.connect_to_host("127.0.0.1", 1);
//! app.exec();
//! ```
//!
//! # Up and down the classes
//!
//! A handle derefs to its base class, so a function that takes a `&QAbstractSocket` also takes a
//! `&QTcpSocket`. `From` returns a handle of any base class, and [`cast`](qcore::QObject::cast)
//! returns one of a derived class. Both are handles of the same object:
//!
//! ```
//! use qcore::{QIODevice, QObject};
//! use qnetwork::{QAbstractSocket, QTcpSocket, QUdpSocket};
//!
//! let socket = QTcpSocket::new();
//! let device = QIODevice::from(&socket);
//! let object: QObject = QAbstractSocket::from(&socket).into();
//! assert_eq!(object.cast::<QIODevice>(), Some(device));
//! assert_eq!(object.cast::<QTcpSocket>(), Some(socket));
//! assert_eq!(object.cast::<QUdpSocket>(), None);
//! ```
//!
//! # Modules
//!
//! * [`socket`] has [`QTcpSocket`], [`QUdpSocket`], their base class [`QAbstractSocket`], states
//!   and errors
//! * [`server`] has [`QTcpServer`]
//! * `ssl` has `QSslSocket` and `QSslServer`, which encrypt, with certificates, keys, ciphers and
//!   configurations
//! * [`local`] has [`QLocalSocket`] and [`QLocalServer`], for connections within this machine
//! * [`closing`] has [`close_all`], which closes servers and sockets within a time
//! * [`reconnect`] has [`Reconnector`], which connects a socket again when its connection is lost
//! * [`heartbeat`] has [`Heartbeat`], which detects that the other end of a connection does not
//!   answer
//! * `pipe` has functions that move all bytes from one device to another, with the feature `tasks`
//! * [`address`] has [`QHostAddress`]
//! * [`interface`] has [`QNetworkInterface`], the network interfaces of this machine
//! * [`datagram`] has [`QNetworkDatagram`]
//! * [`proxy`] has [`QNetworkProxy`] and [`QNetworkProxyFactory`], [`auth`] has [`QAuthenticator`]
//! * [`host_info`] has [`QHostInfo`], look-ups of host names
//! * `simulation` has a simulated network for tests, with the feature `simulation`
//! * [`dns_lookup`] has [`QDnsLookup`], look-ups of records in the domain name system
//!
//! # Tasks
//!
//! With the feature `tasks`, which is on by default, `async` code uses the same sockets. It awaits
//! functions such as `connect`, `accept` and `recv`, and reads and writes with the
//! [`stream`](qcore::QIODevice::stream) of a socket. See [`qcore::task`]. With the feature
//! `futures`, streams implement the traits of the crate `futures-io`.
//!
//! # Features
//!
//! * `tls` (default): `QSslSocket` and its family, with the cryptography of `aws-lc-rs`
//! * `ring`: the same with the cryptography of `ring`, without the default feature `tls`
//! * `dns` (default): [`QDnsLookup`]
//! * `tasks` (default): functions that a task awaits
//! * `futures`: the traits of `futures-io` for the streams of sockets
//! * `simulation`: a simulated network for tests

// On docs.rs, which builds with nightly Rust, items show the feature that they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod address;
pub mod auth;
pub mod closing;
mod common;
pub mod datagram;
#[cfg(feature = "dns")]
pub mod dns_lookup;
mod engine;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod heartbeat;
pub mod host_info;
pub mod interface;
pub mod local;
#[cfg(feature = "tasks")]
pub mod pipe;
pub mod proxy;
pub mod reconnect;
pub mod server;
#[cfg(feature = "simulation")]
#[cfg_attr(docsrs, doc(cfg(feature = "simulation")))]
pub mod simulation;
pub mod socket;
#[cfg(feature = "_tls")]
pub mod ssl;
mod sys;

#[cfg(feature = "dns")]
pub use self::dns_lookup::{
    DnsLookupError, DnsLookupErrorKind, DnsLookupType, QDnsDomainNameRecord, QDnsHostAddressRecord,
    QDnsLookup, QDnsMailExchangeRecord, QDnsServiceRecord, QDnsTextRecord,
};
#[cfg(feature = "_tls")]
pub use self::ssl::{
    AlternativeNameEntryType, EncodingFormat, ExtensionValue, HashAlgorithm, InfoAttribute,
    KeyAlgorithm, KeyType, NextProtocolNegotiationStatus, OcspCertificateStatus,
    OcspRevocationReason, PatternSyntax, PeerVerifyMode, QOcspResponse, QSslCertificate,
    QSslCertificateExtension, QSslCipher, QSslConfiguration, QSslError, QSslKey, QSslServer,
    QSslSocket, SslCertificateError, SslCertificateErrorKind, SslErrorKind, SslKeyError,
    SslKeyErrorKind, SslMode, SslOptions, SslProtocol, SubjectInfo,
};
pub use self::{
    address::{AddressParseError, ConversionMode, Host, NetworkLayerProtocol, QHostAddress},
    auth::QAuthenticator,
    closing::{Closable, close_all},
    datagram::QNetworkDatagram,
    heartbeat::Heartbeat,
    host_info::{HostInfoError, HostInfoErrorKind, LookupId, QHostInfo},
    interface::{
        DnsEligibilityStatus, InterfaceFlags, InterfaceType, QNetworkAddressEntry,
        QNetworkInterface,
    },
    local::{
        LocalServerOptions, LocalSocketError, LocalSocketErrorKind, LocalSocketState, QLocalServer,
        QLocalSocket,
    },
    proxy::{
        KnownHeader, ProxyCapabilities, ProxyFactory, ProxyParseError, ProxyQueryType, ProxyType,
        QNetworkProxy, QNetworkProxyFactory, QNetworkProxyQuery,
    },
    reconnect::{Reconnector, ReconnectorState, WhenDisconnected},
    server::{IncomingConnection, QTcpServer, WorkerError, WorkerErrorKind},
    socket::{
        AttachError, BindMode, CloseReason, DetachedSocket, KeepAlive, PauseModes, QAbstractSocket,
        QTcpSocket, QUdpSocket, RateLimit, SocketError, SocketErrorKind, SocketOption, SocketState,
        SocketType, TcpInfo, TimeoutKind,
    },
};

/// What most programs import, beside `qcore::prelude`: `use qnetwork::prelude::*`.
///
/// It has all types of the crate's root, and the trait [`IncomingConnection`], which a server class
/// of your own implements.
///
/// ```
/// use qcore::prelude::*;
/// use qnetwork::prelude::*;
///
/// let app = QCoreApplication::new();
/// let socket = QTcpSocket::new();
/// socket.state_changed.connect_to(&app, |app, state| match state {
///     SocketState::Unconnected => app.quit(),
///     state => println!("{state:?}"),
/// });
/// socket.connect_to_host("127.0.0.1", 1);
/// app.exec();
/// ```
pub mod prelude {
    #[doc(no_inline)]
    pub use crate::{
        AddressParseError, AttachError, BindMode, Closable, CloseReason, ConversionMode,
        DetachedSocket, DnsEligibilityStatus, Heartbeat, Host, HostInfoError, HostInfoErrorKind,
        IncomingConnection, InterfaceFlags, InterfaceType, KeepAlive, KnownHeader,
        LocalServerOptions, LocalSocketError, LocalSocketErrorKind, LocalSocketState, LookupId,
        NetworkLayerProtocol, PauseModes, ProxyCapabilities, ProxyFactory, ProxyParseError,
        ProxyQueryType, ProxyType, QAbstractSocket, QAuthenticator, QHostAddress, QHostInfo,
        QLocalServer, QLocalSocket, QNetworkAddressEntry, QNetworkDatagram, QNetworkInterface,
        QNetworkProxy, QNetworkProxyFactory, QNetworkProxyQuery, QTcpServer, QTcpSocket,
        QUdpSocket, RateLimit, Reconnector, ReconnectorState, SocketError, SocketErrorKind,
        SocketOption, SocketState, SocketType, TcpInfo, TimeoutKind, WhenDisconnected, WorkerError,
        WorkerErrorKind, close_all,
    };
    #[cfg(feature = "_tls")]
    #[doc(no_inline)]
    pub use crate::{
        AlternativeNameEntryType, EncodingFormat, ExtensionValue, HashAlgorithm, InfoAttribute,
        KeyAlgorithm, KeyType, NextProtocolNegotiationStatus, OcspCertificateStatus,
        OcspRevocationReason, PatternSyntax, PeerVerifyMode, QOcspResponse, QSslCertificate,
        QSslCertificateExtension, QSslCipher, QSslConfiguration, QSslError, QSslKey, QSslServer,
        QSslSocket, SslCertificateError, SslCertificateErrorKind, SslErrorKind, SslKeyError,
        SslKeyErrorKind, SslMode, SslOptions, SslProtocol, SubjectInfo,
    };
    #[cfg(feature = "dns")]
    #[doc(no_inline)]
    pub use crate::{
        DnsLookupError, DnsLookupErrorKind, DnsLookupType, QDnsDomainNameRecord,
        QDnsHostAddressRecord, QDnsLookup, QDnsMailExchangeRecord, QDnsServiceRecord,
        QDnsTextRecord,
    };
}
