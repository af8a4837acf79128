//! The part of URL parsing that proxies need.

use std::{error::Error, fmt, io, str::FromStr};

use super::value::{ProxyType, QNetworkProxy};
use crate::{address::QHostAddress, host_info::ace};

/// The error for a text that is not the URL of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyParseError(());

impl fmt::Display for ProxyParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid URL of a proxy")
    }
}

impl Error for ProxyParseError {}

impl From<ProxyParseError> for io::Error {
    /// The kind is [`InvalidInput`](io::ErrorKind::InvalidInput).
    fn from(error: ProxyParseError) -> Self {
        io::Error::new(io::ErrorKind::InvalidInput, error)
    }
}

/// Parses the URL of a proxy, as people write it on command lines and in the environment.
///
/// `socks5://HOST:PORT` and `socks5h://HOST:PORT` are SOCKS5 proxies.
/// `http://USER:PASSWORD@HOST:PORT` is an HTTP proxy, and so is a URL without a scheme. The default
/// ports are 1080 for SOCKS and 8080 for HTTP. Special characters in user name and password are
/// percent-encoded, as in `%40`.
///
/// # Errors
///
/// [`ProxyParseError`] for every other text. Proxies over TLS (`https://`) are not supported.
///
/// # Examples
///
/// ```
/// use qnetwork::{ProxyType, QNetworkProxy};
///
/// let proxy: QNetworkProxy = "socks5://me:p%40ss@proxy.example:1081".parse()?;
/// assert_eq!((proxy.proxy_type(), proxy.port()), (ProxyType::Socks5, 1081));
/// assert_eq!((proxy.user(), proxy.password()), ("me", "p@ss"));
/// assert!("gopher://proxy.example".parse::<QNetworkProxy>().is_err());
/// # Ok::<(), qnetwork::ProxyParseError>(())
/// ```
impl FromStr for QNetworkProxy {
    type Err = ProxyParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        of_url(text).ok_or(ProxyParseError(()))
    }
}

fn of_url(text: &str) -> Option<QNetworkProxy> {
    // Without the slashes the host in `host:port` would be parsed as a scheme.
    let url = match text.contains("//") {
        true => Url::parse(text)?,
        false => Url::parse(&format!("//{text}"))?,
    };
    if url.host.is_empty() {
        return None;
    }
    let (proxy_type, port) = match &*url.scheme {
        "socks5" | "socks5h" => (ProxyType::Socks5, 1080),
        "" | "http" => (ProxyType::Http, 8080),
        _ => return None,
    };
    let port = url.port.filter(|port| *port != 0).unwrap_or(port);
    let (user, password) = (url.user(), url.password());
    Some(QNetworkProxy::with_credentials(proxy_type, url.host, port, user, password))
}

/// The parts of a URL. A part that is missing is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    /// In lower case.
    pub(super) scheme: String,
    /// As written.
    user_info: String,
    /// In lower case and ASCII; an IPv6 address without its brackets.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// Path, query and fragment, as written.
    rest: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Option<Url> {
        let mut url = Url::default();
        let mut text = text;
        if let Some((scheme, rest)) = text.split_once(':')
            && is_scheme(scheme)
        {
            url.scheme = scheme.to_ascii_lowercase();
            text = rest;
        }
        let Some(authority) = text.strip_prefix("//") else {
            url.rest = text.to_owned();
            return Some(url);
        };
        let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
        let (authority, rest) = authority.split_at(end);
        url.rest = rest.to_owned();
        let (user_info, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        url.user_info = user_info.to_owned();
        let (host, port) = match place.rfind(':') {
            Some(at) if !place[at..].contains(']') => (&place[..at], &place[at + 1..]),
            _ => (place, ""),
        };
        if !port.is_empty() {
            url.port = Some(port.parse().ok()?);
        }
        url.host = valid_host(host)?;
        Some(url)
    }

    pub(super) fn set_scheme(&mut self, scheme: &str) {
        self.scheme.clear();
        if is_scheme(scheme) {
            self.scheme = scheme.to_ascii_lowercase();
        }
    }

    pub(super) fn set_host(&mut self, host: &str) {
        self.host = valid_host(host).unwrap_or_default();
    }

    pub(super) fn user(&self) -> String {
        let user = self.user_info.split_once(':').map_or(&*self.user_info, |(user, _)| user);
        decode(user)
    }

    pub(super) fn password(&self) -> String {
        self.user_info.split_once(':').map_or(String::new(), |(_, password)| decode(password))
    }

    /// Returns the URL as Qt writes it.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if !self.host.is_empty() || self.port.is_some() || !self.user_info.is_empty() {
            if self.scheme.is_empty() {
                text.push(':');
            }
            text.push_str("//");
            if !self.user_info.is_empty() {
                text.push_str(&self.user_info);
                text.push('@');
            }
            match self.host.contains(':') {
                true => text.push_str(&format!("[{}]", self.host)),
                false => text.push_str(&self.host),
            }
            if let Some(port) = self.port {
                text.push_str(&format!(":{port}"));
            }
        }
        text.push_str(&self.rest);
        text
    }
}

fn is_scheme(text: &str) -> bool {
    let more = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(more)
}

/// Normalizes the host of a URL: a name becomes lower-case ASCII, an address is parsed and printed.
fn valid_host(host: &str) -> Option<String> {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if inner.is_some() || host.contains(':') {
        let address: QHostAddress = inner.unwrap_or(host).parse().ok()?;
        return Some(address.to_string());
    }
    let name = if host.is_ascii() { host.to_owned() } else { ace::to_ace(host)? };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    name.chars().all(allowed).then(|| name.to_ascii_lowercase())
}

/// Decodes percent-encoding: `%41` becomes `A`. Invalid UTF-8 is replaced.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        let code = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) if *first == b'%' => {
                bytes.push(code);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
