//! `websocketecho`, with Python's `websockets` and with frames written by hand.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use socket2::SockRef;

use super::{
    super::{PYTHON, connect, listening, run, text},
    certificate, descriptors, has, pattern, wait_for_descriptors,
};

#[test]
fn python_talks_to_it() {
    if !has(PYTHON, &["-c", "import websockets"]) {
        return;
    }
    python_talks(&[], |port| vec![format!("ws://127.0.0.1:{port}/")]);
    let root = certificate("ca.crt");
    python_talks(&["--tls"], |port| vec![format!("wss://localhost:{port}/"), root]);
}

/// Runs Python's client against the server.
fn python_talks(server: &[&str], client: impl FnOnce(u16) -> Vec<String>) {
    let (server, port) = listening("websocketecho", server);
    let before = descriptors(&server);
    let mut command = Command::new(PYTHON);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/websockets/client.py"));
    command.args(client(port));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "messages\nlarge\nfragments\nping\nmany\nclosed 1000\n");
    wait_for_descriptors(&server, before);
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Connects, and does the handshake.
fn upgraded(port: u16) -> TcpStream {
    let mut stream = connect(port);
    stream.write_all(REQUEST.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = text(&head);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // RFC 6455, section 1.3, has this key and this answer.
    let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    assert!(head.lines().any(|line| line.eq_ignore_ascii_case(accept)), "{head}");
    stream
}

/// Returns a client's frame. `first` has the bit for the last fragment, and the opcode.
fn frame(first: u8, data: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let mut frame = vec![first];
    match data.len() {
        len @ ..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(data.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Reads a frame of the server: its first byte and its data.
fn answer(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let len = match head[1] {
        126 => {
            let mut len = [0; 2];
            stream.read_exact(&mut len).unwrap();
            u16::from_be_bytes(len).into()
        }
        127 => {
            let mut len = [0; 8];
            stream.read_exact(&mut len).unwrap();
            u64::from_be_bytes(len) as usize
        }
        len => len.into(),
    };
    let mut data = vec![0; len];
    stream.read_exact(&mut data).unwrap();
    (head[0], data)
}

#[test]
fn frames_and_the_closing_handshake() {
    let (_server, port) = listening("websocketecho", &[]);
    let mut stream = upgraded(port);
    // A text in two fragments, with a ping in between.
    let sent = [frame(0x01, b"hel"), frame(0x89, b"there?"), frame(0x80, b"lo")].concat();
    stream.write_all(&sent).unwrap();
    assert_eq!(answer(&mut stream), (0x8a, b"there?".to_vec()));
    assert_eq!(answer(&mut stream), (0x81, b"hello".to_vec()));
    // Each byte by itself.
    stream.set_nodelay(true).unwrap();
    for byte in frame(0x82, b"\0\xff") {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(answer(&mut stream), (0x82, b"\0\xff".to_vec()));
    stream.write_all(&frame(0x82, &pattern(1_000_000))).unwrap();
    assert!(answer(&mut stream) == (0x82, pattern(1_000_000)));
    stream.write_all(&frame(0x88, &1000_u16.to_be_bytes())).unwrap();
    assert_eq!(answer(&mut stream), (0x88, 1000_u16.to_be_bytes().to_vec()));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn clients_that_go_away_or_talk_nonsense() {
    let (server, port) = listening("websocketecho", &[]);
    let before = descriptors(&server);
    for round in 0..20 {
        let mut stream = if round < 10 { connect(port) } else { upgraded(port) };
        let sent = match round {
            ..5 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            5..10 => b"GET / HT".to_vec(),
            // A reserved opcode, a text that is no UTF-8, a message that is too long.
            10 => frame(0x83, b""),
            11 => frame(0x81, b"\xff"),
            12 => [&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat(),
            13.. => frame(0x82, &pattern(200_000))[..100_000].to_vec(),
        };
        stream.write_all(&sent).unwrap();
        if (10..13).contains(&round) {
            // The server ends the connection.
            let ended = stream.read_to_end(&mut Vec::new());
            let timed_out = ended.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            assert!(!timed_out, "round {round}");
        }
        if round % 2 == 0 {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
    wait_for_descriptors(&server, before);
    let mut stream = upgraded(port);
    stream.write_all(&frame(0x81, b"still here")).unwrap();
    assert_eq!(answer(&mut stream), (0x81, b"still here".to_vec()));
}
