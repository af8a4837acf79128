//! The kinds of time-outs.

use std::fmt;

use crate::common::{SocketError, SocketErrorKind};

/// What a [time-out](crate::QAbstractSocket::set_timeout) of a socket limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// Connecting as a whole: the look-up of the name, all addresses, and a proxy, without the TLS
    /// handshake.
    Connect,
    /// Connecting to one address, or to a proxy including its handshake. The default is 30 seconds.
    Address,
    /// The handshake with a proxy, after the connection to the proxy is made.
    ProxyHandshake,
    /// The TLS handshake.
    TlsHandshake,
    /// The time since the socket last received bytes.
    #[doc(alias = "Idle")]
    #[doc(alias = "ReadTimeout")]
    IdleRead,
    /// The time in which the operating system has taken none of the unsent bytes.
    #[doc(alias = "WriteTimeout")]
    IdleWrite,
    /// The whole life of a connection, from its beginning.
    Lifetime,
    /// The time that closing takes to send the unsent bytes.
    Close,
    /// The time until the answer to a ping of a [`Heartbeat`](crate::Heartbeat). The settings of
    /// the heartbeat determine it; `set_timeout` with this kind has no effect.
    Heartbeat,
}

impl TimeoutKind {
    /// Returns the error with which this time-out ends a connection.
    pub(crate) fn error(self) -> SocketError {
        let text = match self {
            Self::Connect | Self::Address => return SocketError::timed_out(),
            Self::ProxyHandshake => return SocketErrorKind::ProxyConnectionTimeout.into(),
            Self::TlsHandshake => "The TLS handshake took too long",
            Self::IdleRead => "Nothing was received for too long",
            Self::IdleWrite => "The other end has not read for too long",
            Self::Lifetime => "The connection has lasted too long",
            Self::Close => "Closing took too long",
            Self::Heartbeat => "The other end has not answered",
        };
        SocketError::new(SocketErrorKind::SocketTimeout, text)
    }
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting took too long",
            Self::Address => "connecting to an address took too long",
            Self::ProxyHandshake => "the handshake with the proxy took too long",
            Self::TlsHandshake => "the TLS handshake took too long",
            Self::IdleRead => "nothing was received for too long",
            Self::IdleWrite => "the other end has not read for too long",
            Self::Lifetime => "the connection has lasted too long",
            Self::Close => "closing took too long",
            Self::Heartbeat => "the other end has not answered",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::TimeoutKind::{
        Address, Close, Connect, Heartbeat, IdleRead, IdleWrite, Lifetime, ProxyHandshake,
        TlsHandshake,
    };

    #[test]
    fn each_kind_has_a_text_of_its_own() {
        let all = [
            Connect,
            Address,
            ProxyHandshake,
            TlsHandshake,
            IdleRead,
            IdleWrite,
            Lifetime,
            Close,
            Heartbeat,
        ];
        let texts: HashSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), all.len());
    }
}
