//! Parses a certificate once.

use std::{
    collections::{BTreeMap, HashSet},
    net::IpAddr,
    ops::Range,
};

use super::{
    der::{self, Der},
    name::{DistinguishedName, latin1},
    public_key::{Algorithm, KeyBits, PublicKeyInfo},
    time,
};
use crate::{address::QHostAddress, ssl::kinds::AlternativeNameEntryType};

const ALTERNATIVE_NAME: &str = "2.5.29.17";
const CONTEXT_0: u8 = 0xa0;
const UNIQUE_ID_1: u8 = 0x81;
const UNIQUE_ID_2: u8 = 0x82;
const CONTEXT_3: u8 = 0xa3;

/// As with Qt, longer texts are treated as an error.
const MAX_ALTERNATIVE_NAME: usize = 8192;

/// A parsed certificate.
pub(in crate::ssl) struct Parsed {
    pub(super) der: Vec<u8>,
    /// The ranges of the signed part, the key with its algorithm, the signature's algorithm and the
    /// signature.
    tbs: Range<usize>,
    spki: Range<usize>,
    /// The algorithm of the signature as the signed part repeats it.
    signed_algorithm: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
    subject_name: Range<usize>,
    issuer_name: Range<usize>,
    pub(super) version: u64,
    /// The absolute value of the serial number in big-endian order, and its sign.
    pub(super) serial: Vec<u8>,
    pub(super) serial_is_negative: bool,
    pub(in crate::ssl) subject: DistinguishedName,
    pub(in crate::ssl) issuer: DistinguishedName,
    /// Seconds since 1970; `None` if the field is not a valid time.
    pub(in crate::ssl) not_before: Option<i64>,
    pub(in crate::ssl) not_after: Option<i64>,
    pub(super) extensions: Vec<RawExtension>,
    pub(in crate::ssl) uses: Uses,
    /// The algorithm of the key, if the key can be read.
    pub(super) key_kind: Option<String>,
    /// The algorithm of the signature as the signed part repeats it.
    pub(super) signed_kind: Option<String>,
}

/// An extension as it is encoded.
pub(super) struct RawExtension {
    pub(super) oid: String,
    pub(super) is_critical: bool,
    pub(super) value: Range<usize>,
}

/// The extensions that matter for verification.
#[derive(Default)]
pub(in crate::ssl) struct Uses {
    pub(in crate::ssl) basic_constraints: Option<BasicConstraints>,
    /// Bit 0 is digitalSignature.
    pub(in crate::ssl) key_usage: Option<u32>,
    /// Object identifiers.
    pub(in crate::ssl) extended_key_usage: Option<Vec<String>>,
    /// Bit 0 is for clients.
    pub(in crate::ssl) netscape_type: Option<u32>,
    pub(in crate::ssl) alternative_names: Vec<GeneralName>,
    pub(in crate::ssl) subject_key_id: Option<Vec<u8>>,
    pub(in crate::ssl) authority_key_id: AuthorityKeyId,
    pub(in crate::ssl) name_constraints: Option<NameConstraints>,
    pub(in crate::ssl) is_proxy: bool,
    /// There is a critical extension that is not known.
    pub(in crate::ssl) has_unknown_critical: bool,
    /// There is an extension that cannot be read or that occurs twice.
    pub(in crate::ssl) is_malformed: bool,
}

/// Whether the certificate is an authority, and the maximum number of authorities below it.
#[derive(Clone, Copy)]
pub(in crate::ssl) struct BasicConstraints {
    pub(in crate::ssl) is_ca: bool,
    pub(in crate::ssl) path_length: Option<u64>,
}

/// Identifies the key that signed the certificate.
#[derive(Default)]
pub(in crate::ssl) struct AuthorityKeyId {
    pub(in crate::ssl) key_id: Option<Vec<u8>>,
    pub(in crate::ssl) issuer: Option<DistinguishedName>,
    pub(in crate::ssl) serial: Option<Vec<u8>>,
}

/// Restricts the names of the certificates below.
pub(in crate::ssl) struct NameConstraints {
    pub(in crate::ssl) permitted: Vec<GeneralName>,
    pub(in crate::ssl) excluded: Vec<GeneralName>,
    /// There is a minimum or a maximum, which no implementation supports.
    pub(in crate::ssl) has_distances: bool,
}

/// A name of some kind.
pub(in crate::ssl) enum GeneralName {
    Email(Vec<u8>),
    Dns(Vec<u8>),
    Uri(Vec<u8>),
    Directory(DistinguishedName),
    /// An address, or an address with its mask.
    Ip(Vec<u8>),
    /// Another kind: its tag and its content.
    Other(u8, Vec<u8>),
}

impl Parsed {
    /// Reads one certificate from the start of the bytes.
    pub(in crate::ssl) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut outer = Der::new(bytes);
        let frame = outer.next_value().filter(|frame| frame.tag == der::SEQUENCE)?;
        let der = frame.raw;
        let mut inside = Der::new(frame.value);
        let tbs = inside.next_value().filter(|tbs| tbs.tag == der::SEQUENCE)?;
        let signature_algorithm = inside.read(der::SEQUENCE)?;
        let (unused_bits, signature) = inside.read(der::BIT_STRING)?.split_first()?;
        if *unused_bits != 0 || !inside.is_empty() {
            return None;
        }

        let mut fields = Der::new(tbs.value);
        let version = match fields.read(CONTEXT_0) {
            Some(version) => der::small_integer(Der::inside(version, der::INTEGER)?.rest())?,
            None => 0,
        };
        let (serial, serial_is_negative) = der::integer(fields.read(der::INTEGER)?)?;
        let signed_algorithm = fields.read(der::SEQUENCE)?;
        let issuer_name = fields.next_value().filter(|name| name.tag == der::SEQUENCE)?;
        let issuer = DistinguishedName::parse(issuer_name.value)?;
        let mut validity = Der::new(fields.read(der::SEQUENCE)?);
        let (not_before, not_after) = (validity.next_value()?, validity.next_value()?);
        if !validity.is_empty() {
            return None;
        }
        let subject_name = fields.next_value().filter(|name| name.tag == der::SEQUENCE)?;
        let subject = DistinguishedName::parse(subject_name.value)?;
        let spki = fields.next_value().filter(|spki| spki.tag == der::SEQUENCE)?;
        PublicKeyInfo::parse(spki.value)?;
        for unique_identifier in [UNIQUE_ID_1, UNIQUE_ID_2] {
            // Anything but a bit string in this place is invalid, as extensions are.
            if let Some(bits) = fields.read(unique_identifier) {
                der::bits(bits)?;
            }
        }
        let extensions = match fields.read(CONTEXT_3) {
            Some(extensions) => RawExtension::parse_all(der, extensions)?,
            None => Vec::new(),
        };
        if !fields.is_empty() {
            return None;
        }
        for algorithm in [signed_algorithm, signature_algorithm] {
            Algorithm(algorithm).check()?;
        }
        let mut parsed = Parsed {
            tbs: range_in(der, tbs.raw)?,
            spki: range_in(der, spki.raw)?,
            signed_algorithm: range_in(der, signed_algorithm)?,
            signature_algorithm: range_in(der, signature_algorithm)?,
            signature: range_in(der, signature)?,
            subject_name: range_in(der, subject_name.raw)?,
            issuer_name: range_in(der, issuer_name.raw)?,
            version: version + 1,
            serial,
            serial_is_negative,
            subject,
            issuer,
            not_before: time::parse(not_before.tag, not_before.value)?,
            not_after: time::parse(not_after.tag, not_after.value)?,
            extensions,
            uses: Uses::default(),
            key_kind: None,
            signed_kind: Algorithm(signed_algorithm).oid(),
            der: der.to_vec(),
        };
        parsed.uses = Uses::of(&parsed);
        parsed.key_kind = parsed.public_key().and_then(|key| key.readable_kind());
        Some(parsed)
    }

    pub(in crate::ssl) fn signed(&self) -> &[u8] {
        &self.der[self.tbs.clone()]
    }

    /// Returns the public key as a `SubjectPublicKeyInfo`.
    pub(in crate::ssl) fn public_key_der(&self) -> &[u8] {
        &self.der[self.spki.clone()]
    }

    pub(in crate::ssl) fn signature_algorithm(&self) -> Algorithm<'_> {
        Algorithm(&self.der[self.signature_algorithm.clone()])
    }

    /// Returns the signature's algorithm as the signed part repeats it. If the two differ, the
    /// signature is invalid.
    pub(in crate::ssl) fn signed_algorithm(&self) -> Algorithm<'_> {
        Algorithm(&self.der[self.signed_algorithm.clone()])
    }

    pub(in crate::ssl) fn signature(&self) -> &[u8] {
        &self.der[self.signature.clone()]
    }

    pub(in crate::ssl) fn public_key(&self) -> Option<PublicKeyInfo<'_>> {
        PublicKeyInfo::parse(Der::new(self.public_key_der()).read(der::SEQUENCE)?)
    }

    /// Returns whether the key's algorithm is known and the key has the right form.
    pub(in crate::ssl) fn has_readable_key(&self) -> bool {
        self.key_kind.is_some()
    }

    /// Returns the size of the key; `None` if its algorithm is not known.
    pub(in crate::ssl) fn key_bits(&self) -> Option<KeyBits> {
        self.public_key()?.bits()
    }

    pub(in crate::ssl) fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Returns whether the content of an integer is the serial number.
    pub(in crate::ssl) fn has_serial(&self, content: &[u8]) -> bool {
        der::integer(content) == Some((self.serial.clone(), self.serial_is_negative))
    }

    /// Returns the subject's name as it is encoded.
    pub(in crate::ssl) fn subject_der(&self) -> &[u8] {
        &self.der[self.subject_name.clone()]
    }

    /// Returns the issuer's name as it is encoded.
    pub(in crate::ssl) fn issuer_der(&self) -> &[u8] {
        &self.der[self.issuer_name.clone()]
    }

    pub(super) fn value(&self, extension: &RawExtension) -> &[u8] {
        &self.der[extension.value.clone()]
    }

    /// Returns email addresses, host names and IP addresses, the last one first.
    pub(super) fn alternative_names(&self) -> BTreeMap<AlternativeNameEntryType, Vec<String>> {
        let mut names: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for name in self.uses.alternative_names.iter().rev() {
            let (kind, text) = match name {
                GeneralName::Email(text) if text.len() < MAX_ALTERNATIVE_NAME => {
                    (AlternativeNameEntryType::Email, latin1(text))
                }
                GeneralName::Dns(text) if text.len() < MAX_ALTERNATIVE_NAME => {
                    (AlternativeNameEntryType::Dns, latin1(text))
                }
                GeneralName::Ip(bytes) => match ip_address(bytes) {
                    Some(ip) => {
                        (AlternativeNameEntryType::IpAddress, QHostAddress::from(ip).to_string())
                    }
                    None => continue,
                },
                _ => continue,
            };
            names.entry(kind).or_default().push(text);
        }
        names
    }
}

impl RawExtension {
    fn parse_all(der: &[u8], extensions: &[u8]) -> Option<Vec<Self>> {
        let mut list = Der::inside(extensions, der::SEQUENCE)?;
        let mut all = Vec::new();
        while !list.is_empty() {
            let mut extension = Der::new(list.read(der::SEQUENCE)?);
            let oid = der::oid_to_string(extension.read(der::OID)?)?;
            let is_critical = extension.read_bool()?;
            let value = extension.read(der::OCTET_STRING)?;
            if !extension.is_empty() {
                return None;
            }
            all.push(RawExtension { oid, is_critical, value: range_in(der, value)? });
        }
        Some(all)
    }
}

impl Uses {
    fn of(parsed: &Parsed) -> Self {
        let mut uses = Uses::default();
        let mut seen = HashSet::new();
        for extension in &parsed.extensions {
            let before = !seen.insert(&extension.oid[..]) && is_read(&extension.oid);
            if before && extension.oid == ALTERNATIVE_NAME {
                // Neither counts, because it is undefined which of the two does.
                uses.alternative_names.clear();
            }
            if before || uses.take(&extension.oid, parsed.value(extension)).is_none() {
                uses.is_malformed = true;
            }
            uses.has_unknown_critical |= extension.is_critical && !is_handled(&extension.oid);
        }
        uses
    }

    fn take(&mut self, oid: &str, value: &[u8]) -> Option<()> {
        match oid {
            "2.5.29.19" => {
                let mut inside = Der::inside(value, der::SEQUENCE)?;
                let is_ca = inside.read_bool()?;
                let path_length = match inside.read(der::INTEGER) {
                    Some(value) => Some(der::small_integer(value)?),
                    None => None,
                };
                if !inside.is_empty() {
                    return None;
                }
                self.basic_constraints = Some(BasicConstraints { is_ca, path_length });
            }
            "2.5.29.15" => self.key_usage = Some(only_bits(value).filter(|bits| *bits != 0)?),
            "2.16.840.1.113730.1.1" => self.netscape_type = Some(only_bits(value)?),
            "2.5.29.37" => self.extended_key_usage = Some(oids(value)?),
            ALTERNATIVE_NAME => self.alternative_names = GeneralName::parse_all(value)?,
            "2.5.29.14" => {
                let id = Der::inside(value, der::OCTET_STRING)?;
                self.subject_key_id = Some(id.rest().to_vec());
            }
            "2.5.29.35" => self.authority_key_id = AuthorityKeyId::parse(value)?,
            "2.5.29.31" => check_distribution_points(value)?,
            "2.5.29.30" => self.name_constraints = Some(NameConstraints::parse(value)?),
            "1.3.6.1.5.5.7.1.14" => self.is_proxy = true,
            _ => {}
        }
        Some(())
    }
}

/// Returns whether an extension must not occur twice, because its content matters.
fn is_read(oid: &str) -> bool {
    matches!(
        oid,
        "2.16.840.1.113730.1.1"
            | "2.5.29.14"
            | "2.5.29.15"
            | "2.5.29.17"
            | "2.5.29.19"
            | "2.5.29.30"
            | "2.5.29.31"
            | "2.5.29.35"
            | "2.5.29.37"
            | "1.3.6.1.5.5.7.1.7"
            | "1.3.6.1.5.5.7.1.8"
            | "1.3.6.1.5.5.7.1.14"
    )
}

/// Returns whether an extension may be critical, because this library handles it or it is harmless.
/// As in OpenSSL, key identifiers may not be critical, although this library uses them.
fn is_handled(oid: &str) -> bool {
    matches!(
        oid,
        "2.16.840.1.113730.1.1"
            | "2.5.29.15"
            | "2.5.29.17"
            | "2.5.29.19"
            | "2.5.29.31"
            | "2.5.29.32"
            | "2.5.29.33"
            | "2.5.29.36"
            | "2.5.29.37"
            | "2.5.29.30"
            | "2.5.29.54"
            | "1.3.6.1.5.5.7.1.14"
            | "1.3.6.1.5.5.7.48.1.5"
    )
}

fn only_bits(value: &[u8]) -> Option<u32> {
    der::bits(Der::inside(value, der::BIT_STRING)?.rest())
}

/// Checks the locations of revocation lists. This library does not fetch the lists, but as in
/// OpenSSL their form must be right.
fn check_distribution_points(value: &[u8]) -> Option<()> {
    let mut points = Der::inside(value, der::SEQUENCE)?;
    while !points.is_empty() {
        let mut point = Der::new(points.read(der::SEQUENCE)?);
        let name = point.read(CONTEXT_0);
        if let Some(name) = name {
            let mut name = Der::new(name);
            let inside = name.next_value()?;
            match inside.tag {
                CONTEXT_0 => drop(GeneralName::parse_list(inside.value)?),
                0xa1 => drop(DistinguishedName::parse_set(inside.value)?),
                _ => return None,
            }
            if !name.is_empty() {
                return None;
            }
        }
        if let Some(reasons) = point.read(0x81) {
            der::bits(reasons)?;
        }
        let issuer = match point.read(0xa2) {
            Some(names) => GeneralName::parse_list(names)?,
            None => Vec::new(),
        };
        if !point.is_empty() || name.is_none() && issuer.is_empty() {
            return None;
        }
    }
    Some(())
}

/// Returns the object identifiers of a sequence.
pub(super) fn oids(value: &[u8]) -> Option<Vec<String>> {
    let mut inside = Der::inside(value, der::SEQUENCE)?;
    let mut oids = Vec::new();
    while !inside.is_empty() {
        oids.push(der::oid_to_string(inside.read(der::OID)?)?);
    }
    Some(oids)
}

impl AuthorityKeyId {
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let mut inside = Der::inside(value, der::SEQUENCE)?;
        let key_id = inside.read(0x80).map(<[u8]>::to_vec);
        let issuer = match inside.read(0xa1) {
            Some(names) => {
                GeneralName::parse_list(names)?.into_iter().find_map(|name| match name {
                    GeneralName::Directory(name) => Some(name),
                    _ => None,
                })
            }
            None => None,
        };
        let serial = match inside.read(0x82) {
            Some(serial) => Some(der::integer(serial)?.0),
            None => None,
        };
        inside.is_empty().then_some(AuthorityKeyId { key_id, issuer, serial })
    }
}

impl NameConstraints {
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let mut inside = Der::inside(value, der::SEQUENCE)?;
        let mut has_distances = false;
        let mut trees = |tag| {
            let mut names = Vec::new();
            let mut trees = Der::new(inside.read(tag).unwrap_or_default());
            while !trees.is_empty() {
                let mut tree = Der::new(trees.read(der::SEQUENCE)?);
                let base = tree.next_value()?;
                names.push(GeneralName::parse(base.tag, base.value)?);
                for distance in [0x80, 0x81] {
                    if let Some(number) = tree.read(distance) {
                        der::integer(number)?;
                        has_distances = true;
                    }
                }
                if !tree.is_empty() {
                    return None;
                }
            }
            Some(names)
        };
        let (permitted, excluded) = (trees(0xa0)?, trees(0xa1)?);
        // Constraints that are not understood must not be ignored.
        inside.is_empty().then_some(NameConstraints { permitted, excluded, has_distances })
    }
}

impl GeneralName {
    /// Returns the address of a `SmtpUTF8Mailbox` name; an empty one if it is not valid text.
    pub(in crate::ssl) fn international_mail(&self) -> Option<&str> {
        const KIND: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 8, 9];
        const UTF8_STRING: u8 = 0x0c;
        let GeneralName::Other(0xa0, content) = self else { return None };
        let mut inside = Der::new(content);
        if inside.read(der::OID)? != KIND {
            return None;
        }
        let text = inside.read(0xa0).and_then(|value| Der::new(value).read(UTF8_STRING));
        Some(text.and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default())
    }

    pub(super) fn parse_all(value: &[u8]) -> Option<Vec<Self>> {
        GeneralName::parse_list(Der::inside(value, der::SEQUENCE)?.rest())
    }

    pub(super) fn parse_list(list: &[u8]) -> Option<Vec<Self>> {
        let mut inside = Der::new(list);
        let mut names = Vec::new();
        while !inside.is_empty() {
            let name = inside.next_value()?;
            names.push(GeneralName::parse(name.tag, name.value)?);
        }
        Some(names)
    }

    pub(super) fn parse(tag: u8, value: &[u8]) -> Option<Self> {
        Some(match tag {
            0x81 => GeneralName::Email(value.to_vec()),
            0x82 => GeneralName::Dns(value.to_vec()),
            0x86 => GeneralName::Uri(value.to_vec()),
            0x87 => GeneralName::Ip(value.to_vec()),
            0xa4 => {
                let inside = Der::inside(value, der::SEQUENCE)?;
                GeneralName::Directory(DistinguishedName::parse(inside.rest())?)
            }
            0xa0 => {
                let mut inside = Der::new(value);
                der::oid_to_string(inside.read(der::OID)?)?;
                let mut name = Der::new(inside.read(CONTEXT_0)?);
                let is_well_formed = der::is_well_formed(&name.next_value()?);
                if !is_well_formed || !inside.is_empty() || !name.is_empty() {
                    return None;
                }
                GeneralName::Other(tag, value.to_vec())
            }
            0x88 => {
                der::oid_to_string(value)?;
                GeneralName::Other(tag, value.to_vec())
            }
            0xa5 => {
                let mut inside = Der::new(value);
                if let Some(assigner) = inside.read(CONTEXT_0) {
                    check_directory_string(assigner)?;
                }
                check_directory_string(inside.read(0xa1)?)?;
                if !inside.is_empty() {
                    return None;
                }
                GeneralName::Other(tag, value.to_vec())
            }
            0xa3 => GeneralName::Other(tag, value.to_vec()),
            _ => return None,
        })
    }
}

/// Checks that the value is one string of a type that names may have.
fn check_directory_string(value: &[u8]) -> Option<()> {
    let mut inside = Der::new(value);
    let text = inside.next_value()?;
    let is_text = matches!(text.tag, 0x0c | 0x13 | 0x14 | 0x1c | 0x1e);
    (is_text && der::is_well_formed(&text) && inside.is_empty()).then_some(())
}

/// Converts bytes to an address.
pub(super) fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// Returns the range of a part within the whole.
fn range_in(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}
