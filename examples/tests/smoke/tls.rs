//! The examples with TLS.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::{Running, example, listening, run, text};

/// Returns the path of a file among the certificates of the conformance tests.
fn path(name: &str) -> String {
    format!("{}/../tests/conformance/certs/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn client(port: u16, more: &[&str]) -> Command {
    let mut client = example("securesocketclient");
    client.args(more).args(["127.0.0.1", &port.to_string()]);
    client
}

#[test]
fn a_fortune_that_nobody_else_reads() {
    let (_server, port) =
        listening("securefortuneserver", &[&path("good-ec.crt"), &path("good-ec.key")]);
    let output = run(client(port, &["--ca", &path("ca.crt")]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    assert!(lines[0].starts_with("TLSv1.3, TLS_"), "{lines:?}");
    assert!(lines[1].starts_with("0  localhost, by Conformance Root, SHA-256 "), "{lines:?}");
    assert!(lines.len() == 3 && lines[2].len() > 10, "{lines:?}");
}

#[test]
fn the_client_asks_about_errors() {
    let (_server, port) =
        listening("securefortuneserver", &[&path("good-ec.crt"), &path("good-ec.key")]);
    for (answer, goes_on) in [("y\n", true), ("n\n", false), ("", false)] {
        let mut command = client(port, &[]);
        let mut child = Running(command.stdin(Stdio::piped()).spawn().unwrap());
        child.0.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.output();
        let errors = text(&output.stderr);
        assert!(errors.contains("\nGo on? [y/N] "), "{errors}");
        assert!(errors.contains("127.0.0.1 shows this: localhost, by Conformance Root, SHA-256 "));
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
    let files = [path("good-ec.crt"), path("good-ec.key")];
    let (_server, port) = listening("echoserver", &["--tls", &files[0], &files[1], "--sink"]);
    // The server only reads and sends nothing. The client ends when the server does.
    let command = client(port, &["--ca", &path("ca.crt"), "--get", "/"]).spawn().unwrap();
    drop(Running(command));

    for workers in ["0", "2"] {
        let arguments = ["--tls", &files[0], &files[1], "--workers", workers];
        let (_server, port) = listening("echoserver", &arguments);
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
}

#[test]
fn files_that_are_no_certificates() {
    let missing = path("none-such.crt");
    for (arguments, error) in [
        (vec![missing.clone(), path("good-ec.key")], format!("{missing}: No such file")),
        (
            vec![path("good-ec.key"), path("good-ec.key")],
            format!("{}: there is no", path("good-ec.key")),
        ),
        (
            vec![path("good-ec.crt"), path("good-ec.crt")],
            format!("{}: there is no", path("good-ec.crt")),
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
    command.args(["--udp", "--tls", &path("good-ec.crt"), &path("good-ec.key")]);
    assert_eq!(run(command).status.code(), Some(2));
}
