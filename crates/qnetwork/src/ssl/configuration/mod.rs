//! [`QSslConfiguration`]: all that is to be known for a connection to be encrypted.

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

/// What an encrypted connection is to be like, and what it has come to be.
///
/// A value: a copy is cheap, and changing one does not change the others. What is set here is
/// looked at when encryption begins. What is learnt there (the other end's certificates, the
/// cipher) is told by the configuration that the socket gives out then.
///
/// Sockets whose configurations are copies of one another share what was made of it, and their
/// sessions: have one configuration and give it to all rather than setting the same things on each.
/// Stands for Qt's [QSslConfiguration](https://doc.qt.io/qt-5/qsslconfiguration.html).
///
/// # Defaults
///
/// | | a new one | [`default_configuration`](Self::default_configuration), before it is set |
/// |---|---|---|
/// | protocol | [`Secure`](SslProtocol::Secure) | the same |
/// | peer verify mode, depth | [`Auto`](PeerVerifyMode::Auto), 0: no limit | the same |
/// | CA certificates | none, which stands for the system's until they are set | the same |
/// | ciphers | none, which stands for all | all |
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
    /// What a connection has come to. It is apart from the settings, so that these stay shared.
    learnt: Option<Arc<Learnt>>,
}

#[derive(Clone)]
struct Settings {
    protocol: SslProtocol,
    peer_verify_mode: PeerVerifyMode,
    peer_verify_depth: u32,
    ca_certificates: Vec<QSslCertificate>,
    /// Whether the system's certificates are trusted, too.
    trusts_system: bool,
    ciphers: Vec<QSslCipher>,
    local_certificate_chain: Vec<QSslCertificate>,
    private_key: QSslKey,
    options: SslOptions,
    allowed_next_protocols: Vec<Vec<u8>>,
    backend: BTreeMap<String, QVariant>,
    cache: Cache,
}

/// What a connection has come to.
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
            && self.backend == other.backend
    }
}

/// The configuration of sockets that were given no other, if one was set.
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

    /// A null one.
    #[must_use]
    pub fn new() -> Self {
        QSslConfiguration::default()
    }

    /// The configuration that new sockets begin with, in all threads.
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

    /// Sets the configuration that new sockets begin with, in all threads; those that there are
    /// keep theirs.
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

    /// Whether everything is as in a new one.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == QSslConfiguration::default()
    }

    /// Exchanges the two.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }

    fn settings_mut(&mut self) -> &mut Settings {
        let settings = Arc::make_mut(&mut self.settings);
        // Nobody else may have it, and it is going to be another one all the same.
        settings.cache = Cache::default();
        settings
    }

    // ---- what is wanted

    /// Which versions of TLS may be spoken.
    #[must_use]
    pub fn protocol(&self) -> SslProtocol {
        self.settings.protocol
    }

    /// Sets which versions of TLS may be spoken. Those that are not spoken here are taken as they
    /// are, and make encrypting fail.
    #[doc(alias = "setProtocol")]
    pub fn set_protocol(&mut self, protocol: SslProtocol) {
        self.settings_mut().protocol = protocol;
    }

    /// What is done about the other end's certificate.
    #[doc(alias = "peerVerifyMode")]
    #[must_use]
    pub fn peer_verify_mode(&self) -> PeerVerifyMode {
        self.settings.peer_verify_mode
    }

    /// Sets what is done about the other end's certificate.
    #[doc(alias = "setPeerVerifyMode")]
    pub fn set_peer_verify_mode(&mut self, mode: PeerVerifyMode) {
        self.settings_mut().peer_verify_mode = mode;
    }

    /// How many certificates of the other end's chain are looked at; 0 is all.
    #[doc(alias = "peerVerifyDepth")]
    #[must_use]
    pub fn peer_verify_depth(&self) -> i32 {
        i32::try_from(self.settings.peer_verify_depth).unwrap_or(i32::MAX)
    }

    /// Sets how many certificates of the other end's chain are looked at; 0 is all. What is
    /// negative is refused, with a warning.
    #[doc(alias = "setPeerVerifyDepth")]
    pub fn set_peer_verify_depth(&mut self, depth: i32) {
        match u32::try_from(depth) {
            Ok(depth) => self.settings_mut().peer_verify_depth = depth,
            Err(_) => qcore::q_warning!(
                "QSslConfiguration::setPeerVerifyDepth: cannot set negative depth of {depth}"
            ),
        }
    }

    /// The certificates that are trusted, as they were set. None at all, if none were set, stands
    /// for the system's.
    #[doc(alias = "caCertificates")]
    #[must_use]
    pub fn ca_certificates(&self) -> Vec<QSslCertificate> {
        self.settings.ca_certificates.clone()
    }

    /// Sets the certificates that are trusted. None of the system's is, from now on; with an empty
    /// list nobody is trusted.
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

    /// Trusts one certificate more, and none of the system's any longer that was not added by hand.
    /// For these as well, begin with [`system_ca_certificates`](Self::system_ca_certificates).
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

    /// Trusts some certificates more. See [`add_ca_certificate`](Self::add_ca_certificate).
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

    /// Trusts some certificates more, and goes on to trust the system's: what a socket's own
    /// functions do.
    pub(crate) fn add_to_trusted(&mut self, certificates: Vec<QSslCertificate>) {
        self.settings_mut().ca_certificates.extend(certificates);
    }

    /// The certificates that the system trusts. They are read once, when first asked for.
    #[doc(alias = "systemCaCertificates")]
    #[must_use]
    pub fn system_ca_certificates() -> Vec<QSslCertificate> {
        system_ca_certificates().to_vec()
    }

    /// All certificates that are trusted in the end.
    pub(crate) fn trusted_certificates(&self) -> Vec<QSslCertificate> {
        let mut trusted = self.settings.ca_certificates.clone();
        if self.settings.trusts_system {
            trusted.extend_from_slice(&system_ca_certificates());
        }
        trusted
    }

    /// The ciphers that may be used, the best first.
    #[must_use]
    pub fn ciphers(&self) -> Vec<QSslCipher> {
        self.settings.ciphers.clone()
    }

    /// Sets the ciphers that may be used, the best first. For a version of TLS that has none in the
    /// list, all may: so a list of ciphers for TLS 1.2 says nothing about TLS 1.3, and an empty one
    /// nothing at all, as with Qt.
    #[doc(alias = "setCiphers")]
    pub fn set_ciphers(&mut self, ciphers: impl IntoIterator<Item: Borrow<QSslCipher>>) {
        self.settings_mut().ciphers = owned(ciphers);
    }

    /// All ciphers that there are, the best first.
    #[doc(alias = "supportedCiphers")]
    #[must_use]
    pub fn supported_ciphers() -> Vec<QSslCipher> {
        QSslCipher::supported()
    }

    /// What rustls may choose from.
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

    /// The certificate of this end; a null one if it has none.
    #[doc(alias = "localCertificate")]
    #[must_use]
    pub fn local_certificate(&self) -> QSslCertificate {
        self.settings.local_certificate_chain.first().cloned().unwrap_or_default()
    }

    /// Sets the certificate of this end; it has none, if that is null.
    #[doc(alias = "setLocalCertificate")]
    pub fn set_local_certificate(&mut self, certificate: QSslCertificate) {
        self.set_local_certificate_chain([certificate]);
    }

    /// The certificate of this end, and those of who has issued it.
    #[doc(alias = "localCertificateChain")]
    #[must_use]
    pub fn local_certificate_chain(&self) -> Vec<QSslCertificate> {
        self.settings.local_certificate_chain.clone()
    }

    /// Sets the certificate of this end and those of who has issued it, in this order: they are all
    /// sent.
    #[doc(alias = "setLocalCertificateChain")]
    pub fn set_local_certificate_chain(
        &mut self,
        chain: impl IntoIterator<Item: Borrow<QSslCertificate>>,
    ) {
        self.settings_mut().local_certificate_chain = owned(chain);
    }

    /// The key of this end's certificate; a null one if it has none.
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

    /// What this end shows of itself, if it has a certificate. With a certificate and no key that
    /// fits, the text of the error that Qt has,
    /// [`SslInvalidUserData`](crate::SocketErrorKind::SslInvalidUserData), which
    /// [`SslInternal`](crate::SocketErrorKind::SslInternal), `"Unable to init SSL Context: "`,
    /// follows.
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
        // A key that does not know its public half is taken at its word: the handshake will show.
        if let Some(info) = key.public_key() {
            let (public, certified) = (PublicKeyInfo::of_info(&info), own.public_key());
            let is_same = public.zip(certified).is_some_and(|(one, other)| one.is_same(&other));
            if !is_same {
                return Err("Private key does not certify public key, ".to_owned());
            }
        }
        let chain = chain.iter().map(|one| CertificateDer::from(one.to_der())).collect();
        Ok(Some(Arc::new(CertifiedKey::new(chain, key))))
    }

    /// Whether all of these options are set.
    #[doc(alias = "testSslOption")]
    #[must_use]
    pub fn test_ssl_option(&self, option: SslOptions) -> bool {
        self.settings.options.contains(option)
    }

    /// Sets options, or takes them away.
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

    /// The protocols that may be spoken over TLS, the best first.
    #[doc(alias = "allowedNextProtocols")]
    #[must_use]
    pub fn allowed_next_protocols(&self) -> Vec<Vec<u8>> {
        self.settings.allowed_next_protocols.clone()
    }

    /// Sets the protocols that may be spoken over TLS, the best first: `"h2"`, for example. The
    /// ends agree on one during the handshake (ALPN). Names have 1 to 255 bytes; others are left
    /// out, with a warning.
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

    /// What is kept for the library below. There is nothing that it looks at.
    #[doc(alias = "backendConfiguration")]
    #[must_use]
    pub fn backend_configuration(&self) -> BTreeMap<String, QVariant> {
        self.settings.backend.clone()
    }

    /// Replaces what is kept for the library below.
    #[doc(alias = "setBackendConfiguration")]
    pub fn set_backend_configuration(&mut self, options: BTreeMap<String, QVariant>) {
        self.settings_mut().backend = options;
    }

    /// Keeps something for the library below. There is nothing that it looks at.
    #[doc(alias = "setBackendConfigurationOption")]
    pub fn set_backend_configuration_option(
        &mut self,
        name: impl Into<String>,
        value: impl Into<QVariant>,
    ) {
        self.settings_mut().backend.insert(name.into(), value.into());
    }

    /// What was made of the settings.
    pub(crate) fn cache(&self) -> &Cache {
        &self.settings.cache
    }

    /// The options that are set.
    pub(crate) fn options(&self) -> SslOptions {
        self.settings.options
    }

    // ---- what has come of it

    /// The certificate of the other end; a null one if it has none, or is not known yet.
    #[doc(alias = "peerCertificate")]
    #[must_use]
    pub fn peer_certificate(&self) -> QSslCertificate {
        let chain = self.learnt.as_ref().map(|learnt| &learnt.peer_certificate_chain);
        chain.and_then(|chain| chain.first()).cloned().unwrap_or_default()
    }

    /// The certificates that the other end has sent, its own first.
    #[doc(alias = "peerCertificateChain")]
    #[must_use]
    pub fn peer_certificate_chain(&self) -> Vec<QSslCertificate> {
        self.learnt.as_ref().map(|learnt| learnt.peer_certificate_chain.clone()).unwrap_or_default()
    }

    /// The cipher of the connection; a null one if it is not encrypted yet.
    #[doc(alias = "sessionCipher")]
    #[must_use]
    pub fn session_cipher(&self) -> QSslCipher {
        self.learnt.as_ref().map(|learnt| learnt.session_cipher).unwrap_or_default()
    }

    /// The version of TLS that is spoken; [`Unknown`](SslProtocol::Unknown) if the connection is
    /// not encrypted yet.
    #[doc(alias = "sessionProtocol")]
    #[must_use]
    pub fn session_protocol(&self) -> SslProtocol {
        self.learnt.as_ref().map_or(SslProtocol::Unknown, |learnt| learnt.session_protocol)
    }

    /// The protocol over TLS that the ends have agreed on, empty if there is none.
    #[doc(alias = "nextNegotiatedProtocol")]
    #[must_use]
    pub fn next_negotiated_protocol(&self) -> Vec<u8> {
        self.learnt
            .as_ref()
            .map(|learnt| learnt.next_negotiated_protocol.clone())
            .unwrap_or_default()
    }

    /// What came of the choice of a protocol over TLS.
    #[doc(alias = "nextProtocolNegotiationStatus")]
    #[must_use]
    pub fn next_protocol_negotiation_status(&self) -> NextProtocolNegotiationStatus {
        self.learnt
            .as_ref()
            .map(|learnt| learnt.next_protocol_negotiation_status)
            .unwrap_or_default()
    }

    /// The key that the server has made for this connection alone: always null, as rustls does not
    /// tell. Qt has a null one, too, unless the key is on a NIST curve.
    #[doc(alias = "ephemeralServerKey")]
    #[must_use]
    pub fn ephemeral_server_key(&self) -> QSslKey {
        QSslKey::default()
    }

    fn learnt_mut(&mut self) -> &mut Learnt {
        let new = || Learnt { session_protocol: SslProtocol::Unknown, ..Learnt::default() };
        Arc::make_mut(self.learnt.get_or_insert_with(|| Arc::new(new())))
    }

    /// A new connection begins: nothing is known of it.
    pub(crate) fn forget(&mut self) {
        self.learnt = None;
    }

    /// Takes all that can be set over from another one, and keeps what was learnt.
    pub(crate) fn take_settings(&mut self, other: &QSslConfiguration) {
        self.settings = other.settings.clone();
    }

    /// The other end has said who it is.
    pub(crate) fn learn_peer(&mut self, chain: Vec<QSslCertificate>) {
        self.learnt_mut().peer_certificate_chain = chain;
    }

    /// The handshake is over.
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
