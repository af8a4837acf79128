use std::time::SystemTime;

use base64::Engine;
use proptest::prelude::*;

use super::{parse::Parsed, time};
use crate::{
    AlternativeNameEntryType, CertificateParseError, EncodingFormat, ExtensionValue, HashAlgorithm,
    QSslCertificate, SubjectInfo,
};

/// What Qt says, recorded by `goldens.py`.
const GOLDENS: &str = include_str!("goldens.tsv");

/// Where ours differs, and why.
const DIFFERENT: &[(&str, &str)] = &[(
    "key unknown",
    "Qt's text has the lines of OpenSSL's list of errors, with numbers of this run",
)];

#[test]
fn all_that_qt_says_of_them() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in GOLDENS.lines() {
        let mut fields = line.split('\t');
        let (name, der, expected) =
            (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        let expected = &unescape(expected);
        let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
        let certificate = QSslCertificate::new(&der, EncodingFormat::Der);
        let described = describe(&certificate);
        count += 1;
        if DIFFERENT.iter().any(|(different, _)| *different == name) {
            assert_ne!(&described, expected, "{name}");
        } else if described != *expected {
            let lines: Vec<_> = expected.lines().collect();
            let ours: Vec<_> = described.lines().collect();
            let first = (0..lines.len().max(ours.len())).find(|i| lines.get(*i) != ours.get(*i));
            let first = first.unwrap_or(0);
            wrong.push(format!("{name}: {:?}\n    ours: {:?}", lines.get(first), ours.get(first)));
        }
    }
    assert!(count > 100, "{count}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

fn unescape(text: &str) -> String {
    let mut chars = text.chars();
    let mut out = String::new();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                other => other.unwrap(),
            },
            c => c,
        });
    }
    out
}

fn describe(certificate: &QSslCertificate) -> String {
    if certificate.is_null() {
        return String::new();
    }
    let hash = |algorithm| super::hex(&certificate.digest(algorithm), "");
    let date = |date: Option<SystemTime>| {
        date.map_or("none".to_owned(), |date| time::iso(time::seconds(date)))
    };
    let mut lines = vec![
        format!("version {} serial {}", certificate.version(), certificate.serial_number()),
        format!("md5 {} sha1 {}", hash(HashAlgorithm::Md5), hash(HashAlgorithm::Sha1)),
        format!("self {} bad {}", certificate.is_self_signed(), certificate.is_blacklisted()),
        format!(
            "from {} to {}",
            date(certificate.effective_date()),
            date(certificate.expiry_date())
        ),
        format!("subject {}", certificate.subject_display_name()),
        format!("issuer {}", certificate.issuer_display_name()),
    ];
    let list = |texts: Vec<String>| show(&ExtensionValue::List(texts));
    for name in certificate.subject_info_attributes() {
        lines.push(format!("S {name} {}", list(certificate.subject_info(&name))));
    }
    for name in certificate.issuer_info_attributes() {
        lines.push(format!("I {name} {}", list(certificate.issuer_info(&name))));
    }
    let mut names = "names ".to_owned();
    for (kind, texts) in certificate.subject_alternative_names() {
        let kind = match kind {
            AlternativeNameEntryType::Email => 0,
            AlternativeNameEntryType::Dns => 1,
            AlternativeNameEntryType::IpAddress => 2,
        };
        for text in texts {
            let quoted = text.replace('\0', "\\u0000");
            names.push_str(&format!("({kind}, \"{quoted}\")"));
        }
    }
    lines.push(names);
    for extension in certificate.extensions() {
        lines.push(format!(
            "E {} {} {} {} {}",
            extension.name(),
            extension.oid(),
            extension.is_critical(),
            extension.is_supported(),
            show(&extension.value())
        ));
    }
    lines.join("\n") + "\n" + &certificate.to_text()
}

fn show(value: &ExtensionValue) -> String {
    match value {
        ExtensionValue::Null => "null".to_owned(),
        ExtensionValue::Bool(value) => value.to_string(),
        ExtensionValue::Number(value) => value.to_string(),
        ExtensionValue::Text(text) => format!("'{text}'"),
        ExtensionValue::Bytes(bytes) => format!("x{}", super::hex(bytes, "")),
        ExtensionValue::List(texts) => {
            let texts: Vec<_> = texts.iter().map(|text| format!("'{text}'")).collect();
            format!("[{}]", texts.join(", "))
        }
        ExtensionValue::Map(map) => {
            let pairs: Vec<_> = map.iter().map(|(k, v)| format!("{k}: {}", show(v))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}
