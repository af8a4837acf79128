//! Starts the examples and talks to them.

mod chat;
// `.ci/run` switches this feature on.
#[cfg(feature = "ecosystem")]
mod ecosystem;
// `cargo test --workspace` switches this feature on.
#[cfg(feature = "json")]
mod jsonchat;
mod local;
// `cargo test --workspace` switches this feature on.
#[cfg(feature = "tls")]
mod mqtt;
mod ported;
mod reconnecting;
mod relay;
// `cargo test --workspace` switches this feature on.
#[cfg(feature = "tls")]
mod tls;

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

const PATIENCE: Duration = Duration::from_secs(20);
const PYTHON: &str = "/usr/bin/python3";

/// Returns the command for an example. Cargo puts its binary into a folder next to this test's
/// folder.
fn example(name: &str) -> Command {
    let test = env::current_exe().unwrap();
    let path: PathBuf = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: cargo test -p examples builds it", path.display());
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn pyside2(script: &str) -> Command {
    let mut command = Command::new(PYTHON);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pyside2").join(script));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn has_pyside2() -> bool {
    let asked = Command::new(PYTHON)
        .args(["-c", "import PySide2.QtNetwork"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = asked.is_ok_and(|status| status.success());
    if !there {
        println!("skipped: {PYTHON} has no PySide2.QtNetwork");
    }
    there
}

/// A process that is killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Waits for the end of the process, with a limit.
    fn output(mut self) -> Output {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it does not end");
            thread::sleep(Duration::from_millis(5));
        };
        // `serve` takes a server's output to read its port.
        let stdout = self.0.stdout.take().map(read_all).unwrap_or_default();
        let stderr = self.0.stderr.take().map(read_all).unwrap_or_default();
        Output { status, stdout, stderr }
    }
}

fn read_all(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

fn run(mut command: Command) -> Output {
    Running(command.spawn().unwrap()).output()
}

/// Starts a server and returns the port from its first line.
fn serve(command: Command) -> (Running, u16) {
    let (child, line) = started(command);
    let port = line.strip_prefix("127.0.0.1:").and_then(|port| port.parse().ok());
    (child, port.unwrap_or_else(|| panic!("{line:?}")))
}

/// Starts a server and returns the address or name from its first line.
fn started(mut command: Command) -> (Running, String) {
    let mut child = Running(command.spawn().unwrap());
    let out = child.0.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(out).read_line(&mut line);
        let _ = tell.send(line);
    });
    let line = told.recv_timeout(PATIENCE).expect("the server prints where it listens");
    let place = line.trim_end().strip_prefix("listening on ");
    (child, place.unwrap_or_else(|| panic!("{line:?}")).to_owned())
}

fn listening(name: &str, more: &[&str]) -> (Running, u16) {
    let mut command = example(name);
    command.args(["--listen", "127.0.0.1:0"]).args(more);
    serve(command)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Returns a name for a local server that no other test uses.
fn local_name(what: &str) -> String {
    let name = format!("qt-smoke-{what}-{}", std::process::id());
    env::temp_dir().join(name).to_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn fortune_prints_one() {
    for arguments in [&[][..], &["--pyside2"]] {
        let mut command = example("fortune");
        command.args(arguments);
        let output = run(command);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).lines().count(), 1);
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    }
}

#[test]
fn worker_counts_and_reports_progress() {
    let mut command = example("worker");
    command.args(["--below", "100000"]);
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    let percents: Vec<_> = (1..10).map(|tenth| format!("{tenth}0 %")).collect();
    assert_eq!(lines[..9], percents);
    assert_eq!(lines[9..], ["9592 prime numbers below 100000"]);
}

#[test]
fn filedigests_prints_what_it_can_read() {
    let folder = env::temp_dir().join(format!("filedigests-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (file, missing) = (folder.join("abc"), folder.join("missing"));
    fs::write(&file, "abc").unwrap();
    let mut command = example("filedigests");
    command.args([&file, &missing]);
    let output = run(command);
    fs::remove_dir_all(&folder).unwrap();
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(text(&output.stdout), format!("{digest}  {}\n", file.display()));
    assert!(text(&output.stderr).contains(&*missing.to_string_lossy()));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_example_has_a_help() {
    for name in [
        "blockingfortuneclient",
        "broadcastreceiver",
        "broadcastsender",
        "chat",
        "dnslookup",
        "echoserver",
        "filedigests",
        "fortune",
        "fortuneclient",
        "fortuneserver",
        "localfortuneclient",
        "localfortuneserver",
        "loopback",
        "multicastreceiver",
        "multicastsender",
        "reconnectingclient",
        "securefortuneserver",
        "securesocketclient",
        "taskechoserver",
        "tcprelay",
        "threadedfortuneserver",
        "worker",
    ] {
        has_a_help(name);
    }
}

fn has_a_help(name: &str) {
    let mut command = example(name);
    command.arg("--help");
    let output = run(command);
    assert!(output.status.success());
    assert!(text(&output.stdout).starts_with(&format!("usage: {name}")));

    let mut command = example(name);
    command.arg("--nonsense");
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--nonsense"));
}

#[test]
fn fortune_client_and_server() {
    for wire in [&[][..], &["--pyside2"]] {
        for server in ["fortuneserver", "threadedfortuneserver"] {
            let (_server, port) = listening(server, wire);
            for name in ["fortuneclient", "blockingfortuneclient", "fortuneclient"] {
                let mut client = example(name);
                client.args(["127.0.0.1", &port.to_string()]).args(wire);
                let output = run(client);
                assert!(output.status.success(), "{}", text(&output.stderr));
                assert!(text(&output.stdout).len() > 10);
            }
        }
    }
}

/// Runs a proxy for one connection. Its thread returns the request: `user:password host:port`.
fn proxy(scheme: &'static str) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (mut client, _) = listener.accept().unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let (asked, target) = match scheme {
            "socks5" => ask_by_socks5(&mut client),
            _ => ask_by_http(&mut client),
        };
        let mut server = connect(target);
        thread::scope(|scope| {
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            // Either end may close first.
            scope.spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            let _ = std::io::copy(&mut server, &mut client);
            let _ = client.shutdown(Shutdown::Both);
        });
        asked
    };
    (port, thread::spawn(serve))
}

fn ask_by_socks5(client: &mut TcpStream) -> (String, u16) {
    fn take(client: &mut TcpStream, count: u8) -> Vec<u8> {
        let mut bytes = vec![0; count.into()];
        client.read_exact(&mut bytes).unwrap();
        bytes
    }
    let text = |client: &mut TcpStream| {
        let length = take(client, 1)[0];
        String::from_utf8(take(client, length)).unwrap()
    };
    let methods = take(client, 2)[1];
    assert!(take(client, methods).contains(&2));
    client.write_all(&[5, 2]).unwrap();
    assert_eq!(take(client, 1), [1]);
    let (user, password) = (text(client), text(client));
    client.write_all(&[1, 0]).unwrap();
    let request = take(client, 10);
    assert_eq!(request[..4], [5, 1, 0, 1]);
    let port = u16::from_be_bytes([request[8], request[9]]);
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 1]).unwrap();
    (format!("{user}:{password} 127.0.0.1:{port}"), port)
}

fn ask_by_http(client: &mut TcpStream) -> (String, u16) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    // The client sends its credentials only after a challenge.
    for answer in
        ["407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0", "200 OK"]
    {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        client.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).unwrap();
        // The base64 text decodes to "me:secret".
        if lines.iter().any(|line| line == "Proxy-Authorization: Basic bWU6c2VjcmV0") {
            let place = lines[0].strip_prefix("CONNECT ").unwrap();
            let place = place.strip_suffix(" HTTP/1.1").unwrap();
            let port = place.rsplit_once(':').unwrap().1.parse().unwrap();
            return (format!("me:secret {place}"), port);
        }
    }
    panic!("the client sends no credentials");
}

#[test]
fn a_fortune_by_a_proxy() {
    let (_server, port) = listening("fortuneserver", &[]);
    for name in ["fortuneclient", "blockingfortuneclient"] {
        for scheme in ["socks5", "http"] {
            let (proxy_port, proxy) = proxy(scheme);
            let mut client = example(name);
            client.arg("--proxy").arg(format!("{scheme}://me:secret@127.0.0.1:{proxy_port}"));
            client.args(["127.0.0.1", &port.to_string()]);
            let output = run(client);
            assert!(output.status.success(), "{scheme}: {}", text(&output.stderr));
            assert!(text(&output.stdout).len() > 10);
            assert_eq!(proxy.join().unwrap(), format!("me:secret 127.0.0.1:{port}"));
        }
        let mut client = example(name);
        client.args(["--proxy", "gopher://127.0.0.1"]);
        let output = run(client);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).starts_with("\"gopher://127.0.0.1\" is no proxy\n"));
    }
}

#[test]
fn what_the_fortune_server_sends() {
    let (_server, port) = listening("fortuneserver", &[]);
    let mut bytes = Vec::new();
    connect(port).read_to_end(&mut bytes).unwrap();
    let length = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    assert_eq!(length, bytes.len() - 4);

    let (_server, port) = listening("fortuneserver", &["--pyside2"]);
    let mut bytes = Vec::new();
    connect(port).read_to_end(&mut bytes).unwrap();
    assert_eq!(u16::from_be_bytes(bytes[..2].try_into().unwrap()) as usize, bytes.len() - 2);
    assert_eq!(u32::from_be_bytes(bytes[2..6].try_into().unwrap()) as usize, bytes.len() - 6);
}

#[test]
fn a_fortune_client_without_a_fortune() {
    // Nobody listens on this port, and no other process can get it.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let closed = socket.local_addr().unwrap().as_socket().unwrap().port();
    let mut client = example("fortuneclient");
    client.args(["127.0.0.1", &closed.to_string()]);
    let output = run(client);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "fortuneclient: Connection refused\n");
    let mut client = example("blockingfortuneclient");
    client.args(["127.0.0.1", &closed.to_string()]);
    let output = run(client);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "blockingfortuneclient: Connection refused\n");

    // Servers that send half a fortune, nothing, or an invalid one.
    for answer in [&b"\0\0\0\x08\0a"[..], b"", b"\0\0\0\x03abc"] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = example("fortuneclient");
        client.args(["127.0.0.1", &server.local_addr().unwrap().port().to_string()]);
        let client = Running(client.spawn().unwrap());
        let (mut stream, _) = server.accept().unwrap();
        stream.write_all(answer).unwrap();
        drop(stream);
        let output = client.output();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stderr), "fortuneclient: the server sent no fortune\n");
    }
}

#[test]
fn the_echo_server_echoes_to_many() {
    let (_server, port) = listening("echoserver", &[]);
    echoes_to_many(port);
}

#[test]
fn the_echo_server_of_tasks_echoes_to_many() {
    let (_server, port) = listening("taskechoserver", &[]);
    echoes_to_many(port);
    // The end of what a client sends is not the end of what it gets.
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.write_all(b"the end").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut all = String::new();
    client.read_to_string(&mut all).unwrap();
    assert_eq!(all, "the end");
}

/// Returns the CPU time of each worker, in nanoseconds.
fn times_of_workers(server: &Running) -> Vec<u64> {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.0.id())).unwrap();
    let mut times = Vec::new();
    for task in tasks.map(|task| task.unwrap().path()) {
        if fs::read_to_string(task.join("comm")).unwrap().starts_with("QTcpServer ") {
            let times_of = fs::read_to_string(task.join("schedstat")).unwrap();
            times.push(times_of.split(' ').next().unwrap().parse().unwrap());
        }
    }
    times
}

#[test]
fn the_echo_server_ends_its_connections() {
    for workers in ["0", "2"] {
        let arguments = ["--idle-timeout", "1", "--workers", workers];
        let (server, port) = listening("echoserver", &arguments);
        let start = Instant::now();
        assert_eq!(read_all(connect(port)), b"");
        assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
        // SIGTERM ends a connection in order, and then the program. So does Ctrl-C, but that signal is
        // ignored if the tests are a background job of a shell.
        let mut stream = connect(port);
        stream.write_all(b"hello").unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        let id = server.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(read_all(stream), b"");
        assert_eq!(server.output().status.code(), Some(0));
    }
}

#[test]
fn the_echo_server_has_workers() {
    for number in [1, 2, 3] {
        let (server, port) = listening("echoserver", &["--workers", &number.to_string()]);
        // A thread gets its name when it first runs, which may be later than the server's first
        // line.
        let end = Instant::now() + PATIENCE;
        while times_of_workers(&server).len() != number {
            assert!(Instant::now() < end, "the server has no {number} workers");
            thread::sleep(Duration::from_millis(1));
        }
        echoes_to_many(port);
        let before = times_of_workers(&server);
        let mut streams: Vec<_> = (0..6 * number).map(|_| connect(port)).collect();
        for _ in 0..100 {
            for stream in &mut streams {
                stream.write_all(b"hello").unwrap();
            }
            for stream in &mut streams {
                stream.read_exact(&mut [0; 5]).unwrap();
            }
        }
        // Each has the same work. What a thread is interrupted by counts as its time, too.
        let after = times_of_workers(&server);
        let spent: Vec<_> =
            after.iter().zip(&before).map(|(after, before)| after - before).collect();
        let fair = spent.iter().sum::<u64>() / number as u64;
        println!("{spent:?}");
        assert!(spent.iter().all(|time| (fair / 3..=fair * 3).contains(time)), "{spent:?}");
    }
    let (_server, port) = listening("echoserver", &["--workers", "2", "--sink"]);
    let mut stream = connect(port);
    stream.write_all(&vec![1; 3_000_000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(stream), b"");
    for arguments in [["--workers", "many"], ["--udp", "--workers=2"]] {
        let mut command = example("echoserver");
        command.args(arguments);
        assert_eq!(run(command).status.code(), Some(2));
    }
}

fn echoes_to_many(port: u16) {
    let mut streams: Vec<_> = (0..20).map(|_| connect(port)).collect();
    for (at, stream) in streams.iter_mut().enumerate() {
        stream.write_all(&[at as u8; 1000]).unwrap();
    }
    for (at, stream) in streams.iter_mut().enumerate().rev() {
        let mut answer = [0; 1000];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [at as u8; 1000]);
    }

    let stream = &mut streams[7];
    let big: Vec<u8> = (0..3_000_000).map(|at: u32| (at % 251) as u8).collect();
    let mut writer = stream.try_clone().unwrap();
    let sent = big.clone();
    let writing = thread::spawn(move || writer.write_all(&sent).unwrap());
    let mut answer = vec![0; big.len()];
    stream.read_exact(&mut answer).unwrap();
    writing.join().unwrap();
    assert!(answer == big);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0);
}

#[test]
fn the_sink_sends_nothing_back() {
    let (_server, port) = listening("echoserver", &["--sink"]);
    let mut stream = connect(port);
    // This is more than the buffers in between hold, so the sink must read.
    stream.write_all(&vec![1; 30_000_000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(stream), b"");
}

#[test]
fn loopback_gets_all_that_it_sends() {
    for (bytes, tenths) in [("50000000", 5..=10), ("1", 1..=1), ("0", 0..=0)] {
        let mut command = example("loopback");
        command.args(["--bytes", bytes]);
        let output = run(command);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).starts_with(&format!("{bytes} bytes in ")));
        // Without a terminal there are no bars.
        assert!(tenths.contains(&text(&output.stderr).lines().count()));
    }
    let mut command = example("loopback");
    command.args(["--bytes", "many"]);
    assert_eq!(run(command).status.code(), Some(2));
}

fn kill(signal: &str, child: &Running) {
    let killed = Command::new("kill").args([signal, &child.0.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

#[test]
fn a_daemon_reads_its_settings_again_and_lets_connections_finish() {
    // A program that was started with SIGHUP ignored leaves it so, and so do its children.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    if ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|it| it & 1 != 0))
    {
        return println!("skipped: SIGHUP is ignored, as nohup does it");
    }
    let file = env::temp_dir().join(format!("qcore-daemon-{}", std::process::id()));
    fs::write(&file, "hello\n").unwrap();
    let (server, port) = listening("daemon", &["--greeting", file.to_str().unwrap()]);
    let line = |client: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        line
    };
    let mut first = BufReader::new(connect(port));
    assert_eq!(line(&mut first), "hello\n");
    fs::write(&file, "welcome\n").unwrap();
    kill("-HUP", &server);
    let end = Instant::now() + PATIENCE;
    while line(&mut BufReader::new(connect(port))) != "welcome\n" {
        assert!(Instant::now() < end, "the daemon does not read its greeting");
    }
    fs::remove_file(&file).unwrap();

    kill("-TERM", &server);
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < end, "the daemon does not stop listening");
    }
    // The connection lives until its client ends it.
    first.get_mut().write_all(b"still here\n").unwrap();
    assert_eq!(line(&mut first), "still here\n");
    drop(first);
    let output = server.output();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_daemon_ends_at_its_deadline() {
    let (server, port) = listening("daemon", &["--deadline", "0"]);
    let mut client = connect(port);
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    kill("-TERM", &server);
    assert_eq!(server.output().status.code(), Some(3));
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn the_echo_server_echoes_datagrams() {
    let (_server, port) = listening("echoserver", &["--udp"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(("127.0.0.1", port)).unwrap();
    for size in 0..40 {
        socket.send(&vec![7; size * 30]).unwrap();
    }
    for size in 0..40 {
        let mut answer = [0; 2000];
        let count = socket.recv(&mut answer).unwrap();
        assert_eq!(answer[..count], vec![7; size * 30]);
    }
}

/// Starts a receiver of datagrams. Returns its port and the lines that it prints afterwards.
fn receiver(command: Command) -> (Running, u16, mpsc::Receiver<String>) {
    let (child, told) = watched(command);
    let line = told.recv_timeout(PATIENCE).expect("the receiver prints where it listens");
    let port = line.split([':', ' ']).nth(3).and_then(|port| port.parse().ok());
    (child, port.unwrap_or_else(|| panic!("{line:?}")), told)
}

/// Starts a program and returns the lines that it prints, while it runs.
fn watched(mut command: Command) -> (Running, mpsc::Receiver<String>) {
    let mut child = Running(command.spawn().unwrap());
    let out = child.0.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            let _ = tell.send(line.unwrap());
        }
    });
    (child, told)
}

#[cfg(feature = "dns")]
#[test]
fn dnslookup_asks_a_server() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let at = server.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        // One answer with a text, and one refusal.
        for (flags, records) in [([0x81, 0x80], 1), ([0x81, 0x83], 0)] {
            let mut buffer = [0; 512];
            let (length, peer) = server.recv_from(&mut buffer).unwrap();
            let mut reply = buffer[..length].to_vec();
            reply[2..4].copy_from_slice(&flags);
            reply[7] = records;
            reply.extend(b"\xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\x0b\x05hello\x04\"x\"\n");
            server.send_to(&reply, peer).unwrap();
        }
    });
    let ask = || {
        let mut command = example("dnslookup");
        command.args(["--type", "txt", "--nameserver", &at, "a.example"]);
        run(command)
    };
    let output = ask();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "a.example\t60\tTXT\t\"hello\" \"\\\"x\\\"\\n\"\n");
    let output = ask();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "dnslookup: Non existent domain\n");
    serving.join().unwrap();

    for arguments in [&[][..], &["a", "b"], &["a", "--type", "x"], &["a", "--nameserver", "x:1"]] {
        let mut command = example("dnslookup");
        command.args(arguments);
        assert_eq!(run(command).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn everybody_hears_the_broadcast_sender() {
    let mut command = example("broadcastreceiver");
    // Broadcasts to the loopback network do not leave the machine.
    command.args(["--listen", "0.0.0.0:0", "--count", "2"]);
    let (receiver, port, lines) = receiver(command);
    let mut sender = example("broadcastsender");
    sender.args(["--to", "127.255.255.255", "--port", &port.to_string()]);
    sender.args(["--every", "10", "--count", "2"]);
    let output = run(sender);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "sent: Broadcast message 1\nsent: Broadcast message 2\n");
    for number in 1..=2 {
        let line = lines.recv_timeout(PATIENCE).unwrap();
        assert!(line.ends_with(&format!(": Broadcast message {number}")), "{line}");
        assert!(line.starts_with("127.0.0.1:"), "{line}");
    }
    assert!(receiver.output().status.success());
}

#[test]
fn a_group_hears_the_multicast_sender() {
    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 43, 21);
    let joined = UdpSocket::bind("0.0.0.0:0")
        .and_then(|socket| socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST));
    if let Err(error) = joined {
        println!("skipped: the loopback interface cannot join a multicast group: {error}");
        return;
    }
    let group = ["--group", "239.255.43.21", "--interface", "lo"];
    let mut command = example("multicastreceiver");
    command.args(group).args(["--port", "0", "--count", "1"]);
    let (receiver, port, lines) = receiver(command);
    let mut sender = example("multicastsender");
    sender.args(group).args(["--port", &port.to_string(), "--every", "10", "--count", "1"]);
    let output = run(sender);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let line = lines.recv_timeout(PATIENCE).unwrap();
    assert!(line.ends_with(" to 239.255.43.21: Multicast message 1"), "{line}");
    assert!(receiver.output().status.success());
}

#[test]
fn servers_end_on_sigterm() {
    for (name, (server, _)) in [
        ("chat", chat::server()),
        ("echoserver", listening("echoserver", &[])),
        ("fortuneserver", listening("fortuneserver", &[])),
    ] {
        let killed = Command::new("kill").arg(server.0.id().to_string()).status().unwrap();
        assert!(killed.success());
        assert_eq!(server.output().status.code(), Some(0), "{name}");
    }
}

#[test]
fn our_client_asks_a_server_on_qt() {
    if !has_pyside2() {
        return;
    }
    for wire in [&[][..], &["--pyside2"]] {
        let mut server = pyside2("fortuneserver.py");
        server.args(wire);
        let (_server, port) = serve(server);
        for name in ["fortuneclient", "blockingfortuneclient"] {
            let mut client = example(name);
            client.args(["localhost", &port.to_string()]).args(wire);
            let output = run(client);
            let fortune = "Grüße from Qt \u{1f600}\n";
            assert_eq!(text(&output.stdout), fortune, "{}", text(&output.stderr));
        }
    }
}

#[test]
fn a_client_on_qt_asks_our_server() {
    if !has_pyside2() {
        return;
    }
    for wire in [&[][..], &["--pyside2"]] {
        let (_server, port) = listening("fortuneserver", wire);
        let mut client = pyside2("fortuneclient.py");
        client.arg(port.to_string()).args(wire);
        let output = run(client);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).lines().count(), 1);
        assert!(text(&output.stdout).len() > 10);
    }
}
