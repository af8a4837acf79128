//! The records that a look-up finds.

use std::mem;

use crate::address::QHostAddress;

/// Defines the functions that all types of records have.
macro_rules! record {
    ($class:ident) => {
        impl $class {
            /// Creates a record without a name and a value.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// Returns the name that the record belongs to.
            ///
            /// If the look-up followed an alias, this is the canonical name, not the name that was
            /// looked up.
            #[must_use]
            pub fn name(&self) -> &str {
                &self.name
            }

            /// Returns for how many seconds the record may be cached.
            #[doc(alias = "timeToLive")]
            #[must_use]
            pub fn time_to_live(&self) -> u32 {
                self.time_to_live
            }

            /// Swaps two records, as [`std::mem::swap`] does. The name is Qt's.
            pub fn swap(&mut self, other: &mut Self) {
                mem::swap(self, other);
            }
        }
    };
}

/// A record whose value is a domain name: an alias (CNAME), a name server (NS) or a pointer (PTR).
///
/// Stands for Qt's [QDnsDomainNameRecord](https://doc.qt.io/qt-5/qdnsdomainnamerecord.html).
///
/// ```
/// use qnetwork::QDnsDomainNameRecord;
///
/// let record = QDnsDomainNameRecord::new();
/// assert_eq!((record.name(), record.time_to_live(), record.value()), ("", 0, ""));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QDnsDomainNameRecord {
    pub(super) name: String,
    pub(super) time_to_live: u32,
    pub(super) value: String,
}

record!(QDnsDomainNameRecord);

impl QDnsDomainNameRecord {
    /// Returns the domain name.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// A record whose value is an address (A, AAAA).
///
/// Stands for Qt's [QDnsHostAddressRecord](https://doc.qt.io/qt-5/qdnshostaddressrecord.html).
///
/// ```
/// use qnetwork::{QDnsHostAddressRecord, QHostAddress};
///
/// assert_eq!(*QDnsHostAddressRecord::new().value(), QHostAddress::Null);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QDnsHostAddressRecord {
    pub(super) name: String,
    pub(super) time_to_live: u32,
    pub(super) value: QHostAddress,
}

record!(QDnsHostAddressRecord);

impl QDnsHostAddressRecord {
    /// Returns the address.
    #[must_use]
    pub fn value(&self) -> &QHostAddress {
        &self.value
    }
}

/// A record that names a mail server of a domain (MX).
///
/// Stands for Qt's [QDnsMailExchangeRecord](https://doc.qt.io/qt-5/qdnsmailexchangerecord.html).
///
/// ```
/// use qnetwork::QDnsMailExchangeRecord;
///
/// let record = QDnsMailExchangeRecord::new();
/// assert_eq!((record.exchange(), record.preference()), ("", 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QDnsMailExchangeRecord {
    pub(super) name: String,
    pub(super) time_to_live: u32,
    pub(super) preference: u16,
    pub(super) exchange: String,
}

record!(QDnsMailExchangeRecord);

impl QDnsMailExchangeRecord {
    /// Returns the name of the mail server.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// Returns the preference. Clients try the server with the lowest number first.
    #[must_use]
    pub fn preference(&self) -> u16 {
        self.preference
    }
}

/// A record that names a host and port at which a service is offered (SRV).
///
/// Stands for Qt's [QDnsServiceRecord](https://doc.qt.io/qt-5/qdnsservicerecord.html).
///
/// ```
/// use qnetwork::QDnsServiceRecord;
///
/// let record = QDnsServiceRecord::new();
/// assert_eq!((record.target(), record.port()), ("", 0));
/// assert_eq!((record.priority(), record.weight()), (0, 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QDnsServiceRecord {
    pub(super) name: String,
    pub(super) time_to_live: u32,
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    pub(super) target: String,
}

record!(QDnsServiceRecord);

impl QDnsServiceRecord {
    /// Returns the port of the service.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the priority. Clients try the hosts with the lowest number first.
    #[must_use]
    pub fn priority(&self) -> u16 {
        self.priority
    }

    /// Returns the name of the host.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the weight. Of the hosts with equal priority, clients try one with a greater weight
    /// more often.
    #[must_use]
    pub fn weight(&self) -> u16 {
        self.weight
    }
}

/// A record that holds text (TXT).
///
/// Stands for Qt's [QDnsTextRecord](https://doc.qt.io/qt-5/qdnstextrecord.html).
///
/// ```
/// use qnetwork::QDnsTextRecord;
///
/// assert!(QDnsTextRecord::new().values().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QDnsTextRecord {
    pub(super) name: String,
    pub(super) time_to_live: u32,
    pub(super) values: Vec<Vec<u8>>,
}

record!(QDnsTextRecord);

impl QDnsTextRecord {
    /// Returns the strings of the record. Each has at most 255 bytes, which may be any bytes.
    #[must_use]
    pub fn values(&self) -> &[Vec<u8>] {
        &self.values
    }
}

/// The records of a reply, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    pub(super) canonical_names: Vec<QDnsDomainNameRecord>,
    pub(super) host_addresses: Vec<QDnsHostAddressRecord>,
    pub(super) mail_exchanges: Vec<QDnsMailExchangeRecord>,
    pub(super) name_servers: Vec<QDnsDomainNameRecord>,
    pub(super) pointers: Vec<QDnsDomainNameRecord>,
    pub(super) services: Vec<QDnsServiceRecord>,
    pub(super) texts: Vec<QDnsTextRecord>,
}
