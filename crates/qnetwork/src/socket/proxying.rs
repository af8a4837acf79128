//! The way that a socket takes: straight, or by a proxy.

use std::{rc::Rc, time::Duration};

use qcore::{QDeadlineTimer, object::Node};

use super::{
    AbstractSocketNode, QAbstractSocket, SocketError, SocketErrorKind, SocketState, SocketType,
};
use crate::{
    ProxyCapabilities, ProxyQueryType, ProxyType, QNetworkProxy, QNetworkProxyQuery,
    engine::{Engine, NativeEngine, Progress, ProxyEngine, RelayEngine},
    proxy::{self, Route},
};

/// How long a proxy may take to say where it relays datagrams, in which nothing else is done.
const RELAY_TIMEOUT: Duration = Duration::from_secs(5);

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
    /// [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation). TCP sockets that go by a proxy,
    /// their own or the application's, cannot be [bound](QAbstractSocket::bind), and say so with the same error.
    /// What a [UDP socket](crate::QUdpSocket#proxies) does with a proxy is told there.
    #[doc(alias = "setProxy")]
    pub fn set_proxy(&self, proxy: QNetworkProxy) {
        let own = (proxy.proxy_type() != ProxyType::Default).then(|| Box::new(proxy));
        self.proxy.replace(own);
    }
}

impl AbstractSocketNode {
    /// Finds the way to a host, for the attempt that begins.
    pub(super) fn find_route(&self, host_name: &str, port: u16) -> Result<(), SocketError> {
        let by = match self.engine() {
            // The proxy that the socket is bound at.
            Some(engine) if engine.goes_by_proxy() => return Ok(()),
            // What was bound, or taken over, has a descriptor of its own already.
            Some(_) => None,
            None => match self.route_to(host_name, port) {
                Route::Direct => None,
                Route::By(proxy) if self.can_go_by(&proxy) => Some(proxy),
                Route::By(_) | Route::None => return Err(not_supported()),
            },
        };
        self.route.replace(by);
        Ok(())
    }

    /// Whatever a proxy is said to be able to do, there has to be a way to have it do so.
    fn can_go_by(&self, proxy: &QNetworkProxy) -> bool {
        !self.is_for_datagrams() || proxy.proxy_type() == ProxyType::Socks5
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

    /// Finds the way of a socket that is to be bound. Those for datagrams are by a proxy; others cannot be, as
    /// what would be bound there could not connect.
    pub(super) fn find_route_for_binding(&self, port: u16) -> Result<(), SocketError> {
        match self.route_to("", port) {
            Route::Direct => {
                self.route.take();
                Ok(())
            }
            Route::By(proxy) if self.is_for_datagrams() && self.can_go_by(&proxy) => {
                self.route.replace(Some(proxy));
                Ok(())
            }
            Route::By(_) if !self.is_for_datagrams() => {
                let error = SocketError::unsupported();
                self.set_error(&error);
                self.emit_error();
                Err(error)
            }
            Route::By(_) | Route::None => {
                let error = not_supported();
                self.set_error(&error);
                Err(error)
            }
        }
    }

    /// Waits until the proxy has said where it takes datagrams, as Qt does: who has bound or connected a socket for
    /// datagrams may write at once.
    pub(super) fn wait_for_relay(&self, engine: &Rc<dyn Engine>) {
        let deadline = QDeadlineTimer::from(RELAY_TIMEOUT);
        while self.state.get() == SocketState::Connecting && self.has_engine(engine) {
            let progress = wait_for_progress(engine, deadline);
            self.on_progress(engine, progress);
        }
    }

    /// The same for a socket that is being bound.
    pub(super) fn bind_to_relay(&self, engine: &Rc<dyn Engine>) -> Result<(), SocketError> {
        let deadline = QDeadlineTimer::from(RELAY_TIMEOUT);
        let mut progress = engine.finish_connecting();
        loop {
            progress = match progress {
                Ok(Progress::Connected) => return Ok(()),
                Ok(Progress::Connecting) => wait_for_progress(engine, deadline),
                Ok(Progress::Asks) => {
                    if let Some(question) = engine.question() {
                        self.proxy_authentication_required.emit(question);
                    }
                    if !self.has_engine(engine) || self.state.get() != SocketState::Unconnected {
                        let text = "The socket was used otherwise when it was to be bound";
                        return Err(SocketError::new(SocketErrorKind::Operation, text));
                    }
                    engine.answered()
                }
                Err(error) => {
                    self.release_engine();
                    self.set_error(&error);
                    self.emit_error();
                    return Err(error);
                }
            };
        }
    }

    /// The connection to the proxy is gone, and with it whatever it relays.
    pub(super) fn on_relay_lost(&self, error: &SocketError) {
        if self.state.get() != SocketState::Bound {
            self.on_remote_close(error);
            return;
        }
        self.release_engine();
        self.ends.take();
        self.set_error(error);
        self.change_state(SocketState::Unconnected);
        self.emit_error();
    }

    /// An engine that goes by a proxy.
    pub(super) fn proxy_engine(&self, proxy: QNetworkProxy) -> Rc<dyn Engine> {
        let (dispatcher, source) = (self.life().dispatcher(), self.source());
        let open = |kind| {
            let (dispatcher, source) = (dispatcher.clone(), source.clone());
            Box::new(move |protocol| {
                let engine = NativeEngine::open(&dispatcher, source.clone(), kind, protocol)?;
                let engine: Rc<dyn Engine> = Rc::new(engine);
                Ok(engine)
            })
        };
        let by = ProxyEngine::new(dispatcher, source.clone(), proxy, open(SocketType::Tcp));
        match self.socket_type {
            SocketType::Udp => Rc::new(RelayEngine::new(by, open(SocketType::Udp))),
            _ => Rc::new(by),
        }
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
        let engine = self.engine().unwrap_or_else(|| self.proxy_engine(proxy));
        match engine.connect_by_name(host_name, self.port.get()) {
            Ok(progress) => self.begin_with(engine, progress),
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

/// What has become of connecting when the engine is ready for something.
fn wait_for_progress(
    engine: &Rc<dyn Engine>,
    deadline: QDeadlineTimer,
) -> Result<Progress, SocketError> {
    let Some(ready) = engine.wait(deadline) else {
        let text = "Network operation timed out";
        return Err(SocketError::new(SocketErrorKind::SocketTimeout, text));
    };
    engine.note(ready);
    engine.finish_connecting()
}

fn not_supported() -> SocketError {
    let kind = SocketErrorKind::UnsupportedSocketOperation;
    SocketError::new(kind, "Operation on socket is not supported")
}
