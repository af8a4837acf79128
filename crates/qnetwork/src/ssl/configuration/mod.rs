//! [`QSslConfiguration`]: the settings of encrypted connections.

mod cache;
#[cfg(test)]
mod tests;

use std::{
    borrow::Borrow,
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use qcore::QVariant;
use rustls::{SupportedCipherSuite, pki_types::CertificateDer, sign::CertifiedKey};

pub(crate) use self::cache::Cache;
use super::{
    certificate::{KeyBits, PublicKeyInfo, QSslCertificate},
    cipher::QSslCipher,
    key::QSslKey,
    kinds::{NextProtocolNegotiationStatus, PeerVerifyMode, SslOptions, SslProtocol},
    system_certificates::system_ca_certificates,
};
use crate::common::owned;

/// The settings of an encrypted connection, and the properties of an established one.
///
/// A value: cloning is cheap, and changing a clone does not change the original. A socket reads the
/// settings when encryption starts. The configuration that a socket returns later also has what the
/// handshake has determined, such as the peer's certificates and the cipher.
///
/// Sockets whose configurations are clones of one another share rustls' configuration and their
/// sessions. So make one configuration for all sockets rather than setting the same values on each.
/// Stands for Qt's [QSslConfiguration](https://doc.qt.io/qt-5/qsslconfiguration.html).
///
/// # Defaults
///
/// | | a new one | [`default_configuration`](Self::default_configuration), before it is set |
/// |---|---|---|
/// | protocol | [`Secure`](SslProtocol::Secure) | the same |
/// | peer verify mode, depth | [`Auto`](PeerVerifyMode::Auto), 0: no limit | the same |
/// | CA certificates | none, which means the system's until they are set | the same |
/// | ciphers | none, which means all | all |
/// | certificate, key, protocols for ALPN | none | none |
/// | options | [`SslOptions::default`] | the same |
///
/// # Examples
///
/// ```
/// use qnetwork::{PeerVerifyMode, QSslConfiguration, SslProtocol};
///
/// let mut configuration = QSslConfiguration::default_configuration();
/// configuration.set_protocol(SslProtocol::TlsV1_3OrLater);
/// configuration.set_allowed_next_protocols(["h2", "http/1.1"]);
/// assert_eq!(configuration.peer_verify_mode(), PeerVerifyMode::Auto);
/// ```
#[derive(Clone, Default)]
pub struct QSslConfiguration {
    settings: Arc<Settings>,
    /// The properties of an established connection. They are separate, so that the settings stay
    /// shared.
    learnt: Option<Arc<Learnt>>,
}

#[derive(Clone)]
struct Settings {
    protocol: SslProtocol,
    peer_verify_mode: PeerVerifyMode,
    peer_verify_depth: u32,
    ca_certificates: Vec<QSslCertificate>,
    /// Whether the system's certificates are trusted too.
    trusts_system: bool,
    ciphers: Vec<QSslCipher>,
    local_certificate_chain: Vec<QSslCertificate>,
    private_key: QSslKey,
    options: SslOptions,
    allowed_next_protocols: Vec<Vec<u8>>,
    ocsp_stapling: bool,
    backend: BTreeMap<String, QVariant>,
    cache: Cache,
}

/// The properties of an established connection.
#[derive(Clone, Debug, Default, PartialEq)]
struct Learnt {
    peer_certificate_chain: Vec<QSslCertificate>,
    session_cipher: QSslCipher,
    session_protocol: SslProtocol,
    next_negotiated_protocol: Vec<u8>,
    next_protocol_negotiation_status: NextProtocolNegotiationStatus,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            protocol: SslProtocol::Secure,
            peer_verify_mode: PeerVerifyMode::Auto,
            peer_verify_depth: 0,
            ca_certificates: Vec::new(),
            trusts_system: true,
            ciphers: Vec::new(),
            local_certificate_chain: Vec::new(),
            private_key: QSslKey::default(),
            options: SslOptions::default(),
            allowed_next_protocols: Vec::new(),
            ocsp_stapling: false,
            backend: BTreeMap::new(),
            cache: Cache::default(),
        }
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        self.protocol == other.protocol
            && self.peer_verify_mode == other.peer_verify_mode
            && self.peer_verify_depth == other.peer_verify_depth
            && self.ca_certificates == other.ca_certificates
            && self.trusts_system == other.trusts_system
            && self.ciphers == other.ciphers
            && self.local_certificate_chain == other.local_certificate_chain
            && self.private_key == other.private_key
            && self.options == other.options
            && self.allowed_next_protocols == other.allowed_next_protocols
            && self.ocsp_stapling == other.ocsp_stapling
            && self.backend == other.backend
    }
}

/// Returns the slot of the default configuration. It is empty until one is set.
fn default_slot() -> &'static Mutex<Option<QSslConfiguration>> {
    static DEFAULT: OnceLock<Mutex<Option<QSslConfiguration>>> = OnceLock::new();
    DEFAULT.get_or_init(Mutex::default)
}

impl QSslConfiguration {
    /// HTTP/2, for [`set_allowed_next_protocols`](Self::set_allowed_next_protocols).
    #[doc(alias = "ALPNProtocolHTTP2")]
    pub const ALPN_PROTOCOL_HTTP2: &'static str = "h2";
    /// HTTP/1.1, for [`set_allowed_next_protocols`](Self::set_allowed_next_protocols).
    #[doc(alias = "NextProtocolHttp1_1")]
    pub const NEXT_PROTOCOL_HTTP1_1: &'static str = "http/1.1";
    /// SPDY/3, for [`set_allowed_next_protocols`](Self::set_allowed_next_protocols).
    #[doc(alias = "NextProtocolSpdy3_0")]
    pub const NEXT_PROTOCOL_SPDY3_0: &'static str = "spdy/3";

    /// Creates a null configuration.
    #[must_use]
    pub fn new() -> Self {
        QSslConfiguration::default()
    }

    /// Returns the configuration of new sockets, in all threads.
    #[doc(alias = "defaultConfiguration")]
    #[must_use]
    pub fn default_configuration() -> Self {
        let mut slot = default_slot().lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| {
            let settings = Settings { ciphers: QSslCipher::supported(), ..Settings::default() };
            QSslConfiguration { settings: Arc::new(settings), learnt: None }
        })
        .clone()
    }

    /// Sets the configuration of new sockets, in all threads. Existing sockets keep theirs.
    ///
    /// ```
    /// use qnetwork::{QSslConfiguration, SslProtocol};
    ///
    /// let mut configuration = QSslConfiguration::default_configuration();
    /// configuration.set_protocol(SslProtocol::TlsV1_3);
    /// QSslConfiguration::set_default_configuration(configuration.clone());
    /// assert_eq!(QSslConfiguration::default_configuration(), configuration);
    /// ```
    #[doc(alias = "setDefaultConfiguration")]
    pub fn set_default_configuration(mut configuration: QSslConfiguration) {
        configuration.forget();
        let mut slot = default_slot().lock().unwrap_or_else(PoisonError::into_inner);
        let old = slot.replace(configuration);
        drop(slot);
        drop(old);
    }

    /// Returns whether all settings are those of a null configuration.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == QSslConfiguration::default()
    }

    /// Exchanges two configurations.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }

    fn settings_mut(&mut self) -> &mut Settings {
        let settings = Arc::make_mut(&mut self.settings);
        // The settings are about to change, so the cached rustls configuration would be wrong.
        settings.cache = Cache::default();
        settings
    }

    // ---- settings

    /// Returns the allowed versions of TLS.
    #[must_use]
    pub fn protocol(&self) -> SslProtocol {
        self.settings.protocol
    }

    /// Sets the allowed versions of TLS. The function accepts unsupported versions; starting
    /// encryption then fails.
    #[doc(alias = "setProtocol")]
    pub fn set_protocol(&mut self, protocol: SslProtocol) {
        self.settings_mut().protocol = protocol;
    }

    /// Returns how the peer's certificate is verified.
    #[doc(alias = "peerVerifyMode")]
    #[must_use]
    pub fn peer_verify_mode(&self) -> PeerVerifyMode {
        self.settings.peer_verify_mode
    }

    /// Sets how the peer's certificate is verified.
    #[doc(alias = "setPeerVerifyMode")]
    pub fn set_peer_verify_mode(&mut self, mode: PeerVerifyMode) {
        self.settings_mut().peer_verify_mode = mode;
    }

    /// Returns how many certificates may be between the peer's certificate and the root; 0 stands
    /// for the default, 100.
    #[doc(alias = "peerVerifyDepth")]
    #[must_use]
    pub fn peer_verify_depth(&self) -> i32 {
        i32::try_from(self.settings.peer_verify_depth).unwrap_or(i32::MAX)
    }

    /// Sets how many certificates may be between the peer's certificate and the root; 0 means
    /// the default, 100. A negative number changes nothing and logs a warning.
    #[doc(alias = "setPeerVerifyDepth")]
    pub fn set_peer_verify_depth(&mut self, depth: i32) {
        match u32::try_from(depth) {
            Ok(depth) => self.settings_mut().peer_verify_depth = depth,
            Err(_) => qcore::q_warning!(
                "QSslConfiguration::setPeerVerifyDepth: cannot set negative depth of {depth}"
            ),
        }
    }

    /// Returns the trusted certificates that were set or added. If none were, the list is empty and
    /// the system's certificates are trusted.
    #[doc(alias = "caCertificates")]
    #[must_use]
    pub fn ca_certificates(&self) -> Vec<QSslCertificate> {
        self.settings.ca_certificates.clone()
    }

    /// Sets the trusted certificates. The system's certificates are no longer trusted. With an
    /// empty list no peer is trusted.
    #[doc(alias = "setCaCertificates")]
    pub fn set_ca_certificates(
        &mut self,
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let certificates = owned(certificates);
        let settings = self.settings_mut();
        settings.ca_certificates = certificates;
        settings.trusts_system = false;
    }

    /// Adds a trusted certificate. The system's certificates are no longer trusted, unless they
    /// were added. To trust them as well, start with
    /// [`system_ca_certificates`](Self::system_ca_certificates).
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslCertificate, QSslConfiguration};
    ///
    /// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    /// let mut configuration = QSslConfiguration::default_configuration();
    /// configuration.set_ca_certificates(QSslConfiguration::system_ca_certificates());
    /// configuration.add_ca_certificate(QSslCertificate::new(pem, EncodingFormat::Pem));
    /// ```
    #[doc(alias = "addCaCertificate")]
    pub fn add_ca_certificate(&mut self, certificate: QSslCertificate) {
        self.add_ca_certificates([certificate]);
    }

    /// Adds trusted certificates. See [`add_ca_certificate`](Self::add_ca_certificate).
    #[doc(alias = "addCaCertificates")]
    pub fn add_ca_certificates(
        &mut self,
        certificates: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        let certificates = owned(certificates);
        let settings = self.settings_mut();
        settings.ca_certificates.extend(certificates);
        settings.trusts_system = false;
    }

    /// Adds trusted certificates and keeps trusting the system's. The functions of sockets do this.
    pub(crate) fn add_to_trusted(&mut self, certificates: Vec<QSslCertificate>) {
        self.settings_mut().ca_certificates.extend(certificates);
    }

    /// Returns the certificates that the system trusts. The first call reads them.
    #[doc(alias = "systemCaCertificates")]
    #[must_use]
    pub fn system_ca_certificates() -> Vec<QSslCertificate> {
        system_ca_certificates().to_vec()
    }

    /// Returns all trusted certificates, with the system's if they are trusted.
    pub(crate) fn trusted_certificates(&self) -> Vec<QSslCertificate> {
        let mut trusted = self.settings.ca_certificates.clone();
        if self.settings.trusts_system {
            trusted.extend_from_slice(&system_ca_certificates());
        }
        trusted
    }

    /// Returns the allowed ciphers, the best first.
    #[must_use]
    pub fn ciphers(&self) -> Vec<QSslCipher> {
        self.settings.ciphers.clone()
    }

    /// Sets the allowed ciphers, the best first. As with Qt, all ciphers of a TLS version are
    /// allowed if the list has none for it. So a list of TLS 1.2 ciphers does not restrict TLS 1.3,
    /// and an empty list restricts nothing.
    #[doc(alias = "setCiphers")]
    pub fn set_ciphers(&mut self, ciphers: impl IntoIterator<Item: Borrow<QSslCipher>>) {
        self.settings_mut().ciphers = owned(ciphers);
    }

    /// Returns all supported ciphers, the best first.
    #[doc(alias = "supportedCiphers")]
    #[must_use]
    pub fn supported_ciphers() -> Vec<QSslCipher> {
        QSslCipher::supported()
    }

    /// Returns the suites that rustls may choose from.
    pub(crate) fn suites(&self) -> Vec<SupportedCipherSuite> {
        let mut suites = Vec::new();
        for protocol in [SslProtocol::TlsV1_3, SslProtocol::TlsV1_2] {
            let of_protocol = |from: &[QSslCipher]| -> Vec<_> {
                from.iter()
                    .filter(|one| one.protocol() == protocol)
                    .filter_map(QSslCipher::suite)
                    .collect()
            };
            let mut chosen = of_protocol(&self.settings.ciphers);
            if chosen.is_empty() {
                chosen = of_protocol(&QSslCipher::supported());
            }
            suites.append(&mut chosen);
        }
        suites
    }

    /// Returns this end's certificate; a null one if it has none.
    #[doc(alias = "localCertificate")]
    #[must_use]
    pub fn local_certificate(&self) -> QSslCertificate {
        self.settings.local_certificate_chain.first().cloned().unwrap_or_default()
    }

    /// Sets this end's certificate. A null one means that it has none.
    #[doc(alias = "setLocalCertificate")]
    pub fn set_local_certificate(&mut self, certificate: QSslCertificate) {
        self.set_local_certificate_chain([certificate]);
    }

    /// Returns this end's certificate and its issuers.
    #[doc(alias = "localCertificateChain")]
    #[must_use]
    pub fn local_certificate_chain(&self) -> Vec<QSslCertificate> {
        self.settings.local_certificate_chain.clone()
    }

    /// Sets this end's certificate and its issuers, in this order. The peer gets all of them.
    #[doc(alias = "setLocalCertificateChain")]
    pub fn set_local_certificate_chain(
        &mut self,
        chain: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        self.settings_mut().local_certificate_chain = owned(chain);
    }

    /// Returns the key of this end's certificate; a null one if it has none.
    #[doc(alias = "privateKey")]
    #[must_use]
    pub fn private_key(&self) -> QSslKey {
        self.settings.private_key.clone()
    }

    /// Sets the key of this end's certificate.
    #[doc(alias = "setPrivateKey")]
    pub fn set_private_key(&mut self, key: QSslKey) {
        self.settings_mut().private_key = key;
    }

    /// Returns this end's certificates and key, if it has a certificate. If the key does not match
    /// the certificate, the error is Qt's text for
    /// [`SslInvalidUserData`](crate::SocketErrorKind::SslInvalidUserData); the socket then reports
    /// a second error, [`SslInternal`](crate::SocketErrorKind::SslInternal) with the text `"Unable
    /// to init SSL Context: "`.
    pub(crate) fn identity(&self) -> Result<Option<Arc<CertifiedKey>>, String> {
        let settings = &self.settings;
        let chain: Vec<_> =
            settings.local_certificate_chain.iter().filter(|one| !one.is_null()).collect();
        let Some(own) = chain.first().and_then(|own| own.parsed()) else { return Ok(None) };
        if settings.private_key.is_null() {
            return Err("Cannot provide a certificate with no key, ".to_owned());
        }
        if let Some(KeyBits { is_rsa: true, bits: bits @ ..2048 }) = own.key_bits() {
            let reason = format!("its RSA key has {bits} bits, and 2048 are the least");
            return Err(format!("Error loading local certificate, {reason}"));
        }
        let key = settings.private_key.signing_key().ok_or(
            "Error loading private key, handshakes cannot be signed with keys of its kind",
        )?;
        // Some keys do not know their public half. The handshake fails if such a key does not
        // match.
        if let Some(info) = key.public_key() {
            let (public, certified) = (PublicKeyInfo::of_info(&info), own.public_key());
            let is_same = public.zip(certified).is_some_and(|(one, other)| one.is_same(&other));
            if !is_same {
                return Err("Private key does not certify public key, ".to_owned());
            }
        }
        let chain = chain.iter().map(|one| CertificateDer::from(one.to_der())).collect();
        let mut identity = CertifiedKey::new(chain, key);
        identity.ocsp = self.ocsp_response();
        Ok(Some(Arc::new(identity)))
    }

    /// Returns whether all of these options are set.
    #[doc(alias = "testSslOption")]
    #[must_use]
    pub fn test_ssl_option(&self, option: SslOptions) -> bool {
        self.settings.options.contains(option)
    }

    /// Sets or clears options.
    ///
    /// ```
    /// use qnetwork::{QSslConfiguration, SslOptions};
    ///
    /// let mut configuration = QSslConfiguration::new();
    /// configuration.set_ssl_option(SslOptions::DISABLE_SESSION_TICKETS, true);
    /// assert!(configuration.test_ssl_option(SslOptions::DISABLE_SESSION_TICKETS));
    /// ```
    #[doc(alias = "setSslOption")]
    pub fn set_ssl_option(&mut self, option: SslOptions, on: bool) {
        self.settings_mut().options.set(option, on);
    }

    /// Returns the application protocols, the best first.
    #[doc(alias = "allowedNextProtocols")]
    #[must_use]
    pub fn allowed_next_protocols(&self) -> Vec<Vec<u8>> {
        self.settings.allowed_next_protocols.clone()
    }

    /// Sets the application protocols, the best first, for example `"h2"`. The ends agree on one of
    /// them during the handshake (ALPN). A name has 1 to 255 bytes. The function skips others and
    /// logs a warning.
    #[doc(alias = "setAllowedNextProtocols")]
    pub fn set_allowed_next_protocols<N: Into<Vec<u8>>>(
        &mut self,
        protocols: impl IntoIterator<Item = N>,
    ) {
        let sound = |name: &Vec<u8>| {
            let sound = (1..=255).contains(&name.len());
            if !sound {
                qcore::q_warning!(
                    "QSslConfiguration::setAllowedNextProtocols: a name of {} bytes",
                    name.len()
                );
            }
            sound
        };
        self.settings_mut().allowed_next_protocols =
            protocols.into_iter().map(Into::into).filter(sound).collect();
    }

    /// Returns the settings of the TLS library. No setting has an effect.
    #[doc(alias = "backendConfiguration")]
    #[must_use]
    pub fn backend_configuration(&self) -> BTreeMap<String, QVariant> {
        self.settings.backend.clone()
    }

    /// Replaces the settings of the TLS library. See
    /// [`set_backend_configuration_option`](Self::set_backend_configuration_option).
    #[doc(alias = "setBackendConfiguration")]
    pub fn set_backend_configuration(&mut self, options: BTreeMap<String, QVariant>) {
        self.settings_mut().backend = options;
    }

    /// Stores a setting of the TLS library. One of them has an effect, as in Qt:
    /// `Qt-OCSP-response`, a byte array. A server sends this OCSP response, encoded as DER, with
    /// its certificate. A client with this setting cannot encrypt.
    #[doc(alias = "setBackendConfigurationOption")]
    pub fn set_backend_configuration_option(
        &mut self,
        name: impl Into<String>,
        value: impl Into<QVariant>,
    ) {
        self.settings_mut().backend.insert(name.into(), value.into());
    }

    /// Returns whether a client asks for the server's OCSP response. The default is `false`.
    #[doc(alias = "ocspStaplingEnabled")]
    #[must_use]
    pub fn ocsp_stapling_enabled(&self) -> bool {
        self.settings.ocsp_stapling
    }

    /// Sets whether a client asks the server for an OCSP response, which says whether the server's
    /// certificate was revoked.
    ///
    /// The socket checks the response if it [verifies](PeerVerifyMode::Verify) the certificate. It
    /// reports a missing, expired or forged response and a revoked certificate as errors of the
    /// certificate, before an error of the host name. If the response cannot be read, the handshake
    /// fails. Each connection makes a new handshake, so that the response is a new one. The setting
    /// is for clients: a server with it cannot encrypt.
    ///
    /// ```
    /// use qnetwork::QSslConfiguration;
    ///
    /// let mut configuration = QSslConfiguration::default_configuration();
    /// configuration.set_ocsp_stapling_enabled(true);
    /// assert!(configuration.ocsp_stapling_enabled());
    /// ```
    #[doc(alias = "setOcspStaplingEnabled")]
    pub fn set_ocsp_stapling_enabled(&mut self, enabled: bool) {
        self.settings_mut().ocsp_stapling = enabled;
    }

    /// Returns the OCSP response for a server to send.
    pub(crate) fn ocsp_response(&self) -> Option<Vec<u8>> {
        match self.settings.backend.get("Qt-OCSP-response") {
            Some(QVariant::ByteArray(response)) if !response.is_empty() => Some(response.clone()),
            _ => None,
        }
    }

    /// Returns the cached rustls configurations.
    pub(crate) fn cache(&self) -> &Cache {
        &self.settings.cache
    }

    /// Returns the options.
    pub(crate) fn options(&self) -> SslOptions {
        self.settings.options
    }

    // ---- properties of the connection

    /// Returns the peer's certificate; a null one if it has none or has not sent it yet.
    #[doc(alias = "peerCertificate")]
    #[must_use]
    pub fn peer_certificate(&self) -> QSslCertificate {
        let chain = self.learnt.as_ref().map(|learnt| &learnt.peer_certificate_chain);
        chain.and_then(|chain| chain.first()).cloned().unwrap_or_default()
    }

    /// Returns the certificates that the peer has sent, its own first.
    #[doc(alias = "peerCertificateChain")]
    #[must_use]
    pub fn peer_certificate_chain(&self) -> Vec<QSslCertificate> {
        self.learnt.as_ref().map(|learnt| learnt.peer_certificate_chain.clone()).unwrap_or_default()
    }

    /// Returns the cipher of the connection; a null one before the handshake has finished.
    #[doc(alias = "sessionCipher")]
    #[must_use]
    pub fn session_cipher(&self) -> QSslCipher {
        self.learnt.as_ref().map(|learnt| learnt.session_cipher).unwrap_or_default()
    }

    /// Returns the TLS version of the connection; [`Unknown`](SslProtocol::Unknown) before the
    /// handshake has finished.
    #[doc(alias = "sessionProtocol")]
    #[must_use]
    pub fn session_protocol(&self) -> SslProtocol {
        self.learnt.as_ref().map_or(SslProtocol::Unknown, |learnt| learnt.session_protocol)
    }

    /// Returns the application protocol on which the ends have agreed; empty if there is none.
    #[doc(alias = "nextNegotiatedProtocol")]
    #[must_use]
    pub fn next_negotiated_protocol(&self) -> Vec<u8> {
        self.learnt
            .as_ref()
            .map(|learnt| learnt.next_negotiated_protocol.clone())
            .unwrap_or_default()
    }

    /// Returns the result of negotiating an application protocol.
    #[doc(alias = "nextProtocolNegotiationStatus")]
    #[must_use]
    pub fn next_protocol_negotiation_status(&self) -> NextProtocolNegotiationStatus {
        self.learnt
            .as_ref()
            .map(|learnt| learnt.next_protocol_negotiation_status)
            .unwrap_or_default()
    }

    /// Returns the server's ephemeral key. It is always null, because rustls does not reveal it.
    /// Qt's is null too, unless the key is on a NIST curve.
    #[doc(alias = "ephemeralServerKey")]
    #[must_use]
    pub fn ephemeral_server_key(&self) -> QSslKey {
        QSslKey::default()
    }

    fn learnt_mut(&mut self) -> &mut Learnt {
        let new = || Learnt { session_protocol: SslProtocol::Unknown, ..Learnt::default() };
        Arc::make_mut(self.learnt.get_or_insert_with(|| Arc::new(new())))
    }

    /// Clears the properties of the connection, before a new one.
    pub(crate) fn forget(&mut self) {
        self.learnt = None;
    }

    /// Takes all settings of another configuration, and keeps the properties of the connection.
    pub(crate) fn take_settings(&mut self, other: &QSslConfiguration) {
        self.settings = other.settings.clone();
    }

    /// Stores the peer's certificates.
    pub(crate) fn learn_peer(&mut self, chain: Vec<QSslCertificate>) {
        self.learnt_mut().peer_certificate_chain = chain;
    }

    /// Stores what the handshake has determined.
    pub(crate) fn learn_session(&mut self, session: &rustls::CommonState) {
        let learnt = self.learnt_mut();
        let suite = session.negotiated_cipher_suite();
        learnt.session_cipher =
            suite.map(|suite| QSslCipher::of(suite.suite())).unwrap_or_default();
        learnt.session_protocol = match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => SslProtocol::TlsV1_3,
            Some(rustls::ProtocolVersion::TLSv1_2) => SslProtocol::TlsV1_2,
            _ => SslProtocol::Unknown,
        };
        let agreed = session.alpn_protocol();
        learnt.next_negotiated_protocol = agreed.map(<[u8]>::to_vec).unwrap_or_default();
        learnt.next_protocol_negotiation_status = match agreed {
            Some(_) => NextProtocolNegotiationStatus::Negotiated,
            None => NextProtocolNegotiationStatus::None,
        };
    }
}

impl PartialEq for QSslConfiguration {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.settings, &other.settings) || self.settings == other.settings)
            && self.learnt == other.learnt
    }
}

impl fmt::Debug for QSslConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.debug_struct("QSslConfiguration")
            .field("protocol", &settings.protocol)
            .field("peer_verify_mode", &settings.peer_verify_mode)
            .field("peer_verify_depth", &settings.peer_verify_depth)
            .field("ca_certificates", &settings.ca_certificates.len())
            .field("trusts_system", &settings.trusts_system)
            .field("ciphers", &settings.ciphers.len())
            .field("local_certificate_chain", &settings.local_certificate_chain)
            .field("private_key", &settings.private_key)
            .field("options", &settings.options)
            .field("allowed_next_protocols", &settings.allowed_next_protocols.len())
            .field("learnt", &self.learnt)
            .finish_non_exhaustive()
    }
}
