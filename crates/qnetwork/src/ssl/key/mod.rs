//! [`QSslKey`]: the key of a certificate.

mod encoding;
mod pem;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use qcore::QIODevice;
use rustls::{pki_types::PrivateKeyDer, sign::SigningKey};
use zeroize::Zeroizing;

use self::encoding::Decoded;
use super::{EncodingFormat, KeyAlgorithm, KeyType};

/// The key of a certificate: its private half, with which its owner shows that it is theirs, or its public half.
///
/// There are keys of RSA, of the NIST curves and of Ed25519, and, to be looked at, of DSA. A value that is cheap
/// to copy, `Send` and `Sync`. It may be null: the default one is, and one that was made of what is no key. The
/// bytes of a private key are overwritten when the last copy is dropped. Stands for Qt's
/// [QSslKey](https://doc.qt.io/qt-5/qsslkey.html).
///
/// # Encodings
///
/// | | read | written |
/// |---|---|---|
/// | RSA, private | PKCS#1, PKCS#8 | PKCS#1 |
/// | curves, private | SEC1, PKCS#8 | SEC1 |
/// | Ed25519, private | PKCS#8 | PKCS#8 |
/// | DSA, private | OpenSSL's own | the same |
/// | any, public | X.509's `SubjectPublicKeyInfo` | the same |
/// | RSA and curves, encrypted | PKCS#8 with PBES2 | the same, with PBKDF2 and AES-256 |
///
/// Pass phrases in the way that is older than PKCS#8 (`Proc-Type: 4,ENCRYPTED`), which Qt writes, protect badly
/// and are not read: `openssl pkey -in OLD -out NEW` makes another key of such a one.
///
/// # Examples
///
/// ```
/// use qnetwork::{EncodingFormat, KeyAlgorithm, QSslKey};
///
/// let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
/// let key = QSslKey::new(&pem, KeyAlgorithm::Ec, EncodingFormat::Pem);
/// assert_eq!(key.length(), 256);
///
/// let locked = key.to_pem_with("correct horse");
/// let unlocked =
///     QSslKey::new_with(&locked, KeyAlgorithm::Ec, EncodingFormat::Pem, Default::default(), "correct horse");
/// assert_eq!(unlocked, key);
/// ```
#[derive(Clone, Default)]
pub struct QSslKey(Option<Arc<Key>>);

struct Key {
    key_type: KeyType,
    decoded: Decoded,
}

/// Why something is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no block of PEM that could be such a key.
    NoPemBlock,
    /// It is not what a key is like, or one of another algorithm.
    Malformed,
    /// It is encrypted, and the pass phrase is wrong, or there is none.
    PassPhrase,
    /// Its algorithm, its curve or the way in which it is encrypted is not known here.
    Unsupported,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyError::NoPemBlock => "there is no PEM block of such a key",
            KeyError::Malformed => "this is not a key of that algorithm",
            KeyError::PassPhrase => "the key is encrypted with another pass phrase",
            KeyError::Unsupported => {
                "keys of this algorithm, curve or encryption are not supported"
            }
        })
    }
}

impl std::error::Error for KeyError {}

impl QSslKey {
    /// A private key that is not encrypted; a null one if the bytes are no such key of that algorithm.
    #[must_use]
    pub fn new(data: impl AsRef<[u8]>, algorithm: KeyAlgorithm, format: EncodingFormat) -> Self {
        QSslKey::new_with(data, algorithm, format, KeyType::Private, "")
    }

    /// A key; a null one if the bytes are no such key of that algorithm, or the pass phrase is wrong. It is not
    /// looked at if the key is not encrypted.
    #[must_use]
    pub fn new_with(
        data: impl AsRef<[u8]>,
        algorithm: KeyAlgorithm,
        format: EncodingFormat,
        key_type: KeyType,
        pass_phrase: impl AsRef<[u8]>,
    ) -> Self {
        QSslKey::try_new(data, algorithm, format, key_type, pass_phrase).unwrap_or_default()
    }

    /// A key, as [`new_with`](Self::new_with), or why there is none.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, KeyAlgorithm, KeyError, KeyType, QSslKey};
    ///
    /// let (rsa, pem, private) = (KeyAlgorithm::Rsa, EncodingFormat::Pem, KeyType::Private);
    /// let error = QSslKey::try_new("garbage", rsa, pem, private, "").unwrap_err();
    /// assert_eq!(error, KeyError::NoPemBlock);
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`KeyError`].
    pub fn try_new(
        data: impl AsRef<[u8]>,
        algorithm: KeyAlgorithm,
        format: EncodingFormat,
        key_type: KeyType,
        pass_phrase: impl AsRef<[u8]>,
    ) -> Result<Self, KeyError> {
        let (data, pass_phrase) = (data.as_ref(), pass_phrase.as_ref());
        let decoded = match (format, key_type) {
            (EncodingFormat::Der, KeyType::Private) => {
                encoding::private(data, algorithm, pass_phrase)
            }
            (EncodingFormat::Der, KeyType::Public) => encoding::public(data),
            (EncodingFormat::Pem, KeyType::Private) => {
                let labels = ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", own_label(algorithm)];
                let block = pem::find(data, &labels).ok_or(KeyError::NoPemBlock)?;
                if block.old_encryption {
                    return Err(KeyError::Unsupported);
                }
                encoding::private(&block.der, algorithm, pass_phrase)
            }
            (EncodingFormat::Pem, KeyType::Public) => {
                let block = pem::find(data, &["PUBLIC KEY"]).ok_or(KeyError::NoPemBlock)?;
                encoding::public(&block.der)
            }
        }?;
        if decoded.algorithm != algorithm {
            return Err(KeyError::Malformed);
        }
        Ok(QSslKey(Some(Arc::new(Key { key_type, decoded }))))
    }

    /// A key of what the device has to read; a null one if that is none. See [`new_with`](Self::new_with).
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    /// use qnetwork::{EncodingFormat, KeyAlgorithm, KeyType, QSslKey};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data(rcgen::KeyPair::generate().unwrap().serialize_pem());
    /// buffer.open(OpenMode::READ_ONLY)?;
    /// let (algorithm, format) = (KeyAlgorithm::Ec, EncodingFormat::Pem);
    /// let key = QSslKey::from_device(&buffer, algorithm, format, KeyType::Private, "");
    /// assert!(!key.is_null());
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[must_use]
    pub fn from_device(
        device: &QIODevice,
        algorithm: KeyAlgorithm,
        format: EncodingFormat,
        key_type: KeyType,
        pass_phrase: impl AsRef<[u8]>,
    ) -> Self {
        let data = Zeroizing::new(device.read_all());
        QSslKey::new_with(&*data, algorithm, format, key_type, pass_phrase)
    }

    /// The public key of a certificate; a null one if its algorithm is not known.
    pub(crate) fn of_certificate(public_key_info: &[u8]) -> Self {
        let key_type = KeyType::Public;
        let decoded = encoding::public(public_key_info).ok();
        QSslKey(decoded.map(|decoded| Arc::new(Key { key_type, decoded })))
    }

    /// Makes it a null one.
    pub fn clear(&mut self) {
        *self = QSslKey::default();
    }

    /// Exchanges the two.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }

    /// Whether it is none.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// What it is a key of; [`Opaque`](KeyAlgorithm::Opaque) if it is null.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.as_ref().map(|key| key.decoded.algorithm).unwrap_or_default()
    }

    /// Which half it is; a null one is private.
    #[doc(alias = "type")]
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.0.as_ref().map(|key| key.key_type).unwrap_or_default()
    }

    /// Its length in bits: that of the modulus, of the prime, or of the numbers of the curve. -1 if it is null.
    #[must_use]
    pub fn length(&self) -> i32 {
        self.0.as_ref().map_or(-1, |key| i32::try_from(key.decoded.bits).unwrap_or(i32::MAX))
    }

    /// It as text, not encrypted. Empty if it is null.
    #[doc(alias = "toPem")]
    #[must_use]
    pub fn to_pem(&self) -> Vec<u8> {
        let Some(key) = &self.0 else { return Vec::new() };
        let label = match key.key_type {
            KeyType::Public => "PUBLIC KEY",
            KeyType::Private if key.decoded.is_ed25519 => "PRIVATE KEY",
            KeyType::Private => own_label(key.decoded.algorithm),
        };
        pem::encode(label, &key.decoded.der)
    }

    /// It as text, encrypted if it is private: PKCS#8, with a key of AES-256 made of the pass phrase by 600,000
    /// rounds of PBKDF2. With an empty pass phrase it is not encrypted, and a public one never is.
    ///
    /// Empty if it is null, or a private key of DSA.
    #[doc(alias = "toPem")]
    #[must_use]
    pub fn to_pem_with(&self, pass_phrase: impl AsRef<[u8]>) -> Vec<u8> {
        let pass_phrase = pass_phrase.as_ref();
        let Some(key) = &self.0 else { return Vec::new() };
        if pass_phrase.is_empty() || key.key_type == KeyType::Public {
            return self.to_pem();
        }
        let Decoded { algorithm, is_ed25519, der, .. } = &key.decoded;
        let encrypted = encoding::encrypt(*algorithm, *is_ed25519, der, pass_phrase);
        encrypted.map(|der| pem::encode("ENCRYPTED PRIVATE KEY", &der)).unwrap_or_default()
    }

    /// It as bytes, DER, not encrypted. Empty if it is null. Qt gives nothing, either, for a private key that is
    /// to be encrypted as DER.
    #[doc(alias = "toDer")]
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        self.0.as_ref().map(|key| key.decoded.der.to_vec()).unwrap_or_default()
    }

    /// What signs with it, if it is a private key that can. It lives as long as that does, and is overwritten
    /// then; no copy is made on the way.
    pub(crate) fn signing_key(&self) -> Option<Arc<dyn SigningKey>> {
        #[cfg(feature = "aws-lc-rs")]
        use rustls::crypto::aws_lc_rs::sign::any_supported_type;
        #[cfg(not(feature = "aws-lc-rs"))]
        use rustls::crypto::ring::sign::any_supported_type;
        let key = self.0.as_ref().filter(|key| key.key_type == KeyType::Private)?;
        let der = &key.decoded.der[..];
        let der = match key.decoded.algorithm {
            KeyAlgorithm::Rsa => PrivateKeyDer::Pkcs1(der.into()),
            KeyAlgorithm::Ec if key.decoded.is_ed25519 => PrivateKeyDer::Pkcs8(der.into()),
            KeyAlgorithm::Ec => PrivateKeyDer::Sec1(der.into()),
            _ => return None,
        };
        any_supported_type(&der).ok()
    }
}

/// What PEM calls a private key that is written in the way of its algorithm.
fn own_label(algorithm: KeyAlgorithm) -> &'static str {
    match algorithm {
        KeyAlgorithm::Rsa => "RSA PRIVATE KEY",
        KeyAlgorithm::Dsa => "DSA PRIVATE KEY",
        KeyAlgorithm::Ec => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    }
}

impl PartialEq for QSslKey {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                one.key_type == other.key_type
                    && one.decoded.algorithm == other.decoded.algorithm
                    && *one.decoded.der == *other.decoded.der
            }
            _ => false,
        }
    }
}

impl Eq for QSslKey {}

impl fmt::Debug for QSslKey {
    /// Says what it is. What is secret about it is not told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(_) = &self.0 else { return f.write_str("QSslKey(null)") };
        f.debug_struct("QSslKey")
            .field("key_type", &self.key_type())
            .field("algorithm", &self.algorithm())
            .field("length", &self.length())
            .finish_non_exhaustive()
    }
}
