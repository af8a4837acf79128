//! [`QNetworkProxy`]: a proxy with its type, address and credentials.

use std::fmt;

use super::header::KnownHeader;

qcore::numbered! {
    /// The type of a proxy.
    #[doc(alias = "QNetworkProxy::ProxyType")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ProxyType {
        /// The application's proxy: [`QNetworkProxy::application_proxy`].
        #[doc(alias = "DefaultProxy")]
        #[default]
        Default = 0,
        /// A SOCKS version 5 proxy.
        #[doc(alias = "Socks5Proxy")]
        Socks5 = 1,
        /// No proxy: a direct connection to the host.
        NoProxy = 2,
        /// An HTTP proxy with `CONNECT`.
        #[doc(alias = "HttpProxy")]
        Http = 3,
        /// An HTTP proxy for HTTP requests only. Sockets cannot use it.
        #[doc(alias = "HttpCachingProxy")]
        HttpCaching = 4,
        /// An FTP proxy for FTP requests only. Sockets cannot use it.
        #[doc(alias = "FtpCachingProxy")]
        FtpCaching = 5,
    }
}

bitflags::bitflags! {
    /// The capabilities of a proxy.
    ///
    /// [`bits`](Self::bits) returns Qt's number for the set, and [`from_bits`](Self::from_bits)
    /// returns the set for a number.
    #[doc(alias = "QNetworkProxy::Capability")]
    #[doc(alias = "Capabilities")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct ProxyCapabilities: u32 {
        /// Opens TCP connections to hosts.
        #[doc(alias = "TunnelingCapability")]
        const TUNNELING = 1;
        /// Listens for TCP connections.
        #[doc(alias = "ListeningCapability")]
        const LISTENING = 2;
        /// Relays UDP datagrams.
        #[doc(alias = "UdpTunnelingCapability")]
        const UDP_TUNNELING = 4;
        /// Caches responses.
        #[doc(alias = "CachingCapability")]
        const CACHING = 8;
        /// Looks up host names, so that sockets send names instead of addresses.
        #[doc(alias = "HostNameLookupCapability")]
        const HOST_NAME_LOOKUP = 16;
        /// Opens SCTP connections to hosts.
        #[doc(alias = "SctpTunnelingCapability")]
        const SCTP_TUNNELING = 32;
        /// Listens for SCTP connections.
        #[doc(alias = "SctpListeningCapability")]
        const SCTP_LISTENING = 64;
    }
}

impl ProxyType {
    /// Returns the default capabilities of proxies of this type.
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

/// A proxy: its type, host and port, and the credentials for it.
///
/// Stands for Qt's [QNetworkProxy](https://doc.qt.io/qt-5/qnetworkproxy.html). Two proxies are
/// equal if their types, hosts, ports, credentials and capabilities are equal. Headers do not
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
    /// The capabilities set by hand. Once set they do not follow the type.
    capabilities: Option<ProxyCapabilities>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl QNetworkProxy {
    /// Creates a proxy of a type with a host, by name or address, and a port.
    #[must_use]
    pub fn new(kind: ProxyType, host_name: impl Into<String>, port: u16) -> Self {
        QNetworkProxy { kind, host_name: host_name.into(), port, ..Self::default() }
    }

    /// Creates a proxy with credentials.
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

    /// Creates the value for no proxy: a direct connection to the host.
    #[must_use]
    pub fn none() -> Self {
        ProxyType::NoProxy.into()
    }

    /// Returns the type; [`Default`](ProxyType::Default) if it was not set.
    #[doc(alias = "type")]
    #[must_use]
    pub fn proxy_type(&self) -> ProxyType {
        self.kind
    }

    /// Sets the type. The capabilities follow it, unless they were set by hand.
    #[doc(alias = "setType")]
    pub fn set_type(&mut self, kind: ProxyType) {
        self.kind = kind;
    }

    /// Returns the capabilities: those that were set, or else those of the type.
    #[must_use]
    pub fn capabilities(&self) -> ProxyCapabilities {
        self.capabilities.unwrap_or_else(|| self.kind.capabilities())
    }

    /// Sets the capabilities. From then on they do not follow the type.
    #[doc(alias = "setCapabilities")]
    pub fn set_capabilities(&mut self, capabilities: ProxyCapabilities) {
        self.capabilities = Some(capabilities);
    }

    /// Returns whether the proxy caches responses.
    #[doc(alias = "isCachingProxy")]
    #[must_use]
    pub fn is_caching_proxy(&self) -> bool {
        self.capabilities().contains(ProxyCapabilities::CACHING)
    }

    /// Returns whether the proxy opens TCP connections to any host.
    #[doc(alias = "isTransparentProxy")]
    #[must_use]
    pub fn is_transparent_proxy(&self) -> bool {
        self.capabilities().contains(ProxyCapabilities::TUNNELING)
    }

    /// Returns the proxy's host.
    #[doc(alias = "hostName")]
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// Sets the proxy's host, a name or an address.
    #[doc(alias = "setHostName")]
    pub fn set_host_name(&mut self, host_name: impl Into<String>) {
        self.host_name = host_name.into();
    }

    /// Returns the proxy's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets the proxy's port.
    #[doc(alias = "setPort")]
    pub fn set_port(&mut self, port: u16) {
        self.port = port;
    }

    /// Returns the user name for the proxy.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Sets the user name for the proxy.
    #[doc(alias = "setUser")]
    pub fn set_user(&mut self, user: impl Into<String>) {
        self.user = user.into();
    }

    /// Returns the password for the proxy.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Sets the password for the proxy.
    #[doc(alias = "setPassword")]
    pub fn set_password(&mut self, password: impl Into<String>) {
        self.password = password.into();
    }

    // ---- headers of HTTP proxies

    /// Returns the value of a header that each request carries, if it was set. Bytes that are not
    /// ASCII are decoded as Latin-1.
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

    /// Sets a header that each request will carry.
    #[doc(alias = "setHeader")]
    pub fn set_header(&mut self, header: KnownHeader, value: impl Into<String>) {
        self.set_raw_header(header.name(), value.into());
    }

    /// Returns whether there is a header with this name. Case does not matter.
    #[doc(alias = "hasRawHeader")]
    #[must_use]
    pub fn has_raw_header(&self, name: impl AsRef<[u8]>) -> bool {
        self.find(name.as_ref()).is_some()
    }

    /// Returns the value of a header, empty if there is none with this name.
    #[doc(alias = "rawHeader")]
    #[must_use]
    pub fn raw_header(&self, name: impl AsRef<[u8]>) -> &[u8] {
        self.find(name.as_ref()).unwrap_or_default()
    }

    /// Returns the names of the headers that were set.
    #[doc(alias = "rawHeaderList")]
    #[must_use]
    pub fn raw_header_list(&self) -> Vec<&[u8]> {
        self.headers.iter().map(|(name, _)| name.as_slice()).collect()
    }

    /// Sets a header that each request will carry. It replaces a header with the same name.
    ///
    /// An empty name only removes. To prevent header injection, the function refuses line breaks
    /// and NULs anywhere and a colon in the name: it logs a warning and does nothing.
    #[doc(alias = "setRawHeader")]
    pub fn set_raw_header(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        let (name, value) = (name.into(), value.into());
        let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        if name.iter().any(|byte| breaks(byte) || *byte == b':') || value.iter().any(breaks) {
            qcore::q_warning!("QNetworkProxy::setRawHeader() called with an invalid header");
            return;
        }
        self.remove_raw_header(&name);
        if !name.is_empty() {
            self.headers.push((name, value));
        }
    }

    /// Removes a header. In Qt a null value does that.
    #[doc(alias = "setRawHeader")]
    pub fn remove_raw_header(&mut self, name: impl AsRef<[u8]>) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name.as_ref()));
    }

    fn find(&self, name: &[u8]) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// Swaps two proxies.
    pub fn swap(&mut self, other: &mut QNetworkProxy) {
        std::mem::swap(self, other);
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
    /// Formats the proxy without its password.
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
