//! [`KnownHeader`]: the HTTP headers that Qt has names for.

qcore::numbered! {
    /// An HTTP header that Qt has a name for.
    #[doc(alias = "QNetworkRequest::KnownHeaders")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum KnownHeader {
        /// `Content-Type`
        #[doc(alias = "ContentTypeHeader")]
        ContentType = 0,
        /// `Content-Length`
        #[doc(alias = "ContentLengthHeader")]
        ContentLength = 1,
        /// `Location`
        #[doc(alias = "LocationHeader")]
        Location = 2,
        /// `Last-Modified`
        #[doc(alias = "LastModifiedHeader")]
        LastModified = 3,
        /// `Cookie`
        #[doc(alias = "CookieHeader")]
        Cookie = 4,
        /// `Set-Cookie`
        #[doc(alias = "SetCookieHeader")]
        SetCookie = 5,
        /// `Content-Disposition`
        #[doc(alias = "ContentDispositionHeader")]
        ContentDisposition = 6,
        /// `User-Agent`
        #[doc(alias = "UserAgentHeader")]
        UserAgent = 7,
        /// `Server`
        #[doc(alias = "ServerHeader")]
        Server = 8,
        /// `If-Modified-Since`
        #[doc(alias = "IfModifiedSinceHeader")]
        IfModifiedSince = 9,
        /// `ETag`
        #[doc(alias = "ETagHeader")]
        ETag = 10,
        /// `If-Match`
        #[doc(alias = "IfMatchHeader")]
        IfMatch = 11,
        /// `If-None-Match`
        #[doc(alias = "IfNoneMatchHeader")]
        IfNoneMatch = 12,
    }
}

impl KnownHeader {
    /// Returns the header's name in HTTP.
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
