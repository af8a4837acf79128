//! The network interfaces, as the system reports them.

mod kind;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "netlink.rs"]
mod platform;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "getifaddrs.rs"]
mod platform;

use std::{io, net::IpAddr};

pub use self::kind::{InterfaceFlags, InterfaceType};
#[cfg(all(fuzzing, any(target_os = "linux", target_os = "android")))]
pub(crate) use self::platform::fuzz;
pub(crate) use self::platform::links;

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) flags: InterfaceFlags,
    pub(crate) kind: InterfaceType,
    /// 0 if it is not known.
    pub(crate) mtu: u32,
    /// Of any length; empty if there is none.
    pub(crate) hardware_address: Vec<u8>,
    pub(crate) addresses: Vec<LinkAddress>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LinkAddress {
    pub(crate) ip: IpAddr,
    pub(crate) broadcast: Option<IpAddr>,
    pub(crate) prefix_length: Option<u8>,
    /// The preferred and the valid lifetime; `None` if they are not known.
    pub(crate) lifetimes: Option<(Lifetime, Lifetime)>,
}

/// A lifetime in seconds from now; `None` means unlimited.
pub(crate) type Lifetime = Option<u32>;

/// Logs a failure as a warning, as Qt does.
fn warn(what: &str, error: &io::Error) {
    qcore::q_warning!("{what} ({})", reason(error));
}

/// Returns the system's text for an error, without the number that the standard library adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_system_s() {
        assert_eq!(reason(&io::Error::from_raw_os_error(libc::EMFILE)), "Too many open files");
        assert_eq!(reason(&io::Error::other("of our own")), "of our own");
    }
}
