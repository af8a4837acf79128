//! [`QSslCertificateExtension`].

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{
    der::{self, Der},
    describe::describe,
    description::Description,
    hex::hex,
    oid::{long_name, short_name},
    parse::{AuthorityKeyId, GeneralName, Parsed, RawExtension},
};

/// An extension of a certificate: its identifier and its value.
///
/// A value that is cheap to clone, `Send` and `Sync`.
/// [`QSslCertificate::extensions`](crate::QSslCertificate::extensions) returns them.
///
/// # Examples
///
/// ```
/// use qnetwork::{EncodingFormat, ExtensionValue, QSslCertificate};
///
/// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
/// let certificate = QSslCertificate::new(pem, EncodingFormat::Pem);
/// let mut extensions = certificate.extensions().into_iter();
/// let names = extensions.find(|one| one.name() == "subjectAltName").unwrap();
/// assert_eq!(names.oid(), "2.5.29.17");
/// let ExtensionValue::Map(names) = names.value() else { panic!() };
/// assert_eq!(names["DNS"], ExtensionValue::Text("a.example".to_owned()));
/// ```
///
/// Qt's page: [QSslCertificateExtension](https://doc.qt.io/qt-5/qsslcertificateextension.html).
#[derive(Clone, Default, PartialEq)]
pub struct QSslCertificateExtension {
    said: Option<Arc<Said>>,
}

#[derive(PartialEq)]
struct Said {
    oid: String,
    value: ExtensionValue,
    is_critical: bool,
    is_supported: bool,
}

/// The value of an extension. Stands for Qt's `QVariant`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum ExtensionValue {
    /// The value could not be read.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
    /// The bytes of an unknown extension, or lines of text for some known ones.
    Bytes(Vec<u8>),
    /// A list of texts.
    List(Vec<String>),
    /// Values by name. If a name occurs several times, the last value counts.
    Map(BTreeMap<String, ExtensionValue>),
}

impl QSslCertificateExtension {
    pub(super) fn new(parsed: &Parsed, extension: &RawExtension) -> Self {
        let bytes = parsed.value(extension);
        let supported = supported_value(&extension.oid, bytes);
        let is_supported = supported.is_some();
        let value = supported.unwrap_or_else(|| other_value(&extension.oid, bytes));
        QSslCertificateExtension {
            said: Some(Arc::new(Said {
                oid: extension.oid.clone(),
                value,
                is_critical: extension.is_critical,
                is_supported,
            })),
        }
    }

    /// Returns the object identifier, as in `"2.5.29.17"`.
    #[must_use]
    pub fn oid(&self) -> &str {
        self.said.as_ref().map(|said| &said.oid[..]).unwrap_or_default()
    }

    /// Returns the name, as in `"subjectAltName"`, or the object identifier if there is no name.
    #[must_use]
    pub fn name(&self) -> &str {
        short_name(self.oid())
    }

    /// Returns the value.
    ///
    /// * `basicConstraints`: a map with `ca`, a bool, and an optional `pathLenConstraint`, a number
    /// * `subjectKeyIdentifier`: text, hexadecimal with colons
    /// * `authorityKeyIdentifier`: a map with the optional entries `keyid`, hexadecimal digits as
    ///   bytes, and `serial`, a number, which is -1 if it is too large
    /// * `authorityInfoAccess`: a map of URIs by name, among them `OCSP` and `caIssuers`
    ///
    /// These extensions are supported: the form of their value does not change. The others have the
    /// form in which OpenSSL prints them (a list, a map, text, or lines of text as bytes), or are
    /// bytes. `Null` is the value of a known extension that cannot be read.
    #[must_use]
    pub fn value(&self) -> ExtensionValue {
        self.said.as_ref().map(|said| said.value.clone()).unwrap_or_default()
    }

    /// Returns whether the extension is critical: software that does not know it must reject the
    /// certificate.
    #[doc(alias = "isCritical")]
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.is_critical)
    }

    /// Returns whether [`value`](Self::value) keeps this form in later releases.
    #[doc(alias = "isSupported")]
    #[must_use]
    pub fn is_supported(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.is_supported)
    }

    /// Exchanges two extensions.
    pub fn swap(&mut self, other: &mut Self) {
        std::mem::swap(self, other);
    }
}

impl fmt::Debug for QSslCertificateExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QSslCertificateExtension")
            .field("name", &self.name())
            .field("value", &self.value())
            .field("is_critical", &self.is_critical())
            .finish_non_exhaustive()
    }
}

fn supported_value(oid: &str, value: &[u8]) -> Option<ExtensionValue> {
    let mut map = BTreeMap::new();
    match oid {
        "2.5.29.19" => {
            let mut inside = Der::inside(value, der::SEQUENCE)?;
            let is_ca = inside.read_bool()?;
            map.insert("ca".to_owned(), ExtensionValue::Bool(is_ca));
            if let Some(length) = inside.read(der::INTEGER) {
                let length = der::signed_integer(length).unwrap_or(-1);
                map.insert("pathLenConstraint".to_owned(), ExtensionValue::Number(length));
            }
            if !inside.is_empty() {
                return None;
            }
        }
        "2.5.29.14" => {
            let id = Der::inside(value, der::OCTET_STRING)?;
            return Some(ExtensionValue::Text(hex(id.rest(), ":").to_uppercase()));
        }
        "2.5.29.35" => {
            let id = AuthorityKeyId::parse(value)?;
            if let Some(id) = id.key_id {
                map.insert("keyid".to_owned(), ExtensionValue::Bytes(hex(&id, "").into_bytes()));
            }
            if let Some(serial) = Der::inside(value, der::SEQUENCE)?.find(0x82) {
                let serial = der::signed_integer(serial).unwrap_or(-1);
                map.insert("serial".to_owned(), ExtensionValue::Number(serial));
            }
        }
        "1.3.6.1.5.5.7.1.1" => {
            let mut list = Der::inside(value, der::SEQUENCE)?;
            while !list.is_empty() {
                let mut access = Der::new(list.read(der::SEQUENCE)?);
                let method = der::oid_to_string(access.read(der::OID)?)?;
                let location = access.next_value()?;
                GeneralName::parse(location.tag, location.value)?;
                if location.tag != 0x86 {
                    qcore::q_warning!("Strange location type {}", location.tag & 0x1f);
                    continue;
                }
                let uri = String::from_utf8_lossy(location.value).into_owned();
                map.insert(short_name(&method).to_owned(), ExtensionValue::Text(uri));
            }
        }
        _ => return None,
    }
    Some(ExtensionValue::Map(map))
}

fn other_value(oid: &str, value: &[u8]) -> ExtensionValue {
    match describe(oid, value, 0) {
        Description::Malformed => ExtensionValue::Null,
        Description::Unknown => ExtensionValue::Bytes(value.to_vec()),
        Description::Text(text) => ExtensionValue::Text(text),
        Description::Lines(lines) => ExtensionValue::Bytes(lines.into_bytes()),
        Description::Values { values, .. } => {
            if values.iter().any(|(name, value)| name.is_some() && value.is_some()) {
                let pair = |(name, value): (Option<String>, Option<String>)| {
                    Some((name?, ExtensionValue::Text(value?)))
                };
                ExtensionValue::Map(values.into_iter().filter_map(pair).collect())
            } else {
                ExtensionValue::List(values.into_iter().filter_map(|(a, b)| a.or(b)).collect())
            }
        }
    }
}

/// Appends the extension as it appears in the text of a certificate.
pub(super) fn print(parsed: &Parsed, extension: &RawExtension, out: &mut String) {
    const INDENT: usize = 16;
    let indent = " ".repeat(INDENT);
    let critical = if extension.is_critical { "critical" } else { "" };
    out.push_str(&format!("            {}: {critical}\n", long_name(&extension.oid)));
    let bytes = parsed.value(extension);
    match describe(&extension.oid, bytes, INDENT) {
        Description::Text(text) => out.push_str(&format!("{indent}{text}")),
        Description::Lines(lines) => out.push_str(&lines),
        Description::Values { values, is_list: true } if values.is_empty() => {
            out.push_str(&format!("{indent}<EMPTY>\n"));
        }
        Description::Values { values, .. } if !values.is_empty() => {
            let text = |(name, value): &(Option<String>, Option<String>)| match (name, value) {
                (Some(name), Some(value)) => format!("{name}:{value}"),
                (name, value) => name.clone().or(value.clone()).unwrap_or_default(),
            };
            let texts: Vec<_> = values.iter().map(text).collect();
            let is_line_each = matches!(
                &extension.oid[..],
                "1.3.6.1.5.5.7.1.1" | "1.3.6.1.5.5.7.1.11" | "2.5.29.35"
            );
            let between = if is_line_each { format!("\n{indent}") } else { ", ".to_owned() };
            out.push_str(&format!("{indent}{}", texts.join(&between)));
        }
        _ => {
            out.push_str(&indent);
            out.extend(bytes.iter().map(|byte| match byte {
                b'\n' | b'\r' | b' '..=b'~' => char::from(*byte),
                _ => '.',
            }));
        }
    }
    out.push('\n');
}
