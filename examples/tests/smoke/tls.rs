//! The examples with TLS.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::{Running, example, listening, run, text};

/// Returns a folder with the certificates of an authority and a server, and the server's key.
fn certificates() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // Each process has its own folder, because the tests may run several times at once.
        let own = format!("smoke-{}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(own);
        fs::create_dir_all(&folder).unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "an authority");
        let authority_key = KeyPair::generate().unwrap();
        let authority_cert = authority.self_signed(&authority_key).unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut server = CertificateParams::new(names).unwrap();
        server.distinguished_name.push(DnType::CommonName, "a server");
        let server_key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let server_cert = server.signed_by(&server_key, &issuer).unwrap();
        fs::write(folder.join("ca.crt"), authority_cert.pem()).unwrap();
        fs::write(folder.join("server.crt"), server_cert.pem()).unwrap();
        fs::write(folder.join("server.key"), server_key.serialize_pem()).unwrap();
        folder
    })
}

fn path(name: &str) -> String {
    certificates().join(name).to_str().unwrap().to_owned()
}

fn client(port: u16, more: &[&str]) -> Command {
    let mut client = example("securesocketclient");
    client.args(more).args(["127.0.0.1", &port.to_string()]);
    client
}

#[test]
fn a_fortune_that_nobody_else_reads() {
    let (_server, port) =
        listening("securefortuneserver", &[&path("server.crt"), &path("server.key")]);
    let output = run(client(port, &["--ca", &path("ca.crt")]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    assert!(lines[0].starts_with("TLSv1.3, TLS_"), "{lines:?}");
    assert!(lines[1].starts_with("0  a server, by an authority, SHA-256 "), "{lines:?}");
    assert!(lines.len() == 3 && lines[2].len() > 10, "{lines:?}");
}

#[test]
fn the_client_asks_about_errors() {
    let (_server, port) =
        listening("securefortuneserver", &[&path("server.crt"), &path("server.key")]);
    for (answer, goes_on) in [("y\n", true), ("n\n", false), ("", false)] {
        let mut command = client(port, &[]);
        let mut child = Running(command.stdin(Stdio::piped()).spawn().unwrap());
        child.0.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.output();
        let errors = text(&output.stderr);
        assert!(errors.contains("\nGo on? [y/N] "), "{errors}");
        assert!(errors.contains("127.0.0.1 shows this: a server, by an authority, SHA-256 "));
        assert_eq!(output.status.code(), Some(i32::from(!goes_on)), "{errors}");
        assert_eq!(text(&output.stdout).lines().count(), if goes_on { 3 } else { 0 });
    }
    // The authority is the right one, but the name is not.
    let output = run(client(port, &["--ca", &path("ca.crt"), "--name", "other.example"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with("The host name did not match"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn an_echo_by_tls_and_http_to_it() {
    let files = [path("server.crt"), path("server.key")];
    let (_server, port) = listening("echoserver", &["--tls", &files[0], &files[1], "--sink"]);
    // The server only reads and sends nothing. The client ends when the server does.
    let command = client(port, &["--ca", &path("ca.crt"), "--get", "/"]).spawn().unwrap();
    drop(Running(command));

    let (_server, port) = listening("echoserver", &["--tls", &files[0], &files[1]]);
    let mut child =
        Running(client(port, &["--ca", &path("ca.crt"), "--get", "/abc"]).spawn().unwrap());
    let mut out = std::io::BufReader::new(child.0.stdout.take().unwrap());
    let mut lines = Vec::new();
    while lines.last().map(String::as_str) != Some("Connection: close\r\n") {
        let mut line = String::new();
        assert!(std::io::BufRead::read_line(&mut out, &mut line).unwrap() > 0, "{lines:?}");
        lines.push(line);
    }
    assert_eq!(lines[2], "GET /abc HTTP/1.1\r\n");
}

#[test]
fn files_that_are_no_certificates() {
    let missing = path("none-such.crt");
    for (arguments, error) in [
        (vec![missing.clone(), path("server.key")], format!("{missing}: No such file")),
        (
            vec![path("server.key"), path("server.key")],
            format!("{}: there is no", path("server.key")),
        ),
        (
            vec![path("server.crt"), path("server.crt")],
            format!("{}: there is no", path("server.crt")),
        ),
    ] {
        let mut command = example("securefortuneserver");
        command.args(&arguments);
        let output = run(command);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.starts_with(&format!("securefortuneserver: {error}")), "{said}");
    }
    let mut command = example("echoserver");
    command.args(["--udp", "--tls", &path("server.crt"), &path("server.key")]);
    assert_eq!(run(command).status.code(), Some(2));
}
