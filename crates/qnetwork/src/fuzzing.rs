//! Entry points for the fuzz targets to code that reads bytes from a peer. Not part of the API: the
//! module exists only with `--cfg fuzzing`.

use crate::{
    ProxyType, QNetworkProxy,
    proxy::{Command, Handshake, Http, Next, Socks5, Target, unwrap},
};

/// How many times a proxy may ask for credentials or make the socket reconnect. More is a bug in
/// this library.
const ROUNDS: usize = 40;

/// Treats the data as the replies of a SOCKS5 proxy. The first byte sets the size of the pieces.
pub fn socks5(data: &[u8]) {
    let target = Target::Name("some.example".to_owned(), 443);
    let command = match data.first().map_or(0, |byte| byte % 3) {
        0 => Command::Connect,
        1 => Command::Bind,
        _ => Command::Associate,
    };
    talk(&mut Socks5::new(&proxy(ProxyType::Socks5, data), command, target), data);
    unwrap(data);
}

/// Treats the data as the replies of an HTTP proxy.
pub fn http_proxy(data: &[u8]) {
    let target = Target::Name("some.example".to_owned(), 443);
    talk(&mut Http::new(&proxy(ProxyType::Http, data), &target), data);
}

/// Treats each line as a step of authentication: a setting, a challenge, or a request for an
/// answer.
pub fn authenticate(data: &[u8]) {
    crate::auth::fuzz::rounds(data);
}

/// Treats the text as host names, and as the resolver's configuration.
pub fn names(text: &str) {
    crate::host_info::fuzz(text);
    #[cfg(feature = "dns")]
    crate::dns_lookup::fuzz::configuration(text);
}

/// Treats the packet as the kernel's list of interfaces.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn netlink(packet: &[u8]) {
    for link in crate::sys::fuzz_interfaces(packet) {
        let interface = crate::QNetworkInterface::of(link);
        let text = format!("{interface:?}");
        assert!(!text.is_empty());
        for entry in interface.address_entries() {
            let longest = if entry.ip().to_string().contains(':') { 128 } else { 32 };
            assert!(entry.prefix_length().is_none_or(|length| length <= longest), "{entry:?}");
            let _ = (entry.netmask(), entry.broadcast());
        }
    }
}

/// Treats the data as the replies of name servers.
#[cfg(feature = "dns")]
pub fn dns(data: &[u8]) {
    crate::dns_lookup::fuzz::replies(data);
}

#[cfg(feature = "_tls")]
pub use crate::ssl::fuzz::{
    Identity, finds_no_fault, is_valid_response, tls_handshake, tls_records,
};

fn proxy(kind: ProxyType, data: &[u8]) -> QNetworkProxy {
    let user = if data.first().is_some_and(|byte| byte & 1 == 1) { "me" } else { "" };
    QNetworkProxy::with_credentials(kind, "proxy.example", 1, user, user)
}

fn talk(protocol: &mut dyn Handshake, data: &[u8]) {
    let [piece, data @ ..] = data else { return };
    let mut pieces = data.chunks(usize::from(*piece).max(1));
    let mut input: Vec<u8> = Vec::new();
    let mut next = protocol.begin();
    let mut rounds = 0;
    loop {
        next = match next {
            Next::Connected(_) | Next::Accepted(..) | Next::Failed(_) => return,
            Next::Ask => {
                rounds += 1;
                protocol.authenticator().set_user(&format!("user {rounds}"));
                protocol.answered()
            }
            Next::Reconnect => {
                rounds += 1;
                input.clear();
                protocol.begin()
            }
            Next::Send(_) | Next::Listening(..) => feed(protocol, &mut input),
            Next::More => match pieces.next() {
                Some(piece) => {
                    input.extend_from_slice(piece);
                    assert!(input.len() <= 70_000 + piece.len(), "it keeps all that comes");
                    feed(protocol, &mut input)
                }
                None => {
                    protocol.closed();
                    return;
                }
            },
        };
        if rounds > ROUNDS && data.len() < ROUNDS {
            panic!("it asks without end");
        }
    }
}

fn feed(protocol: &mut dyn Handshake, input: &mut Vec<u8>) -> Next {
    let (used, next) = protocol.feed(input);
    input.drain(..used);
    next
}
