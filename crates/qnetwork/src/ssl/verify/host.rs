//! Whether a certificate is for a host.

use crate::{
    AlternativeNameEntryType, QHostAddress, QSslCertificate, SubjectInfo, host_info::ace::to_ace,
};

/// Whether the certificate is for the host of this name, or of this address. Common names count, whatever else the
/// certificate says, as with Qt.
pub(super) fn matches(certificate: &QSslCertificate, host: &str) -> bool {
    let names = certificate.subject_alternative_names();
    let of_kind = |kind| names.get(&kind).map(Vec::as_slice).unwrap_or_default();
    if let Ok(address) = host.parse::<QHostAddress>()
        && !address.is_null()
        && of_kind(AlternativeNameEntryType::IpAddress)
            .iter()
            .any(|ip| ip.parse().is_ok_and(|ip: QHostAddress| ip == address))
    {
        return true;
    }
    let common_names = certificate.subject_info(SubjectInfo::CommonName);
    let mut names = common_names.iter().chain(of_kind(AlternativeNameEntryType::Dns));
    match to_ace(host) {
        Some(host) => names.any(|name| is_match(name, &host)),
        // To Qt it is the same as all others that are no names, which `My Server` is as well as `::1`.
        None => host.contains(':') && names.any(|name| is_same_address(name, host)),
    }
}

/// Whether a name out of a certificate, which may be a pattern, is that of the host, which is in ASCII and small
/// letters. An asterisk stands for what is left of the first label, of one label of at least three.
pub(super) fn is_match(pattern: &str, host: &str) -> bool {
    if host.is_empty() {
        return false;
    }
    let Some(star) = pattern.find('*') else {
        return to_ace(pattern).is_some_and(|name| name == host);
    };
    let Some((label, rest)) = pattern.split_once('.') else { return false };
    if star + 1 != label.len() || rest.contains('*') {
        return false;
    }
    match rest.split_once('.') {
        Some((_, end)) if !end.is_empty() => {}
        _ => return false,
    }
    // Not within a label of an international name (RFC 6125, 7.2).
    if starts_with(pattern, "xn--") {
        return false;
    }
    if !starts_with(host, &label[..star]) {
        return false;
    }
    let Some((_, host_rest)) = host.split_once('.') else { return false };
    let is_rest = host_rest == rest || to_ace(rest).is_some_and(|rest| rest == host_rest);
    is_rest && host.parse::<QHostAddress>().is_err()
}

fn is_same_address(name: &str, host: &str) -> bool {
    let address = |text: &str| text.parse::<QHostAddress>().ok().filter(|ip| !ip.is_null());
    address(name).is_some_and(|name| Some(name) == address(host))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}
