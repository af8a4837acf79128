use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::Engine;

use super::{Purpose, Request, host::Host, names::COMPARISONS, oracles::describe, verify};
use crate::{
    host_info::ace::to_ace,
    ssl::{
        certificate::QSslCertificate,
        error::{QSslError, SslErrorKind},
        kinds::EncodingFormat,
    },
};

thread_local! {
    /// The number of signatures that this thread's last verification has checked.
    pub(super) static SIGNATURES: Cell<usize> = const { Cell::new(0) };
    /// The errors of the first path of this thread's last verification, and their places.
    pub(super) static FIRST_PATH: RefCell<Vec<(SslErrorKind, usize)>> =
        const { RefCell::new(Vec::new()) };
}

fn load(name: &str) -> Vec<QSslCertificate> {
    let path = format!("{}/../../tests/conformance/certs/{name}", env!("CARGO_MANIFEST_DIR"));
    let chain =
        QSslCertificate::from_data(std::fs::read(path).unwrap(), EncodingFormat::Pem).unwrap();
    assert!(!chain.is_empty(), "{name}");
    chain
}

/// The middle of 2026.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_782_000_000)
}

fn errors(chain: &[QSslCertificate], host: &str) -> Vec<(SslErrorKind, bool)> {
    let found = verify(&Request {
        chain,
        trusted: &load("ca.crt"),
        host: Some(host),
        purpose: Purpose::Server,
        depth: 0,
        now: now(),
    });
    found.iter().map(|error| (error.error(), error.certificate() == &chain[0])).collect()
}

#[test]
fn the_certificates_of_the_scenarios() {
    assert_eq!(errors(&load("good.crt"), "localhost"), []);
    assert_eq!(errors(&load("good-ec.crt"), "127.0.0.1"), []);
    assert_eq!(errors(&load("chain.crt"), "localhost"), []);
    assert_eq!(errors(&load("good.crt"), "other"), [(SslErrorKind::HostNameMismatch, true)]);
    assert_eq!(
        errors(&load("expired.crt"), "localhost"),
        [(SslErrorKind::CertificateExpired, true)]
    );
    assert_eq!(
        errors(&load("notyet.crt"), "localhost"),
        [(SslErrorKind::CertificateNotYetValid, true)]
    );
    assert_eq!(
        errors(&load("selfsigned.crt"), "localhost"),
        [(SslErrorKind::SelfSignedCertificate, true)]
    );
    assert_eq!(
        errors(&load("chain-missing.crt"), "localhost"),
        [
            (SslErrorKind::UnableToGetLocalIssuerCertificate, true),
            (SslErrorKind::UnableToVerifyFirstCertificate, true)
        ]
    );
}

/// Where our errors differ from Qt's: purpose, chain, trusted certificates, and our errors. Qt
/// accepts signatures with MD5, SHA-1 or a small RSA key, which the provider cannot verify. Qt
/// tries no second path if the first one does not lead to a root. Qt does not see that a
/// certificate with too small a key is self-signed.
const OURS: &[(&str, &str, &str, &str)] = &[
    ("any", "leaf-sha1", "root", "CertificateSignatureFailed@0"),
    ("server", "leaf-sha1", "root", "UnspecifiedError@0 CertificateSignatureFailed@0"),
    ("client", "leaf-sha1", "root", "UnspecifiedError@0 CertificateSignatureFailed@0"),
    ("any", "leaf-by-mid,mid-by-other,mid", "root", ""),
    ("server", "leaf-by-mid,mid-by-other,mid", "root", ""),
    ("any", "leaf-by-mid,mid-by-expired,mid", "root", ""),
    ("server", "leaf-by-mid,mid-by-expired,mid", "root", ""),
    ("server", "self-rsa1024", "", "UnspecifiedError@0 SelfSignedCertificate@0"),
    ("client", "self-rsa1024", "", "UnspecifiedError@0 SelfSignedCertificate@0"),
    ("server", "self-rsa1024,root", "root", "UnspecifiedError@0 SelfSignedCertificate@0"),
    ("any", "leaf-by-rsa1024", "root-rsa1024", "CertificateSignatureFailed@0"),
    (
        "server",
        "leaf-by-rsa1024",
        "root-rsa1024",
        "UnspecifiedError@- CertificateSignatureFailed@0",
    ),
    (
        "client",
        "leaf-by-rsa1024",
        "root-rsa1024",
        "UnspecifiedError@- CertificateSignatureFailed@0",
    ),
    ("any", "leaf-by-mid-rsa1024,mid-rsa1024", "root", "CertificateSignatureFailed@0"),
    (
        "server",
        "leaf-by-mid-rsa1024,mid-rsa1024",
        "root",
        "UnspecifiedError@1 CertificateSignatureFailed@0",
    ),
    (
        "client",
        "leaf-by-mid-rsa1024,mid-rsa1024",
        "root",
        "UnspecifiedError@1 CertificateSignatureFailed@0",
    ),
    ("any", "leaf-by-mid-sha1,mid-sha1", "root", "CertificateSignatureFailed@1"),
    (
        "server",
        "leaf-by-mid-sha1,mid-sha1",
        "root",
        "UnspecifiedError@1 CertificateSignatureFailed@1",
    ),
    (
        "client",
        "leaf-by-mid-sha1,mid-sha1",
        "root",
        "UnspecifiedError@1 CertificateSignatureFailed@1",
    ),
    (
        "any",
        "leaf-by-mid-sha1,mid-sha1,root",
        "",
        "SelfSignedCertificateInChain@2 CertificateSignatureFailed@1",
    ),
    (
        "server",
        "leaf-by-mid-sha1,mid-sha1,root",
        "",
        "SelfSignedCertificateInChain@2 UnspecifiedError@1 CertificateSignatureFailed@1",
    ),
];

/// ring does not verify P-256 signatures with SHA-512.
const NOT_BY_RING: &str = "leaf-sha512";

/// Qt's errors, recorded by `tests/data/verify/goldens.py`.
const GOLDENS: &str = include_str!("../../../tests/data/verify/goldens.tsv");

#[test]
fn all_that_qt_says_in_its_order() {
    assert!(compare_with_qt(GOLDENS, OURS) > 500);
}

/// Qt's errors for certificates in unusual forms, recorded by `tests/data/verify/forms.py`.
const FORMS: &str = include_str!("../../../tests/data/verify/forms.tsv");

/// Where our errors differ: if a leaf's key cannot be read, OpenSSL stops verifying, and Qt sees no
/// error.
const OUR_FORMS: &[(&str, &str, &str, &str)] = &[
    ("any", "key-short-point-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-no-point-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-curve-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-no-curve-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-null-curve-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-rsa-garbage-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-rsa-one-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-rsa-three-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-algorithm-0", "good-root", "UnspecifiedError@0"),
    ("any", "key-ed25519-short-0", "good-root", "UnspecifiedError@0"),
    ("any", "root-short-point-root", "root-short-point-root", UNREADABLE_ROOT),
    ("any", "root-short-point-root", "", UNREADABLE_ROOT),
    ("any", "root-curve-root", "root-curve-root", UNREADABLE_ROOT),
    ("any", "root-curve-root", "", UNREADABLE_ROOT),
    ("any", "root-rsa-garbage-root", "root-rsa-garbage-root", UNREADABLE_ROOT),
    ("any", "root-rsa-garbage-root", "", UNREADABLE_ROOT),
    ("any", "root-algorithm-root", "root-algorithm-root", UNREADABLE_ROOT),
    ("any", "root-algorithm-root", "", UNREADABLE_ROOT),
];
const UNREADABLE_ROOT: &str =
    "UnableToGetLocalIssuerCertificate@0 UnspecifiedError@0 UnableToVerifyFirstCertificate@0";

#[test]
fn all_that_qt_says_of_odd_forms() {
    assert!(compare_with_qt(FORMS, OUR_FORMS) > 250);
}

/// Verifies all chains of a table. Returns how many there are.
fn compare_with_qt(table: &str, ours: &[(&str, &str, &str, &str)]) -> usize {
    let mut certificates = HashMap::new();
    let (mut cases, mut wrong) = (0, Vec::new());
    for line in table.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        if let ["certificate", name, der] = fields[..] {
            let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
            certificates.insert(name, QSslCertificate::new(der, EncodingFormat::Der));
            continue;
        }
        let ["case", how, chain, trusted, host, depth, expected] = fields[..] else {
            panic!("{line}");
        };
        let ours = ours.iter().find(|ours| (ours.0, ours.1, ours.2) == (how, chain, trusted));
        let mut expected = ours.map_or(expected, |ours| ours.3);
        if cfg!(not(feature = "aws-lc-rs")) && chain == NOT_BY_RING {
            expected = "CertificateSignatureFailed@0";
        }
        let list = |names: &str| -> Vec<QSslCertificate> {
            let names = names.split(',').filter(|name| !name.is_empty());
            names.map(|name| certificates[name].clone()).collect()
        };
        let chain = list(chain);
        let found = verify(&Request {
            chain: &chain,
            trusted: &list(trusted),
            host: Some(host).filter(|host| !host.is_empty()),
            purpose: match how {
                "any" => Purpose::Any,
                "server" => Purpose::Server,
                _ => Purpose::Client,
            },
            depth: depth.parse().unwrap(),
            now: now(),
        });
        let found = describe(&chain, &found);
        cases += 1;
        if found != expected {
            wrong.push(format!("{line}\n    ours: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
    cases
}

/// The rows of Qt's own test of wildcards.
#[test]
fn patterns_for_names() {
    let good = [
        ("www.example.com", "www.example.com"),
        ("WWW.example.com", "www.example.com"),
        ("*.example.com", "www.example.com"),
        ("xxx*.example.com", "xxxwww.example.com"),
        ("f*.example.com", "foo.example.com"),
        ("192.168.0.0", "192.168.0.0"),
        ("foo.éxample.com", "foo.xn--xample-9ua.com"),
        ("*.éxample.com", "foo.xn--xample-9ua.com"),
        ("xn--kcry6tjko.example.org", "xn--kcry6tjko.example.org"),
        ("*.xn--kcry6tjko.example.org", "xn--kcr.xn--kcry6tjko.example.org"),
    ];
    for (pattern, host) in good {
        assert!(Host::new(host).is_named(pattern), "{pattern} {host}");
    }
    let bad = [
        ("xxx.example.com", "www.example.com"),
        ("*", "www.example.com"),
        ("*.*.com", "www.example.com"),
        ("*.com", "www.example.com"),
        ("*.com", "example.com"),
        ("*fail.com", "example.com"),
        ("*.example.", "www.example."),
        ("*.example.", "www.example"),
        ("", "www.example"),
        ("*.", "www.example"),
        ("*.example.com", "www.foo.example.com"),
        ("*.example.com", "baa.foo.example.com"),
        ("f*.example.com", "baa.example.com"),
        ("*.example.com", "example.com"),
        ("*fail.example.com", "example.com"),
        ("", ""),
        ("*.", ""),
        ("*.168.0.0", "192.168.0.0"),
        ("xn--kcry6tjko*.example.org", "xn--kcry6tjkoanc.example.org"),
        ("å*.example.org", "xn--la-xia.example.org"),
    ];
    for (pattern, host) in bad {
        assert!(!Host::new(host).is_named(pattern), "{pattern} {host}");
    }
}

/// Qt's results, recorded by `tests/data/verify/hosts.py`.
#[test]
fn hosts_that_certificates_are_for() {
    let mut lines = include_str!("../../../tests/data/verify/hosts.tsv").split_terminator('\n');
    let hosts: Vec<_> = lines.next().unwrap().split('\t').collect();
    let (mut count, mut holes, mut wrong) = (0, 0, Vec::new());
    for line in lines {
        let mut fields = line.split('\t');
        let der = base64::engine::general_purpose::STANDARD.decode(fields.next().unwrap());
        let certificate = QSslCertificate::try_new(der.unwrap(), EncodingFormat::Der).unwrap();
        let what = fields.next().unwrap();
        let fits: Vec<usize> = fields.map(|field| field.parse().unwrap()).collect();
        for (index, host) in hosts.iter().enumerate() {
            count += 1;
            let (ours, qts) =
                (Host::new(host).find_in(&certificate).is_some(), fits.contains(&index));
            // To Qt all hosts that are not names are the same. Any of them in a certificate matches
            // `::1`.
            if qts && !ours && to_ace(host).is_none() {
                holes += 1;
            } else if ours != qts {
                wrong.push(format!("{what} {host:?}: {}", fits.contains(&index)));
            }
        }
    }
    assert!(count > 4000 && holes > 100, "{count} {holes}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

fn codes(request: &Request<'_>) -> Vec<SslErrorKind> {
    verify(request).iter().map(QSslError::error).collect()
}

fn request<'a>(
    chain: &'a [QSslCertificate],
    trusted: &'a [QSslCertificate],
    purpose: Purpose,
) -> Request<'a> {
    Request { chain, trusted, host: None, purpose, depth: 0, now: now() }
}

#[test]
fn nothing_to_verify() {
    assert_eq!(codes(&request(&[], &[], Purpose::Any)), [SslErrorKind::Unspecified]);
    assert_eq!(codes(&request(&[], &[], Purpose::Server)), [SslErrorKind::NoPeerCertificate]);
    // Qt finds no error in it.
    let null = [QSslCertificate::default()];
    assert_eq!(codes(&request(&null, &null, Purpose::Any)), [SslErrorKind::Unspecified]);
    let mut chain = load("good.crt");
    chain.push(QSslCertificate::default());
    assert_eq!(codes(&request(&chain, &load("ca.crt"), Purpose::Server)), []);
}

#[test]
fn to_the_second() {
    let chain = load("good.crt");
    let trusted = load("ca.crt");
    let second = Duration::from_secs(1);
    let (first, last) = (chain[0].effective_date().unwrap(), chain[0].expiry_date().unwrap());
    let at = |now| codes(&Request { now, ..request(&chain, &trusted, Purpose::Server) });
    assert_eq!(at(first), []);
    assert_eq!(at(last - second), []);
    let not_yet = SslErrorKind::CertificateNotYetValid;
    assert_eq!(at(first - second), [not_yet, not_yet]);
    // An expired root is not trusted.
    let over = [
        SslErrorKind::UnableToGetLocalIssuerCertificate,
        SslErrorKind::UnableToVerifyFirstCertificate,
        SslErrorKind::CertificateExpired,
    ];
    assert_eq!(at(last), over);
    assert_eq!(at(last + second), over);
}

/// Makes `count` certificates for each of two names. They could all have issued one another with
/// one key, so there are more paths than can be tried.
fn maze(count: usize) -> Vec<QSslCertificate> {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = |name: &str, number: usize| {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.serial_number = Some((number as u64 + 1).into());
        parameters
    };
    let make = |number: usize| {
        let (name, issuer) = if number.is_multiple_of(2) { ("a", "b") } else { ("b", "a") };
        let issuer = rcgen::Issuer::new(parameters(issuer, 0), &key);
        let certificate = parameters(name, number).signed_by(&key, &issuer).unwrap();
        QSslCertificate::new(certificate.der(), EncodingFormat::Der)
    };
    (0..2 * count).map(make).collect()
}

#[test]
fn a_maze_is_left_soon() {
    let chain = maze(40);
    let found = codes(&request(&chain, &load("ca.crt"), Purpose::Any));
    assert_eq!(found, [SslErrorKind::UnableToGetLocalIssuerCertificate]);
    assert!((90..=100).contains(&SIGNATURES.get()), "{}", SIGNATURES.get());
    // The same certificates as trusted ones. None of them is a root.
    let found = codes(&request(&chain[..1], &chain, Purpose::Any));
    assert_eq!(found[0], SslErrorKind::Unspecified);
    assert!(SIGNATURES.get() <= 100, "{}", SIGNATURES.get());
}

/// Two issuers have the same name and no key identifier. The first one has the wrong key.
#[test]
fn another_path_is_tried() {
    let issuer = |key: &rcgen::KeyPair| {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(b"the same".to_vec());
        (parameters.clone(), parameters.self_signed(key).unwrap())
    };
    let keys = [rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap()];
    let (wrong, right) = (issuer(&keys[0]).1, issuer(&keys[1]));
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
    leaf.distinguished_name = rcgen::DistinguishedName::new();
    let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(right.0, &keys[1])).unwrap();
    let load = |der: &[u8]| QSslCertificate::new(der, EncodingFormat::Der);
    let (leaf, wrong, right) = ([load(leaf.der())], load(wrong.der()), load(right.1.der()));
    let both = [wrong.clone(), right.clone()];
    assert_eq!(codes(&request(&leaf, &both, Purpose::Server)), []);
    let found = codes(&request(&leaf, &both[..1], Purpose::Server));
    assert_eq!(found, [SslErrorKind::CertificateSignatureFailed]);
}

/// Constraints that cannot be read completely are not treated as weaker ones.
#[test]
fn limits_that_cannot_be_read() {
    let leaf_errors = |constraints: &[u8]| {
        let keys = [rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap()];
        let mut root = rcgen::CertificateParams::default();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let extension =
            rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], constraints.to_vec());
        root.custom_extensions.push(extension);
        let mut leaf = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
        leaf.distinguished_name = rcgen::DistinguishedName::new();
        let issuer = rcgen::Issuer::new(root.clone(), &keys[0]);
        let leaf = leaf.signed_by(&keys[1], &issuer).unwrap();
        let root = root.self_signed(&keys[0]).unwrap();
        let load = |der: &[u8]| QSslCertificate::new(der, EncodingFormat::Der);
        codes(&request(&[load(leaf.der())], &[load(root.der())], Purpose::Server))
    };
    let permitted = |name: &[u8]| {
        let length = name.len() as u8;
        let mut tree = vec![0x30, length + 6, 0xa0, length + 4, 0x30, length + 2, 0x82, length];
        tree.extend(name);
        tree
    };
    assert_eq!(leaf_errors(&permitted(b"example")), []);
    assert_eq!(leaf_errors(&permitted(b"other")), [SslErrorKind::Unspecified]);
    let mut spoilt = permitted(b"example");
    spoilt[2] = 0xa5;
    let errors = leaf_errors(&spoilt);
    assert!(errors.contains(&SslErrorKind::UnableToGetLocalIssuerCertificate), "{errors:?}");
}

/// Certificates with all kinds of signatures, made by `tests/data/verify/algorithms.py`, and Qt's
/// errors.
const ALGORITHMS: &str = include_str!("../../../tests/data/verify/algorithms.tsv");

/// The signatures that aws-lc-rs verifies, and whether ring does too. Qt accepts all of the table.
const VERIFIED: &[(&str, bool)] = &[
    ("RSA SHA-256", true),
    ("RSA-PSS SHA-256, salt 32", true),
    ("RSA-PSS key SHA-256, salt 32", true),
    ("RSA-PSS key SHA-384, salt 48", true),
    ("RSA-PSS key SHA-512, salt 64", true),
    ("RSA-PSS key for SHA-384 alone, SHA-384, salt 48", true),
    ("prime256v1 sha256", true),
    ("prime256v1 sha384", true),
    ("prime256v1 sha512", false),
    ("secp256k1 sha256", false),
    ("secp384r1 sha256", true),
    ("secp384r1 sha384", true),
    ("secp384r1 sha512", false),
    ("secp521r1 sha224", false),
    ("secp521r1 sha256", false),
    ("secp521r1 sha384", false),
    ("secp521r1 sha512", false),
    ("Ed25519", true),
];

#[test]
fn signatures_of_all_kinds() {
    let mut verified = Vec::new();
    for line in ALGORITHMS.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [name, leaf, issuer, qt] = fields[..] else { panic!("{line}") };
        let read = |digits: &str| {
            let der = base64::engine::general_purpose::STANDARD.decode(digits).unwrap();
            QSslCertificate::new(der, EncodingFormat::Der)
        };
        assert_eq!(qt, "", "{name}");
        let errors = verify(&Request {
            chain: &[read(leaf)],
            trusted: &[read(issuer)],
            host: Some("a.example"),
            purpose: Purpose::Any,
            depth: 0,
            // In 2027, because the certificates are from the end of 2026.
            now: UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        });
        match &errors[..] {
            [] => verified.push(name),
            [error] => {
                assert_eq!(error.error(), SslErrorKind::CertificateSignatureFailed, "{name}")
            }
            _ => panic!("{name}: {errors:?}"),
        }
    }
    let is_aws = cfg!(feature = "aws-lc-rs");
    let expected = VERIFIED.iter().filter(|(_, by_ring)| is_aws || *by_ring);
    assert_eq!(verified, expected.map(|(name, _)| *name).collect::<Vec<_>>());
}

/// Makes a leaf, and a root that allows some names.
fn constrained(
    limits: rcgen::NameConstraints,
    common_name: &str,
    hosts: &[&str],
) -> (Vec<QSslCertificate>, Vec<QSslCertificate>) {
    let keys = [rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap()];
    let mut root = rcgen::CertificateParams::default();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    root.name_constraints = Some(limits);
    let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut leaf = rcgen::CertificateParams::new(hosts).unwrap();
    leaf.distinguished_name = rcgen::DistinguishedName::new();
    leaf.distinguished_name.push(rcgen::DnType::CommonName, common_name);
    let issuer = rcgen::Issuer::new(root.clone(), &keys[0]);
    let leaf = leaf.signed_by(&keys[1], &issuer).unwrap();
    let root = root.self_signed(&keys[0]).unwrap();
    let load = |der: &[u8]| vec![QSslCertificate::new(der, EncodingFormat::Der)];
    (load(leaf.der()), load(root.der()))
}

fn limits(permitted: &[&str], excluded: &[&str]) -> rcgen::NameConstraints {
    let trees = |list: &[&str]| {
        let tree = |name: &&str| match name.parse() {
            Ok(ip) => rcgen::GeneralSubtree::IpAddress(rcgen::CidrSubnet::from_addr_prefix(ip, 8)),
            Err(_) => rcgen::GeneralSubtree::DnsName((*name).to_owned()),
        };
        list.iter().map(tree).collect()
    };
    rcgen::NameConstraints {
        permitted_subtrees: trees(permitted),
        excluded_subtrees: trees(excluded),
    }
}

/// A common name counts for the host, so constraints apply to it: beside other names, as a pattern,
/// as an address, and in upper case.
#[test]
fn a_common_name_does_not_escape_constraints() {
    let errors = |common_name: &str, limits, host: &str| {
        let (chain, trusted) = constrained(limits, common_name, &["a.example.com"]);
        codes(&Request { host: Some(host), ..request(&chain, &trusted, Purpose::Server) })
    };
    let only_com = || limits(&["example.com"], &[]);
    let refused = [SslErrorKind::Unspecified];
    assert_eq!(errors("evil.example.org", only_com(), "a.example.com"), []);
    assert_eq!(errors("b.example.com", only_com(), "b.example.com"), []);
    assert_eq!(errors("evil.example.org", only_com(), "evil.example.org"), refused);
    assert_eq!(errors("*.example.org", only_com(), "evil.example.org"), refused);
    assert_eq!(errors("b\u{fc}cher.example.org", only_com(), "b\u{fc}cher.example.org"), refused);
    assert_eq!(errors("::1", only_com(), "::1"), refused);
    assert_eq!(errors("10.1.2.3", only_com(), "10.1.2.3"), refused);
    assert_eq!(errors("10.1.2.3", limits(&[], &["10.0.0.0"]), "10.1.2.3"), refused);
    assert_eq!(errors("11.1.2.3", limits(&[], &["10.0.0.0"]), "11.1.2.3"), []);
    assert_eq!(errors("evil.com", limits(&[], &["evil.com"]), "evil.com"), refused);
    assert_eq!(errors("evil.com.", limits(&[], &["evil.com"]), "evil.com."), refused);
}

/// A pattern is not within an excluded host, but it matches that host.
#[test]
fn a_pattern_does_not_escape_constraints() {
    let errors = |limits, host: &str| {
        let (chain, trusted) = constrained(limits, "An Example", &["*.example.com"]);
        codes(&Request { host: Some(host), ..request(&chain, &trusted, Purpose::Server) })
    };
    let but_www = || limits(&["example.com"], &["www.example.com"]);
    assert_eq!(errors(but_www(), "a.example.com"), []);
    assert_eq!(errors(but_www(), "www.example.com"), [SslErrorKind::Unspecified]);
    assert_eq!(errors(but_www(), "WWW.example.com"), [SslErrorKind::Unspecified]);
}

/// Twenty certificates, each with a thousand names and a thousand constraints.
#[test]
fn comparisons_are_bounded_for_all_paths_together() {
    let key = rcgen::KeyPair::generate().unwrap();
    let make = |place: usize, names: usize| {
        let mut made = rcgen::CertificateParams::default();
        made.distinguished_name = rcgen::DistinguishedName::new();
        made.distinguished_name.push(rcgen::DnType::CommonName, format!("Number {place}"));
        made.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        made.subject_alt_names = (0..names)
            .map(|name| rcgen::SanType::DnsName(format!("a{name}.example.com").try_into().unwrap()))
            .collect();
        let excluded: Vec<_> = (0..names).map(|name| format!("b{name}.example.com")).collect();
        let excluded: Vec<_> = excluded.iter().map(|name| &name[..]).collect();
        made.name_constraints = Some(limits(&[], &excluded));
        made
    };
    let chain_of = |names: usize| -> Vec<QSslCertificate> {
        let drafts: Vec<_> = (0..20).map(|place| make(place, names)).collect();
        let sign = |place: usize| {
            let issuer = rcgen::Issuer::from_params(&drafts[(place + 1).min(19)], &key);
            let made = drafts[place].signed_by(&key, &issuer).unwrap();
            QSslCertificate::new(made.der(), EncodingFormat::Der)
        };
        (0..20).map(sign).collect()
    };
    for (names, is_good) in [(10, true), (1000, false)] {
        let chain = chain_of(names);
        let before = COMPARISONS.get();
        let found = codes(&request(&chain[..19], &chain[19..], Purpose::Server));
        let comparisons = COMPARISONS.get() - before;
        assert_eq!(found.is_empty(), is_good, "{found:?}");
        assert!((10_000..=1 << 20).contains(&comparisons), "{comparisons}");
    }
}
