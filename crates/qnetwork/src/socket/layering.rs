//! What a layered socket does to its base class and to its inner socket.

use std::rc::Weak;

use super::node::{AbstractSocketNode, Outer, PartOf, SocketClass};

impl AbstractSocketNode {
    /// From now on, `class` implements the socket's virtual functions.
    pub(crate) fn set_class(&self, class: Weak<dyn SocketClass>) {
        self.layers.set(PartOf::Class(class));
    }

    /// From now on, `outer` gets the bytes of this socket.
    pub(crate) fn set_outer(&self, outer: Weak<dyn Outer>) {
        self.layers.set(PartOf::Outer(outer));
    }

    /// Copies the addresses, the peer's name and the descriptor's number from the inner socket.
    pub(crate) fn mirror(&self, inner: &AbstractSocketNode) {
        self.ends.copy(&inner.ends, inner.attempt.host_name());
    }

    /// Forgets what [`mirror`](Self::mirror) has copied.
    pub(crate) fn forget_ends(&self) {
        self.ends.forget_names();
        self.ends.forget_descriptor();
    }

    /// From now on, the outer socket reads the bytes, also those that have been announced.
    pub(crate) fn read_anew(&self) {
        self.reading.reset();
        if let Some(engine) = self.engine() {
            self.read_again(&engine);
        }
    }
}
