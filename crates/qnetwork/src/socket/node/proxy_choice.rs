//! The proxy that the program has set, and the one that the socket uses.

use std::cell::{OnceCell, RefCell};

use crate::proxy::{
    self, ProxyCapabilities, ProxyQueryType, ProxyType, QNetworkProxy, QNetworkProxyQuery, Route,
};

/// The settings that decide which proxy a socket uses, and the proxy of the current connection.
///
/// Most sockets have none of this, so everything is boxed.
#[derive(Default)]
pub(crate) struct ProxyChoice(OnceCell<Box<Choices>>);

#[derive(Default)]
struct Choices {
    /// The socket's own proxy, unless it is of the type `Default`.
    own: RefCell<Option<QNetworkProxy>>,
    /// The tag that tells a proxy factory what the socket is used for, "http" for example.
    tag: RefCell<Box<str>>,
    /// The proxy of the current connection.
    used: RefCell<Option<Box<QNetworkProxy>>>,
}

impl ProxyChoice {
    /// Sets a value. Nothing is allocated for one that says nothing.
    fn set(&self, is_something: bool, set: impl FnOnce(&Choices)) {
        if is_something || self.0.get().is_some() {
            set(self.0.get_or_init(Box::default));
        }
    }

    pub(crate) fn own(&self) -> Option<QNetworkProxy> {
        self.0.get()?.own.borrow().clone()
    }

    pub(crate) fn set_own(&self, proxy: QNetworkProxy) {
        let own = Some(proxy).filter(|proxy| proxy.proxy_type() != ProxyType::Default);
        self.set(own.is_some(), |choices| drop(choices.own.replace(own)));
    }

    pub(crate) fn tag(&self) -> String {
        self.0.get().map_or_else(String::new, |choices| choices.tag.borrow().to_string())
    }

    pub(crate) fn set_tag(&self, tag: String) {
        self.set(!tag.is_empty(), |choices| drop(choices.tag.replace(tag.into())));
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
        self.set(proxy.is_some(), |choices| drop(choices.used.replace(proxy)));
    }

    /// Returns the proxy of the current connection.
    pub(crate) fn used(&self) -> Option<QNetworkProxy> {
        self.0.get()?.used.borrow().as_deref().cloned()
    }

    /// Returns whether the proxy looks up the names of hosts.
    pub(crate) fn looks_up_names(&self) -> bool {
        let looks_up = ProxyCapabilities::HOST_NAME_LOOKUP;
        self.0.get().is_some_and(|choices| {
            let used = choices.used.borrow();
            used.as_ref().is_some_and(|proxy| proxy.capabilities().contains(looks_up))
        })
    }
}
