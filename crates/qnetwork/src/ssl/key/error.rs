//! [`SslKeyError`]: why a key cannot be read or written.

use std::{fmt, io};

use crate::common::kind_error;

/// The kinds of [`SslKeyError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SslKeyErrorKind {
    /// The text has no PEM block with the label of such a key.
    NoPemBlock,
    /// The data is damaged or not a key. In an encoding without the name of the algorithm it may
    /// also be a key of another algorithm.
    Malformed,
    /// The key is of another algorithm than requested.
    OtherAlgorithm,
    /// The key is encrypted, and the pass phrase is wrong or missing.
    PassPhrase,
    /// Keys of this algorithm are not supported, for example X25519 keys.
    UnsupportedAlgorithm,
    /// Keys of this elliptic curve are not supported.
    UnsupportedCurve,
    /// The key is encrypted in a way that is not supported, for example with Camellia.
    UnsupportedEncryption,
    /// Checking the pass phrase would take more time or memory than allowed.
    ExcessiveWork,
    /// A key was to be encrypted with a pass phrase that contains a NUL byte.
    NulInPassPhrase,
    /// A null key was to be written.
    NullKey,
    /// The key could not be encrypted: the system has no random numbers.
    EncryptionFailed,
    /// The file cannot be read.
    Io(io::ErrorKind),
}

impl SslKeyErrorKind {
    fn io_kind(self) -> io::ErrorKind {
        match self {
            SslKeyErrorKind::Io(kind) => kind,
            SslKeyErrorKind::NulInPassPhrase | SslKeyErrorKind::NullKey => {
                io::ErrorKind::InvalidInput
            }
            SslKeyErrorKind::EncryptionFailed => io::ErrorKind::Other,
            _ => io::ErrorKind::InvalidData,
        }
    }
}

impl fmt::Display for SslKeyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SslKeyErrorKind::NoPemBlock => "there is no PEM block of such a key",
            SslKeyErrorKind::Malformed => "this is not a key of that algorithm, or it is damaged",
            SslKeyErrorKind::OtherAlgorithm => "this is a key of another algorithm",
            SslKeyErrorKind::PassPhrase => {
                "the key is encrypted, and the pass phrase is wrong or missing"
            }
            SslKeyErrorKind::UnsupportedAlgorithm => "keys of this algorithm are not supported",
            SslKeyErrorKind::UnsupportedCurve => "keys of this elliptic curve are not supported",
            SslKeyErrorKind::UnsupportedEncryption => {
                "the key is encrypted in a way that is not supported"
            }
            SslKeyErrorKind::ExcessiveWork => {
                "checking the pass phrase of the key would take too much time or memory"
            }
            SslKeyErrorKind::NulInPassPhrase => "the pass phrase contains a NUL byte",
            SslKeyErrorKind::NullKey => "the key is null",
            SslKeyErrorKind::EncryptionFailed => "the key could not be encrypted",
            SslKeyErrorKind::Io(kind) => return write!(f, "the file cannot be read: {kind}"),
        })
    }
}

kind_error! {
    /// Why a [`QSslKey`](crate::QSslKey) cannot be read or written.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, KeyAlgorithm, QSslKey, SslKeyErrorKind};
    ///
    /// let (rsa, pem) = (KeyAlgorithm::Rsa, EncodingFormat::Pem);
    /// let error = QSslKey::try_new("garbage", rsa, pem).unwrap_err();
    /// assert_eq!(error, SslKeyErrorKind::NoPemBlock);
    /// assert_eq!(error.to_string(), "there is no PEM block of such a key");
    /// ```
    SslKeyError of SslKeyErrorKind
}
