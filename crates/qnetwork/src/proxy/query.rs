//! [`QNetworkProxyQuery`]: the question to a proxy factory.

use super::url::Url;

qcore::numbered! {
    /// The purpose of a proxy.
    #[doc(alias = "QNetworkProxyQuery::QueryType")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ProxyQueryType {
        /// A TCP socket that connects.
        #[default]
        TcpSocket = 0,
        /// A UDP socket.
        UdpSocket = 1,
        /// An SCTP socket that connects.
        SctpSocket = 2,
        /// A TCP server that listens.
        TcpServer = 100,
        /// A request for a URL.
        UrlRequest = 101,
        /// An SCTP server that listens.
        SctpServer = 102,
    }
}

/// A query to a proxy [factory](super::QNetworkProxyFactory): the purpose and the destination.
///
/// Stands for Qt's [QNetworkProxyQuery](https://doc.qt.io/qt-5/qnetworkproxyquery.html), without
/// its network configurations, which are obsolete. As in Qt, host, port and tag are parts of one
/// URL, and the tag is its scheme.
///
/// # Examples
///
/// ```
/// use qnetwork::{ProxyQueryType, QNetworkProxyQuery};
///
/// let query = QNetworkProxyQuery::for_url("https://Some.Example/index.html");
/// assert_eq!(query.query_type(), ProxyQueryType::UrlRequest);
/// assert_eq!((query.peer_host_name(), query.protocol_tag()), ("some.example", "https"));
/// assert_eq!(query.peer_port(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QNetworkProxyQuery {
    kind: ProxyQueryType,
    url: Url,
    local_port: Option<u16>,
}

impl QNetworkProxyQuery {
    /// Creates a query for a socket that connects to a host and port. The tag names the protocol,
    /// such as "http", and may be empty.
    #[must_use]
    pub fn new(
        kind: ProxyQueryType,
        host_name: impl Into<String>,
        port: u16,
        protocol_tag: impl Into<String>,
    ) -> Self {
        let mut query = QNetworkProxyQuery { kind, ..Self::default() };
        query.set_peer_host_name(host_name);
        query.set_peer_port(Some(port));
        query.set_protocol_tag(protocol_tag);
        query
    }

    /// Creates a query for a server that listens on a port.
    #[must_use]
    pub fn for_server(
        kind: ProxyQueryType,
        bind_port: u16,
        protocol_tag: impl Into<String>,
    ) -> Self {
        let mut query = QNetworkProxyQuery { kind, local_port: Some(bind_port), ..Self::default() };
        query.set_protocol_tag(protocol_tag);
        query
    }

    /// Creates a query for a request. See [`set_url`](Self::set_url).
    #[must_use]
    pub fn for_url(url: &str) -> Self {
        let mut query = QNetworkProxyQuery { kind: ProxyQueryType::UrlRequest, ..Self::default() };
        query.set_url(url);
        query
    }

    /// Returns the purpose of the proxy; [`TcpSocket`](ProxyQueryType::TcpSocket) if it was not
    /// set.
    #[doc(alias = "queryType")]
    #[must_use]
    pub fn query_type(&self) -> ProxyQueryType {
        self.kind
    }

    /// Sets the purpose of the proxy.
    #[doc(alias = "setQueryType")]
    pub fn set_query_type(&mut self, kind: ProxyQueryType) {
        self.kind = kind;
    }

    /// Returns the host to connect to, empty if it is not known.
    #[doc(alias = "peerHostName")]
    #[must_use]
    pub fn peer_host_name(&self) -> &str {
        &self.url.host
    }

    /// Sets the host to connect to. An invalid host makes it empty.
    #[doc(alias = "setPeerHostName")]
    pub fn set_peer_host_name(&mut self, host_name: impl Into<String>) {
        self.url.set_host(&host_name.into());
    }

    /// Returns the port to connect to, if it is known. Qt returns -1 for none.
    #[doc(alias = "peerPort")]
    #[must_use]
    pub fn peer_port(&self) -> Option<u16> {
        self.url.port
    }

    /// Sets the port to connect to.
    #[doc(alias = "setPeerPort")]
    pub fn set_peer_port(&mut self, port: Option<u16>) {
        self.url.port = port;
    }

    /// Returns the local port to use, if a particular one is needed. Qt returns -1 for none.
    #[doc(alias = "localPort")]
    #[must_use]
    pub fn local_port(&self) -> Option<u16> {
        self.local_port
    }

    /// Sets the local port to use.
    #[doc(alias = "setLocalPort")]
    pub fn set_local_port(&mut self, port: Option<u16>) {
        self.local_port = port;
    }

    /// Returns the tag that names the protocol, "http" for example, in lower case; often empty.
    #[doc(alias = "protocolTag")]
    #[must_use]
    pub fn protocol_tag(&self) -> &str {
        &self.url.scheme
    }

    /// Sets the tag that names the protocol. As in Qt, an invalid URL scheme makes it empty.
    #[doc(alias = "setProtocolTag")]
    pub fn set_protocol_tag(&mut self, protocol_tag: impl Into<String>) {
        self.url.set_scheme(&protocol_tag.into());
    }

    /// Returns tag, host and port as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.to_text()
    }

    /// Sets tag, host and port from a URL. An invalid URL makes them empty.
    #[doc(alias = "setUrl")]
    pub fn set_url(&mut self, url: &str) {
        self.url = Url::parse(url).unwrap_or_default();
    }

    /// Swaps two queries.
    pub fn swap(&mut self, other: &mut QNetworkProxyQuery) {
        std::mem::swap(self, other);
    }
}
