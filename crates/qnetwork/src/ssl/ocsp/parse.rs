//! Reads responses.

use crate::ssl::{
    certificate::{
        Algorithm, DistinguishedName, Parsed, QSslCertificate,
        der::{self, Der},
        parse_time,
    },
    kinds::EncodingFormat,
};

const ENUMERATED: u8 = 0x0a;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;
const CONTEXT_2: u8 = 0xa2;
/// `id-pkix-ocsp-basic`.
const BASIC: &str = "1.3.6.1.5.5.7.48.1.1";

/// How many answers and certificates are read. A server sends one answer and a few certificates;
/// each more could cost a search for its issuer.
const MOST: usize = 16;

/// What a responder has sent.
pub(super) struct Response<'a> {
    /// 0 is success.
    pub(super) status: u8,
    /// The answers, encoded.
    basic: Option<&'a [u8]>,
}

/// Signed answers.
pub(super) struct Basic<'a> {
    pub(super) signed: &'a [u8],
    pub(super) algorithm: Algorithm<'a>,
    pub(super) signature: &'a [u8],
    pub(super) responder: Responder<'a>,
    pub(super) answers: Vec<Answer<'a>>,
    pub(super) certificates: Vec<QSslCertificate>,
}

/// Who has signed.
pub(super) enum Responder<'a> {
    Name(DistinguishedName),
    /// The SHA-1 hash of the key.
    Key(&'a [u8]),
}

/// The answer about one certificate.
pub(super) struct Answer<'a> {
    /// The object identifier of the hash, and the hashes of the issuer's name and key.
    pub(super) hash: String,
    pub(super) name_hash: &'a [u8],
    pub(super) key_hash: &'a [u8],
    /// The content of the integer.
    pub(super) serial: &'a [u8],
    pub(super) status: Status,
    /// Seconds since 1970; `None` for an invalid time.
    pub(super) this_update: Option<i64>,
    /// The same; the outer `None` if there is no time.
    pub(super) next_update: Option<Option<i64>>,
}

/// What the responder says of the certificate.
pub(super) enum Status {
    Good,
    /// With the number of the reason.
    Revoked(Option<u8>),
    Unknown,
}

impl<'a> Response<'a> {
    /// Reads a response. As with OpenSSL, more bytes may follow it.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut response = Der::new(Der::new(bytes).read(der::SEQUENCE)?);
        let &[status] = response.read(ENUMERATED)? else { return None };
        let basic = match response.read(CONTEXT_0) {
            Some(bytes) => {
                let mut bytes = Der::inside(bytes, der::SEQUENCE)?;
                let kind = der::oid_to_string(bytes.read(der::OID)?)?;
                let basic = bytes.read(der::OCTET_STRING)?;
                if !bytes.is_empty() {
                    return None;
                }
                (kind == BASIC).then_some(basic)
            }
            None => None,
        };
        response.is_empty().then_some(Response { status, basic })
    }

    pub(super) fn basic(&self) -> Option<Basic<'a>> {
        let mut basic = Der::inside(self.basic?, der::SEQUENCE)?;
        let data = basic.next_value().filter(|data| data.tag == der::SEQUENCE)?;
        let algorithm = Algorithm(basic.read(der::SEQUENCE)?);
        let (unused_bits, signature) = basic.read(der::BIT_STRING)?.split_first()?;
        let mut certificates = Vec::new();
        if let Some(list) = basic.read(CONTEXT_0) {
            let mut list = Der::inside(list, der::SEQUENCE)?;
            while !list.is_empty() {
                let certificate = list.next_value()?.raw;
                Parsed::parse(certificate)?;
                if certificates.len() == MOST {
                    return None;
                }
                certificates.push(QSslCertificate::new(certificate, EncodingFormat::Der));
            }
        }
        if *unused_bits != 0 || !basic.is_empty() {
            return None;
        }
        let mut fields = Der::new(data.value);
        // The version; 1 is the only one.
        fields.read(CONTEXT_0);
        let responder = fields.next_value()?;
        let responder = match responder.tag {
            CONTEXT_1 => {
                let name = Der::inside(responder.value, der::SEQUENCE)?;
                Responder::Name(DistinguishedName::parse(name.rest())?)
            }
            CONTEXT_2 => Responder::Key(Der::inside(responder.value, der::OCTET_STRING)?.rest()),
            _ => return None,
        };
        let produced_at = fields.next_value()?;
        parse_time(produced_at.tag, produced_at.value)?;
        let mut list = Der::new(fields.read(der::SEQUENCE)?);
        let mut answers = Vec::new();
        while !list.is_empty() {
            if answers.len() == MOST {
                return None;
            }
            answers.push(Answer::parse(list.read(der::SEQUENCE)?)?);
        }
        // Extensions, of which none matters.
        fields.read(CONTEXT_1);
        if !fields.is_empty() {
            return None;
        }
        let signed = data.raw;
        Some(Basic { signed, algorithm, signature, responder, answers, certificates })
    }
}

impl<'a> Answer<'a> {
    fn parse(answer: &'a [u8]) -> Option<Self> {
        let mut answer = Der::new(answer);
        let mut id = Der::new(answer.read(der::SEQUENCE)?);
        let hash = der::oid_to_string(Der::new(id.read(der::SEQUENCE)?).read(der::OID)?)?;
        let (name_hash, key_hash) = (id.read(der::OCTET_STRING)?, id.read(der::OCTET_STRING)?);
        let serial = id.read(der::INTEGER)?;
        if !id.is_empty() {
            return None;
        }
        let status = answer.next_value()?;
        let status = match status.tag {
            0x80 if status.value.is_empty() => Status::Good,
            0x82 if status.value.is_empty() => Status::Unknown,
            CONTEXT_1 => {
                let mut revoked = Der::new(status.value);
                let time = revoked.next_value()?;
                parse_time(time.tag, time.value)?;
                let reason = match revoked.read(CONTEXT_0) {
                    Some(reason) => match Der::inside(reason, ENUMERATED)?.rest() {
                        &[reason] => Some(reason),
                        _ => return None,
                    },
                    None => None,
                };
                if !revoked.is_empty() {
                    return None;
                }
                Status::Revoked(reason)
            }
            _ => return None,
        };
        let this_update = answer.next_value()?;
        let this_update = parse_time(this_update.tag, this_update.value)?;
        let next_update = match answer.read(CONTEXT_0) {
            Some(next) => {
                let next = Der::new(next).next_value()?;
                Some(parse_time(next.tag, next.value)?)
            }
            None => None,
        };
        // Extensions, of which none matters.
        answer.read(CONTEXT_1);
        let is_whole = answer.is_empty();
        is_whole.then_some(Answer {
            hash,
            name_hash,
            key_hash,
            serial,
            status,
            this_update,
            next_update,
        })
    }
}
