//! Plain setters, among them those that are protected functions in Qt.

use super::{node::QAbstractSocket, pause_modes::PauseModes, state::SocketState};
use crate::{address::Host, common::SocketErrorKind};

impl QAbstractSocket {
    /// Returns the events at which the socket pauses. By default it never pauses.
    #[doc(alias = "pauseMode")]
    #[must_use]
    pub fn pause_mode(&self) -> PauseModes {
        self.pause_mode.get()
    }

    /// Sets the events at which the socket pauses. A socket without TLS never pauses.
    #[doc(alias = "setPauseMode")]
    pub fn set_pause_mode(&self, mode: PauseModes) {
        self.pause_mode.set(mode);
    }

    /// Ends a pause. Does nothing if the socket has not paused.
    pub fn resume(&self) {
        if let Some(class) = self.layers.class() {
            class.resume();
        }
    }

    /// Returns the tag that tells a proxy factory what the socket is used for; empty by default.
    #[doc(alias = "protocolTag")]
    #[must_use]
    pub fn protocol_tag(&self) -> String {
        self.proxies.tag()
    }

    /// Sets the tag that tells a proxy factory what the socket is used for, "http" for example.
    /// Nothing else uses it.
    #[doc(alias = "setProtocolTag")]
    pub fn set_protocol_tag(&self, tag: impl Into<String>) {
        self.proxies.set_tag(tag.into());
    }

    /// Sets the state and emits no signal. Meant for derived classes.
    #[doc(alias = "setSocketState")]
    pub fn set_socket_state(&self, state: SocketState) {
        self.set_state(state);
    }

    /// Sets what [`error`](QAbstractSocket::error) returns, and emits no signal. Meant for derived
    /// classes. [`set_error_string`](qcore::QIODevice::set_error_string) sets the text.
    #[doc(alias = "setSocketError")]
    pub fn set_socket_error(&self, error: SocketErrorKind) {
        self.status.set_error(error);
    }

    /// Sets what [`local_port`](QAbstractSocket::local_port) returns. Meant for derived classes.
    #[doc(alias = "setLocalPort")]
    pub fn set_local_port(&self, port: u16) {
        self.ends.set_local_port(port);
    }

    /// Sets what [`local_address`](QAbstractSocket::local_address) returns. A text that is not an
    /// address sets the null address. Meant for derived classes.
    #[doc(alias = "setLocalAddress")]
    pub fn set_local_address<'a>(&self, address: impl Into<Host<'a>>) {
        self.ends.set_local_address(address.into().into_address_or_null());
    }

    /// Sets what [`peer_port`](QAbstractSocket::peer_port) returns. Meant for derived classes.
    #[doc(alias = "setPeerPort")]
    pub fn set_peer_port(&self, port: u16) {
        self.ends.set_peer_port(port);
    }

    /// Sets what [`peer_address`](QAbstractSocket::peer_address) returns. A text that is not an
    /// address sets the null address. Meant for derived classes.
    #[doc(alias = "setPeerAddress")]
    pub fn set_peer_address<'a>(&self, address: impl Into<Host<'a>>) {
        self.ends.set_peer_address(address.into().into_address_or_null());
    }

    /// Sets what [`peer_name`](QAbstractSocket::peer_name) returns until the connection ends. Meant
    /// for derived classes.
    #[doc(alias = "setPeerName")]
    pub fn set_peer_name(&self, name: impl Into<String>) {
        self.attempt.set_peer_name(name.into());
    }
}
