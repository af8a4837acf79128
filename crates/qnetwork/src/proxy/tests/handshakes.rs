//! Tests of the proxy protocols without sockets.

use proptest::prelude::*;

use super::{super::handshake::MAX_QUESTIONS, *};
use crate::{
    address::QHostAddress,
    common::{SocketError, SocketErrorKind},
};

fn name() -> Target {
    Target::Name("some.example".to_owned(), 443)
}

fn socks(user: &str, password: &str, target: Target) -> Socks5 {
    asking(user, password, Command::Connect, target)
}

fn asking(user: &str, password: &str, command: Command, target: Target) -> Socks5 {
    let kind = ProxyType::Socks5;
    Socks5::new(&QNetworkProxy::with_credentials(kind, "p", 1, user, password), command, target)
}

fn http(user: &str, password: &str) -> Http {
    let kind = ProxyType::Http;
    Http::new(&QNetworkProxy::with_credentials(kind, "p", 1, user, password), &name())
}

/// The course of a handshake.
#[derive(Debug, PartialEq)]
struct Talk {
    /// The bytes sent in each step.
    said: Vec<Vec<u8>>,
    end: Next,
    /// The bytes left over, which come from the host behind the proxy.
    left: Vec<u8>,
}

/// Feeds a proxy's replies to a protocol, cut into pieces at `cuts`. Calls `answer` when the
/// protocol asks the program for credentials.
fn talk(
    protocol: &mut dyn Handshake,
    replies: &[u8],
    cuts: &[usize],
    answer: &dyn Fn(&crate::QAuthenticator),
) -> Talk {
    let (mut said, mut input, mut asked) = (Vec::new(), Vec::new(), 0);
    let mut pieces: Vec<&[u8]> = Vec::new();
    let (mut from, mut cuts) = (0, cuts.to_vec());
    cuts.sort_unstable();
    for cut in cuts {
        let cut = cut.clamp(from, replies.len());
        pieces.push(&replies[from..cut]);
        from = cut;
    }
    pieces.push(&replies[from..]);
    let mut next = protocol.begin();
    let mut pieces = pieces.into_iter();
    loop {
        next = match next {
            Next::Send(bytes) => {
                if !bytes.is_empty() {
                    said.push(bytes);
                }
                feed(protocol, &mut input)
            }
            Next::Ask => {
                asked += 1;
                assert!(asked < 20, "asked without end");
                answer(&protocol.authenticator());
                protocol.answered()
            }
            Next::Reconnect => {
                said.push(b"(reconnect)".to_vec());
                input.clear();
                protocol.begin()
            }
            Next::More => match pieces.next() {
                Some(piece) => {
                    input.extend_from_slice(piece);
                    // However much comes, the input kept is bounded.
                    assert!(input.len() <= 70_000 + piece.len());
                    feed(protocol, &mut input)
                }
                None => return Talk { said, end: Next::Failed(protocol.closed()), left: input },
            },
            end => {
                input.extend(pieces.flatten());
                return Talk { said, end, left: input };
            }
        };
    }
}

fn feed(protocol: &mut dyn Handshake, input: &mut Vec<u8>) -> Next {
    let (used, next) = protocol.feed(input);
    input.drain(..used);
    next
}

fn nobody(_: &crate::QAuthenticator) {}

fn failure(talk: Talk) -> (SocketErrorKind, String) {
    match talk.end {
        Next::Failed(error) => (error.kind(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

// ---- SOCKS5

#[test]
fn socks5_requests() {
    let reply = b"\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x05\x06rest";
    let end = Next::Connected(Some(("1.2.3.4".parse().unwrap(), 0x0506)));
    let ip = |text: &str| Target::Address(text.parse::<QHostAddress>().unwrap(), 80);
    for (target, request) in [
        (name(), &b"\x05\x01\x00\x03\x0csome.example\x01\xbb"[..]),
        (ip("93.184.216.34"), b"\x05\x01\x00\x01\x5d\xb8\xd8\x22\x00\x50"),
        (ip("::1"), b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50"),
    ] {
        let talk = talk(&mut socks("", "", target), reply, &[], &nobody);
        assert_eq!(talk.said, [b"\x05\x01\x00".to_vec(), request.to_vec()]);
        assert_eq!(
            (talk.end, talk.left),
            (Next::Connected(Some(("1.2.3.4".parse().unwrap(), 0x0506))), b"rest".to_vec())
        );
    }
    drop(end);
    let long = Target::Name("x".repeat(256), 1);
    let talk = talk(&mut socks("", "", long), reply, &[], &nobody);
    assert_eq!(failure(talk).0, SocketErrorKind::HostNotFound);
}

#[test]
fn socks5_listening_and_relaying() {
    let any = || Target::Address(QHostAddress::AnyIPv4, 4321);
    let place: (QHostAddress, u16) = ("1.2.3.4".parse().unwrap(), 0x0506);
    let replies = b"\x05\x00\x05\0\0\x01\x01\x02\x03\x04\x05\x06\x05\0\0\x03\x03abc\x01\x02rest";
    // The relay's address ends the handshake.
    let mut relays = asking("", "", Command::Associate, any());
    let told = talk(&mut relays, &replies[..12], &[], &nobody);
    assert_eq!(told.said[1], b"\x05\x03\0\x01\0\0\0\0\x10\xe1");
    assert_eq!(told.end, Next::Connected(Some(place.clone())));

    // Each read asks for exactly the bytes needed, so that none of the peer's bytes are taken.
    let mut binds = asking("", "", Command::Bind, any());
    assert!(matches!(binds.begin(), Next::Send(_)));
    assert_eq!(binds.feed(&replies[..2]).0, 2);
    let (mut at, mut have, mut listens) = (2, Vec::new(), None);
    loop {
        let wants = binds.wants(&have);
        assert!((1..=10).contains(&wants), "{wants}");
        have.extend_from_slice(&replies[at..at + wants]);
        at += wants;
        let (used, next) = binds.feed(&have);
        have.drain(..used);
        match next {
            Next::More => {}
            Next::Listening(address, port) => listens = Some((address, port)),
            next => {
                assert_eq!(next, Next::Accepted(QHostAddress::new(), 0x0102));
                break;
            }
        }
    }
    assert_eq!((listens, have.len(), &replies[at..]), (Some(place), 0, &b"rest"[..]));

    // The other commands need an address that the client can reach.
    for command in [Command::Bind, Command::Associate] {
        for reply in
            [&b"\x05\0\x05\0\0\x03\x01n\0\x07"[..], b"\x05\0\x05\0\0\x01\x01\x02\x03\x04\0\0"]
        {
            let told = talk(&mut asking("", "", command, any()), reply, &[], &nobody);
            assert_eq!(failure(told).0, SocketErrorKind::ProxyProtocol);
        }
    }
}

#[test]
fn socks5_replies_with_other_addresses() {
    for (address, shown) in [
        (&b"\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"[..], "::1"),
        (b"\x03\x05names", ""),
        (b"\x03\x00", ""),
    ] {
        let reply = [b"\x05\x00\x05\x00\x00", address, b"\x00\x07left"].concat();
        let talk = talk(&mut socks("", "", name()), &reply, &[], &nobody);
        let Next::Connected(Some((local, 7))) = talk.end else { panic!("{:?}", talk.end) };
        assert_eq!((local.to_string(), talk.left), (shown.to_owned(), b"left".to_vec()));
    }
}

#[test]
fn socks5_errors() {
    use SocketErrorKind::*;
    let end = |replies: &[u8]| failure(talk(&mut socks("", "", name()), replies, &[], &nobody)).0;
    assert_eq!(end(b"\x04\x04\x04\x04"), ProxyProtocol);
    assert_eq!(end(b"\x05\x00\x04\x04\x04\x04"), ProxyProtocol);
    assert_eq!(end(b"\x05\x7f"), SocketAccess);
    assert_eq!(end(b"\x05\x02"), SocketAccess);
    assert_eq!(end(b"\x05\xff"), ProxyAuthenticationRequired);
    assert_eq!(end(b"\x05\x00\x05\x00\x00\x02"), ProxyProtocol);
    assert_eq!(end(b""), ProxyConnectionClosed);
    let ip = || Target::Address("1.2.3.4".parse().unwrap(), 1);
    for (code, kind, text) in [
        (1, Network, "General SOCKSv5 server failure"),
        (2, SocketAccess, "Connection not allowed by SOCKSv5 server"),
        (3, Network, "Network unreachable"),
        (4, HostNotFound, "Host not found"),
        (5, ConnectionRefused, "Connection refused"),
        (6, Network, "TTL expired"),
        (7, UnsupportedSocketOperation, "SOCKSv5 command not supported"),
        (8, UnsupportedSocketOperation, "Address type not supported"),
        (0x2a, Unknown, "Unknown SOCKSv5 proxy error code 0x2a"),
    ] {
        let replies = [5, 0, 5, code];
        let told = failure(talk(&mut socks("", "", ip()), &replies, &[], &nobody));
        assert_eq!(told, (kind, text.to_owned()));
    }
    // Proxies reply like this when they cannot resolve a name.
    assert_eq!(end(b"\x05\x00\x05\x01"), HostNotFound);
    assert_eq!(end(b"\x05\x00\x05\x02"), HostNotFound);
    assert_eq!(end(b"\x05\x00\x05\x06"), Network);
}

#[test]
fn socks5_credentials() {
    let good = b"\x05\x02\x01\x00\x05\x00\x00\x01\x01\x02\x03\x04\x05\x06";
    let told = talk(&mut socks("user", "pass", name()), good, &[], &nobody);
    assert_eq!(told.said[..2], [b"\x05\x01\x02".to_vec(), b"\x01\x04user\x04pass".to_vec()]);
    assert!(matches!(told.end, Next::Connected(_)));
    // A proxy may accept a client with credentials without asking for them.
    let told = talk(&mut socks("user", "pass", name()), b"\x05\x00\x05\x05", &[], &nobody);
    assert_eq!(failure(told).0, SocketErrorKind::ConnectionRefused);
    // The protocol asks for other credentials and connects again.
    let answer = |authenticator: &crate::QAuthenticator| {
        assert!(authenticator.user().is_empty());
        authenticator.set_user("u");
    };
    let mut protocol = socks("", "", name());
    let told = talk(&mut protocol, b"\x05\xff", &[], &answer);
    assert_eq!(told.said[1..], [b"(reconnect)".to_vec(), b"\x05\x01\x02".to_vec()]);
    let told = talk(&mut protocol, b"\x05\x02\x01\x01", &[], &nobody);
    assert_eq!(told.said[1], b"\x01\x01u\x00");
    assert_eq!(
        failure(told),
        (SocketErrorKind::ProxyAuthenticationRequired, "Proxy authentication failed".to_owned(),)
    );
    let long = "x".repeat(256);
    let told = talk(&mut socks(&long, "", name()), b"\x05\x02", &[], &nobody);
    assert_eq!(failure(told).0, SocketErrorKind::ProxyAuthenticationRequired);
}

/// Replies cut at any place give the same result. Replies that end early report that the proxy has
/// closed the connection.
#[test]
fn socks5_replies_cut_and_incomplete() {
    for (reply, address) in [
        (&b"\x05\x02\x01\x00\x05\x00\x00\x01\x01\x02\x03\x04\x05\x06"[..], "1.2.3.4"),
        (b"\x05\x02\x01\x00\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x05\x06", "::1"),
        (b"\x05\x02\x01\x00\x05\x00\x00\x03\x03abc\x05\x06", ""),
    ] {
        let whole = talk(&mut socks("u", "p", name()), reply, &[], &nobody);
        let place = (address.parse().unwrap_or_default(), 0x0506);
        assert_eq!(whole.end, Next::Connected(Some(place)));
        for cut in 0..reply.len() {
            assert_eq!(talk(&mut socks("u", "p", name()), reply, &[cut], &nobody), whole);
            let ended = talk(&mut socks("u", "p", name()), &reply[..cut], &[], &nobody);
            assert_eq!(failure(ended).0, SocketErrorKind::ProxyConnectionClosed, "{cut}");
        }
    }
}

// ---- HTTP

#[test]
fn http_requests() {
    let sent = |mut protocol: Http| match protocol.begin() {
        Next::Send(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        sent(http("", "")),
        "CONNECT some.example:443 HTTP/1.1\r\nProxy-Connection: keep-alive\r\n\
         Host: some.example\r\nUser-Agent: Mozilla/5.0\r\n\r\n"
    );
    // The client sends no credentials before a challenge.
    assert!(!sent(http("user", "pass")).contains("Authorization"));
    let mut proxy = QNetworkProxy::new(ProxyType::Http, "p", 1);
    proxy.set_header(KnownHeader::UserAgent, "me");
    proxy.set_raw_header("X-Y", "z");
    let target = Target::Address("fe80::1%lo".parse().unwrap(), 80);
    let told = sent(Http::new(&proxy, &target));
    assert!(told.starts_with("CONNECT [fe80::1]:80 HTTP/1.1\r\n"), "{told}");
    assert!(told.ends_with("\r\nUser-Agent: me\r\nX-Y: z\r\n\r\n"), "{told}");
}

fn http_end(reply: &[u8]) -> SocketErrorKind {
    failure(talk(&mut http("", ""), reply, &[], &nobody)).0
}

#[test]
fn http_errors() {
    use SocketErrorKind::*;
    for (reply, kind) in [
        (&b""[..], ProxyConnectionClosed),
        (b"HTTP/1.0 200", ProxyConnectionClosed),
        (b"This is not HTTP\r\n\r\n", ProxyProtocol),
        (b"This is", ProxyProtocol),
        (b"HTTP/1 200 OK\r\n\r\n", ProxyProtocol),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", ProxyProtocol),
        (b"HTTP/1.1 +20 OK\r\n\r\n", ProxyProtocol),
        (b"HTTP/1.0 403 Forbidden\r\n\r\n", SocketAccess),
        (b"HTTP/1.0 405 Method Not Allowed\r\nContent-Length: 10\r\n\r\n", SocketAccess),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", HostNotFound),
        (b"HTTP/1.0 503 Service Unavailable\n\n", ConnectionRefused),
        (b"HTTP/1.0 206 Partial Content\r\n\r\n", ProxyProtocol),
        (b"HTTP/1.0 407 Authorization Required\r\n\r\n", ProxyProtocol),
        (
            b"HTTP/1.0 407 Authorization Required\r\nProxy-Authenticate: Nothing\r\n\r\n",
            ProxyProtocol,
        ),
        (
            b"HTTP/1.0 407 A\r\nProxy-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\n",
            ProxyAuthenticationRequired,
        ),
        (
            b"HTTP/1.1 407 A\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
            ProxyAuthenticationRequired,
        ),
    ] {
        assert_eq!(http_end(reply), kind, "{}", String::from_utf8_lossy(reply));
    }
    let endless = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(20_000)].concat();
    assert_eq!(http_end(&endless), ProxyProtocol);
    let mut cuts: Vec<usize> = (0..endless.len()).step_by(997).collect();
    cuts.push(1);
    assert_eq!(failure(talk(&mut http("", ""), &endless, &cuts, &nobody)).0, ProxyProtocol);
}

#[test]
fn http_connected() {
    for reply in [
        &b"HTTP/1.1 200 OK\r\n\r\nrest"[..],
        b"HTTP/1.0 200 Connection established\r\nX: y\r\n\r\nrest",
        b"HTTP/1.1 200\n\nrest",
        // The bytes that follow come from the host, whatever length the proxy states.
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrest",
    ] {
        let whole = talk(&mut http("", ""), reply, &[], &nobody);
        assert_eq!((&whole.end, &*whole.left), (&Next::Connected(None), &b"rest"[..]));
        for cut in 0..reply.len() {
            assert_eq!(talk(&mut http("", ""), reply, &[cut], &nobody), whole, "{cut}");
        }
    }
}

#[test]
fn http_credentials() {
    let challenge = |headers: &str| {
        format!("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"here\"\r\n{headers}\r\n")
    };
    let answered = "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n";
    for (headers, body, again) in [
        ("", "", false),
        ("Content-Length: 5\r\n", "HTTP/", false),
        (
            "Transfer-Encoding: chunked\r\n",
            "3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
            false,
        ),
        ("Proxy-Connection: close\r\nContent-Length: 5\r\n", "", true),
        ("Connection: Close\r\nProxy-Connection: keep-alive\r\n", "", false),
        ("Content-Length: many\r\n", "", true),
    ] {
        let replies = format!("{}{body}HTTP/1.1 200 OK\r\n\r\nrest", challenge(headers));
        let first = challenge(headers).len();
        let whole = if again { &replies[..first] } else { &replies[..] };
        let told = talk(&mut http("user", "pass"), whole.as_bytes(), &[], &nobody);
        let last = String::from_utf8(told.said.last().unwrap().clone()).unwrap();
        assert!(last.ends_with(answered), "{headers} {last}");
        assert_eq!(told.said.len(), if again { 3 } else { 2 }, "{headers}");
        if again {
            continue;
        }
        assert_eq!((&told.end, &*told.left), (&Next::Connected(None), &b"rest"[..]), "{headers}");
        for cut in 0..replies.len() {
            let cut = talk(&mut http("user", "pass"), replies.as_bytes(), &[cut], &nobody);
            assert_eq!(cut, told, "{headers}");
        }
    }
    // The proxy refuses the credentials. The protocol asks for others and does not reveal the
    // refused ones.
    let twice = challenge("").repeat(2);
    let other = |authenticator: &crate::QAuthenticator| {
        assert_eq!((&*authenticator.user(), &*authenticator.realm()), ("", "here"));
        authenticator.set_password("other");
    };
    let told = talk(&mut http("user", "pass"), twice.as_bytes(), &[], &other);
    let last = String::from_utf8(told.said[2].clone()).unwrap();
    assert!(last.ends_with("Proxy-Authorization: Basic Om90aGVy\r\n\r\n"), "{last}");
    assert_eq!(failure(told).0, SocketErrorKind::ProxyConnectionClosed);
    let told = talk(&mut http("user", "pass"), twice.as_bytes(), &[], &nobody);
    assert_eq!(failure(told).0, SocketErrorKind::ProxyAuthenticationRequired);
}

#[test]
fn http_bodies_that_make_no_sense() {
    let challenge = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\
                     Transfer-Encoding: chunked\r\n\r\n";
    for body in ["zz\r\n", "+5\r\n", "\r\n", "ffffffffffffffffff\r\n"] {
        let replies = format!("{challenge}{body}");
        assert_eq!(http_end(replies.as_bytes()), SocketErrorKind::ProxyProtocol, "{body}");
    }
    let line = format!("{challenge}{}", "1".repeat(200_000));
    assert_eq!(http_end(line.as_bytes()), SocketErrorKind::ProxyProtocol);
}

/// Generates replies from valid and invalid parts.
fn replies() -> impl Strategy<Value = Vec<u8>> {
    let words = proptest::sample::select(vec![
        &b"HTTP/1.1 200 OK\r\n"[..],
        b"HTTP/1.0 407 Who\r\n",
        b"Proxy-Authenticate: Basic realm=\"x\"\r\n",
        b"Proxy-Authenticate: Digest realm=\"x\", nonce=\"",
        b"Content-Length: 7\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"\r\n",
        b"\n",
        b"5\r\n",
        b"0\r\n",
        b"\x05\x00",
        b"\x05\x02",
        b"\x01\x00",
        b"\x05\x00\x00\x01",
        b"\x00\x03\xff",
    ]);
    let piece = prop_oneof![
        3 => words.prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn it_does_not_matter_how_replies_are_cut(
        replies in replies(),
        cuts in proptest::collection::vec(0_usize..200, 0..6),
    ) {
        let answer = |authenticator: &crate::QAuthenticator| authenticator.set_user("u");
        for user in ["", "user"] {
            let whole = talk(&mut socks(user, user, name()), &replies, &[], &answer);
            let cut = talk(&mut socks(user, user, name()), &replies, &cuts, &answer);
            // A new connection gets different bytes.
            let anew = |talk: &Talk| talk.said.contains(&b"(reconnect)".to_vec());
            prop_assert!(anew(&whole) || same(&whole, &cut));
            let whole = talk(&mut http(user, user), &replies, &[], &answer);
            let cut = talk(&mut http(user, user), &replies, &cuts, &answer);
            prop_assert!(anew(&whole) || same(&whole, &cut));
        }
    }
}

/// Returns whether two handshakes had the same result. After a failure the left-over bytes do not
/// count, and nonces always differ.
fn same(one: &Talk, other: &Talk) -> bool {
    let failed = matches!(one.end, Next::Failed(_));
    one.end == other.end && one.said.len() == other.said.len() && (failed || one.left == other.left)
}

#[test]
fn errors_on_the_way_to_the_proxy() {
    use SocketErrorKind::*;
    for (error, kind, of_socks, of_http) in [
        (
            SocketError::connection_refused(),
            ProxyConnectionRefused,
            "Connection to proxy refused",
            "Proxy connection refused",
        ),
        (
            SocketError::host_not_found(),
            ProxyNotFound,
            "Proxy host not found",
            "Proxy server not found",
        ),
        (
            SocketError::timed_out(),
            ProxyConnectionTimeout,
            "Connection to proxy timed out",
            "Proxy server connection timed out",
        ),
        (SocketError::unknown(), Unknown, "Unknown error", "Unknown error"),
    ] {
        let told = socks("", "", name()).failed_to_connect(&error);
        assert_eq!((told.kind(), &*told.to_string()), (kind, of_socks));
        let told = http("", "").failed_to_connect(&error);
        assert_eq!((told.kind(), &*told.to_string()), (kind, of_http));
    }
}

// ---- proxies that never finish

/// Plays a proxy that repeats itself. Returns the number of requests, the number of times that the
/// program was asked, and the error.
fn endless(
    protocol: &mut dyn Handshake,
    reply: &dyn Fn(usize) -> Vec<u8>,
    answer: &dyn Fn(&crate::QAuthenticator),
) -> (usize, usize, SocketErrorKind) {
    let (mut requests, mut asked, mut input) = (0, 0, Vec::new());
    let mut next = protocol.begin();
    for _ in 0..1000 {
        next = match next {
            Next::Send(bytes) => {
                if !bytes.is_empty() {
                    requests += 1;
                    input.extend(reply(requests));
                }
                feed(protocol, &mut input)
            }
            Next::Ask => {
                asked += 1;
                answer(&protocol.authenticator());
                protocol.answered()
            }
            Next::Reconnect => {
                input.clear();
                protocol.begin()
            }
            Next::Failed(error) => return (requests, asked, error.kind()),
            other => panic!("{other:?}"),
        };
    }
    panic!("the handshake does not end");
}

fn the_same(authenticator: &crate::QAuthenticator) {
    authenticator.set_user("user");
    authenticator.set_password("pass");
}

/// Returns a challenge whose nonce is new each time and marks the last answer as stale.
fn stale(requests: usize) -> Vec<u8> {
    format!(
        "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"{requests}\", \
         stale=true\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn a_nonce_is_stale_once() {
    let required = SocketErrorKind::ProxyAuthenticationRequired;
    // The client sends a request, an answer, and one more answer for the new nonce. Then it asks
    // the program.
    assert_eq!(endless(&mut http("user", "pass"), &stale, &nobody), (3, 1, required));
    assert_eq!(endless(&mut http("", ""), &stale, &nobody), (1, 1, required));
    // Each of the program's answers is sent twice.
    let questions = usize::from(MAX_QUESTIONS);
    let end = endless(&mut http("", ""), &stale, &the_same);
    assert_eq!(end, (1 + 2 * questions, questions, required));
}

#[test]
fn the_program_is_asked_so_often_and_no_more() {
    let (questions, required) =
        (usize::from(MAX_QUESTIONS), SocketErrorKind::ProxyAuthenticationRequired);
    for headers in ["Content-Length: 0\r\n", "Connection: close\r\n", "Content-Length: 70000\r\n"] {
        // The realm differs each time.
        let refuse = |requests: usize| {
            let realm = format!("Proxy-Authenticate: Basic realm=\"{requests}\"\r\n");
            format!("HTTP/1.1 407 Who\r\n{realm}{headers}\r\n").into_bytes()
        };
        let end = endless(&mut http("user", "pass"), &refuse, &the_same);
        assert_eq!(end, (2 + questions, questions, required), "{headers}");
    }
    // Wrong credentials, or a proxy that does not want any.
    let wrong = |requests: usize| match requests % 2 {
        1 => b"\x05\x02".to_vec(),
        _ => b"\x01\x01".to_vec(),
    };
    let end = endless(&mut socks("user", "pass", name()), &wrong, &the_same);
    assert_eq!(end, (2 + 2 * questions, questions, required));
    let end = endless(&mut socks("", "", name()), &|_| b"\x05\xff".to_vec(), &the_same);
    assert_eq!(end, (1 + questions, questions, required));
}

/// Sends a 407 with an endless body, in pieces. Returns how many bytes the client reads, and how it
/// ends.
fn endless_body(headers: &str, piece: &[u8]) -> (usize, Next) {
    let mut protocol = http("", "");
    protocol.begin();
    let mut input =
        format!("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"r\"\r\n{headers}\r\n")
            .into_bytes();
    let mut taken = 0;
    loop {
        match feed(&mut protocol, &mut input) {
            Next::More => {}
            Next::Send(bytes) if bytes.is_empty() => {}
            end => return (taken, end),
        }
        input.extend_from_slice(piece);
        taken += piece.len();
        assert!(taken < 1 << 20, "the client reads without end");
    }
}

#[test]
fn bodies_without_end() {
    let chunk = b"10\r\n0123456789abcdef\r\n".repeat(10);
    for (headers, piece) in [
        ("Transfer-Encoding: chunked\r\n", &chunk[..]),
        ("Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"0\r\nT: x\r\n"),
        ("Content-Length: 99999999999\r\n", b"x"),
        ("Content-Length: 70000\r\n", b"x"),
    ] {
        let (taken, end) = endless_body(headers, piece);
        // The client asks the program and does not read the rest, because it closes the connection.
        assert_eq!(end, Next::Ask, "{headers}");
        assert!(taken <= 65_536 + piece.len(), "{headers} {taken}");
    }
    // A line without an end is an error, and so is an invalid length.
    for (headers, piece) in [
        ("Transfer-Encoding: chunked\r\n", &b"1111111111111111"[..]),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", &chunk),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", &chunk),
    ] {
        let (taken, end) = endless_body(headers, piece);
        let Next::Failed(error) = end else { panic!("{headers} {end:?}") };
        assert_eq!(error.kind(), SocketErrorKind::ProxyProtocol);
        assert_eq!(error.to_string(), "Did not receive HTTP response from proxy");
        assert!(taken <= 2 * 65_536, "{headers} {taken}");
    }
}

#[test]
fn a_body_up_to_the_limit_is_read() {
    let body = "x".repeat(65_536);
    let headers = "Proxy-Authenticate: Basic realm=\"r\"\r\nContent-Length: 65536\r\n";
    let replies = format!("HTTP/1.1 407 Who\r\n{headers}\r\n{body}HTTP/1.1 200 OK\r\n\r\nrest");
    let cuts: Vec<usize> = (0..replies.len()).step_by(4096).collect();
    let told = talk(&mut http("user", "pass"), replies.as_bytes(), &cuts, &nobody);
    assert_eq!((told.end, told.said.len()), (Next::Connected(None), 2));
    assert_eq!(told.left, b"rest");
}
