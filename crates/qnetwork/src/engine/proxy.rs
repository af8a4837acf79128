//! [`ProxyEngine`]: the engine that connects through a proxy.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io::IoSlice,
    rc::{Rc, Weak},
};

use qcore::{
    Dispatcher, QDeadlineTimer,
    event_loop::{EventSource, Readiness, Registration},
};

use super::api::{Engine, Outcome, Progress, Stage, read_zeroed};
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    auth::QAuthenticator,
    common::{SocketError, SocketErrorKind, SocketOption},
    host_info::{self, Lookup, LookupId, QHostInfo},
    proxy::{Command, Handshake, Http, Next, ProxyType, QNetworkProxy, Socks5, Target},
    sys::Socket,
};

/// How many bytes of the proxy's replies to read at once.
const PIECE: usize = 4096;

/// Creates the engine for the connection to the proxy.
type Open = Box<dyn Fn(NetworkLayerProtocol) -> Result<Rc<dyn Engine>, SocketError>>;

/// Connects to a proxy through another engine and does the handshake. After that it passes data
/// through unchanged.
///
/// It does not call the socket above it. If the proxy asks for credentials, connecting returns
/// [`Progress::Asks`] and continues when the socket reports that the program has answered.
///
/// It can also have the proxy [listen](ProxyEngine::listen) or [relay
/// datagrams](ProxyEngine::associate). Connecting then finishes when the proxy has reported the
/// address at which it listens or relays.
pub(crate) struct ProxyEngine {
    proxy: QNetworkProxy,
    open: Open,
    below: RefCell<Option<Rc<dyn Engine>>>,
    talk: RefCell<Option<Box<dyn Handshake>>>,
    stage: Cell<Stage>,
    lookup: Rc<ProxyLookup>,
    addresses: RefCell<VecDeque<QHostAddress>>,
    /// An error that the loop is to report.
    failed: RefCell<Option<SocketError>>,
    /// The bytes received but not processed. Once connected they come from the host.
    input: RefCell<Vec<u8>>,
    output: RefCell<Vec<u8>>,
    asks: Cell<bool>,
    local: RefCell<Option<(QHostAddress, u16)>>,
    peer: RefCell<Option<(QHostAddress, u16)>>,
}

/// The look-up of the proxy's name.
struct ProxyLookup {
    /// Makes the loop call the socket while there is no engine below that would.
    wake: Registration,
    id: Cell<Option<LookupId>>,
    answer: RefCell<Option<QHostInfo>>,
}

impl ProxyEngine {
    pub(crate) fn new(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        proxy: QNetworkProxy,
        open: Open,
    ) -> Self {
        ProxyEngine {
            proxy,
            open,
            below: RefCell::new(None),
            talk: RefCell::new(None),
            stage: Cell::new(Stage::Unconnected),
            lookup: Rc::new(ProxyLookup {
                wake: dispatcher.add_source(source),
                id: Cell::new(None),
                answer: RefCell::default(),
            }),
            addresses: RefCell::default(),
            failed: RefCell::default(),
            input: RefCell::default(),
            output: RefCell::default(),
            asks: Cell::new(false),
            local: RefCell::default(),
            peer: RefCell::default(),
        }
    }

    /// Creates an engine for the connection that a listening proxy has accepted.
    pub(crate) fn accepted(
        dispatcher: &Rc<Dispatcher>,
        source: Weak<dyn EventSource>,
        below: Rc<dyn Engine>,
        listener: &ProxyEngine,
    ) -> Self {
        let open = Box::new(|_| Err(SocketError::unsupported()));
        let engine = Self::new(dispatcher, source, listener.proxy.clone(), open);
        engine.below.replace(Some(below));
        engine.stage.set(Stage::Connected);
        engine.local.replace(listener.local.borrow().clone());
        engine.peer.replace(listener.peer.borrow().clone());
        engine
    }

    /// Begins to ask the proxy to listen for one connection. It listens once the
    /// [stage](Engine::stage) is [`Bound`](Stage::Bound). A peer has connected once the stage is
    /// [`Connected`](Stage::Connected).
    pub(crate) fn listen(&self, address: &QHostAddress, port: u16) -> Result<(), SocketError> {
        self.request(Command::Bind, address, port)
    }

    /// Begins to ask the proxy to relay datagrams for a client that sends them from `address`. It
    /// relays once the [stage](Engine::stage) is [`Connected`](Stage::Connected), as long as the
    /// connection lasts.
    pub(crate) fn associate(&self, address: &QHostAddress, port: u16) -> Result<(), SocketError> {
        self.request(Command::Associate, address, port)
    }

    fn request(
        &self,
        command: Command,
        address: &QHostAddress,
        port: u16,
    ) -> Result<(), SocketError> {
        if self.proxy.proxy_type() != ProxyType::Socks5 {
            return Err(SocketError::unsupported());
        }
        let any = &QHostAddress::AnyIPv4;
        let is_any = address.is_null() || *address == QHostAddress::Any;
        let address = if is_any { any } else { address }.clone();
        self.begin(command, Target::Address(address, port));
        Ok(())
    }

    /// Waits without an event loop until the proxy has answered the request. No program can be
    /// asked for credentials meanwhile.
    pub(crate) fn wait_for_answer(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        let mut progress = self.finish_connecting()?;
        loop {
            progress = match progress {
                Progress::Connected => return Ok(()),
                Progress::Asks => self.answered()?,
                Progress::Connecting => match self.wait(deadline) {
                    Some(ready) => {
                        self.note(ready);
                        self.finish_connecting()?
                    }
                    None => {
                        self.cancel_lookup();
                        let text = "Network operation timed out";
                        let error = SocketError::new(SocketErrorKind::SocketTimeout, text);
                        return Err(self.over(error));
                    }
                },
            };
        }
    }

    /// Returns the address of the proxy itself, once connected.
    pub(crate) fn proxy_address(&self) -> Option<QHostAddress> {
        Some(self.below()?.peer_address()?.0)
    }

    /// Returns the error for a connection to the proxy that has ended.
    pub(crate) fn told(&self, error: &SocketError) -> SocketError {
        let anywhere = Target::Address(QHostAddress::new(), 0);
        Socks5::new(&self.proxy, Command::Connect, anywhere).failed_to_connect(error)
    }

    fn below(&self) -> Option<Rc<dyn Engine>> {
        self.below.borrow().clone()
    }

    fn begin(&self, command: Command, target: Target) -> Progress {
        let talk: Box<dyn Handshake> = match self.proxy.proxy_type() {
            ProxyType::Socks5 => Box::new(Socks5::new(&self.proxy, command, target)),
            _ => Box::new(Http::new(&self.proxy, &target)),
        };
        self.talk.replace(Some(talk));
        self.stage.set(Stage::Connecting);
        self.connect_to_proxy();
        Progress::Connecting
    }

    fn wake(&self) {
        self.lookup.wake.requeue(Readiness::empty());
    }

    // ---- connecting to the proxy

    fn connect_to_proxy(&self) {
        self.below.take();
        self.input.take();
        self.output.take();
        match Lookup::begin_for_address(self.proxy.host_name()) {
            Lookup::Answer(info) => {
                self.lookup.answer.replace(Some(info));
                self.on_found();
            }
            Lookup::Ask => {
                let weak = Rc::downgrade(&self.lookup);
                let answer = move |info| {
                    if let Some(lookup) = weak.upgrade() {
                        lookup.id.set(None);
                        lookup.answer.replace(Some(info));
                        lookup.wake.requeue(Readiness::empty());
                    }
                };
                let id = host_info::ask(self.proxy.host_name(), Box::new(answer));
                self.lookup.id.set(Some(id));
            }
        }
    }

    /// Continues after the look-up of the proxy's name.
    fn on_found(&self) {
        let Some(info) = self.lookup.answer.take() else { return };
        if info.error().is_some() || info.addresses().is_empty() {
            return self.fail_later(&SocketError::host_not_found());
        }
        self.addresses.replace(info.addresses().iter().cloned().collect());
        self.try_next_address(SocketError::host_not_found());
    }

    /// Tries the proxy's remaining addresses. If none is left, reports `error`, the last failure.
    fn try_next_address(&self, mut error: SocketError) {
        loop {
            let Some(address) = self.addresses.borrow_mut().pop_front() else {
                return self.fail_later(&error);
            };
            let connected = (self.open)(address.protocol()).and_then(|below| {
                let progress = below.connect(&address, self.proxy.port())?;
                Ok((below, progress))
            });
            match connected {
                Ok((below, progress)) => {
                    self.below.replace(Some(below));
                    if progress == Progress::Connected {
                        // The loop starts the handshake.
                        self.on_proxy_connected();
                        self.wake();
                    }
                    return;
                }
                Err(failed) => error = failed,
            }
        }
    }

    fn on_proxy_connected(&self) {
        self.addresses.take();
        if let Some(talk) = &mut *self.talk.borrow_mut()
            && let Next::Send(bytes) = talk.begin()
        {
            self.output.borrow_mut().extend_from_slice(&bytes);
        }
    }

    /// Makes the loop report that connecting has failed. The call that started it does not report
    /// this.
    fn fail_later(&self, error: &SocketError) {
        let told = match &*self.talk.borrow() {
            Some(talk) => talk.failed_to_connect(error),
            None => error.clone(),
        };
        self.failed.replace(Some(told));
        self.wake();
    }

    // ---- the handshake

    fn talk(&self) -> Result<Progress, SocketError> {
        loop {
            let Some(below) = self.below() else { return self.failure() };
            let more = !self.output.borrow().is_empty() && below.is_writable();
            if more {
                self.send(&below)?;
                continue;
            }
            let next = self.feed();
            match next {
                Next::More => {}
                next => match self.follow(next)? {
                    Some(progress) => return Ok(progress),
                    None => continue,
                },
            }
            if !below.is_readable() {
                return Ok(Progress::Connecting);
            }
            let mut piece = [0; PIECE];
            let room = self.wants().min(PIECE);
            match below.read(&mut piece[..room]) {
                Outcome::Moved(count) => self.input.borrow_mut().extend_from_slice(&piece[..count]),
                Outcome::WouldBlock => return Ok(Progress::Connecting),
                Outcome::Failed(error) => return Err(self.lost(&error)),
            }
        }
    }

    fn send(&self, below: &Rc<dyn Engine>) -> Result<(), SocketError> {
        let outcome = below.write(&[IoSlice::new(&self.output.borrow())]);
        match outcome {
            Outcome::Moved(count) => drop(self.output.borrow_mut().drain(..count)),
            Outcome::WouldBlock => {}
            Outcome::Failed(error) => {
                // The proxy may have sent the reason before it closed.
                self.output.take();
                below.close_failed();
                if !below.is_readable() {
                    return Err(self.lost(&error));
                }
            }
        }
        Ok(())
    }

    fn feed(&self) -> Next {
        let mut talk = self.talk.borrow_mut();
        let Some(talk) = &mut *talk else { return Next::More };
        let mut input = self.input.borrow_mut();
        let (used, next) = talk.feed(&input);
        input.drain(..used);
        next
    }

    /// Returns how many bytes of the proxy's replies to read at once.
    fn wants(&self) -> usize {
        let input = self.input.borrow();
        self.talk.borrow().as_ref().map_or(PIECE, |talk| talk.wants(&input))
    }

    fn follow(&self, next: Next) -> Result<Option<Progress>, SocketError> {
        match next {
            Next::More => Ok(None),
            Next::Send(bytes) => {
                self.output.borrow_mut().extend_from_slice(&bytes);
                Ok(None)
            }
            Next::Ask => {
                self.asks.set(true);
                Ok(Some(Progress::Asks))
            }
            Next::Reconnect => {
                self.connect_to_proxy();
                Ok(Some(Progress::Connecting))
            }
            Next::Connected(local) => {
                self.talk.take();
                self.stage.set(Stage::Connected);
                self.local.replace(local);
                Ok(Some(Progress::Connected))
            }
            Next::Listening(address, port) => {
                self.stage.set(Stage::Bound);
                self.local.replace(Some((address, port)));
                Ok(Some(Progress::Connected))
            }
            Next::Accepted(address, port) => {
                self.talk.take();
                self.stage.set(Stage::Connected);
                self.peer.replace(Some((address, port)));
                Ok(Some(Progress::Connected))
            }
            Next::Failed(error) => Err(self.over(error)),
        }
    }

    /// Handles the loss of the connection to the proxy.
    fn lost(&self, error: &SocketError) -> SocketError {
        let told = match &mut *self.talk.borrow_mut() {
            Some(talk) if *error == SocketError::remote_host_closed() => talk.closed(),
            Some(talk) => talk.failed_to_connect(error),
            None => error.clone(),
        };
        self.over(told)
    }

    fn over(&self, error: SocketError) -> SocketError {
        self.below.take();
        self.stage.set(Stage::Unconnected);
        error
    }

    fn failure(&self) -> Result<Progress, SocketError> {
        let failed = self.failed.take();
        match failed {
            Some(error) => Err(self.over(error)),
            None => Ok(Progress::Connecting),
        }
    }

    fn cancel_lookup(&self) {
        if let Some(id) = self.lookup.id.take() {
            QHostInfo::abort_host_lookup(id);
        }
    }
}

impl Engine for ProxyEngine {
    fn stage(&self) -> Stage {
        self.stage.get()
    }

    fn bind(&self, _: &QHostAddress, _: u16, _: Option<bool>) -> Result<(), SocketError> {
        Err(SocketError::unsupported())
    }

    fn connect(&self, address: &QHostAddress, port: u16) -> Result<Progress, SocketError> {
        self.peer.replace(Some((address.clone(), port)));
        Ok(self.begin(Command::Connect, Target::Address(address.clone(), port)))
    }

    fn connect_by_name(&self, name: &str, port: u16) -> Result<Progress, SocketError> {
        // As in Qt: only the proxy knows the address.
        self.peer.replace(Some((QHostAddress::new(), port)));
        match host_info::ace::to_ace(name) {
            Some(name) => Ok(self.begin(Command::Connect, Target::Name(name, port))),
            None => {
                self.stage.set(Stage::Connecting);
                self.fail_later(&SocketError::host_not_found());
                Ok(Progress::Connecting)
            }
        }
    }

    fn finish_connecting(&self) -> Result<Progress, SocketError> {
        // The slot that was asked for credentials may run a loop.
        if self.asks.get() {
            return Ok(Progress::Connecting);
        }
        if self.lookup.id.get().is_some() {
            return Ok(Progress::Connecting);
        }
        self.on_found();
        if self.failed.borrow().is_some() {
            return self.failure();
        }
        let Some(below) = self.below() else { return Ok(Progress::Connecting) };
        if below.stage() != Stage::Connected {
            match below.finish_connecting() {
                Ok(Progress::Connected) => self.on_proxy_connected(),
                Ok(_) => return Ok(Progress::Connecting),
                Err(error) => {
                    self.below.take();
                    self.try_next_address(error);
                    return Ok(Progress::Connecting);
                }
            }
        }
        self.talk()
    }

    fn question(&self) -> Option<(QNetworkProxy, QAuthenticator)> {
        let talk = self.talk.borrow();
        let authenticator = talk.as_ref()?.authenticator();
        self.asks.get().then(|| (self.proxy.clone(), authenticator))
    }

    fn answered(&self) -> Result<Progress, SocketError> {
        self.asks.set(false);
        let next = self.talk.borrow_mut().as_mut().map_or(Next::More, |talk| talk.answered());
        match self.follow(next)? {
            Some(progress) => Ok(progress),
            None => self.finish_connecting(),
        }
    }

    fn timed_out(&self) -> Result<Progress, SocketError> {
        self.cancel_lookup();
        let error = SocketError::timed_out();
        let connects = self.below().is_some_and(|below| below.stage() != Stage::Connected);
        self.below.take();
        if connects && !self.addresses.borrow().is_empty() {
            self.try_next_address(error);
            return Ok(Progress::Connecting);
        }
        Err(self.lost(&error))
    }

    fn note(&self, ready: Readiness) {
        if let Some(below) = self.below() {
            below.note(ready);
        }
    }

    fn is_readable(&self) -> bool {
        !self.input.borrow().is_empty() || self.below().is_some_and(|below| below.is_readable())
    }

    fn is_writable(&self) -> bool {
        self.below().is_some_and(|below| below.is_writable())
    }

    fn read(&self, data: &mut [u8]) -> Outcome {
        let mut input = self.input.borrow_mut();
        if !input.is_empty() {
            let count = input.len().min(data.len());
            data[..count].copy_from_slice(&input[..count]);
            input.drain(..count);
            if input.is_empty() {
                // An empty buffer is not kept.
                *input = Vec::new();
            }
            return Outcome::Moved(count);
        }
        drop(input);
        match self.below() {
            Some(below) => below.read(data),
            None => Outcome::Failed(SocketError::remote_host_closed()),
        }
    }

    fn read_to(&self, buffer: &mut Vec<u8>, room: usize) -> Outcome {
        match self.below() {
            Some(below) if self.input.borrow().is_empty() => below.read_to(buffer, room),
            _ => read_zeroed(buffer, room, |data| self.read(data)),
        }
    }

    fn is_negotiating(&self) -> bool {
        let is_connected = self.below().is_some_and(|below| below.stage() == Stage::Connected);
        self.stage.get() == Stage::Connecting && is_connected
    }

    fn was_reset(&self) -> bool {
        self.below().is_some_and(|below| below.was_reset())
    }

    fn has_more(&self) -> bool {
        !self.input.borrow().is_empty() || self.below().is_none_or(|below| below.has_more())
    }

    fn bytes_available(&self) -> usize {
        if self.stage.get() != Stage::Connected {
            return 0;
        }
        self.input.borrow().len() + self.below().map_or(0, |below| below.bytes_available())
    }

    fn check_connected(&self) -> Result<(), SocketError> {
        match self.below().filter(|_| self.stage.get() == Stage::Connected) {
            Some(below) => below.check_connected(),
            None => Ok(()),
        }
    }

    fn write(&self, data: &[IoSlice<'_>]) -> Outcome {
        match self.below().filter(|_| self.stage.get() == Stage::Connected) {
            Some(below) => below.write(data),
            None => Outcome::Failed(SocketError::unknown()),
        }
    }

    fn close_failed(&self) {
        if let Some(below) = self.below() {
            below.close_failed();
        }
    }

    #[cfg(feature = "tasks")]
    fn set_half_open(&self, half_open: bool) {
        if let Some(below) = self.below() {
            below.set_half_open(half_open);
        }
    }

    #[cfg(feature = "tasks")]
    fn shut_down_writing(&self) -> Result<(), SocketError> {
        match self.below().filter(|_| self.stage.get() == Stage::Connected) {
            Some(below) => below.shut_down_writing(),
            None => Err(SocketError::unknown()),
        }
    }

    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness> {
        if self.lookup.id.get().is_some() {
            // The answer would come through the loop, which is not running.
            self.cancel_lookup();
            let info = QHostInfo::from_name_until(self.proxy.host_name(), deadline)?;
            self.lookup.answer.replace(Some(info));
            return Some(Readiness::empty());
        }
        let waits = self.failed.borrow().is_some()
            || self.lookup.answer.borrow().is_some()
            || self.is_talking();
        if waits {
            return Some(Readiness::empty());
        }
        match self.below() {
            Some(below) => below.wait(deadline),
            None => Some(Readiness::empty()),
        }
    }

    fn read_again(&self) {
        match self.below() {
            Some(below) => below.read_again(),
            None => self.wake(),
        }
    }

    fn request_write(&self, early: bool) {
        if let Some(below) = self.below() {
            below.request_write(early);
        }
    }

    fn local_address(&self) -> Option<(QHostAddress, u16)> {
        let told = self.local.borrow().clone();
        told.or_else(|| self.below()?.local_address())
    }

    fn peer_address(&self) -> Option<(QHostAddress, u16)> {
        self.peer.borrow().clone()
    }

    fn descriptor(&self) -> i32 {
        self.below().map_or(-1, |below| below.descriptor())
    }

    fn set_option(&self, option: SocketOption, value: i32) {
        if let Some(below) = self.below() {
            below.set_option(option, value);
        }
    }

    fn option(&self, option: SocketOption) -> Option<i32> {
        self.below()?.option(option)
    }

    fn with_socket(&self, call: &mut dyn FnMut(&Socket)) {
        if let Some(below) = self.below() {
            below.with_socket(call);
        }
    }

    fn error(&self) -> SocketError {
        self.below().map_or_else(SocketError::unknown, |below| below.error())
    }

    fn take_input(&self) -> Vec<u8> {
        self.input.take()
    }

    fn release(&self) -> Option<Socket> {
        self.below.take()?.release()
    }
}

impl ProxyEngine {
    /// Returns whether the handshake can continue at once, by sending or by reading.
    fn is_talking(&self) -> bool {
        matches!(self.stage.get(), Stage::Connecting | Stage::Bound)
            && self.below().is_some_and(|below| {
                let says = !self.output.borrow().is_empty() && below.is_writable();
                below.stage() == Stage::Connected && (says || below.is_readable())
            })
    }
}

impl Drop for ProxyEngine {
    fn drop(&mut self) {
        self.cancel_lookup();
    }
}
