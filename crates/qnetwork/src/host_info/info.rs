//! The result of a look-up.

use std::borrow::Borrow;

use super::error::{HostInfoError, HostInfoErrorKind};
use crate::{address::QHostAddress, common::owned};

/// The number of a look-up, which [`QHostInfo::lookup_host`] returns.
///
/// [`QHostInfo::abort_host_lookup`] takes it. A later look-up has a greater number, until after
/// 2³¹ - 1 look-ups they start again at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupId(pub(super) i32);

impl From<LookupId> for i32 {
    /// Returns Qt's number.
    fn from(id: LookupId) -> Self {
        id.0
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
///   of more than 63 letters, gives [`HostNotFound`](HostInfoErrorKind::HostNotFound), "Invalid
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
    lookup_id: Option<LookupId>,
    host_name: String,
    addresses: Vec<QHostAddress>,
    error: Option<HostInfoErrorKind>,
    error_string: String,
}

impl Default for QHostInfo {
    fn default() -> Self {
        QHostInfo::new(None)
    }
}

impl QHostInfo {
    /// Creates a result without a name, addresses or an error.
    #[must_use]
    pub fn new(lookup_id: Option<LookupId>) -> Self {
        QHostInfo {
            lookup_id,
            host_name: String::new(),
            addresses: Vec::new(),
            error: None,
            error_string: "Unknown error".to_owned(),
        }
    }

    pub(crate) fn found(name: &str, addresses: Vec<QHostAddress>) -> Self {
        QHostInfo { host_name: name.to_owned(), addresses, ..QHostInfo::default() }
    }

    pub(super) fn not_found(name: &str) -> Self {
        QHostInfo::failed(name, HostInfoErrorKind::HostNotFound, "Host not found")
    }

    pub(super) fn failed(name: &str, error: HostInfoErrorKind, text: impl Into<String>) -> Self {
        let mut info = QHostInfo::found(name, Vec::new());
        info.error = Some(error);
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

    /// Returns the addresses, or the error if the look-up failed.
    ///
    /// ```
    /// use qnetwork::{HostInfoErrorKind, QHostAddress, QHostInfo};
    ///
    /// let info = QHostInfo::from_name("localhost");
    /// assert!(info.result()?.contains(&QHostAddress::LocalHost));
    ///
    /// let error = QHostInfo::from_name("no name").result().unwrap_err();
    /// assert_eq!(error, HostInfoErrorKind::HostNotFound);
    /// assert_eq!(error.to_string(), "Invalid hostname");
    /// # Ok::<(), qnetwork::HostInfoError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The kind is [`error`](QHostInfo::error), the text is
    /// [`error_string`](QHostInfo::error_string).
    pub fn result(&self) -> Result<&[QHostAddress], HostInfoError> {
        match self.error {
            None => Ok(&self.addresses),
            Some(kind) => Err(HostInfoError::new(kind, &self.error_string)),
        }
    }

    /// Returns the kind of the error; `None`, where Qt returns `NoError`, if the look-up succeeded.
    #[doc(alias = "NoError")]
    #[must_use]
    pub fn error(&self) -> Option<HostInfoErrorKind> {
        self.error
    }

    /// Returns the text of the error; "Unknown error" if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> &str {
        &self.error_string
    }

    /// Returns the number of the look-up, which [`lookup_host`](QHostInfo::lookup_host) also
    /// returned; `None`, where Qt returns -1, for a result of [`from_name`](QHostInfo::from_name).
    #[doc(alias = "lookupId")]
    #[must_use]
    pub fn lookup_id(&self) -> Option<LookupId> {
        self.lookup_id
    }

    /// Sets the host name.
    #[doc(alias = "setHostName")]
    pub fn set_host_name(&mut self, name: impl Into<String>) {
        self.host_name = name.into();
    }

    /// Sets the addresses.
    #[doc(alias = "setAddresses")]
    pub fn set_addresses(&mut self, addresses: impl IntoIterator<Item: Borrow<QHostAddress>>) {
        self.addresses = owned(addresses);
    }

    /// Sets the error, but not its text.
    #[doc(alias = "setError")]
    pub fn set_error(&mut self, error: Option<HostInfoErrorKind>) {
        self.error = error;
    }

    /// Sets the text of the error.
    #[doc(alias = "setErrorString")]
    pub fn set_error_string(&mut self, text: impl Into<String>) {
        self.error_string = text.into();
    }

    /// Sets the number of the look-up.
    #[doc(alias = "setLookupId")]
    pub fn set_lookup_id(&mut self, id: Option<LookupId>) {
        self.lookup_id = id;
    }

    /// Swaps two results, as [`std::mem::swap`] does. The name is Qt's.
    pub fn swap(&mut self, other: &mut QHostInfo) {
        std::mem::swap(self, other);
    }
}
