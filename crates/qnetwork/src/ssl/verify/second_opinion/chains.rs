//! Makes chains of certificates. Most have an error or something unusual.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CrlDistributionPoint, CustomExtension,
    DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
    SignatureAlgorithm, SigningKey,
};

use super::{Case, Choices, mutation};

/// The middle of 2026.
const NOW: i64 = 1_782_000_000;
const DAY: i64 = 24 * 60 * 60;

pub(super) const HOSTS: [&str; 10] = [
    "www.example.com",
    "a.example.com",
    "example.com",
    "a.b.example.com",
    "www.example.org",
    "xn--bcher-kva.example.com",
    "localhost",
    "10.1.2.3",
    "::1",
    "www.example.com.",
];

/// Alternative names and constraints.
const NAMES: [&str; 20] = [
    "www.example.com",
    "example.com",
    "*.example.com",
    ".example.com",
    "WWW.Example.COM",
    "com",
    "",
    ".",
    "*.com",
    "*",
    "w*.example.com",
    "*w.example.com",
    "www.*.com",
    "a.example.com",
    "a.b.example.com",
    "example.org",
    "www.example.com.",
    "xn--bcher-kva.example.com",
    "localhost",
    "10.1.2.3",
];

const COMMON_NAMES: [&str; 8] = [
    "www.example.com",
    "www.example.org",
    "*.example.com",
    "*.example.org",
    "An Example",
    "10.1.2.3",
    "::1",
    "",
];

/// The text of a key of `tests/data/verify/keys`.
macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/data/verify/keys/", $name, ".pem"))
    };
}

/// The keys that sign the certificates. Reading them takes long, so tests do it once.
pub(crate) struct Keys(Vec<KeyPair>);

impl Default for Keys {
    fn default() -> Self {
        let rsa = key!("rsa");
        let p521 = key!("p521");
        let keys: [(&str, &'static SignatureAlgorithm); 11] = [
            (key!("p256-a"), &rcgen::PKCS_ECDSA_P256_SHA256),
            (key!("p256-b"), &rcgen::PKCS_ECDSA_P256_SHA256),
            (key!("p384"), &rcgen::PKCS_ECDSA_P384_SHA384),
            (key!("ed25519"), &rcgen::PKCS_ED25519),
            (p521, &rcgen::PKCS_ECDSA_P521_SHA512),
            (p521, &rcgen::PKCS_ECDSA_P521_SHA384),
            (p521, &rcgen::PKCS_ECDSA_P521_SHA256),
            (rsa, &rcgen::PKCS_RSA_SHA256),
            (rsa, &rcgen::PKCS_RSA_SHA384),
            (rsa, &rcgen::PKCS_RSA_SHA512),
            (key!("p256-b"), &rcgen::PKCS_ECDSA_P256_SHA256),
        ];
        let load = |(pem, algorithm)| KeyPair::from_pkcs8_pem_and_sign_algo(pem, algorithm);
        Keys(keys.into_iter().map(|key| load(key).expect("a key of openssl's")).collect())
    }
}

/// A certificate that is not signed yet.
pub(super) struct Draft<'a> {
    pub(super) parameters: CertificateParams,
    key: &'a KeyPair,
}

/// A case that is being made.
pub(super) struct Maker<'c, 'b, 'k> {
    choices: &'c mut Choices<'b>,
    keys: &'k Keys,
    changes: Vec<String>,
    /// One certificate in this many has a given part changed.
    rarity: usize,
}

pub(super) fn make(choices: &mut Choices<'_>, keys: &Keys) -> Case {
    let rarity = *choices.pick(&[40, 20, 80, 10, 250]);
    let is_server = !choices.one_in(4);
    let host = if choices.one_in(3) { choices.text(&HOSTS) } else { HOSTS[0] };
    let count = 1 + choices.pick(&[2, 1, 3, 2, 4, 2, 1, 2]);
    let mut maker = Maker::new(choices, keys, rarity);

    // From the leaf up. The last one is the root.
    let mut drafts: Vec<_> = (0..count).map(|place| maker.draft(place, count, host)).collect();
    let mutated = if maker.choices.one_in(3) { Some(maker.choices.below(count)) } else { None };
    let mut made = Vec::new();
    for place in 0..count {
        made.push(maker.sign(&mut drafts, place, mutated == Some(place)));
    }

    let root = made.pop().expect("there is a root");
    let (chain, trusted) = maker.arrange(made, root);
    Case { is_server, ..maker.finish(chain, trusted, host) }
}

impl<'c, 'b, 'k> Maker<'c, 'b, 'k> {
    pub(super) fn new(choices: &'c mut Choices<'b>, keys: &'k Keys, rarity: usize) -> Self {
        Maker { choices, keys, changes: Vec::new(), rarity }
    }

    /// Returns a case for a server's chain.
    pub(super) fn finish(self, chain: Vec<Vec<u8>>, trusted: Vec<Vec<u8>>, host: &str) -> Case {
        let (host, now) = (host.to_owned(), NOW as u64);
        Case { chain, trusted, is_server: true, host, now, changes: self.changes }
    }

    /// Decides whether to make a change, and notes it.
    fn changes(&mut self, place: usize, what: &str) -> bool {
        let does = self.choices.one_in(self.rarity);
        if does {
            self.changes.push(format!("{place}: {what}"));
        }
        does
    }

    fn note(&mut self, what: String) {
        if let Some(last) = self.changes.last_mut() {
            last.push_str(&format!(" {what}"));
        }
    }

    pub(super) fn draft(&mut self, place: usize, count: usize, host: &str) -> Draft<'k> {
        let is_leaf = place == 0;
        let mut parameters = CertificateParams::default();
        parameters.serial_number = Some(SerialNumber::from(place as u64 + 1));
        parameters.not_before = time(NOW - 100 * DAY);
        parameters.not_after = time(NOW + 100 * DAY);
        parameters.distinguished_name = DistinguishedName::new();
        let name = if is_leaf { "An Example".to_owned() } else { format!("Authority {place}") };
        parameters.distinguished_name.push(DnType::CommonName, name);
        if is_leaf {
            parameters.subject_alt_names = vec![alternative_name(host)];
        } else {
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            parameters.key_identifier_method =
                KeyIdMethod::PreSpecified(format!("key {place}").into_bytes());
        }
        if self.changes(place, "dates") {
            self.change_dates(&mut parameters);
        }
        if self.changes(place, "name") {
            self.change_name(&mut parameters.distinguished_name);
        }
        if self.changes(place, "alternative names") {
            self.change_alternative_names(&mut parameters, host);
        }
        if self.changes(place, "basic constraints") {
            self.change_basic_constraints(&mut parameters, count);
        }
        if self.changes(place, "key usage") {
            use KeyUsagePurpose as Use;
            let uses = [
                Use::KeyCertSign,
                Use::DigitalSignature,
                Use::KeyEncipherment,
                Use::CrlSign,
                Use::DataEncipherment,
                Use::KeyAgreement,
            ];
            for _ in 0..=self.choices.below(2) {
                parameters.key_usages.push(*self.choices.pick(&uses));
            }
            self.note(format!("{:?}", parameters.key_usages));
        }
        if self.changes(place, "extended key usage") {
            self.change_extended_key_usage(&mut parameters);
        }
        let limits = if is_leaf { "own name constraints" } else { "name constraints" };
        if self.changes(place, limits) || !is_leaf && self.changes(place, limits) {
            self.change_name_constraints(&mut parameters);
        }
        if self.changes(place, "another extension") {
            self.add_extension(&mut parameters);
        }
        parameters.use_authority_key_identifier_extension = self.choices.one_in(2);
        if self.changes(place, "key identifier") {
            parameters.key_identifier_method =
                KeyIdMethod::PreSpecified(vec![self.choices.byte(); self.choices.below(3)]);
        }
        let key = if self.changes(place, "kind of key") {
            self.choices.pick(&self.keys.0)
        } else {
            &self.keys.0[place % 2]
        };
        Draft { parameters, key }
    }

    fn change_dates(&mut self, parameters: &mut CertificateParams) {
        let times = [-200 * DAY, -DAY, -1, 0, 1, DAY, 200 * DAY, 30 * 365 * DAY, -76 * 365 * DAY];
        let (from, to) = (*self.choices.pick(&times), *self.choices.pick(&times));
        if self.choices.one_in(2) {
            parameters.not_before = time(NOW + from);
        } else {
            parameters.not_after = time(NOW + to);
        }
        self.note(format!("{} {}", parameters.not_before, parameters.not_after));
    }

    fn change_name(&mut self, name: &mut DistinguishedName) {
        let common = self.choices.text(&COMMON_NAMES);
        match self.choices.below(6) {
            0 => name.push(DnType::CommonName, common),
            1 => name.push(DnType::OrganizationName, "Example"),
            2 => *name = DistinguishedName::new(),
            3 => {
                name.push(DnType::CustomDnType(vec![1, 2, 840, 113549, 1, 9, 1]), "me@example.com")
            }
            4 => {
                name.push(DnType::CommonName, DnValue::Ia5String(text(common)));
            }
            _ => name.push(DnType::CommonName, "Authority 1"),
        }
        self.note(format!("{:?}", name.iter().collect::<Vec<_>>()));
    }

    fn change_alternative_names(&mut self, parameters: &mut CertificateParams, host: &str) {
        if self.choices.one_in(2) {
            parameters.subject_alt_names.clear();
        }
        if self.choices.one_in(4) {
            parameters.distinguished_name.push(DnType::CommonName, host);
        }
        for _ in 0..self.choices.below(3) {
            let name = match self.choices.below(6) {
                0..=2 => SanType::DnsName(text(self.choices.text(&NAMES))),
                3 => {
                    let ips = ["10.1.2.3", "10.1.2.4", "::1", "192.168.1.1"];
                    alternative_name(self.choices.text(&ips))
                }
                4 => {
                    let mails = ["me@example.com", "me@www.example.org", "nobody"];
                    SanType::Rfc822Name(text(self.choices.text(&mails)))
                }
                _ => {
                    let uris = ["https://www.example.com/x", "https://www.example.org:1/", "x:y"];
                    SanType::URI(text(self.choices.text(&uris)))
                }
            };
            parameters.subject_alt_names.push(name);
        }
        self.note(format!("{:?}", parameters.subject_alt_names));
    }

    fn change_basic_constraints(&mut self, parameters: &mut CertificateParams, count: usize) {
        parameters.is_ca = match self.choices.below(5) {
            0 => IsCa::NoCa,
            1 => IsCa::ExplicitNoCa,
            2 => IsCa::Ca(BasicConstraints::Unconstrained),
            _ => IsCa::Ca(BasicConstraints::Constrained(self.choices.below(count + 1) as u8)),
        };
        self.note(format!("{:?}", parameters.is_ca));
    }

    fn change_extended_key_usage(&mut self, parameters: &mut CertificateParams) {
        use ExtendedKeyUsagePurpose as Use;
        let uses = [
            Use::ServerAuth,
            Use::ClientAuth,
            Use::Any,
            Use::CodeSigning,
            Use::OcspSigning,
            Use::Other(vec![1, 3, 6, 1, 4, 1, 311, 10, 3, 3]),
            Use::Other(vec![2, 16, 840, 1, 113730, 4, 1]),
        ];
        for _ in 0..=self.choices.below(2) {
            parameters.extended_key_usages.push(self.choices.pick(&uses).clone());
        }
        self.note(format!("{:?}", parameters.extended_key_usages));
    }

    fn change_name_constraints(&mut self, parameters: &mut CertificateParams) {
        let mut limits =
            NameConstraints { permitted_subtrees: Vec::new(), excluded_subtrees: Vec::new() };
        for _ in 0..=self.choices.below(2) {
            let tree = self.tree();
            match self.choices.one_in(2) {
                false => limits.permitted_subtrees.push(tree),
                true => limits.excluded_subtrees.push(tree),
            }
        }
        self.note(format!("{limits:?}"));
        parameters.name_constraints = Some(limits);
    }

    fn tree(&mut self) -> GeneralSubtree {
        match self.choices.below(8) {
            0..=3 => GeneralSubtree::DnsName((self.choices.text(&NAMES)).to_owned()),
            4 | 5 => {
                let networks = [([10, 0, 0, 0], 8), ([192, 168, 0, 0], 16), ([0; 4], 0)];
                let (ip, prefix) = *self.choices.pick(&networks);
                GeneralSubtree::IpAddress(match self.choices.below(3) {
                    0 => CidrSubnet::from_v4_prefix(ip, prefix),
                    1 => CidrSubnet::V4(ip, [255, 0, 255, 0]),
                    _ => CidrSubnet::from_v6_prefix([0; 16], 8 * prefix),
                })
            }
            6 => {
                let mails = ["example.com", ".example.com", "me@example.com", ""];
                GeneralSubtree::Rfc822Name((self.choices.text(&mails)).to_owned())
            }
            _ => {
                let mut name = DistinguishedName::new();
                self.change_name(&mut name);
                GeneralSubtree::DirectoryName(name)
            }
        }
    }

    fn add_extension(&mut self, parameters: &mut CertificateParams) {
        let kinds: [(&[u64], &[u8]); 9] = [
            (&[1, 2, 3, 4], b"\x05\x00"),
            // Any policy; policy constraints; inhibited policies; policy mappings.
            (&[2, 5, 29, 32], b"\x30\x08\x30\x06\x06\x04\x55\x1d\x20\x00"),
            (&[2, 5, 29, 36], b"\x30\x03\x80\x01\x00"),
            (&[2, 5, 29, 54], b"\x02\x01\x00"),
            (&[2, 5, 29, 33], b"\x30\x0a\x30\x08\x06\x02\x2a\x03\x06\x02\x2a\x04"),
            // An old mark of servers.
            (&[2, 16, 840, 1, 113730, 1, 1], b"\x03\x02\x06\x40"),
            // A proxy certificate.
            (
                &[1, 3, 6, 1, 5, 5, 7, 1, 14],
                b"\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x15\x01",
            ),
            // No revocation check.
            (&[1, 3, 6, 1, 5, 5, 7, 48, 1, 5], b"\x05\x00"),
            // A second extension with names.
            (&[2, 5, 29, 17], b"\x30\x0f\x82\x0dwww.other.org"),
        ];
        let (oid, content) = *self.choices.pick(&kinds);
        let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
        extension.set_criticality(self.choices.one_in(2));
        self.note(format!("{extension:?}"));
        parameters.custom_extensions.push(extension);
        if self.choices.one_in(4) {
            let uris = vec!["http://www.example.com/crl".to_owned()];
            parameters.crl_distribution_points = vec![CrlDistributionPoint { uris }];
        }
    }

    /// Signs the draft at this place with its issuer's key, or with another one.
    pub(super) fn sign(
        &mut self,
        drafts: &mut [Draft<'_>],
        place: usize,
        is_mutated: bool,
    ) -> Vec<u8> {
        let above = (place + 1).min(drafts.len() - 1);
        let mut parameters = drafts[above].parameters.clone();
        if self.changes(place, "case of the issuer's name") {
            parameters.distinguished_name = DistinguishedName::new();
            let name = format!("AUTHORITY  {above}");
            parameters.distinguished_name.push(DnType::CommonName, name);
        }
        let key = match self.changes(place, "signed by somebody else") {
            true => self.choices.pick(&self.keys.0),
            false => drafts[above].key,
        };
        let issuer = Issuer::from_params(&parameters, key);
        let draft = &drafts[place];
        let made = draft.parameters.signed_by(draft.key, &issuer).expect("it can be written");
        let mut der = made.der().to_vec();
        if is_mutated {
            let (mut signed, algorithm) = mutation::parts(&der);
            let changes = mutation::mutate(&mut signed, self.choices);
            self.changes.extend(changes.iter().map(|change| format!("{place}: DER: {change}")));
            let signature = key.sign(&signed).expect("it can be signed");
            der = mutation::join(signed, algorithm, &signature);
        }
        if self.changes(place, "a bit") {
            let at = (self.choices.below(256) * 256 + self.choices.below(256)) % der.len();
            der[at] ^= 1 << self.choices.below(8);
        }
        der
    }

    /// Returns the sent and the trusted certificates.
    fn arrange(&mut self, mut chain: Vec<Vec<u8>>, root: Vec<u8>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let mut trusted = vec![root.clone()];
        if self.changes(0, "the root is sent") {
            chain.push(root);
        }
        if self.changes(0, "one is trusted that is sent") {
            trusted.push(self.choices.pick(&chain).clone());
        }
        if self.changes(0, "the root is not trusted") {
            trusted.remove(0);
        }
        if chain.len() > 2 && self.changes(0, "in another order") {
            chain[1..].reverse();
        }
        if chain.len() > 1 && self.changes(0, "one is not sent") {
            chain.remove(self.choices.below(chain.len()));
        }
        (chain, trusted)
    }
}

fn alternative_name(host: &str) -> SanType {
    match host.parse::<IpAddr>() {
        Ok(ip) => SanType::IpAddress(ip),
        Err(_) => SanType::DnsName(text(host)),
    }
}

fn text(ascii: &str) -> rcgen::string::Ia5String {
    ascii.try_into().expect("the text is ASCII")
}

fn time(seconds: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(seconds).expect("a time of this century")
}
