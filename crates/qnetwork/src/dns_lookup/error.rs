//! The types of records that can be looked up, and the errors of a look-up.

use std::{error::Error, fmt, io};

qcore::numbered! {
    /// The type of the records that a look-up asks for.
    ///
    /// ```
    /// use qnetwork::DnsLookupType;
    ///
    /// assert_eq!(DnsLookupType::AAAA as i32, 28);
    /// assert_eq!(DnsLookupType::try_from(33), Ok(DnsLookupType::SRV));
    /// ```
    #[doc(alias = "QDnsLookup::Type")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum DnsLookupType {
        /// IPv4 addresses of a host.
        #[default]
        A = 1,
        /// IPv6 addresses of a host.
        AAAA = 28,
        /// All records of a name. Many servers return only a few of them (RFC 8482).
        ANY = 255,
        /// The canonical name of an alias.
        CNAME = 5,
        /// The mail servers of a domain.
        MX = 15,
        /// The name servers of a domain.
        NS = 2,
        /// The name that a pointer contains, for example the host of an address.
        PTR = 12,
        /// The hosts and ports at which a service is offered.
        SRV = 33,
        /// Text.
        TXT = 16,
    }
}

qcore::numbered! {
    /// The kind of a [`DnsLookupError`].
    ///
    /// Qt's `NoError` has no value here: [`QDnsLookup::error`](crate::QDnsLookup::error) returns
    /// `None` instead.
    #[doc(alias = "QDnsLookup::Error")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum DnsLookupErrorKind {
        /// The look-up could not begin: the system's configuration cannot be read.
        #[doc(alias = "ResolverError")]
        Resolver = 1,
        /// [`abort`](crate::QDnsLookup::abort) has cancelled the look-up.
        #[doc(alias = "OperationCancelledError")]
        OperationCancelled = 2,
        /// The name is empty or invalid, or the server could not read the request.
        #[doc(alias = "InvalidRequestError")]
        InvalidRequest = 3,
        /// The reply is invalid, or no server has answered. As in Qt, a reply without any records
        /// is invalid, too.
        #[doc(alias = "InvalidReplyError")]
        InvalidReply = 4,
        /// The server failed.
        #[doc(alias = "ServerFailureError")]
        ServerFailure = 5,
        /// The server refused to answer.
        #[doc(alias = "ServerRefusedError")]
        ServerRefused = 6,
        /// There is no such name.
        #[doc(alias = "NotFoundError")]
        NotFound = 7,
    }
}

/// Why a look-up failed: a kind and Qt's text.
///
/// ```
/// use qnetwork::{DnsLookupError, DnsLookupErrorKind};
///
/// let error = DnsLookupError::from(DnsLookupErrorKind::NotFound);
/// assert_eq!(error, DnsLookupErrorKind::NotFound);
/// assert_eq!(error.to_string(), "Non existent domain");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsLookupError {
    kind: DnsLookupErrorKind,
    text: &'static str,
}

impl DnsLookupError {
    pub(super) const fn new(kind: DnsLookupErrorKind, text: &'static str) -> Self {
        DnsLookupError { kind, text }
    }

    pub(super) const fn invalid_reply(text: &'static str) -> Self {
        DnsLookupError::new(DnsLookupErrorKind::InvalidReply, text)
    }

    pub(super) const fn invalid_name() -> Self {
        DnsLookupError::new(DnsLookupErrorKind::InvalidRequest, "Invalid domain name")
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> DnsLookupErrorKind {
        self.kind
    }

    pub(super) fn text(&self) -> &'static str {
        self.text
    }
}

impl From<DnsLookupErrorKind> for DnsLookupError {
    /// Creates an error with Qt's text for its kind.
    fn from(kind: DnsLookupErrorKind) -> Self {
        let text = match kind {
            DnsLookupErrorKind::Resolver => "Resolver initialization failed",
            DnsLookupErrorKind::OperationCancelled => "Operation cancelled",
            DnsLookupErrorKind::InvalidRequest => "Server could not process query",
            DnsLookupErrorKind::InvalidReply => "Invalid reply received",
            DnsLookupErrorKind::ServerFailure => "Server failure",
            DnsLookupErrorKind::ServerRefused => "Server refused to answer",
            DnsLookupErrorKind::NotFound => "Non existent domain",
        };
        DnsLookupError::new(kind, text)
    }
}

impl PartialEq<DnsLookupErrorKind> for DnsLookupError {
    fn eq(&self, kind: &DnsLookupErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for DnsLookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl Error for DnsLookupError {}

impl From<DnsLookupError> for io::Error {
    fn from(error: DnsLookupError) -> Self {
        let kind = match error.kind {
            DnsLookupErrorKind::OperationCancelled => io::ErrorKind::Interrupted,
            DnsLookupErrorKind::InvalidRequest => io::ErrorKind::InvalidInput,
            DnsLookupErrorKind::InvalidReply => io::ErrorKind::InvalidData,
            DnsLookupErrorKind::NotFound => io::ErrorKind::NotFound,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
