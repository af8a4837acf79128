//! The reconnecting client with servers that die and come back.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use super::{PATIENCE, PYTHON, Running, example, run, text};

/// The lines that a process prints.
struct Lines(Receiver<String>);

impl Lines {
    fn of(out: ChildStdout) -> Self {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                let Ok(line) = line else { return };
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Lines(told)
    }

    /// Returns the next line that begins so.
    #[track_caller]
    fn wait_for(&self, begin: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.0.recv_timeout(left).unwrap_or_else(|_| panic!("no line {begin:?}"));
            if line.starts_with(begin) {
                return line;
            }
        }
    }
}

fn client(port: u16, more: &[&str]) -> Running {
    let mut command = example("reconnectingclient");
    command.args(["--delay", "5"]).args(more).args(["127.0.0.1", &port.to_string()]);
    Running(command.stdin(Stdio::piped()).spawn().unwrap())
}

/// Returns a port that was free just now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A server that greets one client, prints a line of that client, and ends.
const SERVER: &str = "
import socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', int(sys.argv[1])))
server.listen()
client = server.accept()[0]
client.sendall(sys.argv[2].encode() + b'\\n')
print(client.makefile().readline().strip(), flush=True)
";

fn python_server(port: u16, greeting: &str) -> Option<Running> {
    let mut command = Command::new(PYTHON);
    command.args(["-c", SERVER, &port.to_string(), greeting]);
    match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => Some(Running(child)),
        Err(error) => {
            println!("skipped: {PYTHON}: {error}");
            None
        }
    }
}

#[test]
fn the_server_dies_and_comes_back() {
    let port = free_port();
    let mut client = client(port, &[]);
    let mut typed = client.0.stdin.take().unwrap();
    let printed = Lines::of(client.0.stdout.take().unwrap());
    printed.wait_for("* Connection refused; trying again in");
    // Typed while there is no server.
    typed.write_all(b"first\nsec").unwrap();
    for (greeting, line, next) in [("one", "first", "ond\n"), ("two", "second", "third\n")] {
        let Some(mut server) = python_server(port, greeting) else { return };
        let told = Lines::of(server.0.stdout.take().unwrap());
        printed.wait_for(&format!("* connected to 127.0.0.1 {port}"));
        printed.wait_for(greeting);
        told.wait_for(line);
        assert!(server.output().status.success());
        printed.wait_for("* ");
        typed.write_all(next.as_bytes()).unwrap();
    }
    drop(typed);
    assert_eq!(client.output().status.code(), Some(0));
}

/// Netcat is a server for one connection.
#[test]
fn a_server_by_netcat() {
    let port = free_port();
    let mut client = client(port, &[]);
    let mut typed = client.0.stdin.take().unwrap();
    let printed = Lines::of(client.0.stdout.take().unwrap());
    for round in 0..2 {
        let mut netcat = Command::new("nc");
        netcat.args(["-l", "127.0.0.1", &port.to_string()]).stdin(Stdio::piped());
        let netcat = netcat.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut netcat) = netcat.map(Running) else {
            println!("skipped: there is no nc");
            return;
        };
        let said = Lines::of(netcat.0.stdout.take().unwrap());
        printed.wait_for("* connected");
        writeln!(typed, "round {round}").unwrap();
        said.wait_for(&format!("round {round}"));
        netcat.0.kill().unwrap();
        netcat.output();
        printed.wait_for("* The remote host closed the connection; trying again in");
    }
}

#[test]
fn it_gives_up_and_its_limit_holds() {
    let port = free_port();
    let mut command = example("reconnectingclient");
    command.args(["--attempts", "2", "--delay", "1", "127.0.0.1", &port.to_string()]);
    // Without an input that stays open, the program would end at once.
    let mut client = Running(command.stdin(Stdio::piped()).spawn().unwrap());
    let typed = client.0.stdin.take();
    let output = client.output();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert_eq!(text(&output.stderr), "reconnectingclient: Connection refused\n");
    drop(typed);

    let mut client = self::client(port, &["--keep", "8"]);
    let mut typed = client.0.stdin.take().unwrap();
    let printed = Lines::of(client.0.stdout.take().unwrap());
    typed.write_all(b"1234567\n8\n").unwrap();
    printed.wait_for("* not sent: ");
    drop(typed);
    assert_eq!(client.output().status.code(), Some(0));

    let output = run(example("reconnectingclient"));
    assert_eq!(output.status.code(), Some(2));
}
