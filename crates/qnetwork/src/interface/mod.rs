//! [`QNetworkInterface`]: the network interfaces of this machine and their addresses.
//!
//! The system is asked with each call; what it answered is a plain value, which does not change by
//! itself.

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

/// A network interface of this machine, with its addresses, as it was when the system was asked.
///
/// A plain value, `Send` and `Sync`. One that stands for no interface, which is what is found under
/// a name or number that there is not, is not [valid](Self::is_valid).
///
/// On Linux everything is known. Elsewhere the [maximum transmission
/// unit](Self::maximum_transmission_unit) and the lifetimes of addresses are not, and of the
/// [types](Self::interface_type) only [`Loopback`](InterfaceType::Loopback).
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

/// # What there is
impl QNetworkInterface {
    /// All interfaces, also those that are not up, in the system's order.
    ///
    /// There are none if the system does not answer; a warning is logged then.
    #[doc(alias = "allInterfaces")]
    #[must_use]
    pub fn all_interfaces() -> Vec<QNetworkInterface> {
        sys::links().into_iter().map(Self::of).collect()
    }

    /// The addresses of all interfaces that are up.
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

    /// The interface with this name; one that is not valid if there is none.
    ///
    /// A name that is a number also stands for the interface with that [index](Self::index), as it
    /// does in the scope id of an address.
    ///
    /// ```
    /// use qnetwork::QNetworkInterface;
    ///
    /// let nothing = QNetworkInterface::interface_from_name("no such");
    /// assert!(!nothing.is_valid());
    /// assert_eq!(nothing, QNetworkInterface::default());
    /// ```
    #[doc(alias = "interfaceFromName")]
    #[must_use]
    pub fn interface_from_name(name: &str) -> QNetworkInterface {
        let index = number(name);
        Self::find(|one| index.is_some_and(|index| one.index == index) || one.name == name)
    }

    /// The interface with this number; one that is not valid if there is none.
    #[doc(alias = "interfaceFromIndex")]
    #[must_use]
    pub fn interface_from_index(index: u32) -> QNetworkInterface {
        Self::find(|one| one.index == index)
    }

    /// The number of the interface with this name, 0 if there is none. What is a number itself is
    /// returned, whether there is such an interface or not.
    ///
    /// ```
    /// use qnetwork::QNetworkInterface;
    ///
    /// assert_eq!(QNetworkInterface::interface_index_from_name("no such"), 0);
    /// assert_eq!(QNetworkInterface::interface_index_from_name("7"), 7);
    /// ```
    #[doc(alias = "interfaceIndexFromName")]
    #[must_use]
    pub fn interface_index_from_name(name: &str) -> u32 {
        number(name).unwrap_or_else(|| sys::interface_index(name))
    }

    /// The name of the interface with this number, empty if there is none.
    #[doc(alias = "interfaceNameFromIndex")]
    #[must_use]
    pub fn interface_name_from_index(index: u32) -> String {
        sys::interface_name(index).unwrap_or_default()
    }

    fn find(wanted: impl Fn(&Self) -> bool) -> Self {
        Self::all_interfaces().into_iter().find(wanted).unwrap_or_default()
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

/// # One of them
impl QNetworkInterface {
    /// Whether this is an interface that there was when the system was asked.
    #[doc(alias = "isValid")]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.name.is_empty()
    }

    /// The system's number for it; 0 if it is not valid. Two interfaces never have the same at a
    /// time.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The system's name for it; empty if it is not valid.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a user would call it. There is no such name on the systems that are known here: it is
    /// the [name](Self::name).
    #[doc(alias = "humanReadableName")]
    #[must_use]
    pub fn human_readable_name(&self) -> &str {
        self.name()
    }

    /// What it can do, and how it is.
    #[must_use]
    pub fn flags(&self) -> InterfaceFlags {
        self.flags
    }

    /// What kind of hardware it is.
    #[doc(alias = "type")]
    #[must_use]
    pub fn interface_type(&self) -> InterfaceType {
        self.kind
    }

    /// The address of the hardware, two hexadecimal digits a byte and a colon in between:
    /// `02:FC:00:00:00:01`. Empty if it has none.
    #[doc(alias = "hardwareAddress")]
    #[must_use]
    pub fn hardware_address(&self) -> &str {
        &self.hardware_address
    }

    /// How many bytes a packet may have at most; 0 if that is not known.
    #[doc(alias = "maximumTransmissionUnit")]
    #[must_use]
    pub fn maximum_transmission_unit(&self) -> u32 {
        self.mtu
    }

    /// Its addresses, in the system's order.
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

/// A number as Qt reads one from a text: white space around it and a plus sign are fine.
fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let colon = if at > 0 { ":" } else { "" };
        // Writing to a String does not fail.
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}

/// Writes its [human readable name](QNetworkInterface::human_readable_name).
impl fmt::Display for QNetworkInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.human_readable_name())
    }
}
