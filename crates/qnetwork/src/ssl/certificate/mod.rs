//! [`QSslCertificate`].

pub(in crate::ssl) mod der;
mod describe;
mod description;
mod error;
mod extension;
mod hex;
mod issuing;
mod known_bad;
mod name;
mod oid;
mod oids;
mod parse;
mod path;
mod pem;
mod policies;
mod public_key;
#[cfg(test)]
mod tests;
mod text;
mod time;

use std::{
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::SystemTime,
};

use md5::{Digest, Md5};
use qcore::QIODevice;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use self::hex::hex;
pub use self::{
    error::{SslCertificateError, SslCertificateErrorKind},
    extension::{ExtensionValue, QSslCertificateExtension},
};
pub(in crate::ssl) use self::{
    name::DistinguishedName,
    parse::{GeneralName, NameConstraints, Parsed},
    public_key::{Algorithm, KeyBits, KeyKind, PublicKeyInfo},
    time::{parse as parse_time, seconds},
};
use super::{
    key::QSslKey,
    kinds::{AlternativeNameEntryType, EncodingFormat},
    pem::to_pem,
};

/// A certificate: a public key, its owner, and the signature of an issuer.
///
/// A value that is cheap to clone, `Send` and `Sync`. The default certificate is null, and so is
/// one that was made of invalid data. Two certificates are equal if their bytes are equal.
///
/// # Examples
///
/// ```
/// use qnetwork::{EncodingFormat, QSslCertificate, SubjectInfo};
///
/// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
/// let certificate = QSslCertificate::new(&pem, EncodingFormat::Pem);
/// assert_eq!(certificate.subject_info(SubjectInfo::CommonName), ["rcgen self signed cert"]);
/// assert!(certificate.is_self_signed());
///
/// assert!(QSslCertificate::new("garbage", EncodingFormat::Pem).is_null());
/// ```
///
/// Qt's page: [QSslCertificate](https://doc.qt.io/qt-5/qsslcertificate.html).
#[derive(Clone, Default)]
pub struct QSslCertificate {
    parsed: Option<Arc<Parsed>>,
}

qcore::numbered! {
    /// An attribute of a subject or an issuer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum SubjectInfo {
        /// The organization: `O`.
        Organization = 0,
        /// The common name, for example a host name: `CN`.
        CommonName = 1,
        /// The locality: `L`.
        LocalityName = 2,
        /// The organizational unit: `OU`.
        OrganizationalUnitName = 3,
        /// The country, a code of two letters: `C`.
        CountryName = 4,
        /// The state or province: `ST`.
        StateOrProvinceName = 5,
        /// What distinguishes the subject from others of the same name: `dnQualifier`.
        DistinguishedNameQualifier = 6,
        /// A serial number, for example of a device; not that of the certificate: `serialNumber`.
        SerialNumber = 7,
        /// An email address: `emailAddress`.
        EmailAddress = 8,
    }
}

qcore::numbered! {
    /// A hash algorithm for fingerprints of certificates.
    ///
    /// Stands for those values of Qt's [QCryptographicHash::Algorithm][qt] that fingerprints use.
    ///
    /// [qt]: https://doc.qt.io/qt-5/qcryptographichash.html#Algorithm-enum
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum HashAlgorithm {
        /// MD5, 16 bytes. The default of [`QSslCertificate::digest`], because it is Qt's. It does
        /// not protect against forgery.
        #[default]
        Md5 = 1,
        /// SHA-1, 20 bytes.
        Sha1 = 2,
        /// SHA-224, 28 bytes.
        Sha224 = 3,
        /// SHA-256, 32 bytes.
        Sha256 = 4,
        /// SHA-384, 48 bytes.
        Sha384 = 5,
        /// SHA-512, 64 bytes.
        Sha512 = 6,
    }
}

impl QSslCertificate {
    /// Reads the first certificate of the data. Returns a null one if there is none.
    #[must_use]
    pub fn new(data: impl AsRef<[u8]>, format: EncodingFormat) -> Self {
        certificates(data.as_ref(), format).next().unwrap_or_default()
    }

    /// Creates the first certificate in the data.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslCertificate, SslCertificateErrorKind};
    ///
    /// let error = QSslCertificate::try_new("garbage", EncodingFormat::Der).unwrap_err();
    /// assert_eq!(error, SslCertificateErrorKind::NoCertificate);
    /// ```
    ///
    /// # Errors
    ///
    /// [`SslCertificateError`] if the data contains no certificate.
    pub fn try_new(
        data: impl AsRef<[u8]>,
        format: EncodingFormat,
    ) -> Result<Self, SslCertificateError> {
        let data = data.as_ref();
        certificates(data, format).next().ok_or_else(|| none_found(data, format))
    }

    /// Creates all certificates in the data: at least one.
    ///
    /// As in Qt, the result omits PEM data that is not a certificate. DER data that is not a
    /// certificate ends the list.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslCertificate};
    ///
    /// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    /// assert_eq!(QSslCertificate::from_data(pem.repeat(2), EncodingFormat::Pem)?.len(), 2);
    /// # Ok::<(), qnetwork::SslCertificateError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SslCertificateError`] if the data contains no certificate, where Qt returns an empty list.
    #[doc(alias = "fromData")]
    pub fn from_data(
        data: impl AsRef<[u8]>,
        format: EncodingFormat,
    ) -> Result<Vec<Self>, SslCertificateError> {
        let data = data.as_ref();
        let found: Vec<_> = certificates(data, format).collect();
        if found.is_empty() { Err(none_found(data, format)) } else { Ok(found) }
    }

    /// Reads all data from a device and creates all certificates in it. See
    /// [`from_data`](Self::from_data).
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    /// use qnetwork::{EncodingFormat, QSslCertificate};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::READ_ONLY).unwrap();
    /// assert!(QSslCertificate::from_device(&buffer, EncodingFormat::Pem).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_data`](Self::from_data).
    #[doc(alias = "fromDevice")]
    pub fn from_device(
        device: &QIODevice,
        format: EncodingFormat,
    ) -> Result<Vec<Self>, SslCertificateError> {
        QSslCertificate::from_data(device.read_all(), format)
    }

    /// Makes the certificate null.
    pub fn clear(&mut self) {
        *self = QSslCertificate::default();
    }

    /// Exchanges two certificates.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }

    /// Returns whether the certificate is null.
    #[doc(alias = "isNull")]
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.parsed.is_none()
    }

    /// Returns whether subject and issuer have the same name. The signature is not checked.
    #[doc(alias = "isSelfSigned")]
    #[must_use]
    pub fn is_self_signed(&self) -> bool {
        self.parsed.as_ref().is_some_and(|parsed| parsed.is_self_signed())
    }

    /// Returns whether Qt lists the certificate as fraudulent. The list has serial numbers and
    /// names: certificates for Google, Yahoo and others that were obtained by break-ins in 2011,
    /// the authorities that were broken into, and similar cases.
    #[doc(alias = "isBlacklisted")]
    #[must_use]
    pub fn is_blacklisted(&self) -> bool {
        self.parsed.as_ref().is_some_and(|parsed| known_bad::is_known_bad(parsed))
    }

    /// Returns the version: `"3"`, or `"1"` for old certificates; empty for a null one.
    #[must_use]
    pub fn version(&self) -> String {
        self.parsed.as_ref().map(|parsed| parsed.version.to_string()).unwrap_or_default()
    }

    /// Returns the serial number in hexadecimal with colons between the bytes, as in `"01:2f"`;
    /// empty for a null certificate.
    #[doc(alias = "serialNumber")]
    #[must_use]
    pub fn serial_number(&self) -> String {
        self.parsed.as_ref().map(|parsed| hex(&parsed.serial, ":")).unwrap_or_default()
    }

    /// Returns the hash of the DER, which identifies the certificate. For a null certificate it is
    /// the hash of no bytes.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, HashAlgorithm, QSslCertificate};
    ///
    /// let key = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    /// let certificate = QSslCertificate::new(key.cert.der(), EncodingFormat::Der);
    /// assert_eq!(certificate.digest(HashAlgorithm::Sha256).len(), 32);
    /// ```
    #[must_use]
    pub fn digest(&self, algorithm: HashAlgorithm) -> Vec<u8> {
        let der = self.der();
        match algorithm {
            HashAlgorithm::Md5 => Md5::digest(der).to_vec(),
            HashAlgorithm::Sha1 => Sha1::digest(der).to_vec(),
            HashAlgorithm::Sha224 => Sha224::digest(der).to_vec(),
            HashAlgorithm::Sha256 => Sha256::digest(der).to_vec(),
            HashAlgorithm::Sha384 => Sha384::digest(der).to_vec(),
            HashAlgorithm::Sha512 => Sha512::digest(der).to_vec(),
        }
    }

    /// Returns the values of a subject's attribute. As with Qt, the last one comes first.
    ///
    /// The attribute is a [`SubjectInfo`] or a name such as `"CN"` or `"1.2.3.4"`, as
    /// [`subject_info_attributes`](Self::subject_info_attributes) returns it.
    #[doc(alias = "subjectInfo")]
    #[must_use]
    pub fn subject_info<'a>(&self, attribute: impl Into<InfoAttribute<'a>>) -> Vec<String> {
        let attribute = attribute.into().0;
        self.parsed.as_ref().map(|parsed| parsed.subject.values(attribute)).unwrap_or_default()
    }

    /// Returns the values of an issuer's attribute. See [`subject_info`](Self::subject_info).
    #[doc(alias = "issuerInfo")]
    #[must_use]
    pub fn issuer_info<'a>(&self, attribute: impl Into<InfoAttribute<'a>>) -> Vec<String> {
        let attribute = attribute.into().0;
        self.parsed.as_ref().map(|parsed| parsed.issuer.values(attribute)).unwrap_or_default()
    }

    /// Returns the names of the subject's attributes, sorted: `"CN"`, `"O"` and so on; object
    /// identifiers for attributes without a name.
    #[doc(alias = "subjectInfoAttributes")]
    #[must_use]
    pub fn subject_info_attributes(&self) -> Vec<String> {
        self.parsed.as_ref().map(|parsed| parsed.subject.attribute_names()).unwrap_or_default()
    }

    /// Returns the names of the issuer's attributes.
    #[doc(alias = "issuerInfoAttributes")]
    #[must_use]
    pub fn issuer_info_attributes(&self) -> Vec<String> {
        self.parsed.as_ref().map(|parsed| parsed.issuer.attribute_names()).unwrap_or_default()
    }

    /// Returns a name for the subject: the common name, or else the organization, or else the
    /// organizational unit.
    #[doc(alias = "subjectDisplayName")]
    #[must_use]
    pub fn subject_display_name(&self) -> String {
        self.parsed.as_ref().map(|parsed| display_name(&parsed.subject)).unwrap_or_default()
    }

    /// Returns a name for the issuer. See [`subject_display_name`](Self::subject_display_name).
    #[doc(alias = "issuerDisplayName")]
    #[must_use]
    pub fn issuer_display_name(&self) -> String {
        self.parsed.as_ref().map(|parsed| display_name(&parsed.issuer)).unwrap_or_default()
    }

    /// Returns the hosts, IP addresses and email addresses that the certificate is for. As with Qt,
    /// the last one of each kind comes first.
    ///
    /// ```
    /// use qnetwork::{AlternativeNameEntryType, EncodingFormat, QSslCertificate};
    ///
    /// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    /// let certificate = QSslCertificate::new(pem, EncodingFormat::Pem);
    /// let names = certificate.subject_alternative_names();
    /// assert_eq!(names[&AlternativeNameEntryType::Dns], ["a.example"]);
    /// ```
    #[doc(alias = "subjectAlternativeNames")]
    #[must_use]
    pub fn subject_alternative_names(&self) -> BTreeMap<AlternativeNameEntryType, Vec<String>> {
        self.parsed.as_ref().map(|parsed| parsed.alternative_names()).unwrap_or_default()
    }

    /// Returns the time from which the certificate is valid. `None` if the certificate is null or
    /// its field is not a valid time.
    #[doc(alias = "effectiveDate")]
    #[must_use]
    pub fn effective_date(&self) -> Option<SystemTime> {
        time::system_time(self.parsed.as_ref()?.not_before?)
    }

    /// Returns the time until which the certificate is valid. `None` if the certificate is null or
    /// its field is not a valid time.
    #[doc(alias = "expiryDate")]
    #[must_use]
    pub fn expiry_date(&self) -> Option<SystemTime> {
        time::system_time(self.parsed.as_ref()?.not_after?)
    }

    /// Returns the certificate as PEM, with lines of 64 characters; empty for a null one.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslCertificate};
    ///
    /// let key = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    /// let certificate = QSslCertificate::new(key.cert.der(), EncodingFormat::Der);
    /// assert!(certificate.to_pem().starts_with(b"-----BEGIN CERTIFICATE-----\n"));
    /// assert_eq!(QSslCertificate::new(certificate.to_pem(), EncodingFormat::Pem), certificate);
    /// ```
    #[doc(alias = "toPem")]
    #[must_use]
    pub fn to_pem(&self) -> Vec<u8> {
        self.parsed.as_ref().map(|parsed| to_pem("CERTIFICATE", &parsed.der)).unwrap_or_default()
    }

    /// Returns the certificate as DER; empty for a null one.
    #[doc(alias = "toDer")]
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        self.der().to_vec()
    }

    /// Returns a readable description of the certificate, in the layout of `openssl x509 -text`;
    /// empty for a null one.
    ///
    /// Unknown extensions and keys appear as bytes.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslCertificate};
    ///
    /// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    /// let text = QSslCertificate::new(pem, EncodingFormat::Pem).to_text();
    /// assert!(text.starts_with("Certificate:\n    Data:\n        Version: 3 (0x2)\n"));
    /// let names = "X509v3 Subject Alternative Name: \n                DNS:a.example\n";
    /// assert!(text.contains(names));
    /// ```
    #[doc(alias = "toText")]
    #[must_use]
    pub fn to_text(&self) -> String {
        self.parsed.as_ref().map(|parsed| text::to_text(parsed)).unwrap_or_default()
    }

    /// Returns the extensions in their order.
    #[must_use]
    pub fn extensions(&self) -> Vec<QSslCertificateExtension> {
        let Some(parsed) = &self.parsed else { return Vec::new() };
        let extensions = parsed.extensions.iter();
        extensions.map(|extension| QSslCertificateExtension::new(parsed, extension)).collect()
    }

    /// Returns the DER; empty for a null certificate.
    pub(crate) fn der(&self) -> &[u8] {
        self.parsed.as_ref().map(|parsed| &parsed.der[..]).unwrap_or_default()
    }

    /// Returns the certified public key. It is null if the certificate is null or if [`QSslKey`]
    /// does not support the algorithm.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, KeyAlgorithm, KeyType, QSslCertificate};
    ///
    /// let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    /// let key = QSslCertificate::new(made.cert.der(), EncodingFormat::Der).public_key();
    /// assert_eq!((key.key_type(), key.algorithm()), (KeyType::Public, KeyAlgorithm::Ec));
    /// ```
    #[doc(alias = "publicKey")]
    #[must_use]
    pub fn public_key(&self) -> QSslKey {
        self.parsed
            .as_ref()
            .map(|parsed| QSslKey::of_certificate(parsed.public_key_der()))
            .unwrap_or_default()
    }

    pub(in crate::ssl) fn parsed(&self) -> Option<&Parsed> {
        self.parsed.as_deref()
    }
}

/// The name of an attribute of a subject or an issuer. It is made from a [`SubjectInfo`] or from
/// text.
#[derive(Clone, Copy, Debug)]
pub struct InfoAttribute<'a>(&'a str);

impl From<SubjectInfo> for InfoAttribute<'_> {
    fn from(info: SubjectInfo) -> Self {
        InfoAttribute(match info {
            SubjectInfo::Organization => "O",
            SubjectInfo::CommonName => "CN",
            SubjectInfo::LocalityName => "L",
            SubjectInfo::OrganizationalUnitName => "OU",
            SubjectInfo::CountryName => "C",
            SubjectInfo::StateOrProvinceName => "ST",
            SubjectInfo::DistinguishedNameQualifier => "dnQualifier",
            SubjectInfo::SerialNumber => "serialNumber",
            SubjectInfo::EmailAddress => "emailAddress",
        })
    }
}

impl<'a> From<&'a str> for InfoAttribute<'a> {
    fn from(name: &'a str) -> Self {
        InfoAttribute(name)
    }
}

impl<'a> From<&'a String> for InfoAttribute<'a> {
    fn from(name: &'a String) -> Self {
        InfoAttribute(name)
    }
}

impl PartialEq for QSslCertificate {
    fn eq(&self, other: &Self) -> bool {
        match (&self.parsed, &other.parsed) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.der == b.der,
            (None, None) => true,
            _ => false,
        }
    }
}

impl Eq for QSslCertificate {}

impl Hash for QSslCertificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der().hash(state);
    }
}

impl fmt::Debug for QSslCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parsed) = &self.parsed else { return f.write_str("QSslCertificate(null)") };
        f.debug_struct("QSslCertificate")
            .field("subject", &self.subject_display_name())
            .field("issuer", &self.issuer_display_name())
            .field("serial_number", &self.serial_number())
            .field("alternative_names", &self.subject_alternative_names())
            .field("effective_date", &parsed.not_before.map(time::iso))
            .field("expiry_date", &parsed.not_after.map(time::iso))
            .finish_non_exhaustive()
    }
}

/// Says why there is no certificate in the data.
fn none_found(data: &[u8], format: EncodingFormat) -> SslCertificateError {
    let kind = match format {
        EncodingFormat::Pem if pem::Blocks::new(data).next().is_none() => {
            SslCertificateErrorKind::NoPemBlock
        }
        _ => SslCertificateErrorKind::NoCertificate,
    };
    kind.into()
}

/// Iterates over the certificates of the data.
fn certificates(
    data: &[u8],
    format: EncodingFormat,
) -> Box<dyn Iterator<Item = QSslCertificate> + '_> {
    let new = |parsed| QSslCertificate { parsed: Some(Arc::new(parsed)) };
    match format {
        EncodingFormat::Pem => {
            Box::new(pem::Blocks::new(data).filter_map(|der| Parsed::parse(&der)).map(new))
        }
        EncodingFormat::Der => {
            let mut rest = data;
            Box::new(std::iter::from_fn(move || {
                let parsed = Parsed::parse(rest)?;
                rest = &rest[parsed.der.len()..];
                Some(new(parsed))
            }))
        }
    }
}

fn display_name(name: &DistinguishedName) -> String {
    let first = |attribute| name.values(attribute).into_iter().next();
    first("CN").or_else(|| first("O")).or_else(|| first("OU")).unwrap_or_default()
}
