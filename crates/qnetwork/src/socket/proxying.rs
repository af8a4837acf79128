//! Choosing the proxy of a connection, and connecting through it.

use std::{rc::Rc, time::Duration};

use qcore::QDeadlineTimer;

use super::{
    node::{AbstractSocketNode, QAbstractSocket},
    state::SocketState,
};
use crate::{
    common::{SocketError, SocketErrorKind, SocketType},
    engine::{Engine, NativeEngine, Progress, ProxyEngine, RelayEngine},
    proxy::{ProxyCapabilities, ProxyQueryType, ProxyType, QNetworkProxy, Route},
};

/// How long a UDP socket blocks to wait for its proxy.
const RELAY_TIMEOUT: Duration = Duration::from_secs(5);

impl QAbstractSocket {
    /// Returns the socket's own proxy; one of the type [`Default`](ProxyType::Default) if it has
    /// none.
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
        self.proxies.own().unwrap_or_default()
    }

    /// Sets the proxy of the socket. It is used from the next connection on.
    ///
    /// * A proxy of the type [`Default`](ProxyType::Default) means the application's proxy or the
    ///   system's. With [`NoProxy`](ProxyType::NoProxy) the socket connects directly, whatever
    ///   proxy the application has.
    /// * If the proxy looks up names, the socket passes the host's name to it unchanged, and does
    ///   not emit `host_found`.
    /// * If the proxy cannot do what the socket needs, `connect_to_host` fails at once with
    ///   [`UnsupportedSocketOperation`](SocketErrorKind::UnsupportedSocketOperation).
    /// * A TCP socket with a proxy, its own or the application's, cannot be
    ///   [bound](QAbstractSocket::bind); the error is the same.
    /// * [`QUdpSocket`](crate::QUdpSocket#proxies) describes UDP sockets with a proxy.
    #[doc(alias = "setProxy")]
    pub fn set_proxy(&self, proxy: QNetworkProxy) {
        self.proxies.set_own(proxy);
    }
}

impl AbstractSocketNode {
    /// Chooses the proxy for connecting to a host, or none.
    pub(super) fn choose_proxy(&self, host_name: &str, port: u16) -> Result<(), SocketError> {
        let proxy = match self.engine() {
            // The socket is bound at its proxy.
            Some(engine) if engine.goes_by_proxy() => return Ok(()),
            // The socket is bound or taken over: it has a descriptor, and connects directly.
            Some(_) => None,
            None => match self.route_to(host_name, port) {
                Route::Direct => None,
                Route::By(proxy) if self.can_use(&proxy) => Some(proxy),
                Route::By(_) | Route::None => return Err(not_supported()),
            },
        };
        self.proxies.use_proxy(proxy);
        Ok(())
    }

    /// Returns whether this library can use the proxy for such a socket. Only SOCKS5 relays
    /// datagrams.
    fn can_use(&self, proxy: &QNetworkProxy) -> bool {
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
        self.proxies.route_to(host_name, port, kind, needs)
    }

    /// Chooses the proxy for binding the socket. UDP sockets are bound at their proxy. TCP sockets
    /// with a proxy cannot be bound, because a socket that is bound at a proxy cannot connect.
    pub(super) fn choose_proxy_for_binding(&self, port: u16) -> Result<(), SocketError> {
        match self.route_to("", port) {
            Route::Direct => {
                self.proxies.use_proxy(None);
                Ok(())
            }
            Route::By(proxy) if self.is_for_datagrams() && self.can_use(&proxy) => {
                self.proxies.use_proxy(Some(proxy));
                Ok(())
            }
            Route::By(_) if !self.is_for_datagrams() => {
                Err(self.report(SocketError::unsupported()))
            }
            Route::By(_) | Route::None => {
                let error = not_supported();
                self.set_error(&error);
                Err(error)
            }
        }
    }

    /// Waits until the proxy relays datagrams for a socket that connects. As in Qt, a program may
    /// write to a UDP socket as soon as `connect_to_host` has returned.
    pub(super) fn wait_for_relay(&self, engine: &Rc<dyn Engine>) {
        let deadline = QDeadlineTimer::from(RELAY_TIMEOUT);
        while self.current_state() == SocketState::Connecting && self.has_engine(engine) {
            let progress = wait_for_progress(engine, deadline);
            if self.has_engine(engine) {
                self.on_progress(engine, progress);
            }
        }
    }

    /// Waits until the proxy relays datagrams for a socket that is being bound.
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
                    let unconnected = self.current_state() == SocketState::Unconnected;
                    if !self.has_engine(engine) || !unconnected {
                        return Err(used_otherwise());
                    }
                    engine.answered()
                }
                Err(error) => {
                    self.release_engine();
                    return Err(self.report(error));
                }
            };
        }
    }

    /// Handles the end of the connection to the proxy, which now relays no more datagrams.
    pub(super) fn on_relay_lost(&self, error: &SocketError) {
        if self.current_state() != SocketState::Bound {
            self.on_remote_close(error);
            return;
        }
        self.release_engine();
        if self.current_state() != SocketState::Bound {
            // The program's logger has closed the socket.
            return;
        }
        self.ends.forget_addresses();
        self.set_error(error);
        self.change_state(SocketState::Unconnected);
        self.emit_error();
    }

    /// Creates an engine that uses a proxy.
    pub(super) fn proxy_engine(&self, proxy: QNetworkProxy) -> Rc<dyn Engine> {
        let (dispatcher, source) = (self.dispatcher(), self.source());
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

    /// Connects to a host whose name the proxy looks up.
    pub(super) fn connect_by_name(&self, host_name: &str) {
        self.attempt.give_name_to_proxy();
        let mark = self.closure.mark();
        self.change_state(SocketState::Connecting);
        if !self.closure.is_at(mark) || self.current_state() != SocketState::Connecting {
            // A slot has ended the attempt, and may have begun another one.
            return;
        }
        let Some(proxy) = self.proxies.used() else { return };
        let engine = self.engine().unwrap_or_else(|| self.proxy_engine(proxy));
        match engine.connect_by_name(host_name, self.attempt.port()) {
            // The program's logger has ended the attempt.
            _ if !self.closure.is_at(mark) => {}
            Ok(progress) => self.begin_with(engine, progress),
            Err(error) => self.connect_to_next_address(error),
        }
    }

    /// Stops the time for connecting while the program is asked, and continues it.
    fn set_asking(&self, is_asking: bool) {
        if !self.timeouts.are_unused() {
            self.timeouts.set_asking(is_asking);
            self.start_timeouts();
        }
    }

    /// Asks the program for the user and password that the proxy requires.
    pub(super) fn ask_for_credentials(&self, engine: &Rc<dyn Engine>) {
        let Some(question) = engine.question() else { return };
        // A slot may ask a user, who may take any time.
        self.stop_connect_timer();
        self.set_asking(true);
        self.proxy_authentication_required.emit(question);
        self.set_asking(false);
        if self.current_state() == SocketState::Connecting && self.has_engine(engine) {
            self.start_connect_timer();
            let progress = engine.answered();
            if self.has_engine(engine) {
                self.on_progress(engine, progress);
            }
        }
    }
}

/// Waits until the engine is ready for something. Returns how far it has then connected.
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

pub(super) fn used_otherwise() -> SocketError {
    let text = "The socket was used otherwise when it was to be bound";
    SocketError::new(SocketErrorKind::Operation, text)
}

fn not_supported() -> SocketError {
    let kind = SocketErrorKind::UnsupportedSocketOperation;
    SocketError::new(kind, "Operation on socket is not supported")
}
