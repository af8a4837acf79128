//! `localfortuneserver` and `localfortuneclient`, also with Qt at the other end.

use std::os::unix::net::{UnixListener, UnixStream};

use super::*;

#[test]
fn local_fortune_client_and_server() {
    let name = local_name("both");
    let mut server = example("localfortuneserver");
    server.arg(&name);
    let (server, place) = started(server);
    assert_eq!(Path::new(&place).file_name(), Path::new(&name).file_name());
    for _ in 0..3 {
        let mut client = example("localfortuneclient");
        client.arg(&name);
        let output = run(client);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).len() > 10);
    }
    let mut bytes = Vec::new();
    UnixStream::connect(&name).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize, bytes.len() - 4);
    assert_eq!(u32::from_be_bytes(bytes[4..8].try_into().unwrap()) as usize, bytes.len() - 8);

    let mut second = example("localfortuneserver");
    second.arg(&name);
    let output = run(second);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "localfortuneserver: QLocalServer::listen: Address in use\n");
    let killed = Command::new("kill").arg(server.0.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(server.output().status.code(), Some(0));
    assert!(!Path::new(&name).exists());
}

#[test]
fn a_local_fortune_client_without_a_fortune() {
    let name = local_name("none");
    let ask = || {
        let mut client = example("localfortuneclient");
        client.arg(&name);
        client
    };
    let output = run(ask());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "localfortuneclient: there is no server of that name\n");

    let server = UnixListener::bind(&name).unwrap();
    let client = Running(ask().spawn().unwrap());
    server.accept().unwrap().0.write_all(b"\0\0\0\x0c\0\0\0\x08\0a").unwrap();
    let output = client.output();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "localfortuneclient: the server sent no fortune\n");

    drop(server);
    let output = run(ask());
    assert_eq!(text(&output.stderr), "localfortuneclient: the server does not run\n");
    fs::remove_file(&name).unwrap();
}

#[test]
fn local_fortunes_and_qt() {
    if !has_pyside2() {
        return;
    }
    let name = local_name("qt");
    let mut server = pyside2("localfortuneserver.py");
    server.arg(&name);
    let (_server, _) = started(server);
    let mut client = example("localfortuneclient");
    client.arg(&name);
    let output = run(client);
    let fortune = "Grüße from Qt \u{1f600}\n";
    assert_eq!(text(&output.stdout), fortune, "{}", text(&output.stderr));
    fs::remove_file(&name).unwrap();

    let name = local_name("ours");
    let mut server = example("localfortuneserver");
    server.arg(&name);
    let (server, _) = started(server);
    let mut client = pyside2("localfortuneclient.py");
    client.arg(&name);
    let output = run(client);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(text(&output.stdout).len() > 10);
    drop(server);
    fs::remove_file(&name).unwrap();
}
