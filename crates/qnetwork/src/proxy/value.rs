//! A proxy, as a value.

use std::fmt;

use super::{header::KnownHeader, query::QNetworkProxyQuery, settings};

qcore::numbered! {
    /// What kind of proxy it is.
    #[doc(alias = "QNetworkProxy::ProxyType")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ProxyType {
        /// Whichever the application has: [`QNetworkProxy::application_proxy`].
        #[doc(alias = "DefaultProxy")]
        #[default]
        Default = 0,
        /// SOCKS, version 5.
        #[doc(alias = "Socks5Proxy")]
        Socks5 = 1,
        /// None: straight to the host.
        NoProxy = 2,
        /// HTTP with `CONNECT`.
        #[doc(alias = "HttpProxy")]
        Http = 3,
        /// HTTP for requests of HTTP only. Sockets cannot use it.
        #[doc(alias = "HttpCachingProxy")]
        HttpCaching = 4,
        /// FTP only. Sockets cannot use it.
        #[doc(alias = "FtpCachingProxy")]
        FtpCaching = 5,
    }
}

bitflags::bitflags! {
    /// What a proxy can do.
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    #[doc(alias = "QNetworkProxy::Capability")]
    #[doc(alias = "Capabilities")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct ProxyCapabilities: u32 {
        /// Connecting to hosts by TCP.
        #[doc(alias = "TunnelingCapability")]
        const TUNNELING = 1;
        /// Listening for connections of TCP.
        #[doc(alias = "ListeningCapability")]
        const LISTENING = 2;
        /// Sending and receiving datagrams.
        #[doc(alias = "UdpTunnelingCapability")]
        const UDP_TUNNELING = 4;
        /// Keeping what was asked for before.
        #[doc(alias = "CachingCapability")]
        const CACHING = 8;
        /// Looking up names: they are sent as they are.
        #[doc(alias = "HostNameLookupCapability")]
        const HOST_NAME_LOOKUP = 16;
        /// Connecting to hosts by SCTP.
        #[doc(alias = "SctpTunnelingCapability")]
        const SCTP_TUNNELING = 32;
        /// Listening for connections of SCTP.
        #[doc(alias = "SctpListeningCapability")]
        const SCTP_LISTENING = 64;
    }
}

impl ProxyType {
    /// What proxies of this kind can do, unless it is said otherwise.
    fn capabilities(self) -> ProxyCapabilities {
        use ProxyCapabilities as Can;
        match self {
            ProxyType::Default | ProxyType::NoProxy => {
                let sctp = Can::SCTP_TUNNELING | Can::SCTP_LISTENING;
                Can::TUNNELING | Can::LISTENING | Can::UDP_TUNNELING | sctp
            }
            ProxyType::Socks5 => {
                Can::TUNNELING | Can::LISTENING | Can::UDP_TUNNELING | Can::HOST_NAME_LOOKUP
            }
            ProxyType::Http => Can::TUNNELING | Can::CACHING | Can::HOST_NAME_LOOKUP,
            ProxyType::HttpCaching | ProxyType::FtpCaching => Can::CACHING | Can::HOST_NAME_LOOKUP,
        }
    }
}

/// A proxy: its kind, where it is, and who asks it.
///
/// Stands for Qt's [QNetworkProxy](https://doc.qt.io/qt-5/qnetworkproxy.html). Two are equal if
/// they are of one kind at one place with the same credentials and capabilities; headers do not
/// count.
///
/// # Examples
///
/// ```
/// use qnetwork::{ProxyType, QNetworkProxy, QTcpSocket};
///
/// let socket = QTcpSocket::new();
/// socket.set_proxy(QNetworkProxy::new(ProxyType::Socks5, "proxy.example", 1080));
/// assert_eq!(socket.proxy().host_name(), "proxy.example");
/// ```
#[derive(Clone, Default)]
pub struct QNetworkProxy {
    kind: ProxyType,
    host_name: String,
    port: u16,
    user: String,
    password: String,
    /// Set by hand: they do not follow the type any more.
    capabilities: Option<ProxyCapabilities>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl QNetworkProxy {
    /// A proxy of some kind at a host, given by its name or address, and a port.
    #[must_use]
    pub fn new(kind: ProxyType, host_name: impl Into<String>, port: u16) -> Self {
        QNetworkProxy { kind, host_name: host_name.into(), port, ..Self::default() }
    }

    /// A proxy that wants to know who asks.
    #[must_use]
    pub fn with_credentials(
        kind: ProxyType,
        host_name: impl Into<String>,
        port: u16,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        let (user, password) = (user.into(), password.into());
        QNetworkProxy { user, password, ..Self::new(kind, host_name, port) }
    }

    /// No proxy: straight to the host.
    #[must_use]
    pub fn none() -> Self {
        ProxyType::NoProxy.into()
    }

    /// What kind of proxy it is; [`Default`](ProxyType::Default) unless told.
    #[doc(alias = "type")]
    #[must_use]
    pub fn proxy_type(&self) -> ProxyType {
        self.kind
    }

    /// Sets the kind, and with it the capabilities, unless these were set by hand.
    #[doc(alias = "setType")]
    pub fn set_type(&mut self, kind: ProxyType) {
        self.kind = kind;
    }

    /// What the proxy can do: what its kind can, unless it was set.
    #[must_use]
    pub fn capabilities(&self) -> ProxyCapabilities {
        self.capabilities.unwrap_or_else(|| self.kind.capabilities())
    }

    /// Sets what the proxy can do. From then on it does not follow the type.
    #[doc(alias = "setCapabilities")]
    pub fn set_capabilities(&mut self, capabilities: ProxyCapabilities) {
        self.capabilities = Some(capabilities);
    }

    /// Whether the proxy keeps what was asked for before.
    #[doc(alias = "isCachingProxy")]
    #[must_use]
    pub fn is_caching_proxy(&self) -> bool {
        self.capabilities().contains(ProxyCapabilities::CACHING)
    }

    /// Whether the proxy lets any connection of TCP through.
    #[doc(alias = "isTransparentProxy")]
    #[must_use]
    pub fn is_transparent_proxy(&self) -> bool {
        self.capabilities().contains(ProxyCapabilities::TUNNELING)
    }

    /// The proxy's host.
    #[doc(alias = "hostName")]
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// Sets the proxy's host, by name or address.
    #[doc(alias = "setHostName")]
    pub fn set_host_name(&mut self, host_name: impl Into<String>) {
        self.host_name = host_name.into();
    }

    /// The proxy's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets the proxy's port.
    #[doc(alias = "setPort")]
    pub fn set_port(&mut self, port: u16) {
        self.port = port;
    }

    /// The name under which the proxy is asked.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Sets the name under which the proxy is asked.
    #[doc(alias = "setUser")]
    pub fn set_user(&mut self, user: impl Into<String>) {
        self.user = user.into();
    }

    /// The password that goes with the name.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Sets the password that goes with the name.
    #[doc(alias = "setPassword")]
    pub fn set_password(&mut self, password: impl Into<String>) {
        self.password = password.into();
    }

    // ---- headers, of proxies that speak HTTP

    /// The value of a header that goes out with each request, if there is one. As text: bytes that
    /// are not ASCII are taken for Latin-1.
    ///
    /// ```
    /// use qnetwork::{KnownHeader, ProxyType, QNetworkProxy};
    ///
    /// let mut proxy = QNetworkProxy::new(ProxyType::Http, "proxy.example", 8080);
    /// proxy.set_header(KnownHeader::UserAgent, "me/1.0");
    /// assert_eq!(proxy.raw_header("user-agent"), b"me/1.0");
    /// ```
    #[must_use]
    pub fn header(&self, header: KnownHeader) -> Option<String> {
        let value = self.find(header.name().as_bytes())?;
        Some(value.iter().map(|&byte| char::from(byte)).collect())
    }

    /// Sets a header that goes out with each request.
    #[doc(alias = "setHeader")]
    pub fn set_header(&mut self, header: KnownHeader, value: impl AsRef<str>) {
        self.set_raw_header(header.name(), value.as_ref());
    }

    /// Whether there is a header of that name, in whichever case.
    #[doc(alias = "hasRawHeader")]
    #[must_use]
    pub fn has_raw_header(&self, name: impl AsRef<[u8]>) -> bool {
        self.find(name.as_ref()).is_some()
    }

    /// The value of a header, empty if there is none of that name.
    #[doc(alias = "rawHeader")]
    #[must_use]
    pub fn raw_header(&self, name: impl AsRef<[u8]>) -> &[u8] {
        self.find(name.as_ref()).unwrap_or_default()
    }

    /// The names of the headers that were set.
    #[doc(alias = "rawHeaderList")]
    #[must_use]
    pub fn raw_header_list(&self) -> Vec<&[u8]> {
        self.headers.iter().map(|(name, _)| name.as_slice()).collect()
    }

    /// Sets a header that goes out with each request, in place of one of that name.
    ///
    /// A name that is empty is left out, and so is, with a warning, what could pass for more than
    /// one header: ends of lines, or a colon in the name.
    #[doc(alias = "setRawHeader")]
    pub fn set_raw_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        if name.iter().any(|byte| breaks(byte) || *byte == b':') || value.iter().any(breaks) {
            qcore::q_warning!("QNetworkProxy::setRawHeader() called with what is no header");
            return;
        }
        self.remove_raw_header(name);
        if !name.is_empty() {
            self.headers.push((name.to_vec(), value.to_vec()));
        }
    }

    /// Takes a header out. In Qt a null value does.
    #[doc(alias = "setRawHeader")]
    pub fn remove_raw_header(&mut self, name: impl AsRef<[u8]>) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name.as_ref()));
    }

    fn find(&self, name: &[u8]) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// Exchanges two proxies.
    pub fn swap(&mut self, other: &mut QNetworkProxy) {
        std::mem::swap(self, other);
    }

    // ---- the application's

    /// The proxy that sockets use which have none of their own: the first of those that the
    /// application's factory, or the system, names for a query that asks for nothing in particular.
    ///
    /// Never [`Default`](ProxyType::Default).
    #[doc(alias = "applicationProxy")]
    #[must_use]
    pub fn application_proxy() -> QNetworkProxy {
        let proxies = settings::proxy_for_query(&QNetworkProxyQuery::default());
        proxies.into_iter().next().unwrap_or_else(QNetworkProxy::none)
    }

    /// Sets the proxy for sockets that have none of their own, in all threads. It takes the place
    /// of a factory and of the system's proxies.
    ///
    /// Connections that there are stay as they are. Loopback names and addresses are connected to
    /// without it. [`Default`](ProxyType::Default) means none.
    #[doc(alias = "setApplicationProxy")]
    pub fn set_application_proxy(proxy: QNetworkProxy) {
        settings::set_application_proxy(proxy);
    }
}

impl From<ProxyType> for QNetworkProxy {
    fn from(kind: ProxyType) -> Self {
        QNetworkProxy { kind, ..Self::default() }
    }
}

impl PartialEq for QNetworkProxy {
    fn eq(&self, other: &Self) -> bool {
        let place = |proxy: &QNetworkProxy| (proxy.kind, proxy.port, proxy.capabilities());
        place(self) == place(other)
            && self.host_name == other.host_name
            && self.user == other.user
            && self.password == other.password
    }
}

impl Eq for QNetworkProxy {}

impl fmt::Debug for QNetworkProxy {
    /// The password is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QNetworkProxy")
            .field("type", &self.kind)
            .field("host_name", &self.host_name)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("capabilities", &self.capabilities())
            .finish_non_exhaustive()
    }
}
