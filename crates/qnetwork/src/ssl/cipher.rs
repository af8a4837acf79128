//! [`QSslCipher`]: a cipher suite.

use std::fmt;

use rustls::{CipherSuite, SupportedCipherSuite};

use super::{crypto::provider, kinds::SslProtocol};

/// A cipher suite: key exchange, authentication and encryption of a connection.
///
/// The library has the suites of rustls, under the names that OpenSSL and Qt use. The default
/// cipher is null. Stands for Qt's [QSslCipher](https://doc.qt.io/qt-5/qsslcipher.html).
///
/// # Examples
///
/// ```
/// use qnetwork::{QSslCipher, SslProtocol};
///
/// let cipher = QSslCipher::from_name("ECDHE-RSA-AES128-GCM-SHA256").unwrap();
/// assert_eq!(cipher.protocol(), SslProtocol::TlsV1_2);
/// assert_eq!(cipher.encryption_method(), "AESGCM(128)");
/// assert_eq!(QSslCipher::from_name("RC4-MD5"), None);
/// ```
#[derive(Clone, Copy, Default)]
pub struct QSslCipher(Option<&'static Suite>);

struct Suite {
    id: CipherSuite,
    name: &'static str,
    protocol: SslProtocol,
    authentication: &'static str,
    encryption: &'static str,
    bits: u32,
}

const AES_256: (&str, u32) = ("AESGCM(256)", 256);
const AES_128: (&str, u32) = ("AESGCM(128)", 128);
const CHACHA20: (&str, u32) = ("CHACHA20/POLY1305(256)", 256);

const fn tls13(
    id: CipherSuite,
    name: &'static str,
    (encryption, bits): (&'static str, u32),
) -> Suite {
    Suite { id, name, protocol: SslProtocol::TlsV1_3, authentication: "any", encryption, bits }
}

const fn tls12(
    id: CipherSuite,
    name: &'static str,
    authentication: &'static str,
    (encryption, bits): (&'static str, u32),
) -> Suite {
    Suite { id, name, protocol: SslProtocol::TlsV1_2, authentication, encryption, bits }
}

/// All suites in Qt's order, the best first.
static SUITES: [Suite; 9] = {
    use CipherSuite as C;
    [
        tls13(C::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384", AES_256),
        tls13(C::TLS13_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256", CHACHA20),
        tls13(C::TLS13_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256", AES_128),
        tls12(
            C::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDSA",
            AES_256,
        ),
        tls12(
            C::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            "ECDHE-RSA-AES256-GCM-SHA384",
            "RSA",
            AES_256,
        ),
        tls12(
            C::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "ECDSA",
            CHACHA20,
        ),
        tls12(
            C::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            "ECDHE-RSA-CHACHA20-POLY1305",
            "RSA",
            CHACHA20,
        ),
        tls12(
            C::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "ECDSA",
            AES_128,
        ),
        tls12(
            C::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            "ECDHE-RSA-AES128-GCM-SHA256",
            "RSA",
            AES_128,
        ),
    ]
};

impl QSslCipher {
    /// Returns the cipher with this name, as OpenSSL spells it. `None`, where Qt returns a null
    /// cipher, if the library does not have it.
    #[doc(alias = "QSslCipher")]
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        SUITES.iter().find(|suite| suite.name == name).map(|suite| QSslCipher(Some(suite)))
    }

    /// Returns the cipher with this name if it is one of this protocol's. `None`, where Qt returns
    /// a null cipher, if the library does not have it.
    ///
    /// ```
    /// use qnetwork::{QSslCipher, SslProtocol};
    ///
    /// let name = "ECDHE-RSA-AES128-GCM-SHA256";
    /// assert!(QSslCipher::from_name_and_protocol(name, SslProtocol::TlsV1_2).is_some());
    /// assert!(QSslCipher::from_name_and_protocol(name, SslProtocol::TlsV1_3).is_none());
    /// ```
    #[doc(alias = "QSslCipher")]
    #[must_use]
    pub fn from_name_and_protocol(name: &str, protocol: SslProtocol) -> Option<Self> {
        QSslCipher::from_name(name).filter(|cipher| cipher.protocol() == protocol)
    }

    /// Returns all ciphers, the best first.
    pub(crate) fn supported() -> Vec<QSslCipher> {
        SUITES
            .iter()
            .map(|suite| QSslCipher(Some(suite)))
            .filter(|one| one.suite().is_some())
            .collect()
    }

    /// Returns the cipher for rustls' identifier.
    pub(crate) fn of(id: CipherSuite) -> Self {
        QSslCipher(SUITES.iter().find(|suite| suite.id == id))
    }

    /// Returns rustls' suite.
    pub(crate) fn suite(&self) -> Option<SupportedCipherSuite> {
        let id = self.0?.id;
        provider().cipher_suites.iter().find(|suite| suite.suite() == id).copied()
    }

    /// Returns whether the cipher is null.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// Returns OpenSSL's name of the cipher; empty if it is null.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.map_or("", |suite| suite.name)
    }

    /// Returns the version of TLS that uses the cipher; [`Unknown`](SslProtocol::Unknown) if it is
    /// null.
    #[must_use]
    pub fn protocol(&self) -> SslProtocol {
        self.0.map_or(SslProtocol::Unknown, |suite| suite.protocol)
    }

    /// Returns the version of TLS that uses the cipher, as text: `"TLSv1.2"` or `"TLSv1.3"`.
    #[doc(alias = "protocolString")]
    #[must_use]
    pub fn protocol_string(&self) -> &'static str {
        match self.protocol() {
            SslProtocol::TlsV1_3 => "TLSv1.3",
            SslProtocol::TlsV1_2 => "TLSv1.2",
            _ => "",
        }
    }

    /// Returns the key exchange: `"ECDH"`, or `"any"` for TLS 1.3, whose ciphers do not determine
    /// it.
    #[doc(alias = "keyExchangeMethod")]
    #[must_use]
    pub fn key_exchange_method(&self) -> &'static str {
        match self.protocol() {
            SslProtocol::TlsV1_3 => "any",
            SslProtocol::TlsV1_2 => "ECDH",
            _ => "",
        }
    }

    /// Returns the algorithm of the server's key: `"RSA"`, `"ECDSA"`, or `"any"` for TLS 1.3, whose
    /// ciphers do not determine it.
    #[doc(alias = "authenticationMethod")]
    #[must_use]
    pub fn authentication_method(&self) -> &'static str {
        self.0.map_or("", |suite| suite.authentication)
    }

    /// Returns the encryption, for example `"AESGCM(256)"`.
    #[doc(alias = "encryptionMethod")]
    #[must_use]
    pub fn encryption_method(&self) -> &'static str {
        self.0.map_or("", |suite| suite.encryption)
    }

    /// Returns the length of the keys in bits.
    #[doc(alias = "supportedBits")]
    #[must_use]
    pub fn supported_bits(&self) -> u32 {
        self.0.map_or(0, |suite| suite.bits)
    }

    /// Returns how many bits of the keys are secret: all of them.
    #[doc(alias = "usedBits")]
    #[must_use]
    pub fn used_bits(&self) -> u32 {
        self.supported_bits()
    }

    /// Exchanges two ciphers.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }
}

impl PartialEq for QSslCipher {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for QSslCipher {}

impl std::hash::Hash for QSslCipher {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for QSslCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QSslCipher")
            .field("name", &self.name())
            .field("bits", &self.used_bits())
            .field("protocol", &self.protocol_string())
            .finish()
    }
}

impl fmt::Display for QSslCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_of_rustls_has_a_name() {
        let ours = QSslCipher::supported();
        assert_eq!(ours.len(), provider().cipher_suites.len());
        for suite in &provider().cipher_suites {
            let cipher = QSslCipher::of(suite.suite());
            assert_eq!(cipher.suite().map(|suite| suite.suite()), Some(suite.suite()));
            assert!(ours.contains(&cipher));
        }
    }

    #[test]
    fn a_null_one_says_nothing() {
        let null = QSslCipher::default();
        assert!(null.is_null() && QSslCipher::from_name("nonsense").is_none());
        assert_eq!((null.name(), null.protocol_string(), null.used_bits()), ("", "", 0));
        let texts =
            [null.key_exchange_method(), null.authentication_method(), null.encryption_method()];
        assert_eq!(texts, [""; 3]);
        assert_eq!((null.protocol(), null.supported_bits()), (SslProtocol::Unknown, 0));
    }

    /// Compares with Qt's values for these ciphers.
    #[test]
    fn all_is_as_qt_says() {
        let qt = [
            "TLS_AES_256_GCM_SHA384 TLSv1.3 any any AESGCM(256) 256 256",
            "TLS_CHACHA20_POLY1305_SHA256 TLSv1.3 any any CHACHA20/POLY1305(256) 256 256",
            "TLS_AES_128_GCM_SHA256 TLSv1.3 any any AESGCM(128) 128 128",
            "ECDHE-ECDSA-AES256-GCM-SHA384 TLSv1.2 ECDH ECDSA AESGCM(256) 256 256",
            "ECDHE-RSA-AES256-GCM-SHA384 TLSv1.2 ECDH RSA AESGCM(256) 256 256",
            "ECDHE-ECDSA-CHACHA20-POLY1305 TLSv1.2 ECDH ECDSA CHACHA20/POLY1305(256) 256 256",
            "ECDHE-RSA-CHACHA20-POLY1305 TLSv1.2 ECDH RSA CHACHA20/POLY1305(256) 256 256",
            "ECDHE-ECDSA-AES128-GCM-SHA256 TLSv1.2 ECDH ECDSA AESGCM(128) 128 128",
            "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ECDH RSA AESGCM(128) 128 128",
        ];
        let ours = QSslCipher::supported().into_iter().map(|cipher| {
            format!(
                "{cipher} {} {} {} {} {} {}",
                cipher.protocol_string(),
                cipher.key_exchange_method(),
                cipher.authentication_method(),
                cipher.encryption_method(),
                cipher.supported_bits(),
                cipher.used_bits(),
            )
        });
        assert_eq!(ours.collect::<Vec<_>>(), qt);
    }

    #[test]
    fn by_its_name_it_is_the_one_of_the_list() {
        for cipher in QSslCipher::supported() {
            assert_eq!(
                QSslCipher::from_name_and_protocol(cipher.name(), cipher.protocol()),
                Some(cipher)
            );
        }
    }
}
