//! Elliptic curves and their sizes.

use pkcs8::ObjectIdentifier;

/// Returns the number of bits of a curve's numbers; `None` if the curve is not known.
pub(super) fn bits(curve: ObjectIdentifier) -> Option<u32> {
    CURVES.iter().find(|(oid, _)| *oid == curve).map(|(_, bits)| *bits)
}

/// The curves with a name in OpenSSL 3, by identifier.
#[rustfmt::skip]
const CURVES: [(ObjectIdentifier, u32); 79] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.1"), 163), // c2pnb163v1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.2"), 163), // c2pnb163v2
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.3"), 163), // c2pnb163v3
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.4"), 176), // c2pnb176v1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.5"), 191), // c2tnb191v1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.6"), 191), // c2tnb191v2
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.7"), 191), // c2tnb191v3
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.10"), 208), // c2pnb208w1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.11"), 239), // c2tnb239v1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.12"), 239), // c2tnb239v2
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.13"), 239), // c2tnb239v3
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.16"), 272), // c2pnb272w1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.17"), 304), // c2pnb304w1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.18"), 359), // c2tnb359v1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.19"), 368), // c2pnb368w1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.0.20"), 431), // c2tnb431r1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.1"), 192), // prime192v1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.2"), 192), // prime192v2
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.3"), 192), // prime192v3
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.4"), 239), // prime239v1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.5"), 239), // prime239v2
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.6"), 239), // prime239v3
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), 256), // prime256v1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.1"), 160), // brainpoolP160r1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.2"), 160), // brainpoolP160t1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.3"), 192), // brainpoolP192r1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.4"), 192), // brainpoolP192t1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.5"), 224), // brainpoolP224r1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.6"), 224), // brainpoolP224t1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7"), 256), // brainpoolP256r1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.8"), 256), // brainpoolP256t1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.9"), 320), // brainpoolP320r1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.10"), 320), // brainpoolP320t1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.11"), 384), // brainpoolP384r1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.12"), 384), // brainpoolP384t1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.13"), 512), // brainpoolP512r1
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.14"), 512), // brainpoolP512t1
    (ObjectIdentifier::new_unwrap("1.3.132.0.1"), 163), // sect163k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.2"), 163), // sect163r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.3"), 239), // sect239k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.4"), 113), // sect113r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.5"), 113), // sect113r2
    (ObjectIdentifier::new_unwrap("1.3.132.0.6"), 112), // secp112r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.7"), 112), // secp112r2
    (ObjectIdentifier::new_unwrap("1.3.132.0.8"), 160), // secp160r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.9"), 160), // secp160k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), 256), // secp256k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.15"), 163), // sect163r2
    (ObjectIdentifier::new_unwrap("1.3.132.0.16"), 283), // sect283k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.17"), 283), // sect283r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.22"), 131), // sect131r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.23"), 131), // sect131r2
    (ObjectIdentifier::new_unwrap("1.3.132.0.24"), 193), // sect193r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.25"), 193), // sect193r2
    (ObjectIdentifier::new_unwrap("1.3.132.0.26"), 233), // sect233k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.27"), 233), // sect233r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.28"), 128), // secp128r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.29"), 128), // secp128r2
    (ObjectIdentifier::new_unwrap("1.3.132.0.30"), 160), // secp160r2
    (ObjectIdentifier::new_unwrap("1.3.132.0.31"), 192), // secp192k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.32"), 224), // secp224k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.33"), 224), // secp224r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), 384), // secp384r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), 521), // secp521r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.36"), 409), // sect409k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.37"), 409), // sect409r1
    (ObjectIdentifier::new_unwrap("1.3.132.0.38"), 571), // sect571k1
    (ObjectIdentifier::new_unwrap("1.3.132.0.39"), 571), // sect571r1
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.1"), 113), // wap-wsg-idm-ecid-wtls1
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.3"), 163), // wap-wsg-idm-ecid-wtls3
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.4"), 113), // wap-wsg-idm-ecid-wtls4
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.5"), 163), // wap-wsg-idm-ecid-wtls5
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.6"), 112), // wap-wsg-idm-ecid-wtls6
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.7"), 160), // wap-wsg-idm-ecid-wtls7
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.8"), 112), // wap-wsg-idm-ecid-wtls8
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.9"), 160), // wap-wsg-idm-ecid-wtls9
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.10"), 233), // wap-wsg-idm-ecid-wtls10
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.11"), 233), // wap-wsg-idm-ecid-wtls11
    (ObjectIdentifier::new_unwrap("2.23.43.1.4.12"), 224), // wap-wsg-idm-ecid-wtls12
];
