//! Encrypted PKCS#8.

use pkcs8::{
    ObjectIdentifier,
    der::{
        Decode, Encode, Reader, SliceReader, Tag,
        asn1::{AnyRef, OctetStringRef, UintRef},
    },
    spki::AlgorithmIdentifierRef,
};
use zeroize::Zeroizing;

use super::{
    cipher::{self, Cipher},
    der::{Secret, malformed, oid, sequence},
    derivation::{self, Cost, Hash, Purpose},
    error::SslKeyErrorKind,
};

const PBES2: ObjectIdentifier = oid("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");
const SCRYPT: ObjectIdentifier = oid("1.3.6.1.4.1.11591.4.11");
const HMAC_SHA1: ObjectIdentifier = oid("1.2.840.113549.2.7");
const HMAC_SHA256: ObjectIdentifier = oid("1.2.840.113549.2.9");
const AES_256_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.42");
const RC2_CBC: ObjectIdentifier = oid("1.2.840.113549.3.2");

/// The maximum number of hashing rounds, whatever a file says. They take some seconds.
const MOST_ROUNDS: u32 = 10_000_000;

/// The maximum memory of scrypt in bytes, whatever a file says. Filling it takes some seconds.
const MOST_MEMORY: u64 = 1 << 30;

/// The number of hashing rounds for a written key.
///
/// They take about a third of a second: once for the owner, at each guess for an attacker.
const ROUNDS: u32 = 600_000;

/// Decrypts an `EncryptedPrivateKeyInfo`. Returns `None` if the data is not one.
pub(super) fn decrypt(der: &[u8], pass_phrase: &[u8]) -> Option<Result<Secret, SslKeyErrorKind>> {
    let parts = SliceReader::new(der).and_then(|mut reader| {
        reader.sequence(|reader: &mut SliceReader<'_>| {
            Ok((AlgorithmIdentifierRef::decode(reader)?, <&OctetStringRef>::decode(reader)?))
        })
    });
    let (algorithm, data): (AlgorithmIdentifierRef<'_>, &OctetStringRef) = parts.ok()?;
    Some(Scheme::read(&algorithm).and_then(|scheme| {
        scheme.decrypt(pass_phrase, data.as_bytes()).ok_or(SslKeyErrorKind::PassPhrase)
    }))
}

/// An encryption scheme with a pass phrase.
enum Scheme<'a> {
    /// PKCS#5 version 1.5: key and initialization vector are derived together.
    Pbes1 { hash: Hash, cipher: Cipher, salt: &'a [u8], rounds: u32 },
    /// PKCS#12.
    Pkcs12 { cipher: Cipher, salt: &'a [u8], rounds: u32 },
    /// PKCS#5 version 2.
    Pbes2 { derivation: Derivation<'a>, cipher: Cipher, iv: &'a [u8] },
}

impl<'a> Scheme<'a> {
    fn read(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, SslKeyErrorKind> {
        if algorithm.oid == PBES2 {
            return Scheme::pbes2(algorithm.parameters.ok_or(SslKeyErrorKind::Malformed)?);
        }
        let old = OLD.iter().find(|(kind, ..)| *kind == algorithm.oid);
        let &(_, hash, cipher) = old.ok_or(SslKeyErrorKind::UnsupportedEncryption)?;
        let parameters = algorithm.parameters.ok_or(SslKeyErrorKind::Malformed)?;
        let (salt, rounds) = parameters
            .sequence(|reader| Ok((<&OctetStringRef>::decode(reader)?, UintRef::decode(reader)?)))
            .map_err(malformed)?;
        let (salt, rounds) = (salt.as_bytes(), bounded(rounds)?);
        Ok(match hash {
            Some(hash) => Scheme::Pbes1 { hash, cipher, salt, rounds },
            None => Scheme::Pkcs12 { cipher, salt, rounds },
        })
    }

    fn pbes2(parameters: AnyRef<'a>) -> Result<Self, SslKeyErrorKind> {
        let (derivation, encryption) = parameters
            .sequence(|reader| {
                let derivation = AlgorithmIdentifierRef::decode(reader)?;
                Ok((derivation, AlgorithmIdentifierRef::decode(reader)?))
            })
            .map_err(malformed)?;
        let (cipher, iv) = encryption_of(&encryption)?;
        if iv.len() != cipher.iv_length() {
            return Err(SslKeyErrorKind::Malformed);
        }
        let derivation = Derivation::read(&derivation, cipher.key_length())?;
        Ok(Scheme::Pbes2 { derivation, cipher, iv })
    }

    /// Decrypts data. Returns `None` if the pass phrase is wrong.
    fn decrypt(&self, pass_phrase: &[u8], data: &[u8]) -> Option<Secret> {
        match *self {
            Scheme::Pbes1 { hash, cipher, salt, rounds } => {
                let derived = derivation::pbkdf1(hash, pass_phrase, salt, rounds)?;
                let (key, iv) = derived.split_at_checked(cipher.key_length())?;
                cipher.decrypt(key, iv, data)
            }
            Scheme::Pkcs12 { cipher, salt, rounds } => {
                let derive = |purpose, length| {
                    derivation::pkcs12(purpose, pass_phrase, salt, rounds, length)
                };
                let key = derive(Purpose::Key, cipher.key_length());
                let iv = match cipher.iv_length() {
                    0 => Zeroizing::default(),
                    length => derive(Purpose::Iv, length),
                };
                cipher.decrypt(&key, &iv, data)
            }
            Scheme::Pbes2 { ref derivation, cipher, iv } => {
                let key = derivation.derive(pass_phrase, cipher.key_length())?;
                cipher.decrypt(&key, iv, data)
            }
        }
    }
}

/// The schemes that are older than PBES2. Those without a hash belong to PKCS#12.
const OLD: [(ObjectIdentifier, Option<Hash>, Cipher); 10] = [
    (oid("1.2.840.113549.1.5.3"), Some(Hash::Md5), Cipher::Des),
    (oid("1.2.840.113549.1.5.6"), Some(Hash::Md5), Cipher::Rc2(64)),
    (oid("1.2.840.113549.1.5.10"), Some(Hash::Sha1), Cipher::Des),
    (oid("1.2.840.113549.1.5.11"), Some(Hash::Sha1), Cipher::Rc2(64)),
    (oid("1.2.840.113549.1.12.1.1"), None, Cipher::Rc4(128)),
    (oid("1.2.840.113549.1.12.1.2"), None, Cipher::Rc4(40)),
    (oid("1.2.840.113549.1.12.1.3"), None, Cipher::TripleDes3),
    (oid("1.2.840.113549.1.12.1.4"), None, Cipher::TripleDes2),
    (oid("1.2.840.113549.1.12.1.5"), None, Cipher::Rc2(128)),
    (oid("1.2.840.113549.1.12.1.6"), None, Cipher::Rc2(40)),
];

/// The ciphers of PBES2 whose only parameter is the initialization vector.
const CIPHERS: [(ObjectIdentifier, Cipher); 5] = [
    (oid("2.16.840.1.101.3.4.1.2"), Cipher::Aes128),
    (oid("2.16.840.1.101.3.4.1.22"), Cipher::Aes192),
    (AES_256_CBC, Cipher::Aes256),
    (oid("1.3.14.3.2.7"), Cipher::Des),
    (oid("1.2.840.113549.3.7"), Cipher::TripleDes3),
];

/// Reads the cipher and the initialization vector of PBES2.
fn encryption_of<'a>(
    algorithm: &AlgorithmIdentifierRef<'a>,
) -> Result<(Cipher, &'a [u8]), SslKeyErrorKind> {
    let parameters = || algorithm.parameters.ok_or(SslKeyErrorKind::Malformed);
    if algorithm.oid == RC2_CBC {
        let (version, iv) = parameters()?
            .sequence(|reader| Ok((u32::decode(reader)?, <&OctetStringRef>::decode(reader)?)))
            .map_err(malformed)?;
        // RFC 8018 encodes the lengths of keys as these numbers.
        let bits = match version {
            160 => 40,
            120 => 64,
            58 => 128,
            _ => return Err(SslKeyErrorKind::UnsupportedEncryption),
        };
        return Ok((Cipher::Rc2(bits), iv.as_bytes()));
    }
    let known = CIPHERS.iter().find(|(kind, _)| *kind == algorithm.oid);
    let (_, cipher) = known.ok_or(SslKeyErrorKind::UnsupportedEncryption)?;
    let iv: &OctetStringRef = parameters()?.decode_as().map_err(malformed)?;
    Ok((*cipher, iv.as_bytes()))
}

/// How PBES2 derives a key from a pass phrase.
enum Derivation<'a> {
    Pbkdf2 { hash: Hash, salt: &'a [u8], rounds: u32 },
    Scrypt { salt: &'a [u8], cost: Cost },
}

impl<'a> Derivation<'a> {
    fn read(
        algorithm: &AlgorithmIdentifierRef<'a>,
        key_length: usize,
    ) -> Result<Self, SslKeyErrorKind> {
        let parameters = || algorithm.parameters.ok_or(SslKeyErrorKind::Malformed);
        let (derivation, length) = match algorithm.oid {
            PBKDF2 => Derivation::pbkdf2(parameters()?)?,
            SCRYPT => Derivation::scrypt(parameters()?)?,
            _ => return Err(SslKeyErrorKind::UnsupportedEncryption),
        };
        match length {
            Some(length) if usize::from(length) != key_length => Err(SslKeyErrorKind::Malformed),
            _ => Ok(derivation),
        }
    }

    /// Reads the parameters of PBKDF2, with the length of the key if it is given.
    fn pbkdf2(parameters: AnyRef<'a>) -> Result<(Self, Option<u16>), SslKeyErrorKind> {
        let (salt, rounds, length, hash) = parameters
            .sequence(|reader| {
                let salt = <&OctetStringRef>::decode(reader)?;
                let rounds = UintRef::decode(reader)?;
                let length = Option::<u16>::decode(reader)?;
                let hash = Option::<AlgorithmIdentifierRef<'_>>::decode(reader)?;
                Ok((salt, rounds, length, hash.map_or(HMAC_SHA1, |hash| hash.oid)))
            })
            .map_err(malformed)?;
        let known = HASHES.iter().find(|(kind, _)| *kind == hash);
        let &(_, hash) = known.ok_or(SslKeyErrorKind::UnsupportedEncryption)?;
        let (salt, rounds) = (salt.as_bytes(), bounded(rounds)?);
        Ok((Derivation::Pbkdf2 { hash, salt, rounds }, length))
    }

    fn scrypt(parameters: AnyRef<'a>) -> Result<(Self, Option<u16>), SslKeyErrorKind> {
        let (salt, [n, r, p], length) = parameters
            .sequence(|reader| {
                let salt = <&OctetStringRef>::decode(reader)?;
                let mut number = || UintRef::decode(reader).map(large);
                let numbers = [number()?, number()?, number()?];
                Ok((salt, numbers, Option::<u16>::decode(reader)?))
            })
            .map_err(malformed)?;
        let work = n.saturating_mul(r).saturating_mul(p).saturating_mul(128);
        if work > MOST_MEMORY {
            return Err(SslKeyErrorKind::ExcessiveWork);
        }
        let small = |number| u32::try_from(number).map_err(|_| SslKeyErrorKind::ExcessiveWork);
        let cost = Cost { n, r: small(r)?, p: small(p)? };
        Ok((Derivation::Scrypt { salt: salt.as_bytes(), cost }, length))
    }

    fn derive(&self, pass_phrase: &[u8], length: usize) -> Option<Secret> {
        match *self {
            Derivation::Pbkdf2 { hash, salt, rounds } => {
                Some(derivation::pbkdf2(hash, pass_phrase, salt, rounds, length))
            }
            Derivation::Scrypt { salt, cost } => {
                derivation::scrypt(pass_phrase, salt, cost, length)
            }
        }
    }
}

/// The hashes of PBKDF2.
const HASHES: [(ObjectIdentifier, Hash); 8] = [
    (oid("1.2.840.113549.2.6"), Hash::Md5),
    (HMAC_SHA1, Hash::Sha1),
    (oid("1.2.840.113549.2.8"), Hash::Sha224),
    (HMAC_SHA256, Hash::Sha256),
    (oid("1.2.840.113549.2.10"), Hash::Sha384),
    (oid("1.2.840.113549.2.11"), Hash::Sha512),
    (oid("1.2.840.113549.2.12"), Hash::Sha512In224),
    (oid("1.2.840.113549.2.13"), Hash::Sha512In256),
];

/// Returns the number, or the maximum if it is larger.
fn large(number: UintRef<'_>) -> u64 {
    let bytes = number.as_bytes();
    let fits = bytes.len() <= size_of::<u64>();
    let value = || bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    if fits { value() } else { u64::MAX }
}

/// Reads a number of rounds, within the limit.
fn bounded(rounds: UintRef<'_>) -> Result<u32, SslKeyErrorKind> {
    let rounds = u32::try_from(large(rounds)).ok().filter(|rounds| *rounds <= MOST_ROUNDS);
    match rounds.ok_or(SslKeyErrorKind::ExcessiveWork)? {
        0 => Err(SslKeyErrorKind::Malformed),
        rounds => Ok(rounds),
    }
}

/// Encrypts PKCS#8 to an `EncryptedPrivateKeyInfo`. Returns `None` if the system has no random
/// numbers.
pub(super) fn encrypt(plain: &[u8], pass_phrase: &[u8]) -> Option<Vec<u8>> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).ok()?;
    getrandom::fill(&mut iv).ok()?;
    let derived = derivation::pbkdf2(Hash::Sha256, pass_phrase, &salt, ROUNDS, 32);
    let data = cipher::encrypt(derived.as_slice().try_into().ok()?, &iv, plain);
    written(&salt, &iv, &data).ok()
}

fn written(salt: &[u8], iv: &[u8], data: &[u8]) -> pkcs8::der::Result<Vec<u8>> {
    let octets = |bytes| OctetStringRef::new(bytes).and_then(|octets| octets.to_der());
    let identified = |kind: ObjectIdentifier, parameters: &[u8]| {
        Ok::<_, pkcs8::der::Error>(sequence(&[&kind.to_der()?, parameters])?.to_vec())
    };
    let hash = identified(HMAC_SHA256, &AnyRef::NULL.to_der()?)?;
    let derivation = sequence(&[&octets(salt)?, &ROUNDS.to_der()?, &hash])?;
    let derivation = identified(PBKDF2, &derivation)?;
    let encryption = identified(AES_256_CBC, &octets(iv)?)?;
    let scheme = identified(PBES2, &sequence(&[&derivation, &encryption])?)?;
    AnyRef::new(Tag::Sequence, &[scheme, octets(data)?].concat())?.to_der()
}
