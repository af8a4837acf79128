//! Makes valid chains with every extension that verification uses, and changes the DER of one
//! certificate.

use rcgen::{CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose, KeyUsagePurpose};

use super::{
    Case, Choices,
    chains::{Draft, HOSTS, Keys, Maker},
};

/// Makes a chain of two or three certificates, with one to three changes in one of them.
pub(super) fn make(choices: &mut Choices<'_>, keys: &Keys) -> Case {
    let count = 2 + choices.below(2);
    let mutated = choices.below(count);
    let mut maker = Maker::new(choices, keys, usize::MAX);
    let mut drafts: Vec<_> = (0..count).map(|place| maker.draft(place, count, HOSTS[0])).collect();
    for (place, draft) in drafts.iter_mut().enumerate() {
        enrich(draft, place, (place + 1).min(count - 1));
    }
    let signed = (0..count).map(|place| maker.sign(&mut drafts, place, place == mutated));
    let mut chain: Vec<_> = signed.collect();
    let trusted = chain.split_off(count - 1);
    maker.finish(chain, trusted, HOSTS[0])
}

fn enrich(draft: &mut Draft<'_>, place: usize, above: usize) {
    let parameters = &mut draft.parameters;
    let name = &mut parameters.distinguished_name;
    name.push(DnType::OrganizationName, "Example");
    let mail = "me@example.com".try_into().expect("the text is ASCII");
    let mail_address = DnType::CustomDnType(vec![1, 2, 840, 113549, 1, 9, 1]);
    name.push(mail_address, DnValue::Ia5String(mail));
    parameters.subject_alt_names.clear();
    parameters.use_authority_key_identifier_extension = false;
    parameters.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    parameters.key_usages = match place {
        0 => vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement],
        _ => vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
    };
    let mut add = |oid: &[u64], content: Vec<u8>| {
        parameters.custom_extensions.push(CustomExtension::from_oid_content(oid, content));
    };
    let url = tlv(0x86, &[b"http://www.example.com/x"]);
    let key = tlv(0x80, &[format!("key {above}").as_bytes()]);
    add(&[2, 5, 29, 35], tlv(0x30, &[&key]));
    add(&[2, 5, 29, 31], tlv(0x30, &[&tlv(0x30, &[&tlv(0xa0, &[&tlv(0xa0, &[&url])])])]));
    add(&[1, 3, 6, 1, 5, 5, 7, 1, 1], {
        let method = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
        tlv(0x30, &[&tlv(0x30, &[&method, &url])])
    });
    add(&[2, 5, 29, 32], tlv(0x30, &[&tlv(0x30, &[b"\x06\x04\x55\x1d\x20\x00"])]));
    add(&[2, 5, 29, 18], tlv(0x30, &[&url]));
    add(&[2, 16, 840, 1, 113730, 1, 1], vec![0x03, 0x02, 0x01, if place == 0 { 0xc0 } else { 6 }]);
    if place == 0 {
        add(&[2, 5, 29, 17], alternative_names());
    } else {
        add(&[2, 5, 29, 30], name_constraints(place));
    }
}

fn alternative_names() -> Vec<u8> {
    let other = [&b"\x06\x03\x2a\x03\x04"[..], &tlv(0xa0, &[&tlv(0x0c, &[b"other"])])].concat();
    tlv(
        0x30,
        &[
            &tlv(0x82, &[HOSTS[0].as_bytes()]),
            &tlv(0x81, &[b"me@example.com"]),
            &tlv(0x86, &[b"https://www.example.com/x"]),
            &tlv(0x87, &[&[10, 1, 2, 3]]),
            &tlv(0xa4, &[&organization("Example")]),
            &tlv(0xa0, &[&other]),
            &tlv(0x88, &[b"\x2a\x03"]),
        ],
    )
}

/// Returns constraints for names of each kind: permitted below the leaf's issuer, excluded
/// everywhere.
fn name_constraints(place: usize) -> Vec<u8> {
    let tree = |name: Vec<u8>| tlv(0x30, &[&name]);
    let permitted = [
        tree(tlv(0x82, &[b"example.com"])),
        tree(tlv(0x81, &[b"example.com"])),
        tree(tlv(0x86, &[b".example.com"])),
        tree(tlv(0x87, &[&[10, 0, 0, 0, 255, 0, 0, 0]])),
    ];
    let excluded = [
        tree(tlv(0x82, &[b"example.org"])),
        tree(tlv(0x81, &[b"example.org"])),
        tree(tlv(0x86, &[b".example.org"])),
        tree(tlv(0x87, &[&[10, 2, 0, 0, 255, 255, 0, 0]])),
        tree(tlv(0xa4, &[&organization("Other")])),
    ];
    let excluded = tlv(0xa1, &[&excluded.concat()]);
    match place {
        1 => tlv(0x30, &[&tlv(0xa0, &[&permitted.concat()]), &excluded]),
        _ => tlv(0x30, &[&excluded]),
    }
}

fn organization(name: &str) -> Vec<u8> {
    let value = tlv(0x0c, &[name.as_bytes()]);
    let pair = tlv(0x30, &[b"\x06\x03\x55\x04\x0a", &value]);
    tlv(0x30, &[&tlv(0x31, &[&pair])])
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, content].concat()
}
