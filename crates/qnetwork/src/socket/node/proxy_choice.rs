//! The proxy that the program has set, and the one that the socket uses.

use std::cell::RefCell;

use crate::proxy::{
    self, ProxyCapabilities, ProxyQueryType, ProxyType, QNetworkProxy, QNetworkProxyQuery, Route,
};

/// The settings that decide which proxy a socket uses, and the proxy of the current connection.
///
/// Most sockets have none of this, so everything is boxed.
#[derive(Default)]
pub(crate) struct ProxyChoice {
    /// The socket's own proxy, unless it is of the type `Default`.
    own: RefCell<Option<Box<QNetworkProxy>>>,
    /// The tag that tells a proxy factory what the socket is used for, "http" for example.
    tag: RefCell<Option<Box<str>>>,
    /// The proxy of the current connection.
    used: RefCell<Option<Box<QNetworkProxy>>>,
}

impl ProxyChoice {
    pub(crate) fn own(&self) -> Option<QNetworkProxy> {
        self.own.borrow().as_deref().cloned()
    }

    pub(crate) fn set_own(&self, proxy: QNetworkProxy) {
        let own = (proxy.proxy_type() != ProxyType::Default).then(|| Box::new(proxy));
        self.own.replace(own);
    }

    pub(crate) fn tag(&self) -> String {
        self.tag.borrow().as_deref().unwrap_or_default().to_owned()
    }

    pub(crate) fn set_tag(&self, tag: String) {
        let tag = Some(tag).filter(|tag| !tag.is_empty()).map(String::into_boxed_str);
        self.tag.replace(tag);
    }

    /// Finds out how a host is reached. This may call the program's proxy factory, so nothing is
    /// borrowed meanwhile.
    pub(crate) fn route_to(
        &self,
        host_name: &str,
        port: u16,
        kind: ProxyQueryType,
        needs: ProxyCapabilities,
    ) -> Route {
        let own = self.own();
        proxy::resolve(own.as_ref(), host_name, needs, || {
            QNetworkProxyQuery::new(kind, host_name, port, self.tag())
        })
    }

    /// Uses a proxy for the connection that begins, or none.
    pub(crate) fn use_proxy(&self, proxy: Option<Box<QNetworkProxy>>) {
        self.used.replace(proxy);
    }

    /// Returns the proxy of the current connection.
    pub(crate) fn used(&self) -> Option<QNetworkProxy> {
        self.used.borrow().as_deref().cloned()
    }

    /// Returns whether the proxy looks up the names of hosts.
    pub(crate) fn looks_up_names(&self) -> bool {
        let looks_up = ProxyCapabilities::HOST_NAME_LOOKUP;
        self.used.borrow().as_ref().is_some_and(|proxy| proxy.capabilities().contains(looks_up))
    }
}
