//! Stops a session's data while slots for its errors run.

use qcore::object::Node;

use super::SslSocketNode;
use crate::common::PanicWatch;

/// While this guard lives, the current session moves no bytes. If a slot begins another session
/// meanwhile, that session moves bytes.
pub(super) struct Muted<'a> {
    node: &'a SslSocketNode,
    before: Option<u32>,
    /// Given if a panic aborts the connection.
    panics: Option<PanicWatch>,
}

impl<'a> Muted<'a> {
    /// Mutes the current session.
    pub(super) fn begin(node: &'a SslSocketNode) -> Self {
        Muted::new(node, None)
    }

    /// Mutes the current session while slots decide about the peer's certificate. If a slot panics
    /// there is no decision, and the guard aborts the connection.
    pub(super) fn begin_verdict(node: &'a SslSocketNode) -> Self {
        Muted::new(node, Some(PanicWatch::new()))
    }

    fn new(node: &'a SslSocketNode, panics: Option<PanicWatch>) -> Self {
        let before = node.flags.muted.replace(Some(node.session_number.get()));
        Muted { node, before, panics }
    }
}

impl Drop for Muted<'_> {
    fn drop(&mut self) {
        let node = self.node;
        node.flags.muted.set(self.before);
        if self.panics.as_ref().is_some_and(PanicWatch::sees_panic) {
            node.drop_session();
            let this = node.this.clone();
            node.life().dispatcher().post(move || {
                if let Some(node) = this.upgrade() {
                    node.inner.abort();
                }
            });
        }
    }
}
