//! Both ends of a connection: addresses, ports, the peer's name and the descriptor.

use std::cell::{Cell, RefCell};

use crate::{address::QHostAddress, engine::Engine};

/// The address and port of one end.
pub(crate) type End = (QHostAddress, u16);

/// The values that `local_address()`, `peer_port()`, `socket_descriptor()` and similar functions
/// return.
pub(crate) struct Ends {
    addresses: RefCell<Addresses>,
    /// The name that was set by `set_peer_name()`.
    peer_name: RefCell<Option<Box<str>>>,
    /// The number of the descriptor if the socket keeps it, else -1.
    ///
    /// A socket that was bound or taken over keeps its descriptor when it connects. A socket that
    /// is only trying an address does not. While the signals report the end of a connection, this
    /// is still the old number, although the descriptor is closed by then.
    descriptor: Cell<i32>,
}

/// The addresses, ports and the peer's name of a connection that is between two sockets.
#[derive(Default)]
pub(crate) struct DetachedEnds {
    addresses: Addresses,
    peer_name: Option<Box<str>>,
}

#[derive(Clone, Default)]
struct Addresses {
    local: End,
    peer: End,
}

impl Default for Ends {
    fn default() -> Self {
        Ends {
            addresses: RefCell::default(),
            peer_name: RefCell::default(),
            descriptor: Cell::new(-1),
        }
    }
}

impl Ends {
    pub(crate) fn local_address(&self) -> QHostAddress {
        self.addresses.borrow().local.0.clone()
    }

    pub(crate) fn local_port(&self) -> u16 {
        self.addresses.borrow().local.1
    }

    pub(crate) fn peer_address(&self) -> QHostAddress {
        self.addresses.borrow().peer.0.clone()
    }

    pub(crate) fn peer_port(&self) -> u16 {
        self.addresses.borrow().peer.1
    }

    pub(crate) fn set_local(&self, local: End) {
        self.addresses.borrow_mut().local = local;
    }

    pub(crate) fn set_local_address(&self, address: QHostAddress) {
        self.addresses.borrow_mut().local.0 = address;
    }

    pub(crate) fn set_local_port(&self, port: u16) {
        self.addresses.borrow_mut().local.1 = port;
    }

    pub(crate) fn set_peer_address(&self, address: QHostAddress) {
        self.addresses.borrow_mut().peer.0 = address;
    }

    pub(crate) fn set_peer_port(&self, port: u16) {
        self.addresses.borrow_mut().peer.1 = port;
    }

    /// Returns the name that was set, if any.
    pub(crate) fn peer_name(&self) -> Option<String> {
        self.peer_name.borrow().as_deref().map(str::to_owned)
    }

    /// Sets the peer's name. An empty name means that none is set.
    pub(crate) fn set_peer_name(&self, name: String) {
        self.peer_name.replace(Some(name).filter(|name| !name.is_empty()).map(Box::from));
    }

    pub(crate) fn descriptor(&self) -> i32 {
        self.descriptor.get()
    }

    /// Returns whether the socket keeps its descriptor when an attempt to connect fails.
    pub(crate) fn keeps_descriptor(&self) -> bool {
        self.descriptor.get() != -1
    }

    /// Makes the socket keep the engine's descriptor from now on.
    pub(crate) fn keep_descriptor(&self, engine: &dyn Engine) {
        self.descriptor.set(engine.descriptor());
    }

    pub(crate) fn forget_descriptor(&self) {
        self.descriptor.set(-1);
    }

    /// Takes addresses, ports and descriptor from an engine.
    pub(crate) fn learn(&self, engine: &dyn Engine) {
        let local = engine.local_address().unwrap_or_default();
        let peer = engine.peer_address().unwrap_or_default();
        self.addresses.replace(Addresses { local, peer });
        self.keep_descriptor(engine);
    }

    /// Takes everything from the inner socket of a layered one. `name` is the host that the inner
    /// socket was connected to.
    pub(crate) fn copy(&self, inner: &Ends, name: String) {
        let addresses = inner.addresses.borrow().clone();
        self.addresses.replace(addresses);
        self.set_peer_name(name);
        self.descriptor.set(inner.descriptor.get());
    }

    /// Takes everything but the descriptor, for the socket that continues the connection.
    pub(crate) fn detach(&self) -> DetachedEnds {
        DetachedEnds { addresses: self.addresses.take(), peer_name: self.peer_name.take() }
    }

    /// Takes over what another socket has detached.
    pub(crate) fn attach(&self, ends: DetachedEnds) {
        self.addresses.replace(ends.addresses);
        self.peer_name.replace(ends.peer_name);
    }

    /// Forgets the other end, as a new attempt begins.
    pub(crate) fn forget_peer(&self) {
        self.peer_name.take();
        self.addresses.borrow_mut().peer = End::default();
    }

    /// Forgets the addresses and the peer's name. The descriptor's number stays.
    pub(crate) fn forget_names(&self) {
        self.peer_name.take();
        self.forget_addresses();
    }

    pub(crate) fn forget_addresses(&self) {
        self.addresses.take();
    }
}
