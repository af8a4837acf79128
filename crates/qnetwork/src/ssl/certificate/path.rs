//! Reading certificates from files.

use std::{
    collections::{HashSet, VecDeque},
    fs, io,
    path::{Path, PathBuf},
};

use regex_lite::Regex;

use super::{QSslCertificate, SslCertificateError, SslCertificateErrorKind};
use crate::ssl::kinds::{EncodingFormat, PatternSyntax};

impl QSslCertificate {
    /// Creates all certificates in a file: at least one. A directory is not a file.
    ///
    /// Stands for Qt's `fromPath()` with its default syntax `FixedString`.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, QSslCertificate, SslCertificateErrorKind};
    ///
    /// let error = QSslCertificate::from_path("/none/such", EncodingFormat::Pem).unwrap_err();
    /// assert_eq!(error, SslCertificateErrorKind::Io(std::io::ErrorKind::NotFound));
    /// ```
    ///
    /// # Errors
    ///
    /// [`SslCertificateError`] if the file cannot be read or contains no certificate.
    #[doc(alias = "fromPath")]
    pub fn from_path(
        path: impl AsRef<Path>,
        format: EncodingFormat,
    ) -> Result<Vec<Self>, SslCertificateError> {
        in_files([path.as_ref().to_owned()], format)
    }

    /// Creates all certificates in the files whose path matches a pattern: at least one.
    ///
    /// [`PatternSyntax::FixedString`] names one file: see [`from_path`](Self::from_path). With the
    /// other kinds of patterns the function searches the deepest directory of the pattern whose
    /// path has no special character, and the directories inside it. It skips hidden files and
    /// hidden directories. It also skips files that cannot be read and files without certificates.
    /// The pattern has to match the whole path of a file, which begins with the path of the
    /// searched directory as the pattern has it. The pattern `"/etc/certs"` finds nothing, because
    /// a directory is not a file; `"/etc/certs/*"` finds the files in it. The function reads the
    /// files in the order of their names.
    ///
    /// ```
    /// use qnetwork::{EncodingFormat, PatternSyntax, QSslCertificate};
    ///
    /// let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()])?.cert.pem();
    /// let name = format!("qnetwork-certificates-{}", std::process::id());
    /// let directory = std::env::temp_dir().join(name);
    /// std::fs::create_dir_all(&directory)?;
    /// std::fs::write(directory.join("a.pem"), &pem)?;
    /// std::fs::write(directory.join("b.pem"), &pem)?;
    ///
    /// let pattern = format!("{}/*.pem", directory.display());
    /// let (format, syntax) = (EncodingFormat::Pem, PatternSyntax::Wildcard);
    /// let certificates = QSslCertificate::from_path_with_syntax(&pattern, format, syntax)?;
    /// assert_eq!(certificates.len(), 2);
    /// std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SslCertificateError`] if no file matches, or if none of them can be read and contains a
    /// certificate.
    #[doc(alias = "fromPath")]
    pub fn from_path_with_syntax(
        pattern: &str,
        format: EncodingFormat,
        syntax: PatternSyntax,
    ) -> Result<Vec<Self>, SslCertificateError> {
        let search = match syntax {
            PatternSyntax::FixedString => None,
            PatternSyntax::Wildcard => Search::by_wildcard(pattern),
            PatternSyntax::RegularExpression => Search::by_expression(pattern),
        };
        match search {
            Some(search) => in_files(search.files(), format),
            // The pattern is only a path.
            None => QSslCertificate::from_path(pattern, format),
        }
    }
}

/// The maximum depth of a search.
const MAX_DEPTH: usize = 128;

/// Returns the certificates in the files; without any, the first error.
fn in_files(
    files: impl IntoIterator<Item = PathBuf>,
    format: EncodingFormat,
) -> Result<Vec<QSslCertificate>, SslCertificateError> {
    let mut certificates = Vec::new();
    let mut first_error = None;
    for file in files {
        let found = read(&file).and_then(|data| QSslCertificate::from_data(data, format));
        match found {
            Ok(found) => certificates.extend(found),
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    if certificates.is_empty() {
        return Err(first_error.unwrap_or_else(|| io_error(io::ErrorKind::NotFound)));
    }
    Ok(certificates)
}

/// Reads a file. Opens nothing else: opening a FIFO would wait for its writer.
fn read(path: &Path) -> Result<Vec<u8>, SslCertificateError> {
    let kind = fs::metadata(path).map_err(|error| SslCertificateError::reading(&error))?;
    if kind.is_dir() {
        return Err(io_error(io::ErrorKind::IsADirectory));
    }
    if !kind.is_file() {
        return Err(io_error(io::ErrorKind::InvalidInput));
    }
    fs::read(path).map_err(|error| SslCertificateError::reading(&error))
}

fn io_error(kind: io::ErrorKind) -> SslCertificateError {
    SslCertificateErrorKind::Io(kind).into()
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
