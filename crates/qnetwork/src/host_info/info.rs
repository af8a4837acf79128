//! The result of a look-up.

use crate::address::QHostAddress;

qcore::numbered! {
    /// The result of a look-up.
    #[doc(alias = "QHostInfo::HostInfoError")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum HostInfoError {
        /// The look-up succeeded.
        #[default]
        NoError = 0,
        /// There is no host of that name, or it has no address.
        HostNotFound = 1,
        /// The look-up failed for another reason.
        #[doc(alias = "UnknownError")]
        Unknown = 2,
    }
}

/// The result of a look-up: a host's name and addresses, or an error.
///
/// [`lookup_host`](QHostInfo::lookup_host) returns at once and answers later,
/// [`from_name`](QHostInfo::from_name) waits. Both take
///
/// * a name, and return its addresses. The name may contain letters of all languages
///   (`bücher.example`), which are looked up as punycode. [`host_name`](QHostInfo::host_name)
///   returns the name as it was given. An invalid name, for example with a NUL, a space or a label
///   of more than 63 letters, gives [`HostNotFound`](HostInfoError::HostNotFound), "Invalid
///   hostname".
/// * an address, and return its name. If it has no name, they return the address as text.
///
/// Answers are cached for 60 seconds, for at most 128 names. `lookup_host` uses the cache;
/// `from_name` always asks the resolver. Names that end in `.invalid` are never looked up, because
/// there are none (RFC 6761).
///
/// Stands for Qt's [QHostInfo](https://doc.qt.io/qt-5/qhostinfo.html).
///
/// # Examples
///
/// ```
/// use qcore::QCoreApplication;
/// use qnetwork::{QHostAddress, QHostInfo};
///
/// let app = QCoreApplication::new();
/// QHostInfo::lookup_host("localhost", &app, |app, info| {
///     assert!(info.addresses().iter().all(QHostAddress::is_loopback));
///     app.quit();
/// });
/// app.exec();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QHostInfo {
    lookup_id: i32,
    host_name: String,
    addresses: Vec<QHostAddress>,
    error: HostInfoError,
    error_string: String,
}

impl Default for QHostInfo {
    fn default() -> Self {
        QHostInfo::new(-1)
    }
}

impl QHostInfo {
    /// Creates a result without a name, addresses or an error. Qt's default for `lookup_id` is -1.
    #[must_use]
    pub fn new(lookup_id: i32) -> Self {
        QHostInfo {
            lookup_id,
            host_name: String::new(),
            addresses: Vec::new(),
            error: HostInfoError::NoError,
            error_string: "Unknown error".to_owned(),
        }
    }

    pub(crate) fn found(name: &str, addresses: Vec<QHostAddress>) -> Self {
        QHostInfo { host_name: name.to_owned(), addresses, ..QHostInfo::default() }
    }

    pub(super) fn not_found(name: &str) -> Self {
        QHostInfo::failed(name, HostInfoError::HostNotFound, "Host not found")
    }

    pub(super) fn failed(name: &str, error: HostInfoError, text: impl Into<String>) -> Self {
        let mut info = QHostInfo::found(name, Vec::new());
        info.error = error;
        info.error_string = text.into();
        info
    }

    /// Returns the name that was looked up; if an address was looked up, its name.
    #[doc(alias = "hostName")]
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// Returns the addresses in the resolver's order. After an error there are none.
    #[must_use]
    pub fn addresses(&self) -> &[QHostAddress] {
        &self.addresses
    }

    /// Returns the result of the look-up.
    #[must_use]
    pub fn error(&self) -> HostInfoError {
        self.error
    }

    /// Returns the text of the error; "Unknown error" if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> &str {
        &self.error_string
    }

    /// Returns the number of the look-up, which [`lookup_host`](QHostInfo::lookup_host) also
    /// returned; -1 for a result of [`from_name`](QHostInfo::from_name).
    #[doc(alias = "lookupId")]
    #[must_use]
    pub fn lookup_id(&self) -> i32 {
        self.lookup_id
    }

    /// Sets the host name.
    #[doc(alias = "setHostName")]
    pub fn set_host_name(&mut self, name: impl Into<String>) {
        self.host_name = name.into();
    }

    /// Sets the addresses.
    #[doc(alias = "setAddresses")]
    pub fn set_addresses(&mut self, addresses: impl Into<Vec<QHostAddress>>) {
        self.addresses = addresses.into();
    }

    /// Sets the error, but not its text.
    #[doc(alias = "setError")]
    pub fn set_error(&mut self, error: HostInfoError) {
        self.error = error;
    }

    /// Sets the text of the error.
    #[doc(alias = "setErrorString")]
    pub fn set_error_string(&mut self, text: impl Into<String>) {
        self.error_string = text.into();
    }

    /// Sets the number of the look-up.
    #[doc(alias = "setLookupId")]
    pub fn set_lookup_id(&mut self, id: i32) {
        self.lookup_id = id;
    }

    /// Swaps two results, as [`std::mem::swap`] does. The name is Qt's.
    pub fn swap(&mut self, other: &mut QHostInfo) {
        std::mem::swap(self, other);
    }
}
