//! HTTP proxies with `CONNECT` (RFC 9110, 9.3.6).

use std::mem;

use super::{
    handshake::{Handshake, Next, Questions, Target, Texts},
    value::QNetworkProxy,
};
use crate::{
    address::NetworkLayerProtocol,
    auth::{self, Phase, QAuthenticator},
    common::{SocketError, SocketErrorKind},
};

/// The maximum length of a reply's header, in bytes.
const HEADER_LIMIT: usize = 64 * 1024;
/// The most bytes to read of a body after a request for credentials, including chunk lines and
/// trailer. After a longer body the client opens a new connection.
const BODY_LIMIT: usize = 64 * 1024;

const TEXTS: Texts = Texts {
    refused: "Proxy connection refused",
    closed: "Proxy connection closed prematurely",
    not_found: "Proxy server not found",
    timed_out: "Proxy server connection timed out",
};

/// The client's side of a `CONNECT` handshake.
#[derive(Debug)]
pub(crate) struct Http {
    proxy: QNetworkProxy,
    /// The host and port as the request states them.
    place: String,
    host: String,
    authenticator: QAuthenticator,
    /// The last request carried credentials.
    answered: bool,
    /// These credentials were sent a second time because the proxy called the nonce stale.
    renewed: bool,
    questions: Questions,
    state: State,
}

#[derive(Debug)]
enum State {
    /// How many bytes have been searched for the end of the header.
    Header {
        searched: usize,
    },
    /// Skips the body of a reply that asks for credentials.
    Body {
        body: Body,
        /// How many bytes of the body have arrived.
        read: usize,
    },
    /// The program is being asked for credentials.
    Asked {
        closes: bool,
    },
    Over,
}

/// The remaining part of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Length(u64),
    /// The line with the length of the next chunk comes next.
    ChunkLine,
    /// The rest of a chunk, including the line break after it, in bytes.
    Chunk(u64),
    /// Trailer lines up to an empty one.
    Trailer,
}

impl Http {
    pub(crate) fn new(proxy: &QNetworkProxy, target: &Target) -> Self {
        let (host, port) = match target {
            Target::Address(address, port) if address.protocol() == NetworkLayerProtocol::IPv6 => {
                // The scope id means nothing to other hosts.
                let mut address = address.clone();
                address.set_scope_id("");
                (format!("[{address}]"), port)
            }
            Target::Address(address, port) => (address.to_string(), port),
            Target::Name(name, port) => (name.clone(), port),
        };
        let authenticator = QAuthenticator::new();
        if !proxy.user().is_empty() {
            authenticator.set_user(proxy.user());
        }
        if !proxy.password().is_empty() {
            authenticator.set_password(proxy.password());
        }
        Http {
            proxy: proxy.clone(),
            place: format!("{host}:{port}"),
            host,
            authenticator,
            answered: false,
            renewed: false,
            questions: Questions::default(),
            state: State::Header { searched: 0 },
        }
    }

    fn request(&mut self) -> Next {
        self.state = State::Header { searched: 0 };
        let mut request = format!(
            "CONNECT {} HTTP/1.1\r\nProxy-Connection: keep-alive\r\nHost: {}\r\n",
            self.place, self.host
        )
        .into_bytes();
        if !self.proxy.has_raw_header("User-Agent") {
            request.extend_from_slice(b"User-Agent: Mozilla/5.0\r\n");
        }
        for name in self.proxy.raw_header_list() {
            let value = self.proxy.raw_header(name);
            request.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
        }
        if let Some(answer) = self.authenticator.answer("CONNECT", &self.place) {
            self.answered = true;
            let answer = auth::to_bytes(&answer);
            request.extend_from_slice(&[b"Proxy-Authorization: ", &*answer, b"\r\n"].concat());
        }
        request.extend_from_slice(b"\r\n");
        Next::Send(request)
    }

    fn header(&mut self, bytes: &[u8], searched: usize) -> (usize, Next) {
        let start = &bytes[..bytes.len().min(5)];
        let http = &b"HTTP/"[..start.len()];
        if start != http {
            return (bytes.len(), self.fail(not_http()));
        }
        let limit = bytes.len().min(HEADER_LIMIT);
        let Some(length) = end_of_header(&bytes[..limit], searched) else {
            if bytes.len() >= HEADER_LIMIT {
                return (bytes.len(), self.fail(not_http()));
            }
            // The received bytes may end in the middle of the blank line that ends the header.
            self.state = State::Header { searched: bytes.len().saturating_sub(3) };
            return (0, Next::More);
        };
        match Reply::parse(&bytes[..length]) {
            Some(reply) => (length, self.on_reply(&reply)),
            None => (length, self.fail(not_http())),
        }
    }

    fn on_reply(&mut self, reply: &Reply<'_>) -> Next {
        use SocketErrorKind::*;
        let (kind, text) = match reply.status {
            200 => {
                self.state = State::Over;
                return Next::Connected(None);
            }
            407 => return self.on_challenge(reply),
            403 | 405 => (SocketAccess, "Proxy denied connection"),
            404 => return self.fail(SocketError::host_not_found()),
            503 => return self.fail(SocketError::connection_refused()),
            _ => (ProxyProtocol, "Error communicating with HTTP proxy"),
        };
        self.fail(SocketError::new(kind, text))
    }

    fn on_challenge(&mut self, reply: &Reply<'_>) -> Next {
        self.authenticator.ask(reply.values("proxy-authenticate"));
        let stale = self.answered && self.authenticator.is_stale();
        if self.answered && (!stale || mem::replace(&mut self.renewed, true)) {
            // The credentials were wrong. As in Qt, the program does not see them when it is asked
            // for others.
            self.authenticator = QAuthenticator::new();
            self.authenticator.ask(reply.values("proxy-authenticate"));
        }
        self.answered = false;
        if self.authenticator.phase() == Phase::Invalid {
            let text = "Error parsing authentication request from proxy";
            return self.fail(SocketError::new(SocketErrorKind::ProxyProtocol, text));
        }
        if reply.closes() {
            // The body need not be read.
            return self.challenged(true);
        }
        if reply.contradicts_itself() {
            return self.fail(not_http());
        }
        match reply.body() {
            Some(Body::Length(0)) => self.challenged(false),
            Some(Body::Length(length)) if length > BODY_LIMIT as u64 => self.challenged(true),
            Some(body) => {
                self.state = State::Body { body, read: 0 };
                Next::Send(Vec::new())
            }
            // The body ends with the connection.
            None => self.challenged(true),
        }
    }

    /// Continues after a request for credentials has been read.
    fn challenged(&mut self, closes: bool) -> Next {
        if self.authenticator.phase() != Phase::Done {
            return self.again(closes);
        }
        if !self.questions.may_ask() {
            return self.fail(not_authenticated());
        }
        self.state = State::Asked { closes };
        Next::Ask
    }

    fn again(&mut self, closes: bool) -> Next {
        match closes {
            true => {
                self.state = State::Over;
                Next::Reconnect
            }
            false => self.request(),
        }
    }

    fn body(&mut self, bytes: &[u8], mut body: Body, read: usize) -> (usize, Next) {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            match body {
                Body::Length(0) => return (used, self.challenged(false)),
                Body::Length(left) | Body::Chunk(left) if !rest.is_empty() && left > 0 => {
                    let taken = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    used += taken;
                    let left = left - taken as u64;
                    body = match body {
                        Body::Length(_) => Body::Length(left),
                        _ => Body::Chunk(left),
                    };
                }
                Body::Chunk(0) => body = Body::ChunkLine,
                Body::ChunkLine | Body::Trailer => {
                    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                        if rest.len() > HEADER_LIMIT {
                            return (bytes.len(), self.fail(not_http()));
                        }
                        break;
                    };
                    used += end + 1;
                    let line = rest[..end].trim_ascii();
                    body = match body {
                        Body::Trailer if line.is_empty() => Body::Length(0),
                        Body::Trailer => Body::Trailer,
                        _ => match chunk_length(line) {
                            Some(0) => Body::Trailer,
                            // The chunk is followed by a line break of two bytes.
                            Some(length) => Body::Chunk(length.saturating_add(2)),
                            None => return (bytes.len(), self.fail(not_http())),
                        },
                    };
                }
                Body::Length(_) | Body::Chunk(_) => break,
            }
        }
        let read = read.saturating_add(used);
        if read > BODY_LIMIT {
            return (bytes.len(), self.challenged(true));
        }
        self.state = State::Body { body, read };
        (used, Next::More)
    }

    fn fail(&mut self, error: SocketError) -> Next {
        self.state = State::Over;
        Next::Failed(error)
    }
}

impl Handshake for Http {
    fn begin(&mut self) -> Next {
        self.request()
    }

    fn feed(&mut self, bytes: &[u8]) -> (usize, Next) {
        match self.state {
            State::Header { searched } => self.header(bytes, searched),
            State::Body { body, read } => self.body(bytes, body, read),
            State::Asked { .. } | State::Over => (0, Next::More),
        }
    }

    fn closed(&mut self) -> SocketError {
        self.failed_to_connect(&SocketError::remote_host_closed())
    }

    fn authenticator(&self) -> QAuthenticator {
        self.authenticator.clone()
    }

    fn answered(&mut self) -> Next {
        let State::Asked { closes } = self.state else { return Next::More };
        if self.authenticator.phase() == Phase::Done {
            return self.fail(not_authenticated());
        }
        self.renewed = false;
        self.again(closes)
    }

    fn failed_to_connect(&self, error: &SocketError) -> SocketError {
        TEXTS.of(error)
    }
}

fn not_http() -> SocketError {
    let text = "Did not receive HTTP response from proxy";
    SocketError::new(SocketErrorKind::ProxyProtocol, text)
}

fn not_authenticated() -> SocketError {
    SocketError::new(SocketErrorKind::ProxyAuthenticationRequired, "Authentication required")
}

/// Returns the end of the header: the position after the first empty line.
fn end_of_header(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find_map(|at| match &bytes[at..] {
        [b'\n', b'\n', ..] => Some(at + 2),
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

fn chunk_length(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let digits = str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u64::from_str_radix(digits, 16).ok()
}

/// The parsed header of a reply.
struct Reply<'a> {
    status: u16,
    /// The reply is HTTP 1.0 or older.
    is_old: bool,
    headers: Vec<(&'a [u8], Vec<u8>)>,
}

impl<'a> Reply<'a> {
    fn parse(header: &'a [u8]) -> Option<Reply<'a>> {
        let mut lines = header.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let &[b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b' ', ref rest @ ..] =
            lines.next()?
        else {
            return None;
        };
        if !major.is_ascii_digit() || !minor.is_ascii_digit() {
            return None;
        }
        let status = rest.split(|byte| *byte == b' ').next()?;
        let status =
            str::from_utf8(status).ok().filter(|status| status.len() == 3)?.parse().ok()?;
        let mut headers: Vec<(&[u8], Vec<u8>)> = Vec::new();
        for line in lines {
            if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
                // The line continues the one before.
                if let Some((_, value)) = headers.last_mut() {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
            } else if let Some(colon) = line.iter().position(|byte| *byte == b':') {
                let value = line[colon + 1..].trim_ascii().to_vec();
                headers.push((line[..colon].trim_ascii(), value));
            }
        }
        Some(Reply { status, is_old: (major, minor) <= (b'1', b'0'), headers })
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named =
            move |header: &&(&[u8], Vec<u8>)| header.0.eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().filter(named).map(|(_, value)| value.as_slice())
    }

    /// Returns whether the proxy closes the connection after this reply.
    fn closes(&self) -> bool {
        let mut told = self.values("proxy-connection").chain(self.values("connection"));
        match told.next().map(<[u8]>::to_ascii_lowercase).as_deref() {
            Some(b"close") => true,
            Some(b"keep-alive") => false,
            _ => self.is_old,
        }
    }

    fn is_chunked(&self) -> bool {
        let chunked = |value: &[u8]| value.to_ascii_lowercase().ends_with(b"chunked");
        self.values("transfer-encoding").any(chunked)
    }

    /// Returns whether the reply states the length of its body in two different ways.
    fn contradicts_itself(&self) -> bool {
        let mut lengths = self.values("content-length");
        let Some(first) = lengths.next() else { return false };
        self.is_chunked() || lengths.any(|length| length != first)
    }

    /// Returns the kind of body, or `None` if its end is not known. As in Qt, a reply without a
    /// length has no body if the connection stays open.
    fn body(&self) -> Option<Body> {
        if self.is_chunked() {
            return Some(Body::ChunkLine);
        }
        match self.values("content-length").next() {
            None => Some(Body::Length(0)),
            Some(length) => str::from_utf8(length).ok()?.parse().ok().map(Body::Length),
        }
    }
}
