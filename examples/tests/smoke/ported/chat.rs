//! The chat without a server.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use qcore::QDataStream;
use socket2::{Domain, Socket, Type};

use super::{Language, PATIENCE, Talker, in_each_language, in_each_pair, ported};

/// Returns a port for broadcasts, with the socket that holds it.
fn port() -> (Socket, u16) {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

fn peer(language: Language, name: &str, port: u16) -> Talker {
    let mut command = ported(language, "chat");
    command.args([name, &port.to_string()]);
    Talker::new(command)
}

#[test]
fn peers_find_one_another() {
    in_each_pair(|one, other| {
        let (_socket, port) = port();
        let mut ann = peer(one, "ann", port);
        let mut bob = peer(other, "bob", port);
        ann.says(&["* bob is here"]);
        bob.says(&["* ann is here"]);
        ann.hears("hello bob\n");
        bob.says(&["<ann> hello bob"]);
        bob.hears("grün \u{1f600}\nand");
        ann.says(&["<bob> grün \u{1f600}"]);
        bob.hears(" more\n");
        ann.says(&["<bob> and more"]);

        let zoe = peer(one, "zoe", port);
        ann.says(&["* zoe is here"]);
        bob.says(&["* zoe is here"]);
        let here = BTreeSet::from([zoe.line(), zoe.line()]);
        assert_eq!(here, BTreeSet::from(["* ann is here", "* bob is here"].map(str::to_owned)));
        ann.hears("to all\n");
        bob.says(&["<ann> to all"]);
        zoe.says(&["<ann> to all"]);

        ann.hears("bye\n");
        bob.says(&["<ann> bye"]);
        zoe.says(&["<ann> bye"]);
        bob.ends(0, &["* ann is gone", "* zoe is gone"]);
        ann.says(&["* bob is gone"]);
        zoe.says(&["* bob is gone"]);
        zoe.ends(0, &["* ann is gone"]);
        ann.ends(0, &["* zoe is gone"]);
    });
}

/// Tells the peers of a listener, until one connects. A peer that has just dropped the listener
/// may not yet be ready to connect again.
fn connected(listener: &TcpListener, socket: &Socket, port: u16) -> BufReader<TcpStream> {
    let mut stream = QDataStream::from_bytes([]);
    stream.write("zoe").write(&listener.local_addr().unwrap().port());
    let to = SocketAddr::from(([127, 255, 255, 255], port)).into();
    let whole = stream.into_bytes();
    let end = Instant::now() + PATIENCE;
    listener.set_nonblocking(true).unwrap();
    let stream = loop {
        for data in [&b""[..], b"\xff\xff\xff\xff", b"\0\0\0\x02\0z", &whole] {
            socket.send_to(data, &to).unwrap();
        }
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        thread::sleep(Duration::from_millis(10));
    };
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert_eq!(line, "GREETING ann\n");
    stream
}

#[test]
fn a_peer_that_breaks_the_protocol_is_dropped() {
    in_each_language(|language| {
        let (socket, port) = port();
        let mut ann = peer(language, "ann", port);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endless = vec![b'x'; 10_000];
        for (greeted, bytes) in [
            (false, &b"MESSAGE too early\n"[..]),
            (false, b"GREETING \n"),
            (false, b"\n"),
            (false, &endless),
            (true, b"GREETING zoe\nGREETING zoe\n"),
            (true, b"GREETING zoe\nNONSENSE\n"),
        ] {
            let mut stream = connected(&listener, &socket, port);
            stream.get_mut().write_all(bytes).unwrap();
            // The peer resets the connection, as it has not read all of the endless line.
            let _ = stream.read_to_end(&mut Vec::new());
            if greeted {
                ann.says(&["* zoe is here", "* zoe is gone"]);
            }
        }

        let mut stream = connected(&listener, &socket, port);
        stream.get_mut().write_all(b"GREETING zoe\nPING \nMESSAGE gr\xc3\xbcn\n").unwrap();
        ann.says(&["* zoe is here", "<zoe> grün"]);
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        assert_eq!(line, "PONG \n");
        ann.hears("hello\n");
        line.clear();
        stream.read_line(&mut line).unwrap();
        assert_eq!(line, "MESSAGE hello\n");
        drop(stream);
        ann.says(&["* zoe is gone"]);
        ann.ends(0, &[]);
    });
}
