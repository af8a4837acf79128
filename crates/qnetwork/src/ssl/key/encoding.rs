//! What is inside of a key.

use pkcs8::{
    EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef,
    der::{
        Decode, Encode, Reader, SliceReader, Tag, TagNumber,
        asn1::{
            AnyRef, BitStringRef, ContextSpecific, ContextSpecificRef, OctetStringRef, UintRef,
        },
    },
    spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef},
};
use zeroize::Zeroizing;

use super::KeyError;
use crate::KeyAlgorithm;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Curves, and the bits of their keys.
const CURVES: [(ObjectIdentifier, u32); 6] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.1"), 192),
    (ObjectIdentifier::new_unwrap("1.3.132.0.33"), 224),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), 256),
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), 256),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), 384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), 521),
];

/// A key, taken out of whatever it was wrapped in.
pub(super) struct Decoded {
    pub(super) algorithm: KeyAlgorithm,
    pub(super) bits: u32,
    /// A private key of RSA as PKCS#1, of curves as SEC1, of Ed25519 as PKCS#8; a public one as
    /// `SubjectPublicKeyInfo`.
    pub(super) der: Zeroizing<Vec<u8>>,
    pub(super) is_ed25519: bool,
}

impl Decoded {
    fn new(algorithm: KeyAlgorithm, bits: u32, der: Vec<u8>) -> Self {
        Decoded { algorithm, bits, der: Zeroizing::new(der), is_ed25519: false }
    }

    fn ed25519(der: Vec<u8>) -> Self {
        Decoded { is_ed25519: true, ..Decoded::new(KeyAlgorithm::Ec, 256, der) }
    }
}

/// A public key, as `SubjectPublicKeyInfo`.
pub(super) fn public(der: &[u8]) -> Result<Decoded, KeyError> {
    let der = outermost(der)?;
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(malformed)?;
    let key = info.subject_public_key.as_bytes().ok_or(KeyError::Malformed)?;
    let (algorithm, bits) = match info.algorithm.oid {
        RSA | RSA_PSS => (KeyAlgorithm::Rsa, integer_bits(key, 0)?),
        EC => (KeyAlgorithm::Ec, curve_bits(&info.algorithm)?),
        DSA => (KeyAlgorithm::Dsa, parameter_bits(&info.algorithm)?),
        ED25519 => return Ok(Decoded::ed25519(der.to_vec())),
        _ => return Err(KeyError::Unsupported),
    };
    Ok(Decoded::new(algorithm, bits, der.to_vec()))
}

/// A private key: as PKCS#8, encrypted or not, or as it is alone, which depends on the algorithm.
pub(super) fn private(
    der: &[u8],
    wanted: KeyAlgorithm,
    pass_phrase: &[u8],
) -> Result<Decoded, KeyError> {
    let der = outermost(der)?;
    if let Ok(info) = PrivateKeyInfoRef::from_der(der) {
        return from_pkcs8(der, &info);
    }
    if let Ok(encrypted) = EncryptedPrivateKeyInfoRef::from_der(der) {
        return decrypt(&encrypted, pass_phrase);
    }
    if is_encrypted(der) {
        return Err(KeyError::Unsupported);
    }
    match wanted {
        KeyAlgorithm::Rsa => rsa(der),
        KeyAlgorithm::Ec => sec1(der),
        KeyAlgorithm::Dsa => dsa(der),
        _ => Err(KeyError::Unsupported),
    }
}

/// Whether it is PKCS#8, encrypted in whatever way.
fn is_encrypted(der: &[u8]) -> bool {
    let parts = SliceReader::new(der).and_then(|mut reader| {
        reader.sequence(|reader: &mut SliceReader<'_>| {
            AlgorithmIdentifierRef::decode(reader)?;
            <&OctetStringRef>::decode(reader).map(drop)
        })
    });
    parts.is_ok()
}

fn decrypt(info: &EncryptedPrivateKeyInfoRef<'_>, pass_phrase: &[u8]) -> Result<Decoded, KeyError> {
    if pass_phrase.is_empty() {
        return Err(KeyError::PassPhrase);
    }
    // Older ways are not known; and work without bound is refused.
    let Some(parameters) = info.encryption_algorithm.pbes2() else {
        return Err(KeyError::Unsupported);
    };
    if !is_bounded(parameters) {
        return Err(KeyError::Unsupported);
    }
    let secret = info.decrypt(pass_phrase).map_err(|_| KeyError::PassPhrase)?;
    let inner = PrivateKeyInfoRef::from_der(secret.as_bytes()).map_err(|_| KeyError::PassPhrase)?;
    from_pkcs8(secret.as_bytes(), &inner)
}

/// Whether making the key of the pass phrase takes no more than some seconds and some hundred megabytes.
fn is_bounded(parameters: &pkcs8::pkcs5::pbes2::Parameters) -> bool {
    use pkcs8::pkcs5::pbes2::Kdf;
    match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= 10_000_000,
        Kdf::Scrypt(scrypt) => {
            let memory = 128 * scrypt.cost_parameter.saturating_mul(u64::from(scrypt.block_size));
            memory.saturating_mul(u64::from(scrypt.parallelization)) <= 1 << 30
        }
        _ => false,
    }
}

fn from_pkcs8(der: &[u8], info: &PrivateKeyInfoRef<'_>) -> Result<Decoded, KeyError> {
    let key = info.private_key.as_bytes();
    match info.algorithm.oid {
        RSA | RSA_PSS => rsa(outermost(key)?),
        EC => {
            let curve = curve(&info.algorithm)?;
            let bits = bits_of(curve)?;
            let der = with_curve(outermost(key)?, curve)?;
            Ok(Decoded { der, ..Decoded::new(KeyAlgorithm::Ec, bits, Vec::new()) })
        }
        ED25519 => Ok(Decoded::ed25519(der.to_vec())),
        _ => Err(KeyError::Unsupported),
    }
}

/// PKCS#1: a sequence of numbers, of which the modulus is the second.
fn rsa(der: &[u8]) -> Result<Decoded, KeyError> {
    Ok(Decoded::new(KeyAlgorithm::Rsa, integer_bits(der, 1)?, der.to_vec()))
}

/// A sequence of numbers, of which the prime is the second.
fn dsa(der: &[u8]) -> Result<Decoded, KeyError> {
    Ok(Decoded::new(KeyAlgorithm::Dsa, integer_bits(der, 1)?, der.to_vec()))
}

/// SEC1: the key, which curve it is of, and perhaps its public half.
fn sec1(der: &[u8]) -> Result<Decoded, KeyError> {
    let parts = Sec1::parse(der)?;
    let bits = bits_of(parts.curve.ok_or(KeyError::Malformed)?)?;
    Ok(Decoded::new(KeyAlgorithm::Ec, bits, der.to_vec()))
}

struct Sec1<'a> {
    key: &'a OctetStringRef,
    curve: Option<ObjectIdentifier>,
    public: Option<BitStringRef<'a>>,
}

impl<'a> Sec1<'a> {
    fn parse(der: &'a [u8]) -> Result<Self, KeyError> {
        let mut reader = SliceReader::new(der).map_err(malformed)?;
        reader
            .sequence(|reader: &mut SliceReader<'a>| {
                let _version = UintRef::decode(reader)?;
                let key = <&OctetStringRef>::decode(reader)?;
                let curve = ContextSpecific::decode_explicit(reader, TagNumber(0))?;
                let public = ContextSpecific::decode_explicit(reader, TagNumber(1))?;
                Ok::<_, pkcs8::der::Error>(Sec1 {
                    key,
                    curve: curve.map(|curve: ContextSpecific<ObjectIdentifier>| curve.value),
                    public: public.map(|public: ContextSpecific<BitStringRef<'a>>| public.value),
                })
            })
            .map_err(malformed)
    }
}

/// Within PKCS#8 the curve is told outside. Writes it into the key.
fn with_curve(der: &[u8], curve: ObjectIdentifier) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let parts = Sec1::parse(der)?;
    if parts.curve.is_some_and(|own| own != curve) {
        return Err(KeyError::Malformed);
    }
    let explicit = |tag_number: u32| (TagNumber(tag_number), pkcs8::der::TagMode::Explicit);
    let (tag_number, tag_mode) = explicit(0);
    let curve = ContextSpecificRef { tag_number, tag_mode, value: &curve };
    let (tag_number, tag_mode) = explicit(1);
    let public = parts.public.as_ref();
    let public = public.map(|value| ContextSpecificRef { tag_number, tag_mode, value });
    let mut inside = Zeroizing::new(Vec::with_capacity(der.len() + 16));
    1u8.encode_to_vec(&mut inside).map_err(malformed)?;
    parts.key.encode_to_vec(&mut inside).map_err(malformed)?;
    curve.encode_to_vec(&mut inside).map_err(malformed)?;
    if let Some(public) = public {
        public.encode_to_vec(&mut inside).map_err(malformed)?;
    }
    let sequence = AnyRef::new(Tag::Sequence, &inside).map_err(malformed)?;
    Ok(Zeroizing::new(sequence.to_der().map_err(malformed)?))
}

/// The bytes of the first value: what follows it is not looked at, as Qt does not.
fn outermost(der: &[u8]) -> Result<&[u8], KeyError> {
    let mut reader = SliceReader::new(der).map_err(malformed)?;
    reader.tlv_bytes().map_err(malformed)
}

fn integer_bits(der: &[u8], index: usize) -> Result<u32, KeyError> {
    let mut reader = SliceReader::new(der).map_err(malformed)?;
    let header = pkcs8::der::Header::decode(&mut reader).map_err(malformed)?;
    if header.tag() != Tag::Sequence {
        return Err(KeyError::Malformed);
    }
    for _ in 0..index {
        UintRef::decode(&mut reader).map_err(malformed)?;
    }
    bits(UintRef::decode(&mut reader).map_err(malformed)?.as_bytes())
}

fn bits(number: &[u8]) -> Result<u32, KeyError> {
    let first = number.first().filter(|first| **first != 0).ok_or(KeyError::Malformed)?;
    let bits = number.len() * 8 - first.leading_zeros() as usize;
    u32::try_from(bits).map_err(|_| KeyError::Malformed)
}

/// The bits of the first number among an algorithm's parameters.
fn parameter_bits(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<u32, KeyError> {
    let parameters = algorithm.parameters.ok_or(KeyError::Malformed)?;
    integer_bits(&parameters.to_der().map_err(malformed)?, 0)
}

fn curve(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<ObjectIdentifier, KeyError> {
    algorithm.parameters_oid().map_err(|_| KeyError::Unsupported)
}

fn curve_bits(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<u32, KeyError> {
    bits_of(curve(algorithm)?)
}

fn bits_of(curve: ObjectIdentifier) -> Result<u32, KeyError> {
    let known = CURVES.iter().find(|(oid, _)| *oid == curve);
    known.map(|(_, bits)| *bits).ok_or(KeyError::Unsupported)
}

fn malformed(_: pkcs8::der::Error) -> KeyError {
    KeyError::Malformed
}

/// A private key as PKCS#8, encrypted with a pass phrase.
pub(super) fn encrypt(
    algorithm: KeyAlgorithm,
    is_ed25519: bool,
    der: &[u8],
    pass_phrase: &[u8],
) -> Option<Vec<u8>> {
    let info = if is_ed25519 {
        PrivateKeyInfoRef::from_der(der).ok()?
    } else {
        let key = OctetStringRef::new(der).ok()?;
        match algorithm {
            KeyAlgorithm::Rsa => PrivateKeyInfoRef::new(
                AlgorithmIdentifierRef { oid: RSA, parameters: Some(AnyRef::NULL) },
                key,
            ),
            KeyAlgorithm::Ec => {
                let curve = Sec1::parse(der).ok()?.curve?;
                let inner = AlgorithmIdentifierRef { oid: EC, parameters: Some((&curve).into()) };
                return encrypt_info(&PrivateKeyInfoRef::new(inner, key), pass_phrase);
            }
            _ => return None,
        }
    };
    encrypt_info(&info, pass_phrase)
}

fn encrypt_info(info: &PrivateKeyInfoRef<'_>, pass_phrase: &[u8]) -> Option<Vec<u8>> {
    let plain = Zeroizing::new(info.to_der().ok()?);
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).ok()?;
    getrandom::fill(&mut iv).ok()?;
    let parameters =
        pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv)
            .ok()?;
    let encrypted = parameters.encrypt(pass_phrase, &plain).ok()?;
    let data = OctetStringRef::new(&encrypted).ok()?;
    EncryptedPrivateKeyInfoRef { encryption_algorithm: parameters.into(), encrypted_data: data }
        .to_der()
        .ok()
}

/// How often a pass phrase is hashed: a third of a second or so for whoever guesses, once for whoever knows.
const ITERATIONS: u32 = 600_000;
