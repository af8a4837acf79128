use std::time::SystemTime;

use base64::Engine;
use proptest::prelude::*;

use super::{
    ExtensionValue, HashAlgorithm, QSslCertificate, SslCertificateError, SslCertificateErrorKind,
    SubjectInfo, parse::Parsed, time,
};
use crate::ssl::{
    error::{QSslError, SslErrorKind},
    kinds::{AlternativeNameEntryType, EncodingFormat, PatternSyntax},
};

/// Qt's results, recorded by `tests/data/certificate/goldens.py`.
const GOLDENS: &str = include_str!("../../../tests/data/certificate/goldens.tsv");

/// Where our result differs, and why.
const DIFFERENT: &[(&str, &str)] = &[(
    "key unknown",
    "Qt's text has the lines of OpenSSL's list of errors, with numbers of this run",
)];

/// How many certificates were found.
fn number_of(found: Result<Vec<QSslCertificate>, SslCertificateError>) -> usize {
    found.map_or(0, |found| found.len())
}

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
                Some('0') => '\0',
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
    let hash = |algorithm| super::hex::hex(&certificate.digest(algorithm), "");
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
        ExtensionValue::Bytes(bytes) => format!("x{}", super::hex::hex(bytes, "")),
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

/// Qt's counts for fixed strings, wildcards and expressions.
#[test]
#[cfg(unix)]
fn from_path() {
    const COUNTS: &str = include_str!("../../../tests/data/certificate/paths.tsv");
    let directory = std::env::temp_dir().join(format!("qnetwork-paths-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let certs = directory.join("certs");
    std::fs::create_dir_all(certs.join("sub")).unwrap();
    std::fs::create_dir_all(directory.join("other")).unwrap();
    let pem = pem("a.example");
    let files = ["a.pem", "b.pem", "c.crt", "sub/d.pem", "noext", "A.PEM", ".hid.pem", "sp a.pem"];
    for name in files.into_iter().chain(["x+y.pem", "e[1].pem", "../top.pem", "../other/o.pem"]) {
        std::fs::write(certs.join(name), &pem).unwrap();
    }
    std::fs::write(certs.join("two.pem"), pem.repeat(2)).unwrap();
    let certificate = QSslCertificate::new(&pem, EncodingFormat::Pem);
    std::fs::write(certs.join("a.der"), certificate.to_der()).unwrap();
    std::os::unix::fs::symlink("../other", certs.join("link")).unwrap();
    std::os::unix::fs::symlink("..", certs.join("sub/loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", certs.join("zero.pem")).unwrap();

    let mut count = 0;
    for line in COUNTS.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let path = fields[0].replace("$D", directory.to_str().unwrap());
        // Relative to this test's directory, which is not the process's.
        assert!(path.starts_with('/'), "{path}");
        let syntaxes =
            [PatternSyntax::FixedString, PatternSyntax::Wildcard, PatternSyntax::RegularExpression];
        let ours = syntaxes.map(|syntax| {
            number_of(QSslCertificate::from_path_with_syntax(&path, EncodingFormat::Pem, syntax))
                .to_string()
        });
        assert_eq!(ours[..], fields[1..4], "{path}");
        let der = QSslCertificate::from_path_with_syntax(
            &path,
            EncodingFormat::Der,
            PatternSyntax::Wildcard,
        );
        assert_eq!(number_of(der).to_string(), fields[4], "{path}");
        count += 1;
    }
    assert!(count > 30, "{count}");
    std::fs::remove_dir_all(&directory).unwrap();
}

fn pem(name: &str) -> String {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.pem()
}

#[test]
fn a_null_certificate() {
    let null = QSslCertificate::default();
    assert!(null.is_null() && !null.is_self_signed() && !null.is_blacklisted());
    assert_eq!((null.version(), null.serial_number()), (String::new(), String::new()));
    assert_eq!(
        super::hex::hex(&null.digest(HashAlgorithm::Md5), ""),
        "d41d8cd98f00b204e9800998ecf8427e"
    );
    assert_eq!((null.effective_date(), null.expiry_date()), (None, None));
    assert!(null.subject_info(SubjectInfo::CommonName).is_empty());
    assert!(null.issuer_info(SubjectInfo::CommonName).is_empty());
    assert!(null.issuer_info("CN").is_empty() && null.subject_info("CN").is_empty());
    assert_eq!((null.subject_display_name(), null.issuer_display_name()), ("".into(), "".into()));
    assert!(null.subject_info_attributes().is_empty() && null.extensions().is_empty());
    assert!(null.issuer_info_attributes().is_empty() && null.public_key().is_null());
    assert!(null.subject_alternative_names().is_empty());
    assert!(null.to_pem().is_empty() && null.to_der().is_empty() && null.to_text().is_empty());
    assert_eq!(null, QSslCertificate::new("", EncodingFormat::Der));
    assert_eq!(format!("{null:?}"), "QSslCertificate(null)");

    let mut certificate = QSslCertificate::new(pem("a.example"), EncodingFormat::Pem);
    let copy = certificate.clone();
    certificate.clear();
    assert_eq!(certificate, null);
    assert_ne!(copy, null);
    certificate.swap(&mut copy.clone());
    assert_eq!(certificate, copy);
    let extension = crate::QSslCertificateExtension::default();
    assert_eq!((extension.name(), extension.value()), ("", ExtensionValue::Null));
}

#[test]
fn verifying_by_the_systems_certificates() {
    let errors = QSslCertificate::verify(&[], "a.example");
    assert_eq!(errors, [QSslError::new(SslErrorKind::Unspecified)]);
    let chain = [QSslCertificate::new(pem("a.example"), EncodingFormat::Pem)];
    let self_signed =
        QSslError::with_certificate(SslErrorKind::SelfSignedCertificate, chain[0].clone());
    let only = std::slice::from_ref(&self_signed);
    assert_eq!(QSslCertificate::verify(&chain, ""), only);
    assert_eq!(QSslCertificate::verify(&chain, "a.example"), only);
    let mismatch = QSslError::with_certificate(SslErrorKind::HostNameMismatch, chain[0].clone());
    assert_eq!(QSslCertificate::verify(&chain, "b.example"), [mismatch, self_signed]);
}

#[test]
fn values_that_threads_share() {
    fn is_shared<T: Send + Sync + std::hash::Hash + Eq>(_: &T) {}
    let certificate = QSslCertificate::new(pem("a.example"), EncodingFormat::Pem);
    is_shared(&certificate);
    is_shared(&QSslError::with_certificate(SslErrorKind::CertificateExpired, certificate.clone()));
    fn is_sendable<T: Send + Sync>(_: &T) {}
    is_sendable(&crate::QSslCertificateExtension::default());
    let described = describe(&certificate);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(describe(&certificate), described);
                    let again = QSslCertificate::new(certificate.to_der(), EncodingFormat::Der);
                    assert_eq!(certificate, again);
                }
            });
        }
    });
    let again = QSslCertificate::new(certificate.to_pem(), EncodingFormat::Pem);
    assert_eq!(std::collections::HashSet::from([certificate, again]).len(), 1);
}

/// Each case was tried with Qt.
#[test]
fn how_lenient_text_is_read() {
    let whole = pem("a.example").replace("\r\n", "\n");
    let begin = "-----BEGIN CERTIFICATE-----";
    let end = "-----END CERTIFICATE-----";
    let pem = whole.trim_end();
    let body = &pem[begin.len()..pem.len() - end.len()];
    let spoilt = format!("{begin}\nAAAA\n{end}\n{pem}");
    let cases = [
        (pem.to_owned(), 1),
        (format!("{pem}\n"), 1),
        (pem.replace('\n', "\r\n"), 1),
        (pem.replace('\n', "\r"), 0),
        (format!("{pem}  \n"), 1),
        (format!("{pem}  "), 0),
        (format!("{pem}\t\n"), 0),
        (format!("{pem}junk"), 0),
        (format!("{pem} junk\n{pem}"), 0),
        (format!("{pem}\n{pem}"), 2),
        (format!("{pem}{pem}"), 0),
        (format!("{pem}\r\n{pem}"), 2),
        (format!("{pem}\r{pem}"), 0),
        (format!("{pem} \n\n \n{pem}"), 2),
        (format!("{begin}  {body}{end}"), 1),
        (format!("{begin}{}{end}", body.trim()), 0),
        (format!("{begin}\t{body}{end}"), 0),
        (format!("{begin}\r{body}{end}"), 1),
        (begin.to_owned(), 0),
        (format!("{begin}\n"), 0),
        (format!("{begin}{body}"), 0),
        (spoilt, 1),
        (format!("hello {pem}"), 1),
        (pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), 0),
        (format!("{begin}{}####{}{end}", &body[..100], &body[100..]), 1),
        (format!("{begin}\nFoo: bar\n\n{}{end}", body.trim_start()), 0),
    ];
    for (text, count) in cases {
        let found = QSslCertificate::from_data(&text, EncodingFormat::Pem);
        assert_eq!(found.map_or(0, |found| found.len()), count, "{text}");
        assert_eq!(QSslCertificate::new(&text, EncodingFormat::Pem).is_null(), count == 0);
    }
    let der = QSslCertificate::new(pem, EncodingFormat::Pem).to_der();
    let der_count = |der: &[u8]| number_of(QSslCertificate::from_data(der, EncodingFormat::Der));
    assert_eq!(der_count(&der), 1);
    assert_eq!(der_count(&[&der[..], &der].concat()), 2);
    assert_eq!(der_count(&[&der[..], b"x", &der].concat()), 1);
    assert_eq!(der_count(&[b"x", &der[..]].concat()), 0);
    assert_eq!(der_count(pem.as_bytes()), 0);
    let error = QSslCertificate::from_data(&der, EncodingFormat::Pem).unwrap_err();
    assert_eq!(error, SslCertificateErrorKind::NoPemBlock);
    let error = QSslCertificate::try_new(begin, EncodingFormat::Pem).unwrap_err();
    assert_eq!(error, SslCertificateErrorKind::NoPemBlock);
    let garbage = format!("{begin}\nAAAA\n{end}\n");
    let error = QSslCertificate::try_new(garbage, EncodingFormat::Pem).unwrap_err();
    assert_eq!(error, SslCertificateErrorKind::NoCertificate);
    for format in [EncodingFormat::Pem, EncodingFormat::Der] {
        assert!(QSslCertificate::new("garbage", format).is_null());
        let other = if format == EncodingFormat::Pem { &der[..] } else { pem.as_bytes() };
        assert!(QSslCertificate::new(other, format).is_null(), "{format:?}");
    }
}

/// Attributes by Qt's enumerator and by OpenSSL's name.
#[test]
fn attributes_by_word_and_by_name() {
    use rcgen::DnType;

    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    let mut name = rcgen::DistinguishedName::new();
    for (kind, text) in [
        (DnType::OrganizationName, "Some Organisation"),
        (DnType::CommonName, "name"),
        (DnType::LocalityName, "Oslo"),
        (DnType::OrganizationalUnitName, "Unit"),
        (DnType::CountryName, "NO"),
        (DnType::StateOrProvinceName, "State"),
    ] {
        name.push(kind, text);
    }
    parameters.distinguished_name = name;
    let der = parameters.self_signed(&key).unwrap();
    let certificate = QSslCertificate::new(der.der(), EncodingFormat::Der);
    for (word, short, text) in [
        (SubjectInfo::Organization, "O", Some("Some Organisation")),
        (SubjectInfo::CommonName, "CN", Some("name")),
        (SubjectInfo::LocalityName, "L", Some("Oslo")),
        (SubjectInfo::OrganizationalUnitName, "OU", Some("Unit")),
        (SubjectInfo::CountryName, "C", Some("NO")),
        (SubjectInfo::StateOrProvinceName, "ST", Some("State")),
        (SubjectInfo::DistinguishedNameQualifier, "dnQualifier", None),
        (SubjectInfo::SerialNumber, "serialNumber", None),
        (SubjectInfo::EmailAddress, "emailAddress", None),
    ] {
        let wanted: Vec<&str> = text.into_iter().collect();
        assert_eq!(certificate.subject_info(word), wanted, "{short}");
        assert_eq!(certificate.issuer_info(word), wanted, "{short}");
        assert_eq!(certificate.subject_info(short), wanted);
        assert_eq!(certificate.issuer_info(short), wanted);
    }
    assert!(certificate.subject_info("no such").is_empty());
}

/// For each length modulo the line's, reading returns the same bytes, and all lines are full.
#[test]
fn text_and_back() {
    let mut full_lines = 0;
    for length in 0..100 {
        let name = format!("{}.example", "a".repeat(length % 60 + 1));
        // Its signatures all have the same length.
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let mut parameters = rcgen::CertificateParams::new([name]).unwrap();
        parameters.serial_number = Some(vec![1; length % 20 + 1].into());
        let issued = parameters.self_signed(&key).unwrap();
        let der = issued.der().to_vec();
        let certificate = QSslCertificate::new(&der, EncodingFormat::Der);
        assert_eq!(certificate.to_der(), der);
        assert_eq!(certificate.to_pem(), issued.pem().replace("\r\n", "\n").as_bytes());
        let pem = String::from_utf8(certificate.to_pem()).unwrap();
        assert!(pem.ends_with("\n-----END CERTIFICATE-----\n"), "{pem}");
        let lines: Vec<_> = pem.lines().collect();
        let (last, full) = lines[1..lines.len() - 1].split_last().unwrap();
        assert!(full.iter().all(|line| line.len() == 64) && (1..=64).contains(&last.len()));
        full_lines += usize::from(last.len() == 64);
        assert_eq!(QSslCertificate::new(pem, EncodingFormat::Pem), certificate);
    }
    assert!(full_lines > 1, "{full_lines}");
}

#[test]
fn names_that_are_too_long_are_left_out() {
    let name = |length: usize| {
        let mut name = vec![0x82, 0x82, (length >> 8) as u8, length as u8];
        name.resize(4 + length, b'a');
        name
    };
    let names = [name(8191), name(8192), name(5)].concat();
    let mut sequence = vec![0x30, 0x82, (names.len() >> 8) as u8, names.len() as u8];
    sequence.extend(names);
    let mut parameters = rcgen::CertificateParams::default();
    let extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 17], sequence);
    parameters.custom_extensions.push(extension);
    let der = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    let certificate = QSslCertificate::new(der.der(), EncodingFormat::Der);
    let names = &certificate.subject_alternative_names()[&AlternativeNameEntryType::Dns];
    assert_eq!(names.iter().map(String::len).collect::<Vec<_>>(), [5, 8191]);
}

#[test]
fn from_device() {
    let buffer = qcore::QBuffer::new();
    buffer.set_data(pem("a.example").repeat(3));
    assert!(QSslCertificate::from_device(&buffer, EncodingFormat::Pem).is_err());
    buffer.open(qcore::OpenMode::READ_ONLY).unwrap();
    assert_eq!(number_of(QSslCertificate::from_device(&buffer, EncodingFormat::Pem)), 3);
    assert_eq!(number_of(QSslCertificate::from_device(&buffer, EncodingFormat::Pem)), 0);
    buffer.close();

    let der = QSslCertificate::new(pem("a.example"), EncodingFormat::Pem).to_der();
    for (data, format, count) in [
        (&der[..], EncodingFormat::Der, 1),
        (&der, EncodingFormat::Pem, 0),
        (pem("a.example").as_bytes(), EncodingFormat::Der, 0),
        (b"garbage", EncodingFormat::Der, 0),
    ] {
        let device = qcore::QBuffer::new();
        device.set_data(data);
        device.open(qcore::OpenMode::READ_ONLY).unwrap();
        assert_eq!(number_of(QSslCertificate::from_device(&device, format)), count, "{format:?}");
    }
}

/// Calls all getters.
fn ask(certificate: &QSslCertificate) {
    describe(certificate);
    let _ = format!("{certificate:?}");
    let _ = QSslCertificate::verify(std::slice::from_ref(certificate), "a.example");
}

proptest! {
    #[test]
    fn random_bytes_are_no_trouble(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in [EncodingFormat::Der, EncodingFormat::Pem] {
            for certificate in QSslCertificate::from_data(&bytes, format).unwrap_or_default() {
                ask(&certificate);
            }
        }
        let text = [b"-----BEGIN CERTIFICATE-----\n", &bytes[..], b"\n-----END CERTIFICATE-----\n"];
        let _ = QSslCertificate::from_data(text.concat(), EncodingFormat::Pem);
    }

    #[test]
    fn a_spoilt_certificate_is_no_trouble(
        which in any::<prop::sample::Index>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        // That certificate has superfluous bytes.
        let lines: Vec<_> = GOLDENS.lines().filter(|line| !line.starts_with("tail")).collect();
        let der = which.get(&lines).split('\t').nth(1).unwrap();
        let mut der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
        prop_assert!(Parsed::parse(&der[..cut.index(der.len())]).is_none());
        for (place, byte) in places {
            let place = place.index(der.len());
            der[place] = byte;
        }
        if let Some(parsed) = Parsed::parse(&der) {
            prop_assert!(parsed.der.len() <= der.len());
            ask(&QSslCertificate::new(&der, EncodingFormat::Der));
        }
    }

    #[test]
    fn dates_are_what_they_were(seconds in -62_135_596_800i64..253_402_300_800) {
        let text = time::iso(seconds);
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let parsed = time::parse(time::GENERALIZED_TIME, format!("{digits}Z").as_bytes());
        prop_assert_eq!(parsed, Some(Some(seconds)));
    }
}
