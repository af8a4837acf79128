//! [`QSslKey`]: the key of a certificate.

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

pub use self::error::KeyError;
use self::{
    der::Secret,
    encoding::{Decoded, Form},
    pem::{Block, Encryption},
};
use super::{
    kinds::{EncodingFormat, KeyAlgorithm, KeyType},
    pem::to_pem,
};

/// The key of a certificate: its private half, with which its owner shows that it is theirs, or its
/// public half.
///
/// A value that is cheap to copy, `Send` and `Sync`. A key may be null: the default one is, and one
/// that was made of what is no key. The bytes of a private key are overwritten when the last copy
/// is dropped. Stands for Qt's [QSslKey](https://doc.qt.io/qt-5/qsslkey.html).
///
/// TLS uses keys of RSA, of the curves P-256, P-384 and P-521, and of Ed25519. Other keys can be
/// read, asked and written: those of DSA, of Diffie-Hellman, and of other curves, also of curves
/// whose parameters are written out.
///
/// Qt has no name for Ed25519 and reads no such key. Here the algorithm of such a key is
/// [`Opaque`](KeyAlgorithm::Opaque), also to read one, and it has no length.
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
/// These are read:
///
/// * PKCS#8 with PBES2: PBKDF2 or scrypt; AES-CBC, triple DES, DES or RC2
/// * PKCS#8 with the older kinds of PKCS#5 and PKCS#12: MD5 or SHA-1; triple DES with two or three
///   keys, DES, RC2, RC4
/// * traditional PEM (`Proc-Type: 4,ENCRYPTED`): AES-CBC, triple DES with two or three keys, DES,
///   RC2
///
/// MD5, SHA-1, DES, RC2 and RC4 protect badly. They are there to read old files: a key is never
/// written with them. A file says how much work it takes to check a pass phrase. More than
/// 10,000,000 rounds of hashing, or scrypt with more than a gigabyte, is refused.
///
/// Of a pass phrase the first 1024 bytes count, up to the first NUL, as with Qt.
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

impl QSslKey {
    /// A private key that is not encrypted; a null one if the bytes are no such key of that
    /// algorithm.
    #[must_use]
    pub fn new(data: impl AsRef<[u8]>, algorithm: KeyAlgorithm, format: EncodingFormat) -> Self {
        QSslKey::new_with(data, algorithm, format, KeyType::Private, "")
    }

    /// A key; a null one if the bytes are no such key of that algorithm, or the pass phrase is
    /// wrong. It is not looked at if the key is not encrypted.
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
        let (data, pass_phrase) = (data.as_ref(), effective(pass_phrase.as_ref()));
        let decoded = match (format, key_type) {
            (EncodingFormat::Der, KeyType::Private) => {
                encoding::private(data, algorithm, Form::Any, pass_phrase)
            }
            (EncodingFormat::Der, KeyType::Public) => encoding::public(data),
            (EncodingFormat::Pem, KeyType::Private) => {
                let block = pem::find(data, |label| form(label).is_some())?;
                let (form, of) = form(block.label).ok_or(KeyError::NoPemBlock)?;
                if of.is_some_and(|of| of != algorithm) {
                    return Err(KeyError::OtherAlgorithm);
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
            return Err(KeyError::OtherAlgorithm);
        }
        Ok(QSslKey(Some(Arc::new(Key { key_type, decoded }))))
    }

    /// A key of what the device has to read; a null one if that is none. See
    /// [`new_with`](Self::new_with).
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

    /// What it is a key of; [`Opaque`](KeyAlgorithm::Opaque) if it is null or of Ed25519.
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

    /// Its length in bits: that of the modulus, of the prime, or of the numbers of the curve. -1 if
    /// it is null or opaque.
    #[must_use]
    pub fn length(&self) -> i32 {
        let bits = self.0.as_ref().and_then(|key| key.decoded.bits);
        bits.map_or(-1, |bits| i32::try_from(bits).unwrap_or(i32::MAX))
    }

    /// It as text, not encrypted. Empty if it is null.
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

    /// It as text, encrypted if it is private: PKCS#8, with a key of AES-256 made of the pass
    /// phrase by 600,000 rounds of PBKDF2. With an empty pass phrase it is not encrypted, and a
    /// public one never is.
    ///
    /// Empty if it is null. Empty as well if there is a NUL in the pass phrase: reading would stop
    /// at it, here and in Qt. Bytes of the pass phrase behind the first 1024 do not count.
    #[doc(alias = "toPem")]
    #[must_use]
    pub fn to_pem_with(&self, pass_phrase: impl AsRef<[u8]>) -> Vec<u8> {
        let pass_phrase = pass_phrase.as_ref();
        let Some(key) = &self.0 else { return Vec::new() };
        if pass_phrase.is_empty() || key.key_type == KeyType::Public {
            return self.to_pem();
        }
        if pass_phrase.contains(&0) {
            return Vec::new();
        }
        let plain = encoding::to_pkcs8(key.decoded.algorithm, &key.decoded.der);
        let encrypted = plain.and_then(|der| encryption::encrypt(&der, effective(pass_phrase)));
        encrypted.map(|der| to_pem("ENCRYPTED PRIVATE KEY", &der)).unwrap_or_default()
    }

    /// It as bytes, DER, not encrypted. Empty if it is null. Qt gives nothing, either, for a
    /// private key that is to be encrypted as DER.
    #[doc(alias = "toDer")]
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        self.0.as_ref().map(|key| key.decoded.der.to_vec()).unwrap_or_default()
    }

    /// What signs with it, if it is a private key that can. It lives as long as that does, and is
    /// overwritten then; no copy is made on the way.
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

/// The part of a pass phrase that counts, which is what OpenSSL looks at when Qt reads a key.
fn effective(pass_phrase: &[u8]) -> &[u8] {
    let end = pass_phrase.iter().take(1024).position(|byte| *byte == 0);
    &pass_phrase[..end.unwrap_or(pass_phrase.len().min(1024))]
}

/// What a block with this label may contain, if it is a private key, and of which algorithm.
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

/// The bytes of a block, which is encrypted in the traditional way if its header says so.
fn decrypted<'a>(block: &'a Block<'_>, pass_phrase: &[u8]) -> Result<Cow<'a, Secret>, KeyError> {
    let Some(Encryption { cipher, iv }) = &block.encryption else {
        return Ok(Cow::Borrowed(&block.der));
    };
    let salt = iv.get(..8).ok_or(KeyError::Malformed)?;
    let key = derivation::traditional(pass_phrase, salt, cipher.key_length());
    cipher.decrypt(&key, iv, &block.der).map(Cow::Owned).ok_or(KeyError::PassPhrase)
}

/// What comes of decrypting a block with another pass phrase may have the right padding by chance.
fn wrong_pass_phrase<T>(block: &Block<'_>, result: Result<T, KeyError>) -> Result<T, KeyError> {
    result.map_err(|error| match error {
        KeyError::Malformed if block.encryption.is_some() => KeyError::PassPhrase,
        error => error,
    })
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
