//! Name constraints.

use super::{
    budget::Budget,
    path::{Found, Path},
};
use crate::{
    host_info::ace::to_ace,
    ssl::{
        certificate::{DistinguishedName, GeneralName, NameConstraints, Parsed},
        error::SslErrorKind,
    },
};

/// The host of the connection, as constraints see it.
#[derive(Clone, Copy, Default)]
pub(super) struct Host<'a> {
    /// The bytes of the address.
    pub(super) ip: Option<&'a [u8]>,
    pub(super) name: Option<&'a [u8]>,
}

/// Adds an error for each certificate and each issuer above it that does not allow its names. A
/// leaf's host must be allowed too.
pub(super) fn check(path: &Path<'_>, host: Host<'_>, budget: &Budget, found: &mut Vec<Found>) {
    for (place, certificate) in path.certificates.iter().enumerate().rev() {
        if place > 0 && certificate.is_self_issued() {
            continue;
        }
        let mut names = None;
        for above in path.certificates[place + 1..].iter().rev() {
            let Some(constraints) = &above.uses.name_constraints else { continue };
            let names = names.get_or_insert_with(|| match place {
                0 => names_of_leaf(certificate, host),
                _ => names_of(certificate),
            });
            if !are_allowed(names, constraints, budget) {
                found.push((SslErrorKind::Unspecified, place));
            }
        }
    }
}

fn are_allowed(names: &[Name<'_>], constraints: &NameConstraints, budget: &Budget) -> bool {
    let count = constraints.permitted.len() + constraints.excluded.len();
    !constraints.has_distances
        && budget.spend_comparisons(count.saturating_mul(names.len()))
        && names.iter().all(|name| is_name_allowed(name, constraints))
}

fn names_of(certificate: &Parsed) -> Vec<Name<'_>> {
    let subject = &certificate.subject;
    let whole = (!subject.is_empty()).then_some(Name::Directory(subject));
    let mails = subject.mails();
    let mails = mails.map(|mail| mail.map_or(Name::Unknown, |mail| Name::email(mail.as_bytes())));
    let alternative = certificate.uses.alternative_names.iter().map(Name::of);
    whole.into_iter().chain(mails).chain(alternative).collect()
}

/// Returns the leaf's names that the constraints apply to. Its common names count if it has no
/// other host names. The host that the program connects to always counts, for two reasons: a
/// pattern may match hosts that are excluded, and a common name beside other names, which counts in
/// Qt, would escape the constraints.
fn names_of_leaf<'a>(leaf: &'a Parsed, host: Host<'a>) -> Vec<Name<'a>> {
    let mut names = names_of(leaf);
    if !names.iter().any(|name| matches!(name, Name::Dns(_))) {
        let hosts = leaf.subject.texts("CN").filter(|name| is_host_name(name));
        names.extend(hosts.map(|name| Name::Dns(name.as_bytes())));
    }
    names.extend(host.name.map(Name::Dns));
    names.extend(host.ip.map(Name::Ip));
    names
}

/// A name of a certificate, split into its parts once for all constraints.
enum Name<'a> {
    /// An address with its user and its host, if it has both.
    Email(&'a [u8], Option<(&'a [u8], &'a [u8])>),
    /// An address beyond ASCII. Its host is in ASCII, if it is valid.
    InternationalEmail(Option<String>),
    Dns(&'a [u8]),
    /// The host, if there is one.
    Uri(Option<&'a [u8]>),
    Directory(&'a DistinguishedName),
    Ip(&'a [u8]),
    Other(u8),
    /// A name that cannot be checked.
    Unknown,
}

impl<'a> Name<'a> {
    fn of(name: &'a GeneralName) -> Self {
        if let Some(mail) = name.international_mail() {
            let host = mail.rsplit_once('@').and_then(|(_, host)| to_ace(host));
            return Name::InternationalEmail(host);
        }
        match name {
            GeneralName::Email(text) => Name::email(text),
            GeneralName::Dns(text) => Name::Dns(text),
            GeneralName::Uri(text) => Name::Uri(uri_host(text)),
            GeneralName::Directory(name) => Name::Directory(name),
            GeneralName::Ip(bytes) => Name::Ip(bytes),
            GeneralName::Other(tag, _) => Name::Other(*tag),
        }
    }

    fn email(mail: &'a [u8]) -> Self {
        let at = mail.iter().rposition(|byte| *byte == b'@');
        Name::Email(mail, at.map(|at| (&mail[..at], &mail[at + 1..])))
    }
}

/// Returns whether constraints allow a name: if names of its kind are permitted, it must be one of
/// them, and it must not be excluded.
fn is_name_allowed(name: &Name<'_>, constraints: &NameConstraints) -> bool {
    #[cfg(test)]
    COMPARISONS.set(COMPARISONS.get() + constraints.permitted.len() + constraints.excluded.len());
    if matches!(name, Name::Unknown) {
        return false;
    }
    let mut of_kind = constraints.permitted.iter().filter(|base| is_of_kind(name, base)).peekable();
    // A constraint that cannot be decided ends the search.
    let is_permitted = of_kind.peek().is_none()
        || of_kind.map(|base| is_within(name, base)).find(|is| *is != Some(false))
            == Some(Some(true));
    let mut excluded = constraints.excluded.iter().filter(|base| is_of_kind(name, base));
    is_permitted && excluded.all(|base| is_within(name, base) == Some(false))
}

fn is_of_kind(name: &Name<'_>, base: &GeneralName) -> bool {
    match (name, base) {
        (Name::Email(..) | Name::InternationalEmail(_), GeneralName::Email(_))
        | (Name::Dns(_), GeneralName::Dns(_))
        | (Name::Uri(_), GeneralName::Uri(_))
        | (Name::Directory(_), GeneralName::Directory(_))
        | (Name::Ip(_), GeneralName::Ip(_)) => true,
        (Name::Other(tag), GeneralName::Other(base, _)) => tag == base,
        _ => false,
    }
}

/// Returns whether the name is within a subtree; `None` if that cannot be decided.
fn is_within(name: &Name<'_>, base: &GeneralName) -> Option<bool> {
    match (name, base) {
        (Name::Email(mail, parts), GeneralName::Email(base)) => {
            let (user, host) = (*parts)?;
            Some(is_mail_within(mail, user, host, base))
        }
        (Name::InternationalEmail(host), GeneralName::Email(base)) => {
            let host = host.as_ref()?;
            // In OpenSSL a base with a leading dot allows none of these addresses.
            (base.first() != Some(&b'.')).then(|| host.as_bytes().eq_ignore_ascii_case(base))
        }
        (Name::Dns(host), GeneralName::Dns(base)) => Some(is_host_within(host, base)),
        (Name::Uri(host), GeneralName::Uri(base)) => {
            let host = (*host)?;
            Some(match base.first() {
                Some(b'.') => ends_with(host, base) && host.len() > base.len(),
                _ => host.eq_ignore_ascii_case(base),
            })
        }
        (Name::Directory(name), GeneralName::Directory(base)) => {
            Some(name.canonical().starts_with(base.canonical()))
        }
        (Name::Ip(ip), GeneralName::Ip(base)) => {
            if base.len() != 2 * ip.len() {
                return if matches!(base.len(), 8 | 32) { Some(false) } else { None };
            }
            let (network, mask) = base.split_at(ip.len());
            let mut bytes = ip.iter().zip(network).zip(mask);
            Some(bytes.all(|((ip, network), mask)| ip & mask == network & mask))
        }
        _ => None,
    }
}

#[cfg(test)]
thread_local! {
    /// The number of comparisons in this thread.
    pub(super) static COMPARISONS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Returns whether a host is within a domain. A leading dot of the base means "below this domain".
fn is_host_within(host: &[u8], base: &[u8]) -> bool {
    if base.is_empty() {
        return true;
    }
    if !ends_with(host, base) {
        return false;
    }
    let before = host.len() - base.len();
    before == 0 || base[0] == b'.' || host[before - 1] == b'.'
}

/// Returns whether an address matches the base, which is an address, a host, or a domain with a
/// leading dot.
fn is_mail_within(mail: &[u8], user: &[u8], host: &[u8], base: &[u8]) -> bool {
    match base.iter().rposition(|byte| *byte == b'@') {
        None if base.first() == Some(&b'.') => ends_with(mail, base) && mail.len() > base.len(),
        None => host.eq_ignore_ascii_case(base),
        Some(at) => (at == 0 || user == &base[..at]) && host.eq_ignore_ascii_case(&base[at + 1..]),
    }
}

fn uri_host(uri: &[u8]) -> Option<&[u8]> {
    let colon = uri.iter().position(|byte| *byte == b':')?;
    let rest = uri[colon + 1..].strip_prefix(b"//")?;
    let end = rest.iter().position(|byte| matches!(byte, b':' | b'/')).unwrap_or(rest.len());
    (end > 0).then_some(&rest[..end])
}

fn ends_with(text: &[u8], end: &[u8]) -> bool {
    text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}

/// Returns whether a common name looks like a host name: at least two labels of letters, digits,
/// underscores, and inner hyphens.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
    };
    name.contains('.') && name.split('.').all(is_label)
}
