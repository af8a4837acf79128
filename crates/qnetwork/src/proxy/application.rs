//! The application's proxy and proxy factory, and the system's proxies, as programs use them.

use super::{
    factory::{ProxyFactory, QNetworkProxyFactory},
    query::QNetworkProxyQuery,
    settings, system,
    value::QNetworkProxy,
};

impl QNetworkProxy {
    /// Returns the proxy for sockets without a proxy of their own.
    ///
    /// It is the first one that the application's factory or the system returns for a default
    /// query, and is never [`Default`](super::ProxyType::Default).
    #[doc(alias = "applicationProxy")]
    #[must_use]
    pub fn application_proxy() -> QNetworkProxy {
        let proxies = settings::proxy_for_query(&QNetworkProxyQuery::default());
        proxies.into_iter().next().unwrap_or_else(QNetworkProxy::none)
    }

    /// Sets the proxy for sockets without a proxy of their own, in all threads. It replaces a
    /// factory and the system's proxies.
    ///
    /// Existing connections do not change. Connections to loopback names and addresses do not use
    /// the proxy. [`Default`](super::ProxyType::Default) means no proxy.
    #[doc(alias = "setApplicationProxy")]
    pub fn set_application_proxy(proxy: QNetworkProxy) {
        settings::set_application_proxy(proxy);
    }
}

impl QNetworkProxyFactory {
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
    /// and domains without a proxy, separated by commas; `*` means all. The names may be in
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
        system::proxies_of_environment(query)
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
