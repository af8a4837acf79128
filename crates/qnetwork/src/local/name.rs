//! Converting names of local servers to paths.

use std::{
    env,
    ffi::OsString,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use socket2::SockAddr;

/// Returns the path that a name stands for: the name itself if it begins with a slash, otherwise
/// one in the directory for temporary files.
pub(super) fn full_name(name: &Path) -> PathBuf {
    if name.has_root() {
        return name.to_owned();
    }
    // Not `Path::join`: the directory may be empty, and then the path begins with the slash.
    let mut path = temp_dir();
    path.push("/");
    path.push(name);
    path.into()
}

/// Returns the directory that `TMPDIR` names, or `/tmp`. As in Qt, the path is absolute and has no
/// symbolic links. It is empty if there is no such directory.
fn temp_dir() -> OsString {
    let named = env::var_os("TMPDIR").filter(|name| !name.is_empty());
    let directory = named.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    let directory = fs::canonicalize(directory).unwrap_or_default();
    // The caller adds a slash. Only the root directory already ends with one.
    if directory == Path::new("/") { OsString::new() } else { directory.into_os_string() }
}

/// Shows a path as text. Bytes that are not UTF-8 are replaced.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Returns a path as the system's sockets know it. Fails if the path is too long or contains a NUL.
pub(super) fn address_of(path: &Path) -> io::Result<SockAddr> {
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    SockAddr::unix(path).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}
