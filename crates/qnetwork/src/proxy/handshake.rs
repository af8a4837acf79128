//! The interface of the proxy protocols.

use crate::{
    address::QHostAddress,
    auth::QAuthenticator,
    common::{SocketError, SocketErrorKind},
};

/// The destination of a connection through a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Address(QHostAddress, u16),
    /// A name in ASCII, which the proxy looks up.
    Name(String, u16),
}

/// The next step for the caller of a handshake.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Wait for more bytes.
    More,
    Send(Vec<u8>),
    /// Ask the program for credentials, then call [`Handshake::answered`].
    Ask,
    /// Connect to the proxy again and start over.
    Reconnect,
    /// The remaining bytes come from the host. The address is the local end of the connection, if
    /// the proxy reports it.
    Connected(Option<(QHostAddress, u16)>),
    /// The proxy listens at this address for one connection. Another step reports the peer.
    Listening(QHostAddress, u16),
    /// A peer at this address has connected to the proxy. The remaining bytes come from the peer.
    Accepted(QHostAddress, u16),
    Failed(SocketError),
}

/// The handshake with a proxy, before it passes bytes through. It uses no socket and no clock: the
/// caller feeds it the received bytes, in pieces of any size, and it returns the next step.
pub(crate) trait Handshake {
    /// Returns the first step, once the proxy is connected.
    fn begin(&mut self) -> Next;

    /// Processes the bytes not used so far. Returns how many it has used, and the next step.
    fn feed(&mut self, bytes: &[u8]) -> (usize, Next);

    /// Returns how many bytes the caller may read in addition to the `_unused` ones. A handshake
    /// limits this if it must not read past the end of the proxy's reply.
    fn wants(&self, _unused: &[u8]) -> usize {
        usize::MAX
    }

    /// Returns the error to report when the proxy has closed the connection and all bytes have been
    /// processed.
    fn closed(&mut self) -> SocketError;

    /// Returns the authenticator to pass to the program.
    fn authenticator(&self) -> QAuthenticator;

    /// Continues after the program has been asked for credentials.
    fn answered(&mut self) -> Next;

    /// Returns the proxy error for an error of the connection to the proxy.
    fn failed_to_connect(&self, error: &SocketError) -> SocketError;
}

/// How often the program is asked for credentials for one connection.
pub(super) const MAX_QUESTIONS: u8 = 16;

/// Counts how often the program was asked. Otherwise a program that always gives the same answer
/// and a proxy that always refuses it would never stop.
#[derive(Debug, Default)]
pub(super) struct Questions(u8);

impl Questions {
    /// Returns whether the program may be asked once more.
    pub(super) fn may_ask(&mut self) -> bool {
        let may = self.0 < MAX_QUESTIONS;
        self.0 += u8::from(may);
        may
    }
}

/// The error texts for a connection to a proxy, in Qt's wording for each type.
pub(super) struct Texts {
    pub(super) refused: &'static str,
    pub(super) closed: &'static str,
    pub(super) not_found: &'static str,
    pub(super) timed_out: &'static str,
}

impl Texts {
    pub(super) fn of(&self, error: &SocketError) -> SocketError {
        use SocketErrorKind as Kind;
        let (kind, text) = match error.kind() {
            Kind::ConnectionRefused => (Kind::ProxyConnectionRefused, self.refused),
            Kind::RemoteHostClosed => (Kind::ProxyConnectionClosed, self.closed),
            Kind::HostNotFound => (Kind::ProxyNotFound, self.not_found),
            Kind::SocketTimeout => (Kind::ProxyConnectionTimeout, self.timed_out),
            _ => return error.clone(),
        };
        SocketError::new(kind, text)
    }
}
