//! What a factory is asked.

use super::url::Url;

qcore::numbered! {
    /// What a proxy is wanted for.
    #[doc(alias = "QNetworkProxyQuery::QueryType")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ProxyQueryType {
        /// A socket that connects by TCP.
        #[default]
        TcpSocket = 0,
        /// A socket for datagrams.
        UdpSocket = 1,
        /// A socket that connects by SCTP.
        SctpSocket = 2,
        /// A server that listens for connections of TCP.
        TcpServer = 100,
        /// A request for what a URL names.
        UrlRequest = 101,
        /// A server that listens for connections of SCTP.
        SctpServer = 102,
    }
}

/// What a [factory](super::QNetworkProxyFactory) of proxies is asked: what for, and where to.
///
/// Stands for Qt's [QNetworkProxyQuery](https://doc.qt.io/qt-5/qnetworkproxyquery.html), but for
/// its network configurations, which are no more. Host, port and tag are parts of one URL, as in
/// Qt: the tag is its scheme.
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
    /// A query for a socket that is to connect to a host and port, for what the tag says ("http"
    /// for example, or nothing).
    #[must_use]
    pub fn new(kind: ProxyQueryType, host_name: &str, port: u16, protocol_tag: &str) -> Self {
        let mut query = QNetworkProxyQuery { kind, ..Self::default() };
        query.set_peer_host_name(host_name);
        query.set_peer_port(Some(port));
        query.set_protocol_tag(protocol_tag);
        query
    }

    /// A query for a server that is to listen at a port.
    #[must_use]
    pub fn for_server(kind: ProxyQueryType, bind_port: u16, protocol_tag: &str) -> Self {
        let mut query = QNetworkProxyQuery { kind, local_port: Some(bind_port), ..Self::default() };
        query.set_protocol_tag(protocol_tag);
        query
    }

    /// A query for a request.
    #[must_use]
    pub fn for_url(url: &str) -> Self {
        let mut query = QNetworkProxyQuery { kind: ProxyQueryType::UrlRequest, ..Self::default() };
        query.set_url(url);
        query
    }

    /// What the proxy is for; [`TcpSocket`](ProxyQueryType::TcpSocket) unless told.
    #[doc(alias = "queryType")]
    #[must_use]
    pub fn query_type(&self) -> ProxyQueryType {
        self.kind
    }

    /// Sets what the proxy is for.
    #[doc(alias = "setQueryType")]
    pub fn set_query_type(&mut self, kind: ProxyQueryType) {
        self.kind = kind;
    }

    /// The host that is to be connected to, empty if it is not known.
    #[doc(alias = "peerHostName")]
    #[must_use]
    pub fn peer_host_name(&self) -> &str {
        &self.url.host
    }

    /// Sets the host that is to be connected to. What cannot be one is left out.
    #[doc(alias = "setPeerHostName")]
    pub fn set_peer_host_name(&mut self, host_name: &str) {
        self.url.set_host(host_name);
    }

    /// The port that is to be connected to, if it is known. In Qt -1 stands for none.
    #[doc(alias = "peerPort")]
    #[must_use]
    pub fn peer_port(&self) -> Option<u16> {
        self.url.port
    }

    /// Sets the port that is to be connected to.
    #[doc(alias = "setPeerPort")]
    pub fn set_peer_port(&mut self, port: Option<u16>) {
        self.url.port = port;
    }

    /// The port of this machine that is to be used, if there is one that has to be. In Qt -1 stands
    /// for none.
    #[doc(alias = "localPort")]
    #[must_use]
    pub fn local_port(&self) -> Option<u16> {
        self.local_port
    }

    /// Sets the port of this machine.
    #[doc(alias = "setLocalPort")]
    pub fn set_local_port(&mut self, port: Option<u16>) {
        self.local_port = port;
    }

    /// What will be spoken, "http" for example; often empty. Lower case.
    #[doc(alias = "protocolTag")]
    #[must_use]
    pub fn protocol_tag(&self) -> &str {
        &self.url.scheme
    }

    /// Sets what will be spoken. What cannot be the scheme of a URL is left out, as in Qt.
    #[doc(alias = "setProtocolTag")]
    pub fn set_protocol_tag(&mut self, protocol_tag: &str) {
        self.url.set_scheme(protocol_tag);
    }

    /// All of that as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.to_text()
    }

    /// Sets tag, host and port by a URL. What is none leaves them empty.
    #[doc(alias = "setUrl")]
    pub fn set_url(&mut self, url: &str) {
        self.url = Url::parse(url).unwrap_or_default();
    }

    /// Exchanges two queries.
    pub fn swap(&mut self, other: &mut QNetworkProxyQuery) {
        std::mem::swap(self, other);
    }
}
