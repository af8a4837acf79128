//! Factories: what knows which proxy is for what.

use std::{fmt, sync::Arc};

use super::{query::QNetworkProxyQuery, settings, system, value::QNetworkProxy};

/// What knows which proxy is for what: the program's own part of a [`QNetworkProxyFactory`].
///
/// It may be asked in any thread. A closure is one.
pub trait ProxyFactory: Send + Sync {
    /// The proxies that may be used, best first. It must not be empty:
    /// [`QNetworkProxy::none`] says that there is to be none.
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

/// What knows which proxy is for what.
///
/// A socket without a proxy of its own asks the application's factory each time that it connects, and takes the
/// first proxy that can do what it needs. The factory may be asked in any thread, several at once.
/// Stands for Qt's [QNetworkProxyFactory](https://doc.qt.io/qt-5/qnetworkproxyfactory.html).
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
    /// A factory of the program's own.
    #[must_use]
    pub fn new(factory: impl ProxyFactory + 'static) -> Self {
        QNetworkProxyFactory(Arc::new(factory))
    }

    /// Asks this factory.
    #[doc(alias = "queryProxy")]
    #[must_use]
    pub fn query_proxy(&self, query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
        self.0.query_proxy(query)
    }

    /// The proxies that the application has for a query: those that its factory gives, or
    /// [its one](QNetworkProxy::set_application_proxy), or the system's. Never empty.
    ///
    /// For the loopback names and addresses of this machine there is none, whoever would be asked.
    #[doc(alias = "proxyForQuery")]
    #[must_use]
    pub fn proxy_for_query(query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
        settings::proxy_for_query(query)
    }

    /// The proxies that the system has for a query; never empty.
    ///
    /// They are what the environment says now: `http_proxy`, `https_proxy` and `ftp_proxy` for what has that
    /// tag, `all_proxy` for everything else, and `http_proxy` where there is no other; `no_proxy` lists the
    /// hosts, or domains, for which there is none, separated by commas, `*` being all. Names in capitals do as
    /// well, but `HTTP_PROXY`, which a web server may have from its client. A proxy is
    /// `socks5://user:password@host:port`, `socks5h://...`, `http://...`, or `host:port` alone; without a
    /// port it is 1080 for SOCKS and 8080 for HTTP. What is none of these does not count.
    ///
    /// HTTP has none for datagrams and servers.
    #[doc(alias = "systemProxyForQuery")]
    #[must_use]
    pub fn system_proxy_for_query(query: &QNetworkProxyQuery) -> Vec<QNetworkProxy> {
        system::proxies(query, &|name| std::env::var(name).ok())
    }

    /// Has sockets without a proxy of their own ask this factory, in all threads. It takes the place of the
    /// application's proxy and of the system's.
    ///
    /// A factory that gives nothing is warned of, and no proxy is used then.
    #[doc(alias = "setApplicationProxyFactory")]
    pub fn set_application_proxy_factory(factory: impl ProxyFactory + 'static) {
        settings::set_factory(Some(QNetworkProxyFactory::new(factory)));
    }

    /// Takes the application's factory out: there is no proxy then. In Qt a null factory does.
    #[doc(alias = "setApplicationProxyFactory")]
    pub fn clear_application_proxy_factory() {
        settings::set_factory(None);
    }

    /// Has sockets without a proxy of their own use the [system's](Self::system_proxy_for_query), or none.
    ///
    /// That is so at first, until an application proxy or factory is set; these do not survive it.
    #[doc(alias = "setUseSystemConfiguration")]
    pub fn set_use_system_configuration(enable: bool) {
        settings::use_system(enable);
    }

    /// Whether sockets without a proxy of their own use the system's.
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
