//! `httpclient`, with our server, Python's, and servers written by hand.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
};

use super::{
    super::{PATIENCE, PYTHON, Running, example, listening, proxy, run, text},
    Folder, certificate, has, pattern,
};

fn get(arguments: &[&str]) -> Output {
    let mut command = example("httpclient");
    command.args(arguments);
    run(command)
}

/// Returns the output of a client that succeeds.
fn got(arguments: &[&str]) -> Vec<u8> {
    let output = get(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    output.stdout
}

/// Returns what a client that fails prints as the reason.
fn failed(arguments: &[&str]) -> String {
    let output = get(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    text(&output.stderr).to_owned()
}

#[test]
fn documents_of_our_server() {
    let (_plain, port) = listening("httpserver", &[]);
    let at = |path: &str| format!("http://127.0.0.1:{port}{path}");
    assert_eq!(got(&[&at("")]), b"hello\n");
    assert_eq!(got(&[&at("/?a=b#c")]), b"hello\n");
    // More than the pipe of the output holds would block the client until somebody reads.
    assert!(got(&[&at("/bytes/50000")]) == pattern(50_000));
    assert_eq!(failed(&[&at("/nothing")]), "httpclient: 404 Not Found\n");

    let (_encrypted, port) = listening("httpserver", &["--tls"]);
    let ca = certificate("ca.crt");
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/bytes/50000");
        assert!(got(&["--ca", &ca, &url]) == pattern(50_000));
    }
    let said = failed(&[&format!("https://127.0.0.1:{port}/")]);
    assert!(said.starts_with("httpclient: The issuer certificate"), "{said}");
}

#[test]
fn documents_of_pythons_server() {
    if !has(PYTHON, &["-m", "http.server", "--help"]) {
        return;
    }
    let folder = Folder::new();
    fs::write(folder.path().join("a file"), pattern(40_000)).unwrap();
    fs::write(folder.path().join("empty"), b"").unwrap();
    let mut command = Command::new(PYTHON);
    command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]);
    command.arg(folder.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Running(command.spawn().unwrap());
    let out = server.0.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(out).read_line(&mut line);
        let _ = tell.send(line);
    });
    let line = told.recv_timeout(PATIENCE).unwrap();
    let port = line.split(' ').skip_while(|word| *word != "port").nth(1).unwrap();
    let at = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    assert!(got(&[&at("a%20file")]) == pattern(40_000));
    assert_eq!(got(&[&at("empty")]), b"");
    assert!(text(&got(&[&at("")])).contains("a%20file"));
    assert!(failed(&[&at("none")]).starts_with("httpclient: 404 "));
}

#[test]
fn by_a_proxy() {
    let (_plain, plain) = listening("httpserver", &[]);
    let (_encrypted, encrypted) = listening("httpserver", &["--tls"]);
    let ca = certificate("ca.crt");
    for (scheme, port) in [("http", plain), ("https", encrypted)] {
        for kind in ["socks5", "http"] {
            let (proxy_port, proxy) = proxy(kind);
            let proxy_url = format!("{kind}://me:secret@127.0.0.1:{proxy_port}");
            let url = format!("{scheme}://127.0.0.1:{port}/bytes/30000");
            let arguments = ["--ca", &ca, "--proxy", &proxy_url, &url];
            assert!(got(&arguments) == pattern(30_000));
            assert_eq!(proxy.join().unwrap(), format!("me:secret 127.0.0.1:{port}"));
        }
    }
}

#[test]
fn answers_that_are_none() {
    for (answer, fails) in [
        ("", true),
        ("hello\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false),
        ("HTTP/1.0 200 OK\r\n\r\nabc", false),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nabc", false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            client.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        let url = format!("http://127.0.0.1:{port}/a?b");
        let output = get(&[&url]);
        assert_eq!(output.status.code(), Some(i32::from(fails)), "{answer:?}");
        assert_eq!(!text(&output.stderr).is_empty(), fails, "{answer:?}");
        if !fails {
            assert_eq!(text(&output.stdout), "abc");
        }
        let request = serving.join().unwrap();
        assert!(request.starts_with("GET /a?b HTTP/1.1\r\n"), "{request:?}");
        assert!(request.contains(&format!("\r\nhost: 127.0.0.1:{port}\r\n")), "{request:?}");
    }
}

#[test]
fn urls_that_are_none() {
    for url in ["", "nonsense", "ftp://127.0.0.1/", "http://", "http://a:99999/", "/a"] {
        assert_eq!(get(&[url]).status.code(), Some(2), "{url:?}");
    }
    // Nobody listens on this port, and no other process can get it.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let closed = socket.local_addr().unwrap().as_socket().unwrap().port();
    let said = failed(&[&format!("http://127.0.0.1:{closed}/")]);
    assert_eq!(said, "httpclient: Connection refused\n");
}
