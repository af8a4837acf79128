//! Headers that have a name in Qt.

/// A header of HTTP that Qt has a name for.
#[doc(alias = "QNetworkRequest::KnownHeaders")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KnownHeader {
    /// `Content-Type`
    #[doc(alias = "ContentTypeHeader")]
    ContentType,
    /// `Content-Length`
    #[doc(alias = "ContentLengthHeader")]
    ContentLength,
    /// `Location`
    #[doc(alias = "LocationHeader")]
    Location,
    /// `Last-Modified`
    #[doc(alias = "LastModifiedHeader")]
    LastModified,
    /// `Cookie`
    #[doc(alias = "CookieHeader")]
    Cookie,
    /// `Set-Cookie`
    #[doc(alias = "SetCookieHeader")]
    SetCookie,
    /// `Content-Disposition`
    #[doc(alias = "ContentDispositionHeader")]
    ContentDisposition,
    /// `User-Agent`
    #[doc(alias = "UserAgentHeader")]
    UserAgent,
    /// `Server`
    #[doc(alias = "ServerHeader")]
    Server,
    /// `If-Modified-Since`
    #[doc(alias = "IfModifiedSinceHeader")]
    IfModifiedSince,
    /// `ETag`
    #[doc(alias = "ETagHeader")]
    ETag,
    /// `If-Match`
    #[doc(alias = "IfMatchHeader")]
    IfMatch,
    /// `If-None-Match`
    #[doc(alias = "IfNoneMatchHeader")]
    IfNoneMatch,
}

impl KnownHeader {
    /// Its name in HTTP.
    ///
    /// ```
    /// assert_eq!(qnetwork::proxy::KnownHeader::UserAgent.name(), "User-Agent");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            KnownHeader::ContentType => "Content-Type",
            KnownHeader::ContentLength => "Content-Length",
            KnownHeader::Location => "Location",
            KnownHeader::LastModified => "Last-Modified",
            KnownHeader::Cookie => "Cookie",
            KnownHeader::SetCookie => "Set-Cookie",
            KnownHeader::ContentDisposition => "Content-Disposition",
            KnownHeader::UserAgent => "User-Agent",
            KnownHeader::Server => "Server",
            KnownHeader::IfModifiedSince => "If-Modified-Since",
            KnownHeader::ETag => "ETag",
            KnownHeader::IfMatch => "If-Match",
            KnownHeader::IfNoneMatch => "If-None-Match",
        }
    }
}
