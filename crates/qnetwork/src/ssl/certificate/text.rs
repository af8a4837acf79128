//! Writes a certificate as text, in OpenSSL's layout.

use super::{
    der::{self, Der},
    extension,
    hex::hex,
    oid::{long_name, short_name},
    parse::Parsed,
    public_key::{PublicKeyInfo, bit_length},
    time,
};

/// Returns the whole text.
pub(super) fn to_text(parsed: &Parsed) -> String {
    let mut out = String::from("Certificate:\n    Data:\n");
    match parsed.version {
        1..=3 => {
            let number = parsed.version;
            out.push_str(&format!("        Version: {number} (0x{:x})\n", number - 1));
        }
        number => out.push_str(&format!("        Version: Unknown ({})\n", number - 1)),
    }
    push_serial(parsed, &mut out);
    let algorithm = parsed.signed_algorithm().oid().unwrap_or_default();
    let algorithm = long_name(&algorithm);
    out.push_str(&format!("        Signature Algorithm: {algorithm}\n"));
    out.push_str(&format!("        Issuer: {}\n", parsed.issuer.commas()));
    let time = |time: Option<i64>| time.map_or("Bad time value".to_owned(), time::readable);
    out.push_str(&format!(
        "        Validity\n            Not Before: {}\n            Not After : {}\n",
        time(parsed.not_before),
        time(parsed.not_after)
    ));
    out.push_str(&format!("        Subject: {}\n", parsed.subject.commas()));
    push_key(parsed, &mut out);
    if !parsed.extensions.is_empty() {
        out.push_str("        X509v3 extensions:\n");
        for extension in &parsed.extensions {
            extension::print(parsed, extension, &mut out);
        }
    }
    let algorithm = parsed.signature_algorithm().oid().unwrap_or_default();
    let algorithm = long_name(&algorithm);
    out.push_str(&format!("    Signature Algorithm: {algorithm}\n    Signature Value:"));
    for line in parsed.signature().chunks(18) {
        out.push_str(&format!("\n        {}", hex(line, ":")));
        if !std::ptr::eq(line.as_ptr_range().end, parsed.signature().as_ptr_range().end) {
            out.push(':');
        }
    }
    out.push('\n');
    out
}

fn push_serial(parsed: &Parsed, out: &mut String) {
    out.push_str("        Serial Number:");
    let sign = if parsed.serial_is_negative { "-" } else { "" };
    // A number that fits into a C `long` is written in decimal.
    let is_small = parsed.serial.len() < 8 || parsed.serial.len() == 8 && parsed.serial[0] < 0x80;
    if is_small {
        let number = parsed.serial.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        out.push_str(&format!(" {sign}{number} ({sign}0x{number:x})\n"));
    } else {
        let negative = if parsed.serial_is_negative { " (Negative)" } else { "" };
        out.push_str(&format!("\n            {negative}{}\n", hex(&parsed.serial, ":")));
    }
}

fn push_key(parsed: &Parsed, out: &mut String) {
    let key = parsed.public_key();
    let algorithm = key.as_ref().and_then(|key| key.algorithm.oid()).unwrap_or_default();
    out.push_str("        Subject Public Key Info:\n");
    out.push_str(&format!("            Public Key Algorithm: {}\n", long_name(&algorithm)));
    let text = key.and_then(|key| key_text(parsed, &key, &algorithm));
    match text {
        Some(text) => out.push_str(&text),
        None => out.push_str("            Unable to load Public Key\n"),
    }
}

fn key_text(parsed: &Parsed, key: &PublicKeyInfo<'_>, algorithm: &str) -> Option<String> {
    let bits = parsed.key_bits()?.bits;
    Some(match algorithm {
        "1.2.840.113549.1.1.1" => {
            let mut inside = Der::inside(key.key, der::SEQUENCE)?;
            let (modulus, exponent) = (inside.read(der::INTEGER)?, inside.read(der::INTEGER)?);
            let mut text = format!("                Public-Key: ({bits} bit)\n");
            text.push_str("                Modulus:");
            push_bytes(&positive(modulus), &mut text);
            let exponent = if bit_length(exponent) <= 64 {
                let number = exponent.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
                format!("                Exponent: {number} (0x{number:x})\n")
            } else {
                let mut text = "                Exponent:".to_owned();
                push_bytes(&positive(exponent), &mut text);
                text
            };
            text + &exponent
        }
        "1.2.840.10045.2.1" => {
            let mut text = format!("                Public-Key: ({bits} bit)\n");
            text.push_str("                pub:");
            push_bytes(key.key, &mut text);
            let curve = key.algorithm.parameter_oid()?;
            text.push_str(&format!("                ASN1 OID: {}\n", short_name(&curve)));
            if let Some(nist) = nist_name(&curve) {
                text.push_str(&format!("                NIST CURVE: {nist}\n"));
            }
            text
        }
        "1.3.101.112" | "1.3.101.113" => {
            let name = short_name(algorithm);
            let mut text = format!("                {name} Public-Key:\n                pub:");
            push_bytes(key.key, &mut text);
            text
        }
        _ => return None,
    })
}

fn nist_name(curve: &str) -> Option<&'static str> {
    Some(match curve {
        "1.2.840.10045.3.1.1" => "P-192",
        "1.3.132.0.33" => "P-224",
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        _ => return None,
    })
}

/// Returns a number with at most one leading zero byte, which marks it as positive.
fn positive(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let mut bytes = number[zeros..].to_vec();
    if bytes.first().is_none_or(|first| first & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    bytes
}

/// Appends bytes in lines of 15.
fn push_bytes(bytes: &[u8], out: &mut String) {
    let lines: Vec<_> = bytes.chunks(15).map(|line| hex(line, ":")).collect();
    out.push_str(&format!("\n                    {}\n", lines.join(":\n                    ")));
}
