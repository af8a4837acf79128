//! Proxies: who stands between a socket and where it wants to go.
//!
//! A socket finds its proxy when it connects or is bound, a server when it listens: the one that it was
//! [given](crate::QAbstractSocket::set_proxy); else the application's, which is either
//! [one proxy](QNetworkProxy::set_application_proxy) or a [factory](QNetworkProxyFactory) that is asked; else
//! the one that the environment names (`http_proxy` and its kin). The last two are never used for this
//! machine's own loopback names.
//!
//! `settings.rs` keeps what holds for the whole process, `system.rs` reads the environment. `socks5.rs` and
//! `http.rs` are the protocols: state machines that are fed bytes, with no socket and no clock inside. `relayed.rs`
//! is what datagrams look like that go by SOCKS5.

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
