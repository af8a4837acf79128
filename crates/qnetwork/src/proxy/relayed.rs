//! The format of datagrams to and from a SOCKS5 proxy (RFC 1928, section 7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::handshake::Target;
use crate::address::QHostAddress;

/// Creates the datagram that tells the proxy to send `data` to `target`.
pub(crate) fn wrap(target: &Target, data: &[u8]) -> Vec<u8> {
    let mut wrapped = Vec::with_capacity(22 + data.len());
    wrapped.extend_from_slice(&[0, 0, 0]);
    let port = match target {
        Target::Address(address, port) => {
            match address.to_ip_addr().filter(|_| *address != QHostAddress::Any) {
                Some(IpAddr::V6(address)) => {
                    wrapped.push(4);
                    wrapped.extend_from_slice(&address.octets());
                }
                address => {
                    // As everywhere, a null address means the local machine. Here that is the
                    // machine of the proxy.
                    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                    if let IpAddr::V4(address) = address.unwrap_or(any) {
                        wrapped.push(1);
                        wrapped.extend_from_slice(&address.octets());
                    }
                }
            }
            port
        }
        Target::Name(name, port) => {
            // ASCII host names are never longer.
            let name = &name.as_bytes()[..name.len().min(255)];
            wrapped.extend_from_slice(&[3, name.len() as u8]);
            wrapped.extend_from_slice(name);
            port
        }
    };
    wrapped.extend_from_slice(&port.to_be_bytes());
    wrapped.extend_from_slice(data);
    wrapped
}

/// Returns the sender and data of a datagram from the proxy. Returns `None` for an invalid
/// datagram. Like Qt, it also drops fragments and senders without an address.
pub(crate) fn unwrap(bytes: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let &[0, 0, 0, kind, ref rest @ ..] = bytes else { return None };
    let (address, rest): (IpAddr, &[u8]) = match kind {
        1 => {
            let (octets, rest) = rest.split_first_chunk::<4>()?;
            (Ipv4Addr::from(*octets).into(), rest)
        }
        4 => {
            let (octets, rest) = rest.split_first_chunk::<16>()?;
            (Ipv6Addr::from(*octets).into(), rest)
        }
        _ => return None,
    };
    let (port, data) = rest.split_first_chunk::<2>()?;
    Some(((address, u16::from_be_bytes(*port)).into(), data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (target, sender) in [
            (QHostAddress::from(Ipv4Addr::new(192, 0, 2, 1)), "192.0.2.1:513"),
            (QHostAddress::from(Ipv6Addr::LOCALHOST), "[::1]:513"),
            (QHostAddress::new(), "0.0.0.0:513"),
            (QHostAddress::Any, "0.0.0.0:513"),
        ] {
            let wrapped = wrap(&Target::Address(target.clone(), 0x201), b"data");
            let (from, data) = unwrap(&wrapped).unwrap();
            assert_eq!((from.to_string().as_str(), data), (sender, &b"data"[..]), "{target:?}");
            for end in 0..wrapped.len() - 4 {
                assert_eq!(unwrap(&wrapped[..end]), None);
            }
        }
        let wrapped = wrap(&Target::Name("some.example".to_owned(), 7), b"x");
        assert_eq!(wrapped, b"\0\0\0\x03\x0csome.example\0\x07x");
        assert_eq!(wrap(&Target::Name("n".repeat(300), 7), b"x").len(), 5 + 255 + 2 + 1);
    }

    #[test]
    fn what_is_dropped() {
        let good = b"\0\0\0\x01\x09\x09\x09\x09\0\x07x";
        assert!(unwrap(good).is_some());
        for (at, byte) in [(0, 1), (1, 1), (2, 1), (2, 0x80), (3, 0), (3, 2), (3, 3), (3, 7)] {
            let mut bytes = good.to_vec();
            bytes[at] = byte;
            assert_eq!(unwrap(&bytes), None, "{at} {byte}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything(bytes: Vec<u8>) {
            if let Some((_, data)) = unwrap(&bytes) {
                proptest::prop_assert!(data.len() + 10 <= bytes.len());
            }
        }
    }
}
