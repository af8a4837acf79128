//! Reading certificates from files.

use std::{
    collections::{HashSet, VecDeque},
    fs,
    path::{Path, PathBuf},
};

use regex_lite::Regex;

use super::QSslCertificate;
use crate::ssl::kinds::{EncodingFormat, PatternSyntax};

impl QSslCertificate {
    /// Reads all certificates from the files whose path matches.
    ///
    /// With [`PatternSyntax::FixedString`] the path names at most one file. With the other syntaxes
    /// the function searches directories. It starts at the last directory before the first special
    /// character and descends into subdirectories, but skips hidden files and directories. A file
    /// matches if its path from the start of the search matches. A directory is not a file:
    /// `"/etc/certs"` yields nothing, `"/etc/certs/*"` the files in it. Files are read in the order
    /// of their names.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, PatternSyntax, QSslCertificate};
    ///
    /// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    /// let name = format!("qnetwork-certificates-{}", std::process::id());
    /// let directory = std::env::temp_dir().join(name);
    /// std::fs::create_dir_all(&directory).unwrap();
    /// std::fs::write(directory.join("a.pem"), &pem).unwrap();
    /// std::fs::write(directory.join("b.pem"), &pem).unwrap();
    ///
    /// let pattern = format!("{}/*.pem", directory.display());
    /// let (format, syntax) = (EncodingFormat::Pem, PatternSyntax::Wildcard);
    /// let certificates = QSslCertificate::from_path(&pattern, format, syntax);
    /// assert_eq!(certificates.len(), 2);
    /// std::fs::remove_dir_all(&directory).unwrap();
    /// ```
    #[doc(alias = "fromPath")]
    #[must_use]
    pub fn from_path(path: &str, format: EncodingFormat, syntax: PatternSyntax) -> Vec<Self> {
        certificates(path, format, syntax)
    }
}

/// The maximum depth of a search.
const MAX_DEPTH: usize = 128;

/// Reads the certificates of all files that match.
fn certificates(path: &str, format: EncodingFormat, syntax: PatternSyntax) -> Vec<QSslCertificate> {
    let search = match syntax {
        PatternSyntax::FixedString => None,
        PatternSyntax::Wildcard => Search::by_wildcard(path),
        PatternSyntax::RegularExpression => Search::by_expression(path),
    };
    let files = match search {
        // The pattern is a plain path.
        None if Path::new(path).is_file() => vec![PathBuf::from(path)],
        None => Vec::new(),
        Some(search) => search.files(),
    };
    let read = |file: PathBuf| fs::read(file).unwrap_or_default();
    files.into_iter().flat_map(|file| QSslCertificate::from_data(read(file), format)).collect()
}

/// A search: where it starts and what it looks for.
struct Search {
    directory: PathBuf,
    pattern: Regex,
    /// The maximum number of directories between the start and a file.
    depth: usize,
}

impl Search {
    /// Starts at the last directory without a special character in its path. Returns `None` if no
    /// directory has one and the path is that of a file.
    fn by_wildcard(path: &str) -> Option<Self> {
        let directories = path.rfind('/').map_or("", |slash| &path[..slash]);
        let start = match directories.find(['*', '?', '[']) {
            Some(special) => before_last_slash(&directories[..special]),
            None if Path::new(path).is_file() => return None,
            None => directories,
        };
        let rest = path[start.len()..].trim_start_matches('/');
        Some(Search {
            directory: PathBuf::from(start),
            pattern: anchored(&wildcard_to_expression(path))?,
            // No wildcard matches a slash.
            depth: rest.matches('/').count(),
        })
    }

    fn by_expression(path: &str) -> Option<Self> {
        let is_special = |c: char| "$()*+.?[]^{|}".contains(c);
        let directories = path.rfind('/').map_or("", |slash| &path[..slash]);
        let start = match path.find(is_special) {
            Some(special) => before_last_slash(directories.get(..special).unwrap_or(directories)),
            None if Path::new(path).is_file() => return None,
            None => directories,
        };
        let Some(pattern) = anchored(path) else {
            qcore::q_warning!(
                "QRegularExpressionPrivate::doMatch(): \
                 called on an invalid QRegularExpression object"
            );
            return None;
        };
        Some(Search { directory: PathBuf::from(start), pattern, depth: MAX_DEPTH })
    }

    /// Returns all files whose path from the start of the search matches, sorted by name. Files of
    /// a directory precede those of its subdirectories, so a file that can be reached in two ways
    /// is found by the shorter one.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut seen = HashSet::new();
        let mut directories = VecDeque::from([(self.directory.clone(), 0)]);
        while let Some((directory, depth)) = directories.pop_front() {
            let is_here = directory.as_os_str().is_empty();
            let place = if is_here { Path::new(".") } else { &directory };
            // Links may lead to the same directory again.
            let is_new = place.canonicalize().is_ok_and(|place| seen.insert(place));
            let Some(entries) = is_new.then(|| fs::read_dir(place).ok()).flatten() else {
                continue;
            };
            let mut names: Vec<_> =
                entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
            names.sort_unstable();
            // Skips hidden files and directories.
            for name in names.iter().filter(|name| !name.as_encoded_bytes().starts_with(b".")) {
                let path = directory.join(name);
                let Ok(kind) = fs::metadata(&path) else { continue };
                let fits = || path.to_str().is_some_and(|path| self.pattern.is_match(path));
                if kind.is_dir() && depth < self.depth {
                    directories.push_back((path, depth + 1));
                } else if kind.is_file() && fits() {
                    files.push(path);
                }
            }
        }
        files
    }
}

fn before_last_slash(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..slash])
}

fn anchored(expression: &str) -> Option<Regex> {
    Regex::new(&format!("^(?:{expression})$")).ok()
}

/// Converts a shell pattern. `*` and `?` match no slash; `[abc]` and `[!abc]` match one character.
/// A pattern with an unclosed bracket matches nothing.
fn wildcard_to_expression(wildcard: &str) -> String {
    let mut out = String::new();
    let mut chars = wildcard.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => {
                out.push('[');
                if chars.next_if(|c| matches!(c, '!' | '^')).is_some() {
                    out.push('^');
                }
                // At the start of the set, a bracket is an element of it.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                for c in chars.by_ref() {
                    if matches!(c, '\\' | '[' | '&' | '~') {
                        out.push('\\');
                    }
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            c => out.push_str(&regex_lite::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}
