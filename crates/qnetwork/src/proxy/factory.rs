//! Proxy factories: they choose the proxies for a query.

use std::{fmt, sync::Arc};

use super::{QNetworkProxy, QNetworkProxyQuery, settings, system};

/// Chooses the proxies for a query: the program's own part of a [`QNetworkProxyFactory`].
///
/// It may be called in any thread. Closures implement it.
pub trait ProxyFactory: Send + Sync {
    /// Returns the proxies that may be used, the best first. The list must not be empty:
    /// [`QNetworkProxy::none`] stands for a direct connection.
    #[doc(alias = "queryProxy")]
    fn query_proxy(&self, query: &QNetworkProxyQuery) -> Vec<QNetworkProxy>;
}

impl<F> ProxyFactory for F
where
    F: Fn(&QNetworkProxyQuery) -> Vec<QNetworkProxy> + Send + Sync,
{
    fn query_proxy(&self, query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
        self(query)
    }
}

/// Chooses the proxies for queries.
///
/// A socket without a proxy of its own asks the application's factory each time it connects, and
/// uses the first proxy that has the capabilities it needs. The factory may be called in any
/// thread, and in several at once. Stands for Qt's
/// [QNetworkProxyFactory](https://doc.qt.io/qt-5/qnetworkproxyfactory.html).
///
/// # Examples
///
/// ```
/// use qnetwork::{ProxyType, QNetworkProxy, QNetworkProxyFactory, QNetworkProxyQuery};
///
/// QNetworkProxyFactory::set_application_proxy_factory(|query: &QNetworkProxyQuery| {
///     match query.peer_host_name().ends_with(".internal.example") {
///         true => vec![QNetworkProxy::none()],
///         false => vec![QNetworkProxy::new(ProxyType::Http, "proxy.example", 8080)],
///     }
/// });
/// let query = QNetworkProxyQuery::for_url("http://www.example/");
/// assert_eq!(QNetworkProxyFactory::proxy_for_query(&query)[0].host_name(), "proxy.example");
/// # QNetworkProxyFactory::clear_application_proxy_factory();
/// ```
#[derive(Clone)]
pub struct QNetworkProxyFactory(Arc<dyn ProxyFactory>);

impl QNetworkProxyFactory {
    /// Creates a factory from the program's own code.
    #[must_use]
    pub fn new(factory: impl ProxyFactory + 'static) -> Self {
        QNetworkProxyFactory(Arc::new(factory))
    }

    /// Returns this factory's proxies for a query.
    #[doc(alias = "queryProxy")]
    #[must_use]
    pub fn query_proxy(&self, query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
        self.0.query_proxy(query)
    }

    /// Returns the application's proxies for a query: its factory's, or [its
    /// proxy](QNetworkProxy::set_application_proxy), or the system's. The list is never empty.
    ///
    /// For loopback names and addresses it contains only [`QNetworkProxy::none`].
    #[doc(alias = "proxyForQuery")]
    #[must_use]
    pub fn proxy_for_query(query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
        settings::proxy_for_query(query)
    }

    /// Returns the system's proxies for a query. The list is never empty.
    ///
    /// The proxies come from environment variables, which are read at each call. `http_proxy`,
    /// `https_proxy` and `ftp_proxy` are for queries with that tag, and `all_proxy` is for all
    /// other queries. If a variable is not set, `http_proxy` replaces it. `no_proxy` lists hosts
    /// and domains without a proxy, separated by commas; `*` stands for all. The names may be in
    /// capitals, except `HTTP_PROXY`, which a web server may set from its client's request.
    ///
    /// A proxy is written as `socks5://user:password@host:port`, `socks5h://...`, `http://...`, or
    /// just `host:port`. The default port is 1080 for SOCKS and 8080 for HTTP. Other values are
    /// ignored.
    ///
    /// HTTP proxies are not used for datagrams and servers.
    #[doc(alias = "systemProxyForQuery")]
    #[must_use]
    pub fn system_proxy_for_query(query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
        system::proxies(query, &|name| std::env::var(name).ok())
    }

    /// Sets the factory for sockets without a proxy of their own, in all threads. It replaces the
    /// application's proxy and the system's proxies.
    ///
    /// If the factory returns an empty list, the library logs a warning and uses no proxy.
    #[doc(alias = "setApplicationProxyFactory")]
    pub fn set_application_proxy_factory(factory: impl ProxyFactory + 'static) {
        settings::set_factory(Some(QNetworkProxyFactory::new(factory)));
    }

    /// Removes the application's factory. Sockets then use no proxy. In Qt a null factory does
    /// that.
    #[doc(alias = "setApplicationProxyFactory")]
    pub fn clear_application_proxy_factory() {
        settings::set_factory(None);
    }

    /// Sets whether sockets without a proxy of their own use the [system's
    /// proxies](Self::system_proxy_for_query).
    ///
    /// By default they do, until the program sets an application proxy or factory. `true` removes
    /// these.
    #[doc(alias = "setUseSystemConfiguration")]
    pub fn set_use_system_configuration(enable: bool) {
        settings::use_system(enable);
    }

    /// Returns whether sockets without a proxy of their own use the system's proxies.
    #[doc(alias = "usesSystemConfiguration")]
    #[must_use]
    pub fn uses_system_configuration() -> bool {
        settings::uses_system()
    }
}

impl fmt::Debug for QNetworkProxyFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QNetworkProxyFactory").finish_non_exhaustive()
    }
}
