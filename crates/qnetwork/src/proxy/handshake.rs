//! What the protocols have in common.

use crate::{
    address::QHostAddress,
    auth::QAuthenticator,
    common::{SocketError, SocketErrorKind},
};

/// Where a connection through a proxy is to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Address(QHostAddress, u16),
    /// The proxy looks it up. In ASCII.
    Name(String, u16),
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Wait for more bytes.
    More,
    Send(Vec<u8>),
    /// Ask the program who it is, then call [`Handshake::answered`].
    Ask,
    /// Connect to the proxy anew and begin again.
    Reconnect,
    /// The rest of the bytes come from the host. If the proxy says so, this is the near end of the
    /// connection.
    Connected(Option<(QHostAddress, u16)>),
    /// The proxy listens there for one connection. Who makes it comes later.
    Listening(QHostAddress, u16),
    /// The proxy was connected to. The rest of the bytes come from there.
    Accepted(QHostAddress, u16),
    Failed(SocketError),
}

/// The talk with a proxy before it gets out of the way. It has no socket and no clock: it is fed
/// what has come, in pieces of any size, and says what to do.
pub(crate) trait Handshake {
    /// A connection to the proxy stands: what to send first.
    fn begin(&mut self) -> Next;

    /// Looks at what has come and was not used so far. Returns how much of it is used now.
    fn feed(&mut self, bytes: &[u8]) -> (usize, Next);

    /// How many bytes may be read at once beside the `_unused` ones, where those that follow are
    /// for others.
    fn wants(&self, _unused: &[u8]) -> usize {
        usize::MAX
    }

    /// The proxy has closed the connection, and all bytes were looked at.
    fn closed(&mut self) -> SocketError;

    /// For the one who is to be asked.
    fn authenticator(&self) -> QAuthenticator;

    /// The program has been asked.
    fn answered(&mut self) -> Next;

    /// The error for one of connecting to the proxy.
    fn failed_to_connect(&self, error: &SocketError) -> SocketError;
}

/// How often the program is asked for credentials for one connection.
pub(super) const MAX_QUESTIONS: u8 = 16;

/// Counts how often the program was asked. A program that always gives the same answer and a proxy
/// that always refuses it would otherwise go on for ever.
#[derive(Debug, Default)]
pub(super) struct Questions(u8);

impl Questions {
    /// Whether the program may be asked once more.
    pub(super) fn may_ask(&mut self) -> bool {
        let may = self.0 < MAX_QUESTIONS;
        self.0 += u8::from(may);
        may
    }
}

/// Texts for what goes wrong on the way to a proxy, in Qt's words for each kind.
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
