//! Listening through a proxy.

use std::{
    cell::{Cell, RefCell},
    os::fd::OwnedFd,
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{
    Dispatcher, QDeadlineTimer, TimerType,
    event_loop::{EventSource, Readiness, Registration, TimerHandler, TimerId},
};
use socket2::Type;

use crate::{
    address::QHostAddress,
    engine::{Engine, NativeEngine, Progress, ProxyEngine, Stage},
    proxy::QNetworkProxy,
    socket::{SocketError, SocketType},
    sys::{self, Socket},
};

/// How long `listen()` blocks while it waits for the proxy.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the proxy may take to listen for the next connection.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The first and the longest interval between retries when the proxy fails to listen again.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// A proxy that listens for the server.
///
/// A proxy listens for one connection only. Its client's data then comes through the server's
/// connection to the proxy, so the server opens another connection to the proxy for the next
/// client. It asks for the same port again, and for any port if the proxy refuses that one.
pub(super) struct ProxyListener {
    dispatcher: Rc<Dispatcher>,
    source: Weak<dyn EventSource>,
    timer_handler: Weak<dyn TimerHandler>,
    /// Makes the loop call the server.
    wake: Registration,
    proxy: QNetworkProxy,
    wanted: (QHostAddress, u16),
    place: RefCell<(QHostAddress, u16)>,
    engine: RefCell<Option<Rc<ProxyEngine>>>,
    /// The deadline for the proxy to listen again, and its timer.
    until: Cell<Option<(TimerId, QDeadlineTimer)>>,
    /// Whether the current request asks for the port that the proxy gave before.
    keeps_port: Cell<bool>,
    retry: Cell<Duration>,
}

/// A client that has connected to the proxy.
pub(super) struct ProxiedConnection(Rc<ProxyEngine>);

impl ProxyListener {
    /// Makes the proxy listen, and waits until it does.
    pub(super) fn open<S: EventSource + TimerHandler + 'static>(
        dispatcher: &Rc<Dispatcher>,
        server: &Weak<S>,
        proxy: QNetworkProxy,
        address: &QHostAddress,
        port: u16,
    ) -> Result<Self, SocketError> {
        let listener = ProxyListener {
            wake: dispatcher.add_source(server.clone()),
            dispatcher: dispatcher.clone(),
            source: server.clone(),
            timer_handler: server.clone(),
            proxy,
            wanted: (address.clone(), port),
            place: RefCell::default(),
            engine: RefCell::default(),
            until: Cell::new(None),
            keeps_port: Cell::new(false),
            retry: Cell::new(RETRY),
        };
        let engine = listener.request(port)?;
        engine.wait_for_answer(LISTEN_TIMEOUT.into())?;
        listener.place.replace(engine.local_address().unwrap_or_default());
        listener.engine.replace(Some(engine));
        Ok(listener)
    }

    /// Sends the proxy a request to listen.
    fn request(&self, port: u16) -> Result<Rc<ProxyEngine>, SocketError> {
        let source = self.source.clone();
        let (dispatcher, below_source) = (self.dispatcher.clone(), source.clone());
        let open = Box::new(move |protocol| {
            let (source, kind) = (below_source.clone(), SocketType::Tcp);
            let engine: Rc<dyn Engine> =
                Rc::new(NativeEngine::open(&dispatcher, source, kind, protocol)?);
            Ok(engine)
        });
        let engine = ProxyEngine::new(&self.dispatcher, source, self.proxy.clone(), open);
        engine.listen(&self.wanted.0, port)?;
        Ok(Rc::new(engine))
    }

    fn engine(&self) -> Option<Rc<ProxyEngine>> {
        self.engine.borrow().clone()
    }

    /// Asks the proxy to listen for the next connection.
    fn listen_again(&self, port: u16) -> Result<Rc<ProxyEngine>, SocketError> {
        let engine = self.request(port)?;
        self.keeps_port.set(port != self.wanted.1);
        self.stop_timer();
        let id =
            self.dispatcher.start_timer(TIMEOUT, TimerType::Coarse, self.timer_handler.clone());
        self.until.set(Some((id, QDeadlineTimer::from(TIMEOUT))));
        self.engine.replace(Some(engine.clone()));
        Ok(engine)
    }

    fn stop_timer(&self) {
        if let Some((id, _)) = self.until.take() {
            self.dispatcher.stop_timer(id);
        }
    }

    /// Returns the client that has connected to the proxy, if there is one.
    pub(super) fn accept(&self) -> Result<Option<ProxiedConnection>, SocketError> {
        loop {
            let engine = match self.engine() {
                Some(engine) => engine,
                None => {
                    let port = self.place.borrow().1;
                    self.listen_again(port)?
                }
            };
            match engine.finish_connecting() {
                Ok(Progress::Connecting) => return Ok(None),
                Ok(Progress::Connected) if engine.stage() == Stage::Bound => {
                    self.stop_timer();
                    self.retry.set(RETRY);
                    self.place.replace(engine.local_address().unwrap_or_default());
                }
                Ok(Progress::Connected) => {
                    self.engine.take();
                    return Ok(Some(ProxiedConnection(engine)));
                }
                Ok(Progress::Asks) => {
                    // A server cannot ask for credentials. This call returns the resulting error.
                    let error = engine.answered().err();
                    self.give_up(error.unwrap_or_else(SocketError::unknown))?;
                }
                Err(error) => self.give_up(error)?,
            }
        }
    }

    /// Handles a proxy that does not listen. If the request was for the previous port, asks for any
    /// port.
    fn give_up(&self, error: SocketError) -> Result<(), SocketError> {
        let was_asked = self.until.get().is_some();
        self.stop_timer();
        self.engine.take();
        if was_asked && self.keeps_port.replace(false) {
            return self.listen_again(self.wanted.1).map(drop);
        }
        Err(error)
    }

    /// Returns an error if this timer was the deadline for the proxy.
    pub(super) fn timer_due(&self, id: TimerId) -> Option<SocketError> {
        self.until.get().filter(|until| until.0 == id)?;
        self.stop_timer();
        let engine = self.engine.take()?;
        Some(engine.timed_out().err().unwrap_or_else(SocketError::timed_out))
    }

    /// Returns how long to wait before the next retry. The interval doubles each time.
    pub(super) fn next_retry(&self) -> Duration {
        let retry = self.retry.get();
        self.retry.set((retry * 2).min(LONGEST_RETRY));
        retry
    }

    /// Waits without a loop until there is something to [note](Self::note).
    pub(super) fn wait(&self, deadline: QDeadlineTimer) -> Waited {
        let until = self.until.get();
        let first = until.map_or(deadline, |until| until.1.min(deadline));
        let Some(engine) = self.engine() else { return Waited::Ready(Readiness::empty()) };
        match (engine.wait(first), until) {
            (Some(ready), _) => Waited::Ready(ready),
            (None, Some((id, until))) if until.has_expired() => Waited::Timer(id),
            (None, _) => Waited::InVain,
        }
    }

    pub(super) fn note(&self, ready: Readiness) {
        if let Some(engine) = self.engine() {
            engine.note(ready);
        }
    }

    pub(super) fn requeue(&self) {
        self.wake.requeue(Readiness::empty());
    }

    pub(super) fn place(&self) -> (QHostAddress, u16) {
        self.place.borrow().clone()
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.engine().map_or(-1, |engine| engine.descriptor())
    }
}

/// The result of waiting.
pub(super) enum Waited {
    Ready(Readiness),
    /// A timer is due.
    Timer(TimerId),
    InVain,
}

impl ProxiedConnection {
    /// Converts the connection to an engine that reports to another source.
    pub(super) fn into_engine(
        self,
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
    ) -> Result<Rc<dyn Engine>, SocketError> {
        let (socket, stage) = (self.release()?, Stage::Connected);
        let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
        let kind = Type::STREAM;
        let below = NativeEngine::take(dispatcher, source.clone(), kind, socket, stage, peer)?;
        Ok(Rc::new(ProxyEngine::accepted(dispatcher, source, Rc::new(below), &self.0)))
    }

    /// Converts the connection to a descriptor for the program's handler.
    pub(super) fn into_descriptor(self) -> Result<OwnedFd, SocketError> {
        let socket = self.release()?;
        socket.set_nonblocking(false).map_err(|error| sys::other_error(&error))?;
        Ok(socket.into())
    }

    fn release(&self) -> Result<Socket, SocketError> {
        self.0.release().ok_or_else(SocketError::remote_host_closed)
    }
}

impl Drop for ProxyListener {
    fn drop(&mut self) {
        self.stop_timer();
    }
}
