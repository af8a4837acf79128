//! Checking that a certificate is for a host.

use std::net::IpAddr;

use crate::{
    address::QHostAddress,
    host_info::ace::to_ace,
    ssl::{
        certificate::{QSslCertificate, SubjectInfo},
        kinds::AlternativeNameEntryType,
    },
};

/// A host that a certificate must be for.
pub(super) struct Host {
    text: String,
    /// The name in lower-case ASCII, if it is a name.
    name: Option<String>,
    /// Whether the name has the form of an address.
    is_numeric: bool,
    address: Option<QHostAddress>,
}

/// Why a certificate is for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// An IP address matches.
    Address,
    /// An alternative name or a common name matches.
    Name,
}

impl Host {
    pub(super) fn new(text: &str) -> Self {
        let address = text.parse().ok().filter(|address: &QHostAddress| !address.is_null());
        let name = to_ace(text);
        let is_numeric = name.as_ref().is_some_and(|name| name.parse::<QHostAddress>().is_ok());
        Host { text: text.to_owned(), name, is_numeric, address }
    }

    /// Returns whether the certificate is for this host. As in Qt, common names count even if there
    /// are alternative names.
    pub(super) fn find_in(&self, certificate: &QSslCertificate) -> Option<Match> {
        let names = certificate.subject_alternative_names();
        let of_kind = |kind| names.get(&kind).map(Vec::as_slice).unwrap_or_default();
        if let Some(address) = &self.address
            && of_kind(AlternativeNameEntryType::IpAddress)
                .iter()
                .any(|ip| ip.parse().is_ok_and(|ip: QHostAddress| ip == *address))
        {
            return Some(Match::Address);
        }
        let common_names = certificate.subject_info(SubjectInfo::CommonName);
        let mut names = common_names.iter().chain(of_kind(AlternativeNameEntryType::Dns));
        names.any(|name| self.is_named(name)).then_some(Match::Name)
    }

    /// Returns whether a certificate's name, which may be a pattern, matches this host. An asterisk
    /// stands for the rest of the first label; the name must have at least three labels.
    pub(super) fn is_named(&self, pattern: &str) -> bool {
        match &self.name {
            Some(name) => self.is_match(pattern, name),
            // To Qt all hosts that are not names are alike, `My Server` as well as `::1`.
            None => self.text.contains(':') && self.is_same_address(pattern),
        }
    }

    /// Returns the bytes of the address and the name that constraints apply to, for a certificate
    /// that matches in this way.
    pub(super) fn constrained(&self, by: Match) -> (Option<Vec<u8>>, Option<&[u8]>) {
        let ip = self.address.as_ref().and_then(QHostAddress::to_ip_addr);
        let ip = ip.map(|ip| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        });
        let name = self.name.as_deref().unwrap_or(&self.text);
        // A trailing dot does not make it another host.
        let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
        (ip, (by == Match::Name).then_some(name))
    }

    fn is_match(&self, pattern: &str, host: &str) -> bool {
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
        // No wildcards within an international label (RFC 6125, 7.2).
        if starts_with(pattern, "xn--") {
            return false;
        }
        if !starts_with(host, &label[..star]) {
            return false;
        }
        let Some((_, host_rest)) = host.split_once('.') else { return false };
        let is_rest = host_rest == rest || to_ace(rest).is_some_and(|rest| rest == host_rest);
        is_rest && !self.is_numeric
    }

    fn is_same_address(&self, name: &str) -> bool {
        let address = name.parse().ok().filter(|ip: &QHostAddress| !ip.is_null());
        address.is_some() && address == self.address
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}
