//! The way that a socket takes: straight, or by a proxy.

use std::rc::Rc;

use qcore::object::Node;

use super::{
    AbstractSocketNode, QAbstractSocket, SocketError, SocketErrorKind, SocketState, SocketType,
};
use crate::{
    ProxyCapabilities, ProxyQueryType, ProxyType, QHostAddress, QNetworkProxy, QNetworkProxyQuery,
    engine::{Engine, NativeEngine, ProxyEngine},
    proxy::{self, Route},
};

impl QAbstractSocket {
    /// The socket's own proxy; one of the type [`Default`](ProxyType::Default) if it has none.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{ProxyType, QNetworkProxy, QTcpSocket};
    ///
    /// let socket = QTcpSocket::new();
    /// assert_eq!(socket.proxy().proxy_type(), ProxyType::Default);
    /// socket.set_proxy(QNetworkProxy::none());
    /// assert_eq!(socket.proxy().proxy_type(), ProxyType::NoProxy);
    /// ```
    #[must_use]
    pub fn proxy(&self) -> QNetworkProxy {
        self.proxy.borrow().as_deref().cloned().unwrap_or_default()
    }

    /// Sets the proxy by which the socket connects, from its next connection on.
    ///
    /// [`Default`](ProxyType::Default) is the application's, or the system's;
    /// [`NoProxy`](ProxyType::NoProxy) goes straight to the host, whatever the application has. With a proxy
    /// that looks up names, the name goes there as it is, and `host_found` does not come. A proxy that cannot
    /// lead to where the socket wants makes `connect_to_host` fail at once, with
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation). Sockets that have a proxy
    /// of their own cannot be bound, and no proxy is used for datagrams: a UDP socket that has one can
    /// neither be bound nor connected.
    #[doc(alias = "setProxy")]
    pub fn set_proxy(&self, proxy: QNetworkProxy) {
        let own = (proxy.proxy_type() != ProxyType::Default).then(|| Box::new(proxy));
        self.proxy.replace(own);
    }
}

impl AbstractSocketNode {
    /// Finds the way to a host, for the attempt that begins.
    pub(super) fn find_route(&self, host_name: &str, port: u16) -> Result<(), SocketError> {
        // What was bound, or taken over, has a descriptor of its own already.
        let route = match self.engine().is_some() {
            true => Route::Direct,
            false => self.route_to(host_name, port),
        };
        let by = match route {
            Route::Direct => None,
            // Datagrams do not go by proxies.
            Route::By(_) if self.is_for_datagrams() => return Err(not_supported()),
            Route::By(proxy) => Some(proxy),
            Route::None => return Err(not_supported()),
        };
        self.route.replace(by);
        Ok(())
    }

    fn route_to(&self, host_name: &str, port: u16) -> Route {
        let (kind, needs) = match self.socket_type {
            SocketType::Udp => (ProxyQueryType::UdpSocket, ProxyCapabilities::UDP_TUNNELING),
            SocketType::Sctp => (ProxyQueryType::SctpSocket, ProxyCapabilities::SCTP_TUNNELING),
            SocketType::Tcp | SocketType::Unknown => {
                (ProxyQueryType::TcpSocket, ProxyCapabilities::TUNNELING)
            }
        };
        // Kept by nobody while the program's factory is asked.
        let own = self.proxy.borrow().as_deref().cloned();
        proxy::resolve(own.as_ref(), host_name, needs, || {
            let tag = self.protocol_tag.borrow().as_deref().unwrap_or_default().to_owned();
            QNetworkProxyQuery::new(kind, host_name, port, &tag)
        })
    }

    /// Whether names go to the proxy as they are.
    pub(super) fn proxy_looks_up(&self) -> bool {
        let looks_up = ProxyCapabilities::HOST_NAME_LOOKUP;
        self.route.borrow().as_ref().is_some_and(|proxy| proxy.capabilities().contains(looks_up))
    }

    /// No proxy can be bound to an address of this machine.
    pub(super) fn refuse_proxy(
        &self,
        address: &QHostAddress,
        port: u16,
    ) -> Result<(), SocketError> {
        let own = self.proxy.borrow().is_some();
        match own.then(|| self.route_to(&address.to_string(), port)) {
            None | Some(Route::Direct) => {
                self.route.take();
                Ok(())
            }
            Some(Route::None) => {
                let error = not_supported();
                self.set_error(&error);
                Err(error)
            }
            Some(Route::By(_)) => {
                let error = SocketError::unsupported();
                self.set_error(&error);
                self.emit_error();
                Err(error)
            }
        }
    }

    /// An engine that goes by a proxy.
    pub(super) fn proxy_engine(&self, proxy: QNetworkProxy) -> Rc<dyn Engine> {
        let (dispatcher, source) = (self.life().dispatcher().clone(), self.source());
        let below_source = source.clone();
        let (loop_, kind) = (dispatcher.clone(), SocketType::Tcp);
        let open = Box::new(move |protocol| {
            let engine = NativeEngine::open(&loop_, below_source.clone(), kind, protocol)?;
            let engine: Rc<dyn Engine> = Rc::new(engine);
            Ok(engine)
        });
        Rc::new(ProxyEngine::new(&dispatcher, source, proxy, open))
    }

    /// Has the proxy look up the name.
    pub(super) fn connect_by_name(&self, host_name: &str) {
        self.addresses.take();
        self.flags.trying.set(true);
        self.change_state(SocketState::Connecting);
        if self.state.get() != SocketState::Connecting {
            return;
        }
        let proxy = self.route.borrow().as_deref().cloned();
        let Some(proxy) = proxy else { return };
        let engine = self.proxy_engine(proxy);
        match engine.connect_by_name(host_name, self.port.get()) {
            Ok(_) => {
                *self.engine.borrow_mut() = Some(engine);
                self.start_connect_timer();
            }
            Err(error) => self.connect_to_next_address(error),
        }
    }

    /// The proxy wants to know who is asking.
    pub(super) fn ask_for_credentials(&self, engine: &Rc<dyn Engine>) {
        let Some(question) = engine.question() else { return };
        // A user may think as long as it takes.
        self.stop_connect_timer();
        self.proxy_authentication_required.emit(question);
        if self.state.get() == SocketState::Connecting && self.has_engine(engine) {
            self.start_connect_timer();
            self.on_progress(engine, engine.answered());
        }
    }
}

fn not_supported() -> SocketError {
    let kind = SocketErrorKind::UnsupportedSocketOperation;
    SocketError::new(kind, "Operation on socket is not supported")
}
