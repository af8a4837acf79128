//! The chat of JSON lines, with clients of other kinds.

use std::io::{BufRead, BufReader, Read, Write};

use super::{Command, PYTHON, Running, Stdio, connect, listening, text};

/// A client in Python, which knows nothing of our framing. It prints what it receives up to its own
/// message.
const CLIENT: &str = r#"
import json, socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20) as connection:
    lines = connection.makefile("rw", encoding="utf-8", newline="\n")
    def send(message):
        lines.write(json.dumps(message) + "\n")
        lines.flush()
    send({"name": "python"})
    assert json.loads(lines.readline()) == {"came": "python"}
    send({"say": "\u00fc, twice"})
    for line in lines:
        print(json.dumps(json.loads(line), sort_keys=True), flush=True)
        break
"#;

#[test]
fn a_chat_of_python_and_a_plain_socket() {
    super::has_a_help("jsonchat");
    let (_server, port) = listening("jsonchat", &[]);
    let mut guest = BufReader::new(connect(port));
    let line = |guest: &mut BufReader<_>| {
        let mut line = String::new();
        guest.read_line(&mut line).unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap_or_default()
    };
    // Two messages and a half in one piece.
    guest.get_mut().write_all(b"{\"say\": 1}\r\n\n{\"name\": \"al").unwrap();
    assert_eq!(line(&mut guest)["error"], "your name?");
    guest.get_mut().write_all(b"ice\"}\n").unwrap();
    assert_eq!(line(&mut guest)["came"], "alice");

    if Command::new(PYTHON).arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no {PYTHON}");
        return;
    }
    let mut client = Command::new(PYTHON);
    client.args(["-c", CLIENT, &port.to_string()]).stdin(Stdio::null());
    client.stdout(Stdio::piped()).stderr(Stdio::piped());
    let client = Running(client.spawn().unwrap());
    assert_eq!(line(&mut guest)["came"], "python");
    let said = line(&mut guest);
    assert_eq!((&said["from"], &said["say"]), (&"python".into(), &"\u{fc}, twice".into()));
    let output = client.output();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "{\"from\": \"python\", \"say\": \"\\u00fc, twice\"}\n");
    assert_eq!(line(&mut guest)["left"], "python");
}

#[test]
fn who_sends_no_json_is_told_so_and_leaves() {
    let (_server, port) = listening("jsonchat", &[]);
    for (bytes, error) in [
        (&b"{\"name\": \n"[..], "EOF while parsing a value"),
        (&[b'x'; 5000][..], "the message is too long"),
    ] {
        let mut guest = connect(port);
        guest.write_all(bytes).unwrap();
        let mut answer = String::new();
        guest.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("{{\"error\":\"{error}")), "{answer}");
    }
}

#[test]
fn netcat_is_a_client() {
    let (_server, port) = listening("jsonchat", &[]);
    let mut netcat = Command::new("nc");
    netcat.args(["127.0.0.1", &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(netcat) = netcat.spawn() else {
        println!("skipped: there is no nc");
        return;
    };
    let mut netcat = Running(netcat);
    let mut typed = netcat.0.stdin.take().unwrap();
    typed.write_all(b"{\"name\":\"nc\"}\n{\"say\":\"hi\"}\n").unwrap();
    let mut lines = BufReader::new(netcat.0.stdout.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    assert_eq!(line(), "{\"came\":\"nc\"}");
    assert_eq!(line(), "{\"from\":\"nc\",\"say\":\"hi\"}");
}
