//! `httpserver`, with curl and with requests written by hand.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use socket2::SockRef;

use super::{
    super::{Running, connect, listening, run, text},
    Folder, certificate, descriptors, has, pattern, peak_memory, wait_for_descriptors,
};

/// The servers to test, with the URLs' beginning and what curl has to know.
fn servers() -> [(Running, u16, &'static str); 2] {
    let (plain, plain_port) = listening("httpserver", &[]);
    let (encrypted, port) = listening("httpserver", &["--tls"]);
    [(plain, plain_port, "http"), (encrypted, port, "https")]
}

fn curl(arguments: &[&str], urls: &[String]) -> Output {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "60", "--noproxy", "*"]);
    command.args(["--cacert", &certificate("ca.crt")]).args(arguments).args(urls);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

#[test]
fn curl_gets_answers() {
    if !has("curl", &["--version"]) {
        return;
    }
    for (_server, port, scheme) in servers() {
        let at = |path: &str| format!("{scheme}://127.0.0.1:{port}{path}");
        let output = curl(&["--include"], &[at("/")]);
        let (head, body) = text(&output.stdout).split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\ncontent-length: 6\r\n"), "{head}");
        assert_eq!(body, "hello\n");

        let output = curl(&["--head"], &[at("/bytes/1234")]);
        assert!(text(&output.stdout).contains("\r\ncontent-length: 1234\r\n"));

        let codes = ["--write-out", " %{http_code}"];
        let output = curl(&codes, &[at("/nothing")]);
        assert_eq!(text(&output.stdout), "not found\n 404");
        let output = curl(&codes, &[at("/bytes/many")]);
        assert_eq!(text(&output.stdout), "not found\n 404");
        let output = curl(&["--include", "--request", "PUT"], &[at("/echo")]);
        assert!(text(&output.stdout).starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
        assert!(text(&output.stdout).contains("\r\nallow: POST\r\n"));

        // All of these use one connection.
        let urls = [at("/"), at("/bytes/3"), at("/bytes/0"), at("/nothing")];
        let connects =
            ["--output", "/dev/null", "--write-out", "%{num_connects} %{size_download} "];
        let arguments: Vec<_> =
            connects[2..].iter().copied().chain(["--output", "/dev/null"].repeat(4)).collect();
        let output = curl(&arguments, &urls);
        assert_eq!(text(&output.stdout), "1 6 0 3 0 0 0 10 ");
    }
}

#[test]
fn curl_moves_large_bodies() {
    if !has("curl", &["--version"]) {
        return;
    }
    let folder = Folder::new();
    let (sent, got) = (folder.path().join("sent"), folder.path().join("got"));
    // This is more than the server collects before it answers.
    let body = pattern(30_000_000);
    fs::write(&sent, &body).unwrap();
    let (sent, output) = (format!("@{}", sent.display()), got.display().to_string());
    for (_server, port, scheme) in servers() {
        let at = |path: &str| format!("{scheme}://127.0.0.1:{port}{path}");
        for (path, more) in [
            ("/bytes/30000000", &[][..]),
            ("/echo", &["--data-binary", &sent]),
            ("/echo", &["--data-binary", &sent, "--header", "Transfer-Encoding: chunked"]),
        ] {
            let _ = fs::remove_file(&got);
            curl(&[&["--output", &output], more].concat(), &[at(path)]);
            assert!(fs::read(&got).unwrap() == body, "{scheme}, {path}, {more:?}");
        }
    }
}

#[test]
fn requests_in_one_piece() {
    let (_server, port) = listening("httpserver", &[]);
    let mut stream = connect(port);
    let mut requests = String::new();
    for count in 0..50 {
        requests += &format!("GET /bytes/{count} HTTP/1.1\r\nHost: a\r\n\r\n");
        requests += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd";
    }
    stream.write_all(requests.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    for count in 0..50 {
        assert_eq!(response(&mut reader), (200, pattern(count)));
        assert_eq!(response(&mut reader), (200, b"abcd".to_vec()));
    }
    // The client sends no more, and still gets its last answer.
    let stream = reader.get_mut();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(response(&mut reader), (200, b"hello\n".to_vec()));
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_request_in_small_pieces() {
    let (_server, port) = listening("httpserver", &[]);
    let mut stream = connect(port);
    stream.set_nodelay(true).unwrap();
    let request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: ignored\r\n\r\n";
    for byte in request.bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(response(&mut BufReader::new(stream)), (200, b"abcde".to_vec()));
}

#[test]
fn a_client_that_reads_only_when_it_has_sent_everything() {
    let (_server, port) = listening("httpserver", &[]);
    let body = pattern(6_000_000);
    let mut stream = connect(port);
    stream.set_write_timeout(Some(super::PATIENCE)).unwrap();
    write!(stream, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len())
        .unwrap();
    stream.write_all(&body).unwrap();
    assert!(response(&mut BufReader::new(stream)) == (200, body));
}

#[test]
fn a_slow_reader_costs_no_memory() {
    for (server, port, scheme) in servers() {
        if scheme == "https" && !has("curl", &["--version"]) {
            continue;
        }
        let before = peak_memory(&server);
        if scheme == "http" {
            let mut stream = connect(port);
            stream.write_all(b"GET /bytes/500000000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            // Reads less than the server could send meanwhile.
            let mut buffer = vec![0; 100_000];
            for _ in 0..100 {
                stream.read_exact(&mut buffer).unwrap();
                thread::yield_now();
            }
        } else {
            let url = format!("https://127.0.0.1:{port}/bytes/100000000");
            curl(&["--output", "/dev/null"], &[url]);
        }
        let grown = peak_memory(&server) - before;
        assert!(grown < 16_000_000, "{scheme}: {grown} bytes");
    }
}

#[test]
fn clients_that_go_away() {
    for (server, port, scheme) in servers() {
        let before = descriptors(&server);
        for round in 0..20 {
            let mut stream = connect(port);
            let request = match round % 5 {
                0 => "GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n",
                1 => "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\nabc",
                2 => "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                3 => "GET /by",
                _ => "",
            };
            stream.write_all(request.as_bytes()).unwrap();
            if scheme == "http" && round % 5 == 0 {
                stream.read_exact(&mut [0; 100_000]).unwrap();
            }
            // Every second one resets the connection.
            if round % 2 == 0 {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
        }
        wait_for_descriptors(&server, before);
        if scheme == "http" {
            let mut stream = connect(port);
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            assert_eq!(response(&mut BufReader::new(stream)), (200, b"hello\n".to_vec()));
        } else if has("curl", &["--version"]) {
            let output = curl(&[], &[format!("https://127.0.0.1:{port}/")]);
            assert_eq!(text(&output.stdout), "hello\n");
        }
    }
}

#[test]
fn what_is_no_request() {
    let (server, port) = listening("httpserver", &[]);
    let before = descriptors(&server);
    for (request, status) in [
        ("\x16\x03\x01\x02\0\x01\0\x01", 400),
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400),
    ] {
        let mut stream = connect(port);
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(response(&mut BufReader::new(stream)).0, status, "{request:?}");
    }
    // A head without an end.
    let mut stream = connect(port);
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let line = format!("X: {}\r\n", "x".repeat(1000));
    let mut writer = stream.try_clone().unwrap();
    let writing = thread::spawn(move || while writer.write_all(line.as_bytes()).is_ok() {});
    assert_eq!(status(&mut BufReader::new(stream)), 431);
    writing.join().unwrap();
    wait_for_descriptors(&server, before);
}

#[test]
fn certificates_of_ones_own() {
    if !has("curl", &["--version"]) {
        return;
    }
    let files = [certificate("chain.crt"), certificate("chain.key")];
    let arguments = ["--tls", "--cert", &files[0], "--key", &files[1]];
    let (_server, port) = listening("httpserver", &arguments);
    let output = curl(&["--insecure", "--verbose"], &[format!("https://127.0.0.1:{port}/")]);
    assert_eq!(text(&output.stdout), "hello\n");

    for arguments in [&["--tls", "--cert", "a"][..], &["--cert", "a", "--key", "b"]] {
        let mut command = super::super::example("httpserver");
        command.args(arguments);
        assert_eq!(run(command).status.code(), Some(2));
    }
    assert!(Path::new(&files[0]).exists());
}

/// Reads a response with a length or in chunks, and returns its status and body.
fn response(reader: &mut BufReader<TcpStream>) -> (u16, Vec<u8>) {
    let status = status(reader);
    let (mut length, mut chunked) = (0, false);
    loop {
        let line = line(reader).to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("content-length: ") {
            length = number.parse().unwrap();
        }
        chunked |= line == "transfer-encoding: chunked";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    while chunked {
        let size = usize::from_str_radix(&line(reader), 16).unwrap();
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..]).unwrap();
        assert_eq!(line(reader), "");
        chunked = size > 0;
    }
    (status, body)
}

fn status(reader: &mut BufReader<TcpStream>) -> u16 {
    let line = line(reader);
    let code = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    code.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap()
}

fn line(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
