//! [`QNetworkInterface`]: the network interfaces of this machine and their addresses.
//!
//! Each call asks the system. The result is a plain value, which does not follow later changes.

mod entry;

#[cfg(test)]
mod tests;

use std::fmt::{self, Write};

pub use self::entry::{DnsEligibilityStatus, QNetworkAddressEntry};
pub use crate::sys::{InterfaceFlags, InterfaceType};
use crate::{
    address::QHostAddress,
    sys::{self, Link},
};

/// A network interface of this machine with its addresses, as the system reported it.
///
/// It is a plain value, `Send` and `Sync`. A search for a name or number without an interface
/// returns an interface that is not [valid](Self::is_valid).
///
/// On Linux everything is known. On other systems the [maximum transmission
/// unit](Self::maximum_transmission_unit) and the lifetimes of addresses are not known, and of the
/// [types](Self::interface_type) only [`Loopback`](InterfaceType::Loopback) is.
///
/// # Examples
///
/// ```
/// use qnetwork::QNetworkInterface;
///
/// for interface in QNetworkInterface::all_interfaces() {
///     println!("{}: {} {:?}", interface.index(), interface.name(), interface.flags());
///     for entry in interface.address_entries() {
///         println!("    {entry}");
///     }
/// }
/// ```
///
/// Qt's page: [QNetworkInterface](https://doc.qt.io/qt-5/qnetworkinterface.html).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QNetworkInterface {
    index: u32,
    name: String,
    hardware_address: String,
    flags: InterfaceFlags,
    kind: InterfaceType,
    mtu: u32,
    entries: Vec<QNetworkAddressEntry>,
}

/// # Finding interfaces
impl QNetworkInterface {
    /// Returns all interfaces, including those that are not up, in the system's order.
    ///
    /// If the system does not answer, the function logs a warning and returns none.
    #[doc(alias = "allInterfaces")]
    #[must_use]
    pub fn all_interfaces() -> Vec<QNetworkInterface> {
        sys::links().into_iter().map(Self::of).collect()
    }

    /// Returns the addresses of all interfaces that are up.
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QNetworkInterface};
    ///
    /// let others = QNetworkInterface::all_addresses()
    ///     .into_iter()
    ///     .filter(|address| !address.is_loopback())
    ///     .collect::<Vec<QHostAddress>>();
    /// println!("{others:?}");
    /// ```
    #[doc(alias = "allAddresses")]
    #[must_use]
    pub fn all_addresses() -> Vec<QHostAddress> {
        let up = |one: &QNetworkInterface| one.flags.contains(InterfaceFlags::IS_UP);
        let interfaces = Self::all_interfaces().into_iter().filter(up);
        interfaces.flat_map(|one| one.entries).map(|entry| entry.ip()).collect()
    }

    /// Returns the interface with this name; `None` if there is none, where Qt returns an invalid
    /// one.
    ///
    /// A name that is a number also finds the interface with that [index](Self::index), as in an
    /// address's scope id.
    ///
    /// ```
    /// use qnetwork::QNetworkInterface;
    ///
    /// assert_eq!(QNetworkInterface::interface_from_name("no such"), None);
    /// ```
    #[doc(alias = "interfaceFromName")]
    #[must_use]
    pub fn interface_from_name(name: &str) -> Option<QNetworkInterface> {
        let index = number(name);
        Self::find(|one| index.is_some_and(|index| one.index == index) || one.name == name)
    }

    /// Returns the interface with this index; `None` if there is none, where Qt returns an invalid
    /// one.
    #[doc(alias = "interfaceFromIndex")]
    #[must_use]
    pub fn interface_from_index(index: u32) -> Option<QNetworkInterface> {
        Self::find(|one| one.index == index)
    }

    /// Returns the index of the interface with this name; `None` if there is none, where Qt returns
    /// 0. If the name is a number above 0, the function returns that number without a check.
    ///
    /// ```
    /// use qnetwork::QNetworkInterface;
    ///
    /// assert_eq!(QNetworkInterface::interface_index_from_name("no such"), None);
    /// assert_eq!(QNetworkInterface::interface_index_from_name("7"), Some(7));
    /// ```
    #[doc(alias = "interfaceIndexFromName")]
    #[must_use]
    pub fn interface_index_from_name(name: &str) -> Option<u32> {
        let index = number(name).unwrap_or_else(|| sys::interface_index(name));
        (index != 0).then_some(index)
    }

    /// Returns the name of the interface with this index; `None` if there is none, where Qt returns
    /// an empty text.
    #[doc(alias = "interfaceNameFromIndex")]
    #[must_use]
    pub fn interface_name_from_index(index: u32) -> Option<String> {
        sys::interface_name(index)
    }

    fn find(wanted: impl Fn(&Self) -> bool) -> Option<Self> {
        Self::all_interfaces().into_iter().find(wanted)
    }

    pub(crate) fn of(link: Link) -> Self {
        let entry = |address| QNetworkAddressEntry::of(address, &link.name, link.flags);
        QNetworkInterface {
            entries: link.addresses.iter().map(entry).collect(),
            index: link.index,
            hardware_address: hexadecimal(&link.hardware_address),
            flags: link.flags,
            kind: link.kind,
            mtu: link.mtu,
            name: link.name,
        }
    }
}

/// # Properties of an interface
impl QNetworkInterface {
    /// Returns whether the system reported this interface.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.name.is_empty()
    }

    /// Returns the system's index of the interface; 0 if it is not valid. No two interfaces have
    /// the same index at the same time.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Returns the system's name of the interface; empty if it is not valid.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name that a user knows. On the supported systems it is the [name](Self::name).
    #[doc(alias = "humanReadableName")]
    #[must_use]
    pub fn human_readable_name(&self) -> &str {
        self.name()
    }

    /// Returns the state and capabilities of the interface.
    #[must_use]
    pub fn flags(&self) -> InterfaceFlags {
        self.flags
    }

    /// Returns the hardware type of the interface.
    #[doc(alias = "type")]
    #[must_use]
    pub fn interface_type(&self) -> InterfaceType {
        self.kind
    }

    /// Returns the hardware address, two hexadecimal digits a byte with colons in between:
    /// `02:FC:00:00:00:01`. It is empty if there is none.
    #[doc(alias = "hardwareAddress")]
    #[must_use]
    pub fn hardware_address(&self) -> &str {
        &self.hardware_address
    }

    /// Returns the maximum size of a packet in bytes (the MTU); `None` if it is not known, where
    /// Qt returns 0.
    #[doc(alias = "maximumTransmissionUnit")]
    #[must_use]
    pub fn maximum_transmission_unit(&self) -> Option<u32> {
        (self.mtu != 0).then_some(self.mtu)
    }

    /// Returns the addresses of the interface, in the system's order.
    #[doc(alias = "addressEntries")]
    #[must_use]
    pub fn address_entries(&self) -> &[QNetworkAddressEntry] {
        &self.entries
    }

    /// Swaps two interfaces.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }
}

/// Parses a number as Qt does: white space around it and a plus sign are allowed.
fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let colon = if at > 0 { ":" } else { "" };
        // Writing to a `String` never fails.
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}

/// Writes the [human readable name](QNetworkInterface::human_readable_name).
impl fmt::Display for QNetworkInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.human_readable_name())
    }
}
