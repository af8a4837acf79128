//! An attempt to connect: the host, its addresses, and the time for each of them.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Weak,
    time::Duration,
};

use qcore::{
    QDeadlineTimer, TimerType,
    event_loop::{Dispatcher, TimerHandler, TimerId},
};

use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    host_info::{LookupId, QHostInfo},
};

/// How long connecting to one address may take by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How far the attempt has come.
#[derive(Clone, Copy, Default)]
enum Step {
    #[default]
    Idle,
    /// The host's name is being looked up; this is the number of the look-up.
    LookingUp(LookupId),
    /// The addresses are known, and none has been tried.
    Found,
    /// One address at least has been tried, or the proxy was given the name.
    Trying,
}

/// The host that a socket connects to, or was last connected to, and its addresses that were not
/// tried yet. A socket that a server accepts never connects, so everything is boxed.
#[derive(Default)]
pub(crate) struct Attempt(OnceCell<Box<Parts>>);

struct Parts {
    host_name: RefCell<Box<str>>,
    /// The name that was set by `set_peer_name()`; empty if none was.
    peer_name: RefCell<Box<str>>,
    port: Cell<u16>,
    protocol: Cell<NetworkLayerProtocol>,
    /// The addresses that have not been tried yet, the next one last.
    addresses: RefCell<Vec<QHostAddress>>,
    step: Cell<Step>,
    /// Limits the time for the address that is being tried.
    timer: Cell<Option<TimerId>>,
}

impl Default for Parts {
    fn default() -> Self {
        Parts {
            host_name: RefCell::default(),
            peer_name: RefCell::default(),
            port: Cell::new(0),
            protocol: Cell::new(NetworkLayerProtocol::AnyIP),
            addresses: RefCell::default(),
            step: Cell::default(),
            timer: Cell::new(None),
        }
    }
}

impl Attempt {
    fn parts(&self) -> &Parts {
        self.0.get_or_init(Box::default)
    }

    fn set_step(&self, step: Step) {
        self.parts().step.set(step);
    }

    /// Begins an attempt. Of the host's addresses, only those of `protocol` will be tried.
    pub(crate) fn begin(&self, host_name: String, port: u16, protocol: NetworkLayerProtocol) {
        self.cancel_lookup();
        let parts = self.parts();
        parts.host_name.replace(host_name.into());
        parts.port.set(port);
        parts.protocol.set(protocol);
    }

    /// Returns the host of the last attempt. It outlasts the connection.
    pub(crate) fn host_name(&self) -> String {
        self.0.get().map_or_else(String::new, |parts| parts.host_name.borrow().to_string())
    }

    /// Takes over the host's name with the connection that another socket has made.
    pub(crate) fn set_host_name(&self, host_name: Box<str>) {
        if !host_name.is_empty() || self.0.get().is_some() {
            self.parts().host_name.replace(host_name);
        }
    }

    /// Returns the name that was set for the peer, or else the host of the last attempt.
    pub(crate) fn peer_name(&self) -> String {
        let Some(parts) = self.0.get() else { return String::new() };
        let name = parts.peer_name.borrow();
        if name.is_empty() { parts.host_name.borrow().to_string() } else { name.to_string() }
    }

    /// Sets the peer's name. An empty name means that none is set.
    pub(crate) fn set_peer_name(&self, name: String) {
        if !name.is_empty() || self.0.get().is_some() {
            self.parts().peer_name.replace(name.into());
        }
    }

    /// Forgets the name that was set for the peer, and returns it.
    pub(crate) fn take_peer_name(&self) -> String {
        self.0.get().map_or_else(String::new, |parts| parts.peer_name.take().into())
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.get().map_or(0, |parts| parts.port.get())
    }

    // ---- the look-up

    /// Records that the look-up with this number has begun.
    pub(crate) fn looks_up(&self, lookup: LookupId) {
        self.set_step(Step::LookingUp(lookup));
    }

    /// Records that the look-up has been answered.
    pub(crate) fn looked_up(&self) {
        if let Some(parts) = self.0.get()
            && let Step::LookingUp(_) = parts.step.get()
        {
            parts.step.set(Step::Idle);
        }
    }

    /// Cancels the look-up, if there is one.
    pub(crate) fn cancel_lookup(&self) {
        if let Some(parts) = self.0.get()
            && let Step::LookingUp(lookup) = parts.step.get()
        {
            parts.step.set(Step::Idle);
            QHostInfo::abort_host_lookup(lookup);
        }
    }

    // ---- the addresses

    /// Takes the host's addresses that are to be tried. Returns whether there are any.
    pub(crate) fn take_addresses(&self, info: &QHostInfo) -> bool {
        let mut addresses = self.wanted_addresses(info);
        addresses.reverse();
        let any = !addresses.is_empty();
        if any {
            self.set_step(Step::Found);
        }
        self.parts().addresses.replace(addresses);
        any
    }

    /// Returns the host's addresses that are to be tried, in their order.
    pub(crate) fn wanted_addresses(&self, info: &QHostInfo) -> Vec<QHostAddress> {
        let wanted = |address: &&QHostAddress| match self.parts().protocol.get() {
            protocol @ (NetworkLayerProtocol::IPv4 | NetworkLayerProtocol::IPv6) => {
                address.protocol() == protocol
            }
            _ => true,
        };
        info.addresses().iter().filter(wanted).cloned().collect()
    }

    /// Takes all addresses, in their order.
    pub(crate) fn take_all_addresses(&self) -> Vec<QHostAddress> {
        let mut addresses = self.parts().addresses.take();
        addresses.reverse();
        addresses
    }

    /// Records that addresses were found, and none has been tried.
    pub(crate) fn found(&self) {
        self.set_step(Step::Found);
    }

    /// Returns whether addresses were found, and none has been tried.
    pub(crate) fn has_found(&self) -> bool {
        self.0.get().is_some_and(|parts| matches!(parts.step.get(), Step::Found))
    }

    /// Records that an address is being tried.
    pub(crate) fn tries(&self) {
        self.set_step(Step::Trying);
    }

    /// Takes the next address that is to be tried.
    pub(crate) fn next_address(&self) -> Option<QHostAddress> {
        self.set_step(Step::Trying);
        self.parts().addresses.borrow_mut().pop()
    }

    /// Records that the proxy gets the name, so that there is no address to try.
    pub(crate) fn give_name_to_proxy(&self) {
        self.forget_addresses();
        self.set_step(Step::Trying);
    }

    /// Returns whether an address has been tried, or the proxy was given the name.
    pub(crate) fn is_trying(&self) -> bool {
        self.0.get().is_some_and(|parts| matches!(parts.step.get(), Step::Trying))
    }

    pub(crate) fn forget_addresses(&self) {
        if let Some(parts) = self.0.get() {
            parts.addresses.take();
        }
    }

    // ---- the time for one address

    /// Starts the time limit for the address that is being tried: 30 seconds, or `limit`.
    pub(crate) fn start_timer(
        &self,
        limit: Option<Duration>,
        dispatcher: &Dispatcher,
        handler: Weak<dyn TimerHandler>,
    ) {
        self.stop_timer(dispatcher);
        // The program's limit must not expire early.
        let (limit, precision) = match limit {
            Some(limit) => (limit, TimerType::Precise),
            None => (CONNECT_TIMEOUT, TimerType::Coarse),
        };
        let id = dispatcher.start_timer(limit, precision, handler);
        self.parts().timer.set(Some(id));
    }

    pub(crate) fn stop_timer(&self, dispatcher: &Dispatcher) {
        if let Some(id) = self.0.get().and_then(|parts| parts.timer.take()) {
            dispatcher.stop_timer(id);
        }
    }

    /// Returns whether this is the attempt's timer.
    pub(crate) fn is_timer(&self, id: TimerId) -> bool {
        self.0.get().is_some_and(|parts| parts.timer.get() == Some(id))
    }

    /// Returns when the time limit for this address expires.
    pub(crate) fn deadline(&self, dispatcher: &Dispatcher) -> QDeadlineTimer {
        let timer = self.0.get().and_then(|parts| parts.timer.get());
        let left = timer.and_then(|id| dispatcher.remaining_time(id));
        left.map_or(QDeadlineTimer::forever(), QDeadlineTimer::from)
    }
}
