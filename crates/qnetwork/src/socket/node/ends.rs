//! Both ends of a connection: addresses, ports and the descriptor.

use std::cell::Cell;

use crate::{address::QHostAddress, engine::Engine};

/// The address and port of one end.
pub(crate) type End = (QHostAddress, u16);

/// The values that `local_address()`, `peer_port()`, `socket_descriptor()` and similar functions
/// return.
pub(crate) struct Ends {
    local_address: Cell<QHostAddress>,
    peer_address: Cell<QHostAddress>,
    local_port: Cell<u16>,
    peer_port: Cell<u16>,
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
    local: End,
    peer: End,
    peer_name: String,
}

impl Default for Ends {
    fn default() -> Self {
        Ends {
            local_address: Cell::default(),
            peer_address: Cell::default(),
            local_port: Cell::new(0),
            peer_port: Cell::new(0),
            descriptor: Cell::new(-1),
        }
    }
}

impl Ends {
    pub(crate) fn local_address(&self) -> QHostAddress {
        copy(&self.local_address)
    }

    pub(crate) fn local_port(&self) -> u16 {
        self.local_port.get()
    }

    pub(crate) fn peer_address(&self) -> QHostAddress {
        copy(&self.peer_address)
    }

    pub(crate) fn peer_port(&self) -> u16 {
        self.peer_port.get()
    }

    pub(crate) fn set_local(&self, (address, port): End) {
        self.local_address.set(address);
        self.local_port.set(port);
    }

    fn set_peer(&self, (address, port): End) {
        self.peer_address.set(address);
        self.peer_port.set(port);
    }

    pub(crate) fn set_local_address(&self, address: QHostAddress) {
        self.local_address.set(address);
    }

    pub(crate) fn set_local_port(&self, port: u16) {
        self.local_port.set(port);
    }

    pub(crate) fn set_peer_address(&self, address: QHostAddress) {
        self.peer_address.set(address);
    }

    pub(crate) fn set_peer_port(&self, port: u16) {
        self.peer_port.set(port);
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

    /// Takes addresses, ports and descriptor from an engine. The peer is given if it is known
    /// already.
    pub(crate) fn learn(&self, engine: &dyn Engine, peer: Option<End>) {
        self.set_local(engine.local_address().unwrap_or_default());
        self.set_peer(peer.or_else(|| engine.peer_address()).unwrap_or_default());
        self.keep_descriptor(engine);
    }

    /// Takes everything from the inner socket of a layered one.
    pub(crate) fn copy(&self, inner: &Ends) {
        self.set_local((inner.local_address(), inner.local_port()));
        self.set_peer((inner.peer_address(), inner.peer_port()));
        self.descriptor.set(inner.descriptor.get());
    }

    /// Takes everything but the descriptor, for the socket that continues the connection, and adds
    /// the peer's name.
    pub(crate) fn detach(&self, peer_name: String) -> DetachedEnds {
        DetachedEnds {
            local: (self.local_address.take(), self.local_port.take()),
            peer: (self.peer_address.take(), self.peer_port.take()),
            peer_name,
        }
    }

    /// Takes over what another socket has detached. Returns the peer's name.
    pub(crate) fn attach(&self, ends: DetachedEnds) -> String {
        self.set_local(ends.local);
        self.set_peer(ends.peer);
        ends.peer_name
    }

    /// Forgets the other end, as a new attempt begins.
    pub(crate) fn forget_peer(&self) {
        self.set_peer(End::default());
    }

    /// Forgets the addresses. The descriptor's number stays.
    pub(crate) fn forget_addresses(&self) {
        self.set_local(End::default());
        self.set_peer(End::default());
    }
}

/// Returns a copy of a cell's value.
fn copy<T: Clone + Default>(cell: &Cell<T>) -> T {
    let value = cell.take();
    let copy = value.clone();
    cell.set(value);
    copy
}
