//! Calls of the system's resolver: names to addresses, addresses to names. They block.

#[cfg(feature = "simulation")]
use std::time::Duration;
use std::{io, net::SocketAddr};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind};

use super::{ace::to_ace, cache, error::HostInfoErrorKind, info::QHostInfo, named::named};
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    sys,
};

/// What the resolver is asked: the addresses of a name, or the name of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) name: String,
    /// IPv4 or IPv6 for the addresses of that family alone; any other value for all of them.
    family: NetworkLayerProtocol,
}

impl Question {
    /// Asks for the addresses of both families.
    pub(super) fn both(name: &str) -> Self {
        Question::family(name, NetworkLayerProtocol::AnyIP)
    }

    /// Asks for the addresses of one family.
    pub(super) fn family(name: &str, family: NetworkLayerProtocol) -> Self {
        Question { name: name.to_owned(), family }
    }

    /// Makes the time pass that the look-up takes in a simulation, but at most until `limit`.
    #[cfg(feature = "simulation")]
    pub(super) fn wait(&self, limit: Option<Duration>) {
        if refuse(&self.name).is_none() {
            let time = crate::simulation::lookup_time(&self.ace(), self.family);
            crate::simulation::sleep(limit.map_or(time, |limit| limit.min(time)));
        }
    }

    /// Asks in a simulation. The answer comes when the look-up has taken its time.
    #[cfg(feature = "simulation")]
    pub(super) fn ask_simulated(self, done: impl FnOnce(QHostInfo) + Send + 'static) {
        let time = crate::simulation::lookup_time(&self.ace(), self.family);
        let (info, store) = (find(&self), cache::later(time));
        crate::simulation::after(time, move || {
            if !self.is_for_one_family() {
                store(&self.name, &info);
            }
            done(self.select(info));
        });
    }

    #[cfg(feature = "simulation")]
    fn ace(&self) -> String {
        to_ace(&self.name).unwrap_or_default()
    }

    fn is_for_one_family(&self) -> bool {
        matches!(self.family, NetworkLayerProtocol::IPv4 | NetworkLayerProtocol::IPv6)
    }

    /// Leaves the addresses that were asked for.
    pub(super) fn select(&self, mut info: QHostInfo) -> QHostInfo {
        if self.is_for_one_family() {
            let addresses = info.addresses().iter();
            let wanted = addresses.filter(|address| address.protocol() == self.family);
            info.set_addresses(wanted.cloned().collect::<Vec<_>>());
        }
        info
    }
}

/// Returns the answer for an invalid name, which the resolver need not be asked for.
pub(super) fn refuse(name: &str) -> Option<QHostInfo> {
    let not_found = |text| QHostInfo::failed(name, HostInfoErrorKind::HostNotFound, text);
    if name.is_empty() {
        return Some(not_found("No host name given"));
    }
    if name.parse::<QHostAddress>().is_ok() {
        return None;
    }
    match to_ace(name) {
        None => Some(not_found("Invalid hostname")),
        Some(ace) if is_never_found(&ace) => Some(QHostInfo::not_found(name)),
        Some(_) => None,
    }
}

/// Returns whether `name` ends in `.invalid`. There are no such hosts, and RFC 6761, section 6.4,
/// forbids asking a resolver for them.
fn is_never_found(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("invalid")
}

/// Looks up a name or address and waits for the answer. Only whole answers go into the cache.
pub(super) fn resolve(question: &Question) -> QHostInfo {
    #[cfg(test)]
    if let Some(info) = staged::answer(question) {
        return info;
    }
    let info = find(question);
    if !question.is_for_one_family() {
        cache::put(&question.name, &info);
    }
    question.select(info)
}

fn find(question: &Question) -> QHostInfo {
    let name = &question.name;
    refuse(name).unwrap_or_else(|| match name.parse() {
        Ok(address) => name_of(address),
        Err(_) => addresses_of(name, question.family),
    })
}

fn name_of(address: QHostAddress) -> QHostInfo {
    // Like Qt, asks without the interface.
    let ip = match (address.protocol(), address.to_ipv4_address()) {
        (NetworkLayerProtocol::IPv4, Some(ip)) => ip.into(),
        _ => address.to_ipv6_address().into(),
    };
    #[cfg(feature = "simulation")]
    if let Some(name) = crate::simulation::name_of(ip) {
        return QHostInfo::found(&name.unwrap_or_else(|| address.to_string()), vec![address]);
    }
    let name = match dns_lookup::getnameinfo(&SocketAddr::new(ip, 0), 0) {
        Ok((name, _)) if !name.is_empty() => name,
        _ => address.to_string(),
    };
    QHostInfo::found(&name, vec![address])
}

fn addresses_of(name: &str, family: NetworkLayerProtocol) -> QHostInfo {
    #[cfg(feature = "simulation")]
    if let Some(mut addresses) = crate::simulation::addresses_of(&to_ace(name).unwrap_or_default())
    {
        addresses.retain(|ip| match family {
            NetworkLayerProtocol::IPv4 => ip.is_ipv4(),
            NetworkLayerProtocol::IPv6 => ip.is_ipv6(),
            _ => true,
        });
        return match &*addresses {
            [] => QHostInfo::not_found(name),
            found => QHostInfo::found(name, found.iter().map(|ip| (*ip).into()).collect()),
        };
    }
    let address = match family {
        NetworkLayerProtocol::IPv4 => libc::AF_INET,
        NetworkLayerProtocol::IPv6 => libc::AF_INET6,
        _ => libc::AF_UNSPEC,
    };
    let flags = sys::ADDRESSES_OF_USE;
    let hints = AddrInfoHints { flags, address, ..AddrInfoHints::default() };
    // A system that does not know the flag is asked again without it.
    let asked = to_ace(name).unwrap_or_default();
    let found = match dns_lookup::getaddrinfo(Some(&asked), None, Some(hints)) {
        Err(error) if matches!(error.kind(), LookupErrorKind::Badflags) => {
            let hints = AddrInfoHints { address, ..AddrInfoHints::default() };
            dns_lookup::getaddrinfo(Some(&asked), None, Some(hints))
        }
        found => found,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return failed(name, error),
    };
    let mut addresses = Vec::new();
    for one in found.flatten() {
        // The resolver returns each address once for each socket type.
        let (address, _) = named(&one.sockaddr);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return QHostInfo::failed(name, HostInfoErrorKind::Unknown, "Unknown address type");
    }
    QHostInfo::found(name, addresses)
}

fn failed(name: &str, error: LookupError) -> QHostInfo {
    match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData | LookupErrorKind::Fail => {
            QHostInfo::not_found(name)
        }
        _ => {
            let text = io::Error::from(error).to_string();
            // Qt uses the system's text alone.
            let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
            QHostInfo::failed(name, HostInfoErrorKind::Unknown, text)
        }
    }
}

/// Answers that tests give in place of the resolver, at the moment that they choose.
#[cfg(test)]
pub(super) mod staged {
    use std::{
        collections::HashMap,
        sync::{Mutex, mpsc},
    };

    use super::*;

    type Answers = HashMap<Question, mpsc::Receiver<Vec<QHostAddress>>>;

    static ANSWERS: Mutex<Option<Answers>> = Mutex::new(None);

    /// The resolver will answer with what is sent; with an error if that is nothing.
    pub(crate) fn stage(
        name: &str,
        family: NetworkLayerProtocol,
    ) -> mpsc::Sender<Vec<QHostAddress>> {
        let (tell, told) = mpsc::channel();
        let question = Question::family(name, family);
        ANSWERS.lock().unwrap().get_or_insert_default().insert(question, told);
        tell
    }

    pub(super) fn answer(question: &Question) -> Option<QHostInfo> {
        let told = ANSWERS.lock().unwrap().as_mut()?.remove(question)?;
        let addresses = told.recv().unwrap_or_default();
        Some(match addresses.is_empty() {
            true => QHostInfo::not_found(&question.name),
            false => QHostInfo::found(&question.name, addresses),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_for_invalid_names() {
        for name in ["invalid", "no.such.host.INVALID", "host.invalid.", "b\u{fc}cher.invalid"] {
            assert!(is_never_found(name), "{name}");
            assert_eq!(refuse(name), Some(QHostInfo::not_found(name)));
        }
        for name in ["", ".", "localhost", "invalid.example", "notinvalid"] {
            assert!(!is_never_found(name), "{name}");
        }
    }

    #[test]
    fn errors_of_the_resolver_as_qt_tells_them() {
        for code in [libc::EAI_NONAME, libc::EAI_FAIL] {
            assert_eq!(failed("x", LookupError::new(code)), QHostInfo::not_found("x"));
        }
        // The BSDs have no such error number.
        #[cfg(target_os = "linux")]
        assert_eq!(failed("x", LookupError::new(libc::EAI_NODATA)), QHostInfo::not_found("x"));
        let info = failed("x", LookupError::new(libc::EAI_AGAIN));
        assert_eq!(info.error(), Some(HostInfoErrorKind::Unknown));
        assert!(!info.error_string().is_empty());
        assert!(!info.error_string().contains("failed to lookup"), "{}", info.error_string());
    }
}
