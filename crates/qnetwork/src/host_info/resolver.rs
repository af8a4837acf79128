//! Calls of the system's resolver: names to addresses, addresses to names. They block.

use std::{io, net::SocketAddr};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind};

use super::{ace::to_ace, cache, error::HostInfoErrorKind, info::QHostInfo, named::named};
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    sys,
};

/// Returns the answer for an invalid name, which the resolver need not be asked for.
pub(super) fn refuse(name: &str) -> Option<QHostInfo> {
    let not_found = |text| QHostInfo::failed(name, HostInfoErrorKind::HostNotFound, text);
    if name.is_empty() {
        return Some(not_found("No host name given"));
    }
    if name.parse::<QHostAddress>().is_ok() {
        return None;
    }
    match to_ace(name) {
        None => Some(not_found("Invalid hostname")),
        Some(ace) if is_never_found(&ace) => Some(QHostInfo::not_found(name)),
        Some(_) => None,
    }
}

/// Returns whether `name` ends in `.invalid`. There are no such hosts, and RFC 6761, section 6.4,
/// forbids asking a resolver for them.
fn is_never_found(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("invalid")
}

/// Looks up a name or address and waits for the answer.
pub(super) fn resolve(name: &str) -> QHostInfo {
    let info = refuse(name).unwrap_or_else(|| match name.parse() {
        Ok(address) => name_of(address),
        Err(_) => addresses_of(name),
    });
    cache::put(name, &info);
    info
}

fn name_of(address: QHostAddress) -> QHostInfo {
    // Like Qt, asks without the interface.
    let ip = match (address.protocol(), address.to_ipv4_address()) {
        (NetworkLayerProtocol::IPv4, Some(ip)) => ip.into(),
        _ => address.to_ipv6_address().into(),
    };
    #[cfg(feature = "simulation")]
    if let Some(name) = crate::simulation::name_of(ip) {
        return QHostInfo::found(&name.unwrap_or_else(|| address.to_string()), vec![address]);
    }
    let name = match dns_lookup::getnameinfo(&SocketAddr::new(ip, 0), 0) {
        Ok((name, _)) if !name.is_empty() => name,
        _ => address.to_string(),
    };
    QHostInfo::found(&name, vec![address])
}

fn addresses_of(name: &str) -> QHostInfo {
    #[cfg(feature = "simulation")]
    if let Some(addresses) = crate::simulation::addresses_of(&to_ace(name).unwrap_or_default()) {
        return match &*addresses {
            [] => QHostInfo::not_found(name),
            found => QHostInfo::found(name, found.iter().map(|ip| (*ip).into()).collect()),
        };
    }
    let hints = AddrInfoHints { flags: sys::ADDRESSES_OF_USE, ..AddrInfoHints::default() };
    // A system that does not know the flag is asked again without it.
    let asked = to_ace(name).unwrap_or_default();
    let found = match dns_lookup::getaddrinfo(Some(&asked), None, Some(hints)) {
        Err(error) if matches!(error.kind(), LookupErrorKind::Badflags) => {
            dns_lookup::getaddrinfo(Some(&asked), None, None)
        }
        found => found,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return failed(name, error),
    };
    let mut addresses = Vec::new();
    for one in found.flatten() {
        // The resolver returns each address once for each socket type.
        let (address, _) = named(&one.sockaddr);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return QHostInfo::failed(name, HostInfoErrorKind::Unknown, "Unknown address type");
    }
    QHostInfo::found(name, addresses)
}

fn failed(name: &str, error: LookupError) -> QHostInfo {
    match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData | LookupErrorKind::Fail => {
            QHostInfo::not_found(name)
        }
        _ => {
            let text = io::Error::from(error).to_string();
            // Qt uses the system's text alone.
            let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
            QHostInfo::failed(name, HostInfoErrorKind::Unknown, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_for_invalid_names() {
        for name in ["invalid", "no.such.host.INVALID", "host.invalid.", "b\u{fc}cher.invalid"] {
            assert!(is_never_found(name), "{name}");
            assert_eq!(refuse(name), Some(QHostInfo::not_found(name)));
        }
        for name in ["", ".", "localhost", "invalid.example", "notinvalid"] {
            assert!(!is_never_found(name), "{name}");
        }
    }

    #[test]
    fn errors_of_the_resolver_as_qt_tells_them() {
        for code in [libc::EAI_NONAME, libc::EAI_FAIL] {
            assert_eq!(failed("x", LookupError::new(code)), QHostInfo::not_found("x"));
        }
        // The BSDs have no such error number.
        #[cfg(target_os = "linux")]
        assert_eq!(failed("x", LookupError::new(libc::EAI_NODATA)), QHostInfo::not_found("x"));
        let info = failed("x", LookupError::new(libc::EAI_AGAIN));
        assert_eq!(info.error(), Some(HostInfoErrorKind::Unknown));
        assert!(!info.error_string().is_empty());
        assert!(!info.error_string().contains("failed to lookup"), "{}", info.error_string());
    }
}
