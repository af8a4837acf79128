//! Describes extensions in OpenSSL's words.

use super::{
    der::{self, Der},
    description::{Description, Value},
    hex::hex,
    name::{DistinguishedName, latin1, to_text},
    oid::{long_name, short_name},
    parse::{self, AuthorityKeyId, GeneralName, NameConstraints},
    policies, time,
};

const KEY_USAGES: [&str; 9] = [
    "Digital Signature",
    "Non Repudiation",
    "Key Encipherment",
    "Data Encipherment",
    "Key Agreement",
    "Certificate Sign",
    "CRL Sign",
    "Encipher Only",
    "Decipher Only",
];
const NETSCAPE_TYPES: [&str; 8] = [
    "SSL Client",
    "SSL Server",
    "S/MIME",
    "Object Signing",
    "Unused",
    "SSL CA",
    "S/MIME CA",
    "Object Signing CA",
];
const REASONS: [&str; 9] = [
    "Unused",
    "Key Compromise",
    "CA Compromise",
    "Affiliation Changed",
    "Superseded",
    "Cessation Of Operation",
    "Certificate Hold",
    "Privilege Withdrawn",
    "AA Compromise",
];

pub(super) fn describe(oid: &str, value: &[u8], indent: usize) -> Description {
    let described = match oid {
        "2.5.29.19" => basic_constraints(value),
        "2.5.29.14" => key_id(value),
        "2.5.29.35" => authority_key_id(value),
        "2.5.29.15" => named_bits(value, &KEY_USAGES),
        "2.16.840.1.113730.1.1" => named_bits(value, &NETSCAPE_TYPES),
        "2.5.29.37" => extended_key_usage(value),
        "2.5.29.17" | "2.5.29.18" => alternative_names(value),
        "1.3.6.1.5.5.7.1.1" | "1.3.6.1.5.5.7.1.11" => information_access(value),
        "1.3.6.1.5.5.7.1.24" => tls_features(value),
        "2.5.29.33" => policy_mappings(value),
        "2.5.29.36" => policy_constraints(value),
        "2.5.29.16" => usage_period(value, indent),
        "2.5.29.54" => only_integer(value),
        "2.5.29.31" | "2.5.29.46" => distribution_points(value, indent),
        "2.5.29.32" => policies::describe(value, indent),
        "2.5.29.30" => name_constraints(value, indent),
        "1.3.6.1.5.5.7.48.1.5" => Some(Description::Lines(String::new())),
        "1.3.6.1.4.1.11129.2.4.3" => Some(Description::Text("NULL".to_owned())),
        _ if oid.starts_with("2.16.840.1.113730.1.") => ia5_text(value),
        _ => return Description::Unknown,
    };
    described.unwrap_or(Description::Malformed)
}

fn names(names: Vec<String>) -> Description {
    let values = names.into_iter().map(|name| (Some(name), None)).collect();
    Description::Values { values, is_list: false }
}

fn pair(name: impl Into<String>, value: impl Into<String>) -> Value {
    (Some(name.into()), Some(value.into()))
}

fn basic_constraints(value: &[u8]) -> Option<Description> {
    let mut inside = Der::inside(value, der::SEQUENCE)?;
    let is_ca = inside.read_bool()?;
    let mut values = vec![pair("CA", if is_ca { "TRUE" } else { "FALSE" })];
    if let Some(length) = inside.read(der::INTEGER) {
        values.push(pair("pathlen", der::integer_to_string(length)));
    }
    if !inside.is_empty() {
        return None;
    }
    Some(Description::Values { values, is_list: false })
}

fn key_id(value: &[u8]) -> Option<Description> {
    let id = Der::new(value).read(der::OCTET_STRING)?;
    Some(Description::Text(hex(id, ":").to_uppercase()))
}

fn authority_key_id(value: &[u8]) -> Option<Description> {
    let id = AuthorityKeyId::parse(value)?;
    let mut values = Vec::new();
    let mut inside = Der::inside(value, der::SEQUENCE)?;
    let key_id = id.key_id.as_ref().map(|id| hex(id, ":").to_uppercase());
    inside.read(0x80);
    let (issuer, serial) = (inside.read(0xa1), id.serial);
    if let Some(key_id) = key_id {
        // If the key identifier stands alone, it has no name.
        values.push(match (issuer, &serial) {
            (None, None) => (None, Some(key_id)),
            _ => pair("keyid", key_id),
        });
    }
    for name in GeneralName::parse_list(issuer.unwrap_or_default())? {
        values.push(name.describe());
    }
    if let Some(serial) = serial {
        values.push(pair("serial", hex(&serial, ":").to_uppercase()));
    }
    Some(Description::Values { values, is_list: false })
}

fn named_bits(value: &[u8], bit_names: &[&str]) -> Option<Description> {
    let bits = der::bits(Der::new(value).read(der::BIT_STRING)?)?;
    Some(names(set_bits(bits, bit_names)))
}

fn set_bits(bits: u32, names: &[&str]) -> Vec<String> {
    let set = names.iter().enumerate().filter(|(index, _)| bits >> index & 1 != 0);
    set.map(|(_, name)| (*name).to_owned()).collect()
}

fn extended_key_usage(value: &[u8]) -> Option<Description> {
    let oids = parse::oids(value)?;
    Some(names(oids.iter().map(|oid| long_name(oid).to_owned()).collect()))
}

fn alternative_names(value: &[u8]) -> Option<Description> {
    let names = GeneralName::parse_all(value)?;
    if names.iter().any(GeneralName::has_nul) {
        // OpenSSL prints nothing for such names.
        return Some(Description::Values { values: Vec::new(), is_list: false });
    }
    let values = names.iter().map(GeneralName::describe).collect();
    Some(Description::Values { values, is_list: true })
}

fn information_access(value: &[u8]) -> Option<Description> {
    let mut list = Der::inside(value, der::SEQUENCE)?;
    let mut values = Vec::new();
    while !list.is_empty() {
        let mut access = Der::new(list.read(der::SEQUENCE)?);
        let method = der::oid_to_string(access.read(der::OID)?)?;
        let location = access.next_value()?;
        let (name, value) = GeneralName::parse(location.tag, location.value)?.describe();
        let name = name.unwrap_or_default();
        values.push((Some(format!("{} - {name}", long_name(&method))), value));
    }
    Some(Description::Values { values, is_list: true })
}

fn tls_features(value: &[u8]) -> Option<Description> {
    let mut list = Der::inside(value, der::SEQUENCE)?;
    let mut features = Vec::new();
    while !list.is_empty() {
        let number = list.read(der::INTEGER)?;
        features.push(match number {
            [5] => "status_request".to_owned(),
            [17] => "status_request_v2".to_owned(),
            _ => der::integer_to_string(number),
        });
    }
    Some(names(features))
}

fn policy_mappings(value: &[u8]) -> Option<Description> {
    let mut list = Der::inside(value, der::SEQUENCE)?;
    let mut values = Vec::new();
    while !list.is_empty() {
        let mut mapping = Der::new(list.read(der::SEQUENCE)?);
        let (from, to) = (mapping.read(der::OID)?, mapping.read(der::OID)?);
        let (from, to) = (der::oid_to_string(from)?, der::oid_to_string(to)?);
        values.push(pair(long_name(&from), long_name(&to)));
    }
    Some(Description::Values { values, is_list: true })
}

fn policy_constraints(value: &[u8]) -> Option<Description> {
    let mut inside = Der::inside(value, der::SEQUENCE)?;
    let mut values = Vec::new();
    for (tag, name) in [(0x80, "Require Explicit Policy"), (0x81, "Inhibit Policy Mapping")] {
        if let Some(number) = inside.read(tag) {
            values.push(pair(name, der::integer_to_string(number)));
        }
    }
    Some(Description::Values { values, is_list: false })
}

fn usage_period(value: &[u8], indent: usize) -> Option<Description> {
    let mut inside = Der::inside(value, der::SEQUENCE)?;
    let mut texts = Vec::new();
    for (tag, name) in [(0x80, "Not Before"), (0x81, "Not After")] {
        if let Some(moment) = inside.read(tag) {
            let moment = time::parse(time::GENERALIZED_TIME, moment)??;
            texts.push(format!("{name}: {}", time::readable(moment)));
        }
    }
    Some(Description::Lines(" ".repeat(indent) + &texts.join(", ")))
}

fn only_integer(value: &[u8]) -> Option<Description> {
    Some(Description::Text(der::integer_to_string(Der::new(value).read(der::INTEGER)?)))
}

fn ia5_text(value: &[u8]) -> Option<Description> {
    let text = Der::new(value).read(0x16)?;
    Some(Description::Text(String::from_utf8_lossy(text).into_owned()))
}

fn distribution_points(value: &[u8], indent: usize) -> Option<Description> {
    let mut list = Der::inside(value, der::SEQUENCE)?;
    let mut out = String::new();
    let margin = " ".repeat(indent);
    let mut is_first = true;
    while !list.is_empty() {
        if !std::mem::take(&mut is_first) {
            out.push('\n');
        }
        let mut point = Der::new(list.read(der::SEQUENCE)?);
        if let Some(name) = point.read(0xa0) {
            let name = Der::new(name).next_value()?;
            if name.tag == 0xa0 {
                out.push_str(&format!("{margin}Full Name:\n"));
                push_names(&mut out, name.value, indent)?;
            } else {
                let set = DistinguishedName::parse_set(name.value)?;
                out.push_str(&format!("{margin}Relative Name:\n{margin}  {}\n", set.one_line()));
            }
        }
        if let Some(reasons) = point.read(0x81) {
            let reasons = set_bits(der::bits(reasons)?, &REASONS);
            let reasons =
                if reasons.is_empty() { "<EMPTY>".to_owned() } else { reasons.join(", ") };
            out.push_str(&format!("{margin}Reasons:\n{margin}  {reasons}\n"));
        }
        if let Some(issuer) = point.read(0xa2) {
            out.push_str(&format!("{margin}CRL Issuer:\n"));
            push_names(&mut out, issuer, indent)?;
        }
    }
    Some(Description::Lines(out))
}

fn push_names(out: &mut String, names: &[u8], indent: usize) -> Option<()> {
    let margin = " ".repeat(indent + 2);
    let names = GeneralName::parse_list(names)?;
    let lines: Vec<_> = names.iter().map(|name| format!("{margin}{}", name.line())).collect();
    out.push_str(&lines.join("\n"));
    Some(())
}

fn name_constraints(value: &[u8], indent: usize) -> Option<Description> {
    let constraints = NameConstraints::parse(value)?;
    let margin = " ".repeat(indent);
    let mut lines = Vec::new();
    for (title, names) in
        [("Permitted", &constraints.permitted), ("Excluded", &constraints.excluded)]
    {
        if !names.is_empty() {
            lines.push(format!("{margin}{title}:"));
        }
        for name in names {
            let line = match name {
                GeneralName::Ip(bytes) if matches!(bytes.len(), 8 | 32) => {
                    let (network, mask) = bytes.split_at(bytes.len() / 2);
                    format!("IP:{}/{}", ip_text(network), ip_text(mask))
                }
                GeneralName::Ip(_) => "IP:IP Address:<invalid>".to_owned(),
                _ => name.line(),
            };
            lines.push(format!("{margin}  {line}"));
        }
    }
    Some(Description::Lines(lines.join("\n")))
}

/// Returns an address as OpenSSL writes it: it writes all groups of an IPv6 address.
fn ip_text(bytes: &[u8]) -> String {
    match bytes.len() {
        4 => bytes.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        16 => {
            let group = |pair: &[u8]| format!("{:X}", u16::from_be_bytes([pair[0], pair[1]]));
            bytes.chunks(2).map(group).collect::<Vec<_>>().join(":")
        }
        length => format!("<invalid length={length}>"),
    }
}

impl GeneralName {
    /// Returns whether the text of the name contains a NUL.
    fn has_nul(&self) -> bool {
        match self {
            GeneralName::Email(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => {
                text.contains(&0)
            }
            _ => false,
        }
    }

    /// Returns the kind and the text of the name.
    fn describe(&self) -> Value {
        match self {
            GeneralName::Email(text) => pair("email", latin1(text)),
            GeneralName::Dns(text) => pair("DNS", latin1(text)),
            GeneralName::Uri(text) => pair("URI", latin1(text)),
            GeneralName::Directory(name) => pair("DirName", name.slashes()),
            GeneralName::Ip(bytes) => pair("IP Address", ip_text(bytes)),
            GeneralName::Other(0x88, oid) => {
                let oid = der::oid_to_string(oid).unwrap_or_default();
                pair("Registered ID", long_name(&oid))
            }
            GeneralName::Other(0xa0, value) => {
                let (kind, text) = other_name(value).unwrap_or_default();
                pair(format!("othername: {kind}:"), text)
            }
            GeneralName::Other(0xa3, _) => pair("X400Name", "<unsupported>"),
            GeneralName::Other(0xa5, _) => pair("EdiPartyName", "<unsupported>"),
            GeneralName::Other(..) => pair("othername", "<unsupported>"),
        }
    }

    /// Returns kind and text in one line.
    fn line(&self) -> String {
        match self {
            GeneralName::Directory(name) => format!("DirName:{}", name.one_line()),
            _ => {
                let (name, value) = self.describe();
                format!("{}:{}", name.unwrap_or_default(), value.unwrap_or_default())
            }
        }
    }
}

/// Returns the kind and the text of an `otherName`.
fn other_name(value: &[u8]) -> Option<(String, String)> {
    let mut inside = Der::new(value);
    let kind = der::oid_to_string(inside.read(der::OID)?)?;
    let kind = match &kind[..] {
        "1.3.6.1.4.1.311.20.2.3" => "UPN".to_owned(),
        "1.3.6.1.5.5.7.8.7" => "SRVName".to_owned(),
        "1.3.6.1.5.5.7.8.9" => "SmtpUTF8Mailbox".to_owned(),
        "1.3.6.1.5.5.7.8.5" => "XmppAddr".to_owned(),
        "1.3.6.1.5.5.7.8.8" => "NAIRealm".to_owned(),
        _ => short_name(&kind).to_owned(),
    };
    let name = Der::new(inside.read(0xa0)?).next_value()?;
    let text = match name.tag {
        0x0c | 0x16 => to_text(name.tag, name.value)?,
        _ => "<unsupported>".to_owned(),
    };
    Some((kind, text))
}
