//! Names of records as text.

use crate::host_info::ace::{self, to_ace};

/// The top-level domains whose names Qt decodes from punycode, sorted. Their registries do not
/// allow names that look like others.
const DECODED: &[&str] = &[
    "ac",
    "ar",
    "asia",
    "at",
    "biz",
    "br",
    "cat",
    "ch",
    "cl",
    "cn",
    "com",
    "de",
    "dk",
    "es",
    "fi",
    "gr",
    "hu",
    "il",
    "info",
    "io",
    "ir",
    "is",
    "jp",
    "kr",
    "li",
    "lt",
    "lu",
    "lv",
    "museum",
    "name",
    "net",
    "no",
    "nu",
    "nz",
    "org",
    "pl",
    "pr",
    "se",
    "sh",
    "tel",
    "th",
    "tm",
    "tw",
    "ua",
    "vn",
    "xn--fiqs8s",
    "xn--fiqz9s",
    "xn--fzc2c9e2c",
    "xn--j6w193g",
    "xn--kprw13d",
    "xn--kpry57d",
    "xn--mgba3a4f16a",
    "xn--mgba3a4fra",
    "xn--mgbaam7a8h",
    "xn--mgbayh7gpa",
    "xn--mgberp4a5d4ar",
    "xn--ogbpf8fl",
    "xn--p1ai",
    "xn--wgbh1c",
    "xn--wgbl6a",
    "xn--xkc2al3hye2a",
];

/// Converts a name in ASCII to text, as `QUrl::fromAce()` does. The text is empty if the name is
/// not a valid host name.
pub(super) fn from_ace(name: &str) -> String {
    let Some(name) = to_ace(name) else { return String::new() };
    let (relative, end) = match name.strip_suffix('.') {
        Some(relative) => (relative, "."),
        None => (&*name, ""),
    };
    let domain = relative.rsplit_once('.').map(|(_, domain)| domain);
    if domain.is_none_or(|domain| DECODED.binary_search(&domain).is_err()) {
        return name;
    }
    let labels: Option<Vec<String>> = relative.split('.').map(decode).collect();
    labels.map(|labels| labels.join(".") + end).unwrap_or_default()
}

/// Decodes a label. Keeps it encoded if encoding its text would give another label. Returns `None`
/// if it is not punycode.
fn decode(label: &str) -> Option<String> {
    // Qt decodes no code of one or two characters, valid or not.
    let code = label.strip_prefix("xn--").filter(|code| code.len() > 2);
    let Some(code) = code else { return Some(label.to_owned()) };
    let text = ace::from_punycode(code)?;
    let prepared = stringprep::nameprep(&text).is_ok_and(|prepared| prepared == text);
    Some(if prepared { text } else { label.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results of `QUrl::fromAce()` in Qt 5.15.8.
    const ASKED: &[(&str, &str)] = &[
        ("", ""),
        (".", ""),
        ("WwW.ExAmple.COM", "www.example.com"),
        ("_sip._tcp.example.com", "_sip._tcp.example.com"),
        ("a b.example", ""),
        ("a\\.b.example", ""),
        ("*.example", ""),
        ("-a.example", ""),
        ("a_.example", "a_.example"),
        ("a-.de", ""),
        ("a..de", ""),
        (".de", ""),
        ("com.", "com."),
        ("a.com.", "a.com."),
        ("xn--bcher-kva.de", "b\u{fc}cher.de"),
        ("XN--BCHER-KVA.de", "b\u{fc}cher.de"),
        ("xn--bcher-kva.DE", "b\u{fc}cher.de"),
        ("xn--bcher-kva.de.", "b\u{fc}cher.de."),
        ("xn--bcher-kva", "xn--bcher-kva"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.xn--bcher-kva.de", "b\u{fc}cher.b\u{fc}cher.de"),
        ("xn--bcher-kva._x.de", "b\u{fc}cher._x.de"),
        ("Foo.xn--bcher-kva.de", "foo.b\u{fc}cher.de"),
        ("xn--bcher-kva..de", ""),
        ("xn--zckzah.xn--zckzah", "xn--zckzah.xn--zckzah"),
        ("xn--p1ai", "xn--p1ai"),
        ("xn--wgv71a119e.jp", "\u{65e5}\u{672c}\u{8a9e}.jp"),
        ("xn--kxa6akbbkh.gr", "\u{3c3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c3}.gr"),
        ("xn--4db.il", "\u{5d0}.il"),
        ("xn--n3h.net", "\u{2603}.net"),
        ("xn--1ca.de", "\u{e1}.de"),
        ("xn--xn---3ra.de", "xn--\u{fc}.de"),
        // Text that encoding would map to other characters stays encoded.
        ("xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("xn--fa-hia.de", "xn--fa-hia.de"),
        ("xn--a-ecp.de", "xn--a-ecp.de"),
        ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),
        ("xn--a.de", "xn--a.de"),
        // Invalid codes: empty, too large, or with an invalid digit.
        ("xn--.de", ""),
        ("xn--b-.de", ""),
        ("xn--99999999999999.de", ""),
        ("a.xn--99999999999999.de", ""),
        ("xn--99999999999999.example", "xn--99999999999999.example"),
        ("xn--a_b.de", ""),
        ("xn--b_-.de", ""),
        ("xn--bb_.de", ""),
        ("xn--9a.de", "xn--9a.de"),
        ("xn--__.de", "xn--__.de"),
        ("xn--_a.de", "xn--_a.de"),
        ("xn--b_.de", "xn--b_.de"),
        ("xn--_.de", "xn--_.de"),
        ("xn--a.b_.de", "xn--a.b_.de"),
        ("xn--bcher_-kva.de", "bch\u{ea}er_.de"),
        // Codes that end too early.
        ("xn--bcher-kv.de", "b\u{fc}cher.de"),
        ("xn--zzzz.de", "\u{7bb2}\u{7ba5}.de"),
    ];

    #[test]
    fn names_as_qt_shows_them() {
        for (name, text) in ASKED {
            assert_eq!(from_ace(name), *text, "{name:?}");
        }
        // A number that is too large for a character. Qt shows the character of the lower 16 bits.
        assert_eq!(from_ace("xn--999999b.de"), "");
        assert!(DECODED.is_sorted());
    }
}
