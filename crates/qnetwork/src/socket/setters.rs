//! Plain setters, among them those that are protected functions in Qt.

use super::{node::QAbstractSocket, pause_modes::PauseModes, state::SocketState};
use crate::{address::Host, common::SocketErrorKind};

impl QAbstractSocket {
    /// The events at which the socket pauses. By default it never does.
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

    /// What the socket is used for. A proxy factory is given this tag. It is empty by default.
    #[doc(alias = "protocolTag")]
    #[must_use]
    pub fn protocol_tag(&self) -> String {
        self.proxies.tag()
    }

    /// Sets what the socket is used for, "http" for example. Only a proxy factory uses this.
    #[doc(alias = "setProtocolTag")]
    pub fn set_protocol_tag(&self, tag: impl Into<String>) {
        self.proxies.set_tag(tag.into());
    }

    /// For derived classes: sets the state and emits no signal.
    #[doc(alias = "setSocketState")]
    pub fn set_socket_state(&self, state: SocketState) {
        self.status.set_state(state);
    }

    /// For derived classes: sets what [`error`](QAbstractSocket::error) returns, and emits no
    /// signal. [`set_error_string`](qcore::QIODevice::set_error_string) sets the text.
    #[doc(alias = "setSocketError")]
    pub fn set_socket_error(&self, error: SocketErrorKind) {
        self.status.set_error(error);
    }

    /// For derived classes: sets what [`local_port`](QAbstractSocket::local_port) returns.
    #[doc(alias = "setLocalPort")]
    pub fn set_local_port(&self, port: u16) {
        self.ends.set_local_port(port);
    }

    /// For derived classes: sets what [`local_address`](QAbstractSocket::local_address) returns. A
    /// text that is no address sets the null one.
    #[doc(alias = "setLocalAddress")]
    pub fn set_local_address<'a>(&self, address: impl Into<Host<'a>>) {
        self.ends.set_local_address(address.into().into_address_or_null());
    }

    /// For derived classes: sets what [`peer_port`](QAbstractSocket::peer_port) returns.
    #[doc(alias = "setPeerPort")]
    pub fn set_peer_port(&self, port: u16) {
        self.ends.set_peer_port(port);
    }

    /// For derived classes: sets what [`peer_address`](QAbstractSocket::peer_address) returns. A
    /// text that is no address sets the null one.
    #[doc(alias = "setPeerAddress")]
    pub fn set_peer_address<'a>(&self, address: impl Into<Host<'a>>) {
        self.ends.set_peer_address(address.into().into_address_or_null());
    }

    /// For derived classes: sets what [`peer_name`](QAbstractSocket::peer_name) returns until the
    /// connection ends.
    #[doc(alias = "setPeerName")]
    pub fn set_peer_name(&self, name: impl Into<String>) {
        self.ends.set_peer_name(name.into());
    }
}
