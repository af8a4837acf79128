//! Converting names of local servers to paths.

use std::{env, fs, io, path::PathBuf};

use socket2::SockAddr;

/// Returns the path of a name: the name itself if it begins with a slash; otherwise it is relative
/// to the directory for temporary files.
pub(super) fn full_name(name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{}/{name}", temp_dir()) }
}

/// Returns the directory that `TMPDIR` names, or `/tmp`. As in Qt, the path is absolute and without
/// symbolic links. It is empty if the directory does not exist.
fn temp_dir() -> String {
    let named = env::var_os("TMPDIR").filter(|name| !name.is_empty());
    let directory = named.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    let directory = fs::canonicalize(directory).unwrap_or_default();
    let directory = directory.to_string_lossy();
    // Only the root directory ends with a slash. The caller adds one.
    directory.trim_end_matches('/').to_owned()
}

/// Converts a path to a socket address. Fails if the path is too long or contains a NUL.
pub(super) fn address_of(path: &str) -> io::Result<SockAddr> {
    if path.contains('\0') {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    SockAddr::unix(path).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}
