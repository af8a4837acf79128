//! [`QSslKey`].

mod cipher;
mod curves;
mod der;
mod derivation;
mod dsa;
mod encoding;
mod encryption;
mod error;
mod pem;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, sync::Arc};

use qcore::QIODevice;
use rustls::{pki_types::PrivateKeyDer, sign::SigningKey};
use zeroize::Zeroizing;

pub use self::error::{SslKeyError, SslKeyErrorKind};
use self::{
    der::Secret,
    encoding::{Decoded, Form},
    pem::{Block, Encryption},
};
use super::{
    kinds::{EncodingFormat, KeyAlgorithm, KeyType},
    pem::to_pem,
};

/// A private or public key. The private key of a certificate proves that its owner has it.
///
/// A value that is cheap to clone, `Send` and `Sync`. The default key is null, and so is one that
/// was made of invalid data. The bytes of a private key are overwritten when the last clone is
/// dropped. Stands for Qt's [QSslKey](https://doc.qt.io/qt-5/qsslkey.html).
///
/// TLS uses RSA keys, keys of the curves P-256, P-384 and P-521, and Ed25519 keys. This class also
/// reads, describes and writes DSA and Diffie-Hellman keys, and keys of other curves, including
/// curves with explicit parameters.
///
/// Qt has no name for Ed25519 and does not read such keys. Here their algorithm is
/// [`Opaque`](KeyAlgorithm::Opaque), also as the argument for reading one, and they have no length.
///
/// # Encodings
///
/// | | read | written |
/// |---|---|---|
/// | RSA, private | PKCS#1, PKCS#8 | PKCS#1 |
/// | curves, private | SEC1, PKCS#8 | SEC1 |
/// | DSA, private | OpenSSL's own, PKCS#8 | OpenSSL's own |
/// | Diffie-Hellman and Ed25519, private | PKCS#8 | PKCS#8 |
/// | any, public | X.509's `SubjectPublicKeyInfo` | the same |
/// | any, private, encrypted | see below | PKCS#8 with PBKDF2 and AES-256 |
///
/// # Encrypted keys
///
/// These encryptions can be read:
///
/// * PKCS#8 with PBES2: PBKDF2 or scrypt; AES-CBC, triple DES, DES or RC2
/// * PKCS#8 with the older schemes of PKCS#5 and PKCS#12: MD5 or SHA-1; triple DES with two or
///   three keys, DES, RC2, RC4
/// * traditional PEM (`Proc-Type: 4,ENCRYPTED`): AES-CBC, triple DES with two or three keys, DES,
///   RC2
///
/// MD5, SHA-1, DES, RC2 and RC4 protect badly. They are supported for reading old files; no key is
/// written with them. A file determines how much work checking a pass phrase takes. More than
/// 10,000,000 rounds of hashing, or scrypt with more than a gigabyte, is refused.
///
/// As with Qt, a pass phrase ends at its first NUL or after 1024 bytes.
///
/// # Examples
///
/// ```
/// use qnetwork::{EncodingFormat, KeyAlgorithm, KeyType, QSslKey};
///
/// let format = EncodingFormat::Pem;
/// let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
/// let key = QSslKey::new(&pem, KeyAlgorithm::Ec, format);
/// assert_eq!(key.length(), Some(256));
///
/// let locked = key.to_pem_with_pass_phrase("correct horse")?;
/// let unlocked =
///     QSslKey::from_data(&locked, KeyAlgorithm::Ec, format, KeyType::Private, "correct horse")?;
/// assert_eq!(unlocked, key);
/// # Ok::<(), qnetwork::SslKeyError>(())
/// ```
#[derive(Clone, Default)]
pub struct QSslKey(Option<Arc<Key>>);

struct Key {
    key_type: KeyType,
    decoded: Decoded,
}

impl QSslKey {
    /// Reads an unencrypted private key. Returns a null one if the data is not such a key of that
    /// algorithm.
    #[must_use]
    pub fn new(data: impl AsRef<[u8]>, algorithm: KeyAlgorithm, format: EncodingFormat) -> Self {
        QSslKey::try_new(data, algorithm, format).unwrap_or_default()
    }

    /// Creates a private key from data that is not encrypted.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, KeyAlgorithm, QSslKey, SslKeyErrorKind};
    ///
    /// let (rsa, pem) = (KeyAlgorithm::Rsa, EncodingFormat::Pem);
    /// let error = QSslKey::try_new("garbage", rsa, pem).unwrap_err();
    /// assert_eq!(error, SslKeyErrorKind::NoPemBlock);
    /// ```
    ///
    /// # Errors
    ///
    /// [`SslKeyError`] if the data is no such key of that algorithm.
    pub fn try_new(
        data: impl AsRef<[u8]>,
        algorithm: KeyAlgorithm,
        format: EncodingFormat,
    ) -> Result<Self, SslKeyError> {
        QSslKey::from_data(data, algorithm, format, KeyType::Private, "")
    }

    /// Creates a private or public key from data. The pass phrase is ignored if the key is not
    /// encrypted.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, KeyAlgorithm, KeyType, QSslKey};
    ///
    /// let pem = rcgen::KeyPair::generate().unwrap().public_key_pem();
    /// let (algorithm, format) = (KeyAlgorithm::Ec, EncodingFormat::Pem);
    /// let key = QSslKey::from_data(&pem, algorithm, format, KeyType::Public, "")?;
    /// assert_eq!(key.key_type(), KeyType::Public);
    /// # Ok::<(), qnetwork::SslKeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SslKeyError`] if the data is no such key of that algorithm, or if the key is encrypted and
    /// the pass phrase is wrong.
    #[doc(alias = "QSslKey")]
    pub fn from_data(
        data: impl AsRef<[u8]>,
        algorithm: KeyAlgorithm,
        format: EncodingFormat,
        key_type: KeyType,
        pass_phrase: impl AsRef<[u8]>,
    ) -> Result<Self, SslKeyError> {
        let (data, pass_phrase) = (data.as_ref(), effective(pass_phrase.as_ref()));
        let decoded = decoded(data, algorithm, format, key_type, pass_phrase)?;
        Ok(QSslKey(Some(Arc::new(Key { key_type, decoded }))))
    }

    /// Reads all data from a device and creates a key from it. See [`from_data`](Self::from_data).
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    /// use qnetwork::{EncodingFormat, KeyAlgorithm, KeyType, QSslKey};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data(rcgen::KeyPair::generate()?.serialize_pem());
    /// buffer.open(OpenMode::READ_ONLY)?;
    /// let (algorithm, format) = (KeyAlgorithm::Ec, EncodingFormat::Pem);
    /// let key = QSslKey::from_device(&buffer, algorithm, format, KeyType::Private, "")?;
    /// assert_eq!(key.length(), Some(256));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_data`](Self::from_data).
    #[doc(alias = "QSslKey")]
    pub fn from_device(
        device: &QIODevice,
        algorithm: KeyAlgorithm,
        format: EncodingFormat,
        key_type: KeyType,
        pass_phrase: impl AsRef<[u8]>,
    ) -> Result<Self, SslKeyError> {
        let data = Zeroizing::new(device.read_all());
        QSslKey::from_data(&*data, algorithm, format, key_type, pass_phrase)
    }

    /// Reads the public key of a certificate. Returns a null one if its algorithm is not known.
    pub(crate) fn of_certificate(public_key_info: &[u8]) -> Self {
        let key_type = KeyType::Public;
        let decoded = encoding::public(public_key_info).ok();
        QSslKey(decoded.map(|decoded| Arc::new(Key { key_type, decoded })))
    }

    /// Makes the key null.
    pub fn clear(&mut self) {
        *self = QSslKey::default();
    }

    /// Exchanges two keys.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }

    /// Returns whether the key is null.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the algorithm; [`Opaque`](KeyAlgorithm::Opaque) for a null or an Ed25519 key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.as_ref().map(|key| key.decoded.algorithm).unwrap_or_default()
    }

    /// Returns the half of the key pair; a null key is private.
    #[doc(alias = "type")]
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.0.as_ref().map(|key| key.key_type).unwrap_or_default()
    }

    /// Returns the key's length in bits: of the modulus, of the prime, or of the numbers of the
    /// curve. `None`, where Qt returns -1, if the key is null or opaque.
    #[must_use]
    pub fn length(&self) -> Option<u32> {
        self.0.as_ref()?.decoded.bits
    }

    /// Returns the key as unencrypted PEM; empty for a null key.
    #[doc(alias = "toPem")]
    #[must_use]
    pub fn to_pem(&self) -> Vec<u8> {
        let Some(key) = &self.0 else { return Vec::new() };
        let label = match key.key_type {
            KeyType::Public => "PUBLIC KEY",
            KeyType::Private => own_label(key.decoded.algorithm),
        };
        to_pem(label, &key.decoded.der)
    }

    /// Returns the key as PEM. A private key is encrypted: PKCS#8, with an AES-256 key that 600,000
    /// rounds of PBKDF2 derive from the pass phrase. A public key is never encrypted, and with an
    /// empty pass phrase a private one is not either.
    ///
    /// Only the first 1024 bytes of the pass phrase count.
    ///
    /// # Errors
    ///
    /// Where Qt returns no bytes:
    ///
    /// * [`NullKey`](SslKeyErrorKind::NullKey) if the key is null
    /// * [`NulInPassPhrase`](SslKeyErrorKind::NulInPassPhrase) if the pass phrase contains a NUL:
    ///   reading the key would stop there, here and in Qt
    /// * [`EncryptionFailed`](SslKeyErrorKind::EncryptionFailed) if the system has no random
    ///   numbers
    #[doc(alias = "toPem")]
    pub fn to_pem_with_pass_phrase(
        &self,
        pass_phrase: impl AsRef<[u8]>,
    ) -> Result<Vec<u8>, SslKeyError> {
        let pass_phrase = pass_phrase.as_ref();
        let Some(key) = &self.0 else { return Err(SslKeyErrorKind::NullKey.into()) };
        if pass_phrase.is_empty() || key.key_type == KeyType::Public {
            return Ok(self.to_pem());
        }
        if pass_phrase.contains(&0) {
            return Err(SslKeyErrorKind::NulInPassPhrase.into());
        }
        let plain = encoding::to_pkcs8(key.decoded.algorithm, &key.decoded.der);
        let encrypted = plain.and_then(|der| encryption::encrypt(&der, effective(pass_phrase)));
        let der = encrypted.ok_or(SslKeyErrorKind::EncryptionFailed)?;
        Ok(to_pem("ENCRYPTED PRIVATE KEY", &der))
    }

    /// Returns the key as unencrypted DER; empty for a null key. Qt, too, cannot write encrypted
    /// DER.
    #[doc(alias = "toDer")]
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        self.0.as_ref().map(|key| key.decoded.der.to_vec()).unwrap_or_default()
    }

    /// Returns the signer of a private key that can sign. The signer overwrites its key when it is
    /// dropped; no other copy is made.
    pub(crate) fn signing_key(&self) -> Option<Arc<dyn SigningKey>> {
        #[cfg(feature = "aws-lc-rs")]
        use rustls::crypto::aws_lc_rs::sign::any_supported_type;
        #[cfg(not(feature = "aws-lc-rs"))]
        use rustls::crypto::ring::sign::any_supported_type;
        let key = self.0.as_ref().filter(|key| key.key_type == KeyType::Private)?;
        let der = &key.decoded.der[..];
        let der = match key.decoded.algorithm {
            KeyAlgorithm::Rsa => PrivateKeyDer::Pkcs1(der.into()),
            KeyAlgorithm::Ec => PrivateKeyDer::Sec1(der.into()),
            KeyAlgorithm::Opaque => PrivateKeyDer::Pkcs8(der.into()),
            _ => return None,
        };
        any_supported_type(&der).ok()
    }
}

/// Returns the part of a pass phrase that OpenSSL uses when Qt reads a key.
fn effective(pass_phrase: &[u8]) -> &[u8] {
    let end = pass_phrase.iter().take(1024).position(|byte| *byte == 0);
    &pass_phrase[..end.unwrap_or(pass_phrase.len().min(1024))]
}

/// Returns the form and the algorithm of a private key in a block with this label.
fn form(label: &str) -> Option<(Form, Option<KeyAlgorithm>)> {
    Some(match label {
        "PRIVATE KEY" => (Form::Plain, None),
        "ENCRYPTED PRIVATE KEY" => (Form::Pkcs8, None),
        "RSA PRIVATE KEY" => (Form::Own, Some(KeyAlgorithm::Rsa)),
        "DSA PRIVATE KEY" => (Form::Own, Some(KeyAlgorithm::Dsa)),
        "EC PRIVATE KEY" => (Form::Own, Some(KeyAlgorithm::Ec)),
        _ => return None,
    })
}

/// Reads a key in any of the encodings, and checks its algorithm.
fn decoded(
    data: &[u8],
    algorithm: KeyAlgorithm,
    format: EncodingFormat,
    key_type: KeyType,
    pass_phrase: &[u8],
) -> Result<Decoded, SslKeyErrorKind> {
    let decoded = match (format, key_type) {
        (EncodingFormat::Der, KeyType::Private) => {
            encoding::private(data, algorithm, Form::Any, pass_phrase)
        }
        (EncodingFormat::Der, KeyType::Public) => encoding::public(data),
        (EncodingFormat::Pem, KeyType::Private) => {
            let block = pem::find(data, |label| form(label).is_some())?;
            let (form, of) = form(block.label).ok_or(SslKeyErrorKind::NoPemBlock)?;
            if of.is_some_and(|of| of != algorithm) {
                return Err(SslKeyErrorKind::OtherAlgorithm);
            }
            let der = decrypted(&block, pass_phrase)?;
            let decoded = encoding::private(&der, algorithm, form, pass_phrase);
            wrong_pass_phrase(&block, decoded)
        }
        (EncodingFormat::Pem, KeyType::Public) => {
            let block = pem::find(data, |label| label == "PUBLIC KEY")?;
            wrong_pass_phrase(&block, encoding::public(&decrypted(&block, pass_phrase)?))
        }
    }?;
    if decoded.algorithm != algorithm {
        return Err(SslKeyErrorKind::OtherAlgorithm);
    }
    Ok(decoded)
}

/// Returns the bytes of a block, decrypted if its header says that it is encrypted in the
/// traditional way.
fn decrypted<'a>(
    block: &'a Block<'_>,
    pass_phrase: &[u8],
) -> Result<Cow<'a, Secret>, SslKeyErrorKind> {
    let Some(Encryption { cipher, iv }) = &block.encryption else {
        return Ok(Cow::Borrowed(&block.der));
    };
    let salt = iv.get(..8).ok_or(SslKeyErrorKind::Malformed)?;
    let key = derivation::traditional(pass_phrase, salt, cipher.key_length());
    cipher.decrypt(&key, iv, &block.der).map(Cow::Owned).ok_or(SslKeyErrorKind::PassPhrase)
}

/// Decrypting with a wrong pass phrase may yield the right padding by chance. Then the key is
/// malformed.
fn wrong_pass_phrase<T>(
    block: &Block<'_>,
    result: Result<T, SslKeyErrorKind>,
) -> Result<T, SslKeyErrorKind> {
    result.map_err(|error| match error {
        SslKeyErrorKind::Malformed if block.encryption.is_some() => SslKeyErrorKind::PassPhrase,
        error => error,
    })
}

/// Returns the PEM label of a private key in its algorithm's own form.
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
    /// Writes the properties of the key, and no secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(_) = &self.0 else { return f.write_str("QSslKey(null)") };
        f.debug_struct("QSslKey")
            .field("key_type", &self.key_type())
            .field("algorithm", &self.algorithm())
            .field("length", &self.length())
            .finish_non_exhaustive()
    }
}
