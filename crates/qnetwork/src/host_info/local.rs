//! The name and domain of this machine.

use std::{
    env,
    fs::File,
    io::{self, Read},
};

use crate::sys;

const RESOLVER_CONFIGURATION: &str = "/etc/resolv.conf";

/// How many bytes of that file to read.
const MAX_FILE: u64 = 64 * 1024;

/// Returns the domain in which the resolver looks for names first.
pub(super) fn domain_name() -> String {
    let configured = read(RESOLVER_CONFIGURATION).unwrap_or_default();
    let told = env::var_os("LOCALDOMAIN").map(|told| told.to_string_lossy().into_owned());
    domain(told.as_deref(), &configured, &sys::host_name())
}

/// Reads the beginning of a file. Bytes that are not UTF-8, for example in a comment, do not
/// matter.
fn read(path: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Takes the domain from the environment; otherwise from the last line of the configuration that
/// has one; otherwise from this machine's name.
pub(super) fn domain(told: Option<&str>, configured: &str, host: &str) -> String {
    let first = |words: &str| {
        let word = words.split([' ', '\t']).next().unwrap_or_default();
        if word == "." { String::new() } else { word.to_owned() }
    };
    if let Some(told) = told {
        return first(told);
    }
    let search = |line: &'_ str| {
        let words = line.strip_prefix("domain").or_else(|| line.strip_prefix("search"))?;
        let words = words.strip_prefix([' ', '\t'])?.trim_matches([' ', '\t']);
        (!words.is_empty()).then(|| first(words))
    };
    match configured.lines().filter_map(search).next_back() {
        Some(domain) => domain,
        None => host.split_once('.').map(|(_, domain)| domain.to_owned()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_or_of_other_bytes() {
        assert_eq!(read("/dev/zero").unwrap().len() as u64, MAX_FILE);
        let path = env::temp_dir().join(format!("latin1.{}", std::process::id()));
        std::fs::write(&path, b"# Z\xfcrich\nsearch a.b\n").unwrap();
        let text = read(path.to_str().unwrap());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(domain(None, &text.unwrap(), "vm"), "a.b");
    }

    /// Qt 5.15.8 gave these results with the same file and environment.
    #[test]
    fn domains_as_qt_finds_them() {
        for (configured, wanted) in [
            ("nameserver 127.0.0.1\ndomain one.example\n", "one.example"),
            ("search a.b c.d\n", "a.b"),
            ("domain one\nsearch two three\n", "two"),
            ("search two three\ndomain one extra\n", "one"),
            ("# domain x\n;search y\n  search z\n", ""),
            ("search\ttab.example\n", "tab.example"),
            ("domainfoo bar\n", ""),
            ("search a.b\nsearch\n", "a.b"),
            ("search a.b\ndomain \n", "a.b"),
            ("search .\n", ""),
            ("search a.\n", "a."),
            ("", ""),
        ] {
            assert_eq!(domain(None, configured, "vm"), wanted, "{configured:?}");
        }
        assert_eq!(domain(None, "search \n", "box.sub.example"), "sub.example");
        assert_eq!(domain(None, "search .\n", "box.sub.example"), "");
        for (told, wanted) in
            [("", ""), (" x y", ""), (".", ""), ("a.example b", "a.example"), ("x\ty", "x")]
        {
            assert_eq!(domain(Some(told), "search one two\n", "box.sub.example"), wanted);
        }
    }
}
