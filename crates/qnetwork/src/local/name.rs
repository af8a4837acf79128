//! Where a local server's name is found.

use std::{env, fs, io, path::PathBuf};

use socket2::SockAddr;

/// The path that a name stands for: itself, if it begins with a slash, else one in the directory for
/// temporary files.
pub(super) fn full_name(name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{}/{name}", temp_dir()) }
}

/// The directory that `TMPDIR` names, or `/tmp`: an absolute path without links in it, as Qt's. Of a
/// directory that is not there nothing is left.
fn temp_dir() -> String {
    let named = env::var_os("TMPDIR").filter(|name| !name.is_empty());
    let directory = named.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    let directory = fs::canonicalize(directory).unwrap_or_default();
    let directory = directory.to_string_lossy();
    // The root is the one directory that ends with the slash which is added.
    directory.trim_end_matches('/').to_owned()
}

/// A path as the system's sockets know it. Fails if it is too long, or has a NUL in it.
pub(super) fn address_of(path: &str) -> io::Result<SockAddr> {
    if path.contains('\0') {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    SockAddr::unix(path).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}
