//! Addresses in a [`QDataStream`], in Qt's format: one byte for the protocol, then the address.

use qcore::{
    QDataStream,
    stream::{FromStream, StreamStatus, ToStream},
};

use super::{QHostAddress, Repr};
use std::net::Ipv6Addr;

const NULL: i8 = -1;
const IPV4: i8 = 0;
const IPV6: i8 = 1;
const ANY: i8 = 2;

/// Writes the address, including its scope id.
///
/// ```
/// use qcore::QDataStream;
/// use qnetwork::QHostAddress;
///
/// let mut stream = QDataStream::from_bytes([]);
/// stream.write(&QHostAddress::LocalHost).write(&QHostAddress::Any);
/// assert_eq!(stream.read::<QHostAddress>(), QHostAddress::LocalHost);
/// assert_eq!(stream.read::<QHostAddress>(), QHostAddress::Any);
/// assert_eq!(stream.into_bytes(), [0, 127, 0, 0, 1, 2]);
/// ```
impl ToStream for QHostAddress {
    fn write_to(&self, stream: &mut QDataStream) {
        let v6 = |stream: &mut QDataStream, ip: Ipv6Addr, scope| {
            stream.write_int8(IPV6);
            stream.write_raw_data(ip.octets());
            stream.write_optional_qstring(scope);
        };
        match &self.repr {
            Repr::Null => stream.write_int8(NULL),
            Repr::Any => stream.write_int8(ANY),
            Repr::V4(ip) => {
                stream.write_int8(IPV4);
                stream.write_uint32((*ip).into());
            }
            Repr::V6(ip) => v6(stream, *ip, None),
            Repr::Scoped(scoped) => v6(stream, scoped.ip, Some(&*scoped.scope)),
        }
    }
}

/// Reads an address. Other data gives a null address and the status
/// [`ReadCorruptData`](StreamStatus::ReadCorruptData).
impl FromStream for QHostAddress {
    fn read_from(stream: &mut QDataStream) -> Self {
        match stream.read_int8() {
            NULL => QHostAddress::Null,
            ANY => QHostAddress::Any,
            IPV4 => QHostAddress::from_v4(stream.read_uint32().into()),
            IPV6 => {
                let mut octets = [0; 16];
                octets.fill_with(|| stream.read_uint8());
                QHostAddress::from_v6_scoped(octets.into(), &stream.read_qstring())
            }
            _ => {
                stream.set_status(StreamStatus::ReadCorruptData);
                QHostAddress::Null
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qcore::stream::ByteOrder;

    /// Qt 5.15.8 writes these bytes, in every version of the format.
    #[test]
    fn round_trip_with_the_bytes_of_qt() {
        let v6 = |rest: &[u8]| [&[1][..], rest].concat();
        for (text, bytes) in [
            ("", vec![0xff]),
            ("127.0.0.1", vec![0, 127, 0, 0, 1]),
            ("0.0.0.0", vec![0, 0, 0, 0, 0]),
            ("::", v6(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff")),
            ("2001:db8::1", v6(b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\xff\xff")),
            ("fe80::1%eth0", v6(b"\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x08\0e\0t\0h\x000")),
        ] {
            let mut address = QHostAddress::new();
            address.set_address(text).ok();
            let mut stream = QDataStream::from_bytes([]);
            stream.write(&address);
            let read = stream.read::<QHostAddress>();
            assert_eq!((&read, read.scope_id()), (&address, address.scope_id()));
            assert_eq!(stream.status(), StreamStatus::Ok);
            assert_eq!(stream.into_bytes(), bytes, "{text}");
        }
        for (address, bytes) in [
            (QHostAddress::Any, vec![2]),
            (QHostAddress::AnyIPv4, vec![0; 5]),
            (QHostAddress::AnyIPv6, v6(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff")),
        ] {
            let mut stream = QDataStream::from_bytes([]);
            stream.write(&address);
            assert_eq!(stream.read::<QHostAddress>(), address);
            assert!(stream.at_end() && stream.status() == StreamStatus::Ok);
            assert_eq!(stream.into_bytes(), bytes);
        }
        let mut stream = QDataStream::from_bytes([]);
        stream.set_byte_order(ByteOrder::LittleEndian);
        stream.write(&QHostAddress::LocalHost);
        assert_eq!(stream.read::<QHostAddress>(), QHostAddress::LocalHost);
        assert_eq!(stream.into_bytes(), [0, 1, 0, 0, 127]);
    }

    #[test]
    fn what_is_no_address() {
        use StreamStatus::{Ok, ReadCorruptData, ReadPastEnd};
        for (bytes, text, status) in [
            (&b""[..], "0.0.0.0", ReadPastEnd),
            (b"\x00", "0.0.0.0", ReadPastEnd),
            (b"\x00\x7f\0\0", "0.0.0.0", ReadPastEnd),
            (b"\x01", "::", ReadPastEnd),
            (b"\x01\x7f", "7f00::", ReadPastEnd),
            (b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", "::1", ReadPastEnd),
            (b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0", "::1", Ok),
            (b"\x03", "", ReadCorruptData),
            (b"\x80", "", ReadCorruptData),
        ] {
            let mut stream = QDataStream::from_bytes(bytes);
            let address = stream.read::<QHostAddress>();
            assert_eq!((address.to_string().as_str(), stream.status()), (text, status));
            assert_eq!(address.is_null(), text.is_empty());
        }
    }
}
