//! Helpers for reading and writing DER.

use pkcs8::{
    ObjectIdentifier,
    der::{self, Encode, Tag, asn1::AnyRef},
};
use zeroize::Zeroizing;

use super::error::SslKeyErrorKind;

/// Bytes of a private key. They are overwritten when they are dropped.
pub(super) type Secret = Zeroizing<Vec<u8>>;

/// Makes an object identifier of its text; a wrong text does not compile.
pub(super) const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// Converts an error of the DER reader.
pub(super) fn malformed(_: der::Error) -> SslKeyErrorKind {
    SslKeyErrorKind::Malformed
}

/// Encodes a sequence of values that are encoded already.
pub(super) fn sequence(parts: &[&[u8]]) -> der::Result<Secret> {
    let inside = Zeroizing::new(parts.concat());
    Ok(Zeroizing::new(AnyRef::new(Tag::Sequence, &inside)?.to_der()?))
}
