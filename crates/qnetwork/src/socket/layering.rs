//! The functions by which a layered socket controls its base class and its inner socket.

use std::rc::Weak;

use super::{
    detached::DetachedSocket,
    node::{AbstractSocketNode, Outer, PartOf, SocketClass},
};

impl AbstractSocketNode {
    /// Makes `class` implement the socket's virtual functions from now on.
    pub(crate) fn set_class(&self, class: Weak<dyn SocketClass>) {
        self.layers.set(PartOf::Class(class));
    }

    /// Makes `outer` receive the bytes of this socket from now on.
    pub(crate) fn set_outer(&self, outer: Weak<dyn Outer>) {
        self.layers.set(PartOf::Outer(outer));
    }

    /// Copies the addresses, the peer's name and the descriptor's number from the inner socket.
    pub(crate) fn mirror(&self, inner: &AbstractSocketNode) {
        self.ends.copy(&inner.ends);
        self.attempt.set_peer_name(inner.attempt.host_name());
    }

    /// Makes a connection that was taken out of the inner socket take along the addresses and the
    /// peer's name of this one.
    pub(crate) fn lend_ends(&self, connection: &mut DetachedSocket) {
        connection.ends = self.ends.detach(self.attempt.take_peer_name());
    }

    /// Forgets what [`mirror`](Self::mirror) has copied.
    pub(crate) fn forget_ends(&self) {
        self.attempt.take_peer_name();
        self.ends.forget_addresses();
        self.ends.forget_descriptor();
    }

    /// Reads again, now for the outer socket, including bytes that `ready_read` has announced.
    pub(crate) fn read_anew(&self) {
        self.reading.reset();
        if let Some(engine) = self.engine() {
            self.read_again(&engine);
        }
    }
}
