//! Proxy factories: they choose the proxies for a query.

use std::{fmt, sync::Arc};

use super::{query::QNetworkProxyQuery, value::QNetworkProxy};

/// Chooses the proxies for a query: the program's own part of a [`QNetworkProxyFactory`].
///
/// It may be called in any thread. Closures implement it.
pub trait ProxyFactory: Send + Sync {
    /// Returns the proxies that may be used, the best first. The list must not be empty:
    /// [`QNetworkProxy::none`] means a direct connection.
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
}

impl fmt::Debug for QNetworkProxyFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QNetworkProxyFactory").finish_non_exhaustive()
    }
}
