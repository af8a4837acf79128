//! Chains in which only webpki finds an error, and why we are right to accept them.

use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use webpki::{EndEntityCert, Error};

use super::Case;

/// Returns the reason why webpki may reject the case with this error.
pub(super) fn reason(case: &Case, error: &Error) -> Option<&'static str> {
    let is_listed = |(_, excuses): &&Exception| excuses(case, error);
    EXCEPTIONS.iter().find(is_listed).map(|(reason, _)| *reason)
}

type Exception = (&'static str, fn(&Case, &Error) -> bool);

pub(super) const EXCEPTIONS: &[Exception] = &[
    // Host names, as in Qt.
    ("as with Qt, a common name is a name of the host", |case, error| {
        matches!(error, Error::CertNotValidForName(_)) && has_common_name_of_host(case)
    }),
    ("as with Qt, an address may be written as the name of a host", |case, error| {
        matches!(error, Error::CertNotValidForName(_)) && has_address_as_name(case)
    }),
    ("as with Qt, the name of a host may end in a dot", |case, error| {
        matches!(error, Error::CertNotValidForName(_)) && case.host.ends_with('.')
    }),
    ("as with Qt, an asterisk may stand for the end of a label", |case, error| {
        matches!(error, Error::CertNotValidForName(_)) && contains(&case.chain[0], b"w*.")
    }),
    // Extensions, as in OpenSSL.
    ("as with OpenSSL, an authority's certificate may be a server's", |_, error| {
        matches!(error, Error::CaUsedAsEndEntity)
    }),
    ("as with OpenSSL, servers may be marked for strong cryptography alone", |case, error| {
        matches!(error, Error::RequiredEkuNotFoundContext(_)) && has_gated_use(case)
    }),
    ("as with OpenSSL, extensions that webpki does not know may be critical", |case, error| {
        matches!(error, Error::UnsupportedCriticalExtension) && has_known_critical(case)
    }),
    ("webpki refuses all constraints of directory names", |case, error| {
        matches!(error, Error::NameConstraintViolation) && case.says("DirectoryName")
    }),
    ("webpki refuses all constraints of mail addresses", |case, error| {
        matches!(error, Error::NameConstraintViolation)
            && case.says_both("name constraints", "Rfc822Name")
    }),
    ("a pattern may cover an excluded host that is not the one connected to", |case, error| {
        let host = format!("DnsName(\"{}\")", case.host);
        matches!(error, Error::NameConstraintViolation)
            && contains(&case.chain[0], b"*.")
            && case.says_both("name constraints", "excluded_subtrees: [DnsName")
            && !case.says_both("name constraints", &host)
    }),
    ("as with OpenSSL, the mask of a network may have gaps", |case, error| {
        matches!(error, Error::InvalidNetworkMaskConstraint) && case.says("[255, 0, 255, 0]")
    }),
    (
        "as with OpenSSL, constraints that are no names of hosts are compared as text",
        |case, error| {
            matches!(error, Error::MalformedNameConstraint)
                || is_of_path(error) && has_odd_constraint(case)
        },
    ),
    ("as with OpenSSL, names beside that of the host may be malformed", |_, error| {
        matches!(error, Error::MalformedDnsIdentifier)
    }),
    ("webpki goes on to another path, and tells what is wrong with that one", |case, error| {
        let is_excepted = has_known_critical(case)
            || has_gated_use(case)
            || has_issuer_in_other_bytes(case)
            || case.says("DirectoryName")
            || case.says_both("name constraints", "Rfc822Name");
        is_of_path(error) && is_excepted
    }),
    // Other rules, as in OpenSSL.
    ("as with OpenSSL, names are the same whatever their case, spaces and kind", |case, error| {
        matches!(error, Error::UnknownIssuer) && has_issuer_in_other_bytes(case)
    }),
    ("as with OpenSSL, lengths may take more bytes than they need", |case, error| {
        let is_for_that = matches!(
            error,
            Error::BadDer
                | Error::TrailingData(_)
                | Error::UnknownIssuer
                | Error::UnsupportedCertVersion
        );
        is_for_that && case.says("with a long length")
    }),
    ("as with OpenSSL, a boolean that is not 0 is true", |case, error| {
        matches!(error, Error::BadDer) && has_odd_boolean(case)
    }),
    ("as with OpenSSL, a certificate may be of any version", |case, error| {
        matches!(error, Error::UnsupportedCertVersion | Error::BadDer) && has_other_version(case)
    }),
    ("as with OpenSSL, the length of a path may take more than a byte", |case, error| {
        matches!(error, Error::BadDer) && case.says("(0x2) changed")
    }),
    ("dates may be before 1970", |case, error| {
        matches!(error, Error::BadDerTime) && has_old_date(case)
    }),
    ("a certificate may have the name and the key of one above it", |case, error| {
        matches!(error, Error::UnknownIssuer) && has_namesake(case)
    }),
    ("nobody needs to have signed a certificate that is trusted itself", |case, error| {
        is_of_path(error) && case.trusted.contains(&case.chain[0])
            || matches!(error, Error::SignatureAlgorithmMismatch) && are_signed_alike(case)
    }),
];

/// Returns whether the error concerns one of several paths.
fn is_of_path(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidSignatureForPublicKey
            | Error::ExtensionValueInvalid
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
    )
}

impl Case {
    /// Returns whether a change with these words was noted.
    fn says(&self, words: &str) -> bool {
        self.says_both(words, "")
    }

    pub(super) fn says_both(&self, words: &str, others: &str) -> bool {
        self.changes.iter().any(|change| change.contains(words) && change.contains(others))
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Returns whether the leaf has a common name, of any string type, that is the host or a pattern.
fn has_common_name_of_host(case: &Case) -> bool {
    let parent = case.host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    [Some(case.host.clone()), parent].into_iter().flatten().any(|name| {
        [0x0c, 0x13, 0x16].into_iter().any(|kind| {
            let head = [0x06, 0x03, 0x55, 0x04, 0x03, kind, name.len() as u8];
            contains(&case.chain[0], &[&head, name.as_bytes()].concat())
        })
    })
}

/// Returns whether the host is an address that the leaf has as a host name.
fn has_address_as_name(case: &Case) -> bool {
    let name = [&[0x82, case.host.len() as u8], case.host.as_bytes()].concat();
    case.host.parse::<IpAddr>().is_ok() && contains(&case.chain[0], &name)
}

/// Returns whether a certificate has Netscape's or Microsoft's mark for strong cryptography.
fn has_gated_use(case: &Case) -> bool {
    let words = ["[2, 16, 840, 1, 113730, 4, 1]", "[1, 3, 6, 1, 4, 1, 311, 10, 3, 3]"];
    words.into_iter().any(|word| case.says_both("extended key usage", word))
}

/// Returns whether there is a date from 1950 to 1969 with a year of two digits.
fn has_old_date(case: &Case) -> bool {
    let is_old = |bytes: &[u8]| matches!(bytes, [0x17, 0x0d, b'5' | b'6']);
    case.chain.iter().chain(&case.trusted).any(|der| der.windows(3).any(is_old))
}

/// Returns whether there is a host constraint that is not a host name.
fn has_odd_constraint(case: &Case) -> bool {
    let odd = [
        "DnsName(\"*",
        "DnsName(\"w*",
        "DnsName(\"www.*",
        "DnsName(\"10.",
        "com.\")",
        "DnsName(\".\")",
    ];
    odd.iter().any(|name| case.says_both("name constraints", name))
}

/// Returns whether there is a boolean other than 0 and 255.
fn has_odd_boolean(case: &Case) -> bool {
    let is_odd = |bytes: &[u8]| matches!(bytes, [1, 1, 1..=0xfe]);
    case.chain.iter().chain(&case.trusted).any(|der| der.windows(3).any(is_odd))
}

/// Returns whether the two algorithm fields of each untrusted certificate are the same.
fn are_signed_alike(case: &Case) -> bool {
    let mut others = case.chain.iter().filter(|der| !case.trusted.contains(der));
    others.all(|der| {
        let parsed = EndEntityCert::try_from(&CertificateDer::from(&der[..])).map(drop);
        parsed != Err(Error::SignatureAlgorithmMismatch)
    })
}

/// Returns whether the issuer of a certificate differs in bytes from every subject.
fn has_issuer_in_other_bytes(case: &Case) -> bool {
    let ders: Vec<_> = case.chain.iter().chain(&case.trusted).map(|der| &der[..]).collect();
    let ders: Vec<_> = ders.into_iter().map(CertificateDer::from).collect();
    let all: Vec<_> = ders.iter().filter_map(|der| EndEntityCert::try_from(der).ok()).collect();
    let has_issuer = |(at, one): (usize, &EndEntityCert<'_>)| {
        let is_root = one.subject() == one.issuer() && case.trusted.contains(&one.der().to_vec());
        let mut others = all.iter().enumerate().filter(|(place, _)| *place != at);
        is_root || others.any(|(_, other)| other.subject() == one.issuer())
    };
    !all.iter().enumerate().all(has_issuer)
}

/// Returns whether a sent certificate has the name and the key of another one.
fn has_namesake(case: &Case) -> bool {
    let ders: Vec<_> = case.chain.iter().map(|der| CertificateDer::from(&der[..])).collect();
    let all: Vec<_> = ders.iter().filter_map(|der| EndEntityCert::try_from(der).ok()).collect();
    let key = |one: &EndEntityCert<'_>| one.subject_public_key_info();
    let is_same = |a: &EndEntityCert<'_>, b: &EndEntityCert<'_>| {
        a.subject() == b.subject() && key(a) == key(b)
    };
    all.iter().enumerate().any(|(at, one)| all[at + 1..].iter().any(|other| is_same(one, other)))
}

/// Returns whether a certificate is not of version 3.
fn has_other_version(case: &Case) -> bool {
    let mut all = case.chain.iter().chain(&case.trusted);
    all.any(|der| !contains(&der[..20.min(der.len())], b"\xa0\x03\x02\x01\x02"))
}

/// Returns whether one of these extensions is critical: Netscape's type, policies, policy
/// constraints, policy mappings, inhibited policies, no revocation check.
fn has_known_critical(case: &Case) -> bool {
    let known: [&[u8]; 6] = [
        b"\x06\x09\x60\x86\x48\x01\x86\xf8\x42\x01\x01",
        b"\x06\x03\x55\x1d\x20",
        b"\x06\x03\x55\x1d\x24",
        b"\x06\x03\x55\x1d\x21",
        b"\x06\x03\x55\x1d\x36",
        b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x05",
    ];
    let is_in = |oid: &[u8]| {
        let critical = [oid, b"\x01\x01\xff"].concat();
        case.chain.iter().any(|der| contains(der, &critical))
    };
    known.into_iter().any(is_in)
}
