//! Converting a configuration for rustls.

use std::sync::Arc;

use rustls::{
    ClientConfig, Error, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
    client::{ClientSessionMemoryCache, Resumption, Tls12Resumption},
    crypto::CryptoProvider,
    server::{NoServerSessionStorage, ServerSessionMemoryCache},
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};

use super::{
    configuration::QSslConfiguration,
    crypto::provider,
    kinds::{PeerVerifyMode, SslOptions, SslProtocol},
    ocsp::{self, Stapled},
    signature::AcceptAny,
};
use crate::socket::{SocketError, SocketErrorKind};

/// How many sessions each configuration keeps for resumption.
const SESSIONS: usize = 256;

/// The parts of a configuration that rustls needs.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) protocol: SslProtocol,
    /// In the order of preference; empty means all.
    pub(super) suites: Vec<SupportedCipherSuite>,
    /// This end's certificates, and the key of the first one.
    pub(super) identity: Option<Arc<CertifiedKey>>,
    pub(super) options: SslOptions,
    /// Protocols for ALPN, the best first.
    pub(super) next_protocols: Vec<Vec<u8>>,
    /// Whether a server asks for the client's certificate.
    pub(super) asks: bool,
}

/// Returns the supported versions of a protocol.
pub(super) fn versions(protocol: SslProtocol) -> &'static [&'static SupportedProtocolVersion] {
    const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
    match protocol {
        SslProtocol::TlsV1_2 => &BOTH[1..],
        SslProtocol::TlsV1_3 | SslProtocol::TlsV1_3OrLater => &BOTH[..1],
        // As in Qt, an unknown protocol restricts nothing.
        SslProtocol::Unknown
        | SslProtocol::Any
        | SslProtocol::TlsV1SslV3
        | SslProtocol::Secure
        | SslProtocol::TlsV1_0OrLater
        | SslProtocol::TlsV1_1OrLater
        | SslProtocol::TlsV1_2OrLater => BOTH,
        SslProtocol::SslV3
        | SslProtocol::SslV2
        | SslProtocol::TlsV1_0
        | SslProtocol::TlsV1_1
        | SslProtocol::DtlsV1_0
        | SslProtocol::DtlsV1_0OrLater
        | SslProtocol::DtlsV1_2
        | SslProtocol::DtlsV1_2OrLater => &[],
    }
}

impl Settings {
    pub(super) fn client(self) -> Result<ClientConfig, Error> {
        let provider = self.provider();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions(self.protocol))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAny(provider)));
        let mut config = match self.identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.next_protocols;
        config.enable_sni = !self.options.contains(SslOptions::DISABLE_SERVER_NAME_INDICATION);
        config.resumption = if self.options.contains(SslOptions::DISABLE_SESSION_SHARING) {
            Resumption::disabled()
        } else {
            let tickets = !self.options.contains(SslOptions::DISABLE_SESSION_TICKETS);
            let by = if tickets {
                Tls12Resumption::SessionIdOrTickets
            } else {
                Tls12Resumption::SessionIdOnly
            };
            Resumption::store(Arc::new(ClientSessionMemoryCache::new(SESSIONS)))
                .tls12_resumption(by)
        };
        Ok(config)
    }

    pub(super) fn server(self) -> Result<ServerConfig, Error> {
        let provider = self.provider();
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions(self.protocol))?;
        let builder = if self.asks {
            builder.with_client_cert_verifier(Arc::new(AcceptAny(provider)))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = match self.identity {
            Some(identity) => {
                builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            None => builder.with_cert_resolver(Arc::new(Nobody)),
        };
        config.alpn_protocols = self.next_protocols;
        config.ignore_client_order =
            !self.options.contains(SslOptions::DISABLE_SERVER_CIPHER_PREFERENCE);
        if self.options.contains(SslOptions::DISABLE_SESSION_SHARING) {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else {
            config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
            if !self.options.contains(SslOptions::DISABLE_SESSION_TICKETS) {
                config.ticketer = ticketer()?;
            }
        }
        Ok(config)
    }

    /// Returns the provider with the configured ciphers.
    fn provider(&self) -> Arc<CryptoProvider> {
        let all = provider();
        if self.suites.is_empty() {
            return all;
        }
        Arc::new(CryptoProvider { cipher_suites: self.suites.clone(), ..(*all).clone() })
    }
}

fn ticketer() -> Result<Arc<dyn rustls::server::ProducesTickets>, Error> {
    #[cfg(feature = "aws-lc-rs")]
    use rustls::crypto::aws_lc_rs::Ticketer;
    #[cfg(not(feature = "aws-lc-rs"))]
    use rustls::crypto::ring::Ticketer;
    Ticketer::new()
}

/// A server without a certificate. Every handshake with it fails.
#[derive(Debug)]
struct Nobody;

impl rustls::server::ResolvesServerCert for Nobody {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// Returns the error for a configuration that rustls rejects.
pub(super) fn bad_configuration(error: &Error) -> SocketError {
    SocketError::new(SocketErrorKind::SslInvalidUserData, error.to_string())
}

/// Returns rustls' configuration for a client.
pub(super) fn client_config(
    configuration: &QSslConfiguration,
) -> Result<Arc<ClientConfig>, SocketError> {
    let made = &configuration.cache().client;
    if let Some(config) = made.get() {
        return Ok(config.clone());
    }
    let config = settings(configuration)?.client().map_err(|error| bad_configuration(&error))?;
    Ok(made.get_or_init(|| Arc::new(config)).clone())
}

/// Returns rustls' configuration for a server.
pub(super) fn server_config(
    configuration: &QSslConfiguration,
) -> Result<Arc<ServerConfig>, SocketError> {
    let made = &configuration.cache().server;
    if let Some(config) = made.get() {
        return Ok(config.clone());
    }
    let config = settings(configuration)?.server().map_err(|error| bad_configuration(&error))?;
    Ok(made.get_or_init(|| Arc::new(config)).clone())
}

/// Makes a configuration for one client, which keeps the server's OCSP response. A resumed session
/// would have none.
pub(super) fn stapling(config: &mut Arc<ClientConfig>) -> Stapled {
    let stapled = Stapled::default();
    let config = Arc::make_mut(config);
    config.dangerous().set_certificate_verifier(ocsp::verifier(stapled.clone()));
    config.resumption = Resumption::disabled();
    stapled
}

fn settings(configuration: &QSslConfiguration) -> Result<Settings, SocketError> {
    let identity = configuration
        .identity()
        .map_err(|text| SocketError::new(SocketErrorKind::SslInvalidUserData, text))?;
    Ok(Settings {
        protocol: configuration.protocol(),
        suites: configuration.suites(),
        identity,
        options: configuration.options(),
        next_protocols: configuration.allowed_next_protocols(),
        asks: configuration.peer_verify_mode() != PeerVerifyMode::None,
    })
}
