//! The process-wide proxy settings.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::{
    factory::QNetworkProxyFactory,
    query::{ProxyQueryType, QNetworkProxyQuery},
    system,
    value::{ProxyCapabilities, ProxyType, QNetworkProxy},
};
use crate::address::QHostAddress;

/// How sockets without a proxy of their own find one.
enum Settings {
    /// They use no proxy.
    None,
    One(Box<QNetworkProxy>),
    Factory(QNetworkProxyFactory),
    /// The default, as in Debian's Qt.
    System,
}

static SETTINGS: RwLock<Settings> = RwLock::new(Settings::System);

/// How a socket reaches its destination.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    By(Box<QNetworkProxy>),
    /// There are proxies, but none has the capabilities needed.
    None,
}

/// Chooses the route for a socket or server that `needs` some capabilities. Its own proxy comes
/// first. `place` is the host to connect to, or empty. `query` is called only if a factory or the
/// environment has to be asked.
pub(crate) fn resolve(
    own: Option<&QNetworkProxy>,
    place: &str,
    needs: ProxyCapabilities,
    query: impl FnOnce() -> QNetworkProxyQuery,
) -> Route {
    if let Some(own) = own.filter(|own| own.proxy_type() != ProxyType::Default) {
        return first_usable(vec![own.clone()], needs);
    }
    if is_loopback(place) {
        return Route::Direct;
    }
    {
        let settings = read();
        let direct = match &*settings {
            Settings::None => true,
            Settings::System => !system::has_any(),
            Settings::One(_) | Settings::Factory(_) => false,
        };
        if direct {
            return Route::Direct;
        }
    }
    first_usable(proxy_for_query(&query()), needs)
}

fn first_usable(proxies: Vec<QNetworkProxy>, needs: ProxyCapabilities) -> Route {
    match proxies.into_iter().find(|proxy| proxy.capabilities().contains(needs)) {
        // As in Qt, a default proxy among the answers is unusable.
        None => Route::None,
        Some(proxy) => match proxy.proxy_type() {
            ProxyType::NoProxy => Route::Direct,
            ProxyType::Socks5 | ProxyType::Http => Route::By(Box::new(proxy)),
            ProxyType::Default | ProxyType::HttpCaching | ProxyType::FtpCaching => Route::None,
        },
    }
}

pub(super) fn proxy_for_query(query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
    if is_loopback(query.peer_host_name()) {
        return vec![QNetworkProxy::none()];
    }
    let factory = match &*read() {
        Settings::None => return vec![QNetworkProxy::none()],
        Settings::One(proxy) => return vec![(**proxy).clone()],
        Settings::Factory(factory) => Some(factory.clone()),
        Settings::System => None,
    };
    // Nothing is locked here: a factory may itself query, or set another factory.
    let Some(factory) = factory else {
        let mut proxies = system::proxies_of_environment(query);
        // Listening therefore always has a route.
        proxies.push(QNetworkProxy::none());
        return proxies;
    };
    let proxies = factory.query_proxy(query);
    if proxies.is_empty() {
        qcore::q_warning!("QNetworkProxyFactory: factory has returned an empty result set");
        return vec![QNetworkProxy::none()];
    }
    proxies
}

pub(super) fn set_application_proxy(proxy: QNetworkProxy) {
    set(match proxy.proxy_type() {
        ProxyType::Default => Settings::None,
        _ => Settings::One(Box::new(proxy)),
    });
}

pub(super) fn set_factory(factory: Option<QNetworkProxyFactory>) {
    set(factory.map_or(Settings::None, Settings::Factory));
}

pub(super) fn use_system(enable: bool) {
    if enable {
        set(Settings::System);
    } else if uses_system() {
        set(Settings::None);
    }
}

pub(super) fn uses_system() -> bool {
    matches!(*read(), Settings::System)
}

fn read() -> RwLockReadGuard<'static, Settings> {
    SETTINGS.read().unwrap_or_else(PoisonError::into_inner)
}

fn set(new: Settings) {
    let old = {
        let mut settings = SETTINGS.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *settings, new)
    };
    // The factory is the program's code, so it is dropped with nothing locked.
    drop(old);
}

/// Returns whether the host is a loopback name or address of this machine.
fn is_loopback(host: &str) -> bool {
    if host.is_empty() {
        return false;
    }
    let name = host.get(.."localhost".len()).filter(|name| name.eq_ignore_ascii_case("localhost"));
    if name.is_some_and(|name| matches!(host.as_bytes().get(name.len()), None | Some(b'.'))) {
        return true;
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<QHostAddress>().is_ok_and(|address| address.is_loopback())
}

impl ProxyQueryType {
    /// Returns the capabilities that this purpose needs.
    #[cfg(test)]
    pub(super) fn needs(self) -> ProxyCapabilities {
        match self {
            ProxyQueryType::TcpSocket => ProxyCapabilities::TUNNELING,
            ProxyQueryType::UdpSocket => ProxyCapabilities::UDP_TUNNELING,
            ProxyQueryType::SctpSocket => ProxyCapabilities::SCTP_TUNNELING,
            ProxyQueryType::TcpServer => ProxyCapabilities::LISTENING,
            ProxyQueryType::SctpServer => ProxyCapabilities::SCTP_LISTENING,
            ProxyQueryType::UrlRequest => ProxyCapabilities::empty(),
        }
    }
}
