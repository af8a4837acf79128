//! `tcprelay` between real programs.

use std::{fs, process::Command, thread};

use super::*;

/// Returns whether a program can be started.
fn has(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let there = command.status().is_ok();
    if !there {
        println!("skipped: there is no {program}");
    }
    there
}

fn relay_to(port: u16) -> (Running, u16) {
    listening("tcprelay", &["--to", &format!("127.0.0.1:{port}"), "--verbose"])
}

/// Starts a Python script that prints its port, as our servers do.
fn python(script: &str) -> (Running, u16) {
    let mut command = Command::new(PYTHON);
    command.args(["-u", "-c", script]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    serve(command)
}

/// Adds up the bytes up to the end, and answers with their sum and as many bytes as came.
const SUMS: &str = "
import hashlib, socket, threading
listener = socket.create_server(('127.0.0.1', 0))
print('listening on 127.0.0.1:%d' % listener.getsockname()[1])
def serve(connection):
    digest, count = hashlib.sha256(), 0
    while True:
        data = connection.recv(65536)
        if not data: break
        digest.update(data)
        count += len(data)
    connection.sendall(digest.hexdigest().encode())
    connection.sendall(b'x' * count)
    connection.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
";

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 + at / 251) as u8).collect()
}

#[test]
fn megabytes_go_through_the_relay_and_back() {
    if !has(PYTHON, "--version") {
        return;
    }
    let (_upstream, port) = python(SUMS);
    let (_relay, port) = relay_to(port);
    for size in [0, 1, 100_000, 20 << 20] {
        let data = pattern(size);
        let sum = {
            use sha2::Digest;
            let digest = sha2::Sha256::digest(&data);
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let mut client = connect(port);
        let mut writer = client.try_clone().unwrap();
        let writing = thread::spawn(move || {
            writer.write_all(&data).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        writing.join().unwrap();
        assert_eq!(text(&answer[..64]), sum);
        assert_eq!(answer.len(), 64 + size);
    }
}

#[test]
fn curl_downloads_through_the_relay() {
    if !has("curl", "--version") || !has(PYTHON, "--version") {
        return;
    }
    let folder = env::temp_dir().join(format!("tcprelay-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let data = pattern(5 << 20);
    fs::write(folder.join("file"), &data).unwrap();
    let (_upstream, port) = python(&format!(
        "
import functools, http.server
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory={folder:?})
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
print('listening on 127.0.0.1:%d' % server.server_port)
server.serve_forever()
"
    ));
    let (_relay, port) = relay_to(port);
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--max-time", "20", &format!("http://127.0.0.1:{port}/file"), "-o"]);
    let got = folder.join("got");
    curl.arg(&got).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = run(curl);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(fs::read(&got).unwrap() == data);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn netcat_talks_through_the_relay() {
    if !has("nc", "-h") {
        return;
    }
    let (_echo, port) = listening("taskechoserver", &[]);
    let (_relay, port) = relay_to(port);
    let mut nc = Command::new("nc");
    nc.args(["-N", "127.0.0.1", &port.to_string()]);
    nc.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running(nc.spawn().unwrap());
    child.0.stdin.take().unwrap().write_all(b"by netcat\n").unwrap();
    let output = child.output();
    if !output.status.success() && text(&output.stderr).contains("invalid option") {
        println!("skipped: this nc cannot close its sending half");
        return;
    }
    assert_eq!(text(&output.stdout), "by netcat\n");
}

#[test]
fn the_relay_says_what_has_failed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let (mut relay, port) = relay_to(closed);
    let mut client = connect(port);
    // The relay closes the connection, or resets it.
    let _ = client.read(&mut [0]);
    let mut line = String::new();
    BufReader::new(relay.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with(": the second device has failed: Connection refused\n"), "{line:?}");
    assert!(line.starts_with("tcprelay: 127.0.0.1:"), "{line:?}");
}
