//! Reading and converting the encodings of keys.

use pkcs8::{
    ObjectIdentifier, PrivateKeyInfoRef,
    der::{
        Decode, Encode, Header, Reader, SliceReader, Tag, TagNumber,
        asn1::{AnyRef, BitStringRef, ContextSpecific, OctetStringRef, UintRef},
    },
    spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef},
};
use zeroize::Zeroizing;

use super::{
    curves,
    der::{Secret, malformed, oid, sequence},
    dsa, encryption,
    error::SslKeyErrorKind,
};
use crate::ssl::kinds::KeyAlgorithm;

const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const EC: ObjectIdentifier = oid("1.2.840.10045.2.1");
const DSA: ObjectIdentifier = oid("1.2.840.10040.4.1");
/// Diffie-Hellman of PKCS#3.
const DH: ObjectIdentifier = oid("1.2.840.113549.1.3.1");
/// Diffie-Hellman of X9.42.
const DHX: ObjectIdentifier = oid("1.2.840.10046.2.1");
const ED25519: ObjectIdentifier = oid("1.3.101.112");

const PRIME_FIELD: ObjectIdentifier = oid("1.2.840.10045.1.1");
const BINARY_FIELD: ObjectIdentifier = oid("1.2.840.10045.1.2");

/// A key without its wrapping.
pub(super) struct Decoded {
    pub(super) algorithm: KeyAlgorithm,
    /// `None` if it is opaque.
    pub(super) bits: Option<u32>,
    /// A private key: PKCS#1 for RSA, SEC1 for curves, OpenSSL's sequence of numbers for DSA,
    /// PKCS#8 for Diffie-Hellman and Ed25519. A public key: `SubjectPublicKeyInfo`.
    pub(super) der: Secret,
}

impl Decoded {
    fn new(algorithm: KeyAlgorithm, bits: u32, der: impl Into<Secret>) -> Self {
        Decoded { algorithm, bits: Some(bits), der: der.into() }
    }

    /// Describes an Ed25519 key. Qt has no name for this algorithm.
    fn ed25519(der: &[u8]) -> Self {
        Decoded { algorithm: KeyAlgorithm::Opaque, bits: None, der: der.to_vec().into() }
    }
}

/// The forms that are allowed for a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Any of the others.
    Any,
    /// The form of the key's algorithm, or unencrypted PKCS#8.
    Own,
    /// Unencrypted PKCS#8.
    Plain,
    /// PKCS#8, encrypted or not.
    Pkcs8,
}

/// Reads a public key from a `SubjectPublicKeyInfo`.
pub(super) fn public(der: &[u8]) -> Result<Decoded, SslKeyErrorKind> {
    let der = outermost(der)?;
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(malformed)?;
    let key = info.subject_public_key.as_bytes().ok_or(SslKeyErrorKind::Malformed)?;
    let parameters = || info.algorithm.parameters.ok_or(SslKeyErrorKind::Malformed);
    let (algorithm, bits) = match info.algorithm.oid {
        RSA => (KeyAlgorithm::Rsa, bits(numbers::<2>(key)?[0])?),
        RSA_PSS => {
            // As in Qt, restrictions of the key are dropped.
            let bits = bits(numbers::<2>(key)?[0])?;
            let der = rsa_info(&info.subject_public_key).map_err(malformed)?;
            return Ok(Decoded::new(KeyAlgorithm::Rsa, bits, der));
        }
        EC => (KeyAlgorithm::Ec, Curve(parameters()?).bits_with(key)?),
        DSA => {
            UintRef::from_der(key).map_err(malformed)?;
            (KeyAlgorithm::Dsa, bits(dsa_parameters(parameters()?)?[0])?)
        }
        DH | DHX => {
            UintRef::from_der(key).map_err(malformed)?;
            (KeyAlgorithm::Dh, bits(first_number(parameters()?)?)?)
        }
        ED25519 if key.len() == 32 => return Ok(Decoded::ed25519(der)),
        ED25519 => return Err(SslKeyErrorKind::Malformed),
        _ => return Err(SslKeyErrorKind::UnsupportedAlgorithm),
    };
    Ok(Decoded::new(algorithm, bits, der.to_vec()))
}

/// Encodes a public RSA key as `SubjectPublicKeyInfo`.
fn rsa_info(key: &BitStringRef<'_>) -> pkcs8::der::Result<Vec<u8>> {
    let algorithm = AlgorithmIdentifierRef { oid: RSA, parameters: Some(AnyRef::NULL) };
    SubjectPublicKeyInfoRef { algorithm, subject_public_key: *key }.to_der()
}

/// Reads a private key. `wanted` determines the algorithm of forms that do not name it.
pub(super) fn private(
    der: &[u8],
    wanted: KeyAlgorithm,
    form: Form,
    pass_phrase: &[u8],
) -> Result<Decoded, SslKeyErrorKind> {
    let der = outermost(der)?;
    if let Ok(info) = PrivateKeyInfoRef::from_der(der) {
        return from_pkcs8(der, &info);
    }
    if matches!(form, Form::Any | Form::Pkcs8)
        && let Some(decrypted) = encryption::decrypt(der, pass_phrase)
    {
        let secret = decrypted?;
        // A wrong pass phrase rarely yields the right padding. Then the content is not a key.
        let inner = outermost(&secret).map_err(|_| SslKeyErrorKind::PassPhrase)?;
        let info = PrivateKeyInfoRef::from_der(inner).map_err(|_| SslKeyErrorKind::PassPhrase)?;
        return from_pkcs8(inner, &info);
    }
    match wanted {
        _ if !matches!(form, Form::Any | Form::Own) => Err(SslKeyErrorKind::Malformed),
        KeyAlgorithm::Rsa => rsa(der),
        KeyAlgorithm::Ec => sec1(der),
        KeyAlgorithm::Dsa => traditional_dsa(der),
        _ => Err(SslKeyErrorKind::Malformed),
    }
}

fn from_pkcs8(der: &[u8], info: &PrivateKeyInfoRef<'_>) -> Result<Decoded, SslKeyErrorKind> {
    let key = info.private_key.as_bytes();
    let parameters = || info.algorithm.parameters.ok_or(SslKeyErrorKind::Malformed);
    match info.algorithm.oid {
        RSA | RSA_PSS => rsa(outermost(key)?),
        EC => {
            let curve = Curve(parameters()?);
            let parts = Sec1::parse(outermost(key)?)?;
            if parts.curve.is_some_and(|own| own.0 != curve.0) {
                return Err(SslKeyErrorKind::Malformed);
            }
            let bits = parts.bits(curve)?;
            let der = parts.written(curve).map_err(malformed)?;
            Ok(Decoded::new(KeyAlgorithm::Ec, bits, der))
        }
        DSA => {
            let [p, q, g] = dsa_parameters(parameters()?)?;
            let secret = UintRef::from_der(key).map_err(malformed)?;
            let public =
                dsa::public_key([p, q, g].map(|number| number.as_bytes()), secret.as_bytes());
            let public = public.ok_or(SslKeyErrorKind::Malformed)?;
            let public = UintRef::new(&public).map_err(malformed)?;
            let zero = UintRef::new(&[0]).map_err(malformed)?;
            let parts = [zero, p, q, g, public, secret];
            let parts = parts.map(|number| number.to_der().map(Zeroizing::new));
            let mut inside = Zeroizing::new(Vec::with_capacity(2 * der.len()));
            for part in parts {
                inside.extend_from_slice(&part.map_err(malformed)?);
            }
            let der = sequence(&[&inside]).map_err(malformed)?;
            Ok(Decoded::new(KeyAlgorithm::Dsa, bits(p)?, der))
        }
        DH | DHX => {
            UintRef::from_der(key).map_err(malformed)?;
            let bits = bits(first_number(parameters()?)?)?;
            Ok(Decoded::new(KeyAlgorithm::Dh, bits, der.to_vec()))
        }
        ED25519 => match <&OctetStringRef>::from_der(key) {
            Ok(key) if key.as_bytes().len() == 32 => Ok(Decoded::ed25519(der)),
            _ => Err(SslKeyErrorKind::Malformed),
        },
        _ => Err(SslKeyErrorKind::UnsupportedAlgorithm),
    }
}

/// Reads PKCS#1: a version and eight numbers, of which the modulus is the first. Numbers of further
/// primes may follow.
fn rsa(der: &[u8]) -> Result<Decoded, SslKeyErrorKind> {
    let modulus = SliceReader::new(der).and_then(|mut reader| {
        reader.sequence(|reader: &mut SliceReader<'_>| {
            let version = u8::decode(reader)?;
            let modulus = UintRef::decode(reader)?;
            for _ in 0..7 {
                UintRef::decode(reader)?;
            }
            match version {
                0 => {}
                1 if !reader.is_finished() => {
                    AnyRef::decode(reader)?.sequence(|primes| {
                        AnyRef::decode(primes)?;
                        while !primes.is_finished() {
                            AnyRef::decode(primes)?;
                        }
                        Ok::<_, pkcs8::der::Error>(())
                    })?;
                }
                _ => return Err(Tag::Integer.value_error().into()),
            }
            Ok::<_, pkcs8::der::Error>(modulus)
        })
    });
    Ok(Decoded::new(KeyAlgorithm::Rsa, bits(modulus.map_err(malformed)?)?, der.to_vec()))
}

/// Reads OpenSSL's sequence: zero, p, q, g, the public and the secret number.
fn traditional_dsa(der: &[u8]) -> Result<Decoded, SslKeyErrorKind> {
    let [version, p, ..] = numbers::<6>(der)?;
    if version.as_bytes() != [0] {
        return Err(SslKeyErrorKind::Malformed);
    }
    Ok(Decoded::new(KeyAlgorithm::Dsa, bits(p)?, der.to_vec()))
}

fn dsa_parameters(parameters: AnyRef<'_>) -> Result<[UintRef<'_>; 3], SslKeyErrorKind> {
    parameters
        .sequence(|reader| {
            Ok([UintRef::decode(reader)?, UintRef::decode(reader)?, UintRef::decode(reader)?])
        })
        .map_err(malformed)
}

/// Reads SEC1: the key, its curve, and possibly its public half.
fn sec1(der: &[u8]) -> Result<Decoded, SslKeyErrorKind> {
    let parts = Sec1::parse(der)?;
    let bits = parts.bits(parts.curve.ok_or(SslKeyErrorKind::Malformed)?)?;
    Ok(Decoded::new(KeyAlgorithm::Ec, bits, der.to_vec()))
}

struct Sec1<'a> {
    key: &'a OctetStringRef,
    curve: Option<Curve<'a>>,
    public: Option<BitStringRef<'a>>,
}

impl<'a> Sec1<'a> {
    fn parse(der: &'a [u8]) -> Result<Self, SslKeyErrorKind> {
        let mut reader = SliceReader::new(der).map_err(malformed)?;
        reader
            .sequence(|reader: &mut SliceReader<'a>| {
                let _version = UintRef::decode(reader)?;
                let key = <&OctetStringRef>::decode(reader)?;
                let curve = ContextSpecific::<AnyRef<'a>>::decode_explicit(reader, TagNumber(0))?;
                let public =
                    ContextSpecific::<BitStringRef<'a>>::decode_explicit(reader, TagNumber(1))?;
                Ok::<_, pkcs8::der::Error>(Sec1 {
                    key,
                    curve: curve.map(|curve| Curve(curve.value)),
                    public: public.map(|public| public.value),
                })
            })
            .map_err(malformed)
    }

    /// Returns the size of the curve if the public half has the form of one of its points.
    fn bits(&self, curve: Curve<'_>) -> Result<u32, SslKeyErrorKind> {
        match &self.public {
            Some(public) => curve.bits_with(public.as_bytes().ok_or(SslKeyErrorKind::Malformed)?),
            None => curve.bits(),
        }
    }

    /// Encodes the key with its curve, which PKCS#8 has outside the key.
    fn written(&self, curve: Curve<'_>) -> pkcs8::der::Result<Secret> {
        let key = Zeroizing::new(self.key.to_der()?);
        let curve = explicit(0, &curve.0.to_der()?)?;
        let public = match &self.public {
            Some(public) => explicit(1, &public.to_der()?)?,
            None => Vec::new(),
        };
        sequence(&[&1u8.to_der()?, &key, &curve, &public])
    }
}

/// The parameters of a key: the name of a curve, or explicit parameters.
#[derive(Clone, Copy)]
struct Curve<'a>(AnyRef<'a>);

impl Curve<'_> {
    /// Returns the number of bits of the curve's numbers.
    fn bits(self) -> Result<u32, SslKeyErrorKind> {
        if self.0.header().tag() == Tag::ObjectIdentifier {
            let name = self.0.decode_as().map_err(malformed)?;
            return curves::bits(name).ok_or(SslKeyErrorKind::UnsupportedCurve);
        }
        let (kind, field) = self
            .0
            .sequence(|reader| {
                let _version = UintRef::decode(reader)?;
                let field = AnyRef::decode(reader)?.sequence(|reader| {
                    let kind = ObjectIdentifier::decode(reader)?;
                    Ok::<_, pkcs8::der::Error>((kind, AnyRef::decode(reader)?))
                })?;
                while !reader.is_finished() {
                    AnyRef::decode(reader)?;
                }
                Ok(field)
            })
            .map_err(malformed)?;
        match kind {
            PRIME_FIELD => bits(field.decode_as().map_err(malformed)?),
            BINARY_FIELD => {
                let degree = first_number(field)?;
                let bytes = degree.as_bytes();
                let degree = bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
                (bytes.len() <= 2).then_some(degree).ok_or(SslKeyErrorKind::UnsupportedCurve)
            }
            _ => Err(SslKeyErrorKind::UnsupportedCurve),
        }
    }

    /// Returns the number of bits if the point has the form and the length of a point of the curve.
    fn bits_with(self, point: &[u8]) -> Result<u32, SslKeyErrorKind> {
        let bits = self.bits()?;
        let number = usize::try_from(bits.div_ceil(8)).map_err(|_| SslKeyErrorKind::Malformed)?;
        let length = match point.first() {
            Some(2 | 3) => 1 + number,
            Some(4 | 6 | 7) => 1 + 2 * number,
            _ => return Err(SslKeyErrorKind::Malformed),
        };
        if point.len() == length { Ok(bits) } else { Err(SslKeyErrorKind::Malformed) }
    }
}

/// Returns the bytes of the first value. As in Qt, anything behind it is ignored.
fn outermost(der: &[u8]) -> Result<&[u8], SslKeyErrorKind> {
    let mut reader = SliceReader::new(der).map_err(malformed)?;
    reader.tlv_bytes().map_err(malformed)
}

/// Reads a sequence of exactly this many numbers.
fn numbers<const COUNT: usize>(der: &[u8]) -> Result<[UintRef<'_>; COUNT], SslKeyErrorKind> {
    let mut numbers = Vec::with_capacity(COUNT);
    SliceReader::new(der)
        .and_then(|mut reader| {
            reader.sequence(|reader: &mut SliceReader<'_>| {
                for _ in 0..COUNT {
                    numbers.push(UintRef::decode(reader)?);
                }
                Ok::<_, pkcs8::der::Error>(())
            })
        })
        .map_err(malformed)?;
    numbers.try_into().map_err(|_| SslKeyErrorKind::Malformed)
}

/// Reads the first number of a sequence.
fn first_number(sequence: AnyRef<'_>) -> Result<UintRef<'_>, SslKeyErrorKind> {
    sequence
        .sequence(|reader| {
            let first = UintRef::decode(reader)?;
            while !reader.is_finished() {
                AnyRef::decode(reader)?;
            }
            Ok(first)
        })
        .map_err(malformed)
}

fn bits(number: UintRef<'_>) -> Result<u32, SslKeyErrorKind> {
    let bytes = number.as_bytes();
    let first = bytes.first().filter(|first| **first != 0).ok_or(SslKeyErrorKind::Malformed)?;
    let bits = bytes.len() * 8 - first.leading_zeros() as usize;
    u32::try_from(bits).map_err(|_| SslKeyErrorKind::Malformed)
}

/// Encodes a value with an explicit tag.
fn explicit(number: u32, value: &[u8]) -> pkcs8::der::Result<Vec<u8>> {
    let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(number) };
    let mut written = Header::new(tag, value.len().try_into()?).to_der()?;
    written.extend_from_slice(value);
    Ok(written)
}

/// Converts a private key to PKCS#8.
pub(super) fn to_pkcs8(algorithm: KeyAlgorithm, der: &Secret) -> Option<Secret> {
    let (kind, parameters, number);
    let key: &[u8] = match algorithm {
        KeyAlgorithm::Rsa => {
            (kind, parameters) = (RSA, AnyRef::NULL.to_der().ok()?);
            der
        }
        KeyAlgorithm::Ec => {
            (kind, parameters) = (EC, Sec1::parse(der).ok()?.curve?.0.to_der().ok()?);
            der
        }
        KeyAlgorithm::Dsa => {
            let [_, p, q, g, _, secret] = numbers::<6>(der).ok()?;
            let [p, q, g] = [p, q, g].map(|number| number.to_der());
            (kind, parameters) = (DSA, sequence(&[&p.ok()?, &q.ok()?, &g.ok()?]).ok()?.to_vec());
            number = Zeroizing::new(secret.to_der().ok()?);
            &number
        }
        _ => return Some(der.clone()),
    };
    let parameters = AnyRef::from_der(&parameters).ok()?;
    let identifier = AlgorithmIdentifierRef { oid: kind, parameters: Some(parameters) };
    let info = PrivateKeyInfoRef::new(identifier, OctetStringRef::new(key).ok()?);
    Some(Zeroizing::new(info.to_der().ok()?))
}
