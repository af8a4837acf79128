//! SOCKS version 5 (RFC 1928), with user names and passwords (RFC 1929).

use std::net::{IpAddr, Ipv6Addr};

use super::{
    handshake::{Handshake, Next, Questions, Target, Texts},
    value::QNetworkProxy,
};
use crate::{
    address::QHostAddress,
    auth::{self, QAuthenticator},
    common::{SocketError, SocketErrorKind},
};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;

const TEXTS: Texts = Texts {
    refused: "Connection to proxy refused",
    closed: "Connection to proxy closed prematurely",
    not_found: "Proxy host not found",
    timed_out: "Connection to proxy timed out",
};

/// The command of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Connect to the target.
    Connect = 1,
    /// Listen at the target for one connection. The proxy replies twice: first with the address at
    /// which it listens, then with the address of the peer that has connected.
    Bind = 2,
    /// Relay datagrams for a client that sends them from the target address.
    Associate = 3,
}

/// The client's side of a SOCKS5 handshake.
#[derive(Debug)]
pub(crate) struct Socks5 {
    command: Command,
    target: Target,
    user: String,
    password: String,
    state: State,
    authenticator: QAuthenticator,
    questions: Questions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits for the authentication method that the proxy chooses.
    Method,
    /// Waits for the verdict on the password.
    Password,
    /// Waits for the reply to the request.
    Reply,
    /// Waits for the second reply to `Bind`: the peer's address.
    Peer,
    Over,
}

impl Socks5 {
    pub(crate) fn new(proxy: &QNetworkProxy, command: Command, target: Target) -> Self {
        let (user, password) = (proxy.user().to_owned(), proxy.password().to_owned());
        let (state, authenticator) = (State::Method, QAuthenticator::new());
        let questions = Questions::default();
        Socks5 { command, target, user, password, state, authenticator, questions }
    }

    /// Returns the only method to offer. Like Qt, a client with credentials offers nothing else.
    fn method(&self) -> u8 {
        match self.user.is_empty() && self.password.is_empty() {
            true => NO_AUTHENTICATION,
            false => USER_AND_PASSWORD,
        }
    }

    fn choose(&mut self, method: u8) -> Next {
        match method {
            NO_AUTHENTICATION => self.request(),
            NONE_ACCEPTABLE => self.ask(),
            USER_AND_PASSWORD if self.method() == USER_AND_PASSWORD => {
                let (user, password) = (auth::to_bytes(&self.user), auth::to_bytes(&self.password));
                let (Ok(user_length), Ok(password_length)) =
                    (u8::try_from(user.len()), u8::try_from(password.len()))
                else {
                    return self.fail(refused_credentials());
                };
                self.state = State::Password;
                let parts: [&[u8]; 4] = [&[1, user_length], &user, &[password_length], &password];
                Next::Send(parts.concat())
            }
            _ => {
                let text = "Proxy authentication failed: \
                            Socks5 host did not support authentication method.";
                self.fail(SocketError::new(SocketErrorKind::SocketAccess, text))
            }
        }
    }

    fn ask(&mut self) -> Next {
        if !self.questions.may_ask() {
            return self.fail(refused_credentials());
        }
        self.state = State::Over;
        self.authenticator = QAuthenticator::new();
        Next::Ask
    }

    fn request(&mut self) -> Next {
        let mut request = vec![VERSION, self.command as u8, 0];
        let port = match &self.target {
            Target::Address(address, port) => {
                match address.to_ip_addr() {
                    Some(IpAddr::V4(address)) => {
                        request.push(1);
                        request.extend_from_slice(&address.octets());
                    }
                    Some(IpAddr::V6(address)) => {
                        request.push(4);
                        request.extend_from_slice(&address.octets());
                    }
                    None => return self.fail(SocketError::host_not_found()),
                }
                port
            }
            Target::Name(name, port) => {
                let Ok(length) = u8::try_from(name.len()) else {
                    return self.fail(SocketError::host_not_found());
                };
                request.extend_from_slice(&[3, length]);
                request.extend_from_slice(name.as_bytes());
                port
            }
        };
        request.extend_from_slice(&port.to_be_bytes());
        self.state = State::Reply;
        Next::Send(request)
    }

    /// Parses the reply to a request. Returns its length and the next step, once it is complete.
    fn reply(&mut self, bytes: &[u8]) -> (usize, Next) {
        let &[version, code, ref rest @ ..] = bytes else { return (0, Next::More) };
        if version != VERSION {
            return (bytes.len(), self.fail(protocol_error()));
        }
        if code != 0 {
            let by_name = matches!(self.target, Target::Name(..));
            return (bytes.len(), self.fail(refusal(code, by_name)));
        }
        let &[_, kind, ref rest @ ..] = rest else { return (0, Next::More) };
        let (skipped, length) = match (kind, rest) {
            (1, _) => (0, 4),
            (4, _) => (0, 16),
            (3, []) => return (0, Next::More),
            (3, [length, ..]) => (1, usize::from(*length)),
            _ => return (bytes.len(), self.fail(protocol_error())),
        };
        let Some(end) = rest.get(skipped..skipped + length + 2) else { return (0, Next::More) };
        let (address, port) = end.split_at(length);
        let address = match (kind, address) {
            (1, &[a, b, c, d]) => QHostAddress::from(IpAddr::from([a, b, c, d])),
            (4, address) => {
                let octets: [u8; 16] = address.try_into().unwrap_or_default();
                QHostAddress::from(IpAddr::from(Ipv6Addr::from(octets)))
            }
            _ => QHostAddress::new(),
        };
        let port = u16::from_be_bytes([port[0], port[1]]);
        (4 + skipped + length + 2, self.granted(kind, address, port))
    }

    /// Handles a successful reply.
    fn granted(&mut self, kind: u8, address: QHostAddress, port: u16) -> Next {
        if self.state == State::Peer {
            self.state = State::Over;
            return Next::Accepted(address, port);
        }
        // Others connect or send to this address, so it must be numeric and have a port.
        if self.command != Command::Connect && (kind == 3 || port == 0) {
            return self.fail(protocol_error());
        }
        match self.command {
            Command::Bind => {
                self.state = State::Peer;
                Next::Listening(address, port)
            }
            Command::Connect | Command::Associate => {
                self.state = State::Over;
                Next::Connected(Some((address, port)))
            }
        }
    }

    fn fail(&mut self, error: SocketError) -> Next {
        self.state = State::Over;
        Next::Failed(error)
    }
}

impl Handshake for Socks5 {
    fn begin(&mut self) -> Next {
        self.state = State::Method;
        Next::Send(vec![VERSION, 1, self.method()])
    }

    fn feed(&mut self, bytes: &[u8]) -> (usize, Next) {
        match self.state {
            State::Over => (0, Next::More),
            State::Reply | State::Peer => self.reply(bytes),
            State::Method | State::Password => match (self.state, bytes) {
                (State::Method, &[VERSION, method, ..]) => (2, self.choose(method)),
                (State::Method, &[_, _, ..]) => (2, self.fail(protocol_error())),
                (_, &[1, 0, ..]) => (2, self.request()),
                (_, &[_, _, ..]) => (2, self.ask()),
                _ => (0, Next::More),
            },
        }
    }

    fn wants(&self, unused: &[u8]) -> usize {
        let binds = self.command == Command::Bind;
        if !binds || !matches!(self.state, State::Reply | State::Peer) {
            return usize::MAX;
        }
        // The bytes after the second reply belong to the peer and may arrive together with it.
        let length = match *unused {
            [_, _, _, 1, ..] => 10,
            [_, _, _, 4, ..] => 22,
            [_, _, _, 3, length, ..] => 7 + usize::from(length),
            // Even the shortest reply is longer than that.
            _ => 5,
        };
        length.saturating_sub(unused.len()).max(1)
    }

    fn closed(&mut self) -> SocketError {
        self.failed_to_connect(&SocketError::remote_host_closed())
    }

    fn authenticator(&self) -> QAuthenticator {
        self.authenticator.clone()
    }

    fn answered(&mut self) -> Next {
        if !self.authenticator.has_credentials() {
            return self.fail(refused_credentials());
        }
        self.user = self.authenticator.user();
        self.password = self.authenticator.password();
        Next::Reconnect
    }

    fn failed_to_connect(&self, error: &SocketError) -> SocketError {
        TEXTS.of(error)
    }
}

fn refused_credentials() -> SocketError {
    let kind = SocketErrorKind::ProxyAuthenticationRequired;
    SocketError::new(kind, "Proxy authentication failed")
}

pub(crate) fn protocol_error() -> SocketError {
    SocketError::new(SocketErrorKind::ProxyProtocol, "SOCKS version 5 protocol error")
}

/// Returns the error for the proxy's reply code, with Qt's text.
fn refusal(code: u8, by_name: bool) -> SocketError {
    use SocketErrorKind::*;
    let (kind, text) = match code {
        // Proxies reply with these codes when they cannot resolve a name.
        1 | 2 if by_name => return SocketError::host_not_found(),
        1 => (Network, "General SOCKSv5 server failure"),
        2 => (SocketAccess, "Connection not allowed by SOCKSv5 server"),
        3 => (Network, "Network unreachable"),
        4 => return SocketError::host_not_found(),
        5 => return SocketError::connection_refused(),
        6 => (Network, "TTL expired"),
        7 => (UnsupportedSocketOperation, "SOCKSv5 command not supported"),
        8 => (UnsupportedSocketOperation, "Address type not supported"),
        _ => {
            return SocketError::new(
                Unknown,
                format!("Unknown SOCKSv5 proxy error code 0x{code:x}"),
            );
        }
    };
    SocketError::new(kind, text)
}
