//! The names of local servers, and the files that belong to them.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    process,
    sync::{Mutex, MutexGuard, PoisonError},
};

use integration::local::{Dir, accepted_by, connected_to, pair, server};
use qnetwork::{
    LocalServerOptions, LocalSocketErrorKind, LocalSocketState, QLocalServer, QLocalSocket,
    SocketErrorKind,
};

/// A lock for tests that change `TMPDIR` or depend on it.
fn temp_dir_lock() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn names_are_paths() {
    let dir = Dir::new();
    // Not UTF-8: only a path can name it.
    let path = Path::new(&dir.path("")).join(OsStr::from_bytes(b"n\xffme"));
    let server = QLocalServer::new();
    if let Err(error) = server.listen(&path) {
        println!("skipped: no such file names here: {error}");
        return;
    }
    assert!(path.exists());
    assert_eq!(server.server_name(), path.to_string_lossy());
    let client = QLocalSocket::new();
    client.connect_to_server(path.clone());
    assert_eq!(client.state(), LocalSocketState::Connected);
    assert_eq!(client.full_server_name(), path.to_string_lossy());
    QLocalServer::remove_server(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn names_without_a_slash_lie_in_the_temporary_directory() {
    let _lock = temp_dir_lock();
    let server = QLocalServer::new();
    let name = format!("qlocal-name-{}", process::id());
    server.listen(&name).unwrap();
    let temp = fs::canonicalize(env::temp_dir()).unwrap();
    assert_eq!(server.server_name(), name);
    assert_eq!(server.full_server_name(), temp.join(&name).to_str().unwrap());
    let client = QLocalSocket::new();
    client.connect_to_server(&name);
    assert_eq!(client.server_name(), name);
    assert_eq!(client.full_server_name(), server.full_server_name());
}

#[test]
fn a_full_path_is_a_name_and_nothing_is_left_behind() {
    let dir = Dir::new();
    let server = server(&dir);
    let path = dir.path("name");
    assert_eq!([server.server_name(), server.full_server_name()], [path.clone(), path.clone()]);
    let (client, _other) = pair(&server);
    assert_eq!([client.server_name(), client.full_server_name()], [path.clone(), path]);
    client.disconnect_from_server();
    assert_eq!([client.server_name(), client.full_server_name()], ["", ""]);
    assert_eq!(dir.names(), ["name"]);
    server.close();
    assert!(dir.names().is_empty());
    assert_eq!([server.server_name(), server.full_server_name()], ["", ""]);

    server.listen(dir.path("dropped")).unwrap();
    drop(server);
    assert!(dir.names().is_empty());
}

#[test]
fn a_path_may_have_107_bytes() {
    let dir = Dir::new();
    let room = 107 - dir.path("").len();
    for (length, works) in [(room, true), (room + 1, false)] {
        let path = dir.path(&"x".repeat(length));
        for options in [LocalServerOptions::NO_OPTIONS, LocalServerOptions::USER_ACCESS] {
            let (server, client) = (QLocalServer::new(), QLocalSocket::new());
            server.set_socket_options(options);
            assert_eq!(server.listen(&path).is_ok(), works, "{length}");
            client.connect_to_server(&path);
            assert_eq!(client.state() == LocalSocketState::Connected, works);
            if !works {
                assert_eq!(client.error(), LocalSocketErrorKind::ServerNotFound);
            }
        }
    }
    assert!(dir.names().is_empty());
}

#[test]
fn a_nul_is_in_no_name() {
    let dir = Dir::new();
    let (server, client) = (QLocalServer::new(), QLocalSocket::new());
    let error = server.listen(dir.path("a\0b")).unwrap_err();
    assert_eq!(error, SocketErrorKind::HostNotFound);
    assert!(dir.names().is_empty());
    server.listen(dir.path("a")).unwrap();
    client.connect_to_server(dir.path("a\0b"));
    assert_eq!(client.error(), LocalSocketErrorKind::ServerNotFound);
    // Abstract names are not supported, either.
    client.connect_to_server("\0a");
    assert_eq!(client.error(), LocalSocketErrorKind::ServerNotFound);
}

#[test]
fn the_files_permissions() {
    let dir = Dir::new();
    let server = QLocalServer::new();
    assert_eq!(server.socket_options(), LocalServerOptions::NO_OPTIONS);
    use LocalServerOptions as O;
    for (options, mode) in [
        (O::USER_ACCESS, 0o700),
        (O::GROUP_ACCESS, 0o070),
        (O::OTHER_ACCESS, 0o007),
        (O::WORLD_ACCESS, 0o777),
        (O::USER_ACCESS | O::OTHER_ACCESS, 0o707),
    ] {
        server.set_socket_options(options);
        assert_eq!(server.socket_options(), options);
        server.listen(dir.path("name")).unwrap();
        let there = fs::metadata(dir.path("name")).unwrap().permissions().mode() & 0o777;
        assert_eq!(there, mode, "{options:?}");
        // The temporary directory in which the file was created is gone.
        assert_eq!(dir.names(), ["name"]);
        server.close();
        assert!(dir.names().is_empty());
    }
}

#[test]
fn what_is_in_the_way() {
    let dir = Dir::new();
    fs::write(dir.path("file"), "").unwrap();
    fs::create_dir(dir.path("folder")).unwrap();
    symlink("nowhere", dir.path("link")).unwrap();
    let server = QLocalServer::new();
    for name in ["file", "folder", "link"] {
        let error = server.listen(dir.path(name)).unwrap_err();
        assert_eq!(error, SocketErrorKind::AddressInUse, "{name}");
    }
    let error = QLocalServer::remove_server(dir.path("folder")).unwrap_err();
    assert!(
        matches!(error.kind(), SocketErrorKind::Unknown | SocketErrorKind::SocketAccess),
        "{error:?}"
    );
    QLocalServer::remove_server(dir.path("file")).unwrap();
    QLocalServer::remove_server(dir.path("file")).unwrap();

    server.set_socket_options(LocalServerOptions::USER_ACCESS);
    let error = server.listen(dir.path("folder")).unwrap_err();
    // EISDIR.
    assert_eq!(error.to_string(), "QLocalServer::listen: Unknown error 21");
    assert_eq!(dir.names(), ["folder", "link"]);
    server.listen(dir.path("link")).unwrap();
    assert!(!fs::symlink_metadata(dir.path("link")).unwrap().is_symlink());
}

#[test]
fn a_server_without_permission() {
    let dir = Dir::new();
    fs::set_permissions(dir.root(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(dir.path("probe"), "").is_ok() {
        println!("skipped: root ignores permissions");
        return;
    }
    let server = QLocalServer::new();
    for options in [LocalServerOptions::NO_OPTIONS, LocalServerOptions::USER_ACCESS] {
        server.set_socket_options(options);
        let error = server.listen(dir.path("name")).unwrap_err();
        assert_eq!(error, SocketErrorKind::SocketAccess);
        assert_eq!(error.to_string(), "QLocalServer::listen: Permission denied");
    }
    fs::set_permissions(dir.root(), fs::Permissions::from_mode(0o700)).unwrap();
    server.set_socket_options(LocalServerOptions::GROUP_ACCESS);
    server.listen(dir.path("name")).unwrap();
    let client = QLocalSocket::new();
    client.connect_to_server(dir.path("name"));
    assert_eq!(client.error(), LocalSocketErrorKind::SocketAccess);
}

#[test]
fn a_file_that_was_removed_or_replaced() {
    let dir = Dir::new();
    let old = server(&dir);
    fs::remove_file(dir.path("name")).unwrap();
    let client = QLocalSocket::new();
    client.connect_to_server(dir.path("name"));
    assert_eq!(client.error(), LocalSocketErrorKind::ServerNotFound);
    assert!(old.is_listening());

    // Another server takes the name. As in Qt, the first one to close removes the file.
    let new = QLocalServer::new();
    new.listen(dir.path("name")).unwrap();
    let client = connected_to(&old);
    assert_eq!(old.wait_for_new_connection(0).unwrap_err(), SocketErrorKind::SocketTimeout);
    let _other = accepted_by(&new);
    old.close();
    assert!(dir.names().is_empty());
    assert_eq!(client.state(), LocalSocketState::Connected);
    new.close();

    // A server that has crashed leaves its file.
    drop(UnixListener::bind(dir.path("name")).unwrap());
    client.abort();
    client.connect_to_server(dir.path("name"));
    assert_eq!(client.error(), LocalSocketErrorKind::ConnectionRefused);
    let error = new.listen(dir.path("name")).unwrap_err();
    assert_eq!(error, SocketErrorKind::AddressInUse);
    QLocalServer::remove_server(dir.path("name")).unwrap();
    new.listen(dir.path("name")).unwrap();
}

#[test]
fn the_file_is_a_socket_of_this_process() {
    let dir = Dir::new();
    let server = server(&dir);
    let there = fs::metadata(dir.path("name")).unwrap();
    assert_eq!(there.mode() & 0o170_000, 0o140_000);
    let copy = server.clone();
    assert_eq!(copy, server);
    assert!(format!("{server:?}").contains("QLocalServer"));
}
