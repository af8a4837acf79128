//! `chat`: its server and its client.

use super::*;

pub(super) fn server() -> (Running, u16) {
    let mut command = example("chat");
    command.args(["--serve", "127.0.0.1:0"]);
    serve(command)
}

/// A guest with another client.
struct Guest(BufReader<TcpStream>);

impl Guest {
    fn new(port: u16, name: &str) -> Self {
        let mut guest = Guest(BufReader::new(connect(port)));
        assert!(guest.line().starts_with("* welcome"));
        guest.say(name);
        guest
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Returns the next line, empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[test]
fn a_chat() {
    let (_server, port) = server();
    let mut alice = Guest::new(port, "alice");
    assert_eq!(alice.line(), "* nobody is here yet");
    let mut bob = Guest::new(port, "alice");
    assert_eq!(bob.line(), "* alice is here already; your name?");
    bob.say("");
    assert!(bob.line().starts_with("* a name has"));
    bob.say("b\u{f6}b");
    assert_eq!(bob.line(), "* here are alice");
    assert_eq!(alice.line(), "* b\u{f6}b came");

    let mut client = example("chat");
    client.args([&format!("127.0.0.1:{port}"), "carol"]).stdin(Stdio::piped());
    let mut client = Running(client.spawn().unwrap());
    let mut typed = client.0.stdin.take().unwrap();
    assert_eq!((alice.line(), bob.line()), ("* carol came".into(), "* carol came".into()));
    // Control characters, which could disturb a terminal, are removed.
    alice.say("hello\x1b[31m\x07 carol");
    assert_eq!(bob.line(), "alice: hello[31m carol");
    typed.write_all(b"one\ntwo, without an end").unwrap();
    assert_eq!((alice.line(), bob.line()), ("carol: one".into(), "carol: one".into()));
    drop(bob);
    assert_eq!(alice.line(), "* b\u{f6}b left");
    // The client prints everything it has received before it quits.
    let mut out = BufReader::new(client.0.stdout.take().unwrap());
    let mut printed = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    for wanted in ["* here are alice, b\u{f6}b", "alice: hello[31m carol", "* b\u{f6}b left"] {
        assert_eq!(printed(), wanted);
    }
    drop(typed);
    assert_eq!(alice.line(), "carol: two, without an end");
    assert_eq!(alice.line(), "* carol left");
    let output = client.output();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn who_does_not_read_is_dropped_from_the_chat() {
    let (_server, port) = server();
    let mut slow = Guest::new(port, "slow");
    assert_eq!(slow.line(), "* nobody is here yet");
    let mut reader = Guest::new(port, "reader");
    assert_eq!(reader.line(), "* here are slow");
    let mut talker = Guest::new(port, "talker");
    assert_eq!(talker.line(), "* here are slow, reader");
    assert_eq!(reader.line(), "* talker came");
    // The system buffers some megabytes for a guest who does not read, but not more. One round is
    // less than the server keeps for a guest, so no other guest is slow.
    let (line, mut dropped, mut rounds) = ("x".repeat(1000), false, 0);
    while !dropped {
        rounds += 1;
        assert!(rounds < 1000, "nobody is dropped");
        (0..100).for_each(|_| talker.say(&line));
        let mut lines = 0;
        while lines < 100 {
            match reader.line() {
                said if said.starts_with("talker: x") => lines += 1,
                told => {
                    assert_eq!(told, "* slow was dropped: reads too slowly");
                    dropped = true;
                }
            }
        }
    }
    drop(talker);
    assert_eq!(reader.line(), "* talker left");

    // A guest who sends an endless line is dropped, too.
    let mut endless = Guest::new(port, "endless");
    assert_eq!(reader.line(), "* endless came");
    endless.0.get_mut().write_all(&[b'x'; 5000]).unwrap();
    assert_eq!(reader.line(), "* endless was dropped: a line without end");
}

#[test]
fn a_chat_client_without_a_server() {
    let (server, port) = server();
    let mut client = example("chat");
    client.args([&format!("127.0.0.1:{port}"), "alice"]).stdin(Stdio::piped());
    let mut client = Running(client.spawn().unwrap());
    let _typed = client.0.stdin.take();
    let mut other = Guest::new(port, "other");
    // The other guest is told when the client has entered.
    let told = other.line();
    assert!(told == "* here are alice" || other.line() == "* alice came", "{told}");
    drop(server);
    let output = client.output();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "chat: The remote host closed the connection\n");
}
