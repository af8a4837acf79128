//! Messages of the domain name system: queries and replies.

use std::net::{Ipv4Addr, Ipv6Addr};

use domain::{
    base::{
        HeaderSection, Message, MessageBuilder, ParsedName, Rtype,
        iana::Rcode,
        name::{Name, ToName},
    },
    dep::octseq::{Array, Parser},
};

use super::{
    error::{DnsLookupError, DnsLookupErrorKind, DnsLookupType},
    names::from_ace,
    records::{
        QDnsDomainNameRecord, QDnsHostAddressRecord, QDnsMailExchangeRecord, QDnsServiceRecord,
        QDnsTextRecord, Records,
    },
};

/// The length of a message's header.
pub(super) const HEADER: usize = 12;

/// A header, a name of 255 bytes, a type and a class.
const MAX_QUERY: usize = HEADER + 255 + 4;

/// The records that a look-up has found, or the reason why it failed. Some errors come with
/// records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) error: Option<DnsLookupError>,
    pub(super) records: Records,
}

impl Reply {
    pub(super) fn failed(error: impl Into<DnsLookupError>) -> Self {
        Reply { error: Some(error.into()), records: Records::default() }
    }
}

/// Writes a query for a name in ASCII. Returns `None` if the name is too long.
pub(super) fn query(id: u16, name: &str, kind: DnsLookupType) -> Option<Vec<u8>> {
    let name = Name::<Array<255>>::from_chars(name.chars()).ok()?;
    let mut message = MessageBuilder::from_target(Array::<MAX_QUERY>::new()).ok()?;
    message.header_mut().set_id(id);
    message.header_mut().set_rd(true);
    let mut message = message.question();
    message.push((name, Rtype::from_int(kind as u16))).ok()?;
    Some(message.finish().as_ref().to_vec())
}

/// Returns whether `reply` has the id and the question of `query`. Names are compared without
/// case.
pub(super) fn answers(reply: &[u8], query: &[u8]) -> bool {
    let (Ok(reply), Ok(query)) = (Message::from_slice(reply), Message::from_slice(query)) else {
        return false;
    };
    let (Ok(asked), Ok(wanted)) = (reply.sole_question(), query.sole_question()) else {
        return false;
    };
    reply.header().id() == query.header().id()
        && asked.qname().name_eq(wanted.qname())
        && (asked.qtype(), asked.qclass()) == (wanted.qtype(), wanted.qclass())
}

/// The meaning of a reply's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// The server's result code.
    pub(super) code: Rcode,
    /// The reply does not fit into a datagram.
    pub(super) truncated: bool,
    /// The server does not know the answer and another one might: it failed, it refused, or it
    /// only knows of other servers.
    pub(super) ask_another: bool,
}

impl Verdict {
    /// Reads the header. The reply must be long enough for one.
    pub(super) fn of(reply: &[u8]) -> Verdict {
        let (header, counts) = {
            let section = HeaderSection::for_message_slice(reply);
            (section.header(), section.counts())
        };
        let code = header.rcode();
        let referral = code == Rcode::NOERROR
            && !header.aa()
            && !header.ra()
            && (counts.ancount(), counts.arcount()) == (0, 0);
        let failed = [Rcode::SERVFAIL, Rcode::NOTIMP, Rcode::REFUSED].contains(&code);
        Verdict { code, truncated: header.tc(), ask_another: failed || referral }
    }
}

/// Returns the error for the code of a reply.
pub(super) fn error_of(code: Rcode) -> Option<DnsLookupErrorKind> {
    Some(match code {
        Rcode::NOERROR => return None,
        Rcode::FORMERR => DnsLookupErrorKind::InvalidRequest,
        Rcode::SERVFAIL => DnsLookupErrorKind::ServerFailure,
        Rcode::NXDOMAIN => DnsLookupErrorKind::NotFound,
        Rcode::REFUSED => DnsLookupErrorKind::ServerRefused,
        _ => DnsLookupErrorKind::InvalidReply,
    })
}

/// Reads a reply that [answers] the query. As in Qt, an invalid record is an error, but the records
/// before it are kept. A reply that ends within a record is valid, and has the records before that
/// one.
pub(super) fn read(reply: &[u8]) -> Reply {
    if let Some(kind) = error_of(Verdict::of(reply).code) {
        return Reply::failed(kind);
    }
    let count = HeaderSection::for_message_slice(reply).counts().ancount();
    if count == 0 {
        return Reply::failed(DnsLookupErrorKind::InvalidReply);
    }
    let mut records = Records::default();
    let error = read_records(reply, count, &mut records).err();
    Reply { error: error.map(DnsLookupError::invalid_reply), records }
}

type Bytes<'a> = Parser<'a, [u8]>;

/// Reads the records. If one is invalid, the error is Qt's text.
fn read_records(reply: &[u8], count: u16, records: &mut Records) -> Result<(), &'static str> {
    const NO_NAME: &str = "Could not expand domain name";
    let mut rest = Parser::from_ref(reply);
    let question = rest.advance(HEADER).ok().and_then(|()| name(&mut rest));
    question.ok_or(NO_NAME)?;
    if rest.advance(4).is_err() {
        return Ok(());
    }
    for _ in 0..count {
        if rest.remaining() == 0 {
            return Ok(());
        }
        let owner = name(&mut rest).ok_or(NO_NAME)?;
        let Some(header) = RecordHeader::read(&mut rest) else { return Ok(()) };
        let data = rest;
        if rest.advance(header.size).is_err() {
            return Ok(());
        }
        read_record(owner, &header, data, records)?;
    }
    Ok(())
}

/// The part of a record between its owner and its data.
struct RecordHeader {
    kind: Rtype,
    time_to_live: u32,
    size: usize,
}

impl RecordHeader {
    fn read(rest: &mut Bytes<'_>) -> Option<Self> {
        let kind = Rtype::from_int(rest.parse_u16_be().ok()?);
        rest.advance(2).ok()?; // the class, which Qt does not look at
        let time_to_live = rest.parse_u32_be().ok()?;
        let size = rest.parse_u16_be().ok()?.into();
        Some(RecordHeader { kind, time_to_live, size })
    }
}

/// Reads the data of a record. `data` extends to the end of the message, because in Qt, too, a name
/// may end beyond its record.
fn read_record(
    name: String,
    header: &RecordHeader,
    mut data: Bytes<'_>,
    records: &mut Records,
) -> Result<(), &'static str> {
    let time_to_live = header.time_to_live;
    match header.kind {
        Rtype::A => {
            let bytes: [u8; 4] = array(header, &data).ok_or("Invalid IPv4 address record")?;
            let value = Ipv4Addr::from(bytes).into();
            records.host_addresses.push(QDnsHostAddressRecord { name, time_to_live, value });
        }
        Rtype::AAAA => {
            let bytes: [u8; 16] = array(header, &data).ok_or("Invalid IPv6 address record")?;
            let value = Ipv6Addr::from(bytes).into();
            records.host_addresses.push(QDnsHostAddressRecord { name, time_to_live, value });
        }
        Rtype::CNAME => {
            let value = self::name(&mut data).ok_or("Invalid canonical name record")?;
            records.canonical_names.push(QDnsDomainNameRecord { name, time_to_live, value });
        }
        Rtype::NS => {
            let value = self::name(&mut data).ok_or("Invalid name server record")?;
            records.name_servers.push(QDnsDomainNameRecord { name, time_to_live, value });
        }
        Rtype::PTR => {
            let value = self::name(&mut data).ok_or("Invalid pointer record")?;
            records.pointers.push(QDnsDomainNameRecord { name, time_to_live, value });
        }
        Rtype::MX => {
            let mut read = || {
                let preference = data.parse_u16_be().ok()?;
                let exchange = self::name(&mut data)?;
                Some((preference, exchange))
            };
            let (preference, exchange) = read().ok_or("Invalid mail exchange record")?;
            let record = QDnsMailExchangeRecord { name, time_to_live, preference, exchange };
            records.mail_exchanges.push(record);
        }
        Rtype::SRV => {
            let record = service(name, time_to_live, &mut data).ok_or("Invalid service record")?;
            records.services.push(record);
        }
        Rtype::TXT => {
            let data = data.peek(header.size).unwrap_or_default();
            let values = strings(data).ok_or("Invalid text record")?;
            records.texts.push(QDnsTextRecord { name, time_to_live, values });
        }
        _ => {}
    }
    Ok(())
}

/// Returns the data of a record that has `N` bytes.
fn array<const N: usize>(header: &RecordHeader, data: &Bytes<'_>) -> Option<[u8; N]> {
    data.peek(header.size).ok()?.try_into().ok()
}

fn service(name: String, time_to_live: u32, data: &mut Bytes<'_>) -> Option<QDnsServiceRecord> {
    Some(QDnsServiceRecord {
        name,
        time_to_live,
        priority: data.parse_u16_be().ok()?,
        weight: data.parse_u16_be().ok()?,
        port: data.parse_u16_be().ok()?,
        target: self::name(data)?,
    })
}

/// Splits the data of a text record. Each string begins with its length.
fn strings(mut data: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut strings = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let (string, rest) = rest.split_at_checked(usize::from(*length))?;
        strings.push(string.to_vec());
        data = rest;
    }
    Some(strings)
}

/// Reads a name. Follows at most 255 pointers, which must point backwards. As in Qt, the text is
/// empty if a label has characters other than letters, digits, `-` and `_`.
fn name(rest: &mut Bytes<'_>) -> Option<String> {
    let name = ParsedName::parse_ref(rest).ok()?;
    let mut text = String::new();
    for label in name.iter().filter(|label| !label.is_root()) {
        let valid = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !label.as_slice().iter().all(valid) {
            return Some(String::new());
        }
        if !text.is_empty() {
            text.push('.');
        }
        text.extend(label.as_slice().iter().copied().map(char::from));
    }
    Some(from_ace(&text))
}
