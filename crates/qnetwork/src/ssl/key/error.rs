//! [`KeyError`]: why data is not a key.

use std::fmt;

/// Why data is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyError {
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
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyError::NoPemBlock => "there is no PEM block of such a key",
            KeyError::Malformed => "this is not a key of that algorithm, or it is damaged",
            KeyError::OtherAlgorithm => "this is a key of another algorithm",
            KeyError::PassPhrase => "the key is encrypted, and the pass phrase is wrong or missing",
            KeyError::UnsupportedAlgorithm => "keys of this algorithm are not supported",
            KeyError::UnsupportedCurve => "keys of this elliptic curve are not supported",
            KeyError::UnsupportedEncryption => {
                "the key is encrypted in a way that is not supported"
            }
            KeyError::ExcessiveWork => {
                "checking the pass phrase of the key would take too much time or memory"
            }
        })
    }
}

impl std::error::Error for KeyError {}
