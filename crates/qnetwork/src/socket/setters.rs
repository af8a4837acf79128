//! What a class derived from a socket sets, Qt's protected functions; and what a plain socket just
//! keeps.

use super::{QAbstractSocket, SocketErrorKind, SocketState};
use crate::address::Host;

bitflags::bitflags! {
    /// What a socket stops for, to be told to go on by [`resume`](QAbstractSocket::resume).
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    #[doc(alias = "QAbstractSocket::PauseMode")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct PauseModes: u32 {
        /// Errors of TLS that a slot may want to think about.
        #[doc(alias = "PauseOnSslErrors")]
        const PAUSE_ON_SSL_ERRORS = 1;
    }
}

impl PauseModes {
    /// Nothing: the default.
    #[doc(alias = "PauseNever")]
    pub const PAUSE_NEVER: PauseModes = PauseModes::empty();
}

impl QAbstractSocket {
    /// What the socket stops for; nothing by default.
    #[doc(alias = "pauseMode")]
    #[must_use]
    pub fn pause_mode(&self) -> PauseModes {
        self.pause_mode.get()
    }

    /// Sets what the socket stops for. A socket without TLS never does.
    #[doc(alias = "setPauseMode")]
    pub fn set_pause_mode(&self, mode: PauseModes) {
        self.pause_mode.set(mode);
    }

    /// Goes on after a pause. Does nothing if the socket has not stopped.
    pub fn resume(&self) {
        if let Some(class) = self.class() {
            class.resume();
        }
    }

    /// What the socket is used for, as a factory of proxies is told; empty by default.
    #[doc(alias = "protocolTag")]
    #[must_use]
    pub fn protocol_tag(&self) -> String {
        self.protocol_tag.borrow().as_deref().unwrap_or_default().to_owned()
    }

    /// Says what the socket is used for, "http" for example. It matters to a factory of proxies
    /// alone.
    #[doc(alias = "setProtocolTag")]
    pub fn set_protocol_tag(&self, tag: impl Into<String>) {
        let tag = Some(tag.into()).filter(|tag| !tag.is_empty()).map(String::into_boxed_str);
        self.protocol_tag.replace(tag);
    }

    /// For derived classes: sets the state, and nothing else. No signal tells of it.
    #[doc(alias = "setSocketState")]
    pub fn set_socket_state(&self, state: SocketState) {
        self.state.set(state);
    }

    /// For derived classes: sets what [`error`](QAbstractSocket::error) returns. The text is
    /// [`set_error_string`](qcore::QIODevice::set_error_string)'s, and no signal tells of it.
    #[doc(alias = "setSocketError")]
    pub fn set_socket_error(&self, error: SocketErrorKind) {
        self.error_kind.set(error);
    }

    /// For derived classes: sets what [`local_port`](QAbstractSocket::local_port) returns.
    #[doc(alias = "setLocalPort")]
    pub fn set_local_port(&self, port: u16) {
        self.ends.borrow_mut().local.1 = port;
    }

    /// For derived classes: sets what [`local_address`](QAbstractSocket::local_address) returns. A
    /// text that is no address sets the null one.
    #[doc(alias = "setLocalAddress")]
    pub fn set_local_address<'a>(&self, address: impl Into<Host<'a>>) {
        let address = address.into().into_address_or_null();
        self.ends.borrow_mut().local.0 = address;
    }

    /// For derived classes: sets what [`peer_port`](QAbstractSocket::peer_port) returns.
    #[doc(alias = "setPeerPort")]
    pub fn set_peer_port(&self, port: u16) {
        self.ends.borrow_mut().peer.1 = port;
    }

    /// For derived classes: sets what [`peer_address`](QAbstractSocket::peer_address) returns. A
    /// text that is no address sets the null one.
    #[doc(alias = "setPeerAddress")]
    pub fn set_peer_address<'a>(&self, address: impl Into<Host<'a>>) {
        let address = address.into().into_address_or_null();
        self.ends.borrow_mut().peer.0 = address;
    }

    /// For derived classes: sets what [`peer_name`](QAbstractSocket::peer_name) returns while the
    /// connection lasts.
    #[doc(alias = "setPeerName")]
    pub fn set_peer_name(&self, name: impl Into<String>) {
        self.peer_name.replace(name.into());
    }
}
