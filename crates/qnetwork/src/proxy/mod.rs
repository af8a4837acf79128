//! Proxies between sockets and their destinations.
//!
//! A socket chooses its proxy when it connects or is bound, a server when it listens. The first of
//! these applies:
//!
//! 1. the proxy that the socket was [given](crate::QAbstractSocket::set_proxy),
//! 2. the application's: either [one proxy](QNetworkProxy::set_application_proxy) or a
//!    [factory](QNetworkProxyFactory) that chooses one,
//! 3. the one named by the environment (`http_proxy` and similar variables).
//!
//! The last two are never used for loopback names and addresses.
//!
//! `settings.rs` holds the process-wide settings, `system.rs` reads the environment. `socks5.rs`
//! and `http.rs` are the protocols: state machines that are fed bytes and contain no socket and no
//! clock. `relayed.rs` is the format of datagrams that a SOCKS5 proxy relays.

mod application;
mod factory;
mod handshake;
mod header;
mod http;
mod query;
mod relayed;
mod settings;
mod socks5;
mod system;
mod url;
mod value;

pub use self::{
    factory::{ProxyFactory, QNetworkProxyFactory},
    header::KnownHeader,
    query::{ProxyQueryType, QNetworkProxyQuery},
    url::ProxyParseError,
    value::{ProxyCapabilities, ProxyType, QNetworkProxy},
};
pub(crate) use self::{
    handshake::{Handshake, Next, Target},
    http::Http,
    relayed::{unwrap, wrap},
    settings::{Route, resolve},
    socks5::{Command, Socks5, protocol_error},
};

#[cfg(test)]
mod tests;
